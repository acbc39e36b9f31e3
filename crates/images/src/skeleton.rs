//! A layer that is made by hand, above layers that are there.
//!
//! In an overlay a folder has the owner and the mode that the topmost layer gives it, and a folder where a
//! lower layer has a link takes the link's place. So folders on the way to what is written are made like
//! those below, and links below are followed: in a layer above Debian, `/bin/sh` is `usr/bin/sh`.

use std::collections::VecDeque;
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};

use camino::{Utf8Component, Utf8Path, Utf8PathBuf};

use crate::cache::Rights;
use crate::copy::{is_whiteout, make_opaque, whiteout};
use crate::farm;

/// How many links are followed on one path, as many as Linux does.
const LINKS_MAX: usize = 40;

/// The layer.
pub(crate) struct Skeleton<'a> {
    pub(crate) layer: &'a Utf8Path,
    /// What lies below, top first.
    pub(crate) below: &'a [Utf8PathBuf],
    pub(crate) rights: Rights,
}

impl Skeleton<'_> {
    /// Gives the root itself the mode that it has everywhere, whatever the mask of this process is.
    pub(crate) fn begin(&self) -> io::Result<()> {
        set_mode(self.layer, 0o755)
    }

    /// Returns where a path of the root really lies, without a leading `/`. Its last component is not
    /// followed.
    pub(crate) fn resolve(&self, path: &str) -> io::Result<Utf8PathBuf> {
        self.walk(path, false)
    }

    fn walk(&self, path: &str, follows_last: bool) -> io::Result<Utf8PathBuf> {
        let mut left: VecDeque<String> = components(Utf8Path::new(path));
        let mut resolved = Utf8PathBuf::new();
        let mut links = 0;
        while let Some(component) = left.pop_front() {
            if component == ".." {
                // The root lies in itself.
                resolved.pop();
                continue;
            }
            let next = resolved.join(&component);
            let stays = left.is_empty() && !follows_last;
            match self.link_at(&next) {
                Some(target) if !stays && !farm::is_link(&target) => {
                    links += 1;
                    if links > LINKS_MAX {
                        return Err(io::Error::other(format!("`{path}` has too many links on its way")));
                    }
                    let target = Utf8PathBuf::from(target);
                    if target.is_absolute() {
                        resolved = Utf8PathBuf::new();
                    }
                    for component in components(&target).into_iter().rev() {
                        left.push_front(component);
                    }
                }
                Some(_) | None => resolved = next,
            }
        }
        Ok(resolved)
    }

    /// Returns where a link leads that the topmost layer with something at that place has there.
    fn link_at(&self, relative: &Utf8Path) -> Option<String> {
        let place = self.topmost(relative)?;
        let target = fs_err::read_link(place).ok()?;
        target.into_os_string().into_string().ok()
    }

    /// Returns where something lies in the topmost layer that has it, unless a layer above hides it.
    pub(crate) fn topmost(&self, relative: &Utf8Path) -> Option<Utf8PathBuf> {
        for layer in std::iter::once(self.layer).chain(self.below.iter().map(Utf8PathBuf::as_path)) {
            let place = layer.join(relative);
            if let Ok(metadata) = place.symlink_metadata() {
                return (!is_whiteout(&metadata)).then_some(place);
            }
            let mut ancestors = relative.ancestors().skip(1).filter(|ancestor| *ancestor != "");
            if ancestors.any(|ancestor| hides(&layer.join(ancestor))) {
                return None;
            }
        }
        None
    }

    /// Returns the text of a file, from the topmost layer that has it.
    pub(crate) fn text(&self, path: &str) -> io::Result<String> {
        let relative = self.resolve(path)?;
        match self.topmost(&relative) {
            Some(place) => fs_err::read_to_string(place),
            None => Err(io::Error::new(io::ErrorKind::NotFound, format!("there is no `{path}`"))),
        }
    }

    /// Makes a folder and those on the way to it.
    pub(crate) fn folder(&self, path: &str) -> io::Result<Utf8PathBuf> {
        let relative = self.walk(path, true)?;
        let mut so_far = Utf8PathBuf::new();
        for component in &relative {
            so_far.push(component);
            self.one_folder(&so_far)?;
        }
        Ok(self.layer.join(relative))
    }

    fn one_folder(&self, relative: &Utf8Path) -> io::Result<()> {
        let place = self.layer.join(relative);
        match place.symlink_metadata() {
            Ok(metadata) if metadata.is_dir() => return Ok(()),
            Ok(metadata) if is_whiteout(&metadata) => {
                // What is hidden stays so, but for what is put there.
                fs_err::remove_file(&place)?;
                fs_err::create_dir(&place)?;
                set_mode(&place, 0o755)?;
                return make_opaque(&place, self.rights);
            }
            Ok(_) => return Err(io::Error::other(format!("`/{relative}` is no folder"))),
            Err(_) => {}
        }
        fs_err::create_dir(&place)?;
        let mut below = self.below.iter().map(|layer| layer.join(relative));
        match below.find_map(|place| place.symlink_metadata().ok().filter(std::fs::Metadata::is_dir)) {
            Some(metadata) => self.like(&place, &metadata),
            None => set_mode(&place, 0o755),
        }
    }

    /// Gives something owner and mode of something else.
    pub(crate) fn like(&self, place: &Utf8Path, metadata: &std::fs::Metadata) -> io::Result<()> {
        if self.rights == Rights::Root {
            chown(place, Some(metadata.uid()), Some(metadata.gid()))?;
        }
        set_mode(place, metadata.mode() & 0o7777)
    }

    /// Makes a folder that has nothing of what lies below.
    pub(crate) fn empty(&self, path: &str, mode: u32) -> io::Result<Utf8PathBuf> {
        let place = self.folder(path)?;
        set_mode(&place, mode)?;
        make_opaque(&place, self.rights)?;
        Ok(place)
    }

    /// Hides what lies below.
    pub(crate) fn hide(&self, path: &str) -> io::Result<()> {
        whiteout(&self.place(path)?)
    }

    /// Writes a file; one that lies below gives it its owner.
    pub(crate) fn write(&self, path: &str, content: &[u8], mode: u32) -> io::Result<Utf8PathBuf> {
        let place = self.place(path)?;
        fs_err::write(&place, content)?;
        let relative = place.strip_prefix(self.layer).unwrap_or(&place);
        let mut below = self.below.iter().map(|layer| layer.join(relative));
        if let Some(metadata) = below.find_map(|place| place.symlink_metadata().ok()) {
            self.like(&place, &metadata)?;
        }
        set_mode(&place, mode)?;
        Ok(place)
    }

    /// Makes a link.
    pub(crate) fn link(&self, path: &str, target: &str) -> io::Result<()> {
        symlink(target, self.place(path)?)
    }

    /// Makes the folder that something can be bound to, which everybody can reach.
    pub(crate) fn mount_point(&self, target: &Utf8Path) -> io::Result<()> {
        self.folder(target.as_str())?;
        let relative = self.walk(target.as_str(), true)?;
        for ancestor in relative.ancestors().filter(|ancestor| *ancestor != "") {
            let place = self.layer.join(ancestor);
            let mode = fs_err::metadata(&place)?.mode() & 0o7777;
            set_mode(&place, mode | 0o111)?;
        }
        Ok(())
    }

    /// Returns where something is to be put, with the folders on the way made and its place free.
    fn place(&self, path: &str) -> io::Result<Utf8PathBuf> {
        let relative = self.resolve(path)?;
        let Some(name) = relative.file_name() else {
            return Err(io::Error::other(format!("`{path}` is the root itself")));
        };
        let parent = relative.parent().unwrap_or(Utf8Path::new(""));
        let place = self.folder(parent.as_str())?.join(name);
        match fs_err::remove_file(&place) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            Ok(()) | Err(_) => Ok(place),
        }
    }
}

