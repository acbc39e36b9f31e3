//! The libraries with which charms manage packages, services and snaps, run against the
//! stand-ins: as the package index has them, started by a Python of their own, through the
//! program that stands in.

#![expect(clippy::unwrap_used, reason = "a helper that cannot go on fails its test")]

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::process::{Command, Output};
use std::sync::{Arc, Mutex};

use camino::{Utf8Path, Utf8PathBuf};
use charmproof_agent::protocol::{read_frame, write_frame};
use charmproof_agent::standins::{Act, Machine, Rules, StandInCall, answer, names, snapd};
use charmproof_agent::tool_client::install_stand_ins;
use charmproof_fleet::provision::pythons;
use charmproof_fleet::provision::tools::Tools;
use charmproof_pack::environment::{CharmEnvironment, EnvironmentContext, MakingSettings, provide};
use charmproof_sandbox::{CancelToken, Launcher};

const LAUNCHER: &str = env!("CARGO_BIN_EXE_charmproof-fuzz-launch");

/// A machine that answers on two sockets, with stand-ins in a folder.
struct Unit {
    folder: tempfile::TempDir,
    machine: Arc<Mutex<Machine>>,
}

impl Unit {
    fn new(rules: &str, performs_acts: bool) -> Self {
        let rules = Arc::new(Rules::parse(Utf8Path::new("rules.toml"), rules).unwrap());
        let unit = Self {
            folder: tempfile::tempdir().unwrap(),
            machine: Arc::new(Mutex::new(Machine::new("24.04"))),
        };
        let names = names(&rules);
        install_stand_ins(&unit.path("bin"), names.iter().map(String::as_str)).unwrap();
        let agent = UnixListener::bind(unit.path("agent")).unwrap();
        let (machine, known) = (Arc::clone(&unit.machine), Arc::clone(&rules));
        std::thread::spawn(move || {
            for mut stream in agent.incoming().map_while(Result::ok) {
                let Ok(Some(payload)) = read_frame(&mut stream) else { continue };
                let call = StandInCall::decode(&payload).unwrap();
                let mut reply = answer(&mut machine.lock().unwrap(), &known, &call);
                if !performs_acts {
                    // This host is no unit of its own.
                    reply.acts.clear();
                }
                write_frame(&mut stream, &reply.encode()).unwrap();
            }
        });
        let listener = UnixListener::bind(unit.path("snapd")).unwrap();
        let machine = Arc::clone(&unit.machine);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                serve(stream, &machine, &rules);
            }
        });
        unit
    }

    fn path(&self, name: &str) -> Utf8PathBuf {
        Utf8Path::from_path(self.folder.path()).unwrap().join(name)
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.env("PATH", format!("{}:/usr/bin:/bin", self.path("bin")));
        command.env("JUJU_AGENT_SOCKET_ADDRESS", self.path("agent"));
        command.env("SNAPD_SOCKET", self.path("snapd"));
        command
    }

    fn run(&self, line: &str) -> Output {
        let mut words = line.split(' ');
        let program = self.path("bin").join(words.next().unwrap());
        self.command(program.as_str()).args(words).output().unwrap()
    }

    /// What a program in Python prints.
    fn python(&self, environment: &CharmEnvironment, program: &str) -> String {
        let output = self.command(environment.python.as_str()).args(["-c", program]).output().unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{errors}");
        String::from_utf8(output.stdout).unwrap()
    }
}

/// Answers one request of HTTP, as whoever listens on snapd's socket has to.
fn serve(mut stream: UnixStream, machine: &Mutex<Machine>, rules: &Rules) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut line = String::new();
    reader.read_line(&mut line).unwrap();
    let mut words = line.split(' ').map(str::to_owned);
    let (method, target) = (words.next().unwrap(), words.next().unwrap_or_default());
    let mut length = 0;
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).unwrap();
        match header.trim().split_once(':') {
            Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                length = value.trim().parse().unwrap();
            }
            Some(_) => {}
            None => break,
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    let request = snapd::Request { method: &method, target: &target, body: &body };
    let response = snapd::answer(&mut machine.lock().unwrap(), rules, &request);
    let body = response.body.to_string();
    let head = format!(
        "HTTP/1.1 {} X\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        response.status,
        body.len()
    );
    stream.write_all((head + &body).as_bytes()).unwrap();
}

