//! Offers of applications, and what is consumed of them: `offer`, `offers`, `find-offers`,
//! `show-offer`, `remove-offer`, `consume`, `remove-saas`, `suspend-relation`, `resume-relation`.
//!
//! What units see of each other's models is in `cross_model`.

use std::collections::BTreeMap;

use charmproof_agent::state::{RelationEnd, RelationEnds};
use charmproof_lifecycle::model::Target;
use charmproof_lifecycle::stimulus::Stimulus;
use charmproof_lifecycle::vocabulary::Name;
use charmproof_lifecycle::world::Role;
use jiff::Timestamp;

use super::relations::JUJU_INFO;
use super::{Context, failed};
use crate::controller::data::{ModelData, OfferData, RemoteApplicationData, USER};
use crate::names::{OfferUrl, is_application};
use crate::session::{CommandError, CommandResult};
use crate::values::go::quote;
use crate::view::offer::{
    FoundOfferView, OfferConnectionStatusView, OfferConnectionView, OfferListItemView, OfferUserView,
    offered, write_found, write_list, write_offers, write_summary,
};
use crate::view::status::RemoteEndpointView;
use crate::view::time::ago;

/// Everybody who may be known to somebody; they may read every offer.
const EVERYONE: &str = "everyone@external";

/// `offer`
pub(super) fn offer(context: &mut Context<'_>) -> CommandResult {
    let wanted = Wanted::parse(context.word(0))?;
    let name = context.parsed.positionals.get(1).cloned().unwrap_or_else(|| wanted.application.clone());
    let uuid = match &wanted.model {
        Some(model) => {
            let model = with_controller(context, model);
            context
                .controller
                .look(|held| context.find_model(held, &model).map(|model| model.uuid.clone()))?
        }
        None => current_model(context)?,
    };
    let url = context.change(&uuid, |model| {
        make(model, &wanted.application, &wanted.endpoints, &name)?;
        Ok(format!("{USER}/{}.{name}", model.name))
    })?;
    context.say(offered(&wanted.application, &wanted.endpoints, &url).trim_end());
    Ok(())
}

/// What `juju offer` is to offer.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Wanted {
    model: Option<String>,
    application: String,
    endpoints: Vec<String>,
}

impl Wanted {
    /// Reads `[model.]application:endpoint[,…]`.
    fn parse(text: &str) -> Result<Self, CommandError> {
        let text = text.strip_prefix('/').unwrap_or(text);
        let (model, rest) = match text.split_once('.') {
            Some((model, rest)) => (Some(model).filter(|model| !model.is_empty()), rest),
            None => (None, text),
        };
        let Some((application, endpoints)) = rest.split_once(':') else {
            return Err(CommandError::failed(
                "endpoints must conform to format \"<application-name>:<endpoint-name>[,...]\" ",
            ));
        };
        if !is_application(application) {
            return Err(CommandError::failed(format!("application name {} not valid", quote(application))));
        }
        if endpoints.is_empty() {
            return Err(CommandError::failed(format!("specify endpoints for {application}\" ")));
        }
        Ok(Self {
            model: model.map(str::to_owned),
            application: application.to_owned(),
            endpoints: endpoints.split(',').map(str::to_owned).collect(),
        })
    }
}

/// Puts the controller of `--controller` before a model that names none.
fn with_controller(context: &Context<'_>, model: &str) -> String {
    match context.parsed.controller() {
        Some(controller) if !model.contains(':') => format!("{controller}:{model}"),
        Some(_) | None => model.to_owned(),
    }
}

/// Returns the model that is the current one of the controller that the command is about.
fn current_model(context: &Context<'_>) -> Result<String, CommandError> {
    let Some(controller) = context.parsed.controller() else { return context.model() };
    context.controller.look(|held| {
        let current = held.client.models.get(controller).and_then(|name| held.named(controller, name));
        current.map(|model| model.uuid.clone()).ok_or_else(|| {
            CommandError::failed("no current model, use juju switch to select a model on which to operate")
        })
    })
}

