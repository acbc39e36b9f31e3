//! What a machine remembers.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::Value;

/// What stand-ins have made of a machine. Two machines on which the same was done are equal.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Machine {
    /// The release of Ubuntu, for example `24.04`.
    pub release: String,
    /// The packages that are installed.
    pub packages: BTreeMap<String, Package>,
    /// The sources of packages that were added, as they were given.
    pub repositories: BTreeSet<String>,
    /// The units of systemd that are known, by their full names.
    pub services: BTreeMap<String, Service>,
    /// The snaps that are installed.
    pub snaps: BTreeMap<String, Snap>,
    /// The users that were added, with their numbers.
    pub users: BTreeMap<String, u32>,
    /// The groups that were added, with their numbers.
    pub groups: BTreeMap<String, u32>,
    /// The daemons that were started, by name.
    pub daemons: BTreeMap<String, Daemon>,
    /// Parameters of the kernel that were set.
    pub sysctl: BTreeMap<String, String>,
    /// What `update-alternatives` was told to take.
    pub alternatives: BTreeMap<String, String>,
    /// The time zone.
    pub timezone: String,
    /// Configuration of snapd itself.
    pub snap_system: BTreeMap<String, Value>,
}

/// A package that is installed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Package {
    /// Its version.
    pub version: String,
    /// Whether it is kept from being upgraded.
    pub is_held: bool,
    /// Whether it was there before the charm came.
    pub is_base: bool,
    /// The programs that it brought.
    pub programs: Vec<String>,
    /// The files that it brought, the programs among them.
    pub files: Vec<String>,
}

/// A unit of systemd.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Service {
    /// What it is doing.
    pub activity: Activity,
    /// Whether it is started at boot.
    pub is_enabled: bool,
    /// Whether it cannot be started at all.
    pub is_masked: bool,
    /// What it came with: a package, a snap, or `""` for the charm's own file.
    pub owner: String,
}

/// What a unit of systemd is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, strum::Display)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum Activity {
    /// It runs.
    Active,
    /// It does not.
    Inactive,
    /// It ended on its own, badly.
    Failed,
}

/// A snap that is installed.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Snap {
    /// Its version.
    pub version: String,
    /// Its revision.
    pub revision: String,
    /// The channel that it follows.
    pub channel: String,
    /// `strict`, `classic` or `devmode`.
    pub confinement: String,
    /// Whether and how long it is kept from being refreshed.
    pub held_until: Option<String>,
    /// Its services.
    pub services: BTreeMap<String, SnapService>,
    /// Its configuration.
    pub config: BTreeMap<String, Value>,
    /// Plugs that were connected, with where to.
    pub connections: BTreeSet<String>,
    /// Other names of its programs.
    pub aliases: BTreeMap<String, String>,
}

/// A service of a snap.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct SnapService {
    /// Whether it runs.
    pub is_active: bool,
    /// Whether it is started at boot.
    pub is_enabled: bool,
}

/// A daemon that a rule left behind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Daemon {
    /// Its arguments.
    pub arguments: Vec<String>,
}

/// What a cloud image of Ubuntu has installed that charms ask for.
const BASE_PACKAGES: [&str; 16] = [
    "apt",
    "base-files",
    "bash",
    "ca-certificates",
    "cron",
    "curl",
    "gnupg",
    "openssh-server",
    "openssl",
    "python3",
    "python3-yaml",
    "rsyslog",
    "snapd",
    "software-properties-common",
    "systemd",
    "wget",
];

/// What runs on a cloud image of Ubuntu that charms ask for.
const BASE_SERVICES: [&str; 9] = [
    "cron",
    "rsyslog",
    "snapd",
    "ssh",
    "systemd-journald",
    "systemd-resolved",
    "systemd-timesyncd",
    "ufw",
    "unattended-upgrades",
];

impl Machine {
    /// Returns a machine as a cloud image of a release of Ubuntu makes it.
    pub fn new(release: &str) -> Self {
        let base = Package {
            version: "1.0-0ubuntu1".into(),
            is_held: false,
            is_base: true,
            programs: Vec::new(),
            files: Vec::new(),
        };
        let running = Service {
            activity: Activity::Active,
            is_enabled: true,
            is_masked: false,
            owner: "the base".into(),
        };
        Self {
            release: release.to_owned(),
            packages: BASE_PACKAGES.iter().map(|name| ((*name).to_owned(), base.clone())).collect(),
            repositories: BTreeSet::new(),
            services: BASE_SERVICES.iter().map(|name| (format!("{name}.service"), running.clone())).collect(),
            snaps: BTreeMap::new(),
            users: BTreeMap::new(),
            groups: BTreeMap::new(),
            daemons: BTreeMap::new(),
            sysctl: BTreeMap::new(),
            alternatives: BTreeMap::new(),
            timezone: "Etc/UTC".into(),
            snap_system: BTreeMap::new(),
        }
    }

    /// Whether there is nothing of what the charm did left: packages, snaps, sources, users and
    /// units that came with it.
    pub fn is_as_it_was(&self) -> bool {
        *self == Self::new(&self.release)
    }

    /// Who brought a program.
    pub(super) fn owner_of(&self, program: &str) -> Option<&str> {
        let of_package = self
            .packages
            .iter()
            .find(|(_, package)| package.programs.iter().any(|path| super::base_name(path) == program));
        let of_snap = || {
            self.snaps.iter().find(|(name, snap)| {
                program.split('.').next() == Some(name.as_str()) || snap.aliases.contains_key(program)
            })
        };
        of_package.map(|(name, _)| name.as_str()).or_else(|| of_snap().map(|(name, _)| name.as_str()))
    }
}
