//! The sequences that people ask for, written out.

use charmproof_lifecycle::machine::{Effect, Event, IllegalEvent, step};
use charmproof_lifecycle::stimulus::Stimulus;
use charmproof_lifecycle::vocabulary::{JujuVersion, Name, Outcome, Platform, Remote};
use charmproof_lifecycle::world::{Charm, Life, Profile, Role, World};

/// A unit, and somebody who pokes it.
struct Unit {
    world: World,
}

impl Unit {
    fn new(platform: Platform, charm: Charm) -> Self {
        Self::of(JujuVersion::V3_6, platform, charm)
    }

    fn of(version: JujuVersion, platform: Platform, charm: Charm) -> Self {
        Self { world: World::new(Profile { version, platform }, charm, "app/0").with_quirks() }
    }

    /// Pokes the unit and says which hooks are cut off by that.
    fn poke(&mut self, stimulus: Stimulus) -> Vec<Effect> {
        step(&mut self.world, Event::Stimulus(stimulus)).expect("a stimulus that is possible")
    }

    /// Begins the next hook and returns it as a word, if there is one.
    fn begin(&mut self) -> Option<String> {
        let effects = step(&mut self.world, Event::Resolve { choice: 0 }).expect("no hook runs");
        effects.into_iter().find_map(|effect| match effect {
            Effect::Begin(hook) => Some(match &hook.remote {
                Remote::Unit(unit) => format!("{}@{unit}", hook.name()),
                Remote::Unknown | Remote::Application => hook.name(),
            }),
            Effect::Ended { .. } | Effect::Mark(_) | Effect::AgentExited | Effect::UnitDied => None,
        })
    }

    fn end(&mut self, outcome: Outcome) {
        step(&mut self.world, Event::HookEnds { outcome }).expect("a hook runs");
    }

    /// Runs hooks, all of which succeed, until there is nothing to do.
    fn run(&mut self) -> String {
        let mut words = Vec::new();
        while let Some(word) = self.begin() {
            words.push(word);
            self.end(Outcome::Ok);
        }
        words.join(" ")
    }

    /// Checks which hooks run until there is nothing to do.
    #[track_caller]
    fn runs(&mut self, expected: &str) {
        assert_eq!(self.run(), expected);
    }

    /// Checks what the next hook is, and lets it fail.
    #[track_caller]
    fn fails(&mut self, expected: &str) {
        assert_eq!(self.begin().as_deref(), Some(expected));
        self.end(Outcome::Failed);
    }
}

fn deploy(leads: bool) -> Stimulus {
    Stimulus::Deploy { leads, first_relation: 0, first_storage: 0 }
}

fn integrate(relation: u32, endpoint: &str, remote_app: &str) -> Stimulus {
    Stimulus::Integrate {
        relation,
        endpoint: endpoint.into(),
        remote_app: remote_app.into(),
        remote_endpoint: None,
    }
}

fn joins(relation: u32, unit: &str) -> Stimulus {
    Stimulus::RemoteUnitJoins { relation, unit: unit.into() }
}

/// A charm with a peer relation, number 0, and an endpoint for a database.
fn charm() -> Charm {
    Charm::default().with_endpoint(Role::Peer, "peers").with_endpoint(Role::Requires, "db")
}

/// Returns a leader that has started.
fn started(platform: Platform, charm: Charm) -> Unit {
    let mut unit = Unit::new(platform, charm);
    unit.poke(deploy(true));
    unit.run();
    assert!(unit.world.has_started());
    unit
}

#[test]
fn initial_hooks_on_a_machine() {
    let mut unit = Unit::new(Platform::Machine, charm().with_storage("data"));
    unit.poke(deploy(true));
    unit.runs("data-storage-attached install peers-relation-created leader-elected config-changed start");
}

#[test]
fn initial_hooks_on_kubernetes() {
    let mut unit = Unit::new(Platform::Kubernetes, charm().with_storage("data").with_container("web"));
    unit.poke(deploy(true));
    unit.runs(
        "install peers-relation-created leader-elected web-pebble-ready data-storage-attached \
         config-changed start",
    );
}

#[test]
fn initial_hooks_of_a_unit_that_does_not_lead() {
    let mut unit = Unit::of(JujuVersion::V3_6, Platform::Machine, Charm::default());
    unit.poke(deploy(false));
    unit.runs("install leader-settings-changed config-changed start");
    let mut unit = Unit::of(JujuVersion::V4_0, Platform::Machine, Charm::default());
    unit.poke(deploy(false));
    unit.runs("install config-changed start");
}

#[test]
fn an_integration_before_install_is_created_first() {
    let mut unit = Unit::new(Platform::Machine, charm());
    unit.poke(deploy(true));
    unit.poke(integrate(1, "db", "pg"));
    unit.poke(joins(1, "pg/0"));
    unit.runs(
        "install peers-relation-created db-relation-created leader-elected config-changed start \
         db-relation-joined@pg/0 db-relation-changed@pg/0",
    );
}

