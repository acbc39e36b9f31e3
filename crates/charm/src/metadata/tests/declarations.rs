//! What is read of a charm that is fine.

use super::*;
use crate::MemoryTree;

const HEAD: &str = "type: charm\nname: web\nsummary: s\ndescription: d\n";

/// A charm of one charmcraft.yaml, that nothing is to be said about.
fn fine(sections: &str) -> CharmMetadata {
    let metadata = of_charmcraft(&format!("{HEAD}{sections}"));
    assert_eq!(metadata.notes, [], "{sections}");
    metadata
}

#[test]
fn endpoints_have_a_role_an_interface_a_limit_and_a_scope() {
    let metadata = fine(
        "\
requires:
  db: {interface: mysql, limit: 1, optional: true}
  cache: varnish
  host: {interface: juju-info, scope: container}
provides:
  site: {interface: http, limit: }
peers:
  replicas: {interface: web-peers}
",
    );
    let lines: Vec<String> = metadata
        .endpoints
        .iter()
        .map(|endpoint| {
            let Endpoint { name, role, interface, limit, optional, scope, .. } = endpoint;
            let interface = interface.as_deref().unwrap_or("?");
            format!("{role:?} {name} {interface} limit={limit:?} optional={optional} {scope:?}")
        })
        .collect();
    assert_eq!(
        lines,
        [
            "Provides site http limit=None optional=false Global",
            "Requires db mysql limit=Some(1) optional=true Global",
            "Requires cache varnish limit=None optional=false Global",
            "Requires host juju-info limit=None optional=false Container",
            "Peer replicas web-peers limit=None optional=false Global",
        ]
    );
    assert_eq!(
        metadata.endpoint("db").map(|endpoint| endpoint.origin),
        Some(Origin::Declared { file: CharmFile::Charmcraft, place: Place { line: 6, column: 3 } })
    );
}

#[test]
fn storage_has_a_kind_and_a_count() {
    let metadata = fine(
        "\
storage:
  data: {type: filesystem, location: /data, minimum-size: 1G, properties: [transient]}
  logs: {type: filesystem, multiple: {range: 0-}, shared: true, read-only: 'true'}
  disks: {type: block, multiple: {range: 2-5}}
  pair: {type: block, multiple: {range: 2}}
",
    );
    let lines: Vec<String> = metadata
        .storages
        .iter()
        .map(|storage| {
            let Storage { name, kind, count_min, count_max, .. } = storage;
            format!("{kind:?} {name} {count_min}..{count_max:?} multiple={}", storage.is_multiple())
        })
        .collect();
    assert_eq!(
        lines,
        [
            "Filesystem data 1..Some(1) multiple=false",
            "Filesystem logs 0..None multiple=true",
            "Block disks 2..Some(5) multiple=true",
            "Block pair 2..Some(2) multiple=true",
        ]
    );
    let [data, logs, ..] = metadata.storages.as_slice() else { panic!("there are two") };
    assert_eq!(data.location.as_deref(), Some("/data"));
    assert_eq!(data.minimum_size_mib, Some(1024));
    assert_eq!(data.properties, ["transient"]);
    assert!(logs.shared && logs.read_only && !data.shared && !data.read_only);
}

#[test]
fn containers_have_a_resource_and_mounts() {
    let metadata = fine(
        "\
containers:
  web:
    resource: web-image
    mounts:
      - {storage: data, location: /srv}
      - {storage: data, location: /var/lib/web}
    uid: 584792
    gid: 0
  side:
    bases: [{name: ubuntu, channel: '22.04'}]
resources:
  web-image: {type: oci-image, description: The server, upstream-source: docker.io/nginx}
  key: {filename: key.pem}
storage:
  data: {type: filesystem}
",
    );
    let [web, side] = metadata.containers.as_slice() else { panic!("there are two") };
    assert_eq!((web.resource.as_deref(), web.uid, web.gid), (Some("web-image"), Some(584_792), Some(0)));
    let mounts: Vec<(&str, Option<&str>)> =
        web.mounts.iter().map(|mount| (mount.storage.as_str(), mount.location.as_deref())).collect();
    assert_eq!(mounts, [("data", Some("/srv")), ("data", Some("/var/lib/web"))]);
    assert_eq!(side.bases.iter().map(ToString::to_string).collect::<Vec<_>>(), ["ubuntu@22.04"]);
    let [image, key] = metadata.resources.as_slice() else { panic!("there are two") };
    assert_eq!(
        (image.kind, image.upstream_source.as_deref()),
        (ResourceKind::OciImage, Some("docker.io/nginx"))
    );
    assert_eq!((key.kind, key.filename.as_deref()), (ResourceKind::File, Some("key.pem")));
}

