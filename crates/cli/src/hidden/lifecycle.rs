//! `__lifecycle`: the lives of one charm, as the suite of a unit of a check.
//!
//! `--lives N --unit FILE`. The environment of the unit's side is made, lives are played in it,
//! and each is a case in the evidence, as the plugin of pytest writes them. What is printed is the
//! unit's log. It ends with 0 if the charm got through all lives, with 1 if not, or if the charm
//! has no environment, and with 70 if something of ours went wrong.

use std::sync::Arc;

use camino::{Utf8Path, Utf8PathBuf};
use charmproof_agent::standins::Rules;
use charmproof_fleet::inject::environment::{look, look_at_process};
use charmproof_fleet::inject::unit_file::{EXIT_OURS, LivesOrder, UnitFile};
use charmproof_fleet::provision::tools::Tools;
use charmproof_fleet::run::slot::remove_tree;
use charmproof_fuzz::oracle::Questions;
use charmproof_fuzz::ready::Ingredients;
use charmproof_fuzz::search::Settings;
use charmproof_fuzz::suite::{Defect, Ending, LifeResult, Suite};
use charmproof_lifecycle::generator::Plan;
use charmproof_lifecycle::life::{Integration, Stage};
use charmproof_pack::environment::{
    CharmEnvironment, EnvironmentContext, EnvironmentError, MakingSettings, provide,
};
use charmproof_sandbox::{CancelToken, Launcher};
use serde_json::json;

use super::{chain, complain, variables};
use crate::args::DescribedCharm;
use crate::commands::fuzz::{HOOKS_MAX, hook_tools, lay_stand_ins, subject};
use crate::commands::stage::{self, AskedStage};
use crate::error::{Exit, Failure};

/// The charm is not through all lives, or cannot be run at all.
const EXIT_CHARM: i32 = 1;
/// The version of Juju whose lives are played.
const JUJU: &str = "3.6";
/// How many things happen between setup and teardown.
const LENGTH: u32 = 12;
/// How long a hook may take, in seconds.
const HOOK_TIMEOUT_S: f64 = 30.0;
const MIB: u64 = 1024 * 1024;

/// Why no life was played.
struct Trouble {
    text: String,
    exit: i32,
}

impl Trouble {
    /// Something of ours.
    fn ours(error: &dyn std::error::Error) -> Self {
        Self { text: chain(error), exit: EXIT_OURS }
    }
}

impl From<Failure> for Trouble {
    fn from(failure: Failure) -> Self {
        // What a charm declares is as wrong in its eyes as a command line.
        let exit = if failure.exit == Exit::Usage { EXIT_CHARM } else { EXIT_OURS };
        Self { text: failure.to_string(), exit }
    }
}

impl From<EnvironmentError> for Trouble {
    fn from(error: EnvironmentError) -> Self {
        let exit = match error {
            EnvironmentError::Tree(_)
            | EnvironmentError::Manifest(_)
            | EnvironmentError::Lock { .. }
            | EnvironmentError::Layers
            | EnvironmentError::Python(_)
            | EnvironmentError::Refused { .. }
            | EnvironmentError::Ended { .. }
            | EnvironmentError::NoOps { .. } => EXIT_CHARM,
            EnvironmentError::Tool(_)
            | EnvironmentError::Sandbox { .. }
            | EnvironmentError::Cancelled
            | EnvironmentError::NotSwapped { .. }
            | EnvironmentError::Cache(_) => EXIT_OURS,
        };
        Self { text: chain(&error), exit }
    }
}

/// Plays the lives.
pub(super) fn serve(words: &[String]) -> i32 {
    let Some((lives, unit)) = read(words) else {
        complain("`__lifecycle` was called without its lives or its unit");
        return EXIT_OURS;
    };
    let Some(order) = unit.lives.clone() else {
        complain("the unit's description says nothing of lives");
        return EXIT_OURS;
    };
    let Some(work) = unit.evidence.parent().map(|slot| slot.join("l")) else {
        complain("the unit has no folder");
        return EXIT_OURS;
    };
    // What a run that was killed has left there.
    let _ = remove_tree(&work);
    let result = play(&unit, &order, lives, &work);
    let _ = remove_tree(&work);
    match result {
        Ok(true) => 0,
        Ok(false) => EXIT_CHARM,
        Err(trouble) => {
            complain(&trouble.text);
            trouble.exit
        }
    }
}

fn read(words: &[String]) -> Option<(u64, UnitFile)> {
    let after = |option: &str| {
        let place = words.iter().position(|word| word == option)?;
        words.get(place + 1)
    };
    let unit = UnitFile::read(Utf8Path::new(after("--unit")?)).ok()?;
    Some((after("--lives")?.parse().ok()?, unit))
}

