//! The lists of `systemctl`.

use std::time::Duration;

use super::{Options, Processes, Scene, resolve, status};
use crate::services::call::Said;
use crate::services::condition::matches;
use crate::services::install;
use crate::services::manager::{Entry, Life};
use crate::services::name::UnitName;
use crate::services::socket::Address;
use crate::services::span;
use crate::services::unit::{Kind, LoadState};

/// A table whose columns are as wide as they have to be; the last one ends where it ends.
fn table(rows: &[Vec<String>], said: &mut Said) {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    for row in rows {
        let cells: Vec<String> = row
            .iter()
            .zip(&widths)
            .enumerate()
            .map(
                |(index, (cell, width))| {
                    if index + 1 == row.len() { cell.clone() } else { format!("{cell:<width$}") }
                },
            )
            .collect();
        said.line(cells.join(" ").trim_end());
    }
}

fn fits(patterns: &[String], name: &UnitName) -> bool {
    patterns.is_empty()
        || patterns.iter().any(|pattern| {
            let is_full = pattern.contains(['*', '?', '[']);
            matches(pattern, name.as_str())
                || (!is_full && UnitName::from_word(pattern).is_ok_and(|meant| meant == *name))
        })
}

fn is_of_type(options: &Options, name: &UnitName) -> bool {
    options.types.is_empty() || options.types.iter().any(|kind| name.suffix().trim_start_matches('.') == kind)
}

pub(super) fn units<P: Processes>(scene: &mut Scene<'_, P>, patterns: &[String], options: &Options) -> Said {
    let mut said = Said::default();
    // Those that are asked for by their full name are loaded.
    for pattern in patterns.iter().filter(|pattern| !pattern.contains(['*', '?', '['])) {
        if let Ok(name) = UnitName::from_word(pattern) {
            scene.manager.load(&name);
        }
    }
    let has_state = |entry: &Entry| {
        options
            .states
            .iter()
            .any(|state| state == entry.active() || state == entry.sub() || state == entry.unit.load.word())
    };
    let mut shown: Vec<&Entry> = scene
        .manager
        .entries()
        .filter(|entry| fits(patterns, &entry.unit.name) && is_of_type(options, &entry.unit.name))
        .filter(|entry| {
            if options.states.is_empty() {
                options.shows_all || (!entry.is_idle() && entry.unit.load != LoadState::NotFound)
            } else {
                has_state(entry)
            }
        })
        // Somebody only asked for it.
        .filter(|entry| entry.unit.load != LoadState::NotFound || !entry.is_idle())
        .collect();
    shown.sort_by_key(|entry| (entry.unit.name.suffix(), entry.unit.name.clone()));
    let mut rows = Vec::new();
    if !options.has_no_legend {
        rows.push(["UNIT", "LOAD", "ACTIVE", "SUB", "DESCRIPTION"].map(str::to_owned).to_vec());
    }
    for entry in &shown {
        rows.push(vec![
            entry.unit.name.to_string(),
            entry.unit.load.word().to_owned(),
            entry.active().to_owned(),
            entry.sub().to_owned(),
            entry.unit.description.clone(),
        ]);
    }
    let mut plain = Said::default();
    table(&rows, &mut plain);
    let heads = usize::from(!options.has_no_legend);
    for (index, line) in plain.stdout.lines().enumerate() {
        let entry = index.checked_sub(heads).and_then(|index| shown.get(index));
        let mark = match entry.map(|entry| (entry.active(), &entry.unit.load)) {
            Some(("failed", _) | (_, LoadState::NotFound | LoadState::Masked | LoadState::BadSetting)) => {
                "● "
            }
            Some(_) | None => "  ",
        };
        said.line(if options.is_plain { line.to_owned() } else { format!("{mark}{line}") });
    }
    if !options.has_no_legend {
        if !shown.is_empty() {
            said.line(
                "\nLOAD   = Reflects whether the unit definition was properly loaded.\n\
                 ACTIVE = The high-level unit activation state, i.e. generalization of SUB.\n\
                 SUB    = The low-level unit activation state, values depend on unit type.",
            );
        }
        let count = shown.len();
        if options.states.is_empty() {
            let more =
                if options.shows_all { "" } else { " Pass --all to see loaded but inactive units, too." };
            said.line(format!("{count} loaded units listed.{more}"));
            said.line("To show all installed unit files use 'systemctl list-unit-files'.");
        } else {
            said.line(format!("{count} loaded units listed."));
        }
    }
    said
}

pub(super) fn unit_files<P: Processes>(scene: &Scene<'_, P>, patterns: &[String], options: &Options) -> Said {
    let mut said = Said::default();
    let library = &scene.manager.shelf;
    let mut rows = Vec::new();
    if !options.has_no_legend {
        rows.push(["UNIT FILE", "STATE", "PRESET"].map(str::to_owned).to_vec());
    }
    let mut count = 0;
    for name in library.all().keys() {
        if !fits(patterns, name) || !is_of_type(options, name) {
            continue;
        }
        let state = install::state(library, name);
        if !options.states.is_empty() && !options.states.iter().any(|wanted| wanted == state.word()) {
            continue;
        }
        let preset = match state {
            install::FileState::Static | install::FileState::Alias | install::FileState::Generated => "-",
            _ if install::is_preset(library, name) => "enabled",
            _ => "disabled",
        };
        rows.push(vec![name.to_string(), state.word().to_owned(), preset.to_owned()]);
        count += 1;
    }
    table(&rows, &mut said);
    if !options.has_no_legend {
        said.line(format!("\n{count} unit files listed."));
    }
    said.code = i32::from(count == 0 && !patterns.is_empty());
    said
}

