//! `charmproof explain`: what a rule says, or what a hook is.

use charmproof_charm::spelling;
use charmproof_lifecycle::reading::names;
use charmproof_lifecycle::rules::guide::{self, COMMON_VARIABLES, guide, rules_of};
use charmproof_lifecycle::rules::{Judgement, KnownBug, Rule, RuleId, Strength};
use charmproof_lifecycle::vocabulary::{Hook, HookKind, JujuVersion, Platform, Scope};

use crate::args::{Colour, ExplainArgs};
use crate::error::{Exit, Failure};
use crate::output::{self, wrapped};

/// Names that people write for one hook of several, and what they are part of.
const PARTS: [&str; 4] = ["relation", "storage", "pebble", "secret"];

pub(crate) fn run(args: &ExplainArgs, colour: Colour) -> Result<Exit, Failure> {
    let width = output::terminal(colour).width;
    let Some(word) = args.word.as_deref().map(str::trim) else {
        output::result(&everything(width));
        return Ok(Exit::Fine);
    };
    if let Some(id) = RuleId::parse(word) {
        output::result(&explain_rule(&id.rule(), width));
        return Ok(Exit::Fine);
    }
    let kind = kind(word).ok_or_else(|| unknown(word))?;
    output::result(&explain_hook(kind, width));
    Ok(Exit::Fine)
}

/// Returns the kind of hook that a word names. `relation-joined` is no name of a hook, and
/// clear all the same, as is `ENDPOINT-relation-joined`.
fn kind(word: &str) -> Option<HookKind> {
    let dashed = word.replace('_', "-");
    let named = |kind: &HookKind| kind.suffix() == dashed || kind.pattern() == dashed;
    HookKind::ALL.into_iter().find(named).or_else(|| Hook::parse(word).ok().map(|hook| hook.kind))
}

fn unknown(word: &str) -> Failure {
    let shown: String = word.chars().take(60).flat_map(char::escape_debug).collect();
    let failure = Failure::usage(format!("`{shown}` is neither a rule nor a hook of Juju"));
    let part = PARTS.iter().find(|part| **part == word.replace('_', "-").to_lowercase());
    if let Some(part) = part {
        let kinds = HookKind::ALL.into_iter().filter(|kind| kind.suffix().starts_with(part));
        let names: Vec<String> = kinds.map(|kind| format!("`{}`", kind.suffix())).collect();
        return failure.hint(format!("there are {}", names.join(", ")));
    }
    let meant = Hook::parse(word).err().and_then(|unknown| unknown.meant);
    let rules: Vec<String> = RuleId::ALL.iter().map(ToString::to_string).collect();
    let nearest = meant
        .map(HookKind::pattern)
        .or_else(|| names::nearest_hook(word))
        .or_else(|| spelling::nearest(word, rules.iter().map(String::as_str)).map(str::to_owned));
    match nearest {
        Some(nearest) => failure.hint(format!("`{nearest}` is near; `charmproof explain` lists all")),
        None => failure.hint("`charmproof explain` lists all rules and hooks"),
    }
}

/// Lists the hooks and the rules.
fn everything(width: usize) -> String {
    let mut text = String::from("Hooks\n\n");
    for kind in HookKind::ALL {
        text +=
            &format!("  {:<34}  {}\n", kind.pattern(), wrapped(first_sentence(guide(kind).fires), 38, width));
    }
    text += "\nRules\n\n";
    text += &list(RuleId::ALL, width);
    text += "\n`charmproof explain R31` and `charmproof explain db-relation-joined` tell more of one.\n";
    text
}

fn first_sentence(text: &str) -> &str {
    text.split_once(". ").map_or(text.trim_end_matches('.'), |(first, _)| first)
}

fn list(rules: &[RuleId], width: usize) -> String {
    let line = |rule: Rule| {
        let strength = match rule.strength {
            Strength::Must => "must",
            Strength::Should => "should",
            Strength::Observed => "observed",
        };
        format!("  {}  {strength:<8}  {}\n", rule.id, wrapped(rule.title, 17, width))
    };
    rules.iter().map(|id| line(id.rule())).collect()
}

/// Shows names with what is to be said of each.
fn table(rows: &[(&str, String)], width: usize) -> String {
    let lines: Vec<String> =
        rows.iter().map(|(name, text)| format!("{name:<10}{}", wrapped(text, 10, width))).collect();
    lines.join("\n") + "\n"
}

