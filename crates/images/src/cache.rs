//! Folders that appear whole or not at all.
//!
//! ```text
//! layers/<rights>/<digest>/    an unpacked layer
//! environments/<digest>/       Python packages of a recipe
//! blobs/<digest>               manifests and configurations that a registry gave
//! references/<digest>.json     which manifest a name stood for
//! temporary/<digest>/          what is being made, by whoever holds the lock
//! locks/<digest>
//! ```

use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::PermissionsExt;

use camino::{Utf8Path, Utf8PathBuf};
use rustix::fs::{FlockOperation, XattrFlags, flock, fsetxattr};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::digest::Digest;

/// What says of a folder that nothing of the layers below is seen in it.
pub(crate) const OPAQUE: &str = "trusted.overlay.opaque";
/// The same in overlays that are mounted in a user namespace.
pub(crate) const OPAQUE_OF_USERS: &str = "user.overlay.opaque";

/// How the special files of overlays can be written here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rights {
    /// As root of the host, with owners and `trusted.` attributes.
    Root,
    /// As a plain user, for an overlay with `userxattr` in a user namespace.
    User,
}

impl Rights {
    /// Hides what the layers below have in a folder. Root's layers also serve overlays in user namespaces,
    /// which read the attribute of users.
    pub(crate) fn make_opaque(self, folder: impl AsFd) -> io::Result<()> {
        let set = |name: &str| fsetxattr(&folder, name, b"y", XattrFlags::empty());
        match self {
            Self::Root => {
                // Not every filesystem has those of users.
                let _ = set(OPAQUE_OF_USERS);
                Ok(set(OPAQUE)?)
            }
            Self::User => Ok(set(OPAQUE_OF_USERS)?),
        }
    }

    fn folder(self) -> &'static str {
        match self {
            Self::Root => "layers/root",
            Self::User => "layers/user",
        }
    }
}

/// The folder that all is kept in.
#[derive(Debug, Clone)]
pub(crate) struct Cache {
    folder: Utf8PathBuf,
    rights: Rights,
}

impl Cache {
    /// Uses `folder`, which is made if it is missing. Nobody else may look into it: layers have programs
    /// that change their user.
    pub(crate) fn open(folder: &Utf8Path) -> io::Result<Self> {
        fs_err::create_dir_all(folder)?;
        fs_err::set_permissions(folder, std::fs::Permissions::from_mode(0o700))?;
        let folder = folder.canonicalize_utf8()?;
        for name in
            ["layers/root", "layers/user", "environments", "blobs", "references", "temporary", "locks"]
        {
            fs_err::create_dir_all(folder.join(name))?;
        }
        let rights = probe(&folder);
        Ok(Self { folder, rights })
    }

    pub(crate) fn folder(&self) -> &Utf8Path {
        &self.folder
    }

    pub(crate) fn rights(&self) -> Rights {
        self.rights
    }

    /// Returns where a layer lies, or would.
    pub(crate) fn layer_path(&self, key: &Digest) -> Utf8PathBuf {
        self.folder.join(self.rights.folder()).join(key.short())
    }

    /// Returns the layer of that key, which `make` fills if nobody has yet.
    pub(crate) fn layer<E: From<io::Error>>(
        &self,
        key: &Digest,
        make: impl FnOnce(&Utf8Path) -> Result<(), E>,
    ) -> Result<Utf8PathBuf, E> {
        self.provide(self.layer_path(key), key, make)
    }

    /// Returns the environment of that key, as [`Self::layer`] does.
    pub(crate) fn environment<E: From<io::Error>>(
        &self,
        key: &Digest,
        make: impl FnOnce(&Utf8Path) -> Result<(), E>,
    ) -> Result<Utf8PathBuf, E> {
        self.provide(self.folder.join("environments").join(key.short()), key, make)
    }

    fn provide<E: From<io::Error>>(
        &self,
        path: Utf8PathBuf,
        key: &Digest,
        make: impl FnOnce(&Utf8Path) -> Result<(), E>,
    ) -> Result<Utf8PathBuf, E> {
        if path.is_dir() {
            return Ok(path);
        }
        let kind = path.parent().and_then(Utf8Path::file_name).unwrap_or_default();
        let _lock = self.lock(&format!("{kind}-{}", key.short()))?;
        if path.is_dir() {
            // Somebody else made it while we waited.
            return Ok(path);
        }
        let temporary = self.folder.join("temporary").join(format!("{kind}-{}", key.short()));
        // Whoever left it is gone, for the lock is ours.
        remove(&temporary)?;
        fs_err::create_dir(&temporary)?;
        match make(&temporary) {
            Ok(()) => {
                fs_err::rename(&temporary, &path)?;
                Ok(path)
            }
            Err(error) => {
                // The next who holds the lock tries again.
                let _ = remove(&temporary);
                Err(error)
            }
        }
    }

