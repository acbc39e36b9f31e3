//! Waiting for something to get into a state.

use crate::flags::arguments as check;
use crate::flags::spec::{CommandSpec, FlagKind, FlagSpec, Target};

const TIMEOUT: FlagSpec =
    FlagSpec::new(&["timeout"], FlagKind::Duration, "10m0s", "The longest time to wait");
const SUMMARY: FlagSpec =
    FlagSpec::new(&["summary"], FlagKind::Switch, "true", "Say in the end what it waited for");

const WITHIN: CommandSpec = CommandSpec { flags_are: "flag", ..CommandSpec::BASE };

const fn query(default: &'static str) -> FlagSpec {
    FlagSpec::new(&["query"], FlagKind::Text, default, "The state to wait for")
}

pub(super) const COMMANDS: &[CommandSpec] = &[
    CommandSpec {
        name: "wait-for",
        arguments: "<command> ...",
        summary: "Wait for something to get into a state.",
        details: "A state is a query such as life==\"alive\" && status==\"active\".",
        examples: &[
            "juju wait-for application mysql",
            "juju wait-for unit mysql/0 --query 'workload-status==\"blocked\"'",
        ],
        see_also: &["status"],
        target: Target::Nothing,
        has_login: false,
        check: check::anything,
        ..WITHIN
    },
    CommandSpec {
        name: "wait-for application",
        arguments: "[<name>]",
        summary: "Wait for an application.",
        details: "By default for one that is alive and active.",
        examples: &["juju wait-for application mysql --timeout 5m"],
        see_also: &["wait-for model", "wait-for machine", "wait-for unit"],
        flags: &[query("life==\"alive\" && status==\"active\""), TIMEOUT, SUMMARY],
        check: check::wait_for_application,
        ..WITHIN
    },
    CommandSpec {
        name: "wait-for machine",
        arguments: "[<id>]",
        summary: "Wait for a machine.",
        details: "By default for one that is alive and started.",
        examples: &["juju wait-for machine 0"],
        see_also: &["wait-for model", "wait-for application", "wait-for unit"],
        flags: &[query("life==\"alive\" && status==\"started\""), TIMEOUT, SUMMARY],
        check: check::wait_for_machine,
        ..WITHIN
    },
    CommandSpec {
        name: "wait-for model",
        arguments: "[<name>]",
        summary: "Wait for a model.",
        details: "By default for one that is alive and available.",
        examples: &[
            "juju wait-for model test --query 'forEach(units, unit => unit.workload-status == \"active\")'",
        ],
        see_also: &["wait-for application", "wait-for machine", "wait-for unit"],
        flags: &[query("life==\"alive\" && status==\"available\""), TIMEOUT, SUMMARY],
        target: Target::Nothing,
        check: check::wait_for_model,
        ..WITHIN
    },
    CommandSpec {
        name: "wait-for unit",
        arguments: "[<name>]",
        summary: "Wait for a unit.",
        details: "By default for one that is alive and active.",
        examples: &["juju wait-for unit mysql/0"],
        see_also: &["wait-for model", "wait-for application", "wait-for machine"],
        flags: &[query("life==\"alive\" && workload-status==\"active\""), TIMEOUT, SUMMARY],
        check: check::wait_for_unit,
        ..WITHIN
    },
];
