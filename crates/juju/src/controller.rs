//! Models, what is in them, and the threads that let units live.
//!
//! One lock guards all that a controller knows. Commands and units change it in [`Controller::change`],
//! which keeps what was changed before anybody is told. What a unit does next is decided by
//! `charmproof_lifecycle`, what its hooks see by `charmproof_agent`; here, both are kept in step.

mod commands;
pub mod data;
pub mod database;
mod history;
mod hook;
mod model;
mod places;
mod process;
pub(crate) mod provision;
mod resources;
pub(crate) mod storage;
mod task;
#[cfg(test)]
mod tests;
mod uniter;
mod upgrade;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::Write as _;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use charmproof_agent::server::Server;
use charmproof_agent::state::HookContext;
use charmproof_lifecycle::vocabulary::Name;
use jiff::Timestamp;
use serde_json::json;

use crate::hosting::{Host, Hosting};
use crate::place::DataFolder;
use crate::workload::agent::AgentPebble;
use data::{ClientData, ModelData};
use database::{Database, DatabaseError};

pub use database::LogLine;
pub use model::{ModelError, VERSION};

/// A hook, an action or a command of the user that a unit runs at this moment.
#[derive(Debug)]
pub(crate) struct Running {
    /// What its tools are told by.
    pub(crate) context: HookContext,
    /// By which its tools are known: another context is none of theirs.
    pub(crate) id: String,
    /// The task, if it is one.
    pub(crate) task: Option<u64>,
}

/// A unit, by its model and its name.
type UnitKey = (String, Name);

/// What runs.
pub(crate) type AllRunning = HashMap<UnitKey, Running>;

/// All that a controller knows, while somebody looks at it or changes it.
pub struct Held {
    /// What the person's own side knows.
    pub client: ClientData,
    models: BTreeMap<String, ModelData>,
    pub(crate) running: AllRunning,
    database: Database,
    dirty: BTreeSet<String>,
    removed: BTreeSet<String>,
    /// Counts the contexts of hooks.
    pub(crate) contexts: u64,
}

impl Held {
    /// Returns a model.
    pub fn model(&self, uuid: &str) -> Option<&ModelData> {
        self.models.get(uuid)
    }

    /// Returns a model that is going to change.
    pub fn model_mut(&mut self, uuid: &str) -> Option<&mut ModelData> {
        let model = self.models.get_mut(uuid)?;
        self.dirty.insert(uuid.to_owned());
        Some(model)
    }

    /// Returns a model that is going to change, and what runs there.
    pub(crate) fn model_and_running(&mut self, uuid: &str) -> Option<(&mut ModelData, &mut AllRunning)> {
        let model = self.models.get_mut(uuid)?;
        self.dirty.insert(uuid.to_owned());
        Some((model, &mut self.running))
    }

    /// Returns a model that changes in a way that is kept with the next change, and what runs there.
    pub(crate) fn passing(&mut self, uuid: &str) -> Option<(&mut ModelData, &mut AllRunning)> {
        Some((self.models.get_mut(uuid)?, &mut self.running))
    }

    /// Changes two models at once. `act` says which of them it has changed.
    pub(crate) fn change_both(
        &mut self,
        one: &str,
        other: &str,
        act: impl FnOnce(&mut ModelData, &mut ModelData) -> [bool; 2],
    ) -> [bool; 2] {
        let Some(mut first) = self.models.remove(one) else { return [false; 2] };
        let changed = self.models.get_mut(other).map_or([false; 2], |second| act(&mut first, second));
        self.models.insert(one.to_owned(), first);
        for (uuid, _) in [one, other].into_iter().zip(changed).filter(|(_, is_changed)| *is_changed) {
            self.dirty.insert(uuid.to_owned());
        }
        changed
    }

    /// Returns the models that were changed or removed since all was kept last.
    pub(crate) fn touched(&self) -> BTreeSet<String> {
        self.dirty.union(&self.removed).cloned().collect()
    }

    /// Returns all models.
    pub fn models(&self) -> impl Iterator<Item = &ModelData> {
        self.models.values()
    }

    /// Returns the model of a controller that has a name.
    pub fn named(&self, controller: &str, name: &str) -> Option<&ModelData> {
        self.models.values().find(|model| model.controller == controller && model.name == name)
    }

    /// Adds a model, or puts a changed one in the place of what it was.
    pub fn add_model(&mut self, model: ModelData) {
        self.dirty.insert(model.uuid.clone());
        self.models.insert(model.uuid.clone(), model);
    }

    /// Forgets a model.
    pub fn remove_model(&mut self, uuid: &str) {
        if let Some(model) = self.models.remove(uuid) {
            self.client
                .models
                .retain(|controller, name| *controller != model.controller || *name != model.name);
            self.dirty.remove(uuid);
            self.removed.insert(uuid.to_owned());
        }
    }

