//! Charms of each plugin, packed, unpacked, and started.

#![expect(clippy::unwrap_used, reason = "a helper that cannot go on fails its test")]

use std::io::Read as _;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::process::Command;

use camino::{Utf8Path, Utf8PathBuf};
use charmproof_charm::DiskTree;
use charmproof_pack::prime::{Files, Prime, RunsScripts, prime};
use charmproof_pack::recipe::{Part, Recipe, Script};
use charmproof_pack::{PackError, archive};

const HEAD: &str =
    "type: charm\nname: a\nsummary: s\ndescription: d\nbase: ubuntu@24.04\nplatforms: {amd64: }\n";
const PROGRAM: &str = "#!/usr/bin/env python3\nimport os\nprint(os.environ['PYTHONPATH'].replace(os.getcwd(), '.'))\n\
    print(os.environ.get('JUJU_DISPATCH_PATH'), os.path.islink('venv/bin/python'))\n";

/// For charms that have none.
struct NoScripts;

impl RunsScripts for NoScripts {
    fn run(&self, part: &Part, _: &Script, _: &Files) -> Result<Utf8PathBuf, PackError> {
        panic!("the part {} has a script", part.name);
    }
}

/// A charm's folder.
struct Charm(tempfile::TempDir);

impl Charm {
    fn new(parts: &str, files: &[(&str, &str)]) -> Self {
        let charm = Self(tempfile::tempdir().unwrap());
        charm.write("charmcraft.yaml", &format!("{HEAD}{parts}"));
        charm.write("src/charm.py", PROGRAM);
        fs_err::set_permissions(charm.path().join("src/charm.py"), PermissionsExt::from_mode(0o755)).unwrap();
        for (file, text) in files {
            charm.write(file, text);
        }
        charm
    }

    fn path(&self) -> &Utf8Path {
        Utf8Path::from_path(self.0.path()).unwrap()
    }

    fn write(&self, file: &str, text: &str) {
        let path = self.path().join(file);
        fs_err::create_dir_all(path.parent().unwrap()).unwrap();
        fs_err::write(path, text).unwrap();
    }

    fn prime(&self) -> Result<Prime, PackError> {
        let recipe = Recipe::read(&DiskTree::open(self.path()).unwrap())?;
        prime(self.path(), &recipe, &recipe.platforms[0], None, &NoScripts)
    }

    /// Packs it and returns the files of the archive, programs with a star.
    fn packed(&self) -> Vec<String> {
        let archive = self.path().join("a.charm");
        archive::write(&self.prime().unwrap(), &archive).unwrap();
        let mut zip = zip::ZipArchive::new(fs_err::File::open(&archive).unwrap()).unwrap();
        let mut names = Vec::new();
        for index in 0..zip.len() {
            let file = zip.by_index(index).unwrap();
            let star = if file.unix_mode().unwrap() & 0o111 == 0 { "" } else { "*" };
            names.push(format!("{}{star}", file.name().unwrap()));
        }
        names
    }

    /// Unpacks the archive as Juju does, and returns what `dispatch` prints.
    fn started(&self) -> String {
        let unit = self.path().join("unit");
        let mut zip = zip::ZipArchive::new(fs_err::File::open(self.path().join("a.charm")).unwrap()).unwrap();
        zip.extract(&unit).unwrap();
        let output = Command::new("./dispatch").current_dir(&unit).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }
}

#[test]
fn the_plugin_charm_takes_the_whole_folder() {
    let charm = Charm::new(
        "",
        &[
            (".jujuignore", "*.md\n"),
            ("README.md", ""),
            ("templates/a.j2", ""),
            ("lib/charms/b/v0/c.py", ""),
            (".git/config", ""),
        ],
    );
    let expected = [
        "charmcraft.yaml",
        "dispatch*",
        "hooks/install*",
        "hooks/start*",
        "hooks/upgrade-charm*",
        "lib/charms/b/v0/c.py",
        "manifest.yaml",
        "metadata.yaml",
        "src/charm.py*",
        "templates/a.j2",
    ];
    assert_eq!(charm.packed(), expected);
    let lines = charm.started();
    let (path, rest) = lines.split_once('\n').unwrap();
    assert_eq!(path, "lib:venv");
    assert!(rest.starts_with("./dispatch "), "{rest}");
}

#[test]
fn the_other_python_plugins_take_sources_and_libraries() {
    for plugin in ["uv", "poetry", "python"] {
        let charm = Charm::new(
            &format!("parts:\n  it:\n    plugin: {plugin}\n"),
            &[("README.md", ""), ("templates/a.j2", ""), ("lib/charms/b/v0/c.py", "")],
        );
        let expected = [
            "dispatch*",
            "lib/charms/b/v0/c.py",
            "manifest.yaml",
            "metadata.yaml",
            "src/charm.py*",
            "venv/pyvenv.cfg",
        ];
        // Without packages there is no environment.
        assert_eq!(
            charm.packed(),
            expected.into_iter().filter(|file| !file.starts_with("venv")).collect::<Vec<_>>()
        );
        assert_eq!(charm.started(), "./lib:./src\nNone True\n", "{plugin}");
    }
}

