//! The digest of an installed distribution.
//!
//! The same figure is computed three times: over the files that were prepared, over
//! the environment after the install, and inside the process that ran the suite
//! (`charmproof_probe.digest_of`). Only if all three agree is a run a proof.

use std::collections::BTreeSet;

use camino::{Utf8Path, Utf8PathBuf};
use sha2::{Digest, Sha256};

/// One `*.dist-info` folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Distribution {
    /// The normalised name.
    pub name: String,
    /// The version, from the folder's name.
    pub version: String,
    /// The folder.
    pub info: Utf8PathBuf,
}

/// Returns a name as PEP 503 compares it.
pub fn normalise(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for character in name.chars() {
        let character =
            if matches!(character, '-' | '_' | '.') { '-' } else { character.to_ascii_lowercase() };
        if character == '-' && out.ends_with('-') {
            continue;
        }
        out.push(character);
    }
    out
}

/// Returns the distributions of one `site-packages`, by name.
pub fn distributions(site_packages: &Utf8Path) -> Vec<Distribution> {
    let Ok(entries) = site_packages.read_dir_utf8() else { return Vec::new() };
    let mut found: Vec<Distribution> = entries
        .flatten()
        .filter_map(|entry| {
            let stem = entry.file_name().strip_suffix(".dist-info")?;
            let (name, version) = stem.split_once('-')?;
            Some(Distribution {
                name: normalise(name),
                version: version.to_string(),
                info: entry.path().to_path_buf(),
            })
        })
        .collect();
    found.sort_by(|a, b| (&a.name, &a.version).cmp(&(&b.name, &b.version)));
    found
}

/// Returns the paths that a RECORD lists, without metadata, compiled files, scripts
/// and anything outside of the folder; sorted, each once.
pub fn recorded_files(record: &str) -> BTreeSet<String> {
    let mut reader =
        csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(record.as_bytes());
    reader
        .records()
        .flatten()
        .filter_map(|row| row.get(0).map(|path| path.replace('\\', "/")))
        .filter(|path| {
            let top = path.split('/').next().unwrap_or("");
            !(top.ends_with(".dist-info")
                || top.ends_with(".data")
                || path.is_empty()
                || path.starts_with("../")
                || path.starts_with('/')
                || path.contains("__pycache__/")
                || path.ends_with(".pyc"))
        })
        .collect()
}

/// Returns the digest of a distribution's files; empty if it has no RECORD.
pub fn digest(distribution: &Distribution) -> String {
    let Ok(record) = fs_err::read_to_string(distribution.info.join("RECORD")) else { return String::new() };
    let Some(folder) = distribution.info.parent() else { return String::new() };
    let mut total = Sha256::new();
    for path in recorded_files(&record) {
        let body = match fs_err::read(folder.join(&path)) {
            Ok(bytes) => hex(&Sha256::digest(&bytes)),
            Err(_) => "missing".to_string(),
        };
        total.update(path.as_bytes());
        total.update([0]);
        total.update(body.as_bytes());
        total.update(*b"\n");
    }
    hex(&total.finalize())
}

/// Returns bytes in hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut out, byte| {
        let _ = write!(out, "{byte:02x}");
        out
    })
}

/// Returns the import names that a RECORD provides: the shortest packages with an
/// `__init__.py`, and single modules at the top. A namespace folder (`charmlibs`) is
/// not one; what lies in it is.
pub fn modules(record: &str) -> Vec<String> {
    let files = recorded_files(record);
    let mut packages: BTreeSet<String> = BTreeSet::new();
    for path in &files {
        if let Some(folder) = path.strip_suffix("/__init__.py") {
            packages.insert(folder.replace('/', "."));
        } else if !path.contains('/')
            && let Some(stem) = path.strip_suffix(".py")
        {
            packages.insert(stem.to_string());
        }
    }
    let all = packages.clone();
    packages.retain(|name| !all.iter().any(|other| name.starts_with(&format!("{other}."))));
    packages.into_iter().collect()
}

/// Returns the `site-packages` folders of an environment.
pub fn site_packages(prefix: &Utf8Path) -> Vec<Utf8PathBuf> {
    let mut found = Vec::new();
    for lib in ["lib", "lib64", "local/lib"] {
        let Ok(entries) = prefix.join(lib).read_dir_utf8() else { continue };
        for entry in entries.flatten() {
            if entry.file_name().starts_with("python") {
                let folder = entry.path().join("site-packages");
                let real = folder.canonicalize_utf8().unwrap_or_else(|_| folder.clone());
                if folder.is_dir() && !found.contains(&real) {
                    found.push(real);
                }
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_compare_as_the_index_compares_them() {
        for (name, expected) in [("Ops", "ops"), ("ops_scenario", "ops-scenario"), ("a.-_b", "a-b")] {
            assert_eq!(normalise(name), expected);
        }
    }

    #[test]
    fn modules_see_through_namespaces() {
        let record = "charmlibs/apt/__init__.py,,\ncharmlibs/apt/_x/__init__.py,,\nsix.py,,\nops-1.dist-info/RECORD,,\n";
        assert_eq!(modules(record), ["charmlibs.apt", "six"]);
    }

    #[test]
    fn metadata_scripts_and_compiled_files_do_not_count() {
        let record = "a/__init__.py,sha256=x,1\n../../bin/a,,\na/__pycache__/x.pyc,,\na-1.dist-info/METADATA,,\n/etc/passwd,,\n";
        assert_eq!(recorded_files(record).into_iter().collect::<Vec<_>>(), ["a/__init__.py"]);
    }
}
