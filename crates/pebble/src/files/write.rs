//! Writes files, makes folders, and removes both.

use std::io::{Read, Write as _};
use std::os::fd::OwnedFd;

use rustix::fs::{AtFlags, FileType, Mode, OFlags};
use rustix::io::Errno;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use super::root::{Owner, Root, stat_in};
use super::{FileError, Ids, permissions, require_absolute};
use crate::plan::{Context, quoted};
use crate::records::FileRecord;

/// How deep a tree may be that is removed.
const DEPTH: usize = 1000;

/// What a request says of a file or a folder.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub(crate) struct Item {
    pub(crate) path: String,
    #[serde(alias = "make-parents")]
    make_dirs: bool,
    permissions: Option<String>,
    user_id: Option<i64>,
    user: Option<String>,
    group_id: Option<i64>,
    group: Option<String>,
}

/// What a request says of something that is to go.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(crate) struct Removal {
    pub(crate) path: String,
    recursive: bool,
}

impl Item {
    /// A file at a path, with folders made for it.
    pub(crate) fn at(path: &str) -> Self {
        Self { path: path.to_owned(), make_dirs: true, ..Self::default() }
    }

    fn owner(&self, root: &Root) -> Result<Option<Ids>, FileError> {
        let context = Context {
            user_id: self.user_id,
            user: self.user.clone().unwrap_or_default(),
            group_id: self.group_id,
            group: self.group.clone().unwrap_or_default(),
            ..Context::default()
        };
        root.accounts()
            .resolve(&context, false)
            .map_err(|error| FileError::generic(format!("cannot look up user and group: {error}")))
    }

    /// The owner as it was asked for: names where names were given.
    fn owner_text(&self) -> Option<String> {
        let text = |name: &Option<String>, id: Option<i64>| {
            name.clone().filter(|name| !name.is_empty()).or(id.map(|id| id.to_string()))
        };
        let user = text(&self.user, self.user_id);
        let group = text(&self.group, self.group_id);
        match (user, group) {
            (None, None) => None,
            (user, group) => Some(format!("{}:{}", user.unwrap_or_default(), group.unwrap_or_default())),
        }
    }

    /// Gives a file or folder to whom the request names.
    fn give(&self, root: &Root, file: &OwnedFd, ids: Option<Ids>) -> Result<(), Errno> {
        let stat = rustix::fs::fstat(file)?;
        let owner = ids.map(|ids| {
            let accounts = root.accounts();
            let name = |given: &Option<String>, known: String| {
                given.clone().filter(|name| !name.is_empty()).unwrap_or(known)
            };
            Owner {
                user_id: ids.user,
                user: name(&self.user, accounts.user_name(ids.user)),
                group_id: ids.group,
                group: name(&self.group, accounts.group_name(ids.group)),
            }
        });
        if root.note_owner(&stat, owner) {
            return Ok(());
        }
        match ids {
            None => Ok(()),
            Some(ids) => {
                let user = Some(rustix::process::Uid::from_raw(ids.user));
                let group = Some(rustix::process::Gid::from_raw(ids.group));
                rustix::fs::fchown(file, user, group)
            }
        }
    }
}

/// Writes a file: beside its place first, so that nobody ever sees half of it. The content is read to its
/// end even if the file cannot be written.
pub(crate) fn write(root: &Root, item: &Item, content: &mut dyn Read) -> Result<FileRecord, FileError> {
    require_absolute(&item.path)?;
    let ids = item.owner(root)?;
    if item.make_dirs {
        let (folder, _) = item.path.trim_end_matches('/').rsplit_once('/').unwrap_or(("", ""));
        let parents = Item { permissions: None, make_dirs: true, path: folder.to_owned(), ..item.clone() };
        if !folder.is_empty() {
            make_all(root, &parents, 0o755, ids).map_err(|error| error.within("cannot create directory"))?;
        }
    }
    let mode = permissions(item.permissions.as_deref().unwrap_or_default(), 0o644)?;
    let path = &item.path;
    // Pebble puts the new file in the place of what lies there, and does not follow a link.
    let last = path.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    let temporary = root.temporary_name(last);
    let temporary_path = format!("{path}{}", &temporary[temporary.rfind('.').unwrap_or(0)..]);
    let (folder, name) = root.parent(path).map_err(|error| FileError::of("open", &temporary_path, error))?;
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let opened = rustix::fs::openat(&folder, &temporary, flags, Mode::from_raw_mode(mode));
    let file = opened.map_err(|error| FileError::of("open", &temporary_path, error))?;
    let written = fill(root, item, file, mode, ids, content).and_then(|record| {
        let is_folder =
            stat_in(&folder, name).is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode).is_dir());
        let renamed = rustix::fs::renameat(&folder, &temporary, &folder, name);
        renamed.map_err(|error| {
            let error = if is_folder { Errno::EXIST } else { error };
            FileError::of("rename", &format!("{temporary_path} {path}"), error)
        })?;
        Ok(record)
    });
    if written.is_err() {
        // There is nothing more to say than what went wrong first.
        let _ = rustix::fs::unlinkat(&folder, &temporary, AtFlags::empty());
    }
    written
}

