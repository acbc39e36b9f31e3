//! What the end-to-end tests share: a world for one test, with tools that are not
//! installed again, an index of packages of its own, and a view of the JSON report.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::sync::{Arc, Mutex};

use camino::{Utf8Path, Utf8PathBuf};
use charmproof_testkit::{Charm, CliResult, TestEnv, charm};
use serde_json::Value;

/// The program under test.
pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_charmproof");

/// A package that greets: up to 1.0 politely, from 2.0 on in another way.
pub(crate) const POLITE: &str = "def greet(name):\n    return 'hello ' + name\n";
/// The same with a change that a test of the first notices.
pub(crate) const LOUD: &str = "def greet(name):\n    return 'HELLO ' + name\n";

/// A test that holds with [`POLITE`] and not with [`LOUD`].
pub(crate) const TEST: &str = r#"import unittest

import charmgreet


class Greeting(unittest.TestCase):
    def test_greets(self):
        self.assertEqual(charmgreet.greet("you"), "hello you")

    def test_has_a_name(self):
        self.assertEqual(charmgreet.__name__, "charmgreet")
"#;

/// How a charm runs [`TEST`] without any package but its own.
pub(crate) const UNITTEST: &str = "python -m unittest discover -s tests/unit";

/// A charm that uses `charmgreet==1.0` and is tested by pytest.
pub(crate) fn greeter(name: &str) -> Charm {
    charm(name)
        .with_requirement("pytest")
        .with_requirement("charmgreet==1.0")
        .with_tox_unit(&["pytest {posargs} tests/unit"])
        .with_file("tests/unit/test_charm.py", TEST)
}

/// A charm that uses `charmgreet==1.0` and is tested by unittest, which is quicker.
pub(crate) fn small_greeter(name: &str) -> Charm {
    charm(name)
        .with_requirement("charmgreet==1.0")
        .with_tox_unit(&[UNITTEST])
        .with_file("tests/unit/test_charm.py", TEST)
}

/// One test's surroundings: home, cache, fleet and package index.
pub(crate) struct World {
    pub(crate) env: TestEnv,
    pub(crate) index: Index,
}

impl World {
    /// Makes one with the tools and packages that every test needs in its cache.
    pub(crate) fn new() -> Self {
        let world = Self::bare();
        equip(&world.cache());
        world
    }

    /// Makes one with an empty cache, for tests in which nothing is to run.
    pub(crate) fn bare() -> Self {
        let mut env = TestEnv::new(PROGRAM);
        let index = Index::start();
        index.publish("charmgreet", "1.0", POLITE);
        index.publish("charmgreet", "2.0", LOUD);
        env.set("UV_INDEX", index.url());
        env.set("PIP_EXTRA_INDEX_URL", index.url());
        for name in ["NO_PROXY", "no_proxy"] {
            let others = std::env::var(name).unwrap_or_default();
            env.set(name, format!("127.0.0.1,{others}"));
        }
        Self { env, index }
    }

    /// Returns the tool's cache.
    pub(crate) fn cache(&self) -> Utf8PathBuf {
        self.env.cache().join("charmproof")
    }

    /// Adds a charm to the folder `fleet`, and returns its path.
    pub(crate) fn add(&self, charm: &Charm) -> Utf8PathBuf {
        charm.write_to(&self.env.work().join("fleet"))
    }

    /// Writes a checkout of `charmgreet` at `folder`, which builds without a network.
    pub(crate) fn checkout(&self, folder: &str, version: &str, body: &str) {
        for (path, text) in package_source(version, body) {
            self.env.file(&format!("{folder}/{path}"), &text);
        }
    }

    /// Runs `charmproof check`, and reads its report.
    #[track_caller]
    pub(crate) fn check(&self, words: &[&str]) -> Checked {
        let words = [&["check"], words].concat();
        let result = self.env.charmproof(&words);
        self.checked(result)
    }

    /// Reads the report of the run that `result` tells of.
    #[track_caller]
    pub(crate) fn checked(&self, result: CliResult) -> Checked {
        let run = run_of(&result.stderr);
        let report = run.as_ref().map_or(Value::Null, |run| self.report(run));
        Checked { result, run, report }
    }

    /// Returns the JSON report of a run.
    #[track_caller]
    pub(crate) fn report(&self, run: &str) -> Value {
        let text = self.env.charmproof(&["report", run, "--format", "json"]).success();
        serde_json::from_str(&text).expect("the report is JSON")
    }

