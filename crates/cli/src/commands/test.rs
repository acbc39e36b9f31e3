//! `charmproof test`: a charm's own integration tests, against the local Juju.
//!
//! The suite runs as the user's own processes, as it would without us: only what it finds on its search
//! path is another, and each process can be asked to note what it does. Whatever the local Juju started
//! ends with the suite, unless models are to be kept.

pub(crate) mod artifacts;
mod suite;

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use camino::{Utf8Path, Utf8PathBuf};
use charmproof_charm::{DiskTree, Tree as _};
use charmproof_fleet::run::invocation::{Chosen, choose};
use charmproof_fleet::run::subject::CharmFacts;
use charmproof_fleet::swap::PreparedSwap;
use charmproof_pack::PackError;
use charmproof_pack::recipe::RecipeError;
use charmproof_sandbox::CancelToken;
use charmproof_store::report::count;
use jiff::Timestamp;

use self::suite::{Suite, SuiteEnd};
use super::pack::{self, Packed, Packing, Wanted};
use super::work::{JUJU_FOLDER, WorkFolder};
use super::{env, swaps};
use crate::args::{Colour, DataArgs, TestArgs};
use crate::error::{Exit, Failure};
use crate::local::{self, LocalJuju};
use crate::output::{self, say};
use crate::place::Place;
use crate::timeline::{self, Outcome, Timeline, words};

/// Names the packed charm, for suites.
pub(crate) const CHARM_VARIABLE: &str = "CHARM_PATH";
/// What the files of a suite say that takes a charm from elsewhere.
const TAKES_A_PATH: [&str; 6] =
    [CHARM_VARIABLE, "--charm-file", "--charm_file", "--charm-path", "--charm_path", "opcli"];

pub(crate) fn run(
    place: &Place,
    args: &TestArgs,
    colour: Colour,
    is_quiet: bool,
    cancel: &CancelToken,
) -> Result<u8, Failure> {
    let talk = |text: &str| {
        if !is_quiet {
            say(text);
        }
    };
    let began = Timestamp::now();
    let begun = Instant::now();
    let folder = pack::charm_folder(place, &args.charm)?;
    let tree = DiskTree::open(&folder)
        .map_err(|error| Failure::of(&format!("`{}` cannot be read", args.charm), &error))?;
    let facts = CharmFacts::read(&tree);
    let invocation = match choose(&args.target, &facts) {
        Chosen::Run(invocation) => invocation,
        Chosen::Nothing(_, why) => {
            return Err(Failure::usage(format!("there is no suite called `{}`: {why}", args.target))
                .hint("--target takes what the charm calls its integration tests"));
        }
    };
    let swaps = swaps::prepared(place, &args.swap, cancel)?;
    let work = WorkFolder::new(&place.cache.work())?;
    // Names and kept models are of use only where they can be found again.
    let is_private = !args.keep_models && args.model.is_none();
    let local = if is_private {
        LocalJuju::lay_out(&work.path.join(JUJU_FOLDER), &place.program)
            .map_err(|error| Failure::of("the local Juju has no folder", &error))?
    } else {
        env::local_juju(place, &DataArgs::default())?
    };
    let _ending = is_private.then(|| Ending { data: &local.data });

    let named = place.variables.get(CHARM_VARIABLE).filter(|path| !path.is_empty()).cloned();
    let (mut charm, mut packing_took, mut artifacts) = (named.map(Utf8PathBuf::from), None, None);
    if charm.is_none() && !args.no_pack {
        let packing = pack_charm(place, args, &folder, &tree, &swaps, &work.path, cancel)?;
        for packed in &packing {
            talk(&format!("Packed {} in {}", packed.name(), words(packed.took)));
        }
        // What is true of the charm is said of each of its archives.
        let notes: BTreeSet<&String> = packing.iter().flat_map(|packed| &packed.notes).collect();
        for note in notes {
            talk(&format!("note: {note}"));
        }
        if packing.len() > 1 {
            talk(&format!("{CHARM_VARIABLE} is the first of them; --platform chooses another"));
        }
        packing_took = (!packing.is_empty()).then(|| packing.iter().map(|packed| packed.took).sum());
        charm = packing.first().map(|packed| packed.path.clone());
        artifacts = artifacts::write(&packing, &work.path)
            .map_err(|error| Failure::of("what was packed could not be noted", &error))?;
    }

    let suite = Suite {
        place,
        args,
        folder: &folder,
        facts: &facts,
        invocation: &invocation,
        local: &local,
        is_private,
        work: &work.path,
        charm: charm.as_deref(),
        artifacts: artifacts.as_deref(),
        swaps: &swaps,
    };
    let (end, others) = suite.run(cancel, &talk)?;
    let suite_took = begun.elapsed();

    let noted = fs_err::read(local.events()).unwrap_or_default();
    let mut timeline = Timeline::read(&String::from_utf8_lossy(&noted), began);
    timeline.events.retain(|event| !others.contains(&event.model));
    let shown = timeline::text(&timeline, output::terminal(colour).width);
    output::result(&format!("{}{shown}", headline(&timeline, end, suite_took, packing_took)));
    // Why a test fails here that passes elsewhere may be one of these.
    if end != SuiteEnd::Exited(0) {
        for note in &timeline.notes {
            talk(&format!("note: {note}"));
        }
    }
    write_files(place, args, &folder, &timeline, &noted)?;
    if args.keep_models {
        talk(&format!(
            "Models are kept. `eval \"$(charmproof env)\"` makes `juju models` show them; their data is in {}",
            local.data
        ));
    }
    Ok(match end {
        SuiteEnd::Exited(code) => code,
        SuiteEnd::Interrupted => Exit::Interrupted as u8,
    })
}

