//! The language of scenarios, read into a [`Script`]. `tests/scenarios/README.md` describes
//! it. Reading says what a line means, and not whether Juju can do it: that is for the
//! runner.

use std::fmt;

use charmproof_lifecycle::rules::RuleId;
use charmproof_lifecycle::stimulus::{Actor, StimulusKind};
use charmproof_lifecycle::vocabulary::{Hook, HookKind, JujuVersion, Name, Platform, Scope};
use charmproof_lifecycle::world::{Charm, Profile, Role, StorageKind};

/// A scenario.
#[derive(Debug)]
pub(crate) struct Script {
    /// What happens, in a few words.
    pub(crate) title: String,
    pub(crate) versions: Vec<JujuVersion>,
    pub(crate) platforms: Vec<Platform>,
    /// Whether Juju also does what it does by mistake.
    pub(crate) has_quirks: bool,
    /// The rules that the judge warns of: exactly these.
    pub(crate) warnings: Vec<RuleId>,
    /// The charms, by the names of their applications. The first one is the one that lines
    /// without a name are about.
    pub(crate) charms: Vec<(Name, Charm)>,
    pub(crate) lines: Vec<Line>,
}

/// A line of what happens.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) number: usize,
    /// Where it holds. A line without a condition holds everywhere.
    pub(crate) conditions: Vec<Condition>,
    pub(crate) what: What,
}

/// Where a line holds.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Condition {
    On(Platform),
    Before(JujuVersion),
    Since(JujuVersion),
}

impl Condition {
    pub(crate) fn holds(self, profile: Profile) -> bool {
        match self {
            Self::On(platform) => profile.platform == platform,
            Self::Before(version) => profile.version < version,
            Self::Since(version) => profile.version >= version,
        }
    }
}

/// What a line says.
#[derive(Debug)]
pub(crate) enum What {
    /// Somebody does something to a unit or an application.
    Stimulus { kind: StimulusKind, words: Vec<String>, target: Option<Name> },
    /// A unit runs a hook.
    Hook { unit: Option<Name>, hook: Box<Hook>, manner: Manner, is_by_chance: bool },
    /// A unit, or all of them, is as it should be.
    Is { unit: Option<Name>, state: State },
}

/// How a hook goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Manner {
    /// It begins and succeeds.
    Runs,
    /// It begins, and the next lines happen while it runs.
    Begins,
    /// It ran already, and succeeds.
    Ends,
    /// It fails, be it begun already or not.
    Fails,
    /// The charm has none, be it begun already or not.
    Missing,
    /// The agent, which was told to go, took it along.
    Terminated,
    /// The line before took the agent away below it.
    CutOff,
}

impl Manner {
    const ALL: [(&'static str, Self); 6] = [
        ("begins", Self::Begins),
        ("ends", Self::Ends),
        ("fails", Self::Fails),
        ("missing", Self::Missing),
        ("terminated", Self::Terminated),
        ("cut-off", Self::CutOff),
    ];
}

/// How a unit is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// It has nothing to do.
    Idle,
    /// A hook failed, and waits.
    InError,
    /// It has no agent.
    Down,
    /// It is no more.
    Gone,
}

impl State {
    const ALL: [(&'static str, Self); 4] =
        [("idle", Self::Idle), ("in-error", Self::InError), ("down", Self::Down), ("gone", Self::Gone)];

    pub(crate) fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, state)| *state == self).map_or("", |(name, _)| name)
    }
}

/// What is wrong with a script, or with the sequence that it tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mistake {
    pub(crate) line: usize,
    pub(crate) what: String,
}

impl Mistake {
    pub(crate) fn at(line: usize, what: impl Into<String>) -> Self {
        Self { line, what: what.into() }
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.line, self.what)
    }
}

type Read<T> = Result<T, String>;

