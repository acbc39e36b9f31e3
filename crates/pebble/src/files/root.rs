//! The container's private root. Paths are resolved by the kernel as if the root were `/`, so that neither
//! `..` nor a symbolic link leads out of it.

use std::collections::BTreeMap;
use std::os::fd::{AsFd as _, OwnedFd};
use std::sync::{Arc, Mutex, PoisonError};

use camino::{Utf8Path, Utf8PathBuf};
use rustix::fs::{AtFlags, Mode, OFlags, ResolveFlags, Stat};
use rustix::io::Errno;

use super::accounts::Accounts;

/// The root, and what is kept beside the file system. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Root(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    path: Utf8PathBuf,
    folder: OwnedFd,
    /// Who owns what, where nobody is asked to be able to give files away: `user:group` by device and
    /// inode. None if the file system decides.
    owners: Option<Mutex<BTreeMap<(u64, u64), Owner>>>,
    temporary: std::sync::atomic::AtomicU64,
}

/// An owner on paper.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Owner {
    pub(crate) user_id: u32,
    pub(crate) user: String,
    pub(crate) group_id: u32,
    pub(crate) group: String,
}

impl Root {
    /// Opens a root. With owners on paper, files belong to root until somebody gives them away.
    pub(crate) fn open(path: &Utf8Path, has_paper_owners: bool) -> Result<Self, Errno> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let folder = rustix::fs::open(path.as_std_path(), flags, Mode::empty())?;
        let owners = has_paper_owners.then(Mutex::default);
        let temporary = std::sync::atomic::AtomicU64::new(0);
        Ok(Self(Arc::new(Inner { path: path.to_owned(), folder, owners, temporary })))
    }

    /// Where the root is on the host.
    pub(crate) fn path(&self) -> &Utf8Path {
        &self.0.path
    }

    /// Whether the root is that of the host, and nothing has to be translated.
    pub(crate) fn is_host(&self) -> bool {
        self.0.path == "/"
    }

    /// Opens a path inside the root.
    pub(crate) fn open_at(&self, path: &str, flags: OFlags) -> Result<OwnedFd, Errno> {
        let path = if path.is_empty() { "/" } else { path };
        let flags = flags | OFlags::CLOEXEC;
        loop {
            let opened =
                rustix::fs::openat2(&self.0.folder, path, flags, Mode::empty(), ResolveFlags::IN_ROOT);
            // The kernel gives up when somebody renames a folder meanwhile.
            if !matches!(opened, Err(Errno::AGAIN | Errno::INTR)) {
                return opened;
            }
        }
    }

    /// What a path leads to, through links.
    pub(crate) fn stat(&self, path: &str) -> Result<Stat, Errno> {
        rustix::fs::fstat(self.open_at(path, OFlags::PATH)?)
    }

    /// Opens the folder that holds the last part of a path, and returns that part. The path may end in
    /// slashes; the root itself has no such folder.
    pub(crate) fn parent<'a>(&self, path: &'a str) -> Result<(OwnedFd, &'a str), Errno> {
        let trimmed = path.trim_end_matches('/');
        let (folder, name) = trimmed.rsplit_once('/').unwrap_or(("", trimmed));
        if name.is_empty() || name == "." || name == ".." {
            return Err(Errno::INVAL);
        }
        let folder = self.open_at(folder, OFlags::PATH | OFlags::DIRECTORY)?;
        Ok((folder, name))
    }

    /// A name for a file that is not finished.
    pub(crate) fn temporary_name(&self, name: &str) -> String {
        let count = self.0.temporary.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        // Names may be 255 bytes long, and the ending has to fit.
        let end = name.char_indices().map(|(at, _)| at).take_while(|at| *at <= 220).last().unwrap_or(0);
        let kept = if name.len() <= 220 { name } else { &name[..end] };
        format!("{kept}.{count:012}~")
    }

    /// Notes who owns a file, where that is done on paper; false if the file system has to be asked.
    pub(crate) fn note_owner(&self, stat: &Stat, owner: Option<Owner>) -> bool {
        let Some(owners) = &self.0.owners else { return false };
        let mut owners = owners.lock().unwrap_or_else(PoisonError::into_inner);
        match owner {
            Some(owner) => drop(owners.insert((stat.st_dev, stat.st_ino), owner)),
            None => drop(owners.remove(&(stat.st_dev, stat.st_ino))),
        }
        true
    }

    /// Says who owns a file, where that is done on paper.
    pub(crate) fn paper_owner(&self, stat: &Stat) -> Option<Owner> {
        let owners = self.0.owners.as_ref()?.lock().unwrap_or_else(PoisonError::into_inner);
        let root = || Owner { user_id: 0, user: "root".into(), group_id: 0, group: "root".into() };
        Some(owners.get(&(stat.st_dev, stat.st_ino)).cloned().unwrap_or_else(root))
    }

    /// Whether owners are kept on paper.
    pub(crate) fn has_paper_owners(&self) -> bool {
        self.0.owners.is_some()
    }

    /// The users and groups of the root.
    pub(crate) fn accounts(&self) -> Accounts {
        let text = |path: &str| self.read_small(path).unwrap_or_default();
        Accounts::new(&text("/etc/passwd"), &text("/etc/group"), self.has_paper_owners())
    }

    /// Reads a file of the system, up to a megabyte of it.
    pub(crate) fn read_small(&self, path: &str) -> Result<String, Errno> {
        use std::io::Read as _;
        let file = std::fs::File::from(self.open_at(path, OFlags::RDONLY | OFlags::NONBLOCK)?);
        let mut text = Vec::new();
        let read = file.take(1 << 20).read_to_end(&mut text);
        read.map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::IO))?;
        Ok(String::from_utf8_lossy(&text).into_owned())
    }

    /// The names in a folder, sorted.
    pub(crate) fn names(&self, path: &str) -> Result<(OwnedFd, Vec<String>), Errno> {
        let folder = self.open_at(path, OFlags::RDONLY | OFlags::DIRECTORY)?;
        let mut names = Vec::new();
        for entry in rustix::fs::Dir::read_from(folder.as_fd())? {
            let name = entry?.file_name().to_string_lossy().into_owned();
            if name != "." && name != ".." {
                names.push(name);
            }
        }
        names.sort();
        Ok((folder, names))
    }

    /// Looks for a program as Go does: in the folders of a search path, unless it names a folder itself.
    pub(crate) fn find_program(&self, name: &str, search: &str) -> bool {
        let is_program = |path: &str| {
            self.open_at(path, OFlags::PATH).is_ok_and(|file| {
                rustix::fs::fstat(&file).is_ok_and(|stat| {
                    rustix::fs::FileType::from_raw_mode(stat.st_mode).is_file() && stat.st_mode & 0o111 != 0
                })
            })
        };
        if name.contains('/') {
            return is_program(name);
        }
        search.split(':').any(|folder| folder.starts_with('/') && is_program(&format!("{folder}/{name}")))
    }
}

