//! Fills the page: from the facts of a run to what is shown of it.

use std::collections::{BTreeMap, BTreeSet};

use crate::comparison::{Cause, PairComparison};
use crate::event::{Ending, SubjectId, SubjectRecord, SwapRecord};
use crate::outcome::Outcome;
use crate::report::Report;
use crate::report::facts::{Facts, is_silent};
use crate::report::html::allowance::Allowance;
use crate::report::html::detail;
use crate::report::html::model;
use crate::report::text::{clean_line, shell_line, shorten};
use crate::report::words::{
    Meaning, VERDICTS, change, count, duration, duration_or, gravity, moment, outcome_or, outcome_tone,
    verdict_key, verdict_meaning, verdict_tone, verdict_words,
};
use crate::verdict::Verdict;

/// The longest name, sentence and command that the page shows.
const NAME: usize = 300;
const SENTENCE: usize = 400;
const COMMAND: usize = 2_000;

/// Where each pair stands on the page.
type Anchors<'a> = BTreeMap<(&'a SubjectId, &'a str), String>;

/// Returns all that the page shows.
pub(super) fn page(report: &Report<'_>) -> model::Page {
    let facts = Facts::new(report);
    let pairs = ordered(&facts);
    let anchors: Anchors<'_> = pairs
        .iter()
        .enumerate()
        .map(|(index, pair)| ((&pair.subject, pair.target.as_str()), format!("pair-{}", index + 1)))
        .collect();
    let with_text = pairs.iter().filter(|pair| detail::shows_logs(pair)).count();
    let mut allowance = Allowance::new(with_text + report.comparison.causes.len());
    let causes = report.comparison.causes.iter().enumerate();
    let causes = causes.map(|(at, cause)| cause_of(&facts, at, cause, &anchors, &mut allowance));
    let causes = causes.collect();
    let rows = pairs
        .iter()
        .map(|pair| {
            let anchor = anchors[&(&pair.subject, pair.target.as_str())].clone();
            row(&facts, pair, anchor, &mut allowance)
        })
        .collect();
    let subjects = &report.plan.subjects;
    let teams: BTreeSet<String> =
        subjects.iter().filter_map(|subject| subject.team.as_deref().map(name)).collect();
    let groups: BTreeSet<String> =
        subjects.iter().flat_map(|subject| &subject.groups).map(|group| name(group)).collect();
    let targets: BTreeSet<String> = pairs.iter().map(|pair| name(&pair.target)).collect();
    model::Page {
        tone: facts.headline.tone.key(),
        claim: capitalised(&facts.headline.claim),
        swap: shorten(&facts.headline.swap, SENTENCE),
        partial: facts.is_partial(),
        run: run(&facts),
        swaps: swaps(&facts),
        totals: totals(&pairs),
        causes,
        pairs: rows,
        targets: targets.into_iter().collect(),
        teams: teams.into_iter().collect(),
        groups: groups.into_iter().collect(),
        timings: timings(&facts, &anchors),
        otherwise: facts
            .otherwise
            .iter()
            .map(|pair| model::Silent {
                link: link(&pair.subject, &pair.target, &anchors),
                why: sentence(&pair.summary),
            })
            .collect(),
        no_signal: no_signal(&facts, &anchors),
        missing: report.plan.missing.iter().map(|(name, why)| named(name, why)).collect(),
        left_out: facts
            .left_out()
            // Those with pairs stand among the reasons.
            .filter(|(id, _)| facts.report.comparison.pairs.iter().all(|pair| pair.subject != **id))
            .map(|(id, why)| named(&id.0, why))
            .collect(),
        warnings: report.warnings.iter().map(|warning| sentence(warning)).collect(),
    }
}

/// All pairs, gravest first; within a verdict in order of name.
fn ordered<'a>(facts: &Facts<'a>) -> Vec<&'a PairComparison> {
    let mut pairs: Vec<&PairComparison> = facts.report.comparison.pairs.iter().collect();
    pairs.sort_by_key(|pair| pair.verdict);
    pairs
}

