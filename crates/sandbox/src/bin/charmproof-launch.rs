//! The launcher for the tests of this crate, and a driver for it.
//!
//! `charmproof-launch` is the launcher. `charmproof-launch run <file>` runs the
//! command specification in a JSON file and prints the record, so that a test
//! can do that as another user, or kill it. `charmproof-launch probe` prints
//! what the host allows. `charmproof-launch machine <file>` starts the machine in a JSON file,
//! runs a program in it, prints what became of it, and holds the machine until its input closes.
//! `charmproof-launch services <root> <folder>` runs the services of the unit files in a root
//! folder until SIGTERM, and `charmproof-launch programs <root>` puts `systemctl` there.

use std::io::Read;
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::process::ExitCode;

use camino::Utf8PathBuf;
use charmproof_sandbox::machine::{
    MachineExec, MachineLevel, MachineNetwork, MachineSpec, NetworkSpec, RootSpec, Visit,
};
use charmproof_sandbox::services::{ServicesSettings, install_programs, services_main};
use charmproof_sandbox::{CancelToken, CommandSpec, Launcher, launcher_main};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let answer = match words.as_slice() {
        [] => return ExitCode::from(launcher_main() as u8),
        ["run", file] => run(file, false),
        ["run-without-cgroups", file] => run(file, true),
        ["probe"] => probe(),
        ["machine", file] => machine(file),
        ["visit", visit, program, arguments @ ..] => enter(visit, program, arguments),
        ["services", root, folder] => return services(root, folder),
        ["programs", root] => programs(root),
        _ => Err(format!("unknown arguments {words:?}").into()),
    };
    match answer {
        Ok(text) => {
            println(&text);
            ExitCode::SUCCESS
        }
        Err(error) => {
            println(&format!("error: {error}"));
            ExitCode::FAILURE
        }
    }
}

fn services(root: &str, folder: &str) -> ExitCode {
    let settings = ServicesSettings {
        root: root.into(),
        folder: folder.into(),
        serves_syslog: false,
        has_single_user: false,
    };
    ExitCode::from(services_main(settings) as u8)
}

fn programs(root: &str) -> Answer {
    install_programs(root.into())?;
    Ok("done".to_owned())
}

type Answer = Result<String, Box<dyn std::error::Error>>;

fn launcher() -> Result<Launcher, Box<dyn std::error::Error>> {
    Ok(Launcher::new(Utf8PathBuf::try_from(std::env::current_exe()?)?, Vec::new()))
}

fn run(file: &str, without_cgroups: bool) -> Answer {
    let spec: CommandSpec = serde_json::from_slice(&fs_err::read(file)?)?;
    let mut launcher = launcher()?;
    if without_cgroups {
        launcher = launcher.without_cgroups();
    }
    Ok(serde_json::to_string(&launcher.run(&spec, &CancelToken::new()?)?)?)
}

fn probe() -> Answer {
    Ok(serde_json::to_string_pretty(&launcher()?.probe()?)?)
}

/// A machine, and a program to run in it.
#[derive(serde::Deserialize)]
struct Scene {
    layers: Vec<Utf8PathBuf>,
    kept: Utf8PathBuf,
    level: Option<MachineLevel>,
    has_network: bool,
    #[serde(default)]
    has_services: bool,
    memory_bytes: Option<u64>,
    processes: Option<u32>,
    argv: Vec<String>,
}

fn machine(file: &str) -> Answer {
    let scene: Scene = serde_json::from_slice(&fs_err::read(file)?)?;
    let mut launcher = launcher()?;
    if let Some(level) = scene.level {
        launcher = launcher.with_machine_level(level);
    }
    let root = RootSpec { layers: scene.layers, kept: scene.kept.clone() };
    let mut spec = MachineSpec::new("unit-0", root, scene.kept.with_extension("log"));
    spec.limits.memory_bytes = scene.memory_bytes;
    spec.limits.processes = scene.processes;
    spec.has_services = scene.has_services;
    let mut visit = None;
    if scene.has_network {
        let network = launcher.network(&NetworkSpec::default())?;
        let address = network.free_address().ok_or("no address is free")?;
        visit = Some(network.visit());
        spec.network = MachineNetwork::Own { network, address };
    }
    let machine = launcher.machine(&spec)?;
    let output = scene.kept.with_extension("out");
    let stdio = || -> Result<[OwnedFd; 3], std::io::Error> {
        let write = || fs_err::OpenOptions::new().create(true).append(true).open(&output);
        let file = |file: fs_err::File| OwnedFd::from(file.into_parts().0);
        Ok([file(fs_err::File::open("/dev/null")?), file(write()?), file(write()?)])
    };
    let mut exec = MachineExec::new(scene.argv, stdio()?);
    exec.env.extend(std::env::vars().filter(|(name, _)| name.starts_with("SCENE_")));
    let process = machine.exec(exec)?;
    let exit = process.wait_for(std::time::Duration::from_mins(2));
    let protection = machine.protection();
    println(&serde_json::to_string(&serde_json::json!({
        "exit": exit,
        "output": fs_err::read_to_string(&output)?,
        "level": protection.level,
        "notes": protection.notes,
        "memory": protection.memory,
        "address": machine.address(),
        "visit": visit,
    }))?);
    std::io::stdin().read_to_end(&mut Vec::new())?;
    drop(machine);
    launcher.remove_kept(&scene.kept)?;
    Ok("ended".to_owned())
}

/// Becomes a program where the bridges are.
fn enter(visit: &str, program: &str, arguments: &[&str]) -> Answer {
    serde_json::from_str::<Visit>(visit)?.enter()?;
    Err(std::process::Command::new(program).args(arguments).exec().into())
}

#[expect(clippy::print_stdout, reason = "this is a program for tests, whose output is its answer")]
fn println(text: &str) {
    println!("{text}");
}
