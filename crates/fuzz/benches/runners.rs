//! How many hooks a second each runner runs, next to `ops.testing` in the same minutes.
//!
//! Prints figures and asserts nothing. Hooks are measured as the difference between a life with
//! them and the same life without; of several repetitions the best counts, since whatever else
//! the machine does makes all of them longer. Rates are those of one processor: what is compared
//! is bound to one, and it is the time that processors worked which counts, that of the agent,
//! of Pebble and of all processes of the charm, so that a busy machine makes little difference.
//! What the clock says is printed below. With words as arguments, only the parts that they name are measured: `hooks`,
//! `coverage`, `tools`, `jobs`, `lives`.

#![expect(clippy::unwrap_used, reason = "a benchmark that cannot go on has nothing to say")]
#![expect(clippy::print_stdout, reason = "figures are printed")]

#[path = "../tests/runners/subject.rs"]
mod subject;
#[path = "../tests/workshop/mod.rs"]
mod workshop;

use std::collections::BTreeMap;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use camino::Utf8Path;
use charmproof_agent::runner::{Interpreter, Mode};
use charmproof_agent::standins::Rules;
use charmproof_fuzz::oracle::{Oracle, Questions};
use charmproof_fuzz::player::{Actor, Looks, Play, Played, play};
use charmproof_fuzz::search::{Settings, Subject, search};
use charmproof_lifecycle::generator::generate;
use charmproof_lifecycle::life::{Happening, Phase, Step, Target};
use charmproof_lifecycle::performance::Afterwards;
use charmproof_lifecycle::stimulus::Stimulus;
use charmproof_lifecycle::vocabulary::{Hook, HookKind, Outcome};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use subject::{example, folder_with, plan, subject};
use workshop::Workshop;

/// How often each life is played.
const REPETITIONS: usize = 5;
/// How long `ops.testing` runs its hook.
const PEER_S: u32 = 8;
/// A seed whose unit leads.
const SEED: u64 = 1;
const PEER_REQUIREMENTS: &str = "ops[testing]>=3,<4\n";

/// A hook of an example.
struct Measured {
    subject: Subject,
    event: &'static str,
    folder: &'static str,
    preload: &'static str,
    rules: Rules,
    /// What makes the hook run again.
    stimulus: Stimulus,
    kind: HookKind,
}

fn main() {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let asked = |part: &str| words.is_empty() || words.iter().any(|word| word == part);
    let workshop = Workshop::new();
    let all = sched_getaffinity(None).unwrap();
    let measured = [tinyproxy(&workshop), guestbook(&workshop)];
    bind(&one_of(&all));
    if asked("hooks") {
        println!(
            "{:<34}{:>10}{:>10}{:>10}{:>10}{:>8}",
            "hooks a second of one processor", "cold", "fork", "sequence", "testing", "tools"
        );
        for measured in &measured {
            hooks(&workshop, measured);
        }
    }
    if asked("coverage") {
        coverage(&measured);
    }
    if asked("tools") {
        tool_calls(&workshop);
    }
    bind(&all);
    if asked("jobs") {
        jobs(&measured[0]);
    }
    if asked("lives") {
        lives(&measured[0]);
    }
}

fn tinyproxy(workshop: &Workshop) -> Measured {
    let preload = "tinyproxy/preload.py";
    tinyproxy_with(workshop, "t", &example(preload), preload)
}

fn tinyproxy_with(workshop: &Workshop, name: &str, file: &Utf8Path, preload: &'static str) -> Measured {
    Measured {
        subject: subject(workshop, name, &example("tinyproxy"), Some(file)),
        event: "update-status",
        folder: "tinyproxy",
        preload,
        rules: Rules::default(),
        stimulus: Stimulus::TimePasses,
        kind: HookKind::UpdateStatus,
    }
}

fn guestbook(workshop: &Workshop) -> Measured {
    let rules = fs_err::read_to_string(example("guestbook/rules.toml")).unwrap();
    Measured {
        subject: subject(workshop, "g", &example("guestbook"), None),
        event: "config-changed",
        folder: "guestbook",
        preload: "",
        rules: Rules::parse(Utf8Path::new("rules.toml"), &rules).unwrap(),
        stimulus: Stimulus::ConfigChanges,
        kind: HookKind::ConfigChanged,
    }
}

