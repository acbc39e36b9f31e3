//! `charmproof test`: a charm's own suite, with `juju` and `charmcraft` of ours around it.
//!
//! These suites do to the data of the local Juju what it would do itself, so that each sees one thing;
//! the suite of examples/tinyproxy is what holds the whole.

use std::time::Duration;

use camino::Utf8PathBuf;
use charmproof_testkit::{Charm, CliResult, charm, processes_with, wait_for};

use crate::support::World;

const CHARMCRAFT: &str = "name: web\ntype: charm\nsummary: s\ndescription: d\nbase: ubuntu@24.04\nplatforms:\n  all:\n    \
    build-on: [amd64, arm64]\n    build-for: [all]\nparts:\n  it: {plugin: python, python-requirements: [requirements.txt]}\n";

/// What tests are made of.
const HELPERS: &str = r#"
import datetime, json, os, pathlib, shutil, subprocess, zipfile

DATA = pathlib.Path(os.environ["JUJU_DATA"])


def ran(unit, name, outcome="ok", message=""):
    now = datetime.datetime.now(datetime.timezone.utc).isoformat().replace("+00:00", "Z")
    line = {"time": now, "model": "m", "unit": unit, "what": "hook", "name": name, "started": now, "ended": now,
            "outcome": outcome, "message": message}
    with open(DATA / "events.jsonl", "a") as file:
        file.write(json.dumps(line) + "\n")
"#;

fn suite(tests: &str) -> Charm {
    charm("web")
        .with_requirement("charmgreet==1.0")
        .with_requirement("pytest")
        .with_tox("integration", &["pytest -q {posargs} tests/integration"])
        .with_file("charmcraft.yaml", CHARMCRAFT)
        .with_file("src/charm.py", "import charmgreet\n")
        .with_file("tests/integration/test_charm.py", &format!("{HELPERS}{tests}"))
}

fn test(world: &World, more: &[&str]) -> CliResult {
    world.env.charmproof(&[&["test", "fleet/web"], more].concat())
}

/// The folders in which commands work.
fn left(world: &World) -> Vec<Utf8PathBuf> {
    let shelf = world.cache().join("work/f");
    let entries = shelf.read_dir_utf8().into_iter().flatten().flatten();
    entries.map(|entry| entry.path().to_owned()).filter(|path| path.is_dir()).collect()
}

#[test]
fn a_suite_finds_the_charm_and_our_juju_and_leaves_nothing() {
    let world = World::new();
    let folder = world.add(
        &suite(
            r#"
def test_surroundings():
    assert shutil.which("juju") == str(DATA / "shims" / "juju")
    assert oct(DATA.stat().st_mode & 0o777) == "0o700"
    names = zipfile.ZipFile(os.environ["CHARM_PATH"]).namelist()
    assert any(name.endswith("charmgreet/__init__.py") for name in names)
    ran("web/0", "install")
    ran("web/0", "start", "failed", "exit status 1")


def test_packs_by_itself(tmp_path):
    here = pathlib.Path(__file__).parents[2]
    subprocess.run(["charmcraft", "pack", "-p", here], cwd=tmp_path, check=True)
    assert [path.name for path in tmp_path.iterdir()] == ["web_all.charm"]


def test_leaves_a_process():
    child = subprocess.Popen(["sleep", "1000"], start_new_session=True)
    pathlib.Path(os.environ["PID_FILE"]).write_text(str(child.pid))
"#,
        )
        .with_file(
            "tests/integration/conftest.py",
            "import os\nos.environ['PID_FILE'] = __file__ + '.pid'\n",
        ),
    );
    let result = test(&world, &["--html", "line.html", "--logs", "logs"]).expect_code(0);
    assert!(result.stderr.contains("Packed web_all.charm in "), "{}", result.stderr);
    let (head, rest) =
        result.stdout.split_at(result.stdout.find("The suite passed after ").expect("a headline"));
    assert!(head.contains("3 passed"), "{head}");
    assert!(rest.contains(": 3 passed tests, 1 unit\n"), "{rest}");
    assert!(rest.contains("web/0: 2 hooks, the longest "), "{rest}");
    assert!(rest.contains("✗ start: exit status 1"), "{rest}");
    let page = fs_err::read_to_string(world.env.work().join("line.html")).unwrap();
    assert!(page.contains("test_surroundings") && page.contains("web/0"), "{page}");
    let noted = fs_err::read_to_string(world.env.work().join("logs/events.jsonl")).unwrap();
    assert_eq!(noted.lines().count(), 5, "{noted}");

    assert!(!folder.join("web_all.charm").exists(), "the suite was told a path, so none is needed there");
    assert_eq!(left(&world), Vec::<Utf8PathBuf>::new());
    let pid = fs_err::read_to_string(folder.join("tests/integration/conftest.py.pid")).unwrap();
    wait_for("the process that the suite left is gone", Duration::from_secs(5), || {
        let state = fs_err::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        state.is_empty() || state.contains(") Z ")
    });
}

