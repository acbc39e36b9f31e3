//! Settings and attributes as `key=value`.

use std::collections::BTreeMap;

use crate::values::go::quote;

/// Attributes as `key=value`, with each key once and no value empty.
pub fn parse_attributes<T: AsRef<str>>(texts: &[T]) -> Result<BTreeMap<String, String>, String> {
    let mut attributes = BTreeMap::new();
    for text in texts.iter().map(AsRef::as_ref).filter(|text| !text.is_empty()) {
        let (key, value) =
            text.split_once('=').ok_or_else(|| format!("expected \"key=value\", got {}", quote(text)))?;
        let (key, value) = (key.trim(), value.trim());
        if key.is_empty() || value.is_empty() {
            return Err(format!("expected \"key=value\", got \"{key}={value}\""));
        }
        if attributes.insert(key.to_owned(), value.to_owned()).is_some() {
            return Err(format!("key {} specified more than once", quote(key)));
        }
    }
    Ok(attributes)
}
