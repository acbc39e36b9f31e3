//! `cargo xtask bench`: how fast charms are run, and how fast a fleet is checked.
//!
//! Prints times and ratios; asserts nothing. `runners` is a benchmark of its own, in
//! `crates/fuzz/benches`: hooks a second, next to `ops.testing`. `fleet` is the same fleet on the
//! same machine, with charmproof and hyrum in turn. Both tools begin with empty package
//! caches and with their own tools installed. hyrum cannot resolve a checkout of ops
//! whose manifest has uv's workspace table: it then ends early and has run no test. So
//! that both do the work, that table is taken out of the checkout, and hyrum finds all
//! interpreters that charmproof finds. How many charms each tool took to a result of
//! their own tests is printed too. `local` is the local Juju. What is measured of fleets:
//!
//! - (a) the first comparison of two variants: hyrum needs two runs for it;
//! - (b) a second candidate after an edit of one line in the swapped checkout;
//! - (c) the same again with nothing changed.

mod local;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

const HYRUM: &str = "hyrum==1.0.0";
const OPS: [(&str, &str); 3] =
    [("ops==3.8.1", ""), ("ops-scenario==8.8.1", "testing"), ("ops-tracing==3.8.1", "tracing")];
/// Given to both tools, so that the charm that hangs costs both the same at most.
const TIMEOUT_S: &str = "60";

struct Bench {
    root: PathBuf,
    folder: PathBuf,
    program: PathBuf,
    index: String,
}

