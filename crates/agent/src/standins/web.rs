//! What web servers answer that a charm asks: by the rules of the user, or not at all.
//!
//! [`Network`] says what has to be listened at in a unit so that its requests arrive; [`answer`]
//! takes a request and says what is sent back. Of a host that no rule names nothing is listened
//! at, so that the kernel refuses it. Nothing here opens a socket.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::Ipv4Addr;

use camino::Utf8PathBuf;
use charmproof_lifecycle::vocabulary::Platform;
use serde::Serialize;
use serde_json::Value;

use super::kubernetes::{self, Caller};
use super::machine::Machine;
use super::rules::{HttpRule, Rules};
use super::{Act, AnsweredBy, Record, snapd};

/// Where the names of rules lead to: an address that no workload listens at.
const HOSTS_ADDRESS: Ipv4Addr = Ipv4Addr::new(127, 0, 2, 1);

/// Where a unit finds the certificates of all authorities, ours among them.
pub const CERTIFICATES: &str = "/run/charmproof/certificates.crt";

/// What the processes of a unit can connect to, for the agent to answer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Network {
    /// Where names lead to.
    pub hosts: BTreeMap<String, Ipv4Addr>,
    /// The TCP ports that are listened at. Addresses that are not the loopback's become the unit's.
    pub ports: BTreeSet<(Ipv4Addr, u16)>,
    /// The Unix sockets that are listened at.
    pub sockets: BTreeSet<Utf8PathBuf>,
    /// Whether our authority is one that the unit trusts in general, and not for Kubernetes alone.
    pub is_authority_trusted: bool,
}

impl Network {
    /// Returns what has to be there for a unit on a platform, with these rules.
    pub fn of(rules: &Rules, platform: Platform) -> Self {
        let mut network = Self::default();
        for place in rules.http.iter().filter_map(|rule| WebPlace::of_rule(rule).ok()) {
            let address = match place.host.parse::<Ipv4Addr>() {
                Ok(address) => address,
                Err(_) if place.host == "localhost" => Ipv4Addr::LOCALHOST,
                Err(_) => {
                    network.hosts.insert(place.host.clone(), HOSTS_ADDRESS);
                    HOSTS_ADDRESS
                }
            };
            network.ports.insert((address, place.port));
            network.is_authority_trusted |= place.scheme == Scheme::Https;
        }
        match platform {
            Platform::Kubernetes => {
                network.ports.insert((kubernetes::ADDRESS, kubernetes::PORT));
                for name in kubernetes::NAMES {
                    network.hosts.insert(name.to_owned(), kubernetes::ADDRESS);
                }
            }
            Platform::Machine => {
                network.sockets.insert(snapd::SOCKET.into());
            }
        }
        network
    }
}

/// How a web server is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, strum::Display)]
#[strum(serialize_all = "lowercase")]
pub enum Scheme {
    /// In the clear.
    Http,
    /// Through TLS.
    Https,
}

impl Scheme {
    fn usual_port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
        }
    }
}

/// Where a web server is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct WebPlace {
    /// How it is spoken to.
    pub scheme: Scheme,
    /// Its name or address.
    pub host: String,
    /// Its port.
    pub port: u16,
}

impl WebPlace {
    /// Returns the place that a rule is about, or says why it names none.
    pub fn of_rule(rule: &HttpRule) -> Result<Self, String> {
        let url = rule.url.as_str();
        let (scheme, rest) = match (url.strip_prefix("http://"), url.strip_prefix("https://")) {
            (Some(rest), _) => (Scheme::Http, rest),
            (None, Some(rest)) => (Scheme::Https, rest),
            (None, None) => {
                return Err(format!("`{url}` begins with neither `http://` nor `https://`"));
            }
        };
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let (host, port) = match authority.split_once(':') {
            Some((host, port)) => {
                let number = port.parse().ok().filter(|number| *number != 0);
                (host, number.ok_or_else(|| format!("`{port}` is no port"))?)
            }
            None => (authority, scheme.usual_port()),
        };
        let is_name = |character: char| character.is_ascii_alphanumeric() || "-_.".contains(character);
        if host.is_empty() || !host.chars().all(is_name) {
            return Err(format!(
                "`{host}` is no host: it has to be written out, as a name or an IPv4 address, so that it can be resolved"
            ));
        }
        Ok(Self { scheme, host: host.to_ascii_lowercase(), port })
    }
}

impl fmt::Display for WebPlace {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}://{}", self.scheme, self.host)?;
        if self.port == self.scheme.usual_port() { Ok(()) } else { write!(formatter, ":{}", self.port) }
    }
}

