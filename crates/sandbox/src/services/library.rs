//! Where unit files are: folders, links, drop-ins, templates, init scripts.
//!
//! All paths that this module takes and returns are those of the machine; the root folder is put
//! before them where files are touched. Each question is asked of the disk; only which links there
//! are is remembered, for as long as no folder changes.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::PermissionsExt as _;
use std::time::{Duration, SystemTime};

use camino::{Utf8Path, Utf8PathBuf};

use super::condition::in_root;
use super::name::{UnitKind, UnitName};
use super::specifiers::Identity;
use super::text;
use super::unit::{Kind, LoadState, Source, Unit};

/// The folders of unit files, the first of which wins.
pub(crate) const FOLDERS: [&str; 7] = [
    "/etc/systemd/system",
    "/run/systemd/system",
    "/run/systemd/generator",
    "/usr/local/lib/systemd/system",
    "/usr/lib/systemd/system",
    "/lib/systemd/system",
    "/run/systemd/generator.late",
];

/// Where links that enable are made.
pub(crate) const CONFIGURATION: &str = "/etc/systemd/system";
/// The same, until the next start of the machine.
pub(crate) const RUNTIME: &str = "/run/systemd/system";

/// The units of a machine, on its disk.
#[derive(Debug, Clone)]
pub(crate) struct Library {
    pub root: Utf8PathBuf,
    pub identity: Identity,
    /// Asked for with every unit, and dear to find out.
    links: RefCell<Option<Links>>,
}

/// Other names of units, and when the folders with them were changed.
#[derive(Debug, Clone)]
struct Links {
    changed: [Option<SystemTime>; FOLDERS.len()],
    names: BTreeMap<UnitName, BTreeSet<UnitName>>,
}

/// How coarse the clock of a filesystem may be.
const CLOCK_TICK: Duration = Duration::from_millis(20);

/// What a name leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Found {
    /// The file, and the name under which it is a unit of its own.
    File {
        path: Utf8PathBuf,
        name: UnitName,
    },
    Masked {
        path: Utf8PathBuf,
    },
    Script {
        path: Utf8PathBuf,
    },
    Nothing,
}

impl Library {
    pub(crate) fn new(root: &Utf8Path) -> Self {
        let read = |path: &str| {
            crate::plain::read_text(in_root(root, path)).map_or(String::new(), |text| text.trim().to_owned())
        };
        let read_own =
            |path: &str| crate::plain::read_text(path).map_or(String::new(), |text| text.trim().to_owned());
        let host_name = read("/etc/hostname");
        let identity = Identity {
            host_name: if host_name.is_empty() { read_own("/proc/sys/kernel/hostname") } else { host_name },
            machine_id: read("/etc/machine-id"),
            boot_id: read_own("/proc/sys/kernel/random/boot_id").replace('-', ""),
            kernel: read_own("/proc/sys/kernel/osrelease"),
        };
        Self { root: root.to_owned(), identity, links: RefCell::new(None) }
    }

    pub(crate) fn path(&self, path: &str) -> Utf8PathBuf {
        in_root(&self.root, path)
    }

