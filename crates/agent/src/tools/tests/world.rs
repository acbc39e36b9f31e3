//! A unit with something of everything, and a way to call its tools.

use std::collections::BTreeMap;

use charmproof_lifecycle::vocabulary::{Hook, JujuVersion, Outcome, Platform, Remote};
use serde_json::{Value, json};

use crate::state::{
    Application, ConfigOption, ConfigType, Endpoint, EndpointRole, HookContext, HookEffects, Juju,
    ModelIdentity, NewSecret, RelationEnd, RelationEnds, SecretId, SecretOwner, State, StorageDeclaration,
    StorageKind,
};
use crate::tools::{Reply, ToolCall, answer};

/// The hooks of a unit, one after the other.
#[derive(Clone)]
pub(super) struct World {
    pub(super) state: State,
    pub(super) context: HookContext,
}

/// Returns a map of texts.
pub(super) fn texts(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

/// Reads a hook: a name, and with `db:1` the relation, with `db/0` the remote unit.
pub(super) fn hook(name: &str, about: &str) -> Hook {
    let mut hook = Hook::parse(name).unwrap();
    hook.remote = Remote::Application;
    for word in about.split_whitespace() {
        match word.split_once([':', '/']) {
            Some((_, number)) if word.contains(':') => hook.relation_id = number.parse().ok(),
            Some((application, _)) if name.contains("storage") => {
                assert!(!application.is_empty());
                hook.storage_id = Some(word.into());
            }
            Some((application, _)) => {
                hook.remote_app = Some(application.into());
                hook.remote = Remote::Unit(word.into());
            }
            None => hook.remote_app = Some(word.into()),
        }
    }
    hook
}

impl World {
    /// A unit that leads, and is told that its configuration has changed.
    pub(super) fn new() -> Self {
        Self::on(JujuVersion::V3_6, Platform::Machine)
    }

    pub(super) fn on(line: JujuVersion, platform: Platform) -> Self {
        let mut state = State::new(Juju::of_line(line, platform), ModelIdentity::default());
        let mut web = Application::new("web");
        for (name, role) in [("db", EndpointRole::Requires), ("peers", EndpointRole::Peer)] {
            web.endpoints.insert(name.into(), Endpoint { role, interface: name.to_owned() });
        }
        let options = [
            ("name", ConfigType::String, Some(json!("a <web> server"))),
            ("port", ConfigType::Int, Some(json!(80))),
            ("ratio", ConfigType::Float, Some(json!(1.0))),
            ("debug", ConfigType::Boolean, Some(json!(false))),
            ("unset", ConfigType::String, None),
        ];
        for (name, kind, default) in options {
            web.config.insert(name.to_owned(), ConfigOption { kind, default, value: None });
        }
        let data = StorageDeclaration { kind: StorageKind::Filesystem, count_max: Some(1), location: None };
        web.storages.insert("data".into(), data);
        web.payload_classes.insert("monitoring".to_owned(), "docker".to_owned());
        state.add_application(web).unwrap();
        state.set_resource("web", "config", Some("/resources/config.tar".into())).unwrap();
        state.add_application(Application::outside("pg")).unwrap();
        state.add_unit("web/0", None).unwrap();
        state.add_unit("web/1", None).unwrap();
        state.set_leader("web", Some("web/0")).unwrap();
        state.attach_storage("web/0", "data/0", Some("/srv")).unwrap();
        let ends = RelationEnds::Between(RelationEnd::new("web", "db"), RelationEnd::new("pg", "clients"));
        state.add_relation(1, ends).unwrap();
        state.add_relation(2, RelationEnds::Peer(RelationEnd::new("web", "peers"))).unwrap();
        for (id, unit) in [(1, "web/0"), (1, "web/1"), (1, "pg/0"), (2, "web/0"), (2, "web/1")] {
            state.enter_scope(id, unit).unwrap();
        }
        state.write_unit_data(1, "pg/0", &texts(&[("host", "10.9.8.7")])).unwrap();
        state.write_application_data(1, "pg", &texts(&[("version", "14")])).unwrap();
        state.write_application_data(2, "web", &texts(&[("shared", "yes")])).unwrap();
        state.count_as_done("web/0", &hook("db-relation-joined", "db:1 pg/0"));
        state.count_as_done("web/0", &hook("peers-relation-joined", "peers:2 web/1"));
        let secret = NewSecret::of(SecretOwner::Application("pg".into()), texts(&[("password", "hunter2")]));
        let id = state.add_secret(secret);
        state.grant_secret(&id, "web", Some(1)).unwrap();
        let context = HookContext::new(&mut state, "web/0", &hook("config-changed", ""), None).unwrap();
        Self { state, context }
    }

    /// The secret of `pg` that the unit may read.
    pub(super) fn granted(&self) -> SecretId {
        self.state.secrets.keys().next().unwrap().clone()
    }

    /// Begins another hook of the same unit.
    pub(super) fn begin(&mut self, name: &str, about: &str) {
        self.begin_at("web/0", name, about);
    }

    pub(super) fn begin_at(&mut self, unit: &str, name: &str, about: &str) {
        self.context = HookContext::new(&mut self.state, unit, &hook(name, about), None).unwrap();
    }

    pub(super) fn begin_action(&mut self, parameters: &Value) {
        let parameters = parameters.as_object().cloned();
        self.context =
            HookContext::new(&mut self.state, "web/0", &hook("actions/backup", ""), parameters).unwrap();
    }

    pub(super) fn finish(&mut self, outcome: Outcome) -> HookEffects {
        self.context.clone().finish(&mut self.state, outcome)
    }

    pub(super) fn call(&mut self, call: &ToolCall) -> Reply {
        answer(&mut self.state, &mut self.context, call)
    }

    /// Runs a command line, whose words are parted by spaces.
    pub(super) fn run(&mut self, line: &str) -> Reply {
        self.call(&ToolCall::of(&line.split(' ').collect::<Vec<_>>()))
    }

    pub(super) fn run_with(&mut self, line: &str, stdin: &str) -> Reply {
        let call = ToolCall::of(&line.split(' ').collect::<Vec<_>>());
        self.call(&ToolCall { stdin: Some(stdin.as_bytes().to_vec()), ..call })
    }

    /// The command line is to print this.
    pub(super) fn prints(&mut self, line: &str, expected: &str) {
        let reply = self.run(line);
        let stderr = String::from_utf8(reply.stderr).unwrap();
        assert_eq!((reply.code, stderr.as_str()), (0, ""), "{line}");
        assert_eq!(String::from_utf8(reply.stdout).unwrap(), expected, "{line}");
    }

    /// The command line is to be refused.
    pub(super) fn refuses(&mut self, line: &str, code: i32, expected: &str) {
        let reply = self.run(line);
        let stderr = String::from_utf8(reply.stderr).unwrap();
        assert_eq!((reply.code, stderr.as_str()), (code, format!("ERROR {expected}\n").as_str()), "{line}");
        assert_eq!(reply.stdout, b"", "{line}");
        assert_eq!(self.context.effects().misuses.last().unwrap().code, code, "{line}");
    }
}
