//! Charms and files that are up to no good: `charmproof fuzz` and `replay` say so, in bounds, and
//! blame whoever it was.

use std::fmt::Write as _;
use std::time::Duration;

use camino::Utf8Path;
use charmproof_testkit::{Charm, CliResult, Redactor, charm, processes_with, wait_until};

use crate::support::World;

const EXAMPLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/defects");

/// Returns a charm that does something when it starts, and is well otherwise.
fn that(name: &str, does: &str) -> Charm {
    let body = does.lines().fold(String::new(), |body, line| body + "        " + line + "\n");
    let program = format!(
        "import os\nimport subprocess\nimport sys\n\nimport ops\n\n\n\
         class Hostile(ops.CharmBase):\n    def __init__(self, framework: ops.Framework):\n        \
         super().__init__(framework)\n        framework.observe(self.on.start, self._on_start)\n\n    \
         def _on_start(self, _: ops.StartEvent):\n        self.unit.status = ops.ActiveStatus()\n{body}\n\n\
         if __name__ == \"__main__\":\n    ops.main(Hostile)\n"
    );
    with_program(name, &program)
}

fn with_program(name: &str, program: &str) -> Charm {
    charm(name).with_requirement("ops==3.7.1").with_file("src/charm.py", program)
}

/// Fuzzes a charm and returns what counts of what was told: the exit code, what was found, and
/// what is said at the end.
fn fuzzed(world: &World, charm: &Charm, words: &[&str]) -> String {
    let folder = world.add(charm);
    let usual = ["fuzz", folder.as_str(), "--seeds", "1", "--jobs", "1"];
    let budget = if words.is_empty() { &["--hook-budget", "3"] } else { words };
    let result = world.env.charmproof(&[&usual[..], budget].concat());
    let root = world.env.root().as_str();
    let gone = wait_until(Duration::from_secs(20), || processes_with(root).is_empty().then_some(()));
    assert!(gone.is_some(), "left by {folder}: {:#?}\n{result}", processes_with(root));
    told(world, &result)
}

fn redactor(world: &World) -> Redactor {
    world
        .env
        .redactor()
        .pattern(r"with \d+ hooks", "with <n> hooks")
        .pattern(r"\d+ of \d+ lines", "<n> lines")
        .pattern(r"\d+ of \d+ rules", "<n> rules")
}

fn told(world: &World, result: &CliResult) -> String {
    let mut text = format!("exit code: {:?}\n", result.code);
    for line in result.stdout.lines() {
        // The story and the traceback are long, and those of any finding.
        let is_of_story = line.starts_with("     ") || line.starts_with("   Setup phase") || line.is_empty();
        // What is indented in a traceback differs with the version of Python.
        let is_of_story = is_of_story || line.starts_with("   |  ");
        // Two processes that come back from one hook may or may not get in each other's way.
        let is_of_story = is_of_story || line.contains("suspicions did not show again");
        // Whether the process that ran the hook went first, or its interpreter, is a race as well.
        let is_of_story = is_of_story || line == "   | it was ended by signal 9";
        let is_of_phase = line.starts_with("   ") && line.ends_with(" phase");
        if !is_of_story && !is_of_phase && !line.starts_with("   files: ") && !line.starts_with("  src/") {
            let _ = writeln!(text, "{line}");
        }
    }
    let said = result.stderr.lines().filter(|line| !line.contains(": Python 3.") && !line.starts_with("  "));
    for line in said {
        let _ = writeln!(text, "! {line}");
    }
    redactor(world).redact(&text)
}

#[test]
fn hooks_that_go_their_own_way_are_bounded_and_told() {
    let world = World::new();
    let mut all = String::new();
    for (name, does) in [
        ("blocks", "while True:\n    pass"),
        (
            "blocks-for-good",
            "import signal\nsignal.signal(signal.SIGALRM, signal.SIG_IGN)\n\
             signal.signal(signal.SIGTERM, signal.SIG_IGN)\nwhile True:\n    pass",
        ),
        ("kills-its-parent", "os.kill(os.getppid(), 9)\nwhile True:\n    pass"),
        ("kills-all", "os.kill(-1, 9)\nwhile True:\n    pass"),
        ("kills-itself", "os.kill(os.getpid(), 9)"),
        (
            "daemons",
            "subprocess.Popen([\"/bin/sleep\", \"7777\"], start_new_session=True)\n\
             if os.fork() == 0:\n    os.setsid()\n    if os.fork() > 0:\n        os._exit(0)\n    \
             subprocess.run([\"/bin/sleep\", \"7777\"])",
        ),
        ("returns-twice", "os.fork()"),
    ] {
        let _ = writeln!(all, "## {name}\n{}", fuzzed(&world, &that(name, does), &[]));
    }
    insta::assert_snapshot!("hostile_hooks", all);
    // It keeps the whole machine busy, so not for long. Whether it runs out of its time or of
    // processes first is not known; it ends, and nothing of it is left.
    let bomb = that("fork-bomb", "while True:\n    os.fork()");
    let text = fuzzed(&world, &bomb, &["--hook-budget", "0.5"]);
    assert!(text.contains(" found in 1 lives ") && !text.contains("could not tell"), "{text}");
}