#[test]
fn options_have_a_type_and_a_default_of_it() {
    let metadata = fine(
        "\
config:
  options:
    title: {type: string, default: 'on'}
    port: {type: int, default: 0x50}
    ratio: {type: float, default: 1}
    debug: {type: boolean, default: off}
    key: {type: secret}
    other: {description: An option is a string if nothing is said.}
    bare:
",
    );
    let options: Vec<(&str, OptionType, Option<OptionValue>)> = metadata
        .config_options
        .iter()
        .map(|option| (option.name.as_str(), option.kind, option.default.clone()))
        .collect();
    assert_eq!(
        options,
        [
            ("title", OptionType::String, Some(OptionValue::String("on".to_owned()))),
            ("port", OptionType::Int, Some(OptionValue::Int(80))),
            ("ratio", OptionType::Float, Some(OptionValue::Float("1".to_owned()))),
            ("debug", OptionType::Boolean, Some(OptionValue::Boolean(false))),
            ("key", OptionType::Secret, None),
            ("other", OptionType::String, None),
            ("bare", OptionType::String, None),
        ]
    );
}

#[test]
fn actions_have_parameters() {
    let metadata = fine(
        "\
actions:
  backup:
    description: Writes a backup.
    params:
      target: {type: string, description: Where to, default: local, enum: [local, s3]}
      depth: {type: [integer, 'null']}
      options: {type: object, properties: {level: {type: integer}}}
    required: [target]
    additionalProperties: false
    parallel: true
    execution-group: storage
  restart:
  by-schema:
    properties: {force: {type: boolean}}
",
    );
    let [backup, restart, by_schema] = metadata.actions.as_slice() else { panic!("there are three") };
    assert_eq!(backup.description.as_deref(), Some("Writes a backup."));
    assert!(backup.parallel && !restart.parallel);
    assert_eq!(backup.execution_group.as_deref(), Some("storage"));
    assert_eq!((backup.additional_properties, restart.additional_properties), (Some(false), None));
    let parameters: Vec<(&str, &[JsonType], bool)> = backup
        .parameters
        .iter()
        .map(|parameter| (parameter.name.as_str(), parameter.types.as_slice(), parameter.is_required))
        .collect();
    assert_eq!(
        parameters,
        [
            ("target", &[JsonType::String][..], true),
            ("depth", &[JsonType::Integer, JsonType::Null], false),
            ("options", &[JsonType::Object], false),
        ]
    );
    assert_eq!(backup.parameters[0].default.as_ref().and_then(Node::text), Some("local"));
    assert_eq!(backup.parameters[0].allowed.len(), 2);
    assert_eq!(restart.parameters, []);
    assert_eq!(by_schema.parameters[0].types, [JsonType::Boolean]);
}

#[test]
fn assumptions_are_a_tree() {
    let metadata = fine(
        "assumes:\n  - juju >= 3.1\n  - any-of:\n    - k8s-api\n    - all-of: [juju >= 3.4, juju < 4]\n",
    );
    let shown: Vec<String> = metadata.assumptions.iter().map(ToString::to_string).collect();
    assert_eq!(shown, ["juju >= 3.1", "any of (k8s-api, all of (juju >= 3.4, juju < 4))"]);
    assert_eq!(metadata.assumes, ["juju >= 3.1", "k8s-api", "juju >= 3.4", "juju < 4"]);
}

#[test]
fn a_subordinate_has_its_principal_on_the_same_machine() {
    let metadata = fine(
        "subordinate: true\nrequires:\n  juju-info: {interface: juju-info, scope: container}\nextra-bindings:\n  admin:\ndevices:\n  gpu: {type: gpu}\ncharm-user: non-root\n",
    );
    assert!(metadata.subordinate);
    assert_eq!(metadata.extra_bindings[0].0, "admin");
    assert_eq!(metadata.devices, ["gpu"]);
    assert_eq!(metadata.charm_user.as_deref(), Some("non-root"));
}

