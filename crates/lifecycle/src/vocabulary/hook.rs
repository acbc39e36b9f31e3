//! One hook, with as much about it as its source tells.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{HookKind, Name, Scope};

/// Whom of the other side a relation hook is about.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Remote {
    /// The source does not say. A log of names never does.
    #[default]
    Unknown,
    /// The application as a whole: `JUJU_REMOTE_UNIT` is empty.
    Application,
    /// One unit.
    Unit(Name),
}

/// A hook that ran or is to run. What a source does not tell is absent.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Hook {
    /// What kind of hook it is.
    pub kind: HookKind,
    /// The endpoint, storage, container or action that the name begins with.
    pub subject: Option<Name>,
    /// The number of the relation: 3 of `db:3`.
    pub relation_id: Option<u32>,
    /// The application at the other end of the relation.
    pub remote_app: Option<Name>,
    /// The unit at the other end of the relation.
    pub remote: Remote,
    /// The unit that leaves, for `relation-departed`.
    pub departing_unit: Option<Name>,
    /// The instance of the storage: `data/0`.
    pub storage_id: Option<Name>,
    /// The key of a custom notice.
    pub notice: Option<Name>,
    /// The name of a Pebble check.
    pub check: Option<Name>,
    /// The secret.
    pub secret_id: Option<Name>,
    /// The revision of the secret, for `secret-remove` and `secret-expired`.
    pub secret_revision: Option<u32>,
}

/// A name that no hook has.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct UnknownHook {
    /// The name as it was given.
    pub name: String,
    /// The kind that was probably meant.
    pub meant: Option<HookKind>,
}

impl fmt::Display for UnknownHook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The name may be anything, a binary file's bytes included.
        let name: String = self.name.chars().take(NAME_CHARACTERS_MAX).flat_map(char::escape_debug).collect();
        let rest = if self.name.chars().nth(NAME_CHARACTERS_MAX).is_some() { "…" } else { "" };
        write!(f, "`{name}{rest}` is no hook of Juju")?;
        match self.meant {
            Some(kind) => write!(f, "; `{}` is", kind.pattern()),
            None => Ok(()),
        }
    }
}

impl std::error::Error for UnknownHook {}

/// How much of a name that is none is shown.
const NAME_CHARACTERS_MAX: usize = 60;

/// Names that tools and people write, and the hooks that they mean.
const MISTAKES: [(&str, HookKind); 6] = [
    ("storage-detached", HookKind::StorageDetaching),
    ("secret-expire", HookKind::SecretExpired),
    ("secret-removed", HookKind::SecretRemove),
    ("secret-rotated", HookKind::SecretRotate),
    ("relation-departing", HookKind::RelationDeparted),
    ("config-change", HookKind::ConfigChanged),
];

impl Hook {
    /// Returns a hook of which nothing but its kind is known.
    pub fn of_kind(kind: HookKind) -> Self {
        Self {
            kind,
            subject: None,
            relation_id: None,
            remote_app: None,
            remote: Remote::Unknown,
            departing_unit: None,
            storage_id: None,
            notice: None,
            check: None,
            secret_id: None,
            secret_revision: None,
        }
    }

    /// Reads the name of a hook as Juju writes it (`db-relation-joined`), as ops logs it
    /// (`db_relation_joined`), or as its path in a charm (`hooks/start`, `actions/backup`).
    ///
    /// ops writes a dash in an endpoint's name as an underscore. Which of the two it was
    /// cannot be told, and dashes are far more common, so a dash it is.
    pub fn parse(name: &str) -> Result<Self, UnknownHook> {
        let trimmed = name.trim();
        if let Some(action) = trimmed.strip_prefix("actions/").filter(|action| is_name(action)) {
            return Ok(Self { subject: Some(action.into()), ..Self::of_kind(HookKind::Action) });
        }
        let trimmed = trimmed.strip_prefix("hooks/").unwrap_or(trimmed);
        let dashed = trimmed.replace('_', "-");
        for kind in HookKind::ALL {
            match kind.scope() {
                Scope::Unit | Scope::Secret => {
                    if dashed == kind.suffix() {
                        return Ok(Self::of_kind(kind));
                    }
                }
                Scope::Relation | Scope::Storage | Scope::Container | Scope::Action => {
                    // The name as Juju writes it first: there an underscore is part of
                    // the endpoint's name.
                    let subject = before_suffix(trimmed, kind).or_else(|| before_suffix(&dashed, kind));
                    if let Some(subject) = subject {
                        return Ok(Self { subject: Some(subject.into()), ..Self::of_kind(kind) });
                    }
                }
            }
        }
        let meant = MISTAKES.iter().find(|(mistake, _)| dashed.ends_with(mistake)).map(|(_, kind)| *kind);
        Err(UnknownHook { name: name.to_owned(), meant })
    }

    /// Returns the name of the hook as Juju writes it.
    pub fn name(&self) -> String {
        match (&self.subject, self.kind.scope()) {
            (Some(subject), Scope::Relation | Scope::Storage | Scope::Container | Scope::Action) => {
                format!("{subject}-{}", self.kind.suffix())
            }
            (None, _) | (Some(_), Scope::Unit | Scope::Secret) => self.kind.suffix().to_owned(),
        }
    }

