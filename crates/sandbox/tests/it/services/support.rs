//! A manager of services in a process of its own, and the real `systemctl` that asks it.

use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use camino::{Utf8Path, Utf8PathBuf};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::case::{BINARY, LIMIT};

/// What a program said.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Said {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// A manager with a root folder that goes away.
pub(crate) struct Manager {
    directory: tempfile::TempDir,
    child: Option<Child>,
}

impl Manager {
    /// Starts a manager over unit files, by their names in `/etc/systemd/system`. In their texts,
    /// `DIR` is a folder that is theirs.
    pub(crate) fn start(units: &[(&str, &str)]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mut manager = Self { directory, child: None };
        for folder in ["etc/systemd/system", "run", "usr/bin", "work"] {
            fs_err::create_dir_all(manager.root().join(folder)).unwrap();
        }
        for file in ["/etc/passwd", "/etc/group"] {
            fs_err::copy(file, manager.root().join(&file[1..])).unwrap();
        }
        for (name, text) in units {
            manager.write(name, text);
        }
        let done = Command::new(BINARY).args(["programs", manager.root().as_str()]).output().unwrap();
        assert!(done.status.success(), "{done:?}");
        let folder = manager.root().join("run/charmproof");
        let mut command = Command::new(BINARY);
        command.args(["services", manager.root().as_str(), folder.as_str()]).stdin(Stdio::null());
        manager.child = Some(command.spawn().unwrap());
        manager.until(|manager| manager.systemctl("is-system-running").stdout.contains("running"));
        manager
    }

    pub(crate) fn root(&self) -> &Utf8Path {
        Utf8Path::from_path(self.directory.path()).unwrap()
    }

    /// The folder that is `DIR` in unit files.
    pub(crate) fn work(&self) -> Utf8PathBuf {
        self.root().join("work")
    }

    fn socket(&self) -> Utf8PathBuf {
        self.root().join("run/charmproof/services.socket")
    }

    /// Writes a unit file.
    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.root().join("etc/systemd/system").join(name);
        fs_err::create_dir_all(path.parent().unwrap()).unwrap();
        fs_err::write(path, text.replace("DIR", self.work().as_str())).unwrap();
    }

    /// Runs one of the programs with arguments.
    pub(crate) fn run(&self, program: &str, arguments: &str) -> Said {
        let output = Command::new(self.root().join("usr/lib/charmproof/systemctl"))
            .arg0(program)
            .args(arguments.split_ascii_whitespace())
            .env("CHARMPROOF_SERVICES_SOCKET", self.socket())
            .output()
            .unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap().replace(self.root().as_str(), "");
        Said { code: output.status.code().unwrap(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }

    pub(crate) fn systemctl(&self, arguments: &str) -> Said {
        self.run("systemctl", arguments)
    }

    /// Runs `systemctl`, which has to succeed.
    #[track_caller]
    pub(crate) fn well(&self, arguments: &str) -> String {
        let said = self.systemctl(arguments);
        assert_eq!((said.code, said.stderr.as_str()), (0, ""), "systemctl {arguments}: {}", said.stdout);
        said.stdout
    }

    /// One property of a unit.
    pub(crate) fn property(&self, unit: &str, name: &str) -> String {
        self.systemctl(&format!("show {unit} --property {name} --value")).stdout.trim_end().to_owned()
    }

    /// Waits until something holds.
    #[track_caller]
    pub(crate) fn until(&self, holds: impl Fn(&Self) -> bool) {
        let begin = Instant::now();
        while !holds(self) {
            assert!(begin.elapsed() < LIMIT, "it does not come to hold");
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
    }

    /// Ends the manager in order.
    pub(crate) fn stop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = kill(Pid::from_raw(child.id().cast_signed()), Signal::SIGTERM);
            child.wait().unwrap();
        }
    }
}

impl Drop for Manager {
    fn drop(&mut self) {
        self.stop();
    }
}
