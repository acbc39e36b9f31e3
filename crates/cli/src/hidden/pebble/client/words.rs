//! The words of a command line, read as Pebble's own program reads them: by the flags that each command has.

use charmproof_juju::values::go::{parse_duration, quote};

use super::Wrong;

/// What stands behind a flag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Takes {
    Nothing,
    Text,
    /// A number with a sign.
    Int,
    /// A number of 32 bits without a sign.
    Number,
    /// A length of time.
    Time,
    /// Pebble's own program has it, and this one does not.
    Missing,
}

impl Takes {
    /// What Pebble's program calls it; nothing can be wrong with a text.
    fn name(self) -> Option<&'static str> {
        match self {
            Self::Int => Some("*int"),
            Self::Number => Some("*uint32"),
            Self::Time => Some("time.Duration"),
            Self::Nothing | Self::Text | Self::Missing => None,
        }
    }

    /// Says what is wrong with a value, as Go does.
    fn complaint(self, value: &str) -> Option<String> {
        use std::num::IntErrorKind::{NegOverflow, PosOverflow};
        let number = |function: &str, error: &std::num::ParseIntError| {
            let is_too_large = matches!(error.kind(), PosOverflow | NegOverflow);
            let why = if is_too_large { "value out of range" } else { "invalid syntax" };
            format!("strconv.{function}: parsing {}: {why}", quote(value))
        };
        match self {
            Self::Nothing | Self::Text | Self::Missing => None,
            Self::Int => value.parse::<i64>().err().map(|error| number("ParseInt", &error)),
            // Go's function takes no sign at all.
            Self::Number if value.starts_with('+') => {
                Some(format!("strconv.ParseUint: parsing {}: invalid syntax", quote(value)))
            }
            Self::Number => value.parse::<u32>().err().map(|error| number("ParseUint", &error)),
            Self::Time => parse_duration(value).err(),
        }
    }

    /// Whether `-1` can be a value of it.
    fn has_sign(self) -> bool {
        matches!(self, Self::Int | Self::Time)
    }
}

/// A flag of a command. One that has two names is known by its long one.
#[derive(Clone, Copy)]
struct Flag {
    short: Option<char>,
    long: &'static str,
    takes: Takes,
}

impl Flag {
    /// As Pebble's program names it in what it says.
    fn shown(&self) -> String {
        match self.short {
            Some(short) if self.long.is_empty() => format!("-{short}"),
            Some(short) => format!("-{short}, --{}", self.long),
            None => format!("--{}", self.long),
        }
    }

    fn name(&self) -> String {
        self.short.filter(|_| self.long.is_empty()).map_or_else(|| self.long.to_owned(), String::from)
    }
}

const fn long(long: &'static str, takes: Takes) -> Flag {
    Flag { short: None, long, takes }
}

const fn short(short: char, takes: Takes) -> Flag {
    Flag { short: Some(short), long: "", takes }
}

const ABS_TIME: Flag = long("abs-time", Takes::Nothing);
const FORMAT: Flag = long("format", Takes::Missing);
const LEVEL: Flag = long("level", Takes::Text);
const UID: Flag = long("uid", Takes::Int);
const GID: Flag = long("gid", Takes::Int);
const USER: Flag = long("user", Takes::Text);
const GROUP: Flag = long("group", Takes::Text);
const PARENTS: Flag = short('p', Takes::Nothing);
const MODE: Flag = short('m', Takes::Text);
/// Every command has it.
const HELP: Flag = Flag { short: Some('h'), long: "help", takes: Takes::Missing };

/// The commands that have the same flags, and these.
const COMMANDS: &[(&[&str], &[Flag])] = {
    use Takes::{Missing, Nothing, Number, Text, Time};
    &[
        (&["notify"], &[long("repeat-after", Time)]),
        (
            &["notices"],
            &[
                ABS_TIME,
                FORMAT,
                long("users", Text),
                long("uid", Number),
                long("type", Text),
                long("key", Text),
                long("timeout", Missing),
            ],
        ),
        (&["notice"], &[FORMAT, long("uid", Missing)]),
        (&["services", "changes"], &[ABS_TIME, FORMAT]),
        (&["tasks"], &[ABS_TIME, FORMAT, long("last", Missing)]),
        (&["checks", "health"], &[FORMAT, LEVEL]),
        (&["version"], &[FORMAT, long("client", Nothing)]),
        (&["start", "stop", "restart", "replan", "autostart"], &[long("no-wait", Nothing)]),
        (&["add"], &[long("combine", Nothing), long("inner", Nothing)]),
        (
            &["exec"],
            &[
                short('w', Text),
                long("env", Text),
                UID,
                USER,
                GID,
                GROUP,
                long("timeout", Time),
                long("context", Text),
                short('t', Nothing),
                short('T', Nothing),
                short('i', Nothing),
                short('I', Nothing),
            ],
        ),
        (
            &["logs"],
            &[
                Flag { short: Some('f'), long: "follow", takes: Nothing },
                short('n', Text),
                long("format", Text),
            ],
        ),
        (&["ls"], &[ABS_TIME, FORMAT, short('d', Nothing), short('l', Nothing)]),
        (&["mkdir", "push"], &[PARENTS, MODE, UID, USER, GID, GROUP]),
        (&["rm"], &[short('r', Nothing)]),
        (&["plan", "signal", "pull"], &[]),
    ]
};

