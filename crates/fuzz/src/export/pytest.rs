//! A finding as a test of pytest, which needs `ops[testing]` and nothing of charmproof.
//!
//! The test runs the hook that shows the defect, from the state that Juju was in before it. Where
//! more than Juju's state counts (a deferred event, the plan of a container, what a status was
//! set to before), it runs all hooks of the unit that led there, and changes the state in
//! between as the life did.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use charmproof_agent::runner::Inspection;
use charmproof_agent::state::application_of;
use charmproof_lifecycle::vocabulary::HookKind;
use thiserror::Error;

use super::Charm;
use super::assertion::{Claim, ClaimKind, claim};
use super::event::{Subjects, event, is_known};
use super::python::{Python, literal};
use super::story::{tell, wrapped};
use super::view::{ADDRESSES, View, number_of};
use crate::player::HookRecord;
use crate::search::Finding;

/// Why there is no test for a finding.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct Inexpressible(pub String);

/// How the test begins: what Juju gives each unit by itself.
const ADDRESSES_DEFINED: &str = "ADDRESSES = {\n    \"egress-subnets\": \"10.0.0.1/32\",\n    \
     \"ingress-address\": \"10.0.0.1\",\n    \"private-address\": \"10.0.0.1\",\n}\n\
     \"\"\"What Juju writes for each unit by itself.\"\"\"\n";

/// Writes a finding as a file for pytest.
pub fn pytest(finding: &Finding, charm: &Charm<'_>) -> Result<String, Inexpressible> {
    let class = charm.class()?;
    let claim = claim(finding)?;
    let target = &finding.hooks[claim.hook];
    if finding
        .life
        .stage
        .deployments
        .first()
        .is_some_and(|first| first.application != application_of(&target.unit))
    {
        return Err(Inexpressible(format!("it shows in `{}`, which is another charm's unit", target.unit)));
    }
    let mut unit = UnitLife::of(finding, charm, &claim)?;
    let is_short = !claim.needs_all_hooks && unit.needs_state_only();
    let body = if is_short { unit.last_hook(&claim)? } else { unit.all_hooks(&claim)? };
    Ok(file(finding, charm, class, target, &body, is_short.then_some(unit.views.len() - 1)))
}

/// A hook of the unit, and what the unit sees before it.
struct Seen<'a> {
    record: &'a HookRecord,
    view: View,
}

/// What the unit of a finding ran, up to the hook that shows it.
struct UnitLife<'a> {
    views: Vec<Seen<'a>>,
    lines: Vec<String>,
}

impl<'a> UnitLife<'a> {
    fn of(finding: &'a Finding, charm: &Charm<'_>, claim: &Claim) -> Result<Self, Inexpressible> {
        let unit = &finding.hooks[claim.hook].unit;
        let mut views = Vec::new();
        for (number, record) in finding.hooks.iter().enumerate().take(claim.hook + 1) {
            if record.unit != *unit {
                continue;
            }
            // What was cut off counts for nothing, and ops knows nothing of a leader that was
            // deposed.
            let is_run = record.is_committed || number == claim.hook;
            if !is_run || record.hook.kind == HookKind::LeaderDeposed {
                continue;
            }
            let before = record
                .before
                .as_deref()
                .ok_or_else(|| Inexpressible("what Juju knew before each hook was not kept".to_owned()))?;
            views.push(Seen { record, view: View::of(before, record, charm.metadata) });
        }
        Ok(Self { views, lines: Vec::new() })
    }

