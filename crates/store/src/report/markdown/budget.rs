//! The most important parts that fit.

use std::collections::BTreeMap;

use crate::report::words::count;

/// Room that is kept for saying what was dropped.
const NOTE: usize = 900;

/// What a part is, the most important first. Parts of one kind are dropped from
/// their end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// A row of the causes table.
    Cause,
    /// The row of a pair that is held against the swap.
    Regression,
    /// What the run was.
    Foot,
    /// The folded failure of a cause.
    CauseExcerpt,
    /// The row of any other pair that changed.
    Change,
    /// A reason for no signal.
    Reason,
    /// A warning of the run.
    Warning,
    /// The folded details of a regressed pair.
    Excerpt,
    /// A repository that could not be had.
    Missing,
    /// The folded details of any other changed pair.
    ChangeExcerpt,
    /// Names of unchanged pairs.
    Unchanged,
}

impl Kind {
    fn word(self) -> &'static str {
        match self {
            Self::Cause => "cause",
            Self::Regression => "regressed row",
            Self::Foot => "footer line",
            Self::CauseExcerpt => "cause excerpt",
            Self::Change => "changed row",
            Self::Reason => "reason for no signal",
            Self::Warning => "warning",
            Self::Excerpt => "failure excerpt",
            Self::Missing => "missing repository",
            Self::ChangeExcerpt => "other excerpt",
            Self::Unchanged => "line of unchanged pairs",
        }
    }
}

/// A report in parts.
pub(super) struct Draft {
    head: String,
    sections: Vec<Section>,
}

struct Section {
    open: String,
    close: &'static str,
    parts: Vec<Part>,
}

struct Part {
    kind: Kind,
    text: String,
    kept: bool,
}

impl Draft {
    /// An empty report.
    pub(super) fn new() -> Self {
        Self { head: String::new(), sections: Vec::new() }
    }

    /// Adds to what is never dropped. The caller keeps it short.
    pub(super) fn always(&mut self, text: &str) {
        self.head.push_str(text);
    }

    /// Begins a section, which appears only with at least one part in it.
    pub(super) fn section(&mut self, open: &str, close: &'static str) -> usize {
        self.sections.push(Section { open: open.to_owned(), close, parts: Vec::new() });
        self.sections.len() - 1
    }

    /// Adds a part at the end of a section.
    pub(super) fn add(&mut self, section: usize, kind: Kind, text: String) {
        self.sections[section].parts.push(Part { kind, text, kept: false });
    }

    /// Returns the report in at most `limit` bytes. Where something was dropped,
    /// its end says what, and that `instead` shows it.
    pub(super) fn fit(mut self, limit: usize, instead: &str) -> String {
        let mut order: Vec<(Kind, usize, usize)> = Vec::new();
        for (at, section) in self.sections.iter().enumerate() {
            order.extend(section.parts.iter().enumerate().map(|(index, part)| (part.kind, at, index)));
        }
        order.sort_unstable();
        let mut room = limit.saturating_sub(self.head.len() + NOTE);
        let mut dropped: BTreeMap<Kind, usize> = BTreeMap::new();
        for (kind, at, index) in order {
            let section = &mut self.sections[at];
            let is_new = !section.parts.iter().any(|part| part.kept);
            let frame = if is_new { section.open.len() + section.close.len() } else { 0 };
            let needed = section.parts[index].text.len() + frame;
            // Rows after a dropped one are dropped too, so that what is left is
            // the beginning of a list and not a random choice from it.
            if needed > room || dropped.contains_key(&kind) {
                *dropped.entry(kind).or_default() += 1;
                continue;
            }
            room -= needed;
            section.parts[index].kept = true;
        }
        let mut out = self.head;
        for section in &self.sections {
            if section.parts.iter().any(|part| part.kept) {
                out.push_str(&section.open);
                out.extend(section.parts.iter().filter(|part| part.kept).map(|part| part.text.as_str()));
                out.push_str(section.close);
            }
        }
        if !dropped.is_empty() {
            let parts: Vec<String> =
                dropped.into_iter().map(|(kind, number)| count_of(number, kind)).collect();
            out.push_str("\nLeft out to stay within the limit for comments: ");
            out.push_str(&parts.join(", "));
            out.push_str(". All of it: ");
            out.push_str(instead);
            out.push('\n');
        }
        out
    }
}

fn count_of(number: usize, kind: Kind) -> String {
    match (kind, number) {
        (Kind::Reason, 2..) => format!("{number} reasons for no signal"),
        (Kind::Missing, 2..) => format!("{number} missing repositories"),
        (Kind::Unchanged, 2..) => format!("{number} lines of unchanged pairs"),
        _ => count(number, kind.word()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_important_goes_first() {
        let mut draft = Draft::new();
        draft.always("head\n");
        let rows = draft.section("open\n", "close\n");
        draft.add(rows, Kind::Unchanged, "u".repeat(500));
        draft.add(rows, Kind::Cause, "c".repeat(500));
        let text = draft.fit(NOTE + 600, "`see`");
        assert!(text.contains("ccc") && !text.contains("uuu"));
        assert!(text.ends_with("comments: 1 line of unchanged pairs. All of it: `see`\n"), "{text}");
    }

    #[test]
    fn an_empty_section_leaves_no_trace() {
        let mut draft = Draft::new();
        draft.always("head\n");
        draft.section("open\n", "close\n");
        assert_eq!(draft.fit(4_096, ""), "head\n");
    }
}
