//! `Condition…=` and `Assert…=`: what must hold before a unit is started.
//!
//! Reading is pure; whether a condition holds is asked of the machine's root folder.

use camino::{Utf8Path, Utf8PathBuf};

/// One condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Condition {
    /// What is asked, without `Condition`: `PathExists`.
    pub kind: String,
    pub value: String,
    /// `!`
    pub is_negated: bool,
    /// `|`: one of all conditions of this form is enough.
    pub is_trigger: bool,
}

impl Condition {
    pub(crate) fn read(kind: &str, value: &str) -> Self {
        let (is_trigger, value) = match value.strip_prefix('|') {
            Some(value) => (true, value.trim_start()),
            None => (false, value),
        };
        let (is_negated, value) = match value.strip_prefix('!') {
            Some(value) => (true, value.trim_start()),
            None => (false, value),
        };
        Self { kind: kind.to_owned(), value: value.to_owned(), is_negated, is_trigger }
    }

    /// The condition as a unit file has it.
    pub(crate) fn shown(&self) -> String {
        let trigger = if self.is_trigger { "|" } else { "" };
        let negation = if self.is_negated { "!" } else { "" };
        format!("{}={trigger}{negation}{}", self.kind, self.value)
    }

    fn holds(&self, root: &Utf8Path) -> bool {
        let path = || in_root(root, &self.value);
        let has_entries =
            |path: &Utf8Path| fs_err::read_dir(path).is_ok_and(|mut entries| entries.next().is_some());
        let answer = match self.kind.as_str() {
            "PathExists" => path().exists(),
            "PathExistsGlob" => exists_like(root, &self.value),
            "PathIsDirectory" => path().is_dir(),
            "PathIsSymbolicLink" => path().is_symlink(),
            "PathIsReadWrite" => is_writable(&path()),
            "PathIsMountPoint" => is_mount_point(&path()),
            "DirectoryNotEmpty" => has_entries(&path()),
            "FileNotEmpty" => path().metadata().is_ok_and(|found| found.is_file() && found.len() > 0),
            "FileIsExecutable" => is_executable(&path()),
            // A machine is a container to its guests, of the kind that LXD makes.
            "Virtualization" => matches!(self.value.as_str(), "yes" | "true" | "1" | "container" | "lxc"),
            "User" => matches!(self.value.as_str(), "root" | "0" | "@system"),
            "Host" => {
                crate::plain::read_text(root.join("etc/hostname")).is_ok_and(|name| name.trim() == self.value)
            }
            "Architecture" => {
                let architecture = std::env::consts::ARCH.replace('_', "-").replace("aarch64", "arm64");
                self.value == architecture || self.value == "native"
            }
            // None of the security modules, words for the kernel, or signs of a first boot.
            "Security" | "KernelCommandLine" | "FirstBoot" | "NeedsUpdate" | "CPUFeature" | "Firmware"
            | "Credential" => false,
            // About the size and state of the hardware, and anything that is not known: true, so
            // that the unit is tried.
            _ => true,
        };
        answer != self.is_negated
    }
}

/// The first condition that keeps a unit from starting, if any does.
pub(crate) fn unmet<'a>(conditions: &'a [Condition], root: &Utf8Path) -> Option<&'a Condition> {
    if let Some(unmet) = conditions.iter().find(|condition| !condition.is_trigger && !condition.holds(root)) {
        return Some(unmet);
    }
    let mut triggers = conditions.iter().filter(|condition| condition.is_trigger).peekable();
    let first = triggers.peek().copied();
    first.filter(|_| !triggers.any(|condition| condition.holds(root)))
}

/// A path of the machine as a path of ours.
pub(crate) fn in_root(root: &Utf8Path, path: &str) -> Utf8PathBuf {
    root.join(path.trim_start_matches('/'))
}

fn exists_like(root: &Utf8Path, pattern: &str) -> bool {
    let Some((folder, name)) = pattern.rsplit_once('/') else { return false };
    let Ok(entries) = fs_err::read_dir(in_root(root, folder)) else { return false };
    entries.flatten().any(|entry| entry.file_name().to_str().is_some_and(|found| matches(name, found)))
}

