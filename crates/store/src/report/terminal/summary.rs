//! What is printed after a check.

use std::collections::BTreeMap;

use crate::comparison::PairComparison;
use crate::report::Report;
use crate::report::facts::Facts;
use crate::report::reason::Reason;
use crate::report::terminal::Terminal;
use crate::report::terminal::table::{Cell, Table};
use crate::report::text::{clean_line, columns, shell_quote, shorten, shorten_middle, wrap};
use crate::report::words::{Meaning, count, duration, outcome_or, outcome_tone, verdict_tone, verdict_words};
use crate::verdict::Verdict;

/// How many causes are shown in full.
const CAUSES: usize = 10;

/// How many changed pairs are shown.
const ROWS: usize = 60;

/// How many charms are named where names only illustrate.
const NAMES: usize = 6;

/// Returns what a check prints at its end: the verdict first, the next commands
/// last.
pub fn summary(report: &Report<'_>, terminal: Terminal) -> String {
    let facts = Facts::new(report);
    let mut page = Page { terminal, lines: Vec::new() };
    page.headline(&facts);
    page.causes(&facts);
    page.pairs("Changed", &facts.changed);
    page.pairs("Fails otherwise now", &facts.otherwise);
    page.no_signal(&facts);
    page.rest(&facts);
    page.next(&facts);
    let mut out = page.lines.join("\n");
    out.push('\n');
    out
}

struct Page {
    terminal: Terminal,
    lines: Vec<String>,
}

impl Page {
    fn line(&mut self, line: impl Into<String>) {
        self.lines.push(line.into());
    }

    fn heading(&mut self, text: &str) {
        self.line("");
        self.line(self.terminal.style.heading(text));
    }

    /// Adds text that is broken between words. The first line stands behind
    /// `indent`, the others behind two more.
    fn text(&mut self, indent: usize, text: &str) {
        let lines = wrap(text, self.terminal.columns() - indent - 2);
        for (index, line) in lines.iter().enumerate() {
            let indent = if index == 0 { indent } else { indent + 2 };
            self.line(format!("{}{line}", " ".repeat(indent)));
        }
    }

    fn headline(&mut self, facts: &Facts<'_>) {
        let headline = &facts.headline;
        let width = self.terminal.columns();
        let sentence = headline.sentence();
        let lines = if columns(&sentence) <= width || headline.swap.is_empty() {
            wrap(&sentence, width)
        } else {
            // A version stays beside the package that it belongs to.
            let claim = wrap(&format!("{}:", headline.claim), width);
            let swap = wrap(&headline.swap, width - 2).into_iter().map(|line| format!("  {line}"));
            claim.into_iter().chain(swap).collect()
        };
        for line in lines {
            self.line(self.terminal.style.meaning(headline.tone, &line));
        }
    }

    fn causes(&mut self, facts: &Facts<'_>) {
        let causes = &facts.report.comparison.causes;
        if causes.is_empty() {
            return;
        }
        self.heading(if causes.len() == 1 { "Cause" } else { "Causes" });
        for (index, cause) in causes.iter().take(CAUSES).enumerate() {
            let number = format!("{:>2}. ", index + 1);
            let title = shorten(&clean_line(&cause.title), 400);
            for (at, line) in wrap(&title, self.terminal.columns() - 4).iter().enumerate() {
                let lead = if at == 0 { number.as_str() } else { "    " };
                self.line(format!("{lead}{}", self.terminal.style.meaning(Meaning::Bad, line)));
            }
            if let Some(place) = &cause.place {
                self.text(4, &format!("at {}", clean_line(place)));
            }
            let names: Vec<String> = cause.subjects.iter().map(|id| clean_line(&id.0)).collect();
            self.text(
                4,
                &format!(
                    "{} in {}: {}",
                    count(cause.cases, "case"),
                    count(cause.subjects.len(), "charm"),
                    some_of(&names)
                ),
            );
            self.text(4, &format!("smallest: {}", clean_line(&cause.smallest.2)));
            if let Some(command) = facts.reproduce_cause(cause) {
                let command = self.terminal.style.command(&clean_line(command));
                self.line(format!("    {command}"));
            }
        }
        if causes.len() > CAUSES {
            self.line(format!("    and {}", count(causes.len() - CAUSES, "more cause")));
        }
    }

    /// A table of pairs, each with the reason for its verdict.
    fn pairs(&mut self, heading: &str, pairs: &[&PairComparison]) {
        if pairs.is_empty() {
            return;
        }
        self.heading(heading);
        let shown = &pairs[..pairs.len().min(ROWS)];
        let mut table = Table::new(["charm", "target", "baseline", "candidate", "verdict"]);
        for pair in shown {
            table.row([
                Cell::text(clean_line(&pair.subject.0)),
                Cell::text(shorten_middle(&clean_line(&pair.target), 16)),
                Cell::meaning(outcome_or(pair.baseline, "-"), outcome_tone(pair.baseline)),
                Cell::meaning(outcome_or(pair.candidate, "-"), outcome_tone(pair.candidate)),
                Cell::meaning(verdict_words(pair.verdict), verdict_tone(pair.verdict)),
            ]);
        }
        let width = self.terminal.columns();
        let lines = table.lines(self.terminal.style, width, 0);
        self.line(lines[0].clone());
        for (pair, line) in shown.iter().zip(&lines[1..]) {
            self.line(line.clone());
            let why = shorten(&clean_line(&pair.summary), 300);
            for line in wrap(&why, width - 6) {
                self.line(format!("      {}", self.terminal.style.faint(&line)));
            }
        }
        if pairs.len() > ROWS {
            self.line(format!("  and {} more", pairs.len() - ROWS));
        }
    }

