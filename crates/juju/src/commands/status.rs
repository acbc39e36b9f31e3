//! `status` and `show-unit`.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use charmproof_agent::state::{RelationEnds, application_of};
use charmproof_lifecycle::vocabulary::Name;
use jiff::tz::TimeZone;

use super::{Context, status_view};
use crate::controller::data::ModelData;
use crate::session::{CommandError, CommandResult};
use crate::view::status::{StatusOptions, StatusView, UnitView, write_oneline, write_summary, write_tabular};
use crate::view::time::Times;
use crate::view::unit::{RelationDataView, UnitDataView, UnitDetailsView};

impl Context<'_> {
    /// Returns how times are written for whoever asks.
    pub(crate) fn times(&self) -> Times {
        let asks_utc = self.parsed.command.flag("utc").is_some() && self.parsed.is_set("utc");
        let is_iso =
            self.variable("JUJU_STATUS_ISO_TIME").is_some_and(|value| value == "true" || value == "1");
        if asks_utc || is_iso {
            return Times::Utc;
        }
        let zone = self.variable("TZ").and_then(|name| TimeZone::get(&name).ok());
        Times::Local(zone.unwrap_or_else(TimeZone::system))
    }
}

/// `status`
pub(super) fn status(context: &mut Context<'_>) -> CommandResult {
    let uuid = context.model()?;
    let watch = context
        .parsed
        .duration("watch")
        .and_then(|watch| Duration::try_from(watch).ok())
        .filter(|watch| !watch.is_zero());
    let Some(watch) = watch else { return print(context, &uuid) };
    // What a person watches is drawn anew in the same place.
    while !context.session.attention.is_over() && !context.controller.is_ending() {
        context.session.print("\u{1b}[H\u{1b}[2J");
        print(context, &uuid)?;
        context.wait_until(Some(watch), |_| None::<()>)?;
    }
    Ok(())
}

fn print(context: &mut Context<'_>, uuid: &str) -> CommandResult {
    let times = context.times();
    let mut view = context.look(uuid, |model| Ok(status_view::status(model, &times)))?;
    let patterns = context.parsed.positionals.clone();
    if !patterns.is_empty() {
        filter(&mut view, &patterns);
    }
    let options = StatusOptions {
        is_coloured: context.parsed.is_set("color") || context.session.is_coloured(),
        shows_relations: context.parsed.is_set("relations"),
        shows_storage: context.parsed.is_set("storage"),
    };
    if view.applications.is_empty()
        && view.machines.is_empty()
        && view.remote_applications.is_empty()
        && !context.parsed.global.is_quiet
    {
        let name = context.look(uuid, |model| Ok(model.name.clone()))?;
        let text = if patterns.is_empty() {
            format!("Model \"admin/{name}\" is empty.")
        } else {
            format!("Nothing matched specified filter{}.", if patterns.len() == 1 { "" } else { "s" })
        };
        let is_table = !context.parsed.is_for_machines();
        if is_table {
            let table = write_tabular(&view, &options);
            context.session.print(&table);
        }
        context.session.say(&text);
        if is_table {
            return Ok(());
        }
    }
    match context.parsed.format() {
        Some("short" | "line" | "oneline") => {
            let text = write_oneline(&view, &options);
            context.session.print(&text);
        }
        Some("summary") => {
            let text = write_summary(&view, &options);
            context.session.print(&text);
        }
        Some(_) | None => context.show(&view, |_| write_tabular(&view, &options)),
    }
    Ok(())
}

