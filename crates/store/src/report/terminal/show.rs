//! All that is known of one charm's target, or of one case of it.

use crate::comparison::{CaseComparison, PairComparison, SUITE};
use crate::event::{Failure, Frame, Side, Sighting, SubjectId, UnitResult};
use crate::report::Report;
use crate::report::facts::Facts;
use crate::report::logs::{around_error, diff_of_logs, tail};
use crate::report::terminal::Terminal;
use crate::report::terminal::table::{Cell, Table};
use crate::report::text::{clean_line, shorten, wrap};
use crate::report::words::{
    Meaning, attempts_words, bytes, case_words, count, duration, duration_or, outcome_tone, proof_words,
    short_digest, verdict_meaning, verdict_tone, verdict_words,
};
use crate::verdict::Verdict;

/// How many lines of a log, and of a difference, are shown.
const LOG_LINES: usize = 60;
const DIFF_LINES: usize = 120;

/// How many cases of a pair are shown in full.
const CASES: usize = 25;

/// Returns all that is known of a charm, of one of its targets, or of one case
/// of that; `None` where the run has no such thing.
///
/// A case may be named in full, or by any part of its name.
pub fn show(
    report: &Report<'_>,
    subject: &SubjectId,
    target: Option<&str>,
    case: Option<&str>,
    terminal: Terminal,
) -> Option<String> {
    let facts = Facts::new(report);
    let mut pairs: Vec<&PairComparison> = report
        .comparison
        .pairs
        .iter()
        .filter(|pair| pair.subject == *subject && target.is_none_or(|name| name == pair.target))
        .filter(|pair| case.is_none_or(|name| !matching(pair, name).is_empty()))
        .collect();
    if pairs.is_empty() {
        return None;
    }
    // The sort is stable: within a verdict, pairs stay in order of name.
    pairs.sort_by_key(|pair| pair.verdict);
    // Whoever asks for a charm wants to know what happened to it; what is as it was
    // is a line, unless it is all there is.
    let brief =
        |pair: &PairComparison| target.is_none() && case.is_none() && pairs.len() > 1 && is_as_before(pair);
    let mut page = Page { facts: &facts, terminal, lines: Vec::new() };
    let (short, long): (Vec<&PairComparison>, Vec<&PairComparison>) =
        pairs.iter().copied().partition(|pair| brief(pair));
    for (index, pair) in long.iter().enumerate() {
        if index > 0 {
            page.line("");
        }
        match case {
            Some(name) => page.one_case(pair, name),
            None => page.pair(pair),
        }
    }
    if !short.is_empty() && !long.is_empty() {
        page.line("");
    }
    for pair in short {
        page.one_line(pair);
    }
    let mut out = page.lines.join("\n");
    out.push('\n');
    Some(out)
}

/// Whether a pair is as it was, so that a line says it all.
fn is_as_before(pair: &PairComparison) -> bool {
    match pair.verdict {
        Verdict::StillPassing | Verdict::Unaffected => true,
        Verdict::StillFailing => !pair.fails_otherwise(),
        _ => false,
    }
}

/// Whether a frame belongs to what runs the tests, which no one reads.
fn is_plumbing(frame: &Frame) -> bool {
    let mut folders = frame.file.split('/').rev().skip(1);
    folders.any(|folder| folder == "_pytest" || folder == "pluggy")
}

/// The cases that a name means: exactly that one, or all that contain it.
fn matching<'a>(pair: &'a PairComparison, name: &str) -> Vec<&'a CaseComparison> {
    if let Some(exact) = pair.cases.iter().find(|case| case.case == name) {
        return vec![exact];
    }
    pair.cases.iter().filter(|case| case.case.contains(name)).collect()
}

struct Page<'a> {
    facts: &'a Facts<'a>,
    terminal: Terminal,
    lines: Vec<String>,
}

