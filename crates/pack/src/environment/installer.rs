//! uv, in the sandbox and within limits.
//!
//! It sees the host read-only and writes into the cache alone; what a package's build tries
//! beyond that fails, and the charm's folder stays as it is.

use std::collections::BTreeMap;
use std::time::Duration;

use camino::{Utf8Path, Utf8PathBuf};
use charmproof_fleet::run::environment::{SECRETS, inherited, of_caches};
use charmproof_sandbox::{CommandSpec, DiskLimit, Ended, Isolation, Limits, LogTarget, Namespaces};

use super::error::{EnvironmentError, Step, shown};
use super::provide::EnvironmentContext;

/// How many of the last lines of uv an error shows.
const SAID_LINES: usize = 20;
const MIB: u64 = 1024 * 1024;

/// What making an environment may take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MakingSettings {
    /// The longest that one call of uv may take.
    pub wall: Duration,
    /// Memory of all that it starts.
    pub memory_mib: u64,
    /// Space on disk of the environment.
    pub disk_mib: u64,
    /// Whether the sandbox's namespaces are used where the host has them.
    pub uses_namespaces: bool,
}

impl Default for MakingSettings {
    fn default() -> Self {
        Self { wall: Duration::from_mins(10), memory_mib: 4096, disk_mib: 4096, uses_namespaces: true }
    }
}

/// One environment in the making.
pub(super) struct Installer<'a> {
    pub(super) context: &'a EnvironmentContext<'a>,
    pub(super) uv: Utf8PathBuf,
    /// The environment's folder in the cache.
    pub(super) folder: &'a Utf8Path,
    /// Where uv is started: the charm's folder, or a copy of it.
    pub(super) working_directory: Utf8PathBuf,
    /// The base interpreter.
    pub(super) python: &'a Utf8Path,
}

/// Whether an index is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asking {
    /// First without: all that is wanted is exact, and what was fetched before is as good.
    OfflineFirst,
    /// First with: newer versions count. Without, where there is no network.
    OnlineFirst,
}

impl Installer<'_> {
    pub(super) fn prefix(&self) -> Utf8PathBuf {
        self.folder.join("venv")
    }

    /// Runs uv until it succeeds, with an index and without. Returns whether the second try was
    /// needed.
    pub(super) fn uv(
        &self,
        step: Step,
        from: &str,
        arguments: &[String],
        asking: Asking,
    ) -> Result<bool, EnvironmentError> {
        let offline = |is_offline: bool| self.once(step, from, arguments, is_offline);
        match asking {
            Asking::OfflineFirst => match offline(true) {
                Ok(()) => Ok(false),
                Err(EnvironmentError::Refused { .. }) => offline(false).map(|()| true),
                Err(error) => Err(error),
            },
            Asking::OnlineFirst => match offline(false) {
                Ok(()) => Ok(false),
                // What uv said about the index is the better message.
                Err(error @ EnvironmentError::Refused { .. }) => {
                    offline(true).map(|()| true).map_err(|_| error)
                }
                Err(error) => Err(error),
            },
        }
    }

    fn once(
        &self,
        step: Step,
        from: &str,
        arguments: &[String],
        is_offline: bool,
    ) -> Result<(), EnvironmentError> {
        let log = self.folder.join("making.log");
        let spec = self.command(arguments, is_offline, &log);
        let record = self
            .context
            .launcher
            .run(&spec, self.context.cancel)
            .map_err(|source| EnvironmentError::Sandbox { step, source })?;
        let said = || {
            let bytes = fs_err::read(&log).unwrap_or_default();
            let text = String::from_utf8_lossy(&bytes);
            let lines: Vec<&str> = text.trim_end().lines().collect();
            lines[lines.len().saturating_sub(SAID_LINES)..].join("\n")
        };
        let ended = |why: String| EnvironmentError::Ended {
            step,
            from: from.to_owned(),
            why,
            said: said(),
            log: log.clone(),
        };
        match record.ended {
            Ended::Exited { code: 0 } => Ok(()),
            Ended::Exited { .. } => {
                Err(EnvironmentError::Refused { step, from: from.to_owned(), said: said(), log: log.clone() })
            }
            Ended::Cancelled => Err(EnvironmentError::Cancelled),
            Ended::Signalled { signal } => Err(ended(format!("signal {signal} ended it"))),
            Ended::TimedOut { after } | Ended::Silent { after } => {
                Err(ended(format!("it took longer than {}", shown(after))))
            }
            Ended::OutOfMemory { .. } => {
                Err(ended(format!("it wanted more than {} MiB of memory", self.context.settings.memory_mib)))
            }
            Ended::TooManyProcesses { limit } => Err(ended(format!("it wanted more than {limit} processes"))),
            Ended::DiskFull { free_bytes, .. } => {
                Err(ended(format!("the disk is full, with {} MiB left", free_bytes / MIB)))
            }
        }
    }

    fn command(&self, arguments: &[String], is_offline: bool, log: &Utf8Path) -> CommandSpec {
        let mut words: Vec<String> = arguments.to_vec();
        if is_offline {
            words.push("--offline".into());
        }
        // A cache may have its tools from elsewhere, by a link.
        let uv = self.uv.canonicalize_utf8().unwrap_or_else(|_| self.uv.clone());
        let mut spec = caged(
            self.context,
            &Caged {
                program: &self.uv,
                arguments: &words,
                working_directory: &self.working_directory,
                folder: self.folder,
                // The common parent of uv's cache and the environments: hard links work within it.
                writable: &self.context.work(),
                visible: &[self.python, &uv],
                log,
            },
        );
        let mut add = |name: &str, value: String| spec.environment.insert(name.into(), value);
        add("UV_PROJECT_ENVIRONMENT", self.prefix().into_string());
        add("UV_PYTHON", self.python.to_string());
        // A charm is started anew for every hook, so its modules had better be compiled.
        add("UV_COMPILE_BYTECODE", "1".into());
        spec
    }
}

