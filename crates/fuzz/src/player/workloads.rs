//! The workload containers of a unit: a Pebble for each.
//!
//! Juju promises a container only from its `pebble-ready` on. Before that, and after it was
//! restarted, its Pebble may be there already or not; which of the two is drawn for each life.

use std::collections::BTreeMap;

use camino::{Utf8Path, Utf8PathBuf};
use charmproof_agent::runner::RunnerError;
use charmproof_agent::standins::Rules;
use charmproof_pebble::{
    CheckOutcome, Clock, ExecRule, ExecRules, NoticeKind, Options, Server, Snapshot, Workload,
};
use jiff::Timestamp;

/// The containers of one unit.
pub(super) struct Containers {
    folder: Utf8PathBuf,
    rules: ExecRules,
    all: BTreeMap<String, Container>,
}

struct Container {
    boots: u64,
    server: Option<Server>,
}

impl Containers {
    /// Makes the folders of containers, of which none runs yet.
    pub(super) fn new(folder: Utf8PathBuf, names: &[String], rules: ExecRules) -> Result<Self, RunnerError> {
        let all = names.iter().map(|name| (name.clone(), Container { boots: 0, server: None }));
        let containers = Self { folder, rules, all: all.collect() };
        for name in names {
            fs_err::create_dir_all(containers.root_of(name)).map_err(failed)?;
            fs_err::create_dir_all(containers.folder_of(name)).map_err(failed)?;
        }
        Ok(containers)
    }

    /// Returns the folder of each container that its unit sees.
    pub(super) fn folders(&self) -> BTreeMap<String, Utf8PathBuf> {
        self.all.keys().map(|name| (name.clone(), self.folder_of(name))).collect()
    }

    /// Lets all that do not run yet run.
    pub(super) fn start_all(&mut self, now: Timestamp) -> Result<(), RunnerError> {
        let names: Vec<String> = self.all.keys().cloned().collect();
        names.iter().try_for_each(|name| self.start(name, now))
    }

    /// Lets a container run, unless it does.
    pub(super) fn start(&mut self, name: &str, now: Timestamp) -> Result<(), RunnerError> {
        let (socket, root) = (self.folder_of(name).join("pebble.socket"), self.root_of(name));
        let Some(container) = self.all.get_mut(name).filter(|container| container.server.is_none()) else {
            return Ok(());
        };
        container.boots += 1;
        let options = Options {
            workload: Workload::Simulated(self.rules.clone()),
            clock: Clock::Virtual(now),
            boot_id: format!("00000000-0000-4000-8000-{:012}", container.boots),
            ..Options::new(socket, root)
        };
        container.server =
            Some(Server::start(options).map_err(|error| RunnerError::Message(error.to_string()))?);
        Ok(())
    }

    /// Ends a container. Its files are those of its image again.
    pub(super) fn stop(&mut self, name: &str) {
        let root = self.root_of(name);
        let Some(container) = self.all.get_mut(name) else { return };
        if container.server.take().is_some() {
            // What cannot be removed now is removed with the unit.
            let _ = fs_err::remove_dir_all(&root).and_then(|()| fs_err::create_dir_all(&root));
        }
    }

    /// Returns the checks of a container's plan.
    pub(super) fn checks(&self, name: &str) -> Vec<String> {
        let server = self.all.get(name).and_then(|container| container.server.as_ref());
        server.map(|server| server.handle().snapshot().checks.into_keys().collect()).unwrap_or_default()
    }

    /// Lets a check fail or recover.
    pub(super) fn set_check(&self, name: &str, check: &str, outcome: CheckOutcome) {
        if let Some(server) = self.all.get(name).and_then(|container| container.server.as_ref()) {
            server.handle().set_check(check, outcome);
        }
    }

    /// Leaves a notice, as the workload would.
    pub(super) fn notify(&self, name: &str, key: &str) {
        if let Some(server) = self.all.get(name).and_then(|container| container.server.as_ref()) {
            server.handle().notify(NoticeKind::Custom, key);
        }
    }

    /// Returns what can be seen of all of them.
    pub(super) fn snapshots(&self) -> BTreeMap<String, Snapshot> {
        let running =
            self.all.iter().filter_map(|(name, container)| Some((name, container.server.as_ref()?)));
        running.map(|(name, server)| (name.clone(), server.handle().snapshot())).collect()
    }

    fn folder_of(&self, name: &str) -> Utf8PathBuf {
        self.folder.join(name)
    }

    fn root_of(&self, name: &str) -> Utf8PathBuf {
        self.folder.join("roots").join(name)
    }
}

impl Drop for Containers {
    fn drop(&mut self) {
        self.all.clear();
        // What is left is removed with the run.
        let _ = fs_err::remove_dir_all(&self.folder);
    }
}

fn failed(source: std::io::Error) -> RunnerError {
    RunnerError::Io { action: "make a container's folder", source }
}

/// Returns what the user's rules say of commands, as a container's Pebble takes it: one pattern for
/// the whole command.
pub(super) fn exec_rules(rules: &Rules) -> ExecRules {
    let mut exec = Vec::new();
    for rule in &rules.exec {
        // What is special there and not here stands for itself.
        let words: Vec<String> =
            rule.command.iter().map(|word| word.replace('\\', "\\\\").replace('[', "\\[")).collect();
        let mut patterns = vec![words.join(" ")];
        if let Some((_, head)) = words.split_last().filter(|(last, _)| *last == "**") {
            // It also stands for no word at all.
            patterns = vec![head.join(" "), format!("{} *", head.join(" "))];
        }
        exec.extend(patterns.into_iter().map(|command| ExecRule {
            command,
            exit_code: rule.exit,
            stdout: rule.stdout.clone(),
            stderr: rule.stderr.clone(),
            writes: rule.files.iter().map(|(path, text)| (path.to_string(), text.clone())).collect(),
            ..ExecRule::default()
        }));
    }
    ExecRules { exec, service: Vec::new() }
}

/// Returns the folder for the containers of the n-th unit process of an interpreter.
pub(super) fn folder(work: &Utf8Path, number: usize) -> Utf8PathBuf {
    work.join(format!("c{number}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_for_commands_hold_in_containers() {
        let check = |command: &str, expected: &[&str]| {
            let text = format!("[[exec]]\ncommand = {command}\nexit = 3\n");
            let rules = exec_rules(&Rules::parse("rules.toml".into(), &text).unwrap());
            let commands: Vec<&str> = rules.exec.iter().map(|rule| rule.command.as_str()).collect();
            assert_eq!(commands, expected, "{command}");
            assert!(rules.exec.iter().all(|rule| rule.exit_code == 3), "{command}");
        };
        check(r#""hydra version""#, &["hydra version"]);
        check(r#"["psql", "-c", "*"]"#, &["psql -c *"]);
        check(r#"["hydra", "migrate", "**"]"#, &["hydra migrate", "hydra migrate *"]);
        check(r#"["grep", "[a]"]"#, &["grep \\[a]"]);
    }
}
