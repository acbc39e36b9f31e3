//! `[Service]` of a unit file.
//!
//! Read is what decides how a service's processes are started, watched and ended, and as whom
//! they run. What only confines them (`ProtectSystem=`, `PrivateTmp=`, `SystemCallFilter=` and the
//! like) is passed over knowingly: the machine as a whole is the sandbox.

use std::collections::BTreeSet;
use std::time::Duration;

use nix::sys::signal::Signal;
use serde::{Deserialize, Serialize};

use crate::services::command::{self, CommandLine};
use crate::services::name::UnitName;
use crate::services::span::Span;
use crate::services::unit::Reader;
use crate::services::words;

/// When a service counts as started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ServiceType {
    Simple,
    Exec,
    Forking,
    Oneshot,
    Notify,
    NotifyReload,
    Idle,
    /// As `simple`: there is no bus on which a name could be waited for.
    Dbus,
}

impl ServiceType {
    const WORDS: [(&'static str, Self); 8] = [
        ("simple", Self::Simple),
        ("exec", Self::Exec),
        ("forking", Self::Forking),
        ("oneshot", Self::Oneshot),
        ("notify", Self::Notify),
        ("notify-reload", Self::NotifyReload),
        ("idle", Self::Idle),
        ("dbus", Self::Dbus),
    ];

    pub(crate) fn word(self) -> &'static str {
        Self::WORDS.iter().find(|(_, found)| *found == self).map_or("", |(word, _)| word)
    }
}

/// `Restart=`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Restart {
    No,
    OnSuccess,
    OnFailure,
    OnAbnormal,
    OnWatchdog,
    OnAbort,
    Always,
}

impl Restart {
    const WORDS: [(&'static str, Self); 7] = [
        ("no", Self::No),
        ("on-success", Self::OnSuccess),
        ("on-failure", Self::OnFailure),
        ("on-abnormal", Self::OnAbnormal),
        ("on-watchdog", Self::OnWatchdog),
        ("on-abort", Self::OnAbort),
        ("always", Self::Always),
    ];

    pub(crate) fn word(self) -> &'static str {
        Self::WORDS.iter().find(|(_, found)| *found == self).map_or("", |(word, _)| word)
    }
}

/// `KillMode=`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum KillMode {
    ControlGroup,
    Mixed,
    Process,
    None,
}

impl KillMode {
    const WORDS: [(&'static str, Self); 4] = [
        ("control-group", Self::ControlGroup),
        ("mixed", Self::Mixed),
        ("process", Self::Process),
        ("none", Self::None),
    ];

    pub(crate) fn word(self) -> &'static str {
        Self::WORDS.iter().find(|(_, found)| *found == self).map_or("", |(word, _)| word)
    }
}

/// Where output goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Output {
    Journal,
    Null,
    /// Standard error: where standard output goes.
    Inherit,
    File {
        path: String,
        appends: bool,
        truncates: bool,
    },
}

/// A folder that a service is given: `RuntimeDirectory=` and its kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Folder {
    /// The full path, in the machine.
    pub path: String,
    /// Other names of it.
    pub links: Vec<String>,
    pub mode: u32,
    /// `/etc` stays root's.
    pub is_given_away: bool,
}

/// A kind of folders, and the variable that tells a service where they are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Folders {
    pub variable: String,
    pub folders: Vec<Folder>,
}

/// One limit: which, soft and hard; none for unlimited.
pub(crate) type Limit = (String, Option<u64>, Option<u64>);

/// How a service is run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ServiceConfig {
    pub service_type: ServiceType,
    pub conditions: Vec<CommandLine>,
    pub start_pre: Vec<CommandLine>,
    pub start: Vec<CommandLine>,
    pub start_post: Vec<CommandLine>,
    pub reload: Vec<CommandLine>,
    pub stop: Vec<CommandLine>,
    pub stop_post: Vec<CommandLine>,
    pub restart: Restart,
    pub restart_after: Duration,
    pub remains_after_exit: bool,
    pub guesses_main: bool,
    pub pid_file: Option<String>,
    /// None: for ever.
    pub start_timeout: Option<Duration>,
    pub stop_timeout: Option<Duration>,
    pub runtime_max: Option<Duration>,
    pub kill_mode: KillMode,
    pub kill_signal: Signal,
    pub sends_sigkill: bool,
    pub sends_sighup: bool,
    pub success: Statuses,
    pub restart_prevent: Statuses,
    pub restart_force: Statuses,
    pub sockets: BTreeSet<UnitName>,
    pub execution: Execution,
}

