//! Putting libraries into a charm.

use std::io::{self, Write as _};
use std::os::fd::OwnedFd;

use camino::Utf8Path;
use charmproof_charm::library::LibraryKey;
use rustix::fs::{AtFlags, Mode, OFlags, mkdirat, open, openat, unlinkat};
use rustix::io::Errno;

use super::{Provided, escaped};
use crate::provision::charmhub::is_library_name;

/// Writes libraries to `lib/charms/<charm>/v<api>/<lib>.py` of a charm and returns a
/// line for the report for each.
///
/// A file that is there already stays as it is and has no line. Nothing is written
/// through a symbolic link: a folder of that path that is one is an error, since the
/// file would land where another charm, or the user, looks.
pub fn install(provided: &[Provided], charm_dir: &Utf8Path) -> io::Result<Vec<String>> {
    let mut lines = Vec::new();
    for library in provided {
        if !is_library_name(&library.key) {
            let name = escaped(&library.key);
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                format!("`{name}` is no name of a library"),
            ));
        }
        let is_new = write_new(&library.key, library.content.as_bytes(), charm_dir).map_err(|error| {
            io::Error::new(
                error.kind(),
                format!("cannot write `{}`: {error}", charm_dir.join(library.key.path())),
            )
        })?;
        if is_new {
            lines.push(line(library));
        }
    }
    Ok(lines)
}

fn line(library: &Provided) -> String {
    let Provided { key, from, patch, .. } = library;
    match patch {
        Some(patch) => format!("fetched {key} (patch {patch}) from {from}"),
        None => format!("fetched {key} from {from}"),
    }
}

/// Returns whether the file was written, as opposed to there already.
fn write_new(key: &LibraryKey, text: &[u8], charm_dir: &Utf8Path) -> io::Result<bool> {
    let folder_flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let mut folder: OwnedFd = open(charm_dir.as_std_path(), folder_flags, Mode::empty())?;
    for name in ["lib", "charms", &key.charm, &format!("v{}", key.api)] {
        match mkdirat(&folder, name, Mode::from_raw_mode(0o777)) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(error) => return Err(error.into()),
        }
        folder =
            openat(&folder, name, folder_flags | OFlags::NOFOLLOW, Mode::empty()).map_err(
                |error| match error {
                    // Linux says NOTDIR for a link when a directory is asked for.
                    Errno::LOOP | Errno::NOTDIR => io::Error::new(
                        io::ErrorKind::NotADirectory,
                        format!("`{name}` is a link or a file, not a folder"),
                    ),
                    other => other.into(),
                },
            )?;
    }
    let name = format!("{}.py", key.lib);
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file = match openat(&folder, name.as_str(), flags, Mode::from_raw_mode(0o666)) {
        Ok(file) => file,
        Err(Errno::EXIST) => return Ok(false),
        Err(error) => return Err(error.into()),
    };
    std::fs::File::from(file).write_all(text).inspect_err(|_| {
        let _ = unlinkat(&folder, name.as_str(), AtFlags::empty());
    })?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use camino::Utf8PathBuf;

    use super::*;
    use crate::provision::libraries::Source;

    fn provided(charm: &str, lib: &str, repository: &str, charm_root: &str) -> Provided {
        let key = LibraryKey { charm: charm.to_owned(), api: 0, lib: lib.to_owned() };
        let from = Source::Fleet { repository: repository.into(), charm_root: charm_root.into() };
        Provided { key, content: "TEXT = 1\n".into(), from, patch: Some(4) }
    }

    fn folder() -> (tempfile::TempDir, Utf8PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = Utf8Path::from_path(folder.path()).unwrap().to_owned();
        (folder, path)
    }

    #[test]
    fn the_lines_of_a_report() {
        let (_folder, charm) = folder();
        let mut libraries = vec![
            provided("cache_server", "cache_link", "monorepo-bundle", "charms/cache"),
            provided("a", "b", "single", ""),
            provided("a", "c", "single", "."),
        ];
        libraries[1].patch = None;
        assert_eq!(
            install(&libraries, &charm).unwrap(),
            [
                "fetched charms.cache_server.v0.cache_link (patch 4) from the fleet: monorepo-bundle/charms/cache",
                "fetched charms.a.v0.b from the fleet: single",
                "fetched charms.a.v0.c (patch 4) from the fleet: single",
            ]
        );
        assert_eq!(install(&libraries, &charm).unwrap(), [""; 0]);
    }

    #[test]
    fn nothing_is_written_through_links() {
        let (_folder, root) = folder();
        let (charm, outside) = (root.join("charm"), root.join("outside"));
        for linked in ["lib", "lib/charms", "lib/charms/a", "lib/charms/a/v0"] {
            let _ = fs_err::remove_dir_all(&charm);
            let link = charm.join(linked);
            fs_err::create_dir_all(link.parent().unwrap()).unwrap();
            fs_err::create_dir_all(&outside).unwrap();
            symlink(&outside, &link).unwrap();
            let error = install(&[provided("a", "b", "r", "")], &charm).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::NotADirectory, "{linked}");
            assert!(error.to_string().contains("is a link or a file"), "{error}");
            assert_eq!(outside.read_dir_utf8().unwrap().count(), 0, "{linked}");
        }
        // A link in place of the file counts as a file, wherever it leads.
        let _ = fs_err::remove_dir_all(&charm);
        fs_err::create_dir_all(charm.join("lib/charms/a/v0")).unwrap();
        symlink(outside.join("new.py"), charm.join("lib/charms/a/v0/b.py")).unwrap();
        assert_eq!(install(&[provided("a", "b", "r", "")], &charm).unwrap(), [""; 0]);
        assert!(!outside.join("new.py").exists());
    }

    #[test]
    fn hostile_names_are_not_written() {
        let (_folder, charm) = folder();
        for (name, lib) in
            [("..", "x"), ("/etc", "x"), ("a", "../x"), ("a", "/x"), ("a", "x\0"), ("ä", "x"), ("", "")]
        {
            let error = install(&[provided(name, lib, "r", "")], &charm).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidInput, "{name} {lib}");
        }
        assert_eq!(charm.read_dir_utf8().unwrap().count(), 0);
        assert!(install(&[provided("a", "b", "r", "")], &charm.join("absent")).is_err());
    }
}
