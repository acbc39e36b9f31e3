//! What stands on command lines as `key=value`: settings, attributes, resources, bindings, secrets.

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

/// Where the value of a setting is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SettingValue {
    /// On the command line.
    Text(String),
    /// In a file, all of it.
    File(String),
}

impl SettingValue {
    /// A value that begins with `@` is in the file behind it.
    pub fn parse(text: &str) -> Self {
        match text.strip_prefix('@') {
            Some(path) => Self::File(path.to_owned()),
            None => Self::Text(text.to_owned()),
        }
    }
}

/// What `--config` was given, in all of its repetitions.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ConfigFlags {
    /// Files with settings, in order.
    pub files: Vec<String>,
    /// Settings, which win over those in files. Of several with a key, the last holds.
    pub settings: BTreeMap<String, SettingValue>,
}

impl ConfigFlags {
    /// Reads every `--config`; what has no equals sign is the path of a file.
    pub fn parse<T: AsRef<str>>(texts: &[T]) -> Self {
        let mut flags = Self::default();
        for text in texts {
            match text.as_ref().split_once('=') {
                Some((key, value)) => {
                    flags.settings.insert(key.to_owned(), SettingValue::parse(value));
                }
                None => flags.files.push(text.as_ref().to_owned()),
            }
        }
        flags
    }
}

/// What stands behind an application in `juju config`, or behind `juju model-config`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ConfigArguments {
    /// The key whose value is asked for. The command line has at most one.
    pub key: Option<String>,
    /// Settings to make.
    pub settings: BTreeMap<String, SettingValue>,
}

impl ConfigArguments {
    /// Reads keys and settings of a command line that has been found good.
    pub fn parse<T: AsRef<str>>(texts: &[T]) -> Self {
        let mut arguments = Self::default();
        for text in texts {
            match text.as_ref().split_once('=') {
                Some((key, value)) => {
                    arguments.settings.insert(key.to_owned(), SettingValue::parse(value));
                }
                None => arguments.key = Some(text.as_ref().to_owned()),
            }
        }
        arguments
    }
}

/// The keys of every `--reset`.
pub fn parse_reset_keys<T: AsRef<str>>(lists: &[T]) -> Vec<String> {
    let keys = lists.iter().flat_map(|list| list.as_ref().trim_matches(',').split(','));
    keys.map(str::to_owned).collect()
}

/// What a resource is to be taken from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResourceArgument {
    /// The resource's name in the charm's metadata.
    pub name: String,
    /// A path, an image, or a revision on Charmhub; the kind of resource decides.
    pub value: String,
}

impl ResourceArgument {
    /// Reads `name=value`.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (name, value) =
            text.split_once('=').ok_or_else(|| format!("badly formatted name value pair: {text}"))?;
        Ok(Self { name: name.to_owned(), value: value.to_owned() })
    }

    /// The revision on Charmhub, where the value is a number.
    pub fn revision(&self) -> Option<u32> {
        self.value.parse().ok()
    }
}

/// Spaces by endpoint. The empty endpoint stands for all that are not named.
pub fn parse_bindings(text: &str) -> Result<BTreeMap<String, String>, String> {
    let refuse = |reason: &str| {
        Err(format!("--bind must be in the form '[<default-space>] [<endpoint-name>=<space> ...]'; {reason}"))
    };
    let mut bindings = BTreeMap::new();
    for word in text.split_whitespace() {
        let parts: Vec<&str> = word.split('=').collect();
        let (endpoint, space) = match parts.as_slice() {
            [space] => ("", *space),
            ["", _] => {
                return refuse(
                    "found \"=\" without endpoint name. Use a lone space name to set the default.",
                );
            }
            [endpoint, space] => (*endpoint, *space),
            _more => {
                return refuse(
                    "found multiple \"=\" in binding. Did you forget to space-separate the binding list?",
                );
            }
        };
        bindings.insert(endpoint.to_owned(), space.trim_matches('"').to_owned());
    }
    Ok(bindings)
}

/// Where the value of a secret's key is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretValue {
    /// As it is.
    Text(String),
    /// In base64 already.
    Encoded(String),
    /// In a file, all of it.
    File(String),
}

/// The largest value of a key of a secret.
pub const MAX_SECRET_VALUE_BYTES: usize = 8 * 1024;
/// The most that all values of a secret may have together.
pub const MAX_SECRET_BYTES: usize = 64 * 1024;

/// Whether a secret can have the key: at least three lower case letters, digits and single
/// hyphens, beginning with a letter.
pub fn is_secret_key(key: &str) -> bool {
    let letters = key.bytes().filter(|byte| *byte != b'-').count();
    key.starts_with(|first: char| first.is_ascii_lowercase())
        && letters >= 3
        && key.split('-').all(|word| {
            !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
        })
}

