//! Runs what was asked: the common part of `check` and `resume`.

use std::collections::BTreeMap;
use std::time::Duration;

use camino::Utf8PathBuf;
use charmproof_charm::offerings::LIVES;
use charmproof_fleet::corpus::list::FleetEntry;
use charmproof_fleet::corpus::location::GitRef;
use charmproof_fleet::corpus::mirror::{FetchSettings, Mirrors};
use charmproof_fleet::plan::{PlanContext, Planned, plan, shard};
use charmproof_fleet::process::shell_word;
use charmproof_fleet::provision::charmhub::{Charmhub, DEFAULT_BASE_URL, LibrarySource, Timeouts};
use charmproof_fleet::provision::libraries::cache_folder;
use charmproof_fleet::provision::pythons::Python;
use charmproof_fleet::run::environment::{inherited, of_caches};
use charmproof_fleet::run::invocation::{Chosen, choose};
use charmproof_fleet::run::schedule::{Capacity, Run as Scheduled};
use charmproof_fleet::run::slot;
use charmproof_fleet::run::subject::{Subject, tree_reader};
use charmproof_fleet::run::unit::RunContext;
use charmproof_fleet::swap::sources::CorpusSources;
use charmproof_fleet::swap::{PrepareSwapError, PreparedSwap, SwapContext, SwapSpec, prepare};
use charmproof_sandbox::CancelToken;
use charmproof_store::event::{Ending, Event, LOG_SCHEMA, Plan, RunStarted, Side, SubjectId};
use charmproof_store::log::RunWriter;
use charmproof_store::outcome::Outcome;
use charmproof_store::report::{self, count};
use charmproof_store::run::Run;
use charmproof_store::store::{RunRef, Store};
use jiff::Timestamp;

use super::asked::{Asked, new_run_id};
use super::fleet::fetch_all;
use crate::args::Colour;
use crate::commands::{Shown, exit_of};
use crate::error::{Exit, Failure};
use crate::output::{self, say};
use crate::place::{Place, is_selected};
use crate::progress::Display;

/// Memory that is left to the host, in bytes.
const HOST_MEMORY_BYTES: u64 = 1024 * 1024 * 1024;

