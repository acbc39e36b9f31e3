//! The root filesystem of a machine, built by its first process.
//!
//! Layers and what is kept make an overlay; `/proc`, `/dev`, `/sys`, `/run` and `/tmp` are new.
//! What is to look empty is a folder among what is kept that says so: thus the whole root is one
//! filesystem, in which files can be moved as on a real machine.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use camino::{Utf8Path, Utf8PathBuf};
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sched::{CloneFlags, setns, unshare};
use nix::sys::stat::{Mode, umask};
use nix::sys::wait::waitpid;
use nix::unistd::{Pid, chdir, pivot_root, sethostname};

use super::boot;
use super::files::{self, make_folder, mode};
use super::ground::{self, Ground};
use super::protocol::{MachinePlan, NetworkPlan};
use super::spec::{Bind, MachineLevel};
use super::{login, places, settings};
use crate::protocol::Failure;
use crate::sys::{self, Side};

const NONE: Option<&str> = None;
/// Where the kernel is told what to do by whoever is root.
const KERNEL_SETTINGS: [&str; 7] =
    ["/proc/sys", "/proc/sysrq-trigger", "/proc/acpi", "/proc/bus", "/proc/fs", "/proc/irq", "/proc/scsi"];
/// Where nothing of a unit is shown: what lies there protects the host, or is the host's.
const OF_THE_KERNEL: [&str; 3] = ["proc", "sys", "dev"];
/// The nodes that every program may count on.
const DEVICES: [&str; 6] = ["null", "zero", "full", "random", "urandom", "tty"];

