//! What copies are, and what they survive.

use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::PathBuf;

use camino::Utf8Path;
use proptest::prelude::*;

use super::super::*;
use super::{checkout, fingerprint, paths, read, renew, write_out};
use crate::corpus::fixture::{Scratch, commit, git, hermetic_git, repository, write};
use crate::corpus::mirror::{FetchSettings, Mirrors};

#[test]
fn a_copy_is_whole_and_its_source_untouched() {
    let scratch = Scratch::new();
    let dir = scratch.path.join("charm");
    let id = checkout(&dir);
    write(&dir, "src/charm.py", "print('edited')\n");
    write(&dir, "new.py", "");
    let before = fingerprint(&dir, true);
    let unstrict = fingerprint(&dir, false);
    let snapshot = read(&dir);
    let dest = scratch.path.join("copy");
    let stats = write_out(&snapshot, &dest);
    renew(&snapshot, &dest, &[]);
    assert!(fingerprint(&dir, true) == before, "the source was touched");
    assert_eq!(stats.notes, Vec::<String>::new());
    assert_eq!(stats.files_written, snapshot.files.len());
    assert_eq!(read(&dest).digest, snapshot.digest);
    assert_eq!(fs_err::read_link(dest.join("link")).expect("a link"), PathBuf::from("src/charm.py"));
    assert_eq!(git(&dest, &["rev-parse", "HEAD"]), id);
    assert_eq!(git(&dest, &["describe", "--tags"]), "v1");
    assert_eq!(git(&dest, &["status", "--porcelain"]), " M src/charm.py\n?? new.py");
    // What is done in the copy stays there.
    git(&dest, &["add", "--all"]);
    git(&dest, &["commit", "--quiet", "--message", "m"]);
    git(&dest, &["gc", "--quiet", "--prune=now"]);
    write(&dest, "src/charm.py", "broken");
    renew(&snapshot, &dest, &[]);
    assert!(fingerprint(&dir, false) == unstrict, "the source was written to");
}

#[test]
fn a_copy_never_overlaps_its_source_or_anything_else() {
    let scratch = Scratch::new();
    let dir = scratch.path.join("charm");
    checkout(&dir);
    let snapshot = read(&dir);
    let git = hermetic_git();
    let reader = TreeReader::new(&git, None);
    for dest in [dir.join("copy"), dir.clone(), scratch.path.clone()] {
        let error = reader.materialise(&snapshot, &dest).expect_err("overlaps");
        assert!(matches!(error, TreeError::Overlap { .. }), "{error}");
        let error = reader.refresh(&snapshot, &dest, &[]).expect_err("overlaps");
        assert!(matches!(error, TreeError::Overlap { .. }), "{error}");
    }
    write(&scratch.path, "full/x", "");
    let error = reader.materialise(&snapshot, &scratch.path.join("full")).expect_err("full");
    assert!(matches!(error, TreeError::NotEmpty { .. }), "{error}");
    write(&dir, "src/charm.py", "saved meanwhile\n");
    let error = reader.materialise(&snapshot, &scratch.path.join("copy")).expect_err("changed");
    assert!(matches!(error, TreeError::Changed { .. }), "{error}");
}

#[test]
fn a_folder_of_a_repository_is_copied_alone() {
    let scratch = Scratch::new();
    let top = scratch.path.join("big");
    repository(&top);
    write(&top, "examples/a/charmcraft.yaml", "name: a\n");
    write(&top, "examples/b/charmcraft.yaml", "name: b\n");
    git(&top, &["tag", "v2"]);
    commit(&top, "examples/a/src/charm.py", "");
    let snapshot = read(&top.join("examples/a"));
    assert_eq!(paths(&snapshot), ["charmcraft.yaml", "src/charm.py"]);
    assert!(!snapshot.dirty);
    write(&top, "examples/b/charmcraft.yaml", "edited");
    assert!(!read(&top.join("examples/a")).dirty);
    let dest = scratch.path.join("copy");
    let before = fingerprint(&top, true);
    let stats = write_out(&snapshot, &dest);
    assert_eq!(stats.notes, Vec::<String>::new());
    assert_eq!(git(&dest, &["status", "--porcelain"]), "");
    assert!(git(&dest, &["describe", "--tags"]).starts_with("v2-2-g"));
    assert!(fingerprint(&top, true) == before, "the source was touched");
    let again = scratch.path.join("again");
    write_out(&snapshot, &again);
    assert_eq!(git(&dest, &["rev-parse", "HEAD"]), git(&again, &["rev-parse", "HEAD"]));
}

