//! Plays a life with real charms: the lifecycle says what happens, and code answers.
//!
//! The player keeps Juju's state in step with the lifecycle's model: what the model knows as
//! "somebody wrote" has words here. It judges nothing; oracles read what it wrote down.

mod cloud;
mod happenings;
mod made_up;
mod workloads;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use camino::Utf8Path;
use charmproof_agent::deeds::deeds;
use charmproof_agent::runner::{
    Answers, Exit, HookResult, HookRun, Inspection, Interpreter, Mode, RunnerError, UnitProcess, UnitSpec,
};
use charmproof_agent::standins::kubernetes::Caller;
use charmproof_agent::standins::web::{self as web_servers, Network, WebReply, WebRequest};
use charmproof_agent::standins::{self, Machine, Record, Rules, StandInCall, StandInReply};
use charmproof_agent::state::{
    HookContext, HookEffects, Juju, ModelIdentity, Reboot, SecretChange, SecretId, State, application_of,
};
use charmproof_agent::surroundings::{Place, variables};
use charmproof_agent::tools::{self, Reply, ToolCall};
use charmproof_charm::metadata::CharmMetadata;
use charmproof_lifecycle::environment::Numbers;
use charmproof_lifecycle::life::{Stage, Step, Target};
use charmproof_lifecycle::model::Model;
use charmproof_lifecycle::performance::{Afterwards, Cast, Ending, perform};
use charmproof_lifecycle::stimulus::Stimulus;
use charmproof_lifecycle::vocabulary::{Hook, HookKind, Name, Outcome, Platform};
use charmproof_pebble::Snapshot;
use jiff::SignedDuration;
use serde::Serialize;
use serde_json::{Map, Value};

use workloads::Containers;

/// Where units see the stand-ins. Each has a copy of its own, as packages bring more.
const STAND_INS_INSIDE: &str = "/run/charmproof/bin";
/// What machines are.
const MACHINE_RELEASE: &str = "24.04";

/// How long a person may look around, in seconds.
const SHELL_TIMEOUT_S: f64 = 24.0 * 3600.0;

/// How much time a hook takes in the life, whatever it takes really.
const HOOK_TAKES: SignedDuration = SignedDuration::from_secs(2);

/// Where charms put what belongs to a machine.
const MACHINE_FOLDERS: [&str; 6] = ["/etc", "/opt", "/srv", "/home", "/var/lib", "/var/log"];

/// An application that real code runs for.
pub struct Actor<'a> {
    /// Its name in the model.
    pub application: Name,
    /// What its charm declares.
    pub metadata: Arc<CharmMetadata>,
    /// The interpreter that has imported its charm.
    pub interpreter: &'a mut Interpreter,
}

/// What a life is played with.
pub struct Play<'a> {
    /// The applications with real code.
    pub actors: Vec<Actor<'a>>,
    /// How their hooks are run.
    pub mode: Mode,
    /// Where chance begins: values, keys, ids.
    pub seed: u64,
    /// How long a hook may take, in seconds.
    pub hook_timeout_s: f64,
    /// How many hooks a life has at most.
    pub hooks_max: usize,
    /// Whether a hook that fails ends the life. Otherwise it is resolved, and the life goes on.
    pub ends_at_failure: bool,
    /// What is looked at between hooks.
    pub looks: Looks,
    /// What the user knows better than the stand-ins.
    pub rules: &'a Rules,
    /// The folder with the stand-ins, if there is one.
    pub stand_ins: Option<&'a Utf8Path>,
    /// Whether the applications were deployed with `--trust`.
    pub is_trusted: bool,
    /// A shell in the place of a hook.
    pub shell: Option<Shell>,
    /// Whether to stop, in the midst of a hook as well. Asked often.
    pub is_over: &'a (dyn Fn() -> bool + Sync),
    /// Which hooks are run cold, whatever the mode: their numbers, counted from 1.
    pub cold_hooks: &'a [usize],
}

/// A shell in the place of a hook, for a person who wants to look around.
#[derive(Clone, Debug)]
pub struct Shell {
    /// The number of the hook, counted from 1.
    pub at: usize,
    /// The program and its arguments.
    pub program: Vec<String>,
    /// The terminal, as a path.
    pub terminal: String,
}

