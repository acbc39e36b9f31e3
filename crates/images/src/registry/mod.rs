//! Asks a registry for an image, by the OCI distribution protocol.
//!
//! What is asked for by digest is believed only with that digest. A layer whose transfer broke is gone on
//! with where it ended.

mod challenge;

use std::io::{self, Read, Seek, SeekFrom, Write};
use std::sync::Mutex;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use camino::Utf8Path;
use serde::Deserialize;
use ureq::http::{Response, StatusCode};
use ureq::{Agent, Body};

use crate::digest::{Digest, Digesting};
use crate::error::PullError;
use crate::manifest::{DOCUMENT_BYTES_MAX, Descriptor};
use crate::reference::Reference;
use crate::settings::Credentials;
use challenge::Challenge;

/// What is read of an index or a manifest.
const ACCEPTED: &str = "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json, \
     application/vnd.docker.distribution.manifest.list.v2+json, \
     application/vnd.docker.distribution.manifest.v2+json";
/// How long a registry may take to be found and to take a connection.
const CONNECT: Duration = Duration::from_secs(5);
/// How long it may be silent.
const SILENCE: Duration = Duration::from_secs(30);
const TOKEN_BYTES_MAX: u64 = 1 << 20;
/// How often a transfer that broke is gone on with.
const TRIES: u32 = 4;

/// What a token service answers with.
#[derive(Deserialize)]
struct Token {
    #[serde(default)]
    token: Option<String>,
    #[serde(default)]
    access_token: Option<String>,
}

/// A registry, asked about one repository.
pub(crate) struct Registry<'a> {
    agent: Agent,
    host: String,
    address: String,
    repository: &'a str,
    credentials: Option<&'a Credentials>,
    authorization: Mutex<Option<String>>,
}

impl<'a> Registry<'a> {
    /// Nothing is sent yet.
    pub(crate) fn new(
        reference: &'a Reference,
        credentials: Option<&'a Credentials>,
        insecure: &[String],
    ) -> Self {
        let host = match reference.registry() {
            "docker.io" => "registry-1.docker.io",
            other => other,
        };
        let is_here = is_this_machine(host);
        let is_plain = is_here || insecure.iter().any(|name| name == reference.registry());
        let mut config = Agent::config_builder()
            .http_status_as_error(false)
            .https_only(!is_plain)
            .max_redirects(5)
            .timeout_resolve(Some(CONNECT))
            .timeout_connect(Some(CONNECT))
            .timeout_recv_response(Some(SILENCE))
            .timeout_per_read(Some(SILENCE))
            // A layer is compressed already, and its digest is of what is sent.
            .accept_encoding("identity")
            .user_agent(concat!("charmproof/", env!("CARGO_PKG_VERSION")));
        if is_here {
            config = config.proxy(None);
        }
        Self {
            agent: config.build().into(),
            host: host.to_owned(),
            address: format!("{}://{host}", if is_plain { "http" } else { "https" }),
            repository: reference.repository(),
            credentials,
            authorization: Mutex::new(None),
        }
    }

    /// Returns the index or manifest with this tag or digest, and its digest.
    pub(crate) fn document(&self, wanted: &str) -> Result<(Digest, Vec<u8>), PullError> {
        let url = format!("{}/v2/{}/manifests/{wanted}", self.address, self.repository);
        let what = format!("{}:{wanted}", self.repository);
        let response = self.ask(&url, &what, 0)?;
        let bytes = self.body(response, DOCUMENT_BYTES_MAX, &what)?;
        let digest = Digest::of(&bytes);
        if wanted.contains(':') && wanted != digest.to_string() {
            return Err(self.wrong(&what, format!("its digest is {digest}")));
        }
        Ok((digest, bytes))
    }

    /// Returns a small part.
    pub(crate) fn blob(&self, descriptor: &Descriptor) -> Result<Vec<u8>, PullError> {
        let what = descriptor.digest.to_string();
        if descriptor.size > DOCUMENT_BYTES_MAX {
            return Err(self.wrong(&what, format!("it is to have {} bytes", descriptor.size)));
        }
        let response = self.ask(&self.blob_url(descriptor), &what, 0)?;
        let bytes = self.body(response, DOCUMENT_BYTES_MAX, &what)?;
        let digest = Digest::of(&bytes);
        if digest != descriptor.digest {
            return Err(self.wrong(&what, format!("its digest is {digest}")));
        }
        Ok(bytes)
    }

