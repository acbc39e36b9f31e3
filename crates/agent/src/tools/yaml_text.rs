//! YAML, as Go's yaml.v2 writes it.

use super::output::Data;

/// The column behind which a space ends a line.
const WIDTH: usize = 80;

/// Prints a value. Nothing at all is printed for nothing.
pub(crate) fn print(data: &Data) -> String {
    if *data == Data::Null {
        return String::new();
    }
    let mut text = String::new();
    node(&mut text, data, 0, Position::Line);
    text
}

/// What stands before a value in its line.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Position {
    /// Nothing.
    Line,
    /// A key and its colon.
    Key,
    /// The dash of a list.
    Dash,
}

fn node(text: &mut String, data: &Data, indent: usize, position: Position) {
    match data {
        Data::Map(entries) if !entries.is_empty() => {
            let inner = match position {
                Position::Line => 0,
                Position::Key => {
                    text.push('\n');
                    indent + 2
                }
                Position::Dash => indent + 2,
            };
            for (index, (key, value)) in entries.iter().enumerate() {
                // The first entry of a list's item stands behind the dash.
                if !(index == 0 && position == Position::Dash) {
                    text.push_str(&" ".repeat(inner));
                }
                scalar(text, key, inner, true);
                text.push(':');
                node(text, value, inner, Position::Key);
            }
        }
        Data::List(items) if !items.is_empty() => {
            // A list below a key is not indented.
            let inner = match position {
                Position::Line => 0,
                Position::Key => {
                    text.push('\n');
                    indent
                }
                Position::Dash => indent + 2,
            };
            for (index, item) in items.iter().enumerate() {
                if !(index == 0 && position == Position::Dash) {
                    text.push_str(&" ".repeat(inner));
                }
                text.push('-');
                if matches!(item, Data::Map(_) | Data::List(_)) {
                    text.push(' ');
                }
                node(text, item, inner, Position::Dash);
            }
        }
        Data::Map(_) => leaf(text, position, "{}"),
        Data::List(_) => leaf(text, position, "[]"),
        Data::Null => leaf(text, position, "null"),
        Data::Bool(value) => leaf(text, position, if *value { "true" } else { "false" }),
        Data::Int(number) => leaf(text, position, &number.to_string()),
        Data::Float(number) => leaf(text, position, &float(*number)),
        Data::Plain(content) => leaf(text, position, content),
        Data::Text(content) => {
            if position != Position::Line {
                text.push(' ');
            }
            let inner = if position == Position::Line { 0 } else { indent };
            scalar(text, content, inner, false);
            text.push('\n');
        }
    }
}

fn leaf(text: &mut String, position: Position, content: &str) {
    let follows_space = text.ends_with(' ');
    if position != Position::Line && !follows_space {
        text.push(' ');
    }
    text.push_str(content);
    text.push('\n');
}

/// Go's shortest `%g`: with an exponent below 1e-4 and from 1e6 on.
fn float(number: f64) -> String {
    if number == 0.0 {
        return "0".to_owned();
    }
    let scientific = format!("{number:e}");
    let Some((digits, exponent)) = scientific.split_once('e') else { return scientific };
    let Ok(power) = exponent.parse::<i32>() else { return scientific };
    if (-4..6).contains(&power) {
        return number.to_string();
    }
    let sign = if power < 0 { '-' } else { '+' };
    format!("{digits}e{sign}{:02}", power.abs())
}

fn scalar(text: &mut String, content: &str, indent: usize, is_key: bool) {
    let is_odd = !content.chars().all(is_printable);
    if content.is_empty() || is_odd || is_taken_for_another(content) {
        double_quoted(text, content);
    } else if content.contains('\n') {
        if is_key || content.contains(" \n") || content.ends_with(' ') {
            double_quoted(text, content);
        } else {
            literal(text, content, indent);
        }
    } else if is_plain(content) {
        folded(text, content, indent, is_key);
    } else {
        text.push('\'');
        folded(text, &content.replace('\'', "''"), indent, is_key);
        text.push('\'');
    }
}

