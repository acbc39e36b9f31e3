//! Which Python to run a charm's suites with.
//!
//! A pure choice: what the charm's files wish for and what is installed go
//! in, and one version comes out, with a sentence that says why and a list of
//! the wishes that have to be changed in our copy of the charm for it to run.

use std::fmt;

pub use crate::python_constraint::{InvalidConstraint, PythonConstraint};

use crate::metadata::Base;
use crate::names::{PackageName, PythonVersion};

/// The newest Python that most dependencies of charms have wheels for; the
/// choice goes above only when it must.
pub(crate) const PREFERRED_MOST: PythonVersion = PythonVersion::three(12);

/// The oldest Python that a newer one may stand in for. Code that names an
/// older one fails on today's for reasons that say nothing of a swap.
const OLDEST_LIFTED: PythonVersion = PythonVersion::three(8);

/// A wish, and where it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wish<T> {
    /// What is wished for.
    pub value: T,
    /// Where, in words: `requires-python in pyproject.toml`.
    pub source: String,
}

impl<T> Wish<T> {
    /// A wish found in a place.
    pub fn new(value: T, source: impl Into<String>) -> Self {
        Self { value, source: source.into() }
    }
}

/// A constraint that a package puts under everything: the `requires-python`
/// of the candidate that is swapped in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Floor {
    /// The package.
    pub package: PackageName,
    /// The versions of Python it runs on.
    pub requires_python: PythonConstraint,
}

/// Everything that bears on the choice.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PythonWishes {
    /// What the charm's manifest allows.
    pub requires_python: Option<Wish<PythonConstraint>>,
    /// What the charm's lock file was made for.
    pub lock_requires_python: Option<Wish<PythonConstraint>>,
    /// The interpreter that the tox environment names.
    pub tox_base_python: Option<Wish<PythonVersion>>,
    /// What `.python-version` says.
    pub python_version_file: Option<Wish<PythonVersion>>,
    /// The base the charm runs on.
    pub base: Option<Base>,
    /// What the swapped packages need.
    pub floors: Vec<Floor>,
}

/// Which wish has to be changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LiftOf {
    /// The manifest's `requires-python`.
    RequiresPython,
    /// The lock's `requires-python`.
    LockRequiresPython,
    /// The interpreter that tox is told to use.
    ToxBasePython,
    /// The file `.python-version`.
    PythonVersionFile,
    /// The Python of the base, which no file needs to change for.
    Base,
}

/// A wish that has to be changed for the chosen Python to be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lift {
    /// Which wish.
    pub of: LiftOf,
    /// Where the wish was found, in words.
    pub source: String,
    /// What it says.
    pub from: String,
    /// What it has to say.
    pub to: String,
    /// Why: a lower-case fragment.
    pub reason: String,
}

/// The chosen Python.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// The version, as it is among those available.
    pub version: PythonVersion,
    /// Why this one: a lower-case fragment.
    pub why: String,
    /// What has to be changed for it.
    pub lifted: Vec<Lift>,
}

/// No available Python will do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no Python here meets {wanted}; available: {}", listed(.available))]
pub struct NoInterpreter {
    /// What would have to be met, in words.
    pub wanted: String,
    /// What there is.
    pub available: Vec<PythonVersion>,
}

