//! What a unit or a workload container begins with.

use std::collections::BTreeMap;
use std::io;

use camino::{Utf8Path, Utf8PathBuf};

use crate::cache;
use crate::copy;
use crate::error::ImageError;
use crate::farm;

/// A root filesystem, as layers that an overlay puts together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Root {
    /// The layers, top first. The last is `/` where this host's userland is the lowest.
    pub layers: Vec<Utf8PathBuf>,
    /// What has to be seen read-only besides the layers. The mount points are in the layers.
    pub binds: Vec<Bind>,
    /// How a process in it is started, by default.
    pub config: RootConfig,
    /// What a user should know about it, such as what is stood in for by what: sentences, to print.
    pub warnings: Vec<String>,
}

/// Something of the host that is seen in a root, read-only.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Bind {
    /// Where it lies.
    pub source: Utf8PathBuf,
    /// Where it is seen.
    pub target: Utf8PathBuf,
}

/// What an image says about the processes in it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RootConfig {
    /// Variables.
    pub env: BTreeMap<String, String>,
    /// The program and its first arguments.
    pub entrypoint: Vec<String>,
    /// Arguments, or the program where there is no entrypoint.
    pub cmd: Vec<String>,
    /// A user, or `user:group`, by name or number.
    pub user: Option<String>,
    /// Where the program is started; absolute.
    pub work_dir: Utf8PathBuf,
}

impl Root {
    /// Returns whether this host's userland is below all of it.
    pub(crate) fn is_upon_host(&self) -> bool {
        self.layers.last().is_some_and(|layer| layer == "/")
            || self.binds.iter().any(|bind| bind.target == farm::PLACE)
    }

    /// Makes `upper` ready to be the upper folder of an overlay, and returns what has to be below it, top
    /// first. An upper folder that something was put into before stays as it is.
    ///
    /// The kernel refuses an overlay with two lower layers of which one lies in the other, and every folder
    /// lies in `/`. So where `/` is the lowest layer, what lies above it is copied into `upper`: such layers
    /// are small. All others are used where they lie.
    pub fn prepare(&self, upper: &Utf8Path) -> Result<Vec<Utf8PathBuf>, ImageError> {
        let Some((last, above)) = self.layers.split_last() else { return Ok(Vec::new()) };
        if last != "/" {
            return Ok(self.layers.clone());
        }
        fill(above, upper).map_err(|source| ImageError::Cache { folder: upper.to_owned(), source })?;
        Ok(vec![last.clone()])
    }
}

/// Copies layers into a folder that is empty or missing. It is filled as a whole or not at all.
fn fill(above: &[Utf8PathBuf], upper: &Utf8Path) -> io::Result<()> {
    match fs_err::remove_dir(upper) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty => return Ok(()),
        Err(error) => return Err(error),
    }
    let making = Utf8PathBuf::from(format!("{upper}.making"));
    cache::remove(&making)?;
    fs_err::create_dir_all(&making)?;
    for layer in above.iter().rev() {
        copy::layer(layer, &making)?;
    }
    fs_err::rename(making, upper)
}
