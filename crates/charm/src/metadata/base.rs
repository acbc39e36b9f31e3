//! Bases: the systems that charms run on, and the Python each brings.

use std::fmt;
use std::str::FromStr;

use crate::names::PythonVersion;

/// A base, such as `ubuntu@24.04`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Base {
    /// The distribution: `ubuntu`.
    pub name: String,
    /// The release: `24.04`.
    pub channel: String,
}

/// A text that names no base.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a base such as ubuntu@24.04")]
pub struct InvalidBase(pub String);

/// Ubuntu releases: codename, release, minor version of Python 3.
const UBUNTU: [(&str, &str, u8); 10] = [
    ("trusty", "14.04", 4),
    ("xenial", "16.04", 5),
    ("bionic", "18.04", 6),
    ("focal", "20.04", 8),
    ("jammy", "22.04", 10),
    ("mantic", "23.10", 11),
    ("noble", "24.04", 12),
    ("plucky", "25.04", 13),
    ("questing", "25.10", 13),
    ("resolute", "26.04", 14),
];

impl Base {
    /// The base that an Ubuntu codename means.
    pub fn from_series(series: &str) -> Option<Self> {
        let (_, channel, _) = UBUNTU.iter().find(|(codename, _, _)| *codename == series)?;
        Some(Self { name: "ubuntu".to_owned(), channel: (*channel).to_owned() })
    }

    /// The Python that comes with the base, if it is known.
    pub fn python(&self) -> Option<PythonVersion> {
        if self.name != "ubuntu" {
            return None;
        }
        let (_, _, minor) = UBUNTU.iter().find(|(_, channel, _)| *channel == self.channel)?;
        Some(PythonVersion::three(*minor))
    }
}

impl FromStr for Base {
    type Err = InvalidBase;

    /// Reads `ubuntu@24.04`, `ubuntu@24.04:amd64` and `ubuntu@24.04/stable`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = || InvalidBase(text.to_owned());
        let (name, channel) = text.trim().split_once('@').ok_or_else(invalid)?;
        let channel = channel.split([':', '/']).next().unwrap_or("");
        let is_word = |word: &str| {
            !word.is_empty()
                && word.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_'))
        };
        if !is_word(name) || !is_word(channel) {
            return Err(invalid());
        }
        Ok(Self { name: name.to_lowercase(), channel: channel.to_owned() })
    }
}

impl fmt::Display for Base {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}@{}", self.name, self.channel)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, base: Option<&str>, python: Option<&str>) {
        let parsed = text.parse::<Base>().ok();
        assert_eq!(parsed.as_ref().map(ToString::to_string).as_deref(), base, "{text}");
        let version = parsed.and_then(|base| base.python()).map(|version| version.to_string());
        assert_eq!(version.as_deref(), python, "{text}");
    }

    #[test]
    fn bases_bring_their_python() {
        check("ubuntu@20.04", Some("ubuntu@20.04"), Some("3.8"));
        check("ubuntu@22.04:amd64", Some("ubuntu@22.04"), Some("3.10"));
        check("ubuntu@24.04", Some("ubuntu@24.04"), Some("3.12"));
        check("ubuntu@26.04", Some("ubuntu@26.04"), Some("3.14"));
        check("ubuntu@20.04/stable", Some("ubuntu@20.04"), Some("3.8"));
        check("centos@7", Some("centos@7"), None);
        check("ubuntu", None, None);
        check("@", None, None);
    }
}
