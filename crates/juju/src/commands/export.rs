//! `export-bundle`: a model as a bundle.

use std::collections::BTreeMap;

use charmproof_agent::state::RelationEnds;
use charmproof_lifecycle::vocabulary::Name;

use super::{Context, failed};
use crate::controller::data::{ApplicationData, Base, ModelData, USER};
use crate::session::{CommandError, CommandResult};
use crate::view::application::ExposedEndpointView;
use crate::view::bundle::{
    BundleApplicationView, BundleMachineView, BundleOfferView, BundleSaasView, BundleView,
    OverlayApplicationView, OverlayView, write,
};

/// `export-bundle`
pub(super) fn export(context: &mut Context<'_>) -> CommandResult {
    let uuid = context.model()?;
    let has_defaults = context.parsed.is_set("include-charm-defaults");
    let text = context.look(&uuid, |model| {
        if model.applications.is_empty() {
            return Err(CommandError::failed("nothing to export as there are no applications"));
        }
        Ok(text(model, has_defaults))
    })?;
    match context.parsed.text("filename").filter(|path| !path.is_empty()).map(str::to_owned) {
        Some(path) => {
            fs_err::write(context.session.path(&path), text).map_err(failed)?;
            context.session.print(&format!("Bundle successfully exported to {path}\n"));
        }
        None => context.session.print(&text),
    }
    Ok(())
}

/// Returns a model as a bundle.
pub(super) fn text(model: &ModelData, has_defaults: bool) -> String {
    write(&bundle(model, has_defaults), &overlay(model))
}

fn base_text(base: &Base) -> String {
    format!("{}@{}/stable", base.name, base.channel)
}

/// The base of most applications; of several, the first by name.
fn default_base(model: &ModelData) -> Option<Base> {
    let mut counts: BTreeMap<&Base, usize> = BTreeMap::new();
    for data in model.applications.values() {
        *counts.entry(&data.charm.base).or_default() += 1;
    }
    let most = counts.values().max().copied()?;
    counts.into_iter().find(|(_, count)| *count == most).map(|(base, _)| base.clone())
}

fn bundle(model: &ModelData, has_defaults: bool) -> BundleView {
    let default = default_base(model);
    let applications = model.applications.iter();
    let applications: BTreeMap<String, BundleApplicationView> = applications
        .map(|(name, data)| {
            (name.to_string(), application(model, name, data, default.as_ref(), has_defaults))
        })
        .collect();
    // Only machines that units are on: a bundle may name no others.
    let is_used =
        |number: &u32| model.units.values().any(|unit| unit.machine.as_deref() == Some(&number.to_string()));
    let machines = model.machines.iter().filter(|(number, _)| is_used(number)).map(|(number, machine)| {
        let base = Some(&machine.base).filter(|base| Some(*base) != default.as_ref());
        let view = BundleMachineView {
            constraints: machine.constraints.clone(),
            annotations: machine.annotations.clone(),
            base: base.map(base_text).unwrap_or_default(),
        };
        (number.to_string(), view)
    });
    let relations = model.state.relations.values().filter_map(|relation| match &relation.ends {
        RelationEnds::Between(one, other)
            if !model.is_consumer(&one.application) && !model.is_consumer(&other.application) =>
        {
            Some([one, other].map(|end| format!("{}:{}", end.application, end.endpoint)))
        }
        RelationEnds::Between(..) | RelationEnds::Peer(_) => None,
    });
    let saas = model
        .remotes
        .iter()
        .filter_map(|(name, remote)| Some((name.to_string(), BundleSaasView { url: remote.url.clone()? })));
    BundleView {
        kind: if model.is_kubernetes() { "kubernetes".to_owned() } else { String::new() },
        default_base: default.as_ref().map(base_text).unwrap_or_default(),
        saas: saas.collect(),
        applications,
        machines: machines.collect(),
        relations: relations.collect(),
    }
}

fn application(
    model: &ModelData,
    name: &Name,
    data: &ApplicationData,
    default: Option<&Base>,
    has_defaults: bool,
) -> BundleApplicationView {
    let charm = &data.charm;
    let known = model.state.applications.get(name);
    let options = known.into_iter().flat_map(|known| &known.config).filter_map(|(key, option)| {
        let set = option.value.clone().filter(|value| has_defaults || Some(value) != option.default.as_ref());
        let value = set.or_else(|| option.default.clone().filter(|_| has_defaults))?;
        Some((key.clone(), value))
    });
    let resources = data
        .resources
        .iter()
        .filter_map(|(name, resource)| Some((name.clone(), resource.revision?.into())))
        .collect();
    let units: Vec<_> = model.state.units_of(name).map(|unit| unit.name.clone()).collect();
    let is_subordinate = data.metadata.as_ref().is_some_and(|metadata| metadata.subordinate);
    let count = if is_subordinate { 0 } else { units.len() as u64 };
    let to = units.iter().filter_map(|unit| model.units.get(unit)?.machine.clone());
    let exposes_all = data.exposed.as_ref().is_some_and(is_plain);
    BundleApplicationView {
        charm: if charm.is_local {
            format!("local:{}-{}", charm.name, charm.revision)
        } else {
            charm.name.clone()
        },
        channel: charm.channel.clone().unwrap_or_default(),
        revision: (!charm.is_local).then_some(u64::from(charm.revision)),
        base: if Some(&charm.base) == default { String::new() } else { base_text(&charm.base) },
        resources,
        num_units: if model.is_kubernetes() { 0 } else { count },
        scale: if model.is_kubernetes() { count } else { 0 },
        to: if is_subordinate { Vec::new() } else { to.collect() },
        expose: exposes_all,
        options: options.collect(),
        annotations: data.annotations.clone(),
        constraints: data.constraints.clone(),
        storage: data.storage.clone(),
        bindings: BTreeMap::new(),
        trust: known.is_some_and(|known| known.is_trusted),
    }
}

/// Whether everybody reaches everything, which a bundle can say without an overlay.
fn is_plain(exposure: &crate::controller::data::Exposure) -> bool {
    exposure.endpoints.iter().all(|(endpoint, (spaces, networks))| {
        endpoint.is_empty() && spaces.is_empty() && networks.iter().any(|network| network == "0.0.0.0/0")
    })
}

fn overlay(model: &ModelData) -> OverlayView {
    let mut applications = BTreeMap::new();
    for (name, data) in &model.applications {
        let mut view = OverlayApplicationView::default();
        if let Some(exposure) = data.exposed.as_ref().filter(|exposure| !is_plain(exposure)) {
            let endpoints = exposure.endpoints.iter().map(|(endpoint, (spaces, networks))| {
                let exposed = ExposedEndpointView {
                    expose_to_spaces: spaces.clone(),
                    expose_to_cidrs: networks.clone(),
                };
                (endpoint.clone(), exposed)
            });
            view.exposed_endpoints = endpoints.collect();
        }
        for (offer_name, offer) in model.offers.iter().filter(|(_, offer)| offer.application == *name) {
            let mut acl = offer.users.clone();
            acl.retain(|user, _| !user.contains('@'));
            acl.insert(USER.to_owned(), "admin".to_owned());
            let endpoints = offer.endpoints.values().cloned().collect();
            view.offers.insert(offer_name.clone(), BundleOfferView { endpoints, acl });
        }
        if view != OverlayApplicationView::default() {
            applications.insert(name.to_string(), view);
        }
    }
    OverlayView { applications }
}
