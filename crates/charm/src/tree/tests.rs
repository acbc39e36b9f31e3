use std::os::unix::fs::symlink;

use super::*;

struct Checkout {
    _directory: tempfile::TempDir,
    root: Utf8PathBuf,
}

fn checkout(files: &[&str]) -> Checkout {
    let directory = tempfile::tempdir().expect("a temporary directory can be made");
    let root = Utf8PathBuf::from_path_buf(directory.path().to_owned()).expect("it is UTF-8");
    for file in files {
        let path = root.join(file);
        fs_err::create_dir_all(path.parent().expect("files have parents")).expect("can be made");
        fs_err::write(path, format!("text of {file}")).expect("can be written");
    }
    Checkout { _directory: directory, root }
}

fn listed(tree: &DiskTree) -> Vec<&str> {
    tree.files().iter().map(|path| path.as_str()).collect()
}

#[test]
fn caches_and_dot_directories_are_left_out() {
    let checkout = checkout(&[
        "charmcraft.yaml",
        ".python-version",
        ".git/config",
        ".tox/unit/x.py",
        "venv/x.py",
        "src/__pycache__/x.pyc",
        "src/charm.py",
    ]);
    let tree = DiskTree::open(&checkout.root).expect("it is there");
    assert_eq!(listed(&tree), [".python-version", "charmcraft.yaml", "src/charm.py"]);
    assert_eq!(tree.read(Utf8Path::new("src/charm.py")).as_deref(), Some("text of src/charm.py"));
    assert_eq!(tree.read(Utf8Path::new("../x")), None);
}

#[test]
fn what_is_named_is_found_where_nobody_looks() {
    let outside = checkout(&["secret"]);
    let checkout = checkout(&["build/requirements.txt", ".github/x", "deep/venv/y"]);
    symlink(outside.root.join("secret"), checkout.root.join("build/secret")).expect("can link");
    let tree = DiskTree::open(&checkout.root).expect("it is there");
    assert_eq!(listed(&tree), [""; 0]);
    for file in ["build/requirements.txt", ".github/x", "deep/venv/y"] {
        assert!(tree.has(Utf8Path::new(file)), "{file}");
        assert_eq!(tree.read(Utf8Path::new(file)).as_deref(), Some(format!("text of {file}").as_str()));
    }
    for none in ["build", "build/none", "build/secret", "build/../../secret"] {
        assert!(!tree.has(Utf8Path::new(none)), "{none}");
        assert_eq!(tree.read(Utf8Path::new(none)), None, "{none}");
    }
}

#[test]
fn links_out_of_the_root_and_loops_are_not_followed() {
    let outside = checkout(&["secret"]);
    let checkout = checkout(&["a/x", "lib/charms/y.py"]);
    let root = &checkout.root;
    symlink(outside.root.join("secret"), root.join("secret")).expect("can link");
    symlink(&outside.root, root.join("outside")).expect("can link");
    symlink("..", root.join("a/up")).expect("can link");
    symlink("../lib", root.join("a/lib")).expect("can link");
    symlink("../a", root.join("lib/a")).expect("can link");
    symlink("x", root.join("a/z")).expect("can link");
    symlink("nowhere", root.join("dangling")).expect("can link");
    let tree = DiskTree::open(root).expect("it is there");
    assert_eq!(listed(&tree), ["a/lib/charms/y.py", "a/x", "a/z", "lib/a/x", "lib/a/z", "lib/charms/y.py"]);
    assert!(tree.is_linked(Utf8Path::new("a/lib/charms/y.py")));
    assert!(!tree.is_linked(Utf8Path::new("a/z")));
    assert!(tree.read(Utf8Path::new("a/lib/charms/y.py")).is_some());
}

#[test]
fn limits_end_the_listing_with_a_note() {
    let names: Vec<String> = (0..50).map(|index| format!("d{index}/f")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let checkout = checkout(&names);
    let limits = Limits { entries: 60, ..Limits::default() };
    let tree = DiskTree::open_within(&checkout.root, limits).expect("it is there");
    assert_eq!(tree.files().len(), 10);
    assert_eq!(tree.notes().len(), 1);
    let limits = Limits { depth: 1, ..Limits::default() };
    let tree = DiskTree::open_within(&checkout.root, limits).expect("it is there");
    assert_eq!(tree.notes()[0].text, "50 directories lie deeper than 1 levels and were not seen");
}

#[test]
fn a_large_file_is_not_read() {
    let checkout = checkout(&["f"]);
    let limits = Limits { file_size_bytes: 3, ..Limits::default() };
    let tree = DiskTree::open_within(&checkout.root, limits).expect("it is there");
    assert_eq!(tree.read(Utf8Path::new("f")), None);
}

#[test]
fn a_missing_root_is_an_error() {
    let error = DiskTree::open(Utf8Path::new("/nowhere/at/all")).expect_err("it is not there");
    assert_eq!(error.to_string(), "cannot list `/nowhere/at/all`");
}

#[test]
fn a_subtree_has_its_own_root() {
    let tree = MemoryTree::from_fixture("--- a/x\nhello\n--- a-b\n--- a/c/d\n--- b\n");
    let subtree = Subtree::new(&tree, Utf8Path::new("a"));
    let files: Vec<&str> = subtree.files().iter().map(|path| path.as_str()).collect();
    assert_eq!(files, ["c/d", "x"]);
    assert_eq!(subtree.read(Utf8Path::new("x")).as_deref(), Some("hello\n"));
    assert!(tree.has_dir(Utf8Path::new("a/c")) && !tree.has_dir(Utf8Path::new("a-b")));
    assert_eq!(Subtree::new(&tree, Utf8Path::new("")).files().len(), 4);
}