/// Ends that are listed somewhere.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Statuses {
    pub codes: BTreeSet<i32>,
    pub signals: BTreeSet<i32>,
}

/// In which surroundings the processes run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Execution {
    pub user: Option<String>,
    pub group: Option<String>,
    pub supplementary_groups: Vec<String>,
    pub is_dynamic_user: bool,
    /// The bool says whether it may be missing.
    pub working_directory: Option<(String, bool)>,
    pub root_directory: Option<String>,
    pub environment: Vec<(String, String)>,
    /// The bool says whether it may be missing.
    pub environment_files: Vec<(String, bool)>,
    pub unset_environment: Vec<String>,
    pub umask: u32,
    pub limits: Vec<Limit>,
    pub folders: Vec<Folders>,
    pub keeps_runtime_folders: bool,
    pub output: Output,
    pub error: Output,
    pub input: Option<String>,
    pub identifier: Option<String>,
    pub nice: Option<i32>,
    pub oom_score: Option<i32>,
    pub ambient_capabilities: Vec<String>,
}

impl ServiceConfig {
    /// Reads the section; the error is a reason why the unit cannot be used.
    pub(crate) fn read(reader: &Reader<'_>) -> Result<Self, String> {
        let commands = |key: &str| {
            let values = reader.text.values("Service", key);
            let commands =
                values.into_iter().map(|value| command::parse(value, reader.name, reader.identity));
            commands.collect::<Result<Vec<_>, _>>().map(|commands| commands.concat())
        };
        let start = commands("ExecStart")?;
        let stop = commands("ExecStop")?;
        let bus_name = reader.value("Service", "BusName");
        let service_type = match reader.value("Service", "Type") {
            Some(word) => {
                let found = ServiceType::WORDS.iter().find(|(known, _)| *known == word);
                found.map(|(_, found)| *found).ok_or_else(|| format!("Failed to parse Type={word}"))?
            }
            None if bus_name.is_some() => ServiceType::Dbus,
            None if start.is_empty() => ServiceType::Oneshot,
            None => ServiceType::Simple,
        };
        let remains_after_exit = reader.flag("Service", "RemainAfterExit", false);
        if start.is_empty() && stop.is_empty() {
            return Err("Service has no ExecStart=, ExecStop=, or SuccessAction=. Refusing.".to_owned());
        }
        if start.is_empty() && !remains_after_exit {
            return Err(
                "Service has no ExecStart= setting, which is only allowed for RemainAfterExit=yes services. \
                 Refusing."
                    .to_owned(),
            );
        }
        if start.len() > 1 && service_type != ServiceType::Oneshot {
            return Err(
                "Service has more than one ExecStart= setting, which is only allowed for Type=oneshot services. \
                 Refusing."
                    .to_owned(),
            );
        }
        let restart = word_of(&Restart::WORDS, reader, "Restart").unwrap_or(Restart::No);
        if service_type == ServiceType::Oneshot && matches!(restart, Restart::Always | Restart::OnSuccess) {
            return Err(
                "Service has Restart= set to either always or on-success, which isn't allowed for Type=oneshot \
                 services. Refusing."
                    .to_owned(),
            );
        }
        let both = reader.span("Service", "TimeoutSec");
        let timeout = |key: &str, default: Option<Duration>| {
            match reader.span("Service", key).or(both) {
                // Zero is the older way to say never.
                Some(Span::Finite(Duration::ZERO) | Span::Infinite) => None,
                Some(Span::Finite(timeout)) => Some(timeout),
                None => default,
            }
        };
        let usual = Some(Duration::from_secs(90));
        let start_default = if service_type == ServiceType::Oneshot { None } else { usual };
        Ok(Self {
            service_type,
            conditions: commands("ExecCondition")?,
            start_pre: commands("ExecStartPre")?,
            start,
            start_post: commands("ExecStartPost")?,
            reload: commands("ExecReload")?,
            stop,
            stop_post: commands("ExecStopPost")?,
            restart,
            restart_after: reader
                .span("Service", "RestartSec")
                .and_then(Span::finite)
                .unwrap_or(Duration::from_millis(100)),
            remains_after_exit,
            guesses_main: reader.flag("Service", "GuessMainPID", true),
            pid_file: reader
                .value("Service", "PIDFile")
                .map(|path| if path.starts_with('/') { path } else { format!("/run/{path}") }),
            start_timeout: timeout("TimeoutStartSec", start_default),
            stop_timeout: timeout("TimeoutStopSec", usual),
            runtime_max: reader.span("Service", "RuntimeMaxSec").and_then(Span::finite),
            kill_mode: word_of(&KillMode::WORDS, reader, "KillMode").unwrap_or(KillMode::ControlGroup),
            kill_signal: reader
                .value("Service", "KillSignal")
                .and_then(|text| signal(&text))
                .unwrap_or(Signal::SIGTERM),
            sends_sigkill: reader.flag("Service", "SendSIGKILL", true),
            sends_sighup: reader.flag("Service", "SendSIGHUP", false),
            success: Statuses::read(&reader.words("Service", "SuccessExitStatus")),
            restart_prevent: Statuses::read(&reader.words("Service", "RestartPreventExitStatus")),
            restart_force: Statuses::read(&reader.words("Service", "RestartForceExitStatus")),
            sockets: reader.names("Service", "Sockets"),
            execution: Execution::read(reader),
        })
    }
}

