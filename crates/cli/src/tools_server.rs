//! `charmproof __tools-server`: an agent with one unit, for the tests that drive its hook
//! tools with ops.
//!
//! It installs the tools, listens, and answers. Calls whose name begins with two
//! underscores are the test's own: they begin and end hooks, and ask what happened.

use std::collections::BTreeMap;
use std::io::{self, Write as _};
use std::os::unix::net::{UnixListener, UnixStream};

use camino::{Utf8Path, Utf8PathBuf};
use charmproof_agent::protocol::{Request, read_frame, write_frame};
use charmproof_agent::state::{
    Application, ConfigOption, ConfigType, Credential, Endpoint, EndpointRole, HookContext, Juju,
    ModelIdentity, NewSecret, RelationEnd, RelationEnds, SecretOwner, State, StateError, StorageDeclaration,
    StorageKind,
};
use charmproof_agent::tool_client::install_tools;
use charmproof_agent::tools::{Reply, ToolCall, answer};
use charmproof_lifecycle::vocabulary::{Hook, Outcome, Platform, Remote};
use serde_json::{Map, Value};

/// The unit whose hooks run.
const UNIT: &str = "web/0";

/// What the test asks for is not to be had.
type Asked<T> = Result<T, String>;

/// Serves until the test closes standard input.
pub(crate) fn serve(words: &[String]) -> i32 {
    let [folder, version] = words else {
        return complain("usage: __tools-server FOLDER JUJU-VERSION");
    };
    match start(Utf8Path::new(folder), version) {
        Ok(()) => 0,
        Err(error) => complain(&error.to_string()),
    }
}

#[expect(clippy::print_stderr, reason = "the test shows what goes wrong")]
fn complain(message: &str) -> i32 {
    eprintln!("charmproof: {message}");
    70
}

#[expect(clippy::exit, reason = "the test that has started this is over")]
fn start(folder: &Utf8Path, version: &str) -> io::Result<()> {
    let juju = Juju::parse(version, Platform::Machine)
        .ok_or_else(|| io::Error::other(format!("there is no Juju {version}")))?;
    install_tools(&folder.join("tools"), &juju)?;
    let listener = UnixListener::bind(folder.join("socket"))?;
    // The test waits for this line.
    writeln!(io::stdout(), "ready")?;
    let mut server = Server::new(juju).map_err(io::Error::other)?;
    std::thread::spawn(|| {
        let _ = io::copy(&mut io::stdin(), &mut io::sink());
        std::process::exit(0);
    });
    for stream in listener.incoming() {
        server.serve(stream?)?;
    }
    Ok(())
}

struct Server {
    state: State,
    context: Option<HookContext>,
}

impl Server {
    fn new(juju: Juju) -> Result<Self, StateError> {
        Ok(Self { state: world(juju)?, context: None })
    }

    fn serve(&mut self, mut stream: UnixStream) -> io::Result<()> {
        let Some(payload) = read_frame(&mut stream)? else { return Ok(()) };
        let request = Request::decode(&payload)?;
        let reply = self.reply(&request.call);
        if request.wants_reply { write_frame(&mut stream, &reply.encode()) } else { Ok(()) }
    }

    fn reply(&mut self, call: &ToolCall) -> Reply {
        let name = call.name();
        if name.starts_with("__") {
            return match self.control(&name, call) {
                Ok(value) => Reply { stdout: value.to_string().into_bytes(), ..Reply::default() },
                Err(message) => Reply { code: 70, stderr: message.into_bytes(), ..Reply::default() },
            };
        }
        match &mut self.context {
            Some(context) => answer(&mut self.state, context, call),
            None => Reply { code: 70, stderr: b"no hook runs".to_vec(), ..Reply::default() },
        }
    }

    fn control(&mut self, name: &str, call: &ToolCall) -> Asked<Value> {
        let words: Vec<String> =
            call.arguments[1..].iter().map(|word| String::from_utf8_lossy(word).into_owned()).collect();
        let show = |value: Result<Value, serde_json::Error>| value.map_err(|error| error.to_string());
        match (name, words.as_slice()) {
            ("__begin", [hook, about @ ..]) => {
                let hook = hook_of(hook, about)?;
                let parameters = match &call.stdin {
                    Some(text) => serde_json::from_slice(text).map_err(|error| error.to_string())?,
                    None => Map::new(),
                };
                let context = HookContext::new(&mut self.state, UNIT, &hook, Some(parameters));
                self.context = Some(context.map_err(|error| error.to_string())?);
                Ok(Value::Null)
            }
            ("__finish", [outcome]) => {
                let outcome = Outcome::parse(outcome).ok_or("there is no such outcome")?;
                let context = self.context.take().ok_or("no hook runs")?;
                show(serde_json::to_value(context.finish(&mut self.state, outcome)))
            }
            ("__effects", []) => {
                show(serde_json::to_value(self.context.as_ref().ok_or("no hook runs")?.effects()))
            }
            ("__state", []) => show(serde_json::to_value(&self.state)),
            ("__leader", [unit]) => {
                let leader = Some(unit.as_str()).filter(|unit| !unit.is_empty());
                self.state.set_leader("web", leader).map_err(|error| error.to_string())?;
                Ok(Value::Null)
            }
            _ => Err(format!("{name} is not understood")),
        }
    }
}

