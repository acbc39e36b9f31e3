//! What the API server of a cluster answers to a charm that it has not authorised.
//!
//! Everything is forbidden but what every account may ask. That is so with `--trust` as well: what
//! a real cluster holds nobody here knows, and a rule of the user's says it.

use std::net::Ipv4Addr;

use serde_json::{Value, json};

use super::web::WebRequest;

/// Where the API server is, as each pod is told.
pub const ADDRESS: Ipv4Addr = Ipv4Addr::new(10, 152, 183, 1);
/// Its port.
pub const PORT: u16 = 443;
/// Its names inside of the cluster.
pub const NAMES: [&str; 4] =
    ["kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local"];

/// Whose pod asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caller<'a> {
    /// The namespace, which has the name of the model.
    pub namespace: &'a str,
    /// The service account, which has the name of the application.
    pub application: &'a str,
}

/// What is answered.
pub(super) struct Said {
    pub(super) status: u16,
    pub(super) body: Value,
    /// Why it was refused, if it was.
    pub(super) refusal: Option<String>,
}

/// Answers a request as a cluster does that has given the account no role.
pub(super) fn answer(caller: &Caller<'_>, request: &WebRequest) -> Said {
    let (path, query) = request.target.split_once('?').unwrap_or((&request.target, ""));
    if request.method == "GET" && path.trim_end_matches('/') == "/version" {
        let body = json!({
            "major": "1", "minor": "31", "gitVersion": "v1.31.0", "gitTreeState": "clean",
            "platform": "linux/amd64",
        });
        return Said { status: 200, body, refusal: None };
    }
    let user = if request.is_authenticated {
        format!("system:serviceaccount:{}:{}", caller.namespace, caller.application)
    } else {
        "system:anonymous".to_owned()
    };
    let (message, details) = if let Some(resource) = Resource::of_path(path) {
        let verb = resource.verb(&request.method, query);
        let (kind, group) = (resource.kind(), resource.group);
        let place = match resource.namespace {
            Some(namespace) => format!("in the namespace \"{namespace}\""),
            None => "at the cluster scope".to_owned(),
        };
        let name = resource.name.map_or_else(String::new, |name| format!(" \"{name}\""));
        let qualified = if group.is_empty() {
            resource.plural.to_owned()
        } else {
            format!("{}.{group}", resource.plural)
        };
        let message = format!(
            "{qualified}{name} is forbidden: User \"{user}\" cannot {verb} resource \"{kind}\" in API group \"{group}\" {place}"
        );
        let mut details = json!({"kind": resource.plural});
        if let Some(name) = resource.name {
            details["name"] = name.into();
        }
        if !group.is_empty() {
            details["group"] = group.into();
        }
        (message, details)
    } else {
        let verb = request.method.to_ascii_lowercase();
        (format!("forbidden: User \"{user}\" cannot {verb} path \"{path}\""), json!({}))
    };
    let body = json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": message,
        "reason": "Forbidden", "details": details, "code": 403,
    });
    Said { status: 403, body, refusal: Some(message) }
}

/// What a path names.
#[derive(Debug, PartialEq, Eq)]
struct Resource<'a> {
    group: &'a str,
    namespace: Option<&'a str>,
    plural: &'a str,
    name: Option<&'a str>,
    part: Option<&'a str>,
}

impl<'a> Resource<'a> {
    /// Reads `/api/VERSION/…` and `/apis/GROUP/VERSION/…`.
    fn of_path(path: &'a str) -> Option<Self> {
        let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
        let (group, rest) = match parts.as_slice() {
            ["api", _, rest @ ..] => ("", rest),
            ["apis", group, _, rest @ ..] => (*group, rest),
            _ => return None,
        };
        let (namespace, rest) = match rest {
            ["namespaces", namespace, rest @ ..] if !rest.is_empty() && !is_part_of_namespace(rest[0]) => {
                (Some(*namespace), rest)
            }
            rest => (None, rest),
        };
        let plural = *rest.first()?;
        // A namespace is looked up in itself.
        let namespace = namespace.or(rest.get(1).copied().filter(|_| plural == "namespaces"));
        Some(Self { group, namespace, plural, name: rest.get(1).copied(), part: rest.get(2).copied() })
    }

    /// Returns the resource with its part: `pods/log`.
    fn kind(&self) -> String {
        self.part.map_or_else(|| self.plural.to_owned(), |part| format!("{}/{part}", self.plural))
    }

    fn verb(&self, method: &str, query: &str) -> &'static str {
        let watches =
            query.split('&').any(|pair| pair == "watch=true" || pair == "watch=1" || pair == "watch=True");
        match (method, self.name) {
            ("GET" | "HEAD", _) if watches => "watch",
            ("GET" | "HEAD", Some(_)) => "get",
            ("GET" | "HEAD", None) => "list",
            ("POST", _) => "create",
            ("PUT", _) => "update",
            ("PATCH", _) => "patch",
            ("DELETE", Some(_)) => "delete",
            ("DELETE", None) => "deletecollection",
            _ => "use",
        }
    }
}

fn is_part_of_namespace(word: &str) -> bool {
    matches!(word, "status" | "finalize")
}
