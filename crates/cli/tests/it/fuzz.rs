//! `charmproof fuzz`: what is kept when it is stopped or killed, and that it is the same each time.

use std::collections::BTreeMap;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use camino::{Utf8Path, Utf8PathBuf};
use charmproof_testkit::{Charm, charm, processes_with, wait_for, wait_until};

use crate::support::World;

const EXAMPLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/defects");
/// Long enough for a machine that has much else to do.
const LIMIT: Duration = Duration::from_mins(4);

/// A charm with two defects, each of which takes its time to be made small.
const SLOW_TO_REDUCE: &str = r#"import subprocess

import ops


class Slow(ops.CharmBase):
    def __init__(self, framework: ops.Framework):
        super().__init__(framework)
        framework.observe(self.on.install, self._on_install)
        framework.observe(self.on.config_changed, self._on_config_changed)

    def _on_install(self, _: ops.InstallEvent):
        subprocess.run(["/bin/sleep", "0.5"])
        subprocess.run(["status-set", "splendid"])

    def _on_config_changed(self, _: ops.ConfigChangedEvent):
        self.unit.status = ops.ActiveStatus(str(int(self.config["level"])))


if __name__ == "__main__":
    ops.main(Slow)
"#;

const LEVEL: &str =
    "options:\n  level:\n    type: string\n    default: \"1\"\n    description: How loud it is.\n";

fn slow_to_reduce() -> Charm {
    charm("slow")
        .with_requirement("ops==3.7.1")
        .with_file("src/charm.py", SLOW_TO_REDUCE)
        .with_file("config.yaml", LEVEL)
}

/// How a search is stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Signal {
    Interrupt,
    Terminate,
    Kill,
}

impl Signal {
    fn send(self, child: &Child) {
        let name = match self {
            Self::Interrupt => "-INT",
            Self::Terminate => "-TERM",
            Self::Kill => "-KILL",
        };
        let status = Command::new("kill").args([name, &child.id().to_string()]).status().unwrap();
        assert!(status.success(), "{self:?}");
    }
}

fn spawn(world: &World, words: &[&str]) -> Child {
    let mut command = world.env.command(words);
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Waits for the end of a search that was stopped.
#[track_caller]
fn ended(mut child: Child) -> Output {
    let status = wait_until(Duration::from_secs(30), || child.try_wait().unwrap());
    if status.is_none() {
        // Told below.
        let _ = child.kill();
    }
    let output = child.wait_with_output().unwrap();
    assert!(status.is_some(), "it goes on:\n{}", String::from_utf8_lossy(&output.stderr));
    output
}

/// Returns the folders of findings, which are whole.
#[track_caller]
fn findings(folder: &Utf8Path) -> Vec<String> {
    let Ok(entries) = folder.read_dir_utf8() else { return Vec::new() };
    let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().to_owned()).collect();
    names.retain(|name| !name.ends_with(".new"));
    names.sort();
    for name in &names {
        for file in ["life.json", "story.txt"] {
            assert!(!fs_err::read(folder.join(name).join(file)).unwrap().is_empty(), "{name}/{file}");
        }
    }
    names
}

fn files_with(folder: &Utf8Path, extension: &str) -> usize {
    let entries = folder.read_dir_utf8().into_iter().flatten().flatten();
    entries.filter(|entry| entry.path().extension() == Some(extension)).count()
}

/// Returns the folders that are worked in.
fn work_folders(world: &World) -> Vec<Utf8PathBuf> {
    let entries = world.cache().join("work/f").read_dir_utf8().into_iter().flatten().flatten();
    entries.filter(|entry| entry.path().is_dir()).map(|entry| entry.path().to_owned()).collect()
}

/// Checks that no process, no mount and no socket that somebody listens at is left.
#[track_caller]
fn assert_nothing_left(world: &World) {
    let root = world.env.root().as_str();
    let gone = wait_until(Duration::from_secs(20), || processes_with(root).is_empty().then_some(()));
    assert!(gone.is_some(), "still there: {:#?}", processes_with(root));
    for file in ["/proc/self/mountinfo", "/proc/net/unix"] {
        let text = fs_err::read_to_string(file).unwrap();
        let left: Vec<&str> = text.lines().filter(|line| line.contains(root)).collect();
        assert!(left.is_empty(), "{file}: {left:#?}");
    }
}

fn exists_below(folder: &Utf8Path, name: &str) -> bool {
    let entries = folder.read_dir_utf8().into_iter().flatten().flatten();
    entries.into_iter().any(|entry| entry.path().join(name).exists())
}

