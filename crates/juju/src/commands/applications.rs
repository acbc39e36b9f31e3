//! Applications: `config`, `trust`, `expose`, `unexpose`, `remove-application`.

use std::collections::BTreeMap;
use std::net::IpAddr;

use charmproof_lifecycle::model::Target;
use charmproof_lifecycle::stimulus::Stimulus;
use charmproof_lifecycle::vocabulary::Name;
use serde_json::Value;

use super::confirm::{Answer, Plan, confirm};
use super::deploy::{read_value, typed_settings};
use super::units::NOT_ALIVE;
use super::{Context, SPACE, failed};
use crate::controller::data::{ApplicationData, Exposure, ModelData};
use crate::session::{CommandError, CommandResult};
use crate::values::go::quote;
use crate::view::config::{ApplicationConfigView, SettingView, write_value};

/// What Juju itself knows of an application, beside its charm.
const TRUST: &str = "trust";
const EXTERNAL_HOSTNAME: &str = "juju-external-hostname";
const APPLICATION_PATH: &str = "juju-application-path";

/// `config`
pub(super) fn config(context: &mut Context<'_>) -> CommandResult {
    let uuid = context.model()?;
    let name = context.word(0).to_owned();
    let resets: Vec<String> =
        context.parsed.texts("reset").iter().flat_map(|list| list.split(',')).map(str::to_owned).collect();
    let (mut sets, mut keys) = (BTreeMap::new(), Vec::new());
    for word in &context.parsed.positionals[1..] {
        match word.split_once('=') {
            Some((key, value)) => {
                drop(sets.insert(key.to_owned(), Value::String(read_value(context, value)?)));
            }
            None => keys.push(word.clone()),
        }
    }
    if let Some(file) = context.parsed.text("file").filter(|file| !file.is_empty()) {
        sets.extend(super::deploy::settings_in_file(context, file, &name)?);
    }
    if sets.is_empty() && resets.is_empty() {
        return show(context, &uuid, &name, keys.first().map(String::as_str));
    }
    if let Some(key) = sets.keys().find(|key| resets.contains(key)) {
        return Err(CommandError::failed(format!("cannot set and reset key \"{key}\" simultaneously")));
    }
    context.change(&uuid, |model| {
        let application = super::units::application(model, &name)?;
        let metadata = model.applications[&application].metadata.clone();
        let Some(metadata) = metadata else { return Err(CommandError::failed("the charm's files are gone")) };
        let trust = sets.remove(TRUST);
        sets.retain(|key, _| key != EXTERNAL_HOSTNAME && key != APPLICATION_PATH);
        let typed = typed_settings(&metadata, &sets).map_err(|error| {
            CommandError::failed(error.to_string().replace("parsing settings for application: ", ""))
        })?;
        for key in resets.iter().filter(|key| *key != TRUST) {
            if !metadata.config_options.iter().any(|option| option.name == *key) {
                return Err(CommandError::failed(format!("unknown option \"{key}\"")));
            }
        }
        let before =
            model.state.applications.get(&application).map(|known| (known.config.clone(), known.is_trusted));
        model.state.set_config(&application, &typed).map_err(failed)?;
        let names: Vec<&str> = resets.iter().map(String::as_str).filter(|key| *key != TRUST).collect();
        model.state.reset_config(&application, &names).map_err(failed)?;
        let trusts = trust.map(|trust| trust == Value::Bool(true) || trust.as_str() == Some("true"));
        let trusts = trusts.or_else(|| resets.iter().any(|key| key == TRUST).then_some(false));
        if let (Some(trusts), Some(known)) = (trusts, model.state.applications.get_mut(&application)) {
            known.is_trusted = trusts;
        }
        let after =
            model.state.applications.get(&application).map(|known| (known.config.clone(), known.is_trusted));
        if before != after {
            changed(model, &application);
        }
        Ok(())
    })
}

/// Units hear of what was changed.
pub(super) fn changed(model: &mut ModelData, application: &Name) {
    // An application without units has nobody to be told.
    let _ = model.poke(&Target::Application(application.clone()), &Stimulus::ConfigChanges);
}

