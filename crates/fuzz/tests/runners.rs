//! The three ways to run a hook do the same: cold, in a fork, and in one process for all hooks.
//! Charms that cannot be imported once for all hooks are noticed, and run cold.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "runners/subject.rs"]
mod subject;
mod workshop;

use std::sync::{Arc, LazyLock};

use camino::Utf8Path;
use charmproof_agent::runner::{Interpreter, Mode};
use charmproof_agent::standins::Rules;
use charmproof_fuzz::player::{Actor, HookRecord, Looks, Play, Played, play};
use charmproof_fuzz::script;
use charmproof_fuzz::search::Subject;
use charmproof_lifecycle::life::Step;
use charmproof_lifecycle::performance::Afterwards;
use regex::Regex;
use serde_json::Value;
use subject::{example, folder_with, plan, subject};
use workshop::Workshop;

/// How many lives of each charm are compared.
const SEEDS: std::ops::RangeInclusive<u64> = 1..=5;
/// How many hooks of each charm run cold one after the other. They take long.
const COLD_HOOKS_MAX: usize = 6;
const STIMULI: u32 = 10;
const REQUIREMENTS: &str = "ops>=3,<4\n";

/// A charm that is ready to run.
struct Stage {
    subject: Subject,
    rules: Rules,
    interpreter: Interpreter,
}

impl Stage {
    fn new(workshop: &Workshop, charm: &Utf8Path) -> Self {
        let preload = Some(charm.join("preload.py")).filter(|file| file.exists());
        let subject = subject(workshop, "w", charm, preload.as_deref());
        let rules = fs_err::read_to_string(charm.join("rules.toml")).unwrap_or_default();
        let mut spec = subject.interpreter.clone();
        spec.work = spec.work.join("i");
        Self {
            interpreter: Interpreter::start(spec).unwrap(),
            rules: Rules::parse("rules.toml".into(), &rules).unwrap(),
            subject,
        }
    }

    /// Why the charm is run cold.
    fn why_cold(&self) -> Option<&str> {
        self.interpreter.welcome().cold.as_deref()
    }

    fn script(&self, seed: u64) -> Vec<Step> {
        script::of_seed(&plan(&self.subject, STIMULI), seed)
    }

    fn play(&mut self, script: &[Step], seed: u64, mode: Mode, cold_hooks: &[usize]) -> Played {
        let hooks_max = if mode == Mode::Cold { COLD_HOOKS_MAX } else { 300 };
        self.play_at_most(script, seed, mode, cold_hooks, hooks_max)
    }

    fn play_at_most(
        &mut self,
        script: &[Step],
        seed: u64,
        mode: Mode,
        cold_hooks: &[usize],
        hooks_max: usize,
    ) -> Played {
        let stage = plan(&self.subject, STIMULI).stage;
        let mut settings = Play {
            actors: vec![Actor {
                application: self.subject.application.clone(),
                metadata: Arc::clone(&self.subject.metadata),
                interpreter: &mut self.interpreter,
            }],
            mode,
            seed,
            hook_timeout_s: 60.0,
            hooks_max,
            ends_at_failure: false,
            looks: Looks { storage: true, workloads: true, repeats: seed.is_multiple_of(2), states: false },
            rules: &self.rules,
            stand_ins: None,
            is_trusted: false,
            shell: None,
            is_over: &|| false,
            cold_hooks,
        };
        let played = play(&stage, script, Afterwards::Stop, &mut settings);
        assert_eq!(played.trouble, None);
        played
    }
}

/// Returns all that can be seen of hooks, in the order in which they ran. How a traceback begins
/// tells how the charm's program came to call `ops.main`, which is the runners' own affair; and ops
/// notes the time of the real clock with what concerns security.
fn seen(hooks: &[HookRecord]) -> Vec<String> {
    static BEGINNING: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r#"(?s)(Traceback \(most recent call last\):\\n).*?(  File \\+"[^\\]*/ops/_?main\.py)"#)
            .unwrap()
    });
    static TIME: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+\+00:00").unwrap());
    let records = hooks.iter().map(|record| in_order(serde_json::to_value(record).unwrap()).to_string());
    let records = records.map(|text| TIME.replace_all(&text, "now").into_owned());
    records.map(|text| BEGINNING.replace_all(&text, "$1$2").into_owned()).collect()
}

