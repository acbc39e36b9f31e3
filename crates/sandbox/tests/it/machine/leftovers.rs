//! Nothing is left of machines, whoever dies, and nothing of the host changes.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::MetadataExt;
use std::process::{Child, Command, Stdio};

use camino::{Utf8Path, Utf8PathBuf};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::support::{Place, well};
use crate::case::{BINARY, running, unique_sleep, wait_until};

/// Another program that holds a machine with a network, in which something sleeps.
struct Holder {
    child: Child,
    sleep: String,
    address: String,
}

impl Holder {
    fn start(place: &Place) -> Self {
        let sleep = unique_sleep();
        let scene = serde_json::json!({
            "layers": ["/"], "kept": place.root().join("unit-0"), "level": null, "has_network": true,
            "memory_bytes": 1_u64 << 30, "processes": 100,
            "argv": ["sh", "-c", format!("setsid sleep {sleep} & sleep 0.1; echo x > /etc/kept; exit 3")],
        });
        let file = place.root().join("scene.json");
        fs_err::write(&file, scene.to_string()).unwrap();
        let mut child = Command::new(BINARY)
            .args(["machine", file.as_str()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        let answer: serde_json::Value = serde_json::from_str(&line).unwrap_or_else(|_| panic!("{line}"));
        assert_eq!(answer["exit"], serde_json::json!({"Code": 3}));
        assert_eq!(running(&sleep), 1);
        Self { child, sleep, address: answer["address"].as_str().unwrap().to_owned() }
    }

    fn link(&self) -> String {
        let numbers: Vec<&str> = self.address.split('.').collect();
        format!("/sys/class/net/cpf{}-{}", numbers[1], numbers[2])
    }

    fn descendants(&self) -> Vec<i32> {
        let mut found = vec![self.child.id().cast_signed()];
        let mut next = 0;
        while next < found.len() {
            let pid = found[next];
            let text = fs_err::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
            found.extend(text.split_ascii_whitespace().filter_map(|pid| pid.parse::<i32>().ok()));
            next += 1;
        }
        found
    }
}

fn check_killed(victim: impl FnOnce(&Holder) -> i32) {
    let Some(place) = Place::of_root() else { return };
    let mut holder = Holder::start(&place);
    let family = holder.descendants();
    assert!(family.len() >= 4, "{family:?}");
    let link = holder.link();
    assert!(Utf8Path::new(&link).exists());
    // Whoever has a mount of the machine has one of these.
    let mount_namespaces: Vec<_> = family[2..].iter().map(|pid| namespace(*pid, "mnt")).collect();
    kill(Pid::from_raw(victim(&holder)), Signal::SIGKILL).unwrap();
    wait_until("the machine is gone", || running(&holder.sleep) == 0);
    // Ends it, if it was not the victim.
    drop(holder.child.stdin.take());
    holder.child.wait().unwrap();
    wait_until("its processes are gone", || {
        family.iter().all(|pid| !Utf8Path::new(&format!("/proc/{pid}/ns")).exists() || is_zombie(*pid))
    });
    wait_until("its link is gone", || !Utf8Path::new(&link).exists());
    wait_until("its mounts are gone", || {
        !all_namespaces("mnt").iter().any(|found| mount_namespaces.contains(found))
    });
    let own_mounts = fs_err::read_to_string("/proc/self/mountinfo").unwrap();
    assert!(!own_mounts.contains(place.root().as_str()), "{own_mounts}");
    charmproof_sandbox::sweep();
    let groups = format!("{}-", holder.child.id());
    for controller in ["memory", "pids"] {
        let family = Utf8PathBuf::from(format!("/sys/fs/cgroup/{controller}/charmproof"));
        for entry in family.read_dir_utf8().into_iter().flatten().flatten() {
            assert!(!entry.file_name().starts_with(&groups), "{}", entry.path());
        }
    }
}

fn namespace(pid: i32, kind: &str) -> String {
    let link = fs_err::read_link(format!("/proc/{pid}/ns/{kind}")).unwrap();
    link.to_string_lossy().into_owned()
}

fn all_namespaces(kind: &str) -> Vec<String> {
    let pids = fs_err::read_dir("/proc")
        .unwrap()
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    pids.filter_map(|pid| fs_err::read_link(format!("/proc/{pid}/ns/{kind}")).ok())
        .map(|link| link.to_string_lossy().into_owned())
        .collect()
}

fn is_zombie(pid: i32) -> bool {
    let stat = fs_err::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_none_or(|(_, rest)| rest.starts_with('Z'))
}

#[test]
fn everything_goes_with_charmproof() {
    check_killed(|holder| holder.child.id().cast_signed());
}

#[test]
fn everything_goes_with_the_holder() {
    check_killed(|holder| holder.descendants()[1]);
}

#[test]
fn everything_goes_with_the_first_process() {
    check_killed(|holder| holder.descendants()[2]);
}

#[test]
fn what_is_kept_can_be_removed() {
    let Some(place) = Place::of_root() else { return };
    let mut holder = Holder::start(&place);
    assert!(place.root().join("unit-0/upper/etc/kept").exists());
    drop(holder.child.stdin.take());
    assert!(holder.child.wait().unwrap().success());
    assert!(!place.root().join("unit-0").exists());
}

#[test]
fn a_machine_goes_on_after_a_crash() {
    let Some(place) = Place::of_root() else { return };
    let mut holder = Holder::start(&place);
    holder.child.kill().unwrap();
    holder.child.wait().unwrap();
    // At once: no mount of the dead one may be in the way.
    let machine = place.machine("unit-0");
    assert_eq!(well(&machine, "cat /etc/kept"), "x\n");
    assert_eq!(running(&holder.sleep), 0);
}

/// Names, sizes, modes and times of all that is in some folders.
fn look(folders: &[&str]) -> BTreeMap<Utf8PathBuf, (u64, u32, i64, i64)> {
    let mut found = BTreeMap::new();
    let mut pending: Vec<Utf8PathBuf> = folders.iter().map(Utf8PathBuf::from).collect();
    while let Some(path) = pending.pop() {
        let Ok(metadata) = path.symlink_metadata() else { continue };
        if metadata.is_dir() {
            pending.extend(
                path.read_dir_utf8().into_iter().flatten().flatten().map(camino::Utf8DirEntry::into_path),
            );
        }
        found.insert(path, (metadata.size(), metadata.mode(), metadata.mtime(), metadata.mtime_nsec()));
    }
    found
}

#[test]
fn nothing_of_the_host_changes() {
    let folders = ["/etc", "/usr", "/var", "/opt"];
    let before = look(&folders);
    assert!(before.len() > 1000);
    let Some(place) = Place::of_root() else { return };
    let network = place.network();
    let machine = place.machine_in("unit-0", &network);
    // All the ways in which packages and people change a machine.
    well(
        &machine,
        "useradd --create-home somebody && echo x >> /etc/profile && rm -r /usr/share/doc /var/lib/apt/lists \
         && mkdir -p /opt/app /var/lib/app && touch /usr/bin/app /usr /etc /var && chmod 700 /usr/bin/env \
         && mv /etc/hosts /etc/hosts.old && ln -s /usr/bin/app /usr/local/bin/app && chown -R 33 /var/cache \
         && echo x > /root/file && echo x > /home/file",
    );
    machine.reboot().unwrap();
    machine.stop();
    drop(machine);
    let after = look(&folders);
    let changed: Vec<_> = before
        .iter()
        .filter(|(path, state)| after.get(*path) != Some(state))
        .map(|(path, _)| path)
        .chain(after.keys().filter(|path| !before.contains_key(*path)))
        .filter(|path| !path.starts_with("/var/log"))
        .collect();
    assert!(changed.is_empty(), "{changed:?}");
    assert!(!Utf8Path::new("/root/file").exists() && !Utf8Path::new("/home/file").exists());
}
