//! One model with machines and one on Kubernetes, with something of everything in them.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use serde_json::{Value, json};

use crate::values::constraints::Constraints;
use crate::view::application::{ApplicationDetailsView, ExposedEndpointView};
use crate::view::config::{ApplicationConfigView, ModelConfigView, ModelSettingView, SettingView};
use crate::view::model::{
    ModelCounts, ModelCredentialView, ModelDetailsView, ModelListView, ModelMachineView, ModelStatusView,
    ModelSummaryView, ModelUserView, SecretBackendView, SupportedFeatureView,
};
use crate::view::status::*;
use crate::view::storage::*;
use crate::view::task::{TaskResultView, TaskResultsView, TimingView};
use crate::view::time::Times;
use crate::view::unit::{RelationDataView, UnitDataView, UnitDetailsView};

const TIME: &str = "2026-01-04T06:29:46Z";

/// The time of the examples, as status writes it.
pub(super) fn time() -> String {
    Times::Local(TimeZone::UTC).since(TIME.parse().unwrap())
}

/// A status since that time.
pub(super) fn since(current: &str, message: &str) -> StatusInfo {
    StatusInfo::new(current, message, time())
}

pub(super) fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(ToString::to_string).collect()
}

pub(super) fn map<V: Clone>(entries: &[(&str, V)]) -> BTreeMap<String, V> {
    entries.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect()
}