/// What is looked at after a hook, besides what tools tell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Looks {
    /// What the unit keeps: deferred events and stored state.
    pub storage: bool,
    /// Whether each hook that may be repeated is run a second time, and what that changes.
    pub repeats: bool,
    /// Whether the workload containers are looked at after each hook.
    pub workloads: bool,
    /// Whether the state before each hook is kept, for those who write the life down as a test.
    pub states: bool,
}

/// One hook that ran.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct HookRecord {
    /// The unit.
    pub unit: Name,
    /// The name of the hook.
    pub name: String,
    /// The hook.
    #[serde(skip)]
    pub hook: Hook,
    /// How its process ended.
    pub exit: Exit,
    /// Whether what it wrote counted.
    pub is_committed: bool,
    /// What it did.
    pub effects: HookEffects,
    /// What it printed, the end of it.
    pub output: String,
    /// How long it really took, in microseconds. No part of what is compared.
    #[serde(skip)]
    pub wall_us: u64,
    /// What the unit keeps after it, if that was looked at.
    pub kept: Option<Inspection>,
    /// How many stimuli had happened before it.
    pub after_stimuli: usize,
    /// What an action was called with.
    pub parameters: Option<Map<String, Value>>,
    /// The same hook again, if it was repeated: what that did.
    pub again: Option<Box<HookRecord>>,
    /// The files that a unit's last hook left on the machine.
    pub left: Vec<String>,
    /// The programs that were stood in for.
    pub stand_ins: Vec<Record>,
    /// The workload containers after it, if those were looked at.
    pub workloads: BTreeMap<String, Snapshot>,
    /// What Juju knew before the hook, if that was to be kept.
    #[serde(skip)]
    pub before: Option<Box<State>>,
}

/// A life that was played.
#[derive(Clone, Debug)]
pub struct Played {
    /// What happened.
    pub steps: Vec<Step>,
    /// The hooks, in the order in which they began.
    pub hooks: Vec<HookRecord>,
    /// What Juju knows at the end.
    pub state: State,
    /// The lines of the first application that ran, as numbers of its interpreter.
    pub lines: BTreeSet<u32>,
    /// Whether the units came to rest.
    pub came_to_rest: bool,
    /// The workload containers at the end, by unit and name.
    pub workloads: BTreeMap<Name, BTreeMap<String, Snapshot>>,
    /// Whether the charm asked for something that nobody here can answer.
    pub has_unanswered: bool,
    /// The contents of all secrets that there were.
    pub secrets: BTreeMap<SecretId, BTreeMap<String, String>>,
    /// Secrets that were made for one relation and outlive it, with its endpoint.
    pub orphans: Vec<(String, String)>,
    /// What of ours went wrong, so that nothing can be said of the charm.
    pub trouble: Option<String>,
    /// Whether it was stopped before its end, so that nothing can be said of it at all.
    pub is_cut: bool,
}

impl Played {
    /// Returns a life that could not even begin.
    pub(crate) fn not_begun(stage: &Stage, trouble: String) -> Self {
        let juju = Juju::of_line(stage.profile.version, stage.profile.platform);
        Self {
            steps: Vec::new(),
            hooks: Vec::new(),
            state: State::new(juju, ModelIdentity::default()),
            lines: BTreeSet::new(),
            came_to_rest: true,
            workloads: BTreeMap::new(),
            has_unanswered: false,
            secrets: BTreeMap::new(),
            orphans: Vec::new(),
            trouble: Some(trouble),
            is_cut: false,
        }
    }
}

