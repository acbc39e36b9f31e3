//! `open-port`, `close-port`, `opened-ports`.

use std::collections::{BTreeMap, BTreeSet};

use charmproof_lifecycle::vocabulary::{Name, Platform};

use super::call::{Call, Tool};
use super::failure::{Attempt, Failure, quoted};
use super::flags::Arguments;
use super::output::Data;
use crate::state::{HookContext, Port, PortProtocol, PortRange, State};

/// Reads the arguments of `open-port` and `close-port`.
pub(super) fn parse_change(tool: Tool, mut arguments: Arguments) -> Attempt<Call> {
    let text = arguments.next().ok_or_else(|| Failure::usage("no port or range specified"))?;
    let range = parse_range(&text.to_lowercase())?;
    arguments.end()?;
    let endpoints: BTreeSet<String> = arguments
        .text("endpoints")
        .iter()
        .flat_map(|list| list.split(','))
        .map(|name| name.trim().to_owned())
        .collect();
    let endpoints = endpoints.into_iter().collect();
    Ok(if tool == Tool::OpenPort {
        Call::OpenPort { range, endpoints }
    } else {
        Call::ClosePort { range, endpoints }
    })
}

/// Reads the arguments of `opened-ports`.
pub(super) fn parse_opened(arguments: &Arguments) -> Attempt<Call> {
    arguments.end()?;
    Ok(Call::OpenedPorts { has_endpoints: arguments.is_on("endpoints") })
}

/// Reads `80`, `80/tcp`, `8000-8010/udp` or `icmp`.
fn parse_range(text: &str) -> Attempt<PortRange> {
    if text == "icmp" {
        return Ok(PortRange { protocol: PortProtocol::Icmp, from: 0, to: 0 });
    }
    let (ports, protocol) = text.split_once('/').unwrap_or((text, "tcp"));
    let number = |text: &str| {
        text.parse::<i64>().map_err(|_| {
            Failure::usage(format!(
                "invalid port {}: strconv.Atoi: parsing {}: invalid syntax",
                quoted(text),
                quoted(text)
            ))
        })
    };
    let (from, to) = match ports.split_once('-') {
        Some((from, to)) => (number(from)?, number(to)?),
        None => (number(ports)?, number(ports)?),
    };
    let protocol = match protocol {
        "tcp" => PortProtocol::Tcp,
        "udp" => PortProtocol::Udp,
        "icmp" => {
            return Err(Failure::usage(
                "protocol \"icmp\" doesn't support any ports; got \"".to_owned() + ports + "\"",
            ));
        }
        other => {
            return Err(Failure::usage(format!(
                "invalid protocol {}, expected \"tcp\", \"udp\", or \"icmp\"",
                quoted(other)
            )));
        }
    };
    let name: &str = protocol.into();
    if from > to {
        return Err(Failure::usage(format!("invalid port range {from}-{to}/{name}")));
    }
    let bound = |number: i64| u16::try_from(number).ok().filter(|number| *number > 0);
    match (bound(from), bound(to)) {
        (Some(from), Some(to)) => Ok(PortRange { protocol, from, to }),
        (None, _) | (_, None) => {
            Err(Failure::usage(format!("port range bounds must be between 1 and 65535, got {from}-{to}")))
        }
    }
}

/// Returns the ports that will be open once the hook has ended well.
fn as_they_will_be(state: &State, context: &HookContext) -> Attempt<BTreeSet<Port>> {
    let mut ports = state.unit(&context.unit)?.ports.clone();
    for (port, is_open) in &context.ports {
        if *is_open {
            ports.insert(port.clone());
        } else {
            ports.remove(port);
        }
    }
    Ok(ports)
}

/// Returns the ports that other units of the same machine have open: those that have its address. Each pod
/// has one of its own.
fn ports_beside<'a>(
    state: &'a State,
    context: &'a HookContext,
) -> impl Iterator<Item = (&'a Name, &'a Port)> {
    let own = state.units.get(&context.unit).map(|unit| unit.private_address.as_str());
    let own = own.filter(|address| !address.is_empty());
    let beside = state
        .units
        .values()
        .filter(move |unit| unit.name != context.unit && own.is_some_and(|own| unit.private_address == own));
    beside.flat_map(|unit| unit.ports.iter().map(move |port| (&unit.name, port)))
}

