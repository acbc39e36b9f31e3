//! Charms, bundles and resources from Charmhub, and what is kept of them.
//!
//! [`Charmhub`] asks for a charm by name, channel, revision and base as Juju does (`POST
//! /v2/charms/refresh`), takes the files after checking their digests, and keeps both, so that a
//! second run needs no network. [`Substitutes`] says which charm of the user stands in for one of the
//! store. What is done with a charm is elsewhere.

mod answer;
mod cache;
#[cfg(test)]
pub(crate) mod fake;
mod listing;
mod substitutes;
#[cfg(test)]
mod tests;

use std::io::Read as _;
use std::time::Duration;

use camino::{Utf8Path, Utf8PathBuf};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use thiserror::Error;

use crate::controller::data::Base;
use answer::{Answer, ApiError, PlatformAnswer};
use cache::StoreCache;

pub(crate) use substitutes::{Substitute, Substitutes};

/// Where Charmhub is, unless the model or the environment says otherwise.
pub(crate) const DEFAULT_URL: &str = "https://api.charmhub.io";
/// How many bytes an answer may have. The longest lists have a tenth.
const ANSWER_BYTES_MAX: u64 = 16 << 20;
/// How many bytes a charm or a file may have.
const FILE_BYTES_MAX: u64 = 4 << 30;
/// How long Charmhub may take to be connected to.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a question may take.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);
/// How long a file may take.
const FILE_TIMEOUT: Duration = Duration::from_mins(15);
/// What stands for a part of a base that is not known.
const NOT_AVAILABLE: &str = "NA";
/// What is asked of a charm.
const FIELDS: [&str; 8] = ["bases", "download", "id", "name", "resources", "revision", "type", "version"];

/// Why there is nothing from the store.
#[derive(Debug, Error)]
pub(crate) enum StoreError {
    /// It does not answer.
    #[error("Charmhub at {url} could not be reached: {reason}")]
    Unreachable {
        /// Where it should be.
        url: String,
        /// What happened.
        reason: String,
    },
    /// It has no such thing. In Juju's words.
    #[error("{0}")]
    Refused(String),
    /// It answers with something that is none of its answers.
    #[error("Charmhub gave an answer that cannot be used: {0}")]
    Malformed(String),
    /// What is kept cannot be written.
    #[error("the cache of Charmhub cannot be used: {0}")]
    Cache(#[from] std::io::Error),
}

/// A charm or bundle to look for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Wanted {
    /// Its name.
    pub(crate) name: String,
    /// The channel; the charm's default one, if not given.
    pub(crate) channel: Option<String>,
    /// Exactly this revision.
    pub(crate) revision: Option<u32>,
    /// What it is to run on; what the store prefers, if not given.
    pub(crate) base: Option<Base>,
    /// As Juju calls it: `amd64`.
    pub(crate) architecture: String,
}

/// What it is that has a name on Charmhub.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum ReleaseKind {
    /// A charm.
    Charm,
    /// A bundle.
    Bundle,
}

/// What Charmhub has under a name, in a channel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Release {
    /// Its name.
    pub(crate) name: String,
    /// Whether it is a charm.
    pub(crate) kind: ReleaseKind,
    /// Its revision.
    pub(crate) revision: u32,
    /// The channel that it is in: `14/stable`.
    pub(crate) channel: String,
    /// Its archive.
    pub(crate) download: Download,
    /// The resources that belong to it.
    pub(crate) resources: Vec<ReleaseResource>,
}

/// A file of Charmhub.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Download {
    /// Where it is.
    pub(crate) url: String,
    /// The SHA-256 digest, in lower-case hexadecimal digits.
    pub(crate) digest: String,
    /// How large it is.
    pub(crate) size_bytes: u64,
}

/// A resource of a charm on Charmhub.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct ReleaseResource {
    /// Its name.
    pub(crate) name: String,
    /// Whether it is a file, and not an image.
    pub(crate) is_file: bool,
    /// The name of the file.
    pub(crate) file_name: String,
    /// Its revision.
    pub(crate) revision: u32,
    /// What is fetched for it.
    pub(crate) download: Download,
}

/// An image of a resource, and who one is to its registry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Image {
    /// Its name.
    #[serde(rename = "ImageName")]
    pub(crate) name: String,
    /// The user, for registries that want one.
    #[serde(rename = "Username", default, skip_serializing_if = "String::is_empty")]
    pub(crate) username: String,
    /// The password.
    #[serde(rename = "Password", default, skip_serializing_if = "String::is_empty")]
    pub(crate) password: String,
}

