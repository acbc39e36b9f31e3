use proptest::prelude::*;

use super::*;

fn of_charmcraft(text: &str) -> CharmMetadata {
    CharmMetadata::parse(Some(text), None, None)
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
    let metadata =
        CharmMetadata::parse(Some("type: charm\n"), Some("name: a\nseries: [focal, jammy]\n"), None);
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
fn charmcraft_wins_and_metadata_fills_in() {
    let metadata = CharmMetadata::parse(
        Some(
            "type: charm\nname: new\nconfig:\n  options:\n    a: {type: string}\nparts:\n  charm: {}\n  x: {plugin: uv}\n",
        ),
        Some(
            "name: old\nsummary: |\n  About it.\ncontainers:\n  web: {resource: r}\nassumes:\n  - juju >= 3.1\n  - any-of:\n    - k8s-api\n    - juju < 4\n",
        ),
        Some("options:\n  b: {type: int}\n"),
    );
    assert_eq!(metadata.name.as_ref().map(CharmName::as_str), Some("new"));
    assert_eq!(metadata.summary.as_deref(), Some("About it."));
    assert_eq!(metadata.config_options.iter().collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!(metadata.containers.iter().collect::<Vec<_>>(), ["web"]);
    assert_eq!(metadata.assumes, ["juju >= 3.1", "k8s-api", "juju < 4"]);
    assert_eq!(metadata.substrate(), Substrate::Kubernetes);
    assert!(metadata.uses_plugin("charm") && metadata.uses_plugin("uv"));
    assert_eq!(metadata.notes, []);
}

#[test]
fn library_versions_keep_their_zeros() {
    let metadata = of_charmcraft(
        "charm-libs:\n  - lib: traefik-k8s.ingress\n    version: \"2\"\n  - lib: a.b\n    version: 0.10\n  - lib: c.d\n    version: 1\n  - lib: nodot\n    version: 1\n  - lib: e.f\n    version: new\n",
    );
    let libs: Vec<String> =
        metadata.charm_libs.iter().map(|lib| format!("{}.{} {}", lib.charm, lib.lib, lib.version)).collect();
    assert_eq!(libs, ["traefik_k8s.ingress 2", "a.b 0.10", "c.d 1"]);
    let notes: Vec<String> = metadata.notes.iter().map(ToString::to_string).collect();
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

proptest! {
    #[test]
    fn any_texts_give_metadata(a in any::<String>(), b in any::<String>(), c in any::<String>()) {
        let _ = CharmMetadata::parse(Some(&a), Some(&b), Some(&c));
    }

    #[test]
    fn any_shapes_give_metadata(keys in prop::collection::vec(
        (prop::sample::select(vec!["name", "type", "summary", "base", "platforms", "bases", "charm-libs", "parts", "assumes", "config", "containers", "subordinate", "series"]),
         prop::sample::select(vec!["", "x", "[]", "[x]", "{a: b}", "[{lib: a.b, version: 0}]", "[[{}]]", "{options: 3}", "1.0", "{run-on: [{name: a}]}"])), 0..8)) {
        let lines: Vec<String> = keys.iter().map(|(key, value)| format!("{key}: {value}\n")).collect();
        let _ = of_charmcraft(&lines.concat());
    }

    #[test]
    fn library_versions_round_trip(api in 0u64.., patch in proptest::option::of(0u64..)) {
        let version = LibVersion { api, patch };
        prop_assert_eq!(version.to_string().parse(), Ok(version));
    }
}
