//! This host's own userland as the lowest layer, and what lies above it.
//!
//! The layer above hides what is the host's own: homes, mounts and foreign folders, programs and data of
//! its administrator, its secrets, which of its services start. What is left is `/usr`, `/etc` and `/var`
//! as packages made them.

use std::io;

use camino::{Utf8Path, Utf8PathBuf};

use crate::cache::{Cache, Rights};
use crate::digest::Digest;
use crate::farm;
use crate::python::{Interpreter, KnownBase};
use crate::root::{Bind, RootConfig};
use crate::settings::OsRelease;
use crate::skeleton::Skeleton;
use crate::users::Users;

/// Changes whenever layers are made in another way than before.
const FORMAT: &str = "host layer 3";
/// What of `/` is the userland. The links `/bin`, `/lib` and so on lead there.
const KEPT: [&str; 9] = ["usr", "etc", "var", "bin", "sbin", "lib", "lib32", "lib64", "libx32"];
/// What whoever runs in the root mounts anew.
const MOUNTED: [&str; 3] = ["dev", "proc", "sys"];
/// What every system has and what is empty there, with its mode.
const EMPTY: [(&str, u32); 9] = [
    ("boot", 0o755),
    ("home", 0o755),
    ("media", 0o755),
    ("mnt", 0o755),
    ("opt", 0o755),
    ("root", 0o700),
    ("run", 0o755),
    ("srv", 0o755),
    ("tmp", 0o1777),
];
/// Folders further below that begin empty: secrets, and what is of no use without the host.
const EMPTIED: [&str; 23] = [
    "etc/NetworkManager/system-connections",
    "etc/letsencrypt",
    "etc/openvpn",
    "etc/ssl/private",
    "etc/wireguard",
    "var/backups",
    "var/crash",
    "var/lib/NetworkManager",
    "var/lib/containerd",
    "var/lib/containers",
    "var/lib/docker",
    "var/lib/incus",
    "var/lib/juju",
    "var/lib/kubelet",
    "var/lib/libvirt",
    "var/lib/lxd",
    "var/lib/rancher",
    "var/lib/snapd",
    "var/lib/tailscale",
    "var/mail",
    "var/snap",
    "var/spool/cron",
    "var/tmp",
];
/// The folders of a `/usr/local` that nobody put anything into.
const LOCAL: [&str; 8] = ["bin", "etc", "games", "include", "lib", "sbin", "share", "src"];
/// Facts about the host that decide what the layer is, and where they are read.
pub(crate) struct HostUserland<'a> {
    pub(crate) cache: &'a Cache,
    /// `/`, or another folder in tests.
    pub(crate) root: &'a Utf8Path,
}

/// What the layer is for.
pub(crate) struct Wanted<'a> {
    /// The Python that is to be `python3`.
    pub(crate) interpreter: Option<&'a Interpreter>,
    /// The base that is stood in for, if it is to be told.
    pub(crate) base: Option<KnownBase>,
    pub(crate) os_release: OsRelease,
    /// Whether there is a user `ubuntu`, whom `juju ssh` logs in as.
    pub(crate) is_machine: bool,
}

/// The layer and what is bound into it.
pub(crate) struct HostLayer {
    /// The layers, top first.
    pub(crate) layers: Vec<Utf8PathBuf>,
    pub(crate) binds: Vec<Bind>,
}

