//! The `.git` of a copy: its own, borrowing the objects of its source.
//!
//! `HEAD` is detached at the snapshot's commit. Where the copy is of a folder
//! inside a repository, no commit has these files at its top; one is made up,
//! with the real commit as its parent, in the copy's own objects.
//!
//! Making it touches nothing of the source. Later, a git that writes an object
//! in the copy which the source has already gives that object's file a new time
//! (git calls it freshening) and changes no content; where borrowed objects are
//! mounted read-only, not even that.
//!
//! What fails here makes a note and no error: most suites never ask git.

use std::fmt::Write as _;
use std::io;

use camino::{Utf8Path, Utf8PathBuf};

use super::{MaterialiseStats, Origin, Snapshot, TreeReader, links};
use crate::corpus::git::{GitCommand, GitError};

/// What a private `.git` is made from.
#[derive(Debug)]
struct Source<'s> {
    common_dir: &'s Utf8Path,
    prefix: Option<&'s Utf8Path>,
    object_format: &'s str,
}

impl<'s> Source<'s> {
    fn of(snapshot: &'s Snapshot) -> Option<Self> {
        match &snapshot.origin {
            Origin::Mirror { git_dir } => Some(Self {
                common_dir: git_dir,
                prefix: None,
                object_format: match snapshot.digest.as_str().len() {
                    68 => "sha256",
                    _ => "sha1",
                },
            }),
            Origin::Directory { repository, .. } => repository.as_ref().map(|repository| Self {
                common_dir: &repository.common_dir,
                prefix: Some(repository.prefix.as_path()).filter(|prefix| *prefix != ""),
                object_format: &repository.object_format,
            }),
        }
    }
}

/// Makes `dest/.git` anew, without an index. Returns the commit its `HEAD` has.
pub(super) fn create(
    reader: TreeReader<'_>,
    snapshot: &Snapshot,
    dest: &Utf8Path,
    stats: &mut MaterialiseStats,
) -> io::Result<Option<String>> {
    let git_dir = dest.join(".git");
    links::remove_any(git_dir.as_std_path())?;
    let Some(source) = Source::of(snapshot) else {
        return Ok(None);
    };
    write_skeleton(&source, &git_dir, stats)?;
    let Some(commit) = &snapshot.commit else {
        fs_err::write(git_dir.join("HEAD"), "ref: refs/heads/main\n")?;
        return Ok(None);
    };
    fs_err::write(git_dir.join("HEAD"), format!("{commit}\n"))?;
    let Some(prefix) = source.prefix else {
        return Ok(Some(commit.clone()));
    };
    match subtree_commit(reader, dest, commit, prefix) {
        Ok(made) => {
            fs_err::write(git_dir.join("HEAD"), format!("{made}\n"))?;
            Ok(Some(made))
        }
        Err(error) => {
            // Staged, perhaps, but in no commit yet: nothing to compare with.
            stats.notes.push(format!("the copy has no commit: {error}"));
            fs_err::write(git_dir.join("HEAD"), "ref: refs/heads/main\n")?;
            Ok(None)
        }
    }
}

/// Returns a call of git in the copy `dest`.
pub(super) fn call<'g>(reader: TreeReader<'g>, dest: &Utf8Path) -> GitCommand<'g> {
    reader.git.isolated(dest).arg("--git-dir=.git").arg("--work-tree=.")
}

/// Fills the index from `commit` and takes the files on disk as they are.
pub(super) fn fill_index(reader: TreeReader<'_>, dest: &Utf8Path, commit: &str) -> Result<(), GitError> {
    call(reader, dest).args(["read-tree", commit]).read()?;
    // An exit code of 1 says that some files differ, which is no failure.
    call(reader, dest).args(["update-index", "-q", "--refresh"]).run()?;
    Ok(())
}

/// Tells git not to miss the links that were dropped.
pub(super) fn skip(reader: TreeReader<'_>, dest: &Utf8Path, dropped: &[Utf8PathBuf]) -> Result<(), GitError> {
    if dropped.is_empty() {
        return Ok(());
    }
    let mut input = Vec::new();
    for path in dropped {
        input.extend_from_slice(path.as_str().as_bytes());
        input.push(0);
    }
    call(reader, dest).args(["update-index", "-z", "--skip-worktree", "--stdin"]).input(input).run()?;
    Ok(())
}

