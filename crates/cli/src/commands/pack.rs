//! `charmproof pack`: a `.charm` archive, in seconds.

use std::time::{Duration, Instant};

use camino::{Utf8Path, Utf8PathBuf};
use charmproof_charm::DiskTree;
use charmproof_charm::library::missing_libraries;
use charmproof_charm::metadata::{Base, CharmMetadata};
use charmproof_fleet::swap::PreparedSwap;
use charmproof_pack::environment::{CharmEnvironment, EnvironmentContext, provide_for};
use charmproof_pack::prime::prime;
use charmproof_pack::recipe::{Architecture, Platform, Recipe, RecipeError};
use charmproof_pack::script::Scripts;
use charmproof_pack::{PackError, archive};
use charmproof_sandbox::CancelToken;

use crate::args::PackArgs;
use crate::commands::swaps;
use crate::commands::work::WorkFolder;
use crate::error::{Exit, Failure};
use crate::output::{self, say};
use crate::place::Place;

pub(crate) fn run(
    place: &Place,
    args: &PackArgs,
    is_quiet: bool,
    cancel: &CancelToken,
) -> Result<Exit, Failure> {
    let folder = charm_folder(place, &args.charm)?;
    let swaps = swaps::prepared(place, &args.swap, cancel)?;
    let target = place.working_directory.join(args.output.as_deref().unwrap_or(Utf8Path::new(".")));
    let work = WorkFolder::new(&place.cache.work())?;
    let makers = place.makers();
    let packing = Packing {
        context: makers.context(place, cancel),
        folder: &folder,
        wanted: args.platform.as_deref().map_or(Wanted::BuiltHere, Wanted::Label),
        swaps: &swaps,
        scratch: &work.path,
        target: &target,
    };
    let tell = |packed: Packed| {
        if !is_quiet {
            say_of(&packed);
        }
        output::result(&format!("Packed {}", packed.name()));
    };
    packing.run(tell).map_err(|error| failure(&args.charm, &error))?;
    Ok(Exit::Fine)
}

/// Returns the folder of a charm that was named on a command line.
pub(crate) fn charm_folder(place: &Place, named: &Utf8Path) -> Result<Utf8PathBuf, Failure> {
    place
        .working_directory
        .join(named)
        .canonicalize_utf8()
        .map_err(|error| Failure::of(&format!("`{named}` cannot be used"), &error).exit(Exit::Usage))
}

/// Says what a user is told of an error. What charmcraft would refuse as well is the user's to mend.
pub(crate) fn failure(named: &Utf8Path, error: &PackError) -> Failure {
    let failure = Failure::of(&format!("the charm `{named}` cannot be packed"), error);
    if matches!(error, PackError::Recipe(_)) { failure.exit(Exit::Usage) } else { failure }
}

/// Says what there is to say of an archive, but its name.
pub(crate) fn say_of(packed: &Packed) {
    for note in &packed.notes {
        say(&format!("note: {note}"));
    }
    say(&format!("{} files, {}, in {:.1} s", packed.files, size(packed.bytes), packed.took.as_secs_f64()));
}

/// For what a charm is packed.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Wanted<'a> {
    /// All platforms that are built on such a machine as this.
    BuiltHere,
    /// The platform of this name.
    Label(&'a str),
    /// Those that are built here, for machines of this architecture.
    BuildFor(&'a str),
    /// The platforms with these numbers, from 0 in the order of charmcraft.yaml.
    Numbers(&'a [usize]),
}

impl Wanted<'_> {
    fn of(self, recipe: &Recipe, host: Architecture) -> Result<Vec<&Platform>, RecipeError> {
        match self {
            Self::BuiltHere => recipe.chosen(None, host),
            Self::Label(label) => recipe.chosen(Some(label), host),
            Self::BuildFor(architecture) => {
                let is_for = |platform: &&Platform| {
                    platform
                        .runs_on
                        .iter()
                        .any(|(_, all)| all.iter().any(|one| one.rsplit(':').next() == Some(architecture)))
                };
                let found: Vec<&Platform> = recipe.chosen(None, host)?.into_iter().filter(is_for).collect();
                if found.is_empty() { recipe.chosen(Some(architecture), host) } else { Ok(found) }
            }
            Self::Numbers(numbers) => numbers
                .iter()
                .map(|number| {
                    recipe.platforms.get(*number).ok_or_else(|| RecipeError::NoPlatform {
                        wanted: number.to_string(),
                        known: format!("the numbers below {}", recipe.platforms.len()),
                    })
                })
                .collect(),
        }
    }
}

/// All that one call packs with.
pub(crate) struct Packing<'a> {
    pub(crate) context: EnvironmentContext<'a>,
    /// The charm's folder.
    pub(crate) folder: &'a Utf8Path,
    pub(crate) wanted: Wanted<'a>,
    pub(crate) swaps: &'a [PreparedSwap],
    /// A folder of the call's own.
    pub(crate) scratch: &'a Utf8Path,
    /// Where archives are put.
    pub(crate) target: &'a Utf8Path,
}