/// Reads a script.
pub(crate) fn parse(text: &str) -> Result<Script, Mistake> {
    let mut script = Script {
        title: String::new(),
        versions: Vec::new(),
        platforms: Vec::new(),
        has_quirks: false,
        warnings: Vec::new(),
        charms: Vec::new(),
        lines: Vec::new(),
    };
    let mut last = 0;
    for (index, line) in text.lines().enumerate() {
        let number = index + 1;
        last = number;
        let line = line.split('#').next().unwrap_or_default().trim();
        if line.is_empty() {
            continue;
        }
        let header = line.split_once(':').filter(|(key, _)| !key.contains(char::is_whitespace));
        // `db-relation-changed db:1` has its colon behind a blank.
        let read = match header {
            Some((key, _)) if !script.lines.is_empty() => {
                Err(format!("`{key}:` belongs above the first thing that happens"))
            }
            Some((key, values)) => script.header(key, values.trim()),
            None => line_of(line, number).map(|line| script.lines.push(line)),
        };
        read.map_err(|what| Mistake::at(number, what))?;
    }
    let missing = [
        ("title", script.title.is_empty()),
        ("juju", script.versions.is_empty()),
        ("platform", script.platforms.is_empty()),
        ("charm", script.charms.is_empty()),
    ];
    if let Some((key, _)) = missing.into_iter().find(|(_, is_missing)| *is_missing) {
        return Err(Mistake::at(last, format!("`{key}:` is missing")));
    }
    if script.lines.is_empty() {
        return Err(Mistake::at(last, "nothing happens"));
    }
    Ok(script)
}

impl Script {
    fn header(&mut self, key: &str, values: &str) -> Read<()> {
        let words: Vec<&str> = values.split_whitespace().collect();
        if words.is_empty() {
            return Err(format!("`{key}:` says nothing"));
        }
        match key {
            "title" => values.clone_into(&mut self.title),
            "juju" if words == ["all"] => self.versions = JujuVersion::ALL.to_vec(),
            "juju" => {
                let version = |word: &&str| version(word);
                self.versions = words.iter().map(version).collect::<Read<_>>()?;
            }
            "platform" => self.platforms = words.iter().map(|word| platform(word)).collect::<Read<_>>()?,
            "quirks" => self.has_quirks = one_of(values, &[("yes", true), ("no", false)], "answer")?,
            "warnings" => self.warnings = words.iter().map(|word| rule(word)).collect::<Read<_>>()?,
            // The rules that a scenario is about are for its readers; that they exist is all
            // that can be said of them.
            "rules" => words.iter().try_for_each(|word| rule(word).map(drop))?,
            "charm" => match words[..] {
                [name] => self.charms.push((name.into(), Charm::default())),
                _ => return Err(format!("`charm: {values}` is more than one name")),
            },
            _ => {
                let Some((_, charm)) = self.charms.last_mut() else {
                    return Err(format!("`{key}:` belongs below `charm:`, if it is anything"));
                };
                for word in words {
                    *charm = with(std::mem::take(charm), key, word)?;
                }
            }
        }
        Ok(())
    }
}

/// Returns the charm with something more.
fn with(mut charm: Charm, what: &str, name: &str) -> Read<Charm> {
    Ok(match what {
        "requires" => charm.with_endpoint(Role::Requires, name),
        "provides" => charm.with_endpoint(Role::Provides, name),
        "peers" => charm.with_endpoint(Role::Peer, name),
        "storage" => charm.with_storage(name),
        "optional-storage" => {
            charm.storages.push(StorageKind { name: name.into(), minimum: 0, maximum: None });
            charm
        }
        "container" => charm.with_container(name),
        "action" => charm.with_action(name),
        _ => {
            return Err(format!(
                "`{what}:` is no word of a header: title, juju, platform, quirks, rules, warnings, charm, \
                 and of a charm requires, provides, peers, storage, optional-storage, container, action"
            ));
        }
    })
}

fn version(word: &str) -> Read<JujuVersion> {
    let found = JujuVersion::ALL.into_iter().find(|version| version.to_string() == word);
    let all = JujuVersion::ALL.map(|version| version.to_string()).join(", ");
    found.ok_or_else(|| format!("`{word}` is no line of Juju: {all}"))
}

fn platform(word: &str) -> Read<Platform> {
    one_of(word, &[("machine", Platform::Machine), ("k8s", Platform::Kubernetes)], "platform")
}

fn rule(word: &str) -> Read<RuleId> {
    RuleId::parse(word).ok_or_else(|| format!("`{word}` is no rule"))
}

