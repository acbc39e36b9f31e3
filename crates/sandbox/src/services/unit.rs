//! What a unit file means: its dependencies, conditions, installation, and what its kind adds.
//!
//! A unit is data. Its files are found by `library`, its commands are run by others.

use std::collections::BTreeSet;
use std::time::{Duration, SystemTime};

use camino::Utf8PathBuf;

use super::condition::Condition;
use super::name::{UnitKind, UnitName};
use super::service::config::ServiceConfig;
use super::socket::SocketConfig;
use super::span::{self, Span};
use super::specifiers::{Identity, expand};
use super::text::UnitText;
use super::timer::TimerConfig;
use super::words;

/// What became of reading a unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum LoadState {
    Loaded,
    NotFound,
    Masked,
    BadSetting,
}

impl LoadState {
    /// The word of `LoadState=`.
    pub(crate) fn word(&self) -> &'static str {
        match self {
            Self::Loaded => "loaded",
            Self::NotFound => "not-found",
            Self::Masked => "masked",
            Self::BadSetting => "bad-setting",
        }
    }
}

/// The files that a unit was read from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Source {
    /// As a path of the machine.
    pub fragment: Option<Utf8PathBuf>,
    pub drop_ins: Vec<Utf8PathBuf>,
    /// The init script that stands in for a unit file.
    pub script: Option<Utf8PathBuf>,
    /// When each of the files was changed, so that later changes are noticed.
    pub changed: Vec<(Utf8PathBuf, Option<SystemTime>)>,
}

/// What a kind of unit adds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kind {
    Service(Box<ServiceConfig>),
    Timer(TimerConfig),
    Socket(SocketConfig),
    Target,
    /// Something that the machine as a whole stands for, such as `systemd-journald.service` or a
    /// mount: always there, and nothing happens when it is started or stopped.
    Provided,
}

/// `[Install]`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Install {
    pub wanted_by: Vec<UnitName>,
    pub required_by: Vec<UnitName>,
    pub aliases: Vec<UnitName>,
    pub also: Vec<UnitName>,
    pub default_instance: Option<String>,
}

impl Install {
    /// Whether enabling would do anything.
    pub(crate) fn is_empty(&self) -> bool {
        self.wanted_by.is_empty()
            && self.required_by.is_empty()
            && self.aliases.is_empty()
            && self.also.is_empty()
    }
}

/// A unit as its files describe it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Unit {
    pub name: UnitName,
    pub aliases: BTreeSet<UnitName>,
    pub source: Source,
    pub load: LoadState,
    pub description: String,
    pub documentation: Vec<String>,
    pub requires: BTreeSet<UnitName>,
    pub requisite: BTreeSet<UnitName>,
    pub wants: BTreeSet<UnitName>,
    pub binds_to: BTreeSet<UnitName>,
    pub part_of: BTreeSet<UnitName>,
    pub conflicts: BTreeSet<UnitName>,
    pub before: BTreeSet<UnitName>,
    pub after: BTreeSet<UnitName>,
    pub on_failure: BTreeSet<UnitName>,
    pub on_success: BTreeSet<UnitName>,
    pub conditions: Vec<Condition>,
    pub assertions: Vec<Condition>,
    pub refuses_manual_start: bool,
    pub refuses_manual_stop: bool,
    /// How many starts are allowed in which time; none for any number.
    pub start_limit: Option<(u32, Duration)>,
    pub install: Install,
    pub kind: Kind,
    /// What could not be read, for the journal.
    pub notes: Vec<String>,
}

impl Unit {
    /// A unit of which there is no file.
    pub(crate) fn absent(name: &UnitName, load: LoadState) -> Self {
        Self {
            name: name.clone(),
            aliases: BTreeSet::new(),
            source: Source::default(),
            load,
            description: name.as_str().to_owned(),
            documentation: Vec::new(),
            requires: BTreeSet::new(),
            requisite: BTreeSet::new(),
            wants: BTreeSet::new(),
            binds_to: BTreeSet::new(),
            part_of: BTreeSet::new(),
            conflicts: BTreeSet::new(),
            before: BTreeSet::new(),
            after: BTreeSet::new(),
            on_failure: BTreeSet::new(),
            on_success: BTreeSet::new(),
            conditions: Vec::new(),
            assertions: Vec::new(),
            refuses_manual_start: false,
            refuses_manual_stop: false,
            start_limit: None,
            install: Install::default(),
            kind: Kind::Target,
            notes: Vec::new(),
        }
    }

