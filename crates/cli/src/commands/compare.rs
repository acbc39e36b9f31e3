//! `charmproof compare`.

use charmproof_store::compare::compare_runs;
use charmproof_store::event::{OutputId, Plan};
use charmproof_store::report::{self, Report};
use charmproof_store::store::RunRef;

use crate::args::{Colour, CompareArgs};
use crate::commands::exit_of;
use crate::error::{Exit, Failure};
use crate::output;
use crate::place::Place;

pub(crate) fn run(place: &Place, args: &CompareArgs, colour: Colour) -> Result<Exit, Failure> {
    let store = place.store()?;
    let before = store.run(&RunRef::parse(&args.before))?;
    let after = store.run(&RunRef::parse(&args.after))?;
    let comparison = compare_runs(&before, &after);
    let swaps_before =
        if before.plan.candidate.is_empty() { &before.plan.baseline } else { &before.plan.candidate };
    let plan = Plan { baseline: swaps_before.clone(), ..after.plan.clone() };
    let outputs = |id: &OutputId| {
        let bytes = after.output(id).or_else(|_| before.output(id)).ok()?;
        Some(String::from_utf8_lossy(&bytes).into_owned())
    };
    let view = Report {
        started: &after.started,
        plan: &plan,
        comparison: &comparison,
        results: &after.results,
        warnings: &after.warnings,
        ending: after.ending,
        outputs: &outputs,
    };
    output::result(&report::summary(&view, output::terminal(colour)));
    Ok(exit_of(&comparison))
}