/// Returns the flags of a command, if there is such a command.
fn flags_of(command: &str) -> Option<&'static [Flag]> {
    COMMANDS.iter().find(|(names, _)| names.contains(&command)).map(|(_, flags)| *flags)
}

/// Words of a command, options apart.
#[derive(Debug)]
pub(super) struct Words {
    options: Vec<(String, Option<String>)>,
    pub(super) positional: Vec<String>,
}

impl Words {
    /// Reads what is behind a command. Behind the first word of another program's command line there are no
    /// flags of ours.
    pub(super) fn read(command: &str, words: &[String]) -> Result<Self, Wrong> {
        let flags = flags_of(command).ok_or_else(|| no_command(command))?;
        let (mut options, mut positional) = (Vec::new(), Vec::new());
        let mut words = words.iter();
        while let Some(word) = words.next() {
            if command == "exec" && !positional.is_empty() {
                positional.push(word.clone());
            } else if word == "--" {
                positional.extend(words.by_ref().cloned());
            } else if is_option(word) {
                Reader { command, flags, words: &mut words, options: &mut options }.option(word)?;
            } else {
                positional.push(word.clone());
            }
        }
        Ok(Self { options, positional })
    }

    pub(super) fn is_set(&self, name: &str) -> bool {
        self.options.iter().any(|(option, _)| option == name)
    }

    pub(super) fn value(&self, name: &str) -> Option<&str> {
        self.options.iter().rev().find(|(option, _)| option == name)?.1.as_deref()
    }

    pub(super) fn values(&self, name: &str) -> impl Iterator<Item = &str> {
        self.options
            .iter()
            .filter(move |(option, _)| option == name)
            .filter_map(|(_, value)| value.as_deref())
    }
}

pub(super) fn no_command(command: &str) -> Wrong {
    Wrong::Said(format!("the local Juju's pebble has no command `{command}'"))
}

/// Whether a word is one or more flags. A `-` alone is none, and neither is what begins with three.
fn is_option(word: &str) -> bool {
    let rest = word.strip_prefix("--").or_else(|| word.strip_prefix('-'));
    rest.is_some_and(|rest| !rest.is_empty() && !rest.starts_with('-'))
}

struct Reader<'a, 'b> {
    command: &'a str,
    flags: &'static [Flag],
    words: &'a mut std::slice::Iter<'b, String>,
    options: &'a mut Vec<(String, Option<String>)>,
}

impl Reader<'_, '_> {
    fn option(&mut self, word: &str) -> Result<(), Wrong> {
        if let Some(option) = word.strip_prefix("--") {
            let (name, value) =
                option.split_once('=').map_or((option, None), |(name, value)| (name, Some(value)));
            let flag = self.flag(name, |flag| flag.long == name)?;
            return self.take(flag, value, true);
        }
        let mut letters = word[1..].chars();
        let Some(first) = letters.next() else { return Ok(()) };
        let rest = letters.as_str();
        if let Some(value) = rest.strip_prefix('=') {
            let flag = self.short(first)?;
            return self.take(flag, Some(value), true);
        }
        // Its value may follow at once: `-n10`.
        if let Ok(flag) = self.short(first)
            && flag.takes != Takes::Nothing
            && !rest.is_empty()
        {
            return self.take(flag, Some(rest), true);
        }
        let mut letters = word[1..].chars();
        while let Some(letter) = letters.next() {
            let flag = self.short(letter)?;
            self.take(flag, None, letters.as_str().is_empty())?;
        }
        Ok(())
    }

    fn short(&self, letter: char) -> Result<Flag, Wrong> {
        self.flag(&letter.to_string(), |flag| flag.short == Some(letter))
    }

    fn flag(&self, name: &str, is_it: impl Fn(&Flag) -> bool) -> Result<Flag, Wrong> {
        let mut all = self.flags.iter().chain([&HELP]);
        let found = all.find(|flag| is_it(flag)).filter(|_| !name.is_empty());
        found.copied().ok_or_else(|| Wrong::Said(format!("unknown flag `{name}'")))
    }

