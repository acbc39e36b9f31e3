//! Reads what the helpers inside a run have seen.
//!
//! The file is written by processes of the suite, so it is treated as hostile: lines
//! are bounded, what does not parse is left out and counted.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _};

use camino::{Utf8Path, Utf8PathBuf};
use charmproof_store::event::{CaseKind, CaseResult, CommandResult, Failure, Frame};
use charmproof_store::outcome::Outcome;
use serde::Deserialize;

use super::unit_file::WatchedPackage;

const MAX_LINE_BYTES: u64 = 256 * 1024;
const MAX_LINES: usize = 400_000;
/// Largest JUnit file that is read: twenty thousand cases that all fail have less.
const MAX_JUNIT_BYTES: u64 = 64 * 1024 * 1024;

/// One look at one package, as a helper wrote it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Look {
    /// The distribution.
    pub package: String,
    /// Its version, empty if it is not there.
    pub version: String,
    /// Its digest, empty if it is not there.
    pub digest: String,
    /// Where the imported module (or else the distribution) lies.
    pub path: String,
    /// The folder that holds the distribution.
    #[serde(default)]
    pub folder: String,
    /// Whether a module of it was imported.
    pub imported: bool,
}

#[derive(Debug, Default, Deserialize)]
struct RawFailure {
    #[serde(default)]
    exception: String,
    #[serde(default)]
    message: String,
    #[serde(default)]
    frames: Vec<(String, u32, String)>,
}

#[derive(Debug, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
enum Line {
    Process {
        moment: String,
        program: String,
        command: String,
        #[serde(default)]
        python: String,
        sightings: Vec<Look>,
    },
    Installed {
        prefix: String,
        #[serde(default)]
        python: String,
        sightings: Vec<Look>,
        environment: BTreeMap<String, String>,
    },
    Case {
        case: String,
        when: String,
        outcome: String,
        #[serde(default)]
        duration: f64,
        #[serde(default)]
        xfail: bool,
        #[serde(default)]
        failure: Option<RawFailure>,
        #[serde(default)]
        text: String,
    },
    Collection {
        case: String,
        #[serde(default)]
        failure: Option<RawFailure>,
        #[serde(default)]
        text: String,
    },
    Session {
        exit: i32,
    },
    ToxBegin {
        environment: String,
    },
    ToxEnd {
        commands: Vec<RawCommand>,
    },
    SwapFailed {
        message: String,
        #[serde(default)]
        said: String,
    },
    Isolated {
        #[serde(default)]
        command: String,
    },
    Trouble {
        message: String,
    },
}

#[derive(Debug, Deserialize)]
struct RawCommand {
    command: String,
    exit_code: i32,
}

/// A process of the suite that spoke.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProcessLook {
    /// What it was, for example `pytest tests/unit`.
    pub command: String,
    /// What it saw.
    pub looks: Vec<Look>,
}

/// An environment that was looked at after an install.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnvironmentLook {
    /// Where it lies.
    pub prefix: String,
    /// What it holds of the swapped packages.
    pub looks: Vec<Look>,
}

/// All that the helpers saw.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Evidence {
    /// The cases, in the order in which they ended.
    pub cases: Vec<CaseResult>,
    /// The cases of pytest's own JUnit files: for a suite whose lines were lost.
    pub junit: Vec<CaseResult>,
    /// Processes that ran the suite.
    pub processes: Vec<ProcessLook>,
    /// Environments; the last look at each.
    pub environments: Vec<EnvironmentLook>,
    /// All distributions of the environments.
    pub distributions: BTreeMap<String, String>,
    /// The commands that tox ran.
    pub commands: Vec<CommandResult>,
    /// Whether tox got as far as the charm's commands.
    pub tox_began: bool,
    /// The tox environment that ran.
    pub tox_environment: Option<String>,
    /// The exit statuses of pytest sessions.
    pub session_exits: Vec<i32>,
    /// The exact Python that ran.
    pub python: Option<String>,
    /// Why a swap failed, and what the installer said.
    pub swap_failure: Option<(String, String)>,
    /// Tools that uv ran in environments of their own, which hold nothing of the charm.
    pub isolated: Vec<String>,
    /// What went wrong in the helpers themselves.
    pub troubles: Vec<String>,
}

