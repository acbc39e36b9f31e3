//! How statuses of units, applications and machines changed: what `juju show-status-log` tells.
//!
//! Only changes are remembered, and of each thing only the last ones.

use std::collections::VecDeque;

use charmproof_lifecycle::vocabulary::Name;
use charmproof_lifecycle::world::{Operation, World};
use jiff::Timestamp;

use super::data::{AgentStatus, ModelData, StatusEntry};

/// How many statuses of a thing are remembered.
const ENTRIES_MAX: usize = 200;

impl ModelData {
    /// Says what a unit's agent does.
    pub fn set_agent(&mut self, unit: &str, status: AgentStatus, message: &str) {
        let Some(data) = self.units.get_mut(unit) else { return };
        if data.agent == status && data.agent_message == message {
            return;
        }
        data.agent = status;
        message.clone_into(&mut data.agent_message);
        data.agent_since = Timestamp::now();
        let name: &str = status.into();
        let entry = StatusEntry {
            since: data.agent_since,
            is_agent: true,
            status: name.to_owned(),
            message: message.to_owned(),
        };
        note(&mut data.history, entry);
    }

    /// Says that a unit's agent has done what there was: it is idle, or a hook has failed
    /// (worker/uniter/uniter.go, `reportHookError`). Returns whether that is news.
    pub(super) fn set_agent_at_rest(&mut self, unit: &str) -> bool {
        let failed = match self.lifecycle.units().get(unit).map(World::operation) {
            Some(Operation::Failed(hook)) => Some(format!("hook failed: \"{}\"", hook.name())),
            Some(_) | None => None,
        };
        let (status, message) =
            failed.map_or((AgentStatus::Idle, String::new()), |why| (AgentStatus::Error, why));
        let is_news =
            self.units.get(unit).is_some_and(|data| (data.agent, &data.agent_message) != (status, &message));
        self.set_agent(unit, status, &message);
        is_news
    }

    /// Remembers how a unit's workload is now. That a hook failed is remembered of the agent.
    pub fn note_status(&mut self, unit: &str) {
        let (Some(seen), Some(data)) = (self.state.units.get(unit), self.units.get_mut(unit)) else { return };
        let status = &seen.status;
        note(&mut data.history, workload(status.since, status.kind.name(), &status.message));
    }

    /// Remembers the statuses that applications and machines show now.
    pub(super) fn note_statuses(&mut self) {
        let shown: Vec<(Name, StatusEntry)> = self
            .applications
            .keys()
            .map(|name| {
                let status = crate::commands::shown_application_status(self, name);
                (name.clone(), workload(status.since, status.kind.name(), &status.message))
            })
            .collect();
        for (name, entry) in shown {
            if let Some(application) = self.applications.get_mut(&name) {
                note(&mut application.history, entry);
            }
        }
        for machine in self.machines.values_mut() {
            let (instance, message) = machine.instance_status();
            let instance = workload(machine.since, instance, message);
            let agent = StatusEntry {
                since: machine.since,
                is_agent: true,
                status: machine.status.clone(),
                message: String::new(),
            };
            note(&mut machine.history, agent);
            note(&mut machine.history, instance);
        }
    }
}

fn workload(since: Timestamp, status: &str, message: &str) -> StatusEntry {
    StatusEntry { since, is_agent: false, status: status.to_owned(), message: message.to_owned() }
}

/// Remembers a status, unless it is that of before.
fn note(history: &mut VecDeque<StatusEntry>, entry: StatusEntry) {
    let last = history.iter().rev().find(|last| last.is_agent == entry.is_agent);
    if last.is_some_and(|last| (&last.status, &last.message) == (&entry.status, &entry.message)) {
        return;
    }
    if history.len() == ENTRIES_MAX {
        history.pop_front();
    }
    history.push_back(entry);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_are_remembered_and_of_many_the_last() {
        let mut history = VecDeque::new();
        let mut at = |number: i64, status: &str| {
            note(&mut history, workload(Timestamp::from_second(number).unwrap(), status, ""));
            history.len()
        };
        assert_eq!((at(0, "waiting"), at(1, "waiting"), at(2, "active")), (1, 1, 2));
        for number in (0..).take(ENTRIES_MAX) {
            at(number, &format!("status {number}"));
        }
        assert_eq!(history.len(), ENTRIES_MAX);
        assert_eq!(history[0].status, "status 0");
    }
}