/// What was connected to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Door {
    /// A TCP port of an address.
    Port(Ipv4Addr, u16),
    /// A Unix socket.
    Socket(Utf8PathBuf),
}

/// A request of HTTP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebRequest {
    /// Where it came in.
    pub door: Door,
    /// How.
    pub scheme: Scheme,
    /// The method.
    pub method: String,
    /// The path, with the query.
    pub target: String,
    /// Whom it is for, as the client wrote it: a name, or an address, with a port or without.
    pub host: Option<String>,
    /// Whether the client says who it is.
    pub is_authenticated: bool,
    /// What was sent.
    pub body: Vec<u8>,
}

impl WebRequest {
    /// Returns the address that was asked for.
    pub fn url(&self) -> String {
        let (address, port) = match &self.door {
            Door::Port(address, port) => (address.to_string(), *port),
            Door::Socket(path) => return format!("{path}:{}", self.target),
        };
        let host = self.host.as_deref().unwrap_or(&address);
        let host = host.rsplit_once(':').map_or(host, |(host, _)| host).to_ascii_lowercase();
        format!("{}{}", WebPlace { scheme: self.scheme, host, port }, self.target)
    }

    fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }
}

/// What is sent back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WebReply {
    /// An answer.
    Answer {
        /// The status.
        status: u16,
        /// Headers besides those that say how long it is.
        headers: BTreeMap<String, String>,
        /// The body.
        body: Vec<u8>,
        /// What is to be done in the unit before it is sent.
        acts: Vec<Act>,
    },
    /// None: the connection breaks off, as one does over a network that fails.
    BreaksOff,
}

impl WebReply {
    pub(super) fn json(status: u16, body: &Value) -> Self {
        let headers = BTreeMap::from([("Content-Type".to_owned(), "application/json".to_owned())]);
        Self::Answer { status, headers, body: body.to_string().into_bytes(), acts: Vec::new() }
    }

    fn of_rule(status: u16, headers: &BTreeMap<String, String>, body: &str) -> Self {
        let mut headers = headers.clone();
        if !headers.keys().any(|name| name.eq_ignore_ascii_case("content-type")) {
            let is_json =
                serde_json::from_str::<Value>(body).is_ok_and(|value| value.is_object() || value.is_array());
            let kind = if is_json { "application/json" } else { "text/plain; charset=utf-8" };
            headers.insert("Content-Type".to_owned(), kind.to_owned());
        }
        Self::Answer { status, headers, body: body.as_bytes().to_vec(), acts: Vec::new() }
    }
}

/// Answers a request of a unit.
pub fn answer(
    machine: &mut Machine,
    rules: &Rules,
    caller: &Caller<'_>,
    request: &WebRequest,
) -> (WebReply, Record) {
    if let Door::Socket(_) = &request.door {
        let asked = snapd::Request { method: &request.method, target: &request.target, body: &request.body };
        let response = snapd::answer(machine, rules, &asked);
        let mut reply = WebReply::json(response.status, &response.body);
        if let WebReply::Answer { acts, .. } = &mut reply {
            *acts = response.acts;
        }
        return (reply, response.record);
    }
    let url = request.url();
    let record = |status: u16, answered_by: AnsweredBy, assumed: Vec<String>| Record {
        arguments: vec![Record::WEB.to_owned(), request.method.clone(), url.clone()],
        code: i32::from(status),
        answered_by,
        assumed,
    };
    if let Some((at, rule)) = rules.http(&request.method, &url) {
        let reply = WebReply::of_rule(rule.status, &rule.headers, &rule.body);
        return (reply, record(rule.status, AnsweredBy::Rule(at), Vec::new()));
    }
    if request.door == Door::Port(kubernetes::ADDRESS, kubernetes::PORT) {
        if let Some((at, rule)) = rules.kubernetes(&request.method, request.path(), &request.target) {
            let reply = WebReply::of_rule(rule.status, &BTreeMap::new(), &rule.body);
            return (reply, record(rule.status, AnsweredBy::Rule(at), Vec::new()));
        }
        let said = kubernetes::answer(caller, request);
        let assumed = said
            .refusal
            .iter()
            .map(|message| format!("the cluster refused it: {message}; a [[kubernetes]] rule can answer it"));
        let answered_by = if said.refusal.is_some() { AnsweredBy::Nobody } else { AnsweredBy::BuiltIn };
        return (
            WebReply::json(said.status, &said.body),
            record(said.status, answered_by, assumed.collect()),
        );
    }
    let assumed = format!("nobody knows what {} {url} answers; an [[http]] rule can", request.method);
    (WebReply::BreaksOff, record(0, AnsweredBy::Nobody, vec![assumed]))
}

#[cfg(test)]
mod tests;
