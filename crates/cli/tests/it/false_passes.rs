//! Wrong answers that a tool of this kind gives easily. Each test is one of them,
//! most of which another tool has given: a suite that passed because the swapped
//! package was not what ran, or a loss that nobody was told of.

use std::process::Stdio;
use std::time::Duration;

use camino::Utf8Path;
use charmproof_testkit::{Repo, charm, processes_with, wait_for};

use crate::support::{
    LOUD, POLITE, PROGRAM, TEST, UNITTEST, World, equip, greeter, package_source, small_greeter, state_of,
};

/// What a suite shows that passes with 1.0, fails with 2.0, and got both.
const REGRESSED: &str = "regressed: pass -> fail";
/// One run of each side is enough where nothing is flaky.
const ONCE: [&str; 2] = ["--attempts", "1"];

/// As [`POLITE`], in other words: the very same files would be no swap.
const ALSO_POLITE: &str = "def greet(name):\n    return f'hello {name}'\n";

fn swapped<'a>(target: &'a [&'a str], spec: &'a str) -> Vec<&'a str> {
    [target, &["./fleet", "--swap", spec], &ONCE].concat()
}

/// A `pyproject.toml` with these dependencies, not a package itself.
fn project(name: &str, rest: &str) -> String {
    format!("[project]\nname = \"{name}\"\nversion = \"1.0\"\nrequires-python = \">=3.10\"\n{rest}")
}

/// tox sees the same path in its requirements and leaves the old package where it is.
#[test]
fn an_edited_checkout_is_tested_as_it_is_now() {
    let world = World::new();
    world.add(&greeter("web"));
    world.checkout("operator", "2.0", ALSO_POLITE);
    let words = swapped(&["unit"], "charmgreet @ ./operator");

    let before = world.check(&words).code(0);
    before.expect("web", "unit", "still-passing: pass -> pass");

    world.checkout("operator", "2.0", LOUD);
    let edited = world.check(&words).code(1);
    edited.expect("web", "unit", REGRESSED);
    assert_eq!(edited.reused(), 1, "the baseline has not changed");

    world.checkout("operator", "2.0", ALSO_POLITE);
    let undone = world.check(&words).code(0);
    undone.expect("web", "unit", "still-passing: pass -> pass");
    assert_eq!(undone.reused(), 2, "this very content was tested before");
}

/// The same for a branch whose name stays while its commit does not.
#[test]
fn a_branch_that_moved_on_is_tested_where_it_is_now() {
    let world = World::new();
    world.add(&greeter("web"));
    let commit = |repo: Repo, body: &str| {
        let files = package_source("2.0", body).into_iter();
        files.fold(repo, |repo, (path, text)| repo.file(&path, &text)).commit("Change")
    };
    let repo = commit(Repo::new(), ALSO_POLITE);
    let spec = format!("charmgreet @ git+{}@main", repo.url());
    let words = swapped(&["unit"], &spec);

    let before = world.check(&words).code(0);
    before.expect("web", "unit", "still-passing: pass -> pass");

    let repo = commit(repo, LOUD);
    let after = world.check(&words).code(1);
    after.expect("web", "unit", REGRESSED);
    let source = after.report["swap"]["candidate"][0]["source"].as_str().unwrap();
    assert!(source.contains(&repo.head()[..10]), "{source}");
}

/// A package that is named in `tox.ini` alone, beside a requirements file.
#[test]
fn dependencies_in_tox_ini_are_swapped() {
    let world = World::new();
    let tox = "[tox]\nno_package = true\n\n[testenv]\ndeps = -r requirements.txt\n\n\
               [testenv:unit]\ndeps =\n    {[testenv]deps}\n    charmgreet<2\n\
               commands = pytest tests/unit\n";
    world.add(
        &charm("web")
            .with_requirement("pytest")
            .with_file("tox.ini", tox)
            .with_file("tests/unit/test_charm.py", TEST),
    );
    // A package that only another environment has must not be put into this one.
    let other = "[tox]\nno_package = true\n\n[testenv:unit]\ncommands = python -m unittest discover -s tests/unit\n\n\
                 [testenv:lint]\ndeps = charmgreet==1.0\ncommands = python -c 'import charmgreet'\n";
    let test = "import importlib.util, unittest\n\n\nclass Absence(unittest.TestCase):\n    def test_absent(self):\n        \
                self.assertIsNone(importlib.util.find_spec('charmgreet'))\n";
    world.add(&charm("without").with_file("tox.ini", other).with_file("tests/unit/test_charm.py", test));

    let run = world.check(&swapped(&["unit"], "charmgreet==2.0")).code(1);
    run.expect("web", "unit", REGRESSED);
    run.expect("without", "unit", "unaffected: pass -> not-used");
}

