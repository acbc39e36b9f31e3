//! Which of our crates may depend on which.

use toml::{Table, Value};

use super::Problem;
use super::tree::Tree;

/// What the names of our crates begin with.
const OURS: &str = "charmproof";

/// For tests only, and therefore allowed to all as a development dependency.
const TESTKIT: &str = "charmproof-testkit";

/// A crate and those of ours that it may depend on.
///
/// The arrows point down only, so that each crate can be understood with the ones
/// below it.
const ALLOWED: [(&str, &[&str]); 14] = [
    (
        "charmproof",
        &[
            "charmproof-juju",
            "charmproof-fuzz",
            "charmproof-pack",
            "charmproof-fleet",
            "charmproof-store",
            "charmproof-agent",
            "charmproof-lifecycle",
            "charmproof-pebble",
            "charmproof-images",
            "charmproof-sandbox",
            "charmproof-charm",
        ],
    ),
    (
        "charmproof-juju",
        &[
            "charmproof-pack",
            "charmproof-agent",
            "charmproof-lifecycle",
            "charmproof-pebble",
            "charmproof-images",
            "charmproof-sandbox",
            "charmproof-charm",
        ],
    ),
    (
        "charmproof-fuzz",
        &[
            "charmproof-pack",
            "charmproof-fleet",
            "charmproof-store",
            "charmproof-agent",
            "charmproof-lifecycle",
            "charmproof-pebble",
            "charmproof-sandbox",
            "charmproof-charm",
        ],
    ),
    ("charmproof-pack", &["charmproof-fleet", "charmproof-sandbox", "charmproof-charm"]),
    ("charmproof-fleet", &["charmproof-store", "charmproof-sandbox", "charmproof-charm"]),
    (
        "charmproof-agent",
        &["charmproof-lifecycle", "charmproof-pebble", "charmproof-sandbox", "charmproof-charm"],
    ),
    ("charmproof-lifecycle", &["charmproof-charm"]),
    ("charmproof-images", &["charmproof-sandbox"]),
    ("charmproof-pebble", &[]),
    ("charmproof-store", &[]),
    ("charmproof-sandbox", &[]),
    ("charmproof-charm", &[]),
    (TESTKIT, &[]),
    ("xtask", &[]),
];

/// Checks the arrows between our crates.
pub(super) fn check(tree: &Tree) -> Vec<Problem> {
    manifests(tree).flat_map(|(path, text)| check_manifest(path, text)).collect()
}

/// Returns the manifests of the workspace's crates.
pub(super) fn manifests(tree: &Tree) -> impl Iterator<Item = (&str, &str)> {
    tree.ending("/Cargo.toml").filter(|(path, _)| path.starts_with("crates/") || *path == "xtask/Cargo.toml")
}

/// Returns the dependency tables of a manifest, with whether they ship.
pub(super) fn dependency_tables(manifest: &Table) -> Vec<(bool, &Table)> {
    const TABLES: [(&str, bool); 3] =
        [("dependencies", true), ("build-dependencies", true), ("dev-dependencies", false)];
    let mut holders = vec![manifest];
    if let Some(targets) = manifest.get("target").and_then(Value::as_table) {
        holders.extend(targets.values().filter_map(Value::as_table));
    }
    let mut tables = Vec::new();
    for holder in holders {
        for (name, ships) in TABLES {
            tables.extend(holder.get(name).and_then(Value::as_table).map(|table| (ships, table)));
        }
    }
    tables
}

fn check_manifest(path: &str, text: &str) -> Vec<Problem> {
    let manifest: Table = match text.parse() {
        Ok(manifest) => manifest,
        Err(error) => return vec![Problem::in_file(path, format!("is no TOML: {error}"))],
    };
    let name = manifest
        .get("package")
        .and_then(|package| package.get("name"))
        .and_then(Value::as_str)
        .unwrap_or_default();
    let Some((_, allowed)) = ALLOWED.iter().find(|(known, _)| *known == name) else {
        let message = format!("`{name}` is new: say in xtask/src/tidy/arrows.rs what it may use");
        return vec![Problem::in_file(path, message)];
    };
    let mut problems = Vec::new();
    for (ships, table) in dependency_tables(&manifest) {
        for used in table.keys().filter(|used| used.starts_with(OURS)) {
            if used == TESTKIT && ships {
                let message = "`charmproof-testkit` is for tests only: move it to dev-dependencies";
                problems.push(Problem::in_file(path, message));
            } else if used != TESTKIT && !allowed.contains(&used.as_str()) {
                let message = match allowed {
                    [] => format!("`{name}` may use none of our crates, and uses `{used}`"),
                    _ => format!("`{name}` may not use `{used}`, only {}", allowed.join(", ")),
                };
                problems.push(Problem::in_file(path, message));
            }
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::super::assert_says;
    use super::*;

    fn check_one(name: &str, dependencies: &str, expected: &[&str]) {
        let manifest = format!("[package]\nname = \"{name}\"\n{dependencies}");
        assert_says(check, &[("crates/x/Cargo.toml", &manifest)], expected);
    }

    #[test]
    fn arrows_point_down() {
        check_one(
            "charmproof-fleet",
            "[dependencies]\ncharmproof-store.workspace = true\nserde = \"1\"\n\
             [dev-dependencies]\ncharmproof-testkit.workspace = true",
            &[],
        );
    }

    #[test]
    fn arrows_that_point_up_are_told() {
        check_one(
            "charmproof-store",
            "[dependencies]\ncharmproof-fleet.workspace = true",
            &["crates/x/Cargo.toml: `charmproof-store` may use none of our crates, and uses \
               `charmproof-fleet`"],
        );
        check_one(
            "charmproof-lifecycle",
            "[target.'cfg(unix)'.build-dependencies]\ncharmproof-agent.workspace = true",
            &["crates/x/Cargo.toml: `charmproof-lifecycle` may not use `charmproof-agent`, only \
               charmproof-charm"],
        );
    }

    #[test]
    fn the_testkit_does_not_ship() {
        check_one(
            "charmproof",
            "[dependencies]\ncharmproof-testkit.workspace = true",
            &["crates/x/Cargo.toml: `charmproof-testkit` is for tests only: move it to \
               dev-dependencies"],
        );
    }

    #[test]
    fn a_new_crate_has_to_be_decided_on() {
        check_one(
            "charmproof-new",
            "",
            &["crates/x/Cargo.toml: `charmproof-new` is new: say in xtask/src/tidy/arrows.rs what \
               it may use"],
        );
    }

    #[test]
    fn what_is_allowed_has_no_circle() {
        fn depth(name: &str, trail: &[&str]) -> usize {
            assert!(!trail.contains(&name), "{name} is below itself: {trail:?}");
            let (_, below) = ALLOWED.iter().find(|(known, _)| *known == name).expect("is listed");
            let trail = [trail, &[name]].concat();
            below.iter().map(|name| depth(name, &trail)).max().map_or(0, |depth| depth + 1)
        }
        assert_eq!(depth("charmproof", &[]), 4);
    }
}
