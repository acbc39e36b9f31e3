//! The one way this crate calls git.
//!
//! Every call names its working directory, has a time limit and a limit on
//! output, never prompts, and sees a small, listed part of the environment.
//! There are two kinds:
//!
//! - [`Git::command`] sees the user's own configuration (`url.*.insteadOf`,
//!   proxies, certificates), because people behind a proxy need it. Hooks,
//!   `fsmonitor`, credential helpers and command-running transports are off.
//! - [`Git::isolated`] sees no configuration but the repository's own, for work
//!   in directories this tool made: no filter, no line-ending rule and no
//!   template of the user's can change what is written there.

mod run;

use std::ffi::{OsStr, OsString};
use std::sync::OnceLock;
use std::time::Duration;

use camino::Utf8Path;
use thiserror::Error;

/// Asks whether to stop. Called often; must be quick.
pub type CancelCheck<'a> = &'a (dyn Fn() -> bool + Sync);

/// Why a call of git gave no result.
#[derive(Debug, Error)]
pub enum GitError {
    /// git is not there or cannot be run.
    #[error("failed to run `{command}`")]
    Start {
        /// The call, shortened.
        command: String,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// It ended with an error.
    #[error("`{command}` failed: {}", summary(stderr))]
    Failed {
        /// The call, shortened.
        command: String,
        /// The exit code, if it was not killed.
        code: Option<i32>,
        /// What it said, at most 64 KiB.
        stderr: String,
    },
    /// It took longer than allowed and was ended with all its children.
    #[error("`{command}` was ended after {} s", after.as_secs())]
    TimedOut {
        /// The call, shortened.
        command: String,
        /// The limit.
        after: Duration,
        /// What it had said.
        stderr: String,
    },
    /// The caller stopped it.
    #[error("`{command}` was stopped")]
    Cancelled {
        /// The call, shortened.
        command: String,
    },
    /// It wrote more than the caller is ready to keep.
    #[error("`{command}` wrote more than {limit_bytes} bytes")]
    TooMuchOutput {
        /// The call, shortened.
        command: String,
        /// The limit.
        limit_bytes: usize,
    },
}

/// Returns the line of git's complaint that says most.
pub(crate) fn summary(stderr: &str) -> String {
    let lines = || stderr.lines().map(str::trim).filter(|line| !line.is_empty());
    let said = lines()
        .find(|line| line.starts_with("ERROR:") || line.starts_with("remote: ERROR"))
        .or_else(|| lines().find(|line| line.starts_with("fatal:")))
        .or_else(|| lines().find(|line| line.starts_with("error:")))
        .or_else(|| lines().next_back())
        .unwrap_or("no message");
    super::problem::printable(said).chars().take(300).collect()
}

/// The variables a call of git may see.
const PASSED_ON: &[&str] = &[
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "TMPDIR",
    "XDG_CONFIG_HOME",
    "XDG_RUNTIME_DIR",
    "SSH_AUTH_SOCK",
    "GIT_CONFIG_GLOBAL",
    "GIT_CONFIG_SYSTEM",
    "GIT_CONFIG_NOSYSTEM",
    "GIT_CONFIG_COUNT",
    "GIT_EXEC_PATH",
    "GIT_SSL_CAINFO",
    "GIT_SSL_CAPATH",
    "GIT_SSL_CERT",
    "GIT_SSL_KEY",
    "GIT_SSL_NO_VERIFY",
    "GIT_SSH_COMMAND",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "CURL_CA_BUNDLE",
    "http_proxy",
    "https_proxy",
    "all_proxy",
    "no_proxy",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
];

/// Set for every call.
const ALWAYS: &[(&str, &str)] = &[
    ("LC_ALL", "C"),
    ("GIT_TERMINAL_PROMPT", "0"),
    ("GIT_ASKPASS", "true"),
    ("SSH_ASKPASS", "true"),
    ("SSH_ASKPASS_REQUIRE", "never"),
    ("GCM_INTERACTIVE", "never"),
    ("GIT_OPTIONAL_LOCKS", "0"),
    ("GIT_PAGER", "cat"),
    ("GIT_EDITOR", "true"),
    ("GIT_DEFAULT_REF_FORMAT", "files"),
];

/// Overrides for every call: nothing of a repository or user may run code.
const CONFIG: &[&str] = &[
    "protocol.ext.allow=never",
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.untrackedCache=false",
    "credential.helper=",
    "gc.auto=0",
    "maintenance.auto=false",
    "submodule.recurse=false",
    "color.ui=false",
    // A checkout in a shared or mounted folder may belong to another user.
    "safe.directory=*",
];

/// How to call git here: which program, with which environment.
#[derive(Debug)]
pub struct Git {
    program: OsString,
    environment: Vec<(OsString, OsString)>,
    ssh_command: OnceLock<OsString>,
}

impl Git {
    /// Returns git as found on the `PATH` of this process.
    pub fn from_process() -> Self {
        Self::with_environment(std::env::vars_os())
    }

