//! `charmproof show`.

use charmproof_store::event::{Side, SubjectId};
use charmproof_store::report;
use charmproof_store::store::RunRef;

use crate::args::{Colour, ShowArgs, SideArg};
use crate::commands::Shown;
use crate::error::{Exit, Failure};
use crate::output;
use crate::place::Place;

pub(crate) fn run(place: &Place, args: &ShowArgs, colour: Colour) -> Result<Exit, Failure> {
    let shown = Shown::new(place.store()?.run(&RunRef::parse(&args.run))?);
    let screen = output::terminal(colour);
    let Some(charm) = &args.charm else {
        output::result(&shown.with_report(|view| report::summary(view, screen)));
        return Ok(Exit::Fine);
    };
    let subject = find(&shown, charm)?;
    if let Some(side) = args.log {
        return whole_log(&shown, &subject, args.case.as_deref(), side);
    }
    let targets = &shown.run.plan.targets;
    let (target, case) = match args.case.as_deref() {
        Some(word) if targets.iter().any(|target| target == word) => (Some(word), None),
        word => (None, word),
    };
    match shown.with_report(|view| report::show(view, &subject, target, case, screen)) {
        Some(text) => {
            output::result(&text);
            Ok(Exit::Fine)
        }
        None => Err(Failure::usage(format!("the run has no such case of {subject}"))
            .hint(format!("`charmproof show {} {subject}` lists what changed", shown.run.id()))),
    }
}

fn find(shown: &Shown, word: &str) -> Result<SubjectId, Failure> {
    let all: Vec<&SubjectId> = shown.run.plan.subjects.iter().map(|subject| &subject.id).collect();
    if let Some(exact) = all.iter().find(|id| id.0 == word) {
        return Ok((*exact).clone());
    }
    let fitting: Vec<&&SubjectId> = all.iter().filter(|id| id.0.contains(word)).collect();
    match fitting.as_slice() {
        [one] => Ok((**one).clone()),
        [] => Err(Failure::usage(format!("the run has no charm called {word}"))
            .hint(format!("`charmproof show {}` lists them", shown.run.id()))),
        many => Err(Failure::usage(format!(
            "{word} fits several charms: {}",
            many.iter().take(8).map(|id| id.0.as_str()).collect::<Vec<_>>().join(", ")
        ))),
    }
}

fn whole_log(
    shown: &Shown,
    subject: &SubjectId,
    target: Option<&str>,
    side: SideArg,
) -> Result<Exit, Failure> {
    let side = match side {
        SideArg::Baseline => Side::Baseline,
        SideArg::Candidate => Side::Candidate,
    };
    let latest = shown.run.latest();
    let result = latest
        .into_iter()
        .filter(|(unit, _)| unit.subject == *subject && unit.side == side && unit.attempt == 0)
        .find(|(unit, _)| target.is_none_or(|target| unit.target == target))
        .and_then(|(_, result)| result.log.clone());
    let Some(id) = result else {
        return Err(Failure::usage(format!("there is no log of the {} of {subject}", side.word())));
    };
    output::result(&String::from_utf8_lossy(&shown.run.output(&id)?));
    Ok(Exit::Fine)
}
