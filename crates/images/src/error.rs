//! What can go wrong, and what to do about it.

use camino::Utf8PathBuf;
use charmproof_sandbox::SandboxError;

use crate::unpack::UnpackError;

/// Why there is no root.
#[derive(Debug, thiserror::Error)]
pub enum ImageError {
    /// The base is not one whose Python is known.
    #[error(
        "`{base}` is no base that charmproof can stand in for, only {known}; give a root for it in roots.toml"
    )]
    UnknownBase {
        /// What was asked for.
        base: String,
        /// All that are known.
        known: String,
    },
    /// The base's Python is not on this host.
    #[error(
        "`{base}` has Python {wanted}, which this host does not have ({found}); install it with `uv python \
         install {wanted}` or `pyenv install {wanted}`, or give a root for the base in roots.toml"
    )]
    NoPython {
        /// The base.
        base: String,
        /// The version, such as `3.12`.
        wanted: String,
        /// What the host has.
        found: String,
    },
    /// The host's own userland cannot be used.
    #[error("this host's own userland cannot stand in for `{base}`: {why}; give a root for it in roots.toml")]
    HostUnusable {
        /// The base.
        base: String,
        /// Why not.
        why: String,
    },
    /// What names an image cannot be understood.
    #[error("`{reference}` names no image: {why}")]
    Reference {
        /// The text.
        reference: String,
        /// What is wrong with it.
        why: String,
    },
    /// A folder or file that was named is not there.
    #[error("`{path}`, which is to be the root of {wanted_for}, cannot be read")]
    NotThere {
        /// The path.
        path: Utf8PathBuf,
        /// The base or the reference.
        wanted_for: String,
        /// The operating system's reason.
        #[source]
        source: std::io::Error,
    },
    /// A layout or an archive does not hold what it should.
    #[error("the image in `{place}` is broken: {why}")]
    Broken {
        /// The folder, the file or the reference.
        place: String,
        /// What is wrong.
        why: String,
    },
    /// The image is for other machines.
    #[error("the image `{place}` has nothing for {wanted}, only for {offered}")]
    Platform {
        /// The folder, the file or the reference.
        place: String,
        /// This machine.
        wanted: String,
        /// What it has.
        offered: String,
    },
    /// A layer or an archive could not be unpacked.
    #[error("`{place}` could not be unpacked")]
    Unpack {
        /// Of which image or file.
        place: String,
        /// Why not.
        #[source]
        source: UnpackError,
    },
    /// The registry did not give the image, and nothing stands in for it.
    #[error(
        "the image `{reference}` could not be pulled, and no recipe stands in for it; name an archive instead \
         (`oci-archive:FILE`, `docker-archive:FILE`), or write a recipe for it in images.toml"
    )]
    Pull {
        /// The whole reference.
        reference: String,
        /// Why not.
        #[source]
        source: PullError,
    },
    /// A recipe is wrong, or could not be followed.
    #[error("the recipe `{recipe}` could not be followed")]
    Recipe {
        /// Its name.
        recipe: String,
        /// Why not.
        #[source]
        source: RecipeError,
    },
    /// A file with recipes or roots cannot be read.
    #[error("`{path}` cannot be used: {why}")]
    Configuration {
        /// The file.
        path: Utf8PathBuf,
        /// What is wrong, with the line.
        why: String,
    },
    /// The cache could not be written.
    #[error("the cache of root filesystems at `{folder}` cannot be used")]
    Cache {
        /// Where it is.
        folder: Utf8PathBuf,
        /// The operating system's reason.
        #[source]
        source: std::io::Error,
    },
}

/// Why a registry did not give an image.
#[derive(Debug, thiserror::Error)]
pub enum PullError {
    /// Nobody answered, or something that is no registry.
    #[error("the registry {registry} cannot be reached: {why}")]
    Unreachable {
        /// Its host.
        registry: String,
        /// What happened.
        why: String,
    },
    /// There is no such image.
    #[error("the registry {registry} has no `{what}`")]
    NotFound {
        /// Its host.
        registry: String,
        /// The repository with tag or digest.
        what: String,
    },
    /// The registry wants to know who asks.
    #[error("the registry {registry} refuses access to `{what}`{how}")]
    Denied {
        /// Its host.
        registry: String,
        /// The repository.
        what: String,
        /// Whether a name and a password were given.
        how: &'static str,
    },
    /// It answered something else than what was asked for.
    #[error("the registry {registry} answered with something else than `{what}`: {why}")]
    Wrong {
        /// Its host.
        registry: String,
        /// What was asked for.
        what: String,
        /// What is wrong.
        why: String,
    },
    /// What it sent could not be kept.
    #[error("what the registry sent cannot be kept")]
    Disk(#[from] std::io::Error),
}

impl PullError {
    /// Returns whether asking again, elsewhere or later, may well help.
    pub fn is_unreachable(&self) -> bool {
        match self {
            Self::Unreachable { .. } => true,
            Self::NotFound { .. } | Self::Denied { .. } | Self::Wrong { .. } | Self::Disk(_) => false,
        }
    }
}

/// Why a recipe could not be followed.
#[derive(Debug, thiserror::Error)]
pub enum RecipeError {
    /// It says something that makes no sense.
    #[error("`{key}` is wrong: {why}")]
    Value {
        /// The key.
        key: String,
        /// What is wrong.
        why: String,
    },
    /// It needs a Python that this host does not have.
    #[error("it needs {wanted}, and this host has {found}; install one, with `uv python install` or pyenv")]
    NoPython {
        /// What would do.
        wanted: String,
        /// What there is.
        found: String,
    },
    /// A program that builds is missing.
    #[error("it needs `{program}`, which is not there; {hint}")]
    NoProgram {
        /// The program.
        program: String,
        /// What to do.
        hint: &'static str,
    },
    /// A step was not done.
    #[error("{step} failed: {why}; the whole log is {log}\n{said}")]
    Step {
        /// What was to be done.
        step: &'static str,
        /// How it ended.
        why: String,
        /// The last lines of its output.
        said: String,
        /// All of its output.
        log: Utf8PathBuf,
    },
    /// A command could not be started.
    #[error("{step} could not be started")]
    Sandbox {
        /// What was to be done.
        step: &'static str,
        /// Why not.
        #[source]
        source: SandboxError,
    },
    /// A package could not be unpacked.
    #[error("the package `{package}` could not be unpacked")]
    Package {
        /// Its file.
        package: String,
        /// Why not.
        #[source]
        source: UnpackError,
    },
    /// A file could not be written or read.
    #[error("its files could not be written")]
    Disk(#[from] std::io::Error),
}
