//! Models and controllers, and looking at what is in them.

use crate::flags::arguments as check;
use crate::flags::spec::{CommandSpec, FlagKind, FlagSpec, TABULAR, Target, YAML};

const UTC: FlagSpec = FlagSpec::switch(&["utc"], "Show times in UTC");
const NO_COLOR: FlagSpec = FlagSpec::switch(&["no-color"], "Do not colour the output");

pub(super) const COMMANDS: &[CommandSpec] = &[
    CommandSpec {
        name: "add-model",
        arguments: "<model name> [cloud|region|(cloud/region)]",
        summary: "Add a model.",
        details: "\
The cloud decides whether it is a machine or a Kubernetes model. The new model becomes the current
one, unless --no-switch is given.",
        examples: &["juju add-model test", "juju add-model test k8s --config logging-config='<root>=DEBUG'"],
        see_also: &["model-config", "models", "destroy-model"],
        flags: &[
            FlagSpec::text(&["owner"], "Who owns it, if not the current user"),
            FlagSpec::text(&["credential"], "The credential for the cloud"),
            FlagSpec::new(
                &["config"],
                FlagKind::Settings,
                "",
                "A setting as key=value, or a YAML file with settings; may be repeated",
            ),
            FlagSpec::switch(&["no-switch"], "Stay with the model that is current"),
        ],
        target: Target::Controller,
        check: check::add_model,
        ..CommandSpec::BASE
    },
    CommandSpec {
        name: "destroy-model",
        arguments: "[<controller name>:]<model name>",
        summary: "Remove a model with all that is in it.",
        details: "\
Units run their last hooks, unless --force is given. A model with storage is only destroyed when
it is said what becomes of the storage. The command returns when the model is gone.",
        examples: &[
            "juju destroy-model --no-prompt test",
            "juju destroy-model --no-prompt --destroy-storage --force test",
        ],
        see_also: &["add-model"],
        flags: &[
            FlagSpec::switch(&["no-prompt"], "Do not ask whether it is meant"),
            FlagSpec::new(
                &["timeout", "t"],
                FlagKind::Duration,
                "-1s",
                "With --force: the longest time for each step",
            ),
            FlagSpec::switch(&["destroy-storage"], "Destroy the model's storage"),
            FlagSpec::switch(&["release-storage"], "Keep the model's storage, and forget it"),
            FlagSpec::switch(&["force"], "Destroy it although something went wrong"),
            FlagSpec::switch(&["no-wait"], "With --force: do not wait for one step before the next"),
        ],
        target: Target::Nothing,
        check: check::destroy_model,
        ..CommandSpec::BASE
    },
    CommandSpec {
        name: "models",
        aliases: &["list-models"],
        summary: "List models.",
        details: "The current model has a star.",
        examples: &["juju models", "juju models --format json"],
        see_also: &["add-model"],
        flags: &[
            FlagSpec::text(&["user"], "Models that this user can see"),
            FlagSpec::switch(&["all"], "All models, whoever can see them"),
            FlagSpec::switch(&["uuid"], "Show the models' UUIDs"),
            FlagSpec::switch(&["exact-time"], "Show times in full"),
        ],
        target: Target::Controller,
        formats: TABULAR,
        ..CommandSpec::BASE
    },
    CommandSpec {
        name: "show-model",
        arguments: "<model name>",
        summary: "Show what is known about a model.",
        details: "The current model is shown where no name is given.",
        examples: &["juju show-model", "juju show-model test --format json"],
        see_also: &["add-model"],
        target: Target::Nothing,
        formats: YAML,
        check: check::at_most_one,
        ..CommandSpec::BASE
    },
    CommandSpec {
        name: "model-config",
        arguments: "[<model-key>[=<value>] ...]",
        summary: "Show, set or reset a model's settings.",
        details: "\
Without keys all settings are shown with where they come from, with one key its value alone.",
        examples: &[
            "juju model-config",
            "juju model-config update-status-hook-interval=10s",
            "juju model-config --reset update-status-hook-interval",
        ],
        see_also: &["models", "config"],
        flags: &[
            FlagSpec::new(&["file"], FlagKind::Plain, "", "A YAML file with settings"),
            FlagSpec::switch(&["color"], "Colour the output"),
            NO_COLOR,
            FlagSpec::new(
                &["reset"],
                FlagKind::Texts,
                "",
                "Keys to set back to their defaults, with commas in between",
            ),
            FlagSpec::switch(&["ignore-read-only-fields"], "Pass over settings in a file that cannot be set"),
        ],
        formats: TABULAR,
        check: check::model_config,
        ..CommandSpec::BASE
    },
    CommandSpec {
        name: "model-constraints",
        summary: "Show a model's constraints.",
        details: "They hold for machines of applications that say nothing else.",
        examples: &["juju model-constraints"],
        see_also: &["models", "constraints", "set-constraints", "set-model-constraints"],
        formats: &["constraints", "json", "yaml"],
        ..CommandSpec::BASE
    },
    CommandSpec {
        name: "set-model-constraints",
        arguments: "<constraint>=<value> ...",
        summary: "Set a model's constraints.",
        details: "They are kept and shown, and machines that are added later get them.",
        examples: &["juju set-model-constraints cores=8 mem=16G"],
        see_also: &["models", "model-constraints", "constraints", "set-constraints"],
        check: check::set_model_constraints,
        ..CommandSpec::BASE
    },
    CommandSpec {
        name: "switch",
        arguments: "[<controller>|<model>|<controller>:|:<model>|<controller>:<model>]",
        summary: "Choose the current controller and model, or show them.",
        details: "A name is a model's, or else a controller's.",
        examples: &["juju switch", "juju switch test", "juju switch concierge-k8s:admin/test"],
        see_also: &["controllers", "models", "show-controller"],
        target: Target::Nothing,
        check: check::at_most_one,
        ..CommandSpec::BASE
    },
    CommandSpec {
        name: "status",
        arguments: "[<selector> [...]]",
        summary: "Show a model's applications, units and machines, and how they are.",
        details: "\
Selectors are applications, units or machines, with * for any letters; what belongs to one of them
is shown. With --watch the status is shown again and again.",
        examples: &[
            "juju status",
            "juju status mysql --relations",
            "juju status --watch 2s",
            "juju status --format json",
        ],
        see_also: &["machines", "show-model", "show-status-log", "storage"],
        flags: &[
            UTC,
            FlagSpec::switch(&["color"], "Colour the output"),
            NO_COLOR,
            FlagSpec::switch(&["integrations"], "Show integrations in the table"),
            FlagSpec::switch(&["relations"], "The same as --integrations"),
            FlagSpec::switch(&["storage"], "Show storage in the table"),
            FlagSpec::new(
                &["retry-count"],
                FlagKind::Number,
                "3",
                "How often to ask a controller that does not answer",
            ),
            FlagSpec::new(
                &["retry-delay"],
                FlagKind::Duration,
                "100ms",
                "How long to wait before asking again",
            ),
            FlagSpec::new(&["watch"], FlagKind::Duration, "0s", "Show the status again after this time"),
        ],
        formats: &["tabular", "json", "line", "oneline", "short", "summary", "yaml"],
        check: check::status,
        ..CommandSpec::BASE
    },
    CommandSpec {
        name: "show-status-log",
        arguments: "<entity name>",
        summary: "Show the states that something was in.",
        details: "The last twenty are shown, or as many as -n, --days or --from-date say.",
        examples: &["juju show-status-log mysql/0", "juju show-status-log --type application mysql -n 5"],
        see_also: &["status"],
        flags: &[
            FlagSpec::new(&["type"], FlagKind::Text, "unit", "What it is: unit, application, machine, …"),
            FlagSpec::new(&["n"], FlagKind::Number, "0", "How many states"),
            FlagSpec::new(&["days"], FlagKind::Number, "0", "States of this many days"),
            FlagSpec::text(&["from-date"], "States since this day, as YYYY-MM-DD"),
            UTC,
        ],
        formats: TABULAR,
        check: check::show_status_log,
        ..CommandSpec::BASE
    },
    CommandSpec {
        name: "debug-log",
        summary: "Show the log of a model.",
        details: "\
On a terminal the log is followed; elsewhere what there is is shown. Entities are units, machines
and applications, modules are the part of a line behind the level. Both match by their beginning.",
        examples: &[
            "juju debug-log --replay --no-tail",
            "juju debug-log --include mysql/0 --level WARNING",
            "juju debug-log --limit 20",
        ],
        see_also: &["status", "ssh"],
        flags: &[
            FlagSpec::new(
                &["include", "i"],
                FlagKind::Texts,
                "",
                "Only lines of these entities; may be repeated",
            ),
            FlagSpec::new(
                &["exclude", "x"],
                FlagKind::Texts,
                "",
                "No lines of these entities; may be repeated",
            ),
            FlagSpec::new(
                &["include-module"],
                FlagKind::Texts,
                "",
                "Only lines of these modules; may be repeated",
            ),
            FlagSpec::new(
                &["exclude-module"],
                FlagKind::Texts,
                "",
                "No lines of these modules; may be repeated",
            ),
            FlagSpec::new(
                &["include-label"],
                FlagKind::Texts,
                "",
                "Only lines with these labels; may be repeated",
            ),
            FlagSpec::new(
                &["exclude-label"],
                FlagKind::Texts,
                "",
                "No lines with these labels; may be repeated",
            ),
            FlagSpec::text(&["level", "l"], "The lowest level to show: TRACE, DEBUG, INFO, WARNING or ERROR"),
            FlagSpec::new(
                &["lines", "n"],
                FlagKind::Lines,
                "0",
                "Begin with this many of the last lines, and follow",
            ),
            FlagSpec::new(&["limit"], FlagKind::Lines, "0", "Show this many of the last lines, and end"),
            FlagSpec::switch(&["replay"], "Begin with the first line"),
            FlagSpec::switch(&["no-tail"], "Do not follow the log"),
            FlagSpec::switch(&["tail"], "Follow the log"),
            FlagSpec::switch(&["color"], "Colour the output"),
            UTC,
            FlagSpec::switch(&["location"], "Show files and line numbers"),
            FlagSpec::switch(&["date"], "Show days as well as times"),
            FlagSpec::switch(&["ms"], "Show milliseconds"),
            FlagSpec::switch(&["retry"], "Connect again when the connection breaks"),
            FlagSpec::new(
                &["retry-delay"],
                FlagKind::Duration,
                "1s",
                "How long to wait before connecting again",
            ),
        ],
        check: check::debug_log,
        ..CommandSpec::BASE
    },
    CommandSpec {
        name: "export-bundle",
        summary: "Write the model as a bundle.",
        details: "Applications, relations and machines are in it, with settings that are not defaults.",
        examples: &["juju export-bundle", "juju export-bundle --filename bundle.yaml"],
        flags: &[
            FlagSpec::text(&["filename"], "The file to write to"),
            FlagSpec::switch(&["include-charm-defaults"], "Write settings that are defaults as well"),
            FlagSpec::switch(&["include-series"], "Write series beside bases"),
        ],
        ..CommandSpec::BASE
    },
    CommandSpec {
        name: "grant",
        arguments: "<user name> <permission> [<model name> ... | <offer url> ...]",
        summary: "Give a user access to models, offers or the controller.",
        details: "Access is kept and shown. Everyone who can reach this Juju is its administrator.",
        examples: &["juju grant joe write test", "juju grant joe consume admin/test.db"],
        see_also: &["revoke"],
        target: Target::Controller,
        check: check::access,
        ..CommandSpec::BASE
    },
    CommandSpec {
        name: "revoke",
        arguments: "<user name> <permission> [<model name> ... | <offer url> ...]",
        summary: "Take access away from a user.",
        details: "What is below the permission stays: who loses write access can still read.",
        examples: &["juju revoke joe write test"],
        see_also: &["grant"],
        target: Target::Controller,
        check: check::access,
        ..CommandSpec::BASE
    },
    CommandSpec {
        name: "controllers",
        aliases: &["list-controllers"],
        summary: "List controllers.",
        details: "The current controller has a star.",
        examples: &["juju controllers", "juju controllers --format json"],
        see_also: &["models", "show-controller"],
        flags: &[FlagSpec::switch(&["refresh"], "Ask each controller for news")],
        target: Target::Nothing,
        formats: TABULAR,
        ..CommandSpec::BASE
    },
    CommandSpec {
        name: "show-controller",
        arguments: "[<controller name> ...]",
        summary: "Show what is known about controllers.",
        details: "The current controller is shown where no name is given.",
        examples: &["juju show-controller"],
        see_also: &["controllers"],
        flags: &[FlagSpec::switch(&["show-password"], "Show the user's password")],
        target: Target::Nothing,
        formats: YAML,
        check: check::anything,
        ..CommandSpec::BASE
    },
    CommandSpec {
        name: "info",
        arguments: "<charm>",
        summary: "Show what Charmhub knows about a charm.",
        details: "Channels, revisions and bases are shown.",
        examples: &["juju info postgresql"],
        see_also: &["find", "deploy"],
        target: Target::Nothing,
        formats: TABULAR,
        check: |parsed| match parsed.positionals.as_slice() {
            [_] => Ok(()),
            [] => Err("expected a charm or bundle name".to_owned()),
            [_, rest @ ..] => Err(format!("unrecognized args: {}", crate::values::go::quote_all(rest))),
        },
        ..CommandSpec::BASE
    },
    CommandSpec {
        name: "find",
        arguments: "[<words>...]",
        summary: "Look for charms on Charmhub.",
        details: "Charms whose names or descriptions have the words are listed.",
        examples: &["juju find postgresql"],
        see_also: &["info", "deploy"],
        target: Target::Nothing,
        formats: TABULAR,
        check: |_| Ok(()),
        ..CommandSpec::BASE
    },
    CommandSpec {
        name: "users",
        aliases: &["list-users"],
        arguments: "[model-name]",
        summary: "List users of a controller or of a model.",
        details: "Those who were given access are listed beside admin, who has all of it.",
        examples: &["juju users", "juju users test"],
        see_also: &["grant", "revoke", "show-user"],
        flags: &[
            FlagSpec::switch(&["exact-time"], "Show times in full"),
            FlagSpec::switch(&["all"], "Users who are kept out as well"),
        ],
        target: Target::Controller,
        formats: TABULAR,
        check: check::at_most_one,
        ..CommandSpec::BASE
    },
    CommandSpec {
        name: "show-user",
        arguments: "[<user name>]",
        summary: "Show what is known about a user.",
        details: "The current user is shown where none is named.",
        examples: &["juju show-user", "juju show-user joe --format json"],
        see_also: &["users"],
        flags: &[FlagSpec::switch(&["exact-time"], "Show times in full")],
        target: Target::Controller,
        formats: YAML,
        check: check::at_most_one,
        ..CommandSpec::BASE
    },
    CommandSpec {
        name: "whoami",
        summary: "Print the current controller, model and user.",
        details: "The user is always admin here.",
        examples: &["juju whoami"],
        see_also: &["controllers", "models"],
        target: Target::Nothing,
        formats: TABULAR,
        ..CommandSpec::BASE
    },
];
