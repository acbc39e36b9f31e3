use camino::Utf8Path;

use super::*;

const CALLER: Caller<'_> = Caller { namespace: "proof", application: "web" };

fn rules(text: &str) -> Rules {
    Rules::parse(Utf8Path::new("rules.toml"), text).unwrap()
}

fn request(door: Door, scheme: Scheme, method: &str, host: &str, target: &str) -> WebRequest {
    WebRequest {
        door,
        scheme,
        method: method.to_owned(),
        target: target.to_owned(),
        host: Some(host.to_owned()),
        is_authenticated: true,
        body: Vec::new(),
    }
}

fn cluster() -> Door {
    Door::Port(kubernetes::ADDRESS, kubernetes::PORT)
}

/// Returns status and body of an answer, and what was noted.
fn answered(rules: &Rules, request: &WebRequest) -> (Option<(u16, String)>, Record) {
    let (reply, record) = answer(&mut Machine::new("24.04"), rules, &CALLER, request);
    match reply {
        WebReply::Answer { status, body, .. } => (Some((status, String::from_utf8(body).unwrap())), record),
        WebReply::BreaksOff => (None, record),
    }
}

#[test]
fn what_is_listened_at_follows_from_the_rules() {
    let rules = rules(
        "[[http]]\nurl = \"http://metadata.example\"\n[[http]]\nurl = \"https://api.example:8443/*\"\n\
         [[http]]\nurl = \"http://10.1.2.3:9090/*\"\n[[http]]\nurl = \"http://localhost:9090/-/reload\"\n",
    );
    let machine = Network::of(&rules, Platform::Machine);
    let ports: Vec<String> =
        machine.ports.iter().map(|(address, port)| format!("{address}:{port}")).collect();
    assert_eq!(ports, ["10.1.2.3:9090", "127.0.0.1:9090", "127.0.2.1:80", "127.0.2.1:8443"]);
    assert_eq!(machine.hosts.keys().collect::<Vec<_>>(), ["api.example", "metadata.example"]);
    assert_eq!(machine.sockets.iter().collect::<Vec<_>>(), [snapd::SOCKET]);
    assert!(machine.is_authority_trusted);
    let pod = Network::of(&Rules::default(), Platform::Kubernetes);
    assert_eq!(pod.ports.into_iter().collect::<Vec<_>>(), [(kubernetes::ADDRESS, 443)]);
    assert!(pod.hosts.contains_key("kubernetes.default.svc") && pod.sockets.is_empty());
    assert!(!pod.is_authority_trusted);
}

#[test]
fn a_rule_answers_and_what_no_rule_names_breaks_off() {
    let rules = rules(
        "[[http]]\nmethod = \"POST\"\nurl = \"http://a.example/*\"\nstatus = 201\nbody = { id = 1 }\n\
         [[http]]\nurl = \"http://a.example:8080/text\"\nbody = \"plain\"\nheaders = { ETag = \"x\" }\n",
    );
    let door = |port: u16| Door::Port(HOSTS_ADDRESS, port);
    let posted = request(door(80), Scheme::Http, "POST", "a.example", "/things");
    let (answer, record) = answered(&rules, &posted);
    assert_eq!(answer, Some((201, "{\"id\":1}".to_owned())));
    assert_eq!((record.answered_by, record.assumed.len()), (AnsweredBy::Rule(0), 0));
    assert_eq!(record.arguments, ["http", "POST", "http://a.example/things"]);
    let plain = request(door(8080), Scheme::Http, "GET", "A.example:8080", "/text");
    assert_eq!(answered(&rules, &plain).0, Some((200, "plain".to_owned())));
    let other = request(door(80), Scheme::Http, "GET", "a.example", "/things");
    let (answer, record) = answered(&rules, &other);
    assert_eq!(answer, None);
    assert!(record.is_unknown_web());
    assert_eq!(
        record.assumed,
        ["nobody knows what GET http://a.example/things answers; an [[http]] rule can"]
    );
}

