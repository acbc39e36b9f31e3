//! Python's compiled files, handed on from one environment to the next.
//!
//! Every environment of a fleet holds much the same packages, and in a fresh one the
//! first process compiles all that it imports, which takes longer than many a suite.
//! uv installs by hard link, so a source file has the same time of change in every
//! environment, and Python takes a compiled file for it as its own: it compares time
//! and size, and compiles anew where they differ. What is linked wrongly is therefore
//! slow, never wrong. Files are kept under the digest of what the distribution's
//! RECORD says of its modules, so another content is another entry.
//!
//! Only what uv linked is handed on. pip writes a file of its own each time.

use std::os::unix::fs::MetadataExt as _;

use camino::{Utf8Path, Utf8PathBuf};
use sha2::{Digest as _, Sha256};

use crate::swap::record::{Distribution, distributions, hex};

/// Largest RECORD that is read: kubernetes has 200 KiB.
const RECORD_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// Links the compiled files that are known for what is installed in the folder.
///
/// Nothing here is needed for a run to be right, so what fails is passed over.
pub fn hand_out(store: &Utf8Path, site_packages: &Utf8Path) {
    let Some(tag) = tag_of(site_packages) else { return };
    for distribution in distributions(site_packages) {
        let Some(entry) = Entry::of(store, &distribution) else { continue };
        let folder = entry.folder.join(&tag);
        if !folder.is_dir() {
            continue;
        }
        for module in &entry.modules {
            let compiled = compiled_file(&site_packages.join(module), &tag);
            let (Some(compiled), Some(parent)) =
                (compiled.as_ref(), compiled.as_ref().and_then(|c| c.parent()))
            else {
                continue;
            };
            let kept = folder.join(flat(module));
            if !kept.exists() || compiled.exists() {
                continue;
            }
            if std::fs::hard_link(&kept, compiled).is_err() && std::fs::create_dir(parent).is_ok() {
                let _ = std::fs::hard_link(&kept, compiled);
            }
        }
    }
}

/// Keeps what Python compiled in the folder during a run.
pub fn take_in(store: &Utf8Path, site_packages: &Utf8Path) {
    let Some(tag) = tag_of(site_packages) else { return };
    for distribution in distributions(site_packages) {
        let Some(entry) = Entry::of(store, &distribution) else { continue };
        let folder = entry.folder.join(&tag);
        for module in &entry.modules {
            let source = site_packages.join(module);
            let Some(compiled) = compiled_file(&source, &tag) else { continue };
            // Two links: it was handed out by us. A source with one link is not uv's.
            let is_new = std::fs::symlink_metadata(&compiled).is_ok_and(|m| m.is_file() && m.nlink() == 1);
            if !is_new || !std::fs::symlink_metadata(&source).is_ok_and(|m| m.is_file() && m.nlink() > 1) {
                continue;
            }
            let kept = folder.join(flat(module));
            let _ = fs_err::create_dir_all(&folder);
            // An older one belongs to a source that uv has fetched anew since.
            let _ = fs_err::remove_file(&kept);
            let _ = std::fs::hard_link(&compiled, &kept);
        }
    }
}

struct Entry {
    folder: Utf8PathBuf,
    modules: Vec<String>,
}

impl Entry {
    fn of(store: &Utf8Path, distribution: &Distribution) -> Option<Self> {
        let path = distribution.info.join("RECORD");
        if std::fs::symlink_metadata(&path).ok()?.len() > RECORD_BYTES_MAX {
            return None;
        }
        let record = fs_err::read_to_string(&path).ok()?;
        let mut modules = Vec::new();
        let mut digest = Sha256::new();
        // The other lines name scripts, which differ from environment to environment.
        for line in record.lines() {
            let Some((module, said)) = line.split_once(',') else { continue };
            let is_inside = !module.starts_with(['/', '"']) && !module.split('/').any(|part| part == "..");
            if module.ends_with(".py") && is_inside && said.starts_with("sha256=") {
                digest.update(line);
                digest.update("\n");
                modules.push(module.to_owned());
            }
        }
        let digest = hex(&digest.finalize());
        (!modules.is_empty()).then(|| Self { folder: store.join(&digest[..32]), modules })
    }
}

/// `cpython-312`, from `…/lib/python3.12/site-packages`. Other Pythons name theirs
/// otherwise, and are left to themselves.
fn tag_of(site_packages: &Utf8Path) -> Option<String> {
    let (major, minor) = site_packages.parent()?.file_name()?.strip_prefix("python")?.split_once('.')?;
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    (is_number(major) && is_number(minor)).then(|| format!("cpython-{major}{minor}"))
}

