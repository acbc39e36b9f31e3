//! `charmproof check`: what it says, what it does again, and what it leaves to charms.

use std::time::{Duration, Instant};

use charmproof_testkit::charm;

use crate::support::{LOUD, POLITE, TEST, UNITTEST, World, greeter, small_greeter};

/// A test that has nothing to do with what is swapped.
const OTHER: &str = "import unittest\n\nimport charmgreet\n\n\nclass Other(unittest.TestCase):\n    def test_other(self):\n        self.assertTrue(charmgreet)\n";
/// A test that never holds.
const WRONG: &str = "import unittest\n\nimport charmgreet\n\n\nclass Wrong(unittest.TestCase):\n    def test_wrong(self):\n        self.assertEqual(charmgreet.__name__, 'wrong')\n";

#[test]
fn a_regression_is_told_once_and_what_has_not_changed_is_not_run_again() {
    let world = World::new();
    world.add(&greeter("web"));
    world.add(&small_greeter("database").with_file("tests/unit/test_charm.py", WRONG));
    world.add(&small_greeter("cache").with_file("tests/unit/test_charm.py", OTHER));
    world.checkout("operator", "2.0", LOUD);
    let words = ["unit", "./fleet", "--swap", "charmgreet @ ./operator"];

    let first = world.check(&words).code(1);
    first.expect("web", "unit", "regressed: pass -> fail");
    first.expect("database", "unit", "still-failing: fail -> fail");
    first.expect("cache", "unit", "still-passing: pass -> pass");
    assert_eq!(first.reused(), 0);
    // Three attempts of each side of the one that disagrees.
    assert_eq!(first.pair("web", "unit")["runs"].as_array().unwrap().len(), 6);
    let redactor = world.env.redactor().text("/./", "/");
    insta::assert_snapshot!("check_regression", redactor.redact(&first.result.stdout));

    let begun = Instant::now();
    let second = world.check(&words).code(1);
    let took = begun.elapsed();
    assert_eq!(second.table(), first.table());
    assert_eq!(second.reused(), 10, "everything");
    assert!(took < Duration::from_secs(2), "nothing was to be run, and it took {took:?}");

    world.checkout("operator", "2.0", "def greet(name):\n    return f'hello {name}'\n");
    let third = world.check(&words).code(0);
    third.expect("web", "unit", "still-passing: pass -> pass");
    assert_eq!(third.reused(), 3, "the baselines");
    assert!(third.result.stdout.contains("Reused: 3 of 6 results"), "{}", third.result);

    let anew = world.check(&[&words[..], &["--no-reuse"]].concat()).code(0);
    assert_eq!(anew.reused(), 0);
    assert_eq!(anew.table(), third.table());
}

#[test]
fn a_flaky_test_is_not_blamed_on_the_swap() {
    let world = World::new();
    let test = "import os, pathlib, unittest\n\nimport charmgreet\n\n\nclass Race(unittest.TestCase):\n    def test_race(self):\n        \
                counter = pathlib.Path(os.environ['COUNTER'])\n        \
                runs = int(counter.read_text()) if counter.exists() else 0\n        \
                counter.write_text(str(runs + 1))\n        \
                self.assertEqual(runs % 2, 0, 'lost the race')\n";
    world.add(&small_greeter("web").with_file("tests/unit/test_charm.py", test));
    // Suites may write nowhere else.
    let counter = format!("COUNTER={}", world.cache().join("work/counter"));
    let run =
        world.check(&["unit", "./fleet", "--swap", "charmgreet==2.0", "--jobs", "1", "--env", &counter]);
    assert_eq!(run.pair("web", "unit")["verdict"], "flaky", "{}", run.result);
    let run = run.code(0);
    let cases = run.pair("web", "unit")["cases"].as_array().unwrap();
    assert_eq!(cases[0]["verdict"], "flaky");
}

/// What a test writes into the log of what it was given.
const SHOW: &str = "import os\n\nimport charmgreet\n\n\ndef test_shows():\n    for name in ['PYTHONWARNINGS', 'PYTEST_ADDOPTS', 'OWN', 'ASKED']:\n        print('SEEN', name, os.environ.get(name))\n";

