//! Times as Juju writes them.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

/// In which time zone times are written, and so in which format.
#[derive(Clone, Debug)]
pub enum Times {
    /// As `--utc` asks for.
    Utc,
    /// The zone of whoever reads.
    Local(TimeZone),
}

impl Times {
    /// When something became so: `04 Jan 2026 06:29:46Z`, with `--utc` `2026-01-04 06:29:46Z`.
    pub fn since(&self, at: Timestamp) -> String {
        match self {
            Self::Utc => at.strftime("%Y-%m-%d %H:%M:%SZ").to_string(),
            Self::Local(zone) => {
                let zoned = at.to_zoned(zone.clone());
                format!("{}{}", zoned.strftime("%d %b %Y %H:%M:%S"), offset(&zoned))
            }
        }
    }

    /// The time of day alone, as the controller's clock in `status` is shown.
    pub fn time_of_day(&self, at: Timestamp) -> String {
        match self {
            Self::Utc => at.strftime("%H:%M:%S").to_string(),
            Self::Local(zone) => {
                let zoned = at.to_zoned(zone.clone());
                format!("{}{}", zoned.strftime("%H:%M:%S"), offset(&zoned))
            }
        }
    }

    /// When a task was enqueued, started and completed: `2026-01-04 06:29:46.5 +0000 UTC`.
    pub fn task(&self, at: Timestamp) -> String {
        let zoned = match self {
            Self::Utc => at.to_zoned(TimeZone::UTC),
            Self::Local(zone) => at.to_zoned(zone.clone()),
        };
        format!(
            "{}{} {} {}",
            zoned.strftime("%Y-%m-%d %H:%M:%S"),
            fraction(at),
            zoned.strftime("%z"),
            zoned.strftime("%Z")
        )
    }

    /// As lists of operations have it: `2026-01-04T06:29:46`.
    pub fn list(&self, at: Timestamp) -> String {
        match self {
            Self::Utc => at.strftime("%Y-%m-%dT%H:%M:%S").to_string(),
            Self::Local(zone) => at.to_zoned(zone.clone()).strftime("%Y-%m-%dT%H:%M:%S").to_string(),
        }
    }

    /// The time of day before a line that an action logs while one waits for it.
    pub fn progress(&self, at: Timestamp) -> String {
        match self {
            Self::Utc => at.strftime("%H:%M:%S").to_string(),
            Self::Local(zone) => at.to_zoned(zone.clone()).strftime("%H:%M:%S").to_string(),
        }
    }
}

/// How long ago something was, as `show-model` and `models` say it; a day before and earlier,
/// the date.
pub fn ago(at: Timestamp, now: Timestamp) -> String {
    let elapsed = now.duration_since(at);
    let counted = |count: i64, unit: &str| {
        let plural = if count == 1 { "" } else { "s" };
        format!("{count} {unit}{plural} ago")
    };
    if elapsed >= SignedDuration::from_hours(24) {
        at.strftime("%Y-%m-%d").to_string()
    } else if elapsed >= SignedDuration::from_hours(1) {
        counted(elapsed.as_hours(), "hour")
    } else if elapsed >= SignedDuration::from_mins(1) {
        counted(elapsed.as_mins(), "minute")
    } else if elapsed >= SignedDuration::from_secs(2) {
        counted(elapsed.as_secs(), "second")
    } else {
        "just now".to_owned()
    }
}

/// A time in RFC 3339, to the microsecond at most: Python's older readers take no nanoseconds.
pub fn rfc3339(at: Timestamp) -> String {
    let seconds = at.strftime("%Y-%m-%dT%H:%M:%S");
    let micros = at.subsec_nanosecond() / 1000;
    if micros == 0 {
        return format!("{seconds}Z");
    }
    format!("{seconds}.{}Z", format!("{micros:06}").trim_end_matches('0'))
}

/// `Z`, or the offset from it.
fn offset(zoned: &jiff::Zoned) -> String {
    if zoned.offset().seconds() == 0 { "Z".to_owned() } else { zoned.strftime("%:z").to_string() }
}

/// The fraction of a second without zeros at its end, and nothing for none.
fn fraction(at: Timestamp) -> String {
    let nanoseconds = at.subsec_nanosecond();
    if nanoseconds == 0 {
        return String::new();
    }
    format!(".{}", format!("{nanoseconds:09}").trim_end_matches('0'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn times_are_written_as_juju_does() {
        let kolkata = Times::Local(TimeZone::fixed(jiff::tz::offset(5)));
        let time = at("2026-01-04T06:29:46.5Z");
        assert_eq!(Times::Utc.since(time), "2026-01-04 06:29:46Z");
        assert_eq!(Times::Local(TimeZone::UTC).since(time), "04 Jan 2026 06:29:46Z");
        assert_eq!(kolkata.since(time), "04 Jan 2026 11:29:46+05:00");
        assert_eq!(Times::Utc.time_of_day(time), "06:29:46");
        assert_eq!(kolkata.time_of_day(time), "11:29:46+05:00");
        assert_eq!(Times::Utc.task(time), "2026-01-04 06:29:46.5 +0000 UTC");
        assert_eq!(Times::Utc.list(time), "2026-01-04T06:29:46");
        assert_eq!(kolkata.progress(time), "11:29:46");
        assert_eq!(rfc3339(time), "2026-01-04T06:29:46.5Z");
        assert_eq!(rfc3339(at("2026-01-04T06:29:46.000000001Z")), "2026-01-04T06:29:46Z");
    }

    #[test]
    fn what_was_lately_is_said_in_words() {
        let now = at("2026-01-04T12:00:00Z");
        let check = |time: &str, expected: &str| assert_eq!(ago(at(time), now), expected);
        check("2026-01-04T12:00:00Z", "just now");
        check("2026-01-04T11:59:30Z", "30 seconds ago");
        check("2026-01-04T11:59:00Z", "1 minute ago");
        check("2026-01-04T10:00:00Z", "2 hours ago");
        check("2026-01-03T12:00:00Z", "2026-01-03");
    }
}
