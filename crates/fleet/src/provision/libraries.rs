//! The charm libraries that a charm declares or imports and does not have.
//!
//! A [`LibraryProvider`] looks in three places, in this order: the cache, Charmhub, and
//! the other charms of the fleet. It decides once per run what a library is, so both
//! sides of a comparison get the same text, and it asks Charmhub for all that one call
//! of [`LibraryProvider::provide`] lacks together: call it once with what the whole
//! fleet lacks, then once for each charm, which asks nobody anymore. A Charmhub that
//! failed once is not asked again in the run.
//!
//! [`install`] puts the files into a copy of a charm. A library may import further
//! ones; whoever wants those too asks `missing_libraries` again afterwards.

mod cache;
mod choice;
mod install;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use camino::{Utf8Path, Utf8PathBuf};
use charmproof_charm::library::{LibraryIndex, LibraryKey, MissingLibrary, Provider, VendoredLibrary};
use sha2::{Digest as _, Sha256};

use super::charmhub::{
    FetchedContent, FetchedCopy, HeldCopy, LibrarySource, SourceError, WantedLibrary, content_hash,
    is_library_name,
};
use crate::swap::record::hex;
use cache::LibraryCache;
use choice::{Asked, Choice, Facts, Step};

pub use cache::cache_folder;
pub use install::install;

/// Where a provided library came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// Fetched from Charmhub in an earlier run.
    Cache,
    /// Fetched from Charmhub.
    Charmhub,
    /// Another charm of the fleet.
    Fleet {
        /// The repository, as the index names it.
        repository: String,
        /// The charm in it.
        charm_root: Utf8PathBuf,
    },
}

impl fmt::Display for Source {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cache => formatter.write_str("the cache of Charmhub"),
            Self::Charmhub => formatter.write_str("Charmhub"),
            Self::Fleet { repository, charm_root } if charm_root == "" || charm_root == "." => {
                write!(formatter, "the fleet: {repository}")
            }
            Self::Fleet { repository, charm_root } => {
                write!(formatter, "the fleet: {repository}/{charm_root}")
            }
        }
    }
}

/// A library that is to be had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Provided {
    /// The library.
    pub key: LibraryKey,
    /// Its text.
    pub content: Arc<str>,
    /// Where it came from.
    pub from: Source,
    /// Its patch, if it states one.
    pub patch: Option<u64>,
}

/// A library that is not to be had.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{why}")]
pub struct NotProvided {
    /// The library.
    pub key: LibraryKey,
    /// What was tried.
    pub why: String,
}

/// What became of a list of missing libraries, each named once, in order of their names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Provision {
    /// What there is.
    pub provided: Vec<Provided>,
    /// What there is not.
    pub not_provided: Vec<NotProvided>,
}

impl Provision {
    /// Returns a digest of the libraries and their texts, so that a result can be keyed
    /// by them. Where a text came from does not count.
    pub fn digest(&self) -> String {
        let lines: BTreeSet<String> = self
            .provided
            .iter()
            .map(|library| format!("{} {}\n", library.key, hex(&Sha256::digest(library.content.as_bytes()))))
            .collect();
        let mut digest = Sha256::new();
        for line in lines {
            digest.update(line);
        }
        hex(&digest.finalize())
    }
}

/// Reads a file of a charm of the fleet, wherever its tree lies.
pub trait FleetReader: Send + Sync {
    /// Returns the text of a file, by its path below the charm.
    fn read(&self, charm: &Provider, path: &Utf8Path) -> io::Result<String>;
}

impl<F: Fn(&Provider, &Utf8Path) -> io::Result<String> + Send + Sync> FleetReader for F {
    fn read(&self, charm: &Provider, path: &Utf8Path) -> io::Result<String> {
        self(charm, path)
    }
}

/// A library and the patch asked for.
type Want = (LibraryKey, Option<u64>);

/// Finds charm libraries, for the length of one run.
pub struct LibraryProvider {
    cache: LibraryCache,
    charmhub: Option<Box<dyn LibrarySource>>,
    index: LibraryIndex,
    fleet: Box<dyn FleetReader>,
    run: Mutex<Run>,
}

/// What was decided in this run.
#[derive(Default)]
struct Run {
    decided: BTreeMap<Want, Result<Provided, NotProvided>>,
    /// Why Charmhub is not asked anymore.
    charmhub_failed: Option<SourceError>,
}

