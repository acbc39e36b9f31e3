//! Models that are written down and read again, in the midst of a life.

use charmproof_lifecycle::generator::{Plan, generate};
use charmproof_lifecycle::life::{Deployment, Happening, Integration, Stage, Step};
use charmproof_lifecycle::machine::choice_of;
use charmproof_lifecycle::model::{Model, ModelEvent};
use charmproof_lifecycle::stimulus::Stimulus;
use charmproof_lifecycle::vocabulary::{Hook, HookKind, JujuVersion, Name, Platform};
use charmproof_lifecycle::world::{Charm, Profile, Role};

use crate::lives;

/// How many lives each profile is tried with.
const SEEDS: u64 = 1;

/// Two applications that are related, one of them with two units and peers.
fn plan(profile: Profile) -> Plan {
    let mut db = Charm::default().with_endpoint(Role::Provides, "db").with_endpoint(Role::Peer, "cluster");
    db.endpoints[0].limit = Some(3);
    let deployments = [("app", lives::charm(), 2), ("pg", db, 1)].map(|(name, charm, units)| Deployment {
        application: name.into(),
        charm: charm.into(),
        units,
    });
    let stage = Stage { profile, has_quirks: true, deployments: deployments.into() };
    let integration = Integration {
        application: "app".into(),
        endpoint: "db".into(),
        remote_app: "pg".into(),
        remote_endpoint: Some("db".into()),
    };
    Plan { stimuli: 30, integrations: vec![integration], ..Plan::new(stage) }
}

/// Returns what a step does to the model.
fn moves(model: &Model, step: &Step) -> Vec<ModelEvent> {
    let begin = |unit: &Name, hook: Option<&Hook>| {
        let world = model.units().get(unit).filter(|world| !world.is_running())?;
        let choice = hook.and_then(|hook| choice_of(world, hook)).unwrap_or(0);
        Some(ModelEvent::Resolve { unit: unit.clone(), choice })
    };
    match &step.what {
        Happening::Stimulus { target, stimulus } => {
            vec![ModelEvent::Stimulus { target: target.clone(), stimulus: stimulus.clone() }]
        }
        Happening::Begin { unit, hook } => begin(unit, Some(hook)).into_iter().collect(),
        Happening::Hook { unit, hook, outcome, .. } => begin(unit, Some(hook))
            .into_iter()
            .chain([ModelEvent::HookEnds { unit: unit.clone(), outcome: *outcome }])
            .collect(),
        Happening::Marker { unit, .. } => begin(unit, None).into_iter().collect(),
    }
}

/// Returns the model as it is read from what is written of it.
fn read_again(model: &Model) -> Model {
    let text = serde_json::to_string(model).expect("a model can be written");
    serde_json::from_str(&text).expect("a model that was written can be read")
}

/// A stimulus is written under the name of its kind.
fn check_stimulus(stimulus: &Stimulus) {
    let written = serde_json::to_value(stimulus).expect("a stimulus can be written");
    let name = match &written {
        serde_json::Value::Object(fields) => fields.keys().next().map(String::as_str),
        other => other.as_str(),
    };
    assert_eq!(name, Some(stimulus.kind().name()));
    assert_eq!(&serde_json::from_value::<Stimulus>(written).expect("it can be read"), stimulus);
}

#[test]
fn a_model_that_is_read_again_is_the_same_and_goes_on_in_the_same_way() {
    for profile in lives::profiles() {
        let plan = plan(profile);
        for seed in 0..SEEDS {
            let mut model = plan.stage.model();
            for step in generate(&plan, seed) {
                if let Some((_, stimulus)) = step.stimulus() {
                    check_stimulus(stimulus);
                }
                for event in moves(&model, &step) {
                    let mut again = read_again(&model);
                    assert_eq!(again, model, "{profile:?}, seed {seed}");
                    let (expected, effects) = (model.step(event.clone()), again.step(event));
                    assert_eq!((effects, &again), (expected, &model), "{profile:?}, seed {seed}");
                }
            }
        }
    }
}

#[test]
fn what_is_written_has_the_words_of_the_vocabulary() {
    let written = |value: serde_json::Result<serde_json::Value>| value.expect("it can be written");
    for kind in HookKind::ALL {
        assert_eq!(written(serde_json::to_value(kind)), kind.suffix());
    }
    let platform = Profile { version: JujuVersion::V3_6, platform: Platform::Kubernetes };
    assert_eq!(
        written(serde_json::to_value(platform)),
        serde_json::json!({"version": "3.6", "platform": "kubernetes"})
    );
    let stimulus = Stimulus::RemoteUnitJoins { relation: 3, unit: "pg/0".into() };
    assert_eq!(
        written(serde_json::to_value(stimulus)),
        serde_json::json!({"remote-unit-joins": {"relation": 3, "unit": "pg/0"}})
    );
}
