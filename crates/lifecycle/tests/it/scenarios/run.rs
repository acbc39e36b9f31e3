//! Plays a [`Script`] on a model, and judges what the units ran.

use std::collections::{BTreeMap, BTreeSet};

use charmproof_lifecycle::life::Target;
use charmproof_lifecycle::machine::Effect;
use charmproof_lifecycle::model::{Model, ModelEvent, UnitEffect, application_of};
use charmproof_lifecycle::rules::{Event, Finding, RuleId, Settings, Start, judge};
use charmproof_lifecycle::stimulus::{Stimulus, StimulusKind};
use charmproof_lifecycle::vocabulary::{Hook, Marker, Name, Outcome, Remote};
use charmproof_lifecycle::world::{Operation, Profile, Role, SecretOwner, World};

use super::script::{Line, Manner, Mistake, Script, State, What};

/// Plays the script on each Juju and platform that it names.
pub(crate) fn run(script: &Script) -> Result<(), Mistake> {
    let mut chances = BTreeMap::new();
    let mut warned = BTreeSet::new();
    for platform in &script.platforms {
        for version in &script.versions {
            let profile = Profile { version: *version, platform: *platform };
            let mut play = Play::new(script, profile);
            let played = play.all(&mut chances).and_then(|()| play.judge(&mut warned));
            played.map_err(|mistake| {
                Mistake::at(mistake.line, format!("Juju {version} on {platform}: {}", mistake.what))
            })?;
        }
    }
    if let Some((line, _)) = chances.into_iter().find(|(_, is_needed)| !is_needed) {
        return Err(Mistake::at(line, "nothing else may run here: leave out `by-chance`"));
    }
    let last = script.lines.last().map_or(0, |line| line.number);
    match script.warnings.iter().find(|rule| !warned.contains(rule)) {
        Some(rule) => Err(Mistake::at(last, format!("the judge warns of no {rule}: leave it out"))),
        None => Ok(()),
    }
}

/// A script that is being played.
struct Play<'script> {
    script: &'script Script,
    profile: Profile,
    model: Model,
    /// What each unit ran, with the lines that say so.
    ran: BTreeMap<Name, Vec<(usize, Event)>>,
    /// Hooks that a line cut off, and that the next lines have to mention.
    cut_off: BTreeMap<Name, Hook>,
    /// The relations that were not removed, each with its number and where it is seen.
    relations: Vec<(u32, Name, Name)>,
}

type Played<T = ()> = Result<T, String>;

impl<'script> Play<'script> {
    fn new(script: &'script Script, profile: Profile) -> Self {
        let mut model = Model::new(profile, script.has_quirks);
        let mut relations = Vec::new();
        for (application, charm) in &script.charms {
            let peers = charm.endpoints.iter().filter(|endpoint| endpoint.role == Role::Peer);
            let numbers = model.next_relation()..;
            relations.extend(
                numbers.zip(peers).map(|(number, peer)| (number, application.clone(), peer.name.clone())),
            );
            model = model.with_application(application.clone(), charm.clone());
        }
        let (ran, cut_off) = (BTreeMap::new(), BTreeMap::new());
        Self { script, profile, model, ran, cut_off, relations }
    }

    fn all(&mut self, chances: &mut BTreeMap<usize, bool>) -> Result<(), Mistake> {
        let profile = self.profile;
        let script = self.script;
        let mut last = 0;
        for line in &script.lines {
            last = line.number;
            if line.conditions.iter().all(|condition| condition.holds(profile)) {
                self.line(line, chances).map_err(|what| Mistake::at(line.number, what))?;
            }
        }
        // A scenario that ends too early would hide what Juju does next.
        let units: Vec<Name> = self.model.units().keys().cloned().collect();
        for unit in units {
            self.settles(&unit, last).map_err(|what| Mistake::at(last, format!("at the end, {what}")))?;
        }
        Ok(())
    }

