//! Long-lived machines: a root filesystem, a process tree, a host name and an address each.
//!
//! charmproof's local Juju runs every unit in one. It is no virtual machine but namespaces and
//! an overlay, so it is there in milliseconds and costs next to no memory. This module knows
//! nothing of charms and of Juju.
//!
//! ```text
//! charmproof ── holder ─┬─ first process of machine a ── programs, services
//!   threads    one for  └─ first process of machine b ── programs, services
//!              them all
//! ```
//!
//! The holder is charmproof's own binary in a user namespace that all machines share
//! ([`MachineLevel`] says what there is where). Every arrow is the life of what is to the right
//! of it: when charmproof goes, in whatever way, the kernel closes its sockets, and all
//! processes, mounts, links and addresses of its machines go, too. Only the folders stay that
//! machines keep their files in, so a machine can be started again.
//!
//! # What it does not do
//!
//! It bounds accidents and keeps units apart; it is no wall against an attacker with root in a
//! machine and a flaw of the kernel. It does not bound space on the disk.

mod boot;
mod client;
mod companion;
mod dns;
mod egress;
mod execute;
mod files;
mod ground;
pub(crate) mod holder;
mod init;
mod login;
mod netlink;
mod network;
mod places;
mod protocol;
mod realm;
mod root;
mod router;
mod settings;
mod spec;
mod subnet;
mod userland;
mod users;
mod visit;
pub(crate) mod wire;

use camino::Utf8PathBuf;

pub use client::{Machine, MachineProcess};
pub use network::{Network, NetworkSpec};
pub(crate) use protocol::Demand;
pub(crate) use realm::{Realm, levels};
pub use spec::{
    Bind, Exit, MachineExec, MachineLevel, MachineLimits, MachineNetwork, MachineProtection, MachineSpec,
    RootSpec, Terminal, User,
};
pub use subnet::{NoSubnet, Subnet};
pub use visit::Visit;

/// Where programs are looked for if nothing else is said.
pub const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// The folders at the top of a root filesystem that belong to an operating system.
const USERLAND: [&str; 17] = [
    "bin", "dev", "etc", "gnu", "lib", "lib32", "lib64", "libx32", "nix", "opt", "proc", "run", "sbin",
    "sys", "tmp", "usr", "var",
];
/// What is private below these.
const PRIVATE: [&str; 16] = [
    "/tmp",
    "/var/tmp",
    "/var/mail",
    "/var/spool",
    "/var/backups",
    "/var/crash",
    "/var/lib/docker",
    "/var/lib/containerd",
    "/var/lib/containers",
    "/var/lib/lxd",
    "/var/lib/incus",
    "/var/lib/libvirt",
    "/var/lib/private",
    "/var/snap",
    "/var/log",
    "/var/www",
];

/// Returns what of the host's own userland a machine does not see: everybody's files, whatever
/// lies at the top and belongs to no operating system, and the data of services.
pub fn default_hides() -> Vec<Utf8PathBuf> {
    let mut hides: Vec<Utf8PathBuf> = Vec::new();
    for entry in Utf8PathBuf::from("/").read_dir_utf8().into_iter().flatten().flatten() {
        let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
        if is_folder && !USERLAND.contains(&entry.file_name()) {
            hides.push(entry.path().to_owned());
        }
    }
    let is_folder = |path: &Utf8PathBuf| path.symlink_metadata().is_ok_and(|metadata| metadata.is_dir());
    hides.extend(PRIVATE.into_iter().map(Utf8PathBuf::from).filter(is_folder));
    hides.sort();
    hides
}
