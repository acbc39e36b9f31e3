//! Finds the charms of a repository, however it is laid out.
//!
//! Every directory is looked at by itself: a charm (or a bundle) at the top
//! does not hide the charms below it. A directory is a charm because of what
//! its charmcraft.yaml or metadata.yaml says, never because of where it is;
//! only what it is *for* depends on the place (charms below `tests/` are
//! helpers of a suite).

use std::collections::{BTreeMap, BTreeSet};

use camino::{Utf8Path, Utf8PathBuf};

use crate::metadata::{CharmMetadata, CharmTexts, ProjectType};
use crate::names::CharmName;
use crate::tree::is_pruned_path;
use crate::yaml::{self, Node};
use crate::{Note, Subtree, Tree};

/// How many candidate directories are looked into.
const CANDIDATES: usize = 2_000;

/// What a charm root holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CharmKind {
    /// A charm written in Python, with ops or a framework on top of it.
    Ops,
    /// A charm of the reactive framework.
    Reactive,
    /// A charm of bare hooks, without ops.
    HooksOnly,
    /// A bundle: a list of charms, without code.
    Bundle,
    /// A charm in another language than Python.
    NotPython,
    /// A charm that the tests of another one deploy.
    TestHelper,
    /// A template that charms are made from.
    Template,
}

impl CharmKind {
    /// Why a fleet leaves this charm out unless it is told not to; nothing
    /// for charms that are run.
    pub fn skip_reason(self) -> Option<&'static str> {
        match self {
            Self::Ops => None,
            Self::Reactive => Some("it is a reactive charm, which does not use ops"),
            Self::HooksOnly => Some("it is made of bare hooks and does not use ops"),
            Self::Bundle => Some("it is a bundle, which has no code of its own"),
            Self::NotPython => Some("it has no Python code"),
            Self::Template => Some("it is a template that charms are made from"),
            Self::TestHelper => Some("it is a helper that the tests of another charm deploy"),
        }
    }
}

/// A directory that holds a charm or a bundle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CharmRoot {
    /// The directory, relative to the repository; empty for its top.
    pub path: Utf8PathBuf,
    /// The name of the charm, if a file gives it.
    pub name: Option<CharmName>,
    /// What it holds.
    pub kind: CharmKind,
    /// What is odd about it, and what in its files could not be read.
    pub notes: Vec<Note>,
}

/// The charms of a repository.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Discovery {
    /// The charms and bundles, by path.
    pub roots: Vec<CharmRoot>,
    /// Remarks about the repository as a whole.
    pub notes: Vec<Note>,
}

/// Finds the charms and bundles of a repository.
pub fn discover(tree: &dyn Tree) -> Discovery {
    let mut discovery = Discovery::default();
    let mut candidates = candidates(tree);
    if candidates.len() > CANDIDATES {
        discovery.notes.push(Note::general(format!(
            "{} directories look like charms; only the first {CANDIDATES} were looked into",
            candidates.len()
        )));
        let keep: Vec<Utf8PathBuf> = candidates.keys().take(CANDIDATES).cloned().collect();
        candidates.retain(|path, _| keep.binary_search(path).is_ok());
    }
    for (path, markers) in &candidates {
        let subtree = Subtree::new(tree, path);
        if let Some(root) = look_into(&subtree, path, markers) {
            discovery.roots.push(root);
        }
    }
    discovery
}

/// The marker files of each directory that has any.
fn candidates(tree: &dyn Tree) -> BTreeMap<Utf8PathBuf, BTreeSet<&'static str>> {
    let mut candidates: BTreeMap<Utf8PathBuf, BTreeSet<&'static str>> = BTreeMap::new();
    for file in tree.files() {
        let Some(marker) = MARKERS.into_iter().find(|marker| file.file_name() == Some(marker)) else {
            continue;
        };
        if is_pruned_path(file) || tree.is_linked(file) {
            continue;
        }
        let directory = file.parent().unwrap_or(Utf8Path::new(""));
        let directory = home_of(tree, directory);
        candidates.entry(directory.to_owned()).or_default().insert(marker);
    }
    candidates
}

