//! What the Pebble of a container has to tell: notices of the workload, checks that fail and recover.
//!
//! As Juju's agent does, a thread asks each Pebble for what has happened since (worker/uniter,
//! `pebbleNoticer`), lets the unit hear of it, and asks again when the unit has done with that. What
//! happens meanwhile to the same thing is told once.

use std::sync::{Arc, Weak};
use std::thread;
use std::time::Duration;

use charmproof_lifecycle::machine::IllegalEvent;
use charmproof_lifecycle::model::{IllegalModelEvent, Target};
use charmproof_lifecycle::stimulus::Stimulus;
use charmproof_lifecycle::vocabulary::Name;
use charmproof_pebble::{Client, ClientError};
use serde_json::Value;

use crate::controller::{Controller, ModelError};
use crate::hosting::{Ended, Host, Process};

/// How long Pebble waits for something to happen before it answers that nothing has. Juju's agent lets it
/// wait longer; here a container that is gone is to be noticed.
const WAIT: Duration = Duration::from_secs(5);
/// How long is waited after something went wrong.
const AFTER_ERROR: Duration = Duration::from_secs(1);
/// How often it is looked whether a unit has done with what it was told.
const LOOK_AGAIN: Duration = Duration::from_secs(2);

/// A container whose Pebble is listened to.
pub(super) struct Listener {
    pub(super) controller: Weak<Controller>,
    pub(super) model: String,
    pub(super) unit: Name,
    pub(super) container: Name,
    pub(super) place: Weak<dyn Host>,
    pub(super) client: Client,
    /// Pebble itself.
    pub(super) process: Box<dyn Process>,
}

/// Something that a charm may be told.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Told {
    stimulus: Stimulus,
    /// The id by which the charm asks for the notice, if it is one.
    notice: Option<String>,
}

impl Listener {
    /// Listens on a thread of its own for as long as the container is there.
    pub(super) fn start(self) {
        let name = format!("{} {}", self.unit, self.container);
        // Without a thread the container is as good, but for what it would tell.
        let _ = thread::Builder::new().name(name).spawn(move || self.run());
    }

    fn run(&self) {
        let mut after: Option<String> = None;
        while self.is_wanted() {
            let timeout = format!("{}s", WAIT.as_secs());
            let mut query = vec![("timeout", timeout.as_str())];
            query.extend(after.as_deref().map(|after| ("after", after)));
            let Ok(answer) = self.client.wait("/v1/notices", &query, WAIT) else {
                match self.process.wait_for(AFTER_ERROR) {
                    // It went with its container, which somebody has ended.
                    Some(Ended::PlaceGone) => return,
                    Some(Ended::Code(_) | Ended::Signal(_)) if self.is_wanted() => return self.restart(),
                    Some(_) | None => continue,
                }
            };
            for notice in answer.result.as_array().into_iter().flatten() {
                match self.read(notice) {
                    Ok(Some(told)) if !self.tell(&told) => return,
                    // A change that Pebble has forgotten by now tells nothing.
                    Ok(_) | Err(ClientError::Refused { .. }) => {}
                    Err(ClientError::Unreachable(_) | ClientError::Local(_) | ClientError::Unreadable) => {
                        thread::sleep(AFTER_ERROR);
                        break;
                    }
                }
                after = notice["last-repeated"].as_str().map(str::to_owned).or(after);
            }
        }
    }

    /// Starts the container anew, as Kubernetes does with one whose first process has ended. Somebody else
    /// listens to that one.
    fn restart(&self) {
        const RETRY: Duration = Duration::from_secs(10);
        let is_there = |controller: &Controller| {
            !controller.is_ending()
                && controller.look(|held| {
                    held.model(&self.model).is_some_and(|model| model.units.contains_key(&self.unit))
                })
        };
        let key = (self.model.clone(), format!("{} {}", self.unit, self.container));
        // The unit may have moved in again by itself.
        let is_another =
            |place: Arc<dyn Host>| self.place.upgrade().is_none_or(|ours| !Arc::ptr_eq(&ours, &place));
        while let Some(controller) = self.controller.upgrade().filter(|controller| is_there(controller)) {
            if controller.place(&key).is_some_and(is_another) {
                return;
            }
            match super::start_again(&controller, &self.model, &self.unit, &self.container) {
                Ok(()) => {
                    let container = self.container.clone();
                    let restarted = Stimulus::ContainerRestarts { container };
                    let target = Target::Unit(self.unit.clone());
                    // A unit that is not there yet, or not any more, hears of nothing.
                    controller.change(|held| {
                        held.model_mut(&self.model).map(|model| model.poke(&target, &restarted).is_ok())
                    });
                    return;
                }
                Err(error) => controller.complain(&format!("{} {}: {error}", self.unit, self.container)),
            }
            drop(controller);
            thread::sleep(RETRY);
        }
    }

    /// Whether the container is there, and somebody to hear of it.
    fn is_wanted(&self) -> bool {
        let runs = self.place.upgrade().is_some_and(|place| place.is_running());
        runs && self.controller.upgrade().is_some_and(|controller| !controller.is_ending())
    }

