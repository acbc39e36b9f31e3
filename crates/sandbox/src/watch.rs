//! What the kernel does not bound for us: time, silence, disk, and without
//! control groups memory and processes.

use std::collections::HashSet;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::{Duration, Instant};

use nix::sys::statvfs::statvfs;

use crate::cgroup::RunGroup;
use crate::log::{Heartbeat, LiveLine};
use crate::procfs;
use crate::record::Ended;
use crate::spec::{DiskLimit, Limits};

/// How often the process tree is measured where no control group bounds it.
const TREE_PERIOD: Duration = Duration::from_millis(100);
/// How often to ask whether the kernel killed for want of memory.
const OOM_PERIOD: Duration = Duration::from_millis(500);
const DISK_PERIOD: Duration = Duration::from_secs(2);
/// Measuring a tree on disk may take one part in this many of the time.
const DISK_SHARE: u32 = 20;
/// A silent command that used this much processor time, or a tenth of a short
/// silence, is working.
const WORKING: Duration = Duration::from_secs(1);

/// How often the processor time is looked at, to tell a command that waits.
const ACTIVITY_PERIOD: Duration = Duration::from_secs(1);
/// A command that used less than this in a period waited. tox itself wakes up a hundred
/// times a second to look for output.
const AWAKE: Duration = Duration::from_millis(100);
/// So many periods in a row make a command that waits.
const WAITING_PERIODS: u32 = 2;

/// Looks after one run. Nothing happens between two calls of [`Watch::look`].
#[derive(Debug)]
pub(crate) struct Watch<'run> {
    limits: &'run Limits,
    group: &'run RunGroup,
    heartbeat: &'run Heartbeat,
    launcher: i32,
    start: Instant,
    silence: Option<SilenceWatch>,
    next_tree: Option<Instant>,
    next_oom: Option<Instant>,
    next_disk: Option<Instant>,
    activity: Option<Activity<'run>>,
    /// The most memory that was seen.
    pub(crate) peak_bytes: u64,
}

#[derive(Debug)]
struct SilenceWatch {
    next: Instant,
    period: Duration,
    /// The last sign of life and the processor time used until then.
    since: Instant,
    cpu_time: Duration,
}

/// Tells the observer whether the command works or waits.
#[derive(Debug)]
struct Activity<'run> {
    live: &'run LiveLine,
    next: Instant,
    cpu_time: Duration,
    /// Periods in a row without work.
    quiet: u32,
}

impl<'run> Watch<'run> {
    pub(crate) fn new(
        limits: &'run Limits,
        group: &'run RunGroup,
        heartbeat: &'run Heartbeat,
        launcher: u32,
        start: Instant,
        live: Option<&'run LiveLine>,
    ) -> Self {
        let silence = limits.silence.map(|allowed| {
            let period = (allowed / 10).clamp(Duration::from_millis(50), Duration::from_secs(1));
            SilenceWatch { next: start + period, period, since: start, cpu_time: Duration::ZERO }
        });
        let watches_tree = (limits.memory_bytes.is_some() && group.bounds_memory().is_none())
            || (limits.processes.is_some() && group.bounds_processes().is_none());
        Self {
            limits,
            group,
            heartbeat,
            launcher: launcher.cast_signed(),
            start,
            silence,
            next_tree: watches_tree.then_some(start),
            next_oom: group.bounds_memory().map(|_| start + OOM_PERIOD),
            next_disk: limits.disk.as_ref().map(|_| start),
            activity: live.map(|live| Activity {
                live,
                next: start + ACTIVITY_PERIOD,
                cpu_time: Duration::ZERO,
                quiet: 0,
            }),
            peak_bytes: 0,
        }
    }

    /// Returns when to look again.
    pub(crate) fn due(&self) -> Instant {
        let silence = self.silence.as_ref().map(|silence| silence.next);
        let activity = self.activity.as_ref().map(|activity| activity.next);
        let others = [silence, self.next_tree, self.next_oom, self.next_disk, activity].into_iter().flatten();
        others.fold(self.start + self.limits.wall, Instant::min)
    }

    /// Returns why the command must end now, if it must. Gives up early when
    /// `is_cancelled` says so.
    pub(crate) fn look(&mut self, is_cancelled: &dyn Fn() -> bool) -> Option<Ended> {
        let now = Instant::now();
        if now >= self.start + self.limits.wall {
            return Some(Ended::TimedOut { after: self.limits.wall });
        }
        if self.next_tree.is_some_and(|next| now >= next) {
            self.next_tree = Some(now + TREE_PERIOD);
            if let Some(ended) = self.look_at_tree() {
                return Some(ended);
            }
        }
        if self.next_oom.is_some_and(|next| now >= next) {
            self.next_oom = Some(now + OOM_PERIOD);
            if self.group.oom_kills() > 0 {
                // Version 2 ends the whole group by itself; do as it does. What
                // is left may well wait for the dead for ever.
                return Some(Ended::OutOfMemory {
                    peak_bytes: self.group.memory_peak_bytes().unwrap_or(0),
                    limit_bytes: self.limits.memory_bytes,
                });
            }
        }
        if let Some(ended) = self.look_at_silence(now) {
            return Some(ended);
        }
        self.look_at_activity(now);
        if self.next_disk.is_some_and(|next| now >= next) {
            let deadline = self.start + self.limits.wall;
            let is_over = || is_cancelled() || Instant::now() >= deadline;
            let ended = self.limits.disk.as_ref().and_then(|limit| look_at_disk(limit, &is_over));
            let pause = DISK_PERIOD.max(now.elapsed() * DISK_SHARE);
            self.next_disk = Some(Instant::now() + pause);
            return ended;
        }
        None
    }

