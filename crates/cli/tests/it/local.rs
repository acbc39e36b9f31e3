//! `charmproof env` and `shell`, and `charmcraft` as the program is called there.

use charmproof_testkit::{CliResult, charm};

use crate::support::World;

const CHARMCRAFT: &str = "name: web\ntype: charm\nsummary: s\ndescription: d\nbase: ubuntu@24.04\nplatforms:\n  all:\n    \
    build-on: [amd64, arm64]\n    build-for: [all]\nparts:\n  it: {plugin: python, python-requirements: [requirements.txt]}\n";

/// Runs a script in the environment, in the folder of the tests.
fn in_shell(world: &World, script: &str) -> CliResult {
    world.env.charmproof(&["shell", "--data", "data", "--", "sh", "-c", script])
}

fn with_charm() -> World {
    let world = World::new();
    world.add(
        &charm("web")
            .with_requirement("charmgreet==1.0")
            .with_file("charmcraft.yaml", CHARMCRAFT)
            .with_file("src/charm.py", "import charmgreet\n"),
    );
    world
}

#[test]
fn a_shell_finds_ours_and_nothing_is_installed() {
    let world = World::bare();
    let found = in_shell(&world, "command -v juju; command -v charmcraft; echo $JUJU_DATA").success();
    let data = world.env.work().join("data");
    assert_eq!(found, format!("{data}/shims/juju\n{data}/shims/charmcraft\n{data}\n"));
    let printed = world.env.charmproof(&["env", "--data", "data", "--shell", "json"]).success();
    let printed: serde_json::Value = serde_json::from_str(&printed).unwrap();
    assert_eq!(printed["JUJU_DATA"], data.as_str());
    assert!(printed["PATH"].as_str().unwrap().starts_with(&format!("{data}/shims:")));
    // Without a name it is what the variable says, or the user's own.
    let mut named = World::bare();
    let own = named.env.work().join("named");
    named.env.set("JUJU_DATA", own.as_str());
    let printed = named.env.charmproof(&["env", "--shell", "sh"]).success();
    assert!(printed.contains(&format!("JUJU_DATA={own}\n")), "{printed}");
    let printed = world.env.charmproof(&["env", "--shell", "sh"]).success();
    assert!(printed.contains(&format!("JUJU_DATA={}/data/charmproof/juju\n", world.env.root())), "{printed}");
}

#[test]
fn the_exit_code_of_a_command_is_passed_on() {
    assert_eq!(in_shell(&World::bare(), "exit 7").code, Some(7));
    let missing = World::bare().env.charmproof(&["shell", "--", "no-such-command"]);
    assert_eq!(missing.code, Some(3));
    assert!(missing.stderr.contains("`no-such-command` cannot be started"), "{}", missing.stderr);
}

#[test]
fn charmcraft_packs_and_says_what_charmcraft_says() {
    let world = with_charm();
    let result = in_shell(&world, "cd fleet/web && charmcraft pack --verbose && ls *.charm");
    assert_eq!(result.stdout, "web_all.charm\n");
    assert!(result.stderr.ends_with("Packed web_all.charm\n"), "{}", result.stderr);
    let result = in_shell(&world, "charmcraft pack -p fleet/web -o dist -q --platform all && ls dist");
    assert_eq!((result.stdout.as_str(), result.stderr.as_str()), ("web_all.charm\n", ""));
    let result = in_shell(&world, "charmcraft pack -p fleet/web --bases-index 3");
    assert_eq!(result.code, Some(1));
    assert!(result.stderr.starts_with("Bases index '3' is invalid"), "{}", result.stderr);
}

#[test]
fn charmcraft_refuses_the_rest_by_name() {
    let world = World::bare();
    assert_eq!(in_shell(&world, "charmcraft version").success(), "charmcraft 4.4.0\n");
    for (words, expected) in [
        ("fetch-libs", "`charmcraft fetch-libs` is not done here"),
        ("upload x.charm", "`charmcraft upload` is not done here"),
        ("pack --strange", "--strange"),
    ] {
        let result = in_shell(&world, &format!("charmcraft {words}"));
        assert_eq!(result.code, Some(64), "{words}");
        assert!(result.stderr.contains(expected), "{}", result.stderr);
    }
    let result = in_shell(&world, "charmcraft pack");
    assert_eq!(result.code, Some(1));
    assert!(result.stderr.contains("there is no charmcraft.yaml here"), "{}", result.stderr);
}