    fn line(&mut self, line: &Line, chances: &mut BTreeMap<usize, bool>) -> Played {
        match &line.what {
            What::Stimulus { kind, words, target } => {
                self.stimulus(line.number, *kind, words, target.as_ref())
            }
            What::Is { unit, state } => {
                let units = match unit {
                    Some(unit) => vec![unit.clone()],
                    None if *state == State::Gone => vec![self.first_unit()],
                    None => self.model.units().keys().cloned().collect(),
                };
                units.iter().try_for_each(|unit| self.is(unit, *state, line.number))
            }
            What::Hook { unit, hook, manner, is_by_chance } => {
                let unit = unit.clone().unwrap_or_else(|| self.first_unit());
                if let Some(cut_off) = self.cut_off.remove(&unit) {
                    let is_told = *manner == Manner::CutOff && is_told_by(hook, &cut_off);
                    return is_told.then_some(()).ok_or_else(|| {
                        format!("`{cut_off}` was cut off: say so with `{} cut-off`", cut_off.name())
                    });
                }
                let running = self.world(&unit)?.running().cloned();
                if let Some(running) = running {
                    return self.ends(&unit, hook, &running, *manner, line.number);
                }
                let needed = self.begins(&unit, hook, *is_by_chance, line.number)?;
                if *is_by_chance {
                    *chances.entry(line.number).or_default() |= needed;
                }
                let outcome = match manner {
                    Manner::Begins => return Ok(()),
                    Manner::Runs => Outcome::Ok,
                    Manner::Fails => Outcome::Failed,
                    Manner::Missing => Outcome::Missing,
                    Manner::Ends | Manner::Terminated | Manner::CutOff => {
                        return Err(format!("`{}` did not begin", hook.name()));
                    }
                };
                self.step(ModelEvent::HookEnds { unit, outcome }, line.number)
            }
        }
    }

    fn ends(&mut self, unit: &Name, hook: &Hook, running: &Hook, manner: Manner, line: usize) -> Played {
        if !is_told_by(hook, running) {
            return Err(format!("`{running}` runs on {unit} at this moment"));
        }
        let outcome = match manner {
            Manner::Ends => Outcome::Ok,
            Manner::Fails => Outcome::Failed,
            Manner::Missing => Outcome::Missing,
            Manner::Terminated => Outcome::Terminated,
            Manner::Runs | Manner::Begins | Manner::CutOff => {
                return Err(format!(
                    "`{running}` runs on {unit} already: it ends, fails, is missing or is terminated"
                ));
            }
        };
        self.step(ModelEvent::HookEnds { unit: unit.clone(), outcome }, line)
    }

    /// Begins the hook, which has to be the next one of the unit. Returns whether chance
    /// decided that.
    fn begins(&mut self, unit: &Name, hook: &Hook, is_by_chance: bool, line: usize) -> Played<bool> {
        let options = self.options(unit);
        let names = |options: &[(u32, Hook)]| {
            let names: Vec<String> = options.iter().map(|(_, hook)| format!("`{hook}`")).collect();
            names.join(" or ")
        };
        let fitting: Vec<(u32, Hook)> =
            options.iter().filter(|(_, next)| is_told_by(hook, next)).cloned().collect();
        match &fitting[..] {
            [] if options.is_empty() => Err(format!("expected `{hook}`, and {unit} has nothing to do")),
            [] => Err(format!("expected `{hook}`, and {unit} runs {}", names(&options))),
            [(choice, _)] if is_by_chance || options.len() == 1 => {
                let event = ModelEvent::Resolve { unit: unit.clone(), choice: *choice };
                self.step(event, line)?;
                Ok(options.len() > 1)
            }
            [_] => Err(format!("{unit} may run {}: say `by-chance`", names(&options))),
            [_, ..] => Err(format!("say which one it is: {unit} may run {}", names(&fitting))),
        }
    }

    /// Returns all hooks that may be the unit's next one, each with a choice that makes it so.
    fn options(&self, unit: &Name) -> Vec<(u32, Hook)> {
        let mut found: Vec<(u32, Hook)> = Vec::new();
        let choices = (1..=OPTIONS_MAX).flat_map(|count| {
            (0..count).map(move |index| u32::try_from((index << 32).div_ceil(count)).unwrap_or(u32::MAX))
        });
        for choice in choices {
            let mut ahead = self.model.clone();
            let Ok(effects) = ahead.step(ModelEvent::Resolve { unit: unit.clone(), choice }) else {
                continue;
            };
            for UnitEffect { effect, .. } in effects {
                match effect {
                    Effect::Begin(hook) if !found.iter().any(|(_, known)| *known == hook) => {
                        found.push((choice, hook));
                    }
                    Effect::Begin(_)
                    | Effect::Ended { .. }
                    | Effect::Mark(_)
                    | Effect::AgentExited
                    | Effect::UnitDied => {}
                }
            }
        }
        found
    }

