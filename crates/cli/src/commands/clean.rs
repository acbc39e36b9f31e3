//! `charmproof clean`.

use charmproof_fleet::run::slot::remove_tree;
use charmproof_store::store::run_under_way;

use crate::args::CleanArgs;
use crate::commands::work::WorkFolder;
use crate::error::{Exit, Failure};
use crate::output::say;
use crate::place::Place;

pub(crate) fn run(place: &Place, args: &CleanArgs) -> Result<Exit, Failure> {
    let root = &place.cache.root;
    let names: &[&str] = if args.all {
        &["work", "bytecode", "mirrors", "swaps", "tools", "libraries", "digests", "store", "pythons.json"]
    } else {
        &["work/s", "work/t", "bytecode"]
    };
    // What a run works in must not be taken away from under it.
    if let Some(run) = run_under_way(&root.join("store")) {
        return Err(Failure::usage(format!("the run {run} is under way in this cache"))
            .hint("wait for it, or stop it with Ctrl-C; `charmproof resume` finishes it later")
            .exit(Exit::CouldNotRun));
    }
    if args.all && WorkFolder::is_taken(&place.cache.work()) {
        return Err(Failure::usage("`charmproof fuzz` or `replay` is under way in this cache")
            .hint("wait for it, or stop it with Ctrl-C")
            .exit(Exit::CouldNotRun));
    }
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
