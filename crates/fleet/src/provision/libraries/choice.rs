//! Which copy of a library is the one to use. Pure: facts in, the next step out.
//!
//! The rule is that of `charmproof_charm::library`: a patch that is asked for is that
//! patch, or the newest if only newer ones are to be had; older ones are never used.
//! Among equals the cache comes before Charmhub, and Charmhub before the fleet. What
//! Charmhub says is the newest is the newest, also if somebody in the fleet has a patch
//! that was never published: it is what `charmcraft fetch-libs` would bring.

use std::cmp::Reverse;
use std::fmt::Write as _;

use charmproof_charm::library::LibraryKey;

/// What came of a question to Charmhub.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Asked {
    /// It cannot be asked.
    #[default]
    Never,
    /// It was not asked so far.
    NotYet,
    /// It has nothing, or nothing that can be used.
    Nothing,
    /// It has this patch, and the text was read.
    Has(u64),
}

/// What is known about a wanted library.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Facts {
    /// The patch asked for.
    pub(super) wanted: Option<u64>,
    /// The patches in the cache.
    pub(super) cached: Vec<u64>,
    /// The patches of the fleet's copies, best first, as the index has them.
    pub(super) fleet: Vec<Option<u64>>,
    /// What Charmhub said when it was asked for the wanted patch.
    pub(super) asked_exactly: Asked,
    /// What Charmhub said when it was asked for the newest.
    pub(super) asked_newest: Asked,
}

/// A copy of a library.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Choice {
    /// That of a patch in the cache.
    Cache(u64),
    /// That of a patch that Charmhub sent.
    Charmhub(u64),
    /// One of the fleet's, by its place.
    Fleet(usize),
}

/// What to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Ask Charmhub for a patch, or for the newest.
    Ask(Option<u64>),
    /// Use the first of these that can be read; none if there is none.
    Take(Vec<Choice>),
}

impl Facts {
    /// Returns the next step. Each question is asked once.
    pub(super) fn next(&self) -> Step {
        let copies = self.copies();
        let Some(wanted) = self.wanted else {
            return if self.asked_newest == Asked::NotYet { Step::Ask(None) } else { Step::Take(copies) };
        };
        let is_exact = copies.first().is_some_and(|copy| self.patch(*copy) == Some(wanted));
        if self.asked_exactly == Asked::NotYet && !self.cached.contains(&wanted) {
            Step::Ask(Some(wanted))
        } else if self.asked_newest == Asked::NotYet && !is_exact {
            Step::Ask(None)
        } else {
            Step::Take(copies)
        }
    }

    /// Notes what came of a question.
    pub(super) fn answer(&mut self, asked: Option<u64>, answer: Asked) {
        match asked {
            Some(_) => self.asked_exactly = answer,
            None => self.asked_newest = answer,
        }
    }

    /// Notes that Charmhub cannot be asked anymore.
    pub(super) fn stop_asking(&mut self) {
        for asked in [&mut self.asked_exactly, &mut self.asked_newest] {
            if *asked == Asked::NotYet {
                *asked = Asked::Never;
            }
        }
    }

    /// All copies that may be used, the one to use first.
    fn copies(&self) -> Vec<Choice> {
        let cache = self.cached.iter().map(|patch| Choice::Cache(*patch));
        let charmhub = [self.asked_exactly, self.asked_newest].into_iter().filter_map(|asked| match asked {
            Asked::Has(patch) => Some(Choice::Charmhub(patch)),
            Asked::Never | Asked::NotYet | Asked::Nothing => None,
        });
        let fleet = (0..self.fleet.len()).map(Choice::Fleet);
        let mut copies: Vec<Choice> = cache
            .chain(charmhub)
            .chain(fleet)
            .filter(|copy| self.wanted.is_none() || self.patch(*copy) >= self.wanted)
            .collect();
        // Stable, so that the cache stays before the fleet, and the fleet in its order.
        copies.sort_by_key(|copy| {
            let patch = self.patch(*copy);
            let is_exact = self.wanted.is_some() && patch == self.wanted;
            let is_published = !is_exact && matches!(copy, Choice::Charmhub(_));
            (!is_exact, !is_published, Reverse(patch))
        });
        copies.dedup();
        copies
    }

