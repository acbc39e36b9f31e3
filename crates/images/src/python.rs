//! Which Python a base has, and how one of this host's takes its place.

use std::collections::BTreeMap;
use std::io;

use camino::{Utf8Path, Utf8PathBuf};

use crate::root::Bind;
use crate::skeleton::Skeleton;

/// What is known of a base.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct KnownBase {
    pub(crate) name: &'static str,
    pub(crate) version: &'static str,
    pub(crate) codename: &'static str,
    pub(crate) python: (u32, u32),
}

/// The bases that charms are built for, with the Python that `python3` is there.
const BASES: [KnownBase; 14] = [
    base("ubuntu", "18.04", "bionic", (3, 6)),
    base("ubuntu", "20.04", "focal", (3, 8)),
    base("ubuntu", "22.04", "jammy", (3, 10)),
    base("ubuntu", "23.04", "lunar", (3, 11)),
    base("ubuntu", "23.10", "mantic", (3, 11)),
    base("ubuntu", "24.04", "noble", (3, 12)),
    base("ubuntu", "24.10", "oracular", (3, 12)),
    base("ubuntu", "25.04", "plucky", (3, 13)),
    base("ubuntu", "25.10", "questing", (3, 13)),
    base("ubuntu", "26.04", "resolute", (3, 14)),
    base("debian", "11", "bullseye", (3, 9)),
    base("debian", "12", "bookworm", (3, 11)),
    base("debian", "13", "trixie", (3, 13)),
    base("debian", "14", "forky", (3, 14)),
];

const fn base(
    name: &'static str,
    version: &'static str,
    codename: &'static str,
    python: (u32, u32),
) -> KnownBase {
    KnownBase { name, version, codename, python }
}

impl KnownBase {
    /// Returns the base with that name and channel, whose risk (`22.04/stable`) does not matter.
    pub(crate) fn find(name: &str, channel: &str) -> Option<Self> {
        let version = channel.split('/').next().unwrap_or_default();
        BASES.into_iter().find(|known| known.name == name && known.version == version)
    }

    /// Returns the names of all that are known.
    pub(crate) fn all() -> String {
        let names: Vec<String> =
            BASES.iter().map(|known| format!("{}@{}", known.name, known.version)).collect();
        names.join(", ")
    }
}

/// One interpreter of this host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Interpreter {
    pub(crate) version: (u32, u32),
    /// The program, with all links resolved.
    pub(crate) program: Utf8PathBuf,
    /// The folder with its `bin` and `lib`.
    pub(crate) prefix: Utf8PathBuf,
}

impl Interpreter {
    /// Looks at the interpreter that is kept at `program`.
    pub(crate) fn at(version: (u32, u32), program: &Utf8Path) -> io::Result<Self> {
        let program = program.canonicalize_utf8()?;
        let prefix = match (program.parent(), program.parent().and_then(Utf8Path::parent)) {
            (Some(folder), Some(prefix)) if folder.file_name() == Some("bin") => prefix.to_owned(),
            (_, _) => return Err(io::Error::other(format!("`{program}` does not lie in a `bin`"))),
        };
        Ok(Self { version, program, prefix })
    }

    pub(crate) fn name(&self) -> String {
        format!("{}.{}", self.version.0, self.version.1)
    }

    /// Returns whether every root with this host's userland has it anyway.
    pub(crate) fn is_of_the_system(&self) -> bool {
        self.prefix == "/usr" || self.prefix == "/"
    }

    /// Returns what has to be seen of the host for it to run.
    pub(crate) fn binds(&self) -> Vec<Bind> {
        if self.is_of_the_system() || self.prefix == "/usr/local" {
            return Vec::new();
        }
        vec![Bind { source: self.prefix.clone(), target: self.prefix.clone() }]
    }

    /// Makes it the `python3` of a layer.
    ///
    /// The environment that a charm is shipped with says that its Python lies in `/usr/bin`. Python then
    /// looks for its library in `/usr/lib/python3.X`, and only after that where it was built for.
    pub(crate) fn install(&self, layer: &Skeleton<'_>) -> io::Result<()> {
        for name in ["python3".to_owned(), format!("python{}", self.name())] {
            let place = format!("/usr/local/bin/{name}");
            if self.program != place.as_str() {
                layer.link(&place, self.program.as_str())?;
            }
        }
        let library = format!("/usr/lib/python{}", self.name());
        let own = self.prefix.join("lib").join(format!("python{}", self.name()));
        if !self.is_of_the_system() && own.is_dir() && !Utf8Path::new(&library).exists() {
            layer.link(&library, own.as_str())?;
        }
        Ok(())
    }
}

/// Returns the versions as words: `3.8, 3.12`.
pub(crate) fn listed(interpreters: &BTreeMap<(u32, u32), Utf8PathBuf>) -> String {
    let names: Vec<String> =
        interpreters.keys().map(|(major, minor)| format!("Python {major}.{minor}")).collect();
    if names.is_empty() { "no Python".to_owned() } else { names.join(", ") }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;
    use crate::cache::Rights;

    fn check(name: &str, channel: &str, expected: Option<(u32, u32)>) {
        assert_eq!(KnownBase::find(name, channel).map(|known| known.python), expected, "{name}@{channel}");
    }

    #[test]
    fn bases_have_their_pythons() {
        check("ubuntu", "20.04", Some((3, 8)));
        check("ubuntu", "22.04/stable", Some((3, 10)));
        check("ubuntu", "24.04", Some((3, 12)));
        check("ubuntu", "25.10", Some((3, 13)));
        check("ubuntu", "26.04", Some((3, 14)));
        check("debian", "12", Some((3, 11)));
        check("ubuntu", "", None);
        check("centos", "7", None);
        check("ubuntu", "24.4", None);
    }

    #[test]
    fn an_interpreter_of_a_user_is_bound_and_linked() {
        let folder = tempfile::tempdir().unwrap();
        let here = Utf8PathBuf::try_from(folder.path().canonicalize().unwrap()).unwrap();
        let prefix = here.join("versions/3.99.1");
        fs_err::create_dir_all(prefix.join("bin")).unwrap();
        fs_err::create_dir_all(prefix.join("lib/python3.99")).unwrap();
        fs_err::write(prefix.join("bin/python3.99"), "").unwrap();
        symlink("python3.99", prefix.join("bin/python3")).unwrap();

        let found = Interpreter::at((3, 99), &prefix.join("bin/python3")).unwrap();
        assert_eq!(found.binds(), [Bind { source: prefix.clone(), target: prefix.clone() }]);
        let layer = here.join("layer");
        fs_err::create_dir(&layer).unwrap();
        found.install(&Skeleton { layer: &layer, below: &[], rights: Rights::User }).unwrap();
        let link = |path: &str| {
            let target = fs_err::read_link(layer.join(path)).unwrap();
            Utf8PathBuf::try_from(target).unwrap().strip_prefix(&prefix).unwrap().to_owned()
        };
        assert_eq!(link("usr/local/bin/python3"), "bin/python3.99");
        assert_eq!(link("usr/local/bin/python3.99"), "bin/python3.99");
        assert_eq!(link("usr/lib/python3.99"), "lib/python3.99");
    }
}
