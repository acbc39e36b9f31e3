//! Python's compiled files, handed on from one environment to the next.
//!
//! Every environment of a fleet holds much the same packages, and in a fresh one the
//! first process compiles all that it imports, which takes longer than many a suite.
//! uv installs by hard link, so a source file has the same time of change in every
//! environment, and Python takes a compiled file for it as its own: it compares time
//! and size, and compiles anew where they differ. Files are kept under the digest of what
//! the distribution's RECORD says of its modules, so another content is another entry.
//!
//! Only what uv linked is handed on; pip writes a file of its own each time. What is kept
//! lies where no suite can write: it is copied, by us, after a run, and only if it begins
//! as Python's compiled file of that very source does.

use std::io::Read as _;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};

use camino::{Utf8Path, Utf8PathBuf};
use sha2::{Digest as _, Sha256};

use crate::swap::record::{Distribution, distributions, hex};

/// Largest RECORD that is read: kubernetes has 200 KiB.
const RECORD_BYTES_MAX: u64 = 4 * 1024 * 1024;
/// Largest compiled file that is kept.
const COMPILED_BYTES_MAX: u64 = 8 * 1024 * 1024;
/// The magic number, the flags, and the time of change and the size of the source (PEP 552).
const HEADER_BYTES: usize = 16;

/// Where compiled files are kept in a cache.
pub fn store(cache: &Utf8Path) -> Utf8PathBuf {
    cache.join("bytecode")
}

/// Copies the compiled files that are known for what is installed in the folder.
///
/// Nothing here is needed for a run to be right, so what fails is passed over.
pub fn hand_out(store: &Utf8Path, site_packages: &Utf8Path) {
    each_module(store, site_packages, |module| {
        let compiled = &module.compiled;
        if !module.kept.exists() || compiled.exists() {
            return;
        }
        if let Some(folder) = compiled.parent()
            && (folder.is_dir() || std::fs::create_dir(folder).is_ok())
        {
            let _ = fs_err::copy(&module.kept, compiled);
        }
    });
}

/// Keeps what Python compiled in the folder during a run.
pub fn take_in(store: &Utf8Path, site_packages: &Utf8Path) {
    each_module(store, site_packages, |module| {
        // A source with one link is not uv's.
        let Ok(source) = std::fs::symlink_metadata(&module.source) else { return };
        if !source.is_file() || source.nlink() < 2 {
            return;
        }
        let Some(mut file) = open_plain(&module.compiled) else { return };
        let Some(header) = header(&mut file).filter(|header| is_of(header, &source)) else { return };
        let kept = open_plain(&module.kept).and_then(|mut kept| self::header(&mut kept));
        if kept == Some(header) {
            return;
        }
        let mut bytes = header.to_vec();
        if file.take(COMPILED_BYTES_MAX).read_to_end(&mut bytes).is_err()
            || bytes.len() as u64 > COMPILED_BYTES_MAX
        {
            return;
        }
        let Some(folder) = module.kept.parent() else { return };
        let temporary = folder.join(format!(".{}-{:?}", std::process::id(), std::thread::current().id()));
        let is_written = fs_err::create_dir_all(folder).is_ok() && fs_err::write(&temporary, &bytes).is_ok();
        if !is_written || fs_err::rename(&temporary, &module.kept).is_err() {
            let _ = fs_err::remove_file(&temporary);
        }
    });
}

/// One module of a distribution.
struct Module {
    source: Utf8PathBuf,
    /// Where Python keeps what it compiled of it.
    compiled: Utf8PathBuf,
    /// Where we do.
    kept: Utf8PathBuf,
}

fn each_module(store: &Utf8Path, site_packages: &Utf8Path, mut visit: impl FnMut(&Module)) {
    let Some(tag) = tag_of(site_packages) else { return };
    for distribution in distributions(site_packages) {
        let Some((digest, modules)) = listed(&distribution) else { continue };
        for module in modules {
            let source = site_packages.join(&module);
            let (Some(folder), Some(stem)) = (source.parent(), source.file_stem()) else { continue };
            visit(&Module {
                compiled: folder.join("__pycache__").join(format!("{stem}.{tag}.pyc")),
                kept: store.join(&digest).join(&tag).join(flat(&module)),
                source,
            });
        }
    }
}

