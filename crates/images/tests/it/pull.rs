//! A registry on this machine, asked as those elsewhere are.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use charmproof_images::{Credentials, Images, Settings};
use serde_json::json;

use crate::support::{Bench, Entry, Image, archive, chain, digest};

/// A registry, with what it was asked.
struct Registry {
    address: String,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    /// Documents by `repository/tag` and by `repository/digest`, parts by digest.
    documents: Mutex<BTreeMap<String, Vec<u8>>>,
    blobs: Mutex<BTreeMap<String, Vec<u8>>>,
    asked: Mutex<Vec<String>>,
    /// Whether a token is wanted, with a name and a password for it.
    guard: Guard,
    /// How many bytes of a part are sent before the connection breaks.
    breaks_after: Mutex<Option<usize>>,
    is_gone: Mutex<bool>,
}

#[derive(Default, Clone, Copy, PartialEq, Eq)]
enum Guard {
    #[default]
    Open,
    Token,
    TokenForMe,
    Basic,
}

const ME: &str = "Basic bWU6aHVudGVyMg==";

impl Registry {
    fn start(guard: Guard) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let shared = Arc::new(Shared { guard, ..Shared::default() });
        let (served, own) = (Arc::clone(&shared), address.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (served, own) = (Arc::clone(&served), own.clone());
                std::thread::spawn(move || {
                    if !*served.is_gone.lock().unwrap() {
                        // A client that goes away is none of the test's business.
                        let _ = serve(&served, &own, stream.unwrap());
                    }
                });
            }
        });
        Self { address, shared }
    }

    fn push(&self, name: &str, tag: &str, image: &Image) {
        let mut documents = self.shared.documents.lock().unwrap();
        let manifest = image.manifest();
        documents.insert(format!("{name}/{}", digest(&manifest)), manifest.clone());
        documents.insert(format!("{name}/{tag}"), manifest);
        self.shared.blobs.lock().unwrap().extend(image.blobs());
    }

    fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.shared.asked.lock().unwrap())
    }

    fn reference(&self, rest: &str) -> String {
        format!("{}/{rest}", self.address)
    }
}

fn serve(shared: &Shared, address: &str, mut stream: TcpStream) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    loop {
        let mut lines = Vec::new();
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line)? == 0 {
                return Ok(());
            }
            if line.trim().is_empty() {
                break;
            }
            lines.push(line.trim().to_owned());
        }
        let header = |name: &str| {
            lines.iter().find_map(|line| {
                let (key, value) = line.split_once(':')?;
                key.eq_ignore_ascii_case(name).then(|| value.trim().to_owned())
            })
        };
        let path = lines[0].split(' ').nth(1).unwrap().to_owned();
        let range = header("range");
        let shown = range.as_ref().map_or(path.clone(), |range| format!("{path} {range}"));
        shared.asked.lock().unwrap().push(shown);
        let authorization = header("authorization").unwrap_or_default();
        let (status, headers, body) = answer(shared, address, &path, &authorization, range.as_deref());
        let mut text = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n", body.len());
        for (name, value) in headers {
            text += &format!("{name}: {value}\r\n");
        }
        stream.write_all(format!("{text}\r\n").as_bytes())?;
        let breaks = path.contains("/blobs/").then(|| {
            let mut breaks = shared.breaks_after.lock().unwrap();
            breaks.take_if(|bytes| *bytes < body.len())
        });
        match breaks.flatten() {
            Some(bytes) => {
                stream.write_all(&body[..bytes])?;
                return stream.shutdown(std::net::Shutdown::Both);
            }
            None => stream.write_all(&body)?,
        }
    }
}

type Answer = (&'static str, Vec<(&'static str, String)>, Vec<u8>);

