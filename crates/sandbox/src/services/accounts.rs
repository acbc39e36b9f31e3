//! Users and groups by their names, in the machine's own `/etc/passwd` and `/etc/group`.
//!
//! No name service is asked: the C library's would load code of the machine.

/// A user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct User {
    pub name: String,
    pub id: u32,
    pub group: u32,
    pub home: String,
    pub shell: String,
}

/// Finds a user by name or number. A number without a user stands for itself.
pub(crate) fn user(text: &str, passwd: &str) -> Option<User> {
    let number: Option<u32> = text.parse().ok();
    let found = passwd.lines().find_map(|line| {
        let fields: Vec<&str> = line.split(':').collect();
        let [name, _, id, group, _, home, shell, ..] = fields[..] else { return None };
        let id: u32 = id.parse().ok()?;
        (name == text || number == Some(id)).then(|| {
            let group = group.parse().ok()?;
            let (name, home, shell) = (name.to_owned(), home.to_owned(), shell.to_owned());
            Some(User { name, id, group, home, shell })
        })?
    });
    found.or_else(|| {
        let id = number?;
        Some(User { name: text.to_owned(), id, group: id, home: "/".to_owned(), shell: "/bin/sh".to_owned() })
    })
}

/// Finds a group by name or number.
pub(crate) fn group(text: &str, group: &str) -> Option<u32> {
    let named = group.lines().find_map(|line| {
        let mut fields = line.split(':');
        (fields.next() == Some(text)).then(|| fields.nth(1)?.parse().ok())?
    });
    named.or_else(|| text.parse().ok())
}

/// The groups that a user is a member of.
pub(crate) fn memberships(user: &str, group: &str) -> Vec<u32> {
    let lines = group.lines().map(|line| line.split(':').collect::<Vec<_>>());
    lines
        .filter_map(|fields| match fields[..] {
            [_, _, id, members, ..] if members.split(',').any(|member| member == user) => id.parse().ok(),
            [..] => None,
        })
        .collect()
}

/// Whether a user, by name or number, is in one of these groups: as a member, or because it is its own.
pub(crate) fn is_in_one_of(names: &[&str], text: &str, passwd: &str, groups: &str) -> bool {
    let Some(user) = user(text, passwd) else { return false };
    let mut own = memberships(&user.name, groups);
    own.push(user.group);
    names.iter().any(|name| group(name, groups).is_some_and(|id| own.contains(&id)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PASSWD: &str = "root:x:0:0:root:/root:/bin/bash\nbroken\nwww-data:x:33:34:www:/var/www:/bin/sh\n";
    const GROUP: &str = "root:x:0:\nwww-data:x:34:\nssl-cert:x:110:a,www-data\nbad:x:y:www-data\n";

    #[test]
    fn users_and_groups_are_found_by_name_and_number() {
        let found = user("www-data", PASSWD).unwrap();
        assert_eq!((found.id, found.group, found.home.as_str()), (33, 34, "/var/www"));
        assert_eq!(user("33", PASSWD).unwrap().name, "www-data");
        assert_eq!(user("4711", PASSWD).unwrap().id, 4711);
        assert_eq!((user("broken", PASSWD), user("nobody", PASSWD)), (None, None));
        assert_eq!(
            (group("ssl-cert", GROUP), group("7", GROUP), group("none", GROUP)),
            (Some(110), Some(7), None)
        );
        assert_eq!(memberships("www-data", GROUP), [110]);
        let is_in = |names: &[&str], user: &str| is_in_one_of(names, user, PASSWD, GROUP);
        assert!(is_in(&["none", "ssl-cert"], "33") && is_in(&["www-data"], "www-data"));
        assert!(!is_in(&["root"], "33") && !is_in(&["www-data"], "nobody"));
    }

    proptest! {
        #[test]
        fn any_text_is_read(name in "\\PC{0,6}", text in "([a-z0-9:,]{0,20}\n){0,5}") {
            user(&name, &text);
            group(&name, &text);
            memberships(&name, &text);
        }
    }
}
