//! Picks entries of a fleet.

use super::entry::FleetEntry;

/// Which entries to take. An empty list takes everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// Patterns for the label: with `*` or `?` a pattern for all of it, else a
    /// part of it. Case does not matter.
    pub repositories: Vec<String>,
    /// Teams, case ignored.
    pub teams: Vec<String>,
    /// Groups, case ignored.
    pub groups: Vec<String>,
    /// Patterns for labels to leave out.
    pub exclude: Vec<String>,
    /// How many to take at most.
    pub limit: Option<usize>,
}

/// What a selection gave.
#[derive(Clone, Debug)]
pub struct Selected<'a> {
    /// The entries taken, in the order of the list.
    pub entries: Vec<&'a FleetEntry>,
    /// Patterns, teams and groups that no entry of the list has: most likely
    /// typing mistakes.
    pub unmatched: Vec<String>,
}

/// Returns the entries that fit every part of `selection`.
pub fn select<'a>(entries: &'a [FleetEntry], selection: &Selection) -> Selected<'a> {
    let is_team = |entry: &FleetEntry, team: &str| {
        entry.team.as_ref().is_some_and(|own| own.eq_ignore_ascii_case(team))
    };
    let is_group =
        |entry: &FleetEntry, group: &str| entry.groups.iter().any(|own| own.eq_ignore_ascii_case(group));
    let any = |wanted: &[String], fits: &dyn Fn(&str) -> bool| {
        wanted.is_empty() || wanted.iter().any(|wanted| fits(wanted))
    };
    let chosen = entries
        .iter()
        .filter(|entry| {
            any(&selection.repositories, &|pattern| matches(pattern, &entry.label))
                && any(&selection.teams, &|team| is_team(entry, team))
                && any(&selection.groups, &|group| is_group(entry, group))
                && !selection.exclude.iter().any(|pattern| matches(pattern, &entry.label))
        })
        .take(selection.limit.unwrap_or(usize::MAX))
        .collect();
    let mut unmatched = Vec::new();
    for pattern in selection.repositories.iter().chain(&selection.exclude) {
        if !entries.iter().any(|entry| matches(pattern, &entry.label)) {
            unmatched.push(pattern.clone());
        }
    }
    for team in &selection.teams {
        if !entries.iter().any(|entry| is_team(entry, team)) {
            unmatched.push(team.clone());
        }
    }
    for group in &selection.groups {
        if !entries.iter().any(|entry| is_group(entry, group)) {
            unmatched.push(group.clone());
        }
    }
    Selected { entries: chosen, unmatched }
}

fn matches(pattern: &str, label: &str) -> bool {
    let pattern = pattern.to_lowercase();
    let label = label.to_lowercase();
    if pattern.contains(['*', '?']) {
        let pattern: Vec<char> = pattern.chars().collect();
        let label: Vec<char> = label.chars().collect();
        glob(&pattern, &label)
    } else {
        label.contains(&pattern)
    }
}

/// Matches all of `text`, in time proportional to both lengths multiplied.
fn glob(pattern: &[char], text: &[char]) -> bool {
    let (mut p, mut t) = (0, 0);
    let mut retry = None;
    while t < text.len() {
        match pattern.get(p) {
            Some('*') => {
                retry = Some((p + 1, t));
                p += 1;
            }
            Some(&c) if c == '?' || c == text[t] => {
                p += 1;
                t += 1;
            }
            _ => match retry {
                Some((after_star, from)) => {
                    retry = Some((after_star, from + 1));
                    p = after_star;
                    t = from + 1;
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|&c| c == '*')
}
