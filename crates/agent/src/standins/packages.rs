//! What installing and removing a package does.
//!
//! Without a rule any package can be had. Real ones bring programs and services under names that
//! are often, and not always, their own; what is taken to be there is said.

use camino::Utf8PathBuf;

use super::machine::{Activity, Machine, Package, Service};
use super::rules::Rules;
use super::said::Said;
use super::{Act, units};

/// The version of packages that nobody gave one.
const ASSUMED_VERSION: &str = "1.0.0-1";

/// Packages whose services have other names than they.
const SERVICES: [(&str, &[&str]); 14] = [
    ("apache2", &["apache2"]),
    ("bind9", &["named"]),
    ("chrony", &["chrony"]),
    ("docker-ce", &["docker"]),
    ("docker.io", &["docker"]),
    ("libvirt-daemon-system", &["libvirtd"]),
    ("mariadb-server", &["mariadb"]),
    ("mysql-server", &["mysql"]),
    ("nfs-kernel-server", &["nfs-server"]),
    ("openssh-server", &["ssh"]),
    ("postgresql", &["postgresql"]),
    ("redis", &["redis-server"]),
    ("redis-server", &["redis-server"]),
    ("samba", &["smbd", "nmbd"]),
];

/// Packages of these kinds bring neither programs nor services.
const PLAIN_STARTS: [&str; 8] =
    ["lib", "python3-", "python-", "linux-", "fonts-", "golang-", "ruby-", "node-"];
const PLAIN_ENDS: [&str; 9] =
    ["-dev", "-doc", "-common", "-data", "-dbg", "-dbgsym", "-locales", "-modules", "-headers"];

/// Words after which a package's program or service may be named without them. Of `x-bin` it is
/// always `x`, of `x-server` either.
const SUFFIXES: [&str; 6] = ["-bin", "-server", "-daemon", "-ce", "-full", "-core"];

/// Whether a text can be the name of a package (Debian Policy, "Source" and "Package").
pub(super) fn is_name(text: &str) -> bool {
    let name = text.split(':').next().unwrap_or(text);
    name.len() >= 2
        && name.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "+-.".contains(c))
}

/// The version that a package would be installed in; nothing if there is no such package.
pub(super) fn candidate(rules: &Rules, name: &str) -> Option<String> {
    if !is_name(name) {
        return None;
    }
    match rules.package(name) {
        Some(rule) if !rule.available => None,
        Some(rule) => Some(rule.version.clone().unwrap_or_else(|| ASSUMED_VERSION.into())),
        None => Some(ASSUMED_VERSION.into()),
    }
}

/// Installs a package, with all that it brings.
pub(super) fn install(machine: &mut Machine, rules: &Rules, name: &str, version: &str, said: &mut Said) {
    let rule = rules.package(name);
    if rule.is_none_or(|rule| rule.version.is_none()) && version == ASSUMED_VERSION {
        said.assumes(format!("package {name} was taken to be there, in version {version}"));
    }
    let mut package = Package {
        version: version.to_owned(),
        is_held: false,
        is_base: false,
        programs: Vec::new(),
        files: Vec::new(),
    };
    let guessed = guessed_names(name);
    let told = rule.and_then(|rule| rule.programs.clone());
    let is_assumed = told.is_none();
    for program in told.unwrap_or_else(|| guessed.clone()) {
        let path = if program.starts_with('/') { program } else { format!("/usr/bin/{program}") };
        said.acts.push(Act::Program { path: Utf8PathBuf::from(&path), is_assumed });
        package.programs.push(path.clone());
        package.files.push(path);
    }
    if is_assumed && !package.programs.is_empty() {
        let programs = package.programs.join(" and ");
        said.assumes(format!("package {name} was taken to bring {programs}, unless there is a real one"));
    }
    for (path, content) in rule.iter().flat_map(|rule| &rule.files) {
        said.acts.push(Act::WriteFile {
            path: path.clone(),
            mode: 0o644,
            content: content.clone().into_bytes(),
        });
        package.files.push(path.to_string());
    }
    let told = rule.and_then(|rule| rule.services.clone());
    let known = SERVICES.iter().find(|(package, _)| *package == name);
    let services = match (told, known) {
        (Some(services), _) => services,
        (None, Some((_, services))) => services.iter().map(ToString::to_string).collect(),
        (None, None) => guessed,
    };
    for service in services {
        machine.services.entry(units::full_name(&service)).or_insert_with(|| Service {
            activity: Activity::Active,
            is_enabled: true,
            is_masked: false,
            owner: name.to_owned(),
        });
    }
    machine.packages.insert(name.to_owned(), package);
}

/// Removes a package, with all that it brought.
pub(super) fn remove(machine: &mut Machine, name: &str, said: &mut Said) {
    let Some(package) = machine.packages.remove(name) else { return };
    for path in package.files {
        said.acts.push(Act::Remove { path: Utf8PathBuf::from(path) });
    }
    machine.services.retain(|_, service| service.owner != name);
}

/// The names that the programs and services of a package may have.
fn guessed_names(package: &str) -> Vec<String> {
    let is_plain = PLAIN_STARTS.iter().any(|start| package.starts_with(start))
        || PLAIN_ENDS.iter().any(|end| package.ends_with(end));
    if is_plain {
        return Vec::new();
    }
    let stem = SUFFIXES.iter().find_map(|suffix| Some((*suffix, package.strip_suffix(suffix)?)));
    match stem {
        Some(("-bin", stem)) => vec![stem.to_owned()],
        Some((_, stem)) => vec![package.to_owned(), stem.to_owned()],
        None => vec![package.to_owned()],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_programs_may_have() {
        for (package, expected) in [
            ("nginx", vec!["nginx"]),
            ("tinyproxy-bin", vec!["tinyproxy"]),
            ("redis-server", vec!["redis-server", "redis"]),
            ("libssl-dev", vec![]),
            ("python3-yaml", vec![]),
            ("nginx-common", vec![]),
        ] {
            assert_eq!(guessed_names(package), expected, "{package}");
        }
    }

    #[test]
    fn names_of_packages() {
        for (name, expected) in [
            ("nginx", true),
            ("g++", true),
            ("libc6:amd64", true),
            ("Nginx", false),
            ("a", false),
            ("a b", false),
            ("./x.deb", false),
        ] {
            assert_eq!(is_name(name), expected, "{name}");
        }
    }
}
