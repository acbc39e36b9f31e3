//! Environments, made for charms from small packages that lie beside them, and for two of the
//! example charms.
//!
//! All tests share one cache, so that uv itself is fetched once.

#![expect(clippy::unwrap_used, reason = "a helper that cannot go on fails its test")]

use std::collections::BTreeMap;
use std::io::Write as _;
use std::process::Command;
use std::time::Duration;

use camino::{Utf8Path, Utf8PathBuf};
use charmproof_fleet::provision::pythons::{self, Python};
use charmproof_fleet::provision::tools::Tools;
use charmproof_fleet::swap::prepare::{SourceTree, Sources};
use charmproof_fleet::swap::spec::PackageSource;
use charmproof_fleet::swap::{PreparedSwap, SwapContext, SwapSpec, prepare};
use charmproof_pack::environment::{
    CharmEnvironment, EnvironmentContext, EnvironmentError, MakingSettings, Step, provide,
};
use charmproof_sandbox::{CancelToken, Launcher};

const LAUNCHER: &str = env!("CARGO_BIN_EXE_charmproof-pack-launch");
const EXAMPLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples");
const CHARMCRAFT: &str = "name: a\ntype: charm\nsummary: a\ndescription: a\nbase: ubuntu@24.04\n\
    platforms: {amd64: }\nparts:\n  charm: {plugin: charm, source: .}\n";

/// A charm's folder, wheels beside it, and all that is needed to make its environment.
struct Bench {
    folder: tempfile::TempDir,
    cache: Utf8PathBuf,
    variables: BTreeMap<String, String>,
    tools: Tools,
    pythons: Vec<Python>,
    launcher: Launcher,
    cancel: CancelToken,
    settings: MakingSettings,
}

impl Bench {
    fn new() -> Self {
        // Not below /tmp, which the sandbox replaces.
        let shared = Utf8Path::new(env!("CARGO_TARGET_TMPDIR"));
        fs_err::create_dir_all(shared.join("charms")).unwrap();
        let cache = shared.join("environments-cache");
        fs_err::create_dir_all(cache.join("work")).unwrap();
        let folder = tempfile::tempdir_in(shared.join("charms")).unwrap();
        let mut variables: BTreeMap<String, String> = std::env::vars().collect();
        let wheels = Utf8Path::from_path(folder.path()).unwrap().join("wheels");
        fs_err::create_dir(&wheels).unwrap();
        variables.insert("UV_FIND_LINKS".into(), wheels.into_string());
        let places = pythons::Places {
            search_path: variables["PATH"].clone(),
            home: variables["HOME"].clone().into(),
            pyenv_root: variables.get("PYENV_ROOT").map(Utf8PathBuf::from),
        };
        let bench = Self {
            tools: Tools::new(&cache, &variables["PATH"]),
            pythons: pythons::find(&places, &cache.join("pythons.json")),
            launcher: Launcher::new(LAUNCHER.into(), Vec::new()),
            cancel: CancelToken::new().unwrap(),
            settings: MakingSettings::default(),
            folder,
            cache,
            variables,
        };
        bench.write("charmcraft.yaml", CHARMCRAFT);
        bench.wheel("ops", "9000.0", &[]);
        bench
    }

    fn root(&self) -> &Utf8Path {
        Utf8Path::from_path(self.folder.path()).unwrap()
    }

    fn charm(&self) -> Utf8PathBuf {
        self.root().join("charm")
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.charm().join(path);
        fs_err::create_dir_all(path.parent().unwrap()).unwrap();
        fs_err::write(path, text).unwrap();
    }

    /// Lets the charm be shipped with these, and with nothing that lies elsewhere.
    fn requires(&self, lines: &[&str]) {
        self.write("requirements.txt", &format!("--no-index\n{}\n", lines.join("\n")));
    }

