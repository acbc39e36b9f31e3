//! Charm libraries from Charmhub.
//!
//! A small blocking client of the two public endpoints that `charmcraft fetch-libs`
//! uses (charmcraft's `store/client.py` and `store/models.py`, and
//! <https://api.charmhub.io/docs/libraries.html>): a bulk listing by name, and the
//! content of one library by its identifier. It needs no account, keeps nothing and
//! remembers nothing; `libraries` does that. An `https` address is never left for
//! plain `http`, and the proxy of the environment is used except for this machine.

#[cfg(test)]
pub(super) mod fake;
mod reply;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use camino::Utf8Path;
use charmproof_charm::library::LibraryKey;

pub use reply::content_hash;
use reply::{Listed, Listing, is_refusal, read_library, read_listing};

/// Where Charmhub answers.
pub const DEFAULT_BASE_URL: &str = "https://api.charmhub.io";

/// The largest library that is taken, and the largest answer that is read for one.
pub const LIBRARY_BYTES_MAX: u64 = 1 << 20;

/// How many libraries' worth of answer is read from one bulk call.
const BULK_LIBRARIES_MAX: u64 = 32;

/// Where charm libraries are to be had.
pub trait LibrarySource: Send + Sync {
    /// Returns one answer for each wanted library, in their order.
    ///
    /// An error means that the source as a whole is of no use now; what is wrong with
    /// a single library is part of its answer.
    fn fetch(&self, wanted: &[WantedLibrary]) -> Result<Vec<FetchedLibrary>, SourceError>;
}

/// A library to ask for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WantedLibrary {
    /// The library.
    pub key: LibraryKey,
    /// Exactly this patch, or the newest.
    pub patch: Option<u64>,
    /// A copy that the caller has, so that it need not be sent again.
    pub held: Option<HeldCopy>,
}

/// A copy of a library that the caller has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldCopy {
    /// Its patch.
    pub patch: u64,
    /// Its [`content_hash`].
    pub hash: String,
}

/// The answer for one library.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FetchedLibrary {
    /// What was asked for.
    pub wanted: WantedLibrary,
    /// What there is, or why not.
    pub answer: Result<FetchedCopy, SourceError>,
}

/// A copy of a library at a source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FetchedCopy {
    /// Its patch.
    pub patch: u64,
    /// Its text.
    pub content: FetchedContent,
}

/// The text of a fetched library.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FetchedContent {
    /// As it was sent, its hash verified.
    Text(String),
    /// The copy that the caller holds is this one.
    Held,
}

/// Why a library could not be fetched.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SourceError {
    /// The source does not answer, or says that it cannot.
    #[error("could not be reached: {reason}")]
    Unreachable {
        /// What happened.
        reason: String,
    },
    /// The source does not have it.
    #[error("does not have it")]
    NotFound,
    /// The answer is not what it should be.
    #[error("gave an answer that cannot be used: {reason}")]
    Malformed {
        /// What is wrong with it.
        reason: String,
    },
}

impl SourceError {
    fn unreachable(reason: impl Into<String>) -> Self {
        Self::Unreachable { reason: reason.into() }
    }

    fn malformed(reason: impl Into<String>) -> Self {
        Self::Malformed { reason: reason.into() }
    }
}

/// How long Charmhub is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// For its name to resolve, and for a connection.
    pub connect: Duration,
    /// For one request, from start to end.
    pub request: Duration,
    /// For all requests of one [`LibrarySource::fetch`].
    pub fetch: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            request: Duration::from_secs(20),
            fetch: Duration::from_mins(3),
        }
    }
}

/// Charmhub, or something that answers like it.
#[derive(Debug)]
pub struct Charmhub {
    agent: ureq::Agent,
    base_url: String,
    timeouts: Timeouts,
}

/// What a bulk call was answered with.
enum Reply {
    Listed(Listing),
    /// Something in the request is unknown, Charmhub does not say what.
    Refused,
}