    /// Adds a line to a model's log. A log that cannot be written stops nobody.
    pub fn log(&mut self, model: &str, entity: &str, level: &str, module: &str, message: &str) {
        let _ = self.database.log(model, Timestamp::now(), entity, level, module, message);
    }

    /// Returns what an entity complained about last since an instant.
    pub(crate) fn complaint(&self, model: &str, entity: &str, since: Timestamp) -> Option<String> {
        self.database.complaint(model, entity, since)
    }

    /// Returns the lines of a model's log after one.
    pub fn log_lines(&self, model: &str, after: i64) -> Result<Vec<LogLine>, DatabaseError> {
        self.database.lines(model, after)
    }

    fn save(&mut self) -> Result<(), DatabaseError> {
        let models = self.dirty.iter().filter_map(|uuid| self.models.get(uuid));
        let removed = self.removed.iter().map(String::as_str);
        self.database.save(models, removed, Some(&self.client))?;
        self.dirty.clear();
        self.removed.clear();
        Ok(())
    }
}

/// A place, by its model and by what it is for: `machine 0`, `web/0`, `web/0 redis`.
pub(crate) type PlaceKey = (String, String);

/// What is appended to the file of changes: something is queued or runs, or nothing is any more.
const BUSY: [u8; 1] = *b"b";
const QUIET: [u8; 1] = *b"q";

/// The controller.
pub struct Controller {
    folder: DataFolder,
    held: Mutex<Held>,
    changed: Condvar,
    hosting: Box<dyn Hosting>,
    places: Mutex<HashMap<PlaceKey, Arc<dyn Host>>>,
    threads: Mutex<HashMap<UnitKey, JoinHandle<()>>>,
    /// Who answers the tools of each unit, and who runs commands for others on its machine.
    servers: Mutex<HashMap<UnitKey, [Server; 2]>>,
    /// The Pebble of each charm's container, by which the agent of its unit is stopped.
    agents: Mutex<HashMap<UnitKey, AgentPebble>>,
    /// Held while a machine is made, which two units may need.
    making: Mutex<()>,
    /// Held while the pod of a unit is made: by the unit, or by whoever starts one of its containers anew.
    pods: Mutex<HashMap<UnitKey, Arc<Mutex<()>>>>,
    is_ending: AtomicBool,
    events: Mutex<Option<fs_err::File>>,
    changes: Mutex<Option<fs_err::File>>,
    /// The status that each unit showed last, and its message.
    shown: Mutex<HashMap<UnitKey, (String, String)>>,
    /// Counts what was announced.
    generation: AtomicU64,
    /// As of which announcement each unit has nothing to do.
    resting: Mutex<HashMap<UnitKey, u64>>,
    /// Why what is known could not be written down when that was tried last.
    unsaved: Mutex<Option<String>>,
}

impl Controller {
    /// Brings back the controller of a folder. Its units do not run before [`Self::wake`].
    pub fn open(folder: DataFolder, hosting: Box<dyn Hosting>) -> Result<Arc<Self>, DatabaseError> {
        let database = Database::open(&folder.database())?;
        let (client, mut models) = database.load()?;
        for application in models.iter_mut().flat_map(|model| model.applications.values_mut()) {
            // What a charm declares is kept with its files.
            let kept = crate::charms::read(&folder, &application.charm.digest).ok();
            application.metadata = kept.map(|kept| Arc::new(kept.metadata));
        }
        let appending = |path| fs_err::OpenOptions::new().create(true).append(true).open(path).ok();
        let (events, changes) = (appending(folder.events()), appending(folder.changes()));
        let held = Held {
            client,
            models: models.into_iter().map(|model| (model.uuid.clone(), model)).collect(),
            running: HashMap::new(),
            database,
            dirty: BTreeSet::new(),
            removed: BTreeSet::new(),
            contexts: 0,
        };
        let controller = Arc::new(Self {
            folder,
            held: Mutex::new(held),
            changed: Condvar::new(),
            hosting,
            places: Mutex::new(HashMap::new()),
            threads: Mutex::new(HashMap::new()),
            servers: Mutex::new(HashMap::new()),
            agents: Mutex::default(),
            making: Mutex::new(()),
            pods: Mutex::default(),
            is_ending: AtomicBool::new(false),
            events: Mutex::new(events),
            changes: Mutex::new(changes),
            shown: Mutex::default(),
            generation: AtomicU64::new(0),
            resting: Mutex::default(),
            unsaved: Mutex::default(),
        });
        Ok(controller)
    }

    /// Returns where it keeps what it knows.
    pub fn folder(&self) -> &DataFolder {
        &self.folder
    }

