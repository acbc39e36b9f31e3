//! A folder that is filled by an archive.
//!
//! Every path is resolved by the kernel, from the folder, without following a link (`RESOLVE_NO_SYMLINKS`)
//! and without leaving the folder (`RESOLVE_BENEATH`). So an archive that makes a link and then writes
//! through it fails, whatever the link says.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use camino::Utf8Path;
use rustix::fs::{
    AtFlags, FileType, Gid, Mode, OFlags, ResolveFlags, Timespec, Timestamps, Uid, XattrFlags, chmodat,
    chownat, fchmod, fchown, fsetxattr, futimens, linkat, mkdirat, mknodat, openat, openat2, statat,
    symlinkat, unlinkat, utimensat,
};
use rustix::io::Errno;

use super::Problem;
use super::path::EntryPath;
use crate::cache::Rights;

/// What an archive says about an entry.
#[derive(Debug, Clone)]
pub(super) struct Facts {
    pub(super) mode: u32,
    pub(super) user: u32,
    pub(super) group: u32,
    pub(super) time: i64,
    pub(super) attributes: Vec<(String, Vec<u8>)>,
}

/// The folder.
pub(super) struct Tree {
    root: OwnedFd,
    rights: Rights,
    /// Folders get mode and time at the end: until then they are written to.
    folders: BTreeMap<PathBuf, Facts>,
    /// The last folder that something was put into.
    last: Option<(PathBuf, OwnedFd)>,
}