/// Breaks long lines at single spaces.
fn folded(text: &mut String, content: &str, indent: usize, is_key: bool) {
    let mut column = text.len() - text.rfind('\n').map_or(0, |at| at + 1);
    let characters: Vec<char> = content.chars().collect();
    for (index, character) in characters.iter().enumerate() {
        let is_single_space = *character == ' '
            && index > 0
            && index + 1 < characters.len()
            && characters[index - 1] != ' '
            && characters[index + 1] != ' ';
        if is_single_space && column > WIDTH && !is_key {
            let inner = indent + 2;
            text.push('\n');
            text.push_str(&" ".repeat(inner));
            column = inner;
        } else {
            text.push(*character);
            column += 1;
        }
    }
}

fn literal(text: &mut String, content: &str, indent: usize) {
    text.push('|');
    if content.starts_with([' ', '\n']) {
        text.push('2');
    }
    let body = match content.strip_suffix('\n') {
        None => {
            text.push('-');
            content
        }
        Some(body) if body.ends_with('\n') || body.is_empty() => {
            text.push('+');
            body
        }
        Some(body) => body,
    };
    for line in body.split('\n') {
        text.push('\n');
        if !line.is_empty() {
            text.push_str(&" ".repeat(indent + 2));
            text.push_str(line);
        }
    }
}

fn double_quoted(text: &mut String, content: &str) {
    text.push('"');
    for character in content.chars() {
        match character {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            '\0' => text.push_str("\\0"),
            '\u{7}' => text.push_str("\\a"),
            '\u{8}' => text.push_str("\\b"),
            '\t' => text.push_str("\\t"),
            '\n' => text.push_str("\\n"),
            '\u{b}' => text.push_str("\\v"),
            '\u{c}' => text.push_str("\\f"),
            '\r' => text.push_str("\\r"),
            '\u{1b}' => text.push_str("\\e"),
            '\u{85}' => text.push_str("\\N"),
            '\u{a0}' => text.push_str("\\_"),
            '\u{2028}' => text.push_str("\\L"),
            '\u{2029}' => text.push_str("\\P"),
            other if is_printable(other) => text.push(other),
            other if (other as u32) <= 0xff => text.push_str(&format!("\\x{:02X}", other as u32)),
            other if (other as u32) <= 0xffff => text.push_str(&format!("\\u{:04X}", other as u32)),
            other => text.push_str(&format!("\\U{:08X}", other as u32)),
        }
    }
    text.push('"');
}