    /// Returns what makes places for units.
    pub fn hosting(&self) -> &dyn Hosting {
        self.hosting.as_ref()
    }

    /// Looks at what is known.
    pub fn look<T>(&self, act: impl FnOnce(&Held) -> T) -> T {
        act(&self.lock())
    }

    /// Changes what is known, and keeps it before anybody is told. What was changed before an error
    /// is kept as well: every change leaves things as they may be.
    pub fn change<T>(&self, act: impl FnOnce(&mut Held) -> T) -> T {
        let mut held = self.lock();
        let result = act(&mut held);
        self.keep(&mut held);
        result
    }

    fn keep(&self, held: &mut Held) {
        // Models that are related learn of it in the same change: a crash leaves both or none.
        crate::cross_model::follow(held);
        for uuid in &held.dirty {
            if let Some(model) = held.models.get_mut(uuid) {
                model.note_statuses();
            }
        }
        self.tell_statuses(held);
        self.write_down(held);
        self.announce();
        if held.models.values().all(|model| model.units.is_empty()) {
            self.note_change(QUIET);
        }
    }

    /// Writes down what has changed. On a full disk, what is known goes on in memory, and is written down as
    /// soon as that works again.
    fn write_down(&self, held: &mut Held) {
        let trouble = held.save().err().map(|error| error.to_string());
        let mut unsaved = lock(&self.unsaved);
        if let Some(trouble) = trouble.as_ref().filter(|_| *unsaved != trouble) {
            self.complain(trouble);
        }
        *unsaved = trouble;
    }

    /// Tries again to write down what could not be.
    pub(crate) fn write_down_again(&self) {
        if self.unsaved().is_some() {
            self.write_down(&mut self.lock());
        }
    }

    /// Returns why what is known is in memory only, if it is.
    pub(crate) fn unsaved(&self) -> Option<String> {
        lock(&self.unsaved).clone()
    }

    /// Whether it has models, or knows something that is not written down yet: the end of the last model is
    /// such a thing.
    pub(crate) fn is_needed(&self) -> bool {
        self.look(|held| !held.models.is_empty()) || self.unsaved().is_some()
    }

    /// Tells all that wait that something has changed.
    pub(crate) fn announce(&self) {
        self.generation.fetch_add(1, Ordering::SeqCst);
        self.note_change(BUSY);
        self.changed.notify_all();
    }

    /// Notes that a unit has looked at all that is known and has nothing to do. When the last one has, the
    /// models are quiet: nothing changes by itself before somebody asks for something, or time passes.
    pub(crate) fn rest(&self, held: &Held, model: &str, unit: &Name) {
        let generation = self.generation.load(Ordering::SeqCst);
        let mut resting = lock(&self.resting);
        let before = resting.insert((model.to_owned(), unit.clone()), generation);
        if before == Some(generation) || !held.running.is_empty() {
            return;
        }
        let rests = |model: &ModelData, unit: &Name| {
            resting.get(&(model.uuid.clone(), unit.clone())).is_some_and(|at| *at == generation)
        };
        if held.models().all(|model| model.units.keys().all(|unit| rests(model, unit))) {
            // Units that are no more did not rest.
            resting.retain(|_, at| *at == generation);
            self.note_change(QUIET);
        }
    }

    fn note_change(&self, how: [u8; 1]) {
        if let Some(changes) = lock(&self.changes).as_mut() {
            let _ = changes.write_all(&how);
        }
    }