/// Returns the modules that a RECORD lists, and the digest of what it says of them.
fn listed(distribution: &Distribution) -> Option<(String, Vec<String>)> {
    let mut record = String::new();
    open_plain(&distribution.info.join("RECORD"))?.take(RECORD_BYTES_MAX).read_to_string(&mut record).ok()?;
    let mut modules = Vec::new();
    let mut digest = Sha256::new();
    // The other lines name scripts, which differ from environment to environment.
    for line in record.lines() {
        let Some((module, said)) = line.split_once(',') else { continue };
        let is_inside = !module.starts_with(['/', '"']) && !module.split('/').any(|part| part == "..");
        if module.ends_with(".py") && is_inside && said.starts_with("sha256=") {
            digest.update(line);
            digest.update("\n");
            modules.push(module.to_owned());
        }
    }
    let digest = hex(&digest.finalize())[..32].to_owned();
    (!modules.is_empty()).then_some((digest, modules))
}

/// Opens a file that is one itself, and no link to another.
fn open_plain(path: &Utf8Path) -> Option<std::fs::File> {
    let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
    let flags = i32::try_from(flags.bits()).ok()?;
    let file = std::fs::OpenOptions::new().read(true).custom_flags(flags).open(path).ok()?;
    file.metadata().is_ok_and(|found| found.is_file()).then_some(file)
}

fn header(file: &mut std::fs::File) -> Option<[u8; HEADER_BYTES]> {
    let mut header = [0; HEADER_BYTES];
    file.read_exact(&mut header).ok()?;
    Some(header)
}

/// Whether a compiled file begins so that Python takes it for that of this source.
fn is_of(header: &[u8; HEADER_BYTES], source: &std::fs::Metadata) -> bool {
    let number = |at: usize| u32::from_le_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]]);
    // Both are cut to 32 bits (importlib's `_validate_timestamp_pyc`).
    let cut = |value: u64| (value & 0xffff_ffff) as u32;
    header[2..4] == *b"\r\n"
        && number(4) == 0
        && number(8) == cut(source.mtime().cast_unsigned())
        && number(12) == cut(source.size())
}

/// `cpython-312`, from `…/lib/python3.12/site-packages`. Other Pythons name theirs
/// otherwise, and are left to themselves.
fn tag_of(site_packages: &Utf8Path) -> Option<String> {
    let (major, minor) = site_packages.parent()?.file_name()?.strip_prefix("python")?.split_once('.')?;
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    (is_number(major) && is_number(minor)).then(|| format!("cpython-{major}{minor}"))
}

/// One name per module: no folders have to be made.
fn flat(module: &str) -> String {
    module.replace('%', "%25").replace('/', "%2F")
}

#[cfg(test)]
mod tests {
    use super::*;

    const RECORD: &str = "../../../bin/tool,sha256=zz,9\ntool/__init__.py,sha256=aa,3\ntool/data.txt,sha256=bb,3\n\
                          tool-1.dist-info/RECORD,,\n../outside.py,sha256=cc,1\n";

    /// An environment with one distribution, whose source is linked from elsewhere.
    fn environment(root: &Utf8Path, name: &str, record: &str, is_linked: bool) -> Utf8PathBuf {
        let folder = root.join(name).join("lib/python3.12/site-packages");
        fs_err::create_dir_all(folder.join("tool-1.dist-info")).unwrap();
        fs_err::create_dir_all(folder.join("tool")).unwrap();
        fs_err::write(folder.join("tool-1.dist-info/RECORD"), record).unwrap();
        if is_linked {
            if !root.join("archive.py").exists() {
                fs_err::write(root.join("archive.py"), "x=1").unwrap();
            }
            fs_err::hard_link(root.join("archive.py"), folder.join("tool/__init__.py")).unwrap();
        } else {
            fs_err::write(folder.join("tool/__init__.py"), "x=1").unwrap();
        }
        folder
    }

    fn compiled_path(site_packages: &Utf8Path) -> Utf8PathBuf {
        site_packages.join("tool/__pycache__/__init__.cpython-312.pyc")
    }

