//! The documents and tables of what is around a model: controllers, clouds, users, offers and so
//! on.

use std::collections::BTreeMap;

use insta::assert_snapshot;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::examples::{self, map, texts};
use crate::view::application::ExposedEndpointView;
use crate::view::bundle::*;
use crate::view::charmhub::*;
use crate::view::client::VersionView;
use crate::view::cloud::*;
use crate::view::controller::*;
use crate::view::log::*;
use crate::view::model::ModelUserView;
use crate::view::network::*;
use crate::view::offer::*;
use crate::view::operation::*;
use crate::view::resource::*;
use crate::view::secret::*;
use crate::view::status::{BaseView, RemoteEndpointView};
use crate::view::time::Times;
use crate::view::user::UserView;
use crate::view::{action, bundle, charmhub, client, cloud, controller, log, network, offer, operation};
use crate::view::{resource, secret, to_json, to_yaml, user};

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn now() -> Timestamp {
    at("2026-01-04T06:29:46Z")
}

#[test]
fn actions() {
    let actions = map(&[
        ("back-up", "Makes a back-up.\nIt takes time.".to_owned()),
        ("a10", action::description("")),
        ("a9", "Does nothing.".to_owned()),
    ]);
    assert_snapshot!("actions.json", to_json(&actions));
    assert_snapshot!("actions.tabular", action::write_list(&actions));
    let schema = json!({
        "additionalProperties": false,
        "description": "Makes a back-up.",
        "properties": {
            "path": {"type": "string", "description": "Where to."},
            "level": {"type": "integer", "description": "How much.", "default": 3},
        },
        "required": ["path"],
        "title": "back-up",
        "type": "object",
    });
    assert_snapshot!("actions_schema.yaml", to_yaml(&BTreeMap::from([("back-up", &schema)])));
    assert_snapshot!("show_action", action::write_action("Makes a back-up.", &schema));
}

fn operation() -> OperationView {
    let timing = |started: &str| OperationTimingView {
        enqueued: Times::Utc.task(now()),
        started: started.to_owned(),
        completed: String::new(),
    };
    let task = OperationTaskView {
        host: "tinyproxy/0".to_owned(),
        status: "running".to_owned(),
        timing: timing(&Times::Utc.task(now())),
        log: texts(&["2026-01-04 06:29:46 +0000 UTC counting"]),
        results: map(&[("return-code", json!(0))]),
        ..OperationTaskView::default()
    };
    let pending = OperationTaskView {
        host: "tinyproxy/10".to_owned(),
        status: "pending".to_owned(),
        ..Default::default()
    };
    OperationView {
        summary: "back-up run on unit-tinyproxy-0,unit-tinyproxy-10".to_owned(),
        status: "running".to_owned(),
        action: Some(ActionCallView {
            name: "back-up".to_owned(),
            parameters: map(&[("path", json!("/srv")), ("level", json!(3))]),
        }),
        timing: timing(""),
        tasks: map(&[("2", task), ("10", pending)]),
        ..OperationView::default()
    }
}

#[test]
fn operations() {
    let operation = operation();
    assert_snapshot!("show_operation.json", to_json(&operation));
    assert_snapshot!("show_operation.yaml", to_yaml(&operation));
    assert_snapshot!("operations.yaml", to_yaml(&BTreeMap::from([("1", &operation)])));
    let row = OperationRow {
        id: "1".to_owned(),
        status: "running".to_owned(),
        started: Some(now()),
        tasks: texts(&["2", "3", "4", "5", "6", "7"]),
        summary: operation.summary,
        ..OperationRow::default()
    };
    let ten =
        OperationRow { id: "10".to_owned(), finished: Some(now()), tasks: texts(&["11"]), ..row.clone() };
    assert_snapshot!("operations.tabular", operation::write_list(&[row, ten], &Times::Utc));
    assert_eq!(operation::write_part(0, 50, None), "Displaying operation results 1 to 50.\n");
    assert_eq!(
        operation::write_part(50, 50, Some(50)),
        "Displaying operation results 51 to 100.\n\
         Run the command again with --offset=100 --limit=50 to see the next batch.\n\n"
    );
    let results = examples::failed_results();
    assert_snapshot!("show_task.plain", operation::write_task(&results["tinyproxy/10"], false));
    assert_snapshot!("show_task.json", to_json(&results["tinyproxy/10"]));
}