    /// Changes what is known until `act` has an answer, and waits for changes of others in between.
    /// `None` when the time is over or nobody wants to know any more.
    pub fn wait_until<T>(
        &self,
        timeout: Option<Duration>,
        is_over: &dyn Fn() -> bool,
        mut act: impl FnMut(&Held) -> Option<T>,
    ) -> Option<T> {
        const LOOK_AGAIN: Duration = Duration::from_millis(200);
        let began = std::time::Instant::now();
        let mut held = self.lock();
        loop {
            if let Some(answer) = act(&held) {
                return Some(answer);
            }
            if is_over() || self.is_ending() {
                return None;
            }
            let left = match timeout {
                Some(timeout) => timeout.checked_sub(began.elapsed())?.min(LOOK_AGAIN),
                None => LOOK_AGAIN,
            };
            held = self.changed.wait_timeout(held, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Held> {
        lock(&self.held)
    }

    /// Lets the units of all models live, after a start.
    pub fn wake(self: &Arc<Self>) {
        self.remove_leftovers();
        self.change(|held| {
            let uuids: Vec<String> = held.models.keys().cloned().collect();
            for uuid in uuids {
                if let Some(model) = held.model_mut(&uuid) {
                    model.all_come_back();
                }
            }
        });
        self.start_units();
        self.start_empty_machines();
    }

    /// Starts a thread for each unit that has none.
    pub fn start_units(self: &Arc<Self>) {
        let units: Vec<(String, Name)> = self.look(|held| {
            held.models()
                .flat_map(|model| model.units.keys().map(|unit| (model.uuid.clone(), unit.clone())))
                .collect()
        });
        let mut threads = lock(&self.threads);
        threads.retain(|_, thread| !thread.is_finished());
        for key in units {
            if threads.contains_key(&key) {
                continue;
            }
            let (controller, (model, unit)) = (Arc::clone(self), key.clone());
            let thread = std::thread::Builder::new()
                .name(unit.to_string())
                .spawn(move || uniter::run(&controller, &model, &unit));
            match thread {
                Ok(thread) => drop(threads.insert(key, thread)),
                Err(error) => self.complain(&format!("no thread for {}: {error}", key.1)),
            }
        }
    }

    /// Whether the supervisor is on its way out.
    pub fn is_ending(&self) -> bool {
        self.is_ending.load(Ordering::Relaxed)
    }

    /// Ends all units and places. What they were about goes on with the next supervisor.
    pub fn end(&self) {
        {
            // Whoever has looked at it under the lock, and is about to wait, is woken.
            let _held = self.lock();
            self.is_ending.store(true, Ordering::Relaxed);
        }
        self.changed.notify_all();
        let threads: Vec<JoinHandle<()>> = lock(&self.threads).drain().map(|(_, thread)| thread).collect();
        for thread in threads {
            let _ = thread.join();
        }
        lock(&self.places).clear();
    }

    /// Returns what is held while the pod of a unit is made.
    pub(crate) fn pod(&self, model: &str, unit: &Name) -> Arc<Mutex<()>> {
        Arc::clone(lock(&self.pods).entry((model.to_owned(), unit.clone())).or_default())
    }

    pub(crate) fn place(&self, key: &PlaceKey) -> Option<Arc<dyn Host>> {
        lock(&self.places).get(key).filter(|place| place.is_running()).cloned()
    }

    pub(crate) fn set_place(&self, key: PlaceKey, place: Arc<dyn Host>) {
        lock(&self.places).insert(key, place);
    }

    /// Ends places of a model: those that `is_one` names.
    pub(crate) fn remove_places(&self, model: &str, is_one: impl Fn(&str) -> bool) {
        let gone: Vec<Arc<dyn Host>> = {
            let mut places = lock(&self.places);
            let keys: Vec<PlaceKey> =
                places.keys().filter(|(of, what)| of == model && is_one(what)).cloned().collect();
            keys.iter().filter_map(|key| places.remove(key)).collect()
        };
        for place in gone {
            place.stop();
        }
    }

    pub(crate) fn places_of(&self, model: &str) -> Vec<Arc<dyn Host>> {
        lock(&self.places)
            .iter()
            .filter(|((of, _), _)| of == model)
            .map(|(_, place)| Arc::clone(place))
            .collect()
    }

    /// Writes down what a unit ran, for time lines.
    #[expect(clippy::too_many_arguments, reason = "a line of a time line says all of these")]
    pub(crate) fn tell(
        &self,
        model: &str,
        unit: &str,
        what: &str,
        name: &str,
        started: Timestamp,
        outcome: &str,
        message: &str,
    ) {
        let ended = Timestamp::now();
        let line = json!({
            "time": ended, "model": model, "unit": unit, "what": what, "name": name,
            "started": started, "ended": ended, "outcome": outcome, "message": message,
        });
        if let Some(events) = lock(&self.events).as_mut() {
            let _ = events.write_all(format!("{line}\n").as_bytes());
        }
    }

    /// Writes down which units of the models that changed show another status than before.
    fn tell_statuses(&self, held: &Held) {
        let mut shown = lock(&self.shown);
        for model in held.dirty.iter().filter_map(|uuid| held.models.get(uuid)) {
            for unit in model.units.keys() {
                let Some(status) = crate::commands::workload_status(model, unit) else { continue };
                let last = shown.entry((model.uuid.clone(), unit.clone())).or_default();
                if (last.0.as_str(), &last.1) != (status.kind.name(), &status.message) {
                    let name = status.kind.name();
                    self.tell(&model.name, unit, "status", name, Timestamp::now(), "ok", &status.message);
                    *last = (name.to_owned(), status.message);
                }
            }
        }
    }

    /// Says something in the supervisor's own log.
    pub fn complain(&self, message: &str) {
        let file = fs_err::OpenOptions::new().create(true).append(true).open(self.folder.log());
        if let Ok(mut file) = file {
            let _ = writeln!(file, "{} {message}", Timestamp::now());
        }
    }
}

/// Locks what a thread that panicked may have left: each change is whole before the lock is given
/// back, or was never kept.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
