//! The archive of a crash dump, as it is written.
//!
//! What machines send is not believed: only plain files are taken over, and only below the folder that is
//! theirs.

use std::borrow::Cow;
use std::io::{self, Read, Write};

use camino::{Utf8Path, Utf8PathBuf};
use charmproof_sandbox::CancelToken;
use flate2::write::GzEncoder;
use liblzma::write::XzEncoder;
use tar::{Builder, EntryType, Header};

use crate::args::Compression;

/// The most that a name has which does not fit into a header.
const NAME_BYTES_MAX: u64 = 1 << 20;
/// The usual effort of `xz`.
const XZ_EFFORT: u32 = 6;

/// An archive that is being written.
pub(super) struct Archive {
    tar: Builder<Encoder>,
    /// The folder that everything lies in.
    top: Utf8PathBuf,
}

/// What came of copying files.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Copied {
    pub(super) files: usize,
    /// Entries that are no files below the folder.
    pub(super) refused: usize,
}

enum Encoder {
    Xz(XzEncoder<fs_err::File>),
    Gzip(GzEncoder<fs_err::File>),
}

impl Write for Encoder {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Xz(encoder) => encoder.write(bytes),
            Self::Gzip(encoder) => encoder.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Xz(encoder) => encoder.flush(),
            Self::Gzip(encoder) => encoder.flush(),
        }
    }
}

impl Archive {
    pub(super) fn create(path: &Utf8Path, top: &str, compression: Compression) -> io::Result<Self> {
        if let Some(folder) = path.parent() {
            fs_err::create_dir_all(folder)?;
        }
        let file = fs_err::File::create_new(path)?;
        let encoder = match compression {
            Compression::Xz => Encoder::Xz(XzEncoder::new(file, XZ_EFFORT)),
            Compression::Gz => Encoder::Gzip(GzEncoder::new(file, flate2::Compression::default())),
        };
        Ok(Self { tar: Builder::new(encoder), top: Utf8PathBuf::from(top) })
    }

    /// Adds a file.
    pub(super) fn file(&mut self, name: &str, content: &[u8]) -> io::Result<()> {
        self.add(&self.top.join(name), 0o644, 0, content)
    }

    /// Adds a link to a folder beside it.
    pub(super) fn link(&mut self, name: &str, folder: &str) -> io::Result<()> {
        self.name(EntryType::Symlink, &self.top.join(name), Utf8Path::new(folder))
    }

    fn name(&mut self, kind: EntryType, path: &Utf8Path, other: &Utf8Path) -> io::Result<()> {
        let mut header = Header::new_gnu();
        header.set_entry_type(kind);
        header.set_size(0);
        header.set_mode(0o777);
        self.tar.append_link(&mut header, path, other)
    }

    /// Copies the plain files of an archive into a folder of this one. One that ends early is read as far
    /// as it goes, and files of more than `size_max` bytes are left out. With `cancel` it stops.
    pub(super) fn copy_from(
        &mut self,
        packed: &Utf8Path,
        folder: &str,
        size_max: u64,
        cancel: &CancelToken,
    ) -> io::Result<Copied> {
        let mut copied = Copied::default();
        let folder = self.top.join(folder);
        let mut source = tar::Archive::new(io::BufReader::new(fs_err::File::open(packed)?));
        let Ok(entries) = source.entries() else { return Ok(copied) };
        // What GNU tar writes before an entry whose names are longer than a header.
        let (mut long_path, mut long_link) = (None, None);
        // Raw, for the library reads names of any length into memory.
        for entry in entries.raw(true) {
            let Ok(mut entry) = entry else { break };
            if cancel.is_cancelled() {
                break;
            }
            let header = entry.header().clone();
            let kind = header.entry_type();
            match kind {
                EntryType::GNULongName => {
                    long_path = Some(long_name(&mut entry)?);
                    continue;
                }
                EntryType::GNULongLink => {
                    long_link = Some(long_name(&mut entry)?);
                    continue;
                }
                // Attributes; without them, files still are what they are.
                EntryType::XHeader | EntryType::XGlobalHeader => continue,
                _ => {}
            }
            let path = long_path.take().unwrap_or_else(|| header.path_bytes().into_owned());
            let other = long_link.take().or_else(|| header.link_name_bytes().map(Cow::into_owned));
            let path = below(&path).map(|path| folder.join(path));
            let other = other.and_then(|other| below(&other));
            match (kind, path, other) {
                (EntryType::Regular, Some(path), _) if entry.size() <= size_max => {
                    let (mode, modified) = (header.mode().unwrap_or(0o644), header.mtime().unwrap_or(0));
                    let mut content = Vec::new();
                    entry.read_to_end(&mut content)?;
                    // Part of a file would be taken for all of it.
                    if (content.len() as u64) < entry.size() {
                        break;
                    }
                    self.add(&path, mode & 0o777, modified, &content)?;
                    copied.files += 1;
                }
                // The second name of a file.
                (EntryType::Link, Some(path), Some(other)) => {
                    self.name(EntryType::Link, &path, &folder.join(other))?;
                    copied.files += 1;
                }
                _ => copied.refused += 1,
            }
        }
        Ok(copied)
    }