fn secrets() -> BTreeMap<String, SecretView> {
    let made = at("2026-01-04T06:29:40Z");
    let of_user = SecretView {
        revision: 2,
        checksum: "0a3322b0".to_owned(),
        owner: "<model>".to_owned(),
        description: "For administrators.".to_owned(),
        name: "admin-account".to_owned(),
        content: Some(SecretContentView(map(&[
            ("password", "hunter2".to_owned()),
            ("username", "admin".to_owned()),
        ]))),
        revisions: vec![SecretRevisionView {
            revision: 2,
            backend: "internal".to_owned(),
            created: made,
            updated: made,
            expires: Some(at("2026-02-04T06:29:40Z")),
        }],
        access: vec![SecretAccessView {
            target: "application-tinyproxy".to_owned(),
            scope: "model-2f00aa00-0000-4000-8000-000000000002".to_owned(),
            role: "view".to_owned(),
        }],
        updated: at("2026-01-04T06:29:44.25Z"),
        ..SecretView::made(made)
    };
    let of_charm = SecretView {
        rotation: "daily".to_owned(),
        rotates: Some(at("2026-01-05T06:29:40Z")),
        expires: Some(at("2026-02-04T06:29:40Z")),
        owner: "tinyproxy/0".to_owned(),
        label: "token".to_owned(),
        ..SecretView::made(at("2026-01-02T06:29:40Z"))
    };
    map(&[("d0vdtqnmp25c762e7jug", of_user), ("d1ehcifmp25c76e01vhg", of_charm)])
}

#[test]
fn secrets_of_a_model() {
    let secrets = secrets();
    assert_snapshot!("secrets.json", to_json(&secrets));
    assert_snapshot!("secrets.yaml", to_yaml(&secrets));
    assert_snapshot!("secrets.tabular", secret::write_list(&secrets, now()));
}

fn offered() -> BTreeMap<String, OfferListItemView> {
    let endpoint =
        |interface: &str| RemoteEndpointView { interface: interface.to_owned(), role: "provider".to_owned() };
    let connection = |relation_id: u64, status: &str| OfferConnectionView {
        source_model_uuid: "2f00aa00-0000-4000-8000-000000000003".to_owned(),
        username: "admin".to_owned(),
        relation_id,
        endpoint: "proxy".to_owned(),
        status: OfferConnectionStatusView {
            current: status.to_owned(),
            since: "1 minute ago".to_owned(),
            ..OfferConnectionStatusView::default()
        },
        ingress_subnets: texts(&["10.20.0.9/32"]),
    };
    let item = OfferListItemView {
        application: "tinyproxy".to_owned(),
        store: "concierge-lxd".to_owned(),
        charm: "local:tinyproxy-3".to_owned(),
        offer_url: "admin/web.proxy".to_owned(),
        endpoints: map(&[("proxy", endpoint("http")), ("stats", endpoint("stats"))]),
        connections: vec![connection(12, "suspended"), connection(4, "joined")],
        users: map(&[(
            "admin",
            OfferUserView { display_name: "admin".to_owned(), access: "admin".to_owned() },
        )]),
    };
    let unused = OfferListItemView { connections: Vec::new(), ..item.clone() };
    map(&[("proxy", item), ("unused", unused)])
}

#[test]
fn offers() {
    let offers = offered();
    assert_snapshot!("offers.json", to_json(&offers));
    assert_snapshot!("offers.yaml", to_yaml(&offers));
    assert_snapshot!("offers.tabular", offer::write_list(&offers, false));
    assert_snapshot!("offers.summary", offer::write_summary(&offers));
    let found = FoundOfferView {
        description: "A proxy for the web, small enough to be read in an afternoon, and fast.".to_owned(),
        access: "admin".to_owned(),
        endpoints: offers["proxy"].endpoints.clone(),
        users: offers["proxy"].users.clone(),
    };
    let found = map(&[("concierge-lxd:admin/web.proxy", found)]);
    assert_snapshot!("find_offers.json", to_json(&found));
    assert_snapshot!("find_offers.tabular", offer::write_found(&found));
    assert_snapshot!("show_offer.tabular", offer::write_offers(&found));
}

const CONTROLLER_UUID: &str = "2f00aa00-0000-4000-8000-000000000001";
const CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";

