//! Options and arguments, as Juju's tools read them (the rules of Go's gnuflag).
//!
//! Options may stand before, between and behind arguments; `--` ends them. A value follows
//! in the same argument (`--relation=3`, `-r3`) or in the next one.

use super::failure::{Attempt, Failure, quoted, quoted_list};

/// An option that a tool has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Flag {
    /// Its names, without dashes. The first is what it is called in code.
    pub(crate) names: &'static [&'static str],
    /// Whether a value belongs to it; otherwise it is true, or what follows `=`.
    pub(crate) takes_value: bool,
    /// What it is for, for `--help`.
    pub(crate) purpose: &'static str,
}

impl Flag {
    pub(crate) const fn value(names: &'static [&'static str], purpose: &'static str) -> Self {
        Self { names, takes_value: true, purpose }
    }

    pub(crate) const fn switch(names: &'static [&'static str], purpose: &'static str) -> Self {
        Self { names, takes_value: false, purpose }
    }
}

/// An option as it was given.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Given {
    /// The first of its names.
    name: &'static str,
    /// As it was spelt: `-r`, `--relation`.
    spelling: String,
    value: String,
}

/// What was given to a tool.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Arguments {
    options: Vec<Given>,
    /// The arguments that are no options.
    pub(crate) positional: Vec<String>,
    /// Whether the tool was only asked what it does.
    pub(crate) is_help: bool,
}

impl Arguments {
    /// Reads what follows the name of a tool.
    pub(crate) fn parse(flags: &[Flag], arguments: &[String]) -> Attempt<Self> {
        let mut parsed = Self::default();
        let mut rest = arguments.iter();
        while let Some(argument) = rest.next() {
            if argument == "--" {
                parsed.positional.extend(rest.by_ref().cloned());
            } else if let Some(long) = argument.strip_prefix("--") {
                let (name, value) = match long.split_once('=') {
                    Some((name, value)) => (name, Some(value.to_owned())),
                    None => (long, None),
                };
                parsed.option(flags, name, value, &mut rest)?;
            } else if argument.len() > 1 && argument.starts_with('-') {
                parsed.short_options(flags, &argument[1..], &mut rest)?;
            } else {
                parsed.positional.push(argument.clone());
            }
            if parsed.is_help {
                break;
            }
        }
        Ok(parsed)
    }

    fn short_options<'a>(
        &mut self,
        flags: &[Flag],
        letters: &str,
        rest: &mut impl Iterator<Item = &'a String>,
    ) -> Attempt<()> {
        let mut letters = letters.chars();
        while let Some(letter) = letters.next() {
            let name = letter.to_string();
            let takes_value = find(flags, &name).is_some_and(|flag| flag.takes_value);
            let attached = Some(letters.as_str().to_owned()).filter(|text| takes_value && !text.is_empty());
            let is_last = attached.is_some();
            self.option(flags, &name, attached, rest)?;
            if is_last || self.is_help {
                break;
            }
        }
        Ok(())
    }

    fn option<'a>(
        &mut self,
        flags: &[Flag],
        name: &str,
        value: Option<String>,
        rest: &mut impl Iterator<Item = &'a String>,
    ) -> Attempt<()> {
        let spelling = if name.chars().count() == 1 { format!("-{name}") } else { format!("--{name}") };
        let Some(flag) = find(flags, name) else {
            if name == "help" || name == "h" {
                self.is_help = true;
                return Ok(());
            }
            return Err(Failure::usage(format!("option provided but not defined: {spelling}")));
        };
        let value = match (flag.takes_value, value) {
            (_, Some(value)) => value,
            (false, None) => "true".to_owned(),
            (true, None) => rest
                .next()
                .cloned()
                .ok_or_else(|| Failure::usage(format!("option needs an argument: {spelling}")))?,
        };
        if !flag.takes_value && parse_bool(&value).is_none() {
            return Err(Failure::usage(format!(
                "invalid boolean value {} for option {spelling}: strconv.ParseBool: parsing {}: invalid syntax",
                quoted(&value),
                quoted(&value)
            )));
        }
        self.options.push(Given { name: flag.names[0], spelling, value });
        Ok(())
    }

    /// Returns the value of an option; of several, the last one.
    pub(crate) fn value(&self, name: &str) -> Option<&str> {
        self.options.iter().rev().find(|given| given.name == name).map(|given| given.value.as_str())
    }

    /// Returns the value of an option, unless it is empty, which Juju does not tell from absent.
    pub(crate) fn text(&self, name: &str) -> Option<String> {
        self.value(name).filter(|value| !value.is_empty()).map(str::to_owned)
    }

    /// Whether an option is on.
    pub(crate) fn is_on(&self, name: &str) -> bool {
        self.value(name).and_then(parse_bool).unwrap_or(false)
    }

    /// Reads the value of an option, and says of a bad one what is wrong with it.
    pub(crate) fn read<T>(
        &self,
        name: &str,
        mut read: impl FnMut(&str) -> Result<T, String>,
    ) -> Attempt<Option<T>> {
        let mut last = None;
        for given in self.options.iter().filter(|given| given.name == name) {
            let value = read(&given.value).map_err(|reason| {
                Failure::usage(format!(
                    "invalid value {} for option {}: {reason}",
                    quoted(&given.value),
                    given.spelling
                ))
            })?;
            last = Some(value);
        }
        Ok(last)
    }

    /// Takes the next argument that is no option.
    pub(crate) fn next(&mut self) -> Option<String> {
        (!self.positional.is_empty()).then(|| self.positional.remove(0))
    }

    /// Says that there is an argument too many, if there is.
    pub(crate) fn end(&self) -> Attempt<()> {
        if self.positional.is_empty() {
            return Ok(());
        }
        Err(Failure::usage(format!("unrecognized args: {}", quoted_list(&self.positional))))
    }
}

