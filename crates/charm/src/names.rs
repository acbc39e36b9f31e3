//! Names with rules: charms, Python packages, Python versions.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

/// The name of a charm, as charmcraft.yaml or metadata.yaml gives it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CharmName(String);

/// A name that no charm can have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not the name of a charm")]
pub struct InvalidCharmName(pub String);

impl CharmName {
    /// The name as it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name as the directories of charm libraries spell it, with
    /// underscores.
    pub fn module(&self) -> String {
        self.0.replace('-', "_")
    }
}

impl FromStr for CharmName {
    type Err = InvalidCharmName;

    /// Accepts what Juju and Charmhub accept, and the capitals and
    /// underscores that local charms get away with.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let fine = text.len() <= 80
            && text.starts_with(|first: char| first.is_ascii_alphabetic())
            && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'));
        if fine { Ok(Self(text.to_owned())) } else { Err(InvalidCharmName(text.to_owned())) }
    }
}

impl fmt::Display for CharmName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// The name of a Python distribution, normalised as PEP 503 says: lower case,
/// with runs of `-`, `_` and `.` as one `-`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PackageName(String);

impl PackageName {
    /// Normalises a name.
    pub fn new(name: &str) -> Self {
        let mut normal = String::with_capacity(name.len());
        for character in name.trim().chars() {
            if !matches!(character, '-' | '_' | '.') {
                normal.extend(character.to_lowercase());
            } else if !normal.ends_with('-') {
                normal.push('-');
            }
        }
        Self(normal)
    }

    /// The normalised name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PackageName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// A version of `CPython`: `3.12`, or `3.12.4` when the last part is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PythonVersion {
    /// The first part.
    pub major: u8,
    /// The second part.
    pub minor: u8,
    /// The third part, if it is known.
    pub patch: Option<u8>,
}

impl PythonVersion {
    /// Python 3 with a minor version.
    pub const fn three(minor: u8) -> Self {
        Self { major: 3, minor, patch: None }
    }

    /// Whether this is what somebody means who asks for `wanted`: equal in
    /// the parts that `wanted` names.
    pub fn meets(self, wanted: Self) -> bool {
        self.minor_version() == wanted.minor_version()
            && (wanted.patch.is_none() || self.patch.is_none() || self.patch == wanted.patch)
    }

    /// The first two parts, which decide what code runs.
    pub fn minor_version(self) -> (u8, u8) {
        (self.major, self.minor)
    }

    /// Reads what tox, uv and pyenv call an interpreter: `3.12`,
    /// `python3.12`, `py312`, `cpython@3.12.4`. Nothing for names without a
    /// minor version and for other implementations than `CPython`.
    pub fn from_interpreter_name(name: &str) -> Option<Self> {
        let name = name.trim();
        let name = name.rsplit('/').next().unwrap_or(name);
        let digits = ["cpython", "python", "py"]
            .iter()
            .find_map(|prefix| name.strip_prefix(prefix))
            .unwrap_or(name)
            .trim_start_matches(['@', '-']);
        if let Ok(version) = digits.parse() {
            return Some(version);
        }
        // tox's `py312` and `312`.
        let minor = digits.strip_prefix('3')?;
        let fine = matches!(minor.len(), 1 | 2) && minor.bytes().all(|digit| digit.is_ascii_digit());
        fine.then(|| minor.parse().ok().map(Self::three)).flatten()
    }
}

/// A text that is no version of Python.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a version of Python such as 3.12")]
pub struct InvalidPythonVersion(pub String);

impl FromStr for PythonVersion {
    type Err = InvalidPythonVersion;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = || InvalidPythonVersion(text.to_owned());
        let number = |part: &str| -> Option<u8> {
            let fine = !part.is_empty() && part.bytes().all(|digit| digit.is_ascii_digit());
            fine.then(|| part.parse().ok()).flatten()
        };
        let mut parts = text.split('.');
        let major = parts.next().and_then(number).ok_or_else(invalid)?;
        let minor = parts.next().and_then(number).ok_or_else(invalid)?;
        let patch = match parts.next() {
            Some(part) => Some(number(part).ok_or_else(invalid)?),
            None => None,
        };
        if parts.next().is_some() {
            return Err(invalid());
        }
        Ok(Self { major, minor, patch })
    }
}

impl fmt::Display for PythonVersion {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}.{}", self.major, self.minor)?;
        match self.patch {
            Some(patch) => write!(formatter, ".{patch}"),
            None => Ok(()),
        }
    }
}

impl Ord for PythonVersion {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.major, self.minor, self.patch).cmp(&(other.major, other.minor, other.patch))
    }
}

impl PartialOrd for PythonVersion {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check_interpreter(name: &str, expected: Option<&str>) {
        let version = PythonVersion::from_interpreter_name(name).map(|version| version.to_string());
        assert_eq!(version.as_deref(), expected, "{name}");
    }

    #[test]
    fn interpreters_are_named_in_many_ways() {
        for (name, expected) in [
            ("3.12", Some("3.12")),
            ("python3.10", Some("3.10")),
            ("python3.10.4", Some("3.10.4")),
            ("py310", Some("3.10")),
            ("py38", Some("3.8")),
            ("cpython@3.12", Some("3.12")),
            ("cpython-3.12.1", Some("3.12.1")),
            ("/usr/bin/python3.8", Some("3.8")),
            ("python3", None),
            ("py3", None),
            ("py", None),
            ("pypy3.9", None),
            ("pypy-3.9", None),
            ("", None),
            ("3.999", None),
        ] {
            check_interpreter(name, expected);
        }
    }

    #[test]
    fn packages_are_equal_by_pep_503() {
        assert_eq!(PackageName::new("Ops_Scenario"), PackageName::new("ops-.scenario"));
        assert_eq!(PackageName::new("zope.interface").as_str(), "zope-interface");
    }

    #[test]
    fn charm_names_are_checked() {
        for (name, fine) in
            [("kfp-ui", true), ("Local_1", true), ("{{ name }}", false), ("", false), ("9p", false)]
        {
            assert_eq!(name.parse::<CharmName>().is_ok(), fine, "{name}");
        }
    }

    proptest! {
        #[test]
        fn versions_round_trip(major in 0u8.., minor in 0u8.., patch in proptest::option::of(0u8..)) {
            let version = PythonVersion { major, minor, patch };
            prop_assert_eq!(version.to_string().parse(), Ok(version));
        }

        #[test]
        fn any_name_is_read_or_not(text in any::<String>()) {
            let _ = PythonVersion::from_interpreter_name(&text);
            let _ = text.parse::<CharmName>();
            let normal = PackageName::new(&text);
            prop_assert_eq!(&PackageName::new(normal.as_str()), &normal);
        }
    }
}
