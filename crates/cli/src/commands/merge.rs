//! `charmproof merge`.

use charmproof_store::event::RunStarted;
use charmproof_store::report;
use charmproof_store::store::{RunRef, Store};
use jiff::Timestamp;

use super::asked::new_run_id;
use crate::args::{Colour, MergeArgs};
use crate::commands::{Shown, exit_of};
use crate::error::{Exit, Failure};
use crate::output::{self, say};
use crate::place::Place;

pub(crate) fn run(place: &Place, args: &MergeArgs, colour: Colour) -> Result<Exit, Failure> {
    let store = place.store()?;
    let parts: Vec<RunRef> = args.runs.iter().map(|word| RunRef::parse(word)).collect();
    let head = RunStarted {
        schema: charmproof_store::event::LOG_SCHEMA,
        run: new_run_id(),
        at: Timestamp::now(),
        charmproof: env!("CARGO_PKG_VERSION").into(),
        command: std::env::args().collect(),
        settings: serde_json::Value::Null,
    };
    warn_of_missing_shards(&store, &parts)?;
    let shown = Shown::new(store.merge(&parts, &head)?);
    say(&format!("merged {} runs into {}", parts.len(), shown.run.id()));
    output::result(&shown.with_report(|view| report::summary(view, output::terminal(colour))));
    Ok(exit_of(&shown.comparison))
}

/// Says which shards are not among the runs, where the runs are shards.
fn warn_of_missing_shards(store: &Store, parts: &[RunRef]) -> Result<(), Failure> {
    let mut shards: Vec<(usize, usize)> = Vec::new();
    for part in parts {
        let shard = store.run(part)?.plan.shard;
        let numbers = shard.as_deref().and_then(|text| text.split_once('/'));
        if let Some((number, count)) = numbers.and_then(|(n, c)| Some((n.parse().ok()?, c.parse().ok()?))) {
            shards.push((number, count));
        }
    }
    let Some((_, count)) = shards.first().copied() else { return Ok(()) };
    let missing: Vec<String> =
        (1..=count).filter(|n| !shards.contains(&(*n, count))).map(|n| format!("{n}/{count}")).collect();
    if !missing.is_empty() {
        say(&format!("warning: no run of shard {} was given; its charms are missing", missing.join(", ")));
    }
    Ok(())
}
