//! From what was asked to something exact that can be installed.
//!
//! A checkout or a repository is built once per content: the wheels are kept under
//! the digest of the source tree, and carry the digest of their own content in their
//! version. A published release is resolved once and unpacked once.

use std::collections::BTreeMap;

use camino::{Utf8Path, Utf8PathBuf};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::prepared::{PreparedLibrary, PreparedPackage, PreparedSwap};
use super::record::{self, hex, normalise};
use super::spec::{LibrarySpec, PackageSource, PackageSpec, Replacement, SwapSpec};
use super::wheel::{WheelError, with_content_version};
use crate::process::ProcessError;
use crate::provision::lock::FileLock;
use crate::provision::tools::{ToolError, Tools};

/// Why a swap could not be prepared.
#[derive(Debug, thiserror::Error)]
pub enum PrepareSwapError {
    /// The same thing was asked for twice.
    #[error("`{subject}` is swapped twice: by '{first}' and by '{second}'")]
    Twice {
        /// The distribution or library.
        subject: String,
        /// The first spec.
        first: String,
        /// The second spec.
        second: String,
    },
    /// The source of a swap is not there.
    #[error("'{spec}': {why}")]
    Source {
        /// The spec.
        spec: String,
        /// What is missing, a lower-case fragment.
        why: String,
    },
    /// The resolver found nothing.
    #[error("'{spec}' cannot be resolved")]
    Resolve {
        /// The spec.
        spec: String,
        /// What the resolver said.
        #[source]
        source: Said,
    },
    /// The package could not be built.
    #[error("'{spec}' cannot be built")]
    Build {
        /// The spec.
        spec: String,
        /// What the build said.
        #[source]
        source: Said,
    },
    /// A wheel is broken.
    #[error(transparent)]
    Wheel(#[from] WheelError),
    /// uv is missing.
    #[error(transparent)]
    Tool(#[from] ToolError),
    /// The cache could not be read or written.
    #[error("the cache of swaps could not be used")]
    Cache(#[from] std::io::Error),
}

/// The last words of a program. Its command line is ours and tells users nothing.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Said(String);

impl From<ProcessError> for Said {
    fn from(error: ProcessError) -> Self {
        Self(error.said().trim().to_owned())
    }
}

/// A source tree that can be copied to where it is built.
pub struct SourceTree<'a> {
    /// Digest of all its files, or its commit.
    pub digest: String,
    /// What people are shown, for example `../operator at 1a2b3c4 with changes`.
    pub label: String,
    /// Copies the tree into a new folder.
    pub copy: CopyTree<'a>,
}

/// Copies a tree into a new folder, or says why not.
pub type CopyTree<'a> = Box<dyn Fn(&Utf8Path) -> Result<(), String> + 'a>;

impl std::fmt::Debug for SourceTree<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SourceTree")
            .field("digest", &self.digest)
            .field("label", &self.label)
            .finish_non_exhaustive()
    }
}

/// Where source trees come from: checkouts and mirrors.
pub trait Sources {
    /// Opens a [`PackageSource::Path`] or [`PackageSource::Git`].
    fn open(&self, source: &PackageSource) -> Result<SourceTree<'_>, String>;

    /// Returns where a file that the user named lies.
    fn file(&self, path: &Utf8Path) -> Utf8PathBuf;
}

/// All that preparing needs.
pub struct SwapContext<'a> {
    /// The cache's folder for swaps.
    pub folder: Utf8PathBuf,
    /// The tools.
    pub tools: &'a Tools,
    /// An interpreter to resolve and build with.
    pub python: &'a Utf8Path,
    /// Where source trees come from.
    pub sources: &'a dyn Sources,
}

impl std::fmt::Debug for SwapContext<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SwapContext").field("folder", &self.folder).finish_non_exhaustive()
    }
}

/// Packages that are built from one repository and pin each other: they are swapped
/// together wherever a charm has them. The folder is the package's in the repository.
const OPS_FAMILY: [(&str, &str); 3] = [("ops", ""), ("ops-scenario", "testing"), ("ops-tracing", "tracing")];

