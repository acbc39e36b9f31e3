//! Where things are: the cache, the user's home, the tools, the store.

use std::collections::BTreeMap;

use camino::Utf8PathBuf;
use charmproof_fleet::corpus::git::Git;
use charmproof_fleet::corpus::list::{FleetList, LoadContext, Selection, load, select};
use charmproof_fleet::corpus::mirror::Mirrors;
use charmproof_fleet::corpus::problem::Severity;
use charmproof_fleet::inject::unit_file::PackingOrder;
use charmproof_fleet::plan::CachePlaces;
use charmproof_fleet::provision::pythons::{self, Python};
use charmproof_fleet::provision::tools::Tools;
use charmproof_fleet::run::environment::plain_search_path;
use charmproof_fleet::swap::PreparedSwap;
use charmproof_pack::environment::{EnvironmentContext, MakingSettings};
use charmproof_sandbox::{CancelToken, Launcher};
use charmproof_store::store::Store;

use crate::args::{Global, SelectionArgs};
use crate::error::Failure;
use crate::output::say;

/// The surroundings of one call.
pub(crate) struct Place {
    pub(crate) cache: CachePlaces,
    pub(crate) variables: BTreeMap<String, String>,
    pub(crate) home: Utf8PathBuf,
    pub(crate) working_directory: Utf8PathBuf,
    pub(crate) program: Utf8PathBuf,
    pub(crate) search_path: String,
}

/// What environments of charms are made with.
pub(crate) struct Makers {
    tools: Tools,
    pythons: Vec<Python>,
    launcher: Launcher,
}

impl Makers {
    /// Returns all that making an environment needs of its surroundings.
    pub(crate) fn context<'a>(&'a self, place: &'a Place, cancel: &'a CancelToken) -> EnvironmentContext<'a> {
        EnvironmentContext {
            cache: &place.cache.root,
            tools: &self.tools,
            pythons: &self.pythons,
            launcher: &self.launcher,
            cancel,
            variables: &place.variables,
            home: &place.home,
            search_path: &place.search_path,
            settings: MakingSettings::default(),
        }
    }
}

impl Place {
    pub(crate) fn new(global: &Global) -> Result<Self, Failure> {
        let variables: BTreeMap<String, String> = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect();
        // Whoever has no home (a cron job, a bare container) has no secrets in it either.
        let home =
            variables.get("HOME").filter(|home| !home.is_empty()).map_or("/nonexistent", String::as_str);
        let home = Utf8PathBuf::from(home);
        let working_directory = std::env::current_dir()
            .ok()
            .and_then(|path| Utf8PathBuf::from_path_buf(path).ok())
            .ok_or_else(|| Failure::usage("the current folder is gone, or its name is not UTF-8"))?;
        let root = match (&global.cache, variables.get("XDG_CACHE_HOME")) {
            (Some(cache), _) => working_directory.join(cache),
            (None, Some(folder)) if !folder.is_empty() => Utf8PathBuf::from(folder).join("charmproof"),
            (None, _) => home.join(".cache/charmproof"),
        };
        fs_err::create_dir_all(root.join("work")).map_err(|error| {
            Failure::of("the cache cannot be used", &error)
                .hint("name another folder with --cache or CHARMPROOF_CACHE")
        })?;
        let root =
            root.canonicalize_utf8().map_err(|error| Failure::of("the cache cannot be used", &error))?;
        let program = std::env::current_exe()
            .ok()
            .and_then(|path| Utf8PathBuf::from_path_buf(path).ok())
            .ok_or_else(|| Failure::usage("charmproof cannot find its own program"))?;
        let search_path = plain_search_path(variables.get("PATH").map_or("/usr/bin:/bin", String::as_str));
        Ok(Self { cache: CachePlaces { root }, variables, home, working_directory, program, search_path })
    }

    pub(crate) fn store(&self) -> Result<Store, Failure> {
        let store = Store::open(&self.cache.store())?;
        for warning in store.warnings() {
            say(&format!("warning: {warning}"));
        }
        Ok(store)
    }

    pub(crate) fn mirrors(&self) -> Result<Mirrors, Failure> {
        Mirrors::open(&self.cache.root, Git::from_process())
            .map_err(|error| Failure::of("the mirrors cannot be used", &error))
    }

    pub(crate) fn tools(&self) -> Tools {
        Tools::new(&self.cache.root, self.variables.get("PATH").map_or("", String::as_str))
    }

    pub(crate) fn pythons(&self) -> Vec<Python> {
        let places = pythons::Places {
            search_path: self.variables.get("PATH").cloned().unwrap_or_default(),
            home: self.home.clone(),
            pyenv_root: self.variables.get("PYENV_ROOT").map(Utf8PathBuf::from),
        };
        pythons::find(&places, &self.cache.root.join("pythons.json"))
    }

