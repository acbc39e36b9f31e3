//! What is printed, how it exits and what is done, as stories on one machine.

use camino::Utf8Path;
use proptest::prelude::*;

use super::*;

const PASSWD: &str = "root:x:0:0:root:/root:/bin/bash\nubuntu:x:1000:1000::/home/ubuntu:/bin/bash\n";
const GROUP: &str = "root:x:0:\nubuntu:x:1000:\nadm:x:4:syslog\n";

/// A machine with files, on which commands are run one after the other.
struct Story {
    machine: Machine,
    rules: Rules,
    files: BTreeMap<String, Vec<u8>>,
}

impl Story {
    fn new(rules: &str) -> Self {
        let files = [("/etc/passwd", PASSWD), ("/etc/group", GROUP)];
        Self {
            machine: Machine::new("24.04"),
            rules: Rules::parse(Utf8Path::new("rules.toml"), rules).unwrap(),
            files: files.map(|(path, text)| (path.to_owned(), text.as_bytes().to_vec())).into(),
        }
    }

    fn run(&mut self, line: &str) -> StandInReply {
        let arguments = line.split(' ').map(|word| word.as_bytes().to_vec()).collect();
        let call = StandInCall { arguments, files: self.files.clone(), ..StandInCall::of(&[]) };
        let reply = answer(&mut self.machine, &self.rules, &call);
        for act in &reply.acts {
            match act {
                Act::WriteFile { path, content, .. } => {
                    self.files.insert(path.to_string(), content.clone());
                }
                Act::Remove { path } => {
                    self.files.remove(path.as_str());
                }
                Act::Program { .. } | Act::Daemon { .. } => {}
            }
        }
        reply
    }

    /// Runs a line, and compares the code and the last line of all that is printed.
    fn check(&mut self, line: &str, code: i32, last: &str) -> &mut Self {
        let reply = self.run(line);
        let printed = [reply.stdout, reply.stderr].concat();
        let printed = String::from_utf8(printed).unwrap();
        let found = printed.trim_end().lines().next_back().unwrap_or("");
        assert_eq!((reply.code, found), (code, last), "{line}");
        self
    }

    fn file(&self, path: &str) -> &str {
        std::str::from_utf8(&self.files[path]).unwrap()
    }
}

fn programs(reply: &StandInReply) -> Vec<(&str, bool)> {
    let program = |act: &Act| match act {
        Act::Program { path, is_assumed } => Some((path.as_str().to_owned(), *is_assumed)),
        Act::WriteFile { .. } | Act::Remove { .. } | Act::Daemon { .. } => None,
    };
    let found: Vec<(String, bool)> = reply.acts.iter().filter_map(program).collect();
    found.into_iter().map(|(path, is_assumed)| (&*path.leak(), is_assumed)).collect()
}

#[test]
fn a_package_comes_and_goes() {
    let mut story = Story::new("");
    story.check("dpkg -s nginx", 1, "Use dpkg --info (= dpkg-deb --info) to examine archive files.");
    story.check("apt-get update", 0, "Reading package lists...");
    let reply = story.run("apt-get -y --option=Dpkg::Options::=--force-confold install nginx=1.24.0-2");
    assert_eq!(programs(&reply), [("/usr/bin/nginx", true)]);
    assert_eq!(
        reply.record.assumed,
        ["package nginx was taken to bring /usr/bin/nginx, unless there is a real one"]
    );
    story
        .check("dpkg -s nginx", 0, "Description: a package")
        .check("dpkg-query -W -f=${Status}-${Version} nginx", 0, "install ok installed-1.24.0-2")
        .check("dpkg -l nginx", 0, "ii  nginx          1.24.0-2     amd64        a package")
        .check("dpkg -L nginx", 0, "/usr/bin/nginx")
        .check("dpkg -S /usr/bin/nginx", 0, "nginx: /usr/bin/nginx")
        .check("systemctl is-active nginx", 0, "active")
        .check("systemctl is-enabled nginx.service", 0, "enabled")
        .check("apt-mark hold nginx", 0, "nginx set on hold.")
        .check("apt-mark showhold", 0, "nginx");
    let reply = story.run("apt-get -y remove nginx=1.24.0-2");
    assert_eq!(reply.acts, [Act::Remove { path: "/usr/bin/nginx".into() }]);
    story
        .check("dpkg -l nginx", 1, "dpkg-query: no packages found matching nginx")
        .check("systemctl is-active nginx", 4, "inactive")
        .check("apt-get -y purge nginx", 0, "0 upgraded, 0 newly installed, 0 to remove and 0 not upgraded.");
    assert!(story.machine.is_as_it_was());
}

