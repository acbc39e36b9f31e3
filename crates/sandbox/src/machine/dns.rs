//! Questions for names and their answers, as they travel in packets.
//!
//! Only as much as is needed to answer for names of our own and to tell which questions are not
//! ours. Packets that cannot be read are nobody's question.

use std::net::Ipv4Addr;

const HEADER_BYTES: usize = 12;
const LABEL_BYTES_MAX: usize = 63;
const NAME_BYTES_MAX: usize = 255;
/// Bits of the second pair of bytes: an answer, from somebody responsible, who can ask others.
const ANSWER: u8 = 0x80 | 0x04;
const RECURSION_AVAILABLE: u8 = 0x80;
const SERVER_FAILURE: u8 = 2;
const INTERNET: u16 = 1;
/// How long an answer may be remembered: names of machines come and go.
const REMEMBERED_S: u32 = 1;

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The addresses of a name.
    Address,
    /// The addresses of a name that nobody has here.
    Address6,
    /// The name of an address.
    Pointer,
    Other,
}

/// One question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Question {
    /// In lower case, without a dot at the end.
    pub(crate) name: String,
    pub(crate) kind: Kind,
    /// Where it ends in the packet.
    end: usize,
}

impl Question {
    /// Returns the address whose name is asked for.
    pub(crate) fn address(&self) -> Option<Ipv4Addr> {
        let reversed = self.name.strip_suffix(".in-addr.arpa")?;
        let [a, b, c, d] = reversed.parse::<Ipv4Addr>().ok()?.octets();
        Some(Ipv4Addr::new(d, c, b, a))
    }
}

/// Reads the question of a packet; `None` if it is no question, or more than one.
pub(crate) fn question(packet: &[u8]) -> Option<Question> {
    let header = packet.get(..HEADER_BYTES)?;
    let is_standard_query = header[2] & 0xf8 == 0;
    if !is_standard_query || header[4..6] != [0, 1] {
        return None;
    }
    let mut labels: Vec<String> = Vec::new();
    let mut place = HEADER_BYTES;
    loop {
        let length = usize::from(*packet.get(place)?);
        place += 1;
        if length == 0 {
            break;
        }
        if length > LABEL_BYTES_MAX || place + length > HEADER_BYTES + NAME_BYTES_MAX {
            return None;
        }
        let label = packet.get(place..place + length)?;
        labels.push(String::from_utf8_lossy(label).to_ascii_lowercase());
        place += length;
    }
    let number = |at: usize| Some(u16::from_be_bytes([*packet.get(at)?, *packet.get(at + 1)?]));
    let kind = match (number(place)?, number(place + 2)?) {
        (1, INTERNET) => Kind::Address,
        (28, INTERNET) => Kind::Address6,
        (12, INTERNET) => Kind::Pointer,
        _ => Kind::Other,
    };
    Some(Question { name: labels.join("."), kind, end: place + 4 })
}

/// Answers with addresses: none says that there is such a name, but nothing of this kind.
pub(crate) fn with_addresses(packet: &[u8], question: &Question, addresses: &[Ipv4Addr]) -> Vec<u8> {
    let records: Vec<(u16, Vec<u8>)> =
        addresses.iter().map(|address| (1, address.octets().to_vec())).collect();
    answer(packet, question, &records, 0)
}

/// Answers with a name.
pub(crate) fn with_name(packet: &[u8], question: &Question, name: &str) -> Vec<u8> {
    let mut encoded = Vec::new();
    for label in name.split('.').filter(|label| !label.is_empty()) {
        let label = &label.as_bytes()[..label.len().min(LABEL_BYTES_MAX)];
        encoded.push(label.len() as u8);
        encoded.extend_from_slice(label);
    }
    encoded.push(0);
    answer(packet, question, &[(12, encoded)], 0)
}

/// Says that nobody could be asked.
pub(crate) fn failure(packet: &[u8], question: &Question) -> Vec<u8> {
    answer(packet, question, &[], SERVER_FAILURE)
}