    /// Reads a unit from the text of its files.
    pub(crate) fn read(name: &UnitName, text: &UnitText, identity: &Identity) -> Self {
        let reader = Reader { text, name, identity };
        let mut unit = Self::absent(name, LoadState::Loaded);
        unit.notes.clone_from(&text.notes);
        if let Some(description) = reader.value("Unit", "Description") {
            unit.description = description;
        }
        unit.documentation = reader.words("Unit", "Documentation");
        unit.requires = reader.names("Unit", "Requires");
        unit.requisite = reader.names("Unit", "Requisite");
        unit.wants = reader.names("Unit", "Wants");
        unit.binds_to = reader.names("Unit", "BindsTo");
        unit.part_of = reader.names("Unit", "PartOf");
        unit.conflicts = reader.names("Unit", "Conflicts");
        unit.before = reader.names("Unit", "Before");
        unit.after = reader.names("Unit", "After");
        unit.on_failure = reader.names("Unit", "OnFailure");
        unit.on_success = reader.names("Unit", "OnSuccess");
        unit.conditions = reader.conditions("Condition");
        unit.assertions = reader.conditions("Assert");
        unit.refuses_manual_start = reader.flag("Unit", "RefuseManualStart", false);
        unit.refuses_manual_stop = reader.flag("Unit", "RefuseManualStop", false);
        // Older files have these with the service, and under an older name.
        let limit = |keys: &[(&str, &str)]| keys.iter().find_map(|(section, key)| reader.value(section, key));
        let interval = limit(&[
            ("Unit", "StartLimitIntervalSec"),
            ("Unit", "StartLimitInterval"),
            ("Service", "StartLimitInterval"),
        ]);
        let burst = limit(&[("Unit", "StartLimitBurst"), ("Service", "StartLimitBurst")]);
        let interval = match interval.as_deref().map(span::parse) {
            Some(Some(Span::Finite(interval))) => interval,
            Some(Some(Span::Infinite)) => Duration::MAX,
            Some(None) | None => Duration::from_secs(10),
        };
        let burst = burst.and_then(|burst| burst.parse().ok()).unwrap_or(5);
        unit.start_limit = (!interval.is_zero() && burst > 0).then_some((burst, interval));
        unit.install = Install {
            wanted_by: reader.names("Install", "WantedBy").into_iter().collect(),
            required_by: reader.names("Install", "RequiredBy").into_iter().collect(),
            aliases: reader.names("Install", "Alias").into_iter().collect(),
            also: reader.names("Install", "Also").into_iter().collect(),
            default_instance: reader.value("Install", "DefaultInstance"),
        };
        if let Err(note) = unit.read_kind(&reader) {
            unit.notes.push(note);
            unit.load = LoadState::BadSetting;
        }
        if reader.flag("Unit", "DefaultDependencies", true) {
            unit.add_default_dependencies();
        }
        unit
    }

    fn read_kind(&mut self, reader: &Reader<'_>) -> Result<(), String> {
        self.kind = match self.name.kind() {
            UnitKind::Service => Kind::Service(Box::new(ServiceConfig::read(reader)?)),
            UnitKind::Timer => Kind::Timer(TimerConfig::read(reader)?),
            UnitKind::Socket => Kind::Socket(SocketConfig::read(reader)?),
            UnitKind::Target => Kind::Target,
            UnitKind::Other => Kind::Provided,
        };
        match &mut self.kind {
            Kind::Service(service) => {
                if self.name.stem() == "dbus" {
                    // Without systemd on the bus, its daemon has to start services by itself; it
                    // would wait in vain otherwise, and so would whoever asked for them.
                    for command in &mut service.start {
                        command.arguments.retain(|argument| argument != "--systemd-activation");
                    }
                }
                self.wants.extend(service.sockets.iter().cloned());
                self.after.extend(service.sockets.iter().cloned());
            }
            Kind::Timer(timer) => {
                self.before.insert(timer.unit.clone());
            }
            Kind::Socket(socket) => {
                self.before.insert(socket.service.clone());
            }
            Kind::Target | Kind::Provided => {}
        }
        Ok(())
    }

    /// What systemd adds to most units: they come after the early boot and go at shutdown. The
    /// early boot is over in every machine of ours, so the order among the rest is what is left.
    fn add_default_dependencies(&mut self) {
        if self.kind == Kind::Target {
            let wanted = self.wants.union(&self.requires).cloned().collect::<Vec<_>>();
            // A target is reached after what it wants, unless that says otherwise.
            self.after.extend(wanted.into_iter().filter(|name| !self.before.contains(name)));
        }
    }

    /// The service's own part.
    #[cfg(test)]
    pub(crate) fn service(&self) -> Option<&ServiceConfig> {
        match &self.kind {
            Kind::Service(service) => Some(service),
            Kind::Timer(_) | Kind::Socket(_) | Kind::Target | Kind::Provided => None,
        }
    }

