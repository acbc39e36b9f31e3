//! One sequence before the judge, and what is kept of it.

use std::collections::{BTreeMap, VecDeque};

use charmproof_lifecycle::rules::{Event, Finding, Judge, Settings, Start};
use charmproof_lifecycle::vocabulary::{HookKind, Name};

/// How many hooks and markers are shown before and after the one that cannot be.
const AROUND: usize = 4;

/// How many warnings are kept. What comes after them is counted.
const WARNINGS_MAX: usize = 20;

/// Something that happened, at its place.
pub(super) type Line = (usize, Event);

/// The first hook that cannot be, and what stood around it.
pub(super) struct Breach {
    /// What is wrong with it, the strongest first.
    pub(super) findings: Vec<Finding>,
    pub(super) place: usize,
    /// The hooks from which that follows, if they stand further above.
    pub(super) earlier: Vec<Line>,
    pub(super) lines: Vec<Line>,
    lines_left: usize,
}

/// One sequence before the judge.
pub(super) struct Trial {
    pub(super) name: Option<String>,
    settings: Settings,
    may_begin_with_install: bool,
    judge: Option<Judge>,
    before: VecDeque<Line>,
    /// The last hook of each kind, relation and storage: what later breaches follow from.
    landmarks: BTreeMap<(HookKind, Option<Name>, Option<u32>), Line>,
    pub(super) breach: Option<Breach>,
    /// How many hooks cannot be.
    pub(super) breaches: usize,
    pub(super) warnings: Vec<(usize, Finding)>,
    pub(super) warnings_more: usize,
    pub(super) hooks: usize,
}

impl Trial {
    pub(super) fn new(name: Option<String>, settings: Settings, may_begin_with_install: bool) -> Self {
        Self {
            name,
            settings,
            may_begin_with_install,
            judge: None,
            before: VecDeque::new(),
            landmarks: BTreeMap::new(),
            breach: None,
            breaches: 0,
            warnings: Vec::new(),
            warnings_more: 0,
            hooks: 0,
        }
    }

    /// Reads one event, which stands at `place` of the source.
    pub(super) fn read(&mut self, place: usize, event: &Event) {
        let settings = &mut self.settings;
        let may_begin_with_install = self.may_begin_with_install;
        let judge = self.judge.get_or_insert_with(|| {
            if may_begin_with_install && is_install(event) {
                settings.start = Start::Deployment;
            }
            Judge::new(settings.clone())
        });
        let findings = judge.step_at(place, event);
        self.hooks += usize::from(!matches!(event, Event::Marker(_)));
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
            Some(breach) => {
                if breach.lines_left > 0 {
                    breach.lines.push((place, event.clone()));
                    breach.lines_left -= 1;
                }
            }
            None if breaches.is_empty() => self.keep(place, event),
            None => self.breach = Some(self.show(place, event, breaches)),
        }
    }

    pub(super) fn is_valid(&self) -> bool {
        self.breach.is_none()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.hooks == 0
    }

    /// Keeps what may have to be shown later.
    fn keep(&mut self, place: usize, event: &Event) {
        if let Event::Hook { hook, .. } = event {
            let key = (hook.kind, hook.subject.clone(), hook.relation_id);
            self.landmarks.insert(key, (place, event.clone()));
        }
        self.before.push_back((place, event.clone()));
        if self.before.len() > AROUND {
            self.before.pop_front();
        }
    }

    fn show(&mut self, place: usize, event: &Event, findings: Vec<Finding>) -> Breach {
        let mut lines = Vec::from(std::mem::take(&mut self.before));
        let first = lines.first().map_or(place, |(place, _)| *place);
        let since = |line: &&Line| findings.iter().any(|finding| finding.since == Some(line.0));
        let mut earlier: Vec<Line> =
            self.landmarks.values().filter(|line| line.0 < first).filter(since).cloned().collect();
        earlier.sort_by_key(|line| line.0);
        lines.push((place, event.clone()));
        Breach { findings, place, earlier, lines, lines_left: AROUND }
    }
}

fn is_install(event: &Event) -> bool {
    match event {
        Event::Hook { hook, .. } => hook.kind == HookKind::Install,
        Event::Marker(_) | Event::Unknown(_) => false,
    }
}