/// Puts calls of `relation-get` that follow each other in order: the units of a relation are a set
/// in ops, whose order depends on addresses.
fn in_order(mut record: Value) -> Value {
    if let Some(calls) = record.pointer_mut("/effects/calls").and_then(Value::as_array_mut) {
        for run in calls.chunk_by_mut(|one, other| {
            one.get("relation-get").is_some() && other.get("relation-get").is_some()
        }) {
            run.sort_by_key(Value::to_string);
        }
    }
    record
}

fn assert_same(charm: &str, seed: u64, how: &str, one: &[HookRecord], other: &[HookRecord]) {
    assert_eq!(one.len(), other.len(), "{charm}, seed {seed}, {how}");
    for (one, other) in seen(one).iter().zip(seen(other)) {
        assert!(*one == other, "{charm}, seed {seed}, {how}:\n{}", difference(one, &other));
    }
}

/// Shows where two texts part.
fn difference(one: &str, other: &str) -> String {
    let same = one.chars().zip(other.chars()).take_while(|(one, other)| one == other).count();
    let part = |text: &str| text.chars().skip(same.saturating_sub(150)).take(600).collect::<String>();
    format!("{}\n{}", part(one), part(other))
}

/// Plays lives of an example in all ways.
fn check(charm: &str) {
    let workshop = Workshop::new();
    let mut stage = Stage::new(&workshop, &example(charm));
    assert_eq!(stage.why_cold(), None);
    let mut hooks = 0;
    for seed in SEEDS {
        let script = stage.script(seed);
        let forked = stage.play(&script, seed, Mode::Fork, &[]);
        hooks += forked.hooks.len();
        if seed == *SEEDS.start() {
            // As Juju does it, all the way.
            let cold = stage.play(&script, seed, Mode::Cold, &[]);
            let forked = stage.play_at_most(&script, seed, Mode::Fork, &[], COLD_HOOKS_MAX);
            assert_same(charm, seed, "cold and fork", &cold.hooks, &forked.hooks);
            assert_eq!(cold.state, forked.state, "{charm}, seed {seed}");
            assert_eq!(cold.workloads, forked.workloads, "{charm}, seed {seed}");
        } else {
            // One hook of a life that is forked runs cold, another one in each life.
            let number = 1 + usize::try_from(seed).unwrap() * 7 % forked.hooks.len();
            let mixed = stage.play(&script, seed, Mode::Fork, &[number]);
            assert_same(charm, seed, "a cold hook among forks", &mixed.hooks, &forked.hooks);
            assert_eq!(mixed.state, forked.state, "{charm}, seed {seed}");
        }
        // No module of the examples remembers anything.
        let in_one = stage.play(&script, seed, Mode::Sequence, &[]);
        assert_same(charm, seed, "sequence and fork", &in_one.hooks, &forked.hooks);
        assert_eq!(in_one.state, forked.state, "{charm}, seed {seed}");
        assert_eq!(in_one.workloads, forked.workloads, "{charm}, seed {seed}");
    }
    assert!(hooks > 50, "{hooks} hooks show little");
}

/// A test for each example, and one that none is without.
macro_rules! examples {
    ($($test:ident: $folder:literal,)*) => {
        $(
            #[test]
            fn $test() {
                check($folder);
            }
        )*

        #[test]
        fn every_example_is_compared() {
            let mut named = vec![$($folder.to_owned()),*];
            named.sort_unstable();
            let mut there = vec!["tinyproxy".to_owned(), "guestbook".to_owned()];
            let all = example("defects").read_dir_utf8().unwrap().map(Result::unwrap);
            let folders = all.filter(|entry| entry.path().is_dir());
            there.extend(folders.map(|entry| format!("defects/{}", entry.file_name())));
            // It waits in each hook until it is killed.
            there.retain(|name| name != "defects/waits-for-file");
            there.sort_unstable();
            assert_eq!(there, named);
        }
    };
}