/// What may stand in YAML as it is.
fn is_printable(character: char) -> bool {
    matches!(character, '\n' | ' '..='~' | '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
        && !matches!(character, '\u{2028}' | '\u{2029}' | '\u{feff}')
}

/// Whether text without quotes is text: it begins and goes on with nothing that means
/// something in YAML.
fn is_plain(content: &str) -> bool {
    let begins_well = match content.chars().next() {
        None
        | Some(
            '#' | ',' | '[' | ']' | '{' | '}' | '&' | '*' | '!' | '|' | '>' | '\'' | '"' | '%' | '@' | '`',
        ) => false,
        Some('-' | '?' | ':') => content.chars().nth(1).is_some_and(|next| next != ' '),
        Some(_) => true,
    };
    begins_well
        && !content.starts_with("---")
        && !content.starts_with("...")
        && !content.starts_with(' ')
        && !content.ends_with(' ')
        && !content.contains(": ")
        && !content.ends_with(':')
        && !content.contains(" #")
}

/// Whether text without quotes would be read as something that is no text.
fn is_taken_for_another(content: &str) -> bool {
    const WORDS: [&str; 11] = ["y", "yes", "on", "true", "n", "no", "off", "false", "null", "~", "<<"];
    let lower = content.to_ascii_lowercase();
    let is_word = WORDS.contains(&lower.as_str())
        && (content == lower
            || content == content.to_ascii_uppercase()
            || content[..1].to_ascii_uppercase() + &content[1..].to_ascii_lowercase() == content);
    let special = ["+.inf", "-.inf", ".inf", ".nan"].contains(&lower.as_str());
    is_word || special || is_number(content) || is_time(content)
}

fn is_number(content: &str) -> bool {
    let unsigned = content.strip_prefix(['+', '-']).unwrap_or(content);
    let begins_well = unsigned.starts_with(|character: char| character.is_ascii_digit() || character == '.');
    if !begins_well {
        return false;
    }
    let digits = unsigned.replace('_', "");
    let of_base = |prefix: &str, base: u32| {
        digits
            .strip_prefix(prefix)
            .is_some_and(|rest| !rest.is_empty() && rest.chars().all(|character| character.is_digit(base)))
    };
    let is_integer = digits.bytes().all(|byte| byte.is_ascii_digit());
    // Numbers to the base of 60, which older readers take `1:30` for.
    let is_sexagesimal = unsigned.split_once(':').is_some_and(|(first, rest)| {
        let (rest, fraction) = rest.split_once('.').unwrap_or((rest, ""));
        let is_digit = |byte: u8| byte.is_ascii_digit() || byte == b'_';
        first.starts_with(|character: char| character.is_ascii_digit())
            && first.bytes().all(is_digit)
            && fraction.bytes().all(is_digit)
            && rest
                .split(':')
                .all(|part| matches!(part.as_bytes(), [b'0'..=b'9'] | [b'0'..=b'5', b'0'..=b'9']))
    });
    let is_float = is_float(&digits);
    is_integer || is_float || is_sexagesimal || of_base("0x", 16) || of_base("0o", 8) || of_base("0b", 2)
}

/// Whether digits are a number with a fraction or an exponent. The yaml.v2 of Juju wants a sign
/// in an exponent and no zeros before a number, so that revisions such as `1e5` stay texts.
fn is_float(digits: &str) -> bool {
    if digits.starts_with('.') {
        return digits.parse::<f64>().is_ok();
    }
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let (number, exponent) = match digits.split_once(['e', 'E']) {
        Some((number, exponent)) => (number, Some(exponent)),
        None => (digits, None),
    };
    let (whole, fraction) = match number.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (number, None),
    };
    is_digits(whole)
        && (whole == "0" || !whole.starts_with('0'))
        && fraction.is_none_or(is_digits)
        && exponent.is_none_or(|exponent| exponent.strip_prefix(['+', '-']).is_some_and(is_digits))
}

/// Whether Go reads it as a time: a date alone, with a time of day behind a space, or with a time
/// and its zone behind a `T`.
fn is_time(content: &str) -> bool {
    let end = content.find([' ', 'T', 't']).unwrap_or(content.len());
    let (date, rest) = content.split_at(end);
    let [year, month, day] = date.split('-').collect::<Vec<_>>()[..] else { return false };
    let is_date = year.len() == 4
        && number(year).is_some()
        && number(month).is_some_and(|month| (1..=12).contains(&month))
        && number(day).is_some_and(|day| (1..=31).contains(&day));
    if !is_date || rest.is_empty() {
        return is_date;
    }
    let (separator, time) = rest.split_at(1);
    if separator == " " {
        return is_time_of_day(time);
    }
    match time.find(['Z', '+', '-']) {
        Some(at) => is_time_of_day(&time[..at]) && is_zone(&time[at..]),
        None => false,
    }
}

fn is_time_of_day(time: &str) -> bool {
    let (time, fraction) = match time.split_once('.') {
        Some((time, fraction)) => (time, Some(fraction)),
        None => (time, None),
    };
    let [hour, minute, second] = time.split(':').collect::<Vec<_>>()[..] else { return false };
    number(hour).is_some_and(|hour| hour < 24)
        && number(minute).is_some_and(|minute| minute < 60)
        && number(second).is_some_and(|second| second < 60)
        && fraction
            .is_none_or(|digits| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()))
}

fn is_zone(zone: &str) -> bool {
    zone == "Z"
        || zone[1..].split_once(':').is_some_and(|(hours, minutes)| {
            hours.len() == 2 && minutes.len() == 2 && number(hours).is_some() && number(minutes).is_some()
        })
}