impl Charmhub {
    /// Names the address, [`DEFAULT_BASE_URL`] for most, and how long it is waited for.
    pub fn new(base_url: &str, timeouts: Timeouts) -> Self {
        let base_url = base_url.trim_end_matches('/').to_owned();
        let mut config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .https_only(base_url.starts_with("https://"))
            .max_redirects(3)
            .timeout_resolve(Some(timeouts.connect))
            .timeout_connect(Some(timeouts.connect))
            .user_agent(concat!("charmproof/", env!("CARGO_PKG_VERSION")));
        if is_this_machine(&base_url) {
            config = config.proxy(None);
        }
        Self { agent: config.build().into(), base_url, timeouts }
    }

    /// Lists what is wanted. One unknown name makes Charmhub refuse a whole call, with
    /// the same words for all names, so a refused call is cut in two.
    fn list(
        &self,
        wanted: &[&WantedLibrary],
        deadline: Instant,
        listing: &mut Listing,
    ) -> Result<(), SourceError> {
        if wanted.is_empty() {
            return Ok(());
        }
        match self.bulk(wanted, deadline)? {
            Reply::Listed(more) => listing.extend(more),
            Reply::Refused if wanted.len() == 1 => {}
            Reply::Refused => {
                let (left, right) = wanted.split_at(wanted.len() / 2);
                self.list(left, deadline, listing)?;
                self.list(right, deadline, listing)?;
            }
        }
        Ok(())
    }

    fn bulk(&self, wanted: &[&WantedLibrary], deadline: Instant) -> Result<Reply, SourceError> {
        let body =
            serde_json::Value::Array(wanted.iter().map(|wanted| request_item(wanted)).collect()).to_string();
        let request = self
            .agent
            .post(format!("{}/v1/charm/libraries/bulk", self.base_url))
            .config()
            .timeout_global(Some(self.time_left(deadline)?))
            .build();
        let response =
            request.content_type("application/json").send(body).map_err(|error| classify(&error))?;
        let limit = LIBRARY_BYTES_MAX * (wanted.len() as u64).clamp(1, BULK_LIBRARIES_MAX);
        let (status, body) = read(response, limit)?;
        match status {
            200 => Ok(Reply::Listed(read_listing(&body)?)),
            status if is_refusal(status, &body) => Ok(Reply::Refused),
            status => Err(SourceError::unreachable(format!("it answered with status {status}"))),
        }
    }

    /// Gets the text of a listed library.
    fn content(&self, key: &LibraryKey, listed: &Listed, deadline: Instant) -> Result<String, SourceError> {
        let url = format!("{}/v1/charm/libraries/{}/{}", self.base_url, charm_name(key), listed.library_id);
        let request = self
            .agent
            .get(url)
            .query("api", listed.api.to_string())
            .query("patch", listed.patch.to_string())
            .config()
            .timeout_global(Some(self.time_left(deadline)?))
            .build();
        let (status, body) = read(request.call().map_err(|error| classify(&error))?, LIBRARY_BYTES_MAX)?;
        match status {
            200 => read_library(&body, listed),
            400 | 404 | 410 => Err(SourceError::NotFound),
            status => Err(SourceError::unreachable(format!("it answered with status {status}"))),
        }
    }

    fn time_left(&self, deadline: Instant) -> Result<Duration, SourceError> {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            let seconds = self.timeouts.fetch.as_secs();
            return Err(SourceError::unreachable(format!("it took longer than {seconds} s in all")));
        }
        Ok(left.min(self.timeouts.request))
    }

    /// Returns the answer for one library out of the listing.
    fn answer(
        &self,
        wanted: &WantedLibrary,
        listing: &Listing,
        deadline: Instant,
        texts: &mut BTreeMap<(String, u64, u64), String>,
    ) -> Result<FetchedCopy, SourceError> {
        let Some(listed) = listing.find(wanted) else {
            return Err(match &listing.unreadable {
                Some(reason) => SourceError::malformed(reason.clone()),
                None => SourceError::NotFound,
            });
        };
        let patch = listed.patch;
        if wanted
            .held
            .as_ref()
            .is_some_and(|held| held.patch == patch && held.hash.eq_ignore_ascii_case(&listed.hash))
        {
            return Ok(FetchedCopy { patch, content: FetchedContent::Held });
        }
        let known = (listed.library_id.clone(), listed.api, patch);
        let text = match texts.get(&known) {
            Some(text) => text.clone(),
            None => match listed.text()? {
                Some(text) => text,
                None => self.content(&wanted.key, listed, deadline)?,
            },
        };
        texts.insert(known, text.clone());
        Ok(FetchedCopy { patch, content: FetchedContent::Text(text) })
    }
}

