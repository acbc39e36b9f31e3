//! Example charms, ready to be run with each runner, and what their lives are like.

use camino::{Utf8Path, Utf8PathBuf};
use charmproof_agent::state::Juju;
use charmproof_charm::DiskTree;
use charmproof_charm::metadata::CharmMetadata;
use charmproof_fuzz::ready::{HookTools, Ingredients, make_ready};
use charmproof_fuzz::search::Subject;
use charmproof_lifecycle::generator::Plan;
use charmproof_lifecycle::life::{Integration, Stage};
use charmproof_lifecycle::vocabulary::{JujuVersion, Name};
use charmproof_lifecycle::world::{Charm, Profile, Role};

use super::workshop::{Workshop, platform};

const EXAMPLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples");

/// Returns a path below the examples.
pub(crate) fn example(path: &str) -> Utf8PathBuf {
    Utf8Path::new(EXAMPLES).join(path).canonicalize_utf8().unwrap()
}

/// Makes a folder, with a name of its own, and its files.
pub(crate) fn folder_with(workshop: &Workshop, name: &str, files: &[(&str, &str)]) -> Utf8PathBuf {
    let folder = workshop.root().join(name);
    for (path, text) in files {
        let path = folder.join(path);
        fs_err::create_dir_all(path.parent().unwrap()).unwrap();
        fs_err::write(path, text).unwrap();
    }
    folder
}

/// Makes what a charm needs to be run, below a folder of its own called `name`.
pub(crate) fn subject(
    workshop: &Workshop,
    name: &str,
    charm: &Utf8Path,
    preload: Option<&Utf8Path>,
) -> Subject {
    let work = workshop.root().join(name);
    let metadata = CharmMetadata::read(&DiskTree::open(charm).unwrap());
    let application: Name = metadata.name.as_ref().map_or("app", |name| name.as_str()).into();
    let mut subject = make_ready(&Ingredients {
        launcher: workshop.launcher(),
        folder: charm,
        application: &application,
        environment: &workshop.environment(charm),
        work: &work,
        name: "c",
        tools: &HookTools::lay_out(&work, &Juju::of_line(JujuVersion::V3_6, platform(&metadata))).unwrap(),
    })
    .unwrap();
    subject.interpreter.preload = preload.map(Utf8Path::to_owned);
    subject.interpreter.counts_lines = true;
    subject
}

/// Returns what lives of a charm are like: with each of its endpoints integrated once, and with
/// so many things that happen.
pub(crate) fn plan(subject: &Subject, stimuli: u32) -> Plan {
    let profile = Profile { version: JujuVersion::V3_6, platform: platform(&subject.metadata) };
    let charm = Charm::from(&*subject.metadata);
    let others = charm.endpoints.iter().filter(|endpoint| endpoint.role != Role::Peer);
    let integrations = others.map(|endpoint| Integration {
        application: subject.application.clone(),
        endpoint: endpoint.name.clone(),
        remote_app: format!("{}-app", endpoint.name).into(),
        remote_endpoint: None,
    });
    let integrations = integrations.collect();
    let mut plan = Plan::new(Stage::new(profile, subject.application.clone(), charm));
    plan.stimuli = stimuli;
    plan.with_failures = false;
    plan.integrations = integrations;
    plan
}
