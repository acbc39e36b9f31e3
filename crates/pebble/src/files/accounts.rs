//! Users and groups of a container, as `/etc/passwd` and `/etc/group` of its root have them.

use std::collections::BTreeMap;

use crate::plan::{Context, quoted};

/// Whom something belongs to, or runs as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ids {
    pub(crate) user: u32,
    pub(crate) group: u32,
}

/// Users and groups.
#[derive(Debug, Clone, Default)]
pub(crate) struct Accounts {
    users: BTreeMap<String, User>,
    groups: BTreeMap<String, u32>,
    /// Whether a name that is not there is made up: a simulated container has no image that brings it.
    invents: bool,
}

#[derive(Debug, Clone)]
struct User {
    id: u32,
    group: u32,
    home: String,
}

impl Accounts {
    pub(crate) fn new(passwd: &str, group: &str, invents: bool) -> Self {
        let mut users = BTreeMap::new();
        for line in passwd.lines() {
            let fields: Vec<&str> = line.split(':').collect();
            if let [name, _, id, group, _, home, ..] = fields[..]
                && let (Ok(id), Ok(group)) = (id.parse(), group.parse())
            {
                users.entry(name.to_owned()).or_insert(User { id, group, home: home.to_owned() });
            }
        }
        let mut groups = BTreeMap::new();
        for line in group.lines() {
            let mut fields = line.split(':');
            if let (Some(name), Some(Ok(id))) = (fields.next(), fields.nth(1).map(str::parse)) {
                groups.entry(name.to_owned()).or_insert(id);
            }
        }
        if invents {
            let root = User { id: 0, group: 0, home: "/root".into() };
            users.entry("root".into()).or_insert(root);
            groups.entry("root".into()).or_insert(0);
        }
        Self { users, groups, invents }
    }

    /// The user of an id: name and home.
    pub(crate) fn user(&self, id: u32) -> Option<(&str, &str)> {
        let (name, user) = self.users.iter().find(|(_, user)| user.id == id)?;
        Some((name, &user.home))
    }

    /// The name of a user's id.
    pub(crate) fn user_name(&self, id: u32) -> String {
        self.user(id).map(|(name, _)| name.to_owned()).unwrap_or_default()
    }

    /// The name of a group's id.
    pub(crate) fn group_name(&self, id: u32) -> String {
        let found = self.groups.iter().find(|(_, group)| **group == id);
        found.map(|(name, _)| name.clone()).unwrap_or_default()
    }

    /// Whom a context names; nobody if it names nobody. With a number of a user that is not there, `must
    /// exist` says whether its group may be guessed.
    pub(crate) fn resolve(&self, context: &Context, guess_group: bool) -> Result<Option<Ids>, String> {
        let Context { user_id, user, group_id, group, .. } = context;
        if user_id.is_none() && user.is_empty() && group_id.is_none() && group.is_empty() {
            return Ok(None);
        }
        let number = |id: &Option<i64>, what: &str| match id {
            None => Ok(None),
            Some(id) => u32::try_from(*id).map(Some).map_err(|_| format!("{what}: invalid id {id}")),
        };
        let mut user_number = number(user_id, "user")?;
        let mut group_number = number(group_id, "group")?;
        let mut primary = None;
        if !user.is_empty() {
            let known = match self.users.get(user) {
                Some(known) => known.clone(),
                None if self.invents => self.invented(user),
                None => return Err(format!("user: unknown user {user}")),
            };
            if let Some(wanted) =
                user_number.filter(|wanted| *wanted != known.id && self.users.contains_key(user))
            {
                return Err(format!(
                    "user {} UID ({}) does not match user-id ({wanted})",
                    quoted(user),
                    known.id
                ));
            }
            primary = Some(known.group);
            user_number = Some(user_number.unwrap_or(known.id));
        }
        if !group.is_empty() {
            let known = match self.groups.get(group) {
                Some(known) => *known,
                None if self.invents => invented_id(group),
                None => return Err(format!("group: unknown group {group}")),
            };
            if let Some(wanted) =
                group_number.filter(|wanted| *wanted != known && self.groups.contains_key(group))
            {
                return Err(format!(
                    "group {} GID ({known}) does not match group-id ({wanted})",
                    quoted(group)
                ));
            }
            group_number = Some(group_number.unwrap_or(known));
        }
        let Some(user) = user_number else {
            return Err("must specify user, not just group".into());
        };
        let group = match group_number {
            Some(group) => group,
            None => match primary
                .or_else(|| self.users.values().find(|known| known.id == user).map(|known| known.group))
            {
                Some(group) => group,
                None if self.invents || guess_group => user,
                None => return Err(format!("user: unknown userid {user}")),
            },
        };
        Ok(Some(Ids { user, group }))
    }

    fn invented(&self, name: &str) -> User {
        let id = invented_id(name);
        User { id, group: self.groups.get(name).copied().unwrap_or(id), home: "/".into() }
    }
}

/// A number for a name that no image brings: the same for the same name.
fn invented_id(name: &str) -> u32 {
    let sum = name.bytes().fold(0_u32, |sum, b| sum.wrapping_mul(31).wrapping_add(u32::from(b)));
    10_000 + sum % 50_000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contexts_name_users_and_groups() {
        let passwd = "root:x:0:0:root:/root:/bin/sh\nweb:x:33:34:Web:/var/www:/bin/false\nbroken\n";
        let group = "root:x:0:\nweb:x:34:\nstaff:x:50:web\n";
        let check = |user_id: Option<i64>, user: &str, group_id: Option<i64>, name: &str, expected: &str| {
            let context =
                Context { user_id, user: user.into(), group_id, group: name.into(), ..Context::default() };
            let said = match Accounts::new(passwd, group, false).resolve(&context, false) {
                Ok(None) => "nobody".into(),
                Ok(Some(ids)) => format!("{}:{}", ids.user, ids.group),
                Err(error) => error,
            };
            assert_eq!(said, expected);
        };
        check(None, "", None, "", "nobody");
        check(None, "web", None, "", "33:34");
        check(Some(33), "", None, "", "33:34");
        check(Some(33), "web", Some(50), "staff", "33:50");
        check(Some(7), "", Some(8), "", "7:8");
        check(Some(7), "", None, "", "user: unknown userid 7");
        check(Some(7), "web", None, "", "user \"web\" UID (33) does not match user-id (7)");
        check(None, "web", Some(7), "staff", "group \"staff\" GID (50) does not match group-id (7)");
        check(None, "none", None, "", "user: unknown user none");
        check(None, "web", None, "none", "group: unknown group none");
        check(None, "", None, "staff", "must specify user, not just group");
        check(Some(-1), "", Some(0), "", "user: invalid id -1");
    }

    #[test]
    fn a_simulated_container_knows_every_user() {
        let accounts = Accounts::new("", "", true);
        let context = Context { user: "postgres".into(), ..Context::default() };
        let first = accounts.resolve(&context, false).unwrap();
        assert_eq!(accounts.resolve(&context, false).unwrap(), first);
        assert_eq!(accounts.user(0), Some(("root", "/root")));
    }
}
