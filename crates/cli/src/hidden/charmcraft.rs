//! `charmcraft`, as far as suites need it: `charmcraft pack` in seconds.
//!
//! It takes charmcraft 4's command line and says what charmcraft says, where charmcraft says it. What
//! it does not do it refuses by name, with charmcraft's exit codes: 1 for what failed, 64 for a command
//! line that is wrong.

use std::io::Write as _;

use camino::{Utf8Path, Utf8PathBuf};
use charmproof_fleet::inject::unit_file::PackingOrder;
use charmproof_fleet::provision::tools::Tools;
use charmproof_pack::environment::{CharmEnvironment, EnvironmentContext, MakingSettings};
use charmproof_pack::{PackError, recipe::RecipeError};
use charmproof_sandbox::{CancelToken, Launcher};
use clap::error::ErrorKind;
use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::args::{Colour, Global};
use crate::commands::pack::{self, Packed, Packing, Wanted};
use crate::commands::work::WorkFolder;
use crate::error::{Exit, Failure};
use crate::output::{self, say};
use crate::place::Place;

/// The charmcraft whose command line this is.
const VERSION: &str = "4.4.0";
/// What charmcraft ends with if something failed.
const EXIT_FAILED: i32 = 1;
/// What it ends with if its command line is wrong.
const EXIT_USAGE: i32 = 64;
/// What it ends with if it was interrupted.
const EXIT_INTERRUPTED: i32 = 130;
/// Names the file that says with what charms are packed here; without it, with what the user has.
pub(crate) const PACKING_VARIABLE: &str = "CHARMPROOF_PACKING";

/// Pack a charm. This is charmproof's stand-in for charmcraft; it packs, and nothing else
#[derive(Debug, Parser)]
#[command(name = "charmcraft", version = VERSION, arg_required_else_help = true)]
struct Charmcraft {
    #[command(flatten)]
    talk: Talk,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Args)]
