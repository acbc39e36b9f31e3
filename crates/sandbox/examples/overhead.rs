//! Measures what a run of `true` costs over starting it directly.

use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use camino::Utf8PathBuf;
use charmproof_sandbox::{
    CancelToken, CommandSpec, Isolation, Launcher, Limits, LogTarget, Namespaces, launcher_main,
};

const ROUNDS: usize = 100;

fn main() -> ExitCode {
    if std::env::args().nth(1).as_deref() == Some("__launch") {
        return ExitCode::from(launcher_main() as u8);
    }
    let directory =
        Utf8PathBuf::try_from(std::env::temp_dir().join(format!("overhead-{}", std::process::id())));
    let directory = directory.expect("a temporary directory with a readable name");
    fs_err::create_dir_all(directory.join("tmp")).expect("a writable temporary directory");
    let itself =
        Utf8PathBuf::try_from(std::env::current_exe().expect("our own path")).expect("a readable path");
    let cancel = CancelToken::new().expect("a pipe");
    let spec = |namespaces| CommandSpec {
        program: "/bin/true".into(),
        arguments: Vec::new(),
        working_directory: "/".into(),
        environment: [].into(),
        isolation: Isolation {
            namespaces,
            private_processes: true,
            read_only_host: true,
            writable: vec![directory.clone()],
            private_tmp: Some(directory.join("tmp")),
            ..Isolation::default()
        },
        limits: Limits {
            memory_bytes: Some(1 << 30),
            processes: Some(100),
            ..Limits::wall(Duration::from_secs(9))
        },
        log: LogTarget::new(directory.join("log")),
    };
    measure("directly", || drop(Command::new("/bin/true").status()));
    for namespaces in [Namespaces::Preferred, Namespaces::Off] {
        for cgroups in [true, false] {
            let launcher = Launcher::new(itself.clone(), vec!["__launch".to_owned()]);
            let launcher = if cgroups { launcher } else { launcher.without_cgroups() };
            let spec = spec(namespaces);
            let name = format!("namespaces {namespaces:?}, control groups {cgroups}");
            measure(&name, || {
                let record = launcher.run(&spec, &cancel).expect("a run of `true`");
                assert!(record.ended.is_success());
            });
        }
    }
    drop(fs_err::remove_dir_all(directory));
    ExitCode::SUCCESS
}

#[expect(clippy::print_stdout, reason = "a measurement for people")]
fn measure(name: &str, work: impl Fn()) {
    let mut times: Vec<Duration> = (0..ROUNDS)
        .map(|_| {
            let start = Instant::now();
            work();
            start.elapsed()
        })
        .collect();
    times.sort_unstable();
    println!("{name}: median {:.1?}, 95 % under {:.1?}", times[ROUNDS / 2], times[ROUNDS * 95 / 100]);
}
