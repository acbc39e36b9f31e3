//! What the command sees of the filesystem, inside its mount namespace.
//!
//! A bind mount copies the flags its source has at that moment. So the order
//! is: hold on to every source by a descriptor, bind what stays writable, and
//! only then turn the rest read-only.

use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};

use camino::Utf8PathBuf;
use nix::errno::Errno;
use nix::fcntl::{OFlag, open};
use nix::mount::{MsFlags, mount};
use nix::sys::stat::Mode;

use crate::mountinfo::{self, Mount};
use crate::spec::Isolation;

/// Shared memory the command may use; also counted as its memory.
const SHARED_MEMORY_OPTIONS: &str = "size=512m,mode=1777";
const NONE: Option<&str> = None;

/// A mount that the host refused.
#[derive(Debug, thiserror::Error)]
#[error("could not {action} `{path}`: {reason}")]
pub(crate) struct Refusal {
    action: &'static str,
    path: PathBuf,
    reason: String,
}

impl Refusal {
    fn new(action: &'static str, path: &Path, errno: Errno) -> Self {
        Self { action, path: path.to_owned(), reason: errno.desc().to_owned() }
    }

    fn io(action: &'static str, path: &Path, error: &io::Error) -> Self {
        Self { action, path: path.to_owned(), reason: error.to_string() }
    }
}

/// What was built.
#[derive(Debug, Default)]
pub(crate) struct View {
    /// Whether the root filesystem is read-only.
    pub(crate) read_only: bool,
    pub(crate) notes: Vec<String>,
}

/// A place to bind elsewhere, held open across the changes.
struct Source {
    path: PathBuf,
    is_directory: bool,
    handle: OwnedFd,
}

impl Source {
    fn open(path: &Path) -> Result<Self, Refusal> {
        let path = fs_err::canonicalize(path).map_err(|error| Refusal::io("find", path, &error))?;
        let flags = OFlag::O_PATH | OFlag::O_CLOEXEC;
        let handle = open(&path, flags, Mode::empty()).map_err(|errno| Refusal::new("open", &path, errno))?;
        Ok(Self { is_directory: path.is_dir(), path, handle })
    }

    fn bind(&self, target: &Path) -> Result<(), Refusal> {
        let handle = PathBuf::from(format!("/proc/self/fd/{}", self.handle.as_raw_fd()));
        mount(Some(&handle), target, NONE, MsFlags::MS_BIND | MsFlags::MS_REC, NONE)
            .map_err(|errno| Refusal::new("bind", target, errno))
    }

    /// Makes what a covered path is bound on; it stays behind, empty, in the
    /// private `/tmp`.
    fn make_mount_point(&self) -> Result<(), Refusal> {
        if self.path.exists() {
            return Ok(());
        }
        let parent = self.path.parent().unwrap_or(Path::new("/"));
        let made = fs_err::create_dir_all(parent).and_then(|()| {
            if self.is_directory {
                fs_err::create_dir(&self.path)
            } else {
                fs_err::File::create_new(&self.path).map(drop)
            }
        });
        made.map_err(|error| Refusal::io("make a mount point at", &self.path, &error))
    }
}

/// A listed tree that needs a mount of its own.
struct Tree {
    source: Source,
    writable: bool,
}

/// Opens the listed trees, outer ones first, without those that lie in a tree
/// of the same kind: a mount of their own would only break hard links.
fn trees(isolation: &Isolation) -> Result<Vec<Tree>, Refusal> {
    let mut all = Vec::new();
    for (paths, writable) in [(&isolation.writable, true), (&isolation.visible, false)] {
        for path in paths {
            all.push(Tree { source: Source::open(path.as_std_path())?, writable });
        }
    }
    // Of a tree that is in both lists, the read-only entry comes last and wins.
    all.sort_by(|a, b| (&a.source.path, b.writable).cmp(&(&b.source.path, a.writable)));
    let mut kept: Vec<Tree> = Vec::new();
    for tree in all {
        let around = kept.iter().rfind(|other| tree.source.path.starts_with(&other.source.path));
        if around.is_none_or(|other| other.writable != tree.writable) {
            kept.push(tree);
        }
    }
    Ok(kept)
}

