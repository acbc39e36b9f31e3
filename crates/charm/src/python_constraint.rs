//! Which versions of Python are allowed: PEP 440, and Poetry's own forms.

use std::fmt;
use std::str::FromStr;

use pep440_rs::{Operator, Version, VersionSpecifier, VersionSpecifiers};

use crate::names::PythonVersion;

/// A constraint on the version of Python, as a manifest writes it: PEP 440
/// (`>=3.8,<4`), or Poetry's `^3.10`, `~3.10`, `3.*`, `3.10` and `a || b`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PythonConstraint {
    text: String,
    /// A version fits if any of these allows it.
    alternatives: Vec<VersionSpecifiers>,
}

/// A text that is no constraint.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a constraint on the version of Python")]
pub struct InvalidConstraint {
    /// The text.
    pub text: String,
}

impl PythonConstraint {
    /// The constraint as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether a version is allowed. A version without its last part is
    /// allowed if its first or a late patch release is.
    pub fn allows(&self, version: PythonVersion) -> bool {
        let patches: &[u8] = match version.patch {
            Some(ref patch) => std::slice::from_ref(patch),
            None => &[0, 99],
        };
        patches.iter().any(|&patch| {
            let version = Version::new([version.major, version.minor, patch].map(u64::from));
            self.alternatives.iter().any(|specifiers| specifiers.contains(&version))
        })
    }

    /// The lowest minor version of Python 3 that is allowed.
    pub fn lowest_minor(&self) -> Option<PythonVersion> {
        minors().find(|version| self.allows(*version))
    }

    /// The same constraint with what it allows below the lowest version of
    /// `floor` cut off; nothing if it allows nothing down there.
    pub fn lifted_to(&self, floor: &Self) -> Option<Self> {
        let lowest = floor.lowest_minor()?;
        if !minors().take_while(|version| *version < lowest).any(|version| self.allows(version)) {
            return None;
        }
        let mut parts = vec![format!(">={lowest}")];
        // Alternatives are rare and never about upper bounds; caps of one
        // alternative are not those of the whole.
        if let [only] = self.alternatives.as_slice() {
            parts.extend(only.iter().filter(|one| is_cap(one)).map(ToString::to_string));
        }
        parts.join(",").replace(' ', "").parse().ok()
    }
}

fn minors() -> impl Iterator<Item = PythonVersion> {
    (0..60).map(PythonVersion::three)
}

fn is_cap(specifier: &VersionSpecifier) -> bool {
    use Operator::{
        Equal, EqualStar, ExactEqual, GreaterThan, GreaterThanEqual, LessThan, LessThanEqual, NotEqual,
        NotEqualStar, TildeEqual,
    };
    match specifier.operator() {
        LessThan | LessThanEqual | NotEqual | NotEqualStar | Equal | EqualStar | ExactEqual | TildeEqual => {
            true
        }
        GreaterThan | GreaterThanEqual => false,
    }
}

impl FromStr for PythonConstraint {
    type Err = InvalidConstraint;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let alternatives = text.split('|').filter(|part| !part.is_empty()).map(specifiers);
        let alternatives: Option<Vec<_>> = alternatives.collect();
        match alternatives {
            Some(alternatives) if !alternatives.is_empty() => {
                Ok(Self { text: text.trim().to_owned(), alternatives })
            }
            _ => Err(InvalidConstraint { text: text.to_owned() }),
        }
    }
}

impl fmt::Display for PythonConstraint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

/// Reads one alternative: clauses joined by commas or, in Poetry, spaces.
fn specifiers(text: &str) -> Option<VersionSpecifiers> {
    let mut clauses: Vec<String> = Vec::new();
    for word in text.split([',', ' ', '\t']).filter(|word| !word.is_empty()) {
        match clauses.last_mut() {
            // `>= 3.8` is one clause.
            Some(last) if last.ends_with(['<', '>', '=', '~', '^', '!']) => last.push_str(word),
            _ => clauses.push(word.to_owned()),
        }
    }
    if clauses.is_empty() {
        return None;
    }
    let mut parts = Vec::new();
    for clause in clauses {
        parts.extend(pep440_clauses(&clause)?);
    }
    let parsed = parts.iter().map(|part| VersionSpecifier::from_str(part).ok());
    parsed.collect::<Option<Vec<_>>>().map(VersionSpecifiers::from_iter)
}

