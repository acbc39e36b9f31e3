//! What a user knows better than the stand-ins: a file in TOML.
//!
//! The file is for the life of a charm, not only for its programs: it also says what web services
//! answer, what options are set to, what applications on the other side of a relation write, and
//! which findings are known. Those parts are read here and used elsewhere.

use std::collections::BTreeMap;
use std::fmt;

use camino::{Utf8Path, Utf8PathBuf};
use charmproof_charm::metadata::{CharmMetadata, OptionType};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::glob;
use super::web::WebPlace;

/// Stands for any number of further arguments, at the end of a command.
const REST: &str = "**";

/// All rules of a file, in its order.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rules {
    /// Packages of apt.
    #[serde(default, rename = "package")]
    pub packages: Vec<PackageRule>,
    /// Snaps.
    #[serde(default, rename = "snap")]
    pub snaps: Vec<SnapRule>,
    /// What programs answer. The first that fits a call answers it.
    #[serde(default)]
    pub exec: Vec<ExecRule>,
    /// What web services answer. The first that fits a request answers it.
    #[serde(default)]
    pub http: Vec<HttpRule>,
    /// What the API server of Kubernetes answers. The first that fits a request answers it.
    #[serde(default)]
    pub kubernetes: Vec<KubernetesRule>,
    /// What configuration options are set to, by name.
    #[serde(default)]
    pub config: BTreeMap<String, ValuesRule>,
    /// What actions are called with, by name.
    #[serde(default)]
    pub actions: BTreeMap<String, ActionRule>,
    /// What `credential-get` tells an application that is trusted.
    pub credential: Option<CredentialRule>,
    /// What applications outside of the life write into relations.
    #[serde(default, rename = "remote")]
    pub remotes: Vec<RemoteRule>,
    /// Findings that are known.
    #[serde(default)]
    pub allow: Vec<AllowRule>,
}

/// A package of apt.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PackageRule {
    /// Its name; `*` and `?` as in file names.
    pub name: Pattern,
    /// Its version.
    pub version: Option<String>,
    /// Whether it can be installed.
    #[serde(default = "yes")]
    pub available: bool,
    /// The programs that it brings: names, or paths.
    pub programs: Option<Vec<String>>,
    /// The services that it brings, started and enabled.
    pub services: Option<Vec<String>>,
    /// The files that it brings, with what is in them.
    #[serde(default)]
    pub files: BTreeMap<Utf8PathBuf, String>,
}

/// A snap.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SnapRule {
    /// Its name; `*` and `?` as in file names.
    pub name: Pattern,
    /// Its version.
    pub version: Option<String>,
    /// Its revision.
    pub revision: Option<String>,
    /// Whether the store has it.
    #[serde(default = "yes")]
    pub available: bool,
    /// `strict`, `classic` or `devmode`.
    #[serde(default)]
    pub confinement: Confinement,
    /// The programs that it brings, besides one of its own name.
    #[serde(default)]
    pub programs: Vec<String>,
    /// Its services.
    pub services: Option<Vec<String>>,
}

/// What a snap may do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, strum::Display)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum Confinement {
    /// What its interfaces allow.
    #[default]
    Strict,
    /// Anything; it has to be asked for with `--classic`.
    Classic,
    /// Anything, while it is being developed.
    Devmode,
}

/// What a program answers.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExecRule {
    /// A pattern for each word of the call; `**` at the end stands for all further words. One text
    /// is split at blanks.
    #[serde(deserialize_with = "command")]
    pub command: Vec<String>,
    /// The exit code.
    #[serde(default)]
    pub exit: i32,
    /// What it prints.
    #[serde(default)]
    pub stdout: String,
    /// What it prints about what went wrong.
    #[serde(default)]
    pub stderr: String,
    /// The files that it writes.
    #[serde(default)]
    pub files: BTreeMap<Utf8PathBuf, String>,
    /// Whether it leaves a process behind.
    #[serde(default)]
    pub daemon: bool,
    /// Where that process's number is written.
    pub pid_file: Option<Utf8PathBuf>,
}

