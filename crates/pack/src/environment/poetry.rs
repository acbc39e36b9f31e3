//! What a `poetry.lock` and its manifest mean to another installer.
//!
//! The main dependencies of the manifest are what is asked for, by name and extras alone; the
//! lock's exact versions are constraints on whatever that leads to. So the installer follows
//! the markers, and packages of other groups stay out whatever the lock's format is.

use std::collections::BTreeMap;

use toml::{Table, Value};

/// What to install.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct PoetryRequirements {
    /// Lines to install, such as `ops[tracing]`.
    pub(super) requirements: Vec<String>,
    /// Lines that bound versions, such as `ops==3.7.1`.
    pub(super) constraints: Vec<String>,
    /// What was left out.
    pub(super) notes: Vec<String>,
}

/// Reads the manifest, with the dependencies of `groups` next to the main ones, and the lock,
/// where there is one.
pub(super) fn read(
    manifest: &Table,
    groups: &[String],
    lock: Option<&str>,
) -> Result<PoetryRequirements, String> {
    let mut read = PoetryRequirements::default();
    let poetry = manifest.get("tool").and_then(|tool| tool.get("poetry"));
    let project = manifest.get("project").and_then(|project| project.get("dependencies"));
    read.requirements.extend(
        project.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).map(str::to_owned),
    );
    let main = poetry.and_then(|poetry| poetry.get("dependencies"));
    let chosen = groups
        .iter()
        .filter_map(|group| poetry.and_then(|poetry| poetry.get("group")?.get(group)?.get("dependencies")));
    for table in main.into_iter().chain(chosen).filter_map(Value::as_table) {
        for (name, value) in table {
            // With `project.dependencies` this table only says where packages come from.
            let is_known = read.requirements.iter().any(|line| names(line, name));
            if name != "python" && !is_known {
                add_requirement(&mut read, name, value, lock.is_some());
            }
        }
    }
    read.requirements.sort();
    if let Some(lock) = lock {
        let table: Table = lock.parse().map_err(|error: toml::de::Error| error.message().to_owned())?;
        add_constraints(&mut read, &table);
    }
    Ok(read)
}

/// Whether a requirement is for a package.
fn names(requirement: &str, package: &str) -> bool {
    charmproof_charm::pyproject::requirement_name(requirement)
        == Some(charmproof_charm::names::PackageName::new(package))
}

fn add_requirement(read: &mut PoetryRequirements, name: &str, value: &Value, is_locked: bool) {
    // One of several, by markers: which one, the lock's markers say as well.
    let value = value.as_array().and_then(|alternatives| alternatives.first()).unwrap_or(value);
    if value.get("optional").and_then(Value::as_bool) == Some(true) {
        return;
    }
    let extras: Vec<&str> = value
        .get("extras")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let extras = if extras.is_empty() { String::new() } else { format!("[{}]", extras.join(",")) };
    let marker = value.get("markers").and_then(Value::as_str).map(|marker| format!(" ; {marker}"));
    let source = ["git", "url", "path"].iter().find_map(|kind| Some((*kind, value.get(*kind)?.as_str()?)));
    let source = match source {
        Some(("git", url)) if !is_locked => {
            let at = ["rev", "tag", "branch"].iter().find_map(|key| value.get(*key)?.as_str());
            format!(" @ git+{url}{}", at.map(|at| format!("@{at}")).unwrap_or_default())
        }
        Some(("url", url)) if !is_locked => format!(" @ {url}"),
        Some(("path", path)) => {
            read.requirements.push(format!("./{path}"));
            return;
        }
        _ => String::new(),
    };
    if !is_locked && source.is_empty() {
        read.notes.push(format!("`{name}` is the newest there is: Poetry's bounds count only in its lock"));
    }
    read.requirements.push(format!("{name}{extras}{source}{}", marker.unwrap_or_default()));
}

