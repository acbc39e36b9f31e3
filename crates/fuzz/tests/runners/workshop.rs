//! What the runners are compared and measured with: example charms, with real environments.

use std::collections::BTreeMap;
use std::sync::Arc;

use camino::{Utf8Path, Utf8PathBuf};
use charmproof_agent::runner::InterpreterSpec;
use charmproof_agent::state::Juju;
use charmproof_agent::tool_client::install_tools;
use charmproof_agent::tools::Tool;
use charmproof_charm::DiskTree;
use charmproof_charm::metadata::{CharmMetadata, Substrate};
use charmproof_fleet::provision::pythons::{self, Python};
use charmproof_fleet::provision::tools::Tools;
use charmproof_fuzz::search::Subject;
use charmproof_lifecycle::generator::Plan;
use charmproof_lifecycle::life::{Integration, Stage};
use charmproof_lifecycle::vocabulary::{JujuVersion, Platform};
use charmproof_lifecycle::world::{Charm, Profile, Role};
use charmproof_pack::environment::{CharmEnvironment, EnvironmentContext, MakingSettings, provide};
use charmproof_pack::layout::lay_out;
use charmproof_sandbox::{CancelToken, Launcher};

const LAUNCHER: &str = env!("CARGO_BIN_EXE_charmproof-fuzz-launch");
const EXAMPLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples");
/// When every life begins: 1 January 2026, 00:00 UTC.
const CLOCK_S: u64 = 1_767_225_600;
const MEMORY_BYTES: u64 = 4 << 30;

/// Returns a path below the examples.
pub(crate) fn example(path: &str) -> Utf8PathBuf {
    Utf8Path::new(EXAMPLES).join(path).canonicalize_utf8().unwrap()
}

/// Folders for one program, and a cache of environments that all share.
pub(crate) struct Workshop {
    folder: tempfile::TempDir,
    cache: Utf8PathBuf,
    variables: BTreeMap<String, String>,
    tools: Tools,
    pythons: Vec<Python>,
    launcher: Launcher,
    cancel: CancelToken,
}

impl Workshop {
    pub(crate) fn new() -> Self {
        // Not below /tmp, which the sandbox replaces.
        let shared = Utf8Path::new(env!("CARGO_TARGET_TMPDIR"));
        let cache = shared.join("environments-cache");
        fs_err::create_dir_all(cache.join("work")).unwrap();
        // Sockets lie in it, and the kernel allows their paths 108 bytes.
        let folder = tempfile::Builder::new().prefix("r").tempdir_in(shared).unwrap();
        let variables: BTreeMap<String, String> = std::env::vars().collect();
        let places = pythons::Places {
            search_path: variables["PATH"].clone(),
            home: variables["HOME"].clone().into(),
            pyenv_root: variables.get("PYENV_ROOT").map(Utf8PathBuf::from),
        };
        Self {
            tools: Tools::new(&cache, &variables["PATH"]),
            pythons: pythons::find(&places, &cache.join("pythons.json")),
            launcher: Launcher::new(LAUNCHER.into(), Vec::new()),
            cancel: CancelToken::new().unwrap(),
            folder,
            cache,
            variables,
        }
    }

    pub(crate) fn root(&self) -> &Utf8Path {
        Utf8Path::from_path(self.folder.path()).unwrap()
    }

    /// Makes a folder, with a name of its own, and its files.
    pub(crate) fn folder_with(&self, name: &str, files: &[(&str, &str)]) -> Utf8PathBuf {
        let folder = self.root().join(name);
        for (path, text) in files {
            let path = folder.join(path);
            fs_err::create_dir_all(path.parent().unwrap()).unwrap();
            fs_err::write(path, text).unwrap();
        }
        folder
    }

    /// Returns the environment that a charm is run in.
    pub(crate) fn environment(&self, charm: &Utf8Path) -> CharmEnvironment {
        let context = EnvironmentContext {
            cache: &self.cache,
            tools: &self.tools,
            pythons: &self.pythons,
            launcher: &self.launcher,
            cancel: &self.cancel,
            variables: &self.variables,
            home: Utf8Path::new(&self.variables["HOME"]),
            search_path: &self.variables["PATH"],
            settings: MakingSettings::default(),
        };
        provide(&context, charm, &[]).unwrap()
    }

    /// Makes what a charm needs to be run, below a folder of its own called `name`.
    pub(crate) fn subject(&self, name: &str, charm: &Utf8Path, preload: Option<&Utf8Path>) -> Subject {
        let work = self.root().join(name);
        let metadata = Arc::new(CharmMetadata::read(&DiskTree::open(charm).unwrap()));
        let juju = Juju::of_line(JujuVersion::V3_6, platform(&metadata));
        let tools = work.join("t");
        fs_err::create_dir_all(&tools).unwrap();
        install_tools(&tools, &juju).unwrap();
        let tool_names =
            Tool::all().filter(|tool| tool.exists_in(&juju)).map(|tool| tool.name().to_owned()).collect();
        let environment = self.environment(charm);
        let layout = lay_out(charm, &work.join("c"), &environment.python).unwrap();
        let python = environment.python.canonicalize_utf8().unwrap();
        let home = python.parent().and_then(Utf8Path::parent).map(Utf8Path::to_owned);
        let application = metadata.name.as_ref().map_or_else(|| "app".to_owned(), ToString::to_string);
        Subject {
            application: application.as_str().into(),
            metadata,
            interpreter: InterpreterSpec {
                launcher: self.launcher.clone(),
                python: environment.python,
                charm: layout.folder,
                program: layout.program,
                application,
                work,
                tools,
                tool_names,
                visible: std::iter::once(environment.prefix).chain(home).collect(),
                preload: preload.map(Utf8Path::to_owned),
                counts_lines: true,
                memory_bytes: MEMORY_BYTES,
                clock_s: CLOCK_S,
                watched_modules: Vec::new(),
            },
        }
    }
}

fn platform(metadata: &CharmMetadata) -> Platform {
    match metadata.substrate() {
        Substrate::Kubernetes => Platform::Kubernetes,
        Substrate::Machine => Platform::Machine,
    }
}

/// Returns what lives of a charm are like: with each of its endpoints integrated once, and with
/// so many things that happen.
pub(crate) fn plan(subject: &Subject, stimuli: u32) -> Plan {
    let profile = Profile { version: JujuVersion::V3_6, platform: platform(&subject.metadata) };
    let charm = Charm::from(&*subject.metadata);
    let others = charm.endpoints.iter().filter(|endpoint| endpoint.role != Role::Peer);
    let integrations = others.map(|endpoint| Integration {
        application: subject.application.clone(),
        endpoint: endpoint.name.clone(),
        remote_app: format!("{}-app", endpoint.name).into(),
        remote_endpoint: None,
    });
    let integrations = integrations.collect();
    let mut plan = Plan::new(Stage::new(profile, subject.application.clone(), charm));
    plan.stimuli = stimuli;
    plan.with_failures = false;
    plan.integrations = integrations;
    plan
}
