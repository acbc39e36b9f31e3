//! How long things take. The limits are generous: they tell a machine from a virtual one.

use std::time::{Duration, Instant};

use charmproof_sandbox::machine::Machine;

use super::support::{Place, well};

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

#[test]
#[expect(clippy::print_stderr, reason = "figures that people ask for with --no-capture")]
fn machines_are_there_in_no_time() {
    let Some(place) = Place::of_root() else { return };
    let network = place.network();
    let (mut starts, mut programs, mut ends) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..10 {
        let start = Instant::now();
        let machine = place.machine_in(&format!("app-{round}"), &network);
        starts.push(start.elapsed());
        let start = Instant::now();
        well(&machine, "exit 0");
        programs.push(start.elapsed());
        let start = Instant::now();
        machine.stop();
        ends.push(start.elapsed());
    }
    let (start, program, end) = (median(starts), median(programs), median(ends));
    eprintln!("start {start:?}, program {program:?}, end {end:?}");
    assert!(
        start < Duration::from_millis(500) && program < Duration::from_millis(200),
        "{start:?} {program:?}"
    );
    assert!(end < Duration::from_millis(500), "{end:?}");
}

#[test]
#[expect(clippy::print_stderr, reason = "figures that people ask for with --no-capture")]
fn many_machines_start_at_once() {
    const MACHINES: usize = 30;
    let Some(place) = Place::of_root() else { return };
    let network = place.network();
    let start = Instant::now();
    let machines: Vec<Machine> = std::thread::scope(|scope| {
        let start = |number: usize| {
            let (place, network) = (&place, &network);
            scope.spawn(move || place.machine_in(&format!("app-{number}"), network))
        };
        let starts: Vec<_> = (0..MACHINES).map(start).collect();
        starts.into_iter().map(|start| start.join().unwrap()).collect()
    });
    let started = start.elapsed();
    let kilobytes: u64 =
        machines.iter().map(|machine| proportional_kilobytes(machine.host_pid().unwrap())).sum();
    let each = kilobytes / MACHINES as u64;
    eprintln!("{MACHINES} machines in {started:?}, {each} kB each");
    for (number, machine) in machines.iter().enumerate() {
        assert_eq!(well(machine, "hostname"), format!("app-{number}\n"));
    }
    assert!(each < 4096, "{each} kB");
    let start = Instant::now();
    drop(machines);
    eprintln!("all gone in {:?}", start.elapsed());
}

fn proportional_kilobytes(pid: i32) -> u64 {
    let text = fs_err::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap();
    let line = text.lines().find(|line| line.starts_with("Pss:")).unwrap();
    line.split_ascii_whitespace().nth(1).unwrap().parse().unwrap()
}