examples! {
    tinyproxy: "tinyproxy",
    guestbook: "guestbook",
    action_without_relation: "defects/action-without-relation",
    any_text: "defects/any-text",
    busy_for_ever: "defects/busy-for-ever",
    empty_databag: "defects/empty-databag",
    first_come: "defects/first-come",
    gone_units: "defects/gone-units",
    leader_only_write: "defects/leader-only-write",
    left_file: "defects/left-file",
    left_secret: "defects/left-secret",
    logged_password: "defects/logged-password",
    new_token: "defects/new-token",
    old_call: "defects/old-call",
    ping_pong: "defects/ping-pong",
    ping_pong_partner: "defects/ping-pong-partner",
    reboot_in_action: "defects/reboot-in-action",
    shared_password: "defects/shared-password",
    unready_container: "defects/unready-container",
    waits_in_vain: "defects/waits-in-vain",
}

const METADATA: &str = "name: small\nsummary: A charm.\ndescription: It is small.\n";
const HEAD: &str =
    "import os\nimport time\nimport uuid\nimport shutil\nimport logging\nimport threading\nimport ops\n";
const CHARM: &str = "
class SmallCharm(ops.CharmBase):
    def __init__(self, framework):
        super().__init__(framework)
        framework.observe(self.on.start, self._on_start)

    def _on_start(self, event):
        self.unit.status = ops.ActiveStatus(str(SEEN))
";
const MAIN: &str = "
if __name__ == '__main__':
    ops.main(SmallCharm)
";

/// What a charm is told about itself whose program has these lines before its class, or none.
fn check_import(lines: &str, expected: Option<&str>) {
    check_charm(&[("src/charm.py", &format!("{HEAD}{lines}\n{CHARM}{MAIN}"))], expected);
}

/// Plays a charm that is run cold, or not. What it does is what it does cold.
fn check_charm(files: &[(&str, &str)], expected: Option<&str>) {
    check_modes(files, expected, &[Mode::Fork, Mode::Sequence]);
}

fn check_modes(files: &[(&str, &str)], expected: Option<&str>, modes: &[Mode]) {
    let workshop = Workshop::new();
    let declared = [("metadata.yaml", METADATA), ("requirements.txt", REQUIREMENTS)];
    let charm = folder_with(&workshop, "small", &[&declared, files].concat());
    let mut stage = Stage::new(&workshop, &charm);
    assert_eq!(stage.why_cold(), expected);
    let script = stage.script(1);
    let cold = stage.play_at_most(&script, 1, Mode::Cold, &[], 5);
    for mode in modes {
        let other = stage.play_at_most(&script, 1, *mode, &[], 5);
        assert_same("small", 1, "cold", &cold.hooks, &other.hooks);
    }
    let statuses = cold.hooks.iter().filter(|record| record.exit.is_success()).count();
    assert!(statuses >= 4, "{:?}", cold.hooks);
}

#[test]
fn a_charm_whose_import_asks_for_nothing_is_run_warm() {
    let lines = "
SEEN = os.environ.get('HOME'), os.getenv('SMALL_SETTING'), 'EDITOR' in os.environ, shutil.which('sh')
logging.getLogger(__name__).debug('imported')";
    check_import(lines, None);
}

#[test]
fn a_charm_that_reads_a_variable_of_the_hook_is_run_cold() {
    let expected = Some("it asks for the variable JUJU_UNIT_NAME when it is imported");
    check_import("SEEN = os.environ.get('JUJU_UNIT_NAME')", expected);
    check_import("SEEN = os.getenv('JUJU_UNIT_NAME', '')", expected);
    check_import("SEEN = os.environ['JUJU_UNIT_NAME']", expected);
    check_import("SEEN = 'JUJU_UNIT_NAME' in os.environ", expected);
}

#[test]
fn a_charm_whose_library_reads_a_variable_of_the_hook_is_run_cold() {
    let program = format!("{HEAD}from charms.small.v0.seen import SEEN\n{CHARM}{MAIN}");
    let library = "import os\nSEEN = os.environ.get('CHARM_DIR')\n";
    let files = [("src/charm.py", program.as_str()), ("lib/charms/small/v0/seen.py", library)];
    check_charm(&files, Some("it asks for the variable CHARM_DIR when it is imported"));
}

#[test]
fn a_charm_that_takes_all_of_its_environment_is_run_cold() {
    let expected = Some("it asks for all of its environment, the variable PATH when it is imported");
    check_import("SEEN = len(os.environ.copy()) > 20", expected);
}

