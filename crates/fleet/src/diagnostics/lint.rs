//! Diagnostics of linters, formatters and type checkers, and the commands that
//! reported them.

mod blocks;
mod concise;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use charmproof_store::event::{CaseKind, CaseResult, CommandResult, Failure, Frame};
use charmproof_store::outcome::Outcome;
use regex::Regex;

use super::Paths;
use super::names::{Namer, diagnostic_name, installed_module, pattern};
use super::text::{EXCERPT_CHARS_MAX, MESSAGE_CHARS_MAX, cut, cut_middle, plain};

/// What the name of a command's case begins with.
pub const COMMAND_CASE: &str = "command: ";

/// Most diagnostics that are kept of one output.
const DIAGNOSTICS_MAX: usize = 20_000;
/// Most lines that one diagnostic's block has.
const BLOCK_LINES_MAX: usize = 60;
/// How many last lines of its output a failed command shows.
const COMMAND_EXCERPT_LINES: usize = 40;

/// tox: `lint: commands[0]> ruff check src`, and so for `commands_pre`.
static TOX_COMMAND: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"^\S+: commands(?:_pre|_post)?\[\d+\]> (.+)$"));
/// tox: `lint: exit 1 (0.05 seconds) /charm> ruff check src pid=1`.
static TOX_EXIT: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"^\S+: (?:exit -?\d+ \(|(?:OK|FAIL)\b)|^  \S+: (?:OK|FAIL|SKIP)\b"));

/// One diagnostic as a tool wrote it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) tool: Tool,
    pub(super) file: String,
    pub(super) line: u32,
    pub(super) rule: String,
    pub(super) message: String,
    /// How many lines the block has that tells of it.
    pub(super) length: usize,
    /// What the tool calls less than an error, or a note on another one.
    pub(super) weight: Weight,
}

/// How much a line of a tool's output weighs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Weight {
    /// It is a failure.
    #[default]
    Failure,
    /// It is recognised and does not fail the tool: a warning.
    Harmless,
    /// It belongs to the diagnostic before it.
    Note,
}

/// The tools whose diagnostics are known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Tool {
    #[default]
    Ruff,
    RuffFormat,
    Black,
    Codespell,
    Pyright,
    Mypy,
    Ty,
    Flake8,
    Pylint,
    Pydocstyle,
    Isort,
    Shellcheck,
    Yamllint,
}

impl Tool {
    /// Every tool, those that share a format with another one last.
    const ALL: [Self; 13] = [
        Self::RuffFormat,
        Self::Ruff,
        Self::Black,
        Self::Codespell,
        Self::Pyright,
        Self::Mypy,
        Self::Ty,
        Self::Flake8,
        Self::Pylint,
        Self::Pydocstyle,
        Self::Isort,
        Self::Shellcheck,
        Self::Yamllint,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Ruff => "ruff",
            Self::RuffFormat => "ruff-format",
            Self::Black => "black",
            Self::Codespell => "codespell",
            Self::Pyright => "pyright",
            Self::Mypy => "mypy",
            Self::Ty => "ty",
            Self::Flake8 => "flake8",
            Self::Pylint => "pylint",
            Self::Pydocstyle => "pydocstyle",
            Self::Isort => "isort",
            Self::Shellcheck => "shellcheck",
            Self::Yamllint => "yamllint",
        }
    }

    /// Whether the command calls this tool.
    fn is_in(self, command: &str) -> bool {
        let words = || {
            command
                .split([' ', '\'', '"', ';', '&', '|', '(', ')', '\t'])
                .map(|word| word.rsplit('/').next().unwrap_or(word))
        };
        let calls = |name: &str| words().any(|word| word == name);
        match self {
            Self::RuffFormat => calls("ruff") && calls("format"),
            Self::Ruff => calls("ruff") && !calls("format"),
            Self::Flake8 => calls("flake8") || calls("pflake8") || calls("pycodestyle"),
            Self::Pyright => calls("pyright") || calls("basedpyright"),
            Self::Mypy => calls("mypy") || calls("dmypy"),
            other => calls(other.name()),
        }
    }

    fn of_command(command: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|tool| tool.is_in(command))
    }
}

