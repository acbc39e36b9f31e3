//! Stand-ins for the programs of a machine that cannot run in a unit without one: package
//! managers, systemd, snapd, users and the like, and the programs that packages bring.
//!
//! [`answer`] takes a call as a process made it and says what the process is to print, its exit
//! code, and what is to be done to the unit's files. What a machine would remember is in
//! [`Machine`]; what a user knows better is in [`Rules`], which are asked first. Nothing is
//! installed and nothing is started: a package is known by name, a service has a state. Where a
//! stand-in had to assume something that a real machine knows, the [`Record`] of the call says it,
//! so that what the environment refused is told apart from what the charm got wrong.
//!
//! Nothing here touches a file or a process: that is for whoever asked.

mod apt;
mod dpkg;
mod generic;
mod glob;
pub mod kubernetes;
mod machine;
mod packages;
mod rules;
mod said;
mod snap;
pub mod snapd;
mod systemd;
mod units;
mod users;
mod versions;
pub mod web;
mod wire;

use std::collections::{BTreeMap, BTreeSet};

use camino::Utf8PathBuf;
use serde::Serialize;

pub use machine::{Activity, Daemon, Machine, Package, Service, Snap, SnapService};
pub use rules::{
    ActionRule, AllowRule, CredentialRule, ExecRule, HttpRule, KubernetesRule, PackageRule, RemoteRule,
    Rules, RulesError, SnapRule, ValuesRule, command_matches,
};

use said::Said;

/// A call of a stand-in, as a process makes it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StandInCall {
    /// The arguments. The first is the name of the program, with or without its folder.
    pub arguments: Vec<Vec<u8>>,
    /// Standard input, where the call reads it.
    pub stdin: Option<Vec<u8>>,
    /// Where the process was.
    pub directory: String,
    /// Files of the unit that the answer depends on, with what is in them: `/etc/passwd` and
    /// `/etc/group` for users, the files of units for systemd.
    pub files: BTreeMap<String, Vec<u8>>,
}

impl StandInCall {
    /// Returns a call that reads nothing.
    pub fn of(arguments: &[&str]) -> Self {
        Self {
            arguments: arguments.iter().map(|argument| argument.as_bytes().to_vec()).collect(),
            directory: "/".into(),
            ..Self::default()
        }
    }

    fn file(&self, path: &str) -> Option<String> {
        self.files.get(path).map(|bytes| String::from_utf8_lossy(bytes).into_owned())
    }
}

/// What a stand-in answers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StandInReply {
    /// The exit code.
    pub code: i32,
    /// What it prints.
    pub stdout: Vec<u8>,
    /// What it prints about what went wrong.
    pub stderr: Vec<u8>,
    /// What is to be done in the unit, in order, before the process ends.
    pub acts: Vec<Act>,
    /// What is to be remembered of the call.
    pub record: Record,
}

/// Something to do to the files and processes of a unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// Write a file, with the folders above it.
    WriteFile {
        /// Where.
        path: Utf8PathBuf,
        /// Its permissions.
        mode: u32,
        /// What is in it.
        content: Vec<u8>,
    },
    /// Remove a file, if it is there.
    Remove {
        /// Which.
        path: Utf8PathBuf,
    },
    /// Let a program be a stand-in.
    Program {
        /// Where it lies.
        path: Utf8PathBuf,
        /// Whether nobody said that there is such a program: then a real one of its name, anywhere
        /// on `PATH`, is left to be found.
        is_assumed: bool,
    },
    /// Leave a process behind that does nothing until it is ended.
    Daemon {
        /// The name that it is seen under.
        name: String,
        /// Its arguments.
        arguments: Vec<String>,
        /// Where its number is written.
        pid_file: Option<Utf8PathBuf>,
    },
}

/// What is remembered of a call.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Record {
    /// The arguments, the program's name without its folder first.
    pub arguments: Vec<String>,
    /// The exit code.
    pub code: i32,
    /// Who knew the answer.
    pub answered_by: AnsweredBy,
    /// What a real machine knows and had to be assumed here, in sentences.
    pub assumed: Vec<String>,
}

impl Record {
    /// Stands in the place of a program where a web server was asked: its method and address follow.
    pub const WEB: &'static str = "http";

    /// Whether a web server was asked, of which nobody knows what it answers.
    pub fn is_unknown_web(&self) -> bool {
        self.arguments.first().is_some_and(|first| first == Self::WEB)
            && self.answered_by == AnsweredBy::Nobody
    }
}

/// Who knew the answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum AnsweredBy {
    /// A stand-in that knows the program.
    BuiltIn,
    /// A rule of the user's, counted from 0.
    Rule(usize),
    /// Nobody: the program is known by name alone, and was said to have succeeded in silence.
    #[default]
    Nobody,
}

