//! `juju status --format summary`: how many of what are how.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use super::super::colour::Colour;
use super::super::order::naturally;
use super::super::table::Table;
use super::{StatusOptions, StatusView, UnitView, each_subordinate, ports};

/// Writes counts of machines, units and applications, and the networks and ports in use.
pub fn write_summary(status: &StatusView, options: &StatusOptions) -> String {
    let counts = Counts::of(status);
    let mut table = Table::new(options.is_coloured);
    key(&mut table, Colour::BoldBrightCyan, "Running on subnets:");
    table.cell_in(Colour::Cyan, &counts.subnets.join(", ")).text("\n");
    key(&mut table, Colour::BoldBrightCyan, " Utilizing ports:");
    table.cell(&ports::grouped(&in_lines_of_three(&counts.ports), str::to_owned)).text("\n");

    table.align_all_right();
    section(&mut table, "# Machines:", status.machines.len());
    states(&mut table, &counts.machines);
    section(&mut table, "# Units:", counts.units.values().sum());
    states(&mut table, &counts.units);
    section(&mut table, "# Applications:", status.applications.len());
    for name in naturally(status.applications.keys()) {
        let exposed = usize::from(status.applications[name].exposed);
        key(&mut table, Colour::BrightGreen, name);
        table.cell(&format!("{exposed}/1")).cell("exposed").text("\n");
    }
    table.cell(" ").text("\n");
    section(&mut table, "# Remote:", status.remote_applications.len());
    for name in naturally(status.remote_applications.keys()) {
        key(&mut table, Colour::Cyan, name);
        table.cell("").cell_in(Colour::Green, &status.remote_applications[name].url).text("\n");
    }
    table.finish()
}

fn section(table: &mut Table, title: &str, count: usize) {
    key(table, Colour::BoldBrightCyan, title);
    table.text("(").text_in(Colour::Magenta, &count.to_string()).text(")\t\n");
}

fn states(table: &mut Table, states: &BTreeMap<String, usize>) {
    for state in naturally(states.keys()) {
        key(table, Colour::of_status(state).unwrap_or(Colour::Green), &format!("{state}:"));
        table.cell_in(Colour::Magenta, &format!(" {} ", states[state])).text("\n");
    }
    table.cell(" ").text("\n");
}

fn key(table: &mut Table, colour: Colour, text: &str) {
    match text.strip_suffix(':') {
        Some(word) => table.text_in(colour, word).cell_in(Colour::BoldBrightMagenta, ":"),
        None => table.cell_in(colour, text),
    };
}

#[derive(Default)]
struct Counts {
    subnets: Vec<String>,
    ports: BTreeSet<String>,
    machines: BTreeMap<String, usize>,
    units: BTreeMap<String, usize>,
}

impl Counts {
    fn of(status: &StatusView) -> Self {
        let mut counts = Self::default();
        for name in naturally(status.machines.keys()) {
            let machine = &status.machines[name];
            counts.subnet(&machine.dns_name);
            let state = match machine.modification_status.current.as_str() {
                "error" => "error",
                _ => machine.juju_status.current.as_str(),
            };
            let state = if state.is_empty() { "pending" } else { state };
            *counts.machines.entry(state.to_owned()).or_default() += 1;
        }
        for name in naturally(status.applications.keys()) {
            let application = &status.applications[name];
            for name in naturally(application.units.keys()) {
                let unit = &application.units[name];
                counts.unit(unit);
                each_subordinate(unit, 1, &mut |_, unit, _| counts.unit(unit));
            }
        }
        counts
    }

    fn unit(&mut self, unit: &UnitView) {
        self.subnet(&unit.public_address);
        self.ports.extend(unit.open_ports.iter().cloned());
        *self.units.entry(unit.workload_status.current.clone()).or_default() += 1;
    }

    /// Notes the network of an address: the first address seen in it, and the size that
    /// networks had in the days of classes. A unit without an address is in `<nil>`.
    fn subnet(&mut self, address: &str) {
        let text = match address.parse::<Ipv4Addr>() {
            Ok(address) => {
                let bits = class_bits(address);
                let is_known = self.subnets.iter().any(|subnet| contains(subnet, address));
                if is_known {
                    return;
                }
                bits.map_or_else(|| "<nil>".to_owned(), |bits| format!("{address}/{bits}"))
            }
            Err(_) if address.is_empty() => "<nil>".to_owned(),
            Err(_) => return,
        };
        if !self.subnets.contains(&text) {
            self.subnets.push(text);
        }
    }
}

fn class_bits(address: Ipv4Addr) -> Option<u32> {
    match address.octets()[0] {
        0..=127 => Some(8),
        128..=191 => Some(16),
        192..=223 => Some(24),
        224.. => None,
    }
}

fn contains(subnet: &str, address: Ipv4Addr) -> bool {
    let Some((network, bits)) = subnet.split_once('/') else { return false };
    let (Ok(network), Ok(bits)) = (network.parse::<Ipv4Addr>(), bits.parse::<u32>()) else { return false };
    let mask = u32::MAX << (32 - bits);
    network.to_bits() & mask == address.to_bits() & mask
}

/// The first of every three ports but the first begins a line.
fn in_lines_of_three(ports: &BTreeSet<String>) -> Vec<String> {
    ports
        .iter()
        .enumerate()
        .map(|(index, port)| {
            let lead = if index > 0 && index % 3 == 0 { "\n\t" } else { "" };
            format!("{lead}{port}")
        })
        .collect()
}
