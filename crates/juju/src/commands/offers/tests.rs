//! What each command says, in models whose applications have no units.

use std::io::{Read as _, Seek as _};
use std::sync::Arc;

use camino::Utf8Path;
use charmproof_charm::metadata::{CharmMetadata, CharmTexts};

use crate::controller::Controller;
use crate::controller::data::CharmData;
use crate::hosting::nowhere::Nowhere;
use crate::place::DataFolder;
use crate::session::{Attention, Session};

pub(in crate::commands) struct Juju {
    controller: Arc<Controller>,
    folder: tempfile::TempDir,
}

impl Juju {
    /// Returns one with the models `data`, where `pg` is, and `apps`, where `web` is.
    pub(in crate::commands) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = Utf8Path::from_path(folder.path()).unwrap();
        let data = DataFolder::at(path.join("data"));
        data.make().unwrap();
        let controller = Controller::open(data, Box::new(Nowhere)).unwrap();
        let juju = Self { controller, folder };
        for model in ["data", "apps"] {
            juju.run(&format!("add-model --no-switch {model} localhost"));
        }
        juju.deploy(
            "data",
            "pg",
            "name: pg\ndescription: |\n  A database.\nprovides: {db: {interface: sql}, metrics: {interface: prometheus}}\n",
        );
        juju.deploy("apps", "web", "name: web\nrequires: {db: {interface: sql}}\n");
        juju
    }

    fn deploy(&self, model: &str, name: &str, metadata: &str) {
        let metadata = CharmMetadata::parse(CharmTexts { metadata: Some(metadata), ..CharmTexts::default() });
        let charm = CharmData::example(name);
        self.controller.change(|held| {
            let uuid = held.named("concierge-lxd", model).unwrap().uuid.clone();
            let model = held.model_mut(&uuid).unwrap();
            model.add_application(&name.into(), &Arc::new(metadata), charm).unwrap();
        });
    }

    /// Runs a command line, and returns what it printed, what it said, and its exit code if that is
    /// not 0.
    fn run(&self, line: &str) -> String {
        self.run_with(line, &[])
    }

    /// Does so for somebody who has variables.
    pub(in crate::commands) fn run_with(&self, line: &str, variables: &[(&str, &str)]) -> String {
        let file = |name: &str| {
            let path = self.folder.path().join(name);
            fs_err::OpenOptions::new()
                .read(true)
                .write(true)
                .create(true)
                .truncate(true)
                .open(path)
                .unwrap()
                .into_parts()
                .0
        };
        let (stdout, stderr) = (file("stdout"), file("stderr"));
        let session = Session {
            words: line.split(' ').map(str::to_owned).collect(),
            cwd: Utf8Path::from_path(self.folder.path()).unwrap().to_owned(),
            env: variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
            stdin: file("stdin"),
            stdout: stdout.try_clone().unwrap(),
            stderr: stderr.try_clone().unwrap(),
            attention: Attention::default(),
            caller: None,
        };
        let code = crate::commands::run(&self.controller, session);
        let mut text = String::new();
        for mut file in [stdout, stderr] {
            file.rewind().unwrap();
            file.read_to_string(&mut text).unwrap();
        }
        if code != 0 {
            text += &format!("exit code {code}\n");
        }
        text
    }

    /// Runs lines one after the other, and compares all with what a person would see.
    #[track_caller]
    fn check(&self, name: &str, lines: &[&str]) {
        let seen: String = lines.iter().map(|line| format!("$ juju {line}\n{}", self.run(line))).collect();
        insta::with_settings!({ omit_expression => true }, { insta::assert_snapshot!(name, seen) });
    }
}

#[test]
fn offers_are_made_and_shown() {
    let juju = Juju::new();
    juju.check(
        "offers_are_made_and_shown",
        &[
            "offer data.pg:db,metrics sql",
            "offer admin/data.pg:db",
            "offers -m data",
            "offers -m data sql --format summary",
            "offers -m data sql --format yaml",
            "offers -m data --interface prometheus --format json",
            "offers -m data --active-only",
            "find-offers",
            "find-offers --interface prometheus --format yaml",
            "show-offer admin/data.sql",
            "show-offer admin/data.sql --format yaml",
        ],
    );
}

#[test]
fn offers_are_consumed_and_taken_back() {
    let juju = Juju::new();
    juju.check(
        "offers_are_consumed_and_taken_back",
        &[
            "offer data.pg:db sql",
            "consume -m apps data.sql store",
            "consume -m apps concierge-lxd:admin/data.sql store",
            "integrate -m apps store web",
            "integrate -m apps store web",
            "offers -m data",
            "remove-application -m data --no-prompt pg",
            "remove-offer admin/data.sql",
            "suspend-relation -m data 0 --message maintenance",
            "offers -m data sql --format summary",
            "resume-relation -m data 0",
            "remove-offer -y --force admin/data.sql",
            "integrate -m apps store web",
            "remove-saas -m apps store",
            "remove-saas -m apps store",
        ],
    );
}

#[test]
fn an_offer_may_be_integrated_without_being_consumed_before() {
    let juju = Juju::new();
    juju.check(
        "an_offer_may_be_integrated_without_being_consumed_before",
        &[
            "offer data.pg:db sql",
            "integrate -m apps web data.sql:db",
            "offers -m data",
            "remove-relation -m apps web sql",
            "offers -m data",
        ],
    );
}

#[test]
fn what_is_wrong_with_an_offer_is_said() {
    let juju = Juju::new();
    juju.check(
        "what_is_wrong_with_an_offer_is_said",
        &[
            "offer pg",
            "offer data.pg:",
            "offer nowhere.pg:db",
            "offer data.no:db",
            "offer data.pg:no",
            "consume -m apps data.sql",
            "consume -m apps nowhere.sql",
            "consume -m apps data.sql:db",
            "integrate -m apps web data.sql",
            "integrate -m apps data.sql data.sql",
            "find-offers",
            "find-offers admin/nowhere",
            "show-offer admin/data.sql",
            "remove-offer admin/data.sql",
            "remove-offer admin/data.sql:db",
            "remove-saas -m apps store",
            "suspend-relation -m data 7",
        ],
    );
}

#[test]
fn access_is_kept_and_shown() {
    let juju = Juju::new();
    juju.check(
        "access_is_kept_and_shown",
        &[
            "offer data.pg:db sql",
            "grant joe consume admin/data.sql",
            "grant joe read admin/data.sql",
            "show-offer admin/data.sql --format json",
            "revoke joe consume admin/data.sql",
            "revoke joe read admin/data.sql",
            "show-offer admin/data.sql --format json",
            "grant joe write data",
            "revoke joe admin apps",
            "grant joe superuser",
        ],
    );
}