/// How long something took: on processors, and by the clock.
#[derive(Clone, Copy)]
struct Took {
    worked: Duration,
    passed: Duration,
}

impl Took {
    const FOR_EVER: Self = Self { worked: Duration::MAX, passed: Duration::MAX };

    fn of(action: impl FnOnce()) -> Self {
        let (worked, began) = (processor_time(), Instant::now());
        action();
        Self { worked: processor_time().saturating_sub(worked), passed: began.elapsed() }
    }

    /// Returns the shorter of each.
    fn min(self, other: Self) -> Self {
        Self { worked: self.worked.min(other.worked), passed: self.passed.min(other.passed) }
    }

    fn without(self, other: Self) -> Self {
        Self {
            worked: self.worked.saturating_sub(other.worked),
            passed: self.passed.saturating_sub(other.passed),
        }
    }
}

/// Returns how long processors worked for this process and all below it.
fn processor_time() -> Duration {
    const TICK: Duration = Duration::from_millis(10);
    let mut all: BTreeMap<u32, (u32, u32)> = BTreeMap::new();
    for entry in fs_err::read_dir("/proc").unwrap().flatten() {
        let Some(id) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        let Ok(text) = fs_err::read_to_string(entry.path().join("stat")) else { continue };
        // The name in brackets may hold anything, brackets as well.
        let Some((_, rest)) = text.rsplit_once(')') else { continue };
        let fields: Vec<&str> = rest.split_whitespace().collect();
        // Own time, and that of the children that were waited for (proc_pid_stat, 14 to 17).
        let ticks = fields[11..15].iter().filter_map(|field| field.parse::<u32>().ok()).sum();
        all.insert(id, (fields[1].parse().unwrap_or(0), ticks));
    }
    let mut found = 0;
    let mut around = vec![std::process::id()];
    while let Some(id) = around.pop() {
        found += all.get(&id).map_or(0, |(_, ticks)| *ticks);
        around.extend(all.iter().filter(|(_, (parent, _))| *parent == id).map(|(child, _)| *child));
    }
    found * TICK
}

/// Prints what each runner makes of a hook.
fn hooks(workshop: &Workshop, measured: &Measured) {
    let runs = [(Mode::Cold, 8), (Mode::Fork, 100), (Mode::Sequence, 300)];
    let took = runs.map(|(mode, hooks)| (hooks, Bench::new(measured, true).time_of(mode, hooks)));
    let peer = peer(workshop, measured);
    let [cold, fork, sequence] = took.map(|(hooks, took)| hooks as f64 / took.worked.as_secs_f64());
    let by_clock = took.map(|(hooks, took)| hooks as f64 / took.passed.as_secs_f64());
    let tools = Bench::new(measured, true).tool_calls();
    let what = format!("{}, {}", measured.folder, measured.event);
    println!("{what:<34}{cold:>10.1}{fork:>10.1}{sequence:>10.1}{peer:>10.1}{tools:>8.1}");
    let ratio = |rate: f64| rate / peer;
    println!(
        "{:<34}{:>10.3}{:>10.3}{:>10.3}{:>10.3}",
        "  to ops.testing",
        ratio(cold),
        ratio(fork),
        ratio(sequence),
        1.0
    );
    println!("{:<34}{:>10.1}{:>10.1}{:>10.1}", "  by the clock", by_clock[0], by_clock[1], by_clock[2]);
}

/// An interpreter of a charm, and lives with as many hooks of one kind as asked for.
struct Bench<'a> {
    measured: &'a Measured,
    interpreter: Interpreter,
}

impl<'a> Bench<'a> {
    fn new(measured: &'a Measured, counts_lines: bool) -> Self {
        let mut spec = measured.subject.interpreter.clone();
        spec.work = spec.work.join("i");
        spec.counts_lines = counts_lines;
        if spec.work.exists() {
            fs_err::remove_dir_all(&spec.work).unwrap();
        }
        let interpreter = Interpreter::start(spec).unwrap();
        assert_eq!(interpreter.welcome().cold, None);
        Self { measured, interpreter }
    }

