//! `charmproof clean`.

use charmproof_fleet::run::slot::remove_tree;

use crate::args::CleanArgs;
use crate::error::{Exit, Failure};
use crate::output::say;
use crate::place::Place;

pub(crate) fn run(place: &Place, args: &CleanArgs) -> Result<Exit, Failure> {
    let root = &place.cache.root;
    let names: &[&str] = if args.all {
        &["work", "mirrors", "swaps", "tools", "libraries", "digests", "store", "pythons.json"]
    } else {
        &["work/s", "work/t"]
    };
    for name in names {
        let path = root.join(name);
        if !path.exists() {
            continue;
        }
        if args.dry_run {
            say(&format!("would delete {path}"));
            continue;
        }
        let removed = if path.is_dir() { remove_tree(&path) } else { fs_err::remove_file(&path) };
        removed.map_err(|error| Failure::of("the cache could not be cleaned", &error))?;
        say(&format!("deleted {path}"));
    }
    Ok(Exit::Fine)
}