/// Whichever of two places a target takes its dependencies from.
#[test]
fn requirements_and_pyproject_side_by_side_are_both_swapped() {
    let world = World::new();
    let pyproject = project("web", "dependencies = [\"charmgreet==1.0\"]\n\n[tool.uv]\npackage = false\n");
    world.add(
        &small_greeter("web")
            .with_tox("managed", &["uv run python -m unittest discover -s tests/unit"])
            .with_file("pyproject.toml", &pyproject),
    );
    let run = world.check(&swapped(&["unit", "managed"], "charmgreet==2.0")).code(1);
    run.expect("web", "unit", REGRESSED);
    run.expect("web", "managed", REGRESSED);
}

/// Strings of TOML have two kinds of quotes, and groups may be inline.
#[test]
fn dependencies_in_single_quotes_are_swapped() {
    let world = World::new();
    let pyproject = project(
        "web",
        "dependencies = ['charmgreet>=1,<2']\n\n[dependency-groups]\nunit = ['charmgreet <2 ; python_version > \"3\"']\n\n[tool.uv]\npackage = false\n",
    );
    let tox = "[tox]\nno_package = true\n\n[testenv:unit]\ndependency_groups = unit\ncommands = python -m unittest discover -s tests/unit\n";
    world.add(
        &charm("web")
            .with_file("tox.ini", tox)
            .with_file("pyproject.toml", &pyproject)
            .with_file("tests/unit/test_charm.py", TEST),
    );
    let run = world.check(&swapped(&["unit"], "charmgreet==2.0")).code(1);
    run.expect("web", "unit", REGRESSED);
}

/// A lock is taken as it is in the midst of the charm's own commands.
#[test]
fn frozen_and_locked_environments_are_swapped() {
    let world = World::new();
    let pyproject = project("web", "dependencies = [\"charmgreet==1.0\"]\n\n[tool.uv]\npackage = false\n");
    let tox = "[tox]\nno_package = true\nskip_install = true\n\n\
               [testenv:unit]\ncommands = uv run --frozen python -m unittest discover -s tests/unit\n\n\
               [testenv:synced]\ncommands =\n    uv sync --locked\n    .venv/bin/python -m unittest discover -s tests/unit\n\
               allowlist_externals = .venv/bin/python\n\n\
               [testenv:active]\ncommands =\n    uv sync --locked --active\n    python -m unittest discover -s tests/unit\n\n\
               [testenv:shell]\ncommands = sh -c 'uv run --frozen -- python -m unittest discover -s tests/unit'\n\
               allowlist_externals = sh\n";
    let folder = world.add(
        &charm("web")
            .with_file("tox.ini", tox)
            .with_file("pyproject.toml", &pyproject)
            .with_file("tests/unit/test_charm.py", TEST),
    );
    world.lock(&folder);
    let targets = ["unit", "synced", "active", "shell"];
    let run = world.check(&swapped(&targets, "charmgreet==2.0")).code(1);
    for target in targets {
        run.expect("web", target, REGRESSED);
    }
}

/// A lock that does not fit its project any more: uv refuses it, or takes it although
/// it is old. Neither is a reason to test what it holds and say that it passed.
#[test]
fn a_stale_lock_is_refused_or_swapped_but_never_passed() {
    let world = World::new();
    let tox = |command: &str| {
        format!(
            "[tox]\nno_package = true\nskip_install = true\n\n[testenv:unit]\ncommands =\n    {command}\n"
        )
    };
    for (name, command) in [
        ("locked", "uv sync --locked --active\n    python -m unittest discover -s tests/unit"),
        ("frozen", "uv run --frozen python -m unittest discover -s tests/unit"),
    ] {
        let pyproject = |wanted: &str| {
            project(name, &format!("dependencies = [\"{wanted}\"]\n\n[tool.uv]\npackage = false\n"))
        };
        let charm =
            charm(name).with_file("tox.ini", &tox(command)).with_file("tests/unit/test_charm.py", TEST);
        let folder = world.add(&charm.clone().with_file("pyproject.toml", &pyproject("charmgreet==1.0")));
        world.lock(&folder);
        world.add(&charm.with_file("pyproject.toml", &pyproject("charmgreet==1.1")));
    }
    let run = world.check(&swapped(&["unit"], "charmgreet==2.0")).code(1);
    run.expect("locked", "unit", "blocked: could-not-prepare/resolver -> could-not-prepare/resolver");
    run.expect("frozen", "unit", REGRESSED);
}