fn explain_rule(rule: &Rule, width: usize) -> String {
    let strength = match rule.strength {
        Strength::Must => "must: Juju's code enforces it",
        Strength::Should => "should: normal, and Juju sometimes does otherwise",
        Strength::Observed => "observed: known to be possible, so it is accepted",
    };
    let platform = match rule.platform {
        None => "everywhere",
        Some(Platform::Machine) => "on machines",
        Some(Platform::Kubernetes) => "on Kubernetes",
    };
    let versions = match (rule.since, rule.until) {
        (None, None) => String::new(),
        (Some(since), None) => format!(", since Juju {since}"),
        (None, Some(until)) => format!(", up to Juju {until}"),
        (Some(since), Some(until)) => format!(", from Juju {since} to {until}"),
    };
    let kinds = HookKind::ALL.into_iter().filter(|kind| rules_of(*kind).contains(&rule.id));
    let kinds: Vec<String> = kinds.map(HookKind::pattern).collect();
    let mut rows = vec![
        ("strength", strength.to_owned()),
        ("holds", platform.to_owned() + &versions),
        ("judged", judged(rule)),
        ("hooks", if guide::is_general(rule.id) { "all".to_owned() } else { kinds.join(", ") }),
        ("source", rule.source.to_owned()),
    ];
    for bug in KnownBug::of_rule(rule.id) {
        rows.push(("known bug", format!("{bug}: {} {}", bug.about(), bug.url())));
    }
    format!("{}  {}\n\n{}", rule.id, wrapped(rule.title, 5, width), table(&rows, width))
}

/// Returns what `charmproof validate` does about a rule.
fn judged(rule: &Rule) -> String {
    match rule.judgement {
        Judgement::Watched if rule.strength == Strength::Must => {
            "yes: a sequence that breaks it is rejected".to_owned()
        }
        Judgement::Watched => "yes, with a warning".to_owned(),
        Judgement::Partly(what) => format!("in part: {what}"),
        Judgement::WarnsOnly(why) => format!("with a warning only: {why}"),
        Judgement::Allows => "no: it says what is possible".to_owned(),
        Judgement::Unseen(why) => format!("no. {why}"),
    }
}

fn explain_hook(kind: HookKind, width: usize) -> String {
    let told = guide(kind);
    let about = match kind.scope() {
        Scope::Unit => "the unit",
        Scope::Relation => "an endpoint, and one relation of it",
        Scope::Storage => "a storage of the charm, and one instance of it",
        Scope::Container => "a workload container",
        Scope::Secret => "a secret, which the environment names",
        Scope::Action => "an action of the charm",
    };
    let platform = match kind.platform() {
        None => "everywhere",
        Some(Platform::Machine) => "on machines only",
        Some(Platform::Kubernetes) => "on Kubernetes only",
    };
    let versions: Vec<String> = JujuVersion::ALL
        .into_iter()
        .filter(|version| kind.exists_in(*version))
        .map(|version| version.to_string())
        .collect();
    let versions = if versions.is_empty() { "none".to_owned() } else { versions.join(", ") };
    let rows = [
        ("about", about.to_owned()),
        ("fires", told.fires.to_owned()),
        ("before", told.before.to_owned()),
        ("after", told.after.to_owned()),
        ("times", told.times.to_owned()),
        ("where", platform.to_owned()),
        ("Juju", format!("{versions} ({})", told.versions)),
        ("source", told.source.to_owned()),
    ];
    let mut text = format!("{}\n\n{}\nenvironment\n", kind.pattern(), table(&rows, width));
    for (name, holds) in guide::variables(kind).into_iter().chain(COMMON_VARIABLES) {
        text += &format!("  {name:<32}  {}\n", wrapped(holds, 36, width));
    }
    let rules = rules_of(kind);
    text += "\nrules\n";
    text += &list(&rules, width);
    let bugs = || KnownBug::ALL.into_iter().filter(|bug| rules.contains(&bug.rule()));
    if bugs().next().is_some() {
        text += "\nknown bugs of Juju\n";
        for bug in bugs() {
            let about = format!("{bug}: {}", bug.about());
            text += &format!("  {}  {}\n", bug.rule(), wrapped(&about, 7, width));
        }
    }
    text
}
