use proptest::prelude::*;

use super::*;

mod declarations;
mod refusals;

fn of_charmcraft(text: &str) -> CharmMetadata {
    CharmMetadata::parse(CharmTexts { charmcraft: Some(text), ..CharmTexts::default() })
}

fn check_bases(charmcraft: &str, expected: &[&str]) {
    let metadata = of_charmcraft(charmcraft);
    let bases: Vec<String> = metadata.bases.iter().map(ToString::to_string).collect();
    assert_eq!(bases, expected, "{charmcraft}");
}

#[test]
fn bases_are_written_in_five_ways() {
    check_bases("base: ubuntu@24.04\nplatforms: {amd64: }\n", &["ubuntu@24.04"]);
    check_bases("platforms:\n  ubuntu@22.04:amd64:\n  ubuntu@22.04:arm64:\n", &["ubuntu@22.04"]);
    check_bases(
        "platforms:\n  jammy:\n    build-on: [ubuntu@22.04:amd64]\n    build-for: [ubuntu@22.04:amd64]\n  noble:\n    build-on: ubuntu@24.04:amd64\n",
        &["ubuntu@22.04", "ubuntu@24.04"],
    );
    check_bases(
        "bases:\n  - build-on: [{name: ubuntu, channel: '22.04'}]\n    run-on:\n      - {name: ubuntu, channel: '20.04'}\n      - {name: ubuntu, channel: '22.04'}\n",
        &["ubuntu@20.04", "ubuntu@22.04"],
    );
    check_bases("bases: [{name: ubuntu, channel: 20.04}]\n", &["ubuntu@20.04"]);
}

#[test]
fn a_series_stands_in_for_a_base() {
    let metadata = CharmMetadata::parse(CharmTexts {
        charmcraft: Some("type: charm\n"),
        metadata: Some("name: a\nseries: [focal, jammy]\n"),
        ..CharmTexts::default()
    });
    assert_eq!(metadata.base_for_tests().map(ToString::to_string).as_deref(), Some("ubuntu@22.04"));
}

#[test]
fn of_several_bases_the_tests_run_on_one() {
    for (platforms, expected) in [
        ("{ubuntu@22.04:amd64: , ubuntu@26.04:amd64: }", Some("ubuntu@22.04")),
        ("{ubuntu@20.04:all: , ubuntu@24.04:all: , ubuntu@22.04:all: }", Some("ubuntu@24.04")),
        ("{ubuntu@26.04:amd64: }", Some("ubuntu@26.04")),
        ("{ubuntu@99.04:amd64: }", Some("ubuntu@99.04")),
        ("{amd64: }", None),
    ] {
        let metadata = of_charmcraft(&format!("platforms: {platforms}\n"));
        let base = metadata.base_for_tests().map(ToString::to_string);
        assert_eq!(base.as_deref(), expected, "{platforms}");
    }
}

#[test]
fn what_charmcraft_does_not_say_metadata_says() {
    let metadata = CharmMetadata::parse(CharmTexts {
        charmcraft: Some("type: charm\nname: new\nparts:\n  charm: {}\n  x: {plugin: uv}\n"),
        metadata: Some(
            "summary: |\n  About it.\ndescription: d\nresources:\n  r: {type: oci-image}\ncontainers:\n  web: {resource: r}\nassumes:\n  - juju >= 3.1\n  - any-of:\n    - k8s-api\n    - juju < 4\n",
        ),
        config: Some("options:\n  b: {type: int}\n"),
        actions: Some("act: {}\n"),
    });
    assert_eq!(metadata.notes, []);
    assert_eq!(metadata.name.as_ref().map(CharmName::as_str), Some("new"));
    assert_eq!(metadata.summary.as_deref(), Some("About it."));
    assert_eq!(metadata.config_options[0].name, "b");
    assert_eq!(metadata.containers[0].name, "web");
    assert_eq!(metadata.actions[0].name, "act");
    assert_eq!(metadata.assumes, ["juju >= 3.1", "k8s-api", "juju < 4"]);
    assert_eq!(metadata.substrate(), Substrate::Kubernetes);
    assert!(metadata.uses_plugin("charm") && metadata.uses_plugin("uv"));
}

#[test]
fn library_versions_keep_their_zeros() {
    let metadata = of_charmcraft(
        "charm-libs:\n  - lib: traefik-k8s.ingress\n    version: \"2\"\n  - lib: a.b\n    version: 0.10\n  - lib: c.d\n    version: 1\n  - lib: nodot\n    version: 1\n  - lib: e.f\n    version: new\n",
    );
    let libs: Vec<String> =
        metadata.charm_libs.iter().map(|lib| format!("{}.{} {}", lib.charm, lib.lib, lib.version)).collect();
    assert_eq!(libs, ["traefik_k8s.ingress 2", "a.b 0.10", "c.d 1"]);
    let notes: Vec<String> =
        metadata.notes.iter().filter(|note| !note.is_error()).map(ToString::to_string).collect();
    assert_eq!(
        notes,
        [
            "charmcraft.yaml:5:14: `0.10` is not quoted: other tools read it as a number and lose its last zero",
            "charmcraft.yaml:8:5: `nodot` is not of the form charm.library",
            "charmcraft.yaml:11:14: `new` is not a version of a charm library such as 0 or 0.4",
        ]
    );
}