#[test]
fn settings_of_the_charm_stay_when_others_are_added() {
    let world = World::new();
    let warns = "import warnings\n\nimport charmgreet\n\n\ndef test_warns():\n    warnings.warn('old', DeprecationWarning)\n";
    let tox = |commands: &str| {
        format!(
            "[tox]\nno_package = true\n\n[testenv:unit]\ndeps = -r requirements.txt\nset_env =\n    \
             PYTHONWARNINGS = ignore::DeprecationWarning\n    PYTEST_ADDOPTS = -s\n    OWN = kept\ncommands = {commands}\n"
        )
    };
    let both = |name: &str, commands: &str| {
        greeter(name)
            .with_file("tox.ini", &tox(commands))
            .with_file("tests/unit/test_charm.py", warns)
            .with_file("tests/unit/test_show.py", SHOW)
    };
    world.add(&both("lenient", "pytest {posargs} tests/unit"));
    world.add(&both("lenient-without-posargs", "pytest tests/unit"));
    world.add(&greeter("strict").with_file("tests/unit/test_charm.py", warns));

    let words = [
        "unit",
        "./fleet",
        "--swap",
        "charmgreet==2.0",
        "--werror",
        "--env",
        "ASKED=yes",
        "--",
        "-rA",
        "--durations=3",
    ];
    let run = world.check(&words).code(0);
    run.expect("strict", "unit", "still-failing: fail -> fail");
    for name in ["lenient", "lenient-without-posargs"] {
        run.expect(name, "unit", "still-passing: pass -> pass");
        for side in ["baseline", "candidate"] {
            let log = world.env.charmproof(&["show", run.run(), name, "--log", side]).success();
            for seen in [
                "SEEN PYTHONWARNINGS error,ignore::DeprecationWarning",
                "SEEN OWN kept",
                "SEEN ASKED yes",
                // What `-rA` and `--durations` print.
                "PASSED tests/unit/test_show.py::test_shows",
                "slowest 3 durations",
            ] {
                assert!(log.contains(seen), "{seen:?} is not in the log of {name}\n{log}");
            }
            let options =
                log.lines().find(|line| line.starts_with("SEEN PYTEST_ADDOPTS")).unwrap_or_default();
            assert!(options.contains("-s"), "{name}: {options:?}\n{log}");
        }
    }
}

#[test]
fn arguments_reach_the_test_runner() {
    let world = World::new();
    world.add(&greeter("with-posargs"));
    world.add(&greeter("without-posargs").with_file("tox.ini",
        "[tox]\nno_package = true\n\n[testenv:unit]\ndeps = -r requirements.txt\ncommands = pytest tests/unit\n"));
    let run =
        world.check(&["unit", "./fleet", "--swap", "charmgreet==2.0", "--", "-k", "has_a_name"]).code(0);
    for name in ["with-posargs", "without-posargs"] {
        run.expect(name, "unit", "still-passing: pass -> pass");
        let pair = run.pair(name, "unit");
        assert_eq!(pair["candidate"]["cases"], 1, "{pair:#}");
    }
}

#[test]
fn lint_tells_which_diagnostics_are_new() {
    let world = World::new();
    let lint = |lines: &[&str]| {
        let print = lines.iter().fold(String::new(), |text, line| text + &format!("    print({line:?})\n"));
        format!(
            "import sys\n\n\ndef lint():\n{print}    print('Found {} errors.')\n    sys.exit(1)\n",
            lines.len()
        )
    };
    let old = "src/charm.py:3:1: D100 Missing docstring";
    world.index.publish("charmgreet", "1.5", &lint(&[old, "src/charm.py:9:5: E741 Ambiguous name"]));
    // One is where it was but for a line, one is gone and one is new.
    let moved = "src/charm.py:4:1: D100 Missing docstring";
    world.index.publish(
        "charmgreet",
        "2.5",
        &lint(&[moved, "src/charm.py:11:1: F401 `os` imported but unused"]),
    );
    world.add(
        &charm("web")
            .with_requirement("charmgreet==1.5")
            .with_tox_lint(&["python -c 'import charmgreet; charmgreet.lint()'"]),
    );
    let run = world.check(&["lint", "./fleet", "--swap", "charmgreet==2.5", "--attempts", "1"]).code(1);
    let cases = run.pair("web", "lint")["cases"].as_array().unwrap();
    let verdict_of = |rule: &str| {
        let case = cases.iter().find(|case| case["case"].as_str().unwrap().contains(rule));
        case.map(|case| case["verdict"].as_str().unwrap().to_owned())
    };
    assert_eq!(verdict_of("F401").as_deref(), Some("regressed"), "{cases:#?}");
    assert_eq!(verdict_of("E741").as_deref(), Some("fixed"), "{cases:#?}");
    let still = verdict_of("D100");
    assert!(still.is_none() || still.as_deref() == Some("still-failing"), "{cases:#?}");
}

