//! A store that answers well, one that is gone, and one that nobody should trust.

use camino::Utf8PathBuf;
use serde_json::{Value, json};

use super::fake::{FakeStore, Reply, charm, error};
use super::*;

struct Setting {
    store: FakeStore,
    folder: tempfile::TempDir,
}

impl Setting {
    fn new() -> Self {
        Self { store: FakeStore::start(), folder: tempfile::tempdir().unwrap() }
    }

    fn cache(&self) -> Utf8PathBuf {
        Utf8PathBuf::from_path_buf(self.folder.path().join("charmhub")).unwrap()
    }

    fn charmhub(&self) -> Charmhub {
        Charmhub::new(&self.store.url, &self.cache())
    }

    /// Finds a charm and fetches its archive.
    fn fetch(&self, wanted: &Wanted) -> Result<String, String> {
        let charmhub = self.charmhub();
        let found = charmhub.find(wanted).map_err(|error| error.to_string())?;
        let file = charmhub.file(&found.value.download).map_err(|error| error.to_string())?;
        Ok(fs_err::read_to_string(file).unwrap())
    }
}

fn db() -> Wanted {
    Wanted {
        name: "db".to_owned(),
        channel: None,
        revision: None,
        base: None,
        architecture: "amd64".to_owned(),
    }
}

#[test]
fn a_charm_is_asked_for_as_juju_asks() {
    let setting = Setting::new();
    let download = setting.store.publish("/db_7.charm", b"zip");
    setting.store.refresh(&charm("db", 7, &download, &json!([])));
    let base = Some(Base { name: "ubuntu".to_owned(), channel: "24.04".to_owned() });
    let wanted = Wanted { base, channel: Some("14/edge".to_owned()), ..db() };
    assert_eq!(setting.fetch(&wanted), Ok("zip".to_owned()));
    let asked = setting.store.requests();
    assert_eq!(asked[0].0, "/v2/charms/refresh");
    assert_eq!(asked[0].1["context"], json!([]));
    assert_eq!(
        asked[0].1["actions"],
        json!([{
            "action": "install", "instance-key": "charmproof", "name": "db", "channel": "14/edge",
            "base": { "architecture": "amd64", "name": "ubuntu", "channel": "24.04" },
        }])
    );
    let found = setting.charmhub().find(&Wanted { revision: Some(7), ..db() }).unwrap().value;
    assert_eq!((found.revision, found.channel.as_str()), (7, "latest/stable"));
    let action = setting.store.requests()[2].1["actions"][0].clone();
    assert_eq!((&action["revision"], &action["channel"]), (&json!(7), &Value::Null));
    assert_eq!(action["base"]["name"], json!("NA"));
}

#[test]
fn what_was_fetched_once_is_there_without_a_network() {
    let mut setting = Setting::new();
    let download = setting.store.publish("/db_7.charm", b"zip");
    setting.store.refresh(&charm("db", 7, &download, &json!([])));
    let url = setting.store.url.clone();
    let first = setting.charmhub().find(&db()).unwrap();
    assert_eq!(first.stale, None);
    assert_eq!(setting.fetch(&db()), Ok("zip".to_owned()));
    // Another listener takes its place, so that the address is another store's, which is not there.
    setting.store = FakeStore::start();
    let offline = Charmhub::new(&url, &setting.cache());
    let second = offline.find(&db()).unwrap();
    assert_eq!(second.value, first.value);
    assert!(second.stale.unwrap().contains("could not be reached"));
    assert_eq!(fs_err::read(offline.file(&second.value.download).unwrap()).unwrap(), b"zip");
    let error = offline.find(&Wanted { name: "other".to_owned(), ..db() }).unwrap_err();
    assert!(matches!(error, StoreError::Unreachable { .. }), "{error}");
}

#[test]
fn a_revision_that_is_kept_is_not_asked_for_again() {
    let setting = Setting::new();
    let download = setting.store.publish("/db_7.charm", b"zip");
    setting.store.refresh(&charm("db", 7, &download, &json!([])));
    let wanted = Wanted { revision: Some(7), ..db() };
    setting.fetch(&wanted).unwrap();
    let count = setting.store.requests().len();
    assert_eq!(setting.fetch(&wanted), Ok("zip".to_owned()));
    assert_eq!(setting.store.requests().len(), count);
}

