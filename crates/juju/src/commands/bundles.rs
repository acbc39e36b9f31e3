//! Bundles: doing what one says, step by step. What the steps are is decided in [`crate::bundle`].

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use camino::{Utf8Path, Utf8PathBuf};
use charmproof_agent::state::RelationEnds;
use charmproof_lifecycle::vocabulary::Name;
use serde_json::Value;

use super::deploy::{Deployment, Found, base_of, typed_settings};
use super::store::{Asked, Stored};
use super::{Context, failed};
use crate::bundle::{
    Bundle, BundleApplication, BundleFiles, BundleResource, BundleSource, CharmSource, ExistingApplication,
    ExistingModel, ExposedEndpoint, PlannedMachine, Step, compose, missing_trust, plan,
};
use crate::charms;
use crate::controller::data::{Base, Exposure, ModelData};
use crate::names::OfferUrl;
use crate::session::{CommandError, CommandResult};
use crate::values::constraints::Constraints;
use crate::values::storage::StorageConstraints;

/// The files that bundles ask for are on this host's disk.
struct Disk;

impl BundleFiles for Disk {
    fn exists(&self, path: &Utf8Path) -> bool {
        path.exists()
    }

    fn read(&self, path: &Utf8Path) -> Result<Vec<u8>, String> {
        fs_err::read(path).map_err(|error| error.to_string())
    }
}

/// Deploys a bundle.
pub(super) fn deploy(context: &mut Context<'_>, uuid: &str, path: &Utf8Path) -> CommandResult {
    crate::flags::check_deploy_flags(context.parsed, true).map_err(CommandError::failed)?;
    let file = if path.is_dir() { path.join("bundle.yaml") } else { path.to_owned() };
    let mut sources = vec![source(&file)?];
    for overlay in context.parsed.texts("overlay") {
        sources.push(source(&context.session.path(overlay))?);
    }
    let composed = compose(&sources, &Disk).map_err(cannot)?;
    let is_dry = context.parsed.is_set("dry-run");
    // Juju says so before a dry run only, and whoever has mistyped a word never learns of it.
    if !composed.ignored_fields.is_empty() {
        let fields: String = composed.ignored_fields.iter().map(|field| format!("\n {field}\n")).collect();
        context.say(&format!("WARNING These fields{fields}will be ignored during deployment\n"));
    }
    if !context.parsed.is_set("trust")
        && !context.parsed.is_set("force")
        && let Some(missing) = missing_trust(&composed.bundle)
    {
        return Err(CommandError::failed(missing));
    }
    let map = context.parsed.text("map-machines").unwrap_or_default().to_owned();
    let existing = context.look(uuid, |model| Ok(existing(model, &composed.bundle, &map)))?;
    let steps = plan(&composed.bundle, &existing).map_err(cannot)?;
    if steps.is_empty() {
        context.say("No changes to apply.");
        return Ok(());
    }
    let head = if is_dry { "Changes to deploy bundle:\n" } else { "Executing changes:\n" };
    context.session.print(head);
    let directory = file.parent().unwrap_or(Utf8Path::new("/")).to_owned();
    let mut deployer = Deployer {
        uuid,
        bundle: &composed.bundle,
        directory,
        charms: BTreeMap::new(),
        machines: BTreeMap::new(),
        is_forced: context.parsed.is_set("force"),
    };
    for step in &steps {
        for line in step.descriptions() {
            context.session.print(&format!("- {line}\n"));
        }
        if !is_dry {
            deployer.execute(context, step).map_err(|error| cannot(error.to_string()))?;
        }
    }
    if is_dry {
        return Ok(());
    }
    deployer.start_empty_machines(context)?;
    context.say("Deploy of bundle completed.");
    Ok(())
}

fn cannot(reason: impl std::fmt::Display) -> CommandError {
    CommandError::failed(format!("cannot deploy bundle: {reason}"))
}

fn source(path: &Utf8Path) -> Result<BundleSource, CommandError> {
    let text = fs_err::read_to_string(path).map_err(cannot)?;
    Ok(BundleSource { text, directory: path.parent().unwrap_or(Utf8Path::new("/")).to_owned() })
}