fn fill(
    root: &Root,
    item: &Item,
    file: OwnedFd,
    mode: u32,
    ids: Option<Ids>,
    content: &mut dyn Read,
) -> Result<FileRecord, FileError> {
    let mut file = std::fs::File::from(file);
    let mut digest = Sha256::new();
    let mut size = 0_u64;
    let mut buffer = vec![0; 64 << 10];
    let failed = |error: std::io::Error| {
        FileError::of("write", &item.path, Errno::from_io_error(&error).unwrap_or(Errno::IO))
    };
    loop {
        let count = content.read(&mut buffer).map_err(|error| FileError::generic(error.to_string()))?;
        if count == 0 {
            break;
        }
        digest.update(&buffer[..count]);
        size += count as u64;
        file.write_all(&buffer[..count]).map_err(failed)?;
    }
    let file = OwnedFd::from(file);
    rustix::fs::fchmod(&file, Mode::from_raw_mode(mode))
        .map_err(|error| FileError::of("chmod", &item.path, error))?;
    item.give(root, &file, ids).map_err(|error| FileError::of("chown", &item.path, error))?;
    let sha256 = crate::records::hex(&digest.finalize());
    Ok(FileRecord::File { mode, owner: item.owner_text(), size, sha256 })
}

/// Makes a folder.
pub(crate) fn make(root: &Root, item: &Item) -> Result<FileRecord, FileError> {
    require_absolute(&item.path)?;
    let mode = permissions(item.permissions.as_deref().unwrap_or_default(), 0o755)?;
    let ids = item.owner(root)?;
    if item.make_dirs {
        make_all(root, item, mode, ids)?;
    } else {
        if let Ok(stat) = root.stat(&item.path) {
            let is_folder = FileType::from_raw_mode(stat.st_mode).is_dir();
            let error = if is_folder { Errno::EXIST } else { Errno::NOTDIR };
            return Err(FileError::of("mkdir", &item.path, error));
        }
        make_one(root, item, &item.path, mode, ids)?;
    }
    Ok(FileRecord::Folder { mode, owner: item.owner_text() })
}

/// Makes a folder and those above it; what is there stays as it is.
fn make_all(root: &Root, item: &Item, mode: u32, ids: Option<Ids>) -> Result<(), FileError> {
    let path = &item.path;
    let ends = path.match_indices('/').map(|(at, _)| at).chain([path.len()]).filter(|end| *end > 0);
    for end in ends {
        let part = &path[..end];
        if part.ends_with('/') {
            continue;
        }
        match root.stat(part) {
            Ok(stat) if FileType::from_raw_mode(stat.st_mode).is_dir() => {}
            Ok(_) => return Err(FileError::of("mkdir", part, Errno::NOTDIR)),
            Err(_) => make_one(root, item, part, mode, ids)?,
        }
    }
    Ok(())
}

fn make_one(root: &Root, item: &Item, path: &str, mode: u32, ids: Option<Ids>) -> Result<(), FileError> {
    let failed = |error: Errno| FileError::of("mkdir", path, error);
    let (folder, name) = root.parent(path).map_err(failed)?;
    rustix::fs::mkdirat(&folder, name, Mode::from_raw_mode(mode)).map_err(failed)?;
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    // What a folder with few permissions does not allow to its owner is done by path.
    match rustix::fs::openat(&folder, name, flags, Mode::empty()) {
        Ok(made) => {
            rustix::fs::fchmod(&made, Mode::from_raw_mode(mode)).map_err(failed)?;
            item.give(root, &made, ids).map_err(|error| FileError::of("chown", path, error))
        }
        Err(Errno::ACCESS) => Ok(()),
        Err(error) => Err(failed(error)),
    }
}

/// Removes a file or a folder, and all that is in it if that is asked for.
pub(crate) fn remove(root: &Root, removal: &Removal) -> Result<FileRecord, FileError> {
    require_absolute(&removal.path)?;
    let path = &removal.path;
    let (folder, name) = match root.parent(path) {
        Ok(parent) => parent,
        Err(Errno::NOENT) if removal.recursive => return Ok(FileRecord::Removed),
        Err(error) => return Err(FileError::of(call(removal), path, error)),
    };
    let removed = if removal.recursive { remove_tree(&folder, name, 0) } else { remove_one(&folder, name) };
    removed.map_err(|error| FileError::of(call(removal), path, error))?;
    Ok(FileRecord::Removed)
}

/// The call that Go names in its error.
fn call(removal: &Removal) -> &'static str {
    if removal.recursive { "unlinkat" } else { "remove" }
}

fn remove_one(folder: &OwnedFd, name: &str) -> Result<(), Errno> {
    match rustix::fs::unlinkat(folder, name, AtFlags::empty()) {
        Err(Errno::ISDIR | Errno::PERM) => rustix::fs::unlinkat(folder, name, AtFlags::REMOVEDIR),
        result => result,
    }
}

fn remove_tree(folder: &OwnedFd, name: &str, depth: usize) -> Result<(), Errno> {
    match remove_one(folder, name) {
        Ok(()) | Err(Errno::NOENT) => return Ok(()),
        Err(Errno::NOTEMPTY | Errno::EXIST) if depth < DEPTH => {}
        Err(error) => return Err(error),
    }
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let inner = rustix::fs::openat(folder, name, flags, Mode::empty())?;
    let mut names = Vec::new();
    for entry in rustix::fs::Dir::read_from(&inner)? {
        names.push(entry?.file_name().to_owned());
    }
    for name in names {
        let Ok(name) = name.to_str() else { return Err(Errno::ILSEQ) };
        if name != "." && name != ".." {
            remove_tree(&inner, name, depth + 1)?;
        }
    }
    remove_one(folder, name)
}

/// Opens a file to be read, and says how many bytes it has.
pub(crate) fn open(root: &Root, path: &str) -> Result<std::fs::File, FileError> {
    require_absolute(path)?;
    let stat = root.stat(path).map_err(|error| FileError::of("stat", path, error))?;
    if !FileType::from_raw_mode(stat.st_mode).is_file() {
        return Err(FileError::generic(format!("can only read a regular file: {}", quoted(path))));
    }
    let opened = root.open_at(path, OFlags::RDONLY | OFlags::NONBLOCK);
    opened.map(std::fs::File::from).map_err(|error| FileError::of("open", path, error))
}
