//! Python tracebacks, as pytest and as Python itself print them.

use std::sync::LazyLock;

use charmproof_store::event::Frame;
use regex::Regex;

use super::Paths;
use super::names::{installed_module, pattern};
use super::text::{MESSAGE_CHARS_MAX, cut, plain};

/// Most frames that are kept; an endless recursion shows its two ends.
const FRAMES_MAX: usize = 60;
/// How many of them are kept from the outer end.
const OUTER_FRAMES: usize = 20;

static STANDARD: LazyLock<Regex> =
    LazyLock::new(|| pattern(r#"^[ |]*File "([^"]+)", line (\d+)(?:,? in (.+))?$"#));
/// `path:line: in function` (short), or `path:line: Class` and `path:line: `
/// (the foot of an entry in the long style).
static PYTEST: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"^([^:\s]+\.py|<[^<>:]+>):(\d+): ?(?:in (.+)|[\w.]*)$"));
static DEFINITION: LazyLock<Regex> = LazyLock::new(|| pattern(r"^>? {0,40}(?:async )?def (\w+)\("));
static EXCEPTION: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"^[ |]{0,8}((?:[A-Za-z_]\w*\.)*[A-Z]\w*|(?:\w+\.)+\w*(?:[Ee]rror|[Ee]xception|exit|timeout))(?:: ?(.*))?$",
    )
});
static CAPTURED: LazyLock<Regex> = LazyLock::new(|| pattern(r"^-+ Captured .+ -+$"));
static FIXTURE: LazyLock<Regex> = LazyLock::new(|| pattern(r"^fixture '[^']+' not found"));

const CHAIN_MARKS: [&str; 2] = [
    "The above exception was the direct cause of the following exception:",
    "During handling of the above exception, another exception occurred:",
];

/// Returns the frames of the traceback in the text, outermost first.
///
/// Of a chain of exceptions, the last counts: the one that ended the case. A
/// frame in `site-packages` names the top-level module there as its package;
/// [`attribute`](super::attribute) turns that into the swapped distribution.
pub fn python_frames(text: &str) -> Vec<Frame> {
    let text = plain(text);
    let mut frames = Vec::new();
    let mut before_chain = Vec::new();
    let mut function: Option<String> = None;
    for line in text.lines() {
        let line = line.trim_end();
        if CAPTURED.is_match(line) {
            break;
        }
        if CHAIN_MARKS.iter().any(|mark| line.ends_with(mark)) {
            before_chain = std::mem::take(&mut frames);
            function = None;
            continue;
        }
        if let Some(found) = STANDARD.captures(line) {
            frames.push(frame(&found[1], &found[2], found.get(3).map(|name| name.as_str())));
        } else if let Some(found) = PYTEST.captures(line) {
            let named = found.get(3).map(|name| name.as_str().to_owned());
            let named = named.or_else(|| function.take());
            frames.push(frame(&found[1], &found[2], named.as_deref()));
            function = None;
        } else if let Some(found) = DEFINITION.captures(line) {
            // The source shown above a foot may hold several definitions; the
            // first one is the function itself.
            if function.is_none() {
                function = Some(found[1].to_owned());
            }
        }
    }
    if frames.is_empty() {
        frames = before_chain;
    }
    if frames.len() > FRAMES_MAX {
        frames.drain(OUTER_FRAMES..frames.len() - (FRAMES_MAX - OUTER_FRAMES));
    }
    frames
}

fn frame(file: &str, line: &str, function: Option<&str>) -> Frame {
    Frame {
        file: Paths::default().relative(file),
        line: line.parse().unwrap_or(0),
        function: function.unwrap_or_default().trim().to_owned(),
        package: installed_module(file),
    }
}

/// Returns class and message of the exception that ended the case, both empty
/// if the text tells of none.
///
/// pytest marks it with `E`; a bare `assert` is an `AssertionError` with the
/// text of the assertion. Without those marks, it is the last line of the last
/// traceback.
pub fn exception_of(text: &str) -> (String, String) {
    let text = plain(text);
    let lines: Vec<&str> = text.lines().take_while(|line| !CAPTURED.is_match(line.trim_end())).collect();
    marked(&lines).or_else(|| at_the_end(&lines)).unwrap_or_default()
}

/// Reads the last block of lines that pytest marked with `E`.
fn marked(lines: &[&str]) -> Option<(String, String)> {
    let is_marked = |line: &&str| *line == "E" || line.starts_with("E  ");
    let last = lines.iter().rposition(&is_marked)?;
    let first = lines[..last].iter().rposition(|line| !is_marked(line)).map_or(0, |at| at + 1);
    let unmarked: Vec<&str> = lines[first..=last].iter().map(|line| line[1..].trim_end()).collect();
    let indent = unmarked
        .iter()
        .filter(|line| !line.is_empty())
        .map(|line| line.len() - line.trim_start().len())
        .min()
        .unwrap_or(0);
    let mut block = unmarked.iter().map(|line| line.get(indent..).unwrap_or("").trim_end());
    let head = block.next()?;
    let rest: Vec<&str> = block.collect();
    let with_rest = |start: &str| {
        let mut message = start.to_owned();
        for line in &rest {
            message.push('\n');
            message.push_str(line);
        }
        cut(message.trim(), MESSAGE_CHARS_MAX)
    };
    if head.starts_with("assert ") {
        return Some(("AssertionError".into(), with_rest(head)));
    }
    if FIXTURE.is_match(head) {
        return Some(("FixtureLookupError".into(), with_rest(head)));
    }
    match EXCEPTION.captures(head) {
        Some(found) => {
            let message = found.get(2).map_or("", |message| message.as_str());
            Some((found[1].to_owned(), with_rest(message)))
        }
        None => Some((String::new(), with_rest(head))),
    }
}

/// Reads the exception behind the last frame of a plain traceback.
fn at_the_end(lines: &[&str]) -> Option<(String, String)> {
    let last_frame = lines.iter().rposition(|line| STANDARD.is_match(line.trim_end()));
    let from = last_frame.map_or(0, |at| at + 1);
    let indent = last_frame.map_or(0, |at| indent_of(lines[at]).saturating_sub(2));
    let (at, found) = lines.iter().enumerate().skip(from).find_map(|(at, line)| {
        let is_level = indent_of(line) == indent;
        let found = EXCEPTION.captures(line.trim_end()).filter(|_| is_level)?;
        // Without a traceback, only a name that says so is an exception.
        (last_frame.is_some() || looks_like_exception(&found[1])).then_some((at, found))
    })?;
    let mut message = found.get(2).map_or("", |message| message.as_str()).to_owned();
    for line in &lines[at + 1..] {
        if line.starts_with("====") || line.starts_with("----") || line.starts_with("____") {
            break;
        }
        message.push('\n');
        message.push_str(line.trim_end());
    }
    Some((found[1].to_owned(), cut(message.trim(), MESSAGE_CHARS_MAX)))
}

fn indent_of(line: &str) -> usize {
    line.len() - line.trim_start_matches([' ', '|']).len()
}

fn looks_like_exception(class: &str) -> bool {
    ["Error", "Exception", "Warning", "Exit", "Interrupt"].iter().any(|end| class.ends_with(end))
}

#[cfg(test)]
#[path = "python_tests.rs"]
mod tests;
