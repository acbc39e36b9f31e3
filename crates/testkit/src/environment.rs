//! Calling the tool as if it were alone in the world.

use std::ffi::{OsStr, OsString};
use std::process::{Command, Stdio};
use std::time::Duration;

use camino::{Utf8Path, Utf8PathBuf};
use tempfile::TempDir;

use crate::redact::Redactor;
use crate::repository::{canonical, write};
use crate::result::CliResult;
use crate::wait::wait_until;

/// The variables of the host that the tool may see: how to find programs, and how to
/// reach package indexes from this machine.
const KEPT: [&str; 34] = [
    "PATH",
    "PYENV_ROOT",
    // Certificates.
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "GIT_SSL_CAINFO",
    "NIX_SSL_CERT_FILE",
    "PIP_CERT",
    // Proxies.
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "all_proxy",
    "no_proxy",
    // Package indexes.
    "PIP_CONFIG_FILE",
    "PIP_INDEX_URL",
    "PIP_EXTRA_INDEX_URL",
    "PIP_FIND_LINKS",
    "PIP_TRUSTED_HOST",
    "PIP_DEFAULT_TIMEOUT",
    "UV_DEFAULT_INDEX",
    "UV_INDEX",
    "UV_INDEX_URL",
    "UV_EXTRA_INDEX_URL",
    "UV_FIND_LINKS",
    "UV_INSECURE_HOST",
    "UV_HTTP_TIMEOUT",
    "UV_NATIVE_TLS",
    "UV_SYSTEM_CERTS",
    "UV_PYTHON_INSTALL_MIRROR",
    "POETRY_PYPI_MIRROR_URL",
];

/// How long a call may take. Far more than any test needs; it turns a tool that hangs
/// into a failure that shows what was printed.
const LIMIT: Duration = Duration::from_mins(10);

/// A home, a cache and an environment for calls of the tool, in a temporary folder that
/// goes with it.
#[derive(Debug)]
pub struct TestEnv {
    root: Utf8PathBuf,
    program: Utf8PathBuf,
    variables: Vec<(OsString, OsString)>,
    limit: Duration,
    _folder: TempDir,
}

impl TestEnv {
    /// Makes one for the program at this path. Only the tests of its crate know the
    /// path: `TestEnv::new(env!("CARGO_BIN_EXE_charmproof"))`.
    pub fn new(program: impl Into<Utf8PathBuf>) -> Self {
        let folder = tempfile::Builder::new().prefix("charmproof-test-").tempdir();
        let folder = folder.expect("a temporary folder");
        let root = canonical(folder.path());
        for name in ["home", "cache", "config", "data", "state", "tmp", "work"] {
            fs_err::create_dir(root.join(name)).expect("a folder");
        }
        let mut env = Self {
            program: program.into(),
            variables: host_variables(),
            limit: LIMIT,
            root,
            _folder: folder,
        };
        for (name, folder) in [
            ("HOME", "home"),
            ("XDG_CACHE_HOME", "cache"),
            ("XDG_CONFIG_HOME", "config"),
            ("XDG_DATA_HOME", "data"),
            ("XDG_STATE_HOME", "state"),
            ("TMPDIR", "tmp"),
        ] {
            env.set(name, env.root.join(folder).as_str());
        }
        for (name, value) in [("LANG", "C.UTF-8"), ("TZ", "UTC"), ("COLUMNS", "100")] {
            env.set(name, value);
        }
        env
    }

    /// Sets a variable for all calls that follow.
    pub fn set(&mut self, name: &str, value: impl AsRef<OsStr>) {
        self.variables.retain(|(known, _)| known != name);
        self.variables.push((name.into(), value.as_ref().to_owned()));
    }

    /// Sets how long a call may take.
    pub fn set_limit(&mut self, limit: Duration) {
        self.limit = limit;
    }

    /// Returns the folder with everything in it, `$TEST` in snapshots.
    pub fn root(&self) -> &Utf8Path {
        &self.root
    }

    /// Returns the folder that the tool is called in.
    pub fn work(&self) -> Utf8PathBuf {
        self.root.join("work")
    }

    /// Returns the user's home.
    pub fn home(&self) -> Utf8PathBuf {
        self.root.join("home")
    }

    /// Returns the folder for caches; the tool's own is `charmproof` in it.
    pub fn cache(&self) -> Utf8PathBuf {
        self.root.join("cache")
    }

    /// Writes a file below the folder that the tool is called in, and returns its path.
    pub fn file(&self, path: &str, text: &str) -> Utf8PathBuf {
        let path = self.work().join(path);
        write(&path, text);
        path
    }

