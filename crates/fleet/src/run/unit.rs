//! Runs one unit: a subject's target in one variant, once.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use camino::{Utf8Path, Utf8PathBuf};
use charmproof_charm::interpreter::{Choice, Floor};
use charmproof_charm::names::PackageName;
use charmproof_charm::offerings::{Invocation, Runner, needs_juju};
use charmproof_sandbox::{
    CancelToken, CommandSpec, DiskLimit, Ended, Isolation, Launcher, Limits, LiveLine, LogTarget, Namespaces,
    Protection,
};
use charmproof_store::event::{CommandResult, Injection, Side, UnitId, UnitResult};
use charmproof_store::outcome::{Outcome, PrepareKind};
use jiff::Timestamp;

use super::environment::{SECRETS, settings_above};
use super::interpreter;
use super::invocation::{self, Chosen};
use super::judge::judge;
use super::key::{Inputs, key};
use super::lift;
use super::scrub::Scrub;
use super::settings::RunSettings;
use super::slot::{Slot, Stamp};
use super::subject::{Subject, SubjectSource, tree_reader};
use super::work::{PreparedUnit, Ready, Work};
use crate::corpus::git::Git;
use crate::inject::evidence::Evidence;
use crate::inject::unit_file::{LivesOrder, PackingOrder, UnitFile, WatchedPackage};
use crate::inject::{bytecode, inside, suite};
use crate::provision::libraries;
use crate::provision::pythons::Python;
use crate::provision::tools::{Tool, Tools};
use crate::swap::PreparedSwap;
use crate::swap::record::site_packages;

/// The folder of the cache for the root filesystems of the local Juju's units.
const IMAGES: &str = "images";

/// All that units share.
#[derive(Debug)]
pub struct RunContext<'a> {
    /// The cache.
    pub cache: Utf8PathBuf,
    /// The part of the cache that suites may write.
    pub work: Utf8PathBuf,
    /// The tools.
    pub tools: &'a Tools,
    /// Starts commands in the sandbox.
    pub launcher: &'a Launcher,
    /// Calls git.
    pub git: &'a Git,
    /// The interpreters of the host, oldest first.
    pub pythons: Vec<Python>,
    /// What the user decided.
    pub settings: &'a RunSettings,
    /// The variables of every suite.
    pub variables: BTreeMap<String, String>,
    /// The rest of the search path.
    pub search_path: String,
    /// The user's home, whose credentials are masked.
    pub home: Utf8PathBuf,
    /// What the candidate swaps in.
    pub candidate: &'a [PreparedSwap],
    /// What the baseline swaps in.
    pub baseline: &'a [PreparedSwap],
    /// This program.
    pub charmproof: Utf8PathBuf,
    /// Stops everything.
    pub cancel: &'a CancelToken,
    /// A text that changes whenever what plays lives or the local Juju does, for the keys of results.
    pub lives_version: &'a str,
    /// The command that repeats a run, without its target and charm.
    pub reproduce: String,
    /// The clock.
    pub now: fn() -> Timestamp,
}