struct Talk {
    /// Show debug information and be more verbose
    #[arg(short, long, global = true)]
    verbose: bool,
    /// Only show warnings and errors, not progress
    #[arg(short, long, global = true)]
    quiet: bool,
    /// Set the verbosity level
    #[arg(long, global = true, value_enum)]
    verbosity: Option<Verbosity>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Verbosity {
    Quiet,
    Brief,
    Verbose,
    Debug,
    Trace,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Build the charm
    Pack(PackWords),
    /// Show the application version and exit
    Version(VersionWords),
    /// Remove what packing left; there is nothing here
    Clean(CleanWords),
    #[command(external_subcommand)]
    Other(Vec<String>),
}

#[derive(Debug, Args)]
struct PackWords {
    /// Specify the project's directory (defaults to current)
    #[arg(short, long, value_name = "DIR", default_value = ".")]
    project_dir: Utf8PathBuf,
    /// Output directory for created packages
    #[arg(short, long, value_name = "DIR", default_value = ".")]
    output: Utf8PathBuf,
    /// Set platform to build for
    #[arg(long, env = "CRAFT_PLATFORM", hide_env = true, conflicts_with = "build_for")]
    platform: Option<String>,
    /// Set architecture to build for
    #[arg(long, env = "CRAFT_BUILD_FOR", hide_env = true)]
    build_for: Option<String>,
    /// Index of 'bases' configuration to build (can be used multiple times)
    #[arg(long, value_name = "INDEX")]
    bases_index: Vec<usize>,
    /// Produce a machine-readable format (currently only json)
    #[arg(long, value_enum)]
    format: Option<Format>,
    // How charmcraft builds; here it is always done the one way.
    #[arg(long, hide = true)]
    destructive_mode: bool,
    #[arg(long, hide = true)]
    use_lxd: bool,
    #[arg(long, hide = true)]
    force: bool,
    #[arg(long, hide = true)]
    debug: bool,
    #[arg(long, hide = true, value_name = "FILE")]
    measure: Option<Utf8PathBuf>,
    // These open a shell in the middle of the build, of which there is none here.
    #[arg(long, hide = true)]
    shell: bool,
    #[arg(long, hide = true)]
    shell_after: bool,
    #[arg(hide = true)]
    parts: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    Json,
}

#[derive(Debug, Args)]
struct VersionWords {
    /// Produce a machine-readable format (currently only json)
    #[arg(long, value_enum)]
    format: Option<Format>,
}

#[derive(Debug, Args)]
struct CleanWords {
    #[arg(hide = true, allow_hyphen_values = true, trailing_var_arg = true)]
    rest: Vec<String>,
}

/// How a call failed.
struct Trouble {
    text: String,
    exit: i32,
}

impl From<Failure> for Trouble {
    fn from(failure: Failure) -> Self {
        let exit = if failure.exit == Exit::Interrupted { EXIT_INTERRUPTED } else { EXIT_FAILED };
        let text = failure.to_string();
        Self { text: text.strip_prefix("error: ").unwrap_or(&text).to_owned(), exit }
    }
}

impl Trouble {
    fn usage(text: impl Into<String>) -> Self {
        Self { text: text.into(), exit: EXIT_USAGE }
    }
}

/// Serves a call; `words` are those behind the name.
pub(super) fn serve(words: &[String]) -> i32 {
    let name = std::iter::once("charmcraft");
    let asked = match Charmcraft::try_parse_from(name.chain(words.iter().map(String::as_str))) {
        Ok(asked) => asked,
        Err(error) => {
            // What is printed goes where clap puts it; a reader that went away is no error.
            let _ = error.print();
            return match error.kind() {
                ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => 0,
                _ => EXIT_USAGE,
            };
        }
    };
    let result = match &asked.command {
        Command::Pack(words) => pack(words, &asked.talk),
        Command::Version(words) => {
            output::result(&version(words.format));
            Ok(())
        }
        Command::Clean(_) => Ok(()),
        Command::Other(words) => Err(refusal(words.first().map_or("", String::as_str))),
    };
    match result {
        Ok(()) => 0,
        Err(trouble) => {
            say(&trouble.text);
            trouble.exit
        }
    }
}

fn version(format: Option<Format>) -> String {
    match format {
        None => format!("charmcraft {VERSION}"),
        Some(Format::Json) => {
            format!("{{\n    \"application\": \"charmcraft\",\n    \"version\": \"{VERSION}\"\n}}")
        }
    }
}

/// Says why something is not done.
fn refusal(command: &str) -> Trouble {
    let why = match command {
        "fetch-libs" | "fetch-lib" => "libraries are fetched by charmcraft itself; commit them to the charm",
        "test" => "`charmproof test` runs the suite of a charm",
        "build" | "pull" | "stage" | "prime" => "packing is not done in steps here; use `charmcraft pack`",
        _ => "what goes to Charmhub, and what looks into charms, is done by charmcraft itself",
    };
    Trouble::usage(format!(
        "`charmcraft {command}` is not done here: this charmcraft is charmproof's, which packs. {why}"
    ))
}

fn pack(words: &PackWords, talk: &Talk) -> Result<(), Trouble> {
    if words.shell || words.shell_after {
        return Err(Trouble::usage("there is no build to open a shell in: this charmcraft is charmproof's"));
    }
    let place = Place::new(&Global { cache: cache(), color: Colour::Auto, quiet: false })?;
    let cancel = CancelToken::new().map_err(|error| Failure::of("it could not start", &error))?;
    crate::watch_signals(&cancel)?;
    let order = order(&place)?;
    let (tools, launcher) = (Tools::new(&order.cache, &order.search_path), launcher(&place));
    let work = WorkFolder::new(&order.cache.join("work"))?;
    let folder = pack::charm_folder(&place, &words.project_dir)?;
    let wanted = match (&words.platform, &words.build_for) {
        (Some(platform), _) => Wanted::Label(platform),
        (None, Some(architecture)) => Wanted::BuildFor(architecture),
        (None, None) if !words.bases_index.is_empty() => Wanted::Numbers(&words.bases_index),
        (None, None) => Wanted::BuiltHere,
    };
    let packing = Packing {
        context: EnvironmentContext {
            cache: &order.cache,
            tools: &tools,
            pythons: &order.pythons,
            launcher: &launcher,
            cancel: &cancel,
            variables: &place.variables,
            home: &place.home,
            search_path: &order.search_path,
            settings: MakingSettings { uses_namespaces: order.uses_namespaces, ..MakingSettings::default() },
        },
        folder: &folder,
        wanted,
        swaps: &order.swaps,
        scratch: &work.path,
        target: &place.working_directory.join(&words.output),
    };
    let mut all: Vec<Packed> = Vec::new();
    packing.run(|packed| all.push(packed)).map_err(|error| trouble(words, &error))?;
    if let Some(file) = packing_file(&place) {
        let environments = all.iter().filter_map(|packed| packed.environment.as_ref());
        note_packed(file, environments)
            .map_err(|error| Failure::of("what was packed could not be noted", &error))?;
    }
    let is_chatty = talk.verbose
        || matches!(talk.verbosity, Some(Verbosity::Verbose | Verbosity::Debug | Verbosity::Trace));
    let is_quiet = talk.quiet || talk.verbosity == Some(Verbosity::Quiet);
    if is_chatty {
        all.iter().for_each(pack::say_of);
    }
    let names: Vec<&str> = all.iter().map(Packed::name).collect();
    if words.format == Some(Format::Json) {
        output::result(&serde_json::json!({ "charms": names }).to_string());
    } else if !is_quiet {
        // charmcraft tells its progress on standard error.
        let colon = if names.len() == 1 { "" } else { ":" };
        say(&format!("Packed{colon} {}", names.join(", ")));
    }
    Ok(())
}

fn trouble(words: &PackWords, error: &PackError) -> Trouble {
    if let PackError::Recipe(RecipeError::NoPlatform { wanted, .. }) = error
        && !words.bases_index.is_empty()
    {
        return Trouble {
            text: format!("Bases index '{wanted}' is invalid (must be >= 0 and fit in configured bases)."),
            exit: EXIT_FAILED,
        };
    }
    pack::failure(&words.project_dir, error).into()
}

fn cache() -> Option<Utf8PathBuf> {
    std::env::var("CHARMPROOF_CACHE").ok().filter(|cache| !cache.is_empty()).map(Utf8PathBuf::from)
}

fn launcher(place: &Place) -> Launcher {
    Launcher::new(place.program.clone(), vec!["__launch".into()])
}

/// With what it is packed: as whoever runs the suite says, or as the user's own `charmproof pack`.
fn order(place: &Place) -> Result<PackingOrder, Failure> {
    let Some(file) = packing_file(place) else { return Ok(place.packing(Vec::new())) };
    PackingOrder::read(file)
        .map_err(|error| Failure::of("what this suite's charms are packed with cannot be read", &error))
}

fn packing_file(place: &Place) -> Option<&Utf8Path> {
    place.variables.get(PACKING_VARIABLE).filter(|file| !file.is_empty()).map(Utf8Path::new)
}

/// Notes which environments are in the charms of a suite, beside the file that says with what they are
/// packed.
pub(crate) fn note_packed<'a>(
    packing: &Utf8Path,
    environments: impl Iterator<Item = &'a CharmEnvironment>,
) -> std::io::Result<()> {
    let mut file = fs_err::OpenOptions::new().create(true).append(true).open(noted_beside(packing))?;
    for environment in environments {
        let mut line = serde_json::to_vec(environment).map_err(std::io::Error::other)?;
        line.push(b'\n');
        file.write_all(&line)?;
    }
    Ok(())
}