    /// Returns what environments of charms are made with.
    pub(crate) fn makers(&self) -> Makers {
        Makers { tools: self.tools(), pythons: self.pythons(), launcher: self.launcher() }
    }

    /// Returns what charms are packed with during a suite, with these swaps.
    pub(crate) fn packing(&self, swaps: Vec<PreparedSwap>) -> PackingOrder {
        PackingOrder {
            cache: self.cache.root.clone(),
            pythons: self.pythons(),
            swaps,
            search_path: self.search_path.clone(),
            uses_namespaces: true,
        }
    }

    pub(crate) fn launcher(&self) -> Launcher {
        Launcher::new(self.program.clone(), vec!["__launch".into()])
    }

    /// Reads a fleet, tells what is wrong with it, and applies the selection.
    pub(crate) fn fleet(&self, names: &[String], selection: &SelectionArgs) -> Result<FleetList, Failure> {
        let names = if names.is_empty() { vec![self.default_fleet()?] } else { names.to_vec() };
        let context = LoadContext {
            cwd: self.working_directory.clone(),
            today: jiff::Zoned::now().date(),
            strict: selection.strict,
        };
        let mut list = load(&names, &context);
        let (errors, warnings): (Vec<_>, Vec<_>) =
            list.problems.iter().partition(|problem| problem.severity == Severity::Error);
        for problem in warnings {
            say(&problem.render());
        }
        if !errors.is_empty() {
            let text: Vec<String> = errors.iter().map(|problem| problem.render()).collect();
            return Err(Failure::usage(format!("the fleet cannot be used\n{}", text.join("\n"))));
        }
        let wanted = Selection {
            // A charm's name can be longer than its repository's: `repository/charms/x`.
            repositories: Vec::new(),
            teams: selection.team.clone(),
            groups: selection.group.clone(),
            exclude: Vec::new(),
            limit: selection.limit,
        };
        let selected = select(&list.entries, &wanted);
        if !selected.unmatched.is_empty() {
            return Err(Failure::usage(format!(
                "nothing in the fleet is called {}",
                selected.unmatched.join(", ")
            )));
        }
        let kept = selected.entries.into_iter().cloned().collect();
        list.entries = kept;
        if list.entries.is_empty() {
            return Err(Failure::usage("the fleet is empty"));
        }
        Ok(list)
    }

    fn default_fleet(&self) -> Result<String, Failure> {
        for name in ["fleet.toml", "charms.csv"] {
            if self.working_directory.join(name).is_file() {
                return Ok(name.into());
            }
        }
        if ["charmcraft.yaml", "metadata.yaml"].iter().any(|name| self.working_directory.join(name).is_file())
        {
            return Ok(".".into());
        }
        Err(Failure::usage("there is no fleet here: no fleet.toml, no charms.csv and no charm")
            .hint("name one, for example `charmproof check unit charms.csv --swap ops==3.8.0`"))
    }
}

/// Whether a charm is meant by the patterns of the command line.
pub(crate) fn is_selected(id: &str, selection: &SelectionArgs) -> bool {
    let fits = |patterns: &[String]| patterns.iter().any(|pattern| matches(pattern, id));
    (selection.charm.is_empty() || fits(&selection.charm)) && !fits(&selection.exclude)
}

/// A pattern with `*` or `?` stands for the whole name, anything else for a part.
fn matches(pattern: &str, name: &str) -> bool {
    fn whole(pattern: &[char], name: &[char]) -> bool {
        match (pattern.split_first(), name.split_first()) {
            (None, None) => true,
            (Some(('*', rest)), _) => {
                whole(rest, name) || name.split_first().is_some_and(|(_, tail)| whole(pattern, tail))
            }
            (Some(('?', rest)), Some((_, tail))) => whole(rest, tail),
            (Some((p, rest)), Some((n, tail))) if p == n => whole(rest, tail),
            _ => false,
        }
    }
    let (pattern, name) = (pattern.to_lowercase(), name.to_lowercase());
    if pattern.contains(['*', '?']) {
        whole(&pattern.chars().collect::<Vec<_>>(), &name.chars().collect::<Vec<_>>())
    } else {
        name.contains(&pattern)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        for (pattern, name, expected) in [
            ("kfp", "canonical/kfp-operators/charms/kfp-ui", true),
            ("*-ui", "canonical/kfp-operators/charms/kfp-ui", true),
            ("kfp-?i", "kfp-ui", true),
            ("kfp-*", "x/kfp-ui", false),
        ] {
            assert_eq!(matches(pattern, name), expected, "{pattern} {name}");
        }
    }
}
