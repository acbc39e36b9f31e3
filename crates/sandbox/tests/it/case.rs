//! One command in a directory of its own.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use camino::{Utf8Path, Utf8PathBuf};
use charmproof_sandbox::{
    CancelToken, CommandSpec, HostAbilities, Isolation, Launcher, Limits, LogTarget, Namespaces, RunRecord,
    SandboxError,
};

pub(crate) const BINARY: &str = env!("CARGO_BIN_EXE_charmproof-launch");
/// No wait in these tests is longer than this.
pub(crate) const LIMIT: Duration = Duration::from_secs(30);

/// How much of the host's abilities is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    Full,
    /// Neither namespaces nor control groups.
    Bare,
}

pub(crate) const BOTH: [Mode; 2] = [Mode::Full, Mode::Bare];

/// A command, and the directory that is all it may write.
pub(crate) struct Case {
    directory: tempfile::TempDir,
    pub(crate) mode: Mode,
    pub(crate) spec: CommandSpec,
}

impl Case {
    /// A command in `mode`, with a minute to live.
    pub(crate) fn new(mode: Mode, program: &str, arguments: &[&str]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let root = Utf8Path::from_path(directory.path()).unwrap().canonicalize_utf8().unwrap();
        // For the tests that run as somebody else.
        open_to_all(&root);
        for name in ["work", "tmp"] {
            fs_err::create_dir(root.join(name)).unwrap();
            open_to_all(&root.join(name));
        }
        let full = mode == Mode::Full;
        let isolation = Isolation {
            namespaces: if full { Namespaces::Preferred } else { Namespaces::Off },
            private_processes: true,
            read_only_host: true,
            writable: vec![root.join("work")],
            private_tmp: Some(root.join("tmp")),
            ..Isolation::default()
        };
        let spec = CommandSpec {
            program: program.into(),
            arguments: arguments.iter().map(OsString::from).collect(),
            working_directory: root.join("work"),
            environment: BTreeMap::from([("PATH".to_owned(), std::env::var("PATH").unwrap())]),
            isolation,
            limits: Limits { grace: Duration::from_millis(300), ..Limits::wall(Duration::from_mins(1)) },
            log: LogTarget::new(root.join("logs/command.log")),
        };
        Self { directory, mode, spec }
    }

    pub(crate) fn shell(mode: Mode, script: &str) -> Self {
        Self::new(mode, "sh", &["-c", script])
    }

    pub(crate) fn python(mode: Mode, script: &str) -> Self {
        Self::new(mode, "python3", &["-c", script])
    }

    pub(crate) fn root(&self) -> &Utf8Path {
        Utf8Path::from_path(self.directory.path()).unwrap()
    }

    pub(crate) fn launcher(&self) -> Launcher {
        let launcher = Launcher::new(Utf8PathBuf::from(BINARY), Vec::new());
        if self.mode == Mode::Full { launcher } else { launcher.without_cgroups() }
    }

    #[must_use]
    pub(crate) fn run(&self) -> RunRecord {
        self.try_run().unwrap()
    }

    pub(crate) fn try_run(&self) -> Result<RunRecord, SandboxError> {
        self.launcher().run(&self.spec, &CancelToken::new().unwrap())
    }

    /// Returns a process that runs the command and prints the record.
    pub(crate) fn driver(&self) -> Command {
        let spec = self.root().join("spec.json");
        fs_err::write(&spec, serde_json::to_vec(&self.spec).unwrap()).unwrap();
        // Where everybody may execute it.
        let binary = self.root().join("charmproof-launch");
        if !binary.exists() {
            fs_err::copy(BINARY, &binary).unwrap();
        }
        let word = if self.mode == Mode::Full { "run" } else { "run-without-cgroups" };
        let mut command = Command::new(&binary);
        command.arg(word).arg(&spec).current_dir("/").stdin(Stdio::null()).stdout(Stdio::piped());
        command
    }

    pub(crate) fn log(&self) -> String {
        String::from_utf8_lossy(&fs_err::read(&self.spec.log.path).unwrap_or_default()).into_owned()
    }
}

fn open_to_all(path: &Utf8Path) {
    use std::os::unix::fs::PermissionsExt;
    fs_err::set_permissions(path, std::fs::Permissions::from_mode(0o777)).unwrap();
}

/// What this host offers to whoever runs the tests.
pub(crate) fn abilities() -> &'static HostAbilities {
    static ABILITIES: OnceLock<HostAbilities> = OnceLock::new();
    ABILITIES.get_or_init(|| Launcher::new(Utf8PathBuf::from(BINARY), Vec::new()).probe().unwrap())
}

/// Returns a time to sleep, in seconds, that no other process sleeps.
pub(crate) fn unique_sleep() -> String {
    static COUNTER: AtomicU32 = AtomicU32::new(0);
    format!("86{:07}.{:03}", std::process::id(), COUNTER.fetch_add(1, Ordering::Relaxed))
}

/// Returns how many processes have this among their arguments.
pub(crate) fn running(argument: &str) -> usize {
    let has = |pid: &std::ffi::OsStr| {
        let arguments = fs_err::read(format!("/proc/{}/cmdline", pid.to_string_lossy())).unwrap_or_default();
        arguments.split(|&byte| byte == 0).any(|word| word == argument.as_bytes())
    };
    let entries = fs_err::read_dir("/proc").unwrap().flatten();
    entries.filter(|entry| has(&entry.file_name())).count()
}

/// Waits until `condition` holds.
#[track_caller]
pub(crate) fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + LIMIT;
    while !condition() {
        assert!(Instant::now() < deadline, "waited in vain until {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}