/// Reads those notes: each environment once.
pub(crate) fn packed_environments(packing: &Utf8Path) -> Vec<CharmEnvironment> {
    let text = fs_err::read_to_string(noted_beside(packing)).unwrap_or_default();
    let mut all: Vec<CharmEnvironment> = Vec::new();
    // The suite can write there, so a line that is none is left out.
    for environment in text.lines().filter_map(|line| serde_json::from_str(line).ok()) {
        if !all.contains(&environment) {
            all.push(environment);
        }
    }
    all
}

fn noted_beside(packing: &Utf8Path) -> Utf8PathBuf {
    packing.with_extension("packed")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(words: &str, expected: Result<(), i32>) {
        let words = std::iter::once("charmcraft").chain(words.split_whitespace());
        let found = Charmcraft::try_parse_from(words).map(|_| ());
        assert_eq!(found.map_err(|error| if error.use_stderr() { EXIT_USAGE } else { 0 }), expected);
    }

    #[test]
    fn the_command_lines_of_suites_are_understood() {
        check("pack", Ok(()));
        check("pack --verbose", Ok(()));
        check("-v pack -p charms/web --output=out --platform ubuntu@24.04:amd64", Ok(()));
        check("pack --bases-index 0 --bases-index=1 --destructive-mode --force --debug", Ok(()));
        check("pack --project-dir x --use-lxd --quiet --measure m.json --format json", Ok(()));
        check("version --format=json", Ok(()));
        check("clean --platform amd64", Ok(()));
        check("fetch-libs", Ok(()));
        check("--version", Err(0));
        check("pack --strange", Err(EXIT_USAGE));
        check("", Err(EXIT_USAGE));
    }

    #[test]
    fn what_is_not_done_is_refused_by_name() {
        for (command, expected) in [
            ("fetch-libs", "libraries are fetched"),
            ("upload", "goes to Charmhub"),
            ("prime", "not done in steps"),
            ("test", "`charmproof test`"),
        ] {
            let trouble = refusal(command);
            assert!(trouble.text.contains(&format!("`charmcraft {command}`")), "{}", trouble.text);
            assert!(trouble.text.contains(expected), "{}", trouble.text);
            assert_eq!(trouble.exit, EXIT_USAGE);
        }
    }
}