impl HostUserland<'_> {
    /// Returns what the host calls itself.
    pub(crate) fn name(&self) -> String {
        let text = fs_err::read_to_string(self.root.join("etc/os-release")).unwrap_or_default();
        field(&text, "PRETTY_NAME").unwrap_or_else(|| "an unknown Linux".to_owned())
    }

    /// Returns whether the host is that base itself.
    pub(crate) fn is(&self, base: KnownBase) -> bool {
        let text = fs_err::read_to_string(self.root.join("etc/os-release")).unwrap_or_default();
        field(&text, "ID").as_deref() == Some(base.name)
            && field(&text, "VERSION_ID").as_deref() == Some(base.version)
    }

    /// Returns why the host cannot be used, if so.
    pub(crate) fn objection(&self) -> Option<&'static str> {
        let is_linked = fs_err::symlink_metadata(self.root.join("bin")).is_ok_and(|m| m.is_symlink());
        if !is_linked {
            return Some("its `/bin` is no link into `/usr`, as on every Ubuntu since 20.04");
        }
        (!self.root.join("usr/bin").is_dir()).then_some("it has no `/usr/bin`")
    }

    /// Makes the layer, or returns the one that was made.
    pub(crate) fn layer(&self, wanted: &Wanted<'_>) -> io::Result<HostLayer> {
        let mut binds = wanted.interpreter.map(Interpreter::binds).unwrap_or_default();
        if self.cache.rights() == Rights::User {
            binds.push(Bind { source: self.root.join("usr"), target: farm::PLACE.into() });
        }
        let key = self.key(wanted, &binds)?;
        let layer = self.cache.layer(&key, |folder| self.fill(folder, wanted, &binds))?;
        let layers = match self.cache.rights() {
            Rights::Root => vec![layer, self.root.to_owned()],
            Rights::User => vec![layer],
        };
        Ok(HostLayer { layers, binds })
    }

    fn key(&self, wanted: &Wanted<'_>, binds: &[Bind]) -> io::Result<Digest> {
        let mut text = String::new();
        let mut add = |part: &str| text += &format!("{}:{part}\n", part.len());
        add(FORMAT);
        add(self.root.as_str());
        add(&format!("{:?} {:?} {}", wanted.base, wanted.os_release, wanted.is_machine));
        add(&format!("{:?} {binds:?}", wanted.interpreter));
        for name in self.top()? {
            add(&name);
        }
        for name in ["etc/passwd", "etc/group", "etc/shadow", "etc/gshadow"] {
            add(&fs_err::read_to_string(self.root.join(name)).unwrap_or_default());
        }
        for folder in EMPTIED.into_iter().chain(["etc/ssh", "etc/systemd/system"]) {
            for name in self.names(folder) {
                add(&name);
            }
        }
        for path in self.log_folders() {
            add(path.as_str());
        }
        if self.cache.rights() == Rights::User {
            // What is linked and copied is that of one moment.
            for name in ["usr", "usr/bin", "usr/sbin", "usr/lib", "etc", "var/lib/dpkg/status"] {
                let changed = fs_err::metadata(self.root.join(name)).and_then(|metadata| metadata.modified());
                add(&format!("{:?}", changed.ok()));
            }
        }
        Ok(Digest::of(text.as_bytes()))
    }

    fn top(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs_err::read_dir(self.root)? {
            // What is not text cannot be an interpreter's place, and a name of `/` that is not is odd.
            names.extend(entry?.file_name().into_string());
        }
        names.sort();
        Ok(names)
    }

    fn names(&self, folder: &str) -> Vec<String> {
        let entries = fs_err::read_dir(self.root.join(folder)).into_iter().flatten().flatten();
        let mut names: Vec<String> =
            entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
        names.sort();
        names
    }

    /// Returns the folders of `/var/log`, which packages made and expect.
    fn log_folders(&self) -> Vec<Utf8PathBuf> {
        self.names("var/log")
            .into_iter()
            .map(|name| Utf8Path::new("var/log").join(name))
            .filter(|path| self.is_folder(path.as_str()))
            .collect()
    }

    fn fill(&self, layer: &Utf8Path, wanted: &Wanted<'_>, binds: &[Bind]) -> io::Result<()> {
        let below = [self.root.to_owned()];
        let layer = &Skeleton { layer, below: &below, rights: self.cache.rights() };
        layer.begin()?;
        for name in self.top()? {
            let is_ours = KEPT.contains(&name.as_str())
                || MOUNTED.contains(&name.as_str())
                || EMPTY.iter().any(|(empty, _)| *empty == name);
            if !is_ours {
                layer.hide(&name)?;
            }
        }
        for (name, mode) in EMPTY {
            layer.empty(name, mode)?;
        }
        for name in EMPTIED {
            if self.is_folder(name) {
                let place = layer.empty(name, 0o755)?;
                layer.like(&place, &fs_err::symlink_metadata(self.root.join(name))?)?;
            }
        }
        if self.is_folder("var/log") {
            layer.empty("var/log", 0o755)?;
            for path in self.log_folders() {
                let metadata = fs_err::symlink_metadata(self.root.join(&path))?;
                let place = layer.empty(path.as_str(), 0o755)?;
                layer.like(&place, &metadata)?;
            }
        }
        if wanted.interpreter.is_none_or(|python| python.prefix != "/usr/local") {
            layer.empty("usr/local", 0o755)?;
            for name in LOCAL {
                layer.empty(&format!("usr/local/{name}"), 0o755)?;
            }
        }
        for name in self.names("etc/ssh").iter().filter(|name| name.starts_with("ssh_host_")) {
            layer.hide(&format!("etc/ssh/{name}"))?;
        }
        // What starts on the host does not start in a unit; what its packages bring can be started there.
        for name in self.names("etc/systemd/system") {
            if name.ends_with(".wants") || name.ends_with(".requires") {
                layer.empty(&format!("etc/systemd/system/{name}"), 0o755)?;
            }
        }
        self.users(layer, wanted.is_machine)?;
        for name in ["etc/fstab", "etc/machine-id"] {
            layer.write(name, b"", 0o644)?;
        }
        if let (OsRelease::Base, Some(base)) = (wanted.os_release, wanted.base) {
            claim(layer, base)?;
        }
        if let Some(interpreter) = wanted.interpreter {
            interpreter.install(layer)?;
        }
        for bind in binds {
            layer.mount_point(&bind.target)?;
        }
        match layer.rights {
            Rights::Root => Ok(()),
            Rights::User => self.links(layer),
        }
    }

    /// What a plain user has instead of an overlay of `/`: see [`farm`].
    fn links(&self, layer: &Skeleton<'_>) -> io::Result<()> {
        for name in KEPT {
            let (host, own) = (self.root.join(name), layer.layer.join(name));
            if host.is_symlink() && own.symlink_metadata().is_err() {
                std::os::unix::fs::symlink(fs_err::read_link(&host)?, own)?;
            }
        }
        // Programs can be added beside those of the host.
        for name in ["usr/bin", "usr/sbin"] {
            fs_err::create_dir_all(layer.layer.join(name))?;
        }
        farm::unfold(&layer.layer.join("usr"), &self.root.join("usr"))?;
        for name in ["etc", "var"] {
            fs_err::create_dir_all(layer.layer.join(name))?;
        }
        farm::copy_readable(&self.root.join("etc"), &layer.layer.join("etc"))?;
        farm::folders_of(&self.root.join("var"), &layer.layer.join("var"), 0)?;
        let status = "var/lib/dpkg/status";
        if self.root.join(status).is_file() {
            fs_err::copy(self.root.join(status), layer.layer.join(status))?;
        }
        Ok(())
    }

    fn is_folder(&self, path: &str) -> bool {
        self.root.join(path).symlink_metadata().is_ok_and(|metadata| metadata.is_dir())
    }

    /// The users that packages made stay, without passwords; people go.
    fn users(&self, layer: &Skeleton<'_>, is_machine: bool) -> io::Result<()> {
        let read = |name: &str| fs_err::read_to_string(self.root.join(name));
        let (passwd, group) = (read("etc/passwd")?, read("etc/group")?);
        let mut users =
            Users::without_people(&passwd, &group, read("etc/shadow").ok(), read("etc/gshadow").ok());
        if is_machine {
            users.add_ubuntu();
            let home = layer.empty("home/ubuntu", 0o750)?;
            if layer.rights == Rights::Root {
                std::os::unix::fs::chown(home, Some(1000), Some(1000))?;
            }
        }
        users.write(layer)
    }
}

