//! Users and groups.
//!
//! Programs look them up in `/etc/passwd` and `/etc/group`, so those files are what counts. They
//! come with the call and are written back whole.

use camino::Utf8PathBuf;

use super::machine::Machine;
use super::rules::Rules;
use super::said::Said;
use super::{Act, Words};

const PASSWD: &str = "/etc/passwd";
const GROUP: &str = "/etc/group";

/// Options whose value is the next word.
const WITH_VALUE: [&str; 26] = [
    "-s",
    "--shell",
    "-u",
    "--uid",
    "-d",
    "--home",
    "--home-dir",
    "-p",
    "--password",
    "-g",
    "--gid",
    "-G",
    "--groups",
    "-c",
    "--comment",
    "--gecos",
    "-K",
    "--key",
    "-b",
    "--base-dir",
    "-k",
    "--skel",
    "--ingroup",
    "-l",
    "--login",
    "--firstuid",
];

struct Parsed<'a> {
    names: Vec<&'a str>,
    options: Vec<(&'a str, Option<&'a str>)>,
}

impl<'a> Parsed<'a> {
    fn of(words: &'a Words<'_>, without_value: &[&str]) -> Self {
        let mut parsed = Self { names: Vec::new(), options: Vec::new() };
        let mut arguments = words.arguments.iter().map(String::as_str);
        while let Some(word) = arguments.next() {
            match word.split_once('=') {
                Some((name, value)) if name.starts_with("--") => parsed.options.push((name, Some(value))),
                _ if WITH_VALUE.contains(&word) && !without_value.contains(&word) => {
                    parsed.options.push((word, arguments.next()));
                }
                _ if word.starts_with('-') => parsed.options.push((word, None)),
                _ => parsed.names.push(word),
            }
        }
        parsed
    }

    fn has(&self, names: &[&str]) -> bool {
        self.options.iter().any(|(name, _)| names.contains(name))
    }

    fn value(&self, names: &[&str]) -> Option<&'a str> {
        self.options.iter().rev().find(|(name, _)| names.contains(name)).and_then(|(_, value)| *value)
    }
}

/// A file of lines with fields between colons.
struct Database {
    path: &'static str,
    lines: Vec<Vec<String>>,
    is_changed: bool,
}

impl Database {
    fn read(words: &Words<'_>, path: &'static str) -> Self {
        let text = words.call.file(path).unwrap_or_default();
        let lines = text.lines().map(|line| line.split(':').map(str::to_owned).collect()).collect();
        Self { path, lines, is_changed: false }
    }

    fn position(&self, name: &str) -> Option<usize> {
        self.lines.iter().position(|fields| fields.first().is_some_and(|known| known == name))
    }

    fn has(&self, name: &str) -> bool {
        self.position(name).is_some()
    }

    fn number(&self, name: &str) -> Option<u32> {
        self.lines[self.position(name)?].get(2)?.parse().ok()
    }

    fn name_of(&self, number: u32) -> Option<&str> {
        self.lines
            .iter()
            .find(|fields| fields.get(2).is_some_and(|n| n.parse() == Ok(number)))
            .map(|fields| fields[0].as_str())
    }

    fn add(&mut self, fields: Vec<String>) {
        self.lines.push(fields);
        self.is_changed = true;
    }

    fn remove(&mut self, name: &str) {
        let before = self.lines.len();
        self.lines.retain(|fields| fields.first().is_none_or(|known| known != name));
        self.is_changed |= self.lines.len() != before;
    }

    /// Free numbers go down from 999 for what belongs to the system, and up from 1000 for people.
    fn free(&self, is_system: bool) -> u32 {
        let is_free = |number: &u32| self.name_of(*number).is_none();
        if is_system { (100..1000).rev().find(is_free) } else { (1000..60000).find(is_free) }.unwrap_or(60000)
    }

    fn write(&self, said: &mut Said) {
        if self.is_changed {
            let lines: Vec<String> = self.lines.iter().map(|fields| fields.join(":") + "\n").collect();
            let content = lines.concat().into_bytes();
            said.acts.push(Act::WriteFile { path: Utf8PathBuf::from(self.path), mode: 0o644, content });
        }
    }
}

