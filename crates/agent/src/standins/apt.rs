//! `apt-get`, `apt`, `apt-cache`, `apt-mark` and `add-apt-repository`.

use super::Words;
use super::machine::Machine;
use super::packages;
use super::rules::Rules;
use super::said::Said;

/// Options of apt whose value is the next word.
const WITH_VALUE: [&str; 8] =
    ["-o", "--option", "-c", "--config-file", "-t", "--target-release", "-a", "--host-architecture"];

/// What apt says when a name leads to nothing, and its exit code.
const FAILURE: i32 = 100;

/// The words that are no options, and the options.
fn parted<'a>(arguments: &'a [String], with_value: &[&str]) -> (Vec<&'a str>, Vec<&'a str>) {
    let (mut plain, mut options) = (Vec::new(), Vec::new());
    let mut is_value = false;
    let mut is_over = false;
    for word in arguments {
        match word.as_str() {
            _ if is_value => is_value = false,
            "--" if !is_over => is_over = true,
            option if !is_over && option.len() > 1 && option.starts_with('-') => {
                is_value = with_value.contains(&option);
                options.push(option);
            }
            word => plain.push(word),
        }
    }
    (plain, options)
}

pub(super) fn apt_get(machine: &mut Machine, rules: &Rules, words: &Words<'_>) -> Said {
    let (plain, options) = parted(words.arguments, &WITH_VALUE);
    let Some((command, names)) = plain.split_first() else {
        return Said::printed(format!(
            "{} 2.7.14 (amd64)\nUsage: {} [options] command\n",
            words.program, words.program
        ));
    };
    match *command {
        "update" => Said::printed(
            "Hit:1 http://archive.ubuntu.com/ubuntu stable InRelease\nReading package lists...\n",
        ),
        "install" | "reinstall" | "build-dep" | "satisfy" => install(machine, rules, names),
        "remove" | "purge" | "autoremove" | "autopurge" => remove(machine, names),
        "upgrade" | "dist-upgrade" | "full-upgrade" => {
            let mut said = reading();
            said.line("0 upgraded, 0 newly installed, 0 to remove and 0 not upgraded.");
            said
        }
        "list" => list(machine, names, &options),
        "show" | "policy" | "search" | "madison" => cache(machine, rules, command, names),
        "clean" | "autoclean" | "check" | "download" | "source" | "changelog" | "indextargets"
        | "edit-sources" => Said::default(),
        other => Said::failed(FAILURE, format!("E: Invalid operation {other}\n")),
    }
}

fn reading() -> Said {
    Said::printed("Reading package lists...\nBuilding dependency tree...\nReading state information...\n")
}

fn install(machine: &mut Machine, rules: &Rules, names: &[&str]) -> Said {
    let mut said = reading();
    let mut wanted: Vec<(String, String)> = Vec::new();
    for word in names {
        // `name-` removes and `name+` installs; names such as `g++` end in a sign of their own.
        if let Some(name) = word.strip_suffix('-').filter(|name| machine.packages.contains_key(*name)) {
            packages::remove(machine, name, &mut said);
            continue;
        }
        let local = word.ends_with(".deb").then(|| local_name(word));
        let word = local.as_deref().unwrap_or(word);
        let (name, version) = match word.split_once('=') {
            Some((name, version)) => (name, Some(version)),
            None => (word.split('/').next().unwrap_or(word), None),
        };
        let bare = name.split(':').next().unwrap_or(name);
        let candidate = packages::candidate(rules, bare);
        match (candidate, version) {
            (None, _) => {
                said.complain(format!("E: Unable to locate package {name}"));
                said.code = FAILURE;
            }
            (Some(candidate), Some(version)) => {
                let is_known = rules.package(bare).is_some_and(|rule| rule.version.is_some());
                if is_known && !version_fits(version, &candidate) {
                    said.complain(format!("E: Version '{version}' for '{bare}' was not found"));
                    said.code = FAILURE;
                } else {
                    let version = if version.contains('*') { candidate } else { version.to_owned() };
                    wanted.push((bare.to_owned(), version));
                }
            }
            (Some(candidate), None) => wanted.push((bare.to_owned(), candidate)),
        }
    }
    // All or nothing, as apt does it.
    if said.code != 0 {
        return said;
    }
    let mut new: Vec<&(String, String)> = Vec::new();
    for entry in &wanted {
        let (name, version) = entry;
        let installed = machine.packages.get(name);
        if installed.is_some_and(|package| package.is_base || package.version == *version) {
            let version = installed.map_or("", |package| package.version.as_str());
            said.line(format!("{name} is already the newest version ({version})."));
        } else {
            new.push(entry);
        }
    }
    if !new.is_empty() {
        said.line("The following NEW packages will be installed:");
        let names: Vec<&str> = new.iter().map(|(name, _)| name.as_str()).collect();
        said.line(format!("  {}", names.join(" ")));
    }
    said.line(format!("0 upgraded, {} newly installed, 0 to remove and 0 not upgraded.", new.len()));
    for (name, version) in new {
        said.line(format!("Setting up {name} ({version}) ..."));
        packages::install(machine, rules, name, version, &mut said);
    }
    said
}