#[test]
fn killed_at_any_point_it_keeps_what_it_has_and_leaves_nothing() {
    let world = World::new();
    let charm = world.add(&slow_to_reduce());
    let (output, corpus) = (world.env.work().join("found"), world.env.work().join("corpus"));
    let environments = world.cache().join("work/environments");
    let words = |seeds: &'static str| {
        vec![
            "fuzz",
            charm.as_str(),
            "--jobs",
            "2",
            "--seeds",
            seeds,
            "--output",
            output.as_str(),
            "--corpus",
            corpus.as_str(),
        ]
    };

    // While the environment is made.
    for signal in [Signal::Terminate, Signal::Kill] {
        if environments.exists() {
            fs_err::remove_dir_all(&environments).unwrap();
        }
        let child = spawn(&world, &words("4"));
        wait_for("an environment that is made", LIMIT, || exists_below(&environments, "venv"));
        signal.send(&child);
        let result = ended(child);
        assert_nothing_left(&world);
        assert!(!exists_below(&environments, "environment.json"), "it was finished already");
        if signal == Signal::Terminate {
            assert_eq!(result.status.code(), Some(130), "{}", String::from_utf8_lossy(&result.stderr));
            assert_eq!(work_folders(&world), Vec::<Utf8PathBuf>::new());
        }
    }

    // While lives are played: those that are kept are whole.
    let child = spawn(&world, &words("20000"));
    wait_for("a life that is kept", LIMIT, || files_with(&corpus, "json") >= 1);
    Signal::Kill.send(&child);
    ended(child);
    assert_nothing_left(&world);
    let kept = files_with(&corpus, "json");
    assert!(kept >= 1 && work_folders(&world).len() == 1, "{kept} {:?}", work_folders(&world));

    // While a life is made small: what was found before it is there, and whole.
    for (signal, name) in [(Signal::Kill, "a"), (Signal::Interrupt, "b")] {
        let output = output.join(name);
        let mut words = words("4");
        words[7] = output.as_str();
        let child = spawn(&world, &words);
        wait_for("the first finding", LIMIT, || !findings(&output).is_empty());
        let began = Instant::now();
        signal.send(&child);
        let result = ended(child);
        let text = String::from_utf8_lossy(&result.stdout).into_owned();
        assert_nothing_left(&world);
        let found = findings(&output);
        assert_eq!(found[0], "1-uncaught-exception", "{found:?}");
        assert!(output.join(&found[0]).join("test_finding_1.py").is_file());
        assert!(files_with(&corpus, "json") >= kept);
        if signal == Signal::Interrupt {
            assert_eq!(result.status.code(), Some(130), "{text}");
            assert!(began.elapsed() < Duration::from_secs(15), "{:?}", began.elapsed());
            assert!(text.contains("interrupted; this is what was found until then"), "{text}");
            assert!(text.contains("not made small for want of time"), "{text}");
            assert_eq!(found, ["1-uncaught-exception", "2-tool-misuse"], "{text}");
            assert_eq!(work_folders(&world), Vec::<Utf8PathBuf>::new(), "the dead one's is gone as well");
        }
    }
}

#[test]
fn time_that_is_over_cuts_short_whatever_goes_on() {
    let world = World::new();
    let charm = world.add(&slow_to_reduce());
    let words = ["fuzz", charm.as_str(), "--jobs", "1", "--seeds", "1", "--oracle", "slow-hook"];
    // The environment is no part of the time.
    let _ = world.env.charmproof(&words).success();
    let output = world.env.work().join("found");
    let began = Instant::now();
    let words = ["fuzz", charm.as_str(), "--jobs", "1", "--time", "6s", "--output", output.as_str()];
    let result = world.env.charmproof(&words).expect_code(1);
    assert!(began.elapsed() < Duration::from_secs(25), "{:?}\n{result}", began.elapsed());
    assert!(result.stdout.contains("for want of time"), "{result}");
    assert!(!findings(&output).is_empty(), "{result}");
    assert_nothing_left(&world);
}

/// Returns each file below a folder with what is in it.
fn contents(folder: &Utf8Path) -> BTreeMap<Utf8PathBuf, String> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in next.read_dir_utf8().unwrap() {
            let path = entry.unwrap().path().to_owned();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(folder).unwrap().to_owned();
                found.insert(name, fs_err::read_to_string(&path).unwrap());
            }
        }
    }
    found
}

#[test]
fn the_same_seed_finds_the_same_byte_for_byte() {
    let world = World::new();
    for name in ["any-text", "unready-container"] {
        let charm = Utf8Path::new(EXAMPLES).join(name);
        let mut runs = Vec::new();
        for jobs in ["1", "2"] {
            let folder = world.env.work().join(format!("{name}-{jobs}"));
            let (output, corpus) = (folder.join("output"), folder.join("corpus"));
            let words = [
                "fuzz",
                charm.as_str(),
                "--seeds",
                "20",
                "--jobs",
                jobs,
                "--output",
                output.as_str(),
                "--corpus",
                corpus.as_str(),
            ];
            let result = world.env.charmproof(&words).expect_code(1);
            let redactor = world.env.redactor().text(folder.as_str(), "$RUN");
            assert!(files_with(&corpus, "json") > 0, "{result}");
            runs.push((redactor.redact(&result.stdout), contents(&output), contents(&corpus)));
        }
        assert!(runs[0].1.len() >= 2, "{:?}", runs[0].1.keys());
        assert_eq!(runs[0], runs[1], "{name}");
    }
}
