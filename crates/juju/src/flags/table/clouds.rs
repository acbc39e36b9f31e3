//! Clouds, regions and credentials, which are kept and shown here and used for nothing.

use crate::flags::arguments as check;
use crate::flags::spec::{CommandSpec, FlagSpec, TABULAR, Target};

const CLOUD_FILE: FlagSpec = FlagSpec::text(&["file", "f"], "A YAML file that describes the cloud");
const CREDENTIAL_FILE: FlagSpec = FlagSpec::text(&["file", "f"], "A YAML file with credentials");
const REGION: FlagSpec = FlagSpec::text(&["region"], "The region that the credential is for");

const CLOUDS: CommandSpec = CommandSpec { target: Target::ClientOrController, ..CommandSpec::BASE };

pub(super) const COMMANDS: &[CommandSpec] = &[
    CommandSpec {
        name: "clouds",
        aliases: &["list-clouds"],
        summary: "List clouds.",
        details: "Models here run in the clouds localhost and k8s, whichever others are listed.",
        examples: &["juju clouds", "juju clouds --client --format yaml"],
        see_also: &["add-cloud", "credentials", "controllers", "regions", "show-cloud", "update-cloud"],
        flags: &[FlagSpec::switch(&["all"], "Show all clouds")],
        formats: TABULAR,
        check: check::anything,
        ..CLOUDS
    },
    CommandSpec {
        name: "show-cloud",
        arguments: "<cloud name>",
        summary: "Show what is known about a cloud.",
        details: "Its type, ways to sign in, endpoint and regions are shown.",
        examples: &["juju show-cloud localhost", "juju show-cloud mycloud --client"],
        see_also: &["clouds", "add-cloud", "update-cloud"],
        flags: &[FlagSpec::switch(&["include-config"], "Show settings that are the cloud's own")],
        formats: &["display", "json", "yaml"],
        check: check::show_cloud,
        ..CLOUDS
    },
    CommandSpec {
        name: "add-cloud",
        arguments: "<cloud name> [<cloud definition file>]",
        summary: "Add a cloud.",
        details: "It is described in a YAML file under clouds and its name.",
        examples: &["juju add-cloud mycloud --client --file mycloud.yaml"],
        see_also: &["clouds", "update-cloud", "remove-cloud", "update-credential"],
        flags: &[
            FlagSpec::switch(&["force"], "Add it although the controller runs elsewhere"),
            CLOUD_FILE,
            FlagSpec::text(&["credential"], "The credential for the cloud"),
        ],
        check: check::add_cloud,
        ..CLOUDS
    },
    CommandSpec {
        name: "update-cloud",
        arguments: "<cloud name>",
        summary: "Change what is known about a cloud.",
        details: "The YAML file is as for add-cloud.",
        examples: &["juju update-cloud mycloud --client -f mycloud.yaml"],
        see_also: &["add-cloud", "remove-cloud", "clouds"],
        // The long name is missing in Juju, too.
        flags: &[FlagSpec::text(&["f"], "A YAML file that describes the cloud")],
        check: check::update_cloud,
        ..CLOUDS
    },
    CommandSpec {
        name: "remove-cloud",
        arguments: "<cloud name>",
        summary: "Remove a cloud.",
        details: "A cloud that models run in stays.",
        examples: &["juju remove-cloud mycloud --client"],
        see_also: &["add-cloud", "update-cloud", "clouds"],
        check: check::remove_cloud,
        ..CLOUDS
    },
    CommandSpec {
        name: "regions",
        aliases: &["list-regions"],
        arguments: "<cloud>",
        summary: "List the regions of a cloud.",
        details: "The default one has a star.",
        examples: &["juju regions localhost"],
        see_also: &["add-cloud", "clouds", "show-cloud", "update-cloud"],
        formats: TABULAR,
        check: check::regions,
        ..CLOUDS
    },
    CommandSpec {
        name: "default-region",
        aliases: &["set-default-region"],
        arguments: "<cloud name> [<region>]",
        summary: "Choose the default region of a cloud, or show it.",
        details: "With --reset there is none.",
        examples: &["juju default-region mycloud east"],
        see_also: &["add-credential"],
        flags: &[FlagSpec::switch(&["reset"], "Have no default region")],
        target: Target::Nothing,
        has_login: false,
        check: check::default_region,
        ..CLOUDS
    },
    CommandSpec {
        name: "credentials",
        aliases: &["list-credentials"],
        arguments: "[<cloud name>]",
        summary: "List credentials for clouds.",
        details: "Secret parts are only shown with --show-secrets, in YAML and JSON.",
        examples: &["juju credentials", "juju credentials mycloud --format json"],
        see_also: &[
            "add-credential",
            "update-credential",
            "remove-credential",
            "default-credential",
            "show-credential",
        ],
        flags: &[FlagSpec::switch(&["show-secrets"], "Show secret parts")],
        formats: TABULAR,
        check: check::at_most_one,
        ..CLOUDS
    },
    CommandSpec {
        name: "show-credential",
        aliases: &["show-credentials"],
        arguments: "[<cloud name> <credential name>]",
        summary: "Show what is known about a credential.",
        details: "All credentials are shown where none is named.",
        examples: &["juju show-credential mycloud default"],
        see_also: &["credentials", "add-credential", "update-credential", "remove-credential"],
        flags: &[FlagSpec::switch(&["show-secrets"], "Show secret parts")],
        formats: &["yaml"],
        check: check::show_credential,
        ..CLOUDS
    },
    CommandSpec {
        name: "add-credential",
        arguments: "<cloud name>",
        summary: "Add a credential for a cloud.",
        details: "It is in a YAML file under credentials, the cloud and its name.",
        examples: &["juju add-credential mycloud --client --file credentials.yaml"],
        see_also: &[
            "credentials",
            "remove-credential",
            "update-credential",
            "default-credential",
            "default-region",
        ],
        flags: &[CREDENTIAL_FILE, REGION],
        check: check::add_credential,
        ..CLOUDS
    },
    CommandSpec {
        name: "update-credential",
        aliases: &["update-credentials"],
        arguments: "[<cloud-name> [<credential-name>]]",
        summary: "Change a credential.",
        details: "The YAML file is as for add-credential.",
        examples: &["juju update-credential mycloud default --client -f credentials.yaml"],
        see_also: &["add-credential", "credentials", "remove-credential"],
        flags: &[CREDENTIAL_FILE, REGION, FlagSpec::switch(&["force"], "Change it although it looks wrong")],
        check: check::update_credential,
        ..CLOUDS
    },
    CommandSpec {
        name: "remove-credential",
        arguments: "<cloud name> <credential name>",
        summary: "Remove a credential.",
        details: "Models that use it run on.",
        examples: &["juju remove-credential mycloud default --client"],
        see_also: &["add-credential", "credentials", "default-credential", "update-credential"],
        flags: &[FlagSpec::switch(&["force"], "Remove it although something uses it")],
        check: check::remove_credential,
        ..CLOUDS
    },
    CommandSpec {
        name: "default-credential",
        aliases: &["set-default-credentials"],
        arguments: "<cloud name> [<credential name>]",
        summary: "Choose the default credential of a cloud, or show it.",
        details: "With --reset there is none.",
        examples: &["juju default-credential mycloud default"],
        see_also: &["credentials", "add-credential", "remove-credential"],
        flags: &[FlagSpec::switch(&["reset"], "Have no default credential")],
        target: Target::Nothing,
        has_login: false,
        check: check::default_credential,
        ..CLOUDS
    },
];