    /// Returns the call that [`charmproof`](Self::charmproof) makes, for tests that do
    /// something to it.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command
            .args(arguments)
            .current_dir(self.work())
            .env_clear()
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null());
        command
    }

    /// Calls the tool and waits for its end; panics with what it printed if that takes
    /// longer than the limit.
    #[track_caller]
    pub fn charmproof(&self, arguments: &[&str]) -> CliResult {
        // Files take any amount of output, and what the tool leaves running cannot keep
        // them from being read, as it could with pipes.
        let mut stdout = tempfile::tempfile().expect("a temporary file");
        let mut stderr = tempfile::tempfile().expect("a temporary file");
        let mut child = self
            .command(arguments)
            .stdout(stdout.try_clone().expect("a handle"))
            .stderr(stderr.try_clone().expect("a handle"))
            .spawn()
            .unwrap_or_else(|error| panic!("cannot start {}: {error}", self.program));
        let status = wait_until(self.limit, || child.try_wait().expect("the child is ours"));
        if status.is_none() {
            // It may have ended in this very moment.
            let _ = child.kill();
            child.wait().expect("the child is ours");
        }
        let result = CliResult {
            code: status.and_then(|status| status.code()),
            stdout: text_of(&mut stdout),
            stderr: text_of(&mut stderr),
        };
        let words = arguments.join(" ");
        assert!(status.is_some(), "`charmproof {words}` took over {:?}\n{result}", self.limit);
        result
    }

    /// Returns what replaces this environment's paths, and all else that varies.
    pub fn redactor(&self) -> Redactor {
        Redactor::standard().text(self.root.as_str(), "$TEST")
    }
}

/// Returns the variables of the host that are kept, and where its pip is configured.
fn host_variables() -> Vec<(OsString, OsString)> {
    let mut variables: Vec<(OsString, OsString)> =
        KEPT.iter().filter_map(|name| Some((OsString::from(name), std::env::var_os(name)?))).collect();
    // pip looks for its settings in the home, which is another one here.
    if std::env::var_os("PIP_CONFIG_FILE").is_none()
        && let Some(home) = std::env::var_os("HOME")
    {
        let home = std::path::PathBuf::from(home);
        let places = [".config/pip/pip.conf", ".pip/pip.conf"];
        let file = places.iter().map(|place| home.join(place)).find(|path| path.is_file());
        variables.extend(file.map(|file| ("PIP_CONFIG_FILE".into(), file.into_os_string())));
    }
    variables
}

fn text_of(file: &mut std::fs::File) -> String {
    use std::io::{Read as _, Seek as _};
    let mut bytes = Vec::new();
    file.rewind().expect("a file");
    file.read_to_end(&mut bytes).expect("a file");
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Any program will do: here it is a shell.
    fn shell() -> TestEnv {
        TestEnv::new("/bin/sh")
    }

    #[test]
    fn a_call_sees_its_own_home_and_nothing_of_the_host() {
        let env = shell();
        let result = env.charmproof(&["-c", "echo $HOME $XDG_CACHE_HOME; pwd; echo $TZ; env"]);
        let text = result.expect_code(0).stdout;
        let root = env.root();
        assert!(text.starts_with(&format!("{root}/home {root}/cache\n{root}/work\nUTC\n")), "{text}");
        let names: Vec<&str> = text.lines().skip(3).filter_map(|line| line.split('=').next()).collect();
        assert!(!names.contains(&"CARGO_MANIFEST_DIR"), "{names:?}");
        assert!(names.contains(&"PATH"), "{names:?}");
    }

    #[test]
    fn the_result_has_all_three() {
        let env = shell();
        env.file("a/b.txt", "hello\n");
        let result = env.charmproof(&["-c", "cat a/b.txt; pwd >&2; exit 3"]);
        assert_eq!(
            result.snapshot(&env.redactor()),
            "exit code: 3\n--- stdout\nhello\n--- stderr\n$TEST/work\n"
        );
    }

    #[test]
    fn a_signal_is_no_code() {
        assert_eq!(shell().charmproof(&["-c", "kill -9 $$"]).code, None);
    }

    #[test]
    fn variables_can_be_set() {
        let mut env = shell();
        env.set("TZ", "Europe/Berlin");
        assert_eq!(env.charmproof(&["-c", "echo $TZ"]).success(), "Europe/Berlin\n");
    }

    #[test]
    #[should_panic(expected = "took over 50ms")]
    fn a_call_that_hangs_is_ended() {
        let mut env = shell();
        env.set_limit(Duration::from_millis(50));
        let _ = env.charmproof(&["-c", "echo begun; exec sleep 600"]);
    }
}
