use proptest::prelude::*;

use super::*;

const FULL: &str = r#"
[[package]]
name = "tinyproxy*"
version = "1.11.1-3"
programs = ["tinyproxy"]
services = []
files = { "/etc/tinyproxy/tinyproxy.conf" = "Port 8888\n" }

[[snap]]
name = "charmed-postgresql"
confinement = "classic"
services = ["patroni"]

[[exec]]
command = "tinyproxy -v"
stdout = "tinyproxy 1.11.1\n"

[[exec]]
command = ["tinyproxy", "-c", "**"]
daemon = true
pid_file = "/run/tinyproxy.pid"

[[http]]
method = "get"
url = "http://10.0.0.1/health"
status = 503

[[kubernetes]]
method = "get"
path = "/api/v1/namespaces/*/pods"
body = { kind = "PodList", items = [] }

[[remote]]
interface = "postgresql_client"
app = { database = "x" }
unit = { host = "10.0.0.9" }

[[allow]]
oracle = "idempotence"
match = "*timestamp*"
reason = "it writes when it was last seen"
"#;

fn read(text: &str) -> Rules {
    Rules::parse(Utf8Path::new("rules.toml"), text).unwrap()
}

fn check(text: &str, place: &str, message: &str) {
    let error = Rules::parse(Utf8Path::new("rules.toml"), text).unwrap_err();
    let shown = format!("{}:{}", error.line, error.column);
    assert_eq!((shown.as_str(), error.message.as_str()), (place, message), "{text}");
    assert!(error.to_string().starts_with(&format!("rules.toml:{place}: {message}\n")), "{error}");
}

