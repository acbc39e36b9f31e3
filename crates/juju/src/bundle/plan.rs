//! From a bundle, and what a model has already, to steps in an order in which they can be done.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::bundle::data::{Bundle, BundleApplication, BundleMachine};
use crate::bundle::steps::{PlannedMachine, Step};
use crate::bundle::verify::{Place, parse_unit_placement};
use crate::values::channel::Base;
use crate::values::constraints::Constraints;

/// What a model has before a bundle comes.
#[derive(Debug, Clone, Default)]
pub struct ExistingModel {
    /// Applications, those of other models among them.
    pub applications: BTreeMap<String, ExistingApplication>,
    /// Pairs of endpoints that are integrated, each as `application:endpoint`.
    pub relations: Vec<[String; 2]>,
    /// The id that the next machine gets.
    pub next_machine: u32,
    /// Machines of the model by their ids in the bundle, as `--map-machines` says.
    pub machine_map: BTreeMap<String, String>,
    /// Whether the model is one of Kubernetes.
    pub is_kubernetes: bool,
    /// The architecture where no constraint says one.
    pub architecture: String,
}

/// An application that is there before a bundle comes.
#[derive(Debug, Clone, Default)]
pub struct ExistingApplication {
    /// How many units it has.
    pub unit_count: i64,
    /// The number that its next unit gets.
    pub next_unit: u32,
    /// Machines of its units by their numbers.
    pub machines: BTreeMap<i64, String>,
    /// Settings that the user made.
    pub options: BTreeMap<String, Value>,
    /// Its constraints, as text.
    pub constraints: String,
    /// Whether it is exposed.
    pub is_exposed: bool,
    /// Its annotations.
    pub annotations: BTreeMap<String, String>,
    /// Its offers.
    pub offers: BTreeSet<String>,
}

/// Plans what to do for a bundle that has been checked. What a model has already is left as it is,
/// or changed to what the bundle says.
pub fn plan(bundle: &Bundle, model: &ExistingModel) -> Result<Vec<Step>, String> {
    let is_kubernetes = model.is_kubernetes || bundle.kind == "kubernetes";
    let default_base = base_of(&bundle.default_base, &bundle.series)?;
    let mut planner = Planner {
        bundle,
        model,
        is_kubernetes,
        default_base,
        steps: Vec::new(),
        applications: BTreeMap::new(),
        machines: BTreeMap::new(),
        machine_steps: Vec::new(),
        next_machine: model.next_machine,
        next_container: BTreeMap::new(),
        units: BTreeMap::new(),
        unit_machines: BTreeMap::new(),
        beside: BTreeMap::new(),
    };
    planner.plan_applications()?;
    if !is_kubernetes {
        planner.plan_machines()?;
    }
    planner.plan_offers();
    planner.plan_relations();
    if !is_kubernetes {
        planner.plan_units()?;
    }
    Ok(in_order(planner.steps))
}

struct Planned {
    step: Step,
    /// Which steps come before.
    requires: Vec<usize>,
}

/// Steps in the order in which they were planned, but none before those that it requires.
fn in_order(planned: Vec<Planned>) -> Vec<Step> {
    let mut steps = Vec::with_capacity(planned.len());
    let mut done: Vec<bool> = vec![false; planned.len()];
    let mut left: Vec<(usize, Planned)> = planned.into_iter().enumerate().collect();
    while !left.is_empty() {
        let mut waiting = Vec::new();
        let before = steps.len();
        for (index, planned) in left {
            if planned.requires.iter().all(|required| done[*required]) {
                done[index] = true;
                steps.push(planned.step);
            } else {
                waiting.push((index, planned));
            }
        }
        if steps.len() == before {
            // A circle cannot come about, for a step requires only what was planned without it.
            steps.extend(waiting.into_iter().map(|(_, planned)| planned.step));
            break;
        }
        left = waiting;
    }
    steps
}

fn base_of(base: &str, series: &str) -> Result<String, String> {
    if !base.is_empty() {
        return Base::parse(base).map(|base| base.to_string());
    }
    if series.is_empty() || series == "kubernetes" {
        return Ok(String::new());
    }
    Base::from_series(series).map(|base| base.to_string())
}

