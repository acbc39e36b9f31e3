//! Tests of the manager: what is started, in which order, and what becomes of it.

use std::cell::RefCell;

use super::*;
use crate::services::service::status::ExitStatus;
use crate::services::specifiers::Identity;
use crate::services::text;

/// Units in memory.
#[derive(Default)]
struct Files(RefCell<BTreeMap<String, String>>);

impl Shelf for Files {
    fn load(&self, name: &UnitName) -> Unit {
        let identity = Identity {
            host_name: String::new(),
            machine_id: String::new(),
            boot_id: String::new(),
            kernel: String::new(),
        };
        match self.0.borrow().get(name.as_str()) {
            Some(text) => Unit::read(name, &text::parse(text), &identity),
            None => Unit::absent(name, LoadState::NotFound),
        }
    }

    fn unmet(&self, conditions: &[Condition]) -> Option<Condition> {
        conditions.iter().find(|condition| condition.value == "/none").cloned()
    }

    fn is_outdated(&self, _unit: &Unit) -> bool {
        false
    }

    fn generate(&self) {}
}

/// A manager whose processes exist on paper.
struct Play {
    manager: Manager<Files>,
    now: Timestamp,
    next_pid: i32,
    pids: BTreeMap<String, i32>,
    /// What was done, in words.
    did: Vec<String>,
}

fn name(text: &str) -> UnitName {
    UnitName::parse(text).unwrap()
}

fn play(files: &[(&str, &str)]) -> Play {
    let files = files.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
    let now = Timestamp::from_second(1_000_000).unwrap();
    let manager = Manager::new(Files(RefCell::new(files)), now);
    Play { manager, now, next_pid: 0, pids: BTreeMap::new(), did: Vec::new() }
}

impl Play {
    /// Lets the processes on paper do what is asked of them: they start, and die of any signal.
    fn work(&mut self) {
        loop {
            let actions = self.manager.take_actions();
            if actions.is_empty() {
                return;
            }
            for action in actions {
                match action {
                    Action::Service(unit, Effect::Run { slot, phase, command, .. }) => {
                        self.next_pid += 1;
                        let pid = self.next_pid;
                        self.pids.insert(unit.to_string(), pid);
                        self.did.push(format!("run {} {}", unit.stem(), command.shown()));
                        self.manager.note_process(&unit, slot, phase, command, pid);
                        let event = Event::Spawned { slot, pid, is_executed: true };
                        self.manager.event(&unit, event, self.now);
                    }
                    Action::Service(unit, Effect::Signal { .. }) => {
                        self.did.push(format!("kill {}", unit.stem()));
                        self.end(unit.as_str(), ExitStatus::Signal { number: 15, dumped_core: false });
                    }
                    Action::Service(..) | Action::Log(..) => {}
                    Action::OpenSockets(unit, _) => self.did.push(format!("open {unit}")),
                    Action::CloseSockets(unit, _) => self.did.push(format!("close {unit}")),
                }
            }
        }
    }

    fn end(&mut self, unit: &str, status: ExitStatus) {
        let pid = self.pids.get(unit).copied().unwrap_or(0);
        self.manager.event(&name(unit), Event::Ended { pid, status }, self.now);
        self.manager.event(&name(unit), Event::Empty, self.now);
        self.work();
    }

    fn exit(&mut self, unit: &str, code: i32) {
        self.end(unit, ExitStatus::Code(code));
    }

    fn request(&mut self, kind: JobKind, unit: &str) -> Result<JobId, RequestError> {
        let id = self.manager.request(kind, &name(unit), self.now);
        self.work();
        id
    }

    fn result(&self, id: JobId) -> Option<JobResult> {
        self.manager.result(id).map(|(_, _, result)| *result)
    }

    fn pass(&mut self, seconds: i64) {
        self.now += SignedDuration::from_secs(seconds);
        self.manager.tick(self.now);
        self.work();
    }

    fn active(&mut self, unit: &str) -> &'static str {
        self.manager.load(&name(unit)).active()
    }

    /// What was run since it was asked last.
    fn runs(&mut self) -> Vec<String> {
        let mut did = self.did();
        did.retain(|line| line.starts_with("run"));
        did
    }

    fn did(&mut self) -> Vec<String> {
        std::mem::take(&mut self.did)
    }
}

fn service(lines: &str) -> String {
    format!("[Unit]\n{lines}\n[Service]\nExecStart=/bin/x\n")
}

#[test]
fn what_is_needed_starts_before() {
    let (web, db) = (service("Requires=db.service\nAfter=db.service\nWants=none.service"), service(""));
    let mut play = play(&[("web.service", &web), ("db.service", &db)]);
    let id = play.request(JobKind::Start, "web.service").unwrap();
    assert_eq!(play.did(), ["run db /bin/x", "run web /bin/x"]);
    assert_eq!(play.result(id), Some(JobResult::Done));
    play.request(JobKind::Stop, "db.service").unwrap();
    assert_eq!(play.did(), ["kill web", "kill web", "kill db", "kill db"]);
    assert_eq!((play.active("web.service"), play.active("db.service")), ("inactive", "inactive"));
}