    fn look_at_tree(&mut self) -> Option<Ended> {
        let usage = procfs::usage(self.launcher);
        let mut bytes = usage.resident_bytes;
        if self.group.bounds_memory().is_none()
            && let Some(limit) = self.limits.memory_bytes
        {
            if bytes > limit {
                // Shared pages were counted more than once: now look closely.
                bytes = procfs::proportional_bytes(self.launcher);
            }
            self.peak_bytes = self.peak_bytes.max(bytes);
            if bytes > limit {
                return Some(Ended::OutOfMemory { peak_bytes: bytes, limit_bytes: Some(limit) });
            }
        }
        if self.group.bounds_processes().is_none()
            && let Some(limit) = self.limits.processes
            && usage.threads > limit
        {
            return Some(Ended::TooManyProcesses { limit });
        }
        None
    }

    fn look_at_activity(&mut self, now: Instant) {
        let Some(activity) = self.activity.as_mut().filter(|activity| now >= activity.next) else {
            return;
        };
        activity.next = now + ACTIVITY_PERIOD;
        let used = self.group.cpu_time().unwrap_or_else(|| procfs::usage(self.launcher).cpu_time);
        // Where only living processes are counted, the sum falls as they end: that is work.
        let is_quiet = used.checked_sub(activity.cpu_time).is_some_and(|since| since < AWAKE);
        activity.quiet = if is_quiet { activity.quiet + 1 } else { 0 };
        activity.cpu_time = used;
        activity.live.set_waiting(activity.quiet >= WAITING_PERIODS);
    }

    fn look_at_silence(&mut self, now: Instant) -> Option<Ended> {
        let (allowed, silence) = (self.limits.silence?, self.silence.as_mut()?);
        if now < silence.next {
            return None;
        }
        silence.next = now + silence.period;
        let heard = self.heartbeat.last();
        let is_news = heard > silence.since;
        if !is_news && now < silence.since + allowed {
            return None;
        }
        let used = self.group.cpu_time().unwrap_or_else(|| procfs::usage(self.launcher).cpu_time);
        let needed = WORKING.min(allowed / 10);
        if !is_news && used.saturating_sub(silence.cpu_time) < needed {
            return Some(Ended::Silent { after: allowed });
        }
        silence.since = if is_news { heard } else { now };
        silence.cpu_time = used;
        None
    }
}

fn look_at_disk(limit: &DiskLimit, is_over: &dyn Fn() -> bool) -> Option<Ended> {
    let full =
        |used_bytes, free_bytes| Some(Ended::DiskFull { path: limit.path.clone(), used_bytes, free_bytes });
    let space = statvfs(limit.path.as_std_path());
    let free = space.map_or(u64::MAX, |space| space.blocks_available() * space.fragment_size());
    if limit.free_bytes_min.is_some_and(|least| free < least) {
        return full(None, free);
    }
    let most = limit.bytes_max?;
    let used = occupied_bytes(limit.path.as_std_path(), most, is_over);
    if used > most { full(Some(used), free) } else { None }
}

/// Returns what a tree occupies on its filesystem. Stops counting above
/// `enough`, or when it `is_over`.
fn occupied_bytes(root: &Path, enough: u64, is_over: &dyn Fn() -> bool) -> u64 {
    let Ok(device) = fs_err::symlink_metadata(root).map(|metadata| metadata.dev()) else {
        return 0;
    };
    let mut total = 0;
    let mut linked = HashSet::new();
    let mut pending = vec![root.to_owned()];
    while let Some(directory) = pending.pop() {
        if is_over() || total > enough {
            break;
        }
        // Things vanish while we look; whatever cannot be read counts nothing.
        for entry in fs_err::read_dir(&directory).into_iter().flatten().flatten() {
            let Ok(metadata) = entry.metadata() else {
                continue;
            };
            if metadata.dev() != device {
                continue;
            }
            let is_directory = metadata.is_dir();
            if is_directory || metadata.nlink() == 1 || linked.insert(metadata.ino()) {
                total += metadata.blocks() * 512;
            }
            if is_directory {
                pending.push(entry.path());
            }
        }
    }
    total
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hard_links_count_once() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        fs_err::create_dir(path("inner")).unwrap();
        fs_err::write(path("one"), vec![1; 1 << 20]).unwrap();
        fs_err::hard_link(path("one"), path("inner/two")).unwrap();
        let count = || occupied_bytes(directory.path(), u64::MAX, &|| false);
        let linked = count();
        assert!(linked >= 1 << 20, "{linked}");
        assert!(linked < 2 << 20, "{linked}");
        fs_err::write(path("inner/three"), vec![1; 1 << 20]).unwrap();
        assert!(count() >= 2 << 20);
        assert_eq!(occupied_bytes(directory.path(), u64::MAX, &|| true), 0);
        assert_eq!(occupied_bytes(&path("missing"), u64::MAX, &|| false), 0);
    }
}