#[test]
fn scale_up_of_the_remote_application_goes_by_the_letter() {
    let mut unit = started(Platform::Machine, charm());
    unit.poke(integrate(1, "db", "pg"));
    unit.poke(joins(1, "pg/2"));
    unit.poke(joins(1, "pg/10"));
    unit.poke(Stimulus::RemoteAppWrites { relation: 1 });
    unit.runs(
        "db-relation-created db-relation-changed db-relation-joined@pg/10 db-relation-changed@pg/10 \
         db-relation-joined@pg/2 db-relation-changed@pg/2",
    );
}

#[test]
fn scale_down_of_the_remote_application() {
    let mut unit = started(Platform::Machine, charm());
    unit.poke(integrate(1, "db", "pg"));
    unit.poke(joins(1, "pg/0"));
    unit.poke(joins(1, "pg/1"));
    unit.run();
    unit.poke(Stimulus::RemoteUnitLeaves { relation: 1, unit: "pg/1".into() });
    unit.runs("db-relation-departed@pg/1");
    unit.poke(Stimulus::RemoveRelation { relation: 1 });
    unit.runs("db-relation-departed@pg/0 db-relation-broken");
}

#[test]
fn scale_up_of_this_application() {
    let mut unit = started(Platform::Machine, charm());
    unit.poke(joins(0, "app/1"));
    unit.runs("peers-relation-joined@app/1 peers-relation-changed@app/1");
}

#[test]
fn a_unit_that_joined_has_its_changed_even_when_the_relation_goes() {
    let mut unit = started(Platform::Machine, charm());
    unit.poke(integrate(1, "db", "pg"));
    unit.poke(joins(1, "pg/0"));
    for _ in 0..2 {
        unit.begin().expect("created, and then joined");
        unit.end(Outcome::Ok);
    }
    unit.poke(Stimulus::RemoveRelation { relation: 1 });
    unit.runs("db-relation-changed@pg/0 db-relation-departed@pg/0 db-relation-broken");
}

#[test]
fn an_upgrade_has_no_start() {
    let mut unit = started(Platform::Machine, charm());
    unit.poke(Stimulus::Refresh { forced: false });
    unit.runs("upgrade-charm config-changed");
}

#[test]
fn an_upgrade_waits_for_a_failed_hook() {
    let mut unit = started(Platform::Machine, charm());
    unit.poke(Stimulus::ConfigChanges);
    unit.fails("config-changed");
    unit.poke(Stimulus::Refresh { forced: false });
    unit.runs("");
    unit.poke(Stimulus::Retry);
    unit.runs("config-changed upgrade-charm config-changed");
}

#[test]
fn pod_churn() {
    let mut unit = started(Platform::Kubernetes, charm().with_container("web"));
    unit.poke(Stimulus::PodTerminated);
    unit.runs("stop");
    assert!(!unit.world.has_agent());
    unit.poke(Stimulus::PodStarted);
    unit.runs("upgrade-charm config-changed start web-pebble-ready");
}

#[test]
fn a_container_that_restarts_in_the_same_pod() {
    let mut unit = started(Platform::Kubernetes, charm().with_container("web"));
    unit.poke(Stimulus::AgentRestarts);
    unit.runs("start web-pebble-ready");
    unit.poke(Stimulus::ContainerRestarts { container: "web".into() });
    unit.runs("web-pebble-ready");
}

#[test]
fn a_new_agent_hears_all_notices_again() {
    let mut unit = started(Platform::Kubernetes, charm().with_container("web"));
    let (container, key) = (Name::from("web"), Name::from("example.com/done"));
    unit.poke(Stimulus::CustomNotice { container: container.clone(), key });
    unit.runs("web-pebble-custom-notice");
    unit.poke(Stimulus::AgentRestarts);
    unit.runs("start web-pebble-ready web-pebble-custom-notice");
    unit.poke(Stimulus::ContainerRestarts { container });
    unit.poke(Stimulus::AgentRestarts);
    unit.runs("start web-pebble-ready");
}

#[test]
fn a_reboot() {
    let mut unit = started(Platform::Machine, charm());
    unit.poke(Stimulus::AgentRestarts);
    unit.runs("");
    unit.poke(Stimulus::MachineReboots);
    unit.runs("start");
}

#[test]
fn a_reboot_in_the_middle_of_a_hook() {
    let mut unit = started(Platform::Machine, charm());
    unit.poke(Stimulus::ConfigChanges);
    assert_eq!(unit.begin().as_deref(), Some("config-changed"));
    unit.poke(Stimulus::MachineReboots);
    unit.runs("config-changed start");
}

