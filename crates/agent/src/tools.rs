//! The hook tools: what a charm runs to ask Juju for something, or to tell it.
//!
//! [`answer`] takes a call as a process made it, arguments and all, and returns what the
//! process is to print and its exit code, the same as Juju's. In between a call has a
//! meaning, [`Call`], which is the same however it was spelt; two versions of ops are
//! compared by it.
//!
//! Nothing here reads a file, an environment or a clock. What a tool would read has been
//! read by the process that asks.

mod action;
mod call;
mod failure;
mod flags;
mod legacy;
mod network;
mod output;
mod port;
mod relation;
mod report;
mod secret;
mod secret_arguments;
mod settings;
mod spec;
mod status;
mod storage;
#[cfg(test)]
mod tests;
mod view;
mod yaml_text;

use std::collections::BTreeMap;

pub use call::{Call, NetworkKey, OwnerKind, SecretDetails, SecretMode, Tool, UnitAddress};
use failure::{Attempt, Failure, quoted};
use flags::{Arguments, Flag};
use output::Format;
pub use output::{Data, to_json, to_yaml};
use view::View;

use crate::state::{HookContext, Misuse, Restriction, State};

/// A call of a tool, as a process makes it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ToolCall {
    /// The arguments. The first is the name of the tool, with or without its folder.
    pub arguments: Vec<Vec<u8>>,
    /// Standard input, where the call reads it.
    pub stdin: Option<Vec<u8>>,
    /// The content of the files that the arguments name.
    pub attachments: BTreeMap<String, Vec<u8>>,
}

impl ToolCall {
    /// Returns a call that reads nothing.
    pub fn of(arguments: &[&str]) -> Self {
        Self {
            arguments: arguments.iter().map(|argument| argument.as_bytes().to_vec()).collect(),
            ..Self::default()
        }
    }

    /// Returns the name of the tool: the last part of the first argument.
    pub fn name(&self) -> String {
        let first = self.arguments.first().map(Vec::as_slice).unwrap_or_default();
        let name = first.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
        String::from_utf8_lossy(name).into_owned()
    }

    fn texts(&self) -> impl Iterator<Item = String> {
        self.arguments.iter().map(|argument| String::from_utf8_lossy(argument).into_owned())
    }
}

/// What a tool answers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reply {
    /// The exit code.
    pub code: i32,
    /// What it prints.
    pub stdout: Vec<u8>,
    /// What it prints about what went wrong.
    pub stderr: Vec<u8>,
}

impl Reply {
    fn printing(text: String) -> Self {
        Self { stdout: text.into_bytes(), ..Self::default() }
    }
}

/// A call that was understood.
enum Parsed {
    /// The tool was asked what it does.
    Help(String),
    /// The tool is to do something.
    Call { call: Call, format: Format, warning: Option<String> },
}

/// Runs a tool for a hook.
pub fn answer(state: &mut State, context: &mut HookContext, call: &ToolCall) -> Reply {
    let name = call.name();
    let Some(tool) = Tool::parse(&name).filter(|tool| tool.exists_in(&state.juju)) else {
        // No such program is on the `PATH`; a shell would say so.
        return refuse(context, call, &name, 127, format!("{name}: command not found\n"));
    };
    let parsed = match parse(tool, View { state, context, call }) {
        Ok(parsed) => parsed,
        Err(Failure { code, message }) => {
            return refuse(context, call, &name, code, format!("ERROR {message}\n"));
        }
    };
    match parsed {
        Parsed::Help(text) => Reply::printing(text),
        Parsed::Call { call: meaning, format, warning } => {
            context.effects.calls.push(meaning.clone());
            match run(state, context, &meaning, format) {
                Ok(stdout) => {
                    Reply { stderr: warning.unwrap_or_default().into_bytes(), ..Reply::printing(stdout) }
                }
                Err(Failure { code, message }) => {
                    refuse(context, call, &name, code, format!("ERROR {message}\n"))
                }
            }
        }
    }
}

