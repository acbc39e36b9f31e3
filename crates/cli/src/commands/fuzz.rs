//! `charmproof fuzz`: the real code of charms, through lives that Juju can lead.

mod corpus;
mod report;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use camino::{Utf8Path, Utf8PathBuf};
use charmproof_agent::runner::RunnerError;
use charmproof_agent::standins::{self, Rules};
use charmproof_agent::state::Juju;
use charmproof_agent::tool_client::install_stand_ins;
use charmproof_charm::metadata::CharmMetadata;
use charmproof_charm::spelling::nearest;
use charmproof_fleet::swap::PreparedSwap;
use charmproof_fuzz::oracle::{Oracle, Questions};
use charmproof_fuzz::ready::{HookTools, Ingredients, make_ready};
use charmproof_fuzz::search::duel::{DuelProgress, duel};
use charmproof_fuzz::search::{Progress, Settings, Subject, search};
use charmproof_lifecycle::generator::Plan;
use charmproof_lifecycle::life::Stage;
use charmproof_pack::environment::{CharmEnvironment, EnvironmentError, provide};
use charmproof_sandbox::CancelToken;

use crate::args::{Colour, DescribedCharm, FuzzArgs};
use crate::commands::simulate::switches;
use crate::commands::stage::{self, AskedStage};
use crate::commands::swaps;
use crate::commands::work::WorkFolder;
use crate::error::{Exit, Failure};
use crate::output::{self, say};
use crate::place::Place;

/// How many lives there are if nobody says.
const LIVES_USUAL: u64 = 200;
/// How many hooks a life may have before it counts as one that does not end.
pub(crate) const HOOKS_MAX: usize = 400;
/// How many findings are made small in one search.
const FINDINGS_MAX: usize = 25;
pub(crate) fn run(
    place: &Place,
    args: &FuzzArgs,
    colour: Colour,
    is_quiet: bool,
    cancel: &CancelToken,
) -> Result<Exit, Failure> {
    let questions = Questions { oracles: oracles(args)?, hook_budget_s: args.hook_budget };
    let time = args.time.as_deref().map(duration).transpose()?;
    let switches = switches::read(&args.only, &args.without)?;
    let (stage, integrations) = stage::read(&AskedStage {
        folder: Some(&args.charm),
        file: None,
        described: &DescribedCharm::default(),
        juju: &args.juju,
        platform: None,
        units: args.units,
        quirks: false,
        with: &args.with,
        integrate: &args.integrate,
    })?;
    let talk = |text: &str| {
        if !is_quiet {
            say(text);
        }
    };
    let rules = args.rules.as_ref().map(|file| read_rules(place, file)).transpose()?.unwrap_or_default();
    let work = WorkFolder::new(&place.cache.work())?;
    let jobs = args
        .jobs
        .map_or_else(|| std::thread::available_parallelism().map_or(1, usize::from), |jobs| jobs as usize);
    let settings = Settings {
        plan: Plan {
            stage,
            integrations,
            stimuli: args.length,
            with_failures: false,
            only: switches.only,
            without: switches.without,
        },
        first_seed: args.seed,
        lives: time.is_none().then(|| args.seeds.unwrap_or(LIVES_USUAL)),
        time,
        jobs,
        questions,
        hook_timeout_s: args.hook_budget,
        hooks_max: HOOKS_MAX,
        findings_max: FINDINGS_MAX,
        corpus: args.corpus.as_ref().map(|folder| corpus::read(folder)).transpose()?.unwrap_or_default(),
        stand_ins: Some(lay_stand_ins(&work.path, &rules)?),
        rules: Arc::new(rules),
        is_trusted: args.trust,
        shell: None,
        compares: !args.swap.is_empty(),
    };
    let folder = match &args.output {
        Some(folder) => place.working_directory.join(folder),
        None => {
            place.cache.root.join("findings").join(settings.plan.stage.deployments[0].application.as_str())
        }
    };
    // Better now than after five minutes.
    fs_err::create_dir_all(&folder).map_err(|error| {
        let failure = Failure::of("the findings could not be written", &error);
        if args.output.is_some() { failure.exit(Exit::Usage) } else { failure }
    })?;
    if !args.swap.is_empty() {
        return two_sides(place, args, &settings, &work.path, &folder, is_quiet, colour, cancel);
    }
    let wanted = Wanted::of(args);
    let subjects = subjects(place, &wanted, &settings.plan.stage, &work.path, &[], cancel, &talk)?;
    check_rules(&settings.rules, &subjects)?;
    let bar = report::Bar::new(is_quiet);
    let tested = report::Tested {
        folder: &existing(place, &args.charm)?,
        metadata: &subjects[0].metadata,
        program: &subjects[0].interpreter.program,
    };
    let writer = report::Writer::new(&folder, &tested);
    let found = search(&subjects, &settings, &|| cancel.is_cancelled(), &|progress: Progress| {
        match &progress {
            Progress::Kept(life) => {
                if let Some(folder) = &args.corpus {
                    corpus::keep(folder, life);
                }
            }
            // At once, so that it is there however this ends.
            Progress::Found(finding) => writer.write(finding),
            Progress::Lives(..) | Progress::Reducing(_) => {}
        }
        bar.show(&progress);
    });
    bar.finish();
    let found = found.map_err(|error| could_not_run(&error))?;
    let written = writer.finish();
    let is_interrupted = cancel.is_cancelled();
    let terminal = output::terminal(colour);
    output::result(&report::text(&found, &settings, &written.places, is_interrupted, terminal));
    if let Some(error) = written.error {
        return Err(Failure::of("the findings could not be written", &error));
    }
    if is_interrupted {
        return Ok(Exit::Interrupted);
    }
    if found.findings.iter().any(report::counts) {
        return Ok(Exit::Regressed);
    }
    // What could not be told of any life is no "nothing found".
    Ok(if found.troubles.is_empty() && found.hooks_done > 0 { Exit::Fine } else { Exit::CouldNotRun })
}