impl LibrarySource for Charmhub {
    fn fetch(&self, wanted: &[WantedLibrary]) -> Result<Vec<FetchedLibrary>, SourceError> {
        let deadline = Instant::now() + self.timeouts.fetch;
        let mut asked: Vec<&WantedLibrary> = Vec::new();
        for library in wanted.iter().filter(|library| is_library_name(&library.key)) {
            if !asked.iter().any(|other| (&other.key, other.patch) == (&library.key, library.patch)) {
                asked.push(library);
            }
        }
        let mut listing = Listing::default();
        self.list(&asked, deadline, &mut listing)?;
        let mut texts = BTreeMap::new();
        // Once it stops answering, the rest is not waited for one by one.
        let mut gone: Option<SourceError> = None;
        Ok(wanted
            .iter()
            .map(|wanted| {
                let answer = match &gone {
                    Some(error) => Err(error.clone()),
                    None => self.answer(wanted, &listing, deadline, &mut texts),
                };
                if let Err(error @ SourceError::Unreachable { .. }) = &answer {
                    gone = Some(error.clone());
                }
                FetchedLibrary { wanted: wanted.clone(), answer }
            })
            .collect())
    }
}

/// Whether Charmhub could have a library of that name, and a path could be made of it:
/// letters, digits and underscores of ASCII. All others are never asked for, looked up
/// or written.
pub fn is_library_name(key: &LibraryKey) -> bool {
    let is_name = |name: &str| {
        (1..=80).contains(&name.len())
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    };
    is_name(&key.charm)
        && is_name(&key.lib)
        && LibraryKey::from_path(Utf8Path::new(&key.path())).as_ref() == Some(key)
}

/// The charm's name as Charmhub has it: modules have underscores, charms do not.
fn charm_name(key: &LibraryKey) -> String {
    key.charm.replace('_', "-")
}

fn request_item(wanted: &WantedLibrary) -> serde_json::Value {
    let mut item = serde_json::json!({
        "charm-name": charm_name(&wanted.key),
        "library-name": wanted.key.lib,
        "api": wanted.key.api,
    });
    if let Some(patch) = wanted.patch {
        item["patch"] = patch.into();
    }
    item
}

/// Whether an address is on this machine, where no proxy could reach it.
fn is_this_machine(url: &str) -> bool {
    let host = url.split_once("://").map_or(url, |(_, rest)| rest);
    ["localhost", "127.0.0.1", "[::1]"].iter().any(|name| {
        host.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with([':', '/']))
    })
}

fn read(mut response: ureq::http::Response<ureq::Body>, limit: u64) -> Result<(u16, Vec<u8>), SourceError> {
    let body =
        response.body_mut().with_config().limit(limit).read_to_vec().map_err(|error| classify(&error))?;
    Ok((response.status().as_u16(), body))
}

fn classify(error: &ureq::Error) -> SourceError {
    match error {
        ureq::Error::BodyExceedsLimit(limit) => {
            SourceError::malformed(format!("the answer is larger than {} KiB", limit / 1024))
        }
        ureq::Error::Protocol(_)
        | ureq::Error::LargeResponseHeader(..)
        | ureq::Error::TooManyRedirects
        | ureq::Error::BadUri(_)
        | ureq::Error::Http(_) => SourceError::malformed(error.to_string()),
        other => SourceError::unreachable(other.to_string()),
    }
}
