//! Digests the sources that play lives, so that the result of a life is never reused by a
//! program that would have played it otherwise.

#[path = "../../build/sources.rs"]
mod sources;

/// The crates that have no part in what becomes of a life. Every other one counts, so that one that
/// comes later does as well.
const WITHOUT_A_PART: [&str; 3] = ["cli", "store", "testkit"];

fn main() {
    let mut folders = vec!["src/hidden".to_owned(), "../agent/python".to_owned()];
    // A crate that comes or goes shows there.
    println!("cargo::rerun-if-changed=../../Cargo.lock");
    for entry in fs_err::read_dir("..").into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if !WITHOUT_A_PART.contains(&name.as_str()) {
            folders.push(format!("../{name}/src"));
        }
    }
    folders.sort();
    println!("cargo::rustc-env=CHARMPROOF_LIVES_SOURCES={}", sources::digest(&folders));
}