#[test]
fn the_code_of_the_suite_and_arguments_are_passed_on() {
    let world = World::new();
    world.add(&suite("\ndef test_a():\n    pass\n\n\ndef test_b():\n    assert 1 == 2\n"));
    let result = test(&world, &["--", "-k", "test_b"]);
    assert_eq!(result.code, Some(1));
    assert!(result.stdout.contains("The suite failed with exit code 1 after "), "{}", result.stdout);
    assert!(result.stdout.contains(": 1 failed tests\n"), "{}", result.stdout);
    test(&world, &["--", "-k", "test_a"]).success();
}

#[test]
fn a_suite_that_takes_no_path_finds_the_archive_in_its_folder() {
    let world = World::new();
    let folder = world.add(&suite(
        "\ndef test_finds_it():\n    assert len(list(pathlib.Path(__file__).parents[2].glob('*.charm'))) == 1\n",
    ));
    test(&world, &[]).success();
    assert!(folder.join("web_all.charm").exists());
    fs_err::remove_file(folder.join("web_all.charm")).unwrap();
    // Nothing is packed where that is not wanted.
    assert_eq!(test(&world, &["--no-pack"]).code, Some(1));
}

#[test]
fn a_suite_is_given_the_charm_by_its_own_option() {
    let world = World::new();
    let folder = world.add(
        &suite(
            r#"
def test_is_given(request):
    (path,) = request.config.getoption("--charm-file")
    assert str(path) == request.config.getoption("--charm_path") == os.environ["CHARM_PATH"]


def test_what_packs_is_told(request):
    text = pathlib.Path(os.environ["OPCLI_ARTIFACTS_BUILD_YAML"]).read_text()
    (charm,) = json.loads(text)["charms"]
    (build,) = charm["builds"]
    assert (charm["name"], build["base"], build["path"]) == ("web", "ubuntu@24.04", os.environ["CHARM_PATH"])
"#,
        )
        // It ends the suite where the option is not there in time.
        .with_file(
            "tests/integration/conftest.py",
            "import pathlib\n\nimport pytest\n\n\ndef pytest_addoption(parser):\n    \
             parser.addoption('--charm_path')\n    \
             parser.addoption('--charm-file', action='append', type=pathlib.Path)\n\n\n\
             def pytest_configure(config):\n    \
             if not config.getoption('--charm_path'):\n        pytest.exit('--charm_path is required', 4)\n",
        ),
    );
    test(&world, &[]).success();
    assert!(!folder.join("web_all.charm").exists(), "the suite was told a path, so none is needed there");
    let other = test(&world, &["--", "--charm_path", "other.charm"]);
    assert!(other.stdout.contains("'other.charm'"), "what a user says counts: {other}");
}

#[test]
fn a_makefile_that_sets_the_path_of_python_hides_nothing() {
    let world = World::new();
    let charm = charm("web")
        .with_requirement("charmgreet==1.0")
        .with_file("charmcraft.yaml", CHARMCRAFT)
        .with_file("src/charm.py", "import charmgreet\n")
        .with_file("tests/own.py", "")
        .with_file(
            "Makefile",
            "HERE := $(dir $(abspath $(lastword $(MAKEFILE_LIST))))\nexport PYTHONPATH = $(HERE)tests\n\n\
             integration:\n\tuv run --no-project --with pytest pytest -q tests/integration\n",
        )
        .with_file(
            "tests/conftest.py",
            "def pytest_addoption(parser):\n    parser.addoption('--charm-path')\n",
        )
        .with_file(
            "tests/integration/test_charm.py",
            "import own\n\n\ndef test_is_given(request):\n    assert request.config.getoption('--charm-path')\n",
        );
    world.add(&charm);
    let result = test(&world, &[]).expect_code(0);
    assert!(result.stdout.contains(": 1 passed tests"), "{result}");
}