    /// Waits until nobody else works on that name.
    pub(crate) fn lock(&self, name: &str) -> io::Result<fs_err::File> {
        let path = self.folder.join("locks").join(name);
        let file = fs_err::OpenOptions::new().create(true).truncate(false).write(true).open(path)?;
        flock(file.file(), FlockOperation::LockExclusive)?;
        Ok(file)
    }

    /// Returns where a part of an image is kept.
    pub(crate) fn blob_path(&self, digest: &Digest) -> Utf8PathBuf {
        self.folder.join("blobs").join(digest.hex())
    }

    /// Keeps a part of an image.
    pub(crate) fn keep_blob(&self, digest: &Digest, bytes: &[u8]) -> io::Result<()> {
        self.write_whole(&self.blob_path(digest), bytes)
    }

    /// Keeps what `name` stood for.
    pub(crate) fn keep_note(&self, name: &str, note: &impl Serialize) -> io::Result<()> {
        self.write_whole(&self.note_path(name), &serde_json::to_vec(note)?)
    }

    /// Returns what was kept; a broken note is none.
    pub(crate) fn note<T: DeserializeOwned>(&self, name: &str) -> Option<T> {
        serde_json::from_slice(&fs_err::read(self.note_path(name)).ok()?).ok()
    }

    fn note_path(&self, name: &str) -> Utf8PathBuf {
        self.folder.join("references").join(format!("{}.json", Digest::of(name.as_bytes()).short()))
    }

    fn write_whole(&self, path: &Utf8Path, bytes: &[u8]) -> io::Result<()> {
        let name = path.file_name().unwrap_or_default();
        let temporary = self.folder.join("temporary").join(format!("{name}-{}", std::process::id()));
        fs_err::write(&temporary, bytes)?;
        fs_err::rename(temporary, path)
    }
}

/// Removes a tree, whether it is there or not.
pub(crate) fn remove(path: &Utf8Path) -> io::Result<()> {
    match fs_err::remove_dir_all(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// Finds out what may be written, by writing it: root in a container often is none.
fn probe(folder: &Utf8Path) -> Rights {
    // Several threads may try at once, each with a folder of its own.
    let probe = tempfile::Builder::new().prefix("probe-").tempdir_in(folder.join("temporary"));
    let answer =
        probe.and_then(|probe| Ok(rustix::fs::setxattr(probe.path(), OPAQUE, b"y", XattrFlags::empty())?));
    match (rustix::process::geteuid().is_root(), answer) {
        (true, Ok(())) => Rights::Root,
        (_, _) => Rights::User,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    fn cache() -> (tempfile::TempDir, Cache) {
        let folder = tempfile::tempdir().unwrap();
        let path = Utf8PathBuf::try_from(folder.path().join("images")).unwrap();
        let cache = Cache::open(&path).unwrap();
        (folder, cache)
    }

    #[test]
    fn a_layer_is_made_once_though_many_want_it() {
        let (_folder, cache) = cache();
        let made = AtomicU32::new(0);
        let key = Digest::of(b"layer");
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    let path = cache
                        .layer::<io::Error>(&key, |folder| {
                            made.fetch_add(1, Ordering::SeqCst);
                            fs_err::write(folder.join("file"), "text")
                        })
                        .unwrap();
                    assert_eq!(fs_err::read_to_string(path.join("file")).unwrap(), "text");
                });
            }
        });
        assert_eq!(made.into_inner(), 1);
    }

    #[test]
    fn what_was_left_half_done_is_not_used() {
        let (_folder, cache) = cache();
        let key = Digest::of(b"layer");
        let failed = cache.layer::<io::Error>(&key, |folder| {
            fs_err::write(folder.join("half"), "text")?;
            Err(io::Error::other("no more"))
        });
        assert_eq!(failed.unwrap_err().to_string(), "no more");
        // As if a process had been killed in the middle.
        let left = cache.folder().join("temporary").join(format!("root-{}", key.short()));
        fs_err::create_dir_all(left.join("old")).unwrap();
        let path = cache.layer::<io::Error>(&key, |folder| fs_err::write(folder.join("whole"), "text"));
        let names: Vec<String> = fs_err::read_dir(path.unwrap())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        assert_eq!(names, ["whole"]);
    }

    #[test]
    fn a_broken_note_is_none() {
        let (_folder, cache) = cache();
        cache.keep_note("redis", &7).unwrap();
        assert_eq!(cache.note::<u32>("redis"), Some(7));
        fs_err::write(cache.note_path("redis"), "{").unwrap();
        assert_eq!(cache.note::<u32>("redis"), None);
    }
}
