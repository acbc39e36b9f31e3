//! Judges whether a run used what it was to use.
//!
//! A run that cannot show it is `not injected`, never a pass: an exit status of 0
//! from the wrong version says nothing.

use charmproof_store::event::{Injection, Proof, Side, Sighting};

use super::evidence::{Evidence, Look};
use super::unit_file::WatchedPackage;

/// Judges one unit's evidence.
///
/// `has_tested` says that tests were seen to run. Then a process of the suite must have
/// spoken: what an environment holds says nothing of an interpreter that hides.
pub fn judge(side: Side, packages: &[WatchedPackage], evidence: &Evidence, has_tested: bool) -> Injection {
    let sightings = sightings(evidence);
    let swapped: Vec<&WatchedPackage> = packages.iter().filter(|p| p.version.is_some()).collect();
    let has_looked =
        !evidence.environments.is_empty() || !evidence.processes.is_empty() || !evidence.isolated.is_empty();
    let is_seen = |package: &WatchedPackage| {
        sightings.iter().any(|s| s.package == package.name && !s.version.is_empty())
    };

    let is_hidden = has_tested && evidence.processes.is_empty();
    if is_hidden {
        let proof = if swapped.is_empty() { Proof::NotNeeded } else { Proof::Missing };
        let summary = format!("no process of the {}'s suite could be asked", side.word());
        return Injection { proof, summary, sightings };
    }
    if swapped.is_empty() {
        let seen: Vec<String> = packages
            .iter()
            .filter_map(|package| {
                let version =
                    &sightings.iter().find(|s| s.package == package.name && !s.version.is_empty())?.version;
                Some(format!("{} {version}", package.name))
            })
            .collect();
        let (proof, summary) = if !seen.is_empty() {
            (Proof::NotNeeded, seen.join(", "))
        } else if has_looked && !packages.is_empty() {
            (Proof::NotUsed, format!("no {} in the environment", names(packages.iter())))
        } else {
            (Proof::NotNeeded, "the environment could not be looked at".to_string())
        };
        return Injection { proof, summary, sightings };
    }

    // One process with another version is enough to spoil the proof.
    for process in &evidence.processes {
        for look in &process.looks {
            let Some(package) = swapped.iter().find(|p| p.name == look.package) else { continue };
            if let Some(trouble) = trouble(look, package) {
                let summary = format!("`{}` {trouble}", process.command);
                return Injection { proof: Proof::Missing, summary, sightings };
            }
        }
    }
    let present: Vec<&&WatchedPackage> = swapped.iter().filter(|p| is_seen(p)).collect();
    if present.is_empty() {
        let (proof, summary) = if has_looked {
            (Proof::NotUsed, format!("no {} in the environment", names(swapped.iter().copied())))
        } else {
            (Proof::Missing, format!("no environment or process of the {} could be asked", side.word()))
        };
        return Injection { proof, summary, sightings };
    }
    let mut weakest = Proof::InProcess;
    for package in &present {
        let in_process = evidence
            .processes
            .iter()
            .any(|p| p.looks.iter().any(|l| l.package == package.name && !l.version.is_empty()));
        if in_process {
            continue;
        }
        let wrong =
            evidence.environments.iter().flat_map(|e| &e.looks).find(|l| {
                l.package == package.name && !l.version.is_empty() && trouble(l, package).is_some()
            });
        if let Some(look) = wrong {
            let summary =
                format!("the environment holds {} {}, not {}", look.package, look.version, wanted(package));
            return Injection { proof: Proof::Missing, summary, sightings };
        }
        weakest = Proof::Installed;
    }
    let summary = present.iter().map(|p| format!("{} {}", p.name, wanted(p))).collect::<Vec<_>>().join(", ");
    Injection { proof: weakest, summary, sightings }
}

/// Returns why a look is not at the wanted package; `None` if it is, or if the
/// package is simply not there.
fn trouble(look: &Look, package: &WatchedPackage) -> Option<String> {
    if look.version.is_empty() {
        return None;
    }
    if Some(&look.version) != package.version.as_ref() {
        return Some(format!("saw {} {}, not {}", look.package, look.version, wanted(package)));
    }
    if Some(&look.digest) != package.digest.as_ref() {
        return Some(format!("saw {} {} with other files than were put in", look.package, look.version));
    }
    if look.imported && !look.folder.is_empty() && !look.path.starts_with(&look.folder) {
        return Some(format!("imported {} from {} instead of the installed one", look.package, look.path));
    }
    None
}

