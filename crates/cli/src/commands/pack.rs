//! `charmproof pack`: a `.charm` archive, in seconds.

use std::time::Instant;

use camino::{Utf8Path, Utf8PathBuf};
use charmproof_charm::DiskTree;
use charmproof_fleet::swap::PreparedSwap;
use charmproof_pack::environment::{CharmEnvironment, provide_for};
use charmproof_pack::prime::prime;
use charmproof_pack::recipe::{Architecture, Platform, Recipe};
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
    let folder = place.working_directory.join(&args.charm);
    let folder = folder.canonicalize_utf8().map_err(|error| {
        Failure::of(&format!("`{}` cannot be used", args.charm), &error).exit(Exit::Usage)
    })?;
    let failed = |error: &PackError| {
        let failure = Failure::of(&format!("the charm `{}` cannot be packed", args.charm), error);
        // What charmcraft would refuse as well is the user's to mend.
        if matches!(error, PackError::Recipe(_)) { failure.exit(Exit::Usage) } else { failure }
    };
    let tree = DiskTree::open(&folder).map_err(|error| failed(&error.into()))?;
    let recipe = Recipe::read(&tree).map_err(|error| failed(&error.into()))?;
    let architecture = Architecture::of_host()
        .ok_or_else(|| Failure::usage("this machine is of an architecture that no charm is packed for"))?;
    let platforms =
        recipe.chosen(args.platform.as_deref(), architecture).map_err(|error| failed(&error.into()))?;
    let swaps = swaps::prepared(place, &args.swap, cancel)?;
    let target = place.working_directory.join(args.output.as_deref().unwrap_or(Utf8Path::new(".")));
    let work = WorkFolder::new(&place.cache.work())?;
    for platform in platforms {
        let begun = Instant::now();
        let scratch = work.path.join(&platform.label);
        let packed = pack_one(place, &folder, &recipe, platform, &swaps, &scratch, &target, cancel)
            .map_err(|error| failed(&error))?;
        if !is_quiet {
            for note in &packed.notes {
                say(&format!("note: {note}"));
            }
        }
        let took = begun.elapsed().as_secs_f64();
        if !is_quiet {
            say(&format!("{} files, {}, in {took:.1} s", packed.files, size(packed.bytes)));
        }
        output::result(&format!("Packed {}", packed.path.file_name().unwrap_or_default()));
    }
    Ok(Exit::Fine)
}

/// An archive that was written.
struct Packed {
    path: Utf8PathBuf,
    files: usize,
    bytes: u64,
    notes: Vec<String>,
}

#[expect(clippy::too_many_arguments, reason = "it is the inner half of `run`")]
fn pack_one(
    place: &Place,
    folder: &Utf8Path,
    recipe: &Recipe,
    platform: &Platform,
    swaps: &[PreparedSwap],
    scratch: &Utf8Path,
    target: &Utf8Path,
    cancel: &CancelToken,
) -> Result<Packed, PackError> {
    let makers = place.makers();
    let context = makers.context(place, cancel);
    let environment = provide_for(&context, folder, &platform.base, swaps)?;
    let scripts = Scripts {
        context: &context,
        charm: folder,
        recipe,
        platform,
        environment: environment.as_ref(),
        scratch,
    };
    let prime = prime(folder, recipe, platform, environment.as_ref(), &scripts)?;
    let path = target.join(platform.file_name(&recipe.name));
    archive::write(&prime, &path)?;
    let mut notes: Vec<String> =
        environment.iter().flat_map(|environment| &environment.notes).cloned().collect();
    notes.extend(environment.as_ref().and_then(|environment| note_on_base(platform, environment)));
    notes.extend(prime.notes);
    Ok(Packed { files: prime.files.len(), bytes: fs_err::metadata(&path)?.len(), path, notes })
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
