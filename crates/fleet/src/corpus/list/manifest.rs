//! `fleet.toml`: a fleet with teams, groups, limits and exceptions.
//!
//! ```toml
//! schema = 1
//!
//! [defaults]                   # for every entry that says nothing else
//! team = "Data"
//! timeout_s = 900
//!
//! [[charm]]
//! path = "kafka"               # from the directory of this file
//! groups = ["smoke"]
//!
//! [[charm]]
//! repository = "https://github.com/canonical/mysql-operators"
//! branch = "8.4/edge"          # or `ref`, or `commit`
//! root = "kubernetes"          # only this charm of it
//! memory_mib = 8192
//! reason = "its unit tests start 120 workers"
//! expires = 2027-01-31
//! ```
//!
//! Whatever makes an entry different (`skip`, `expected`, a limit) needs a
//! `reason`, and may have a last day. After that day it is ignored, with a
//! warning, so that no exception lives on unseen. A key that is not known is an
//! error: a limit that was misspelt would otherwise never hold.

use std::collections::BTreeMap;

use camino::{Utf8Path, Utf8PathBuf};
use jiff::civil::Date;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use charmproof_charm::spelling::nearest;

use super::entry::{Exceptions, FleetEntry, FleetList, Index, Limits, OUTCOMES, RepositorySource};
use super::parse_subpath;
use super::toml_reader::{Reader, Report, wrong_type};
use crate::corpus::location::{GitRef, GitUrl, Reference};
use crate::corpus::problem::Severity;

const LIMITS: &[&str] = &["timeout_s", "silence_s", "memory_mib", "processes", "log_mib", "disk_mib"];

/// Parses the `text` of the manifest `file`, which lies in `base`.
pub fn parse(text: &str, file: &str, base: &Utf8Path, today: Date) -> FleetList {
    let mut report = Report::new(file, text);
    let mut list = FleetList::default();
    let (root, errors) = DeTable::parse_recoverable(text);
    for error in errors {
        let span = error.span().unwrap_or(0..0);
        // The library's texts end lines where ours do not.
        let message = error.message().lines().collect::<Vec<_>>().join("; ");
        report.error(span, message);
    }
    if report.errors() == 0 {
        read_document(&root, base, today, &mut list, &mut report);
    }
    list.problems = report.problems;
    list
}

fn read_document(
    root: &Spanned<DeTable<'_>>,
    base: &Utf8Path,
    today: Date,
    list: &mut FleetList,
    report: &mut Report<'_>,
) {
    let document = Reader::new(root.get_ref(), 0..0);
    document.only(&["schema", "defaults", "charm"], report);
    match document.number("schema", report) {
        Some(1) => {}
        Some(other) => {
            let message = format!("schema {other} is not known here; this tool reads schema 1");
            report.error(document.key_span("schema"), message);
            return;
        }
        None if document.get("schema").is_none() => {
            report.error(0..0, "`schema = 1` is missing");
        }
        None => {}
    }
    let defaults = match document.get("defaults") {
        Some(value) => match value.get_ref() {
            DeValue::Table(table) => Defaults::read(&Reader::new(table, value.span()), report),
            other => {
                wrong_type("defaults", "a table", other, value.span(), report);
                Defaults::default()
            }
        },
        None => Defaults::default(),
    };
    let Some(charms) = document.get("charm") else {
        let message = "the file lists no `[[charm]]`";
        report.add(Severity::Warning, 0..0, message);
        return;
    };
    let DeValue::Array(charms) = charms.get_ref() else {
        let span = document.key_span("charm");
        wrong_type("charm", "a list of tables, `[[charm]]`", charms.get_ref(), span, report);
        return;
    };
    let mut index = Index::default();
    for charm in charms {
        let DeValue::Table(table) = charm.get_ref() else {
            wrong_type("charm", "a table, `[[charm]]`", charm.get_ref(), charm.span(), report);
            continue;
        };
        let reader = Reader::new(table, charm.span());
        if let Some(entry) = read_charm(&reader, &defaults, base, today, report) {
            let label = entry.label.clone();
            if list.insert(entry, &mut index) {
                let message = format!("`{label}` is listed twice; the two were merged");
                report.add(Severity::Note, reader.span.clone(), message);
            }
        }
    }
}