    /// Whether both may be runs of one hook: nothing that is known of both differs.
    pub fn may_be(&self, other: &Self) -> bool {
        fn agree<T: PartialEq>(one: Option<&T>, other: Option<&T>) -> bool {
            one.zip(other).is_none_or(|(one, other)| one == other)
        }
        let remotes_agree =
            self.remote == Remote::Unknown || other.remote == Remote::Unknown || self.remote == other.remote;
        self.kind == other.kind
            && self.subject == other.subject
            && remotes_agree
            && agree(self.relation_id.as_ref(), other.relation_id.as_ref())
            && agree(self.storage_id.as_ref(), other.storage_id.as_ref())
            && agree(self.check.as_ref(), other.check.as_ref())
            && agree(self.notice.as_ref(), other.notice.as_ref())
            && agree(self.secret_id.as_ref(), other.secret_id.as_ref())
            && agree(self.secret_revision.as_ref(), other.secret_revision.as_ref())
    }

    /// Returns the endpoint, storage or container; empty where the source gave none.
    pub fn subject(&self) -> &str {
        self.subject.as_deref().unwrap_or_default()
    }
}

impl fmt::Display for Hook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name())?;
        if let Some(id) = self.relation_id {
            write!(f, " ({}:{id})", self.subject())?;
        }
        match &self.remote {
            Remote::Unit(unit) => write!(f, " of {unit}"),
            Remote::Unknown | Remote::Application => Ok(()),
        }
    }
}

fn before_suffix(name: &str, kind: HookKind) -> Option<&str> {
    let subject = name.strip_suffix(kind.suffix())?.strip_suffix('-')?;
    is_name(subject).then_some(subject)
}

/// Whether `text` can be the name of an endpoint, storage, container or action.
pub fn is_name(text: &str) -> bool {
    text.starts_with(|character: char| character.is_ascii_lowercase())
        && text.ends_with(|character: char| character.is_ascii_lowercase() || character.is_ascii_digit())
        && text.chars().all(|character| {
            character.is_ascii_lowercase() || character.is_ascii_digit() || matches!(character, '-' | '_')
        })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(name: &str, kind: HookKind, subject: Option<&str>) {
        let hook = Hook::parse(name).expect(name);
        assert_eq!((hook.kind, hook.subject.as_deref()), (kind, subject), "{name}");
    }

    #[test]
    fn names_are_read_in_every_spelling() {
        check("config-changed", HookKind::ConfigChanged, None);
        check("config_changed", HookKind::ConfigChanged, None);
        check("hooks/start", HookKind::Start, None);
        check("actions/create-backup", HookKind::Action, Some("create-backup"));
        check("create_backup_action", HookKind::Action, Some("create-backup"));
        check("db-relation-joined", HookKind::RelationJoined, Some("db"));
        check("shared_db-relation-joined", HookKind::RelationJoined, Some("shared_db"));
        check("shared_db_relation_joined", HookKind::RelationJoined, Some("shared-db"));
        check("data-storage-attached", HookKind::StorageAttached, Some("data"));
        check("c-pebble-ready", HookKind::PebbleReady, Some("c"));
        check("c-pebble-check-failed", HookKind::PebbleCheckFailed, Some("c"));
        check("secret-expired", HookKind::SecretExpired, None);
    }

    #[test]
    fn what_is_no_hook_is_told_with_what_was_meant() {
        let check = |name: &str, expected: &str| {
            let error = Hook::parse(name).expect_err(name);
            assert_eq!(error.to_string(), expected);
        };
        check(
            "data-storage-detached",
            "`data-storage-detached` is no hook of Juju; `STORAGE-storage-detaching` is",
        );
        check("secret_removed", "`secret_removed` is no hook of Juju; `secret-remove` is");
        check("pebble-ready", "`pebble-ready` is no hook of Juju");
        check("-relation-joined", "`-relation-joined` is no hook of Juju");
        check("", "`` is no hook of Juju");
        check("\u{1b}[2J", "`\\u{1b}[2J` is no hook of Juju");
        check(&"x".repeat(70), &format!("`{}…` is no hook of Juju", "x".repeat(60)));
    }

    fn a_hook() -> impl Strategy<Value = Hook> {
        (proptest::sample::select(HookKind::ALL.to_vec()), "[a-z][a-z0-9]{0,6}(-[a-z0-9]{1,5}){0,2}")
            .prop_map(|(kind, subject)| {
                let subject = match kind.scope() {
                    Scope::Unit | Scope::Secret => None,
                    Scope::Relation | Scope::Storage | Scope::Container | Scope::Action => {
                        Some(subject.into())
                    }
                };
                Hook { subject, ..Hook::of_kind(kind) }
            })
    }

    proptest! {
        #[test]
        fn a_name_is_read_as_it_was_written(hook in a_hook()) {
            let name = hook.name();
            prop_assert_eq!(Hook::parse(&name), Ok(hook.clone()));
            prop_assert_eq!(Hook::parse(&name.replace('-', "_")), Ok(hook));
        }

        #[test]
        fn any_text_is_a_hook_or_is_not(text in ".{0,40}") {
            if let Ok(hook) = Hook::parse(&text) {
                prop_assert_eq!(Hook::parse(&hook.name()), Ok(hook));
            }
        }
    }
}
