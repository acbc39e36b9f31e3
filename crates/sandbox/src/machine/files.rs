//! The overlay that a machine's files are.
//!
//! Layers that are only read, and folders of what is kept for what changes. Where the host's
//! userland is a layer and consists of several filesystems, each is an overlay of its own: the
//! kernel lets none cross from one into another.

use std::fs::File;
use std::io::{self, Write};

use camino::{Utf8Path, Utf8PathBuf};
use nix::mount::MsFlags;
use nix::unistd::chdir;
use rustix::fs::{OFlags, XattrFlags, setxattr};

use super::ground::{Ground, Part};
use super::protocol::MachinePlan;
use super::spec::MachineLevel;
use super::userland;
use crate::protocol::Failure;

/// What says of a folder that nothing below it is to be seen.
const OPAQUE: &str = "user.overlay.opaque";
/// The same for overlays that root mounts outside of a user namespace.
const OPAQUE_FOR_ROOT: &str = "trusted.overlay.opaque";
/// What the kernel calls filesystems that cannot keep the changes of another one.
const OVERLAY_MAGIC: u64 = 0x794c_7630;

/// Among what is kept: says that the machine's own settings were written.
const STARTED: &str = "started";
/// What it says until then.
const NEW: &str = "new";

/// Mounts the overlay and makes it the working directory. Returns the mark of the first start.
pub(crate) fn mount(plan: &MachinePlan, ground: Ground) -> Result<Mark, Failure> {
    let kept = ground.seen(&plan.kept);
    if let Some(missing) = plan.layers.iter().find(|layer| !ground.layer(layer).is_dir()) {
        return Err(Failure::new(&format!("find the layer {missing} of"), nix::Error::ENOENT));
    }
    let prepared = |error: io::Error| Failure::io("prepare the files of", &error);
    let files = Files::prepare(plan, ground, &kept).map_err(prepared)?;
    files.cover(plan).map_err(prepared)?;
    let failed = |errno| Failure::new(&format!("{} of", what_failed(&kept)), errno);
    chdir(kept.as_std_path()).map_err(failed)?;
    let attributes = if plan.level == MachineLevel::Root { "" } else { ",userxattr" };
    for tree in &files.trees {
        let target = Utf8Path::new("root").join(&tree.path);
        // One that another filesystem, or a hidden place, covers is not seen on the host either.
        if !target.is_dir() {
            continue;
        }
        let (upper, work) = (tree.place("upper"), tree.place("work"));
        let lower: Vec<String> = (0..tree.lower.len()).map(|index| tree.layer(index)).collect();
        let options = format!("lowerdir={},upperdir={upper},workdir={work}{attributes}", lower.join(":"));
        let flags = MsFlags::empty();
        nix::mount::mount(Some("machine"), target.as_str(), Some("overlay"), flags, Some(options.as_str()))
            .map_err(failed)?;
    }
    let mark = Mark::open().map_err(prepared)?;
    chdir("root").map_err(failed)?;
    Ok(mark)
}

/// What says whether a machine starts for the first time.
///
/// It lies on the host and is held open while files of the machine are read and written. So it is a plain
/// file: from a folder, a link of the machine to what this process has open would lead on to the host.
#[derive(Debug)]
pub(crate) struct Mark(File);

impl Mark {
    /// Opens the mark in the working directory, and makes it where it is missing.
    fn open() -> io::Result<Self> {
        let flags = OFlags::RDWR | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        match rustix::fs::open(STARTED, flags, mode_bits(0)) {
            Ok(mark) => Ok(Self(File::from(mark))),
            Err(rustix::io::Errno::NOENT) => {
                let made = flags | OFlags::CREATE | OFlags::EXCL;
                let mut mark = File::from(rustix::fs::open(STARTED, made, mode_bits(0o644))?);
                mark.write_all(NEW.as_bytes())?;
                Ok(Self(mark))
            }
            Err(errno) => Err(errno.into()),
        }
    }

    /// Whether the settings of the machine were not yet written.
    pub(crate) fn is_new(&self) -> io::Result<bool> {
        // An empty one is that of a machine that has started.
        Ok(self.0.metadata()?.len() > 0)
    }

    /// Notes that they were.
    pub(crate) fn note_start(&self) -> io::Result<()> {
        self.0.set_len(0)
    }
}

fn what_failed(kept: &Utf8Path) -> &'static str {
    let is_overlay =
        rustix::fs::statfs(kept.as_str()).is_ok_and(|found| found.f_type as u64 == OVERLAY_MAGIC);
    if is_overlay {
        "mount the files, whose folder has to lie on a filesystem that is no overlay itself,"
    } else {
        "mount the files"
    }
}

/// One overlay: the root, or a filesystem of its own within it.
struct Tree {
    /// Relative to the root.
    path: Utf8PathBuf,
    /// As they are seen from here, the topmost first.
    lower: Vec<Utf8PathBuf>,
}

impl Tree {
    /// Returns the folder among what is kept for a purpose of this overlay.
    fn place(&self, purpose: &str) -> String {
        match self.path.as_str() {
            "" => purpose.to_owned(),
            path => format!("{purpose}-{}", path.replace('/', "%")),
        }
    }

    /// Returns the short name of a layer: neither the length of the paths nor the characters in
    /// them matter then.
    fn layer(&self, index: usize) -> String {
        format!("layers/{}{index}", self.place("").trim_start_matches('-').replace(':', "%"))
    }
}