fn show(context: &mut Context<'_>, uuid: &str, name: &str, key: Option<&str>) -> CommandResult {
    let view = context.look(uuid, |model| {
        let application = super::units::application(model, name)?;
        let data = &model.applications[&application];
        let known = &model.state.applications[&application];
        let descriptions: BTreeMap<&str, &str> = data
            .metadata
            .iter()
            .flat_map(|metadata| &metadata.config_options)
            .map(|option| (option.name.as_str(), option.description.as_deref().unwrap_or_default()))
            .collect();
        let settings = known.config.iter().map(|(key, option)| {
            let kind: &str = option.kind.into();
            let value =
                option.value.clone().filter(|_| option.value.is_some()).or_else(|| option.default.clone());
            let source = match (&option.value, &option.default) {
                (Some(value), Some(default)) if value == default => "default",
                (Some(_), _) => "user",
                (None, Some(_)) => "default",
                (None, None) => "unset",
            };
            let setting = SettingView {
                default: option.default.clone(),
                description: descriptions.get(key.as_str()).copied().unwrap_or_default().to_owned(),
                source: source.to_owned(),
                kind: kind.to_owned(),
                value,
            };
            (key.clone(), setting)
        });
        let trust = SettingView {
            default: Some(Value::Bool(false)),
            description: "Does this application have access to trusted credentials".to_owned(),
            source: if known.is_trusted { "user" } else { "default" }.to_owned(),
            kind: "bool".to_owned(),
            value: Some(Value::Bool(known.is_trusted)),
        };
        let mut application_config = BTreeMap::from([(TRUST.to_owned(), trust)]);
        if model.is_kubernetes() {
            let path = SettingView {
                default: Some("/".into()),
                description: "the relative http path used to access an application".to_owned(),
                source: "default".to_owned(),
                kind: "string".to_owned(),
                value: Some("/".into()),
            };
            application_config.insert(APPLICATION_PATH.to_owned(), path);
            let hostname = SettingView {
                default: None,
                description: "the external hostname of an exposed application".to_owned(),
                source: "unset".to_owned(),
                kind: "string".to_owned(),
                value: None,
            };
            application_config.insert(EXTERNAL_HOSTNAME.to_owned(), hostname);
        }
        Ok(ApplicationConfigView {
            application: name.to_owned(),
            application_config,
            charm: data.charm.name.clone(),
            settings: settings.collect(),
        })
    })?;
    match key {
        Some(key) => {
            let setting = view.settings.get(key).or_else(|| view.application_config.get(key));
            let Some(setting) = setting else {
                return Err(CommandError::failed(format!(
                    "key \"{key}\" not found in \"{name}\" application config or charm settings."
                )));
            };
            context.session.print(&write_value(setting));
        }
        // People get YAML here.
        None => context.show(&view, |_| crate::view::to_yaml(&view)),
    }
    Ok(())
}

/// `trust`
pub(super) fn trust(context: &mut Context<'_>) -> CommandResult {
    let uuid = context.model()?;
    let name = context.word(0).to_owned();
    let removes = context.parsed.is_set("remove");
    let scope = context.parsed.text("scope").unwrap_or_default().to_owned();
    let is_kubernetes = context.look(&uuid, |model| Ok(model.is_kubernetes()))?;
    if is_kubernetes && !removes && scope != "cluster" {
        return Err(CommandError::failed(format!(
            "'juju trust' currently grants full access to the cluster itself.\nSet the scope to 'cluster' using '--scope=cluster' to confirm this.\n\nTo trust \"{name}\": juju trust {name} --scope=cluster"
        )));
    }
    if !is_kubernetes && scope == "cluster" {
        return Err(CommandError::failed("the --scope argument is only used for k8s models"));
    }
    set_trust(context, &uuid, &name, !removes)
}

/// Trusts an application, or does so no longer.
pub(super) fn set_trust(context: &Context<'_>, uuid: &str, name: &str, trusts: bool) -> CommandResult {
    context.change(uuid, |model| {
        let application = super::units::application(model, name)?;
        let known = model.state.applications.get_mut(&application);
        let is_news = known.is_some_and(|known| std::mem::replace(&mut known.is_trusted, trusts) != trusts);
        if is_news {
            changed(model, &application);
        }
        Ok(())
    })
}

/// Sees that an application is not on its way out (state/application.go, `setExposed`).
fn sees_it_can_be_exposed(data: &ApplicationData, name: &str, is_to_be: bool) -> CommandResult {
    if data.is_dying {
        return Err(CommandError::failed(format!(
            "cannot set exposed flag for application \"{name}\" to {is_to_be}: {NOT_ALIVE}"
        )));
    }
    Ok(())
}

