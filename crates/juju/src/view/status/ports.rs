//! Open ports of a unit in few characters: `80,443,8000-8002/tcp 53/udp`.

use std::collections::BTreeMap;

/// Writes ports together by protocol. A part that is coloured is given to `mark` first.
pub(super) fn grouped(ports: &[String], mark: impl Fn(&str) -> String) -> String {
    let mut by_protocol: BTreeMap<String, Vec<Port>> = BTreeMap::new();
    for port in ports {
        let (protocol, port) = Port::read(port);
        by_protocol.entry(protocol).or_default().push(port);
    }
    let mut texts = Vec::new();
    for (protocol, mut ports) in by_protocol {
        // Juju sorts by the length of the text first.
        ports.sort_by(|one, other| {
            one.text.len().cmp(&other.text.len()).then_with(|| one.text.cmp(&other.text))
        });
        ports.dedup();
        let numbers = runs(&ports).iter().map(|run| mark(run)).collect::<Vec<_>>().join(",");
        let protocol = if protocol.chars().all(|digit| digit.is_ascii_digit()) && !protocol.is_empty() {
            mark(&protocol)
        } else {
            protocol
        };
        texts.push(format!("{numbers}{protocol}"));
    }
    texts.join(" ")
}

/// What stands before the protocol: a number, a range, or nothing.
#[derive(Debug, PartialEq, Eq)]
struct Port {
    text: String,
    number: Option<u32>,
}

impl Port {
    fn read(port: &str) -> (String, Self) {
        match port.split_once('/') {
            Some((text, protocol)) => {
                (format!("/{protocol}"), Self { text: text.to_owned(), number: text.parse().ok() })
            }
            None => (port.to_owned(), Self { text: String::new(), number: None }),
        }
    }
}

/// Ports whose numbers follow each other, as one range.
fn runs(ports: &[Port]) -> Vec<String> {
    let mut runs: Vec<(&Port, &Port)> = Vec::new();
    for port in ports.iter().filter(|port| !port.text.is_empty()) {
        // Juju sorts numbers as texts first, so 99 and 100 are no range.
        let follows = |last: &Port| {
            last.text.len() == port.text.len()
                && last.number.zip(port.number).is_some_and(|(before, number)| before + 1 == number)
        };
        match runs.last_mut() {
            Some((_, last)) if follows(last) => *last = port,
            Some(_) | None => runs.push((port, port)),
        }
    }
    runs.into_iter()
        .map(
            |(first, last)| {
                if first == last { first.text.clone() } else { format!("{}-{}", first.text, last.text) }
            },
        )
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_written_together_by_protocol() {
        let check = |ports: &[&str], expected: &str| {
            let ports: Vec<String> = ports.iter().map(ToString::to_string).collect();
            assert_eq!(grouped(&ports, str::to_owned), expected);
        };
        check(&[], "");
        check(&["80/tcp"], "80/tcp");
        check(&["1555/TCP", "123/UDP", "ICMP", "80/TCP"], "80,1555/TCP 123/UDP ICMP");
        check(&["1557/TCP", "1555/TCP", "80/TCP", "ICMP", "1556/TCP"], "80,1555-1557/TCP ICMP");
        check(&["99/tcp", "100/tcp", "101/tcp"], "99,100-101/tcp");
        check(&["8000-8010/tcp", "80/tcp", "81/tcp"], "80-81,8000-8010/tcp");
    }
}