/// What the files of a machine are made of.
struct Files {
    kept: Utf8PathBuf,
    /// The root first, and each before those within it.
    trees: Vec<Tree>,
}

impl Files {
    /// Makes the folders of the overlays and names their layers.
    fn prepare(plan: &MachinePlan, ground: Ground, kept: &Utf8Path) -> io::Result<Self> {
        let mut layers: Vec<Utf8PathBuf> = plan.layers.iter().map(|layer| ground.layer(layer)).collect();
        let mut trees = Vec::new();
        if let Some(place) = plan.layers.iter().position(|layer| layer == "/") {
            let is_plain_user = match plan.level {
                MachineLevel::SubordinateIds | MachineLevel::SingleId => true,
                MachineLevel::RootInUserNamespace | MachineLevel::Root | MachineLevel::ProcessOnly => false,
            };
            if is_plain_user {
                layers[place] = userland::layer(kept, ground)?;
            }
            for Part { path, seen } in ground.parts(is_plain_user)? {
                if plan.hides.iter().any(|hidden| Utf8Path::new("/").join(&path).starts_with(hidden)) {
                    continue;
                }
                // What the host has below the mount is not seen there either.
                let above = if is_plain_user { &layers[..=place] } else { &layers[..place] };
                let above = above.iter().map(|layer| layer.join(&path)).filter(|layer| layer.is_dir());
                trees.push(Tree { lower: above.chain([seen]).collect(), path });
            }
        }
        trees.push(Tree { path: Utf8PathBuf::new(), lower: layers });
        // The innermost first, for their changes are taken out of those around them.
        trees.sort_by_key(|tree| std::cmp::Reverse(tree.path.as_str().len()));
        remove_all(&kept.join("layers"))?;
        make_folder(kept.join("layers").as_str())?;
        make_folder(kept.join("root").as_str())?;
        for tree in &trees {
            let (upper, prepared) = (kept.join(tree.place("upper")), kept.join("upper").join(&tree.path));
            if !tree.path.as_str().is_empty() && prepared.is_dir() && !upper.exists() {
                // What was put into the upper folder beforehand comes along.
                fs_err::rename(prepared, &upper)?;
            }
            make_folder(upper.as_str())?;
            make_folder(kept.join(tree.place("work")).as_str())?;
            for (index, layer) in tree.lower.iter().enumerate() {
                fs_err::os::unix::fs::symlink(layer, kept.join(tree.layer(index)))?;
            }
        }
        trees.reverse();
        Ok(Self { kept: kept.to_owned(), trees })
    }

    /// Returns the overlay that a path lies in, relative to the root, and where it is kept.
    fn upper(&self, relative: &Utf8Path) -> (&Tree, Utf8PathBuf) {
        // The root is the first and has every path in it.
        let within = self.trees.iter().rfind(|tree| relative.starts_with(&tree.path));
        let tree = within.unwrap_or(&self.trees[0]);
        let rest = relative.strip_prefix(&tree.path).unwrap_or(relative);
        (tree, self.kept.join(tree.place("upper")).join(rest))
    }

    /// Makes the folders that hide what the layers have at their places. Those that are there
    /// already hide it since an earlier start, or since somebody prepared them.
    fn cover(&self, plan: &MachinePlan) -> io::Result<()> {
        let is_within =
            |path: &Utf8Path| plan.hides.iter().any(|outer| path != outer && path.starts_with(outer));
        for path in plan.hides.iter().filter(|path| !is_within(path)) {
            let relative = path.strip_prefix("/").unwrap_or(path);
            let (_, place) = self.upper(relative);
            if relative.as_str().is_empty() || place.symlink_metadata().is_ok() {
                continue;
            }
            // The folders around it look as they do in the topmost layer that has them.
            let mut around: Vec<&Utf8Path> =
                relative.ancestors().filter(|path| !path.as_str().is_empty()).collect();
            around.reverse();
            for part in around {
                let (tree, place) = self.upper(part);
                if !place.exists() {
                    fs_err::create_dir(&place)?;
                    let rest = part.strip_prefix(&tree.path).unwrap_or(part);
                    let model = tree.lower.iter().find_map(|layer| layer.join(rest).metadata().ok());
                    look_like(&place, model.as_ref())?;
                }
            }
            let opaque = |name: &str| setxattr(place.as_str(), name, b"y", XattrFlags::empty());
            opaque(OPAQUE)?;
            if plan.level == MachineLevel::Root {
                opaque(OPAQUE_FOR_ROOT)?;
            }
        }
        Ok(())
    }
}

fn look_like(place: &Utf8Path, model: Option<&std::fs::Metadata>) -> io::Result<()> {
    use std::os::unix::fs::MetadataExt;
    let Some(model) = model else {
        return mode(place, 0o755);
    };
    // Ids that are none here stay those of root.
    let _ = fs_err::os::unix::fs::chown(place, Some(model.uid()), Some(model.gid()));
    mode(place, model.mode() & 0o7777)
}

pub(crate) fn mode_bits(bits: u32) -> rustix::fs::Mode {
    rustix::fs::Mode::from_raw_mode(bits)
}

pub(crate) fn mode(path: &Utf8Path, bits: u32) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs_err::set_permissions(path, std::fs::Permissions::from_mode(bits))
}

/// Makes a folder that everybody can enter, if it is not there.
pub(crate) fn make_folder(path: &str) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    match std::fs::DirBuilder::new().mode(0o755).create(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

fn remove_all(path: &Utf8Path) -> io::Result<()> {
    match fs_err::remove_dir_all(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
