//! What each command of `juju` does: one file for what belongs together.
//!
//! A command reads its words, changes or looks at the controller, and prints. The words of its
//! errors are those that tools and people look for.

mod access;
mod applications;
mod bundles;
mod clouds;
mod confirm;
mod deploy;
mod details;
mod export;
mod history;
mod logs;
mod machines;
mod models;
pub(crate) mod offers;
mod operations;
mod refresh;
mod regions;
mod relations;
mod remote;
mod resources;
mod scp;
mod secrets;
mod ssh_keys;
mod status;
mod status_view;
mod storage;
mod storage_view;
mod store;
mod subordinates;
mod tasks;
mod units;
mod wait_for;

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

use crate::controller::data::{ModelData, ModelPlatform, USER};
use crate::controller::{Controller, Held};
use crate::flags::{self, CommandLine, Parsed};
use crate::names::ModelName;
use crate::session::{CommandError, CommandResult, Session};
use crate::view;

#[cfg(test)]
pub(crate) use status_view::status as shown_status;
pub(crate) use status_view::{shown_application_status, workload_status};

/// A controller that people can switch to. All of them are this process.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ControllerFacts {
    /// Its name.
    pub(crate) name: &'static str,
    /// The cloud that it is on.
    pub(crate) cloud: &'static str,
    /// What its models are on, if nothing else is said.
    pub(crate) platform: ModelPlatform,
}

/// The controllers: one for machines, which is the current one at first, and one for Kubernetes. They
/// are called as those that `concierge` makes.
pub(crate) const CONTROLLERS: [ControllerFacts; 2] = [
    ControllerFacts { name: "concierge-lxd", cloud: "localhost", platform: ModelPlatform::Machine },
    ControllerFacts { name: "concierge-k8s", cloud: "k8s", platform: ModelPlatform::Kubernetes },
];

/// The space that all endpoints are in.
pub(crate) const SPACE: &str = "alpha";

/// Returns what is known of a cloud that comes with a controller.
pub(crate) fn platform_of_cloud(cloud: &str) -> Option<ModelPlatform> {
    match cloud {
        "localhost" | "lxd" => Some(ModelPlatform::Machine),
        "k8s" | "microk8s" => Some(ModelPlatform::Kubernetes),
        _ => None,
    }
}

/// A command that is being run.
pub(crate) struct Context<'a> {
    /// The controller.
    pub(crate) controller: &'a Arc<Controller>,
    /// Who typed it.
    pub(crate) session: &'a mut Session,
    /// What was typed.
    pub(crate) parsed: &'a Parsed,
}

/// Runs a command line, and returns the exit code.
pub fn run(controller: &Arc<Controller>, mut session: Session) -> i32 {
    let words = std::mem::take(&mut session.words);
    let parsed = match flags::read_command_line(&words) {
        Ok(CommandLine::Run(parsed)) => parsed,
        Ok(CommandLine::Print(text)) => {
            session.print(&text);
            return 0;
        }
        Ok(CommandLine::Plugin { name, .. }) => {
            session.say(&format!("ERROR {}", flags::unknown_command(&name)));
            return 2;
        }
        Err(error) => {
            session.say(&format!("ERROR {error}"));
            return i32::from(error.exit_code());
        }
    };
    if let Some(path) = parsed.output_file() {
        let path = session.path(path);
        match fs_err::File::create(&path) {
            Ok(file) => session.stdout = file.into_parts().0,
            Err(error) => {
                session.say(&format!("ERROR {error}"));
                return 1;
            }
        }
    }
    let mut context = Context { controller, session: &mut session, parsed: &parsed };
    let result = dispatch(&mut context);
    let code = match &result {
        Ok(()) => 0,
        Err(error) => error.code(),
    };
    match result {
        Ok(()) | Err(CommandError::Silent(_)) => {}
        Err(error @ (CommandError::Usage(_) | CommandError::Failed(_))) => {
            // Whoever parses the output gets a document (cmd/juju, `handleErrorForMachineFormats`).
            if parsed.is_for_machines() {
                session.print("{}\n");
            }
            session.say(&format!("ERROR {error}"));
        }
    }
    code
}

/// Refuses what makes no sense in the model that a command is about, where there is one.
fn check_in_model(context: &Context<'_>) -> CommandResult {
    if !context.parsed.command.takes_model() {
        return Ok(());
    }
    let Ok(uuid) = context.model() else { return Ok(()) };
    let is_kubernetes = context.look(&uuid, |model| Ok(model.is_kubernetes()))?;
    flags::check_arguments_in_model(context.parsed, is_kubernetes)
        .map_err(|error| CommandError::Usage(error.to_string()))
}

