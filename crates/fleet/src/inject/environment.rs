//! Swaps packages in one virtual environment, after whatever installed it.

use std::collections::BTreeMap;

use camino::{Utf8Path, Utf8PathBuf};
use serde_json::json;

use super::bytecode;
use super::unit_file::{UnitFile, WatchedPackage};
use crate::process::{ProcessError, Program};
use crate::swap::record::{self, Distribution};

/// Why an environment could not be swapped.
#[derive(Debug, thiserror::Error)]
pub enum SwapError {
    /// The installer refused.
    #[error("could not put `{packages}` into `{prefix}`")]
    Install {
        /// The packages.
        packages: String,
        /// The environment.
        prefix: Utf8PathBuf,
        /// What uv said.
        #[source]
        source: ProcessError,
    },
    /// A file could not be written.
    #[error("could not write into the environment")]
    Io(#[from] std::io::Error),
}

/// Puts the unit's packages into the environment at `prefix`, wherever it holds
/// another version of them, and records what it holds afterwards.
///
/// A package that the environment does not hold is not added: whether a charm uses
/// it is the charm's business.
pub fn swap_prefix(unit: &UnitFile, prefix: &Utf8Path) -> Result<(), SwapError> {
    for folder in record::site_packages(prefix) {
        let before = record::distributions(&folder);
        let stale: Vec<&WatchedPackage> = unit
            .packages
            .iter()
            .filter(|package| package.version.is_some() && package.library.is_none())
            .filter(|package| match before.iter().find(|d| d.name == package.name) {
                Some(distribution) => !is_wanted(distribution, package),
                None => package.is_added,
            })
            .collect();
        if !stale.is_empty()
            && let Err(error) = install(unit, prefix, &before, &stale)
        {
            let said = match &error {
                SwapError::Install { source, .. } => source.said(),
                SwapError::Io(source) => source.to_string(),
            };
            unit.emit(&json!({"event": "swap-failed", "message": error.to_string(), "said": said}))?;
            return Err(error);
        }
        // A site-packages that cannot be written is the host's own; the witness on
        // PYTHONPATH still speaks there.
        let _ = write_pth(unit, &folder);
        bytecode::hand_out(&unit.bytecode, &folder);
        look(unit, prefix, &folder)?;
    }
    Ok(())
}

/// Swaps every environment that lies in or around the charm.
pub fn swap_all(unit: &UnitFile, variables: &BTreeMap<String, String>) -> Result<(), SwapError> {
    for prefix in environments(&unit.charm_dir, variables) {
        swap_prefix(unit, &prefix)?;
    }
    Ok(())
}

/// Returns the environments that a tool may have installed into.
fn environments(charm_dir: &Utf8Path, variables: &BTreeMap<String, String>) -> Vec<Utf8PathBuf> {
    let mut found = Vec::new();
    let mut add = |path: Utf8PathBuf| {
        if path.join("pyvenv.cfg").exists() && !found.contains(&path) {
            found.push(path);
        }
    };
    for name in ["VIRTUAL_ENV", "UV_PROJECT_ENVIRONMENT"] {
        if let Some(path) = variables.get(name) {
            add(charm_dir.join(path));
        }
    }
    for folder in [charm_dir.to_path_buf(), charm_dir.join(".tox"), charm_dir.join(".nox")] {
        let Ok(entries) = folder.read_dir_utf8() else { continue };
        for entry in entries.flatten() {
            add(entry.path().to_path_buf());
        }
    }
    // A workspace keeps its environment at its top.
    for folder in charm_dir.ancestors().skip(1).take(3) {
        add(folder.join(".venv"));
    }
    found
}

fn is_wanted(distribution: &Distribution, package: &WatchedPackage) -> bool {
    Some(&distribution.version) == package.version.as_ref()
        && Some(record::digest(distribution)) == package.digest
}

fn install(
    unit: &UnitFile,
    prefix: &Utf8Path,
    before: &[Distribution],
    stale: &[&WatchedPackage],
) -> Result<(), SwapError> {
    let python = prefix.join("bin/python");
    let names = stale.iter().map(|p| p.name.as_str()).collect::<Vec<_>>().join(", ");
    let failed =
        |source| SwapError::Install { packages: names.clone(), prefix: prefix.to_path_buf(), source };
    // What the new version needs and the old one did not is installed with it.
    let mut requirements: Vec<&str> = Vec::new();
    for package in stale {
        let old = before.iter().find(|d| d.name == package.name).map(requires_of).unwrap_or_default();
        for line in &package.requires {
            let name = record::normalise(
                line.split([' ', '<', '>', '=', '!', '~', ';', '[', '(']).next().unwrap_or(""),
            );
            if !old.contains(line) && !unit.packages.iter().any(|p| p.name == name) {
                requirements.push(line);
            }
        }
    }
    let uv = || {
        let program =
            unit.passed_on.iter().fold(Program::new(&unit.uv, &unit.charm_dir), |program, (name, value)| {
                program.variable(name, value)
            });
        program
            .variable("UV_NO_PROGRESS", "1")
            .variable("UV_PYTHON_DOWNLOADS", "never")
            .without("UV_FROZEN")
            .without("UV_LOCKED")
            .without("UV_OVERRIDE")
            .without("UV_CONSTRAINT")
            .without("UV_REQUIRE_HASHES")
            .without("VIRTUAL_ENV")
            .arguments(["pip", "install", "--quiet", "--no-config", "--python", python.as_str()])
    };
    let wanted: Vec<&str> = stale.iter().filter_map(|p| p.requirement.as_deref()).collect();
    let reinstall: Vec<String> = stale.iter().map(|p| format!("--reinstall-package={}", p.name)).collect();
    // Everything was fetched when the swap was prepared, so the first try asks nobody.
    let offline =
        uv().arguments(["--offline", "--no-deps"]).arguments(&reinstall).arguments(&wanted).output();
    if offline.is_err() {
        uv().arguments(["--no-deps"]).arguments(&reinstall).arguments(&wanted).output().map_err(failed)?;
    }
    if !requirements.is_empty() {
        let offline = uv().arguments(["--offline"]).arguments(&requirements).output();
        if offline.is_err() {
            uv().arguments(&requirements).output().map_err(|source| SwapError::Install {
                packages: format!("{names} with what it requires"),
                prefix: prefix.to_path_buf(),
                source,
            })?;
        }
    }
    Ok(())
}

fn requires_of(distribution: &Distribution) -> Vec<String> {
    let text = fs_err::read_to_string(distribution.info.join("METADATA")).unwrap_or_default();
    let head = text.split("\n\n").next().unwrap_or("");
    head.lines()
        .filter_map(|line| line.strip_prefix("Requires-Dist:").map(|value| value.trim().to_string()))
        .collect()
}

/// Makes every process of the environment load the witness.
fn write_pth(unit: &UnitFile, site_packages: &Utf8Path) -> std::io::Result<()> {
    let text = format!("{}\nimport charmproof_probe\n", unit.inside);
    let path = site_packages.join("charmproof_probe.pth");
    if fs_err::read(&path).is_ok_and(|old| old == text.as_bytes()) {
        return Ok(());
    }
    fs_err::write(path, text)
}

/// Records what the environment holds now.
pub fn look(unit: &UnitFile, prefix: &Utf8Path, site_packages: &Utf8Path) -> std::io::Result<()> {
    let after = record::distributions(site_packages);
    let sightings = sightings(unit, site_packages, &after, &BTreeMap::new());
    let environment: BTreeMap<&str, &str> =
        after.iter().map(|d| (d.name.as_str(), d.version.as_str())).collect();
    unit.emit(&json!({
        "event": "installed",
        "prefix": prefix,
        "python": python_version(prefix, site_packages),
        "sightings": sightings,
        "environment": environment,
    }))
}

/// Records what a process has imported: `modules` are the files that it names. The versions are
/// those of the environment, and the files of a package have to lie there to count.
pub fn look_at_process(
    unit: &UnitFile,
    command: &str,
    python: &str,
    site_packages: &Utf8Path,
    modules: &BTreeMap<String, Utf8PathBuf>,
) -> std::io::Result<()> {
    let held = record::distributions(site_packages);
    unit.emit(&json!({
        "event": "process",
        "moment": "end",
        "program": command,
        "command": command,
        "python": python,
        "sightings": sightings(unit, site_packages, &held, modules),
    }))
}

fn sightings(
    unit: &UnitFile,
    site_packages: &Utf8Path,
    held: &[Distribution],
    modules: &BTreeMap<String, Utf8PathBuf>,
) -> Vec<serde_json::Value> {
    let look = |package: &WatchedPackage| {
        let imported = package.modules.iter().rev().find_map(|module| modules.get(module));
        if let Some(file) = &package.library {
            return look_at_library(unit, package, file, imported.is_some());
        }
        let found = held.iter().find(|distribution| distribution.name == package.name);
        let folder = found.map(|_| site_packages.as_str()).unwrap_or_default();
        json!({
            "package": package.name,
            "version": found.map(|d| d.version.as_str()).unwrap_or_default(),
            "digest": found.map(record::digest).unwrap_or_default(),
            "path": imported.map_or(folder, |file| file.as_str()),
            "folder": folder,
            "imported": imported.is_some(),
        })
    };
    unit.packages.iter().map(look).collect()
}

/// A vendored library lies in the charm, not in the environment.
fn look_at_library(
    unit: &UnitFile,
    package: &WatchedPackage,
    file: &str,
    is_imported: bool,
) -> serde_json::Value {
    use sha2::{Digest as _, Sha256};
    let path = unit.charm_dir.join("lib").join(file);
    let digest = fs_err::read(&path).map(|bytes| record::hex(&Sha256::digest(&bytes))).unwrap_or_default();
    json!({
        "package": package.name,
        "version": digest.get(..12).map(|short| format!("sha256:{short}")).unwrap_or_default(),
        "digest": digest,
        "path": path,
        "folder": "",
        "imported": is_imported,
    })
}

fn python_version(prefix: &Utf8Path, site_packages: &Utf8Path) -> String {
    let text = fs_err::read_to_string(prefix.join("pyvenv.cfg")).unwrap_or_default();
    text.lines()
        .filter_map(|line| line.split_once('='))
        .find(|(key, _)| matches!(key.trim(), "version_info" | "version"))
        .map(|(_, value)| value.trim().split('.').take(3).collect::<Vec<_>>().join("."))
        .or_else(|| site_packages.parent()?.file_name()?.strip_prefix("python").map(ToString::to_string))
        .unwrap_or_default()
}