    /// Lets the unit do what needs no hook. It must not have a hook to run.
    fn settles(&mut self, unit: &Name, line: usize) -> Played {
        if let Some(hook) = self.cut_off.get(unit) {
            return Err(format!("`{hook}` was cut off on {unit}, which no line says"));
        }
        if let Some(hook) = self.world(unit)?.running() {
            return Err(format!("`{hook}` runs on {unit}"));
        }
        if let Some((_, hook)) = self.options(unit).first() {
            return Err(format!("{unit} runs `{hook}`"));
        }
        self.step(ModelEvent::Resolve { unit: unit.clone(), choice: 0 }, line)
    }

    fn is(&mut self, unit: &Name, state: State, line: usize) -> Played {
        if self.model.units().contains_key(unit) {
            self.settles(unit, line)?;
        }
        let is_so = match (self.model.units().get(unit), state) {
            (None, State::Gone) => self.ran.contains_key(unit),
            (None, State::Idle | State::InError | State::Down) | (Some(_), State::Gone) => false,
            (Some(world), State::Down) => !world.has_agent(),
            (Some(world), State::InError) => matches!(world.operation(), Operation::Failed(_)),
            (Some(world), State::Idle) => {
                world.has_agent() && !matches!(world.operation(), Operation::Failed(_))
            }
        };
        is_so.then_some(()).ok_or_else(|| format!("{unit} is not {}", state.name()))
    }

    fn stimulus(
        &mut self,
        line: usize,
        kind: StimulusKind,
        words: &[String],
        target: Option<&Name>,
    ) -> Played {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let target = match (target, kind, &words[..]) {
            (Some(name), _, _) if name.contains('/') => Target::Unit(name.clone()),
            (Some(name), _, _) => Target::Application(name.clone()),
            (None, StimulusKind::Deploy, [unit, ..]) => Target::Unit((*unit).into()),
            (None, _, _) if kind.is_of_application() => Target::Application(self.script.charms[0].0.clone()),
            (None, _, _) => Target::Unit(self.first_unit()),
        };
        let stimulus = self.read(kind, &words, application_of(target.name()))?;
        let mut integrated = Vec::new();
        if let Stimulus::Integrate { relation, endpoint, remote_app, remote_endpoint } = &stimulus {
            integrated.push((*relation, target.name().clone(), endpoint.clone()));
            integrated.extend(remote_endpoint.clone().map(|far| (*relation, remote_app.clone(), far)));
        }
        let removed =
            if let Stimulus::RemoveRelation { relation } = &stimulus { Some(*relation) } else { None };
        self.step(ModelEvent::Stimulus { target, stimulus }, line)?;
        self.relations.extend(integrated);
        self.relations.retain(|(number, _, _)| Some(*number) != removed);
        Ok(())
    }

