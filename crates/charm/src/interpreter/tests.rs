use proptest::prelude::*;

use super::*;

fn constraint(text: &str) -> PythonConstraint {
    text.parse().expect("it is a constraint")
}

fn version(text: &str) -> PythonVersion {
    text.parse().expect("it is a version")
}

/// Reads wishes from words such as `base=ubuntu@22.04 requires=>=3.8`.
fn wishes(words: &str) -> PythonWishes {
    let mut wishes = PythonWishes::default();
    for word in words.split_whitespace() {
        let (key, value) = word.split_once('=').expect("words are key=value");
        match key {
            "requires" => {
                wishes.requires_python = Some(Wish::new(constraint(value), "requires-python"));
            }
            "lock" => wishes.lock_requires_python = Some(Wish::new(constraint(value), "uv.lock")),
            "tox" => wishes.tox_base_python = Some(Wish::new(version(value), "tox.ini")),
            "file" => {
                wishes.python_version_file = Some(Wish::new(version(value), ".python-version"));
            }
            "base" => wishes.base = Some(value.parse().expect("it is a base")),
            package => wishes
                .floors
                .push(Floor { package: PackageName::new(package), requires_python: constraint(value) }),
        }
    }
    wishes
}

fn check(words: &str, available: &str, expected: &str) {
    let available: Vec<PythonVersion> = available.split_whitespace().map(version).collect();
    let outcome = match choose(&wishes(words), &available) {
        Ok(choice) => {
            let lifts: Vec<String> = choice
                .lifted
                .iter()
                .map(|lift| format!("; {:?} {} -> {}", lift.of, lift.from, lift.to))
                .collect();
            format!("{}{}", choice.version, lifts.concat())
        }
        Err(error) => error.to_string(),
    };
    assert_eq!(outcome, expected, "{words}");
}

const ALL: &str = "3.8 3.9 3.10 3.11 3.12 3.13 3.14";

#[test]
fn the_base_decides_when_nothing_else_does() {
    check("base=ubuntu@22.04", ALL, "3.10");
    check("base=ubuntu@24.04 requires=>=3.8", ALL, "3.12");
    check("base=ubuntu@26.04", ALL, "3.14");
    check("base=centos@7", ALL, "3.12");
    check("", ALL, "3.12");
}

#[test]
fn an_explicit_interpreter_wins() {
    check("base=ubuntu@22.04 tox=3.8", ALL, "3.8");
    check("base=ubuntu@22.04 file=3.11", ALL, "3.11");
    check("tox=3.9 file=3.11", ALL, "3.9; PythonVersionFile 3.11 -> 3.9");
    check("file=3.10.12", "3.10.4 3.12", "3.10.4; PythonVersionFile 3.10.12 -> 3.10");
}

#[test]
fn an_explicit_interpreter_that_is_absent_is_lifted() {
    check("base=ubuntu@24.04 tox=3.10", "3.12", "3.12; ToxBasePython 3.10 -> 3.12");
}

#[test]
fn the_closest_to_the_base_is_chosen() {
    check("base=ubuntu@22.04", "3.8 3.9 3.12", "3.9");
    check("base=ubuntu@22.04 requires=>=3.11", ALL, "3.12");
    check("base=ubuntu@22.04 requires=>=3.13", ALL, "3.13");
    check("base=ubuntu@24.04 requires=>=3.8,<3.11", ALL, "3.10");
    check("requires=^3.13", ALL, "3.13");
}

#[test]
fn floors_are_lifted_to_what_the_candidate_needs() {
    check(
        "base=ubuntu@20.04 requires=>=3.8,<4 lock=>=3.8 tox=3.8 ops=>=3.10",
        ALL,
        "3.12; RequiresPython >=3.8,<4 -> >=3.10,<4; LockRequiresPython >=3.8 -> >=3.10; ToxBasePython 3.8 -> 3.12; Base 3.8 -> 3.12",
    );
    check("base=ubuntu@22.04 requires=>=3.10 ops=>=3.8", ALL, "3.10");
    check("requires=>=3.8 a=>=3.10 b=>=3.11", "3.11", "3.11; RequiresPython >=3.8 -> >=3.11");
}

#[test]
fn what_nothing_meets_is_named() {
    check(
        "requires=~3.8 ops=>=3.10",
        ALL,
        "no Python here meets `~3.8` (requires-python) and `>=3.10` (ops); available: 3.8, 3.9, 3.10, 3.11, 3.12, 3.13, 3.14",
    );
    check("requires=>=3.15", "3.12", "no Python here meets `>=3.15` (requires-python); available: 3.12");
    check(
        "tox=3.5 base=ubuntu@16.04",
        "3.8 3.12",
        "no Python here meets `3.5` (tox.ini); available: 3.8, 3.12",
    );
    check(
        "tox=3.5 ops=>=3.10",
        "3.12",
        "no Python here meets `3.5` (tox.ini) and `>=3.10` (ops); available: 3.12",
    );
    check("tox=3.5", "3.5 3.12", "3.5");
    check("", "", "no Python here meets any wish; available: none");
}

proptest! {
    #[test]
    fn what_is_chosen_is_there_and_within_floors(
        minors in prop::collection::vec(6u8..16, 0..6),
        requires in proptest::option::of(6u8..16), tox in proptest::option::of(6u8..16),
        floor in proptest::option::of(6u8..16), base in proptest::sample::select(vec!["ubuntu@20.04", "ubuntu@24.04", "x@1"]),
    ) {
        let available: Vec<PythonVersion> = minors.into_iter().map(PythonVersion::three).collect();
        let wishes = PythonWishes {
            requires_python: requires.map(|minor| Wish::new(constraint(&format!(">=3.{minor}")), "r")),
            tox_base_python: tox.map(|minor| Wish::new(PythonVersion::three(minor), "t")),
            base: base.parse().ok(),
            floors: floor.map(|minor| Floor { package: PackageName::new("ops"), requires_python: constraint(&format!(">=3.{minor}")) }).into_iter().collect(),
            ..PythonWishes::default()
        };
        match choose(&wishes, &available) {
            Ok(choice) => {
                prop_assert!(available.contains(&choice.version));
                prop_assert!(is_within_floors(&wishes, choice.version));
            }
            Err(_) => prop_assert!(
                wishes.tox_base_python.as_ref().is_some_and(is_too_old)
                    || available.iter().all(|version| !is_allowed(&wishes, *version))
            ),
        }
    }
}
