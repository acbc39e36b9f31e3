//! Writes a snapshot out as a copy.

use std::collections::BTreeSet;
use std::fs::Permissions;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use camino::{Utf8Path, Utf8PathBuf};
use fs_err::os::unix::fs::OpenOptionsExt as _;

use super::cache::Stamp;
use super::{
    FileEntry, FileMode, MaterialiseStats, Origin, Snapshot, TreeError, TreeReader, in_parallel, links,
    private_git,
};

pub(super) fn materialise(
    reader: TreeReader<'_>,
    snapshot: &Snapshot,
    dest: &Utf8Path,
) -> Result<MaterialiseStats, TreeError> {
    let started = Instant::now();
    let make = TreeError::io("make the copy");
    fs_err::create_dir_all(dest).map_err(&make)?;
    let dest = dest.canonicalize_utf8().map_err(&make)?;
    check_apart(snapshot, &dest)?;
    if fs_err::read_dir(&dest).map_err(&make)?.next().is_some() {
        return Err(TreeError::NotEmpty { dest });
    }
    let mut stats = MaterialiseStats::default();
    match &snapshot.origin {
        Origin::Mirror { git_dir } => {
            checkout_mirror(reader, snapshot, git_dir, &dest, &mut stats)?;
        }
        Origin::Directory { root, .. } => {
            make_directories(snapshot, &dest)?;
            let (copied, head) = std::thread::scope(|scope| {
                let head = scope.spawn(|| with_index(reader, snapshot, &dest));
                let files: Vec<&FileEntry> = snapshot.files.iter().collect();
                (copy_files(root, &dest, &files), head.join())
            });
            let (head, git_stats) = match head {
                Ok(head) => head?,
                Err(panic) => std::panic::resume_unwind(panic),
            };
            stats = git_stats;
            copied?.add_to(&mut stats);
            finish_links(reader, snapshot, &dest, head.as_deref(), &mut stats)?;
            if head.is_some() {
                let refresh = private_git::call(reader, &dest).args(["update-index", "-q", "--refresh"]);
                note_failure(refresh.run().map(|_| ()), &mut stats);
            }
        }
    }
    stats.elapsed = started.elapsed();
    Ok(stats)
}

/// Makes the `.git` and an index without times, while files are being copied.
fn with_index(
    reader: TreeReader<'_>,
    snapshot: &Snapshot,
    dest: &Utf8Path,
) -> Result<(Option<String>, MaterialiseStats), TreeError> {
    let mut stats = MaterialiseStats::default();
    let head = private_git::create(reader, snapshot, dest, &mut stats)
        .map_err(TreeError::io("make the copy's git directory"))?;
    if let Some(head) = &head {
        let read = private_git::call(reader, dest).args(["read-tree", head]);
        note_failure(read.read().map(|_| ()), &mut stats);
    }
    Ok((head, stats))
}

fn checkout_mirror(
    reader: TreeReader<'_>,
    snapshot: &Snapshot,
    git_dir: &Utf8Path,
    dest: &Utf8Path,
    stats: &mut MaterialiseStats,
) -> Result<(), TreeError> {
    let head = private_git::create(reader, snapshot, dest, stats)
        .map_err(TreeError::io("make the copy's git directory"))?;
    let commit = head.as_deref().unwrap_or_default();
    // git itself never writes through a link, into `.git` or above the root.
    private_git::call(reader, dest)
        .args(["read-tree", "--reset", "-u", commit])
        .read()
        .map_err(TreeError::git(git_dir))?;
    stats.files_written = snapshot.files.len();
    stats.bytes_written = snapshot.files.iter().map(|file| file.size_bytes).sum();
    finish_links(reader, snapshot, dest, head.as_deref(), stats)
}

/// Drops the links that lead out and says so.
pub(super) fn finish_links(
    reader: TreeReader<'_>,
    snapshot: &Snapshot,
    dest: &Utf8Path,
    head: Option<&str>,
    stats: &mut MaterialiseStats,
) -> Result<(), TreeError> {
    stats.dropped_links = links::drop_escaping(snapshot, dest)?;
    for link in &stats.dropped_links {
        let note = format!("the link `{link}` leads out of the copy and was left out");
        stats.notes.push(note);
    }
    if head.is_some() {
        let skipped = private_git::skip(reader, dest, &stats.dropped_links);
        note_failure(skipped, stats);
    }
    Ok(())
}

pub(super) fn note_failure(result: Result<(), crate::corpus::git::GitError>, stats: &mut MaterialiseStats) {
    if let Err(error) = result {
        stats.notes.push(format!("the copy's git is incomplete: {error}"));
    }
}

/// Refuses a copy in its source and a source in its copy.
pub(super) fn check_apart(snapshot: &Snapshot, dest: &Utf8Path) -> Result<(), TreeError> {
    let root = match &snapshot.origin {
        Origin::Mirror { git_dir } => git_dir,
        Origin::Directory { root, .. } => root,
    };
    if dest.starts_with(root) || root.starts_with(dest) {
        return Err(TreeError::Overlap { dest: dest.to_owned(), root: root.clone() });
    }
    Ok(())
}