/// An environment with some packages of the index.
fn environment(requirements: &[&str]) -> CharmEnvironment {
    let shared = Utf8Path::new(env!("CARGO_TARGET_TMPDIR"));
    let cache = shared.join("environments-cache");
    fs_err::create_dir_all(cache.join("work")).unwrap();
    let charm = tempfile::tempdir_in(shared).unwrap();
    let folder = Utf8Path::from_path(charm.path()).unwrap();
    fs_err::write(folder.join("charmcraft.yaml"), "name: a\nbase: ubuntu@24.04\nplatforms: {amd64: }\n")
        .unwrap();
    fs_err::write(folder.join("requirements.txt"), format!("ops\n{}\n", requirements.join("\n"))).unwrap();
    let variables: BTreeMap<String, String> = std::env::vars().collect();
    let places = pythons::Places {
        search_path: variables["PATH"].clone(),
        home: variables["HOME"].clone().into(),
        pyenv_root: variables.get("PYENV_ROOT").map(Utf8PathBuf::from),
    };
    let context = EnvironmentContext {
        cache: &cache,
        tools: &Tools::new(&cache, &variables["PATH"]),
        pythons: &pythons::find(&places, &cache.join("pythons.json")),
        launcher: &Launcher::new(LAUNCHER.into(), Vec::new()),
        cancel: &CancelToken::new().unwrap(),
        variables: &variables,
        home: Utf8Path::new("/nonexistent"),
        search_path: "/usr/bin:/bin",
        settings: MakingSettings::default(),
    };
    provide(&context, folder, &[]).unwrap()
}

#[test]
fn packages_and_services_through_their_libraries() {
    let environment = environment(&["charmlibs-apt==1.0.0.post1", "charmlibs-systemd==1.0.0.post0"]);
    let unit = Unit::new("[[package]]\nname = \"gone\"\navailable = false\n", false);
    let said = unit.python(
        &environment,
        "
from charmlibs import apt, systemd
apt.update()
package = apt.add_package('nginx', update_cache=True)
print(package.name, package.present)
print(apt.DebianPackage.from_installed_package('nginx').fullversion)
try:
    apt.add_package('gone')
except apt.Error as error:
    print(type(error).__name__)
print(systemd.service_running('nginx'), systemd.service_running('worker'))
systemd.service_pause('nginx')
print(systemd.service_running('nginx'))
systemd.service_resume('nginx')
print(systemd.service_running('nginx'), systemd.service_failed('nginx'))
try:
    systemd.service_restart('worker')
except systemd.SystemdError as error:
    print('Unit worker.service not found' in str(error))
apt.remove_package('nginx')
try:
    apt.DebianPackage.from_installed_package('nginx')
except apt.PackageNotFoundError:
    print('gone again')
",
    );
    let expected =
        "nginx True\n1.0.0-1.amd64\nPackageError\nTrue False\nFalse\nTrue False\nTrue\ngone again\n";
    assert_eq!(said, expected);
    assert!(unit.machine.lock().unwrap().is_as_it_was());
}

#[test]
fn snaps_through_the_library_that_calls_the_program() {
    let environment = environment(&["charmlibs-snap<2"]);
    let unit = Unit::new("[[snap]]\nname = \"gone\"\navailable = false\n", false);
    let said = unit.python(
        &environment,
        "
import os
from charmlibs import snap
module = __import__('sys').modules[snap.SnapClient.__module__]
opener = snap.SnapClient._get_default_opener.__func__
snap.SnapClient._get_default_opener = classmethod(lambda cls, path: opener(cls, os.environ['SNAPD_SOCKET']))
snap.SnapCache.snapd_installed = True
cache = snap.SnapCache()
etcd = cache['etcd']
print(etcd.present)
etcd.ensure(snap.SnapState.Latest, channel='3.4/edge', classic=True)
print(etcd.present, sorted(etcd.services))
etcd.set({'a.b': 1}, typed=True)
print(etcd.get('a.b', typed=True), etcd.get('a.b'))
etcd.hold()
print(etcd.held)
etcd.stop(disable=True)
print(etcd.services['etcd']['active'])
etcd.connect('home')
print(snap.SnapCache()['etcd'].channel, snap.SnapCache()['etcd'].confinement)
try:
    cache['gone']
except snap.SnapNotFoundError:
    print('not found')
try:
    etcd.unset('nothing'); etcd.get('nothing')
except snap.SnapError:
    print('no such key')
etcd.ensure(snap.SnapState.Absent)
print(etcd.present)
",
    );
    let expected =
        "False\nTrue ['etcd']\n1 1\nTrue\nFalse\n3.4/edge classic\nnot found\nno such key\nFalse\n";
    assert_eq!(said, expected);
    assert!(unit.machine.lock().unwrap().is_as_it_was());
}