pub(super) fn name(text: &str) -> String {
    shorten(&clean_line(text), NAME)
}

pub(super) fn sentence(text: &str) -> String {
    shorten(&clean_line(text), SENTENCE)
}

pub(super) fn command(text: &str) -> String {
    shorten(&clean_line(text), COMMAND)
}

fn named(title: &str, why: &str) -> model::Named {
    model::Named { name: name(title), why: sentence(why) }
}

fn capitalised(text: &str) -> String {
    let mut chars = text.chars();
    match chars.next() {
        Some(first) => first.to_uppercase().chain(chars).collect(),
        None => String::new(),
    }
}

fn link(subject: &SubjectId, target: &str, anchors: &Anchors<'_>) -> model::Link {
    model::Link {
        anchor: anchors.get(&(subject, target)).cloned(),
        charm: name(&subject.0),
        target: name(target),
    }
}

fn run(facts: &Facts<'_>) -> model::Run {
    let report = &facts.report;
    let (work, own) = facts.work_ms();
    let interpreters: BTreeSet<String> =
        report.results.iter().filter_map(|run| run.interpreter.as_deref().map(name)).collect();
    let protections: BTreeSet<String> = report
        .results
        .iter()
        .filter(|run| !run.protection.is_empty())
        .map(|run| sentence(&run.protection))
        .collect();
    let charms: BTreeSet<&SubjectId> = report.comparison.pairs.iter().map(|pair| &pair.subject).collect();
    model::Run {
        id: name(&report.started.run.0),
        started: moment(report.started.at),
        ending: match report.ending {
            Some(Ending::Completed) => "completed",
            Some(Ending::Interrupted) => "interrupted",
            None => "not finished",
        },
        charmproof: name(&report.started.charmproof),
        command: command(&shell_line(&report.started.command)),
        targets: name(&report.plan.targets.join(", ")),
        shard: report.plan.shard.as_deref().map(name),
        charms: charms.len(),
        wall: duration_or(facts.wall_ms(), "no time at all"),
        work: duration(work),
        own: duration(own),
        reused: report.comparison.reused,
        results: report.results.len(),
        unfinished: report.comparison.unfinished,
        interpreters: interpreters.into_iter().take(20).collect(),
        protections: protections.into_iter().take(20).collect(),
    }
}

fn swaps(facts: &Facts<'_>) -> Vec<model::Swap> {
    let plan = facts.report.plan;
    let given = |records: &[SwapRecord], package: &str| -> Option<SwapRecord> {
        records.iter().find(|record| record.package == package).cloned()
    };
    let candidate = facts.swaps().into_iter().map(|swap| {
        let before = swap.before.iter().map(|version| name(version)).collect();
        let baseline = given(&plan.baseline, &swap.record.package);
        model::Swap {
            package: name(&swap.record.package),
            before,
            version: Some(name(&swap.record.version)),
            sources: baseline.iter().chain([swap.record]).map(source_of).collect(),
        }
    });
    let baseline = plan.baseline.iter().filter(|record| given(&plan.candidate, &record.package).is_none());
    let baseline = baseline.map(|record| model::Swap {
        package: name(&record.package),
        before: vec![name(&record.version)],
        version: None,
        sources: vec![source_of(record)],
    });
    candidate.chain(baseline).collect()
}

fn source_of(record: &SwapRecord) -> model::Source {
    model::Source {
        version: name(&record.version),
        spec: name(&record.spec),
        digest: name(&record.digest),
        from: name(&record.source),
        link: web_link(&record.source, None, ""),
    }
}

