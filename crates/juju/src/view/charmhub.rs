//! What `juju info` and `juju find` show of charms on Charmhub.

use std::collections::BTreeMap;

use serde::Serialize;

use super::document::to_yaml;
use super::status::BaseView;
use super::table::Table;

/// The risks of a track, the least first.
const RISKS: [&str; 4] = ["stable", "candidate", "beta", "edge"];

/// A charm on Charmhub.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct CharmInfoView {
    /// `charm` or `bundle`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// What it is, at length.
    pub description: String,
    /// Who publishes it.
    pub publisher: String,
    /// What it is, in a line.
    pub summary: String,
    /// What it runs on.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub supports: Vec<BaseView>,
    /// Where it is in the store.
    pub store_url: String,
    /// What it is about.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// What a charm has that a bundle has not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub charm: Option<CharmFactsView>,
    /// Its revisions, newest first, by track and risk.
    pub channels: BTreeMap<String, BTreeMap<String, Vec<CharmRevisionView>>>,
    /// Its tracks, in the order of the store.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tracks: Vec<String>,
}

/// What a charm has that a bundle has not.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct CharmFactsView {
    /// The interface of each endpoint, below `provides` and `requires`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub relations: BTreeMap<String, BTreeMap<String, String>>,
    /// Whether it is a subordinate.
    #[serde(skip_serializing_if = "super::is_false")]
    pub subordinate: bool,
}

/// A revision of a charm.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct CharmRevisionView {
    /// The track.
    pub track: String,
    /// The risk.
    pub risk: String,
    /// What it calls its version.
    pub version: String,
    /// Its number.
    pub revision: u64,
    /// When it was released: `2026-01-04T06:29:46+00:00`.
    pub released_at: String,
    /// How large it is.
    #[serde(rename = "size")]
    pub size_bytes: u64,
    /// The architectures that it is for.
    pub architectures: Vec<String>,
    /// What it runs on.
    pub bases: Vec<BaseView>,
}

/// What people see of a charm.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Shown<'a> {
    #[serde(skip_serializing_if = "str::is_empty")]
    name: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    publisher: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    summary: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    description: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    store_url: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    charm_id: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    bundle_id: &'a str,
    #[serde(skip_serializing_if = "String::is_empty")]
    supports: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    tags: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    subordinate: Option<bool>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    relations: BTreeMap<&'a str, &'a BTreeMap<String, String>>,
    #[serde(skip_serializing_if = "String::is_empty")]
    channels: String,
}

/// Writes `juju info`; `is_unicode` where the terminal has more than ASCII.
pub fn write_info(info: &CharmInfoView, is_unicode: bool) -> String {
    let is_charm = info.kind == "charm";
    let relations = info.charm.iter().flat_map(|charm| &charm.relations);
    let relations = relations
        .filter(|(role, relations)| matches!(role.as_str(), "provides" | "requires") && !relations.is_empty())
        .map(|(role, relations)| (role.as_str(), relations));
    to_yaml(&Shown {
        name: &info.name,
        publisher: &info.publisher,
        summary: &info.summary,
        description: &info.description,
        store_url: if is_charm { &info.store_url } else { "" },
        charm_id: if is_charm { &info.id } else { "" },
        bundle_id: if is_charm { "" } else { &info.id },
        supports: if is_charm { bases(&info.supports, ", ") } else { String::new() },
        tags: info.tags.join(", "),
        subordinate: is_charm.then(|| info.charm.as_ref().is_some_and(|charm| charm.subordinate)),
        relations: relations.collect(),
        channels: channels(info, is_unicode),
    })
}

/// A line per channel: the newest revision, a dash for none, or an arrow to a safer one above.
fn channels(info: &CharmInfoView, is_unicode: bool) -> String {
    let (dash, arrow) = if is_unicode { ("–", "↑") } else { ("--", "^") };
    let mut table = Table::new(false);
    for track in &info.tracks {
        let mut is_shown = false;
        for risk in RISKS {
            let newest = info.channels.get(track).and_then(|risks| risks.get(risk)?.first());
            let Some(newest) = newest else {
                table.line(&[&format!("{track}/{risk}:"), if is_shown { arrow } else { dash }]);
                continue;
            };
            is_shown = true;
            table.line(&[
                &format!("{}/{}:", newest.track, newest.risk),
                &newest.version,
                newest.released_at.get(..10).unwrap_or(&newest.released_at),
                &format!("({})", newest.revision),
                &size(newest.size_bytes),
            ]);
        }
    }
    table.finish()
}

fn bases(bases: &[BaseView], separator: &str) -> String {
    let names: Vec<String> = bases.iter().map(|base| format!("{}@{}", base.name, base.channel)).collect();
    names.join(separator)
}

fn size(bytes: u64) -> String {
    let mut size = bytes;
    for unit in ["B", "kB", "MB", "GB", "TB", "PB"] {
        if size < 1000 {
            return format!("{size}{unit}");
        }
        size /= 1000;
    }
    format!("{size}EB")
}

/// A charm that was found. `juju find` prints a list of these.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct FoundCharmView {
    /// `charm` or `bundle`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Who publishes it.
    pub publisher: String,
    /// What it is, in a line.
    pub summary: String,
    /// What it calls its version.
    pub version: String,
    /// The architectures that it is for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub architectures: Vec<String>,
    /// The operating systems that it runs on.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub os: Vec<String>,
    /// What it runs on.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub supports: Vec<BaseView>,
    /// Where it is in the store.
    pub store_url: String,
}

/// Writes `juju find`.
pub fn write_found(charms: &[FoundCharmView]) -> String {
    let mut table = Table::new(false);
    table.line(&["Name", "Bundle", "Version", "Publisher", "Summary"]);
    for charm in charms {
        let is_bundle = if charm.kind == "bundle" { "Y" } else { "-" };
        let summary = wrapped(charm.summary.trim().lines().next().unwrap_or_default());
        table.line(&[&charm.name, is_bundle, &charm.version, &charm.publisher, &summary]);
    }
    table.finish() + "\n"
}

/// Breaks a summary at the first space or hyphen behind each 40 characters, below its column.
fn wrapped(summary: &str) -> String {
    const WIDTH: usize = 40;
    let mut text = String::new();
    let mut width = 0;
    for character in summary.chars() {
        let is_break = width >= WIDTH && (character == '-' || character.is_whitespace());
        if !is_break || character == '-' {
            text.push(character);
        }
        if is_break {
            text.push_str("\n\t\t\t\t");
            width = 0;
        } else {
            width += 1;
        }
    }
    text
}
