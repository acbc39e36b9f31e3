//! Diagnostics that need more than their own line: a rule above an arrow, or a
//! file named in a heading.

use std::sync::LazyLock;

use regex::Regex;

use super::{Around, Found, Tool, UNFORMATTED, Weight};
use crate::diagnostics::names::pattern;

static ARROW: LazyLock<Regex> = LazyLock::new(|| pattern(r"^ {0,8}--> (.+?):(\d+)(?::(\d+))?$"));
static TY_HEAD: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"^(error|warning|info|fatal)\[([\w-]+)\]: (.+)$"));
static RUFF_HEAD: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"^([A-Z]{1,8}\d{1,5}|[a-z]+(?:-[a-z]+)*:?)(?: \[\*\])? (.+)$"));
static HEADING: LazyLock<Regex> = LazyLock::new(|| pattern(r"^(\S[^:\s]*\.\w{1,8}):?$|^In (\S+) line \d+:$"));
static GROUPED: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"^ +(\d+):(\d+) +([A-Z]{1,8}\d{1,5}|invalid-syntax:?)(?: \[\*\])? +(.+)$"));
static YAMLLINT: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"^ +(\d+):(\d+) +(error|warning) +(.+?)(?: +\(([\w-]+)\))?$"));
static PYDOCSTYLE_PLACE: LazyLock<Regex> = LazyLock::new(|| pattern(r"^(\S.*?):(\d+) (?:in|at) .+:$"));
static PYDOCSTYLE: LazyLock<Regex> = LazyLock::new(|| pattern(r"^ {4,}(D\d{3}): (.+)$"));
static SHELLCHECK_PLACE: LazyLock<Regex> = LazyLock::new(|| pattern(r"^In (\S+) line (\d+):$"));
static SHELLCHECK: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"^ *\^-*\^? ?-*-? ?(SC\d+)(?: \((?:error|warning|info|style)\))?: (.+)$"));
static DIFF_HEAD: LazyLock<Regex> = LazyLock::new(|| pattern(r"^--- (\S+\.(?:pyi?|ipynb))$"));

/// Returns the file that a heading names.
pub(super) fn heading(line: &str) -> Option<&str> {
    if line.starts_with(char::is_whitespace) || line.len() > 1_000 {
        return None;
    }
    let found = HEADING.captures(line)?;
    found.get(1).or_else(|| found.get(2)).map(|file| file.as_str())
}

/// Recognises a diagnostic that begins at this line.
pub(super) fn read(at: usize, around: &Around<'_>) -> Option<Found> {
    let line = around.lines[at];
    if line.len() > 20_000 {
        return None;
    }
    arrow(at, around)
        .or_else(|| under_heading(line, around))
        .or_else(|| pydocstyle(at, around))
        .or_else(|| shellcheck(at, around))
        .or_else(|| diff(at, around))
}

fn number(text: &str) -> u32 {
    text.parse().unwrap_or(0)
}

/// `RULE message` over ` --> path:line:column`.
fn arrow(at: usize, around: &Around<'_>) -> Option<Found> {
    let place = ARROW.captures(around.lines.get(at + 1)?)?;
    let head = around.lines[at];
    let base = Found {
        file: place[1].to_owned(),
        line: number(&place[2]),
        length: block_length(at, around.lines),
        ..Found::default()
    };
    if let Some(ty) = TY_HEAD.captures(head) {
        let is_error = matches!(&ty[1], "error" | "fatal");
        return Some(Found {
            tool: Tool::Ty,
            rule: ty[2].to_owned(),
            message: ty[3].to_owned(),
            weight: if is_error { Weight::Failure } else { Weight::Harmless },
            ..base
        });
    }
    let ruff = RUFF_HEAD.captures(head)?;
    let rule = ruff[1].trim_end_matches(':');
    // Remarks on another diagnostic have an arrow too.
    if matches!(rule, "info" | "help" | "note" | "warning" | "error") {
        return None;
    }
    let is_format = rule == UNFORMATTED || around.tool == Some(Tool::RuffFormat);
    let message = if rule == UNFORMATTED { "would be reformatted" } else { &ruff[2] };
    Some(Found {
        tool: if is_format { Tool::RuffFormat } else { Tool::Ruff },
        rule: rule.to_owned(),
        message: message.to_owned(),
        ..base
    })
}

/// Returns the number of lines up to the next empty one.
fn block_length(at: usize, lines: &[&str]) -> usize {
    lines.iter().skip(at).take_while(|line| !line.is_empty()).count()
}

fn under_heading(line: &str, around: &Around<'_>) -> Option<Found> {
    if around.heading.is_empty() || !line.starts_with(' ') {
        return None;
    }
    let base = Found { file: around.heading.to_owned(), length: 1, ..Found::default() };
    if let Some(found) = YAMLLINT.captures(line) {
        return Some(Found {
            tool: Tool::Yamllint,
            line: number(&found[1]),
            rule: found.get(5).map_or("", |rule| rule.as_str()).to_owned(),
            message: found[4].to_owned(),
            weight: if &found[3] == "error" { Weight::Failure } else { Weight::Harmless },
            ..base
        });
    }
    let found = GROUPED.captures(line)?;
    Some(Found {
        tool: Tool::Ruff,
        line: number(&found[1]),
        rule: found[3].trim_end_matches(':').to_owned(),
        message: found[4].to_owned(),
        ..base
    })
}

fn pydocstyle(at: usize, around: &Around<'_>) -> Option<Found> {
    let told = PYDOCSTYLE.captures(around.lines.get(at + 1)?)?;
    let place = PYDOCSTYLE_PLACE.captures(around.lines[at])?;
    Some(Found {
        tool: Tool::Pydocstyle,
        file: place[1].to_owned(),
        line: number(&place[2]),
        rule: told[1].to_owned(),
        message: told[2].to_owned(),
        length: 2,
        ..Found::default()
    })
}

/// shellcheck's own format: `In run.sh line 1:`, the source, then carets.
fn shellcheck(at: usize, around: &Around<'_>) -> Option<Found> {
    let told = SHELLCHECK.captures(around.lines[at])?;
    let place = around.lines[..at].iter().rev().take(20).find_map(|line| SHELLCHECK_PLACE.captures(line))?;
    Some(Found {
        tool: Tool::Shellcheck,
        file: place[1].to_owned(),
        line: number(&place[2]),
        rule: told[1].to_owned(),
        message: told[2].to_owned(),
        length: 1,
        ..Found::default()
    })
}

/// `ruff format --check --diff` names the files in its diff only.
fn diff(at: usize, around: &Around<'_>) -> Option<Found> {
    if around.tool != Some(Tool::RuffFormat) {
        return None;
    }
    let found = DIFF_HEAD.captures(around.lines[at])?;
    if !around.lines.get(at + 1)?.starts_with("+++ ") {
        return None;
    }
    let body = around.lines.iter().skip(at);
    Some(Found {
        tool: Tool::RuffFormat,
        file: found[1].to_owned(),
        rule: UNFORMATTED.into(),
        message: "would be reformatted".into(),
        length: body.take_while(|line| !line.is_empty()).count(),
        ..Found::default()
    })
}