#[test]
fn repositories_without_commits_and_ignored_folders_work() {
    let scratch = Scratch::new();
    let top = scratch.path.join("top");
    write(&top, "a/charmcraft.yaml", "");
    write(&top, "cache/b/charmcraft.yaml", "");
    write(&top, ".gitignore", "cache/\n");
    git(&top, &["init", "--quiet"]);
    for (folder, has_git) in [("", true), ("a", true), ("cache/b", false)] {
        git(&top, &["add", "a", ".gitignore"]);
        let snapshot = read(&top.join(folder));
        assert!(paths(&snapshot).iter().any(|path| path.ends_with("charmcraft.yaml")), "{folder}");
        assert_eq!((snapshot.commit.clone(), snapshot.dirty), (None, false), "{folder}");
        let dest = scratch.path.join(format!("copy-{}", folder.replace('/', "-")));
        write_out(&snapshot, &dest);
        assert_eq!(dest.join(".git").exists(), has_git, "{folder}");
        renew(&snapshot, &dest, &[]);
        assert_eq!(read(&dest).files.len(), snapshot.files.len());
    }
}

/// Makes a mirror of `remote` and returns a snapshot of its default branch.
fn mirrored(scratch: &Scratch, remote: &Utf8Path) -> Snapshot {
    let mirrors = Mirrors::open(&scratch.path.join("cache"), hermetic_git()).expect("opens");
    let source = crate::corpus::fixture::local(remote, "HEAD");
    let result = mirrors.fetch(&[source], FetchSettings::default(), &|_| {}, &|| false).remove(0);
    let commit = result.outcome.commit().expect("fetched").to_owned();
    TreeReader::new(mirrors.git(), None).mirror(&result.git_dir, &commit).expect("read")
}

#[test]
fn a_mirror_is_materialised_and_refreshed() {
    let scratch = Scratch::new();
    let remote = scratch.path.join("remote");
    let id = checkout(&remote);
    let snapshot = mirrored(&scratch, &remote);
    assert_eq!(snapshot.digest.as_str(), format!("git:{}", git(&remote, &["rev-parse", "HEAD^{tree}"])));
    assert_eq!(paths(&snapshot), paths(&read(&remote)));
    let dest = scratch.path.join("copy");
    let stats = write_out(&snapshot, &dest);
    assert_eq!(stats.borrowed_objects.len(), 1);
    assert_eq!(git(&dest, &["status", "--porcelain"]), "");
    assert_eq!(git(&dest, &["log", "--format=%H"]), id, "shallow");
    assert_eq!(read(&dest).digest, read(&remote).digest);
    disturb(&dest);
    let stats = renew(&snapshot, &dest, &[".venv"]);
    assert_eq!(stats.files_written, 3);
    check_disturbed_is_pristine(&dest, &read(&remote));
    assert_eq!(renew(&snapshot, &dest, &[".venv"]).files_written, 0);
}

/// Does what a bad suite may do to its copy.
fn disturb(dest: &Utf8Path) {
    fs_err::write(dest.join("src/charm.py"), "pr1nt()\n").expect("written");
    fs_err::set_permissions(dest.join("charmcraft.yaml"), std::fs::Permissions::from_mode(0o755))
        .expect("set");
    fs_err::remove_file(dest.join("tests/run")).expect("removed");
    write(dest, "tests/run/is/a/directory", "");
    write(dest, ".venv/bin/python", "kept");
    write(dest, "stray/.venv/x", "");
    write(dest, "x.log", "");
    git(dest, &["add", "--all", "--force"]);
    git(dest, &["commit", "--quiet", "--message", "m"]);
    fs_err::write(dest.join(".git/hooks"), "").expect("written");
    fs_err::set_permissions(dest.join("stray"), std::fs::Permissions::from_mode(0o000)).expect("set");
}

fn check_disturbed_is_pristine(dest: &Utf8Path, source: &Snapshot) {
    assert_eq!(fs_err::read_to_string(dest.join(".venv/bin/python")).expect("kept"), "kept");
    fs_err::remove_dir_all(dest.join(".venv")).expect("removed");
    assert_eq!(git(dest, &["status", "--porcelain", "--ignored"]), "");
    assert_eq!(read(dest).digest, source.digest);
    assert!(!dest.join("x.log").exists() && !dest.join("stray").exists());
}

#[test]
fn a_copy_of_a_checkout_is_refreshed() {
    let scratch = Scratch::new();
    let dir = scratch.path.join("charm");
    checkout(&dir);
    let snapshot = read(&dir);
    let dest = scratch.path.join("copy");
    write_out(&snapshot, &dest);
    assert_eq!(renew(&snapshot, &dest, &[]).files_written, 0);
    disturb(&dest);
    let stats = renew(&snapshot, &dest, &[".venv"]);
    assert_eq!(stats.files_written, 3);
    check_disturbed_is_pristine(&dest, &snapshot);
}

