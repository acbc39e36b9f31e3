use crate::compare::compare_runs;
use crate::error::Error;
use crate::event::{Ending, Event, Plan, RunId, Side, SubjectId, UnitResult};
use crate::outcome::Outcome;
use crate::run::Run;
use crate::store::{RunRef, Store};
use crate::test_support::{Folder, case, folder, head, moment, plan, result, swap};
use crate::verdict::Verdict;

fn store() -> (Folder, Store) {
    let folder = folder();
    let store = Store::open(&folder.path).unwrap();
    (folder, store)
}

fn of(subject: &str, side: Side, second: i64, outcome: Outcome) -> UnitResult {
    let mut made = result(side, 0, outcome, vec![case("x", outcome)]);
    made.unit.subject = SubjectId(subject.into());
    made.started_at = moment(second);
    made
}

/// Writes a run of these results, each with its output.
fn run(store: &Store, name: &str, plan: Plan, results: Vec<UnitResult>) -> Run {
    let mut writer = store.create_run(&head(name, 0)).unwrap();
    store.append(&mut writer, &Event::Planned(plan)).unwrap();
    for mut result in results {
        result.log = Some(writer.put_output(format!("log of {:?}", result.unit).as_bytes()).unwrap());
        store.append(&mut writer, &Event::UnitFinished(Box::new(result))).unwrap();
    }
    let event = Event::RunFinished { at: moment(99), ending: Ending::Completed };
    store.append(&mut writer, &event).unwrap();
    store.run(&RunRef::Name(name.into())).unwrap()
}

fn names(names: &[&str]) -> Vec<RunRef> {
    names.iter().map(|&name| RunRef::Name(name.into())).collect()
}

#[test]
fn shards_become_one_run() {
    let (_folder, store) = store();
    let mut first = plan(&["a", "b"], &["unit"]);
    first.shard = Some("1/2".into());
    first.subjects[1].filtered = Some("in another shard".into());
    first.missing.insert("https://example.com/b".into(), "not asked for".into());
    let mut second = plan(&["b", "a"], &["unit"]);
    second.subjects[1].filtered = Some("in another shard".into());
    // Where a package came from differs from machine to machine.
    second.candidate[0].spec = "ops@/elsewhere".into();
    let two = |subject, second| {
        vec![
            of(subject, Side::Baseline, second, Outcome::Pass),
            of(subject, Side::Candidate, second, Outcome::Pass),
        ]
    };
    run(&store, "one", first, two("a", 5));
    let mut later = two("b", 6);
    later.push(of("a", Side::Candidate, 9, Outcome::Fail));
    run(&store, "two", second, later);

    for order in [["one", "two"], ["two", "one"]] {
        let name = format!("merged-{}", order[0]);
        let merged = store.merge(&names(&order), &head(&name, 100)).unwrap();
        assert_eq!(merged.id(), &RunId(name));
        assert_eq!(merged.results.len(), 4);
        assert_eq!(merged.ending, Some(Ending::Completed));
        assert_eq!((&merged.plan.shard, merged.plan.missing.len()), (&None, 0));
        let verdicts: Vec<_> =
            merged.comparison().pairs.into_iter().map(|pair| (pair.subject.0, pair.verdict)).collect();
        assert_eq!(verdicts, [("a".to_owned(), Verdict::Regressed), ("b".to_owned(), Verdict::StillPassing)]);
        for result in &merged.results {
            let log = merged.output(result.log.as_ref().unwrap()).unwrap();
            assert_eq!(log, format!("log of {:?}", result.unit).as_bytes());
        }
    }
}

#[test]
fn runs_that_do_not_belong_together_are_refused() {
    let (_folder, store) = store();
    run(&store, "one", plan(&["a"], &["unit"]), vec![]);
    let mut other = plan(&["a"], &["unit"]);
    other.candidate = vec![swap("4.0")];
    run(&store, "swaps", other, vec![]);
    let mut other = plan(&["a"], &["unit"]);
    other.subjects[0].tree = "another".into();
    run(&store, "trees", other, vec![]);
    let merge = |with: &str| store.merge(&names(&["one", with]), &head("new", 9)).unwrap_err();
    assert_eq!(
        merge("swaps").to_string(),
        "one and swaps cannot be merged: their candidate swaps differ \
         (ops 3.9.0 (digest-3.9.0); ops 4.0 (digest-4.0))"
    );
    assert!(matches!(merge("trees"), Error::DifferentTrees { .. }));
    assert!(matches!(store.merge(&[], &head("new", 9)), Err(Error::NothingToMerge)));
    assert!(!store.run_dir(&RunId("new".into())).exists());
}

#[test]
fn a_lost_output_is_a_warning() {
    let (_folder, store) = store();
    let one = run(&store, "one", plan(&["a"], &["unit"]), vec![of("a", Side::Baseline, 1, Outcome::Pass)]);
    fs_err::remove_dir_all(one.dir.join("outputs")).unwrap();
    let merged = store.merge(&names(&["one"]), &head("new", 9)).unwrap();
    assert_eq!(merged.results[0].log, None);
    assert_eq!(merged.warnings.len(), 1);
    assert!(merged.warnings[0].starts_with("one: the log of a unit (baseline) is lost: "));
}

#[test]
fn two_runs_are_compared_candidate_with_candidate() {
    let (_folder, store) = store();
    let sides =
        |candidate| vec![of("a", Side::Baseline, 1, Outcome::Fail), of("a", Side::Candidate, 2, candidate)];
    let old = run(&store, "old", plan(&["a", "b"], &["unit"]), sides(Outcome::Pass));
    let mut newer = plan(&["a"], &["unit"]);
    newer.candidate = vec![swap("4.0")];
    newer.subjects[0].tree = "moved".into();
    newer.subjects[0].commit = Some("beef".into());
    let new = run(&store, "new", newer, sides(Outcome::Fail));
    let comparison = compare_runs(&old, &new);
    assert_eq!(comparison.pairs.len(), 1);
    assert_eq!(comparison.pairs[0].verdict, Verdict::Regressed);
    assert_eq!(comparison.pairs[0].drift, ["the charm itself c0ffee -> beef"]);
    assert_eq!(comparison.unfinished, 0);
    let two = comparison.two_runs.unwrap();
    assert_eq!((two.only_before, two.only_after), (vec![SubjectId("b".into())], vec![]));

    // A run of baselines alone lends these.
    let mut bare = plan(&["a"], &["unit"]);
    bare.candidate.clear();
    let bare = run(&store, "bare", bare, vec![of("a", Side::Baseline, 1, Outcome::Pass)]);
    let comparison = compare_runs(&bare, &new);
    assert_eq!(comparison.pairs[0].verdict, Verdict::Regressed);
    let comparison = compare_runs(&bare, &bare);
    assert_eq!(comparison.pairs[0].verdict, Verdict::StillPassing);
    assert!(comparison.pairs[0].signal);
}
