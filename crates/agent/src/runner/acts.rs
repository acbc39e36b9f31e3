//! What a stand-in does to the files of a unit, done from outside of it.
//!
//! Programs that stand in do this themselves. A server that the agent plays has no process in the
//! unit, so the unit hands over its root. Paths are looked up as the unit would, and never lead out
//! of it: what lies there was made by the charm.

use std::os::fd::OwnedFd;
use std::path::{Component, Path};

use camino::{Utf8Path, Utf8PathBuf};
use rustix::fs::{AtFlags, Mode, OFlags, ResolveFlags};

use crate::standins::Act;

/// Where programs of the unit's own lie. What a link there leads to is a stand-in.
const PROGRAMS: [&str; 4] = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin"];

/// The root of a unit.
#[derive(Debug)]
pub(super) struct Root {
    folder: OwnedFd,
    /// The folder of the stand-ins in the unit.
    stand_ins: Option<Utf8PathBuf>,
}

impl Root {
    pub(super) fn new(folder: OwnedFd, stand_ins: Option<Utf8PathBuf>) -> Self {
        Self { folder, stand_ins }
    }

    /// Does what it can. What the charm has made impossible is not done, as by a program that may not.
    pub(super) fn perform(&self, acts: &[Act]) {
        for act in acts {
            let _ = self.act(act);
        }
    }

    fn act(&self, act: &Act) -> rustix::io::Result<()> {
        match act {
            Act::Program { path, is_assumed } => {
                let Some(stand_ins) = &self.stand_ins else { return Ok(()) };
                let program = stand_ins.join(".stand-in");
                if *is_assumed && path.file_name().is_some_and(|name| self.has_real(name)) {
                    return Ok(());
                }
                let beside = path.file_name().map(|name| stand_ins.join(name));
                for place in [Some(path.clone()), beside].into_iter().flatten() {
                    let (folder, name) = self.place(&place, true)?;
                    // One that is there already stays.
                    let _ = rustix::fs::symlinkat(program.as_str(), folder, name);
                }
                Ok(())
            }
            Act::Remove { path } => {
                let beside =
                    self.stand_ins.iter().zip(path.file_name()).map(|(folder, name)| folder.join(name));
                for place in beside.chain([path.clone()]) {
                    let (folder, name) = self.place(&place, false)?;
                    let _ = rustix::fs::unlinkat(folder, name, AtFlags::empty());
                }
                Ok(())
            }
            Act::WriteFile { path, mode, content } => {
                let (folder, name) = self.place(path, true)?;
                let flags =
                    OFlags::WRONLY | OFlags::CREATE | OFlags::TRUNC | OFlags::NOFOLLOW | OFlags::CLOEXEC;
                let file = rustix::fs::openat(folder, name, flags, Mode::from_raw_mode(*mode))?;
                let mut rest = content.as_slice();
                while !rest.is_empty() {
                    rest = &rest[rustix::io::write(&file, rest)?..];
                }
                Ok(())
            }
            // snapd starts nothing here: its services have a state, and no process.
            Act::Daemon { .. } => Ok(()),
        }
    }

    /// Opens the folder of a path, and returns it with the name in it.
    fn place<'a>(&self, path: &'a Utf8Path, makes_room: bool) -> rustix::io::Result<(OwnedFd, &'a str)> {
        let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
            return Err(rustix::io::Errno::INVAL);
        };
        if makes_room {
            let mut above = Utf8PathBuf::from("/");
            for part in Path::new(parent.as_str()).components() {
                let Component::Normal(part) = part else { continue };
                let _ = rustix::fs::mkdirat(self.open(&above)?, part, Mode::from_raw_mode(0o755));
                above.push(part.to_string_lossy().as_ref());
            }
        }
        Ok((self.open(parent)?, name))
    }

    /// Opens a folder, as the unit would find it.
    fn open(&self, path: &Utf8Path) -> rustix::io::Result<OwnedFd> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
        rustix::fs::openat2(&self.folder, path.as_str(), flags, Mode::empty(), resolve)
    }

    /// Whether the unit has a program of the name that is no stand-in.
    fn has_real(&self, name: &str) -> bool {
        PROGRAMS.iter().any(|folder| {
            let found = self.open(Utf8Path::new(folder)).map(|folder| {
                let is_there = rustix::fs::statat(&folder, name, AtFlags::SYMLINK_NOFOLLOW).is_ok();
                let leads_to = rustix::fs::readlinkat(&folder, name, Vec::new());
                let is_stand_in = leads_to.is_ok_and(|target| {
                    let stand_ins = self.stand_ins.as_ref().map_or("", |folder| folder.as_str());
                    target.to_str().is_ok_and(|target| target.starts_with(stand_ins))
                });
                is_there && !is_stand_in
            });
            found.unwrap_or(false)
        })
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    struct Unit {
        folder: tempfile::TempDir,
        root: Root,
    }

    fn unit() -> Unit {
        let folder = tempfile::tempdir().unwrap();
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let root = rustix::fs::open(folder.path(), flags, Mode::empty()).unwrap();
        Unit { root: Root::new(root, Some("/run/stand-ins".into())), folder }
    }

    fn program(path: &str, is_assumed: bool) -> Act {
        Act::Program { path: path.into(), is_assumed }
    }

    #[test]
    fn a_program_comes_and_goes() {
        let unit = unit();
        let link = |path: &str| fs_err::read_link(unit.folder.path().join(path)).ok();
        unit.root.perform(&[program("/snap/bin/etcd", false)]);
        for path in ["snap/bin/etcd", "run/stand-ins/etcd"] {
            assert_eq!(link(path).unwrap(), Path::new("/run/stand-ins/.stand-in"), "{path}");
        }
        unit.root.perform(&[Act::Remove { path: "/snap/bin/etcd".into() }]);
        assert_eq!((link("snap/bin/etcd"), link("run/stand-ins/etcd")), (None, None));
    }

    #[test]
    fn a_real_program_is_left_to_be_found() {
        let unit = unit();
        fs_err::create_dir_all(unit.folder.path().join("usr/bin")).unwrap();
        fs_err::write(unit.folder.path().join("usr/bin/real"), "").unwrap();
        symlink("/run/stand-ins/other", unit.folder.path().join("usr/bin/other")).unwrap();
        unit.root.perform(&[program("/snap/bin/real", true), program("/snap/bin/other", true)]);
        assert!(!unit.folder.path().join("snap/bin/real").is_symlink());
        assert!(unit.folder.path().join("snap/bin/other").is_symlink());
    }

    #[test]
    fn what_a_charm_links_elsewhere_stays_in_its_root() {
        let (unit, elsewhere) = (unit(), tempfile::tempdir().unwrap());
        symlink(elsewhere.path(), unit.folder.path().join("snap")).unwrap();
        let file = Act::WriteFile { path: "/snap/a".into(), mode: 0o644, content: b"x".to_vec() };
        unit.root.perform(&[program("/snap/bin/etcd", false), file]);
        assert_eq!(fs_err::read_dir(elsewhere.path()).unwrap().count(), 0);
        symlink("../../../..", unit.folder.path().join("up")).unwrap();
        unit.root.perform(&[program("/up/etcd", false)]);
        assert!(unit.folder.path().join("etcd").is_symlink());
    }
}
