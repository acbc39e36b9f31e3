//! `charmproof runs`.

use charmproof_store::report::{self, RunRow};
use charmproof_store::store::RunRef;

use crate::args::{Colour, RunsArgs};
use crate::error::{Exit, Failure};
use crate::output::{self, say};
use crate::place::Place;

pub(crate) fn run(place: &Place, args: &RunsArgs, colour: Colour) -> Result<Exit, Failure> {
    let store = place.store()?;
    if args.rebuild_index {
        for warning in store.rebuild_index()? {
            say(&format!("warning: {warning}"));
        }
    }
    let mut rows = Vec::new();
    for summary in store.runs()?.into_iter().take(args.limit) {
        let run = store.run(&RunRef::from(&summary.id))?;
        rows.push(RunRow {
            run: summary.id,
            at: summary.started_at,
            ending: summary.ending,
            swap: summary.candidate.join(", "),
            charms: summary.subjects,
            totals: run.comparison().totals,
        });
    }
    output::result(&report::runs(&rows, output::terminal(colour)));
    Ok(Exit::Fine)
}
