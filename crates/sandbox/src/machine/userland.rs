//! The host's own userland for plain users.
//!
//! To change a file, an overlay has to copy it together with its folders and their owners. In a
//! user namespace of a plain user, the host's root is nobody, so nothing of the host could be
//! changed. Hence a layer that belongs to the user: `/etc`, what packages keep in `/var`, and
//! below `/usr` the folders alone, in which files can be added, replaced and removed then. It is
//! made once for many machines. `/usr` itself is an overlay of its own upon the host's, because
//! the kernel lets nobody look below the mounts that others made on `/`.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};

use camino::{Utf8Path, Utf8PathBuf};

use super::ground::Ground;

/// Trees of which all files are taken that the user may read.
const TAKEN: [&str; 10] = [
    "etc",
    "var/cache/debconf",
    "var/lib/dpkg",
    "var/lib/misc",
    "var/lib/pam",
    "var/lib/python",
    "var/lib/sgml-base",
    "var/lib/systemd",
    "var/lib/ucf",
    "var/lib/xml-core",
];
/// Trees of which the folders are taken.
const FOLDERS: [&str; 2] = ["usr", "var"];
/// How deep files are taken.
const DEPTH_MAX: usize = 24;
/// How deep folders are taken: what packages add goes at most so deep into what is there.
const FOLDERS_DEPTH_MAX: usize = 5;
/// What every system has and what is empty here, with its mode.
const EMPTY: [(&str, u32); 14] = [
    ("boot", 0o755),
    ("dev", 0o755),
    ("home", 0o755),
    ("media", 0o755),
    ("mnt", 0o755),
    ("opt", 0o755),
    ("proc", 0o755),
    ("root", 0o700),
    ("run", 0o755),
    ("srv", 0o755),
    ("sys", 0o755),
    ("tmp", 0o1777),
    ("usr", 0o755),
    ("var", 0o755),
];
/// Larger files are no settings and no state of packages.
const FILE_BYTES_MAX: u64 = 64 << 20;
const FORMAT: &str = "userland 1";

/// Returns the layer for a machine that is kept in this folder, which is made beside it if
/// there is none. A machine stays with the layer that it began with.
pub(crate) fn layer(kept: &Utf8Path, ground: Ground) -> io::Result<Utf8PathBuf> {
    let chosen = kept.join("userland");
    let around = kept.parent().unwrap_or(kept);
    if let Ok(name) = fs_err::read_to_string(&chosen) {
        let layer = around.join(name.trim());
        if layer.is_dir() {
            return Ok(layer);
        }
    }
    let host = ground.seen(Utf8Path::new("/"));
    let name = format!("userland-{:016x}", state(&host));
    let layer = around.join(&name);
    if !layer.is_dir() {
        // Whole or not at all, and with several machines at once.
        let made = around.join(format!("{name}.{}", kept.file_name().unwrap_or_default()));
        let _ = fs_err::remove_dir_all(&made);
        fs_err::create_dir(&made)?;
        fill(&made, &host)?;
        if let Err(error) = fs_err::rename(&made, &layer) {
            let _ = fs_err::remove_dir_all(&made);
            if !layer.is_dir() {
                return Err(error);
            }
        }
    }
    fs_err::write(&chosen, &name)?;
    Ok(layer)
}

/// Returns a number that is another one when packages of the host have changed.
fn state(host: &Utf8Path) -> u64 {
    let mut hasher = DefaultHasher::new();
    FORMAT.hash(&mut hasher);
    for path in ["etc", "etc/passwd", "etc/group", "usr", "usr/bin", "usr/lib", "var/lib/dpkg/status"] {
        if let Ok(metadata) = host.join(path).metadata() {
            (path, metadata.mtime(), metadata.mtime_nsec(), metadata.size()).hash(&mut hasher);
        }
    }
    hasher.finish()
}