/// Whether a version that was asked for is the one that is there; `1.0*` is any that begins so.
fn version_fits(asked: &str, candidate: &str) -> bool {
    super::glob::matches(asked, candidate)
        || candidate.split_once(':').is_some_and(|(_, rest)| super::glob::matches(asked, rest))
}

/// The package in a file such as `./tool_1.2_amd64.deb`.
fn local_name(path: &str) -> String {
    let file = super::base_name(path).trim_end_matches(".deb");
    let mut parts = file.split('_');
    let name = parts.next().unwrap_or(file);
    match parts.next() {
        Some(version) => format!("{name}={version}"),
        None => name.to_owned(),
    }
}

fn remove(machine: &mut Machine, names: &[&str]) -> Said {
    let mut said = reading();
    let mut gone = Vec::new();
    for word in names {
        let name = word.split(['=', '/', ':']).next().unwrap_or(word);
        let matching: Vec<String> =
            machine.packages.keys().filter(|known| super::glob::matches(name, known)).cloned().collect();
        if matching.is_empty() {
            said.line(format!("Package '{name}' is not installed, so not removed"));
        }
        gone.extend(matching);
    }
    if !gone.is_empty() {
        said.line("The following packages will be REMOVED:");
        said.line(format!("  {}", gone.join(" ")));
    }
    said.line(format!("0 upgraded, 0 newly installed, {} to remove and 0 not upgraded.", gone.len()));
    for name in gone {
        let version = machine.packages.get(&name).map(|package| package.version.clone()).unwrap_or_default();
        said.line(format!("Removing {name} ({version}) ..."));
        packages::remove(machine, &name, &mut said);
    }
    said
}

fn list(machine: &Machine, names: &[&str], options: &[&str]) -> Said {
    let mut said = Said::printed("Listing...\n");
    if options.contains(&"--upgradable") {
        return said;
    }
    for (name, package) in &machine.packages {
        if names.is_empty() || names.iter().any(|pattern| super::glob::matches(pattern, name)) {
            said.line(format!("{name}/stable,now {} amd64 [installed]", package.version));
        }
    }
    said
}

pub(super) fn apt_cache(machine: &mut Machine, rules: &Rules, words: &Words<'_>) -> Said {
    let (plain, _) = parted(words.arguments, &WITH_VALUE);
    match plain.split_first() {
        Some((command, names)) => cache(machine, rules, command, names),
        None => Said::printed("apt 2.7.14 (amd64)\nUsage: apt-cache [options] command\n"),
    }
}

