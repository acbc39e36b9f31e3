//! charmcraft's extensions, and what they add to a charm.
//!
//! charmcraft expands an extension when it packs the charm, so charmcraft.yaml
//! alone does not have all the containers, endpoints, resources, options and
//! actions. What is here is what charmcraft 4.4 adds
//! (`charmcraft/extensions/app.py`); an extension that is not known here is
//! reported, and the charm is then known in part only.

use super::actions::{Action, JsonType, Parameter};
use super::assumes::Feature;
use super::config::{ConfigOption, OptionType, OptionValue};
use super::containers::Container;
use super::relations::{Endpoint, Role, Scope};
use super::resources::{Resource, ResourceKind};
use super::{Base, Origin};

/// The frameworks that charmcraft has an extension for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Framework {
    /// `django-framework`
    Django,
    /// `expressjs-framework`
    ExpressJs,
    /// `fastapi-framework`
    FastApi,
    /// `flask-framework`
    Flask,
    /// `go-framework`
    Go,
    /// `spring-boot-framework`
    SpringBoot,
}

impl Framework {
    /// All frameworks.
    pub const ALL: [Self; 6] =
        [Self::Django, Self::ExpressJs, Self::FastApi, Self::Flask, Self::Go, Self::SpringBoot];

    /// The name of the framework, which its options start with.
    pub fn name(self) -> &'static str {
        match self {
            Self::Django => "django",
            Self::ExpressJs => "expressjs",
            Self::FastApi => "fastapi",
            Self::Flask => "flask",
            Self::Go => "go",
            Self::SpringBoot => "spring-boot",
        }
    }

    /// The framework of an extension.
    pub fn of_extension(name: &str) -> Option<Self> {
        let framework = name.strip_suffix("-framework")?;
        Self::ALL.into_iter().find(|known| known.name() == framework)
    }
}

/// An extension that a charm uses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extension {
    /// The name: `flask-framework`.
    pub name: String,
    /// What it is for; nothing if the extension is not known.
    pub framework: Option<Framework>,
    /// Where it is named.
    pub origin: Origin,
}

/// What an extension adds.
pub(super) struct Additions {
    pub(super) endpoints: Vec<Endpoint>,
    pub(super) container: Container,
    pub(super) resource: Resource,
    pub(super) options: Vec<ConfigOption>,
    pub(super) actions: Vec<Action>,
    pub(super) assumption: Feature,
}

/// What a framework's extension adds to a charm on these bases, with these
/// endpoints of its own.
pub(super) fn additions(framework: Framework, bases: &[Base], own: &[Endpoint]) -> Additions {
    let origin = Origin::Extension(framework);
    let (container, image) = workload(framework, bases);
    Additions {
        endpoints: endpoints(origin),
        container: Container {
            name: container.to_owned(),
            resource: Some(image.to_owned()),
            bases: Vec::new(),
            mounts: Vec::new(),
            uid: None,
            gid: None,
            origin,
            resource_origin: None,
        },
        resource: Resource {
            name: image.to_owned(),
            kind: ResourceKind::OciImage,
            filename: None,
            upstream_source: None,
            description: Some(format!("{} application image.", framework.name())),
            origin,
            is_understood: true,
        },
        options: options(framework, own),
        actions: actions(framework),
        assumption: Feature { name: "k8s-api".to_owned(), version: None, origin },
    }
}

/// The names of the container and of its image.
fn workload(framework: Framework, bases: &[Base]) -> (&'static str, &'static str) {
    // Newer bases have one pair of names for all frameworks.
    let is_old = bases.is_empty()
        || bases
            .iter()
            .any(|base| base.name == "ubuntu" && matches!(base.channel.as_str(), "22.04" | "24.04"));
    match framework {
        Framework::Django if is_old => ("django-app", "django-app-image"),
        Framework::Flask if is_old => ("flask-app", "flask-app-image"),
        Framework::Django
        | Framework::Flask
        | Framework::ExpressJs
        | Framework::FastApi
        | Framework::Go
        | Framework::SpringBoot => ("app", "app-image"),
    }
}

fn endpoints(origin: Origin) -> Vec<Endpoint> {
    let endpoint = |role, name: &str, interface: &str, limit| Endpoint {
        name: name.to_owned(),
        role,
        interface: Some(interface.to_owned()),
        limit,
        optional: false,
        scope: Scope::Global,
        origin,
    };
    vec![
        endpoint(Role::Provides, "metrics-endpoint", "prometheus_scrape", None),
        endpoint(Role::Provides, "grafana-dashboard", "grafana_dashboard", None),
        endpoint(Role::Requires, "logging", "loki_push_api", None),
        endpoint(Role::Requires, "ingress", "ingress", Some(1)),
        endpoint(Role::Peer, "secret-storage", "secret-storage", None),
    ]
}