#[test]
fn refusals_have_the_words_of_juju() {
    let check = |answer: Value, expected: &str| {
        let setting = Setting::new();
        setting.store.refresh(&answer);
        let wanted = Wanted { channel: Some("9/stable".to_owned()), ..db() };
        assert_eq!(setting.fetch(&wanted).unwrap_err(), expected);
    };
    check(
        error("name-not-found", "No charm or bundle with name 'db'.", &json!({})),
        "resolving error: No charm or bundle with name 'db'.",
    );
    check(
        error("revision-not-found", "", &json!({ "releases": [] })),
        "selecting releases: no releases available",
    );
    let release = |architecture: &str, channel: &str, base: &str| {
        let base = json!({ "architecture": architecture, "name": "ubuntu", "channel": base });
        json!({ "base": base, "channel": channel })
    };
    let releases = [
        release("amd64", "14/stable", "22.04"),
        release("amd64", "14/stable", "24.04"),
        release("s390x", "15/stable", "24.04"),
    ];
    check(
        error("revision-not-found", "", &json!({ "releases": releases })),
        "selecting releases: charm or bundle not found for channel \"9/stable\", base \"amd64\"\navailable releases \
         are:\n  channel \"14/stable\": available bases are: ubuntu@22.04, ubuntu@24.04",
    );
    check(
        error("invalid-charm-base", "", &json!({ "default-bases": [] })),
        "selecting next bases: no bases available",
    );
    let other = json!({ "architecture": "s390x", "name": "ubuntu", "channel": "24.04" });
    check(
        error("invalid-charm-base", "", &json!({ "default-bases": [other] })),
        "selecting next bases: bases matching architecture \"amd64\" not found",
    );
    let same = json!({ "architecture": "amd64", "name": "ubuntu", "channel": "24.04" });
    check(
        error("invalid-charm-base", "still wrong", &json!({ "default-bases": [same] })),
        "resolving retry error: still wrong",
    );
}

#[test]
fn answers_that_nobody_should_trust_are_refused() {
    let check = |prepare: &dyn Fn(&FakeStore) -> Value, expected: &str| {
        let setting = Setting::new();
        let answer = prepare(&setting.store);
        if !answer.is_null() {
            setting.store.refresh(&answer);
        }
        let error = setting.fetch(&db()).unwrap_err();
        assert!(error.contains(expected), "{error}");
        let files = setting.cache().join("files");
        assert!(!files.exists() || files.read_dir_utf8().unwrap().next().is_none());
        let temporary = setting.cache().join("temporary");
        assert!(!temporary.exists() || temporary.read_dir_utf8().unwrap().next().is_none());
    };
    let changed = |store: &FakeStore, key: &str, value: Value| {
        let mut download = store.publish("/db_7.charm", b"zip");
        download[key] = value;
        charm("db", 7, &download, &json!([]))
    };
    check(&|store| changed(store, "hash-sha-256", json!("0".repeat(64))), "has the digest");
    check(&|store| changed(store, "hash-sha-256", json!("../../../etc/passwd")), "no SHA-256 digest");
    check(&|store| changed(store, "size", json!(2)), "longer than the 2 bytes");
    check(&|store| changed(store, "size", json!(1_u64 << 40)), "more than 4 GiB");
    check(&|store| changed(store, "url", json!("file:///etc/passwd")), "no address of a file");
    check(
        &|store| {
            let answer = changed(store, "size", json!(3));
            let location = "Location: /db_7.charm\r\n";
            store.answer("/db_7.charm", Reply(302, location, Vec::new()));
            answer
        },
        "too many redirects",
    );
    check(&|store| charm("other", 7, &store.publish("/x", b"zip"), &json!([])), "about the charm \"other\"");
    check(&|store| charm("db", 0, &store.publish("/x", b"zip"), &json!([{ "name": 1 }])), "cannot be used");
    check(&|_| json!({ "result": "install" }), "neither a charm nor an error");
    check(
        &|store| {
            store.answer("/v2/charms/refresh", Reply(200, "", b"{\"results\": [".to_vec()));
            Value::Null
        },
        "cannot be used",
    );
    check(
        &|store| {
            store.answer("/v2/charms/refresh", Reply(200, "", vec![b' '; (ANSWER_BYTES_MAX + 1) as usize]));
            Value::Null
        },
        "larger than 16 MiB",
    );
    check(
        &|store| {
            store.answer("/v2/charms/refresh", Reply(503, "", Vec::new()));
            Value::Null
        },
        "could not be reached: it answered with status 503",
    );
}

