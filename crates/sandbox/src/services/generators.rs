//! Programs of packages that are run before unit files are read: generators, which write more of
//! them, and `systemd-tmpfiles`, which makes what services need below `/run`.
//!
//! systemd's own generators are about disks, consoles and the early boot; they are left out.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use camino::{Utf8Path, Utf8PathBuf};

use super::condition::in_root;

const FOLDERS: [&str; 5] = [
    "/etc/systemd/system-generators",
    "/run/systemd/system-generators",
    "/usr/local/lib/systemd/system-generators",
    "/usr/lib/systemd/system-generators",
    "/lib/systemd/system-generators",
];
const OUTPUTS: [&str; 3] =
    ["/run/systemd/generator", "/run/systemd/generator.early", "/run/systemd/generator.late"];
const TMPFILES: &str = "/usr/bin/systemd-tmpfiles";
/// The manager waits for them, so they may not take long.
const PATIENCE: Duration = Duration::from_secs(3);
const POLL_PERIOD: Duration = Duration::from_millis(2);

/// Runs the generators of packages, in place of what they wrote the last time.
pub(crate) fn generate(root: &Utf8Path) {
    let outputs = OUTPUTS.map(|output| in_root(root, output));
    let generators = found(root);
    if generators.is_empty() {
        return;
    }
    for output in &outputs {
        let _ = fs_err::remove_dir_all(output);
        let _ = fs_err::create_dir_all(output);
    }
    let started = generators.iter().filter_map(|generator| {
        let mut command = Command::new(generator);
        command.args(&outputs);
        start(command)
    });
    let started: Vec<Child> = started.collect();
    wait(started);
}

/// Makes, at the start of a machine, what `tmpfiles.d` asks for.
pub(crate) fn make_temporary_files(root: &Utf8Path) {
    // It takes the machine's own files only where the root is the machine's.
    if root != "/" || !Utf8Path::new(TMPFILES).exists() {
        return;
    }
    let mut command = Command::new(TMPFILES);
    command.args(["--create", "--remove", "--boot", "--exclude-prefix=/dev", "--exclude-prefix=/tmp"]);
    wait(start(command).into_iter().collect());
}

fn found(root: &Utf8Path) -> Vec<Utf8PathBuf> {
    let mut names = Vec::new();
    let mut found = Vec::new();
    for folder in FOLDERS {
        for entry in in_root(root, folder).read_dir_utf8().into_iter().flatten().flatten() {
            let name = entry.file_name().to_owned();
            let is_own = name.starts_with("systemd-") || name == "netplan";
            if !is_own && !names.contains(&name) {
                names.push(name);
                // A mask leads to /dev/null, which is no file.
                if entry.path().is_file() {
                    found.push(entry.path().to_owned());
                }
            }
        }
    }
    found
}

fn start(mut command: Command) -> Option<Child> {
    command.env_clear().env("PATH", super::plan::PATH);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().ok()
}

/// Waits for all, and ends what takes too long.
fn wait(mut children: Vec<Child>) {
    let deadline = Instant::now() + PATIENCE;
    while !children.is_empty() {
        children.retain_mut(|child| matches!(child.try_wait(), Ok(None)));
        if Instant::now() > deadline {
            for child in &mut children {
                let _ = child.kill().and_then(|()| child.wait());
            }
            return;
        }
        std::thread::sleep(POLL_PERIOD);
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn generators_write_units_anew() {
        let folder = tempfile::tempdir().unwrap();
        let root = Utf8Path::from_path(folder.path()).unwrap();
        let generators = root.join("usr/lib/systemd/system-generators");
        fs_err::create_dir_all(&generators).unwrap();
        for (name, script) in [
            ("database", "#!/bin/sh\necho '[Unit]' > $1/database.target\n"),
            ("systemd-own", "#!/bin/sh\ntouch $1/own.target\n"),
        ] {
            fs_err::write(generators.join(name), script).unwrap();
            fs_err::set_permissions(generators.join(name), std::fs::Permissions::from_mode(0o755)).unwrap();
        }
        let output = root.join("run/systemd/generator");
        fs_err::create_dir_all(&output).unwrap();
        fs_err::write(output.join("old.target"), "").unwrap();
        generate(root);
        let names: Vec<String> =
            output.read_dir_utf8().unwrap().map(|entry| entry.unwrap().file_name().to_owned()).collect();
        assert_eq!(names, ["database.target"]);
    }
}