/// The members that a line of `/etc/group` lists.
fn edit_members(groups: &mut Database, group: &str, edit: impl FnOnce(&mut Vec<String>)) {
    let Some(at) = groups.position(group) else { return };
    let fields = &mut groups.lines[at];
    fields.resize(4, String::new());
    let mut members: Vec<String> =
        fields[3].split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect();
    edit(&mut members);
    let text = members.join(",");
    if fields[3] != text {
        fields[3] = text;
        groups.is_changed = true;
    }
}

fn add_member(groups: &mut Database, group: &str, user: &str) {
    edit_members(groups, group, |members| {
        if !members.iter().any(|member| member == user) {
            members.push(user.to_owned());
        }
    });
}

fn finish(machine: &mut Machine, users: &Database, groups: &Database, mut said: Said) -> Said {
    // What was there before is none of the charm's: only what was added is remembered.
    machine.users.retain(|name, _| users.has(name));
    machine.groups.retain(|name, _| groups.has(name));
    users.write(&mut said);
    groups.write(&mut said);
    said
}

pub(super) fn useradd(machine: &mut Machine, _rules: &Rules, words: &Words<'_>) -> Said {
    let parsed = Parsed::of(words, &[]);
    let (mut users, mut groups) = (Database::read(words, PASSWD), Database::read(words, GROUP));
    let Some(name) = parsed.names.first() else {
        return Said::failed(2, format!("Usage: {} [options] LOGIN\n", words.program));
    };
    // `adduser USER GROUP` adds a user who is there to a group.
    if let (Some(group), true) = (parsed.names.get(1), words.program == "adduser") {
        return join(machine, &users, groups, name, group);
    }
    let is_system = parsed.has(&["-r", "--system"]);
    if users.has(name) {
        return match (words.program, is_system) {
            ("adduser", true) => {
                Said::printed(format!("The system user `{name}' already exists. Exiting.\n"))
            }
            ("adduser", false) => Said::failed(1, format!("adduser: The user `{name}' already exists.\n")),
            (_, _) => Said::failed(9, format!("useradd: user '{name}' already exists\n")),
        };
    }
    let asked = parsed.value(&["-u", "--uid"]).and_then(|number| number.parse::<u32>().ok());
    if let Some(taken) = asked.filter(|number| users.name_of(*number).is_some()) {
        return Said::failed(4, format!("useradd: UID {taken} is not unique\n"));
    }
    let number = asked.unwrap_or_else(|| users.free(is_system));
    let group = match parsed.value(&["-g", "--gid", "--ingroup"]) {
        Some(group) => match group.parse::<u32>().ok().or_else(|| groups.number(group)) {
            Some(number) => number,
            None => return Said::failed(6, format!("useradd: group '{group}' does not exist\n")),
        },
        None if words.program == "adduser" && is_system && !parsed.has(&["--group"]) => 65534,
        None if groups.has(name) => {
            return Said::failed(
                9,
                format!(
                    "useradd: group {name} exists - if you want to add this user to that group, use -g.\n"
                ),
            );
        }
        None => {
            let group = if groups.name_of(number).is_none() { number } else { groups.free(is_system) };
            groups.add(vec![(*name).to_owned(), "x".into(), group.to_string(), String::new()]);
            machine.groups.insert((*name).to_owned(), group);
            group
        }
    };
    for more in parsed
        .value(&["-G", "--groups"])
        .into_iter()
        .flat_map(|list| list.split(','))
        .filter(|name| !name.is_empty())
    {
        if !groups.has(more) {
            return Said::failed(6, format!("useradd: group '{more}' does not exist\n"));
        }
        add_member(&mut groups, more, name);
    }
    let home =
        parsed.value(&["-d", "--home", "--home-dir"]).map_or_else(|| format!("/home/{name}"), str::to_owned);
    let default_shell = if words.program == "adduser" && is_system { "/usr/sbin/nologin" } else { "/bin/sh" };
    let shell = parsed.value(&["-s", "--shell"]).unwrap_or(default_shell);
    let comment = parsed.value(&["-c", "--comment", "--gecos"]).unwrap_or_default();
    users.add(
        [name, "x", &number.to_string(), &group.to_string(), comment, &home, shell]
            .map(str::to_owned)
            .to_vec(),
    );
    machine.users.insert((*name).to_owned(), number);
    let mut said = Said::default();
    let makes_home = match words.program {
        "adduser" => !is_system && !parsed.has(&["--no-create-home"]),
        _ => parsed.has(&["-m", "--create-home"]),
    };
    if makes_home {
        // A folder is made for the file; there is no act for a folder alone.
        let content = Vec::new();
        said.acts.push(Act::WriteFile {
            path: Utf8PathBuf::from(home).join(".profile"),
            mode: 0o644,
            content,
        });
    }
    finish(machine, &users, &groups, said)
}

