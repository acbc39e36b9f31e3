//! `wait-for`: a model, an application, a unit or a machine gets to be as a query says.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use charmproof_agent::state::application_of;
use charmproof_lifecycle::vocabulary::Name;
use jiff::tz::TimeZone;
use serde::Serialize;

use super::{Context, status_view};
use crate::controller::Held;
use crate::controller::data::{MachineData, ModelData};
use crate::query::{Entity, Property, Query, QueryError, Witnessed};
use crate::session::{CommandError, CommandResult};
use crate::values::go::quote;
use crate::view::time::Times;
use crate::view::to_yaml;

/// How long is waited when nothing is said.
const USUAL_TIMEOUT: Duration = Duration::from_mins(10);

/// What is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::IntoStaticStr)]
#[strum(serialize_all = "lowercase")]
enum Kind {
    Model,
    Application,
    Unit,
    Machine,
}

impl Kind {
    /// Returns the entity as it is now.
    fn entity(self, model: &ModelData, name: &str) -> Option<Entity> {
        let key = Name::from(name);
        match self {
            Self::Model => Some(model_entity(model)),
            Self::Application => {
                model.applications.contains_key(&key).then(|| application_entity(model, &key))
            }
            Self::Unit => model.units.contains_key(&key).then(|| unit_entity(model, &key))?,
            Self::Machine => {
                let number = name.parse().ok()?;
                Some(machine_entity(number, model.machines.get(&number)?))
            }
        }
    }

    /// Says how far something is that is not as it is to be.
    fn waiting(self, name: &str, entity: Option<&Entity>) -> String {
        let (what, name): (&str, String) = (self.into(), quote(name));
        match (self, entity) {
            (_, None) => format!("{what} {name} not found, waiting..."),
            (Self::Application, Some(entity)) => {
                format!("{what} {name} found with {}, waiting...", quote(text_of(entity, "status")))
            }
            (Self::Model | Self::Unit | Self::Machine, Some(_)) => format!("{what} {name} found, waiting..."),
        }
    }

    /// What it is called at the beginning of a line in the end.
    fn called(self) -> &'static str {
        if self == Self::Application { "Application" } else { self.into() }
    }
}

fn text_of<'a>(entity: &'a Entity, name: &str) -> &'a str {
    match entity.properties.get(name) {
        Some(Property::Text(text)) => text,
        Some(Property::Number(_) | Property::Is(_) | Property::Settings(_)) | None => "",
    }
}

fn text(text: impl Into<String>) -> Property {
    Property::Text(text.into())
}

fn life(is_dying: bool) -> Property {
    text(if is_dying { "dying" } else { "alive" })
}

fn model_entity(model: &ModelData) -> Entity {
    let config = model.config.keys().filter_map(|key| Some((key.clone(), model.config_text(key)?)));
    Entity {
        kind: "ModelInfo",
        name: model.name.clone(),
        properties: BTreeMap::from([
            ("name", text(&model.name)),
            ("life", life(model.is_dying)),
            ("is-controller", Property::Is(false)),
            ("status", text(if model.is_dying { "destroying" } else { "available" })),
            ("config", Property::Settings(config.collect())),
        ]),
        members: BTreeMap::from([
            ("applications", model.applications.keys().map(|name| application_entity(model, name)).collect()),
            ("machines", model.machines.iter().map(|(number, data)| machine_entity(*number, data)).collect()),
            ("units", model.units.keys().filter_map(|unit| unit_entity(model, unit)).collect()),
        ]),
    }
}

fn application_entity(model: &ModelData, name: &Name) -> Entity {
    let data = &model.applications[name];
    let own: Vec<&Name> = model.units.keys().filter(|unit| application_of(unit) == name.as_str()).collect();
    let version = own.iter().rev().find_map(|unit| {
        let version = &model.state.units.get(*unit)?.workload_version;
        (!version.is_empty()).then(|| version.clone())
    });
    let is_subordinate = data.metadata.as_ref().is_some_and(|metadata| metadata.subordinate);
    let on = |number: u32| own.iter().any(|unit| model.units[*unit].machine == Some(number.to_string()));
    let machines = model.machines.iter().filter(|(number, _)| on(**number));
    Entity {
        kind: "ApplicationInfo",
        name: name.to_string(),
        properties: BTreeMap::from([
            ("name", text(name.as_str())),
            ("life", life(data.is_dying)),
            ("exposed", Property::Is(data.exposed.is_some())),
            ("charm-url", text(status_view::full_charm_url(data, data.charm.revision))),
            ("min-units", Property::Number(0)),
            ("subordinate", Property::Is(is_subordinate)),
            ("status", text(status_view::shown_application_status(model, name).kind.name())),
            ("workload-version", text(version.unwrap_or_default())),
        ]),
        members: BTreeMap::from([
            ("units", own.iter().filter_map(|unit| unit_entity(model, unit)).collect()),
            ("machines", machines.map(|(number, data)| machine_entity(*number, data)).collect()),
        ]),
    }
}

