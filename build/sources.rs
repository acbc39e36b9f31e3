//! A digest of sources, for the build scripts of crates that keep results: it tells builds apart.

use std::collections::BTreeMap;
use std::path::Path;

/// What is made by running or testing, and decides nothing.
const LEFT_OUT: [&str; 3] = ["__pycache__", "testdata", "tests"];

/// Returns the digest of all files below some folders, and has the build script run again when
/// one of them changes.
pub(crate) fn digest(folders: &[String]) -> String {
    println!("cargo::rerun-if-changed=build.rs");
    let mut files = BTreeMap::new();
    for folder in folders {
        println!("cargo::rerun-if-changed={folder}");
        collect(Path::new(folder), &mut files);
    }
    // FNV-1a: this tells builds apart, it keeps no secret.
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for (path, text) in &files {
        for byte in path.bytes().chain(text.iter().copied()) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
    format!("{hash:016x}")
}

fn collect(folder: &Path, files: &mut BTreeMap<String, Vec<u8>>) {
    let Ok(entries) = fs_err::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        if path.is_dir() {
            let is_left_out = path.file_name().is_some_and(|name| LEFT_OUT.iter().any(|out| name == *out));
            if !is_left_out {
                collect(&path, files);
            }
        } else if let Ok(text) = fs_err::read(&path) {
            files.insert(path.to_string_lossy().into_owned(), text);
        }
    }
}