    /// Makes a stimulus of the words of a line.
    fn read(&self, kind: StimulusKind, words: &[&str], application: &str) -> Played<Stimulus> {
        let word = |index: usize| Name::from(*words.get(index).unwrap_or(&""));
        let relation = || self.relation(words[0], application);
        let number = |index: usize| {
            let number = word(index).parse::<u32>();
            number.map_err(|_| format!("`{}` is no number", word(index)))
        };
        Ok(match kind {
            StimulusKind::Deploy => {
                let deployment = self.model.deploy(&word(0));
                let leads = words.len() == 2;
                match deployment {
                    Stimulus::Deploy { first_relation, first_storage, .. } => {
                        Stimulus::Deploy { leads, first_relation, first_storage }
                    }
                    other => other,
                }
            }
            StimulusKind::Integrate => {
                let far = word(1);
                let (remote_app, remote_endpoint) = match far.split_once(':') {
                    Some((application, endpoint)) => (application.into(), Some(endpoint.into())),
                    None => (far, None),
                };
                let relation = self.model.next_relation();
                Stimulus::Integrate { relation, endpoint: word(0), remote_app, remote_endpoint }
            }
            StimulusKind::RemoveRelation => Stimulus::RemoveRelation { relation: relation()? },
            StimulusKind::SuspendRelation => Stimulus::SuspendRelation { relation: relation()? },
            StimulusKind::ResumeRelation => Stimulus::ResumeRelation { relation: relation()? },
            StimulusKind::RemoteUnitJoins => {
                Stimulus::RemoteUnitJoins { relation: relation()?, unit: word(1) }
            }
            StimulusKind::RemoteUnitLeaves => {
                Stimulus::RemoteUnitLeaves { relation: relation()?, unit: word(1) }
            }
            StimulusKind::RemoteUnitWrites => {
                Stimulus::RemoteUnitWrites { relation: relation()?, unit: word(1) }
            }
            StimulusKind::RemoteAppWrites => Stimulus::RemoteAppWrites { relation: relation()? },
            StimulusKind::UnitWrites => Stimulus::UnitWrites { relation: relation()? },
            StimulusKind::AppWrites => Stimulus::AppWrites { relation: relation()? },
            StimulusKind::ConfigChanges => Stimulus::ConfigChanges,
            StimulusKind::LeadershipGained => Stimulus::LeadershipGained,
            StimulusKind::LeadershipLost => Stimulus::LeadershipLost,
            StimulusKind::LeaderSettingsWritten => Stimulus::LeaderSettingsWritten,
            StimulusKind::StorageAdded => Stimulus::StorageAdded {
                storage_id: format!("{}/{}", word(0), self.model.next_storage()).into(),
            },
            StimulusKind::StorageDetached => Stimulus::StorageDetached { storage_id: word(0) },
            StimulusKind::ContainerRestarts => Stimulus::ContainerRestarts { container: word(0) },
            StimulusKind::CustomNotice => Stimulus::CustomNotice { container: word(0), key: word(1) },
            StimulusKind::CheckFails => Stimulus::CheckFails { container: word(0), check: word(1) },
            StimulusKind::CheckRecovers => Stimulus::CheckRecovers { container: word(0), check: word(1) },
            StimulusKind::SecretAdded => {
                let owner = SecretOwner::ALL.into_iter().find(|owner| owner.name() == word(1));
                let owner = owner.ok_or_else(|| format!("`{}` is no owner of a secret", word(1)))?;
                Stimulus::SecretAdded { secret_id: word(0), owner }
            }
            StimulusKind::SecretRevised => Stimulus::SecretRevised { secret_id: word(0) },
            StimulusKind::SecretRotationDue => Stimulus::SecretRotationDue { secret_id: word(0) },
            StimulusKind::SecretExpires => {
                Stimulus::SecretExpires { secret_id: word(0), revision: number(1)? }
            }
            StimulusKind::SecretUnused => Stimulus::SecretUnused { secret_id: word(0), revision: number(1)? },
            StimulusKind::ActionRuns => Stimulus::ActionRuns { action: word(0) },
            StimulusKind::Refresh => Stimulus::Refresh { forced: !words.is_empty() },
            StimulusKind::AgentRestarts => Stimulus::AgentRestarts,
            StimulusKind::PodTerminated => Stimulus::PodTerminated,
            StimulusKind::PodLost => Stimulus::PodLost,
            StimulusKind::PodStarted => Stimulus::PodStarted,
            StimulusKind::MachineReboots => Stimulus::MachineReboots,
            StimulusKind::CharmReboots => Stimulus::CharmReboots { now: !words.is_empty() },
            StimulusKind::SeriesUpgradePrepared => Stimulus::SeriesUpgradePrepared,
            StimulusKind::SeriesUpgradeCompleted => Stimulus::SeriesUpgradeCompleted,
            StimulusKind::Retry => Stimulus::Retry,
            StimulusKind::ResolveWithoutRetry => Stimulus::ResolveWithoutRetry,
            StimulusKind::TimePasses => Stimulus::TimePasses,
            StimulusKind::RemoveUnit => Stimulus::RemoveUnit,
        })
    }

    /// Returns the number of the relation that an endpoint, or an endpoint and a number, name.
    fn relation(&self, word: &str, application: &str) -> Played<u32> {
        let (endpoint, number) = match word.split_once(':') {
            Some((endpoint, number)) => (endpoint, Some(number)),
            None => (word, None),
        };
        let fitting: Vec<u32> = self
            .relations
            .iter()
            .filter(|(id, of, known)| {
                of == application && known == endpoint && number.is_none_or(|number| number == id.to_string())
            })
            .map(|(id, _, _)| *id)
            .collect();
        match fitting[..] {
            [id] => Ok(id),
            [] => Err(format!("{application} has no relation `{word}`")),
            [_, ..] => Err(format!(
                "{application} has several relations of `{word}`: say which, as in `{word}:{}`",
                fitting[0]
            )),
        }
    }

    /// Moves the model, and writes down what its units did.
    fn step(&mut self, event: ModelEvent, line: usize) -> Played {
        let is_end = matches!(event, ModelEvent::HookEnds { .. });
        let effects = self.model.step(event).map_err(|refusal| refusal.to_string())?;
        for UnitEffect { unit, effect } in effects {
            let event = match effect {
                Effect::Begin(_) => continue,
                Effect::Ended { hook, outcome } => {
                    if !is_end {
                        self.cut_off.insert(unit.clone(), hook.clone());
                    }
                    Event::Hook { hook, outcome }
                }
                Effect::Mark(marker) => Event::Marker(marker),
                Effect::AgentExited => Event::Marker(Marker::AgentExited),
                Effect::UnitDied => Event::Marker(Marker::UnitRemoved),
            };
            self.ran.entry(unit).or_default().push((line, event));
        }
        Ok(())
    }