/// Returns whether the layers below do not count in this folder of a layer.
fn hides(folder: &Utf8Path) -> bool {
    let Ok(metadata) = folder.symlink_metadata() else { return false };
    is_whiteout(&metadata) || !metadata.is_dir() || farm::is_opaque(folder)
}

fn components(path: &Utf8Path) -> VecDeque<String> {
    path.components()
        .filter_map(|component| match component {
            Utf8Component::Normal(name) => Some(name.to_owned()),
            Utf8Component::ParentDir => Some("..".to_owned()),
            Utf8Component::RootDir | Utf8Component::CurDir | Utf8Component::Prefix(_) => None,
        })
        .collect()
}

pub(crate) fn set_mode(path: &Utf8Path, mode: u32) -> io::Result<()> {
    fs_err::set_permissions(path, std::fs::Permissions::from_mode(mode))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rights() -> Rights {
        if rustix::process::geteuid().is_root() { Rights::Root } else { Rights::User }
    }

    /// A system below with `/usr`, links into it, and some that lead elsewhere.
    fn with(check: impl FnOnce(&Skeleton<'_>)) {
        let folder = tempfile::tempdir().unwrap();
        let here = Utf8PathBuf::try_from(folder.path().to_owned()).unwrap();
        let (below, layer) = (here.join("below"), here.join("layer"));
        fs_err::create_dir_all(below.join("usr/bin")).unwrap();
        fs_err::create_dir_all(below.join("var/private")).unwrap();
        set_mode(&below.join("var/private"), 0o700).unwrap();
        symlink("usr/bin", below.join("bin")).unwrap();
        symlink("../../../../../var", below.join("usr/up")).unwrap();
        symlink("/usr", below.join("var/absolute")).unwrap();
        symlink("loop", below.join("loop")).unwrap();
        fs_err::create_dir_all(&layer).unwrap();
        let below = [below];
        check(&Skeleton { layer: &layer, below: &below, rights: rights() });
    }

    #[test]
    fn links_below_are_followed_and_never_left() {
        with(|skeleton| {
            let resolve = |path: &str| skeleton.resolve(path).map(Utf8PathBuf::into_string);
            assert_eq!(resolve("/bin/uvicorn").unwrap(), "usr/bin/uvicorn");
            assert_eq!(resolve("/bin").unwrap(), "bin");
            assert_eq!(resolve("/usr/up/lib/x").unwrap(), "var/lib/x");
            assert_eq!(resolve("/var/absolute/bin/x").unwrap(), "usr/bin/x");
            assert_eq!(resolve("/../../etc/x").unwrap(), "etc/x");
            assert!(resolve("/loop/x").unwrap_err().to_string().contains("too many links"));
        });
    }

    #[test]
    fn folders_on_the_way_are_like_those_below() {
        with(|skeleton| {
            skeleton.write("/bin/uvicorn", b"#!", 0o755).unwrap();
            skeleton.write("/var/private/x", b"", 0o600).unwrap();
            let mode = |path: &str| fs_err::metadata(skeleton.layer.join(path)).unwrap().mode() & 0o7777;
            assert_eq!(mode("usr/bin/uvicorn"), 0o755);
            assert_eq!(mode("var/private"), 0o700);
            assert!(skeleton.layer.join("bin").symlink_metadata().is_err());
            skeleton.mount_point(Utf8Path::new("/var/private/.pyenv/3.12")).unwrap();
            assert_eq!(mode("var/private"), 0o711);
        });
    }

    #[test]
    fn what_is_hidden_stays_hidden_but_for_what_is_put_there() {
        with(|skeleton| {
            assert!(skeleton.topmost(Utf8Path::new("var/private")).is_some());
            skeleton.hide("/var").unwrap();
            assert!(skeleton.topmost(Utf8Path::new("var/private")).is_none());
            skeleton.mount_point(Utf8Path::new("/var/python")).unwrap();
            let var = skeleton.layer.join("var");
            let mut value = [0; 1];
            rustix::fs::lgetxattr(var.as_str(), crate::cache::OPAQUE_OF_USERS, &mut value).unwrap();
            assert!(var.join("python").is_dir());
        });
    }

    proptest! {
        #[test]
        fn a_path_never_leaves_the_layer(path in "(/?(\\.\\.|bin|usr|up|var|absolute|x|\\.)){0,8}") {
            with(|skeleton| {
                let resolved = skeleton.resolve(&path).unwrap();
                assert!(resolved.is_relative() || resolved == "", "{resolved}");
                assert!(!resolved.components().any(|part| part == Utf8Component::ParentDir), "{resolved}");
            });
        }
    }
}
