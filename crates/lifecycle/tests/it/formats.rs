//! Lives are written and read.

use charmproof_lifecycle::format::json;
use charmproof_lifecycle::generator::generate;
use charmproof_lifecycle::life::{Happening, Life, Step};
use charmproof_lifecycle::replay::{Afterwards, replay};
use charmproof_lifecycle::stimulus::Stimulus;

use crate::lives::{many_units, plan, profiles};

/// What a deployment is counted from is not written, because it follows from the rest.
fn without_counts(steps: &[Step]) -> Vec<Step> {
    let mut steps = steps.to_vec();
    for step in &mut steps {
        if let Happening::Stimulus {
            stimulus: Stimulus::Deploy { first_relation, first_storage, .. }, ..
        } = &mut step.what
        {
            (*first_relation, *first_storage) = (0, 0);
        }
    }
    steps
}

#[test]
fn what_is_written_is_read_as_it_was() {
    for profile in profiles() {
        for seed in 0..20 {
            for mut plan in [plan(profile.version, profile.platform), many_units(profile)] {
                plan.stage.has_quirks = seed % 2 == 0;
                let steps = generate(&plan, seed);
                let life = Life { stage: plan.stage, seed: Some(seed), steps };
                let text = json::write(&life);
                let read = json::read(&text).expect("what was written can be read");
                assert_eq!((&read.stage, read.seed), (&life.stage, life.seed));
                assert_eq!(read.steps, without_counts(&life.steps), "{text}");
                // And it can be played, though it was only read.
                let again = replay(&read.stage, &read.steps, Afterwards::Settle);
                assert_eq!(without_counts(&again), read.steps, "{text}");
            }
        }
    }
}

#[test]
fn what_cannot_be_read_is_told() {
    let check = |text: &str, expected: &str| {
        let error = json::read(text).expect_err(text).to_string();
        assert!(error.starts_with(expected), "{error}");
    };
    let with_steps = |steps: &str| {
        format!(r#"{{"schema":1,"juju":"3.6","platform":"k8s","charm":{{"name":"web"}},"steps":[{steps}]}}"#)
    };
    check("", "it is no life in charmproof's JSON: EOF");
    check(r#"{"schema":2}"#, "it has schema 2, and this charmproof reads schema 1");
    check(
        r#"{"schema":1,"juju":"1.25","platform":"k8s","charm":{"name":"web"},"steps":[]}"#,
        "`1.25` is no version of Juju that this charmproof knows",
    );
    check(&with_steps(r#"{"phase":"dawn"}"#), "step 1: `dawn` is no phase");
    check(&with_steps(r#"{"phase":"setup","unit":"web/0"}"#), "step 1: `hook` is missing");
    check(&with_steps(r#"{"phase":"setup","unit":"web/0","hook":"born"}"#), "step 1: `born` is no hook");
    check(
        &with_steps(r#"{"phase":"setup","unit":"web/0","stimulus":"rain"}"#),
        "step 1: `rain` is no stimulus",
    );
    check(
        &with_steps(r#"{"phase":"setup","application":"web","stimulus":"integrate"}"#),
        "step 1: `relation_id` is missing",
    );
}
