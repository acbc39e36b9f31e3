//! Starts a suite, and waits for it.

use std::collections::BTreeSet;
use std::io::IsTerminal as _;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, Command, ExitStatus};
use std::time::{Duration, Instant};

use camino::{Utf8Path, Utf8PathBuf};
use charmproof_charm::offerings::{Invocation, Runner};
use charmproof_fleet::inject::suite;
use charmproof_fleet::process::find_on_path;
use charmproof_fleet::provision::tools::Tool;
use charmproof_fleet::run::interpreter;
use charmproof_fleet::run::invocation::command_line;
use charmproof_fleet::run::subject::CharmFacts;
use charmproof_fleet::swap::PreparedSwap;
use charmproof_sandbox::CancelToken;
use rustix::process::{Pid, Signal, kill_process};

use super::artifacts::ARTIFACTS_VARIABLE;
use crate::args::TestArgs;
use crate::error::{Exit, Failure};
use crate::hidden::charmcraft::PACKING_VARIABLE;
use crate::hidden::supervisor::{RECIPES_VARIABLE, recipes_of};
use crate::local::{LocalJuju, usual_controller};
use crate::place::Place;

/// How often it is looked whether the suite has ended.
const POLL: Duration = Duration::from_millis(20);
/// How long a suite that was interrupted has to clean up, before it is asked again, and then killed.
const CLEANING_UP: Duration = Duration::from_mins(1);
const INSISTING: Duration = Duration::from_secs(10);
/// The folder of the plugins for pytest and tox.
const HELPERS: &str = "suite";
const PACKING_FILE: &str = "packing.json";

/// A suite that is to be run.
pub(super) struct Suite<'a> {
    pub(super) place: &'a Place,
    pub(super) args: &'a TestArgs,
    pub(super) folder: &'a Utf8Path,
    pub(super) facts: &'a CharmFacts,
    pub(super) invocation: &'a Invocation,
    pub(super) local: &'a LocalJuju,
    /// Whether its data is for this suite alone.
    pub(super) is_private: bool,
    pub(super) work: &'a Utf8Path,
    /// The packed charm.
    pub(super) charm: Option<&'a Utf8Path>,
    /// The same, for opcli.
    pub(super) artifacts: Option<&'a Utf8Path>,
    pub(super) swaps: &'a [PreparedSwap],
}

/// How a suite ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SuiteEnd {
    /// By itself, with this code.
    Exited(u8),
    /// Because the user did not want to wait.
    Interrupted,
}

