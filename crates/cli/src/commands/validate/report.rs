//! What is said about a sequence that was judged: for people, or for programs.

use charmproof_lifecycle::rules::{Event, Finding, Strength};
use charmproof_lifecycle::vocabulary::{Marker, Outcome};
use charmproof_store::report::{Style, Terminal, count};
use serde::Serialize;

use super::trial::{Breach, Line, Trial};
use crate::output::wrapped;

/// The version of the JSON form. It changes when a reader of the old one would misread it.
const SCHEMA: u32 = 1;

/// Prints verdicts.
pub(super) enum Printer {
    /// For people.
    Text {
        /// Where it is shown.
        terminal: Terminal,
        /// What a place is called: line, step, event.
        place: &'static str,
    },
    /// For programs: an object a line.
    Json {
        /// What a place is called.
        place: &'static str,
    },
}

impl Printer {
    pub(super) fn print(&self, trial: &Trial) -> String {
        match self {
            Self::Text { terminal, place } => {
                Page { style: terminal.style, width: terminal.width, place }.page(trial)
            }
            Self::Json { place } => json(trial, place),
        }
    }
}

/// The text about one sequence.
struct Page<'place> {
    style: Style,
    width: usize,
    place: &'place str,
}

impl Page<'_> {
    fn page(&self, trial: &Trial) -> String {
        let name = trial.name.as_deref().unwrap_or("the sequence");
        let name: String = name.chars().flat_map(char::escape_debug).collect();
        let hooks = count(trial.hooks, "hook");
        let mut text = match &trial.breach {
            None => format!("{name}: {}, {hooks}", self.paint("32", "valid")),
            Some(breach) => {
                let verdict = self.paint("31;1", "Juju does not do this");
                let of = if trial.breaches == 1 {
                    "wrong in 1 place".to_owned()
                } else {
                    format!("wrong in {} places, of which this is the first", trial.breaches)
                };
                format!("{name}: {verdict}, at {} {}; {hooks}, {of}", self.place, breach.place)
            }
        };
        text.push('\n');
        if let Some(breach) = &trial.breach {
            text += &self.breach(breach);
        }
        for (place, warning) in &trial.warnings {
            text += &self.warning(*place, warning);
        }
        if trial.warnings_more > 0 {
            text += &format!("warning: and {} more\n", trial.warnings_more);
        }
        text
    }

    /// Shows the hook that cannot be, with those around it, and says why.
    fn breach(&self, breach: &Breach) -> String {
        let mut text = String::from("\n");
        for line in &breach.earlier {
            text += &self.line(line, breach);
        }
        if !breach.earlier.is_empty() {
            text += "             …\n";
        }
        for line in &breach.lines {
            text += &self.line(line, breach);
        }
        text.push('\n');
        for finding in &breach.findings {
            text += &self.finding(finding);
        }
        if let Some(finding) = breach.findings.first() {
            text += &self.faint(&format!("`charmproof explain {}` tells more about the rule", finding.rule));
            text.push('\n');
        }
        text
    }

    /// `>` stands before the hook that cannot be, `|` before those from which that follows.
    fn line(&self, (place, event): &Line, breach: &Breach) -> String {
        let follows_from = breach.findings.iter().any(|finding| finding.since == Some(*place));
        let shown = shown(event);
        if *place == breach.place && !matches!(event, Event::Marker(_)) {
            self.paint("31;1", &format!("  > {place:>7}  {shown}")) + "\n"
        } else if follows_from {
            self.paint("1", &format!("  | {place:>7}  {shown}")) + "\n"
        } else {
            format!("    {place:>7}  {shown}\n")
        }
    }

    fn finding(&self, finding: &Finding) -> String {
        let rule = finding.rule.rule();
        let since = finding.since.map(|place| format!(" ({} {place})", self.place)).unwrap_or_default();
        let reason = self.wrapped(&format!("{}{since}", finding.reason), 5);
        let mut text = format!("{}  {reason}\n", self.paint("1", &rule.id.to_string()));
        text += &format!("     {}\n", self.wrapped(&format!("The rule: {}", rule.title), 5));
        text += &self.bug(finding);
        text
    }

    fn warning(&self, place: usize, finding: &Finding) -> String {
        let since = finding.since.map(|place| format!(" ({} {place})", self.place)).unwrap_or_default();
        let reason = format!("{} {place}: {}{since}", self.place, finding.reason);
        let text = format!(
            "{}  {}\n",
            self.paint("33", &format!("warning: {}", finding.rule)),
            self.wrapped(&reason, 14)
        );
        text + &self.bug(finding)
    }

    fn bug(&self, finding: &Finding) -> String {
        let Some(bug) = finding.bug else { return String::new() };
        format!("     {}\n", self.wrapped(&format!("Known bug of Juju, {bug}: {}", bug.url()), 5))
    }

    fn wrapped(&self, text: &str, indent: usize) -> String {
        wrapped(text, indent, self.width)
    }

    fn faint(&self, text: &str) -> String {
        self.paint("2", text)
    }

    fn paint(&self, code: &str, text: &str) -> String {
        match self.style {
            Style::Plain => text.to_owned(),
            Style::Colour => format!("\u{1b}[{code}m{text}\u{1b}[0m"),
        }
    }
}