/// Plays the same lives without and with the swap, and says what differs.
#[expect(clippy::too_many_arguments, reason = "it is the second half of `run`")]
fn two_sides(
    place: &Place,
    args: &FuzzArgs,
    settings: &Settings,
    work: &Utf8Path,
    folder: &Utf8Path,
    is_quiet: bool,
    colour: Colour,
    cancel: &CancelToken,
) -> Result<Exit, Failure> {
    let talk = |text: &str| {
        if !is_quiet {
            say(text);
        }
    };
    // Both before anything is made for one of them: a spec may be wrong.
    let baseline = swaps::prepared(place, &args.baseline, cancel)?;
    let candidate = swaps::prepared(place, &args.swap, cancel)?;
    let mut sides = Vec::new();
    for (name, swaps) in [("baseline", baseline), ("candidate", candidate)] {
        for swap in swaps.iter().map(PreparedSwap::record) {
            talk(&format!("{name}: {} {} from {}", swap.package, swap.version, swap.source));
        }
        let work = work.join(&name[..1]);
        sides.push(subjects(place, &Wanted::of(args), &settings.plan.stage, &work, &swaps, cancel, &talk)?);
        check_rules(&settings.rules, &sides[0])?;
    }
    let bar = report::Bar::new(is_quiet);
    let error = Mutex::new(None);
    let found = duel(&sides[0], &sides[1], settings, &|| cancel.is_cancelled(), &|progress| match progress {
        DuelProgress::Lives(lives, of) => bar.show(&Progress::Lives(lives, of)),
        DuelProgress::Found(found) => {
            if let Err(failed) = report::write_difference(found, folder) {
                error.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(failed);
            }
        }
    });
    bar.finish();
    let found = found.map_err(|error| could_not_run(&error))?;
    let is_interrupted = cancel.is_cancelled();
    let terminal = output::terminal(colour);
    output::result(&report::differences(&found, settings, folder, is_interrupted, terminal));
    if let Some(error) = error.into_inner().unwrap_or_else(PoisonError::into_inner) {
        return Err(Failure::of("the differences could not be written", &error));
    }
    if is_interrupted {
        return Ok(Exit::Interrupted);
    }
    if found.found.iter().any(|found| found.difference.observable.is_behaviour()) {
        return Ok(Exit::Regressed);
    }
    Ok(if found.troubles.is_empty() && found.hooks_done > 0 { Exit::Fine } else { Exit::CouldNotRun })
}

