//! Makes an environment, or finds the one that was made before.

use std::collections::BTreeMap;

use camino::{Utf8Path, Utf8PathBuf};
use charmproof_charm::interpreter::{Choice, Floor, choose};
use charmproof_charm::metadata::Base;
use charmproof_charm::names::{PackageName, PythonVersion};
use charmproof_charm::{DiskTree, Tree as _};
use charmproof_fleet::provision::lock::FileLock;
use charmproof_fleet::provision::pythons::Python;
use charmproof_fleet::provision::tools::Tools;
use charmproof_fleet::swap::{PreparedSwap, record};
use charmproof_sandbox::{CancelToken, Launcher};
use serde::{Deserialize, Serialize};

use super::error::{EnvironmentError, Step};
use super::installer::{Asking, Installer, MakingSettings};
use super::wanted::{Main, Wanted};
use super::{key, swaps};

/// The name of the file that every process of the environment reads at its start.
const HOOK_FILE: &str = "charmproof_agent.pth";

/// Lets the agent be heard by a program that is started anew, and costs a look at the
/// environment where it has nothing to say. A `.pth` file runs lines that begin with `import`.
const HOOK: &str = "import os, sys; \"CHARMPROOF_DETERMINISM\" in os.environ and exec(\
\"import json\\nhere = json.loads(os.environ['CHARMPROOF_DETERMINISM'])['here']\\n\
sys.path.insert(0, here)\\nimport cold\\nsys.path.remove(here)\\ncold.begin()\")\n";

/// Written last: an environment without it was never finished.
const STAMP: &str = "environment.json";

/// An environment that a charm can be run in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CharmEnvironment {
    /// The interpreter of the environment.
    pub python: Utf8PathBuf,
    /// The environment's folder.
    pub prefix: Utf8PathBuf,
    /// Where its packages are.
    pub site_packages: Utf8PathBuf,
    /// The exact version of Python.
    pub python_version: String,
    /// The version of ops; empty if nothing brings it.
    pub ops_version: String,
    /// The digest of what it was made from.
    pub digest: String,
    /// What people should know about it.
    pub notes: Vec<String>,
}

/// All that making an environment needs of its surroundings.
#[derive(Debug)]
pub struct EnvironmentContext<'a> {
    /// The cache's root.
    pub cache: &'a Utf8Path,
    /// The tools.
    pub tools: &'a Tools,
    /// The interpreters of the host.
    pub pythons: &'a [Python],
    /// The sandbox.
    pub launcher: &'a Launcher,
    /// Ends what is running.
    pub cancel: &'a CancelToken,
    /// The user's variables; those that say where packages come from are handed on.
    pub variables: &'a BTreeMap<String, String>,
    /// The user's home.
    pub home: &'a Utf8Path,
    /// Where compilers and git are found.
    pub search_path: &'a str,
    /// What it may take.
    pub settings: MakingSettings,
}

impl EnvironmentContext<'_> {
    /// The part of the cache that is written to while something runs.
    pub(super) fn work(&self) -> Utf8PathBuf {
        self.cache.join("work")
    }

    /// What a private `/tmp` must not cover: the charm, the interpreter, and folders that the
    /// user's variables name as sources of packages.
    pub(super) fn visible(
        &self,
        named: &[&Utf8Path],
        variables: &BTreeMap<String, String>,
    ) -> Vec<Utf8PathBuf> {
        let words = variables.values().flat_map(|value| value.split([' ', ',']));
        let sources = words.map(|word| Utf8Path::new(word.strip_prefix("file://").unwrap_or(word)));
        let named = named.iter().copied().chain(sources).filter(|path| path.is_absolute() && path.exists());
        let mut visible = vec![self.cache.to_owned()];
        for path in named {
            // A tree that holds the cache would cover what has to stay writable in it.
            let is_new = !visible.iter().any(|known| path.starts_with(known));
            if is_new && !self.cache.starts_with(path) {
                visible.push(path.to_owned());
            }
        }
        visible
    }
}

/// Returns the environment of a charm with its swaps, made if it is not there. It has ops.
pub fn provide(
    context: &EnvironmentContext<'_>,
    charm_dir: &Utf8Path,
    swaps: &[PreparedSwap],
) -> Result<CharmEnvironment, EnvironmentError> {
    let wanted = Wanted::read(&DiskTree::open(charm_dir)?)?;
    let environment = make(context, charm_dir, &wanted, swaps)?;
    if environment.ops_version.is_empty() {
        return Err(EnvironmentError::NoOps { from: wanted.main.source() });
    }
    Ok(environment)
}

/// Returns the environment that a charm is packed with for a base, or nothing, if no file of the
/// charm asks for packages.
pub fn provide_for(
    context: &EnvironmentContext<'_>,
    charm_dir: &Utf8Path,
    base: &Base,
    swaps: &[PreparedSwap],
) -> Result<Option<CharmEnvironment>, EnvironmentError> {
    let mut wanted = Wanted::read(&DiskTree::open(charm_dir)?)?;
    if wanted.main == Main::Nothing && wanted.library_requirements.is_empty() {
        return Ok(None);
    }
    wanted.pythons.base = Some(base.clone());
    make(context, charm_dir, &wanted, swaps).map(Some)
}