/// Plays a script.
pub fn play(stage: &Stage, script: &[Step], afterwards: Afterwards, play: &mut Play<'_>) -> Played {
    let juju = Juju::of_line(stage.profile.version, stage.profile.platform);
    let mut state = State::new(juju, ModelIdentity::default());
    state.credential = play.is_trusted.then(|| cloud::credential(play.rules, stage.profile.platform));
    for actor in &play.actors {
        let application =
            charmproof_agent::state::Application::of_charm(actor.application.clone(), &actor.metadata);
        let application = charmproof_agent::state::Application { is_trusted: play.is_trusted, ..application };
        // A name that comes twice is refused when the model is made.
        let _ = state.add_application(application);
    }
    let network = Network::of(play.rules, state.juju.platform);
    let mut player = Player {
        chance: made_up::Chance::new(play.seed),
        play,
        state,
        processes: BTreeMap::new(),
        running: BTreeMap::new(),
        numbers: BTreeMap::new(),
        hooks: Vec::new(),
        lines: BTreeSet::new(),
        secret_names: Vec::new(),
        stimuli: 0,
        ended: 0,
        is_over: false,
        is_restless: false,
        trouble: None,
        is_cut: false,
        contents: BTreeMap::new(),
        granted: BTreeMap::new(),
        broken_by_leader: BTreeSet::new(),
        files_at_first: BTreeMap::new(),
        containers: BTreeMap::new(),
        containers_made: 0,
        machines: BTreeMap::new(),
        network,
        has_early_containers: false,
        has_roots: true,
        has_unanswered: false,
    };
    player.has_roots = player.play.actors.iter().all(|actor| actor.interpreter.welcome().bare.is_none());
    player.has_early_containers = player.chance.happens(500);
    player.configure();
    let steps = perform(stage, script, afterwards, &mut player);
    let workloads = player.workloads();
    Played {
        is_cut: player.is_cut || (player.play.is_over)(),
        steps,
        orphans: player.orphans(),
        came_to_rest: !player.is_restless,
        has_unanswered: player.has_unanswered
            || workloads
                .values()
                .flat_map(BTreeMap::values)
                .any(|snapshot| snapshot.exec.iter().any(|exec| exec.unanswered)),
        workloads,
        secrets: player.contents,
        hooks: player.hooks,
        state: player.state,
        lines: player.lines,
        trouble: player.trouble,
    }
}

/// The agent, as a hook that runs sees it.
struct AgentOf<'a> {
    state: &'a mut State,
    context: &'a mut HookContext,
    application: &'a str,
    machine: &'a mut Machine,
    rules: &'a Rules,
    records: Vec<Record>,
    may_act: bool,
    is_over: &'a (dyn Fn() -> bool + Sync),
}

impl Answers for AgentOf<'_> {
    fn tool(&mut self, call: &ToolCall) -> Reply {
        tools::answer(self.state, self.context, call)
    }

    fn stand_in(&mut self, call: &StandInCall) -> StandInReply {
        let mut reply = standins::answer(self.machine, self.rules, call);
        self.records.push(reply.record.clone());
        if !self.may_act {
            // Without a root of its own, the unit would write to the host.
            reply.acts.clear();
        }
        reply
    }

    fn is_cancelled(&self) -> bool {
        (self.is_over)()
    }

    fn web(&mut self, request: &WebRequest) -> WebReply {
        let caller = Caller { namespace: &self.state.model.name, application: self.application };
        let (reply, record) = web_servers::answer(self.machine, self.rules, &caller, request);
        self.records.push(record);
        reply
    }
}

/// A hook that a unit runs.
struct Running {
    context: HookContext,
    result: HookResult,
    record: usize,
    /// How many hooks of all units had ended when it began.
    ended_before: usize,
}