/// Whether a name fits a pattern of `*`, `?` and `[…]`.
pub(crate) fn matches(pattern: &str, name: &str) -> bool {
    let (pattern, name): (Vec<char>, Vec<char>) = (pattern.chars().collect(), name.chars().collect());
    let (mut at, mut in_name) = (0, 0);
    // Where the last star was, and how much of the name it has taken.
    let mut star: Option<(usize, usize)> = None;
    loop {
        let step = pattern.get(at).and_then(|c| match c {
            '*' => {
                star = Some((at, in_name));
                Some((at + 1, in_name))
            }
            '?' if in_name < name.len() => Some((at + 1, in_name + 1)),
            '[' => {
                let found = name.get(in_name)?;
                let end = pattern[at + 1..].iter().skip(1).position(|c| *c == ']')? + at + 2;
                set_holds(&pattern[at + 1..end], *found).then_some((end + 1, in_name + 1))
            }
            c => (name.get(in_name) == Some(c)).then_some((at + 1, in_name + 1)),
        });
        if let Some(step) = step {
            (at, in_name) = step;
        } else if at == pattern.len() && in_name == name.len() {
            return true;
        } else if let Some((star_at, taken)) = star.filter(|(_, taken)| *taken < name.len()) {
            star = Some((star_at, taken + 1));
            (at, in_name) = (star_at + 1, taken + 1);
        } else {
            return false;
        }
    }
}

fn set_holds(set: &[char], found: char) -> bool {
    let (is_negated, set) = match set {
        ['!' | '^', rest @ ..] => (true, rest),
        set => (false, set),
    };
    let mut holds = false;
    let mut at = 0;
    while at < set.len() {
        if set.get(at + 1) == Some(&'-') && at + 2 < set.len() {
            holds |= (set[at]..=set[at + 2]).contains(&found);
            at += 3;
        } else {
            holds |= set[at] == found;
            at += 1;
        }
    }
    holds != is_negated
}

fn is_executable(path: &Utf8Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    path.metadata().is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}

fn is_writable(path: &Utf8Path) -> bool {
    nix::sys::statvfs::statvfs(path.as_std_path())
        .is_ok_and(|found| !found.flags().contains(nix::sys::statvfs::FsFlags::ST_RDONLY))
}

fn is_mount_point(path: &Utf8Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let Some(parent) = path.parent() else { return true };
    match (path.metadata(), parent.metadata()) {
        (Ok(own), Ok(parent)) => own.dev() != parent.dev(),
        (Ok(_) | Err(_), _) => false,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(conditions: &[(&str, &str)], expected: Option<&str>) {
        let folder = tempfile::tempdir().unwrap();
        let root = Utf8Path::from_path(folder.path()).unwrap();
        fs_err::create_dir_all(root.join("etc/full")).unwrap();
        fs_err::create_dir_all(root.join("etc/empty")).unwrap();
        fs_err::write(root.join("etc/full/a.conf"), "x").unwrap();
        let conditions: Vec<Condition> =
            conditions.iter().map(|(kind, value)| Condition::read(kind, value)).collect();
        assert_eq!(unmet(&conditions, root).map(Condition::shown).as_deref(), expected);
    }

    #[test]
    fn conditions_are_asked_of_the_machine() {
        check(&[], None);
        check(&[("PathExists", "/etc/full")], None);
        check(&[("PathExists", "/etc/none")], Some("PathExists=/etc/none"));
        check(&[("PathExists", "!/etc/full")], Some("PathExists=!/etc/full"));
        check(&[("PathExistsGlob", "/etc/full/*.conf")], None);
        check(&[("DirectoryNotEmpty", "/etc/empty")], Some("DirectoryNotEmpty=/etc/empty"));
        check(&[("FileNotEmpty", "/etc/full/a.conf")], None);
        check(&[("FileIsExecutable", "/etc/full/a.conf")], Some("FileIsExecutable=/etc/full/a.conf"));
        check(&[("Virtualization", "!container")], Some("Virtualization=!container"));
        check(&[("Security", "apparmor")], Some("Security=apparmor"));
    }

    #[test]
    fn one_of_the_triggers_is_enough() {
        check(&[("PathExists", "|/etc/none"), ("PathExists", "|/etc/full")], None);
        check(&[("PathExists", "|/etc/none"), ("PathExists", "|!/etc/full")], Some("PathExists=|/etc/none"));
    }

    #[test]
    fn patterns_are_those_of_the_shell() {
        assert!(matches("php*-fpm.service", "php8.1-fpm.service"));
        assert!(matches("worker@[1-3].*", "worker@2.service"));
        assert!(!matches("worker@[!1-3].*", "worker@2.service"));
        assert!(matches("*a*b", "xaxaxb") && !matches("a?", "a") && matches("", ""));
    }

    proptest! {
        #[test]
        fn a_name_fits_itself_and_a_star(name in "[a-z@.-]{0,12}") {
            prop_assert!(matches(&name, &name));
            prop_assert!(matches("*", &name));
        }

        #[test]
        fn any_pattern_has_an_answer(pattern in "[a-c*?\\[\\]!-]{0,12}", name in "[a-c]{0,8}") {
            matches(&pattern, &name);
        }
    }
}
