//! The log file.

use charmproof_sandbox::LiveLine;

use crate::case::{BOTH, Case, Mode, unique_sleep, wait_until};

#[test]
fn a_flood_keeps_its_ends() {
    for mode in BOTH {
        let mut case =
            Case::shell(mode, "printf begin; head -c 50000000 /dev/zero | tr '\\0' x; printf 'the end'");
        case.spec.log.head_bytes = 1000;
        case.spec.log.tail_bytes = 2000;
        let record = case.run();
        assert!(record.ended.is_success());
        let total = 5 + 50_000_000 + 7;
        assert_eq!(record.log_bytes_total, total);
        assert_eq!(record.log_bytes_dropped, total - 3000);
        let notice = format!(
            "\n[… {} bytes left out by charmproof: the log is kept as its first 1000 and last 2000 bytes …]\n",
            total - 3000
        );
        let expected = format!("begin{}{notice}{}the end", "x".repeat(995), "x".repeat(1993));
        assert!(case.log() == expected, "{} bytes instead of {}", case.log().len(), expected.len());
    }
}

#[test]
fn both_streams_are_kept_in_order_and_as_they_are() {
    for mode in BOTH {
        let case = Case::shell(mode, "echo one; echo two >&2; echo three; printf '\\377\\000'");
        let record = case.run();
        assert!(record.ended.is_success());
        assert_eq!(fs_err::read(&case.spec.log.path).unwrap(), b"one\ntwo\nthree\n\xff\0");
        assert_eq!((record.log_bytes_total, record.log_bytes_dropped), (16, 0));
    }
}

#[test]
fn the_last_line_can_be_watched() {
    let mut case = Case::shell(
        Mode::Full,
        &format!("echo first; until [ -e go ]; do sleep 0.01; done; echo second; sleep {}", unique_sleep()),
    );
    let live = LiveLine::default();
    case.spec.log.live = Some(live.clone());
    let cancel = charmproof_sandbox::CancelToken::new().unwrap();
    std::thread::scope(|scope| {
        let run = scope.spawn(|| case.launcher().run(&case.spec, &cancel).unwrap());
        wait_until("the first line is there", || live.get() == "first");
        // The head of the log is written as it comes.
        assert_eq!(case.log(), "first\n");
        fs_err::write(case.root().join("work/go"), "").unwrap();
        wait_until("the second line is there", || live.get() == "second");
        cancel.cancel();
        assert_eq!(run.join().unwrap().log_bytes_total, 13);
    });
}

#[test]
fn who_only_waits_is_told_from_who_works() {
    for mode in BOTH {
        let script = "until [ -e go ]; do :; done; echo waits; sleep";
        let mut case = Case::shell(mode, &format!("{script} {}", unique_sleep()));
        let live = LiveLine::default();
        case.spec.log.live = Some(live.clone());
        let cancel = charmproof_sandbox::CancelToken::new().unwrap();
        std::thread::scope(|scope| {
            let run = scope.spawn(|| case.launcher().run(&case.spec, &cancel).unwrap());
            let began = std::time::Instant::now();
            while began.elapsed() < std::time::Duration::from_millis(3500) {
                assert!(!live.is_waiting(), "it is in a busy loop");
                std::thread::sleep(std::time::Duration::from_millis(50));
            }
            fs_err::write(case.root().join("work/go"), "").unwrap();
            wait_until("it is known to wait", || live.is_waiting());
            cancel.cancel();
            run.join().unwrap();
        });
    }
}
