//! What a charm says about itself: charmcraft.yaml, falling back to
//! metadata.yaml and config.yaml.
//!
//! Any of the files may be absent, partial or broken; [`CharmMetadata`] holds
//! what could be read, and its notes say what could not.

mod base;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use camino::Utf8Path;

pub use base::{Base, InvalidBase};

use crate::interpreter::PREFERRED_MOST;
use crate::names::CharmName;
use crate::yaml::{self, Kind, Node};
use crate::{Note, Place, Tree};

/// What a charmcraft project builds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProjectType {
    /// A charm.
    Charm,
    /// A bundle of charms.
    Bundle,
    /// Something that charmcraft does not know.
    Other(String),
}

/// Where a charm runs, as far as its files tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Substrate {
    /// In a pod, with its workload in containers beside it.
    Kubernetes,
    /// On a machine. A guess, when nothing says otherwise.
    Machine,
}

/// The version of a charm library: API, and patch where one is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LibVersion {
    /// The API version: the `2` of `v2` and of `2.5`.
    pub api: u64,
    /// The patch version: the `5` of `2.5`.
    pub patch: Option<u64>,
}

/// A text that is no version of a charm library.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a version of a charm library such as 0 or 0.4")]
pub struct InvalidLibVersion(pub String);

impl FromStr for LibVersion {
    type Err = InvalidLibVersion;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let number = |part: &str| {
            let fine = !part.is_empty() && part.bytes().all(|digit| digit.is_ascii_digit());
            let value = if fine { part.parse::<u64>().ok() } else { None };
            value.ok_or_else(|| InvalidLibVersion(text.to_owned()))
        };
        let trimmed = text.trim();
        let trimmed = trimmed.strip_prefix('v').unwrap_or(trimmed);
        match trimmed.split_once('.') {
            Some((api, patch)) => Ok(Self { api: number(api)?, patch: Some(number(patch)?) }),
            None => Ok(Self { api: number(trimmed)?, patch: None }),
        }
    }
}

impl fmt::Display for LibVersion {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.patch {
            Some(patch) => write!(formatter, "{}.{patch}", self.api),
            None => write!(formatter, "{}", self.api),
        }
    }
}

/// An entry of `charm-libs`: a library that `charmcraft fetch-libs` brings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CharmLib {
    /// The charm that owns the library, with underscores.
    pub charm: String,
    /// The name of the library.
    pub lib: String,
    /// The version asked for.
    pub version: LibVersion,
    /// The line of charmcraft.yaml that asks.
    pub line: usize,
}

/// What a charm says about itself.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CharmMetadata {
    /// The name of the charm.
    pub name: Option<CharmName>,
    /// What the project builds, if it says so.
    pub project_type: Option<ProjectType>,
    /// One line about the charm.
    pub summary: Option<String>,
    /// The bases it runs on, in the order of the file.
    pub bases: Vec<Base>,
    /// The charm libraries it declares.
    pub charm_libs: Vec<CharmLib>,
    /// The parts of the build, with the plugin of each.
    pub parts: BTreeMap<String, Option<String>>,
    /// Where the code starts, when that is not `src/charm.py`.
    pub entrypoint: Option<String>,
    /// What it assumes of Juju, flattened: `juju >= 3.1`, `k8s-api`.
    pub assumes: Vec<String>,
    /// The names of its configuration options.
    pub config_options: BTreeSet<String>,
    /// The names of its containers.
    pub containers: BTreeSet<String>,
    /// Whether it is a subordinate.
    pub subordinate: bool,
    /// Whether it says that it runs on Kubernetes in some other way than by
    /// containers: `series: [kubernetes]`, or a `k8s-api` assumption.
    kubernetes: bool,
    /// What could not be read, and what is odd.
    pub notes: Vec<Note>,
}

impl CharmMetadata {
    /// Reads the files of the charm at the root of a tree.
    pub fn read(tree: &dyn Tree) -> Self {
        let text = |name: &str| tree.read(Utf8Path::new(name));
        Self::parse(
            text("charmcraft.yaml").as_deref(),
            text("metadata.yaml").as_deref(),
            text("config.yaml").as_deref(),
        )
    }

    /// Reads the texts of charmcraft.yaml, metadata.yaml and config.yaml.
    /// What charmcraft.yaml says wins.
    pub fn parse(charmcraft: Option<&str>, metadata: Option<&str>, config: Option<&str>) -> Self {
        let mut result = Self::default();
        if let Some(text) = charmcraft {
            result.add(CHARMCRAFT, text, Self::add_charmcraft);
        }
        if let Some(text) = metadata {
            result.add("metadata.yaml", text, Self::add_descriptive);
        }
        if let Some(text) = config {
            result.add("config.yaml", text, |result, root, _| {
                result.add_options(root.get("options"));
            });
        }
        result
    }

