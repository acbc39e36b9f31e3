//! What `juju operations`, `juju show-operation` and `juju show-task` show.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

use super::document::unless_empty_in_yaml;
use super::table::Table;
use super::task::{TaskResultView, TaskResultsView, write_run};
use super::time::Times;

/// How many tasks of an operation a list names.
const TASKS_NAMED: usize = 5;

/// An operation. `juju operations` prints a map of these, `juju show-operation` one.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct OperationView {
    /// What it does, in words.
    pub summary: String,
    /// `completed`, `failed`, `running` and so on.
    pub status: String,
    /// Why nothing of it could be done.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub fail: String,
    /// Why it is not known.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub error: String,
    /// The action, if it is the same for all tasks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action: Option<ActionCallView>,
    /// When it was done.
    #[serde(serialize_with = "unless_empty_in_yaml")]
    pub timing: OperationTimingView,
    /// Its tasks, by number.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub tasks: BTreeMap<String, OperationTaskView>,
}

/// When something was done, as [`Times::task`] writes it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct OperationTimingView {
    /// When it was asked for.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub enqueued: String,
    /// When it began.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub started: String,
    /// When it ended.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub completed: String,
}

/// An action and what it was given.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct ActionCallView {
    /// Its name.
    pub name: String,
    /// What it was given.
    pub parameters: BTreeMap<String, Value>,
}

/// A task of an operation.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct OperationTaskView {
    /// The action, if tasks have different ones.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// The unit or machine.
    pub host: String,
    /// `completed`, `failed`, `running` and so on.
    pub status: String,
    /// When it was done.
    #[serde(serialize_with = "unless_empty_in_yaml")]
    pub timing: OperationTimingView,
    /// What it logged.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub log: Vec<String>,
    /// Why it failed.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub message: String,
    /// What it returned.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub results: BTreeMap<String, Value>,
}

/// An operation in a list for people.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OperationRow {
    /// Its number.
    pub id: String,
    /// `completed`, `failed`, `running` and so on.
    pub status: String,
    /// When it began.
    pub started: Option<Timestamp>,
    /// When it ended.
    pub finished: Option<Timestamp>,
    /// The numbers of its tasks.
    pub tasks: Vec<String>,
    /// What it does, in words.
    pub summary: String,
}

/// Writes `juju operations`, in the order of the rows.
pub fn write_list(operations: &[OperationRow], times: &Times) -> String {
    let mut table = Table::new(false);
    table.align_right(0);
    table.line(&["ID", "Status", "Started", "Finished", "Task IDs", "Summary"]);
    let time = |at: Option<Timestamp>| at.map(|at| times.list(at)).unwrap_or_default();
    for operation in operations {
        let mut tasks = operation.tasks[..operation.tasks.len().min(TASKS_NAMED)].join(",");
        if operation.tasks.len() > TASKS_NAMED {
            tasks += "...";
        }
        table.cell(&operation.id).cell(&operation.status);
        table.cell(&time(operation.started)).cell(&time(operation.finished));
        table.line(&[&tasks, &operation.summary]);
    }
    table.finish()
}

/// What stands before a list that is a part of all: where it begins, how many it has, and, if
/// more follow, how many a list has at most.
pub fn write_part(offset: usize, count: usize, limit_if_more: Option<usize>) -> String {
    let mut text = format!("Displaying operation results {} to {}.\n", offset + 1, offset + count);
    if let Some(limit) = limit_if_more {
        text += &format!(
            "Run the command again with --offset={} --limit={limit} to see the next batch.\n\n",
            offset + limit
        );
    }
    text
}

/// Writes `juju show-task`.
pub fn write_task(task: &TaskResultView, is_coloured: bool) -> String {
    write_run(&TaskResultsView::from([(task.id.clone(), task.clone())]), is_coloured)
}
