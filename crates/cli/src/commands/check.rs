//! `charmproof check`: settles what is to be run, then runs it.

use std::collections::BTreeMap;

use charmproof_fleet::corpus::list::Limits;
use charmproof_fleet::run::settings::RunSettings;
use charmproof_sandbox::CancelToken;
use charmproof_store::store::RunRef;

use super::asked::Asked;
use super::execute::execute;
use crate::args::{CheckArgs, Colour};
use crate::error::{Exit, Failure};
use crate::place::Place;

pub(crate) fn run(
    place: &Place,
    args: &CheckArgs,
    colour: Colour,
    is_quiet: bool,
    cancel: &CancelToken,
) -> Result<Exit, Failure> {
    let asked = ask(place, args)?;
    execute(place, &asked, None, colour, is_quiet, cancel)
}

fn ask(place: &Place, args: &CheckArgs) -> Result<Asked, Failure> {
    let (targets, fleet) = split_words(place, &args.words)?;
    let mut environment = BTreeMap::new();
    for pair in &args.run.env {
        let Some((name, value)) = pair.split_once('=').filter(|(name, _)| !name.is_empty()) else {
            return Err(Failure::usage(format!("`--env {pair}` is not NAME=VALUE")));
        };
        environment.insert(name.to_string(), value.to_string());
    }
    let pins = match &args.at {
        None => BTreeMap::new(),
        Some(word) => place
            .store()?
            .run(&RunRef::parse(word))?
            .plan
            .subjects
            .into_iter()
            .filter_map(|subject| {
                Some((subject.repository, subject.commit?.trim_end_matches('+').to_string()))
            })
            .collect(),
    };
    let mut costs: BTreeMap<String, u64> = BTreeMap::new();
    if let Some(word) = &args.costs {
        for result in place.store()?.run(&RunRef::parse(word))?.latest().into_values() {
            *costs.entry(result.unit.subject.0.clone()).or_insert(0) += result.duration_ms;
        }
    }
    Ok(Asked {
        costs,
        targets,
        fleet,
        working_directory: place.working_directory.to_string(),
        swap: args.swap.clone(),
        baseline: args.baseline.clone(),
        charm: args.selection.charm.clone(),
        exclude: args.selection.exclude.clone(),
        team: args.selection.team.clone(),
        group: args.selection.group.clone(),
        limit: args.selection.limit,
        strict: args.selection.strict,
        run: RunSettings {
            environment,
            werror: args.run.werror,
            arguments: args.arguments.clone(),
            limits: Limits {
                timeout_s: args.run.timeout,
                silence_s: args.run.silence,
                memory_mib: args.run.memory,
                processes: args.run.processes,
                log_mib: args.run.log_size,
                disk_mib: args.run.disk,
            },
            attempts: args.run.attempts.max(1),
            reuse: !args.run.no_reuse,
            sandbox: !args.run.no_sandbox,
            lives: args.run.lives,
        },
        shard: args.shard.as_deref().map(parse_shard).transpose()?,
        pins,
        offline: args.run.offline,
        refresh: args.run.refresh,
        jobs: args.run.jobs,
    })
}

/// Tells targets from fleets: a fleet has a slash, a dot or a colon in its name, or is
/// a folder that is not called like a target.
fn split_words(place: &Place, words: &[String]) -> Result<(Vec<String>, Vec<String>), Failure> {
    let known = ["lint", "unit", "static", "integration", "lifecycle", "format", "test", "tests"];
    let is_fleet = |word: &str| {
        word.contains(['/', ':'])
            || word.starts_with(['.', '~'])
            || word.ends_with(".csv")
            || word.ends_with(".toml")
            || (!known.contains(&word) && place.working_directory.join(word).exists())
    };
    let (fleet, targets): (Vec<String>, Vec<String>) = words.iter().cloned().partition(|word| is_fleet(word));
    if targets.is_empty() {
        return Err(Failure::usage("no target is named")
            .hint("say what to run, for example `charmproof check unit lint FLEET --swap ops==3.8.0`"));
    }
    // A run that is resumed from elsewhere must find the same fleet.
    let fleet = fleet
        .into_iter()
        .map(|word| {
            let word = word.strip_prefix("~/").map_or(word.clone(), |rest| place.home.join(rest).to_string());
            let path = place.working_directory.join(&word);
            path.canonicalize_utf8().map_or(word, |path| path.to_string())
        })
        .collect();
    Ok((targets, fleet))
}

fn parse_shard(text: &str) -> Result<(usize, usize), Failure> {
    text.split_once('/')
        .and_then(|(number, count)| Some((number.parse().ok()?, count.parse().ok()?)))
        .filter(|(number, count)| (1..=*count).contains(number))
        .ok_or_else(|| Failure::usage(format!("`--shard {text}` is not I/N with I from 1 to N")))
}
