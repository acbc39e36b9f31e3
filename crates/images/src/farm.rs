//! This host's userland for a plain user: `/usr` is bound somewhere else, and links lead there.
//!
//! A plain user's namespace may have no overlay of `/`. So `/usr` of the host is bound to [`PLACE`], and the
//! layer has a link for each thing in it. Where a layer has a folder of its own, it is *unfolded*: it has
//! what is its own, and links for the rest.

use std::io;
use std::os::unix::fs::symlink;

use camino::{Utf8Path, Utf8PathBuf};

use crate::cache::{OPAQUE, OPAQUE_OF_USERS};
use crate::copy::is_whiteout;

/// Where `/usr` of the host is bound.
pub(crate) const PLACE: &str = "/.host/usr";
/// What of `/etc` is left out, because it is larger than any setting.
const SETTING_BYTES_MAX: u64 = 4 << 20;
/// How deep folders are made as the host has them.
const DEPTH_MAX: usize = 4;

/// Returns whether a link leads to the host's userland.
pub(crate) fn is_link(target: &str) -> bool {
    target.strip_prefix(PLACE).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Adds to a folder of a layer, and to those in it, links for what the host's folder has and it has not.
/// `host` is below `/usr`, and what the layer says to be hidden stays so.
pub(crate) fn unfold(folder: &Utf8Path, host: &Utf8Path) -> io::Result<()> {
    let Ok(rest) = host.strip_prefix("/usr") else { return Ok(()) };
    let place = Utf8Path::new(PLACE).join(rest);
    for entry in host.read_dir_utf8()? {
        // A name that is no text is nothing that a unit needs.
        let Ok(entry) = entry else { continue };
        let own = folder.join(entry.file_name());
        match own.symlink_metadata() {
            Err(_) => symlink(place.join(entry.file_name()), own)?,
            Ok(metadata) if is_whiteout(&metadata) => {}
            Ok(metadata) if metadata.is_dir() && !is_opaque(&own) && entry.path().is_dir() => {
                unfold(&own, entry.path())?;
            }
            Ok(_) => {}
        }
    }
    Ok(())
}

/// Unfolds what a layer has in places where one below has a link to the host's userland.
pub(crate) fn unfold_above(layer: &Utf8Path, below: &[Utf8PathBuf]) -> io::Result<()> {
    let usr = layer.join("usr");
    if usr.is_dir() { unfold_in(&usr, Utf8Path::new("usr"), below) } else { Ok(()) }
}

fn unfold_in(folder: &Utf8Path, relative: &Utf8Path, below: &[Utf8PathBuf]) -> io::Result<()> {
    for entry in folder.read_dir_utf8()? {
        let entry = entry?;
        if !entry.file_type()?.is_dir() || is_opaque(entry.path()) {
            continue;
        }
        let relative = relative.join(entry.file_name());
        let mut places = below.iter().map(|layer| layer.join(&relative));
        match places.find(|place| place.symlink_metadata().is_ok()) {
            Some(place) if place.is_symlink() => {
                let target = fs_err::read_link(&place)?;
                let host = target.to_str().filter(|target| is_link(target));
                if let Some(rest) = host.and_then(|target| target.strip_prefix("/.host")) {
                    unfold(entry.path(), Utf8Path::new(rest))?;
                }
            }
            Some(_) => unfold_in(entry.path(), &relative, below)?,
            None => {}
        }
    }
    Ok(())
}

/// Copies what of a folder can be read: settings, and links as they are.
pub(crate) fn copy_readable(host: &Utf8Path, folder: &Utf8Path) -> io::Result<()> {
    let Ok(entries) = host.read_dir_utf8() else { return Ok(()) };
    for entry in entries {
        let Ok(entry) = entry else { continue };
        let own = folder.join(entry.file_name());
        if own.symlink_metadata().is_ok() {
            continue;
        }
        let metadata = fs_err::symlink_metadata(entry.path())?;
        if metadata.is_dir() {
            fs_err::create_dir(&own)?;
            copy_readable(entry.path(), &own)?;
        } else if metadata.is_symlink() {
            symlink(fs_err::read_link(entry.path())?, own)?;
        } else if metadata.is_file() && metadata.len() <= SETTING_BYTES_MAX {
            // What is the host's administrator's alone stays so.
            let _ = fs_err::copy(entry.path(), own);
        }
    }
    Ok(())
}

/// Makes the folders that the host has, without what is in them.
pub(crate) fn folders_of(host: &Utf8Path, folder: &Utf8Path, depth: usize) -> io::Result<()> {
    let Ok(entries) = host.read_dir_utf8() else { return Ok(()) };
    for entry in entries {
        let Ok(entry) = entry else { continue };
        let own = folder.join(entry.file_name());
        let metadata = fs_err::symlink_metadata(entry.path())?;
        if metadata.is_symlink() && own.symlink_metadata().is_err() {
            symlink(fs_err::read_link(entry.path())?, own)?;
        } else if metadata.is_dir() && depth < DEPTH_MAX {
            match fs_err::create_dir(&own) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
                Err(error) => return Err(error),
            }
            folders_of(entry.path(), &own, depth + 1)?;
        }
    }
    Ok(())
}

/// Returns whether a folder hides what the layers below have in it.
pub(crate) fn is_opaque(folder: &Utf8Path) -> bool {
    [OPAQUE, OPAQUE_OF_USERS]
        .into_iter()
        .any(|name| rustix::fs::lgetxattr(folder.as_str(), name, &mut [0; 8]).is_ok())
}
