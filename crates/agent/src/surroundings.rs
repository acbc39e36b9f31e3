//! The environment variables of a hook, all of them, as Juju sets them.

use std::collections::BTreeMap;

use camino::Utf8Path;
use charmproof_lifecycle::environment::{self, Numbers};
use charmproof_lifecycle::vocabulary::{Hook, Platform};

use crate::runner::{UnitProcess, tools_folder};
use crate::standins::kubernetes;
use crate::state::State;

/// The folders that Juju puts on `PATH` behind its tools.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/snap/bin";

/// What OpenSSL and httpx, requests, and curl are told of certificates by.
const CERTIFICATE_VARIABLES: [&str; 3] = ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"];

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

/// Returns the variables of a hook (worker/uniter/runner/context, `HookVars`).
pub fn variables(
    state: &State,
    unit: &str,
    hook: &Hook,
    numbers: Numbers,
    place: &Place<'_>,
) -> BTreeMap<String, String> {
    let told = environment::variables(state.juju.line, unit, hook, numbers);
    let mut all: BTreeMap<String, String> =
        told.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    let charm_dir = place.process.charm_dir().as_str();
    let tools = place.tools.map_or_else(|| tools_folder(unit), Utf8Path::to_owned);
    let path = match place.stand_ins {
        Some(stand_ins) => format!("{tools}:{stand_ins}:{PATH}"),
        None => format!("{tools}:{PATH}"),
    };
    let principal = state.units.get(unit).and_then(|unit| unit.principal.as_ref());
    let machine = unit.rsplit('/').next().unwrap_or("0");
    for (name, value) in [
        ("PATH", path.as_str()),
        ("JUJU_VERSION", &state.juju.version),
        ("JUJU_MODEL_NAME", &state.model.name),
        ("JUJU_MODEL_UUID", &state.model.uuid),
        ("JUJU_CHARM_DIR", charm_dir),
        ("CHARM_DIR", charm_dir),
        ("JUJU_CONTEXT_ID", &format!("{unit}-{}-0", hook.name())),
        ("JUJU_AGENT_SOCKET_ADDRESS", place.process.socket().as_str()),
        ("JUJU_AGENT_SOCKET_NETWORK", "unix"),
        ("JUJU_API_ADDRESSES", "10.0.0.1:17070"),
        ("JUJU_MACHINE_ID", if state.juju.platform == Platform::Machine { machine } else { "" }),
        ("JUJU_PRINCIPAL_UNIT", principal.map_or("", |name| name.as_str())),
        ("JUJU_AVAILABILITY_ZONE", ""),
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
        // Sets of texts are walked in the same order each time.
        ("PYTHONHASHSEED", "0"),
        ("PYTHONDONTWRITEBYTECODE", "1"),
    ] {
        all.insert(name.to_owned(), value.to_owned());
    }
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
