//! What a user decides about a check, apart from the fleet and the swaps.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::corpus::list::Limits;

/// Settings that every unit shares. They are part of the run's log, so that `resume`
/// finishes a run as it was begun.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunSettings {
    /// Variables for the tests.
    pub environment: BTreeMap<String, String>,
    /// Whether warnings are errors, unless the charm says otherwise.
    pub werror: bool,
    /// Arguments for the test runner.
    pub arguments: Vec<String>,
    /// Limits that the user asked for, where they did.
    pub limits: Limits,
    /// How often both sides of a disagreeing pair are run in all.
    pub attempts: u32,
    /// Whether results of earlier runs stand in where no input changed.
    pub reuse: bool,
    /// Whether the sandbox's namespaces are used where the host has them.
    pub sandbox: bool,
    /// How many lives of each charm the target `lifecycle` plays.
    #[serde(default = "lives_usual")]
    pub lives: u64,
}

/// How many lives are played if nobody says. Twenty reach what most lives reach, and take about
/// as long as a suite of unit tests.
pub const LIVES_USUAL: u64 = 20;

fn lives_usual() -> u64 {
    LIVES_USUAL
}

impl Default for RunSettings {
    fn default() -> Self {
        Self {
            environment: BTreeMap::new(),
            werror: false,
            arguments: Vec::new(),
            limits: Limits::default(),
            attempts: 3,
            reuse: true,
            sandbox: true,
            lives: LIVES_USUAL,
        }
    }
}

/// The limits of one unit, all decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnitLimits {
    /// Wall-clock limit.
    pub timeout_s: u64,
    /// How long it may neither print nor compute.
    pub silence_s: u64,
    /// Memory of all its processes together.
    pub memory_mib: u64,
    /// Processes and threads.
    pub processes: u64,
    /// How much of the beginning and of the end of its log is kept, together.
    pub log_mib: u64,
    /// What it may occupy on disk.
    pub disk_mib: u64,
}

impl UnitLimits {
    /// What holds where nobody says anything.
    pub const USUAL: Self = Self {
        timeout_s: 1800,
        silence_s: 300,
        memory_mib: 4096,
        processes: 4096,
        log_mib: 4,
        disk_mib: 8192,
    };
}

impl RunSettings {
    /// Returns the limits of a charm: its own come first, since they have a reason; then
    /// what the user asks for in this run; then what its list gives all of its charms.
    pub fn limits(&self, own: Limits, of_list: Limits) -> UnitLimits {
        let asked = own.or(self.limits).or(of_list);
        let usual = UnitLimits::USUAL;
        UnitLimits {
            timeout_s: asked.timeout_s.unwrap_or(usual.timeout_s),
            silence_s: asked.silence_s.unwrap_or(usual.silence_s),
            memory_mib: asked.memory_mib.unwrap_or(usual.memory_mib),
            processes: asked.processes.unwrap_or(usual.processes),
            log_mib: asked.log_mib.unwrap_or(usual.log_mib),
            disk_mib: asked.disk_mib.unwrap_or(usual.disk_mib),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_more_particular_limit_comes_first() {
        let timeout = |timeout_s| Limits { timeout_s, ..Limits::default() };
        for (own, asked, of_list, expected) in [
            (Some(1), Some(2), Some(3), 1),
            (None, Some(2), Some(3), 2),
            (None, None, Some(3), 3),
            (None, None, None, 1800),
        ] {
            let settings = RunSettings { limits: timeout(asked), ..RunSettings::default() };
            let decided = settings.limits(timeout(own), timeout(of_list));
            assert_eq!(decided, UnitLimits { timeout_s: expected, ..UnitLimits::USUAL });
        }
    }
}
