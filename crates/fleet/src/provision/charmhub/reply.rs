//! The answers of Charmhub, read and verified.

use charmproof_charm::library::LibraryKey;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use super::{LIBRARY_BYTES_MAX, SourceError, WantedLibrary};
use crate::swap::record::hex;

/// An entry of a listing; the answer for one library has the same fields.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Listed {
    charm_name: String,
    library_name: String,
    pub(super) library_id: String,
    pub(super) api: u64,
    pub(super) patch: u64,
    pub(super) hash: String,
    /// Listings leave it out as a rule.
    content: Option<String>,
}

impl Listed {
    /// Returns the text, if it was sent along, after checking it.
    pub(super) fn text(&self) -> Result<Option<String>, SourceError> {
        let Some(text) = &self.content else {
            return Ok(None);
        };
        if text.len() as u64 > LIBRARY_BYTES_MAX {
            let limit = LIBRARY_BYTES_MAX / 1024;
            return Err(SourceError::malformed(format!("the library is larger than {limit} KiB")));
        }
        let plain = || hex(&Sha256::digest(text));
        if !self.hash.eq_ignore_ascii_case(&content_hash(text)) && !self.hash.eq_ignore_ascii_case(&plain()) {
            return Err(SourceError::malformed("the text does not have the hash that was stated for it"));
        }
        Ok(Some(text.clone()))
    }

    fn is_of(&self, key: &LibraryKey) -> bool {
        self.charm_name.replace('-', "_") == key.charm && self.library_name == key.lib && self.api == key.api
    }
}

/// What Charmhub lists.
#[derive(Debug, Default)]
pub(super) struct Listing {
    entries: Vec<Listed>,
    /// What is wrong with the first entry that cannot be read.
    pub(super) unreadable: Option<String>,
}

impl Listing {
    /// Adds what another call listed.
    pub(super) fn extend(&mut self, more: Self) {
        self.entries.extend(more.entries);
        self.unreadable = self.unreadable.take().or(more.unreadable);
    }

    /// Returns the patch that is wanted, or the newest if none is named.
    pub(super) fn find(&self, wanted: &WantedLibrary) -> Option<&Listed> {
        self.entries
            .iter()
            .filter(|entry| entry.is_of(&wanted.key))
            .filter(|entry| wanted.patch.is_none_or(|patch| entry.patch == patch))
            .max_by_key(|entry| entry.patch)
    }
}

/// Reads the answer of a bulk call. An entry that cannot be read does not spoil others.
pub(super) fn read_listing(body: &[u8]) -> Result<Listing, SourceError> {
    #[derive(Deserialize)]
    struct Body {
        libraries: Vec<serde_json::Value>,
    }
    let body: Body = serde_json::from_slice(body)
        .map_err(|error| SourceError::malformed(format!("it is no list of libraries: {error}")))?;
    let mut listing = Listing::default();
    for entry in body.libraries {
        match serde_json::from_value::<Listed>(entry) {
            Ok(listed) if is_identifier(&listed.library_id) => listing.entries.push(listed),
            Ok(listed) => {
                listing.unreadable = Some(format!("`{}` is no identifier", listed.library_id.escape_debug()));
            }
            Err(error) => listing.unreadable = Some(error.to_string()),
        }
    }
    Ok(listing)
}

/// Reads the answer for one library, which must be the one that was listed.
pub(super) fn read_library(body: &[u8], listed: &Listed) -> Result<String, SourceError> {
    let got: Listed = serde_json::from_slice(body)
        .map_err(|error| SourceError::malformed(format!("it is no library: {error}")))?;
    if (&got.library_id, got.api, got.patch) != (&listed.library_id, listed.api, listed.patch) {
        return Err(SourceError::malformed(format!(
            "version {}.{} was asked for, {}.{} was sent",
            listed.api, listed.patch, got.api, got.patch
        )));
    }
    if !got.hash.eq_ignore_ascii_case(&listed.hash) {
        return Err(SourceError::malformed("its hash is another one than was listed"));
    }
    got.text()?.ok_or_else(|| SourceError::malformed("there is no text in it"))
}

/// Whether an answer is Charmhub's way to say that it does not know what was asked for
/// (`Items need to include 'library_id' or 'package_id'`, charmcraft issue 1721).
pub(super) fn is_refusal(status: u16, body: &[u8]) -> bool {
    let may_be = (400..500).contains(&status) && !matches!(status, 401 | 403 | 407 | 408 | 425 | 429);
    may_be
        && serde_json::from_slice::<serde_json::Value>(body)
            .is_ok_and(|body| body.get("error-list").is_some_and(serde_json::Value::is_array))
}

fn is_identifier(text: &str) -> bool {
    (1..=128).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
}

/// Returns the hash of a library as charmcraft computes it when it publishes one
/// (`get_lib_internals` in its `utils/charmlibs.py`): of all lines but those that start
/// with the fields that only say which version it is.
pub fn content_hash(text: &str) -> String {
    let mut digest = Sha256::new();
    for line in text.split_inclusive('\n') {
        if ["LIBAPI", "LIBPATCH", "LIBID"].iter().any(|field| line.starts_with(field)) {
            continue;
        }
        match line.strip_suffix("\r\n") {
            Some(line) => {
                digest.update(line);
                digest.update("\n");
            }
            None => digest.update(line),
        }
    }
    hex(&digest.finalize())
}