#[test]
fn a_charm_that_asks_for_the_path_is_run_cold() {
    let expected = Some("it asks for the variable PATH when it is imported");
    check_import("SEEN = os.environ['PATH']", expected);
}

#[test]
fn a_charm_that_looks_at_a_clock_or_draws_is_run_cold() {
    check_import("SEEN = time.time()", Some("it asks for the time when it is imported"));
    check_import("SEEN = uuid.uuid4()", Some("it asks for chance when it is imported"));
    check_import("import random\nSEEN = random.random()", Some("it asks for chance when it is imported"));
}

#[test]
fn a_charm_that_starts_threads_is_run_cold() {
    let lines = "SEEN = 1\nthreading.Thread(target=threading.Event().wait, daemon=True).start()";
    check_import(lines, Some("it starts threads when it is imported"));
}

#[test]
fn a_charm_that_changes_its_environment_is_run_cold() {
    let expected = Some("it changes its environment when it is imported");
    check_import("SEEN = 1\nos.environ['SMALL_SETTING'] = 'set'", expected);
}

#[test]
fn a_charm_that_calls_main_while_a_module_is_imported_is_run_cold() {
    let module = format!("{HEAD}SEEN = 1\n{CHARM}\nops.main(SmallCharm)\n");
    let files =
        [("src/charm.py", "import small\nprint('imported', small.SEEN)\n"), ("src/small.py", &module)];
    check_charm(&files, Some("it calls ops.main while one of its modules is imported"));
}

#[test]
fn a_charm_that_goes_on_after_main_is_run_cold() {
    let program = format!("{HEAD}SEEN = 1\n{CHARM}{MAIN}    print('done')\n");
    check_charm(&[("src/charm.py", &program)], Some("charm.py goes on after it has called ops.main"));
}

#[test]
fn a_charm_may_have_modules_of_any_name() {
    let names =
        ["tools", "lines", "root", "processes", "inspection", "capture", "thrift", "warmth", "owners"];
    let sum = names.map(|name| format!("{name}.SEEN")).join(" + ");
    let program = format!("{HEAD}import {}\nSEEN = {sum}\n{CHARM}{MAIN}", names.join(", "));
    let paths = names.map(|name| format!("src/{name}.py"));
    let mut files = vec![("src/charm.py", program.as_str())];
    files.extend(paths.iter().map(|path| (path.as_str(), "SEEN = 1\n")));
    check_charm(&files, None);
}

/// What Python does when a program ends is done at the end of a fork, too.
#[test]
fn what_is_left_to_the_end_of_the_process_is_done() {
    let lines = "
import atexit
import subprocess
import weakref
SEEN = 1
atexit.register(lambda: subprocess.run(['juju-log', 'at the end'], check=True))
class Charm:
    pass
def later():
    threading.main_thread().join()
    subprocess.run(['application-version-set', '1.0'], check=True)
def begin(self):
    self.file = open('/var/lib/small', 'a')
    self.file.write('written')
    threading.Thread(target=later).start()";
    let charm = CHARM.replace("str(SEEN))", "str(SEEN))\n        begin(self)");
    let program = format!("{HEAD}{lines}\n{charm}{MAIN}");
    let read =
        "        print(open('/var/lib/small').read() if os.path.exists('/var/lib/small') else 'nothing')\n";
    let program = program.replace("        framework.observe", &format!("{read}        framework.observe"));
    check_modes(&[("src/charm.py", &program)], None, &[Mode::Fork]);
}

#[test]
fn a_charm_that_cannot_be_imported_fails_in_each_hook_and_says_why() {
    let workshop = Workshop::new();
    let files = [
        ("metadata.yaml", METADATA),
        ("requirements.txt", REQUIREMENTS),
        ("src/charm.py", "import no_such_module\n"),
    ];
    let charm = folder_with(&workshop, "small", &files);
    let mut stage = Stage::new(&workshop, &charm);
    let why = stage.why_cold().unwrap();
    assert!(why.contains("No module named 'no_such_module'"), "{why}");
    let script = stage.script(1);
    let played = stage.play_at_most(&script, 1, Mode::Sequence, &[], 2);
    assert!(played.hooks.iter().all(|record| !record.exit.is_success()), "{:?}", played.hooks);
    assert!(played.hooks[0].output.contains("no_such_module"), "{:?}", played.hooks[0]);
}
