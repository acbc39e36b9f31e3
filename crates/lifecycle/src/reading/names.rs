//! Names of hooks, one a line: `db-relation-joined`, or `start failed`, and `#` before a
//! remark.

use charmproof_charm::spelling;

use super::{Unreadable, event, outcome};
use crate::rules::Event;
use crate::vocabulary::{HookKind, Scope};

/// How long a line of names may be. No name comes near it; a file of something else does.
pub const LINE_BYTES_MAX: usize = 4 * 1024;

/// Reads one line; an empty one is no event. What Juju calls its hooks is understood, and
/// what ops does.
pub fn read_line(number: usize, line: &str) -> Result<Option<Event>, Unreadable> {
    let mut words = line.split('#').next().unwrap_or_default().split_whitespace();
    let Some(name) = words.next() else { return Ok(None) };
    let place = || format!("line {number}");
    let outcome = outcome(words.next(), place)?;
    match words.next() {
        None => event(name, outcome, place).map(Some),
        Some(word) => Err(Unreadable::Outcome { place: place(), word: word.to_owned() }),
    }
}

/// Returns the name of a hook that `name`, which is none, may be a mistake of.
pub fn nearest_hook(name: &str) -> Option<String> {
    // Nobody means a hook by a whole paragraph, and each dash is tried below.
    if name.len() > 200 {
        return None;
    }
    let dashed = name.trim().replace('_', "-").to_lowercase();
    let is_alone = |kind: &HookKind| matches!(kind.scope(), Scope::Unit | Scope::Secret);
    let alone = HookKind::ALL.into_iter().filter(is_alone).map(HookKind::suffix);
    let alone = spelling::nearest(&dashed, alone)
        .map(|suffix| (spelling::distance(&dashed, suffix), suffix.to_owned()));
    let with_subject = dashed.match_indices('-').filter_map(|(at, _)| {
        let (subject, rest) = (&dashed[..at], &dashed[at + 1..]);
        let kinds = HookKind::ALL.into_iter().filter(|kind| !is_alone(kind));
        let suffix = spelling::nearest(rest, kinds.map(HookKind::suffix))?;
        let is_name = !subject.is_empty();
        is_name.then(|| (spelling::distance(rest, suffix), format!("{subject}-{suffix}")))
    });
    alone.into_iter().chain(with_subject).min().map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vocabulary::Outcome;

    #[test]
    fn lines_are_read() {
        let check = |line: &str, expected: Option<(&str, Outcome)>| {
            let found = read_line(1, line).expect(line);
            let said = found.map(|event| match event {
                Event::Hook { hook, outcome } => (hook.name(), outcome),
                Event::Marker(_) | Event::Unknown(_) => ("?".to_owned(), Outcome::Ok),
            });
            assert_eq!(said, expected.map(|(name, outcome)| (name.to_owned(), outcome)), "{line}");
        };
        check("install", Some(("install", Outcome::Ok)));
        check("  start failed # again", Some(("start", Outcome::Failed)));
        check("db_relation_joined", Some(("db-relation-joined", Outcome::Ok)));
        check("# nothing", None);
        check("", None);
        check("data-storage-detached", Some(("?", Outcome::Ok)));
    }

    #[test]
    fn what_is_no_line_is_told() {
        let check = |line: &str, expected: &str| {
            assert_eq!(read_line(7, line).expect_err(line).to_string(), expected);
        };
        check("instal", "line 7: `instal` is no hook of Juju; `install` is near");
        check(
            "db-relation-joind",
            "line 7: `db-relation-joind` is no hook of Juju; `db-relation-joined` is near",
        );
        check("secret-removed", "line 7: `secret-removed` is no hook of Juju; `secret-remove` is");
        check("zebra", "line 7: `zebra` is no hook of Juju");
        check("install well", "line 7: `well` is no way in which a hook ends");
        check("install ok twice", "line 7: `twice` is no way in which a hook ends");
    }
}