fn fill(layer: &Utf8Path, host: &Utf8Path) -> io::Result<()> {
    mode(layer, 0o755)?;
    for (name, bits) in EMPTY {
        fs_err::create_dir(layer.join(name))?;
        mode(&layer.join(name), bits)?;
    }
    // `/bin` and its like lead into `/usr`.
    for entry in host.read_dir_utf8()?.flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_symlink()) {
            copy_link(entry.path(), &layer.join(entry.file_name()))?;
        }
    }
    for tree in FOLDERS {
        copy_tree(&host.join(tree), &layer.join(tree), false, FOLDERS_DEPTH_MAX)?;
    }
    for tree in TAKEN {
        let target = layer.join(tree);
        fs_err::create_dir_all(target.parent().unwrap_or(layer))?;
        copy_tree(&host.join(tree), &target, true, DEPTH_MAX)?;
    }
    for folder in ["var/tmp", "var/log", "var/lib", "var/cache"] {
        fs_err::create_dir_all(layer.join(folder))?;
    }
    mode(&layer.join("var/tmp"), 0o1777)?;
    let _ = fs_err::remove_file(layer.join("etc/machine-id"));
    secrets(layer, "passwd", "shadow", ":*:19000:0:99999:7:::")?;
    secrets(layer, "group", "gshadow", ":*::")
}

/// Copies what can be read. A folder that cannot is there, and empty.
fn copy_tree(from: &Utf8Path, to: &Utf8Path, with_files: bool, depth: usize) -> io::Result<()> {
    let Ok(metadata) = from.symlink_metadata() else { return Ok(()) };
    if !metadata.is_dir() {
        return Ok(());
    }
    fs_err::create_dir_all(to)?;
    let device = metadata.dev();
    if depth > 0 {
        for entry in from.read_dir_utf8().into_iter().flatten().flatten() {
            let (Ok(metadata), target) = (entry.path().symlink_metadata(), to.join(entry.file_name())) else {
                continue;
            };
            if metadata.is_dir() && metadata.dev() == device {
                copy_tree(entry.path(), &target, with_files, depth - 1)?;
            } else if with_files && metadata.is_symlink() {
                copy_link(entry.path(), &target)?;
            } else if with_files && metadata.is_file() && metadata.len() <= FILE_BYTES_MAX {
                copy_file(entry.path(), &target, &metadata)?;
            }
        }
    }
    mode(to, metadata.mode() & 0o1777 | 0o700)
}

fn copy_link(from: &Utf8Path, to: &Utf8Path) -> io::Result<()> {
    match fs_err::read_link(from) {
        Ok(target) if to.symlink_metadata().is_err() => fs_err::os::unix::fs::symlink(target, to),
        Ok(_) | Err(_) => Ok(()),
    }
}

fn copy_file(from: &Utf8Path, to: &Utf8Path, metadata: &std::fs::Metadata) -> io::Result<()> {
    match fs_err::read(from) {
        // Not for this user.
        Err(_) => Ok(()),
        Ok(bytes) => {
            fs_err::write(to, bytes)?;
            mode(to, metadata.mode() & 0o777 | 0o600)
        }
    }
}

/// Programs that add users want to have a file of passwords, which no plain user may read.
fn secrets(layer: &Utf8Path, names: &str, secrets: &str, entry: &str) -> io::Result<()> {
    let path = layer.join("etc").join(secrets);
    if path.exists() {
        return Ok(());
    }
    let text = fs_err::read_to_string(layer.join("etc").join(names)).unwrap_or_default();
    let lines = text.lines().filter_map(|line| line.split(':').next()).filter(|name| !name.is_empty());
    let entries: Vec<String> = lines.map(|name| format!("{name}{entry}\n")).collect();
    fs_err::write(&path, entries.concat())?;
    mode(&path, 0o600)
}

fn mode(path: &Utf8Path, bits: u32) -> io::Result<()> {
    fs_err::set_permissions(path, std::fs::Permissions::from_mode(bits))
}
