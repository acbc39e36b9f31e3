use std::time::Duration;

use charmproof_charm::library::LibraryKey;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::fake::{Published, Reaction, Server, refusal, response, shelf};
use super::*;

/// Long enough for a busy machine, short enough to wait for.
const QUICK: Timeouts = Timeouts {
    connect: Duration::from_secs(2),
    request: Duration::from_secs(2),
    fetch: Duration::from_secs(20),
};

const INGRESS: Published = Published { charm: "traefik-k8s", lib: "ingress", api: 2, patch: 14 };

fn wanted(charm: &str, api: u64, lib: &str, patch: Option<u64>) -> WantedLibrary {
    let key = LibraryKey { charm: charm.to_owned(), api, lib: lib.to_owned() };
    WantedLibrary { key, patch, held: None }
}

fn ingress() -> WantedLibrary {
    wanted("traefik_k8s", 2, "ingress", None)
}

/// What became of each, in short.
fn fetch(server: &Server, wanted: &[WantedLibrary]) -> Vec<String> {
    fetch_within(Timeouts::default(), server, wanted)
}

fn fetch_within(timeouts: Timeouts, server: &Server, wanted: &[WantedLibrary]) -> Vec<String> {
    let client = Charmhub::new(&server.url, timeouts);
    match client.fetch(wanted) {
        Err(error) => vec![format!("all: {error}")],
        Ok(fetched) => {
            assert!(fetched.iter().map(|fetched| &fetched.wanted).eq(wanted));
            fetched
                .into_iter()
                .map(|fetched| match fetched.answer {
                    Err(error) => error.to_string(),
                    Ok(FetchedCopy { patch, content: FetchedContent::Held }) => format!("{patch} held"),
                    Ok(FetchedCopy { patch, content: FetchedContent::Text(text) }) => {
                        format!("{patch} {}", text.lines().last().unwrap_or_default())
                    }
                })
                .collect()
        }
    }
}

fn posts(server: &Server) -> usize {
    server.requests().iter().filter(|request| request.line.starts_with("POST")).count()
}

#[test]
fn a_whole_fleet_is_one_listing_and_one_request_for_each_text() {
    let older = Published { patch: 3, ..INGRESS };
    let cert = Published { charm: "observability-libs", lib: "cert_handler", api: 1, patch: 8 };
    let server = Server::start(shelf(vec![older, INGRESS, cert]));
    let all = [
        wanted("observability_libs", 1, "cert_handler", Some(8)),
        ingress(),
        wanted("traefik_k8s", 2, "ingress", Some(3)),
        wanted("traefik_k8s", 2, "ingress", Some(4)),
        wanted("traefik_k8s", 3, "ingress", None),
        ingress(),
    ];
    let none = "does not have it";
    assert_eq!(
        fetch(&server, &all),
        ["8 VALUE = \"8\"", "14 VALUE = \"14\"", "3 VALUE = \"3\"", none, none, "14 VALUE = \"14\""]
    );
    let requests = server.requests();
    let lines: Vec<&str> = requests.iter().map(|request| request.line.as_str()).collect();
    assert_eq!(
        lines,
        [
            "POST /v1/charm/libraries/bulk",
            "GET /v1/charm/libraries/observability-libs/observabilitylibs0certhandler?api=1&patch=8",
            "GET /v1/charm/libraries/traefik-k8s/traefikk8s0ingress?api=2&patch=14",
            "GET /v1/charm/libraries/traefik-k8s/traefikk8s0ingress?api=2&patch=3",
        ]
    );
    let body: Value = serde_json::from_str(&requests[0].body).unwrap();
    assert_eq!(
        [&body[0], &body[1]],
        [
            &json!({"charm-name": "observability-libs", "library-name": "cert_handler", "api": 1, "patch": 8}),
            &json!({"charm-name": "traefik-k8s", "library-name": "ingress", "api": 2}),
        ]
    );
}

#[test]
fn unknown_names_do_not_spoil_the_others() {
    let server = Server::start(shelf(vec![INGRESS]));
    let mut all: Vec<WantedLibrary> =
        (0..7).map(|n| wanted(&format!("cheese_{n}"), 0, "cheddar", None)).collect();
    all.insert(5, ingress());
    let mut expected = vec!["does not have it"; 7];
    expected.insert(5, "14 VALUE = \"14\"");
    assert_eq!(fetch(&server, &all), expected);
    assert_eq!(posts(&server), 15);
}