#[test]
fn a_copy_turned_into_links_harms_nobody() {
    let scratch = Scratch::new();
    let dir = scratch.path.join("charm");
    checkout(&dir);
    write(&scratch.path, "precious/charm.py", "precious");
    write(&scratch.path, "precious/.venv/x", "precious");
    for snapshot in [read(&dir), mirrored(&scratch, &dir)] {
        let dest = scratch.path.join("copy");
        write_out(&snapshot, &dest);
        let precious = scratch.path.join("precious");
        for name in ["src", ".git", "tests"] {
            fs_err::remove_dir_all(dest.join(name)).expect("removed");
            symlink(&precious, dest.join(name)).expect("linked");
        }
        fs_err::remove_file(dest.join("charmcraft.yaml")).expect("removed");
        symlink(precious.join("charm.py"), dest.join("charmcraft.yaml")).expect("linked");
        let before = fingerprint(&precious, true);
        renew(&snapshot, &dest, &[".venv"]);
        assert!(fingerprint(&precious, true) == before);
        assert_eq!(read(&dest).digest, read(&dir).digest);
        fs_err::remove_dir_all(&dest).expect("removed");
    }
}

#[test]
fn links_that_lead_out_are_dropped_from_copies() {
    let scratch = Scratch::new();
    let dir = scratch.path.join("charm");
    repository(&dir);
    write(&dir, "a/b/file", "");
    for (name, target) in [
        ("absolute", "/etc/passwd"),
        ("above", "../x"),
        ("a/above", "../../x"),
        ("fine", "a/b/file"),
        ("a/fine", "../charmcraft.yaml"),
        ("dangling", "nowhere/at/all"),
        ("circle", "circle"),
        ("top", "."),
        ("a/b/top", "../.."),
        // By its text this stays inside; through `top` it does not.
        ("sly", "a/b/top/../x"),
    ] {
        symlink(target, dir.join(name)).expect("linked");
    }
    commit(&dir, "x", "");
    for (name, snapshot) in [("one", read(&dir)), ("two", mirrored(&scratch, &dir))] {
        let dest = scratch.path.join(name);
        for round in 0..2 {
            let stats = if round == 0 { write_out(&snapshot, &dest) } else { renew(&snapshot, &dest, &[]) };
            let mut dropped = stats.dropped_links;
            dropped.sort();
            assert_eq!(dropped, ["a/above", "above", "absolute", "sly"], "{name} {round}");
            assert_eq!(stats.notes.len(), 4);
            assert_eq!(git(&dest, &["status", "--porcelain"]), "", "{name} {round}");
        }
    }
}

#[test]
fn a_users_filters_do_not_run_in_copies() {
    let scratch = Scratch::new();
    let dir = scratch.path.join("charm");
    repository(&dir);
    write(&dir, ".gitattributes", "*.bin filter=lfs\n");
    commit(&dir, "a.bin", "pointer");
    let config = scratch.path.join("gitconfig");
    fs_err::write(
        &config,
        "[filter \"lfs\"]\n\tsmudge = tr a-z A-Z\n\tclean = tr A-Z a-z\n\trequired = true\n",
    )
    .expect("written");
    let git = Git::with_environment([
        ("PATH".into(), std::env::var_os("PATH").expect("set")),
        ("GIT_CONFIG_GLOBAL".into(), config.into_os_string()),
    ]);
    let snapshot = mirrored(&scratch, &dir);
    let dest = scratch.path.join("copy");
    TreeReader::new(&git, None).materialise(&snapshot, &dest).expect("written");
    assert_eq!(fs_err::read_to_string(dest.join("a.bin")).expect("there"), "pointer");
}

#[test]
fn hooks_and_monitors_of_a_checkout_do_not_run() {
    let scratch = Scratch::new();
    let dir = scratch.path.join("charm");
    checkout(&dir);
    let script = scratch.path.join("evil");
    fs_err::write(&script, format!("#!/bin/sh\ntouch {}/pwned\n", scratch.path)).expect("written");
    fs_err::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).expect("set");
    git(&dir, &["config", "core.fsmonitor", script.as_str()]);
    git(&dir, &["config", "core.hooksPath", scratch.path.as_str()]);
    let snapshot = read(&dir);
    write_out(&snapshot, &scratch.path.join("copy"));
    assert!(!scratch.path.join("pwned").exists());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// Whatever a suite does, a refresh gives the copy of the snapshot.
    #[test]
    fn refresh_equals_a_new_copy(
        names in proptest::collection::btree_map("[a-c]/[a-c]|[d-f]", "[xy]{0,3}", 1..6),
        damage in proptest::collection::vec(("[a-f](/[a-c]){0,2}", 0..4_u8), 0..8),
    ) {
        let scratch = Scratch::new();
        let dir = scratch.path.join("charm");
        for (name, text) in &names {
            write(&dir, name, text);
        }
        let snapshot = read(&dir);
        let dest = scratch.path.join("copy");
        write_out(&snapshot, &dest);
        for (path, kind) in damage {
            let path = dest.join(path);
            match kind {
                0 => drop(fs_err::write(&path, "zz")),
                1 => drop(fs_err::remove_file(&path)),
                2 => drop(fs_err::remove_dir_all(&path)),
                _ => drop(symlink("/nonexistent", &path)),
            }
        }
        renew(&snapshot, &dest, &[]);
        prop_assert_eq!(&read(&dest).digest, &snapshot.digest);
    }
}