/// Something of the store, and whether it was not asked because it could not be reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Found<T> {
    /// What was found.
    pub(crate) value: T,
    /// Why it is from the cache, if it would better have been asked for.
    pub(crate) stale: Option<String>,
}

/// The store, and what is kept of it.
#[derive(Debug)]
pub(crate) struct Charmhub {
    agent: ureq::Agent,
    url: String,
    cache: StoreCache,
}

impl Charmhub {
    /// Names its address and the folder of its cache.
    pub(crate) fn new(url: &str, cache: &Utf8Path) -> Self {
        let url = url.trim_end_matches('/').to_owned();
        let is_here = ["http://127.0.0.1", "http://localhost", "http://[::1]"]
            .iter()
            .any(|prefix| url.starts_with(prefix));
        let mut config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            // Who is asked in private is not answered in public, not even by way of a redirect.
            .https_only(url.starts_with("https://"))
            .max_redirects(3)
            .timeout_resolve(Some(CONNECT_TIMEOUT))
            .timeout_connect(Some(CONNECT_TIMEOUT))
            .user_agent(concat!("charmproof/", env!("CARGO_PKG_VERSION")));
        if is_here {
            config = config.proxy(None);
        }
        Self { agent: config.build().into(), url, cache: StoreCache::at(cache) }
    }

    /// Returns the folder of the cache.
    pub(crate) fn cache_folder(&self) -> &Utf8Path {
        self.cache.folder()
    }

    /// Finds a charm or bundle. A revision never changes, so one that is kept is not asked for; a
    /// channel is, and what is kept serves where the store cannot be reached.
    pub(crate) fn find(&self, wanted: &Wanted) -> Result<Found<Release>, StoreError> {
        let key = json!({ "url": self.url, "wanted": wanted });
        if wanted.revision.is_some()
            && let Some(value) = self.cache.answer(&key)
        {
            return Ok(Found { value, stale: None });
        }
        match self.ask_for(wanted) {
            Ok(release) => {
                self.cache.keep_answer(&key, &release)?;
                Ok(Found { value: release, stale: None })
            }
            Err(error @ StoreError::Unreachable { .. }) => match self.cache.answer(&key) {
                Some(value) => Ok(Found { value, stale: Some(error.to_string()) }),
                None => Err(error),
            },
            Err(error @ (StoreError::Refused(_) | StoreError::Malformed(_) | StoreError::Cache(_))) => {
                Err(error)
            }
        }
    }

    /// Asks as Juju does: once for what is wanted, and once more with the base that the store names.
    fn ask_for(&self, wanted: &Wanted) -> Result<Release, StoreError> {
        let error = match self.refresh(wanted, wanted.base.as_ref())? {
            Ok(release) => return Ok(release),
            Err(error) => error,
        };
        match error.code.as_str() {
            "invalid-charm-platform" | "invalid-charm-base" => {
                let base = next_base(&error.extra.default_bases, wanted)
                    .map_err(|reason| StoreError::Refused(format!("selecting next bases: {reason}")))?;
                let release = self.refresh(wanted, Some(&base))?;
                release
                    .map_err(|error| StoreError::Refused(format!("resolving retry error: {}", error.message)))
            }
            "revision-not-found" => {
                Err(StoreError::Refused(format!("selecting releases: {}", releases_instead(&error, wanted))))
            }
            _other => Err(StoreError::Refused(format!("resolving error: {}", error.message))),
        }
    }

    fn refresh(&self, wanted: &Wanted, base: Option<&Base>) -> Result<Result<Release, ApiError>, StoreError> {
        let part = |part: fn(&Base) -> &str| base.map_or(NOT_AVAILABLE, part);
        let mut action = json!({
            "action": "install",
            "instance-key": "charmproof",
            "name": wanted.name,
            "base": {
                "architecture": wanted.architecture,
                "name": part(|base| &base.name),
                "channel": part(|base| &base.channel),
            },
        });
        // The two exclude each other; the default channel is asked for by its risk alone.
        match wanted.revision {
            Some(revision) => action["revision"] = json!(revision),
            None => action["channel"] = json!(wanted.channel.as_deref().unwrap_or("stable")),
        }
        let body = json!({ "context": [], "actions": [action], "fields": FIELDS });
        let request = self.agent.post(format!("{}/v2/charms/refresh", self.url));
        let request = request.config().timeout_global(Some(ANSWER_TIMEOUT)).build();
        let sent = request.content_type("application/json").send(body.to_string());
        let answer: Answer = self.read_answer(sent)?;
        answer.release(wanted)
    }

