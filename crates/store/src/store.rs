//! A folder of runs.
//!
//! ```text
//! <root>/
//! ├── format           the version of all this
//! ├── index.sqlite     a cache of the logs; see `index`
//! └── runs/<id>/       one run each; see `log`
//! ```

use camino::{Utf8Path, Utf8PathBuf};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::error::{Error, Result};
use crate::event::{Event, OutputId, RunId, RunStarted};
use crate::index::{Cost, Index, Reusable, RunSummary, run_dirs};
use crate::log::{LOG_FILE, LineSpan, RunWriter, is_being_written, lock, read_head};
use crate::run::Run;

/// The version of the store's layout that this build writes.
pub const STORE_FORMAT: u32 = 1;

const FORMAT_FILE: &str = "format";
const INDEX_FILE: &str = "index.sqlite";
const RUNS: &str = "runs";

/// The letters of a run's random part: no vowels, so no words, and nothing that
/// looks like something else.
const LETTERS: [char; 32] = [
    'b', 'c', 'd', 'f', 'g', 'h', 'j', 'k', 'm', 'n', 'p', 'q', 'r', 's', 't', 'v', 'w', 'x', 'z', '2', '3',
    '4', '5', '6', '7', '8', '9', 'y', 'a', 'e', 'u', '0',
];

/// A folder of runs, with its index.
#[derive(Debug)]
pub struct Store {
    root: Utf8PathBuf,
    index: Index,
    warnings: Vec<String>,
}

/// Which run is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RunRef {
    /// The run that began last.
    Latest,
    /// The run before that.
    Previous,
    /// A name, or the start of one that no other has.
    Name(String),
    /// A run's folder, in a store or not.
    Path(Utf8PathBuf),
}

impl RunRef {
    /// Reads what a user typed: `latest`, `previous`, something with a slash (or
    /// a dot in front) for a path, anything else for a name.
    pub fn parse(text: &str) -> Self {
        match text {
            "latest" => Self::Latest,
            "previous" => Self::Previous,
            path if path.contains('/') || path.starts_with('.') => Self::Path(path.into()),
            name => Self::Name(name.to_owned()),
        }
    }
}

impl From<&RunId> for RunRef {
    fn from(run: &RunId) -> Self {
        Self::Name(run.0.clone())
    }
}

impl std::fmt::Display for RunRef {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Latest => f.write_str("latest"),
            Self::Previous => f.write_str("previous"),
            Self::Name(name) => f.write_str(name),
            Self::Path(path) => f.write_str(path.as_str()),
        }
    }
}

/// Returns the name of a run that begins at `at`, in UTC, such as
/// `20261121-130211-k3f9`; the last four come from 20 bits of `random`.
pub fn run_id(at: Timestamp, random: u32) -> RunId {
    let at = at.to_zoned(TimeZone::UTC);
    let letters: String =
        (0..4).map(|place| LETTERS[(random >> (5 * place)) as usize % LETTERS.len()]).collect();
    RunId(format!("{}-{letters}", at.strftime("%Y%m%d-%H%M%S")))
}

/// Returns the run of the store at `root` that some process writes at the moment, if any.
/// A store that is not there, or is that of another version, needs not be opened for it.
pub fn run_under_way(root: &Utf8Path) -> Option<RunId> {
    let runs = root.join(RUNS);
    run_dirs(&runs).ok()?.into_iter().find(|run| is_being_written(&runs.join(&run.0)))
}

impl Store {
    /// Opens the store at `root`, and makes it if it is not there.
    ///
    /// What the user should know of what was found is in [`Store::warnings`].
    pub fn open(root: &Utf8Path) -> Result<Self> {
        let io = Error::io("open the store");
        let format = root.join(FORMAT_FILE);
        if format.exists() {
            check_format(root, &fs_err::read_to_string(&format).map_err(&io)?)?;
        }
        fs_err::create_dir_all(root.join(RUNS)).map_err(&io)?;
        if !format.exists() {
            let temporary = root.join(format!(".{FORMAT_FILE}-{}", std::process::id()));
            fs_err::write(&temporary, format!("{STORE_FORMAT}\n")).map_err(&io)?;
            fs_err::rename(&temporary, &format).map_err(&io)?;
        }
        let (index, warnings) = Index::open(&root.join(INDEX_FILE), &root.join(RUNS))?;
        Ok(Self { root: root.to_owned(), index, warnings })
    }

    /// Returns where the store lies.
    pub fn root(&self) -> &Utf8Path {
        &self.root
    }

    /// Returns what opening the store brought up.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// Returns the index.
    pub fn index(&self) -> &Index {
        &self.index
    }

    /// Returns the folder of a run, whether it is there or not.
    pub fn run_dir(&self, run: &RunId) -> Utf8PathBuf {
        self.root.join(RUNS).join(&run.0)
    }

    /// Starts a run, whose name is in its head; see [`run_id`].
    pub fn create_run(&self, head: &RunStarted) -> Result<RunWriter> {
        let good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        let name = &head.run.0;
        if name.is_empty() || name.starts_with(['.', '-']) || !name.chars().all(good) {
            return Err(Error::BadName { name: name.clone() });
        }
        let (writer, span) = RunWriter::create(&self.run_dir(&head.run), head)?;
        // An index that cannot take it now catches up later; the run goes on.
        let _ = self.index.record(&head.run, &Event::RunStarted(head.clone()), span);
        Ok(writer)
    }