/// Plays the lives with the seeds from 1 on. Returns whether the charm got through all of them.
fn play(unit: &UnitFile, order: &LivesOrder, lives: u64, work: &Utf8Path) -> Result<bool, Trouble> {
    let (stage, integrations) = stage::read(&AskedStage {
        folder: Some(&unit.charm_dir),
        file: None,
        described: &DescribedCharm::default(),
        juju: JUJU,
        platform: None,
        units: 1,
        quirks: false,
        with: &[],
        integrate: &[],
    })?;
    let launcher = Launcher::new(unit.charmproof.clone(), vec!["__launch".into()]);
    let environment = environment(unit, order, &launcher)?;
    say(&format!("Python {}, ops {}", environment.python_version, environment.ops_version));
    for note in &environment.notes {
        say(&format!("  {note}"));
    }
    let tools = hook_tools(work, &stage)?;
    let mut subject = subject(&Ingredients {
        launcher,
        folder: &unit.charm_dir,
        application: &stage.deployments[0].application,
        environment: &environment,
        work,
        name: "charm",
        tools: &tools,
    })?;
    subject.interpreter.memory_bytes = order.memory_bytes;
    subject.interpreter.watched_modules =
        unit.packages.iter().flat_map(|package| package.modules.clone()).collect();
    let program = subject.interpreter.program.clone();
    let settings = settings(stage, integrations, work)?;
    let mut suite = Suite::start(&[subject], settings).map_err(|error| Trouble::ours(&error))?;
    tell_what_runs(unit, &environment, &suite, &program).map_err(|error| Trouble::ours(&error))?;
    let welcome = suite.welcome();
    if let Some(why) = &welcome.bare {
        say(&format!("  units have no root filesystem of their own here: {why}"));
    }
    if let Some(why) = welcome.cold.as_deref().and_then(|why| why.trim_end().lines().last()) {
        say(&format!("  the charm cannot be imported once for all hooks, so each starts anew: {why}"));
    }
    let mut survives = true;
    for seed in 1..=lives {
        let life = suite.play(seed).map_err(|error| Trouble::ours(&error))?;
        survives &= !matches!(life.ending, Ending::Failed(_));
        tell(unit, &environment, &life).map_err(|error| Trouble::ours(&error))?;
    }
    // The interpreter reads files as they are imported, so that they are still the same counts.
    tell_what_runs(unit, &environment, &suite, &program).map_err(|error| Trouble::ours(&error))?;
    Ok(survives)
}

fn environment(
    unit: &UnitFile,
    order: &LivesOrder,
    launcher: &Launcher,
) -> Result<CharmEnvironment, Trouble> {
    let variables = variables();
    let home = Utf8PathBuf::from(variables.get("HOME").map_or("/nonexistent", String::as_str));
    let cancel = CancelToken::new().map_err(|error| Trouble::ours(&error))?;
    let context = EnvironmentContext {
        cache: &order.cache,
        tools: &Tools::new(&order.cache, &order.search_path),
        pythons: std::slice::from_ref(&order.python),
        launcher,
        cancel: &cancel,
        variables: &variables,
        home: &home,
        search_path: &order.search_path,
        settings: MakingSettings {
            uses_namespaces: order.uses_namespaces,
            memory_mib: order.memory_bytes / MIB,
            ..MakingSettings::default()
        },
    };
    Ok(provide(&context, &unit.charm_dir, &order.swaps)?)
}

fn settings(stage: Stage, integrations: Vec<Integration>, work: &Utf8Path) -> Result<Settings, Failure> {
    let rules = Rules::default();
    Ok(Settings {
        plan: Plan {
            stage,
            integrations,
            stimuli: LENGTH,
            with_failures: false,
            only: Vec::new(),
            without: Vec::new(),
        },
        first_seed: 1,
        lives: None,
        time: None,
        jobs: 1,
        questions: Questions { oracles: Vec::new(), hook_budget_s: HOOK_TIMEOUT_S },
        hook_timeout_s: HOOK_TIMEOUT_S,
        hooks_max: HOOKS_MAX,
        findings_max: 0,
        corpus: Vec::new(),
        stand_ins: Some(lay_stand_ins(work, &rules)?),
        rules: Arc::new(rules),
        is_trusted: false,
        shell: None,
        compares: false,
    })
}

/// Notes what the environment holds, and what the interpreter has imported from it.
fn tell_what_runs(
    unit: &UnitFile,
    environment: &CharmEnvironment,
    suite: &Suite,
    program: &Utf8Path,
) -> std::io::Result<()> {
    let welcome = suite.welcome();
    let python: Vec<String> = welcome.python.iter().map(ToString::to_string).collect();
    look(unit, &environment.prefix, &environment.site_packages)?;
    look_at_process(unit, program.as_str(), &python.join("."), &environment.site_packages, &welcome.modules)
}

/// Writes a life down as a case, and says how it ended.
fn tell(unit: &UnitFile, environment: &CharmEnvironment, life: &LifeResult) -> std::io::Result<()> {
    let case = format!("life[seed={}]", life.seed);
    let mut record = json!({
        "event": "case",
        "case": case,
        "when": "call",
        "duration": life.took.as_secs_f64(),
    });
    let told = match &life.ending {
        Ending::Lived => {
            record["outcome"] = json!("passed");
            "passed".to_owned()
        }
        Ending::Untold(why) => {
            record["outcome"] = json!("skipped");
            record["text"] = json!(why);
            format!("skipped: {why}")
        }
        Ending::Failed(defect) => {
            // Its folder has another name on the other side, which would make two causes of one.
            let text = without_place(&text(defect), environment);
            record["outcome"] = json!("failed");
            record["failure"] = json!({
                "exception": defect.exception(),
                "message": without_place(defect.message(), environment),
                "frames": frames(defect),
            });
            record["text"] = json!(text);
            format!("failed: {}\n{text}", defect.suspicion.summary)
        }
    };
    say(&format!("{case}, {} hooks: {told}", life.hooks));
    unit.emit(&record)
}

/// What people read of a defect: what went before, and the traceback.
fn text(defect: &Defect) -> String {
    format!("{}\n\n{}", defect.story.join("\n"), defect.suspicion.details)
}

/// Returns a text without the place of the environment.
fn without_place(text: &str, environment: &CharmEnvironment) -> String {
    text.replace(&format!("{}/", environment.site_packages), "site-packages/")
}

fn frames(defect: &Defect) -> Vec<(&str, u32, &str)> {
    let frames = defect.traceback.iter().flat_map(|traceback| &traceback.frames);
    frames.map(|frame| (frame.short_file(), frame.line, frame.function.as_str())).collect()
}

#[expect(clippy::print_stdout, reason = "it is the log of the unit")]
fn say(text: &str) {
    println!("{text}");
}
