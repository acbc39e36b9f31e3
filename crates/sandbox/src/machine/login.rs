//! The user that people log in as, and how that user becomes root.
//!
//! Clouds give each machine such a user, with rights of root and without a password. Images for containers
//! have none, and no `sudo` either: they get both, in the machine's own files.

use std::collections::BTreeSet;
use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};

use camino::{Utf8Path, Utf8PathBuf};

use super::files::mode;
use super::protocol::MachinePlan;
use super::users;
use crate::plain;

/// The program for machines that have none that works.
const SUDO: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/sudo"));
/// Where packages have theirs. One that comes later takes the place of ours.
const SUDO_PATH: &str = "/usr/bin/sudo";
/// Where it is found before one that does not work.
const SUDO_PATH_BEFORE: &str = "/usr/local/bin/sudo";
const SETUID: u32 = 0o4000;
const RULES: &str = "/etc/sudoers.d/90-cloud-init-users";
const ETC: &str = "/etc";
const FIRST_ID: u32 = 1000;
/// The groups that the user is in where the machine has them.
const GROUPS: [&str; 6] = ["adm", "cdrom", "dip", "lxd", "plugdev", "sudo"];

/// The files in which users stand. Those of secrets may be missing.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Books {
    passwd: String,
    group: String,
    shadow: Option<String>,
    gshadow: Option<String>,
}

/// Makes the user and what belongs to it, in the machine's root, where it is missing.
pub(super) fn prepare(plan: &MachinePlan, is_new: bool) -> io::Result<()> {
    let Some(name) = &plan.login_user else { return Ok(()) };
    give_sudo()?;
    if !plan.level.has_users() {
        return Ok(());
    }
    if is_new && Utf8Path::new("/root").is_dir() {
        // It looks like the host's, which may be open to all.
        mode(Utf8Path::new("/root"), 0o700)?;
    }
    let books = Books::read(Utf8Path::new(ETC))?;
    // Later on, who is in which group and has which rights is the machine's own affair.
    let gives = is_new || !has(&books.passwd, name);
    if gives {
        let shell = if Utf8Path::new("/bin/bash").exists() { "/bin/bash" } else { "/bin/sh" };
        if let Some(with_user) = books.with_user(name, shell) {
            with_user.write(&books, Utf8Path::new(ETC))?;
        }
    }
    give_home(name)?;
    if gives && !Utf8Path::new(RULES).exists() {
        fs_err::create_dir_all("/etc/sudoers.d")?;
        fs_err::write(RULES, format!("{name} ALL=(ALL) NOPASSWD:ALL\n"))?;
        mode(Utf8Path::new(RULES), 0o440)?;
    }
    Ok(())
}

fn give_sudo() -> io::Result<()> {
    let works = |path: &str| {
        let found = Utf8Path::new(path).metadata();
        found.map(|found| found.is_file() && found.uid() == 0 && found.mode() & SETUID != 0)
    };
    let path = match (works(SUDO_PATH), works(SUDO_PATH_BEFORE)) {
        (Ok(true), _) | (_, Ok(true)) => return Ok(()),
        (Err(_), _) => SUDO_PATH,
        (Ok(false), _) => SUDO_PATH_BEFORE,
    };
    if let Some(folder) = Utf8Path::new(path).parent() {
        fs_err::create_dir_all(folder)?;
    }
    let _ = fs_err::remove_file(path);
    fs_err::write(path, SUDO)?;
    mode(Utf8Path::new(path), SETUID | 0o755)
}

fn give_home(name: &str) -> io::Result<()> {
    let books = Books::read(Utf8Path::new(ETC))?;
    let Some(account) = users::find(name, &books.passwd, &books.group) else { return Ok(()) };
    let home = Utf8Path::new(&account.home);
    let is_used = home.read_dir_utf8().is_ok_and(|mut entries| entries.next().is_some());
    if home.as_str().is_empty() || home.is_symlink() || is_used {
        return Ok(());
    }
    let own = |path: &Utf8Path| fs_err::os::unix::fs::chown(path, Some(account.user), Some(account.group));
    fs_err::create_dir_all(home)?;
    mode(home, 0o750)?;
    for entry in Utf8Path::new("/etc/skel").read_dir_utf8().into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_file()) {
            let copy = home.join(entry.file_name());
            fs_err::copy(entry.path(), &copy)?;
            own(&copy)?;
        }
    }
    own(home)
}