fn word_of<T: Copy>(words: &[(&str, T)], reader: &Reader<'_>, key: &str) -> Option<T> {
    let word = reader.value("Service", key)?;
    words.iter().find(|(known, _)| *known == word).map(|(_, found)| *found)
}

/// A signal by its name, with or without `SIG`, or its number.
pub(crate) fn signal(text: &str) -> Option<Signal> {
    if let Ok(number) = text.parse::<i32>() {
        return Signal::try_from(number).ok();
    }
    let full = if text.starts_with("SIG") { text.to_owned() } else { format!("SIG{text}") };
    full.parse().ok()
}

impl Statuses {
    fn read(words: &[String]) -> Self {
        let mut statuses = Self::default();
        for word in words {
            if let Ok(code) = word.parse() {
                statuses.codes.insert(code);
            } else if let Some(signal) = signal(word) {
                statuses.signals.insert(signal as i32);
            } else if let Some(code) = super::status::code_of(word) {
                statuses.codes.insert(code);
            }
        }
        statuses
    }
}

impl Execution {
    fn read(reader: &Reader<'_>) -> Self {
        let value = |key: &str| reader.value("Service", key);
        let mut environment = Vec::new();
        for word in reader.words("Service", "Environment") {
            if let Some((name, value)) = word.split_once('=') {
                environment.push((name.to_owned(), value.to_owned()));
            }
        }
        let optional = |text: &str| match text.strip_prefix('-') {
            Some(path) => (path.to_owned(), true),
            None => (text.to_owned(), false),
        };
        let output = value("StandardOutput").map_or(Output::Journal, |text| output(&text, &Output::Journal));
        let error = match (value("StandardError"), &output) {
            (Some(text), _) => self::output(&text, &Output::Inherit),
            (None, Output::Journal | Output::Null | Output::Inherit | Output::File { .. }) => Output::Inherit,
        };
        Self {
            user: value("User").filter(|user| !user.is_empty()),
            group: value("Group").filter(|group| !group.is_empty()),
            supplementary_groups: reader.words("Service", "SupplementaryGroups"),
            is_dynamic_user: reader.flag("Service", "DynamicUser", false),
            working_directory: value("WorkingDirectory").map(|text| optional(&text)),
            root_directory: value("RootDirectory"),
            environment,
            environment_files: reader
                .values("Service", "EnvironmentFile")
                .iter()
                .map(|text| optional(text.trim_matches('"')))
                .collect(),
            unset_environment: reader.words("Service", "UnsetEnvironment"),
            umask: value("UMask").and_then(|text| u32::from_str_radix(&text, 8).ok()).unwrap_or(0o022),
            limits: limits(reader),
            folders: folders(reader),
            keeps_runtime_folders: value("RuntimeDirectoryPreserve").is_some_and(|word| word != "no"),
            output,
            error,
            input: value("StandardInput").and_then(|text| text.strip_prefix("file:").map(str::to_owned)),
            identifier: value("SyslogIdentifier").filter(|text| !text.is_empty()),
            nice: value("Nice").and_then(|text| text.parse().ok()),
            oom_score: value("OOMScoreAdjust").and_then(|text| text.parse().ok()),
            ambient_capabilities: reader.words("Service", "AmbientCapabilities"),
        }
    }
}

