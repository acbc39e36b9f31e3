//! The charms of a simulation, from folders, a file, or the command line.

use std::collections::BTreeSet;
use std::sync::Arc;

use camino::Utf8Path;
use charmproof_charm::DiskTree;
use charmproof_charm::metadata::{CharmMetadata, CharmTexts, Substrate};
use charmproof_charm::spelling::nearest;
use charmproof_lifecycle::generator::Integration;
use charmproof_lifecycle::life::{Deployment, Stage};
use charmproof_lifecycle::vocabulary::{JujuVersion, Platform};
use charmproof_lifecycle::world::{Charm, Profile, Role, StorageKind};

use crate::args::{OnPlatform, SimulateArgs};
use crate::error::{Exit, Failure};
use crate::output;

/// How large a file that declares a charm may be.
const SPEC_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// Reads where the lives take place, and what is integrated from the beginning.
pub(super) fn read(args: &SimulateArgs) -> Result<(Stage, Vec<Integration>), Failure> {
    let version = JujuVersion::parse(&args.juju).ok_or_else(|| {
        Failure::usage(format!("`{}` is no Juju that charmproof knows", args.juju))
            .hint("from 2.9 on, as in `--juju 3.6`")
    })?;
    let (application, charm, charm_platform) = charm(args)?;
    let platform = match args.platform {
        Some(OnPlatform::Machine) if !args.container.is_empty() => {
            return Err(Failure::usage("`--platform machine` and `--container` contradict each other")
                .hint("only pods have workload containers"));
        }
        Some(OnPlatform::Machine) => Platform::Machine,
        Some(OnPlatform::K8s) => Platform::Kubernetes,
        None => charm_platform,
    };
    let mut integrations: Vec<Integration> = args
        .relation
        .iter()
        .map(|endpoint| Integration {
            application: application.as_str().into(),
            endpoint: endpoint.as_str().into(),
            remote_app: format!("{endpoint}-app").into(),
            remote_endpoint: None,
        })
        .collect();
    let units = args.units;
    let mut stage = Stage::new(Profile { version, platform }, application, charm);
    stage.has_quirks = args.quirks;
    stage.deployments[0].units = units;
    for folder in &args.with {
        let (name, charm, _) = from_folder(folder)?;
        if stage.deployments.iter().any(|deployment| deployment.application == name) {
            return Err(Failure::usage(format!("two of the charms are called `{name}`")));
        }
        stage.deployments.push(Deployment { application: name.into(), charm: Arc::new(charm), units: 1 });
    }
    for pair in args.integrate.chunks(2) {
        integrations.push(integration(&stage, pair)?);
    }
    Ok((stage, integrations))
}