    /// Returns the pinned uv of the cache.
    pub(crate) fn uv(&self) -> Utf8PathBuf {
        let tools = self.cache().join("tools");
        let entries = tools.read_dir_utf8().expect("the tools are there").flatten();
        entries
            .map(|entry| entry.path().join("bin/uv"))
            .find(|path| path.is_file() && path.as_str().contains("/tools/uv-"))
            .expect("uv is among the tools")
    }

    /// Locks the project in `folder` with uv, as its author would.
    #[track_caller]
    pub(crate) fn lock(&self, folder: &Utf8Path) {
        let output = Command::new(self.uv())
            .args(["lock", "--quiet"])
            .current_dir(folder)
            .env("UV_INDEX", self.index.url())
            .env("UV_CACHE_DIR", self.cache().join("work/uv"))
            .env("UV_PYTHON_DOWNLOADS", "never")
            .output()
            .expect("uv starts");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}

/// Returns the name of the run that is announced in what the tool said.
pub(crate) fn run_of(said: &str) -> Option<String> {
    let line = said.lines().find_map(|line| line.strip_prefix("Run "))?;
    line.split(':').next().map(str::to_owned)
}

/// What a check gave.
pub(crate) struct Checked {
    pub(crate) result: CliResult,
    pub(crate) run: Option<String>,
    pub(crate) report: Value,
}

impl Checked {
    /// Checks the exit code.
    #[track_caller]
    pub(crate) fn code(self, code: i32) -> Self {
        assert_eq!(self.result.code, Some(code), "another exit code\n{}\n{}", self.result, self.details());
        self
    }

    /// Returns what there is to know of every unit, for messages of failed tests.
    fn details(&self) -> String {
        let mut text = self.table();
        for pair in self.report["pairs"].as_array().into_iter().flatten() {
            text.push_str(&format!("\n{} {}: {}", pair["charm"], pair["target"], pair["no_signal_reason"]));
            for run in pair["runs"].as_array().into_iter().flatten() {
                text.push_str(&format!(
                    "\n    {} {}: {} {} proof {} {} in {} ms",
                    run["side"],
                    run["attempt"],
                    run["outcome"],
                    run["summary"],
                    run["proof"],
                    run["proof_summary"],
                    run["duration_ms"]
                ));
            }
        }
        text
    }

    /// Returns the name of the run.
    #[track_caller]
    pub(crate) fn run(&self) -> &str {
        self.run.as_deref().unwrap_or_else(|| panic!("no run was begun\n{}", self.result))
    }

    /// Returns the entry of a charm's target.
    #[track_caller]
    pub(crate) fn pair(&self, charm: &str, target: &str) -> &Value {
        let pairs = self.report["pairs"].as_array();
        pairs
            .into_iter()
            .flatten()
            .find(|pair| {
                pair["target"] == target
                    && pair["charm"]
                        .as_str()
                        .is_some_and(|id| id == charm || id.ends_with(&format!("/{charm}")))
            })
            .unwrap_or_else(|| panic!("no {target} of {charm}\n{}\n{}", self.result, self.report))
    }

    /// Returns `verdict: baseline -> candidate` of a charm's suite `unit`.
    #[track_caller]
    pub(crate) fn unit(&self, charm: &str) -> String {
        self.suite(charm, "unit")
    }

    /// Returns `verdict: baseline -> candidate` of a suite.
    #[track_caller]
    pub(crate) fn suite(&self, charm: &str, target: &str) -> String {
        let pair = self.pair(charm, target);
        let word = |value: &Value| value.as_str().unwrap_or("none").to_owned();
        format!(
            "{}: {} -> {}",
            word(&pair["verdict"]),
            word(&pair["baseline"]["outcome"]),
            word(&pair["candidate"]["outcome"])
        )
    }

    /// Returns the first run of one side.
    #[track_caller]
    pub(crate) fn side(&self, charm: &str, target: &str, side: &str) -> &Value {
        let runs = self.pair(charm, target)["runs"].as_array();
        runs.into_iter()
            .flatten()
            .find(|run| run["side"] == side && run["attempt"] == 0)
            .unwrap_or_else(|| panic!("no {side} of {charm}\n{}", self.result))
    }

    /// Checks a suite, and shows everything if it ended otherwise.
    #[track_caller]
    pub(crate) fn expect(&self, charm: &str, target: &str, expected: &str) {
        let found = self.suite(charm, target);
        assert_eq!(found, expected, "{target} of {charm}\n{}\n{}", self.result, self.details());
    }

    /// Returns all suites as lines, for comparing whole runs.
    pub(crate) fn table(&self) -> String {
        table(&self.report)
    }

