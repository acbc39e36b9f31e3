//! Finds links of a copy that lead out of it.

use std::io;
use std::path::{Component, Path, PathBuf};

use camino::{Utf8Path, Utf8PathBuf};

use super::{FileMode, Snapshot, TreeError};

/// How many links one path may go through.
const HOPS_MAX: usize = 40;

/// Removes the links of `snapshot` in `dest` that lead out of it, and returns
/// them. A suite that writes through such a link would write to the machine.
pub(super) fn drop_escaping(snapshot: &Snapshot, dest: &Utf8Path) -> Result<Vec<Utf8PathBuf>, TreeError> {
    let mut dropped = Vec::new();
    for file in &snapshot.files {
        if file.mode == FileMode::Symlink && escapes(dest, &file.path) {
            fs_err::remove_file(dest.join(&file.path))
                .map_err(TreeError::io("drop a link that leads out of the copy"))?;
            dropped.push(file.path.clone());
        }
    }
    Ok(dropped)
}

/// Returns whether following `path` in `dest` would leave `dest`. What does not
/// exist stays where its name says. A circle leads nowhere, so not out either.
pub(super) fn escapes(dest: &Utf8Path, path: &Utf8Path) -> bool {
    let mut inside = PathBuf::new();
    let mut ahead: Vec<PathBuf> = parts(path.as_std_path());
    let mut hops = 0;
    while let Some(part) = ahead.pop() {
        match part.components().next() {
            Some(Component::RootDir | Component::Prefix(_)) => return true,
            Some(Component::ParentDir) => {
                if !inside.pop() {
                    return true;
                }
            }
            Some(Component::Normal(name)) => {
                inside.push(name);
                if let Some(target) = link_target(&dest.as_std_path().join(&inside)) {
                    hops += 1;
                    if hops > HOPS_MAX {
                        return false;
                    }
                    inside.pop();
                    ahead.extend(parts(&target));
                }
            }
            Some(Component::CurDir) | None => {}
        }
    }
    false
}

/// Returns the components of `path`, the last first.
fn parts(path: &Path) -> Vec<PathBuf> {
    let mut parts: Vec<PathBuf> = path.components().map(|part| PathBuf::from(part.as_os_str())).collect();
    parts.reverse();
    parts
}

fn link_target(path: &Path) -> Option<PathBuf> {
    fs_err::read_link(path).ok()
}

/// Removes whatever is at `path`, also where a suite took away permissions.
pub(super) fn remove_any(path: &Path) -> io::Result<()> {
    let meta = match fs_err::symlink_metadata(path) {
        Ok(meta) => meta,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    if !meta.is_dir() {
        return fs_err::remove_file(path);
    }
    if fs_err::remove_dir_all(path).is_ok() {
        return Ok(());
    }
    open_up(path)?;
    fs_err::remove_dir_all(path)
}

/// Gives us back every directory below `path`, never through a link.
fn open_up(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    fs_err::set_permissions(path, std::fs::Permissions::from_mode(0o700))?;
    for entry in fs_err::read_dir(path)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            open_up(&entry.path())?;
        }
    }
    Ok(())
}