impl RunContext<'_> {
    fn swaps(&self, side: Side) -> &[PreparedSwap] {
        match side {
            Side::Baseline => self.baseline,
            Side::Candidate => self.candidate,
        }
    }

    /// Returns what a side puts in, and what it only looks for because the other
    /// side puts it in.
    fn packages(&self, side: Side) -> Vec<WatchedPackage> {
        let other = match side {
            Side::Baseline => Side::Candidate,
            Side::Candidate => Side::Baseline,
        };
        let mut packages: Vec<WatchedPackage> = Vec::new();
        for swap in self.swaps(side) {
            packages.extend(watched(swap, true));
        }
        for swap in self.swaps(other) {
            for package in watched(swap, false) {
                if !packages.iter().any(|p| p.name == package.name) {
                    packages.push(package);
                }
            }
        }
        packages
    }

    /// Decides what a unit does, without writing anything.
    pub fn prepare(&self, subject: &Subject, unit: &UnitId) -> PreparedUnit {
        let work = self.decide(subject, unit);
        PreparedUnit { unit: unit.clone(), work }
    }

    fn decide(&self, subject: &Subject, unit: &UnitId) -> Work {
        let invocation = match invocation::choose(&unit.target, &subject.facts) {
            Chosen::Run(invocation) => invocation,
            Chosen::Nothing(outcome, why) => return Work::Nothing(outcome, why),
        };
        let (python, choice) = match self.python(subject, &invocation) {
            Ok(found) => found,
            Err(why) => return Work::Nothing(Outcome::CouldNotPrepare(PrepareKind::Interpreter), why),
        };
        let command = invocation::command_line(
            &invocation,
            &self.settings.arguments,
            subject.facts.hands_on_arguments(&invocation),
            self.settings.lives,
        );
        let packages = self.packages(unit.side);
        let limits = self.settings.limits(subject.limits, subject.default_limits);
        let swapped_libraries: Vec<String> = self
            .swaps(unit.side)
            .iter()
            .filter_map(|swap| match swap {
                PreparedSwap::Library(library) => Some(library.digest.clone()),
                PreparedSwap::Package(_) => None,
            })
            .collect();
        let mut edits: Vec<String> = choice.lifted.iter().map(ToString::to_string).collect();
        edits.push(library_digest(&subject.libraries));
        let mut key = key(&Inputs {
            tree: &subject.record.tree,
            root: subject.record.root.as_str(),
            words: &command.words,
            target: &unit.target,
            packages: &packages,
            libraries: &swapped_libraries,
            edits: &edits,
            python: &format!("{} {}", python.program, python.version),
            settings: self.settings,
            limits,
            lives: (invocation.runner == Runner::Lives || needs_juju(&unit.target))
                .then_some(self.lives_version),
        });
        // A repetition must never be answered by the run that it is to confirm.
        if unit.attempt > 0 {
            key = format!("{key}#{}", unit.attempt);
        }
        let target = unit.target.clone();
        Work::Run(Box::new(Ready { key, target, invocation, command, python, choice, packages, limits }))
    }

    /// Chooses the interpreter. Both sides use the same one, so the floors are those
    /// of everything that either side swaps in.
    fn python(&self, subject: &Subject, invocation: &Invocation) -> Result<(Python, Choice), String> {
        let mut floors: Vec<Floor> = self
            .candidate
            .iter()
            .chain(self.baseline)
            .filter_map(PreparedSwap::package)
            .filter_map(|package| {
                Some(Floor {
                    package: PackageName::new(&package.name),
                    requires_python: package.requires_python.as_deref()?.parse().ok()?,
                })
            })
            .collect();
        // Companions of one release ask for the same; once is enough to say so.
        let mut seen = Vec::new();
        floors.retain(|floor| {
            let text = floor.requires_python.to_string();
            let is_new = !seen.contains(&text);
            seen.push(text);
            is_new
        });
        interpreter::choose(&subject.facts, invocation, &self.pythons, floors)
    }

    /// Returns the result of a unit that runs nothing.
    pub fn without_running(&self, unit: &UnitId, outcome: Outcome, summary: &str) -> UnitResult {
        UnitResult {
            unit: unit.clone(),
            outcome,
            summary: summary.to_string(),
            cases: Vec::new(),
            injection: Injection::default(),
            commands: Vec::new(),
            invocation: String::new(),
            interpreter: None,
            environment: BTreeMap::new(),
            edits: Vec::new(),
            log: None,
            started_at: (self.now)(),
            duration_ms: 0,
            overhead_ms: 0,
            cpu_ms: 0,
            memory_peak_bytes: None,
            inputs: String::new(),
            reused_from: None,
            reproduce: self.reproduce_line(unit),
            protection: String::new(),
        }
    }

    /// Returns the command that repeats a unit's pair.
    pub fn reproduce_line(&self, unit: &UnitId) -> String {
        self.reproduce.replace("{target}", &unit.target).replace("{charm}", &unit.subject.0)
    }

    /// Runs a unit. Returns its result and the text of its log.
    ///
    /// Whatever goes wrong on our side is a result as well, never a panic or an
    /// error: one charm must not end a run of six hundred.
    pub fn run(&self, subject: &Subject, unit: &UnitId, ready: &Ready, live: &LiveLine) -> Done {
        let started = Instant::now();
        match self.try_run(subject, unit, ready, live, started) {
            Ok(done) => done,
            Err(trouble) => {
                let mut result = self.without_running(unit, trouble.outcome, &trouble.summary);
                result.duration_ms = millis(started.elapsed());
                result.invocation = ready.command.words.join(" ");
                result.inputs.clone_from(&ready.key);
                Done::Result(Box::new(result), trouble.log.into_bytes())
            }
        }
    }

    fn try_run(
        &self,
        subject: &Subject,
        unit: &UnitId,
        ready: &Ready,
        live: &LiveLine,
        started: Instant,
    ) -> Result<Done, Trouble> {
        let started_at = (self.now)();
        let reader = tree_reader(self.git, &self.cache);
        let snapshot =
            subject.source.snapshot(&reader).map_err(|e| Trouble::ours("read the charm's files", &e))?;
        if snapshot.digest.as_str() != subject.record.tree {
            return Err(Trouble {
                outcome: Outcome::ToolFailed,
                summary: "the charm's files changed during the run; run the check again".into(),
                log: String::new(),
            });
        }
        let place = match &subject.source {
            SubjectSource::Mirror { git_dir, .. } => git_dir.to_string(),
            SubjectSource::Folder(path) => path.to_string(),
        };
        let slot = Slot::take(&self.work, unit, &place)
            .map_err(|e| Trouble::ours("make a folder to work in", &e))?;
        let mut stamp = Stamp {
            manifest: subject.facts.manifest.clone(),
            tools: Tools::digest(),
            python: format!("{} {}", ready.python.program, ready.python.version),
            lifts: ready.choice.lifted.iter().map(ToString::to_string).collect(),
            swapped: ready
                .packages
                .iter()
                .filter(|package| package.version.is_some() && package.library.is_none())
                .map(|package| package.name.clone())
                .collect(),
            label: format!("{} {} {}", unit.subject, unit.target, unit.side.word()),
        };
        stamp.lifts.push(library_digest(&subject.libraries));
        let copied =
            slot.lay_out(&reader, &snapshot, &stamp).map_err(|e| Trouble::ours("copy the charm", &e))?;
        // Joining an empty path would leave a slash behind, which paths in logs lack.
        let charm_dir = match subject.record.root.as_str() {
            "" => slot.copy(),
            root => slot.copy().join(root),
        };
        let edits = self.edit(subject, unit.side, ready, &charm_dir)?;
        let unit_file = self.unit_file(&slot, unit.side, ready, &charm_dir)?;
        inside::lay_out(&unit_file).map_err(|e| Trouble::ours("lay out the helpers", &e))?;
        if unit_file.packing.is_some() {
            suite::lay_out(&unit_file.inside).map_err(|e| Trouble::ours("lay out the helpers", &e))?;
        }
        let spec = self.command(&slot, ready, &unit_file, &copied.borrowed_objects, live)?;
        let record =
            self.launcher.run(&spec, self.cancel).map_err(|e| Trouble::ours("start the sandbox", &e))?;
        if record.ended == Ended::Cancelled {
            return Ok(Done::Cancelled);
        }

        let raw = fs_err::read(&spec.log.path).unwrap_or_default();
        // The charm wrote `uv`; that a shim answers to it is nobody's business, and its
        // place would give one command two names.
        let text = String::from_utf8_lossy(&raw).replace(&format!("{}/", unit_file.shims), "");
        let evidence = Evidence::read(&unit_file.evidence, &charm_dir, &ready.packages);
        let mut judged = judge(unit, ready, &record, &text, &evidence, &charm_dir);
        for look in &evidence.environments {
            for folder in site_packages(Utf8Path::new(&look.prefix)) {
                // An environment elsewhere is not ours to read.
                if folder.starts_with(&slot.folder) {
                    bytecode::take_in(&unit_file.bytecode, &folder);
                }
            }
        }
        // An environment that could not be made must not be found half-made.
        if !matches!(judged.outcome, Outcome::CouldNotPrepare(_) | Outcome::ToolFailed)
            && ended_by_itself(&record.ended)
        {
            slot.keep(&stamp);
        }
        let scrub = Scrub { charm_dir: &charm_dir, slot: &slot.folder };
        for case in &mut judged.cases {
            case.name = scrub.case(&case.name);
            if let Some(failure) = &mut case.failure {
                failure.message = scrub.text(&failure.message);
                failure.excerpt = scrub.text(&failure.excerpt);
            }
        }
        let log = scrub.log(&text).into_bytes();
        let duration = started.elapsed();
        let injection = judged.injection;
        Ok(Done::Result(
            Box::new(UnitResult {
                unit: unit.clone(),
                outcome: judged.outcome,
                summary: scrub.text(&judged.summary),
                cases: judged.cases,
                injection,
                commands: judged
                    .commands
                    .into_iter()
                    .map(|c| CommandResult { command: scrub.text(&c.command), ..c })
                    .collect(),
                invocation: ready.command.words.join(" ").replace(" run --colored no", ""),
                interpreter: Some(format!(
                    "{} ({})",
                    evidence.python.clone().unwrap_or_else(|| ready.python.version.clone()),
                    ready.choice.why
                )),
                environment: evidence.distributions,
                edits,
                log: None,
                started_at,
                duration_ms: millis(duration),
                overhead_ms: millis(duration.saturating_sub(record.duration)),
                cpu_ms: millis(record.cpu_time),
                memory_peak_bytes: Some(record.memory_peak_bytes),
                inputs: ready.key.clone(),
                reused_from: None,
                reproduce: self.reproduce_line(unit),
                protection: protection_words(&record.protection),
            }),
            log,
        ))
    }

    /// Does to the copy what must be done before it can run, and says what.
    fn edit(
        &self,
        subject: &Subject,
        side: Side,
        ready: &Ready,
        charm_dir: &Utf8Path,
    ) -> Result<Vec<String>, Trouble> {
        let ours = |e: &std::io::Error| Trouble::ours("edit the copy", e);
        let mut edits = lift::apply(&ready.choice.lifted, charm_dir).map_err(|e| ours(&e))?;
        edits.extend(libraries::install(&subject.libraries, charm_dir).map_err(|e| ours(&e))?);
        for swap in self.swaps(side) {
            let PreparedSwap::Library(library) = swap else { continue };
            let path = charm_dir.join(library.spec.file());
            // A library that the charm does not carry is not the charm's concern.
            if path.is_file() {
                fs_err::write(&path, &library.content).map_err(|e| ours(&e))?;
                edits.push(format!("replaced {}", library.spec.file()));
            }
        }
        Ok(edits)
    }

    fn unit_file(
        &self,
        slot: &Slot,
        side: Side,
        ready: &Ready,
        charm_dir: &Utf8Path,
    ) -> Result<UnitFile, Trouble> {
        let mut environment = self.settings.environment.clone();
        if let Some(options) = &ready.command.pytest_options {
            environment
                .entry("PYTEST_ADDOPTS".into())
                .and_modify(|own| *own = format!("{own} {options}"))
                .or_insert_with(|| options.clone());
        }
        Ok(UnitFile {
            charmproof: self.charmproof.clone(),
            evidence: slot.folder.join("evidence.jsonl"),
            side,
            baseline_swapped: !self.baseline.is_empty(),
            packages: ready.packages.clone(),
            environment,
            werror: self.settings.werror,
            shims: slot.folder.join("shims"),
            inside: slot.folder.join("inside"),
            base_python: lift::base_pythons(&ready.choice.lifted),
            passed_on: self.variables.clone(),
            charm_dir: charm_dir.to_path_buf(),
            uv: self.tools.uv().map_err(|e| Trouble::ours("provide uv", &e))?,
            bytecode: bytecode::store(&self.cache),
            lives: (ready.invocation.runner == Runner::Lives).then(|| LivesOrder {
                cache: self.cache.clone(),
                python: ready.python.clone(),
                swaps: self.swaps(side).to_vec(),
                search_path: self.search_path.clone(),
                uses_namespaces: self.settings.sandbox,
                memory_bytes: mib(ready.limits.memory_mib),
            }),
            packing: needs_juju(&ready.target).then(|| PackingOrder {
                cache: self.cache.clone(),
                pythons: self.pythons.clone(),
                swaps: self.swaps(side).to_vec(),
                search_path: self.search_path.clone(),
                uses_namespaces: self.settings.sandbox,
            }),
        })
    }

    /// Returns where the programs are that run the charm's suites.
    fn runners(&self, ready: &Ready, charm_dir: &Utf8Path) -> Result<Vec<Utf8PathBuf>, Trouble> {
        let provide = |tool| {
            self.tools
                .bin(tool, &ready.python.program, &ready.python.minor())
                .map_err(|e| Trouble::ours("provide the tools", &e))
        };
        let mut path = vec![provide(Tool::Tox)?];
        let text = fs_err::read_to_string(charm_dir.join("tox.ini")).unwrap_or_default()
            + &fs_err::read_to_string(charm_dir.join("pyproject.toml")).unwrap_or_default()
            + &fs_err::read_to_string(charm_dir.join("tox.toml")).unwrap_or_default()
            + &fs_err::read_to_string(charm_dir.join("Makefile")).unwrap_or_default();
        if text.contains("poetry") {
            path.push(provide(Tool::Poetry)?);
        }
        if ready.invocation.runner == Runner::Just || text.contains("just") {
            path.push(provide(Tool::Just)?);
        }
        Ok(path)
    }

    fn command(
        &self,
        slot: &Slot,
        ready: &Ready,
        unit: &UnitFile,
        borrowed: &[Utf8PathBuf],
        live: &LiveLine,
    ) -> Result<CommandSpec, Trouble> {
        let mut path = vec![unit.shims.clone()];
        // Lives are played by charmproof, which needs none of what runs suites.
        if ready.invocation.runner != Runner::Lives {
            path.extend(self.runners(ready, &unit.charm_dir)?);
        }
        if let Some(folder) = ready.python.program.parent() {
            path.push(folder.to_path_buf());
        }
        // Other versions must be found too, by their full names.
        for python in self.pythons.iter().rev() {
            if let Some(folder) = python.program.parent()
                && !path.iter().any(|p| p == folder)
            {
                path.push(folder.to_path_buf());
            }
        }
        let mut search_path: Vec<String> = path.iter().map(ToString::to_string).collect();
        search_path.push(self.search_path.clone());

        let mut environment = self.variables.clone();
        environment.extend(unit.environment.clone());
        if self.settings.werror {
            let own = environment.get("PYTHONWARNINGS").cloned().unwrap_or_default();
            let separator = if own.is_empty() { "" } else { "," };
            environment.insert("PYTHONWARNINGS".into(), format!("error{separator}{own}"));
        }
        environment.insert("PATH".into(), search_path.join(":"));
        environment.insert("HOME".into(), slot.folder.join("home").to_string());
        environment.insert("PYTHONPATH".into(), unit.inside.to_string());
        environment.insert("UV_PYTHON".into(), ready.python.program.to_string());
        let git_config = slot.folder.join("home/.gitconfig");
        fs_err::write(
            &git_config,
            "[safe]\n\tdirectory = *\n[user]\n\tname = charmproof\n\temail = charmproof@localhost\n[init]\n\tdefaultBranch = main\n",
        )
        .map_err(|e| Trouble::ours("write into the slot", &e))?;
        environment.insert("GIT_CONFIG_GLOBAL".into(), git_config.to_string());
        if !self.settings.sandbox {
            environment.insert("TMPDIR".into(), slot.folder.join("tmp").to_string());
        }

        let mut visible = vec![self.cache.clone()];
        visible.extend(self.charmproof.parent().map(Utf8Path::to_path_buf));
        visible.extend(borrowed.iter().cloned());
        let mut writable = vec![self.work.clone()];
        if unit.packing.is_some() {
            // Root filesystems of units are kept for all runs, as they take long to make.
            let images = self.cache.join(IMAGES);
            fs_err::create_dir_all(&images).map_err(|e| Trouble::ours("make the folder of images", &e))?;
            writable.push(images);
        }
        let limits = ready.limits;
        let mut hidden: Vec<_> = SECRETS.iter().map(|secret| self.home.join(secret)).collect();
        hidden.extend(settings_above(&slot.folder));
        let mut words = ready.command.words.clone().into_iter();
        let mut program = words.next().unwrap_or_default();
        let mut arguments: Vec<String> = words.collect();
        let unit_file = unit.inside.join("unit.json").into_string();
        if ready.invocation.runner == Runner::Lives {
            program = self.charmproof.to_string();
            arguments.extend(["--unit".into(), unit_file]);
        } else if unit.packing.is_some() {
            // charmproof packs the charm, starts the suite with a Juju beside it, and ends that.
            let suite = std::iter::once(program).chain(arguments);
            arguments = ["__integration", "--unit", &unit_file, "--"]
                .map(String::from)
                .into_iter()
                .chain(suite)
                .collect();
            program = self.charmproof.to_string();
        }
        Ok(CommandSpec {
            program: program.into(),
            arguments: arguments.into_iter().map(Into::into).collect(),
            working_directory: unit.charm_dir.clone(),
            environment,
            isolation: Isolation {
                namespaces: if self.settings.sandbox { Namespaces::Preferred } else { Namespaces::Off },
                private_processes: true,
                read_only_host: true,
                // Machines of the local Juju are namespaces and mounts of their own.
                keeps_capabilities: unit.packing.is_some(),
                writable,
                visible,
                hidden,
                private_tmp: Some(slot.folder.join("tmp")),
            },
            limits: Limits {
                wall: Duration::from_secs(limits.timeout_s),
                silence: Some(Duration::from_secs(limits.silence_s)),
                grace: Duration::from_secs(2),
                memory_bytes: Some(mib(limits.memory_mib)),
                processes: Some(u32::try_from(limits.processes).unwrap_or(u32::MAX)),
                file_bytes: Some(mib(limits.disk_mib)),
                disk: Some(DiskLimit {
                    path: slot.folder.clone(),
                    bytes_max: Some(mib(limits.disk_mib)),
                    free_bytes_min: Some(mib(256)),
                }),
            },
            log: LogTarget {
                path: slot.folder.join("log.txt"),
                head_bytes: mib(limits.log_mib) / 2,
                tail_bytes: mib(limits.log_mib) / 2,
                live: Some(live.clone()),
            },
        })
    }
}