#[test]
fn controllers() {
    let machines = ControllerView {
        current_model: "web".to_owned(),
        user: "admin".to_owned(),
        access: "superuser".to_owned(),
        recent_server: "127.0.0.1:17070".to_owned(),
        uuid: CONTROLLER_UUID.to_owned(),
        api_endpoints: texts(&["127.0.0.1:17070"]),
        ca_cert: CERTIFICATE.to_owned(),
        cloud: "localhost".to_owned(),
        region: "localhost".to_owned(),
        agent_version: "3.6.3".to_owned(),
        models: Some(12),
        machines: Some(1),
        nodes: None,
    };
    let pods = ControllerView {
        current_model: String::new(),
        access: String::new(),
        cloud: "k8s".to_owned(),
        region: String::new(),
        models: None,
        machines: None,
        ..machines.clone()
    };
    let list = ControllerListView {
        controllers: map(&[("concierge-lxd", machines), ("concierge-k8s", pods)]),
        current_controller: "concierge-lxd".to_owned(),
    };
    assert_snapshot!("controllers.json", to_json(&list));
    assert_snapshot!("controllers.yaml", to_yaml(&list));
    assert_snapshot!("controllers.tabular", controller::write_list(&list, false, false));

    let details = ControllerDetailsView {
        details: ControllerFactsView {
            uuid: CONTROLLER_UUID.to_owned(),
            api_endpoints: texts(&["127.0.0.1:17070"]),
            cloud: "localhost".to_owned(),
            region: "localhost".to_owned(),
            agent_version: "3.6.3".to_owned(),
            controller_model_version: "3.6.3".to_owned(),
            ca_fingerprint: "AB:CD".to_owned(),
            ca_cert: CERTIFICATE.to_owned(),
            ..ControllerFactsView::default()
        },
        controller_machines: map(&[(
            "0",
            ControllerMachineView { instance_id: "juju-000001-0".to_owned(), ..Default::default() },
        )]),
        models: map(&[(
            "admin/web",
            ControllerModelView {
                uuid: CONTROLLER_UUID.to_owned(),
                machines: Some(2),
                cores: Some(4),
                units: None,
            },
        )]),
        current_model: "admin/web".to_owned(),
        account: Some(AccountView {
            user: "admin".to_owned(),
            access: "superuser".to_owned(),
            password: String::new(),
        }),
        ..ControllerDetailsView::default()
    };
    let details = map(&[("concierge-lxd", details)]);
    assert_snapshot!("show_controller.json", to_json(&details));
    assert_snapshot!("show_controller.yaml", to_yaml(&details));

    let who = WhoAmIView {
        controller: "concierge-lxd".to_owned(),
        model: "web".to_owned(),
        user: "admin".to_owned(),
    };
    assert_eq!(to_json(&who), "{\"controller\":\"concierge-lxd\",\"model\":\"web\",\"user\":\"admin\"}\n");
    assert_eq!(
        controller::write_who_am_i(&who),
        "Controller:  concierge-lxd\nModel:       web\nUser:        admin\n"
    );
}

#[test]
fn users() {
    let admin = UserView {
        user_name: "admin".to_owned(),
        display_name: "admin".to_owned(),
        access: "superuser".to_owned(),
        date_created: "2026-01-04".to_owned(),
        last_connection: "just now".to_owned(),
        disabled: false,
    };
    let bob = UserView {
        user_name: "bob".to_owned(),
        display_name: String::new(),
        access: "login".to_owned(),
        last_connection: "never connected".to_owned(),
        disabled: true,
        ..admin.clone()
    };
    assert_snapshot!("show_user.yaml", to_yaml(&admin));
    let users = [admin, bob];
    assert_snapshot!("users.json", to_json(&users));
    assert_snapshot!("users.tabular", user::write_list(&users, "concierge-lxd", "admin", false));
    let of_model = map(&[(
        "admin",
        ModelUserView {
            display_name: "admin".to_owned(),
            access: "admin".to_owned(),
            last_connection: "just now".to_owned(),
        },
    )]);
    assert_eq!(
        user::write_model_users(&of_model, "admin", false),
        "Name    Display name  Access  Last connection\nadmin*  admin         admin   just now\n"
    );
}

