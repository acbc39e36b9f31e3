//! One control group for each run, where the host lets us make one.
//!
//! Version 1: `charmproof/<run>` below our own group, for each controller.
//! Version 2 forbids groups that have both processes and controlled children,
//! so the groups go below the nearest ancestor of ours that already hands out
//! the memory controller and that we may write: in a systemd user session that
//! is `app.slice`. The command enters its group itself, just before exec, so
//! the launcher's memory is not counted.

use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use camino::{Utf8Path, Utf8PathBuf};
use nix::sys::signal::{Signal, kill};
use nix::unistd::{AccessFlags, Pid, access};

use crate::mountinfo::{self, Mount};
use crate::procfs;
use crate::record::Control;

const FAMILY: &str = "charmproof";
/// How long a group may take to become empty after its processes were killed.
const DRAIN: Duration = Duration::from_secs(2);

/// Where groups can be made for one controller.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Place {
    control: Control,
    /// Existing; ours to make `charmproof` in.
    parent: Utf8PathBuf,
}

/// Where groups can be made on this host, for each controller.
#[derive(Debug, Clone, Default)]
pub(crate) struct Places {
    memory: Option<Place>,
    pids: Option<Place>,
    cpu: Option<Place>,
}

impl Places {
    /// Looks at this process's own groups.
    pub(crate) fn find() -> Self {
        let mounts = mountinfo::read().unwrap_or_default();
        let own = fs_err::read_to_string("/proc/self/cgroup").unwrap_or_default();
        let v1 = |controller| {
            let parent = v1_group(&mounts, &own, controller).filter(|path| is_writable(path))?;
            Some(Place { control: Control::CgroupV1, parent })
        };
        let v2 = |controller| {
            let hands_out = |path: &Utf8PathBuf| {
                let control = fs_err::read_to_string(path.join("cgroup.subtree_control")).unwrap_or_default();
                control.split_ascii_whitespace().any(|word| word == controller)
                    && is_writable(path)
                    && is_writable(&path.join("cgroup.procs"))
            };
            let parent = v2_groups(&mounts, &own).into_iter().find(hands_out)?;
            Some(Place { control: Control::CgroupV2, parent })
        };
        let memory = v2("memory").or_else(|| v1("memory"));
        let pids = v2("pids").or_else(|| v1("pids"));
        // Version 2 counts time in every group; a group of version 1 for it
        // would cost a move of its own, and the launcher counts anyway.
        let cpu = memory.clone().or_else(|| pids.clone()).filter(|place| place.control == Control::CgroupV2);
        Self { memory, pids, cpu }
    }

    fn all(&self) -> Vec<&Place> {
        let mut places: Vec<&Place> = [&self.memory, &self.pids, &self.cpu].into_iter().flatten().collect();
        places.dedup();
        places
    }
}

fn is_writable(path: &Utf8Path) -> bool {
    access(path.as_std_path(), AccessFlags::W_OK).is_ok()
}

/// Returns the directory of our own group of a controller of version 1.
fn v1_group(mounts: &[Mount], own: &str, controller: &str) -> Option<Utf8PathBuf> {
    let has = |list: &str| list.split(',').any(|name| name == controller);
    let mount = mounts.iter().rfind(|mount| mount.filesystem == "cgroup" && has(&mount.super_options))?;
    let path = own.lines().find_map(|line| {
        let mut fields = line.splitn(3, ':').skip(1);
        let controllers = fields.next()?;
        fields.next().filter(|_| has(controllers))
    })?;
    group_directory(mount, path)
}

/// Returns the directory of our own group of version 2, then its ancestors.
fn v2_groups(mounts: &[Mount], own: &str) -> Vec<Utf8PathBuf> {
    let Some(mount) = mounts.iter().rfind(|mount| mount.filesystem == "cgroup2") else {
        return Vec::new();
    };
    let path = own.lines().find_map(|line| line.strip_prefix("0::"));
    let Some(directory) = path.and_then(|path| group_directory(mount, path)) else {
        return Vec::new();
    };
    let within = |path: &&Utf8Path| path.as_std_path().starts_with(&mount.point);
    directory.ancestors().take_while(within).map(Utf8Path::to_owned).collect()
}

/// In a container the mount shows only a part of the hierarchy.
fn group_directory(mount: &Mount, path: &str) -> Option<Utf8PathBuf> {
    let below = Path::new(path).strip_prefix(&mount.root).ok()?;
    Utf8PathBuf::from_path_buf(mount.point.join(below)).ok()
}

/// The groups of one run. Dropping it kills what is in them and removes them.
#[derive(Debug)]
pub(crate) struct RunGroup {
    memory: Option<(Control, Utf8PathBuf)>,
    pids: Option<(Control, Utf8PathBuf)>,
    cpu: Option<Utf8PathBuf>,
    directories: Vec<Utf8PathBuf>,
    pub(crate) notes: Vec<String>,
}

