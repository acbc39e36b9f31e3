//! What `juju version` and `juju ssh-keys` show.

use serde::Serialize;

use super::document::to_yaml;

/// All about the version, as `juju version --all` prints it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct VersionView {
    /// `3.6.3-ubuntu-amd64`.
    pub version: String,
    /// The source that it is made of.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub git_commit: String,
    /// `clean` unless the source had changes of its own.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub git_tree_state: String,
    /// What it was compiled with.
    pub compiler: String,
}

/// Writes `juju version`.
pub fn write_version(version: &str) -> String {
    format!("{version}\n")
}

/// Writes `juju version --all`.
pub fn write_version_in_full(version: &VersionView) -> String {
    to_yaml(version)
}

/// Writes `juju ssh-keys`: fingerprints, or keys in full (`--full`).
pub fn write_ssh_keys(model: &str, keys: &[String]) -> String {
    format!("Keys used in model: {model}\n{}\n", keys.join("\n"))
}
