//! Users and groups of a machine, from its own `/etc/passwd` and `/etc/group`.
//!
//! No name service is asked: the C library's would be the host's, and loads code of the machine.

/// Who a program runs as, in numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Account {
    pub(crate) user: u32,
    pub(crate) group: u32,
    /// All groups, with the one above.
    pub(crate) groups: Vec<u32>,
    pub(crate) home: String,
    pub(crate) shell: String,
}

/// Finds a user by name, in the texts of both files.
pub(crate) fn find(name: &str, passwd: &str, group: &str) -> Option<Account> {
    let fields = passwd.lines().map(|line| line.split(':').collect::<Vec<&str>>());
    let (user, own_group, home, shell) = fields.into_iter().find_map(|fields| match fields.as_slice() {
        [found, _, user, group, _, home, shell, ..] if *found == name => {
            Some((user.parse().ok()?, group.parse().ok()?, (*home).to_owned(), (*shell).to_owned()))
        }
        _ => None,
    })?;
    let mut groups = vec![own_group];
    for line in group.lines() {
        let fields: Vec<&str> = line.split(':').collect();
        if let [_, _, id, members, ..] = fields.as_slice()
            && members.split(',').any(|member| member == name)
            && let Ok(id) = id.parse()
            && !groups.contains(&id)
        {
            groups.push(id);
        }
    }
    Some(Account { user, group: own_group, groups, home, shell })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PASSWD: &str = "root:x:0:0:root:/root:/bin/bash\n\
        broken\n\
        odd:x:many:1::/:/bin/sh\n\
        ubuntu:x:1000:1001:Ubuntu,,,:/home/ubuntu:/bin/bash\n";
    const GROUP: &str = "root:x:0:\nsudo:x:27:ubuntu\nubuntu:x:1001:\nlxd:x:108:someone,ubuntu\nbad:x:x:ubuntu\nadm:x:4:ubuntu2\n";

    fn check(name: &str, expected: Option<(u32, u32, &[u32], &str)>) {
        let found = find(name, PASSWD, GROUP);
        let found = found
            .as_ref()
            .map(|account| (account.user, account.group, account.groups.as_slice(), account.home.as_str()));
        assert_eq!(found, expected);
    }

    #[test]
    fn users_have_their_groups() {
        check("root", Some((0, 0, &[0], "/root")));
        check("ubuntu", Some((1000, 1001, &[1001, 27, 108], "/home/ubuntu")));
        check("broken", None);
        check("odd", None);
        check("nobody", None);
    }

    proptest! {
        #[test]
        fn any_text_is_read(name in ".*", passwd in ".*", group in ".*") {
            let _ = find(&name, &passwd, &group);
        }
    }
}