    /// Makes a wheel with one module of the package's name.
    fn wheel(&self, name: &str, version: &str, requires: &[&str]) -> Utf8PathBuf {
        let path = self.root().join(format!("wheels/{name}-{version}-py3-none-any.whl"));
        let info = format!("{name}-{version}.dist-info");
        let mut metadata = format!("Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n");
        for line in requires {
            metadata += &format!("Requires-Dist: {line}\n");
        }
        let files = [
            (format!("{name}/__init__.py"), format!("__version__ = \"{version}\"\n")),
            (format!("{info}/METADATA"), metadata),
            (
                format!("{info}/WHEEL"),
                "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n".into(),
            ),
        ];
        let mut zip = zip::ZipWriter::new(fs_err::File::create(&path).unwrap());
        let mut record = String::new();
        for (name, text) in &files {
            zip.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
            zip.write_all(text.as_bytes()).unwrap();
            record += &format!("{name},,\n");
        }
        zip.start_file(format!("{info}/RECORD"), zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(format!("{record}{info}/RECORD,,\n").as_bytes()).unwrap();
        zip.finish().unwrap();
        path
    }

    fn provide_for(
        &self,
        charm: &Utf8Path,
        swaps: &[PreparedSwap],
    ) -> Result<CharmEnvironment, EnvironmentError> {
        let context = EnvironmentContext {
            cache: &self.cache,
            tools: &self.tools,
            pythons: &self.pythons,
            launcher: &self.launcher,
            cancel: &self.cancel,
            variables: &self.variables,
            home: Utf8Path::new("/nonexistent"),
            search_path: "/usr/bin:/bin",
            settings: self.settings.clone(),
        };
        provide(&context, charm, swaps)
    }

    fn provide(&self) -> Result<CharmEnvironment, EnvironmentError> {
        self.provide_for(&self.charm(), &[])
    }

    fn swap(&self, spec: &str) -> Vec<PreparedSwap> {
        let context = SwapContext {
            folder: self.cache.join("swaps"),
            tools: &self.tools,
            python: &self.python("3.12").program,
            sources: &Here,
        };
        prepare(&[SwapSpec::parse(spec).unwrap()], &context).unwrap()
    }

    fn python(&self, minor: &str) -> &Python {
        self.pythons.iter().find(|python| python.minor() == minor).expect("the tests need this Python")
    }
}

/// Wheels, by their absolute paths.
struct Here;

impl Sources for Here {
    fn open(&self, source: &PackageSource) -> Result<SourceTree<'_>, String> {
        Err(format!("{source:?} is no wheel"))
    }

    fn file(&self, path: &Utf8Path) -> Utf8PathBuf {
        path.to_owned()
    }
}

/// What a program of the environment prints.
fn says(environment: &CharmEnvironment, program: &str, variable: Option<&str>) -> String {
    let mut command = Command::new(&environment.python);
    command.args(["-c", program]).env_remove("PYTHONPATH").env_remove("CHARMPROOF_DETERMINISM");
    if let Some(value) = variable {
        command.env("CHARMPROOF_DETERMINISM", value);
    }
    let output = command.output().unwrap();
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
        .trim()
        .to_owned()
}

#[test]
fn what_the_charm_is_shipped_with_is_there_and_made_once() {
    let bench = Bench::new();
    bench.wheel("helper", "1.0", &[]);
    bench.requires(&["ops==9000.0", "helper"]);
    let made = bench.provide().unwrap();
    assert_eq!(says(&made, "import ops, helper; print(ops.__version__)", None), "9000.0");
    assert_eq!(made.ops_version, "9000.0");
    assert_eq!(made.notes, Vec::<String>::new());
    assert!(made.python_version.starts_with("3.12."), "{made:?}");
    assert_eq!(says(&made, "import sys; print(sys.prefix)", None), made.prefix);

    // The second time nothing is run: a mark in the environment stays.
    fs_err::write(made.prefix.join("mark"), "").unwrap();
    assert_eq!(bench.provide().unwrap(), made);
    assert!(made.prefix.join("mark").exists());
    bench.requires(&["ops==9000.0"]);
    let other = bench.provide().unwrap();
    assert_ne!(other.digest, made.digest);
    assert_eq!(
        says(&other, "import importlib.util; print(importlib.util.find_spec('helper'))", None),
        "None"
    );
}

#[test]
fn half_an_environment_is_made_anew() {
    let bench = Bench::new();
    bench.requires(&["ops==9000.0", "# half"]);
    let made = bench.provide().unwrap();
    let stamp = made.prefix.parent().unwrap().join("environment.json");
    fs_err::remove_file(&stamp).unwrap();
    fs_err::write(made.prefix.join("left behind"), "").unwrap();
    assert_eq!(bench.provide().unwrap(), made);
    assert!(stamp.exists() && !made.prefix.join("left behind").exists());

    fs_err::remove_file(&made.python).unwrap();
    assert_eq!(bench.provide().unwrap(), made);
    assert_eq!(says(&made, "print(1)", None), "1");
}