/// Returns what a call means to a hook, without running it; `None` if it is refused for its
/// arguments, or asks what a tool does.
pub fn meaning(state: &State, context: &HookContext, call: &ToolCall) -> Option<Call> {
    let tool = Tool::parse(&call.name()).filter(|tool| tool.exists_in(&state.juju))?;
    match parse(tool, View { state, context, call }) {
        Ok(Parsed::Call { call, .. }) => Some(call),
        Ok(Parsed::Help(_)) | Err(_) => None,
    }
}

fn refuse(context: &mut HookContext, call: &ToolCall, tool: &str, code: i32, stderr: String) -> Reply {
    context.effects.misuses.push(Misuse {
        tool: tool.to_owned(),
        arguments: call.texts().collect(),
        code,
        message: stderr.trim_end().to_owned(),
    });
    Reply { code, stdout: Vec::new(), stderr: stderr.into_bytes() }
}

fn parse(tool: Tool, view: View<'_>) -> Attempt<Parsed> {
    let spec = spec::of(tool);
    let given: Vec<String> = view.call.texts().skip(1).collect();
    let arguments = Arguments::parse(&spec.all_flags(), &given)?;
    if arguments.is_help {
        return Ok(Parsed::Help(spec::help(tool, |flag| default_of(flag, &spec, view))));
    }
    let format = arguments.read("format", |text| read_format(&spec, text))?.flatten();
    // Tools that print nothing once took a format, and still say that they make nothing of it.
    let is_old = spec.format.is_none() && arguments.text("format").is_some();
    let warning = is_old.then(|| format!("--format flag deprecated for command {}", quoted(tool.name())));
    let call = parse_call(tool, arguments, view)?;
    let format = format.or(spec.format).unwrap_or(Format::Smart);
    Ok(Parsed::Call { call, format, warning })
}

fn read_format(spec: &spec::Spec, text: &str) -> Result<Option<Format>, String> {
    let Some(default) = spec.format else { return Ok(None) };
    let format = text.parse::<Format>().ok();
    // What is printed as YAML by itself is printed as nothing smarter.
    let known = format.filter(|format| default == Format::Smart || *format != Format::Smart);
    known.map(Some).ok_or_else(|| format!("unknown format {}", quoted(text)))
}

/// Returns what an option is when it is not given, as `--help` shows it.
fn default_of(flag: &Flag, spec: &spec::Spec, view: View<'_>) -> String {
    match flag.names[0] {
        "format" => spec.format.map_or_else(
            || "\"\"".to_owned(),
            |format| {
                let name: &str = format.into();
                name.to_owned()
            },
        ),
        "r" => view
            .hook_relation()
            .map_or_else(String::new, |id| format!("{}:{id}", view.context.hook.subject())),
        "s" => view.hook_storage().unwrap_or_default().to_owned(),
        _ if !flag.takes_value => "false".to_owned(),
        _ => "\"\"".to_owned(),
    }
}