/// What is known about a want while it is looked for.
#[derive(Default)]
struct Search {
    facts: Facts,
    texts: BTreeMap<u64, String>,
    charmhub_said: Option<SourceError>,
}

impl LibraryProvider {
    /// Names the folder of the cache (see [`cache_folder`]), Charmhub (nothing when
    /// working offline), and the libraries of the fleet with somebody who can read them.
    pub fn new(
        cache: Utf8PathBuf,
        charmhub: Option<Box<dyn LibrarySource>>,
        index: LibraryIndex,
        fleet: Box<dyn FleetReader>,
    ) -> Self {
        Self { cache: LibraryCache::new(cache), charmhub, index, fleet, run: Mutex::default() }
    }

    /// Finds libraries. The same library is looked for once in a run; others that ask
    /// meanwhile wait for it.
    pub fn provide(&self, missing: &[MissingLibrary]) -> Provision {
        let mut run = self.run.lock().unwrap_or_else(PoisonError::into_inner);
        let wants: BTreeSet<Want> =
            missing.iter().map(|missing| (missing.key.clone(), missing.patch)).collect();
        let new = wants.iter().filter(|want| !run.decided.contains_key(*want)).cloned().collect();
        self.decide(new, &mut run);
        let mut provision = Provision::default();
        for want in &wants {
            match run.decided.get(want) {
                Some(Ok(provided)) => provision.provided.push(provided.clone()),
                Some(Err(not_provided)) => provision.not_provided.push(not_provided.clone()),
                None => {}
            }
        }
        provision
    }

    fn decide(&self, wants: BTreeSet<Want>, run: &mut Run) {
        let mut open: BTreeMap<Want, Search> = BTreeMap::new();
        for want in wants {
            if is_library_name(&want.0) {
                let search = Search { facts: self.facts(&want, run), ..Search::default() };
                open.insert(want, search);
            } else {
                let why = format!("`{}` is not a name that a charm library can have", escaped(&want.0));
                run.decided.insert(want.clone(), Err(NotProvided { key: want.0, why }));
            }
        }
        // A search asks Charmhub at most twice, and each turn answers what it asks.
        while !open.is_empty() {
            let mut questions: Vec<(Want, Option<u64>)> = Vec::new();
            let mut waiting = BTreeMap::new();
            for (want, search) in std::mem::take(&mut open) {
                match search.facts.next() {
                    Step::Ask(patch) => {
                        questions.push((want.clone(), patch));
                        waiting.insert(want, search);
                    }
                    Step::Take(copies) => {
                        let decision = self.take(&want, &search, &copies, run);
                        run.decided.insert(want, decision);
                    }
                }
            }
            self.ask(&questions, &mut waiting, run);
            open = waiting;
        }
    }

    fn facts(&self, (key, patch): &Want, run: &Run) -> Facts {
        let can_ask = self.charmhub.is_some() && run.charmhub_failed.is_none();
        let asked = if can_ask { Asked::NotYet } else { Asked::Never };
        Facts {
            wanted: *patch,
            cached: self.cache.patches(key),
            fleet: self.index.candidates(key).iter().map(|candidate| candidate.library.libpatch).collect(),
            asked_exactly: asked,
            asked_newest: asked,
        }
    }

    /// Asks Charmhub for all of these together.
    fn ask(&self, questions: &[(Want, Option<u64>)], searches: &mut BTreeMap<Want, Search>, run: &mut Run) {
        let Some(charmhub) = self.charmhub.as_ref().filter(|_| !questions.is_empty()) else {
            return;
        };
        let wanted: Vec<WantedLibrary> = questions
            .iter()
            .map(|((key, _), patch)| WantedLibrary { key: key.clone(), patch: *patch, held: self.held(key) })
            .collect();
        let answers: Vec<Result<FetchedCopy, SourceError>> = match charmhub.fetch(&wanted) {
            Ok(fetched) => {
                let mut answers = fetched.into_iter().map(|fetched| fetched.answer);
                // A source that forgets one has not got it.
                questions.iter().map(|_| answers.next().unwrap_or(Err(SourceError::NotFound))).collect()
            }
            Err(error) => {
                run.charmhub_failed = Some(error.clone());
                questions.iter().map(|_| Err(error.clone())).collect()
            }
        };
        for ((want, patch), answer) in questions.iter().zip(answers) {
            if let Err(error @ SourceError::Unreachable { .. }) = &answer {
                run.charmhub_failed.get_or_insert_with(|| error.clone());
            }
            if let Some(search) = searches.get_mut(want) {
                self.note_answer(&want.0, *patch, answer, search);
            }
        }
        if run.charmhub_failed.is_some() {
            for search in searches.values_mut() {
                search.facts.stop_asking();
            }
        }
    }

