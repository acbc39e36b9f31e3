//! A network of machines, which reach each other and are reached from the host.
//!
//! The bridge lies in the network namespace of the [`Router`], so no rule of the host's firewall
//! is in its way and nothing of the host changes but for one link, which leads there and has an
//! address. The machines of two networks reach each other as well.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{Hash, Hasher};
use std::io;
use std::net::Ipv4Addr;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::netlink::{End, Netlink};
use super::realm::Realm;
use super::router::{Bridge, Router};
use super::spec::MachineLevel;
use super::subnet::{Subnet, parse_routes};
use super::visit::Visit;
use crate::error::SandboxError;

/// What the names of our links on the host begin with.
pub(crate) const LINK_PREFIX: &str = "cpf";
/// How many ranges are tried.
const ATTEMPTS: usize = 16;
/// The first half of the hardware addresses of containers.
const HARDWARE_PREFIX: [u8; 3] = [0x00, 0x16, 0x3e];

/// Returns the hardware address of whoever has an address.
pub(crate) fn hardware_address(address: Ipv4Addr) -> [u8; 6] {
    let [_, second, third, fourth] = address.octets();
    let [a, b, c] = HARDWARE_PREFIX;
    [a, b, c, second, third, fourth]
}

/// What a network is to be like.
#[derive(Debug, Clone, Default)]
pub struct NetworkSpec {
    /// The addresses that it should have. If they are taken, or there is no wish, it gets others:
    /// see [`Network::subnet`].
    pub subnet: Option<Subnet>,
    /// Domains in which its machines look up short names.
    pub search: Vec<String>,
}

/// A network of machines. It goes when nobody has a clone of this any more; its machines do.
#[derive(Debug, Clone)]
pub struct Network {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    realm: Arc<Realm>,
    router: Arc<Router>,
    subnet: Subnet,
    search: Vec<String>,
    bridge: Bridge,
    /// The name of the link on the host, where there may be one.
    host_link: Option<String>,
    taken: Mutex<BTreeSet<Ipv4Addr>>,
}

impl Network {
    pub(crate) fn create(realm: Arc<Realm>, spec: &NetworkSpec) -> Result<Self, SandboxError> {
        let failed = |action: &'static str| move |source| SandboxError::Network { action, source };
        if !realm.level.is_isolated() {
            return Err(failed("make")(io::Error::new(io::ErrorKind::Unsupported, realm.notes.join("; "))));
        }
        let routes =
            fs_err::read_to_string("/proc/net/route").map_err(failed("look for free addresses for"))?;
        let routes = parse_routes(&routes);
        let router = realm.router().map_err(failed("make"))?;
        // Where the host has no link to them, its routes do not know of our own ranges.
        let mut bridge = Err(io::Error::from(io::ErrorKind::AddrNotAvailable));
        let mut subnet = spec.subnet.filter(|subnet| subnet.is_free(&routes));
        for _ in 0..ATTEMPTS {
            let Some(candidate) = subnet.take().or_else(|| Subnet::choose(seed(), &routes)) else { break };
            bridge = router.add_bridge(candidate).map(|bridge| (bridge, candidate));
            match &bridge {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Ok(_) | Err(_) => break,
            }
        }
        let (bridge, subnet) = bridge.map_err(failed("find free addresses for"))?;
        let mut shared = Shared {
            realm,
            router,
            subnet,
            search: spec.search.clone(),
            bridge,
            host_link: None,
            taken: Mutex::new(BTreeSet::new()),
        };
        match shared.realm.level {
            MachineLevel::RootInUserNamespace | MachineLevel::Root => {
                shared.host_link = Some(shared.connect_host().map_err(failed("lead the host to"))?);
            }
            MachineLevel::SubordinateIds | MachineLevel::SingleId | MachineLevel::ProcessOnly => {}
        }
        Ok(Self { shared: Arc::new(shared) })
    }

    /// Returns the addresses that it has.
    pub fn subnet(&self) -> Subnet {
        self.shared.subnet
    }

    /// Whether the host reaches its machines by their addresses.
    pub fn is_reached_from_host(&self) -> bool {
        self.shared.host_link.is_some()
    }

    /// Returns the way into it for programs of the host, which a plain user needs to reach its
    /// machines.
    pub fn visit(&self) -> Visit {
        Visit::of(&self.shared.router, self.shared.realm.holder())
    }

    /// Takes an address that no machine has, or `None` if there is none left.
    pub fn free_address(&self) -> Option<Ipv4Addr> {
        self.free_address_except(&BTreeSet::new())
    }

