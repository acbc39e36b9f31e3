//! Source trees of swaps, from checkouts and from mirrors.

use camino::{Utf8Path, Utf8PathBuf};

use super::prepare::{SourceTree, Sources};
use super::spec::PackageSource;
use crate::corpus::git::CancelCheck;
use crate::corpus::location::{GitRef, GitUrl, Reference};
use crate::corpus::mirror::{FetchSettings, Mirrors};
use crate::corpus::tree::{Snapshot, TreeReader};
use crate::plan::chain;

/// Opens source trees the way fleets do.
pub struct CorpusSources<'a> {
    /// The mirrors.
    pub mirrors: &'a Mirrors,
    /// Reads trees.
    pub reader: TreeReader<'a>,
    /// Relative paths start here.
    pub working_directory: Utf8PathBuf,
    /// What `~` means.
    pub home: Utf8PathBuf,
    /// Stops fetching.
    pub cancel: CancelCheck<'a>,
}

impl std::fmt::Debug for CorpusSources<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CorpusSources")
            .field("working_directory", &self.working_directory)
            .finish_non_exhaustive()
    }
}

impl CorpusSources<'_> {
    /// Returns a path as typed, made absolute.
    pub fn absolute(&self, path: &Utf8Path) -> Utf8PathBuf {
        match path.strip_prefix("~") {
            Ok(rest) => self.home.join(rest),
            Err(_) => self.working_directory.join(path),
        }
    }

    fn tree(&self, snapshot: Snapshot, label: String) -> SourceTree<'_> {
        let reader = self.reader;
        SourceTree {
            digest: format!("{} {}", snapshot.digest, snapshot.commit.clone().unwrap_or_default()),
            label,
            copy: Box::new(move |dest| {
                reader.materialise(&snapshot, dest).map(|_| ()).map_err(|error| chain(&error))
            }),
        }
    }

    fn local(&self, path: &Utf8Path) -> Result<SourceTree<'_>, String> {
        let absolute = self.absolute(path);
        if !absolute.is_dir() {
            return Err(format!("`{path}` is not a directory"));
        }
        let snapshot = self.reader.directory(&absolute).map_err(|error| chain(&error))?;
        let label = match &snapshot.commit {
            Some(commit) => {
                let changes = if snapshot.dirty { " with changes" } else { "" };
                format!("{path} at {}{changes}", &commit[..commit.len().min(10)])
            }
            None => path.to_string(),
        };
        Ok(self.tree(snapshot, label))
    }

    fn remote(&self, url: &str, reference: Option<&str>) -> Result<SourceTree<'_>, String> {
        let url = GitUrl::parse(url).map_err(|error| error.to_string())?;
        let reference = match reference {
            Some(text) => Reference::parse(text).map_err(|error| error.to_string())?,
            None => Reference::head(),
        };
        let wanted = GitRef { url, reference };
        let settings = FetchSettings::default();
        // Asked first, since only the remote's list can say what was meant instead.
        let resolved = self
            .mirrors
            .resolve_refs(std::slice::from_ref(&wanted), settings, self.cancel)
            .pop()
            .ok_or("nothing was asked")?
            .map_err(|error| error.to_string())?;
        let git_dir = self
            .mirrors
            .pin(&wanted.url, &resolved.commit, settings, self.cancel)
            .map_err(|error| chain(&error))?;
        let snapshot = self.reader.mirror(&git_dir, &resolved.commit).map_err(|error| chain(&error))?;
        let label = format!("{wanted} at {}", &resolved.commit[..resolved.commit.len().min(10)]);
        Ok(self.tree(snapshot, label))
    }
}

impl Sources for CorpusSources<'_> {
    fn open(&self, source: &PackageSource) -> Result<SourceTree<'_>, String> {
        match source {
            PackageSource::Path(path) => self.local(path),
            PackageSource::Git { url, reference, .. } => self.remote(url, reference.as_deref()),
            PackageSource::Index(_) | PackageSource::Wheel(_) => Err("it has no source tree".into()),
        }
    }

    fn file(&self, path: &Utf8Path) -> Utf8PathBuf {
        self.absolute(path)
    }
}
