//! YAML as Go's library prints it: four spaces, sorted keys, and quotes only where they are needed.

use std::cmp::Ordering;
use std::fmt::Write as _;

use super::node::{Kind, kind_of_plain};

/// What is printed.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Yaml {
    Text(String),
    /// A number, printed as it is.
    Number(String),
    List(Vec<Yaml>),
    /// A mapping in this order.
    Map(Vec<(String, Yaml)>),
}

/// Prints a mapping as a document.
pub(crate) fn print(root: &Yaml) -> String {
    let mut text = String::new();
    match root {
        Yaml::Map(entries) if entries.is_empty() => text.push_str("{}\n"),
        Yaml::Map(entries) => print_entries(entries, 0, &mut text),
        Yaml::Text(_) | Yaml::Number(_) | Yaml::List(_) => print_value(root, 0, &mut text),
    }
    text
}

fn print_entries(entries: &[(String, Yaml)], indent: usize, text: &mut String) {
    for (key, value) in entries {
        let _ = write!(text, "{:indent$}{}:", "", scalar(key, indent, true));
        print_value(value, indent, text);
    }
}

/// Prints what follows a colon or a dash.
fn print_value(value: &Yaml, indent: usize, text: &mut String) {
    match value {
        Yaml::Text(value) => {
            let _ = writeln!(text, " {}", scalar(value, indent + 4, false));
        }
        Yaml::Number(number) => {
            let _ = writeln!(text, " {number}");
        }
        Yaml::List(items) if items.is_empty() => text.push_str(" []\n"),
        Yaml::List(items) => {
            text.push('\n');
            for item in items {
                let _ = write!(text, "{:width$}-", "", width = indent + 4);
                print_value(item, indent + 4, text);
            }
        }
        Yaml::Map(entries) if entries.is_empty() => text.push_str(" {}\n"),
        Yaml::Map(entries) => {
            text.push('\n');
            print_entries(entries, indent + 4, text);
        }
    }
}

/// Which styles a text could be printed in without changing it.
struct Allowed {
    plain: bool,
    single: bool,
    literal: bool,
}

fn allowed(text: &str) -> Allowed {
    let characters: Vec<char> = text.chars().collect();
    let is_blank = |at: usize| characters.get(at).is_none_or(|c| matches!(c, ' ' | '\t' | '\n' | '\r'));
    let is_break = |c: char| matches!(c, '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}');
    let mut indicators = text.starts_with("---") || text.starts_with("...");
    let (mut special, mut tab, mut has_break, mut break_space, mut space_break) =
        (false, false, false, false, false);
    for (at, &c) in characters.iter().enumerate() {
        let before = at.checked_sub(1).map(|before| characters[before]);
        indicators |= match c {
            ',' | '[' | ']' | '{' | '}' | '&' | '*' | '!' | '|' | '>' | '\'' | '"' | '%' | '@' | '`' => {
                at == 0
            }
            '#' => at == 0 || before.is_some_and(|c| matches!(c, ' ' | '\t') || is_break(c)),
            '?' | '-' => at == 0 && is_blank(1),
            ':' => is_blank(at + 1),
            _ => false,
        };
        tab |= c == '\t';
        special |= c != '\t' && !is_break(c) && !is_printable(c);
        has_break |= is_break(c);
        break_space |= c == ' ' && before.is_some_and(is_break);
        space_break |= is_break(c) && before == Some(' ');
    }
    let edges = [characters.first(), characters.last()];
    let at_edge = edges.into_iter().flatten().any(|c| *c == ' ' || is_break(*c));
    let trailing_space = characters.last() == Some(&' ');
    Allowed {
        plain: !(indicators || special || tab || has_break || break_space || space_break || at_edge),
        single: !(break_space || space_break || tab || special),
        literal: !(trailing_space || space_break || special),
    }
}