/// Runs a check, from the beginning or from where `before` stopped.
pub(crate) fn execute(
    place: &Place,
    asked: &Asked,
    before: Option<&Run>,
    colour: Colour,
    is_quiet: bool,
    cancel: &CancelToken,
) -> Result<Exit, Failure> {
    // A typing mistake must show before anything is fetched or built.
    let candidate_specs = specs(&asked.swap)?;
    let baseline_specs = specs(&asked.baseline)?;
    let store = place.store()?;
    let mirrors = place.mirrors()?;
    let tools = place.tools();
    let pythons = place.pythons();
    let newest = newest(&pythons)?;
    slot::sweep(&place.cache.work());
    charmproof_sandbox::sweep();

    let talk = |text: &str| {
        if !is_quiet {
            say(text);
        }
    };
    let list = place.fleet(&asked.fleet, &asked.selection())?;
    let failed = fetch_missing(&list.entries, asked, &mirrors, is_quiet, cancel)?;
    if cancel.is_cancelled() {
        return Ok(Exit::Interrupted);
    }

    // What is named must be there before anything is built.
    let planned = narrow(find_charms(place, &list, &mirrors, asked), asked)?;
    check_targets(&planned, asked)?;

    talk("Preparing the swaps");
    let is_cancelled = || cancel.is_cancelled();
    let sources = CorpusSources {
        mirrors: &mirrors,
        reader: tree_reader(mirrors.git(), &place.cache.root),
        working_directory: Utf8PathBuf::from(&asked.working_directory),
        home: place.home.clone(),
        cancel: &is_cancelled,
    };
    let swap_context = SwapContext {
        folder: place.cache.swaps(),
        tools: &tools,
        python: &newest.program,
        sources: &sources,
    };
    let swapped = |specs: &[SwapSpec]| {
        prepare(specs, &swap_context).map_err(|error| {
            let failure = Failure::of("the swap could not be prepared", &error);
            if matches!(error, PrepareSwapError::Twice { .. }) { failure.exit(Exit::Usage) } else { failure }
        })
    };
    let candidate = swapped(&candidate_specs)?;
    let baseline = swapped(&baseline_specs)?;
    for (word, swaps) in [("baseline", &baseline), ("candidate", &candidate)] {
        for swap in swaps.iter().map(PreparedSwap::record) {
            talk(&format!("  {word}: {} {} from {}", swap.package, swap.version, swap.source));
        }
    }
    let plan = plan_of(&planned, asked, &candidate, &baseline, failed);
    let (mut writer, finished) = begin(&store, asked, before, &plan)?;
    if before.is_none() {
        for (charm, warning) in &planned.warnings {
            // Losing a warning changes no result.
            let _ = store.append(&mut writer, &Event::Warned { message: format!("{charm}: {warning}") });
        }
    }
    let run = writer.run().clone();
    let capacity = capacity(asked.jobs);
    talk(&format!(
        "Run {run}: {}, {}, {} at once",
        count(planned.subjects.len(), "charm"),
        count(plan.targets.len(), "target"),
        capacity.jobs
    ));

    tools.uv().map_err(|error| {
        Failure::of("the tools could not be installed", &error)
            .hint("`charmproof doctor` tells what this host offers")
    })?;
    let launcher = place.launcher();
    let mut variables = inherited(&place.variables, &place.home);
    variables.extend(of_caches(&place.cache.work(), tools.uv_cache()));
    let context = RunContext {
        cache: place.cache.root.clone(),
        work: place.cache.work(),
        tools: &tools,
        launcher: &launcher,
        git: mirrors.git(),
        pythons,
        settings: &asked.run,
        variables,
        search_path: place.search_path.clone(),
        home: place.home.clone(),
        candidate: &candidate,
        baseline: &baseline,
        charmproof: place.program.clone(),
        cancel,
        lives_version: env!("CHARMPROOF_LIVES_SOURCES"),
        reproduce: reproduce(asked),
        now: Timestamp::now,
    };
    let mut display = Display::new(is_quiet);
    let mut scheduled = Scheduled {
        context: &context,
        subjects: &planned.subjects,
        plan: &plan,
        store: &store,
        writer: &mut writer,
        capacity,
    };
    let ending = scheduled.execute(finished, &mut |progress, standing| display.observe(&progress, standing));
    display.finish();
    let ending = ending.map_err(|error| {
        Failure::of("the run stopped", &error).hint(format!("`charmproof resume {run}` goes on from here"))
    })?;
    store.append(&mut writer, &Event::RunFinished { at: Timestamp::now(), ending })?;
    for message in surprises(&planned.subjects, &store.run(&RunRef::from(&run))?) {
        // Losing a warning changes no result.
        let _ = store.append(&mut writer, &Event::Warned { message });
    }
    drop(writer);

    let shown = Shown::new(store.run(&RunRef::from(&run))?);
    output::result(&shown.with_report(|view| report::summary(view, output::terminal(colour))));
    if ending == Ending::Interrupted {
        say(&format!("interrupted; `charmproof resume {run}` finishes it"));
        return Ok(Exit::Interrupted);
    }
    Ok(exit_of(&shown.comparison))
}

fn specs(texts: &[String]) -> Result<Vec<SwapSpec>, Failure> {
    texts
        .iter()
        .map(|text| SwapSpec::parse(text).map_err(|error| Failure::usage(error.to_string())))
        .collect()
}

