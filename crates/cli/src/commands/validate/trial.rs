//! One sequence before the judge, and what is said about it.

use std::collections::VecDeque;

use charmproof_lifecycle::rules::{Event, Finding, Judge, Settings, Start};
use charmproof_lifecycle::vocabulary::{Hook, HookKind, Outcome};

use crate::args::Begins;
use charmproof_store::report::count;

/// How many hooks are shown before and after the one that cannot be.
const AROUND: usize = 3;

/// How many warnings are shown. What comes after them is counted.
const WARNINGS_MAX: usize = 20;

/// A hook as it is shown, with the number of its line or its place.
type Line = (usize, String);

/// The first breach, and what stood around it.
struct Breach {
    findings: Vec<Finding>,
    at: usize,
    lines: Vec<Line>,
    lines_left: usize,
}

/// One sequence before the judge.
pub(super) struct Trial {
    name: String,
    settings: Settings,
    begins: Option<Begins>,
    judge: Option<Judge>,
    before: VecDeque<Line>,
    breach: Option<Breach>,
    breaches: usize,
    warnings: Vec<(usize, Finding)>,
    warnings_more: usize,
    hooks: usize,
}

impl Trial {
    pub(super) fn new(name: impl Into<String>, settings: Settings, begins: Option<Begins>) -> Self {
        Self {
            name: name.into(),
            settings,
            begins,
            judge: None,
            before: VecDeque::new(),
            breach: None,
            breaches: 0,
            warnings: Vec::new(),
            warnings_more: 0,
            hooks: 0,
        }
    }

    /// Reads one event, which stands at `place` of the input.
    pub(super) fn read(&mut self, place: usize, event: &Event) {
        let settings = &mut self.settings;
        let begins = self.begins;
        let judge = self.judge.get_or_insert_with(|| {
            // A sequence that begins with `install` is one from the deployment on, unless
            // the command line says something else.
            if begins.is_none() && is_install(event) {
                settings.start = Start::Deployment;
            }
            Judge::new(settings.clone())
        });
        let findings = judge.step(event);
        let Some(text) = shown(event) else { return };
        self.hooks += 1;
        let (breaches, warnings): (Vec<_>, Vec<_>) = findings.into_iter().partition(Finding::is_breach);
        for warning in warnings {
            if self.warnings.len() < WARNINGS_MAX {
                self.warnings.push((place, warning));
            } else {
                self.warnings_more += 1;
            }
        }
        self.breaches += usize::from(!breaches.is_empty());
        match &mut self.breach {
            Some(breach) if breach.lines_left > 0 => {
                breach.lines.push((place, text));
                breach.lines_left -= 1;
            }
            Some(_) => {}
            None if breaches.is_empty() => {
                self.before.push_back((place, text));
                if self.before.len() > AROUND {
                    self.before.pop_front();
                }
            }
            None => {
                let mut lines = Vec::from(std::mem::take(&mut self.before));
                lines.push((place, text));
                self.breach = Some(Breach { findings: breaches, at: place, lines, lines_left: AROUND });
            }
        }
    }

    pub(super) fn is_valid(&self) -> bool {
        self.breach.is_none()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.hooks == 0
    }

    /// Returns what is said about the sequence.
    pub(super) fn report(&self) -> String {
        let hooks = count(self.hooks, "hook");
        let mut text = match &self.breach {
            None => format!("{}: valid, {hooks}\n", self.name),
            Some(breach) => {
                let places = count(self.breaches, "place");
                let mut text =
                    format!("{}: Juju does not do this, {hooks}, wrong in {places}\n\n", self.name);
                for (place, hook) in &breach.lines {
                    let mark = if *place == breach.at { '>' } else { ' ' };
                    text += &format!("{mark} {place:>6}  {hook}\n");
                }
                text.push('\n');
                for finding in &breach.findings {
                    text += &format!("{finding}\n     {}\n", finding.rule.rule().title);
                }
                text
            }
        };
        for (place, warning) in &self.warnings {
            text += &format!("warning: {place}: {warning}\n");
        }
        if self.warnings_more > 0 {
            text += &format!("warning: and {} more\n", self.warnings_more);
        }
        text
    }
}

fn is_install(event: &Event) -> bool {
    match event {
        Event::Hook { hook, .. } => hook.kind == HookKind::Install,
        Event::Marker(_) | Event::Unknown(_) => false,
    }
}

/// Returns how a hook is shown; markers are not.
fn shown(event: &Event) -> Option<String> {
    let with = |hook: &Hook, ending: &str| Some(format!("{hook}{ending}"));
    match event {
        Event::Hook { hook, outcome: Outcome::Ok } => with(hook, ""),
        Event::Hook { hook, outcome: Outcome::Failed } => with(hook, "  (failed)"),
        Event::Hook { hook, outcome: Outcome::Missing } => with(hook, "  (the charm has none)"),
        Event::Hook { hook, outcome: Outcome::Terminated } => with(hook, "  (terminated)"),
        Event::Unknown(unknown) => Some(unknown.name.trim().escape_debug().to_string()),
        Event::Marker(_) => None,
    }
}
