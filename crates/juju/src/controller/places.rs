//! What commands do with places by themselves: machines without units, commands on machines, a model
//! that goes.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use charmproof_lifecycle::vocabulary::Name;
use jiff::Timestamp;

use super::data::{TaskKind, TaskStatus};
use super::{Controller, Held, lock, provision};
use crate::hosting::{Ended, Exec};

/// How much of what a command on a machine prints is kept.
const OUTPUT_BYTES_MAX: u64 = 4 << 20;

impl Controller {
    /// Makes a machine that no unit asks for.
    pub(crate) fn start_machine(&self, model: &str, number: u32) {
        let _making = lock(&self.making);
        if let Err(error) = provision::start_machine(self, model, &number.to_string()) {
            self.change(|held| {
                let machine = held.model_mut(model).and_then(|model| model.machines.get_mut(&number));
                if let Some(machine) = machine {
                    machine.message = error.to_string();
                }
            });
        }
        provision::write_names(self, model);
    }

    /// Ends the places of machines that are not there any more.
    pub(crate) fn remove_idle_machines(&self, model: &str) {
        let known: Vec<String> = self.look(|held| {
            held.model(model)
                .map(|model| model.machines.keys().map(|number| format!("machine {number}")).collect())
                .unwrap_or_default()
        });
        self.remove_places(model, |place| {
            place.starts_with("machine ") && !known.iter().any(|known| known == place)
        });
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
        let text = |error: std::io::Error| error.to_string();
        let (stdout, stdout_writer) = std::io::pipe().map_err(text)?;
        let (stderr, stderr_writer) = std::io::pipe().map_err(text)?;
        let stdin = fs_err::File::open("/dev/null").map_err(text)?;
        let env = BTreeMap::from([
            (
                "PATH".to_owned(),
                "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/snap/bin".to_owned(),
            ),
            ("HOME".to_owned(), "/root".to_owned()),
        ]);
        let exec = Exec {
            argv: vec!["/bin/bash".to_owned(), "-c".to_owned(), commands],
            env,
            cwd: "/".into(),
            user: None,
            stdio: [stdin.into_parts().0.into(), stdout_writer.into(), stderr_writer.into()],
        };
        let process = place.exec(exec).map_err(|error| error.0)?;
        let read = |pipe: std::io::PipeReader| {
            thread::spawn(move || {
                let mut bytes = Vec::new();
                let _ = pipe.take(OUTPUT_BYTES_MAX).read_to_end(&mut bytes);
                String::from_utf8_lossy(&bytes).into_owned()
            })
        };
        let (out, err) = (read(stdout), read(stderr));
        let ended = loop {
            if let Some(ended) = process.wait_for(Duration::from_millis(100)) {
                break ended;
            }
            if self.is_ending() || is_aborted() {
                process.kill();
            }
        };
        Ok((ended, out.join().unwrap_or_default(), err.join().unwrap_or_default()))
    }

    /// Forgets a model, with all that is left of it.
    pub(crate) fn forget_model(&self, model: &str) {
        let units: Vec<Name> = self.change(|held| {
            let Some(data) = held.model_mut(model) else { return Vec::new() };
            let units: Vec<Name> = data.units.keys().cloned().collect();
            for unit in data.units.values_mut() {
                unit.is_forced = true;
            }
            units
        });
        let is_over = || false;
        let _ = self.wait_until(Some(Duration::from_secs(20)), &is_over, |held| {
            held.model(model).is_none_or(|data| data.units.is_empty()).then_some(())
        });
        lock(&self.servers).retain(|(of, _), _| of != model);
        self.remove_places(model, |_| true);
        self.hosting().remove_network(model);
        self.change(|held| held.remove_model(model));
        let folder = self.folder().model(model);
        self.hosting().remove_folder(&folder);
        let _ = units;
    }
}
