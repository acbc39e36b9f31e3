//! Storage and the pools that it comes from.

use crate::flags::arguments as check;
use crate::flags::spec::{CommandSpec, FlagKind, FlagSpec, TABULAR, YAML};

pub(super) const COMMANDS: &[CommandSpec] = &[
    CommandSpec {
        name: "storage",
        aliases: &["list-storage"],
        arguments: "<filesystem|volume> ...",
        summary: "List a model's storage.",
        details: "Instances are shown, or filesystems or volumes where asked for.",
        examples: &["juju storage", "juju storage --format json"],
        see_also: &["show-storage", "add-storage", "remove-storage"],
        flags: &[
            FlagSpec::switch(&["filesystem"], "Show filesystems"),
            FlagSpec::switch(&["volume"], "Show volumes"),
        ],
        formats: TABULAR,
        check: check::storage,
        ..CommandSpec::BASE
    },
    CommandSpec {
        name: "show-storage",
        arguments: "<storage ID> [...]",
        summary: "Show what is known about storage.",
        details: "Each instance is shown with what it is attached to.",
        examples: &["juju show-storage data/0"],
        see_also: &["storage", "attach-storage", "detach-storage", "remove-storage"],
        formats: YAML,
        check: check::show_storage,
        ..CommandSpec::BASE
    },
    CommandSpec {
        name: "add-storage",
        arguments: "<unit> <storage-directive>",
        summary: "Add storage to a unit.",
        details: "The directive is label=pool,size,count, with what is left out as the charm says.",
        examples: &["juju add-storage mysql/0 data=1G", "juju add-storage mysql/0 data"],
        see_also: &["storage", "storage-pools"],
        check: check::add_storage,
        ..CommandSpec::BASE
    },
    CommandSpec {
        name: "attach-storage",
        arguments: "<unit> <storage> [<storage> ...]",
        summary: "Attach storage that was detached.",
        details: "The unit runs storage-attached.",
        examples: &["juju attach-storage mysql/1 data/0"],
        see_also: &["storage", "detach-storage"],
        check: check::attach_storage,
        ..CommandSpec::BASE
    },
    CommandSpec {
        name: "detach-storage",
        arguments: "<storage> [<storage> ...]",
        summary: "Detach storage from units.",
        details: "The unit runs storage-detaching, and the storage stays in the model.",
        examples: &["juju detach-storage data/0"],
        see_also: &["storage", "attach-storage"],
        flags: &[FlagSpec::switch(&["force"], "Detach it although something went wrong")],
        check: check::detach_storage,
        ..CommandSpec::BASE
    },
    CommandSpec {
        name: "remove-storage",
        arguments: "<storage> [<storage> ...]",
        summary: "Remove storage from a model.",
        details: "Storage that is attached is only removed with --force.",
        examples: &["juju remove-storage data/0", "juju remove-storage --no-destroy data/0"],
        see_also: &["add-storage", "attach-storage", "detach-storage", "show-storage", "storage"],
        flags: &[
            FlagSpec::switch(&["force"], "Remove it although it is attached"),
            FlagSpec::switch(&["no-destroy"], "Keep what is in it, and forget it"),
        ],
        check: check::remove_storage,
        ..CommandSpec::BASE
    },
    CommandSpec {
        name: "storage-pools",
        aliases: &["list-storage-pools"],
        summary: "List pools that storage can come from.",
        details: "Pools that every model has are shown with those that were made.",
        examples: &["juju storage-pools"],
        see_also: &["create-storage-pool", "remove-storage-pool"],
        flags: &[
            FlagSpec::new(&["provider"], FlagKind::Texts, "", "Only pools of this provider; may be repeated"),
            FlagSpec::new(&["name"], FlagKind::Texts, "", "Only the pool with this name; may be repeated"),
        ],
        formats: TABULAR,
        ..CommandSpec::BASE
    },
    CommandSpec {
        name: "create-storage-pool",
        arguments: "<name> <provider> [<key>=<value> [<key>=<value>...]]",
        summary: "Make a pool that storage can come from.",
        details: "In a Kubernetes model the provider can be left out.",
        examples: &["juju create-storage-pool fast tmpfs"],
        see_also: &["remove-storage-pool", "update-storage-pool", "storage-pools"],
        check: check::create_storage_pool,
        ..CommandSpec::BASE
    },
    CommandSpec {
        name: "update-storage-pool",
        arguments: "<name> [<key>=<value> [<key>=<value>...]]",
        summary: "Change a pool's attributes.",
        details: "Storage that came from it stays as it is.",
        examples: &["juju update-storage-pool fast storage-class=gold"],
        see_also: &["create-storage-pool", "remove-storage-pool", "storage-pools"],
        check: check::update_storage_pool,
        ..CommandSpec::BASE
    },
    CommandSpec {
        name: "remove-storage-pool",
        arguments: "<name>",
        summary: "Remove a pool.",
        details: "A pool that is in use stays.",
        examples: &["juju remove-storage-pool fast"],
        see_also: &["create-storage-pool", "update-storage-pool", "storage-pools"],
        check: check::remove_storage_pool,
        ..CommandSpec::BASE
    },
];
