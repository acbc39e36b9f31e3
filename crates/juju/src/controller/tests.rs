//! What a controller does that no person asked for: it keeps, brings back, and clears away.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use camino::{Utf8Path, Utf8PathBuf};
use charmproof_agent::protocol::{Request, read_frame, write_frame};
use charmproof_agent::server::EXEC_SOCKET;
use charmproof_agent::tools::ToolCall;
use charmproof_charm::metadata::{CharmMetadata, CharmTexts};
use charmproof_lifecycle::model::{ModelEvent, Target};
use charmproof_lifecycle::stimulus::Stimulus;
use charmproof_lifecycle::vocabulary::{Name, Outcome};
use charmproof_testkit::wait_for;
use jiff::Timestamp;

use super::data::{
    AgentStatus, Base, CharmData, ModelData, ModelPlatform, OfferData, ResourceData, TaskKind, TaskStatus,
};
use super::database::Database;
use super::{Controller, commands, provision, resources, storage, uniter, upgrade};
use crate::hosting::nowhere::Nowhere;
use crate::hosting::{Host, HostRequest, Hosting, HostingError};
use crate::place::DataFolder;
use crate::view::status::StatusInfo;
use crate::view::time::Times;

const LIMIT: Duration = Duration::from_secs(20);
const METADATA: &str = "name: web\nactions: {}\nstorage: {data: {type: filesystem, location: /srv/data}}\n";

/// A controller with two models, `one` and `two`, where each has a unit of `web`.
struct Case {
    controller: Arc<Controller>,
    folder: tempfile::TempDir,
}

impl Case {
    fn new() -> Self {
        Self::with(Box::new(Nowhere))
    }

    fn with(hosting: Box<dyn Hosting>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let data = DataFolder::at(Utf8Path::from_path(folder.path()).unwrap().join("data"));
        data.make().unwrap();
        let controller = Controller::open(data, hosting).unwrap();
        controller.change(|held| {
            for uuid in ["one", "two"] {
                held.add_model(model(uuid));
            }
        });
        Self { controller, folder }
    }

    fn data(&self) -> &DataFolder {
        self.controller.folder()
    }

    /// Changes a model, and keeps it.
    fn change<T>(&self, uuid: &str, act: impl FnOnce(&mut ModelData) -> T) -> T {
        self.controller.change(|held| act(held.model_mut(uuid).unwrap()))
    }

    /// Lets nothing be written down until it may be again.
    fn fail_to_write(&self, fails: bool) {
        let database = rusqlite::Connection::open(self.data().database()).unwrap();
        let (from, to) = if fails { ("client", "away") } else { ("away", "client") };
        database.execute_batch(&format!("ALTER TABLE {from} RENAME TO {to}")).unwrap();
    }

    /// Returns what would be there after a crash.
    fn kept(&self) -> Vec<ModelData> {
        Database::open(&self.data().database()).unwrap().load().unwrap().1
    }
}

fn model(uuid: &str) -> ModelData {
    let mut model = ModelData::new(uuid.to_owned(), uuid, "c", "localhost", ModelPlatform::Machine);
    add_web(&mut model);
    let base = Base { name: "ubuntu".to_owned(), channel: "24.04".to_owned() };
    let machine = model.add_machine(base, String::new(), false);
    model.add_unit(&"web".into(), Some(machine), None).unwrap();
    model.note_new_storage(None);
    model
}

fn add_web(model: &mut ModelData) {
    let metadata = CharmMetadata::parse(CharmTexts { metadata: Some(METADATA), ..CharmTexts::default() });
    let charm = CharmData::example("web");
    model.add_application(&"web".into(), &Arc::new(metadata), charm).unwrap();
}

#[test]
fn who_finds_nothing_to_do_forgets_nothing_of_others() {
    let case = Case::new();
    let unit = Name::from("web/0");
    // A unit that has done all that there was.
    case.change("two", |model| {
        model.set_agent(&unit, AgentStatus::Idle, "");
        let data = model.units.get_mut(&unit).unwrap();
        data.rests_until = Timestamp::now().checked_add(jiff::SignedDuration::from_hours(1)).ok();
    });
    case.fail_to_write(true);
    case.change("one", |model| model.constraints = "mem=4G".to_owned());
    assert!(case.controller.unsaved().is_some());
    let living = thread::spawn({
        let (controller, unit) = (Arc::clone(&case.controller), unit.clone());
        let home: Arc<dyn Host> = Arc::new(Nowhere);
        move || uniter::next(&controller, "two", &unit, &home)
    });
    let rests = || super::lock(&case.controller.resting).contains_key(&("two".to_owned(), unit.clone()));
    wait_for("the unit to rest", LIMIT, rests);
    case.fail_to_write(false);
    case.controller.write_down_again();
    assert_eq!(case.controller.unsaved(), None);
    assert_eq!(case.kept()[0].constraints, "mem=4G");
    case.controller.end();
    assert!(matches!(living.join().unwrap(), uniter::Work::End));
    drop(case.folder);
}

