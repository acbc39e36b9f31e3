//! The files of a packed charm, before they are in an archive or in a folder.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::PermissionsExt as _;

use camino::{Utf8Path, Utf8PathBuf};
use charmproof_charm::DiskTree;

use crate::declaration::declarations;
use crate::dispatch;
use crate::environment::CharmEnvironment;
use crate::error::PackError;
use crate::recipe::{Ignored, Part, Platform, Plugin, Recipe, Script};

/// The most that a charm's own files may take.
pub const BYTES_MAX: u64 = 1 << 30;
/// The most files that a charm may have.
pub const FILES_MAX: usize = 100_000;
/// How deep its folders may lie in each other.
const DEPTH_MAX: usize = 64;

/// What a file of a packed charm is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// A file on the disk, and whether it can be executed.
    File {
        /// Where it is.
        path: Utf8PathBuf,
        /// Whether its owner may execute it.
        is_executable: bool,
        /// How many bytes it has.
        bytes: u64,
    },
    /// A text that was made.
    Text {
        /// The text.
        text: String,
        /// Whether it is a program.
        is_executable: bool,
    },
}

impl Content {
    /// Whether it can be executed.
    pub fn is_executable(&self) -> bool {
        match self {
            Self::File { is_executable, .. } | Self::Text { is_executable, .. } => *is_executable,
        }
    }
}

/// All files of a packed charm.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Prime {
    /// The files by their places in the charm.
    pub files: Files,
    /// What people should know about it.
    pub notes: Vec<String>,
}

/// Puts together what a recipe asks for, from the charm in `folder`, for a platform; with the packages of an
/// environment, or none.
///
/// Scripts of parts are run by `scripts`.
pub fn prime(
    folder: &Utf8Path,
    recipe: &Recipe,
    platform: &Platform,
    environment: Option<&CharmEnvironment>,
    scripts: &dyn RunsScripts,
) -> Result<Prime, PackError> {
    let mut prime = Prime::default();
    let mut owners: BTreeMap<Utf8PathBuf, &str> = BTreeMap::new();
    for part in &recipe.parts {
        let mut walk = Walk::new(folder);
        let mut files = files_of(part, folder, &mut walk, environment)?;
        prime.notes.append(&mut walk.notes);
        if let Some(script) = &part.script {
            let place = scripts.run(part, script, &files)?;
            files = crate::prime::folder(&place, &|_, _| true)?;
        }
        for (file, content) in files {
            let place = part.organized.place(&file);
            if !part.selections.iter().all(|selection| selection.takes(&place)) {
                continue;
            }
            match prime.files.get(&place) {
                Some(other) if !is_same(other, &content)? => {
                    let parts = [owners[&place], part.name.as_str()].map(str::to_owned);
                    return Err(PackError::Collision { file: place, parts });
                }
                Some(_) => {}
                None => {
                    owners.insert(place.clone(), &part.name);
                    prime.files.insert(place, content);
                }
            }
        }
    }
    add_dispatch(recipe, &mut prime);
    let tree = DiskTree::open(folder)?;
    for (file, text) in declarations(&tree, Some(platform))? {
        prime.files.insert(file, Content::Text { text, is_executable: false });
    }
    let bytes: u64 = prime
        .files
        .values()
        .map(|content| match content {
            Content::File { bytes, .. } => *bytes,
            Content::Text { text, .. } => text.len() as u64,
        })
        .sum();
    if bytes > BYTES_MAX {
        return Err(PackError::TooLarge { folder: folder.to_owned(), what: "more than 1 GiB" });
    }
    Ok(prime)
}

/// Files by their places in a charm, or in a part of it.
pub type Files = BTreeMap<Utf8PathBuf, Content>;

/// Runs what charms bring along to be run while they are packed.
pub trait RunsScripts {
    /// Runs a script that may ask for what the part's plugin would make, and returns the folder with
    /// what the part then consists of.
    fn run(&self, part: &Part, script: &Script, usual: &Files) -> Result<Utf8PathBuf, PackError>;
}

fn files_of(
    part: &Part,
    folder: &Utf8Path,
    walk: &mut Walk<'_>,
    environment: Option<&CharmEnvironment>,
) -> Result<Files, PackError> {
    let source = folder.join(&part.source);
    // Joining an empty path leaves a slash behind.
    let source: Utf8PathBuf = source.components().collect();
    if !source.is_dir() {
        return Err(PackError::NoSource { part: part.name.clone(), source_folder: part.source.clone() });
    }
    let ignored = Ignored::read(&fs_err::read_to_string(source.join(".jujuignore")).unwrap_or_default());
    walk.folder(&source, "".into(), &|path, is_folder| part.takes(path, is_folder, &ignored))?;
    let mut files = std::mem::take(&mut walk.files);
    match &part.plugin {
        Plugin::Charm { entrypoint } => {
            if !files.contains_key(entrypoint) {
                return Err(PackError::NoProgram { entrypoint: entrypoint.clone() });
            }
            for (file, content) in environment.map(packages).transpose()?.unwrap_or_default() {
                files.insert(Utf8Path::new("venv").join(file), content);
            }
            dispatch::classic(&mut files, entrypoint);
        }
        Plugin::Python { keeps_programs, .. } => {
            if let Some(environment) = environment {
                files.extend(virtual_environment(environment, *keeps_programs)?);
            }
        }
        Plugin::Dump | Plugin::Nil => {}
    }
    Ok(files)
}