fn subtree_commit(
    reader: TreeReader<'_>,
    dest: &Utf8Path,
    commit: &str,
    prefix: &Utf8Path,
) -> Result<String, GitError> {
    let date = "2000-01-01T00:00:00Z";
    call(reader, dest)
        .env("GIT_AUTHOR_NAME", "charmproof")
        .env("GIT_AUTHOR_EMAIL", "charmproof@localhost")
        .env("GIT_AUTHOR_DATE", date)
        .env("GIT_COMMITTER_NAME", "charmproof")
        .env("GIT_COMMITTER_EMAIL", "charmproof@localhost")
        .env("GIT_COMMITTER_DATE", date)
        .args(["commit-tree", "-p", commit, "-m"])
        .arg(format!("The folder {prefix} of {commit}"))
        .arg(format!("{commit}:{prefix}"))
        .read_text()
}

fn write_skeleton(source: &Source<'_>, git_dir: &Utf8Path, stats: &mut MaterialiseStats) -> io::Result<()> {
    for dir in ["objects/info", "objects/pack", "refs/heads", "refs/tags", "info"] {
        fs_err::create_dir_all(git_dir.join(dir))?;
    }
    let (version, extension) = match source.object_format {
        "sha256" => (1, "[extensions]\n\tobjectformat = sha256\n"),
        _ => (0, ""),
    };
    let config = format!(
        "[core]\n\trepositoryformatversion = {version}\n\tfilemode = true\n\tbare = false\n\
         \tlogallrefupdates = false\n\tautocrlf = false\n[gc]\n\tauto = 0\n\
         [maintenance]\n\tauto = false\n{extension}"
    );
    fs_err::write(git_dir.join("config"), config)?;
    let objects = source.common_dir.join("objects");
    if objects.as_str().contains(['\n', '"']) {
        stats.notes.push(format!("the copy's git cannot find `{objects}`"));
    } else {
        fs_err::write(git_dir.join("objects/info/alternates"), format!("{objects}\n"))?;
        borrow(&objects, &mut stats.borrowed_objects);
    }
    for file in ["shallow", "info/exclude"] {
        if let Ok(bytes) = fs_err::read(source.common_dir.join(file)) {
            fs_err::write(git_dir.join(file), bytes)?;
        }
    }
    let tags = tags(source.common_dir);
    if !tags.is_empty() {
        fs_err::write(git_dir.join("packed-refs"), tags)?;
    }
    Ok(())
}

/// Notes `objects` and whatever they themselves borrow from.
fn borrow(objects: &Utf8Path, borrowed: &mut Vec<Utf8PathBuf>) {
    if borrowed.iter().any(|known| known == objects) || borrowed.len() >= 8 {
        return;
    }
    let more = fs_err::read_to_string(objects.join("info/alternates")).unwrap_or_default();
    borrowed.push(objects.to_owned());
    for line in more.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        borrow(&objects.join(line), borrowed);
    }
}

/// Returns the tags of a repository as the text of a `packed-refs` file.
fn tags(common_dir: &Utf8Path) -> String {
    let mut refs = std::collections::BTreeMap::new();
    let packed = fs_err::read_to_string(common_dir.join("packed-refs")).unwrap_or_default();
    for line in packed.lines() {
        if let Some((id, name)) = line.split_once(' ')
            && name.starts_with("refs/tags/")
            && !id.starts_with('#')
        {
            refs.insert(name.to_owned(), id.to_owned());
        }
    }
    loose_tags(common_dir, Utf8Path::new("refs/tags"), &mut refs);
    let mut text = String::new();
    for (name, id) in refs {
        let hexadecimal = id.len() >= 40 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
        if hexadecimal && !name.contains(char::is_control) {
            let _ = writeln!(text, "{id} {name}");
        }
    }
    text
}

fn loose_tags(
    common_dir: &Utf8Path,
    below: &Utf8Path,
    refs: &mut std::collections::BTreeMap<String, String>,
) {
    let Ok(entries) = common_dir.join(below).read_dir_utf8() else {
        return;
    };
    for entry in entries.flatten() {
        let name = below.join(entry.file_name());
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => loose_tags(common_dir, &name, refs),
            Ok(kind) if kind.is_file() => {
                if let Ok(id) = fs_err::read_to_string(entry.path()) {
                    refs.insert(name.into_string(), id.trim().to_owned());
                }
            }
            _ => {}
        }
    }
}
