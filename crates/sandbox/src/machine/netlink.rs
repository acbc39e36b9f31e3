//! Links, addresses and routes, by the kernel's own interface for them.
//!
//! A socket speaks for the network namespace that it was made in, so the same calls serve the
//! host, a network of ours and a machine.

use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};
use std::sync::Mutex;

use netlink_packet_core::{
    NLM_F_ACK, NLM_F_CREATE, NLM_F_EXCL, NLM_F_REQUEST, NetlinkHeader, NetlinkMessage, NetlinkPayload,
};
use netlink_packet_route::address::{AddressAttribute, AddressMessage};
use netlink_packet_route::link::{
    InfoData, InfoKind, InfoVeth, LinkAttribute, LinkFlags, LinkInfo, LinkMessage,
};
use netlink_packet_route::route::{
    RouteAddress, RouteAttribute, RouteHeader, RouteMessage, RouteProtocol, RouteScope, RouteType,
};
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage};
use rustix::net::{RecvFlags, SendFlags, recv, send};

use super::subnet::Subnet;

/// The table of what is this machine itself, which the kernel asks first.
const TABLE_LOCAL: u8 = 255;
const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// A link in a namespace, by its number there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Link(pub(crate) u32);

/// One end of a cable.
#[derive(Debug, Clone, Copy)]
pub(crate) struct End<'a> {
    pub(crate) name: &'a str,
    /// The namespace it comes to be in; that of the socket if there is none.
    pub(crate) namespace: Option<BorrowedFd<'a>>,
    pub(crate) hardware_address: Option<[u8; 6]>,
}

/// Speaks for one network namespace.
#[derive(Debug)]
pub(crate) struct Netlink {
    // One question at a time: answers carry no name.
    socket: Mutex<OwnedFd>,
}

impl Netlink {
    pub(crate) fn new(socket: OwnedFd) -> Self {
        Self { socket: Mutex::new(socket) }
    }

    /// Speaks for the namespace that this process is in.
    pub(crate) fn here() -> io::Result<Self> {
        use rustix::net::{AddressFamily, SocketFlags, SocketType, socket_with};
        // Links and routes are what such a socket is about if nothing is said.
        Ok(Self::new(socket_with(AddressFamily::NETLINK, SocketType::RAW, SocketFlags::CLOEXEC, None)?))
    }

    /// Makes a bridge that is up. Left to itself, a bridge would have the lowest hardware address of its
    /// ports, so another one whenever a machine comes with a lower one; what the others send to the gateway
    /// would then be lost until they ask for its address again, after half a minute.
    pub(crate) fn add_bridge(&self, name: &str, hardware_address: [u8; 6]) -> io::Result<Link> {
        let mut link = LinkMessage::default();
        link.header.flags = LinkFlags::Up;
        link.header.change_mask = LinkFlags::Up;
        link.attributes.push(LinkAttribute::IfName(name.to_owned()));
        link.attributes.push(LinkAttribute::Address(hardware_address.to_vec()));
        link.attributes.push(LinkAttribute::LinkInfo(vec![LinkInfo::Kind(InfoKind::Bridge)]));
        self.create(RouteNetlinkMessage::NewLink(link))?;
        self.find(name)
    }

    /// Makes a cable between a port of a bridge, or nothing, here and another namespace. This
    /// end is up.
    pub(crate) fn add_cable(&self, here: End<'_>, there: End<'_>, bridge: Option<Link>) -> io::Result<()> {
        let mut peer = LinkMessage::default();
        peer.attributes = end(there);
        let mut link = LinkMessage::default();
        link.header.flags = LinkFlags::Up;
        link.header.change_mask = LinkFlags::Up;
        link.attributes = end(here);
        link.attributes.extend(bridge.map(|bridge| LinkAttribute::Controller(bridge.0)));
        link.attributes.push(LinkAttribute::LinkInfo(vec![
            LinkInfo::Kind(InfoKind::Veth),
            LinkInfo::Data(InfoData::Veth(InfoVeth::Peer(peer))),
        ]));
        self.create(RouteNetlinkMessage::NewLink(link))
    }

    /// Lets a link be up, and a port of a bridge if one is given.
    pub(crate) fn set_up(&self, link: Link, bridge: Option<Link>) -> io::Result<()> {
        let mut message = LinkMessage::default();
        message.header.index = link.0;
        message.header.flags = LinkFlags::Up;
        message.header.change_mask = LinkFlags::Up;
        message.attributes.extend(bridge.map(|bridge| LinkAttribute::Controller(bridge.0)));
        self.ask(RouteNetlinkMessage::SetLink(message), 0).map(drop)
    }

    /// Removes a link, and the other end of a cable with it.
    pub(crate) fn remove(&self, name: &str) -> io::Result<()> {
        let mut link = LinkMessage::default();
        link.attributes.push(LinkAttribute::IfName(name.to_owned()));
        self.ask(RouteNetlinkMessage::DelLink(link), 0).map(drop)
    }

    /// Finds a link by its name.
    pub(crate) fn find(&self, name: &str) -> io::Result<Link> {
        let mut link = LinkMessage::default();
        link.attributes.push(LinkAttribute::IfName(name.to_owned()));
        match self.ask(RouteNetlinkMessage::GetLink(link), 0)? {
            Some(RouteNetlinkMessage::NewLink(link)) => Ok(Link(link.header.index)),
            _ => Err(io::Error::from(io::ErrorKind::InvalidData)),
        }
    }

