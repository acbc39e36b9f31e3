//! What stands in for charms of Charmhub that cannot run here, or that should not be fetched.

use std::collections::BTreeMap;

use camino::{Utf8Path, Utf8PathBuf};
use serde::Deserialize;
use thiserror::Error;

/// The name of the list beside a charm.
pub(crate) const LOCAL_NAME: &str = "charmproof-charmhub.toml";
/// The name of the list in the user's configuration.
pub(crate) const USER_NAME: &str = "charmhub.toml";
/// The variable that names a list.
pub(crate) const VARIABLE: &str = "CHARMPROOF_CHARMHUB";

/// Why a list is none.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("the list of substitutes {path} cannot be read: {reason}")]
pub(crate) struct SubstitutesError {
    path: Utf8PathBuf,
    reason: String,
}

/// What stands in for a charm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Substitute {
    /// A `.charm` file, a folder, or a bundle.
    pub(crate) path: Utf8PathBuf,
    /// Its resources, as for `--resource`.
    pub(crate) resources: BTreeMap<String, String>,
    /// The list that says so.
    pub(crate) list: Utf8PathBuf,
}

/// Lists of what stands in for what, the one that counts most first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Substitutes(Vec<BTreeMap<String, Substitute>>);

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct List {
    #[serde(default)]
    substitutes: BTreeMap<String, Entry>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Entry {
    Path(Utf8PathBuf),
    Full(FullEntry),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct FullEntry {
    charm: Utf8PathBuf,
    #[serde(default)]
    resources: BTreeMap<String, String>,
}

impl Substitutes {
    /// Reads the lists that hold for a command that is typed in `folder`.
    pub(crate) fn of(
        folder: &Utf8Path,
        variable: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, SubstitutesError> {
        let mut paths = Vec::new();
        // One that is named has to be there.
        if let Some(path) = variable(VARIABLE) {
            paths.push((folder.join(path), true));
        }
        paths.extend(folder.ancestors().map(|folder| (folder.join(LOCAL_NAME), false)));
        let configuration = variable("XDG_CONFIG_HOME")
            .map(Utf8PathBuf::from)
            .or_else(|| variable("HOME").map(|home| Utf8Path::new(&home).join(".config")));
        if let Some(configuration) = configuration {
            paths.push((configuration.join("charmproof").join(USER_NAME), false));
        }
        let mut lists = Vec::new();
        for (path, is_named) in paths {
            if !is_named && !path.is_file() {
                continue;
            }
            let text = fs_err::read_to_string(&path)
                .map_err(|error| SubstitutesError { path: path.clone(), reason: error.to_string() })?;
            lists.push(read(&path, &text)?);
        }
        Ok(Self(lists))
    }

    /// Returns what stands in for a charm.
    pub(crate) fn of_charm(&self, name: &str) -> Option<&Substitute> {
        self.0.iter().find_map(|list| list.get(name))
    }
}

/// Reads a list. Paths are relative to its folder.
fn read(path: &Utf8Path, text: &str) -> Result<BTreeMap<String, Substitute>, SubstitutesError> {
    let failed = |reason: String| SubstitutesError { path: path.to_owned(), reason };
    let list: List = toml::from_str(text).map_err(|error| failed(error.to_string().trim().to_owned()))?;
    let folder = path.parent().unwrap_or(Utf8Path::new("/"));
    let entries = list.substitutes.into_iter().map(|(name, entry)| {
        let entry = match entry {
            Entry::Path(charm) => FullEntry { charm, resources: BTreeMap::new() },
            Entry::Full(entry) => entry,
        };
        if !crate::names::is_application(&name) {
            return Err(failed(format!("\"{name}\" is no name of a charm")));
        }
        let substitute = Substitute {
            path: crate::bundle::clean(&folder.join(entry.charm)),
            resources: entry.resources,
            list: path.to_owned(),
        };
        Ok((name, substitute))
    });
    entries.collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(text: &str, expected: Result<&[(&str, &str)], &str>) {
        let list = read(Utf8Path::new("/charm/charmproof-charmhub.toml"), text);
        match expected {
            Ok(expected) => {
                let list = list.unwrap();
                let found: Vec<(&str, &str)> =
                    list.iter().map(|(name, substitute)| (name.as_str(), substitute.path.as_str())).collect();
                assert_eq!(found, expected);
            }
            Err(words) => {
                let error = list.unwrap_err().to_string();
                assert!(error.contains(words), "{error}");
                assert!(error.contains("/charm/charmproof-charmhub.toml"), "{error}");
            }
        }
    }

    #[test]
    fn a_list_says_what_stands_in_for_what() {
        check("", Ok(&[]));
        check(
            "[substitutes]\n\"postgresql-k8s\" = \"./stand-ins/../db.charm\"\nredis = { charm = \"/r\" }\n",
            Ok(&[("postgresql-k8s", "/charm/db.charm"), ("redis", "/r")]),
        );
        check("[substitutes]\n\"../x\" = \"./db.charm\"\n", Err("\"../x\" is no name of a charm"));
        check("[substitute]\nx = \"./db.charm\"\n", Err("unknown field `substitute`"));
        check("[substitutes", Err("TOML parse error"));
    }

    #[test]
    fn the_nearest_list_counts_most() {
        let folder = tempfile::tempdir().unwrap();
        let root = Utf8PathBuf::from_path_buf(folder.path().to_owned()).unwrap();
        let charm = root.join("charm/tests");
        let configuration = root.join("configuration/charmproof");
        for (place, name, text) in [
            (&root.join("charm"), LOCAL_NAME, "[substitutes]\na = \"./near\"\n"),
            (&configuration, USER_NAME, "[substitutes]\na = \"./far\"\nb = \"./far\"\n"),
        ] {
            fs_err::create_dir_all(place).unwrap();
            fs_err::write(place.join(name), text).unwrap();
        }
        let variable =
            |name: &str| (name == "XDG_CONFIG_HOME").then(|| root.join("configuration").to_string());
        let substitutes = Substitutes::of(&charm, &variable).unwrap();
        let path = |name: &str| substitutes.of_charm(name).map(|substitute| substitute.path.clone());
        assert_eq!(path("a"), Some(root.join("charm/near")));
        assert_eq!(path("b"), Some(configuration.join("far")));
        assert_eq!(path("c"), None);
        let named = |name: &str| (name == VARIABLE).then(|| "gone.toml".to_owned());
        let error = Substitutes::of(&charm, &named).unwrap_err().to_string();
        assert!(error.contains("tests/gone.toml"), "{error}");
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "\\PC*") {
            let _ = read(Utf8Path::new("/a/list.toml"), &text);
        }
    }
}