#[test]
fn resources() {
    let uploaded = ResourceView {
        id: "tinyproxy/filters".to_owned(),
        application: "tinyproxy".to_owned(),
        name: "filters".to_owned(),
        kind: "file".to_owned(),
        path: "filters.tar".to_owned(),
        description: "What is kept out.".to_owned(),
        fingerprint: "38b060a7".to_owned(),
        size_bytes: 10,
        origin: "upload".to_owned(),
        timestamp: Some(now()),
        username: "admin".to_owned(),
        ..ResourceView::default()
    };
    let pending = ResourceView { name: "extra".to_owned(), timestamp: None, ..uploaded.clone() };
    let image = ResourceView {
        name: "image".to_owned(),
        kind: "oci-image".to_owned(),
        revision: Some(7),
        origin: "store".to_owned(),
        ..uploaded.clone()
    };
    let list = ResourceListView {
        resources: vec![uploaded, image, pending],
        updates: vec![StoreResourceView {
            name: "image".to_owned(),
            kind: "oci-image".to_owned(),
            revision: 8,
            origin: "store".to_owned(),
            ..StoreResourceView::default()
        }],
    };
    assert_snapshot!("resources.json", to_json(&list));
    assert_snapshot!("resources.yaml", to_yaml(&list));
    assert_snapshot!("resources.tabular", resource::write_list(&list));
    assert_snapshot!("resources_unit.tabular", resource::write_unit_list(&list.resources));
}

#[test]
fn clouds() {
    let localhost = CloudView {
        defined: "built-in".to_owned(),
        kind: "lxd".to_owned(),
        description: "LXD Container Hypervisor".to_owned(),
        auth_types: texts(&["certificate", "interactive"]),
        credential_count: 1,
        regions: vec![("localhost".to_owned(), RegionView::default())],
        ..CloudView::default()
    };
    let kubernetes = CloudView {
        defined: "local".to_owned(),
        kind: "kubernetes".to_owned(),
        description: "A cloud whose description is too long to be shown".to_owned(),
        endpoint: "https://10.0.0.1:16443".to_owned(),
        regions: vec![
            (
                "second".to_owned(),
                RegionView { endpoint: "https://10.0.0.2".to_owned(), ..RegionView::default() },
            ),
            ("first".to_owned(), RegionView::default()),
        ],
        users: map(&[("admin", CloudUserView { access: "admin".to_owned(), ..CloudUserView::default() })]),
        ..CloudView::default()
    };
    let clouds = map(&[("localhost", localhost.clone()), ("k8s", kubernetes.clone())]);
    assert_snapshot!("clouds.json", to_json(&clouds));
    assert_snapshot!("clouds.yaml", to_yaml(&clouds));
    assert_snapshot!("clouds.tabular", cloud::write_list(&clouds, &clouds));
    assert_snapshot!("clouds_client.tabular", cloud::write_list(&BTreeMap::new(), &clouds));
    let named = |summary: &str, cloud: CloudView| NamedCloudView {
        name: "k8s".to_owned(),
        summary: summary.to_owned(),
        cloud,
    };
    let both = [
        named("Cloud \"k8s\" from controller \"concierge-k8s\"", kubernetes.clone()),
        named("Client cloud \"k8s\"", kubernetes),
    ];
    assert_snapshot!("show_cloud.json", to_json(&both));
    assert_snapshot!("show_cloud.yaml", cloud::write_clouds_in_yaml(&both));
    assert_snapshot!("show_cloud.display", cloud::write_clouds(&both[..1]));
}

#[test]
fn credentials() {
    let credential = CredentialView {
        auth_type: "access-key".to_owned(),
        attributes: map(&[("access-key", "fake".to_owned())]),
        ..CredentialView::default()
    };
    let aws = CloudCredentialsView {
        default_credential: "second".to_owned(),
        default_region: String::new(),
        credentials: map(&[("first", credential.clone()), ("second", credential.clone())]),
    };
    let list = CredentialListView {
        client_credentials: map(&[("aws", aws), ("none", CloudCredentialsView::default())]),
        controller_credentials: BTreeMap::new(),
    };
    assert_snapshot!("credentials.json", to_json(&list));
    assert_snapshot!("credentials.yaml", to_yaml(&list));
    assert_snapshot!("credentials.tabular", cloud::write_credentials(&list, true));
    let details = CredentialDetailsView {
        content: CredentialContentView {
            auth_type: credential.auth_type,
            validity_check: "valid".to_owned(),
            attributes: credential.attributes,
        },
        models: map(&[("web", "admin".to_owned())]),
    };
    let list = CredentialDetailsListView {
        controller_credentials: map(&[("aws", map(&[("first", details)]))]),
        client_credentials: BTreeMap::new(),
    };
    assert_snapshot!("show_credential.yaml", to_yaml(&list));
}