pub(super) fn newest(pythons: &[Python]) -> Result<&Python, Failure> {
    // The packages are built and resolved with the oldest Python that tools support:
    // what works there works above it.
    pythons.iter().find(|python| python.numbers() >= vec![3, 10]).ok_or_else(|| {
        Failure::usage("there is no Python from 3.10 on")
            .hint("install one, for example with `uv python install`")
            .exit(Exit::CouldNotRun)
    })
}

fn fetch_missing(
    entries: &[FleetEntry],
    asked: &Asked,
    mirrors: &Mirrors,
    is_quiet: bool,
    cancel: &CancelToken,
) -> Result<BTreeMap<String, String>, Failure> {
    // Where the patterns fit names of repositories, the others need not be here. A pattern
    // that fits none may mean a charm inside of one.
    let selection = asked.selection();
    let is_named = |entry: &&FleetEntry| is_selected(&entry.label, &selection);
    let is_by_name = entries.iter().any(|entry| is_named(&entry));
    let wanted: Vec<GitRef> = entries
        .iter()
        .filter(|entry| !is_by_name || is_named(entry))
        .filter_map(|entry| entry.git().cloned())
        .filter(|reference| asked.refresh || mirrors.commit(reference).is_none())
        .filter(|reference| !asked.pins.contains_key(&reference.url.to_string()))
        .collect();
    let settings = FetchSettings { timeout: Duration::from_mins(5), ..FetchSettings::default() };
    if !asked.offline {
        for (url, commit) in &asked.pins {
            let Ok(url) = charmproof_fleet::corpus::location::GitUrl::parse(url) else { continue };
            mirrors
                .pin(&url, commit, settings, &|| cancel.is_cancelled())
                .map_err(|error| Failure::of("a commit of the earlier run could not be had", &error))?;
        }
    }
    if asked.offline || wanted.is_empty() {
        return Ok(BTreeMap::new());
    }
    let failed = fetch_all(mirrors, &wanted, settings, is_quiet, cancel);
    // Known by the name that the fleet's list gives them, as everything else is.
    Ok(entries
        .iter()
        .filter_map(|entry| Some((entry.label.clone(), failed.get(&entry.git()?.to_string())?.clone())))
        .collect())
}

fn find_charms(
    place: &Place,
    list: &charmproof_fleet::corpus::list::FleetList,
    mirrors: &Mirrors,
    asked: &Asked,
) -> Planned {
    let charmhub_url =
        place.variables.get("CHARMPROOF_CHARMHUB_URL").map_or(DEFAULT_BASE_URL, String::as_str).to_string();
    let charmhub: Option<Box<dyn LibrarySource>> = (!asked.offline)
        .then(|| Box::new(Charmhub::new(&charmhub_url, Timeouts::default())) as Box<dyn LibrarySource>);
    let context = PlanContext {
        mirrors,
        reader: tree_reader(mirrors.git(), &place.cache.root),
        pins: &asked.pins,
        cache: &place.cache.root,
        library_cache: cache_folder(&place.cache.root, &charmhub_url),
    };
    plan(&list.entries.iter().collect::<Vec<_>>(), &context, charmhub)
}