#[test]
fn links_of_a_unit_lead_nowhere() {
    let unit = Name::from("web/0");
    // The folder of all agents, that of the unit's own, and one in it.
    for link in ["agents", "agents/unit-web-0"] {
        let case = Case::new();
        let outside = Utf8Path::from_path(case.folder.path()).unwrap().join("outside");
        for folder in ["unit-web-0/charm", "unit-web-0/resources", "charm", "resources"] {
            fs_err::create_dir_all(outside.join(folder)).unwrap();
            fs_err::write(outside.join(folder).join("precious"), "").unwrap();
        }
        let juju = provision::machine_folder(&case.controller, "one", "0").join("juju");
        fs_err::create_dir_all(juju.join(link).parent().unwrap()).unwrap();
        fs_err::create_dir_all(juju.join("tools")).unwrap();
        std::os::unix::fs::symlink(&outside, juju.join(link)).unwrap();
        let refused = |error: HostingError| assert!(error.0.contains("symbolic link"), "{error}");
        case.change("one", |model| {
            let resource =
                ResourceData { is_file: true, digest: Some("aa".to_owned()), ..ResourceData::default() };
            let application = model.applications.get_mut("web").unwrap();
            application.resources.insert("blob".to_owned(), resource);
            application.charm.digest = "new".to_owned();
        });
        fs_err::create_dir_all(case.data().blobs().join("resources")).unwrap();
        fs_err::write(case.data().blobs().join("resources/aa"), "").unwrap();
        fs_err::create_dir_all(case.data().blobs().join("charms/new")).unwrap();
        refused(resources::lay_out(&case.controller, "one", &unit).unwrap_err());
        refused(upgrade::replace_charm(&case.controller, "one", &unit).unwrap_err());
        refused(provision::serve_tools(&case.controller, "one", &unit).unwrap_err());
        provision::remove_unit_folder(&case.controller, "one", &unit, Some("0"));
        let left = ["unit-web-0/charm", "unit-web-0/resources", "charm", "resources"];
        let is_there = |folder: &&str| outside.join(folder).join("precious").exists();
        assert!(left.iter().all(is_there), "{link}");
        assert_eq!(outside.read_dir_utf8().unwrap().count(), 3, "{link}");
    }
}

#[test]
fn the_end_of_the_last_model_is_written_down_before_all_is_over() {
    let case = Case::new();
    assert!(case.controller.is_needed());
    case.fail_to_write(true);
    case.controller.change(|held| ["one", "two"].map(|uuid| held.remove_model(uuid)));
    assert!(case.controller.is_needed());
    case.fail_to_write(false);
    assert_eq!(case.kept().len(), 2);
    case.controller.write_down_again();
    assert!(!case.controller.is_needed());
    assert!(case.kept().is_empty());
}

#[test]
fn a_link_instead_of_a_charm_is_replaced() {
    let unit = Name::from("web/0");
    let case = Case::new();
    let outside = Utf8Path::from_path(case.folder.path()).unwrap().join("outside");
    fs_err::create_dir_all(&outside).unwrap();
    fs_err::write(outside.join("precious"), "").unwrap();
    let charm = machine_of(&case).join("juju/agents/unit-web-0/charm");
    std::os::unix::fs::symlink(&outside, &charm).unwrap();
    fs_err::create_dir_all(case.data().blobs().join("charms/new")).unwrap();
    case.change("one", |model| model.applications.get_mut("web").unwrap().charm.digest = "new".to_owned());
    upgrade::replace_charm(&case.controller, "one", &unit).unwrap();
    assert!(outside.join("precious").exists());
    assert!(charm.symlink_metadata().unwrap().is_dir() && !charm.join("precious").exists());
}

