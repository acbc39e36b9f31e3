//! `charmproof merge`.

use charmproof_store::event::RunStarted;
use charmproof_store::report;
use charmproof_store::store::RunRef;
use jiff::Timestamp;

use super::check::new_run_id;
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
    let shown = Shown::new(store.merge(&parts, &head)?);
    say(&format!("merged {} runs into {}", parts.len(), shown.run.id()));
    output::result(&shown.with_report(|view| report::summary(view, output::terminal(colour))));
    Ok(exit_of(&shown.comparison))
}
