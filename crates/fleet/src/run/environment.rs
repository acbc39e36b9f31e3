//! The variables that a suite sees.
//!
//! Nothing is inherited but what is listed here: a suite has no business with the
//! user's tokens, and a result must not depend on whose shell it ran in.

use std::collections::BTreeMap;

use camino::{Utf8Path, Utf8PathBuf};

/// Variables of the user that reach a suite: where packages come from, how TLS is
/// checked, and the language.
const INHERITED: &[&str] = &[
    "LANG",
    "LC_ALL",
    "LC_CTYPE",
    "TZ",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "all_proxy",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "ALL_PROXY",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "NODE_EXTRA_CA_CERTS",
    "GIT_SSL_CAINFO",
    "PIP_INDEX_URL",
    "PIP_EXTRA_INDEX_URL",
    "PIP_CERT",
    "PIP_TRUSTED_HOST",
    "PIP_CONFIG_FILE",
    "PIP_DEFAULT_TIMEOUT",
    "PIP_FIND_LINKS",
    "UV_INDEX_URL",
    "UV_EXTRA_INDEX_URL",
    "UV_INDEX",
    "UV_DEFAULT_INDEX",
    "UV_NATIVE_TLS",
    "UV_SYSTEM_CERTS",
    "UV_FIND_LINKS",
    "UV_HTTP_TIMEOUT",
    "UV_CONFIG_FILE",
    "POETRY_PYPI_MIRROR_URL",
    "NPM_CONFIG_REGISTRY",
    "npm_config_registry",
];

/// Returns what is inherited of the user's variables.
pub fn inherited(variables: &BTreeMap<String, String>, home: &Utf8Path) -> BTreeMap<String, String> {
    let mut kept: BTreeMap<String, String> = INHERITED
        .iter()
        .filter_map(|name| Some(((*name).to_string(), variables.get(*name)?.clone())))
        .collect();
    // The home is replaced, so the settings in it must be named.
    let files = [
        ("PIP_CONFIG_FILE", [".config/pip/pip.conf", ".pip/pip.conf"].as_slice()),
        ("UV_CONFIG_FILE", [".config/uv/uv.toml"].as_slice()),
    ];
    for (name, places) in files {
        if !kept.contains_key(name)
            && let Some(path) = places.iter().map(|place| home.join(place)).find(|path| path.exists())
        {
            kept.insert(name.to_string(), path.to_string());
        }
    }
    // Poetry asks the public index's JSON service unless it is told of a mirror.
    let index = ["POETRY_PYPI_MIRROR_URL", "UV_DEFAULT_INDEX", "PIP_INDEX_URL", "UV_INDEX_URL"]
        .iter()
        .find_map(|name| variables.get(*name))
        .cloned();
    if let Some(index) = index {
        kept.entry("POETRY_PYPI_MIRROR_URL".into()).or_insert(index);
    }
    kept.entry("LANG".into()).or_insert_with(|| "C.UTF-8".into());
    kept
}

/// Returns what every suite is told about caches, the same on both sides.
pub fn of_caches(work: &Utf8Path, uv_cache: &Utf8Path) -> BTreeMap<String, String> {
    [
        ("UV_CACHE_DIR", uv_cache.to_string()),
        ("UV_PYTHON_DOWNLOADS", "never".to_string()),
        ("UV_NO_PROGRESS", "1".to_string()),
        ("PIP_CACHE_DIR", work.join("pip").to_string()),
        ("PIP_DISABLE_PIP_VERSION_CHECK", "1".to_string()),
        ("POETRY_CACHE_DIR", work.join("poetry").to_string()),
        ("POETRY_VIRTUALENVS_IN_PROJECT", "true".to_string()),
        ("POETRY_NO_INTERACTION", "1".to_string()),
        ("NPM_CONFIG_CACHE", work.join("npm").to_string()),
        ("PYRIGHT_PYTHON_CACHE_DIR", work.join("pyright").to_string()),
        ("PYRIGHT_PYTHON_IGNORE_WARNINGS", "1".to_string()),
        ("PYO3_USE_ABI3_FORWARD_COMPATIBILITY", "1".to_string()),
        ("PYTHONUNBUFFERED", "1".to_string()),
        ("GIT_TERMINAL_PROMPT", "0".to_string()),
        ("TERM", "dumb".to_string()),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_string(), value))
    .collect()
}

/// Returns the user's search path without the shims of version managers, which
/// exist for versions that are not selected and then fail.
pub fn plain_search_path(search_path: &str) -> String {
    search_path
        .split(':')
        .filter(|folder| !folder.is_empty() && !folder.ends_with("/shims") && !folder.contains("/.pyenv/"))
        .collect::<Vec<_>>()
        .join(":")
}

/// Names that tools look for in the folder of a charm and then in all folders above it.
const LOOKED_FOR_ABOVE: &[&str] = &[
    ".coveragerc",
    ".editorconfig",
    ".flake8",
    ".git",
    ".gitignore",
    ".ignore",
    ".mypy.ini",
    ".pylintrc",
    ".pytest.ini",
    ".ruff.toml",
    ".yamllint",
    "conftest.py",
    "mypy.ini",
    "pylintrc",
    "pyproject.toml",
    "pyrightconfig.json",
    "pytest.ini",
    "pytest.toml",
    "ruff.toml",
    "setup.cfg",
    "setup.py",
    "tox.ini",
    "tox.toml",
];

/// Returns what lies above a slot and would be taken for the charm's own settings: the charm is copied to a
/// place of charmproof's choice, and what is around that place says nothing about the charm.
pub fn settings_above(slot: &Utf8Path) -> Vec<Utf8PathBuf> {
    slot.ancestors()
        .skip(1)
        .flat_map(|above| LOOKED_FOR_ABOVE.iter().map(|name| above.join(name)))
        .filter(|path| path.symlink_metadata().is_ok())
        .collect()
}

/// Folders and files of a home that hold credentials, masked inside the sandbox.
pub const SECRETS: &[&str] = &[
    ".ssh",
    ".aws",
    ".azure",
    ".config/gcloud",
    ".config/gh",
    ".config/hub",
    ".config/op",
    ".docker",
    ".gnupg",
    ".kube",
    ".local/share/juju",
    ".local/share/keyrings",
    ".netrc",
    ".git-credentials",
    ".pypirc",
    ".npmrc",
    ".cargo/credentials.toml",
    ".config/charmcraft",
    ".local/share/charmcraft",
    ".config/snapcraft",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_not_inherited_and_indexes_are() {
        let variables = [
            ("GITHUB_TOKEN", "x"),
            ("PIP_INDEX_URL", "https://mirror/simple"),
            ("AWS_SECRET_ACCESS_KEY", "y"),
        ]
        .map(|(name, value)| (name.to_string(), value.to_string()))
        .into();
        let kept = inherited(&variables, Utf8Path::new("/nowhere"));
        assert!(!kept.contains_key("GITHUB_TOKEN") && !kept.contains_key("AWS_SECRET_ACCESS_KEY"));
        assert_eq!(kept["POETRY_PYPI_MIRROR_URL"], "https://mirror/simple");
    }

    #[test]
    fn shims_are_not_on_the_search_path() {
        assert_eq!(plain_search_path("/a/shims:/usr/bin::/home/u/.pyenv/bin:/bin"), "/usr/bin:/bin");
    }
}
