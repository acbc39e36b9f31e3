//! Puts prepared packages in the place of those that a charm is shipped with.

use camino::Utf8Path;
use charmproof_charm::names::PackageName;
use charmproof_charm::pyproject::requirement_name;
use charmproof_fleet::swap::record::{self, Distribution};
use charmproof_fleet::swap::{PreparedPackage, PreparedSwap};

use super::error::{EnvironmentError, Step};
use super::installer::{Asking, Installer};

/// Swaps what the environment holds, and says what it left alone.
pub(super) fn swap(
    installer: &Installer<'_>,
    site_packages: &Utf8Path,
    swaps: &[PreparedSwap],
) -> Result<Vec<String>, EnvironmentError> {
    let before = record::distributions(site_packages);
    let mut notes = Vec::new();
    let mut stale: Vec<&PreparedPackage> = Vec::new();
    for swap in swaps {
        let Some(package) = swap.package() else { continue };
        let found = before.iter().find(|distribution| distribution.name == package.name);
        // The stand-in of a library imports its package; whether a charm has any other
        // package is the charm's business.
        let is_added = matches!(swap, PreparedSwap::Library(_));
        match found {
            Some(distribution) if is_wanted(distribution, package) => {}
            Some(_) => stale.push(package),
            None if is_added => stale.push(package),
            None => {
                notes.push(format!("the charm is not shipped with `{}`, so it is not swapped", package.name));
            }
        }
    }
    if stale.is_empty() {
        return Ok(notes);
    }
    let from = stale.iter().map(|package| package.spec.as_str()).collect::<Vec<_>>().join(", ");
    let pip = |more: Vec<String>| {
        let mut words: Vec<String> =
            ["pip", "install", "--no-config", "--python"].iter().map(ToString::to_string).collect();
        words.push(installer.prefix().join("bin/python").into_string());
        words.extend(more);
        words
    };
    let mut words = vec!["--no-deps".to_owned()];
    words.extend(stale.iter().map(|package| format!("--reinstall-package={}", package.name)));
    words.extend(stale.iter().map(|package| package.requirement.clone()));
    installer.uv(Step::Swap, &from, &pip(words), Asking::OfflineFirst)?;
    let new = new_requirements(&before, &stale);
    if !new.is_empty() {
        installer.uv(Step::Swap, &from, &pip(new), Asking::OfflineFirst)?;
    }
    let after = record::distributions(site_packages);
    for package in stale {
        let found = after.iter().find(|distribution| distribution.name == package.name);
        if !found.is_some_and(|distribution| is_wanted(distribution, package)) {
            return Err(EnvironmentError::NotSwapped {
                package: package.name.clone(),
                wanted: package.version.clone(),
                found: found.map_or("none".into(), |distribution| distribution.version.clone()),
                folder: installer.folder.to_owned(),
            });
        }
    }
    Ok(notes)
}

fn is_wanted(distribution: &Distribution, package: &PreparedPackage) -> bool {
    distribution.version == package.version && record::digest(distribution) == package.digest
}

/// What the new versions need and the old ones did not: the rest of what the charm is shipped
/// with stays as it was.
fn new_requirements(before: &[Distribution], packages: &[&PreparedPackage]) -> Vec<String> {
    let mut new: Vec<String> = Vec::new();
    for package in packages {
        let old = before.iter().find(|distribution| distribution.name == package.name);
        let old = old.map(requires_of).unwrap_or_default();
        for line in &package.requires {
            let name = requirement_name(line);
            let is_swapped = packages.iter().any(|other| name == Some(PackageName::new(&other.name)));
            if !old.contains(line) && !is_swapped && !new.contains(line) {
                new.push(line.clone());
            }
        }
    }
    new
}

fn requires_of(distribution: &Distribution) -> Vec<String> {
    let text = fs_err::read_to_string(distribution.info.join("METADATA")).unwrap_or_default();
    let head = text.split("\n\n").next().unwrap_or("");
    head.lines().filter_map(|line| Some(line.strip_prefix("Requires-Dist:")?.trim().to_owned())).collect()
}