#[test]
fn a_charm_keeps_what_it_has_written_whenever_all_is_killed() {
    let unit = Name::from("web/0");
    let case = Case::new();
    let (controller, machine) = (&case.controller, machine_of(&case));
    fs_err::create_dir_all(machine.join("juju/tools")).unwrap();
    let write = |folder: &Utf8Path, name: &str, text: &str| {
        fs_err::create_dir_all(folder).unwrap();
        fs_err::write(folder.join(name), text).unwrap();
    };
    for charm in ["old", "new"] {
        write(&case.data().blobs().join("charms").join(charm), "dispatch", charm);
    }
    let charm = machine.join("juju/agents/unit-web-0/charm");
    case.change("one", |model| {
        model.applications.get_mut("web").unwrap().charm.digest = "new".to_owned();
        model.units.get_mut(&unit).unwrap().charm_digest = "old".to_owned();
    });
    let check = || {
        let read = |name: &str| fs_err::read_to_string(charm.join(name)).unwrap();
        assert_eq!([read("dispatch"), read("state")], ["new", "kept"]);
    };
    write(&charm, "dispatch", "old");
    write(&charm, "state", "kept");
    upgrade::replace_charm(controller, "one", &unit).unwrap();
    check();
    // Killed before that was written down: it is done again.
    case.change("one", |model| model.units.get_mut(&unit).unwrap().charm_digest = "old".to_owned());
    upgrade::replace_charm(controller, "one", &unit).unwrap();
    check();
    // Killed in the middle of it.
    let replaced = upgrade::folder(controller, "one", &unit);
    write(&replaced.join(upgrade::NEW), "dispatch", "new");
    fs_err::rename(&charm, replaced.join(upgrade::OLD)).unwrap();
    provision::lay_out(controller, "one", &unit, "old").unwrap();
    check();
    // It went wrong in the middle of it, and the hook is tried again. Somebody has begun a log meanwhile.
    for has_log in [false, true] {
        case.change("one", |model| model.units.get_mut(&unit).unwrap().charm_digest = "old".to_owned());
        write(&replaced.join(upgrade::NEW), "dispatch", "new");
        fs_err::rename(&charm, replaced.join(upgrade::OLD)).unwrap();
        if has_log {
            write(&charm.join("log"), "today", "begun");
        }
        upgrade::replace_charm(controller, "one", &unit).unwrap();
        check();
        assert_eq!(charm.join("log/today").exists(), has_log);
        assert!(!replaced.exists());
    }
}

#[test]
fn a_folder_that_cannot_be_moved_stays_with_the_charm() {
    let unit = Name::from("web/0");
    let case = Case::new();
    let charm = machine_of(&case).join("juju/agents/unit-web-0/charm");
    let new = case.data().blobs().join("charms/new");
    for folder in [&charm.join("own"), &charm.join("src"), &new.join("src")] {
        fs_err::create_dir_all(folder).unwrap();
    }
    fs_err::create_dir_all(case.data().blobs().join("charms/old/src")).unwrap();
    fs_err::write(charm.join("src/old.py"), "").unwrap();
    fs_err::write(charm.join("own/kept"), "").unwrap();
    // As one that belongs to another user, for all but root: its `..` cannot be changed.
    let read_only = |mode| fs_err::set_permissions(charm.join("own"), PermissionsExt::from_mode(mode));
    read_only(0o555).unwrap();
    case.change("one", |model| {
        model.applications.get_mut("web").unwrap().charm.digest = "new".to_owned();
        model.units.get_mut(&unit).unwrap().charm_digest = "old".to_owned();
    });
    upgrade::replace_charm(&case.controller, "one", &unit).unwrap();
    read_only(0o755).unwrap();
    assert!(charm.join("own/kept").exists() && charm.join("src").exists());
    assert!(!charm.join("src/old.py").exists());
}

/// Returns the folder of a unit's machine, with a machine that is there.
fn machine_of(case: &Case) -> Utf8PathBuf {
    let folder = provision::machine_folder(&case.controller, "one", "0");
    fs_err::create_dir_all(folder.join("juju/agents/unit-web-0")).unwrap();
    fs_err::create_dir_all(folder.join("storage")).unwrap();
    case.controller.set_place(("one".to_owned(), "machine 0".to_owned()), Arc::new(Nowhere));
    folder
}

