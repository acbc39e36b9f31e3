//! Helpers for suites of integration tests, which a local Juju serves.
//!
//! A plugin for pytest notes when each test ran, and does on request what the suite's own plugins
//! cannot; one for tox hands on the variables that they need. They know nothing of swaps: what proves
//! those is laid out by [`super::inside`], and both can lie beside each other.

use camino::Utf8Path;

use super::inside::write_if_other;

const FILES: [(&str, &str); 4] = [
    ("charmproof_suite.py", include_str!("../../python/suite/charmproof_suite.py")),
    ("charmproof_suite_tox.py", include_str!("../../python/suite/charmproof_suite_tox.py")),
    (
        "charmproof_suite-1.dist-info/METADATA",
        include_str!("../../python/suite/charmproof_suite-1.dist-info/METADATA"),
    ),
    (
        "charmproof_suite-1.dist-info/entry_points.txt",
        include_str!("../../python/suite/charmproof_suite-1.dist-info/entry_points.txt"),
    ),
];

/// Writes the helpers into a folder, which is then to be on `PYTHONPATH`.
pub fn lay_out(folder: &Utf8Path) -> std::io::Result<()> {
    fs_err::create_dir_all(folder.join("charmproof_suite-1.dist-info"))?;
    FILES.iter().try_for_each(|(name, text)| write_if_other(&folder.join(name), text))
}