/// The verdicts that occur, with their parts of the bar.
fn totals(pairs: &[&PairComparison]) -> Vec<model::Total> {
    let mut counts: BTreeMap<Verdict, usize> = BTreeMap::new();
    for pair in pairs {
        *counts.entry(pair.verdict).or_default() += 1;
    }
    let mut before = 0;
    let percent = |number: usize| format!("{:.2}%", number as f64 * 100.0 / pairs.len() as f64);
    VERDICTS
        .into_iter()
        .filter_map(|verdict| Some((verdict, *counts.get(&verdict)?)))
        .map(|(verdict, count)| {
            let total = model::Total {
                key: verdict_key(verdict),
                words: verdict_words(verdict),
                meaning: verdict_meaning(verdict),
                tone: verdict_tone(verdict).key(),
                count,
                from: percent(before),
                width: percent(count),
            };
            before += count;
            total
        })
        .collect()
}

fn cause_of(
    facts: &Facts<'_>,
    at: usize,
    cause: &Cause,
    anchors: &Anchors<'_>,
    allowance: &mut Allowance,
) -> model::Cause {
    let charms = cause.subjects.iter().map(|subject| {
        let pairs = facts.changed.iter();
        let hit = pairs
            .clone()
            .find(|pair| pair.subject == *subject && pair.cases.iter().any(|case| case.cause == Some(at)));
        let any = || facts.changed.iter().find(|pair| pair.subject == *subject);
        let target = hit.or_else(any).map_or("", |pair| pair.target.as_str());
        link(subject, target, anchors)
    });
    model::Cause {
        number: at + 1,
        title: sentence(&cause.title),
        place: cause.place.as_deref().map(name),
        charms: charms.collect(),
        cases: count(cause.cases, "case"),
        smallest: link(&cause.smallest.0, &cause.smallest.1, anchors),
        smallest_case: name(&cause.smallest.2),
        command: facts.reproduce_cause(cause).map(command),
        failure: detail::failure(&cause.failure, allowance, 8_000),
    }
}

fn row(facts: &Facts<'_>, pair: &PairComparison, anchor: String, allowance: &mut Allowance) -> model::Pair {
    let subject = facts.subject(&pair.subject);
    let (before, after) = pair.duration_ms;
    model::Pair {
        anchor,
        charm: name(&pair.subject.0),
        link: subject.and_then(permalink),
        commit: subject.and_then(|subject| subject.commit.as_deref()).map_or_else(String::new, name),
        target: name(&pair.target),
        team: subject.and_then(|subject| subject.team.as_deref()).map_or_else(String::new, name),
        groups: subject
            .map_or_else(Vec::new, |subject| subject.groups.iter().map(|group| name(group)).collect()),
        verdict: verdict_key(pair.verdict),
        words: verdict_words(pair.verdict),
        tone: verdict_tone(pair.verdict).key(),
        gravity: gravity(pair.verdict),
        why: sentence(&pair.summary),
        baseline: outcome(pair.baseline, 1, "no result"),
        candidate: outcome(pair.candidate, 1, "no result"),
        cases: match pair.case_counts {
            (0, 0) => "–".into(),
            (before, after) if before == after => before.to_string(),
            (before, after) => format!("{before} → {after}"),
        },
        time_ms: after.or(before).unwrap_or(0),
        time: duration_or(after.or(before), "–"),
        // Small differences are noise, and those of broken runs say nothing.
        change: match (before, after) {
            (Some(a), Some(b)) if !is_silent(pair) && a.abs_diff(b) * 10 >= a => change(before, after),
            _ => String::new(),
        },
        detail: detail::of(facts, pair, allowance),
    }
}

pub(super) fn outcome(outcome: Option<Outcome>, times: usize, absent: &str) -> model::Outcome {
    model::Outcome { words: outcome_or(outcome, absent), tone: outcome_tone(outcome).key(), times }
}

/// Where the charm's files can be read as they were tested.
fn permalink(subject: &SubjectRecord) -> Option<String> {
    web_link(&subject.repository, subject.commit.as_deref(), subject.root.as_str())
}