/// Keys and values of a secret as `key=value`, `key#base64=value` and `key#file=path`.
pub fn parse_secret_values<T: AsRef<str>>(texts: &[T]) -> Result<BTreeMap<String, SecretValue>, String> {
    let mut values = BTreeMap::new();
    for text in texts.iter().map(AsRef::as_ref) {
        // Base64 ends in equals signs, which are not the one behind the key.
        let at = text.trim_end_matches('=').find('=').filter(|at| *at > 0);
        let at = at.ok_or_else(|| format!("key value {} not valid", quote(text)))?;
        let (key, value) = (&text[..at], text[at + 1..].to_owned());
        let (key, value) = if let Some(key) = key.strip_suffix("#file") {
            (key, SecretValue::File(value))
        } else if let Some(key) = key.strip_suffix("#base64") {
            (key, SecretValue::Encoded(value))
        } else {
            (key, SecretValue::Text(value))
        };
        if !is_secret_key(key) {
            return Err(format!("key {} not valid", quote(key)));
        }
        values.insert(key.to_owned(), value);
    }
    Ok(values)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn attributes() {
        let check = |text: &str, expected: Result<&str, &str>| {
            let found = parse_attributes(&[text]).map(|attributes| format!("{attributes:?}"));
            assert_eq!(found, expected.map(str::to_owned).map_err(str::to_owned), "{text}");
        };
        check("a=1", Ok(r#"{"a": "1"}"#));
        check("a=b=c", Ok(r#"{"a": "b=c"}"#));
        check("a", Err(r#"expected "key=value", got "a""#));
        check("a=", Err(r#"expected "key=value", got "a=""#));
        assert_eq!(parse_attributes(&["a=1", "a=2"]), Err(r#"key "a" specified more than once"#.to_owned()));
    }

    #[test]
    fn settings_and_files_of_settings() {
        let flags = ConfigFlags::parse(&["a=1", "./x.yaml", "b=@./b.txt", "a=2=3"]);
        assert_eq!(flags.files, ["./x.yaml"]);
        assert_eq!(flags.settings["a"], SettingValue::Text("2=3".to_owned()));
        assert_eq!(flags.settings["b"], SettingValue::File("./b.txt".to_owned()));
        let arguments = ConfigArguments::parse(&["key"]);
        assert_eq!(arguments.key.as_deref(), Some("key"));
        assert_eq!(parse_reset_keys(&["a,b", ",c,"]), ["a", "b", "c"]);
    }

    #[test]
    fn resources() {
        let resource = ResourceArgument::parse("image=ghcr.io/x:1").unwrap();
        assert_eq!((resource.name.as_str(), resource.value.as_str()), ("image", "ghcr.io/x:1"));
        assert_eq!(resource.revision(), None);
        assert_eq!(ResourceArgument::parse("image=3").unwrap().revision(), Some(3));
        assert_eq!(
            ResourceArgument::parse("image"),
            Err("badly formatted name value pair: image".to_owned())
        );
    }

    #[test]
    fn bindings() {
        let bindings = parse_bindings("alpha db=alpha web=\"dmz\"").unwrap();
        assert_eq!(format!("{bindings:?}"), r#"{"": "alpha", "db": "alpha", "web": "dmz"}"#);
        assert!(parse_bindings("=a").unwrap_err().contains("without endpoint name"));
        assert!(parse_bindings("a=b=c").unwrap_err().contains("multiple \"=\""));
    }

    #[test]
    fn secrets() {
        let values = parse_secret_values(&["token=a=b", "other#base64=YQ==", "third#file=./x"]).unwrap();
        assert_eq!(values["token"], SecretValue::Text("a=b".to_owned()));
        assert_eq!(values["other"], SecretValue::Encoded("YQ==".to_owned()));
        assert_eq!(values["third"], SecretValue::File("./x".to_owned()));
        let check = |text: &str, expected: &str| {
            assert_eq!(parse_secret_values(&[text]), Err(expected.to_owned()));
        };
        check("foo", r#"key value "foo" not valid"#);
        check("=foo", r#"key value "=foo" not valid"#);
        check("fo=bar", r#"key "fo" not valid"#);
        check("Foo=bar", r#"key "Foo" not valid"#);
        check("fo--o=bar", r#"key "fo--o" not valid"#);
        assert!(
            is_secret_key("a-b-c") && is_secret_key("abc") && !is_secret_key("a-b") && !is_secret_key("abc-")
        );
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(texts in proptest::collection::vec("\\PC{0,12}|[a-z#=@,-]{0,12}", 0..4)) {
            let _ = parse_attributes(&texts);
            let _ = ConfigFlags::parse(&texts);
            let _ = ConfigArguments::parse(&texts);
            let _ = parse_reset_keys(&texts);
            let _ = parse_secret_values(&texts);
            for text in &texts {
                let _ = (ResourceArgument::parse(text), parse_bindings(text));
            }
        }

        #[test]
        fn printed_bindings_are_read_again(
            bindings in proptest::collection::btree_map("[a-z]{0,5}", "[a-z]{1,5}", 0..4),
        ) {
            let words: Vec<String> = bindings
                .iter()
                .map(|(endpoint, space)| {
                    if endpoint.is_empty() { space.clone() } else { format!("{endpoint}={space}") }
                })
                .collect();
            prop_assert_eq!(parse_bindings(&words.join(" ")), Ok(bindings));
        }
    }
}
