//! Vendored charm libraries: the files below `lib/charms`, an index of those
//! that a fleet has, and which of them a charm lacks.
//!
//! A charm that declares its libraries in `charm-libs` does not run from a
//! plain checkout. [`LibraryIndex`] finds each of them in some other charm of
//! the fleet, so that nobody has to ask Charmhub.

mod imports;
mod pydeps;
mod python_text;

use std::collections::BTreeMap;
use std::fmt;

use camino::{Utf8Path, Utf8PathBuf};

pub use imports::{LibraryImport, library_imports};
pub use pydeps::PythonDependencies;

use crate::Tree;
use crate::metadata::{CharmLib, CharmMetadata, LibVersion};

/// What identifies a charm library: `charms.<charm>.v<api>.<lib>`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LibraryKey {
    /// The charm that owns it, with underscores.
    pub charm: String,
    /// Its API version.
    pub api: u64,
    /// Its name.
    pub lib: String,
}

impl LibraryKey {
    /// Where a charm keeps the library.
    pub fn path(&self) -> Utf8PathBuf {
        let Self { charm, api, lib } = self;
        format!("lib/charms/{charm}/v{api}/{lib}.py").into()
    }

    /// The library that a vendored file is, by its path.
    pub fn from_path(path: &Utf8Path) -> Option<Self> {
        let below = path.strip_prefix("lib/charms").ok()?;
        let mut parts = below.components().map(|component| component.as_str());
        let (charm, version, file) = (parts.next()?, parts.next()?, parts.next()?);
        if parts.next().is_some() {
            return None;
        }
        let lib = file.strip_suffix(".py").filter(|lib| !lib.is_empty() && *lib != "__init__")?;
        Some(Self { charm: charm.to_owned(), api: api_of(version)?, lib: lib.to_owned() })
    }
}

impl fmt::Display for LibraryKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "charms.{}.v{}.{}", self.charm, self.api, self.lib)
    }
}

/// The API version in a directory or module name such as `v2`.
fn api_of(version: &str) -> Option<u64> {
    let digits = version.strip_prefix('v')?;
    let fine = !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit());
    fine.then(|| digits.parse().ok()).flatten()
}

/// A vendored charm library.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VendoredLibrary {
    /// Which library it is, by its path.
    pub key: LibraryKey,
    /// Where the file is, below the charm.
    pub path: Utf8PathBuf,
    /// Its identifier on Charmhub.
    pub libid: Option<String>,
    /// The API version that the file itself states.
    pub libapi: Option<u64>,
    /// Its patch version.
    pub libpatch: Option<u64>,
}

impl VendoredLibrary {
    /// Reads a vendored file. Nothing if the path is not that of a library; a
    /// library whose text lacks the usual assignments is still one.
    pub fn parse(path: &Utf8Path, text: &str) -> Option<Self> {
        let key = LibraryKey::from_path(path)?;
        let mut library = Self { key, path: path.to_owned(), libid: None, libapi: None, libpatch: None };
        for (_, line) in python_text::code_lines(text) {
            let Some((name, value)) = assignment(line) else {
                continue;
            };
            match name {
                "LIBID" => library.libid = string_literal(value).or(library.libid),
                "LIBAPI" => library.libapi = int_literal(value).or(library.libapi),
                "LIBPATCH" => library.libpatch = int_literal(value).or(library.libpatch),
                _ => {}
            }
        }
        Some(library)
    }

    /// The version the file has: the API of its path, and its patch.
    pub fn version(&self) -> LibVersion {
        LibVersion { api: self.key.api, patch: self.libpatch }
    }
}

/// A simple assignment at the left margin: `NAME = value`, `NAME: int = value`.
fn assignment(line: &str) -> Option<(&str, &str)> {
    let (target, value) = line.split_once('=')?;
    if value.starts_with('=') {
        return None;
    }
    let name = target.split(':').next().unwrap_or(target).trim_end();
    let is_name = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    is_name.then_some((name, value.trim()))
}

fn string_literal(value: &str) -> Option<String> {
    let value = value.trim_start_matches('(').trim_start();
    let quote = value.chars().next().filter(|first| matches!(first, '"' | '\''))?;
    let (text, _) = value[1..].split_once(quote)?;
    Some(text.to_owned())
}

fn int_literal(value: &str) -> Option<u64> {
    let value = value.split('#').next().unwrap_or(value).trim();
    let value = value.trim_matches(['(', ')', '"', '\'', ';']).trim();
    value.replace('_', "").parse().ok()
}

/// The libraries that a charm has, in order of their paths.
pub fn vendored_libraries(tree: &dyn Tree) -> Vec<VendoredLibrary> {
    tree.files_below(Utf8Path::new("lib/charms"))
        .filter(|path| LibraryKey::from_path(path).is_some())
        .filter_map(|path| VendoredLibrary::parse(path, &tree.read(path)?))
        .collect()
}