/// Reads a hook: its name, and `relation=1`, `app=db`, `unit=db/0` or `storage=data/0`.
fn hook_of(name: &str, about: &[String]) -> Asked<Hook> {
    let mut hook = Hook::parse(name).map_err(|error| error.to_string())?;
    hook.remote = Remote::Application;
    for word in about {
        match word.split_once('=') {
            Some(("relation", id)) => hook.relation_id = id.parse().ok(),
            Some(("app", app)) => hook.remote_app = Some(app.into()),
            Some(("unit", unit)) => hook.remote = Remote::Unit(unit.into()),
            Some(("storage", id)) => hook.storage_id = Some(id.into()),
            _ => return Err(format!("{word} says nothing about a hook")),
        }
    }
    Ok(hook)
}

/// Two units of `web` and what is around them: a database outside the model, with a secret;
/// a relation between the peers; a relation that goes; storage; a resource.
fn world(juju: Juju) -> Result<State, StateError> {
    let mut state = State::new(juju, ModelIdentity::default());
    let mut web = Application::new("web");
    let endpoints =
        [("db", EndpointRole::Requires), ("old", EndpointRole::Requires), ("peers", EndpointRole::Peer)];
    for (name, role) in endpoints {
        web.endpoints.insert(name.into(), Endpoint { role, interface: name.to_owned() });
    }
    let options: [(&str, ConfigType, Option<Value>); 5] = [
        ("name", ConfigType::String, Some("a <web> server".into())),
        ("port", ConfigType::Int, Some(80.into())),
        ("ratio", ConfigType::Float, Some(0.5.into())),
        ("debug", ConfigType::Boolean, Some(false.into())),
        ("unset", ConfigType::String, None),
    ];
    for (name, kind, default) in options {
        web.config.insert(name.to_owned(), ConfigOption { kind, default, value: None });
    }
    let data = StorageDeclaration {
        kind: StorageKind::Filesystem,
        count_max: None,
        location: Some("/srv/data".to_owned()),
    };
    web.storages.insert("data".into(), data);
    web.is_trusted = true;
    state.add_application(web)?;
    state.set_resource("web", "config", Some(Utf8PathBuf::from("/var/resources/web/config.tar")))?;
    state.set_resource("web", "absent", None)?;
    state.add_unit("web/0", None)?;
    state.add_unit("web/1", None)?;
    state.set_leader("web", Some(UNIT))?;
    state.attach_storage(UNIT, "data/0", None)?;

    state.add_application(Application::outside("db"))?;
    state.add_relation(
        1,
        RelationEnds::Between(RelationEnd::new("web", "db"), RelationEnd::new("db", "clients")),
    )?;
    state.add_relation(2, RelationEnds::Peer(RelationEnd::new("web", "peers")))?;
    state.add_relation(
        3,
        RelationEnds::Between(RelationEnd::new("web", "old"), RelationEnd::new("db", "old")),
    )?;
    for (relation, unit) in [(1, "web/0"), (1, "web/1"), (1, "db/0"), (2, "web/0"), (2, "web/1")] {
        state.enter_scope(relation, unit)?;
    }
    let text = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    };
    state.write_unit_data(1, "db/0", &text(&[("host", "10.9.8.7"), ("note", "größer & \"quoted\"")]))?;
    state.write_application_data(1, "db", &text(&[("version", "14")]))?;
    state.write_application_data(1, "web", &text(&[("wants", "a-database")]))?;
    state.write_application_data(2, "web", &text(&[("shared", "yes")]))?;
    for (hook, relation, unit) in [("db-relation-joined", 1, "db/0"), ("peers-relation-joined", 2, "web/1")] {
        if let Ok(mut hook) = Hook::parse(hook) {
            hook.relation_id = Some(relation);
            hook.remote = Remote::Unit(unit.into());
            state.count_as_done(UNIT, &hook);
        }
    }
    let password = text(&[("password", "hunter2"), ("username", "web")]);
    let secret = state.add_secret(NewSecret::of(SecretOwner::Application("db".into()), password));
    state.grant_secret(&secret, "web", Some(1))?;
    state.add_secret(NewSecret::of(SecretOwner::Application("db".into()), text(&[("key", "private")])));
    state.credential = Some(Credential {
        cloud_type: "lxd".to_owned(),
        name: "localhost".to_owned(),
        region: "localhost".to_owned(),
        endpoint: "https://10.0.0.1:8443".to_owned(),
        auth_type: "certificate".to_owned(),
        attributes: text(&[("client-cert", "cert")]),
    });
    Ok(state)
}