    fn add(&mut self, path: &Utf8Path, mode: u32, modified: u64, content: &[u8]) -> io::Result<()> {
        let mut header = Header::new_gnu();
        header.set_entry_type(EntryType::Regular);
        header.set_size(content.len() as u64);
        header.set_mode(mode);
        header.set_mtime(modified);
        self.tar.append_data(&mut header, path, content)
    }

    pub(super) fn finish(self) -> io::Result<()> {
        match self.tar.into_inner()? {
            Encoder::Xz(encoder) => encoder.finish()?.sync_all(),
            Encoder::Gzip(encoder) => encoder.finish()?.sync_all(),
        }
    }
}

/// Returns the name that an entry holds for the one behind it. One that is too long to be believed is none.
fn long_name(entry: &mut tar::Entry<'_, impl Read>) -> io::Result<Vec<u8>> {
    let mut name = Vec::new();
    if entry.size() <= NAME_BYTES_MAX {
        entry.read_to_end(&mut name)?;
    }
    // It ends as names do in C.
    while name.last() == Some(&0) {
        name.pop();
    }
    Ok(name)
}

/// Returns the path of an entry if it stays below its folder. No file has a NUL in its name, and no archive can
/// hold one that has.
fn below(path: &[u8]) -> Option<Utf8PathBuf> {
    if path.contains(&0) {
        return None;
    }
    let path = Utf8Path::new(std::str::from_utf8(path).ok()?);
    let mut kept = Utf8PathBuf::new();
    for part in path.components() {
        match part {
            camino::Utf8Component::Normal(name) => kept.push(name),
            camino::Utf8Component::CurDir | camino::Utf8Component::RootDir => {}
            camino::Utf8Component::ParentDir | camino::Utf8Component::Prefix(_) => return None,
        }
    }
    (!kept.as_str().is_empty()).then_some(kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packed(entries: &[(&str, EntryType)], path: &Utf8Path) {
        let mut tar = Builder::new(fs_err::File::create(path).unwrap());
        for (name, kind) in entries {
            let mut header = Header::new_gnu();
            header.set_entry_type(*kind);
            header.set_size(2);
            // Written as it is: the library refuses names that lead elsewhere.
            header.as_mut_bytes()[..name.len()].copy_from_slice(name.as_bytes());
            header.set_mode(0o4755);
            header.set_cksum();
            tar.append(&header, &b"hi"[..]).unwrap();
        }
        tar.finish().unwrap();
    }

    #[test]
    fn only_plain_files_below_the_folder_are_copied() {
        let folder = tempfile::tempdir().unwrap();
        let root = Utf8Path::from_path(folder.path()).unwrap();
        packed(
            &[
                ("var/log/syslog", EntryType::Regular),
                ("/etc/absolute", EntryType::Regular),
                ("../../escape", EntryType::Regular),
                ("etc/link", EntryType::Symlink),
                ("dev/sda", EntryType::Block),
            ],
            &root.join("in.tar"),
        );
        for (compression, suffix) in [(Compression::Xz, "xz"), (Compression::Gz, "gz")] {
            let path = root.join(format!("out.tar.{suffix}"));
            let mut archive = Archive::create(&path, "top", compression).unwrap();
            archive.file("juju_status.yaml", b"model: {}\n").unwrap();
            let copied = archive
                .copy_from(&root.join("in.tar"), "0/baremetal", 2, &CancelToken::new().unwrap())
                .unwrap();
            assert_eq!(copied, Copied { files: 2, refused: 3 });
            archive.link("web_0", "0/baremetal").unwrap();
            archive.finish().unwrap();
            let file = fs_err::File::open(&path).unwrap();
            let plain: Box<dyn Read> = match compression {
                Compression::Xz => Box::new(liblzma::read::XzDecoder::new(file)),
                Compression::Gz => Box::new(flate2::read::GzDecoder::new(file)),
            };
            let names: Vec<String> = tar::Archive::new(plain)
                .entries()
                .unwrap()
                .map(|entry| entry.unwrap().path().unwrap().display().to_string())
                .collect();
            assert_eq!(
                names,
                [
                    "top/juju_status.yaml",
                    "top/0/baremetal/var/log/syslog",
                    "top/0/baremetal/etc/absolute",
                    "top/web_0",
                ]
            );
            assert!(Archive::create(&path, "top", compression).is_err(), "an archive was written over");
        }
    }

    #[test]
    fn long_names_are_read_and_endless_ones_are_not() {
        let folder = tempfile::tempdir().unwrap();
        let root = Utf8Path::from_path(folder.path()).unwrap();
        let long = format!("var/log/{}", "deep/".repeat(100));
        let mut tar = Builder::new(fs_err::File::create(root.join("in.tar")).unwrap());
        let add = |tar: &mut Builder<_>, kind, name: &str, content: &[u8]| {
            let mut header = Header::new_gnu();
            header.set_entry_type(kind);
            header.set_size(content.len() as u64);
            header.set_mode(0o644);
            header.set_path(name).unwrap();
            header.set_cksum();
            tar.append(&header, content).unwrap();
        };
        let c_string = |name: &str| [name.as_bytes(), &[0]].concat();
        add(&mut tar, EntryType::GNULongName, "././@LongLink", &c_string(&format!("{long}a")));
        add(&mut tar, EntryType::Regular, "cut", b"hi");
        add(&mut tar, EntryType::GNULongLink, "././@LongLink", &c_string(&format!("{long}a")));
        add(&mut tar, EntryType::GNULongName, "././@LongLink", &c_string(&format!("{long}b")));
        add(&mut tar, EntryType::Link, "cut", b"");
        add(&mut tar, EntryType::GNULongName, "././@LongLink", &vec![b'a'; 2 << 20]);
        add(&mut tar, EntryType::Regular, "cut", b"hi");
        // A name that no file can have, and a second name for such a one.
        add(&mut tar, EntryType::GNULongName, "././@LongLink", &c_string("var/log/a\0b"));
        add(&mut tar, EntryType::Regular, "cut", b"hi");
        add(&mut tar, EntryType::GNULongLink, "././@LongLink", &c_string("var/log/a\0b"));
        add(&mut tar, EntryType::Link, "second", b"");
        add(&mut tar, EntryType::XHeader, "attributes", &vec![b'9'; 2 << 20]);
        add(&mut tar, EntryType::Regular, "short", b"hi");
        tar.finish().unwrap();
        let path = root.join("out");
        let mut archive = Archive::create(&path, "top", Compression::Gz).unwrap();
        let copied = archive.copy_from(&root.join("in.tar"), "x", 2, &CancelToken::new().unwrap()).unwrap();
        assert_eq!(copied, Copied { files: 3, refused: 3 });
        archive.finish().unwrap();
        let plain = flate2::read::GzDecoder::new(fs_err::File::open(&path).unwrap());
        let shown = |entry: tar::Entry<'_, _>| {
            let link = entry.link_name().unwrap().map(|link| format!(" to {}", link.display()));
            format!("{}{}", entry.path().unwrap().display(), link.unwrap_or_default())
        };
        let names: Vec<String> =
            tar::Archive::new(plain).entries().unwrap().map(|entry| shown(entry.unwrap())).collect();
        assert_eq!(
            names,
            [format!("top/x/{long}a"), format!("top/x/{long}b to top/x/{long}a"), "top/x/short".to_owned()]
        );
    }

    #[test]
    fn what_is_cut_off_is_read_as_far_as_it_goes() {
        let folder = tempfile::tempdir().unwrap();
        let root = Utf8Path::from_path(folder.path()).unwrap();
        packed(&[("a", EntryType::Regular), ("b", EntryType::Regular)], &root.join("in.tar"));
        let whole = fs_err::read(root.join("in.tar")).unwrap();
        let mut archive = Archive::create(&root.join("out"), "top", Compression::Gz).unwrap();
        let cancel = CancelToken::new().unwrap();
        // In the second header, in the second file, and behind it.
        for (length, files) in [(1100, 1), (1537, 1), (1538, 2)] {
            fs_err::write(root.join("in.tar"), &whole[..length]).unwrap();
            let mut copy =
                |size_max| archive.copy_from(&root.join("in.tar"), "x", size_max, &cancel).unwrap();
            assert_eq!(copy(2), Copied { files, refused: 0 }, "{length}");
            assert_eq!(copy(1).files, 0, "{length}");
        }
    }

    #[test]
    fn who_interrupts_does_not_wait() {
        let folder = tempfile::tempdir().unwrap();
        let root = Utf8Path::from_path(folder.path()).unwrap();
        packed(&[("a", EntryType::Regular)], &root.join("in.tar"));
        let mut archive = Archive::create(&root.join("out"), "top", Compression::Gz).unwrap();
        let cancel = CancelToken::new().unwrap();
        cancel.cancel();
        let copied = archive.copy_from(&root.join("in.tar"), "x", 2, &cancel).unwrap();
        assert_eq!(copied, Copied::default());
    }
}
