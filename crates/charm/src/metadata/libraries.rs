//! Entries of `charm-libs`: which charm libraries a charm has fetched.

use std::fmt;
use std::str::FromStr;

/// The version of a charm library: API, and patch where one is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LibVersion {
    /// The API version: the `2` of `v2` and of `2.5`.
    pub api: u64,
    /// The patch version: the `5` of `2.5`.
    pub patch: Option<u64>,
}

/// A text that is no version of a charm library.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a version of a charm library such as 0 or 0.4")]
pub struct InvalidLibVersion(pub String);

impl FromStr for LibVersion {
    type Err = InvalidLibVersion;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let number = |part: &str| {
            let fine = !part.is_empty() && part.bytes().all(|digit| digit.is_ascii_digit());
            let value = if fine { part.parse::<u64>().ok() } else { None };
            value.ok_or_else(|| InvalidLibVersion(text.to_owned()))
        };
        let trimmed = text.trim();
        let trimmed = trimmed.strip_prefix('v').unwrap_or(trimmed);
        match trimmed.split_once('.') {
            Some((api, patch)) => Ok(Self { api: number(api)?, patch: Some(number(patch)?) }),
            None => Ok(Self { api: number(trimmed)?, patch: None }),
        }
    }
}

impl fmt::Display for LibVersion {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.patch {
            Some(patch) => write!(formatter, "{}.{patch}", self.api),
            None => write!(formatter, "{}", self.api),
        }
    }
}

/// An entry of `charm-libs`: a library that `charmcraft fetch-libs` brings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CharmLib {
    /// The charm that owns the library, with underscores.
    pub charm: String,
    /// The name of the library.
    pub lib: String,
    /// The version asked for.
    pub version: LibVersion,
    /// The line of charmcraft.yaml that asks.
    pub line: usize,
}