/// A pin is no reason to keep what is to be swapped, and hashes are none either.
#[test]
fn exact_and_hashed_pins_are_swapped() {
    let world = World::new();
    world.add(&small_greeter("exact"));
    let hashed = format!("charmgreet==1.0 --hash=sha256:{}", world.index.sha256("charmgreet", "1.0"));
    world.add(
        &charm("hashed")
            .with_requirement(&hashed)
            .with_tox_unit(&[UNITTEST])
            .with_file("tests/unit/test_charm.py", TEST),
    );
    let makefile = "unit:\n\tpython3 -m venv venv\n\tvenv/bin/pip install --quiet --require-hashes -r requirements.txt\n\
                    \tvenv/bin/python -m unittest discover -s tests/unit\n";
    world.add(
        &charm("hashed-by-pip")
            .with_file("requirements.txt", &format!("{hashed}\n"))
            .with_file("Makefile", makefile)
            .with_file("tests/unit/test_charm.py", TEST),
    );
    let run = world.check(&swapped(&["unit"], "charmgreet==2.0")).code(1);
    for name in ["exact", "hashed", "hashed-by-pip"] {
        run.expect(name, "unit", REGRESSED);
    }
}

/// The charm's own copy of the package comes first on the search path: the swapped
/// one is installed, and not what is tested.
#[test]
fn a_copy_on_the_python_path_is_no_proof() {
    let world = World::new();
    let tox = "[tox]\nno_package = true\n\n[testenv:unit]\ndeps = -r requirements.txt\n\
               set_env =\n    PYTHONPATH = {tox_root}/src\ncommands = python -m unittest discover -s tests/unit\n\n\
               [testenv:pytest]\ndeps =\n    pytest\n    -r requirements.txt\n\
               set_env =\n    PYTHONPATH = {tox_root}/src\ncommands = pytest tests/unit\n";
    world
        .add(&small_greeter("web").with_file("tox.ini", tox).with_file("src/charmgreet/__init__.py", POLITE));
    let run = world.check(&swapped(&["unit", "pytest"], "charmgreet==2.0")).code(3);
    for target in ["unit", "pytest"] {
        run.expect("web", target, "not-injected: pass -> not-injected");
        let why = run.side("web", target, "candidate")["summary"].as_str().unwrap();
        assert!(why.contains("src/charmgreet/__init__.py"), "{why}");
    }
}

/// What runs the suite is no process that could be asked, and what it imports is not
/// what lies in the environment that was looked at.
#[test]
fn a_suite_that_hides_what_it_imports_is_no_proof() {
    let world = World::new();
    let suite = "cd tests/unit\nexec env -i PATH=/usr/bin:/bin \"$1\" -I -S -c '\nimport sys, unittest\n\
                 sys.path[:0] = [\"../../hidden\", \".\"]\nunittest.main(\"test_charm\", argv=[\"unittest\"])\n'\n";
    let hidden = |name: &str| {
        charm(name)
            .with_file("suite.sh", suite)
            .with_file("hidden/charmgreet/__init__.py", POLITE)
            .with_file(
                "hidden/charmgreet-1.0.dist-info/METADATA",
                "Metadata-Version: 2.1\nName: charmgreet\nVersion: 1.0\n",
            )
            .with_file("tests/unit/test_charm.py", TEST)
    };
    let tox = |deps: &str| {
        format!(
            "[tox]\nno_package = true\n\n[testenv:unit]\n{deps}commands = sh suite.sh {{env_python}}\nallowlist_externals = sh\n"
        )
    };
    // The environment that tox makes holds the swapped package, and is not used.
    world.add(&hidden("beside").with_file("tox.ini", &tox("deps = charmgreet==1.0\n")));
    // It holds no such package, which is no proof that the suite uses none.
    world.add(&hidden("nowhere").with_file("tox.ini", &tox("")));
    let run = world.check(&swapped(&["unit"], "charmgreet==2.0"));
    for name in ["beside", "nowhere"] {
        run.expect(name, "unit", "not-injected: pass -> not-injected");
    }
    let _ = run.code(3);
}

