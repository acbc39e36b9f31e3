//! Diagnostics that one line tells: `path:line:column: …` and its kin.

use std::sync::LazyLock;

use regex::Regex;

use super::{Around, Found, Tool, UNFORMATTED, Weight};
use crate::diagnostics::names::pattern;

/// Most lines over which mypy wraps a message.
const WRAPPED_LINES_MAX: usize = 12;

/// What mypy speaks of; other programs say `host:80: error: …`.
const CHECKED: [&str; 6] = [".py", ".pyi", ".ipynb", ".cfg", ".ini", ".toml"];

/// `path:line: rest` and `path:line:column: rest`.
static PLACE: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"^((?:[./\w~-][^:\s]*|[^:]*\.\w{1,8})):(\d+):(?:(\d+):)? (.+)$"));
static TY: LazyLock<Regex> = LazyLock::new(|| pattern(r"^(error|warning|info|fatal)\[([\w-]+)\] (.+)$"));
static MYPY_RULE: LazyLock<Regex> = LazyLock::new(|| pattern(r"^(.*?) +\[([a-z][a-z0-9-]*)\]$"));
static SHELLCHECK: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"^(?:error|warning|note|info|style): (.+) \[(SC\d+)\]$"));
static PYLINT: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"^([CRWEFI]\d{4}): (.+?)(?: \(([a-z][a-z0-9-]*)\))?$"));
static YAMLLINT: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"^\[(error|warning)\] (.+?)(?: \(([\w-]+)\))?$"));
static CODE: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"^([A-Z]{1,8}\d{1,5}|SyntaxError:|invalid-syntax:)(?: \[\*\])? (.+)$"));
static CODESPELL: LazyLock<Regex> = LazyLock::new(|| pattern(r"^(.+?):(\d+): (\S+ ==> .+)$"));
static PYRIGHT: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"^\s*(\S.*?):(\d+):(\d+) - (error|warning|information|hint|note)\b: ?(.*)$"));
static PYRIGHT_RULE: LazyLock<Regex> = LazyLock::new(|| pattern(r"^(.*?) ?\((report\w+)\)$"));
static GITHUB: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"^::(error|warning|notice) title=([\w-]+)(?: \(([^)]+)\))?,([^:]*)::(.*)$"));
static ISORT: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"^ERROR: (.+\.pyi?) (Imports are incorrectly sorted.*)$"));
static WOULD_REFORMAT: LazyLock<Regex> = LazyLock::new(|| pattern(r"^([Ww])ould reformat:? (.+)$"));
static CANNOT_PARSE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"^error: (?:cannot (?:parse|format)(?: for target version \S+)?:?|Failed to parse) ([^:]+):(?:(\d+):(\d+))?:? ?(.*)$",
    )
});

/// Recognises a diagnostic that begins at this line.
pub(super) fn read(at: usize, around: &Around<'_>) -> Option<Found> {
    let line = around.lines[at];
    if line.len() < 8 || line.len() > 20_000 {
        return None;
    }
    github(line)
        .or_else(|| pyright(at, around))
        .or_else(|| codespell(line, around))
        .or_else(|| place(at, around))
        .or_else(|| formatter(line, around))
}

fn number(text: &str) -> u32 {
    text.parse().unwrap_or(0)
}

