//! `dpkg` and `dpkg-query`.

use std::cmp::Ordering;

use super::machine::{Machine, Package};
use super::rules::Rules;
use super::said::Said;
use super::{Words, glob, packages, versions};

pub(super) fn dpkg(machine: &mut Machine, rules: &Rules, words: &Words<'_>) -> Said {
    // Whatever comes before the action only changes how it is done.
    let is_modifier = |word: &&String| {
        word.starts_with("--force")
            || word.starts_with("--no-")
            || matches!(word.as_str(), "-E" | "-G" | "--refuse-downgrade")
    };
    let arguments: Vec<&String> = words.arguments.iter().filter(|word| !is_modifier(word)).collect();
    let Some((action, names)) = arguments.split_first() else {
        return Said::failed(2, "dpkg: error: need an action option\n");
    };
    let names: Vec<&str> = names.iter().map(|name| name.as_str()).collect();
    match action.as_str() {
        "--print-architecture" => Said::printed("amd64\n"),
        "--print-foreign-architectures"
        | "--add-architecture"
        | "--remove-architecture"
        | "--audit"
        | "-C" => Said::default(),
        "-l" | "--list" | "-s" | "--status" | "-L" | "--listfiles" | "-S" | "--search" | "-W" | "--show"
        | "--get-selections" | "-p" | "--print-avail" => query(machine, action, &names),
        "-i" | "--install" => install(machine, rules, &names),
        "-r" | "--remove" | "-P" | "--purge" => remove(machine, &names),
        "--configure" | "--set-selections" | "--clear-selections" | "--triggers-only" | "--update-avail" => {
            Said::default()
        }
        "--compare-versions" => match names[..] {
            [one, operator, other] => compare(one, operator, other),
            _ => Said::failed(
                2,
                "dpkg: error: --compare-versions takes three arguments: <version> <relation> <version>\n",
            ),
        },
        "--version" => Said::printed("Debian 'dpkg' package management program version 1.22.6 (amd64).\n"),
        other => Said::failed(2, format!("dpkg: error: unknown option {other}\n")),
    }
}

pub(super) fn dpkg_query(machine: &mut Machine, _rules: &Rules, words: &Words<'_>) -> Said {
    let mut action = None;
    let mut format = None;
    let mut names = Vec::new();
    let mut arguments = words.arguments.iter();
    while let Some(word) = arguments.next() {
        match word.as_str() {
            "-f" | "--showformat" => format = arguments.next().map(String::as_str),
            word if word.starts_with("--showformat=") => format = word.strip_prefix("--showformat="),
            word if word.starts_with("-f") && word.len() > 2 => {
                format = word.strip_prefix("-f").map(|f| f.trim_start_matches('='));
            }
            word if word.starts_with('-') && action.is_none() => action = Some(word),
            word if word.starts_with('-') => {}
            word => names.push(word),
        }
    }
    match action {
        Some("-W" | "--show") => show(machine, format, &names),
        Some(action) => query(machine, action, &names),
        None => Said::failed(2, "dpkg-query: error: need an action option\n"),
    }
}

fn query(machine: &Machine, action: &str, names: &[&str]) -> Said {
    match action {
        "-W" | "--show" => show(machine, None, names),
        "-l" | "--list" => list(machine, names),
        "-s" | "--status" => each(
            machine,
            names,
            "package '{}' is not installed and no information is available",
            |said, name, package| {
                said.line(format!(
                "Package: {name}\nStatus: {}\nPriority: optional\nSection: misc\nArchitecture: amd64\nVersion: {}\nDescription: a package",
                status(package),
                package.version
            ));
            },
        ),
        "-L" | "--listfiles" => each(machine, names, "package '{}' is not installed", |said, _, package| {
            said.line("/.");
            for file in &package.files {
                said.line(file);
            }
        }),
        "-S" | "--search" => search(machine, names),
        "--get-selections" => {
            let mut said = Said::default();
            for (name, package) in chosen(machine, names) {
                said.line(format!("{name}\t\t\t\t\t\t{}", if package.is_held { "hold" } else { "install" }));
            }
            said
        }
        "-p" | "--print-avail" => Said::default(),
        other => Said::failed(2, format!("dpkg-query: error: unknown option {other}\n")),
    }
}

fn status(package: &Package) -> &'static str {
    if package.is_held { "hold ok installed" } else { "install ok installed" }
}

fn chosen<'a>(machine: &'a Machine, names: &[&str]) -> Vec<(&'a String, &'a Package)> {
    let is_wanted = |name: &str| {
        names.is_empty()
            || names.iter().any(|pattern| glob::matches(pattern.split(':').next().unwrap_or(pattern), name))
    };
    machine.packages.iter().filter(|(name, _)| is_wanted(name)).collect()
}

fn each(machine: &Machine, names: &[&str], missing: &str, show: impl Fn(&mut Said, &str, &Package)) -> Said {
    let mut said = Said::default();
    for name in names {
        if let Some(package) = machine.packages.get(name.split(':').next().unwrap_or(name)) {
            show(&mut said, name, package);
        } else {
            said.complain(format!("dpkg-query: {}", missing.replace("{}", name)));
            said.complain("Use dpkg --info (= dpkg-deb --info) to examine archive files.");
            said.code = 1;
        }
    }
    said
}