#[test]
fn a_vendored_library_is_swapped_where_a_charm_has_it() {
    let world = World::new();
    let test = "import unittest\n\nfrom charms.greeter.v0 import greet\n\n\nclass Greeting(unittest.TestCase):\n    def test_greets(self):\n        \
                self.assertEqual(greet.greet('you'), 'hello you')\n";
    let tox = "[tox]\nno_package = true\n\n[testenv:unit]\nset_env =\n    PYTHONPATH = {tox_root}/lib\ncommands = python -m unittest discover -s tests/unit\n";
    let library = format!("LIBID = 'a'\nLIBAPI = 0\nLIBPATCH = 1\n\n\n{POLITE}");
    world.add(
        &charm("web")
            .with_file("tox.ini", tox)
            .with_file("lib/charms/greeter/v0/greet.py", &library)
            .with_file("tests/unit/test_charm.py", test),
    );
    world.add(&charm("without").with_tox_unit(&[UNITTEST]).with_file(
        "tests/unit/test_charm.py",
        "import unittest\n\n\nclass Own(unittest.TestCase):\n    def test_own(self):\n        pass\n",
    ));
    world.env.file("greet.py", &format!("LIBID = 'a'\nLIBAPI = 0\nLIBPATCH = 2\n\n\n{LOUD}"));
    let words = ["unit", "./fleet", "--swap", "charms.greeter.v0.greet -> ./greet.py", "--attempts", "1"];
    let run = world.check(&words).code(1);
    run.expect("web", "unit", "regressed: pass -> fail");
    let other = run.unit("without");
    assert!(other.starts_with("unaffected:"), "{other}");

    world.env.file("greet.py", &format!("LIBID = 'a'\nLIBAPI = 0\nLIBPATCH = 3\n\n\n{POLITE}"));
    let run = world.check(&words).code(0);
    run.expect("web", "unit", "still-passing: pass -> pass");

    // A distribution takes the place of the library, under the library's name.
    let words =
        ["unit", "./fleet", "--swap", "charms.greeter.v0.greet -> charmgreet==2.0", "--attempts", "1"];
    let run = world.check(&words);
    run.expect("web", "unit", "regressed: pass -> fail");
}

#[test]
fn a_baseline_replaces_what_the_charm_asks_for() {
    let world = World::new();
    world.add(
        &charm("web")
            .with_requirement("charmgreet")
            .with_tox_unit(&[UNITTEST])
            .with_file("tests/unit/test_charm.py", TEST),
    );
    let run = world
        .check(&[
            "unit",
            "./fleet",
            "--baseline",
            "charmgreet==1.0",
            "--swap",
            "charmgreet==2.0",
            "--attempts",
            "1",
        ])
        .code(1);
    run.expect("web", "unit", "regressed: pass -> fail");
    let fixed = world
        .check(&[
            "unit",
            "./fleet",
            "--baseline",
            "charmgreet==2.0",
            "--swap",
            "charmgreet==1.0",
            "--attempts",
            "1",
        ])
        .code(0);
    fixed.expect("web", "unit", "fixed: fail -> pass");
}

/// The packages of one repository pin each other, so they are swapped together.
#[test]
fn the_companions_of_ops_follow_it() {
    let world = World::new();
    for (ops, scenario) in [("3.7.1", "8.7.1"), ("3.8.0", "8.8.0")] {
        let metadata = format!(
            "Provides-Extra: testing\nRequires-Dist: ops-scenario=={scenario} ; extra == \"testing\"\n\
             Provides-Extra: tracing\nRequires-Dist: ops-tracing=={ops} ; extra == \"tracing\"\n"
        );
        world.index.publish_with("ops", ops, &format!("VERSION = '{ops}'\n"), &metadata);
        world.index.publish_with(
            "ops-scenario",
            scenario,
            &format!("VERSION = '{scenario}'\n"),
            &format!("Requires-Dist: ops=={ops}\n"),
        );
        world.index.publish_with(
            "ops-tracing",
            ops,
            &format!("VERSION = '{ops}'\n"),
            &format!("Requires-Dist: ops=={ops}\n"),
        );
    }
    let test = "import unittest\n\nimport ops\nimport ops_scenario\n\n\nclass Pair(unittest.TestCase):\n    def test_pair(self):\n        \
                self.assertIn((ops.VERSION, ops_scenario.VERSION), [('3.7.1', '8.7.1'), ('3.8.0', '8.8.0')])\n    \
                def test_old(self):\n        self.assertEqual(ops_scenario.VERSION, '8.7.1')\n";
    let tox = "[tox]\nno_package = true\n\n[testenv:unit]\ndeps =\n    ops-scenario==8.7.1\n    -r requirements.txt\n\
               commands = python -m unittest discover -s tests/unit\n";
    world.add(
        &charm("web")
            .with_requirement("ops==3.7.1")
            .with_file("tox.ini", tox)
            .with_file("tests/unit/test_charm.py", test),
    );
    let run = world.check(&["unit", "./fleet", "--swap", "ops==3.8.0", "--attempts", "1"]).code(1);
    run.expect("web", "unit", "regressed: pass -> fail");
    let cases = run.pair("web", "unit")["cases"].as_array().unwrap();
    let failed: Vec<&str> = cases.iter().map(|case| case["case"].as_str().unwrap()).collect();
    assert_eq!(failed.len(), 1, "{failed:?}");
    assert!(failed[0].contains("test_old"), "{failed:?}");
    // It had no ops-tracing, so it has none now.
    let sightings = run.side("web", "unit", "candidate")["sightings"].as_array().unwrap();
    let versions = |package: &str| -> Vec<&str> {
        let seen = sightings.iter().filter(|seen| seen["package"] == package);
        seen.map(|seen| seen["version"].as_str().unwrap()).collect()
    };
    assert!(versions("ops-scenario").iter().all(|version| *version == "8.8.0"), "{sightings:#?}");
    assert!(versions("ops-tracing").iter().all(|version| version.is_empty()), "{sightings:#?}");
}
