//! Digests this crate's sources, so that a result is never reused by a build that
//! would have judged it otherwise.

#[path = "../../build/sources.rs"]
mod sources;

fn main() {
    let folders = ["src", "python", "tools"].map(str::to_owned);
    println!("cargo::rustc-env=CHARMPROOF_FLEET_SOURCES={}", sources::digest(&folders));
}