/// Turns a clause of Poetry's into clauses of PEP 440.
fn pep440_clauses(clause: &str) -> Option<Vec<String>> {
    if clause == "*" {
        return Some(Vec::new());
    }
    if let Some(version) = clause.strip_prefix('^') {
        let release = release(version)?;
        // Up to the next value of the first part that is not zero.
        let fixed = release.iter().position(|part| *part != 0).unwrap_or(release.len() - 1);
        return Some(vec![format!(">={version}"), format!("<{}", next_after(&release[..=fixed])?)]);
    }
    if let Some(version) = clause.strip_prefix('~').filter(|rest| !rest.starts_with('=')) {
        let release = release(version)?;
        let fixed = release.len().min(2);
        return Some(vec![format!(">={version}"), format!("<{}", next_after(&release[..fixed])?)]);
    }
    if clause.starts_with(|first: char| first.is_ascii_digit()) {
        return Some(vec![format!("=={clause}")]);
    }
    if let Some(version) = clause.strip_prefix('=').filter(|rest| !rest.starts_with('=')) {
        return Some(vec![format!("=={version}")]);
    }
    Some(vec![clause.to_owned()])
}

fn release(version: &str) -> Option<Vec<u64>> {
    let release = Version::from_str(version).ok()?.release().to_vec();
    (!release.is_empty()).then_some(release)
}

fn next_after(release: &[u64]) -> Option<String> {
    let (last, before) = release.split_last()?;
    let last = last.checked_add(1)?;
    let parts = before.iter().chain(std::iter::once(&last));
    Some(parts.map(ToString::to_string).collect::<Vec<_>>().join("."))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Compares which of Python 3.6 to 3.16 are allowed.
    fn check(text: &str, expected: std::ops::RangeInclusive<u8>) {
        let constraint: PythonConstraint = text.parse().expect(text);
        let allowed: Vec<u8> =
            (6..=16).filter(|minor| constraint.allows(PythonVersion::three(*minor))).collect();
        assert_eq!(allowed, expected.collect::<Vec<_>>(), "{text}");
    }

    #[test]
    fn constraints_of_both_kinds() {
        check(">=3.8", 8..=16);
        check(">=3.8,<4.0", 8..=16);
        check(">=3.8, <3.12", 8..=11);
        check(">= 3.8 , < 3.12", 8..=11);
        check(">=3.8 <3.12", 8..=11);
        check("~=3.8", 8..=16);
        check("~=3.10.2", 10..=10);
        check("==3.10.*", 10..=10);
        check("<=3.12", 6..=12);
        check("^3.10", 10..=16);
        check("^3.8.1", 8..=16);
        check("~3.10", 10..=10);
        check("~3.10.4", 10..=10);
        check("~3", 6..=16);
        check("3.10.*", 10..=10);
        check("3.*", 6..=16);
        check("*", 6..=16);
        check("3.10", 10..=10);
        check(">=3.8,<3.9 || >=3.9,<3.10", 8..=9);
    }

    #[test]
    fn texts_that_are_no_constraints() {
        for text in ["", "three", "^", "~", "^x", ">=", "||", ">=3.8,{{x}}"] {
            assert!(text.parse::<PythonConstraint>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_known_patch_is_compared_exactly() {
        let constraint: PythonConstraint = ">=3.10.6,!=3.12.1".parse().expect("it is one");
        for (version, expected) in [("3.10.4", false), ("3.10.6", true), ("3.12.1", false), ("3.10", true)] {
            let version: PythonVersion = version.parse().expect("it is a version");
            assert_eq!(constraint.allows(version), expected, "{version}");
        }
    }

    fn check_lift(constraint: &str, floor: &str, expected: Option<&str>) {
        let constraint: PythonConstraint = constraint.parse().expect("it is one");
        let floor = floor.parse().expect("it is one");
        let lifted = constraint.lifted_to(&floor).map(|lifted| lifted.to_string());
        assert_eq!(lifted.as_deref(), expected, "{constraint}");
    }

    #[test]
    fn lower_bounds_are_lifted_and_caps_stay() {
        check_lift(">=3.8", ">=3.10", Some(">=3.10"));
        check_lift(">=3.8,<4.0", ">=3.10", Some(">=3.10,<4.0"));
        check_lift("^3.8", ">=3.10", Some(">=3.10,<4"));
        check_lift(">=3.12", ">=3.10", None);
        check_lift("~3.8", ">=3.10", Some(">=3.10,<3.9"));
        check_lift("*", ">=3.10", Some(">=3.10"));
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in any::<String>(), close in "[<>=~^!|*., 0-9a]{0,16}") {
            for text in [text, close] {
                if let Ok(constraint) = text.parse::<PythonConstraint>() {
                    let _ = constraint.lowest_minor();
                    let _ = constraint.lifted_to(&constraint.clone());
                }
            }
        }

        #[test]
        fn a_constraint_lifted_allows_nothing_below(lower in 0u8..20, floor in 0u8..20) {
            let constraint: PythonConstraint = format!(">=3.{lower},<4").parse().expect("it is one");
            let floor_constraint: PythonConstraint = format!(">=3.{floor}").parse().expect("it is one");
            let lifted = constraint.lifted_to(&floor_constraint);
            prop_assert_eq!(lifted.is_some(), lower < floor);
            let result = lifted.unwrap_or(constraint);
            prop_assert_eq!(result.lowest_minor(), Some(PythonVersion::three(lower.max(floor))));
        }
    }
}