fn make(
    context: &EnvironmentContext<'_>,
    charm_dir: &Utf8Path,
    wanted: &Wanted,
    swaps: &[PreparedSwap],
) -> Result<CharmEnvironment, EnvironmentError> {
    let charm_dir = fs_err::canonicalize(charm_dir)
        .ok()
        .and_then(|path| Utf8PathBuf::from_path_buf(path).ok())
        .unwrap_or_else(|| charm_dir.to_owned());
    let (python, choice) = choose_python(context, wanted, swaps)?;
    let digest = key::digest(wanted, &charm_dir, python, swaps, HOOK)?;
    let shelf = context.work().join("environments");
    let folder = shelf.join(&digest);
    let _lock = FileLock::acquire(&shelf.join(format!("{digest}.lock")))?;
    if let Some(kept) = kept(&folder, &digest) {
        return Ok(kept);
    }
    // Whatever is there was begun by somebody who was ended.
    if folder.exists() {
        fs_err::remove_dir_all(&folder)?;
    }
    for name in ["home", "tmp"] {
        fs_err::create_dir_all(folder.join(name))?;
    }
    let installer = Installer {
        context,
        uv: context.tools.uv()?,
        folder: &folder,
        working_directory: working_directory(wanted, &charm_dir, &folder)?,
        python: &python.program,
    };
    let mut environment = CharmEnvironment {
        python: installer.prefix().join("bin/python"),
        prefix: installer.prefix(),
        site_packages: Utf8PathBuf::new(),
        python_version: python.version.clone(),
        ops_version: String::new(),
        digest,
        notes: wanted.notes.clone(),
    };
    environment.notes.extend(note_on_python(wanted, &choice));
    fill(&installer, wanted, swaps, &mut environment)?;
    // What was needed for the making alone.
    for name in ["home", "tmp", "source"] {
        let place = folder.join(name);
        if place.exists() {
            fs_err::remove_dir_all(place)?;
        }
    }
    let text = serde_json::to_vec_pretty(&environment).map_err(std::io::Error::other)?;
    let temporary = folder.join("environment.json.new");
    fs_err::write(&temporary, text)?;
    fs_err::rename(&temporary, folder.join(STAMP))?;
    Ok(environment)
}

/// Returns the environment in a folder, if it was finished there and still runs.
fn kept(folder: &Utf8Path, digest: &str) -> Option<CharmEnvironment> {
    let bytes = fs_err::read(folder.join(STAMP)).ok()?;
    let kept: CharmEnvironment = serde_json::from_slice(&bytes).ok()?;
    // A cache that was moved, or an interpreter that is gone, makes it useless.
    let is_usable = kept.digest == digest
        && kept.prefix == folder.join("venv")
        && kept.python.exists()
        && kept.site_packages.is_dir();
    is_usable.then_some(kept)
}

fn choose_python<'a>(
    context: &EnvironmentContext<'a>,
    wanted: &Wanted,
    swaps: &[PreparedSwap],
) -> Result<(&'a Python, Choice), EnvironmentError> {
    let floors = swaps.iter().filter_map(PreparedSwap::package).filter_map(|package| {
        let requires_python = package.requires_python.as_deref()?.parse().ok()?;
        Some(Floor { package: PackageName::new(&package.name), requires_python })
    });
    let wishes = wanted.python_wishes(floors.collect());
    let available: Vec<(PythonVersion, &Python)> =
        context.pythons.iter().filter_map(|python| Some((python.version.parse().ok()?, python))).collect();
    let versions: Vec<PythonVersion> = available.iter().map(|(version, _)| *version).collect();
    let choice = choose(&wishes, &versions)?;
    let python = available.iter().find(|(version, _)| *version == choice.version).map(|(_, python)| *python);
    let python = python.expect("the choice is one of those that were offered");
    Ok((python, choice))
}

/// Says so when the charm runs on another Python than its users' machines have.
fn note_on_python(wanted: &Wanted, choice: &Choice) -> Option<String> {
    let version = choice.version;
    match &wanted.pythons.base {
        None => Some(format!("the charm names no base; it runs on Python {version}, as {}", choice.why)),
        Some(base) => match base.python() {
            Some(python) if version.meets(python) => None,
            Some(python) => {
                Some(format!("it runs on Python {version}, not on the {python} of {base}: {}", choice.why))
            }
            None => Some(format!("it runs on Python {version}; which one {base} brings is not known")),
        },
    }
}

