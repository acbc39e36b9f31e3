//! Spans of time as systemd writes them: `90`, `1min 30s`, `infinity`.

use std::time::Duration;

const MICROSECONDS: [(&[&str], u128); 8] = [
    (&["us", "usec", "µs", "μs"], 1),
    (&["ms", "msec"], 1_000),
    (&["s", "sec", "second", "seconds"], 1_000_000),
    (&["m", "min", "minute", "minutes"], 60_000_000),
    (&["h", "hr", "hour", "hours"], 3_600_000_000),
    (&["d", "day", "days"], 86_400_000_000),
    (&["w", "week", "weeks"], 604_800_000_000),
    (&["M", "month", "months"], 2_629_800_000_000),
];
const YEAR: u128 = 31_557_600_000_000;

/// A span that may have no end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Span {
    Finite(Duration),
    Infinite,
}

impl Span {
    /// The span, if it ends.
    pub(crate) fn finite(self) -> Option<Duration> {
        match self {
            Self::Finite(span) => Some(span),
            Self::Infinite => None,
        }
    }
}

/// Reads a span; a number alone is of seconds.
pub(crate) fn parse(text: &str) -> Option<Span> {
    let text = text.trim();
    if text == "infinity" {
        return Some(Span::Infinite);
    }
    let mut total: u128 = 0;
    let mut rest = text;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let (number, after) = rest.split_at(end);
        let after = after.trim_start();
        let end = after.find(|c: char| !c.is_alphabetic()).unwrap_or(after.len());
        let (unit, behind) = after.split_at(end);
        let factor = match unit {
            "" => 1_000_000,
            "y" | "year" | "years" => YEAR,
            unit => MICROSECONDS.iter().find(|(names, _)| names.contains(&unit))?.1,
        };
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        if whole.is_empty() && fraction.is_empty() || fraction.contains('.') {
            return None;
        }
        let whole: u128 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
        total = total.checked_add(whole.checked_mul(factor)?)?;
        let mut weight = factor;
        for digit in fraction.bytes() {
            weight /= 10;
            total = total.checked_add(u128::from(digit - b'0') * weight)?;
        }
        rest = behind.trim_start();
    }
    Some(Span::Finite(Duration::from_micros(u64::try_from(total).ok()?)))
}

/// Writes a span as systemd shows it, down to `accuracy`.
pub(crate) fn format(span: Duration, accuracy: Duration) -> String {
    const UNITS: [(&str, u128); 9] = [
        ("y", YEAR),
        ("month", 2_629_800_000_000),
        ("w", 604_800_000_000),
        ("d", 86_400_000_000),
        ("h", 3_600_000_000),
        ("min", 60_000_000),
        ("s", 1_000_000),
        ("ms", 1_000),
        ("us", 1),
    ];
    let accuracy = accuracy.as_micros().max(1);
    let mut rest = span.as_micros();
    if rest == 0 {
        return "0".to_owned();
    }
    let mut parts = Vec::new();
    for (name, size) in UNITS {
        // What is finer than asked for is left out, unless nothing was said yet.
        if size < accuracy && !parts.is_empty() {
            break;
        }
        let count = rest / size;
        rest %= size;
        if count > 0 {
            parts.push(format!("{count}{name}"));
        }
    }
    parts.join(" ")
}

/// How long ago something was, as `systemctl status` says it: the two largest units at most.
pub(crate) fn ago(span: Duration) -> String {
    let seconds = span.as_secs();
    let text = match seconds {
        0 if span.as_millis() > 0 => format!("{}ms", span.as_millis()),
        0 => format!("{}us", span.as_micros()),
        1..60 => format!("{seconds}s"),
        60..3600 if seconds.is_multiple_of(60) => format!("{}min", seconds / 60),
        60..3600 => format!("{}min {}s", seconds / 60, seconds % 60),
        3600..86_400 if seconds % 3600 < 60 => format!("{}h", seconds / 3600),
        3600..86_400 => format!("{}h {}min", seconds / 3600, seconds % 3600 / 60),
        _ => {
            let days = seconds / 86_400;
            format!("{days} day{}", if days == 1 { "" } else { "s" })
        }
    };
    format!("{text} ago")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let found = match parse(text) {
            Some(Span::Finite(span)) => format(span, Duration::from_micros(1)),
            Some(Span::Infinite) => "infinity".to_owned(),
            None => "refused".to_owned(),
        };
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn spans_are_read_and_written() {
        check("90", "1min 30s");
        check("1min 30s", "1min 30s");
        check("1h30m", "1h 30min");
        check("500ms", "500ms");
        check("0.5", "500ms");
        check("2 days", "2d");
        check("infinity", "infinity");
        check("0", "0");
        check("", "refused");
        check("5 parsecs", "refused");
        check("1.2.3", "refused");
        check("99999999999999999999999y", "refused");
    }

    #[test]
    fn the_past_is_told_roughly() {
        assert_eq!(ago(Duration::from_millis(20)), "20ms ago");
        assert_eq!(ago(Duration::from_secs(64)), "1min 4s ago");
        assert_eq!(ago(Duration::from_hours(72)), "3 days ago");
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(microseconds in 0..10_000_000_000_000_u64) {
            let span = Duration::from_micros(microseconds);
            prop_assert_eq!(parse(&format(span, Duration::from_micros(1))), Some(Span::Finite(span)));
        }

        #[test]
        fn any_text_is_read_or_refused(text in "\\PC{0,20}") {
            let _ = parse(&text);
        }
    }
}