fn actions(framework: Framework) -> Vec<Action> {
    let origin = Origin::Extension(framework);
    let action = |name: &str, parameters: &[&str]| Action {
        name: name.to_owned(),
        description: None,
        parameters: parameters
            .iter()
            .map(|name| Parameter {
                name: (*name).to_owned(),
                types: vec![JsonType::String],
                is_required: true,
                description: None,
                default: None,
                allowed: Vec::new(),
                origin,
            })
            .collect(),
        required: parameters.iter().map(|name| (*name).to_owned()).collect(),
        additional_properties: None,
        parallel: false,
        execution_group: None,
        origin,
    };
    let mut actions = vec![action("rotate-secret-key", &[])];
    if framework == Framework::Django {
        actions.push(action("create-superuser", &["username", "email"]));
    }
    actions
}

/// The default of an option, as the tables below write it.
#[derive(Clone, Copy)]
enum Preset {
    None,
    Text(&'static str),
    Int(i64),
    False,
}

type OptionRow = (&'static str, OptionType, Preset);

const GUNICORN: [OptionRow; 5] = [
    ("webserver-keepalive", OptionType::Int, Preset::None),
    ("webserver-threads", OptionType::Int, Preset::None),
    ("webserver-timeout", OptionType::Int, Preset::None),
    ("webserver-workers", OptionType::Int, Preset::None),
    ("webserver-worker-class", OptionType::String, Preset::None),
];
const DJANGO: [OptionRow; 4] = [
    ("django-debug", OptionType::Boolean, Preset::False),
    ("django-secret-key", OptionType::String, Preset::None),
    ("django-secret-key-id", OptionType::Secret, Preset::None),
    ("django-allowed-hosts", OptionType::String, Preset::None),
];
const FLASK: [OptionRow; 8] = [
    ("flask-application-root", OptionType::String, Preset::None),
    ("flask-debug", OptionType::Boolean, Preset::None),
    ("flask-env", OptionType::String, Preset::None),
    ("flask-permanent-session-lifetime", OptionType::Int, Preset::None),
    ("flask-preferred-url-scheme", OptionType::String, Preset::Text("HTTPS")),
    ("flask-secret-key", OptionType::String, Preset::None),
    ("flask-secret-key-id", OptionType::Secret, Preset::None),
    ("flask-session-cookie-secure", OptionType::Boolean, Preset::None),
];
const FASTAPI: [OptionRow; 3] = [
    ("webserver-workers", OptionType::Int, Preset::Int(1)),
    ("webserver-port", OptionType::Int, Preset::Int(8080)),
    ("webserver-log-level", OptionType::String, Preset::Text("info")),
];
const PORT: [OptionRow; 1] = [("app-port", OptionType::Int, Preset::Int(8080))];
const PROFILES: [OptionRow; 1] = [("app-profiles", OptionType::String, Preset::None)];
const METRICS: [OptionRow; 2] = [
    ("metrics-port", OptionType::Int, Preset::Int(8080)),
    ("metrics-path", OptionType::String, Preset::Text("/metrics")),
];
const SPRING_METRICS: [OptionRow; 2] = [
    ("metrics-port", OptionType::Int, Preset::Int(8080)),
    ("metrics-path", OptionType::String, Preset::Text("/actuator/prometheus")),
];
const SECRET_KEY: [OptionRow; 2] = [
    ("app-secret-key", OptionType::String, Preset::None),
    ("app-secret-key-id", OptionType::Secret, Preset::None),
];

fn options(framework: Framework, own: &[Endpoint]) -> Vec<ConfigOption> {
    let origin = Origin::Extension(framework);
    let tables: &[&[OptionRow]] = match framework {
        Framework::Django => &[&GUNICORN, &DJANGO],
        Framework::Flask => &[&GUNICORN, &FLASK],
        Framework::FastApi => &[&FASTAPI, &METRICS, &SECRET_KEY],
        Framework::ExpressJs | Framework::Go => &[&PORT, &METRICS, &SECRET_KEY],
        Framework::SpringBoot => &[&PORT, &PROFILES, &SPRING_METRICS, &SECRET_KEY],
    };
    let option =
        |name: String, kind, default| ConfigOption { name, kind, default, description: None, origin };
    let mut options: Vec<ConfigOption> = tables
        .iter()
        .flat_map(|table| table.iter())
        .map(|(name, kind, preset)| {
            let default = match preset {
                Preset::None => None,
                Preset::Text(text) => Some(OptionValue::String((*text).to_owned())),
                Preset::Int(value) => Some(OptionValue::Int(*value)),
                Preset::False => Some(OptionValue::Boolean(false)),
            };
            option((*name).to_owned(), *kind, default)
        })
        .collect();
    // Each endpoint of the charm that asks for `oauth` brings options.
    let is_oauth = |endpoint: &&Endpoint| {
        endpoint.role == Role::Requires && endpoint.interface.as_deref() == Some("oauth")
    };
    for endpoint in own.iter().filter(is_oauth) {
        let name = &endpoint.name;
        let mut add = |suffix: &str, default: String| {
            let default = Some(OptionValue::String(default));
            options.push(option(format!("{name}-{suffix}"), OptionType::String, default));
        };
        add("scopes", "openid profile email".to_owned());
        if framework == Framework::SpringBoot {
            add("redirect-path", format!("/login/oauth2/code/{name}"));
            add("user-name-attribute", "sub".to_owned());
        } else {
            add("redirect-path", "/callback".to_owned());
        }
    }
    options
}