    /// Returns what a notice tells the charm, if anything: most changes are the charm's own doing.
    fn read(&self, notice: &Value) -> Result<Option<Told>, ClientError> {
        let text = |key: &str| notice[key].as_str().unwrap_or_default();
        let container = self.container.clone();
        match text("type") {
            "custom" => {
                let stimulus = Stimulus::CustomNotice { container, key: text("key").into() };
                Ok(Some(Told { stimulus, notice: Some(text("id").to_owned()) }))
            }
            "change-update" => {
                let kind = notice["last-data"]["kind"].as_str().unwrap_or_default();
                if !matches!(kind, "perform-check" | "recover-check") {
                    return Ok(None);
                }
                let change = self.client.get(&format!("/v1/changes/{}", text("key")))?.result;
                let status = change["status"].as_str().unwrap_or_default();
                let check: Name = notice["last-data"]["check-name"].as_str().unwrap_or_default().into();
                let stimulus = match (kind, status) {
                    ("perform-check", "Error") => Stimulus::CheckFails { container, check },
                    ("recover-check", "Done") => Stimulus::CheckRecovers { container, check },
                    _ => return Ok(None),
                };
                Ok(Some(Told { stimulus, notice: None }))
            }
            _ => Ok(None),
        }
    }

    /// Lets the unit hear of something, and waits until it has done with that. False if nobody is there any
    /// more.
    fn tell(&self, told: &Told) -> bool {
        loop {
            let Some(controller) = self.controller.upgrade() else { return false };
            let poked = controller.change(|held| {
                let model = held.model_mut(&self.model)?;
                if let (Some(id), Stimulus::CustomNotice { key, .. }, Some(data)) =
                    (&told.notice, &told.stimulus, model.units.get_mut(&self.unit))
                {
                    data.notices.insert(format!("{} {key}", self.container), id.clone());
                }
                Some(model.poke(&Target::Unit(self.unit.clone()), &told.stimulus))
            });
            match poked {
                None => return false,
                Some(Ok(_)) => return self.wait_until_done(),
                // Nobody listens before the agent does.
                Some(Err(ModelError::Illegal(IllegalModelEvent::Unit(
                    IllegalEvent::AgentDown | IllegalEvent::NotDeployed,
                )))) => {}
                // What happens to a unit that goes, or is known already, is passed over.
                Some(Err(_)) => return true,
            }
            drop(controller);
            thread::sleep(AFTER_ERROR);
            if !self.is_wanted() {
                return false;
            }
        }
    }

    fn wait_until_done(&self) -> bool {
        loop {
            let Some(controller) = self.controller.upgrade() else { return false };
            let is_over = || !self.is_wanted();
            let done = controller.wait_until(Some(LOOK_AGAIN), &is_over, |held| {
                let world = held.model(&self.model)?.lifecycle.units().get(&self.unit);
                world.is_none_or(|world| !world.hears_of(&self.container)).then_some(())
            });
            drop(controller);
            if done.is_some() || !self.is_wanted() {
                return done.is_some();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use camino::Utf8PathBuf;
    use charmproof_pebble::{CheckOutcome, NoticeKind, Options, Server};
    use serde_json::json;

    use super::*;
    use crate::hosting::nowhere::Nowhere;

    #[test]
    fn only_what_the_workload_did_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let root = Utf8PathBuf::from_path_buf(folder.path().join("root")).unwrap();
        fs_err::create_dir(&root).unwrap();
        let server = Server::start(Options::new(root.with_file_name("socket"), root.clone())).unwrap();
        let place: Arc<dyn Host> = Arc::new(Nowhere);
        let listener = Listener {
            controller: Weak::new(),
            model: String::new(),
            unit: "web/0".into(),
            container: "web".into(),
            place: Arc::downgrade(&place),
            client: Client::new(root.with_file_name("socket")),
            process: Box::new(Nowhere),
        };
        let layer = "services: {web: {override: replace, command: sleep 9}}\nchecks: {up: {override: replace, \
                     threshold: 1, exec: {command: test}}}";
        let body = json!({"action": "add", "combine": true, "label": "l", "format": "yaml", "layer": layer});
        listener.client.post("/v1/layers", &body).unwrap();
        listener.client.post("/v1/services", &json!({"action": "start", "services": ["web"]})).unwrap();
        server.handle().notify(NoticeKind::Custom, "example.com/done");
        let told = || -> Vec<String> {
            let notices = listener.client.get("/v1/notices").unwrap().result;
            let read = notices.as_array().unwrap().iter().map(|notice| listener.read(notice).unwrap());
            read.flatten().map(|told| format!("{:?} {:?}", told.stimulus, told.notice)).collect()
        };
        let first = told();
        assert!(first.len() == 1 && first[0].starts_with("CustomNotice"), "{first:?}");
        assert!(server.handle().set_check("up", CheckOutcome::Down));
        assert!(told().iter().any(|told| told.starts_with("CheckFails")), "{:?}", told());
        assert!(server.handle().set_check("up", CheckOutcome::Up));
        assert!(told().iter().any(|told| told.starts_with("CheckRecovers")), "{:?}", told());
    }
}