/// An archive that was written.
pub(crate) struct Packed {
    pub(crate) path: Utf8PathBuf,
    /// The name of the charm.
    pub(crate) charm: String,
    /// The base that its Python is of.
    pub(crate) base: Base,
    files: usize,
    bytes: u64,
    /// What its user should know.
    pub(crate) notes: Vec<String>,
    pub(crate) took: Duration,
    /// The environment that is in it, if the charm has packages.
    pub(crate) environment: Option<CharmEnvironment>,
}

impl Packed {
    /// The name of the file.
    pub(crate) fn name(&self) -> &str {
        self.path.file_name().unwrap_or_default()
    }
}

impl Packing<'_> {
    /// Packs the charm for each platform that is wanted, and hands each archive on as it is written.
    pub(crate) fn run(&self, mut tell: impl FnMut(Packed)) -> Result<(), PackError> {
        let tree = DiskTree::open(self.folder)?;
        let recipe = Recipe::read(&tree)?;
        recipe.check(&tree)?;
        // A machine that Debian has no name for builds what the most common one builds: packages come as
        // wheels, or are compiled for where they are.
        let architecture = Architecture::of_host().unwrap_or(Architecture::Amd64);
        for platform in self.wanted.of(&recipe, architecture)? {
            tell(self.one(&recipe, platform)?);
        }
        Ok(())
    }

    fn one(&self, recipe: &Recipe, platform: &Platform) -> Result<Packed, PackError> {
        let begun = Instant::now();
        // Labels have colons, and folders of programs lie there, which go on a search path.
        let scratch = self.scratch.join(platform.label.replace(':', "-"));
        let environment = provide_for(&self.context, self.folder, &platform.base, self.swaps)?;
        let scripts = Scripts {
            context: &self.context,
            charm: self.folder,
            recipe,
            platform,
            environment: environment.as_ref(),
            scratch: &scratch,
        };
        let prime = prime(self.folder, recipe, platform, environment.as_ref(), &scripts)?;
        let path = self.target.join(platform.file_name(&recipe.name));
        archive::write(&prime, &path)?;
        let mut notes: Vec<String> =
            environment.iter().flat_map(|environment| &environment.notes).cloned().collect();
        notes.extend(environment.as_ref().and_then(|environment| note_on_base(platform, environment)));
        notes.extend(prime.notes);
        notes.extend(note_on_libraries(&DiskTree::open(self.folder)?));
        let bytes = fs_err::metadata(&path)?.len();
        Ok(Packed {
            path,
            charm: recipe.name.clone(),
            base: platform.base.clone(),
            files: prime.files.len(),
            bytes,
            notes,
            took: begun.elapsed(),
            environment,
        })
    }
}

/// What is missing is told while it is known why: the charm would fail with the first import.
fn note_on_libraries(tree: &DiskTree) -> Option<String> {
    let missing = missing_libraries(&CharmMetadata::read(tree), tree);
    let names: Vec<String> = missing.iter().map(|library| library.key.to_string()).collect();
    (!names.is_empty()).then(|| {
        format!(
            "the charm does not have {} that it asks for: {}; `charmcraft fetch-libs` brings what is in `charm-libs`",
            if names.len() == 1 { "a library" } else { "libraries" },
            names.join(", ")
        )
    })
}

/// Packages lie in a folder that is named after the Python they are for.
fn note_on_base(platform: &Platform, environment: &CharmEnvironment) -> Option<String> {
    let wanted = platform.base.python()?;
    let version: charmproof_charm::names::PythonVersion = environment.python_version.parse().ok()?;
    (!version.meets(wanted)).then(|| {
        format!(
            "a machine with {} would not find the packages in this archive; `uv python install {wanted}` brings the \
             Python for it",
            platform.base
        )
    })
}

fn size(bytes: u64) -> String {
    format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20))
}
