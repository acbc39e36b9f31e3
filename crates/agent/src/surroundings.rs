//! The environment variables of a hook, all of them, as Juju sets them.

use std::collections::BTreeMap;

use camino::{Utf8Path, Utf8PathBuf};
use charmproof_lifecycle::environment::{self, Numbers};
use charmproof_lifecycle::stimulus::EXEC_ACTION;
use charmproof_lifecycle::vocabulary::{Hook, HookKind, Platform};

use crate::runner::{UnitProcess, tools_folder};
use crate::standins::kubernetes;
use crate::state::{HookContext, SecretId, State, application_of};

/// The folders that Juju puts on `PATH` behind its tools.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/snap/bin";

/// What OpenSSL and httpx, requests, and curl are told of certificates by.
const CERTIFICATE_VARIABLES: [&str; 3] = ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"];

/// Where the agent of a unit is, as its hooks see it.
#[derive(Clone, Copy, Debug)]
pub struct AgentPlace<'a> {
    /// The folder of the charm.
    pub charm_dir: &'a Utf8Path,
    /// The socket at which tools ask.
    pub socket: &'a Utf8Path,
    /// The folder of the tools.
    pub tools: &'a Utf8Path,
    /// What tells this hook from others (`JUJU_CONTEXT_ID`).
    pub context_id: &'a str,
    /// The number of the machine; empty where the unit is on none.
    pub machine: &'a str,
    /// The zone that the machine is in.
    pub availability_zone: &'a str,
    /// Where the controller is.
    pub api_addresses: &'a str,
}

/// What a hook's environment takes from where it runs.
#[derive(Clone, Debug)]
pub struct Place<'a> {
    /// The process that runs it.
    pub process: &'a UnitProcess,
    /// The folder of the hook tools as a unit without a root of its own sees it.
    pub tools: Option<&'a Utf8Path>,
    /// A folder before all others on `PATH`: stand-ins for what cannot run.
    pub stand_ins: Option<&'a Utf8Path>,
    /// A file with the certificates that clients are to trust, where libraries would use their own.
    pub certificates: Option<&'a Utf8Path>,
}

/// Returns the variables that the agent of a unit adds to its own for a hook, for a unit whose
/// hooks run where the agent is (worker/uniter/runner/context, `HookVars`).
pub fn hook_variables(
    state: &State,
    unit: &str,
    hook: &Hook,
    numbers: Numbers,
    place: &AgentPlace<'_>,
) -> BTreeMap<String, String> {
    let mut all = juju_variables(state, unit, hook, numbers, place);
    if let Some(label) = hook.secret_id.as_ref().map(|id| label_of(state, unit, id)) {
        all.insert("JUJU_SECRET_LABEL".to_owned(), label);
    }
    let known = state.units.get(unit).zip(hook.storage_id.as_ref());
    if let Some(storage) = known.and_then(|(unit, id)| unit.storages.get(id)) {
        let kind: &str = storage.kind.into();
        all.insert("JUJU_STORAGE_KIND".to_owned(), kind.to_owned());
        all.insert("JUJU_STORAGE_LOCATION".to_owned(), storage.location.clone());
    }
    if hook.kind == HookKind::Action && hook.subject() == EXEC_ACTION {
        // Commands of a person are no part of the charm.
        all.remove("JUJU_DISPATCH_PATH");
    }
    all
}

/// Returns the same for commands of a person, which are no hook ([`HookContext::for_commands`]).
pub fn command_variables(
    state: &State,
    context: &HookContext,
    place: &AgentPlace<'_>,
) -> BTreeMap<String, String> {
    let mut all = hook_variables(state, context.unit(), context.hook(), Numbers::default(), place);
    all.insert("JUJU_HOOK_NAME".to_owned(), String::new());
    all.remove("JUJU_DISPATCH_PATH");
    all
}

/// Returns the name that a unit has for a secret: that of its owner for whom it is of, or the
/// unit's own.
fn label_of(state: &State, unit: &str, id: &str) -> String {
    let Some(secret) = SecretId::parse(id).and_then(|id| state.secrets.get(&id)) else {
        return String::new();
    };
    let own = secret.consumers.get(unit).and_then(|consumer| consumer.label.clone());
    if secret.owner.application() == Some(application_of(unit)) {
        return Some(secret.label.clone()).filter(|label| !label.is_empty()).or(own).unwrap_or_default();
    }
    own.unwrap_or_default()
}

/// Returns what the life and the agent's place say, the same everywhere.
fn juju_variables(
    state: &State,
    unit: &str,
    hook: &Hook,
    numbers: Numbers,
    place: &AgentPlace<'_>,
) -> BTreeMap<String, String> {
    let told = environment::variables(state.juju.line, unit, hook, numbers);
    let mut all: BTreeMap<String, String> =
        told.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    let charm_dir = place.charm_dir.as_str();
    let principal = state.units.get(unit).and_then(|unit| unit.principal.as_ref());
    for (name, value) in [
        ("PATH", format!("{}:{PATH}", place.tools).as_str()),
        ("JUJU_VERSION", &state.juju.version),
        ("JUJU_MODEL_NAME", &state.model.name),
        ("JUJU_MODEL_UUID", &state.model.uuid),
        ("JUJU_CHARM_DIR", charm_dir),
        ("CHARM_DIR", charm_dir),
        ("JUJU_CONTEXT_ID", place.context_id),
        ("JUJU_AGENT_SOCKET_ADDRESS", place.socket.as_str()),
        ("JUJU_AGENT_SOCKET_NETWORK", "unix"),
        ("JUJU_API_ADDRESSES", place.api_addresses),
        ("JUJU_MACHINE_ID", place.machine),
        ("JUJU_PRINCIPAL_UNIT", principal.map_or("", |name| name.as_str())),
        ("JUJU_AVAILABILITY_ZONE", place.availability_zone),
        ("CLOUD_API_VERSION", "1.31.0"),
        ("JUJU_CHARM_HTTP_PROXY", ""),
        ("JUJU_CHARM_HTTPS_PROXY", ""),
        ("JUJU_CHARM_FTP_PROXY", ""),
        ("JUJU_CHARM_NO_PROXY", "127.0.0.1,localhost,::1"),
        ("LANG", "C.UTF-8"),
        ("TERM", "tmux-256color"),
        ("DEBIAN_FRONTEND", "noninteractive"),
        ("APT_LISTCHANGES_FRONTEND", "none"),
        // Root's, as the agent is root.
        ("HOME", "/root"),
    ] {
        all.insert(name.to_owned(), value.to_owned());
    }
    all
}