#[test]
fn a_framework_adds_what_its_extension_adds() {
    let metadata = fine(
        "base: ubuntu@22.04\nextensions: [flask-framework]\nrequires:\n  postgresql: {interface: postgresql_client, limit: 1}\n  login: oauth\nconfig:\n  options:\n    greeting: {type: string}\n",
    );
    let endpoints: Vec<&str> = metadata.endpoints.iter().map(|endpoint| endpoint.name.as_str()).collect();
    assert_eq!(
        endpoints,
        [
            "metrics-endpoint",
            "grafana-dashboard",
            "postgresql",
            "login",
            "logging",
            "ingress",
            "secret-storage"
        ]
    );
    assert_eq!(metadata.containers[0].name, "flask-app");
    assert_eq!(metadata.resources[0].name, "flask-app-image");
    assert_eq!(metadata.actions[0].name, "rotate-secret-key");
    let options: Vec<&str> = metadata.config_options.iter().map(|option| option.name.as_str()).collect();
    assert!(options.starts_with(&["greeting", "webserver-keepalive"]), "{options:?}");
    assert!(options.ends_with(&["flask-session-cookie-secure", "login-scopes", "login-redirect-path"]));
    assert_eq!(metadata.substrate(), Substrate::Kubernetes);
    assert!(metadata.is_complete());
}

#[test]
fn each_framework_has_its_container() {
    for (extension, base, container, action_count, option_count) in [
        ("django-framework", "ubuntu@22.04", "django-app", 2, 9),
        ("django-framework", "ubuntu@26.04", "app", 2, 9),
        ("expressjs-framework", "ubuntu@24.04", "app", 1, 5),
        ("fastapi-framework", "ubuntu@24.04", "app", 1, 7),
        ("flask-framework", "ubuntu@24.04", "flask-app", 1, 13),
        ("go-framework", "ubuntu@24.04", "app", 1, 5),
        ("spring-boot-framework", "ubuntu@24.04", "app", 1, 6),
    ] {
        let metadata = fine(&format!("base: {base}\nextensions: [{extension}]\n"));
        assert_eq!(metadata.containers[0].name, container, "{extension}");
        assert_eq!(metadata.actions.len(), action_count, "{extension}");
        assert_eq!(metadata.config_options.len(), option_count, "{extension}");
    }
}

#[test]
fn an_unknown_extension_leaves_the_charm_known_in_part() {
    let metadata = of_charmcraft(&format!("{HEAD}extensions: [rust-framework]\nsubordinate: true\n"));
    assert!(!metadata.is_complete());
    assert_eq!(metadata.extensions[0].framework, None);
    let notes: Vec<String> = metadata.notes.iter().map(ToString::to_string).collect();
    assert_eq!(
        notes,
        [
            "charmcraft.yaml:5:14: the extension `rust-framework` is not known here, so neither are the containers, endpoints, resources, options and actions that it adds"
        ],
        "the extension may add the endpoint that a subordinate needs"
    );
    assert_eq!(metadata.errors().count(), 0);
}

#[test]
fn the_files_of_a_tree_are_read_together() {
    let metadata = CharmMetadata::read(&MemoryTree::from_fixture(
        "\
--- charmcraft.yaml
type: charm
--- metadata.yaml
name: web
summary: s
description: d
--- config.yaml
options:
  port: {type: int}
--- actions.yaml
restart: {}
",
    ));
    assert_eq!(metadata.notes, []);
    assert_eq!(metadata.config_options.len(), 1);
    assert_eq!(
        metadata.actions[0].origin,
        Origin::Declared { file: CharmFile::Actions, place: Place { line: 1, column: 1 } }
    );
}

#[test]
fn layers_may_declare_what_is_missing() {
    let metadata = CharmMetadata::read(&MemoryTree::from_fixture(
        "\
--- charmcraft.yaml
type: charm
--- src/layer.yaml
includes: ['layer:basic']
--- src/metadata.yaml
name: web
subordinate: true
series: [jammy]
",
    ));
    assert_eq!(metadata.notes, []);
    assert!(!metadata.is_complete());
    assert_eq!(metadata.name.as_ref().map(CharmName::as_str), Some("web"));
    assert_eq!(metadata.bases[0].to_string(), "ubuntu@22.04");
}

#[test]
fn payloads_have_a_class_and_a_type() {
    let metadata = CharmMetadata::parse(CharmTexts {
        charmcraft: Some("type: charm\n"),
        metadata: Some(
            "name: a\nsummary: s\ndescription: d\npayloads:\n  web: {type: docker}\n  vm: {type: kvm}\n",
        ),
        ..CharmTexts::default()
    });
    let classes: Vec<(&str, &str)> =
        metadata.payload_classes.iter().map(|(name, kind)| (name.as_str(), kind.as_str())).collect();
    assert_eq!(classes, [("web", "docker"), ("vm", "kvm")]);
}
