//! Texts as Go's standard library reads and writes them.
//!
//! Juju's errors quote what people typed in Go's way, and its flags accept what Go's `strconv`
//! and `time` accept. Both are seen by users, so both are followed to the letter.

use jiff::SignedDuration;

/// The text in double quotes with Go's escapes, as `%q` prints it.
pub fn quote(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for character in text.chars() {
        match character {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\u{7}' => quoted.push_str("\\a"),
            '\u{8}' => quoted.push_str("\\b"),
            '\u{c}' => quoted.push_str("\\f"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            '\u{b}' => quoted.push_str("\\v"),
            character if character < ' ' || character == '\u{7f}' => {
                quoted.push_str(&format!("\\x{:02x}", u32::from(character)));
            }
            character => quoted.push(character),
        }
    }
    quoted.push('"');
    quoted
}

/// A list of texts as `%q` prints a slice of them: `["a" "b"]`.
pub fn quote_all<T: AsRef<str>>(texts: &[T]) -> String {
    let quoted: Vec<String> = texts.iter().map(|text| quote(text.as_ref())).collect();
    format!("[{}]", quoted.join(" "))
}

/// A truth value in one of the spellings of `strconv.ParseBool`.
pub fn parse_bool(text: &str) -> Result<bool, String> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(false),
        other => Err(format!("strconv.ParseBool: parsing {}: invalid syntax", quote(other))),
    }
}

/// A whole number in decimal, or in another base by its prefix, as flags accept it.
pub fn parse_int(text: &str) -> Result<i64, String> {
    let refuse = |reason: &str| Err(format!("strconv.ParseInt: parsing {}: {reason}", quote(text)));
    let (is_negative, digits) = match text.as_bytes().first() {
        Some(b'-') => (true, &text[1..]),
        Some(b'+') => (false, &text[1..]),
        Some(_) | None => (false, text),
    };
    match magnitude(digits) {
        Magnitude::Invalid => refuse("invalid syntax"),
        Magnitude::TooLarge => refuse("value out of range"),
        Magnitude::Is(value) => {
            let signed = if is_negative { -i128::from(value) } else { i128::from(value) };
            i64::try_from(signed).or_else(|_| refuse("value out of range"))
        }
    }
}

/// A whole number without a sign, as flags that count something accept it.
pub fn parse_uint(text: &str) -> Result<u64, String> {
    let refuse = |reason: &str| Err(format!("strconv.ParseUint: parsing {}: {reason}", quote(text)));
    match magnitude(text) {
        Magnitude::Invalid => refuse("invalid syntax"),
        Magnitude::TooLarge => refuse("value out of range"),
        Magnitude::Is(value) => Ok(value),
    }
}

/// A decimal number as `strconv.Atoi` reads it, which knows no prefixes.
pub fn parse_decimal(text: &str) -> Result<i64, String> {
    let refuse = |reason: &str| Err(format!("strconv.Atoi: parsing {}: {reason}", quote(text)));
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return refuse("invalid syntax");
    }
    text.parse().or_else(|_| refuse("value out of range"))
}

enum Magnitude {
    Is(u64),
    TooLarge,
    Invalid,
}

fn magnitude(text: &str) -> Magnitude {
    let lower = text.to_ascii_lowercase();
    let (radix, digits) = if let Some(digits) = lower.strip_prefix("0x") {
        (16, digits)
    } else if let Some(digits) = lower.strip_prefix("0b") {
        (2, digits)
    } else if let Some(digits) = lower.strip_prefix("0o") {
        (8, digits)
    } else if lower.len() > 1 && lower.starts_with('0') {
        (8, &lower[1..])
    } else {
        (10, lower.as_str())
    };
    // Underscores may stand between digits, and after a prefix, as in Go's own number literals.
    let is_prefixed = digits.len() != lower.len();
    let has_stray_underscore =
        digits.ends_with('_') || digits.contains("__") || (!is_prefixed && digits.contains('_'));
    if has_stray_underscore {
        return Magnitude::Invalid;
    }
    let digits = digits.replace('_', "");
    if digits.is_empty() || !digits.chars().all(|digit| digit.is_digit(radix)) {
        return Magnitude::Invalid;
    }
    match u64::from_str_radix(&digits, radix) {
        Ok(value) => Magnitude::Is(value),
        Err(_) => Magnitude::TooLarge,
    }
}

