use proptest::prelude::*;

use super::*;
use crate::MemoryTree;
use crate::metadata::CharmTexts;

const INGRESS: &str = "lib/charms/traefik_k8s/v2/ingress.py";

fn parse(text: &str) -> VendoredLibrary {
    VendoredLibrary::parse(Utf8Path::new(INGRESS), text).expect("the path is that of a library")
}

#[test]
fn the_usual_assignments() {
    let library = parse(
        "\"\"\"Docs.\nLIBPATCH = 99\n\"\"\"\n# The unique Charmhub library identifier\nLIBID = \"e6de\"\nLIBAPI = 2\nLIBPATCH = 14  # bumped\n",
    );
    assert_eq!(library.libid.as_deref(), Some("e6de"));
    assert_eq!((library.libapi, library.libpatch), (Some(2), Some(14)));
    assert_eq!(library.version().to_string(), "2.14");
}

#[test]
fn unusual_assignments() {
    let library = parse("LIBID: str = 'e6de'\nLIBAPI: int = 2\nLIBPATCH=int(3)\nif LIBAPI == 3: pass\n");
    assert_eq!(library.libid.as_deref(), Some("e6de"));
    assert_eq!((library.libapi, library.libpatch), (Some(2), None));
    assert_eq!(parse("").libid, None);
}

#[test]
fn paths_that_are_libraries() {
    for (path, expected) in [
        (INGRESS, Some("charms.traefik_k8s.v2.ingress")),
        ("lib/charms/a/v0/__init__.py", None),
        ("lib/charms/a/vx/b.py", None),
        ("lib/charms/a/v0/b/c.py", None),
        ("lib/charms/a/v0/b.txt", None),
        ("charms/a/v0/b.py", None),
    ] {
        let key = LibraryKey::from_path(Utf8Path::new(path)).map(|key| key.to_string());
        assert_eq!(key.as_deref(), expected, "{path}");
    }
}

fn index() -> LibraryIndex {
    let mut index = LibraryIndex::default();
    let charms =
        [("a", "name: traefik-k8s", 3), ("b", "name: b", 7), ("c", "name: c", 3), ("d", "name: d", 5)];
    for (repository, metadata, patch) in charms {
        let tree = MemoryTree::new([(INGRESS, format!("LIBAPI = 2\nLIBPATCH = {patch}\n"))]);
        let metadata =
            CharmMetadata::parse(CharmTexts { charmcraft: Some(metadata), ..CharmTexts::default() });
        index.add_charm(&tree, repository, Utf8Path::new("charms/x"), &metadata);
    }
    index
}

fn check_resolve(version: &str, expected: Option<&str>) {
    let wanted = CharmLib {
        charm: "traefik_k8s".to_owned(),
        lib: "ingress".to_owned(),
        version: version.parse().expect("it is a version"),
        line: 1,
    };
    let index = index();
    let found = index
        .resolve(&wanted)
        .map(|candidate| format!("{} {}", candidate.provider.repository, candidate.library.version()));
    assert_eq!(found.as_deref(), expected, "{version}");
}

#[test]
fn the_newest_that_fits_is_chosen() {
    check_resolve("2", Some("b 2.7"));
    check_resolve("2.5", Some("d 2.5"));
    check_resolve("2.3", Some("a 2.3"));
    check_resolve("2.4", Some("b 2.7"));
    check_resolve("2.8", None);
    check_resolve("1", None);
}

#[test]
fn missing_libraries_are_declared_or_imported() {
    let tree = MemoryTree::from_fixture(
        "--- charmcraft.yaml\ncharm-libs:\n  - {lib: there.lib, version: 0}\n  - {lib: not-there.lib, version: '1.2'}\n\
         --- lib/charms/there/v0/lib.py\nfrom charms.deeper.v0.lib import X\n\
         --- src/charm.py\nfrom charms.not_there.v1.lib import Y\nfrom charms.undeclared.v3.lib import Z\nfrom charms.there.v0.lib import W\n",
    );
    let missing: Vec<String> = missing_libraries(&CharmMetadata::read(&tree), &tree)
        .into_iter()
        .map(|lacking| format!("{} {:?} {:?}", lacking.key, lacking.patch, lacking.asked_by))
        .collect();
    assert_eq!(
        missing,
        [
            "charms.deeper.v0.lib None Import { file: \"lib/charms/there/v0/lib.py\", line: 1 }",
            "charms.not_there.v1.lib Some(2) Declaration { line: 3 }",
            "charms.undeclared.v3.lib None Import { file: \"src/charm.py\", line: 2 }",
        ]
    );
}

proptest! {
    #[test]
    fn any_text_is_a_library(text in any::<String>(), lines in "((LIBID|LIBAPI|LIBPATCH)[:= ]{0,3}[\"'(0-9]{0,4}\n){0,5}") {
        let _ = parse(&text);
        let _ = parse(&lines);
    }

    #[test]
    fn paths_round_trip(charm in "[a-z_]{1,8}", api in 0u64.., lib in "[a-z]{1,8}") {
        let key = LibraryKey { charm, api, lib };
        prop_assert_eq!(LibraryKey::from_path(&key.path()), Some(key));
    }
}
