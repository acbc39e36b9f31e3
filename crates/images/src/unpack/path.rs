//! Which names an archive may have. Pure.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

/// What hides something of the layers below, in the names of a layer.
const WHITEOUT: &[u8] = b".wh.";
/// What hides all that a folder has in the layers below.
const OPAQUE: &[u8] = b".wh..wh..opq";
const PATH_BYTES_MAX: usize = 4000;
const NAME_BYTES_MAX: usize = 255;

/// A path below the root: no component is empty, `.` or `..`. The root itself has none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct EntryPath {
    components: Vec<Vec<u8>>,
}

/// Why a name is not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PathRefusal {
    Absolute,
    Upwards,
    Nul,
    TooLong,
}

impl PathRefusal {
    pub(crate) fn why(self) -> &'static str {
        match self {
            Self::Absolute => "its path is absolute",
            Self::Upwards => "its path has `..` in it",
            Self::Nul => "its path has a NUL byte in it",
            Self::TooLong => "its path is too long",
        }
    }

    pub(crate) fn why_of_link(self) -> &'static str {
        match self {
            Self::Absolute => "it is a hard link to an absolute path",
            Self::Upwards => "it is a hard link to a path with `..` in it",
            Self::Nul => "it is a hard link to a path with a NUL byte in it",
            Self::TooLong => "it is a hard link to a path that is too long",
        }
    }
}

/// What a mark in a layer hides.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Hidden {
    /// What one name is in the layers below.
    One(EntryPath),
    /// All that this folder has in the layers below.
    AllOf(EntryPath),
    /// Nothing: a mark that other tools keep notes in.
    Nothing,
}

impl EntryPath {
    /// Reads the name of an entry.
    pub(crate) fn read(name: &[u8]) -> Result<Self, PathRefusal> {
        if name.starts_with(b"/") {
            return Err(PathRefusal::Absolute);
        }
        if name.contains(&0) {
            return Err(PathRefusal::Nul);
        }
        if name.len() > PATH_BYTES_MAX {
            return Err(PathRefusal::TooLong);
        }
        let mut components = Vec::new();
        for component in name.split(|byte| *byte == b'/') {
            match component {
                b"" | b"." => {}
                b".." => return Err(PathRefusal::Upwards),
                long if long.len() > NAME_BYTES_MAX => return Err(PathRefusal::TooLong),
                component => components.push(component.to_vec()),
            }
        }
        Ok(Self { components })
    }

    pub(crate) fn is_root(&self) -> bool {
        self.components.is_empty()
    }

    pub(crate) fn is_below_dev(&self) -> bool {
        self.components.len() > 1 && self.components[0] == b"dev"
    }

    /// Returns the last component.
    pub(crate) fn name(&self) -> &OsStr {
        OsStr::from_bytes(self.components.last().map_or(b"".as_slice(), Vec::as_slice))
    }

    /// Returns the folder that this lies in.
    pub(crate) fn parent(&self) -> Self {
        let mut components = self.components.clone();
        components.pop();
        Self { components }
    }

    /// Returns the folders on the way to this, outermost first, without the root.
    pub(crate) fn ancestors(&self) -> impl Iterator<Item = Self> + '_ {
        (1..self.components.len()).map(|length| Self { components: self.components[..length].to_vec() })
    }

    /// Returns it relative to the root; `.` for the root.
    pub(crate) fn relative(&self) -> PathBuf {
        if self.is_root() {
            return PathBuf::from(".");
        }
        self.components.iter().map(|component| OsStr::from_bytes(component)).collect()
    }

    /// Returns where this lies in a system whose `/bin`, `/sbin` and `/lib…` are links into `/usr`.
    pub(crate) fn into_usr(mut self) -> Self {
        let is_linked =
            |name: &[u8]| matches!(name, b"bin" | b"sbin" | b"lib" | b"lib32" | b"lib64" | b"libx32");
        if self.components.first().is_some_and(|first| is_linked(first)) {
            self.components.insert(0, b"usr".to_vec());
        }
        self
    }

    pub(crate) fn is_below_whiteout(&self) -> bool {
        self.components.iter().rev().skip(1).any(|component| component.starts_with(WHITEOUT))
    }

    /// Returns what this hides, if its name is such a mark.
    pub(crate) fn whiteout(&self) -> Option<Hidden> {
        let name = self.components.last()?;
        let hidden = name.strip_prefix(WHITEOUT)?;
        if name == OPAQUE {
            return Some(Hidden::AllOf(self.parent()));
        }
        if hidden.starts_with(WHITEOUT) || matches!(hidden, b"" | b"." | b"..") {
            return Some(Hidden::Nothing);
        }
        let mut path = self.parent();
        path.components.push(hidden.to_vec());
        Some(Hidden::One(path))
    }
}