fn dispatch(context: &mut Context<'_>) -> CommandResult {
    check_in_model(context)?;
    match context.parsed.command.name {
        "add-model" => models::add(context),
        "destroy-model" => models::destroy(context),
        "models" => models::list(context),
        "show-model" => models::show(context),
        "switch" => models::switch(context),
        "controllers" => models::controllers(context),
        "whoami" => models::whoami(context),
        "version" => models::version(context),
        "model-config" => models::config(context),
        "model-constraints" => models::constraints(context),
        "set-model-constraints" => models::set_constraints(context),
        "deploy" => deploy::deploy(context),
        "refresh" => refresh::refresh(context),
        "config" => applications::config(context),
        "trust" => applications::trust(context),
        "expose" => applications::expose(context),
        "unexpose" => applications::unexpose(context),
        "remove-application" => applications::remove(context),
        "add-unit" => units::add(context),
        "remove-unit" => units::remove(context),
        "scale-application" => units::scale(context),
        "resolved" => units::resolved(context),
        "integrate" => relations::integrate(context),
        "remove-relation" => relations::remove(context),
        "status" => status::status(context),
        "show-unit" => status::show_unit(context),
        "add-machine" => machines::add(context),
        "remove-machine" => machines::remove(context),
        "machines" => machines::list(context),
        "run" => operations::run(context),
        "exec" => operations::exec(context),
        "debug-log" => logs::debug_log(context),
        "ssh" => remote::ssh(context),
        "add-cloud" => clouds::add(context),
        "update-cloud" => clouds::update(context),
        "remove-cloud" => clouds::remove(context),
        "clouds" => clouds::list(context),
        "show-cloud" => clouds::show(context),
        "add-credential" | "update-credential" => clouds::add_credential(context),
        "remove-credential" => clouds::remove_credential(context),
        "credentials" => clouds::credentials(context),
        "add-ssh-key" => ssh_keys::add(context),
        "remove-ssh-key" => ssh_keys::remove(context),
        "ssh-keys" => ssh_keys::list(context),
        "show-controller" => clouds::show_controller(context),
        "scp" => scp::scp(context),
        "offer" => offers::offer(context),
        "offers" => offers::list(context),
        "find-offers" => offers::find(context),
        "show-offer" => offers::show(context),
        "remove-offer" => offers::remove(context),
        "consume" => offers::consume(context),
        "remove-saas" => offers::remove_saas(context),
        "suspend-relation" => offers::suspend(context, true),
        "resume-relation" => offers::suspend(context, false),
        "grant" => access::grant(context),
        "revoke" => access::revoke(context),
        "add-secret" => secrets::add(context),
        "update-secret" => secrets::update(context),
        "remove-secret" => secrets::remove(context),
        "grant-secret" => secrets::grant(context),
        "revoke-secret" => secrets::revoke(context),
        "secrets" => secrets::list(context),
        "show-secret" => secrets::show(context),
        "info" => store::info(context),
        "find" => store::search(context),
        "charm-resources" => store::charm_resources(context),
        "export-bundle" => export::export(context),
        "attach-resource" => resources::attach(context),
        "resources" => resources::list(context),
        "actions" => tasks::actions(context),
        "show-action" => tasks::show_action(context),
        "operations" => tasks::operations(context),
        "show-operation" => tasks::show_operation(context),
        "show-task" => tasks::show_task(context),
        "cancel-task" => tasks::cancel_task(context),
        "show-status-log" => history::show(context),
        "show-application" => details::show_application(context),
        "show-machine" => details::show_machine(context),
        "constraints" => details::constraints(context),
        "set-constraints" => details::set_constraints(context),
        "bind" => details::bind(context),
        "users" => details::users(context),
        "show-user" => details::show_user(context),
        "regions" => regions::list(context),
        "default-region" => regions::default_region(context),
        "show-credential" => regions::show_credential(context),
        "default-credential" => regions::default_credential(context),
        "wait-for application" => wait_for::application(context),
        "wait-for machine" => wait_for::machine(context),
        "wait-for model" => wait_for::model(context),
        "wait-for unit" => wait_for::unit(context),
        "storage" => storage::list(context),
        "show-storage" => storage::show(context),
        "add-storage" => storage::add(context),
        "attach-storage" => storage::attach(context),
        "detach-storage" => storage::detach(context),
        "remove-storage" => storage::remove(context),
        "storage-pools" => storage::pools(context),
        "create-storage-pool" => storage::create_pool(context),
        "update-storage-pool" => storage::update_pool(context),
        "remove-storage-pool" => storage::remove_pool(context),
        name => Err(CommandError::failed(format!("command \"{name}\" not supported by this emulator"))),
    }
}

