//! Which names are valid, and why one is not.

use std::fmt;

use crate::values::go::quote;

/// Why a name is not one, in Juju's words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidName(pub String);

/// Lower case words of letters and digits joined by hyphens. The first begins with a letter, and
/// every later one has a letter, so that no name ends in a number behind a hyphen.
fn is_hyphenated(name: &str) -> bool {
    name.split('-').enumerate().all(|(index, word)| {
        let is_plain = word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
        let has_letter = word.bytes().any(|byte| byte.is_ascii_lowercase());
        let begins_well = index > 0 || word.starts_with(|first: char| first.is_ascii_lowercase());
        is_plain && has_letter && begins_well
    })
}

/// A number without leading zeros, as ids and ordinals are.
fn is_number(text: &str) -> bool {
    text == "0"
        || (!text.is_empty() && !text.starts_with('0') && text.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Whether an application can have the name.
pub fn is_application(name: &str) -> bool {
    is_hyphenated(name)
}

/// Whether an application can have the name, and why not.
pub fn check_application(name: &str) -> Result<(), InvalidName> {
    if is_application(name) {
        return Ok(());
    }
    let invalid = format!("invalid application name {}", quote(name));
    if name.chars().any(|character| character.is_ascii_uppercase()) {
        return Err(InvalidName(format!("{invalid}, unexpected uppercase character")));
    }
    let last_word = name.rsplit_once('-').map_or("", |(_, word)| word);
    if !last_word.is_empty() && last_word.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(InvalidName(format!("{invalid}, unexpected number(s) found after last hyphen")));
    }
    let unexpected = name
        .chars()
        .find(|character| !(character.is_ascii_lowercase() || character.is_numeric() || *character == '-'));
    match unexpected {
        Some(character) => Err(InvalidName(format!("{invalid}, unexpected character {character}"))),
        None => Err(InvalidName(invalid)),
    }
}

/// Whether a unit can have the name, such as `app/0`.
pub fn is_unit(name: &str) -> bool {
    split_unit(name).is_some()
}

/// The application and the ordinal of a unit's name.
pub fn split_unit(name: &str) -> Option<(&str, u32)> {
    let (application, ordinal) = name.split_once('/')?;
    if !is_application(application) || !is_number(ordinal) {
        return None;
    }
    Some((application, ordinal.parse().ok()?))
}

/// Whether a machine or a container in one can have the id, such as `0` or `0/lxd/1`.
pub fn is_machine(id: &str) -> bool {
    let mut parts = id.split('/');
    let Some(machine) = parts.next() else { return false };
    if !is_number(machine) {
        return false;
    }
    loop {
        let Some(kind) = parts.next() else { return true };
        let Some(number) = parts.next() else { return false };
        if kind.is_empty() || !kind.bytes().all(|byte| byte.is_ascii_lowercase()) || !is_number(number) {
            return false;
        }
    }
}

/// Whether the text is a kind of container that Juju knows.
pub fn is_container_type(text: &str) -> bool {
    matches!(text, "lxd" | "kvm")
}

/// Whether a model can have the name, which has no owner and no controller in it.
pub fn is_model(name: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    name.bytes().next().is_some_and(is_plain) && name.bytes().all(|byte| is_plain(byte) || byte == b'-')
}

/// Whether the text is a model's UUID in full.
pub fn is_model_uuid(text: &str) -> bool {
    let lengths: Vec<usize> = text.split('-').map(str::len).collect();
    let is_hexadecimal = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte) || byte == b'-';
    lengths == [8, 4, 4, 4, 12] && text.bytes().all(is_hexadecimal)
}

/// Whether a user can have the name, with or without a domain behind `@`.
pub fn is_user(name: &str) -> bool {
    let is_part = |part: &str| {
        let is_edge = |character: char| character.is_ascii_alphanumeric();
        part.len() >= 2
            && part.starts_with(is_edge)
            && part.ends_with(is_edge)
            && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'+' | b'-'))
    };
    match name.split_once('@') {
        Some((user, domain)) => is_part(user) && is_part(domain),
        None => is_part(name),
    }
}

/// Whether a cloud can have the name.
pub fn is_cloud(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_alphanumeric())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'))
}

/// Whether a credential can have the name.
pub fn is_cloud_credential(name: &str) -> bool {
    let is_inner =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'@' | b'_' | b'+' | b'-');
    name.starts_with(|first: char| first.is_ascii_alphabetic()) && name.bytes().all(is_inner)
}

/// Whether a task can have the id.
pub fn is_action(id: &str) -> bool {
    is_number(id)
}

/// Whether an operation can have the id.
pub fn is_operation(id: &str) -> bool {
    is_number(id)
}

/// Whether a storage in a charm's metadata can have the name.
pub fn is_storage_label(name: &str) -> bool {
    is_hyphenated(name)
}

/// Whether a storage instance can have the id, such as `data/0`.
pub fn is_storage(id: &str) -> bool {
    id.split_once('/').is_some_and(|(label, number)| is_storage_label(label) && is_number(number))
}

/// Whether a text names a secret, as the value of an option does: `secret:9m4e2mr0ui3e8a215n4g`, with the id of
/// the model that it is from in front of its own if it is from another one (core/secrets, `ParseURI`).
pub fn is_secret_uri(text: &str) -> bool {
    const ID_LENGTH: usize = 20;
    let path = text.strip_prefix("secret:").unwrap_or(text).trim_start_matches('/');
    let (source, id) = path.split_once('/').map_or((None, path), |(source, id)| (Some(source), id));
    source.is_none_or(is_model_uuid)
        && id.len() == ID_LENGTH
        && id.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'v').contains(&byte))
}

