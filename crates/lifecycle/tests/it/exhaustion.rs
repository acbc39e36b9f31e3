//! All lives of a small charm, each once, each valid.

use std::collections::HashSet;

use charmproof_lifecycle::exhaustive::{Extent, count, visit};
use charmproof_lifecycle::life::{Stage, Step};
use charmproof_lifecycle::stimulus::StimulusKind;
use charmproof_lifecycle::vocabulary::{JujuVersion, Platform};
use charmproof_lifecycle::world::{Charm, Profile, Role};

use crate::lives::{breaches, profiles, story};

fn extent(profile: Profile, depth: u32, kinds: &[StimulusKind]) -> Extent {
    let charm = Charm::default().with_endpoint(Role::Requires, "db").with_container("app");
    Extent {
        stage: Stage::new(profile, "app", charm),
        integrations: Vec::new(),
        depth,
        kinds: kinds.to_vec(),
    }
}

fn lives(extent: &Extent) -> Vec<Vec<Step>> {
    let mut lives = Vec::new();
    visit(extent, &mut |steps| {
        lives.push(steps.to_vec());
        true
    });
    lives
}

#[test]
fn few_stimuli_make_lives_that_can_be_written_down() {
    let profile = Profile { version: JujuVersion::V3_6, platform: Platform::Machine };
    let extent = extent(profile, 2, &[StimulusKind::ConfigChanges, StimulusKind::Integrate]);
    let mut shown: Vec<String> = lives(&extent)
        .iter()
        .filter(|steps| {
            steps.iter().filter_map(Step::hook).any(|(_, hook, _)| hook.name() == "leader-elected")
        })
        .map(|steps| {
            let operation = steps.iter().skip_while(|step| {
                step.stimulus().is_none_or(|(_, stimulus)| stimulus.kind() == StimulusKind::Deploy)
            });
            let words: Vec<String> = operation
                .map(|step| match (step.stimulus(), step.hook()) {
                    (Some((_, stimulus)), _) => stimulus.kind().name().to_uppercase(),
                    (None, Some((_, hook, _))) => hook.name(),
                    (None, None) => String::new(),
                })
                .collect();
            words.join(" ")
        })
        .collect();
    shown.sort();
    let expected = [
        "",
        "CONFIG-CHANGES CONFIG-CHANGES config-changed",
        "CONFIG-CHANGES INTEGRATE db-relation-created config-changed",
        "CONFIG-CHANGES config-changed",
        "CONFIG-CHANGES config-changed CONFIG-CHANGES config-changed",
        "CONFIG-CHANGES config-changed INTEGRATE db-relation-created",
        "INTEGRATE CONFIG-CHANGES db-relation-created config-changed",
        "INTEGRATE db-relation-created",
        "INTEGRATE db-relation-created CONFIG-CHANGES config-changed",
    ];
    assert_eq!(shown, expected);
}

#[test]
fn what_is_counted_is_what_is_made_and_all_of_it_is_valid() {
    for profile in profiles() {
        let extent = extent(profile, 2, StimulusKind::ALL);
        let lives = lives(&extent);
        assert_eq!(count(&extent, u64::MAX), Some(lives.len() as u64), "{profile:?}");
        assert_eq!(count(&extent, lives.len() as u64 - 1), None);
        let distinct: HashSet<&Vec<Step>> = lives.iter().collect();
        assert_eq!(distinct.len(), lives.len(), "each once");
        for steps in &lives {
            let breaches = breaches(profile, "app/0", steps);
            assert!(breaches.is_empty(), "{profile:?}: {breaches:#?}\n{}", story(steps));
        }
    }
}

#[test]
fn a_search_ends_when_it_is_told_to() {
    let profile = Profile { version: JujuVersion::V3_6, platform: Platform::Kubernetes };
    let mut seen = 0;
    visit(&extent(profile, 4, StimulusKind::ALL), &mut |_| {
        seen += 1;
        seen < 10
    });
    assert_eq!(seen, 10);
}

#[test]
fn many_lives_are_counted_without_being_made() {
    let profile = Profile { version: JujuVersion::V3_6, platform: Platform::Machine };
    let kinds = [StimulusKind::ConfigChanges, StimulusKind::Integrate, StimulusKind::RemoteUnitJoins];
    let found = count(&extent(profile, 6, &kinds), u64::MAX).expect("it fits");
    assert!(found > 10_000, "{found}");
    // That there are too many is found out without counting them.
    assert_eq!(count(&extent(profile, 40, StimulusKind::ALL), 1_000), None);
}