fn answer(shared: &Shared, address: &str, path: &str, authorization: &str, range: Option<&str>) -> Answer {
    if let Some(query) = path.strip_prefix("/token?") {
        if shared.guard == Guard::TokenForMe && authorization != ME {
            return ("401 Unauthorized", Vec::new(), b"{}".to_vec());
        }
        assert!(query.contains("service=test") && query.contains("scope=repository"), "{query}");
        return ("200 OK", Vec::new(), json!({"token": "letmein"}).to_string().into_bytes());
    }
    let bearer =
        format!("Bearer realm=\"http://{address}/token\",service=\"test\",scope=\"repository:a:pull\"");
    let (challenge, expected) = match shared.guard {
        Guard::Open => (String::new(), authorization),
        Guard::Token | Guard::TokenForMe => (bearer, "Bearer letmein"),
        Guard::Basic => ("Basic realm=\"x\"".to_owned(), ME),
    };
    if authorization != expected {
        return ("401 Unauthorized", vec![("www-authenticate", challenge)], b"{}".to_vec());
    }
    let rest = path.strip_prefix("/v2/").unwrap_or_default();
    let found = if let Some((name, wanted)) = rest.split_once("/manifests/") {
        shared.documents.lock().unwrap().get(&format!("{name}/{wanted}")).cloned()
    } else if let Some((_, wanted)) = rest.split_once("/blobs/") {
        shared.blobs.lock().unwrap().get(wanted).cloned()
    } else {
        None
    };
    match (
        found,
        range.and_then(|range| range.strip_prefix("bytes=")?.strip_suffix('-')?.parse::<usize>().ok()),
    ) {
        (Some(body), Some(from)) => ("206 Partial Content", Vec::new(), body[from..].to_vec()),
        (Some(body), None) => ("200 OK", Vec::new(), body),
        (None, _) => ("404 Not Found", vec![("content-type", "application/json".to_owned())], b"{}".to_vec()),
    }
}

fn image() -> Image {
    let noise: String = (0..20_000_u64)
        .map(|n| (b'a' + ((n * n).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 60) as u8) as char)
        .collect();
    Image::of(vec![
        archive(&[Entry::file("one", "1"), Entry::file("noise", &noise)]),
        archive(&[Entry::file("two", "2")]),
    ])
}

fn pull(bench: &Bench, reference: &str) -> Result<charmproof_images::Root, String> {
    bench.images().workload(reference, None).map_err(|error| chain(&error))
}

#[test]
fn an_image_is_pulled_once() {
    let (bench, registry) = (Bench::new(), Registry::start(Guard::Open));
    registry.push("team/demo", "1.0", &image());
    let reference = registry.reference("team/demo:1.0");
    let root = pull(&bench, &reference).unwrap();
    assert_eq!(root.warnings, [""; 0]);
    assert_eq!(fs_err::read_to_string(root.layers[0].join("two")).unwrap(), "2");
    assert_eq!(fs_err::read_to_string(root.layers[1].join("one")).unwrap(), "1");
    assert_eq!(registry.asked().len(), 4);
    // The tag may stand for something else by now; nothing else is asked.
    assert_eq!(pull(&bench, &reference).unwrap(), root);
    assert_eq!(registry.asked(), ["/v2/team/demo/manifests/1.0"]);
    let newer = Image::of(vec![archive(&[Entry::file("three", "3")])]);
    registry.push("team/demo", "1.0", &newer);
    assert!(pull(&bench, &reference).unwrap().layers[0].join("three").exists());
    // A digest always stands for the same.
    let exact = registry.reference(&format!("team/demo@{}", digest(&image().manifest())));
    assert_eq!(pull(&bench, &exact).unwrap().layers, root.layers);
    registry.asked();
    assert_eq!(pull(&bench, &exact).unwrap().layers, root.layers);
    assert_eq!(registry.asked(), [""; 0]);
}

#[test]
fn of_an_index_the_image_for_this_machine_is_taken() {
    let (bench, registry) = (Bench::new(), Registry::start(Guard::Open));
    let other = Image { architecture: "mips", ..Image::of(vec![archive(&[Entry::file("mips", "")])]) };
    registry.push("demo", "mips", &other);
    registry.push("demo", "here", &image());
    let index = |images: &[&Image]| {
        let images: Vec<_> = images.iter().map(|image| image.descriptor()).collect();
        json!({"schemaVersion": 2, "manifests": images}).to_string().into_bytes()
    };
    let put = |tag: &str, index: Vec<u8>| {
        registry.shared.documents.lock().unwrap().insert(format!("demo/{tag}"), index);
    };
    put("all", index(&[&other, &image()]));
    put("none", index(&[&other]));
    assert!(pull(&bench, &registry.reference("demo:all")).unwrap().layers[0].join("two").exists());
    let error = pull(&bench, &registry.reference("demo:none")).unwrap_err();
    assert!(error.contains("it has nothing for linux/") && error.contains("only for linux/mips"), "{error}");
}

#[test]
fn a_transfer_that_broke_is_gone_on_with() {
    let (bench, registry) = (Bench::new(), Registry::start(Guard::Open));
    registry.push("demo", "latest", &image());
    *registry.shared.breaks_after.lock().unwrap() = Some(5000);
    let root = pull(&bench, &registry.reference("demo")).unwrap();
    assert!(root.layers[1].join("noise").exists());
    let again: Vec<String> = registry.asked().into_iter().filter(|path| path.contains("bytes=")).collect();
    assert!(again.len() == 1 && again[0].ends_with("bytes=5000-"), "{again:?}");
}