fn cache(machine: &Machine, rules: &Rules, command: &str, names: &[&str]) -> Said {
    let mut said = Said::default();
    for name in names {
        let bare = name.split(':').next().unwrap_or(name);
        let Some(candidate) = packages::candidate(rules, bare) else {
            match command {
                "policy" | "search" => {}
                "madison" => said.complain(format!("N: Unable to locate package {name}")),
                _ => said.complain(format!("N: Unable to locate package {name}\nE: No packages found")),
            }
            said.code = if command == "show" { FAILURE } else { said.code };
            continue;
        };
        let installed = machine.packages.get(bare).map(|package| package.version.as_str());
        match command {
            "policy" => {
                let shown = installed.unwrap_or("(none)");
                said.line(format!("{bare}:\n  Installed: {shown}\n  Candidate: {candidate}\n  Version table:"));
                said.line(format!("     {candidate} 500\n        500 http://archive.ubuntu.com/ubuntu stable/main amd64 Packages"));
            }
            "madison" => said.line(format!(
                "{bare:>10} | {candidate:>10} | http://archive.ubuntu.com/ubuntu stable/main amd64 Packages"
            )),
            "search" => said.line(format!("{bare} - a package")),
            "show" | "showpkg" => said.line(format!(
                "Package: {bare}\nArchitecture: amd64\nVersion: {candidate}\nPriority: optional\nSection: misc\n\
                 Maintainer: Ubuntu Developers <ubuntu-devel-discuss@lists.ubuntu.com>\nDescription: a package\n"
            )),
            _ => {}
        }
    }
    said
}

pub(super) fn apt_mark(machine: &mut Machine, _rules: &Rules, words: &Words<'_>) -> Said {
    let (plain, _) = parted(words.arguments, &[]);
    let mut said = Said::default();
    let Some((command, names)) = plain.split_first() else {
        return Said::failed(FAILURE, "E: No command was given\n");
    };
    match *command {
        "hold" | "unhold" => {
            let is_held = *command == "hold";
            for name in names {
                if let Some(package) = machine.packages.get_mut(*name) {
                    package.is_held = is_held;
                    let state = if is_held { "set on hold" } else { "canceled hold on" };
                    let line = if is_held {
                        format!("{name} {state}.")
                    } else {
                        format!("Canceled hold on {name}.")
                    };
                    said.line(line);
                } else {
                    said.complain(format!("E: Can't select installed nor candidate version from package '{name}' as it has neither of them"));
                    said.code = FAILURE;
                }
            }
        }
        "showhold" => {
            for (name, _) in machine.packages.iter().filter(|(_, package)| package.is_held) {
                said.line(name);
            }
        }
        "auto" | "manual" | "showauto" | "showmanual" | "minimize-manual" => {}
        other => return Said::failed(FAILURE, format!("E: Invalid operation {other}\n")),
    }
    said
}

pub(super) fn add_apt_repository(machine: &mut Machine, _rules: &Rules, words: &Words<'_>) -> Said {
    let with_value = [
        "-P",
        "--ppa",
        "-C",
        "--cloud",
        "-U",
        "--uri",
        "-S",
        "--sourceslist",
        "-c",
        "--component",
        "-p",
        "--pocket",
    ];
    let is_removal = words.arguments.iter().any(|word| matches!(word.as_str(), "-r" | "--remove"));
    let mut sources: Vec<String> = Vec::new();
    let mut is_value = false;
    for word in words.arguments {
        match word.as_str() {
            word if is_value => {
                is_value = false;
                sources.push(word.to_owned());
            }
            word if with_value.contains(&word) => is_value = true,
            word if word.starts_with("--") && word.contains('=') => {
                sources.extend(word.split_once('=').map(|(_, value)| value.to_owned()));
            }
            word if word.starts_with('-') => {}
            word => sources.push(word.to_owned()),
        }
    }
    if sources.is_empty() {
        return Said::failed(1, "Error: no repository was given\n");
    }
    let mut said = Said::default();
    for source in sources {
        if is_removal {
            machine.repositories.remove(&source);
        } else {
            said.line(format!("Repository: '{source}'\nAdding repository."));
            machine.repositories.insert(source);
        }
    }
    said
}
