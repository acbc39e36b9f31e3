//! Real git repositories for tests, free of the developer's configuration.

use std::process::Command;

use camino::{Utf8Path, Utf8PathBuf};

use super::git::Git;
use super::location::{GitRef, GitUrl, Reference};

/// A scratch directory, removed when dropped.
pub(crate) struct Scratch {
    _guard: tempfile::TempDir,
    pub(crate) path: Utf8PathBuf,
}

impl Scratch {
    pub(crate) fn new() -> Self {
        let guard = tempfile::tempdir().expect("a scratch directory");
        let path = Utf8PathBuf::from_path_buf(guard.path().to_owned()).expect("UTF-8");
        let path = path.canonicalize_utf8().expect("there");
        Self { _guard: guard, path }
    }
}

/// Returns git that sees no configuration but its own.
pub(crate) fn hermetic_git() -> Git {
    Git::with_environment([
        ("PATH".into(), std::env::var_os("PATH").expect("set")),
        ("HOME".into(), "/nonexistent".into()),
        ("GIT_CONFIG_GLOBAL".into(), "/dev/null".into()),
        ("GIT_CONFIG_NOSYSTEM".into(), "1".into()),
    ])
}

/// Runs git in a repository of a test and returns what it says.
pub(crate) fn git(dir: &Utf8Path, args: &[&str]) -> String {
    let output = Command::new("git")
        .args(["-c", "protocol.file.allow=always"])
        .args(args)
        .current_dir(dir)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").expect("set"))
        .env("HOME", "/nonexistent")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_AUTHOR_NAME", "A")
        .env("GIT_AUTHOR_EMAIL", "a@example.com")
        .env("GIT_AUTHOR_DATE", "2026-01-01T00:00:00Z")
        .env("GIT_COMMITTER_NAME", "A")
        .env("GIT_COMMITTER_EMAIL", "a@example.com")
        .env("GIT_COMMITTER_DATE", "2026-01-01T00:00:00Z")
        .output()
        .expect("git runs");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "git {args:?} in {dir}: {stderr}");
    String::from_utf8(output.stdout).expect("UTF-8").trim_end().to_owned()
}

/// Makes a repository with one file and returns its first commit.
pub(crate) fn repository(dir: &Utf8Path) -> String {
    fs_err::create_dir_all(dir).expect("made");
    git(dir, &["init", "--quiet", "--initial-branch=main"]);
    commit(dir, "charmcraft.yaml", "name: a\n")
}

/// Writes a file, commits everything and returns the commit.
pub(crate) fn commit(dir: &Utf8Path, path: &str, text: &str) -> String {
    write(dir, path, text);
    git(dir, &["add", "--all"]);
    git(dir, &["commit", "--quiet", "--message", path]);
    git(dir, &["rev-parse", "HEAD"])
}

pub(crate) fn write(dir: &Utf8Path, path: &str, text: &str) {
    let path = dir.join(path);
    fs_err::create_dir_all(path.parent().expect("has one")).expect("made");
    fs_err::write(path, text).expect("written");
}

/// Returns a reference to a local repository; `HEAD` for the default branch.
pub(crate) fn local(dir: &Utf8Path, reference: &str) -> GitRef {
    GitRef {
        url: GitUrl::parse(&format!("file://{dir}")).expect("valid"),
        reference: Reference::parse(reference).expect("valid"),
    }
}
