//! The root filesystem of a machine, built by its first process.
//!
//! Layers and what is kept make an overlay; `/proc`, `/dev`, `/sys`, `/run` and `/tmp` are new.
//! What is to look empty is a folder among what is kept that says so: thus the whole root is one
//! filesystem, in which files can be moved as on a real machine.

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::path::Path;

use camino::{Utf8Path, Utf8PathBuf};
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sys::stat::{Mode, umask};
use nix::unistd::{chdir, pivot_root, sethostname};
use rustix::fs::OFlags;

use super::boot;
use super::files::{self, make_folder, mode, mode_bits};
use super::ground::{self, Ground};
use super::protocol::{MachinePlan, NetworkPlan};
use super::spec::{Bind, MachineLevel};
use super::{login, settings};
use crate::protocol::Failure;

const NONE: Option<&str> = None;
/// Among what is kept: says that the machine's own settings were written.
const STARTED: &str = "started";
/// The nodes that every program may count on.
const DEVICES: [&str; 6] = ["null", "zero", "full", "random", "urandom", "tty"];

/// Builds the root and enters it. The answer is notes about what is weaker than it could be.
pub(crate) fn build(plan: &MachinePlan, ground: Ground) -> Result<Vec<String>, Failure> {
    let mut notes = Vec::new();
    umask(Mode::empty());
    mount(NONE, "/", NONE, MsFlags::MS_REC | MsFlags::MS_PRIVATE, NONE)
        .map_err(|errno| Failure::new("detach the mounts of", errno))?;
    let host = ground::open_host(ground).map_err(|error| Failure::io("look at the host for", &error))?;
    let kept = files::mount(plan, ground)?;
    let started = |flags| rustix::fs::openat(&kept, STARTED, flags | OFlags::CLOEXEC, mode_bits(0o644));
    let is_new = started(OFlags::RDONLY).is_err();
    let from_host = settings::FromHost::read(&host);

    // From here on, the working directory is the new root.
    for name in ["proc", "sys", "dev", "run", "tmp"] {
        make_folder(name).map_err(|error| Failure::io("make a folder for", &error))?;
    }
    let quiet = MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC;
    let failed = |what: &'static str| move |errno| Failure::new(what, errno);
    mount(Some("proc"), "proc", Some("proc"), quiet, NONE).map_err(failed("mount /proc for"))?;
    system(plan, &host, &mut notes);
    devices(&host, &mut notes)?;
    mount(Some("run"), "run", Some("tmpfs"), MsFlags::MS_NOSUID | MsFlags::MS_NODEV, Some("mode=755"))
        .map_err(failed("mount /run for"))?;
    fs_err::create_dir("run/lock").map_err(|error| Failure::io("make /run/lock for", &error))?;
    mount(Some("tmp"), "tmp", Some("tmpfs"), MsFlags::MS_NOSUID | MsFlags::MS_NODEV, Some("mode=1777"))
        .map_err(failed("mount /tmp for"))?;
    open_to_all("run/lock").map_err(|error| Failure::io("open /run/lock of", &error))?;

    // The old root comes to lie over the new one; until it goes, `host` leads there.
    pivot_root(".", ".").map_err(failed("turn the root of"))?;
    umask(Mode::S_IWGRP | Mode::S_IWOTH);
    for bind in &plan.binds {
        self::bind(bind, &host)?;
    }
    drop(host);
    umount2(".", MntFlags::MNT_DETACH).map_err(failed("leave the host's root for"))?;
    chdir("/").map_err(failed("enter the root of"))?;
    protect_kernel_settings(plan.level, &mut notes);
    boot::begin(&mut notes);
    sethostname(&plan.host_name).map_err(failed("name"))?;
    settings::write(plan, is_new, &from_host)
        .map_err(|error| Failure::io("write the settings of", &error))?;
    if let Err(error) = login::prepare(plan, is_new) {
        notes.push(format!("people cannot log in as they can on a machine of a cloud: {error}"));
    }
    started(OFlags::WRONLY | OFlags::CREATE)
        .map_err(|errno| Failure::io("note the first start of", &errno.into()))?;
    Ok(notes)
}