#[test]
fn a_program_of_a_package_answers_by_rule_or_in_silence() {
    let mut story = Story::new(
        "[[package]]\nname = \"tinyproxy-bin\"\nversion = \"1.11\"\nprograms = [\"tinyproxy\"]\nservices = []\n\
         [[exec]]\ncommand = \"tinyproxy -v\"\nstdout = \"tinyproxy 1.11.1\\n\"\n\
         [[exec]]\ncommand = \"tinyproxy -c *\"\ndaemon = true\npid_file = \"/run/tinyproxy.pid\"\n",
    );
    story.check("tinyproxy -x", 127, "tinyproxy: command not found");
    let reply = story.run("apt-get install --no-install-recommends -y tinyproxy-bin");
    assert_eq!(programs(&reply), [("/usr/bin/tinyproxy", false)]);
    assert_eq!(reply.record.assumed, Vec::<String>::new());
    story.check("/usr/bin/tinyproxy -v", 0, "tinyproxy 1.11.1").check("tinyproxy -x", 0, "");
    let reply = story.run("tinyproxy -x");
    assert_eq!(reply.record.answered_by, AnsweredBy::Nobody);
    let reply = story.run("tinyproxy -c /etc/x");
    let expected = Act::Daemon {
        name: "tinyproxy".into(),
        arguments: vec!["-c".into(), "/etc/x".into()],
        pid_file: Some("/run/tinyproxy.pid".into()),
    };
    assert_eq!((reply.acts, reply.record.answered_by), (vec![expected], AnsweredBy::Rule(1)));
    assert_eq!(story.machine.services.len(), Machine::new("24.04").services.len());
    story.check(
        "apt-get install tinyproxy-bin=2.0",
        100,
        "E: Version '2.0' for 'tinyproxy-bin' was not found",
    );
}

#[test]
fn packages_that_are_not_there() {
    let mut story = Story::new("[[package]]\nname = \"gone-*\"\navailable = false\n");
    story
        .check("apt-get -y install gone-away", 100, "E: Unable to locate package gone-away")
        .check("apt-get -y install Bad_Name", 100, "E: Unable to locate package Bad_Name")
        .check("apt-cache show gone-away", 100, "E: No packages found")
        .check(
            "apt-cache policy nginx",
            0,
            "        500 http://archive.ubuntu.com/ubuntu stable/main amd64 Packages",
        )
        .check("apt-get -y install good gone-away", 100, "E: Unable to locate package gone-away")
        .check("dpkg -l good", 1, "dpkg-query: no packages found matching good")
        .check("apt-get frobnicate", 100, "E: Invalid operation frobnicate");
}

#[test]
fn dpkg_on_its_own() {
    let mut story = Story::new("");
    story
        .check("dpkg --print-architecture", 0, "amd64")
        .check("dpkg -i /tmp/tool_1.2_amd64.deb", 0, "Setting up tool (1.2) ...")
        .check("dpkg-query -W tool", 0, "tool\t1.2")
        .check("dpkg --compare-versions 1.2 lt 1.10", 0, "")
        .check("dpkg --compare-versions 1.2 gt 1.10", 1, "")
        .check("dpkg -P tool", 0, "Removing tool ...")
        .check("dpkg --frobnicate", 2, "dpkg: error: unknown option --frobnicate");
}

#[test]
fn repositories_are_remembered() {
    let mut story = Story::new("");
    story.check("add-apt-repository -y ppa:a/b", 0, "Adding repository.");
    story.check("add-apt-repository --yes --sourceslist=deb --no-update", 0, "Adding repository.");
    assert_eq!(story.machine.repositories.iter().collect::<Vec<_>>(), ["deb", "ppa:a/b"]);
    story.run("add-apt-repository --remove ppa:a/b");
    story.run("add-apt-repository --remove --sourceslist=deb");
    assert!(story.machine.is_as_it_was());
}