impl Suite<'_> {
    /// Runs it to its end. What it prints, it prints itself. Returns how it ended, and the models that it has
    /// nothing to do with.
    pub(super) fn run(
        &self,
        cancel: &CancelToken,
        talk: &dyn Fn(&str),
    ) -> Result<(SuiteEnd, BTreeSet<String>), Failure> {
        let takes_arguments = self.facts.hands_on_arguments(self.invocation);
        let line = command_line(self.invocation, &self.args.arguments, takes_arguments, 0);
        let mut words = line.words;
        if std::io::stdout().is_terminal() {
            // Then colours are what people want, and it is their own tox that decides.
            words.retain(|word| word != "--color=never");
            if let Some(place) = words.iter().position(|word| word == "--colored") {
                words.drain(place..place + 2);
            }
        }
        let mut command = Command::new(&words[0]);
        command.args(self.makefiles()?).args(&words[1..]).current_dir(self.folder);
        self.set_environment(&mut command, line.pytest_options.as_deref())?;
        let containers = !self.facts.metadata.containers.is_empty();
        let controller = self.args.controller.as_deref().unwrap_or_else(|| usual_controller(containers));
        let mut others = if self.is_private { BTreeSet::new() } else { self.local.models(&command) };
        others.retain(|model| !self.args.model.as_ref().is_some_and(|name| is_named_after(model, name)));
        if cancel.is_cancelled() {
            return Ok((SuiteEnd::Interrupted, others));
        }
        // What people have chosen themselves is theirs again afterwards.
        let chosen = (!self.is_private).then(|| self.local.ask(&["switch"], &command).ok()).flatten();
        if let Err(said) = self.local.ask(&["switch", controller], &command) {
            talk(&format!("warning: `{controller}` could not be made the current controller: {said}"));
        }
        talk(&format!("Running `{}` ({})", words.join(" "), self.invocation.why));
        let end = start(&mut command, &words[0]).and_then(|child| {
            wait(child, cancel).map_err(|error| Failure::of("the suite cannot be waited for", &error))
        });
        if let Some(chosen) = chosen {
            // A model that the suite has removed cannot be the current one.
            let _ = self.local.ask(&["switch", to_switch_to(&chosen)], &command);
        }
        self.write_logs(&command, &others)?;
        Ok((end?, others))
    }

    /// Writes the logs of the models that are still there, if logs are wanted: those that the suite has
    /// destroyed were written before.
    fn write_logs(&self, command: &Command, others: &BTreeSet<String>) -> Result<(), Failure> {
        let Some(logs) = &self.args.logs else { return Ok(()) };
        let logs = self.place.working_directory.join(logs);
        let failed = |error: std::io::Error| Failure::of("the logs could not be written", &error);
        fs_err::create_dir_all(&logs).map_err(failed)?;
        for model in self.local.models(command).difference(others) {
            let words = ["debug-log", "--model", model, "--replay", "--no-tail"];
            // What was written of one that has gone meanwhile stays.
            let Ok(log) = self.local.ask(&words, command) else { continue };
            fs_err::write(logs.join(format!("{model}.log")), log + "\n").map_err(failed)?;
        }
        Ok(())
    }

    /// Returns the options with which make reads one file more. A Makefile may set `PYTHONPATH` for all that
    /// it runs, and the helpers have to be on it all the same.
    fn makefiles(&self) -> Result<Vec<String>, Failure> {
        // In the order in which make looks for them.
        let names = ["GNUmakefile", "makefile", "Makefile"];
        let own = names.into_iter().find(|name| self.folder.join(name).exists());
        let (Runner::Make, Some(own)) = (self.invocation.runner, own) else { return Ok(Vec::new()) };
        let file = self.work.join("helpers.mk");
        let helpers = self.work.join(HELPERS);
        fs_err::write(&file, format!("export PYTHONPATH := $(if $(PYTHONPATH),$(PYTHONPATH):){helpers}\n"))
            .map_err(|error| Failure::of("the helpers of the suite could not be laid out", &error))?;
        Ok(["-f", own, "-f", file.as_str()].map(str::to_owned).to_vec())
    }

    fn set_environment(&self, command: &mut Command, options: Option<&str>) -> Result<(), Failure> {
        let failed =
            |error: std::io::Error| Failure::of("the helpers of the suite could not be laid out", &error);
        let helpers = self.work.join(HELPERS);
        suite::lay_out(&helpers).map_err(failed)?;
        let packing = self.work.join(PACKING_FILE);
        self.place.packing(self.swaps.to_vec()).write(&packing).map_err(failed)?;
        let own =
            |name: &str| self.place.variables.get(name).map(String::as_str).filter(|value| !value.is_empty());
        let mut search_path = vec![own("PATH").unwrap_or("/usr/bin:/bin").to_owned()];
        search_path.extend(self.missing_tools(&search_path[0])?.iter().map(ToString::to_string));
        command.envs(self.local.variables(&search_path.join(":")));
        let python_path: Vec<&str> = own("PYTHONPATH").into_iter().chain([helpers.as_str()]).collect();
        command.env("PYTHONPATH", python_path.join(":"));
        command.env("CHARMPROOF_CACHE", &self.place.cache.root).env(PACKING_VARIABLE, &packing);
        command.env("CHARMPROOF_EVENTS", self.local.events());
        command.env("CHARMPROOF_CHANGES", self.local.changes());
        if let Some(recipes) = recipes_of(self.folder, own(RECIPES_VARIABLE)) {
            command.env(RECIPES_VARIABLE, recipes);
        }
        if let Some(charm) = self.charm {
            command.env(super::CHARM_VARIABLE, self.place.working_directory.join(charm));
        }
        if let (Some(artifacts), None) = (self.artifacts, own(ARTIFACTS_VARIABLE)) {
            command.env(ARTIFACTS_VARIABLE, artifacts);
        }
        if let Some(options) = options {
            let options: Vec<&str> = own("PYTEST_ADDOPTS").into_iter().chain([options]).collect();
            command.env("PYTEST_ADDOPTS", options.join(" "));
        }
        if self.args.fast_waits {
            command.env("CHARMPROOF_FAST_WAIT", "1");
        }
        if self.args.keep_models {
            command.env("CHARMPROOF_KEEP_MODELS", "1");
        }
        if let Some(model) = &self.args.model {
            command.env("CHARMPROOF_MODEL", model);
        }
        if let Some(logs) = &self.args.logs {
            command.env("CHARMPROOF_LOGS", self.place.working_directory.join(logs));
        }
        Ok(())
    }

    /// Returns where the programs are that the suite needs and the user does not have. They come last,
    /// so that they hide nothing.
    fn missing_tools(&self, search_path: &str) -> Result<Vec<Utf8PathBuf>, Failure> {
        let failed = |error| {
            Failure::of("the tools could not be installed", &error)
                .hint("`charmproof doctor` tells what this host offers")
        };
        let is_missing = |name: &str| find_on_path(name, search_path, &[]).is_none();
        let tools = self.place.tools();
        let mut found = Vec::new();
        let text: String = ["tox.ini", "tox.toml", "pyproject.toml", "Makefile", "justfile"]
            .iter()
            .filter_map(|name| fs_err::read_to_string(self.folder.join(name)).ok())
            .collect();
        let wanted = [
            (Tool::Tox, "tox", self.invocation.runner == Runner::Tox || text.contains("tox")),
            (Tool::Poetry, "poetry", text.contains("poetry")),
            (Tool::Just, "just", self.invocation.runner == Runner::Just || text.contains("just")),
        ];
        for (tool, name, is_wanted) in wanted {
            if is_wanted && is_missing(name) {
                let (python, _) =
                    interpreter::choose(self.facts, self.invocation, &self.place.pythons(), Vec::new())
                        .map_err(|why| {
                            Failure::usage(format!("no Python runs this suite: {why}"))
                                .exit(Exit::CouldNotRun)
                        })?;
                found.push(tools.bin(tool, &python.program, &python.minor()).map_err(failed)?);
            }
        }
        if is_missing("uv") {
            found.extend(tools.uv().map_err(failed)?.parent().map(Utf8Path::to_path_buf));
        }
        Ok(found)
    }
}

