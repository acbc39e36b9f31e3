//! Channels of Charmhub (`track/risk/branch`) and bases (`ubuntu@24.04/stable`).

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::values::go::quote;

/// How finished a release is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Risk {
    /// For everyone.
    Stable,
    /// Soon to be stable.
    Candidate,
    /// For those who try things.
    Beta,
    /// Built from the newest source.
    Edge,
}

impl Risk {
    /// Reads a risk.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "stable" => Some(Self::Stable),
            "candidate" => Some(Self::Candidate),
            "beta" => Some(Self::Beta),
            "edge" => Some(Self::Edge),
            _ => None,
        }
    }

    /// The risk's name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Stable => "stable",
            Self::Candidate => "candidate",
            Self::Beta => "beta",
            Self::Edge => "edge",
        }
    }
}

/// A channel of a charm on Charmhub.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Channel {
    /// A line of releases, such as `14`. Where there is none, Charmhub knows the default.
    pub track: Option<String>,
    /// How finished; stable, if not said.
    pub risk: Risk,
    /// A line beside the others for a while.
    pub branch: Option<String>,
}

impl Channel {
    /// Reads a channel; what is not said is stable.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Err("empty channel not valid".to_owned());
        }
        let parts: Vec<&str> = text.split('/').collect();
        let (track, risk, branch) = match parts.as_slice() {
            [only] if Risk::parse(only).is_some() => (None, Some(*only), None),
            [only] => (Some(*only), None, None),
            [risk, branch] if Risk::parse(risk).is_some() => (None, Some(*risk), Some(*branch)),
            [track, risk] => (Some(*track), Some(*risk), None),
            [track, risk, branch] => (Some(*track), Some(*risk), Some(*branch)),
            _more => {
                return Err(format!("channel is malformed and has too many components {}", quote(text)));
            }
        };
        let not_valid = |what: &str| format!("{what} in channel {} not valid", quote(text));
        let risk = match risk {
            Some(risk) => Risk::parse(risk).ok_or_else(|| not_valid("risk"))?,
            None => Risk::Stable,
        };
        if track == Some("") {
            return Err(not_valid("track"));
        }
        if branch == Some("") {
            return Err(not_valid("branch"));
        }
        Ok(Self { track: track.map(str::to_owned), risk, branch: branch.map(str::to_owned) })
    }
}

impl fmt::Display for Channel {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(track) = &self.track {
            write!(formatter, "{track}/")?;
        }
        formatter.write_str(self.risk.as_str())?;
        if let Some(branch) = &self.branch {
            write!(formatter, "/{branch}")?;
        }
        Ok(())
    }
}

/// An operating system and a release of it, which units run on.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Base {
    /// The operating system, such as `ubuntu`.
    pub name: String,
    /// The release, such as `24.04`.
    pub track: String,
    /// How finished; stable, if not said.
    pub risk: Risk,
}

/// Names of Ubuntu's releases, which Juju called series.
const UBUNTU_SERIES: [(&str, &str); 11] = [
    ("xenial", "16.04"),
    ("bionic", "18.04"),
    ("focal", "20.04"),
    ("jammy", "22.04"),
    ("kinetic", "22.10"),
    ("lunar", "23.04"),
    ("mantic", "23.10"),
    ("noble", "24.04"),
    ("oracular", "24.10"),
    ("plucky", "25.04"),
    ("questing", "25.10"),
];

impl Base {
    /// A base of the stable risk.
    pub fn new(name: &str, track: &str) -> Self {
        Self { name: name.to_owned(), track: track.to_owned(), risk: Risk::Stable }
    }

    /// Reads `ubuntu@24.04` or `ubuntu@24.04/edge`.
    pub fn parse(text: &str) -> Result<Self, String> {
        let parts: Vec<&str> = text.split('@').collect();
        let [name, channel] = parts.as_slice() else {
            return Err("expected base string to contain os and channel separated by '@'".to_owned());
        };
        let (track, risk) = Self::parse_channel(channel)?;
        Ok(Self { name: (*name).to_owned(), track, risk })
    }

    /// Reads the name and the channel as a charm's manifest has them apart.
    pub fn from_parts(name: &str, channel: &str) -> Result<Self, String> {
        if name.is_empty() || channel.is_empty() {
            return Err("missing base os or channel not valid".to_owned());
        }
        let (track, risk) = Self::parse_channel(channel)
            .map_err(|reason| format!("parsing base {name}@{channel}: {reason}"))?;
        Ok(Self { name: name.to_lowercase(), track, risk })
    }

    /// The base that was once called by this series.
    pub fn from_series(series: &str) -> Result<Self, String> {
        let known = UBUNTU_SERIES.iter().find(|(name, _)| *name == series);
        known
            .map(|(_, track)| Self::new("ubuntu", track))
            .ok_or_else(|| format!("series {} not valid", quote(series)))
    }