#[test]
fn two_who_want_the_same_get_one() {
    let bench = Bench::new();
    bench.requires(&["ops==9000.0", "# two at once"]);
    let (one, other) = std::thread::scope(|scope| {
        let other = scope.spawn(|| bench.provide().unwrap());
        (bench.provide().unwrap(), other.join().unwrap())
    });
    assert_eq!(one, other);
    assert_eq!(says(&one, "import ops", None), "");
}

#[test]
fn the_agent_is_heard_where_it_speaks_and_costs_nothing_elsewhere() {
    let bench = Bench::new();
    bench.requires(&["ops==9000.0"]);
    let made = bench.provide().unwrap();
    let here = bench.root().join("agent's own");
    fs_err::create_dir(&here).unwrap();
    fs_err::write(here.join("cold.py"), "import os, sys\ndef begin():\n    del os.environ['CHARMPROOF_DETERMINISM']\n    print('heard', len(sys.path))\n")
        .unwrap();
    let told = format!("{{\"here\": \"{here}\"}}");
    let path_length = says(&made, "import sys; print(len(sys.path))", None);
    // Counted without the entry that `-c` puts in front later.
    let before: usize = path_length.parse::<usize>().unwrap() - 1;
    assert_eq!(says(&made, "pass", Some(&told)), format!("heard {before}"));
    let loaded = says(&made, "import sys; print('json' in sys.modules, 'cold' in sys.modules)", None);
    assert_eq!(loaded, "False False");
}

#[test]
fn libraries_bring_what_they_ask_for() {
    let bench = Bench::new();
    bench.wheel("asked", "2.0", &[]);
    bench.requires(&["ops==9000.0"]);
    bench.write(
        "lib/charms/a/v0/b.py",
        "LIBID = \"x\"\nPYDEPS = [\"asked>=2\"]\nraise SystemExit('not to be run')\n",
    );
    let made = bench.provide().unwrap();
    assert_eq!(says(&made, "import asked; print(asked.__version__)", None), "2.0");
    assert_eq!(made.notes, ["asked came because libraries in lib/charms ask for it"]);
}

#[test]
fn a_swapped_package_takes_the_place_of_the_charms_own() {
    let bench = Bench::new();
    bench.wheel("brought", "1.0", &[]);
    bench.wheel("stays", "1.0", &[]);
    bench.wheel("stays", "2.0", &[]);
    let wheel = bench.wheel("ops", "9001.0", &["brought"]);
    bench.requires(&["ops==9000.0", "stays==1.0"]);
    let plain = bench.provide().unwrap();
    let swaps = bench.swap(&format!("ops @ {wheel}"));
    let swapped = bench.provide_for(&bench.charm(), &swaps).unwrap();
    assert_ne!(plain.digest, swapped.digest);
    assert!(swapped.ops_version.starts_with("9001.0"), "{swapped:?}");
    assert_eq!(says(&swapped, "import brought, stays; print(stays.__version__)", None), "1.0");
    assert_eq!(says(&plain, "import ops; print(ops.__version__)", None), "9000.0");

    let unused = bench.wheel("unused", "1.0", &[]);
    let swaps = bench.swap(&format!("unused @ {unused}"));
    let noted = bench.provide_for(&bench.charm(), &swaps).unwrap();
    assert_eq!(noted.notes, ["the charm is not shipped with `unused`, so it is not swapped"]);
}

#[test]
fn another_python_than_the_bases_is_noted() {
    let mut bench = Bench::new();
    bench.requires(&["ops==9000.0"]);
    bench.pythons.retain(|python| python.minor() == "3.10");
    let made = bench.provide().unwrap();
    let version = &bench.python("3.10").version;
    assert_eq!(
        made.notes,
        [format!(
            "it runs on Python {version}, not on the 3.12 of ubuntu@24.04: \
             it is the closest below the 3.12 of ubuntu@24.04 that is allowed and here"
        )]
    );
    bench.pythons.clear();
    let error = bench.provide().unwrap_err();
    assert!(matches!(error, EnvironmentError::Python(_)), "{error:?}");
}