/// Prepares all swaps of one variant.
pub fn prepare(specs: &[SwapSpec], context: &SwapContext<'_>) -> Result<Vec<PreparedSwap>, PrepareSwapError> {
    let mut seen: BTreeMap<String, String> = BTreeMap::new();
    for spec in specs {
        if let Some(first) = seen.insert(spec.subject(), spec.text().to_string()) {
            return Err(PrepareSwapError::Twice {
                subject: spec.subject(),
                first,
                second: spec.text().into(),
            });
        }
    }
    fs_err::create_dir_all(&context.folder)?;
    let mut prepared = Vec::new();
    for spec in specs {
        match spec {
            SwapSpec::Package(package) => {
                for package in prepare_package(package, context, &seen)? {
                    prepared.push(PreparedSwap::Package(package));
                }
            }
            SwapSpec::Library(library) => {
                prepared.push(PreparedSwap::Library(prepare_library(library, context)?));
            }
        }
    }
    Ok(prepared)
}

fn prepare_library(
    spec: &LibrarySpec,
    context: &SwapContext<'_>,
) -> Result<PreparedLibrary, PrepareSwapError> {
    let (content, package) = match &spec.replacement {
        Replacement::File(path) => {
            let content = fs_err::read_to_string(context.sources.file(path)).map_err(|error| {
                PrepareSwapError::Source { spec: spec.text.clone(), why: error.to_string() }
            })?;
            (content, None)
        }
        Replacement::Package(package) => {
            let package =
                prepare_package(package, context, &BTreeMap::new())?.into_iter().next().ok_or_else(|| {
                    PrepareSwapError::Source { spec: spec.text.clone(), why: "nothing was built".into() }
                })?;
            let module = package.modules.first().cloned().unwrap_or_default();
            // The library's import name becomes another name of the module itself, so
            // that patches and isinstance checks see one and the same object.
            let content = format!(
                "\"\"\"Stands in for the vendored library: `{module}` under its old name.\"\"\"\n\
                 import importlib as _importlib\nimport sys as _sys\n\n\
                 _sys.modules[__name__] = _importlib.import_module(\"{module}\")\n"
            );
            (content, Some(package))
        }
    };
    let digest = hex(&Sha256::digest(content.as_bytes()));
    Ok(PreparedLibrary { spec: spec.clone(), content, package, digest })
}

fn prepare_package(
    spec: &PackageSpec,
    context: &SwapContext<'_>,
    asked_for: &BTreeMap<String, String>,
) -> Result<Vec<PreparedPackage>, PrepareSwapError> {
    let family: Vec<(String, Option<String>)> = if spec.name == "ops" {
        OPS_FAMILY
            .iter()
            .filter(|(name, _)| *name == "ops" || !asked_for.contains_key(*name))
            .map(|(name, folder)| ((*name).to_string(), Some((*folder).to_string())))
            .collect()
    } else {
        vec![(spec.name.clone(), None)]
    };
    match &spec.source {
        PackageSource::Index(specifiers) => from_index(spec, specifiers, &family, context),
        PackageSource::Wheel(path) => {
            let wheel = context.sources.file(path).canonicalize_utf8().map_err(|error| {
                PrepareSwapError::Source { spec: spec.text.clone(), why: format!("{path}: {error}") }
            })?;
            let bytes = fs_err::read(&wheel)?;
            let key = format!("wheel-{}", &hex(&Sha256::digest(&bytes))[..24]);
            let label = format!("wheel {path}");
            kept(context, &key, spec, &label, |folder| Ok(vec![with_content_version(&wheel, folder)?]))
        }
        PackageSource::Path(_) | PackageSource::Git { .. } => from_source(spec, &family, context),
    }
}

