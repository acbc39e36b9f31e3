//! What root in a machine cannot do to the host.

use std::os::unix::fs::PermissionsExt;

use charmproof_sandbox::Launcher;
use charmproof_sandbox::machine::{Exit, Machine, MachineLevel, MachineNetwork, User};

use super::support::{Place, feed, sh, start_as, well};
use crate::case::BINARY;

const STRONGEST: [MachineLevel; 2] = [MachineLevel::RootInUserNamespace, MachineLevel::Root];

fn place_at(level: MachineLevel) -> Place {
    let launcher = Launcher::new(BINARY.into(), Vec::new()).with_machine_level(level);
    Place { launcher, ..Place::new() }
}

fn is_root() -> bool {
    nix::unistd::geteuid().is_root()
}

/// A script that says which settings of the host it could open for writing, and writes nothing.
const TRY: &str = "for file in /proc/sys/kernel/core_pattern /proc/sysrq-trigger /sys/power/state \
                   /sys/kernel/uevent_helper /proc/irq/default_smp_affinity $1; do
                       [ -e $file ] && (: >> $file) 2>/dev/null && echo $file
                   done; true";

#[test]
fn no_mount_that_protects_the_host_can_be_undone() {
    if !is_root() {
        return;
    }
    for level in STRONGEST {
        let place = place_at(level);
        for has_network in [true, false] {
            let machine = if has_network {
                place.machine_in("unit-0", &place.network())
            } else {
                place.machine("unit-0")
            };
            let own = if has_network { "" } else { "/proc/sys/net/ipv4/ip_forward" };
            let tried = |before: &str, files: &str| {
                let script = format!("({before}) >/dev/null 2>&1; set -- '{files}'; {TRY}");
                assert_eq!(well(&machine, &script), "", "{level:?} {before}");
            };
            tried("true", own);
            tried(
                "umount /proc/sys; umount -l /proc/sys; umount -l /proc/sysrq-trigger; umount -l /sys",
                own,
            );
            tried(
                "mount -o remount,bind,rw /proc/sys; mount -o remount,rw /proc/sys; mount -o remount,rw /sys",
                own,
            );
            tried("umount -l /proc; mount -t proc proc /proc", own);
            tried("mount -t proc proc /mnt", "/mnt/sys/kernel/core_pattern");
            tried("mount -t sysfs sys /mnt", "/mnt/kernel/uevent_helper");
            tried("mount --bind /proc /mnt", "/mnt/sys/kernel/core_pattern");
            let inner = "unshare --mount --pid --fork --mount-proc sh -c";
            let script = format!("{inner} 'set --; {TRY}' 2>/dev/null || true");
            assert_eq!(well(&machine, &script), "", "{level:?}");
            let script =
                format!("unshare --map-root-user {inner} 'umount -l /proc/sys; {TRY}' 2>/dev/null || true");
            assert_eq!(well(&machine, &script), "", "{level:?}");
            if has_network {
                // What belongs to its own network is its own.
                well(&machine, "echo 0 > /proc/sys/net/ipv4/ip_unprivileged_port_start");
            }
        }
    }
}

#[test]
fn a_service_has_no_more_rights_than_a_program() {
    if !is_root() {
        return;
    }
    let place = place_at(MachineLevel::Root);
    let mut spec = place.spec("unit-0");
    spec.has_services = true;
    let machine = place.launcher.machine(&spec).unwrap();
    let shown = "grep CapBnd /proc/self/status";
    let unit = format!(
        "[Service]\nType=oneshot\nStandardOutput=append:/root/rights\n\
         AmbientCapabilities=CAP_SYS_ADMIN CAP_NET_BIND_SERVICE\nUser=games\n\
         ExecStart=+/bin/sh -c '{shown}'\nExecStart=/bin/sh -c '{shown}; grep CapAmb /proc/self/status'\n"
    );
    let (text, exit) = feed(
        &machine,
        "cat > /etc/systemd/system/rights.service; systemctl start rights; cat /root/rights",
        unit.as_bytes(),
    );
    let bounded = well(&machine, shown);
    let sys_admin = 1_u64 << 21;
    let rights = u64::from_str_radix(bounded.trim_start_matches("CapBnd:").trim(), 16).unwrap();
    assert_eq!(rights & sys_admin, 0);
    assert_eq!((text, exit), (format!("{bounded}{bounded}CapAmb:\t0000000000000400\n"), Exit::Code(0)));
}