    /// All units that have to be there for this one.
    pub(crate) fn needed(&self) -> impl Iterator<Item = &UnitName> {
        self.requires.iter().chain(&self.binds_to)
    }
}

/// Reads values of one unit's text.
#[derive(Clone, Copy)]
pub(crate) struct Reader<'a> {
    pub text: &'a UnitText,
    pub name: &'a UnitName,
    pub identity: &'a Identity,
}

impl Reader<'_> {
    pub(crate) fn expanded(&self, text: &str) -> String {
        expand(text, self.name, self.identity)
    }

    /// The last value, with its specifiers replaced.
    pub(crate) fn value(&self, section: &str, key: &str) -> Option<String> {
        self.text.value(section, key).map(|value| self.expanded(value))
    }

    /// All values of a list.
    pub(crate) fn values(&self, section: &str, key: &str) -> Vec<String> {
        self.text.values(section, key).into_iter().map(|value| self.expanded(value)).collect()
    }

    /// The words of all values of a list.
    pub(crate) fn words(&self, section: &str, key: &str) -> Vec<String> {
        self.text
            .values(section, key)
            .into_iter()
            .flat_map(|value| words::split(value).unwrap_or_default())
            .map(|word| self.expanded(&word))
            .collect()
    }

    /// The names in a list; what is no name is passed over.
    pub(crate) fn names(&self, section: &str, key: &str) -> BTreeSet<UnitName> {
        self.words(section, key).iter().filter_map(|word| UnitName::parse(word).ok()).collect()
    }

    /// A yes or no.
    pub(crate) fn flag(&self, section: &str, key: &str, default: bool) -> bool {
        self.text.value(section, key).and_then(truth).unwrap_or(default)
    }

    /// A span of time. One that cannot be read is as if it were not there.
    pub(crate) fn span(&self, section: &str, key: &str) -> Option<Span> {
        self.value(section, key).and_then(|value| span::parse(&value))
    }

    fn conditions(&self, begin: &str) -> Vec<Condition> {
        let mut conditions: Vec<Condition> = Vec::new();
        for assignment in &self.text.assignments {
            let Some(kind) = assignment.key.strip_prefix(begin).filter(|_| assignment.section == "Unit")
            else {
                continue;
            };
            // An empty value takes back all conditions of all kinds.
            if assignment.value.is_empty() {
                conditions.clear();
            } else {
                conditions.push(Condition::read(kind, &self.expanded(&assignment.value)));
            }
        }
        conditions
    }
}

/// The truth values of unit files.
pub(crate) fn truth(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "1" | "yes" | "y" | "true" | "t" | "on" => Some(true),
        "0" | "no" | "n" | "false" | "f" | "off" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::services::text;

    fn read(name: &str, content: &str) -> Unit {
        let identity = Identity {
            host_name: "unit-0".to_owned(),
            machine_id: String::new(),
            boot_id: String::new(),
            kernel: String::new(),
        };
        Unit::read(&UnitName::parse(name).unwrap(), &text::parse(content), &identity)
    }

    fn shown(names: &BTreeSet<UnitName>) -> String {
        names.iter().map(UnitName::as_str).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn dependencies_are_read() {
        let unit = read(
            "web@1.service",
            "[Unit]\nDescription=Web %i\nRequires=db.service cache@%i.service\nAfter=db.service\n\
             [Service]\nExecStart=/bin/web\n[Install]\nWantedBy=multi-user.target\nAlias=www.service\n",
        );
        assert_eq!(unit.description, "Web 1");
        assert_eq!(shown(&unit.requires), "cache@1.service db.service");
        assert_eq!(shown(&unit.after), "db.service");
        assert_eq!(unit.install.wanted_by[0].as_str(), "multi-user.target");
        assert_eq!(unit.start_limit, Some((5, Duration::from_secs(10))));
        assert_eq!(unit.load, LoadState::Loaded);
    }

    #[test]
    fn a_target_comes_after_what_it_wants() {
        let unit = read("all.target", "[Unit]\nWants=a.service b.service\nBefore=b.service\n");
        assert_eq!(shown(&unit.after), "a.service");
    }

    #[test]
    fn a_service_without_a_command_has_a_bad_setting() {
        let unit = read("broken.service", "[Service]\nType=simple\n");
        assert_eq!(unit.load, LoadState::BadSetting);
        assert_eq!(unit.notes, ["Service has no ExecStart=, ExecStop=, or SuccessAction=. Refusing."]);
    }
}
