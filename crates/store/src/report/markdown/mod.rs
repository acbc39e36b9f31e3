//! A report for a comment on a pull request.
//!
//! The least that a reviewer needs comes first and is always there: the verdict
//! sentence. Everything else competes for the room that GitHub leaves, by
//! importance; what finds none is counted at the end.

mod budget;
mod escape;

use crate::comparison::{CaseComparison, Cause, PairComparison};
use crate::event::Side;
use crate::outcome::Outcome;
use crate::report::Report;
use crate::report::facts::{Facts, accuses};
use crate::report::logs::{around_error, tail};
use crate::report::reason::Reason;
use crate::report::text::{clean_line, shell_line, shell_quote, shorten};
use crate::report::words::{Meaning, attempts_words, case_words, count, duration, outcome_or, verdict_words};
use crate::verdict::Verdict;
use budget::{Draft, Kind};
use escape::{cell_code, code, fence, plain, summary_code};

/// The longest comment that GitHub takes, in characters.
pub const GITHUB_COMMENT_LIMIT: usize = 65_536;

/// The smallest limit that [`render_within`] keeps.
pub const SMALLEST_LIMIT: usize = 4_096;

/// Returns the report as GitHub Markdown, never longer than
/// [`GITHUB_COMMENT_LIMIT`].
pub fn render(report: &Report<'_>) -> String {
    render_within(report, GITHUB_COMMENT_LIMIT)
}

/// Returns the report as GitHub Markdown of at most `limit` bytes, and so of at
/// most as many characters however they are counted. A `limit` below
/// [`SMALLEST_LIMIT`] counts as that.
pub fn render_within(report: &Report<'_>, limit: usize) -> String {
    let facts = Facts::new(report);
    let mut draft = Draft::new();
    head(&facts, &mut draft);
    causes(&facts, &mut draft);
    changed(&facts, &mut draft);
    otherwise(&facts, &mut draft);
    excerpts(&facts, &mut draft);
    no_signal(&facts, &mut draft);
    unchanged(&facts, &mut draft);
    foot(&facts, &mut draft);
    let run = shorten(&clean_line(&report.started.run.0), 80);
    draft.fit(limit.max(SMALLEST_LIMIT), &code(&format!("charmproof report {run} --format html")))
}

fn head(facts: &Facts<'_>, draft: &mut Draft) {
    let mark = match facts.headline.tone {
        Meaning::Bad => "❌",
        Meaning::Good => "✅",
        Meaning::Warn | Meaning::Quiet => "⚠️",
    };
    let swap = match shorten(&facts.headline.swap, 200) {
        empty if empty.is_empty() => empty,
        swap => format!(": {}", code(&swap)),
    };
    draft.always(&format!("### {mark} {}{swap}\n", facts.headline.claim));
}

fn causes(facts: &Facts<'_>, draft: &mut Draft) {
    let section = draft.section(
        "\n| # | cause | place | charms | cases | smallest case |\n| --: | --- | --- | --- | --: | --- |\n",
        "",
    );
    for (index, cause) in facts.report.comparison.causes.iter().enumerate() {
        let place = cause.place.as_deref().map_or(String::new(), |place| cell_code(place, 120));
        let smallest = format!(
            "{} {} {}",
            cell_code(&cause.smallest.0.0, 100),
            cell_code(&cause.smallest.1, 40),
            cell_code(&cause.smallest.2, 160)
        );
        let row = format!(
            "| {} | {} | {place} | {} | {} | {smallest} |\n",
            index + 1,
            cell_code(&cause.title, 200),
            charms_cell(cause),
            cause.cases,
        );
        draft.add(section, Kind::Cause, row);
    }
}

/// How many charms a cause hits, and the first few.
fn charms_cell(cause: &Cause) -> String {
    let shown: Vec<String> = cause.subjects.iter().take(3).map(|id| cell_code(&id.0, 80)).collect();
    let more = match cause.subjects.len().saturating_sub(3) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("{}: {}{more}", cause.subjects.len(), shown.join(", "))
}