/// Builds the packages of a source tree, once per content.
fn from_source(
    spec: &PackageSpec,
    family: &[(String, Option<String>)],
    context: &SwapContext<'_>,
) -> Result<Vec<PreparedPackage>, PrepareSwapError> {
    let source_error = |why: String| PrepareSwapError::Source { spec: spec.text.clone(), why };
    let tree = context.sources.open(&spec.source).map_err(source_error)?;
    let names = family.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(",");
    let subdirectory = match &spec.source {
        PackageSource::Git { subdirectory, .. } => subdirectory.clone().unwrap_or_default(),
        _ => String::new(),
    };
    let key = format!(
        "built-{}",
        &hex(&Sha256::digest(format!("{}\0{names}\0{subdirectory}\0{}", tree.digest, Tools::digest())))[..24]
    );
    kept(context, &key, spec, &tree.label, |folder| {
        let source = folder.join("source");
        (tree.copy)(&source).map_err(source_error)?;
        let uv = context.tools.uv()?;
        let built = folder.join("built");
        let mut builds = Vec::new();
        for (_, subfolder) in family {
            let place = source.join(subfolder.clone().unwrap_or_else(|| subdirectory.clone()));
            let has_project =
                ["pyproject.toml", "setup.py", "setup.cfg"].iter().any(|f| place.join(f).exists());
            if has_project {
                builds.push(place);
            } else if subfolder.as_deref().unwrap_or("").is_empty() {
                return Err(source_error(
                    "there is no pyproject.toml, setup.py or setup.cfg to build from".into(),
                ));
            }
        }
        // The builds are independent processes that mostly wait for their own start.
        let results: Vec<Result<String, ProcessError>> = std::thread::scope(|scope| {
            let handles: Vec<_> = builds
                .iter()
                .map(|place| {
                    let program = context
                        .tools
                        .program(&uv)
                        .arguments([
                            "build",
                            "--wheel",
                            "--quiet",
                            "--python",
                            context.python.as_str(),
                            "--out-dir",
                        ])
                        .arguments([&built, place]);
                    scope.spawn(move || program.output())
                })
                .collect();
            handles.into_iter().map(|handle| handle.join().expect("a build thread does not panic")).collect()
        });
        for result in results {
            result
                .map_err(|error| PrepareSwapError::Build { spec: spec.text.clone(), source: error.into() })?;
        }
        let mut wheels = Vec::new();
        for entry in built.read_dir_utf8()?.flatten() {
            if entry.file_name().ends_with(".whl") {
                wheels.push(with_content_version(entry.path(), folder)?);
            }
        }
        fs_err::remove_dir_all(&source)?;
        fs_err::remove_dir_all(&built)?;
        Ok(wheels)
    })
}

/// Resolves and unpacks published releases.
fn from_index(
    spec: &PackageSpec,
    specifiers: &str,
    family: &[(String, Option<String>)],
    context: &SwapContext<'_>,
) -> Result<Vec<PreparedPackage>, PrepareSwapError> {
    let is_exact = specifiers.trim().starts_with("==") && !specifiers.contains(['*', ',']);
    let names = family.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(",");
    let key =
        format!("index-{}", &hex(&Sha256::digest(format!("{}\0{specifiers}\0{names}", spec.name)))[..24]);
    let folder = context.folder.join(&key);
    // Only an exact release is the same tomorrow.
    if !is_exact {
        let _lock = FileLock::acquire(&context.folder.join(format!("{key}.lock")))?;
        let _ = fs_err::remove_file(folder.join("prepared.json"));
    }
    let resolve_error =
        |error: ProcessError| PrepareSwapError::Resolve { spec: spec.text.clone(), source: error.into() };
    kept(context, &key, spec, "the package index", |folder| {
        let uv = context.tools.uv()?;
        let input = folder.join("requirement.in");
        let extras = if spec.name == "ops" { "[testing,tracing]" } else { "" };
        fs_err::write(&input, format!("{}{extras}{specifiers}\n", spec.name))?;
        let pins = context
            .tools
            .program(&uv)
            .arguments([
                "pip",
                "compile",
                "--quiet",
                "--no-header",
                "--no-annotate",
                "--python",
                context.python.as_str(),
            ])
            .arguments([&input])
            .output()
            .map_err(resolve_error)?;
        let mut requirements = Vec::new();
        for (name, _) in family {
            // An older release has no such companion; then there is none to swap.
            if let Some(pin) = pins.lines().find_map(|line| {
                let line = line.split(';').next().unwrap_or(line).trim();
                let (found, version) = line.split_once("==")?;
                (normalise(found) == *name).then(|| format!("{name}=={version}"))
            }) {
                requirements.push(Utf8PathBuf::from(pin));
            }
        }
        Ok(requirements)
    })
}