/// Offers endpoints of an application under a name, or changes what is offered there.
pub(crate) fn make(
    model: &mut ModelData,
    application: &str,
    endpoints: &[String],
    name: &str,
) -> CommandResult {
    if !model.applications.contains_key(application) {
        return Err(CommandError::failed(format!(
            "getting offered application {application}: application \"{application}\" not found"
        )));
    }
    let is_there = model.offers.contains_key(name);
    let what = if is_there { "update" } else { "add" };
    let refuse =
        |why: String| CommandError::failed(format!("cannot {what} application offer {}: {why}", quote(name)));
    if !is_application(name) {
        return Err(refuse(format!("offer name {} not valid", quote(name))));
    }
    for endpoint in endpoints {
        let Some(declared) = declared(model, application, endpoint) else {
            return Err(refuse(format!("application \"{application}\" has no \"{endpoint}\" relation")));
        };
        if declared.is_container_scoped {
            return Err(refuse(
                "can only offer endpoints with global scope, provided scope \"container\"".to_owned(),
            ));
        }
    }
    let in_use: Vec<String> = model
        .connections_of(name)
        .filter_map(|id| {
            let (near, _) =
                model.state.relations.get(&id).and_then(|relation| sides(model, &relation.ends))?;
            Some(near.endpoint.to_string())
        })
        .filter(|endpoint| !endpoints.contains(endpoint))
        .collect();
    if let Some(endpoint) = in_use.first() {
        return Err(refuse(format!(
            "updating offer {application}: {} would remove endpoint {} which has active consumers",
            endpoints.join(", "),
            quote(endpoint)
        )));
    }
    let endpoints = endpoints.iter().map(|endpoint| (endpoint.clone(), endpoint.clone())).collect();
    let users = model.offers.get(name).map(|offer| offer.users.clone());
    let offer = OfferData {
        application: application.into(),
        endpoints,
        users: users.unwrap_or_else(|| BTreeMap::from([(EVERYONE.to_owned(), "read".to_owned())])),
        since: Timestamp::now(),
    };
    model.offers.insert(name.to_owned(), offer);
    Ok(())
}

/// What of an endpoint decides who fits.
struct Declared {
    interface: String,
    provides: bool,
    is_container_scoped: bool,
}

/// Returns an endpoint of an application that others can be related to.
fn declared(model: &ModelData, application: &str, endpoint: &str) -> Option<Declared> {
    if endpoint == JUJU_INFO {
        let interface = JUJU_INFO.to_owned();
        return Some(Declared { interface, provides: true, is_container_scoped: false });
    }
    let (_, charm) = model.lifecycle.applications().find(|(name, _)| *name == application)?;
    let found = charm.endpoint(endpoint).filter(|endpoint| endpoint.role != Role::Peer)?;
    Some(Declared {
        interface: found.interface.to_string(),
        provides: found.role == Role::Provides,
        is_container_scoped: found.is_container_scoped,
    })
}

/// Returns the ends of a relation to another model that consumes: our own, and that of the other.
fn sides<'a>(model: &ModelData, ends: &'a RelationEnds) -> Option<(&'a RelationEnd, &'a RelationEnd)> {
    match ends {
        RelationEnds::Between(a, b) if model.is_consumer(&b.application) => Some((a, b)),
        RelationEnds::Between(a, b) if model.is_consumer(&a.application) => Some((b, a)),
        RelationEnds::Between(..) | RelationEnds::Peer(_) => None,
    }
}

/// Returns the endpoints of an offer as they are shown.
pub(super) fn endpoints(model: &ModelData, offer: &OfferData) -> BTreeMap<String, RemoteEndpointView> {
    let shown = offer.endpoints.iter().filter_map(|(name, endpoint)| {
        let declared = declared(model, &offer.application, endpoint)?;
        let role = if declared.provides { "provider" } else { "requirer" };
        Some((name.clone(), RemoteEndpointView { interface: declared.interface, role: role.to_owned() }))
    });
    shown.collect()
}