/// Whether a model is one that a suite makes which was told to name its model: its further ones are told
/// apart by what is behind the name.
fn is_named_after(model: &str, name: &str) -> bool {
    model.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
}

/// Returns what makes that the current one which `juju switch` has told. Without a model it tells of the
/// controller, and that it is one.
fn to_switch_to(told: &str) -> &str {
    told.strip_suffix(" (controller)").unwrap_or(told)
}

fn start(command: &mut Command, program: &str) -> Result<Child, Failure> {
    command.spawn().map_err(|error| {
        Failure::of(&format!("`{program}` cannot be started"), &error)
            .hint("`charmproof doctor` tells what this host offers")
            .exit(Exit::CouldNotRun)
    })
}

/// Waits for the end of a suite. Where people interrupt at a terminal, the suite hears of it from the
/// terminal, and a second time would keep it from cleaning up; elsewhere nobody but us tells it.
fn wait(mut child: Child, cancel: &CancelToken) -> std::io::Result<SuiteEnd> {
    let mut interrupted: Option<Instant> = None;
    let mut told = 0;
    let is_at_terminal = std::io::stdin().is_terminal();
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(if interrupted.is_some() {
                SuiteEnd::Interrupted
            } else {
                SuiteEnd::Exited(code(status))
            });
        }
        if cancel.is_cancelled() {
            let since = interrupted.get_or_insert_with(Instant::now).elapsed();
            let steps = [
                (if is_at_terminal { CLEANING_UP } else { Duration::ZERO }, Signal::INT),
                (CLEANING_UP + INSISTING, Signal::TERM),
                (CLEANING_UP + 2 * INSISTING, Signal::KILL),
            ];
            if let Some((after, signal)) = steps.get(told)
                && since >= *after
            {
                told += 1;
                // One that ended meanwhile is what was wanted.
                let _ = kill_process(Pid::from_child(&child), *signal);
            }
        }
        std::thread::sleep(POLL);
    }
}

fn code(status: ExitStatus) -> u8 {
    let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal));
    code.and_then(|code| u8::try_from(code).ok()).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn models_of_a_suite_are_named_after_it() {
        for (model, expected) in [
            ("mine", true),
            ("mine-2", true),
            ("mine-db-0", true),
            ("miner", false),
            ("other", false),
            ("", false),
        ] {
            assert_eq!(is_named_after(model, "mine"), expected, "{model}");
        }
    }

    #[test]
    fn what_juju_tells_is_what_it_takes() {
        assert_eq!(to_switch_to("concierge-lxd (controller)"), "concierge-lxd");
        assert_eq!(to_switch_to("concierge-k8s:admin/mine"), "concierge-k8s:admin/mine");
    }
}
