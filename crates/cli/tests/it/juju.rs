//! The local Juju as people use it: real commands, real machines and pods, charms that are a shell script.
//!
//! Every test has a controller of its own, in a folder of its own, and ends it: what units ran is judged,
//! and no process, mount, address or folder may be left.

mod clouds;
mod crashdump;
mod faults;
mod inside;
mod life;
mod looking;
mod people;
mod refusals;
mod removing;
mod storage;
mod tasks;
pub(crate) mod timeline;
mod waiting;

use std::os::unix::fs::PermissionsExt as _;
use std::process::{Child, Stdio};
use std::time::Duration;

use camino::{Utf8Path, Utf8PathBuf};
use charmproof_testkit::{CliResult, FoundProcess, Redactor, TestEnv, processes_with, wait_for, wait_until};
use serde_json::Value;

use crate::support::PROGRAM;

/// How long anything may take. Far more than it needs.
const LIMIT: Duration = Duration::from_mins(1);

const METADATA: &str = "summary: s\ndescription: d\nprovides:\n  site: {interface: http}\nrequires:\n  \
    backend: {interface: http, limit: 1, optional: true}\n";
const CONFIG: &str = "options:\n  colour: {type: string, default: red}\n  count: {type: int, default: 1}\n";
const ACTIONS: &str =
    "greet:\n  params:\n    name: {type: string, default: you}\nrefuse: {}\nbreak: {}\nlinger: {}\n";
const MANIFEST: &str = "bases:\n- {name: ubuntu, channel: \"24.04\", architectures: [amd64, arm64]}\n";

/// A charm that tells what it runs, is as its option `colour` says, and waits where it is told to: for a
/// file `go` in its folder.
const DISPATCH: &str = r#"#!/bin/bash
name=${JUJU_DISPATCH_PATH##*/}
echo "$name" >> ran
juju-log "$(cat version) $name"
wait_here() { echo "$JUJU_CONTEXT_ID" > waits; until [ -e go ]; do sleep 0.02; done; rm go waits; }
case $JUJU_DISPATCH_PATH in
    hooks/install) status-set maintenance installing ;;
    hooks/start) [ -e wait-at-start ] && wait_here ;;
    hooks/config-changed)
        case $(config-get colour) in
            bad) exit 3 ;;
            slow) status-set maintenance slow; wait_here ;;
        esac
        status-set active "$(config-get colour)" ;;
    hooks/site-relation-joined) relation-set "url=http://$JUJU_UNIT_NAME" ;;
    hooks/backend-relation-changed) status-set active "sees $(relation-get url "$JUJU_REMOTE_UNIT")" ;;
    hooks/backend-relation-broken) status-set active alone ;;
    actions/greet) action-log working; action-set "text=hello $(action-get name)" ;;
    actions/refuse) action-set half=done; action-fail "not today" ;;
    actions/break) exit 4 ;;
    actions/linger) wait_here ;;
esac
exit 0
"#;

/// What models are on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum On {
    Machines,
    Kubernetes,
}

impl On {
    fn cloud(self) -> &'static str {
        match self {
            Self::Machines => "localhost",
            Self::Kubernetes => "k8s",
        }
    }
}

/// A controller with one model `m`.
struct Local {
    env: TestEnv,
    data: Utf8PathBuf,
}

impl Local {
    /// Starts a controller with a model, and writes the charm `tiny`.
    fn new(on: On) -> Self {
        let local = Self::bare();
        local.charm("tiny", "1");
        local.juju(&["add-model", "m", on.cloud()]).success();
        local
    }

    fn bare() -> Self {
        let mut env = TestEnv::new(PROGRAM);
        let data = env.root().join("juju");
        env.set("JUJU_DATA", data.as_str());
        env.set("CHARMPROOF_CACHE", env.root().join("cache/charmproof").as_str());
        env.set_limit(LIMIT);
        Self { env, data }
    }

    /// Writes a charm, and returns how commands call it.
    fn charm(&self, name: &str, version: &str) -> String {
        for (file, text) in [
            ("metadata.yaml", format!("name: {name}\n{METADATA}").as_str()),
            ("config.yaml", CONFIG),
            ("actions.yaml", ACTIONS),
            ("manifest.yaml", MANIFEST),
            ("version", version),
            ("dispatch", DISPATCH),
        ] {
            let path = self.env.file(&format!("{name}/{file}"), text);
            if file == "dispatch" {
                fs_err::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
            }
        }
        format!("./{name}")
    }