    /// Notes a flag with its value: what is given, or, if it may, the next word.
    fn take(&mut self, flag: Flag, value: Option<&str>, may_take_next: bool) -> Result<(), Wrong> {
        let shown = flag.shown();
        let said = |text: String| Err(Wrong::Said(text));
        let value = match (flag.takes, value) {
            (Takes::Missing, _) => {
                return said(format!("the local Juju's pebble has no flag `{shown}' of `{}'", self.command));
            }
            (Takes::Nothing, Some(_)) => {
                return said(format!("bool flag `{shown}' cannot have an argument"));
            }
            (Takes::Nothing, None) => None,
            (_, Some(value)) => Some(value.to_owned()),
            (takes, None) => {
                let Some(next) = self.words.next().filter(|_| may_take_next) else {
                    return said(format!("expected argument for flag `{shown}'"));
                };
                let is_number = next.starts_with('-') && next[1..].starts_with(|c: char| c.is_ascii_digit());
                if is_option(next) && !(takes.has_sign() && is_number) {
                    return said(format!("expected argument for flag `{shown}', but got option `{next}'"));
                }
                if next == "--" {
                    return said(format!("expected argument for flag `{shown}', but got double dash `--'"));
                }
                Some(next.clone())
            }
        };
        if let (Some(text), Some(kind)) = (&value, flag.takes.name())
            && let Some(why) = flag.takes.complaint(text)
        {
            return said(format!("invalid argument for flag `{shown}' (expected {kind}): {why}"));
        }
        self.options.push((flag.name(), value));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<Words, String> {
        let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
        Words::read(&words[0], &words[1..]).map_err(|wrong| match wrong {
            Wrong::Said(why) => why,
            Wrong::Code(code) => code.to_string(),
        })
    }

    #[test]
    fn words_and_options_are_told_apart() {
        let words = read("notices a --abs-time x=1 --key=b --key c --type t").unwrap();
        assert_eq!(words.positional, ["a", "x=1"]);
        assert_eq!((words.value("type"), words.value("key")), (Some("t"), Some("c")));
        assert_eq!(words.values("key").collect::<Vec<_>>(), ["b", "c"]);
        assert!(words.is_set("abs-time") && !words.is_set("no-wait"));
        assert_eq!(read("notices -- --key").unwrap().positional, ["--key"]);
        assert_eq!(read("ls - ---x").unwrap().positional, ["-", "---x"]);
        // The words of another program are its own.
        let words = read("exec -t --user a ls --user -- -l").unwrap();
        assert_eq!(words.positional, ["ls", "--user", "--", "-l"]);
        assert_eq!(words.value("user"), Some("a"));
        assert_eq!(read("exec -- ls --").unwrap().positional, ["ls", "--"]);
        assert_eq!(read("exec - -t").unwrap().positional, ["-", "-t"]);
    }

    #[test]
    fn short_options_may_be_written_together() {
        let check = |line: &str, expected: &[(&str, Option<&str>)]| {
            let options = read(line).unwrap().options;
            let options: Vec<(&str, Option<&str>)> =
                options.iter().map(|(name, value)| (name.as_str(), value.as_deref())).collect();
            assert_eq!(options, expected, "{line}");
        };
        check("exec -it ls", &[("i", None), ("t", None)]);
        check("ls -ld /", &[("l", None), ("d", None)]);
        check("logs -n10", &[("n", Some("10"))]);
        check("logs -n=10 -f", &[("n", Some("10")), ("follow", None)]);
        check("logs -fn 10", &[("follow", None), ("n", Some("10"))]);
        check("mkdir -pm 755 /a", &[("p", None), ("m", Some("755"))]);
        check("mkdir -mp /a", &[("m", Some("p"))]);
        check("push --uid -1 a b", &[("uid", Some("-1"))]);
        check("exec --timeout -1s ls", &[("timeout", Some("-1s"))]);
    }

    #[test]
    fn what_pebble_refuses_is_refused() {
        let check = |line: &str, expected: &str| assert_eq!(read(line).unwrap_err(), expected, "{line}");
        check("ls -x", "unknown flag `x'");
        check("ls -lx", "unknown flag `x'");
        check("ls --long", "unknown flag `long'");
        check("ls --l", "unknown flag `l'");
        check("ls --=a", "unknown flag `'");
        check("ls -l=1", "bool flag `-l' cannot have an argument");
        check("logs --follow=yes", "bool flag `-f, --follow' cannot have an argument");
        check("mkdir -pm755 /a", "expected argument for flag `-m'");
        check("notices --key", "expected argument for flag `--key'");
        check("notices --key --type", "expected argument for flag `--key', but got option `--type'");
        check("notices --key --", "expected argument for flag `--key', but got double dash `--'");
        let invalid = |flag: &str, kind: &str, why: &str| {
            format!("invalid argument for flag `{flag}' (expected {kind}): {why}")
        };
        let why = "strconv.ParseInt: parsing \"root\": invalid syntax";
        check("mkdir --uid root /a", &invalid("--uid", "*int", why));
        let why = "strconv.ParseInt: parsing \"99999999999999999999\": value out of range";
        check("exec --gid=99999999999999999999 ls", &invalid("--gid", "*int", why));
        let why = "strconv.ParseUint: parsing \"-1\": invalid syntax";
        check("notices --uid=-1", &invalid("--uid", "*uint32", why));
        let why = "time: invalid duration \"soon\"";
        check("exec --timeout soon ls", &invalid("--timeout", "time.Duration", why));
        check("ls -h", "the local Juju's pebble has no flag `-h, --help' of `ls'");
        check("services --format json", "the local Juju's pebble has no flag `--format' of `services'");
        check("nothing", "the local Juju's pebble has no command `nothing'");
    }
}
