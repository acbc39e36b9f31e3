//! What a user can name as a fleet, and what comes of it.
//!
//! | given | becomes |
//! |---|---|
//! | a charm directory, a git checkout | one entry |
//! | a directory of checkouts, `<leaf>` or `<owner>/<leaf>` | one entry each |
//! | a directory with a `fleet.toml` | what that file lists |
//! | a git URL, with `@ref` and `#subdirectory=dir` if wanted | one entry |
//! | a CSV with hyrum's columns | one entry per row ([`csv`]) |
//! | a `fleet.toml` | one entry per `[[charm]]` ([`manifest`]) |
//!
//! Parsers are pure: text in, value out, today's date among the arguments. Only
//! [`load`] and [`directory`] look at the disk. Nothing here fails: what is
//! wrong is a [`Problem`] in the result.

pub mod csv;
pub mod directory;
mod entry;
pub mod manifest;
mod select;
#[cfg(test)]
mod tests;
mod toml_reader;

use camino::{Utf8Path, Utf8PathBuf};
use jiff::civil::Date;

pub use entry::{Exceptions, FleetEntry, FleetList, Limits, OUTCOMES, RepositorySource};
pub use select::{Selected, Selection, select};

use super::location::{GitRef, GitUrl, Reference, ReferenceError, UrlError};
use super::problem::{Problem, Severity};

/// What reading a list depends on besides its text.
#[derive(Clone, Debug)]
pub struct LoadContext {
    /// Relative paths start here.
    pub cwd: Utf8PathBuf,
    /// Exceptions that expired before this day are ignored.
    pub today: Date,
    /// Whether a malformed row is an error and not a warning.
    pub strict: bool,
}

/// Returns the fleet that `names` stand for, in their order, duplicates merged.
pub fn load(names: &[String], context: &LoadContext) -> FleetList {
    let mut list = FleetList::default();
    for name in names {
        list.append(load_one(name, context));
    }
    list.finish();
    list
}

fn load_one(name: &str, context: &LoadContext) -> FleetList {
    let path = context.cwd.join(name);
    if path.is_dir() {
        let manifest = path.join("fleet.toml");
        return if manifest.is_file() {
            let shown = Utf8Path::new(name).join("fleet.toml");
            load_file(shown.as_str(), &manifest, context)
        } else {
            directory::scan(&path, name)
        };
    }
    if path.is_file() {
        return load_file(name, &path, context);
    }
    match parse_git_argument(name) {
        Ok(entry) => FleetList::of(entry),
        Err(why) => {
            let near = suggestion(name);
            let message = format!("neither a file, a directory nor a git URL ({why}){near}");
            FleetList::problem(Problem::whole(Severity::Error, name, message))
        }
    }
}

fn load_file(name: &str, path: &Utf8Path, context: &LoadContext) -> FleetList {
    let text = match fs_err::read_to_string(path) {
        Ok(text) => text,
        Err(error) => {
            let message = match error.kind() {
                std::io::ErrorKind::InvalidData => {
                    "not UTF-8 text; expected a CSV list or a fleet.toml".to_owned()
                }
                _ => error.to_string(),
            };
            return FleetList::problem(Problem::whole(Severity::Error, name, message));
        }
    };
    if path.extension() == Some("toml") {
        let base = path.parent().unwrap_or(Utf8Path::new("."));
        let mut list = manifest::parse(&text, name, base, context.today);
        list.check_paths(name);
        list
    } else {
        csv::parse(&text, name, context.strict)
    }
}

fn suggestion(name: &str) -> String {
    let plain = |part: &str| {
        !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
    };
    match name.split_once('/') {
        Some((owner, leaf)) if plain(owner) && plain(leaf) && !owner.starts_with('.') => {
            format!("; did you mean `https://github.com/{owner}/{leaf}`?")
        }
        _ => String::new(),
    }
}

/// Why an argument is not a git repository.
#[derive(Debug, thiserror::Error)]
enum GitArgumentError {
    #[error(transparent)]
    Url(#[from] UrlError),
    #[error(transparent)]
    Reference(#[from] ReferenceError),
    #[error("{0}")]
    Subpath(String),
}

/// Parses `URL[@ref][#subdirectory=dir]`.
fn parse_git_argument(text: &str) -> Result<FleetEntry, GitArgumentError> {
    let (text, subpath) = match text.split_once('#') {
        Some((before, fragment)) => {
            let dir = fragment.strip_prefix("subdirectory=").ok_or_else(|| {
                GitArgumentError::Subpath(format!("`#{fragment}` is not `#subdirectory=...`"))
            })?;
            (before, Some(parse_subpath(dir).map_err(GitArgumentError::Subpath)?))
        }
        None => (text, None),
    };
    // The `@` of `user@host` comes before the path begins.
    let path_start = match text.find("://") {
        Some(at) => text[at + 3..].find('/').map_or(text.len(), |slash| at + 3 + slash),
        None => text.find(':').unwrap_or(text.len()),
    };
    let (url, reference) = match text[path_start..].rfind('@') {
        Some(at) => {
            let at = path_start + at;
            (&text[..at], Reference::parse(&text[at + 1..])?)
        }
        None => (text, Reference::head()),
    };
    let url = GitUrl::parse(url)?;
    Ok(FleetEntry::new(RepositorySource::Git(GitRef { url, reference }), subpath))
}

/// Returns `text` as a path inside a repository.
fn parse_subpath(text: &str) -> Result<Utf8PathBuf, String> {
    let path = Utf8Path::new(text);
    if text.chars().any(char::is_control) {
        return Err("a path cannot contain line breaks or control characters".to_owned());
    }
    let inside = path
        .components()
        .all(|part| matches!(part, camino::Utf8Component::Normal(_) | camino::Utf8Component::CurDir));
    if !inside {
        return Err(format!("`{text}` leads out of the repository"));
    }
    Ok(path.components().filter(|part| matches!(part, camino::Utf8Component::Normal(_))).collect())
}
