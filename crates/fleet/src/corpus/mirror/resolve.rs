//! Asks remotes which commit a reference is, before anything is fetched.

use std::collections::BTreeMap;

use charmproof_charm::spelling::distance;
use thiserror::Error;

use super::failure::Failure;
use super::{FetchSettings, Mirrors};
use crate::corpus::git::{CancelCheck, Git};
use crate::corpus::location::{GitRef, GitUrl, Reference};

/// A reference and its commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolved {
    /// The commit.
    pub commit: String,
    /// The full name of the ref; `None` for a commit no ref points to, which
    /// the remote was not asked about.
    pub name: Option<String>,
}

/// Why a reference has no commit.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ResolveError {
    /// The remote has no such branch or tag.
    #[error("{url} has no branch, tag or ref `{reference}`{}", did_you_mean(near))]
    NoSuchReference {
        /// The repository.
        url: String,
        /// What was asked for.
        reference: String,
        /// Names of the remote that are like it, best first.
        near: Vec<String>,
    },
    /// It looks like the beginning of a commit id.
    #[error("`{reference}` looks like an abbreviated commit; give all 40 digits")]
    Abbreviated {
        /// What was asked for.
        reference: String,
    },
    /// The remote has no commit at all.
    #[error("{url} is empty")]
    Empty {
        /// The repository.
        url: String,
    },
    /// The remote could not be read.
    #[error("failed to read {url}: {failure}")]
    Remote {
        /// The repository.
        url: String,
        /// Why.
        failure: Failure,
    },
}

fn did_you_mean(near: &[String]) -> String {
    if near.is_empty() {
        return String::new();
    }
    let names: Vec<String> = near.iter().map(|name| format!("`{name}`")).collect();
    format!("; did you mean {}?", names.join(" or "))
}

type Listing = Result<BTreeMap<String, String>, Failure>;

impl Mirrors {
    /// Returns the commit of each of `wanted`, in order. Each repository is
    /// asked once, several at a time.
    pub fn resolve_refs(
        &self,
        wanted: &[GitRef],
        settings: FetchSettings,
        cancel: CancelCheck<'_>,
    ) -> Vec<Result<Resolved, ResolveError>> {
        let mut urls: Vec<&GitUrl> = wanted.iter().map(|source| &source.url).collect();
        urls.sort();
        urls.dedup();
        let jobs = settings.jobs.clamp(1, urls.len().max(1));
        let listings: BTreeMap<&GitUrl, Listing> = std::thread::scope(|scope| {
            let workers: Vec<_> = (0..jobs)
                .map(|first| {
                    let mine: Vec<&GitUrl> = urls.iter().copied().skip(first).step_by(jobs).collect();
                    scope.spawn(move || {
                        mine.into_iter()
                            .map(|url| (url, list_remote(&self.git, &self.root, url, settings, cancel)))
                            .collect::<Vec<_>>()
                    })
                })
                .collect();
            workers.into_iter().flat_map(|worker| worker.join().unwrap_or_default()).collect()
        });
        wanted
            .iter()
            .map(|source| match listings.get(&source.url) {
                Some(Ok(refs)) => resolve(source, refs),
                Some(Err(failure)) => {
                    Err(ResolveError::Remote { url: source.url.to_string(), failure: failure.clone() })
                }
                None => {
                    Err(ResolveError::Remote { url: source.url.to_string(), failure: Failure::cancelled() })
                }
            })
            .collect()
    }
}

fn list_remote(
    git: &Git,
    cwd: &camino::Utf8Path,
    url: &GitUrl,
    settings: FetchSettings,
    cancel: CancelCheck<'_>,
) -> Listing {
    let bytes = git
        .network(cwd)
        .args(["ls-remote", "--quiet", "--end-of-options"])
        .arg(url.as_str())
        .timeout(settings.timeout)
        .read_until(cancel)
        .map_err(|error| Failure::from_git(&error, url))?;
    Ok(String::from_utf8_lossy(&bytes)
        .lines()
        .filter_map(|line| line.split_once('\t'))
        .map(|(commit, name)| (name.to_owned(), commit.to_owned()))
        .collect())
}

fn resolve(source: &GitRef, refs: &BTreeMap<String, String>) -> Result<Resolved, ResolveError> {
    if let Some(commit) = source.reference.commit_id() {
        let name = refs
            .iter()
            .find(|(name, id)| *id == commit && name.as_str() != "HEAD")
            .map(|(name, _)| name.clone());
        return Ok(Resolved { commit: commit.to_owned(), name });
    }
    let wanted = source.reference.as_str();
    // git's own order, so that a fetch of the same text takes the same commit.
    let found = ["", "refs/", "refs/tags/", "refs/heads/"]
        .iter()
        .map(|prefix| format!("{prefix}{wanted}"))
        .find_map(|name| {
            // An annotated tag is listed a second time with its commit.
            let commit = refs.get(&format!("{name}^{{}}")).or(refs.get(&name))?;
            Some(Resolved { commit: commit.clone(), name: Some(name) })
        });
    if let Some(found) = found {
        return Ok(found);
    }
    if refs.is_empty() || source.reference.is_head() {
        return Err(ResolveError::Empty { url: source.url.to_string() });
    }
    let near = near_names(&source.reference, refs);
    let hexadecimal = wanted.len() >= 7 && wanted.bytes().all(|byte| byte.is_ascii_hexdigit());
    if near.is_empty() && hexadecimal {
        return Err(ResolveError::Abbreviated { reference: wanted.to_owned() });
    }
    Err(ResolveError::NoSuchReference {
        url: source.url.to_string(),
        reference: source.reference.to_string(),
        near,
    })
}

/// Returns up to three branches or tags that are like `reference`.
fn near_names(reference: &Reference, refs: &BTreeMap<String, String>) -> Vec<String> {
    let wanted = reference.to_string();
    let mut names: Vec<(usize, &str)> = refs
        .keys()
        .filter_map(|name| name.strip_prefix("refs/heads/").or_else(|| name.strip_prefix("refs/tags/")))
        .filter(|name| !name.ends_with("^{}"))
        .filter_map(|name| {
            let distance = distance(&wanted, name);
            let length = wanted.chars().count().max(name.chars().count());
            // `fix-x` for `feature/fix-x` counts as near, too.
            let part = wanted.len() >= 4 && name.contains(&wanted);
            (distance <= (length / 3).max(1) || part).then_some((distance, name))
        })
        .collect();
    names.sort_unstable();
    names.dedup();
    names.into_iter().take(3).map(|(_, name)| name.to_owned()).collect()
}
