//! Places in a root that belongs to somebody else.
//!
//! A unit may put a link wherever it likes, also between two looks at the same path. So a path of it is
//! looked up once, by the kernel and as if the root were `/`, and held open; everything that is mounted
//! and unmounted afterwards is told by descriptor, never by the path again.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};

use camino::{Utf8Path, Utf8PathBuf};
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use rustix::fs::{Mode, OFlags, ResolveFlags, StatVfsMountFlags, openat2};
use rustix::io::Errno;
use rustix::mount::{MoveMountFlags, OpenTreeFlags, move_mount, open_tree};

const NONE: Option<&str> = None;
/// How often a path is looked up anew while others rename folders on its way.
const ROUNDS_MAX: usize = 64;

/// Opens the root of this process, to look things up in.
pub(super) fn open_root() -> io::Result<OwnedFd> {
    let flags = OFlags::PATH | OFlags::CLOEXEC | OFlags::DIRECTORY;
    Ok(rustix::fs::open("/", flags, Mode::empty())?)
}

/// Finds a place in a root. Links mean what they mean to a program whose root it is; those that `/proc` has
/// for the files of a process lead nowhere.
pub(super) fn find(root: BorrowedFd<'_>, path: &Utf8Path) -> io::Result<OwnedFd> {
    let resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
    let flags = OFlags::PATH | OFlags::CLOEXEC;
    let mut rounds = 0;
    loop {
        match openat2(root, path.as_str(), flags, Mode::empty(), resolve) {
            Err(Errno::INTR) => {}
            // Something on the way was moved, so the kernel cannot tell whether it led out.
            Err(Errno::AGAIN) if rounds < ROUNDS_MAX => rounds += 1,
            done => return Ok(done?),
        }
    }
}

/// Finds a place in a root, and makes it, with the folders around it, where it is missing.
pub(super) fn find_or_make(root: BorrowedFd<'_>, path: &Utf8Path, is_folder: bool) -> io::Result<OwnedFd> {
    match find(root, path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        done => return done,
    }
    let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(io::Error::from(io::ErrorKind::InvalidInput));
    };
    let parent = if parent.as_str().is_empty() { Utf8Path::new("/") } else { parent };
    let folder = find_or_make(root, parent, true)?;
    let made = if is_folder {
        rustix::fs::mkdirat(&folder, name, Mode::from_raw_mode(0o777))
    } else {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        rustix::fs::openat(&folder, name, flags, Mode::from_raw_mode(0o666)).map(drop)
    };
    match made {
        // Somebody was quicker, or it is a link to nowhere, which is found out below.
        Ok(()) | Err(Errno::EXIST) => find(root, path),
        Err(errno) => Err(errno.into()),
    }
}

/// Says where a place really is, as this process sees it.
pub(super) fn real_path(place: &OwnedFd) -> io::Result<Utf8PathBuf> {
    let path = fs_err::read_link(by_descriptor(place))?;
    Utf8PathBuf::try_from(path).map_err(|_| io::Error::from(io::ErrorKind::InvalidData))
}

/// Shows what is at one place, with all that is mounted below it, at another one. The answer is what was
/// mounted, for [`unmount`].
pub(super) fn bind(source: &OwnedFd, target: &OwnedFd, is_read_only: bool) -> io::Result<OwnedFd> {
    let copied = OpenTreeFlags::OPEN_TREE_CLONE
        | OpenTreeFlags::OPEN_TREE_CLOEXEC
        | OpenTreeFlags::AT_RECURSIVE
        | OpenTreeFlags::AT_EMPTY_PATH;
    let mounted = open_tree(source, "", copied)?;
    let by_descriptors = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH | MoveMountFlags::MOVE_MOUNT_T_EMPTY_PATH;
    move_mount(&mounted, "", target, "", by_descriptors)?;
    if is_read_only && let Err(error) = make_read_only(&mounted) {
        // What is to be read only is not left writable.
        let _ = unmount(&mounted);
        return Err(error);
    }
    Ok(mounted)
}

