//! Recipes: what stands in for an image that cannot be had.
//!
//! A recipe says in a few lines which programs an image has, and they are taken from this host, its package
//! index and its archive of packages. What is made is kept under the digest of all that decided it.

mod apt;
mod book;
mod build;
mod files;
mod steps;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub(crate) use book::{Book, Found};
pub(crate) use build::{Below, follow};

/// What stands in for an image.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Recipe {
    /// What it is, for the warning: `Debian's redis-server`.
    pub(crate) summary: Option<String>,
    /// Further names of images that it stands in for.
    pub(crate) also: Vec<String>,
    /// What it is made upon: `host`, a base such as `ubuntu@24.04`, or an image that is there.
    pub(crate) base: Option<String>,
    /// Python packages, as for pip.
    pub(crate) python: Vec<String>,
    /// Versions of Python that will do, the best first.
    pub(crate) python_versions: Vec<String>,
    /// Packages of the host's distribution.
    pub(crate) apt: Vec<String>,
    /// Files by their absolute path.
    pub(crate) files: BTreeMap<String, FileEntry>,
    /// Users to add.
    pub(crate) users: Vec<UserEntry>,
    /// Services that the image brings, as a layer of Pebble.
    pub(crate) pebble_layer: Option<toml::Table>,
    /// Variables.
    pub(crate) env: BTreeMap<String, String>,
    /// The program and its first arguments.
    pub(crate) entrypoint: Vec<String>,
    /// Arguments.
    pub(crate) cmd: Vec<String>,
    /// Who runs it.
    pub(crate) user: Option<String>,
    /// Where it is started.
    pub(crate) work_dir: Option<String>,
}

/// A file: its text, or a table that says more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum FileEntry {
    /// Its text.
    Text(String),
    /// What else can be said.
    Table(FileTable),
}

/// One of `text`, `source`, `link` and `folder`, and what can be said of all.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct FileTable {
    /// Its text.
    pub(crate) text: Option<String>,
    /// A file beside the recipe that it is a copy of.
    pub(crate) source: Option<String>,
    /// Where it leads, if it is a link.
    pub(crate) link: Option<String>,
    /// Whether it is a folder.
    pub(crate) folder: bool,
    /// Its mode, such as `0755`.
    pub(crate) mode: Option<String>,
    /// Its owner, by number or by the name of a user of the recipe.
    pub(crate) owner: Option<String>,
}

/// A user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct UserEntry {
    /// The name, also of the group.
    pub(crate) name: String,
    /// The number.
    pub(crate) uid: u32,
    /// The number of the group; the user's own if it is left out.
    #[serde(default)]
    pub(crate) gid: Option<u32>,
    /// The home, which is made.
    #[serde(default)]
    pub(crate) home: Option<String>,
    /// The shell.
    #[serde(default)]
    pub(crate) shell: Option<String>,
}
