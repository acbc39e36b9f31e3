//! The tools that suites are run with: uv, tox with tox-uv, poetry, just.
//!
//! They are charmproof's own, pinned by hash in `tools/*.txt`, each in a virtual
//! environment of the cache, made when first needed. What the user has installed is
//! never touched; a uv on the search path is only used to install the pinned one.

use camino::{Utf8Path, Utf8PathBuf};
use sha2::{Digest, Sha256};

use super::lock::FileLock;
use crate::process::{ProcessError, Program, find_on_path};
use crate::swap::record::hex;

/// Why a tool is not there.
#[derive(Debug, thiserror::Error)]
pub enum ToolError {
    /// Neither uv nor a Python with venv is on the search path.
    #[error("neither `uv` nor `python3` is on the search path; install one of them")]
    NothingToStartWith,
    /// The cache could not be written.
    #[error("the tool cache could not be written")]
    Cache(#[from] std::io::Error),
    /// The installation failed.
    #[error("`{tool}` could not be installed")]
    Install {
        /// The tool.
        tool: &'static str,
        /// What the installer said.
        #[source]
        source: ProcessError,
    },
}

/// The tools that charmproof brings along.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tool {
    /// The installer and resolver.
    Uv,
    /// tox with tox-uv and coverage.
    Tox,
    /// poetry with its export plugin.
    Poetry,
    /// The command runner.
    Just,
}

impl Tool {
    const fn name(self) -> &'static str {
        match self {
            Self::Uv => "uv",
            Self::Tox => "tox",
            Self::Poetry => "poetry",
            Self::Just => "just",
        }
    }

    const fn lock(self) -> &'static str {
        match self {
            Self::Uv => include_str!("../../tools/uv.txt"),
            Self::Tox => include_str!("../../tools/tox.txt"),
            Self::Poetry => include_str!("../../tools/poetry.txt"),
            Self::Just => include_str!("../../tools/just.txt"),
        }
    }
}

/// The cache of tools.
#[derive(Clone, Debug)]
pub struct Tools {
    root: Utf8PathBuf,
    uv_cache: Utf8PathBuf,
    search_path: String,
}

impl Tools {
    /// Names the cache and the search path on which a first installer is looked for.
    pub fn new(cache: &Utf8Path, search_path: &str) -> Self {
        Self {
            root: cache.join("tools"),
            uv_cache: cache.join("work/uv"),
            search_path: search_path.to_string(),
        }
    }

    /// Returns the folder of uv's own cache, shared by everything that charmproof runs.
    pub fn uv_cache(&self) -> &Utf8Path {
        &self.uv_cache
    }

    /// Returns a digest of all pins, so that a result can be keyed by them.
    pub fn digest() -> String {
        let mut digest = Sha256::new();
        for tool in [Tool::Uv, Tool::Tox, Tool::Poetry, Tool::Just] {
            digest.update(tool.lock());
        }
        hex(&digest.finalize())[..16].to_string()
    }

    /// Returns the pinned uv.
    pub fn uv(&self) -> Result<Utf8PathBuf, ToolError> {
        let place = self.place(Tool::Uv, "any");
        let program = place.join("bin/uv");
        self.make(&place, || {
            let lock_file = place.with_extension("txt");
            fs_err::write(&lock_file, Tool::Uv.lock())?;
            let install = |source| ToolError::Install { tool: "uv", source };
            if let Some(uv) = find_on_path("uv", &self.search_path, &[]) {
                self.program(&uv).arguments(["venv", "--quiet", place.as_str()]).output().map_err(install)?;
                self.program(&uv)
                    .arguments(["pip", "install", "--quiet", "--require-hashes", "--python"])
                    .arguments([place.join("bin/python"), "-r".into(), lock_file])
                    .output()
                    .map_err(install)?;
            } else if let Some(python) = find_on_path("python3", &self.search_path, &[]) {
                self.program(&python).arguments(["-m", "venv", place.as_str()]).output().map_err(install)?;
                self.program(&place.join("bin/python"))
                    .arguments([
                        "-m",
                        "pip",
                        "install",
                        "--quiet",
                        "--require-hashes",
                        "-r",
                        lock_file.as_str(),
                    ])
                    .output()
                    .map_err(install)?;
            } else {
                return Err(ToolError::NothingToStartWith);
            }
            Ok(())
        })?;
        Ok(program)
    }

    /// Returns the `bin` folder of a tool that runs on the given interpreter.
    ///
    /// tox and poetry take the interpreter they run on as the default for the
    /// environments that they make, so each interpreter has its own.
    pub fn bin(&self, tool: Tool, python: &Utf8Path, version: &str) -> Result<Utf8PathBuf, ToolError> {
        let uv = self.uv()?;
        let place = self.place(tool, version);
        self.make(&place, || {
            let lock_file = place.with_extension("txt");
            fs_err::write(&lock_file, tool.lock())?;
            let install = |source| ToolError::Install { tool: tool.name(), source };
            self.program(&uv)
                .arguments(["venv", "--quiet", "--python", python.as_str(), place.as_str()])
                .output()
                .map_err(install)?;
            self.program(&uv)
                .arguments([
                    "pip",
                    "install",
                    "--quiet",
                    "--require-hashes",
                    "--compile-bytecode",
                    "--python",
                ])
                .arguments([place.join("bin/python"), "-r".into(), lock_file])
                .output()
                .map_err(install)?;
            Ok(())
        })?;
        Ok(place.join("bin"))
    }

    /// Returns a program that runs with charmproof's own cache and never fetches an
    /// interpreter.
    pub fn program(&self, program: &Utf8Path) -> Program {
        Program::new(program, &self.root)
            .variable("UV_CACHE_DIR", &self.uv_cache)
            .variable("UV_PYTHON_DOWNLOADS", "never")
            .variable("UV_NO_PROGRESS", "1")
            .without("VIRTUAL_ENV")
            .without("UV_PROJECT_ENVIRONMENT")
            .without("PYTHONPATH")
            .without("PYTHONHOME")
    }

    fn place(&self, tool: Tool, version: &str) -> Utf8PathBuf {
        let digest = hex(&Sha256::digest(tool.lock()));
        self.root.join(format!("{}-{}-{version}", tool.name(), &digest[..8]))
    }

    /// Makes a place once, whatever was left there by a run that was killed.
    fn make(&self, place: &Utf8Path, build: impl FnOnce() -> Result<(), ToolError>) -> Result<(), ToolError> {
        let marker = place.join(".charmproof-complete");
        if marker.exists() {
            return Ok(());
        }
        let _lock = FileLock::acquire(&Utf8PathBuf::from(format!("{place}.lock")))?;
        if marker.exists() {
            return Ok(());
        }
        if place.exists() {
            fs_err::remove_dir_all(place)?;
        }
        fs_err::create_dir_all(&self.root)?;
        build()?;
        fs_err::write(&marker, "")?;
        Ok(())
    }
}