fn open_to_all(path: &str) -> io::Result<()> {
    mode(Utf8Path::new(path), 0o1777)
}

/// `/sys` shows the machine's own network where it has one. It is only read.
fn system(plan: &MachinePlan, host: &File, notes: &mut Vec<String>) {
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC | MsFlags::MS_RDONLY;
    let own = match plan.network {
        NetworkPlan::Own { .. } => mount(Some("sysfs"), "sys", Some("sysfs"), flags, NONE),
        NetworkPlan::Host => Err(nix::Error::EPERM),
    };
    if own.is_ok() {
        return;
    }
    let source = on_host(host, Utf8Path::new("/sys"));
    let bound = mount(Some(source.as_str()), "sys", NONE, MsFlags::MS_BIND | MsFlags::MS_REC, NONE)
        .and_then(|()| mount(NONE, "sys", NONE, flags | MsFlags::MS_BIND | MsFlags::MS_REMOUNT, NONE));
    if let Err(errno) = bound {
        notes.push(format!("/sys is empty: {}", errno.desc()));
    }
}

fn devices(host: &File, notes: &mut Vec<String>) -> Result<(), Failure> {
    let failed = |errno| Failure::new("mount /dev for", errno);
    let made = |error: io::Error| Failure::io("make devices for", &error);
    // Not the mode that such a filesystem has by itself: where everybody may write, the kernel
    // lets nobody open the devices of others for writing.
    mount(Some("dev"), "dev", Some("tmpfs"), MsFlags::MS_NOSUID, Some("mode=755,size=1m")).map_err(failed)?;
    for name in DEVICES {
        let target = format!("dev/{name}");
        fs_err::File::create(&target).map_err(made)?;
        let source = on_host(host, &Utf8PathBuf::from(format!("/dev/{name}")));
        mount(Some(source.as_str()), target.as_str(), NONE, MsFlags::MS_BIND, NONE).map_err(failed)?;
    }
    for name in ["pts", "shm", "mqueue"] {
        make_folder(&format!("dev/{name}")).map_err(made)?;
    }
    let quiet = MsFlags::MS_NOSUID | MsFlags::MS_NOEXEC;
    let terminals = ["newinstance,ptmxmode=0666,mode=620,gid=5", "newinstance,ptmxmode=0666,mode=620"];
    let mounted = terminals
        .iter()
        .any(|options| mount(Some("devpts"), "dev/pts", Some("devpts"), quiet, Some(*options)).is_ok());
    if !mounted {
        notes.push("it has no terminals: /dev/pts could not be mounted".to_owned());
    }
    mount(Some("shm"), "dev/shm", Some("tmpfs"), MsFlags::MS_NOSUID | MsFlags::MS_NODEV, Some("mode=1777"))
        .map_err(failed)?;
    // Few need it, and not every host has it.
    let _ = mount(Some("mqueue"), "dev/mqueue", Some("mqueue"), quiet | MsFlags::MS_NODEV, NONE);
    let links = [
        ("pts/ptmx", "ptmx"),
        ("/proc/self/fd", "fd"),
        ("/proc/self/fd/0", "stdin"),
        ("/proc/self/fd/1", "stdout"),
        ("/proc/self/fd/2", "stderr"),
        ("/proc/kcore", "core"),
    ];
    for (target, name) in links {
        fs_err::os::unix::fs::symlink(target, format!("dev/{name}")).map_err(made)?;
    }
    Ok(())
}

/// Returns a path of the host as this process can reach it, whatever its root is.
fn on_host(host: &File, path: &Utf8Path) -> String {
    // Before the turn, `/proc` is the holder's and after it the machine's; in both, this is
    // this process.
    format!("/proc/self/fd/{}{path}", host.as_raw_fd())
}

