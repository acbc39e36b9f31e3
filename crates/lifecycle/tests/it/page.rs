//! The page of the rules is the catalogue, so it is written from it.

use std::path::Path;

use charmproof_lifecycle::rules::guide::{is_general, rules_of};
use charmproof_lifecycle::rules::{Judgement, KnownBug, Rule, RuleId, Strength};
use charmproof_lifecycle::vocabulary::{HookKind, Platform};

/// Set to write the page instead of comparing it.
const WRITE: &str = "CHARMPROOF_WRITE_PAGES";

const HEAD: &str = "\
# The rules of Juju's unit agent

Each rule is something that the agent of a unit holds to when it runs hooks. `charmproof validate` judges
sequences of hooks by them, `charmproof simulate` makes none that breaks one, and `charmproof explain R31`
tells more of one. This page is written from the catalogue in the program; a test holds it.

**Strength**: *must* is enforced by Juju's code, and a sequence that breaks it is rejected; *should* is normal,
and what is otherwise is a warning; *observed* is known to be possible, so it is accepted.

**Judged**: whether `validate` has a monitor for the rule. *In part* says of what; *no* says why not.

**Sources** name files below `worker/uniter/` of Juju 3.6.3, its pull requests (PR) and issues, those of
`canonical/operator`, and recorded traces of real units.
";

fn where_it_holds(rule: &Rule) -> String {
    let platform = match rule.platform {
        None => "",
        Some(Platform::Machine) => "machine",
        Some(Platform::Kubernetes) => "Kubernetes",
    };
    let versions = match (rule.since, rule.until) {
        (None, None) => String::new(),
        (Some(since), None) => format!("from {since}"),
        (None, Some(until)) => format!("to {until}"),
        (Some(since), Some(until)) => format!("{since} to {until}"),
    };
    let parts: Vec<&str> = [platform, &versions].into_iter().filter(|part| !part.is_empty()).collect();
    if parts.is_empty() { "everywhere".to_owned() } else { parts.join(", ") }
}

fn judged(rule: &Rule) -> String {
    match rule.judgement {
        Judgement::Watched if rule.strength == Strength::Must => "yes".to_owned(),
        Judgement::Watched => "warns".to_owned(),
        Judgement::Partly(what) => format!("in part: {what}"),
        Judgement::WarnsOnly(why) => format!("warns: {why}"),
        Judgement::Allows => "allows".to_owned(),
        Judgement::Unseen(why) => format!("no. {why}"),
    }
}

fn page() -> String {
    let mut text = HEAD.to_owned();
    text += "\n## All rules\n\n| Rule | Strength | What it says | Where | Judged | Source |\n|---|---|---|---|---|---|\n";
    for rule in RuleId::ALL.iter().map(|id| id.rule()) {
        let strength = match rule.strength {
            Strength::Must => "must",
            Strength::Should => "should",
            Strength::Observed => "observed",
        };
        text += &format!(
            "| {} | {strength} | {} | {} | {} | {} |\n",
            rule.id,
            rule.title,
            where_it_holds(&rule),
            judged(&rule),
            rule.source
        );
    }
    text += "\n## By hook\n\n| Hook | Rules |\n|---|---|\n";
    for kind in HookKind::ALL {
        let rules: Vec<String> =
            rules_of(kind).into_iter().filter(|id| !is_general(*id)).map(|id| id.to_string()).collect();
        text += &format!("| `{}` | {} |\n", kind.pattern(), rules.join(", "));
    }
    let general: Vec<String> =
        RuleId::ALL.iter().filter(|id| is_general(**id)).map(ToString::to_string).collect();
    text += &format!("| every hook | {} |\n", general.join(", "));
    text += "\n## Known bugs of Juju\n\nA finding that one of these explains is a warning, and names it.\n\n| Bug | Rule | What happens |\n|---|---|---|\n";
    for bug in KnownBug::ALL {
        text += &format!("| [{bug}]({}) | {} | {} |\n", bug.url(), bug.rule(), bug.about());
    }
    text
}

#[test]
fn the_page_of_the_rules_is_the_catalogue() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference/rules.md");
    let expected = page();
    if std::env::var_os(WRITE).is_some() {
        fs_err::write(&path, &expected).expect("the page can be written");
    }
    let found = fs_err::read_to_string(&path).unwrap_or_default();
    assert!(
        found == expected,
        "docs/reference/rules.md is not what the catalogue says; write it with \
         `{WRITE}=1 cargo nextest run -p charmproof-lifecycle page`, and read the difference"
    );
}