    /// Fetches a part of any size into a file, which may hold the beginning of it already.
    pub(crate) fn fetch(&self, descriptor: &Descriptor, path: &Utf8Path) -> Result<(), PullError> {
        let mut last = None;
        for _ in 0..TRIES {
            match self.fetch_more(descriptor, path) {
                Ok(()) => return Ok(()),
                Err(error) if error.is_unreachable() => last = Some(error),
                Err(error) => {
                    // What is there is of no use.
                    let _ = fs_err::remove_file(path);
                    return Err(error);
                }
            }
        }
        Err(last.unwrap_or_else(|| self.unreachable("the transfer broke")))
    }

    fn fetch_more(&self, descriptor: &Descriptor, path: &Utf8Path) -> Result<(), PullError> {
        let what = descriptor.digest.to_string();
        let mut file =
            fs_err::OpenOptions::new().create(true).truncate(false).read(true).write(true).open(path)?;
        let mut there = file.metadata()?.len();
        if there > descriptor.size {
            file.set_len(0)?;
            there = 0;
        }
        if there < descriptor.size {
            let response = self.ask(&self.blob_url(descriptor), &what, there)?;
            if response.status() != StatusCode::PARTIAL_CONTENT {
                file.set_len(0)?;
                there = 0;
            }
            file.seek(SeekFrom::Start(there))?;
            let wanted = descriptor.size - there;
            // One byte more, to see what is too long.
            let mut body = response.into_body().into_with_config().limit(u64::MAX).reader().take(wanted + 1);
            let mut buffer = vec![0; 1 << 16];
            let mut got = 0;
            loop {
                let count = body.read(&mut buffer).map_err(|error| self.unreachable(error.to_string()))?;
                if count == 0 {
                    break;
                }
                got += count as u64;
                file.write_all(&buffer[..count])?;
            }
            if got < wanted {
                return Err(self.unreachable(format!("the transfer broke {} bytes early", wanted - got)));
            }
            if got > wanted {
                return Err(self.wrong(&what, "it is longer than the manifest says".into()));
            }
        }
        file.seek(SeekFrom::Start(0))?;
        let mut reader = Digesting::new(&mut file);
        io::copy(&mut reader, &mut io::sink())?;
        let (digest, _) = reader.finish();
        if digest != descriptor.digest {
            return Err(self.wrong(&what, format!("its digest is {digest}")));
        }
        Ok(())
    }

    fn blob_url(&self, descriptor: &Descriptor) -> String {
        format!("{}/v2/{}/blobs/{}", self.address, self.repository, descriptor.digest)
    }

    /// Asks once, and once more with what the registry wants to see.
    fn ask(&self, url: &str, what: &str, from: u64) -> Result<Response<Body>, PullError> {
        let known = self.authorization.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone();
        let mut response = self.send(url, known.as_deref(), from)?;
        if response.status() == StatusCode::UNAUTHORIZED {
            let challenge = response
                .headers()
                .get_all("www-authenticate")
                .iter()
                .find_map(|value| Challenge::read(value.to_str().ok()?));
            let Some(challenge) = challenge else { return Err(self.denied(what)) };
            let authorization = self.authorize(&challenge, what)?;
            *self.authorization.lock().unwrap_or_else(std::sync::PoisonError::into_inner) =
                Some(authorization.clone());
            response = self.send(url, Some(&authorization), from)?;
        }
        let status = response.status();
        match status.as_u16() {
            200 | 206 => Ok(response),
            401 => Err(self.denied(what)),
            // A registry explains itself; a proxy on the way does not.
            403 if is_of_a_registry(&response) => Err(self.denied(what)),
            404 => Err(PullError::NotFound { registry: self.host.clone(), what: what.to_owned() }),
            _ => Err(self.unreachable(format!("it answered with status {status}"))),
        }
    }