impl Books {
    /// Reads them in the folder. What is there and cannot be read is an error: it must not be taken for
    /// nothing, and be written anew without all that it holds.
    fn read(etc: &Utf8Path) -> io::Result<Self> {
        let read = |name: &str| match plain::read_text(etc.join(name)) {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        };
        Ok(Self {
            passwd: read("passwd")?.unwrap_or_default(),
            group: read("group")?.unwrap_or_default(),
            shadow: read("shadow")?,
            gshadow: read("gshadow")?,
        })
    }

    /// Writes what has changed. Files keep their owner and who may read them.
    fn write(&self, before: &Self, etc: &Utf8Path) -> io::Result<()> {
        let none = None;
        for (name, text, before) in [
            ("group", &Some(self.group.clone()), &none),
            ("gshadow", &self.gshadow, &before.gshadow),
            ("shadow", &self.shadow, &before.shadow),
            ("passwd", &Some(self.passwd.clone()), &none),
        ] {
            if let Some(text) = text.as_ref().filter(|text| Some(*text) != before.as_ref()) {
                put(&etc.join(name), text)?;
            }
        }
        Ok(())
    }

    /// Returns the books with the user, in a group of its own and in those of administrators. `None` if there
    /// is no number left for it.
    fn with_user(&self, name: &str, shell: &str) -> Option<Self> {
        let mut with = self.clone();
        with.group = joined(&with.group, name);
        with.gshadow = with.gshadow.map(|text| joined(&text, name));
        if has(&self.passwd, name) {
            return Some(with);
        }
        let numbers = |text: &str, field: usize| -> BTreeSet<u32> {
            let number = |line: &str| line.split(':').nth(field)?.parse().ok();
            text.lines().filter_map(number).collect()
        };
        let (users, groups) = (numbers(&self.passwd, 2), numbers(&self.group, 2));
        let user = (FIRST_ID..u32::MAX).find(|id| !users.contains(id) && !groups.contains(id))?;
        let own = self.group.lines().find(|line| line.split(':').next() == Some(name));
        let own: Option<u32> = own.and_then(|line| line.split(':').nth(2)?.parse().ok());
        let group = own.unwrap_or(user);
        let add = |text: &mut String, line: String| {
            if !text.is_empty() && !text.ends_with('\n') {
                text.push('\n');
            }
            *text += &line;
        };
        if own.is_none() {
            add(&mut with.group, format!("{name}:x:{group}:\n"));
            with.gshadow.iter_mut().for_each(|text| add(text, format!("{name}:!::\n")));
        }
        add(&mut with.passwd, format!("{name}:x:{user}:{group}:{name}:/home/{name}:{shell}\n"));
        with.shadow.iter_mut().for_each(|text| add(text, format!("{name}:!:19000:0:99999:7:::\n")));
        Some(with)
    }
}

/// Puts a text in place of a file as a whole: whoever reads it sees the old one or the new one.
fn put(path: &Utf8Path, text: &str) -> io::Result<()> {
    let beside = Utf8PathBuf::from(format!("{path}.charmproof"));
    match fs_err::remove_file(&beside) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = fs_err::File::create_new(&beside)?;
    if let Ok(before) = path.metadata() {
        file.set_permissions(std::fs::Permissions::from_mode(before.mode() & 0o777))?;
        std::os::unix::fs::fchown(&file, Some(before.uid()), Some(before.gid()))?;
    }
    file.write_all(text.as_bytes())?;
    fs_err::rename(beside, path)
}

fn has(text: &str, name: &str) -> bool {
    text.lines().any(|line| line.split(':').next() == Some(name))
}

