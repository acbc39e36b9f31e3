//! From a fleet to a plan: which charms, at which commits, with which files.
//!
//! Everything that can be known before anything runs is found out here: repositories
//! that cannot be had, charms that are left out and why, libraries that are missing.

use std::collections::BTreeMap;

use camino::{Utf8Path, Utf8PathBuf};
use charmproof_charm::Tree;
use charmproof_charm::discover::discover;
use charmproof_charm::library::{LibraryIndex, Provider};
use charmproof_store::event::{SubjectId, SubjectRecord};

use crate::corpus::git::Git;
use crate::corpus::list::{FleetEntry, RepositorySource};
use crate::corpus::mirror::Mirrors;
use crate::corpus::tree::{Scope, Snapshot, TreeReader};
use crate::provision::charmhub::LibrarySource;
use crate::provision::libraries::{FleetReader, LibraryProvider};
use crate::run::subject::{SnapshotTree, Subject, SubjectSource, facts};

/// The charms of a fleet.
#[derive(Debug, Default)]
pub struct Planned {
    /// The charms that are run.
    pub subjects: Vec<Subject>,
    /// All charms for the log, those left out included, by name.
    pub records: Vec<SubjectRecord>,
    /// Repositories that could not be had, with the reason.
    pub missing: BTreeMap<String, String>,
    /// What the user should know, each with the name of the charm or repository.
    pub warnings: Vec<(String, String)>,
}

/// What planning needs.
#[derive(Debug)]
pub struct PlanContext<'a> {
    /// The mirrors.
    pub mirrors: &'a Mirrors,
    /// Reads trees.
    pub reader: TreeReader<'a>,
    /// Commits to use instead of a branch's newest, by repository URL.
    pub pins: &'a BTreeMap<String, String>,
    /// The cache, where digests of checkouts are remembered.
    pub cache: &'a Utf8Path,
    /// Where libraries from Charmhub are kept.
    pub library_cache: Utf8PathBuf,
}

/// Finds the charms of `entries`, in the order of their names.
pub fn plan(
    entries: &[&FleetEntry],
    context: &PlanContext<'_>,
    charmhub: Option<Box<dyn LibrarySource>>,
) -> Planned {
    let mut planned = Planned::default();
    let mut index = LibraryIndex::default();
    let mut sources: BTreeMap<String, SubjectSource> = BTreeMap::new();
    for entry in entries {
        match open(entry, context) {
            Ok((source, snapshot, subpath)) => {
                sources.insert(entry.label.clone(), source.clone());
                add(entry, subpath.as_deref(), &source, &snapshot, &mut index, &mut planned);
            }
            Err(why) => {
                planned.missing.insert(entry.label.clone(), why);
            }
        }
    }
    provide_libraries(&mut planned, index, sources, context, charmhub);
    planned.subjects.sort_by(|a, b| a.record.id.cmp(&b.record.id));
    planned.records.sort_by(|a, b| a.id.cmp(&b.id));
    planned
}

/// Opens an entry: where its files come from, its files, and the folder in them that
/// the entry means.
fn open(
    entry: &FleetEntry,
    context: &PlanContext<'_>,
) -> Result<(SubjectSource, Snapshot, Option<Utf8PathBuf>), String> {
    let source = match &entry.source {
        RepositorySource::Path(path) => return open_folder(entry, path, context),
        RepositorySource::Git(reference) => {
            let commit = match context.pins.get(&reference.url.to_string()) {
                Some(commit) => commit.clone(),
                None => context.mirrors.commit(reference).ok_or_else(|| {
                    "it has not been fetched; run `charmproof fleet fetch` with the same fleet".to_string()
                })?,
            };
            SubjectSource::Mirror { git_dir: context.mirrors.path(&reference.url), commit }
        }
    };
    let snapshot = source.snapshot(&context.reader).map_err(|error| chain(&error))?;
    Ok((source, snapshot, entry.subpath.clone()))
}