/// Names with numbers in them, by their numbers: `a2` before `a10`.
fn natural_order(one: &str, other: &str) -> Ordering {
    let mut one_rest = one;
    let mut other_rest = other;
    while !one_rest.is_empty() && !other_rest.is_empty() {
        let (one_part, one_behind) = split_part(one_rest);
        let (other_part, other_behind) = split_part(other_rest);
        let by_part = match (one_part.parse::<u64>(), other_part.parse::<u64>()) {
            (Ok(one_number), Ok(other_number)) => one_number.cmp(&other_number),
            (Ok(_) | Err(_), Ok(_) | Err(_)) => one_part.cmp(other_part),
        };
        if by_part != Ordering::Equal {
            return by_part;
        }
        (one_rest, other_rest) = (one_behind, other_behind);
    }
    one_rest.len().cmp(&other_rest.len()).then_with(|| one.cmp(other))
}

fn split_part(text: &str) -> (&str, &str) {
    let is_digit = text.starts_with(|first: char| first.is_ascii_digit());
    let end = text.find(|character: char| character.is_ascii_digit() != is_digit).unwrap_or(text.len());
    text.split_at(end)
}

struct Planner<'a> {
    bundle: &'a Bundle,
    model: &'a ExistingModel,
    is_kubernetes: bool,
    default_base: String,
    steps: Vec<Planned>,
    /// The steps that add applications and what is consumed.
    applications: BTreeMap<&'a str, usize>,
    /// The planned ids of the bundle's machines, and the steps that add them.
    machines: BTreeMap<&'a str, (PlannedMachine, Option<usize>)>,
    /// Steps that add machines for single units. One comes after the other.
    machine_steps: Vec<usize>,
    next_machine: u32,
    next_container: BTreeMap<(String, String), u32>,
    /// The steps that add units, by application and number.
    units: BTreeMap<(&'a str, i64), usize>,
    /// Where units that are placed already will be.
    unit_machines: BTreeMap<(&'a str, i64), PlannedMachine>,
    /// How many units of one application have been placed beside those of another.
    beside: BTreeMap<(&'a str, String), usize>,
}

impl<'a> Planner<'a> {
    fn add(&mut self, step: Step, requires: Vec<usize>) -> usize {
        self.steps.push(Planned { step, requires });
        self.steps.len() - 1
    }

    fn application_names(&self) -> Vec<&'a str> {
        let bundle: &'a Bundle = self.bundle;
        let mut names: Vec<&'a str> = bundle.applications.keys().map(String::as_str).collect();
        names.sort_by(|one, other| natural_order(one, other));
        names
    }

    fn base(&self, application: &BundleApplication) -> Result<String, String> {
        let own = base_of(&application.base, &application.series)?;
        let is_path = application.charm.starts_with(['.', '/']);
        // A charm in a file says by itself what it runs on.
        Ok(if own.is_empty() && !is_path { self.default_base.clone() } else { own })
    }

    fn plan_applications(&mut self) -> Result<(), String> {
        let mut charms: BTreeMap<(String, String, String, String), usize> = BTreeMap::new();
        for name in self.application_names() {
            let application = &self.bundle.applications[name];
            if let Some(existing) = self.model.applications.get(name) {
                self.plan_changes(name, application, existing);
                continue;
            }
            let base = self.base(application)?;
            let constraints = Constraints::parse(&[&application.constraints])?;
            let architecture = constraints
                .arch
                .filter(|arch| !arch.is_empty())
                .unwrap_or_else(|| self.model.architecture.clone());
            let revision = application.revision.map(|revision| revision.to_string()).unwrap_or_default();
            let key = (
                application.charm.clone(),
                format!("{base} {architecture}"),
                application.channel.clone(),
                revision,
            );
            let charm = match charms.get(&key) {
                Some(step) => *step,
                None => self.add(
                    Step::UploadCharm {
                        charm: application.charm.clone(),
                        revision: application.revision,
                        channel: application.channel.clone(),
                        base: base.clone(),
                        architecture,
                    },
                    Vec::new(),
                ),
            };
            charms.insert(key, charm);
            let deploy = self.add(
                Step::Deploy {
                    name: name.to_owned(),
                    application: Box::new(application.clone()),
                    unit_count: if self.is_kubernetes { application.unit_count } else { 0 },
                    base,
                },
                vec![charm],
            );
            self.applications.insert(name, deploy);
            if application.is_exposed || !application.exposed_endpoints.is_empty() {
                let endpoints = application.exposed_endpoints.clone();
                self.add(Step::Expose { application: name.to_owned(), endpoints }, vec![deploy]);
            }
            self.annotate(name, name.to_owned(), false, &application.annotations, vec![deploy]);
        }
        Ok(())
    }

    fn annotate(
        &mut self,
        target: &str,
        shown_as: String,
        is_machine: bool,
        annotations: &BTreeMap<String, String>,
        requires: Vec<usize>,
    ) {
        if !annotations.is_empty() {
            let annotations = annotations.clone();
            let target = target.to_owned();
            self.add(Step::SetAnnotations { target, is_machine, shown_as, annotations }, requires);
        }
    }

    fn plan_changes(&mut self, name: &str, application: &BundleApplication, existing: &ExistingApplication) {
        let mut options = application.options.clone();
        options.retain(|option, value| existing.options.get(option) != Some(value));
        if !options.is_empty() {
            self.add(Step::SetOptions { application: name.to_owned(), options }, Vec::new());
        }
        let of = |text: &str| Constraints::parse(&[text]).unwrap_or_default();
        if of(&application.constraints) != of(&existing.constraints) {
            let constraints = application.constraints.clone();
            self.add(Step::SetConstraints { application: name.to_owned(), constraints }, Vec::new());
        }
        // A bundle exposes, and never takes it back.
        if application.is_exposed && !existing.is_exposed {
            let endpoints = application.exposed_endpoints.clone();
            self.add(Step::Expose { application: name.to_owned(), endpoints }, Vec::new());
        }
        if self.is_kubernetes && existing.unit_count != application.unit_count {
            let unit_count = application.unit_count;
            self.add(Step::Scale { application: name.to_owned(), unit_count }, Vec::new());
        }
        let mut annotations = application.annotations.clone();
        annotations.retain(|key, value| existing.annotations.get(key) != Some(value));
        self.annotate(name, name.to_owned(), false, &annotations, Vec::new());
    }

    fn plan_machines(&mut self) -> Result<(), String> {
        let bundle: &'a Bundle = self.bundle;
        let mut machines: Vec<(&'a String, &'a BundleMachine)> = bundle.machines.iter().collect();
        machines.sort_by(|(one, _), (other, _)| natural_order(one, other));
        let mut before: Vec<usize> = Vec::new();
        for (id, machine) in machines {
            if let Some(existing) = self.model.machine_map.get(id) {
                let shown = format!("existing machine {existing}");
                self.annotate(existing, shown, true, &machine.annotations, Vec::new());
                self.machines.insert(id, (PlannedMachine::Existing(existing.clone()), None));
                continue;
            }
            let own_base = base_of(&machine.base, &machine.series)?;
            let base = if own_base.is_empty() { self.default_base.clone() } else { own_base };
            let planned = self.new_machine();
            let step = self.add(
                Step::AddMachine {
                    machine: planned.clone(),
                    bundle_machine: Some(id.clone()),
                    container: None,
                    is_on_existing: false,
                    base,
                    constraints: machine.constraints.clone(),
                },
                before.clone(),
            );
            before.push(step);
            let shown = format!("new machine {planned}");
            self.annotate(&planned, shown, true, &machine.annotations, vec![step]);
            self.machines.insert(id, (PlannedMachine::Planned(planned), Some(step)));
        }
        Ok(())
    }

    fn new_machine(&mut self) -> String {
        let id = self.next_machine.to_string();
        self.next_machine += 1;
        id
    }

    fn plan_offers(&mut self) {
        let bundle: &'a Bundle = self.bundle;
        for (name, url) in &bundle.saas {
            if self.model.applications.contains_key(name) {
                continue;
            }
            let step = self.add(Step::Consume { url: url.clone(), name: name.clone() }, Vec::new());
            self.applications.insert(name, step);
        }
        for (name, application) in &bundle.applications {
            let deploy: Vec<usize> = self.applications.get(name.as_str()).copied().into_iter().collect();
            let existing = self.model.applications.get(name);
            for (offer, details) in &application.offers {
                let is_update = existing.is_some_and(|existing| existing.offers.contains(offer));
                let step = self.add(
                    Step::Offer {
                        offer: offer.clone(),
                        application: name.clone(),
                        endpoints: details.endpoints.clone(),
                        is_update,
                    },
                    deploy.clone(),
                );
                for (user, access) in &details.access {
                    let (user, access) = (user.clone(), access.clone());
                    self.add(Step::GrantOffer { user, access, offer: offer.clone() }, vec![step]);
                }
            }
        }
    }

    fn plan_relations(&mut self) {
        for relation in &self.bundle.relations {
            let [one, other] = relation.as_slice() else { continue };
            let exists = self.model.relations.iter().any(|[existing_one, existing_other]| {
                (is_endpoint(existing_one, one) && is_endpoint(existing_other, other))
                    || (is_endpoint(existing_one, other) && is_endpoint(existing_other, one))
            });
            if exists {
                continue;
            }
            let requires = [one, other]
                .into_iter()
                .filter_map(|endpoint| self.applications.get(application_of(endpoint)).copied())
                .collect();
            self.add(Step::Integrate { one: one.clone(), other: other.clone() }, requires);
        }
    }

    fn plan_units(&mut self) -> Result<(), String> {
        let names = self.application_names();
        for name in &names {
            let (first, next) = self.existing_units(name);
            let application = &self.bundle.applications[*name];
            for index in first..application.unit_count {
                let number = i64::from(next) + index - first;
                let requires = self.applications.get(name).copied().into_iter().collect();
                let step = self.add(
                    Step::AddUnit {
                        application: (*name).to_owned(),
                        unit: format!("{name}/{number}"),
                        machine: PlannedMachine::ForUnit(String::new()),
                        directive: None,
                    },
                    requires,
                );
                self.units.insert((name, index), step);
            }
        }
        self.place_units(names)
    }

    /// How many units there are, and the number of the next.
    fn existing_units(&self, application: &str) -> (i64, u32) {
        let existing = self.model.applications.get(application);
        existing.map_or((0, 0), |existing| (existing.unit_count, existing.next_unit))
    }

    /// Places units of an application after those of the applications that they are beside.
    fn place_units(&mut self, names: Vec<&'a str>) -> Result<(), String> {
        let mut left = names;
        left.sort_unstable();
        while !left.is_empty() {
            let (now, later): (Vec<&'a str>, Vec<&'a str>) =
                {
                    let mut placed: BTreeSet<&str> = BTreeSet::new();
                    let mut now = Vec::new();
                    let mut later = Vec::new();
                    for name in &left {
                        let waits = self.bundle.applications[*name].to.iter().any(|directive| {
                            match parse_unit_placement(directive).map(|placement| placement.place) {
                                Ok(Place::Application(other) | Place::Unit(other, _)) => {
                                    left.contains(&other.as_str()) && !placed.contains(other.as_str())
                                }
                                Ok(Place::New | Place::Machine(_)) | Err(_) => false,
                            }
                        });
                        if waits {
                            later.push(*name);
                        } else {
                            placed.insert(name);
                            now.push(*name);
                        }
                    }
                    (now, later)
                };
            if now.is_empty() {
                return Err(format!("cycle in placement directives for: {}", later.join(", ")));
            }
            for name in now {
                self.place_units_of(name)?;
            }
            left = later;
        }
        Ok(())
    }

    fn place_units_of(&mut self, name: &'a str) -> Result<(), String> {
        let bundle: &'a Bundle = self.bundle;
        let application = &bundle.applications[name];
        // The last directive holds for all units behind it, if it can hold more than once.
        let last = application.to.last().filter(|directive| {
            matches!(
                parse_unit_placement(directive).map(|placement| placement.place),
                Ok(Place::New | Place::Application(_))
            )
        });
        let (first, _) = self.existing_units(name);
        let mut before: Option<usize> = None;
        for index in first..application.unit_count {
            let position = usize::try_from(index).unwrap_or(usize::MAX);
            let directive = application.to.get(position).or(last);
            let (machine, mut requires, is_satisfied) = self.machine_for(name, application, directive)?;
            let step = self.units[&(name, index)];
            requires.extend(before);
            before = Some(step);
            self.unit_machines.insert((name, index), machine.clone());
            let planned = &mut self.steps[step];
            planned.requires.extend(requires);
            if let Step::AddUnit { machine: place, directive: shown, .. } = &mut planned.step {
                *place = machine;
                *shown = directive.filter(|_| is_satisfied).cloned();
            }
        }
        Ok(())
    }

    /// The machine for a unit, what must be done before, and whether it is where the directive
    /// wants it beside others.
    fn machine_for(
        &mut self,
        name: &'a str,
        application: &BundleApplication,
        directive: Option<&String>,
    ) -> Result<(PlannedMachine, Vec<usize>, bool), String> {
        let Some(directive) = directive else {
            return Ok((PlannedMachine::ForUnit(self.new_machine()), Vec::new(), false));
        };
        let placement = parse_unit_placement(directive)?;
        let container = placement.container;
        let (machine, requires, is_beside) = match placement.place {
            Place::New => {
                let machine = self.new_machine();
                let base = self.base(application)?;
                if container.is_none() {
                    let step = self.add_machine_for_unit(Step::AddMachine {
                        machine: machine.clone(),
                        bundle_machine: None,
                        container: None,
                        is_on_existing: false,
                        base,
                        constraints: application.constraints.clone(),
                    });
                    return Ok((PlannedMachine::Planned(machine), vec![step], false));
                }
                (PlannedMachine::ForUnit(machine), Vec::new(), false)
            }
            Place::Machine(id) => {
                let (machine, step) = self
                    .machines
                    .get(id.as_str())
                    .cloned()
                    .ok_or_else(|| format!("machine {id} is not in the bundle"))?;
                (machine, step.into_iter().collect(), false)
            }
            Place::Unit(other, number) => match self.machine_beside(&other, number) {
                Some((machine, requires)) => (machine, requires, true),
                None => (PlannedMachine::ForUnit(self.new_machine()), Vec::new(), false),
            },
            Place::Application(other) => {
                let next = self.beside.entry((name, other.clone())).or_insert(0);
                let number = i64::try_from(*next).unwrap_or(i64::MAX);
                *next += 1;
                match self.machine_beside(&other, number) {
                    Some((machine, requires)) => (machine, requires, true),
                    // Where the other application has no more units, a new machine does.
                    None => return Ok((PlannedMachine::ForUnit(self.new_machine()), Vec::new(), false)),
                }
            }
        };
        match container {
            None => Ok((machine, requires, is_beside)),
            Some(kind) => {
                let base = self.base(application)?;
                let (machine, requires) =
                    self.add_container(kind, &machine, requires, base, application.constraints.clone());
                Ok((machine, requires, is_beside))
            }
        }
    }

    fn machine_beside(&self, application: &str, number: i64) -> Option<(PlannedMachine, Vec<usize>)> {
        let existing = self.model.applications.get(application);
        if let Some(machine) = existing.and_then(|existing| existing.machines.get(&number)) {
            return Some((PlannedMachine::Existing(machine.clone()), Vec::new()));
        }
        let machine = self.unit_machines.get(&(application, number))?;
        let step = self.units.get(&(application, number))?;
        let machine = match machine {
            // A unit's own machine is there once the unit is.
            PlannedMachine::ForUnit(id) | PlannedMachine::Planned(id) => PlannedMachine::Planned(id.clone()),
            PlannedMachine::Existing(id) => PlannedMachine::Existing(id.clone()),
        };
        Some((machine, vec![*step]))
    }

    fn add_machine_for_unit(&mut self, step: Step) -> usize {
        let requires = self.machine_steps.clone();
        let step = self.add(step, requires);
        self.machine_steps.push(step);
        step
    }

    fn add_container(
        &mut self,
        kind: String,
        parent: &PlannedMachine,
        requires: Vec<usize>,
        base: String,
        constraints: String,
    ) -> (PlannedMachine, Vec<usize>) {
        // A container beside one in a container is on the same machine.
        let below = parent.id().split('/').next().unwrap_or_default().to_owned();
        let next = self.next_container.entry((below.clone(), kind.clone())).or_insert(0);
        let machine = format!("{below}/{kind}/{next}");
        *next += 1;
        let step = self.add_machine_for_unit(Step::AddMachine {
            machine: machine.clone(),
            bundle_machine: None,
            container: Some((kind, below)),
            is_on_existing: matches!(parent, PlannedMachine::Existing(_)),
            base,
            constraints,
        });
        self.steps[step].requires.extend(requires);
        (PlannedMachine::Planned(machine), vec![step])
    }
}

fn application_of(endpoint: &str) -> &str {
    endpoint.split_once(':').map_or(endpoint, |(application, _)| application)
}

/// Whether an endpoint of the model is what a bundle means, which may leave out the endpoint.
fn is_endpoint(existing: &str, meant: &str) -> bool {
    if meant.contains(':') { existing == meant } else { application_of(existing) == meant }
}