    fn send(&self, url: &str, authorization: Option<&str>, from: u64) -> Result<Response<Body>, PullError> {
        let mut request = self.agent.get(url).header("accept", ACCEPTED);
        if let Some(authorization) = authorization {
            request = request.header("authorization", authorization);
        }
        if from > 0 {
            request = request.header("range", format!("bytes={from}-"));
        }
        request.call().map_err(|error| self.unreachable(error.to_string()))
    }

    /// Returns what the next request has to say.
    fn authorize(&self, challenge: &Challenge, what: &str) -> Result<String, PullError> {
        let basic = self.credentials.map(|credentials| {
            format!("Basic {}", STANDARD.encode(format!("{}:{}", credentials.username, credentials.password)))
        });
        match challenge {
            Challenge::Basic => basic.ok_or_else(|| self.denied(what)),
            Challenge::Bearer { realm, service, scope } => {
                // Where the registry itself is asked with TLS, the agent refuses a realm without.
                let mut request = self.agent.get(realm);
                if let Some(service) = service {
                    request = request.query("service", service);
                }
                let own = format!("repository:{}:pull", self.repository);
                request = request.query("scope", scope.as_deref().unwrap_or(&own));
                if let Some(basic) = basic {
                    request = request.header("authorization", basic);
                }
                let response = request.call().map_err(|error| {
                    self.unreachable(format!("its token service does not answer: {error}"))
                })?;
                match response.status().as_u16() {
                    200 => {}
                    401 | 403 => return Err(self.denied(what)),
                    status => {
                        return Err(
                            self.unreachable(format!("its token service answered with status {status}"))
                        );
                    }
                }
                let bytes = self.body(response, TOKEN_BYTES_MAX, "a token")?;
                let token: Token = serde_json::from_slice(&bytes)
                    .map_err(|error| self.wrong("a token", error.to_string()))?;
                let token = token
                    .token
                    .or(token.access_token)
                    .filter(|token| !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic()));
                token
                    .map(|token| format!("Bearer {token}"))
                    .ok_or_else(|| self.wrong("a token", "there is none in it".into()))
            }
        }
    }

    fn body(&self, mut response: Response<Body>, limit: u64, what: &str) -> Result<Vec<u8>, PullError> {
        response.body_mut().with_config().limit(limit).read_to_vec().map_err(|error| match error {
            ureq::Error::BodyExceedsLimit(limit) => {
                self.wrong(what, format!("it is longer than {limit} bytes"))
            }
            other => self.unreachable(other.to_string()),
        })
    }

    fn unreachable(&self, why: impl Into<String>) -> PullError {
        PullError::Unreachable { registry: self.host.clone(), why: why.into() }
    }

    fn wrong(&self, what: &str, why: String) -> PullError {
        PullError::Wrong { registry: self.host.clone(), what: what.to_owned(), why }
    }

    fn denied(&self, what: &str) -> PullError {
        PullError::Denied {
            registry: self.host.clone(),
            what: what.to_owned(),
            how: match self.credentials {
                Some(_) => ", also with the name and the password that were given",
                None => " to those who give no name; give the resource a user name and a password",
            },
        }
    }
}

fn is_of_a_registry(response: &Response<Body>) -> bool {
    response.headers().contains_key("docker-distribution-api-version")
        || response
            .headers()
            .get("content-type")
            .is_some_and(|kind| kind.to_str().is_ok_and(|kind| kind.starts_with("application/json")))
}

/// Whether a host with a port is on this machine, where no proxy could reach it.
fn is_this_machine(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        Some(_) | None => host,
    };
    let is_loopback =
        name.trim_matches(['[', ']']).parse().is_ok_and(|ip: std::net::IpAddr| ip.is_loopback());
    name == "localhost" || is_loopback
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_is_known() {
        for (host, expected) in [
            ("localhost:5000", true),
            ("127.0.0.1:5000", true),
            ("127.9.0.1", true),
            ("[::1]:5000", true),
            ("localhost.example.com", false),
            ("127.0.0.1.example.com", false),
            ("ghcr.io", false),
        ] {
            assert_eq!(is_this_machine(host), expected, "{host}");
        }
    }
}
