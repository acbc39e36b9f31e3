mod copies;

use std::collections::BTreeMap;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::PathBuf;

use camino::{Utf8Path, Utf8PathBuf};

use super::*;
use crate::corpus::fixture::{Scratch, commit, git, hermetic_git, repository, write};

/// Everything about a directory that writing to it would change.
fn fingerprint(dir: &Utf8Path, strict: bool) -> BTreeMap<PathBuf, String> {
    fn visit(dir: &std::path::Path, strict: bool, into: &mut BTreeMap<PathBuf, String>) {
        for entry in fs_err::read_dir(dir).expect("listed") {
            let path = entry.expect("entry").path();
            let meta = fs_err::symlink_metadata(&path).expect("there");
            let content = if meta.is_file() {
                String::from_utf8_lossy(&fs_err::read(&path).expect("read")).into_owned()
            } else {
                String::new()
            };
            // git renews the time of an object that it would have written.
            let times = if path.to_string_lossy().contains("/.git/objects/") && !strict {
                [0; 4]
            } else {
                [meta.mtime(), meta.mtime_nsec(), meta.ctime(), meta.ctime_nsec()]
            };
            into.insert(path.clone(), format!("{:o} {} {times:?} {content}", meta.mode(), meta.ino()));
            if meta.is_dir() {
                visit(&path, strict, into);
            }
        }
    }
    let mut all = BTreeMap::new();
    visit(dir.as_std_path(), strict, &mut all);
    all
}

fn read(path: &Utf8Path) -> Snapshot {
    TreeReader::new(&hermetic_git(), None).directory(path).expect("read")
}

fn write_out(snapshot: &Snapshot, dest: &Utf8Path) -> MaterialiseStats {
    TreeReader::new(&hermetic_git(), None).materialise(snapshot, dest).expect("written")
}

fn renew(snapshot: &Snapshot, dest: &Utf8Path, keep: &[&str]) -> MaterialiseStats {
    TreeReader::new(&hermetic_git(), None).refresh(snapshot, dest, keep).expect("refreshed")
}

fn paths(snapshot: &Snapshot) -> Vec<&str> {
    snapshot.files.iter().map(|file| file.path.as_str()).collect()
}

/// Makes a checkout with a bit of everything, and a commit behind it.
fn checkout(dir: &Utf8Path) -> String {
    repository(dir);
    write(dir, ".gitignore", "*.log\n");
    write(dir, "src/charm.py", "print()\n");
    write(dir, "tests/run", "#!/bin/sh\n");
    fs_err::set_permissions(dir.join("tests/run"), std::fs::Permissions::from_mode(0o755)).expect("set");
    symlink("src/charm.py", dir.join("link")).expect("linked");
    let id = commit(dir, "with \"odd\"\tname", "x");
    git(dir, &["tag", "v1"]);
    id
}

#[test]
fn a_checkout_is_what_is_on_disk() {
    let scratch = Scratch::new();
    let dir = scratch.path.join("charm");
    let id = checkout(&dir);
    let clean = read(&dir);
    assert_eq!((clean.commit.as_deref(), clean.dirty), (Some(id.as_str()), false));
    assert_eq!(
        paths(&clean),
        [".gitignore", "charmcraft.yaml", "link", "src/charm.py", "tests/run", "with \"odd\"\tname"]
    );
    assert_eq!(read(&dir).digest, clean.digest);
    // Ignored files, caches and environments are not part of it.
    write(&dir, "x.log", "");
    write(&dir, ".venv/bin/python", "");
    write(&dir, "src/__pycache__/a.pyc", "");
    assert_eq!(read(&dir).digest, clean.digest);
    assert!(!read(&dir).dirty);
    write(&dir, "new.py", "");
    let untracked = read(&dir);
    assert!(untracked.dirty && untracked.digest != clean.digest);
    fs_err::remove_file(dir.join("new.py")).expect("removed");
    write(&dir, "src/charm.py", "print(1)\n");
    assert!(read(&dir).dirty && read(&dir).digest != clean.digest);
    write(&dir, "src/charm.py", "print()\n");
    assert_eq!(read(&dir).digest, clean.digest);
    fs_err::remove_file(dir.join("tests/run")).expect("removed");
    assert!(read(&dir).dirty && paths(&read(&dir)).len() == 5);
}

#[test]
fn modes_and_links_count() {
    let scratch = Scratch::new();
    let dir = scratch.path.join("charm");
    checkout(&dir);
    let before = read(&dir).digest;
    fs_err::set_permissions(dir.join("src/charm.py"), std::fs::Permissions::from_mode(0o755)).expect("set");
    let executable = read(&dir).digest;
    fs_err::remove_file(dir.join("link")).expect("removed");
    symlink("tests/run", dir.join("link")).expect("linked");
    assert!(before != executable && executable != read(&dir).digest);
}