impl RunGroup {
    /// Returns a group with nothing in it, for runs without.
    pub(crate) fn none() -> Self {
        Self { memory: None, pids: None, cpu: None, directories: Vec::new(), notes: Vec::new() }
    }

    /// Makes what can be made; what cannot be is in the notes.
    pub(crate) fn create(places: &Places, memory_bytes: Option<u64>, processes: Option<u32>) -> Self {
        let mut group = Self::none();
        let name = run_name();
        for place in places.all() {
            match create_directory(place, &name) {
                Ok(directory) => group.directories.push(directory),
                Err(error) => group.notes.push(format!("no control group: {error}")),
            }
        }
        let directory = |place: &Option<Place>| {
            let directory = place.as_ref()?.parent.join(FAMILY).join(&name);
            group.directories.contains(&directory).then_some(directory)
        };
        let memory = directory(&places.memory).zip(places.memory.as_ref());
        let pids = directory(&places.pids).zip(places.pids.as_ref());
        group.cpu = directory(&places.cpu);
        if let Some((directory, place)) = memory {
            match limit_memory(&directory, place.control, memory_bytes) {
                Ok(()) => group.memory = Some((place.control, directory)),
                Err(error) => group.notes.push(format!("no memory limit by control group: {error}")),
            }
        }
        if let Some((directory, place)) = pids {
            let limit = processes.map_or("max".to_owned(), |limit| limit.to_string());
            match fs_err::write(directory.join("pids.max"), limit) {
                Ok(()) => group.pids = Some((place.control, directory)),
                Err(error) => group.notes.push(format!("no process limit by control group: {error}")),
            }
        }
        group
    }

    /// Returns the files through which a process joins.
    pub(crate) fn joins(&self) -> Vec<Utf8PathBuf> {
        self.directories.iter().map(|directory| directory.join("cgroup.procs")).collect()
    }

    pub(crate) fn bounds_memory(&self) -> Option<Control> {
        self.memory.as_ref().map(|(control, _)| *control)
    }

    pub(crate) fn bounds_processes(&self) -> Option<Control> {
        self.pids.as_ref().map(|(control, _)| *control)
    }

    pub(crate) fn cpu_time(&self) -> Option<Duration> {
        let stat = fs_err::read_to_string(self.cpu.as_ref()?.join("cpu.stat")).ok()?;
        field(&stat, "usage_usec").map(Duration::from_micros)
    }

    /// Returns the most memory that was charged, page cache included.
    pub(crate) fn memory_peak_bytes(&self) -> Option<u64> {
        let (control, directory) = self.memory.as_ref()?;
        let name = if *control == Control::CgroupV1 { "memory.max_usage_in_bytes" } else { "memory.peak" };
        fs_err::read_to_string(directory.join(name)).ok()?.trim().parse().ok()
    }

    /// Returns how many processes the kernel killed for want of memory.
    pub(crate) fn oom_kills(&self) -> u64 {
        let Some((control, directory)) = &self.memory else {
            return 0;
        };
        let name = if *control == Control::CgroupV1 { "memory.oom_control" } else { "memory.events" };
        let counters = fs_err::read_to_string(directory.join(name)).unwrap_or_default();
        field(&counters, "oom_kill").unwrap_or(0)
    }

    /// Returns how many forks were refused.
    pub(crate) fn refused_forks(&self) -> u64 {
        let Some((_, directory)) = &self.pids else {
            return 0;
        };
        let counters = fs_err::read_to_string(directory.join("pids.events")).unwrap_or_default();
        field(&counters, "max").unwrap_or(0)
    }

    /// Kills what is in the groups: only what escaped from the launcher.
    pub(crate) fn kill(&self) {
        for directory in &self.directories {
            let members = fs_err::read_to_string(directory.join("cgroup.procs")).unwrap_or_default();
            for pid in members.lines().filter_map(|line| line.parse().ok()).filter(|pid| *pid > 0) {
                let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
            }
        }
    }
}

