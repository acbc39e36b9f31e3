//! The namespaces that the holder stands in, and where it sees the host from there.
//!
//! The holder's root is an empty filesystem in memory with the host below `/host`. So a mount
//! of a machine never covers a path of the host that another one needs. `/plain` is the
//! host's root without what is mounted on it: only that can be the layer of an overlay, since
//! the kernel lets no user namespace look below mounts that it did not make.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::Command;

use camino::{Utf8Path, Utf8PathBuf};
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sched::{CloneFlags, unshare};
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{Gid, Pid, Uid, chdir, getegid, geteuid, getpid, pivot_root, setresgid, setresuid};
use rustix::mount::{MoveMountFlags, OpenTreeFlags, move_mount, open_tree};

use super::protocol::{Hello, IdMap};
use super::spec::MachineLevel;
use crate::mountinfo::{self, Mount};
use crate::namespace::apparmor_hint;
use crate::sys::{self, Side};

const NONE: Option<&str> = None;
/// Where the host is seen.
const HOST: &str = "/host";
/// Where the host's root is seen without what is mounted on it.
const PLAIN: &str = "/plain";
/// Where the filesystems are that the host has within its root, each without what is mounted on
/// it. Their names are their paths, with `%` for `/`.
const PARTS: &str = "/parts";
/// What such a filesystem is like: what a distribution can be installed on.
const FILESYSTEMS: [&str; 11] =
    ["bcachefs", "btrfs", "erofs", "ext2", "ext3", "ext4", "f2fs", "jfs", "overlay", "xfs", "zfs"];
/// Where the first filesystem of the ground can be mounted: one of these is everywhere.
const PLACES: [&str; 4] = ["/tmp", "/mnt", "/run", "/var/tmp"];

/// How the holder sees the host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ground {
    /// Below [`HOST`].
    Moved,
    /// As everybody.
    Host,
}

/// A filesystem of its own within the host's userland.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Part {
    /// Where the host has it, relative to its root.
    pub(crate) path: Utf8PathBuf,
    /// Where it is seen.
    pub(crate) seen: Utf8PathBuf,
}

impl Ground {
    /// Returns the filesystems that the host has within its root. A plain user sees those as one,
    /// but cannot see what others cover: there, `/usr` is one by itself.
    pub(crate) fn parts(self, is_plain_user: bool) -> io::Result<Vec<Part>> {
        if is_plain_user {
            return Ok(vec![Part { path: "usr".into(), seen: self.seen(Utf8Path::new("/usr")) }]);
        }
        let mut parts = Vec::new();
        for entry in Utf8Path::new(PARTS).read_dir_utf8()? {
            let entry = entry?;
            parts.push(Part { path: entry.file_name().replace('%', "/").into(), seen: entry.into_path() });
        }
        Ok(parts)
    }

    /// Returns where a path of the host is seen.
    pub(crate) fn seen(self, path: &Utf8Path) -> Utf8PathBuf {
        match self {
            Self::Moved => Utf8PathBuf::from(format!("{HOST}{path}")),
            Self::Host => path.to_owned(),
        }
    }

    /// Returns where a layer is seen.
    pub(crate) fn layer(self, path: &Utf8Path) -> Utf8PathBuf {
        if path == "/" && self == Self::Moved { Utf8PathBuf::from(PLAIN) } else { self.seen(path) }
    }
}

/// Enters what the level asks for. The answer to a refusal is one sentence.
pub(crate) fn enter(hello: &Hello) -> Result<Ground, String> {
    match hello.level {
        MachineLevel::ProcessOnly => return Ok(Ground::Host),
        MachineLevel::Root => {
            leave_mounts().and_then(|()| build()).map_err(|error| describe(&error))?;
        }
        MachineLevel::RootInUserNamespace => {
            leave_mounts().and_then(|()| build()).map_err(|error| describe(&error))?;
            let everything = IdMap(vec![[0, 0, u32::MAX]]);
            enter_user_namespace(&Maps::Written(everything)).map_err(|error| useless(&error))?;
            leave_mounts().map_err(|error| describe(&error))?;
        }
        MachineLevel::SubordinateIds => {
            let Some((users, groups)) = hello.subordinate.clone() else {
                return Err("there are no subordinate ids".to_owned());
            };
            enter_user_namespace(&Maps::Helped(users, groups)).map_err(|error| useless(&error))?;
            leave_mounts().and_then(|()| build()).map_err(|error| describe(&error))?;
        }
        MachineLevel::SingleId => {
            enter_user_namespace(&Maps::Single(geteuid(), getegid())).map_err(|error| useless(&error))?;
            leave_mounts().and_then(|()| build()).map_err(|error| describe(&error))?;
        }
    }
    try_out(hello.level)?;
    Ok(Ground::Moved)
}

fn describe(error: &io::Error) -> String {
    error.to_string()
}

fn useless(error: &io::Error) -> String {
    format!("the user namespace is useless: {error}{}", apparmor_hint())
}