#[test]
fn a_change_of_leader() {
    let mut unit = started(Platform::Machine, charm());
    unit.poke(Stimulus::LeadershipLost);
    unit.runs("leader-settings-changed");
    unit.poke(Stimulus::LeadershipGained);
    unit.runs("leader-elected");
}

#[test]
fn a_failed_install_is_retried_and_may_be_resolved() {
    let mut unit = Unit::new(Platform::Machine, charm().with_action("backup"));
    unit.poke(deploy(true));
    unit.fails("install");
    unit.poke(Stimulus::ActionRuns { action: "backup".into() });
    unit.runs("backup-action");
    unit.poke(Stimulus::TimePasses);
    unit.fails("install");
    unit.poke(Stimulus::ResolveWithoutRetry);
    unit.runs("peers-relation-created leader-elected config-changed start");
}

#[test]
fn teardown_with_storage_and_relations() {
    let mut unit = started(Platform::Machine, charm().with_storage("data"));
    unit.poke(integrate(1, "db", "pg"));
    unit.poke(joins(1, "pg/0"));
    unit.poke(joins(0, "app/1"));
    unit.run();
    unit.poke(Stimulus::RemoveUnit);
    unit.runs(
        "data-storage-detaching db-relation-departed@pg/0 db-relation-broken \
         peers-relation-departed@app/1 stop remove",
    );
    assert_eq!(unit.world.life(), Life::Dead);
}

#[test]
fn teardown_before_install() {
    let mut unit = Unit::new(Platform::Machine, charm().with_storage("data"));
    unit.poke(deploy(true));
    unit.poke(Stimulus::RemoveUnit);
    unit.runs("");
    assert_eq!(unit.world.life(), Life::Dead);
}

#[test]
fn a_series_upgrade_pauses_the_unit() {
    let mut unit = started(Platform::Machine, charm());
    unit.poke(Stimulus::SeriesUpgradePrepared);
    unit.runs("pre-series-upgrade");
    unit.poke(Stimulus::ConfigChanges);
    unit.poke(Stimulus::MachineReboots);
    unit.runs("");
    unit.poke(Stimulus::SeriesUpgradeCompleted);
    unit.runs("post-series-upgrade start config-changed");
}

#[test]
fn secrets_are_told_by_their_urgency() {
    use charmproof_lifecycle::world::SecretOwner;
    let mut unit = started(Platform::Machine, charm());
    let own = || Name::from("secret:own");
    let other = || Name::from("secret:other");
    unit.poke(Stimulus::SecretAdded { secret_id: own(), owner: SecretOwner::Application });
    unit.poke(Stimulus::SecretAdded { secret_id: other(), owner: SecretOwner::Remote });
    for secret_id in [own(), own(), other()] {
        unit.poke(Stimulus::SecretRevised { secret_id });
    }
    unit.poke(Stimulus::SecretUnused { secret_id: own(), revision: 1 });
    unit.poke(Stimulus::SecretRotationDue { secret_id: own() });
    unit.poke(Stimulus::SecretExpires { secret_id: own(), revision: 2 });
    unit.runs("secret-expired secret-rotate secret-changed secret-remove");
}

#[test]
fn update_status_is_the_last_thing_to_do() {
    let mut unit = started(Platform::Machine, charm());
    unit.poke(Stimulus::TimePasses);
    unit.runs("update-status");
    unit.poke(Stimulus::TimePasses);
    unit.poke(Stimulus::ConfigChanges);
    unit.runs("config-changed");
}

#[test]
fn what_is_impossible_is_refused_and_changes_nothing() {
    let check = |unit: &mut Unit, stimulus: Stimulus, expected: IllegalEvent| {
        let before = unit.world.clone();
        assert_eq!(step(&mut unit.world, Event::Stimulus(stimulus)), Err(expected));
        assert_eq!(unit.world, before);
    };
    let mut unit = Unit::new(Platform::Machine, charm());
    check(&mut unit, Stimulus::ConfigChanges, IllegalEvent::NotDeployed);
    let mut unit = started(Platform::Machine, charm());
    check(&mut unit, deploy(true), IllegalEvent::AlreadyDeployed);
    check(&mut unit, Stimulus::PodStarted, IllegalEvent::NotOnPlatform(Platform::Machine));
    check(&mut unit, Stimulus::Retry, IllegalEvent::NoHookFailed);
    check(&mut unit, integrate(1, "peers", "pg"), IllegalEvent::PeerRelation("peers".into()));
    check(&mut unit, Stimulus::LeadershipGained, IllegalEvent::NothingChanges);
    let nobody = IllegalEvent::Unknown { what: "remote unit", name: "app/0".into() };
    check(&mut unit, joins(0, "app/0"), nobody);
    unit.poke(Stimulus::RemoveUnit);
    check(&mut unit, Stimulus::Refresh { forced: false }, IllegalEvent::UnitDying);
    unit.run();
    check(&mut unit, Stimulus::ConfigChanges, IllegalEvent::UnitGone);
}