#[test]
fn who_asks_is_proved_as_the_registry_wants_it() {
    let me = Credentials { username: "me".into(), password: "hunter2".into() };
    for guard in [Guard::Open, Guard::Token, Guard::TokenForMe, Guard::Basic] {
        let (bench, registry) = (Bench::new(), Registry::start(guard));
        registry.push("demo", "1", &image());
        let reference = registry.reference("demo:1");
        assert!(bench.images().workload(&reference, Some(&me)).is_ok());
        let bench = Bench::new();
        let anonymous = pull(&bench, &reference);
        match guard {
            Guard::Open | Guard::Token => assert!(anonymous.is_ok()),
            Guard::TokenForMe | Guard::Basic => {
                let error = anonymous.unwrap_err();
                assert!(
                    error.contains("refuses access") && error.contains("give the resource a user name"),
                    "{error}"
                );
            }
        }
    }
}

#[test]
fn a_registry_that_lies_is_not_believed() {
    let check = |lie: &dyn Fn(&Registry), expected: &str| {
        let (bench, registry) = (Bench::new(), Registry::start(Guard::Open));
        registry.push("demo", "1", &image());
        lie(&registry);
        let error = pull(&bench, &registry.reference("demo:1")).unwrap_err();
        assert!(error.contains(expected), "{error}");
        for folder in ["layers/root", "layers/user"] {
            let left = bench.path().join("cache").join(folder).read_dir_utf8().unwrap().count();
            assert_eq!(left, 0, "{folder}");
        }
        // A transfer that broke is kept, to be gone on with, and nothing that is wrong.
        let left = bench.path().join("cache/temporary").read_dir_utf8().unwrap().count();
        assert_eq!(left, usize::from(expected == "the transfer broke"));
    };
    let put = |registry: &Registry, of: Vec<u8>, content: Vec<u8>| {
        registry.shared.blobs.lock().unwrap().insert(digest(&of), content);
    };
    let layer = || {
        image()
            .blobs()
            .into_values()
            .filter(|blob| blob.starts_with(&[0x1f, 0x8b]))
            .max_by_key(Vec::len)
            .unwrap()
    };
    check(&|registry| put(registry, image().configuration(), b"{}".to_vec()), "its digest is sha256:");
    check(&|registry| put(registry, layer(), vec![7; layer().len()]), "its digest is sha256:");
    check(&|registry| put(registry, layer(), [layer(), vec![7]].concat()), "longer than the manifest says");
    check(&|registry| put(registry, layer(), layer()[..50].to_vec()), "the transfer broke");
    check(
        &|registry| {
            registry.shared.documents.lock().unwrap().insert("demo/1".into(), b"<html>".to_vec());
        },
        "its index or manifest is wrong",
    );
    check(
        &|registry| {
            registry.shared.documents.lock().unwrap().insert("demo/1".into(), vec![b' '; 5 << 20]);
        },
        "it is longer than 4194304 bytes",
    );
}

#[test]
fn where_nobody_answers_what_was_pulled_before_will_do() {
    let (bench, registry) = (Bench::new(), Registry::start(Guard::Open));
    registry.push("demo", "1", &image());
    let reference = registry.reference("demo:1");
    let root = pull(&bench, &reference).unwrap();
    *registry.shared.is_gone.lock().unwrap() = true;
    let kept = pull(&bench, &reference).unwrap();
    assert_eq!(kept.layers, root.layers);
    assert!(kept.warnings[0].contains("cannot be reached"), "{:?}", kept.warnings);
    let error = pull(&bench, &registry.reference("other:1")).unwrap_err();
    assert!(error.contains("could not be pulled, and no recipe stands in for it"), "{error}");
    assert!(error.contains("cannot be reached"), "{error}");
    // A missing image is none that is stood in for.
    *registry.shared.is_gone.lock().unwrap() = false;
    let error = pull(&bench, &registry.reference("redis:8")).unwrap_err();
    assert!(error.contains("has no `redis:8`"), "{error}");
}

#[test]
fn a_registry_that_does_not_answer_is_not_asked_again_at_once() {
    let (bench, registry) = (Bench::new(), Registry::start(Guard::Open));
    *registry.shared.is_gone.lock().unwrap() = true;
    let images: Images = bench.images_with(Settings::default());
    let first = chain(&images.workload(&registry.reference("a"), None).unwrap_err());
    *registry.shared.is_gone.lock().unwrap() = false;
    let second = chain(&images.workload(&registry.reference("a"), None).unwrap_err());
    assert_eq!(first, second);
    assert_eq!(registry.asked(), [""; 0]);
}