#[test]
fn the_log() {
    let line = |level: LogLevel, message: &str| LogLine {
        entity: "unit-tinyproxy-0".to_owned(),
        at: at("2026-01-04T06:29:46.25Z"),
        level,
        module: "unit.tinyproxy/0.juju-log".to_owned(),
        location: "server.go:325".to_owned(),
        labels: Vec::new(),
        message: message.to_owned(),
    };
    let plain = LogOptions {
        zone: TimeZone::UTC,
        shows_dates: false,
        shows_milliseconds: false,
        shows_locations: false,
        is_coloured: false,
    };
    assert_eq!(
        log::write_line(&line(LogLevel::Info, "db:4: joined"), &plain),
        "unit-tinyproxy-0: 06:29:46 INFO unit.tinyproxy/0.juju-log db:4: joined\n"
    );
    let all = LogOptions {
        shows_dates: true,
        shows_milliseconds: true,
        shows_locations: true,
        is_coloured: true,
        ..plain
    };
    let labelled = LogLine { labels: texts(&["charmhub"]), ..line(LogLevel::Error, "no") };
    assert_eq!(
        log::write_line(&labelled, &all),
        "unit-tinyproxy-0: 2026-01-04 06:29:46.250 \u{1b}[91mERROR\u{1b}[0m unit.tinyproxy/0.juju-log \
         server.go:325 charmhub no\n"
    );
    assert_eq!("warning".parse::<LogLevel>(), Ok(LogLevel::Warning));
}

#[test]
fn past_statuses() {
    let past = |status: &str, message: &str, kind: &str| PastStatusView {
        status: status.to_owned(),
        message: message.to_owned(),
        data: BTreeMap::new(),
        since: now(),
        kind: kind.to_owned(),
    };
    let mut suspended = past("suspended", "invalid credentials", "model");
    suspended.data = map(&[("reason", Value::from("bad password"))]);
    let log = [
        past("allocating", "", "juju-unit"),
        past("waiting", "waiting for machine", "workload"),
        past("executing", "running install hook", "juju-unit"),
        suspended,
    ];
    assert_snapshot!("show_status_log.json", to_json(&log));
    assert_snapshot!("show_status_log.yaml", to_yaml(&log));
    assert_snapshot!("show_status_log.tabular", log::write_past(&log, &Times::Utc, false));
}

#[test]
fn networks() {
    let subnet = |kind: &str| SpaceSubnetView {
        kind: kind.to_owned(),
        provider_id: "subnet-1".to_owned(),
        status: "in-use".to_owned(),
        zones: texts(&["here"]),
    };
    let spaces = SpaceListView {
        spaces: vec![
            SpaceView {
                id: "0".to_owned(),
                name: "alpha".to_owned(),
                subnets: map(&[("10.20.0.0/24", subnet("ipv4")), ("fd42::/64", subnet("ipv6"))]),
            },
            SpaceView { id: "1".to_owned(), name: "b".to_owned(), subnets: BTreeMap::new() },
        ],
    };
    assert_snapshot!("spaces.json", to_json(&spaces));
    assert_snapshot!("spaces.yaml", to_yaml(&spaces));
    assert_eq!(
        network::write_spaces(&spaces),
        "Name   Space ID  Subnets     \nalpha  0         10.20.0.0/24\n                 fd42::/64   \n\
         b      1                     \n                             \n"
    );
    let subnets = SubnetListView {
        subnets: map(&[(
            "10.20.0.0/24",
            SubnetView {
                kind: "ipv4".to_owned(),
                status: "in-use".to_owned(),
                space: "alpha".to_owned(),
                ..SubnetView::default()
            },
        )]),
    };
    assert_snapshot!("subnets.yaml", to_yaml(&subnets));
    let space = SpaceDetailsView {
        space: SpaceFactsView {
            id: "0".to_owned(),
            name: "alpha".to_owned(),
            subnets: vec![SubnetFactsView { cidr: "10.20.0.0/24".to_owned(), ..Default::default() }],
        },
        applications: texts(&["tinyproxy"]),
        machine_count: 2,
    };
    assert_snapshot!("show_space.yaml", to_yaml(&space));
}

#[test]
fn the_client() {
    let version = VersionView {
        version: "3.6.3-ubuntu-amd64".to_owned(),
        git_tree_state: "clean".to_owned(),
        compiler: "gc".to_owned(),
        ..VersionView::default()
    };
    assert_eq!(
        to_json(&version),
        "{\"version\":\"3.6.3-ubuntu-amd64\",\"git-tree-state\":\"clean\",\"compiler\":\"gc\"}\n"
    );
    assert_eq!(
        client::write_version_in_full(&version),
        "version: 3.6.3-ubuntu-amd64\ngit-tree-state: clean\ncompiler: gc\n"
    );
    assert_eq!(client::write_version(&version.version), "3.6.3-ubuntu-amd64\n");
    assert_eq!(
        client::write_ssh_keys("admin/web", &texts(&["00:11 (me@here)"])),
        "Keys used in model: admin/web\n00:11 (me@here)\n"
    );
}