    fn last(&self) -> &Seen<'a> {
        // The hook of the claim is among them.
        &self.views[self.views.len() - 1]
    }

    /// Whether Juju's state is all that the last hook can know of those before.
    fn needs_state_only(&self) -> bool {
        let Some(before) = self.views.len().checked_sub(2).map(|place| self.views[place].record) else {
            return true;
        };
        let are_containers_new = before.workloads.values().all(|container| {
            container.services.is_empty() && container.checks.is_empty() && container.files.is_empty()
        });
        let kept = before.kept.as_ref();
        are_containers_new && kept.is_some_and(|kept| kept.notices.is_empty() && stored(kept).is_some())
    }

    /// The hook that shows it, from the state before it.
    fn last_hook(&mut self, claim: &Claim) -> Result<String, Inexpressible> {
        let Seen { record, view } = self.last();
        let mut lines = Vec::new();
        let mut named = BTreeMap::new();
        let relation = record.hook.relation_id.and_then(|id| view.relations.get(&id));
        if let Some(relation) = relation {
            named.insert(relation.id, "relation");
            lines.push(relation.expression().written("relation = ", 1));
        }
        let before = self.views.len().checked_sub(2).and_then(|place| self.views[place].record.kept.as_ref());
        let rest = before
            .and_then(stored)
            .filter(|states| !states.is_empty())
            .map(|states| (Some("stored_states"), Python::Set(states)));
        lines.push(view.expression(&named, rest.into_iter().collect()).written("state = ", 1));
        let subjects = |state: &'static str, relation| Subjects { state, relation, knows_secrets: true };
        let first = event(record, view, &subjects("state", named.values().next().copied()))?;
        let second = event(record, view, &subjects("once", None))?;
        lines.push(String::new());
        self.lines = lines;
        self.conclude(claim, &first, &second);
        Ok(std::mem::take(&mut self.lines).join("\n"))
    }

    /// All hooks of the unit, each with the state that the one before has left.
    fn all_hooks(&mut self, claim: &Claim) -> Result<String, Inexpressible> {
        let mut lines = Vec::new();
        let mut known: Option<&View> = None;
        let mut last = None;
        for (number, Seen { record, view }) in self.views.iter().enumerate() {
            match known {
                None => {
                    let mut first = view.clone();
                    first.secrets.retain(|_, secret| secret.owner.is_none());
                    first.status = None;
                    lines.push(first.expression(&BTreeMap::new(), Vec::new()).written("state = ", 1));
                }
                Some(known) => lines.extend(change(known, view)),
            }
            known = Some(view);
            let is_last = number + 1 == self.views.len();
            if !is_last && !is_known(record.hook.kind) {
                lines.push(comment(&format!("Juju runs {} here, which ops.testing cannot.", record.name)));
                continue;
            }
            let subjects = |state| Subjects { state, relation: None, knows_secrets: false };
            let happens = event(record, view, &subjects("state"))?;
            if is_last {
                last = Some((happens, event(record, view, &subjects("once"))?));
            } else {
                lines.extend(run(record, &happens, "state = "));
            }
        }
        let Some((first, second)) = last else {
            return Err(Inexpressible("the unit has run no hook".to_owned()));
        };
        lines.push(String::new());
        self.lines = lines;
        self.conclude(claim, &first, &second);
        Ok(std::mem::take(&mut self.lines).join("\n"))
    }

    /// The hook that shows it, and what has to hold.
    fn conclude(&mut self, claim: &Claim, first: &Python, second: &Python) {
        let record = self.last().record;
        let lines = &mut self.lines;
        match &claim.kind {
            ClaimKind::Succeeds(how) => {
                lines.push(comment(&format!("Fails: {how}")));
                lines.extend(run(record, first, ""));
            }
            ClaimKind::NoWarning(text) => {
                lines.push("    with warnings.catch_warnings(record=True) as caught:".to_owned());
                lines.push("        warnings.simplefilter(\"always\")".to_owned());
                lines.push(call(first, "state").written("", 2));
                lines.push("    messages = [str(warning.message) for warning in caught]".to_owned());
                lines.push(format!("    assert {} not in messages", literal(text)));
            }
            ClaimKind::Twice(comparisons) => {
                lines.push(call(first, "state").written("once = ", 1));
                lines.push("    # The second time there is nothing to do.".to_owned());
                lines.push(call(second, "once").written("twice = ", 1));
                lines.extend(comparisons.iter().map(|line| format!("    {line}")));
            }
            ClaimKind::After(assertions) => {
                lines.extend(run(record, first, "state = "));
                lines.extend(assertions.iter().map(|line| format!("    {line}")));
            }
        }
    }
}

/// Returns `ctx.run(event, state)`.
fn call(event: &Python, state: &str) -> Python {
    Python::Call("ctx.run".to_owned(), vec![(None, event.clone()), (None, Python::code(state))])
}