pub(super) fn timers<P: Processes>(scene: &Scene<'_, P>, patterns: &[String], options: &Options) -> Said {
    let mut said = Said::default();
    let mut timers: Vec<(&Entry, &crate::services::manager::TimerLife, &UnitName)> = scene
        .manager
        .entries()
        .filter_map(|entry| match (&entry.life, &entry.unit.kind) {
            (Life::Timer(timer), Kind::Timer(config)) => Some((entry, timer, &config.unit)),
            (
                Life::Service(_) | Life::Timer(_) | Life::Socket(_) | Life::Target(_) | Life::Provided(_),
                _,
            ) => None,
        })
        .filter(|(entry, timer, _)| {
            fits(patterns, &entry.unit.name) && (options.shows_all || timer.simple.is_active)
        })
        .collect();
    timers.sort_by_key(|(_, timer, _)| (timer.next.is_none(), timer.next));
    let mut rows = Vec::new();
    if !options.has_no_legend {
        rows.push(["NEXT", "LEFT", "LAST", "PASSED", "UNIT", "ACTIVATES"].map(str::to_owned).to_vec());
    }
    for (entry, timer, unit) in &timers {
        let left = timer
            .next
            .map(|next| Duration::try_from(next.duration_since(scene.now)).unwrap_or(Duration::ZERO));
        let passed = timer
            .last_elapse
            .map(|last| Duration::try_from(scene.now.duration_since(last)).unwrap_or(Duration::ZERO));
        rows.push(vec![
            timer.next.map_or("-".to_owned(), status::stamp),
            left.map_or("-".to_owned(), |left| format!("{} left", span::ago(left).trim_end_matches(" ago"))),
            timer.last_elapse.map_or("-".to_owned(), status::stamp),
            passed.map_or("-".to_owned(), span::ago),
            entry.unit.name.to_string(),
            unit.to_string(),
        ]);
    }
    table(&rows, &mut said);
    if !options.has_no_legend {
        said.line(format!("\n{} timers listed.", timers.len()));
        if !options.shows_all {
            said.line("Pass --all to see loaded but inactive timers, too.");
        }
    }
    said
}

pub(super) fn sockets<P: Processes>(scene: &Scene<'_, P>, options: &Options) -> Said {
    let mut said = Said::default();
    let mut rows = Vec::new();
    if !options.has_no_legend {
        rows.push(["LISTEN", "UNIT", "ACTIVATES"].map(str::to_owned).to_vec());
    }
    let mut count = 0;
    for entry in scene.manager.entries().filter(|entry| options.shows_all || entry.is_active()) {
        let Kind::Socket(config) = &entry.unit.kind else { continue };
        for listen in &config.listens {
            let address = match &listen.address {
                Address::Unix(address) | Address::Internet(address) => address.clone(),
            };
            rows.push(vec![address, entry.unit.name.to_string(), config.service.to_string()]);
            count += 1;
        }
    }
    table(&rows, &mut said);
    if !options.has_no_legend {
        said.line(format!("\n{count} sockets listed."));
    }
    said
}

pub(super) fn jobs<P: Processes>(scene: &Scene<'_, P>) -> Said {
    let mut said = Said::default();
    let mut rows = vec![["JOB", "UNIT", "TYPE", "STATE"].map(str::to_owned).to_vec()];
    for job in scene.manager.jobs() {
        let state = if job.is_running { "running" } else { "waiting" };
        rows.push(vec![
            job.id.0.to_string(),
            job.unit.to_string(),
            job.kind.word().to_owned(),
            state.to_owned(),
        ]);
    }
    if rows.len() == 1 {
        said.line("No jobs running.");
    } else {
        table(&rows, &mut said);
        said.line(format!("\n{} jobs listed.", rows.len() - 1));
    }
    said
}

pub(super) fn dependencies<P: Processes>(
    scene: &mut Scene<'_, P>,
    words: &[String],
    options: &Options,
) -> Said {
    let default = ["multi-user.target".to_owned()];
    let words = if words.is_empty() { &default[..] } else { words };
    let names = match resolve(scene.manager, words, ".service") {
        Ok(names) => names,
        Err(error) => return Said::failed(1, error),
    };
    let mut said = Said::default();
    for name in names {
        said.line(name.as_str());
        let mut shown = vec![name.clone()];
        branch(scene, &name, "", options, &mut shown, &mut said);
    }
    said
}

fn branch<P: Processes>(
    scene: &mut Scene<'_, P>,
    name: &UnitName,
    indent: &str,
    options: &Options,
    shown: &mut Vec<UnitName>,
    said: &mut Said,
) {
    let unit = std::sync::Arc::clone(&scene.manager.load(name).unit);
    let next: Vec<UnitName> = if options.is_reverse {
        scene
            .manager
            .entries()
            .filter(|other| other.unit.wants.contains(name) || other.unit.requires.contains(name))
            .map(|other| other.unit.name.clone())
            .collect()
    } else {
        unit.requires.iter().chain(&unit.wants).chain(&unit.binds_to).cloned().collect()
    };
    for (index, other) in next.iter().enumerate() {
        let is_last = index + 1 == next.len();
        let mark = match scene.manager.load(other).active() {
            "active" | "reloading" => '●',
            "failed" => '×',
            _ => '○',
        };
        let line = if is_last { "└─" } else { "├─" };
        said.line(if options.is_plain {
            format!("  {other}")
        } else {
            format!("{mark} {indent}{line}{other}")
        });
        if other.suffix() == ".target" && !shown.contains(other) {
            shown.push(other.clone());
            let indent = format!("{indent}{}", if is_last { "  " } else { "│ " });
            branch(scene, other, &indent, options, shown, said);
        }
    }
}
