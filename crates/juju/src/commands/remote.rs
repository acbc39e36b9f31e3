//! `ssh`: commands in units and machines, with the person's own descriptors.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use camino::Utf8PathBuf;

use super::{Context, failed};
use crate::hosting::{Ended, Exec, Host};
use crate::session::{CommandError, CommandResult};

/// What people find on `PATH` in a machine.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/snap/bin";

/// A place that a person wants to be in.
pub(super) struct There {
    pub(super) place: Arc<dyn Host>,
    pub(super) is_kubernetes: bool,
    pub(super) cwd: Utf8PathBuf,
    pub(super) user: Option<String>,
    pub(super) env: BTreeMap<String, String>,
}

/// Finds what `[user@]target` means: a unit, a leader, a machine; in a pod, one of its containers.
pub(super) fn find(
    context: &Context<'_>,
    uuid: &str,
    target: &str,
    container: Option<&str>,
) -> Result<There, CommandError> {
    let (user, name) =
        target.split_once('@').map_or((None, target), |(user, name)| (Some(user.to_owned()), name));
    let (is_kubernetes, what, containers) = context.look(uuid, |model| {
        if name.parse::<u32>().is_ok() {
            let number: u32 = name.parse().unwrap_or_default();
            if model.is_kubernetes() || !model.machines.contains_key(&number) {
                return Err(CommandError::failed(format!("machine {name} not found")));
            }
            return Ok((false, format!("machine {name}"), Vec::new()));
        }
        let unit = super::units::unit(model, name)?;
        let application = model.applications.get(charmproof_agent::state::application_of(&unit));
        let containers: Vec<String> = application
            .and_then(|application| application.metadata.as_ref())
            .map(|metadata| metadata.containers.iter().map(|container| container.name.clone()).collect())
            .unwrap_or_default();
        Ok(match model.units.get(&unit).and_then(|unit| unit.machine.clone()) {
            Some(machine) => (false, format!("machine {machine}"), Vec::new()),
            None => (true, unit.to_string(), containers),
        })
    })?;
    let what = match container.filter(|container| *container != "charm") {
        Some(container) if is_kubernetes => {
            if !containers.iter().any(|known| known == container) {
                let known: Vec<&str> =
                    std::iter::once("charm").chain(containers.iter().map(String::as_str)).collect();
                return Err(CommandError::failed(format!(
                    "container \"{container}\" must be one of {}",
                    known.join(", ")
                )));
            }
            format!("{what} {container}")
        }
        Some(_) | None => what,
    };
    let place = context.controller.place(&(uuid.to_owned(), what.clone()));
    let place = place.ok_or_else(|| {
        CommandError::failed(format!("opening a connection to {name}: it is not running yet"))
    })?;
    let image = place.image();
    let in_workload = is_kubernetes && what.contains(' ');
    let cwd = match (is_kubernetes, in_workload) {
        (true, true) => image.work_dir.clone().unwrap_or_else(|| "/".into()),
        (true, false) => "/var/lib/juju".into(),
        (false, _) => "/".into(),
    };
    let mut env = image.env.clone();
    if let Some((_, container)) = what.split_once(' ').filter(|_| in_workload) {
        env.extend(crate::workload::variables(container));
    }
    env.entry("PATH".to_owned()).or_insert_with(|| PATH.to_owned());
    env.insert("HOME".to_owned(), "/root".to_owned());
    for name in ["TERM", "LANG"] {
        if let Some(value) = context.session.env.get(name) {
            env.insert(name.to_owned(), value.clone());
        }
    }
    let user = if is_kubernetes {
        image.user.clone().filter(|_| in_workload)
    } else {
        user.filter(|user| user != "ubuntu" && user != "root")
    };
    Ok(There { place, is_kubernetes, cwd, user, env })
}

/// `ssh`
pub(super) fn ssh(context: &mut Context<'_>) -> CommandResult {
    let uuid = context.model()?;
    let target = context.word(0).to_owned();
    let container =
        context.parsed.text("container").filter(|container| !container.is_empty()).map(str::to_owned);
    let there = find(context, &uuid, &target, container.as_deref())?;
    let words = without_ssh_options(&context.parsed.positionals[1..]);
    let command = words.join(" ");
    let argv = if command.is_empty() {
        vec!["/bin/sh".to_owned(), "-i".to_owned()]
    } else {
        vec!["/bin/sh".to_owned(), "-c".to_owned(), command]
    };
    let code = run(context, &there, argv)?;
    if code == 0 {
        return Ok(());
    }
    if there.is_kubernetes {
        return Err(CommandError::failed(format!("command terminated with exit code {code}")));
    }
    Err(CommandError::Silent(code))
}

/// Leaves out what is for the program `ssh`, before the command.
fn without_ssh_options(words: &[String]) -> &[String] {
    const WITH_VALUE: &str = "BbcDEeFIiJLlmOopQRSWw";
    let mut rest = words;
    while let [first, ..] = rest {
        let Some(option) = first.strip_prefix('-').filter(|option| !option.is_empty()) else { break };
        if option == "-" {
            return &rest[1..];
        }
        let takes_value = option.len() == 1 && WITH_VALUE.contains(option);
        rest = &rest[if takes_value { 2.min(rest.len()) } else { 1 }..];
    }
    rest
}

/// Runs a command with the descriptors of the person, and returns its exit code.
pub(super) fn run(context: &mut Context<'_>, there: &There, argv: Vec<String>) -> Result<i32, CommandError> {
    let stdio = context.session.descriptors().map_err(failed)?;
    let exec = Exec { argv, env: there.env.clone(), cwd: there.cwd.clone(), user: there.user.clone(), stdio };
    let process = there.place.exec(exec).map_err(failed)?;
    loop {
        if let Some(ended) = process.wait_for(Duration::from_millis(100)) {
            return Ok(match ended {
                Ended::Code(code) => code,
                Ended::Signal(_) | Ended::PlaceGone => ended.code(),
            });
        }
        if context.session.attention.is_over() || context.controller.is_ending() {
            process.kill();
            return Err(CommandError::Silent(130));
        }
    }
}
