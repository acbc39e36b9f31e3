//! `[Socket]`: sockets that are opened for a service, which is started by what comes in.
//!
//! Streams and datagrams of unix and internet sockets with one service for all connections are
//! known. `Accept=yes`, FIFOs, netlink and message queues are refused as a bad setting, by name.

use std::collections::BTreeSet;

use super::name::UnitName;
use super::unit::Reader;

/// Where a socket listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Address {
    Unix(String),
    Internet(String),
}

/// One socket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Listen {
    pub address: Address,
    pub is_stream: bool,
}

/// The sockets of a unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SocketConfig {
    pub service: UnitName,
    pub listens: Vec<Listen>,
    pub mode: u32,
    pub user: Option<String>,
    pub group: Option<String>,
    pub removes_on_stop: bool,
    pub symlinks: BTreeSet<String>,
    /// The name under which a service is told of the descriptors.
    pub descriptor_name: String,
}

impl SocketConfig {
    pub(crate) fn read(reader: &Reader<'_>) -> Result<Self, String> {
        if reader.flag("Socket", "Accept", false) {
            return Err("Accept=yes is not supported in this machine".to_owned());
        }
        for key in
            ["ListenFIFO", "ListenNetlink", "ListenMessageQueue", "ListenSequentialPacket", "ListenSpecial"]
        {
            if reader.value("Socket", key).is_some() {
                return Err(format!("{key}= is not supported in this machine"));
            }
        }
        let mut listens = Vec::new();
        for (key, is_stream) in [("ListenStream", true), ("ListenDatagram", false)] {
            for text in reader.values("Socket", key) {
                listens.push(Listen { address: address(&text)?, is_stream });
            }
        }
        if listens.is_empty() {
            return Err(
                "Unit has no Listen setting (ListenStream=, ListenDatagram=, ListenFIFO=, ...). Refusing."
                    .to_owned(),
            );
        }
        let service = match reader.value("Socket", "Service") {
            Some(text) => UnitName::parse(&text).map_err(|error| error.to_string())?,
            None => reader.name.with_suffix(".service"),
        };
        Ok(Self {
            service,
            listens,
            mode: reader
                .value("Socket", "SocketMode")
                .and_then(|text| u32::from_str_radix(&text, 8).ok())
                .unwrap_or(0o666),
            user: reader.value("Socket", "SocketUser"),
            group: reader.value("Socket", "SocketGroup"),
            removes_on_stop: reader.flag("Socket", "RemoveOnStop", false),
            symlinks: reader.words("Socket", "Symlinks").into_iter().collect(),
            descriptor_name: reader
                .value("Socket", "FileDescriptorName")
                .unwrap_or_else(|| reader.name.as_str().to_owned()),
        })
    }
}

fn address(text: &str) -> Result<Address, String> {
    if text.starts_with('/') {
        return Ok(Address::Unix(text.to_owned()));
    }
    if let Ok(port) = text.parse::<u16>() {
        return Ok(Address::Internet(format!("[::]:{port}")));
    }
    match text.parse::<std::net::SocketAddr>() {
        Ok(address) => Ok(Address::Internet(address.to_string())),
        Err(_) => Err(format!("Failed to parse address {text}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::services::specifiers::Identity;
    use crate::services::text;

    #[track_caller]
    fn check(section: &str, expected: Result<&[Address], &str>) {
        let identity = Identity {
            host_name: String::new(),
            machine_id: String::new(),
            boot_id: String::new(),
            kernel: String::new(),
        };
        let text = text::parse(&format!("[Socket]\n{section}"));
        let name = UnitName::parse("web.socket").unwrap();
        let found = SocketConfig::read(&Reader { text: &text, name: &name, identity: &identity });
        let found = found.map(|socket| socket.listens.into_iter().map(|listen| listen.address).collect());
        assert_eq!(found, expected.map(<[Address]>::to_vec).map_err(str::to_owned));
    }

    #[test]
    fn addresses_are_read() {
        let internet = |text: &str| Address::Internet(text.to_owned());
        check("ListenStream=/run/web.sock", Ok(&[Address::Unix("/run/web.sock".to_owned())]));
        check(
            "ListenStream=80\nListenStream=127.0.0.1:81",
            Ok(&[internet("[::]:80"), internet("127.0.0.1:81")]),
        );
        check("ListenStream=[::1]:80", Ok(&[internet("[::1]:80")]));
        check("ListenStream=vsock:1:2", Err("Failed to parse address vsock:1:2"));
        check("ListenFIFO=/run/f", Err("ListenFIFO= is not supported in this machine"));
        check("ListenStream=80\nAccept=yes", Err("Accept=yes is not supported in this machine"));
    }
}
