//! Every document and table of one model with machines and one on Kubernetes.

mod examples;
mod more;

use std::collections::BTreeMap;

use insta::assert_snapshot;
use serde_json::json;

use super::model::ModelListOptions;
use super::status::{MachineListView, StatusOptions};
use super::*;
use examples::{kubernetes, machines, since, texts};

const ALL: StatusOptions = StatusOptions { is_coloured: false, shows_relations: true, shows_storage: true };

#[test]
fn status_of_machines() {
    let status = machines();
    assert_snapshot!("status_machines.json", to_json(&status));
    assert_snapshot!("status_machines.yaml", to_yaml(&status));
    assert_snapshot!("status_machines.tabular", status::write_tabular(&status, &ALL));
    assert_snapshot!("status_machines.line", status::write_oneline(&status, &ALL));
    assert_snapshot!("status_machines.summary", status::write_summary(&status, &ALL));
    let colours = StatusOptions { is_coloured: true, ..ALL };
    assert_snapshot!("status_machines.colours", shown(&status::write_tabular(&status, &colours)));
    assert_snapshot!("status_machines_line.colours", shown(&status::write_oneline(&status, &colours)));
    assert_snapshot!("status_machines_summary.colours", shown(&status::write_summary(&status, &colours)));
    let list = MachineListView { model: "web".to_owned(), machines: status.machines };
    assert_snapshot!("machines.json", to_json(&list));
    assert_snapshot!("machines.yaml", to_yaml(&list));
    assert_snapshot!("machines.tabular", status::write_machines(&list, false));
}

#[test]
fn status_on_kubernetes() {
    let status = kubernetes();
    assert_snapshot!("status_kubernetes.json", to_json(&status));
    assert_snapshot!("status_kubernetes.yaml", to_yaml(&status));
    assert_snapshot!("status_kubernetes.tabular", status::write_tabular(&status, &ALL));
    assert_snapshot!("status_kubernetes.line", status::write_oneline(&status, &ALL));
    assert_snapshot!("status_kubernetes.summary", status::write_summary(&status, &ALL));
}

#[test]
fn tables_leave_out_what_was_not_asked_for() {
    let text = status::write_tabular(&machines(), &StatusOptions::default());
    assert!(!text.contains("Integration provider"), "{text}");
    assert!(!text.contains("Storage Unit"), "{text}");
}

#[test]
fn status_of_a_model_with_nothing_in_it() {
    let mut status = machines();
    status = status::StatusView { model: status.model, controller: status.controller, ..Default::default() };
    assert_snapshot!("status_empty.json", to_json(&status));
    assert_snapshot!("status_empty.tabular", status::write_tabular(&status, &ALL));
}

#[test]
fn rows_name_the_hook_or_action_that_runs() {
    let doing = |message: &str| {
        let mut status = machines();
        let unit = status.applications.get_mut("tinyproxy").unwrap().units.get_mut("tinyproxy/0").unwrap();
        unit.juju_status = since("executing", message);
        let table = status::write_tabular(&status, &StatusOptions::default());
        let row = table.lines().find(|line| line.starts_with("tinyproxy/0*")).unwrap().to_owned();
        row.split("8080-8081/tcp").nth(1).unwrap().trim().to_owned()
    };
    assert_eq!(doing("running config-changed hook"), "(config-changed) serving on 8080");
    assert_eq!(doing("running action back-up now"), "(back-up now) serving on 8080");
    assert_eq!(doing("running db-relation-joined hook for b/0"), "serving on 8080");
    assert_eq!(doing(""), "serving on 8080");
}

#[test]
fn long_messages_are_shortened() {
    let mut status = machines();
    let long = "ö".repeat(80);
    status.applications.get_mut("tinyproxy").unwrap().status.message = long;
    let table = status::write_tabular(&status, &StatusOptions::default());
    let row = table.lines().find(|line| line.starts_with("tinyproxy ")).unwrap();
    assert!(row.ends_with(&format!("  {}...", "ö".repeat(58))), "{row}");
}

#[test]
fn units() {
    let units = examples::units();
    assert_snapshot!("show_unit.json", to_json(&units));
    assert_snapshot!("show_unit.yaml", to_yaml(&units));
}

#[test]
fn applications() {
    let applications = examples::applications();
    assert_snapshot!("show_application.json", to_json(&applications));
    assert_snapshot!("show_application.yaml", to_yaml(&applications));
}

