//! `charmproof validate`: whether Juju could have run a sequence of hooks.
//!
//! The input is read as it comes, and of what was read only a few lines are kept, so a log
//! may be longer than memory.

mod input;
mod log;
mod trial;

use std::io::{BufRead, BufReader};

use charmproof_lifecycle::rules::{Settings, Start};
use charmproof_lifecycle::vocabulary::{JujuVersion, Platform};
use fs_err::File;

use self::trial::Trial;
use crate::args::{Begins, OnPlatform, ValidateArgs};
use crate::error::{Exit, Failure};
use crate::output;

pub(crate) fn run(args: &ValidateArgs) -> Result<Exit, Failure> {
    let settings = settings(args)?;
    let reader: Box<dyn BufRead> = if args.file == "-" {
        Box::new(BufReader::new(std::io::stdin().lock()))
    } else {
        let file = File::open(&args.file)
            .map_err(|error| Failure::of("the sequence cannot be read", &error).exit(Exit::Usage))?;
        Box::new(BufReader::new(file))
    };
    let mut is_valid = true;
    let mut sequences = 0_usize;
    input::read(reader, &settings, args.begins, &mut |trial: Trial| {
        sequences += 1;
        is_valid &= trial.is_valid();
        output::result(&trial.report());
    })?;
    if sequences == 0 {
        return Err(Failure::usage(format!("`{}` has no hooks", args.file))
            .hint("give the names of hooks, one a line, such as `install` or `db-relation-joined`"));
    }
    Ok(if is_valid { Exit::Fine } else { Exit::Regressed })
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
    let platform = args.platform.map(|platform| match platform {
        OnPlatform::Machine => Platform::Machine,
        OnPlatform::K8s => Platform::Kubernetes,
    });
    let start = match args.begins {
        Some(Begins::Deployment) => Start::Deployment,
        Some(Begins::Anywhere) | None => Start::Unknown,
    };
    let peers = (!args.peer.is_empty()).then(|| args.peer.iter().cloned().collect());
    Ok(Settings { version, platform, start, unit: args.unit.clone(), peers, ..Settings::default() })
}