    /// Returns git with the listed variables of `environment` and no others.
    pub fn with_environment(environment: impl IntoIterator<Item = (OsString, OsString)>) -> Self {
        let environment = environment
            .into_iter()
            .filter(|(name, _)| {
                let name = name.to_string_lossy();
                PASSED_ON.contains(&&*name)
                    || name.starts_with("GIT_CONFIG_KEY_")
                    || name.starts_with("GIT_CONFIG_VALUE_")
            })
            .collect();
        Self { program: "git".into(), environment, ssh_command: OnceLock::new() }
    }

    /// Returns a call in `cwd` with the user's configuration.
    pub fn command(&self, cwd: &Utf8Path) -> GitCommand<'_> {
        let mut command = GitCommand::new(&self.program, cwd);
        command.environment.clone_from(&self.environment);
        command.finish_environment();
        command
    }

    /// Returns a call in `cwd` that may use the network.
    pub fn network(&self, cwd: &Utf8Path) -> GitCommand<'_> {
        let ssh = self.ssh_command.get_or_init(|| self.find_ssh_command());
        self.command(cwd)
            .env("GIT_SSH_COMMAND", ssh)
            .config("http.lowSpeedLimit=1000")
            .config("http.lowSpeedTime=30")
    }

    /// Returns a call in `cwd` that sees no configuration of user or system.
    pub fn isolated(&self, cwd: &Utf8Path) -> GitCommand<'_> {
        self.command(cwd)
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_CONFIG_COUNT", "0")
            .env("GIT_ATTR_NOSYSTEM", "1")
            .env("GIT_NO_LAZY_FETCH", "1")
            .env("HOME", "/nonexistent")
            .env("XDG_CONFIG_HOME", "/nonexistent")
    }

    /// Returns the user's ssh command, made to fail instead of asking.
    fn find_ssh_command(&self) -> OsString {
        let own = self
            .environment
            .iter()
            .find(|(name, _)| name == "GIT_SSH_COMMAND")
            .map(|(_, value)| value.clone());
        let configured = || {
            let output =
                self.command(Utf8Path::new("/")).args(["config", "--get", "core.sshCommand"]).read().ok()?;
            let text = String::from_utf8(output).ok()?;
            Some(OsString::from(text.trim())).filter(|text| !text.is_empty())
        };
        let mut command = own.or_else(configured).unwrap_or_else(|| "ssh".into());
        command.push(" -oBatchMode=yes -oConnectTimeout=20");
        command
    }
}

/// What git reads.
#[derive(Debug, Default)]
enum Input {
    #[default]
    Nothing,
    Bytes(Vec<u8>),
    /// Held open while git or a child of it lives; used to pass a lock on.
    File(std::fs::File),
}

/// One call of git being put together.
#[derive(Debug)]
pub struct GitCommand<'a> {
    program: &'a OsStr,
    cwd: std::path::PathBuf,
    config: Vec<String>,
    args: Vec<OsString>,
    environment: Vec<(OsString, OsString)>,
    input: Input,
    timeout: Duration,
    output_limit_bytes: usize,
}