    fn first_unit(&self) -> Name {
        format!("{}/0", self.script.charms[0].0).into()
    }

    fn world(&self, unit: &Name) -> Played<&World> {
        self.model.units().get(unit).ok_or_else(|| format!("there is no unit `{unit}`"))
    }

    /// Holds each unit's hooks against the judge: with all that is known of them, by their
    /// names alone, and from each place on.
    fn judge(&self, warned: &mut BTreeSet<RuleId>) -> Result<(), Mistake> {
        for (unit, ran) in &self.ran {
            let charm = self.script.charms.iter().find(|(name, _)| name == application_of(unit));
            let peers = charm.iter().flat_map(|(_, charm)| &charm.endpoints);
            let peers = peers.filter(|endpoint| endpoint.role == Role::Peer);
            let settings = Settings {
                version: Some(self.profile.version),
                platform: Some(self.profile.platform),
                start: Start::Deployment,
                unit: Some(unit.to_string()),
                peers: Some(peers.map(|endpoint| endpoint.name.to_string()).collect()),
                ..Settings::default()
            };
            let events: Vec<Event> = ran.iter().map(|(_, event)| event.clone()).collect();
            let names: Vec<Event> = events.iter().map(by_name).collect();
            let bare = Settings { unit: None, peers: None, ..settings.clone() };
            let anywhere = Settings { start: Start::Unknown, ..settings.clone() };
            for (how, found, skipped) in
                [("", judge(settings, &events), 0), (" by its name", judge(bare, &names), 0)]
                    .into_iter()
                    .chain((0..events.len()).map(|first| {
                        (" of a log that begins later", judge(anywhere.clone(), &events[first..]), first)
                    }))
            {
                for finding in found {
                    let rule = finding.rule;
                    if !finding.is_breach() && how.is_empty() && self.script.warnings.contains(&rule) {
                        warned.insert(rule);
                    } else if finding.is_breach() || how.is_empty() {
                        return Err(told(&finding, how, &ran[skipped..]));
                    }
                }
            }
        }
        Ok(())
    }
}

/// How many hooks may be the next one in any scenario.
const OPTIONS_MAX: u64 = 8;

/// Returns where the hook of a finding is, and what is said of it.
fn told(finding: &Finding, how: &str, ran: &[(usize, Event)]) -> Mistake {
    let hooks = ran.iter().filter(|(_, event)| !matches!(event, Event::Marker(_)));
    let line = hooks.map(|(line, _)| *line).nth(finding.position).unwrap_or_default();
    Mistake::at(line, format!("the judge says{how}: {finding}"))
}

fn by_name(event: &Event) -> Event {
    match event {
        Event::Hook { hook, outcome } => {
            let subject = hook.subject.clone();
            Event::Hook { hook: Hook { subject, ..Hook::of_kind(hook.kind) }, outcome: *outcome }
        }
        Event::Marker(_) | Event::Unknown(_) => event.clone(),
    }
}

/// Whether all that a line says of a hook is so. A remote unit has to be told.
fn is_told_by(said: &Hook, hook: &Hook) -> bool {
    fn is_so(said: Option<&Name>, is: Option<&Name>) -> bool {
        said.is_none_or(|said| Some(said) == is)
    }
    let remote_is_so = match (&said.remote, &hook.remote) {
        (Remote::Unit(said), Remote::Unit(is)) => said == is,
        (Remote::Unknown | Remote::Application, Remote::Unit(_)) | (Remote::Unit(_), _) => false,
        (Remote::Unknown | Remote::Application, Remote::Unknown | Remote::Application) => true,
    };
    said.kind == hook.kind
        && said.subject == hook.subject
        && remote_is_so
        && said.relation_id.is_none_or(|id| Some(id) == hook.relation_id)
        && is_so(said.remote_app.as_ref(), hook.remote_app.as_ref())
        && is_so(said.departing_unit.as_ref(), hook.departing_unit.as_ref())
        && is_so(said.storage_id.as_ref(), hook.storage_id.as_ref())
        && is_so(said.notice.as_ref(), hook.notice.as_ref())
        && is_so(said.check.as_ref(), hook.check.as_ref())
        && is_so(said.secret_id.as_ref(), hook.secret_id.as_ref())
        && said.secret_revision.is_none_or(|revision| Some(revision) == hook.secret_revision)
}