#[derive(Debug, Default)]
struct Defaults {
    team: Option<String>,
    groups: Vec<String>,
    limits: Limits,
}

impl Defaults {
    fn read(reader: &Reader<'_, '_>, report: &mut Report<'_>) -> Self {
        let known: Vec<&str> = ["team", "groups"].iter().chain(LIMITS).copied().collect();
        reader.only(&known, report);
        Self {
            team: reader.string("team", report).map(|team| team.value),
            groups: reader.strings("groups", report).unwrap_or_default(),
            limits: read_limits(reader, report),
        }
    }
}

fn read_limits(reader: &Reader<'_, '_>, report: &mut Report<'_>) -> Limits {
    Limits {
        timeout_s: reader.number("timeout_s", report),
        silence_s: reader.number("silence_s", report),
        memory_mib: reader.number("memory_mib", report),
        processes: reader.number("processes", report),
        log_mib: reader.number("log_mib", report),
        disk_mib: reader.number("disk_mib", report),
    }
}

fn read_charm(
    reader: &Reader<'_, '_>,
    defaults: &Defaults,
    base: &Utf8Path,
    today: Date,
    report: &mut Report<'_>,
) -> Option<FleetEntry> {
    let errors_before = report.errors();
    let known: Vec<&str> = [
        "path",
        "repository",
        "branch",
        "ref",
        "commit",
        "root",
        "team",
        "groups",
        "skip",
        "expected",
        "reason",
        "expires",
    ]
    .iter()
    .chain(LIMITS)
    .copied()
    .collect();
    reader.only(&known, report);
    let source = read_source(reader, base, report);
    let subpath = reader
        .string("root", report)
        .and_then(|root| parse_subpath(&root.value).map_err(|message| report.error(root.span, message)).ok());
    let team = reader.string("team", report).map(|team| team.value);
    let groups = reader.strings("groups", report);
    let exceptions = read_exceptions(reader, today, report);
    if report.errors() > errors_before {
        return None;
    }
    let subpath = subpath.filter(|path| !path.as_str().is_empty());
    let mut entry = FleetEntry::new(source?, subpath);
    entry.team = team.or_else(|| defaults.team.clone());
    entry.groups = defaults.groups.iter().cloned().collect();
    entry.groups.extend(groups.unwrap_or_default());
    entry.exceptions = exceptions;
    entry.default_limits = defaults.limits;
    Some(entry)
}

fn read_source(
    reader: &Reader<'_, '_>,
    base: &Utf8Path,
    report: &mut Report<'_>,
) -> Option<RepositorySource> {
    let references: Vec<&str> =
        ["branch", "ref", "commit"].into_iter().filter(|key| reader.get(key).is_some()).collect();
    match (reader.get("path"), reader.get("repository")) {
        (None, None) => {
            let message = "the entry needs a `path` or a `repository`";
            report.error(reader.span.clone(), message);
            None
        }
        (Some(_), Some(_)) => {
            let message = "an entry has either a `path` or a `repository`";
            report.error(reader.key_span("repository"), message);
            None
        }
        (Some(_), None) => {
            if let Some(key) = references.first() {
                let message = format!("`{key}` goes with `repository`; a `path` is used as it is");
                report.error(reader.key_span(key), message);
            }
            let path = reader.string("path", report)?;
            Some(RepositorySource::Path(normalise(&base.join(path.value))))
        }
        (None, Some(_)) => {
            let text = reader.string("repository", report)?;
            let url = match GitUrl::parse(&text.value) {
                Ok(url) => url,
                Err(error) => {
                    report.error(text.span, error.to_string());
                    return None;
                }
            };
            if let [first, second, ..] = references[..] {
                let message = format!("`{first}` and `{second}` cannot go together");
                report.error(reader.key_span(second), message);
                return None;
            }
            let reference = match references.first() {
                None => Reference::head(),
                Some(key) => {
                    let text = reader.string(key, report)?;
                    let parsed = match *key {
                        "branch" => Reference::branch(&text.value),
                        "commit" => Reference::commit(&text.value),
                        _ => Reference::parse(&text.value),
                    };
                    match parsed {
                        Ok(reference) => reference,
                        Err(error) => {
                            report.error(text.span, error.to_string());
                            return None;
                        }
                    }
                }
            };
            Some(RepositorySource::Git(GitRef { url, reference }))
        }
    }
}