#[test]
fn services_do_as_they_are_told() {
    let mut story = Story::new("");
    story.run("apt-get install -y redis-server");
    story
        .check("systemctl stop redis-server", 0, "")
        .check("systemctl --quiet is-active redis-server", 3, "")
        .check("systemctl status redis-server", 3, "     Active: inactive (dead)")
        .check("systemctl reload redis-server", 1, "redis-server.service is not active, cannot reload.")
        .check("systemctl disable --now redis-server", 0, "Removed \"/etc/systemd/system/multi-user.target.wants/redis-server.service\".")
        .check("systemctl mask redis-server", 0, "Created symlink /etc/systemd/system/redis-server.service → /dev/null.")
        .check("systemctl start redis-server", 1, "Failed to start redis-server.service: Unit redis-server.service is masked.")
        .check("systemctl is-enabled redis-server", 1, "masked")
        .check("systemctl unmask redis-server", 0, "Removed \"/etc/systemd/system/redis-server.service\".")
        .check("systemctl enable --now redis-server", 0, "Created symlink /etc/systemd/system/multi-user.target.wants/redis-server.service → /usr/lib/systemd/system/redis-server.service.")
        .check("systemctl show -p ActiveState --value redis-server", 0, "active")
        .check("systemctl show --property=ActiveState,SubState redis-server", 0, "SubState=running")
        .check("systemctl is-failed redis-server", 1, "active")
        .check("service redis-server restart", 0, "")
        .check("systemctl daemon-reload", 0, "");
}

#[test]
fn services_that_nobody_brought() {
    let mut story = Story::new("");
    story
        .check("systemctl start worker", 5, "Failed to start worker.service: Unit worker.service not found.")
        .check("systemctl stop worker", 5, "Failed to stop worker.service: Unit worker.service not loaded.")
        .check(
            "systemctl enable worker",
            1,
            "Failed to enable unit: Unit file worker.service does not exist.",
        )
        .check("systemctl is-enabled worker", 4, "not-found")
        .check("systemctl status worker", 4, "Unit worker.service could not be found.")
        .check("service worker start", 1, "worker: unrecognized service");
    let assumed = story.run("systemctl start worker").record.assumed;
    assert!(assumed[0].starts_with("there is no unit worker.service"), "{assumed:?}");

    // The charm writes a file for it, and takes it away again.
    let file = "/etc/systemd/system/worker.service";
    story.files.insert(file.into(), b"[Service]\nExecStart=/bin/true\n".to_vec());
    story.check("systemctl enable --now worker", 0, "Created symlink /etc/systemd/system/multi-user.target.wants/worker.service → /usr/lib/systemd/system/worker.service.");
    story.check("systemctl is-active worker", 0, "active").check(
        "systemctl cat worker",
        0,
        "ExecStart=/bin/true",
    );
    story.run("systemctl disable --now worker");
    story.files.remove(file);
    story.check("systemctl is-active worker", 4, "inactive");
    assert!(story.machine.is_as_it_was());
    story.files.insert("/etc/systemd/system/worker@.service".into(), Vec::new());
    story.check("systemctl start worker@1", 0, "").check("systemctl is-active worker@1", 0, "active");
}

