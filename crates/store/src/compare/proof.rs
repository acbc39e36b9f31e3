//! What the proof of injection leaves of an outcome.

use std::collections::BTreeSet;

use crate::event::{Plan, Proof, SwapRecord, UnitResult};
use crate::outcome::{Origin, Outcome};

/// Returns the normalised name of a distribution, as in PEP 503.
pub(super) fn normalised(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for c in name.chars() {
        match c {
            '-' | '_' | '.' if out.ends_with('-') => {}
            '-' | '_' | '.' => out.push('-'),
            other => out.extend(other.to_lowercase()),
        }
    }
    out
}

/// Returns how a suite ended, as far as there is proof of what it ran with.
///
/// `others` are the results of the other side. A suite that spoke without proof
/// of its side's swaps is not injected; one whose environment holds none of the
/// swapped packages does not use them, unless the other side's does: then the
/// swap has lost the package, and what ran is not the question that was asked.
pub(super) fn proven(result: &UnitResult, swaps: &[SwapRecord], others: &[&UnitResult]) -> Outcome {
    if swaps.is_empty() {
        return result.outcome;
    }
    let outcome = if result.outcome.origin() == Origin::Suite {
        match result.injection.proof {
            Proof::InProcess | Proof::Installed => result.outcome,
            Proof::NotUsed => Outcome::NotUsed,
            Proof::NotNeeded | Proof::Missing => Outcome::NotInjected,
        }
    } else {
        result.outcome
    };
    if outcome == Outcome::NotUsed && others.iter().any(|other| holds_any(other, swaps)) {
        Outcome::NotInjected
    } else {
        outcome
    }
}

/// Whether the environment of a result was seen to hold one of the packages.
fn holds_any(result: &UnitResult, swaps: &[SwapRecord]) -> bool {
    let names: BTreeSet<String> = swaps.iter().map(|swap| normalised(&swap.package)).collect();
    result.environment.keys().any(|name| names.contains(&normalised(name)))
        || result.injection.sightings.iter().any(|sighting| {
            !(sighting.version.is_empty() && sighting.digest.is_empty())
                && names.contains(&normalised(&sighting.package))
        })
}

/// Whether a result has the proof that its side's swaps call for.
pub(super) fn has_proof(result: &UnitResult, swaps: &[SwapRecord]) -> bool {
    swaps.is_empty() || matches!(result.injection.proof, Proof::InProcess | Proof::Installed)
}

/// Whether both sides of the plan swap in the very same files, so that comparing
/// them says nothing.
pub fn same_swaps(plan: &Plan) -> bool {
    let files = |swaps: &[SwapRecord]| -> BTreeSet<(String, String)> {
        swaps.iter().map(|swap| (normalised(&swap.package), swap.digest.clone())).collect()
    };
    !plan.candidate.is_empty() && files(&plan.candidate) == files(&plan.baseline)
}

/// Whether the baseline was seen to run with the very files that the candidate
/// swaps in, each of them, though nothing was swapped.
pub(super) fn already_there(baseline: &[&UnitResult], swaps: &[SwapRecord]) -> bool {
    !swaps.is_empty()
        && swaps.iter().all(|swap| {
            let name = normalised(&swap.package);
            let mut seen = baseline
                .iter()
                .flat_map(|result| &result.injection.sightings)
                .filter(|sighting| !sighting.digest.is_empty() && normalised(&sighting.package) == name)
                .peekable();
            seen.peek().is_some() && seen.all(|sighting| sighting.digest == swap.digest)
        })
}

/// Returns the other distributions that differ between two environments. Nothing
/// is said where one of them is not known.
pub(super) fn drift(before: &UnitResult, after: &UnitResult, plan: &Plan) -> Vec<String> {
    if before.environment.is_empty() || after.environment.is_empty() {
        return Vec::new();
    }
    let swapped: BTreeSet<String> =
        plan.candidate.iter().chain(&plan.baseline).map(|swap| normalised(&swap.package)).collect();
    let environment = |result: &UnitResult| -> std::collections::BTreeMap<String, String> {
        result.environment.iter().map(|(name, version)| (normalised(name), version.clone())).collect()
    };
    let (before, after) = (environment(before), environment(after));
    let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    names
        .into_iter()
        .filter(|name| !swapped.contains(*name) && before.get(*name) != after.get(*name))
        .map(|name| {
            let version = |side: &std::collections::BTreeMap<String, String>| {
                side.get(name).cloned().unwrap_or_else(|| "none".to_owned())
            };
            format!("{name} {} -> {}", version(&before), version(&after))
        })
        .collect()
}