/// What the recognisers may look at besides their line.
#[derive(Clone, Copy, Debug)]
pub(super) struct Around<'a> {
    /// All lines.
    pub(super) lines: &'a [&'a str],
    /// The tool whose output this is, where the command is known.
    pub(super) tool: Option<Tool>,
    /// The file that the last heading named.
    pub(super) heading: &'a str,
}

/// Reads the cases of a lint target: one per diagnostic, then one per command.
///
/// A diagnostic counts only if no command that may have printed it ended well:
/// what a target chooses to pass over is no failure. A command whose end was
/// not seen yields no case.
pub fn parse(tool_output: &str, commands: &[CommandResult], context: &Paths<'_>) -> Vec<CaseResult> {
    let text = plain(tool_output);
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    let mut reading = Reading { commands, ..Reading::new(context) };
    reading.read(&lines);
    let mut cases = reading.cases;
    add_commands(&mut cases, &reading.segments, &lines, commands, context);
    cases
}

struct Reading<'a> {
    commands: &'a [CommandResult],
    context: &'a Paths<'a>,
    cases: Vec<CaseResult>,
    namer: Namer,
    /// Files that a formatter would change are told of once.
    reformatted: BTreeSet<String>,
    /// Where the output of each announced command begins and ends.
    segments: BTreeMap<String, (usize, usize)>,
    last: Option<Tool>,
}

impl<'a> Reading<'a> {
    fn new(context: &'a Paths<'a>) -> Self {
        Self {
            commands: &[],
            context,
            cases: Vec::new(),
            namer: Namer::default(),
            reformatted: BTreeSet::new(),
            segments: BTreeMap::new(),
            last: None,
        }
    }

    fn read(&mut self, lines: &[&str]) {
        let mut command: Option<String> = None;
        let mut heading = "";
        let mut at = 0;
        while at < lines.len() && self.cases.len() < DIAGNOSTICS_MAX {
            let line = lines[at];
            if let Some(next) = self.announced(line) {
                self.segments.insert(next.clone(), (at + 1, lines.len()));
                command = Some(next);
                (heading, self.last) = ("", None);
                at += 1;
                continue;
            }
            if TOX_EXIT.is_match(line) {
                if let Some(segment) = command.take().and_then(|ended| self.segments.get_mut(&ended)) {
                    segment.1 = at;
                }
                at += 1;
                continue;
            }
            if let Some(file) = blocks::heading(line) {
                heading = file;
            }
            let tool = match &command {
                Some(command) => Tool::of_command(command),
                None => self.only_tool(),
            };
            let around = Around { lines, tool, heading };
            match concise::read(at, &around).or_else(|| blocks::read(at, &around)) {
                Some(found) => {
                    let length = found.length.clamp(1, BLOCK_LINES_MAX);
                    let end = (at + length).min(lines.len());
                    self.keep(&found, command.as_deref(), &lines[at..end]);
                    at = end;
                }
                None => at += 1,
            }
        }
    }

    /// Returns the command that the line announces, as tox, make and just do.
    fn announced(&self, line: &str) -> Option<String> {
        if let Some(found) = TOX_COMMAND.captures(line) {
            return Some(found[1].to_owned());
        }
        let line = line.trim();
        (!line.is_empty() && self.commands.iter().any(|known| known.command == line)).then(|| line.to_owned())
    }

    /// Returns the tool, if all commands call the same one.
    fn only_tool(&self) -> Option<Tool> {
        let mut tools = self.commands.iter().filter_map(|known| Tool::of_command(&known.command));
        let first = tools.next()?;
        tools.all(|tool| tool == first).then_some(first)
    }