/// Returns what a model has already of a bundle.
fn existing(model: &ModelData, bundle: &Bundle, map: &str) -> ExistingModel {
    let mut existing = ExistingModel {
        next_machine: model.next_machine,
        is_kubernetes: model.is_kubernetes(),
        architecture: super::deploy::architecture().to_owned(),
        ..ExistingModel::default()
    };
    for name in model.remotes.iter().filter(|(_, remote)| remote.url.is_some()).map(|(name, _)| name) {
        existing.applications.insert(name.to_string(), ExistingApplication::default());
    }
    for (name, data) in &model.applications {
        let machines: BTreeMap<i64, String> = model
            .state
            .units_of(name)
            .filter_map(|unit| {
                let number = unit.name.rsplit('/').next()?.parse().ok()?;
                Some((number, model.units.get(&unit.name)?.machine.clone()?))
            })
            .collect();
        let count = if model.is_kubernetes() {
            i64::from(data.scale)
        } else {
            i64::try_from(model.state.units_of(name).count()).unwrap_or(i64::MAX)
        };
        let wanted = bundle.applications.get(name.as_str()).map(|application| &application.options);
        let offers = model.offers.iter().filter(|(_, offer)| offer.application == *name);
        let application = ExistingApplication {
            unit_count: count,
            next_unit: data.next_unit,
            machines,
            options: wanted.map(|wanted| settled(model, name, wanted)).unwrap_or_default(),
            constraints: data.constraints.clone(),
            is_exposed: data.exposed.is_some(),
            annotations: data.annotations.clone(),
            offers: offers.map(|(offer, _)| offer.clone()).collect(),
        };
        existing.applications.insert(name.to_string(), application);
    }
    for relation in model.state.relations.values().filter(|relation| !relation.is_dying) {
        if let RelationEnds::Between(one, other) = &relation.ends {
            let shown =
                |end: &charmproof_agent::state::RelationEnd| format!("{}:{}", end.application, end.endpoint);
            existing.relations.push([shown(one), shown(other)]);
        }
    }
    existing.machine_map = machine_map(model, bundle, map, &existing);
    existing
}

/// Returns the settings of a bundle that an application has already. They are compared as the charm's
/// options have them: a bundle may write `1` for a float.
fn settled(model: &ModelData, name: &Name, wanted: &BTreeMap<String, Value>) -> BTreeMap<String, Value> {
    let metadata = model.applications.get(name).and_then(|data| data.metadata.clone());
    let known = model.state.applications.get(name);
    let (Some(metadata), Some(known)) = (metadata, known) else { return BTreeMap::new() };
    let is_settled = |key: &String, value: &Value| {
        let typed = typed_settings(&metadata, &BTreeMap::from([(key.clone(), value.clone())])).ok();
        let option = known.config.get(key);
        let current = option.and_then(|option| option.value.as_ref().or(option.default.as_ref()));
        typed.is_some_and(|typed| typed.get(key) == current)
    };
    let settled = wanted.iter().filter(|(key, value)| is_settled(key, value));
    settled.map(|(key, value)| (key.clone(), value.clone())).collect()
}

/// Returns which machine of the model each of the bundle's is: as the user says, or by the units that
/// are there already.
fn machine_map(
    model: &ModelData,
    bundle: &Bundle,
    said: &str,
    existing: &ExistingModel,
) -> BTreeMap<String, String> {
    let mut map = BTreeMap::new();
    for part in said.split(',').map(str::trim) {
        if part == "existing" {
            for id in bundle.machines.keys() {
                if id.parse().is_ok_and(|number: u32| model.machines.contains_key(&number)) {
                    map.entry(id.clone()).or_insert_with(|| id.clone());
                }
            }
        } else if let Some((bundle_id, id)) = part.split_once('=') {
            map.insert(bundle_id.trim().to_owned(), id.trim().to_owned());
        }
    }
    let mut taken: BTreeSet<String> = map.values().cloned().collect();
    for id in bundle.machines.keys() {
        let of_application = |(name, application): (&String, &BundleApplication)| {
            let place = application.to.iter().position(|directive| directive == id)?;
            let machines = &existing.applications.get(name)?.machines;
            machines.values().nth(place).filter(|machine| !taken.contains(*machine)).cloned()
        };
        if !map.contains_key(id)
            && let Some(machine) = bundle.applications.iter().find_map(of_application)
        {
            taken.insert(machine.clone());
            map.insert(id.clone(), machine);
        }
    }
    map
}

