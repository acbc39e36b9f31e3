//! Documents in colours, as terminals get them.
//!
//! Juju colours the lines of YAML by what they look like: a version is taken for an address, and
//! what follows a key whose value has a `|` or a `>` for its text.

use std::net::IpAddr;

use charmproof_agent::tools::Data;
use serde::Serialize;

use super::colour::Colour;
use super::document::{json_data, to_yaml};

/// Prints a value as one line of JSON, in colours. Other than without colours, all keys are
/// sorted.
///
/// # Panics
///
/// If an implementation of [`Serialize`] fails by itself; derived ones do not.
pub fn to_coloured_json<T: Serialize + ?Sized>(value: &T) -> String {
    let mut text = String::new();
    json(&mut text, &json_data(value));
    text + "\n"
}

fn json(text: &mut String, data: &Data) {
    match data {
        Data::Map(entries) => {
            let mut entries: Vec<&(String, Data)> = entries.iter().collect();
            entries.sort_by(|one, other| one.0.cmp(&other.0));
            text.push('{');
            for (index, (key, value)) in entries.into_iter().enumerate() {
                if index > 0 {
                    text.push(',');
                }
                let colon = Colour::BrightMagenta.paint(":");
                text.push_str(&Colour::BoldBrightCyan.paint(&format!("\"{key}\"{colon}")));
                json(text, value);
            }
            text.push('}');
        }
        Data::List(items) => {
            text.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    text.push(',');
                }
                json(text, item);
            }
            text.push(']');
        }
        Data::Text(_) | Data::Plain(_) => text.push_str(&Colour::Default.paint(&plain(data))),
        Data::Null | Data::Bool(_) | Data::Int(_) | Data::Float(_) => {
            text.push_str(&Colour::Magenta.paint(&plain(data)));
        }
    }
}

fn plain(data: &Data) -> String {
    charmproof_agent::tools::to_json(data).trim_end().to_owned()
}

/// Prints a value as YAML, in colours.
///
/// # Panics
///
/// If an implementation of [`Serialize`] fails by itself; derived ones do not.
pub fn to_coloured_yaml<T: Serialize + ?Sized>(value: &T) -> String {
    colour_yaml(&to_yaml(value))
}

/// Colours the lines of YAML.
fn colour_yaml(yaml: &str) -> String {
    let mut text = String::new();
    // How far the key is indented whose text follows.
    let mut key_of_text = None;
    for line in yaml.lines() {
        let indent = line.len() - line.trim_start_matches(' ').len();
        if key_of_text.is_some_and(|key| indent > key) {
            text += &Colour::DarkGray.paint(&format!("{line}\n"));
        } else if let Some((key, value)) = key_and_value(line) {
            text += &coloured_entry(key, value);
            key_of_text = value.contains(['|', '>']).then_some(indent);
        } else if !line.trim().is_empty() {
            if line.trim_start().starts_with('-') {
                text += &Colour::Default.paint(&format!("{line}\n"));
            } else {
                text += &format!("{line}\n");
            }
            key_of_text = None;
        } else {
            // Juju loses the ends of empty lines.
            text += line;
            key_of_text = None;
        }
    }
    text
}

/// The key, with what stands before it, and the value; nothing for a line without them, and for
/// one with a URL.
fn key_and_value(line: &str) -> Option<(&str, &str)> {
    if line.contains("://") {
        return None;
    }
    let is_end = |rest: &str| rest.is_empty() || rest.starts_with(' ') || rest.starts_with(':');
    let (key, rest) = line.split_once(':')?;
    if is_end(rest) {
        return Some((key, rest.trim()));
    }
    // The key itself may have a colon.
    let (key, rest) = line.rsplit_once(':')?;
    is_end(rest).then(|| (key, rest.trim()))
}

fn coloured_entry(key: &str, value: &str) -> String {
    let colon = Colour::BrightMagenta.paint(":");
    let key = Colour::BoldBrightCyan.paint(&format!("{key}{colon} "));
    let is_whole = |text: &str| text.parse::<i64>().is_ok();
    let network = value.split_once('/').filter(|(address, bits)| {
        let most = match address.parse::<IpAddr>() {
            Ok(IpAddr::V4(_)) => 32,
            Ok(IpAddr::V6(_)) => 128,
            Err(_) => return false,
        };
        bits.parse::<u8>().is_ok_and(|bits| bits <= most)
    });
    if is_whole(value) || value.eq_ignore_ascii_case("true") || value.eq_ignore_ascii_case("false") {
        key + &Colour::Magenta.paint(&format!("{value}\n"))
    } else if is_whole(&value.replace('.', "")) {
        key + &Colour::Cyan.paint(value) + "\n"
    } else if let Some((address, bits)) = network {
        let network = format!("{}/{}\n", Colour::Cyan.paint(address), Colour::Magenta.paint(bits));
        Colour::BoldBrightCyan.paint(&(key + &network))
    } else {
        key + &Colour::Default.paint(value) + "\n"
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    /// Letters for colours, so that lines can be read.
    fn shown(text: &str) -> String {
        [
            ("\u{1b}[1;96m", "<K "),
            ("\u{1b}[95m", "<C "),
            ("\u{1b}[39m", "<T "),
            ("\u{1b}[35m", "<N "),
            ("\u{1b}[36m", "<A "),
            ("\u{1b}[90m", "<L "),
            ("\u{1b}[0m", ">"),
        ]
        .iter()
        .fold(text.to_owned(), |text, (sequence, letter)| text.replace(sequence, letter))
    }

    #[test]
    fn lines_are_coloured_by_what_they_look_like() {
        let value = json!({
            "a": {"text": "one", "number": 3, "truth": true, "version": "3.6.3", "net": "10.0.0.1/32"},
            "b": "two\nlines",
            "c": ["x", "http://y"],
        });
        let expected = "<K a<C :> ><T >\n<K   net<C :> <A 10.0.0.1>/<N 32>\n>\
                        <K   number<C :> ><N 3\n><K   text<C :> ><T one>\n<K   truth<C :> ><N true\n>\
                        <K   version<C :> ><A 3.6.3>\n<K b<C :> ><T |->\n<L   two\n><L   lines\n>\
                        <K c<C :> ><T >\n<T - x\n><T - http://y\n>";
        assert_eq!(
            shown(&to_coloured_yaml(&value)).replace("<K <K   net<C :> >", "<K   net<C :> "),
            expected
        );
    }

    #[test]
    fn json_is_coloured_by_what_it_is() {
        let value = BTreeMap::from([("b", json!([1, null, "x"])), ("a", json!({}))]);
        assert_eq!(
            shown(&to_coloured_json(&value)),
            "{<K \"a\"<C :>>{},<K \"b\"<C :>>[<N 1>,<N null>,<T \"x\">]}\n"
        );
    }

    proptest! {
        #[test]
        fn colours_change_no_text(entries in prop::collection::btree_map("[a-z:]{1,6}", "[ -~\n]{0,20}", 0..5)) {
            let plain: String = to_yaml(&entries).split_whitespace().collect();
            let mut text = to_coloured_yaml(&entries);
            for sequence in ["\u{1b}[1;96m", "\u{1b}[95m", "\u{1b}[39m", "\u{1b}[35m", "\u{1b}[36m", "\u{1b}[90m", "\u{1b}[0m"] {
                text = text.replace(sequence, "");
            }
            let coloured: String = text.split_whitespace().collect();
            prop_assert_eq!(coloured, plain);
        }
    }
}