#[test]
fn storage_is_where_it_belongs_whenever_all_is_killed() {
    let (unit, id) = (Name::from("web/0"), Name::from("data/0"));
    let check = |pool: &str, expected: &[&str]| {
        let case = Case::new();
        let machine = machine_of(&case);
        case.change("one", |model| {
            model.storages.get_mut(&id).unwrap().pool = pool.to_owned();
            model.state.attach_storage(&unit, &id, Some("/srv/data")).unwrap();
        });
        storage::mount_again(&case.controller, "one", &unit).unwrap();
        fs_err::write(machine.join("storage/data-0/file"), "").unwrap();
        // A hook has told that it goes, and that was not written down: it is there when the hook runs again.
        storage::detach(&case.controller, "one", &unit, &id);
        assert!(!machine.join("storage/data-0").exists());
        storage::mount_again(&case.controller, "one", &unit).unwrap();
        assert!(machine.join("storage/data-0/file").exists());
        // The unit leaves, again and again.
        for _ in 0..2 {
            storage::leave(&case.controller, "one", &unit);
        }
        let kept = case.data().model("one").join("storage");
        let left = kept.read_dir_utf8().unwrap().map(|entry| entry.unwrap().file_name().to_owned());
        assert_eq!(left.collect::<Vec<_>>(), expected, "{pool}");
        assert!(!machine.join("storage/data-0").exists());
    };
    check("lxd", &["data-0"]);
    check("rootfs", &[]);
}

/// What `juju-exec` asks for.
fn asked_for() -> Request {
    let arguments = ["juju-exec", "--", "true"].map(|word| word.as_bytes().to_vec()).to_vec();
    let call = ToolCall { arguments, stdin: None, attachments: BTreeMap::new() };
    Request { wants_reply: true, context_id: None, call }
}

/// Asks as `juju-exec` on the machine of a unit does, on a thread of its own.
fn ask(case: &Case) -> thread::JoinHandle<charmproof_agent::tools::Reply> {
    let request = asked_for();
    let controller = Arc::clone(&case.controller);
    let asked = thread::spawn(move || commands::answer(&controller, "one", &"web/0".into(), &request));
    let is_asked = || case.controller.look(|held| !held.model("one").unwrap().tasks.is_empty());
    wait_for("it to be asked for", LIMIT, is_asked);
    asked
}

#[test]
fn nobody_waits_for_what_a_unit_does_not_do_any_more() {
    let unit = Name::from("web/0");
    let case = Case::new();
    machine_of(&case);
    // Its machine is gone.
    let asked = ask(&case);
    uniter::lose_place(&case.controller, "one", &unit);
    wait_for("an answer", LIMIT, || asked.is_finished());
    assert_eq!(String::from_utf8(asked.join().unwrap().stderr).unwrap(), "ERROR the unit's place is gone\n");
    // The unit is.
    let asked = ask(&case);
    let task = case.change("one", |model| {
        let operation = model.add_operation("exec");
        model.add_task(operation, &unit, TaskKind::Exec { commands: "true".to_owned() })
    });
    let (held, key) = (&case.controller, ("one".to_owned(), unit.clone()));
    provision::serve_tools(held, "one", &unit).unwrap();
    uniter::leave(held, "one", &unit);
    wait_for("an answer", LIMIT, || asked.is_finished());
    let task = held.look(|held| held.model("one").unwrap().tasks[&task].clone());
    assert_eq!((task.status, task.message.as_str()), (TaskStatus::Cancelled, "unit removed"));
    assert!(!super::lock(&held.servers).contains_key(&key));
}

#[test]
fn a_unit_that_moves_in_again_waits_for_nobody_who_waits_for_it() {
    let unit = Name::from("web/0");
    let case = Case::new();
    let machine = machine_of(&case);
    provision::serve_tools(&case.controller, "one", &unit).unwrap();
    let agent = fs_err::File::open(machine.join("juju/agents/unit-web-0")).unwrap();
    let path = format!("/proc/self/fd/{}/{EXEC_SOCKET}", agent.as_raw_fd());
    let mut asking = UnixStream::connect(path).unwrap();
    write_frame(&mut asking, &asked_for().encode()).unwrap();
    let is_asked = || case.controller.look(|held| !held.model("one").unwrap().tasks.is_empty());
    wait_for("it to be asked for", LIMIT, is_asked);
    // Who would do it is the one who serves.
    let serving = thread::spawn({
        let (controller, unit) = (Arc::clone(&case.controller), unit.clone());
        move || provision::serve_tools(&controller, "one", &unit)
    });
    wait_for("the unit to serve again", LIMIT, || serving.is_finished());
    serving.join().unwrap().unwrap();
    assert!(super::lock(&case.controller.servers).contains_key(&("one".to_owned(), unit.clone())));
    // It is answered by whom it was asked of.
    case.change("one", |model| model.end_commands(&unit));
    assert!(read_frame(&mut asking).unwrap().is_some());
}

