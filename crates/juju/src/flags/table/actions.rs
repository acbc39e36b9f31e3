//! Actions, commands in hook context, and the operations that both are.

use crate::flags::arguments as check;
use crate::flags::spec::{CommandSpec, FlagKind, FlagSpec, PLAIN, YAML};

const BACKGROUND: FlagSpec = FlagSpec::switch(&["background"], "Return at once, and let the task run");
const WAIT: FlagSpec =
    FlagSpec::new(&["wait"], FlagKind::Duration, "0s", "The longest time to wait for a task");
const WATCH: FlagSpec = FlagSpec::switch(&["watch"], "Wait for as long as it takes");
const COLOR: FlagSpec = FlagSpec::switch(&["color"], "Colour the output");
const NO_COLOR: FlagSpec = FlagSpec::switch(&["no-color"], "Do not colour the output");
const UTC: FlagSpec = FlagSpec::switch(&["utc"], "Show times in UTC");
const RESULT_WAIT: FlagSpec =
    FlagSpec::new(&["wait"], FlagKind::Duration, "-1s", "The longest time to wait for results");

pub(super) const COMMANDS: &[CommandSpec] = &[
    CommandSpec {
        name: "run",
        arguments: "<unit> [<unit> ...] <action-name> [<key>=<value> [<key>[.<key> ...]=<value>]]",
        summary: "Run an action on units of an application.",
        details: "\
Parameters are read from a YAML file with --params, and from key=value arguments, which win.
A key with points sets a value within a map. Values are read as YAML, unless --string-args is given.
The command waits a minute for the results, or as long as --wait says; the exit code is 1 when an
action broke or did not finish in time. With --background it prints the operation and returns.",
        examples: &[
            "juju run mysql/3 backup",
            "juju run mysql/leader backup out=out.tar.bz2 file.kind=xz --wait=2m",
            "juju run mysql/0 backup --params parameters.yaml --format json",
        ],
        see_also: &["operations", "show-operation", "show-task"],
        flags: &[
            BACKGROUND,
            WAIT,
            COLOR,
            NO_COLOR,
            UTC,
            FlagSpec::new(&["params"], FlagKind::Plain, "", "A YAML file with parameters"),
            FlagSpec::switch(&["string-args"], "Take values of arguments as they are, not as YAML"),
        ],
        formats: PLAIN,
        check: check::run,
        ..CommandSpec::BASE
    },
    CommandSpec {
        name: "exec",
        arguments: "<commands>",
        summary: "Run a command in the context of units, or on machines.",
        details: "\
The command runs as root, in the directory of the charm, and can call hook tools when a unit or
an application is the target. One argument is a line for the shell; several are quoted for it.
Put -- in front of a command that has flags. The command waits five minutes, or as --wait says.",
        examples: &[
            "juju exec --unit mysql/0 -- hostname -f",
            "juju exec --application mysql --format json -- is-leader",
            "juju exec --all uptime",
        ],
        see_also: &["run", "ssh"],
        flags: &[
            BACKGROUND,
            WAIT,
            COLOR,
            NO_COLOR,
            UTC,
            FlagSpec::switch(&["all"], "Run on all machines"),
            FlagSpec::switch(&["operator"], "Run in the operator of a Kubernetes application"),
            FlagSpec::new(&["parallel"], FlagKind::Switch, "true", "Run at once, without waiting for a lock"),
            FlagSpec::text(&["execution-group"], "Run one after another within this group"),
            FlagSpec::new(&["machine"], FlagKind::List, "", "Machines by id, with commas in between"),
            FlagSpec::new(
                &["application", "app", "a"],
                FlagKind::List,
                "",
                "Applications, with commas in between",
            ),
            FlagSpec::new(
                &["unit", "u"],
                FlagKind::List,
                "",
                "Units or <application>/leader, with commas in between",
            ),
        ],
        formats: PLAIN,
        check: check::exec,
        ..CommandSpec::BASE
    },
    CommandSpec {
        name: "actions",
        aliases: &["list-actions"],
        arguments: "<application>",
        summary: "List the actions that an application's charm has.",
        details: "Names and descriptions are shown, and with --schema the parameters as well.",
        examples: &["juju actions mysql", "juju actions mysql --schema --format yaml"],
        see_also: &["run", "show-action"],
        flags: &[FlagSpec::switch(&["schema"], "Show the parameters' schema")],
        formats: &["default", "json", "tabular", "yaml"],
        check: check::actions,
        ..CommandSpec::BASE
    },
    CommandSpec {
        name: "show-action",
        arguments: "<application> <action>",
        summary: "Show the parameters of an action.",
        details: "The action's description comes first, then the schema of what it takes.",
        examples: &["juju show-action mysql backup"],
        see_also: &["actions", "run"],
        check: check::show_action,
        ..CommandSpec::BASE
    },
    CommandSpec {
        name: "operations",
        aliases: &["list-operations"],
        summary: "List operations that are waiting, running or over.",
        details: "Filters take lists with commas in between, and several filters must all hold.",
        examples: &["juju operations", "juju operations --units mysql/0 --status failed"],
        see_also: &["run", "show-operation", "show-task"],
        flags: &[
            UTC,
            FlagSpec::new(
                &["applications", "apps"],
                FlagKind::List,
                "",
                "Only operations on these applications",
            ),
            FlagSpec::new(&["units"], FlagKind::List, "", "Only operations on these units"),
            FlagSpec::new(&["machines"], FlagKind::List, "", "Only operations on these machines"),
            FlagSpec::new(&["actions"], FlagKind::List, "", "Only operations with these actions"),
            FlagSpec::new(&["status"], FlagKind::List, "", "Only operations in these states"),
            FlagSpec::new(&["limit"], FlagKind::Count, "0", "Show no more than this many"),
            FlagSpec::new(&["offset"], FlagKind::Count, "0", "Leave out this many of the first"),
        ],
        formats: PLAIN,
        check: check::operations,
        ..CommandSpec::BASE
    },
    CommandSpec {
        name: "show-operation",
        arguments: "<operation-id>",
        summary: "Show the tasks of an operation and their results.",
        details: "With --wait or --watch the command returns when the operation is over.",
        examples: &["juju show-operation 1", "juju show-operation 1 --wait=2m"],
        see_also: &["run", "operations", "show-task"],
        flags: &[RESULT_WAIT, WATCH, UTC],
        formats: YAML,
        check: check::show_operation,
        ..CommandSpec::BASE
    },
    CommandSpec {
        name: "show-task",
        arguments: "<task ID>",
        summary: "Show the results of a task.",
        details: "With --watch the messages that an action logs are shown as they come.",
        examples: &["juju show-task 2", "juju show-task 2 --wait=2m"],
        see_also: &["cancel-task", "run", "operations", "show-operation"],
        flags: &[RESULT_WAIT, WATCH, UTC],
        formats: PLAIN,
        check: check::show_task,
        ..CommandSpec::BASE
    },
    CommandSpec {
        name: "cancel-task",
        arguments: "(<task-id>|<task-id-prefix>) [...]",
        summary: "Cancel tasks that are waiting or running.",
        details: "A waiting task is cancelled at once; the process of a running one is ended.",
        examples: &["juju cancel-task 1"],
        see_also: &["show-task"],
        formats: YAML,
        check: check::cancel_task,
        ..CommandSpec::BASE
    },
];