#[test]
fn a_text_that_was_listed_or_is_held_is_not_asked_for() {
    let server = Server::start(|_| Reaction::json(&json!({"libraries": [INGRESS.whole()]})));
    assert_eq!(fetch(&server, &[ingress()]), ["14 VALUE = \"14\""]);
    let server = Server::start(shelf(vec![INGRESS]));
    let held = |patch, text: &str| Some(HeldCopy { patch, hash: content_hash(text) });
    let same = WantedLibrary { held: held(14, &INGRESS.text()), ..ingress() };
    assert_eq!(fetch(&server, &[same]), ["14 held"]);
    assert_eq!(server.requests().len(), 1);
    let damaged = WantedLibrary { held: held(14, "other\n"), ..ingress() };
    assert_eq!(fetch(&server, &[damaged]), ["14 VALUE = \"14\""]);
}

#[test]
fn names_that_no_library_has_are_not_asked_for() {
    let server = Server::start(shelf(vec![INGRESS]));
    for (charm, lib) in
        [("..", "x"), ("a/../b", "x"), ("a", "x?api=1"), ("ä", "x"), ("", "x"), ("a", "__init__")]
    {
        assert_eq!(fetch(&server, &[wanted(charm, 0, lib, None)]), ["does not have it"], "{charm} {lib}");
    }
    assert_eq!(posts(&server), 0);
}

/// What a listing in this shape is taken for.
fn check_listing(react: impl Fn() -> Reaction + Send + 'static, expected: &str) {
    let server = Server::start(move |_| react());
    let got = fetch_within(QUICK, &server, &[ingress()]).remove(0);
    assert!(got.starts_with(expected), "{got}");
}

/// What an answer for one library in this shape is taken for, after a good listing.
fn check_library(react: impl Fn() -> Reaction + Send + 'static, expected: &str) {
    let server =
        Server::start(
            move |request| {
                if request.line.starts_with("POST") { shelf(vec![INGRESS])(request) } else { react() }
            },
        );
    let got = fetch_within(QUICK, &server, &[ingress()]).remove(0);
    assert!(got.starts_with(expected), "{got}");
}

#[test]
fn listings_that_are_none() {
    check_listing(|| Reaction::Hang(vec![]), "all: could not be reached: timeout");
    check_listing(|| Reaction::Hang(response(200, 900, b"{")), "all: could not be reached: timeout");
    check_listing(|| Reaction::Bytes(response(200, 900, b"{")), "all: could not be reached");
    check_listing(|| Reaction::Bytes(vec![]), "all: could not be reached");
    check_listing(
        || Reaction::Bytes(b"SSH-2.0-OpenSSH\r\n\r\n".to_vec()),
        "all: gave an answer that cannot be used",
    );
    check_listing(
        || Reaction::Answer(500, "{}".into()),
        "all: could not be reached: it answered with status 500",
    );
    check_listing(
        || Reaction::Answer(404, "<html>".into()),
        "all: could not be reached: it answered with status 404",
    );
    check_listing(|| Reaction::Answer(403, "{\"error-list\": []}".into()), "all: could not be reached");
    check_listing(
        || Reaction::Answer(200, "<html>".into()),
        "all: gave an answer that cannot be used: it is no list",
    );
    check_listing(|| Reaction::json(&json!({"libraries": 1})), "all: gave an answer that cannot be used");
    check_listing(
        || Reaction::Answer(200, " ".repeat(2 << 20)),
        "all: gave an answer that cannot be used: the answer is larger",
    );
    check_listing(refusal, "does not have it");
    check_listing(|| Reaction::json(&json!({"libraries": []})), "does not have it");
    check_listing(
        || Reaction::json(&json!({"libraries": [{"api": -1}]})),
        "gave an answer that cannot be used",
    );
    check_listing(
        || {
            let mut entry = INGRESS.entry();
            entry["library-id"] = "../../x".into();
            Reaction::json(&json!({"libraries": [entry]}))
        },
        "gave an answer that cannot be used: `../../x` is no identifier",
    );
}

