//! What units are told of the cloud that they are in: the files of a pod, and a credential.

use std::collections::BTreeMap;

use charmproof_agent::runner::authority;
use charmproof_agent::standins::{Rules, kubernetes};
use charmproof_agent::state::{Credential, State};
use charmproof_lifecycle::vocabulary::Platform;

/// Where Kubernetes puts what a pod's service account needs; `/var/run` leads there.
const ACCOUNT: &str = "/run/secrets/kubernetes.io/serviceaccount";

/// Returns what Kubernetes puts into each pod. The token opens nothing.
pub(super) fn pod_files(state: &State) -> BTreeMap<String, String> {
    if state.juju.platform != Platform::Kubernetes {
        return BTreeMap::new();
    }
    BTreeMap::from([
        (format!("{ACCOUNT}/namespace"), state.model.name.clone()),
        (format!("{ACCOUNT}/token"), "no-token".to_owned()),
        (format!("{ACCOUNT}/ca.crt"), authority::certificate().unwrap_or_default().to_owned()),
    ])
}

/// Returns what `credential-get` tells a charm that is trusted: what the user's rules say, or what
/// Juju keeps of a cloud of the kind that people try charms on. It opens nothing.
pub(super) fn credential(rules: &Rules, platform: Platform) -> Credential {
    if let Some(rule) = &rules.credential {
        return Credential {
            cloud_type: rule.r#type.clone(),
            name: rule.name.clone().unwrap_or_else(|| rule.r#type.clone()),
            region: rule.region.clone(),
            endpoint: rule.endpoint.clone(),
            auth_type: rule.auth_type.clone(),
            attributes: rule.attributes.clone(),
        };
    }
    let certificate = || authority::certificate().unwrap_or_default().to_owned();
    let text = |name: &str, value: String| (name.to_owned(), value);
    match platform {
        Platform::Machine => Credential {
            cloud_type: "lxd".to_owned(),
            name: "localhost".to_owned(),
            region: "localhost".to_owned(),
            endpoint: "https://10.0.0.1:8443".to_owned(),
            auth_type: "certificate".to_owned(),
            attributes: BTreeMap::from([
                text("client-cert", certificate()),
                text("client-key", authority::client_key().unwrap_or_default()),
                text("server-cert", certificate()),
            ]),
        },
        Platform::Kubernetes => Credential {
            cloud_type: "kubernetes".to_owned(),
            name: "k8s".to_owned(),
            region: "localhost".to_owned(),
            endpoint: format!("https://{}:{}", kubernetes::ADDRESS, kubernetes::PORT),
            auth_type: "clientcertificate".to_owned(),
            attributes: BTreeMap::from([
                text("ClientCertificateData", certificate()),
                text("ClientKeyData", authority::client_key().unwrap_or_default()),
            ]),
        },
    }
}
