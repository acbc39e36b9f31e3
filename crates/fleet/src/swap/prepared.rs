//! What a swap has become: exact, built, with a digest.

use camino::Utf8PathBuf;
use charmproof_store::event::SwapRecord;
use serde::{Deserialize, Serialize};

use super::spec::LibrarySpec;

/// A swap that is ready to be put into charms.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PreparedSwap {
    /// A distribution.
    Package(PreparedPackage),
    /// A vendored charm library.
    Library(PreparedLibrary),
}

/// A distribution that is ready to be installed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PreparedPackage {
    /// As the user typed it; for a companion, the spec that it follows.
    pub spec: String,
    /// The normalised name.
    pub name: String,
    /// The exact version.
    pub version: String,
    /// Digest of the installed files ([`super::record::digest`]).
    pub digest: String,
    /// Import names.
    pub modules: Vec<String>,
    /// An unpacked copy, as `site-packages` would hold it.
    pub tree: Utf8PathBuf,
    /// What an installer is given: the path of a wheel, or `name==version`.
    pub requirement: String,
    /// The package's own requirements, without those of extras.
    pub requires: Vec<String>,
    /// The Python versions that it accepts.
    pub requires_python: Option<String>,
    /// Where it came from, for people.
    pub source: String,
}

/// A vendored library that is ready to be copied.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PreparedLibrary {
    /// What was asked for.
    pub spec: LibrarySpec,
    /// The text that takes the file's place.
    pub content: String,
    /// The distribution that the text re-exports, where it does.
    pub package: Option<PreparedPackage>,
    /// Digest of `content`.
    pub digest: String,
}

impl PreparedSwap {
    /// Returns the record that goes into the run's plan.
    pub fn record(&self) -> SwapRecord {
        match self {
            Self::Package(package) => SwapRecord {
                spec: package.spec.clone(),
                package: package.name.clone(),
                version: package.version.clone(),
                digest: package.digest.clone(),
                source: package.source.clone(),
                modules: package.modules.clone(),
            },
            Self::Library(library) => SwapRecord {
                spec: library.spec.text.clone(),
                package: library.spec.import_name(),
                version: format!("sha256:{}", &library.digest[..12]),
                digest: library.digest.clone(),
                source: match &library.package {
                    Some(package) => format!("{} {}", package.name, package.version),
                    None => "a file".into(),
                },
                modules: vec![library.spec.import_name()],
            },
        }
    }

    /// Returns the distribution that this swap installs, if any.
    pub fn package(&self) -> Option<&PreparedPackage> {
        match self {
            Self::Package(package) => Some(package),
            Self::Library(library) => library.package.as_ref(),
        }
    }
}
