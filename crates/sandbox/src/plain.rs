//! Files that somebody else may have put there.
//!
//! The first process of a machine reads and writes what belongs to the machine. A pipe, a device or a file
//! without an end in such a place must not keep it from its other work, or fill its memory.

use std::io::{self, Read, Write};
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;

use nix::libc::{O_CLOEXEC, O_NONBLOCK};
use nix::sys::stat::makedev;

/// No honest file of settings is longer.
const BYTES_MAX: u64 = 4 << 20;

/// Reads a file, if it is a plain one of bounded size.
pub(crate) fn read(path: impl AsRef<Path>) -> io::Result<Vec<u8>> {
    read_up_to(path.as_ref(), BYTES_MAX)
}

/// Reads a text, if it is a plain file of bounded size.
pub(crate) fn read_text(path: impl AsRef<Path>) -> io::Result<String> {
    String::from_utf8(read(path)?).map_err(|_| io::Error::from(io::ErrorKind::InvalidData))
}

/// Reads a file, if it is a plain one of at most so many bytes.
pub(crate) fn read_up_to(path: &Path, bytes_max: u64) -> io::Result<Vec<u8>> {
    let mut options = fs_err::OpenOptions::new();
    options.read(true);
    let file = open(options, path)?;
    let mut bytes = Vec::new();
    file.take(bytes_max + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > bytes_max {
        return Err(io::Error::from(io::ErrorKind::FileTooLarge));
    }
    Ok(bytes)
}

/// Writes a text into a plain file, in place. One that is missing is made.
pub(crate) fn write_in_place(path: &Path, text: &str) -> io::Result<()> {
    let mut options = fs_err::OpenOptions::new();
    options.write(true).create(true);
    let mut file = open(options, path)?;
    if file.metadata()?.is_file() {
        file.set_len(0)?;
    }
    file.write_all(text.as_bytes())
}

fn open(mut options: fs_err::OpenOptions, path: &Path) -> io::Result<fs_err::File> {
    // Whoever opens a pipe would wait for its other end.
    options.options_mut().custom_flags(O_NONBLOCK | O_CLOEXEC);
    let file = options.open(path)?;
    let found = file.metadata()?;
    // A link to nothing is how people say that a file is empty.
    let is_nothing = found.file_type().is_char_device() && found.rdev() == makedev(1, 3);
    if found.is_file() || is_nothing {
        Ok(file)
    } else {
        Err(io::Error::new(io::ErrorKind::InvalidInput, format!("{} is no plain file", path.display())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_but_plain_files_is_read_and_written() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        nix::unistd::mkfifo(&at("pipe"), nix::sys::stat::Mode::S_IRWXU).unwrap();
        fs_err::os::unix::fs::symlink("/dev/zero", at("endless")).unwrap();
        for name in ["pipe", "endless", "."] {
            assert!(read(at(name)).is_err() && write_in_place(&at(name), "x").is_err(), "{name}");
        }
        assert_eq!(read("/dev/null").unwrap(), b"");
        assert_eq!(read(at("missing")).unwrap_err().kind(), io::ErrorKind::NotFound);
        write_in_place(&at("new"), "a long text").unwrap();
        write_in_place(&at("new"), "short").unwrap();
        assert_eq!(read_text(at("new")).unwrap(), "short");
        assert_eq!(read_up_to(&at("new"), 5).unwrap(), b"short");
        assert_eq!(read_up_to(&at("new"), 4).unwrap_err().kind(), io::ErrorKind::FileTooLarge);
        fs_err::write(at("odd"), [0xff, b'\n']).unwrap();
        assert_eq!(read_text(at("odd")).unwrap_err().kind(), io::ErrorKind::InvalidData);
    }
}
