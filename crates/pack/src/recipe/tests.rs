use charmproof_charm::{DiskTree, MemoryTree};

use super::*;

const HEAD: &str =
    "--- src/charm.py\n--- charmcraft.yaml\ntype: charm\nname: a\nsummary: s\ndescription: d\n";

fn read(rest: &str) -> Result<Recipe, RecipeError> {
    Recipe::read(&MemoryTree::from_fixture(&format!("{HEAD}{rest}")))
}

/// The platforms, as `label base built-on... => file name`.
fn check_platforms(rest: &str, expected: &[&str]) {
    let recipe = read(rest).unwrap();
    let shown = |platform: &Platform| {
        let on: Vec<String> = platform.built_on.iter().map(ToString::to_string).collect();
        format!("{} on {} => {}", platform.base, on.join(" "), platform.file_name(&recipe.name))
    };
    assert_eq!(recipe.platforms.iter().map(shown).collect::<Vec<_>>(), expected, "{rest}");
}

#[test]
fn platforms_are_read_in_all_their_forms() {
    check_platforms(
        "base: ubuntu@24.04\nplatforms:\n  amd64:\n",
        &["ubuntu@24.04 on amd64 => a_amd64.charm"],
    );
    check_platforms(
        "platforms:\n  ubuntu@22.04:amd64:\n  ubuntu@24.04:arm64:\n",
        &[
            "ubuntu@22.04 on amd64 => a_ubuntu@22.04-amd64.charm",
            "ubuntu@24.04 on arm64 => a_ubuntu@24.04-arm64.charm",
        ],
    );
    check_platforms(
        "platforms:\n  jammy:\n    build-on: [ubuntu@22.04:amd64]\n    build-for: [ubuntu@22.04:arm64]\n",
        &["ubuntu@22.04 on amd64 => a_jammy.charm"],
    );
    check_platforms(
        "base: ubuntu@24.04\nplatforms:\n  all:\n    build-on: [amd64, arm64]\n    build-for: all\n",
        &["ubuntu@24.04 on amd64 arm64 => a_all.charm"],
    );
    check_platforms(
        "bases:\n  - {name: ubuntu, channel: '22.04', architectures: [amd64]}\n",
        &["ubuntu@22.04 on amd64 => a_ubuntu-22.04-amd64.charm"],
    );
    check_platforms(
        "bases:\n  - build-on: [{name: ubuntu, channel: '20.04', architectures: [amd64]}]\n    run-on:\n    \
         - {name: ubuntu, channel: '20.04', architectures: [amd64, arm64]}\n    \
         - {name: ubuntu, channel: '22.04', architectures: [amd64]}\n",
        &["ubuntu@20.04 on amd64 => a_ubuntu-20.04-amd64-arm64_ubuntu-22.04-amd64.charm"],
    );
}

fn check_refused(rest: &str, expected: &str) {
    let error = read(rest).expect_err(rest);
    assert_eq!(error.to_string(), expected, "{rest}");
}

const BASE: &str = "base: ubuntu@24.04\nplatforms: {amd64: }\n";

#[test]
fn what_a_part_installs_from_has_to_be_there() {
    let check = |charm: &str, expected: Result<(), &str>| {
        let tree = MemoryTree::from_fixture(&format!("--- src/charm.py\n--- charmcraft.yaml\n{charm}"));
        let found = Recipe::read(&tree).unwrap().check(&tree).map_err(|error| error.to_string());
        assert_eq!(found, expected.map_err(str::to_owned), "{charm}");
    };
    let parts = |text: &str| format!("name: a\n{BASE}parts: {{it: {{{text}}}}}\n");
    for plugin in ["uv", "poetry"] {
        let why = format!(
            "charmcraft.yaml:4: the part `it` is built by the plugin `{plugin}`, and there is no pyproject.toml"
        );
        check(&parts(&format!("plugin: {plugin}")), Err(&why));
        check(&format!("{}--- pyproject.toml\n", parts(&format!("plugin: {plugin}"))), Ok(()));
    }
    for (plugin, key) in [("charm", "charm-requirements"), ("python", "python-requirements")] {
        let missing = format!("plugin: {plugin}, {key}: [src/charm.py, none.txt]");
        let why = format!(
            "charmcraft.yaml:4: `{key}` of the part `it` names `none.txt`, and there is no such file"
        );
        check(&parts(&missing), Err(&why));
        // A script may make it.
        check(&parts(&format!("{missing}, override-build: 'touch none.txt; craftctl default'")), Ok(()));
        for path in ["src/charm.py", "./src/charm.py", "src/./charm.py", "src/../src/charm.py"] {
            check(&parts(&format!("plugin: {plugin}, {key}: [{path}]")), Ok(()));
        }
        check(
            &parts(&format!("plugin: {plugin}, source: ./src, {key}: [./charm.py, ../src/charm.py]")),
            Ok(()),
        );
    }
    let rule =
        "it has to be lower-case letters, digits and single hyphens between them, with at least one letter";
    for name in ["Bad Name", "my--charm", "123", "-a", "a-"] {
        check(
            &format!("name: '{name}'\n{BASE}"),
            Err(&format!("charmcraft.yaml:1: `name` is `{name}`; {rule}")),
        );
    }
    check(&format!("name: 1-my-charm2\n{BASE}"), Ok(()));
}

