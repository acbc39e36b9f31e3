//! Reads the values of a TOML table and collects what is wrong with them.

use std::ops::Range;

use charmproof_charm::spelling::nearest;
use jiff::civil::Date;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::corpus::problem::{Problem, Severity};

/// Where complaints go.
#[derive(Debug)]
pub(super) struct Report<'a> {
    pub(super) file: &'a str,
    pub(super) text: &'a str,
    pub(super) problems: Vec<Problem>,
    errors: usize,
}

impl<'a> Report<'a> {
    pub(super) fn new(file: &'a str, text: &'a str) -> Self {
        Self { file, text, problems: Vec::new(), errors: 0 }
    }

    pub(super) fn error(&mut self, span: Range<usize>, message: impl Into<String>) {
        self.errors += 1;
        self.add(Severity::Error, span, message);
    }

    pub(super) fn add(&mut self, severity: Severity, span: Range<usize>, message: impl Into<String>) {
        self.problems.push(Problem::at(severity, self.file, self.text, span, message));
    }

    /// Returns how many errors there were so far.
    pub(super) fn errors(&self) -> usize {
        self.errors
    }
}

/// A value and where it is.
#[derive(Clone, Debug)]
pub(super) struct Located<T> {
    pub(super) value: T,
    pub(super) span: Range<usize>,
}

/// A table being read.
#[derive(Debug)]
pub(super) struct Reader<'t, 'i> {
    table: &'t DeTable<'i>,
    /// The place of the table's head.
    pub(super) span: Range<usize>,
}

impl<'t, 'i> Reader<'t, 'i> {
    pub(super) fn new(table: &'t DeTable<'i>, span: Range<usize>) -> Self {
        Self { table, span }
    }

    /// Complains about keys that are not `known`.
    pub(super) fn only(&self, known: &[&str], report: &mut Report<'_>) {
        for key in self.table.keys() {
            let name: &str = key.get_ref();
            if known.contains(&name) {
                continue;
            }
            let near = nearest(name, known.iter().copied())
                .map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
            report.error(key.span(), format!("unknown key `{name}`{near}"));
        }
    }

    pub(super) fn get(&self, key: &str) -> Option<&'t Spanned<DeValue<'i>>> {
        self.table.get(key)
    }

    /// Returns the key's place, for complaints about the pair.
    pub(super) fn key_span(&self, key: &str) -> Range<usize> {
        self.table.get_key_value(key).map_or(self.span.clone(), |(key, _)| key.span())
    }

    /// Returns a text that is not empty and has no control characters.
    pub(super) fn string(&self, key: &str, report: &mut Report<'_>) -> Option<Located<String>> {
        let value = self.get(key)?;
        match value.get_ref() {
            DeValue::String(text) if text.trim().is_empty() => {
                report.error(value.span(), format!("`{key}` is empty"));
                None
            }
            DeValue::String(text) if text.chars().any(char::is_control) => {
                report
                    .error(value.span(), format!("`{key}` cannot contain line breaks or control characters"));
                None
            }
            DeValue::String(text) => Some(Located { value: text.to_string(), span: value.span() }),
            other => {
                wrong_type(key, "a string", other, value.span(), report);
                None
            }
        }
    }

    /// Returns a whole number from 1 up.
    pub(super) fn number(&self, key: &str, report: &mut Report<'_>) -> Option<u64> {
        let value = self.get(key)?;
        let DeValue::Integer(integer) = value.get_ref() else {
            wrong_type(key, "a whole number", value.get_ref(), value.span(), report);
            return None;
        };
        match u64::from_str_radix(integer.as_str(), integer.radix()) {
            Ok(number) if number > 0 => Some(number),
            _ => {
                report.error(value.span(), format!("`{key}` must be a whole number above 0"));
                None
            }
        }
    }

    /// Returns a day, written as a date or as a string.
    pub(super) fn date(&self, key: &str, report: &mut Report<'_>) -> Option<Located<Date>> {
        let value = self.get(key)?;
        let text = match value.get_ref() {
            DeValue::Datetime(date) => date.to_string(),
            DeValue::String(text) => text.to_string(),
            other => {
                wrong_type(key, "a date such as 2027-01-31", other, value.span(), report);
                return None;
            }
        };
        match text.parse() {
            // `parse` would take the day of a time as well; a day is meant.
            Ok(date) if text.len() == 10 => Some(Located { value: date, span: value.span() }),
            _ => {
                report.error(value.span(), format!("`{key}` must be a date such as 2027-01-31"));
                None
            }
        }
    }

    /// Returns a list of texts.
    pub(super) fn strings(&self, key: &str, report: &mut Report<'_>) -> Option<Vec<String>> {
        let value = self.get(key)?;
        let DeValue::Array(items) = value.get_ref() else {
            wrong_type(key, "a list of strings", value.get_ref(), value.span(), report);
            return None;
        };
        let mut strings = Vec::new();
        for item in items {
            match item.get_ref() {
                DeValue::String(text) => strings.push(text.to_string()),
                other => wrong_type(key, "a list of strings", other, item.span(), report),
            }
        }
        Some(strings)
    }
}

/// Complains about a value of the wrong type.
pub(super) fn wrong_type(
    key: &str,
    wanted: &str,
    found: &DeValue<'_>,
    span: Range<usize>,
    report: &mut Report<'_>,
) {
    let found = match found {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a decimal number",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    };
    report.error(span, format!("`{key}` must be {wanted}, not {found}"));
}