/// Runs a hook. An action may say that it failed, which is no defect.
fn run(record: &HookRecord, event: &Python, before: &str) -> Vec<String> {
    if record.hook.kind != HookKind::Action {
        return vec![call(event, "state").written(before, 1)];
    }
    vec![
        "    # An action may say that it failed.".to_owned(),
        "    with contextlib.suppress(testing.ActionFailed):".to_owned(),
        call(event, "state").written(before, 2),
    ]
}

/// Returns what happened between two hooks, as far as the state shows it.
fn change(known: &View, now: &View) -> Vec<String> {
    let mut arguments: Vec<(Option<&'static str>, Python)> = Vec::new();
    let mut give = |name, value| arguments.push((Some(name), value));
    if known.leader != now.leader {
        give("leader", Python::code(if now.leader { "True" } else { "False" }));
    }
    if known.planned_units != now.planned_units {
        give("planned_units", Python::code(now.planned_units.to_string()));
    }
    if known.config != now.config {
        give("config", now.config_expression());
    }
    let remote_of = |view: &View| -> BTreeMap<u32, _> {
        let remote = |id: &u32| view.relations[id].remote_arguments();
        view.relations.keys().map(|id| (*id, remote(id))).collect()
    };
    let (then, there) = (remote_of(known), remote_of(now));
    if then != there {
        let one = |(id, remote): (&u32, &Vec<(Option<&'static str>, Python)>)| match then.get(id) {
            Some(before) if before == remote => Python::code(format!("state.get_relation({id})")),
            Some(_) => {
                let relation = (None, Python::code(format!("state.get_relation({id})")));
                let arguments = std::iter::once(relation).chain(remote.iter().cloned());
                Python::Call("dataclasses.replace".to_owned(), arguments.collect())
            }
            None => now.relations[id].expression(),
        };
        let all: Vec<Python> = there.iter().map(one).collect();
        give("relations", if all.is_empty() { Python::code("set()") } else { Python::Set(all) });
    }
    if known.storages != now.storages {
        give("storages", now.storages_expression());
    }
    if known.containers != now.containers {
        let one = |(name, can_connect): (&String, &bool)| {
            let container = Python::code(format!("state.get_container(\"{name}\")"));
            if known.containers.get(name) == Some(can_connect) {
                return container;
            }
            let can_connect = Python::code(if *can_connect { "True" } else { "False" });
            Python::Call(
                "dataclasses.replace".to_owned(),
                vec![(None, container), (Some("can_connect"), can_connect)],
            )
        };
        give("containers", Python::Set(now.containers.iter().map(one).collect()));
    }
    let others = |view: &View| -> BTreeMap<_, _> {
        let others = view.secrets.iter().filter(|(_, secret)| secret.owner.is_none());
        others.map(|(id, secret)| (id.clone(), secret.clone())).collect()
    };
    if others(known) != others(now) {
        let own = Python::code("*(secret for secret in state.secrets if secret.owner)");
        let theirs = others(now);
        let theirs = theirs.iter().map(|(id, secret)| secret.expression(id));
        give("secrets", Python::Set(std::iter::once(own).chain(theirs).collect()));
    }
    if arguments.is_empty() {
        return Vec::new();
    }
    let all = std::iter::once((None, Python::code("state"))).chain(arguments).collect();
    vec![Python::Call("dataclasses.replace".to_owned(), all).written("state = ", 1)]
}

/// Returns what a unit has stored, as arguments of a state; `None` if a test cannot say it.
fn stored(kept: &Inspection) -> Option<Vec<Python>> {
    let mut states = Vec::new();
    for (handle, content) in &kept.stored {
        // The framework's own, and what is empty, is there by itself.
        if content == "{}" {
            continue;
        }
        if !content.starts_with('{') {
            return None;
        }
        let (owner, rest) =
            handle.rsplit_once('/').map_or((None, handle.as_str()), |(owner, rest)| (Some(owner), rest));
        let name = rest.strip_prefix("StoredStateData[")?.strip_suffix(']')?;
        let mut arguments = vec![(None, Python::text(name))];
        if let Some(owner) = owner {
            arguments.push((Some("owner_path"), Python::text(owner)));
        }
        arguments.push((Some("content"), Python::code(content.clone())));
        states.push(Python::Call("testing.StoredState".to_owned(), arguments));
    }
    Some(states)
}

fn comment(text: &str) -> String {
    let flat: String =
        text.chars().map(|character| if character.is_control() { ' ' } else { character }).collect();
    let lines = wrapped(&flat, "");
    lines.lines().map(|line| format!("    # {line}")).collect::<Vec<String>>().join("\n")
}

/// Puts the file together. `left_out` is how many hooks led there, if only the last one is run.
fn file(
    finding: &Finding,
    charm: &Charm<'_>,
    class: &str,
    target: &HookRecord,
    body: &str,
    left_out: Option<usize>,
) -> String {
    let application = application_of(&target.unit);
    let mut context = vec![(None, Python::code(class))];
    if charm.metadata.name.as_ref().is_none_or(|name| name.as_str() != application) {
        context.push((Some("app_name"), Python::text(application)));
    }
    if let Some(number) = number_of(&target.unit).filter(|number| *number > 0) {
        context.push((Some("unit_id"), Python::code(number.to_string())));
    }
    if let Some(before) = target.before.as_deref() {
        context.push((Some("juju_version"), Python::text(&before.juju.version)));
    }
    let context = Python::Call("testing.Context".to_owned(), context).written("ctx = ", 1);
    let mut imports: Vec<&str> = ["contextlib", "dataclasses", "datetime", "warnings"]
        .into_iter()
        .filter(|module| body.contains(&format!("{module}.")))
        .collect();
    imports.extend(["os", "pathlib", "sys"]);
    imports.sort_unstable();
    let mut text = format!("\"\"\"{}\n", docstring(finding, left_out));
    for module in imports {
        let _ = writeln!(text, "import {module}");
    }
    text.push('\n');
    if body.contains("ops.SecretRotate") {
        text.push_str("import ops\n");
    }
    let folder = literal(charm.folder());
    let _ = write!(
        text,
        "from ops import testing\n\n\
         CHARM_DIR = pathlib.Path(os.environ.get(\"CHARM_DIR\") or pathlib.Path(__file__).parents[2])\n\
         sys.path[:0] = [str(CHARM_DIR / \"lib\"), str(CHARM_DIR / {folder})]\n\n\
         from {} import {class}  # noqa: E402\n",
        charm.module()
    );
    if body.contains(ADDRESSES) {
        let _ = write!(text, "\n{ADDRESSES_DEFINED}");
    }
    let name = target.name.replace(['-', '.'], "_");
    let _ = write!(text, "\n\ndef test_{name}():\n{context}\n{body}\n");
    text
}

fn sentence(text: &str) -> String {
    let text = text.trim_end_matches([':', ' ']);
    let mut rest = text.chars();
    let first = rest.next().map_or_else(String::new, |letter| letter.to_uppercase().collect());
    let end = if text.ends_with('.') { "" } else { "." };
    format!("{first}{}{end}", rest.as_str())
}

/// Tells what is wrong, what happened, and what to do with the file. It ends the docstring.
fn docstring(finding: &Finding, left_out: Option<usize>) -> String {
    let escaped = |text: &str| text.replace('\\', "\\\\").replace("\"\"\"", "'''");
    let suspicion = &finding.suspicion;
    let summary: String = suspicion
        .summary
        .chars()
        .map(|character| if character.is_control() { ' ' } else { character })
        .collect();
    let mut text = escaped(&wrapped(&sentence(&summary), ""));
    let reason = wrapped(&sentence(suspicion.oracle.reason()), "");
    let happened = escaped(&tell(&finding.life));
    let _ = write!(text, "\n\n{reason}\n\nWhat happened:\n\n{happened}\n");
    if let Some(hooks) = left_out.filter(|hooks| *hooks > 0) {
        let hooks = if hooks == 1 { "hook".to_owned() } else { format!("{hooks} hooks") };
        let note = format!(
            "The {hooks} before the last one took no part in it but by what Juju knows since, which is \
             where the test begins."
        );
        let _ = write!(text, "\n{}\n", wrapped(&note, ""));
    }
    let place = "Put this file into tests/unit/ of the charm, or set CHARM_DIR to the charm's folder. It needs \
                 pytest and ops[testing], fails while the defect is there, and passes without it.";
    let _ = write!(text, "\n{}\n\"\"\"\n", wrapped(place, ""));
    text
}