struct Player<'a, 'b> {
    play: &'a mut Play<'b>,
    state: State,
    chance: made_up::Chance,
    processes: BTreeMap<Name, UnitProcess>,
    running: BTreeMap<Name, Running>,
    numbers: BTreeMap<Name, Numbers>,
    hooks: Vec<HookRecord>,
    lines: BTreeSet<u32>,
    /// The secrets that the charms made, in their order: what a script calls its n-th one.
    secret_names: Vec<SecretId>,
    stimuli: usize,
    /// How many hooks of all units have ended.
    ended: usize,
    is_over: bool,
    is_restless: bool,
    trouble: Option<String>,
    is_cut: bool,
    /// The contents of all secrets that there were.
    contents: BTreeMap<SecretId, BTreeMap<String, String>>,
    /// The relations that each secret was ever granted to, with the endpoint of its owner.
    granted: BTreeMap<SecretId, BTreeMap<u32, Name>>,
    /// The relations of which the leader has run `relation-broken`.
    broken_by_leader: BTreeSet<u32>,
    /// The files that a unit's machine had before its first hook.
    files_at_first: BTreeMap<Name, BTreeSet<String>>,
    containers: BTreeMap<Name, Containers>,
    containers_made: usize,
    machines: BTreeMap<Name, Machine>,
    /// What units can connect to.
    network: Network,
    /// Whether a container's Pebble is there before Juju says so.
    has_early_containers: bool,
    /// Whether units have root filesystems of their own.
    has_roots: bool,
    /// Whether something was asked for that nobody here can answer, of units that are gone.
    has_unanswered: bool,
}

impl Cast for Player<'_, '_> {
    fn adapt(&mut self, model: &Model, target: &Target, stimulus: &Stimulus) -> Option<Stimulus> {
        self.adapted(model, target, stimulus)
    }

    fn happened(&mut self, model: &Model, target: &Target, stimulus: &Stimulus) {
        self.stimuli += 1;
        self.follow(model, target, stimulus);
    }

    fn begin(&mut self, _: &Model, unit: &Name, hook: &Hook) {
        self.prepare(unit, hook);
        self.state.advance_clock(HOOK_TAKES);
        match self.run(unit, hook) {
            Ok(running) => {
                self.running.insert(unit.clone(), running);
            }
            Err(error) => self.fail(&error),
        }
    }

    fn end(&mut self, model: &Model, unit: &Name, hook: &Hook, scripted: Outcome) -> Ending {
        let Some(running) = self.running.remove(unit) else {
            return Ending { outcome: Outcome::Ok, deeds: Vec::new() };
        };
        let outcome = match (scripted, running.result.exit.is_success()) {
            (Outcome::Terminated, _) => Outcome::Terminated,
            (_, true) => Outcome::Ok,
            (_, false) => Outcome::Failed,
        };
        let wants_reboot_now = running.context.reboot() == Some(Reboot::Now);
        let effects = running.context.finish(&mut self.state, outcome);
        let deeds = self.deeds(model, &effects);
        if outcome == Outcome::Terminated
            && let Some(process) = self.processes.get_mut(unit)
        {
            process.restore();
        }
        let record = &mut self.hooks[running.record];
        record.is_committed = outcome.is_committed();
        record.effects = effects;
        self.note_secrets(running.record);
        if outcome == Outcome::Failed && !wants_reboot_now && hook.kind != HookKind::Action {
            self.is_over |= self.play.ends_at_failure;
        }
        let mut deeds = deeds;
        if outcome.is_committed() {
            self.committed(unit, hook);
            if hook.kind == HookKind::Remove {
                self.hooks[running.record].left = self.files_left(unit);
            }
            // Only a hook that saw all there is now has nothing to do when it runs again.
            let saw_all = self.hooks[running.record].after_stimuli == self.stimuli
                && running.ended_before == self.ended;
            if self.play.looks.repeats && is_repeatable(hook.kind) && !wants_reboot_now && saw_all {
                deeds.extend(self.repeat(model, unit, hook, running.record));
            }
        }
        self.ended += 1;
        Ending { outcome, deeds }
    }

    fn cut_off(&mut self, unit: &Name, _: &Hook) {
        let Some(running) = self.running.remove(unit) else { return };
        let effects = running.context.finish(&mut self.state, Outcome::Terminated);
        self.hooks[running.record].effects = effects;
        if let Some(process) = self.processes.get_mut(unit) {
            process.restore();
        }
    }

    fn gone(&mut self, _: &Model, unit: &Name) {
        self.processes.remove(unit);
        if let Some(containers) = self.containers.remove(unit) {
            let snapshots = containers.snapshots();
            self.has_unanswered |=
                snapshots.values().any(|snapshot| snapshot.exec.iter().any(|exec| exec.unanswered));
        }
        // One that was never known has nothing to be forgotten.
        let _ = self.state.remove_unit(unit);
    }