fn find<'a>(flags: &'a [Flag], name: &str) -> Option<&'a Flag> {
    flags.iter().find(|flag| flag.names.contains(&name))
}

/// Reads what Go reads as true and false.
fn parse_bool(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "TRUE" | "true" | "True" => Some(true),
        "0" | "f" | "F" | "FALSE" | "false" | "False" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const FLAGS: [Flag; 3] = [
        Flag::value(&["r", "relation"], "a relation"),
        Flag::switch(&["app"], "the application"),
        Flag::switch(&["a"], "all"),
    ];

    fn parse(arguments: &[&str]) -> Attempt<Arguments> {
        let arguments: Vec<String> = arguments.iter().map(|&argument| argument.to_owned()).collect();
        Arguments::parse(&FLAGS, &arguments)
    }

    #[test]
    fn options_are_read_wherever_they_stand() {
        let check =
            |arguments: &[&str], relation: Option<&str>, is_application: bool, positional: &[&str]| {
                let parsed = parse(arguments).unwrap();
                assert_eq!(parsed.value("r"), relation, "{arguments:?}");
                assert_eq!(parsed.is_on("app"), is_application, "{arguments:?}");
                assert_eq!(parsed.positional, positional, "{arguments:?}");
            };
        check(&["-r", "1", "-", "mysql/0"], Some("1"), false, &["-", "mysql/0"]);
        check(&["-", "--relation=db:1", "mysql/0", "--app"], Some("db:1"), true, &["-", "mysql/0"]);
        check(&["-r1", "-a"], Some("1"), false, &[]);
        check(&["-ar", "1"], Some("1"), false, &[]);
        check(&["--app=False", "--", "--app"], None, false, &["--app"]);
        check(&["-r", "1", "-r", "2"], Some("2"), false, &[]);
    }

    #[test]
    fn what_is_wrong_is_said_as_juju_says_it() {
        let check = |arguments: &[&str], expected: &str| {
            assert_eq!(parse(arguments).unwrap_err(), Failure::usage(expected), "{arguments:?}");
        };
        check(&["--nothing"], "option provided but not defined: --nothing");
        check(&["-x"], "option provided but not defined: -x");
        check(&["--relation"], "option needs an argument: --relation");
        check(
            &["--app=maybe"],
            "invalid boolean value \"maybe\" for option --app: strconv.ParseBool: parsing \"maybe\": invalid syntax",
        );
        let left_over = parse(&["one", "two"]).unwrap().end().unwrap_err();
        assert_eq!(left_over, Failure::usage("unrecognized args: [\"one\" \"two\"]"));
    }

    proptest! {
        #[test]
        fn anything_can_be_given(arguments in proptest::collection::vec("[-a-z=r]{0,6}", 0..6)) {
            let _ = Arguments::parse(&FLAGS, &arguments);
        }

        #[test]
        fn behind_two_dashes_all_is_taken_as_it_is(arguments in proptest::collection::vec(".{0,6}", 0..6)) {
            let mut given = vec!["--".to_owned()];
            given.extend(arguments.iter().cloned());
            prop_assert_eq!(Arguments::parse(&FLAGS, &given).unwrap().positional, arguments);
        }
    }
}
