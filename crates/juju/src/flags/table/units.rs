//! Units: adding, removing, looking at, and working in them.

use crate::flags::arguments as check;
use crate::flags::spec::{CommandSpec, FlagKind, FlagSpec};

const SSH_FLAGS: [FlagSpec; 4] = [
    FlagSpec::switch(&["proxy"], "Go through the controller"),
    FlagSpec::switch(&["no-host-key-checks"], "Do not check the machine's key"),
    FlagSpec::switch(&["remote"], "In a Kubernetes model: the workload's or the operator's pod"),
    FlagSpec::text(&["container"], "In a Kubernetes model: the container"),
];

pub(super) const COMMANDS: &[CommandSpec] = &[
    CommandSpec {
        name: "add-unit",
        arguments: "<application name>",
        summary: "Add units to an application.",
        details: "In a Kubernetes model only the number can be said.",
        examples: &["juju add-unit mysql", "juju add-unit mysql -n 3 --to 2,lxd:3"],
        see_also: &["remove-unit"],
        flags: &[
            FlagSpec::new(&["num-units", "n"], FlagKind::Number, "1", "How many units to add"),
            FlagSpec::text(&["to"], "Machines or containers for the units, with commas in between"),
            FlagSpec::new(
                &["attach-storage"],
                FlagKind::StorageIds,
                "",
                "Storage to attach to the unit, by id",
            ),
        ],
        has_login: false,
        check: check::add_unit,
        ..CommandSpec::BASE
    },
    CommandSpec {
        name: "remove-unit",
        arguments: "<unit> [...] | <application>",
        summary: "Remove units from an application.",
        details: "\
Units of a machine model are named. In a Kubernetes model the application is named, and the units
with the highest numbers go, as many as --num-units says.",
        examples: &["juju remove-unit wordpress/2 wordpress/3", "juju remove-unit wordpress --num-units 2"],
        see_also: &["remove-application", "scale-application"],
        flags: &[
            FlagSpec::switch(&["no-prompt"], "Do not ask whether it is meant"),
            FlagSpec::switch(&["dry-run"], "Show what would be removed, and remove nothing"),
            FlagSpec::new(
                &["num-units"],
                FlagKind::Number,
                "0",
                "In a Kubernetes model: how many units to remove",
            ),
            FlagSpec::switch(&["destroy-storage"], "Destroy the units' storage as well"),
            FlagSpec::switch(&["force"], "Remove them although something went wrong"),
            FlagSpec::switch(&["no-wait"], "With --force: do not wait for one step before the next"),
        ],
        check: check::remove_unit,
        ..CommandSpec::BASE
    },
    CommandSpec {
        name: "scale-application",
        arguments: "<application> <scale>",
        summary: "Set how many units a Kubernetes application has.",
        details: "Units are added behind the last one, or the last ones are removed.",
        examples: &["juju scale-application mariadb 2"],
        see_also: &["remove-application", "add-unit", "remove-unit"],
        check: check::scale_application,
        ..CommandSpec::BASE
    },
    CommandSpec {
        name: "show-unit",
        arguments: "<unit name>",
        summary: "Show what the model knows about units.",
        details: "Among it are the data of relations, as the unit sees them.",
        examples: &["juju show-unit mysql/0", "juju show-unit mysql/0 --endpoint db --app"],
        see_also: &["add-unit", "remove-unit"],
        flags: &[
            FlagSpec::text(&["endpoint"], "Only relations of this endpoint"),
            FlagSpec::text(&["related-unit"], "Only data of this unit"),
            FlagSpec::switch(&["app"], "Only data of applications"),
        ],
        formats: &["yaml", "json", "smart"],
        check: check::show_unit,
        ..CommandSpec::BASE
    },
    CommandSpec {
        name: "resolved",
        aliases: &["resolve"],
        arguments: "[<unit> ...]",
        summary: "Say that the error of a unit has been resolved.",
        details: "The failed hook runs again, or is passed over with --no-retry.",
        examples: &["juju resolved mysql/0", "juju resolved --no-retry mysql/0", "juju resolved --all"],
        flags: &[
            FlagSpec::switch(&["no-retry"], "Do not run the failed hook again"),
            FlagSpec::switch(&["all"], "All units that are in error"),
        ],
        check: check::resolved,
        ..CommandSpec::BASE
    },
    CommandSpec {
        name: "ssh",
        arguments: "<[user@]target> [openssh options] [command]",
        summary: "Work in a unit or on a machine.",
        details: "\
The target is a unit, a machine's id, or <application>/leader. Without a command a shell is
started. In a Kubernetes model the command runs in the charm's container, or in --container.",
        examples: &[
            "juju ssh mysql/0",
            "juju ssh 0 uname -a",
            "juju ssh --container redis snappass/0 redis-cli ping",
        ],
        see_also: &["scp"],
        flags: &[
            SSH_FLAGS[0],
            SSH_FLAGS[1],
            SSH_FLAGS[2],
            SSH_FLAGS[3],
            FlagSpec::new(&["pty"], FlagKind::MaybeSwitch, "<auto>", "Give the command a terminal"),
        ],
        is_interspersed: false,
        has_login: false,
        check: check::ssh,
        ..CommandSpec::BASE
    },
    CommandSpec {
        name: "scp",
        arguments: "<source> <destination>",
        summary: "Copy files to and from units and machines.",
        details: "\
A path in a unit or on a machine is written <target>:<path>. Options of scp come behind --. In a
Kubernetes model there is one source and one destination, and no options.",
        examples: &[
            "juju scp mysql/0:/var/log/syslog .",
            "juju scp -- -r ./files 0:/tmp",
            "juju scp --container redis ./a app/0:/tmp/a",
        ],
        see_also: &["ssh"],
        flags: &SSH_FLAGS,
        is_interspersed: false,
        has_login: false,
        check: check::scp,
        ..CommandSpec::BASE
    },
];