/// Leaves what patterns name: applications, units, machines, workload statuses, with what belongs to
/// them.
fn filter(view: &mut StatusView, patterns: &[String]) {
    let is = |text: &str| patterns.iter().any(|pattern| matches(pattern, text));
    // Pods are on no machine.
    let machines_of = |units: &BTreeMap<String, UnitView>| -> Vec<String> {
        units.values().map(|unit| unit.machine.clone()).filter(|machine| !machine.is_empty()).collect()
    };
    let all: Vec<String> = view.applications.keys().cloned().collect();
    let mut machines: BTreeSet<String> = view.machines.keys().filter(|number| is(number)).cloned().collect();
    for (name, application) in &mut view.applications {
        if is(name) {
            machines.extend(machines_of(&application.units));
            continue;
        }
        application.units.retain(|unit, data| {
            is(unit)
                || is(&data.workload_status.current)
                || machines.contains(&data.machine)
                || data
                    .subordinates
                    .keys()
                    .any(|other| is(other) || is(other.split('/').next().unwrap_or_default()))
        });
        machines.extend(machines_of(&application.units));
    }
    view.applications.retain(|name, application| is(name) || !application.units.is_empty());
    view.machines.retain(|number, _| machines.contains(number));
    view.remote_applications.retain(|name, _| is(name));
    // A relation is shown with all applications of the model that are part of it, storage with its unit.
    let kept = &view.applications;
    view.relations.retain(|relation| {
        [&relation.provider, &relation.requirer].into_iter().all(|end| {
            let application = end.split(':').next().unwrap_or_default();
            kept.contains_key(application) || !all.iter().any(|name| name == application)
        })
    });
    let is_kept = |unit: &String| {
        kept.values().any(|shown| {
            shown.units.contains_key(unit)
                || shown.units.values().any(|principal| principal.subordinates.contains_key(unit))
        })
    };
    view.storage.storage.retain(|_, storage| {
        storage.attachments.as_ref().is_some_and(|attached| attached.units.keys().any(is_kept))
    });
    let storage = &view.storage.storage;
    view.storage.filesystems.retain(|_, filesystem| storage.contains_key(&filesystem.storage));
    view.storage.volumes.retain(|_, volume| storage.contains_key(&volume.storage));
}

/// Whether a text fits a pattern with `*`.
fn matches(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(first) = parts.next() else { return false };
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let parts: Vec<&str> = parts.collect();
    let Some((last, middle)) = parts.split_last() else { return rest.is_empty() };
    for part in middle {
        let Some(place) = rest.find(part) else { return false };
        rest = &rest[place + part.len()..];
    }
    rest.ends_with(last)
}

/// `show-unit`
pub(super) fn show_unit(context: &mut Context<'_>) -> CommandResult {
    let uuid = context.model()?;
    let names = context.parsed.positionals.clone();
    let only_applications = context.parsed.is_set("app");
    let (endpoint, related) = (
        context.parsed.text("endpoint").filter(|text| !text.is_empty()).map(str::to_owned),
        context.parsed.text("related-unit").filter(|text| !text.is_empty()).map(str::to_owned),
    );
    let views = context.look(&uuid, |model| {
        let mut views = BTreeMap::new();
        for name in &names {
            let unit = super::units::unit(model, name)?;
            let mut view = details(model, &unit)
                .ok_or_else(|| CommandError::failed(format!("unit \"{name}\" not found")))?;
            if let Some(endpoint) = &endpoint {
                view.relation_info.retain(|relation| relation.endpoint == *endpoint);
            }
            for relation in &mut view.relation_info {
                if only_applications {
                    relation.local_unit = None;
                    relation.related_units.clear();
                }
                if let Some(related) = &related {
                    relation.related_units.retain(|unit, _| unit == related);
                }
            }
            views.insert(unit.to_string(), view);
        }
        Ok(views)
    })?;
    // People get YAML here.
    context.show(&views, |_| crate::view::to_yaml(&views));
    Ok(())
}