impl Page<'_> {
    fn line(&mut self, line: impl Into<String>) {
        self.lines.push(line.into());
    }

    fn heading(&mut self, text: &str) {
        self.line("");
        self.line(self.terminal.style.heading(text));
    }

    fn text(&mut self, indent: usize, text: &str) {
        for line in wrap(text, self.terminal.columns() - indent) {
            self.line(format!("{}{line}", " ".repeat(indent)));
        }
    }

    fn block(&mut self, indent: usize, text: &str) {
        for line in text.lines() {
            self.line(format!("{}{line}", " ".repeat(indent)).trim_end().to_owned());
        }
    }

    /// The head of a pair: which, what, why.
    fn title(&mut self, pair: &PairComparison) {
        let name = format!("{} {}", clean_line(&pair.subject.0), clean_line(&pair.target));
        let verdict = self.terminal.style.meaning(verdict_tone(pair.verdict), verdict_words(pair.verdict));
        self.line(format!("{}: {verdict}", self.terminal.style.heading(&name)));
        self.text(2, verdict_meaning(pair.verdict));
        self.text(2, &shorten(&clean_line(&pair.summary), 600));
        if let Some(subject) = self.facts.subject(&pair.subject) {
            let commit = subject.commit.as_deref().unwrap_or("no commit");
            let root = match subject.root.as_str() {
                "" => String::new(),
                root => format!(", in {}", clean_line(root)),
            };
            let repository = clean_line(&subject.repository);
            self.text(2, &format!("{repository} at {}{root}", clean_line(commit)));
        }
    }

    fn pair(&mut self, pair: &PairComparison) {
        self.title(pair);
        self.runs(pair);
        self.cases(&pair.cases);
        if pair.still_passing > 0 {
            self.line(format!("  and {} still passing", count(pair.still_passing, "case")));
        }
        self.proof(pair);
        self.commands(pair);
        if !pair.drift.is_empty() {
            self.heading("Other packages that differ");
            for line in &pair.drift {
                self.text(2, &clean_line(line));
            }
        }
        self.logs(pair);
        self.reproduce(pair);
    }

    /// All that is said of a pair that is as it was.
    fn one_line(&mut self, pair: &PairComparison) {
        let name = format!("{} {}", clean_line(&pair.subject.0), clean_line(&pair.target));
        let verdict = verdict_words(pair.verdict);
        let why = shorten(&clean_line(&pair.summary), 200);
        let why = if why.is_empty() { why } else { format!(" ({why})") };
        self.line(format!("{name}: {verdict}{why}"));
    }

    fn one_case(&mut self, pair: &PairComparison, name: &str) {
        self.title(pair);
        self.cases(&matching(pair, name));
        self.proof(pair);
        self.reproduce(pair);
    }

    /// A line for each run of each side.
    fn runs(&mut self, pair: &PairComparison) {
        self.heading("Runs");
        let mut table = Table::new(["side", "try", "outcome", "cases", "time", "cpu", "memory"]);
        let runs = self.facts.runs(&pair.subject, &pair.target);
        for run in runs {
            table.row([
                Cell::text(run.unit.side.word()),
                Cell::figure((run.unit.attempt + 1).to_string()),
                Cell::meaning(run.outcome.words(), outcome_tone(Some(run.outcome))),
                Cell::figure(run.cases.len().to_string()),
                Cell::figure(duration(run.duration_ms)),
                Cell::figure(duration(run.cpu_ms)),
                Cell::figure(run.memory_peak_bytes.map_or_else(|| "-".into(), bytes)),
            ]);
        }
        for line in table.lines(self.terminal.style, self.terminal.columns(), 2) {
            self.line(line);
        }
        for run in runs {
            if let Some(earlier) = &run.reused_from {
                let side = run.unit.side.word();
                self.text(4, &format!("{side}: result of run {}", clean_line(&earlier.0)));
            }
        }
    }

    fn cases<C: std::borrow::Borrow<CaseComparison>>(&mut self, cases: &[C]) {
        if cases.is_empty() {
            return;
        }
        self.heading("Cases");
        for case in cases.iter().take(CASES) {
            let case: &CaseComparison = case.borrow();
            let name = if case.case == SUITE { "the suite as a whole" } else { &case.case };
            let verdict = case_words(case.verdict);
            let verdict = self.terminal.style.meaning(verdict_tone(case.verdict), verdict);
            self.line(format!("  {verdict}  {}", clean_line(name)));
            self.text(
                4,
                &format!(
                    "baseline {} ({}); candidate {} ({})",
                    attempts_words(&case.baseline),
                    duration_or(case.duration_ms.0, "no time"),
                    attempts_words(&case.candidate),
                    duration_or(case.duration_ms.1, "no time"),
                ),
            );
            if let Some(before) = &case.baseline_failure {
                let said = format!("{}: {}", before.exception, before.message);
                self.text(4, &format!("without the swap: {}", shorten(&clean_line(&said), 300)));
            }
            if let Some(failure) = &case.failure {
                self.failure(failure);
            }
        }
        if cases.len() > CASES {
            self.line(format!("  and {}", count(cases.len() - CASES, "more case")));
        }
    }

    fn failure(&mut self, failure: &Failure) {
        let message = shorten(&clean_line(&failure.message), 600);
        let said = match (failure.exception.is_empty(), message.is_empty()) {
            (false, false) => format!("{}: {message}", clean_line(&failure.exception)),
            (false, true) => clean_line(&failure.exception),
            (true, _) => message,
        };
        for line in wrap(&said, self.terminal.columns() - 4) {
            self.line(format!("    {}", self.terminal.style.meaning(Meaning::Bad, &line)));
        }
        for frame in failure.frames.iter().filter(|frame| !is_plumbing(frame)) {
            let package = match &frame.package {
                Some(package) => format!(" (swapped: {})", clean_line(package)),
                None => String::new(),
            };
            let file = clean_line(&frame.file);
            let function = clean_line(&frame.function);
            self.text(4, &format!("{file}:{} in {function}{package}", frame.line));
        }
        let excerpt = tail(around_error(failure, 30), 30, 4_000);
        self.block(6, &excerpt);
    }

    fn proof(&mut self, pair: &PairComparison) {
        self.heading("Proof of injection");
        for side in [Side::Baseline, Side::Candidate] {
            let Some(run) = self.facts.run(&pair.subject, &pair.target, side, 0) else {
                self.line(format!("  {}: no result", side.word()));
                continue;
            };
            let injection = &run.injection;
            let said = match clean_line(&injection.summary) {
                empty if empty.is_empty() => proof_words(injection.proof).to_owned(),
                summary => format!("{}: {summary}", proof_words(injection.proof)),
            };
            self.text(2, &format!("{}: {said}", side.word()));
            self.sightings(&injection.sightings);
        }
    }

    /// A line for each package; where a package was not seen the same everywhere, a
    /// line for each sighting, with its path.
    fn sightings(&mut self, sightings: &[Sighting]) {
        let mut packages: Vec<(&str, Vec<&Sighting>)> = Vec::new();
        for sighting in sightings {
            match packages.iter_mut().find(|(package, _)| *package == sighting.package) {
                Some((_, all)) => all.push(sighting),
                None => packages.push((&sighting.package, vec![sighting])),
            }
        }
        for (_, all) in packages {
            let agree =
                all.windows(2).all(|two| two[0].version == two[1].version && two[0].digest == two[1].digest);
            if agree {
                self.text(4, &seen(all[0]));
                continue;
            }
            for sighting in all {
                let by = match (sighting.process.is_empty(), sighting.imported) {
                    (true, _) => "seen after the install".into(),
                    (false, true) => format!("imported by {}", clean_line(&sighting.process)),
                    (false, false) => format!("seen by {}", clean_line(&sighting.process)),
                };
                let path = match clean_line(&sighting.path) {
                    empty if empty.is_empty() => empty,
                    path => format!(" in {path}"),
                };
                self.text(4, &format!("{}{path}, {by}", seen(sighting)));
            }
        }
    }

    /// What was run, with what, and what was changed before.
    fn commands(&mut self, pair: &PairComparison) {
        for side in [Side::Baseline, Side::Candidate] {
            let Some(run) = self.facts.run(&pair.subject, &pair.target, side, 0) else {
                continue;
            };
            self.heading(&format!("What the {} ran", side.word()));
            self.line(format!("  {}", clean_line(&run.invocation)));
            self.text(4, &about(run));
            for command in &run.commands {
                let exit = match command.exit_code {
                    Some(code) => format!("exit {code}"),
                    None => "no exit status".into(),
                };
                let shown = self.terminal.style.command(&clean_line(&command.command));
                self.line(format!("    {shown}  {}", self.terminal.style.faint(&exit)));
            }
            if !run.edits.is_empty() {
                self.line("  changed in the copy before:");
                for edit in &run.edits {
                    self.text(4, &clean_line(edit));
                }
            }
        }
    }

    /// The end of the candidate's log, and how it differs from the baseline's.
    fn logs(&mut self, pair: &PairComparison) {
        let log = |side| {
            let run = self.facts.run(&pair.subject, &pair.target, side, 0)?;
            self.facts.log(run)
        };
        let (baseline, candidate) = (log(Side::Baseline), log(Side::Candidate));
        if let (Some(baseline), Some(candidate)) = (&baseline, &candidate) {
            let diff = diff_of_logs(baseline, candidate, DIFF_LINES);
            self.heading("How the logs differ (times and temporary paths aside)");
            if diff.is_empty() {
                self.line("  the logs do not differ");
            }
            for line in diff.lines() {
                self.line(format!("  {}", self.terminal.style.diff(line)));
            }
        }
        for (side, log) in [(Side::Candidate, candidate), (Side::Baseline, baseline)] {
            if let Some(log) = log {
                self.heading(&format!("End of the {}'s log", side.word()));
                self.block(2, &tail(&log, LOG_LINES, 16_000));
                // One log is enough where the diff says the rest.
                break;
            }
        }
    }

    fn reproduce(&mut self, pair: &PairComparison) {
        let runs = self.facts.runs(&pair.subject, &pair.target);
        let commands: Vec<(Side, String)> = [Side::Baseline, Side::Candidate]
            .into_iter()
            .filter_map(|side| {
                let run = runs.iter().find(|run| run.unit.side == side)?;
                (!run.reproduce.is_empty()).then(|| (side, clean_line(&run.reproduce)))
            })
            .collect();
        if commands.is_empty() {
            return;
        }
        self.heading("Run it again");
        // A check always runs both sides, so the command is mostly the same.
        if commands.windows(2).all(|pair| pair[0].1 == pair[1].1) {
            let command = self.terminal.style.command(&commands[0].1);
            self.line(format!("  {command}"));
            return;
        }
        for (side, command) in commands {
            let command = self.terminal.style.command(&command);
            self.line(format!("  {command}  {}", self.terminal.style.faint(&format!("# {}", side.word()))));
        }
    }
}

/// The package, its version and the start of its digest.
fn seen(sighting: &Sighting) -> String {
    let package = clean_line(&sighting.package);
    if sighting.version.is_empty() {
        return format!("{package} is not there");
    }
    let version = clean_line(&sighting.version);
    format!("{package} {version} ({})", short_digest(&clean_line(&sighting.digest)))
}

/// The interpreter and the protections of a run.
fn about(run: &UnitResult) -> String {
    let mut parts = Vec::new();
    if let Some(interpreter) = &run.interpreter {
        parts.push(format!("Python {}", clean_line(interpreter)));
    }
    if !run.protection.is_empty() {
        parts.push(clean_line(&run.protection));
    }
    parts.push(count(run.environment.len(), "distribution"));
    parts.join("; ")
}