fn place(at: usize, around: &Around<'_>) -> Option<Found> {
    let found = PLACE.captures(around.lines[at]).filter(|found| found[1].contains(['.', '/']))?;
    let has_column = found.get(3).is_some();
    let rest = found[4].trim_end();
    let base = Found { file: found[1].to_owned(), line: number(&found[2]), length: 1, ..Found::default() };
    if let Some(ty) = TY.captures(rest) {
        return Some(Found {
            tool: Tool::Ty,
            rule: ty[2].to_owned(),
            message: ty[3].to_owned(),
            weight: if matches!(&ty[1], "error" | "fatal") { Weight::Failure } else { Weight::Harmless },
            ..base
        });
    }
    if let Some(shellcheck) = SHELLCHECK.captures(rest) {
        return Some(Found {
            tool: Tool::Shellcheck,
            rule: shellcheck[2].to_owned(),
            message: shellcheck[1].to_owned(),
            ..base
        });
    }
    if let Some(yamllint) = YAMLLINT.captures(rest) {
        return Some(Found {
            tool: Tool::Yamllint,
            rule: yamllint.get(3).map_or("", |rule| rule.as_str()).to_owned(),
            message: yamllint[2].to_owned(),
            weight: if &yamllint[1] == "error" { Weight::Failure } else { Weight::Harmless },
            ..base
        });
    }
    let is_checked = CHECKED.iter().any(|end| found[1].ends_with(end));
    if let Some(message) = rest.strip_prefix("error: ").filter(|_| is_checked) {
        return Some(mypy(at, around, base, message));
    }
    if let Some(message) = rest.strip_prefix("note: ").filter(|_| is_checked) {
        let message = message.to_owned();
        return Some(Found { tool: Tool::Mypy, message, weight: Weight::Note, ..base });
    }
    if let Some(pylint) = PYLINT.captures(rest).filter(|_| has_column) {
        return Some(Found {
            tool: Tool::Pylint,
            rule: pylint.get(3).or_else(|| pylint.get(1)).map_or("", |rule| rule.as_str()).to_owned(),
            message: pylint[2].to_owned(),
            ..base
        });
    }
    let code = CODE.captures(rest).filter(|_| has_column)?;
    Some(Found {
        tool: match around.tool {
            Some(tool @ (Tool::Flake8 | Tool::RuffFormat)) => tool,
            _ => Tool::Ruff,
        },
        rule: code[1].trim_end_matches(':').to_owned(),
        message: code[2].to_owned(),
        length: 1 + excerpt_length(at + 1, around.lines),
        ..base
    })
}

/// Returns how many lines of source are shown below a diagnostic.
fn excerpt_length(from: usize, lines: &[&str]) -> usize {
    let is_shown = |line: &&&str| {
        let bare = line.trim_start();
        bare.starts_with('|')
            || bare.starts_with("= help:")
            || bare.starts_with("= note:")
            || bare.split_once(" |").is_some_and(|(number, _)| {
                !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
            })
    };
    lines.iter().skip(from).take_while(is_shown).count()
}

/// mypy, whose `--pretty` wraps messages over lines.
fn mypy(at: usize, around: &Around<'_>, base: Found, message: &str) -> Found {
    if let Some(found) = MYPY_RULE.captures(message) {
        return Found {
            tool: Tool::Mypy,
            rule: found[2].to_owned(),
            message: found[1].trim_end().to_owned(),
            ..base
        };
    }
    let mut whole = message.to_owned();
    for (more, line) in around.lines.iter().skip(at + 1).take(WRAPPED_LINES_MAX).enumerate() {
        if line.is_empty() || line.starts_with(char::is_whitespace) || PLACE.is_match(line) {
            break;
        }
        whole = format!("{} {line}", whole.trim_end());
        if let Some(found) = MYPY_RULE.captures(&whole) {
            let source = around.lines.iter().skip(at + more + 2);
            let shown = source.take_while(|line| line.starts_with("    ")).count();
            return Found {
                tool: Tool::Mypy,
                rule: found[2].to_owned(),
                message: found[1].trim_end().to_owned(),
                length: 2 + more + shown,
                ..base
            };
        }
    }
    Found { tool: Tool::Mypy, message: message.to_owned(), ..base }
}

fn codespell(line: &str, around: &Around<'_>) -> Option<Found> {
    if !line.contains(" ==> ") || !matches!(around.tool, None | Some(Tool::Codespell)) {
        return None;
    }
    let found = CODESPELL.captures(line)?;
    Some(Found {
        tool: Tool::Codespell,
        file: found[1].to_owned(),
        line: number(&found[2]),
        rule: "spelling".into(),
        message: found[3].to_owned(),
        length: 1,
        ..Found::default()
    })
}

