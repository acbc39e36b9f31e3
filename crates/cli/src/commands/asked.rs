//! What a check was asked, and the name of its run.

use std::collections::BTreeMap;

use charmproof_fleet::run::settings::RunSettings;
use charmproof_store::event::RunId;
use charmproof_store::store::run_id;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::args::SelectionArgs;

/// Everything that a check was asked, as its log keeps it for `resume`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Asked {
    /// The targets.
    pub(crate) targets: Vec<String>,
    /// The fleet, with absolute paths.
    pub(crate) fleet: Vec<String>,
    /// The folder that relative paths of swaps start in.
    pub(crate) working_directory: String,
    /// The candidate's specs.
    pub(crate) swap: Vec<String>,
    /// The baseline's specs.
    pub(crate) baseline: Vec<String>,
    /// Patterns of names.
    pub(crate) charm: Vec<String>,
    /// Patterns of names to leave out.
    pub(crate) exclude: Vec<String>,
    /// Teams.
    pub(crate) team: Vec<String>,
    /// Groups.
    pub(crate) group: Vec<String>,
    /// How many repositories at most.
    pub(crate) limit: Option<usize>,
    /// Whether malformed rows are errors.
    pub(crate) strict: bool,
    /// What units share.
    pub(crate) run: RunSettings,
    /// Which shard of how many.
    pub(crate) shard: Option<(usize, usize)>,
    /// What each charm took in the run that shards are split by.
    #[serde(default)]
    pub(crate) costs: BTreeMap<String, u64>,
    /// Commits to use, by repository.
    pub(crate) pins: BTreeMap<String, String>,
    /// Whether nobody is asked.
    pub(crate) offline: bool,
    /// Whether existing mirrors are fetched.
    pub(crate) refresh: bool,
    /// Units at once.
    pub(crate) jobs: Option<usize>,
}

impl Asked {
    pub(crate) fn selection(&self) -> SelectionArgs {
        SelectionArgs {
            charm: self.charm.clone(),
            exclude: self.exclude.clone(),
            team: self.team.clone(),
            group: self.group.clone(),
            limit: self.limit,
            strict: self.strict,
        }
    }
}

/// Returns a name that no other run has.
pub(crate) fn new_run_id() -> RunId {
    let now = Timestamp::now();
    // The name only has to differ from those of the same second.
    let random = u32::try_from(now.subsec_nanosecond()).unwrap_or(0) ^ std::process::id().rotate_left(16);
    run_id(now, random)
}
