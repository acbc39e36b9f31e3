//! `artifacts.build.yaml`: where the plugin of opcli, for pytest, finds packed charms.
//!
//! Suites that are built by opcli ask it for the path of a charm, by the charm's name and the base. What
//! it asks for of images is not in here: those are not built by charmproof.

use camino::{Utf8Path, Utf8PathBuf};
use charmproof_pack::recipe::Architecture;
use serde_json::json;

use crate::commands::pack::Packed;

/// Names the file, for opcli.
pub(crate) const ARTIFACTS_VARIABLE: &str = "OPCLI_ARTIFACTS_BUILD_YAML";
const FILE: &str = "artifacts.build.yaml";

/// Writes the file into a folder. Returns where it is, if anything was packed.
pub(crate) fn write(packed: &[Packed], folder: &Utf8Path) -> std::io::Result<Option<Utf8PathBuf>> {
    let Some(first) = packed.first() else { return Ok(None) };
    let architecture = Architecture::of_host().unwrap_or(Architecture::Amd64).to_string();
    let builds: Vec<_> = packed
        .iter()
        .map(|packed| json!({"arch": architecture, "base": packed.base.to_string(), "path": packed.path}))
        .collect();
    let charm = json!({"name": first.charm, "charmcraft-yaml": "charmcraft.yaml", "builds": builds});
    let file = folder.join(FILE);
    // JSON is YAML as well.
    fs_err::write(&file, json!({"version": 1, "charms": [charm]}).to_string())?;
    Ok(Some(file))
}