#[test]
fn a_need_that_is_not_met_fails_the_start() {
    let web = service("Requires=db.service\nAfter=db.service");
    let db = "[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/bin/db\n";
    let mut play = play(&[
        ("web.service", &web),
        ("db.service", db),
        ("lone.service", &service("Requires=none.service")),
    ]);
    let id = play.request(JobKind::Start, "web.service").unwrap();
    assert_eq!(play.result(id), None);
    play.exit("db.service", 1);
    assert_eq!(play.result(id), Some(JobResult::Dependency));
    assert_eq!(play.runs(), ["run db /bin/db"]);
    let error = play.request(JobKind::Start, "lone.service").unwrap_err();
    assert_eq!(error.to_string(), "Unit none.service not found.");
}

#[test]
fn rivals_make_room() {
    let mut play = play(&[("a.service", &service("Conflicts=b.service")), ("b.service", &service(""))]);
    play.request(JobKind::Start, "b.service").unwrap();
    play.request(JobKind::Start, "a.service").unwrap();
    assert_eq!((play.active("a.service"), play.active("b.service")), ("active", "inactive"));
    play.request(JobKind::Start, "b.service").unwrap();
    assert_eq!((play.active("a.service"), play.active("b.service")), ("inactive", "active"));
}

#[test]
fn what_belongs_to_a_unit_goes_and_comes_with_it() {
    let mut play = play(&[("a.service", &service("")), ("b.service", &service("PartOf=a.service"))]);
    play.request(JobKind::Start, "a.service").unwrap();
    play.request(JobKind::Start, "b.service").unwrap();
    play.did();
    play.request(JobKind::Restart, "a.service").unwrap();
    let did = play.did();
    assert_eq!(did.iter().filter(|line| line.starts_with("run")).count(), 2, "{did:?}");
    assert_eq!((play.active("a.service"), play.active("b.service")), ("active", "active"));
}

#[test]
fn bound_units_end_with_each_other() {
    let mut play =
        play(&[("a.service", &service("")), ("b.service", &service("BindsTo=a.service\nAfter=a.service"))]);
    play.request(JobKind::Start, "b.service").unwrap();
    play.exit("a.service", 0);
    assert_eq!((play.active("a.service"), play.active("b.service")), ("inactive", "inactive"));
}

#[test]
fn too_many_starts_are_refused_until_time_passes() {
    let mut play = play(&[("a.service", &service("StartLimitIntervalSec=10\nStartLimitBurst=2"))]);
    play.request(JobKind::Start, "a.service").unwrap();
    play.exit("a.service", 1);
    play.request(JobKind::Start, "a.service").unwrap();
    play.exit("a.service", 1);
    let id = play.request(JobKind::Start, "a.service").unwrap();
    assert_eq!((play.result(id), play.active("a.service")), (Some(JobResult::Failed), "failed"));
    play.pass(11);
    play.request(JobKind::Start, "a.service").unwrap();
    assert_eq!(play.active("a.service"), "active");
}

#[test]
fn a_service_that_keeps_failing_is_given_up() {
    let text = "[Service]\nExecStart=/bin/x\nRestart=on-failure\nRestartSec=1\n";
    let mut play = play(&[("a.service", text)]);
    play.request(JobKind::Start, "a.service").unwrap();
    for _ in 0..8 {
        play.exit("a.service", 1);
        play.pass(1);
    }
    assert_eq!(play.active("a.service"), "failed");
    let service = play.manager.entry(&name("a.service")).unwrap().service().unwrap().clone();
    assert_eq!((service.restarts, service.outcome), (5, Outcome::ExitCode));
    assert!(play.manager.reset_failed(&name("a.service"), play.now));
    play.request(JobKind::Start, "a.service").unwrap();
    assert_eq!(play.active("a.service"), "active");
}

#[test]
fn a_condition_skips_and_an_assertion_fails() {
    let mut play = play(&[
        ("a.service", &service("ConditionPathExists=/none")),
        ("b.service", &service("AssertPathExists=/none")),
    ]);
    let (a, b) = (
        play.request(JobKind::Start, "a.service").unwrap(),
        play.request(JobKind::Start, "b.service").unwrap(),
    );
    assert_eq!((play.result(a), play.result(b)), (Some(JobResult::Done), Some(JobResult::Assert)));
    assert_eq!(play.did(), [""; 0]);
}

#[test]
fn a_unit_that_is_read_once_stays_until_it_is_reloaded() {
    let wanted = "[Unit]\nWants=a.service\n";
    let mut play = play(&[("multi-user.target", wanted), ("a.service", &service("Description=old"))]);
    play.manager.boot(play.now);
    play.work();
    let description = |play: &mut Play| play.manager.load(&name("a.service")).unit.description.clone();
    play.manager.shelf.0.borrow_mut().insert("a.service".to_owned(), service("Description=new"));
    assert_eq!(description(&mut play), "old");
    play.request(JobKind::Stop, "a.service").unwrap();
    assert_eq!(description(&mut play), "old");
    play.manager.daemon_reload();
    assert_eq!(description(&mut play), "new");
    // What nobody uses is read anew each time.
    play.manager.shelf.0.borrow_mut().insert("b.service".to_owned(), service("Description=one"));
    play.manager.load(&name("b.service"));
    play.manager.shelf.0.borrow_mut().insert("b.service".to_owned(), service("Description=two"));
    assert_eq!(play.manager.load(&name("b.service")).unit.description, "two");
}

