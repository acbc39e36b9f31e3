//! Where a local controller keeps what it knows.

use std::fs::File;
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt};
use std::time::{Duration, Instant};

use camino::{Utf8Path, Utf8PathBuf};
use rustix::fs::{FlockOperation, flock};

const SUPERVISOR_LOCK: &str = "supervisor.lock";

/// The data folder of a controller, which is its user's alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataFolder(Utf8PathBuf);

impl DataFolder {
    /// Returns the folder that the environment names: `JUJU_DATA`, or one below the user's data.
    pub fn of(variable: &dyn Fn(&str) -> Option<String>) -> io::Result<Self> {
        let named = |name: &str| variable(name).filter(|value| !value.is_empty());
        let folder = match (named("JUJU_DATA"), named("XDG_DATA_HOME"), named("HOME")) {
            (Some(folder), _, _) => Utf8PathBuf::from(folder),
            (None, Some(data), _) => Utf8Path::new(&data).join("charmproof/juju"),
            (None, None, Some(home)) => Utf8Path::new(&home).join(".local/share/charmproof/juju"),
            (None, None, None) => {
                return Err(io::Error::other("neither JUJU_DATA nor HOME says where to keep models"));
            }
        };
        let absolute = camino::absolute_utf8(&folder)?;
        Ok(Self(absolute))
    }

    /// Returns the controller's folder at a path.
    pub fn at(path: impl Into<Utf8PathBuf>) -> Self {
        Self(path.into())
    }

    /// Returns its path.
    pub fn path(&self) -> &Utf8Path {
        &self.0
    }

    /// Makes the folder, for its user alone.
    pub fn make(&self) -> io::Result<()> {
        let mut builder = std::fs::DirBuilder::new();
        builder.recursive(true).mode(0o700).create(&self.0)?;
        // One that was there already may be open to others.
        fs_err::set_permissions(&self.0, PermissionsExt::from_mode(0o700))
    }

    /// Returns where the supervisor listens.
    pub fn socket(&self) -> Utf8PathBuf {
        self.0.join("supervisor.socket")
    }

    /// Returns what the supervisor itself says.
    pub fn log(&self) -> Utf8PathBuf {
        self.0.join("supervisor.log")
    }

    /// Returns the database.
    pub fn database(&self) -> Utf8PathBuf {
        self.0.join("controller.sqlite")
    }

    /// Returns the list of what units ran, a JSON object a line, for time lines.
    pub fn events(&self) -> Utf8PathBuf {
        self.0.join("events.jsonl")
    }

    /// Returns the file that grows with each change, for those who wait for one.
    pub fn changes(&self) -> Utf8PathBuf {
        self.0.join("changes")
    }

    /// Returns the folder of charms and resources that were uploaded.
    pub fn blobs(&self) -> Utf8PathBuf {
        self.0.join("blobs")
    }

    /// Returns the folder with a folder for each model.
    pub(crate) fn models(&self) -> Utf8PathBuf {
        self.0.join("models")
    }

    /// Returns the folder of a model's machines and pods.
    pub fn model(&self, uuid: &str) -> Utf8PathBuf {
        self.models().join(uuid)
    }

    /// Waits until nobody else starts a supervisor.
    pub(crate) fn lock_start(&self) -> io::Result<File> {
        self.lock("start.lock", FlockOperation::LockExclusive)
    }

    /// Claims the folder for a supervisor; fails if another one has it for longer than this: one that ends has
    /// to end what runs in its models.
    pub(crate) fn lock_supervisor(&self, patience: Duration) -> io::Result<File> {
        const LOOK_AGAIN: Duration = Duration::from_millis(10);
        let began = Instant::now();
        loop {
            match self.lock(SUPERVISOR_LOCK, FlockOperation::NonBlockingLockExclusive) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock && began.elapsed() < patience => {
                    std::thread::sleep(LOOK_AGAIN);
                }
                claimed => return claimed,
            }
        }
    }

    /// Whether a claim is still one on this folder: not when it was deleted meanwhile, or made anew. What
    /// cannot be looked at for another reason is still there.
    pub(crate) fn holds(&self, claim: &File) -> bool {
        match (fs_err::metadata(self.0.join(SUPERVISOR_LOCK)), claim.metadata()) {
            (Ok(named), Ok(held)) => (named.dev(), named.ino()) == (held.dev(), held.ino()),
            (Err(error), _) => error.kind() != io::ErrorKind::NotFound,
            (Ok(_), Err(_)) => true,
        }
    }

    fn lock(&self, name: &str, operation: FlockOperation) -> io::Result<File> {
        let file = fs_err::OpenOptions::new().create(true).append(true).open(self.0.join(name))?;
        flock(&file, operation)?;
        Ok(file.into_parts().0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_ends_is_waited_for_and_who_stays_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let data = DataFolder::at(Utf8Path::from_path(folder.path()).unwrap());
        let claim = data.lock_supervisor(Duration::ZERO).unwrap();
        let refused = data.lock_supervisor(Duration::from_millis(30)).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::WouldBlock);
        let ending = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(50));
            drop(claim);
        });
        assert!(data.lock_supervisor(Duration::from_secs(20)).is_ok());
        ending.join().unwrap();
    }
}