    /// The file of a name: its own, that of what it is another name of, or that of its template.
    pub(crate) fn find(&self, name: &UnitName) -> Found {
        let mut name = name.clone();
        // A chain of other names longer than this is a circle.
        for _ in 0..8 {
            let own = self.find_exactly(&name);
            let template = || name.template().and_then(|template| self.find_exactly(&template));
            match own.or_else(template) {
                None => break,
                Some(Candidate::Masked(path)) => return Found::Masked { path },
                Some(Candidate::File(path)) => return Found::File { path, name },
                Some(Candidate::Alias(other)) => {
                    // A link from an instance to a template names the same instance of it.
                    name = match name.instance() {
                        Some(instance) if other.is_template() => other.with_instance(instance),
                        Some(_) | None => other,
                    };
                }
            }
        }
        let script = Utf8PathBuf::from(format!("/etc/init.d/{}", name.stem()));
        let is_script = name.kind() == UnitKind::Service
            && self
                .path(script.as_str())
                .metadata()
                .is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0);
        if is_script { Found::Script { path: script } } else { Found::Nothing }
    }

    fn find_exactly(&self, name: &UnitName) -> Option<Candidate> {
        for folder in FOLDERS {
            let path = Utf8PathBuf::from(format!("{folder}/{name}"));
            let real = self.path(path.as_str());
            let Ok(found) = fs_err::symlink_metadata(&real) else { continue };
            if found.is_symlink() {
                let Ok(target) = real.read_link_utf8() else { continue };
                if target == "/dev/null" {
                    return Some(Candidate::Masked(path));
                }
                let other = target.file_name().and_then(|other| UnitName::parse(other).ok());
                if let Some(other) =
                    other.filter(|other| other != name && name.template().as_ref() != Some(other))
                    && self.is_in_folders(&target)
                {
                    return Some(Candidate::Alias(other));
                }
                // A unit file that lies elsewhere and is linked to.
                let target = Self::resolved(&path, &target);
                if self.path(target.as_str()).is_file() {
                    return Some(Candidate::File(target));
                }
                continue;
            }
            if found.is_file() {
                // A file without a byte is a mask too.
                return Some(if found.len() == 0 { Candidate::Masked(path) } else { Candidate::File(path) });
            }
        }
        None
    }

    fn is_in_folders(&self, target: &Utf8Path) -> bool {
        !target.is_absolute()
            || FOLDERS.iter().any(|folder| target.parent() == Some(Utf8Path::new(folder)))
            || self.path(target.as_str()).symlink_metadata().is_err()
    }

    /// Where a link leads, as a path of the machine.
    fn resolved(link: &Utf8Path, target: &Utf8Path) -> Utf8PathBuf {
        if target.is_absolute() {
            return target.to_owned();
        }
        let mut path = link.parent().map(Utf8Path::to_owned).unwrap_or_default();
        for part in target.components() {
            match part.as_str() {
                ".." => {
                    path.pop();
                }
                "." => {}
                part => path.push(part),
            }
        }
        path
    }

    /// Reads a unit, with its drop-ins and the links that stand for dependencies.
    pub(crate) fn load(&self, asked: &UnitName) -> Unit {
        let (name, fragment, mut text) = match self.find(asked) {
            Found::Nothing => {
                let mut unit = match asked.kind() {
                    // Images without systemd have no files for the targets that everybody knows.
                    UnitKind::Target if is_standard(asked) => {
                        let mut unit = Unit::absent(asked, LoadState::Loaded);
                        self.add_links(&mut unit);
                        unit
                    }
                    UnitKind::Other => {
                        let mut unit = Unit::absent(asked, LoadState::Loaded);
                        unit.kind = Kind::Provided;
                        unit
                    }
                    UnitKind::Service | UnitKind::Socket | UnitKind::Timer | UnitKind::Target => {
                        Unit::absent(asked, LoadState::NotFound)
                    }
                };
                if is_provided(asked) {
                    unit.load = LoadState::Loaded;
                    unit.kind = Kind::Provided;
                }
                return unit;
            }
            Found::Masked { path } => {
                let mut unit = Unit::absent(asked, LoadState::Masked);
                unit.source.fragment = Some(path);
                return unit;
            }
            Found::Script { path } => {
                let content = crate::plain::read_text(self.path(path.as_str())).unwrap_or_default();
                let mut unit = Unit::read(asked, &text::parse(&script_unit(&path, &content)), &self.identity);
                unit.source = Source {
                    changed: vec![(path.clone(), self.changed(&path))],
                    script: Some(path),
                    ..Source::default()
                };
                return unit;
            }
            Found::File { path, name } => {
                let content = self.read(&path);
                (name, path, text::parse(&content))
            }
        };
        if name.is_template() {
            return Unit::absent(asked, LoadState::NotFound);
        }
        let drop_ins = self.drop_ins(&name, asked);
        for path in &drop_ins {
            text.extend(text::parse(&self.read(path)));
        }
        let mut unit = Unit::read(&name, &text, &self.identity);
        if asked != &name {
            unit.aliases.insert(asked.clone());
        }
        unit.aliases.extend(self.aliases(&name));
        for path in std::iter::once(&fragment).chain(&drop_ins) {
            unit.source.changed.push((path.clone(), self.changed(path)));
        }
        unit.source.fragment = Some(fragment);
        unit.source.drop_ins = drop_ins;
        self.add_links(&mut unit);
        if is_provided(&name) {
            unit.kind = Kind::Provided;
            unit.load = LoadState::Loaded;
        }
        unit
    }

    fn read(&self, path: &Utf8Path) -> String {
        let bytes = crate::plain::read(self.path(path.as_str())).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    fn changed(&self, path: &Utf8Path) -> Option<SystemTime> {
        self.path(path.as_str()).metadata().and_then(|found| found.modified()).ok()
    }

    /// Whether the files of a unit are no longer those that were read.
    pub(crate) fn is_outdated(&self, unit: &Unit) -> bool {
        if unit.load == LoadState::NotFound {
            return false;
        }
        if unit.source.changed.iter().any(|(path, changed)| self.changed(path) != *changed) {
            return true;
        }
        unit.source.fragment.is_some()
            && unit.load != LoadState::Masked
            && self.drop_ins(&unit.name, &unit.name) != unit.source.drop_ins
    }

    /// The drop-ins of a unit, in the order in which they are read.
    fn drop_ins(&self, name: &UnitName, asked: &UnitName) -> Vec<Utf8PathBuf> {
        let mut stems = vec![name.suffix().trim_start_matches('.').to_owned()];
        // `a-b-c.service` also reads `a-.service.d` and `a-b-.service.d`.
        let dashes = name.stem().match_indices('-').map(|(at, _)| at);
        stems.extend(dashes.map(|at| format!("{}{}", &name.stem()[..=at], name.suffix())));
        stems.extend(name.template().map(|template| template.as_str().to_owned()));
        stems.push(name.as_str().to_owned());
        if asked != name {
            stems.push(asked.as_str().to_owned());
        }
        // What is more special comes first, and hides a file of the same name.
        let mut found: BTreeMap<String, Utf8PathBuf> = BTreeMap::new();
        for folder in FOLDERS {
            for stem in stems.iter().rev() {
                let Ok(entries) = fs_err::read_dir(self.path(&format!("{folder}/{stem}.d"))) else {
                    continue;
                };
                for entry in entries.flatten() {
                    let Ok(file) = entry.file_name().into_string() else { continue };
                    if file.ends_with(".conf") {
                        let path = Utf8PathBuf::from(format!("{folder}/{stem}.d/{file}"));
                        found.entry(file).or_insert(path);
                    }
                }
            }
        }
        let is_masked = |path: &Utf8PathBuf| {
            self.path(path.as_str()).read_link_utf8().is_ok_and(|target| target == "/dev/null")
        };
        found.into_values().filter(|path| !is_masked(path)).collect()
    }

    /// Other names that lead to a unit.
    fn aliases(&self, name: &UnitName) -> BTreeSet<UnitName> {
        let mut known = self.links.borrow_mut();
        let changed = FOLDERS.map(|folder| self.changed(Utf8Path::new(folder)));
        if known.as_ref().is_none_or(|known| known.changed != changed) {
            let names = self.read_links();
            // A folder that changed just now may change once more within the same tick of its clock.
            let settled = SystemTime::now() - CLOCK_TICK;
            let is_settled = changed.iter().flatten().all(|changed| *changed < settled);
            *known = is_settled.then_some(Links { changed, names: names.clone() });
            return names.get(name).cloned().unwrap_or_default();
        }
        let names = known.as_ref().and_then(|known| known.names.get(name));
        names.cloned().unwrap_or_default()
    }

    /// For each unit, the links that lead to it under other names.
    fn read_links(&self) -> BTreeMap<UnitName, BTreeSet<UnitName>> {
        let mut names: BTreeMap<UnitName, BTreeSet<UnitName>> = BTreeMap::new();
        for folder in FOLDERS {
            for entry in fs_err::read_dir(self.path(folder)).into_iter().flatten().flatten() {
                if !entry.file_type().is_ok_and(|kind| kind.is_symlink()) {
                    continue;
                }
                let alias = entry.file_name().to_str().and_then(|file| UnitName::parse(file).ok());
                let target = fs_err::read_link(entry.path()).ok();
                let target = target.and_then(|target| Utf8PathBuf::from_path_buf(target).ok());
                let (Some(alias), Some(target)) = (alias, target) else { continue };
                let name = target.file_name().and_then(|file| UnitName::parse(file).ok());
                if let Some(name) = name.filter(|name| alias != *name && alias.kind() == name.kind())
                    && self.is_in_folders(&target)
                {
                    names.entry(name).or_default().insert(alias);
                }
            }
        }
        names
    }

    /// The units of a folder.
    fn entries(&self, folder: &str) -> Vec<(UnitName, Utf8PathBuf)> {
        let Ok(entries) = fs_err::read_dir(self.path(folder)) else { return Vec::new() };
        entries
            .flatten()
            .filter_map(|entry| {
                let file = entry.file_name().into_string().ok()?;
                let name = UnitName::parse(&file).ok()?;
                let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
                (!is_folder).then(|| (name, Utf8PathBuf::from(format!("{folder}/{file}"))))
            })
            .collect()
    }

    /// Every unit file, with where it is.
    pub(crate) fn all(&self) -> BTreeMap<UnitName, Utf8PathBuf> {
        let mut all = BTreeMap::new();
        for folder in FOLDERS {
            for (name, path) in self.entries(folder) {
                all.entry(name).or_insert(path);
            }
        }
        all
    }

    /// The dependencies that links in `….wants` and `….requires` stand for.
    fn add_links(&self, unit: &mut Unit) {
        let mut names: Vec<UnitName> = vec![unit.name.clone()];
        names.extend(unit.name.template());
        names.extend(unit.aliases.iter().cloned());
        let (mut wants, mut requires) = (BTreeSet::new(), BTreeSet::new());
        for name in &names {
            for folder in FOLDERS {
                let read = |end: &str| {
                    let entries = fs_err::read_dir(self.path(&format!("{folder}/{name}.{end}")));
                    let names = entries.into_iter().flatten().flatten().filter_map(|entry| {
                        let file = entry.file_name().into_string().ok()?;
                        let name = UnitName::parse(&file).ok()?;
                        (!name.is_template()).then_some(name)
                    });
                    names.collect::<Vec<_>>()
                };
                wants.extend(read("wants"));
                requires.extend(read("requires"));
            }
        }
        if unit.kind == Kind::Target {
            unit.after.extend(wants.union(&requires).filter(|name| !unit.before.contains(name)).cloned());
        }
        unit.wants.extend(wants);
        unit.requires.extend(requires);
    }
}