#[test]
fn what_somebody_killed_has_left_is_removed() {
    let case = Case::new();
    let data = case.data();
    let (known, gone) = (data.model("one"), data.model("gone"));
    let charms = data.blobs().join("charms");
    for folder in [
        known.join("staging/x"),
        known.join("storage"),
        gone.clone(),
        charms.join(".new-1"),
        charms.join("aa"),
    ] {
        fs_err::create_dir_all(folder).unwrap();
    }
    let of_known = ["pods/web-9", "replaced/unit-web-9", "machines/9", "replaced/unit-web-0", "machines/0"];
    let of_known = of_known.map(|folder| known.join(folder));
    for folder in &of_known {
        fs_err::create_dir_all(folder.join("juju")).unwrap();
    }
    case.controller.remove_leftovers();
    // At once, as others may get their names.
    assert_eq!(of_known.map(|folder| folder.exists()), [false, false, false, true, true]);
    wait_for("the rest to be removed", LIMIT, || known.join("staging").read_dir().unwrap().count() == 0);
    wait_for("the model to be removed", LIMIT, || !gone.exists());
    assert!(known.join("storage").exists());
    assert!(!charms.join(".new-1").exists() && charms.join("aa").exists());
}

#[test]
fn who_is_late_for_a_model_leaves_nothing() {
    let case = Case::new();
    machine_of(&case);
    case.controller.change(|held| held.remove_model("one"));
    uniter::leave(&case.controller, "one", &"web/0".into());
    assert!(!case.data().model("one").exists());
    assert!(case.controller.places_of("one").is_empty());
}

/// Hosting that gives addresses, and can make no places while it has no room.
#[derive(Default)]
struct Full {
    taken: Mutex<BTreeSet<Ipv4Addr>>,
    has_room: AtomicBool,
}

impl Hosting for Arc<Full> {
    fn check_base(&self, _: &Base) -> Result<(), HostingError> {
        Ok(())
    }

    fn start(&self, _: &HostRequest) -> Result<Arc<dyn Host>, HostingError> {
        if self.has_room.load(Ordering::Relaxed) {
            Ok(Arc::new(Nowhere))
        } else {
            Err(HostingError("there is no room".to_owned()))
        }
    }

    fn take_address(&self, _: &str, promised: &BTreeSet<Ipv4Addr>) -> Result<Ipv4Addr, HostingError> {
        let all = (2..250).map(|number| Ipv4Addr::new(10, 1, 1, number));
        let mut taken = super::lock(&self.taken);
        let free = all.into_iter().find(|address| !taken.contains(address) && !promised.contains(address));
        taken.insert(free.unwrap());
        Ok(free.unwrap())
    }

    fn release_address(&self, _: &str, address: Ipv4Addr) {
        assert!(super::lock(&self.taken).remove(&address), "nobody has taken {address}");
    }

    fn remove_folder(&self, folder: &Utf8Path) {
        Nowhere.remove_folder(folder);
    }

    fn may_have(&self, _: &str, _: Ipv4Addr) -> bool {
        true
    }

    fn remove_network(&self, _: &str) {}

    fn pebble_program(&self) -> Vec<String> {
        Vec::new()
    }
}

#[test]
fn addresses_are_kept_for_those_who_come_back() {
    let full = Arc::new(Full::default());
    let case = Case::with(Box::new(Arc::clone(&full)));
    let address = |number: u8| Ipv4Addr::new(10, 1, 1, number);
    case.change("one", |model| {
        let base = model.machines[&0].base.clone();
        model.add_machine(base, String::new(), true);
        // It is not there yet, after a restart.
        model.machines.get_mut(&1).unwrap().address = Some(address(2).to_string());
    });
    // Whoever tries again and again has none in the meantime.
    for machine in ["0", "1"] {
        provision::start_machine(&case.controller, "one", machine).unwrap_err();
        assert!(super::lock(&full.taken).is_empty());
    }
    assert_eq!(full.take_address("one", &provision::promised(&case.controller, "one")).unwrap(), address(3));
}

