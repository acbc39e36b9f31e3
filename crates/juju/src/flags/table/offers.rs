//! Offers of applications to other models, and consuming them.

use crate::flags::arguments as check;
use crate::flags::spec::{CommandSpec, FlagSpec, TABULAR, Target};

const INTERFACE: FlagSpec = FlagSpec::text(&["interface"], "Only offers with this interface");

pub(super) const COMMANDS: &[CommandSpec] = &[
    CommandSpec {
        name: "offer",
        arguments: "[model-name.]<application-name>:<endpoint-name>[,...] [offer-name]",
        summary: "Offer endpoints of an application to other models.",
        details: "The offer is called as the application is, unless another name is given.",
        examples: &["juju offer mysql:db", "juju offer admin/prod.mysql:db,metrics hosted-mysql"],
        see_also: &["consume", "integrate", "remove-saas"],
        target: Target::Controller,
        check: check::offer,
        ..CommandSpec::BASE
    },
    CommandSpec {
        name: "offers",
        aliases: &["list-offers"],
        arguments: "[<offer-name>]",
        summary: "List a model's offers.",
        details: "Each is shown with who is connected to it.",
        examples: &["juju offers", "juju offers --interface mysql --format json"],
        see_also: &["find-offers", "show-offer"],
        flags: &[
            FlagSpec::text(&["application"], "Only offers of this application"),
            INTERFACE,
            FlagSpec::text(&["allowed-consumer"], "Only offers that this user may consume"),
            FlagSpec::text(&["connected-user"], "Only offers that this user is connected to"),
            FlagSpec::switch(&["active-only"], "Only offers that are in use"),
        ],
        formats: &["tabular", "json", "summary", "yaml"],
        check: check::at_most_one,
        ..CommandSpec::BASE
    },
    CommandSpec {
        name: "find-offers",
        summary: "Find offers of all models.",
        details: "A URL, or the beginning of one, limits what is found.",
        examples: &["juju find-offers", "juju find-offers --interface mysql", "juju find-offers admin/prod"],
        see_also: &["show-offer"],
        flags: &[
            FlagSpec::text(&["url"], "Only offers with this URL"),
            INTERFACE,
            FlagSpec::text(&["offer"], "Only offers with this name"),
        ],
        target: Target::Controller,
        formats: TABULAR,
        check: check::find_offers,
        ..CommandSpec::BASE
    },
    CommandSpec {
        name: "show-offer",
        arguments: "[<controller>:]<offer url>",
        summary: "Show what is known about an offer.",
        details: "Its endpoints and who may use it are shown.",
        examples: &["juju show-offer admin/prod.mysql"],
        see_also: &["find-offers"],
        target: Target::Controller,
        formats: TABULAR,
        check: check::show_offer,
        ..CommandSpec::BASE
    },
    CommandSpec {
        name: "remove-offer",
        arguments: "<offer-url> ...",
        summary: "Remove offers.",
        details: "An offer that is in use is only removed with --force, and its relations with it.",
        examples: &["juju remove-offer admin/prod.mysql", "juju remove-offer admin/prod.mysql --force -y"],
        see_also: &["find-offers", "offer"],
        flags: &[
            FlagSpec::switch(&["force"], "Remove relations to the offer as well"),
            FlagSpec::switch(&["yes", "y"], "Do not ask whether it is meant"),
        ],
        target: Target::Controller,
        check: check::remove_offer,
        ..CommandSpec::BASE
    },
    CommandSpec {
        name: "consume",
        arguments: "<remote offer path> [<local application name>]",
        summary: "Make an offer of another model an application of this one.",
        details: "It is called as the offer is, unless another name is given.",
        examples: &["juju consume admin/prod.mysql", "juju consume concierge-lxd:admin/prod.mysql db"],
        see_also: &["integrate", "offer", "remove-saas"],
        check: check::consume,
        ..CommandSpec::BASE
    },
    CommandSpec {
        name: "remove-saas",
        arguments: "<saas-application-name> [<saas-application-name>...]",
        summary: "Remove what was consumed.",
        details: "Its relations go with it; the offer stays.",
        examples: &["juju remove-saas hosted-mysql"],
        see_also: &["consume", "offer"],
        flags: &[
            FlagSpec::switch(&["force"], "Remove it although something went wrong"),
            FlagSpec::switch(&["no-wait"], "With --force: do not wait for one step before the next"),
        ],
        check: check::remove_saas,
        ..CommandSpec::BASE
    },
];
