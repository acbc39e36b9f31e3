//! The way into the networks for programs of the host.
//!
//! A plain user may not add a link to the host. But a program that the user starts may be put
//! where the bridges are: there it reaches all machines, and the world as they do.

use std::io;
use std::os::fd::AsRawFd;

use camino::{Utf8Path, Utf8PathBuf};
use nix::sched::{CloneFlags, setns, unshare};
use nix::unistd::{getegid, geteuid};
use serde::{Deserialize, Serialize};

use super::router::Router;

/// Where the bridges are, for other programs of the same user while there is a network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Visit {
    user_namespace: Utf8PathBuf,
    network_namespace: Utf8PathBuf,
}

impl Visit {
    pub(crate) fn of(router: &Router, holder: u32) -> Self {
        let (own, number) = (std::process::id(), router.namespace.as_raw_fd());
        Self {
            user_namespace: format!("/proc/{holder}/ns/user").into(),
            network_namespace: format!("/proc/{own}/fd/{number}").into(),
        }
    }

    /// Puts this process there. It must have a single thread; its files, ids and children stay
    /// what they are.
    pub fn enter(&self) -> io::Result<()> {
        let open = |path: &Utf8Path| Ok::<_, io::Error>(fs_err::File::open(path)?.into_parts().0);
        let (user, group) = (geteuid(), getegid());
        let (users, network) = (open(&self.user_namespace)?, open(&self.network_namespace)?);
        if user.is_root() {
            // It has the right to go there as it is.
            return Ok(setns(network, CloneFlags::CLONE_NEWNET)?);
        }
        setns(users, CloneFlags::CLONE_NEWUSER)?;
        setns(network, CloneFlags::CLONE_NEWNET)?;
        // There, this user is root; in a namespace within, it is itself again.
        unshare(CloneFlags::CLONE_NEWUSER)?;
        fs_err::write("/proc/self/setgroups", "deny")?;
        fs_err::write("/proc/self/uid_map", format!("{user} 0 1\n"))?;
        fs_err::write("/proc/self/gid_map", format!("{group} 0 1\n"))
    }
}
