//! Commands: taken, and made a change of.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::json;

use super::{Result, bad_request, json_body, optional_duration};
use crate::changes::{NewChange, NewTask, Work};
use crate::connection::Request;
use crate::core::Core;
use crate::exec::{Execution, Setup};
use crate::files::root::Root;
use crate::http::reply::Reply;
use crate::options::Workload;
use crate::plan::{Context, quoted};
use crate::process;
use crate::records::ExecRecord;

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Payload {
    command: Option<Vec<String>>,
    service_context: Option<String>,
    environment: Option<BTreeMap<String, String>>,
    working_dir: Option<String>,
    timeout: Option<String>,
    user_id: Option<i64>,
    user: Option<String>,
    group_id: Option<i64>,
    group: Option<String>,
    #[serde(default)]
    terminal: bool,
    #[serde(default)]
    interactive: bool,
    #[serde(default)]
    split_stderr: bool,
}

pub(super) fn post(request: &mut Request<'_>) -> Result {
    let payload: Payload = json_body(request, "request body")?;
    let timeout = optional_duration(payload.timeout.as_deref().unwrap_or_default(), "timeout")?;
    request.shared.step(|core| start(core, payload, timeout))
}

fn start(core: &mut Core, payload: Payload, timeout: Option<std::time::Duration>) -> Result {
    let command = payload.command.unwrap_or_default();
    let Some(program) = command.first().cloned() else {
        return Err(bad_request("must specify command"));
    };
    let is_known = match &core.workload {
        Workload::Simulated(rules) => rules.for_command(&command).is_none_or(|rule| !rule.missing),
        Workload::Process => process::has_program(&core.root, &program, &core.environment),
    };
    let asked = Context {
        environment: payload.environment.unwrap_or_default(),
        user_id: payload.user_id,
        user: payload.user.unwrap_or_default(),
        group_id: payload.group_id,
        group: payload.group.unwrap_or_default(),
        working_dir: payload.working_dir.unwrap_or_default(),
    };
    let text = |name: &str, id: Option<i64>| {
        Some(name.to_owned()).filter(|name| !name.is_empty()).or(id.map(|id| id.to_string()))
    };
    let is_unanswered = match &core.workload {
        Workload::Simulated(rules) => rules.for_command(&command).is_none(),
        Workload::Process => false,
    };
    let record = core.records.exec(ExecRecord {
        command: command.clone(),
        environment: asked.environment.clone(),
        working_dir: asked.working_dir.clone(),
        user: text(&asked.user, asked.user_id),
        group: text(&asked.group, asked.group_id),
        unanswered: is_unanswered,
        ..ExecRecord::default()
    });
    let refuse = |core: &mut Core, status: u16, message: String| {
        if let Some(record) = record.and_then(|index| core.records.exec.get_mut(index)) {
            record.error = Some(message.clone());
        }
        Err(Reply::error(status, &message))
    };
    if !is_known {
        return refuse(core, 400, format!("cannot find executable {}", quoted(&program)));
    }
    let service = payload.service_context.unwrap_or_default();
    let context = match core.plan().context(&service, &asked) {
        Ok(context) => context,
        Err(error) => return refuse(core, 400, error.to_string()),
    };
    let accounts = core.root.accounts();
    let ids = match accounts.resolve(&context, false) {
        Ok(ids) => ids,
        Err(error) => return refuse(core, 400, error),
    };
    if payload.interactive && !payload.terminal {
        return refuse(core, 500, "cannot call exec: cannot use interactive mode without a terminal".into());
    }
    if payload.terminal {
        return refuse(core, 500, "cannot call exec: this server has no terminals".into());
    }

    let mut environment = core.environment.clone();
    let own_user = if core.is_simulated() { 0 } else { rustix::process::geteuid().as_raw() };
    if ids.is_some_and(|ids| ids.user != own_user) {
        environment.remove("HOME");
        environment.remove("USER");
    }
    environment.extend(context.environment);
    environment.entry("PATH".into()).or_insert_with(|| process::DEFAULT_PATH.into());
    if let Some((name, home)) = accounts.user(ids.map_or(own_user, |ids| ids.user)) {
        for (key, value) in [("HOME", home), ("USER", name)] {
            let current = environment.entry(key.into()).or_default();
            if current.is_empty() {
                value.clone_into(current);
            }
        }
    }
    environment.entry("LANG".into()).or_insert_with(|| "C.UTF-8".into());
    let home = environment.get("HOME").cloned().unwrap_or_default();
    let checked = if core.is_simulated() { None } else { Some(&core.root) };
    let working_dir = match working_dir(checked, &context.working_dir, &home) {
        Ok(working_dir) => working_dir,
        Err(message) => return refuse(core, 500, format!("cannot call exec: {message}")),
    };

    let summary = format!("Execute command {}", quoted(&program));
    let change = core.add_change(NewChange {
        kind: "exec".into(),
        summary: summary.clone(),
        tasks: vec![NewTask { work: Work::Exec, summary, waits_for: Vec::new() }],
        services: Vec::new(),
    });
    let task = core.changes.change(change).and_then(|change| change.tasks.first().copied()).unwrap_or(0);
    let result = json!({
        "task-id": task.to_string(),
        "environment": environment,
        "working-dir": working_dir,
    });
    let setup = Setup { command, environment, working_dir, timeout, ids, split_stderr: payload.split_stderr };
    core.executions.insert(task, Execution::new(setup, record));
    Ok(Reply::async_(change, &result))
}

/// Where a command runs: where it was asked for, at home, or in the root.
fn working_dir(root: Option<&Root>, asked: &str, home: &str) -> std::result::Result<String, String> {
    let (what, folder) = match (asked, home) {
        ("", "") => return Ok("/".into()),
        ("", home) => ("home directory", home),
        (asked, _) => ("working directory", asked),
    };
    let Some(root) = root else { return Ok(folder.to_owned()) };
    match root.stat(folder) {
        Ok(stat) if rustix::fs::FileType::from_raw_mode(stat.st_mode).is_dir() => Ok(folder.to_owned()),
        Ok(_) => Err(format!("{what} {} not a directory", quoted(folder))),
        Err(rustix::io::Errno::NOENT) => Err(format!("{what} {} does not exist", quoted(folder))),
        Err(error) => Err(format!(
            "cannot stat {what} {}: {}",
            quoted(folder),
            crate::files::FileError::of("stat", folder, error).message
        )),
    }
}