    /// Writes an event to the log of a run of this store and takes it into the
    /// index. Returns a warning where the index could not take it: nothing is
    /// lost by that, since the index catches up when it can.
    pub fn append(&self, writer: &mut RunWriter, event: &Event) -> Result<Option<String>> {
        let span = writer.append(event)?;
        let noted = self.index.record(writer.run(), event, span);
        Ok(noted.err().map(|error| format!("{error}: {}", reason(&error))))
    }

    /// Takes a run up again at `at`. Returns its writer and what it holds so far.
    ///
    /// The run must lie in this store.
    pub fn resume(&self, run: &RunRef, at: Timestamp) -> Result<(RunWriter, Run)> {
        let dir = self.find(run)?;
        let mut writer = RunWriter::reopen(&dir)?;
        let event = Event::RunResumed { at };
        let span: LineSpan = writer.append(&event)?;
        // As in `create_run`.
        let _ = self.index.record(writer.run(), &event, span);
        let read = Run::read(&dir)?;
        Ok((writer, read))
    }

    /// Returns a run.
    pub fn run(&self, run: &RunRef) -> Result<Run> {
        Run::read(&self.find(run)?)
    }

    /// Returns the folder of the run that is meant.
    pub fn find(&self, run: &RunRef) -> Result<Utf8PathBuf> {
        let none = || Error::NoRun { name: run.to_string(), root: self.root.clone() };
        match run {
            RunRef::Latest | RunRef::Previous => {
                let place = usize::from(*run == RunRef::Previous);
                let runs = self.runs()?;
                runs.get(place).map(|one| self.run_dir(&one.id)).ok_or_else(none)
            }
            RunRef::Path(path) => {
                if path.join(LOG_FILE).exists() {
                    Ok(path.clone())
                } else {
                    Err(none())
                }
            }
            RunRef::Name(name) => {
                let mut fits: Vec<RunId> = run_dirs(&self.root.join(RUNS))?
                    .into_iter()
                    .filter(|id| !name.is_empty() && id.0.starts_with(name.as_str()))
                    .collect();
                if fits.iter().any(|id| id.0 == *name) {
                    fits.retain(|id| id.0 == *name);
                }
                match fits.as_slice() {
                    [] => Err(none()),
                    [one] => Ok(self.run_dir(one)),
                    _ => Err(Error::Ambiguous {
                        name: name.clone(),
                        candidates: fits.into_iter().map(|id| id.0).collect(),
                    }),
                }
            }
        }
    }

    /// Returns a line on each run, the newest first.
    pub fn runs(&self) -> Result<Vec<RunSummary>> {
        self.index.refresh()?;
        self.index.runs()
    }

    /// See [`Index::find_reusable`].
    pub fn find_reusable(&self, inputs: &str) -> Result<Option<Reusable>> {
        self.index.find_reusable(inputs)
    }

    /// Copies the output of a result that is reused into the run that reuses it,
    /// so that this run stays complete in itself.
    pub fn take_output(&self, writer: &RunWriter, reusable: &Reusable) -> Result<()> {
        match &reusable.result.log {
            Some(id) => writer.take_output(&self.run_dir(&reusable.found_in), id),
            None => Ok(()),
        }
    }

    /// See [`Index::expected_cost`].
    pub fn expected_cost(&self, subject: &str, target: &str) -> Result<Option<Cost>> {
        self.index.expected_cost(subject, target)
    }

    /// Makes the index anew from the logs. Returns a line for each run that could
    /// not be read.
    pub fn rebuild_index(&self) -> Result<Vec<String>> {
        self.index.rebuild()
    }

    /// Returns an output of a run.
    pub fn output(&self, run: &RunId, id: &OutputId) -> Result<Vec<u8>> {
        crate::log::read_output(&self.run_dir(run), id)
    }

    /// Deletes a run of this store, unless it is being written. Returns its name.
    pub fn delete(&self, run: &RunRef) -> Result<RunId> {
        let dir = self.find(run)?;
        let io = Error::io("delete the run");
        let id = RunId(crate::error::name_of(&dir).to_owned());
        let here = self.run_dir(&id);
        if dir.parent() != here.parent() {
            return Err(Error::NoRun { name: run.to_string(), root: self.root.clone() });
        }
        let held = lock(&dir, &id)?;
        // First out of sight, so that a kill leaves no half of a run.
        let gone = dir.with_file_name(format!(".deleted-{id}"));
        fs_err::rename(&dir, &gone).map_err(&io)?;
        self.index.forget(&id)?;
        drop(held);
        fs_err::remove_dir_all(&gone).map_err(&io)?;
        Ok(id)
    }

    /// Returns the head of the run that is meant, without reading the rest.
    pub fn head(&self, run: &RunRef) -> Result<RunStarted> {
        read_head(&self.find(run)?)
    }
}

fn check_format(root: &Utf8Path, text: &str) -> Result<()> {
    match text.trim().parse::<u32>() {
        Ok(found) if found > STORE_FORMAT => Err(Error::NewerStore { root: root.to_owned(), found }),
        Ok(_) => Ok(()),
        Err(_) => Err(Error::BadFormat { root: root.to_owned(), text: text.trim().to_owned() }),
    }
}

fn reason(error: &Error) -> String {
    std::error::Error::source(error).map_or_else(String::new, ToString::to_string)
}

#[cfg(test)]
#[path = "store_tests.rs"]
mod tests;