    fn note_answer(
        &self,
        key: &LibraryKey,
        asked: Option<u64>,
        answer: Result<FetchedCopy, SourceError>,
        search: &mut Search,
    ) {
        let fact = match answer {
            Ok(FetchedCopy { patch, content }) => {
                let text = match content {
                    FetchedContent::Text(text) => {
                        // A cache that cannot be written costs another fetch.
                        let _ = self.cache.write(key, patch, &text);
                        Some(text)
                    }
                    FetchedContent::Held => self.cache.read(key, patch),
                };
                match text {
                    Some(text) => {
                        search.texts.insert(patch, text);
                        Asked::Has(patch)
                    }
                    None => Asked::Nothing,
                }
            }
            Err(error) => {
                search.charmhub_said = Some(error);
                Asked::Nothing
            }
        };
        search.facts.answer(asked, fact);
    }

    fn held(&self, key: &LibraryKey) -> Option<HeldCopy> {
        let patch = self.cache.patches(key).last().copied()?;
        let text = self.cache.read(key, patch)?;
        Some(HeldCopy { patch, hash: content_hash(&text) })
    }

    /// Takes the first copy that can be read.
    fn take(
        &self,
        want: &Want,
        search: &Search,
        copies: &[Choice],
        run: &Run,
    ) -> Result<Provided, NotProvided> {
        let key = &want.0;
        let mut unread = Vec::new();
        for copy in copies {
            let (text, from, patch) = match *copy {
                Choice::Cache(patch) => (self.cache.read(key, patch), Source::Cache, Some(patch)),
                Choice::Charmhub(patch) => (search.texts.get(&patch).cloned(), Source::Charmhub, Some(patch)),
                Choice::Fleet(at) => match self.index.candidates(key).get(at) {
                    Some(candidate) => {
                        let Provider { repository, charm_root, .. } = candidate.provider.clone();
                        let from = Source::Fleet { repository, charm_root };
                        match self.read_fleet(&candidate.library, &candidate.provider) {
                            Ok(text) => (Some(text), from, candidate.library.libpatch),
                            Err(error) => {
                                unread.push(format!("the copy of {from} could not be read ({error})"));
                                continue;
                            }
                        }
                    }
                    None => continue,
                },
            };
            if let Some(text) = text {
                return Ok(Provided { key: key.clone(), content: text.into(), from, patch });
            }
        }
        let failure = search.charmhub_said.as_ref().or(run.charmhub_failed.as_ref());
        let charmhub = match (&self.charmhub, failure) {
            (None, _) => "Charmhub was not asked (offline)".to_owned(),
            (Some(_), Some(error)) => format!("Charmhub {error}"),
            (Some(_), None) => "Charmhub was not asked".to_owned(),
        };
        let why = search.facts.why_not(key, &charmhub, &unread);
        Err(NotProvided { key: key.clone(), why })
    }

    fn read_fleet(&self, library: &VendoredLibrary, charm: &Provider) -> io::Result<String> {
        let text = self.fleet.read(charm, &library.path)?;
        let now = VendoredLibrary::parse(&library.path, &text).and_then(|library| library.libpatch);
        if now == library.libpatch {
            Ok(text)
        } else {
            Err(io::Error::other("it is not the patch anymore that it was when the fleet was listed"))
        }
    }
}

impl fmt::Debug for LibraryProvider {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("LibraryProvider")
            .field("cache", &self.cache)
            .field("offline", &self.charmhub.is_none())
            .finish_non_exhaustive()
    }
}

/// A name as it may be shown, whatever it holds.
fn escaped(key: &LibraryKey) -> String {
    key.to_string().escape_debug().to_string()
}