/// Returns the variables of a hook of a life that is played: the same in each.
pub fn variables(
    state: &State,
    unit: &str,
    hook: &Hook,
    numbers: Numbers,
    place: &Place<'_>,
) -> BTreeMap<String, String> {
    let tools = place.tools.map_or_else(|| tools_folder(unit), Utf8Path::to_owned);
    let tools = match place.stand_ins {
        Some(stand_ins) => Utf8PathBuf::from(format!("{tools}:{stand_ins}")),
        None => tools,
    };
    let machine = unit.rsplit('/').next().unwrap_or("0");
    let agent = AgentPlace {
        charm_dir: place.process.charm_dir(),
        socket: place.process.socket(),
        tools: &tools,
        context_id: &format!("{unit}-{}-0", hook.name()),
        machine: if state.juju.platform == Platform::Machine { machine } else { "" },
        availability_zone: "",
        api_addresses: "10.0.0.1:17070",
    };
    let mut all = juju_variables(state, unit, hook, numbers, &agent);
    // Sets of texts are walked in the same order each time.
    all.insert("PYTHONHASHSEED".to_owned(), "0".to_owned());
    all.insert("PYTHONDONTWRITEBYTECODE".to_owned(), "1".to_owned());
    if state.juju.platform == Platform::Kubernetes {
        all.insert("KUBERNETES_SERVICE_HOST".into(), kubernetes::ADDRESS.to_string());
        all.insert("KUBERNETES_SERVICE_PORT".into(), kubernetes::PORT.to_string());
    }
    if let Some(certificates) = place.certificates {
        for name in CERTIFICATE_VARIABLES {
            all.insert(name.to_owned(), certificates.as_str().to_owned());
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use charmproof_lifecycle::vocabulary::JujuVersion;

    use super::*;
    use crate::state::{Application, Juju, ModelIdentity, NewSecret, SecretOwner};

    /// A hook knows where its agent is, and what Juju calls things.
    #[test]
    fn a_hook_of_a_machine_is_told_what_is_really_there() {
        let mut state =
            State::new(Juju::of_line(JujuVersion::V3_6, Platform::Machine), ModelIdentity::default());
        for application in ["web", "pg"] {
            state.add_application(Application::new(application)).unwrap();
            state.add_unit(&format!("{application}/0"), None).unwrap();
        }
        let content = [("password".to_owned(), "hunter2".to_owned())].into();
        let owner = SecretOwner::Application("pg".into());
        let id = state.add_secret(NewSecret { label: "users".to_owned(), ..NewSecret::of(owner, content) });
        let place = AgentPlace {
            charm_dir: "/var/lib/juju/agents/unit-pg-0/charm".into(),
            socket: "/var/lib/juju/agents/unit-pg-0/agent.socket".into(),
            tools: "/var/lib/juju/tools/unit-pg-0".into(),
            context_id: "pg/0-secret-rotate-17",
            machine: "4",
            availability_zone: "here",
            api_addresses: "10.9.0.1:17070",
        };
        let check = |state: &State, unit: &str, hook: &Hook, expected: &[(&str, Option<&str>)]| {
            let numbers = Numbers { action: 12, ..Numbers::default() };
            let variables = hook_variables(state, unit, hook, numbers, &place);
            for (name, value) in expected {
                assert_eq!(variables.get(*name).map(String::as_str), *value, "{name} of {unit}");
            }
        };
        let hook = Hook { secret_id: Some(id.uri().into()), ..Hook::of_kind(HookKind::SecretRotate) };
        check(
            &state,
            "pg/0",
            &hook,
            &[
                ("JUJU_SECRET_LABEL", Some("users")),
                ("JUJU_CONTEXT_ID", Some("pg/0-secret-rotate-17")),
                ("JUJU_MACHINE_ID", Some("4")),
                ("JUJU_AVAILABILITY_ZONE", Some("here")),
                ("JUJU_API_ADDRESSES", Some("10.9.0.1:17070")),
                ("PYTHONHASHSEED", None),
            ],
        );
        // Whoever reads it has a name of its own, or none.
        check(&state, "web/0", &hook, &[("JUJU_SECRET_LABEL", Some(""))]);
        let exec = Hook { subject: Some(EXEC_ACTION.into()), ..Hook::of_kind(HookKind::Action) };
        check(
            &state,
            "pg/0",
            &exec,
            &[
                ("JUJU_ACTION_NAME", Some("juju-exec")),
                ("JUJU_ACTION_UUID", Some("12")),
                ("JUJU_DISPATCH_PATH", None),
            ],
        );
    }
}
