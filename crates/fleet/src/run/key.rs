//! The digest of everything that decides a unit's result.
//!
//! Equal keys may share one result. What is not in here must not matter; what is in
//! here and did not matter only costs a run.

use sha2::{Digest, Sha256};

use super::settings::{RunSettings, UnitLimits};
use crate::inject::inside;
use crate::inject::unit_file::WatchedPackage;
use crate::provision::tools::Tools;
use crate::swap::record::hex;

/// Raised when the meaning of a result changes in a way that nothing below shows.
const KEY_VERSION: u32 = 1;

/// The inputs of one unit.
#[derive(Debug)]
pub struct Inputs<'a> {
    /// Digest of all files.
    pub tree: &'a str,
    /// The charm's root in them.
    pub root: &'a str,
    /// The command.
    pub words: &'a [String],
    /// The target, which decides how the output is read.
    pub target: &'a str,
    /// The packages that this side puts in or looks for.
    pub packages: &'a [WatchedPackage],
    /// Digests of vendored libraries that this side replaces.
    pub libraries: &'a [String],
    /// What was done to the copy.
    pub edits: &'a [String],
    /// The interpreter and its version.
    pub python: &'a str,
    /// The settings that every unit shares.
    pub settings: &'a RunSettings,
    /// The limits.
    pub limits: UnitLimits,
    /// What plays lives, or the local Juju, if the unit has to do with it.
    pub lives: Option<&'a str>,
}

/// Returns the key.
pub fn key(inputs: &Inputs<'_>) -> String {
    let mut digest = Sha256::new();
    let mut add = |text: &str| {
        digest.update((text.len() as u64).to_le_bytes());
        digest.update(text.as_bytes());
    };
    add(&KEY_VERSION.to_string());
    add(&Tools::digest());
    add(&inside::version());
    add(env!("CHARMPROOF_FLEET_SOURCES"));
    for text in [inputs.tree, inputs.root, inputs.target, inputs.python] {
        add(text);
    }
    for word in inputs.words {
        add(word);
    }
    add("packages");
    for package in inputs.packages {
        add(&package.name);
        add(package.version.as_deref().unwrap_or(""));
        add(package.digest.as_deref().unwrap_or(""));
    }
    add("libraries");
    for library in inputs.libraries {
        add(library);
    }
    add("edits");
    for edit in inputs.edits {
        add(edit);
    }
    if let Some(lives) = inputs.lives {
        add("lives");
        add(lives);
    }
    add("settings");
    for (name, value) in &inputs.settings.environment {
        add(name);
        add(value);
    }
    for argument in &inputs.settings.arguments {
        add(argument);
    }
    add(&format!("{} {} {:?}", inputs.settings.werror, inputs.settings.sandbox, inputs.limits));
    hex(&digest.finalize())
}