/// Builds the view for a process that is alone in a new mount namespace.
/// `fresh_processes` says that it is in a new PID namespace, too.
pub(crate) fn build(isolation: &Isolation, fresh_processes: bool) -> Result<View, Refusal> {
    let mut view = View::default();
    let root = Path::new("/");
    mount(NONE, root, NONE, MsFlags::MS_REC | MsFlags::MS_PRIVATE, NONE)
        .map_err(|errno| Refusal::new("detach the mounts below", root, errno))?;
    if fresh_processes {
        let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC;
        mount(Some("proc"), "/proc", Some("proc"), flags, NONE)
            .map_err(|errno| Refusal::new("mount a new", Path::new("/proc"), errno))?;
    }
    let mounts =
        mountinfo::read().map_err(|error| Refusal::io("read", Path::new("/proc/self/mountinfo"), &error))?;

    let trees = trees(isolation)?;
    let private_tmp =
        isolation.private_tmp.as_ref().map(|path| Source::open(path.as_std_path())).transpose()?;
    let covered = if private_tmp.is_some() { temporary_directories() } else { Vec::new() };
    let is_covered = |path: &Path| covered.iter().any(|directory| path.starts_with(directory));
    let stays_writable = |path: &Path| {
        let around = trees.iter().rfind(|tree| path.starts_with(&tree.source.path));
        around.is_some_and(|tree| tree.writable)
    };

    if let Some(private_tmp) = &private_tmp {
        for directory in &covered {
            private_tmp.bind(directory)?;
        }
    }
    for (index, Tree { source, writable }) in trees.iter().enumerate() {
        let enclosed = trees[..index].iter().any(|outer| source.path.starts_with(&outer.source.path));
        if !(is_covered(&source.path) || enclosed || (*writable && isolation.read_only_host)) {
            continue;
        }
        source.make_mount_point()?;
        source.bind(&source.path)?;
        if !writable {
            let flags =
                mountinfo::containing(&mounts, &source.path).map_or(MsFlags::empty(), |mount| mount.flags);
            make_read_only(&source.path, flags)
                .map_err(|errno| Refusal::new("make read-only", &source.path, errno))?;
            let below = |mount: &&Mount| mount.point != source.path && mount.point.starts_with(&source.path);
            for inner in mounts.iter().filter(below) {
                let _ = make_read_only(&inner.point, inner.flags);
            }
        }
    }

    if isolation.read_only_host {
        view.read_only = true;
        for Mount { point, flags, .. } in &mounts {
            let keeps_working = point.starts_with("/proc") || point.starts_with("/dev");
            if keeps_working || is_covered(point) || stays_writable(point) {
                continue;
            }
            // A mount that another one hides, or a pseudo filesystem that
            // refuses, is none of the command's business.
            if let Err(errno) = make_read_only(point, *flags)
                && point == root
            {
                view.read_only = false;
                view.notes.push(format!("the root filesystem stayed writable: {}", errno.desc()));
            }
        }
        private_shared_memory(&mut view);
        protect_kernel_settings(isolation.keeps_capabilities);
    }
    hide(&isolation.hidden)?;
    Ok(view)
}

fn temporary_directories() -> Vec<PathBuf> {
    let mut directories: Vec<PathBuf> = Vec::new();
    for path in ["/tmp", "/var/tmp"] {
        if let Ok(real) = fs_err::canonicalize(path)
            && real.is_dir()
            && !directories.contains(&real)
        {
            directories.push(real);
        }
    }
    directories
}

fn make_read_only(point: &Path, flags: MsFlags) -> nix::Result<()> {
    let flags = flags | MsFlags::MS_REMOUNT | MsFlags::MS_BIND | MsFlags::MS_RDONLY;
    mount(NONE, point, NONE, flags, NONE)
}

fn private_shared_memory(view: &mut View) {
    let path = Path::new("/dev/shm");
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV;
    if path.is_dir()
        && let Err(errno) = mount(Some("shm"), path, Some("tmpfs"), flags, Some(SHARED_MEMORY_OPTIONS))
    {
        view.notes.push(format!("/dev/shm is the host's: {}", errno.desc()));
    }
}

/// Root may write kernel settings without any capability. Best effort: other
/// users cannot, and a container may have done it already. Who makes networks has settings of its own in
/// each, which it finds in the same place.
fn protect_kernel_settings(makes_networks: bool) {
    if !nix::unistd::geteuid().is_root() {
        return;
    }
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC | MsFlags::MS_RELATIME;
    let settings = (!makes_networks).then_some("/proc/sys");
    for path in settings.into_iter().chain(["/proc/sysrq-trigger"]) {
        let path = Path::new(path);
        if mount(Some(path), path, NONE, MsFlags::MS_BIND, NONE).is_ok() {
            let _ = make_read_only(path, flags);
        }
    }
}

fn hide(paths: &[Utf8PathBuf]) -> Result<(), Refusal> {
    for path in paths {
        // What cannot be found cannot be read either.
        let Ok(real) = fs_err::canonicalize(path) else {
            continue;
        };
        let result = if real.is_dir() {
            let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC | MsFlags::MS_RDONLY;
            mount(Some("hidden"), &real, Some("tmpfs"), flags, Some("size=4k,mode=0555"))
        } else {
            mount(Some("/dev/null"), &real, NONE, MsFlags::MS_BIND, NONE)
        };
        result.map_err(|errno| Refusal::new("hide", &real, errno))?;
    }
    Ok(())
}