/// Reads the charm that the lives are about, with its name and where it usually runs.
fn charm(args: &SimulateArgs) -> Result<(String, Charm, Platform), Failure> {
    let (name, mut charm, platform) = match (&args.charm, &args.spec) {
        (Some(folder), _) => from_folder(folder)?,
        (None, Some(file)) => from_file(file)?,
        (None, None) => {
            let described = [
                &args.relation,
                &args.potential_relation,
                &args.peer,
                &args.storage,
                &args.potential_storage,
                &args.container,
            ];
            if described.iter().all(|names| names.is_empty()) {
                return Err(Failure::usage("there is no charm to simulate").hint(
                    "give the folder of one, as in `charmproof simulate .`, or describe one with --relation, \
                     --peer, --storage and --container",
                ));
            }
            ("charm".to_owned(), Charm::default(), Platform::Machine)
        }
    };
    let mut taken: BTreeSet<String> = charm
        .endpoints
        .iter()
        .map(|endpoint| &endpoint.name)
        .chain(charm.storages.iter().map(|storage| &storage.name))
        .chain(&charm.containers)
        .map(ToString::to_string)
        .collect();
    let mut new = |names: &[String], option: &str| -> Result<Vec<String>, Failure> {
        for name in names {
            if !is_name(name) {
                return Err(Failure::usage(format!("`{option} {name}`: this is no name of Juju"))
                    .hint("lower-case letters, digits and dashes are, beginning with a letter"));
            }
            if !taken.insert(name.clone()) {
                return Err(Failure::usage(format!("`{option} {name}`: `{name}` is declared twice")));
            }
        }
        Ok(names.to_vec())
    };
    // A peer relation is there from the beginning, so none can come later.
    if let Some(name) = args.potential_relation.iter().find(|name| args.peer.contains(name)) {
        return Err(Failure::usage(format!("`{name}` cannot be a peer and a potential relation"))
            .hint("peers are related from the deployment on; leave out `--potential-relation`"));
    }
    let declared = &charm.endpoints;
    if let Some(name) =
        args.relation.iter().find(|name| declared.iter().any(|endpoint| endpoint.name == name.as_str()))
        && args.charm.is_none()
    {
        return Err(Failure::usage(format!("`--relation {name}`: `{name}` is declared twice")));
    }
    // Of a charm with files, `--relation` names an endpoint that it has.
    let has_files = args.charm.is_some() || args.spec.is_some();
    if has_files {
        for name in &args.relation {
            is_endpoint(&charm, name)?;
        }
    } else {
        for name in new(&args.relation, "--relation")? {
            charm = charm.with_endpoint(Role::Requires, &name);
        }
    }
    for name in new(&args.potential_relation, "--potential-relation")? {
        charm = charm.with_endpoint(Role::Requires, &name);
    }
    for name in new(&args.peer, "--peer")? {
        charm = charm.with_endpoint(Role::Peer, &name);
    }
    for name in new(&args.storage, "--storage")? {
        charm = charm.with_storage(&name);
    }
    for name in new(&args.potential_storage, "--potential-storage")? {
        charm.storages.push(StorageKind { name: name.into(), minimum: 0, maximum: None });
    }
    for name in new(&args.container, "--container")? {
        charm = charm.with_container(&name);
    }
    let platform = if charm.containers.is_empty() { platform } else { Platform::Kubernetes };
    Ok((name, charm, platform))
}

/// Whether the charm has the endpoint, and it is no peer.
fn is_endpoint(charm: &Charm, name: &str) -> Result<(), Failure> {
    match charm.endpoint(name) {
        Some(endpoint) if endpoint.role == Role::Peer => Err(Failure::usage(format!(
            "`{name}` is a peer endpoint, which is related from the deployment on"
        ))),
        Some(_) => Ok(()),
        None => {
            let known: Vec<&str> = charm.endpoints.iter().map(|endpoint| endpoint.name.as_str()).collect();
            let what = format!("the charm has no endpoint `{name}`");
            Err(match nearest(name, known.iter().copied()) {
                Some(meant) => Failure::usage(what).hint(format!("it has `{meant}`")),
                None if known.is_empty() => Failure::usage(what).hint("it declares none"),
                None => Failure::usage(what).hint(format!("it has {}", known.join(", "))),
            })
        }
    }
}

fn from_folder(folder: &Utf8Path) -> Result<(String, Charm, Platform), Failure> {
    let tree = DiskTree::open(folder).map_err(|error| {
        Failure::of(&format!("the charm `{folder}` cannot be read"), &error).exit(Exit::Usage)
    })?;
    of_metadata(folder, &CharmMetadata::read(&tree))
}

fn from_file(file: &Utf8Path) -> Result<(String, Charm, Platform), Failure> {
    let cannot_read = |error: &std::io::Error| {
        Failure::of(&format!("the charm `{file}` cannot be read"), error).exit(Exit::Usage)
    };
    let size = fs_err::metadata(file).map_err(|error| cannot_read(&error))?.len();
    if size > SPEC_BYTES_MAX {
        return Err(Failure::usage(format!("`{file}` is too large to declare a charm")));
    }
    let text = fs_err::read_to_string(file).map_err(|error| cannot_read(&error))?;
    let is_charmcraft = file.file_name() == Some("charmcraft.yaml");
    let texts = if is_charmcraft {
        CharmTexts { charmcraft: Some(&text), ..CharmTexts::default() }
    } else {
        CharmTexts { metadata: Some(&text), ..CharmTexts::default() }
    };
    of_metadata(file, &CharmMetadata::parse(texts))
}