#[test]
fn what_a_charm_may_use_is_bounded() {
    let world = World::new();
    let fills = |path: &str| {
        format!("with open({path}, \"wb\") as file:\n    while True:\n        file.write(b\"x\" * (1 << 20))")
    };
    let mut all = String::new();
    for (name, does) in [
        ("fills-tmp", fills("\"/tmp/big\"")),
        ("fills-the-charm", fills("\"big\"")),
        ("fills-var", fills("\"/var/lib/big\"")),
        ("fills-shared-memory", fills("\"/dev/shm/big\"")),
        ("fills-the-agents-folder", fills("os.environ[\"JUJU_AGENT_SOCKET_ADDRESS\"] + \".big\"")),
        (
            "writes-outside",
            "places = [\"/usr/bin/x\", \"/usr/x\", \"/lib/x\", \"/sys/x\", \"/dev/x\", sys.prefix + \"/x\"]\n\
             places += [\"/proc/sys/kernel/hostname\", os.environ[\"PATH\"].split(\":\")[0] + \"/x\"]\n\
             places += [\"/dev/vda\", \"/dev/sda\", \"/dev/mem\"]\n\
             for place in places:\n    try:\n        os.close(os.open(place, os.O_WRONLY))\n    \
             except FileNotFoundError:\n        pass\n    except OSError:\n        continue\n    \
             else:\n        raise RuntimeError(place)\n    try:\n        os.mkdir(place)\n    \
             except OSError:\n        continue\n    if not place.startswith(\"/dev/\"):\n        \
             raise RuntimeError(place)"
                .to_owned(),
        ),
        ("prints", "line = \"x\" * 100000\nwhile True:\n    print(line)".to_owned()),
        (
            "logs",
            "import logging\nwhile True:\n    logging.getLogger().info(\"y\" * 100000)".to_owned(),
        ),
        (
            "logs-by-program",
            "while True:\n    subprocess.Popen([\"juju-log\", \"z\" * 100000]).wait()".to_owned(),
        ),
        (
            "tells-too-much",
            "for number in range(100000):\n    \
             subprocess.run([\"state-set\", f\"k{number}=\" + \"z\" * 100000], check=True)"
                .to_owned(),
        ),
        (
            "takes-all-memory",
            "taken = []\nwhile True:\n    taken.append(bytearray(1 << 26))".to_owned(),
        ),
    ] {
        let _ = writeln!(all, "## {name}\n{}", fuzzed(&world, &that(name, &does), &["--hook-budget", "20"]));
    }
    insta::assert_snapshot!("hostile_use", all);
}

