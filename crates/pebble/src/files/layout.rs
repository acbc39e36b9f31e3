//! The folders that every image of a container has, for a simulated one that has no image.

use std::io;

use camino::Utf8Path;

/// Folders that charms write to without making them.
const FOLDERS: [&str; 20] = [
    "bin",
    "etc",
    "home",
    "lib",
    "mnt",
    "opt",
    "root",
    "run",
    "sbin",
    "srv",
    "tmp",
    "usr/bin",
    "usr/lib",
    "usr/local/bin",
    "usr/share",
    "var/cache",
    "var/lib",
    "var/log",
    "var/run",
    "var/tmp",
];

/// Lays out an empty root as the image of a container would be: the usual folders, and the user root. What
/// is there already stays as it is.
pub fn lay_out(root: &Utf8Path) -> io::Result<()> {
    for folder in FOLDERS {
        fs_err::create_dir_all(root.join(folder))?;
    }
    for (path, text) in [("etc/passwd", "root:x:0:0:root:/root:/bin/sh\n"), ("etc/group", "root:x:0:\n")] {
        let path = root.join(path);
        if !path.exists() {
            fs_err::write(path, text)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_there_stays() {
        let folder = tempfile::tempdir().unwrap();
        let root = Utf8Path::from_path(folder.path()).unwrap();
        lay_out(root).unwrap();
        fs_err::write(root.join("etc/passwd"), "mine").unwrap();
        lay_out(root).unwrap();
        assert!(root.join("usr/local/bin").is_dir());
        assert_eq!(fs_err::read_to_string(root.join("etc/passwd")).unwrap(), "mine");
    }
}
