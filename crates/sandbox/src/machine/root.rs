//! The root filesystem of a machine, built by its first process.
//!
//! Layers and what is kept make an overlay; `/proc`, `/dev`, `/sys`, `/run` and `/tmp` are new.
//! What is to look empty is a folder among what is kept that says so: thus the whole root is one
//! filesystem, in which files can be moved as on a real machine.

use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::Path;

use camino::{Utf8Path, Utf8PathBuf};
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sys::stat::{Mode, umask};
use nix::unistd::{chdir, pivot_root, sethostname};
use rustix::fs::OFlags;

use super::ground::{self, Ground};
use super::protocol::{MachinePlan, NetworkPlan};
use super::settings;
use super::spec::{Bind, MachineLevel};
use super::userland;
use crate::protocol::Failure;

const NONE: Option<&str> = None;
/// Among what is kept: says that the machine's own settings were written.
const STARTED: &str = "started";
/// The nodes that every program may count on.
const DEVICES: [&str; 6] = ["null", "zero", "full", "random", "urandom", "tty"];
/// What says of a folder that nothing below it is to be seen.
const OPAQUE: &str = "user.overlay.opaque";
/// The same for overlays that root mounts outside of a user namespace.
const OPAQUE_FOR_ROOT: &str = "trusted.overlay.opaque";

/// Builds the root and enters it. The answer is notes about what is weaker than it could be.
pub(crate) fn build(plan: &MachinePlan, ground: Ground) -> Result<Vec<String>, Failure> {
    let mut notes = Vec::new();
    umask(Mode::empty());
    mount(NONE, "/", NONE, MsFlags::MS_REC | MsFlags::MS_PRIVATE, NONE)
        .map_err(|errno| Failure::new("detach the mounts of", errno))?;
    let host = ground::open_host(ground).map_err(|error| Failure::io("look at the host for", &error))?;
    let kept = overlay(plan, ground)?;
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
    sethostname(&plan.host_name).map_err(failed("name"))?;
    settings::write(plan, is_new, &from_host)
        .map_err(|error| Failure::io("write the settings of", &error))?;
    started(OFlags::WRONLY | OFlags::CREATE)
        .map_err(|errno| Failure::io("note the first start of", &errno.into()))?;
    Ok(notes)
}

/// Mounts the overlay and makes it the working directory. Returns the folder of what is kept.
fn overlay(plan: &MachinePlan, ground: Ground) -> Result<OwnedFd, Failure> {
    let kept = ground.seen(&plan.kept);
    if let Some(missing) = plan.layers.iter().find(|layer| !ground.layer(layer).is_dir()) {
        return Err(Failure::new(&format!("find the layer {missing} of"), nix::Error::ENOENT));
    }
    let prepared = |error: io::Error| Failure::io("prepare the files of", &error);
    let files = Files::prepare(plan, ground, &kept).map_err(prepared)?;
    files.cover(plan).map_err(prepared)?;
    let failed = |errno| Failure::new("mount the files of", errno);
    chdir(kept.as_std_path()).map_err(failed)?;
    let attributes = if plan.level == MachineLevel::Root { "" } else { ",userxattr" };
    let mut roots = vec![("root", "upper", "work", files.layers.len(), "layers/")];
    if files.has_usr {
        roots.push(("root/usr", "upper-usr", "work-usr", 2, "layers/usr"));
    }
    for (target, upper, work, count, prefix) in roots {
        let lower: Vec<String> = (0..count).map(|index| format!("{prefix}{index}")).collect();
        let options = format!("lowerdir={},upperdir={upper},workdir={work}{attributes}", lower.join(":"));
        mount(Some("machine"), target, Some("overlay"), MsFlags::empty(), Some(options.as_str()))
            .map_err(failed)?;
    }
    let flags = OFlags::PATH | OFlags::CLOEXEC | OFlags::DIRECTORY;
    let folder = rustix::fs::open(".", flags, mode_bits(0)).map_err(|errno| prepared(errno.into()))?;
    chdir("root").map_err(failed)?;
    Ok(folder)
}

/// What the overlay is made of.
struct Files {
    kept: Utf8PathBuf,
    /// As they are seen from here, the topmost first.
    layers: Vec<Utf8PathBuf>,
    /// Whether `/usr` is an overlay of its own, upon the host's.
    has_usr: bool,
}

impl Files {
    /// Makes the folders of the overlay and names its layers.
    fn prepare(plan: &MachinePlan, ground: Ground, kept: &Utf8Path) -> io::Result<Self> {
        for name in ["upper", "work", "root"] {
            make_folder(kept.join(name).as_str())?;
        }
        let is_plain_user = match plan.level {
            MachineLevel::SubordinateIds | MachineLevel::SingleId => true,
            MachineLevel::RootInUserNamespace | MachineLevel::Root | MachineLevel::ProcessOnly => false,
        };
        let has_usr = is_plain_user && plan.layers.iter().any(|layer| layer == "/");
        // Short names, relative to the working directory: neither the length of the paths nor
        // the characters in them matter then.
        let names = kept.join("layers");
        remove_all(&names)?;
        fs_err::create_dir(&names)?;
        let mut layers = Vec::new();
        for layer in &plan.layers {
            let seen =
                if has_usr && layer == "/" { userland::layer(kept, ground)? } else { ground.layer(layer) };
            fs_err::os::unix::fs::symlink(&seen, names.join(layers.len().to_string()))?;
            layers.push(seen);
        }
        if has_usr {
            // What was put into the upper folder beforehand comes along.
            let (in_upper, own) = (kept.join("upper/usr"), kept.join("upper-usr"));
            if in_upper.is_dir() && !own.exists() {
                fs_err::rename(&in_upper, &own)?;
            }
            for name in ["upper-usr", "work-usr"] {
                make_folder(kept.join(name).as_str())?;
            }
            let userland = layers.last().map(|layer| layer.join("usr")).unwrap_or_default();
            fs_err::os::unix::fs::symlink(userland, names.join("usr0"))?;
            fs_err::os::unix::fs::symlink(ground.seen(Utf8Path::new("/usr")), names.join("usr1"))?;
        }
        Ok(Self { kept: kept.to_owned(), layers, has_usr })
    }