impl Evidence {
    /// Reads the file at `path`; no file is no evidence.
    pub fn read(path: &Utf8Path, charm_dir: &Utf8Path, packages: &[WatchedPackage]) -> Self {
        let mut evidence = Self::default();
        let Ok(file) = fs_err::File::open(path) else { return evidence };
        let places = Places { charm_dir: charm_dir.to_path_buf(), packages: packages.to_vec() };
        let mut reader = BufReader::new(file);
        let mut phases = Phases::default();
        let mut unread = 0_usize;
        for _ in 0..MAX_LINES {
            let mut line = Vec::new();
            match reader.by_ref().take(MAX_LINE_BYTES).read_until(b'\n', &mut line) {
                Ok(0) | Err(_) => break,
                Ok(_) => {}
            }
            match serde_json::from_slice::<Line>(&line) {
                Ok(parsed) => evidence.take(parsed, &places, &mut phases),
                Err(_) => unread += 1,
            }
        }
        evidence.cases = phases.cases;
        if evidence.cases.is_empty() {
            evidence.junit = read_junit(path);
        }
        if unread > 0 {
            evidence.troubles.push(format!("{unread} lines of evidence could not be read"));
        }
        evidence
    }

    fn take(&mut self, line: Line, places: &Places, phases: &mut Phases) {
        match line {
            Line::Process { moment, program, command, python, sightings } => {
                if !python.is_empty() {
                    self.python = Some(python);
                }
                let shown = if command.is_empty() { program } else { shorten(&command, places) };
                // What a process says at its end replaces what it said at its beginning.
                if moment == "end" {
                    self.processes.retain(|p| p.command != shown);
                }
                self.processes.push(ProcessLook { command: shown, looks: sightings });
            }
            Line::Installed { prefix, python, sightings, environment } => {
                if self.python.is_none() && !python.is_empty() {
                    self.python = Some(python);
                }
                self.environments.retain(|e| e.prefix != prefix);
                self.environments.push(EnvironmentLook { prefix, looks: sightings });
                self.distributions.extend(environment);
            }
            Line::Case { case, when, outcome, duration, xfail, failure, text } => {
                phases.add(case, &when, &outcome, duration, xfail, failure.map(|f| places.failure(f, &text)));
            }
            Line::Collection { case, failure, text } => {
                let failure = Some(places.failure(failure.unwrap_or_default(), &text));
                // Listed only where it fails, so that a repaired file is no lost case.
                let name = if case.is_empty() { "(collection)".to_string() } else { case };
                phases.push(CaseResult {
                    name,
                    kind: CaseKind::Diagnostic,
                    outcome: Outcome::CollectionError,
                    duration_ms: 0,
                    failure,
                });
            }
            Line::Session { exit } => self.session_exits.push(exit),
            Line::ToxBegin { environment } => {
                self.tox_began = true;
                self.tox_environment = Some(environment);
            }
            Line::ToxEnd { commands } => self.commands.extend(commands.into_iter().map(|c| CommandResult {
                command: shorten(&c.command, places),
                exit_code: Some(c.exit_code),
            })),
            Line::SwapFailed { message, said } => self.swap_failure = Some((message, said)),
            Line::Isolated { command } => self.isolated.push(command),
            Line::Trouble { message } => self.troubles.push(message),
        }
    }
}

/// Reads the JUnit files that lie beside the evidence, as far as they go.
fn read_junit(evidence: &Utf8Path) -> Vec<CaseResult> {
    let Some(Ok(entries)) = evidence.parent().map(Utf8Path::read_dir_utf8) else { return Vec::new() };
    let mut files: Vec<Utf8PathBuf> = entries
        .flatten()
        .filter(|entry| entry.file_name().starts_with("junit-") && entry.file_name().ends_with(".xml"))
        .map(|entry| entry.path().to_path_buf())
        .collect();
    files.sort();
    files
        .iter()
        .filter(|file| {
            file.symlink_metadata().is_ok_and(|found| found.is_file() && found.len() <= MAX_JUNIT_BYTES)
        })
        .filter_map(|file| fs_err::read_to_string(file).ok())
        .flat_map(|text| crate::diagnostics::junit(&text).unwrap_or_else(|error| error.cases))
        .collect()
}

/// Joins the phases of a case (setup, call, teardown) into one result.
#[derive(Default)]
struct Phases {
    cases: Vec<CaseResult>,
    open: BTreeMap<String, (usize, bool)>,
    counts: BTreeMap<String, usize>,
}

impl Phases {
    fn push(&mut self, mut result: CaseResult) -> usize {
        let count = self.counts.entry(result.name.clone()).or_insert(0);
        *count += 1;
        if *count > 1 {
            result.name = format!("{} #{count}", result.name);
        }
        self.cases.push(result);
        self.cases.len() - 1
    }

