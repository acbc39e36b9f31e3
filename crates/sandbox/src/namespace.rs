//! The levels of protection, strongest first, and the way into them.

use std::io;
use std::path::Path;

use nix::sched::CloneFlags;
use nix::unistd::{Gid, Uid, getegid, geteuid};

use crate::mounts;
use crate::record::{FileProtection, ProcessProtection};
use crate::spec::{Isolation, Namespaces};

/// One way of protecting the host, to be tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Level {
    pub(crate) user: bool,
    pub(crate) processes: bool,
    pub(crate) mounts: bool,
}

impl Level {
    /// No namespaces at all.
    pub(crate) const BARE: Self = Self { user: false, processes: false, mounts: false };

    pub(crate) fn clone_flags(self) -> CloneFlags {
        let mut flags = CloneFlags::empty();
        flags.set(CloneFlags::CLONE_NEWUSER, self.user);
        flags.set(CloneFlags::CLONE_NEWPID | CloneFlags::CLONE_NEWIPC, self.processes);
        // A PID namespace needs its own `/proc`, which is a mount.
        flags.set(CloneFlags::CLONE_NEWNS, self.mounts || self.processes);
        flags
    }

    /// Returns its name for messages.
    pub(crate) fn describe(self) -> &'static str {
        match (self.user, self.processes, self.mounts) {
            (_, false, false) => "no namespaces",
            (false, true, _) => "PID and mount namespaces",
            (true, true, _) => "PID and mount namespaces in a user namespace",
            (false, false, true) => "a mount namespace",
            (true, false, true) => "a mount namespace in a user namespace",
        }
    }
}

/// Returns what to try for this isolation, strongest first.
pub(crate) fn levels(isolation: &Isolation, is_root: bool) -> Vec<Level> {
    let wanted =
        Level { user: false, processes: isolation.private_processes, mounts: isolation.wants_mounts() };
    let mut levels = Vec::new();
    if isolation.namespaces != Namespaces::Off && wanted != Level::BARE {
        levels.push(wanted);
        levels.push(Level { user: true, ..wanted });
        if wanted.processes && wanted.mounts && isolation.namespaces == Namespaces::Preferred {
            // Containers often refuse a new `/proc` and allow the rest.
            levels.push(Level { processes: false, ..wanted });
            levels.push(Level { user: true, processes: false, ..wanted });
        }
        if !is_root {
            levels.retain(|level| level.user);
        }
    }
    if levels.is_empty() || isolation.namespaces == Namespaces::Preferred {
        levels.push(Level::BARE);
    }
    levels
}

/// The ids of this process before it entered a user namespace.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Identity {
    user: Uid,
    group: Gid,
}

impl Identity {
    pub(crate) fn current() -> Self {
        Self { user: geteuid(), group: getegid() }
    }

    /// Keeps the ids what they were, in the user namespace that this process
    /// was just born into.
    fn map(self) -> io::Result<()> {
        let Self { user, group } = self;
        fs_err::write("/proc/self/setgroups", "deny")?;
        fs_err::write("/proc/self/uid_map", format!("{user} {user} 1\n"))?;
        fs_err::write("/proc/self/gid_map", format!("{group} {group} 1\n"))
    }
}

/// What could be set up.
#[derive(Debug)]
pub(crate) struct Shelter {
    pub(crate) processes: ProcessProtection,
    pub(crate) files: FileProtection,
    pub(crate) notes: Vec<String>,
}

impl Shelter {
    /// Nothing but a watchful parent.
    pub(crate) fn none() -> Self {
        Self { processes: ProcessProtection::Subreaper, files: FileProtection::None, notes: Vec::new() }
    }
}

/// Sets up what this process, freshly cloned into `level`, needs there.
/// The answer to a refusal is one sentence.
pub(crate) fn settle(level: Level, identity: Identity, isolation: &Isolation) -> Result<Shelter, String> {
    if level.user {
        identity
            .map()
            .map_err(|error| format!("the user namespace is useless: {error}{}", apparmor_hint()))?;
    }
    let mut shelter = Shelter {
        processes: if level.processes {
            ProcessProtection::PidNamespace
        } else {
            ProcessProtection::Subreaper
        },
        files: FileProtection::None,
        notes: Vec::new(),
    };
    if level.mounts || level.processes {
        let view = mounts::build(isolation, level.processes)
            .map_err(|refusal| format!("{refusal}{}", if level.user { apparmor_hint() } else { "" }))?;
        shelter.notes.extend(view.notes);
        shelter.files = match (view.read_only, level.mounts) {
            (true, _) => FileProtection::ReadOnlyHost,
            (false, true) => FileProtection::PrivateMounts,
            (false, false) => FileProtection::None,
        };
    }
    Ok(shelter)
}

/// Returns what to say about a host that lets anyone make a user namespace and
/// then takes all rights in it away, as Ubuntu does since 24.04.
pub(crate) fn apparmor_hint() -> &'static str {
    let switch = Path::new("/proc/sys/kernel/apparmor_restrict_unprivileged_userns");
    match fs_err::read_to_string(switch) {
        Ok(text) if text.trim() == "1" => {
            " (AppArmor restricts user namespaces here; give charmproof a profile with `userns,` or run it as root)"
        }
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(isolation: &Isolation, is_root: bool, expected: &[&str]) {
        let levels: Vec<&str> = levels(isolation, is_root).into_iter().map(Level::describe).collect();
        assert_eq!(levels, expected);
    }

    #[test]
    fn levels_grow_weaker() {
        let mut isolation =
            Isolation { private_processes: true, read_only_host: true, ..Isolation::default() };
        check(
            &isolation,
            true,
            &[
                "PID and mount namespaces",
                "PID and mount namespaces in a user namespace",
                "a mount namespace",
                "a mount namespace in a user namespace",
                "no namespaces",
            ],
        );
        isolation.namespaces = Namespaces::Required;
        check(&isolation, false, &["PID and mount namespaces in a user namespace"]);
        isolation.namespaces = Namespaces::Off;
        check(&isolation, true, &["no namespaces"]);
        check(&Isolation::default(), true, &["no namespaces"]);
        let required = Isolation { namespaces: Namespaces::Required, ..Isolation::default() };
        check(&required, false, &["no namespaces"]);
    }
}
