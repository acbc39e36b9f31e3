//! What units hear of secrets that are really there.
//!
//! In a life that is made up, stimuli say what becomes of each secret. Where real charms run,
//! somebody knows all secrets with their revisions and readers, and the units follow that.

use std::collections::BTreeSet;

use super::{Model, Target};
use crate::machine::{self, Event};
use crate::stimulus::Stimulus;
use crate::vocabulary::Name;
use crate::world::{Life, SecretOwner, World};

/// Whose secret it is, as the whole model sees it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum KnownSecretOwner {
    /// A unit of the model.
    Unit(Name),
    /// An application of the model.
    Application(Name),
    /// Nobody of the model: a person, or somebody in another model.
    Outside,
}

/// A secret that is there.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct KnownSecret {
    /// Its URI, as hooks tell it.
    pub secret_id: Name,
    /// Whose it is.
    pub owner: KnownSecretOwner,
    /// The number of its last revision.
    pub latest: u32,
    /// The revisions that are there.
    pub revisions: BTreeSet<u32>,
    /// Those of them that nobody reads any more, the last one never among them.
    pub unused: BTreeSet<u32>,
    /// The units that have read it.
    pub readers: BTreeSet<Name>,
}

impl KnownSecret {
    /// Returns what the secret is to a unit; `None` if nothing.
    fn owner_for(&self, world: &World) -> Option<SecretOwner> {
        match &self.owner {
            KnownSecretOwner::Unit(unit) if unit == world.unit() => Some(SecretOwner::Unit),
            // Each unit of it may come to lead, and then hears of it.
            KnownSecretOwner::Application(application) if application == world.application() => {
                Some(SecretOwner::Application)
            }
            KnownSecretOwner::Unit(_) | KnownSecretOwner::Application(_) | KnownSecretOwner::Outside => None,
        }
    }
}

impl Model {
    /// Lets all units know what there is of secrets, and forget what is gone. Returns whom
    /// something happened to: only they may have something to run now.
    ///
    /// The whole truth is given each time, so nothing is lost when a unit could not hear of it at
    /// once: units hear of secrets from the end of `install` on (R86).
    pub fn follow_secrets(&mut self, known: &[KnownSecret]) -> Vec<(Target, Stimulus)> {
        let mut happened = Vec::new();
        for (unit, world) in self.units.iter_mut() {
            if world.life() != Life::Alive || !world.is_installed() {
                continue;
            }
            let gone: Vec<Name> = world
                .secrets
                .keys()
                .filter(|id| !known.iter().any(|secret| secret.secret_id == **id))
                .cloned()
                .collect();
            for secret_id in gone {
                world.secrets.remove(&secret_id);
            }
            for secret in known {
                for stimulus in news(secret, world) {
                    let is_new = machine::step(world, Event::Stimulus(stimulus.clone())).is_ok();
                    if is_new {
                        happened.push((Target::Unit(unit.clone()), stimulus));
                    }
                }
                forget_revisions(secret, world);
            }
        }
        happened
    }
}

/// Returns what is news to a unit. What is none is refused, so it need not be left out.
fn news(secret: &KnownSecret, world: &World) -> Vec<Stimulus> {
    let secret_id = &secret.secret_id;
    let mut news = Vec::new();
    let owner = secret.owner_for(world);
    let is_read = secret.readers.contains(world.unit());
    let before = world.secrets.get(secret_id);
    if let Some(owner) = owner.filter(|_| before.is_none()) {
        news.push(Stimulus::SecretAdded { secret_id: secret_id.clone(), owner });
    }
    if is_read {
        news.push(Stimulus::SecretAdded { secret_id: secret_id.clone(), owner: SecretOwner::Remote });
    }
    if owner.is_none() && !is_read {
        return news;
    }
    let seen = before.map_or(1, |before| before.latest);
    for _ in seen..u64::from(secret.latest) {
        news.push(Stimulus::SecretRevised { secret_id: secret_id.clone() });
    }
    if owner.is_some() {
        let unused = secret.unused.iter();
        news.extend(
            unused
                .map(|revision| Stimulus::SecretUnused { secret_id: secret_id.clone(), revision: *revision }),
        );
    }
    news
}

