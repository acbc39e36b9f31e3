use std::collections::BTreeSet;
use std::io;
use std::sync::{Arc, Mutex};

use camino::{Utf8Path, Utf8PathBuf};
use charmproof_charm::library::{
    AskedBy, LibraryIndex, LibraryKey, MissingLibrary, Provider, VendoredLibrary,
};
use proptest::prelude::*;

use super::choice::{Asked, Choice, Facts, Step};
use super::*;
use crate::provision::charmhub::fake::{Published, Server, shelf};
use crate::provision::charmhub::{Charmhub, DEFAULT_BASE_URL, FetchedLibrary, Timeouts};

/// Questions to a [`Shelf`], each with the libraries it named.
type Questions = Arc<Mutex<Vec<Vec<String>>>>;

/// A source that has some patches of `charms.a.v0.b`.
struct Shelf {
    patches: Vec<u64>,
    is_down: bool,
    questions: Questions,
}

impl LibrarySource for Shelf {
    fn fetch(&self, wanted: &[WantedLibrary]) -> Result<Vec<FetchedLibrary>, SourceError> {
        let names = wanted.iter().map(|wanted| format!("{} {:?}", wanted.key, wanted.patch)).collect();
        self.questions.lock().unwrap().push(names);
        if self.is_down {
            return Err(SourceError::Unreachable { reason: "connection refused".into() });
        }
        let answer = |wanted: &WantedLibrary| {
            let newest =
                self.patches.iter().filter(|patch| wanted.patch.is_none_or(|wanted| **patch == wanted)).max();
            let patch = *newest.filter(|_| wanted.key == key("a", "b")).ok_or(SourceError::NotFound)?;
            let held = wanted.held.as_ref();
            let content = if held
                .is_some_and(|held| held.patch == patch && held.hash == content_hash(&text(patch, "hub")))
            {
                FetchedContent::Held
            } else {
                FetchedContent::Text(text(patch, "hub"))
            };
            Ok(FetchedCopy { patch, content })
        };
        Ok(wanted
            .iter()
            .map(|wanted| FetchedLibrary { wanted: wanted.clone(), answer: answer(wanted) })
            .collect())
    }
}

fn key(charm: &str, lib: &str) -> LibraryKey {
    LibraryKey { charm: charm.to_owned(), api: 0, lib: lib.to_owned() }
}

fn text(patch: u64, by: &str) -> String {
    format!("LIBAPI = 0\nLIBPATCH = {patch}\nBY = {by:?}\n")
}

fn missing(key: LibraryKey, patch: Option<u64>) -> MissingLibrary {
    MissingLibrary { key, patch, asked_by: AskedBy::Declaration { line: 1 } }
}

/// A fleet in which some charms have `charms.a.v0.b`, each in a patch.
fn fleet(patches: &[u64]) -> LibraryIndex {
    let mut index = LibraryIndex::default();
    let path = key("a", "b").path();
    for (at, patch) in patches.iter().enumerate() {
        let library = VendoredLibrary::parse(&path, &text(*patch, "fleet")).unwrap();
        let provider =
            Provider { repository: format!("r{at}-{patch}"), charm_root: "charms/x".into(), is_owner: false };
        index.add(library, provider);
    }
    index
}

fn read_fleet(charm: &Provider, file: &Utf8Path) -> io::Result<String> {
    assert_eq!(*file, key("a", "b").path());
    let (_, number) = charm.repository.split_once('-').unwrap();
    let patch = number.parse().map_err(io::Error::other)?;
    Ok(text(patch, "fleet"))
}

struct Setting {
    cache: Utf8PathBuf,
    _folder: tempfile::TempDir,
    questions: Questions,
}

impl Setting {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let cache = cache_folder(Utf8Path::from_path(folder.path()).unwrap(), DEFAULT_BASE_URL);
        Self { cache, _folder: folder, questions: Questions::default() }
    }

    fn caching(self, patches: &[u64]) -> Self {
        let cache = LibraryCache::new(self.cache.clone());
        for patch in patches {
            cache.write(&key("a", "b"), *patch, &text(*patch, "hub")).unwrap();
        }
        self
    }

    /// A provider for one run; `None` is offline.
    fn run(&self, charmhub: Option<&[u64]>, is_down: bool, in_fleet: &[u64]) -> LibraryProvider {
        let source = charmhub.map(|patches| {
            let questions = Arc::clone(&self.questions);
            Box::new(Shelf { patches: patches.to_vec(), is_down, questions }) as Box<dyn LibrarySource>
        });
        LibraryProvider::new(self.cache.clone(), source, fleet(in_fleet), Box::new(read_fleet))
    }

    fn asked(&self) -> Vec<Vec<String>> {
        self.questions.lock().unwrap().clone()
    }
}