/// pyright, whose messages go on in indented lines up to `(reportRule)`.
fn pyright(at: usize, around: &Around<'_>) -> Option<Found> {
    let line = around.lines[at];
    if !line.contains(" - ") {
        return None;
    }
    let found = PYRIGHT.captures(line)?;
    let indent = line.len() - line.trim_start().len();
    let mut message = found[5].to_owned();
    let mut length = 1;
    for next in around.lines.iter().skip(at + 1) {
        let deeper = next.len() - next.trim_start().len() > indent + 1;
        if !deeper || PYRIGHT_RULE.is_match(&message) || PYRIGHT.is_match(next) {
            break;
        }
        message.push('\n');
        message.push_str(next.trim());
        length += 1;
    }
    let mut lines: Vec<&str> = message.lines().collect();
    let last = lines.pop().unwrap_or_default();
    let (last, rule) = match PYRIGHT_RULE.captures(last) {
        Some(found) => (found[1].to_owned(), found[2].to_owned()),
        None => (last.to_owned(), String::new()),
    };
    lines.push(&last);
    Some(Found {
        tool: Tool::Pyright,
        file: found[1].to_owned(),
        line: number(&found[2]),
        rule,
        message: lines.join("\n"),
        length,
        weight: if &found[4] == "error" { Weight::Failure } else { Weight::Harmless },
    })
}

/// Annotations for GitHub, as ruff and ty write them.
fn github(line: &str) -> Option<Found> {
    if !line.starts_with("::") {
        return None;
    }
    let found = GITHUB.captures(line)?;
    let tool = match found[2].to_ascii_lowercase().as_str() {
        "ruff" => Tool::Ruff,
        "ty" => Tool::Ty,
        _ => return None,
    };
    let property = |wanted: &str| {
        found[4].split(',').find_map(|pair| pair.strip_prefix(wanted)?.strip_prefix('=')).unwrap_or("")
    };
    let rule = found.get(3).map_or("SyntaxError", |rule| rule.as_str()).to_owned();
    let told = found[5].replace("%0A", "\n").replace("%0D", "").replace("%25", "%");
    let message = told.split_once(&format!(" {rule}")).map_or(told.as_str(), |(_, message)| message);
    Some(Found {
        tool,
        file: property("file").to_owned(),
        line: number(property("line")),
        message: message.trim_start_matches(':').trim().to_owned(),
        rule,
        length: 1,
        weight: if &found[1] == "error" { Weight::Failure } else { Weight::Harmless },
    })
}

fn formatter(line: &str, around: &Around<'_>) -> Option<Found> {
    if let Some(found) = WOULD_REFORMAT.captures(line) {
        return Some(Found {
            tool: if &found[1] == "W" { Tool::RuffFormat } else { Tool::Black },
            file: found[2].to_owned(),
            rule: UNFORMATTED.into(),
            message: "would be reformatted".into(),
            length: 1,
            ..Found::default()
        });
    }
    if let Some(found) = ISORT.captures(line) {
        return Some(Found {
            tool: Tool::Isort,
            file: found[1].to_owned(),
            rule: "unsorted".into(),
            message: found[2].to_owned(),
            length: 1,
            ..Found::default()
        });
    }
    let found = CANNOT_PARSE.captures(line)?;
    // ruff check says it again, as a diagnostic of its own.
    let tool = match around.tool {
        Some(tool @ (Tool::RuffFormat | Tool::Black)) => tool,
        None if line.starts_with("error: cannot ") => Tool::Black,
        Some(_) | None => return None,
    };
    Some(Found {
        tool,
        file: found[1].to_owned(),
        line: found.get(2).map_or(0, |line| number(line.as_str())),
        rule: "syntax".into(),
        message: format!("cannot parse {}", &found[4]).trim_end().to_owned(),
        length: 1,
        ..Found::default()
    })
}