/// Applies what names charms rather than repositories.
fn narrow(mut planned: Planned, asked: &Asked) -> Result<Planned, Failure> {
    let selection = asked.selection();
    planned.subjects.retain(|subject| is_selected(&subject.record.id.0, &selection));
    planned.records.retain(|record| is_selected(&record.id.0, &selection));
    let is_meant = |name: &str| planned.records.iter().any(|record| record.id.0.starts_with(name));
    let warnings = planned.warnings.iter().filter(|(name, _)| is_meant(name)).cloned().collect();
    planned.warnings = warnings;
    if !planned.records.is_empty() {
        // What nobody asked for was not fetched either.
        planned.missing.retain(|label, _| is_selected(label, &selection));
    }
    if let Some((number, count)) = asked.shard {
        // Nothing of this machine's own history may count: each shard runs elsewhere, and
        // all of them must split the fleet alike.
        let costs: Vec<(SubjectId, u64)> = planned
            .records
            .iter()
            .map(|record| (record.id.clone(), asked.costs.get(&record.id.0).copied().unwrap_or(1)))
            .collect();
        let borrowed: Vec<(&SubjectId, u64)> = costs.iter().map(|(id, cost)| (id, *cost)).collect();
        let mine: Vec<SubjectId> = shard(&borrowed, number, count).into_iter().cloned().collect();
        planned.subjects.retain(|subject| mine.contains(&subject.record.id));
        planned.records.retain(|record| mine.contains(&record.id));
    }
    if planned.subjects.is_empty() && planned.records.is_empty() && asked.shard.is_none() {
        let asked_for = asked.charm.iter().chain(&asked.team).chain(&asked.group);
        let patterns = asked_for.map(String::as_str).collect::<Vec<_>>().join(", ");
        let mut failure = Failure::usage(if patterns.is_empty() {
            "the fleet has no charm to check".to_string()
        } else {
            format!("no charm of the fleet fits {patterns}")
        });
        if !planned.missing.is_empty() {
            failure = failure.exit(Exit::CouldNotRun);
        }
        failure.causes =
            planned.missing.iter().take(10).map(|(label, why)| format!("{label}: {why}")).collect();
        return Err(failure.hint("`charmproof fleet list` shows what there is"));
    }
    Ok(planned)
}

fn plan_of(
    planned: &Planned,
    asked: &Asked,
    candidate: &[PreparedSwap],
    baseline: &[PreparedSwap],
    failed: BTreeMap<String, String>,
) -> Plan {
    let mut missing = planned.missing.clone();
    missing.extend(failed);
    Plan {
        targets: asked.targets.clone(),
        subjects: planned.records.clone(),
        candidate: candidate.iter().map(PreparedSwap::record).collect(),
        baseline: baseline.iter().map(PreparedSwap::record).collect(),
        shard: asked.shard.map(|(number, count)| format!("{number}/{count}")),
        missing,
    }
}

/// A target that no charm offers is a typing mistake, not a result.
fn check_targets(planned: &Planned, asked: &Asked) -> Result<(), Failure> {
    for target in &asked.targets {
        let is_offered = |subject: &Subject| {
            !matches!(choose(target, &subject.facts), Chosen::Nothing(Outcome::NoSuchTarget, _))
        };
        if planned.subjects.is_empty() || planned.subjects.iter().any(is_offered) {
            continue;
        }
        let mut offered: BTreeMap<String, usize> = BTreeMap::new();
        for subject in &planned.subjects {
            let offerings = &subject.facts.offerings;
            for name in offerings.tox.iter().chain(&offerings.just).chain(&offerings.make) {
                *offered.entry(name.clone()).or_insert(0) += 1;
            }
        }
        let mut names: Vec<(String, usize)> = offered.into_iter().collect();
        names.sort_by_key(|(name, count)| (std::cmp::Reverse(*count), name.clone()));
        let names: Vec<String> = names.into_iter().take(8).map(|(name, _)| name).collect();
        return Err(Failure::usage(format!("no charm offers `{target}`"))
            .hint(format!("the charms offer {}", names.join(", "))));
    }
    Ok(())
}

