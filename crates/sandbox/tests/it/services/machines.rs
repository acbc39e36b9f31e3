//! Services in real machines: what packages bring is started as on any other machine.

use charmproof_sandbox::machine::{Exit, Machine, MachineNetwork};

use crate::machine::support::{Place, sh, well};

/// A machine with an address, and ports, of its own.
fn machine(place: &Place) -> Machine {
    let mut spec = place.spec("unit-0");
    spec.has_services = true;
    let network = place.network();
    let address = network.free_address().unwrap();
    spec.network = MachineNetwork::Own { network, address };
    place.launcher.machine(&spec).unwrap()
}

/// Waits, in a machine, until a unit is active.
const AWAIT: &str =
    "for i in $(seq 200); do systemctl is-active --quiet $1 && exit; sleep 0.05; done; exit 1";

#[test]
fn a_package_is_enabled_and_started_when_it_is_installed() {
    let place = Place::new();
    let machine = machine(&place);
    // The manual pages of the host's userland would be indexed anew.
    let install = "rm -f /var/lib/man-db/auto-update; export DEBIAN_FRONTEND=noninteractive\n\
                   (apt-get update && apt-get install -y --no-install-recommends tinyproxy) 2>&1";
    let log = well(&machine, install);
    assert_eq!(well(&machine, "systemctl is-active tinyproxy"), "active\n", "{log}");
    assert_eq!(well(&machine, "systemctl is-enabled tinyproxy"), "enabled\n", "{log}");
    let first = well(&machine, "systemctl show tinyproxy --property MainPID --value");
    well(&machine, "systemctl restart tinyproxy");
    assert_ne!(well(&machine, "systemctl show tinyproxy --property MainPID --value"), first);
    // Its own refusal of what is no request for a proxy.
    let ask = "for i in $(seq 100); do curl --silent --include http://127.0.0.1:8888/ && exit; sleep 0.05; done; exit 1";
    assert!(well(&machine, ask).starts_with("HTTP/1.0 400"), "it answers");
    well(&machine, "service tinyproxy stop");
    assert_eq!(sh(&machine, "systemctl is-active tinyproxy"), ("inactive\n".to_owned(), Exit::Code(3)));
    machine.reboot().unwrap();
    well(&machine, &format!("set tinyproxy; {AWAIT}"));
    // A package that brings a systemctl does not put it in place of ours.
    assert!(well(&machine, "readlink /usr/bin/systemctl").contains("charmproof"));
}

/// The library that charms manage their services with.
const LIBRARY: &str = "\
from charmlibs import systemd
unit = '/etc/systemd/system/mine.service'
def write(command):
    open(unit, 'w').write(f'[Service]\\nExecStart={command}\\n[Install]\\nWantedBy=multi-user.target\\n')
assert not systemd.service_running('mine')
write('/usr/bin/sleep 1000')
assert systemd.service_restart('mine') and systemd.service_running('mine')
assert systemd.service_stop('mine') and not systemd.service_running('mine')
open('/usr/lib/systemd/system/shipped.service', 'w').write(open(unit).read())
assert systemd.service_enable('shipped') and systemd.service_start('shipped')
assert systemd.service_pause('shipped') and not systemd.service_running('shipped')
assert systemd.service_resume('shipped') and systemd.service_running('shipped')
try:
    systemd.service_reload('shipped')
except systemd.SystemdError as error:
    assert 'Job type reload is not applicable for unit shipped.service.' in str(error), error
else:
    raise AssertionError('there is nothing to reload')
assert systemd.service_reload('shipped', restart_on_failure=True)
write('/bin/false')
systemd.service_start('mine')
while not systemd.service_failed('mine'):
    pass
try:
    systemd.service_start('no-such')
except systemd.SystemdError as error:
    assert 'returncode 5' in str(error) and 'Unit no-such.service not found.' in str(error), error
else:
    raise AssertionError('there is no such service')
assert systemd.daemon_reload()
";

#[test]
fn the_library_of_charms_finds_the_systemctl_that_it_knows() {
    let place = Place::new();
    let machine = machine(&place);
    well(&machine, "python3 -m pip install --quiet --target /root/lib charmlibs-systemd==1.0.0.post0 2>&1");
    fs_err::write(place.root().join("use.py"), LIBRARY).unwrap();
    let (text, exit) =
        crate::machine::support::feed(&machine, "PYTHONPATH=/root/lib python3 -", LIBRARY.as_bytes());
    assert_eq!((text.as_str(), exit), ("", Exit::Code(0)));
}

#[test]
fn services_have_users_folders_and_a_log() {
    let place = Place::new();
    let machine = machine(&place);
    let unit = "[Service]\nUser=games\nRuntimeDirectory=play\nRuntimeDirectoryMode=0750\nStateDirectory=play\n\
                AmbientCapabilities=CAP_NET_BIND_SERVICE\nLimitNOFILE=4321\nUMask=0027\n\
                ExecStart=/bin/sh -c 'id -un; ulimit -n; umask; stat -c \"%%U %%a\" $RUNTIME_DIRECTORY; \
                grep CapAmb /proc/self/status; exec python3 /srv/log.py'\n";
    let program =
        "import syslog, time; syslog.openlog('syslogged'); syslog.syslog('hello'); time.sleep(1000)";
    well(&machine, &format!("echo \"{program}\" > /srv/log.py"));
    let (text, exit) = crate::machine::support::feed(
        &machine,
        "cat > /etc/systemd/system/play.service; systemctl start play; systemctl is-active play",
        unit.as_bytes(),
    );
    assert_eq!((text.as_str(), exit), ("active\n", Exit::Code(0)));
    let journal = "for i in $(seq 100); do journalctl -u play -t syslogged -o cat -q | grep -q hello && break; sleep 0.05; done; \
                   journalctl -u play -t sh -o cat; journalctl -u play -t syslogged -o cat";
    assert_eq!(well(&machine, journal), "games\n4321\n0027\ngames 750\nCapAmb:\t0000000000000400\nhello\n");
    well(&machine, "systemctl stop play; test ! -e /run/play; test -d /var/lib/play");
}