/// Who does the steps.
struct Deployer<'a> {
    uuid: &'a str,
    bundle: &'a Bundle,
    /// The folder that the bundle's paths are relative to.
    directory: Utf8PathBuf,
    /// The charms that are ready, by how the bundle asks for them.
    charms: BTreeMap<CharmKey, Found>,
    /// The machines that there are, by their planned ids.
    machines: BTreeMap<String, u32>,
    is_forced: bool,
}

/// Charm, channel, revision and base.
type CharmKey = (String, String, Option<i64>, String);

impl Deployer<'_> {
    fn execute(&mut self, context: &mut Context<'_>, step: &Step) -> CommandResult {
        let uuid = self.uuid;
        match step {
            Step::UploadCharm { charm, revision, channel, base, architecture: _ } => {
                let key = (charm.clone(), channel.clone(), *revision, base.clone());
                let found = self.upload(context, &key)?;
                self.charms.insert(key, found);
                Ok(())
            }
            Step::Deploy { name, application, unit_count, base } => {
                self.deploy(context, name, application, *unit_count, base)
            }
            Step::SetOptions { application, options } => context.change(uuid, |model| {
                let name = super::units::application(model, application)?;
                let metadata = model.applications[&name].metadata.clone();
                let metadata = metadata.ok_or_else(|| CommandError::failed("the charm's files are gone"))?;
                let typed = typed_settings(&metadata, options)?;
                model.state.set_config(&name, &typed).map_err(failed)?;
                super::applications::changed(model, &name);
                Ok(())
            }),
            Step::SetConstraints { application, constraints } => {
                let constraints = constraints_of(constraints)?;
                context.change(uuid, |model| {
                    let name = super::units::application(model, application)?;
                    if let Some(data) = model.applications.get_mut(&name) {
                        data.constraints = constraints;
                    }
                    Ok(())
                })
            }
            Step::Scale { application, unit_count } => context.change(uuid, |model| {
                let name = super::units::application(model, application)?;
                let wanted = u32::try_from(*unit_count).unwrap_or_default();
                super::units::scale_to(model, &name, wanted)
            }),
            Step::Expose { application, endpoints } => context.change(uuid, |model| {
                let name = super::units::application(model, application)?;
                if let Some(data) = model.applications.get_mut(&name) {
                    expose(data.exposed.get_or_insert_default(), endpoints);
                }
                Ok(())
            }),
            Step::SetAnnotations { target, is_machine, annotations, shown_as: _ } => {
                let machine = self.machines.get(target).copied().or_else(|| target.parse().ok());
                context.change(uuid, |model| {
                    let notes = if *is_machine {
                        machine
                            .and_then(|number| model.machines.get_mut(&number))
                            .map(|machine| &mut machine.annotations)
                    } else {
                        model
                            .applications
                            .get_mut(target.as_str())
                            .map(|application| &mut application.annotations)
                    };
                    let notes =
                        notes.ok_or_else(|| CommandError::failed(format!("\"{target}\" not found")))?;
                    notes.extend(annotations.clone());
                    Ok(())
                })
            }
            Step::AddMachine { machine, container, base, constraints, .. } => {
                self.add_machine(context, machine, container.as_ref(), base, constraints)
            }
            Step::Consume { url, name } => {
                let url = OfferUrl::parse(url).map_err(failed)?;
                super::offers::take(context, uuid, &url, Some(name)).map(drop)
            }
            Step::Offer { offer, application, endpoints, is_update: _ } => {
                context.change(uuid, |model| super::offers::make(model, application, endpoints, offer))
            }
            Step::GrantOffer { user, access, offer } => context.change(uuid, |model| {
                if let Some(offer) = model.offers.get_mut(offer) {
                    offer.users.insert(user.clone(), access.clone());
                }
                Ok(())
            }),
            Step::Integrate { one, other } => super::relations::connect(context, uuid, one, other),
            Step::AddUnit { application, machine, unit: _, directive: _ } => {
                self.add_unit(context, application, machine)
            }
        }
    }

    /// Has a charm ready.
    fn upload(&self, context: &mut Context<'_>, key: &CharmKey) -> Result<Found, CommandError> {
        let (charm, channel, revision, base) = key;
        match CharmSource::parse(charm).map_err(CommandError::failed)? {
            CharmSource::Path(path) => super::deploy::local(context, Utf8Path::new(&path), &path),
            CharmSource::Local { name } => self.known(context, &name),
            CharmSource::Charmhub { name, .. } => {
                let users = self.bundle.applications.values().filter(|application| {
                    application.charm == *charm
                        && application.channel == *channel
                        && application.revision == *revision
                });
                let asked = Asked {
                    // What is followed later is the channel, also where a revision is asked for.
                    channel: Some(channel.clone())
                        .filter(|channel| !channel.is_empty())
                        .or_else(|| revision.map(|_| "stable".to_owned())),
                    revision: revision.and_then(|revision| u32::try_from(revision).ok()),
                    base: some_base(base)?,
                    resources: users.flat_map(|application| self.resources(application)).collect(),
                };
                match super::store::find_asked(context, self.uuid, &name, &asked)? {
                    Stored::Charm(found) => Ok(*found),
                    Stored::Bundle(_) => {
                        Err(CommandError::failed(format!("expected charm, got bundle \"{name}\"")))
                    }
                }
            }
        }
    }

    /// Returns a charm that an application of the model has.
    fn known(&self, context: &Context<'_>, name: &str) -> Result<Found, CommandError> {
        let known = context.look(self.uuid, |model| {
            let mut known = model.applications.values().map(|data| &data.charm);
            Ok(known.find(|charm| charm.is_local && charm.name == name).cloned())
        })?;
        let Some(known) = known else {
            return Err(CommandError::failed(format!("charm \"local:{name}\" not found")));
        };
        let kept = charms::read(context.controller.folder(), &known.digest).map_err(failed)?;
        Ok(Found {
            kept,
            is_local: true,
            revision: Some(known.revision),
            channel: None,
            resources: BTreeMap::new(),
        })
    }

    /// Returns resources as `--resource` has them. Files are relative to the bundle.
    fn resources(&self, application: &BundleApplication) -> BTreeMap<String, String> {
        let given = application.resources.iter().filter_map(|(name, resource)| {
            let value = match resource {
                BundleResource::Revision(revision) => revision.to_string(),
                BundleResource::Text(text) => {
                    let path = self.directory.join(text);
                    if path.is_file() { path.into_string() } else { text.clone() }
                }
                BundleResource::Other => return None,
            };
            Some((name.clone(), value))
        });
        given.collect()
    }

    fn deploy(
        &self,
        context: &mut Context<'_>,
        name: &str,
        application: &BundleApplication,
        unit_count: i64,
        base: &str,
    ) -> CommandResult {
        let key =
            (application.charm.clone(), application.channel.clone(), application.revision, base.to_owned());
        let Some(found) = self.charms.get(&key) else {
            return Err(CommandError::failed(format!("charm \"{}\" not found", application.charm)));
        };
        let mut storage = BTreeMap::new();
        for (label, text) in &application.storage {
            storage.insert(label.clone(), StorageConstraints::parse(text).map_err(failed)?);
        }
        let is_subordinate = found.kept.metadata.subordinate;
        let deployment = Deployment {
            application: Some(name.to_owned()),
            base: some_base(base)?,
            units: (!is_subordinate).then(|| u32::try_from(unit_count).unwrap_or_default()),
            places: Vec::new(),
            config: application.options.clone(),
            trusts: application.requires_trust,
            constraints: constraints_of(&application.constraints)?,
            storage,
            attached: Vec::new(),
            resources: self.resources(application),
            is_forced: self.is_forced,
        };
        // What is said of a charm by itself is in the lines of the steps already.
        super::deploy::start(context, self.uuid, found, &deployment).map(drop)
    }

    fn add_machine(
        &mut self,
        context: &mut Context<'_>,
        planned: &str,
        container: Option<&(String, String)>,
        base: &str,
        constraints: &str,
    ) -> CommandResult {
        let base = match some_base(base)? {
            Some(base) => base,
            None => default_base(context, self.uuid)?,
        };
        let constraints = constraints_of(constraints)?;
        let mut wanted = vec![planned];
        if let Some((kind, parent)) = container {
            context.session.say(&format!(
                "WARNING containers on machines are not supported by this emulator: a machine of its own stands \
                 in for the {kind} container {planned}"
            ));
            if !self.machines.contains_key(parent) && self.real(context, parent)?.is_none() {
                wanted.insert(0, parent);
            }
        }
        for id in wanted {
            let number = context
                .change(self.uuid, |model| Ok(model.add_machine(base.clone(), constraints.clone(), true)))?;
            self.machines.insert(id.to_owned(), number);
        }
        Ok(())
    }

    /// Returns the number of a machine that was there before.
    fn real(&self, context: &Context<'_>, id: &str) -> Result<Option<u32>, CommandError> {
        let number: Option<u32> = id.parse().ok();
        context.look(self.uuid, |model| {
            Ok(number.filter(|number| model.machines.get(number).is_some_and(|machine| !machine.is_dying)))
        })
    }

    fn add_unit(
        &mut self,
        context: &mut Context<'_>,
        application: &str,
        machine: &PlannedMachine,
    ) -> CommandResult {
        let place = match machine {
            PlannedMachine::Existing(id) => Some(id.clone()),
            PlannedMachine::ForUnit(id) | PlannedMachine::Planned(id) => {
                self.machines.get(id).map(ToString::to_string)
            }
        };
        let number = context.change(self.uuid, |model| {
            let name = super::units::application(model, application)?;
            let unit = super::deploy::add_unit(model, &name, place.as_deref())?;
            Ok(model.units.get(&unit).and_then(|unit| unit.machine.as_ref()?.parse().ok()))
        })?;
        if let (Some(number), None) = (number, place) {
            self.machines.insert(machine.id().to_owned(), number);
        }
        Ok(())
    }

    /// Units bring their machines up; those without one are brought up here.
    fn start_empty_machines(&self, context: &Context<'_>) -> CommandResult {
        for number in self.machines.values() {
            let text = number.to_string();
            let is_empty = context.look(self.uuid, |model| {
                Ok(!model.units.values().any(|unit| unit.machine.as_ref() == Some(&text)))
            })?;
            if is_empty {
                let (controller, uuid, number) =
                    (std::sync::Arc::clone(context.controller), self.uuid.to_owned(), *number);
                std::thread::spawn(move || controller.start_machine(&uuid, number));
            }
        }
        Ok(())
    }
}