/// What came of a unit that was started.
#[derive(Debug)]
pub enum Done {
    /// A result, and the text of the log.
    Result(Box<UnitResult>, Vec<u8>),
    /// The user stopped it; there is no result.
    Cancelled,
}

/// How a unit ended because something of ours went wrong.
struct Trouble {
    outcome: Outcome,
    summary: String,
    log: String,
}

impl Trouble {
    fn ours(doing: &str, error: &(dyn std::error::Error + 'static)) -> Self {
        let mut log = error.to_string();
        let mut source = error.source();
        let mut is_full = is_disk_full(error);
        while let Some(error) = source {
            is_full |= is_disk_full(error);
            log.push_str("\ncaused by: ");
            log.push_str(&error.to_string());
            source = error.source();
        }
        let outcome = if is_full { Outcome::CouldNotPrepare(PrepareKind::Disk) } else { Outcome::ToolFailed };
        let first = log.lines().next().unwrap_or("").to_string();
        Self { outcome, summary: format!("could not {doing}: {first}"), log }
    }
}

fn is_disk_full(error: &(dyn std::error::Error + 'static)) -> bool {
    error.downcast_ref::<std::io::Error>().is_some_and(|e| e.kind() == std::io::ErrorKind::StorageFull)
        || error.to_string().contains("No space left on device")
}

fn library_digest(libraries: &[libraries::Provided]) -> String {
    libraries::Provision { provided: libraries.to_vec(), not_provided: Vec::new() }.digest()
}

fn ended_by_itself(ended: &Ended) -> bool {
    matches!(
        ended,
        Ended::Exited { .. } | Ended::TimedOut { .. } | Ended::Silent { .. } | Ended::OutOfMemory { .. }
    )
}

fn watched(swap: &PreparedSwap, is_own: bool) -> Vec<WatchedPackage> {
    let mut all = Vec::new();
    if let Some(package) = swap.package() {
        all.push(if is_own {
            let is_added = matches!(swap, PreparedSwap::Library(_));
            WatchedPackage { is_added, ..WatchedPackage::swapped(package) }
        } else {
            WatchedPackage::watched(&package.name, &package.modules)
        });
    }
    if let PreparedSwap::Library(library) = swap {
        all.push(WatchedPackage::library(library, is_own));
    }
    all
}

fn protection_words(protection: &Protection) -> String {
    use charmproof_sandbox::{Control, FileProtection, ProcessProtection};
    let processes = match protection.processes {
        ProcessProtection::PidNamespace => "own processes",
        ProcessProtection::Subreaper => "processes watched",
    };
    let files = match protection.files {
        FileProtection::ReadOnlyHost => "host read-only",
        FileProtection::PrivateMounts => "host writable, own /tmp",
        FileProtection::None => "host writable",
    };
    let memory = match protection.memory {
        Control::CgroupV1 | Control::CgroupV2 => "memory by cgroup",
        Control::Watched => "memory watched",
        Control::Unbounded => "memory unbounded",
    };
    format!("{processes}, {files}, {memory}")
}

fn mib(number: u64) -> u64 {
    number.saturating_mul(1024 * 1024)
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