const MARKERS: [&str; 3] = ["charmcraft.yaml", "metadata.yaml", "bundle.yaml"];

/// The source layout of reactive charms keeps metadata.yaml and layer.yaml in
/// `src/`; the charm is then the directory above.
fn home_of<'a>(tree: &dyn Tree, directory: &'a Utf8Path) -> &'a Utf8Path {
    let is_source_layer = directory.file_name() == Some("src")
        && tree.has(&directory.join("layer.yaml"))
        && !tree.has(&directory.join("charmcraft.yaml"));
    if is_source_layer { directory.parent().unwrap_or(directory) } else { directory }
}

fn look_into(subtree: &Subtree<'_>, path: &Utf8Path, markers: &BTreeSet<&str>) -> Option<CharmRoot> {
    let mut metadata = CharmMetadata::read(subtree);
    if metadata.name.is_none()
        && let Some(text) = subtree.read(Utf8Path::new("src/metadata.yaml"))
    {
        let texts = CharmTexts { metadata: Some(&text), ..CharmTexts::default() };
        metadata.name = CharmMetadata::parse(texts).name;
    }
    let is_charm = match &metadata.project_type {
        Some(ProjectType::Bundle) => false,
        Some(ProjectType::Charm) => true,
        // Charmcraft makes other things than charms these days.
        Some(ProjectType::Other(_)) => return None,
        None => {
            (markers.contains("charmcraft.yaml") && has_charmcraft_shape(subtree, &metadata))
                || (markers.contains("metadata.yaml") && has_charm_metadata(subtree))
        }
    };
    let below_tests = path.components().any(|component| matches!(component.as_str(), "test" | "tests"));
    if is_charm {
        let (kind, note) = kind_of(subtree, &metadata);
        let is_template = path.as_str().contains("{{");
        let kind = match kind {
            _ if is_template => CharmKind::Template,
            _ if below_tests => CharmKind::TestHelper,
            kind => kind,
        };
        let mut notes = std::mem::take(&mut metadata.notes);
        notes.extend(note);
        if metadata.name.is_none() {
            notes.push(Note::general("no file gives the charm a name"));
        }
        return Some(CharmRoot { path: path.to_owned(), name: metadata.name, kind, notes });
    }
    let is_bundle = metadata.project_type == Some(ProjectType::Bundle)
        || (markers.contains("bundle.yaml") && has_bundle_shape(subtree));
    if !is_bundle || below_tests {
        return None;
    }
    let name = metadata.name.or_else(|| {
        let text = subtree.read(Utf8Path::new("bundle.yaml"))?;
        let (root, _) = yaml::parse(Utf8Path::new("bundle.yaml"), &text).ok()?;
        root.get("name").or_else(|| root.get("bundle"))?.text()?.parse().ok()
    });
    Some(CharmRoot { path: path.to_owned(), name, kind: CharmKind::Bundle, notes: metadata.notes })
}

/// Whether a charmcraft.yaml without a type is that of a charm.
fn has_charmcraft_shape(subtree: &Subtree<'_>, metadata: &CharmMetadata) -> bool {
    let file = Utf8Path::new("charmcraft.yaml");
    let Some(text) = subtree.read(file) else {
        return false;
    };
    match yaml::parse(file, &text) {
        Ok((root, _)) => {
            let keys = ["parts", "bases", "base", "platforms", "name", "charmhub", "extensions"];
            keys.iter().any(|key| root.get(key).is_some()) || metadata.name.is_some()
        }
        // A broken charmcraft.yaml is a charm with something to say about it.
        Err(_) => true,
    }
}

