//! The libraries that Charmhub sent, by name and patch.
//!
//! A published patch never changes, so a file is good forever. Beside each lies its
//! hash: a file that somebody edited, or that a full disk cut off, is not there.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};

use camino::{Utf8Path, Utf8PathBuf};
use charmproof_charm::library::LibraryKey;
use sha2::{Digest as _, Sha256};

use crate::provision::charmhub::DEFAULT_BASE_URL;
use crate::swap::record::hex;

/// Returns the folder for the libraries of the Charmhub at that address, below the
/// cache. Each address has its own: what a test server calls patch 4 is not Charmhub's.
pub fn cache_folder(cache: &Utf8Path, base_url: &str) -> Utf8PathBuf {
    let base_url = base_url.trim_end_matches('/');
    if base_url == DEFAULT_BASE_URL {
        cache.join("libraries")
    } else {
        cache.join(format!("libraries-{}", &hex(&Sha256::digest(base_url))[..16]))
    }
}

/// The folder of fetched libraries. Keys must be names that libraries can have.
#[derive(Debug)]
pub(super) struct LibraryCache {
    root: Utf8PathBuf,
}

impl LibraryCache {
    pub(super) fn new(root: Utf8PathBuf) -> Self {
        Self { root }
    }

    /// Returns the patches of a library that can be read, oldest first.
    pub(super) fn patches(&self, key: &LibraryKey) -> Vec<u64> {
        let Ok(entries) = self.folder(key).read_dir_utf8() else {
            return Vec::new();
        };
        let mut patches: Vec<u64> = entries
            .flatten()
            .filter_map(|entry| {
                let (lib, patch) = entry.file_name().strip_suffix(".py")?.split_once('-')?;
                let patch: u64 = patch.parse().ok()?;
                // Only its own spelling: neither `+4` nor `04`.
                (lib == key.lib && entry.file_name() == file_name(key, patch)).then_some(patch)
            })
            .filter(|patch| self.read(key, *patch).is_some())
            .collect();
        patches.sort_unstable();
        patches
    }

    /// Returns the text of a patch, if it is what was written.
    pub(super) fn read(&self, key: &LibraryKey, patch: u64) -> Option<String> {
        let file = self.folder(key).join(file_name(key, patch));
        let text = fs_err::read_to_string(&file).ok()?;
        let hash = fs_err::read_to_string(hash_path(&file)).ok()?;
        (hash.trim() == hex(&Sha256::digest(&text))).then_some(text)
    }

    /// Keeps a text, in place of one that was damaged.
    pub(super) fn write(&self, key: &LibraryKey, patch: u64, text: &str) -> io::Result<()> {
        let file = self.folder(key).join(file_name(key, patch));
        fs_err::create_dir_all(self.folder(key))?;
        replace(&hash_path(&file), &hex(&Sha256::digest(text)))?;
        replace(&file, text)
    }

    fn folder(&self, key: &LibraryKey) -> Utf8PathBuf {
        self.root.join(&key.charm).join(format!("v{}", key.api))
    }
}

fn file_name(key: &LibraryKey, patch: u64) -> String {
    format!("{}-{patch}.py", key.lib)
}

fn hash_path(path: &Utf8Path) -> Utf8PathBuf {
    Utf8PathBuf::from(format!("{path}.sha256"))
}

/// Writes a file as a whole or not at all, also if several do.
fn replace(path: &Utf8Path, text: &str) -> io::Result<()> {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let temporary = Utf8PathBuf::from(format!("{path}.{}-{count}.tmp", std::process::id()));
    fs_err::write(&temporary, text)?;
    fs_err::rename(&temporary, path).inspect_err(|_| {
        let _ = fs_err::remove_file(&temporary);
    })
}