/// Says that an application may not go, because other models use what it offers.
pub(super) fn in_use(model: &ModelData, application: &Name) -> Option<CommandError> {
    let offers: Vec<&String> = model
        .offers
        .iter()
        .filter(|(_, offer)| offer.application == *application)
        .map(|(name, _)| name)
        .collect();
    if offers.iter().all(|name| model.connections_of(name).next().is_none()) {
        return None;
    }
    let plural = if offers.len() == 1 { "" } else { "s" };
    Some(CommandError::failed(format!("application is used by {} offer{plural}", offers.len())))
}

fn users(offer: &OfferData) -> BTreeMap<String, OfferUserView> {
    let owner = OfferUserView { display_name: USER.to_owned(), access: "admin".to_owned() };
    let others = offer.users.iter().map(|(name, access)| {
        (name.clone(), OfferUserView { display_name: String::new(), access: access.clone() })
    });
    others.chain([(USER.to_owned(), owner)]).collect()
}

/// `offers`
pub(super) fn list(context: &mut Context<'_>) -> CommandResult {
    let uuid = context.model()?;
    let text = |name: &str| context.parsed.text(name).map(str::to_owned).unwrap_or_default();
    let named = context.parsed.positionals.first().cloned();
    let (application, interface) = (text("application"), text("interface"));
    let (consumer, connected) = (text("allowed-consumer"), text("connected-user"));
    let only_active = context.parsed.is_set("active-only");
    let views = context.look(&uuid, |model| {
        let mut views = BTreeMap::new();
        for (name, offer) in &model.offers {
            let view = item(model, name, offer);
            let may_consume = |user: &String| {
                view.users.get(user).is_some_and(|user| matches!(user.access.as_str(), "consume" | "admin"))
            };
            let is_wanted = named.as_ref().is_none_or(|named| named == name)
                && (application.is_empty() || view.application == application)
                && (interface.is_empty() || speaks(&view.endpoints, &interface))
                && (consumer.is_empty() || may_consume(&consumer))
                && (connected.is_empty() || view.connections.iter().any(|other| other.username == connected))
                && (!only_active || !view.connections.is_empty());
            if is_wanted {
                views.insert(name.clone(), view);
            }
        }
        Ok(views)
    })?;
    if context.parsed.format() == Some("summary") {
        context.session.print(&write_summary(&views));
    } else {
        context.show(&views, |is_coloured| write_list(&views, is_coloured));
    }
    Ok(())
}

fn speaks(endpoints: &BTreeMap<String, RemoteEndpointView>, interface: &str) -> bool {
    endpoints.values().any(|endpoint| endpoint.interface == interface)
}

fn item(model: &ModelData, name: &str, offer: &OfferData) -> OfferListItemView {
    let now = Timestamp::now();
    let charm = model.applications.get(&offer.application);
    let connections = model.connections_of(name).filter_map(|id| {
        let relation = model.state.relations.get(&id)?;
        let (near, far) = sides(model, &relation.ends)?;
        let remote = model.remotes.get(&far.application)?;
        let current = if relation.is_suspended { "suspended" } else { "joined" };
        let units = relation.unit_data.iter().filter(|(unit, _)| {
            charmproof_agent::state::application_of(unit) == far.application.as_str()
                && relation.in_scope.contains(*unit)
        });
        Some(OfferConnectionView {
            source_model_uuid: remote.model_uuid.clone(),
            username: USER.to_owned(),
            relation_id: u64::from(id),
            endpoint: near.endpoint.to_string(),
            status: OfferConnectionStatusView {
                current: current.to_owned(),
                message: model.suspensions.get(&id).cloned().unwrap_or_default(),
                since: ago(remote.since, now),
            },
            ingress_subnets: units.filter_map(|(_, data)| data.get("egress-subnets").cloned()).collect(),
        })
    });
    OfferListItemView {
        application: offer.application.to_string(),
        store: model.controller.clone(),
        charm: charm
            .map(|data| super::status_view::full_charm_url(data, data.charm.revision))
            .unwrap_or_default(),
        offer_url: format!("{USER}/{}.{name}", model.name),
        endpoints: endpoints(model, offer),
        connections: connections.collect(),
        users: users(offer),
    }
}

