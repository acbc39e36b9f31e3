//! `charmproof pack`: what is in the archive, and that it runs.

use std::process::Command;

use camino::{Utf8Path, Utf8PathBuf};
use charmproof_testkit::{Charm, CliResult, charm};

use crate::support::World;

const HEAD: &str = "name: web\ntype: charm\nsummary: s\ndescription: d\nbase: ubuntu@24.04\nplatforms:\n  all:\n    \
    build-on: [amd64, arm64]\n    build-for: [all]\n";

/// A charm that greets when it is started.
fn greeter(parts: &str) -> Charm {
    charm("web")
        .with_requirement("charmgreet==1.0")
        .with_file("charmcraft.yaml", &format!("{HEAD}{parts}"))
        .with_file("src/charm.py", "import charmgreet\nprint(charmgreet.greet('Juju'))\n")
}

fn packed(world: &World, more: &[&str]) -> CliResult {
    world.env.charmproof(&[&["pack", "fleet/web", "--output", "out"], more].concat())
}

fn unpacked(world: &World) -> Utf8PathBuf {
    let unit = world.env.work().join("unit");
    let file = fs_err::File::open(world.env.work().join("out/web_all.charm")).expect("an archive");
    zip::ZipArchive::new(file).unwrap().extract(&unit).unwrap();
    unit
}

#[test]
fn an_archive_runs_with_the_packages_in_it() {
    let world = World::new();
    let folder =
        world.add(&greeter("parts:\n  it: {plugin: python, python-requirements: [requirements.txt]}\n"));
    let before = listed(&folder);
    assert_eq!(packed(&world, &[]).success(), "Packed web_all.charm\n");
    assert_eq!(listed(&folder), before, "the charm's folder was written to");
    let unit = unpacked(&world);
    // The interpreter of the base is not here in every surroundings; packages are where it would look.
    let libraries = unit.join("venv/lib").read_dir_utf8().unwrap().next().unwrap().unwrap();
    assert!(libraries.path().join("site-packages/charmgreet/__init__.py").exists());
    let output = Command::new("python3")
        .arg("src/charm.py")
        .env("PYTHONPATH", libraries.path().join("site-packages"))
        .current_dir(&unit)
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "hello Juju\n");

    let first = fs_err::read(world.env.work().join("out/web_all.charm")).unwrap();
    packed(&world, &[]).success();
    assert!(
        first == fs_err::read(world.env.work().join("out/web_all.charm")).unwrap(),
        "not the same archive"
    );
}

#[test]
fn a_swap_is_packed_instead() {
    let world = World::new();
    world.add(&greeter(""));
    packed(&world, &["--swap", "charmgreet==2.0"]).success();
    let text = fs_err::read_to_string(unpacked(&world).join("venv/charmgreet/__init__.py")).unwrap();
    assert!(text.contains("HELLO"), "{text}");
}

#[test]
fn a_script_of_a_part_is_run_in_a_copy() {
    let world = World::new();
    let script = "parts:\n  it:\n    plugin: charm\n    build-environment: [{WORD: word}]\n    override-build: |\n      \
        rustup default stable\n      apt-get install -y rustc\n      echo more >> src/charm.py\n      craftctl default\n      \
        echo \"$WORD $CRAFT_PART_NAME\" > $CRAFT_PART_INSTALL/version\n      rm $CRAFT_PART_INSTALL/requirements.txt\n";
    let folder = world.add(&greeter(script));
    let before = listed(&folder);
    packed(&world, &[]).success();
    assert_eq!(listed(&folder), before, "the charm's folder was written to");
    let unit = unpacked(&world);
    assert_eq!(fs_err::read_to_string(unit.join("version")).unwrap(), "word it\n");
    assert!(unit.join("venv/charmgreet").exists() && !unit.join("requirements.txt").exists());
    let left = world.cache().join("work/f").read_dir_utf8().unwrap().map(Result::unwrap);
    assert_eq!(left.filter(|entry| entry.path().is_dir()).count(), 0, "something was left in the cache");
}

#[test]
fn a_script_finds_its_programs_whatever_the_platform_is_called() {
    let world = World::new();
    let charm = greeter("parts:\n  it:\n    plugin: charm\n    override-build: |\n      craftctl default\n");
    let charm = charm.with_file(
        "charmcraft.yaml",
        "name: web\ntype: charm\nsummary: s\ndescription: d\nplatforms:\n  ubuntu@24.04:amd64:\n    build-on: [ubuntu@24.04:amd64, \
         ubuntu@24.04:arm64]\n    build-for: [ubuntu@24.04:amd64]\nparts:\n  it:\n    plugin: charm\n    override-build: |\n      \
         rustup default stable\n      \"$HOME/.local/bin/uv\" python find\n      poetry env use python3\n      \
         craftctl default\n",
    );
    world.add(&charm);
    packed(&world, &[]).success();
}

#[test]
fn libraries_that_are_not_there_are_told() {
    let world = World::new();
    let parts = "charm-libs:\n  - {lib: tempo.tracing, version: \"0\"}\nparts:\n  it: {plugin: charm}\n";
    world.add(&greeter(parts));
    let result = packed(&world, &[]);
    assert!(
        result.stderr.contains(
            "note: the charm does not have a library that it asks for: charms.tempo.v0.tracing; `charmcraft fetch-libs`"
        ),
        "{result}"
    );
}

#[test]
fn a_script_that_fails_is_told_with_its_place() {
    let world = World::new();
    world.add(&greeter(
        "parts:\n  it:\n    plugin: charm\n    override-build: |\n      echo before\n      false\n",
    ));
    let error = packed(&world, &[]).expect_code(3).stderr;
    assert!(
        error.contains("the script `override-build` of the part `it` (charmcraft.yaml:13) ended with 1"),
        "{error}"
    );
    assert!(error.contains("before"), "{error}");
}

#[test]
fn what_is_not_done_is_refused_before_anything_is_made() {
    let world = World::bare();
    world.add(&greeter("parts:\n  it: {plugin: rust}\n"));
    let error = packed(&world, &[]).expect_code(2).stderr;
    assert!(error.contains("charmcraft.yaml:11: the part `it` is built by the plugin `rust`"), "{error}");
    assert!(!world.env.work().join("out").exists());
}

/// All files below a folder, with what is in them.
fn listed(folder: &Utf8Path) -> Vec<(Utf8PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    let mut waiting = vec![folder.to_owned()];
    while let Some(folder) = waiting.pop() {
        for entry in folder.read_dir_utf8().unwrap().map(Result::unwrap) {
            if entry.file_type().unwrap().is_dir() {
                waiting.push(entry.into_path());
            } else {
                found.push((entry.path().to_owned(), fs_err::read(entry.path()).unwrap()));
            }
        }
    }
    found.sort();
    found
}