#[test]
fn libraries_that_are_none() {
    let with = |field: &'static str, value: Value| {
        move || {
            let mut body = INGRESS.whole();
            body[field] = value.clone();
            Reaction::json(&body)
        }
    };
    check_library(|| Reaction::json(&INGRESS.whole()), "14 VALUE");
    check_library(|| Reaction::Hang(vec![]), "could not be reached: timeout");
    check_library(|| Reaction::Bytes(response(200, 900, b"{")), "could not be reached");
    check_library(|| Reaction::Answer(404, String::new()), "does not have it");
    check_library(
        || Reaction::Answer(500, String::new()),
        "could not be reached: it answered with status 500",
    );
    check_library(|| Reaction::Answer(200, "{\"api\"".into()), "gave an answer that cannot be used");
    check_library(
        with("content", "import os\n".into()),
        "gave an answer that cannot be used: the text does not have the hash",
    );
    check_library(with("hash", "00".into()), "gave an answer that cannot be used: its hash is another one");
    check_library(
        with("patch", 13.into()),
        "gave an answer that cannot be used: version 2.14 was asked for, 2.13",
    );
    check_library(with("content", Value::Null), "gave an answer that cannot be used: there is no text");
    let huge = "x".repeat(2 << 20);
    check_library(with("content", huge.into()), "gave an answer that cannot be used: the answer is larger");
}

#[test]
fn a_source_that_stops_answering_is_not_waited_for_again() {
    let other = Published { lib: "other", ..INGRESS };
    let server = Server::start(move |request| {
        if request.line.starts_with("POST") {
            shelf(vec![INGRESS, other.clone()])(request)
        } else {
            Reaction::Hang(vec![])
        }
    });
    let answers = fetch_within(QUICK, &server, &[ingress(), wanted("traefik_k8s", 2, "other", None)]);
    assert!(answers.iter().all(|answer| answer.starts_with("could not be reached: timeout")), "{answers:?}");
    assert_eq!(server.requests().len(), 2);
}

#[test]
fn nobody_listens() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let client = Charmhub::new(&format!("http://{closed}/"), QUICK);
    let error = client.fetch(&[ingress()]).unwrap_err();
    assert!(matches!(error, SourceError::Unreachable { .. }), "{error}");
    let no_time = Charmhub::new(&format!("http://{closed}"), Timeouts { fetch: Duration::ZERO, ..QUICK });
    assert_eq!(
        no_time.fetch(&[ingress()]).unwrap_err().to_string(),
        "could not be reached: it took longer than 0 s in all"
    );
    assert_eq!(no_time.fetch(&[]), Ok(vec![]));
}

#[test]
fn an_https_address_is_never_left_for_http() {
    let server = Server::start(|_| Reaction::Answer(200, String::new()));
    let client = Charmhub::new(&server.url.replace("http:", "https:"), QUICK);
    assert!(client.fetch(&[ingress()]).is_err());
    for (url, expected) in [
        ("http://localhost:1/x", true),
        ("http://127.0.0.1", true),
        ("http://[::1]:8", true),
        ("http://localhost.example.org", false),
        (DEFAULT_BASE_URL, false),
    ] {
        assert_eq!(is_this_machine(url), expected, "{url}");
    }
}

#[test]
fn the_hash_leaves_the_version_out() {
    let text = "import os\nLIBID = \"a\"\nLIBAPI = 0\nLIBPATCH = 1\n# end";
    assert_eq!(content_hash(text), content_hash("import os\r\nLIBPATCH = 2\n# end"));
    assert_ne!(content_hash(text), content_hash("import os\n LIBPATCH = 2\n# end"));
    // As of an empty file.
    let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    assert_eq!(content_hash("LIBAPI = 1\n"), empty);
}

proptest! {
    #[test]
    fn any_answer_is_read(bytes in any::<Vec<u8>>(), json in "[\\[\\]{}\":,a-z0-9 -]{0,60}") {
        for body in [bytes.as_slice(), json.as_bytes()] {
            let _ = read_listing(body);
            let _ = is_refusal(400, body);
        }
    }

    #[test]
    fn names_of_libraries_make_paths_below_lib_charms(
        charm in ".{0,6}|[a-z_]{1,4}",
        lib in ".{0,6}|[a-z_]{1,4}",
        api in any::<u64>(),
    ) {
        let key = LibraryKey { charm, api, lib };
        if is_library_name(&key) {
            let path = key.path();
            prop_assert_eq!(path.components().count(), 5);
            prop_assert!(path.components().all(|part| matches!(part, camino::Utf8Component::Normal(_))));
        }
    }
}