fn found(model: &ModelData, offer: &OfferData, is_described: bool) -> FoundOfferView {
    let charm = model.applications.get(&offer.application).and_then(|data| data.metadata.as_ref());
    let description = charm.filter(|_| is_described).and_then(|charm| charm.description.clone());
    FoundOfferView {
        description: description.unwrap_or_default(),
        access: "admin".to_owned(),
        endpoints: endpoints(model, offer),
        users: users(offer),
    }
}

/// `find-offers`
pub(super) fn find(context: &mut Context<'_>) -> CommandResult {
    let url = context.parsed.text("url").map(str::to_owned).filter(|url| !url.is_empty());
    let url = url.or_else(|| context.parsed.positionals.first().cloned());
    let part = url.as_deref().map(OfferUrl::parse_partial).transpose().map_err(failed)?;
    let interface = context.parsed.text("interface").map(str::to_owned).unwrap_or_default();
    let named = part.as_ref().map(|part| part.offer.clone()).filter(|offer| !offer.is_empty());
    let named = named.or_else(|| context.parsed.text("offer").map(str::to_owned)).unwrap_or_default();
    let views = context.controller.look(|held| {
        let said = context.parsed.controller().map(str::to_owned);
        let said = part.as_ref().and_then(|part| part.controller.clone()).or(said);
        let controller = said.map_or_else(|| context.current_controller(held), Ok)?;
        let in_model = part.as_ref().map(|part| part.model.as_str()).filter(|model| !model.is_empty());
        if let Some(name) = in_model
            && held.named(&controller, name).is_none()
        {
            return Err(CommandError::failed(format!(
                "model {} not found",
                quote(&format!("{USER}/{name}"))
            )));
        }
        let mut views = BTreeMap::new();
        let models = held
            .models()
            .filter(|model| model.controller == controller && in_model.is_none_or(|name| name == model.name));
        for model in models {
            for (name, offer) in &model.offers {
                let view = found(model, offer, false);
                let fits =
                    name.contains(&named) && (interface.is_empty() || speaks(&view.endpoints, &interface));
                if fits {
                    views.insert(format!("{}:{USER}/{}.{name}", model.controller, model.name), view);
                }
            }
        }
        Ok(views)
    })?;
    if views.is_empty() {
        return Err(CommandError::failed("no matching application offers found"));
    }
    context.show(&views, |_| write_found(&views));
    Ok(())
}

/// `show-offer`
pub(super) fn show(context: &mut Context<'_>) -> CommandResult {
    let word = context.word(0).to_owned();
    let url = url_here(context, &word)?;
    let views = context.controller.look(|held| {
        let (uuid, name) = place(context, held, &url)?;
        let model = held.model(&uuid).ok_or_else(|| not_found(&url))?;
        let offer = model.offers.get(&name).ok_or_else(|| not_found(&url))?;
        let shown = format!("{}:{USER}/{}.{name}", model.controller, model.name);
        Ok::<_, CommandError>(BTreeMap::from([(shown, found(model, offer, true))]))
    })?;
    context.show(&views, |_| write_offers(&views));
    Ok(())
}

/// Reads the URL of an offer, which may be the name of one of the current model.
fn url_here(context: &Context<'_>, word: &str) -> Result<OfferUrl, CommandError> {
    if let Ok(url) = OfferUrl::parse(word) {
        return Ok(url);
    }
    let uuid = current_model(context)?;
    let (controller, model) =
        context.look(&uuid, |model| Ok((model.controller.clone(), model.name.clone())))?;
    OfferUrl::parse(&format!("{controller}:{USER}/{model}.{word}")).map_err(failed)
}

fn not_found(url: &OfferUrl) -> CommandError {
    CommandError::failed(format!("application offer {} not found", quote(&url.as_local().to_string())))
}