#[test]
fn a_snap_comes_and_goes() {
    let mut story = Story::new("");
    story
        .check("snap list", 0, "No snaps are installed yet. Try 'snap install hello-world'.")
        .check("snap list etcd", 1, "error: no matching snaps installed")
        .check("snap install etcd --channel=\"3.4/edge\"", 0, "etcd (3.4/edge) 1.0 from Publisher✓ installed")
        .check("snap install etcd", 0, "snap \"etcd\" is already installed, see 'snap help refresh'")
        .check("snap list etcd", 0, "etcd  1.0  1  3.4/edge  publisher✓  -")
        .check("systemctl is-active snap.etcd.etcd", 0, "active")
        .check("snap stop --disable etcd", 0, "Stopped.")
        .check("snap services etcd", 0, "etcd.etcd  disabled  inactive  -")
        .check("systemctl is-active snap.etcd.etcd", 3, "inactive")
        .check("snap start etcd.worker", 0, "Started.")
        .check("snap refresh etcd", 0, "snap \"etcd\" has no updates available")
        .check("snap refresh etcd --channel=stable", 0, "etcd (3.4/stable) 1.0 from Publisher✓ refreshed")
        .check("snap refresh etcd --hold=forever", 0, "General refreshes of \"etcd\" held indefinitely")
        .check("snap connect etcd:home", 0, "")
        .check("snap alias etcd.ctl etcdctl", 0, "  - etcd.ctl as etcdctl")
        .check("etcdctl get x", 0, "")
        .check("snap remove etcd", 0, "etcd removed")
        .check("snap remove etcd", 0, "snap \"etcd\" is not installed")
        .check("snap start etcd", 1, "error: snap \"etcd\" not found")
        .check("snap refresh etcd", 1, "error: snap \"etcd\" is not installed");
    assert!(story.machine.is_as_it_was());
}

#[test]
fn snaps_with_rules() {
    let mut story = Story::new(
        "[[snap]]\nname = \"db\"\nversion = \"14\"\nrevision = \"70\"\nconfinement = \"classic\"\nservices = [\"main\"]\nprograms = [\"psql\"]\n\
         [[snap]]\nname = \"gone\"\navailable = false\n",
    );
    story
        .check("snap install gone", 1, "error: snap \"gone\" not found")
        .check(
            "snap install db",
            1,
            "       If you understand and want to proceed repeat the command including --classic.",
        )
        .check(
            "snap install db --classic --revision=\"71\"",
            1,
            "error: cannot install snap \"db\": no snap revision available as specified (71)",
        );
    let reply = story.run("snap install db --classic --revision=\"70\"");
    assert_eq!(programs(&reply), [("/snap/bin/db", false), ("/snap/bin/db.psql", false)]);
    assert_eq!(reply.record.assumed, Vec::<String>::new());
    story
        .check("snap list db", 0, "db  14  70  latest/stable  publisher✓  classic")
        .check("snap restart db.other", 1, "error: snap \"db\" has no service \"other\"")
        .check("snap restart db.main", 0, "Restarted.");
}

#[test]
fn a_snap_is_configured() {
    let mut story = Story::new("");
    story.check("snap set etcd a=1", 1, "error: snap \"etcd\" is not installed");
    story.run("snap install etcd");
    story
        .check("snap get etcd a", 1, "error: snap \"etcd\" has no \"a\" configuration option")
        .check("snap get etcd", 1, "error: snap \"etcd\" has no configuration")
        .check("snap set etcd a.b=1 c=text", 0, "")
        .check("snap get etcd a.b", 0, "1")
        .check("snap get etcd c", 0, "text")
        .check("snap unset etcd a", 0, "")
        .check("snap get etcd a.b", 1, "error: snap \"etcd\" has no \"a.b\" configuration option")
        .check("snap set system refresh.hold=forever", 0, "");
    let document = story.run("snap get etcd -d c");
    assert_eq!(String::from_utf8(document.stdout).unwrap(), "{\n  \"c\": \"text\"\n}\n");
}

#[test]
fn users_are_in_the_files_that_programs_read() {
    let mut story = Story::new("");
    story
        .check("useradd --shell /bin/bash --system worker", 0, "")
        .check("useradd worker", 9, "useradd: user 'worker' already exists")
        .check("useradd -u 1000 other", 4, "useradd: UID 1000 is not unique")
        .check("useradd -g nobody-here other", 6, "useradd: group 'nobody-here' does not exist")
        .check("groupadd --gid 2000 extra", 0, "")
        .check("groupadd extra", 9, "groupadd: group 'extra' already exists")
        .check("usermod -aG extra,adm worker", 0, "")
        .check("gpasswd -a ubuntu extra", 0, "")
        .check("usermod -aG nothing worker", 6, "usermod: group 'nothing' does not exist")
        .check("usermod -a x -G extra nobody-here", 6, "usermod: user 'nobody-here' does not exist");
    assert_eq!(story.file("/etc/passwd"), format!("{PASSWD}worker:x:999:999::/home/worker:/bin/bash\n"));
    assert_eq!(
        story.file("/etc/group"),
        "root:x:0:\nubuntu:x:1000:\nadm:x:4:syslog,worker\nworker:x:999:\nextra:x:2000:worker,ubuntu\n"
    );
    assert_eq!(story.machine.users.iter().collect::<Vec<_>>(), [(&"worker".to_owned(), &999)]);
    story
        .check("groupdel worker", 8, "groupdel: cannot remove the primary group of user 'worker'")
        .check("userdel worker", 0, "")
        .check("userdel worker", 6, "userdel: user 'worker' does not exist")
        .check("gpasswd -d ubuntu extra", 0, "")
        .check("groupdel extra", 0, "");
    assert_eq!((story.file("/etc/passwd"), story.file("/etc/group")), (PASSWD, GROUP));
    assert!(story.machine.is_as_it_was());
}

