//! Charms that were uploaded: kept by their content, unpacked once, and laid out for each unit.

use std::collections::BTreeMap;
use std::io::{self, Read as _};
use std::os::unix::fs::{PermissionsExt, symlink};

use camino::{Utf8Component, Utf8Path, Utf8PathBuf};
use charmproof_charm::metadata::CharmMetadata;
use charmproof_charm::{DiskTree, Note};
use sha2::{Digest as _, Sha256};
use thiserror::Error;

use crate::actions::{ActionSpec, read_actions};
use crate::place::DataFolder;

/// How many bytes a charm may have when it is unpacked. The largest of the store have a tenth.
const CHARM_BYTES_MAX: u64 = 4 << 30;
/// How many it may have whatever its archive is like.
const CHARM_BYTES_ALWAYS: u64 = 256 << 20;
/// And beyond that, how many times its archive. Code shrinks to a quarter; what shrinks to a hundredth is
/// made to fill a disk.
const CHARM_GROWTH_MAX: u64 = 50;
/// How many files.
const CHARM_FILES_MAX: usize = 400_000;

/// Why something is no charm.
#[derive(Debug, Error)]
pub(crate) enum CharmError {
    /// It is not there, or cannot be read.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// It is no zip archive.
    #[error("{0}")]
    Archive(#[from] zip::result::ZipError),
    /// It is one that nobody would make.
    #[error("refused: {0}")]
    Hostile(String),
    /// It declares no charm.
    #[error("{0}")]
    NoCharm(String),
}

/// A charm that was taken in.
#[derive(Clone, Debug)]
pub(crate) struct KeptCharm {
    /// The digest of its content, by which it is known.
    pub digest: String,
    /// What it declares.
    pub metadata: CharmMetadata,
    /// The bases that it says it runs on: `ubuntu` and `24.04`.
    pub bases: Vec<(String, String)>,
    /// What its `version` file says.
    pub version: Option<String>,
}

/// Takes a `.charm` archive in.
pub(crate) fn keep_archive(folder: &DataFolder, path: &Utf8Path) -> Result<KeptCharm, CharmError> {
    let digest = digest_of(path)?;
    let place = place_of(folder, &digest);
    if !place.exists() {
        let staging = staging(folder)?;
        let unpacked = unpack(path, &staging, unpacked_bytes_max(fs_err::metadata(path)?.len()));
        if let Err(error) = unpacked {
            let _ = fs_err::remove_dir_all(&staging);
            return Err(error);
        }
        put(&staging, &place)?;
    }
    read(folder, &digest)
}

/// Takes the folder of an unpacked charm in, as Juju 3 deploys it.
pub(crate) fn keep_folder(folder: &DataFolder, path: &Utf8Path) -> Result<KeptCharm, CharmError> {
    // A folder that is none is not read as a whole before that is said.
    if !path.join("metadata.yaml").exists() {
        return Err(CharmError::NoCharm("charm metadata.yaml not found".to_owned()));
    }
    let staging = staging(folder)?;
    let copied = copy_tree(path, &staging).and_then(|()| digest_of_tree(&staging));
    let digest = copied.inspect_err(|_| drop(fs_err::remove_dir_all(&staging)))?;
    let place = place_of(folder, &digest);
    put(&staging, &place)?;
    read(folder, &digest)
}

/// Reads what a charm that was taken in declares.
pub(crate) fn read(folder: &DataFolder, digest: &str) -> Result<KeptCharm, CharmError> {
    let place = place_of(folder, digest);
    if !place.join("metadata.yaml").exists() {
        return Err(CharmError::NoCharm("charm metadata.yaml not found".to_owned()));
    }
    let tree = DiskTree::open(&place).map_err(|error| CharmError::NoCharm(error.to_string()))?;
    let metadata = CharmMetadata::read(&tree);
    if let Some(broken) = broken(&metadata) {
        return Err(CharmError::NoCharm(broken.to_string()));
    }
    if let Some((what, name)) = no_name_of_a_folder(&metadata) {
        return Err(CharmError::NoCharm(format!("invalid {what} name {name:?}")));
    }
    let actions = fs_err::read_to_string(place.join("actions.yaml")).unwrap_or_default();
    let name = metadata.name.as_ref().map(ToString::to_string).unwrap_or_default();
    read_actions(&name, &actions).map_err(CharmError::NoCharm)?;
    let bases =
        fs_err::read_to_string(place.join("manifest.yaml")).map(|text| bases(&text)).unwrap_or_default();
    let version = fs_err::read_to_string(place.join("version")).ok().map(|text| text.trim().to_owned());
    Ok(KeptCharm {
        digest: digest.to_owned(),
        metadata,
        bases,
        version: version.filter(|text| !text.is_empty()),
    })
}

/// Returns where a file that Juju reads cannot be read.
fn broken(metadata: &CharmMetadata) -> Option<&Note> {
    let is_of_juju = |note: &&Note| {
        let file = note.file.as_ref().map(|file| file.as_str());
        matches!(file, Some("metadata.yaml" | "config.yaml" | "actions.yaml")) && note.place.is_some()
    };
    // What Juju refuses otherwise, it says when it gets there.
    if metadata.is_complete() { None } else { metadata.errors().find(is_of_juju) }
}

/// Returns the name of something that has a folder of that name, and that would not be one: what it is, and
/// the name.
fn no_name_of_a_folder(metadata: &CharmMetadata) -> Option<(&'static str, &str)> {
    let containers = metadata.containers.iter().map(|container| ("container", container.name.as_str()));
    let resources = metadata.resources.iter().map(|resource| ("resource", resource.name.as_str()));
    let mut all = containers.chain(resources);
    all.find(|(_, name)| name.contains('\0') || Utf8Path::new(name).file_name() != Some(name))
}

/// Reads the actions that a charm declares. Those that make no sense are none.
pub(crate) fn actions(folder: &DataFolder, digest: &str, name: &str) -> BTreeMap<String, ActionSpec> {
    let text = fs_err::read_to_string(place_of(folder, digest).join("actions.yaml"));
    text.ok().and_then(|text| read_actions(name, &text).ok()).unwrap_or_default()
}

/// Returns the bases of a `manifest.yaml`.
fn bases(text: &str) -> Vec<(String, String)> {
    #[derive(serde::Deserialize)]
    struct Manifest {
        #[serde(default)]
        bases: Vec<ManifestBase>,
    }
    #[derive(serde::Deserialize)]
    struct ManifestBase {
        name: String,
        channel: String,
    }
    let manifest = serde_saphyr::from_str::<Manifest>(text);
    let bases = manifest.map(|manifest| manifest.bases).unwrap_or_default();
    bases
        .into_iter()
        .map(|base| (base.name, base.channel.split('/').next().unwrap_or_default().to_owned()))
        .collect()
}

/// Copies a charm's files to where a unit gets them, which nobody has made yet.
pub(crate) fn lay_out(folder: &DataFolder, digest: &str, target: &Utf8Path) -> io::Result<()> {
    copy_tree(&place_of(folder, digest), target)
}

/// Returns what a charm that was taken in has at its top.
pub(crate) fn names(folder: &DataFolder, digest: &str) -> io::Result<Vec<String>> {
    match place_of(folder, digest).read_dir_utf8() {
        Ok(entries) => entries.map(|entry| Ok(entry?.file_name().to_owned())).collect(),
        // One that nobody knows any more has nothing of its own.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

fn place_of(folder: &DataFolder, digest: &str) -> Utf8PathBuf {
    folder.blobs().join("charms").join(digest)
}

/// What the names of folders begin with that are no charm yet.
const UNFINISHED: &str = ".new-";

/// Removes the charms that were being taken in by somebody who was killed.
pub(crate) fn remove_unfinished(folder: &DataFolder) {
    let entries = folder.blobs().join("charms").read_dir_utf8().into_iter().flatten().flatten();
    for entry in entries.filter(|entry| entry.file_name().starts_with(UNFINISHED)) {
        let _ = fs_err::remove_dir_all(entry.path());
    }
}

fn staging(folder: &DataFolder) -> io::Result<Utf8PathBuf> {
    let blobs = folder.blobs().join("charms");
    fs_err::create_dir_all(&blobs)?;
    let mut bytes = [0_u8; 8];
    fs_err::File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    let path = blobs.join(format!("{UNFINISHED}{:016x}", u64::from_le_bytes(bytes)));
    fs_err::create_dir(&path)?;
    Ok(path)
}

/// Puts what was made into its place, unless another one was faster.
fn put(made: &Utf8Path, place: &Utf8Path) -> io::Result<()> {
    match fs_err::rename(made, place) {
        Ok(()) => Ok(()),
        Err(_) if place.exists() => fs_err::remove_dir_all(made),
        Err(error) => Err(error),
    }
}

fn digest_of(path: &Utf8Path) -> io::Result<String> {
    let mut hasher = Sha256::new();
    let mut file = fs_err::File::open(path)?;
    let mut buffer = vec![0; 1 << 16];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(hex(&hasher.finalize())),
            count => hasher.update(&buffer[..count]),
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

fn digest_of_tree(folder: &Utf8Path) -> io::Result<String> {
    fn add(folder: &Utf8Path, root: &Utf8Path, hasher: &mut Sha256) -> io::Result<()> {
        let mut entries: Vec<Utf8PathBuf> = folder
            .read_dir_utf8()?
            .map(|entry| entry.map(|entry| entry.path().to_owned()))
            .collect::<Result<_, _>>()?;
        entries.sort();
        for path in entries {
            let metadata = fs_err::symlink_metadata(&path)?;
            hasher.update(path.strip_prefix(root).unwrap_or(&path).as_str().as_bytes());
            hasher.update([0]);
            if metadata.is_dir() {
                add(&path, root, hasher)?;
            } else if metadata.is_symlink() {
                hasher.update(fs_err::read_link(&path)?.as_os_str().as_encoded_bytes());
            } else {
                hasher.update(metadata.permissions().mode().to_le_bytes());
                hasher.update(digest_of(&path)?.as_bytes());
            }
        }
        Ok(())
    }
    let mut hasher = Sha256::new();
    add(folder, folder, &mut hasher)?;
    Ok(hex(&hasher.finalize()))
}

/// Returns how many bytes an archive may unpack to.
fn unpacked_bytes_max(archive_bytes: u64) -> u64 {
    archive_bytes.saturating_mul(CHARM_GROWTH_MAX).clamp(CHARM_BYTES_ALWAYS, CHARM_BYTES_MAX)
}

/// Unpacks an archive into a folder of ours. Whatever would lie outside of it is refused, and so are more
/// bytes than these.
fn unpack(path: &Utf8Path, target: &Utf8Path, bytes_max: u64) -> Result<(), CharmError> {
    let mut archive = zip::ZipArchive::new(io::BufReader::new(fs_err::File::open(path)?))?;
    if archive.len() > CHARM_FILES_MAX {
        return Err(CharmError::Hostile(format!(
            "it has {} files, more than {CHARM_FILES_MAX}",
            archive.len()
        )));
    }
    let mut left = bytes_max;
    let mut links = Vec::new();
    for index in 0..archive.len() {
        let mut file = archive.by_index(index)?;
        let name = file.name()?.into_owned();
        let relative = inside(&name)
            .ok_or_else(|| CharmError::Hostile(format!("`{name}` lies outside of the charm")))?;
        let place = target.join(&relative);
        if file.is_dir() {
            fs_err::create_dir_all(&place)?;
            continue;
        }
        if let Some(parent) = place.parent() {
            fs_err::create_dir_all(parent)?;
        }
        let mode = file.unix_mode().unwrap_or(0o644);
        if file.is_symlink() {
            let mut link = String::new();
            file.by_ref().take(4096).read_to_string(&mut link)?;
            let from = relative.parent().unwrap_or(Utf8Path::new("")).join(&link);
            if link.starts_with('/') || inside(from.as_str()).is_none() {
                return Err(CharmError::Hostile(format!("the link `{name}` leads out of the charm")));
            }
            links.push((place, link));
            continue;
        }
        let mut out = fs_err::OpenOptions::new().write(true).create_new(true).open(&place)?;
        let copied = io::copy(&mut file.by_ref().take(left + 1), &mut out)?;
        left = left
            .checked_sub(copied)
            .ok_or_else(|| CharmError::Hostile(format!("it unpacks to more than {} MiB", bytes_max >> 20)))?;
        fs_err::set_permissions(&place, PermissionsExt::from_mode(mode & 0o777 | 0o600))?;
    }
    // Last, so that no file is written through a link.
    for (place, link) in links {
        symlink(link, &place)?;
    }
    Ok(())
}

/// Returns the path that a name in an archive stands for, if it stays inside.
fn inside(name: &str) -> Option<Utf8PathBuf> {
    let mut path = Utf8PathBuf::new();
    for component in Utf8Path::new(name).components() {
        match component {
            Utf8Component::Normal(part) => path.push(part),
            Utf8Component::CurDir => {}
            Utf8Component::ParentDir => {
                if !path.pop() {
                    return None;
                }
            }
            Utf8Component::RootDir | Utf8Component::Prefix(_) => return None,
        }
    }
    Some(path)
}

/// Copies a folder with its files, links and modes.
fn copy_tree(from: &Utf8Path, to: &Utf8Path) -> io::Result<()> {
    fs_err::create_dir_all(to)?;
    for entry in from.read_dir_utf8()? {
        let entry = entry?;
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        let kind = entry.file_type()?;
        if kind.is_dir() {
            copy_tree(source, &target)?;
        } else if kind.is_symlink() {
            symlink(fs_err::read_link(source)?, &target)?;
        } else if kind.is_file() {
            fs_err::copy(source, &target)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use zip::write::SimpleFileOptions;

    use super::*;

    fn archive(folder: &Utf8Path, files: &[(&str, &str)], links: &[(&str, &str)]) -> Utf8PathBuf {
        let path = folder.join("a.charm");
        let mut writer = zip::ZipWriter::new(fs_err::File::create(&path).unwrap());
        for (name, text) in files {
            writer.start_file(*name, SimpleFileOptions::default().unix_permissions(0o755)).unwrap();
            writer.write_all(text.as_bytes()).unwrap();
        }
        for (name, to) in links {
            writer.add_symlink(*name, *to, SimpleFileOptions::default()).unwrap();
        }
        writer.finish().unwrap();
        path
    }

    fn check(files: &[(&str, &str)], links: &[(&str, &str)], expected: Result<&str, &str>) {
        let folder = tempfile::tempdir().unwrap();
        let folder = Utf8PathBuf::from_path_buf(folder.path().to_owned()).unwrap();
        let data = DataFolder::at(folder.join("data"));
        let kept = keep_archive(&data, &archive(&folder, files, links));
        let kept = kept.map(|kept| kept.metadata.name.map(|name| name.to_string()).unwrap_or_default());
        let kept = kept.map_err(|error| error.to_string());
        match expected {
            Ok(name) => assert_eq!(kept.as_deref(), Ok(name)),
            Err(words) => assert!(kept.as_ref().is_err_and(|error| error.contains(words)), "{kept:?}"),
        }
        let left = data.blobs().join("charms").read_dir_utf8().unwrap();
        assert!(left.filter_map(Result::ok).all(|entry| !entry.file_name().starts_with('.')));
    }

    const METADATA: (&str, &str) = ("metadata.yaml", "name: web\nsummary: a\ndescription: b\n");

    #[test]
    fn an_archive_is_taken_in_or_refused() {
        check(&[METADATA, ("dispatch", "#!/bin/sh\n")], &[("hooks/install", "../dispatch")], Ok("web"));
        check(&[("src/charm.py", "")], &[], Err("metadata.yaml not found"));
        check(&[METADATA, ("../out", "")], &[], Err("outside"));
        check(&[METADATA, ("/etc/passwd", "")], &[], Err("outside"));
        check(&[METADATA], &[("out", "/etc")], Err("leads out"));
        check(&[METADATA], &[("a/out", "../../b")], Err("leads out"));
        let declares = |text: &str| format!("{}{text}", METADATA.1);
        let container = declares("containers: {../../web: {}}\n");
        check(&[(METADATA.0, &container)], &[], Err("invalid container name \"../../web\""));
        let resource = declares("resources: {..: {type: file, filename: a}}\n");
        check(&[(METADATA.0, &resource)], &[], Err("invalid resource name \"..\""));
        check(
            &[(METADATA.0, "name: web\nsummary: [\n")],
            &[],
            Err("metadata.yaml:2:10: unclosed bracket '['"),
        );
        check(&[METADATA, ("config.yaml", "options: [")], &[], Err("config.yaml:1:10: unclosed bracket '['"));
        check(&[METADATA, ("actions.yaml", "Bad_Action: {}\n")], &[], Err("bad action name Bad_Action"));
        let fine = declares("containers: {web-1: {}}\nresources: {my.page_1: {type: file, filename: a}}\n");
        check(&[(METADATA.0, &fine)], &[], Ok("web"));
    }

    #[test]
    fn what_grows_too_much_is_refused() {
        for (archive_bytes, expected) in [
            (0, 256 << 20),
            (1 << 20, 256 << 20),
            (10 << 20, 500 << 20),
            (1 << 30, 4 << 30),
            (u64::MAX, 4 << 30),
        ] {
            assert_eq!(unpacked_bytes_max(archive_bytes), expected, "{archive_bytes}");
        }
        let folder = tempfile::tempdir().unwrap();
        let folder = Utf8PathBuf::from_path_buf(folder.path().to_owned()).unwrap();
        let zeros = "0".repeat(3 << 20);
        let packed = archive(&folder, &[("a", &zeros), ("b", &zeros)], &[]);
        let refused = unpack(&packed, &folder.join("x"), 5 << 20).unwrap_err().to_string();
        assert_eq!(refused, "refused: it unpacks to more than 5 MiB");
        unpack(&packed, &folder.join("y"), 6 << 20).unwrap();
    }

    #[test]
    fn what_is_no_archive_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let folder = Utf8PathBuf::from_path_buf(folder.path().to_owned()).unwrap();
        fs_err::write(folder.join("a.charm"), "no zip").unwrap();
        let kept = keep_archive(&DataFolder::at(folder.join("data")), &folder.join("a.charm"));
        assert!(matches!(kept, Err(CharmError::Archive(_))));
    }
}