/// A program that is run for a charm while it is made.
pub(crate) struct Caged<'a> {
    pub(crate) program: &'a Utf8Path,
    pub(crate) arguments: &'a [String],
    pub(crate) working_directory: &'a Utf8Path,
    /// A folder in the cache with `home` and `tmp`, whose size is bounded.
    pub(crate) folder: &'a Utf8Path,
    /// What it may write to.
    pub(crate) writable: &'a Utf8Path,
    /// What has to be seen besides the working directory.
    pub(crate) visible: &'a [&'a Utf8Path],
    pub(crate) log: &'a Utf8Path,
}

/// The program, in the sandbox: it sees the host, and writes where it may alone.
pub(crate) fn caged(context: &EnvironmentContext<'_>, caged: &Caged<'_>) -> CommandSpec {
    let settings = &context.settings;
    let work = context.work();
    let mut environment: BTreeMap<String, String> = inherited(context.variables, context.home);
    let named: Vec<&Utf8Path> =
        [caged.working_directory].into_iter().chain(caged.visible.iter().copied()).collect();
    let visible = context.visible(&named, &environment);
    environment.extend(of_caches(&work, context.tools.uv_cache()));
    let folder = |name: &str| caged.folder.join(name);
    environment.insert("HOME".into(), folder("home").into_string());
    environment.insert("PATH".into(), context.search_path.to_owned());
    if !settings.uses_namespaces {
        environment.insert("TMPDIR".into(), folder("tmp").into_string());
    }
    CommandSpec {
        program: caged.program.as_std_path().as_os_str().to_owned(),
        arguments: caged.arguments.iter().map(Into::into).collect(),
        working_directory: caged.working_directory.to_owned(),
        environment,
        isolation: Isolation {
            namespaces: if settings.uses_namespaces { Namespaces::Preferred } else { Namespaces::Off },
            private_processes: true,
            read_only_host: true,
            keeps_capabilities: false,
            writable: vec![caged.writable.to_owned()],
            visible,
            hidden: SECRETS.iter().map(|secret| context.home.join(secret)).collect(),
            private_tmp: Some(folder("tmp")),
        },
        limits: Limits {
            memory_bytes: Some(settings.memory_mib * MIB),
            processes: Some(512),
            disk: Some(DiskLimit {
                path: caged.folder.to_owned(),
                bytes_max: Some(settings.disk_mib * MIB),
                free_bytes_min: Some(256 * MIB),
            }),
            ..Limits::wall(settings.wall)
        },
        log: LogTarget::new(caged.log),
    }
}