    fn add(
        &mut self,
        case: String,
        when: &str,
        outcome: &str,
        duration: f64,
        xfail: bool,
        failure: Option<Failure>,
    ) {
        let outcome = match outcome {
            "passed" => Outcome::Pass,
            "failed" => Outcome::Fail,
            "skipped" => Outcome::SkippedBySuite,
            // A rerun by the suite's own plugin: its last attempt counts.
            _ => return,
        };
        let _ = xfail;
        let duration_ms = (duration.clamp(0.0, 1e9) * 1000.0) as u64;
        // A teardown belongs to the call before it; anything else after a call is
        // the same case in another session.
        if when == "teardown"
            && let Some((index, _)) = self.open.get(&case)
        {
            let result = &mut self.cases[*index];
            result.duration_ms += duration_ms;
            if outcome == Outcome::Fail {
                result.outcome = Outcome::Fail;
                result.failure = result.failure.take().or(failure);
            }
            return;
        }
        let failure =
            if outcome == Outcome::Fail { failure.or_else(|| Some(Failure::default())) } else { None };
        let index =
            self.push(CaseResult { name: case.clone(), kind: CaseKind::Test, outcome, duration_ms, failure });
        self.open.insert(case, (index, true));
    }
}

/// Knows where things lie, to say so shortly.
struct Places {
    charm_dir: Utf8PathBuf,
    packages: Vec<WatchedPackage>,
}

impl Places {
    fn failure(&self, raw: RawFailure, text: &str) -> Failure {
        let frames = raw
            .frames
            .into_iter()
            .map(|(file, line, function)| {
                let (file, package) = self.place(&file);
                Frame { file, line, function, package }
            })
            .collect();
        Failure {
            exception: raw.exception,
            message: shorten(&raw.message, self),
            frames,
            excerpt: shorten(text, self),
        }
    }

    /// Returns a short name of a file, and the swapped package that owns it.
    fn place(&self, file: &str) -> (String, Option<String>) {
        let inside = file
            .rsplit_once("/site-packages/")
            .or_else(|| file.rsplit_once("/dist-packages/"))
            .map(|(_, rest)| rest.to_string())
            .or_else(|| {
                self.packages.iter().find_map(|p| {
                    let tree = p.tree.as_ref()?;
                    file.strip_prefix(tree.as_str()).map(|rest| rest.trim_start_matches('/').to_string())
                })
            });
        if let Some(rest) = inside {
            let module = rest.trim_end_matches(".py").replace('/', ".");
            let package = self
                .packages
                .iter()
                .find(|p| p.modules.iter().any(|m| module == *m || module.starts_with(&format!("{m}."))))
                .map(|p| p.name.clone());
            return (rest, package);
        }
        let shown =
            file.strip_prefix(self.charm_dir.as_str()).map_or(file, |rest| rest.trim_start_matches('/'));
        let library = shown.trim_end_matches(".py").strip_prefix("lib/").map(|rest| rest.replace('/', "."));
        let package = library
            .and_then(|m| self.packages.iter().find(|p| p.modules.contains(&m)).map(|p| p.name.clone()));
        (shown.to_string(), package)
    }
}

/// Takes the copy's own place out of a text.
fn shorten(text: &str, places: &Places) -> String {
    text.replace(&format!("{}/", places.charm_dir), "").replace(places.charm_dir.as_str(), ".")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str) -> Evidence {
        let temp = tempfile::NamedTempFile::new().unwrap();
        fs_err::write(temp.path(), text).unwrap();
        let packages = [WatchedPackage::watched("ops", &["ops".into()])];
        Evidence::read(Utf8Path::from_path(temp.path()).unwrap(), Utf8Path::new("/copy/charm"), &packages)
    }

    #[test]
    fn phases_of_a_case_are_one_result() {
        let evidence = read(concat!(
            r#"{"event":"case","case":"t.py::a","when":"call","outcome":"passed","duration":0.5}"#,
            "\n",
            r#"{"event":"case","case":"t.py::a","when":"teardown","outcome":"failed","failure":{"exception":"E","message":"m","frames":[["/copy/charm/.tox/unit/lib/python3.11/site-packages/ops/model.py",4,"get"]]},"text":"at /copy/charm/t.py"}"#,
            "\n",
            r#"{"event":"case","case":"t.py::b","when":"setup","outcome":"skipped"}"#,
            "\n",
            r#"{"event":"case","case":"t.py::b","when":"call","outcome":"passed"}"#,
            "\n",
            "garbage\n",
        ));
        let shown: Vec<_> = evidence.cases.iter().map(|c| (c.name.as_str(), c.outcome)).collect();
        assert_eq!(
            shown,
            [("t.py::a", Outcome::Fail), ("t.py::b", Outcome::SkippedBySuite), ("t.py::b #2", Outcome::Pass)]
        );
        let failure = evidence.cases[0].failure.as_ref().unwrap();
        assert_eq!(failure.frames[0].file, "ops/model.py");
        assert_eq!(failure.frames[0].package.as_deref(), Some("ops"));
        assert_eq!(failure.excerpt, "at t.py");
        assert_eq!(evidence.troubles, ["1 lines of evidence could not be read"]);
    }

    proptest! {
        #[test]
        fn any_file_is_answered(text in "(\\{\"event\":\"(case|session|process)\"[^\n]{0,60}\\}?\n){0,5}.{0,40}") {
            let _ = read(&text);
        }
    }
}
