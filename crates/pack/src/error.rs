//! Why a charm could not be packed.

use camino::Utf8PathBuf;
use charmproof_charm::{Broken, TreeError};
use charmproof_sandbox::SandboxError;

use crate::environment::EnvironmentError;
use crate::recipe::RecipeError;

/// Why a charm could not be packed.
#[derive(Debug, thiserror::Error)]
pub enum PackError {
    /// Its recipe is wrong, or asks for what is not done here.
    #[error(transparent)]
    Recipe(#[from] RecipeError),
    /// Its packages could not be installed.
    #[error(transparent)]
    Environment(#[from] EnvironmentError),
    /// Its folder cannot be read.
    #[error("the charm cannot be read")]
    Tree(#[from] TreeError),
    /// One of its files is no YAML.
    #[error("the charm cannot be read")]
    Broken(#[from] Broken),
    /// A part's source is not there.
    #[error("the source of the part `{part}` is `{source_folder}`, and there is no such folder")]
    NoSource {
        /// The part.
        part: String,
        /// The folder.
        source_folder: Utf8PathBuf,
    },
    /// There is nothing to start.
    #[error("there is no `{entrypoint}`, with which the charm is started")]
    NoProgram {
        /// The program.
        entrypoint: Utf8PathBuf,
    },
    /// Two parts want different files in one place.
    #[error("the parts `{}` and `{}` both have `{file}`, and not the same", .parts[0], .parts[1])]
    Collision {
        /// The place.
        file: Utf8PathBuf,
        /// The parts.
        parts: [String; 2],
    },
    /// A script of a part failed.
    #[error(
        "the script `override-build` of the part `{part}` (charmcraft.yaml:{line}) {why}; it may need what only \
         `charmcraft pack` has\n{said}"
    )]
    Script {
        /// The part.
        part: String,
        /// Where the script is.
        line: usize,
        /// How it ended: a lower-case fragment.
        why: String,
        /// The last lines that it said.
        said: String,
    },
    /// The sandbox could not run a script.
    #[error("the sandbox could not run a script of the charm")]
    Sandbox(#[from] SandboxError),
    /// There is too much of it.
    #[error(
        "`{folder}` has {what}; is something in it that belongs elsewhere? `.jujuignore` leaves files out"
    )]
    TooLarge {
        /// The folder.
        folder: Utf8PathBuf,
        /// Which limit it exceeds.
        what: &'static str,
    },
    /// A file could not be read or written.
    #[error("a file could not be read or written")]
    Io(#[from] std::io::Error),
    /// The archive could not be written.
    #[error("the archive could not be written")]
    Archive(#[from] zip::result::ZipError),
}
