//! What commands do with places by themselves: machines without units, commands on machines, a model
//! that goes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use camino::Utf8PathBuf;
use charmproof_lifecycle::vocabulary::Name;
use jiff::Timestamp;

use super::data::{MachineData, ModelData, PENDING, TaskKind, TaskStatus};
use super::process::{self, Output};
use super::{Controller, Held, lock, provision, upgrade};
use crate::hosting::Ended;

impl Controller {
    /// Makes a machine that no unit asks for, and tries again for as long as that takes.
    pub(crate) fn start_machine(&self, model: &str, number: u32) {
        const RETRY: Duration = Duration::from_secs(10);
        while !self.is_ending() {
            let making = lock(&self.making);
            let made = provision::start_machine(self, model, &number.to_string());
            drop(making);
            provision::write_names(self, model);
            self.remove_rest_of_gone(model);
            let Err(error) = made else { return };
            self.change(|held| {
                let machine = held.model_mut(model).and_then(|model| model.machines.get_mut(&number));
                let is_news = |machine: &MachineData| {
                    (machine.status.as_str(), machine.message.as_str()) != (PENDING, error.0.as_str())
                };
                if let Some(machine) = machine.filter(|machine| is_news(machine)) {
                    // It may have been there before.
                    PENDING.clone_into(&mut machine.status);
                    machine.message = error.0;
                    machine.since = Timestamp::now();
                }
            });
            let is_gone =
                |held: &Held| held.model(model).is_none_or(|model| !model.machines.contains_key(&number));
            if self.wait_until(Some(RETRY), &|| false, |held| is_gone(held).then_some(())).is_some() {
                return;
            }
        }
    }

    /// Starts the machines that no unit is on, after a start: nobody else brings them back.
    pub(super) fn start_empty_machines(self: &Arc<Self>) {
        let empty: Vec<(String, u32)> = self.look(|held| {
            let of_model = |model: &ModelData| {
                let has_units = |number: &u32| {
                    let number = number.to_string();
                    model.units.values().any(|unit| unit.machine.as_ref() == Some(&number))
                };
                let empty = model.machines.keys().filter(|number| !has_units(number));
                empty.map(|number| (model.uuid.clone(), *number)).collect::<Vec<_>>()
            };
            held.models().flat_map(of_model).collect()
        });
        for (model, number) in empty {
            let controller = Arc::clone(self);
            thread::spawn(move || controller.start_machine(&model, number));
        }
    }

    /// Has machines brought back whose first process is gone, as after a reboot from inside: by the units
    /// on them, which are told to look, or else here.
    pub(crate) fn bring_back_machines(self: &Arc<Self>) {
        let gone: Vec<(String, String)> = lock(&self.places)
            .iter()
            .filter(|((_, what), place)| what.starts_with("machine ") && !place.is_running())
            .map(|(key, _)| key.clone())
            .collect();
        for (model, what) in gone {
            let number = what.trim_start_matches("machine ").to_owned();
            let has_units = self.look(|held| {
                let mut units = held.model(&model).into_iter().flat_map(|data| data.units.values());
                units.any(|unit| unit.machine.as_deref() == Some(number.as_str()))
            });
            if has_units {
                self.changed.notify_all();
                continue;
            }
            self.remove_places(&model, |place| place == what);
            let controller = Arc::clone(self);
            if let Ok(number) = number.parse() {
                thread::spawn(move || controller.start_machine(&model, number));
            }
        }
    }

    /// Whether somebody in the unit's pod has stopped its agent.
    pub(super) fn is_agent_stopped(&self, model: &str, unit: &Name) -> bool {
        lock(&self.agents).get(&(model.to_owned(), unit.clone())).is_some_and(|agent| !agent.is_active())
    }

    /// Lets units look again whose agents were stopped or started.
    pub(crate) fn follow_agents(&self) {
        let has_changed = lock(&self.agents).values().filter(|agent| agent.has_changed()).count() > 0;
        if has_changed {
            // Whoever is about to wait has the lock.
            drop(self.lock());
            self.changed.notify_all();
        }
    }

