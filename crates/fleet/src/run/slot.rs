//! Where a unit runs: a folder of its own, with a copy of the charm.
//!
//! A slot belongs to one subject, target and variant, and keeps its place from run to
//! run, so that the environment in it (`.tox`, `.venv`) can be used again: virtual
//! environments do not survive a move. Everything else in the copy is made pristine
//! before each use. Repetitions that confirm a disagreement use a fresh folder that
//! is deleted afterwards.

use std::collections::BTreeSet;

use camino::{Utf8Path, Utf8PathBuf};
use charmproof_store::event::UnitId;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::corpus::tree::{MaterialiseStats, Snapshot, TreeError, TreeReader};
use crate::provision::lock::FileLock;
use crate::swap::record::hex;

/// Folders of a copy that outlive a use.
pub const KEPT: &[&str] = &[".tox", ".venv", "venv", ".nox"];

/// A slot that is in use.
#[derive(Debug)]
pub struct Slot {
    /// The slot's folder.
    pub folder: Utf8PathBuf,
    is_temporary: bool,
    _lock: Option<FileLock>,
}

/// What the environments in a slot were made from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamp {
    /// Digest of the charm's manifests.
    pub manifest: String,
    /// Digest of the tools.
    pub tools: String,
    /// The interpreter, with its version.
    pub python: String,
    /// What was lifted.
    pub lifts: Vec<String>,
    /// Names of the packages that were swapped in. An environment may be used again only
    /// if all of them are swapped again: what an earlier check put in must not be found
    /// by one that asks for the charm as it is.
    pub swapped: BTreeSet<String>,
    /// For people: whose slot it is.
    pub label: String,
}

impl Stamp {
    /// Whether environments made under this stamp may be used under another.
    fn fits(&self, now: &Self) -> bool {
        let like = Self { swapped: now.swapped.clone(), ..self.clone() };
        like == *now && self.swapped.is_subset(&now.swapped)
    }
}

impl Slot {
    /// Takes the slot of a unit. `place` tells apart subjects of the same name from
    /// different places.
    pub fn take(work: &Utf8Path, unit: &UnitId, place: &str) -> std::io::Result<Self> {
        let text = format!("{}\0{place}\0{}\0{}", unit.subject, unit.target, unit.side.word());
        let name = hex(&Sha256::digest(text.as_bytes()))[..12].to_string();
        if unit.attempt == 0
            && let Some(lock) = FileLock::try_acquire(&work.join("s").join(format!("{name}.lock")))?
        {
            let folder = work.join("s").join(&name);
            fs_err::create_dir_all(&folder)?;
            return Ok(Self { folder, is_temporary: false, _lock: Some(lock) });
        }
        // Another charmproof is at work in it, or the unit must not see what was kept.
        for number in 0_u32.. {
            let folder = work.join("t").join(format!("{name}-{}-{number}", std::process::id()));
            fs_err::create_dir_all(work.join("t"))?;
            match fs_err::create_dir(&folder) {
                Ok(()) => return Ok(Self { folder, is_temporary: true, _lock: None }),
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
        unreachable!("there are more numbers than folders")
    }

    /// The copy of the repository.
    pub fn copy(&self) -> Utf8PathBuf {
        self.folder.join("r")
    }

    /// Makes the copy pristine; keeps environments that fit the stamp.
    pub fn lay_out(
        &self,
        reader: &TreeReader<'_>,
        snapshot: &Snapshot,
        stamp: &Stamp,
    ) -> Result<MaterialiseStats, TreeError> {
        let io = |source| TreeError::Io { action: "prepare the slot", source };
        let copy = self.copy();
        for name in ["home", "tmp"] {
            let folder = self.folder.join(name);
            if folder.exists() {
                remove_tree(&folder).map_err(io)?;
            }
            fs_err::create_dir_all(&folder).map_err(io)?;
        }
        let stamp_file = self.folder.join("stamp.json");
        let old: Option<Stamp> =
            fs_err::read(&stamp_file).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
        let fits = old.as_ref().is_some_and(|old| old.fits(stamp));
        // Until this use has ended well, what it leaves behind cannot be trusted.
        if old.is_some() {
            fs_err::remove_file(&stamp_file).map_err(io)?;
        }
        if fits && copy.exists() {
            return reader.refresh(snapshot, &copy, KEPT);
        }
        if copy.exists() {
            remove_tree(&copy).map_err(io)?;
        }
        reader.materialise(snapshot, &copy)
    }

    /// Notes that the environments in it are whole, and what they were made from.
    pub fn keep(&self, stamp: &Stamp) {
        // Losing the stamp costs the next use an installation, nothing more.
        if let Ok(text) = serde_json::to_vec(stamp) {
            let _ = fs_err::write(self.folder.join("stamp.json"), text);
        }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        if self.is_temporary {
            let _ = remove_tree(&self.folder);
        }
    }
}

/// Removes a tree, also where a suite took away its own permissions.
pub fn remove_tree(path: &Utf8Path) -> std::io::Result<()> {
    if fs_err::remove_dir_all(path).is_ok() {
        return Ok(());
    }
    let mut folders = vec![path.to_path_buf()];
    while let Some(folder) = folders.pop() {
        use std::os::unix::fs::PermissionsExt as _;
        let _ = fs_err::set_permissions(&folder, std::fs::Permissions::from_mode(0o700));
        let Ok(entries) = folder.read_dir_utf8() else { continue };
        for entry in entries.flatten() {
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                folders.push(entry.path().to_path_buf());
            }
        }
    }
    fs_err::remove_dir_all(path)
}

/// Deletes what killed runs left in the folder of temporary slots. What cannot be deleted stays for the next
/// time.
pub fn sweep(work: &Utf8Path) {
    for path in left(work) {
        let _ = remove_tree(&path);
    }
}

/// Returns what killed runs left in the folder of temporary slots.
pub fn left(work: &Utf8Path) -> Vec<Utf8PathBuf> {
    let Ok(entries) = work.join("t").read_dir_utf8() else { return Vec::new() };
    entries
        .flatten()
        .filter(|entry| {
            let owner = entry.file_name().split('-').nth(1).and_then(|pid| pid.parse::<u32>().ok());
            !owner.is_some_and(|pid| Utf8PathBuf::from(format!("/proc/{pid}")).exists())
        })
        .map(|entry| entry.path().to_owned())
        .collect()
}
