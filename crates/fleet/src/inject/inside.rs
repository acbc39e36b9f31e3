//! Lays the helpers beside a copy.

use std::os::unix::fs::PermissionsExt as _;

use camino::Utf8Path;

use super::unit_file::UnitFile;
use crate::process::shell_word;

const FILES: [(&str, &str); 7] = [
    ("sitecustomize.py", include_str!("../../python/sitecustomize.py")),
    ("charmproof_probe.py", include_str!("../../python/charmproof_probe.py")),
    ("charmproof_pytest.py", include_str!("../../python/charmproof_pytest.py")),
    ("charmproof_unittest.py", include_str!("../../python/charmproof_unittest.py")),
    ("charmproof_tox.py", include_str!("../../python/charmproof_tox.py")),
    (
        "charmproof_inside-1.dist-info/METADATA",
        include_str!("../../python/charmproof_inside-1.dist-info/METADATA"),
    ),
    (
        "charmproof_inside-1.dist-info/entry_points.txt",
        include_str!("../../python/charmproof_inside-1.dist-info/entry_points.txt"),
    ),
];

/// The programs that are stood in for.
const SHIMS: [&str; 3] = ["uv", "uvx", "poetry"];

/// Returns a text that changes whenever a helper does, for the key of results.
pub fn version() -> String {
    use sha2::{Digest as _, Sha256};
    let mut digest = Sha256::new();
    for (name, text) in FILES {
        digest.update(name);
        digest.update(text);
    }
    crate::swap::record::hex(&digest.finalize())[..16].to_string()
}

/// Writes the helpers, the shims and `unit.json`.
pub fn lay_out(unit: &UnitFile) -> std::io::Result<()> {
    fs_err::create_dir_all(unit.inside.join("charmproof_inside-1.dist-info"))?;
    for (name, text) in FILES {
        write_if_other(&unit.inside.join(name), text)?;
    }
    fs_err::create_dir_all(&unit.shims)?;
    for name in SHIMS {
        let text = format!(
            "#!/bin/sh\nexec {} __shim --unit {} {name} \"$@\"\n",
            shell_word(unit.charmproof.as_str()),
            shell_word(unit.inside.join("unit.json").as_str()),
        );
        let path = unit.shims.join(name);
        write_if_other(&path, &text)?;
        fs_err::set_permissions(&path, std::fs::Permissions::from_mode(0o755))?;
    }
    let text = serde_json::to_string_pretty(unit).map_err(std::io::Error::other)?;
    fs_err::write(unit.inside.join("unit.json"), text)?;
    if let Some(Ok(entries)) = unit.evidence.parent().map(Utf8Path::read_dir_utf8) {
        for entry in entries.flatten().filter(|entry| entry.file_name().starts_with("junit-")) {
            fs_err::remove_file(entry.path())?;
        }
    }
    match fs_err::remove_file(&unit.evidence) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Keeps the time of change (and so Python's compiled files) where nothing changed.
pub(super) fn write_if_other(path: &Utf8Path, text: &str) -> std::io::Result<()> {
    if fs_err::read(path).is_ok_and(|old| old == text.as_bytes()) {
        return Ok(());
    }
    fs_err::write(path, text)
}