/// Returns the model of an offer that is there, and its name.
fn place(
    context: &Context<'_>,
    held: &crate::controller::Held,
    url: &OfferUrl,
) -> Result<(String, String), CommandError> {
    let user = url.user.as_deref().unwrap_or(USER);
    let name = match &url.controller {
        Some(controller) => format!("{controller}:{user}/{}", url.model),
        None => with_controller(context, &format!("{user}/{}", url.model)),
    };
    let model = context.find_model(held, &name).map_err(|error| match &url.controller {
        Some(controller) if !super::CONTROLLERS.iter().any(|known| known.name == controller) => error,
        Some(_) | None => {
            CommandError::failed(format!("model {} not found", quote(&format!("{user}/{}", url.model))))
        }
    })?;
    if !model.offers.contains_key(&url.offer) {
        return Err(not_found(url));
    }
    Ok((model.uuid.clone(), url.offer.clone()))
}

/// Returns the model that an offer is in.
pub(super) fn model_of(context: &Context<'_>, url: &OfferUrl) -> Result<String, CommandError> {
    context.controller.look(|held| place(context, held, url).map(|(uuid, _)| uuid))
}

/// `remove-offer`
pub(super) fn remove(context: &mut Context<'_>) -> CommandResult {
    let is_forced = context.parsed.is_set("force");
    let words = context.parsed.positionals.clone();
    let urls: Vec<OfferUrl> =
        words.iter().map(|word| url_here(context, word)).collect::<Result<_, CommandError>>()?;
    let with_endpoints: Vec<String> =
        urls.iter().filter(|url| url.endpoint.is_some()).map(|url| format!(" -{url}")).collect();
    if !with_endpoints.is_empty() {
        return Err(CommandError::failed(format!(
            "These offers contain endpoints. Only specify the offer name itself.\n{}",
            with_endpoints.join("\n")
        )));
    }
    if is_forced && !context.parsed.is_set("yes") {
        let shown: Vec<String> = urls.iter().map(ToString::to_string).collect();
        let question = format!(
            "WARNING! This command will remove offers: {}\nThis includes all relations to those offers.\n\nContinue [y/N]? ",
            shown.join(", ")
        );
        if !super::confirm::is_yes(context, &question) {
            return Err(CommandError::failed("offer removal: aborted"));
        }
    }
    let mut errors = Vec::new();
    for url in &urls {
        let place = context.controller.look(|held| place(context, held, url));
        let removed = match place {
            Ok((uuid, name)) => context.change(&uuid, |model| withdraw(model, &name, is_forced)),
            // One that is gone already has nothing to be removed.
            Err(error) if error == not_found(url) => Ok(()),
            Err(error) => Err(error),
        };
        errors.extend(removed.err().map(|error| error.to_string()));
    }
    if errors.is_empty() { Ok(()) } else { Err(CommandError::failed(errors.join("\n"))) }
}

/// Takes an offer back, with its relations if it is forced.
pub(crate) fn withdraw(model: &mut ModelData, name: &str, is_forced: bool) -> CommandResult {
    let relations: Vec<u32> = model.connections_of(name).collect();
    if !relations.is_empty() && !is_forced {
        let plural = if relations.len() == 1 { "" } else { "s" };
        return Err(CommandError::failed(format!(
            "cannot delete application offer {}: offer has {} relation{plural}",
            quote(name),
            relations.len()
        )));
    }
    model.offers.remove(name);
    for id in relations {
        model.remove_relation(id).map_err(failed)?;
    }
    Ok(())
}

/// `consume`
pub(super) fn consume(context: &mut Context<'_>) -> CommandResult {
    let uuid = context.model()?;
    let word = context.word(0).to_owned();
    let alias = context.parsed.positionals.get(1).cloned();
    let mut url = OfferUrl::parse(&word).map_err(failed)?;
    if url.endpoint.is_some() {
        return Err(CommandError::failed(format!("saas offer {} shouldn't include endpoint", quote(&word))));
    }
    let shown = if url.user.is_none() {
        url.user = Some(USER.to_owned());
        url.as_local().to_string()
    } else {
        word
    };
    let alias = take(context, &uuid, &url, alias.as_deref())?;
    context.say(&format!("Added {shown} as {alias}"));
    Ok(())
}

