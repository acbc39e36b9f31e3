//! `debug-log`

use std::time::Duration;

use jiff::tz::TimeZone;

use super::{Context, failed};
use crate::controller::LogLine;
use crate::session::CommandResult;

/// How many lines are shown when nothing is said.
const LINES: usize = 10;

/// Which lines are shown.
struct Filter {
    includes: Vec<String>,
    excludes: Vec<String>,
    include_modules: Vec<String>,
    exclude_modules: Vec<String>,
    level: usize,
}

const LEVELS: [&str; 6] = ["TRACE", "DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"];

fn level_of(name: &str) -> usize {
    LEVELS.iter().position(|level| level.eq_ignore_ascii_case(name)).unwrap_or(0)
}

impl Filter {
    fn allows(&self, line: &LogLine) -> bool {
        let is_one = |patterns: &[String]| patterns.iter().any(|pattern| is_entity(pattern, &line.entity));
        let is_module = |modules: &[String]| {
            modules
                .iter()
                .any(|module| line.module == *module || line.module.starts_with(&format!("{module}.")))
        };
        level_of(&line.level) >= self.level
            && (self.includes.is_empty() || is_one(&self.includes))
            && !is_one(&self.excludes)
            && (self.include_modules.is_empty() || is_module(&self.include_modules))
            && !is_module(&self.exclude_modules)
    }
}

/// Whether a word means an entity: `unit-web-0`, `web/0`, `0` for a machine, with `*` for any text.
fn is_entity(pattern: &str, entity: &str) -> bool {
    let pattern = if pattern.contains('/') {
        format!("unit-{}", pattern.replace('/', "-"))
    } else if !pattern.is_empty() && pattern.bytes().all(|byte| byte.is_ascii_digit()) {
        format!("machine-{pattern}")
    } else {
        pattern.to_owned()
    };
    match pattern.split_once('*') {
        Some((head, tail)) => {
            entity.len() >= head.len() + tail.len() && entity.starts_with(head) && entity.ends_with(tail)
        }
        None => entity == pattern || entity.starts_with(&format!("unit-{pattern}-")),
    }
}

/// How many of the lines that there are already are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Backlog {
    All,
    First(usize),
    Last(usize),
}

impl Backlog {
    fn of(context: &Context<'_>) -> Self {
        let count = |flag: &str| {
            context
                .parsed
                .number(flag)
                .and_then(|count| usize::try_from(count).ok())
                .filter(|count| *count > 0)
        };
        let given = |flag: &str| context.parsed.was_given(flag);
        // None of them is as many as there are.
        match (context.parsed.is_set("replay"), given("limit"), given("lines")) {
            (true, true, _) => count("limit").map_or(Self::All, Self::First),
            (true, false, _) => Self::All,
            (false, true, _) => count("limit").map_or(Self::All, Self::Last),
            (false, false, true) => count("lines").map_or(Self::All, Self::Last),
            (false, false, false) => Self::Last(LINES),
        }
    }

    fn of_lines<T>(self, lines: &[T]) -> &[T] {
        match self {
            Self::All => lines,
            Self::First(count) => &lines[..lines.len().min(count)],
            Self::Last(count) => &lines[lines.len().saturating_sub(count)..],
        }
    }
}

/// `debug-log`
pub(super) fn debug_log(context: &mut Context<'_>) -> CommandResult {
    let uuid = context.model()?;
    let texts =
        |flag: &str| -> Vec<String> { context.parsed.texts(flag).into_iter().map(str::to_owned).collect() };
    let filter = Filter {
        includes: texts("include"),
        excludes: texts("exclude"),
        include_modules: texts("include-module"),
        exclude_modules: texts("exclude-module"),
        level: context.parsed.text("level").map_or(0, level_of),
    };
    let backlog = Backlog::of(context);
    let is_terminal = std::io::IsTerminal::is_terminal(&context.session.stdout);
    let is_ended = context.parsed.is_set("no-tail") || context.parsed.was_given("limit");
    let tails =
        context.parsed.is_set("tail") || context.parsed.was_given("lines") || (is_terminal && !is_ended);
    let format = Format {
        zone: if context.parsed.is_set("utc") { TimeZone::UTC } else { TimeZone::system() },
        has_date: context.parsed.is_set("date"),
        has_milliseconds: context.parsed.is_set("ms"),
        has_location: context.parsed.is_set("location"),
    };
    let lines = context.controller.look(|held| held.log_lines(&uuid, 0)).map_err(failed)?;
    let mut last = lines.last().map_or(0, |line| line.id);
    let lines: Vec<&LogLine> = lines.iter().filter(|line| filter.allows(line)).collect();
    for line in backlog.of_lines(&lines) {
        context.session.print(&format.line(line));
    }
    while tails && !context.session.attention.is_over() && !context.controller.is_ending() {
        std::thread::sleep(Duration::from_millis(200));
        let news = context.controller.look(|held| held.log_lines(&uuid, last)).map_err(failed)?;
        for line in news {
            last = line.id;
            if filter.allows(&line) {
                context.session.print(&format.line(&line));
            }
        }
    }
    Ok(())
}

struct Format {
    zone: TimeZone,
    has_date: bool,
    has_milliseconds: bool,
    has_location: bool,
}

impl Format {
    fn line(&self, line: &LogLine) -> String {
        let time = line.time.to_zoned(self.zone.clone());
        let pattern = match (self.has_date, self.has_milliseconds) {
            (false, false) => "%H:%M:%S",
            (false, true) => "%H:%M:%S%.3f",
            (true, false) => "%Y-%m-%d %H:%M:%S",
            (true, true) => "%Y-%m-%d %H:%M:%S%.3f",
        };
        let location = if self.has_location { "charmproof:0 " } else { "" };
        format!(
            "{}: {} {} {} {location}{}\n",
            line.entity,
            time.strftime(pattern),
            line.level,
            line.module,
            line.message
        )
    }
}
