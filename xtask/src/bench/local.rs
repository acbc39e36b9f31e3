//! `cargo xtask bench local`: how long the local Juju, packing and a whole suite take.
//!
//! The peer would be Juju itself with a controller on LXD, which needs a host of its own and minutes; the
//! table names the aims instead, and what the tutorial of Juju's charm library shows for the same charm and suite.
//! What of a suite's time is not ours: Jubilant looks at the status each second, and sleeps in between. With
//! `--fast-waits` it does not, so that run is an upper bound of what the tests, tox and charmproof take, and has
//! an aim of its own.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use super::quiet;

/// What the tutorial shows for tinyproxy's suite, on a machine that has a controller and a packed charm.
const TUTORIAL_SUITE_S: f64 = 277.0;
/// And for packing it.
const TUTORIAL_PACK_S: f64 = 20.0 * 60.0;
const UNITS: u32 = 50;
const LOOKS: usize = 100;
const LIMIT: Duration = Duration::from_mins(5);

const SMALL_MANIFEST: &str = "name: small\ntype: charm\nsummary: s\ndescription: d\n\
    platforms: {amd64: }\nbase: ubuntu@24.04\nparts:\n  charm: {plugin: charm, source: ., charm-requirements: [requirements.txt]}\n";
const SMALL: &str = "#!/usr/bin/env python3\nimport ops\n\n\nclass Small(ops.CharmBase):\n    def __init__(self, framework):\n        \
    super().__init__(framework)\n        framework.observe(self.on.start, self._start)\n\n    \
    def _start(self, _):\n        self.unit.status = ops.ActiveStatus()\n\n\nops.main(Small)\n";

/// Measures, and prints a table.
pub(super) fn run(root: &Path, program: &Path, folder: &Path) -> Result<()> {
    let bench = Bench { program: program.to_path_buf(), folder: folder.to_path_buf() };
    let charm = folder.join("tinyproxy");
    quiet(Command::new("cp").arg("-r").arg(root.join("examples/tinyproxy")).arg(&charm))?;
    println!("{:<52} {:>10} {:>10}  of the tutorial's", "", "measured", "aim");
    let row = |what: &str, took: Duration, aim: Duration, tutorial_s: Option<f64>| {
        let ratio =
            tutorial_s.map_or_else(String::new, |theirs| format!("{:.4}", took.as_secs_f64() / theirs));
        println!("{what:<52} {:>10} {:>10}  {ratio}", shown(took), shown(aim));
    };

    let pack = || timed(bench.command().arg("pack").arg(&charm).args(["-o"]).arg(folder.join("packed")));
    row("pack tinyproxy, cold caches", pack()?, Duration::from_secs(10), Some(TUTORIAL_PACK_S));
    row("the same again", pack()?, Duration::from_secs(1), Some(TUTORIAL_PACK_S));

    let suite = |flags: &[&str]| timed(bench.command().arg("test").arg(&charm).args(flags));
    // tox installs what the suite needs, which is kept; that is not measured.
    suite(&[])?;
    row("tinyproxy's suite, packing included", suite(&[])?, Duration::from_secs(30), Some(TUTORIAL_SUITE_S));
    row(
        "the same with --fast-waits",
        suite(&["--fast-waits"])?,
        Duration::from_secs(10),
        Some(TUTORIAL_SUITE_S),
    );

    let small = bench.small()?;
    bench.juju(&["add-model", "bench", "localhost"])?;
    let before = bench.memory_bytes()?;
    let begun = Instant::now();
    bench.juju(&["deploy", &small, "small"])?;
    bench.settled(1)?;
    row("deploy to idle, a small charm of ops", begun.elapsed(), Duration::from_secs(2), None);
    let mut looks = Vec::with_capacity(LOOKS);
    for _ in 0..LOOKS {
        looks.push(timed(bench.command().args(["juju", "status", "--format", "json"]))?);
    }
    looks.sort();
    row("juju status, median of a hundred", looks[LOOKS / 2], Duration::from_millis(10), None);
    println!("{:<52} {:>10}", "the slowest of them", shown(looks[LOOKS - 1]));
    let begun = Instant::now();
    let more = (UNITS - 1).to_string();
    bench.juju(&["add-unit", "small", "-n", &more])?;
    bench.settled(UNITS as usize)?;
    println!("{:<52} {:>10}", format!("{more} further units of it, to idle"), shown(begun.elapsed()));
    let looks = timed(bench.command().args(["juju", "status"]))?;
    println!("{:<52} {:>10}", format!("juju status with {UNITS} units"), shown(looks));
    let each = bench.memory_bytes()?.saturating_sub(before) / u64::from(UNITS);
    println!("{:<52} {:>7} KiB", "memory of an idle unit, all of its processes", each / 1024);
    bench.juju(&["destroy-model", "bench", "--no-prompt", "--force"])
}

