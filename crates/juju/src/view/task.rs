//! What `juju run` and `juju exec` show: tasks, by the unit or machine that they ran on.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use super::colour::Colour;
use super::document::to_yaml;
use super::order::naturally;

/// What became of tasks, by the unit or machine.
pub type TaskResultsView = BTreeMap<String, TaskResultView>;

/// What became of a task.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct TaskResultView {
    /// The number of the task.
    pub id: String,
    /// What the action logged, each line with its time.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub log: Vec<String>,
    /// The machine that it ran on, if it is no unit's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub machine: Option<String>,
    /// Why it failed.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub message: String,
    /// What it returned: `return-code`, `stdout` and `stderr` unless empty, and what the action
    /// set, dotted keys nested.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub results: BTreeMap<String, Value>,
    /// `completed`, `failed`, `running` and so on.
    pub status: String,
    /// When it was done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timing: Option<TimingView>,
    /// The unit that it ran on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
}

impl TaskResultView {
    /// The exit code of what ran, if it ended.
    pub fn return_code(&self) -> Option<i64> {
        self.results.get("return-code").and_then(Value::as_i64)
    }
}

/// When a task was done, as [`Times::task`](super::time::Times::task) writes it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct TimingView {
    /// When it ended.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub completed: String,
    /// When it was asked for.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub enqueued: String,
    /// When it began.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub started: String,
}

/// What is printed by itself, or not at all, in plain results.
const NOT_RESULTS: [&str; 5] = ["return-code", "stdout", "stderr", "stdout-encoding", "stderr-encoding"];

/// Writes `juju run`: what one unit returned in full, and for several what each did.
pub fn write_run(results: &TaskResultsView, is_coloured: bool) -> String {
    if results.len() > 1 {
        let brief: BTreeMap<&str, Brief<'_>> =
            results.iter().map(|(name, result)| (name.as_str(), Brief::of(result))).collect();
        return to_yaml(&brief);
    }
    let paint = |colour: Colour, text: &str| {
        if is_coloured { colour.paint(text) } else { text.to_owned() }
    };
    let mut text = String::new();
    for result in results.values() {
        let output = output(result);
        if result.status == "failed" {
            let failure = format!("Action id {} failed: {}\n", result.id, result.message);
            text += &paint(Colour::Red, &failure);
            text += &paint(Colour::Red, &output);
        } else {
            text += &paint(Colour::Green, &output);
        }
        text.push('\n');
        for stream in ["stdout", "stderr"] {
            if let Some(said) =
                result.results.get(stream).and_then(Value::as_str).filter(|said| !said.is_empty())
            {
                text += said.trim_matches('\n');
                text.push('\n');
            }
        }
    }
    text
}

/// Writes `juju exec`: what the command said, and for several each by its name.
pub fn write_exec(results: &TaskResultsView) -> String {
    let said: BTreeMap<&String, String> = results
        .iter()
        .map(|(name, result)| {
            let streams =
                ["stdout", "stderr"].iter().filter_map(|stream| result.results.get(*stream)?.as_str());
            let lines = streams.map(|said| format!("{}\n", said.strip_suffix('\n').unwrap_or(said)));
            (name, lines.collect())
        })
        .collect();
    let with_text = said.values().filter(|text| !text.is_empty()).count();
    let mut text = String::new();
    for name in naturally(said.keys()) {
        if with_text > 1 {
            text += &format!("{name}:\n{}\n", said[name]);
        } else {
            text += &said[name];
        }
    }
    text
}

/// What a task of several is told by.
#[derive(Serialize)]
struct Brief<'a> {
    id: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    message: &'a str,
    output: String,
    status: &'a str,
}

impl<'a> Brief<'a> {
    fn of(result: &'a TaskResultView) -> Self {
        Self { id: &result.id, message: &result.message, output: output(result), status: &result.status }
    }
}

/// What an action set, as YAML.
fn output(result: &TaskResultView) -> String {
    if result.results.is_empty() {
        return format!("Task {} {}\n", result.id, result.status);
    }
    let set: BTreeMap<&String, &Value> = result
        .results
        .iter()
        .filter(|(key, _)| !NOT_RESULTS.contains(&key.to_lowercase().as_str()))
        .collect();
    if set.is_empty() { String::new() } else { to_yaml(&set) }
}

/// What is said while tasks run: the operation, its tasks and whom they are for
/// (`unit-a-0`, `machine-0`).
pub fn running(operation: &str, tasks: &[(String, String)]) -> String {
    let plural = if tasks.len() == 1 { "" } else { "s" };
    let mut text = format!("Running operation {operation} with {} task{plural}\n", tasks.len());
    for (id, receiver) in tasks {
        text += &format!("  - task {id} on {receiver}\n");
    }
    text + "\n"
}

/// What is said before waiting for a task.
pub fn waiting(task: &str) -> String {
    format!("Waiting for task {task}...\n")
}

/// What is said of tasks that nobody waits for; of several, [`to_yaml`] prints the numbers.
pub fn scheduled(operation: &str, tasks: &[String]) -> String {
    let (what, task) = match tasks {
        [task] => (format!("task {task}"), task.as_str()),
        several => (format!("{} tasks", several.len()), "<id>"),
    };
    format!(
        "Scheduled operation {operation} with {what}\n\
         Check operation status with 'juju show-operation {operation}'\n\
         Check task status with 'juju show-task {task}'\n"
    )
}

/// The error for tasks that ended with another code than 0, by their number.
pub fn failed(codes: &BTreeMap<String, i64>) -> String {
    let plural = if codes.len() == 1 { "" } else { "s" };
    let list: Vec<String> =
        codes.iter().map(|(id, code)| format!(" - id \"{id}\" with return code {code}")).collect();
    format!(
        "the following task{plural} failed:\n{}\n\nuse 'juju show-task' to inspect the failure{plural}\n",
        list.join("\n")
    )
}
