//! Certificates for the web servers that a unit reaches: its Kubernetes, and those of rules.
//!
//! They are signed by an authority that only units here are told of. Its key is the same
//! everywhere and no secret, so that a life in which a charm writes its certificate somewhere is
//! the same each time.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyPair, KeyUsagePurpose, PKCS_ED25519,
};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

/// What stands before the 32 bytes of an Ed25519 key in its PKCS #8 form (RFC 8410, section 7).
const ED25519_PREFIX: [u8; 16] =
    [0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20];
/// The key of the authority, which nobody trusts for anything real.
const AUTHORITY_KEY: [u8; 32] = *b"charmproof: of no use elsewhere.";
/// The key of all servers.
const SERVER_KEY: [u8; 32] = *b"charmproof: a server in a unit..";
/// The key of clients, in credentials.
const CLIENT_KEY: [u8; 32] = *b"charmproof: a client, nowhere...";

/// Who signs, and what was signed already.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: String,
    servers: Mutex<BTreeMap<String, Arc<ServerConfig>>>,
}

/// Returns the certificate of the authority, for clients to trust.
pub fn certificate() -> Option<&'static str> {
    authority().map(|authority| authority.certificate.as_str())
}

/// Returns a key of a client, which opens nothing.
pub fn client_key() -> Option<String> {
    key_pair(CLIENT_KEY).map(|key| key.serialize_pem())
}

/// Returns what a server needs that is called `name`, or has the address.
pub(super) fn server(name: Option<&str>, address: Ipv4Addr) -> Option<Arc<ServerConfig>> {
    let authority = authority()?;
    let name = name.map_or_else(|| address.to_string(), str::to_owned);
    let mut servers = authority.servers.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = servers.get(&name) {
        return Some(Arc::clone(known));
    }
    let made = Arc::new(authority.sign(&name, address)?);
    servers.insert(name, Arc::clone(&made));
    Some(made)
}

fn authority() -> Option<&'static Authority> {
    static AUTHORITY: OnceLock<Option<Authority>> = OnceLock::new();
    AUTHORITY.get_or_init(Authority::new).as_ref()
}

impl Authority {
    /// Nothing of it depends on where it runs, so that it is there or the tests fail.
    fn new() -> Option<Self> {
        let key = key_pair(AUTHORITY_KEY)?;
        let mut params = params(Vec::new(), "charmproof")?;
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let certificate = params.self_signed(&key).ok()?.pem();
        Some(Self { issuer: Issuer::new(params, key), certificate, servers: Mutex::default() })
    }

    fn sign(&self, name: &str, address: Ipv4Addr) -> Option<ServerConfig> {
        let mut params = params(vec![name.to_owned(), address.to_string()], name)?;
        params.use_authority_key_identifier_extension = true;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let certificate = params.signed_by(&key_pair(SERVER_KEY)?, &self.issuer).ok()?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config =
            ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().ok()?;
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(pkcs8(SERVER_KEY)));
        config.with_no_client_auth().with_single_cert(vec![certificate.der().clone()], key).ok()
    }
}

fn params(names: Vec<String>, common_name: &str) -> Option<CertificateParams> {
    let mut params = CertificateParams::new(names).ok()?;
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, common_name);
    Some(params)
}

fn pkcs8(seed: [u8; 32]) -> Vec<u8> {
    [ED25519_PREFIX.as_slice(), seed.as_slice()].concat()
}

fn key_pair(seed: [u8; 32]) -> Option<KeyPair> {
    KeyPair::from_pkcs8_der_and_sign_algo(&PrivatePkcs8KeyDer::from(pkcs8(seed)), &PKCS_ED25519).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_authority_is_the_same_each_time() {
        let again = Authority::new().map(|authority| authority.certificate);
        assert_eq!(certificate().map(str::to_owned), again);
        assert!(certificate().is_some_and(|text| text.starts_with("-----BEGIN CERTIFICATE-----")));
    }

    #[test]
    fn a_server_of_any_name_gets_a_certificate() {
        let address = Ipv4Addr::new(127, 0, 2, 1);
        for name in [None, Some("api.example.com"), Some("10.1.2.3"), Some(&"a".repeat(63))] {
            assert!(server(name, address).is_some(), "{name:?}");
        }
        let (one, other) = (server(Some("a"), address), server(Some("a"), address));
        assert!(one.zip(other).is_some_and(|(one, other)| Arc::ptr_eq(&one, &other)));
    }
}