fn parse_call(tool: Tool, arguments: Arguments, view: View<'_>) -> Attempt<Call> {
    match tool {
        Tool::ActionFail => action::parse_fail(arguments),
        Tool::ActionGet => action::parse_get(arguments),
        Tool::ActionLog => action::parse_log(&arguments),
        Tool::ActionSet => action::parse_set(&arguments),
        Tool::AddMetric => legacy::parse_add_metric(&arguments),
        Tool::ApplicationVersionSet => report::parse_version_set(arguments),
        Tool::ClosePort | Tool::OpenPort => port::parse_change(tool, arguments),
        Tool::ConfigGet => settings::parse_config_get(arguments),
        Tool::CredentialGet => without_arguments(&arguments, Call::CredentialGet),
        Tool::GoalState => without_arguments(&arguments, Call::GoalState),
        Tool::IsLeader => without_arguments(&arguments, Call::IsLeader),
        Tool::JujuLog => report::parse_log(&arguments),
        Tool::JujuReboot => report::parse_reboot(&arguments),
        Tool::K8sRawGet => without_arguments(&arguments, Call::K8sRawGet),
        Tool::K8sSpecGet => without_arguments(&arguments, Call::K8sSpecGet),
        Tool::K8sRawSet | Tool::K8sSpecSet | Tool::PodSpecSet => {
            legacy::parse_spec_set(tool, &arguments, view)
        }
        Tool::LeaderGet => settings::parse_leader_get(arguments),
        Tool::LeaderSet => settings::parse_leader_set(&arguments),
        Tool::NetworkGet => network::parse_get(arguments, view),
        Tool::OpenedPorts => port::parse_opened(&arguments),
        Tool::PayloadRegister => legacy::parse_payload_register(arguments),
        Tool::PayloadStatusSet => legacy::parse_payload_status_set(arguments),
        Tool::PayloadUnregister => legacy::parse_payload_unregister(arguments),
        Tool::PodSpecGet => without_arguments(&arguments, Call::PodSpecGet),
        Tool::RelationGet => relation::parse_get(arguments, view),
        Tool::RelationIds => relation::parse_ids(arguments, view),
        Tool::RelationList => relation::parse_list(&arguments, view),
        Tool::RelationModelGet => relation::parse_model_get(&arguments, view),
        Tool::RelationSet => relation::parse_set(arguments, view),
        Tool::ResourceGet => report::parse_resource_get(arguments),
        Tool::SecretAdd => secret_arguments::parse_add(&arguments, view),
        Tool::SecretGet => secret_arguments::parse_get(arguments),
        Tool::SecretGrant => secret_arguments::parse_grant(arguments, view),
        Tool::SecretIds => without_arguments(&arguments, Call::SecretIds),
        Tool::SecretInfoGet => secret_arguments::parse_info_get(arguments),
        Tool::SecretRemove => secret_arguments::parse_remove(arguments),
        Tool::SecretRevoke => secret_arguments::parse_revoke(arguments, view),
        Tool::SecretSet => secret_arguments::parse_set(arguments, view),
        Tool::StateDelete => settings::parse_state_delete(arguments),
        Tool::StateGet => settings::parse_state_get(arguments),
        Tool::StateSet => settings::parse_state_set(arguments, view),
        Tool::StatusGet => status::parse_get(&arguments),
        Tool::StatusSet => status::parse_set(arguments),
        Tool::StorageAdd => storage::parse_add(&arguments),
        Tool::StorageGet => storage::parse_get(arguments, view),
        Tool::StorageList => storage::parse_list(arguments),
        Tool::UnitGet => network::parse_unit_get(arguments),
    }
}

fn without_arguments(arguments: &Arguments, call: Call) -> Attempt<Call> {
    arguments.end()?;
    Ok(call)
}