/// Takes what a charm declares. What Juju would refuse is an error here as well.
fn of_metadata(place: &Utf8Path, declared: &CharmMetadata) -> Result<(String, Charm, Platform), Failure> {
    let errors: Vec<String> = declared.errors().map(|note| format!("{note:#}")).collect();
    if !errors.is_empty() {
        return Err(Failure::usage(format!(
            "the charm `{place}` cannot be deployed:\n{}",
            errors.join("\n")
        )));
    }
    if !declared.is_complete() {
        output::say(&format!(
            "warning: not all that the charm `{place}` declares is known, so its lives may lack some of it"
        ));
    }
    let platform = match declared.substrate() {
        Substrate::Kubernetes => Platform::Kubernetes,
        Substrate::Machine => Platform::Machine,
    };
    let name = declared.name.as_ref().map_or_else(|| "charm".to_owned(), |name| name.as_str().to_owned());
    Ok((name, Charm::from(declared), platform))
}

/// Reads two words such as `app:db pg:database`.
fn integration(stage: &Stage, pair: &[String]) -> Result<Integration, Failure> {
    let end = |word: &str| -> Result<(Deployment, String), Failure> {
        let (application, endpoint) = word.split_once(':').ok_or_else(|| {
            Failure::usage(format!("`--integrate {word}`: this names no endpoint"))
                .hint("write APPLICATION:ENDPOINT, as in `--integrate app:db pg:database`")
        })?;
        let known = || stage.deployments.iter().map(|deployment| deployment.application.as_str());
        let found = stage.deployments.iter().find(|deployment| deployment.application == application);
        let deployment = found.ok_or_else(|| {
            let all: Vec<&str> = known().collect();
            Failure::usage(format!("there is no application `{application}`"))
                .hint(format!("there is {}; `--with` adds others", all.join(", ")))
        })?;
        is_endpoint(&deployment.charm, endpoint)?;
        Ok((deployment.clone(), endpoint.to_owned()))
    };
    let [one, other] = pair else {
        return Err(Failure::usage("`--integrate` takes two endpoints"));
    };
    let (near, endpoint) = end(one)?;
    let (far, remote_endpoint) = end(other)?;
    let (Some(this), Some(that)) = (near.charm.endpoint(&endpoint), far.charm.endpoint(&remote_endpoint))
    else {
        return Err(Failure::usage(format!("`{one}` and `{other}` cannot be integrated")));
    };
    let roles = (this.role, that.role);
    if !matches!(roles, (Role::Provides, Role::Requires) | (Role::Requires, Role::Provides)) {
        return Err(Failure::usage(format!("`{one}` and `{other}` cannot be integrated"))
            .hint("one has to provide what the other requires"));
    }
    if this.interface != that.interface {
        return Err(Failure::usage(format!("`{one}` and `{other}` cannot be integrated")).hint(format!(
            "the first is of interface `{}`, the second of `{}`",
            this.interface, that.interface
        )));
    }
    if near.application == far.application {
        return Err(Failure::usage(format!("`{one}` and `{other}` are of the same application")));
    }
    Ok(Integration {
        application: near.application,
        endpoint: endpoint.into(),
        remote_app: far.application,
        remote_endpoint: Some(remote_endpoint.into()),
    })
}

/// Whether it is a name as Juju takes it for endpoints, storages and containers.
fn is_name(text: &str) -> bool {
    text.starts_with(|character: char| character.is_ascii_lowercase())
        && text.ends_with(|character: char| character.is_ascii_lowercase() || character.is_ascii_digit())
        && text.chars().all(|character| {
            character.is_ascii_lowercase() || character.is_ascii_digit() || matches!(character, '-' | '_')
        })
}