    /// Returns how many results were taken from earlier runs.
    pub(crate) fn reused(&self) -> u64 {
        self.report["run"]["reused"].as_u64().expect("a number")
    }
}

/// Returns all suites of a report, with their cases, as lines.
pub(crate) fn table(report: &Value) -> String {
    let mut lines = Vec::new();
    for pair in report["pairs"].as_array().into_iter().flatten() {
        lines.push(format!(
            "{} {}: {} {} {} still passing {}",
            pair["charm"],
            pair["target"],
            pair["verdict"],
            pair["baseline"]["outcome"],
            pair["candidate"]["outcome"],
            pair["still_passing"]
        ));
        for case in pair["cases"].as_array().into_iter().flatten() {
            lines.push(format!("    {}: {}", case["case"], case["verdict"]));
        }
    }
    lines.join("\n")
}

/// The files of a checkout of `charmgreet`, with a build of its own.
pub(crate) fn package_source(version: &str, body: &str) -> Vec<(String, String)> {
    let backend = format!(
        r#"import os
import zipfile

VERSION = "{version}"


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    name = "charmgreet-%s-py3-none-any.whl" % VERSION
    info = "charmgreet-%s.dist-info" % VERSION
    here = os.path.dirname(os.path.abspath(__file__))
    with open(os.path.join(here, "charmgreet", "__init__.py")) as file:
        body = file.read()
    files = {{
        "charmgreet/__init__.py": body,
        info + "/METADATA": "Metadata-Version: 2.1\nName: charmgreet\nVersion: %s\n" % VERSION,
        info + "/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }}
    record = "".join(path + ",,\n" for path in files) + info + "/RECORD,,\n"
    with zipfile.ZipFile(os.path.join(wheel_directory, name), "w") as wheel:
        for path, text in files.items():
            wheel.writestr(path, text)
        wheel.writestr(info + "/RECORD", record)
    return name
"#
    );
    let project = format!(
        "[build-system]\nrequires = []\nbuild-backend = \"backend\"\nbackend-path = [\".\"]\n\n\
         [project]\nname = \"charmgreet\"\nversion = \"{version}\"\n"
    );
    vec![
        ("pyproject.toml".into(), project),
        ("backend.py".into(), backend),
        ("charmgreet/__init__.py".into(), body.into()),
    ]
}

/// A wheel with one module, and more lines for its metadata.
fn wheel(name: &str, version: &str, body: &str, more: &str) -> Vec<u8> {
    let info = format!("{}-{version}.dist-info", name.replace('-', "_"));
    let module = format!("{}/__init__.py", name.replace('-', "_"));
    let metadata = format!("Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{more}");
    let tags = "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n";
    let record = format!("{module},,\n{info}/METADATA,,\n{info}/WHEEL,,\n{info}/RECORD,,\n");
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (path, text) in [
        (module, body),
        (format!("{info}/METADATA"), &metadata),
        (format!("{info}/WHEEL"), tags),
        (format!("{info}/RECORD"), &record),
    ] {
        writer.start_file(path, zip::write::SimpleFileOptions::default()).expect("a name");
        writer.write_all(text.as_bytes()).expect("memory");
    }
    writer.finish().expect("memory").into_inner()
}

/// Packages by name, each with its files.
type Packages = BTreeMap<String, BTreeMap<String, Vec<u8>>>;

/// A package index that this test serves itself. What it does not have is looked for
/// where the machine usually looks.
pub(crate) struct Index {
    address: String,
    packages: Arc<Mutex<Packages>>,
}

impl Index {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("a port").to_string();
        let packages: Arc<Mutex<Packages>> = Arc::default();
        let shared = Arc::clone(&packages);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let shared = Arc::clone(&shared);
                std::thread::spawn(move || {
                    // A client that went away is no concern of the index.
                    let _ = answer(&stream, &shared.lock().expect("no thread panics"));
                });
            }
        });
        Self { address, packages }
    }

    /// Returns the address that installers are given.
    pub(crate) fn url(&self) -> String {
        format!("http://{}/simple", self.address)
    }

    /// Adds a release.
    pub(crate) fn publish(&self, name: &str, version: &str, body: &str) {
        self.publish_with(name, version, body, "");
    }

    /// Adds a release with more lines in its metadata.
    pub(crate) fn publish_with(&self, name: &str, version: &str, body: &str, metadata: &str) {
        let file = format!("{}-{version}-py3-none-any.whl", name.replace('-', "_"));
        let mut packages = self.packages.lock().expect("no thread panics");
        packages.entry(name.to_owned()).or_default().insert(file, wheel(name, version, body, metadata));
    }

    /// Returns the SHA-256 of a release, as a requirements file pins it.
    pub(crate) fn sha256(&self, name: &str, version: &str) -> String {
        use sha2::{Digest as _, Sha256};
        let packages = self.packages.lock().expect("no thread panics");
        let file = packages[name].iter().find(|(file, _)| file.contains(&format!("-{version}-")));
        let (_, bytes) = file.expect("it was published");
        Sha256::digest(bytes).iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
    }
}

