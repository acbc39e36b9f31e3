//! A charm of the fleet, with what must be known of it before it runs.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::process::{Child, ChildStdout, Command, Stdio};

use camino::{Utf8Path, Utf8PathBuf};
use charmproof_charm::library::MissingLibrary;
use charmproof_charm::metadata::CharmMetadata;
use charmproof_charm::offerings::{Invocation, Offerings, Runner};
use charmproof_charm::pyproject::{DependencyFacts, dependency_facts};
use charmproof_charm::toxconfig::{ToxConfig, tox_config};
use charmproof_charm::{Broken, Subtree, Tree};
use charmproof_store::event::SubjectRecord;
use sha2::{Digest, Sha256};

use crate::corpus::git::Git;
use crate::corpus::list::Limits;
use crate::corpus::tree::{Origin, Snapshot, TreeError, TreeReader};
use crate::swap::record::hex;

/// Files larger than this hold no configuration.
const MAX_TEXT_BYTES: u64 = 2 * 1024 * 1024;

/// One charm that is run.
#[derive(Clone, Debug)]
pub struct Subject {
    /// What the log says of it.
    pub record: SubjectRecord,
    /// Where its files come from.
    pub source: SubjectSource,
    /// Its own limits.
    pub limits: Limits,
    /// What its list gives all of its charms.
    pub default_limits: Limits,
    /// The outcome that its baseline is known for, by target; `*` for every target.
    pub expected: BTreeMap<String, String>,
    /// What its files say.
    pub facts: CharmFacts,
    /// Libraries that were found for it, to be laid into its copies.
    pub libraries: Vec<crate::provision::libraries::Provided>,
}

/// Where the files of a subject come from, without the list of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SubjectSource {
    /// A commit of a mirror.
    Mirror {
        /// The bare repository.
        git_dir: Utf8PathBuf,
        /// The commit.
        commit: String,
    },
    /// A folder that the user owns.
    Folder(Utf8PathBuf),
}

impl SubjectSource {
    /// Lists the files, as they are now.
    pub fn snapshot(&self, reader: &TreeReader<'_>) -> Result<Snapshot, TreeError> {
        match self {
            Self::Mirror { git_dir, commit } => reader.mirror(git_dir, commit),
            Self::Folder(path) => reader.directory(path),
        }
    }
}

/// What a charm's files say that decides how it is run.
#[derive(Clone, Debug)]
pub struct CharmFacts {
    /// Its metadata.
    pub metadata: CharmMetadata,
    /// Its dependencies and Pythons; an error where pyproject.toml is broken.
    pub dependencies: Result<DependencyFacts, Broken>,
    /// Its tox configuration; an error where that is broken.
    pub tox: Result<Option<ToxConfig>, Broken>,
    /// What it offers to run.
    pub offerings: Offerings,
    /// Libraries that it names and does not have.
    pub missing_libraries: Vec<MissingLibrary>,
    /// Digest of the files that decide its environments.
    pub manifest: String,
    /// Whether its tox configuration hands on positional arguments.
    pub takes_arguments: bool,
}

impl CharmFacts {
    /// Reads the facts of the charm at the root of a tree.
    pub fn read(tree: &dyn Tree) -> Self {
        let metadata = CharmMetadata::read(tree);
        let missing_libraries = charmproof_charm::library::missing_libraries(&metadata, tree);
        let takes_arguments = ["tox.ini", "tox.toml", "pyproject.toml", "setup.cfg"]
            .iter()
            .filter_map(|name| tree.read(Utf8Path::new(name)))
            .any(|text| text.contains("posargs"));
        Self {
            dependencies: dependency_facts(tree),
            tox: tox_config(tree),
            offerings: Offerings::read(tree),
            missing_libraries,
            manifest: manifest_digest(tree),
            takes_arguments,
            metadata,
        }
    }

    /// Whether what is run hands arguments on.
    pub fn hands_on_arguments(&self, invocation: &Invocation) -> bool {
        match invocation.runner {
            Runner::Tox => self.takes_arguments,
            Runner::Just => self.offerings.just_with_parameters.contains(&invocation.name),
            Runner::Pytest => true,
            Runner::Make | Runner::Nox | Runner::Lives => false,
        }
    }
}