    /// Whether every command that may have printed this ended well.
    fn is_passed_over(&self, tool: Tool, command: Option<&str>) -> bool {
        let ended_well = |known: &CommandResult| known.exit_code == Some(0);
        if let Some(command) = command
            && let Some(known) = self.commands.iter().rfind(|known| known.command == command)
        {
            return ended_well(known);
        }
        let all_well =
            |known: &[&CommandResult]| !known.is_empty() && known.iter().all(|known| ended_well(known));
        let own: Vec<_> = self.commands.iter().filter(|known| tool.is_in(&known.command)).collect();
        all_well(&own) || all_well(&self.commands.iter().collect::<Vec<_>>())
    }

    fn keep(&mut self, found: &Found, command: Option<&str>, block: &[&str]) {
        let text = block.join("\n");
        match found.weight {
            Weight::Harmless => {
                self.last = None;
                return;
            }
            Weight::Note => {
                if self.last == Some(found.tool)
                    && let Some(failure) = self.cases.last_mut().and_then(|case| case.failure.as_mut())
                {
                    let message = format!("{}\nnote: {}", failure.message, found.message.trim());
                    failure.message = cut(&message, MESSAGE_CHARS_MAX);
                    let excerpt = format!("{}\n{text}", failure.excerpt);
                    failure.excerpt = cut(&excerpt, EXCERPT_CHARS_MAX);
                }
                return;
            }
            Weight::Failure => {}
        }
        if self.is_passed_over(found.tool, command) {
            self.last = None;
            return;
        }
        let file = self.context.relative(&found.file);
        if found.rule == UNFORMATTED && !self.reformatted.insert(format!("{:?} {file}", found.tool)) {
            return;
        }
        self.last = Some(found.tool);
        let first_line = found.message.lines().next().unwrap_or("");
        let name = diagnostic_name(found.tool.name(), &file, &found.rule, &self.context.steady(first_line));
        self.cases.push(CaseResult {
            name: self.namer.unique(&name),
            kind: CaseKind::Diagnostic,
            outcome: Outcome::Fail,
            duration_ms: 0,
            failure: Some(Failure {
                exception: found.rule.clone(),
                message: cut(found.message.trim(), MESSAGE_CHARS_MAX),
                frames: vec![Frame {
                    package: installed_module(&found.file),
                    file,
                    line: found.line.max(1),
                    function: String::new(),
                }],
                excerpt: cut(&text, EXCERPT_CHARS_MAX),
            }),
        });
    }
}

/// The rule of a file that a formatter would change.
pub(super) const UNFORMATTED: &str = "unformatted";

fn add_commands(
    cases: &mut Vec<CaseResult>,
    segments: &BTreeMap<String, (usize, usize)>,
    lines: &[&str],
    commands: &[CommandResult],
    context: &Paths<'_>,
) {
    let mut namer = Namer::default();
    for known in commands {
        let name = namer.unique(&format!("{COMMAND_CASE}{}", context.steady(&known.command)));
        let Some(code) = known.exit_code else {
            continue;
        };
        let failure = (code != 0).then(|| {
            let (from, to) = segments.get(&known.command).copied().unwrap_or((0, lines.len()));
            let tail = to.saturating_sub(COMMAND_EXCERPT_LINES).max(from);
            Failure {
                exception: format!("exit {code}"),
                message: cut(
                    &format!("`{}` ended with {code}", context.steady(&known.command)),
                    MESSAGE_CHARS_MAX,
                ),
                frames: Vec::new(),
                excerpt: cut_middle(&lines[tail..to].join("\n"), EXCERPT_CHARS_MAX),
            }
        });
        cases.push(CaseResult {
            name,
            kind: CaseKind::Test,
            outcome: if failure.is_some() { Outcome::Fail } else { Outcome::Pass },
            duration_ms: 0,
            failure,
        });
    }
}

#[cfg(test)]
#[path = "lint_tests.rs"]
mod tests;
