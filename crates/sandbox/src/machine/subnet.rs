//! The ranges of addresses that networks of ours have.

use std::fmt;
use std::net::Ipv4Addr;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Where ranges are taken from: below and above, people have networks of their own more often.
const SECOND_MIN: u32 = 40;
const SECOND_MAX: u32 = 239;

/// 254 private addresses: `10.x.y.0/24`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Subnet {
    base: u32,
}

impl Subnet {
    pub(crate) const PREFIX: u8 = 24;
    const SIZE: u32 = 256;

    /// Returns the range that an address lies in.
    pub fn around(address: Ipv4Addr) -> Self {
        Self { base: address.to_bits() & !(Self::SIZE - 1) }
    }

    /// Returns its lowest address, which names it.
    pub fn base(self) -> Ipv4Addr {
        Ipv4Addr::from_bits(self.base)
    }

    /// Returns the address that the machines send everything through that leaves the range.
    pub fn gateway(self) -> Ipv4Addr {
        Ipv4Addr::from_bits(self.base + 1)
    }

    /// Returns the address that the host has in it.
    pub fn host(self) -> Ipv4Addr {
        Ipv4Addr::from_bits(self.base + Self::SIZE - 2)
    }

    /// Returns what tells it from others of ours, for names of links.
    pub(crate) fn suffix(self) -> String {
        let [_, second, third, _] = self.base().octets();
        format!("{second}-{third}")
    }

    pub(crate) fn broadcast(self) -> Ipv4Addr {
        Ipv4Addr::from_bits(self.base + Self::SIZE - 1)
    }

    /// Returns whether an address lies in it.
    pub fn contains(self, address: Ipv4Addr) -> bool {
        Self::around(address) == self
    }

    /// Returns the addresses that machines can have.
    pub(crate) fn addresses(self) -> impl Iterator<Item = Ipv4Addr> {
        (2..Self::SIZE - 2).map(move |index| Ipv4Addr::from_bits(self.base + index))
    }

    fn overlaps(self, route: Route) -> bool {
        let mask = route.mask & !(Self::SIZE - 1);
        // A default route leads everywhere, and is no neighbour.
        route.mask != 0 && self.base & mask == route.destination & mask
    }

    /// Returns a range that no route of the host leads to, always the same for the same seed
    /// and routes, or `None` if there is none left.
    pub(crate) fn choose(seed: u64, routes: &[Route]) -> Option<Self> {
        let count = (SECOND_MAX - SECOND_MIN + 1) * 256;
        let first = (seed % u64::from(count)) as u32;
        (0..count)
            .map(|step| {
                let number = (first + step) % count;
                Self { base: (10 << 24) | ((SECOND_MIN + number / 256) << 16) | ((number % 256) << 8) }
            })
            .find(|subnet| subnet.is_free(routes))
    }

    /// Whether no route of the host leads to it.
    pub(crate) fn is_free(self, routes: &[Route]) -> bool {
        !routes.iter().any(|route| self.overlaps(*route))
    }
}

impl fmt::Display for Subnet {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.base(), Self::PREFIX)
    }
}

/// A text that is no range of ours.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is no range of 256 addresses, such as 10.99.7.0/24")]
pub struct NoSubnet(String);

impl FromStr for Subnet {
    type Err = NoSubnet;

    fn from_str(text: &str) -> Result<Self, NoSubnet> {
        let parsed = text.strip_suffix("/24").and_then(|base| base.parse::<Ipv4Addr>().ok());
        match parsed.map(|base| (base, Self::around(base))) {
            Some((base, subnet)) if subnet.base() == base => Ok(subnet),
            Some(_) | None => Err(NoSubnet(text.to_owned())),
        }
    }
}

impl TryFrom<String> for Subnet {
    type Error = NoSubnet;

    fn try_from(text: String) -> Result<Self, NoSubnet> {
        text.parse()
    }
}

impl From<Subnet> for String {
    fn from(subnet: Subnet) -> Self {
        subnet.to_string()
    }
}

/// Where the host sends something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Route {
    destination: u32,
    mask: u32,
}

/// Reads `/proc/net/route`; lines that do not look like it are left out.
pub(crate) fn parse_routes(text: &str) -> Vec<Route> {
    text.lines().skip(1).filter_map(parse_route).collect()
}

fn parse_route(line: &str) -> Option<Route> {
    let fields: Vec<&str> = line.split_ascii_whitespace().collect();
    // Both are written as this processor has them in memory; the network has them the other way.
    let number = |index: usize| {
        let value = u32::from_str_radix(fields.get(index)?, 16).ok()?;
        Some(u32::from_be_bytes(value.to_ne_bytes()))
    };
    Some(Route { destination: number(1)?, mask: number(7)? })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ROUTES: &str = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n\
        eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n\
        lan\t0000280A\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0\n\
        lxdbr0\t0000290A\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n\
        half a line\n";

    #[test]
    #[cfg(target_endian = "little")]
    fn ranges_of_the_host_are_left_alone() {
        let routes = parse_routes(ROUTES);
        assert_eq!(routes.len(), 3);
        // The first numbers are those of 10.40.0.0/24 and so on: 10.40/16 is taken, 10.41.0/24, too.
        let choose = |seed| Subnet::choose(seed, &routes).map(|subnet| subnet.to_string());
        assert_eq!(choose(0).as_deref(), Some("10.41.1.0/24"));
        assert_eq!(choose(256 * 2 + 7).as_deref(), Some("10.42.7.0/24"));
        let everything = Route { destination: 10 << 24, mask: 0xff00_0000 };
        assert_eq!(Subnet::choose(0, &[everything]), None);
    }

    #[test]
    fn ranges_have_names() {
        let subnet: Subnet = "10.99.7.0/24".parse().unwrap();
        assert_eq!(subnet.gateway().to_string(), "10.99.7.1");
        assert_eq!(subnet.host().to_string(), "10.99.7.254");
        assert_eq!(subnet.addresses().count(), 252);
        assert!(subnet.addresses().all(|address| subnet.contains(address) && address != subnet.host()));
        for wrong in ["10.99.7.1/24", "10.99.7.0/16", "10.99.7.0", "x"] {
            assert!(wrong.parse::<Subnet>().is_err(), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read(text in ".*") {
            let _ = parse_routes(&text);
            if let Ok(subnet) = text.parse::<Subnet>() {
                prop_assert_eq!(subnet.to_string(), text);
            }
        }
    }
}
