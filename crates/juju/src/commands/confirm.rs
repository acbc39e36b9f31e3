//! What is told before something is removed, and whether the person means it.

use std::io::{BufRead as _, BufReader, Write as _};

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
    if matches!(ask(context, "\nContinue [y/N]? ").to_lowercase().as_str(), "y" | "yes") {
        return Ok(Answer::GoQuietly);
    }
    Err(CommandError::failed(format!("{} removal: aborted", what.trim_end())))
}

/// Asks for a line.
fn ask(context: &mut Context<'_>, question: &str) -> String {
    let _ = write!(context.session.stderr, "{question}");
    let mut line = String::new();
    let _ = BufReader::new(&context.session.stdin).read_line(&mut line);
    line.trim_end_matches(['\n', '\r']).to_owned()
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