/// Makes an offer an application of a model, under the name given or its own. To do so again changes
/// nothing.
pub(crate) fn take(
    context: &Context<'_>,
    uuid: &str,
    url: &OfferUrl,
    alias: Option<&str>,
) -> Result<Name, CommandError> {
    let alias = Name::new(alias.unwrap_or(&url.offer));
    let remote = context.controller.look(|held| {
        let (place, name) = place(context, held, url)?;
        held.model(&place).and_then(|model| seen(model, &name)).ok_or_else(|| not_found(url))
    })?;
    context.change(uuid, |model| {
        add(model, &alias, remote)
            .map_err(|error| CommandError::failed(format!("could not consume {}: {error}", url.as_local())))
    })?;
    Ok(alias)
}

/// Returns an offer as a model that consumes it sees it.
pub(crate) fn seen(model: &ModelData, name: &str) -> Option<RemoteApplicationData> {
    let offer = model.offers.get(name)?;
    let status = super::shown_application_status(model, &offer.application);
    let offered = offer.endpoints.iter().filter_map(|(shown, endpoint)| {
        let declared = declared(model, &offer.application, endpoint)?;
        Some((shown.clone(), (declared.interface, declared.provides)))
    });
    Some(RemoteApplicationData {
        url: Some(format!("{}:{USER}/{}.{name}", model.controller, model.name)),
        offer: name.to_owned(),
        model_uuid: model.uuid.clone(),
        application: offer.application.clone(),
        endpoints: offered.collect(),
        connections: BTreeMap::new(),
        status: Some((status.kind.name().to_owned(), status.message)),
        is_withdrawn: false,
        is_dying: false,
        since: status.since,
    })
}

/// Adds an application of another model, or takes the one that is there if it is the same.
pub(crate) fn add(model: &mut ModelData, alias: &Name, remote: RemoteApplicationData) -> CommandResult {
    if remote.model_uuid == model.uuid {
        return Err(CommandError::failed(
            "the offer is in the same model: integrate its application by its own name",
        ));
    }
    if model.applications.contains_key(alias) {
        return Err(CommandError::failed(format!(
            "cannot add saas application {}: local application with same name already exists",
            quote(alias)
        )));
    }
    if let Some(known) = model.remotes.get_mut(alias) {
        if known.model_uuid != remote.model_uuid {
            return Err(CommandError::failed(format!(
                "saas application called {} from a different model already exists",
                quote(alias)
            )));
        }
        if known.is_dying {
            return Err(CommandError::failed(format!(
                "saas application called {} exists but is terminating",
                quote(alias)
            )));
        }
        if !known.is_withdrawn {
            let other = remote.endpoints.iter().find(|(endpoint, details)| {
                known.endpoints.get(*endpoint).is_some_and(|known| known != *details)
            });
            if let Some((endpoint, _)) = other {
                return Err(CommandError::failed(format!("conflicting endpoint {endpoint}")));
            }
            known.endpoints.extend(remote.endpoints);
            return Ok(());
        }
    }
    model.remotes.insert(alias.clone(), remote);
    Ok(())
}

/// Consumes what words of `integrate` name in other models, and returns the words as they are here.
pub(super) fn consume_words(
    context: &Context<'_>,
    uuid: &str,
    words: [String; 2],
) -> Result<[String; 2], CommandError> {
    let urls = words.clone().map(|word| OfferUrl::parse(&word).ok());
    if urls.iter().all(Option::is_some) {
        return Err(CommandError::failed("providing more than one remote endpoints not supported"));
    }
    let mut known = Vec::new();
    for (word, url) in words.into_iter().zip(urls) {
        let Some(url) = url else {
            known.push(word);
            continue;
        };
        let own = context.controller.look(|held| {
            let (model, name) = place(context, held, &OfferUrl { endpoint: None, ..url.clone() })?;
            let offer = held.model(&model).and_then(|model| model.offers.get(&name));
            Ok::<_, CommandError>(offer.filter(|_| model == uuid).map(|offer| offer.application.clone()))
        })?;
        let application = match own {
            Some(application) => application,
            None => take(context, uuid, &url, None)?,
        };
        known.push(match &url.endpoint {
            Some(endpoint) => format!("{application}:{endpoint}"),
            None => application.to_string(),
        });
    }
    let [one, other] = <[String; 2]>::try_from(known).map_err(|_| failed("two words are integrated"))?;
    for word in [&one, &other] {
        let name = word.split(':').next().unwrap_or_default();
        let is_gone = context
            .look(uuid, |model| Ok(model.remotes.get(name).is_some_and(|remote| remote.is_withdrawn)))?;
        if is_gone {
            return Err(CommandError::failed(format!(
                "Offer {} has been removed from the remote model.\nTo integrate with a new offer with the same name, first run\n'juju remove-saas {name}' to remove the SAAS record from this model.",
                quote(name)
            )));
        }
    }
    Ok([one, other])
}

