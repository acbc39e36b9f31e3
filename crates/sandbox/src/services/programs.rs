//! The programs that a machine without systemd is given: `systemctl`, `journalctl`, `service`.

use std::io;
use std::os::unix::fs::PermissionsExt as _;

use camino::Utf8Path;

use super::condition::in_root;

/// The program behind all of them.
const PROGRAM: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/systemctl"));
/// Where it is, and what leads to it.
const HOME: &str = "/usr/lib/charmproof/systemctl";
const NAMES: [&str; 2] = ["/usr/bin/systemctl", "/usr/bin/journalctl"];
/// Made only where they are missing: packages have better ones.
const FALLBACKS: [&str; 6] = [
    "/usr/sbin/service",
    "/sbin/init",
    "/usr/sbin/reboot",
    "/usr/sbin/shutdown",
    "/usr/sbin/poweroff",
    "/usr/sbin/halt",
];
/// How images for containers keep packages from starting services. A machine is no such image.
const POLICY: &str = "/usr/sbin/policy-rc.d";
const DIVERSIONS: &str = "/var/lib/dpkg/diversions";

/// Puts the programs into a root filesystem, and makes it look like one that systemd runs.
///
/// The packages' own programs are kept beside them, and `dpkg` is told, so that a package that
/// brings a `systemctl` does not put it in place of ours.
pub fn install_programs(root: &Utf8Path) -> io::Result<()> {
    let home = in_root(root, HOME);
    // The first time only: later it is a charm's own.
    let policy = in_root(root, POLICY);
    if !home.exists() && policy.symlink_metadata().is_ok() {
        fs_err::rename(&policy, in_root(root, &format!("{POLICY}.distrib")))?;
    }
    if let Some(folder) = home.parent() {
        fs_err::create_dir_all(folder)?;
    }
    fs_err::write(&home, PROGRAM)?;
    fs_err::set_permissions(&home, std::fs::Permissions::from_mode(0o755))?;
    for name in NAMES {
        let path = in_root(root, name);
        if path.read_link_utf8().is_ok_and(|target| target == HOME) {
            continue;
        }
        if path.symlink_metadata().is_ok() {
            fs_err::rename(&path, in_root(root, &format!("{name}.distrib")))?;
        } else if let Some(folder) = path.parent() {
            fs_err::create_dir_all(folder)?;
        }
        fs_err::os::unix::fs::symlink(HOME, &path)?;
    }
    for name in FALLBACKS {
        let path = in_root(root, name);
        if path.symlink_metadata().is_err() && path.parent().is_some_and(Utf8Path::is_dir) {
            fs_err::os::unix::fs::symlink(HOME, &path)?;
        }
    }
    divert(root)?;
    // By this folder programs tell that systemd runs.
    fs_err::create_dir_all(in_root(root, "/run/systemd/system"))
}

/// Notes in dpkg's own list that our programs stand in for those of packages.
fn divert(root: &Utf8Path) -> io::Result<()> {
    let path = in_root(root, DIVERSIONS);
    if !path.parent().is_some_and(Utf8Path::is_dir) {
        return Ok(());
    }
    let mut text = match crate::plain::read_text(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(error),
    };
    let mut is_changed = false;
    for name in NAMES {
        // Packages of releases before the merge of /usr have them in /bin.
        for name in [name.to_owned(), name.replacen("/usr", "", 1)] {
            let entry = format!("{name}\n{name}.distrib\n:\n");
            if !text.lines().any(|line| line == name) {
                text += &entry;
                is_changed = true;
            }
        }
    }
    if is_changed { fs_err::write(&path, text) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn programs_are_put_in_place_once() {
        let folder = tempfile::tempdir().unwrap();
        let root = Utf8Path::from_path(folder.path()).unwrap();
        for path in ["usr/bin", "usr/sbin", "sbin", "var/lib/dpkg"] {
            fs_err::create_dir_all(root.join(path)).unwrap();
        }
        fs_err::write(root.join("usr/bin/systemctl"), "the package's").unwrap();
        fs_err::write(root.join("usr/sbin/service"), "the package's").unwrap();
        fs_err::write(root.join("usr/sbin/policy-rc.d"), "the image's").unwrap();
        install_programs(root).unwrap();
        assert!(!root.join("usr/sbin/policy-rc.d").exists());
        fs_err::write(root.join("usr/sbin/policy-rc.d"), "the charm's").unwrap();
        install_programs(root).unwrap();
        assert!(root.join("usr/sbin/policy-rc.d").exists());
        let read = |path: &str| fs_err::read_to_string(root.join(path)).unwrap();
        assert_eq!(root.join("usr/bin/systemctl").read_link_utf8().unwrap(), HOME);
        assert_eq!(read("usr/bin/systemctl.distrib"), "the package's");
        assert_eq!(read("usr/sbin/service"), "the package's");
        assert_eq!(root.join("sbin/init").read_link_utf8().unwrap(), HOME);
        assert!(
            read("var/lib/dpkg/diversions")
                .starts_with("/usr/bin/systemctl\n/usr/bin/systemctl.distrib\n:\n")
        );
        assert_eq!(read("var/lib/dpkg/diversions").lines().count(), 12);
        assert!(root.join("run/systemd/system").is_dir());
    }

    #[test]
    fn without_a_manager_systemctl_says_what_systemd_says() {
        let folder = tempfile::tempdir().unwrap();
        let root = Utf8Path::from_path(folder.path()).unwrap();
        install_programs(root).unwrap();
        let output = Command::new(root.join("usr/lib/charmproof/systemctl"))
            .env("CHARMPROOF_SERVICES_SOCKET", "/nowhere/socket")
            .arg0("systemctl")
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(1));
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert!(
            stderr.starts_with("System has not been booted with systemd as init system (PID 1)."),
            "{stderr}"
        );
    }

    use std::os::unix::process::CommandExt as _;
}
