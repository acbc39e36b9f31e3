//! Real environments for example charms, in a cache that all tests of this crate share.

use std::collections::BTreeMap;

use camino::{Utf8Path, Utf8PathBuf};
use charmproof_charm::metadata::{CharmMetadata, Substrate};
use charmproof_fleet::provision::pythons::{self, Python};
use charmproof_fleet::provision::tools::Tools;
use charmproof_lifecycle::vocabulary::Platform;
use charmproof_pack::environment::{CharmEnvironment, EnvironmentContext, MakingSettings, provide};
use charmproof_sandbox::{CancelToken, Launcher};

const LAUNCHER: &str = env!("CARGO_BIN_EXE_charmproof-fuzz-launch");

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

    /// Returns what starts commands in the sandbox.
    pub(crate) fn launcher(&self) -> Launcher {
        self.launcher.clone()
    }
}

/// Returns what a charm runs on.
pub(crate) fn platform(metadata: &CharmMetadata) -> Platform {
    match metadata.substrate() {
        Substrate::Kubernetes => Platform::Kubernetes,
        Substrate::Machine => Platform::Machine,
    }
}
