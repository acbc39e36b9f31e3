//! What runs have left that were killed, or whose host crashed.
//!
//! Little can be left: whatever charmproof starts ends with it, and so do mounts, links and addresses, which
//! belong to namespaces. What stays are folders, control groups, and a local Juju that nobody ended, with what
//! runs in its machines. The models of the user's own local Juju are not left over: they go on with the next
//! command.

use std::io;

use camino::Utf8PathBuf;
use charmproof_fleet::run::slot;

use crate::commands::work::WorkFolder;
use crate::place::Place;

/// What is left.
#[derive(Debug, Default)]
pub(super) struct Left {
    /// Of commands, which may have a local Juju in them that runs.
    commands: Vec<Utf8PathBuf>,
    /// Of suites of a check.
    slots: Vec<Utf8PathBuf>,
    /// Control groups.
    groups: Vec<Utf8PathBuf>,
}

impl Left {
    pub(super) fn find(place: &Place) -> Self {
        let work = place.cache.work();
        Self {
            commands: WorkFolder::left(&work),
            slots: slot::left(&work),
            groups: charmproof_sandbox::left_groups(),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.commands.is_empty() && self.slots.is_empty() && self.groups.is_empty()
    }

    pub(super) fn lines(&self) -> Vec<String> {
        let kind = |what: &'static str, paths: &[Utf8PathBuf]| -> Vec<String> {
            paths.iter().map(|path| format!("{what:22} {path}")).collect()
        };
        [
            kind("folder of a command", &self.commands),
            kind("folder of a suite", &self.slots),
            kind("control group", &self.groups),
        ]
        .concat()
    }

    /// Removes what is left by now.
    pub(super) fn remove(place: &Place) -> io::Result<()> {
        let work = place.cache.work();
        WorkFolder::sweep(&work)?;
        slot::sweep(&work);
        charmproof_sandbox::sweep();
        let stays = Self::find(place);
        match stays.lines().first() {
            None => Ok(()),
            Some(line) => Err(io::Error::other(format!("{line} cannot be removed"))),
        }
    }
}
