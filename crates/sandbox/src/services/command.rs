//! One command of a service: what `ExecStart=` and its kind hold.

use super::name::UnitName;
use super::specifiers::{Identity, expand};
use super::words;

/// A command of a unit file, with specifiers replaced and variables not yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CommandLine {
    /// A path, or a name that is looked up.
    pub program: String,
    /// All words, the first of which is what the program sees as its own name.
    pub arguments: Vec<String>,
    /// `-`: how it ends is no failure.
    pub ignores_failure: bool,
    /// `:`: variables are left as they are.
    pub keeps_dollars: bool,
    /// `+`, `!` and `!!`: it keeps root's rights. The finer differences between the three are
    /// about sandboxing, which we do not do.
    pub keeps_privileges: bool,
}

impl CommandLine {
    /// The command as `systemctl status` shows it.
    pub(crate) fn shown(&self) -> String {
        let mut words = self.arguments.clone();
        if let Some(first) = words.first_mut() {
            first.clone_from(&self.program);
        }
        words.join(" ")
    }

    /// The name under which its output is in the journal.
    pub(crate) fn identifier(&self) -> &str {
        self.program.rsplit('/').next().unwrap_or(&self.program)
    }
}

/// Reads a value, which may hold several commands between words that are `;`.
pub(crate) fn parse(value: &str, name: &UnitName, identity: &Identity) -> Result<Vec<CommandLine>, String> {
    let mut commands = Vec::new();
    let words = separated(value)?;
    for group in words {
        let mut words = group.into_iter();
        let Some(first) = words.next() else { continue };
        let mut program = first.as_str();
        let mut command = CommandLine {
            program: String::new(),
            arguments: Vec::new(),
            ignores_failure: false,
            keeps_dollars: false,
            keeps_privileges: false,
        };
        let mut names_itself = false;
        loop {
            match program.chars().next() {
                Some('-') => command.ignores_failure = true,
                Some('@') => names_itself = true,
                Some(':') => command.keeps_dollars = true,
                Some('+' | '!') => command.keeps_privileges = true,
                Some(_) | None => break,
            }
            program = &program[1..];
        }
        command.program = expand(program, name, identity);
        if command.program.is_empty() {
            return Err("Empty path in command line".to_owned());
        }
        if command.program.contains('/') && !command.program.starts_with('/') {
            return Err(format!("Neither a valid executable name nor an absolute path: {program}"));
        }
        let rest: Vec<String> = words.map(|word| expand(&word, name, identity)).collect();
        if names_itself {
            if rest.is_empty() {
                return Err(format!("Missing the name of {program} for itself"));
            }
        } else {
            command.arguments.push(command.program.clone());
        }
        command.arguments.extend(rest);
        commands.push(command);
    }
    Ok(commands)
}

/// The words of each command. A `;` separates where it stands alone and unquoted; `\;` is a word.
fn separated(value: &str) -> Result<Vec<Vec<String>>, String> {
    let mut groups = Vec::new();
    let mut rest = value;
    let mut from = 0;
    while let Some(at) = rest[from..].find(';').map(|at| at + from) {
        let is_alone = (at == 0 || rest[..at].ends_with(|c: char| c.is_ascii_whitespace()))
            && (at + 1 == rest.len() || rest[at + 1..].starts_with(|c: char| c.is_ascii_whitespace()));
        // Inside of quotes the part before is not balanced.
        match words::split(&rest[..at]) {
            Ok(words) if is_alone => {
                groups.push(words);
                rest = &rest[at + 1..];
                from = 0;
            }
            Ok(_) | Err(_) => from = at + 1,
        }
    }
    groups.push(words::split(rest)?);
    Ok(groups)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(value: &str) -> Result<Vec<CommandLine>, String> {
        let identity = Identity {
            host_name: "unit-0".to_owned(),
            machine_id: String::new(),
            boot_id: String::new(),
            kernel: String::new(),
        };
        parse(value, &UnitName::parse("worker@3.service").unwrap(), &identity)
    }

    #[track_caller]
    fn check(value: &str, expected: &str) {
        let found = read(value).map_or_else(
            |error| error,
            |commands| {
                let shown = commands.iter().map(|command| {
                    let flags = [
                        (command.ignores_failure, '-'),
                        (command.keeps_dollars, ':'),
                        (command.keeps_privileges, '+'),
                    ];
                    let flags: String =
                        flags.into_iter().filter(|(is_set, _)| *is_set).map(|(_, flag)| flag).collect();
                    format!("{flags}{} {:?}", command.program, command.arguments)
                });
                shown.collect::<Vec<_>>().join(" & ")
            },
        );
        assert_eq!(found, expected);
    }

    #[test]
    fn prefixes_are_taken_off_and_specifiers_replaced() {
        check("/bin/worker --id %i", r#"/bin/worker ["/bin/worker", "--id", "3"]"#);
        check("-+/bin/true", r#"-+/bin/true ["/bin/true"]"#);
        check(":sleep ${A}", r#":sleep ["sleep", "${A}"]"#);
        check("@/usr/sbin/daemon daemon -d", r#"/usr/sbin/daemon ["daemon", "-d"]"#);
        check("bin/true", "Neither a valid executable name nor an absolute path: bin/true");
        check("@/bin/true", "Missing the name of /bin/true for itself");
        check("/bin/sh -c 'a", "Unbalanced quoting");
    }

    #[test]
    fn a_value_may_hold_several_commands() {
        check("/bin/a 1 ; /bin/b", r#"/bin/a ["/bin/a", "1"] & /bin/b ["/bin/b"]"#);
        check("/bin/sh -c 'a ; b'", r#"/bin/sh ["/bin/sh", "-c", "a ; b"]"#);
        check(r"/bin/find \;", r#"/bin/find ["/bin/find", ";"]"#);
    }

    proptest! {
        #[test]
        fn any_value_is_read_or_refused(value in "[-+!@:/a-z;'\"\\\\%$ ]{0,24}") {
            if let Ok(commands) = read(&value) {
                for command in commands {
                    prop_assert!(!command.program.is_empty() && !command.arguments.is_empty());
                }
            }
        }
    }
}