fn number(digits: &str) -> Option<u32> {
    let is_short = (1..=4).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    if is_short { digits.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use camino::Utf8Path;
    use charmproof_charm::yaml;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn texts_are_quoted_only_where_they_have_to_be() {
        let check = |content: &str, expected: &str| {
            let data = Data::map([("key", Data::text(content))]);
            assert_eq!(print(&data), format!("key: {expected}\n"), "{content:?}");
        };
        check("plain text", "plain text");
        check("", "\"\"");
        check("true", "\"true\"");
        check("No", "\"No\"");
        check("10", "\"10\"");
        check("1.5e+3", "\"1.5e+3\"");
        check("1.5e3", "1.5e3");
        check("1e5", "1e5");
        check("1.", "1.");
        check("10.1.0.9:5432", "10.1.0.9:5432");
        check("00:16:53:00:00:01", "\"00:16:53:00:00:01\"");
        check("1:60", "1:60");
        check("1:30", "\"1:30\"");
        check("10.1.0.5", "10.1.0.5");
        check("2026-01-04", "\"2026-01-04\"");
        check("2026-01-04 06:29:46", "\"2026-01-04 06:29:46\"");
        check("2026-01-04T06:29:46.5Z", "\"2026-01-04T06:29:46.5Z\"");
        check("2026-01-04T06:29:46+01:00", "\"2026-01-04T06:29:46+01:00\"");
        check("2026-01-04 06:29:46Z", "2026-01-04 06:29:46Z");
        check("2026-01-04 06:29:46 +0000 UTC", "2026-01-04 06:29:46 +0000 UTC");
        check("2026-01-04T06:29", "2026-01-04T06:29");
        check("2026-13-04", "2026-13-04");
        check("http://a:80/", "http://a:80/");
        check("a: b", "'a: b'");
        check("it's", "it's");
        check("'quoted'", "'''quoted'''");
        check("- item", "'- item'");
        check("-item", "-item");
        check("{\"a\": 1}", "'{\"a\": 1}'");
        check("one\ntwo\n", "|\n  one\n  two");
        check("one\ntwo", "|-\n  one\n  two");
        check("tab\there", "\"tab\\there\"");
        check("größer", "größer");
    }

    #[test]
    fn maps_and_lists_are_laid_out_as_go_does() {
        let data = Data::map([
            ("empty", Data::map::<&str>([])),
            ("list", Data::texts(["a", "b"])),
            ("maps", Data::List(vec![Data::map([("x", Data::Int(1)), ("y", Data::texts(["z"]))])])),
            ("none", Data::List(Vec::new())),
            ("null", Data::Null),
            ("nested", Data::map([("inner", Data::map([("deep", Data::Bool(true))]))])),
        ]);
        let expected = "empty: {}\nlist:\n- a\n- b\nmaps:\n- x: 1\n  \"y\":\n  - z\nnone: []\n\"null\": null\n\
                        nested:\n  inner:\n    deep: true\n";
        assert_eq!(print(&data), expected);
    }

    #[test]
    fn numbers_are_printed_as_go_does() {
        let check = |number: f64, expected: &str| assert_eq!(float(number), expected);
        check(0.0, "0");
        check(1.0, "1");
        check(-2.5, "-2.5");
        check(0.00001, "1e-05");
        check(1_000_000.0, "1e+06");
        check(123_456.5, "123456.5");
    }

    proptest! {
        #[test]
        fn any_text_is_read_as_it_was_written(content in "[ -~é\n\t\u{1b}]{0,120}") {
            let printed = print(&Data::map([("key", Data::text(content.clone()))]));
            let (node, _) = yaml::parse(Utf8Path::new("printed"), &printed).unwrap();
            let value = node.get("key").unwrap();
            prop_assert_eq!(value.kind(), yaml::Kind::Text, "{}", printed);
            prop_assert_eq!(value.text().unwrap(), content, "{}", printed);
        }
    }
}
