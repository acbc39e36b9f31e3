//! What is known of single things: `show-application`, `show-machine`, `constraints`,
//! `set-constraints`, `bind`, `users`, `show-user`.

use std::collections::BTreeMap;

use charmproof_lifecycle::vocabulary::Name;
use jiff::Timestamp;

use super::{Context, SPACE, failed};
use crate::controller::data::{ApplicationData, ModelData, USER};
use crate::session::{CommandError, CommandResult};
use crate::values::constraints::Constraints;
use crate::values::go::quote;
use crate::view::application::{ApplicationDetailsView, ExposedEndpointView};
use crate::view::model::ModelUserView;
use crate::view::status::{MachineListView, write_machines};
use crate::view::time::ago;
use crate::view::user::{UserView, write_list, write_model_users};

/// `show-application`
pub(super) fn show_application(context: &mut Context<'_>) -> CommandResult {
    let uuid = context.model()?;
    let names = context.parsed.positionals.clone();
    let (views, errors) = context.look(&uuid, |model| {
        let mut views = BTreeMap::new();
        let mut errors = Vec::new();
        for name in &names {
            match model.applications.get(name.as_str()) {
                Some(data) => drop(views.insert(name.clone(), details(model, &name.as_str().into(), data)?)),
                None => errors.push(format!("application {} not found", quote(name))),
            }
        }
        Ok((views, errors))
    })?;
    if !errors.is_empty() {
        return Err(CommandError::failed(errors.join("\n")));
    }
    // People get YAML here.
    context.show(&views, |_| crate::view::to_yaml(&views));
    Ok(())
}

fn details(
    model: &ModelData,
    name: &Name,
    data: &ApplicationData,
) -> Result<ApplicationDetailsView, CommandError> {
    let endpoints = model.state.applications.get(name).into_iter().flat_map(|known| known.endpoints.keys());
    let exposed = data.exposed.iter().flat_map(|exposure| &exposure.endpoints);
    Ok(ApplicationDetailsView {
        charm: data.charm.name.clone(),
        base: format!("{}@{}", data.charm.base.name, data.charm.base.channel),
        channel: data.charm.channel.clone().unwrap_or_default(),
        constraints: Constraints::parse(&[&data.constraints]).map_err(failed)?,
        principal: !data.metadata.as_ref().is_some_and(|metadata| metadata.subordinate),
        exposed: data.exposed.is_some(),
        exposed_endpoints: exposed
            .map(|(endpoint, (spaces, networks))| {
                let view = ExposedEndpointView {
                    expose_to_spaces: spaces.clone(),
                    expose_to_cidrs: networks.clone(),
                };
                (endpoint.clone(), view)
            })
            .collect(),
        remote: false,
        life: if data.is_dying { "dying" } else { "alive" }.to_owned(),
        endpoint_bindings: endpoints
            .filter(|endpoint| **endpoint != *super::relations::JUJU_INFO)
            .map(ToString::to_string)
            .chain([String::new()])
            .map(|endpoint| (endpoint, SPACE.to_owned()))
            .collect(),
    })
}

/// `constraints`
pub(super) fn constraints(context: &mut Context<'_>) -> CommandResult {
    let uuid = context.model()?;
    let name = context.word(0).to_owned();
    let constraints = context.look(&uuid, |model| {
        let application = super::units::application(model, &name)?;
        refuse_subordinate(model, &application)?;
        Constraints::parse(&[&model.applications[&application].constraints]).map_err(failed)
    })?;
    context.show(&constraints, |_| format!("{constraints}\n"));
    Ok(())
}

/// `set-constraints`
pub(super) fn set_constraints(context: &mut Context<'_>) -> CommandResult {
    let uuid = context.model()?;
    let name = context.word(0).to_owned();
    let constraints = Constraints::parse(&context.parsed.positionals[1..]).map_err(failed)?;
    context.change(&uuid, |model| {
        let application = super::units::application(model, &name)?;
        refuse_subordinate(model, &application)?;
        if let Some(data) = model.applications.get_mut(&application) {
            data.constraints = constraints.to_string();
        }
        Ok(())
    })
}

/// Subordinates are on machines of others.
fn refuse_subordinate(model: &ModelData, application: &Name) -> CommandResult {
    let metadata = model.applications.get(application).and_then(|data| data.metadata.as_ref());
    if metadata.is_some_and(|metadata| metadata.subordinate) {
        return Err(CommandError::failed("constraints do not apply to subordinate applications"));
    }
    Ok(())
}