fn join(machine: &mut Machine, users: &Database, mut groups: Database, user: &str, group: &str) -> Said {
    if !users.has(user) {
        return Said::failed(1, format!("adduser: The user `{user}' does not exist.\n"));
    }
    if !groups.has(group) {
        return Said::failed(1, format!("adduser: The group `{group}' does not exist.\n"));
    }
    add_member(&mut groups, group, user);
    finish(
        machine,
        users,
        &groups,
        Said::printed(format!("Adding user `{user}' to group `{group}' ...\nDone.\n")),
    )
}

pub(super) fn usermod(machine: &mut Machine, _rules: &Rules, words: &Words<'_>) -> Said {
    let parsed = Parsed::of(words, &[]);
    let (mut users, mut groups) = (Database::read(words, PASSWD), Database::read(words, GROUP));
    let Some(name) = parsed.names.last() else { return Said::failed(2, "Usage: usermod [options] LOGIN\n") };
    let Some(at) = users.position(name) else {
        return Said::failed(6, format!("usermod: user '{name}' does not exist\n"));
    };
    // `-aG` and `-a -G` are the same.
    let list = parsed
        .value(&["-G", "--groups"])
        .or_else(|| parsed.has(&["-aG"]).then(|| parsed.names.first().copied()).flatten());
    let is_added = parsed.has(&["-a", "--append", "-aG"]);
    let wanted: Vec<&str> =
        list.into_iter().flat_map(|list| list.split(',')).filter(|name| !name.is_empty()).collect();
    if let Some(missing) = wanted.iter().find(|group| !groups.has(group)) {
        return Said::failed(6, format!("usermod: group '{missing}' does not exist\n"));
    }
    if list.is_some() && !is_added {
        let all: Vec<String> = groups.lines.iter().filter_map(|fields| fields.first().cloned()).collect();
        for group in all {
            edit_members(&mut groups, &group, |members| members.retain(|member| member != name));
        }
    }
    for group in wanted {
        add_member(&mut groups, group, name);
    }
    for (names, field) in
        [(["-s", "--shell"], 6), (["-d", "--home"], 5), (["-c", "--comment"], 4), (["-u", "--uid"], 2)]
    {
        if let Some(value) = parsed.value(&names) {
            users.lines[at].resize(7, String::new());
            value.clone_into(&mut users.lines[at][field]);
            users.is_changed = true;
        }
    }
    finish(machine, &users, &groups, Said::default())
}

pub(super) fn userdel(machine: &mut Machine, _rules: &Rules, words: &Words<'_>) -> Said {
    let parsed = Parsed::of(words, &[]);
    let (mut users, mut groups) = (Database::read(words, PASSWD), Database::read(words, GROUP));
    let Some(name) = parsed.names.first() else { return Said::failed(2, "Usage: userdel [options] LOGIN\n") };
    if let (Some(group), true) = (parsed.names.get(1), words.program == "deluser") {
        edit_members(&mut groups, group, |members| members.retain(|member| member != name));
        return finish(machine, &users, &groups, Said::default());
    }
    if !users.has(name) {
        let code = if words.program == "deluser" { 2 } else { 6 };
        return Said::failed(code, format!("{}: user '{name}' does not exist\n", words.program));
    }
    users.remove(name);
    groups.remove(name);
    let all: Vec<String> = groups.lines.iter().filter_map(|fields| fields.first().cloned()).collect();
    for group in all {
        edit_members(&mut groups, &group, |members| members.retain(|member| member != name));
    }
    finish(machine, &users, &groups, Said::default())
}

