//! The list of runs.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::event::{Ending, RunId};
use crate::report::terminal::Terminal;
use crate::report::terminal::table::{Cell, Table};
use crate::report::text::clean_line;
use crate::report::words::{Meaning, VERDICTS, case_words, verdict_tone};
use crate::verdict::Verdict;

/// One run in the list of runs.
#[derive(Clone, Debug, PartialEq)]
pub struct RunRow {
    /// Its name.
    pub run: RunId,
    /// When it began.
    pub at: Timestamp,
    /// How it stopped; `None` where it was killed.
    pub ending: Option<Ending>,
    /// What was swapped, for example `ops 3.8.0`.
    pub swap: String,
    /// How many charms it covers.
    pub charms: usize,
    /// How many pairs there are of each verdict.
    pub totals: BTreeMap<Verdict, usize>,
}

/// Returns the list of runs, in the order given.
pub fn runs(rows: &[RunRow], terminal: Terminal) -> String {
    if rows.is_empty() {
        return "No run has been recorded yet; `charmproof check` makes one\n".into();
    }
    // The name of a run tells when it began; the column repeats it in words.
    let roomy = terminal.columns() >= 100;
    let mut header = vec!["run", "charms", "swap", "result"];
    if roomy {
        header.insert(1, "began (UTC)");
    }
    let mut table = Table::new(header);
    for row in rows {
        let (result, meaning) = result(row);
        let mut cells = vec![
            Cell::text(clean_line(&row.run.0)),
            Cell::figure(row.charms.to_string()),
            Cell::text(each_once(&clean_line(&row.swap))),
            Cell::meaning(result, meaning),
        ];
        if roomy {
            cells.insert(1, Cell::text(row.at.strftime("%Y-%m-%d %H:%M").to_string()));
        }
        table.row(cells);
    }
    let mut out = table.lines(terminal.style, terminal.columns(), if roomy { 3 } else { 2 }).join("\n");
    out.push('\n');
    out
}

/// The parts of a list, each once: the packages of one checkout are all given by
/// the same words.
fn each_once(list: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in list.split(", ") {
        if !parts.contains(&part) {
            parts.push(part);
        }
    }
    parts.join(", ")
}

/// The two gravest verdicts of a run, after how it stopped where that is bad.
fn result(row: &RunRow) -> (String, Meaning) {
    let mut meaning = Meaning::Good;
    let mut parts = Vec::new();
    match row.ending {
        Some(Ending::Completed) => {}
        Some(Ending::Interrupted) => parts.push("interrupted".to_owned()),
        None => parts.push("not finished".to_owned()),
    }
    if !parts.is_empty() {
        meaning = Meaning::Warn;
    }
    let seen = VERDICTS.into_iter().filter_map(|verdict| Some((verdict, *row.totals.get(&verdict)?)));
    for (verdict, number) in seen.filter(|&(_, number)| number > 0).take(2) {
        if verdict_tone(verdict) == Meaning::Bad {
            meaning = Meaning::Bad;
        }
        parts.push(format!("{number} {}", case_words(verdict)));
    }
    (parts.join(", "), meaning)
}
