//! What `status` shows over time, looked at as often as possible: nothing but what Juju would show.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::Value;

use super::{Local, On};

/// What a unit looks like at a moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    workload: String,
    message: String,
    agent: String,
    doing: String,
}

impl Seen {
    pub(crate) fn of(unit: &Value) -> Self {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        Self {
            workload: text(&unit["workload-status"]["current"]),
            message: text(&unit["workload-status"]["message"]),
            agent: text(&unit["juju-status"]["current"]),
            doing: text(&unit["juju-status"]["message"]),
        }
    }

    /// How far a unit has come; it never falls back.
    fn stage(&self) -> u8 {
        match (self.workload.as_str(), self.message.as_str()) {
            ("waiting", "waiting for machine") => 0,
            ("waiting", "installing agent") => 1,
            ("waiting", "agent initialising") => 2,
            ("maintenance", "installing charm software") => 3,
            // And when that hook has ended, nothing more is said of it (operation/runhook.go, `afterHook`).
            ("maintenance", "stopping charm software" | "") => 5,
            ("maintenance", "cleaning up prior to charm deletion") => 6,
            ("terminated", "") => 7,
            _ => 4,
        }
    }

    /// Why this is nothing that Juju shows.
    fn fault(&self) -> Option<&'static str> {
        let is_known = ["waiting", "maintenance", "active", "blocked", "error", "unknown", "terminated"]
            .contains(&self.workload.as_str());
        let is_failure = self.message.starts_with("hook failed: ");
        match self.agent.as_str() {
            _ if !is_known => Some("no workload status"),
            _ if (self.workload == "error") != is_failure => {
                Some("an error without a hook, or a hook without an error")
            }
            // The agent's own status is the error, so it cannot be another one (state/unit.go, `Status`).
            "executing" | "allocating" if self.workload == "error" => {
                Some("an agent does something while its hook has failed")
            }
            "allocating" if self.stage() > 2 => Some("a charm runs while its agent is allocated"),
            "idle" if !self.doing.is_empty() => Some("an idle agent does something"),
            "idle" if self.stage() < 3 => Some("an agent is idle before its charm has run"),
            "executing" if !self.doing.starts_with("running ") => Some("an agent does nothing"),
            "allocating" | "idle" | "executing" => None,
            _ => Some("no agent status"),
        }
    }

    /// Why this cannot come after something else.
    fn fault_after(&self, before: &Self) -> Option<&'static str> {
        // While a hook that failed runs again, the workload is as before.
        let runs_again = before.workload == "error" && self.agent == "executing";
        if self.stage() < before.stage() && !runs_again {
            Some("it falls back")
        } else if self.agent == "allocating" && before.agent != "allocating" {
            Some("an agent is allocated again")
        } else {
            None
        }
    }
}

/// Looks at a unit again and again while `act` goes on. Returns what was seen, each look that differs.
pub(super) fn watch(local: &Local, unit: &str, act: impl FnOnce()) -> Vec<Seen> {
    let is_over = AtomicBool::new(false);
    let seen = Mutex::new(Vec::<Seen>::new());
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !is_over.load(Ordering::Relaxed) {
                let found = local.unit(unit);
                let mut seen = seen.lock().unwrap();
                if !found.is_null() && seen.last() != Some(&Seen::of(&found)) {
                    seen.push(Seen::of(&found));
                }
            }
        });
        let _over = Over(&is_over);
        act();
    });
    seen.into_inner().unwrap()
}

/// Ends the looking, also when what is looked at has failed.
pub(crate) struct Over<'a>(pub(crate) &'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Sees that what was seen of a unit is what Juju shows.
#[track_caller]
pub(crate) fn check(seen: &[Seen]) {
    for (index, now) in seen.iter().enumerate() {
        let before = index.checked_sub(1).and_then(|index| seen.get(index));
        let fault = now.fault().or_else(|| now.fault_after(before?));
        assert_eq!(fault, None, "{now:?}\nin {seen:#?}");
    }
}

fn story(on: On) {
    let local = Local::new(on);
    let seen = watch(&local, "tiny/0", || {
        local.deploy("tiny");
        local.juju(&["config", "tiny", "colour=bad"]).success();
        local.settle("tiny/0", "error", "hook failed: \"config-changed\"");
        local.juju(&["config", "tiny", "colour=blue"]).success();
        local.juju(&["resolved", "tiny/0"]).success();
        local.settle("tiny/0", "active", "blue");
        // What the charm says is seen while the hook runs.
        local.juju(&["config", "tiny", "colour=slow"]).success();
        local.waits("tiny/0");
        let unit = Seen::of(&local.unit("tiny/0"));
        assert_eq!((unit.message.as_str(), unit.doing.as_str()), ("slow", "running config-changed hook"));
        local.go("tiny/0");
        local.settle("tiny/0", "active", "slow");
        local.juju(&["remove-unit", "tiny/0", "--no-prompt"]).success_or_scale(&local);
        charmproof_testkit::wait_for("the unit to be gone", super::LIMIT, || local.unit("tiny/0").is_null());
    });
    check(&seen);
    // The error is over so soon that it may be between two looks; that it was there was waited for above.
    let has = |workload: &str| seen.iter().any(|seen| seen.workload == workload);
    assert!(has("active") && seen.len() > 5, "hardly anything was seen: {seen:#?}");
    local.end();
}

/// Units of pods are removed by their number, not by their names.
trait OrScale {
    fn success_or_scale(self, local: &Local);
}

impl OrScale for charmproof_testkit::CliResult {
    fn success_or_scale(self, local: &Local) {
        if self.code != Some(0) {
            local.juju(&["scale-application", "tiny", "0"]).success();
        }
    }
}

#[test]
fn machines_show_what_juju_shows() {
    story(On::Machines);
}

#[test]
fn pods_show_what_juju_shows() {
    story(On::Kubernetes);
}

#[test]
fn what_juju_never_shows_is_noticed() {
    let seen = |workload: &str, message: &str, agent: &str, doing: &str| Seen {
        workload: workload.into(),
        message: message.into(),
        agent: agent.into(),
        doing: doing.into(),
    };
    let active = seen("active", "red", "idle", "");
    assert_eq!(active.fault(), None);
    assert!(seen("error", "oh", "idle", "").fault().is_some());
    assert!(seen("active", "hook failed: \"start\"", "idle", "").fault().is_some());
    assert!(seen("active", "", "allocating", "").fault().is_some());
    assert!(seen("active", "", "executing", "").fault().is_some());
    let failed = seen("error", "hook failed: \"install\"", "idle", "");
    assert_eq!(failed.fault(), None);
    assert!(
        Seen { agent: "executing".into(), doing: "running install hook".into(), ..failed.clone() }
            .fault()
            .is_some()
    );
    let again = seen("maintenance", "installing charm software", "executing", "running install hook");
    assert_eq!(again.fault_after(&failed), None);
    assert!(again.fault_after(&active).is_some());
    assert!(seen("waiting", "agent initialising", "executing", "running x").fault_after(&active).is_some());
    assert!(seen("waiting", "for the database", "idle", "").fault_after(&active).is_none());
}