fn list(machine: &Machine, names: &[&str]) -> Said {
    let found = chosen(machine, names);
    if found.is_empty() {
        return none_found(names);
    }
    let mut said = Said::printed(
        "Desired=Unknown/Install/Remove/Purge/Hold\n\
         | Status=Not/Inst/Conf-files/Unpacked/halF-conf/Half-inst/trig-aWait/Trig-pend\n\
         |/ Err?=(none)/Reinst-required (Status,Err: uppercase=bad)\n\
         ||/ Name           Version      Architecture Description\n\
         +++-==============-============-============-=================================\n",
    );
    for (name, package) in found {
        let wish = if package.is_held { "hi" } else { "ii" };
        said.line(format!("{wish}  {name:<14} {:<12} amd64        a package", package.version));
    }
    said
}

fn none_found(names: &[&str]) -> Said {
    let mut said = Said { code: 1, ..Said::default() };
    for name in names {
        said.complain(format!("dpkg-query: no packages found matching {name}"));
    }
    said
}

fn show(machine: &Machine, format: Option<&str>, names: &[&str]) -> Said {
    let found = chosen(machine, names);
    if found.is_empty() {
        return none_found(names);
    }
    let format = format.unwrap_or("${binary:Package}\t${Version}\n");
    let mut said = Said::default();
    for (name, package) in found {
        said.stdout += &formatted(format, name, package);
    }
    said
}

/// Fills a format such as `${Package} ${Version;10}\n`.
fn formatted(format: &str, name: &str, package: &Package) -> String {
    let mut text = String::new();
    let mut rest = format;
    while let Some((before, after)) = rest.split_once("${") {
        text += before;
        let Some((field, after)) = after.split_once('}') else { break };
        text += match field.split(';').next().unwrap_or(field) {
            "Package" | "binary:Package" | "source:Package" => name,
            "Version" | "source:Version" => &package.version,
            "Architecture" => "amd64",
            "Status" | "db:Status-Status" if field.starts_with("db") => "installed",
            "Status" => status(package),
            "db:Status-Abbrev" => "ii ",
            "binary:Summary" | "Description" => "a package",
            _ => "",
        };
        rest = after;
    }
    text += rest;
    text.replace("\\n", "\n").replace("\\t", "\t")
}

fn search(machine: &Machine, names: &[&str]) -> Said {
    let mut said = Said::default();
    for name in names {
        let pattern = if name.starts_with('/') { (*name).to_owned() } else { format!("*{name}*") };
        let mut is_found = false;
        for (owner, package) in &machine.packages {
            for file in package.files.iter().filter(|file| glob::matches(&pattern, file)) {
                said.line(format!("{owner}: {file}"));
                is_found = true;
            }
        }
        if !is_found {
            said.complain(format!("dpkg-query: no path found matching pattern {name}"));
            said.code = 1;
        }
    }
    said
}

fn install(machine: &mut Machine, rules: &Rules, files: &[&str]) -> Said {
    let mut said = Said::default();
    for file in files {
        let stem = super::base_name(file).trim_end_matches(".deb");
        let mut parts = stem.split('_');
        let name = parts.next().unwrap_or(stem);
        if !file.ends_with(".deb") || !packages::is_name(name) {
            said.complain(format!("dpkg: error processing archive {file} (--install):\n cannot access archive '{file}': No such file or directory"));
            said.code = 1;
            continue;
        }
        let version =
            parts.next().map(str::to_owned).or_else(|| packages::candidate(rules, name)).unwrap_or_default();
        said.line(format!("Setting up {name} ({version}) ..."));
        packages::install(machine, rules, name, &version, &mut said);
    }
    said
}

fn remove(machine: &mut Machine, names: &[&str]) -> Said {
    let mut said = Said::default();
    for name in names {
        if machine.packages.contains_key(*name) {
            said.line(format!("Removing {name} ..."));
            packages::remove(machine, name, &mut said);
        } else {
            said.complain(format!("dpkg: warning: ignoring request to remove {name} which isn't installed"));
        }
    }
    said
}

fn compare(one: &str, operator: &str, other: &str) -> Said {
    let order = versions::compare(one, other);
    let holds = match operator {
        "lt" | "<<" | "lt-nl" => order == Ordering::Less,
        "le" | "<=" | "<" | "le-nl" => order != Ordering::Greater,
        "eq" | "=" => order == Ordering::Equal,
        "ne" => order != Ordering::Equal,
        "ge" | ">=" | ">" | "ge-nl" => order != Ordering::Less,
        "gt" | ">>" | "gt-nl" => order == Ordering::Greater,
        _ => return Said::failed(2, format!("dpkg: error: --compare-versions bad relation '{operator}'\n")),
    };
    Said { code: i32::from(!holds), ..Said::default() }
}