/// An interpreter with an empty environment, or without its `site`, still loads what
/// was swapped. In the second only pytest has a witness that can say so.
#[test]
fn bare_interpreters_are_swapped() {
    let world = World::new();
    let tox = "[tox]\nno_package = true\n\n[testenv]\nallowlist_externals = env\ndeps = -r requirements.txt\n\n\
               [testenv:unit]\ncommands = env -i {env_python} -m unittest discover -s tests/unit\n\n\
               [testenv:nosite]\nset_env =\n    PYTHONPATH = {env_site_packages_dir}\n\
               commands = python -S -m unittest discover -s tests/unit\n\n\
               [testenv:nositepytest]\nset_env =\n    PYTHONPATH = {env_site_packages_dir}\n\
               commands = python -S -m pytest tests/unit\n\n\
               [testenv:isolated]\ncommands = python -I -m pytest tests/unit\n";
    world.add(&greeter("web").with_file("tox.ini", tox));
    let targets = ["unit", "nosite", "nositepytest", "isolated"];
    let run = world.check(&swapped(&targets, "charmgreet==2.0")).code(1);
    for target in ["unit", "nositepytest", "isolated"] {
        run.expect("web", target, REGRESSED);
    }
    run.expect("web", "nosite", "not-injected: pass -> not-injected");
}

/// A charm that makes its environment where nobody looks.
#[test]
fn an_environment_in_an_unusual_place_is_swapped_or_no_proof() {
    let world = World::new();
    let index = world.index.url();
    let makefile = format!(
        "unit:\n\tenv -i PATH=/usr/bin:/bin $$(command -v python3) -m venv /tmp/suite-venv\n\
         \tenv -i PATH=/usr/bin:/bin /tmp/suite-venv/bin/python -I -m pip install --quiet --disable-pip-version-check --index-url {index} charmgreet==1.0\n\
         \tenv -i PATH=/usr/bin:/bin /tmp/suite-venv/bin/python -I -m unittest discover -s tests/unit -t tests/unit\n"
    );
    world.add(&charm("web").with_file("Makefile", &makefile).with_file("tests/unit/test_charm.py", TEST));
    let run = world.check(&swapped(&["unit"], "charmgreet==2.0"));
    run.expect("web", "unit", "not-injected: pass -> not-injected");
    let _ = run.code(3);
}

/// A charm whose tox makes another tox, with a plugin of its own.
#[test]
fn a_tox_that_provisions_itself_is_swapped() {
    let world = World::new();
    world.index.publish("charmgreet-tox", "1.0", "");
    let tox = "[tox]\nno_package = true\nrequires = charmgreet-tox\n\n[testenv:unit]\n\
               deps = -r requirements.txt\ncommands = python -m unittest discover -s tests/unit\n";
    world.add(&small_greeter("web").with_file("tox.ini", tox));
    let run = world.check(&swapped(&["unit"], "charmgreet==2.0")).code(1);
    run.expect("web", "unit", REGRESSED);
}

/// An environment is kept from check to check, and with it what was swapped in last.
#[test]
fn an_earlier_swap_does_not_stay_in_an_environment() {
    let world = World::new();
    for version in ["1.0", "2.0"] {
        world.index.publish("charmwave", version, &format!("VERSION = '{version}'\n"));
    }
    // What the charm gets by itself is the newest of the one, which fails its test, and
    // an old one of the other.
    let test = format!(
        "{TEST}\n    def test_waves(self):\n        import charmwave\n        self.assertEqual(charmwave.VERSION, '1.0')\n"
    );
    world.add(
        &charm("web")
            .with_requirement("charmgreet")
            .with_requirement("charmwave==1.0")
            .with_tox_unit(&[UNITTEST])
            .with_file("tests/unit/test_charm.py", &test),
    );
    let both = ["--baseline", "charmgreet==1.0", "--swap", "charmgreet==1.0", "--swap", "charmwave==2.0"];
    let first = world.check(&[&["unit", "./fleet"], &both[..], &ONCE].concat()).code(1);
    first.expect("web", "unit", REGRESSED);

    // The baseline is the charm as it is, with 2.0; the candidate has no other charmwave.
    let second = world.check(&swapped(&["unit"], "charmgreet==1.0")).code(0);
    second.expect("web", "unit", "fixed: fail -> pass");
}

