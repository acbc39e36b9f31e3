//! What is known about the host and wanted by the user. Nothing here looks for it.

use std::collections::BTreeMap;

use camino::{Utf8Path, Utf8PathBuf};
use charmproof_sandbox::{CancelToken, Launcher};
use serde::Deserialize;

use crate::error::ImageError;
use crate::unpack::Limits;

/// What is known about the host and wanted by the user.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// The interpreters of this host, by major and minor version.
    pub interpreters: BTreeMap<(u32, u32), Utf8PathBuf>,
    /// Roots that the user gave, by base such as `ubuntu@24.04`: a folder, a tar file, or an image. See
    /// [`RootsFile`].
    pub roots: BTreeMap<String, String>,
    /// What `/etc/os-release` says where a base is stood in for.
    pub os_release: OsRelease,
    /// Files with recipes, the most important first.
    pub recipe_files: Vec<Utf8PathBuf>,
    /// When the recipes that charmproof brings are used.
    pub standing: Standing,
    /// What follows recipes. Without it only those are followed that need no program.
    pub builder: Option<Builder>,
    /// Registries that are asked without TLS. Those on this machine always are.
    pub insecure_registries: Vec<String>,
    /// How much an image may hold.
    pub limits: Limits,
}

/// What `/etc/os-release` says where this host's userland stands in for a base.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OsRelease {
    /// What the host really is.
    #[default]
    Host,
    /// What the base would say. Charms that decide by it then do as on the base, with packages that are not
    /// the base's.
    Base,
}

/// When the recipes that charmproof brings are used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Standing {
    /// Where the registry cannot be reached.
    #[default]
    WhenUnreachable,
    /// Whenever there is one, as `CHARMPROOF_IMAGES=recipes` asks for.
    Always,
}

/// What runs the steps of recipes.
#[derive(Debug, Clone)]
pub struct Builder {
    /// Runs each step, bounded, with the host read-only.
    pub launcher: Launcher,
    /// uv, which installs Python packages.
    pub uv: Option<Utf8PathBuf>,
    /// Where uv keeps packages.
    pub uv_cache: Utf8PathBuf,
    /// The variables that steps get: indexes, proxies, certificates.
    pub environment: BTreeMap<String, String>,
    /// The search path of steps.
    pub search_path: String,
    /// What steps may not see, such as keys in the user's home.
    pub hidden: Vec<Utf8PathBuf>,
    /// Ends the steps.
    pub cancel: CancelToken,
}

/// The name and the password for a registry.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The name.
    pub username: String,
    /// The password, or a token.
    pub password: String,
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Credentials").field("username", &self.username).finish_non_exhaustive()
    }
}

/// What `roots.toml` says.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RootsFile {
    /// Roots by base.
    #[serde(default)]
    pub roots: BTreeMap<String, String>,
    /// What `/etc/os-release` says where a base is stood in for.
    #[serde(default)]
    pub os_release: OsRelease,
    /// Registries that are asked without TLS.
    #[serde(default)]
    pub insecure_registries: Vec<String>,
}

impl RootsFile {
    /// Reads the file, which need not be there. Relative paths in it are meant from its folder.
    pub fn read(path: &Utf8Path) -> Result<Self, ImageError> {
        let wrong = |why: String| ImageError::Configuration { path: path.to_owned(), why };
        let text = match fs_err::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(wrong(error.to_string())),
        };
        let mut file: Self = toml::from_str(&text).map_err(|error| wrong(error.to_string()))?;
        let folder = path.parent().unwrap_or(Utf8Path::new("/"));
        for (base, root) in &mut file.roots {
            if !base.contains('@') {
                return Err(wrong(format!("`{base}` is no base such as `ubuntu@24.04`")));
            }
            if root.starts_with("./") || root.starts_with("../") {
                *root = folder.join(&*root).into_string();
            }
        }
        Ok(file)
    }

    /// Adds to settings what the file says.
    pub fn apply(self, settings: &mut Settings) {
        settings.roots.extend(self.roots);
        settings.os_release = self.os_release;
        settings.insecure_registries.extend(self.insecure_registries);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Result<&[(&str, &str)], &str>) {
        let folder = tempfile::tempdir().unwrap();
        let path = Utf8PathBuf::try_from(folder.path().join("roots.toml")).unwrap();
        fs_err::write(&path, text).unwrap();
        let folder = path.parent().unwrap().as_str();
        match (RootsFile::read(&path), expected) {
            (Ok(file), Ok(expected)) => {
                let roots: Vec<(String, String)> =
                    file.roots.into_iter().map(|(base, root)| (base, root.replace(folder, "HERE"))).collect();
                let expected: Vec<(String, String)> =
                    expected.iter().map(|(base, root)| ((*base).to_owned(), (*root).to_owned())).collect();
                assert_eq!(roots, expected);
            }
            (Err(error), Err(part)) => assert!(error.to_string().contains(part), "{error}"),
            (got, expected) => panic!("{got:?} instead of {expected:?}"),
        }
    }

    #[test]
    fn roots_are_read() {
        check("", Ok(&[]));
        check(
            "os_release = 'base'\n[roots]\n'ubuntu@24.04' = './noble.tar.zst'\n'ubuntu@22.04' = '/srv/jammy'",
            Ok(&[("ubuntu@22.04", "/srv/jammy"), ("ubuntu@24.04", "HERE/./noble.tar.zst")]),
        );
        check("[roots]\nubuntu = '/srv/jammy'", Err("no base such as"));
        check("os_release = 'lie'", Err("unknown variant"));
        check("[root]", Err("unknown field"));
    }

    #[test]
    fn nobody_prints_a_password() {
        let credentials = Credentials { username: "me".into(), password: "hunter2".into() };
        assert!(!format!("{credentials:?}").contains("hunter2"));
    }
}
