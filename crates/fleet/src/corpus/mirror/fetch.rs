//! Fetches one reference into one mirror.

use std::fs::File;
use std::io;
use std::time::{Duration, Instant};

use camino::{Utf8Path, Utf8PathBuf};
use rustix::fs::{FlockOperation, flock};

use super::failure::{Failure, FailureKind};
use super::{FetchOutcome, FetchSettings, Mirrors};
use crate::corpus::git::CancelCheck;
use crate::corpus::location::GitRef;

impl Mirrors {
    pub(super) fn fetch_one(
        &self,
        source: &GitRef,
        settings: FetchSettings,
        cancel: CancelCheck<'_>,
    ) -> FetchOutcome {
        let dir = self.path(&source.url);
        let deadline = Instant::now() + settings.timeout;
        let lock = match Lock::take(&dir, deadline, cancel) {
            Ok(lock) => lock,
            Err(failure) => {
                return FetchOutcome::Failed { failure, stale: self.commit(source) };
            }
        };
        let before = self.commit(source);
        let outcome = match (&before, source.reference.commit_id()) {
            // A commit never changes: nothing to ask.
            (Some(commit), Some(_)) => FetchOutcome::Unchanged { commit: commit.clone() },
            _ => self.fetch_locked(source, before, settings, deadline, &lock, cancel),
        };
        // A status that cannot be written is no reason to fail a fetch.
        let _ = self.record(source, &outcome);
        outcome
    }

    fn fetch_locked(
        &self,
        source: &GitRef,
        before: Option<String>,
        settings: FetchSettings,
        deadline: Instant,
        lock: &Lock,
        cancel: CancelCheck<'_>,
    ) -> FetchOutcome {
        let dir = self.path(&source.url);
        let mut attempt = 1;
        let mut rebuilt = false;
        let failure = loop {
            let result = self
                .ensure_mirror(&dir, source)
                .and_then(|()| self.call_fetch(&dir, source, deadline, lock, cancel));
            match result {
                Ok(()) => match self.commit(source) {
                    Some(commit) if Some(&commit) == before.as_ref() => {
                        return FetchOutcome::Unchanged { commit };
                    }
                    Some(commit) => return FetchOutcome::Fetched { commit, before },
                    None => {
                        let message = "the remote's answer is not a commit";
                        break Failure::new(FailureKind::NoSuchReference, message);
                    }
                },
                Err(failure) if failure.kind == FailureKind::Corrupt && !rebuilt => {
                    rebuilt = true;
                    match self.rebuild(&dir, source, deadline, lock, cancel) {
                        Ok(()) => {}
                        Err(failure) => break failure,
                    }
                }
                Err(failure)
                    if failure.kind == FailureKind::Network
                        && attempt < settings.attempts
                        && Instant::now() < deadline =>
                {
                    attempt += 1;
                }
                Err(failure) => break failure,
            }
        };
        FetchOutcome::Failed { failure, stale: self.commit(source) }
    }

    /// Makes the mirror if it is missing and clears what a killed git left.
    fn ensure_mirror(&self, dir: &Utf8Path, source: &GitRef) -> Result<(), Failure> {
        let whole = dir.join("HEAD").is_file()
            && dir.join("objects").is_dir()
            && dir.join("refs").is_dir()
            && dir.join("config").is_file();
        if whole {
            clear_leftovers(dir).map_err(|error| Failure::from_io(&error))
        } else {
            remove(dir).map_err(|error| Failure::from_io(&error))?;
            let fresh = self.init_beside(dir, source)?;
            fs_err::rename(&fresh, dir).map_err(|error| Failure::from_io(&error))
        }
    }

    /// Makes an empty mirror beside `dir`.
    fn init_beside(&self, dir: &Utf8Path, source: &GitRef) -> Result<Utf8PathBuf, Failure> {
        let fresh = beside(dir, "new");
        let disk = |error: io::Error| Failure::from_io(&error);
        remove(&fresh).map_err(disk)?;
        fs_err::create_dir_all(&fresh).map_err(disk)?;
        self.git
            .isolated(&fresh)
            .args(["init", "--quiet", "--bare", "--template=", "."])
            .read()
            .map_err(|error| Failure::from_git(&error, &source.url))?;
        fs_err::write(fresh.join("description"), format!("{}\n", source.url)).map_err(disk)?;
        Ok(fresh)
    }