    /// Returns what so many hooks take.
    fn time_of(&mut self, mode: Mode, hooks: usize) -> Took {
        let repetitions = if mode == Mode::Cold { 2 } else { REPETITIONS };
        let mut best = [Took::FOR_EVER; 2];
        for _ in 0..repetitions {
            for (best, hooks) in best.iter_mut().zip([0, hooks]) {
                *best = best.min(Took::of(|| drop(self.play(mode, hooks))));
            }
        }
        best[1].without(best[0])
    }

    /// Returns how many tools a hook calls.
    fn tool_calls(&mut self) -> f64 {
        let played = self.play(Mode::Fork, 10);
        let last = played.hooks.iter().rev().take(10).map(|hook| hook.effects.calls.len());
        last.sum::<usize>() as f64 / 10.0
    }

    fn play(&mut self, mode: Mode, hooks: usize) -> Played {
        let subject = &self.measured.subject;
        let plan = plan(subject, 0);
        let mut script = generate(&plan, SEED);
        script.retain(|step| step.phase == Phase::Setup);
        let unit = subject.application.numbered(0);
        for _ in 0..hooks {
            let stimulus = self.measured.stimulus.clone();
            let target = if matches!(stimulus, Stimulus::ConfigChanges) {
                Target::Application(subject.application.clone())
            } else {
                Target::Unit(unit.clone())
            };
            let hook = Hook::of_kind(self.measured.kind);
            for what in [
                Happening::Stimulus { target, stimulus },
                Happening::Hook { unit: unit.clone(), hook, outcome: Outcome::Ok, leads: true },
            ] {
                script.push(Step { phase: Phase::Operation, what });
            }
        }
        let mut settings = Play {
            actors: vec![Actor {
                application: subject.application.clone(),
                metadata: Arc::clone(&subject.metadata),
                interpreter: &mut self.interpreter,
            }],
            mode,
            seed: SEED,
            hook_timeout_s: 30.0,
            hooks_max: 10_000,
            ends_at_failure: true,
            looks: Looks { storage: true, ..Looks::default() },
            rules: &self.measured.rules,
            stand_ins: None,
            is_trusted: false,
            shell: None,
            is_over: &|| false,
            cold_hooks: &[],
        };
        let played = play(&plan.stage, &script, Afterwards::Stop, &mut settings);
        assert_eq!(played.trouble, None);
        let failed = played.hooks.iter().find(|hook| !hook.exit.is_success());
        assert!(failed.is_none(), "{failed:?}");
        let of_kind = played.hooks.iter().rev().take_while(|hook| hook.hook.kind == self.measured.kind);
        assert!(of_kind.count() >= hooks, "the hook did not run each time: {:?}", played.steps);
        played
    }
}

/// Returns how many hooks a second `ops.testing` runs.
fn peer(workshop: &Workshop, measured: &Measured) -> f64 {
    let suite = folder_with(workshop, "peer", &[("requirements.txt", PEER_REQUIREMENTS)]);
    let charmcraft = example(measured.folder).join("charmcraft.yaml");
    fs_err::copy(charmcraft, suite.join("charmcraft.yaml")).unwrap();
    fs_err::create_dir_all(suite.join("src")).unwrap();
    fs_err::write(suite.join("src/charm.py"), "").unwrap();
    // The same charm that asks for the testing part of ops, and for nothing else.
    let manifest = suite.join("charmcraft.yaml");
    let text = fs_err::read_to_string(&manifest).unwrap().replace("plugin: uv", "plugin: charm");
    fs_err::write(&manifest, text).unwrap();
    let environment = workshop.environment(&suite);
    let preload =
        if measured.preload.is_empty() { String::new() } else { example(measured.preload).to_string() };
    let output = Command::new(&environment.python)
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/benches/runners/peer.py"))
        .args([example(measured.folder).as_str(), &preload, measured.event, &PEER_S.to_string()])
        .env("TMPDIR", "/dev/shm")
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.trim().parse().unwrap_or_else(|_| panic!("{text}{}", String::from_utf8_lossy(&output.stderr)))
}