fn fill(
    installer: &Installer<'_>,
    wanted: &Wanted,
    swaps: &[PreparedSwap],
    environment: &mut CharmEnvironment,
) -> Result<(), EnvironmentError> {
    let words = |words: &[&str]| words.iter().map(ToString::to_string).collect::<Vec<_>>();
    let mut create = words(&["venv", "--quiet", "--no-config", "--python", installer.python.as_str()]);
    create.push(environment.prefix.to_string());
    installer.uv(Step::Create, installer.python.as_str(), &create, Asking::OfflineFirst)?;
    environment.site_packages = record::site_packages(&environment.prefix)
        .into_iter()
        .next()
        .ok_or_else(|| std::io::Error::other("uv made an environment without site-packages"))?;

    let from = wanted.main.source();
    if let Some(install) = installation(installer, &wanted.main)? {
        let asking = if wanted.main.is_exact() { Asking::OfflineFirst } else { Asking::OnlineFirst };
        let is_second = installer.uv(Step::Install, &from, &install, asking)?;
        if is_second && asking == Asking::OnlineFirst {
            environment
                .notes
                .push("no package index answered; versions are those that were fetched before".into());
        }
    }
    if !wanted.library_requirements.is_empty() {
        let before = record::distributions(&environment.site_packages);
        let mut install = pip(environment);
        install.extend(wanted.library_requirements.iter().cloned());
        installer.uv(Step::Libraries, "PYDEPS in lib/charms", &install, Asking::OfflineFirst)?;
        let after = record::distributions(&environment.site_packages);
        let added: Vec<&str> = after
            .iter()
            .filter(|new| !before.iter().any(|old| old.name == new.name && old.version == new.version))
            .map(|new| new.name.as_str())
            .collect();
        if !added.is_empty() {
            environment
                .notes
                .push(format!("{} came because libraries in lib/charms ask for it", added.join(", ")));
        }
    }
    environment.notes.extend(swaps::swap(installer, &environment.site_packages, swaps)?);
    let ops = record::distributions(&environment.site_packages).into_iter().find(|found| found.name == "ops");
    environment.ops_version = ops.map(|ops| ops.version).unwrap_or_default();
    fs_err::write(environment.site_packages.join(HOOK_FILE), HOOK)?;
    Ok(())
}

fn pip(environment: &CharmEnvironment) -> Vec<String> {
    ["pip", "install", "--quiet", "--python", environment.python.as_str()]
        .iter()
        .map(ToString::to_string)
        .collect()
}

/// The arguments of uv that install what the charm is shipped with.
fn installation(installer: &Installer<'_>, main: &Main) -> Result<Option<Vec<String>>, EnvironmentError> {
    let mut words: Vec<String>;
    let pip = ["pip", "install", "--quiet", "--python"];
    let python = installer.prefix().join("bin/python").into_string();
    match main {
        Main::UvLock { extras, groups } => {
            words = [
                "sync",
                "--quiet",
                "--frozen",
                "--no-dev",
                "--no-default-groups",
                "--no-install-project",
                "--no-editable",
            ]
            .map(str::to_owned)
            .to_vec();
            words.extend(extras.iter().map(|extra| format!("--extra={extra}")));
            words.extend(groups.iter().map(|group| format!("--group={group}")));
        }
        Main::Poetry { requirements, constraints, .. } => {
            words = pip.map(str::to_owned).to_vec();
            words.push(python);
            for (option, name, lines) in
                [("-r", "requirements.txt", requirements), ("-c", "constraints.txt", constraints)]
            {
                let file = installer.folder.join(name);
                fs_err::write(&file, lines.join("\n") + "\n")?;
                words.extend([option.to_owned(), file.into_string()]);
            }
        }
        Main::Requirements { files, constraints, packages } => {
            words = pip.map(str::to_owned).to_vec();
            words.push(python);
            words.extend(files.iter().flat_map(|file| ["-r".to_owned(), file.to_string()]));
            words.extend(constraints.iter().flat_map(|file| ["-c".to_owned(), file.to_string()]));
            words.extend(packages.iter().cloned());
        }
        Main::Manifest => {
            words = pip.map(str::to_owned).to_vec();
            words.push(python);
            words.extend(["-r".to_owned(), "pyproject.toml".to_owned()]);
        }
        Main::Nothing => return Ok(None),
    }
    Ok(Some(words))
}

/// Where uv is started. A package beside the manifest is built, which writes beside its
/// sources, so it is built in a copy.
fn working_directory(
    wanted: &Wanted,
    charm_dir: &Utf8Path,
    folder: &Utf8Path,
) -> Result<Utf8PathBuf, EnvironmentError> {
    if wanted.local.is_empty() {
        return Ok(charm_dir.to_owned());
    }
    let places = wanted.local.iter().filter_map(|path| charm_dir.join(path).canonicalize_utf8().ok());
    let mut root = charm_dir.to_owned();
    for place in places {
        while !place.starts_with(&root) {
            root.pop();
        }
    }
    // A path that leads far away is another project, not a part of this one.
    if root.components().count() < 3 && root != charm_dir {
        return Ok(charm_dir.to_owned());
    }
    let copy = folder.join("source");
    let tree = DiskTree::open(&root)?;
    for file in tree.files() {
        let target = copy.join(file);
        if let Some(parent) = target.parent() {
            fs_err::create_dir_all(parent)?;
        }
        fs_err::copy(root.join(file), target)?;
    }
    let below = charm_dir.strip_prefix(&root).map_or_else(|_| Utf8PathBuf::new(), Utf8Path::to_owned);
    // Joining an empty path would leave a slash behind.
    Ok(if below.as_str().is_empty() { copy } else { copy.join(below) })
}