/// Refuses a range that overlaps with another one and is not the same: they could not be told apart. It is
/// compared with what this hook has asked for before, which `is_open` tells apart, and with what is open on
/// the machine, even where this hook has closed that: it is open until the hook has ended.
fn refuse_conflicts(state: &State, context: &HookContext, range: PortRange, is_open: bool) -> Attempt<()> {
    let committed = &state.unit(&context.unit)?.ports;
    // Asking again for what is open anyway changes nothing.
    let is_pending =
        |port: &Port, was_opened: bool| was_opened == is_open && !(is_open && committed.contains(port));
    let pending = context.ports.iter().filter(|(port, was_opened)| is_pending(port, **was_opened));
    let earlier = pending.map(|(port, _)| (&context.unit, port, " requested earlier"));
    let own = committed.iter().map(|port| (&context.unit, port, ""));
    let beside = ports_beside(state, context).map(|(unit, port)| (unit, port, ""));
    let is_conflict = |unit: &Name, other: PortRange| {
        other.conflicts_with(range) && (*unit != context.unit || other != range)
    };
    match earlier.chain(own).chain(beside).find(|(unit, port, _)| is_conflict(unit, port.range)) {
        None => Ok(()),
        Some((unit, port, when)) => Err(Failure::refused(format!(
            "cannot {} {range} (unit {}): port range conflicts with {} (unit {}){when}",
            if is_open { "open" } else { "close" },
            quoted(&context.unit),
            port.range,
            quoted(unit)
        ))),
    }
}

/// Runs `open-port` and `close-port`, which are kept back until the hook has ended.
pub(super) fn change(
    state: &State,
    context: &mut HookContext,
    range: PortRange,
    endpoints: &[String],
    is_open: bool,
) -> Attempt<()> {
    // internal/worker/uniter/runner/context/ports.go: services of Kubernetes have single ports.
    let has_single_ports = state.juju.platform == Platform::Kubernetes && state.juju.is_at_least(3, 1, 0);
    if has_single_ports && range.from != range.to {
        return Err(Failure::refused(
            "port ranges are not supported for k8s applications, please specify a single port",
        ));
    }
    let all = [String::new()];
    let endpoints = if endpoints.is_empty() { &all } else { endpoints };
    let declared = &state.application(&context.application)?.endpoints;
    for endpoint in endpoints {
        if !endpoint.is_empty() && !declared.contains_key(endpoint.as_str()) {
            return Err(Failure::refused(format!("endpoint {} not found", quoted(endpoint))));
        }
    }
    let ports = endpoints.iter().map(|endpoint| Port { range, endpoint: endpoint.clone() });
    if !is_open {
        // What this hook itself has opened is no longer asked for, even if closing is refused.
        context.ports.retain(|port, was_opened| {
            !(*was_opened && port.range == range && endpoints.contains(&port.endpoint))
        });
    }
    refuse_conflicts(state, context, range, is_open)?;
    // Where nothing is open on the machine, there is nothing to close.
    let is_any_open =
        !state.unit(&context.unit)?.ports.is_empty() || ports_beside(state, context).next().is_some();
    if is_open || is_any_open {
        context.ports.extend(ports.map(|port| (port, is_open)));
    }
    Ok(())
}

/// Runs `opened-ports`. Since Juju 3.1 it tells of ports that this hook has opened, though
/// its manual still says otherwise.
pub(super) fn opened(state: &State, context: &HookContext, has_endpoints: bool) -> Attempt<Data> {
    let ports = if state.juju.is_at_least(3, 1, 0) {
        as_they_will_be(state, context)?
    } else {
        state.unit(&context.unit)?.ports.clone()
    };
    let mut by_range: BTreeMap<PortRange, Vec<String>> = BTreeMap::new();
    for port in ports {
        by_range.entry(port.range).or_default().push(port.endpoint);
    }
    Ok(Data::texts(by_range.into_iter().map(|(range, endpoints)| {
        if !has_endpoints {
            range.to_string()
        } else if endpoints.iter().any(String::is_empty) {
            format!("{range} (*)")
        } else {
            format!("{range} ({})", endpoints.join(", "))
        }
    })))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_as_juju_reads_them() {
        let check = |text: &str, expected: &str| {
            assert_eq!(parse_range(text).unwrap().to_string(), expected, "{text}");
        };
        check("80", "80/tcp");
        check("80/udp", "80/udp");
        check("8000-8010", "8000-8010/tcp");
        check("icmp", "icmp");
        let check_error = |text: &str, expected: &str| {
            assert_eq!(parse_range(text), Err(Failure::usage(expected)), "{text}");
        };
        check_error("http", "invalid port \"http\": strconv.Atoi: parsing \"http\": invalid syntax");
        check_error("0", "port range bounds must be between 1 and 65535, got 0-0");
        check_error("70000", "port range bounds must be between 1 and 65535, got 70000-70000");
        check_error("20-10", "invalid port range 20-10/tcp");
        check_error("80/sctp", "invalid protocol \"sctp\", expected \"tcp\", \"udp\", or \"icmp\"");
    }
}
