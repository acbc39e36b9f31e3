//! What the charms with planted defects are run with.

use std::process::Command;
use std::sync::Arc;

use camino::{Utf8Path, Utf8PathBuf};
use charmproof_agent::standins::{self, Rules};
use charmproof_agent::state::Juju;
use charmproof_agent::tool_client::install_stand_ins;
use charmproof_charm::DiskTree;
use charmproof_charm::metadata::CharmMetadata;
use charmproof_fuzz::oracle::{Oracle, Questions};
use charmproof_fuzz::ready::{HookTools, Ingredients, make_ready};
use charmproof_fuzz::search::{Report, Settings, Subject, search};
use charmproof_lifecycle::generator::Plan;
use charmproof_lifecycle::life::{Deployment, Integration, Stage};
use charmproof_lifecycle::vocabulary::JujuVersion;
use charmproof_lifecycle::world::{Charm, Profile};

use super::workshop::{Workshop, platform};

/// How much memory the processes of one charm may use.
const MEMORY_BYTES: u64 = 2 << 30;
pub(crate) const EXAMPLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/defects");
/// What the tests of a charm need, and nothing of charmproof.
const TESTING_REQUIREMENTS: &str = include_str!("requirements.txt");
/// How many hooks a life may have. Lives that end have fewer.
const HOOKS_MAX: usize = 100;

/// Example charms for one test.
pub(crate) struct Bench {
    workshop: Workshop,
}

/// Which code of an example is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Code {
    /// The one with the defect.
    Defect,
    /// The same without it.
    Mended,
}

impl Bench {
    pub(crate) fn new() -> Self {
        Self { workshop: Workshop::new() }
    }

    pub(crate) fn root(&self) -> &Utf8Path {
        self.workshop.root()
    }

    /// Makes a folder with one example, as people would check it out.
    pub(crate) fn charm(&self, name: &str, code: Code) -> Utf8PathBuf {
        let source = Utf8Path::new(EXAMPLES).join(name);
        let target = self.root().join(format!("{name}-{code:?}").to_lowercase());
        if target.exists() {
            return target;
        }
        fs_err::create_dir_all(target.join("src")).unwrap();
        for file in ["charmcraft.yaml", "requirements.txt"] {
            fs_err::copy(source.join(file), target.join(file)).unwrap();
        }
        let program = match code {
            Code::Defect => "src/charm.py",
            Code::Mended => "mended/charm.py",
        };
        fs_err::copy(source.join(program), target.join("src/charm.py")).unwrap();
        target
    }

    /// Searches lives of some examples, the first of which is the one that it is about.
    pub(crate) fn search(&self, names: &[&str], code: Code, lives: u64, hook_budget_s: f64) -> Report {
        let work = self.root().join(if code == Code::Defect { "w" } else { "m" });
        let charms: Vec<(&str, Utf8PathBuf)> =
            names.iter().map(|name| (*name, self.charm(name, code))).collect();
        let (subjects, settings) = self.stage(&charms, &work, Rules::default());
        let questions = Questions { oracles: Oracle::ALL.to_vec(), hook_budget_s };
        let settings = Settings { lives: Some(lives), questions, hook_timeout_s: hook_budget_s, ..settings };
        search(&subjects, &settings, &|| false, &|_| {}).unwrap()
    }

    /// Prepares some charms to be run, the first of which is the one that it is about.
    pub(crate) fn stage(
        &self,
        charms: &[(&str, Utf8PathBuf)],
        work: &Utf8Path,
        rules: Rules,
    ) -> (Vec<Subject>, Settings) {
        let charms = charms.iter().map(|(name, folder)| {
            let metadata = Arc::new(CharmMetadata::read(&DiskTree::open(folder).unwrap()));
            (*name, folder.clone(), metadata)
        });
        let charms: Vec<(&str, Utf8PathBuf, Arc<CharmMetadata>)> = charms.collect();
        let platform = platform(&charms[0].2);
        let profile = Profile { version: JujuVersion::V3_6, platform };
        let mut stage = Stage::new(profile, charms[0].0, Charm::from(&*charms[0].2));
        let mut integrations = Vec::new();
        for (name, _, metadata) in &charms[1..] {
            let charm = Arc::new(Charm::from(&**metadata));
            let endpoint = charm.endpoints[0].name.clone();
            integrations.push(Integration {
                application: charms[0].0.into(),
                endpoint: endpoint.clone(),
                remote_app: (*name).into(),
                remote_endpoint: Some(endpoint),
            });
            stage.deployments.push(Deployment { application: (*name).into(), charm, units: 1 });
        }
        let tools = HookTools::lay_out(work, &Juju::of_line(profile.version, profile.platform)).unwrap();
        let stand_ins = work.join("s");
        let names_of_stand_ins = standins::names(&rules);
        install_stand_ins(&stand_ins, names_of_stand_ins.iter().map(String::as_str)).unwrap();
        let mut subjects = Vec::new();
        for (number, (name, folder, _)) in charms.iter().enumerate() {
            let mut subject = make_ready(&Ingredients {
                launcher: self.workshop.launcher(),
                folder,
                application: &(*name).into(),
                environment: &self.workshop.environment(folder),
                work,
                name: &format!("c{number}"),
                tools: &tools,
            })
            .unwrap();
            subject.interpreter.counts_lines = number == 0;
            subject.interpreter.memory_bytes = MEMORY_BYTES;
            subjects.push(subject);
        }
        let settings = Settings {
            plan: Plan {
                stage,
                integrations,
                // Lives of several charms are long by themselves.
                stimuli: if charms.len() > 1 { 3 } else { 12 },
                with_failures: false,
                only: Vec::new(),
                without: Vec::new(),
            },
            first_seed: 1,
            lives: Some(1),
            time: None,
            jobs: 1,
            questions: Questions { oracles: Oracle::ALL.to_vec(), hook_budget_s: 30.0 },
            hook_timeout_s: 30.0,
            hooks_max: HOOKS_MAX,
            findings_max: 25,
            rules: Arc::new(rules),
            stand_ins: Some(stand_ins),
            is_trusted: false,
            shell: None,
            corpus: Vec::new(),
            compares: false,
        };
        (subjects, settings)
    }

    /// Runs a test beside a charm, where nothing of charmproof is. Returns whether it passes,
    /// and what pytest says.
    pub(crate) fn pytest(&self, charm: &Utf8Path, test: &str) -> (bool, String) {
        let suite = self.root().join("suite");
        fs_err::create_dir_all(&suite).unwrap();
        fs_err::write(suite.join("requirements.txt"), TESTING_REQUIREMENTS).unwrap();
        fs_err::copy(charm.join("charmcraft.yaml"), suite.join("charmcraft.yaml")).unwrap();
        let environment = self.workshop.environment(&suite);
        let file = charm.join("tests/unit/test_found.py");
        fs_err::create_dir_all(charm.join("tests/unit")).unwrap();
        fs_err::write(&file, test).unwrap();
        let output = Command::new(&environment.python)
            .args(["-m", "pytest", "-q", "-p", "no:cacheprovider", file.as_str()])
            .current_dir(charm)
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        match output.status.code() {
            Some(0) => (true, text),
            Some(1) => (false, text),
            code => panic!("pytest ended with {code:?}:\n{text}{}", String::from_utf8_lossy(&output.stderr)),
        }
    }
}
