//! What each tool takes and what it is for.

use super::call::Tool;
use super::flags::Flag;
use super::output::Format;

const RELATION: Flag = Flag::value(&["r", "relation"], "specify a relation by id");
const FORMAT: Flag = Flag::value(&["format"], "specify output format");
const OUTPUT: Flag = Flag::value(&["o", "output"], "specify an output file");
const OLD_FORMAT: Flag = Flag::value(&["format"], "deprecated format flag");
const APP: Flag = Flag::switch(&["app"], "the application, and not a unit of it");
const APPLICATION: Flag = Flag::switch(&["application"], "the application, if this unit leads it");
const FILE: Flag = Flag::value(&["file"], "a file with keys and values, - for standard input");
const LABEL: Flag = Flag::value(&["label"], "a label used to identify the secret");

/// What the manual of a tool says.
pub(super) struct Spec {
    /// The options that are its own.
    pub(super) flags: &'static [Flag],
    /// The format that it prints in when it is not told another; `None` if it prints nothing.
    pub(super) format: Option<Format>,
    /// The arguments, as the manual writes them.
    pub(super) usage: &'static str,
    /// What it is for.
    pub(super) purpose: &'static str,
}

impl Spec {
    const fn silent(flags: &'static [Flag], usage: &'static str, purpose: &'static str) -> Self {
        Self { flags, format: None, usage, purpose }
    }

    const fn printing(
        flags: &'static [Flag],
        format: Format,
        usage: &'static str,
        purpose: &'static str,
    ) -> Self {
        Self { flags, format: Some(format), usage, purpose }
    }

    /// Returns all options, those of the output among them.
    pub(super) fn all_flags(&self) -> Vec<Flag> {
        let mut flags = self.flags.to_vec();
        if self.format.is_some() {
            flags.extend([FORMAT, OUTPUT]);
        }
        flags
    }
}