#[test]
fn without_ops_there_is_no_charm() {
    let bench = Bench::new();
    bench.wheel("helper", "1.0", &[]);
    bench.requires(&["helper"]);
    let error = bench.provide().unwrap_err();
    assert_eq!(
        error.to_string(),
        "nothing brings ops: requirements.txt does not lead to it; name ops in the charm's dependencies, \
         as charmcraft packs no charm without them"
    );
}

#[test]
fn what_cannot_be_installed_is_said_in_uvs_words() {
    let bench = Bench::new();
    bench.requires(&["ops==9000.0", "there-is-no-such-thing"]);
    let error = bench.provide().unwrap_err();
    let EnvironmentError::Refused { step: Step::Install, said, log, .. } = &error else {
        panic!("{error:?}")
    };
    assert!(said.contains("there-is-no-such-thing"), "{said}");
    assert!(log.exists());
    assert!(
        error
            .to_string()
            .starts_with("uv could not install what the charm is shipped with, from requirements.txt")
    );
}

/// Makes a package beside the charm, which is built by a function of its own.
fn build_with(bench: &Bench, body: &str) {
    bench.write("slow/pyproject.toml", "[project]\nname = \"slow\"\nversion = \"1\"\n[build-system]\nrequires = []\nbuild-backend = \"backend\"\nbackend-path = [\".\"]\n");
    bench.write(
        "slow/backend.py",
        &format!("def build_wheel(folder, config=None, metadata=None):\n    {body}\n"),
    );
    bench.requires(&["ops==9000.0", "./slow"]);
}

#[test]
fn a_build_that_does_not_end_is_ended() {
    let mut bench = Bench::new();
    build_with(&bench, "import time; time.sleep(600)");
    bench.settings.wall = Duration::from_secs(3);
    let error = bench.provide().unwrap_err();
    assert!(matches!(error, EnvironmentError::Ended { step: Step::Install, .. }), "{error:?}");
    assert!(error.to_string().contains("it took longer than 3 s"), "{error}");
}

#[test]
fn a_build_writes_neither_into_the_charm_nor_beside_it() {
    let bench = Bench::new();
    let outside = bench.root().join("outside");
    let body = format!(
        "from pathlib import Path\n    Path('here').touch()\n    try:\n        Path('{outside}').touch()\n    \
         finally:\n        raise RuntimeError('tried')"
    );
    build_with(&bench, &body);
    let error = bench.provide().unwrap_err();
    let EnvironmentError::Refused { said, .. } = &error else { panic!("{error:?}") };
    assert!(said.contains("tried"), "{said}");
    assert!(!outside.exists() && !bench.charm().join("slow/here").exists());
}

#[test]
fn a_cancelled_making_says_so() {
    let bench = Bench::new();
    bench.requires(&["ops==9000.0", "# cancelled"]);
    bench.cancel.cancel();
    let error = bench.provide().unwrap_err();
    assert!(matches!(error, EnvironmentError::Cancelled), "{error:?}");
}

#[test]
fn a_charm_with_a_lock_of_uv() {
    let bench = Bench::new();
    let made = bench.provide_for(&Utf8Path::new(EXAMPLES).join("tinyproxy"), &[]).unwrap();
    assert_eq!(made.notes, Vec::<String>::new());
    assert!(made.python_version.starts_with("3.12."), "{made:?}");
    let program = "import importlib.util as u, ops; print(ops.__version__, u.find_spec('pytest'), u.find_spec('scenario'))";
    assert_eq!(says(&made, program, None), format!("{} None None", made.ops_version));
}

#[test]
fn a_charm_with_a_lock_of_poetry() {
    let bench = Bench::new();
    let made = bench.provide_for(&Utf8Path::new(EXAMPLES).join("fleet/poetry-lock"), &[]).unwrap();
    let lock = fs_err::read_to_string(Utf8Path::new(EXAMPLES).join("fleet/poetry-lock/poetry.lock")).unwrap();
    let pinned = lock.split("name = \"ops\"\nversion = \"").nth(1).unwrap().split('"').next().unwrap();
    assert_eq!(made.ops_version, pinned);
    assert_eq!(says(&made, "import importlib.util as u; print(u.find_spec('pytest'))", None), "None");
}