    fn goes_on(&self) -> bool {
        !self.is_over && !(self.play.is_over)()
    }
}

impl Player<'_, '_> {
    /// Ends the life: something of ours went wrong, or nobody wants to know any more.
    fn fail(&mut self, error: &RunnerError) {
        if matches!(error, RunnerError::Cancelled) {
            self.is_cut = true;
        } else {
            self.trouble = Some(error.to_string());
        }
        self.is_over = true;
    }

    /// Runs a hook of a unit, to the end of its process. What it wrote waits.
    fn run(&mut self, unit: &Name, hook: &Hook) -> Result<Running, RunnerError> {
        if self.hooks.len() >= self.play.hooks_max {
            self.is_over = true;
            self.is_restless = true;
        }
        let numbers = self.numbers.entry(unit.clone()).or_default();
        numbers.count(hook);
        let numbers = *numbers;
        self.start_process(unit)?;
        let parameters = (hook.kind == HookKind::Action).then(|| self.action_parameters(unit, hook));
        let mut context = HookContext::new(&mut self.state, unit, hook, parameters.clone())
            .map_err(|error| RunnerError::Message(error.to_string()))?;
        let Some(process) = self.processes.get_mut(unit) else {
            return Err(RunnerError::Message(format!("`{unit}` has no process")));
        };
        let stand_ins = self.play.stand_ins.map(|_| Utf8Path::new(STAND_INS_INSIDE));
        let certificates = (self.network.is_authority_trusted && self.has_roots)
            .then(|| Utf8Path::new(web_servers::CERTIFICATES));
        let place = Place { process, tools: None, stand_ins, certificates };
        let run = HookRun {
            env: variables(&self.state, unit, hook, numbers, &place),
            seed: self.play.seed ^ (self.hooks.len() as u64) << 32,
            clock_s: u64::try_from(self.state.now.as_second()).unwrap_or(0),
            timeout_s: self.play.hook_timeout_s,
            looks_at_storage: self.play.looks.storage,
            mode: self.play.cold_hooks.contains(&(self.hooks.len() + 1)).then_some(Mode::Cold),
            program: vec!["./dispatch".to_owned()],
            terminal: None,
        };
        let before = self.play.looks.states.then(|| Box::new(self.state.clone()));
        let run = match &self.play.shell {
            Some(shell) if shell.at == self.hooks.len() + 1 => HookRun {
                mode: Some(Mode::Cold),
                program: shell.program.clone(),
                terminal: Some(shell.terminal.clone()),
                timeout_s: SHELL_TIMEOUT_S,
                ..run
            },
            Some(_) | None => run,
        };
        let machine = self.machines.entry(unit.clone()).or_insert_with(|| Machine::new(MACHINE_RELEASE));
        let mut answers = AgentOf {
            state: &mut self.state,
            context: &mut context,
            application: application_of(unit),
            machine,
            rules: self.play.rules,
            records: Vec::new(),
            may_act: self.has_roots,
            is_over: self.play.is_over,
        };
        let result = process.run(&run, &mut answers)?;
        let stand_ins = answers.records;
        self.has_unanswered |= stand_ins.iter().any(|record| !record.assumed.is_empty());
        if self.play.actors.first().is_some_and(|actor| actor.application == application_of(unit)) {
            self.lines.extend(&result.new_lines);
        }
        let looks_at_workloads =
            self.play.looks.repeats || self.play.looks.states || self.play.looks.workloads;
        let containers = self.containers.get(unit).filter(|_| looks_at_workloads);
        let workloads = containers.map(Containers::snapshots).unwrap_or_default();
        self.hooks.push(HookRecord {
            unit: unit.clone(),
            name: hook.name(),
            hook: hook.clone(),
            exit: result.exit,
            is_committed: false,
            effects: HookEffects::default(),
            output: result.output.clone(),
            wall_us: u64::try_from(result.wall.as_micros()).unwrap_or(u64::MAX),
            kept: result.kept.clone(),
            after_stimuli: self.stimuli,
            parameters,
            again: None,
            left: Vec::new(),
            stand_ins,
            workloads,
            before,
        });
        Ok(Running { context, result, record: self.hooks.len() - 1, ended_before: self.ended })
    }