fn output(text: &str, otherwise: &Output) -> Output {
    let file = |path: &str, appends, truncates| Output::File { path: path.to_owned(), appends, truncates };
    if let Some(path) = text.strip_prefix("append:") {
        return file(path, true, false);
    }
    if let Some(path) = text.strip_prefix("truncate:") {
        return file(path, false, true);
    }
    if let Some(path) = text.strip_prefix("file:") {
        return file(path, false, false);
    }
    match text {
        "null" => Output::Null,
        "inherit" => otherwise.clone(),
        // There are no consoles, and no socket is anybody's output.
        _ => Output::Journal,
    }
}

const LIMITS: [&str; 16] = [
    "AS",
    "CORE",
    "CPU",
    "DATA",
    "FSIZE",
    "LOCKS",
    "MEMLOCK",
    "MSGQUEUE",
    "NICE",
    "NOFILE",
    "NPROC",
    "RSS",
    "RTPRIO",
    "RTTIME",
    "SIGPENDING",
    "STACK",
];

/// What is no limit is as if it were not there.
struct Unreadable;

fn limits(reader: &Reader<'_>) -> Vec<Limit> {
    let mut limits = Vec::new();
    for name in LIMITS {
        let Some(text) = reader.value("Service", &format!("Limit{name}")) else { continue };
        let (soft, hard) = text.split_once(':').unwrap_or((&text, &text));
        if let (Ok(soft), Ok(hard)) = (limit(soft), limit(hard)) {
            limits.push((name.to_owned(), soft, hard));
        }
    }
    limits
}

/// A number, perhaps with a unit of sizes.
fn limit(text: &str) -> Result<Option<u64>, Unreadable> {
    if text == "infinity" {
        return Ok(None);
    }
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let factor = match &text[end..] {
        "" => 1,
        "K" => 1 << 10,
        "M" => 1 << 20,
        "G" => 1 << 30,
        "T" => 1_u64 << 40,
        _ => return Err(Unreadable),
    };
    let number = text[..end].parse::<u64>().map_err(|_| Unreadable)?;
    number.checked_mul(factor).map(Some).ok_or(Unreadable)
}

fn folders(reader: &Reader<'_>) -> Vec<Folders> {
    const KINDS: [(&str, &str, &str, bool); 5] = [
        ("RuntimeDirectory", "/run", "RUNTIME_DIRECTORY", true),
        ("StateDirectory", "/var/lib", "STATE_DIRECTORY", true),
        ("CacheDirectory", "/var/cache", "CACHE_DIRECTORY", true),
        ("LogsDirectory", "/var/log", "LOGS_DIRECTORY", true),
        ("ConfigurationDirectory", "/etc", "CONFIGURATION_DIRECTORY", false),
    ];
    let mut kinds = Vec::new();
    for (key, base, variable, is_given_away) in KINDS {
        let mode = reader
            .value("Service", &format!("{key}Mode"))
            .and_then(|text| u32::from_str_radix(&text, 8).ok())
            .unwrap_or(0o755);
        let mut folders: Vec<Folder> = Vec::new();
        for word in reader.words("Service", key) {
            // `a:b` is a folder `a` with a link `b` to it.
            let mut parts = word.split(':').filter(|part| is_relative(part));
            let Some(name) = parts.next() else { continue };
            let links = parts.map(|link| format!("{base}/{link}")).collect();
            folders.push(Folder { path: format!("{base}/{name}"), links, mode, is_given_away });
        }
        if !folders.is_empty() {
            kinds.push(Folders { variable: variable.to_owned(), folders });
        }
    }
    kinds
}

fn is_relative(path: &str) -> bool {
    !path.is_empty() && !path.starts_with('/') && path.split('/').all(|part| part != ".." && part != ".")
}