type Answerer = fn(&mut Machine, &Rules, &Words<'_>) -> Said;

/// The programs that are stood in for, and who answers.
const BUILT_IN: &[(&[&str], Answerer)] = &[
    (&["apt-get", "apt"], apt::apt_get),
    (&["apt-cache"], apt::apt_cache),
    (&["apt-mark"], apt::apt_mark),
    (&["apt-key"], generic::silent),
    (&["add-apt-repository"], apt::add_apt_repository),
    (&["dpkg"], dpkg::dpkg),
    (&["dpkg-query"], dpkg::dpkg_query),
    (&["systemctl"], systemd::systemctl),
    (&["service"], systemd::service),
    (&["journalctl"], systemd::journalctl),
    (&["systemd-run", "loginctl"], generic::silent),
    (&["snap"], snap::snap),
    (&["snapctl"], generic::silent),
    (&["useradd", "adduser"], users::useradd),
    (&["usermod"], users::usermod),
    (&["userdel", "deluser"], users::userdel),
    (&["groupadd", "addgroup"], users::groupadd),
    (&["groupdel", "delgroup"], users::groupdel),
    (&["gpasswd"], users::gpasswd),
    (&["passwd", "chpasswd"], generic::silent),
    (&["timedatectl"], generic::timedatectl),
    (&["hostnamectl"], generic::silent),
    (&["sysctl"], generic::sysctl),
    (&["update-alternatives"], generic::update_alternatives),
    (
        &[
            "ufw",
            "iptables",
            "ip6tables",
            "nft",
            "netplan",
            "modprobe",
            "update-ca-certificates",
            "update-grub",
            "update-initramfs",
            "ldconfig",
            "docker",
            "podman",
            "lxc",
            "lxd",
            "reboot",
            "shutdown",
        ],
        generic::silent,
    ),
];

/// The arguments of a call, as text.
struct Words<'a> {
    program: &'a str,
    arguments: &'a [String],
    call: &'a StandInCall,
}

/// Returns the names that have to be stand-ins from the start, before any package brings more.
pub fn names(rules: &Rules) -> BTreeSet<String> {
    let built_in = BUILT_IN.iter().flat_map(|(names, _)| names.iter().map(ToString::to_string));
    let commands = rules.exec.iter().filter_map(|rule| rule.command.first());
    let plain = commands.filter(|word| !word.contains(['*', '?', '/'])).cloned();
    built_in.chain(plain).collect()
}

/// Answers a call: by the user's rules, by what is built in, or as a program that succeeds in
/// silence, where a package brought it.
pub fn answer(machine: &mut Machine, rules: &Rules, call: &StandInCall) -> StandInReply {
    let mut words: Vec<String> =
        call.arguments.iter().map(|word| String::from_utf8_lossy(word).into_owned()).collect();
    if let Some(first) = words.first_mut() {
        *first = base_name(first).to_owned();
    }
    let (said, answered_by) = said(machine, rules, call, &words);
    StandInReply {
        code: said.code,
        stdout: said.stdout.into_bytes(),
        stderr: said.stderr.into_bytes(),
        acts: said.acts,
        record: Record { arguments: words, code: said.code, answered_by, assumed: said.assumed },
    }
}

fn said(machine: &mut Machine, rules: &Rules, call: &StandInCall, words: &[String]) -> (Said, AnsweredBy) {
    let Some((program, arguments)) = words.split_first() else {
        return (Said::failed(127, "a call without a program\n"), AnsweredBy::BuiltIn);
    };
    if let Some(at) = rules.exec.iter().position(|rule| command_matches(&rule.command, words)) {
        return (by_rule(machine, &rules.exec[at], words), AnsweredBy::Rule(at));
    }
    let words = Words { program, arguments, call };
    if let Some((_, answerer)) = BUILT_IN.iter().find(|(names, _)| names.contains(&program.as_str())) {
        return (answerer(machine, rules, &words), AnsweredBy::BuiltIn);
    }
    let mut said = Said::default();
    let owner = machine.owner_of(program).map(str::to_owned);
    match owner {
        Some(owner) => said.assumes(format!(
            "`{program}` of {owner} was said to have succeeded in silence; an [[exec]] rule can answer for it"
        )),
        None => return (Said::failed(127, format!("{program}: command not found\n")), AnsweredBy::BuiltIn),
    }
    (said, AnsweredBy::Nobody)
}

fn by_rule(machine: &mut Machine, rule: &ExecRule, words: &[String]) -> Said {
    let mut said = Said { code: rule.exit, ..Said::default() };
    said.stdout.push_str(&rule.stdout);
    said.stderr.push_str(&rule.stderr);
    for (path, content) in &rule.files {
        let content = content.clone().into_bytes();
        said.acts.push(Act::WriteFile { path: path.clone(), mode: 0o644, content });
    }
    if rule.daemon {
        let name = words[0].clone();
        machine.daemons.insert(name.clone(), Daemon { arguments: words[1..].to_vec() });
        said.acts.push(Act::Daemon { name, arguments: words[1..].to_vec(), pid_file: rule.pid_file.clone() });
    }
    said
}

fn base_name(program: &str) -> &str {
    program.rsplit('/').next().unwrap_or(program)
}

#[cfg(test)]
mod tests;