/// `remove-saas`
pub(super) fn remove_saas(context: &mut Context<'_>) -> CommandResult {
    if context.parsed.is_set("no-wait") && !context.parsed.is_set("force") {
        return Err(CommandError::failed("--no-wait requires --force"));
    }
    let uuid = context.model()?;
    let mut has_failed = false;
    for name in context.parsed.positionals.clone() {
        let removed = context.change(&uuid, |model| forget_saas(model, &name));
        if let Err(error) = removed {
            context.say(&format!("removing SAAS application {name} failed: {error}"));
            has_failed = true;
        }
    }
    if has_failed { Err(CommandError::Silent(1)) } else { Ok(()) }
}

/// Removes what was consumed, as soon as its relations are gone.
pub(crate) fn forget_saas(model: &mut ModelData, name: &str) -> CommandResult {
    let remote = model.remotes.get_mut(name).filter(|remote| remote.url.is_some());
    let remote =
        remote.ok_or_else(|| CommandError::failed(format!("saas application {} not found", quote(name))))?;
    remote.is_dying = true;
    let relations = model.state.relations.values();
    let own: Vec<u32> = relations
        .filter(|relation| relation.end_of(name).is_some() && !relation.is_dying)
        .map(|relation| relation.id)
        .collect();
    for id in own {
        model.remove_relation(id).map_err(failed)?;
    }
    Ok(())
}

/// `suspend-relation` and `resume-relation`
pub(super) fn suspend(context: &mut Context<'_>, is_suspended: bool) -> CommandResult {
    let uuid = context.model()?;
    let message = if is_suspended { context.parsed.text("message").unwrap_or_default() } else { "" };
    let message = message.to_owned();
    let mut errors = Vec::new();
    for word in context.parsed.positionals.clone() {
        let id: u32 = word.trim().parse().map_err(failed)?;
        let done = context.change(&uuid, |model| set_suspended(model, id, is_suspended, &message));
        errors.extend(done.err().map(|error| error.to_string()));
    }
    if errors.is_empty() { Ok(()) } else { Err(CommandError::failed(errors.join("\n"))) }
}

/// Suspends a relation to an offer, or lets it go on.
pub(crate) fn set_suspended(
    model: &mut ModelData,
    id: u32,
    is_suspended: bool,
    message: &str,
) -> CommandResult {
    let Some(relation) = model.state.relations.get(&id) else {
        return Err(CommandError::failed(format!("relation {id} not found")));
    };
    if relation.is_suspended == is_suspended {
        return Ok(());
    }
    let Some((near, _)) = sides(model, &relation.ends) else {
        let key = match &relation.ends {
            RelationEnds::Peer(end) => format!("{}:{}", end.application, end.endpoint),
            RelationEnds::Between(a, b) => super::relations::key_of(model, a, b),
        };
        return Err(CommandError::failed(format!(
            "cannot set suspend status for {} which is not associated with an offer",
            quote(&key)
        )));
    };
    let target = Target::Application(near.application.clone());
    let stimulus = if is_suspended {
        Stimulus::SuspendRelation { relation: id }
    } else {
        Stimulus::ResumeRelation { relation: id }
    };
    model.poke(&target, &stimulus).map_err(failed)?;
    if message.is_empty() {
        model.suspensions.remove(&id);
    } else {
        model.suspensions.insert(id, message.to_owned());
    }
    Ok(())
}

#[cfg(test)]
pub(super) mod tests;
