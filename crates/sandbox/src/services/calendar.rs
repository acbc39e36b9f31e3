//! `OnCalendar=` of timers: which moment is the next that an expression stands for.
//!
//! Weekdays, dates and times may be lists, ranges and steps, and the names such as `daily` are
//! known. Fractions of seconds, `~` (days before the end of a month) and time zones other than
//! UTC are refused: a machine of ours lives in UTC.

use jiff::civil::{Date, DateTime, Weekday};
use jiff::{Timestamp, ToSpan as _, tz::TimeZone};

/// How far ahead a moment is looked for: leap days come every eight years at worst.
const DAYS_AHEAD: usize = 366 * 9;

/// Moments that come back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Calendar {
    /// Empty: every day.
    weekdays: Vec<Weekday>,
    year: Field,
    month: Field,
    day: Field,
    hour: Field,
    minute: Field,
    second: Field,
}

/// One part of a date or a time; empty for any value.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Field(Vec<Part>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Part {
    from: i16,
    to: Option<i16>,
    step: Option<i16>,
}

impl Field {
    fn exactly(value: i16) -> Self {
        Self(vec![Part { from: value, to: None, step: None }])
    }

    fn parse(text: &str) -> Option<Self> {
        if text == "*" {
            return Some(Self::default());
        }
        let number = |text: &str| text.parse::<i16>().ok().filter(|number| *number >= 0);
        let part = |text: &str| {
            let (range, step) = match text.split_once('/') {
                Some((range, step)) => (range, Some(number(step).filter(|step| *step > 0)?)),
                None => (text, None),
            };
            Some(match range.split_once("..") {
                Some((from, to)) => Part { from: number(from)?, to: Some(number(to)?), step },
                None if range == "*" => Part { from: 0, to: None, step },
                None => Part { from: number(range)?, to: None, step },
            })
        };
        text.split(',').map(part).collect::<Option<Vec<_>>>().map(Self)
    }

    fn holds(&self, value: i16) -> bool {
        self.0.is_empty()
            || self.0.iter().any(|part| match (part.to, part.step) {
                (None, None) => value == part.from,
                (to, step) => {
                    value >= part.from
                        && to.is_none_or(|to| value <= to)
                        && (value - part.from) % step.unwrap_or(1) == 0
                }
            })
    }
}

impl Calendar {
    /// Reads an expression; `None` where it is none, or one of the forms that are not known.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let named = match text.trim().to_ascii_lowercase().as_str() {
            "minutely" => Some("*-*-* *:*:00"),
            "hourly" => Some("*-*-* *:00:00"),
            "daily" => Some("*-*-* 00:00:00"),
            "weekly" => Some("Mon *-*-* 00:00:00"),
            "monthly" => Some("*-*-01 00:00:00"),
            "quarterly" => Some("*-01,04,07,10-01 00:00:00"),
            "semiannually" => Some("*-01,07-01 00:00:00"),
            "yearly" | "annually" => Some("*-01-01 00:00:00"),
            _ => None,
        };
        let mut calendar = Self {
            weekdays: Vec::new(),
            year: Field::default(),
            month: Field::default(),
            day: Field::default(),
            hour: Field::exactly(0),
            minute: Field::exactly(0),
            second: Field::exactly(0),
        };
        let words: Vec<&str> = named.unwrap_or(text).split_ascii_whitespace().collect();
        if words.is_empty() {
            return None;
        }
        for word in words {
            if word == "UTC" {
                continue;
            }
            if word.starts_with(|c: char| c.is_ascii_alphabetic()) {
                calendar.weekdays = weekdays(word)?;
            } else if word.contains(':') {
                let parts: Vec<&str> = word.split(':').collect();
                let (hour, minute, second) = match parts[..] {
                    [hour, minute] => (hour, minute, "0"),
                    [hour, minute, second] => (hour, minute, second),
                    [..] => return None,
                };
                calendar.hour = Field::parse(hour)?;
                calendar.minute = Field::parse(minute)?;
                calendar.second = Field::parse(second)?;
            } else {
                let parts: Vec<&str> = word.split('-').collect();
                let (year, month, day) = match parts[..] {
                    [month, day] => ("*", month, day),
                    [year, month, day] => (year, month, day),
                    [..] => return None,
                };
                calendar.year = Field::parse(year)?;
                calendar.month = Field::parse(month)?;
                calendar.day = Field::parse(day)?;
            }
        }
        Some(calendar)
    }

    /// The first moment after `now`.
    pub(crate) fn next_after(&self, now: Timestamp) -> Option<Timestamp> {
        let earliest = now.to_zoned(TimeZone::UTC).datetime() + 1.second();
        let mut date = earliest.date();
        for _ in 0..DAYS_AHEAD {
            if self.holds_on(date) {
                let from = (date == earliest.date()).then_some(earliest);
                if let Some(moment) = self.first_on(date, from) {
                    return moment.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp());
                }
            }
            date = date.tomorrow().ok()?;
        }
        None
    }

    fn holds_on(&self, date: Date) -> bool {
        (self.weekdays.is_empty() || self.weekdays.contains(&date.weekday()))
            && self.year.holds(date.year())
            && self.month.holds(i16::from(date.month()))
            && self.day.holds(i16::from(date.day()))
    }

    fn first_on(&self, date: Date, from: Option<DateTime>) -> Option<DateTime> {
        let hours = (0..24_i8).filter(|hour| self.hour.holds(i16::from(*hour)));
        for hour in hours {
            for minute in (0..60_i8).filter(|minute| self.minute.holds(i16::from(*minute))) {
                for second in (0..60_i8).filter(|second| self.second.holds(i16::from(*second))) {
                    let moment = date.at(hour, minute, second, 0);
                    let is_late_enough = from.is_none_or(|from| {
                        moment >= from.with().subsec_nanosecond(0).build().unwrap_or(from)
                    });
                    if is_late_enough {
                        return Some(moment);
                    }
                }
            }
        }
        None
    }
}