    /// Where the charm runs.
    pub fn substrate(&self) -> Substrate {
        let named = self.name.as_ref().is_some_and(|name| name.as_str().ends_with("-k8s"));
        if self.kubernetes || !self.containers.is_empty() || (named && !self.subordinate) {
            Substrate::Kubernetes
        } else {
            Substrate::Machine
        }
    }

    /// The base whose Python the suites are best run with: of several, the
    /// newest with a Python up to 3.12, which most dependencies have wheels
    /// for; else the oldest above; else the first, whose Python is not known.
    pub fn base_for_tests(&self) -> Option<&Base> {
        let known = || self.bases.iter().filter_map(|base| Some((base.python()?, base)));
        let up_to_most =
            known().filter(|(python, _)| *python <= PREFERRED_MOST).max_by_key(|(python, _)| *python);
        let chosen = up_to_most.or_else(|| known().min_by_key(|(python, _)| *python));
        chosen.map(|(_, base)| base).or_else(|| self.bases.first())
    }

    /// Whether a part is built with a plugin, named or by the part's name.
    pub fn uses_plugin(&self, plugin: &str) -> bool {
        self.parts.iter().any(|(part, named)| named.as_deref().unwrap_or(part) == plugin)
    }

    fn add(&mut self, file: &str, text: &str, add: impl FnOnce(&mut Self, &Node, &str)) {
        match yaml::parse(Utf8Path::new(file), text) {
            Ok((root, notes)) => {
                self.notes.extend(notes);
                if root.kind() == Kind::Mapping {
                    add(self, &root, file);
                } else {
                    self.note(file, root.place, "the file is not a mapping");
                }
            }
            Err(broken) => {
                self.notes.push(broken.into());
                self.salvage(file, text);
            }
        }
    }

    /// Takes the name and the type from a file that is not YAML, so that a
    /// charm with one wrong line is still known by its name.
    fn salvage(&mut self, file: &str, text: &str) {
        for line in text.lines() {
            let Some((key, value)) = line.split_once(':') else {
                continue;
            };
            let value = value.split(" #").next().unwrap_or("").trim().trim_matches(['"', '\'']);
            match key {
                "name" if self.name.is_none() => self.name = value.parse().ok(),
                "type" if self.project_type.is_none() && file == CHARMCRAFT => {
                    self.project_type = Some(project_type(value));
                }
                _ => {}
            }
        }
    }

    fn add_charmcraft(&mut self, root: &Node, file: &str) {
        self.project_type = self.text_of(root, "type", file).map(|text| project_type(&text));
        self.add_bases(root, file);
        for library in root.get("charm-libs").map_or(&[][..], Node::items) {
            self.add_charm_lib(library, file);
        }
        for (name, part) in root.get("parts").map_or(&[][..], Node::entries) {
            let plugin = part.get("plugin").and_then(Node::text).map(str::to_owned);
            if let Some(entrypoint) = part.get("charm-entrypoint").and_then(Node::text) {
                self.entrypoint = Some(entrypoint.to_owned());
            }
            self.parts.insert(name.clone(), plugin);
        }
        self.add_options(root.get("config").and_then(|config| config.get("options")));
        self.add_descriptive(root, file);
    }

    /// Adds what both files may say.
    fn add_descriptive(&mut self, root: &Node, file: &str) {
        if self.name.is_none()
            && let Some(node) = root.get("name")
            && let Some(text) = self.text_of(root, "name", file)
        {
            match text.parse() {
                Ok(name) => self.name = Some(name),
                Err(invalid) => self.note(file, node.place, invalid.to_string()),
            }
        }
        if self.summary.is_none() {
            self.summary = self.text_of(root, "summary", file).map(|text| text.trim().to_owned());
        }
        if self.assumes.is_empty()
            && let Some(assumes) = root.get("assumes")
        {
            flatten_assumes(assumes, &mut self.assumes);
            self.kubernetes |= self.assumes.iter().any(|assumed| assumed.starts_with("k8s-api"));
        }
        let containers = root.get("containers").map_or(&[][..], Node::entries);
        self.containers.extend(containers.iter().map(|(name, _)| name.clone()));
        self.subordinate |= root.get("subordinate").and_then(Node::bool).unwrap_or(false);
        let series = root.get("series").map(Node::texts).unwrap_or_default();
        self.kubernetes |= series.contains(&"kubernetes");
        if self.bases.is_empty() {
            self.bases = unique(series.into_iter().filter_map(Base::from_series));
        }
    }