#[test]
fn a_machine_without_units_is_brought_back() {
    let full = Arc::new(Full::default());
    let case = Case::with(Box::new(Arc::clone(&full)));
    case.change("one", |model| {
        let number = model.add_machine(model.machines[&0].base.clone(), String::new(), true);
        "started".clone_into(&mut model.machines.get_mut(&number).unwrap().status);
    });
    let status = || case.controller.look(|held| held.model("one").unwrap().machines[&1].status.clone());
    // It is not there, and there is no room for it: somebody tries again for as long as it is wanted.
    let trying = thread::spawn({
        let controller = Arc::clone(&case.controller);
        move || controller.start_machine("one", 1)
    });
    wait_for("the failure to be told", LIMIT, || status() == "pending");
    case.change("one", |model| model.machines.remove(&1));
    wait_for("nobody to want it", LIMIT, || trying.is_finished());
    full.has_room.store(true, Ordering::Relaxed);
    case.change("one", |model| model.add_machine(model.machines[&0].base.clone(), String::new(), true));
    case.controller.wake();
    let machine = ("one".to_owned(), "machine 2".to_owned());
    wait_for("the machine", LIMIT, || case.controller.place(&machine).is_some());
    case.controller.end();
}

/// Adds a model on Kubernetes with units of `web`.
fn add_pods(case: &Case, count: u32) {
    let mut model = ModelData::new("pods".to_owned(), "pods", "c", "k8s", ModelPlatform::Kubernetes);
    add_web(&mut model);
    for _ in 0..count {
        let unit = model.add_unit(&"web".into(), None, None).unwrap();
        model.units.get_mut(&unit).unwrap().is_up = true;
    }
    case.controller.change(|held| held.add_model(model));
}

/// Changes the charm of the application on Kubernetes.
fn refresh_pods(case: &Case) {
    case.change("pods", |model| {
        let application = model.applications.get_mut("web").unwrap();
        application.charm.digest = "new".to_owned();
        application.charm_modified += 1;
        model.poke(&Target::Application("web".into()), &Stimulus::Refresh { forced: false }).unwrap();
    });
}

#[test]
fn another_charm_comes_with_another_pod() {
    let (case, unit) = (Case::new(), Name::from("web/0"));
    add_pods(&case, 1);
    let home: Arc<dyn Host> = Arc::new(Nowhere);
    let next = || match uniter::next(&case.controller, "pods", &unit, &home) {
        uniter::Work::Hook(hook) => {
            case.change("pods", |model| model.end_hook(&unit, Outcome::Ok)).unwrap();
            hook.name()
        }
        uniter::Work::AnotherPod => "another pod".to_owned(),
        uniter::Work::ComeBack | uniter::Work::Gone | uniter::Work::End => "something else".to_owned(),
    };
    while next() != "start" {}
    let folder = provision::pod_folder(&case.controller, "pods", &unit);
    for part in ["juju/agents/unit-web-0/charm", "root/upper", "roots/a", "containers/a", "storage/data-0"] {
        fs_err::create_dir_all(folder.join(part)).unwrap();
    }
    refresh_pods(&case);
    assert_eq!([next(), next()], ["stop", "another pod"]);
    provision::end_pod(&case.controller, "pods", &unit);
    let left: Vec<String> =
        folder.read_dir_utf8().unwrap().map(|entry| entry.unwrap().file_name().to_owned()).collect();
    assert_eq!(left, ["storage"]);
    case.change("pods", |model| {
        assert_eq!(model.units[&unit].charm_digest, "new");
        model.come_back(&unit);
    });
    assert_eq!([next(), next(), next()], ["upgrade-charm", "config-changed", "start"]);
}

#[test]
fn pods_are_replaced_one_after_the_other_from_the_last() {
    let case = Case::new();
    add_pods(&case, 3);
    let wanted = || {
        let wants = |model: &ModelData, unit: &Name| model.wants_another_pod(unit);
        case.controller.look(|held| {
            let model = held.model("pods").unwrap();
            model.units.keys().filter(|unit| wants(model, unit)).cloned().collect::<Vec<_>>()
        })
    };
    assert!(wanted().is_empty());
    refresh_pods(&case);
    for unit in ["web/2", "web/1", "web/0"] {
        assert_eq!(wanted(), [Name::from(unit)]);
        case.change("pods", |model| model.poke(&Target::Unit(unit.into()), &Stimulus::PodLost)).unwrap();
        provision::end_pod(&case.controller, "pods", &unit.into());
        // Not before its agent is there.
        assert!(wanted().is_empty());
        case.change("pods", |model| model.come_back(&unit.into()));
    }
    assert!(wanted().is_empty());
}