/// Prints what it costs to note which lines ran.
fn coverage(measured: &[Measured]) {
    println!("\nwhat it costs to count lines, in sequence");
    for measured in measured {
        let mut counting = Bench::new(measured, true);
        let mut plain_measured = measured.subject.interpreter.clone();
        plain_measured.work = plain_measured.work.join("p");
        plain_measured.counts_lines = false;
        let mut plain = Bench { measured, interpreter: Interpreter::start(plain_measured).unwrap() };
        let (mut with, mut without) = (Took::FOR_EVER, Took::FOR_EVER);
        for _ in 0..3 {
            with = with.min(counting.time_of(Mode::Sequence, 200));
            without = without.min(plain.time_of(Mode::Sequence, 200));
        }
        let percent = (with.worked.as_secs_f64() / without.worked.as_secs_f64() - 1.0) * 100.0;
        println!("{:<34}{percent:>9.1} %", measured.folder);
    }
}

/// Prints what one call of a tool takes.
fn tool_calls(workshop: &Workshop) {
    let preload = Utf8Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/runners/tool_calls.py");
    let measured = tinyproxy_with(workshop, "c", &preload, "");
    let played = Bench::new(&measured, true).play(Mode::Fork, 0);
    let output = played.hooks.iter().find_map(|hook| hook.output.split_once("tool calls: "));
    let times: Vec<f64> =
        output.unwrap().1.split_whitespace().take(2).map(|time| time.parse().unwrap()).collect();
    println!(
        "\none call of a tool: {:.3} ms in process, {:.2} ms as a program",
        times[0] / 1000.0,
        times[1] / 1000.0
    );
}

/// Plays lives with all oracles. Returns how long it took, and how many hooks ran.
fn search_lives(measured: &Measured, jobs: usize, lives: u64) -> (Duration, u64) {
    let mut subject = measured.subject.clone();
    subject.interpreter.work = subject.interpreter.work.join(format!("s{jobs}"));
    let settings = Settings {
        plan: plan(&subject, 20),
        first_seed: 1,
        lives: Some(lives),
        time: None,
        jobs,
        questions: Questions {
            oracles: Oracle::ALL.iter().filter(|oracle| oracle.is_usual()).copied().collect(),
            hook_budget_s: 30.0,
        },
        hook_timeout_s: 30.0,
        hooks_max: 400,
        findings_max: 0,
        rules: Arc::new(Rules::default()),
        stand_ins: None,
        is_trusted: false,
        shell: None,
        corpus: Vec::new(),
        compares: false,
    };
    let report = search(&[subject], &settings, &|| false, &|_| {}).unwrap();
    assert_eq!(report.troubles, Vec::<String>::new());
    (report.took, report.hooks)
}

fn jobs(measured: &Measured) {
    let [one, two] = [1, 2].map(|jobs| {
        let times = [0; 2].map(|_| search_lives(measured, jobs, 64).0);
        times[0].min(times[1]).as_secs_f64()
    });
    println!(
        "\n64 lives of {}: {one:.1} s with one job, {two:.1} s with two, {:.2} times as fast",
        measured.folder,
        one / two
    );
}

fn lives(measured: &Measured) {
    const LIVES: u64 = 200;
    let (took, hooks) = search_lives(measured, 2, LIVES);
    let each = took.as_secs_f64() / LIVES as f64;
    println!(
        "{LIVES} lives of {}, oracles on, two jobs: {:.1} s with {hooks} hooks; a thousand take {:.0} s",
        measured.folder,
        took.as_secs_f64(),
        each * 1000.0
    );
}

fn one_of(all: &CpuSet) -> CpuSet {
    let mut one = CpuSet::new();
    one.set((0..CpuSet::MAX_CPU).rev().find(|number| all.is_set(*number)).unwrap());
    one
}

fn bind(to: &CpuSet) {
    sched_setaffinity(None, to).unwrap();
}
