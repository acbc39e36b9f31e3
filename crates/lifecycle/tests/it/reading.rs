//! What is read comes to the judge as it was written, and nothing that is written makes a
//! reader fail.

use std::collections::BTreeSet;

use charmproof_lifecycle::environment::{self, Numbers};
use charmproof_lifecycle::format::json as lives;
use charmproof_lifecycle::generator::generate;
use charmproof_lifecycle::life::{Life, Step};
use charmproof_lifecycle::reading::log::{Follower, LogForm};
use charmproof_lifecycle::reading::{About, Receiver, form, json, names};
use charmproof_lifecycle::rules::guide::{COMMON_VARIABLES, variables};
use charmproof_lifecycle::rules::{Event, Judge, Settings, Start};
use charmproof_lifecycle::vocabulary::JujuVersion;
use proptest::prelude::*;

use crate::lives::profiles;
use crate::told_lives::{plans, told};

/// Keeps what a reader tells, and judges it on the way.
#[derive(Default)]
struct Heard {
    about: About,
    starts: Vec<(String, Start)>,
    events: Vec<(Option<String>, usize, Event)>,
    ends: usize,
}

impl Receiver for Heard {
    fn begins(&mut self, about: &About) {
        self.about = about.clone();
    }

    fn unit_begins(&mut self, unit: &str, start: Start) {
        self.starts.push((unit.to_owned(), start));
    }

    fn event(&mut self, unit: Option<&str>, place: usize, event: &Event) {
        self.events.push((unit.map(str::to_owned), place, event.clone()));
    }

    fn ends(&mut self) {
        self.ends += 1;
    }
}

fn read_json(text: &str) -> Result<Heard, String> {
    let mut heard = Heard::default();
    json::read(serde_json::de::StrRead::new(text), &mut heard, &|| {}).map_err(|error| error.to_string())?;
    Ok(heard)
}

#[test]
fn lives_are_read_as_they_were_written() {
    for profile in profiles() {
        for plan in plans(profile) {
            for seed in 0..5 {
                let steps = generate(&plan, seed);
                let text =
                    lives::write(&Life { stage: plan.stage.clone(), seed: Some(seed), steps: steps.clone() });
                let heard = read_json(&text).expect("a life");
                for (settings, events) in told(profile, &plan, &steps) {
                    let unit = settings.unit.clone();
                    let of_unit = heard.events.iter().filter(|(of, _, _)| *of == unit);
                    let read: Vec<Event> = of_unit.map(|(_, _, event)| event.clone()).collect();
                    assert_eq!(read, events, "{profile:?}, seed {seed}, {unit:?}");
                    // The judge knows as much of a life that was read as of one that was made.
                    let known = Settings { start: Start::Deployment, ..Settings::default() };
                    assert_eq!(heard.about.settings(&known, unit.as_deref()), settings);
                    assert!(heard.starts.contains(&(unit.unwrap_or_default(), Start::Deployment)));
                }
            }
        }
    }
}

#[test]
fn a_part_of_a_life_begins_anywhere() {
    let heard = read_json(
        r#"{"schema":1,"juju":"3.6","steps":[{"phase":"operation","unit":"web/0","hook":"update-status"},
           {"phase":"operation","by":"user","stimulus":"deploy","unit":"web/1"},
           {"phase":"operation","by":"somebody","stimulus":"unheard-of","unit":"web/1"},
           {"phase":"operation","unit":"web/1","marker":"unheard-of"},
           {"phase":"operation","unit":"web/1","hook":"install"}]}"#,
    )
    .expect("a part of a life");
    assert_eq!(heard.starts, [("web/1".to_owned(), Start::Deployment)]);
    assert_eq!(heard.events.len(), 2);
    assert_eq!(heard.about.version, Some(JujuVersion::V3_6));
}

#[test]
fn lists_and_lines_of_objects_are_read() {
    let life = r#"{"schema":1,"steps":[{"unit":"a/0","hook":"install"}]}"#;
    let trace =
        r#"{"id":"T1","charm":"web","events":["start"],"markers":[[0,"reboot detected"]],"rel_ids":[null]}"#;
    for text in [format!("{life}\n{trace}\n\n{life}"), format!("[{life},{trace},\n{life}]\n")] {
        let heard = read_json(&text).expect("three sequences");
        assert_eq!((heard.ends, heard.events.len()), (3, 4), "{text}");
    }
}

/// What `explain` says of the environment is what hooks are given.
#[test]
fn hooks_have_the_variables_that_are_told_of() {
    let mut seen = BTreeSet::new();
    let common: Vec<&str> = COMMON_VARIABLES.iter().map(|(name, _)| *name).collect();
    for profile in profiles() {
        let [plan, _] = plans(profile);
        for seed in 0..30 {
            for (unit, hook, _) in generate(&plan, seed).iter().filter_map(Step::hook) {
                let given = environment::variables(profile.version, unit, hook, Numbers::default());
                let given: BTreeSet<&str> =
                    given.iter().map(|(name, _)| *name).filter(|name| !common.contains(name)).collect();
                let told: BTreeSet<&str> = variables(hook.kind).into_iter().map(|(name, _)| name).collect();
                assert_eq!(given, told, "{hook}");
                seen.insert(hook.kind);
            }
        }
    }
    assert!(seen.len() > 25, "most kinds of hooks ran: {seen:?}");
}

/// Feeds any text to every reader, and what they find to the judge.
fn read_all(text: &str) {
    let mut heard = Heard::default();
    let _ = form::of(text.as_bytes());
    let _ = json::read(serde_json::de::StrRead::new(text), &mut heard, &|| {});
    for form in [LogForm::Agent, LogForm::Status] {
        let mut follower = Follower::new(form);
        for (number, line) in (1..).zip(text.lines()) {
            let _ = follower.line(number, line, &mut heard);
        }
        follower.end(&mut heard);
    }
    for (number, line) in (1..).zip(text.lines()) {
        if let Ok(Some(event)) = names::read_line(number, line) {
            heard.event(None, number, &event);
        }
    }
    let mut judge = Judge::new(Settings::default());
    for (_, place, event) in &heard.events {
        judge.step_at(*place, event);
    }
}

proptest! {
    #[test]
    fn any_text_can_be_read(text in "(?s).{0,300}") {
        read_all(&text);
    }

    #[test]
    fn any_object_can_be_read(key in "schema|steps|events|charm|charms|juju|markers|outcomes",
                              value in r#"1|"x"|\[\]|\{\}|null|\[1\]|\[\{"hook":"stop"\}\]|\["stop"\]"#) {
        read_all(&format!("{{\"steps\":[],\"{key}\":{value}}}"));
        read_all(&format!("{{\"events\":[\"start\"],\"{key}\":{value}}}"));
    }
}