fn details(model: &ModelData, unit: &Name) -> Option<UnitDetailsView> {
    let (data, known) = (model.units.get(unit)?, model.state.units.get(unit)?);
    let application = model.applications.get(application_of(unit))?;
    let is_kubernetes = model.is_kubernetes();
    let address = status_view::address(model, unit);
    Some(UnitDetailsView {
        workload_version: known.workload_version.clone(),
        machine: data.machine.clone().unwrap_or_default(),
        opened_ports: known
            .ports
            .iter()
            .map(|port| port.range.to_string())
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect(),
        public_address: if is_kubernetes { String::new() } else { address.clone() },
        charm: status_view::full_charm_url(application, data.charm_revision),
        leader: status_view::leads(model, unit),
        life: if known.is_dying { "dying" } else { "alive" }.to_owned(),
        relation_info: relation_info(model, unit),
        provider_id: if is_kubernetes { unit.replace('/', "-") } else { String::new() },
        address: if is_kubernetes { address } else { String::new() },
    })
}

fn relation_info(model: &ModelData, unit: &Name) -> Vec<RelationDataView> {
    let own = application_of(unit);
    let mut all = Vec::new();
    for relation in model.state.relations.values() {
        let (near, far) = match &relation.ends {
            RelationEnds::Peer(end) if end.application == own => (end, end),
            RelationEnds::Between(a, b) if a.application == own => (a, b),
            RelationEnds::Between(a, b) if b.application == own => (b, a),
            RelationEnds::Peer(_) | RelationEnds::Between(..) => continue,
        };
        let data_of = |name: &str| {
            let in_scope = relation.in_scope.contains(name);
            let data = relation.unit_data.get(name).cloned().unwrap_or_default();
            UnitDataView { in_scope, data: if in_scope { data } else { BTreeMap::new() } }
        };
        let mut others: BTreeSet<String> =
            model.state.units_of(&far.application).map(|other| other.name.to_string()).collect();
        others.extend(
            relation
                .in_scope
                .iter()
                .filter(|other| application_of(other) == far.application.as_str())
                .map(ToString::to_string),
        );
        others.remove(unit.as_str());
        all.push(RelationDataView {
            relation_id: u64::from(relation.id),
            endpoint: near.endpoint.to_string(),
            is_cross_model: relation.remote_model_uuid.is_some()
                || model.remotes.contains_key(&far.application),
            related_endpoint: far.endpoint.to_string(),
            application_data: relation.application_data.get(&far.application).cloned().unwrap_or_default(),
            local_unit: Some(data_of(unit)),
            related_units: others.into_iter().map(|other| (other.clone(), data_of(&other))).collect(),
        });
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::status::{ApplicationView, RelationView, StatusInfo};

    /// Returns what is left of applications on Kubernetes, `w1` to `w5` with a unit each, that `w3` is blocked.
    fn left(patterns: &[&str]) -> (String, usize) {
        let unit = |status: &str| UnitView {
            workload_status: StatusInfo::new(status, "", String::new()),
            ..UnitView::default()
        };
        let mut view = StatusView::default();
        for number in 1..=5 {
            let status = if number == 3 { "blocked" } else { "active" };
            let units = BTreeMap::from([(format!("w{number}/0"), unit(status))]);
            let application = ApplicationView { units, ..ApplicationView::default() };
            view.applications.insert(format!("w{number}"), application);
        }
        view.relations.push(RelationView {
            provider: "w1:site".to_owned(),
            requirer: "w2:backend".to_owned(),
            ..RelationView::default()
        });
        filter(&mut view, &patterns.iter().map(|pattern| (*pattern).to_owned()).collect::<Vec<_>>());
        let names: Vec<String> = view.applications.into_keys().collect();
        (names.join(" "), view.relations.len())
    }

    #[test]
    fn only_what_matches_is_left_on_kubernetes() {
        let check = |patterns: &[&str], expected: &str, relations: usize| {
            assert_eq!(left(patterns), (expected.to_owned(), relations), "{patterns:?}");
        };
        check(&["w2"], "w2", 0);
        check(&["w2/0"], "w2", 0);
        check(&["w1", "w2"], "w1 w2", 1);
        check(&["blocked"], "w3", 0);
        check(&["w*"], "w1 w2 w3 w4 w5", 1);
        check(&["nope"], "", 0);
    }
}
