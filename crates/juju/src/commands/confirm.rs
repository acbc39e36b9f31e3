//! What is told before something is removed, and whether the person means it.

use std::io::{Read as _, Write as _};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::Context;
use crate::session::{CommandError, CommandResult};

/// What is removed, and what goes with it: its name, and lines that say so, or why it cannot go.
pub(super) type Plan = (String, Result<String, CommandError>);

/// Whether a removal goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// It does, and says what it removes.
    Go,
    /// It does, and has said what it removes already.
    GoQuietly,
    /// It was only to be told.
    Stop,
}

/// Tells what a removal would do, if it is only to be told or if the model is one whose people are asked
/// (its setting `mode`), and asks.
pub(super) fn confirm(
    context: &mut Context<'_>,
    uuid: &str,
    what: &str,
    plans: &[Plan],
    hint: Option<&str>,
) -> Result<Answer, CommandError> {
    let is_dry = context.parsed.is_set("dry-run");
    let mode = context.look(uuid, |model| Ok(model.config_text("mode")))?;
    let is_asked = !context.parsed.is_set("no-prompt")
        && mode.is_none_or(|mode| mode.split(',').any(|word| word.trim() == "requires-prompts"));
    if !is_dry && !is_asked {
        return Ok(Answer::Go);
    }
    for (name, plan) in plans {
        if let Err(error) = plan {
            context.session.say(&format!("ERROR removing {what}{name} failed: {error}"));
        }
    }
    if plans.iter().any(|(_, plan)| plan.is_err()) {
        return Err(CommandError::Silent(1));
    }
    context.session.say("WARNING This command will perform the following actions:");
    let text: String = plans.iter().filter_map(|(_, plan)| plan.as_deref().ok()).collect();
    context.session.print(&text);
    if let Some(hint) = hint {
        context.say(hint);
    }
    if is_dry {
        return Ok(Answer::Stop);
    }
    if is_yes(context, "\nContinue [y/N]? ") {
        return Ok(Answer::GoQuietly);
    }
    Err(CommandError::failed(format!("{} removal: aborted", what.trim_end())))
}

/// How many bytes of an answer are read.
const ANSWER_MAX: usize = 1024;
/// How often one looks whether whoever was asked is still there.
const LOOK_AGAIN: Timespec = Timespec { tv_sec: 0, tv_nsec: 200_000_000 };

/// Asks whether something is to be done.
pub(super) fn is_yes(context: &mut Context<'_>, question: &str) -> bool {
    matches!(ask(context, question).to_lowercase().as_str(), "y" | "yes")
}

/// Asks for a line. What is behind it is left for whoever asks next. Somebody who has gone away says
/// nothing.
fn ask(context: &mut Context<'_>, question: &str) -> String {
    let _ = write!(context.session.stderr, "{question}");
    let mut line = Vec::new();
    while line.len() < ANSWER_MAX && !context.session.attention.is_over() {
        let mut stdin = &context.session.stdin;
        let mut polled = [PollFd::new(stdin, PollFlags::IN)];
        match poll(&mut polled, Some(&LOOK_AGAIN)) {
            Ok(0) | Err(rustix::io::Errno::INTR) => continue,
            Ok(_) => {}
            Err(_) => break,
        }
        let mut byte = [0];
        match stdin.read(&mut byte) {
            Ok(1) if byte != *b"\n" => line.push(byte[0]),
            Ok(_) | Err(_) => break,
        }
    }
    if context.session.attention.is_over() {
        return String::new();
    }
    String::from_utf8_lossy(&line).trim_end_matches('\r').to_owned()
}

/// Tells what goes with a model, and asks for its name.
pub(super) fn confirm_model(context: &mut Context<'_>, uuid: &str) -> CommandResult {
    let releases = context.parsed.is_set("release-storage");
    let (name, text) = context.look(uuid, |model| {
        let plural = |count: usize, what: &str| format!("{count} {what}{}", if count > 1 { "s" } else { "" });
        let quoted = |names: Vec<String>| {
            names.into_iter().map(|name| format!(" \"{name}\"")).collect::<String>()
        };
        let mut text = format!(
            "WARNING This command will destroy the \"{}\" model and affect the following resources. It cannot be \
             stopped.\n",
            model.name
        );
        let short = &model.uuid[model.uuid.len().saturating_sub(6)..];
        let machines: Vec<String> =
            model.machines.keys().map(|number| format!("{number} (juju-{short}-{number})")).collect();
        if !machines.is_empty() {
            text += &format!(
                " - {} will be destroyed\n  - machine list:{}\n",
                plural(machines.len(), "machine"),
                quoted(machines)
            );
        }
        let applications: Vec<String> = model.applications.keys().map(ToString::to_string).collect();
        text += &format!(" - {} will be removed\n", plural(applications.len(), "application"));
        if !applications.is_empty() {
            text += &format!("  - application list:{}\n", quoted(applications));
        }
        let filesystems = plural(model.storages.len(), "filesystem");
        let fate = if releases { "released" } else { "destroyed" };
        text += &format!(" - {filesystems} and 0 volume will be {fate}");
        Ok((model.name.clone(), text))
    })?;
    context.session.say(&text);
    let question = "\nTo continue, enter the name of the model to be unregistered: ";
    if ask(context, question).to_lowercase() == name {
        return Ok(());
    }
    Err(CommandError::failed("model destruction: aborted"))
}
