//! Runs the programs that a recipe needs, each bounded and with the host read-only.

use std::ffi::OsString;
use std::time::Duration;

use camino::{Utf8Path, Utf8PathBuf};
use charmproof_sandbox::{CommandSpec, DiskLimit, Ended, Isolation, Limits, LogTarget, Namespaces};

use crate::error::RecipeError;
use crate::settings::Builder;

/// How many of the last lines an error shows.
const SAID_LINES: usize = 15;
const MIB: u64 = 1 << 20;
const WALL: Duration = Duration::from_mins(10);
const MEMORY_MIB: u64 = 4096;
const DISK_MIB: u64 = 8192;

/// Runs the steps of one recipe.
pub(super) struct Steps<'a> {
    pub(super) builder: &'a Builder,
    /// What is written to besides `writable`: logs, a home, a folder for temporary files.
    pub(super) folder: Utf8PathBuf,
    /// The only place that is kept.
    pub(super) writable: &'a Utf8Path,
}

/// One program.
pub(super) struct Step<'a> {
    /// What it is for, as in `installing Python packages`.
    pub(super) what: &'static str,
    pub(super) program: &'a Utf8Path,
    pub(super) arguments: &'a [String],
    pub(super) variables: &'a [(&'a str, &'a str)],
    /// What has to be seen although it may lie in `/tmp`.
    pub(super) visible: &'a [&'a Utf8Path],
    /// Trees that it writes to besides the two of all steps.
    pub(super) writable: &'a [&'a Utf8Path],
}

impl<'a> Steps<'a> {
    /// Makes the folders that steps need, in `folder`.
    pub(super) fn begin(
        builder: &'a Builder,
        folder: Utf8PathBuf,
        writable: &'a Utf8Path,
    ) -> Result<Self, RecipeError> {
        for name in ["home", "tmp"] {
            fs_err::create_dir_all(folder.join(name))?;
        }
        Ok(Self { builder, folder, writable })
    }

    /// Runs one program to its good end, and returns what it said.
    pub(super) fn run(&self, step: &Step<'_>) -> Result<String, RecipeError> {
        let log = self.folder.join("log.txt");
        let mut environment = self.builder.environment.clone();
        environment.insert("HOME".into(), self.folder.join("home").into_string());
        environment.insert("PATH".into(), self.builder.search_path.clone());
        environment.extend(step.variables.iter().map(|(name, value)| ((*name).into(), (*value).into())));
        // What variables name, such as certificates and folders with packages, may lie in `/tmp`.
        let named = self.builder.environment.values().map(|value| Utf8Path::new(value.as_str()));
        let named = named.filter(|path| path.is_absolute());
        let visible = step.visible.iter().copied().chain(named).filter(|path| path.exists());
        let writable =
            [self.folder.as_path(), self.writable].into_iter().chain(step.writable.iter().copied());
        let spec = CommandSpec {
            program: OsString::from(step.program.as_str()),
            arguments: step.arguments.iter().map(OsString::from).collect(),
            working_directory: self.folder.clone(),
            environment,
            isolation: Isolation {
                namespaces: Namespaces::Preferred,
                private_processes: true,
                read_only_host: true,
                keeps_capabilities: false,
                writable: writable.map(Utf8Path::to_owned).collect(),
                visible: visible.map(Utf8Path::to_owned).collect(),
                hidden: self.builder.hidden.clone(),
                private_tmp: Some(self.folder.join("tmp")),
            },
            limits: Limits {
                memory_bytes: Some(MEMORY_MIB * MIB),
                processes: Some(512),
                disk: Some(DiskLimit {
                    path: self.writable.to_owned(),
                    bytes_max: Some(DISK_MIB * MIB),
                    free_bytes_min: Some(256 * MIB),
                }),
                ..Limits::wall(WALL)
            },
            log: LogTarget::new(log.clone()),
        };
        let record = self
            .builder
            .launcher
            .run(&spec, &self.builder.cancel)
            .map_err(|source| RecipeError::Sandbox { step: step.what, source })?;
        let text = String::from_utf8_lossy(&fs_err::read(&log).unwrap_or_default()).into_owned();
        let why = match record.ended {
            Ended::Exited { code: 0 } => return Ok(text),
            Ended::Exited { code } => format!("it ended with status {code}"),
            Ended::Signalled { signal } => format!("signal {signal} ended it"),
            Ended::TimedOut { .. } | Ended::Silent { .. } => {
                format!("it took longer than {} minutes", WALL.as_secs() / 60)
            }
            Ended::OutOfMemory { .. } => format!("it wanted more than {MEMORY_MIB} MiB of memory"),
            Ended::TooManyProcesses { limit } => format!("it wanted more than {limit} processes"),
            Ended::DiskFull { free_bytes, .. } => {
                format!("the disk is full, with {} MiB left", free_bytes / MIB)
            }
            Ended::Cancelled => "it was stopped".to_owned(),
        };
        let lines: Vec<&str> = text.trim_end().lines().collect();
        let said = lines[lines.len().saturating_sub(SAID_LINES)..].join("\n");
        Err(RecipeError::Step { step: step.what, why, said, log })
    }
}