    /// Writes what Python would, of a source with this magic number.
    fn compile(site_packages: &Utf8Path, magic: u8, text: &str) {
        let source = fs_err::metadata(site_packages.join("tool/__init__.py")).unwrap();
        let mut bytes = vec![magic, 13, b'\r', b'\n', 0, 0, 0, 0];
        bytes.extend(u32::try_from(source.mtime()).unwrap().to_le_bytes());
        bytes.extend(u32::try_from(source.size()).unwrap().to_le_bytes());
        bytes.extend(text.as_bytes());
        fs_err::create_dir_all(site_packages.join("tool/__pycache__")).unwrap();
        fs_err::write(compiled_path(site_packages), bytes).unwrap();
    }

    fn compiled(site_packages: &Utf8Path) -> Option<String> {
        let bytes = fs_err::read(compiled_path(site_packages)).ok()?;
        Some(String::from_utf8_lossy(&bytes[HEADER_BYTES..]).into_owned())
    }

    fn root() -> (tempfile::TempDir, Utf8PathBuf) {
        let temp = tempfile::tempdir().unwrap();
        let path = Utf8PathBuf::from_path_buf(temp.path().to_path_buf()).unwrap();
        (temp, path)
    }

    #[test]
    fn what_one_environment_compiled_the_next_one_has() {
        let (_temp, root) = root();
        let store = root.join("store");
        let first = environment(&root, "first", RECORD, true);
        compile(&first, 1, "compiled");
        take_in(&store, &first);
        // A script's own line differs: its digest covers the environment's path.
        let second = environment(&root, "second", &RECORD.replace("=zz", "=yy"), true);
        hand_out(&store, &second);
        assert_eq!(compiled(&second).as_deref(), Some("compiled"));
    }

    #[test]
    fn another_content_is_another_entry() {
        let (_temp, root) = root();
        let store = root.join("store");
        let first = environment(&root, "first", RECORD, true);
        compile(&first, 1, "compiled");
        take_in(&store, &first);
        let second = environment(&root, "second", &RECORD.replace("=aa", "=ab"), true);
        hand_out(&store, &second);
        assert_eq!(compiled(&second), None);
    }

    #[test]
    fn what_was_not_linked_is_not_kept() {
        let (_temp, root) = root();
        let store = root.join("store");
        let first = environment(&root, "first", RECORD, false);
        compile(&first, 1, "compiled");
        take_in(&store, &first);
        assert!(!store.exists());
    }

    #[test]
    fn a_newer_compiled_file_takes_the_place_of_an_older_one() {
        let (_temp, root) = root();
        let store = root.join("store");
        let first = environment(&root, "first", RECORD, true);
        compile(&first, 1, "old");
        take_in(&store, &first);
        compile(&first, 2, "new");
        take_in(&store, &first);
        let second = environment(&root, "second", RECORD, true);
        hand_out(&store, &second);
        assert_eq!(compiled(&second).as_deref(), Some("new"));
    }

    /// A suite may leave anything behind where a compiled file should be.
    #[test]
    fn what_is_no_compiled_file_of_the_source_is_not_kept() {
        let (_temp, root) = root();
        let store = root.join("store");
        let secret = root.join("secret");
        fs_err::write(&secret, "a secret that is longer than a header").unwrap();
        let site_packages = environment(&root, "first", RECORD, true);
        compile(&site_packages, 1, "of another time");
        let mut bytes = fs_err::read(compiled_path(&site_packages)).unwrap();
        bytes[8] ^= 1;
        fs_err::write(compiled_path(&site_packages), bytes).unwrap();
        take_in(&store, &site_packages);
        fs_err::copy(&secret, compiled_path(&site_packages)).unwrap();
        take_in(&store, &site_packages);
        fs_err::remove_file(compiled_path(&site_packages)).unwrap();
        fs_err::os::unix::fs::symlink(&secret, compiled_path(&site_packages)).unwrap();
        take_in(&store, &site_packages);
        assert!(!store.exists());
    }

    #[test]
    fn only_cpython_has_a_tag() {
        for (path, expected) in [
            ("/e/lib/python3.12/site-packages", Some("cpython-312")),
            ("/e/lib/python3.13t/site-packages", None),
            ("/e/lib/pypy3.10/site-packages", None),
        ] {
            assert_eq!(tag_of(Utf8Path::new(path)).as_deref(), expected, "{path}");
        }
    }
}
