//! `charmproof validate`: whether Juju could have run a sequence of hooks.
//!
//! The input is read as it comes, and of what was read only a few lines are kept, so a log
//! may be longer than memory.

mod charm;
mod court;
pub(crate) mod input;
mod report;
mod trial;

use charmproof_lifecycle::rules::{Settings, Start};
use charmproof_lifecycle::vocabulary::{JujuVersion, Platform};

use self::court::Court;
use self::report::Printer;
use crate::args::{Begins, Colour, OnPlatform, ValidateArgs, ValidateFormat};
use crate::error::{Exit, Failure};
use crate::output;

pub(crate) fn run(args: &ValidateArgs, colour: Colour) -> Result<Exit, Failure> {
    let settings = settings(args)?;
    let mut input = input::Input::open(&args.file)?;
    let printer = match args.format {
        ValidateFormat::Text => Printer::Text { terminal: output::terminal(colour), place: input.place() },
        ValidateFormat::Json => Printer::Json { place: input.place() },
    };
    let mut court = Court::new(settings, args.begins, printer);
    input.read(&mut court)?;
    if court.count() == 0 {
        return Err(input.no_hooks(&args.file));
    }
    Ok(if court.is_valid() { Exit::Fine } else { Exit::Regressed })
}

/// Returns what the command line says about the sequence.
fn settings(args: &ValidateArgs) -> Result<Settings, Failure> {
    let version = match &args.juju {
        Some(text) => Some(JujuVersion::parse(text).ok_or_else(|| {
            Failure::usage(format!("`{text}` is no Juju that charmproof knows"))
                .hint("from 2.9 on, as in `--juju 3.6`")
        })?),
        None => None,
    };
    let charm = args.charm.as_deref().map(charm::read).transpose()?;
    let platform = match (args.platform, &charm) {
        (Some(OnPlatform::Machine), _) => Some(Platform::Machine),
        (Some(OnPlatform::K8s), _) => Some(Platform::Kubernetes),
        (None, Some((_, platform))) => *platform,
        (None, None) => None,
    };
    let start = match args.begins {
        Some(Begins::Deployment) => Start::Deployment,
        Some(Begins::Anywhere) | None => Start::Unknown,
    };
    let peers = (!args.peer.is_empty()).then(|| args.peer.iter().cloned().collect());
    Ok(Settings {
        version,
        platform,
        start,
        unit: args.unit.clone(),
        peers,
        charm: charm.map(|(charm, _)| charm),
        ..Settings::default()
    })
}