#[cfg(test)]
mod tests {
    use std::path::{Component, Path};

    use proptest::prelude::*;

    use super::*;

    fn check(name: &str, expected: Result<&str, PathRefusal>) {
        let path = EntryPath::read(name.as_bytes()).map(|path| path.relative());
        assert_eq!(path, expected.map(PathBuf::from), "{name}");
    }

    #[test]
    fn names_stay_below_the_root() {
        check("./usr/bin/env", Ok("usr/bin/env"));
        check("usr//bin/./env/", Ok("usr/bin/env"));
        check("./", Ok("."));
        check("a..b/...", Ok("a..b/..."));
        check("/etc/passwd", Err(PathRefusal::Absolute));
        check("../etc/passwd", Err(PathRefusal::Upwards));
        check("usr/../../etc", Err(PathRefusal::Upwards));
        check("usr/..", Err(PathRefusal::Upwards));
        check("a\0b", Err(PathRefusal::Nul));
        check(&"x".repeat(256), Err(PathRefusal::TooLong));
        check(&"x/".repeat(2500), Err(PathRefusal::TooLong));
    }

    #[test]
    fn marks_are_told_apart() {
        let hidden = |name: &str| EntryPath::read(name.as_bytes()).unwrap().whiteout();
        let path = |name: &str| EntryPath::read(name.as_bytes()).unwrap();
        assert_eq!(hidden("etc/.wh.motd"), Some(Hidden::One(path("etc/motd"))));
        assert_eq!(hidden("etc/.wh..wh..opq"), Some(Hidden::AllOf(path("etc"))));
        assert_eq!(hidden(".wh..wh..opq"), Some(Hidden::AllOf(path(""))));
        assert_eq!(hidden(".wh..wh.plnk"), Some(Hidden::Nothing));
        assert_eq!(hidden("etc/.wh..."), Some(Hidden::Nothing));
        assert_eq!(hidden("etc/wh.motd"), None);
        assert!(path(".wh.etc/motd").is_below_whiteout());
    }

    proptest! {
        #[test]
        fn whatever_is_accepted_stays_below_the_root(
            pieces in proptest::collection::vec(
                prop_oneof![Just("..".to_owned()), Just(".".to_owned()), Just(String::new()),
                            Just(".wh.".to_owned()), Just(".wh...".to_owned()), "\\PC{0,6}"],
                0..8,
            )
        ) {
            let name = pieces.join("/");
            if let Ok(path) = EntryPath::read(name.as_bytes()) {
                let mut paths = vec![path.clone(), path.clone().into_usr()];
                match path.whiteout() {
                    Some(Hidden::One(hidden) | Hidden::AllOf(hidden)) => paths.push(hidden),
                    Some(Hidden::Nothing) | None => {}
                }
                for path in paths {
                    let relative = path.relative();
                    prop_assert!(relative.components().all(|component| match component {
                        Component::Normal(_) => true,
                        Component::CurDir => relative == Path::new("."),
                        Component::Prefix(_) | Component::RootDir | Component::ParentDir => false,
                    }), "{relative:?}");
                }
            }
        }
    }
}
