//! `ssh`: commands in units and machines, with the person's own descriptors.

use std::collections::BTreeMap;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;

use camino::Utf8PathBuf;

use super::{Context, failed};
use crate::hosting::{Ended, Exec, Host, LOGIN_USER};
use crate::session::{CommandError, CommandResult};
use crate::terminal::{self, Before};

/// What people find on `PATH` in a machine.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/snap/bin";

/// Does what `sshd` does: goes home, and runs a command with the user's own shell.
const AS_SSHD: &str = "cd \"$HOME\" 2>/dev/null; exec \"${SHELL:-/bin/sh}\" -c \"$1\"";
/// The same without a command.
const AS_SSHD_LOGIN: &str = "cd \"$HOME\" 2>/dev/null; exec \"${SHELL:-/bin/sh}\" -l";
/// The options of the program `ssh` that have a value.
const WITH_VALUE: &str = "BbcDEeFIiJLlmOopQRSWw";
/// What `ssh` ends with when it has lost the other side.
const CONNECTION_LOST: i32 = 255;

/// A place that a person wants to be in.
pub(super) struct There {
    pub(super) place: Arc<dyn Host>,
    pub(super) is_kubernetes: bool,
    pub(super) cwd: Utf8PathBuf,
    pub(super) user: Option<String>,
    pub(super) env: BTreeMap<String, String>,
}

impl There {
    /// Returns a command of whoever is there.
    pub(super) fn exec(&self, argv: Vec<String>, stdio: [OwnedFd; 3]) -> Exec {
        Exec { argv, env: self.env.clone(), cwd: self.cwd.clone(), user: self.user.clone(), stdio }
    }
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
        // The shell goes home from there, as it does after `sshd`.
        (false, _) => "/".into(),
    };
    let mut env = image.env.clone();
    if let Some((_, container)) = what.split_once(' ').filter(|_| in_workload) {
        env.extend(crate::workload::variables(container));
    }
    env.entry("PATH".to_owned()).or_insert_with(|| PATH.to_owned());
    let user = if is_kubernetes {
        image.user.clone().filter(|_| in_workload)
    } else {
        match user.as_deref() {
            None | Some(LOGIN_USER) => place.login_user(),
            Some(_) => user.filter(|user| user != "root"),
        }
    };
    if is_kubernetes || user.is_none() {
        env.insert("HOME".to_owned(), "/root".to_owned());
    }
    if !is_kubernetes && user.is_none() {
        // Anybody else has these from the machine's own files.
        for (name, value) in [("USER", "root"), ("LOGNAME", "root"), ("SHELL", "/bin/bash")] {
            env.insert(name.to_owned(), value.to_owned());
        }
    }
    for name in ["TERM", "LANG"] {
        if let Some(value) = context.session.env.get(name) {
            env.insert(name.to_owned(), value.clone());
        }
    }
    Ok(There { place, is_kubernetes, cwd, user, env })
}

/// `ssh`
pub(super) fn ssh(context: &mut Context<'_>) -> CommandResult {
    let uuid = context.model()?;
    let target = context.word(0).to_owned();
    let container =
        context.parsed.text("container").filter(|container| !container.is_empty()).map(str::to_owned);
    let there = find(context, &uuid, &target, container.as_deref())?;
    let (options, words) = ssh_options(&context.parsed.positionals[1..]);
    let command = words.join(" ");
    let argv = match (there.is_kubernetes, command.is_empty()) {
        (true, true) => vec!["/bin/sh"],
        (true, false) => vec!["/bin/sh", "-c", &command],
        (false, true) => vec!["/bin/sh", "-c", AS_SSHD_LOGIN],
        (false, false) => vec!["/bin/sh", "-c", AS_SSHD, "ssh", &command],
    };
    let argv = argv.into_iter().map(str::to_owned).collect();
    let is_typed = terminal::is_typed(context.session);
    let has_terminal = match context.parsed.switch("pty") {
        Some(wanted) => wanted,
        None => wants_terminal(options, is_typed),
    };
    let ended =
        if has_terminal { run_in_terminal(context, &there, argv)? } else { run(context, &there, argv)? };
    if ended == Ended::PlaceGone && !there.is_kubernetes {
        context.session.say(&format!("Connection to {target} closed by remote host."));
        return Err(CommandError::Silent(CONNECTION_LOST));
    }
    match ended.code() {
        0 => Ok(()),
        code if there.is_kubernetes => {
            Err(CommandError::failed(format!("command terminated with exit code {code}")))
        }
        code => Err(CommandError::Silent(code)),
    }
}