#[test]
fn a_suite_that_calls_charmcraft_by_its_snap_gets_ours() {
    let world = World::new();
    world.add(&suite(
        r#"
def test_packs(tmp_path):
    here = pathlib.Path(__file__).parents[2]
    subprocess.run(["/snap/bin/charmcraft", "pack", "-p", str(here)], cwd=str(tmp_path), check=True)
    assert [path.name for path in tmp_path.iterdir()] == ["web_all.charm"]
"#,
    ));
    test(&world, &[]).success();
}

#[test]
fn what_cannot_be_run_is_told() {
    let world = World::bare();
    world.add(&charm("web").with_tox_unit(&["true"]));
    let result = test(&world, &[]).expect_code(2);
    assert!(
        result.stderr.contains("there is no suite called `integration`: the charm offers tox -e unit"),
        "{result}"
    );
    let result = world.env.charmproof(&["test", "nowhere"]).expect_code(2);
    assert!(result.stderr.contains("`nowhere` cannot be used"), "{result}");
}

#[test]
fn a_suite_that_is_interrupted_cleans_up_and_leaves_nothing() {
    let world = World::new();
    let folder = world.add(&suite(
        r#"
import time


def test_takes_long():
    here = pathlib.Path(__file__).parent
    try:
        (here / "began").touch()
        time.sleep(600)
    finally:
        (here / "ended").touch()
"#,
    ));
    let place = folder.join("tests/integration");
    let mut child = world.env.command(&["test", "fleet/web"]).spawn().unwrap();
    wait_for("the test runs", Duration::from_mins(2), || place.join("began").exists());
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert!(place.join("ended").exists(), "the test had no time to clean up");
    assert_eq!(left(&world), Vec::<Utf8PathBuf>::new());
}

/// A `juju` that notes what it is asked, and knows one model that is quiet after half a second.
const RECORDER: &str = r#"#!/usr/bin/env python3
import json, os, pathlib, sys, time
here = pathlib.Path(__file__).parent
with open(here / "asked", "a") as file:
    file.write(" ".join(sys.argv[1:]) + "\n")
if sys.argv[1] == "status":
    model = dict.fromkeys(["name", "type", "controller", "cloud", "version"], "x")
    print(json.dumps({"model": model, "machines": {}, "applications": {}}))
elif sys.argv[1] == "debug-log":
    print("unit-web-0: a line")
"#;

#[test]
fn models_are_named_kept_and_logged_and_waits_end_with_a_change() {
    let world = World::new();
    let folder = world.add(
        &suite(
            r#"
import time

import jubilant

HERE = pathlib.Path(__file__).parent
JUJU = str(HERE / "recorder")


def test_model(monkeypatch):
    os.chmod(JUJU, 0o755)
    monkeypatch.setenv("PATH", str(HERE / "bin") + os.pathsep + os.environ["PATH"])
    (HERE / "bin").mkdir(exist_ok=True)
    shutil.copy(JUJU, HERE / "bin" / "juju")
    with jubilant.temp_model() as juju:
        assert juju.model == "mine"
        (DATA / "changes").write_bytes(b"bq")
        began = time.monotonic()
        juju.wait(lambda status: True, delay=30)
        assert time.monotonic() - began < 20
"#,
        )
        .with_requirement("jubilant")
        .with_file("tests/integration/recorder", RECORDER),
    );
    test(&world, &["--model", "mine", "--keep-models", "--logs", "logs", "--fast-waits"]).success();
    let asked = fs_err::read_to_string(folder.join("tests/integration/bin/asked")).unwrap();
    assert!(asked.starts_with("add-model --no-switch mine\n"), "{asked}");
    assert!(!asked.contains("destroy-model"), "{asked}");
    let log = fs_err::read_to_string(world.env.work().join("logs/mine.log")).unwrap();
    assert_eq!(log, "unit-web-0: a line\n");
    // Kept models are in the user's own data.
    assert!(world.env.root().join("data/charmproof/juju/events.jsonl").exists());
}