    /// Writes a charm that is not like the others.
    fn write_charm(&self, name: &str, metadata: &str, actions: &str, dispatch: &str) {
        for (file, text) in [
            ("metadata.yaml", metadata),
            ("actions.yaml", actions),
            ("manifest.yaml", MANIFEST),
            ("dispatch", dispatch),
        ] {
            let path = self.env.file(&format!("{name}/{file}"), text);
            if file == "dispatch" {
                fs_err::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
            }
        }
    }

    fn juju(&self, words: &[&str]) -> CliResult {
        self.env.charmproof(&[&["juju"], words].concat())
    }

    /// Runs a command and returns all it gave, as people see it.
    fn said(&self, words: &[&str]) -> String {
        let result = self.juju(words);
        format!("$ juju {}\n{}\n", words.join(" "), result.snapshot(&self.redactor()))
    }

    /// Starts a command that goes on by itself.
    fn spawn(&self, words: &[&str]) -> Child {
        let mut command = self.env.command(&[&["juju"], words].concat());
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    fn redactor(&self) -> Redactor {
        self.env
            .redactor()
            .pattern(r"\b\d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2}(?:Z|\+00:00)", "<when>")
            .pattern(r"\b(?:[0-9a-f]{2}:){5}[0-9a-f]{2}\b", "<hardware address>")
            .pattern(r"\b\d{2}:\d{2}:\d{2}Z?", "<time>")
            .pattern(r"\b\d+\.\d+\.\d+\.\d+\b", "<address>")
            .pattern(r"juju-[0-9a-f]{6}-", "juju-<model>-")
            .pattern(r" {3,}", "   ")
    }

    fn json(&self, words: &[&str]) -> Value {
        serde_json::from_str(&self.juju(&[words, &["--format", "json"]].concat()).success()).unwrap()
    }

    fn status(&self) -> Value {
        self.json(&["status"])
    }

    /// Returns a unit's entry in the status.
    fn unit(&self, unit: &str) -> Value {
        let application = unit.split('/').next().unwrap();
        self.status()["applications"][application]["units"][unit].clone()
    }

    /// Deploys an application of `tiny`, and waits until it is at rest.
    fn deploy(&self, application: &str) {
        self.juju(&["deploy", "./tiny", application]).success();
        self.settle(&format!("{application}/0"), "active", "red");
    }

    /// Waits until a unit says something and has nothing to do.
    #[track_caller]
    fn settle(&self, unit: &str, workload: &str, message: &str) {
        let mut last = Value::Null;
        let settled = wait_until(LIMIT, || {
            last = self.unit(unit);
            let is = last["workload-status"]["current"] == workload
                && last["workload-status"]["message"].as_str().unwrap_or("") == message
                && last["juju-status"]["current"] == "idle";
            is.then_some(())
        });
        assert!(settled.is_some(), "{unit} is not {workload} ({message}) but {last:#}\n{}", self.log());
    }

    fn log(&self) -> String {
        self.juju(&["debug-log", "--replay", "--no-tail"]).success()
    }

    /// Returns what a unit's charm has run, as itself tells.
    fn ran(&self, unit: &str) -> Vec<String> {
        let entity = format!("unit-{}:", unit.replace('/', "-"));
        let told = format!("unit.{unit}.juju-log ");
        let log = self.log();
        let lines = log.lines().filter(|line| line.starts_with(&entity));
        lines.filter_map(|line| Some(line.split_once(&told)?.1.rsplit(' ').next()?.to_owned())).collect()
    }

    /// Returns the folder of a unit's charm, as the host sees it.
    fn charm_folder(&self, unit: &str) -> Utf8PathBuf {
        let name = format!("unit-{}", unit.replace('/', "-"));
        let found = wait_until(LIMIT, || {
            folders_named(&self.data.join("models"), &name, 7).map(|folder| folder.join("charm"))
        });
        found.expect("the unit has a folder")
    }

    /// Waits until a unit's charm waits for us, and returns the id of the hook's context.
    #[track_caller]
    fn waits(&self, unit: &str) -> String {
        let file = self.charm_folder(unit).join("waits");
        let id = wait_until(LIMIT, || fs_err::read_to_string(&file).ok().filter(|text| text.ends_with('\n')));
        id.unwrap_or_else(|| panic!("{unit} does not wait\n{}", self.log())).trim().to_owned()
    }

    /// Lets a charm that waits go on.
    fn go(&self, unit: &str) {
        fs_err::write(self.charm_folder(unit).join("go"), "").unwrap();
    }

    fn supervisors(&self) -> Vec<FoundProcess> {
        processes_with(&format!("__supervisor {}", self.data))
    }

    /// Kills the supervisor, as nobody should.
    fn kill_supervisor(&self) {
        // Whatever it is about to execute looks like it for a moment.
        let one = wait_until(LIMIT, || {
            let found = self.supervisors();
            if let [only] = found.as_slice() { Some(only.id) } else { None }
        });
        kill(one.expect("there is one supervisor"), "KILL");
        wait_for("the supervisor to be gone", LIMIT, || self.supervisors().is_empty());
    }

    /// Judges what units ran, destroys the model, and sees that nothing is left.
    #[track_caller]
    fn end(self) {
        let log = self.log();
        self.env.file("log.txt", &log);
        let judged = self.env.charmproof(&["validate", "log.txt"]);
        assert_eq!(judged.code, Some(0), "what units ran is not valid\n{judged}\n{log}");
        assert!(judged.stdout.contains(": valid, "), "no unit was judged\n{judged}\n{log}");
        self.destroy(&[]);
    }

    /// Destroys the model, and sees that nothing is left.
    #[track_caller]
    fn destroy(self, flags: &[&str]) {
        let networks = networks(&self.data);
        self.juju(&[&["destroy-model", "m", "--no-prompt"], flags].concat()).success();
        wait_for("the supervisor to end", LIMIT, || self.supervisors().is_empty());
        assert_eq!(processes_with(self.data.as_str()), [], "processes are left");
        assert_eq!(processes_of("JUJU_DATA", self.data.as_str()), Vec::<u32>::new(), "processes are left");
        let mounts = fs_err::read_to_string("/proc/mounts").unwrap();
        assert!(!mounts.contains(self.data.as_str()), "mounts are left: {mounts}");
        let addresses = fs_err::read_to_string("/proc/net/fib_trie").unwrap();
        for network in networks {
            assert!(!addresses.contains(&network), "the network {network} is left");
        }
        let models = self.data.join("models");
        let left = models.read_dir_utf8().map_or(0, Iterator::count);
        assert_eq!(left, 0, "folders are left in {models}");
    }
}

impl Drop for Local {
    fn drop(&mut self) {
        // A test that failed leaves nothing behind either: machines end with the supervisor.
        for process in self.supervisors() {
            kill(process.id, "KILL");
        }
        wait_until(LIMIT, || processes_of("JUJU_DATA", self.data.as_str()).is_empty().then_some(()));
    }
}

/// Sends a signal.
fn kill(process: u32, signal: &str) {
    // One that has ended meanwhile is what was wanted.
    let _ = std::process::Command::new("kill").args(["-s", signal, &process.to_string()]).status();
}

/// Returns the networks of all models, as addresses begin.
fn networks(data: &Utf8Path) -> Vec<String> {
    let models = data.join("models").read_dir_utf8().into_iter().flatten().flatten();
    let texts = models.filter_map(|model| fs_err::read_to_string(model.path().join("network")).ok());
    texts.filter_map(|text| Some(text.rsplit_once('.')?.0.to_owned() + ".")).collect()
}

/// Returns the processes that have a variable: whoever was started for some data, or by a hook.
fn processes_of(variable: &str, value: &str) -> Vec<u32> {
    let wanted = format!("{variable}={value}");
    let entries = fs_err::read_dir("/proc").unwrap().flatten();
    let ids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    ids.filter(|id: &u32| {
        fs_err::read(format!("/proc/{id}/environ"))
            .is_ok_and(|bytes| bytes.split(|byte| *byte == 0).any(|word| word == wanted.as_bytes()))
    })
    .collect()
}

/// Returns the first folder of a name.
fn folders_named(folder: &Utf8Path, name: &str, depth: usize) -> Option<Utf8PathBuf> {
    let entries: Vec<Utf8PathBuf> =
        folder.read_dir_utf8().ok()?.flatten().map(|entry| entry.path().to_owned()).collect();
    let here = entries.iter().find(|path| path.file_name() == Some(name) && path.join("charm").is_dir());
    here.cloned().or_else(|| {
        let mut below =
            entries.iter().filter(|path| depth > 0 && path.is_dir() && path.file_name() != Some("root"));
        below.find_map(|path| folders_named(path, name, depth - 1))
    })
}
