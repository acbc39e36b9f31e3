//! Images made for a test, and a look into the roots that become of them.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::process::Command;

use camino::{Utf8Path, Utf8PathBuf};
use charmproof_images::{Images, Root, Settings};
use serde_json::json;
use sha2::{Digest as _, Sha256};
use tar::{Builder, EntryType, Header};

pub(crate) fn digest(bytes: &[u8]) -> String {
    let digits: Vec<String> = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{}", digits.concat())
}

/// A folder for one test, with a cache in it.
pub(crate) struct Bench {
    folder: tempfile::TempDir,
    hidden: tempfile::TempDir,
}

impl Bench {
    pub(crate) fn new() -> Self {
        // Not below /tmp, which the sandbox replaces.
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        Self { folder, hidden: tempfile::tempdir().unwrap() }
    }

    /// Returns a folder that nobody in the sandbox sees.
    pub(crate) fn hidden(&self) -> Utf8PathBuf {
        Utf8PathBuf::try_from(self.hidden.path().to_owned()).unwrap()
    }

    pub(crate) fn path(&self) -> Utf8PathBuf {
        Utf8PathBuf::try_from(self.folder.path().to_owned()).unwrap()
    }

    pub(crate) fn images(&self) -> Images {
        self.images_with(Settings::default())
    }

    pub(crate) fn images_with(&self, settings: Settings) -> Images {
        Images::new(&self.path().join("cache"), settings).unwrap()
    }

    /// Writes a layout with these images, each with a tag.
    pub(crate) fn layout(&self, name: &str, images: &[(&str, &Image)]) -> Utf8PathBuf {
        let folder = self.path().join(name);
        let mut manifests = Vec::new();
        for (tag, image) in images {
            let mut entry = image.descriptor();
            entry["annotations"] = json!({"org.opencontainers.image.ref.name": tag});
            manifests.push(entry);
            for (digest, blob) in image.blobs() {
                let path = folder.join("blobs/sha256").join(digest.strip_prefix("sha256:").unwrap());
                fs_err::create_dir_all(path.parent().unwrap()).unwrap();
                fs_err::write(path, blob).unwrap();
            }
        }
        let index = json!({"schemaVersion": 2, "manifests": manifests});
        fs_err::write(folder.join("index.json"), index.to_string()).unwrap();
        fs_err::write(folder.join("oci-layout"), "{\"imageLayoutVersion\": \"1.0.0\"}").unwrap();
        folder
    }
}

/// How a layer is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Compression {
    None,
    Gzip,
    Zstd,
}

/// An image of layers.
#[derive(Debug, Clone)]
pub(crate) struct Image {
    pub(crate) layers: Vec<Vec<u8>>,
    pub(crate) compression: Compression,
    pub(crate) config: serde_json::Value,
    pub(crate) architecture: &'static str,
}

impl Image {
    pub(crate) fn of(layers: Vec<Vec<u8>>) -> Self {
        let architecture = match std::env::consts::ARCH {
            "x86_64" => "amd64",
            "aarch64" => "arm64",
            other => other,
        };
        Self { layers, compression: Compression::Gzip, config: json!({}), architecture }
    }

    fn compressed(&self) -> Vec<Vec<u8>> {
        let compress = |layer: &Vec<u8>| match self.compression {
            Compression::None => layer.clone(),
            Compression::Gzip => {
                let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
                encoder.write_all(layer).unwrap();
                encoder.finish().unwrap()
            }
            Compression::Zstd => zstd::encode_all(layer.as_slice(), 1).unwrap(),
        };
        self.layers.iter().map(compress).collect()
    }

    pub(crate) fn configuration(&self) -> Vec<u8> {
        let layers: Vec<String> = self.layers.iter().map(|layer| digest(layer)).collect();
        let text = json!({
            "architecture": self.architecture, "os": "linux", "config": self.config,
            "rootfs": {"type": "layers", "diff_ids": layers},
        });
        text.to_string().into_bytes()
    }

    pub(crate) fn manifest(&self) -> Vec<u8> {
        let part = |bytes: &[u8], kind: &str| json!({"mediaType": kind, "digest": digest(bytes), "size": bytes.len()});
        let layers: Vec<serde_json::Value> = self
            .compressed()
            .iter()
            .map(|layer| part(layer, "application/vnd.oci.image.layer.v1.tar+gzip"))
            .collect();
        let config = part(&self.configuration(), "application/vnd.oci.image.config.v1+json");
        json!({"schemaVersion": 2, "config": config, "layers": layers}).to_string().into_bytes()
    }