/// Ends what was started for some data, whatever becomes of the command.
struct Ending<'a> {
    data: &'a Utf8Path,
}

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        local::end_processes_of(self.data);
    }
}

/// Packs the charm, if the folder is one of a charm.
fn pack_charm(
    place: &Place,
    args: &TestArgs,
    folder: &Utf8Path,
    tree: &DiskTree,
    swaps: &[PreparedSwap],
    work: &Utf8Path,
    cancel: &CancelToken,
) -> Result<Vec<Packed>, Failure> {
    let makers = place.makers();
    let private = work.join("packed");
    // A suite that is told no path looks for the archive where `charmcraft pack` leaves it.
    let target = if takes_a_path(tree) { private.as_path() } else { folder };
    let packing = Packing {
        context: makers.context(place, cancel),
        folder,
        wanted: args.platform.as_deref().map_or(Wanted::BuiltHere, Wanted::Label),
        swaps,
        scratch: work,
        target,
    };
    let mut all = Vec::new();
    match packing.run(|packed| all.push(packed)) {
        Ok(()) => Ok(all),
        // A repository of several charms, or of a library, can have such a suite too.
        Err(PackError::Recipe(RecipeError::Missing)) if args.platform.is_none() => Ok(Vec::new()),
        Err(error) => Err(pack::failure(&args.charm, &error)
            .hint("`--no-pack` leaves packing to the suite, and CHARM_PATH names a charm that you have")),
    }
}

/// Whether the suite can be told where the charm is.
pub(crate) fn takes_a_path(tree: &DiskTree) -> bool {
    let is_of_suite = |path: &Utf8Path| {
        let is_test = ["tests", "test"].iter().any(|folder| path.starts_with(folder));
        (is_test && path.extension() == Some("py"))
            || ["conftest.py", "tox.ini", "tox.toml", "pyproject.toml", "Makefile", "justfile", "noxfile.py"]
                .contains(&path.as_str())
    };
    tree.files()
        .iter()
        .filter(|path| is_of_suite(path))
        .any(|path| tree.read(path).is_some_and(|text| TAKES_A_PATH.iter().any(|word| text.contains(word))))
}

/// Says in a line how it went.
fn headline(timeline: &Timeline, end: SuiteEnd, took: Duration, packing: Option<Duration>) -> String {
    let how = match end {
        SuiteEnd::Exited(0) => "The suite passed".to_owned(),
        SuiteEnd::Exited(code) => format!("The suite failed with exit code {code}"),
        SuiteEnd::Interrupted => "The suite was interrupted".to_owned(),
    };
    let mut parts = vec![words(took)];
    parts.extend(packing.map(|took| format!("of which packing {}", words(took))));
    let mut tests = Vec::new();
    for (outcome, word) in
        [(Outcome::Ok, "passed"), (Outcome::Failed, "failed"), (Outcome::Skipped, "skipped")]
    {
        let number = timeline.tests_that(outcome);
        if number > 0 {
            tests.push(format!("{number} {word}"));
        }
    }
    let tests = if tests.is_empty() { String::new() } else { format!(": {} tests", tests.join(", ")) };
    let units = timeline.units().len();
    let units = if units == 0 { String::new() } else { format!(", {}", count(units, "unit")) };
    format!("{how} after {}{tests}{units}\n", parts.join(", "))
}

fn write_files(
    place: &Place,
    args: &TestArgs,
    folder: &Utf8Path,
    timeline: &Timeline,
    noted: &[u8],
) -> Result<(), Failure> {
    if let Some(file) = &args.html {
        let name = folder.file_name().unwrap_or("charm");
        fs_err::write(
            place.working_directory.join(file),
            timeline::html(timeline, &format!("Integration tests of {name}")),
        )
        .map_err(|error| Failure::of("the time line could not be written", &error))?;
    }
    if let Some(logs) = &args.logs {
        let logs = place.working_directory.join(logs);
        fs_err::create_dir_all(&logs)
            .and_then(|()| fs_err::write(logs.join(local::EVENTS_FILE), noted))
            .map_err(|error| Failure::of("the logs could not be written", &error))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_it_went_is_said_in_a_line() {
        let check = |end: SuiteEnd, packing: Option<u64>, expected: &str| {
            let line = headline(
                &timeline::tests::example(),
                end,
                Duration::from_millis(28_400),
                packing.map(Duration::from_millis),
            );
            assert_eq!(line, expected);
        };
        check(
            SuiteEnd::Exited(0),
            Some(400),
            "The suite passed after 28.4 s, of which packing 0.4 s: 1 passed, 1 failed, 1 skipped tests, 3 units\n",
        );
        check(
            SuiteEnd::Exited(1),
            None,
            "The suite failed with exit code 1 after 28.4 s: 1 passed, 1 failed, 1 skipped tests, 3 units\n",
        );
        let line = headline(&Timeline::default(), SuiteEnd::Interrupted, Duration::ZERO, None);
        assert_eq!(line, "The suite was interrupted after 0.0 s\n");
    }
}