    /// Returns what can be seen of the containers of all units.
    fn workloads(&self) -> BTreeMap<Name, BTreeMap<String, Snapshot>> {
        self.containers.iter().map(|(unit, containers)| (unit.clone(), containers.snapshots())).collect()
    }

    /// Runs a hook a second time, and returns what others notice of that.
    fn repeat(&mut self, model: &Model, unit: &Name, hook: &Hook, first: usize) -> Vec<Stimulus> {
        let running = match self.run(unit, hook) {
            Ok(running) => running,
            Err(error) => {
                self.fail(&error);
                return Vec::new();
            }
        };
        let outcome = if running.result.exit.is_success() { Outcome::Ok } else { Outcome::Failed };
        let effects = running.context.finish(&mut self.state, outcome);
        let deeds = self.deeds(model, &effects);
        if let Some(mut again) = self.hooks.pop() {
            again.is_committed = outcome.is_committed();
            again.effects = effects;
            self.hooks[first].again = Some(Box::new(again));
        }
        deeds
    }

    /// Remembers what secrets hold, and whom they are for.
    fn note_secrets(&mut self, record: usize) {
        for effect in &self.hooks[record].effects.secrets {
            if let Some(revision) =
                self.state.secrets.get(&effect.id).and_then(|secret| secret.latest_revision())
            {
                self.contents.entry(effect.id.clone()).or_default().extend(revision.content.clone());
            }
            if let SecretChange::Granted { relation, .. } = &effect.change {
                let owner = self.state.secrets.get(&effect.id).and_then(|secret| secret.owner.application());
                let endpoint = owner.and_then(|owner| self.state.relations.get(relation)?.end_of(owner));
                if let Some(endpoint) = endpoint {
                    self.granted
                        .entry(effect.id.clone())
                        .or_default()
                        .insert(*relation, endpoint.endpoint.clone());
                }
            }
        }
    }

    /// Returns the secrets that were for one relation only and outlive it.
    fn orphans(&self) -> Vec<(String, String)> {
        let mut found = Vec::new();
        for (id, relations) in &self.granted {
            let is_there = self.state.secrets.contains_key(id);
            // Whoever leads may remove what the application owns, and that may be a unit of
            // which nothing is known here.
            let is_of_unit =
                self.state.secrets.get(id).is_some_and(|secret| {
                    matches!(secret.owner, charmproof_agent::state::SecretOwner::Unit(_))
                });
            let mut ended = relations.iter().filter(|(relation, _)| {
                !self.state.relations.contains_key(relation)
                    && (is_of_unit || self.broken_by_leader.contains(relation))
            });
            if let (true, 1, Some((relation, endpoint))) = (is_there, relations.len(), ended.next())
                && self.is_for_one_relation(id, *relation)
            {
                found.push((id.uri(), endpoint.to_string()));
            }
        }
        found
    }

    /// Whether a secret is meant for one relation, and not for all that may come: its label names
    /// the relation, or another relation of the endpoint was granted another secret.
    fn is_for_one_relation(&self, id: &SecretId, relation: u32) -> bool {
        let label = self.state.secrets.get(id).map_or("", |secret| secret.label.as_str());
        let number = relation.to_string();
        let has_number = label.split(|character: char| !character.is_ascii_digit()).any(|run| run == number);
        let endpoint = self.granted.get(id).and_then(|relations| relations.get(&relation));
        let has_siblings = self.granted.iter().any(|(other, relations)| {
            let is_of_one = relations.len() == 1 && !relations.contains_key(&relation);
            other != id && is_of_one && relations.values().any(|other| Some(other) == endpoint)
        });
        has_number || has_siblings
    }

