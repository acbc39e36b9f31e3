//! `juju status --format line`, also called `short` and `oneline`: a line per unit.

use super::super::colour::Colour;
use super::super::order::naturally;
use super::{StatusOptions, StatusView, UnitView, each_subordinate, ports};

/// Writes a line per unit, subordinates below the units they are with.
pub fn write_oneline(status: &StatusView, options: &StatusOptions) -> String {
    let mut text = String::new();
    let mut write = |name: &str, unit: &UnitView, depth: usize| {
        text.push_str(&line(name, unit, depth, options.is_coloured));
    };
    for name in naturally(status.applications.keys()) {
        let application = &status.applications[name];
        for name in naturally(application.units.keys()) {
            let unit = &application.units[name];
            write(name, unit, 0);
            each_subordinate(unit, 1, &mut write);
        }
    }
    text
}

fn line(name: &str, unit: &UnitView, depth: usize, is_coloured: bool) -> String {
    let paint = |colour: Colour, text: &str| {
        if is_coloured { colour.paint(text) } else { text.to_owned() }
    };
    // Both are in the colour of what the agent does.
    let colour = Colour::of_status(&unit.juju_status.current).unwrap_or(Colour::Green);
    let ports = match unit.open_ports.as_slice() {
        [] => String::new(),
        open => format!(" {}", ports::grouped(open, |port| paint(Colour::BrightMagenta, port))),
    };
    format!(
        "{}- {}: {} ({}:{}, {}:{}){ports}\n",
        " ".repeat(depth * 2),
        paint(Colour::Green, name),
        paint(Colour::Cyan, &unit.public_address),
        paint(Colour::Bold, "agent"),
        paint(colour, &unit.juju_status.current),
        paint(Colour::Bold, "workload"),
        paint(colour, &unit.workload_status.current),
    )
}
