//! What makes each start of a machine a boot of its own: since when it is up, and the id of the boot.
//!
//! Programs that have asked for a reboot look at both. The kernel has a clock for it that can begin anew
//! in a namespace; ids it has but one, so a file lies over it.

use std::io;

use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, setns, unshare};

/// Where programs read the id of the boot.
const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";
/// Where a new id comes from.
const NEW_ID: &str = "/proc/sys/kernel/random/uuid";
/// Where the file with the machine's id lies until it is mounted.
const OWN_ID: &str = "/run/boot-id";
/// How long the machine is up when its clock begins, so that its first process began after the clock did.
const HEAD_START_S: i64 = 1;
/// Where the clocks of a namespace are told how far they are from those of the host.
const OFFSETS: &str = "/proc/self/timens_offsets";
const NONE: Option<&str> = None;

/// Begins a boot, in the first process of a machine and in its own root. What is weaker than it could be
/// is noted.
pub(super) fn begin(notes: &mut Vec<String>) {
    if let Err(error) = begin_clock() {
        notes.push(format!("it is up for as long as the host is: {error}"));
    }
    if let Err(error) = begin_id() {
        notes.push(format!("it has the id of the host's boot: {error}"));
    }
}

/// Lets `uptime` begin anew. The clock that programs measure durations with goes on as it is.
fn begin_clock() -> io::Result<()> {
    // `nix` has no name for it.
    let time = CloneFlags::from_bits_retain(nix::libc::CLONE_NEWTIME);
    let up_s = seconds_up(&fs_err::read_to_string("/proc/uptime")?).ok_or(io::ErrorKind::InvalidData)?;
    let before_s = offset_s(&fs_err::read_to_string(OFFSETS)?);
    unshare(time)?;
    fs_err::write(OFFSETS, format!("boottime {} 0\n", before_s + HEAD_START_S - up_s))?;
    // Until here, only children would be there; and those of `vfork` could not be on older kernels.
    setns(fs_err::File::open("/proc/self/ns/time_for_children")?, time)?;
    Ok(())
}

/// Reads `/proc/uptime`.
fn seconds_up(text: &str) -> Option<i64> {
    text.split('.').next()?.parse().ok()
}

/// Reads how far the clock is off already, where the host is a machine of this kind itself.
fn offset_s(text: &str) -> i64 {
    let mut lines = text.lines().map(str::split_whitespace);
    let mut line = lines.find_map(|mut words| (words.next() == Some("boottime")).then_some(words));
    line.as_mut().and_then(|words| words.next()?.parse().ok()).unwrap_or(0)
}

fn begin_id() -> io::Result<()> {
    fs_err::write(OWN_ID, fs_err::read(NEW_ID)?)?;
    let mounted = mount(Some(OWN_ID), BOOT_ID, NONE, MsFlags::MS_BIND, NONE);
    // What is mounted stays, and nobody can change it by its name.
    fs_err::remove_file(OWN_ID)?;
    mounted?;
    let flags = MsFlags::MS_BIND
        | MsFlags::MS_REMOUNT
        | MsFlags::MS_RDONLY
        | MsFlags::MS_NOSUID
        | MsFlags::MS_NODEV
        | MsFlags::MS_NOEXEC;
    Ok(mount(NONE, BOOT_ID, NONE, flags, NONE)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_are_read() {
        assert_eq!(seconds_up("12345.67 23456.78\n"), Some(12345));
        assert_eq!(seconds_up(""), None);
        let check = |text: &str, expected: i64| assert_eq!(offset_s(text), expected, "{text}");
        check("monotonic           0         0\nboottime            0         0\n", 0);
        check("monotonic          10         0\nboottime         -300         5\n", -300);
        check("", 0);
    }
}