enum Candidate {
    File(Utf8PathBuf),
    Alias(UnitName),
    Masked(Utf8PathBuf),
}

/// The targets of the early boot, which is over in every machine of ours: they are reached, and
/// nothing is started for them.
pub(crate) fn is_early(name: &UnitName) -> bool {
    const NAMES: [&str; 26] = [
        "basic.target",
        "sysinit.target",
        "local-fs.target",
        "local-fs-pre.target",
        "remote-fs.target",
        "remote-fs-pre.target",
        "network.target",
        "network-pre.target",
        "network-online.target",
        "nss-lookup.target",
        "nss-user-lookup.target",
        "time-sync.target",
        "time-set.target",
        "swap.target",
        "paths.target",
        "slices.target",
        "cryptsetup.target",
        "cryptsetup-pre.target",
        "integritysetup.target",
        "veritysetup.target",
        "rpcbind.target",
        "getty.target",
        "getty-pre.target",
        "first-boot-complete.target",
        "system-update-pre.target",
        "cloud-init.target",
    ];
    NAMES.contains(&name.as_str())
}

/// Targets that are there even if no file says so.
fn is_standard(name: &UnitName) -> bool {
    const NAMES: [&str; 5] =
        ["multi-user.target", "graphical.target", "sockets.target", "timers.target", "shutdown.target"];
    is_early(name) || NAMES.contains(&name.as_str())
}