/// What lies under a name in an open folder, without following a link.
pub(crate) fn stat_in(folder: &OwnedFd, name: &str) -> Result<Stat, Errno> {
    rustix::fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_path_leads_out_of_the_root() {
        let outside = tempfile::tempdir().unwrap();
        let folder = Utf8PathBuf::from_path_buf(outside.path().join("root")).unwrap();
        fs_err::create_dir_all(folder.join("etc")).unwrap();
        fs_err::write(outside.path().join("secret"), "outside").unwrap();
        fs_err::write(folder.join("secret"), "inside").unwrap();
        let link = |target: &str, name: &str| {
            std::os::unix::fs::symlink(target, folder.join(name)).unwrap();
        };
        link("../../secret", "up");
        link("/secret", "absolute");
        link(outside.path().join("secret").to_str().unwrap(), "away");
        link("/etc/../../../secret", "etc/deep");
        link("loop", "loop");
        let root = Root::open(&folder, true).unwrap();
        let check = |path: &str, expected: Result<&str, Errno>| {
            assert_eq!(root.read_small(path).as_deref(), expected.as_ref().copied(), "{path}");
        };
        check("/secret", Ok("inside"));
        check("/../../secret", Ok("inside"));
        check("/etc/../../secret", Ok("inside"));
        check("/up", Ok("inside"));
        check("/absolute", Ok("inside"));
        check("/etc/deep", Ok("inside"));
        check("/away", Err(Errno::NOENT));
        check("/loop", Err(Errno::LOOP));
        check("/proc/self/environ", Err(Errno::NOENT));
        assert_eq!(root.parent("/").unwrap_err(), Errno::INVAL);
        assert_eq!(root.parent("/etc/..").unwrap_err(), Errno::INVAL);
        assert_eq!(root.parent("/etc/a//").unwrap().1, "a");
    }

    #[test]
    fn temporary_names_fit() {
        let folder = tempfile::tempdir().unwrap();
        let root = Root::open(Utf8Path::from_path(folder.path()).unwrap(), true).unwrap();
        assert_eq!(root.temporary_name("a"), "a.000000000000~");
        assert!(root.temporary_name(&"é".repeat(127)).len() <= 255);
    }
}
