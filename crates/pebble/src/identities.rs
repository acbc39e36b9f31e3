//! Identities: who may use the API, as it is told. They are kept and shown, with secrets left out.
//!
//! Nobody is refused for lack of one: whoever reaches the socket is an administrator, as in a charm.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::plan::quoted;

/// An identity as a request has it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Identity {
    #[serde(default)]
    access: String,
    local: Option<Local>,
    basic: Option<Basic>,
    cert: Option<Certificate>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
struct Local {
    #[serde(rename = "user-id")]
    user_id: Option<u32>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
struct Basic {
    #[serde(default)]
    password: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
struct Certificate {
    #[serde(default)]
    pem: String,
}

/// All identities.
#[derive(Debug, Clone, Default)]
pub(crate) struct Identities(BTreeMap<String, Identity>);

impl Identities {
    /// The identities as the API has them.
    pub(crate) fn to_json(&self) -> Value {
        let shown = self.0.iter().map(|(name, identity)| {
            let mut value = json!({"access": identity.access});
            if let Some(local) = &identity.local {
                value["local"] = json!({"user-id": local.user_id});
            }
            if identity.basic.is_some() {
                value["basic"] = json!({"password": "*****"});
            }
            if identity.cert.is_some() {
                value["cert"] = json!({"pem": "*****"});
            }
            (name.clone(), value)
        });
        Value::Object(shown.collect())
    }

    /// Does what a request asks for. If it fails, nothing has changed.
    pub(crate) fn change(
        &mut self,
        action: &str,
        identities: BTreeMap<String, Option<Identity>>,
    ) -> Result<(), String> {
        for (name, identity) in &identities {
            if let Some(identity) = identity {
                validate(name, identity)
                    .map_err(|error| format!("invalid identity for {}: {error}", quoted(name)))?;
            }
        }
        let must_be = |what: &str, is_wrong: fn(&Option<Identity>) -> bool| match identities
            .iter()
            .find(|(_, identity)| is_wrong(identity))
        {
            None => Ok(()),
            Some((name, _)) => {
                Err(format!("identity value for {} must {what} for {action} operation", quoted(name)))
            }
        };
        let names = |is_wrong: &dyn Fn(&String) -> bool, message: &str| {
            let wrong: Vec<&str> =
                identities.keys().filter(|name| is_wrong(name)).map(String::as_str).collect();
            if wrong.is_empty() { Ok(()) } else { Err(format!("{message}: {}", wrong.join(", "))) }
        };
        match action {
            "add" => {
                must_be("not be null", Option::is_none)?;
                names(&|name| self.0.contains_key(name), "identities already exist")?;
            }
            "update" => {
                must_be("not be null", Option::is_none)?;
                names(&|name| !self.0.contains_key(name), "identities do not exist")?;
            }
            "replace" => {}
            "remove" => {
                must_be("be null", Option::is_some)?;
                names(&|name| !self.0.contains_key(name), "identities do not exist")?;
            }
            other => {
                return Err(format!(
                    "invalid action {}, must be \"add\", \"update\", \"replace\", or \"remove\"",
                    quoted(other)
                ));
            }
        }
        let mut changed = self.0.clone();
        for (name, identity) in identities {
            match identity {
                Some(identity) => drop(changed.insert(name, identity)),
                None => drop(changed.remove(&name)),
            }
        }
        only_one_of_each_user(&changed)?;
        self.0 = changed;
        Ok(())
    }
}

fn validate(name: &str, identity: &Identity) -> Result<(), String> {
    if identity.local.as_ref().is_some_and(|local| local.user_id.is_none()) {
        return Err("local identity must specify user-id".into());
    }
    if let Some(certificate) = &identity.cert {
        let text = certificate.pem.trim();
        if !text.starts_with("-----BEGIN ") || !text.contains("-----END ") {
            return Err("cert identity must include a PEM-encoded certificate".into());
        }
        if !text.ends_with("-----") || text.matches("-----END ").count() > 1 {
            return Err("cert identity cannot have extra data after the PEM block".into());
        }
    }
    let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'));
    if !is_name {
        return Err(format!(
            "identity name {} invalid: must start with an alphabetic character and only contain \
             alphanumeric characters, underscore, and hyphen",
            quoted(name)
        ));
    }
    match identity.access.as_str() {
        "admin" | "read" | "metrics" | "untrusted" => {}
        "" => {
            return Err(
                "access value must be specified (\"admin\", \"read\", \"metrics\", or \"untrusted\")".into(),
            );
        }
        other => {
            return Err(format!(
                "invalid access value {}, must be \"admin\", \"read\", \"metrics\", or \"untrusted\"",
                quoted(other)
            ));
        }
    }
    if identity.basic.as_ref().is_some_and(|basic| basic.password.is_empty()) {
        return Err("basic identity must specify password (hashed)".into());
    }
    if identity.local.is_none() && identity.basic.is_none() && identity.cert.is_none() {
        return Err("identity must have at least one type (\"local\", \"basic\", or \"cert\")".into());
    }
    Ok(())
}

fn only_one_of_each_user(identities: &BTreeMap<String, Identity>) -> Result<(), String> {
    let mut names: BTreeMap<u32, Vec<&str>> = BTreeMap::new();
    for (name, identity) in identities {
        if let Some(user) = identity.local.as_ref().and_then(|local| local.user_id) {
            names.entry(user).or_default().push(name);
        }
    }
    match names.iter().find(|(_, names)| names.len() > 1) {
        None => Ok(()),
        Some((user, names)) => {
            Err(format!("cannot have multiple identities with user ID {user} ({})", names.join(", ")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identities_are_changed_or_refused_in_the_words_of_pebble() {
        let mut identities = Identities::default();
        let mut check = |action: &str, text: &str, expected: &str| {
            let parsed = serde_json::from_str(text).unwrap();
            let said = match identities.change(action, parsed) {
                Ok(()) => identities.to_json().to_string(),
                Err(error) => error,
            };
            assert_eq!(said, expected, "{action} {text}");
        };
        let bob = r#"{"bob":{"access":"admin","local":{"user-id":42}}}"#;
        check("add", bob, r#"{"bob":{"access":"admin","local":{"user-id":42}}}"#);
        check("add", bob, "identities already exist: bob");
        check(
            "replace",
            r#"{"web":{"access":"metrics","basic":{"password":"x"}},"bob":null}"#,
            r#"{"web":{"access":"metrics","basic":{"password":"*****"}}}"#,
        );
        check("update", bob, "identities do not exist: bob");
        check(
            "remove",
            r#"{"web":{"access":"read","basic":{"password":"x"}}}"#,
            "identity value for \"web\" must be null for remove operation",
        );
        check("add", r#"{"a":null}"#, "identity value for \"a\" must not be null for add operation");
        check(
            "add",
            r#"{"a":{"access":"read","local":{"user-id":1}},"b":{"access":"read","local":{"user-id":1}}}"#,
            "cannot have multiple identities with user ID 1 (a, b)",
        );
        check(
            "add",
            r#"{"a":{"access":"read","local":{}}}"#,
            "invalid identity for \"a\": local identity must specify user-id",
        );
        check(
            "add",
            r#"{"a":{"access":"all","local":{"user-id":1}}}"#,
            "invalid identity for \"a\": invalid access value \"all\", must be \"admin\", \"read\", \"metrics\", or \"untrusted\"",
        );
        check(
            "grow",
            "{}",
            "invalid action \"grow\", must be \"add\", \"update\", \"replace\", or \"remove\"",
        );
        check("remove", r#"{"web":null}"#, "{}");
    }
}