#[test]
fn a_file_is_there_wherever_it_lies() {
    let folder = tempfile::tempdir().unwrap();
    let root = Utf8Path::from_path(folder.path()).unwrap();
    let parts = "parts: {it: {plugin: charm, charm-requirements: [./build/requirements.txt]}}\n";
    fs_err::write(root.join("charmcraft.yaml"), format!("name: a\n{BASE}{parts}")).unwrap();
    let check = || {
        let tree = DiskTree::open(root).unwrap();
        Recipe::read(&tree).unwrap().check(&tree).map_err(|error| error.to_string())
    };
    assert!(check().is_err());
    fs_err::create_dir(root.join("build")).unwrap();
    fs_err::write(root.join("build/requirements.txt"), "ops\n").unwrap();
    assert_eq!(check(), Ok(()));
}

#[test]
fn what_is_not_done_is_refused_by_name() {
    let with = |parts: &str| format!("{BASE}parts:\n{parts}");
    check_refused(
        &with("  charm:\n    plugin: uv\n    override-prime: |\n      craftctl default\n      rm -r lib\n"),
        "charmcraft.yaml:10: the part `charm` has a script of its own, `override-prime`; pack this charm with \
         `charmcraft pack`",
    );
    check_refused(
        &with("  charm:\n    plugin: uv\n    stage-packages: [libpq5]\n"),
        "charmcraft.yaml:10: the part `charm` has `stage-packages`; pack this charm with `charmcraft pack`",
    );
    check_refused(
        &with("  tool:\n    plugin: go\n"),
        "charmcraft.yaml:9: the part `tool` is built by the plugin `go`; pack this charm with `charmcraft pack`",
    );
    check_refused(
        &with("  tool:\n    plugin: dump\n    source: https://a.example/b.git\n"),
        "charmcraft.yaml:10: the source of the part `tool` is outside of the charm; pack this charm with \
         `charmcraft pack`",
    );
    check_refused(
        &with("  charm:\n    plugin: reactive\n"),
        "this charm is put together of layers by `charm build`; pack it with `charmcraft pack`",
    );
    check_refused(
        &format!("{BASE}extensions: [flask-framework]\n"),
        "charmcraft.yaml:7: the extension flask-framework brings parts that are not made here; pack this charm with \
         `charmcraft pack`",
    );
}

#[test]
fn what_charmcraft_refuses_is_refused() {
    check_refused(
        "parts: {}\n",
        "charmcraft.yaml:1: it says nowhere what the charm runs on; add `base: ubuntu@24.04` and \
         `platforms: {amd64: }`",
    );
    check_refused(
        "base: ubuntu\nplatforms: {amd64: }\n",
        "charmcraft.yaml:5: `ubuntu` is not a base such as ubuntu@24.04",
    );
    check_refused(
        "base: ubuntu@24.04\nplatforms: {amd: }\n",
        "charmcraft.yaml:6: `amd` is no architecture such as amd64, arm64 or s390x",
    );
    check_refused(
        "platforms: {amd64: }\n",
        "charmcraft.yaml:5: the platform `amd64` has no base; write `ubuntu@24.04:amd64:`, or a `base`",
    );
    check_refused(
        &format!("{BASE}parts:\n  charm:\n    plugin: charm\n    charm-entrypoint: ../x.py\n"),
        "charmcraft.yaml:10: `charm-entrypoint` has to lie in the charm",
    );
}

#[test]
fn a_script_that_only_does_what_is_usual_is_none() {
    let recipe =
        read(&format!("{BASE}parts:\n  charm:\n    plugin: uv\n    override-build: craftctl default\n"))
            .unwrap();
    assert_eq!(recipe.parts[0].plugin, Plugin::Python { name: "uv", keeps_programs: false });
}

#[test]
fn scripts_are_run_unless_they_leave_nothing() {
    let check = |plugin: &str, text: &str, expected: Option<&str>| {
        let parts =
            format!("{BASE}parts:\n  it:\n    plugin: {plugin}\n    override-build: |\n      {text}\n");
        let script = read(&parts).unwrap().parts.remove(0).script;
        assert_eq!(script.as_ref().map(|script| script.text.as_str()), expected, "{plugin} {text}");
    };
    check("uv", "rustup default stable; craftctl default", Some("rustup default stable; craftctl default"));
    check("nil", "pip install poetry", None);
    check("nil", "date > $CRAFT_PART_INSTALL/x", Some("date > $CRAFT_PART_INSTALL/x"));
}

#[test]
fn without_parts_there_is_one_of_the_plugin_charm() {
    let recipe = read(BASE).unwrap();
    assert_eq!(recipe.parts.len(), 1);
    assert_eq!(recipe.parts[0].plugin, Plugin::Charm { entrypoint: "src/charm.py".into() });
}

#[test]
fn platforms_are_chosen() {
    let recipe = read("platforms:\n  ubuntu@22.04:amd64:\n  ubuntu@24.04:arm64:\n").unwrap();
    let check = |wanted: Option<&str>, architecture: Architecture, expected: &str| {
        let text = match recipe.chosen(wanted, architecture) {
            Ok(found) => found.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "),
            Err(error) => error.to_string(),
        };
        assert_eq!(text, expected);
    };
    check(None, Architecture::Amd64, "ubuntu@22.04:amd64");
    check(Some("ubuntu@24.04:arm64"), Architecture::Amd64, "ubuntu@24.04:arm64");
    check(
        Some("x"),
        Architecture::Amd64,
        "charmcraft.yaml has no platform `x`; it has ubuntu@22.04:amd64, ubuntu@24.04:arm64",
    );
    check(
        None,
        Architecture::S390x,
        "no platform of this charm is built on s390x; it has ubuntu@22.04:amd64, ubuntu@24.04:arm64 (`--platform` \
         takes one all the same)",
    );
}