    pub(crate) fn descriptor(&self) -> serde_json::Value {
        let manifest = self.manifest();
        json!({
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "digest": digest(&manifest), "size": manifest.len(),
            "platform": {"os": "linux", "architecture": self.architecture},
        })
    }

    /// Returns all parts by their digests.
    pub(crate) fn blobs(&self) -> BTreeMap<String, Vec<u8>> {
        let parts = self.compressed().into_iter().chain([self.configuration(), self.manifest()]);
        parts.map(|part| (digest(&part), part)).collect()
    }
}

/// An entry of an archive, named as it is written: nothing is made better.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    header: Header,
    content: Vec<u8>,
}

impl Entry {
    fn new(kind: EntryType, name: &str, mode: u32) -> Self {
        let mut header = Header::new_gnu();
        header.set_entry_type(kind);
        header.set_mode(mode);
        header.set_size(0);
        header.set_mtime(1_700_000_000);
        header.set_uid(0);
        header.set_gid(0);
        // Not `set_path`, which refuses what is to be refused here.
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        Self { header, content: Vec::new() }
    }

    pub(crate) fn file(name: &str, text: &str) -> Self {
        let mut entry = Self::new(EntryType::Regular, name, 0o644);
        entry.header.set_size(text.len() as u64);
        entry.content = text.as_bytes().to_vec();
        entry
    }

    pub(crate) fn folder(name: &str) -> Self {
        Self::new(EntryType::Directory, name, 0o755)
    }

    pub(crate) fn device(name: &str) -> Self {
        Self::new(EntryType::Char, name, 0o666)
    }

    pub(crate) fn link(name: &str, target: &str) -> Self {
        Self::new(EntryType::Symlink, name, 0o777).leading_to(target)
    }

    pub(crate) fn hard_link(name: &str, target: &str) -> Self {
        Self::new(EntryType::Link, name, 0o644).leading_to(target)
    }

    fn leading_to(mut self, target: &str) -> Self {
        self.header.as_old_mut().linkname[..target.len()].copy_from_slice(target.as_bytes());
        self
    }

    pub(crate) fn mode(mut self, mode: u32) -> Self {
        self.header.set_mode(mode);
        self
    }

    pub(crate) fn owned_by(mut self, user: u64, group: u64) -> Self {
        self.header.set_uid(user);
        self.header.set_gid(group);
        self
    }

    pub(crate) fn of_kind(mut self, kind: EntryType) -> Self {
        self.header.set_entry_type(kind);
        self
    }

    /// Lies about its size.
    pub(crate) fn claiming(mut self, bytes: u64) -> Self {
        self.header.set_size(bytes);
        self
    }
}

/// Makes a plain archive.
pub(crate) fn archive(entries: &[Entry]) -> Vec<u8> {
    let mut builder = Builder::new(Vec::new());
    for entry in entries {
        let mut header = entry.header.clone();
        header.set_cksum();
        builder.append(&header, entry.content.as_slice()).unwrap();
    }
    builder.into_inner().unwrap()
}

pub(crate) fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Runs a script in a root, put together as a unit's is, and returns what it printed.
pub(crate) fn run_in(bench: &Bench, root: &Root, script: &str) -> String {
    let place = tempfile::tempdir_in(bench.path()).unwrap();
    let place = Utf8Path::from_path(place.path()).unwrap();
    for name in ["upper", "work", "root"] {
        fs_err::create_dir(place.join(name)).unwrap();
    }
    let lower = root.prepare(&place.join("upper")).unwrap();
    let lower: Vec<&str> = lower.iter().map(|layer| layer.as_str()).collect();
    let attributes = if is_root() { "" } else { ",userxattr" };
    let mut mounts = format!(
        "set -e\nmount -t overlay overlay -o lowerdir={},upperdir=upper,workdir=work{attributes} root\n",
        lower.join(":")
    );
    for bind in &root.binds {
        mounts += &format!(
            "mount --bind {} root{}\nmount -o remount,bind,ro root{}\n",
            bind.source, bind.target, bind.target
        );
    }
    mounts += "mkdir -p root/dev\nmount --rbind /dev root/dev\n";
    mounts += "exec chroot root /bin/sh -c \"$1\"\n";
    let mut command = Command::new("unshare");
    if !is_root() {
        command.args(["--user", "--map-root-user"]);
    }
    let output = command
        .args(["--mount", "--propagation", "private", "sh", "-c", &mounts, "sh", script])
        .current_dir(place)
        .env_clear()
        .env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
        .output()
        .unwrap();
    let text =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{text}");
    text
}

/// Returns an error with all of its causes.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text += &format!(": {error}");
        source = error.source();
    }
    text
}