#[test]
fn models() {
    let model = BTreeMap::from([("web", examples::model())]);
    assert_snapshot!("show_model.json", to_json(&model));
    assert_snapshot!("show_model.yaml", to_yaml(&model));
    let list = examples::models();
    assert_snapshot!("models.json", to_json(&list));
    assert_snapshot!("models.yaml", to_yaml(&list));
    let options = ModelListOptions { controller: "concierge-lxd", user: "admin", ..Default::default() };
    assert_snapshot!("models.tabular", model::write_list(&list, &options));
    let bob = ModelListOptions { user: "bob", shows_uuids: true, ..options };
    assert_snapshot!("models_bob.tabular", model::write_list(&list, &bob));
}

#[test]
fn configuration_of_an_application() {
    let config = examples::application_config();
    assert_snapshot!("config.json", to_json(&config));
    assert_snapshot!("config.yaml", to_yaml(&config));
    let check = |key: &str, expected: &str| {
        assert_eq!(config::write_value(&config.settings[key]), expected, "{key}");
    };
    check("slug", "my slug\n");
    check("workers", "3\n");
    check("token", "\n");
    assert_eq!(config::write_value(&config.application_config["trust"]), "false\n");
}

#[test]
fn configuration_of_a_model() {
    let config = examples::model_config();
    assert_snapshot!("model_config.json", to_json(&config));
    assert_snapshot!("model_config.yaml", to_yaml(&config));
    assert_snapshot!("model_config.tabular", config::write_model_config(&config));
    let check = |key: &str, expected: &str| {
        assert_eq!(config::write_model_value(&config[key]), expected, "{key}");
    };
    check("update-status-hook-interval", "5m\n");
    check("automatically-retry-hooks", "True\n");
    check("http-proxy", "");
    check("net-bond-reconfigure-delay", "17\n");
}

#[test]
fn results_of_tasks() {
    let one = examples::action_results();
    assert_snapshot!("run.json", to_json(&one));
    assert_snapshot!("run.yaml", to_yaml(&one));
    assert_snapshot!("run.plain", task::write_run(&one, false));
    assert_snapshot!("run.colours", shown(&task::write_run(&one, true)));

    let failed = examples::failed_results();
    assert_snapshot!("run_failed.json", to_json(&failed));
    assert_snapshot!("run_failed.plain", task::write_run(&failed, false));

    let several = one.into_iter().chain(failed).collect();
    assert_snapshot!("run_several.plain", task::write_run(&several, false));

    let exec = examples::exec_results();
    assert_snapshot!("exec.json", to_json(&exec));
    assert_eq!(task::write_exec(&exec), "foo\n");
    let mut machines = exec.clone();
    let mut quiet = exec["tinyproxy/0"].clone();
    machines.insert("10".to_owned(), quiet.clone());
    quiet.results = BTreeMap::from([("return-code".to_owned(), json!(0))]);
    machines.insert("2".to_owned(), quiet);
    assert_eq!(task::write_exec(&machines), "2:\n\n10:\nfoo\n\ntinyproxy/0:\nfoo\n\n");
}

#[test]
fn what_is_said_of_tasks() {
    let tasks = [("2".to_owned(), "unit-a-0".to_owned()), ("3".to_owned(), "unit-a-1".to_owned())];
    assert_eq!(
        task::running("1", &tasks),
        "Running operation 1 with 2 tasks\n  - task 2 on unit-a-0\n  - task 3 on unit-a-1\n\n"
    );
    assert_eq!(task::waiting("2"), "Waiting for task 2...\n");
    assert_eq!(
        task::scheduled("1", &texts(&["2"])),
        "Scheduled operation 1 with task 2\nCheck operation status with 'juju show-operation 1'\n\
         Check task status with 'juju show-task 2'\n"
    );
    assert_eq!(
        task::failed(&BTreeMap::from([("2".to_owned(), 1)])),
        "the following task failed:\n - id \"2\" with return code 1\n\nuse 'juju show-task' to inspect the \
         failure\n"
    );
}

#[test]
fn storage() {
    let storage = machines().storage;
    assert_snapshot!("storage.json", to_json(&storage));
    assert_snapshot!("storage.yaml", to_yaml(&storage));
    assert_snapshot!("storage.tabular", storage::write_list(&storage, false));
    assert_snapshot!("storage_filesystems.tabular", storage::write_filesystem_list(&storage));
    assert_snapshot!("storage_volumes.tabular", storage::write_volume_list(&storage));
    assert_snapshot!("show_storage.yaml", to_yaml(&storage.storage));
    assert_snapshot!("storage_kubernetes.tabular", storage::write_filesystem_list(&kubernetes().storage));
    let pools = examples::pools();
    assert_snapshot!("storage_pools.json", to_json(&pools));
    assert_snapshot!("storage_pools.yaml", to_yaml(&pools));
    assert_snapshot!("storage_pools.tabular", storage::write_pools(&pools));
}

/// Colours in a way that can be read.
fn shown(text: &str) -> String {
    text.replace('\u{1b}', "␛")
}
