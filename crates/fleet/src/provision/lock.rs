//! One process at a time, by an advisory lock on a file.

use camino::Utf8Path;
use rustix::fs::{FlockOperation, flock};

/// A lock that is held until it is dropped.
#[derive(Debug)]
pub struct FileLock {
    _file: fs_err::File,
}

impl FileLock {
    /// Waits until the lock on `path` can be taken.
    pub fn acquire(path: &Utf8Path) -> std::io::Result<Self> {
        let file = open(path)?;
        flock(file.file(), FlockOperation::LockExclusive)?;
        Ok(Self { _file: file })
    }

    /// Takes the lock on `path` if nobody holds it.
    pub fn try_acquire(path: &Utf8Path) -> std::io::Result<Option<Self>> {
        let file = open(path)?;
        match flock(file.file(), FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Some(Self { _file: file })),
            Err(rustix::io::Errno::WOULDBLOCK) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

fn open(path: &Utf8Path) -> std::io::Result<fs_err::File> {
    if let Some(folder) = path.parent() {
        fs_err::create_dir_all(folder)?;
    }
    fs_err::OpenOptions::new().create(true).truncate(false).write(true).open(path)
}