/// R87: of revisions that are gone, nobody is told any more.
fn forget_revisions(secret: &KnownSecret, world: &mut World) {
    if let Some(known) = world.secrets.get_mut(&secret.secret_id) {
        known.expired.retain(|revision| secret.revisions.contains(revision));
        known.unused.retain(|revision, _| secret.revisions.contains(revision));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ModelEvent;
    use crate::vocabulary::{JujuVersion, Outcome, Platform};
    use crate::world::{Charm, Profile};

    const ID: &str = "secret:9m4e2mr0ui3e8a215n4g";

    /// Lets all units run until they have nothing to do, and returns the hooks about secrets:
    /// `web/0 secret-remove 1`.
    fn settle(model: &mut Model) -> Vec<String> {
        let mut ran = Vec::new();
        let units: Vec<Name> = model.units().keys().cloned().collect();
        for unit in units {
            loop {
                model.step(ModelEvent::Resolve { unit: unit.clone(), choice: 0 }).unwrap();
                let Some(hook) = model.units().get(&unit).and_then(World::running).cloned() else { break };
                model.step(ModelEvent::HookEnds { unit: unit.clone(), outcome: Outcome::Ok }).unwrap();
                if hook.secret_id.is_some() {
                    let revision = hook.secret_revision.map(|revision| format!(" {revision}"));
                    ran.push(format!("{unit} {}{}", hook.name(), revision.unwrap_or_default()));
                }
            }
        }
        ran
    }

    /// Two units of `web`, of which the first leads, and one of `db`, all of them idle.
    fn model() -> Model {
        let profile = Profile { version: JujuVersion::V3_6, platform: Platform::Machine };
        let mut model = Model::new(profile, false)
            .with_told_secrets()
            .with_application("web", Charm::default())
            .with_application("db", Charm::default());
        for unit in ["web/0", "web/1", "db/0"] {
            let stimulus = model.deploy(&unit.into());
            model.step(ModelEvent::Stimulus { target: Target::Unit(unit.into()), stimulus }).unwrap();
        }
        settle(&mut model);
        model
    }

    fn secret(
        owner: KnownSecretOwner,
        revisions: &[u32],
        readers: &[&str],
        unused: &[u32],
    ) -> [KnownSecret; 1] {
        [KnownSecret {
            secret_id: ID.into(),
            owner,
            latest: revisions.iter().copied().max().unwrap_or(1),
            revisions: revisions.iter().copied().collect(),
            unused: unused.iter().copied().collect(),
            readers: readers.iter().map(|unit| Name::from(*unit)).collect(),
        }]
    }

    #[track_caller]
    fn check(model: &mut Model, known: &[KnownSecret], expected: &[&str]) {
        model.follow_secrets(known);
        assert_eq!(settle(model), expected);
        assert_eq!(model.follow_secrets(known), [], "the same again is no news");
    }

    #[test]
    fn readers_hear_of_revisions_and_the_leader_of_what_nobody_reads() {
        let mut model = model();
        let web = || KnownSecretOwner::Application("web".into());
        check(&mut model, &secret(web(), &[1], &[], &[]), &[]);
        check(&mut model, &secret(web(), &[1], &["db/0", "web/1"], &[]), &[]);
        let revised = ["db/0 secret-changed", "web/1 secret-changed"];
        check(&mut model, &secret(web(), &[1, 2], &["db/0", "web/1"], &[]), &revised);
        check(&mut model, &secret(web(), &[1, 2], &["db/0", "web/1"], &[1]), &["web/0 secret-remove 1"]);
        // Who leads next is told again of what is still there.
        let gained = ModelEvent::Stimulus {
            target: Target::Unit("web/1".into()),
            stimulus: Stimulus::LeadershipGained,
        };
        model.step(gained).unwrap();
        check(&mut model, &secret(web(), &[1, 2], &["db/0", "web/1"], &[1]), &["web/1 secret-remove 1"]);
    }

    #[test]
    fn who_begins_to_read_a_later_revision_is_told_of_it() {
        // worker/uniter/remotestate: a revision other than the one that was told of last.
        let mut model = model();
        let known = secret(KnownSecretOwner::Outside, &[1, 2], &["db/0"], &[1]);
        check(&mut model, &known, &["db/0 secret-changed"]);
    }

    #[test]
    fn what_is_gone_is_forgotten() {
        let mut model = model();
        let unit = || KnownSecretOwner::Unit("web/1".into());
        model.follow_secrets(&secret(unit(), &[1, 2, 3], &["db/0"], &[1, 2]));
        check(
            &mut model,
            &secret(unit(), &[2, 3], &["db/0"], &[2]),
            &["db/0 secret-changed", "web/1 secret-remove 2"],
        );
        model.follow_secrets(&secret(unit(), &[2, 3, 4], &["db/0"], &[2]));
        check(&mut model, &[], &[]);
    }

    #[test]
    fn a_rotation_makes_no_revision_of_its_own() {
        let mut model = model();
        let unit = || KnownSecretOwner::Unit("web/0".into());
        check(&mut model, &secret(unit(), &[1], &["web/0"], &[]), &[]);
        let due = Stimulus::SecretRotationDue { secret_id: ID.into() };
        model.step(ModelEvent::Stimulus { target: Target::Unit("web/0".into()), stimulus: due }).unwrap();
        check(&mut model, &secret(unit(), &[1], &["web/0"], &[]), &["web/0 secret-rotate"]);
        check(&mut model, &secret(unit(), &[1, 2], &["web/0"], &[]), &["web/0 secret-changed"]);
    }
}