/// Returns what is said of a charm that could not be run at all.
pub(super) fn could_not_run(error: &RunnerError) -> Failure {
    match error {
        RunnerError::Preload { file, traceback } => Failure {
            what: format!("`{file}` of --preload cannot be used"),
            causes: vec![traceback.clone()],
            hint: Some("it is run with the charm's own environment, after the charm was imported".to_owned()),
            exit: Exit::Usage,
        },
        RunnerError::Cancelled => Failure {
            what: "interrupted before a hook could run".to_owned(),
            causes: Vec::new(),
            hint: None,
            exit: Exit::Interrupted,
        },
        RunnerError::Ended { .. }
        | RunnerError::Io { .. }
        | RunnerError::Sandbox(_)
        | RunnerError::Message(_) => Failure::of("the charm could not be run", error),
    }
}

pub(super) fn read_rules(place: &Place, file: &Utf8Path) -> Result<Rules, Failure> {
    let path = existing(place, file)?;
    let text = fs_err::read_to_string(&path)
        .map_err(|error| Failure::of(&format!("`{file}` cannot be read"), &error).exit(Exit::Usage))?;
    Rules::parse(file, &text)
        .map_err(|error| Failure::of(&format!("`{file}` cannot be used"), &error).exit(Exit::Usage))
}

pub(crate) fn lay_stand_ins(work: &Utf8Path, rules: &Rules) -> Result<Utf8PathBuf, Failure> {
    let folder = work.join("standins");
    let names = standins::names(rules);
    install_stand_ins(&folder, names.iter().map(String::as_str))
        .map_err(|error| Failure::of("the stand-ins could not be laid out", &error))?;
    Ok(folder)
}

fn oracles(args: &FuzzArgs) -> Result<Vec<Oracle>, Failure> {
    let read = |names: &[String], option: &str| -> Result<Vec<Oracle>, Failure> {
        let one = |name: &String| {
            Oracle::parse(name).ok_or_else(|| {
                let all: Vec<&str> = Oracle::ALL.iter().map(|oracle| oracle.name()).collect();
                let failure = Failure::usage(format!("`{option} {name}`: there is no such oracle"));
                match nearest(name, all.iter().copied()) {
                    Some(meant) => failure.hint(format!("there is `{meant}`")),
                    None => failure.hint(format!("there are {}", all.join(", "))),
                }
            })
        };
        names.iter().map(one).collect()
    };
    let (only, without) = (read(&args.oracle, "--oracle")?, read(&args.without_oracle, "--without-oracle")?);
    let asked = |oracle: &&Oracle| {
        !without.contains(oracle) && if only.is_empty() { oracle.is_usual() } else { only.contains(oracle) }
    };
    let all: Vec<Oracle> = Oracle::ALL.iter().filter(asked).copied().collect();
    if all.is_empty() {
        return Err(Failure::usage("no oracle is left to be asked"));
    }
    Ok(all)
}

/// Reads a time such as `90s`, `5m` or `1h`.
fn duration(text: &str) -> Result<Duration, Failure> {
    let wrong = || Failure::usage(format!("`--time {text}`: this is no time")).hint("write 90s, 5m or 1h");
    let unit_at = text.find(|character: char| !character.is_ascii_digit()).unwrap_or(text.len());
    let number: u64 = text[..unit_at].parse().map_err(|_| wrong())?;
    let seconds = match &text[unit_at..] {
        "s" | "" => number,
        "m" => number.saturating_mul(60),
        "h" => number.saturating_mul(3600),
        _ => return Err(wrong()),
    };
    if seconds == 0 { Err(wrong()) } else { Ok(Duration::from_secs(seconds)) }
}