fn leave_mounts() -> io::Result<()> {
    unshare(CloneFlags::CLONE_NEWNS)?;
    Ok(mount(NONE, "/", NONE, MsFlags::MS_REC | MsFlags::MS_PRIVATE, NONE)?)
}

/// Makes the ground the root of this process.
fn build() -> io::Result<()> {
    let cloned = OpenTreeFlags::OPEN_TREE_CLOEXEC | OpenTreeFlags::OPEN_TREE_CLONE;
    let host = open_tree(rustix::fs::CWD, "/", cloned | OpenTreeFlags::AT_RECURSIVE)?;
    // A plain user may not see what the host's mounts cover; it does without this layer.
    let plain = open_tree(rustix::fs::CWD, "/", cloned);
    let parts: Vec<(String, OwnedFd)> = if plain.is_ok() {
        let clone = |point: Utf8PathBuf| {
            let part = open_tree(rustix::fs::CWD, point.as_str(), cloned).ok()?;
            Some((point.as_str().trim_start_matches('/').replace('/', "%"), part))
        };
        part_points(&mountinfo::read()?).into_iter().filter_map(clone).collect()
    } else {
        Vec::new()
    };
    let place = PLACES.iter().map(Path::new).find(|place| place.is_dir()).unwrap_or(Path::new("/"));
    mount(Some("charmproof"), place, Some("tmpfs"), MsFlags::MS_NOSUID, Some("mode=755,size=1m"))?;
    chdir(place)?;
    for name in [HOST, PLAIN, PARTS] {
        fs_err::create_dir(&name[1..])?;
    }
    fs_err::os::unix::fs::symlink("host/proc", "proc")?;
    move_mount(&host, "", rustix::fs::CWD, &HOST[1..], MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH)?;
    if let Ok(plain) = plain {
        move_mount(&plain, "", rustix::fs::CWD, &PLAIN[1..], MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH)?;
    }
    for (name, part) in parts {
        let place = format!("{}/{name}", &PARTS[1..]);
        fs_err::create_dir(&place)?;
        move_mount(&part, "", rustix::fs::CWD, &place, MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH)?;
    }
    // The old root comes to lie over the new one, and goes.
    pivot_root(".", ".")?;
    umount2(".", MntFlags::MNT_DETACH)?;
    Ok(chdir("/")?)
}

/// Returns where the host's userland has filesystems of its own: those that anything private is
/// on, or that are no place for files, are none of it. Of several at one place the last counts,
/// which covers the others.
fn part_points(mounts: &[Mount]) -> Vec<Utf8PathBuf> {
    let is_part = |mount: &&Mount| {
        let point = mount.point.to_str().unwrap_or_default();
        let top = point.trim_start_matches('/').split('/').next().unwrap_or_default();
        super::USERLAND.contains(&top)
            && !super::PRIVATE.iter().any(|private| Utf8Path::new(point).starts_with(private))
            && !point.contains('%')
            && FILESYSTEMS.contains(&mount.filesystem.as_str())
            && mount.point.is_dir()
    };
    let points = mounts.iter().filter(is_part).filter_map(|mount| mount.point.to_str());
    points.map(Utf8PathBuf::from).collect::<BTreeSet<_>>().into_iter().collect()
}

/// Who writes the maps of ids, and what they are.
enum Maps {
    /// Root, for users and groups alike.
    Written(IdMap),
    /// `newuidmap` and `newgidmap`.
    Helped(IdMap, IdMap),
    /// This process itself, its own ids only.
    Single(Uid, Gid),
}

fn enter_user_namespace(maps: &Maps) -> io::Result<()> {
    if let Maps::Single(user, group) = maps {
        unshare(CloneFlags::CLONE_NEWUSER)?;
        fs_err::write("/proc/self/setgroups", "deny")?;
        fs_err::write("/proc/self/uid_map", format!("0 {user} 1\n"))?;
        fs_err::write("/proc/self/gid_map", format!("0 {group} 1\n"))?;
        return become_root();
    }
    // The maps are written from outside, by a child that stays there.
    let holder = getpid();
    let (mut go, ready) = io::pipe()?;
    match sys::fork_here()? {
        Side::Child => {
            drop(ready);
            let mut word = [0];
            let written = go.read_exact(&mut word).and_then(|()| match maps {
                Maps::Written(map) => write_maps(holder, map),
                Maps::Helped(users, groups) => help(holder, users, groups),
                Maps::Single(..) => Ok(()),
            });
            leave(i32::from(written.is_err()))
        }
        Side::Parent { child } => {
            drop(go);
            let entered = unshare(CloneFlags::CLONE_NEWUSER);
            if entered.is_ok() {
                let _ = (&ready).write_all(b"+");
            }
            drop(ready);
            let status = loop {
                match waitpid(child, None) {
                    Err(nix::Error::EINTR) => {}
                    status => break status?,
                }
            };
            entered?;
            if status != WaitStatus::Exited(child, 0) {
                return Err(io::Error::other("the maps of its ids could not be written"));
            }
            become_root()
        }
    }
}