/// Says in all places that are asked that this is the base.
fn claim(layer: &Skeleton<'_>, base: KnownBase) -> io::Result<()> {
    let KnownBase { name, version, codename, .. } = base;
    let title = if name == "ubuntu" { "Ubuntu" } else { "Debian GNU/Linux" };
    let more = match name {
        "ubuntu" => format!("ID_LIKE=debian\nUBUNTU_CODENAME={codename}\n"),
        _ => String::new(),
    };
    let text = format!(
        "PRETTY_NAME=\"{title} {version}\"\nNAME=\"{title}\"\nVERSION_ID=\"{version}\"\nVERSION=\"{version} \
         ({codename})\"\nVERSION_CODENAME={codename}\nID={name}\n{more}"
    );
    layer.write("usr/lib/os-release", text.as_bytes(), 0o644)?;
    layer.write("etc/os-release", text.as_bytes(), 0o644)?;
    let text = format!(
        "DISTRIB_ID={title}\nDISTRIB_RELEASE={version}\nDISTRIB_CODENAME={codename}\nDISTRIB_DESCRIPTION=\"{title} \
         {version}\"\n"
    );
    layer.write("etc/lsb-release", text.as_bytes(), 0o644)?;
    Ok(())
}

/// Returns what a process in such a root finds by default.
pub(crate) fn config() -> RootConfig {
    let path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
    RootConfig {
        env: [("PATH", path), ("LANG", "C.UTF-8")].map(|(k, v)| (k.to_owned(), v.to_owned())).into(),
        work_dir: "/".into(),
        ..RootConfig::default()
    }
}

fn field(text: &str, name: &str) -> Option<String> {
    text.lines().find_map(|line| {
        let value = line.strip_prefix(name)?.strip_prefix('=')?;
        Some(value.trim_matches(['"', '\'']).to_owned())
    })
}