#[test]
fn every_kind_of_rule() {
    let rules = read(FULL);
    assert_eq!(rules.package("tinyproxy-bin").and_then(|rule| rule.version.as_deref()), Some("1.11.1-3"));
    assert!(rules.package("nginx").is_none());
    assert_eq!(rules.snap("charmed-postgresql").map(|rule| rule.confinement), Some(Confinement::Classic));
    assert_eq!(rules.exec[0].command, ["tinyproxy", "-v"]);
    assert_eq!(rules.http("GET", "http://10.0.0.1/health").map(|(_, rule)| rule.status), Some(503));
    assert!(rules.http("POST", "http://10.0.0.1/health").is_none());
    let pods = |path: &str| {
        let found = rules.kubernetes("GET", path, &format!("{path}?limit=5"));
        found.map(|(_, rule)| rule.body.as_str())
    };
    assert_eq!(pods("/api/v1/namespaces/proof/pods"), Some(r#"{"items":[],"kind":"PodList"}"#));
    assert_eq!(pods("/api/v1/pods"), None);
    assert_eq!(rules.remote("db", "postgresql_client").map(|rule| rule.unit.len()), Some(1));
    assert!(rules.remote("db", "mysql_client").is_none());
    let allowed = rules.allowed("idempotence", "the timestamp changed").map(|rule| rule.reason.to_string());
    assert_eq!(allowed.as_deref(), Some("it writes when it was last seen"));
    assert!(rules.allowed("convergence", "the timestamp changed").is_none());
    assert_eq!(read(""), Rules::default());
}

/// The examples of the page are rules.
#[test]
fn the_reference_page_shows_rules_that_are_read() {
    let page = include_str!("../../../../../docs/reference/stand-ins.md");
    let examples: Vec<&str> =
        page.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert_eq!(examples.len(), 2);
    assert_eq!(read(examples[0]).exec.len(), 2);
    assert_eq!(read(examples[1]).exec[0].exit, 100);
}

#[test]
fn errors_name_the_place_and_what_is_known() {
    check(
        "[[package]]\nname = \"a\"\nverison = \"1\"\n",
        "3:1",
        "unknown field `verison`, expected one of `name`, `version`, `available`, `programs`, `services`, `files`",
    );
    check(
        "\n[[packages]]\nname = \"a\"\n",
        "2:3",
        "unknown field `packages`, expected one of `package`, `snap`, `exec`, `http`, `kubernetes`, `config`, `actions`, `credential`, `remote`, `allow`",
    );
    check("[[package]]\nname = \"\"\n", "2:8", "this must not be empty");
    check("[[exec]]\ncommand = 3\n", "2:11", "a command is a text or a list of texts");
    check("[[exec]]\ncommand = []\n", "2:11", "a command has at least the name of a program");
    check(
        "[[exec]]\ncommand = \"a ** b\"\n",
        "2:11",
        "`**` stands for all further arguments, so nothing can follow it",
    );
    check("[[exec]]\nexit = 1\n", "1:1", "missing field `command`");
    check(
        "[[exec]]\ncommand = \"a\"\n[[exec]]\ncommand = \"b\"\npid_file = \"/run/b\"\n",
        "3:1",
        "`pid_file` is for a process that stays: add `daemon = true`",
    );
    check("[[exec]]\ncommand = \"a\"\nfiles = { \"b\" = \"\" }\n", "1:1", "`b` is not an absolute path");
    check("[[http]]\nurl = \"*\"\n", "1:1", "`*` begins with neither `http://` nor `https://`");
    check(
        "[[http]]\nurl = \"http://*.com/\"\n",
        "1:1",
        "`*.com` is no host: it has to be written out, as a name or an IPv4 address, so that it can be resolved",
    );
    check("[[http]]\nurl = \"http://a:0/\"\n", "1:1", "`0` is no port");
    check(
        "[[http]]\nurl = \"http://a\"\nbody = 3\n",
        "3:8",
        "a body is a text, or a table or list that is sent as JSON",
    );
    check("[[http]]\nurl = \"*\"\nstatus = 20\n", "3:10", "20 is no status of HTTP; they go from 100 to 599");
    check("[[remote]]\napp = { a = \"b\" }\n", "1:1", "a [[remote]] needs an `endpoint` or an `interface`");
    check(
        "[[allow]]\noracle = \"x\"\nreason = \" \"\n",
        "3:10",
        "a reason is for whoever reads this later: say why it is fine",
    );
    check(
        "[[snap]]\nname = \"a\"\nconfinement = \"loose\"\n",
        "3:15",
        "unknown variant `loose`, expected one of `strict`, `classic`, `devmode`",
    );
}

#[test]
fn addresses_fit_with_the_usual_port_or_without() {
    for (rule, url, expected) in [
        ("http://a/b", "http://a/b", true),
        ("http://a:80/b", "http://a/b", true),
        ("https://A:443", "https://a/", true),
        ("https://a", "http://a/", false),
        ("http://a:8080/*", "http://a:8080/b?c=d", true),
        ("http://a/*", "http://a:8080/b", false),
        ("http://a/b", "http://a/b?c", false),
    ] {
        let rules = read(&format!("[[http]]\nurl = \"{rule}\"\n"));
        assert_eq!(rules.http("GET", url).is_some(), expected, "{rule} {url}");
    }
}

#[test]
fn commands_fit_word_by_word() {
    for (command, words, expected) in [
        ("a", "a", true),
        ("a", "a b", false),
        ("a *", "a b", true),
        ("a *", "a b c", false),
        ("a **", "a b c", true),
        ("a **", "a", true),
        ("a --*=1 **", "a --b=1", true),
        ("**", "anything at all", true),
        ("a b", "a", false),
    ] {
        let split = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(command_matches(&split(command), &split(words)), expected, "{command} / {words}");
    }
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(
        text in any::<String>(),
        close in "(\\[\\[(exec|package|allow|remote|http|snap)\\]\\]\n|name = \"a\"\n|command = \"a \\*\\*\"\n|exit = 1\n|é|reason = \"\"\n){0,8}",
    ) {
        let _ = Rules::parse(Utf8Path::new("r"), &text);
        if let Err(error) = Rules::parse(Utf8Path::new("r"), &close) {
            prop_assert!(error.line >= 1 && error.line <= close.lines().count().max(1) + 1);
        }
    }
}

#[test]
fn rules_have_to_fit_what_the_charms_declare() {
    let charm = CharmMetadata::parse(charmproof_charm::metadata::CharmTexts {
        charmcraft: Some(
            "type: charm\nname: a\nconfig: {options: {port: {type: int}}}\nactions: {backup: {params: {to: {type: string}}}}\n",
        ),
        ..Default::default()
    });
    let check = |text: &str, expected: &[&str]| assert_eq!(read(text).misfits(&[&charm]), expected, "{text}");
    check("[config.port]\nvalues = [80]\n[actions.backup.params.to]\nvalues = [\"/srv\"]\n", &[]);
    check("[config.prot]\nvalues = [80]\n", &["[config.prot]: there is no option `prot`"]);
    check("[config.port]\nvalues = [80, \"x\"]\n", &["[config.port]: \"x\" is not of the option's type"]);
    check("[actions.restore.params.a]\nvalues = [1]\n", &["[actions.restore]: there is no action `restore`"]);
    check(
        "[actions.backup.params.from]\nvalues = [1]\n",
        &["[actions.backup.params.from]: the action has no such parameter"],
    );
}
