//! Applications: deploying, configuring, integrating and removing them.

use crate::flags::arguments as check;
use crate::flags::spec::{CommandSpec, FlagKind, FlagSpec, SMART, TABULAR, YAML};

const NO_PROMPT: FlagSpec = FlagSpec::switch(&["no-prompt"], "Do not ask whether it is meant");
const DRY_RUN: FlagSpec = FlagSpec::switch(&["dry-run"], "Show what would be done, and do nothing");
const NO_WAIT: FlagSpec =
    FlagSpec::switch(&["no-wait"], "With --force: do not wait for one step before the next");
const CHANNEL: FlagSpec =
    FlagSpec::text(&["channel"], "The channel of Charmhub to take the charm or bundle from");
const BASE: FlagSpec = FlagSpec::text(&["base"], "The base to run on, such as ubuntu@24.04");
const REVISION: FlagSpec = FlagSpec::new(&["revision"], FlagKind::Number, "-1", "The charm's revision");
const SETTINGS: FlagSpec = FlagSpec::new(
    &["config"],
    FlagKind::Settings,
    "",
    "A setting as key=value, or a YAML file with settings; may be repeated",
);
const RESOURCE: FlagSpec = FlagSpec::new(
    &["resource"],
    FlagKind::Resources,
    "",
    "A resource as name=path, image or revision; may be repeated",
);
const BIND: FlagSpec = FlagSpec::text(&["bind"], "Spaces of the application's endpoints");

