//! `charmproof explain`: what a rule says, or what a hook is.

use charmproof_lifecycle::rules::{Rule, RuleId, Strength};
use charmproof_lifecycle::vocabulary::{Hook, HookKind, JujuVersion, Scope};

use crate::args::ExplainArgs;
use crate::error::{Exit, Failure};
use crate::output;

pub(crate) fn run(args: &ExplainArgs) -> Result<Exit, Failure> {
    let word = args.word.trim();
    if let Some(id) = RuleId::parse(word) {
        output::result(&explain_rule(&id.rule()));
        return Ok(Exit::Fine);
    }
    // `relation-joined` is no name of a hook, and clear all the same.
    let kind = HookKind::ALL.into_iter().find(|kind| kind.suffix() == word.replace('_', "-"));
    let kind = match kind {
        Some(kind) => kind,
        None => {
            Hook::parse(word)
                .map_err(|unknown| {
                    Failure::usage(unknown.to_string())
                        .hint("give a rule such as `R31`, or a hook such as `db-relation-joined`")
                })?
                .kind
        }
    };
    output::result(&explain_hook(kind));
    Ok(Exit::Fine)
}

fn explain_rule(rule: &Rule) -> String {
    let strength = match rule.strength {
        Strength::Must => "must: Juju's code enforces it",
        Strength::Should => "should: normal, and Juju sometimes does otherwise",
        Strength::Observed => "observed: known to be possible, so it is accepted",
    };
    let platform = rule.platform.map_or("everywhere".to_owned(), |platform| format!("on {platform}"));
    let versions = match (rule.since, rule.until) {
        (None, None) => String::new(),
        (Some(since), None) => format!(", since Juju {since}"),
        (None, Some(until)) => format!(", up to Juju {until}"),
        (Some(since), Some(until)) => format!(", from Juju {since} to {until}"),
    };
    let judged = if rule.is_judged() {
        "`charmproof validate` judges by it"
    } else {
        "`charmproof validate` does not judge by it: it only allows, or cannot be seen in a sequence"
    };
    format!(
        "{}  {}\n\nstrength  {strength}\nholds     {platform}{versions}\njudged    {judged}\nsource    {}\n",
        rule.id, rule.title, rule.source
    )
}

fn explain_hook(kind: HookKind) -> String {
    let about = match kind.scope() {
        Scope::Unit => "the unit",
        Scope::Relation => "an endpoint, and one relation of it",
        Scope::Storage => "a storage of the charm",
        Scope::Container => "a workload container",
        Scope::Secret => "a secret, which JUJU_SECRET_ID names",
        Scope::Action => "an action of the charm",
    };
    let platform = kind.platform().map_or("everywhere".to_owned(), |platform| format!("on {platform}"));
    let versions: Vec<String> = JujuVersion::ALL
        .into_iter()
        .filter(|version| kind.exists_in(*version))
        .map(|version| version.to_string())
        .collect();
    let versions =
        if versions.is_empty() { "none: Juju never runs it".to_owned() } else { versions.join(", ") };
    let mut text =
        format!("{}\n\nabout  {about}\nruns   {platform}\nJuju   {versions}\n\nrules\n", kind.pattern());
    for id in RuleId::ALL.iter().copied().filter(|id| is_about(*id, kind)) {
        text += &format!("  {id}  {}\n", id.rule().title);
    }
    text
}

/// Whether a rule has to do with hooks of the kind.
fn is_about(id: RuleId, kind: HookKind) -> bool {
    let names_it = id.rule().title.contains(&format!("`{}`", kind.suffix()));
    let is_of_scope = match kind.scope() {
        Scope::Unit | Scope::Action => false,
        Scope::Relation => (RuleId::R30..=RuleId::R50).contains(&id),
        Scope::Storage => (RuleId::R20..=RuleId::R28).contains(&id),
        Scope::Container => (RuleId::R80..=RuleId::R85).contains(&id),
        Scope::Secret => (RuleId::R86..=RuleId::R88).contains(&id),
    };
    names_it || is_of_scope
}