/// What `charms.a.v0.b` in that patch comes to, in short.
fn provide(provider: &LibraryProvider, patch: Option<u64>) -> String {
    let provision = provider.provide(&[missing(key("a", "b"), patch)]);
    match (provision.provided.as_slice(), provision.not_provided.as_slice()) {
        ([library], []) => {
            let patch = library.patch.unwrap();
            let by = if matches!(library.from, Source::Fleet { .. }) { "fleet" } else { "hub" };
            assert_eq!(*library.content, text(patch, by));
            format!("{patch} {}", library.from)
        }
        ([], [not_provided]) => not_provided.to_string(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_cache_then_charmhub_then_the_fleet() {
    for (cached, charmhub, in_fleet, patch, expected) in [
        (&[4][..], Some(&[4, 5][..]), &[4][..], Some(4), "4 the cache of Charmhub"),
        (&[], Some(&[4, 5]), &[4], Some(4), "4 Charmhub"),
        (&[], Some(&[5]), &[7, 4], Some(4), "4 the fleet: r1-4/charms/x"),
        (&[], Some(&[5]), &[7], Some(4), "5 Charmhub"),
        (&[], None, &[7, 6], Some(4), "7 the fleet: r0-7/charms/x"),
        (&[9], None, &[7], Some(4), "9 the cache of Charmhub"),
        (&[3], Some(&[5]), &[7], None, "5 Charmhub"),
        (&[5], Some(&[5]), &[7], None, "5 Charmhub"),
        (&[3], None, &[7], None, "7 the fleet: r0-7/charms/x"),
    ] {
        let setting = Setting::new().caching(cached);
        let provider = setting.run(charmhub, false, in_fleet);
        assert_eq!(provide(&provider, patch), expected, "{cached:?} {charmhub:?} {in_fleet:?} {patch:?}");
    }
}

#[test]
fn what_is_not_to_be_had_says_what_was_tried() {
    let name = "charms.a.v0.b (patch 4 or newer) is not to be had:";
    let setting = Setting::new();
    assert_eq!(
        provide(&setting.run(None, false, &[]), None),
        "charms.a.v0.b is not to be had: the cache does not have it, Charmhub was not asked (offline), \
         and no other charm of the fleet has it"
    );
    assert_eq!(
        provide(&setting.run(Some(&[2]), false, &[3]), Some(4)),
        format!(
            "{name} the cache does not have it, Charmhub has no newer patch than 2, \
             and the fleet has no newer patch than 3"
        )
    );
    assert_eq!(
        provide(&setting.run(Some(&[]), false, &[]), Some(4)),
        format!(
            "{name} the cache has no newer patch than 2, Charmhub does not have it, \
             and no other charm of the fleet has it"
        )
    );
    assert_eq!(
        provide(&Setting::new().caching(&[1]).run(Some(&[]), true, &[]), Some(4)),
        format!(
            "{name} the cache has no newer patch than 1, Charmhub could not be reached: connection refused, \
             and no other charm of the fleet has it"
        )
    );
}

#[test]
fn a_copy_that_cannot_be_read_is_passed_over() {
    let setting = Setting::new();
    let reader = |charm: &Provider, path: &Utf8Path| {
        if charm.repository == "r1-8" { read_fleet(charm, path) } else { Ok(text(3, "fleet")) }
    };
    let provider = LibraryProvider::new(setting.cache.clone(), None, fleet(&[9, 8]), Box::new(reader));
    assert_eq!(provide(&provider, None), "8 the fleet: r1-8/charms/x");
    let nobody = |_: &Provider, _: &Utf8Path| Err(io::Error::other("gone"));
    let provider = LibraryProvider::new(setting.cache.clone(), None, fleet(&[9]), Box::new(nobody));
    let why = provide(&provider, None);
    assert!(why.ends_with("and the copy of the fleet: r0-9/charms/x could not be read (gone)"), "{why}");
}

#[test]
fn a_run_decides_once() {
    let setting = Setting::new();
    let provider = setting.run(Some(&[4]), false, &[]);
    let whole_fleet = [
        missing(key("a", "b"), None),
        missing(key("c", "d"), Some(1)),
        missing(key("a", "b"), None),
        missing(key("a", "b"), Some(4)),
    ];
    let provision = provider.provide(&whole_fleet);
    assert_eq!((provision.provided.len(), provision.not_provided.len()), (2, 1));
    // All in one question, and the newest of what is not there exactly in a second.
    let expected = vec![
        vec!["charms.a.v0.b None".to_owned(), "charms.a.v0.b Some(4)".into(), "charms.c.v0.d Some(1)".into()],
        vec!["charms.c.v0.d None".to_owned()],
    ];
    assert_eq!(setting.asked(), expected);
    assert_eq!(provider.provide(&whole_fleet), provision);
    assert_eq!(provide(&provider, None), "4 Charmhub");
    assert_eq!(setting.asked().len(), 2);
    // The next run has the exact patch without asking.
    assert_eq!(provide(&setting.run(Some(&[]), true, &[]), Some(4)), "4 the cache of Charmhub");
    assert_eq!(setting.asked().len(), 2);
}

#[test]
fn a_charmhub_that_failed_is_not_asked_again() {
    let setting = Setting::new();
    let provider = setting.run(Some(&[4]), true, &[3]);
    for n in 0..600 {
        let provision = provider
            .provide(&[missing(key("a", "b"), Some(n % 3)), missing(key("c", &format!("l{n}")), None)]);
        assert_eq!((provision.provided.len(), provision.not_provided.len()), (1, 1));
    }
    assert_eq!(setting.asked().len(), 1);
}

#[test]
fn the_digest_is_of_the_texts() {
    let setting = Setting::new();
    let from_charmhub = setting.run(Some(&[4]), false, &[]).provide(&[missing(key("a", "b"), None)]);
    let from_cache = setting.run(None, false, &[]).provide(&[missing(key("a", "b"), None)]);
    assert_ne!(from_charmhub, from_cache);
    assert_eq!(from_charmhub.digest(), from_cache.digest());
    let from_fleet = setting.run(None, false, &[5]).provide(&[missing(key("a", "b"), None)]);
    assert_ne!(from_fleet.digest(), from_cache.digest());
    assert_ne!(Provision::default().digest(), from_cache.digest());
}

#[test]
fn a_damaged_cache_is_an_empty_one() {
    let setting = Setting::new().caching(&[4]);
    let folder = setting.cache.join("a/v0");
    for name in ["b-+4.py", "b-05.py", "b-.py", "b-99999999999999999999.py", "bb-7.py", "b-6.py"] {
        fs_err::write(folder.join(name), "").unwrap();
    }
    let cache = LibraryCache::new(setting.cache.clone());
    assert_eq!(cache.patches(&key("a", "b")), [4]);
    fs_err::write(folder.join("b-4.py"), "LIBPATCH = 4\n").unwrap();
    assert_eq!(cache.patches(&key("a", "b")), [0; 0]);
    assert_eq!(provide(&setting.run(Some(&[4]), false, &[]), Some(4)), "4 Charmhub");
    assert_eq!(cache.patches(&key("a", "b")), [4]);
    assert_ne!(cache_folder("/c".into(), "http://127.0.0.1:1"), cache_folder("/c".into(), DEFAULT_BASE_URL));
}

#[test]
fn from_charmhub_into_a_charm() {
    let server =
        Server::start(shelf(vec![Published { charm: "cache-server", lib: "cache_link", api: 0, patch: 4 }]));
    let setting = Setting::new();
    let charmhub = Charmhub::new(&server.url, Timeouts::default());
    let provider = LibraryProvider::new(
        setting.cache.clone(),
        Some(Box::new(charmhub)),
        fleet(&[]),
        Box::new(read_fleet),
    );
    let provision = provider.provide(&[missing(key("cache_server", "cache_link"), None)]);
    let charm = setting.cache.parent().unwrap().join("charm");
    fs_err::create_dir(&charm).unwrap();
    let lines = install(&provision.provided, &charm).unwrap();
    assert_eq!(lines, ["fetched charms.cache_server.v0.cache_link (patch 4) from Charmhub"]);
    let file = charm.join("lib/charms/cache_server/v0/cache_link.py");
    assert_eq!(fs_err::read_to_string(&file).unwrap(), *provision.provided[0].content);
    // What is there stays.
    fs_err::write(&file, "mine").unwrap();
    assert_eq!(install(&provision.provided, &charm).unwrap(), [""; 0]);
    assert_eq!(fs_err::read_to_string(&file).unwrap(), "mine");
}

#[test]
fn hostile_names_are_not_looked_for() {
    let setting = Setting::new();
    fs_err::create_dir_all(&setting.cache).unwrap();
    for (charm, lib) in [
        ("..", "x"),
        ("../..", "x"),
        ("/etc", "x"),
        ("a", "../../../x"),
        ("a", "/x"),
        ("a", "x\0"),
        ("a", ""),
        ("", "x"),
        ("a/b", "x"),
        ("ä", "x"),
        ("a", "x\u{202e}"),
        ("a", "x\n"),
        (".", "x"),
        ("a", "__init__"),
        ("a-b", "x"),
    ] {
        let provider = setting.run(Some(&[1]), false, &[]);
        let provision = provider.provide(&[missing(key(charm, lib), Some(1))]);
        let [why] = provision.not_provided.as_slice() else { panic!("{charm} {lib}") };
        assert!(why.to_string().ends_with("is not a name that a charm library can have"), "{why}");
        assert!(!why.to_string().contains(['\n', '\0', '\u{202e}']), "{why}");
    }
    assert_eq!(setting.asked().len(), 0);
    assert_eq!(setting.cache.read_dir_utf8().unwrap().count(), 0);
}

fn asked() -> impl Strategy<Value = Asked> {
    prop_oneof![Just(Asked::Never), Just(Asked::NotYet), Just(Asked::Nothing), (0u64..6).prop_map(Asked::Has)]
}

proptest! {
    /// With the fleet alone, the copy is the one that the index itself would choose.
    #[test]
    fn the_fleet_is_chosen_from_as_its_index_does(
        patches in prop::collection::vec(0u64..6, 0..5),
        wanted in prop::option::of(0u64..7),
    ) {
        let index = fleet(&patches);
        let library = key("a", "b");
        let candidates = index.candidates(&library);
        let facts = Facts {
            wanted,
            fleet: candidates.iter().map(|candidate| candidate.library.libpatch).collect(),
            ..Facts::default()
        };
        let Step::Take(copies) = facts.next() else { panic!("nobody is there to ask") };
        let chosen = copies.first().map(|copy| match copy {
            Choice::Fleet(at) => &candidates[*at],
            other => panic!("{other:?}"),
        });
        prop_assert_eq!(chosen, index.resolve_key(&library, wanted));
    }

    /// Whatever is known, it ends after at most two questions, never with an older
    /// patch, and with the exact one if it is to be had.
    #[test]
    fn a_search_ends_with_a_patch_that_fits(
        wanted in prop::option::of(0u64..6),
        cached in prop::collection::btree_set(0u64..6, 0..3),
        in_fleet in prop::collection::vec(prop::option::of(0u64..6), 0..4),
        exactly in asked(), newest in asked(), answers in prop::collection::vec(asked(), 2),
    ) {
        let mut facts = Facts {
            wanted, cached: cached.into_iter().collect(), fleet: in_fleet, asked_exactly: exactly, asked_newest: newest,
        };
        let mut answers = answers.into_iter().filter(|answer| *answer != Asked::NotYet);
        let copies = loop {
            match facts.next() {
                Step::Take(copies) => break copies,
                Step::Ask(patch) => {
                    prop_assert!(patch.is_none() || patch == wanted);
                    facts.answer(patch, answers.next().unwrap_or(Asked::Nothing));
                }
            }
        };
        let patch = |copy: &Choice| match *copy {
            Choice::Cache(patch) | Choice::Charmhub(patch) => Some(patch),
            Choice::Fleet(at) => facts.fleet[at],
        };
        let patches: Vec<Option<u64>> = copies.iter().map(patch).collect();
        prop_assert!(wanted.is_none() || patches.iter().all(|patch| *patch >= wanted));
        if wanted.is_some() && patches.contains(&wanted) {
            prop_assert_eq!(patches[0], wanted);
        }
    }

    /// Any list of wants is answered in full, each once, and alike whatever its order.
    #[test]
    fn each_want_has_one_answer(wants in prop::collection::vec(("[ab.]", "[bc/]", prop::option::of(0u64..4)), 0..8)) {
        let setting = Setting::new();
        let mut list: Vec<MissingLibrary> =
            wants.iter().map(|(charm, lib, patch)| missing(key(charm, lib), *patch)).collect();
        let distinct: BTreeSet<_> = wants.iter().collect();
        let provision = setting.run(Some(&[1, 2]), false, &[3]).provide(&list);
        prop_assert_eq!(provision.provided.len() + provision.not_provided.len(), distinct.len());
        list.reverse();
        let fresh = Setting::new();
        prop_assert_eq!(fresh.run(Some(&[1, 2]), false, &[3]).provide(&list), provision);
    }
}