/// What a call that ran to its end gave.
#[derive(Debug)]
pub struct GitOutput {
    /// The exit code; `None` when a signal ended it.
    pub code: Option<i32>,
    /// Its output.
    pub stdout: Vec<u8>,
    /// Its messages, at most 64 KiB.
    pub stderr: String,
}

impl<'a> GitCommand<'a> {
    fn new(program: &'a OsStr, cwd: &Utf8Path) -> Self {
        Self {
            program,
            cwd: cwd.as_std_path().to_owned(),
            config: CONFIG.iter().map(ToString::to_string).collect(),
            args: Vec::new(),
            environment: Vec::new(),
            input: Input::Nothing,
            timeout: Duration::from_mins(1),
            output_limit_bytes: 64 << 20,
        }
    }

    fn finish_environment(&mut self) {
        for (name, value) in ALWAYS {
            self.environment.push(((*name).into(), (*value).into()));
        }
    }

    /// Adds an argument.
    #[must_use]
    pub fn arg(mut self, arg: impl Into<OsString>) -> Self {
        self.args.push(arg.into());
        self
    }

    /// Adds arguments.
    #[must_use]
    pub fn args<T: Into<OsString>>(mut self, args: impl IntoIterator<Item = T>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// Sets a variable.
    #[must_use]
    pub fn env(mut self, name: &str, value: impl Into<OsString>) -> Self {
        self.environment.retain(|(known, _)| known != name);
        self.environment.push((name.into(), value.into()));
        self
    }

    /// Overrides a configuration value, given as `key=value`.
    #[must_use]
    pub fn config(mut self, setting: &str) -> Self {
        self.config.push(setting.to_owned());
        self
    }

    /// Gives git `bytes` to read.
    #[must_use]
    pub fn input(mut self, bytes: Vec<u8>) -> Self {
        self.input = Input::Bytes(bytes);
        self
    }

    /// Gives git an open file as its input.
    #[must_use]
    pub fn input_file(mut self, file: std::fs::File) -> Self {
        self.input = Input::File(file);
        self
    }

    /// Limits the time; one minute unless told.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Limits the output; 64 MiB unless told.
    #[must_use]
    pub fn output_limit(mut self, bytes: usize) -> Self {
        self.output_limit_bytes = bytes;
        self
    }

    /// Returns the subcommand, for messages. Arguments may hold secrets.
    fn display(&self) -> String {
        let name = self.args.iter().find(|arg| !arg.to_string_lossy().starts_with('-'));
        format!("git {}", name.map(|name| name.to_string_lossy()).unwrap_or_default())
    }

    /// Runs it; any exit code is a result.
    pub fn run(self) -> Result<GitOutput, GitError> {
        self.run_until(&|| false)
    }

    /// Runs it and returns its output; an exit code other than 0 is an error.
    pub fn read(self) -> Result<Vec<u8>, GitError> {
        self.read_until(&|| false)
    }

    /// Like [`read`](Self::read), and stops when `cancel` says so.
    pub fn read_until(self, cancel: CancelCheck<'_>) -> Result<Vec<u8>, GitError> {
        let command = self.display();
        let output = self.run_until(cancel)?;
        if output.code == Some(0) {
            Ok(output.stdout)
        } else {
            Err(GitError::Failed { command, code: output.code, stderr: output.stderr })
        }
    }

    /// Runs it and returns its output as text without the last line break.
    pub fn read_text(self) -> Result<String, GitError> {
        let bytes = self.read()?;
        Ok(String::from_utf8_lossy(&bytes).trim_end_matches('\n').to_owned())
    }

    /// Like [`run`](Self::run), and stops when `cancel` says so.
    pub fn run_until(self, cancel: CancelCheck<'_>) -> Result<GitOutput, GitError> {
        run::run(self, cancel)
    }
}

#[cfg(test)]
mod tests;