#[expect(clippy::exit, reason = "the child of a fork must not return into its parent's code")]
fn leave(code: i32) -> ! {
    std::process::exit(code)
}

fn write_maps(holder: Pid, map: &IdMap) -> io::Result<()> {
    let lines: Vec<String> =
        map.0.iter().map(|[inside, outside, count]| format!("{inside} {outside} {count}\n")).collect();
    let lines = lines.concat();
    fs_err::write(format!("/proc/{holder}/uid_map"), &lines)?;
    fs_err::write(format!("/proc/{holder}/gid_map"), &lines)
}

fn help(holder: Pid, users: &IdMap, groups: &IdMap) -> io::Result<()> {
    for (program, map) in [("newuidmap", users), ("newgidmap", groups)] {
        let numbers = map.0.iter().flatten().map(ToString::to_string);
        let status =
            Command::new(program).env("PATH", super::PATH).arg(holder.to_string()).args(numbers).status()?;
        if !status.success() {
            return Err(io::Error::other(format!("{program}: {status}")));
        }
    }
    Ok(())
}

fn become_root() -> io::Result<()> {
    let (user, group) = (Uid::from_raw(0), Gid::from_raw(0));
    setresgid(group, group, group)?;
    setresuid(user, user, user)?;
    // With the ids, the right to be looked at in `/proc` went, and with that the right to
    // write there.
    Ok(nix::sys::prctl::set_dumpable(true)?)
}

/// Does in a child what every machine will need, so that a host that refuses it is found out
/// here, where a weaker level can still be chosen.
fn try_out(level: MachineLevel) -> Result<(), String> {
    let flags = CloneFlags::CLONE_NEWNS
        | CloneFlags::CLONE_NEWPID
        | CloneFlags::CLONE_NEWUTS
        | CloneFlags::CLONE_NEWIPC
        | CloneFlags::CLONE_NEWNET;
    let (mut answer, question) = io::pipe().map_err(|error| describe(&error))?;
    match sys::fork_into(flags) {
        Err(errno) => Err(format!("new namespaces: {}{}", errno.desc(), apparmor_hint())),
        Ok(Side::Child) => {
            drop(answer);
            if let Err(why) = rehearse(level) {
                let _ = (&question).write_all(why.as_bytes());
            }
            drop(question);
            leave(0)
        }
        Ok(Side::Parent { child }) => {
            drop(question);
            let mut why = String::new();
            answer.read_to_string(&mut why).map_err(|error| describe(&error))?;
            while waitpid(child, None) == Err(nix::Error::EINTR) {}
            if why.is_empty() { Ok(()) } else { Err(why) }
        }
    }
}

fn rehearse(level: MachineLevel) -> Result<(), String> {
    let step = |what: &str, done: nix::Result<()>| {
        done.map_err(|errno| format!("{what}: {}{}", errno.desc(), apparmor_hint()))
    };
    let place = "/host/proc";
    step("a new /proc", mount(Some("proc"), place, Some("proc"), MsFlags::empty(), NONE))?;
    if level == MachineLevel::RootInUserNamespace {
        let locked = super::root::lock_mounts();
        locked.map_err(|error| format!("mounts that stay: {error}{}", apparmor_hint()))?;
    }
    step("memory as a filesystem", mount(Some("probe"), HOST, Some("tmpfs"), MsFlags::empty(), NONE))?;
    for name in ["/host/first", "/host/second", "/host/both"] {
        fs_err::create_dir(name).map_err(|error| describe(&error))?;
    }
    // Without an upper layer it asks nothing of the filesystem below.
    let options = "lowerdir=/host/first:/host/second";
    step("an overlay", mount(Some("probe"), "/host/both", Some("overlay"), MsFlags::MS_RDONLY, Some(options)))
}

/// Opens a path of the host for later, from a ground that will be left.
pub(crate) fn open_host(ground: Ground) -> io::Result<File> {
    let root = ground.seen(Utf8Path::new("/"));
    let flags = rustix::fs::OFlags::PATH | rustix::fs::OFlags::CLOEXEC | rustix::fs::OFlags::DIRECTORY;
    Ok(File::from(rustix::fs::open(root.as_str(), flags, rustix::fs::Mode::empty())?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filesystems_of_the_userland_are_found() {
        let text = b"1 0 8:1 / / rw - ext4 /dev/sda1 rw\n\
            2 1 0:5 / /proc rw - proc proc rw\n\
            3 1 8:2 / /etc rw - ext4 /dev/sda2 rw\n\
            4 1 8:3 / /home rw - ext4 /dev/sda3 rw\n\
            5 1 0:6 / /run rw - tmpfs tmpfs rw\n\
            6 3 0:7 / /var/lib/docker/overlay2/x/merged rw - overlay overlay rw\n\
            7 1 8:4 / /etc rw - ext4 /dev/sda4 rw\n\
            8 1 8:4 / /usr/no-such-folder rw - ext4 /dev/sda4 rw\n";
        assert_eq!(part_points(&mountinfo::parse(text)), ["/etc"]);
    }
}