/// Opens the log: a new one, or that of the run that is resumed.
fn begin(
    store: &Store,
    asked: &Asked,
    before: Option<&Run>,
    plan: &Plan,
) -> Result<(RunWriter, Vec<charmproof_store::event::UnitResult>), Failure> {
    let Some(before) = before else {
        let settings = serde_json::to_value(asked)
            .map_err(|error| Failure::of("the settings cannot be kept", &error))?;
        let head = RunStarted {
            schema: LOG_SCHEMA,
            run: new_run_id(),
            at: Timestamp::now(),
            charmproof: env!("CARGO_PKG_VERSION").into(),
            command: std::env::args().collect(),
            settings,
        };
        let mut writer = store.create_run(&head)?;
        store.append(&mut writer, &Event::Planned(plan.clone()))?;
        return Ok((writer, Vec::new()));
    };
    if before.planned
        && before.plan.candidate.iter().map(|s| &s.digest).ne(plan.candidate.iter().map(|s| &s.digest))
    {
        return Err(Failure::usage("what is swapped in has changed since the run began")
            .hint("start a new check; what has not changed is reused"));
    }
    let (mut writer, read) = store.resume(&RunRef::from(before.id()), Timestamp::now())?;
    if !read.planned {
        store.append(&mut writer, &Event::Planned(plan.clone()))?;
    }
    let finished = read.latest().into_values().cloned().collect();
    Ok((writer, finished))
}

fn capacity(jobs: Option<usize>) -> Capacity {
    let jobs = jobs.unwrap_or_else(|| std::thread::available_parallelism().map_or(2, usize::from)).max(1);
    let available = fs_err::read_to_string("/proc/meminfo")
        .ok()
        .and_then(|text| {
            let line = text.lines().find(|line| line.starts_with("MemAvailable:"))?;
            line.split_whitespace().nth(1)?.parse::<u64>().ok()
        })
        .map_or(4 * HOST_MEMORY_BYTES, |kib| kib * 1024);
    Capacity { jobs, memory_bytes: available.saturating_sub(HOST_MEMORY_BYTES).max(HOST_MEMORY_BYTES / 2) }
}

/// Compares how baselines ended with what the fleet's list says they are known for, so
/// that an exception does not outlive its reason.
fn surprises(subjects: &[Subject], run: &Run) -> Vec<String> {
    let mut messages = Vec::new();
    for (unit, result) in run.latest() {
        if unit.side != Side::Baseline || unit.attempt > 0 {
            continue;
        }
        let Some(subject) = subjects.iter().find(|subject| subject.record.id == unit.subject) else {
            continue;
        };
        let expected = subject.expected.get(&unit.target).or_else(|| subject.expected.get("*"));
        let seen = result.outcome.name();
        if let Some(expected) = expected.filter(|expected| **expected != seen) {
            messages.push(format!(
                "{} {}: the fleet's list expects `{expected}` of the baseline, and it ended in `{seen}`",
                unit.subject, unit.target
            ));
        }
    }
    messages
}

/// The command that repeats one charm's target, with places for both.
fn reproduce(asked: &Asked) -> String {
    let mut words = vec!["charmproof".to_string(), "check".into(), "{target}".into()];
    words.extend(asked.fleet.iter().map(|word| shell_word(word)));
    words.push("--charm".into());
    words.push("{charm}".into());
    for (option, specs) in [("--swap", &asked.swap), ("--baseline", &asked.baseline)] {
        for spec in specs {
            words.push(option.into());
            words.push(shell_word(spec));
        }
    }
    for (name, value) in &asked.run.environment {
        words.push("--env".into());
        words.push(shell_word(&format!("{name}={value}")));
    }
    if asked.run.werror {
        words.push("--werror".into());
    }
    if asked.targets.iter().any(|target| target == LIVES) {
        words.extend(["--lives".into(), asked.run.lives.to_string()]);
    }
    let limits = asked.run.limits;
    for (option, limit) in [
        ("--timeout", limits.timeout_s),
        ("--silence", limits.silence_s),
        ("--memory", limits.memory_mib),
        ("--processes", limits.processes),
        ("--log-size", limits.log_mib),
        ("--disk", limits.disk_mib),
    ] {
        words.extend(limit.into_iter().flat_map(|limit| [option.to_string(), limit.to_string()]));
    }
    words.push("--no-reuse".into());
    if !asked.run.arguments.is_empty() {
        words.push("--".into());
        words.extend(asked.run.arguments.iter().map(|word| shell_word(word)));
    }
    words.join(" ")
}
