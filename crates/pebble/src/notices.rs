//! Notices: what happened, counted by type and key.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::clock::after;
use crate::duration;

/// Notices are forgotten a week after they last occurred.
const EXPIRE_AFTER: Duration = Duration::from_hours(168);

/// Who put a notice there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, strum::Display, strum::EnumString)]
#[strum(serialize_all = "kebab-case")]
pub enum NoticeKind {
    /// Pebble: a change began, or got another status.
    ChangeUpdate,
    /// The workload, by `pebble notify`.
    Custom,
    /// Pebble: something is not as it should be.
    Warning,
}

/// One notice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Notice {
    pub(crate) id: u64,
    pub(crate) user: Option<u32>,
    pub(crate) kind: NoticeKind,
    pub(crate) key: String,
    pub(crate) first_occurred: Timestamp,
    pub(crate) last_occurred: Timestamp,
    pub(crate) last_repeated: Timestamp,
    pub(crate) occurrences: u64,
    pub(crate) data: BTreeMap<String, String>,
    pub(crate) repeat_after: Duration,
}

impl Notice {
    /// The notice as the API has it.
    pub(crate) fn to_json(&self) -> Value {
        let mut value = json!({
            "id": self.id.to_string(),
            "user-id": self.user,
            "type": self.kind.to_string(),
            "key": self.key,
            "first-occurred": self.first_occurred.to_string(),
            "last-occurred": self.last_occurred.to_string(),
            "last-repeated": self.last_repeated.to_string(),
            "occurrences": self.occurrences,
            "expire-after": duration::print(EXPIRE_AFTER),
        });
        if !self.data.is_empty() {
            value["last-data"] = json!(self.data);
        }
        if !self.repeat_after.is_zero() {
            value["repeat-after"] = json!(duration::print(self.repeat_after));
        }
        value
    }
}

/// Which notices are asked for. What is empty does not restrict.
#[derive(Debug, Clone, Default)]
pub(crate) struct NoticeFilter {
    pub(crate) user: Option<u32>,
    pub(crate) kinds: Vec<NoticeKind>,
    pub(crate) keys: Vec<String>,
    pub(crate) after: Option<Timestamp>,
}

impl NoticeFilter {
    fn takes(&self, notice: &Notice) -> bool {
        self.user.is_none_or(|user| notice.user.is_none_or(|owner| owner == user))
            && (self.kinds.is_empty() || self.kinds.contains(&notice.kind))
            && (self.keys.is_empty() || self.keys.contains(&notice.key))
            && self.after.is_none_or(|after| notice.last_repeated > after)
    }
}

/// An occurrence to be noted.
#[derive(Debug, Clone)]
pub(crate) struct Occurrence {
    pub(crate) user: Option<u32>,
    pub(crate) kind: NoticeKind,
    pub(crate) key: String,
    pub(crate) data: BTreeMap<String, String>,
    pub(crate) repeat_after: Duration,
}

/// All notices.
#[derive(Debug, Clone, Default)]
pub(crate) struct Notices {
    notices: BTreeMap<(Option<u32>, NoticeKind, String), Notice>,
    last_id: u64,
}

impl Notices {
    /// Notes an occurrence and returns the notice's id.
    pub(crate) fn add(&mut self, now: Timestamp, occurrence: Occurrence) -> u64 {
        let Occurrence { user, kind, key, data, repeat_after } = occurrence;
        let index = (user, kind, key.clone());
        if self.notices.get(&index).is_none_or(|notice| is_expired(notice, now)) {
            self.last_id += 1;
            let notice = Notice {
                id: self.last_id,
                user,
                kind,
                key,
                first_occurred: now,
                last_occurred: now,
                last_repeated: now,
                occurrences: 1,
                data,
                repeat_after,
            };
            self.notices.retain(|_, notice| !is_expired(notice, now));
            self.notices.insert(index, notice);
            return self.last_id;
        }
        let Some(notice) = self.notices.get_mut(&index) else { return 0 };
        notice.occurrences += 1;
        notice.last_occurred = now;
        if repeat_after.is_zero() || now > after(notice.last_repeated, repeat_after) {
            notice.last_repeated = now;
        }
        notice.data = data;
        notice.repeat_after = repeat_after;
        notice.id
    }

    /// Returns what a filter takes, by the time of the last repetition.
    pub(crate) fn list(&self, now: Timestamp, filter: &NoticeFilter) -> Vec<&Notice> {
        let mut found: Vec<&Notice> =
            self.notices.values().filter(|notice| !is_expired(notice, now) && filter.takes(notice)).collect();
        found.sort_by_key(|notice| (notice.last_repeated, notice.id));
        found
    }

    /// Returns a notice by its id.
    pub(crate) fn get(&self, id: &str) -> Option<&Notice> {
        self.notices.values().find(|notice| notice.id.to_string() == id)
    }
}

fn is_expired(notice: &Notice, now: Timestamp) -> bool {
    after(notice.last_occurred, EXPIRE_AFTER) < now
}

/// Says whether a key is one that a workload may use: `example.com/path`, in lower case.
pub(crate) fn is_custom_key(key: &str) -> bool {
    let is_word = |word: &str| {
        !word.is_empty()
            && word.split('-').all(|part| {
                !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
            })
    };
    let mut parts = key.split('/');
    let domain = parts.next().unwrap_or_default();
    let mut parts = parts.peekable();
    domain.contains('.') && domain.split('.').all(is_word) && parts.peek().is_some() && parts.all(is_word)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn occurrence(key: &str, repeat_after_s: u64) -> Occurrence {
        Occurrence {
            user: Some(0),
            kind: NoticeKind::Custom,
            key: key.into(),
            data: BTreeMap::new(),
            repeat_after: Duration::from_secs(repeat_after_s),
        }
    }

    #[test]
    fn an_occurrence_counts_and_repeats_after_a_while() {
        let mut notices = Notices::default();
        let at = |seconds: i64| Timestamp::from_second(seconds).unwrap();
        assert_eq!(notices.add(at(0), occurrence("example.com/a", 10)), 1);
        assert_eq!(notices.add(at(5), occurrence("example.com/a", 10)), 1);
        assert_eq!(notices.add(at(6), occurrence("example.com/b", 0)), 2);
        let notice = notices.get("1").unwrap();
        assert_eq!((notice.occurrences, notice.last_repeated, notice.last_occurred), (2, at(0), at(5)));
        notices.add(at(11), occurrence("example.com/a", 10));
        let keys = |now: i64, filter: &NoticeFilter| -> Vec<String> {
            notices.list(at(now), filter).iter().map(|notice| notice.key.clone()).collect()
        };
        assert_eq!(keys(11, &NoticeFilter::default()), ["example.com/b", "example.com/a"]);
        assert_eq!(
            keys(11, &NoticeFilter { after: Some(at(6)), ..NoticeFilter::default() }),
            ["example.com/a"]
        );
        assert_eq!(
            keys(11, &NoticeFilter { user: Some(7), ..NoticeFilter::default() }),
            Vec::<String>::new()
        );
        assert_eq!(keys(8 * 24 * 3600, &NoticeFilter::default()), Vec::<String>::new());
    }

    #[test]
    fn keys_of_workloads_have_a_domain_and_a_path() {
        let check = |key: &str, expected: bool| assert_eq!(is_custom_key(key), expected, "{key}");
        check("example.com/path", true);
        check("a-b.c1.d/e/f-1", true);
        check("example/path", false);
        check("example.com", false);
        check("example.com/", false);
        check("Example.com/a", false);
        check("example..com/a", false);
        check("example.com/a--b", false);
        check("example.com/a_b", false);
    }
}