fn answer(packet: &[u8], question: &Question, records: &[(u16, Vec<u8>)], code: u8) -> Vec<u8> {
    let mut answer = packet[..question.end].to_vec();
    // Whether the asker wants others to be asked is repeated.
    answer[2] = ANSWER | (packet[2] & 0x01);
    answer[3] = RECURSION_AVAILABLE | code;
    answer[6..8].copy_from_slice(&(records.len() as u16).to_be_bytes());
    answer[8..12].fill(0);
    for (kind, data) in records {
        // The name is the one of the question, which begins behind the header.
        answer.extend_from_slice(&[0xc0, HEADER_BYTES as u8]);
        answer.extend_from_slice(&kind.to_be_bytes());
        answer.extend_from_slice(&INTERNET.to_be_bytes());
        answer.extend_from_slice(&REMEMBERED_S.to_be_bytes());
        answer.extend_from_slice(&(data.len() as u16).to_be_bytes());
        answer.extend_from_slice(data);
    }
    answer
}

/// Returns the servers that a host asks, from its `/etc/resolv.conf`.
pub(crate) fn servers(resolver: &str) -> Vec<std::net::IpAddr> {
    let lines = resolver.lines().filter_map(|line| line.trim().strip_prefix("nameserver"));
    lines.filter_map(|rest| rest.trim().split('%').next()?.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn query(name: &str, kind: u16) -> Vec<u8> {
        let mut packet = vec![0xab, 0xcd, 1, 0, 0, 1, 0, 0, 0, 0, 0, 1];
        for label in name.split('.') {
            packet.push(label.len() as u8);
            packet.extend_from_slice(label.as_bytes());
        }
        packet.push(0);
        packet.extend_from_slice(&kind.to_be_bytes());
        packet.extend_from_slice(&[0, 1]);
        // What many add: an extension, which answers leave out.
        packet.extend_from_slice(&[0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 0]);
        packet
    }

    #[test]
    fn questions_are_read() {
        let question = question(&query("App-0.Endpoints.svc", 1)).unwrap();
        assert_eq!((question.name.as_str(), question.kind), ("app-0.endpoints.svc", Kind::Address));
        assert_eq!(super::question(&query("x", 28)).unwrap().kind, Kind::Address6);
        assert_eq!(super::question(&query("x", 15)).unwrap().kind, Kind::Other);
        let pointer = super::question(&query("5.7.99.10.in-addr.arpa", 12)).unwrap();
        assert_eq!(pointer.address(), Some(Ipv4Addr::new(10, 99, 7, 5)));
        let mut response = query("x", 1);
        response[2] |= 0x80;
        assert_eq!(super::question(&response), None);
    }

    #[test]
    fn answers_repeat_the_question() {
        let packet = query("app-0", 1);
        let asked = question(&packet).unwrap();
        let answer = with_addresses(&packet, &asked, &[Ipv4Addr::new(10, 99, 7, 5)]);
        assert_eq!(answer[..4], [0xab, 0xcd, 0x85, 0x80]);
        assert_eq!(answer[4..12], [0, 1, 0, 1, 0, 0, 0, 0]);
        assert_eq!(answer[answer.len() - 6..], [0, 4, 10, 99, 7, 5]);
        assert_eq!(failure(&packet, &asked)[3], 0x82);
        let named = with_name(&packet, &asked, "app-0.svc");
        assert!(named.ends_with(b"\x05app-0\x03svc\x00"));
    }

    #[test]
    fn servers_are_found() {
        let text = "# comment\nnameserver 10.0.0.53\nsearch x\nnameserver fe80::1%eth0\nnameserver broken\n";
        let servers: Vec<String> = servers(text).iter().map(ToString::to_string).collect();
        assert_eq!(servers, ["10.0.0.53", "fe80::1"]);
    }

    proptest! {
        #[test]
        fn any_packet_is_read(packet in proptest::collection::vec(any::<u8>(), 0..600), text in ".*") {
            if let Some(question) = question(&packet) {
                prop_assert!(question.end <= packet.len());
                prop_assert_eq!(&with_addresses(&packet, &question, &[])[..2], &packet[..2]);
            }
            let _ = servers(&text);
        }
    }
}
