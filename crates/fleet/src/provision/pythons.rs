//! The interpreters of this host.
//!
//! uv's, pyenv's and the system's are looked at where they lie. pyenv's *shims* are
//! not: they exist for versions that are not selected and then answer with status 127.

use std::collections::BTreeMap;

use camino::{Utf8Path, Utf8PathBuf};
use serde::{Deserialize, Serialize};

use crate::process::Program;

/// One interpreter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Python {
    /// The exact version, for example `3.12.1`.
    pub version: String,
    /// The program.
    pub program: Utf8PathBuf,
}

impl Python {
    /// Returns the version as numbers, for ordering.
    pub fn numbers(&self) -> Vec<u32> {
        self.version.split('.').filter_map(|part| part.parse().ok()).collect()
    }

    /// Returns for example `3.12`.
    pub fn minor(&self) -> String {
        self.version.split('.').take(2).collect::<Vec<_>>().join(".")
    }
}

/// Where interpreters are looked for.
#[derive(Clone, Debug)]
pub struct Places {
    /// The search path.
    pub search_path: String,
    /// The user's home.
    pub home: Utf8PathBuf,
    /// `PYENV_ROOT`, where it is set.
    pub pyenv_root: Option<Utf8PathBuf>,
}

/// Returns the interpreters of this host, oldest first, one of each version.
///
/// `cache` keeps what a program answered, by path and time of change, since asking
/// costs a start of each.
pub fn find(places: &Places, cache: &Utf8Path) -> Vec<Python> {
    let known: BTreeMap<String, String> =
        fs_err::read(cache).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default();
    let mut now = BTreeMap::new();
    let mut found: BTreeMap<Vec<u32>, Python> = BTreeMap::new();
    for program in candidates(places) {
        let Ok(real) = program.canonicalize_utf8() else { continue };
        let Ok(changed) = real.metadata().and_then(|m| m.modified()) else { continue };
        let key = format!(
            "{program} {}",
            changed.duration_since(std::time::UNIX_EPOCH).map(|d| d.as_nanos()).unwrap_or_default()
        );
        let version = match known.get(&key) {
            Some(version) => version.clone(),
            None => ask(&program),
        };
        now.insert(key, version.clone());
        if version.is_empty() {
            continue;
        }
        let python = Python { version, program };
        found.entry(python.numbers()).or_insert(python);
    }
    if now != known
        && let Ok(text) = serde_json::to_vec(&now)
    {
        // Losing this file costs a fraction of a second next time.
        let _ = cache.parent().map(fs_err::create_dir_all);
        let _ = fs_err::write(cache, text);
    }
    found.into_values().collect()
}

fn ask(program: &Utf8Path) -> String {
    Program::new(program, Utf8Path::new("/"))
        .arguments(["-I", "-S", "-c", "import sys; print('.'.join(map(str, sys.version_info[:3])))"])
        .output()
        .map(|text| text.trim().to_string())
        .ok()
        .filter(|text| text.split('.').count() == 3 && text.starts_with('3'))
        .unwrap_or_default()
}

fn candidates(places: &Places) -> Vec<Utf8PathBuf> {
    let mut programs = Vec::new();
    // The system's first, so that a version both have is the system's.
    for folder in places.search_path.split(':').filter(|folder| !folder.is_empty()) {
        let folder = Utf8Path::new(folder);
        if folder.as_str().ends_with("/shims") {
            continue;
        }
        let Ok(entries) = folder.read_dir_utf8() else { continue };
        for entry in entries.flatten() {
            if is_python(entry.file_name()) {
                programs.push(entry.path().to_path_buf());
            }
        }
    }
    programs.sort();
    let pyenv = places.pyenv_root.clone().unwrap_or_else(|| places.home.join(".pyenv"));
    for root in [pyenv.join("versions"), places.home.join(".local/share/uv/python")] {
        let Ok(entries) = root.read_dir_utf8() else { continue };
        let mut below: Vec<_> = entries
            .flatten()
            .map(|entry| entry.path().join("bin/python3"))
            .filter(|program| program.exists())
            .collect();
        below.sort();
        programs.extend(below);
    }
    programs
}

/// Whether a file's name is `python3` or `python3.N`.
fn is_python(name: &str) -> bool {
    name.strip_prefix("python3").is_some_and(|rest| {
        rest.is_empty() || rest.strip_prefix('.').is_some_and(|n| n.parse::<u32>().is_ok())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_interpreters() {
        for (name, expected) in [
            ("python3", true),
            ("python3.12", true),
            ("python3-config", false),
            ("python3.11-dbg", false),
            ("python", false),
        ] {
            assert_eq!(is_python(name), expected, "{name}");
        }
    }

    #[test]
    fn a_shim_that_does_not_answer_is_no_interpreter() {
        use std::os::unix::fs::PermissionsExt as _;
        let temp = tempfile::tempdir().unwrap();
        let home = Utf8Path::from_path(temp.path()).unwrap();
        let bin = home.join("bin");
        fs_err::create_dir(&bin).unwrap();
        for (name, body) in [("python3.77", "exit 127"), ("python3.78", "echo 3.78.1")] {
            fs_err::write(bin.join(name), format!("#!/bin/sh\n{body}\n")).unwrap();
            fs_err::set_permissions(bin.join(name), std::fs::Permissions::from_mode(0o755)).unwrap();
        }
        let places = Places { search_path: bin.to_string(), home: home.to_path_buf(), pyenv_root: None };
        let cache = home.join("pythons.json");
        let versions: Vec<String> = find(&places, &cache).into_iter().map(|p| p.version).collect();
        assert_eq!(versions, ["3.78.1"]);
    }
}
