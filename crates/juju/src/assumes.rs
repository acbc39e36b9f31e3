//! What a charm assumes of the model that it is deployed to.

use charmproof_charm::metadata::{Assumption, Comparison, Feature};

/// Returns why a model is none that a charm can be deployed to, in Juju's words; nothing if it is one.
pub(crate) fn unmet(assumptions: &[Assumption], is_kubernetes: bool, version: &str) -> Vec<String> {
    assumptions.iter().filter_map(|assumption| why_not(assumption, is_kubernetes, version)).collect()
}

fn why_not(assumption: &Assumption, is_kubernetes: bool, version: &str) -> Option<String> {
    match assumption {
        Assumption::Feature(feature) => feature_missing(feature, is_kubernetes, version),
        Assumption::AnyOf(all) => {
            let reasons: Vec<String> =
                all.iter().filter_map(|one| why_not(one, is_kubernetes, version)).collect();
            (reasons.len() == all.len() && !reasons.is_empty()).then(|| {
                format!("charm requires at least one of the following:\n    - {}", reasons.join("\n    - "))
            })
        }
        Assumption::AllOf(all) => {
            let reasons: Vec<String> =
                all.iter().filter_map(|one| why_not(one, is_kubernetes, version)).collect();
            (!reasons.is_empty()).then(|| reasons.join("\n  - "))
        }
    }
}

fn feature_missing(feature: &Feature, is_kubernetes: bool, version: &str) -> Option<String> {
    match feature.name.as_str() {
        "juju" => {
            let (comparison, wanted) = feature.version.as_ref()?;
            let (have, wanted_numbers) = (numbers(version), numbers(&wanted.clone()));
            let (is_met, sign) = match comparison {
                Comparison::AtLeast => (have >= wanted_numbers, ">="),
                Comparison::Below => (have < wanted_numbers, "<"),
            };
            (!is_met)
                .then(|| format!("charm requires Juju version {sign} {wanted}, model has version {version}"))
        }
        "k8s-api" if is_kubernetes => None,
        name => Some(format!("charm requires feature \"{name}\" but model does not support it")),
    }
}

fn numbers(version: &str) -> Vec<u32> {
    let mut numbers: Vec<u32> = version
        .split(|character: char| !character.is_ascii_digit())
        .filter_map(|number| number.parse().ok())
        .collect();
    numbers.resize(3, 0);
    numbers
}
