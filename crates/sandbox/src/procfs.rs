//! Finds and measures the descendants of a process in `/proc`.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use nix::libc;
use nix::unistd::{SysconfVar, sysconf};

/// One process, from `/proc/<pid>/stat`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Process {
    pub(crate) pid: i32,
    parent: i32,
    session: i32,
    /// Ended, but not yet waited for.
    pub(crate) is_zombie: bool,
    threads: u32,
    /// Its own and its waited-for children's.
    cpu_ticks: u64,
    resident_pages: u64,
}

/// What a tree of processes uses.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Usage {
    pub(crate) cpu_time: Duration,
    pub(crate) threads: u32,
    /// Shared pages count in every process that has them.
    pub(crate) resident_bytes: u64,
}

/// Returns all living descendants of `root`, without itself.
pub(crate) fn descendants(root: i32) -> Vec<Process> {
    descendants_among(&processes(), root)
}

/// Returns all living processes of a session.
pub(crate) fn session(session: i32) -> Vec<i32> {
    let is_member = |process: &Process| process.session == session && !process.is_zombie;
    processes().iter().filter(|process| is_member(process)).map(|process| process.pid).collect()
}

/// Returns the living children of a process.
pub(crate) fn children(parent: i32) -> Vec<i32> {
    let is_child = |process: &Process| process.parent == parent && !process.is_zombie;
    processes().iter().filter(|process| is_child(process)).map(|process| process.pid).collect()
}

/// Returns a process and those that it descends from.
pub(crate) fn ancestors(pid: i32) -> Vec<i32> {
    let mut found = Vec::new();
    let mut next = pid;
    while next > 0 && !found.contains(&next) {
        found.push(next);
        let stat = fs_err::read(format!("/proc/{next}/stat")).ok();
        next = stat.and_then(|stat| parse_stat(&stat)).map_or(0, |process| process.parent);
    }
    found
}

/// Returns the name that a process goes by.
pub(crate) fn name(pid: i32) -> String {
    fs_err::read_to_string(format!("/proc/{pid}/comm"))
        .map_or(String::new(), |name| name.trim_end().to_owned())
}

/// Returns the words with which a process was started, or its name in brackets.
pub(crate) fn command_line(pid: i32) -> String {
    let bytes = fs_err::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let words: Vec<String> = bytes
        .split(|byte| *byte == 0)
        .filter(|word| !word.is_empty())
        .map(|word| String::from_utf8_lossy(word).into_owned())
        .collect();
    if words.is_empty() { format!("[{}]", name(pid)) } else { words.join(" ") }
}

/// Returns what `root` and its descendants use.
pub(crate) fn usage(root: i32) -> Usage {
    let all = processes();
    let mut usage = Usage::default();
    let tree = descendants_among(&all, root);
    let itself = all.iter().find(|process| process.pid == root).copied();
    let mut ticks = 0;
    for process in &tree {
        ticks += process.cpu_ticks;
        usage.threads += process.threads;
        usage.resident_bytes += process.resident_pages * page_bytes();
    }
    // The launcher's own memory and threads are not the command's.
    ticks += itself.map_or(0, |process| process.cpu_ticks);
    usage.cpu_time = Duration::from_millis(ticks * 1000 / ticks_per_second());
    usage
}

/// Returns the memory of `root` and its descendants with every shared page
/// counted once. Slow: the kernel walks all their page tables.
pub(crate) fn proportional_bytes(root: i32) -> u64 {
    descendants(root).iter().map(|process| process_proportional_bytes(*process)).sum()
}

fn process_proportional_bytes(process: Process) -> u64 {
    let rollup = fs_err::read_to_string(format!("/proc/{}/smaps_rollup", process.pid)).unwrap_or_default();
    let kilobytes =
        rollup.lines().find_map(|line| line.strip_prefix("Pss:")?.trim().strip_suffix(" kB")?.parse().ok());
    kilobytes.map_or(process.resident_pages * page_bytes(), |kilobytes: u64| kilobytes * 1024)
}