/// Opens a folder of the user's, and as much around it as its charms refer to.
fn open_folder(
    entry: &FleetEntry,
    path: &Utf8Path,
    context: &PlanContext<'_>,
) -> Result<(SubjectSource, Snapshot, Option<Utf8PathBuf>), String> {
    let snapshot = context.reader.directory(path).map_err(|error| chain(&error))?;
    let charms: Vec<Utf8PathBuf> =
        discover(&SnapshotTree::new(&snapshot)).roots.into_iter().map(|root| root.path).collect();
    let scope = Scope::find(path, &charms).map_err(|error| error.to_string())?;
    if scope.subpath.as_str().is_empty() {
        return Ok((SubjectSource::Folder(path.to_path_buf()), snapshot, entry.subpath.clone()));
    }
    let snapshot = context.reader.directory(&scope.root).map_err(|error| chain(&error))?;
    let subpath =
        entry.subpath.as_ref().map_or_else(|| scope.subpath.clone(), |below| scope.subpath.join(below));
    Ok((SubjectSource::Folder(scope.root), snapshot, Some(subpath)))
}

fn add(
    entry: &FleetEntry,
    subpath: Option<&Utf8Path>,
    source: &SubjectSource,
    snapshot: &Snapshot,
    index: &mut LibraryIndex,
    planned: &mut Planned,
) {
    let tree = SnapshotTree::new(snapshot);
    let mut discovery = discover(&tree);
    if let Some(subpath) = subpath {
        discovery.roots.retain(|root| root.path.starts_with(subpath));
    }
    for note in &snapshot.notes {
        planned.warnings.push((entry.label.clone(), note.clone()));
    }
    if discovery.roots.is_empty() {
        planned.missing.insert(entry.label.clone(), "there is no charm in it".into());
        return;
    }
    let commit =
        snapshot.commit.clone().map(|commit| if snapshot.dirty { format!("{commit}+") } else { commit });
    for root in discovery.roots {
        // The part of the label that names this root may already be in it.
        let below = subpath
            .map_or(root.path.as_path(), |subpath| root.path.strip_prefix(subpath).unwrap_or(&root.path));
        let id =
            if below.as_str().is_empty() { entry.label.clone() } else { format!("{}/{below}", entry.label) };
        let filtered =
            entry.exceptions.skip.clone().or_else(|| root.kind.skip_reason().map(ToString::to_string));
        let record = SubjectRecord {
            id: SubjectId(id),
            charm: root.name.as_ref().map(ToString::to_string),
            repository: match &entry.source {
                RepositorySource::Path(path) => path.to_string(),
                RepositorySource::Git(reference) => reference.url.to_string(),
            },
            commit: commit.clone(),
            tree: snapshot.digest.to_string(),
            root: root.path.clone(),
            team: entry.team.clone(),
            groups: entry.groups.iter().cloned().collect(),
            filtered: filtered.clone(),
        };
        planned.records.push(record.clone());
        let facts = facts(&tree, &root.path);
        let subtree = charmproof_charm::Subtree::new(&tree, &root.path);
        index.add_charm(&subtree, &entry.label, &root.path, &facts.metadata);
        if filtered.is_none() {
            planned.subjects.push(Subject {
                record,
                source: source.clone(),
                limits: entry.exceptions.limits,
                default_limits: entry.default_limits,
                expected: entry.exceptions.expected.clone(),
                facts,
                libraries: Vec::new(),
            });
        }
    }
}

/// Reads libraries out of the fleet's own charms.
#[derive(Debug)]
struct FleetLibraries {
    git: Git,
    cache: Utf8PathBuf,
    sources: BTreeMap<String, SubjectSource>,
}

impl FleetReader for FleetLibraries {
    fn read(&self, charm: &Provider, path: &Utf8Path) -> std::io::Result<String> {
        let missing = || std::io::Error::other(format!("{} has no `{path}`", charm.repository));
        let source = self.sources.get(&charm.repository).ok_or_else(missing)?;
        let reader = TreeReader::new(&self.git, Some(&self.cache));
        let snapshot = source.snapshot(&reader).map_err(std::io::Error::other)?;
        SnapshotTree::new(&snapshot).read(&charm.charm_root.join(path)).ok_or_else(missing)
    }
}

