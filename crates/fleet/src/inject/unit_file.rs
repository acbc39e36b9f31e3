//! `unit.json`: what the helpers inside a run are told.

use std::collections::BTreeMap;

use camino::{Utf8Path, Utf8PathBuf};
use charmproof_store::event::Side;
use serde::{Deserialize, Serialize};

use crate::provision::pythons::Python;
use crate::swap::{PreparedLibrary, PreparedPackage, PreparedSwap};

/// How charmproof's calls to itself end when something of ours went wrong.
pub const EXIT_OURS: i32 = 70;

/// Everything that the helpers of one unit need.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnitFile {
    /// This program.
    pub charmproof: Utf8PathBuf,
    /// Where the helpers append what they see.
    pub evidence: Utf8PathBuf,
    /// Which variant runs.
    pub side: Side,
    /// Whether the baseline has swaps of its own.
    pub baseline_swapped: bool,
    /// The packages to put in, or (without a version) only to look for.
    pub packages: Vec<WatchedPackage>,
    /// Variables that reach the tests.
    pub environment: BTreeMap<String, String>,
    /// Whether warnings are errors, unless the charm says otherwise.
    pub werror: bool,
    /// The folder of shims.
    pub shims: Utf8PathBuf,
    /// The folder of the Python helpers, which holds this file.
    pub inside: Utf8PathBuf,
    /// Base Pythons to lift, from what the charm says to what is used.
    pub base_python: BTreeMap<String, String>,
    /// Our own variables (caches, indexes, TLS), which tox is to hand on and which every
    /// installation of ours uses, whatever a runner hands on.
    pub passed_on: BTreeMap<String, String>,
    /// The charm in its copy.
    pub charm_dir: Utf8PathBuf,
    /// The pinned uv.
    pub uv: Utf8PathBuf,
    /// Where compiled files are kept for the next environment.
    pub bytecode: Utf8PathBuf,
    /// What lives are played with, where charmproof itself is what runs.
    #[serde(default)]
    pub lives: Option<LivesOrder>,
    /// What charms are packed with, where the suite deploys them.
    #[serde(default)]
    pub packing: Option<PackingOrder>,
}

/// What charms are packed with, by whoever packs them during a suite.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PackingOrder {
    /// The cache, where environments are kept.
    pub cache: Utf8PathBuf,
    /// The interpreters to choose from. A charm is packed for the Python of its base, which need not be
    /// that of its tests.
    pub pythons: Vec<Python>,
    /// What is put into each charm.
    pub swaps: Vec<PreparedSwap>,
    /// Where compilers and git are found.
    pub search_path: String,
    /// Whether the sandbox's namespaces are used where the host has them.
    pub uses_namespaces: bool,
}

impl PackingOrder {
    /// Reads the file at `path`.
    pub fn read(path: &Utf8Path) -> std::io::Result<Self> {
        serde_json::from_slice(&fs_err::read(path)?).map_err(std::io::Error::other)
    }

    /// Writes the file at `path`.
    pub fn write(&self, path: &Utf8Path) -> std::io::Result<()> {
        fs_err::write(path, serde_json::to_vec(self).map_err(std::io::Error::other)?)
    }
}

/// What the lives of a charm are played with. The environment that the charm is shipped with is
/// made by whoever plays them; that of its tests is another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LivesOrder {
    /// The cache, where environments are kept.
    pub cache: Utf8PathBuf,
    /// The interpreter, the same on both sides.
    pub python: Python,
    /// What the side puts in.
    pub swaps: Vec<PreparedSwap>,
    /// Where compilers and git are found.
    pub search_path: String,
    /// Whether the sandbox's namespaces are used where the host has them.
    pub uses_namespaces: bool,
    /// What all processes together may use.
    pub memory_bytes: u64,
}

/// One package that helpers look for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WatchedPackage {
    /// The normalised name.
    pub name: String,
    /// Import names.
    pub modules: Vec<String>,
    /// The version that must be there; absent where this side swaps nothing.
    pub version: Option<String>,
    /// The digest that must be there.
    pub digest: Option<String>,
    /// An unpacked copy.
    pub tree: Option<Utf8PathBuf>,
    /// What uv is given.
    pub requirement: Option<String>,
    /// The package's own requirements.
    pub requires: Vec<String>,
    /// Whether it is put into environments that do not hold it: what takes a vendored
    /// library's place must be there.
    #[serde(default)]
    pub is_added: bool,
    /// For a vendored library: its file, as `charms/NAME/vN/LIB.py`.
    #[serde(default)]
    pub library: Option<String>,
}

impl WatchedPackage {
    /// A vendored library, replaced or only looked for.
    pub fn library(library: &PreparedLibrary, is_own: bool) -> Self {
        let file = library.spec.file();
        let mut package = Self::watched(&library.spec.import_name(), &[library.spec.import_name()]);
        package.library = Some(file.strip_prefix("lib").unwrap_or(&file).to_string());
        if is_own {
            package.version = Some(format!("sha256:{}", &library.digest[..12]));
            package.digest = Some(library.digest.clone());
        }
        package
    }

    /// A package that is put in.
    pub fn swapped(package: &PreparedPackage) -> Self {
        Self {
            name: package.name.clone(),
            modules: package.modules.clone(),
            version: Some(package.version.clone()),
            digest: Some(package.digest.clone()),
            tree: Some(package.tree.clone()),
            requirement: Some(package.requirement.clone()),
            requires: package.requires.clone(),
            is_added: false,
            library: None,
        }
    }

    /// A package that is only looked for.
    pub fn watched(name: &str, modules: &[String]) -> Self {
        Self {
            name: name.to_string(),
            modules: modules.to_vec(),
            version: None,
            digest: None,
            tree: None,
            requirement: None,
            requires: Vec::new(),
            is_added: false,
            library: None,
        }
    }
}

impl UnitFile {
    /// Reads the file at `path`.
    pub fn read(path: &Utf8Path) -> std::io::Result<Self> {
        serde_json::from_slice(&fs_err::read(path)?).map_err(std::io::Error::other)
    }

    /// Appends one line of evidence.
    pub fn emit(&self, record: &serde_json::Value) -> std::io::Result<()> {
        use std::io::Write as _;
        let mut line = record.to_string();
        line.push('\n');
        fs_err::OpenOptions::new().create(true).append(true).open(&self.evidence)?.write_all(line.as_bytes())
    }
}