    /// Ends the places of machines that are not there any more.
    pub(crate) fn remove_idle_machines(&self, model: &str) {
        let known: Vec<String> = self.look(|held| {
            held.model(model)
                .map(|model| model.machines.keys().map(|number| format!("machine {number}")).collect())
                .unwrap_or_default()
        });
        let is_idle =
            |place: &str| place.starts_with("machine ") && !known.iter().any(|known| known == place);
        let numbers: Vec<String> = lock(&self.places)
            .keys()
            .filter(|(of, place)| of == model && is_idle(place))
            .filter_map(|(_, place)| Some(place.strip_prefix("machine ")?.to_owned()))
            .collect();
        self.remove_places(model, is_idle);
        for number in numbers {
            self.hosting().remove_folder(&provision::machine_folder(self, model, &number));
        }
    }

    /// Runs commands on machines, beside whatever units do.
    pub(crate) fn run_machine_tasks(self: &Arc<Self>, model: &str, tasks: &[u64]) {
        let wanted: Vec<(u64, String, String)> = self.look(|held| {
            let Some(model) = held.model(model) else { return Vec::new() };
            let tasks = tasks.iter().filter_map(|id| Some((*id, model.tasks.get(id)?)));
            tasks
                .filter(|(_, task)| !task.is_unit)
                .filter_map(|(id, task)| match &task.kind {
                    TaskKind::Exec { commands } => Some((id, task.receiver.clone(), commands.clone())),
                    TaskKind::Action { .. } => None,
                })
                .collect()
        });
        for (id, machine, commands) in wanted {
            let (controller, model) = (Arc::clone(self), model.to_owned());
            thread::spawn(move || controller.run_machine_task(&model, id, &machine, commands));
        }
    }

    fn run_machine_task(&self, model: &str, id: u64, machine: &str, commands: String) {
        self.change(|held| {
            let task = held.model_mut(model).and_then(|model| model.tasks.get_mut(&id));
            if let Some(task) = task.filter(|task| task.status == TaskStatus::Pending) {
                (task.status, task.started) = (TaskStatus::Running, Some(Timestamp::now()));
            }
        });
        let status = |held: &Held| Some(held.model(model)?.tasks.get(&id)?.status);
        if self.look(status) != Some(TaskStatus::Running) {
            return;
        }
        let is_aborted = || self.look(status) != Some(TaskStatus::Running);
        let ran = self.run_on_machine(machine, model, commands, &is_aborted);
        self.change(|held| {
            let Some(task) = held.model_mut(model).and_then(|model| model.tasks.get_mut(&id)) else { return };
            let is_aborted = task.status == TaskStatus::Aborting;
            task.completed = Some(Timestamp::now());
            match ran {
                Ok((ended, stdout, stderr)) => {
                    task.status = TaskStatus::Completed;
                    task.return_code = Some(ended.code());
                    (task.stdout, task.stderr) = (stdout, stderr);
                }
                Err(why) => (task.status, task.message) = (TaskStatus::Failed, why),
            }
            if is_aborted {
                task.abort();
            }
        });
    }

    fn run_on_machine(
        &self,
        machine: &str,
        model: &str,
        commands: String,
        is_aborted: &dyn Fn() -> bool,
    ) -> Result<(Ended, String, String), String> {
        let place = self.place(&(model.to_owned(), format!("machine {machine}")));
        let place = place.ok_or_else(|| format!("machine {machine} is not running"))?;
        let env = BTreeMap::from([
            (
                "PATH".to_owned(),
                "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/snap/bin".to_owned(),
            ),
            ("HOME".to_owned(), "/root".to_owned()),
        ]);
        let argv = vec!["/bin/bash".to_owned(), "-c".to_owned(), commands];
        let (process, [stdout, stderr]) = process::start(place.as_ref(), argv, env, "/".into())?;
        let (out, err) = (Output::keep(stdout), Output::keep(stderr));
        let ended = loop {
            if let Some(ended) = process.wait_for(Duration::from_millis(100)) {
                break ended;
            }
            if self.is_ending() || is_aborted() {
                process.kill();
            }
        };
        Ok((ended, out.until_now(), err.until_now()))
    }

