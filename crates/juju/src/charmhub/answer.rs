//! The shapes of Charmhub's answers, of which only what is used is read.

use serde::Deserialize;

use super::{Download, Release, ReleaseKind, ReleaseResource, StoreError, Wanted};

/// The answer to a question for charms.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Answer {
    #[serde(default)]
    results: Vec<ResultAnswer>,
    #[serde(default)]
    error_list: Vec<ApiError>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct ResultAnswer {
    charm: Option<CharmAnswer>,
    #[serde(default)]
    effective_channel: Option<String>,
    error: Option<ApiError>,
}

#[derive(Debug, Deserialize)]
struct CharmAnswer {
    download: DownloadAnswer,
    name: String,
    revision: i64,
    #[serde(rename = "type")]
    kind: ReleaseKind,
    #[serde(default)]
    resources: Vec<ResourceAnswer>,
}

#[derive(Debug, Deserialize)]
pub(super) struct DownloadAnswer {
    url: String,
    #[serde(rename = "hash-sha-256", default)]
    digest: String,
    #[serde(default)]
    size: u64,
}

/// A resource, as the store tells of it.
#[derive(Debug, Deserialize)]
pub(super) struct ResourceAnswer {
    name: String,
    pub(super) revision: i64,
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    filename: String,
    download: DownloadAnswer,
}

/// The revisions of a resource.
#[derive(Debug, Deserialize)]
pub(super) struct ResourceRevisions {
    #[serde(default)]
    pub(super) revisions: Vec<ResourceAnswer>,
}

/// What is wrong with a question.
#[derive(Debug, Deserialize)]
pub(super) struct ApiError {
    pub(super) code: String,
    #[serde(default)]
    pub(super) message: String,
    #[serde(default)]
    pub(super) extra: Extra,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub(super) struct Extra {
    pub(super) releases: Vec<ReleaseAnswer>,
    pub(super) default_bases: Vec<PlatformAnswer>,
}

#[derive(Debug, Deserialize)]
pub(super) struct ReleaseAnswer {
    pub(super) base: PlatformAnswer,
    pub(super) channel: String,
}

/// A base with an architecture.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct PlatformAnswer {
    pub(super) architecture: String,
    pub(super) name: String,
    pub(super) channel: String,
}

impl Answer {
    /// Returns the one charm that was asked for, or what was wrong with that.
    pub(super) fn release(self, wanted: &Wanted) -> Result<Result<Release, ApiError>, StoreError> {
        let result = match (self.results.into_iter().next(), self.error_list.into_iter().next()) {
            (Some(result), _) => result,
            (None, Some(error)) => return Ok(Err(error)),
            (None, None) => return Err(StoreError::Malformed("it has no results".to_owned())),
        };
        if let Some(error) = result.error {
            return Ok(Err(error));
        }
        let Some(charm) = result.charm else {
            return Err(StoreError::Malformed("a result has neither a charm nor an error".to_owned()));
        };
        // What is asked for by revision has no channel of its own.
        let channel = result.effective_channel.filter(|channel| !channel.is_empty());
        let channel = channel.or_else(|| wanted.channel.clone()).unwrap_or_else(|| "stable".to_owned());
        let resources = charm.resources.into_iter().map(ResourceAnswer::read).collect::<Result<_, _>>()?;
        if charm.name != wanted.name {
            return Err(StoreError::Malformed(format!(
                "it is about the charm \"{}\", not about \"{}\"",
                charm.name, wanted.name
            )));
        }
        Ok(Ok(Release {
            name: charm.name,
            kind: charm.kind,
            revision: revision(charm.revision)?,
            channel: normalised(&channel)?,
            download: charm.download.read()?,
            resources,
        }))
    }
}

impl ResourceAnswer {
    /// Takes what is needed of it.
    pub(super) fn read(self) -> Result<ReleaseResource, StoreError> {
        let is_file = self.kind == "file";
        let download = if is_file {
            self.download.read()?
        } else {
            Download { url: self.download.url, digest: self.download.digest, size_bytes: self.download.size }
        };
        Ok(ReleaseResource {
            name: self.name,
            is_file,
            file_name: self.filename,
            revision: revision(self.revision)?,
            download,
        })
    }
}

impl DownloadAnswer {
    /// The digest becomes the name of a file, so nothing else is taken for one.
    fn read(self) -> Result<Download, StoreError> {
        let is_digest = self.digest.len() == 64
            && self.digest.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
        if !is_digest {
            return Err(StoreError::Malformed(format!("`{}` is no SHA-256 digest", self.digest)));
        }
        Ok(Download { url: self.url, digest: self.digest, size_bytes: self.size })
    }
}

fn revision(number: i64) -> Result<u32, StoreError> {
    u32::try_from(number).map_err(|_| StoreError::Malformed(format!("{number} is no revision")))
}

/// Returns a channel with its track.
fn normalised(channel: &str) -> Result<String, StoreError> {
    let mut channel = crate::values::channel::Channel::parse(channel).map_err(StoreError::Malformed)?;
    channel.track.get_or_insert_with(|| "latest".to_owned());
    Ok(channel.to_string())
}

/// Returns why a question was refused as a whole.
pub(super) fn reason_of(text: &str) -> Option<String> {
    let answer: Answer = serde_json::from_str(text).ok()?;
    let reasons: Vec<String> = answer.error_list.into_iter().map(|error| error.message).collect();
    Some(reasons.join("\n")).filter(|reasons| !reasons.is_empty())
}
