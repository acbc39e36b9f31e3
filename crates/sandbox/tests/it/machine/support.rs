//! Machines in a folder that goes away, and programs in them.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::time::Duration;

use camino::{Utf8Path, Utf8PathBuf};
use charmproof_sandbox::Launcher;
use charmproof_sandbox::machine::{
    Exit, Machine, MachineExec, MachineNetwork, MachineProcess, MachineSpec, Network, NetworkSpec, RootSpec,
    User,
};

use crate::case::BINARY;

/// No program in these tests runs longer.
pub(crate) const LIMIT: Duration = Duration::from_mins(1);

/// A place for machines.
pub(crate) struct Place {
    pub(crate) launcher: Launcher,
    pub(crate) directory: tempfile::TempDir,
}

impl Place {
    /// Most of these tests ask for what only root gets: the host reaching machines, devices,
    /// other levels. `make test` runs them as root; [`super::levels`] has those for everybody.
    pub(crate) fn of_root() -> Option<Self> {
        nix::unistd::geteuid().is_root().then(Self::new)
    }

    pub(crate) fn new() -> Self {
        Self {
            launcher: Launcher::new(Utf8PathBuf::from(BINARY), Vec::new()),
            directory: tempfile::tempdir().unwrap(),
        }
    }

    pub(crate) fn root(&self) -> &Utf8Path {
        Utf8Path::from_path(self.directory.path()).unwrap()
    }

    /// Describes a machine with the host's userland and the host's network.
    pub(crate) fn spec(&self, name: &str) -> MachineSpec {
        let root = RootSpec { layers: vec!["/".into()], kept: self.root().join(name) };
        MachineSpec::new(name, root, self.root().join(format!("{name}.log")))
    }

    pub(crate) fn machine(&self, name: &str) -> Machine {
        self.launcher.machine(&self.spec(name)).unwrap()
    }

    pub(crate) fn network(&self) -> Network {
        self.launcher.network(&NetworkSpec::default()).unwrap()
    }

    /// Starts a machine with an address of its own.
    pub(crate) fn machine_in(&self, name: &str, network: &Network) -> Machine {
        let mut spec = self.spec(name);
        let address = network.free_address().unwrap();
        spec.network = MachineNetwork::Own { network: network.clone(), address };
        self.launcher.machine(&spec).unwrap()
    }
}

pub(crate) fn null() -> OwnedFd {
    let file = fs_err::OpenOptions::new().read(true).write(true).open("/dev/null").unwrap();
    file.into_parts().0.into()
}

/// A program with what it reads and writes.
pub(crate) struct Program {
    pub(crate) process: MachineProcess,
    pub(crate) input: Option<File>,
    output: File,
}

impl Program {
    /// Closes its input and returns all that it writes, and how it ends.
    pub(crate) fn finish(mut self) -> (String, Exit) {
        drop(self.input.take());
        let mut text = String::new();
        self.output.read_to_string(&mut text).unwrap();
        (text, self.process.wait_for(LIMIT).expect("it ends"))
    }

    /// Returns its next line.
    pub(crate) fn line(&mut self) -> String {
        let mut line = Vec::new();
        let mut byte = [0];
        while self.output.read(&mut byte).unwrap() == 1 && byte[0] != b'\n' {
            line.push(byte[0]);
        }
        String::from_utf8(line).unwrap()
    }
}

pub(crate) fn start_as(machine: &Machine, user: User, argv: &[&str]) -> Program {
    let (their_input, input) = std::io::pipe().unwrap();
    let (output, their_output) = std::io::pipe().unwrap();
    let error = their_output.try_clone().unwrap();
    let stdio = [their_input.into(), their_output.into(), error.into()];
    let mut exec = MachineExec::new(argv.iter().copied(), stdio);
    exec.user = user;
    let process = machine.exec(exec).unwrap();
    Program {
        process,
        input: Some(File::from(OwnedFd::from(input))),
        output: File::from(OwnedFd::from(output)),
    }
}

pub(crate) fn start(machine: &Machine, script: &str) -> Program {
    start_as(machine, User::Root, &["sh", "-c", script])
}

/// Runs a script to its end.
pub(crate) fn sh(machine: &Machine, script: &str) -> (String, Exit) {
    start(machine, script).finish()
}

/// Runs a script that must do well, and returns what it wrote.
#[track_caller]
pub(crate) fn well(machine: &Machine, script: &str) -> String {
    let (text, exit) = sh(machine, script);
    assert_eq!(exit, Exit::Code(0), "{script}: {text}");
    text
}

/// Runs a script with something to read.
pub(crate) fn feed(machine: &Machine, script: &str, input: &[u8]) -> (String, Exit) {
    let mut program = start(machine, script);
    program.input.as_mut().unwrap().write_all(input).unwrap();
    program.finish()
}