/// Services that the machine as a whole stands for: its journal, its devices, its network, its
/// clock and its terminals. They are always there, and starting or stopping them does nothing.
pub(crate) fn is_provided(name: &UnitName) -> bool {
    const NAMES: [&str; 18] = [
        "systemd-journald",
        "systemd-journal-flush",
        "systemd-udevd",
        "systemd-udev-trigger",
        "systemd-logind",
        "systemd-networkd",
        "systemd-networkd-wait-online",
        "systemd-resolved",
        "systemd-timesyncd",
        "systemd-modules-load",
        "systemd-sysctl",
        "systemd-sysusers",
        "systemd-tmpfiles-setup",
        "systemd-remount-fs",
        "systemd-random-seed",
        "systemd-user-sessions",
        "networking",
        "NetworkManager-wait-online",
    ];
    NAMES.contains(&name.stem()) || name.as_str().starts_with("systemd-journald")
}

/// Units that are enabled on real machines and are not started with one of ours: terminals, and
/// the house-keeping of packages, whose locks would get into the way of a charm's `apt-get`.
pub(crate) fn is_left_out_of_boot(name: &UnitName) -> bool {
    const BEGINS: [&str; 18] = [
        "apt-daily",
        "console-",
        "container-getty",
        "dpkg-db-backup",
        "e2scrub",
        "emergency",
        "fstrim",
        "getty",
        "keyboard-setup",
        "man-db",
        "motd-news",
        "plymouth",
        "rescue",
        "serial-getty",
        "snapd",
        "systemd-",
        "ua-timer",
        "unattended-upgrades",
    ];
    BEGINS.iter().any(|begin| name.as_str().starts_with(begin))
}