#[test]
fn parts_choose_and_place_their_files() {
    let charm = Charm::new(
        "parts:\n  charm: {plugin: uv}\n  files:\n    plugin: dump\n    source: .\n    stage: [LICENSE, templates]\n    \
         prime: [-templates/secret]\n  docs:\n    plugin: dump\n    source: documents\n    organize: {'*': docs/}\n",
        &[("LICENSE", ""), ("templates/a.j2", ""), ("templates/secret", ""), ("documents/x.md", "")],
    );
    let expected = [
        "LICENSE",
        "dispatch*",
        "docs/x.md",
        "manifest.yaml",
        "metadata.yaml",
        "src/charm.py*",
        "templates/a.j2",
    ];
    assert_eq!(charm.packed(), expected);
}

#[test]
fn a_charm_keeps_its_own_dispatch() {
    let charm = Charm::new("", &[("dispatch", "#!/bin/sh\necho own\n")]);
    fs_err::set_permissions(charm.path().join("dispatch"), PermissionsExt::from_mode(0o755)).unwrap();
    charm.packed();
    assert_eq!(charm.started(), "own\n");
}

#[test]
fn links_that_leave_the_charm_are_left_out_and_loops_end() {
    let charm = Charm::new("", &[]);
    symlink("/etc/hostname", charm.path().join("src/host")).unwrap();
    symlink("/nowhere", charm.path().join("src/nowhere")).unwrap();
    symlink("..", charm.path().join("src/up")).unwrap();
    symlink("charm.py", charm.path().join("src/again.py")).unwrap();
    fs_err::create_dir(charm.path().join("hooks")).unwrap();
    symlink("../src/charm.py", charm.path().join("hooks/config-changed")).unwrap();
    let prime = charm.prime().unwrap();
    let files: Vec<&str> = prime.files.keys().map(|file| file.as_str()).collect();
    assert!(
        files.contains(&"src/again.py") && !files.contains(&"src/host") && !files.contains(&"src/nowhere"),
        "{files:?}"
    );
    assert_eq!(prime.notes.len(), 2, "{:?}", prime.notes);
    // A link to the program would start it without its packages.
    assert_eq!(prime.files[Utf8Path::new("hooks/config-changed")], prime.files[Utf8Path::new("dispatch")]);
}

#[test]
fn the_same_files_give_the_same_bytes() {
    let charm = Charm::new("", &[("b", "b"), ("a", "a")]);
    let bytes = |name: &str| {
        let path =
            charm.path().parent().unwrap().join(format!("{}-{name}", charm.path().file_name().unwrap()));
        archive::write(&charm.prime().unwrap(), &path).unwrap();
        let mut bytes = Vec::new();
        fs_err::File::open(&path).unwrap().read_to_end(&mut bytes).unwrap();
        fs_err::remove_file(path).unwrap();
        bytes
    };
    assert_eq!(bytes("one"), bytes("two"));
}

#[test]
fn what_cannot_be_packed_is_told() {
    let check = |parts: &str, files: &[(&str, &str)], expected: &str| {
        let error = Charm::new(parts, files).prime().unwrap_err();
        assert_eq!(error.to_string(), expected, "{parts}");
    };
    check(
        "parts:\n  charm: {plugin: charm, charm-entrypoint: src/other.py}\n",
        &[],
        "there is no `src/other.py`, with which the charm is started",
    );
    check(
        "parts:\n  charm: {plugin: dump, source: nowhere}\n",
        &[],
        "the source of the part `charm` is `nowhere`, and there is no such folder",
    );
    check(
        "parts:\n  one: {plugin: dump, source: a}\n  two: {plugin: dump, source: b}\n",
        &[("a/file", "a"), ("b/file", "b")],
        "the parts `one` and `two` both have `file`, and not the same",
    );
}

#[test]
fn a_charm_that_nothing_starts_is_remarked() {
    let charm = Charm::new("parts:\n  it: {plugin: nil}\n", &[]);
    let prime = charm.prime().unwrap();
    assert_eq!(
        prime.files.keys().map(|file| file.as_str()).collect::<Vec<_>>(),
        ["manifest.yaml", "metadata.yaml"]
    );
    assert_eq!(
        prime.notes,
        ["`a` has neither src/charm.py, nor dispatch, nor hooks: Juju will have nothing to run"]
    );
}