/// Binds in the finished root, where links mean what they will mean to programs.
fn bind(bind: &Bind, host: &File) -> Result<(), Failure> {
    let done = show_there(&on_host(host, &bind.source), &bind.target, bind.is_read_only);
    done.map_err(|error| Failure::io(&format!("show {} at {} in", bind.source, bind.target), &error))
}

/// Shows a folder of the machine at another place of it, too. What is there already stays: whoever asks
/// twice wants it once.
pub(crate) fn show(source: &Utf8Path, target: &Utf8Path, is_read_only: bool) -> Result<(), Failure> {
    if is_mounted(target) {
        return Ok(());
    }
    let done = show_there(source.as_str(), target, is_read_only);
    done.map_err(|error| Failure::io(&format!("show {source} at {target} in"), &error))
}

/// Shows at a place what was there before something was mounted over it.
pub(crate) fn hide(target: &Utf8Path) -> Result<(), Failure> {
    if !is_mounted(target) {
        return Ok(());
    }
    umount2(target.as_std_path(), MntFlags::MNT_DETACH)
        .map_err(|errno| Failure::new(&format!("unmount {target} in"), errno))
}

fn is_mounted(target: &Utf8Path) -> bool {
    let Ok(real) = target.canonicalize_utf8() else { return false };
    crate::mountinfo::read().is_ok_and(|mounts| mounts.iter().any(|mount| mount.point == real.as_std_path()))
}

fn show_there(source: &str, target: &Utf8Path, is_read_only: bool) -> io::Result<()> {
    let is_folder = Path::new(source).metadata()?.is_dir();
    let target = target.as_std_path();
    if !target.exists() {
        let parent = target.parent().unwrap_or(Path::new("/"));
        fs_err::create_dir_all(if is_folder { target } else { parent })?;
        if !is_folder {
            fs_err::File::create(target)?;
        }
    }
    mount(Some(source), target, NONE, MsFlags::MS_BIND | MsFlags::MS_REC, NONE)?;
    if is_read_only {
        let inherited = crate::mountinfo::read()
            .ok()
            .and_then(|mounts| crate::mountinfo::containing(&mounts, target).map(|mount| mount.flags))
            .unwrap_or(MsFlags::empty());
        let flags = inherited | MsFlags::MS_BIND | MsFlags::MS_REMOUNT | MsFlags::MS_RDONLY;
        if let Err(errno) = mount(NONE, target, NONE, flags, NONE) {
            // What is to be read only is not left writable.
            let _ = umount2(target, MntFlags::MNT_DETACH);
            return Err(errno.into());
        }
    }
    Ok(())
}

/// Root may write kernel settings without any capability, and they are those of the host. What
/// belongs to the machine's own network stays writable.
fn protect_kernel_settings(level: MachineLevel, notes: &mut Vec<String>) {
    match level {
        MachineLevel::RootInUserNamespace | MachineLevel::Root => {}
        MachineLevel::SubordinateIds | MachineLevel::SingleId | MachineLevel::ProcessOnly => return,
    }
    let bind = |path: &str| mount(Some(path), path, NONE, MsFlags::MS_BIND, NONE);
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC | MsFlags::MS_RELATIME;
    let read_only = flags | MsFlags::MS_BIND | MsFlags::MS_REMOUNT | MsFlags::MS_RDONLY;
    // Held open, it can be shown again in what is about to be closed.
    let network = fs_err::File::open("/proc/sys/net");
    for path in ["/proc/sys", "/proc/sysrq-trigger"] {
        match bind(path).and_then(|()| mount(NONE, path, NONE, read_only, NONE)) {
            // A kernel may be built without one.
            Ok(()) | Err(nix::errno::Errno::ENOENT) => {}
            Err(errno) => notes.push(format!("{path} stayed writable: {}", errno.desc())),
        }
    }
    if let Ok(network) = network {
        let source = format!("/proc/self/fd/{}", network.as_raw_fd());
        let _ = mount(Some(source.as_str()), "/proc/sys/net", NONE, MsFlags::MS_BIND, NONE);
    }
}