/// Builds the root and enters it. The answer is notes about what is weaker than it could be.
pub(crate) fn build(plan: &MachinePlan, ground: Ground) -> Result<Vec<String>, Failure> {
    let mut notes = Vec::new();
    umask(Mode::empty());
    mount(NONE, "/", NONE, MsFlags::MS_REC | MsFlags::MS_PRIVATE, NONE)
        .map_err(|errno| Failure::new("detach the mounts of", errno))?;
    let host = ground::open_host(ground).map_err(|error| Failure::io("look at the host for", &error))?;
    let mark = files::mount(plan, ground)?;
    let is_new = mark.is_new().map_err(|error| Failure::io("look at the files of", &error))?;
    let from_host = settings::FromHost::read(&host);

    // From here on, the working directory is the new root.
    for name in ["proc", "sys", "dev", "run", "tmp"] {
        make_place(name).map_err(|error| Failure::io("make a folder for", &error))?;
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

    umask(Mode::S_IWGRP | Mode::S_IWOTH);
    // Before the turn, while nothing lies over the new root: there `..` would lead to the old one.
    bind_all(&plan.binds, &host)?;
    // Nothing that leads to the host may be open when paths of the machine are followed.
    drop(host);
    pivot_root(".", ".").map_err(failed("turn the root of"))?;
    // The old root has come to lie over the new one.
    umount2(".", MntFlags::MNT_DETACH).map_err(failed("leave the host's root for"))?;
    chdir("/").map_err(failed("enter the root of"))?;
    protect_kernel_settings(plan, &mut notes);
    boot::begin(&mut notes);
    if plan.level == MachineLevel::RootInUserNamespace {
        lock_mounts().map_err(|error| Failure::io("lock the mounts of", &error))?;
    }
    sethostname(&plan.host_name).map_err(failed("name"))?;
    settings::write(plan, is_new, &from_host)
        .map_err(|error| Failure::io("write the settings of", &error))?;
    if let Err(error) = login::prepare(plan, is_new) {
        notes.push(format!("people cannot log in as they can on a machine of a cloud: {error}"));
    }
    mark.note_start().map_err(|error| Failure::io("note the first start of", &error))?;
    Ok(notes)
}

/// Makes a folder to mount upon, in place of a link that a unit may have left there.
fn make_place(name: &str) -> io::Result<()> {
    if Utf8Path::new(name).symlink_metadata().is_ok_and(|found| !found.is_dir()) {
        fs_err::remove_file(name)?;
    }
    make_folder(name)
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

/// Returns a path of the host as this process can reach it before it turns its root.
fn on_host(host: &File, path: &Utf8Path) -> String {
    // `/proc` is the holder's, and this is this process in it.
    format!("/proc/self/fd/{}{path}", host.as_raw_fd())
}

/// Binds in the new root, which is the working directory, where links mean what they will mean to programs.
fn bind_all(binds: &[Bind], host: &File) -> Result<(), Failure> {
    let flags = rustix::fs::OFlags::PATH | rustix::fs::OFlags::CLOEXEC | rustix::fs::OFlags::DIRECTORY;
    let root = rustix::fs::open(".", flags, rustix::fs::Mode::empty())
        .map_err(|errno| Failure::io("look at the root of", &errno.into()))?;
    for Bind { source, target, is_read_only } in binds {
        show_there((host.as_fd(), source), (root.as_fd(), target), *is_read_only)
            .map_err(|error| Failure::io(&format!("show {source} at {target} in"), &error))?;
    }
    Ok(())
}

/// What charmproof shows at other places of a running machine, too, by the places that were asked for.
#[derive(Debug, Default)]
pub(crate) struct Shown(BTreeMap<Utf8PathBuf, OwnedFd>);

impl Shown {
    /// Shows a folder of the machine at another place of it, too. What is there already stays: whoever asks
    /// twice wants it once.
    pub(crate) fn show(
        &mut self,
        source: &Utf8Path,
        target: &Utf8Path,
        is_read_only: bool,
    ) -> Result<(), Failure> {
        let place = target.canonicalize_utf8().unwrap_or_else(|_| target.to_owned());
        if !is_of_the_kernel(place.strip_prefix("/").unwrap_or(&place)) && is_mounted(&place) {
            return Ok(());
        }
        let done = places::open_root().and_then(|root| {
            let place = show_there((root.as_fd(), source), (root.as_fd(), target), is_read_only);
            place.map(|place| self.0.insert(target.to_owned(), place))
        });
        done.map(drop).map_err(|error| Failure::io(&format!("show {source} at {target} in"), &error))
    }

    /// Shows at a place what was there before it was shown there. What others have mounted stays, and so
    /// does what a path leads to that has become another one since.
    pub(crate) fn hide(&mut self, target: &Utf8Path) -> Result<(), Failure> {
        let Some(mounted) = self.0.remove(target) else { return Ok(()) };
        places::unmount(&mounted).map_err(|error| Failure::io(&format!("unmount {target} in"), &error))
    }
}

fn is_mounted(real: &Utf8Path) -> bool {
    crate::mountinfo::read().is_ok_and(|mounts| mounts.iter().any(|mount| mount.point == real.as_std_path()))
}

/// Whether a path within a root is where nothing of a unit is shown.
fn is_of_the_kernel(within: &Utf8Path) -> bool {
    OF_THE_KERNEL.iter().any(|folder| within.starts_with(folder))
}

/// Mounts what is at a path of one root at a path of another one.
fn show_there(
    (from, source): (BorrowedFd<'_>, &Utf8Path),
    (root, target): (BorrowedFd<'_>, &Utf8Path),
    is_read_only: bool,
) -> io::Result<OwnedFd> {
    let source = places::find(from, source)?;
    let kind = rustix::fs::FileType::from_raw_mode(rustix::fs::fstat(&source)?.st_mode);
    let target = places::find_or_make(root, target, kind == rustix::fs::FileType::Directory)?;
    let (real, top) = (places::real_path(&target)?, places::real_path(&places::find(root, "/".into())?)?);
    let within = real.strip_prefix(&top).unwrap_or(&real);
    if is_of_the_kernel(within) {
        return Err(io::Error::from_raw_os_error(nix::libc::EPERM));
    }
    places::bind(&source, &target, is_read_only)
}

/// Root may write kernel settings without any capability, and they are those of the host. What
/// belongs to the machine's own network stays writable.
fn protect_kernel_settings(plan: &MachinePlan, notes: &mut Vec<String>) {
    match plan.level {
        MachineLevel::RootInUserNamespace | MachineLevel::Root => {}
        MachineLevel::SubordinateIds | MachineLevel::SingleId | MachineLevel::ProcessOnly => return,
    }
    let bind = |path: &str| mount(Some(path), path, NONE, MsFlags::MS_BIND, NONE);
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC | MsFlags::MS_RELATIME;
    let read_only = flags | MsFlags::MS_BIND | MsFlags::MS_REMOUNT | MsFlags::MS_RDONLY;
    // Held open, it can be shown again in what is about to be closed.
    let network = match plan.network {
        NetworkPlan::Own { .. } => fs_err::File::open("/proc/sys/net").ok(),
        NetworkPlan::Host => None,
    };
    for path in KERNEL_SETTINGS {
        match bind(path).and_then(|()| mount(NONE, path, NONE, read_only, NONE)) {
            // A kernel may be built without one.
            Ok(()) | Err(nix::errno::Errno::ENOENT) => {}
            Err(errno) => notes.push(format!("{path} stayed writable: {}", errno.desc())),
        }
    }
    if let Some(network) = network {
        let source = format!("/proc/self/fd/{}", network.as_raw_fd());
        let _ = mount(Some(source.as_str()), "/proc/sys/net", NONE, MsFlags::MS_BIND, NONE);
    }
}

/// Makes all mounts a whole that root inside can add to and cannot take from.
///
/// The kernel lets root of a user namespace undo what was mounted in it, and with that what lies over the
/// settings of the host. It locks what comes from another user namespace. So the mounts go once through
/// one: a child takes a copy of them into a namespace of its own, and this process takes its copy of those.
pub(crate) fn lock_mounts() -> io::Result<()> {
    let (mut answer, mut question) = io::pipe()?;
    let (mut end, life) = io::pipe()?;
    match sys::fork_here()? {
        Side::Child => {
            drop((answer, life));
            let done = unshare(CloneFlags::CLONE_NEWUSER | CloneFlags::CLONE_NEWNS);
            let _ = question.write_all(&(done.err().map_or(0, |errno| errno as i32)).to_le_bytes());
            // What it has is there for as long as it is.
            let _ = end.read(&mut [0]);
            leave(0)
        }
        Side::Parent { child } => {
            drop((question, end));
            let mut errno = [0; 4];
            let locked = answer.read_exact(&mut errno).and_then(|()| match i32::from_le_bytes(errno) {
                0 => take_mounts_of(child),
                errno => Err(io::Error::from_raw_os_error(errno)),
            });
            drop(life);
            while waitpid(child, None) == Err(nix::Error::EINTR) {}
            locked
        }
    }
}

fn take_mounts_of(process: Pid) -> io::Result<()> {
    setns(fs_err::File::open(format!("/proc/{process}/ns/mnt"))?, CloneFlags::CLONE_NEWNS)?;
    unshare(CloneFlags::CLONE_NEWNS)?;
    Ok(chdir("/")?)
}

#[expect(clippy::exit, reason = "the child of a fork must not return into its parent's code")]
fn leave(code: i32) -> ! {
    std::process::exit(code)
}
