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
    /// Wall-clock limit of a unit.
    pub timeout_s: u64,
    /// How long a unit may neither print nor compute.
    pub silence_s: u64,
    /// Memory of all processes of a unit together.
    pub memory_mib: u64,
    /// Processes and threads of a unit.
    pub processes: u64,
    /// How much of the beginning and of the end of a log is kept, together.
    pub log_mib: u64,
    /// What a unit may occupy on disk.
    pub disk_mib: u64,
    /// How often both sides of a disagreeing pair are run in all.
    pub attempts: u32,
    /// Whether results of earlier runs stand in where no input changed.
    pub reuse: bool,
    /// Whether the sandbox's namespaces are used where the host has them.
    pub sandbox: bool,
}

impl Default for RunSettings {
    fn default() -> Self {
        Self {
            environment: BTreeMap::new(),
            werror: false,
            arguments: Vec::new(),
            timeout_s: 1800,
            silence_s: 300,
            memory_mib: 4096,
            processes: 4096,
            log_mib: 4,
            disk_mib: 8192,
            attempts: 3,
            reuse: true,
            sandbox: true,
        }
    }
}

/// The limits of one unit, all decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnitLimits {
    /// See [`RunSettings::timeout_s`].
    pub timeout_s: u64,
    /// See [`RunSettings::silence_s`].
    pub silence_s: u64,
    /// See [`RunSettings::memory_mib`].
    pub memory_mib: u64,
    /// See [`RunSettings::processes`].
    pub processes: u64,
    /// See [`RunSettings::log_mib`].
    pub log_mib: u64,
    /// See [`RunSettings::disk_mib`].
    pub disk_mib: u64,
}

impl RunSettings {
    /// Returns the limits of a charm, whose own come first.
    pub fn limits(&self, own: &Limits) -> UnitLimits {
        UnitLimits {
            timeout_s: own.timeout_s.unwrap_or(self.timeout_s),
            silence_s: own.silence_s.unwrap_or(self.silence_s),
            memory_mib: own.memory_mib.unwrap_or(self.memory_mib),
            processes: own.processes.unwrap_or(self.processes),
            log_mib: own.log_mib.unwrap_or(self.log_mib),
            disk_mib: own.disk_mib.unwrap_or(self.disk_mib),
        }
    }
}
