//! Machines, and the keys that open them.

use crate::flags::arguments as check;
use crate::flags::spec::{CommandSpec, FlagKind, FlagSpec, TABULAR};

const LIST_FLAGS: [FlagSpec; 2] =
    [FlagSpec::switch(&["utc"], "Show times in UTC"), FlagSpec::switch(&["color"], "Colour the output")];

pub(super) const COMMANDS: &[CommandSpec] = &[
    CommandSpec {
        name: "add-machine",
        arguments: "[<container-type>[:<machine-id>] | ssh:[<user>@]<host> | <placement>] | <private-key> | <public-key>",
        summary: "Add machines to a model.",
        details: "Units can be placed on them with --to.",
        examples: &[
            "juju add-machine",
            "juju add-machine -n 2 --base ubuntu@22.04",
            "juju add-machine lxd:1",
        ],
        see_also: &["remove-machine", "model-constraints", "set-model-constraints"],
        flags: &[
            FlagSpec::text(&["series"], "The series to install; --base is the newer way"),
            FlagSpec::text(&["base"], "The base to install, such as ubuntu@24.04"),
            FlagSpec::new(&["n"], FlagKind::Number, "1", "How many machines"),
            FlagSpec::new(&["constraints"], FlagKind::Texts, "[]", "What the machines must have"),
            FlagSpec::new(&["disks"], FlagKind::Disks, "", "Disks of the machines, with spaces in between"),
            FlagSpec::text(&["private-key"], "The file of the key to connect with"),
            FlagSpec::text(&["public-key"], "The file of the key to let in"),
        ],
        check: check::add_machine,
        ..CommandSpec::BASE
    },
    CommandSpec {
        name: "machines",
        aliases: &["list-machines"],
        summary: "List a model's machines.",
        details: "Their state, address, base and instance are shown.",
        examples: &["juju machines"],
        see_also: &["status"],
        flags: &LIST_FLAGS,
        formats: TABULAR,
        ..CommandSpec::BASE
    },
    CommandSpec {
        name: "show-machine",
        arguments: "<machineID> ...",
        summary: "Show what is known about machines.",
        details: "All machines are shown where none is named.",
        examples: &["juju show-machine 0"],
        see_also: &["add-machine"],
        flags: &LIST_FLAGS,
        formats: &["yaml", "json", "tabular"],
        check: check::anything,
        ..CommandSpec::BASE
    },
    CommandSpec {
        name: "remove-machine",
        arguments: "<machine number> ...",
        summary: "Remove machines from a model.",
        details: "A machine with units is only removed with --force.",
        examples: &["juju remove-machine 5", "juju remove-machine 6 --force"],
        see_also: &["add-machine"],
        flags: &[
            FlagSpec::switch(&["no-prompt"], "Do not ask whether it is meant"),
            FlagSpec::switch(&["dry-run"], "Show what would be removed, and remove nothing"),
            FlagSpec::switch(&["force"], "Remove them with all that is on them"),
            FlagSpec::switch(&["keep-instance"], "Let the instance run on"),
            FlagSpec::switch(&["no-wait"], "With --force: do not wait for one step before the next"),
        ],
        check: check::remove_machine,
        ..CommandSpec::BASE
    },
    CommandSpec {
        name: "ssh-keys",
        aliases: &["list-ssh-keys"],
        summary: "List the keys that open a model's machines.",
        details: "Fingerprints and comments are shown, or whole keys with --full.",
        examples: &["juju ssh-keys", "juju ssh-keys --full"],
        see_also: &["add-ssh-key", "remove-ssh-key"],
        flags: &[FlagSpec::switch(&["full"], "Show whole keys")],
        ..CommandSpec::BASE
    },
    CommandSpec {
        name: "add-ssh-key",
        arguments: "<ssh key> ...",
        summary: "Let a key open a model's machines.",
        details: "Every machine that there is and that comes later lets it in.",
        examples: &["juju add-ssh-key \"$(cat ~/.ssh/id_ed25519.pub)\""],
        see_also: &["ssh-keys", "remove-ssh-key"],
        check: check::add_ssh_key,
        ..CommandSpec::BASE
    },
    CommandSpec {
        name: "remove-ssh-key",
        arguments: "<ssh key id> ...",
        summary: "Let a key open a model's machines no longer.",
        details: "A key is named by its fingerprint or its comment.",
        examples: &["juju remove-ssh-key joe@laptop"],
        see_also: &["ssh-keys", "add-ssh-key"],
        check: check::remove_ssh_key,
        ..CommandSpec::BASE
    },
];
