//! V02: hooks of what the charm has.

use super::RuleId;
use super::finding::Found;
use super::monitor::Monitor;
use super::settings::DeclaredCharm;
use super::view::View;
use crate::vocabulary::{Hook, Name, Scope};

/// V02: a hook of an endpoint, a storage, a container or an action that the charm has not.
#[derive(Debug)]
pub(super) struct OnlyWhatIsDeclared;

/// The endpoint that every charm has without declaring it, and without hooks (R49).
const IMPLICIT_ENDPOINT: &str = "juju-info";

/// How far a name may be from the one that was meant: one letter in three.
const LETTERS_PER_MISTAKE: usize = 3;

impl Monitor for OnlyWhatIsDeclared {
    fn begins(&mut self, view: &View, hook: &Hook, found: &mut Found) {
        let (Some(charm), Some(name)) = (&view.settings.charm, &hook.subject) else { return };
        let Some((what, declared)) = declared(charm, hook.kind.scope()) else { return };
        if declared.contains(&name) {
            return;
        }
        if hook.kind.scope() == Scope::Relation && name == IMPLICIT_ENDPOINT {
            found.add(
                RuleId::R49,
                format!("`{hook}` is of an endpoint that the charm has without declaring it, and such have no hooks"),
            );
            return;
        }
        let mut reason = format!("`{hook}` is of the {what} `{name}`, which the charm has not");
        if let Some(nearest) = nearest(name, &declared) {
            reason += &format!("; `{nearest}` is near");
        } else if declared.is_empty() {
            reason += "; it has none";
        } else {
            let names: Vec<String> = declared.iter().map(|name| format!("`{name}`")).collect();
            reason += &format!("; it has {}", names.join(", "));
        }
        if charm.may_be_other_revision {
            found.warn(RuleId::V02, reason);
        } else {
            found.add(RuleId::V02, reason);
        }
    }
}

/// Returns what a charm has of a kind, and how that is called.
fn declared(charm: &DeclaredCharm, scope: Scope) -> Option<(&'static str, Vec<&Name>)> {
    match scope {
        Scope::Relation => Some(("endpoint", charm.endpoints.keys().collect())),
        Scope::Storage => Some(("storage", charm.storages.keys().collect())),
        Scope::Container => Some(("container", charm.containers.iter().collect())),
        Scope::Action => Some(("action", charm.actions.iter().collect())),
        Scope::Unit | Scope::Secret => None,
    }
}

/// Returns the name that was probably meant.
fn nearest<'names>(name: &str, declared: &[&'names Name]) -> Option<&'names Name> {
    let distances = declared.iter().map(|known| (distance(name, known), *known));
    let (least, nearest) = distances.min()?;
    (least <= name.chars().count().div_ceil(LETTERS_PER_MISTAKE)).then_some(nearest)
}

/// Returns how many letters have to be put in, taken out or changed to make one of the
/// other (Levenshtein). Names are short.
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (at, letter) in one.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = at + 1;
        for (column, of_other) in other.iter().enumerate() {
            let changed = diagonal + usize::from(letter != *of_other);
            diagonal = row[column + 1];
            row[column + 1] = changed.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_found() {
        let declared = [Name::from("database"), Name::from("ingress"), Name::from("peers")];
        let declared: Vec<&Name> = declared.iter().collect();
        let check = |name: &str, expected: Option<&str>| {
            assert_eq!(nearest(name, &declared).map(Name::as_str), expected, "{name}");
        };
        check("databse", Some("database"));
        check("ingres", Some("ingress"));
        check("pears", Some("peers"));
        check("metrics-endpoint", None);
        assert_eq!(nearest("x", &[]), None);
    }
}