fn shown(time: Duration) -> String {
    if time < Duration::from_secs(1) {
        format!("{:.1} ms", time.as_secs_f64() * 1000.0)
    } else {
        format!("{:.2} s", time.as_secs_f64())
    }
}

/// Runs a command that has to end well, and returns how long it took.
fn timed(command: &mut Command) -> Result<Duration> {
    let begun = Instant::now();
    quiet(command)?;
    Ok(begun.elapsed())
}

struct Bench {
    program: PathBuf,
    folder: PathBuf,
}

impl Bench {
    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.env("JUJU_DATA", self.data()).env("CHARMPROOF_CACHE", self.folder.join("local-cache"));
        command.current_dir(&self.folder);
        command
    }

    fn data(&self) -> PathBuf {
        self.folder.join("juju")
    }

    fn juju(&self, words: &[&str]) -> Result<()> {
        quiet(self.command().arg("juju").args(words))
    }

    /// Packs a charm that does next to nothing.
    fn small(&self) -> Result<String> {
        let charm = self.folder.join("small");
        fs_err::create_dir_all(charm.join("src"))?;
        fs_err::write(charm.join("charmcraft.yaml"), SMALL_MANIFEST)?;
        fs_err::write(charm.join("requirements.txt"), "ops\n")?;
        fs_err::write(charm.join("src/charm.py"), SMALL)?;
        quiet(Command::new("chmod").arg("+x").arg(charm.join("src/charm.py")))?;
        let packed = self.folder.join("small-packed");
        quiet(self.command().arg("pack").arg(&charm).arg("-o").arg(&packed))?;
        let found = fs_err::read_dir(&packed)?.flatten().map(|entry| entry.path()).next();
        Ok(found.context("nothing was packed")?.display().to_string())
    }

    /// Waits until so many units are active and idle.
    fn settled(&self, units: usize) -> Result<()> {
        let begun = Instant::now();
        loop {
            let output = self.command().args(["juju", "status", "--format", "json"]).output()?;
            let status: serde_json::Value = serde_json::from_slice(&output.stdout)?;
            let empty = serde_json::Map::new();
            let all = status["applications"]["small"]["units"].as_object().unwrap_or(&empty);
            let is_settled = |unit: &&serde_json::Value| {
                unit["workload-status"]["current"] == "active" && unit["juju-status"]["current"] == "idle"
            };
            if all.len() == units && all.values().filter(is_settled).count() == units {
                return Ok(());
            }
            if begun.elapsed() > LIMIT {
                bail!("{units} units did not come to rest:\n{}", String::from_utf8_lossy(&output.stdout));
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Returns the memory of the supervisor and everything below it; what is shared counts in parts.
    fn memory_bytes(&self) -> Result<u64> {
        let mut parents = Vec::new();
        for entry in fs_err::read_dir("/proc")?.flatten() {
            let Ok(pid) = entry.file_name().to_string_lossy().parse::<u32>() else { continue };
            let Ok(stat) = fs_err::read_to_string(entry.path().join("stat")) else { continue };
            // The name may hold anything; what follows its last parenthesis is numbers.
            let parent =
                stat.rsplit(')').next().and_then(|rest| rest.split_whitespace().nth(1)?.parse::<u32>().ok());
            parents.extend(parent.map(|parent| (pid, parent)));
        }
        let data = self.data().display().to_string();
        let is_supervisor = |pid: u32| {
            fs_err::read(format!("/proc/{pid}/cmdline")).is_ok_and(|line| {
                let mut words = line.split(|byte| *byte == 0);
                words.any(|word| word == b"__supervisor") && words.next() == Some(data.as_bytes())
            })
        };
        let first = parents.iter().map(|(pid, _)| *pid).find(|pid| is_supervisor(*pid));
        let mut family = vec![first.context("there is no supervisor")?];
        let mut next = 0;
        while let Some(one) = family.get(next).copied() {
            family.extend(parents.iter().filter(|(_, parent)| *parent == one).map(|(pid, _)| *pid));
            next += 1;
        }
        let pss = |pid: &u32| {
            let text = fs_err::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap_or_default();
            let line = text.lines().find_map(|line| line.strip_prefix("Pss:").map(str::to_owned));
            line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or(0) * 1024
        };
        Ok(family.iter().map(pss).sum())
    }
}