    fn no_signal(&mut self, facts: &Facts<'_>) {
        let missing = &facts.report.plan.missing;
        let left_out = facts.left_out_charms();
        if facts.no_signal.is_empty() && missing.is_empty() && left_out == 0 {
            return;
        }
        self.heading("No signal");
        for (reason, pairs) in &facts.no_signal {
            // Whoever left them out knows their names.
            if *reason == Reason::Filtered {
                continue;
            }
            let names = charms_and_targets(pairs, facts.report.plan.targets.len() > 1);
            let charms = count(names.len(), "charm");
            self.text(2, &format!("{} ({charms}): {}", reason.words(), some_of(&names)));
        }
        if left_out > 0 {
            self.text(2, &format!("{}: {}", Reason::Filtered.words(), count(left_out, "charm")));
        }
        if !missing.is_empty() {
            let names: Vec<String> = missing.keys().map(|name| clean_line(name)).collect();
            self.text(2, &format!("repository could not be had ({}): {}", names.len(), some_of(&names)));
        }
    }

    fn rest(&mut self, facts: &Facts<'_>) {
        self.line("");
        let failing = facts.unchanged.iter().filter(|pair| pair.verdict == Verdict::StillFailing);
        let failing = failing.count();
        let passing = facts.unchanged.len() - failing;
        let failing = match failing {
            0 => String::new(),
            failing => format!(", {failing} still failing"),
        };
        self.line(format!("Unchanged: {passing} still passing{failing}"));
        let comparison = facts.report.comparison;
        if comparison.unfinished > 0 {
            self.line(format!("Not run yet: {}", count(comparison.unfinished, "unit")));
        }
        if comparison.reused > 0 {
            self.line(format!(
                "Reused: {} of {} from earlier runs",
                comparison.reused,
                count(facts.report.results.len(), "result")
            ));
        }
        let (all, own) = facts.work_ms();
        match facts.wall_ms() {
            // All of it came from earlier runs.
            Some(wall) if all == 0 => self.text(0, &format!("Took {}", duration(wall))),
            Some(wall) => self.text(
                0,
                &format!(
                    "Took {}: {} of work side by side, {} of it charmproof's own",
                    duration(wall),
                    duration(all),
                    duration(own)
                ),
            ),
            None => {}
        }
        if let Some(two) = &comparison.two_runs {
            for (words, only) in
                [("In the first run only", &two.only_before), ("In the second run only", &two.only_after)]
            {
                if !only.is_empty() {
                    let names: Vec<String> = only.iter().map(|id| clean_line(&id.0)).collect();
                    self.text(0, &format!("{words} ({}): {}", count(only.len(), "charm"), some_of(&names)));
                }
            }
        }
        for warning in facts.report.warnings {
            let warning = format!("warning: {}", shorten(&clean_line(warning), 300));
            for line in wrap(&warning, self.terminal.columns()) {
                self.line(self.terminal.style.meaning(Meaning::Warn, &line));
            }
        }
    }

    fn next(&mut self, facts: &Facts<'_>) {
        let run = shell_quote(&clean_line(&facts.report.started.run.0));
        self.heading("Next");
        let mut commands = Vec::new();
        if facts.is_partial() && facts.report.comparison.two_runs.is_none() {
            commands.push(format!("charmproof resume {run}"));
        }
        let silent = facts.no_signal.values().flatten();
        let first = facts.changed.iter().chain(&facts.otherwise).chain(silent).chain(&facts.unchanged).next();
        if let Some(pair) = first {
            let charm = shell_quote(&clean_line(&pair.subject.0));
            commands.push(format!("charmproof show {run} {charm}"));
        }
        commands.push(format!("charmproof report {run} --format html"));
        for command in commands {
            self.line(format!("  {}", self.terminal.style.command(&command)));
        }
    }
}

/// The first names, and how many more there are.
fn some_of(names: &[String]) -> String {
    let shown = names[..names.len().min(NAMES)].join(", ");
    match names.len().saturating_sub(NAMES) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

/// Each charm once, with its targets in brackets where they need saying.
fn charms_and_targets(pairs: &[&PairComparison], with_targets: bool) -> Vec<String> {
    let mut targets: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for pair in pairs {
        targets.entry(clean_line(&pair.subject.0)).or_default().push(clean_line(&pair.target));
    }
    let name = |(charm, targets): (String, Vec<String>)| {
        if with_targets { format!("{charm} [{}]", targets.join(" ")) } else { charm }
    };
    targets.into_iter().map(name).collect()
}