#[test]
fn what_charmproof_did_not_mount_it_does_not_unmount() {
    if !is_root() {
        return;
    }
    for level in STRONGEST {
        let place = place_at(level);
        let machine = place.machine("unit-0");
        let is_closed = |machine: &Machine| {
            assert_eq!(well(machine, &format!("set --; {TRY}")), "", "{level:?}");
        };
        machine.unmount("/proc/sys".into()).unwrap();
        is_closed(&machine);
        well(&machine, "mkdir -p /srv/kept /srv/parent/sys; echo one > /srv/kept/file");
        let (source, target) = ("/srv/kept".into(), "/srv/parent/sys".into());
        machine.mount(source, target, false).unwrap();
        // The path now leads to elsewhere, and what was mounted is elsewhere as well.
        well(&machine, "mv /srv/parent /srv/moved && ln -s /proc /srv/parent");
        machine.unmount(target).unwrap();
        is_closed(&machine);
        assert_eq!(well(&machine, "ls /srv/moved/sys"), "");
        // Nothing is shown where the kernel is told what to do.
        for refused in ["/proc/sys", "/srv/parent/sys", "/sys/kernel", "/dev/storage"] {
            let error = machine.mount(source, refused.into(), false).unwrap_err();
            assert!(error.to_string().contains(&format!("at {refused} in")), "{error}");
        }
        is_closed(&machine);
    }
}

#[test]
fn no_link_of_a_machine_leads_to_the_host_when_it_starts_again() {
    if !is_root() {
        return;
    }
    for level in STRONGEST {
        let place = place_at(level);
        let mut spec = place.spec("unit-0");
        spec.login_user = Some("guest".to_owned());
        let machine = place.launcher.machine(&spec).unwrap();
        let kept = place.root().join("unit-0");
        // Whatever the first process has open while it makes the home of the user.
        for number in 0..16 {
            let home = format!("/proc/self/fd/{number}/made");
            well(
                &machine,
                &format!(
                    "usermod --home {home} guest 2>/dev/null || sed -i 's|^\\(guest:.*:\\)[^:]*:|\\1{home}:|' /etc/passwd"
                ),
            );
            machine.reboot().unwrap();
            assert!(!kept.join("made").exists() && !std::path::Path::new("/made").exists(), "{number}");
        }
        // Nor is any folder open afterwards, or the socket that tells of all machines.
        let open = format!("/proc/{}/fd", machine.host_pid().unwrap());
        for entry in fs_err::read_dir(&open).unwrap() {
            let path = entry.unwrap().path();
            assert!(!path.metadata().unwrap().is_dir(), "{path:?}");
        }
        let input = fs_err::read_link(format!("{open}/0")).unwrap();
        assert!(input.ends_with("null"), "{input:?}");
    }
}

#[test]
fn files_that_lead_astray_keep_no_machine_from_starting() {
    if !is_root() {
        return;
    }
    let place = Place::new();
    let mut spec = place.spec("unit-0");
    spec.login_user = Some("guest".to_owned());
    spec.has_services = true;
    let machine = place.launcher.machine(&spec).unwrap();
    well(
        &machine,
        "rm -f /etc/shadow /etc/hosts /etc/resolv.conf; mkfifo /etc/shadow /etc/hosts /etc/resolv.conf\n\
         ln -sf /dev/zero /etc/passwd; rm /etc/group; mkfifo /etc/group",
    );
    machine.reboot().unwrap();
    let notes = machine.protection().notes;
    assert!(notes.iter().any(|note| note.contains("cannot log in")), "{notes:?}");
    let named = charmproof_sandbox::machine::MachineExec {
        user: User::Named("guest".to_owned()),
        ..charmproof_sandbox::machine::MachineExec::new(["true"], [(); 3].map(|()| super::support::null()))
    };
    assert!(machine.exec(named).unwrap_err().to_string().contains("guest"));
    assert!(machine.write_file("/etc/group".into(), "x").is_err());
}

