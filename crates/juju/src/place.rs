//! Where a local controller keeps what it knows.

use std::fs::File;
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt};

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

    /// Returns the folder of a model's machines and pods.
    pub fn model(&self, uuid: &str) -> Utf8PathBuf {
        self.0.join("models").join(uuid)
    }

    /// Waits until nobody else starts a supervisor.
    pub(crate) fn lock_start(&self) -> io::Result<File> {
        self.lock("start.lock", FlockOperation::LockExclusive)
    }

    /// Claims the folder for a supervisor; fails if another one has it.
    pub(crate) fn lock_supervisor(&self) -> io::Result<File> {
        self.lock(SUPERVISOR_LOCK, FlockOperation::NonBlockingLockExclusive)
    }

    /// Whether a claim is still one on this folder: not when it was deleted meanwhile.
    pub(crate) fn holds(&self, claim: &File) -> bool {
        let named = fs_err::metadata(self.0.join(SUPERVISOR_LOCK));
        let (Ok(named), Ok(held)) = (named, claim.metadata()) else { return false };
        (named.dev(), named.ino()) == (held.dev(), held.ino())
    }

    fn lock(&self, name: &str, operation: FlockOperation) -> io::Result<File> {
        let file = fs_err::OpenOptions::new().create(true).append(true).open(self.0.join(name))?;
        flock(&file, operation)?;
        Ok(file.into_parts().0)
    }
}
