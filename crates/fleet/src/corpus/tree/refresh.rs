//! Makes a copy pristine again after a suite has run in it.
//!
//! Nothing that the suite could have changed is believed: not times, not the
//! copy's own index. Files are compared by content.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Instant;

use camino::Utf8Path;

use super::checkout::file_digest;
use super::copy::{check_apart, copy_files, directories, finish_links, make_directories, note_failure};
use super::{
    FileEntry, FileMode, MaterialiseStats, Origin, Snapshot, TreeError, TreeReader, in_parallel, links,
    private_git,
};

pub(super) fn refresh(
    reader: TreeReader<'_>,
    snapshot: &Snapshot,
    dest: &Utf8Path,
    keep: &[&str],
) -> Result<MaterialiseStats, TreeError> {
    let started = Instant::now();
    let dest = dest.canonicalize_utf8().map_err(TreeError::io("find the copy"))?;
    check_apart(snapshot, &dest)?;
    let mut stats = MaterialiseStats::default();
    let wanted = Wanted {
        files: snapshot.files.iter().map(|file| (file.path.as_std_path(), file.mode)).collect(),
        directories: directories(snapshot).into_iter().map(Utf8Path::as_std_path).collect(),
        keep: keep.iter().map(OsStr::new).collect(),
    };
    stats.removed =
        wanted.clear(dest.as_std_path(), Path::new("")).map_err(TreeError::io("clear the copy"))?;
    make_directories(snapshot, &dest)?;
    let head = private_git::create(reader, snapshot, &dest, &mut stats)
        .map_err(TreeError::io("make the copy's git directory"))?;
    match &snapshot.origin {
        Origin::Mirror { git_dir } => {
            let commit = head.as_deref().unwrap_or_default();
            let fail = TreeError::git(git_dir);
            private_git::fill_index(reader, &dest, commit).map_err(&fail)?;
            let differing = private_git::call(reader, &dest)
                .args(["diff-files", "-z", "--name-only"])
                .read()
                .map_err(&fail)?;
            stats.files_written = differing.split(|&byte| byte == 0).count() - 1;
            private_git::call(reader, &dest)
                .args(["checkout-index", "--all", "--force", "--index", "--quiet"])
                .read()
                .map_err(&fail)?;
        }
        Origin::Directory { root, .. } => {
            let same = in_parallel(&snapshot.files, |file| Ok(is_same(root, &dest, file)))?;
            let differing: Vec<&FileEntry> =
                snapshot.files.iter().zip(same).filter_map(|(file, same)| (!same).then_some(file)).collect();
            copy_files(root, &dest, &differing)?.add_to(&mut stats);
            if let Some(head) = &head {
                let filled = private_git::fill_index(reader, &dest, head);
                note_failure(filled, &mut stats);
            }
        }
    }
    finish_links(reader, snapshot, &dest, head.as_deref(), &mut stats)?;
    stats.elapsed = started.elapsed();
    Ok(stats)
}

/// Returns whether the copy's file has the snapshot's content and mode.
fn is_same(root: &Utf8Path, dest: &Utf8Path, file: &FileEntry) -> bool {
    let path = dest.join(&file.path);
    let Ok(meta) = fs_err::symlink_metadata(&path) else {
        return false;
    };
    if file.mode == FileMode::Symlink {
        let target = fs_err::read_link(root.join(&file.path)).ok();
        return meta.is_symlink() && target.is_some() && fs_err::read_link(&path).ok() == target;
    }
    let mode = match file.mode {
        FileMode::Executable => 0o755,
        FileMode::Regular | FileMode::Symlink => 0o644,
    };
    meta.is_file()
        && meta.len() == file.size_bytes
        && meta.permissions().mode() & 0o7777 == mode
        && file_digest(&path).is_ok_and(|digest| digest == file.content)
}

struct Wanted<'s> {
    files: BTreeMap<&'s Path, FileMode>,
    directories: BTreeSet<&'s Path>,
    keep: BTreeSet<&'s OsStr>,
}

impl Wanted<'_> {
    /// Removes from `dest`/`below` what is not wanted or of the wrong kind;
    /// returns how many things that were. Links are removed, never followed.
    fn clear(&self, dest: &Path, below: &Path) -> std::io::Result<usize> {
        let mut removed = 0;
        let dir = dest.join(below);
        let mode = fs_err::symlink_metadata(&dir)?.permissions().mode();
        if mode & 0o700 != 0o700 {
            fs_err::set_permissions(&dir, std::fs::Permissions::from_mode(0o755))?;
        }
        for entry in fs_err::read_dir(&dir)? {
            let entry = entry?;
            let path: PathBuf = below.join(entry.file_name());
            if path == Path::new(".git") {
                continue;
            }
            let kind = entry.file_type()?;
            if self.directories.contains(path.as_path()) {
                if kind.is_dir() {
                    removed += self.clear(dest, &path)?;
                    continue;
                }
            } else if let Some(mode) = self.files.get(path.as_path()) {
                let right = match mode {
                    FileMode::Symlink => kind.is_symlink(),
                    FileMode::Regular | FileMode::Executable => kind.is_file(),
                };
                if right {
                    continue;
                }
            } else if self.keep.contains(entry.file_name().as_os_str()) {
                continue;
            }
            links::remove_any(&dest.join(&path))?;
            removed += 1;
        }
        Ok(removed)
    }
}