    /// Returns the files that a unit leaves on its machine. A pod takes its files along.
    fn files_left(&mut self, unit: &Name) -> Vec<String> {
        let Some(before) = self.files_at_first.get(unit) else { return Vec::new() };
        let Some(process) = self.processes.get_mut(unit) else { return Vec::new() };
        let Some(now) = process.files(&MACHINE_FOLDERS) else { return Vec::new() };
        // A package that stays keeps its files, as it should.
        let packages = self.machines.get(unit).into_iter().flat_map(|machine| machine.packages.values());
        let brought: BTreeSet<&String> = packages.flat_map(|package| &package.files).collect();
        now.into_iter()
            .filter(|path| !before.contains(path) && !brought.contains(path))
            .filter(|path| !path.starts_with("/var/lib/juju/"))
            .collect()
    }

    /// Makes a process for a unit that has none, or whose process is gone.
    fn start_process(&mut self, unit: &Name) -> Result<(), RunnerError> {
        if self.processes.get(unit).is_some_and(|process| !process.is_lost()) {
            return Ok(());
        }
        let mode = self.play.mode;
        let application = application_of(unit);
        let Some(actor) = self.play.actors.iter_mut().find(|actor| actor.application == application) else {
            return Err(RunnerError::Message(format!("no charm runs for `{application}`")));
        };
        if !self.containers.contains_key(unit) {
            self.containers_made += 1;
            let folder = workloads::folder(&actor.interpreter.spec().work, self.containers_made);
            let names: Vec<String> =
                actor.metadata.containers.iter().map(|container| container.name.clone()).collect();
            let mut made = Containers::new(folder, &names, workloads::exec_rules(self.play.rules))?;
            if self.has_early_containers {
                made.start_all(self.state.now)?;
            }
            self.containers.insert(unit.clone(), made);
        }
        let spec = UnitSpec {
            name: unit.to_string(),
            mode,
            containers: self.containers.get(unit).map(Containers::folders).unwrap_or_default(),
            binds: Vec::new(),
            stand_ins: self.play.stand_ins.map(|folder| (folder.to_owned(), STAND_INS_INSIDE.into())),
            files: cloud::pod_files(&self.state),
            network: self.network.clone(),
            // What ran in another life is no news of this one.
            forgets_lines: self.hooks.is_empty(),
        };
        let mut process = actor.interpreter.unit(&spec)?;
        let has_machine =
            self.state.juju.platform == Platform::Machine && actor.interpreter.welcome().bare.is_none();
        if has_machine && let Some(now) = process.files(&MACHINE_FOLDERS) {
            self.files_at_first.insert(unit.clone(), now.into_iter().collect());
        }
        self.processes.insert(unit.clone(), process);
        Ok(())
    }

    /// Returns what others notice of a hook, and remembers the secrets that it made.
    fn deeds(&mut self, model: &Model, effects: &HookEffects) -> Vec<Stimulus> {
        if effects.is_committed {
            let made = effects.secrets.iter().filter(|effect| effect.change == SecretChange::Added);
            self.secret_names.extend(made.map(|effect| effect.id.clone()));
        }
        deeds(effects, model, &self.state)
    }
}

/// Whether Juju may run a hook of the kind a second time with nothing new to tell.
fn is_repeatable(kind: HookKind) -> bool {
    match kind {
        HookKind::ConfigChanged
        | HookKind::UpdateStatus
        | HookKind::RelationChanged
        | HookKind::Start
        | HookKind::UpgradeCharm
        | HookKind::PebbleReady
        | HookKind::LeaderSettingsChanged
        | HookKind::SecretChanged => true,
        HookKind::Install
        | HookKind::Stop
        | HookKind::Remove
        | HookKind::LeaderElected
        | HookKind::LeaderDeposed
        | HookKind::RelationCreated
        | HookKind::RelationJoined
        | HookKind::RelationDeparted
        | HookKind::RelationBroken
        | HookKind::StorageAttached
        | HookKind::StorageDetaching
        | HookKind::PebbleCustomNotice
        | HookKind::PebbleCheckFailed
        | HookKind::PebbleCheckRecovered
        | HookKind::SecretRotate
        | HookKind::SecretExpired
        | HookKind::SecretRemove
        | HookKind::Action
        | HookKind::CollectMetrics
        | HookKind::MeterStatusChanged
        | HookKind::PreSeriesUpgrade
        | HookKind::PostSeriesUpgrade => false,
    }
}