/// A link to a repository, at a commit where its host is one whose links are
/// known. Anything but a plain web address is not made a link at all.
fn web_link(repository: &str, commit: Option<&str>, root: &str) -> Option<String> {
    let repository = repository.strip_prefix("git+").unwrap_or(repository);
    let rest = repository.strip_prefix("https://")?;
    let tame = |c: char| c.is_ascii_alphanumeric() || "-._~/%+@:#=?&".contains(c);
    if rest.is_empty() || !rest.chars().all(tame) || rest.contains("..") {
        return None;
    }
    let at = commit.map(|commit| commit.trim_end_matches('+'));
    let at = at.filter(|at| !at.is_empty() && at.chars().all(|c| c.is_ascii_hexdigit()));
    let base = repository.trim_end_matches('/').trim_end_matches(".git");
    match at {
        Some(at) if rest.starts_with("github.com/") && root.chars().all(tame) => {
            Some(format!("{base}/tree/{at}/{root}").trim_end_matches('/').to_owned())
        }
        _ => Some(repository.to_owned()),
    }
}

/// Baseline against candidate, the longest first.
fn timings(facts: &Facts<'_>, anchors: &Anchors<'_>) -> Vec<model::Timing> {
    let pairs = facts.report.comparison.pairs.iter();
    let longest_of = |pair: &PairComparison| pair.duration_ms.0.max(pair.duration_ms.1);
    let mut timed: Vec<&PairComparison> = pairs.filter(|pair| longest_of(pair) > Some(0)).collect();
    timed.sort_by_key(|pair| std::cmp::Reverse(longest_of(pair)));
    let longest = timed.first().and_then(|pair| longest_of(pair)).unwrap_or(1);
    let bar = |ms: Option<u64>| format!("{:.2}%", ms.unwrap_or(0) as f64 * 100.0 / longest as f64);
    timed
        .into_iter()
        .map(|pair| {
            let (before, after) = pair.duration_ms;
            let tone = match pair.verdict {
                Verdict::Slower => Meaning::Warn,
                Verdict::Faster => Meaning::Good,
                _ => Meaning::Quiet,
            };
            model::Timing {
                link: link(&pair.subject, &pair.target, anchors),
                baseline: duration_or(before, "–"),
                candidate: duration_or(after, "–"),
                baseline_bar: bar(before),
                candidate_bar: bar(after),
                change: change(before, after),
                tone: tone.key(),
            }
        })
        .collect()
}

fn no_signal(facts: &Facts<'_>, anchors: &Anchors<'_>) -> Vec<model::Silence> {
    let reasons = facts.no_signal.iter().map(|(reason, pairs)| model::Silence {
        words: capitalised(&reason.words()),
        explanation: spans(reason.explanation()),
        pairs: pairs
            .iter()
            .map(|pair| model::Silent {
                link: link(&pair.subject, &pair.target, anchors),
                why: sentence(&pair.summary),
            })
            .collect(),
    });
    reasons.collect()
}

/// Splits a sentence of ours at its backticks.
fn spans(text: &str) -> Vec<model::Span> {
    let parts = text.split('`').enumerate();
    parts
        .filter(|(_, text)| !text.is_empty())
        .map(|(index, text)| model::Span { code: index % 2 == 1, text: text.to_owned() })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_web_addresses_become_links() {
        let github = "https://github.com/canonical/kfp-operators";
        assert_eq!(
            web_link(github, Some("abc123+"), "charms/kfp-ui").as_deref(),
            Some("https://github.com/canonical/kfp-operators/tree/abc123/charms/kfp-ui")
        );
        assert_eq!(web_link(github, Some("a\"b"), "").as_deref(), Some(github));
        assert_eq!(web_link("javascript:alert(1)", None, ""), None);
        assert_eq!(web_link("https://x/\" onclick=\"", None, ""), None);
        assert_eq!(web_link("../operator", None, ""), None);
    }
}