/// Whether there is a metadata.yaml of a charm: not of a conda recipe, a snap
/// or anything else that calls its file so.
fn has_charm_metadata(subtree: &Subtree<'_>) -> bool {
    let files = ["metadata.yaml", "src/metadata.yaml"].map(Utf8Path::new);
    let Some((file, text)) = files.into_iter().find_map(|file| Some((file, subtree.read(file)?))) else {
        return false;
    };
    let has_code = ["src", "hooks", "reactive"].iter().any(|name| subtree.has_dir(Utf8Path::new(name)))
        || ["charmcraft.yaml", "layer.yaml", "dispatch"].iter().any(|name| subtree.has(Utf8Path::new(name)));
    let says_charm = if let Ok((root, _)) = yaml::parse(file, &text) {
        has_name(&root) && CHARM_KEYS.iter().any(|key| root.get(key).is_some())
    } else {
        let starts = |key: &str| text.lines().any(|line| line.starts_with(key));
        starts("name:") && CHARM_KEYS.iter().any(|key| starts(&format!("{key}:")))
    };
    has_code && says_charm
}

/// Keys of which the metadata of a charm has at least one.
const CHARM_KEYS: [&str; 10] = [
    "summary",
    "description",
    "maintainer",
    "maintainers",
    "provides",
    "requires",
    "peers",
    "series",
    "subordinate",
    "containers",
];

fn has_name(root: &Node) -> bool {
    root.get("name").and_then(Node::text).is_some_and(|name| name.parse::<CharmName>().is_ok())
}

fn has_bundle_shape(subtree: &Subtree<'_>) -> bool {
    let file = Utf8Path::new("bundle.yaml");
    let Some(text) = subtree.read(file) else {
        return false;
    };
    match yaml::parse(file, &text) {
        Ok((root, _)) => ["applications", "services", "bundle"].iter().any(|key| root.get(key).is_some()),
        // Bundles are templates more often than not.
        Err(_) => text.lines().any(|line| matches!(line.trim_end(), "applications:" | "services:")),
    }
}

fn kind_of(subtree: &Subtree<'_>, metadata: &CharmMetadata) -> (CharmKind, Option<Note>) {
    let has = |path: &str| subtree.has(Utf8Path::new(path));
    let has_python_in = |directory: &str| {
        subtree.files_below(Utf8Path::new(directory)).any(|file| file.extension() == Some("py"))
    };
    let is_reactive = has("layer.yaml")
        || has("src/layer.yaml")
        || has_python_in("reactive")
        || has_python_in("src/reactive")
        || metadata.parts.values().flatten().any(|plugin| plugin == "reactive");
    let entrypoint = metadata.entrypoint.as_deref().unwrap_or("src/charm.py");
    let has_charm_py = has(entrypoint) || has("src/charm.py");
    if is_reactive && !has_charm_py {
        return (CharmKind::Reactive, None);
    }
    if has_charm_py || subtree.files_below(Utf8Path::new("src")).any(|file| mentions_ops(subtree, file)) {
        return (CharmKind::Ops, None);
    }
    if subtree.has_dir(Utf8Path::new("hooks")) {
        return (CharmKind::HooksOnly, None);
    }
    if has_python_in("src")
        || has_python_in("lib")
        || metadata.uses_plugin("charm")
        || metadata.uses_plugin("uv")
        || metadata.uses_plugin("poetry")
    {
        let note =
            Note::general(format!("`{entrypoint}` is not there, but the charm is built as a Python charm"));
        return (CharmKind::Ops, Some(note));
    }
    (CharmKind::NotPython, None)
}

fn mentions_ops(subtree: &Subtree<'_>, file: &Utf8Path) -> bool {
    file.extension() == Some("py")
        && subtree.read(file).is_some_and(|text| {
            text.lines().any(|line| {
                let words = line.trim_start();
                ["import ops", "from ops "].iter().any(|start| words.starts_with(start))
                    || words.starts_with("from ops.")
            })
        })
}

#[cfg(test)]
mod tests;
