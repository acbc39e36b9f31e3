//! What a plain scalar is to `PyYAML`.

use super::Kind;

/// The resolver of `PyYAML` (YAML 1.1) for plain scalars.
pub(super) fn kind_of_plain(text: &str) -> Kind {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Kind::Null,
        "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => {
            return Kind::Bool(true);
        }
        "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
            return Kind::Bool(false);
        }
        _ => {}
    }
    if is_timestamp(text) {
        return Kind::Timestamp;
    }
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    if is_int(unsigned) {
        Kind::Int
    } else if is_float(unsigned) {
        Kind::Float
    } else {
        Kind::Text
    }
}

fn is_int(unsigned: &str) -> bool {
    let all = |digits: &str, allowed: fn(char) -> bool| {
        !digits.is_empty() && digits.chars().all(|digit| digit == '_' || allowed(digit))
    };
    if let Some(digits) = unsigned.strip_prefix("0b") {
        return all(digits, |digit| matches!(digit, '0' | '1'));
    }
    if let Some(digits) = unsigned.strip_prefix("0x") {
        return all(digits, |digit| digit.is_ascii_hexdigit());
    }
    if unsigned == "0" {
        return true;
    }
    if let Some(digits) = unsigned.strip_prefix('0') {
        return all(digits, |digit| matches!(digit, '0'..='7'));
    }
    if !unsigned.starts_with(|first: char| matches!(first, '1'..='9')) {
        return false;
    }
    let mut parts = unsigned.split(':');
    let first = parts.next().unwrap_or("");
    all(first, |digit| digit.is_ascii_digit()) && parts.all(is_sexagesimal_digit)
}

fn is_float(unsigned: &str) -> bool {
    if matches!(unsigned, ".inf" | ".Inf" | ".INF" | ".nan" | ".NaN" | ".NAN") {
        return true;
    }
    let Some((whole, fraction)) = unsigned.split_once('.') else {
        return false;
    };
    let digits = |part: &str| part.chars().all(|digit| digit == '_' || digit.is_ascii_digit());
    if whole.contains(':') {
        let mut parts = whole.split(':');
        let first = parts.next().unwrap_or("");
        return digits(first)
            && first.starts_with(|digit: char| digit.is_ascii_digit())
            && parts.all(is_sexagesimal_digit)
            && digits(fraction);
    }
    let (fraction, exponent_is_fine) = match fraction.find(['e', 'E']) {
        None => (fraction, true),
        Some(at) => {
            let exponent = &fraction[at + 1..];
            // YAML 1.1 wants a sign: `1.0e3` is text to PyYAML.
            let fine = exponent.strip_prefix(['-', '+']).is_some_and(|digits| {
                !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit())
            });
            (&fraction[..at], fine)
        }
    };
    let whole_is_fine = if whole.is_empty() {
        fraction.starts_with(|digit: char| digit == '_' || digit.is_ascii_digit())
    } else {
        whole.starts_with(|digit: char| digit.is_ascii_digit()) && digits(whole)
    };
    whole_is_fine && digits(fraction) && exponent_is_fine
}

fn is_sexagesimal_digit(part: &str) -> bool {
    matches!(part.len(), 1 | 2) && part.parse::<u8>().is_ok_and(|value| value < 60)
}

fn is_timestamp(text: &str) -> bool {
    let bytes = text.as_bytes();
    let digits = |range: std::ops::Range<usize>| {
        bytes.get(range).is_some_and(|part| part.iter().all(u8::is_ascii_digit))
    };
    let is_date = digits(0..4)
        && bytes.get(4) == Some(&b'-')
        && digits(5..7)
        && bytes.get(7) == Some(&b'-')
        && digits(8..10);
    is_date && (bytes.len() == 10 || matches!(bytes.get(10), Some(b'T' | b't' | b' ')))
}