    /// Gets the document at a path of the store.
    fn get<T: serde::de::DeserializeOwned>(
        &self,
        path: &str,
        query: &[(&str, &str)],
    ) -> Result<T, StoreError> {
        let mut request = self.agent.get(format!("{}{path}", self.url));
        for (key, value) in query {
            request = request.query(key, value);
        }
        let sent = request.config().timeout_global(Some(ANSWER_TIMEOUT)).build().call();
        self.read_answer(sent)
    }

    fn read_answer<T: serde::de::DeserializeOwned>(
        &self,
        sent: Result<ureq::http::Response<ureq::Body>, ureq::Error>,
    ) -> Result<T, StoreError> {
        let mut response = sent.map_err(|error| self.unreachable(&error))?;
        let status = response.status().as_u16();
        let read = response.body_mut().with_config().limit(ANSWER_BYTES_MAX).read_to_string();
        let text = read.map_err(|error| match error {
            ureq::Error::BodyExceedsLimit(_) => {
                StoreError::Malformed(format!("it is larger than {} MiB", ANSWER_BYTES_MAX >> 20))
            }
            error => self.unreachable(&error),
        })?;
        match status {
            200 => serde_json::from_str(&text).map_err(|error| StoreError::Malformed(error.to_string())),
            429 | 500.. => Err(self.no_answer(format!("it answered with status {status}"))),
            _refusal => Err(StoreError::Refused(
                answer::reason_of(&text)
                    .unwrap_or_else(|| format!("Charmhub at {} answered with status {status}", self.url)),
            )),
        }
    }

    fn unreachable(&self, error: &ureq::Error) -> StoreError {
        self.no_answer(error.to_string())
    }

    fn no_answer(&self, reason: String) -> StoreError {
        StoreError::Unreachable { url: self.url.clone(), reason }
    }

    /// Returns where a file is kept, which is fetched if it is not there.
    pub(crate) fn file(&self, download: &Download) -> Result<Utf8PathBuf, StoreError> {
        if let Some(path) = self.cache.file(&download.digest) {
            return Ok(path);
        }
        if download.size_bytes > FILE_BYTES_MAX {
            return Err(StoreError::Malformed(format!(
                "{} has {} bytes, more than {} GiB",
                download.url,
                download.size_bytes,
                FILE_BYTES_MAX >> 30
            )));
        }
        let mut file = self.cache.new_file()?;
        let mut body = self.fetch(&download.url)?;
        let mut hasher = Sha256::new();
        let mut left = download.size_bytes;
        let mut buffer = vec![0; 1 << 16];
        loop {
            let count = body.read(&mut buffer).map_err(|error| self.no_answer(error.to_string()))?;
            if count == 0 {
                break;
            }
            left = left.checked_sub(count as u64).ok_or_else(|| {
                StoreError::Malformed(format!(
                    "{} is longer than the {} bytes that were said",
                    download.url, download.size_bytes
                ))
            })?;
            hasher.update(&buffer[..count]);
            file.write(&buffer[..count])?;
        }
        let digest = cache::hex(&hasher.finalize());
        if digest != download.digest {
            return Err(StoreError::Malformed(format!(
                "{} has the digest {digest}, not {} as was said",
                download.url, download.digest
            )));
        }
        Ok(file.keep(&digest)?)
    }

    fn fetch(&self, url: &str) -> Result<impl std::io::Read + use<>, StoreError> {
        if !url.starts_with("https://") && !url.starts_with("http://") {
            return Err(StoreError::Malformed(format!("`{url}` is no address of a file")));
        }
        let request = self.agent.get(url).config().timeout_global(Some(FILE_TIMEOUT)).build();
        let response = request.call().map_err(|error| match error {
            ureq::Error::TooManyRedirects | ureq::Error::RequireHttpsOnly(_) | ureq::Error::BadUri(_) => {
                StoreError::Malformed(format!("{url}: {error}"))
            }
            error => self.unreachable(&error),
        })?;
        match response.status().as_u16() {
            200 => Ok(response.into_body().into_reader()),
            429 => Err(self.no_answer(format!("{url}: it answered with status 429"))),
            status @ 500.. => Err(self.no_answer(format!("{url}: it answered with status {status}"))),
            status => Err(StoreError::Malformed(format!("{url}: it answered with status {status}"))),
        }
    }

