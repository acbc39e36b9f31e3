//! What `juju info` and `juju find` tell of charms on Charmhub.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::answer::PlatformAnswer;
use super::{Charmhub, StoreError, text_of};
use crate::view::charmhub::{CharmFactsView, CharmInfoView, CharmRevisionView, FoundCharmView};
use crate::view::status::BaseView;

const INFO_FIELDS: &str = "channel-map.channel.base.architecture,channel-map.channel.base.channel,channel-map.channel.base.name,channel-map.channel.name,channel-map.channel.released-at,channel-map.channel.risk,channel-map.channel.track,channel-map.revision.bases,channel-map.revision.download.size,channel-map.revision.revision,channel-map.revision.version,default-release.channel,default-release.revision.bases,default-release.revision.metadata-yaml,default-release.revision.revision,default-release.revision.version,result.categories,result.description,result.publisher,result.store-url,result.summary";
const FIND_FIELDS: &str = "default-release.channel,default-release.revision.bases,default-release.revision.revision,default-release.revision.version,result.publisher,result.store-url,result.summary";

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Listed {
    #[serde(rename = "type")]
    kind: String,
    id: String,
    name: String,
    #[serde(default)]
    result: Value,
    #[serde(default)]
    channel_map: Vec<ChannelAnswer>,
    #[serde(default)]
    default_release: Option<ChannelAnswer>,
}

#[derive(Debug, Deserialize)]
struct ChannelAnswer {
    channel: ChannelPart,
    revision: RevisionPart,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
struct ChannelPart {
    track: String,
    risk: String,
    released_at: String,
    base: Option<PlatformAnswer>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
struct RevisionPart {
    revision: u64,
    version: String,
    bases: Vec<Option<PlatformAnswer>>,
    download: SizePart,
    metadata_yaml: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct SizePart {
    size: u64,
}

#[derive(Debug, Deserialize)]
struct ListAnswer {
    #[serde(default)]
    results: Vec<Listed>,
}

impl Charmhub {
    /// Tells of a charm.
    pub(crate) fn info(&self, name: &str) -> Result<CharmInfoView, StoreError> {
        let listed: Listed = self.get(&format!("/v2/charms/info/{name}"), &[("fields", INFO_FIELDS)])?;
        let mut channels: BTreeMap<String, BTreeMap<String, Vec<CharmRevisionView>>> = BTreeMap::new();
        let mut tracks = Vec::new();
        for listed in &listed.channel_map {
            let (channel, revision) = (&listed.channel, &listed.revision);
            if !tracks.contains(&channel.track) {
                tracks.push(channel.track.clone());
            }
            let risks = channels.entry(channel.track.clone()).or_default();
            let revisions = risks.entry(channel.risk.clone()).or_default();
            let platforms = || revision.bases.iter().flatten().chain(&channel.base);
            let architectures = distinct(platforms().map(|base| base.architecture.clone()));
            // A revision has an entry for each base and architecture that it was released for.
            if let Some(known) = revisions.iter_mut().find(|known| known.revision == revision.revision) {
                known.architectures = distinct(known.architectures.drain(..).chain(architectures));
                continue;
            }
            revisions.push(CharmRevisionView {
                track: channel.track.clone(),
                risk: channel.risk.clone(),
                version: revision.version.clone(),
                revision: revision.revision,
                released_at: channel.released_at.clone(),
                size_bytes: revision.download.size,
                architectures,
                bases: bases(platforms()),
            });
        }
        for revisions in channels.values_mut().flat_map(BTreeMap::values_mut) {
            revisions.sort_by_key(|revision| std::cmp::Reverse(revision.revision));
        }
        let default = listed
            .default_release
            .unwrap_or(ChannelAnswer { channel: ChannelPart::default(), revision: RevisionPart::default() });
        Ok(CharmInfoView {
            charm: (listed.kind == "charm").then(|| facts(&default.revision.metadata_yaml)),
            kind: listed.kind,
            id: listed.id,
            name: listed.name,
            description: text_of(listed.result.get("description")),
            publisher: publisher(&listed.result),
            summary: text_of(listed.result.get("summary")),
            supports: bases(default.revision.bases.iter().flatten()),
            store_url: text_of(listed.result.get("store-url")),
            tags: categories(&listed.result),
            channels,
            tracks,
        })
    }

    /// Looks for charms by words.
    pub(crate) fn search(&self, words: &str) -> Result<Vec<FoundCharmView>, StoreError> {
        let answer: ListAnswer = self.get("/v2/charms/find", &[("q", words), ("fields", FIND_FIELDS)])?;
        let found = answer.results.into_iter().map(|listed| {
            let revision = listed.default_release.map(|release| release.revision).unwrap_or_default();
            let platforms = || revision.bases.iter().flatten();
            FoundCharmView {
                kind: listed.kind,
                id: listed.id,
                name: listed.name,
                publisher: publisher(&listed.result),
                summary: text_of(listed.result.get("summary")),
                version: revision.version.clone(),
                architectures: distinct(platforms().map(|base| base.architecture.clone())),
                os: distinct(platforms().map(|base| base.name.clone())),
                supports: bases(platforms()),
                store_url: text_of(listed.result.get("store-url")),
            }
        });
        Ok(found.collect())
    }
}

fn publisher(result: &Value) -> String {
    text_of(result.pointer("/publisher/display-name"))
}

fn categories(result: &Value) -> Vec<String> {
    let categories = result.get("categories").and_then(Value::as_array);
    categories.into_iter().flatten().map(|category| text_of(category.get("name"))).collect()
}

fn distinct(names: impl Iterator<Item = String>) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for name in names {
        if !name.is_empty() && !all.contains(&name) {
            all.push(name);
        }
    }
    all.sort();
    all
}

fn bases<'a>(platforms: impl Iterator<Item = &'a PlatformAnswer>) -> Vec<BaseView> {
    let mut all: Vec<BaseView> = Vec::new();
    for platform in platforms {
        let base = BaseView { name: platform.name.clone(), channel: platform.channel.clone() };
        if !all.contains(&base) {
            all.push(base);
        }
    }
    all
}

/// Reads what a charm's metadata says. What cannot be read says nothing.
fn facts(metadata: &str) -> CharmFactsView {
    let read: Value = serde_saphyr::from_str(metadata).unwrap_or_default();
    let mut relations = BTreeMap::new();
    for role in ["provides", "requires"] {
        let endpoints = read.get(role).and_then(Value::as_object).into_iter().flatten();
        let interfaces: BTreeMap<String, String> =
            endpoints.map(|(name, endpoint)| (name.clone(), text_of(endpoint.get("interface")))).collect();
        if !interfaces.is_empty() {
            relations.insert(role.to_owned(), interfaces);
        }
    }
    let subordinate = read.get("subordinate").and_then(Value::as_bool).unwrap_or_default();
    CharmFactsView { relations, subordinate }
}