/// Where an indexed library is to be had.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Provider {
    /// The repository, in whatever way the caller names repositories.
    pub repository: String,
    /// The charm root in it.
    pub charm_root: Utf8PathBuf,
    /// Whether the charm is the one that publishes the library.
    pub is_owner: bool,
}

/// A library in the index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// The vendored file.
    pub library: VendoredLibrary,
    /// Who has it.
    pub provider: Provider,
}

/// The vendored libraries of all charms of a fleet.
#[derive(Debug, Clone, Default)]
pub struct LibraryIndex {
    candidates: BTreeMap<LibraryKey, Vec<Candidate>>,
}

impl LibraryIndex {
    /// Adds one library.
    pub fn add(&mut self, library: VendoredLibrary, provider: Provider) {
        let candidates = self.candidates.entry(library.key.clone()).or_default();
        let candidate = Candidate { library, provider };
        let at = candidates.partition_point(|other| rank(other) <= rank(&candidate));
        candidates.insert(at, candidate);
    }

    /// Adds all libraries of a charm.
    pub fn add_charm(
        &mut self,
        tree: &dyn Tree,
        repository: &str,
        charm_root: &Utf8Path,
        metadata: &CharmMetadata,
    ) {
        let module = metadata.name.as_ref().map(crate::names::CharmName::module);
        for library in vendored_libraries(tree) {
            let provider = Provider {
                repository: repository.to_owned(),
                charm_root: charm_root.to_owned(),
                is_owner: module.as_ref() == Some(&library.key.charm),
            };
            self.add(library, provider);
        }
    }

    /// All copies of a library, the newest first.
    pub fn candidates(&self, key: &LibraryKey) -> &[Candidate] {
        self.candidates.get(key).map_or(&[], Vec::as_slice)
    }

    /// The copy to use for a declared library. A version such as `0` means
    /// the newest patch; `0.4` means patch 4, or the newest if only newer
    /// ones are to be had. Older ones are never used.
    pub fn resolve(&self, wanted: &CharmLib) -> Option<&Candidate> {
        let key =
            LibraryKey { charm: wanted.charm.clone(), api: wanted.version.api, lib: wanted.lib.clone() };
        self.resolve_key(&key, wanted.version.patch)
    }

    /// The copy to use for a library, with a patch as [`Self::resolve`] has it.
    pub fn resolve_key(&self, key: &LibraryKey, patch: Option<u64>) -> Option<&Candidate> {
        let candidates = self.candidates(key);
        let Some(patch) = patch else {
            return candidates.first();
        };
        let exact = candidates.iter().find(|candidate| candidate.library.libpatch == Some(patch));
        exact.or_else(|| candidates.first().filter(|candidate| candidate.library.libpatch >= Some(patch)))
    }
}

/// The newest first; among equals the publisher's own copy, then by name.
fn rank(candidate: &Candidate) -> (std::cmp::Reverse<Option<u64>>, bool, &str, &Utf8Path) {
    (
        std::cmp::Reverse(candidate.library.libpatch),
        !candidate.provider.is_owner,
        &candidate.provider.repository,
        &candidate.provider.charm_root,
    )
}

/// Who asks for a library that is not there.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum AskedBy {
    /// An entry of `charm-libs`.
    Declaration {
        /// The line of charmcraft.yaml.
        line: usize,
    },
    /// An import that nothing declares.
    Import {
        /// The file that imports it.
        file: Utf8PathBuf,
        /// The line of the import.
        line: usize,
    },
}

/// A library that a charm needs and does not have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MissingLibrary {
    /// The library.
    pub key: LibraryKey,
    /// The patch asked for, if any.
    pub patch: Option<u64>,
    /// Who asks.
    pub asked_by: AskedBy,
}

/// The libraries that a charm declares or imports, and does not have.
pub fn missing_libraries(metadata: &CharmMetadata, tree: &dyn Tree) -> Vec<MissingLibrary> {
    let mut missing: BTreeMap<LibraryKey, MissingLibrary> = BTreeMap::new();
    for declared in &metadata.charm_libs {
        let key = LibraryKey {
            charm: declared.charm.clone(),
            api: declared.version.api,
            lib: declared.lib.clone(),
        };
        if !tree.has(&key.path()) {
            let asked_by = AskedBy::Declaration { line: declared.line };
            let lacking = MissingLibrary { key: key.clone(), patch: declared.version.patch, asked_by };
            missing.entry(key).or_insert(lacking);
        }
    }
    for import in library_imports(tree) {
        let path = import.key.path();
        let is_package = tree.has(&path.with_extension("").join("__init__.py"));
        if tree.has(&path) || is_package {
            continue;
        }
        missing.entry(import.key.clone()).or_insert_with(|| MissingLibrary {
            key: import.key,
            patch: None,
            asked_by: AskedBy::Import { file: import.file, line: import.line },
        });
    }
    missing.into_values().collect()
}

#[cfg(test)]
mod tests;