/// Whether an endpoint of a relation can have the name, as people type it behind a colon.
pub fn is_relation_endpoint(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_lowercase())
        && name.split(['-', '_']).all(|word| {
            !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
        })
}

/// Whether an action, or a part of a parameter's key, can have the name: lower case letters,
/// digits and hyphens, with no hyphen at either end.
pub fn is_key(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with('-')
        && !name.ends_with('-')
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

/// What commands take that accept `app/leader` in place of a unit.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum UnitOrLeader {
    /// The unit with this ordinal.
    Unit {
        /// The application's name.
        application: String,
        /// The unit's ordinal.
        ordinal: u32,
    },
    /// Whichever unit leads the application now.
    Leader {
        /// The application's name.
        application: String,
    },
}

impl UnitOrLeader {
    /// Reads `app/0` or `app/leader`.
    pub fn parse(text: &str) -> Option<Self> {
        if let Some((application, ordinal)) = split_unit(text) {
            return Some(Self::Unit { application: application.to_owned(), ordinal });
        }
        let application = text.strip_suffix("/leader").filter(|name| is_application(name))?;
        Some(Self::Leader { application: application.to_owned() })
    }

    /// The name of the unit's application.
    pub fn application(&self) -> &str {
        match self {
            Self::Unit { application, .. } | Self::Leader { application } => application,
        }
    }
}

impl fmt::Display for UnitOrLeader {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unit { application, ordinal } => write!(formatter, "{application}/{ordinal}"),
            Self::Leader { application } => write!(formatter, "{application}/leader"),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_of_applications() {
        let check = |name: &str, expected: &str| {
            let found = check_application(name).map_or_else(|invalid| invalid.0, |()| "fine".to_owned());
            assert_eq!(found, expected);
        };
        check("tinyproxy", "fine");
        check("a1-b2c", "fine");
        check("a-1b", "fine");
        check("Foo", r#"invalid application name "Foo", unexpected uppercase character"#);
        check("foo-1", r#"invalid application name "foo-1", unexpected number(s) found after last hyphen"#);
        check("foo_bar", r#"invalid application name "foo_bar", unexpected character _"#);
        check("foo é", r#"invalid application name "foo é", unexpected character  "#);
        check("1foo", r#"invalid application name "1foo""#);
        check("foo-", r#"invalid application name "foo-""#);
        check("foo-1-bar", r#"invalid application name "foo-1-bar""#);
        check("", r#"invalid application name """#);
    }

    #[test]
    fn names_of_units_and_machines() {
        for name in ["a/0", "my-app/12"] {
            assert!(is_unit(name), "{name}");
        }
        for name in ["a", "a/", "a/01", "/0", "a/-1", "a/0/1", "A/0", "a/leader"] {
            assert!(!is_unit(name), "{name}");
        }
        for id in ["0", "12", "0/lxd/0", "1/kvm/2/lxd/3"] {
            assert!(is_machine(id), "{id}");
        }
        for id in ["", "a", "01", "0/", "0/lxd", "0/LXD/0", "-1", "0/lxd/01"] {
            assert!(!is_machine(id), "{id}");
        }
    }

    #[test]
    fn names_of_models_users_and_clouds() {
        for name in ["m", "test-model-1", "0a", "a-"] {
            assert!(is_model(name), "{name}");
        }
        for name in ["", "-a", "A", "a_b", "a.b", "admin/m"] {
            assert!(!is_model(name), "{name}");
        }
        assert!(is_model_uuid("0db12a1f-5f4a-4bd8-8b4c-a8c5a8f2d6f0"));
        assert!(!is_model_uuid("0db12a1f-5f4a-4bd8-8b4c-a8c5a8f2d6f"));
        for name in ["admin", "bob.smith", "bob@external", "a1"] {
            assert!(is_user(name), "{name}");
        }
        for name in ["", "a", ".bob", "bob.", "bob@", "b b"] {
            assert!(!is_user(name), "{name}");
        }
        assert!(is_cloud("localhost") && is_cloud("my_cloud.1") && !is_cloud("-a") && !is_cloud(""));
        assert!(is_cloud_credential("cred1") && !is_cloud_credential("1cred"));
    }

    #[test]
    fn units_and_leaders() {
        assert_eq!(
            UnitOrLeader::parse("a/3"),
            Some(UnitOrLeader::Unit { application: "a".to_owned(), ordinal: 3 })
        );
        assert_eq!(
            UnitOrLeader::parse("a/leader"),
            Some(UnitOrLeader::Leader { application: "a".to_owned() })
        );
        assert_eq!(UnitOrLeader::parse("a/follower"), None);
        assert_eq!(UnitOrLeader::parse("/leader"), None);
    }

    proptest! {
        #[test]
        fn any_text_is_a_name_or_not(text in "\\PC*") {
            let _ = (is_machine(&text), is_user(&text), is_cloud(&text), is_storage(&text), is_key(&text));
            prop_assert_eq!(check_application(&text).is_ok(), is_application(&text));
            if let Some(unit) = UnitOrLeader::parse(&text) {
                prop_assert_eq!(unit.to_string(), text);
            }
        }

        #[test]
        fn unit_names_are_printed_as_they_were_read(name in "[a-z][a-z0-9]{0,4}(-[a-z]{1,3}){0,2}/(0|[1-9][0-9]{0,3}|leader)") {
            prop_assert_eq!(UnitOrLeader::parse(&name).map(|unit| unit.to_string()), Some(name));
        }
    }
}