pub(crate) fn run(root: &Path, arguments: &[String]) -> Result<ExitCode> {
    let has = |name: &str| arguments.iter().any(|word| word == name);
    let all = !["runners", "fleet", "local"].into_iter().any(has);
    if all || has("runners") {
        runners(root)?;
    }
    if all || has("fleet") {
        let number = arguments.iter().find(|word| word.parse::<u32>().is_ok());
        fleet(root, number.map_or("2", String::as_str), has("--keep"))?;
    }
    if all || has("local") {
        let (program, folder) = prepared(root)?;
        let result = local::run(root, &program, &folder);
        tidied(&folder, has("--keep"), result)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Returns the release of the program, and an empty folder.
fn prepared(root: &Path) -> Result<(PathBuf, PathBuf)> {
    let folder = std::env::temp_dir().join(format!("charmproof-bench-{}", std::process::id()));
    fs_err::create_dir_all(&folder)?;
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    let program = target.join("release/charmproof");
    if !program.exists() {
        bail!("{} is missing; run `make build` first", program.display());
    }
    Ok((program, folder))
}

/// Removes the folder, unless it is to be kept.
fn tidied(folder: &Path, keep: bool, result: Result<()>) -> Result<()> {
    if keep {
        println!("kept: {}", folder.display());
    } else {
        fs_err::remove_dir_all(folder)?;
    }
    result
}

/// How many hooks a second each runner runs.
fn runners(root: &Path) -> Result<()> {
    let status = Command::new("cargo")
        .args(["bench", "--quiet", "--locked", "-p", "charmproof-fuzz", "--bench", "runners"])
        .current_dir(root)
        .status()
        .context("could not start cargo")?;
    if !status.success() {
        bail!("the benchmark of the runners ended with {status}");
    }
    println!();
    Ok(())
}

/// How long a fleet takes, next to hyrum.
fn fleet(root: &Path, workers: &str, keep: bool) -> Result<()> {
    let (program, folder) = prepared(root)?;
    let index = std::env::var("POETRY_PYPI_MIRROR_URL").unwrap_or_default();
    let bench = Bench { root: root.to_path_buf(), folder: folder.clone(), program, index };
    tidied(&folder, keep, bench.all(workers))
}

impl Bench {
    fn all(&self, workers: &str) -> Result<()> {
        println!("preparing (not measured): hyrum and its tools, charmproof's tools, a checkout of ops");
        self.venv()?;
        self.operator()?;
        self.fleets()?;
        // charmproof brings its tools; hyrum's were just installed. Neither is measured.
        self.charmproof(
            &["check", "unit", "one-charm", "--swap", "ops==3.8.1", "--charm", "tox-toml"],
            "warm",
        )?;
        fs_err::remove_dir_all(self.folder.join("cache/work"))?;
        fs_err::remove_dir_all(self.folder.join("cache/store"))?;
        fs_err::remove_dir_all(self.folder.join("cache/swaps"))?;

        let swap = format!("ops @ {}", self.folder.join("operator").display());
        let check = ["check", "unit", "fleet", "--swap", &swap, "--timeout", TIMEOUT_S, "--jobs", workers];
        let hyrum = |patch: &[&str]| {
            let mut words = vec!["check", "unit", "--timeout", TIMEOUT_S, "--workers", workers, "--no-fail"];
            words.extend(patch);
            self.hyrum(&words)
        };

        let hyrum_first = hyrum(&["--no-patch"])? + hyrum(&["--patch", &swap])?;
        let ours_first = self.charmproof(&check, "first")?;
        self.edit()?;
        let hyrum_second = hyrum(&["--patch", &swap])?;
        let ours_second = self.charmproof(&check, "second")?;
        self.tested()?;
        let hyrum_again = hyrum(&["--patch", &swap])?;
        let ours_again = self.charmproof(&check, "again")?;

        println!("\n{workers} at once on {} processors; example fleet, target unit", processors());
        println!("{:<44} {:>10} {:>12} {:>8}", "", "hyrum", "charmproof", "ratio");
        for (what, theirs, ours) in [
            ("(a) first comparison, cold caches", hyrum_first, ours_first),
            ("(b) second candidate, one line edited", hyrum_second, ours_second),
            ("(c) the same again, nothing changed", hyrum_again, ours_again),
        ] {
            println!(
                "{what:<44} {:>8.1} s {:>10.2} s {:>8.3}",
                theirs.as_secs_f64(),
                ours.as_secs_f64(),
                ours.as_secs_f64() / theirs.as_secs_f64()
            );
        }
        self.overhead()
    }

    /// Prints what charmproof itself took per unit, from the JSON report of the second
    /// check, where every candidate was really run.
    fn overhead(&self) -> Result<()> {
        let script = "import json,sys,glob,os\n\
             logs=sorted(glob.glob(sys.argv[1]+'/cache/store/runs/*/log.jsonl'),key=os.path.getmtime)\n\
             own=sorted(r['overhead_ms'] for l in open(logs[-2]) for r in [json.loads(l)] if r.get('event')=='unit-finished' and not r.get('reused_from') and r['duration_ms'])\n\
             print('own overhead per unit run: median %d ms, largest %d ms, %d units' % (own[len(own)//2],own[-1],len(own)) if own else 'no unit was run')";
        self.script(script)
    }

    /// Prints how many charms' own tests came to a result with the second candidate.
    fn tested(&self) -> Result<()> {
        let script = "import json,sys,glob,os\n\
             theirs=json.load(open(sys.argv[1]+'/home/.cache/hyrum/results/unit.auto.json'))['outcomes']\n\
             ended=[o for o in theirs if o['status'] in ('passed','timeout') or 'failed' in o['summary']]\n\
             log=sorted(glob.glob(sys.argv[1]+'/cache/store/runs/*/log.jsonl'),key=os.path.getmtime)[-1]\n\
             ours=[r for l in open(log) for r in [json.loads(l)] if r.get('event')=='unit-finished' and r['unit']['side']=='candidate' and not r['unit'].get('attempt')]\n\
             said=[r for r in ours if r['cases']]\n\
             print('charms whose own tests came to a result: hyrum %d of %d, charmproof %d of %d' % (len(ended),len(theirs),len(said),len(ours)))";
        self.script(script)
    }

    fn script(&self, script: &str) -> Result<()> {
        let status = Command::new("python3")
            .args(["-c", script])
            .arg(&self.folder)
            .current_dir(&self.folder)
            .status()?;
        if !status.success() {
            bail!("a log could not be read");
        }
        Ok(())
    }

    fn venv(&self) -> Result<()> {
        let uv = self.root.join(".tools/bin/uv");
        quiet(Command::new(&uv).args(["venv", "--quiet"]).arg(self.folder.join("venv")))?;
        quiet(
            Command::new(&uv)
                .args(["pip", "install", "--quiet", "--python"])
                .arg(self.folder.join("venv/bin/python"))
                .args([HYRUM, "tox", "tox-uv", "poetry", "poetry-plugin-pypi-mirror", "rust-just"]),
        )
    }

    /// Lays the three packages out as their repository does.
    fn operator(&self) -> Result<()> {
        for (requirement, place) in OPS {
            let to = self.folder.join("sdist").join(place);
            fs_err::create_dir_all(&to)?;
            quiet(
                Command::new("python3")
                    .args(["-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", ":all:", "--dest"])
                    .arg(&to)
                    .arg(requirement),
            )?;
            let archive = fs_err::read_dir(&to)?
                .flatten()
                .map(|entry| entry.path())
                .find(|path| path.to_string_lossy().ends_with(".tar.gz"))
                .with_context(|| format!("{requirement} has no source archive"))?;
            let source = self.folder.join("operator").join(place);
            fs_err::create_dir_all(&source)?;
            quiet(
                Command::new("tar")
                    .args(["xzf"])
                    .arg(archive)
                    .arg("-C")
                    .arg(&source)
                    .arg("--strip-components=1"),
            )?;
        }
        let manifest = self.folder.join("operator/pyproject.toml");
        let text = without_tables(&fs_err::read_to_string(&manifest)?, "[tool.uv");
        fs_err::write(&manifest, text)?;
        git(&self.folder.join("operator"))
    }

    /// Edits one line of the checkout.
    fn edit(&self) -> Result<()> {
        let path = self.folder.join("operator/ops/__init__.py");
        let text = fs_err::read_to_string(&path)?;
        fs_err::write(&path, format!("{text}\nEDITED_FOR_A_BENCHMARK = True\n"))?;
        Ok(())
    }

    /// A copy of the example fleet for each tool; hyrum edits its own.
    fn fleets(&self) -> Result<()> {
        let theirs = self.folder.join("charms/examples");
        fs_err::create_dir_all(&theirs)?;
        let ours = self.folder.join("fleet");
        quiet(Command::new("cp").arg("-r").arg(self.root.join("examples/fleet")).arg(&ours))?;
        quiet(
            Command::new("cp")
                .arg("-r")
                .arg(self.root.join("examples/tinyproxy"))
                .arg(self.folder.join("tinyproxy")),
        )?;
        quiet(Command::new("cp").arg("-r").arg(&ours).arg(self.folder.join("one-charm")))?;
        for entry in fs_err::read_dir(&ours)?.flatten() {
            if entry.path().is_dir() {
                quiet(Command::new("cp").arg("-r").arg(entry.path()).arg(&theirs))?;
                git(&theirs.join(entry.file_name()))?;
            }
        }
        quiet(Command::new("cp").arg("-r").arg(self.root.join("examples/tinyproxy")).arg(&theirs))?;
        git(&theirs.join("tinyproxy"))
    }

    fn hyrum(&self, words: &[&str]) -> Result<Duration> {
        let mut command = Command::new(self.folder.join("venv/bin/hyrum"));
        let venv = self.folder.join("venv/bin");
        let path = format!("{}:{}", venv.display(), interpreters_path());
        command
            .args(words)
            .arg("--charms-dir")
            .arg(self.folder.join("charms"))
            .env("PATH", path)
            .env("UV_CACHE_DIR", self.folder.join("hyrum-uv"))
            .env("PIP_CACHE_DIR", self.folder.join("hyrum-pip"))
            .env("POETRY_CACHE_DIR", self.folder.join("hyrum-poetry"))
            .env("HOME", self.folder.join("home"))
            .env("POETRY_PYPI_MIRROR_URL", &self.index)
            .env("UV_PYTHON_DOWNLOADS", "never");
        self.timed("hyrum", &mut command, &words.join(" "))
    }

    fn charmproof(&self, words: &[&str], what: &str) -> Result<Duration> {
        let mut command = Command::new(&self.program);
        command
            .args(words)
            .arg("--cache")
            .arg(self.folder.join("cache"))
            .env("POETRY_PYPI_MIRROR_URL", &self.index)
            .current_dir(&self.folder);
        self.timed(&format!("charmproof-{what}"), &mut command, &words.join(" "))
    }

    /// Runs a command whose exit status says what it found, and keeps what it said.
    fn timed(&self, name: &str, command: &mut Command, shown: &str) -> Result<Duration> {
        let log = fs_err::OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.folder.join(format!("{name}.log")))?;
        let (log, _) = log.into_parts();
        println!("{name}: {shown}");
        let started = Instant::now();
        let status = command
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .status()
            .with_context(|| format!("{name} could not be started"))?;
        let took = started.elapsed();
        println!("  {:.2} s, {status}", took.as_secs_f64());
        if !matches!(status.code(), Some(0 | 1)) {
            let text = fs_err::read_to_string(self.folder.join(format!("{name}.log")))?;
            let tail: Vec<&str> = text.lines().rev().take(20).collect();
            bail!("{name} did not do its work:\n{}", tail.into_iter().rev().collect::<Vec<_>>().join("\n"));
        }
        Ok(took)
    }
}

/// Makes a repository of a folder, with all that is in it.
fn git(folder: &Path) -> Result<()> {
    for words in [
        vec!["init", "--quiet"],
        vec!["add", "--all"],
        vec![
            "-c",
            "user.name=bench",
            "-c",
            "user.email=bench@localhost",
            "commit",
            "--quiet",
            "--message",
            "bench",
        ],
    ] {
        quiet(Command::new("git").args(words).current_dir(folder))?;
    }
    Ok(())
}

/// Runs a command that has to end well, and says what it said if it does not.
fn quiet(command: &mut Command) -> Result<()> {
    let output = command.stdin(Stdio::null()).output().with_context(|| format!("{command:?}"))?;
    if !output.status.success() {
        let said = [output.stdout, output.stderr].concat();
        bail!("{command:?} ended with {}:\n{}", output.status, String::from_utf8_lossy(&said));
    }
    Ok(())
}

/// Returns a TOML text without the tables whose heading begins so.
fn without_tables(text: &str, heading: &str) -> String {
    let mut is_dropped = false;
    text.split_inclusive('\n')
        .filter(|line| {
            if line.starts_with('[') {
                is_dropped = line.starts_with(heading);
            }
            !is_dropped
        })
        .collect()
}

/// Returns the search path with every interpreter of pyenv itself in the place of its
/// shims, which fail for versions that are not switched on.
fn interpreters_path() -> String {
    let own = std::env::var("PATH").unwrap_or_default();
    let mut folders: Vec<String> =
        own.split(':').filter(|folder| !folder.ends_with("/shims")).map(ToString::to_string).collect();
    let root = std::env::var("PYENV_ROOT").unwrap_or_default();
    let versions = std::fs::read_dir(format!("{root}/versions")).into_iter().flatten().flatten();
    let mut bins: Vec<String> = versions.map(|entry| format!("{}/bin", entry.path().display())).collect();
    bins.sort();
    bins.reverse();
    folders.extend(bins);
    folders.join(":")
}

fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}
