//! The folder that a command works in, and what dead ones have left.
//!
//! Each command takes the first number that nobody holds. The lock is the kernel's, so it ends
//! with the process, however that ends; ids of processes come again and prove nothing. What lies
//! under a number that can be locked was left by somebody who was killed.

use camino::{Utf8Path, Utf8PathBuf};
use charmproof_fleet::provision::lock::FileLock;
use charmproof_fleet::run::slot::remove_tree;

use crate::error::{Exit, Failure};
use crate::local;

/// The folder in it for the data of a local Juju. Its path is short, as sockets lie below it.
pub(crate) const JUJU_FOLDER: &str = "j";
/// How many commands can work in one cache at once.
const NUMBERS: u32 = 1000;

/// A folder for one command, which goes with it.
#[derive(Debug)]
pub(crate) struct WorkFolder {
    pub(crate) path: Utf8PathBuf,
    _lock: FileLock,
}

impl WorkFolder {
    /// Takes a folder, and removes what others have left that are dead.
    pub(crate) fn new(work: &Utf8Path) -> Result<Self, Failure> {
        let cannot = |error: &std::io::Error| Failure::of("the cache cannot be used", error);
        // Sockets lie in it, and the kernel allows their paths 108 bytes.
        let shelf = work.join("f");
        fs_err::create_dir_all(&shelf).map_err(|error| cannot(&error))?;
        sweep(&shelf).map_err(|error| cannot(&error))?;
        charmproof_sandbox::sweep();
        for number in 0..NUMBERS {
            let path = shelf.join(number.to_string());
            let lock = FileLock::try_acquire(&lock_of(&path)).map_err(|error| cannot(&error))?;
            if let Some(lock) = lock {
                fs_err::create_dir_all(&path).map_err(|error| cannot(&error))?;
                return Ok(Self { path, _lock: lock });
            }
        }
        Err(Failure::usage(format!("{NUMBERS} commands work in this cache already"))
            .hint("wait for some of them, or name another cache with --cache")
            .exit(Exit::CouldNotRun))
    }

    /// Returns the folders that dead commands have left.
    pub(crate) fn left(work: &Utf8Path) -> Vec<Utf8PathBuf> {
        folders(&work.join("f"))
            .filter(|path| matches!(FileLock::try_acquire(&lock_of(path)), Ok(Some(_))))
            .collect()
    }

    /// Removes what dead commands have left, and ends what still runs for them.
    pub(crate) fn sweep(work: &Utf8Path) -> std::io::Result<()> {
        sweep(&work.join("f"))
    }

    /// Whether a command works in a cache now.
    pub(crate) fn is_taken(work: &Utf8Path) -> bool {
        let shelf = work.join("f");
        // One that cannot be asked about is left alone as well.
        folders(&shelf).any(|path| !matches!(FileLock::try_acquire(&lock_of(&path)), Ok(Some(_))))
    }
}

/// Removes what was left by commands that are dead.
fn sweep(shelf: &Utf8Path) -> std::io::Result<()> {
    for path in folders(shelf) {
        if let Some(_lock) = FileLock::try_acquire(&lock_of(&path))? {
            local::end_processes_of(&path.join(JUJU_FOLDER));
            remove_tree(&path)?;
        }
    }
    Ok(())
}

fn folders(shelf: &Utf8Path) -> impl Iterator<Item = Utf8PathBuf> {
    let entries = shelf.read_dir_utf8().into_iter().flatten().flatten();
    let folders = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
    folders.map(|entry| entry.path().to_owned())
}

fn lock_of(path: &Utf8Path) -> Utf8PathBuf {
    Utf8PathBuf::from(format!("{path}.lock"))
}

impl Drop for WorkFolder {
    fn drop(&mut self) {
        // What is left of it is swept with the next run.
        let _ = remove_tree(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_held_by_one_and_swept_by_the_next() {
        let folder = tempfile::tempdir().unwrap();
        let work = Utf8Path::from_path(folder.path()).unwrap();
        let names = |shelf: &Utf8Path| {
            let entries = shelf.read_dir_utf8().unwrap().flatten();
            let mut names: Vec<String> = entries
                .filter(|entry| entry.path().is_dir())
                .map(|entry| entry.file_name().to_owned())
                .collect();
            names.sort();
            names
        };
        // Two that were killed.
        for number in ["0", "7"] {
            fs_err::create_dir_all(work.join("f").join(number).join("j0-1-0")).unwrap();
        }
        assert!(!WorkFolder::is_taken(work));
        assert_eq!(WorkFolder::left(work).len(), 2);
        let one = WorkFolder::new(work).unwrap();
        let other = WorkFolder::new(work).unwrap();
        assert_eq!((one.path.file_name(), other.path.file_name()), (Some("0"), Some("1")));
        assert_eq!(names(&work.join("f")), ["0", "1"]);
        assert!(!one.path.join("j0-1-0").exists());
        assert!(WorkFolder::is_taken(work));
        assert!(WorkFolder::left(work).is_empty());
        WorkFolder::sweep(work).unwrap();
        assert_eq!(names(&work.join("f")), ["0", "1"]);
        drop(one);
        assert_eq!(names(&work.join("f")), ["1"]);
        let next = WorkFolder::new(work).unwrap();
        assert_eq!(next.path.file_name(), Some("0"));
        drop((next, other));
        assert!(!WorkFolder::is_taken(work) && names(&work.join("f")).is_empty());
    }
}