/// Which charms take part, and what they are given.
pub(super) struct Wanted<'a> {
    /// The charm.
    pub(super) charm: &'a Utf8PathBuf,
    /// The others.
    pub(super) with: &'a [Utf8PathBuf],
    /// A file that is run before the charm.
    pub(super) preload: Option<&'a Utf8PathBuf>,
}

impl<'a> Wanted<'a> {
    fn of(args: &'a FuzzArgs) -> Self {
        Self { charm: &args.charm, with: &args.with, preload: args.preload.as_ref() }
    }
}

/// Makes what each charm needs to be run.
pub(super) fn subjects(
    place: &Place,
    args: &Wanted<'_>,
    stage: &Stage,
    work: &Utf8Path,
    swaps: &[PreparedSwap],
    cancel: &CancelToken,
    talk: &dyn Fn(&str),
) -> Result<Vec<Subject>, Failure> {
    let tools = hook_tools(work, stage)?;
    let preload = args.preload.map(|file| existing(place, file)).transpose()?;
    let mut subjects = Vec::new();
    for (number, (folder, deployment)) in
        std::iter::once(args.charm).chain(args.with).zip(&stage.deployments).enumerate()
    {
        let folder = existing(place, folder)?;
        let environment = environment(place, &folder, swaps, cancel, talk)?;
        let mut subject = subject(&Ingredients {
            launcher: place.launcher(),
            folder: &folder,
            application: &deployment.application,
            environment: &environment,
            work,
            name: &format!("c{number}"),
            tools: &tools,
        })?;
        subject.interpreter.preload = preload.clone().filter(|_| number == 0);
        subject.interpreter.counts_lines = number == 0;
        subjects.push(subject);
    }
    Ok(subjects)
}

/// Refuses rules for what none of the charms declares.
pub(super) fn check_rules(rules: &Rules, subjects: &[Subject]) -> Result<(), Failure> {
    let charms: Vec<&CharmMetadata> = subjects.iter().map(|subject| &*subject.metadata).collect();
    match rules.misfits(&charms).as_slice() {
        [] => Ok(()),
        misfits => Err(Failure::usage(format!("the rules do not fit the charm: {}", misfits.join("; ")))),
    }
}

pub(crate) fn hook_tools(work: &Utf8Path, stage: &Stage) -> Result<HookTools, Failure> {
    let juju = Juju::of_line(stage.profile.version, stage.profile.platform);
    HookTools::lay_out(work, &juju)
        .map_err(|error| Failure::of("the hook tools could not be laid out", &error))
}

/// Lays a charm out, to be run in its environment.
pub(crate) fn subject(of: &Ingredients<'_>) -> Result<Subject, Failure> {
    make_ready(of).map_err(|error| Failure::of(&format!("the charm `{}` cannot be run", of.folder), &error))
}

fn existing(place: &Place, path: &Utf8Path) -> Result<Utf8PathBuf, Failure> {
    place
        .working_directory
        .join(path)
        .canonicalize_utf8()
        .map_err(|error| Failure::of(&format!("`{path}` cannot be used"), &error).exit(Exit::Usage))
}

fn environment(
    place: &Place,
    folder: &Utf8Path,
    swaps: &[PreparedSwap],
    cancel: &CancelToken,
    talk: &dyn Fn(&str),
) -> Result<CharmEnvironment, Failure> {
    let makers = place.makers();
    let context = makers.context(place, cancel);
    let environment = provide(&context, folder, swaps).map_err(|error| {
        if matches!(error, EnvironmentError::Cancelled) {
            return could_not_run(&RunnerError::Cancelled);
        }
        Failure::of(&format!("there is no environment for the charm `{folder}`"), &error)
    })?;
    talk(&format!(
        "{}: Python {}, ops {}",
        folder.file_name().unwrap_or("charm"),
        environment.python_version,
        environment.ops_version
    ));
    for note in &environment.notes {
        talk(&format!("  {note}"));
    }
    Ok(environment)
}
