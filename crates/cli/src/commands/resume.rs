//! `charmproof resume`.

use charmproof_sandbox::CancelToken;
use charmproof_store::event::Ending;
use charmproof_store::store::RunRef;

use super::asked::Asked;
use super::execute::execute;
use crate::args::{Colour, ResumeArgs};
use crate::error::{Exit, Failure};
use crate::output::say;
use crate::place::Place;

pub(crate) fn run(
    place: &Place,
    args: &ResumeArgs,
    colour: Colour,
    is_quiet: bool,
    cancel: &CancelToken,
) -> Result<Exit, Failure> {
    let run = place.store()?.run(&RunRef::parse(&args.run))?;
    let mut asked: Asked = serde_json::from_value(run.started.settings.clone()).map_err(|error| {
        Failure::of("the run cannot be resumed", &error)
            .hint("a merged run has nothing to resume; resume its parts")
    })?;
    if run.ending == Some(Ending::Completed) {
        say(&format!("{} is complete already", run.id()));
    }
    // The commits that were planned, even where a branch has moved on since.
    for subject in &run.plan.subjects {
        if let Some(commit) = &subject.commit {
            asked.pins.insert(subject.repository.clone(), commit.trim_end_matches('+').to_string());
        }
    }
    if args.jobs.is_some() {
        asked.jobs = args.jobs;
    }
    execute(place, &asked, Some(&run), colour, is_quiet, cancel)
}