    /// Replaces a damaged mirror, but only once a new one has what we want.
    fn rebuild(
        &self,
        dir: &Utf8Path,
        source: &GitRef,
        deadline: Instant,
        lock: &Lock,
        cancel: CancelCheck<'_>,
    ) -> Result<(), Failure> {
        let fresh = self.init_beside(dir, source)?;
        let fetched = self.call_fetch(&fresh, source, deadline, lock, cancel);
        let swapped = fetched.and_then(|()| {
            let old = beside(dir, "old");
            let swap = || {
                remove(&old)?;
                fs_err::rename(dir, &old)?;
                fs_err::rename(&fresh, dir)?;
                remove(&old)
            };
            swap().map_err(|error: io::Error| Failure::from_io(&error))
        });
        if swapped.is_err() {
            let _ = remove(&fresh);
        }
        swapped
    }

    fn call_fetch(
        &self,
        dir: &Utf8Path,
        source: &GitRef,
        deadline: Instant,
        lock: &Lock,
        cancel: CancelCheck<'_>,
    ) -> Result<(), Failure> {
        let held = lock.file.try_clone().map_err(|error| Failure::from_io(&error))?;
        let refspec = format!("+{}:{}", source.reference.as_str(), source.reference.local());
        self.git
            .network(dir)
            // A pack appears whole or not at all; loose objects would not.
            .config("fetch.unpackLimit=1")
            .args(["--git-dir", "."])
            .args(["fetch", "--quiet", "--depth", "1", "--no-tags", "--force"])
            .args(["--no-recurse-submodules", "--no-write-fetch-head"])
            .args(["--no-auto-maintenance", "--end-of-options"])
            .arg(source.url.as_str())
            .arg(refspec)
            .timeout(deadline.saturating_duration_since(Instant::now()).max(Duration::from_millis(1)))
            .input_file(held)
            .read_until(cancel)
            .map(|_| ())
            .map_err(|error| Failure::from_git(&error, &source.url))
    }
}

/// Returns `<dir>.<word>`, a name that is never the key of a URL.
fn beside(dir: &Utf8Path, word: &str) -> Utf8PathBuf {
    Utf8PathBuf::from(format!("{dir}.{word}"))
}

fn remove(path: &Utf8Path) -> io::Result<()> {
    match fs_err::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
        Ok(meta) if meta.is_dir() => fs_err::remove_dir_all(path),
        Ok(_) => fs_err::remove_file(path),
    }
}

/// Removes locks and partial packs. Whoever made them is gone: we hold the lock
/// of the mirror, and they would hold it too.
fn clear_leftovers(dir: &Utf8Path) -> io::Result<()> {
    for name in ["HEAD.lock", "config.lock", "shallow.lock", "packed-refs.lock"] {
        remove(&dir.join(name))?;
    }
    let is_lock = |name: &str| Utf8Path::new(name).extension() == Some("lock");
    clear_matching(&dir.join("refs/charmproof"), is_lock)?;
    clear_matching(&dir.join("objects/pack"), |name| {
        name.starts_with("tmp_") || name.starts_with(".tmp-") || is_lock(name)
    })?;
    clear_matching(&dir.join("objects"), |name| name.starts_with("tmp_"))
}

fn clear_matching(dir: &Utf8Path, stale: impl Fn(&str) -> bool) -> io::Result<()> {
    let Ok(entries) = dir.read_dir_utf8() else {
        return Ok(());
    };
    for entry in entries.flatten() {
        if stale(entry.file_name()) {
            remove(entry.path())?;
        }
    }
    Ok(())
}

/// The lock of one mirror. Held until every copy of the file is closed.
#[derive(Debug)]
struct Lock {
    file: File,
}

impl Lock {
    fn take(dir: &Utf8Path, deadline: Instant, cancel: CancelCheck<'_>) -> Result<Self, Failure> {
        let path = beside(dir, "lock");
        let open = || {
            if let Some(parent) = path.parent() {
                fs_err::create_dir_all(parent)?;
            }
            fs_err::OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path)
        };
        let file = open().map_err(|error| Failure::from_io(&error))?.into_parts().0;
        let mut pause = Duration::from_millis(1);
        loop {
            match flock(&file, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => return Ok(Self { file }),
                Err(rustix::io::Errno::AGAIN | rustix::io::Errno::INTR) => {}
                Err(error) => return Err(Failure::from_io(&error.into())),
            }
            if cancel() {
                return Err(Failure::cancelled());
            }
            if Instant::now() >= deadline {
                let message = "another charmproof is fetching this repository";
                return Err(Failure::new(FailureKind::Timeout, message));
            }
            std::thread::sleep(pause);
            pause = (pause * 2).min(Duration::from_millis(50));
        }
    }
}