    /// Gives a link an address in a subnet.
    pub(crate) fn add_address(&self, link: Link, address: Ipv4Addr, subnet: Subnet) -> io::Result<()> {
        let mut message = AddressMessage::default();
        message.header.family = AddressFamily::Inet;
        message.header.prefix_len = Subnet::PREFIX;
        message.header.index = link.0;
        message.attributes = vec![
            AddressAttribute::Local(IpAddr::V4(address)),
            AddressAttribute::Address(IpAddr::V4(address)),
            AddressAttribute::Broadcast(subnet.broadcast()),
        ];
        self.create(RouteNetlinkMessage::NewAddress(message))
    }

    /// Sends everything that goes nowhere else through a gateway.
    pub(crate) fn add_default_route(&self, link: Link, gateway: Ipv4Addr) -> io::Result<()> {
        let mut route = route(RouteType::Unicast, RouteHeader::RT_TABLE_MAIN, RouteScope::Universe, link);
        route.attributes.push(RouteAttribute::Gateway(RouteAddress::Inet(gateway)));
        self.create(RouteNetlinkMessage::NewRoute(route))
    }

    /// Takes what is sent to any address in the world as sent to this namespace.
    pub(crate) fn answer_for_everybody(&self, loopback: Link) -> io::Result<()> {
        let world = route(RouteType::Local, TABLE_LOCAL, RouteScope::Host, loopback);
        self.create(RouteNetlinkMessage::NewRoute(world))
    }

    /// Excepts a range of addresses from [`Netlink::answer_for_everybody`]: they are behind a link.
    pub(crate) fn lead_to(&self, link: Link, subnet: Subnet, own: Ipv4Addr) -> io::Result<()> {
        // More exact than the other route, so it wins in the table that is asked first.
        let mut units = route(RouteType::Unicast, TABLE_LOCAL, RouteScope::Link, link);
        units.header.destination_prefix_length = Subnet::PREFIX;
        units.attributes.push(RouteAttribute::Destination(RouteAddress::Inet(subnet.base())));
        units.attributes.push(RouteAttribute::PrefSource(RouteAddress::Inet(own)));
        self.create(RouteNetlinkMessage::NewRoute(units))
    }

    fn create(&self, message: RouteNetlinkMessage) -> io::Result<()> {
        self.ask(message, NLM_F_CREATE | NLM_F_EXCL).map(drop)
    }

    /// Asks and waits for the answer.
    fn ask(&self, message: RouteNetlinkMessage, flags: u16) -> io::Result<Option<RouteNetlinkMessage>> {
        let mut header = NetlinkHeader::default();
        header.flags = NLM_F_REQUEST | NLM_F_ACK | flags;
        let mut message = NetlinkMessage::new(header, NetlinkPayload::from(message));
        message.finalize();
        let mut bytes = vec![0; message.buffer_len()];
        message.serialize(&mut bytes);

        let socket = self.socket.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        retry(|| send(&*socket, &bytes, SendFlags::empty()))?;
        let mut found = None;
        let mut buffer = vec![0; ANSWER_BYTES_MAX];
        loop {
            let (count, _) = retry(|| recv(&*socket, buffer.as_mut_slice(), RecvFlags::empty()))?;
            let mut rest = &buffer[..count];
            while !rest.is_empty() {
                let message = NetlinkMessage::<RouteNetlinkMessage>::deserialize(rest)
                    .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error.to_string()))?;
                // Messages begin at multiples of four bytes.
                let length = (message.header.length as usize).next_multiple_of(4).clamp(4, rest.len());
                rest = &rest[length..];
                match message.payload {
                    NetlinkPayload::Error(error) => {
                        return match error.code {
                            None => Ok(found),
                            Some(code) => Err(io::Error::from_raw_os_error(-code.get())),
                        };
                    }
                    NetlinkPayload::InnerMessage(message) => found = Some(message),
                    _ => {}
                }
            }
        }
    }
}

fn end(end: End<'_>) -> Vec<LinkAttribute> {
    let mut attributes = vec![LinkAttribute::IfName(end.name.to_owned())];
    attributes.extend(end.namespace.map(|namespace| LinkAttribute::NetNsFd(namespace.as_raw_fd())));
    attributes.extend(end.hardware_address.map(|address| LinkAttribute::Address(address.to_vec())));
    attributes
}

fn route(kind: RouteType, table: u8, scope: RouteScope, link: Link) -> RouteMessage {
    let mut route = RouteMessage::default();
    route.header.address_family = AddressFamily::Inet;
    route.header.table = table;
    route.header.protocol = RouteProtocol::Boot;
    route.header.scope = scope;
    route.header.kind = kind;
    route.attributes.push(RouteAttribute::Oif(link.0));
    route
}

fn retry<T>(mut call: impl FnMut() -> rustix::io::Result<T>) -> io::Result<T> {
    loop {
        match call() {
            Err(rustix::io::Errno::INTR) => {}
            done => return Ok(done?),
        }
    }
}