#[test]
fn links_for_binds_stay_in_the_machine() {
    if !is_root() {
        return;
    }
    let place = Place::new();
    let kept = place.root().join("unit-0");
    let shown = place.root().join("shown");
    fs_err::create_dir_all(&shown).unwrap();
    fs_err::write(shown.join("file"), "shown\n").unwrap();
    let mut spec = place.spec("unit-0");
    drop(place.launcher.machine(&spec).unwrap());
    let outside = place.root().join("outside");
    fs_err::create_dir(&outside).unwrap();
    fs_err::set_permissions(&outside, std::fs::Permissions::from_mode(0o777)).unwrap();
    fs_err::os::unix::fs::symlink(&outside, kept.join("upper/absolute")).unwrap();
    fs_err::os::unix::fs::symlink(format!("../../../../../..{outside}"), kept.join("upper/upwards")).unwrap();
    spec.binds = ["absolute", "upwards"]
        .map(|name| charmproof_sandbox::machine::Bind {
            source: shown.clone(),
            target: format!("/{name}/made").into(),
            is_read_only: true,
        })
        .to_vec();
    // Where such a link leads, nothing is in the machine: the way there is made in none.
    let started = place.launcher.machine(&spec);
    assert!(outside.read_dir_utf8().unwrap().next().is_none());
    drop(started);
    fs_err::remove_file(kept.join("upper/absolute")).unwrap();
    fs_err::os::unix::fs::symlink("/srv", kept.join("upper/absolute")).unwrap();
    spec.binds.truncate(1);
    spec.network = MachineNetwork::Host;
    let machine = place.launcher.machine(&spec).unwrap();
    let (text, exit) = sh(&machine, "cat /srv/made/file; echo x > /srv/made/file");
    assert!(text.starts_with("shown\n") && text.contains("Read-only") && exit == Exit::Code(2), "{text}");
}

#[test]
fn rights_that_were_taken_away_stay_away() {
    if !is_root() {
        return;
    }
    let place = Place::new();
    let mut spec = place.spec("unit-0");
    spec.login_user = Some("guest".to_owned());
    let machine = place.launcher.machine(&spec).unwrap();
    well(&machine, "rm /etc/sudoers.d/*; gpasswd --delete guest sudo");
    machine.reboot().unwrap();
    assert_eq!(well(&machine, "ls -A /etc/sudoers.d | grep cloud || true"), "");
    // A user that is missing is made anew, with its rights.
    well(&machine, "userdel guest");
    machine.reboot().unwrap();
    assert_eq!(well(&machine, "ls /etc/sudoers.d | grep cloud"), "90-cloud-init-users\n");
}

#[test]
fn sudo_gives_what_was_asked_for() {
    if !is_root() {
        return;
    }
    let place = Place::new();
    let mut spec = place.spec("unit-0");
    spec.login_user = Some("guest".to_owned());
    let machine = place.launcher.machine(&spec).unwrap();
    well(&machine, "useradd --create-home other; useradd --create-home third");
    let own = sh(&machine, "test -e /usr/sbin/visudo").1;
    if own == Exit::Code(0) {
        // The host has the real one, which the machine then has as well.
        return;
    }
    let seen = |user: &str, script: &str| {
        let argv = ["sh", "-c", script];
        start_as(&machine, User::Named(user.to_owned()), &argv).finish()
    };
    let good = |script: &str, expected: &str| {
        assert_eq!(seen("guest", script), (expected.to_owned(), Exit::Code(0)), "{script}");
    };
    good("sudo -g adm id -un; sudo -g adm id -gn; sudo -u root -g adm id -un", "guest\nadm\nroot\n");
    good(
        "X=1 sudo -E sh -c 'echo $X $HOME'; X=1 sudo -EH sh -c 'echo $X $HOME'; X=1 sudo sh -c 'echo $X'",
        "1 /home/guest\n1 /root\n\n",
    );
    good(
        "export PYTHONPATH=a LD_LIBRARY_PATH=b BASH_ENV=c PERL5LIB=d MAIL=e; sudo -E env | grep -c -e ^PYTHONPATH -e ^LD_ -e ^BASH_ENV -e ^PERL5LIB || true",
        "0\n",
    );
    good("MAIL=mine sudo -E sh -c 'echo $MAIL'; MAIL=mine sudo sh -c 'echo $MAIL'", "mine\n/var/mail/root\n");
    let may = |user: &str| seen(user, "sudo id -u").1 == Exit::Code(0);
    assert!(!may("other") && !may("third"));
    well(&machine, "echo 'other ALL=(ALL) NOPASSWD:ALL' | tee /etc/sudoers.d/a.rpmsave > /etc/sudoers.d/a~");
    assert!(!may("other"));
    well(&machine, "echo 'third,  other ALL=(ALL) NOPASSWD:ALL' > /etc/sudoers.d/both");
    assert!(may("other") && may("third"));
    well(&machine, "echo 'ALL,!third ALL=(ALL) NOPASSWD:ALL' > /etc/sudoers.d/both");
    assert!(may("other") && !may("third"));
}