/// What is kept of a prepared swap.
#[derive(Serialize, Deserialize)]
struct Kept {
    requirements: Vec<Utf8PathBuf>,
    packages: Vec<PreparedPackage>,
}

/// Returns the packages under `key`, made by `make` if they are not there.
///
/// `make` returns what an installer is to be given for each package. An entry whose
/// files do not have the digest that was noted is made again.
fn kept(
    context: &SwapContext<'_>,
    key: &str,
    spec: &PackageSpec,
    label: &str,
    make: impl FnOnce(&Utf8Path) -> Result<Vec<Utf8PathBuf>, PrepareSwapError>,
) -> Result<Vec<PreparedPackage>, PrepareSwapError> {
    let folder = context.folder.join(key);
    let index = folder.join("prepared.json");
    let _lock = FileLock::acquire(&context.folder.join(format!("{key}.lock")))?;
    let relabel = |mut packages: Vec<PreparedPackage>| {
        for package in &mut packages {
            package.spec.clone_from(&spec.text);
            package.source = label.to_string();
        }
        packages
    };
    if let Ok(bytes) = fs_err::read(&index)
        && let Ok(kept) = serde_json::from_slice::<Kept>(&bytes)
        && kept.packages.iter().all(is_intact)
    {
        return Ok(relabel(kept.packages));
    }
    if folder.exists() {
        fs_err::remove_dir_all(&folder)?;
    }
    fs_err::create_dir_all(&folder)?;
    let requirements = make(&folder)?;
    let uv = context.tools.uv()?;
    let mut packages = Vec::new();
    for (number, requirement) in requirements.iter().enumerate() {
        let tree = folder.join(format!("tree-{number}"));
        context
            .tools
            .program(&uv)
            .arguments(["pip", "install", "--quiet", "--no-deps", "--link-mode", "copy", "--python"])
            .arguments([context.python.as_str(), "--target", tree.as_str(), requirement.as_str()])
            .output()
            .map_err(|error| PrepareSwapError::Resolve { spec: spec.text.clone(), source: error.into() })?;
        packages.push(describe(spec, requirement, &tree)?);
    }
    let kept = Kept { requirements, packages };
    let text = serde_json::to_vec_pretty(&kept).map_err(std::io::Error::other)?;
    let temporary = folder.join("prepared.json.new");
    fs_err::write(&temporary, text)?;
    fs_err::rename(&temporary, &index)?;
    Ok(relabel(kept.packages))
}

fn is_intact(package: &PreparedPackage) -> bool {
    record::distributions(&package.tree).iter().any(|d| {
        d.name == package.name && d.version == package.version && record::digest(d) == package.digest
    }) && (!package.requirement.ends_with(".whl") || Utf8Path::new(&package.requirement).exists())
}

fn describe(
    spec: &PackageSpec,
    requirement: &Utf8Path,
    tree: &Utf8Path,
) -> Result<PreparedPackage, PrepareSwapError> {
    let found = record::distributions(tree);
    let distribution = found.first().ok_or_else(|| PrepareSwapError::Source {
        spec: spec.text.clone(),
        why: format!("`{requirement}` installed nothing"),
    })?;
    let metadata = fs_err::read_to_string(distribution.info.join("METADATA"))?;
    let record_text = fs_err::read_to_string(distribution.info.join("RECORD"))?;
    let head = metadata.split("\n\n").next().unwrap_or("");
    let field = |name: &str| -> Vec<String> {
        head.lines()
            .filter_map(|line| {
                line.strip_prefix(name)?.strip_prefix(':').map(|value| value.trim().to_string())
            })
            .collect()
    };
    Ok(PreparedPackage {
        spec: spec.text.clone(),
        name: distribution.name.clone(),
        version: distribution.version.clone(),
        digest: record::digest(distribution),
        modules: record::modules(&record_text),
        tree: tree.to_path_buf(),
        requirement: requirement.to_string(),
        requires: field("Requires-Dist").into_iter().filter(|line| !line.contains("extra ==")).collect(),
        requires_python: field("Requires-Python").into_iter().next(),
        source: String::new(),
    })
}
