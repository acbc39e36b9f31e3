//! What reading the arguments of a tool may look at.

use std::collections::BTreeMap;

use camino::Utf8Path;
use charmproof_charm::yaml::{self, Value};
use charmproof_lifecycle::vocabulary::Scope;

use super::ToolCall;
use super::failure::{Attempt, Failure, quoted};
use super::flags::Arguments;
use crate::state::{HookContext, State};

/// The hook, the model, and what came with the call.
#[derive(Clone, Copy)]
pub(super) struct View<'a> {
    pub(super) state: &'a State,
    pub(super) context: &'a HookContext,
    pub(super) call: &'a ToolCall,
}

impl View<'_> {
    /// Returns the relation that the hook is about.
    pub(super) fn hook_relation(&self) -> Option<u32> {
        let hook = &self.context.hook;
        hook.relation_id.filter(|_| hook.kind.scope() == Scope::Relation)
    }

    /// Returns the storage that the hook is about.
    pub(super) fn hook_storage(&self) -> Option<&str> {
        let hook = &self.context.hook;
        hook.storage_id.as_deref().filter(|_| hook.kind.scope() == Scope::Storage)
    }

    /// Reads `3` or `db:3`.
    pub(super) fn read_relation(&self, text: &str) -> Result<u32, String> {
        let (endpoint, number) = match text.rsplit_once(':') {
            Some((endpoint, number)) => (Some(endpoint), number),
            None => (None, text),
        };
        let id = number.parse::<i64>().map_err(|_| "invalid relation id".to_owned())?;
        let known = u32::try_from(id).ok().filter(|id| {
            let is_at = |endpoint: &str| {
                self.state
                    .relations
                    .get(id)
                    .and_then(|relation| relation.end_of(&self.context.application))
                    .is_some_and(|end| end.endpoint == endpoint)
            };
            self.context.has_relation(self.state, *id) && endpoint.is_none_or(is_at)
        });
        known.ok_or_else(|| "relation not found".to_owned())
    }

    /// Returns the relation that is named, or else the one that the hook is about.
    pub(super) fn relation(&self, arguments: &Arguments) -> Attempt<Option<u32>> {
        let named = arguments.read("r", |text| self.read_relation(text))?;
        Ok(named.or_else(|| self.hook_relation()))
    }

    /// The same, for tools that need one.
    pub(super) fn needed_relation(&self, arguments: &Arguments) -> Attempt<u32> {
        self.relation(arguments)?.ok_or_else(|| Failure::usage("no relation id specified"))
    }

    /// Returns what a file holds that an option names; `-` is standard input.
    pub(super) fn file(&self, path: &str) -> Attempt<&[u8]> {
        if path == "-" {
            return Ok(self.call.stdin.as_deref().unwrap_or_default());
        }
        self.call
            .attachments
            .get(path)
            .map(Vec::as_slice)
            .ok_or_else(|| Failure::refused(format!("open {path}: no such file or directory")))
    }

    /// Returns the keys and values of `KEY=VALUE` arguments, over those of the file that
    /// `--file` names.
    pub(super) fn settings(&self, arguments: &mut Arguments) -> Attempt<BTreeMap<String, String>> {
        let overrides = key_values(&std::mem::take(&mut arguments.positional), true)?;
        let mut settings = match arguments.text("file") {
            Some(path) => yaml_settings(self.file(&path)?)?,
            None => BTreeMap::new(),
        };
        settings.extend(overrides);
        Ok(settings)
    }
}

/// Reads `KEY=VALUE` arguments.
pub(super) fn key_values(arguments: &[String], may_be_empty: bool) -> Attempt<BTreeMap<String, String>> {
    let mut settings = BTreeMap::new();
    for argument in arguments {
        let pair = argument
            .split_once('=')
            .filter(|(key, value)| !key.is_empty() && (may_be_empty || !value.is_empty()));
        let Some((key, value)) = pair else {
            return Err(Failure::usage(format!("expected \"key=value\", got {}", quoted(argument))));
        };
        if settings.insert(key.to_owned(), value.to_owned()).is_some() {
            return Err(Failure::usage(format!("key {} specified more than once", quoted(key))));
        }
    }
    Ok(settings)
}

