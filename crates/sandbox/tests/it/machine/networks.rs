//! Machines that reach each other, and are reached.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

use charmproof_sandbox::machine::{Machine, MachineNetwork, NetworkSpec};

use super::support::{Place, start, well};
use crate::case::wait_until;

/// Serves its host name on port 80.
pub(super) const SERVER: &str = "import http.server, os
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers(); self.wfile.write(os.uname().nodename.encode())
    def log_message(self, *words): pass
http.server.ThreadingHTTPServer(('', 80), Handler).serve_forever()";

fn serve(machine: &Machine) {
    drop(start(machine, &format!("exec python3 -c \"{SERVER}\"")));
    let address = machine.address().unwrap();
    wait_until("it serves", || get(address).is_some());
}

fn get(address: Ipv4Addr) -> Option<String> {
    let mut stream =
        TcpStream::connect_timeout(&SocketAddr::from((address, 80)), Duration::from_secs(5)).ok()?;
    stream.write_all(b"GET / HTTP/1.0\r\n\r\n").ok()?;
    let mut text = String::new();
    stream.read_to_string(&mut text).ok()?;
    text.split("\r\n\r\n").nth(1).map(str::to_owned)
}

fn fetch(address: Ipv4Addr) -> String {
    format!(
        "python3 -c 'import urllib.request as r; print(r.urlopen(\"http://{address}\", timeout=5).read().decode())'"
    )
}

#[test]
fn machines_and_the_host_reach_each_other() {
    let Some(place) = Place::of_root() else { return };
    let network = place.network();
    let (first, second) = (place.machine_in("app-0", &network), place.machine_in("app-1", &network));
    serve(&first);
    serve(&second);
    let (one, two) = (first.address().unwrap(), second.address().unwrap());
    assert_eq!((get(one).as_deref(), get(two).as_deref()), (Some("app-0"), Some("app-1")));
    assert_eq!(well(&first, &fetch(two)), "app-1\n");
    assert_eq!(well(&second, &fetch(one)), "app-0\n");
    assert_eq!(well(&first, "cat /sys/class/net/eth0/address").trim(), first.hardware_address().unwrap());
    // The address outlives a reboot.
    first.reboot().unwrap();
    serve(&first);
    assert_eq!(get(one).as_deref(), Some("app-0"));
    assert!(well(&first, "getent hosts app-0").starts_with(&one.to_string()));
}

#[test]
fn containers_of_a_pod_share_an_address() {
    let Some(place) = Place::of_root() else { return };
    let network = place.network();
    let charm = place.machine_in("app-0", &network);
    let mut spec = place.spec("workload");
    spec.host_name = "app-0".into();
    spec.network = MachineNetwork::Of(charm.clone());
    let workload = place.launcher.machine(&spec).unwrap();
    serve(&workload);
    assert_eq!(workload.address(), charm.address());
    assert_eq!(well(&charm, &fetch(Ipv4Addr::LOCALHOST)), "app-0\n");
    assert_eq!(get(charm.address().unwrap()).as_deref(), Some("app-0"));
    // But not processes and files.
    well(&workload, "echo x > /etc/only-here");
    assert_eq!(well(&charm, "ps -e | grep -c python3; ls /etc/only-here 2>/dev/null; true"), "0\n");
    // The address goes on with the one that is left.
    charm.stop();
    assert_eq!(get(charm.address().unwrap()).as_deref(), Some("app-0"));
}

#[test]
fn nothing_is_left_of_a_network() {
    let Some(place) = Place::of_root() else { return };
    let links = || {
        let text = std::process::Command::new("ls").arg("/sys/class/net").output().unwrap().stdout;
        String::from_utf8(text).unwrap()
    };
    let network = place.network();
    let [_, second, third, _] = network.subnet().base().octets();
    let name = format!("cpf{second}-{third}\n");
    assert!(links().contains(&name), "{}", links());
    let machine = place.machine_in("app-0", &network);
    drop(network);
    assert!(links().contains(&name));
    drop(machine);
    assert!(!links().contains(&name), "{}", links());
}

#[test]
fn addresses_are_given_back() {
    let Some(place) = Place::of_root() else { return };
    let network = place.network();
    let first = place.machine_in("app-0", &network);
    let address = first.address().unwrap();
    assert_ne!(network.free_address(), Some(address));
    drop(first);
    assert_eq!(network.free_address(), Some(address));
    let mut spec = place.spec("app-0");
    spec.network = MachineNetwork::Own { network: network.clone(), address };
    let again = place.launcher.machine(&spec).unwrap();
    serve(&again);
    assert_eq!(get(address).as_deref(), Some("app-0"));
    let error = place.launcher.machine(&spec).unwrap_err();
    assert_eq!(error.to_string(), "could not give an address to the machine `app-0`");
    assert_eq!(get(address).as_deref(), Some("app-0"));
}

#[test]
fn networks_are_joined() {
    let Some(place) = Place::of_root() else { return };
    let (one, two) = (place.network(), place.network());
    assert_ne!(one.subnet(), two.subnet());
    let (first, second) = (place.machine_in("app-0", &one), place.machine_in("db-0", &two));
    serve(&second);
    assert_eq!(well(&first, &fetch(second.address().unwrap())), "db-0\n");
}