fn named(entries: &[(&str, &str)]) -> BTreeMap<String, String> {
    entries.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

fn idle() -> StatusInfo {
    StatusInfo { version: "3.6.3".to_owned(), ..since("idle", "") }
}

fn noble() -> BaseView {
    BaseView { name: "ubuntu".to_owned(), channel: "24.04".to_owned() }
}

fn machine(id: &str, address: &str) -> MachineView {
    let interface = NetworkInterfaceView {
        ip_addresses: texts(&[address]),
        mac_address: "00:16:3e:00:00:01".to_owned(),
        gateway: "10.20.0.1".to_owned(),
        space: "alpha".to_owned(),
        is_up: true,
        ..NetworkInterfaceView::default()
    };
    MachineView {
        id: id.to_owned(),
        juju_status: StatusInfo { version: "3.6.3".to_owned(), ..since("started", "") },
        hostname: format!("juju-2f00aa-{}", id.replace('/', "-")),
        dns_name: address.to_owned(),
        ip_addresses: texts(&[address]),
        instance_id: format!("juju-2f00aa-{}", id.replace('/', "-")),
        machine_status: since("running", "Running"),
        modification_status: since("applied", ""),
        base: Some(noble()),
        network_interfaces: map(&[("eth0", interface)]),
        constraints: "arch=amd64".to_owned(),
        hardware: "arch=amd64 cores=2 mem=4096M availability-zone=here virt-type=container".to_owned(),
        ..MachineView::default()
    }
}

fn relation(application: &str, interface: &str, scope: &str) -> Vec<ApplicationRelationView> {
    vec![ApplicationRelationView {
        related_application: application.to_owned(),
        interface: interface.to_owned(),
        scope: scope.to_owned(),
    }]
}

fn local_charm(name: &str, revision: u64) -> ApplicationView {
    ApplicationView {
        charm: format!("local:{name}-{revision}"),
        base: Some(noble()),
        charm_origin: "local".to_owned(),
        charm_name: name.to_owned(),
        charm_rev: revision,
        ..ApplicationView::default()
    }
}

/// A model with machines.
pub(super) fn machines() -> StatusView {
    let logger = UnitView {
        workload_status: since("maintenance", "installing charm software"),
        juju_status: since("executing", "running install hook"),
        leader: true,
        public_address: "10.20.0.2".to_owned(),
        ..UnitView::default()
    };
    let first = UnitView {
        workload_status: since("active", "serving on 8080"),
        juju_status: idle(),
        leader: true,
        machine: "0".to_owned(),
        open_ports: texts(&["8080/tcp", "8081/tcp"]),
        public_address: "10.20.0.2".to_owned(),
        subordinates: map(&[("logger/0", logger)]),
        ..UnitView::default()
    };
    let second = UnitView {
        workload_status: since("waiting", "waiting for machine"),
        juju_status: since("allocating", ""),
        machine: "10".to_owned(),
        ..UnitView::default()
    };
    let tinyproxy = ApplicationView {
        charm_version: "f3a1c2d".to_owned(),
        exposed: true,
        status: since("active", "serving on 8080"),
        relations: [
            relation("tinyproxy", "tinyproxy_peers", "global").into_iter().map(|peer| ("peers", peer)).next(),
            relation("database", "postgresql_client", "global").into_iter().map(|peer| ("db", peer)).next(),
            relation("logger", "juju-info", "container").into_iter().map(|peer| ("juju-info", peer)).next(),
        ]
        .into_iter()
        .flatten()
        .map(|(endpoint, relation)| (endpoint.to_owned(), vec![relation]))
        .collect(),
        units: map(&[("tinyproxy/0", first), ("tinyproxy/10", second.clone()), ("tinyproxy/2", second)]),
        version: "1.11.1".to_owned(),
        endpoint_bindings: named(&[("", "alpha"), ("db", "alpha"), ("peers", "alpha")]),
        ..local_charm("tinyproxy", 3)
    };
    let logger = ApplicationView {
        charm: "logger".to_owned(),
        charm_origin: "charmhub".to_owned(),
        charm_channel: "latest/stable".to_owned(),
        can_upgrade_to: "ch:amd64/logger-18".to_owned(),
        status: since("maintenance", "installing charm software"),
        relations: map(&[("info", relation("tinyproxy", "juju-info", "container"))]),
        subordinate_to: texts(&["tinyproxy"]),
        version: "a bit too long, really".to_owned(),
        ..local_charm("logger", 17)
    };
    let mut broken = machine("10", "");
    broken.juju_status = since("pending", "");
    broken.instance_id = "pending".to_owned();
    broken.modification_status = since("error", "cannot apply the profile");
    broken.network_interfaces.clear();
    broken.ip_addresses.clear();
    let mut host = machine("0", "10.20.0.2");
    host.containers = map(&[("0/lxd/0", machine("0/lxd/0", "10.20.0.40"))]);
    StatusView {
        model: ModelView {
            name: "web".to_owned(),
            kind: "iaas".to_owned(),
            controller: "concierge-lxd".to_owned(),
            cloud: "localhost".to_owned(),
            region: "localhost".to_owned(),
            version: "3.6.3".to_owned(),
            upgrade_available: "3.6.4".to_owned(),
            status: since("available", ""),
            sla: "unsupported".to_owned(),
        },
        machines: map(&[("0", host), ("10", broken), ("2", machine("2", "10.20.0.4"))]),
        applications: map(&[("tinyproxy", tinyproxy), ("logger", logger)]),
        remote_applications: map(&[("database", remote_application())]),
        offers: map(&[("proxy", offer())]),
        relations: relations(),
        storage: machine_storage(),
        controller: Some(clock()),
    }
}

fn clock() -> ControllerClockView {
    let timestamp = Times::Local(TimeZone::UTC).time_of_day(TIME.parse().unwrap());
    ControllerClockView { timestamp }
}

fn endpoint(interface: &str, role: &str) -> RemoteEndpointView {
    RemoteEndpointView { interface: interface.to_owned(), role: role.to_owned() }
}

fn remote_application() -> RemoteApplicationView {
    RemoteApplicationView {
        url: "concierge-k8s:admin/data.postgresql".to_owned(),
        endpoints: map(&[("database", endpoint("postgresql_client", "provider"))]),
        life: String::new(),
        status: since("active", ""),
        relations: map(&[("database", texts(&["tinyproxy"]))]),
    }
}

fn offer() -> OfferStatusView {
    OfferStatusView {
        application: "tinyproxy".to_owned(),
        charm: "local:tinyproxy-3".to_owned(),
        total_connected_count: 2,
        active_connected_count: 1,
        endpoints: map(&[("proxy", endpoint("http", "provider")), ("stats", endpoint("stats", "provider"))]),
    }
}

fn relations() -> Vec<RelationView> {
    let relation =
        |provider: &str, requirer: &str, interface: &str, kind: &str, status: &str, message: &str| {
            RelationView {
                provider: provider.to_owned(),
                requirer: requirer.to_owned(),
                interface: interface.to_owned(),
                kind: kind.to_owned(),
                status: status.to_owned(),
                message: message.to_owned(),
            }
        };
    vec![
        relation("tinyproxy:peers", "tinyproxy:peers", "tinyproxy_peers", "peer", "joined", ""),
        relation("tinyproxy:juju-info", "logger:info", "juju-info", "subordinate", "joining", ""),
        relation(
            "database:database",
            "tinyproxy:db",
            "postgresql_client",
            "regular",
            "suspended",
            "for a while",
        ),
    ]
}

fn storage_status(current: &str, message: &str) -> StorageStatusView {
    StorageStatusView { current: current.to_owned(), message: message.to_owned(), since: time() }
}

fn machine_storage() -> StorageListView {
    let unit = |location: &str| UnitAttachmentView {
        machine: "0".to_owned(),
        location: location.to_owned(),
        life: String::new(),
    };
    let cache = StorageView {
        kind: "filesystem".to_owned(),
        life: "alive".to_owned(),
        status: storage_status("attached", ""),
        persistent: false,
        attachments: Some(StorageAttachmentsView { units: map(&[("tinyproxy/0", unit("/srv/cache"))]) }),
    };
    let disk = StorageView {
        kind: "block".to_owned(),
        status: storage_status("pending", "creating volume"),
        attachments: Some(StorageAttachmentsView { units: map(&[("tinyproxy/0", unit(""))]) }),
        ..StorageView::default()
    };
    let left = StorageView {
        kind: "filesystem".to_owned(),
        status: storage_status("detached", ""),
        persistent: true,
        ..StorageView::default()
    };
    let mounted = FilesystemAttachmentView {
        mount_point: "/srv/cache".to_owned(),
        read_only: false,
        life: "alive".to_owned(),
    };
    let filesystem = FilesystemView {
        provider_id: "0/0".to_owned(),
        storage: "cache/2".to_owned(),
        attachments: Some(FilesystemAttachmentsView {
            machines: map(&[("0", mounted)]),
            units: map(&[("tinyproxy/0", unit("/srv/cache"))]),
            ..FilesystemAttachmentsView::default()
        }),
        pool: "rootfs".to_owned(),
        size_mib: 1536,
        life: "alive".to_owned(),
        status: storage_status("attached", ""),
        ..FilesystemView::default()
    };
    let device = VolumeAttachmentView { device: "loop0".to_owned(), ..VolumeAttachmentView::default() };
    let volume = VolumeView {
        storage: "disk/10".to_owned(),
        attachments: Some(VolumeAttachmentsView {
            machines: map(&[("0", device)]),
            units: map(&[("tinyproxy/0", unit(""))]),
            ..VolumeAttachmentsView::default()
        }),
        pool: "loop".to_owned(),
        size_mib: 42,
        persistent: true,
        status: storage_status("pending", "creating volume"),
        ..VolumeView::default()
    };
    StorageListView {
        storage: map(&[("cache/2", cache), ("disk/10", disk), ("cache/10", left)]),
        filesystems: map(&[("0/0", filesystem)]),
        volumes: map(&[("0", volume)]),
    }
}

pub(super) fn pools() -> BTreeMap<String, PoolView> {
    let pool = |provider: &str| PoolView { provider: provider.to_owned(), attrs: BTreeMap::new() };
    let attrs = map(&[("storage-class", json!("fast")), ("retries", json!(3))]);
    map(&[
        ("rootfs", pool("rootfs")),
        ("fast", PoolView { attrs, ..pool("kubernetes") }),
        ("tmpfs", pool("tmpfs")),
    ])
}

/// A model on Kubernetes.
pub(super) fn kubernetes() -> StatusView {
    let unit = |number: u32, status: StatusInfo, agent: StatusInfo| UnitView {
        workload_status: status,
        juju_status: agent,
        leader: number == 0,
        address: format!("10.1.0.{}", number + 5),
        provider_id: format!("httpbin-{number}"),
        ..UnitView::default()
    };
    let mut waiting = unit(1, since("waiting", "installing agent"), since("allocating", ""));
    waiting.address.clear();
    let httpbin = ApplicationView {
        scale: 2,
        provider_id: "1f1ba0a4-0000-4000-8000-000000000001".to_owned(),
        address: "10.152.183.20".to_owned(),
        status: since("error", "hook failed: \"db-relation-changed\" for database:database"),
        relations: map(&[("db", relation("database", "postgresql_client", "global"))]),
        units: map(&[
            (
                "httpbin/0",
                unit(0, since("error", "hook failed: \"db-relation-changed\" for database:database"), idle()),
            ),
            ("httpbin/1", waiting),
        ]),
        version: "docker.io/kennethreitz/httpbin:latest".to_owned(),
        endpoint_bindings: named(&[("", "alpha"), ("db", "alpha")]),
        ..local_charm("httpbin", 0)
    };
    let mut gone = unit(0, since("terminated", ""), since("executing", "running remove hook"));
    gone.juju_status.life = "dying".to_owned();
    gone.provider_id = "cache-0".to_owned();
    let cache = ApplicationView {
        charm: "redis-k8s".to_owned(),
        charm_origin: "charmhub".to_owned(),
        charm_name: "redis-k8s".to_owned(),
        charm_rev: 41,
        charm_channel: "latest/edge".to_owned(),
        scale: 1,
        address: "10.152.183.21".to_owned(),
        life: "dying".to_owned(),
        status: since("waiting", "waiting for units to settle down"),
        units: map(&[("cache/0", gone)]),
        version: "7.0.4 (Ubuntu)".to_owned(),
        ..local_charm("redis-k8s", 41)
    };
    let attached = UnitAttachmentView { location: "/data".to_owned(), ..UnitAttachmentView::default() };
    let mounted =
        FilesystemAttachmentView { mount_point: "/data".to_owned(), ..FilesystemAttachmentView::default() };
    StatusView {
        model: ModelView {
            name: "data".to_owned(),
            kind: "caas".to_owned(),
            controller: "concierge-k8s".to_owned(),
            cloud: "k8s".to_owned(),
            version: "3.6.3".to_owned(),
            status: since("available", ""),
            sla: "unsupported".to_owned(),
            ..ModelView::default()
        },
        applications: map(&[("httpbin", httpbin), ("cache", cache)]),
        storage: StorageListView {
            storage: map(&[(
                "files/0",
                StorageView {
                    kind: "filesystem".to_owned(),
                    life: "alive".to_owned(),
                    status: storage_status("attached", "Successfully provisioned volume pvc-1"),
                    persistent: false,
                    attachments: Some(StorageAttachmentsView {
                        units: map(&[("cache/0", attached.clone())]),
                    }),
                },
            )]),
            filesystems: map(&[(
                "0",
                FilesystemView {
                    storage: "files/0".to_owned(),
                    attachments: Some(FilesystemAttachmentsView {
                        containers: map(&[("cache/0", mounted)]),
                        units: map(&[("cache/0", attached)]),
                        ..FilesystemAttachmentsView::default()
                    }),
                    pool: "kubernetes".to_owned(),
                    size_mib: 1024,
                    life: "alive".to_owned(),
                    status: storage_status("attached", "Successfully provisioned volume pvc-1"),
                    ..FilesystemView::default()
                },
            )]),
            ..StorageListView::default()
        },
        controller: Some(clock()),
        ..StatusView::default()
    }
}

pub(super) fn units() -> BTreeMap<String, UnitDetailsView> {
    let addresses = named(&[
        ("egress-subnets", "10.20.0.2/32"),
        ("ingress-address", "10.20.0.2"),
        ("private-address", "10.20.0.2"),
    ]);
    let unit = |data: &BTreeMap<String, String>| UnitDataView { in_scope: true, data: data.clone() };
    let database = RelationDataView {
        relation_id: 4,
        endpoint: "db".to_owned(),
        is_cross_model: true,
        related_endpoint: "database".to_owned(),
        application_data: named(&[("endpoints", "10.1.0.9:5432"), ("tls", "False")]),
        local_unit: Some(unit(&addresses)),
        related_units: map(&[("database/10", unit(&addresses)), ("database/9", unit(&BTreeMap::new()))]),
    };
    let peers = RelationDataView {
        relation_id: 0,
        endpoint: "peers".to_owned(),
        related_endpoint: "peers".to_owned(),
        ..RelationDataView::default()
    };
    let machine = UnitDetailsView {
        workload_version: "1.11.1".to_owned(),
        machine: "0".to_owned(),
        opened_ports: texts(&["8080/tcp"]),
        public_address: "10.20.0.2".to_owned(),
        charm: "local:tinyproxy-3".to_owned(),
        leader: true,
        life: "alive".to_owned(),
        relation_info: vec![peers, database],
        ..UnitDetailsView::default()
    };
    let pod = UnitDetailsView {
        charm: "local:httpbin-0".to_owned(),
        life: "alive".to_owned(),
        provider_id: "httpbin-0".to_owned(),
        address: "10.1.0.5".to_owned(),
        ..UnitDetailsView::default()
    };
    map(&[("tinyproxy/0", machine), ("httpbin/0", pod)])
}

pub(super) fn applications() -> BTreeMap<String, ApplicationDetailsView> {
    let exposed = ExposedEndpointView {
        expose_to_cidrs: texts(&["0.0.0.0/0", "::/0"]),
        ..ExposedEndpointView::default()
    };
    let tinyproxy = ApplicationDetailsView {
        charm: "tinyproxy".to_owned(),
        base: "ubuntu@24.04".to_owned(),
        constraints: Constraints { arch: Some("amd64".to_owned()), ..Constraints::default() },
        principal: true,
        exposed: true,
        exposed_endpoints: map(&[("", exposed)]),
        life: "alive".to_owned(),
        endpoint_bindings: named(&[("", "alpha"), ("db", "alpha")]),
        ..ApplicationDetailsView::default()
    };
    let logger = ApplicationDetailsView {
        charm: "logger".to_owned(),
        base: "ubuntu@24.04".to_owned(),
        channel: "latest/stable".to_owned(),
        life: "alive".to_owned(),
        ..ApplicationDetailsView::default()
    };
    map(&[("tinyproxy", tinyproxy), ("logger", logger)])
}

const MODEL_UUID: &str = "2f00aa00-0000-4000-8000-000000000002";
const CONTROLLER_UUID: &str = "2f00aa00-0000-4000-8000-000000000001";

fn credential() -> ModelCredentialView {
    ModelCredentialView {
        name: "localhost".to_owned(),
        owner: "admin".to_owned(),
        cloud: "localhost".to_owned(),
        validity_check: "valid".to_owned(),
    }
}

pub(super) fn model() -> ModelDetailsView {
    let user = ModelUserView {
        display_name: "admin".to_owned(),
        access: "admin".to_owned(),
        last_connection: "just now".to_owned(),
    };
    ModelDetailsView {
        name: "admin/web".to_owned(),
        short_name: "web".to_owned(),
        model_uuid: MODEL_UUID.to_owned(),
        model_type: "iaas".to_owned(),
        controller_uuid: CONTROLLER_UUID.to_owned(),
        controller_name: "concierge-lxd".to_owned(),
        is_controller: false,
        owner: "admin".to_owned(),
        cloud: "localhost".to_owned(),
        region: "localhost".to_owned(),
        provider_type: "lxd".to_owned(),
        life: "alive".to_owned(),
        status: Some(ModelStatusView {
            current: "available".to_owned(),
            since: "1 minute ago".to_owned(),
            ..ModelStatusView::default()
        }),
        users: map(&[("admin", user)]),
        machines: map(&[("0", ModelMachineView { cores: 2 }), ("10", ModelMachineView::default())]),
        secret_backends: map(&[(
            "internal",
            SecretBackendView { num_secrets: 1, status: "active".to_owned(), message: String::new() },
        )]),
        sla: "unsupported".to_owned(),
        agent_version: "3.6.3".to_owned(),
        credential: Some(credential()),
        supported_features: vec![SupportedFeatureView {
            name: "juju".to_owned(),
            description: "the version of Juju used by the model".to_owned(),
            version: "3.6.3".to_owned(),
        }],
    }
}

pub(super) fn models() -> ModelListView {
    let summary = |name: &str, status: &str, counts: ModelCounts| ModelSummaryView {
        name: format!("admin/{name}"),
        short_name: name.to_owned(),
        model_uuid: MODEL_UUID.to_owned(),
        model_type: "iaas".to_owned(),
        controller_uuid: CONTROLLER_UUID.to_owned(),
        controller_name: "concierge-lxd".to_owned(),
        owner: "admin".to_owned(),
        cloud: "localhost".to_owned(),
        region: "localhost".to_owned(),
        credential: Some(credential()),
        provider_type: "lxd".to_owned(),
        life: "alive".to_owned(),
        status: Some(ModelStatusView { current: status.to_owned(), ..ModelStatusView::default() }),
        access: "admin".to_owned(),
        last_connection: "2 hours ago".to_owned(),
        counts,
        agent_version: "3.6.3".to_owned(),
        ..ModelSummaryView::default()
    };
    let counts = ModelCounts { machines: Some(12), cores: Some(24), units: Some(13) };
    ModelListView {
        models: vec![
            summary("web", "available", counts),
            summary("test-f00", "", ModelCounts { machines: Some(0), cores: None, units: None }),
        ],
        current_model: "web".to_owned(),
    }
}

pub(super) fn application_config() -> ApplicationConfigView {
    let setting = |kind: &str, default: Option<Value>, source: &str, value: Option<Value>| SettingView {
        default,
        description: format!("An option of type {kind}.\n"),
        source: source.to_owned(),
        kind: kind.to_owned(),
        value,
    };
    ApplicationConfigView {
        application: "tinyproxy".to_owned(),
        application_config: map(&[(
            "trust",
            SettingView {
                default: Some(json!(false)),
                description: "Does this application have access to trusted credentials".to_owned(),
                source: "default".to_owned(),
                kind: "bool".to_owned(),
                value: Some(json!(false)),
            },
        )]),
        charm: "tinyproxy".to_owned(),
        settings: map(&[
            ("slug", setting("string", Some(json!("")), "user", Some(json!("my slug")))),
            ("workers", setting("int", Some(json!(3)), "default", Some(json!(3)))),
            ("ratio", setting("float", Some(json!(0.5)), "user", Some(json!(1.0)))),
            ("verbose", setting("boolean", Some(json!(false)), "default", Some(json!(false)))),
            ("token", setting("secret", None, "unset", None)),
        ]),
    }
}

pub(super) fn model_config() -> ModelConfigView {
    let setting = |source: &str, value: Value| ModelSettingView { value, source: source.to_owned() };
    map(&[
        ("automatically-retry-hooks", setting("default", json!(true))),
        ("cloudinit-userdata", setting("model", json!("packages: [tinyproxy]"))),
        ("http-proxy", setting("default", json!(""))),
        ("logging-config", setting("model", json!("<root>=INFO;unit=DEBUG"))),
        ("net-bond-reconfigure-delay", setting("default", json!(17))),
        ("resource-tags", setting("model", json!({"owner": "web", "cost": "none"}))),
        ("update-status-hook-interval", setting("controller", json!("5m"))),
    ])
}

fn timing() -> TimingView {
    let time = Times::Utc.task(TIME.parse().unwrap());
    TimingView { completed: time.clone(), enqueued: time.clone(), started: time }
}

pub(super) fn action_results() -> TaskResultsView {
    let result = TaskResultView {
        id: "2".to_owned(),
        log: texts(&["2026-01-04 06:29:46 +0000 UTC counted <b>3</b>"]),
        results: map(&[
            ("config", json!({"testoption": "foobar"})),
            ("return-code", json!(0)),
            ("thingy", json!("foo")),
            ("number", json!("10")),
            ("lines", json!("one\ntwo\n")),
            ("stdout", json!("said aloud\n")),
        ]),
        status: "completed".to_owned(),
        timing: Some(timing()),
        unit: Some("tinyproxy/0".to_owned()),
        ..TaskResultView::default()
    };
    map(&[("tinyproxy/0", result)])
}

pub(super) fn failed_results() -> TaskResultsView {
    let result = TaskResultView {
        id: "3".to_owned(),
        message: "exit status 1".to_owned(),
        results: map(&[("return-code", json!(1)), ("stderr", json!("Uncaught EXC\n"))]),
        status: "failed".to_owned(),
        timing: Some(timing()),
        unit: Some("tinyproxy/10".to_owned()),
        ..TaskResultView::default()
    };
    map(&[("tinyproxy/10", result)])
}

pub(super) fn exec_results() -> TaskResultsView {
    let result = TaskResultView {
        id: "4".to_owned(),
        results: map(&[("return-code", json!(0)), ("stdout", json!("foo\n"))]),
        status: "completed".to_owned(),
        timing: Some(timing()),
        unit: Some("tinyproxy/0".to_owned()),
        ..TaskResultView::default()
    };
    map(&[("tinyproxy/0", result)])
}