const NANOSECONDS_OF_UNIT: [(&str, i128); 8] = [
    ("ns", 1),
    ("us", 1_000),
    ("\u{b5}s", 1_000),
    ("\u{3bc}s", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
];

/// A length of time such as `5m`, `1h30m` or `0.001s`, as Go's `time.ParseDuration` reads it.
pub fn parse_duration(text: &str) -> Result<SignedDuration, String> {
    let invalid = || format!("time: invalid duration {}", quote(text));
    let (is_negative, mut rest) = match text.as_bytes().first() {
        Some(b'-') => (true, &text[1..]),
        Some(b'+') => (false, &text[1..]),
        Some(_) | None => (false, text),
    };
    if rest == "0" {
        return Ok(SignedDuration::ZERO);
    }
    if rest.is_empty() {
        return Err(invalid());
    }
    let mut total: i128 = 0;
    while !rest.is_empty() {
        let number_length = rest
            .find(|character: char| !(character.is_ascii_digit() || character == '.'))
            .unwrap_or(rest.len());
        let (number, after) = rest.split_at(number_length);
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        if (whole.is_empty() && fraction.is_empty()) || fraction.contains('.') {
            return Err(invalid());
        }
        let unit_length = after
            .find(|character: char| character.is_ascii_digit() || character == '.')
            .unwrap_or(after.len());
        let (unit, after) = after.split_at(unit_length);
        if unit.is_empty() {
            return Err(format!("time: missing unit in duration {}", quote(text)));
        }
        let Some((_, nanoseconds)) = NANOSECONDS_OF_UNIT.iter().find(|(name, _)| *name == unit) else {
            return Err(format!("time: unknown unit {} in duration {}", quote(unit), quote(text)));
        };
        let whole: i128 = if whole.is_empty() { 0 } else { whole.parse().map_err(|_| invalid())? };
        // A fraction finer than a nanosecond is cut off, so no more digits than these can matter.
        let fraction = &fraction[..fraction.len().min(18)];
        let part: i128 = if fraction.is_empty() {
            0
        } else {
            let digits: i128 = fraction.parse().map_err(|_| invalid())?;
            digits * nanoseconds / 10_i128.pow(u32::try_from(fraction.len()).unwrap_or(18))
        };
        total = whole
            .checked_mul(*nanoseconds)
            .and_then(|value| total.checked_add(value))
            .and_then(|value| value.checked_add(part))
            .filter(|value| *value <= i128::from(i64::MAX) + i128::from(is_negative))
            .ok_or_else(invalid)?;
        rest = after;
    }
    let signed = if is_negative { -total } else { total };
    Ok(SignedDuration::from_nanos(i64::try_from(signed).map_err(|_| invalid())?))
}

/// A length of time as Go prints it: `1h0m0s`, `2.5s`, `100ms`, `0s`.
pub fn print_duration(duration: SignedDuration) -> String {
    let nanoseconds = duration.as_nanos();
    let magnitude = nanoseconds.unsigned_abs();
    let sign = if nanoseconds < 0 { "-" } else { "" };
    if magnitude == 0 {
        return "0s".to_owned();
    }
    if magnitude < 1_000 {
        return format!("{sign}{magnitude}ns");
    }
    if magnitude < 1_000_000 {
        return format!("{sign}{}\u{b5}s", decimal(magnitude, 1_000));
    }
    if magnitude < 1_000_000_000 {
        return format!("{sign}{}ms", decimal(magnitude, 1_000_000));
    }
    let minute = 60_000_000_000;
    let seconds = decimal(magnitude % minute, 1_000_000_000);
    let minutes = magnitude / minute;
    if minutes == 0 {
        format!("{sign}{seconds}s")
    } else if minutes < 60 {
        format!("{sign}{minutes}m{seconds}s")
    } else {
        format!("{sign}{}h{}m{seconds}s", minutes / 60, minutes % 60)
    }
}

fn decimal(value: u128, unit: u128) -> String {
    let (whole, fraction) = (value / unit, value % unit);
    if fraction == 0 {
        return whole.to_string();
    }
    let width = unit.ilog10() as usize;
    format!("{whole}.{}", format!("{fraction:0width$}").trim_end_matches('0'))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn texts_are_quoted_as_go_does() {
        let check = |text: &str, expected: &str| assert_eq!(quote(text), expected);
        check("foo", r#""foo""#);
        check("a \"b\" \\ c", r#""a \"b\" \\ c""#);
        check("line\nnext\tcell", r#""line\nnext\tcell""#);
        check("\u{1}é", "\"\\x01é\"");
        assert_eq!(quote_all(&["a", "b c"]), r#"["a" "b c"]"#);
        assert_eq!(quote_all::<&str>(&[]), "[]");
    }

    #[test]
    fn numbers_are_read_with_their_prefixes() {
        let check = |text: &str, expected: Result<i64, &str>| {
            assert_eq!(parse_int(text), expected.map_err(str::to_owned), "{text}");
        };
        check("12", Ok(12));
        check("-1", Ok(-1));
        check("+7", Ok(7));
        check("0x1F", Ok(31));
        check("010", Ok(8));
        check("0b11", Ok(3));
        check("0", Ok(0));
        check("-9223372036854775808", Ok(i64::MIN));
        check("", Err(r#"strconv.ParseInt: parsing "": invalid syntax"#));
        check("two", Err(r#"strconv.ParseInt: parsing "two": invalid syntax"#));
        check("08", Err(r#"strconv.ParseInt: parsing "08": invalid syntax"#));
        check(
            "9223372036854775808",
            Err(r#"strconv.ParseInt: parsing "9223372036854775808": value out of range"#),
        );
    }

    #[test]
    fn lengths_of_time_are_read_as_go_does() {
        let check = |text: &str, expected: Result<i64, &str>| {
            let nanoseconds = parse_duration(text).map(|duration| duration.as_nanos());
            assert_eq!(nanoseconds, expected.map(i128::from).map_err(str::to_owned), "{text}");
        };
        check("5m", Ok(300_000_000_000));
        check("10s", Ok(10_000_000_000));
        check("0.001s", Ok(1_000_000));
        check("10.0s", Ok(10_000_000_000));
        check("1h30m", Ok(5_400_000_000_000));
        check("-1.5h", Ok(-5_400_000_000_000));
        check("100ms", Ok(100_000_000));
        check("1\u{b5}s", Ok(1_000));
        check("0", Ok(0));
        check(".5s", Ok(500_000_000));
        check("1.s", Ok(1_000_000_000));
        check("", Err(r#"time: invalid duration """#));
        check("abc", Err(r#"time: invalid duration "abc""#));
        check("5", Err(r#"time: missing unit in duration "5""#));
        check("5 m", Err(r#"time: unknown unit " m" in duration "5 m""#));
        check("3d", Err(r#"time: unknown unit "d" in duration "3d""#));
        check(".s", Err(r#"time: invalid duration ".s""#));
        check("9999999999h", Err(r#"time: invalid duration "9999999999h""#));
    }

    #[test]
    fn lengths_of_time_are_printed_as_go_does() {
        let check = |text: &str, expected: &str| {
            assert_eq!(print_duration(parse_duration(text).unwrap()), expected);
        };
        check("0", "0s");
        check("60m", "1h0m0s");
        check("5m", "5m0s");
        check("1.5s", "1.5s");
        check("100ms", "100ms");
        check("1500us", "1.5ms");
        check("-2s", "-2s");
        check("7ns", "7ns");
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "\\PC*") {
            let _ = parse_int(&text);
            let _ = parse_uint(&text);
            let _ = parse_decimal(&text);
            let _ = parse_duration(&text);
            prop_assert!(quote(&text).len() >= text.len() + 2);
        }

        #[test]
        fn number_like_text_is_read_or_refused(text in "[-+]?[0-9a-fxobhmsnu._µ]{0,24}") {
            let _ = parse_int(&text);
            let _ = parse_duration(&text);
        }

        #[test]
        fn printed_lengths_of_time_are_read_again(nanoseconds in any::<i64>()) {
            let duration = SignedDuration::from_nanos(nanoseconds);
            prop_assert_eq!(parse_duration(&print_duration(duration)), Ok(duration));
        }

        #[test]
        fn printed_numbers_are_read_again(value in any::<i64>()) {
            prop_assert_eq!(parse_int(&value.to_string()), Ok(value));
            prop_assert_eq!(parse_decimal(&value.to_string()), Ok(value));
        }
    }
}