#[test]
fn snaps_through_the_library_that_asks_snapd() {
    let environment = environment(&["charmlibs-snap==2.0.0"]);
    let unit = Unit::new(
        "[[snap]]\nname = \"gone\"\navailable = false\n[[snap]]\nname = \"wild\"\nconfinement = \"classic\"\n",
        false,
    );
    let said = unit.python(
        &environment,
        "
import os
from charmlibs import snap
from charmlibs.snap import _client
_client._SOCKET_PATH = os.environ['SNAPD_SOCKET']
def refused(call, *arguments, **options):
    try:
        call(*arguments, **options)
    except snap.Error as error:
        print(type(error).__name__)
refused(snap.list_one, 'etcd')
print(snap.install('etcd', '3.4/stable'), snap.install('etcd'))
refused(snap.install, 'gone')
refused(snap.install, 'wild')
snap.install('wild', classic=True)
print(snap.list_one('wild').classic)
print(snap.refresh('etcd'), snap.refresh('etcd', 'edge'), snap.list_one('etcd').tracking)
snap.set('etcd', {'a.b': [1, 2]})
print(snap.get('etcd', 'a.b'), snap.get('etcd'))
refused(snap.get_one, 'etcd', 'nothing')
refused(snap.set, 'other', {'a': 1})
snap.hold('etcd')
print(snap.list_one('etcd').hold is not None)
snap.unhold('etcd')
print(snap.list_one('etcd').hold)
snap.restart('etcd')
refused(snap.restart, 'other')
snap.connect(('etcd', 'home'))
snap.disconnect(('etcd', 'home'))
snap.alias('etcd', 'ctl', 'etcdctl')
snap.unalias('etcdctl')
print(snap.remove('etcd'), snap.remove('etcd'), snap.remove('wild'))
",
    );
    let expected = "NotInstalledError\nTrue False\nNotInStoreError\nNeedsClassicError\nTrue\nFalse True 3.4/edge\n\
        {'a.b': [1, 2]} {'a': {'b': [1, 2]}}\nOptionNotFoundError\nNotInstalledError\nTrue\nNone\n\
        NotInstalledError\nTrue False True\n";
    assert_eq!(said, expected);
    assert!(unit.machine.lock().unwrap().is_as_it_was());
}

#[test]
fn the_program_does_what_the_agent_says() {
    let place = tempfile::tempdir().unwrap();
    let root = Utf8Path::from_path(place.path()).unwrap();
    let rules = format!(
        "[[package]]\nname = \"tool\"\nversion = \"1\"\nprograms = [\"{root}/bin/tool\"]\nservices = []\n\
         files = {{ \"{root}/etc/tool.conf\" = \"x\" }}\n\
         [[exec]]\ncommand = \"tool run *\"\ndaemon = true\npid_file = \"{root}/run/tool.pid\"\nstdout = \"up\\n\"\n"
    );
    let unit = Unit::new(&rules, true);
    assert!(unit.run("apt-get install -y tool").status.success());
    assert_eq!(fs_err::read_to_string(root.join("etc/tool.conf")).unwrap(), "x");
    let output = unit.command(root.join("bin/tool").as_str()).args(["run", "fast"]).output().unwrap();
    assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(0), b"up\n".as_slice()));

    let number = fs_err::read_to_string(root.join("run/tool.pid")).unwrap();
    let process = Utf8PathBuf::from(format!("/proc/{}", number.trim()));
    // The name is the process's own doing, shortly after it began.
    let name = || fs_err::read_to_string(process.join("comm")).unwrap_or_default();
    let limit = std::time::Duration::from_secs(10);
    charmproof_testkit::wait_for("the daemon has its name", limit, || name() == "tool\n");
    assert_eq!(fs_err::read(process.join("cmdline")).unwrap(), b"tool\0run\0fast\0");
    let send = |signal: &str| Command::new("kill").args([signal, number.trim()]).status().unwrap();
    assert!(send("-USR1").success() && send("-HUP").success());
    assert_eq!(name(), "tool\n");
    assert!(send("-TERM").success());

    let output = unit.run("apt-get remove -y tool");
    assert!(output.status.success());
    assert!(!root.join("bin/tool").exists() && !root.join("etc/tool.conf").exists());
    let output = unit.run("systemctl start nothing");
    assert_eq!(output.status.code(), Some(5));
    assert_eq!(output.stderr, b"Failed to start nothing.service: Unit nothing.service not found.\n");
}

#[test]
fn a_program_that_is_really_there_is_left_to_be_found() {
    let unit = Unit::new("", false);
    let acts = |line: &str| {
        let words: Vec<&str> = line.split(' ').collect();
        answer(&mut Machine::new("24.04"), &Rules::default(), &StandInCall::of(&words)).acts
    };
    let expected = Act::Program { path: "/usr/bin/git".into(), is_assumed: true };
    assert_eq!(acts("apt-get install git"), [expected]);
    assert_eq!(unit.run("dpkg --print-architecture").stdout, b"amd64\n");
}
