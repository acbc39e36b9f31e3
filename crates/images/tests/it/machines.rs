//! Roots as machines of the sandbox begin with them.

use std::io::Read as _;
use std::os::fd::OwnedFd;

use camino::Utf8PathBuf;
use charmproof_images::Root;
use charmproof_sandbox::Launcher;
use charmproof_sandbox::machine::{Bind, Exit, Machine, MachineExec, MachineSpec, RootSpec};

use crate::bases::{base, settings};
use crate::support::{Bench, is_root};

const LAUNCHER: &str = env!("CARGO_BIN_EXE_charmproof-images-launch");

fn start(bench: &Bench, root: &Root, name: &str) -> Machine {
    let kept: Utf8PathBuf = bench.path().join(name);
    fs_err::create_dir_all(&kept).unwrap();
    let layers = root.prepare(&kept.join("upper")).unwrap();
    let log = kept.join("log");
    let mut spec = MachineSpec::new(name, RootSpec { layers, kept }, log);
    let binds = root.binds.iter();
    spec.binds = binds
        .map(|bind| Bind { source: bind.source.clone(), target: bind.target.clone(), is_read_only: true })
        .collect();
    Launcher::new(LAUNCHER.into(), Vec::new()).machine(&spec).unwrap()
}

fn run(machine: &Machine, script: &str) -> String {
    let (mut reader, writer) = std::io::pipe().unwrap();
    let output = OwnedFd::from(writer);
    let nothing = OwnedFd::from(fs_err::File::open("/dev/null").unwrap().into_parts().0);
    let stdio = [nothing, output.try_clone().unwrap(), output];
    let process = machine.exec(MachineExec::new(["sh", "-c", script], stdio)).unwrap();
    let mut text = String::new();
    reader.read_to_string(&mut text).unwrap();
    assert_eq!(process.wait(), Exit::Code(0), "{text}");
    text
}

#[test]
fn a_machine_begins_with_a_base() {
    let bench = Bench::new();
    let (name, channel) = base();
    let root = bench.images_with(settings()).base(name, channel).unwrap();
    let machine = start(&bench, &root, "first");
    let (version, _) = crate::bases::python();
    assert_eq!(
        run(&machine, "python3 -c 'import sys, ssl; print(*sys.version_info[:2])'"),
        format!("{} {}\n", version.0, version.1)
    );
    assert_eq!(run(&machine, "ls -A /home /opt /srv /mnt"), "/home:\nubuntu\n\n/mnt:\n\n/opt:\n\n/srv:\n");
    assert_eq!(run(&machine, "ls /usr/local/bin | grep -vc ^python3 || true"), "0\n");
    assert_eq!(run(&machine, "ls -A /root | grep -v '^[.]pyenv$' | wc -l"), "0\n");
    assert_eq!(
        run(&machine, "echo mine > /usr/bin/mine && echo mine > /etc/mine && cat /usr/bin/mine"),
        "mine\n"
    );
    machine.stop();

    // What it left is there when it starts again, and nowhere else.
    let machine = start(&bench, &root, "first");
    assert_eq!(run(&machine, "cat /usr/bin/mine /etc/mine"), "mine\nmine\n");
    let other = start(&bench, &root, "other");
    assert_eq!(run(&other, "ls /usr/bin/mine /etc/mine 2>&1 | grep -c 'No such'"), "2\n");
    assert!(!std::path::Path::new("/usr/bin/mine").exists());
    if is_root() {
        assert_eq!(
            run(&other, "useradd -m -s /bin/sh worker && su worker -c 'python3 -c \"print(1)\"'"),
            "1\n"
        );
    }
}
