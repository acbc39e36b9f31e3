//! Digests the sources that play lives, so that the result of a life is never reused by a
//! program that would have played it otherwise.

use std::collections::BTreeMap;
use std::path::Path;

/// What has a part in a life, from the charm's files to its outcome.
const FOLDERS: [&str; 8] = [
    "../agent/python",
    "../agent/src",
    "../charm/src",
    "../fuzz/src",
    "../lifecycle/src",
    "../pebble/src",
    "../sandbox/src",
    "src/hidden",
];

fn main() {
    let mut files = BTreeMap::new();
    for folder in FOLDERS {
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
    println!("cargo::rustc-env=CHARMPROOF_LIVES_SOURCES={hash:016x}");
}

fn collect(folder: &Path, files: &mut BTreeMap<String, Vec<u8>>) {
    let Ok(entries) = fs_err::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        if path.is_dir() {
            if path.file_name().is_some_and(|name| name != "__pycache__" && name != "tests") {
                collect(&path, files);
            }
        } else if let Ok(text) = fs_err::read(&path) {
            files.insert(path.to_string_lossy().into_owned(), text);
        }
    }
}