impl Context<'_> {
    /// Returns the id of the model that the command is about.
    pub(crate) fn model(&self) -> Result<String, CommandError> {
        let named = self.parsed.model().map(str::to_owned).or_else(|| self.variable("JUJU_MODEL"));
        self.controller.look(|held| {
            if let Some(name) = named {
                return self.find_model(held, &name).map(|model| model.uuid.clone());
            }
            let controller = self.current_controller(held)?;
            let current = held.client.models.get(&controller);
            let model = current.and_then(|name| held.named(&controller, name));
            model.map(|model| model.uuid.clone()).ok_or_else(|| {
                CommandError::failed(
                    "No selected model.\n\nUse \"juju switch\" to select a model, or \"juju add-model\" to add one.",
                )
            })
        })
    }

    /// Returns a variable of the environment that says something.
    pub(crate) fn variable(&self, name: &str) -> Option<String> {
        self.session.env.get(name).filter(|value| !value.is_empty()).cloned()
    }

    /// Returns the controller that commands are about when they name none.
    /// A variable that names none is no reason to take another one (cmd/modelcmd/controller.go,
    /// `DetermineCurrentController`).
    pub(crate) fn current_controller(&self, held: &Held) -> Result<String, CommandError> {
        let Some(named) = self.variable("JUJU_CONTROLLER") else {
            let current = held.client.controller.clone();
            return Ok(current.unwrap_or_else(|| CONTROLLERS[0].name.to_owned()));
        };
        if CONTROLLERS.iter().any(|controller| controller.name == named) {
            return Ok(named);
        }
        let mut names = CONTROLLERS.map(|controller| format!("\n  - {}", controller.name));
        names.sort();
        Err(CommandError::failed(format!(
            "No selected controller.\n\nUse \"juju switch\" to select from the following controllers:\n{}",
            names.concat()
        )))
    }

    /// Finds a model by `[controller:][user/]model`.
    pub(crate) fn find_model<'held>(
        &self,
        held: &'held Held,
        name: &str,
    ) -> Result<&'held ModelData, CommandError> {
        let parsed = ModelName::parse(name).map_err(|error| CommandError::failed(error.to_string()))?;
        let controller = match &parsed.controller {
            Some(controller) => {
                if !CONTROLLERS.iter().any(|known| known.name == controller) {
                    return Err(CommandError::failed(format!("controller {controller} not found")));
                }
                controller.clone()
            }
            None => self.current_controller(held)?,
        };
        let not_found = || {
            CommandError::failed(format!(
                "model {controller}:{}/{} not found",
                parsed.user.as_deref().unwrap_or(USER),
                parsed.model
            ))
        };
        if parsed.user.as_deref().is_some_and(|user| user != USER) {
            return Err(not_found());
        }
        if let Some(model) = held.named(&controller, &parsed.model) {
            return Ok(model);
        }
        // One that names no controller may be on the other one: all of them are this process.
        let elsewhere = held.models().find(|model| parsed.controller.is_none() && model.name == parsed.model);
        elsewhere.or_else(|| held.model(&parsed.model)).ok_or_else(not_found)
    }

    /// Looks at the model of the command.
    pub(crate) fn look<T>(
        &self,
        uuid: &str,
        act: impl FnOnce(&ModelData) -> Result<T, CommandError>,
    ) -> Result<T, CommandError> {
        self.controller.look(|held| act(held.model(uuid).ok_or_else(gone)?))
    }

    /// Changes the model of the command, all of it or not at all: whatever fails changes nothing, as in
    /// the transactions of Juju.
    pub(crate) fn change<T>(
        &self,
        uuid: &str,
        act: impl FnOnce(&mut ModelData) -> Result<T, CommandError>,
    ) -> Result<T, CommandError> {
        let result = self.controller.change(|held| {
            let mut model = held.model(uuid).ok_or_else(gone)?.clone();
            if model.is_dying {
                return Err(CommandError::failed(format!("model \"{}\" is no longer alive", model.name)));
            }
            let result = act(&mut model)?;
            held.add_model(model);
            Ok(result)
        });
        self.controller.start_units();
        result
    }

    /// Waits until `act` has an answer; `None` when the time is over before. Ends the command when nobody
    /// waits for it any more.
    pub(crate) fn wait_until<T>(
        &self,
        timeout: Option<Duration>,
        act: impl FnMut(&Held) -> Option<T>,
    ) -> Result<Option<T>, CommandError> {
        let attention = &self.session.attention;
        let answer = self.controller.wait_until(timeout, &|| attention.is_over(), act);
        if attention.is_over() { Err(CommandError::Silent(1)) } else { Ok(answer) }
    }

    /// Prints a document, or what people read.
    pub(crate) fn show<T: Serialize>(&mut self, document: &T, tabular: impl FnOnce(bool) -> String) {
        let text = match self.parsed.format() {
            Some("json") => view::to_json(document),
            Some("yaml") => view::to_yaml(document),
            Some(_) | None => {
                let is_coloured = self.session.is_coloured();
                let text = tabular(is_coloured);
                if text.is_empty() || text.ends_with('\n') { text } else { text + "\n" }
            }
        };
        self.session.print(&text);
    }

    /// Tells the person something, unless they want to hear nothing.
    pub(crate) fn say(&mut self, text: &str) {
        if !self.parsed.global.is_quiet {
            self.session.say(text);
        }
    }

    /// Returns a positional that the command cannot be without; the words were checked before.
    pub(crate) fn word(&self, place: usize) -> &str {
        self.parsed.positionals.get(place).map_or("", String::as_str)
    }
}

fn gone() -> CommandError {
    CommandError::failed("the model is gone")
}

/// Makes an error of a command of whatever went wrong.
pub(crate) fn failed(error: impl std::fmt::Display) -> CommandError {
    CommandError::failed(error.to_string())
}