/// What a web service answers.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HttpRule {
    /// The method; any, if there is none.
    pub method: Option<String>,
    /// The address; `*` and `?` as in file names behind the host, which is written out.
    pub url: Pattern,
    /// The status.
    #[serde(default = "fine", deserialize_with = "status")]
    pub status: u16,
    /// Headers of the answer.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// What is sent: a text, or a table that is sent as JSON.
    #[serde(default, deserialize_with = "body")]
    pub body: String,
}

impl HttpRule {
    /// Whether the rule is for an address, which has no port where that is the usual one.
    fn fits(&self, url: &str) -> bool {
        let Ok(place) = WebPlace::of_rule(self) else { return false };
        let written = self.url.as_str();
        let after_scheme = written.find("://").map_or(0, |start| start + "://".len());
        let path_at = written[after_scheme..].find(['/', '?', '#']).map(|length| after_scheme + length);
        let path = path_at.map_or("/", |start| &written[start..]);
        glob::matches(&format!("{place}{path}"), url)
    }
}

/// What the API server of Kubernetes answers.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KubernetesRule {
    /// The method; any, if there is none.
    pub method: Option<String>,
    /// The path, with the query or without; `*` and `?` as in file names.
    pub path: Pattern,
    /// The status.
    #[serde(default = "fine", deserialize_with = "status")]
    pub status: u16,
    /// What is sent: a text, or a table that is sent as JSON.
    #[serde(default, deserialize_with = "body")]
    pub body: String,
}

/// The values that something may have: one of them is picked each time.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ValuesRule {
    /// The values.
    #[serde(deserialize_with = "values")]
    pub values: Vec<Value>,
}

/// What an action is called with.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ActionRule {
    /// Its parameters, by name.
    pub params: BTreeMap<String, ValuesRule>,
}

/// The credential of a cloud.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct CredentialRule {
    /// The kind of cloud: `lxd`, `aws`.
    pub r#type: String,
    /// The name of the cloud; its kind, if there is none.
    pub name: Option<String>,
    /// Its region.
    #[serde(default)]
    pub region: String,
    /// Where its API is.
    #[serde(default)]
    pub endpoint: String,
    /// How one authenticates: `certificate`, `access-key`.
    pub auth_type: String,
    /// What one authenticates with.
    #[serde(default)]
    pub attributes: BTreeMap<String, String>,
}

/// What an application outside of the life writes into a relation.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RemoteRule {
    /// The charm's endpoint of the relation.
    pub endpoint: Option<Pattern>,
    /// The relation's interface.
    pub interface: Option<Pattern>,
    /// What the application writes.
    #[serde(default)]
    pub app: BTreeMap<String, String>,
    /// What each of its units writes.
    #[serde(default)]
    pub unit: BTreeMap<String, String>,
}

/// A finding that is known.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AllowRule {
    /// Whose finding it is.
    pub oracle: Pattern,
    /// What it says; `*` and `?` as in file names. Any, if there is none.
    #[serde(rename = "match")]
    pub matching: Option<Pattern>,
    /// Why it is fine.
    pub reason: Reason,
}

/// A text with `*` and `?`, that is not empty.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct Pattern(String);

impl Pattern {
    /// Whether it stands for the whole of a text.
    pub fn matches(&self, text: &str) -> bool {
        glob::matches(&self.0, text)
    }

    /// The pattern as it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Pattern {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        if text.trim().is_empty() { Err("this must not be empty") } else { Ok(Self(text)) }
    }
}

impl From<Pattern> for String {
    fn from(pattern: Pattern) -> Self {
        pattern.0
    }
}

/// Why something is fine: a text that is not empty.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Reason(String);

