//! Durations as Go reads and prints them: `1m30s`, `1.5h`, `300ms`.

use std::time::Duration;

/// What Go says of a duration that it cannot read, behind `time: `.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BadDuration {
    #[error("time: invalid duration {0:?}")]
    Invalid(String),
    #[error("time: missing unit in duration {0:?}")]
    MissingUnit(String),
    #[error("time: unknown unit {unit:?} in duration {text:?}")]
    UnknownUnit { unit: String, text: String },
    /// Go reads negative durations. No field of Pebble does anything sensible with one.
    #[error("time: invalid duration {0:?}")]
    Negative(String),
}

const UNITS: [(&str, u64); 8] = [
    ("ns", 1),
    ("us", 1_000),
    ("µs", 1_000),
    ("μs", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
];

/// Reads a duration.
pub(crate) fn parse(text: &str) -> Result<Duration, BadDuration> {
    let invalid = || BadDuration::Invalid(text.to_owned());
    let (negative, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest == "0" {
        return Ok(Duration::ZERO);
    }
    if rest.is_empty() {
        return Err(invalid());
    }
    let mut total: u128 = 0;
    while !rest.is_empty() {
        let number_end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let (number, after) = rest.split_at(number_end);
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        if (whole.is_empty() && fraction.is_empty()) || fraction.contains('.') {
            return Err(invalid());
        }
        let unit_end = after.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(after.len());
        let (unit, next) = after.split_at(unit_end);
        if unit.is_empty() {
            return Err(BadDuration::MissingUnit(text.to_owned()));
        }
        let Some((_, nanoseconds)) = UNITS.iter().find(|(name, _)| *name == unit) else {
            return Err(BadDuration::UnknownUnit { unit: unit.to_owned(), text: text.to_owned() });
        };
        let whole: u64 = if whole.is_empty() { 0 } else { whole.parse().map_err(|_| invalid())? };
        total += u128::from(whole) * u128::from(*nanoseconds);
        let mut scale = u128::from(*nanoseconds);
        let mut part: u128 = 0;
        let mut divisor: u128 = 1;
        for digit in fraction.bytes().take(18) {
            part = part * 10 + u128::from(digit - b'0');
            divisor *= 10;
        }
        scale = scale * part / divisor;
        total += scale;
        if total > i64::MAX as u128 {
            return Err(invalid());
        }
        rest = next;
    }
    if negative && total > 0 {
        return Err(BadDuration::Negative(text.to_owned()));
    }
    Ok(Duration::from_nanos(u64::try_from(total).map_err(|_| invalid())?))
}

/// Prints a duration.
pub(crate) fn print(duration: Duration) -> String {
    let nanoseconds = duration.as_nanos();
    if nanoseconds == 0 {
        return "0s".into();
    }
    if nanoseconds < 1_000_000_000 {
        let (unit, size) = match nanoseconds {
            0..1_000 => return format!("{nanoseconds}ns"),
            1_000..1_000_000 => ("µs", 1_000),
            _ => ("ms", 1_000_000),
        };
        return format!("{}{unit}", decimal(nanoseconds, size));
    }
    let minutes = nanoseconds / 60_000_000_000;
    let seconds = decimal(nanoseconds % 60_000_000_000, 1_000_000_000);
    match (minutes / 60, minutes % 60) {
        (0, 0) => format!("{seconds}s"),
        (0, minutes) => format!("{minutes}m{seconds}s"),
        (hours, minutes) => format!("{hours}h{minutes}m{seconds}s"),
    }
}

/// Prints `value / size` with as many digits as it needs.
fn decimal(value: u128, size: u128) -> String {
    let fraction = value % size;
    if fraction == 0 {
        return (value / size).to_string();
    }
    let width = size.ilog10() as usize;
    let digits = format!("{fraction:0width$}");
    format!("{}.{}", value / size, digits.trim_end_matches('0'))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn durations_are_read_and_printed_as_by_go() {
        let check = |text: &str, printed: &str| {
            assert_eq!(print(parse(text).unwrap()), printed, "{text}");
        };
        check("0", "0s");
        check("5s", "5s");
        check("+5s", "5s");
        check("300ms", "300ms");
        check("50ms", "50ms");
        check("1.5h", "1h30m0s");
        check("90s", "1m30s");
        check("2m", "2m0s");
        check("1h", "1h0m0s");
        check("0.1s", "100ms");
        check("1500us", "1.5ms");
        check("7ns", "7ns");
        check("168h", "168h0m0s");
        check("4.000s", "4s");
        check(".5s", "500ms");
    }

    #[test]
    fn what_is_no_duration_is_refused_in_the_words_of_go() {
        let check = |text: &str, expected: &str| {
            assert_eq!(parse(text).unwrap_err().to_string(), expected);
        };
        check("", "time: invalid duration \"\"");
        check("foo", "time: invalid duration \"foo\"");
        check("5", "time: missing unit in duration \"5\"");
        check("5d", "time: unknown unit \"d\" in duration \"5d\"");
        check("1..5s", "time: invalid duration \"1..5s\"");
        check("-1s", "time: invalid duration \"-1s\"");
        check("99999999999h", "time: invalid duration \"99999999999h\"");
    }

    proptest! {
        #[test]
        fn what_is_printed_is_read_again(nanoseconds in 0..i64::MAX as u64) {
            let duration = Duration::from_nanos(nanoseconds);
            prop_assert_eq!(parse(&print(duration)), Ok(duration));
        }

        #[test]
        fn no_text_panics(text in "\\PC*") {
            let _ = parse(&text);
        }
    }
}