fn read_exceptions(reader: &Reader<'_, '_>, today: Date, report: &mut Report<'_>) -> Exceptions {
    let limits = read_limits(reader, report);
    let expected = read_expected(reader, report);
    let reason = reader.string("reason", report);
    let expires = reader.date("expires", report);
    // `skip = "why"` carries its own reason.
    let (skips, skip_text) = match reader.get("skip").map(|value| (value.get_ref(), value.span())) {
        None | Some((DeValue::Boolean(false), _)) => (false, None),
        Some((DeValue::Boolean(true), _)) => (true, None),
        Some((DeValue::String(_), _)) => (true, reader.string("skip", report).map(|text| text.value)),
        Some((other, span)) => {
            wrong_type("skip", "true or the reason", other, span, report);
            (false, None)
        }
    };
    let differs = ["expected"].iter().chain(LIMITS).find(|key| reader.get(key).is_some());
    let first = if skips && skip_text.is_none() {
        Some("skip")
    } else if skip_text.is_none() {
        differs.copied()
    } else {
        None
    };
    let missing = reader.get("reason").is_none();
    if let Some(key) = first
        && missing
    {
        let message = format!("`{key}` needs a `reason`");
        report.error(reader.key_span(key), message);
    }
    let nothing = !skips && differs.is_none();
    if nothing && let Some(expires) = &expires {
        let message = "`expires` without anything that could expire";
        report.add(Severity::Warning, expires.span.clone(), message);
    }
    let reason = reason.map(|reason| reason.value).or_else(|| skip_text.clone());
    if let Some(expires) = &expires
        && expires.value < today
        && !nothing
    {
        let message = format!("the exception expired on {} and is ignored", expires.value);
        report.add(Severity::Warning, expires.span.clone(), message);
        return Exceptions::default();
    }
    Exceptions {
        skip: skips.then(|| skip_text.or_else(|| reason.clone()).unwrap_or_default()),
        limits,
        expected,
        reason,
        expires: expires.map(|expires| expires.value),
    }
}

/// Reads `expected = "fail"` or `expected = { unit = "fail" }`.
fn read_expected(reader: &Reader<'_, '_>, report: &mut Report<'_>) -> BTreeMap<String, String> {
    let mut expected = BTreeMap::new();
    let Some(value) = reader.get("expected") else {
        return expected;
    };
    let mut one = |target: &str, value: &Spanned<DeValue<'_>>| match value.get_ref() {
        DeValue::String(outcome) if OUTCOMES.contains(&&**outcome) => {
            expected.insert(target.to_owned(), outcome.to_string());
        }
        DeValue::String(outcome) => {
            let near = nearest(outcome, OUTCOMES.iter().copied()).map_or_else(
                || format!("; the outcomes are {}", OUTCOMES.join(", ")),
                |near| format!("; did you mean `{near}`?"),
            );
            report.error(value.span(), format!("unknown outcome `{outcome}`{near}"));
        }
        other => wrong_type("expected", "an outcome", other, value.span(), report),
    };
    match value.get_ref() {
        DeValue::Table(table) => {
            for (target, value) in table {
                one(target.get_ref(), value);
            }
        }
        _ => one("*", value),
    }
    expected
}

/// Returns `path` without `.` and `..`, by its text alone.
fn normalise(path: &Utf8Path) -> Utf8PathBuf {
    let mut out = Utf8PathBuf::new();
    for part in path.components() {
        match part {
            camino::Utf8Component::CurDir => {}
            camino::Utf8Component::ParentDir if out.file_name().is_some() => {
                out.pop();
            }
            other => out.push(other),
        }
    }
    out
}
