use crate::compare::compare;
use crate::comparison::Comparison;
use crate::event::{CaseResult, Failure, Side, SubjectId, UnitResult};
use crate::outcome::Outcome;
use crate::test_support::{case, failure, plan, result};

/// Compares charms whose one baseline passes and whose candidates fail so.
fn charms(fails: &[(&str, Vec<CaseResult>)]) -> Comparison {
    let names: Vec<&str> = fails.iter().map(|(name, _)| *name).collect();
    let mut results: Vec<UnitResult> = Vec::new();
    for (name, cases) in fails {
        let passing = cases
            .iter()
            .map(|case| CaseResult { outcome: Outcome::Pass, failure: None, ..case.clone() })
            .collect();
        for mut one in [
            result(Side::Baseline, 0, Outcome::Pass, passing),
            result(Side::Candidate, 0, Outcome::Fail, cases.clone()),
        ] {
            one.unit.subject = SubjectId((*name).into());
            results.push(one);
        }
    }
    compare(&plan(&names, &["unit"]), &results)
}

fn failing(name: &str, exception: &str, message: &str, ms: u64) -> CaseResult {
    CaseResult { failure: Some(failure(exception, message)), duration_ms: ms, ..case(name, Outcome::Fail) }
}

#[test]
fn one_cause_in_many_charms_is_one_line() {
    let message = |unit: &str, at: &str| format!("no 'model' in '{unit}' at {at}, line 12");
    let comparison = charms(&[
        ("lone", (0..9).map(|n| failing(&n.to_string(), "KeyError", "'port'", 5)).collect()),
        ("one", vec![failing("x", "AttributeError", &message("mysql/0", "0x7f01"), 40)]),
        ("two", vec![failing("y", "AttributeError", &message("kafka/3", "0x7f99"), 20)]),
    ]);
    let causes = &comparison.causes;
    assert_eq!(causes.len(), 2);
    // Two charms go before nine cases of one charm.
    assert_eq!(causes[0].subjects, [SubjectId("one".into()), SubjectId("two".into())]);
    assert_eq!(causes[0].cases, 2);
    assert_eq!(causes[0].smallest, (SubjectId("two".into()), "unit".into(), "y".into()));
    assert_eq!(causes[0].title, "AttributeError: no 'model' in 'kafka/3' at 0x7f99, line 12");
    assert_eq!(causes[0].place.as_deref(), Some("ops/model.py:412 in get"));
    assert_eq!(causes[1].cases, 9);
}

#[test]
fn the_line_of_the_frame_does_not_matter_but_its_function_does() {
    let at = |name: &str, line: u32, function: &str| {
        let mut case = failing(name, "TypeError", "bad", 5);
        let frame = &mut case.failure.as_mut().unwrap().frames[1];
        (frame.line, frame.function) = (line, function.into());
        case
    };
    let comparison = charms(&[("a", vec![at("1", 1, "get"), at("2", 2, "get"), at("3", 1, "set")])]);
    let sizes: Vec<_> = comparison.causes.iter().map(|cause| cause.cases).collect();
    assert_eq!(sizes, [2, 1]);
}

#[test]
fn what_one_place_says_of_many_things_is_one_cause() {
    let comparison = charms(&[
        ("a", vec![failing("1", "KeyError", "'ingress'", 5)]),
        ("b", vec![failing("2", "KeyError", "'database'", 5), failing("3", "AttributeError", "no 'x'", 5)]),
        // A missing name is what tells such causes apart.
        ("c", vec![failing("4", "AttributeError", "no 'y'", 5)]),
    ]);
    let shown: Vec<_> =
        comparison.causes.iter().map(|cause| (cause.title.as_str(), cause.subjects.len())).collect();
    assert_eq!(
        shown,
        [("KeyError: 'ingress'", 2), ("AttributeError: no 'x'", 1), ("AttributeError: no 'y'", 1)]
    );
}

#[test]
fn what_tests_say_of_one_class_is_one_cause() {
    let own = |name: &str, message: &str| {
        let mut case = failing(name, "AssertionError", message, 5);
        // The deepest frame is the test's own.
        case.failure.as_mut().unwrap().frames.iter_mut().for_each(|frame| frame.package = None);
        case
    };
    let comparison = charms(&[
        ("a", vec![own("1", "assert ActiveStatus('One') == ActiveStatus('one')")]),
        ("b", vec![own("2", "assert ActiveStatus('Two: 2') == ActiveStatus('two: 2')")]),
        ("c", vec![own("3", "assert 'x/1' == 'y'"), own("4", "assert 'p' == 'q'")]),
    ]);
    let sizes: Vec<_> = comparison.causes.iter().map(|cause| cause.subjects.len()).collect();
    assert_eq!(sizes, [2, 1, 1]);
}

#[test]
fn a_failure_without_words_has_a_title() {
    let bare = CaseResult { failure: None, ..case("x", Outcome::Timeout) };
    let empty = CaseResult { failure: Some(Failure::default()), ..case("y", Outcome::Fail) };
    let comparison = charms(&[("a", vec![bare, empty])]);
    let titles: Vec<_> = comparison.causes.iter().map(|cause| cause.title.as_str()).collect();
    assert_eq!(titles, ["timeout", "y without a message"]);
}
