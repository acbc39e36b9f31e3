//! How long things take. The limits are generous: they tell a machine from a virtual one.

use std::time::{Duration, Instant};

use super::support::{Place, well};

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

#[test]
#[expect(clippy::print_stderr, reason = "figures that people ask for with --no-capture")]
fn machines_are_there_in_no_time() {
    let place = Place::new();
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
