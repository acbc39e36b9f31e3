//! What Juju says about positionals, and about flags that exclude each other, before a command
//! runs.
//!
//! Each function is the check of one command, or of several that are checked alike. The words are
//! Juju's. What depends on the kind of the model is in [`check_arguments_in_model`].

mod actions;
mod applications;
mod in_model;
mod models;
mod things;

pub(crate) use actions::*;
pub use applications::check_deploy_flags;
pub(crate) use applications::*;
pub use in_model::check_arguments_in_model;
pub(crate) use models::*;
pub(crate) use things::*;

use crate::flags::error::FlagError;
use crate::flags::parsed::Parsed;
use crate::names::is_application;
use crate::values::go::{quote, quote_all};

type Checked = Result<(), String>;

/// Checks positionals and flags against each other, as far as words can tell.
pub fn check_arguments(parsed: &Parsed) -> Result<(), FlagError> {
    (parsed.command.check)(parsed).map_err(FlagError::Arguments)
}

fn refuse<T>(text: &str) -> Result<T, String> {
    Err(text.to_owned())
}

fn none_left(rest: &[String]) -> Checked {
    if rest.is_empty() { Ok(()) } else { Err(format!("unrecognized args: {}", quote_all(rest))) }
}

/// The first positional and those behind it.
fn first<'a>(parsed: &'a Parsed, missing: &str) -> Result<(&'a str, &'a [String]), String> {
    let (first, rest) = parsed.positionals.split_first().ok_or_else(|| missing.to_owned())?;
    Ok((first, rest))
}

fn valid_application(name: &str) -> Checked {
    if is_application(name) { Ok(()) } else { Err(format!("invalid application name {}", quote(name))) }
}

fn not_valid(what: &str, name: &str) -> String {
    format!("{what} {} not valid", quote(name))
}

fn no_wait_needs_force(parsed: &Parsed) -> Checked {
    if parsed.is_set("no-wait") && !parsed.is_set("force") {
        return refuse("--no-wait without --force not valid");
    }
    Ok(())
}

/// Any positionals.
#[expect(clippy::unnecessary_wraps, reason = "the table wants the type of the other checks")]
pub(crate) fn anything(_parsed: &Parsed) -> Checked {
    Ok(())
}

/// No positionals.
pub(crate) fn nothing(parsed: &Parsed) -> Checked {
    none_left(&parsed.positionals)
}

/// One positional or none.
pub(crate) fn at_most_one(parsed: &Parsed) -> Checked {
    none_left(parsed.positionals.get(1..).unwrap_or_default())
}