#[test]
fn a_cluster_forbids_what_it_has_not_granted() {
    let check = |method: &str, target: &str, expected: &str| {
        let asked = request(cluster(), Scheme::Https, method, "10.152.183.1", target);
        let (answer, record) = answered(&Rules::default(), &asked);
        let (status, body) = answer.unwrap();
        let body: Value = serde_json::from_str(&body).unwrap();
        assert_eq!(
            (status, body["message"].as_str(), body["reason"].as_str()),
            (403, Some(expected), Some("Forbidden")),
            "{target}"
        );
        assert_eq!((body["kind"].as_str(), body["code"].as_u64()), (Some("Status"), Some(403)));
        assert!(record.is_unknown_web());
    };
    let user = "User \"system:serviceaccount:proof:web\"";
    check(
        "GET",
        "/api/v1/namespaces/proof/pods?limit=5",
        &format!(
            "pods is forbidden: {user} cannot list resource \"pods\" in API group \"\" in the namespace \"proof\""
        ),
    );
    check(
        "PATCH",
        "/apis/apps/v1/namespaces/proof/statefulsets/web",
        &format!(
            "statefulsets.apps \"web\" is forbidden: {user} cannot patch resource \"statefulsets\" in API group \"apps\" in the namespace \"proof\""
        ),
    );
    check(
        "GET",
        "/api/v1/nodes?watch=true",
        &format!(
            "nodes is forbidden: {user} cannot watch resource \"nodes\" in API group \"\" at the cluster scope"
        ),
    );
    check(
        "GET",
        "/api/v1/namespaces/proof/pods/web-0/log",
        &format!(
            "pods \"web-0\" is forbidden: {user} cannot get resource \"pods/log\" in API group \"\" in the namespace \"proof\""
        ),
    );
    check(
        "GET",
        "/api/v1/namespaces/proof",
        &format!(
            "namespaces \"proof\" is forbidden: {user} cannot get resource \"namespaces\" in API group \"\" in the namespace \"proof\""
        ),
    );
    check("GET", "/metrics", &format!("forbidden: {user} cannot get path \"/metrics\""));
}

#[test]
fn a_cluster_tells_everybody_its_version_and_rules_tell_more() {
    let get = |target: &str| request(cluster(), Scheme::Https, "GET", "kubernetes.default.svc", target);
    let (answer, record) = answered(&Rules::default(), &get("/version"));
    assert!(answer.is_some_and(|(status, body)| status == 200 && body.contains("v1.31.0")));
    assert!(!record.is_unknown_web());
    let rules =
        rules("[[kubernetes]]\npath = \"/api/v1/nodes\"\nbody = { kind = \"NodeList\", items = [] }\n");
    let expected = r#"{"items":[],"kind":"NodeList"}"#.to_owned();
    assert_eq!(answered(&rules, &get("/api/v1/nodes?limit=1")).0, Some((200, expected)));
    let stranger = WebRequest { is_authenticated: false, ..get("/api/v1/pods") };
    let (answer, _) = answered(&rules, &stranger);
    assert!(answer.is_some_and(|(_, body)| body.contains("system:anonymous")));
}

#[test]
fn snapd_is_behind_its_socket() {
    let ask = |target: &str| WebRequest {
        door: Door::Socket(snapd::SOCKET.into()),
        ..request(cluster(), Scheme::Http, "GET", "localhost", target)
    };
    let (answer, record) = answered(&Rules::default(), &ask("/v2/snaps"));
    assert_eq!(answer.map(|(status, _)| status), Some(200));
    assert_eq!((record.arguments[0].as_str(), record.answered_by), ("snapd", AnsweredBy::BuiltIn));
    let (answer, record) = answered(&Rules::default(), &ask("/v2/model"));
    assert_eq!((answer.map(|(status, _)| status), record.answered_by), (Some(404), AnsweredBy::Nobody));
}