#[test]
fn charms_that_are_none_are_told_as_what_they_are() {
    let world = World::new();
    let mut all = String::new();
    let without_program = |name: &str| {
        // A folder of sources without the program.
        let folder = world.add(&charm(name).with_requirement("ops==3.7.1"));
        fs_err::remove_file(folder.join("src/charm.py")).unwrap();
        folder
    };
    for (name, program) in [
        ("imports-nothing", "import nothing_of_this_name\n"),
        ("is-no-python", "def x(:\n"),
        ("raises-when-imported", "import ops\n\nraise ValueError(\"no\")\n"),
        ("exits-when-imported", "import os\n\nos._exit(0)\n"),
        (
            "kills-when-imported",
            "import os\n\nos.kill(os.getppid(), 9)\nos.kill(-1, 9)\nraise ValueError(\"alive\")\n",
        ),
    ] {
        let _ = writeln!(all, "## {name}\n{}", fuzzed(&world, &with_program(name, program), &[]));
    }
    let folder = without_program("has-no-program");
    let result = world.env.charmproof(&["fuzz", folder.as_str()]);
    let _ = writeln!(all, "## has-no-program\n{}", told(&world, &result));
    let folder = without_program("has-hooks-alone");
    fs_err::create_dir(folder.join("hooks")).unwrap();
    let hook = folder.join("hooks/start");
    fs_err::write(&hook, "#!/bin/sh\nexit 3\n").unwrap();
    fs_err::set_permissions(&hook, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let result = world.env.charmproof(&["fuzz", folder.as_str(), "--seeds", "1", "--jobs", "1"]);
    let _ = writeln!(all, "## has-hooks-alone\n{}", told(&world, &result));

    let fine = world.add(&that("fine", ""));
    world.env.file("preload.py", "import ops\n\nops.nothing_of_this_name()\n");
    let result = world.env.charmproof(&["fuzz", fine.as_str(), "--preload", "preload.py"]);
    let _ = writeln!(all, "## preload that raises\n{}", told(&world, &result));
    for spec in ["ops==99.9", "ops @ ../nowhere", "no-such-package-of-charmproof==1"] {
        let result = world.env.charmproof(&["fuzz", fine.as_str(), "--swap", spec]);
        let _ = writeln!(all, "## swap {spec}\n{}", told(&world, &result));
    }
    insta::assert_snapshot!("no_charms", all);
}

#[test]
fn files_that_cannot_be_used_are_named_with_the_place() {
    let world = World::bare();
    let example = Utf8Path::new(EXAMPLES).join("any-text");
    let fuzz = |words: &[&str]| {
        let result = world.env.charmproof(&[&["fuzz", example.as_str()], words].concat());
        format!("exit code: {:?}\n{}\n", result.code, world.env.redactor().redact(&result.stderr))
    };
    let mut all = String::new();
    for (name, text) in [
        ("no TOML", "[[exec]\ncommand = \"x\"\n"),
        ("an unknown key", "[[exec]]\ncommand = \"x\"\nexitcode = 3\n"),
        ("a wrong type", "[[exec]]\ncommand = \"x\"\nexit = \"three\"\n"),
        ("an unknown table", "[[packages]]\nname = \"x\"\n"),
        ("a relative path", "[[exec]]\ncommand = \"x\"\nfiles = { \"a/b\" = \"\" }\n"),
    ] {
        world.env.file("rules.toml", text);
        let _ = writeln!(all, "## rules: {name}\n{}", fuzz(&["--rules", "rules.toml"]));
    }
    fs_err::write(world.env.work().join("bytes.toml"), [0xff, 0xfe, 0x00]).unwrap();
    fs_err::create_dir(world.env.work().join("folder")).unwrap();
    world.env.file("a-file", "");
    for words in [
        &["--rules", "bytes.toml"][..],
        &["--rules", "nowhere.toml"],
        &["--rules", "folder"],
        &["--corpus", "a-file"],
        &["--output", "a-file"],
        &["--swap", "ops=>3"],
        &["--oracle", "no-such-oracle"],
    ] {
        let _ = writeln!(all, "## {}\n{}", words.join(" "), fuzz(words));
    }
    for (name, text) in [
        ("garbage", "garbage\n"),
        ("an empty file", ""),
        ("another JSON", "{\"schema\": 1}\n"),
        (
            "a later schema",
            "{\"schema\": 9, \"juju\": \"3.6\", \"platform\": \"machine\", \"charm\": {\"name\": \"x\"}, \"steps\": []}\n",
        ),
    ] {
        world.env.file("life.json", text);
        let result = world.env.charmproof(&["replay", "life.json", "--charm", example.as_str()]);
        let text = world.env.redactor().redact(&result.stderr);
        let _ = writeln!(all, "## life: {name}\nexit code: {:?}\n{text}\n", result.code);
    }
    insta::assert_snapshot!("bad_files", all);
}

/// A corpus is a cache of many searches: what is damaged in it is left out, and said.
#[test]
fn damaged_lives_of_a_corpus_are_left_out() {
    let world = World::new();
    let folder = world.add(&that("fine", ""));
    let corpus = world.env.work().join("corpus");
    let words = ["fuzz", folder.as_str(), "--seeds", "2", "--jobs", "1", "--corpus", corpus.as_str()];
    let _ = world.env.charmproof(&words).success();
    let kept = || corpus.read_dir_utf8().unwrap().count();
    let before = kept();
    assert!(before > 0);
    for (name, text) in [("a.json", "{"), ("b.json", ""), ("c.json", "{\"schema\": 2}"), ("d.new", "{")] {
        fs_err::write(corpus.join(name), text).unwrap();
    }
    fs_err::write(corpus.join("e.json"), [0xff, 0xfe]).unwrap();
    fs_err::create_dir(corpus.join("f.json")).unwrap();
    let result = world.env.charmproof(&words);
    for name in ["a.json", "b.json", "c.json", "e.json", "f.json"] {
        let warning = format!("warning: `{}` is left out: ", corpus.join(name));
        assert!(result.stderr.contains(&warning), "{name}\n{result}");
    }
    assert_eq!(result.code, Some(0), "{result}");
    assert_eq!(kept(), before + 6, "nothing is taken away");
}
