//! Words into flags and positionals, by the rules of `gnuflag`.

use crate::flags::error::FlagError;
use crate::flags::parsed::{GivenFlag, Parsed};
use crate::flags::spec::{CommandSpec, FlagKind, FlagSpec, GLOBAL_FLAGS};
use crate::names::is_storage;
use crate::values::go::{self, quote};
use crate::values::storage::{DeviceConstraints, StorageArgument, StorageConstraints};

/// What has been read of a line of words.
pub(crate) struct Words {
    /// The flags, in order.
    pub(crate) flags: Vec<GivenFlag>,
    /// What is no flag, and what comes after `--`.
    pub(crate) positionals: Vec<String>,
}

/// Reads the words behind a command's name.
pub fn parse(spec: &'static CommandSpec, words: &[String]) -> Result<Parsed, FlagError> {
    let own_flags = spec.all_flags();
    let flags: Vec<FlagSpec> = own_flags.iter().chain(GLOBAL_FLAGS).copied().collect();
    let read = read_words(&flags, spec.formats, spec.flags_are, spec.is_interspersed, words)?;
    let mut parsed = Parsed::new(spec);
    parsed.positionals = read.positionals;
    for given in read.flags {
        if own_flags.iter().any(|flag| flag.names[0] == given.name) {
            parsed.given.push(given);
        } else {
            parsed.global.note(given.name, &given.value);
        }
    }
    Ok(parsed)
}

/// Reads words with a set of flags.
pub(crate) fn read_words(
    flags: &[FlagSpec],
    formats: &[&str],
    flags_are: &'static str,
    is_interspersed: bool,
    words: &[String],
) -> Result<Words, FlagError> {
    let mut reader = Reader {
        flags,
        formats,
        flags_are,
        words: words.iter(),
        read: Words { flags: Vec::new(), positionals: Vec::new() },
    };
    while let Some(word) = reader.words.next() {
        if !word.starts_with('-') || word == "-" {
            reader.read.positionals.push(word.clone());
            if !is_interspersed {
                break;
            }
        } else if word == "--" {
            break;
        } else if let Some(long) = word.strip_prefix("--") {
            reader.read_long(word, long)?;
        } else {
            reader.read_short(&word[1..])?;
        }
    }
    let rest = reader.words.cloned().collect::<Vec<_>>();
    reader.read.positionals.extend(rest);
    Ok(reader.read)
}

struct Reader<'a> {
    flags: &'a [FlagSpec],
    formats: &'a [&'a str],
    flags_are: &'static str,
    words: std::slice::Iter<'a, String>,
    read: Words,
}

impl Reader<'_> {
    fn find(&self, name: &str) -> Result<FlagSpec, FlagError> {
        let found = self.flags.iter().find(|flag| flag.names.contains(&name)).copied();
        found.ok_or_else(|| FlagError::NotDefined {
            flags_are: self.flags_are,
            flag: FlagSpec::with_hyphens(name),
        })
    }

    fn read_long(&mut self, word: &str, long: &str) -> Result<(), FlagError> {
        let (name, attached) = match long.split_once('=') {
            Some(("", _)) => {
                return Err(FlagError::EmptyName { flags_are: self.flags_are, word: word.to_owned() });
            }
            Some((name, value)) => (name, Some(value.to_owned())),
            None => (long, None),
        };
        let flag = self.find(name)?;
        let value = match attached {
            Some(value) => value,
            None if flag.kind.is_switch() => "true".to_owned(),
            None => self.next_value(name)?,
        };
        self.take(flag, name, value)
    }

    /// Reads short flags: switches may share a word, and the rest of the word is the value of a
    /// flag that takes one. An equals sign behind a short flag is part of its value.
    fn read_short(&mut self, letters: &str) -> Result<(), FlagError> {
        let mut rest = letters.chars();
        while let Some(letter) = rest.next() {
            let name = letter.to_string();
            let flag = self.find(&name)?;
            let attached = rest.as_str();
            if flag.kind.is_switch() && !attached.starts_with('=') {
                self.take(flag, &name, "true".to_owned())?;
                continue;
            }
            let value = if attached.is_empty() { self.next_value(&name)? } else { attached.to_owned() };
            return self.take(flag, &name, value);
        }
        Ok(())
    }

    fn next_value(&mut self, name: &str) -> Result<String, FlagError> {
        self.words.next().cloned().ok_or_else(|| FlagError::NeedsArgument {
            flags_are: self.flags_are,
            flag: FlagSpec::with_hyphens(name),
        })
    }

    fn take(&mut self, flag: FlagSpec, name: &str, value: String) -> Result<(), FlagError> {
        let before = self.read.flags.iter().filter(|given| given.name == flag.names[0]);
        let before: Vec<&str> = before.map(|given| given.value.as_str()).collect();
        check_value(flag.kind, &value, &before, self.formats).map_err(|reason| FlagError::InvalidValue {
            flags_are: self.flags_are,
            flag: FlagSpec::with_hyphens(name),
            value: value.clone(),
            reason,
        })?;
        let typed = flag.names.iter().find(|other| **other == name).copied().unwrap_or(flag.names[0]);
        self.read.flags.push(GivenFlag { name: flag.names[0], typed, value });
        Ok(())
    }
}

/// Whether a flag takes the value, after those that it was given before.
fn check_value(kind: FlagKind, value: &str, before: &[&str], formats: &[&str]) -> Result<(), String> {
    match kind {
        FlagKind::Switch | FlagKind::MaybeSwitch => go::parse_bool(value).map(drop),
        FlagKind::Number => go::parse_int(value).map(drop),
        FlagKind::Count => go::parse_uint(value).map(drop),
        FlagKind::Lines => {
            let is_number = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
            let is_fine = is_number && value.parse::<u64>().is_ok();
            if is_fine { Ok(()) } else { Err(format!("invalid value {} for uint flag", quote(value))) }
        }
        FlagKind::Duration => go::parse_duration(value).map(drop),
        FlagKind::Settings if value.is_empty() => Err("empty string not valid".to_owned()),
        FlagKind::Text | FlagKind::Plain | FlagKind::List | FlagKind::Texts | FlagKind::Settings => Ok(()),
        FlagKind::Resources => {
            let (name, _) =
                value.split_once('=').ok_or_else(|| format!("badly formatted name value pair: {value}"))?;
            let is_double = before
                .iter()
                .any(|other| other.split_once('=').is_some_and(|(other_name, _)| other_name == name));
            if is_double { Err(format!("duplicate name specified: {}", quote(name))) } else { Ok(()) }
        }
        FlagKind::Storage { is_for_bundles } => StorageArgument::parse(value, is_for_bundles).map(drop),
        FlagKind::Devices => {
            let (_, constraints) = value
                .split_once('=')
                .ok_or_else(|| "expected [<application>:]<device>=<constraints>".to_owned())?;
            DeviceConstraints::parse(constraints)
                .map(drop)
                .map_err(|reason| format!("cannot parse device constraints: {reason}"))
        }
        FlagKind::StorageIds => {
            let wrong = value.split(',').find(|id| !value.is_empty() && !is_storage(id));
            wrong.map_or(Ok(()), |id| Err(format!("storage ID {} not valid", quote(id))))
        }
        FlagKind::Disks => {
            let wrong = value.split_whitespace().find_map(|field| StorageConstraints::parse(field).err());
            wrong.map_or(Ok(()), |reason| Err(format!("cannot parse disk constraints: {reason}")))
        }
        FlagKind::Format if formats.contains(&value) => Ok(()),
        FlagKind::Format => Err(format!("unknown format {}", quote(value))),
    }
}