fn changed(facts: &Facts<'_>, draft: &mut Draft) {
    let section = draft.section(
        "\n| charm | target | baseline | candidate | verdict | why |\n| --- | --- | --- | --- | --- | --- |\n",
        "",
    );
    for pair in &facts.changed {
        let words = verdict_words(pair.verdict);
        let verdict = if accuses(pair.verdict) { format!("**{words}**") } else { words.to_owned() };
        let why = match clean_line(&pair.summary) {
            empty if empty.is_empty() => empty,
            summary => cell_code(&summary, 200),
        };
        let row = format!(
            "| {} | {} | {} | {} | {verdict} | {why} |\n",
            cell_code(&pair.subject.0, 120),
            cell_code(&pair.target, 40),
            outcome_or(pair.baseline, "–"),
            outcome_or(pair.candidate, "–"),
        );
        let kind = if accuses(pair.verdict) { Kind::Regression } else { Kind::Change };
        draft.add(section, kind, row);
    }
}

/// What failed before, and fails for another reason now.
fn otherwise(facts: &Facts<'_>, draft: &mut Draft) {
    let section =
        draft.section("\n#### Fails otherwise now\n\n| charm | target | why |\n| --- | --- | --- |\n", "");
    for pair in &facts.otherwise {
        let row = format!(
            "| {} | {} | {} |\n",
            cell_code(&pair.subject.0, 120),
            cell_code(&pair.target, 40),
            cell_code(&clean_line(&pair.summary), 300),
        );
        draft.add(section, Kind::Change, row);
    }
}

/// What failed, folded: first once for each cause, then for each charm.
fn excerpts(facts: &Facts<'_>, draft: &mut Draft) {
    let section = draft.section("", "");
    for (index, cause) in facts.report.comparison.causes.iter().enumerate() {
        let mut body = format!(
            "\n<details><summary>Cause {}: {}</summary>\n\n",
            index + 1,
            summary_code(&cause.title, 160)
        );
        body.push_str(&fence(&tail(around_error(&cause.failure, 40), 40, 3_000), "text"));
        if let Some(command) = facts.reproduce_cause(cause) {
            body.push_str("\nRun it again:\n\n");
            body.push_str(&fence(&shorten(&clean_line(command), 1_000), "sh"));
        }
        body.push_str("\n</details>\n");
        draft.add(section, Kind::CauseExcerpt, body);
    }
    for pair in facts.changed.iter().chain(&facts.otherwise).filter(|pair| pair.verdict != Verdict::Fixed) {
        if let Some(body) = pair_excerpt(facts, pair) {
            let kind = if accuses(pair.verdict) { Kind::Excerpt } else { Kind::ChangeExcerpt };
            draft.add(section, kind, body);
        }
    }
}

/// The cases of one pair and the end of its candidate's log; `None` where there
/// is neither.
fn pair_excerpt(facts: &Facts<'_>, pair: &PairComparison) -> Option<String> {
    const CASES: usize = 10;
    let run = facts.run(&pair.subject, &pair.target, Side::Candidate, 0);
    // The log of a suite that passed explains nothing.
    let failed = run.filter(|run| run.outcome != Outcome::Pass);
    let log = failed.and_then(|run| facts.log(run)).map(|log| tail(&log, 20, 2_000));
    if log.is_none() && pair.cases.is_empty() {
        return None;
    }
    let mut body = format!(
        "\n<details><summary>{} {}: {}</summary>\n\n",
        summary_code(&pair.subject.0, 120),
        summary_code(&pair.target, 40),
        verdict_words(pair.verdict)
    );
    let line = |case: &CaseComparison| {
        format!(
            "- {} {}: {} → {}\n",
            case_words(case.verdict),
            code(&shorten(&clean_line(&case.case), 200)),
            attempts_words(&case.baseline),
            attempts_words(&case.candidate)
        )
    };
    body.extend(pair.cases.iter().take(CASES).map(line));
    if pair.cases.len() > CASES {
        body.extend(["- and ", &count(pair.cases.len() - CASES, "more case"), "\n"]);
    }
    if let Some(log) = log {
        if !pair.cases.is_empty() {
            body.push('\n');
        }
        body.push_str(&fence(&log, "text"));
    }
    body.push_str("\n</details>\n");
    Some(body)
}