/// Whether a file decides what is installed.
fn is_manifest(path: &Utf8Path) -> bool {
    let name = path.file_name().unwrap_or("");
    let plain = matches!(
        name,
        "pyproject.toml"
            | "uv.lock"
            | "poetry.lock"
            | "tox.ini"
            | "tox.toml"
            | "setup.py"
            | "setup.cfg"
            | "Makefile"
            | "makefile"
            | "GNUmakefile"
            | "justfile"
            | "Justfile"
            | ".justfile"
            | "noxfile.py"
            | ".python-version"
            | "Pipfile"
            | "Pipfile.lock"
            | "uv.toml"
    );
    plain
        || ((name.ends_with(".txt") || name.ends_with(".in"))
            && (name.contains("require") || name.contains("constraint")))
}

fn manifest_digest(tree: &dyn Tree) -> String {
    let mut digest = Sha256::new();
    for path in tree.files().iter().filter(|path| is_manifest(path)) {
        digest.update(path.as_str());
        digest.update([0]);
        digest.update(tree.read(path).unwrap_or_default());
        digest.update([0]);
    }
    hex(&digest.finalize())[..24].to_string()
}

/// A snapshot, to be read as a tree without writing it out.
#[derive(Debug)]
pub struct SnapshotTree<'a> {
    snapshot: &'a Snapshot,
    paths: BTreeSet<Utf8PathBuf>,
    blobs: RefCell<Option<Blobs>>,
}

/// A `git cat-file --batch` that answers for one repository.
#[derive(Debug)]
struct Blobs {
    child: Child,
    answers: BufReader<ChildStdout>,
}

impl Drop for Blobs {
    fn drop(&mut self) {
        // Closing its input ends it; the kill is for a git that does not listen.
        drop(self.child.stdin.take());
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl<'a> SnapshotTree<'a> {
    /// Makes a snapshot readable.
    pub fn new(snapshot: &'a Snapshot) -> Self {
        Self {
            snapshot,
            paths: snapshot.files.iter().map(|file| file.path.clone()).collect(),
            blobs: RefCell::new(None),
        }
    }

    fn blob(&self, git_dir: &Utf8Path, id: &str) -> Option<Vec<u8>> {
        let mut slot = self.blobs.borrow_mut();
        if slot.is_none() {
            let mut child = Command::new("git")
                .args(["--git-dir", git_dir.as_str(), "cat-file", "--batch"])
                .current_dir(git_dir)
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .stderr(Stdio::null())
                .spawn()
                .ok()?;
            let answers = BufReader::new(child.stdout.take()?);
            *slot = Some(Blobs { child, answers });
        }
        let blobs = slot.as_mut()?;
        let input = blobs.child.stdin.as_mut()?;
        writeln!(input, "{id}").ok()?;
        input.flush().ok()?;
        let mut head = String::new();
        blobs.answers.read_line(&mut head).ok()?;
        let size: u64 = head.split_whitespace().nth(2)?.parse().ok()?;
        let mut bytes = Vec::new();
        blobs.answers.by_ref().take(size + 1).read_to_end(&mut bytes).ok()?;
        bytes.pop();
        Some(bytes)
    }
}

impl Tree for SnapshotTree<'_> {
    fn files(&self) -> &BTreeSet<Utf8PathBuf> {
        &self.paths
    }

    fn read(&self, path: &Utf8Path) -> Option<String> {
        let at = self.snapshot.files.binary_search_by(|file| file.path.as_path().cmp(path)).ok()?;
        let file = &self.snapshot.files[at];
        if file.size_bytes > MAX_TEXT_BYTES {
            return None;
        }
        let bytes = match &self.snapshot.origin {
            Origin::Directory { root, .. } => fs_err::read(root.join(path)).ok()?,
            Origin::Mirror { git_dir } => self.blob(git_dir, &file.content)?,
        };
        String::from_utf8(bytes).ok()
    }
}

/// Returns the facts of a charm root in a snapshot.
pub fn facts(tree: &dyn Tree, root: &Utf8Path) -> CharmFacts {
    CharmFacts::read(&Subtree::new(tree, root))
}

/// Returns a reader of trees that remembers digests in the cache.
pub fn tree_reader<'a>(git: &'a Git, cache: &'a Utf8Path) -> TreeReader<'a> {
    TreeReader::new(git, Some(cache))
}
