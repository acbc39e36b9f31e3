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
    let run = place.store()?.run(&RunRef::parse(&args.run)).map_err(|error| {
        let failure = Failure::from(error);
        // Whoever names a charm alone means the latest run.
        if args.charm.is_none() && args.run != "latest" {
            failure.hint(format!(
                "`charmproof show latest {}` shows a charm of the latest run; `charmproof runs` lists the runs",
                args.run
            ))
        } else {
            failure
        }
    })?;
    let shown = Shown::new(run);
    let screen = output::terminal(colour);
    let Some(charm) = &args.charm else {
        output::result(&shown.with_report(|view| report::summary(view, screen)));
        return Ok(Exit::Fine);
    };
    let subject = find(&shown, charm)?;
    let (target, case) = target_and_case(&shown, &args.words)?;
    if let Some(side) = args.log {
        return whole_log(&shown, &subject, target, side);
    }
    match shown.with_report(|view| report::show(view, &subject, target, case, screen)) {
        Some(text) => {
            output::result(&text);
            Ok(Exit::Fine)
        }
        None => Err(Failure::usage(format!("the run has no such case of {subject}"))
            .hint(format!("`charmproof show {} {subject}` lists what changed", shown.run.id()))),
    }
}

/// `TARGET`, `CASE` or `TARGET CASE`: what is no target of the run is a case.
fn target_and_case<'a>(
    shown: &Shown,
    words: &'a [String],
) -> Result<(Option<&'a str>, Option<&'a str>), Failure> {
    let targets = &shown.run.plan.targets;
    match words {
        [] => Ok((None, None)),
        [word] if targets.contains(word) => Ok((Some(word), None)),
        [word] => Ok((None, Some(word))),
        [target, case, ..] if targets.contains(target) => Ok((Some(target), Some(case))),
        [target, ..] => Err(Failure::usage(format!("the run has no target {target}"))
            .hint(format!("it has {}", targets.join(", ")))),
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
        [] => {
            let names: Vec<&str> = all.iter().take(12).map(|id| id.0.as_str()).collect();
            let more = all.len() - names.len();
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            Err(Failure::usage(format!("the run has no charm called {word}"))
                .hint(format!("it has {}{more}", names.join(", "))))
        }
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
    // Without a target, the gravest pair is meant.
    let mut pairs: Vec<_> = shown
        .comparison
        .pairs
        .iter()
        .filter(|pair| pair.subject == *subject && target.is_none_or(|target| pair.target == target))
        .collect();
    pairs.sort_by_key(|pair| pair.verdict);
    let latest = shown.run.latest();
    let result = pairs.iter().find_map(|pair| {
        let mut of_pair = latest.iter().filter(|(unit, _)| {
            unit.subject == *subject && unit.side == side && unit.attempt == 0 && unit.target == pair.target
        });
        of_pair.next()?.1.log.clone()
    });
    let Some(id) = result else {
        return Err(Failure::usage(format!("there is no log of the {} of {subject}", side.word())));
    };
    output::result(&String::from_utf8_lossy(&shown.run.output(&id)?));
    Ok(Exit::Fine)
}
