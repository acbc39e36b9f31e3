//! What a life must not show, whatever the charm is for.
//!
//! An [`Oracle`] reads what was played and says what it suspects. A suspicion is about the charm
//! only where nothing else explains it: what the environment refused is told as that, and of a
//! life in which anything went unanswered some oracles say nothing. Nothing here runs code.

mod deferral;
mod deprecation;
pub(crate) mod exception;
mod idempotence;
mod leftovers;
mod misuse;
mod rest;
pub(crate) mod secrets;
mod status;
mod time;
pub mod traceback;

use serde::Serialize;
use strum::{EnumString, IntoStaticStr, VariantArray};

use crate::player::Played;

/// Something that a life must not show.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    EnumString,
    IntoStaticStr,
    VariantArray,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum Oracle {
    /// A hook fails in a life that Juju can lead.
    UncaughtException,
    /// A hook tool is called in a way that Juju refuses.
    ToolMisuse,
    /// A unit that has nothing to do says that it is busy.
    UnsettledStatus,
    /// The same hook again changes something.
    Idempotence,
    /// The same things in another order end differently.
    Convergence,
    /// Units make each other busy without end.
    PingPong,
    /// Something stays when it should have gone.
    LeftBehind,
    /// An event is deferred again and again.
    DeferredForever,
    /// The content of a secret is where everybody can read it.
    SecretLeak,
    /// Something is used that is going to be removed.
    Deprecation,
    /// A hook takes longer than it may.
    SlowHook,
}

impl Oracle {
    /// All of them.
    pub const ALL: &'static [Self] = Self::VARIANTS;

    /// Returns the name, as people write it.
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// Returns the oracle of the name.
    pub fn parse(name: &str) -> Option<Self> {
        name.parse().ok()
    }

    /// Returns why it is a fault, in a sentence.
    pub fn reason(self) -> &'static str {
        match self {
            Self::UncaughtException => {
                "a hook that fails puts the unit into error, and somebody has to resolve it by hand"
            }
            Self::ToolMisuse => "Juju refuses the call, so what the charm wanted does not happen",
            Self::UnsettledStatus => "whoever waits for the unit, be it a person or a test, waits for ever",
            Self::Idempotence => {
                "Juju runs a hook again whenever its agent restarts, so a repetition must change nothing"
            }
            Self::Convergence => "Juju does not promise an order, so the end must not depend on it",
            Self::PingPong => "each write wakes the other side, so the model never comes to rest",
            Self::LeftBehind => "what stays is found by whatever is deployed there next",
            Self::DeferredForever => {
                "the handler runs again with every hook, and what it waits for is not going to come"
            }
            Self::SecretLeak => "logs and relation data are read by people who may not read the secret",
            Self::Deprecation => "the next release of the library may not have it any more",
            Self::SlowHook => "nothing else of the unit happens meanwhile",
        }
    }

    /// Whether it is asked if the user names none. The others need more runs, or judge what
    /// people disagree on.
    pub fn is_usual(self) -> bool {
        match self {
            Self::UncaughtException
            | Self::ToolMisuse
            | Self::UnsettledStatus
            | Self::Idempotence
            | Self::Convergence
            | Self::PingPong
            | Self::LeftBehind
            | Self::DeferredForever
            | Self::SecretLeak
            | Self::Deprecation
            | Self::SlowHook => true,
        }
    }
}

/// Whose fault it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Blame {
    /// The charm's.
    Charm,
    /// Something that is not there, and of which a stand-in or a rule is missing.
    Environment,
}

/// Something that an oracle has seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Suspicion {
    /// Which oracle.
    pub oracle: Oracle,
    /// Whose fault it is.
    pub blame: Blame,
    /// What two suspicions have in common that are one: where it is and of what kind, without
    /// names and numbers of one life.
    pub cause: String,
    /// What was seen, in one line.
    pub summary: String,
    /// More of it, such as a traceback.
    pub details: String,
    /// The number of the hook in which it showed, if it was in one.
    pub hook: Option<usize>,
}

/// What oracles are asked.
#[derive(Clone, Debug)]
pub struct Questions {
    /// The oracles that are asked.
    pub oracles: Vec<Oracle>,
    /// How long a hook may take, in seconds.
    pub hook_budget_s: f64,
}

/// Returns what the oracles have seen in a life. Convergence compares two lives, and is asked
/// by whoever has played both.
pub fn look(played: &Played, questions: &Questions) -> Vec<Suspicion> {
    let mut seen = Vec::new();
    for oracle in &questions.oracles {
        match oracle {
            Oracle::UncaughtException => exception::look(played, &mut seen),
            Oracle::ToolMisuse => {
                let tells_failures = questions.oracles.contains(&Oracle::UncaughtException);
                misuse::look(played, tells_failures, &mut seen);
            }
            Oracle::UnsettledStatus => status::look(played, &mut seen),
            Oracle::Idempotence => idempotence::look(played, &mut seen),
            Oracle::Convergence => {}
            Oracle::PingPong => rest::look(played, &mut seen),
            Oracle::LeftBehind => leftovers::look(played, &mut seen),
            Oracle::DeferredForever => deferral::look(played, &mut seen),
            Oracle::SecretLeak => secrets::look(played, &mut seen),
            Oracle::Deprecation => deprecation::look(played, &mut seen),
            Oracle::SlowHook => time::look(played, questions.hook_budget_s, &mut seen),
        }
    }
    // One that shows ten times in a life is one.
    let mut causes = std::collections::HashSet::new();
    seen.retain(|suspicion| causes.insert((suspicion.oracle, suspicion.cause.clone())));
    seen
}

/// Returns a text without what differs from life to life: numbers, addresses, ids.
pub(crate) fn normalised(text: &str) -> String {
    let mut result = String::with_capacity(text.len());
    let mut in_number = false;
    let mut rest = text;
    // Where an object is in memory: `<Future at 0x7f439f2dffe0 …>`.
    while let Some((before, address)) = rest.split_once("0x") {
        result.push_str(before);
        result.push('N');
        rest = address.trim_start_matches(|character: char| character.is_ascii_hexdigit());
    }
    let text = std::mem::take(&mut result) + rest;
    for character in text.chars() {
        if character.is_ascii_digit() {
            if !in_number {
                result.push('N');
            }
            in_number = true;
        } else {
            in_number = false;
            result.push(character);
        }
    }
    result.truncate(result.char_indices().nth(300).map_or(result.len(), |(place, _)| place));
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_from_life_to_life_is_left_out() {
        let check = |text: &str, expected: &str| assert_eq!(normalised(text), expected, "{text}");
        check("port 8080 of unit 12", "port N of unit N");
        check("<Future at 0x7f439f2dffe0 raised>", "<Future at N raised>");
        check("<a at 0xdeadbeef> and <b at 0x00>", "<a at N> and <b at N>");
        check("", "");
    }
}
