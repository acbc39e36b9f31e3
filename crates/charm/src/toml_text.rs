//! TOML with positions: reading, and walking through what was read.

use camino::Utf8Path;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::yaml::lower_first;
use crate::{Broken, Place};

/// A parsed TOML text.
pub(crate) struct TomlText<'a> {
    text: &'a str,
    /// The offsets at which lines start.
    line_starts: Vec<usize>,
    root: Spanned<DeTable<'a>>,
}

/// A string or a key that was met on a walk.
pub(crate) struct Visit<'a, 'b> {
    /// The keys that lead here; items of lists have their list's path.
    pub(crate) path: &'b [String],
    /// The string; for an entry of a table that is no string, its source.
    pub(crate) text: &'b str,
    /// The source of the entry: `key = value`.
    pub(crate) source: &'a str,
    /// The line, from 1.
    pub(crate) line: usize,
    /// Whether this is an entry of a table rather than an item of a list.
    pub(crate) is_entry: bool,
}

impl<'a> TomlText<'a> {
    pub(crate) fn parse(file: &Utf8Path, text: &'a str) -> Result<Self, Broken> {
        match DeTable::parse(text) {
            Ok(root) => {
                let starts = text.match_indices('\n').map(|(at, _)| at + 1);
                Ok(Self { text, line_starts: std::iter::once(0).chain(starts).collect(), root })
            }
            Err(error) => {
                let offset = error.span().map_or(0, |span| span.start);
                let place = Place::of_offset(text, offset);
                let message = error.message().lines().collect::<Vec<_>>().join("; ");
                Err(Broken::new(file, text, place, lower_first(&message)))
            }
        }
    }

    /// The value at a path of keys.
    pub(crate) fn get(&self, path: &[&str]) -> Option<&Spanned<DeValue<'a>>> {
        let (last, before) = path.split_last()?;
        let mut table = self.root.get_ref();
        for key in before {
            table = table.get(*key)?.get_ref().as_table()?;
        }
        table.get(*last)
    }

    /// The string at a path of keys.
    pub(crate) fn text_at(&self, path: &[&str]) -> Option<&str> {
        self.get(path)?.get_ref().as_str()
    }

    /// The table at a path of keys.
    pub(crate) fn table_at(&self, path: &[&str]) -> Option<&DeTable<'a>> {
        self.get(path)?.get_ref().as_table()
    }

    fn line_at(&self, offset: usize) -> usize {
        self.line_starts.partition_point(|start| *start <= offset)
    }

    /// The line of a value, from 1.
    pub(crate) fn line_of(&self, value: &Spanned<DeValue<'a>>) -> usize {
        self.line_at(value.span().start)
    }

    /// Visits every entry of every table, and every string in a list.
    pub(crate) fn walk(&self, visit: &mut dyn FnMut(Visit<'a, '_>)) {
        self.walk_table(self.root.get_ref(), &mut Vec::new(), visit);
    }

    fn walk_table(&self, table: &DeTable<'a>, path: &mut Vec<String>, visit: &mut dyn FnMut(Visit<'a, '_>)) {
        for (key, value) in table {
            let start = key.span().start;
            let source = self.text.get(start..value.span().end.max(start)).unwrap_or("");
            let line = self.line_at(start);
            path.push(key.get_ref().to_string());
            let text = value.get_ref().as_str().unwrap_or(source);
            visit(Visit { path, text, source, line, is_entry: true });
            self.walk_value(value, path, visit);
            path.pop();
        }
    }

    fn walk_value(
        &self,
        value: &Spanned<DeValue<'a>>,
        path: &mut Vec<String>,
        visit: &mut dyn FnMut(Visit<'a, '_>),
    ) {
        match value.get_ref() {
            DeValue::Table(table) => self.walk_table(table, path, visit),
            DeValue::Array(items) => {
                for item in items {
                    if let Some(text) = item.get_ref().as_str() {
                        let source = self.text.get(item.span()).unwrap_or("");
                        visit(Visit { path, text, source, line: self.line_of(item), is_entry: false });
                    } else {
                        self.walk_value(item, path, visit);
                    }
                }
            }
            _ => {}
        }
    }
}

/// The strings of a value that is a string or a list of strings.
pub(crate) fn strings(value: &DeValue<'_>) -> Vec<String> {
    match value {
        DeValue::String(text) => vec![text.to_string()],
        DeValue::Array(items) => {
            items.iter().filter_map(|item| item.get_ref().as_str()).map(str::to_owned).collect()
        }
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn deep_nesting_is_refused_or_walked() {
        let texts = [
            format!("a = {}", "[".repeat(20_000)),
            format!("a = {}", "{a = ".repeat(20_000)),
            format!("{}a = 1", "a.".repeat(20_000)),
            format!("[{}a]", "a.".repeat(20_000)),
        ];
        for text in texts {
            if let Ok(toml) = TomlText::parse(Utf8Path::new("f.toml"), &text) {
                toml.walk(&mut |_| {});
            }
        }
    }

    proptest! {
        #[test]
        fn any_text_is_parsed_or_refused(text in any::<String>()) {
            if let Ok(toml) = TomlText::parse(Utf8Path::new("f.toml"), &text) {
                toml.walk(&mut |visit| assert!(visit.line >= 1));
            }
        }
    }
}
