//! The charms that lives are about, from folders, a file, or the command line.

use std::sync::Arc;

use camino::{Utf8Path, Utf8PathBuf};
use charmproof_lifecycle::life::{Deployment, Integration, Stage};
use charmproof_lifecycle::vocabulary::Platform;
use charmproof_lifecycle::world::{Profile, Role};

use crate::args::{DescribedCharm, OnPlatform};
use crate::commands::charm::{self, Given};
use crate::error::Failure;

/// Where lives take place, as a command was asked for it.
pub(crate) struct AskedStage<'a> {
    /// The folder of the charm.
    pub(crate) folder: Option<&'a Utf8Path>,
    /// A file that declares it.
    pub(crate) file: Option<&'a Utf8Path>,
    /// What the command line says of it.
    pub(crate) described: &'a DescribedCharm,
    /// The version of Juju.
    pub(crate) juju: &'a str,
    /// What the units run on, if that is not up to the charm.
    pub(crate) platform: Option<OnPlatform>,
    /// How many units are deployed.
    pub(crate) units: u32,
    /// Whether Juju also does what it does by mistake.
    pub(crate) quirks: bool,
    /// The folders of other charms.
    pub(crate) with: &'a [Utf8PathBuf],
    /// Pairs of endpoints.
    pub(crate) integrate: &'a [String],
}

/// Reads where the lives take place, and what is integrated from the beginning.
pub(crate) fn read(args: &AskedStage<'_>) -> Result<(Stage, Vec<Integration>), Failure> {
    let version = charm::version(args.juju)?;
    let given = Given { folder: args.folder, file: args.file, described: args.described };
    let (application, charm, charm_platform) = given.read()?;
    let platform = match args.platform {
        Some(OnPlatform::Machine) if !args.described.container.is_empty() => {
            return Err(Failure::usage("`--platform machine` and `--container` contradict each other")
                .hint("only pods have workload containers"));
        }
        Some(OnPlatform::Machine) => Platform::Machine,
        Some(OnPlatform::K8s) => Platform::Kubernetes,
        None => charm_platform,
    };
    let mut integrations: Vec<Integration> = args
        .described
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
    for folder in args.with {
        let (name, charm, _) = charm::from_folder(folder)?;
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
        charm::is_endpoint(&deployment.charm, endpoint)?;
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
