//! Secrets of users, and looking at those of charms.

use crate::flags::arguments as check;
use crate::flags::spec::{CommandSpec, FlagKind, FlagSpec, TABULAR, YAML};

const INFO: FlagSpec = FlagSpec::text(&["info"], "What the secret is for");
const FILE: FlagSpec = FlagSpec::text(&["file"], "A YAML file with keys and values");

pub(super) const COMMANDS: &[CommandSpec] = &[
    CommandSpec {
        name: "secrets",
        aliases: &["list-secrets"],
        summary: "List a model's secrets.",
        details: "Those of users and of charms are shown, or those of one owner.",
        examples: &["juju secrets", "juju secrets --owner application-mysql --format json"],
        see_also: &["add-secret", "remove-secret", "show-secret", "update-secret"],
        flags: &[FlagSpec::text(&["owner"], "Only secrets of this owner")],
        formats: TABULAR,
        has_login: false,
        ..CommandSpec::BASE
    },
    CommandSpec {
        name: "show-secret",
        arguments: "<ID>|<name>",
        summary: "Show what is known about a secret.",
        details: "Its content is only shown with --reveal, of the latest revision or of --revision.",
        examples: &[
            "juju show-secret my-secret",
            "juju show-secret my-secret --reveal --revision 1",
            "juju show-secret my-secret --revisions",
        ],
        see_also: &["add-secret", "update-secret", "remove-secret"],
        flags: &[
            FlagSpec::switch(&["reveal"], "Show the content"),
            FlagSpec::switch(&["revisions"], "Show the revisions"),
            FlagSpec::new(&["revision", "r"], FlagKind::Number, "0", "The revision to show"),
        ],
        formats: YAML,
        has_login: false,
        check: check::show_secret,
        ..CommandSpec::BASE
    },
    CommandSpec {
        name: "add-secret",
        arguments: "<name> [key[#base64|#file]=value...]",
        summary: "Add a secret.",
        details: "\
A key has at least three characters: lower case letters, digits and single hyphens. With #base64
the value is encoded already, with #file it is the path of a file. The secret's URI is printed.",
        examples: &[
            "juju add-secret my-secret token=34ae35facd4",
            "juju add-secret my-secret --file content.yaml",
        ],
        see_also: &["grant-secret", "update-secret"],
        flags: &[INFO, FILE],
        has_login: false,
        check: check::add_secret,
        ..CommandSpec::BASE
    },
    CommandSpec {
        name: "update-secret",
        arguments: "<ID>|<name> [key[#base64|#file]=value...]",
        summary: "Change a secret.",
        details: "New content is a new revision. Who looks at the secret is told that it changed.",
        examples: &[
            "juju update-secret my-secret token=new",
            "juju update-secret my-secret --name other --info \"for tests\"",
        ],
        see_also: &["add-secret", "show-secret"],
        flags: &[
            INFO,
            FILE,
            FlagSpec::text(&["name"], "The secret's new name"),
            FlagSpec::new(
                &["auto-prune"],
                FlagKind::MaybeSwitch,
                "nil",
                "Remove revisions that nobody looks at any more",
            ),
        ],
        has_login: false,
        check: check::update_secret,
        ..CommandSpec::BASE
    },
    CommandSpec {
        name: "remove-secret",
        arguments: "<ID>|<name>",
        summary: "Remove a secret, or one of its revisions.",
        details: "All revisions go where none is named.",
        examples: &["juju remove-secret my-secret", "juju remove-secret my-secret --revision 4"],
        see_also: &["secrets", "show-secret"],
        flags: &[FlagSpec::new(&["revision"], FlagKind::Number, "0", "The revision to remove")],
        has_login: false,
        check: check::remove_secret,
        ..CommandSpec::BASE
    },
    CommandSpec {
        name: "grant-secret",
        arguments: "<ID>|<name> <application>[,<application>...]",
        summary: "Let applications read a secret.",
        details: "A charm cannot read a secret of a user before this.",
        examples: &["juju grant-secret my-secret ubuntu-k8s,prometheus-k8s"],
        see_also: &["revoke-secret"],
        check: check::secret_access,
        ..CommandSpec::BASE
    },
    CommandSpec {
        name: "revoke-secret",
        arguments: "<ID>|<name> <application>[,<application>...]",
        summary: "Let applications read a secret no longer.",
        details: "What a charm has read already it keeps.",
        examples: &["juju revoke-secret my-secret ubuntu-k8s"],
        see_also: &["grant-secret"],
        check: check::secret_access,
        ..CommandSpec::BASE
    },
];