    /// Returns where a path, relative to the root, is kept.
    fn upper(&self, relative: &Utf8Path) -> Utf8PathBuf {
        match relative.strip_prefix("usr") {
            Ok(rest) if self.has_usr => self.kept.join("upper-usr").join(rest),
            Ok(_) | Err(_) => self.kept.join("upper").join(relative),
        }
    }

    /// Makes the folders that hide what the layers have at their places. Those that are there
    /// already hide it since an earlier start, or since somebody prepared them.
    fn cover(&self, plan: &MachinePlan) -> io::Result<()> {
        let is_within =
            |path: &Utf8Path| plan.hides.iter().any(|outer| path != outer && path.starts_with(outer));
        for path in plan.hides.iter().filter(|path| !is_within(path)) {
            let relative = path.strip_prefix("/").unwrap_or(path);
            if relative.as_str().is_empty() || self.upper(relative).symlink_metadata().is_ok() {
                continue;
            }
            // The folders around it look as they do in the topmost layer that has them.
            let mut around: Vec<&Utf8Path> =
                relative.ancestors().filter(|path| !path.as_str().is_empty()).collect();
            around.reverse();
            for part in around {
                let place = self.upper(part);
                if !place.exists() {
                    fs_err::create_dir(&place)?;
                    let model = self.layers.iter().find_map(|layer| layer.join(part).metadata().ok());
                    look_like(&place, model.as_ref())?;
                }
            }
            let place = self.upper(relative);
            let opaque = |name: &str| {
                rustix::fs::setxattr(place.as_str(), name, b"y", rustix::fs::XattrFlags::empty())
            };
            opaque(OPAQUE)?;
            if plan.level == MachineLevel::Root {
                opaque(OPAQUE_FOR_ROOT)?;
            }
        }
        Ok(())
    }
}

fn look_like(place: &Utf8Path, model: Option<&std::fs::Metadata>) -> io::Result<()> {
    use std::os::unix::fs::MetadataExt;
    let Some(model) = model else {
        return mode(place, 0o755);
    };
    // Ids that are none here stay those of root.
    let _ = fs_err::os::unix::fs::chown(place, Some(model.uid()), Some(model.gid()));
    mode(place, model.mode() & 0o7777)
}

fn mode_bits(bits: u32) -> rustix::fs::Mode {
    rustix::fs::Mode::from_raw_mode(bits)
}

fn mode(path: &Utf8Path, bits: u32) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs_err::set_permissions(path, std::fs::Permissions::from_mode(bits))
}

fn open_to_all(path: &str) -> io::Result<()> {
    mode(Utf8Path::new(path), 0o1777)
}

/// Makes a folder that everybody can enter, if it is not there.
fn make_folder(path: &str) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    match std::fs::DirBuilder::new().mode(0o755).create(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

fn remove_all(path: &Utf8Path) -> io::Result<()> {
    match fs_err::remove_dir_all(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
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
    let failed =
        |error: io::Error| Failure::io(&format!("show {} at {} in", bind.source, bind.target), &error);
    let source = on_host(host, &bind.source);
    let is_folder = Path::new(&source).metadata().map_err(failed)?.is_dir();
    let target = bind.target.as_std_path();
    if !target.exists() {
        let parent = target.parent().unwrap_or(Path::new("/"));
        fs_err::create_dir_all(if is_folder { target } else { parent }).map_err(failed)?;
        if !is_folder {
            fs_err::File::create(target).map_err(failed)?;
        }
    }
    let done = mount(Some(source.as_str()), target, NONE, MsFlags::MS_BIND | MsFlags::MS_REC, NONE);
    done.map_err(|errno| failed(errno.into()))?;
    if bind.is_read_only {
        let inherited = crate::mountinfo::read()
            .ok()
            .and_then(|mounts| crate::mountinfo::containing(&mounts, target).map(|mount| mount.flags))
            .unwrap_or(MsFlags::empty());
        let flags = inherited | MsFlags::MS_BIND | MsFlags::MS_REMOUNT | MsFlags::MS_RDONLY;
        mount(NONE, target, NONE, flags, NONE).map_err(|errno| failed(errno.into()))?;
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
        if let Err(errno) = bind(path).and_then(|()| mount(NONE, path, NONE, read_only, NONE)) {
            notes.push(format!("{path} stayed writable: {}", errno.desc()));
        }
    }
    if let Ok(network) = network {
        let source = format!("/proc/self/fd/{}", network.as_raw_fd());
        let _ = mount(Some(source.as_str()), "/proc/sys/net", NONE, MsFlags::MS_BIND, NONE);
    }
}