/// The files of a folder.
pub(crate) fn folder(from: &Utf8Path, takes: &dyn Fn(&Utf8Path, bool) -> bool) -> Result<Files, PackError> {
    let mut walk = Walk::new(from);
    walk.folder(from, "".into(), takes)?;
    Ok(walk.files)
}

/// The packages of an environment, by their places below site-packages.
fn packages(environment: &CharmEnvironment) -> Result<Files, PackError> {
    let mut walk = Walk::new(&environment.site_packages);
    walk.folder(&environment.site_packages, "".into(), &|path, _| {
        // Made for this machine, or by the tools that filled the environment.
        let name = path.file_name().unwrap_or_default();
        name != "__pycache__"
            && !matches!(path.as_str(), "_virtualenv.py" | "_virtualenv.pth" | "charmproof_agent.pth")
    })?;
    Ok(walk.files)
}

/// An environment without an interpreter, which `dispatch` puts in on the unit.
fn virtual_environment(environment: &CharmEnvironment, keeps_programs: bool) -> Result<Files, PackError> {
    let mut files = Files::new();
    let version: Vec<&str> = environment.python_version.split('.').take(2).collect();
    let home = Utf8Path::new("venv/lib").join(format!("python{}", version.join("."))).join("site-packages");
    for (file, content) in packages(environment)? {
        files.insert(home.join(file), content);
    }
    let text = format!(
        "home = /usr/bin\ninclude-system-site-packages = false\nversion = {}\n",
        environment.python_version
    );
    files.insert("venv/pyvenv.cfg".into(), Content::Text { text, is_executable: false });
    if keeps_programs {
        let mut walk = Walk::new(&environment.prefix);
        walk.folder(&environment.prefix.join("bin"), "venv/bin".into(), &|path, _| {
            !path.file_name().unwrap_or_default().starts_with("python")
        })?;
        files.extend(walk.files);
    }
    Ok(files)
}

/// Adds `dispatch` where neither the charm nor a part has said how it is started.
fn add_dispatch(recipe: &Recipe, prime: &mut Prime) {
    let program = Utf8Path::new("src/charm.py");
    let is_started = prime.files.keys().any(|file| file == "dispatch" || file.starts_with("hooks"));
    if !is_started && prime.files.contains_key(program) {
        let text = dispatch::with_virtual_environment(program);
        prime.files.insert("dispatch".into(), Content::Text { text, is_executable: true });
    } else if !is_started {
        prime.notes.push(format!(
            "`{}` has neither src/charm.py, nor dispatch, nor hooks: Juju will have nothing to run",
            recipe.name
        ));
    }
    let is_classic = recipe.parts.iter().any(|part| matches!(part.plugin, Plugin::Charm { .. }));
    if let Some(content) = prime.files.get(program)
        && is_classic
        && !content.is_executable()
    {
        prime.notes.push(
            "src/charm.py is not executable, so `dispatch` cannot start it: chmod +x src/charm.py".into(),
        );
    }
}

fn is_same(one: &Content, other: &Content) -> std::io::Result<bool> {
    let bytes = |content: &Content| match content {
        Content::File { path, .. } => fs_err::read(path),
        Content::Text { text, .. } => Ok(text.clone().into_bytes()),
    };
    Ok(one == other || (one.is_executable() == other.is_executable() && bytes(one)? == bytes(other)?))
}

/// Looks for files. What a link leads to is taken in its place, unless it leads out of the charm.
struct Walk<'a> {
    root: &'a Utf8Path,
    files: Files,
    notes: Vec<String>,
    above: BTreeSet<Utf8PathBuf>,
}

impl<'a> Walk<'a> {
    fn new(root: &'a Utf8Path) -> Self {
        Self { root, files: Files::new(), notes: Vec::new(), above: BTreeSet::new() }
    }

    fn folder(
        &mut self,
        from: &Utf8Path,
        to: &Utf8Path,
        takes: &dyn Fn(&Utf8Path, bool) -> bool,
    ) -> Result<(), PackError> {
        let real = from.canonicalize_utf8()?;
        // A link to a folder that it lies in has no end.
        if self.above.len() >= DEPTH_MAX || !self.above.insert(real.clone()) {
            return Ok(());
        }
        for entry in from.read_dir_utf8()? {
            let entry = entry?;
            let place: Utf8PathBuf = to.join(entry.file_name()).components().collect();
            let is_link = entry.file_type()?.is_symlink();
            if is_link && !self.stays(entry.path()) {
                self.notes.push(format!(
                    "{place} is a link that leads out of the charm, or nowhere; it was left out"
                ));
                continue;
            }
            let data = fs_err::metadata(entry.path())?;
            if !takes(&place, data.is_dir()) {
                continue;
            }
            if data.is_dir() {
                self.folder(entry.path(), &place, takes)?;
            } else if data.is_file() {
                if self.files.len() >= FILES_MAX {
                    return Err(PackError::TooLarge {
                        folder: self.root.to_owned(),
                        what: "more than 100,000 files",
                    });
                }
                let is_executable = data.permissions().mode() & 0o100 != 0;
                // A hook that is a link to the program has to be known for it.
                let path = if is_link { entry.path().canonicalize_utf8()? } else { entry.into_path() };
                let content = Content::File { path, is_executable, bytes: data.len() };
                self.files.insert(place, content);
            }
        }
        self.above.remove(&real);
        Ok(())
    }

    fn stays(&self, link: &Utf8Path) -> bool {
        let root = self.root.canonicalize_utf8();
        let target = link.canonicalize_utf8();
        matches!((root, target), (Ok(root), Ok(target)) if target.starts_with(&root))
    }
}