#[test]
fn the_machine_starts_what_is_enabled_and_stops_it_in_reverse() {
    let target = "[Unit]\nWants=b.service a.service getty@tty1.service apt-daily.timer\n";
    let mut play = play(&[
        ("multi-user.target", target),
        ("a.service", &service("")),
        ("b.service", &service("After=a.service")),
        ("getty@tty1.service", &service("")),
        ("apt-daily.timer", "[Timer]\nOnCalendar=daily\n"),
    ]);
    play.manager.boot(play.now);
    play.work();
    assert_eq!(play.did(), ["run a /bin/x", "run b /bin/x"]);
    play.manager.shut_down(play.now);
    play.work();
    let did = play.did();
    let first = |unit: &str| did.iter().position(|line| line == &format!("kill {unit}"));
    assert!(first("b") < first("a"), "{did:?}");
    assert!(play.manager.is_down());
}

#[test]
fn a_timer_starts_its_unit_again_and_again() {
    let mut play = play(&[
        ("tick.timer", "[Timer]\nOnActiveSec=5\nOnUnitActiveSec=60\n"),
        ("tick.service", "[Service]\nType=oneshot\nExecStart=/bin/tick\n"),
    ]);
    play.request(JobKind::Start, "tick.timer").unwrap();
    play.pass(4);
    assert_eq!(play.runs(), [""; 0]);
    play.pass(1);
    assert_eq!(play.runs(), ["run tick /bin/tick"]);
    play.exit("tick.service", 0);
    play.pass(59);
    assert_eq!(play.runs(), [""; 0]);
    play.pass(1);
    assert_eq!(play.runs(), ["run tick /bin/tick"]);
    play.request(JobKind::Stop, "tick.timer").unwrap();
    assert_eq!(play.manager.deadline().filter(|_| play.active("tick.service") == "inactive"), None);
}

#[test]
fn a_socket_starts_its_service() {
    let mut play = play(&[("web.socket", "[Socket]\nListenStream=80\n"), ("web.service", &service(""))]);
    play.request(JobKind::Start, "web.socket").unwrap();
    assert_eq!(play.did(), ["open web.socket"]);
    play.manager.socket_ready(&name("web.socket"), play.now);
    play.work();
    assert_eq!((play.did(), play.active("web.service")), (vec!["run web /bin/x".to_owned()], "active"));
}

#[test]
fn a_circle_in_the_order_is_broken() {
    let mut play = play(&[
        ("a.service", &service("Wants=b.service\nAfter=b.service")),
        ("b.service", &service("Wants=c.service\nAfter=c.service")),
        ("c.service", &service("Wants=a.service\nAfter=a.service")),
    ]);
    let id = play.request(JobKind::Start, "a.service").unwrap();
    assert_eq!(play.result(id), Some(JobResult::Done));
    assert_eq!(play.did().len(), 3);
}

#[test]
fn a_failure_calls_for_help() {
    let mut play = play(&[("a.service", &service("OnFailure=help.service")), ("help.service", &service(""))]);
    play.request(JobKind::Start, "a.service").unwrap();
    play.exit("a.service", 1);
    assert_eq!(play.active("help.service"), "active");
}

#[test]
fn what_cannot_be_is_refused_in_systemds_words() {
    let mut play = play(&[
        ("a.service", &service("RefuseManualStart=yes")),
        ("b.service", "[Service]\n"),
        ("c.service", &service("")),
    ]);
    let mut refused = |kind, unit: &str| play.request(kind, unit).unwrap_err().to_string();
    assert_eq!(refused(JobKind::Start, "none.service"), "Unit none.service not found.");
    assert_eq!(refused(JobKind::Stop, "none.service"), "Unit none.service not loaded.");
    assert_eq!(refused(JobKind::Start, "b.service"), "Unit b.service has a bad unit file setting.");
    assert_eq!(
        refused(JobKind::Reload, "c.service"),
        "Job type reload is not applicable for unit c.service."
    );
    assert!(
        refused(JobKind::Start, "a.service")
            .starts_with("Operation refused, unit a.service may be requested")
    );
    assert_eq!(refused(JobKind::Start, "w@.service"), "Unit name w@.service is missing the instance name.");
}

#[test]
fn a_start_that_waits_is_taken_back_by_a_stop() {
    let mut play = play(&[("a.service", "[Service]\nType=notify\nExecStart=/bin/a\n")]);
    let start = play.request(JobKind::Start, "a.service").unwrap();
    let stop = play.request(JobKind::Stop, "a.service").unwrap();
    assert_eq!((play.result(start), play.result(stop)), (Some(JobResult::Canceled), Some(JobResult::Done)));
}