/// The unit that stands for an init script.
fn script_unit(path: &Utf8Path, content: &str) -> String {
    let header = |key: &str| {
        content
            .lines()
            .take_while(|line| !line.starts_with("### END INIT INFO"))
            .find_map(|line| line.trim_start_matches(['#', ' ']).strip_prefix(key))
            .map(|value| value.trim_start_matches(':').trim().to_owned())
            .filter(|value| !value.is_empty())
    };
    let description = header("Short-Description").or_else(|| header("Description"));
    let name = path.file_name().unwrap_or("");
    let reload =
        if content.contains("reload") { format!("ExecReload={path} reload\n") } else { String::new() };
    format!(
        "[Unit]\nSourcePath={path}\nDescription=LSB: {}\n\
         [Service]\nType=forking\nRestart=no\nTimeoutSec=5min\nKillMode=process\nGuessMainPID=no\n\
         RemainAfterExit=yes\nSuccessExitStatus=5 6\nExecStart={path} start\nExecStop={path} stop\n{reload}",
        description.unwrap_or_else(|| name.to_owned())
    )
}

/// Whether an init script is enabled: a link that starts it in the usual runlevels.
pub(crate) fn is_script_enabled(root: &Utf8Path, name: &str) -> bool {
    ["2", "3", "4", "5", "S"].iter().any(|level| {
        let entries = fs_err::read_dir(in_root(root, &format!("/etc/rc{level}.d")));
        entries.into_iter().flatten().flatten().any(|entry| {
            let file = entry.file_name();
            file.to_str().is_some_and(|file| file.starts_with('S') && file.get(3..) == Some(name))
        })
    })
}

#[cfg(test)]
#[path = "library_tests.rs"]
mod tests;