fn wanted(package: &WatchedPackage) -> &str {
    package.version.as_deref().unwrap_or("")
}

fn names<'a>(packages: impl Iterator<Item = &'a WatchedPackage>) -> String {
    packages.map(|p| p.name.as_str()).collect::<Vec<_>>().join(" or ")
}

fn sightings(evidence: &Evidence) -> Vec<Sighting> {
    let sighting = |look: &Look, process: &str| Sighting {
        package: look.package.clone(),
        version: look.version.clone(),
        digest: look.digest.clone(),
        path: look.path.clone(),
        process: process.to_string(),
        imported: look.imported,
    };
    let mut all = Vec::new();
    for environment in &evidence.environments {
        all.extend(environment.looks.iter().map(|look| sighting(look, "")));
    }
    for process in &evidence.processes {
        all.extend(process.looks.iter().map(|look| sighting(look, &process.command)));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::super::evidence::{EnvironmentLook, ProcessLook};
    use super::*;

    fn package() -> WatchedPackage {
        WatchedPackage {
            version: Some("3.8.0".into()),
            digest: Some("d".into()),
            ..WatchedPackage::watched("ops", &["ops".into()])
        }
    }

    fn look(version: &str, digest: &str) -> Look {
        Look {
            package: "ops".into(),
            version: version.into(),
            digest: digest.into(),
            path: "/env/ops/__init__.py".into(),
            folder: if version.is_empty() { String::new() } else { "/env".into() },
            imported: true,
        }
    }

    fn evidence(installed: &[Look], processes: &[Look]) -> Evidence {
        Evidence {
            environments: installed
                .iter()
                .map(|l| EnvironmentLook { prefix: "/env".into(), looks: vec![l.clone()] })
                .collect(),
            processes: processes
                .iter()
                .map(|l| ProcessLook { command: "pytest".into(), looks: vec![l.clone()] })
                .collect(),
            ..Evidence::default()
        }
    }

    #[track_caller]
    fn check(evidence: &Evidence, expected: Proof, words: &str) {
        let injection = judge(Side::Candidate, &[package()], evidence, false);
        assert_eq!(injection.proof, expected, "{}", injection.summary);
        assert_eq!(injection.summary, words);
    }

    #[test]
    fn the_right_one_in_the_process_is_proof() {
        check(&evidence(&[], &[look("3.8.0", "d")]), Proof::InProcess, "ops 3.8.0");
        check(&evidence(&[look("3.8.0", "d")], &[]), Proof::Installed, "ops 3.8.0");
    }

    #[test]
    fn another_version_or_other_files_are_no_proof() {
        check(
            &evidence(&[look("3.8.0", "d")], &[look("3.7.1", "x")]),
            Proof::Missing,
            "`pytest` saw ops 3.7.1, not 3.8.0",
        );
        check(
            &evidence(&[], &[look("3.8.0", "x")]),
            Proof::Missing,
            "`pytest` saw ops 3.8.0 with other files than were put in",
        );
        check(
            &evidence(&[look("3.7.1", "d")], &[]),
            Proof::Missing,
            "the environment holds ops 3.7.1, not 3.8.0",
        );
        let mut shadowed = look("3.8.0", "d");
        shadowed.path = "/copy/vendor/ops/__init__.py".into();
        check(
            &evidence(&[], &[shadowed]),
            Proof::Missing,
            "`pytest` imported ops from /copy/vendor/ops/__init__.py instead of the installed one",
        );
    }

    #[test]
    fn a_suite_that_hides_is_no_proof() {
        let installed = evidence(&[look("3.8.0", "d")], &[]);
        assert_eq!(judge(Side::Candidate, &[package()], &installed, true).proof, Proof::Missing);
        let nowhere = evidence(&[look("", "")], &[]);
        assert_eq!(judge(Side::Candidate, &[package()], &nowhere, true).proof, Proof::Missing);
        let only_watched = [WatchedPackage::watched("ops", &["ops".into()])];
        assert_eq!(judge(Side::Baseline, &only_watched, &nowhere, true).proof, Proof::NotNeeded);
    }

    #[test]
    fn nothing_seen_is_no_proof_and_nothing_there_is_not_used() {
        check(
            &evidence(&[], &[]),
            Proof::Missing,
            "no environment or process of the candidate could be asked",
        );
        check(&evidence(&[look("", "")], &[]), Proof::NotUsed, "no ops in the environment");
    }
}