#[test]
fn a_file_below_a_link_is_not_read_through_it() {
    let scratch = Scratch::new();
    let dir = scratch.path.join("charm");
    checkout(&dir);
    write(&scratch.path, "outside/charm.py", "secret");
    fs_err::remove_dir_all(dir.join("src")).expect("removed");
    symlink("../outside", dir.join("src")).expect("linked");
    let snapshot = read(&dir);
    assert!(!paths(&snapshot).contains(&"src/charm.py"));
    let dest = scratch.path.join("copy");
    let stats = write_out(&snapshot, &dest);
    // `link` leads through `src`.
    assert_eq!(stats.dropped_links, ["link", "src"]);
}

#[test]
fn the_digest_cache_sees_changes() {
    let scratch = Scratch::new();
    let dir = scratch.path.join("charm");
    checkout(&dir);
    let git = hermetic_git();
    let cache = scratch.path.join("cache");
    let reader = TreeReader { settled: Duration::ZERO, ..TreeReader::new(&git, Some(&cache)) };
    let old = std::time::SystemTime::now() - Duration::from_mins(1);
    let first = reader.directory(&dir).expect("read").digest;
    assert_eq!(reader.directory(&dir).expect("read").digest, first);
    // Same size and same modification time: the inode's own time tells.
    write(&dir, "src/charm.py", "pr1nt()\n");
    let file = fs_err::File::options().write(true).open(dir.join("src/charm.py")).expect("opened");
    file.into_parts().0.set_modified(old).expect("set");
    assert_ne!(reader.directory(&dir).expect("read").digest, first);
    fs_err::write(
        fs_err::read_dir(cache.join("digests")).expect("listed").next().expect("one").expect("entry").path(),
        "junk",
    )
    .expect("written");
    assert_eq!(reader.directory(&dir).expect("read").digest, read(&dir).digest);
}

#[test]
fn a_plain_directory_is_all_but_prunes() {
    let scratch = Scratch::new();
    let dir = scratch.path.join("plain");
    for path in [
        "charmcraft.yaml",
        "src/a.py",
        ".tox/x",
        "build/y",
        "a.egg-info/z",
        "src/node_modules/q",
        "lib/build/w",
    ] {
        write(&dir, path, path);
    }
    let snapshot = read(&dir);
    assert_eq!(paths(&snapshot), ["charmcraft.yaml", "src/a.py"]);
    assert_eq!((snapshot.commit.clone(), snapshot.dirty), (None, false));
    let dest = scratch.path.join("copy");
    write_out(&snapshot, &dest);
    assert!(!dest.join(".git").exists());
    assert_eq!(read(&dest).digest, snapshot.digest);
}

#[test]
fn submodules_give_their_files() {
    let scratch = Scratch::new();
    let library = scratch.path.join("library");
    repository(&library);
    let dir = scratch.path.join("charm");
    checkout(&dir);
    git(&dir, &["submodule", "--quiet", "add", &format!("file://{library}"), "vendor/library"]);
    commit(&dir, "x", "x");
    write(&dir, "vendor/library/local.py", "");
    let snapshot = read(&dir);
    assert!(paths(&snapshot).contains(&"vendor/library/charmcraft.yaml"));
    assert!(paths(&snapshot).contains(&"vendor/library/local.py"));
    let dest = scratch.path.join("copy");
    write_out(&snapshot, &dest);
    assert!(dest.join("vendor/library/local.py").is_file());
    assert_eq!(git(&dest, &["status", "--porcelain"]), "");
}

#[test]
fn the_scope_is_the_named_directory_unless_files_say_otherwise() {
    let scratch = Scratch::new();
    let top = scratch.path.join("repo");
    repository(&top);
    let find = |named: &str, charms: &[&str]| {
        let charms: Vec<Utf8PathBuf> = charms.iter().map(Into::into).collect();
        let scope = Scope::find(&top.join(named), &charms).expect("found");
        let root = scope.root.strip_prefix(&top).expect("inside").to_string();
        (root, scope.subpath.into_string())
    };
    let pair = |root: &str, subpath: &str| (root.to_owned(), subpath.to_owned());
    write(&top, "examples/alone/tox.ini", "[testenv]\ndeps = ../missing\ncommands = echo ..\n");
    write(&top, "examples/lib/setup.py", "");
    write(&top, "examples/uses/requirements-dev.txt", "ops\n-e ../lib\n");
    write(&top, "charms/a/pyproject.toml", "[tool.uv.sources]\nlib = { path = \"../../examples/lib\" }\n");
    write(&top, "charms/b/charmcraft.yaml", "");
    assert_eq!(find("examples/alone", &[]), pair("examples/alone", ""));
    assert_eq!(find("examples/uses", &[]), pair("examples", "uses"));
    assert_eq!(find("charms/a", &[]), pair("", "charms/a"));
    assert_eq!(find("charms", &["a", "b"]), pair("", "charms"));
    assert_eq!(find("charms/b", &[]), pair("charms/b", ""));
    write(&top, "pyproject.toml", "[tool.uv.workspace]\nmembers = [\"charms/*\"]\n");
    assert_eq!(find("charms/b", &[]), pair("", "charms/b"));
    assert_eq!(find("", &[]), pair("", ""));
    write(&scratch.path, "secret", "");
    write(&top, "examples/greedy/requirements.txt", "../../../secret\n");
    assert_eq!(find("examples/greedy", &[]), pair("examples/greedy", ""), "never past the top");
}