pub(super) fn groupadd(machine: &mut Machine, _rules: &Rules, words: &Words<'_>) -> Said {
    let parsed = Parsed::of(words, &[]);
    let (users, mut groups) = (Database::read(words, PASSWD), Database::read(words, GROUP));
    let Some(name) = parsed.names.first() else {
        return Said::failed(2, format!("Usage: {} [options] GROUP\n", words.program));
    };
    let is_system = parsed.has(&["-r", "--system"]);
    if groups.has(name) {
        let is_fine = parsed.has(&["-f", "--force"]) || (words.program == "addgroup" && is_system);
        let code = if words.program == "addgroup" { 1 } else { 9 };
        return if is_fine {
            Said::default()
        } else {
            Said::failed(code, format!("{}: group '{name}' already exists\n", words.program))
        };
    }
    let asked = parsed.value(&["-g", "--gid"]).and_then(|number| number.parse::<u32>().ok());
    if let Some(taken) = asked.filter(|number| groups.name_of(*number).is_some()) {
        return Said::failed(4, format!("groupadd: GID '{taken}' already exists\n"));
    }
    let number = asked.unwrap_or_else(|| groups.free(is_system));
    groups.add(vec![(*name).to_owned(), "x".into(), number.to_string(), String::new()]);
    machine.groups.insert((*name).to_owned(), number);
    finish(machine, &users, &groups, Said::default())
}

pub(super) fn groupdel(machine: &mut Machine, _rules: &Rules, words: &Words<'_>) -> Said {
    let parsed = Parsed::of(words, &[]);
    let (users, mut groups) = (Database::read(words, PASSWD), Database::read(words, GROUP));
    let Some(name) = parsed.names.first() else {
        return Said::failed(2, "Usage: groupdel [options] GROUP\n");
    };
    let Some(number) = groups.number(name) else {
        return Said::failed(6, format!("groupdel: group '{name}' does not exist\n"));
    };
    let owner =
        users.lines.iter().find(|fields| fields.get(3).is_some_and(|group| *group == number.to_string()));
    if let Some(owner) = owner.filter(|_| !parsed.has(&["-f", "--force"])) {
        return Said::failed(
            8,
            format!("groupdel: cannot remove the primary group of user '{}'\n", owner[0]),
        );
    }
    groups.remove(name);
    finish(machine, &users, &groups, Said::default())
}

pub(super) fn gpasswd(machine: &mut Machine, _rules: &Rules, words: &Words<'_>) -> Said {
    let (users, mut groups) = (Database::read(words, PASSWD), Database::read(words, GROUP));
    let plain: Vec<&str> = words.arguments.iter().map(String::as_str).collect();
    let (user, group, is_added) = match plain[..] {
        ["-a" | "--add", user, group] | [group, "-a" | "--add", user] => (user, group, true),
        ["-d" | "--delete", user, group] | [group, "-d" | "--delete", user] => (user, group, false),
        _ => return Said::failed(2, "Usage: gpasswd [option] GROUP\n"),
    };
    if !groups.has(group) {
        return Said::failed(1, format!("gpasswd: group '{group}' does not exist in /etc/group\n"));
    }
    if is_added && !users.has(user) {
        return Said::failed(3, format!("gpasswd: user '{user}' does not exist\n"));
    }
    if is_added {
        add_member(&mut groups, group, user);
    } else {
        edit_members(&mut groups, group, |members| members.retain(|member| member != user));
    }
    finish(machine, &users, &groups, Said::default())
}