#[test]
fn the_users_own_juju_is_left_as_it_was() {
    let world = World::new();
    world.add(&suite(
        r#"
def test_model():
    subprocess.run(["juju", "add-model", "kept"], check=True)
    ran("web/0", "install")
    ran("other/0", "update-status")
    text = (DATA / "events.jsonl").read_text().splitlines()
    lines = [json.loads(line) for line in text]
    lines[-2]["model"], lines[-1]["model"] = "kept", "mine"
    (DATA / "events.jsonl").write_text("\n".join(json.dumps(line) for line in lines) + "\n")
"#,
    ));
    let juju = |words: &[&str]| world.env.charmproof(&[&["juju"], words].concat());
    juju(&["add-model", "mine", "k8s"]).success();
    let before = juju(&["switch"]).success();
    let refused = test(&world, &["--keep-models", "--controller", "nope"]).expect_code(2);
    assert!(refused.to_string().contains("[possible values: concierge-lxd, concierge-k8s]"), "{refused}");
    let passed = test(&world, &["--keep-models", "--logs", "logs"]).success();
    assert_eq!(juju(&["switch"]).success(), before);
    assert!(passed.contains("web/0") && !passed.contains("other/0"), "{passed}");
    let logs = world.env.work().join("logs");
    assert!(logs.join("kept.log").exists() && !logs.join("mine.log").exists());
    // A controller that was chosen without a model is chosen again, also when the suite fails: here at a
    // model that is there already.
    juju(&["destroy-model", "mine", "--no-prompt"]).success();
    juju(&["switch", "concierge-k8s"]).success();
    let before = juju(&["switch"]).success();
    assert_eq!(before, "concierge-k8s (controller)\n");
    let failed = test(&world, &["--keep-models"]).expect_code(1);
    assert!(failed.to_string().contains("add-model"), "{failed}");
    assert_eq!(juju(&["switch"]).success(), before);
    juju(&["destroy-model", "kept", "--no-prompt"]).success();
}

/// A suite that looks into the charm that it was given, and notes that a unit ran it.
fn looks_into_the_charm(hook: &str) -> Charm {
    suite(&format!(
        r#"
def test_greets():
    archive = zipfile.ZipFile(os.environ["CHARM_PATH"])
    (name,) = [name for name in archive.namelist() if name.endswith("charmgreet/__init__.py")]
    {hook}
    assert "'hello '" in archive.read(name).decode()


def test_packs_the_same(tmp_path):
    subprocess.run(["charmcraft", "pack", "-p", pathlib.Path(__file__).parents[2]], cwd=tmp_path, check=True)
    packed, given = [zipfile.ZipFile(path) for path in (tmp_path / "web_all.charm", os.environ["CHARM_PATH"])]
    assert packed.namelist() == given.namelist()
    assert str(DATA).endswith("/j") and DATA.parents[1].name == "s"
"#
    ))
}

#[test]
fn a_swap_in_the_packed_charm_is_compared() {
    let world = World::new();
    world.add(&looks_into_the_charm("ran('web/0', 'install')"));
    let words = ["integration", "./fleet", "--swap", "charmgreet==2.0", "--attempts", "1"];
    let run = world.check(&words).code(1);
    run.expect("web", "integration", "regressed: pass -> fail");
    let cases = run.pair("web", "integration")["cases"].as_array().unwrap();
    let regressed: Vec<&str> = cases.iter().filter_map(|case| case["case"].as_str()).collect();
    assert_eq!(regressed, ["tests/integration/test_charm.py::test_greets"]);
    let log = world.env.charmproof(&["show", "latest", "web", "integration", "--log", "candidate"]).success();
    assert!(log.contains("Packed web_all.charm"), "{log}");
    assert!(log.contains("web/0: 1 hook"), "{log}");
    // Nothing changed, so nothing is run.
    let again = world.check(&words).code(1);
    assert_eq!(again.reused(), 2);
}

