//! The Python side of the runner, which is part of this program and written out to be run.

use camino::{Utf8Path, Utf8PathBuf};

/// Name and text of each file.
const FILES: [(&str, &str); 14] = [
    ("capture.py", include_str!("../../python/capture.py")),
    ("cold.py", include_str!("../../python/cold.py")),
    ("determinism.py", include_str!("../../python/determinism.py")),
    ("handlers.py", include_str!("../../python/handlers.py")),
    ("import_time.py", include_str!("../../python/import_time.py")),
    ("inspection.py", include_str!("../../python/inspection.py")),
    ("lines.py", include_str!("../../python/lines.py")),
    ("network.py", include_str!("../../python/network.py")),
    ("owners.py", include_str!("../../python/owners.py")),
    ("processes.py", include_str!("../../python/processes.py")),
    ("root.py", include_str!("../../python/root.py")),
    ("thrift.py", include_str!("../../python/thrift.py")),
    ("tools.py", include_str!("../../python/tools.py")),
    ("warmth.py", include_str!("../../python/warmth.py")),
];
/// The program, which imports the others.
const PROGRAM: (&str, &str) = ("warm.py", include_str!("../../python/warm.py"));

/// Writes the files into a folder. Returns the program.
pub(super) fn write(folder: &Utf8Path) -> std::io::Result<Utf8PathBuf> {
    fs_err::create_dir_all(folder)?;
    for (name, text) in FILES.iter().chain([&PROGRAM]) {
        fs_err::write(folder.join(name), text)?;
    }
    Ok(folder.join(PROGRAM.0))
}