/// Where Python keeps what it compiled of a source file.
fn compiled_file(source: &Utf8Path, tag: &str) -> Option<Utf8PathBuf> {
    Some(source.parent()?.join("__pycache__").join(format!("{}.{tag}.pyc", source.file_stem()?)))
}

/// One name per module: no folders have to be made.
fn flat(module: &str) -> String {
    module.replace('%', "%25").replace('/', "%2F")
}

#[cfg(test)]
mod tests {
    use super::*;

    const RECORD: &str = "../../../bin/tool,sha256=zz,9\ntool/__init__.py,sha256=aa,3\ntool/data.txt,sha256=bb,3\n\
                          tool-1.dist-info/RECORD,,\n../outside.py,sha256=cc,1\n";

    /// An environment with one distribution, whose source is linked from elsewhere.
    fn environment(root: &Utf8Path, name: &str, record: &str, is_linked: bool) -> Utf8PathBuf {
        let folder = root.join(name).join("lib/python3.12/site-packages");
        fs_err::create_dir_all(folder.join("tool-1.dist-info")).unwrap();
        fs_err::create_dir_all(folder.join("tool")).unwrap();
        fs_err::write(folder.join("tool-1.dist-info/RECORD"), record).unwrap();
        if is_linked {
            if !root.join("archive.py").exists() {
                fs_err::write(root.join("archive.py"), "x=1").unwrap();
            }
            fs_err::hard_link(root.join("archive.py"), folder.join("tool/__init__.py")).unwrap();
        } else {
            fs_err::write(folder.join("tool/__init__.py"), "x=1").unwrap();
        }
        folder
    }

    fn compile(site_packages: &Utf8Path, text: &str) {
        fs_err::create_dir_all(site_packages.join("tool/__pycache__")).unwrap();
        fs_err::write(site_packages.join("tool/__pycache__/__init__.cpython-312.pyc"), text).unwrap();
    }

    fn compiled(site_packages: &Utf8Path) -> Option<String> {
        fs_err::read_to_string(site_packages.join("tool/__pycache__/__init__.cpython-312.pyc")).ok()
    }

    fn root() -> (tempfile::TempDir, Utf8PathBuf) {
        let temp = tempfile::tempdir().unwrap();
        let path = Utf8PathBuf::from_path_buf(temp.path().to_path_buf()).unwrap();
        (temp, path)
    }

    #[test]
    fn what_one_environment_compiled_the_next_one_has() {
        let (_temp, root) = root();
        let store = root.join("store");
        let first = environment(&root, "first", RECORD, true);
        compile(&first, "compiled");
        take_in(&store, &first);
        // A script's own line differs: its digest covers the environment's path.
        let second = environment(&root, "second", &RECORD.replace("=zz", "=yy"), true);
        hand_out(&store, &second);
        assert_eq!(compiled(&second).as_deref(), Some("compiled"));
    }

    #[test]
    fn another_content_is_another_entry() {
        let (_temp, root) = root();
        let store = root.join("store");
        let first = environment(&root, "first", RECORD, true);
        compile(&first, "compiled");
        take_in(&store, &first);
        let second = environment(&root, "second", &RECORD.replace("=aa", "=ab"), true);
        hand_out(&store, &second);
        assert_eq!(compiled(&second), None);
    }

    #[test]
    fn what_was_not_linked_is_not_kept() {
        let (_temp, root) = root();
        let store = root.join("store");
        let first = environment(&root, "first", RECORD, false);
        compile(&first, "compiled");
        take_in(&store, &first);
        assert!(!store.exists());
    }

    #[test]
    fn a_newer_compiled_file_takes_the_place_of_an_older_one() {
        let (_temp, root) = root();
        let store = root.join("store");
        let first = environment(&root, "first", RECORD, true);
        compile(&first, "old");
        take_in(&store, &first);
        // As Python does it: another file in its place.
        fs_err::remove_file(first.join("tool/__pycache__/__init__.cpython-312.pyc")).unwrap();
        compile(&first, "new");
        take_in(&store, &first);
        let second = environment(&root, "second", RECORD, true);
        hand_out(&store, &second);
        assert_eq!(compiled(&second).as_deref(), Some("new"));
    }

    #[test]
    fn only_cpython_has_a_tag() {
        for (path, expected) in [
            ("/e/lib/python3.12/site-packages", Some("cpython-312")),
            ("/e/lib/python3.13t/site-packages", None),
            ("/e/lib/pypy3.10/site-packages", None),
        ] {
            assert_eq!(tag_of(Utf8Path::new(path)).as_deref(), expected, "{path}");
        }
    }
}