fn listed(versions: &[PythonVersion]) -> String {
    if versions.is_empty() {
        return "none".to_owned();
    }
    versions.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// Chooses the Python to run a charm with.
///
/// In this order: the interpreter that tox or `.python-version` names, if it
/// is there and the swapped packages run on it; the Python of the charm's
/// base, if the manifest allows it; the newest allowed one that is not newer
/// than the base's; the newest allowed one up to 3.12; the lowest above.
/// A charm that names a Python older than 3.8 gets that one or none.
pub fn choose(wishes: &PythonWishes, available: &[PythonVersion]) -> Result<Choice, NoInterpreter> {
    let mut available = available.to_vec();
    available.sort_unstable();
    available.dedup();
    let (version, why) = pick(wishes, &available)
        .ok_or_else(|| NoInterpreter { wanted: wanted(wishes), available: available.clone() })?;
    Ok(Choice { version, why, lifted: lifts(wishes, version) })
}

fn pick(wishes: &PythonWishes, available: &[PythonVersion]) -> Option<(PythonVersion, String)> {
    for wish in [&wishes.tox_base_python, &wishes.python_version_file].into_iter().flatten() {
        let within_floors = || available.iter().rev().filter(|version| is_within_floors(wishes, **version));
        let found = within_floors().find(|version| version.meets(wish.value)).or_else(|| {
            within_floors().find(|version| version.minor_version() == wish.value.minor_version())
        });
        if let Some(version) = found {
            return Some((*version, format!("{} asks for {}", wish.source, wish.value)));
        }
        if is_too_old(wish) {
            return None;
        }
    }
    let allowed: Vec<PythonVersion> =
        available.iter().copied().filter(|version| is_allowed(wishes, *version)).collect();
    let base = wishes.base.as_ref().and_then(|base| Some((base, base.python()?)));
    if let Some((base, python)) = base {
        let newest_up_to_base =
            allowed.iter().rev().find(|version| version.minor_version() <= python.minor_version());
        match newest_up_to_base {
            Some(version) if version.meets(python) => {
                return Some((*version, format!("{base} comes with it")));
            }
            Some(version) => {
                let why = format!("it is the closest below the {python} of {base} that is allowed and here");
                return Some((*version, why));
            }
            None => {}
        }
    }
    let most = PREFERRED_MOST.minor_version();
    if let Some(version) = allowed.iter().rev().find(|version| version.minor_version() <= most) {
        return Some((*version, format!("it is the newest up to {PREFERRED_MOST} that is allowed and here")));
    }
    let lowest = allowed.first()?;
    Some((*lowest, "it is the lowest that is allowed and here".to_owned()))
}

fn is_too_old(wish: &Wish<PythonVersion>) -> bool {
    wish.value.minor_version() < OLDEST_LIFTED.minor_version()
}

fn is_within_floors(wishes: &PythonWishes, version: PythonVersion) -> bool {
    wishes.floors.iter().all(|floor| floor.requires_python.allows(version))
}

fn is_allowed(wishes: &PythonWishes, version: PythonVersion) -> bool {
    is_within_floors(wishes, version)
        && [&wishes.requires_python, &wishes.lock_requires_python]
            .into_iter()
            .flatten()
            .all(|wish| wish.value.allows(version))
}

/// What would have to be met, for the error.
fn wanted(wishes: &PythonWishes) -> String {
    let interpreters = [&wishes.tox_base_python, &wishes.python_version_file];
    let too_old = interpreters.into_iter().flatten().filter(|wish| is_too_old(wish));
    let mut parts: Vec<String> = too_old.map(|wish| format!("`{}` ({})", wish.value, wish.source)).collect();
    let constraints = [&wishes.requires_python, &wishes.lock_requires_python];
    parts.extend(constraints.into_iter().flatten().map(|wish| format!("`{}` ({})", wish.value, wish.source)));
    parts
        .extend(wishes.floors.iter().map(|floor| format!("`{}` ({})", floor.requires_python, floor.package)));
    if parts.is_empty() { "any wish".to_owned() } else { parts.join(" and ") }
}

fn lifts(wishes: &PythonWishes, chosen: PythonVersion) -> Vec<Lift> {
    let mut lifts = Vec::new();
    let constraints = [
        (LiftOf::RequiresPython, &wishes.requires_python),
        (LiftOf::LockRequiresPython, &wishes.lock_requires_python),
    ];
    for (of, wish) in constraints {
        let Some(wish) = wish else { continue };
        let mut current = wish.value.clone();
        let mut because = Vec::new();
        for floor in &wishes.floors {
            if let Some(lifted) = current.lifted_to(&floor.requires_python) {
                because.push(needs(floor));
                current = lifted;
            }
        }
        if !because.is_empty() {
            lifts.push(Lift {
                of,
                source: wish.source.clone(),
                from: wish.value.to_string(),
                to: current.to_string(),
                reason: because.join(", "),
            });
        }
    }
    let interpreters = [
        (LiftOf::ToxBasePython, &wishes.tox_base_python),
        (LiftOf::PythonVersionFile, &wishes.python_version_file),
    ];
    for (of, wish) in interpreters {
        let Some(wish) = wish else { continue };
        if !chosen.meets(wish.value) {
            let (major, minor) = chosen.minor_version();
            lifts.push(Lift {
                of,
                source: wish.source.clone(),
                from: wish.value.to_string(),
                to: format!("{major}.{minor}"),
                reason: reason_against(wishes, wish.value),
            });
        }
    }
    if let Some((base, python)) = wishes.base.as_ref().and_then(|base| Some((base, base.python()?)))
        && !is_within_floors(wishes, python)
    {
        lifts.push(Lift {
            of: LiftOf::Base,
            source: base.to_string(),
            from: python.to_string(),
            to: chosen.to_string(),
            reason: reason_against(wishes, python),
        });
    }
    lifts
}

/// Why a version was not taken.
fn reason_against(wishes: &PythonWishes, version: PythonVersion) -> String {
    let against: Vec<String> =
        wishes.floors.iter().filter(|floor| !floor.requires_python.allows(version)).map(needs).collect();
    if against.is_empty() { "another Python was chosen".to_owned() } else { against.join(", ") }
}

fn needs(floor: &Floor) -> String {
    format!("{} needs {}", floor.package, floor.requires_python)
}

impl fmt::Display for Lift {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { source, from, to, reason, .. } = self;
        write!(formatter, "{source}: {from} becomes {to}, because {reason}")
    }
}

#[cfg(test)]
mod tests;