/// Returns how many processes and threads the user of this process has.
pub(crate) fn threads_of_user() -> u64 {
    use std::os::unix::fs::MetadataExt;
    let user = nix::unistd::getuid().as_raw();
    let is_ours = |process: &Process| {
        fs_err::metadata(format!("/proc/{}", process.pid)).is_ok_and(|metadata| metadata.uid() == user)
    };
    processes().iter().filter(|process| is_ours(process)).map(|process| u64::from(process.threads)).sum()
}

/// Returns when a living process was started, in a unit of the kernel's own.
/// Together with its number this names one process for good.
pub(crate) fn start_time(pid: u32) -> Option<u64> {
    let stat = fs_err::read(format!("/proc/{pid}/stat")).ok()?;
    let close = stat.iter().rposition(|&byte| byte == b')')?;
    std::str::from_utf8(&stat[close + 1..]).ok()?.split_ascii_whitespace().nth(19)?.parse().ok()
}

fn processes() -> Vec<Process> {
    let Ok(entries) = fs_err::read_dir("/proc") else {
        return Vec::new();
    };
    let pids = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<i32>().ok());
    // Those that ended since the listing cannot be read.
    pids.filter_map(|pid| parse_stat(&fs_err::read(format!("/proc/{pid}/stat")).ok()?)).collect()
}

fn parse_stat(stat: &[u8]) -> Option<Process> {
    // The name may contain anything, even spaces and parentheses.
    let open = stat.iter().position(|&byte| byte == b'(')?;
    let close = stat.iter().rposition(|&byte| byte == b')')?;
    let pid = std::str::from_utf8(&stat[..open]).ok()?.trim().parse().ok()?;
    let rest = std::str::from_utf8(&stat[close + 1..]).ok()?;
    let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
    // Counted from the field behind the name, which proc(5) calls 3.
    let number = |index: usize| fields.get(index).and_then(|field| field.parse::<u64>().ok());
    Some(Process {
        pid,
        parent: fields.get(1)?.parse().ok()?,
        session: fields.get(3)?.parse().ok()?,
        is_zombie: matches!(*fields.first()?, "Z" | "X"),
        threads: number(17)? as u32,
        cpu_ticks: number(11)? + number(12)? + number(13)? + number(14)?,
        resident_pages: number(21)?,
    })
}

fn descendants_among(all: &[Process], root: i32) -> Vec<Process> {
    let mut children: HashMap<i32, Vec<Process>> = HashMap::new();
    for process in all {
        children.entry(process.parent).or_default().push(*process);
    }
    let mut found = Vec::new();
    let mut seen = HashSet::from([root]);
    let mut pending = vec![root];
    while let Some(pid) = pending.pop() {
        for child in children.get(&pid).into_iter().flatten() {
            // The listing is no snapshot: a reused number could make a circle.
            if seen.insert(child.pid) {
                found.push(*child);
                pending.push(child.pid);
            }
        }
    }
    found
}

fn page_bytes() -> u64 {
    system_number(SysconfVar::PAGE_SIZE, 4096)
}

fn ticks_per_second() -> u64 {
    system_number(SysconfVar::CLK_TCK, 100).max(1)
}

fn system_number(variable: SysconfVar, fallback: libc::c_long) -> u64 {
    sysconf(variable).ok().flatten().unwrap_or(fallback) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stat_is_read_whatever_the_name() {
        let stat = b"42 (a) b (c)) S 7 42 42 0 -1 4194560 1 2 3 4 10 20 30 40 20 0 5 0 100 9999 77 18446744073709551615 1";
        let expected = Process {
            pid: 42,
            parent: 7,
            session: 42,
            is_zombie: false,
            threads: 5,
            cpu_ticks: 100,
            resident_pages: 77,
        };
        assert_eq!(parse_stat(stat), Some(expected));
        assert_eq!(parse_stat(b""), None);
        assert_eq!(parse_stat(b"1 (x) R"), None);
    }

    #[test]
    fn circles_end() {
        let process = |pid, parent| Process {
            pid,
            parent,
            session: 0,
            is_zombie: false,
            threads: 1,
            cpu_ticks: 0,
            resident_pages: 0,
        };
        let all = [process(2, 3), process(3, 2), process(4, 3), process(9, 1)];
        let mut pids: Vec<i32> = descendants_among(&all, 2).iter().map(|process| process.pid).collect();
        pids.sort_unstable();
        assert_eq!(pids, [3, 4]);
    }
}