/// Returns the base that the model's machines have if nothing says which.
fn default_base(context: &Context<'_>, uuid: &str) -> Result<Base, CommandError> {
    let preferred = context.look(uuid, |model| Ok(model.config_text("default-base")))?;
    let preferred = preferred.filter(|text| !text.is_empty()).and_then(|text| base_of(&text).ok());
    Ok(preferred.unwrap_or(Base { name: "ubuntu".to_owned(), channel: "24.04".to_owned() }))
}

fn some_base(text: &str) -> Result<Option<Base>, CommandError> {
    if text.is_empty() { Ok(None) } else { base_of(text).map(Some) }
}

fn constraints_of(text: &str) -> Result<String, CommandError> {
    Ok(Constraints::parse(&[text]).map_err(failed)?.to_string())
}

fn expose(exposure: &mut Exposure, endpoints: &BTreeMap<String, ExposedEndpoint>) {
    let everyone = BTreeMap::from([(String::new(), ExposedEndpoint::default())]);
    let endpoints = if endpoints.is_empty() { &everyone } else { endpoints };
    for (endpoint, exposed) in endpoints {
        let networks = if exposed.cidrs.is_empty() && exposed.spaces.is_empty() {
            vec!["0.0.0.0/0".to_owned(), "::/0".to_owned()]
        } else {
            exposed.cidrs.clone()
        };
        exposure.endpoints.insert(endpoint.clone(), (exposed.spaces.clone(), networks));
    }
}