    fn patch(&self, copy: Choice) -> Option<u64> {
        match copy {
            Choice::Cache(patch) | Choice::Charmhub(patch) => Some(patch),
            Choice::Fleet(at) => self.fleet.get(at).copied().flatten(),
        }
    }

    /// Says why there is no copy to use: what was tried, and what came of it.
    pub(super) fn why_not(&self, key: &LibraryKey, charmhub: &str, unread: &[String]) -> String {
        let mut why = match self.wanted {
            Some(patch) => format!("{key} (patch {patch} or newer)"),
            None => key.to_string(),
        };
        let cache = match self.cached.iter().max() {
            Some(patch) => format!("the cache has no newer patch than {patch}"),
            None => "the cache does not have it".to_owned(),
        };
        let charmhub = match self.asked_newest {
            Asked::Has(patch) => format!("Charmhub has no newer patch than {patch}"),
            Asked::Never | Asked::NotYet | Asked::Nothing => charmhub.to_owned(),
        };
        let fleet = match self.fleet.iter().max() {
            _ if !unread.is_empty() => unread.join(", "),
            Some(Some(patch)) => format!("the fleet has no newer patch than {patch}"),
            Some(None) => "the fleet's copies do not say which patch they are".to_owned(),
            None => "no other charm of the fleet has it".to_owned(),
        };
        let _ = write!(why, " is not to be had: {cache}, {charmhub}, and {fleet}");
        why
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(wanted: Option<u64>, cached: &[u64], exactly: Asked, newest: Asked, fleet: &[u64]) -> Facts {
        Facts {
            wanted,
            cached: cached.to_vec(),
            fleet: fleet.iter().copied().map(Some).collect(),
            asked_exactly: exactly,
            asked_newest: newest,
        }
    }

    #[test]
    fn the_next_step() {
        use Asked::{Has, Never, NotYet, Nothing};
        use Choice::{Cache, Charmhub, Fleet};
        for (facts, expected) in [
            // An exact patch of the cache needs nobody else.
            (facts(Some(4), &[4, 7], NotYet, NotYet, &[4]), Step::Take(vec![Cache(4), Fleet(0), Cache(7)])),
            (facts(Some(4), &[3], NotYet, NotYet, &[4]), Step::Ask(Some(4))),
            (facts(Some(4), &[3], Has(4), NotYet, &[9]), Step::Take(vec![Charmhub(4), Fleet(0)])),
            // The fleet's exact patch comes before Charmhub's newer one.
            (facts(Some(4), &[], Nothing, NotYet, &[6, 4]), Step::Take(vec![Fleet(1), Fleet(0)])),
            (facts(Some(4), &[], Nothing, NotYet, &[6]), Step::Ask(None)),
            (facts(Some(4), &[], Nothing, Has(5), &[6]), Step::Take(vec![Charmhub(5), Fleet(0)])),
            (facts(Some(4), &[5], Nothing, Has(3), &[6, 5]), Step::Take(vec![Fleet(0), Cache(5), Fleet(1)])),
            (facts(Some(4), &[3], Nothing, Nothing, &[2]), Step::Take(vec![])),
            // The newest is what Charmhub says it is, if it says something.
            (facts(None, &[9], Never, NotYet, &[]), Step::Ask(None)),
            (facts(None, &[9], Never, Has(8), &[10]), Step::Take(vec![Charmhub(8), Fleet(0), Cache(9)])),
            (facts(None, &[9], Never, Never, &[9, 8]), Step::Take(vec![Cache(9), Fleet(0), Fleet(1)])),
        ] {
            assert_eq!(facts.next(), expected, "{facts:?}");
        }
    }
}