#[test]
fn a_container_that_is_just_started_ends_with_its_pod() {
    let (case, unit) = (Case::new(), Name::from("web/0"));
    add_pods(&case, 1);
    let pod = case.controller.pod("pods", &unit);
    let making = super::lock(&pod);
    let losing = thread::spawn({
        let (controller, unit) = (Arc::clone(&case.controller), unit.clone());
        move || uniter::lose_place(&controller, "pods", &unit)
    });
    let is_told = || case.controller.look(|held| !held.log_lines("pods", 0).unwrap().is_empty());
    wait_for("the unit to notice", LIMIT, is_told);
    case.controller.set_place(("pods".to_owned(), "web/0 side".to_owned()), Arc::new(Nowhere));
    drop(making);
    losing.join().unwrap();
    assert!(case.controller.places_of("pods").is_empty());
}

#[test]
fn a_name_can_be_used_again_while_the_unit_before_is_leaving() {
    let (case, unit) = (Case::new(), Name::from("web/0"));
    let (go, told) = std::sync::mpsc::channel::<()>();
    let leaving = thread::spawn(move || assert!(told.recv().is_err()));
    let key = ("one".to_owned(), unit.clone());
    let first = leaving.thread().id();
    super::lock(&case.controller.threads).insert(key.clone(), leaving);
    uniter::leave(&case.controller, "one", &unit);
    case.change("one", |model| {
        model.applications.get_mut("web").unwrap().next_unit = 0;
        assert_eq!(model.add_unit(&"web".into(), None, None).unwrap(), unit);
    });
    case.controller.start_units();
    assert_ne!(super::lock(&case.controller.threads)[&key].thread().id(), first);
    drop(go);
    case.controller.end();
}

#[test]
fn units_are_counted_on_machines_and_pods_from_zero() {
    let check = |platform: ModelPlatform, expected: [&str; 2]| {
        let mut model = ModelData::new("m".to_owned(), "m", "c", "cloud", platform);
        add_web(&mut model);
        let add = |model: &mut ModelData| model.add_unit(&"web".into(), None, None).unwrap();
        let units = [add(&mut model), add(&mut model), add(&mut model)];
        assert_eq!(units.each_ref().map(Name::as_str), ["web/0", "web/1", "web/2"]);
        model.remove_unit(&units[2], true).unwrap();
        model.forget_unit(&units[2]);
        let third = add(&mut model);
        model.remove_application(&"web".into(), true).unwrap();
        for unit in [&units[0], &units[1], &third] {
            model.forget_unit(unit);
        }
        add_web(&mut model);
        assert_eq!([third.as_str(), add(&mut model).as_str()], expected);
    };
    check(ModelPlatform::Machine, ["web/3", "web/4"]);
    check(ModelPlatform::Kubernetes, ["web/2", "web/0"]);
}

#[test]
fn a_unit_that_goes_is_counted_once() {
    let mut model = model("one");
    let unit = model.add_unit(&"web".into(), None, None).unwrap();
    for _ in 0..2 {
        model.remove_unit(&unit, false).unwrap();
        assert_eq!(model.applications["web"].scale, 1);
    }
}

#[test]
fn a_task_of_a_machine_that_nobody_runs_has_failed() {
    let mut model = model("one");
    let operation = model.add_operation("exec");
    let task = model.add_machine_task(operation, "0", TaskKind::Exec { commands: "true".to_owned() });
    model.all_come_back();
    assert_eq!(model.tasks[&task].status, TaskStatus::Failed);
}

#[test]
fn a_unit_has_the_address_of_its_machine_or_none() {
    let mut model = model("one");
    let shown = |model: &ModelData, unit: &str| {
        let view = crate::commands::shown_status(model, &Times::Utc);
        view.applications["web"].units[unit].public_address.clone()
    };
    assert_eq!(shown(&model, "web/0"), "");
    let machine = model.machines.get_mut(&0).unwrap();
    (machine.status, machine.address) = ("started".to_owned(), Some("10.234.4.2".to_owned()));
    // Another one that comes to it has not been told its address yet.
    model.add_unit(&"web".into(), Some(0), None).unwrap();
    assert_eq!(shown(&model, "web/1"), "10.234.4.2");
}

