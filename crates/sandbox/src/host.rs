//! What this host lets us do, found out by doing it.

use std::io::{self, Read};

use nix::mount::{MsFlags, mount};
use nix::sched::CloneFlags;
use nix::sys::wait::waitpid;
use serde::{Deserialize, Serialize};

use crate::cgroup::{Places, RunGroup};
use crate::namespace::{Identity, Level, settle};
use crate::protocol::Report;
use crate::record::Control;
use crate::spec::Isolation;
use crate::sys::{self, Side};

/// Something that a host offers or not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ability {
    /// Whether it works.
    pub works: bool,
    /// One sentence: how, or why not.
    pub why: String,
}

impl Ability {
    fn yes(why: impl Into<String>) -> Self {
        Self { works: true, why: why.into() }
    }

    fn no(why: impl Into<String>) -> Self {
        Self { works: false, why: why.into() }
    }
}

/// What this host lets us do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostAbilities {
    /// Whether charmproof runs as root.
    pub is_root: bool,
    /// Private processes and mounts, by whatever way works.
    pub namespaces: Ability,
    /// The same through a user namespace, as a plain user needs it.
    pub user_namespaces: Ability,
    /// A read-only host.
    pub read_only_host: Ability,
    /// Overlay filesystems in a namespace of ours.
    pub overlay: Ability,
    /// An exact bound on memory.
    pub memory_control: Ability,
    /// An exact bound on processes.
    pub process_control: Ability,
}

impl HostAbilities {
    /// Adds what the caller itself can find out to what the launcher did.
    pub(crate) fn assemble(report: Report) -> Option<Self> {
        let Report::Probed { namespaces, user_namespaces, read_only_host, overlay } = report else {
            return None;
        };
        let group = RunGroup::create(&Places::find(), Some(64 << 20), Some(64));
        let control = |control: Option<Control>| match control {
            Some(Control::CgroupV1) => Ability::yes("by a control group of version 1"),
            Some(_) => Ability::yes("by a control group of version 2"),
            None if group.notes.is_empty() => Ability::no(
                "no control group that we may divide; the process tree is measured instead. Under systemd, start \
                 charmproof with `systemd-run --user --scope`",
            ),
            None => Ability::no(group.notes.join("; ")),
        };
        Some(Self {
            is_root: nix::unistd::geteuid().is_root(),
            namespaces,
            user_namespaces,
            read_only_host,
            overlay,
            memory_control: control(group.bounds_memory()),
            process_control: control(group.bounds_processes()),
        })
    }
}

/// Tries each kind of namespace in a child. Runs in the launcher.
pub(crate) fn probe_namespaces() -> Report {
    let closed = Isolation { private_processes: true, read_only_host: true, ..Isolation::default() };
    let open = Isolation { read_only_host: false, ..closed.clone() };
    let plain = Level { user: false, processes: true, mounts: true };
    let user = Level { user: true, ..plain };
    let try_level = |level: Level, isolation: &Isolation| {
        let identity = Identity::current();
        attempt(level.clone_flags(), || {
            settle(level, identity, isolation).map(|shelter| shelter.notes.join("; "))
        })
    };

    let as_root = try_level(plain, &open);
    let user_namespaces = try_level(user, &open);
    let best = if as_root.works { plain } else { user };
    let namespaces = if as_root.works {
        Ability::yes("as root")
    } else if user_namespaces.works {
        Ability::yes("through a user namespace")
    } else {
        user_namespaces.clone()
    };
    let read_only_host = try_level(best, &closed);
    let identity = Identity::current();
    let overlay = attempt(best.clone_flags(), || {
        settle(best, identity, &open)?;
        overlay(best.user)
            .map(|()| String::new())
            .map_err(|errno| format!("mounting one failed: {}", errno.desc()))
    });
    Report::Probed { namespaces, user_namespaces, read_only_host, overlay }
}

/// Does something in a child in new namespaces; an empty remark means all is
/// well.
fn attempt(namespaces: CloneFlags, work: impl FnOnce() -> Result<String, String>) -> Ability {
    let inner = || -> io::Result<Ability> {
        let (mut answer, question) = io::pipe()?;
        match sys::fork_into(namespaces)? {
            Side::Child => {
                let ability = match work() {
                    Ok(remark) if remark.is_empty() => Ability::yes("works"),
                    Ok(remark) | Err(remark) => Ability::no(remark),
                };
                let _ = serde_json::to_writer(&question, &ability);
                drop(question);
                std::process::abort();
            }
            Side::Parent { child } => {
                drop(question);
                let mut text = String::new();
                answer.read_to_string(&mut text)?;
                while waitpid(child, None) == Err(nix::Error::EINTR) {}
                Ok(serde_json::from_str(&text)?)
            }
        }
    };
    inner().unwrap_or_else(|error| Ability::no(error.to_string()))
}

fn overlay(in_user_namespace: bool) -> nix::Result<()> {
    let none: Option<&str> = None;
    mount(Some("probe"), "/tmp", Some("tmpfs"), MsFlags::empty(), none)?;
    for name in ["lower", "upper", "work", "merged"] {
        nix::unistd::mkdir(format!("/tmp/{name}").as_str(), nix::sys::stat::Mode::S_IRWXU)?;
    }
    let attributes = if in_user_namespace { ",userxattr" } else { "" };
    let options = format!("lowerdir=/tmp/lower,upperdir=/tmp/upper,workdir=/tmp/work{attributes}");
    mount(Some("probe"), "/tmp/merged", Some("overlay"), MsFlags::empty(), Some(options.as_str()))
}