impl Reason {
    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Reason {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        if text.trim().is_empty() {
            Err("a reason is for whoever reads this later: say why it is fine")
        } else {
            Ok(Self(text))
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

fn yes() -> bool {
    true
}

fn fine() -> u16 {
    200
}

fn status<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u16, D::Error> {
    let status = u16::deserialize(deserializer)?;
    if (100..600).contains(&status) {
        return Ok(status);
    }
    Err(serde::de::Error::custom(format!("{status} is no status of HTTP; they go from 100 to 599")))
}

fn values<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Value>, D::Error> {
    let values = Vec::<Value>::deserialize(deserializer)?;
    if values.is_empty() {
        return Err(serde::de::Error::custom("at least one value is needed"));
    }
    Ok(values)
}

fn body<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    match Value::deserialize(deserializer)? {
        Value::String(text) => Ok(text),
        json @ (Value::Object(_) | Value::Array(_)) => Ok(json.to_string()),
        Value::Null | Value::Bool(_) | Value::Number(_) => {
            Err(serde::de::Error::custom("a body is a text, or a table or list that is sent as JSON"))
        }
    }
}

fn command<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged, expecting = "a command is a text or a list of texts")]
    enum Written {
        Text(String),
        Words(Vec<String>),
    }
    let words = match Written::deserialize(deserializer)? {
        Written::Text(text) => text.split_whitespace().map(str::to_owned).collect(),
        Written::Words(words) => words,
    };
    match words.iter().position(|word| word == REST) {
        _ if words.is_empty() => {
            Err(serde::de::Error::custom("a command has at least the name of a program"))
        }
        Some(at) if at + 1 < words.len() => {
            Err(serde::de::Error::custom("`**` stands for all further arguments, so nothing can follow it"))
        }
        Some(_) | None => Ok(words),
    }
}

/// Whether a command of a rule fits the words of a call.
pub fn command_matches(command: &[String], words: &[String]) -> bool {
    let (command, goes_on) = match command.split_last() {
        Some((last, before)) if last == REST => (before, true),
        Some(_) | None => (command, false),
    };
    (words.len() == command.len() || (goes_on && words.len() > command.len()))
        && command.iter().zip(words).all(|(pattern, word)| glob::matches(pattern, word))
}

/// A file of rules that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}:{column}: {message}\n{snippet}")]
pub struct RulesError {
    /// The file.
    pub file: Utf8PathBuf,
    /// The line, from 1.
    pub line: usize,
    /// The column, from 1.
    pub column: usize,
    /// What is wrong, and what would be right.
    pub message: String,
    /// The line, with a mark below the place.
    pub snippet: String,
}

impl Rules {
    /// Reads the text of a file.
    pub fn parse(file: &Utf8Path, text: &str) -> Result<Self, RulesError> {
        let at = |offset: usize, message: String| {
            let place = charmproof_charm::Place::of_offset(text, offset);
            RulesError {
                file: file.to_owned(),
                line: place.line,
                column: place.column,
                message,
                snippet: place.snippet(text),
            }
        };
        let rules: Self = toml::from_str(text).map_err(|error| {
            at(error.span().map_or(0, |span| span.start), error.message().trim().to_owned())
        })?;
        // A table's place is not kept, so it is counted.
        let header = |kind: &str, index: usize| {
            let header = format!("[[{kind}]]");
            text.match_indices(&header).nth(index).map_or(0, |(offset, _)| offset)
        };
        for (index, remote) in rules.remotes.iter().enumerate() {
            if remote.endpoint.is_none() && remote.interface.is_none() {
                let message = "a [[remote]] needs an `endpoint` or an `interface`".to_owned();
                return Err(at(header("remote", index), message));
            }
        }
        for (index, http) in rules.http.iter().enumerate() {
            WebPlace::of_rule(http).map_err(|message| at(header("http", index), message))?;
        }
        for (index, exec) in rules.exec.iter().enumerate() {
            if exec.pid_file.is_some() && !exec.daemon {
                let message = "`pid_file` is for a process that stays: add `daemon = true`".to_owned();
                return Err(at(header("exec", index), message));
            }
            let relative = exec.files.keys().chain(&exec.pid_file).find(|path| !path.is_absolute());
            if let Some(path) = relative {
                return Err(at(header("exec", index), format!("`{path}` is not an absolute path")));
            }
        }
        for (index, package) in rules.packages.iter().enumerate() {
            if let Some(path) = package.files.keys().find(|path| !path.is_absolute()) {
                return Err(at(header("package", index), format!("`{path}` is not an absolute path")));
            }
        }
        Ok(rules)
    }