#[test]
fn resources_are_files_and_names_of_images() {
    let setting = Setting::new();
    let image = json!({ "ImageName": "registry.example/db@sha256:0", "Username": "u", "Password": "p" });
    let of_image = setting.store.publish("/image", image.to_string().as_bytes());
    let of_file = setting.store.publish("/file", b"data");
    let resources = json!([
        { "name": "db-image", "type": "oci-image", "revision": 3, "download": of_image },
        { "name": "data", "type": "file", "filename": "data.tar", "revision": 4, "download": of_file },
    ]);
    let download = setting.store.publish("/db_7.charm", b"zip");
    setting.store.refresh(&charm("db", 7, &download, &resources));
    let charmhub = setting.charmhub();
    let release = charmhub.find(&db()).unwrap().value;
    let [image, file] = release.resources.as_slice() else { panic!("{release:?}") };
    let found = charmhub.image("db", image).unwrap().value;
    assert_eq!((found.name.as_str(), found.username.as_str()), ("registry.example/db@sha256:0", "u"));
    assert_eq!((file.file_name.as_str(), file.revision), ("data.tar", 4));
    assert_eq!(fs_err::read(charmhub.file(&file.download).unwrap()).unwrap(), b"data");
    // Later the image is still known, without the store.
    setting.store.answer("/image", Reply(503, "", Vec::new()));
    let again = charmhub.image("db", image).unwrap();
    assert_eq!(again.value, found);
    assert!(again.stale.is_some());
    let older = json!({ "revisions": [
        { "name": "data", "type": "file", "filename": "data.tar", "revision": 2, "download": of_file },
    ] });
    setting
        .store
        .answer("/v2/charms/resources/db/data/revisions", Reply(200, "", older.to_string().into_bytes()));
    assert_eq!(charmhub.resource_revision("db", "data", 2).unwrap().revision, 2);
    assert_eq!(
        charmhub.resource_revision("db", "data", 1).unwrap_err().to_string(),
        "resource \"data\" revision 1 of charm \"db\" not found"
    );
}

#[test]
fn what_is_told_of_a_charm() {
    let setting = Setting::new();
    let channel = |risk: &str, revision: u64, architecture: &str| {
        let base = json!({ "architecture": architecture, "name": "ubuntu", "channel": "24.04" });
        json!({
            "channel": { "track": "14", "risk": risk, "released-at": "2026-01-04T06:29:46+00:00", "base": base },
            "revision": { "revision": revision, "version": "v", "bases": [base], "download": { "size": 1500 } },
        })
    };
    let mut default = channel("stable", 7, "amd64");
    default["revision"]["metadata-yaml"] = json!("requires:\n  db: {interface: sql}\n");
    let result = json!({ "summary": "A database", "publisher": { "display-name": "Example" } });
    let answer = json!({
        "type": "charm", "id": "abc", "name": "db", "result": result, "default-release": default,
        "channel-map": [channel("stable", 7, "amd64"), channel("stable", 7, "arm64"), channel("edge", 9, "amd64")],
    });
    setting.store.answer("/v2/charms/info/db", Reply(200, "", answer.to_string().into_bytes()));
    let info = setting.charmhub().info("db").unwrap();
    insta::assert_snapshot!(crate::view::charmhub::write_info(&info, true));
    assert_eq!(info.channels["14"]["stable"][0].architectures, ["amd64", "arm64"]);
    let list = json!({ "results": [answer] });
    setting.store.answer("/v2/charms/find", Reply(200, "", list.to_string().into_bytes()));
    let found = setting.charmhub().search("data base").unwrap();
    assert_eq!((found[0].name.as_str(), found[0].publisher.as_str()), ("db", "Example"));
    assert!(
        setting.store.requests()[1].0.contains("q=data+base")
            || setting.store.requests()[1].0.contains("q=data%20base")
    );
}
