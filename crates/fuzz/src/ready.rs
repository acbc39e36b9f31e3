//! Charms that are ready to be run: laid out, with an environment, and with hook tools.

use std::sync::Arc;

use camino::{Utf8Path, Utf8PathBuf};
use charmproof_agent::runner::InterpreterSpec;
use charmproof_agent::state::Juju;
use charmproof_agent::tool_client::install_tools;
use charmproof_agent::tools::Tool;
use charmproof_charm::metadata::CharmMetadata;
use charmproof_charm::{DiskTree, TreeError};
use charmproof_lifecycle::vocabulary::Name;
use charmproof_pack::environment::CharmEnvironment;
use charmproof_pack::layout::{LayoutError, lay_out};
use charmproof_sandbox::Launcher;
use thiserror::Error;

use crate::search::Subject;

/// How much memory the processes of one charm may use.
const MEMORY_BYTES: u64 = 4 << 30;
/// When every life begins: 1 January 2026, 00:00 UTC.
const CLOCK_S: u64 = 1_767_225_600;

/// Why a charm is not ready.
#[derive(Debug, Error)]
pub enum NotReady {
    /// It could not be laid out.
    #[error(transparent)]
    Layout(#[from] LayoutError),
    /// Its folder cannot be read.
    #[error(transparent)]
    Tree(#[from] TreeError),
}

/// The hook tools of a version of Juju, where charms find them.
#[derive(Clone, Debug)]
pub struct HookTools {
    folder: Utf8PathBuf,
    names: Vec<String>,
}

impl HookTools {
    /// Writes them below a folder, which is made if need be.
    pub fn lay_out(work: &Utf8Path, juju: &Juju) -> std::io::Result<Self> {
        fs_err::create_dir_all(work)?;
        let folder = work.join("tools");
        install_tools(&folder, juju)?;
        let tools = Tool::all().filter(|tool| tool.exists_in(juju));
        Ok(Self { folder, names: tools.map(|tool| tool.name().to_owned()).collect() })
    }
}

/// What a charm is made ready of.
#[derive(Debug)]
pub struct Ingredients<'a> {
    /// Starts commands in the sandbox.
    pub launcher: Launcher,
    /// The charm's folder.
    pub folder: &'a Utf8Path,
    /// The name of its application.
    pub application: &'a Name,
    /// The environment that it is shipped with.
    pub environment: &'a CharmEnvironment,
    /// A folder for all that is written.
    pub work: &'a Utf8Path,
    /// The folder in there that the charm is laid out in.
    pub name: &'a str,
    /// The hook tools.
    pub tools: &'a HookTools,
}

/// Lays a charm out, to be run in its environment.
pub fn make_ready(of: &Ingredients<'_>) -> Result<Subject, NotReady> {
    let layout = lay_out(of.folder, &of.work.join(of.name), &of.environment.python)?;
    let metadata = CharmMetadata::read(&DiskTree::open(of.folder)?);
    let python = &of.environment.python;
    let python = python.canonicalize_utf8().unwrap_or_else(|_| python.clone());
    // The folder of the interpreter is what its own files lie in: `<folder>/bin/python`.
    let home = python.parent().and_then(Utf8Path::parent).map(Utf8Path::to_owned);
    Ok(Subject {
        application: of.application.clone(),
        metadata: Arc::new(metadata),
        interpreter: InterpreterSpec {
            launcher: of.launcher.clone(),
            python: of.environment.python.clone(),
            charm: layout.folder,
            program: layout.program,
            application: of.application.to_string(),
            work: of.work.to_owned(),
            tools: of.tools.folder.clone(),
            tool_names: of.tools.names.clone(),
            visible: std::iter::once(of.environment.prefix.clone()).chain(home).collect(),
            preload: None,
            counts_lines: false,
            memory_bytes: MEMORY_BYTES,
            clock_s: CLOCK_S,
            watched_modules: Vec::new(),
        },
    })
}