fn is_printable(c: char) -> bool {
    matches!(c, ' '..='~' | '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
        && c != '\u{feff}'
}

/// Words that are booleans in YAML 1.1 only; Go quotes them for the readers of that.
fn is_old_bool(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    let is_spelt =
        text == lower || text == text.to_ascii_uppercase() || text.chars().skip(1).eq(lower.chars().skip(1));
    is_spelt && matches!(lower.as_str(), "y" | "yes" | "n" | "no" | "on" | "off")
}

/// Numbers with base 60, which are numbers in YAML 1.1 only.
fn is_base_60(text: &str) -> bool {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    let mut parts = whole.split(':');
    let first = parts.next().unwrap_or_default();
    let digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit() || b == b'_');
    let rest: Vec<&str> = parts.collect();
    first.starts_with(|c: char| c.is_ascii_digit())
        && digits(first)
        && !rest.is_empty()
        && digits(fraction)
        && rest.iter().all(|part| matches!(part.as_bytes(), [b'0'..=b'9'] | [b'0'..=b'5', b'0'..=b'9']))
}

/// Dates, which Go's library takes for times.
fn is_date(text: &str) -> bool {
    let bytes = text.as_bytes();
    let year = bytes.iter().take_while(|b| b.is_ascii_digit()).count() == 4 && bytes.get(4) == Some(&b'-');
    year && text.splitn(3, '-').skip(1).all(|part| part.starts_with(|c: char| c.is_ascii_digit()))
        && text.matches('-').count() >= 2
}

fn scalar(text: &str, indent: usize, is_key: bool) -> String {
    let is_text = kind_of_plain(text) == Kind::Text && text != "<<" && text != "=";
    let allowed = allowed(text);
    if text.contains('\n') {
        if allowed.literal && !is_key { literal(text, indent) } else { double(text) }
    } else if !is_text || is_old_bool(text) || is_base_60(text) || is_date(text) {
        double(text)
    } else if allowed.plain {
        text.to_owned()
    } else if allowed.single {
        format!("'{}'", text.replace('\'', "''"))
    } else {
        double(text)
    }
}

fn literal(text: &str, indent: usize) -> String {
    let mut printed = String::from("|");
    if text.starts_with([' ', '\n']) {
        printed.push('4');
    }
    if !text.ends_with('\n') {
        printed.push('-');
    } else if text.ends_with("\n\n") || text == "\n" {
        printed.push('+');
    }
    let body = text.strip_suffix('\n').unwrap_or(text);
    for line in body.split('\n') {
        printed.push('\n');
        if !line.is_empty() {
            let _ = write!(printed, "{:indent$}{line}", "");
        }
    }
    printed
}

fn double(text: &str) -> String {
    let mut printed = String::from("\"");
    for c in text.chars() {
        let escape = match c {
            '\0' => "\\0",
            '\x07' => "\\a",
            '\x08' => "\\b",
            '\t' => "\\t",
            '\n' => "\\n",
            '\x0b' => "\\v",
            '\x0c' => "\\f",
            '\r' => "\\r",
            '\x1b' => "\\e",
            '"' => "\\\"",
            '\\' => "\\\\",
            '\u{85}' => "\\N",
            '\u{a0}' => "\\_",
            '\u{2028}' => "\\L",
            '\u{2029}' => "\\P",
            _ => "",
        };
        let code = u32::from(c);
        if !escape.is_empty() {
            printed.push_str(escape);
        } else if is_printable(c) {
            printed.push(c);
        } else if code <= 0xff {
            let _ = write!(printed, "\\x{code:02X}");
        } else if code <= 0xffff {
            let _ = write!(printed, "\\u{code:04X}");
        } else {
            let _ = write!(printed, "\\U{code:08X}");
        }
    }
    printed.push('"');
    printed
}