fn provide_libraries(
    planned: &mut Planned,
    index: LibraryIndex,
    sources: BTreeMap<String, SubjectSource>,
    context: &PlanContext<'_>,
    charmhub: Option<Box<dyn LibrarySource>>,
) {
    let all: Vec<_> =
        planned.subjects.iter().flat_map(|s| s.facts.missing_libraries.iter().cloned()).collect();
    if all.is_empty() {
        return;
    }
    let reader = FleetLibraries { git: Git::from_process(), cache: context.cache.to_path_buf(), sources };
    let provider = LibraryProvider::new(context.library_cache.clone(), charmhub, index, Box::new(reader));
    // One question for the whole fleet; each charm's own is answered from memory.
    provider.provide(&all);
    for subject in &mut planned.subjects {
        if subject.facts.missing_libraries.is_empty() {
            continue;
        }
        let provision = provider.provide(&subject.facts.missing_libraries);
        for missing in &provision.not_provided {
            planned.warnings.push((subject.record.id.0.clone(), missing.to_string()));
        }
        subject.libraries = provision.provided;
    }
}

/// Splits subjects over shards by what they are expected to cost, and returns those
/// of shard `number` (from 1) of `count`.
pub fn shard<'a>(costs: &[(&'a SubjectId, u64)], number: usize, count: usize) -> Vec<&'a SubjectId> {
    let mut ordered: Vec<&(&SubjectId, u64)> = costs.iter().collect();
    ordered.sort_by_key(|(id, cost)| (std::cmp::Reverse(*cost), (*id).clone()));
    let mut loads = vec![0_u64; count.max(1)];
    let mut mine = Vec::new();
    for (id, cost) in ordered {
        let lightest = (0..loads.len()).min_by_key(|index| (loads[*index], *index)).unwrap_or(0);
        loads[lightest] += (*cost).max(1);
        if lightest + 1 == number {
            mine.push(*id);
        }
    }
    mine.sort();
    mine
}

/// Returns an error with all its causes on one line.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text.push_str(": ");
        text.push_str(&error.to_string());
        source = error.source();
    }
    text
}

/// The place of a fleet's cache, as commands share it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CachePlaces {
    /// The top.
    pub root: Utf8PathBuf,
}

impl CachePlaces {
    /// The part that suites may write.
    pub fn work(&self) -> Utf8PathBuf {
        self.root.join("work")
    }

    /// Prepared swaps.
    pub fn swaps(&self) -> Utf8PathBuf {
        self.root.join("swaps")
    }

    /// Runs and their index.
    pub fn store(&self) -> Utf8PathBuf {
        self.root.join("store")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_charm_is_in_exactly_one_shard(costs in proptest::collection::vec(0_u64..1000, 0..40), count in 1_usize..6) {
            let ids: Vec<SubjectId> = (0..costs.len()).map(|n| SubjectId(format!("c{n:02}"))).collect();
            let input: Vec<(&SubjectId, u64)> = ids.iter().zip(costs.iter().copied()).collect();
            let mut all: Vec<&SubjectId> = (1..=count).flat_map(|n| shard(&input, n, count)).collect();
            all.sort();
            prop_assert_eq!(all, ids.iter().collect::<Vec<_>>());
        }
    }

    #[test]
    fn shards_are_split_by_cost() {
        let ids: Vec<SubjectId> = ["a", "b", "c", "d"].map(|id| SubjectId(id.into())).to_vec();
        let costs: Vec<(&SubjectId, u64)> = ids.iter().zip([90, 30, 30, 30]).collect();
        assert_eq!(shard(&costs, 1, 2), [&ids[0]]);
        assert_eq!(shard(&costs, 2, 2), [&ids[1], &ids[2], &ids[3]]);
    }
}