fn weekdays(word: &str) -> Option<Vec<Weekday>> {
    let mut days = Vec::new();
    for part in word.trim_end_matches(',').split(',') {
        match part.split_once("..") {
            Some((from, to)) => {
                let (mut day, to) = (weekday(from)?, weekday(to)?);
                days.push(day);
                while day != to {
                    day = day.next();
                    days.push(day);
                }
            }
            None => days.push(weekday(part)?),
        }
    }
    Some(days)
}

fn weekday(name: &str) -> Option<Weekday> {
    let all = [
        ("monday", Weekday::Monday),
        ("tuesday", Weekday::Tuesday),
        ("wednesday", Weekday::Wednesday),
        ("thursday", Weekday::Thursday),
        ("friday", Weekday::Friday),
        ("saturday", Weekday::Saturday),
        ("sunday", Weekday::Sunday),
    ];
    let name = name.to_ascii_lowercase();
    all.into_iter().find(|(full, _)| *full == name || full[..3] == name).map(|(_, day)| day)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// From Sunday, 22 November 2026, 05:37:10.
    #[track_caller]
    fn check(text: &str, expected: &str) {
        let now: Timestamp = "2026-11-22T05:37:10Z".parse().unwrap();
        let found = match Calendar::parse(text) {
            None => "refused".to_owned(),
            Some(calendar) => {
                calendar.next_after(now).map_or("never".to_owned(), |moment| moment.to_string())
            }
        };
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn the_next_moment_is_found() {
        check("daily", "2026-11-23T00:00:00Z");
        check("hourly", "2026-11-22T06:00:00Z");
        check("weekly", "2026-11-23T00:00:00Z");
        check("*:0/15", "2026-11-22T05:45:00Z");
        check("*-*-* 6,18:00", "2026-11-22T06:00:00Z");
        check("Mon..Fri 10:00", "2026-11-23T10:00:00Z");
        check("Sat,Sun *-*-* 03:10:30 UTC", "2026-11-28T03:10:30Z");
        check("*-02-29", "2028-02-29T00:00:00Z");
        check("2020-01-01", "never");
        check("*-*~1", "refused");
        check("tomorrow", "refused");
        check("", "refused");
    }

    proptest! {
        #[test]
        fn what_is_next_is_later(
            text in "(Mon|Tue..Thu|)  ?(\\*|20[0-9]{2})-(\\*|[0-9]{1,2})-(\\*|[0-9]{1,2}) [0-9]{1,2}:(\\*|0/[1-9])"
        ) {
            let now: Timestamp = "2026-11-22T05:37:10.5Z".parse().unwrap();
            if let Some(next) = Calendar::parse(&text).and_then(|calendar| calendar.next_after(now)) {
                prop_assert!(next > now);
            }
        }

        #[test]
        fn any_text_is_read_or_refused(text in "\\PC{0,30}") {
            let _ = Calendar::parse(&text);
        }
    }
}
