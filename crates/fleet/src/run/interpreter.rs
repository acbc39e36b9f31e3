//! Which of the host's interpreters runs a suite.

use charmproof_charm::interpreter::{Choice, Floor, PythonWishes, choose as choose_version};
use charmproof_charm::names::PythonVersion;
use charmproof_charm::offerings::{Invocation, Runner};

use super::subject::CharmFacts;
use crate::provision::pythons::Python;

/// Chooses from the interpreters of a host, by what the charm says of its Python and by the floors of
/// what is put in. The error says why none will do.
pub fn choose(
    facts: &CharmFacts,
    invocation: &Invocation,
    pythons: &[Python],
    floors: Vec<Floor>,
) -> Result<(Python, Choice), String> {
    let tox = match (&facts.tox, invocation.runner) {
        (Ok(Some(config)), Runner::Tox) => Some((config, invocation.name.as_str())),
        _ => None,
    };
    let wishes = match &facts.dependencies {
        Ok(dependencies) => dependencies.python_wishes(&facts.metadata, tox, floors),
        Err(_) => PythonWishes { floors, ..Default::default() },
    };
    let available: Vec<(PythonVersion, &Python)> =
        pythons.iter().filter_map(|python| Some((python.version.parse().ok()?, python))).collect();
    let versions: Vec<PythonVersion> = available.iter().map(|(version, _)| *version).collect();
    let choice = choose_version(&wishes, &versions).map_err(|error| error.to_string())?;
    available
        .iter()
        .find(|(version, _)| *version == choice.version)
        .map(|(_, python)| ((*python).clone(), choice))
        .ok_or_else(|| "the chosen Python is not there any more".to_string())
}