impl Drop for RunGroup {
    fn drop(&mut self) {
        let deadline = Instant::now() + DRAIN;
        loop {
            self.directories.retain(|directory| remove_tree(directory).is_err());
            if self.directories.is_empty() || Instant::now() > deadline {
                // Whatever is left now is for `sweep`.
                return;
            }
            self.kill();
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

/// Removes the groups that killed runs of charmproof left behind and returns
/// how many. Those of living runs are left alone.
pub fn sweep() -> usize {
    let removed = left_groups().iter().filter(|group| remove_tree(group).is_ok()).count();
    for family in families() {
        // Only goes if it is empty.
        let _ = fs_err::remove_dir(&family);
    }
    removed
}

/// Returns the control groups that killed runs of charmproof left behind.
pub fn left_groups() -> Vec<Utf8PathBuf> {
    let entries = families().into_iter().flat_map(|family| family.read_dir_utf8().into_iter().flatten());
    let entries = entries.flatten().filter(|entry| is_abandoned(entry.file_name()));
    entries.map(|entry| entry.path().to_owned()).collect()
}

/// Returns the groups that those of runs are made in.
fn families() -> Vec<Utf8PathBuf> {
    Places::find().all().into_iter().map(|place| place.parent.join(FAMILY)).collect()
}

/// A name that tells whose it is: number and birth of this process, and a
/// counter.
fn run_name() -> String {
    static COUNTER: AtomicU64 = AtomicU64::new(0);
    let pid = std::process::id();
    let start = procfs::start_time(pid).unwrap_or(0);
    format!("{pid}-{start}-{}", COUNTER.fetch_add(1, Ordering::Relaxed))
}

fn is_abandoned(name: &str) -> bool {
    let mut numbers = name.splitn(3, '-').map(|number| number.parse::<u64>().ok());
    let (Some(Some(pid)), Some(Some(start))) = (numbers.next(), numbers.next()) else {
        return false;
    };
    u32::try_from(pid).is_ok_and(|pid| procfs::start_time(pid) != Some(start))
}

fn create_directory(place: &Place, name: &str) -> io::Result<Utf8PathBuf> {
    let family = place.parent.join(FAMILY);
    let directory = family.join(name);
    let mut attempts = 0;
    loop {
        fs_err::create_dir_all(&family)?;
        if place.control == Control::CgroupV2 {
            fs_err::write(family.join("cgroup.subtree_control"), "+memory +pids")
                .or_else(|_| fs_err::write(family.join("cgroup.subtree_control"), "+memory"))?;
        }
        match fs_err::create_dir(&directory) {
            Ok(()) => return Ok(directory),
            // Another run, just over, removed the family as its last.
            Err(error) if error.kind() == io::ErrorKind::NotFound && attempts < 10 => attempts += 1,
            Err(error) => return Err(error),
        }
    }
}

fn limit_memory(directory: &Utf8Path, control: Control, bytes: Option<u64>) -> io::Result<()> {
    let Some(bytes) = bytes else { return Ok(()) };
    let bytes = bytes.to_string();
    if control == Control::CgroupV1 {
        fs_err::write(directory.join("memory.limit_in_bytes"), &bytes)?;
        return optional(fs_err::write(directory.join("memory.memsw.limit_in_bytes"), &bytes));
    }
    fs_err::write(directory.join("memory.max"), &bytes)?;
    optional(fs_err::write(directory.join("memory.swap.max"), "0"))?;
    optional(fs_err::write(directory.join("memory.oom.group"), "1"))
}

/// A file that kernels built without it, for example without swap, lack.
fn optional(written: io::Result<()>) -> io::Result<()> {
    written.or_else(|error| match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied => Ok(()),
        _ => Err(error),
    })
}

/// Removes a group, the groups that the command made in it, and the family if
/// it was the last.
fn remove_tree(directory: &Utf8Path) -> io::Result<()> {
    for entry in directory.read_dir_utf8().into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            remove_tree(entry.path())?;
        }
    }
    match fs_err::remove_dir(directory) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    if let Some(family) = directory.parent().filter(|parent| parent.file_name() == Some(FAMILY)) {
        let _ = fs_err::remove_dir(family);
    }
    Ok(())
}

/// Returns the number behind a word that begins a line.
fn field(text: &str, name: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOUNTS: &[u8] = b"32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n\
        35 31 0:32 /docker/abc /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n\
        41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n";
    const OWN: &str = "4:memory:/docker/abc/inner\n2:cpu,cpuacct:/x\n0::/user.slice/app.slice/a:b.scope\n";

    #[test]
    fn own_groups_are_found() {
        let mounts = mountinfo::parse(MOUNTS);
        let v1 = |controller| v1_group(&mounts, OWN, controller);
        assert_eq!(v1("memory"), Some("/sys/fs/cgroup/memory/inner".into()));
        assert_eq!(v1("cpuacct"), Some("/sys/fs/cgroup/cpu,cpuacct/x".into()));
        assert_eq!(v1("pids"), None);
        let v2: Vec<String> = v2_groups(&mounts, OWN).into_iter().map(String::from).collect();
        let unified = "/sys/fs/cgroup/unified";
        assert_eq!(
            v2,
            [
                format!("{unified}/user.slice/app.slice/a:b.scope"),
                format!("{unified}/user.slice/app.slice"),
                format!("{unified}/user.slice"),
                unified.to_owned(),
            ]
        );
    }

    #[test]
    fn counters_are_read_by_whole_word() {
        let text = "oom_kill_disable 0\nunder_oom 0\noom_kill 3\n";
        assert_eq!(field(text, "oom_kill"), Some(3));
        assert_eq!(field(text, "oom"), None);
    }

    #[test]
    fn only_groups_of_dead_processes_are_abandoned() {
        assert!(!is_abandoned(&run_name()));
        assert!(is_abandoned(&format!("{}-1-0", std::process::id())));
        assert!(!is_abandoned("somebody-elses"));
    }
}