pub(super) const COMMANDS: &[CommandSpec] = &[
    CommandSpec {
        name: "deploy",
        arguments: "<charm or bundle> [<application name>]",
        summary: "Deploy a charm or a bundle.",
        details: "\
A charm is a .charm file or a directory, given as a path that begins with . or /, or the name of a
charm on Charmhub. A bundle is a YAML file or a name on Charmhub, and overlays change parts of it.
The application is called as the charm is, unless another name is given.",
        examples: &[
            "juju deploy ./tinyproxy.charm --config slug=example",
            "juju deploy postgresql-k8s --channel 14/stable --trust",
            "juju deploy ./demo.charm other -n 3 --resource image=ghcr.io/example/demo:1",
            "juju deploy ./bundle.yaml --overlay ./staging.yaml",
        ],
        see_also: &[
            "integrate",
            "add-unit",
            "config",
            "expose",
            "constraints",
            "refresh",
            "set-constraints",
            "charm-resources",
        ],
        flags: &[
            FlagSpec::new(&["num-units", "n"], FlagKind::Number, "1", "How many units to start with"),
            FlagSpec::text(&["to"], "Machines or containers for the units, with commas in between"),
            FlagSpec::new(
                &["attach-storage"],
                FlagKind::StorageIds,
                "",
                "Storage to attach to the unit, by id",
            ),
            CHANNEL,
            SETTINGS,
            FlagSpec::switch(&["trust"], "Let the charm have the cloud's credentials"),
            FlagSpec::new(
                &["overlay"],
                FlagKind::Texts,
                "",
                "A bundle laid over the bundle; may be repeated, in order",
            ),
            FlagSpec::new(
                &["constraints"],
                FlagKind::Texts,
                "[]",
                "What the application's machines must have",
            ),
            FlagSpec::text(&["series"], "The series to run on; --base is the newer way"),
            BASE,
            REVISION,
            DRY_RUN,
            FlagSpec::switch(&["force"], "Deploy although the charm does not say that it can run here"),
            FlagSpec::new(
                &["storage"],
                FlagKind::Storage { is_for_bundles: true },
                "",
                "Storage as label=pool,size,count; may be repeated",
            ),
            FlagSpec::new(&["device"], FlagKind::Devices, "", "Devices as label=count,type; may be repeated"),
            RESOURCE,
            BIND,
            FlagSpec::text(&["map-machines"], "Machines of the model to use for a bundle's"),
        ],
        check: check::deploy,
        ..CommandSpec::BASE
    },
    CommandSpec {
        name: "refresh",
        arguments: "<application>",
        summary: "Change an application to another revision of its charm.",
        details: "\
An application from Charmhub goes to the newest revision in its channel, or to what --channel,
--revision or --switch say. A local charm is given with --path. Resources, settings and storage can
be changed at the same time. Every unit then runs upgrade-charm and config-changed.",
        examples: &[
            "juju refresh tinyproxy --path ./tinyproxy.charm",
            "juju refresh postgresql --channel 16/edge",
        ],
        see_also: &["deploy"],
        flags: &[
            FlagSpec::switch(&["force"], "Refresh although a check says no"),
            FlagSpec::switch(&["force-units"], "Refresh units that are in error as well"),
            CHANNEL,
            FlagSpec::switch(
                &["force-base", "force-series"],
                "Refresh although the charm does not list the base",
            ),
            FlagSpec::text(&["switch"], "Change to this other charm"),
            FlagSpec::text(&["path"], "The charm's file or directory"),
            BASE,
            REVISION,
            RESOURCE,
            FlagSpec::new(
                &["storage"],
                FlagKind::Storage { is_for_bundles: false },
                "",
                "Storage as label=pool,size,count; may be repeated",
            ),
            SETTINGS,
            BIND,
            FlagSpec::new(
                &["trust"],
                FlagKind::MaybeSwitch,
                "unset",
                "Let the charm have the cloud's credentials",
            ),
        ],
        check: check::refresh,
        ..CommandSpec::BASE
    },
    CommandSpec {
        name: "config",
        arguments: "<application name> [--reset <key[,key]>] [<attribute-key>][=<value>] ...]",
        summary: "Show, set or reset an application's settings.",
        details: "\
Without keys all settings are shown, with one key its value alone. A value that begins with @ is
the path of a file that holds it. --file takes a YAML file whose top key is the application.",
        examples: &[
            "juju config tinyproxy",
            "juju config tinyproxy slug",
            "juju config tinyproxy slug=new --reset port",
        ],
        see_also: &["deploy", "status", "model-config"],
        flags: &[
            FlagSpec::new(&["file"], FlagKind::Plain, "", "A YAML file with settings"),
            FlagSpec::switch(&["color"], "Colour the output"),
            FlagSpec::switch(&["no-color"], "Do not colour the output"),
            FlagSpec::new(
                &["reset"],
                FlagKind::Texts,
                "",
                "Keys to set back to their defaults, with commas in between",
            ),
        ],
        formats: YAML,
        check: check::config,
        ..CommandSpec::BASE
    },
    CommandSpec {
        name: "integrate",
        aliases: &["relate"],
        arguments: "<application>[:<endpoint>] <application>[:<endpoint>]",
        summary: "Integrate two applications.",
        details: "\
Endpoints can be left out where only one pair fits. One side may be the URL of an offer, which is
consumed first if need be.",
        examples: &[
            "juju integrate wordpress mysql",
            "juju integrate wordpress:db mysql:db",
            "juju integrate app admin/other.db",
        ],
        see_also: &["consume", "find-offers", "suspend-relation"],
        flags: &[FlagSpec::text(&["via"], "Networks that traffic to another model comes from")],
        has_login: false,
        check: check::integrate,
        ..CommandSpec::BASE
    },
    CommandSpec {
        name: "remove-relation",
        arguments: "<application1>[:<relation name1>] <application2>[:<relation name2>] | <relation-id>",
        summary: "Remove the relation between two applications.",
        details: "Both sides run relation-departed and relation-broken before the relation is gone.",
        examples: &["juju remove-relation mysql wordpress", "juju remove-relation 4"],
        see_also: &["integrate", "remove-application"],
        flags: &[FlagSpec::switch(&["force"], "Remove it although something went wrong")],
        check: check::remove_relation,
        ..CommandSpec::BASE
    },
    CommandSpec {
        name: "suspend-relation",
        arguments: "<relation-id>[ <relation-id>...]",
        summary: "Suspend relations to an offer.",
        details: "Units on both sides depart until the relation is resumed.",
        examples: &["juju suspend-relation 123 --message \"maintenance\""],
        see_also: &["integrate", "offers", "remove-relation", "resume-relation"],
        flags: &[FlagSpec::text(&["message"], "Why")],
        check: check::relation_ids,
        ..CommandSpec::BASE
    },
    CommandSpec {
        name: "resume-relation",
        arguments: "<relation-id>[,<relation-id>]",
        summary: "Resume relations that were suspended.",
        details: "Units on both sides join again.",
        examples: &["juju resume-relation 123"],
        see_also: &["integrate", "offers", "remove-relation", "suspend-relation"],
        check: check::relation_ids,
        ..CommandSpec::BASE
    },
    CommandSpec {
        name: "remove-application",
        arguments: "<application> [<application>...]",
        summary: "Remove applications with their units and relations.",
        details: "\
Units run their last hooks first. A unit in error keeps its application, unless --force is given.
Storage stays in the model, unless --destroy-storage is given.",
        examples: &["juju remove-application mysql", "juju remove-application --no-prompt --force mysql"],
        see_also: &["scale-application", "show-application"],
        flags: &[
            NO_PROMPT,
            DRY_RUN,
            FlagSpec::switch(&["destroy-storage"], "Destroy the units' storage as well"),
            FlagSpec::switch(&["force"], "Remove them although something went wrong"),
            NO_WAIT,
        ],
        check: check::remove_application,
        ..CommandSpec::BASE
    },
    CommandSpec {
        name: "show-application",
        arguments: "<application name or alias>",
        summary: "Show what the model knows about applications.",
        details: "The charm, base, channel, constraints, endpoints and bindings of each are shown.",
        examples: &["juju show-application mysql"],
        formats: &["yaml", "json", "smart"],
        check: check::show_application,
        ..CommandSpec::BASE
    },
    CommandSpec {
        name: "trust",
        arguments: "<application name>",
        summary: "Let an application have the cloud's credentials.",
        details: "In a Kubernetes model --scope=cluster must be given. The charm runs config-changed.",
        examples: &[
            "juju trust media-wiki",
            "juju trust metallb --scope=cluster",
            "juju trust media-wiki --remove",
        ],
        see_also: &["config"],
        flags: &[
            FlagSpec::switch(&["remove"], "Take the credentials away again"),
            FlagSpec::text(&["scope"], "In a Kubernetes model: must be cluster"),
        ],
        check: check::trust,
        ..CommandSpec::BASE
    },
    CommandSpec {
        name: "expose",
        arguments: "<application name>",
        summary: "Let everyone reach the ports that an application has opened.",
        details: "Access can be limited to some endpoints, spaces or networks.",
        examples: &["juju expose apache2", "juju expose apache2 --endpoints logs --to-cidrs 10.0.0.0/24"],
        see_also: &["unexpose"],
        flags: &[
            FlagSpec::text(&["endpoints"], "Only ports of these endpoints, with commas in between"),
            FlagSpec::text(&["to-spaces"], "Only to these spaces, with commas in between"),
            FlagSpec::text(&["to-cidrs"], "Only to these networks, with commas in between"),
        ],
        check: check::expose,
        ..CommandSpec::BASE
    },
    CommandSpec {
        name: "unexpose",
        arguments: "<application name>",
        summary: "Take back what expose gave.",
        details: "All of it, or what was given for some endpoints.",
        examples: &["juju unexpose apache2"],
        see_also: &["expose"],
        flags: &[FlagSpec::text(&["endpoints"], "Only ports of these endpoints, with commas in between")],
        check: check::expose,
        ..CommandSpec::BASE
    },
    CommandSpec {
        name: "bind",
        arguments: "<application> [<default-space>] [<endpoint-name>=<space> ...]",
        summary: "Bind an application's endpoints to spaces.",
        details: "The one space of a model here is alpha.",
        examples: &["juju bind mysql alpha", "juju bind mysql db=alpha"],
        see_also: &["show-application"],
        flags: &[FlagSpec::switch(&["force"], "Bind although some units are not in the space")],
        check: check::bind,
        ..CommandSpec::BASE
    },
    CommandSpec {
        name: "constraints",
        arguments: "<application>",
        summary: "Show an application's constraints.",
        details: "Those of the model hold where the application says nothing.",
        examples: &["juju constraints mysql"],
        see_also: &["set-constraints", "model-constraints", "set-model-constraints"],
        formats: &["constraints", "json", "yaml"],
        check: check::constraints,
        ..CommandSpec::BASE
    },
    CommandSpec {
        name: "set-constraints",
        arguments: "<application> <constraint>=<value> ...",
        summary: "Set an application's constraints.",
        details: "They are kept and shown, and units that are added later get them.",
        examples: &["juju set-constraints mysql mem=8G cores=4"],
        see_also: &["constraints", "model-constraints", "set-model-constraints"],
        check: check::set_constraints,
        ..CommandSpec::BASE
    },
    CommandSpec {
        name: "attach-resource",
        arguments: "application <resource name>=<resource>",
        summary: "Give an application another file or image for a resource.",
        details: "Every unit then runs upgrade-charm, and finds the new resource when it asks for it.",
        examples: &[
            "juju attach-resource demo image=ghcr.io/example/demo:2",
            "juju attach-resource demo data=./data.tar",
        ],
        see_also: &["resources", "charm-resources"],
        check: check::attach_resource,
        ..CommandSpec::BASE
    },
    CommandSpec {
        name: "resources",
        aliases: &["list-resources"],
        arguments: "<application or unit>",
        summary: "Show the resources of an application or a unit.",
        details: "For an application, the resource that units will be given; for a unit, what it has.",
        examples: &["juju resources mysql", "juju resources mysql/0 --details"],
        see_also: &["attach-resource", "charm-resources"],
        flags: &[FlagSpec::switch(&["details"], "Show what each unit uses")],
        formats: TABULAR,
        check: check::resources,
        ..CommandSpec::BASE
    },
    CommandSpec {
        name: "charm-resources",
        aliases: &["list-charm-resources"],
        arguments: "<charm>",
        summary: "Show the resources of a charm on Charmhub.",
        details: "The revision that the channel has is shown for each.",
        examples: &["juju charm-resources postgresql-k8s"],
        see_also: &["resources", "attach-resource"],
        flags: &[FlagSpec::new(&["channel"], FlagKind::Text, "stable", "The charm's channel")],
        formats: TABULAR,
        check: check::charm_resources,
        ..CommandSpec::BASE
    },
    CommandSpec {
        name: "version",
        summary: "Print the version.",
        details: "It is the version of Juju whose behaviour is followed.",
        examples: &["juju version", "juju version --all --format json"],
        see_also: &["show-controller", "show-model"],
        flags: &[FlagSpec::switch(&["all"], "Print all there is to know about the version")],
        formats: SMART,
        target: crate::flags::spec::Target::Nothing,
        has_login: false,
        ..CommandSpec::BASE
    },
];