    /// The series that Juju once called this base by.
    pub fn series(&self) -> Option<&'static str> {
        let known = UBUNTU_SERIES.iter().find(|(_, track)| *track == self.track);
        known.filter(|_| self.name == "ubuntu").map(|(name, _)| *name)
    }

    fn parse_channel(text: &str) -> Result<(String, Risk), String> {
        if text.is_empty() {
            return Err("empty channel not valid".to_owned());
        }
        let parts: Vec<&str> = text.split('/').collect();
        let (track, risk) = match parts.as_slice() {
            [track] => (*track, Risk::Stable),
            [track, risk] => {
                let risk =
                    Risk::parse(risk).ok_or_else(|| format!("risk in channel {} not valid", quote(text)))?;
                (*track, risk)
            }
            _more => {
                return Err(format!("channel is malformed and has too many components {}", quote(text)));
            }
        };
        if track.is_empty() {
            return Err(format!("track in channel {} not valid", quote(text)));
        }
        Ok((track.to_owned(), risk))
    }

    /// The channel in full: `24.04/stable`.
    pub fn channel(&self) -> String {
        format!("{}/{}", self.track, self.risk.as_str())
    }

    /// The channel as people see it, without the risk where that is stable: `24.04`.
    pub fn display_channel(&self) -> String {
        if self.risk == Risk::Stable { self.track.clone() } else { self.channel() }
    }

    /// The base as people see it, without the risk where that is stable: `ubuntu@24.04`.
    pub fn display(&self) -> String {
        format!("{}@{}", self.name, self.display_channel())
    }

    /// Whether both are the same release, whatever their risk.
    pub fn is_compatible(&self, other: &Self) -> bool {
        self.name == other.name && self.track == other.track
    }

    /// Whether it is a release of Ubuntu that is kept up for long, and that Juju 3.6 knows.
    pub fn is_ubuntu_lts(&self) -> bool {
        self.name == "ubuntu" && matches!(self.track.as_str(), "20.04" | "22.04" | "24.04")
    }
}

/// The base in full: `ubuntu@24.04/stable`.
impl fmt::Display for Base {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}@{}", self.name, self.channel())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn channels_are_made_whole() {
        let check = |text: &str, expected: Result<&str, &str>| {
            let found = Channel::parse(text).map(|channel| channel.to_string());
            assert_eq!(found, expected.map(str::to_owned).map_err(str::to_owned), "{text}");
        };
        check("stable", Ok("stable"));
        check("14", Ok("14/stable"));
        check("14/edge", Ok("14/edge"));
        check("edge/fix", Ok("edge/fix"));
        check("14/beta/fix", Ok("14/beta/fix"));
        check("latest/stable", Ok("latest/stable"));
        check("", Err("empty channel not valid"));
        check("14/foo", Err(r#"risk in channel "14/foo" not valid"#));
        check("/edge", Err(r#"track in channel "/edge" not valid"#));
        check("edge/", Err(r#"branch in channel "edge/" not valid"#));
        check("a/edge/b/c", Err(r#"channel is malformed and has too many components "a/edge/b/c""#));
    }

    #[test]
    fn bases_are_made_whole() {
        let check = |text: &str, expected: Result<(&str, &str), &str>| {
            let found = Base::parse(text).map(|base| (base.to_string(), base.display()));
            let expected = expected.map(|(full, shown)| (full.to_owned(), shown.to_owned()));
            assert_eq!(found, expected.map_err(str::to_owned), "{text}");
        };
        check("ubuntu@24.04", Ok(("ubuntu@24.04/stable", "ubuntu@24.04")));
        check("ubuntu@24.04/stable", Ok(("ubuntu@24.04/stable", "ubuntu@24.04")));
        check("ubuntu@24.04/edge", Ok(("ubuntu@24.04/edge", "ubuntu@24.04/edge")));
        check("noble", Err("expected base string to contain os and channel separated by '@'"));
        check("a@b@c", Err("expected base string to contain os and channel separated by '@'"));
        check("ubuntu@", Err("empty channel not valid"));
        check("ubuntu@24.04/foo", Err(r#"risk in channel "24.04/foo" not valid"#));
    }

    #[test]
    fn bases_of_manifests_and_series() {
        assert_eq!(Base::from_parts("Ubuntu", "22.04").unwrap(), Base::new("ubuntu", "22.04"));
        assert_eq!(
            Base::from_parts("ubuntu", "22.04/x"),
            Err(r#"parsing base ubuntu@22.04/x: risk in channel "22.04/x" not valid"#.to_owned())
        );
        assert_eq!(Base::from_series("jammy").unwrap().display(), "ubuntu@22.04");
        assert_eq!(Base::new("ubuntu", "24.04").series(), Some("noble"));
        assert_eq!(Base::from_series("precise"), Err(r#"series "precise" not valid"#.to_owned()));
        assert!(Base::new("ubuntu", "24.04").is_ubuntu_lts());
        assert!(!Base::new("ubuntu", "23.10").is_ubuntu_lts());
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "\\PC*") {
            let _ = (Channel::parse(&text), Base::parse(&text));
        }

        #[test]
        fn printed_channels_are_read_again(text in "[a-z0-9.]{0,6}(/?(stable|candidate|beta|edge|x)){0,2}(/[a-z]{0,3})?") {
            if let Ok(channel) = Channel::parse(&text) {
                prop_assert_eq!(Channel::parse(&channel.to_string()), Ok(channel));
            }
        }

        #[test]
        fn printed_bases_are_read_again(text in "[a-z]{0,6}@[0-9.]{0,6}(/(stable|edge|x)){0,2}") {
            if let Ok(base) = Base::parse(&text) {
                prop_assert_eq!(Base::parse(&base.to_string()), Ok(base.clone()));
                prop_assert_eq!(Base::parse(&base.display()), Ok(base));
            }
        }
    }
}