    /// Forgets a model, with all that is left of it.
    pub(crate) fn forget_model(&self, model: &str) {
        self.change(|held| {
            let units = held.model_mut(model).into_iter().flat_map(|data| data.units.values_mut());
            units.for_each(|unit| unit.is_forced = true);
        });
        let is_over = || false;
        let _ = self.wait_until(Some(Duration::from_secs(20)), &is_over, |held| {
            held.model(model).is_none_or(|data| data.units.is_empty()).then_some(())
        });
        self.change(|held| held.remove_model(model));
        self.remove_rest_of_gone(model);
    }

    /// Removes what is left of a model that is no more: also what somebody has made for it in the meantime.
    pub(super) fn remove_rest_of_gone(&self, model: &str) {
        if self.look(|held| held.model(model).is_some()) {
            return;
        }
        let servers: Vec<_> = lock(&self.servers).extract_if(|(of, _), _| of == model).collect();
        let agents: Vec<_> = lock(&self.agents).extract_if(|(of, _), _| of == model).collect();
        drop((servers, agents));
        lock(&self.pods).retain(|(of, _), _| of != model);
        self.remove_places(model, |_| true);
        self.hosting().remove_network(model);
        self.hosting().remove_folder(&self.folder().model(model));
    }

    /// Removes what a supervisor that was killed has left: models that are no more, and what is half made.
    pub(super) fn remove_leftovers(self: &Arc<Self>) {
        crate::charms::remove_unfinished(self.folder());
        let entries = self.folder().models().read_dir_utf8().into_iter().flatten().flatten();
        let (known, mut gone): (Vec<_>, Vec<_>) =
            entries.map(|entry| entry.path().to_owned()).partition(|path| {
                self.look(|held| path.file_name().is_some_and(|uuid| held.model(uuid).is_some()))
            });
        for model in known {
            self.hosting().remove_folder(&model.join(provision::STAGING));
            gone.extend(model.file_name().into_iter().flat_map(|uuid| self.put_strangers_away(uuid)));
        }
        let controller = Arc::clone(self);
        // That may take a while, and nobody waits for it.
        thread::spawn(move || gone.iter().for_each(|folder| controller.hosting().remove_folder(folder)));
    }

    /// Puts away what is left in a model's folder of units and machines that are no more: others may get
    /// their names. Returns where it is.
    fn put_strangers_away(&self, uuid: &str) -> Vec<Utf8PathBuf> {
        let folder = self.folder().model(uuid);
        let known: BTreeSet<Utf8PathBuf> = self.look(|held| {
            let Some(model) = held.model(uuid) else { return BTreeSet::new() };
            let units = model.units.keys().flat_map(|unit| {
                [provision::pod_folder(self, uuid, unit), upgrade::folder(self, uuid, unit)]
            });
            let numbers = model.machines.keys();
            let machines = numbers.map(|number| provision::machine_folder(self, uuid, &number.to_string()));
            units.chain(machines).collect()
        });
        let kinds = ["pods", "replaced", "machines"].into_iter();
        let entries =
            kinds.flat_map(|kind| folder.join(kind).read_dir_utf8().into_iter().flatten().flatten());
        let strangers = entries.map(|entry| entry.path().to_owned()).filter(|path| !known.contains(path));
        let away = folder.join(provision::STAGING);
        let moved = strangers.enumerate().map(|(number, path)| {
            let place = away.join(format!("gone-{number}"));
            fs_err::create_dir_all(&away).and_then(|()| fs_err::rename(&path, &place)).map(|()| place)
        });
        let report = |error: &std::io::Error| self.complain(&format!("what was left stays: {error}"));
        moved.filter_map(|moved| moved.inspect_err(report).ok()).collect()
    }
}