/// Returns what a tool takes.
pub(super) fn of(tool: Tool) -> Spec {
    const UPSERT: &[Flag] = &[
        LABEL,
        FILE,
        Flag::value(&["description"], "the secret description"),
        Flag::value(&["expire"], "when the secret expires, as a time or a duration"),
        Flag::value(&["rotate"], "the secret rotation policy"),
        Flag::value(&["owner"], "the owner of the secret, either the application or unit"),
    ];
    const PORTS: &[Flag] = &[OLD_FORMAT, Flag::value(&["endpoints"], "a comma-delimited list of endpoints")];
    const POD_SPEC: &[Flag] = &[
        Flag::value(&["file"], "a file with the specification, - for standard input"),
        Flag::value(&["k8s-resources"], "a file with further resources"),
    ];
    const PORT_USAGE: &str = "<port>[/<protocol>] or <from>-<to>[/<protocol>] or icmp";
    match tool {
        Tool::ActionFail => {
            Spec::silent(&[], "[\"<failure message>\"]", "set action fail status with message")
        }
        Tool::ActionGet => {
            Spec::printing(&[], Format::Smart, "[<key>[.<key>.<key>...]]", "get action parameters")
        }
        Tool::ActionLog => Spec::silent(&[], "<message>", "record a progress message for the current action"),
        Tool::ActionSet => Spec::silent(&[], "<key>=<value> [<key>=<value> ...]", "set action results"),
        Tool::AddMetric => Spec::silent(
            const { &[Flag::value(&["l", "labels"], "labels to be associated with metric values")] },
            "key1=value1 [key2=value2 ...]",
            "add metrics",
        ),
        Tool::ApplicationVersionSet => {
            Spec::silent(&[], "<new-version>", "specify which version of the application is deployed")
        }
        Tool::ClosePort => {
            Spec::silent(PORTS, PORT_USAGE, "register a request to close a port or port range")
        }
        Tool::ConfigGet => Spec::printing(
            const { &[Flag::switch(&["a", "all"], "print all keys")] },
            Format::Smart,
            "[<key>]",
            "print application configuration",
        ),
        Tool::CredentialGet => Spec::printing(&[], Format::Smart, "", "access cloud credentials"),
        Tool::GoalState => {
            Spec::printing(&[], Format::Yaml, "", "print the status of the charm's peers and related units")
        }
        Tool::IsLeader => Spec::printing(&[], Format::Smart, "", "print application leadership status"),
        Tool::JujuLog => Spec::silent(
            const {
                &[
                    Flag::switch(&["debug"], "log at debug level"),
                    Flag::value(&["l", "log-level"], "send log message at the given level"),
                    OLD_FORMAT,
                ]
            },
            "<message>",
            "write a message to the juju log",
        ),
        Tool::JujuReboot => Spec::silent(
            const { &[Flag::switch(&["now"], "reboot immediately, killing the invoking process")] },
            "",
            "reboot the host machine",
        ),
        Tool::K8sRawGet => Spec::printing(&[], Format::Smart, "", "get k8s raw spec information"),
        Tool::K8sRawSet => Spec::silent(
            const { &[Flag::value(&["file"], "a file with the specification, - for standard input")] },
            "--file <raw spec file>",
            "set k8s raw spec information",
        ),
        Tool::K8sSpecGet | Tool::PodSpecGet => {
            Spec::printing(&[], Format::Smart, "", "get k8s spec information")
        }
        Tool::K8sSpecSet | Tool::PodSpecSet => {
            Spec::silent(POD_SPEC, "--file <core spec file>", "set k8s spec information")
        }
        Tool::LeaderGet => {
            Spec::printing(&[], Format::Smart, "[<key>]", "print application leadership settings")
        }
        Tool::LeaderSet => Spec::silent(&[], "<key>=<value> [...]", "write application leadership settings"),
        Tool::NetworkGet => Spec::printing(
            const {
                &[
                    RELATION,
                    Flag::switch(
                        &["primary-address"],
                        "(deprecated) get the primary address for the binding",
                    ),
                    Flag::switch(&["bind-address"], "get the address on which the unit should listen"),
                    Flag::switch(&["ingress-address"], "get the ingress address for the binding"),
                    Flag::switch(&["egress-subnets"], "get the egress subnets for the binding"),
                ]
            },
            Format::Smart,
            "<binding-name> [--ingress-address] [--bind-address] [--egress-subnets]",
            "get network config",
        ),
        Tool::OpenPort => Spec::silent(PORTS, PORT_USAGE, "register a request to open a port or port range"),
        Tool::OpenedPorts => Spec::printing(
            const { &[Flag::switch(&["endpoints"], "display the endpoints of each port range")] },
            Format::Smart,
            "",
            "list all ports or port ranges opened by the unit",
        ),
        Tool::PayloadRegister => {
            Spec::silent(&[], "<type> <class> <id> [tags...]", "register a charm payload with Juju")
        }
        Tool::PayloadStatusSet => {
            Spec::silent(&[], "<class> <id> <status>", "update the status of a payload")
        }
        Tool::PayloadUnregister => Spec::silent(&[], "<class> <id>", "stop tracking a payload"),
        Tool::RelationGet => Spec::printing(
            const { &[RELATION, APP] },
            Format::Smart,
            "<key> <unit id>",
            "get relation settings",
        ),
        Tool::RelationIds => {
            Spec::printing(&[], Format::Smart, "<name>", "list all relation ids with the given relation name")
        }
        Tool::RelationList => {
            Spec::printing(const { &[RELATION, APP] }, Format::Smart, "", "list relation units")
        }
        Tool::RelationModelGet => Spec::printing(
            const { &[RELATION] },
            Format::Smart,
            "",
            "get details about the model hosting a related application",
        ),
        Tool::RelationSet => Spec::silent(
            const { &[RELATION, FILE, APP, OLD_FORMAT] },
            "key=value [key=value ...]",
            "set relation settings",
        ),
        Tool::ResourceGet => {
            Spec::silent(&[], "<resource name>", "get the path to the locally cached resource file")
        }
        Tool::SecretAdd => Spec::silent(UPSERT, "[key[#base64|#file]=value...]", "add a new secret"),
        Tool::SecretGet => Spec::printing(
            const {
                &[
                    LABEL,
                    Flag::switch(&["peek"], "get the latest revision just this time"),
                    Flag::switch(&["refresh"], "get the latest revision now and in subsequent calls"),
                ]
            },
            Format::Yaml,
            "<ID> [key[#base64]]",
            "get the content of a secret",
        ),
        Tool::SecretGrant => Spec::silent(
            const { &[RELATION, Flag::value(&["unit"], "the unit to grant access")] },
            "<ID>",
            "grant access to a secret",
        ),
        Tool::SecretIds => Spec::printing(&[], Format::Smart, "", "print secret ids"),
        Tool::SecretInfoGet => {
            Spec::printing(const { &[LABEL] }, Format::Yaml, "<ID>", "get a secret's metadata info")
        }
        Tool::SecretRemove => Spec::silent(
            const { &[Flag::value(&["revision"], "remove the specified revision")] },
            "<ID>",
            "remove an existing secret",
        ),
        Tool::SecretRevoke => Spec::silent(
            const {
                &[
                    RELATION,
                    Flag::value(&["app", "application"], "the application to revoke access"),
                    Flag::value(&["unit"], "the unit to revoke access"),
                ]
            },
            "<ID>",
            "revoke access to a secret",
        ),
        Tool::SecretSet => Spec::silent(UPSERT, "<ID> [key[#base64]=value...]", "update an existing secret"),
        Tool::StateDelete => Spec::silent(&[], "<key>", "delete server-side-state key value pairs"),
        Tool::StateGet => Spec::printing(
            const { &[Flag::switch(&["strict"], "return an error if the requested key does not exist")] },
            Format::Smart,
            "[<key>]",
            "print server-side-state value",
        ),
        Tool::StateSet => {
            Spec::silent(const { &[FILE] }, "key=value [key=value ...]", "set server-side-state values")
        }
        Tool::StatusGet => Spec::printing(
            const { &[Flag::switch(&["include-data"], "print all status data"), APPLICATION] },
            Format::Smart,
            "[--include-data] [--application]",
            "print status information",
        ),
        Tool::StatusSet => Spec::silent(
            const { &[APPLICATION] },
            "<maintenance | blocked | waiting | active> [message]",
            "set status information",
        ),
        Tool::StorageAdd => Spec::silent(&[], "<charm storage name>[=count] ...", "add storage instances"),
        Tool::StorageGet => Spec::printing(
            const { &[Flag::value(&["s"], "specify a storage instance by id")] },
            Format::Smart,
            "[<key>]",
            "print information for the storage instance with the specified id",
        ),
        Tool::StorageList => {
            Spec::printing(&[], Format::Smart, "[<storage-name>]", "list storage attached to the unit")
        }
        Tool::UnitGet => {
            Spec::printing(&[], Format::Smart, "<setting>", "print public-address or private-address")
        }
    }
}

/// Returns what `--help` prints. Older releases of ops read from it which storage a hook is
/// about, so an option's default stands behind its names: `-s  (= data/0)`.
pub(super) fn help(tool: Tool, default_of: impl Fn(&Flag) -> String) -> String {
    let spec = of(tool);
    let flags = spec.all_flags();
    let options = if flags.is_empty() { "" } else { " [options]" };
    let usage = if spec.usage.is_empty() { String::new() } else { format!(" {}", spec.usage) };
    let mut text = format!("Usage: {}{options}{usage}\n\nSummary:\n{}\n", tool.name(), spec.purpose);
    if !flags.is_empty() {
        text.push_str("\nOptions:\n");
    }
    for flag in flags {
        let names: Vec<String> = flag
            .names
            .iter()
            .map(|name| if name.len() == 1 { format!("-{name}") } else { format!("--{name}") })
            .collect();
        let default = default_of(&flag);
        text.push_str(&format!("{}  (= {default})\n    {}\n", names.join(", "), flag.purpose));
    }
    text
}