/// A suite that is not run at all with the candidate has lost its tests, whatever its
/// exit status is.
#[test]
fn tests_that_vanish_are_a_loss() {
    let world = World::new();
    let all = "import charmgreet\n\nif charmgreet.VERSION != '1.0':\n    collect_ignore_glob = ['*']\n";
    let one = "import charmgreet\n\nif charmgreet.VERSION != '1.0':\n    collect_ignore = ['test_more.py']\n";
    for version in ["1.0", "3.0"] {
        world.index.publish("charmgreet", version, &format!("VERSION = '{version}'\n{POLITE}"));
    }
    let more = "def test_more():\n    pass\n";
    world.add(&greeter("all").with_file("tests/unit/conftest.py", all));
    world.add(&greeter("quietly").with_file("tests/unit/conftest.py", all).with_file(
        "tox.ini",
        "[tox]\nno_package = true\n\n[testenv:unit]\ndeps = -r requirements.txt\n\
                 allowlist_externals = sh\ncommands = sh -c 'pytest tests/unit || test $? = 5'\n",
    ));
    world.add(
        &greeter("one").with_file("tests/unit/conftest.py", one).with_file("tests/unit/test_more.py", more),
    );
    let run = world.check(&swapped(&["unit"], "charmgreet==3.0")).code(1);
    for name in ["all", "quietly", "one"] {
        let pair = run.pair(name, "unit");
        assert_eq!(pair["verdict"], "lost-case", "{name}: {pair:#}");
    }
    let cases = run.pair("one", "unit")["cases"].as_array().unwrap();
    assert_eq!(cases.len(), 1);
    assert!(cases[0]["case"].as_str().unwrap().contains("test_more"), "{cases:?}");
}

/// pytest, ruff and others look for settings in all folders above, and what lies around the place of
/// charmproof's copies is not the charm's.
#[test]
fn settings_around_the_cache_are_not_the_charms() {
    let mut world = World::bare();
    world.add(&greeter("web"));
    // Not below /tmp, where the sandbox hides everything.
    let beside = Utf8Path::new(PROGRAM).parent().unwrap();
    let above = tempfile::Builder::new().prefix("above-").tempdir_in(beside).unwrap();
    let above = Utf8Path::from_path(above.path()).unwrap();
    fs_err::write(above.join("pyproject.toml"), "[tool.pytest.ini_options]\naddopts = '--nonsense'\n")
        .unwrap();
    fs_err::write(above.join("conftest.py"), "raise RuntimeError('not of the charm')\n").unwrap();
    equip(&above.join("charmproof"));
    world.env.set("XDG_CACHE_HOME", above.as_str());
    let run = world.check(&swapped(&["unit"], "charmgreet==2.0")).code(1);
    run.expect("web", "unit", REGRESSED);
    let cases = run.pair("web", "unit")["cases"].as_array().unwrap();
    assert_eq!(cases[0]["case"], "tests/unit/test_charm.py::Greeting::test_greets", "{cases:?}");
}

/// tox ends with one and the same status for a target that it does not know and for a
/// configuration that it cannot read.
#[test]
fn a_broken_configuration_is_no_missing_target() {
    let world = World::new();
    world.add(
        &small_greeter("ini")
            .with_file("tox.ini", "[tox\nno_package = true\n\n[testenv:unit]\ncommands = true\n"),
    );
    world.add(&small_greeter("substitution").with_file(
        "tox.ini",
        "[tox]\nno_package = true\n\n[testenv:unit]\ndeps = {[nowhere]deps}\ncommands = python -c ''\n",
    ));
    world.add(&charm("toml").with_file("tox.toml", "[env.unit\n"));
    world.add(&small_greeter("runner").with_file(
        "tox.ini",
        "[tox]\nno_package = true\n\n[testenv:unit]\nrunner = no-such-runner\ncommands = python -c ''\n",
    ));
    world.add(&charm("lacking").with_tox_lint(&["python -c ''"]));
    let run = world.check(&swapped(&["unit"], "charmgreet==2.0")).code(3);
    for (name, kind) in [
        ("ini", "configuration"),
        ("toml", "configuration"),
        ("substitution", "resolver"),
        ("runner", "tool"),
    ] {
        run.expect(name, "unit", &format!("blocked: could-not-prepare/{kind} -> could-not-prepare/{kind}"));
    }
    run.expect("lacking", "unit", "unaffected: no-such-target -> no-such-target");
}