fn answer(mut stream: &TcpStream, packages: &Packages) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream).lines();
    let first = lines.next().transpose()?.unwrap_or_default();
    for line in lines {
        if line?.is_empty() {
            break;
        }
    }
    let path = first.split(' ').nth(1).unwrap_or("/").trim_matches('/').to_owned();
    let words: Vec<&str> = path.split('/').collect();
    let found: Option<(&str, Vec<u8>)> = match words.as_slice() {
        ["simple", name] => packages.get(*name).map(|files| {
            let link = |file: &String| format!("<a href=\"/files/{name}/{file}\">{file}</a>\n");
            let page: String = files.keys().map(link).collect();
            ("text/html", format!("<!DOCTYPE html><html><body>{page}</body></html>").into_bytes())
        }),
        ["files", name, file] => packages
            .get(*name)
            .and_then(|files| files.get(*file))
            .map(|bytes| ("application/zip", bytes.clone())),
        _ => None,
    };
    let (status, kind, body) = match found {
        Some((kind, body)) => ("200 OK", kind, body),
        None => ("404 Not Found", "text/plain", b"no such package".to_vec()),
    };
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes())?;
    if !first.starts_with("HEAD ") {
        stream.write_all(&body)?;
    }
    stream.flush()
}

/// Returns a cache with tools and packages, made by the first test that needs it and
/// kept from then on. It lies beside the program, which the sandbox shows to suites.
fn seed() -> Utf8PathBuf {
    let folder = Utf8Path::new(PROGRAM).parent().expect("the program is in a folder").join("e2e");
    fs_err::create_dir_all(&folder).expect("a folder");
    let lock = fs_err::File::create(folder.join("seed.lock")).expect("a file");
    lock.lock().expect("the lock");
    let seed = folder.join("seed");
    let marker = seed.join("complete");
    if !marker.exists() {
        if seed.exists() {
            fs_err::remove_dir_all(&seed).expect("the folder is ours");
        }
        let env = TestEnv::new(PROGRAM);
        charm("seed")
            .with_requirement("pytest")
            .with_requirement("iniconfig==2.0.0")
            .with_tox_unit(&["pytest --version"])
            .write_to(&env.work());
        let words = ["check", "unit", "./seed", "--swap", "iniconfig==2.1.0", "--cache", seed.as_str()];
        let result = env.charmproof(&words);
        assert!(result.code == Some(0) || result.code == Some(3), "{result}");
        fs_err::remove_dir_all(seed.join("store")).expect("the folder is ours");
        fs_err::write(marker, "").expect("a file");
    }
    seed
}

/// Puts the tools and packages that every test needs into an empty cache.
pub(crate) fn equip(cache: &Utf8Path) {
    let seed = seed();
    fs_err::create_dir_all(cache.join("work")).expect("a folder");
    fs_err::os::unix::fs::symlink(seed.join("tools"), cache.join("tools")).expect("a link");
    copy(&seed.join("work/uv"), &cache.join("work"));
    copy(&seed.join("pythons.json"), cache);
}

fn copy(from: &Utf8Path, to: &Utf8Path) {
    let status = Command::new("cp")
        .args(["--archive", "--reflink=auto", from.as_str(), to.as_str()])
        .status()
        .expect("cp starts");
    assert!(status.success(), "cp {from} {to}");
}

/// Returns every path below a folder with its kind, permissions, time of change and
/// content, so that two states can be compared.
pub(crate) fn state_of(folder: &Utf8Path) -> BTreeMap<Utf8PathBuf, String> {
    use sha2::{Digest as _, Sha256};
    use std::os::unix::fs::MetadataExt as _;
    let mut state = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in folder.read_dir_utf8().expect("a folder") {
            let path = entry.expect("an entry").into_path();
            let metadata = fs_err::symlink_metadata(&path).expect("it is there");
            let mut text = format!("{:o} {} {}", metadata.mode(), metadata.mtime(), metadata.mtime_nsec());
            if metadata.is_dir() {
                folders.push(path.clone());
            } else if metadata.is_file() {
                text.push_str(&format!(" {:x?}", Sha256::digest(fs_err::read(&path).expect("a file"))));
            }
            state.insert(path, text);
        }
    }
    state
}