fn unit_entity(model: &ModelData, unit: &Name) -> Option<Entity> {
    let view = status_view::unit_view(model, unit, &Times::Local(TimeZone::UTC))?;
    let (data, known) = (model.units.get(unit)?, model.state.units.get(unit)?);
    let application = model.applications.get(application_of(unit))?;
    let base = &application.charm.base;
    let machine = data.machine.clone().unwrap_or_default();
    let address = status_view::address(model, unit);
    let number = machine.parse().ok();
    let below = number.and_then(|number| Some(machine_entity(number, model.machines.get(&number)?)));
    Some(Entity {
        kind: "UnitInfo",
        name: unit.to_string(),
        properties: BTreeMap::from([
            ("name", text(unit.as_str())),
            ("application", text(application_of(unit))),
            ("base", text(format!("{}@{}", base.name, base.channel))),
            ("charm-url", text(status_view::full_charm_url(application, data.charm_revision))),
            ("life", life(known.is_dying)),
            ("public-address", text(&address)),
            ("private-address", text(&address)),
            ("machine-id", text(machine)),
            ("principal", text(known.principal.as_deref().unwrap_or_default())),
            ("subordinate", Property::Is(known.principal.is_some())),
            ("workload-status", text(view.workload_status.current)),
            ("workload-message", text(view.workload_status.message)),
            ("agent-status", text(view.juju_status.current)),
        ]),
        members: BTreeMap::from([("machines", below.into_iter().collect())]),
    })
}

fn machine_entity(number: u32, data: &MachineData) -> Entity {
    Entity {
        kind: "MachineInfo",
        name: number.to_string(),
        properties: BTreeMap::from([
            ("id", text(number.to_string())),
            ("life", life(data.is_dying)),
            ("status", text(&data.status)),
            ("agent-status", text(&data.status)),
            ("instance-status", text(data.instance_status().0)),
            ("base", text(format!("{}@{}", data.base.name, data.base.channel))),
            ("container-type", text("")),
            ("config", Property::Settings(BTreeMap::new())),
        ]),
        members: BTreeMap::new(),
    }
}

/// `wait-for application`
pub(super) fn application(context: &mut Context<'_>) -> CommandResult {
    let (goal, uuid, name) =
        (Goal::of(context, Kind::Application)?, context.model()?, context.word(0).to_owned());
    wait(context, &goal, &uuid, &name)
}

/// `wait-for unit`
pub(super) fn unit(context: &mut Context<'_>) -> CommandResult {
    let (goal, uuid, name) = (Goal::of(context, Kind::Unit)?, context.model()?, context.word(0).to_owned());
    wait(context, &goal, &uuid, &name)
}

/// `wait-for machine`
pub(super) fn machine(context: &mut Context<'_>) -> CommandResult {
    let (goal, uuid, name) =
        (Goal::of(context, Kind::Machine)?, context.model()?, context.word(0).to_owned());
    wait(context, &goal, &uuid, &name)
}

/// `wait-for model`
pub(super) fn model(context: &mut Context<'_>) -> CommandResult {
    let goal = Goal::of(context, Kind::Model)?;
    let named = context.word(0).to_owned();
    let find = |context: &Context<'_>, held: &Held| {
        context.find_model(held, &named).ok().map(|model| (model.uuid.clone(), model.name.clone()))
    };
    let mut found = context.controller.look(|held| find(context, held));
    if found.is_none() {
        let name = quote(named.rsplit([':', '/']).next().unwrap_or(&named));
        context.say(&format!("model {name} not found, waiting..."));
        found = context.wait_until(goal.left(), |held| find(context, held))?;
        if found.is_none() {
            return Err(CommandError::Usage(format!("unable to locate model {name}")));
        }
    }
    let (uuid, name) = found.unwrap_or_default();
    wait(context, &goal, &uuid, &name)
}

/// What is waited for, and how long.
struct Goal {
    kind: Kind,
    query: Query,
    /// `None` for ever.
    deadline: Option<Instant>,
}