fn one_of<T: Copy>(word: &str, known: &[(&str, T)], what: &str) -> Read<T> {
    let found = known.iter().find(|(name, _)| *name == word).map(|(_, value)| *value);
    let names: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
    found.ok_or_else(|| format!("`{word}` is no {what}: {}", names.join(", ")))
}

/// Reads a line of what happens.
fn line_of(line: &str, number: usize) -> Read<Line> {
    let (line, conditions) = match line.split_once('[') {
        None => (line, Vec::new()),
        Some((line, rest)) => {
            let inside = rest.strip_suffix(']').ok_or("a condition ends with `]`, and the line with it")?;
            (line, inside.split(',').map(condition).collect::<Read<_>>()?)
        }
    };
    let words: Vec<&str> = line.split_whitespace().collect();
    let what = match words[..] {
        [] => return Err("there is a condition, and nothing that it is for".to_owned()),
        [word, ref rest @ ..] => match actor(word) {
            Some(by) => stimulus(by, rest)?,
            None => of_unit(&words)?,
        },
    };
    Ok(Line { number, conditions, what })
}

fn condition(text: &str) -> Read<Condition> {
    let words: Vec<&str> = text.split_whitespace().collect();
    match words[..] {
        ["before", word] => Ok(Condition::Before(version(word)?)),
        ["since", word] => Ok(Condition::Since(version(word)?)),
        [word] => Ok(Condition::On(platform(word)?)),
        _ => Err(format!("`[{}]` is no condition: before VERSION, since VERSION, machine, k8s", text.trim())),
    }
}

const ACTORS: [Actor; 5] = [Actor::User, Actor::Cloud, Actor::ThisCharm, Actor::OtherCharm, Actor::Juju];

fn actor(word: &str) -> Option<Actor> {
    ACTORS.into_iter().find(|actor| actor.name() == word)
}

fn stimulus(by: Actor, words: &[&str]) -> Read<What> {
    let [word, words @ ..] = words else {
        return Err(format!("what does `{}` do?", by.name()));
    };
    let kind = StimulusKind::parse(word).ok_or_else(|| {
        let of_actor = StimulusKind::ALL.iter().filter(|kind| kind.by() == by).map(|kind| kind.name());
        format!(
            "`{word}` is nothing that happens: `{}` does {}",
            by.name(),
            of_actor.collect::<Vec<_>>().join(", ")
        )
    })?;
    if kind.by() != by {
        return Err(format!("`{word}` is done by `{}`", kind.by().name()));
    }
    let (words, target) = match words {
        [words @ .., "on", target] => (words, Some(Name::from(*target))),
        words => (words, None),
    };
    let usage = usage(kind);
    let least = usage.split_whitespace().filter(|word| !word.starts_with('[')).count();
    let most = usage.split_whitespace().count();
    if !(least..=most).contains(&words.len()) {
        return Err(format!("write `{} {}`", by.name(), [kind.name(), usage].join(" ").trim_end()));
    }
    // A word that may be there says which of two it is, so it has to be the right one.
    let optional = usage.split_whitespace().find_map(|word| word.strip_prefix('[')?.strip_suffix(']'));
    if let Some(word) = words.get(least)
        && optional != Some(word)
    {
        return Err(format!("`{word}` says nothing here: write `{} {} {usage}`", by.name(), kind.name()));
    }
    Ok(What::Stimulus { kind, words: words.iter().map(ToString::to_string).collect(), target })
}