    /// Takes an address that no machine has, and that is none of those which machines are going to have.
    pub fn free_address_except(&self, promised: &BTreeSet<Ipv4Addr>) -> Option<Ipv4Addr> {
        let mut taken = self.taken();
        let is_free = |address: &Ipv4Addr| !taken.contains(address) && !promised.contains(address);
        let address = self.shared.subnet.addresses().find(is_free)?;
        taken.insert(address);
        Some(address)
    }

    /// Gives an address back that [`Network::free_address`] took and no machine has.
    pub fn release(&self, address: Ipv4Addr) {
        self.taken().remove(&address);
    }

    /// Says what the machines find when they look up a name, in the place of all that was said
    /// before. Other names are looked up as the host does.
    pub fn set_names(&self, names: BTreeMap<String, Ipv4Addr>) {
        self.shared.router.names.set(self.shared.subnet, names);
    }

    pub(crate) fn search(&self) -> &[String] {
        &self.shared.search
    }

    fn taken(&self) -> std::sync::MutexGuard<'_, BTreeSet<Ipv4Addr>> {
        self.shared.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes a namespace with an address in this network.
    pub(crate) fn attach(&self, address: Ipv4Addr) -> io::Result<Attachment> {
        if !self.shared.subnet.addresses().any(|free| free == address) {
            return Err(io::Error::new(
                io::ErrorKind::AddrNotAvailable,
                format!("{address} is no address for a machine in {}", self.shared.subnet),
            ));
        }
        let namespace = self.shared.realm.network(false)?;
        let port = format!("u{}-{}", self.shared.subnet.suffix(), address.octets()[3]);
        let hardware_address = hardware_address(address);
        let there = End {
            name: "eth0",
            namespace: Some(namespace.as_fd()),
            hardware_address: Some(hardware_address),
        };
        let here = End { name: &port, namespace: None, hardware_address: None };
        self.shared.router.netlink.add_cable(here, there, Some(self.shared.bridge.link))?;
        let attachment = Attachment { network: self.clone(), address, namespace, port, hardware_address };
        let inside = self.shared.realm.netlink(&attachment.namespace)?;
        inside.set_up(inside.find("lo")?, None)?;
        let link = inside.find("eth0")?;
        inside.add_address(link, address, self.shared.subnet)?;
        inside.set_up(link, None)?;
        inside.add_default_route(link, self.shared.subnet.gateway())?;
        self.taken().insert(address);
        Ok(attachment)
    }
}

/// A namespace with an address in a network. It goes when the last machine in it does.
#[derive(Debug)]
pub(crate) struct Attachment {
    pub(crate) network: Network,
    pub(crate) address: Ipv4Addr,
    pub(crate) namespace: OwnedFd,
    port: String,
    pub(crate) hardware_address: [u8; 6],
}

impl Drop for Attachment {
    fn drop(&mut self) {
        // The kernel would remove it later, and the address may be wanted again at once.
        let _ = self.network.shared.router.netlink.remove(&self.port);
        self.network.release(self.address);
    }
}

impl Shared {
    /// Lays a cable between the host and the bridge.
    fn connect_host(&self) -> io::Result<String> {
        let host = Netlink::here()?;
        let name = format!("{LINK_PREFIX}{}", self.subnet.suffix());
        let inner_name = format!("host{}", self.subnet.suffix());
        let router = &self.router;
        // The same again after a crash: machines remember whose address it is.
        let own = Some(hardware_address(self.subnet.host()));
        let here = End { name: &name, namespace: None, hardware_address: own };
        let there =
            End { name: &inner_name, namespace: Some(router.namespace.as_fd()), hardware_address: None };
        host.add_cable(here, there, None)?;
        let link = host.find(&name)?;
        let inner = router.netlink.find(&inner_name)?;
        router.netlink.set_up(inner, Some(self.bridge.link))?;
        host.add_address(link, self.subnet.host(), self.subnet)?;
        Ok(name)
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        // As above: the rest would go with the namespace.
        if let Some(name) = &self.host_link {
            let _ = Netlink::here().and_then(|host| host.remove(name));
        }
        self.router.names.set(self.subnet, BTreeMap::new());
        self.router.remove_bridge(&self.bridge);
    }
}

/// Returns a number that is not the same twice, so that two programs that look for addresses at
/// the same time find different ones.
fn seed() -> u64 {
    static COUNTER: AtomicU32 = AtomicU32::new(0);
    let mut hasher = std::collections::hash_map::DefaultHasher::new();
    (std::process::id(), COUNTER.fetch_add(1, Ordering::Relaxed)).hash(&mut hasher);
    hasher.finish()
}
