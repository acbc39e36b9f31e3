//! What joins the networks of one charmproof: a network namespace of ours with all bridges.
//!
//! It forwards between them, and takes everything else as the way out ([`super::egress`]).

use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use super::egress::{Egress, Names};
use super::netlink::{Link, Netlink};
use super::network::hardware_address;
use super::realm::Realm;
use super::subnet::Subnet;

/// The namespace of the bridges. It lives as long as somebody holds it open: when charmproof
/// dies, the kernel removes it, and with it the bridges, and the host's links to them.
#[derive(Debug)]
pub(crate) struct Router {
    pub(crate) namespace: OwnedFd,
    pub(crate) netlink: Netlink,
    pub(crate) names: Names,
    _egress: Egress,
}

impl Router {
    pub(crate) fn start(realm: &Arc<Realm>) -> io::Result<Self> {
        let namespace = realm.network(true)?;
        let netlink = realm.netlink(&namespace)?;
        let loopback = netlink.find("lo")?;
        netlink.set_up(loopback, None)?;
        netlink.answer_for_everybody(loopback)?;
        let names = Names::default();
        let egress = Egress::start(realm, &namespace, names.clone())?;
        Ok(Self { namespace, netlink, names, _egress: egress })
    }

    /// Makes a bridge for a range of addresses.
    pub(crate) fn add_bridge(&self, subnet: Subnet) -> io::Result<Bridge> {
        let name = format!("units{}", subnet.suffix());
        let link = self.netlink.add_bridge(&name, hardware_address(subnet.gateway()))?;
        let bridge = Bridge { name, link };
        let prepared = self
            .netlink
            .add_address(link, subnet.gateway(), subnet)
            .and_then(|()| self.netlink.lead_to(link, subnet, subnet.gateway()));
        match prepared {
            Ok(()) => Ok(bridge),
            Err(error) => {
                self.remove_bridge(&bridge);
                Err(error)
            }
        }
    }

    pub(crate) fn remove_bridge(&self, bridge: &Bridge) {
        let _ = self.netlink.remove(&bridge.name);
    }
}

/// A bridge of the router.
#[derive(Debug)]
pub(crate) struct Bridge {
    name: String,
    pub(crate) link: Link,
}
