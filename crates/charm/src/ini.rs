//! The INI dialect of Python's configparser, with positions.

use std::collections::BTreeSet;

use camino::Utf8Path;

use crate::{Broken, Place};

/// A parsed text.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Ini {
    /// The sections, in order. Their names are unique.
    pub(crate) sections: Vec<Section>,
}

/// A section.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Section {
    /// The name, without brackets.
    pub(crate) name: String,
    /// The options, in order. Their keys are unique and in lower case.
    pub(crate) options: Vec<Entry>,
}

/// An option, with the lines of its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    /// The key, in lower case.
    pub(crate) key: String,
    /// The lines of the value that are not empty, with their numbers.
    pub(crate) lines: Vec<(usize, String)>,
}

impl Ini {
    pub(crate) fn section(&self, name: &str) -> Option<&Section> {
        self.sections.iter().find(|section| section.name == name)
    }

    /// Parses as configparser does: what it refuses is refused.
    pub(crate) fn parse(file: &Utf8Path, text: &str) -> Result<Self, Broken> {
        let mut ini = Self::default();
        let mut option_indent: Option<usize> = None;
        let mut section_names = BTreeSet::new();
        let mut keys = BTreeSet::new();
        for (index, raw) in text.trim_start_matches('\u{feff}').lines().enumerate() {
            let number = index + 1;
            let line = raw.trim();
            if line.is_empty() || line.starts_with(['#', ';']) {
                continue;
            }
            let indent = raw.chars().take_while(|character| character.is_whitespace()).count();
            let fault = |message: String| {
                Broken::new(file, text, Place { line: number, column: indent + 1 }, message)
            };
            if option_indent.is_some_and(|option_indent| indent > option_indent)
                && let Some(entry) = ini.sections.last_mut().and_then(|section| section.options.last_mut())
            {
                entry.lines.push((number, line.to_owned()));
                continue;
            }
            if let Some((name, _)) = line.strip_prefix('[').and_then(|rest| rest.rsplit_once(']')) {
                if !section_names.insert(name.to_owned()) {
                    return Err(fault(format!("the section [{name}] is here twice")));
                }
                ini.sections.push(Section { name: name.to_owned(), options: Vec::new() });
                keys.clear();
                option_indent = None;
                continue;
            }
            let Some(section) = ini.sections.last_mut() else {
                return Err(fault("there is no section header before this line".to_owned()));
            };
            let Some((key, value)) = line.split_once(['=', ':']) else {
                return Err(fault("this line is neither `key = value` nor a section".to_owned()));
            };
            let key = key.trim().to_lowercase();
            if !keys.insert(key.clone()) {
                return Err(fault(format!("`{key}` is here twice in [{}]", section.name)));
            }
            let value = value.trim();
            let lines = if value.is_empty() { Vec::new() } else { vec![(number, value.to_owned())] };
            section.options.push(Entry { key, lines });
            option_indent = Some(indent);
        }
        Ok(ini)
    }
}

impl Section {
    /// The first of several spellings of an option that is there.
    pub(crate) fn option(&self, keys: &[&str]) -> Option<&Entry> {
        keys.iter().find_map(|key| self.options.iter().find(|entry| entry.key == *key))
    }
}

impl Entry {
    /// The value as one text, without the comments at ends of lines.
    pub(crate) fn text(&self) -> String {
        let lines: Vec<&str> = self.lines.iter().map(|(_, line)| without_comment(line)).collect();
        lines.join("\n")
    }
}

/// Cuts ` # comment` off.
pub(crate) fn without_comment(line: &str) -> &str {
    match line.find(" #").or_else(|| line.find("\t#")) {
        Some(at) => line[..at].trim_end(),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(text: &str) -> Result<Ini, Broken> {
        Ini::parse(Utf8Path::new("tox.ini"), text)
    }

    #[test]
    fn values_go_on_over_indented_lines() {
        let ini = parse("[tox]\nenvlist =\n    a\n  # note\n\n    b  # why\nx: 1\n").expect("it is INI");
        let section = ini.section("tox").expect("it is there");
        assert_eq!(section.option(&["env_list", "envlist"]).map(Entry::text).as_deref(), Some("a\nb"));
        assert_eq!(section.option(&["x"]).map(|entry| entry.lines.clone()), Some(vec![(7, "1".to_owned())]));
    }

    fn check_broken(text: &str, expected: &str) {
        assert_eq!(parse(text).expect_err(text).to_string(), expected);
    }

    #[test]
    fn what_configparser_refuses_is_refused() {
        check_broken("a = 1\n", "tox.ini:1:1: there is no section header before this line");
        check_broken("[a]\nx\n", "tox.ini:2:1: this line is neither `key = value` nor a section");
        check_broken("[a]\n[a]\n", "tox.ini:2:1: the section [a] is here twice");
        check_broken("[a]\nx = 1\nX = 2\n", "tox.ini:3:1: `x` is here twice in [a]");
    }

    proptest! {
        #[test]
        fn any_text_is_parsed_or_refused(text in any::<String>(), close in "(\\[a\\]|\\[|x=|:|\n| |#|b){0,40}") {
            let _ = parse(&text);
            let _ = parse(&close);
        }
    }
}