fn no_signal(facts: &Facts<'_>, draft: &mut Draft) {
    let silent: usize = facts.no_signal.values().map(Vec::len).sum();
    let missing = &facts.report.plan.missing;
    let mut title = count(silent, "pair");
    title.push_str(" without a signal");
    if !missing.is_empty() {
        let repositories = match missing.len() {
            1 => "1 repository".to_owned(),
            all => format!("{all} repositories"),
        };
        title = format!("{title}, {repositories} not had");
    }
    let section = draft.section(&format!("\n<details><summary>{title}</summary>\n\n"), "\n</details>\n");
    let left_out = facts.left_out_charms();
    for (reason, pairs) in facts.no_signal.iter().filter(|(reason, _)| **reason != Reason::Filtered) {
        draft.add(section, Kind::Reason, format!("- {}: {}\n", reason.words(), names(pairs)));
    }
    if left_out > 0 {
        let line = format!("- {}: {}\n", Reason::Filtered.words(), count(left_out, "charm"));
        draft.add(section, Kind::Reason, line);
    }
    for (repository, why) in missing {
        let why = shorten(&clean_line(why), 160);
        let line = format!("- {}: {}\n", code(&shorten(&clean_line(repository), 120)), plain(&why));
        draft.add(section, Kind::Missing, line);
    }
}

fn unchanged(facts: &Facts<'_>, draft: &mut Draft) {
    let of = |verdict| -> Vec<&PairComparison> {
        facts.unchanged.iter().copied().filter(|pair| pair.verdict == verdict).collect()
    };
    let (failing, passing) = (of(Verdict::StillFailing), of(Verdict::StillPassing));
    let section = draft.section(
        &format!(
            "\n<details><summary>{} unchanged: {} still passing, {} still failing</summary>\n\n",
            count(facts.unchanged.len(), "pair"),
            passing.len(),
            failing.len()
        ),
        "\n</details>\n",
    );
    for (words, pairs) in [("still failing", failing), ("still passing", passing)] {
        for chunk in pairs.chunks(50) {
            draft.add(section, Kind::Unchanged, format!("- {words}: {}\n", names(chunk)));
        }
    }
}

/// Charms with their targets, the first fifty.
fn names(pairs: &[&PairComparison]) -> String {
    let shown: Vec<String> = pairs
        .iter()
        .take(50)
        .map(|pair| {
            let name = format!("{} {}", clean_line(&pair.subject.0), clean_line(&pair.target));
            code(&shorten(&name, 120))
        })
        .collect();
    match pairs.len().saturating_sub(50) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

fn foot(facts: &Facts<'_>, draft: &mut Draft) {
    let report = &facts.report;
    let section = draft.section("\n", "");
    let swaps = facts.swaps().into_iter().map(|swap| {
        format!(
            "{} from {}",
            code(&shorten(&clean_line(&format!("{} {}", swap.record.package, swap.record.version)), 120)),
            code(&shorten(&clean_line(&swap.record.source), 160)),
        )
    });
    let mut parts: Vec<String> = swaps.take(5).collect();
    parts.push(format!("run {}", code(&shorten(&clean_line(&report.started.run.0), 80))));
    if let Some(wall) = facts.wall_ms() {
        parts.push(duration(wall));
    }
    if report.comparison.reused > 0 {
        parts.push(format!("{} reused", count(report.comparison.reused, "result")));
    }
    parts.push(format!("charmproof {}", code(&shorten(&clean_line(&report.started.charmproof), 40))));
    draft.add(section, Kind::Foot, format!("<sub>{}</sub>\n", parts.join(" · ")));
    let command = shorten(&clean_line(&shell_line(&report.started.command)), 1_000);
    let run = shell_quote(&shorten(&clean_line(&report.started.run.0), 80));
    let commands = format!("{command}\ncharmproof report {run} --format html");
    let body =
        format!("\n<details><summary>Run it yourself</summary>\n\n{}\n</details>\n", fence(&commands, "sh"));
    draft.add(section, Kind::Foot, body);
    for warning in report.warnings {
        let line = format!("\n⚠️ {}\n", plain(&shorten(&clean_line(warning), 300)));
        draft.add(section, Kind::Warning, line);
    }
}