#[test]
fn a_broken_file_still_gives_its_name() {
    let metadata = of_charmcraft("name: 'a'\ntype: bundle\n{% if x %}\n");
    assert_eq!(metadata.name.as_ref().map(CharmName::as_str), Some("a"));
    assert_eq!(metadata.project_type, Some(ProjectType::Bundle));
    assert_eq!(metadata.notes.len(), 1);
    assert!(metadata.notes[0].snippet.as_deref().is_some_and(|snippet| snippet.contains('^')));
}

#[test]
fn the_substrate_is_guessed() {
    for (text, expected) in [
        ("name: a\n", Substrate::Machine),
        ("name: a-k8s\n", Substrate::Kubernetes),
        ("name: a\nassumes: [k8s-api]\n", Substrate::Kubernetes),
        ("name: a\nseries: [kubernetes]\n", Substrate::Kubernetes),
        ("name: a\ncontainers: {c: {}}\n", Substrate::Kubernetes),
        ("name: a-k8s\nsubordinate: true\n", Substrate::Machine),
    ] {
        assert_eq!(of_charmcraft(text).substrate(), expected, "{text}");
    }
}

/// Keys of all levels of a charm's files.
fn key() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "name",
        "type",
        "summary",
        "base",
        "platforms",
        "bases",
        "charm-libs",
        "parts",
        "assumes",
        "config",
        "options",
        "default",
        "containers",
        "resource",
        "resources",
        "mounts",
        "storage",
        "location",
        "multiple",
        "range",
        "minimum-size",
        "properties",
        "provides",
        "requires",
        "peers",
        "interface",
        "limit",
        "scope",
        "optional",
        "actions",
        "params",
        "required",
        "parallel",
        "subordinate",
        "series",
        "extensions",
        "extra-bindings",
        "any-of",
        "description",
        "uid",
        "juju-info",
        "'a: b'",
    ])
}

/// Flow YAML in which keys have values that fit and such that do not.
fn value() -> impl Strategy<Value = String> {
    let leaf = prop::sample::select(vec![
        "",
        "x",
        "[]",
        "{}",
        "1",
        "-1",
        "1.0",
        "true",
        "~",
        "'1'",
        "2-5",
        "0-",
        "1G",
        "charm",
        "block",
        "int",
        "secret",
        "oci-image",
        "container",
        "flask-framework",
        "juju >= 3",
        "{name: a, channel: 22.04}",
    ])
    .prop_map(str::to_owned);
    leaf.prop_recursive(4, 32, 4, |inner| {
        prop_oneof![
            prop::collection::vec((key(), inner.clone()), 0..4).prop_map(|entries| {
                let entries: Vec<String> =
                    entries.iter().map(|(key, value)| format!("{key}: {value}")).collect();
                format!("{{{}}}", entries.join(", "))
            }),
            prop::collection::vec(inner, 0..4).prop_map(|items| format!("[{}]", items.join(", "))),
        ]
    })
}

/// Notes are bounded in number and length, and each that has a place shows it.
fn check_notes(metadata: &CharmMetadata) {
    assert!(metadata.notes.len() <= reader::NOTES + 1, "{}", metadata.notes.len());
    for note in &metadata.notes {
        assert!(note.text.chars().count() < 1000, "{note}");
        assert_eq!(note.place.is_some(), note.snippet.is_some(), "{note}");
        assert!(!note.to_string().contains(['\n', '\r']), "{note}");
        assert!(note.hint.as_ref().is_none_or(|hint| hint.ends_with(['.', '?'])), "{note:#}");
    }
    let mut names: Vec<&str> = metadata.endpoints.iter().map(|endpoint| endpoint.name.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), metadata.endpoints.len(), "an endpoint is there twice");
}

proptest! {
    #[test]
    fn any_texts_give_metadata(a in any::<String>(), b in any::<String>(), c in any::<String>(), d in any::<String>()) {
        let metadata = CharmMetadata::parse(CharmTexts {
            charmcraft: Some(&a),
            metadata: Some(&b),
            config: Some(&c),
            actions: Some(&d),
        });
        check_notes(&metadata);
    }

    #[test]
    fn any_shapes_give_metadata(keys in prop::collection::vec((key(), value()), 0..12)) {
        let lines: Vec<String> = keys.iter().map(|(key, value)| format!("{key}: {value}\n")).collect();
        let text = lines.concat();
        check_notes(&of_charmcraft(&text));
        check_notes(&CharmMetadata::parse(CharmTexts {
            charmcraft: Some(&text),
            metadata: Some(&text),
            config: Some(&text),
            actions: Some(&text),
        }));
    }

    #[test]
    fn library_versions_round_trip(api in 0u64.., patch in proptest::option::of(0u64..)) {
        let version = LibVersion { api, patch };
        prop_assert_eq!(version.to_string().parse(), Ok(version));
    }
}
