//! Which Juju, and on what.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Where a unit runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Platform {
    /// A machine, virtual or real.
    Machine,
    /// A pod with Pebble in its workload containers.
    Kubernetes,
}

impl Platform {
    /// Both of them.
    pub const ALL: [Self; 2] = [Self::Machine, Self::Kubernetes];

    /// Returns the platform that `text` names, as logs and people write it.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "machine" | "lxd" | "iaas" => Some(Self::Machine),
            "kubernetes" | "k8s" | "caas" => Some(Self::Kubernetes),
            _ => None,
        }
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Machine => "machine",
            Self::Kubernetes => "Kubernetes",
        })
    }
}

/// A line of Juju releases within which the order of hooks is the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum JujuVersion {
    /// 2.9.
    #[serde(rename = "2.9")]
    V2_9,
    /// 3.0 to 3.3: secrets are there.
    #[serde(rename = "3.1")]
    V3_1,
    /// 3.4 and 3.5: custom notices of Pebble are there.
    #[serde(rename = "3.4")]
    V3_4,
    /// 3.6: Pebble's checks are there.
    #[serde(rename = "3.6")]
    V3_6,
    /// 4.0 and later: no leader-settings-changed, no metrics, no upgrades of the series.
    #[serde(rename = "4.0")]
    V4_0,
}

impl JujuVersion {
    /// All of them, oldest first.
    pub const ALL: [Self; 5] = [Self::V2_9, Self::V3_1, Self::V3_4, Self::V3_6, Self::V4_0];

    /// Returns the line that a version such as `3.6.5` belongs to; `None` for what is
    /// older than 2.9 or does not begin with two numbers.
    pub fn parse(text: &str) -> Option<Self> {
        let mut numbers = text
            .trim()
            .split(|character: char| !character.is_ascii_digit())
            .map(|number| number.parse::<u32>().ok());
        let (major, minor) = (numbers.next()??, numbers.next()??);
        match (major, minor) {
            (0..=1, _) | (2, 0..=8) => None,
            (2, _) => Some(Self::V2_9),
            (3, 0..=3) => Some(Self::V3_1),
            (3, 4..=5) => Some(Self::V3_4),
            (3, _) => Some(Self::V3_6),
            (_, _) => Some(Self::V4_0),
        }
    }
}

impl fmt::Display for JujuVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::V2_9 => "2.9",
            Self::V3_1 => "3.1",
            Self::V3_4 => "3.4",
            Self::V3_6 => "3.6",
            Self::V4_0 => "4.0",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_as_logs_write_them() {
        let check = |text: &str, expected: Option<JujuVersion>| {
            assert_eq!(JujuVersion::parse(text), expected, "{text}");
        };
        check("2.8-dev", None);
        check("2.9.2x", Some(JujuVersion::V2_9));
        check("3.3-rc3", Some(JujuVersion::V3_1));
        check("3.5/3.6-dev (2024-09)", Some(JujuVersion::V3_4));
        check("3.6 (2025-06)", Some(JujuVersion::V3_6));
        check("4.1-beta1", Some(JujuVersion::V4_0));
        check("", None);
        check("three", None);
        check("3", None);
    }

    #[test]
    fn what_is_shown_can_be_read_again() {
        for version in JujuVersion::ALL {
            assert_eq!(JujuVersion::parse(&version.to_string()), Some(version));
            assert_eq!(serde_json::to_value(version).unwrap(), version.to_string());
        }
    }
}