/// Undoes [`bind`]. What is not mounted any more is no error.
pub(super) fn unmount(mounted: &OwnedFd) -> io::Result<()> {
    match umount2(by_descriptor(mounted).as_str(), MntFlags::MNT_DETACH) {
        Ok(()) | Err(nix::errno::Errno::EINVAL) => Ok(()),
        Err(errno) => Err(errno.into()),
    }
}

fn make_read_only(mounted: &OwnedFd) -> io::Result<()> {
    let flags = kept_flags(mounted)? | MsFlags::MS_BIND | MsFlags::MS_REMOUNT | MsFlags::MS_RDONLY;
    Ok(mount(NONE, by_descriptor(mounted).as_str(), NONE, flags, NONE)?)
}

/// Returns the flags of a mount that changing others of them would drop, which may be forbidden.
fn kept_flags(mounted: &OwnedFd) -> io::Result<MsFlags> {
    let found = rustix::fs::fstatvfs(mounted)?.f_flag;
    let both = [
        (StatVfsMountFlags::NOSUID, MsFlags::MS_NOSUID),
        (StatVfsMountFlags::NODEV, MsFlags::MS_NODEV),
        (StatVfsMountFlags::NOEXEC, MsFlags::MS_NOEXEC),
        (StatVfsMountFlags::NOATIME, MsFlags::MS_NOATIME),
        (StatVfsMountFlags::NODIRATIME, MsFlags::MS_NODIRATIME),
        (StatVfsMountFlags::RELATIME, MsFlags::MS_RELATIME),
    ];
    let mut flags = MsFlags::empty();
    for (_, flag) in both.into_iter().filter(|(name, _)| found.contains(*name)) {
        flags |= flag;
    }
    if !flags.intersects(MsFlags::MS_NOATIME | MsFlags::MS_RELATIME) {
        // Saying nothing would mean relatime.
        flags |= MsFlags::MS_STRICTATIME;
    }
    Ok(flags)
}

/// The name of a descriptor for calls that take nothing else.
fn by_descriptor(descriptor: &OwnedFd) -> String {
    format!("/proc/self/fd/{}", descriptor.as_raw_fd())
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsFd;

    use super::*;

    #[test]
    fn no_link_leads_out_of_the_root() {
        let folder = tempfile::tempdir().unwrap();
        let outside = Utf8Path::from_path(folder.path()).unwrap();
        let inside = outside.join("root");
        fs_err::create_dir_all(inside.join("etc")).unwrap();
        fs_err::write(outside.join("secret"), "").unwrap();
        for (target, name) in [
            ("/etc", "absolute"),
            ("../../../../..", "upwards"),
            ("/secret", "nowhere"),
            ("/proc/self/root", "magic"),
        ] {
            fs_err::os::unix::fs::symlink(target, inside.join(name)).unwrap();
        }
        let root = OwnedFd::from(fs_err::File::open(&inside).unwrap().into_parts().0);
        let made = |path: &str, is_folder| find_or_make(root.as_fd(), Utf8Path::new(path), is_folder);
        made("/absolute/a/b", false).unwrap();
        assert!(inside.join("etc/a/b").is_file());
        made("/upwards/upwards/c", true).unwrap();
        assert!(inside.join("c").is_dir());
        let found = real_path(&made("/upwards/../etc", true).unwrap()).unwrap();
        assert_eq!(found, inside.join("etc").canonicalize_utf8().unwrap());
        for path in ["/nowhere", "/secret/../../secret", "/magic/etc"] {
            assert!(find(root.as_fd(), Utf8Path::new(path)).is_err(), "{path}");
        }
        assert_eq!(made("/nowhere", false).unwrap_err().kind(), io::ErrorKind::NotFound);
        assert_eq!(made("/etc/x/..", true).unwrap_err().kind(), io::ErrorKind::InvalidInput);
        assert_eq!(outside.read_dir_utf8().unwrap().count(), 2);
    }
}