/// `bind`
pub(super) fn bind(context: &mut Context<'_>) -> CommandResult {
    let uuid = context.model()?;
    let name = context.word(0).to_owned();
    let words = context.parsed.positionals[1..].to_vec();
    context.look(&uuid, |model| {
        let application = super::units::application(model, &name)?;
        if words.is_empty() {
            return Err(CommandError::failed("no bindings specified"));
        }
        let known = model.state.applications.get(&application);
        super::deploy::check_bindings(words.iter().map(String::as_str), |endpoint| {
            known.is_some_and(|known| known.endpoints.contains_key(&Name::from(endpoint)))
        })
    })
}

/// `show-machine`
pub(super) fn show_machine(context: &mut Context<'_>) -> CommandResult {
    let uuid = context.model()?;
    let times = context.times();
    let wanted = context.parsed.positionals.clone();
    let view = context.look(&uuid, |model| {
        let mut machines = super::status_view::status(model, &times).machines;
        machines.retain(|number, _| wanted.is_empty() || wanted.contains(number));
        Ok(MachineListView { model: model.name.clone(), machines })
    })?;
    context.show(&view, |is_coloured| write_machines(&view, is_coloured));
    Ok(())
}

/// Returns everybody who was ever given access to anything, and the one who has all of it.
fn everybody(context: &Context<'_>) -> Vec<UserView> {
    let exact = context.parsed.is_set("exact-time");
    let now = Timestamp::now();
    let made = fs_err::metadata(context.controller.folder().database()).and_then(|file| file.created());
    let made = made.ok().and_then(|time| Timestamp::try_from(time).ok()).unwrap_or(now);
    let time = |at: Timestamp| {
        if exact { at.strftime("%Y-%m-%d %H:%M:%S +0000 UTC").to_string() } else { ago(at, now) }
    };
    let mut all = vec![UserView {
        user_name: USER.to_owned(),
        display_name: USER.to_owned(),
        access: "superuser".to_owned(),
        date_created: time(made),
        last_connection: if exact { time(now) } else { "just now".to_owned() },
        disabled: false,
    }];
    let others = context.controller.look(|held| {
        let mut others: BTreeMap<String, Timestamp> = BTreeMap::new();
        for model in held.models() {
            let of_offers = model.offers.values().flat_map(|offer| offer.users.keys());
            for user in model.users.keys().chain(of_offers).filter(|user| *user != USER) {
                let since = others.entry(user.clone()).or_insert(model.since);
                *since = model.since.min(*since);
            }
        }
        others
    });
    all.extend(others.into_iter().map(|(user_name, since)| UserView {
        user_name,
        display_name: String::new(),
        access: "login".to_owned(),
        date_created: time(since),
        last_connection: "never connected".to_owned(),
        disabled: false,
    }));
    all
}

/// `users`
pub(super) fn users(context: &mut Context<'_>) -> CommandResult {
    let Some(name) = context.parsed.positionals.first().cloned() else {
        let all = everybody(context);
        let controller = super::models::controller_named(context)?.name;
        context.show(&all, |is_coloured| write_list(&all, controller, USER, is_coloured));
        return Ok(());
    };
    let users = context.controller.look(|held| {
        let model = context.find_model(held, &name)?;
        let users = model.users.iter().map(|(user, access)| {
            let is_own = user == USER;
            let view = ModelUserView {
                display_name: if is_own { USER.to_owned() } else { String::new() },
                access: access.clone(),
                last_connection: if is_own { "just now" } else { "never connected" }.to_owned(),
            };
            (user.clone(), view)
        });
        Ok::<_, CommandError>(users.collect::<BTreeMap<_, _>>())
    })?;
    context.show(&users, |is_coloured| write_model_users(&users, USER, is_coloured));
    Ok(())
}

/// `show-user`
pub(super) fn show_user(context: &mut Context<'_>) -> CommandResult {
    let name = context.parsed.positionals.first().map_or(USER, String::as_str).to_owned();
    let Some(user) = everybody(context).into_iter().find(|user| user.user_name == name) else {
        return Err(CommandError::failed(format!("user {} not found", quote(&name))));
    };
    // People get YAML here.
    context.show(&user, |_| crate::view::to_yaml(&user));
    Ok(())
}