/// Returns what has to be said of a stimulus, with what may be in brackets.
fn usage(kind: StimulusKind) -> &'static str {
    match kind {
        StimulusKind::Deploy => "UNIT [leader]",
        StimulusKind::Integrate => "ENDPOINT APPLICATION",
        StimulusKind::RemoveRelation
        | StimulusKind::SuspendRelation
        | StimulusKind::ResumeRelation
        | StimulusKind::RemoteAppWrites
        | StimulusKind::UnitWrites
        | StimulusKind::AppWrites => "RELATION",
        StimulusKind::RemoteUnitJoins | StimulusKind::RemoteUnitLeaves | StimulusKind::RemoteUnitWrites => {
            "RELATION UNIT"
        }
        StimulusKind::StorageAdded => "STORAGE",
        StimulusKind::StorageDetached => "STORAGE/NUMBER",
        StimulusKind::ContainerRestarts => "CONTAINER",
        StimulusKind::CustomNotice => "CONTAINER KEY",
        StimulusKind::CheckFails | StimulusKind::CheckRecovers => "CONTAINER CHECK",
        StimulusKind::SecretAdded => "SECRET unit|application|remote",
        StimulusKind::SecretRevised | StimulusKind::SecretRotationDue => "SECRET",
        StimulusKind::SecretExpires | StimulusKind::SecretUnused => "SECRET REVISION",
        StimulusKind::ActionRuns => "ACTION",
        StimulusKind::Refresh => "[forced]",
        StimulusKind::CharmReboots => "[now]",
        StimulusKind::ConfigChanges
        | StimulusKind::LeadershipGained
        | StimulusKind::LeadershipLost
        | StimulusKind::LeaderSettingsWritten
        | StimulusKind::AgentRestarts
        | StimulusKind::PodTerminated
        | StimulusKind::PodLost
        | StimulusKind::PodStarted
        | StimulusKind::MachineReboots
        | StimulusKind::SeriesUpgradePrepared
        | StimulusKind::SeriesUpgradeCompleted
        | StimulusKind::Retry
        | StimulusKind::ResolveWithoutRetry
        | StimulusKind::TimePasses
        | StimulusKind::RemoveUnit => "",
    }
}

/// Reads what a unit does, or how it is.
fn of_unit(words: &[&str]) -> Read<What> {
    let (unit, words) = match words {
        [unit, rest @ ..] if unit.contains('/') => (Some(Name::from(*unit)), rest),
        words => (None, words),
    };
    match words {
        [] => Err("what does the unit do?".to_owned()),
        ["is", state] => Ok(What::Is { unit, state: one_of(state, &State::ALL, "state of a unit")? }),
        [name, about @ ..] => {
            let hook = Hook::parse(name).map_err(|unknown| unknown.to_string())?;
            let (about, is_by_chance) = match about {
                [about @ .., "by-chance"] => (about, true),
                about => (about, false),
            };
            let last = about.last().and_then(|last| Manner::ALL.iter().find(|(name, _)| name == last));
            let (about, manner) = match (about, last) {
                ([about @ .., _], Some((_, manner))) => (about, *manner),
                (about, _) => (about, Manner::Runs),
            };
            let hook = Box::new(about_hook(hook, about)?);
            Ok(What::Hook { unit, hook, manner, is_by_chance })
        }
    }
}

/// Adds what the words say about a hook.
fn about_hook(mut hook: Hook, words: &[&str]) -> Read<Hook> {
    use charmproof_lifecycle::vocabulary::Remote;
    let scope = hook.kind.scope();
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let name = || Some(Name::from(*word));
        match scope {
            Scope::Relation if *word == "departing" => {
                hook.departing_unit = words.next().map(|unit| Name::from(*unit));
            }
            Scope::Relation if word.contains(':') => {
                let id = word.split_once(':').filter(|(endpoint, _)| *endpoint == hook.subject());
                let id = id.and_then(|(_, id)| id.parse().ok());
                hook.relation_id =
                    Some(id.ok_or_else(|| format!("`{word}` is no relation of the endpoint"))?);
            }
            Scope::Relation if word.contains('/') => hook.remote = Remote::Unit((*word).into()),
            Scope::Relation => {
                hook.remote_app = name();
                hook.remote = Remote::Application;
            }
            Scope::Storage => hook.storage_id = name(),
            Scope::Container if hook.kind == HookKind::PebbleCustomNotice => hook.notice = name(),
            Scope::Container if hook.kind != HookKind::PebbleReady => hook.check = name(),
            Scope::Secret if *word == "revision" => {
                let number = words.next().and_then(|number| number.parse().ok());
                hook.secret_revision = Some(number.ok_or("`revision` is followed by a number")?);
            }
            Scope::Secret => hook.secret_id = name(),
            Scope::Unit | Scope::Container | Scope::Action => {
                return Err(format!("`{word}` says nothing about `{}`", hook.name()));
            }
        }
    }
    Ok(hook)
}