/// Returns how a hook or a marker is shown.
fn shown(event: &Event) -> String {
    match event {
        Event::Hook { hook, outcome: Outcome::Ok } => hook.to_string(),
        Event::Hook { hook, outcome: Outcome::Failed } => format!("{hook}  (failed)"),
        Event::Hook { hook, outcome: Outcome::Missing } => format!("{hook}  (the charm has none)"),
        Event::Hook { hook, outcome: Outcome::Terminated } => format!("{hook}  (cut off)"),
        Event::Unknown(unknown) => {
            unknown.name.trim().chars().take(60).flat_map(char::escape_debug).collect()
        }
        Event::Marker(marker) => format!("({})", told(*marker)),
    }
}

fn told(marker: Marker) -> &'static str {
    match marker {
        Marker::AgentStarted => "the agent begins",
        Marker::AgentStopping => "the agent is to end",
        Marker::RebootDetected => "the agent sees a reboot",
        Marker::NewPod => "the pod is a new one",
        Marker::LeaderDeposed => "leadership is lost",
        Marker::AwaitingResolution => "the failed hook waits",
        Marker::ResolvedWithoutRetry => "the failed hook is resolved and counts as done",
        Marker::AgentExited => "the agent has ended",
        Marker::UnitRemoved => "the unit is gone",
    }
}

/// A verdict as JSON.
#[derive(Serialize)]
struct VerdictObject<'trial> {
    schema: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'trial str>,
    valid: bool,
    hooks: usize,
    /// How many hooks break a rule. The findings are about the first of them.
    breaches: usize,
    /// What `place` counts: line, step or event.
    place_is: &'trial str,
    findings: Vec<FindingObject>,
    warnings: Vec<FindingObject>,
    #[serde(skip_serializing_if = "is_zero")]
    warnings_more: usize,
}

/// A finding as JSON.
#[derive(Serialize)]
struct FindingObject {
    rule: String,
    strength: &'static str,
    place: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hook: Option<String>,
    reason: String,
    title: &'static str,
    source: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    known_bug: Option<BugObject>,
}

#[derive(Serialize)]
struct BugObject {
    name: &'static str,
    url: String,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_zero(number: &usize) -> bool {
    *number == 0
}

fn json(trial: &Trial, place_is: &str) -> String {
    let findings = trial.breach.iter().flat_map(|breach| {
        let hook = breach
            .lines
            .iter()
            .find(|(place, event)| *place == breach.place && !matches!(event, Event::Marker(_)));
        breach.findings.iter().map(move |finding| FindingObject {
            hook: hook.map(|(_, event)| hook_name(event)),
            ..object(breach.place, finding)
        })
    });
    let verdict = VerdictObject {
        schema: SCHEMA,
        name: trial.name.as_deref(),
        valid: trial.is_valid(),
        hooks: trial.hooks,
        breaches: trial.breaches,
        place_is,
        findings: findings.collect(),
        warnings: trial.warnings.iter().map(|(place, finding)| object(*place, finding)).collect(),
        warnings_more: trial.warnings_more,
    };
    serde_json::to_string(&verdict).expect("numbers and texts can always be written")
}

fn hook_name(event: &Event) -> String {
    match event {
        Event::Hook { hook, .. } => hook.name(),
        Event::Unknown(unknown) => unknown.name.trim().to_owned(),
        Event::Marker(marker) => marker.name().to_owned(),
    }
}

fn object(place: usize, finding: &Finding) -> FindingObject {
    let rule = finding.rule.rule();
    FindingObject {
        rule: rule.id.to_string(),
        strength: match finding.strength {
            Strength::Must => "must",
            Strength::Should => "should",
            Strength::Observed => "observed",
        },
        place,
        since: finding.since,
        hook: None,
        reason: finding.reason.clone(),
        title: rule.title,
        source: rule.source,
        known_bug: finding.bug.map(|bug| BugObject { name: bug.name(), url: bug.url() }),
    }
}
