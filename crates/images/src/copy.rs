//! Copies a layer with all that overlays care about: owners, modes, whiteouts, attributes, links.

use std::collections::BTreeMap;
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};

use camino::{Utf8Path, Utf8PathBuf};
use rustix::fs::{
    AtFlags, CWD, FileType, Gid, Mode, Timespec, Timestamps, Uid, XattrFlags, chownat, lgetxattr, lsetxattr,
    mknodat, symlinkat, utimensat,
};

use crate::cache::{OPAQUE, OPAQUE_OF_USERS, Rights};

/// The attributes that are copied.
const ATTRIBUTES: [&str; 3] = [OPAQUE, OPAQUE_OF_USERS, "security.capability"];

/// Copies the content of `from` into the folder `into`; what both have is taken from `from`.
pub(crate) fn layer(from: &Utf8Path, into: &Utf8Path) -> io::Result<()> {
    let mut links = BTreeMap::new();
    let metadata = fs_err::symlink_metadata(from)?;
    folder(from, into, &metadata, &mut links)
}

/// Hides what the layers below have at this place.
pub(crate) fn whiteout(path: &Utf8Path) -> io::Result<()> {
    Ok(mknodat(CWD, path.as_str(), FileType::CharacterDevice, Mode::empty(), 0)?)
}

/// Hides what the layers below have in this folder.
pub(crate) fn make_opaque(path: &Utf8Path, rights: Rights) -> io::Result<()> {
    rights.make_opaque(fs_err::File::open(path)?.file())
}

/// Returns whether this is a mark that hides a name of the layers below.
pub(crate) fn is_whiteout(metadata: &std::fs::Metadata) -> bool {
    metadata.file_type().is_char_device() && metadata.rdev() == 0
}

type Links = BTreeMap<(u64, u64), Utf8PathBuf>;

fn folder(
    from: &Utf8Path,
    into: &Utf8Path,
    metadata: &std::fs::Metadata,
    links: &mut Links,
) -> io::Result<()> {
    for entry in from.read_dir_utf8()? {
        let entry = entry?;
        let target = into.join(entry.file_name());
        one(entry.path(), &target, links)?;
    }
    fs_err::set_permissions(into, std::fs::Permissions::from_mode(metadata.mode() & 0o7777))?;
    like(from, into, metadata)
}

fn one(from: &Utf8Path, target: &Utf8Path, links: &mut Links) -> io::Result<()> {
    let metadata = fs_err::symlink_metadata(from)?;
    let kind = metadata.file_type();
    let there = fs_err::symlink_metadata(target).ok();
    let is_merged = kind.is_dir() && there.as_ref().is_some_and(std::fs::Metadata::is_dir);
    if let Some(there) = there
        && !is_merged
    {
        if there.is_dir() { fs_err::remove_dir_all(target)? } else { fs_err::remove_file(target)? }
    }
    if kind.is_dir() {
        if !is_merged {
            fs_err::create_dir(target)?;
        }
        return folder(from, target, &metadata, links);
    }
    if kind.is_symlink() {
        symlinkat(fs_err::read_link(from)?.as_path(), CWD, target.as_str())?;
    } else if metadata.nlink() > 1
        && let Some(first) = links.insert((metadata.dev(), metadata.ino()), target.to_owned())
    {
        return fs_err::hard_link(first, target);
    } else if kind.is_file() {
        fs_err::copy(from, target)?;
    } else if is_whiteout(&metadata) {
        return whiteout(target);
    } else if kind.is_fifo() {
        mknodat(CWD, target.as_str(), FileType::Fifo, Mode::from_raw_mode(metadata.mode() & 0o7777), 0)?;
    } else {
        return Err(io::Error::other(format!("`{from}` is a device or a socket, which no layer has")));
    }
    like(from, target, &metadata)
}

/// Gives the target owner, time and attributes of what it is a copy of.
fn like(from: &Utf8Path, target: &Utf8Path, metadata: &std::fs::Metadata) -> io::Result<()> {
    if rustix::process::geteuid().is_root() {
        let (uid, gid) = (Uid::from_raw(metadata.uid()), Gid::from_raw(metadata.gid()));
        chownat(CWD, target.as_str(), Some(uid), Some(gid), AtFlags::SYMLINK_NOFOLLOW)?;
    }
    if !metadata.is_symlink() {
        // What is written, and a change of the owner, take the bits away that change the user.
        fs_err::set_permissions(target, std::fs::Permissions::from_mode(metadata.mode() & 0o7777))?;
    }
    for name in ATTRIBUTES {
        let mut value = [0; 64];
        if let Ok(length) = lgetxattr(from.as_str(), name, &mut value) {
            lsetxattr(target.as_str(), name, &value[..length], XattrFlags::empty())?;
        }
    }
    let time = Timespec { tv_sec: metadata.mtime(), tv_nsec: metadata.mtime_nsec() };
    let times = Timestamps { last_access: time, last_modification: time };
    Ok(utimensat(CWD, target.as_str(), &times, AtFlags::SYMLINK_NOFOLLOW)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn here() -> (tempfile::TempDir, Utf8PathBuf, Rights) {
        let folder = tempfile::tempdir().unwrap();
        let path = Utf8PathBuf::try_from(folder.path().to_owned()).unwrap();
        let is_root = rustix::process::geteuid().is_root();
        (folder, path, if is_root { Rights::Root } else { Rights::User })
    }

    #[test]
    fn a_copy_has_all_that_an_overlay_needs() {
        let (_folder, here, rights) = here();
        let (from, into) = (here.join("from"), here.join("into"));
        fs_err::create_dir_all(from.join("opt/empty")).unwrap();
        make_opaque(&from.join("opt"), rights).unwrap();
        whiteout(&from.join("work")).unwrap();
        fs_err::write(from.join("a"), "text").unwrap();
        fs_err::hard_link(from.join("a"), from.join("b")).unwrap();
        fs_err::set_permissions(from.join("a"), std::fs::Permissions::from_mode(0o4755)).unwrap();
        symlinkat("/nowhere", CWD, from.join("link").as_str()).unwrap();
        fs_err::create_dir(&into).unwrap();
        fs_err::write(into.join("opt"), "was a file").unwrap();

        layer(&from, &into).unwrap();

        let metadata = |name: &str| fs_err::symlink_metadata(into.join(name)).unwrap();
        assert!(metadata("opt/empty").is_dir());
        assert!(is_whiteout(&metadata("work")));
        assert_eq!(metadata("a").mode() & 0o7777, 0o4755);
        assert_eq!(metadata("a").ino(), metadata("b").ino());
        assert_eq!(metadata("a").mtime(), fs_err::metadata(from.join("a")).unwrap().mtime());
        assert_eq!(fs_err::read_link(into.join("link")).unwrap().to_str(), Some("/nowhere"));
        let mut value = [0; 1];
        lgetxattr(into.join("opt").as_str(), OPAQUE_OF_USERS, &mut value).unwrap();
        if rights == Rights::Root {
            lgetxattr(into.join("opt").as_str(), OPAQUE, &mut value).unwrap();
        }
        assert_eq!(value, *b"y");
    }
}
