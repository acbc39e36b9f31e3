//! Clouds, credentials and users, which are kept and shown.

use super::{Local, On};

#[test]
fn clouds_are_kept_and_shown() {
    let local = Local::bare();
    local.env.file(
        "c1.yaml",
        "clouds:\n  c1:\n    type: openstack\n    auth-types: [userpass]\n    endpoint: http://x\n    regions:\n      \
         east: {endpoint: http://e}\n      west: {}\n  c2: {type: maas, auth-types: [oauth1]}\n",
    );
    local.env.file(
        "credentials.yaml",
        "credentials:\n  c1:\n    joe: {auth-type: userpass, username: joe, password: secret}\n",
    );
    let mut said = String::new();
    for words in [
        &["add-cloud", "c1", "--client", "--file", "c1.yaml"][..],
        &["add-cloud", "c2", "--client", "--file", "c1.yaml"],
        &["add-cloud", "c3", "--client", "--file", "nope.yaml"],
        &["show-cloud", "c1", "--client"],
        &["show-cloud", "c1"],
        &["show-cloud", "localhost", "--format", "json"],
        &["show-cloud", "nope", "--client"],
        &["clouds"],
        &["regions", "c1", "--client"],
        &["regions", "c2", "--client"],
        &["regions", "localhost"],
        &["regions", "localhost", "--format", "json"],
        &["regions", "nope"],
        &["default-region", "c1"],
        &["default-region", "c1", "nope"],
        &["default-region", "c1", "WEST"],
        &["default-region", "c1"],
        &["show-cloud", "c1", "--client", "--format", "yaml"],
        &["default-region", "c1", "--reset"],
        &["default-region", "c2"],
        &["add-credential", "c1", "--client", "--file", "credentials.yaml"],
        &["show-credential", "c1", "joe"],
        &["show-credential", "c1", "joe", "--client", "--show-secrets"],
        &["show-credential", "c1", "nope", "--client"],
        &["show-credential", "c1"],
        &["show-credential", "--controller", "concierge-k8s"],
        &["default-credential", "c1", "nope"],
        &["default-credential", "c1", "joe"],
        &["default-credential", "c1"],
        &["credentials", "--client"],
        &["default-credential", "c1", "--reset"],
    ] {
        said += &local.said(words);
    }
    insta::assert_snapshot!("juju_clouds", said);
}

#[test]
fn users_are_those_who_were_given_something() {
    let local = Local::new(On::Machines);
    let mut said = String::new();
    for words in [
        &["grant", "joe", "write", "m"][..],
        &["users", "m"],
        &["users", "m", "--format", "json"],
        &["users", "nope"],
        &["show-user", "nope"],
        &["bootstrap"],
        &["destroy-controller", "concierge-lxd"],
        &["login"],
        &["logout"],
        &["migrate", "m", "other"],
    ] {
        said += &local.said(words);
    }
    insta::assert_snapshot!("juju_users", said);
    let all = local.json(&["users"]);
    let names: Vec<&str> =
        all.as_array().unwrap().iter().filter_map(|user| user["user-name"].as_str()).collect();
    assert_eq!(names, ["admin", "joe"]);
    assert_eq!(local.json(&["show-user"])["access"], "superuser");
    assert!(
        local.juju(&["users"]).success().starts_with("Controller: concierge-lxd\n\nName    Display name")
    );
    // A model on the other controller's cloud is made with that cloud's credential.
    let said = local.juju(&["add-model", "k", "k8s"]);
    assert_eq!(said.stderr, "Added 'k' model on k8s/localhost with credential 'k8s' for user 'admin'\n");
    assert_eq!(local.json(&["show-model", "k"])["k"]["credential"]["name"], "k8s");
    local.juju(&["destroy-model", "k", "--no-prompt"]).success();
    local.destroy(&[]);
}