    /// Returns the image of a resource. What names it has a password that is made anew for everyone
    /// who asks, so it has no digest that could be known before; the image is named by its own.
    pub(crate) fn image(&self, charm: &str, resource: &ReleaseResource) -> Result<Found<Image>, StoreError> {
        let key = json!({ "url": self.url, "image": [charm, resource.name, resource.revision] });
        let fetched = self.fetch(&resource.download.url).and_then(|body| {
            let mut text = String::new();
            let read = body.take(ANSWER_BYTES_MAX).read_to_string(&mut text);
            read.map_err(|error| self.no_answer(error.to_string()))?;
            let image: Image = serde_json::from_str(&text)
                .map_err(|error| StoreError::Malformed(format!("resource \"{}\": {error}", resource.name)))?;
            Ok(image)
        });
        match fetched {
            Ok(image) => {
                self.cache.keep_answer(&key, &image)?;
                Ok(Found { value: image, stale: None })
            }
            Err(error @ StoreError::Unreachable { .. }) => match self.cache.answer(&key) {
                Some(value) => Ok(Found { value, stale: Some(error.to_string()) }),
                None => Err(error),
            },
            Err(error @ (StoreError::Refused(_) | StoreError::Malformed(_) | StoreError::Cache(_))) => {
                Err(error)
            }
        }
    }

    /// Returns a certain revision of a resource.
    pub(crate) fn resource_revision(
        &self,
        charm: &str,
        resource: &str,
        revision: u32,
    ) -> Result<ReleaseResource, StoreError> {
        let key = json!({ "url": self.url, "resource": [charm, resource, revision] });
        if let Some(kept) = self.cache.answer(&key) {
            return Ok(kept);
        }
        let listed: answer::ResourceRevisions =
            self.get(&format!("/v2/charms/resources/{charm}/{resource}/revisions"), &[])?;
        let found =
            listed.revisions.into_iter().find(|listed| u32::try_from(listed.revision) == Ok(revision));
        let Some(found) = found else {
            return Err(StoreError::Refused(format!(
                "resource \"{resource}\" revision {revision} of charm \"{charm}\" not found"
            )));
        };
        let found = found.read()?;
        self.cache.keep_answer(&key, &found)?;
        Ok(found)
    }
}

/// Returns the base to ask with again: the first of those that the store names for the architecture.
fn next_base(bases: &[PlatformAnswer], wanted: &Wanted) -> Result<Base, String> {
    if bases.is_empty() {
        return Err("no bases available".to_owned());
    }
    let base = bases.iter().find(|base| base.architecture == wanted.architecture);
    let base =
        base.ok_or_else(|| format!("bases matching architecture \"{}\" not found", wanted.architecture))?;
    Ok(Base { name: base.name.clone(), channel: base.channel.clone() })
}

/// Says what there is instead of what was asked for.
fn releases_instead(error: &ApiError, wanted: &Wanted) -> String {
    if error.extra.releases.is_empty() {
        return "no releases available".to_owned();
    }
    let mut suggestions: std::collections::BTreeMap<&str, Vec<String>> = std::collections::BTreeMap::new();
    for release in error.extra.releases.iter().filter(|release| {
        release.base.architecture == wanted.architecture || release.base.architecture == "all"
    }) {
        let bases = suggestions.entry(&release.channel).or_default();
        let base = format!("{}@{}", release.base.name, release.base.channel);
        if !bases.contains(&base) {
            bases.push(base);
        }
    }
    let channel = wanted
        .channel
        .as_ref()
        .map_or("in the charm's default channel".to_owned(), |channel| format!("for channel \"{channel}\""));
    let base = wanted.base.as_ref().map(|base| format!("/{}/{}", base.name, base.channel));
    let mut text = format!(
        "charm or bundle not found {channel}, base \"{}{}\"",
        wanted.architecture,
        base.unwrap_or_default()
    );
    if !suggestions.is_empty() {
        text += "\navailable releases are:";
        for (channel, bases) in suggestions {
            text += &format!("\n  channel \"{channel}\": available bases are: {}", bases.join(", "));
        }
    }
    text
}

/// Reads the bundle of a bundle's archive.
pub(crate) fn bundle_of(archive: &Utf8Path) -> Result<String, StoreError> {
    let not_one = |reason: String| StoreError::Malformed(format!("its bundle cannot be read: {reason}"));
    let file = fs_err::File::open(archive)?;
    let mut archive =
        zip::ZipArchive::new(std::io::BufReader::new(file)).map_err(|error| not_one(error.to_string()))?;
    let mut text = String::new();
    let entry = archive.by_name("bundle.yaml").map_err(|error| not_one(error.to_string()))?;
    entry.take(ANSWER_BYTES_MAX).read_to_string(&mut text).map_err(|error| not_one(error.to_string()))?;
    Ok(text)
}

/// Tells what a document says, for those that are passed on as they are.
fn text_of(value: Option<&Value>) -> String {
    value.and_then(Value::as_str).unwrap_or_default().to_owned()
}