/// The order in which Go's library prints keys: runs of digits count as numbers, and letters come after
/// what is none.
pub(crate) fn compare_keys(a: &str, b: &str) -> Ordering {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let Some(at) = a.iter().zip(&b).position(|(a, b)| a != b) else {
        return a.len().cmp(&b.len());
    };
    let follows_digit = at > 0 && a[at - 1].is_numeric();
    match (a[at].is_alphabetic(), b[at].is_alphabetic()) {
        (true, true) => a[at].cmp(&b[at]),
        (true, false) if follows_digit => Ordering::Less,
        (true, false) => Ordering::Greater,
        (false, true) if follows_digit => Ordering::Greater,
        (false, true) => Ordering::Less,
        (false, false) => {
            let run =
                |text: &[char]| -> String { text[at..].iter().take_while(|c| c.is_ascii_digit()).collect() };
            // Zeros at the front of a run count only if the run began before.
            let before: String = a[..at].iter().rev().take_while(|c| c.is_ascii_digit()).collect();
            let lead =
                if before.chars().any(|c| c != '0') && (a[at] == '0' || b[at] == '0') { "1" } else { "" };
            let number = |run: &str| -> u128 {
                format!("{lead}{run}").parse().unwrap_or(if run.is_empty() { 0 } else { u128::MAX })
            };
            let (run_a, run_b) = (run(&a), run(&b));
            number(&run_a).cmp(&number(&run_b)).then(run_a.len().cmp(&run_b.len())).then(a[at].cmp(&b[at]))
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::plan::node::{self, Value};

    #[test]
    fn texts_are_quoted_only_where_needed() {
        let check = |text: &str, expected: &str| assert_eq!(scalar(text, 4, false), expected);
        check("plain text", "plain text");
        check("", "\"\"");
        check("true", "\"true\"");
        check("yes", "\"yes\"");
        check("Yes", "\"Yes\"");
        check("yEs", "yEs");
        check("12", "\"12\"");
        check("1.5", "\"1.5\"");
        check("1:30", "\"1:30\"");
        check("2024-01-02", "\"2024-01-02\"");
        check("null", "\"null\"");
        check("~", "\"~\"");
        check("a: b", "'a: b'");
        check("a:b", "a:b");
        check("a #b", "'a #b'");
        check("#b", "'#b'");
        check("- a", "'- a'");
        check("-a", "-a");
        check("it's", "it's");
        check("'a'", "'''a'''");
        check("*a", "'*a'");
        check(" a", "' a'");
        check("a\tb", "\"a\\tb\"");
        check("http://0.0.0.0:80/", "http://0.0.0.0:80/");
        check("/bin/sh -c 'echo \"a\"'", "/bin/sh -c 'echo \"a\"'");
        check("\x07", "\"\\a\"");
        check("日本", "日本");
        check("a\nb\n", "|\n    a\n    b");
        check("a\n\nb", "|-\n    a\n\n    b");
        check("a\n\n", "|+\n    a\n");
        check(" a\nb", "|4-\n     a\n    b");
        check("a \nb", "\"a \\nb\"");
    }

    #[test]
    fn keys_are_sorted_as_by_go() {
        let check = |keys: &[&str]| {
            let mut sorted = keys.to_vec();
            sorted.reverse();
            sorted.sort_by(|a, b| compare_keys(a, b));
            assert_eq!(sorted, keys);
        };
        check(&["a1", "a2", "a10", "a10b", "ab", "abc"]);
        check(&["A", "B", "a", "b"]);
        check(&["svc", "svc-1", "svc-2", "svc-10", "svcs"]);
        check(&["1", "2", "10", "a"]);
    }

    proptest! {
        #[test]
        fn what_is_printed_is_read_again(
            texts in proptest::collection::btree_map("[a-zA-Z0-9 :#'\"\\\\*&!%@,\\[\\]{}~<=?.\n\t-]{0,12}|\\PC{0,6}", "[a-z0-9 :#'\"\\\\*&!%@,\\[\\]{}~<=?.\n\t-]{0,12}|\\PC{0,6}", 1..5),
        ) {
            let entries: Vec<(String, Yaml)> =
                texts.iter().map(|(key, text)| (key.clone(), Yaml::Text(text.clone()))).collect();
            let printed = print(&Yaml::Map(vec![("root".into(), Yaml::Map(entries))]));
            let Ok(Some(node::Node { value: Value::Map(root), .. })) = node::parse(&printed) else {
                return Err(TestCaseError::fail(format!("unreadable:\n{printed}")));
            };
            let Value::Map(read) = &root[0].2.value else {
                return Err(TestCaseError::fail(format!("no mapping:\n{printed}")));
            };
            for ((key, text), (read_key, _, read)) in texts.iter().zip(read) {
                prop_assert_eq!(key, read_key, "{}", &printed);
                let Value::Scalar { text: read, .. } = &read.value else {
                    return Err(TestCaseError::fail(format!("no scalar:\n{printed}")));
                };
                prop_assert_eq!(text, read, "{}", &printed);
            }
        }

        #[test]
        fn the_order_of_keys_is_an_order(a in "[a-b0-2_]{0,6}", b in "[a-b0-2_]{0,6}") {
            prop_assert_eq!(compare_keys(&a, &b), compare_keys(&b, &a).reverse());
        }
    }
}