/// `expose`
pub(super) fn expose(context: &mut Context<'_>) -> CommandResult {
    let uuid = context.model()?;
    let name = context.word(0).to_owned();
    let list =
        |flag: &str| -> Vec<String> { context.parsed.list(flag).into_iter().map(str::to_owned).collect() };
    let (endpoints, spaces, networks) = (list("endpoints"), list("to-spaces"), list("to-cidrs"));
    if let Some(space) = spaces.iter().find(|space| *space != SPACE) {
        return Err(CommandError::failed(format!("space {} not found", quote(space))));
    }
    if let Some(wrong) = networks.iter().find(|network| !is_network(network)) {
        return Err(CommandError::failed(format!(
            "unable to parse {} as a CIDR: invalid CIDR address: {wrong}",
            quote(wrong)
        )));
    }
    context.change(&uuid, |model| {
        let application = super::units::application(model, &name)?;
        let known = model.state.applications.get(&application);
        let is_known = |name: &str| known.is_some_and(|known| known.endpoints.contains_key(name));
        if let Some(unknown) = endpoints.iter().find(|endpoint| !endpoint.is_empty() && !is_known(endpoint)) {
            return Err(CommandError::failed(format!("endpoint {} not found", quote(unknown))));
        }
        let Some(data) = model.applications.get_mut(&application) else { return Ok(()) };
        sees_it_can_be_exposed(data, &name, true)?;
        let exposure = data.exposed.get_or_insert_with(Exposure::default);
        let endpoints = if endpoints.is_empty() { vec![String::new()] } else { endpoints };
        for endpoint in endpoints {
            let networks = if networks.is_empty() && spaces.is_empty() {
                vec!["0.0.0.0/0".to_owned(), "::/0".to_owned()]
            } else {
                networks.clone()
            };
            exposure.endpoints.insert(endpoint, (spaces.clone(), networks));
        }
        Ok(())
    })
}

/// Whether a text is a network: an address, and how many bits of it are the network's.
fn is_network(text: &str) -> bool {
    let Some((address, bits)) = text.split_once('/') else { return false };
    let bits_max = match address.parse() {
        Ok(IpAddr::V4(_)) => 32,
        Ok(IpAddr::V6(_)) => 128,
        Err(_) => return false,
    };
    bits.parse::<u8>().is_ok_and(|bits| bits <= bits_max)
}

/// `unexpose`
pub(super) fn unexpose(context: &mut Context<'_>) -> CommandResult {
    let uuid = context.model()?;
    let name = context.word(0).to_owned();
    let endpoints: Vec<String> = context.parsed.list("endpoints").into_iter().map(str::to_owned).collect();
    context.change(&uuid, |model| {
        let application = super::units::application(model, &name)?;
        let Some(data) = model.applications.get_mut(&application) else { return Ok(()) };
        sees_it_can_be_exposed(data, &name, false)?;
        if endpoints.is_empty() {
            data.exposed = None;
        } else if let Some(exposure) = &mut data.exposed {
            exposure.endpoints.retain(|endpoint, _| !endpoints.contains(endpoint));
            if exposure.endpoints.is_empty() {
                data.exposed = None;
            }
        }
        Ok(())
    })
}

/// `remove-application`
pub(super) fn remove(context: &mut Context<'_>) -> CommandResult {
    let uuid = context.model()?;
    let is_forced = context.parsed.is_set("force");
    let destroys = context.parsed.is_set("destroy-storage");
    let names = context.parsed.positionals.clone();
    let plan = |model: &ModelData, name: &str| {
        let application = super::units::application(model, name)?;
        if let Some(error) = super::offers::in_use(model, &application).filter(|_| !is_forced) {
            return Err(error);
        }
        let units: Vec<Name> = model.state.units_of(&application).map(|unit| unit.name.clone()).collect();
        let mut text = format!("will remove application {name}\n");
        for unit in &units {
            text += &format!("- will remove unit {unit}\n");
        }
        text += &super::units::fate_of_storage(model, &units, destroys);
        Ok((application, units, text))
    };
    let plans: Vec<Plan> = context.look(&uuid, |model| {
        let texts = |name: &String| (name.clone(), plan(model, name).map(|(_, _, text)| text));
        Ok(names.iter().map(texts).collect())
    })?;
    let answer = confirm(context, &uuid, "application ", &plans, None)?;
    if answer == Answer::Stop {
        return Ok(());
    }
    let mut has_failed = false;
    for name in names {
        let removed = context.change(&uuid, |model| {
            let (application, units, text) = plan(model, &name)?;
            for unit in &units {
                super::units::note_storage(model, unit, destroys);
            }
            model.remove_application(&application, is_forced).map_err(failed)?;
            super::subordinates::displace(model);
            Ok(text)
        });
        match removed {
            Ok(text) if answer == Answer::Go => context.session.print(&text),
            Ok(_) => {}
            Err(error) => {
                context.session.say(&format!("ERROR removing application {name} failed: {error}"));
                has_failed = true;
            }
        }
    }
    if has_failed { Err(CommandError::Silent(1)) } else { Ok(()) }
}