    fn add_bases(&mut self, root: &Node, file: &str) {
        let mut bases = Vec::new();
        let mut wrong = Vec::new();
        let mut take = |node: &Node, text: &str| match text.parse::<Base>() {
            Ok(base) => bases.push(base),
            Err(invalid) => wrong.push((node.place, invalid.to_string())),
        };
        if let Some(node) = root.get("base")
            && let Some(text) = node.text()
        {
            take(node, text);
        }
        for (name, platform) in root.get("platforms").map_or(&[][..], Node::entries) {
            if name.contains('@') {
                take(platform, name);
                continue;
            }
            let keys = ["build-for", "build-on"];
            let built = keys.iter().find_map(|key| {
                let node = platform.get(key)?;
                node.texts().iter().any(|text| text.contains('@')).then_some(node)
            });
            if let Some(node) = built {
                for text in node.texts().into_iter().filter(|text| text.contains('@')) {
                    take(node, text);
                }
            }
        }
        for entry in root.get("bases").map_or(&[][..], Node::items) {
            let run_on = entry.get("run-on").or_else(|| entry.get("build-on"));
            let run_on = run_on.map_or(std::slice::from_ref(entry), Node::items);
            for base in run_on {
                let (name, channel) = (base.get("name"), base.get("channel"));
                if let (Some(name), Some(channel)) = (name.and_then(Node::text), channel.and_then(Node::text))
                {
                    take(base, &format!("{name}@{channel}"));
                }
                if let Some(channel) = channel {
                    self.note_lost_zero(channel, file);
                }
            }
        }
        self.bases = unique(bases);
        for (place, text) in wrong {
            self.note(file, place, text);
        }
    }

    fn add_charm_lib(&mut self, node: &Node, file: &str) {
        let (Some(library), Some(version)) = (
            node.get("lib").and_then(Node::text),
            node.get("version").filter(|version| version.text().is_some()),
        ) else {
            self.note(file, node.place, "an entry of `charm-libs` needs `lib` and `version`");
            return;
        };
        self.note_lost_zero(version, file);
        let Some((charm, lib)) = library.split_once('.') else {
            self.note(file, node.place, format!("`{library}` is not of the form charm.library"));
            return;
        };
        match version.text().unwrap_or_default().parse() {
            Ok(parsed) => self.charm_libs.push(CharmLib {
                charm: charm.replace('-', "_"),
                lib: lib.replace('-', "_"),
                version: parsed,
                line: node.place.line,
            }),
            Err(invalid) => self.note(file, version.place, invalid.to_string()),
        }
    }

    fn add_options(&mut self, options: Option<&Node>) {
        let options = options.map_or(&[][..], Node::entries);
        self.config_options.extend(options.iter().map(|(name, _)| name.clone()));
    }

    /// Says that other tools read an unquoted `0.10` as 0.1.
    fn note_lost_zero(&mut self, node: &Node, file: &str) {
        let text = node.text().unwrap_or_default();
        if node.kind() == Kind::Float && text.ends_with('0') {
            let text =
                format!("`{text}` is not quoted: other tools read it as a number and lose its last zero");
            self.note(file, node.place, text);
        }
    }

    fn text_of(&mut self, root: &Node, key: &str, file: &str) -> Option<String> {
        let node = root.get(key)?;
        if matches!(node.kind(), Kind::Sequence | Kind::Mapping) {
            self.note(file, node.place, format!("`{key}` should be text"));
        }
        node.text().map(str::to_owned)
    }

    fn note(&mut self, file: &str, place: Place, text: impl Into<String>) {
        self.notes.push(Note::at(file, place, text));
    }
}

const CHARMCRAFT: &str = "charmcraft.yaml";

fn project_type(text: &str) -> ProjectType {
    match text {
        "charm" => ProjectType::Charm,
        "bundle" => ProjectType::Bundle,
        other => ProjectType::Other(other.to_owned()),
    }
}

fn flatten_assumes(node: &Node, into: &mut Vec<String>) {
    if let Some(text) = node.text() {
        into.push(text.to_owned());
    }
    for item in node.items() {
        flatten_assumes(item, into);
    }
    for (_, value) in node.entries() {
        flatten_assumes(value, into);
    }
}

fn unique(bases: impl IntoIterator<Item = Base>) -> Vec<Base> {
    let mut result: Vec<Base> = Vec::new();
    for base in bases {
        if !result.contains(&base) {
            result.push(base);
        }
    }
    result
}

#[cfg(test)]
mod tests;