#[test]
fn machines_are_found_by_name() {
    let Some(place) = Place::of_root() else { return };
    let network = place
        .launcher
        .network(&NetworkSpec { search: vec!["model.svc".into()], ..NetworkSpec::default() })
        .unwrap();
    let (first, second) = (place.machine_in("app-0", &network), place.machine_in("app-1", &network));
    let address = second.address().unwrap();
    network.set_names([("app-1.Endpoints.model.svc".into(), address), ("app-1".into(), address)].into());
    for name in ["app-1.endpoints.model.svc", "app-1.endpoints", "APP-1"] {
        assert!(well(&first, &format!("getent ahostsv4 {name}")).starts_with(&address.to_string()), "{name}");
    }
    let mut spec = place.spec("app-2");
    spec.domain = "endpoints.model.svc".into();
    spec.network = MachineNetwork::Own { network: network.clone(), address: network.free_address().unwrap() };
    let third = place.launcher.machine(&spec).unwrap();
    let script = "hostname; hostname --fqdn; python3 -c 'import socket; print(socket.getfqdn())'";
    assert_eq!(well(&third, script), "app-2\napp-2.endpoints.model.svc\napp-2.endpoints.model.svc\n");
    // Whoever is asked, the answer comes from there.
    let ask = "python3 -c 'import socket; s = socket.socket(2, 2); s.settimeout(5); s.connect((\"198.51.100.7\", 53)); \
               s.send(b\"\\x01\\x02\\x01\\x00\\x00\\x01\\x00\\x00\\x00\\x00\\x00\\x00\\x05app-1\\x00\\x00\\x01\\x00\\x01\"); print(list(s.recv(512)[-4:]))'";
    assert_eq!(well(&first, ask), format!("{:?}\n", address.octets()));
    let script = format!("python3 -c 'import socket; print(socket.getfqdn(\"{address}\"))'");
    assert_eq!(well(&first, &script), "app-1.endpoints.model.svc\n");
}

#[test]
fn an_address_that_is_promised_is_given_to_nobody_else() {
    let Some(place) = Place::of_root() else { return };
    let network = place.network();
    let first = network.free_address().unwrap();
    network.release(first);
    assert_ne!(network.free_address_except(&[first].into()), Some(first));
    assert_eq!(network.free_address(), Some(first));
}

#[test]
fn the_gateway_stays_who_it_is() {
    let Some(place) = Place::of_root() else { return };
    let network = place.network();
    let machine = place.machine_in("unit-0", &network);
    let gateway = network.subnet().gateway();
    let [_, second, third, _] = gateway.octets();
    let expected = format!("00:16:3e:{second:02x}:{third:02x}:01");
    // Each port has a hardware address at random, and a bridge would take the lowest.
    let others: Vec<_> = (1..6).map(|number| place.machine_in(&format!("unit-{number}"), &network)).collect();
    let seen =
        well(&machine, &format!("getent ahostsv4 unit-none; grep '^{gateway} ' /proc/net/arp || true"));
    assert!(seen.contains(&expected), "{gateway} is not {expected} in: {seen}");
    drop(others);
}

/// An address of the host that is not its own only.
fn host_address() -> Option<Ipv4Addr> {
    let socket = std::net::UdpSocket::bind("0.0.0.0:0").unwrap();
    socket.connect("192.0.2.77:9").ok()?;
    match socket.local_addr().unwrap() {
        SocketAddr::V4(address) if !address.ip().is_loopback() => Some(*address.ip()),
        SocketAddr::V4(_) | SocketAddr::V6(_) => None,
    }
}

#[test]
fn known_ports_lead_out() {
    let Some(place) = Place::of_root() else { return };
    let network = place.network();
    let machine = place.machine_in("app-0", &network);
    let Some(host) = host_address() else { return };
    let listener = std::net::TcpListener::bind((host, 11371)).unwrap();
    let connect = |port: u16| {
        format!(
            "python3 -c 'import socket; s = socket.create_connection((\"{host}\", {port}), 5); s.sendall(b\"in\"); \
             s.shutdown(1); print(s.makefile().read())'"
        )
    };
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let (mut stream, _) = listener.accept().unwrap();
            let mut text = String::new();
            stream.read_to_string(&mut text).unwrap();
            stream.write_all(format!("{text} and out").as_bytes()).unwrap();
        });
        assert_eq!(well(&machine, &connect(11371)), "in and out\n");
    });
    let (text, exit) = super::support::sh(&machine, &connect(11372));
    assert!(text.contains("refused") && exit == charmproof_sandbox::machine::Exit::Code(1), "{text}");
}

#[test]
fn packages_are_installed() {
    let Some(place) = Place::of_root() else { return };
    let network = place.network();
    let machine = place.machine_in("app-0", &network);
    let is_there = std::path::Path::new("/usr/bin/hello").exists();
    assert!(!is_there, "the host has the package that this test installs");
    well(&machine, "(apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y hello) 2>&1");
    assert_eq!(well(&machine, "hello"), "Hello, world!\n");
    assert!(!std::path::Path::new("/usr/bin/hello").exists());
}
