//! Under which digest an environment is kept.

use camino::Utf8Path;
use charmproof_charm::{DiskTree, Tree as _};
use charmproof_fleet::provision::pythons::Python;
use charmproof_fleet::provision::tools::Tools;
use charmproof_fleet::swap::PreparedSwap;
use charmproof_fleet::swap::record::hex;
use sha2::{Digest as _, Sha256};

use super::error::EnvironmentError;
use super::wanted::Wanted;

/// Changes whenever environments are made in another way.
const FORM: &str = "charmproof environment 1";

/// Returns the digest of all that decides what is installed.
pub(super) fn digest(
    wanted: &Wanted,
    charm_dir: &Utf8Path,
    python: &Python,
    swaps: &[PreparedSwap],
    hook: &str,
) -> Result<String, EnvironmentError> {
    let mut total = Sha256::new();
    let mut add = |name: &str, content: &[u8]| {
        for part in [name.as_bytes(), content] {
            total.update((part.len() as u64).to_le_bytes());
            total.update(part);
        }
    };
    add("form", FORM.as_bytes());
    add("tools", Tools::digest().as_bytes());
    add("hook", hook.as_bytes());
    add("python", format!("{} {}", python.program, python.version).as_bytes());
    for (name, text) in &wanted.inputs {
        add(name, text.as_bytes());
    }
    for path in &wanted.local {
        add("local", path.as_str().as_bytes());
        let place = charm_dir.join(path);
        if place.is_dir() {
            let tree = DiskTree::open(&place)?;
            for file in tree.files() {
                add(file.as_str(), &fs_err::read(place.join(file)).unwrap_or_default());
            }
        } else {
            add("file", &fs_err::read(&place).unwrap_or_default());
        }
    }
    for package in swaps.iter().filter_map(PreparedSwap::package) {
        add(&package.requirement, package.digest.as_bytes());
    }
    Ok(hex(&total.finalize())[..24].to_owned())
}
