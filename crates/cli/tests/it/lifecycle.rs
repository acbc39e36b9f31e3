//! `charmproof check lifecycle`: the charm's own code, through lives of a unit.

use charmproof_testkit::{Charm, charm};

use crate::support::{POLITE, World};

/// A charm that greets whenever it is configured, and has no tests at all.
const GREETER: &str = r#"import charmgreet
import ops


class Greeter(ops.CharmBase):
    def __init__(self, framework: ops.Framework):
        super().__init__(framework)
        framework.observe(self.on.config_changed, self._on_config_changed)

    def _on_config_changed(self, _: ops.ConfigChangedEvent):
        self.unit.status = ops.ActiveStatus(charmgreet.greet(self.app.name))


if __name__ == "__main__":
    ops.main(Greeter)
"#;

/// The package without what [`GREETER`] calls.
const MUTE: &str = "def wave(name):\n    return 'waves at ' + name\n";

fn greeter(name: &str) -> Charm {
    charm(name)
        .with_requirement("ops==3.7.1")
        .with_requirement("charmgreet==1.0")
        .with_file("src/charm.py", GREETER)
}

fn lives<'a>(swap: &'a str, count: &'a str) -> Vec<&'a str> {
    vec!["lifecycle", "./fleet", "--swap", swap, "--lives", count, "--attempts", "1"]
}

#[test]
fn a_swap_that_breaks_a_hook_fails_the_lives_that_run_it() {
    let world = World::new();
    world.index.publish("charmgreet", "3.0", MUTE);
    world.add(&greeter("web"));

    let run = world.check(&lives("charmgreet==3.0", "3")).code(1);
    run.expect("web", "lifecycle", "regressed: pass -> fail");
    let cases = run.pair("web", "lifecycle")["cases"].as_array().unwrap();
    let verdicts: Vec<String> =
        cases.iter().map(|case| format!("{} {}", case["case"], case["verdict"])).collect();
    assert_eq!(
        verdicts,
        [r#""life[seed=1]" "regressed""#, r#""life[seed=2]" "regressed""#, r#""life[seed=3]" "regressed""#]
    );
    let causes = run.report["causes"].as_array().unwrap();
    assert_eq!(causes.len(), 1, "{causes:#?}");
    let cause = causes[0].to_string();
    assert!(cause.contains("AttributeError") && cause.contains("src/charm.py"), "{cause}");
    assert_eq!(run.side("web", "lifecycle", "candidate")["proof"], "in-process");

    let again = world.check(&lives("charmgreet==3.0", "3")).code(1);
    assert_eq!((again.reused(), again.table()), (2, run.table()));
    // Other lives are another question.
    assert_eq!(world.check(&lives("charmgreet==3.0", "2")).code(1).reused(), 0);
}

#[test]
fn a_swap_that_breaks_nothing_is_survived_with_proof() {
    let world = World::new();
    world.add(&greeter("web"));
    let run = world.check(&lives("charmgreet==2.0", "3")).code(0);
    run.expect("web", "lifecycle", "still-passing: pass -> pass");
    assert_eq!(run.pair("web", "lifecycle")["still_passing"], 3);
    let candidate = run.side("web", "lifecycle", "candidate");
    assert_eq!(
        (&candidate["proof"], &candidate["proof_summary"]),
        (&"in-process".into(), &"charmgreet 2.0".into())
    );
}

#[test]
fn a_charm_that_imports_a_copy_of_its_own_proves_nothing() {
    let world = World::new();
    world.index.publish("charmgreet", "3.0", MUTE);
    world.add(&greeter("web").with_file("lib/charmgreet/__init__.py", POLITE));
    let run = world.check(&lives("charmgreet==3.0", "1"));
    let found = run.suite("web", "lifecycle");
    assert!(found.starts_with("not-injected: "), "{found}\n{}", run.result);
}

#[test]
fn a_charm_whose_environment_cannot_be_made_is_not_blamed_on_the_swap() {
    let world = World::new();
    world.add(&greeter("web").with_requirement("charmgreet==0.1"));
    let run = world.check(&lives("charmgreet==2.0", "1")).code(3);
    run.expect("web", "lifecycle", "blocked: could-not-prepare/resolver -> could-not-prepare/resolver");
}
