//! Memory, processes, files and disk.

use charmproof_sandbox::{Control, DiskLimit, Ended};

use crate::case::{BOTH, Case, Mode, abilities, running, unique_sleep};

/// Takes memory in steps, for ever.
const HOG: &str = "kept = []\nwhile True: kept.append(b'x' * (8 << 20))";
const MIB: u64 = 1 << 20;

#[test]
fn memory_is_bounded() {
    for mode in BOTH {
        let mut case = Case::python(mode, HOG);
        case.spec.limits.memory_bytes = Some(100 * MIB);
        let record = case.run();
        let Ended::OutOfMemory { peak_bytes, limit_bytes } = record.ended else {
            panic!("{mode:?}: {:?} {}", record.ended, case.log())
        };
        assert_eq!(limit_bytes, Some(100 * MIB));
        // The watch may come late, but what can be reserved is bounded, too.
        assert!((90 * MIB..220 * MIB).contains(&peak_bytes), "{mode:?}: {peak_bytes}");
        if mode == Mode::Bare {
            assert_eq!(record.protection.memory, Control::Watched);
        } else if abilities().memory_control.works {
            assert_ne!(record.protection.memory, Control::Watched);
        }
    }
}

#[test]
fn memory_of_many_is_added_up() {
    for mode in BOTH {
        let one = "import time\nkept = b'x' * (40 << 20)\ntime.sleep(100)";
        let mut case = Case::shell(mode, &format!("for i in 1 2 3 4; do python3 -c \"{one}\" & done; wait"));
        case.spec.limits.memory_bytes = Some(100 * MIB);
        let record = case.run();
        // At once, not when the rest has waited long enough.
        assert!(record.duration < std::time::Duration::from_secs(30), "{mode:?}");
        assert!(matches!(record.ended, Ended::OutOfMemory { .. }), "{mode:?}: {:?}", record.ended);
    }
}

#[test]
fn a_worker_killed_for_its_memory_is_told() {
    // The shell goes on and ends as it likes; only a control group can tell.
    let mut case = Case::shell(Mode::Full, &format!("python3 -c \"{HOG}\"; exit 7"));
    case.spec.limits.memory_bytes = Some(100 * MIB);
    let record = case.run();
    if abilities().memory_control.works {
        assert!(matches!(record.ended, Ended::OutOfMemory { .. }), "{:?}", record.ended);
    }
}

#[test]
fn a_command_within_its_limits_is_left_alone() {
    for mode in BOTH {
        let mut case = Case::python(mode, "kept = b'x' * (40 << 20)\nprint(len(kept))");
        case.spec.limits.memory_bytes = Some(200 * MIB);
        case.spec.limits.processes = Some(20);
        case.spec.limits.file_bytes = Some(MIB);
        let record = case.run();
        assert!(record.ended.is_success(), "{:?}", record.ended);
        assert!((40 * MIB..200 * MIB).contains(&record.memory_peak_bytes), "{}", record.memory_peak_bytes);
        assert!(!record.cpu_time.is_zero());
    }
}

#[test]
fn processes_are_bounded() {
    for mode in BOTH {
        let sleep = unique_sleep();
        let bomb = format!("for i in $(seq 100); do sleep {sleep} & done; wait");
        let mut case = Case::shell(mode, &bomb);
        case.spec.limits.processes = Some(20);
        let record = case.run();
        assert_eq!(record.ended, Ended::TooManyProcesses { limit: 20 }, "{mode:?}: {}", case.log());
        assert_eq!(running(&sleep), 0);
    }
}

#[test]
fn files_are_bounded() {
    for mode in BOTH {
        let mut case = Case::shell(mode, "exec head -c 3000000 /dev/zero > large");
        case.spec.limits.file_bytes = Some(MIB);
        let record = case.run();
        assert_eq!(record.ended, Ended::Signalled { signal: 25 });
        assert_eq!(fs_err::metadata(case.root().join("work/large")).unwrap().len(), MIB);
    }
}

#[test]
fn disk_is_bounded() {
    for mode in BOTH {
        let mut case = Case::shell(
            mode,
            &format!(
                "for i in $(seq 8); do head -c 1000000 /dev/zero > part$i; done; sleep {}",
                unique_sleep()
            ),
        );
        let path = case.root().join("work");
        case.spec.limits.disk =
            Some(DiskLimit { path: path.clone(), bytes_max: Some(5_000_000), free_bytes_min: Some(1) });
        let record = case.run();
        let Ended::DiskFull { path: full, used_bytes, free_bytes } = record.ended else {
            panic!("{:?}", record.ended)
        };
        assert_eq!(full, path);
        assert!(used_bytes.is_some_and(|bytes| bytes > 5_000_000), "{used_bytes:?}");
        assert!(free_bytes > 0);

        case.spec.limits.disk = Some(DiskLimit { path, bytes_max: None, free_bytes_min: Some(u64::MAX) });
        let record = case.run();
        assert!(matches!(record.ended, Ended::DiskFull { used_bytes: None, .. }), "{:?}", record.ended);
    }
}
