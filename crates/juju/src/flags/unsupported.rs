//! Commands of Juju that this program has not, and words that are no command at all.

use crate::flags::table::all;
use crate::values::go::quote;

/// Names and aliases of Juju 3.6's other commands. They are known so that a script is told what is
/// missing, rather than that it misspelt something.
pub const UNSUPPORTED_COMMANDS: &[&str] = &[
    "add-k8s",
    "add-secret-backend",
    "add-space",
    "add-user",
    "agree",
    "agreements",
    "autoload-credentials",
    "bootstrap",
    "change-user-password",
    "collect-metrics",
    "controller-config",
    "create-backup",
    "dashboard",
    "debug-code",
    "debug-hook",
    "debug-hooks",
    "destroy-controller",
    "diff-bundle",
    "disable-command",
    "disable-user",
    "disabled-commands",
    "documentation",
    "download",
    "download-backup",
    "enable-command",
    "enable-destroy-controller",
    "enable-ha",
    "enable-user",
    "firewall-rules",
    "grant-cloud",
    "help-tool",
    "import-filesystem",
    "import-ssh-key",
    "kill-controller",
    "list-agreements",
    "list-disabled-commands",
    "list-firewall-rules",
    "list-payloads",
    "list-secret-backends",
    "list-spaces",
    "list-subnets",
    "login",
    "logout",
    "metrics",
    "migrate",
    "model-default",
    "model-defaults",
    "move-to-space",
    "payloads",
    "register",
    "reload-spaces",
    "remove-k8s",
    "remove-secret-backend",
    "remove-space",
    "remove-user",
    "rename-space",
    "retry-provisioning",
    "revoke-cloud",
    "secret-backends",
    "set-application-base",
    "set-credential",
    "set-firewall-rule",
    "set-meter-status",
    "show-secret-backend",
    "show-space",
    "spaces",
    "subnets",
    "sync-agent-binary",
    "unregister",
    "update-k8s",
    "update-public-clouds",
    "update-secret-backend",
    "upgrade-controller",
    "upgrade-machine",
    "upgrade-model",
];

/// Whether Juju has the command and this program has not.
pub(crate) fn is_unsupported(name: &str) -> bool {
    UNSUPPORTED_COMMANDS.contains(&name)
}

/// What to do instead of a command that is missing, on a line of its own.
pub(crate) fn instead(name: &str) -> &'static str {
    match name {
        "bootstrap" | "add-k8s" => {
            "\nThere are two controllers already, \"concierge-lxd\" and \"concierge-k8s\": \"juju add-model NAME\" adds a \
             model, and \"juju add-model NAME k8s\" one on Kubernetes."
        }
        "destroy-controller" | "kill-controller" => {
            "\nA local controller ends by itself when no model is left: \"juju models\" lists them, and \
             \"juju destroy-model NAME\" removes one."
        }
        "login" | "register" => {
            "\nWhoever reaches a local controller is its \"admin\": there is nobody to be introduced to. \
             \"juju switch CONTROLLER\" chooses between the two that there are."
        }
        "logout" | "unregister" => {
            "\nWhoever reaches a local controller is its \"admin\": there is nobody to take leave of. \
             \"juju destroy-model NAME\" removes what you have made."
        }
        "model-default" | "model-defaults" => "\n\"juju model-config\" has the settings of each model.",
        "debug-code" | "debug-hook" | "debug-hooks" => {
            "\n\"juju ssh UNIT\" opens a shell where the unit lives, and \"juju exec --unit UNIT -- COMMAND\" runs \
             commands as its hooks do."
        }
        _ => "",
    }
}

/// What Juju prints, behind `ERROR `, for a word that is no command.
pub fn unknown_command(name: &str) -> String {
    let hint = format!("juju: {} is not a juju command. See \"juju --help\".", quote(name));
    let names = all().flat_map(|spec| spec.aliases.iter().chain([&spec.name])).copied();
    let names = names.chain(UNSUPPORTED_COMMANDS.iter().copied()).chain(["help"]);
    let closest = names
        .filter(|known| !known.contains(' '))
        .map(|known| (distance(name.as_bytes(), known.as_bytes()), known))
        .min();
    match closest {
        // A word that shares nothing with a command is as far from it as the command is long.
        Some((distance, known)) if distance <= known.len() => {
            format!("{hint}\n\nDid you mean:\n\t{known}")
        }
        Some(_) | None => format!("unrecognized command: juju {name}"),
    }
}

/// How many letters must be put in, left out or changed to turn one word into the other.
pub(crate) fn distance(from: &[u8], to: &[u8]) -> usize {
    let mut row: Vec<usize> = (0..=from.len()).collect();
    for (column, wanted) in to.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = column + 1;
        for (index, letter) in from.iter().enumerate() {
            let changed = diagonal + usize::from(letter != wanted);
            diagonal = row[index + 1];
            row[index + 1] = changed.min(diagonal + 1).min(row[index] + 1);
        }
    }
    row[from.len()]
}