    /// Says what is asked of charms that none of them declares: options, actions, parameters, and
    /// values of another type.
    pub fn misfits(&self, charms: &[&CharmMetadata]) -> Vec<String> {
        let mut found = Vec::new();
        for (name, rule) in &self.config {
            let mut declared =
                charms.iter().flat_map(|charm| &charm.config_options).filter(|option| option.name == *name);
            let Some(option) = declared.next() else {
                found.push(format!("[config.{name}]: there is no option `{name}`"));
                continue;
            };
            for value in rule.values.iter().filter(|value| !is_of_type(option.kind, value)) {
                found.push(format!("[config.{name}]: {value} is not of the option's type"));
            }
        }
        for (name, rule) in &self.actions {
            let mut declared =
                charms.iter().flat_map(|charm| &charm.actions).filter(|action| action.name == *name);
            let Some(action) = declared.next() else {
                found.push(format!("[actions.{name}]: there is no action `{name}`"));
                continue;
            };
            for parameter in rule.params.keys() {
                if !action.parameters.iter().any(|known| known.name == *parameter) {
                    found.push(format!(
                        "[actions.{name}.params.{parameter}]: the action has no such parameter"
                    ));
                }
            }
        }
        found
    }

    /// The first rule for a package.
    pub(super) fn package(&self, name: &str) -> Option<&PackageRule> {
        self.packages.iter().find(|rule| rule.name.matches(name))
    }

    /// The first rule for a snap.
    pub(super) fn snap(&self, name: &str) -> Option<&SnapRule> {
        self.snaps.iter().find(|rule| rule.name.matches(name))
    }

    /// The first rule for a request of an address, with its number.
    pub fn http(&self, method: &str, url: &str) -> Option<(usize, &HttpRule)> {
        self.http.iter().enumerate().find(|(_, rule)| {
            rule.method.as_deref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(method)) && rule.fits(url)
        })
    }

    /// The first rule for a request of the API server, with its number.
    pub fn kubernetes(&self, method: &str, path: &str, target: &str) -> Option<(usize, &KubernetesRule)> {
        self.kubernetes.iter().enumerate().find(|(_, rule)| {
            rule.method.as_deref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(method))
                && (rule.path.matches(path) || rule.path.matches(target))
        })
    }

    /// The first rule for what an application outside writes into a relation.
    pub fn remote(&self, endpoint: &str, interface: &str) -> Option<&RemoteRule> {
        self.remotes.iter().find(|rule| {
            rule.endpoint.as_ref().is_none_or(|pattern| pattern.matches(endpoint))
                && rule.interface.as_ref().is_none_or(|pattern| pattern.matches(interface))
        })
    }

    /// The first rule that allows a finding.
    pub fn allowed(&self, oracle: &str, text: &str) -> Option<&AllowRule> {
        self.allow.iter().find(|rule| {
            rule.oracle.matches(oracle) && rule.matching.as_ref().is_none_or(|pattern| pattern.matches(text))
        })
    }
}

fn is_of_type(kind: OptionType, value: &Value) -> bool {
    match kind {
        OptionType::String | OptionType::Secret => value.is_string(),
        OptionType::Int => value.is_i64(),
        OptionType::Float => value.is_number(),
        OptionType::Boolean => value.is_boolean(),
    }
}

/// The value that a text of `snap set` means: JSON, or else the text itself.
pub(super) fn value_of(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned()))
}

#[cfg(test)]
mod tests;