#[test]
fn the_ways_of_adduser() {
    let mut story = Story::new("");
    story
        .check("addgroup --system mygroup", 0, "")
        .check("addgroup --system mygroup", 0, "")
        .check("adduser --system --ingroup mygroup --home /srv/x --no-create-home svc", 0, "")
        .check("adduser --system svc", 0, "The system user `svc' already exists. Exiting.")
        .check("adduser svc adm", 0, "Done.");
    assert!(story.file("/etc/passwd").ends_with("svc:x:999:999::/srv/x:/usr/sbin/nologin\n"));
    assert!(story.file("/etc/group").contains("adm:x:4:syslog,svc\n"));
}

#[test]
fn programs_with_little_to_say() {
    let mut story =
        Story::new("[[exec]]\ncommand = \"ufw status\"\nstdout = \"Status: active\\n\"\nexit = 3\n");
    story
        .check("ufw status", 3, "Status: active")
        .check("ufw allow 22", 0, "")
        .check("timedatectl set-timezone Europe/Berlin", 0, "")
        .check("timedatectl show", 0, "NTPSynchronized=yes")
        .check("sysctl vm.swappiness=10", 0, "vm.swappiness = 10")
        .check("sysctl -n vm.swappiness net.x", 0, "0")
        .check("journalctl --unit snapd --lines 20", 0, "-- No entries --")
        .check("update-alternatives --set editor /usr/bin/vim", 0, "")
        .check("update-alternatives --list editor", 0, "/usr/bin/vim")
        .check("no-such-program", 127, "no-such-program: command not found");
    let reply = story.run("ufw allow 22");
    assert_eq!(
        reply.record.assumed,
        ["`ufw` was said to have succeeded in silence; an [[exec]] rule can answer for it"]
    );
}

#[test]
fn names_on_the_path() {
    let rules = Rules::parse(
        Utf8Path::new("r"),
        "[[exec]]\ncommand = \"mytool **\"\n[[exec]]\ncommand = \"x* -v\"\n",
    )
    .unwrap();
    let names = names(&rules);
    assert!(names.contains("mytool") && names.contains("apt-get") && names.contains("snap"));
    assert!(!names.iter().any(|name| name.starts_with("x*")));
    let unique: BTreeSet<&str> = BUILT_IN.iter().flat_map(|(names, _)| names.iter().copied()).collect();
    assert_eq!(unique.len(), BUILT_IN.iter().map(|(names, _)| names.len()).sum::<usize>());
}

proptest! {
    /// Whatever is called, there is an answer, and the same call on the same machine has the same.
    #[test]
    fn any_call_is_answered(
        calls in proptest::collection::vec(
            (0_usize..BUILT_IN.len(), proptest::collection::vec(
                "(install|remove|-y|-a|-G|nginx|a=1|start|stop|enable|--now|list|get|set|-d|-l|-s|--set|x:y|é|=|-|--|)", 0..5,
            )),
            1..6,
        ),
    ) {
        let mut story = Story::new("");
        for (program, arguments) in calls {
            let line = std::iter::once(BUILT_IN[program].0[0].to_owned()).chain(arguments).collect::<Vec<_>>().join(" ");
            let mut again = Story { machine: story.machine.clone(), rules: story.rules.clone(), files: story.files.clone() };
            prop_assert_eq!(story.run(&line), again.run(&line));
            prop_assert_eq!(&story.machine, &again.machine);
        }
    }
}