/// Reads an environment file: assignments, comments, quotes, lines that go on.
pub(crate) fn environment_file(text: &str) -> Vec<(String, String)> {
    let joined = text.replace("\\\n", " ");
    let lines = joined.lines().map(str::trim).filter(|line| !line.starts_with(['#', ';']));
    lines
        .filter_map(|line| {
            let (name, value) = line.split_once('=')?;
            let value = value.trim();
            // Within quotes words stay together; without, the whole line is the value.
            let value = match value.chars().next() {
                Some('"' | '\'') => words::split(value).map_or(value.to_owned(), |words| words.join(" ")),
                Some(_) | None => value.to_owned(),
            };
            let name = name.trim().trim_start_matches("export ").trim();
            (!name.is_empty()).then(|| (name.to_owned(), value))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::services::specifiers::Identity;
    use crate::services::text;

    fn read(section: &str) -> Result<ServiceConfig, String> {
        let identity = Identity {
            host_name: "unit-0".to_owned(),
            machine_id: String::new(),
            boot_id: String::new(),
            kernel: String::new(),
        };
        let text = text::parse(&format!("[Service]\n{section}"));
        let name = UnitName::parse("worker@3.service").unwrap();
        ServiceConfig::read(&Reader { text: &text, name: &name, identity: &identity })
    }

    #[test]
    fn a_service_has_the_defaults_of_systemd() {
        let service = read("ExecStart=/bin/worker").unwrap();
        assert_eq!(service.service_type, ServiceType::Simple);
        assert_eq!(service.restart, Restart::No);
        assert_eq!(service.restart_after, Duration::from_millis(100));
        assert_eq!(service.start_timeout, Some(Duration::from_secs(90)));
        assert_eq!(service.kill_mode, KillMode::ControlGroup);
        assert_eq!((service.execution.output, service.execution.error), (Output::Journal, Output::Inherit));
        assert_eq!(read("Type=oneshot\nExecStart=/bin/a\nExecStart=/bin/b").unwrap().start_timeout, None);
    }

    #[test]
    fn what_contradicts_itself_is_refused() {
        assert!(read("ExecStart=/bin/a\nExecStart=/bin/b").unwrap_err().contains("more than one ExecStart="));
        assert!(read("Type=oneshot\nRestart=always\nExecStart=/bin/a").unwrap_err().contains("Restart="));
        assert!(read("ExecStop=/bin/a").unwrap_err().contains("RemainAfterExit=yes"));
        assert!(read("RemainAfterExit=yes\nExecStop=/bin/a").is_ok());
    }

    #[test]
    fn surroundings_are_read() {
        let service = read(
            "ExecStart=/bin/worker\nUser=www-data\nWorkingDirectory=-/srv\nUMask=0077\nLimitNOFILE=65536\n\
             LimitCORE=0:infinity\nRuntimeDirectory=worker worker/%i:old ../up\nRuntimeDirectoryMode=0750\n\
             Environment=\"A=1 2\" B=%i\nEnvironmentFile=-/etc/default/worker\nStandardOutput=append:/var/log/w.log\n\
             SuccessExitStatus=143 SIGUSR1 TEMPFAIL\nTimeoutStopSec=5\nKillSignal=SIGQUIT\n",
        )
        .unwrap();
        let execution = service.execution;
        assert_eq!(execution.user.as_deref(), Some("www-data"));
        assert_eq!(execution.working_directory, Some(("/srv".to_owned(), true)));
        assert_eq!(execution.umask, 0o077);
        let limits = [("CORE".to_owned(), Some(0), None), ("NOFILE".to_owned(), Some(65536), Some(65536))];
        assert_eq!(execution.limits, limits);
        let folders = &execution.folders[0].folders;
        assert_eq!((folders[0].path.as_str(), folders[0].mode), ("/run/worker", 0o750));
        assert_eq!(
            (folders[1].path.as_str(), &folders[1].links[..]),
            ("/run/worker/3", &["/run/old".to_owned()][..])
        );
        assert_eq!(folders.len(), 2);
        assert_eq!(execution.environment, [("A".into(), "1 2".into()), ("B".into(), "3".into())]);
        assert_eq!(execution.environment_files, [("/etc/default/worker".to_owned(), true)]);
        assert!(matches!(execution.output, Output::File { appends: true, .. }));
        assert_eq!(service.success.codes, BTreeSet::from([75, 143]));
        assert_eq!(service.success.signals, BTreeSet::from([Signal::SIGUSR1 as i32]));
        assert_eq!(
            (service.stop_timeout, service.kill_signal),
            (Some(Duration::from_secs(5)), Signal::SIGQUIT)
        );
    }

    #[test]
    fn environment_files_are_read() {
        let read = environment_file("# c\nA=1\nB=\"x y\"\nC='q'\nD=a b\\\nc\nexport E=5\nnothing\n");
        let expected = [("A", "1"), ("B", "x y"), ("C", "q"), ("D", "a b c"), ("E", "5")];
        assert_eq!(read, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    }

    proptest! {
        #[test]
        fn any_environment_file_is_read(text in "\\PC{0,60}") {
            environment_file(&text);
        }

        #[test]
        fn any_section_is_read_or_refused(
            key in "(Type|Restart|UMask|LimitNOFILE|KillSignal|TimeoutSec|RuntimeDirectory|SuccessExitStatus)",
            value in "\\PC{0,12}",
        ) {
            let _ = read(&format!("ExecStart=/bin/a\n{key}={value}"));
        }
    }
}
