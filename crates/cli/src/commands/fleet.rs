//! `charmproof fleet fetch|list|status`.

use std::collections::BTreeMap;
use std::time::Duration;

use charmproof_fleet::corpus::list::FleetList;
use charmproof_fleet::corpus::location::GitRef;
use charmproof_fleet::corpus::mirror::{FetchOutcome, FetchSettings, MirrorEvent, Mirrors};
use charmproof_fleet::plan::{PlanContext, plan};
use charmproof_fleet::run::subject::tree_reader;
use charmproof_sandbox::CancelToken;

use crate::args::{FleetArgs, FleetCommand, FleetFetchArgs};
use crate::error::{Exit, Failure};
use crate::output::{self, say};
use crate::place::{Place, is_selected};
use charmproof_store::report::count;

pub(crate) fn run(
    place: &Place,
    command: &FleetCommand,
    is_quiet: bool,
    cancel: &CancelToken,
) -> Result<Exit, Failure> {
    match command {
        FleetCommand::Fetch(args) => fetch(place, args, is_quiet, cancel),
        FleetCommand::List(args) => list(place, args),
        FleetCommand::Status(args) => status(place, args),
    }
}

fn fetch(
    place: &Place,
    args: &FleetFetchArgs,
    is_quiet: bool,
    cancel: &CancelToken,
) -> Result<Exit, Failure> {
    let list = place.fleet(&args.fleet.fleet, &args.fleet.selection)?;
    let mirrors = place.mirrors()?;
    let wanted: Vec<GitRef> = list.entries.iter().filter_map(|entry| entry.git().cloned()).collect();
    if wanted.is_empty() {
        output::result("Nothing to fetch: the fleet lies on this disk");
        return Ok(Exit::Fine);
    }
    let settings = FetchSettings {
        jobs: args.jobs,
        timeout: Duration::from_secs(args.timeout),
        ..FetchSettings::default()
    };
    let failed = fetch_all(&mirrors, &wanted, settings, is_quiet, cancel);
    if cancel.is_cancelled() {
        return Ok(Exit::Interrupted);
    }
    let mut text = format!("{} of {} repositories are here", wanted.len() - failed.len(), wanted.len());
    for (source, why) in &failed {
        text.push_str(&format!("\nfailed: {source}: {why}"));
    }
    output::result(&text);
    Ok(if failed.is_empty() { Exit::Fine } else { Exit::CouldNotRun })
}

/// Fetches, and returns what could not be had. A mirror that is older than wanted but
/// usable is a failure here as well: nobody should test a stale tree unknowingly.
pub(crate) fn fetch_all(
    mirrors: &Mirrors,
    wanted: &[GitRef],
    settings: FetchSettings,
    is_quiet: bool,
    cancel: &CancelToken,
) -> BTreeMap<String, String> {
    let progress = |event: MirrorEvent<'_>| {
        if let MirrorEvent::Finished { source, outcome, done, total, elapsed } = event
            && !is_quiet
        {
            let words = match outcome {
                FetchOutcome::Fetched { .. } => "fetched".to_string(),
                FetchOutcome::Unchanged { .. } => "unchanged".to_string(),
                FetchOutcome::Failed { failure, .. } => format!("failed: {failure}"),
            };
            say(&format!("[{done:>3}/{total}] {source}: {words} ({:.1} s)", elapsed.as_secs_f64()));
        }
    };
    mirrors
        .fetch(wanted, settings, &progress, &|| cancel.is_cancelled())
        .into_iter()
        .filter_map(|result| match result.outcome {
            FetchOutcome::Failed { failure, stale } => {
                let note = if stale.is_some() { " (an older copy is kept)" } else { "" };
                Some((result.source.to_string(), format!("{failure}{note}")))
            }
            FetchOutcome::Fetched { .. } | FetchOutcome::Unchanged { .. } => None,
        })
        .collect()
}

fn list(place: &Place, args: &FleetArgs) -> Result<Exit, Failure> {
    let list = place.fleet(&args.fleet, &args.selection)?;
    let mirrors = place.mirrors()?;
    let planned = planned(place, &list, &mirrors);
    let mut lines = vec![format!("{:<56} {:<11} {}", "CHARM", "COMMIT", "TEAM")];
    let (mut to_run, mut left_out) = (0, 0);
    for record in planned.records.iter().filter(|record| is_selected(&record.id.0, &args.selection)) {
        let commit = record.commit.as_deref().map_or("-", |commit| &commit[..commit.len().min(10)]);
        let team = record.team.as_deref().unwrap_or("-");
        let mut line = format!("{:<56} {commit:<11} {team}", record.id.0);
        match &record.filtered {
            Some(reason) => {
                line.push_str(&format!("  left out: {reason}"));
                left_out += 1;
            }
            None => to_run += 1,
        }
        lines.push(line);
    }
    for (label, why) in &planned.missing {
        lines.push(format!("{label:<56} missing: {why}"));
    }
    lines.push(format!(
        "{} to run, {left_out} left out, {} missing",
        count(to_run, "charm"),
        planned.missing.len()
    ));
    output::result(&lines.join("\n"));
    Ok(Exit::Fine)
}

fn planned(place: &Place, list: &FleetList, mirrors: &Mirrors) -> charmproof_fleet::plan::Planned {
    let pins = BTreeMap::new();
    let context = PlanContext {
        mirrors,
        reader: tree_reader(mirrors.git(), &place.cache.root),
        pins: &pins,
        cache: &place.cache.root,
        library_cache: place.cache.root.join("libraries"),
    };
    plan(&list.entries.iter().collect::<Vec<_>>(), &context, None)
}

fn status(place: &Place, args: &FleetArgs) -> Result<Exit, Failure> {
    let list = place.fleet(&args.fleet, &args.selection)?;
    let mirrors = place.mirrors()?;
    let mut lines = Vec::new();
    let mut failed = 0;
    for status in mirrors.status(&list) {
        let commit =
            status.state.commit.as_deref().map_or("never fetched", |commit| &commit[..commit.len().min(10)]);
        let at =
            status.state.fetched_at.map_or_else(String::new, |at| at.strftime("%Y-%m-%d %H:%M").to_string());
        let mut line = format!(
            "{:<56} {commit:<13} {at:<17} {:>6.1} MiB",
            status.label,
            status.size_bytes as f64 / (1024.0 * 1024.0)
        );
        if let Some(failure) = &status.state.failure {
            failed += 1;
            line.push_str(&format!("  failed: {failure}"));
        }
        lines.push(line);
    }
    if lines.is_empty() {
        lines.push("The fleet lies on this disk; there are no mirrors".into());
    }
    output::result(&lines.join("\n"));
    Ok(if failed == 0 { Exit::Fine } else { Exit::CouldNotRun })
}