#[test]
fn a_suite_in_which_no_unit_ran_proves_nothing() {
    let world = World::new();
    // The tests themselves use nothing of it.
    let suite = looks_into_the_charm("pass").with_file("requirements-test.txt", "pytest\n").with_file(
        "tox.ini",
        "[tox]\nno_package = true\n[testenv:integration]\ndeps = -r requirements-test.txt\ncommands = pytest -q tests/integration\n",
    );
    world.add(&suite);
    let run =
        world.check(&["integration", "./fleet", "--swap", "charmgreet==2.0", "--attempts", "1"]).code(0);
    run.expect("web", "integration", "unaffected: pass -> not-used");
}

/// A suite with a model that has a unit, which waits until it is ended.
const LINGERS: &str = r##"
import time


def test_lingers(tmp_path):
    charm = tmp_path / "tiny"
    charm.mkdir()
    (charm / "metadata.yaml").write_text("name: tiny\nsummary: s\ndescription: d\n")
    (charm / "manifest.yaml").write_text("bases:\n- {name: ubuntu, channel: '24.04', architectures: [amd64, arm64]}\n")
    (charm / "dispatch").write_text("#!/bin/sh\nstatus-set active\n")
    (charm / "dispatch").chmod(0o755)
    subprocess.run(["juju", "add-model", "m", "localhost"], check=True)
    subprocess.run(["juju", "deploy", str(charm)], check=True)
    while "idle" not in subprocess.run(["juju", "status"], check=True, capture_output=True, text=True).stdout:
        time.sleep(0.05)
    pathlib.Path("READY").write_text(str(DATA))
    time.sleep(600)
"##;

/// Starts the suite that lingers, and returns the command and the data of its local Juju once it does.
fn lingering(world: &World) -> (std::process::Child, String) {
    let ready = world.env.work().join("ready");
    world.add(&suite(&LINGERS.replace("READY", ready.as_str())));
    let mut command = world.env.command(&["test", "fleet/web"]);
    command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
    let child = command.spawn().unwrap();
    let limit = Duration::from_mins(3);
    wait_for("the suite to linger", limit, || {
        fs_err::read_to_string(&ready).is_ok_and(|text| !text.is_empty())
    });
    (child, fs_err::read_to_string(&ready).unwrap())
}

fn signal(child: &std::process::Child, name: &str) {
    let id = child.id().to_string();
    assert!(std::process::Command::new("kill").args(["-s", name, &id]).status().unwrap().success());
}

#[test]
fn an_interrupted_suite_leaves_nothing() {
    let world = World::new();
    let (mut child, data) = lingering(&world);
    assert!(!processes_with(&data).is_empty());
    signal(&child, "INT");
    assert_eq!(child.wait().unwrap().code(), Some(130));
    wait_for("its processes to end", Duration::from_secs(5), || processes_with(&data).is_empty());
    assert_eq!(left(&world), Vec::<Utf8PathBuf>::new());
}

#[test]
fn the_doctor_removes_what_a_killed_suite_has_left() {
    let world = World::new();
    let (mut child, data) = lingering(&world);
    let told = world.env.charmproof(&["doctor"]).success();
    assert!(told.contains("Left by runs that were killed\n  nothing"), "{told}");
    signal(&child, "KILL");
    child.wait().unwrap();
    let folder = left(&world)[0].clone();
    // A unit of a local Juju goes on by itself.
    assert!(!processes_with(&data).is_empty());
    let told = world.env.charmproof(&["doctor"]).success();
    assert!(told.contains(folder.as_str()) && told.contains("doctor --clean"), "{told}");
    let told = world.env.charmproof(&["doctor", "--clean"]).success();
    assert!(told.contains(&format!("removed folder of a command    {folder}")), "{told}");
    assert_eq!((left(&world), processes_with(&data)), (Vec::new(), Vec::new()));
    let told = world.env.charmproof(&["doctor", "--clean"]).success();
    assert_eq!(told.trim(), "nothing was left by runs that were killed");
}