/// Reads a YAML map of texts. Numbers and the like are taken as they are written, and null
/// as nothing, as Go does when it is asked for texts.
pub(super) fn yaml_settings(content: &[u8]) -> Attempt<BTreeMap<String, String>> {
    let text =
        std::str::from_utf8(content).map_err(|_| Failure::refused("yaml: invalid leading UTF-8 octet"))?;
    if has_surrogates(text) {
        return Err(Failure::refused("yaml: found invalid Unicode character escape code"));
    }
    let (root, _) = yaml::parse(Utf8Path::new("settings"), text).map_err(|broken| {
        Failure::refused(format!("yaml: line {}: {}", broken.place.line, broken.message))
    })?;
    let mut settings = BTreeMap::new();
    match &root.value {
        Value::Mapping(entries) => {
            for entry in entries {
                let value = match &entry.value.value {
                    Value::Scalar { .. } => entry.value.text().unwrap_or_default().to_owned(),
                    Value::Sequence(_) => return Err(not_text("!!seq", entry.value.place.line)),
                    Value::Mapping(_) => return Err(not_text("!!map", entry.value.place.line)),
                };
                settings.insert(entry.key.clone(), value);
            }
        }
        Value::Scalar { .. } if root.text().is_none() => {}
        Value::Scalar { .. } => return Err(not_map("!!str", root.place.line)),
        Value::Sequence(_) => return Err(not_map("!!seq", root.place.line)),
    }
    Ok(settings)
}

/// Whether it is JSON in which a character beyond the first 65,536 is written as two
/// escapes, `\ud83d\ude00`. YAML has no such pairs, and Go refuses them: what ops 3 writes for
/// an emoji is no text to Juju.
fn has_surrogates(text: &str) -> bool {
    let bytes = text.as_bytes();
    let mut is_escaped = false;
    let is_found = bytes.iter().enumerate().any(|(index, byte)| {
        let begins_escape = is_escaped;
        is_escaped = *byte == b'\\' && !is_escaped;
        begins_escape
            && *byte == b'u'
            && matches!(bytes.get(index + 1), Some(b'd' | b'D'))
            && matches!(bytes.get(index + 2), Some(b'8'..=b'9' | b'a'..=b'f' | b'A'..=b'F'))
    });
    is_found && serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok()
}

fn not_text(kind: &str, line: usize) -> Failure {
    Failure::refused(format!("yaml: unmarshal errors:\n  line {line}: cannot unmarshal {kind} into string"))
}

fn not_map(kind: &str, line: usize) -> Failure {
    Failure::refused(format!(
        "yaml: unmarshal errors:\n  line {line}: cannot unmarshal {kind} into map[string]string"
    ))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn settings_are_read_from_yaml_and_json() {
        let check = |text: &str, expected: &[(&str, &str)]| {
            let expected: BTreeMap<String, String> =
                expected.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
            assert_eq!(yaml_settings(text.as_bytes()), Ok(expected), "{text}");
        };
        check("{\"a\": \"1\", \"b\": \"\"}", &[("a", "1"), ("b", "")]);
        check("a: 1\nb: true\nc:\nd: 0.10\n", &[("a", "1"), ("b", "true"), ("c", ""), ("d", "0.10")]);
        check("a: |\n  one\n  two\n", &[("a", "one\ntwo\n")]);
        check("{\"a\": \"\\u00e9\\n\"}", &[("a", "é\n")]);
        check(r#"{"a": "\\ud83d"}"#, &[("a", r"\ud83d")]);
        check(r#"a: "\U0001F600""#, &[("a", "😀")]);
        check("", &[]);
    }

    #[test]
    fn what_is_no_map_of_texts_is_refused() {
        let check = |text: &str, expected: &str| {
            assert_eq!(yaml_settings(text.as_bytes()), Err(Failure::refused(expected)), "{text}");
        };
        check(r#"{"a": "\ud83d\ude00"}"#, "yaml: found invalid Unicode character escape code");
        check("a: [1]", "yaml: unmarshal errors:\n  line 1: cannot unmarshal !!seq into string");
        check("[]", "yaml: unmarshal errors:\n  line 1: cannot unmarshal !!seq into map[string]string");
        assert!(yaml_settings(b"a: [").is_err());
        assert!(yaml_settings(b"\xff").is_err());
    }

    proptest! {
        #[test]
        fn any_json_map_of_texts_is_read_as_it_was_written(
            settings in proptest::collection::btree_map("[a-z]{1,6}", "[ -~é\n\t]{0,12}", 0..5),
        ) {
            let text = serde_json::to_string(&settings).unwrap();
            prop_assert_eq!(yaml_settings(text.as_bytes()), Ok(settings));
        }

        #[test]
        fn any_bytes_are_settings_or_are_not(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            let _ = yaml_settings(&bytes);
        }
    }
}
