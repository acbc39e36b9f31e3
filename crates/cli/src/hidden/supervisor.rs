//! `__supervisor DATA`: the process that the models of a local Juju live in.

use std::collections::BTreeMap;

use camino::{Utf8Path, Utf8PathBuf};
use charmproof_fleet::provision::pythons::Python;
use charmproof_fleet::run::environment::SECRETS;
use charmproof_images::{Builder, RootsFile, Settings, Standing};
use charmproof_juju::hosting::local::LocalHosting;
use charmproof_juju::place::DataFolder;
use charmproof_juju::supervisor;
use charmproof_sandbox::CancelToken;

use super::{chain, complain};
use crate::args::{Colour, Global};
use crate::place::Place;

/// Chooses where images come from: `recipes` for those that charmproof brings.
const IMAGES_VARIABLE: &str = "CHARMPROOF_IMAGES";
/// Names files with recipes that come before the user's own, such as those of a charm: paths with `:` between.
pub(crate) const RECIPES_VARIABLE: &str = "CHARMPROOF_RECIPES";
/// The file in the folder of a charm that says what stands in for its images.
const CHARM_RECIPES_FILE: &str = "charmproof-images.toml";
/// The user's own roots and recipes, in the folder of their configuration.
const ROOTS_FILE: &str = "roots.toml";
const RECIPES_FILE: &str = "images.toml";

/// Runs until no model is left.
pub(super) fn serve(words: &[String]) -> i32 {
    let [data] = words else {
        complain("__supervisor needs the folder of the data");
        return 2;
    };
    match run(Utf8Path::new(data)) {
        Ok(()) => 0,
        Err(message) => {
            complain(&message);
            70
        }
    }
}

fn run(data: &Utf8Path) -> Result<(), String> {
    let cache =
        std::env::var("CHARMPROOF_CACHE").ok().filter(|cache| !cache.is_empty()).map(Utf8PathBuf::from);
    let global = Global { cache, color: Colour::Never, quiet: true };
    let place = Place::new(&global).map_err(|failure| failure.to_string())?;
    let cancel = CancelToken::new().map_err(|error| chain(&error))?;
    let settings = settings(&place, cancel)?;
    let folder = DataFolder::at(data);
    let images = place.cache.root.join("images");
    let hosting =
        LocalHosting::new(place.launcher(), folder.clone(), place.program.clone(), &images, settings)
            .map_err(|error| error.to_string())?;
    supervisor::run(&folder, Box::new(hosting)).map_err(|error| chain(&error))
}

/// Returns the value of the variable for the suite of a charm: the charm's own recipes, if it has any, before
/// those that were named already.
pub(crate) fn recipes_of(charm: &Utf8Path, named: Option<&str>) -> Option<String> {
    let own = Some(charm.join(CHARM_RECIPES_FILE)).filter(|path| path.exists()).map(Utf8PathBuf::into_string);
    let all: Vec<String> =
        own.into_iter().chain(named.filter(|named| !named.is_empty()).map(str::to_owned)).collect();
    (!all.is_empty()).then(|| all.join(":"))
}

/// Returns what is known of this host, and what the user wants of images.
fn settings(place: &Place, cancel: CancelToken) -> Result<Settings, String> {
    let named = |name: &str| place.variables.get(name).filter(|value| !value.is_empty());
    let configuration = named("XDG_CONFIG_HOME")
        .map_or_else(|| place.home.join(".config"), Utf8PathBuf::from)
        .join("charmproof");
    let standing = match named(IMAGES_VARIABLE).map(String::as_str) {
        Some("recipes") => Standing::Always,
        Some(_) | None => Standing::WhenUnreachable,
    };
    let of_charm = named(RECIPES_VARIABLE).map(String::as_str).unwrap_or_default();
    let recipe_files = of_charm.split(':').filter(|path| !path.is_empty()).map(Utf8PathBuf::from);
    let recipe_files = recipe_files.chain([configuration.join(RECIPES_FILE)]);
    let mut settings = Settings {
        interpreters: place.pythons().iter().filter_map(interpreter).collect(),
        recipe_files: recipe_files.filter(|path| path.exists()).collect(),
        standing,
        builder: Some(Builder {
            launcher: place.launcher(),
            uv: charmproof_fleet::process::find_on_path("uv", &place.search_path, &[])
                .or_else(|| place.tools().uv().ok()),
            uv_cache: place.cache.root.join("work/uv"),
            environment: place
                .variables
                .iter()
                .filter(|(name, _)| passes(name))
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect::<BTreeMap<_, _>>(),
            search_path: place.search_path.clone(),
            hidden: SECRETS.iter().map(|secret| place.home.join(secret)).collect(),
            cancel,
        }),
        ..Settings::default()
    };
    let roots = RootsFile::read(&configuration.join(ROOTS_FILE)).map_err(|error| error.to_string())?;
    roots.apply(&mut settings);
    Ok(settings)
}

/// Whether the steps of recipes see a variable: indexes, proxies, certificates.
fn passes(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    name.starts_with("UV_")
        || name.starts_with("PIP_")
        || name.starts_with("SSL_")
        || name.ends_with("_PROXY")
}

/// Returns an interpreter by the numbers of its line.
fn interpreter(python: &Python) -> Option<((u32, u32), Utf8PathBuf)> {
    let numbers = python.numbers();
    Some(((*numbers.first()?, *numbers.get(1)?), python.program.clone()))
}