impl Goal {
    /// Reads it from the flags. The time runs from now.
    fn of(context: &Context<'_>, kind: Kind) -> Result<Self, CommandError> {
        let query = Query::parse(context.parsed.text("query").unwrap_or_default())
            .map_err(|error| CommandError::failed(error.to_string()))?;
        let timeout = context.parsed.duration("timeout");
        let timeout = timeout.and_then(|timeout| timeout.try_into().ok()).unwrap_or(USUAL_TIMEOUT);
        Ok(Self { kind, query, deadline: Instant::now().checked_add(timeout) })
    }

    /// Returns how much of the time is left.
    fn left(&self) -> Option<Duration> {
        self.deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()))
    }
}

/// What is seen of something that is waited for.
enum Seen {
    /// It is not as it is to be, or is not there.
    Waiting(String),
    /// It is as it is to be.
    Ready(Entity),
    /// It was there, and is no more.
    Gone,
    /// The query cannot be asked of it.
    Wrong(QueryError),
}

fn wait(context: &mut Context<'_>, goal: &Goal, uuid: &str, name: &str) -> CommandResult {
    let kind = goal.kind;
    let (mut was_there, mut said, mut witnessed) = (false, String::new(), Witnessed::default());
    let mut printed: Vec<String> = Vec::new();
    loop {
        let mut is_news = false;
        let seen = context.wait_until(goal.left(), |held| {
            let entity = held.model(uuid).and_then(|model| kind.entity(model, name));
            let seen = match &entity {
                None if was_there => return Some(Seen::Gone),
                None => Seen::Waiting(kind.waiting(name, None)),
                Some(entity) => match goal.query.holds(entity, &mut witnessed) {
                    Ok(true) => Seen::Ready(entity.clone()),
                    Ok(false) => Seen::Waiting(kind.waiting(name, Some(entity))),
                    Err(error) => Seen::Wrong(error),
                },
            };
            was_there = entity.is_some();
            let news = std::mem::take(&mut witnessed.printed);
            is_news |= news != printed;
            printed = news;
            match seen {
                Seen::Waiting(text) if text == said && !is_news => None,
                other @ (Seen::Waiting(_) | Seen::Ready(_) | Seen::Gone | Seen::Wrong(_)) => Some(other),
            }
        })?;
        for line in printed.iter().filter(|_| is_news) {
            context.session.print(&format!("{line}\n"));
        }
        match seen {
            None => {
                return Err(CommandError::failed(format!(
                    "timed out waiting for {} to reach goal state",
                    quote(name)
                )));
            }
            Some(Seen::Wrong(error)) => return Err(CommandError::failed(error.to_string())),
            // Juju sees the others die before they are gone, and that ends the wait whatever is asked for.
            Some(Seen::Gone) if kind == Kind::Application => {
                return Err(CommandError::failed(format!("application {name} removed")));
            }
            Some(Seen::Gone) => {
                let what: &str = kind.into();
                context.say(&format!("{what} {} has been removed", quote(name)));
                return Ok(());
            }
            Some(Seen::Ready(entity)) => {
                sum_up(context, kind, &entity, &witnessed);
                return Ok(());
            }
            Some(Seen::Waiting(text)) => {
                if text != said {
                    context.say(&text);
                }
                said = text;
            }
        }
    }
}

/// The values that a query has looked at.
#[derive(Serialize)]
struct Summary {
    properties: BTreeMap<String, Property>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    applications: BTreeMap<String, BTreeMap<String, Property>>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    units: BTreeMap<String, BTreeMap<String, Property>>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    machines: BTreeMap<String, BTreeMap<String, Property>>,
}

/// Says in the end what was waited for.
fn sum_up(context: &mut Context<'_>, kind: Kind, entity: &Entity, witnessed: &Witnessed) {
    if !context.parsed.is_set("summary") {
        return;
    }
    let (what, name) = (kind.called(), quote(&entity.name));
    if text_of(entity, "life") == "dying" {
        context.say(&format!("{what} {name} is being removed"));
        return;
    }
    context.say(&format!("{what} {name} is running"));
    let members = |kind: &str| -> BTreeMap<String, BTreeMap<String, Property>> {
        let own = witnessed.members.get(kind).into_iter().flatten();
        let found = own.filter_map(|(name, witnessed)| {
            let member = entity.members.get(kind)?.iter().find(|member| member.name == *name)?;
            Some((name.clone(), witnessed.values(member)))
        });
        found.collect()
    };
    let summary = Summary {
        properties: witnessed.values(entity),
        applications: members("applications"),
        units: members("units"),
        machines: members("machines"),
    };
    context.session.print(&to_yaml(&summary));
}