/// Returns every directory that has a file of the snapshot, parents first.
pub(super) fn directories(snapshot: &Snapshot) -> BTreeSet<&Utf8Path> {
    let mut all = BTreeSet::new();
    for file in &snapshot.files {
        for dir in file.path.ancestors().skip(1).filter(|dir| *dir != "") {
            if !all.insert(dir) {
                break;
            }
        }
    }
    all
}

/// Makes the directories that are missing. Those that are there are real: a new
/// copy is empty, and a refresh has removed all else.
pub(super) fn make_directories(snapshot: &Snapshot, dest: &Utf8Path) -> Result<(), TreeError> {
    let fail = TreeError::io("make a directory of the copy");
    for dir in directories(snapshot) {
        let path = dest.join(dir);
        match fs_err::create_dir(&path) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                let mode = fs_err::symlink_metadata(&path).map_err(&fail)?.permissions().mode();
                if mode & 0o777 != 0o755 {
                    fs_err::set_permissions(&path, Permissions::from_mode(0o755)).map_err(&fail)?;
                }
            }
            Err(error) => return Err(fail(error)),
        }
    }
    Ok(())
}

/// What copying came to.
#[derive(Debug, Default)]
pub(super) struct Copied {
    files: usize,
    bytes: u64,
    reflinked: bool,
}

impl Copied {
    pub(super) fn add_to(&self, stats: &mut MaterialiseStats) {
        stats.files_written += self.files;
        stats.bytes_written += self.bytes;
        stats.reflinked |= self.reflinked;
    }
}

/// Copies `files` from `root` to `dest`: first the files, then the links, so
/// that no file is ever written through a link.
pub(super) fn copy_files(
    root: &Utf8Path,
    dest: &Utf8Path,
    files: &[&FileEntry],
) -> Result<Copied, TreeError> {
    let (symlinks, regular): (Vec<&FileEntry>, Vec<&FileEntry>) =
        files.iter().partition(|file| file.mode == FileMode::Symlink);
    // Decided by the first file: a file system can do it or cannot.
    let can_reflink = AtomicBool::new(true);
    let reflinked = AtomicBool::new(false);
    in_parallel(&regular, |file| {
        if copy_file(root, dest, file, &can_reflink)? {
            reflinked.store(true, Ordering::Relaxed);
        }
        Ok(())
    })?;
    let fail = TreeError::io("copy a link");
    for file in symlinks {
        let to = dest.join(&file.path);
        let target = fs_err::read_link(root.join(&file.path)).map_err(&fail)?;
        links::remove_any(to.as_std_path()).map_err(&fail)?;
        fs_err::os::unix::fs::symlink(target, &to).map_err(&fail)?;
    }
    Ok(Copied {
        files: files.len(),
        bytes: files.iter().map(|file| file.size_bytes).sum(),
        reflinked: reflinked.into_inner(),
    })
}

/// Copies one file and returns whether its blocks are shared.
fn copy_file(
    root: &Utf8Path,
    dest: &Utf8Path,
    file: &FileEntry,
    can_reflink: &AtomicBool,
) -> Result<bool, TreeError> {
    let fail = TreeError::io("copy a file");
    let changed = || TreeError::Changed { path: root.join(&file.path) };
    let mut from = match fs_err::OpenOptions::new()
        .read(true)
        .custom_flags(rustix::fs::OFlags::NOFOLLOW.bits().cast_signed())
        .open(root.join(&file.path))
    {
        Ok(from) => from,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(changed()),
        Err(error) => return Err(fail(error)),
    };
    let same = |from: &fs_err::File| {
        let meta = from.metadata().map_err(&fail)?;
        Ok::<bool, TreeError>(Stamp::of(&meta) == file.stamp)
    };
    if !same(&from)? {
        return Err(changed());
    }
    let mode = if file.mode == FileMode::Executable { 0o755 } else { 0o644 };
    let mut to = create(&dest.join(&file.path), mode).map_err(&fail)?;
    if can_reflink.load(Ordering::Relaxed) {
        if rustix::fs::ioctl_ficlone(to.file(), from.file()).is_ok() {
            return Ok(true);
        }
        can_reflink.store(false, Ordering::Relaxed);
    }
    io::copy(from.file_mut(), to.file_mut()).map_err(&fail)?;
    if same(&from)? { Ok(false) } else { Err(changed()) }
}

/// Makes a new file; what was there is unlinked, never written to.
fn create(path: &Utf8PathBuf, mode: u32) -> io::Result<fs_err::File> {
    let open = || fs_err::OpenOptions::new().write(true).create_new(true).mode(mode).open(path);
    let file = match open() {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            links::remove_any(path.as_std_path())?;
            open()
        }
        other => other,
    }?;
    // The umask has had its say; a refresh compares with these very bits.
    file.set_permissions(Permissions::from_mode(mode))?;
    Ok(file)
}