/// Whether a command has a terminal, as `ssh` decides it: Juju asks for one where it is typed in one.
fn wants_terminal(options: &[String], is_typed: bool) -> bool {
    let flags = |option: &String| {
        let letters =
            option.strip_prefix('-').filter(|letters| !letters.starts_with('-')).unwrap_or_default();
        // What is behind a letter with a value is that value.
        letters.chars().take_while(|letter| !WITH_VALUE.contains(*letter)).collect::<String>()
    };
    let letters: String = options.iter().map(flags).collect();
    match letters.matches('t').count() {
        _ if letters.contains('T') => false,
        0 | 1 => is_typed,
        _ => true,
    }
}

/// Parts what is for the program `ssh` from the command behind it.
fn ssh_options(words: &[String]) -> (&[String], &[String]) {
    let mut count = 0;
    while let Some(option) = words.get(count).and_then(|word| word.strip_prefix('-')) {
        if option.is_empty() {
            break;
        }
        if option == "-" {
            return (&words[..count], &words[count + 1..]);
        }
        let takes_value = option.len() == 1 && WITH_VALUE.contains(option);
        count = words.len().min(count + if takes_value { 2 } else { 1 });
    }
    words.split_at(count)
}

/// Runs a command with the descriptors of the person.
fn run(context: &mut Context<'_>, there: &There, argv: Vec<String>) -> Result<Ended, CommandError> {
    let stdio = context.session.descriptors().map_err(failed)?;
    let process = there.place.exec(there.exec(argv, stdio)).map_err(failed)?;
    loop {
        if let Some(ended) = process.wait_for(Duration::from_millis(100)) {
            return Ok(ended);
        }
        if context.session.attention.is_over() || context.controller.is_ending() {
            process.kill();
            return Err(CommandError::Silent(130));
        }
    }
}

/// Runs a command in a terminal of its own, which is where the person types meanwhile.
fn run_in_terminal(
    context: &mut Context<'_>,
    there: &There,
    argv: Vec<String>,
) -> Result<Ended, CommandError> {
    let session = &*context.session;
    let (watched, terminal) = there.place.open_terminal().map_err(failed)?;
    let before = Before::of(session);
    before.apply(&terminal);
    terminal::set_size(&watched, terminal::size(session));
    let copy = || terminal.try_clone().map_err(failed);
    let exec = there.exec(argv, [copy()?, copy()?, copy()?]);
    drop(terminal);
    let process = there.place.exec_in_terminal(exec).map_err(failed)?;
    if terminal::is_typed(session) && !session.take_terminal() {
        process.kill();
        return Err(CommandError::Silent(130));
    }
    let is_over = || context.controller.is_ending();
    let ended = terminal::relay(session, watched, process.as_ref(), &is_over).map_err(failed)?;
    ended.ok_or(CommandError::Silent(130))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_for_ssh_is_parted_from_the_command() {
        let check = |line: &str, options: usize, on_terminal: bool, elsewhere: bool| {
            let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
            let (found, rest) = ssh_options(&words);
            assert_eq!(
                (found.len(), found.len() + rest.len()),
                (options, words.iter().filter(|word| *word != "--").count()),
                "{line}"
            );
            assert_eq!(
                (wants_terminal(found, true), wants_terminal(found, false)),
                (on_terminal, elsewhere),
                "{line}"
            );
        };
        check("", 0, true, false);
        check("ls -t", 0, true, false);
        check("-t top", 1, true, false);
        check("-tt -o A=b top", 3, true, true);
        check("-t -t top", 2, true, true);
        check("-T ls", 1, false, false);
        check("-i key -- -t", 2, true, false);
        check("-vqt -oRequestTTY=no --pty=true ls", 3, true, false);
    }
}
