//! Lists in hyrum's CSV: `Team,Repository,Branch (if not the default),Source`.
//!
//! Only `Repository` is required; the order is free and other columns do not
//! matter. Blank lines and lines that begin with `#` are passed over. A row is
//! one line: a quote that is left open spoils its own row and no other.

use std::ops::Range;

use charmproof_charm::spelling::nearest;

use super::entry::{FleetEntry, FleetList, Index, RepositorySource};
use crate::corpus::location::{GitRef, GitUrl, Reference};
use crate::corpus::problem::{Problem, Severity};

/// A field and where it is in the text.
struct Field {
    value: String,
    span: Range<usize>,
}

/// Which columns hold what.
struct Columns {
    repository: usize,
    branch: Option<usize>,
    team: Option<usize>,
}

/// Parses the `text` of the list `file`. With `strict`, a malformed row is an
/// error; without, a warning, and the row is left out.
pub fn parse(text: &str, file: &str, strict: bool) -> FleetList {
    let mut list = FleetList::default();
    let mut index = Index::default();
    let mut columns = None;
    let row_severity = if strict { Severity::Error } else { Severity::Warning };
    let start = if text.starts_with('\u{feff}') { 3 } else { 0 };
    let mut at = start;
    for line in text[start..].split_inclusive('\n') {
        let line_start = at;
        at += line.len();
        let line = line.trim_end_matches(['\n', '\r']);
        if line.trim().is_empty() || line.trim_start().starts_with('#') {
            continue;
        }
        let fields = match split(line, line_start) {
            Ok(fields) => fields,
            Err((span, message)) => {
                list.problems.push(Problem::at(row_severity, file, text, span, message));
                continue;
            }
        };
        let Some(columns) = &columns else {
            match read_header(&fields) {
                Ok(found) => columns = Some(found),
                Err((span, message)) => {
                    list.problems.push(Problem::at(Severity::Error, file, text, span, message));
                    return list;
                }
            }
            continue;
        };
        match read_row(&fields, columns, line_start + line.len()) {
            Ok(entry) => {
                let label = entry.label.clone();
                if list.insert(entry, &mut index) {
                    let span = fields[columns.repository].span.clone();
                    let message = format!("`{label}` is listed twice; the rows were merged");
                    list.problems.push(Problem::at(Severity::Note, file, text, span, message));
                }
            }
            Err((span, message)) => {
                list.problems.push(Problem::at(row_severity, file, text, span, message));
            }
        }
    }
    if columns.is_none() {
        let message = "the list is empty; expected a header with a `Repository` column";
        list.problems.push(Problem::whole(Severity::Error, file, message));
    }
    list
}

type Complaint = (Range<usize>, String);

fn split(line: &str, offset: usize) -> Result<Vec<Field>, Complaint> {
    let mut fields = Vec::new();
    let mut rest = line;
    loop {
        let start = line.len() - rest.len();
        let blank = rest.len() - rest.trim_start_matches([' ', '\t']).len();
        let (value, length) = if let Some(quoted) = rest[blank..].strip_prefix('"') {
            let (value, used) = unquote(quoted).ok_or_else(|| {
                let span = offset + start + blank..offset + line.len();
                (span, "a quote is opened and not closed on this line".to_owned())
            })?;
            let after = &quoted[used..];
            let gap = after.find(',').unwrap_or(after.len());
            if !after[..gap].trim().is_empty() {
                let from = offset + line.len() - after.len();
                return Err((from..from + gap, "text after a closing quote".to_owned()));
            }
            (value, blank + 1 + used + gap)
        } else {
            let length = rest.find(',').unwrap_or(rest.len());
            (rest[..length].trim().to_owned(), length)
        };
        let text = &rest[..length];
        let lead = text.len() - text.trim_start().len();
        let from = offset + start + lead;
        fields.push(Field { value, span: from..from + text.trim().len() });
        match rest[length..].strip_prefix(',') {
            Some(next) => rest = next,
            None => return Ok(fields),
        }
    }
}

/// Returns the text up to the closing quote and how many bytes that took.
fn unquote(text: &str) -> Option<(String, usize)> {
    let mut value = String::new();
    let mut at = 0;
    loop {
        let quote = at + text[at..].find('"')?;
        value.push_str(&text[at..quote]);
        if text[quote + 1..].starts_with('"') {
            value.push('"');
            at = quote + 2;
        } else {
            return Some((value, quote + 1));
        }
    }
}

fn read_header(fields: &[Field]) -> Result<Columns, Complaint> {
    let find = |wanted: &str| {
        fields.iter().position(|field| {
            // `Branch (if not the default)` is hyrum's name for `Branch`.
            let name = field.value.split('(').next().unwrap_or("").trim();
            name.eq_ignore_ascii_case(wanted)
        })
    };
    if let Some(repository) = find("Repository") {
        return Ok(Columns { repository, branch: find("Branch"), team: find("Team") });
    }
    let whole = fields[0].span.start..fields[fields.len() - 1].span.end;
    if let Some(url) = fields.iter().find(|field| GitUrl::parse(&field.value).is_ok()) {
        let message = "there is no header; begin the list with `Team,Repository,Branch`";
        return Err((url.span.clone(), message.to_owned()));
    }
    let near = fields.iter().find(|field| nearest(&field.value, ["Repository"]).is_some());
    match near {
        Some(field) => {
            Err((field.span.clone(), format!("unknown column `{}`; did you mean `Repository`?", field.value)))
        }
        None => Err((whole, "the header has no `Repository` column".to_owned())),
    }
}

fn read_row(fields: &[Field], columns: &Columns, end: usize) -> Result<FleetEntry, Complaint> {
    let repository =
        fields.get(columns.repository).filter(|field| !field.value.is_empty()).ok_or_else(|| {
            let span = fields.get(columns.repository).map_or(end..end, |field| field.span.clone());
            (span, "the row has no repository".to_owned())
        })?;
    let url =
        GitUrl::parse(&repository.value).map_err(|error| (repository.span.clone(), error.to_string()))?;
    let branch = columns.branch.and_then(|column| fields.get(column)).filter(|field| !field.value.is_empty());
    let reference = match branch {
        Some(field) => {
            Reference::branch(&field.value).map_err(|error| (field.span.clone(), error.to_string()))?
        }
        None => Reference::head(),
    };
    let mut entry = FleetEntry::new(RepositorySource::Git(GitRef { url, reference }), None);
    entry.team = columns
        .team
        .and_then(|column| fields.get(column))
        .map(|field| field.value.clone())
        .filter(|team| !team.is_empty());
    Ok(entry)
}