/// Runs a call, and returns what is printed.
fn run(state: &mut State, context: &mut HookContext, call: &Call, format: Format) -> Attempt<String> {
    if context.restriction != Restriction::None && !is_allowed_when_restricted(call) {
        return Err(Failure::restricted());
    }
    let printed = |data: Attempt<Data>| data.map(|data| format.print(&data));
    let silent = |done: Attempt<()>| done.map(|()| String::new());
    match call {
        Call::ActionFail { message } => silent(action::fail(context, message)),
        Call::ActionGet { keys } => printed(action::get(context, keys)),
        Call::ActionLog { message } => silent(action::log(state, context, message)),
        Call::ActionSet { results } => silent(action::set(context, results)),
        Call::AddMetric { metrics, labels } => silent(legacy::add_metric(context, metrics, labels)),
        Call::ApplicationVersionSet { version } => silent(report::version_set(state, context, version)),
        Call::ClosePort { range, endpoints } => {
            silent(port::change(state, context, *range, endpoints, false))
        }
        Call::ConfigGet { key, is_all } => {
            printed(settings::config_get(state, context, key.as_deref(), *is_all))
        }
        Call::CredentialGet => printed(report::credential_get(state, context)),
        Call::GoalState => printed(Ok(report::goal_state(state, context))),
        Call::IsLeader => printed(Ok(Data::Bool(context.is_leader(state)))),
        Call::JujuLog { level, message } => {
            report::log(context, level, message);
            Ok(String::new())
        }
        Call::JujuReboot { is_now } => silent(report::reboot(context, *is_now)),
        Call::K8sRawGet => printed(legacy::spec_get(state, context, true)),
        Call::K8sSpecGet | Call::PodSpecGet => printed(legacy::spec_get(state, context, false)),
        Call::K8sRawSet { specification } => {
            silent(legacy::spec_set(state, context, specification, None, true))
        }
        Call::K8sSpecSet { specification, resources } | Call::PodSpecSet { specification, resources } => {
            silent(legacy::spec_set(state, context, specification, resources.as_deref(), false))
        }
        Call::LeaderGet { key } => printed(settings::leader_get(state, context, key.as_deref())),
        Call::LeaderSet { settings } => silent(settings::leader_set(state, context, settings)),
        Call::NetworkGet { binding, relation: _, keys } => {
            printed(network::get(state, context, binding, keys, format))
        }
        Call::OpenPort { range, endpoints } => silent(port::change(state, context, *range, endpoints, true)),
        Call::OpenedPorts { has_endpoints } => printed(port::opened(state, context, *has_endpoints)),
        Call::PayloadRegister { class, id, kind, tags: _ } => {
            silent(legacy::payload_register(state, context, class, id, kind))
        }
        Call::PayloadStatusSet { class, id, status } => {
            silent(legacy::payload_status_set(state, context, class, id, status))
        }
        Call::PayloadUnregister { class, id } => {
            silent(legacy::payload_unregister(state, context, class, id))
        }
        Call::RelationGet { relation, of, is_application, key } => {
            printed(relation::get(state, context, *relation, of, *is_application, key.as_deref()))
        }
        Call::RelationIds { endpoint } => printed(Ok(relation::ids(state, context, endpoint))),
        Call::RelationList { relation, is_application } => {
            printed(relation::list(state, context, *relation, *is_application))
        }
        Call::RelationModelGet { relation } => printed(relation::model_get(state, *relation)),
        Call::RelationSet { relation, is_application, settings } => {
            silent(relation::set(state, context, *relation, *is_application, settings))
        }
        // The path stands alone, without the end of a line.
        Call::ResourceGet { name } => report::resource_get(state, context, name),
        Call::SecretAdd { owner, content, details } => {
            secret::add(state, context, *owner, content, details).map(|id| id.uri() + "\n")
        }
        Call::SecretGet { id, label, key, mode } => {
            printed(secret::get(state, context, id.as_ref(), label.as_deref(), key.as_deref(), *mode))
        }
        Call::SecretGrant { id, relation, to } => silent(secret::grant(state, context, id, *relation, to)),
        Call::SecretIds => printed(Ok(secret::ids(state, context))),
        Call::SecretInfoGet { id, label } => {
            printed(secret::info_get(state, context, id.as_ref(), label.as_deref()))
        }
        Call::SecretRemove { id, revision } => silent(secret::remove(state, context, id, *revision)),
        Call::SecretRevoke { id, from } => silent(secret::revoke(state, context, id, from)),
        Call::SecretSet { id, content, details } => silent(secret::set(state, context, id, content, details)),
        Call::StateDelete { key } => {
            context.charm_state.insert(key.clone(), None);
            Ok(String::new())
        }
        Call::StateGet { key, is_strict } => {
            printed(settings::state_get(state, context, key.as_deref(), *is_strict))
        }
        Call::StateSet { values } => silent(settings::state_set(context, values)),
        Call::StatusGet { is_application, has_data } => {
            printed(status::get(state, context, *is_application, *has_data, format))
        }
        Call::StatusSet { is_application, kind, message } => {
            silent(status::set(state, context, *is_application, *kind, message))
        }
        Call::StorageAdd { counts } => silent(storage::add(state, context, counts)),
        Call::StorageGet { id, key } => printed(storage::get(state, context, id, key.as_deref())),
        Call::StorageList { name } => printed(storage::list(state, context, name.as_deref())),
        Call::UnitGet { address } => printed(network::unit_get(state, context, *address)),
    }
}

/// Whether `collect-metrics` and `meter-status-changed` may call it too.
fn is_allowed_when_restricted(call: &Call) -> bool {
    match call.tool() {
        Tool::JujuLog | Tool::AddMetric | Tool::StatusGet => true,
        Tool::StatusSet => matches!(call, Call::StatusSet { is_application: false, .. }),
        _ => false,
    }
}