fn add_constraints(read: &mut PoetryRequirements, lock: &Table) {
    let packages = lock.get("package").and_then(Value::as_array).into_iter().flatten();
    let mut by_name: BTreeMap<&str, Vec<(String, Option<&str>)>> = BTreeMap::new();
    for package in packages {
        let text = |key: &str| package.get(key).and_then(Value::as_str);
        let (Some(name), Some(version)) = (text("name"), text("version")) else { continue };
        let source = package.get("source");
        let of_source = |key: &str| source.and_then(|source| source.get(key)).and_then(Value::as_str);
        let pin = match (of_source("type"), of_source("url")) {
            (Some("git"), Some(url)) => {
                let commit = of_source("resolved_reference").or_else(|| of_source("reference"));
                let folder = of_source("subdirectory").map(|folder| format!("#subdirectory={folder}"));
                format!(
                    " @ git+{url}{}{}",
                    commit.map(|commit| format!("@{commit}")).unwrap_or_default(),
                    folder.unwrap_or_default()
                )
            }
            (Some("url"), Some(url)) => format!(" @ {url}"),
            // It lies in the charm: there is nothing to choose from.
            (Some("directory" | "file"), _) => continue,
            _ => format!("=={version}"),
        };
        let pins = by_name.entry(name).or_default();
        pins.push((pin, text("markers")));
    }
    for (name, pins) in by_name {
        // Two versions of one package, for two Pythons: only their markers tell which is meant.
        if pins.len() > 1 && pins.iter().any(|(_, marker)| marker.is_none()) {
            read.notes
                .push(format!("the lock has several versions of `{name}` and does not say for which Python"));
            continue;
        }
        for (pin, marker) in pins {
            let marker = marker.map(|marker| format!(" ; {marker}")).unwrap_or_default();
            read.constraints.push(format!("{name}{pin}{marker}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(manifest: &str, groups: &[&str], lock: Option<&str>, expected: (&[&str], &[&str])) {
        let groups: Vec<String> = groups.iter().map(ToString::to_string).collect();
        let read = read(&manifest.parse().unwrap(), &groups, lock).unwrap();
        assert_eq!(
            (read.requirements, read.constraints),
            (owned(expected.0), owned(expected.1)),
            "{manifest}"
        );
    }

    fn owned(lines: &[&str]) -> Vec<String> {
        lines.iter().map(ToString::to_string).collect()
    }

    const LOCK: &str = "[[package]]\nname = \"ops\"\nversion = \"3.7.1\"\ngroups = [\"main\"]\n\
        [[package]]\nname = \"pytest\"\nversion = \"9.0\"\ngroups = [\"unit\"]\n";

    #[test]
    fn main_dependencies_with_the_versions_of_the_lock() {
        check(
            "[tool.poetry.dependencies]\npython = \"^3.10\"\nops = {version = \"^3\", extras = [\"tracing\"]}\n\
             later = {version = \"1\", optional = true}\n[tool.poetry.group.unit.dependencies]\npytest = \"*\"\n",
            &[],
            Some(LOCK),
            (&["ops[tracing]"], &["ops==3.7.1", "pytest==9.0"]),
        );
    }

    #[test]
    fn groups_that_the_part_names_are_main_as_well() {
        let manifest = "[tool.poetry.dependencies]\nops = \"^3\"\n[tool.poetry.group.charm-libs.dependencies]\n\
            cosl = {version = \"*\", markers = \"python_version > '3.8'\"}\n";
        check(manifest, &["charm-libs"], Some(""), (&["cosl ; python_version > '3.8'", "ops"], &[]));
        check(manifest, &[], Some(""), (&["ops"], &[]));
    }

    #[test]
    fn a_project_table_is_the_newer_form() {
        check(
            "[project]\ndependencies = [\"ops >= 3\"]\n[tool.poetry.dependencies]\nops = {source = \"x\"}\n",
            &[],
            Some(LOCK),
            (&["ops >= 3"], &["ops==3.7.1", "pytest==9.0"]),
        );
    }

    #[test]
    fn what_is_fetched_from_a_repository_is_pinned_to_its_commit() {
        let lock = "[[package]]\nname = \"a\"\nversion = \"1\"\n[package.source]\ntype = \"git\"\n\
            url = \"https://example.org/a.git\"\nreference = \"main\"\nresolved_reference = \"abc\"\n";
        check(
            "[tool.poetry.dependencies]\na = {git = \"https://example.org/a.git\", branch = \"main\"}\n",
            &[],
            Some(lock),
            (&["a"], &["a @ git+https://example.org/a.git@abc"]),
        );
    }

    #[test]
    fn several_versions_of_one_package() {
        let two = |first: &str, second: &str| {
            format!(
                "[[package]]\nname = \"a\"\nversion = \"1\"\n{first}\n[[package]]\nname = \"a\"\nversion = \"2\"\n{second}\n"
            )
        };
        let manifest = "[tool.poetry.dependencies]\na = \"*\"\n";
        let marked = two("markers = \"python_version < '3.9'\"", "markers = \"python_version >= '3.9'\"");
        let expected = ["a==1 ; python_version < '3.9'", "a==2 ; python_version >= '3.9'"];
        check(manifest, &[], Some(&marked), (&["a"], &expected));
        check(manifest, &[], Some(&two("", "")), (&["a"], &[]));
    }

    #[test]
    fn without_a_lock_sources_are_kept_and_bounds_are_noted() {
        let manifest: Table =
            "[tool.poetry.dependencies]\nops = \"^3\"\na = {git = \"https://example.org/a\", tag = \"v1\"}\nb = {path = \"lib/b\"}\n"
                .parse()
                .unwrap();
        let read = read(&manifest, &[], None).unwrap();
        assert_eq!(read.requirements, ["./lib/b", "a @ git+https://example.org/a@v1", "ops"]);
        assert_eq!(read.notes, ["`ops` is the newest there is: Poetry's bounds count only in its lock"]);
    }

    #[test]
    fn a_lock_that_is_no_toml() {
        assert!(read(&Table::new(), &[], Some("[[package")).is_err());
    }
}