/// Adds a member to the groups of administrators. The members are in the fourth field of both files.
fn joined(text: &str, name: &str) -> String {
    let line = |line: &str| {
        let mut fields: Vec<String> = line.split(':').map(str::to_owned).collect();
        match fields.as_mut_slice() {
            [group, _, _, members]
                if GROUPS.contains(&group.as_str()) && members.split(',').all(|member| member != name) =>
            {
                if !members.is_empty() {
                    members.push(',');
                }
                members.push_str(name);
            }
            _ => {}
        }
        fields.join(":") + "\n"
    };
    text.lines().map(line).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn books(passwd: &str, group: &str) -> Books {
        let secrets = |text: &str, rest: &str| {
            let names = text.lines().filter_map(|line| line.split(':').next());
            names.map(|name| format!("{name}:{rest}\n")).collect::<String>()
        };
        Books {
            passwd: passwd.to_owned(),
            group: group.to_owned(),
            shadow: Some(secrets(passwd, "*:19000:0:99999:7:::")),
            gshadow: Some(secrets(group, "*::")),
        }
    }

    #[test]
    fn a_user_is_added_with_its_groups() {
        let before = books(
            "root:x:0:0:root:/root:/bin/bash\nother:x:1000:1000::/:/bin/sh",
            "root:x:0:\nsudo:x:27:\nadm:x:4:other\n",
        );
        let with = before.with_user("ubuntu", "/bin/bash").unwrap();
        assert_eq!(
            with.passwd,
            before.passwd.clone() + "\nubuntu:x:1001:1001:ubuntu:/home/ubuntu:/bin/bash\n"
        );
        assert_eq!(with.group, "root:x:0:\nsudo:x:27:ubuntu\nadm:x:4:other,ubuntu\nubuntu:x:1001:\n");
        assert_eq!(with.gshadow.as_deref(), Some("root:*::\nsudo:*::ubuntu\nadm:*::ubuntu\nubuntu:!::\n"));
        assert!(with.shadow.as_ref().unwrap().ends_with("\nubuntu:!:19000:0:99999:7:::\n"));
        let found = users::find("ubuntu", &with.passwd, &with.group).unwrap();
        assert_eq!((found.user, found.groups), (1001, vec![1001, 27, 4]));
        assert_eq!(with.with_user("ubuntu", "/bin/bash"), Some(with));
    }

    #[test]
    fn a_group_of_that_name_is_the_users_own() {
        let with = books("", "ubuntu:x:50:\n").with_user("ubuntu", "/bin/sh").unwrap();
        assert_eq!(with.passwd, "ubuntu:x:1000:50:ubuntu:/home/ubuntu:/bin/sh\n");
        assert_eq!(with.group, "ubuntu:x:50:\n");
    }

    #[test]
    fn what_cannot_be_read_is_not_taken_for_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let etc = Utf8Path::from_path(folder.path()).unwrap();
        assert_eq!(Books::read(etc).unwrap().shadow, None);
        fs_err::write(etc.join("passwd"), b"root:x:0:0:\xff:/root:/bin/sh\n").unwrap();
        assert_eq!(Books::read(etc).unwrap_err().kind(), io::ErrorKind::InvalidData);
        fs_err::write(etc.join("passwd"), "root:x:0:0::/root:/bin/sh\n").unwrap();
        nix::unistd::mkfifo(etc.join("shadow").as_std_path(), nix::sys::stat::Mode::S_IRWXU).unwrap();
        assert!(Books::read(etc).is_err());
    }

    #[test]
    fn files_are_replaced_and_keep_who_may_read_them() {
        let folder = tempfile::tempdir().unwrap();
        let etc = Utf8Path::from_path(folder.path()).unwrap();
        fs_err::write(etc.join("passwd"), "root:x:0:0::/root:/bin/sh\n").unwrap();
        fs_err::write(etc.join("shadow"), "root:*:19000:0:99999:7:::\n").unwrap();
        mode(&etc.join("shadow"), 0o640).unwrap();
        let before = Books::read(etc).unwrap();
        let with = before.with_user("ubuntu", "/bin/sh").unwrap();
        with.write(&before, etc).unwrap();
        assert_eq!(Books::read(etc).unwrap(), with);
        assert_eq!(etc.join("shadow").metadata().unwrap().mode() & 0o7777, 0o640);
        let mut names: Vec<_> =
            etc.read_dir_utf8().unwrap().map(|entry| entry.unwrap().file_name().to_owned()).collect();
        names.sort();
        assert_eq!(names, ["group", "passwd", "shadow"]);
    }

    proptest! {
        #[test]
        fn whatever_stands_there_the_user_is_found_and_nobody_is_lost(passwd in "([a-c:x0-9]{0,20}\n){0,3}", group in "([a-c:x0-9,]{0,20}\n){0,3}") {
            let before = books(&passwd, &group);
            let with = before.with_user("ubuntu", "/bin/sh").unwrap();
            prop_assert!(users::find("ubuntu", &with.passwd, &with.group).is_some());
            prop_assert!(with.passwd.starts_with(&passwd));
            prop_assert!(group.lines().count() <= with.group.lines().count());
        }
    }
}
