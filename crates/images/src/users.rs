//! The users of a root: `/etc/passwd` and the files beside it.

use std::io;

use crate::skeleton::Skeleton;

/// The users above the system's own begin here.
const FIRST_PERSON: u32 = 1000;
const NOBODY: u32 = 65534;
const UBUNTU: &str = "ubuntu";

/// The four files, as text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Users {
    passwd: String,
    group: String,
    /// None where they cannot be read, as by a plain user.
    shadow: Option<String>,
    gshadow: Option<String>,
}

/// A user or a group to add.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NewUser<'a> {
    pub(crate) name: &'a str,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    pub(crate) home: &'a str,
    pub(crate) shell: &'a str,
}

impl Users {
    /// Keeps the users that packages made, without passwords. People go.
    pub(crate) fn without_people(
        passwd: &str,
        group: &str,
        shadow: Option<String>,
        gshadow: Option<String>,
    ) -> Self {
        let is_person = |line: &&str| {
            let id = line.split(':').nth(2).and_then(|id| id.parse::<u32>().ok());
            !id.is_some_and(|id| id < FIRST_PERSON || id == NOBODY)
        };
        let gone: Vec<&str> =
            passwd.lines().chain(group.lines()).filter(is_person).filter_map(name_of).collect();
        let kept = |text: &str| -> Vec<String> {
            let lines = text.lines().filter(|line| name_of(line).is_some_and(|name| !gone.contains(&name)));
            lines.map(str::to_owned).collect()
        };
        let together = |lines: Vec<String>| lines.into_iter().map(|line| line + "\n").collect::<String>();
        let secret = |text: Option<String>, lock: &str| {
            text.map(|text| together(kept(&text).iter().map(|line| locked(line, lock, &gone)).collect()))
        };
        Self {
            passwd: together(kept(passwd)),
            group: together(kept(group).iter().map(|line| without_members(line, &gone)).collect()),
            shadow: secret(shadow, "*"),
            gshadow: secret(gshadow, "!"),
        }
    }

    /// Reads the files of the layers below.
    pub(crate) fn of(layer: &Skeleton<'_>) -> Self {
        let text = |name: &str| layer.text(name).ok();
        Self {
            passwd: text("/etc/passwd").unwrap_or_else(|| "root:x:0:0:root:/root:/bin/sh\n".to_owned()),
            group: text("/etc/group").unwrap_or_else(|| "root:x:0:\n".to_owned()),
            shadow: text("/etc/shadow"),
            gshadow: text("/etc/gshadow"),
        }
    }

    /// Adds the user that machines of Juju are logged into as.
    pub(crate) fn add_ubuntu(&mut self) {
        self.add(&NewUser {
            name: UBUNTU,
            uid: FIRST_PERSON,
            gid: FIRST_PERSON,
            home: "/home/ubuntu",
            shell: "/bin/bash",
        });
    }

    /// Adds a user and a group of its name; those that have the name go.
    pub(crate) fn add(&mut self, user: &NewUser<'_>) {
        let NewUser { name, uid, gid, home, shell } = user;
        let replace = |text: &mut String, line: String| {
            let others = text.lines().filter(|other| name_of(other) != Some(name));
            *text = others.chain([line.as_str()]).flat_map(|line| [line, "\n"]).collect();
        };
        replace(&mut self.passwd, format!("{name}:x:{uid}:{gid}:{name}:{home}:{shell}"));
        let has_group = self.group.lines().any(|line| line.split(':').nth(2) == Some(&gid.to_string()));
        if !has_group {
            replace(&mut self.group, format!("{name}:x:{gid}:"));
            self.gshadow.iter_mut().for_each(|text| replace(text, format!("{name}:!::")));
        }
        self.shadow.iter_mut().for_each(|text| replace(text, format!("{name}:!:19000:0:99999:7:::")));
    }

    /// Writes the files into a layer.
    pub(crate) fn write(&self, layer: &Skeleton<'_>) -> io::Result<()> {
        layer.write("etc/passwd", self.passwd.as_bytes(), 0o644)?;
        layer.write("etc/group", self.group.as_bytes(), 0o644)?;
        for (name, text) in [("etc/shadow", &self.shadow), ("etc/gshadow", &self.gshadow)] {
            if let Some(text) = text {
                layer.write(name, text.as_bytes(), 0o640)?;
            }
        }
        Ok(())
    }
}

fn name_of(line: &str) -> Option<&str> {
    line.split(':').next().filter(|name| !name.is_empty())
}

/// Takes people out of the list of members that a line of `/etc/group` ends with.
fn without_members(line: &str, gone: &[&str]) -> String {
    match line.rsplit_once(':') {
        Some((head, members)) => {
            let left: Vec<&str> = members.split(',').filter(|member| !gone.contains(member)).collect();
            format!("{head}:{}", left.join(","))
        }
        None => line.to_owned(),
    }
}

fn locked(line: &str, lock: &str, gone: &[&str]) -> String {
    let mut fields: Vec<&str> = line.split(':').collect();
    if let Some(password) = fields.get_mut(1) {
        *password = lock;
    }
    let line = fields.join(":");
    if lock == "!" { without_members(&line, gone) } else { line }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_and_passwords_go() {
        let mut users = Users::without_people(
            "root:x:0:0:root:/root:/bin/bash\nnobody:x:65534:65534::/:/bin/false\nben:x:1000:1000:Ben:/home/ben:/bin/sh\n",
            "root:x:0:\nadm:x:4:syslog,ben\nben:x:1000:\n",
            Some("root:$6$secret:1:0:9:7:::\nben:$6$other:1:0:9:7:::\n".into()),
            None,
        );
        assert_eq!(users.passwd, "root:x:0:0:root:/root:/bin/bash\nnobody:x:65534:65534::/:/bin/false\n");
        assert_eq!(users.group, "root:x:0:\nadm:x:4:syslog\n");
        assert_eq!(users.shadow.as_deref(), Some("root:*:1:0:9:7:::\n"));
        users.add_ubuntu();
        assert!(users.passwd.ends_with("ubuntu:x:1000:1000:ubuntu:/home/ubuntu:/bin/bash\n"));
        assert!(users.group.ends_with("ubuntu:x:1000:\n"));
        assert_eq!(users.gshadow, None);
    }

    #[test]
    fn a_user_takes_the_place_of_one_with_the_name() {
        let mut users = Users { passwd: "redis:x:111:120::/:/bin/false\n".into(), ..Users::default() };
        users.group = "redis:x:120:\n".into();
        let redis = NewUser { name: "redis", uid: 999, gid: 999, home: "/data", shell: "/bin/sh" };
        users.add(&redis);
        assert_eq!(users.passwd, "redis:x:999:999:redis:/data:/bin/sh\n");
        assert_eq!(users.group, "redis:x:999:\n");
    }
}
