//! Small git repositories.

use std::process::Command;

use camino::{Utf8Path, Utf8PathBuf};
use tempfile::TempDir;

/// The first commit's time, in seconds since 1970: 2026-01-01 00:00 UTC.
const FIRST_COMMIT: u64 = 1_767_225_600;

/// A git repository in a temporary folder, which goes with it.
///
/// Authors and dates are fixed, so the same files make the same commits, on every
/// machine and in every year.
///
/// ```
/// let repo = charmproof_testkit::Repo::new()
///     .file("src/charm.py", "import ops\n")
///     .commit("begin");
/// assert_eq!(repo.head().len(), 40);
/// ```
#[derive(Debug)]
pub struct Repo {
    path: Utf8PathBuf,
    commits: u64,
    _folder: TempDir,
}

impl Default for Repo {
    fn default() -> Self {
        Self::new()
    }
}

impl Repo {
    /// Makes an empty repository with the branch `main`.
    pub fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = canonical(folder.path());
        let repo = Self { path, commits: 0, _folder: folder };
        repo.git(&["init", "--quiet", "--initial-branch=main"]);
        repo
    }

    /// Returns the repository's folder.
    pub fn path(&self) -> &Utf8Path {
        &self.path
    }

    /// Returns the repository's `file://` URL.
    pub fn url(&self) -> String {
        format!("file://{}", self.path)
    }

    /// Writes a file, with the folders above it.
    #[must_use]
    pub fn file(self, path: &str, text: &str) -> Self {
        write(&self.path.join(path), text);
        self
    }

    /// Removes a file.
    #[must_use]
    pub fn without(self, path: &str) -> Self {
        fs_err::remove_file(self.path.join(path)).expect("the file is there");
        self
    }

    /// Makes a symbolic link.
    #[must_use]
    pub fn link(self, path: &str, target: &str) -> Self {
        let path = self.path.join(path);
        fs_err::create_dir_all(path.parent().expect("is inside the repository")).expect("a folder");
        fs_err::os::unix::fs::symlink(target, path).expect("a link");
        self
    }

    /// Commits everything that is there; also when nothing has changed.
    #[must_use]
    pub fn commit(mut self, message: &str) -> Self {
        self.git(&["add", "--all"]);
        let date = format!("@{} +0000", FIRST_COMMIT + 60 * self.commits);
        let words = ["commit", "--quiet", "--allow-empty", "--no-verify", "--message", message];
        self.git_at(&words, &date);
        self.commits += 1;
        self
    }

    /// Makes a tag at the last commit.
    #[must_use]
    pub fn tag(self, name: &str) -> Self {
        self.git(&["tag", name]);
        self
    }

    /// Switches to a branch, which begins here if there is none of that name.
    #[must_use]
    pub fn branch(self, name: &str) -> Self {
        let is_new = self.git(&["branch", "--list", name]).is_empty();
        let how: &[&str] = if is_new { &["switch", "--quiet", "--create"] } else { &["switch", "--quiet"] };
        self.git(&[how, &[name]].concat());
        self
    }

    /// Returns the name of the last commit.
    pub fn head(&self) -> String {
        self.git(&["rev-parse", "HEAD"])
    }

    /// Runs git in the repository, and returns what it printed; panics if it fails.
    #[expect(clippy::must_use_candidate, reason = "many commands print nothing of interest")]
    #[track_caller]
    pub fn git(&self, words: &[&str]) -> String {
        self.git_at(words, &format!("@{FIRST_COMMIT} +0000"))
    }

    #[track_caller]
    fn git_at(&self, words: &[&str], date: &str) -> String {
        let mut command = Command::new("git");
        // Variables of a hook that runs the tests, and the user's settings, are not ours.
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("GIT_") {
                command.env_remove(name);
            }
        }
        let output = command
            .args(words)
            .current_dir(&self.path)
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_AUTHOR_NAME", "A. Tester")
            .env("GIT_AUTHOR_EMAIL", "tester@example.com")
            .env("GIT_AUTHOR_DATE", date)
            .env("GIT_COMMITTER_NAME", "A. Tester")
            .env("GIT_COMMITTER_EMAIL", "tester@example.com")
            .env("GIT_COMMITTER_DATE", date)
            .output()
            .expect("git is installed");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "git {} failed:\n{said}", words.join(" "));
        String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
    }
}

/// Writes a file, with the folders above it.
pub(crate) fn write(path: &Utf8Path, text: &str) {
    fs_err::create_dir_all(path.parent().expect("is inside a folder")).expect("a folder");
    fs_err::write(path, text).expect("a file");
}

/// Returns a temporary folder's path without links, as programs report it.
pub(crate) fn canonical(path: &std::path::Path) -> Utf8PathBuf {
    let path = fs_err::canonicalize(path).expect("the folder is there");
    Utf8PathBuf::from_path_buf(path).expect("temporary folders have plain names")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_files_make_the_same_commits() {
        let make = || {
            Repo::new()
                .file("a/b.txt", "one\n")
                .link("c", "a/b.txt")
                .commit("first")
                .tag("1.0")
                .file("a/b.txt", "two\n")
                .without("c")
                .commit("second")
        };
        let (repo, again) = (make(), make());
        assert_eq!(repo.head(), again.head());
        assert_ne!(repo.path(), again.path());
        let last = FIRST_COMMIT + 60;
        let log = format!("second {last} +0000\nfirst {FIRST_COMMIT} +0000");
        assert_eq!(repo.git(&["log", "--date=raw", "--format=%s %ad"]), log);
        assert_eq!(repo.git(&["ls-tree", "-r", "--name-only", "1.0"]), "a/b.txt\nc");
        assert_eq!(repo.git(&["status", "--porcelain"]), "");
    }

    #[test]
    fn branches_begin_where_they_are_asked_for() {
        let repo = Repo::new().commit("first").branch("dev").commit("second").branch("main");
        assert_eq!(repo.git(&["log", "--format=%s", "main"]), "first");
        assert_eq!(repo.git(&["log", "--format=%s", "dev"]), "second\nfirst");
    }

    #[test]
    fn a_clone_can_be_made() {
        let repo = Repo::new().file("a", "x").commit("first");
        let other = Repo::new();
        other.git(&["fetch", "--quiet", &repo.url(), "main"]);
        assert_eq!(other.git(&["rev-parse", "FETCH_HEAD"]), repo.head());
    }
}