impl Tree {
    pub(super) fn open(folder: &Utf8Path, rights: Rights) -> io::Result<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let root = rustix::fs::open(folder.as_str(), flags, Mode::empty())?;
        Ok(Self { root, rights, folders: BTreeMap::new(), last: None })
    }

    /// Notes what the root itself is to be.
    pub(super) fn root_facts(&mut self, facts: &Facts) {
        self.folders.insert(PathBuf::from("."), facts.clone());
    }

    pub(super) fn folder(&mut self, path: &EntryPath, facts: &Facts) -> io::Result<()> {
        let (parent, rights) = (self.parent(path)?, self.rights);
        match mkdirat(&parent, path.name(), Mode::RWXU) {
            Ok(()) => {}
            Err(Errno::EXIST) if kind(&parent, path.name())? == FileType::Directory => {}
            Err(Errno::EXIST) => {
                // What was hidden below stays hidden: the folder is to have nothing of it.
                let was_hidden = is_whiteout(&parent, path.name())?;
                unlinkat(&parent, path.name(), AtFlags::empty())?;
                mkdirat(&parent, path.name(), Mode::RWXU)?;
                if was_hidden {
                    rights.make_opaque(&open_folder(&parent, path.name())?)?;
                }
            }
            Err(error) => return Err(error.into()),
        }
        self.folders.insert(path.relative(), facts.clone());
        Ok(())
    }

    pub(super) fn file(
        &mut self,
        path: &EntryPath,
        facts: &Facts,
        content: &mut impl Read,
    ) -> Result<(), Problem> {
        let parent = self.cleared(path)?;
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = openat(&parent, path.name(), flags, Mode::RUSR | Mode::WUSR).map_err(io::Error::from)?;
        let mut file = File::from(file);
        copy(content, &mut file)?;
        let file = OwnedFd::from(file);
        self.own(&file, facts).map_err(io::Error::from)?;
        fchmod(&file, Mode::from_raw_mode(facts.mode)).map_err(io::Error::from)?;
        self.attributes(&file, facts)?;
        futimens(&file, &times(facts)).map_err(io::Error::from)?;
        Ok(())
    }

    pub(super) fn symlink(&mut self, path: &EntryPath, target: &[u8], facts: &Facts) -> io::Result<()> {
        let parent = self.cleared(path)?;
        symlinkat(OsStr::from_bytes(target), &parent, path.name())?;
        self.own_entry(&parent, path.name(), facts)?;
        Ok(utimensat(&parent, path.name(), &times(facts), AtFlags::SYMLINK_NOFOLLOW)?)
    }

    pub(super) fn link(&mut self, path: &EntryPath, target: &EntryPath) -> io::Result<()> {
        if path == target {
            return Ok(());
        }
        let target_parent = self.existing(&target.parent())?;
        if kind(&target_parent, target.name())? == FileType::Directory {
            return Err(io::Error::other("it is a hard link to a folder"));
        }
        let parent = self.cleared(path)?;
        Ok(linkat(&target_parent, target.name(), &parent, path.name(), AtFlags::empty())?)
    }

    pub(super) fn fifo(&mut self, path: &EntryPath, facts: &Facts) -> io::Result<()> {
        let parent = self.cleared(path)?;
        mknodat(&parent, path.name(), FileType::Fifo, Mode::RUSR | Mode::WUSR, 0)?;
        self.own_entry(&parent, path.name(), facts)?;
        chmodat(&parent, path.name(), Mode::from_raw_mode(facts.mode), AtFlags::empty())?;
        Ok(utimensat(&parent, path.name(), &times(facts), AtFlags::SYMLINK_NOFOLLOW)?)
    }

    /// Hides what the layers below have under this name. What this layer has stays.
    pub(super) fn hide(&mut self, path: &EntryPath) -> io::Result<()> {
        let parent = self.parent(path)?;
        match kind(&parent, path.name()) {
            Ok(FileType::Directory) => self.rights.make_opaque(&open_folder(&parent, path.name())?),
            Ok(_) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Ok(mknodat(&parent, path.name(), FileType::CharacterDevice, Mode::empty(), 0)?)
            }
            Err(error) => Err(error),
        }
    }

    /// Hides all that the layers below have in this folder.
    pub(super) fn hide_all(&mut self, path: &EntryPath) -> io::Result<()> {
        if path.is_root() {
            return self.rights.make_opaque(&self.existing(path)?);
        }
        let inside = self.open_parents(path)?;
        self.rights.make_opaque(&inside)
    }

    /// Gives folders their modes and times, inner ones first.
    pub(super) fn finish(self) -> io::Result<()> {
        for (path, facts) in self.folders.iter().rev() {
            let folder = match self.resolve(path) {
                Ok(folder) => folder,
                // Something else took its place.
                Err(Errno::NOTDIR | Errno::LOOP | Errno::NOENT) => continue,
                Err(error) => return Err(error.into()),
            };
            self.own(&folder, facts)?;
            // A plain user must be able to work with a folder, for nobody else will.
            let floor = match self.rights {
                Rights::Root => 0,
                Rights::User => 0o700,
            };
            fchmod(&folder, Mode::from_raw_mode(facts.mode | floor))?;
            self.attributes(&folder, facts)?;
            futimens(&folder, &times(facts))?;
        }
        Ok(())
    }

    /// Opens the folder that an entry lies in, which is made where it is missing.
    fn parent(&mut self, path: &EntryPath) -> io::Result<OwnedFd> {
        let parent = path.parent();
        self.open_parents(&parent)
    }

    /// Opens that folder and takes away what has the entry's name, as a later entry of an archive replaces
    /// an earlier one.
    fn cleared(&mut self, path: &EntryPath) -> io::Result<OwnedFd> {
        let parent = self.parent(path)?;
        match unlinkat(&parent, path.name(), AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => {}
            Err(Errno::ISDIR) => {
                unlinkat(&parent, path.name(), AtFlags::REMOVEDIR)?;
                self.last = None;
            }
            Err(error) => return Err(error.into()),
        }
        Ok(parent)
    }

    fn open_parents(&mut self, path: &EntryPath) -> io::Result<OwnedFd> {
        let relative = path.relative();
        if let Some((last, folder)) = &self.last
            && *last == relative
        {
            return folder.try_clone();
        }
        let folder = match self.resolve(&relative) {
            Err(Errno::NOENT) => {
                for ancestor in path.ancestors().chain([path.clone()]) {
                    let (name, above) = (ancestor.name(), self.existing(&ancestor.parent())?);
                    match mkdirat(&above, name, Mode::from_raw_mode(0o755)) {
                        Ok(()) => {
                            fchmod(open_folder(&above, name)?, Mode::from_raw_mode(0o755))?;
                        }
                        Err(Errno::EXIST) => {}
                        Err(error) => return Err(error.into()),
                    }
                }
                self.resolve(&relative)?
            }
            other => other?,
        };
        self.last = Some((relative, folder.try_clone()?));
        Ok(folder)
    }

    fn existing(&self, path: &EntryPath) -> io::Result<OwnedFd> {
        Ok(self.resolve(&path.relative())?)
    }

    fn resolve(&self, path: &Path) -> Result<OwnedFd, Errno> {
        openat2(
            &self.root,
            path,
            OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC,
            Mode::empty(),
            ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS,
        )
    }

    fn own(&self, file: impl AsFd, facts: &Facts) -> Result<(), Errno> {
        match self.rights {
            Rights::Root => fchown(file, Some(Uid::from_raw(facts.user)), Some(Gid::from_raw(facts.group))),
            Rights::User => Ok(()),
        }
    }

    fn own_entry(&self, parent: &OwnedFd, name: &OsStr, facts: &Facts) -> Result<(), Errno> {
        let (user, group) = (Uid::from_raw(facts.user), Gid::from_raw(facts.group));
        match self.rights {
            Rights::Root => chownat(parent, name, Some(user), Some(group), AtFlags::SYMLINK_NOFOLLOW),
            Rights::User => Ok(()),
        }
    }

    /// Sets what an image may say about a file. What would be read as a word of an overlay is left out.
    fn attributes(&self, file: impl AsFd, facts: &Facts) -> io::Result<()> {
        for (name, value) in &facts.attributes {
            let is_taken = match self.rights {
                Rights::Root => {
                    name == "security.capability"
                        || (name.starts_with("user.") && !name.starts_with("user.overlay."))
                }
                Rights::User => false,
            };
            if is_taken {
                match fsetxattr(&file, name.as_str(), value, XattrFlags::empty()) {
                    // Not every filesystem has those of users.
                    Ok(()) | Err(Errno::NOTSUP) => {}
                    Err(error) => return Err(error.into()),
                }
            }
        }
        Ok(())
    }
}

fn times(facts: &Facts) -> Timestamps {
    let time = Timespec { tv_sec: facts.time.clamp(0, 1 << 33), tv_nsec: 0 };
    Timestamps { last_access: time, last_modification: time }
}

fn kind(parent: &OwnedFd, name: &OsStr) -> io::Result<FileType> {
    let stat = statat(parent, name, AtFlags::SYMLINK_NOFOLLOW)?;
    Ok(FileType::from_raw_mode(stat.st_mode))
}

fn is_whiteout(parent: &OwnedFd, name: &OsStr) -> io::Result<bool> {
    let stat = statat(parent, name, AtFlags::SYMLINK_NOFOLLOW)?;
    Ok(FileType::from_raw_mode(stat.st_mode) == FileType::CharacterDevice && stat.st_rdev == 0)
}

fn open_folder(parent: &OwnedFd, name: &OsStr) -> io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    Ok(openat(parent, name, flags, Mode::empty())?)
}

/// Copies, and tells whose fault it was.
fn copy(content: &mut impl Read, file: &mut File) -> Result<(), Problem> {
    let mut buffer = [0; 1 << 14];
    loop {
        let count = match content.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(Problem::Source(error)),
        };
        io::Write::write_all(file, &buffer[..count]).map_err(Problem::Disk)?;
    }
}