/// Lets a unit run its next hook, and says how that ended.
fn run_a_hook(model: &mut ModelData, unit: &Name, outcome: Outcome) -> String {
    let event = ModelEvent::Resolve { unit: unit.clone(), choice: 0 };
    model.lifecycle.step(event).unwrap();
    let name = model.lifecycle.units().get(unit).unwrap().running().unwrap().name();
    model.set_agent(unit, AgentStatus::Executing, &format!("running {name} hook"));
    model.end_hook(unit, outcome).unwrap();
    name
}

#[test]
fn a_hook_that_failed_is_an_error_since_then() {
    let (mut model, unit) = (model("one"), Name::from("web/0"));
    model.units.get_mut(&unit).unwrap().is_up = true;
    let shown = |model: &ModelData| {
        let view =
            crate::commands::shown_status(model, &Times::Utc).applications["web"].units["web/0"].clone();
        let status =
            |status: &StatusInfo| format!("{} {}", status.current, status.message).trim_end().to_owned();
        [status(&view.workload_status), status(&view.juju_status)]
    };
    let name = run_a_hook(&mut model, &unit, Outcome::Failed);
    let executing = format!("executing running {name} hook");
    assert_eq!(shown(&model), ["waiting waiting for machine", &executing]);
    let before = Timestamp::now();
    assert!(model.set_agent_at_rest(&unit) && !model.set_agent_at_rest(&unit));
    model.note_status(&unit);
    assert_eq!(shown(&model), [format!("error hook failed: \"{name}\"").as_str(), "idle"]);
    let error = crate::commands::workload_status(&model, &unit).unwrap();
    assert!(error.since >= before && error.since == model.units[&unit].agent_since);
    // What is remembered is an error of the agent, once, and nothing new of the workload.
    let history = &model.units[&unit].history;
    let of = |is_agent: bool| {
        let own = history.iter().filter(|entry| entry.is_agent == is_agent);
        own.map(|entry| entry.status.as_str()).collect::<Vec<_>>()
    };
    assert_eq!((of(true), of(false)), (vec!["allocating", "executing", "error"], vec!["waiting"]));
    // While it is tried again, the workload is as it was.
    model.poke(&Target::Unit(unit.clone()), &Stimulus::Retry).unwrap();
    run_a_hook(&mut model, &unit, Outcome::Ok);
    assert_eq!(shown(&model), ["waiting waiting for machine", &executing]);
    model.set_agent_at_rest(&unit);
    assert_eq!(model.units[&unit].agent, AgentStatus::Idle);
}

#[test]
fn a_unit_that_cannot_be_placed_does_not_lead() {
    let mut model = model("one");
    let other = model.add_unit(&"web".into(), Some(0), None).unwrap();
    let leaders = |model: &ModelData| {
        let view = crate::commands::shown_status(model, &Times::Utc).applications["web"].units.clone();
        view.into_iter().filter(|(_, unit)| unit.leader).map(|(name, _)| name).collect::<Vec<_>>()
    };
    // Nobody has come up, so nobody has asked for it.
    model.pass_leadership_on(&"web/0".into());
    assert_eq!(leaders(&model), Vec::<String>::new());
    model.units.get_mut(&other).unwrap().is_up = true;
    model.pass_leadership_on(&"web/0".into());
    assert_eq!(leaders(&model), ["web/1"]);
    // The one that has it keeps it.
    model.units.get_mut("web/0").unwrap().is_up = true;
    model.pass_leadership_on(&"web/0".into());
    assert_eq!(leaders(&model), ["web/1"]);
}

#[test]
fn an_offer_goes_with_its_application() {
    let mut model = model("one");
    model.remove_application(&"web".into(), true).unwrap();
    let offer = OfferData {
        application: "web".into(),
        endpoints: BTreeMap::new(),
        users: BTreeMap::new(),
        since: Timestamp::now(),
    };
    model.offers.insert("late".to_owned(), offer);
    model.forget_unit(&"web/0".into());
    assert!(model.applications.is_empty() && model.offers.is_empty());
}