/// A command that does nothing ends well.
#[test]
fn an_empty_suite_has_not_passed() {
    let world = World::new();
    world.add(&charm("nothing").with_requirement("charmgreet==1.0").with_tox_unit(&["python -c \"\""]));
    world.add(
        &charm("no-tests")
            .with_requirement("charmgreet==1.0")
            .with_tox_unit(&["python -m unittest discover -s src"]),
    );
    let run = world.check(&swapped(&["unit"], "charmgreet==2.0"));
    run.expect("nothing", "unit", "unaffected: empty -> empty");
    let other = run.unit("no-tests");
    assert!(!other.contains("pass"), "{other}");
    let _ = run.code(3);
}

/// A target without a command passes nothing, and a linter that installs nothing of the
/// swap is no answer for the tests that did not run.
#[test]
fn targets_that_run_nothing_are_no_answer() {
    let world = World::new();
    let tox = "[tox]\nskipsdist = true\n[testenv:unit]\ndeps = charmgreet==1.0\ncommands =\n\
               [testenv:static]\ndeps = charmgreet==1.0\n[testenv:lint]\nskip_install = true\ncommands = python -V\n";
    world.add(&charm("idle").with_requirement("charmgreet==1.0").with_file("tox.ini", tox));
    let run = world.check(&swapped(&["unit", "static", "lint"], "charmgreet==2.0"));
    run.expect("idle", "unit", "unaffected: empty -> empty");
    run.expect("idle", "static", "unaffected: empty -> empty");
    run.expect("idle", "lint", "unaffected: pass -> not-used");
    let _ = run.code(3);
    // Asked alone, that it needs nothing of the swap is all there is to say.
    let _ = world.check(&swapped(&["lint"], "charmgreet==2.0")).code(0);
}

/// A suite that breaks its own tree, and a run that is killed: the user's checkout is
/// as it was, the next run starts from it, and nothing is left running.
#[test]
fn a_killed_run_leaves_nothing_behind() {
    let world = World::new();
    // A number of seconds that no other process sleeps.
    let unique = format!("8{}", std::process::id());
    let test = format!(
        "import os, pathlib, subprocess, time, unittest\n\n\n\
         class Vandal(unittest.TestCase):\n    def test_breaks(self):\n        \
         import charmgreet\n        \
         self.assertTrue(pathlib.Path('charmcraft.yaml').exists())\n        \
         self.assertFalse(pathlib.Path('src/new.txt').exists())\n        \
         os.remove('charmcraft.yaml')\n        \
         pathlib.Path('src/new.txt').write_text('left behind')\n        \
         if charmgreet.greet('you') != 'hello you':\n            \
         subprocess.Popen(['setsid', 'sleep', '{unique}'])\n            \
         subprocess.Popen(['nohup', 'sleep', '{unique}'], start_new_session=True)\n            \
         time.sleep({unique})\n"
    );
    let repo = small_greeter("web").with_file("tests/unit/test_charm.py", &test).into_repo();
    let before = state_of(repo.path());
    let words = ["check", "unit", repo.path().as_str(), "--swap", "charmgreet==2.0", "--attempts", "1"];

    let text = format!("sleep {unique}");
    let mut child = world.env.command(&words).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    wait_for("the suite's processes", Duration::from_mins(2), || processes_with(&text).len() >= 2);
    child.kill().unwrap();
    child.wait().unwrap();
    wait_for("their end", Duration::from_secs(20), || processes_with(&text).is_empty());
    assert_eq!(state_of(repo.path()), before, "the checkout was changed");

    let again = world
        .check(&[
            "unit",
            repo.path().as_str(),
            "--swap",
            "charmgreet==2.0",
            "--attempts",
            "1",
            "--silence",
            "3",
        ])
        .code(1);
    let id = again.report["pairs"][0]["charm"].as_str().unwrap();
    again.expect(id, "unit", "regressed: pass -> timeout");
    assert_eq!(processes_with(&text), []);
    assert_eq!(state_of(repo.path()), before, "the checkout was changed");
}