#[test]
fn a_model_as_a_bundle() {
    let tinyproxy = BundleApplicationView {
        charm: "local:tinyproxy-3".to_owned(),
        num_units: 2,
        to: texts(&["0", "1"]),
        expose: true,
        options: map(&[("slug", json!("a slug")), ("workers", json!(4))]),
        constraints: "arch=amd64".to_owned(),
        storage: map(&[("cache", "rootfs,1,1536M".to_owned())]),
        trust: true,
        ..BundleApplicationView::default()
    };
    let database = BundleApplicationView {
        charm: "postgresql".to_owned(),
        channel: "14/stable".to_owned(),
        revision: Some(0),
        resources: map(&[("snap", json!(3))]),
        ..BundleApplicationView::default()
    };
    let bundle = BundleView {
        default_base: "ubuntu@24.04/stable".to_owned(),
        saas: map(&[("cos", BundleSaasView { url: "concierge-k8s:admin/cos.loki".to_owned() })]),
        applications: map(&[("tinyproxy", tinyproxy), ("database", database)]),
        machines: map(&[("0", BundleMachineView::default()), ("1", BundleMachineView::default())]),
        relations: vec![["database:database".to_owned(), "tinyproxy:db".to_owned()]],
        ..BundleView::default()
    };
    let overlay = OverlayView {
        applications: map(&[(
            "tinyproxy",
            OverlayApplicationView {
                exposed_endpoints: map(&[(
                    "",
                    ExposedEndpointView { expose_to_cidrs: texts(&["0.0.0.0/0"]), ..Default::default() },
                )]),
                offers: map(&[(
                    "proxy",
                    BundleOfferView {
                        endpoints: texts(&["proxy"]),
                        acl: map(&[("admin", "admin".to_owned())]),
                    },
                )]),
            },
        )]),
    };
    assert_snapshot!("export_bundle.yaml", bundle::write(&bundle, &overlay));
    assert_eq!(bundle::write(&bundle, &OverlayView::default()), to_yaml(&bundle));
}

#[test]
fn charms_on_charmhub() {
    let noble = BaseView { name: "ubuntu".to_owned(), channel: "24.04".to_owned() };
    let revision = |track: &str, risk: &str, number: u64| CharmRevisionView {
        track: track.to_owned(),
        risk: risk.to_owned(),
        version: number.to_string(),
        revision: number,
        released_at: "2026-01-04T06:29:46.1+00:00".to_owned(),
        size_bytes: 12_345_678,
        architectures: texts(&["amd64"]),
        bases: vec![noble.clone()],
    };
    let latest = map(&[
        ("stable", vec![revision("latest", "stable", 3)]),
        ("edge", vec![revision("latest", "edge", 12)]),
    ]);
    let info = CharmInfoView {
        kind: "charm".to_owned(),
        id: "charmCHARM".to_owned(),
        name: "tinyproxy".to_owned(),
        description: "A proxy.\nSmall.".to_owned(),
        publisher: "Somebody".to_owned(),
        summary: "A small proxy".to_owned(),
        supports: vec![noble.clone()],
        store_url: "https://charmhub.io/tinyproxy".to_owned(),
        tags: texts(&["web", "network"]),
        charm: Some(CharmFactsView {
            relations: map(&[("provides", map(&[("proxy", "http".to_owned())]))]),
            subordinate: false,
        }),
        channels: map(&[("latest", latest), ("1", map(&[("beta", vec![revision("1", "beta", 1)])]))]),
        tracks: texts(&["latest", "1"]),
    };
    assert_snapshot!("info.json", to_json(&info));
    assert_snapshot!("info.tabular", charmhub::write_info(&info, true));
    let found = [FoundCharmView {
        kind: "charm".to_owned(),
        id: info.id,
        name: info.name,
        publisher: info.publisher,
        summary: "A proxy whose summary is longer than what has room in one line".to_owned(),
        version: "3".to_owned(),
        store_url: info.store_url,
        ..FoundCharmView::default()
    }];
    assert_snapshot!("find.json", to_json(&found));
    assert_snapshot!("find.tabular", charmhub::write_found(&found));
}
