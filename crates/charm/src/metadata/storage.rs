//! Storage that a charm asks for.
//!
//! What Juju takes is in `storageSchema` of juju/charm v12 `meta.go`.

use super::Origin;
use super::reader::{Reader, quoted, shortened};
use super::scalar;
use crate::yaml::{Entry, Node};

/// What a storage is to the charm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StorageKind {
    /// A mounted file system.
    Filesystem,
    /// A bare block device.
    Block,
}

/// Storage that a charm asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Storage {
    /// The name, which its hooks start with.
    pub name: String,
    /// What it is to the charm.
    pub kind: StorageKind,
    /// How many instances a unit needs before it is installed.
    pub count_min: u32,
    /// How many instances a unit may have; nothing if there is no bound.
    pub count_max: Option<u32>,
    /// The least size of an instance.
    pub minimum_size_mib: Option<u64>,
    /// Where it is mounted; of several instances, where each has a directory.
    pub location: Option<String>,
    /// Whether the charm only reads it.
    pub read_only: bool,
    /// Whether the units share it.
    pub shared: bool,
    /// What it need not be: `transient` is the only property that there is.
    pub properties: Vec<String>,
    /// Where it is declared.
    pub origin: Origin,
}

impl Storage {
    /// Whether a unit may have another number of instances than one.
    pub fn is_multiple(&self) -> bool {
        (self.count_min, self.count_max) != (1, Some(1))
    }
}

const KEYS: [&str; 8] =
    ["type", "shared", "read-only", "multiple", "minimum-size", "location", "description", "properties"];

/// Reads `storage`.
pub(super) fn read(reader: &mut Reader<'_>, root: &Node) -> Vec<Storage> {
    reader.section(root, "storage").iter().map(|entry| storage(reader, entry)).collect()
}

fn storage(reader: &mut Reader<'_>, entry: &Entry) -> Storage {
    let of = format!("the storage {}", quoted(&entry.key));
    let mut storage = Storage {
        name: entry.key.clone(),
        kind: StorageKind::Filesystem,
        count_min: 1,
        count_max: Some(1),
        minimum_size_mib: None,
        location: None,
        read_only: false,
        shared: false,
        properties: Vec::new(),
        origin: reader.origin(entry.place),
    };
    let Some(fields) = reader.mapping(entry, &of) else {
        return storage;
    };
    reader.misspelt(fields, &KEYS, &of);
    storage.kind = kind(reader, entry, fields, &of);
    (storage.count_min, storage.count_max) = counts(reader, fields, &of);
    storage.minimum_size_mib = minimum_size(reader, fields, &of);
    storage.location = reader.text(fields, "location", &of);
    storage.read_only = reader.boolean(fields, "read-only", &of);
    storage.shared = reader.boolean(fields, "shared", &of);
    storage.properties = properties(reader, fields, &of);
    reader.text(fields, "description", &of);
    if storage.kind == StorageKind::Block
        && let Some(location) = fields.get("location")
        && storage.location.as_deref().is_some_and(|location| !location.is_empty())
    {
        let hint = "Remove `location`, or write `type: filesystem`.";
        reader.error(location.place, format!("{of} is a block device, which has no `location`"), hint);
    }
    storage
}

fn kind(reader: &mut Reader<'_>, entry: &Entry, fields: &Node, of: &str) -> StorageKind {
    let hint = "Write `type: filesystem` or `type: block`.";
    match fields.get("type").map(|node| (node, node.text())) {
        Some((_, Some("filesystem"))) => StorageKind::Filesystem,
        Some((_, Some("block"))) => StorageKind::Block,
        Some((node, Some(other))) => {
            let text = format!("`type` of {of} is {}, which is no type of storage", quoted(other));
            reader.error(node.place, text, hint);
            StorageKind::Filesystem
        }
        Some((node, None)) => {
            let found = scalar::in_words(node);
            reader.error(node.place, format!("`type` of {of} should be text, not {found}"), hint);
            StorageKind::Filesystem
        }
        None => {
            reader.error(entry.place, format!("{of} has no `type`"), hint);
            StorageKind::Filesystem
        }
    }
}

/// A range that says nothing useful, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
enum BadRange {
    /// It is none of `m`, `m-n`, `m-` and `m+`.
    Form,
    /// At most no instance.
    Nothing,
}

/// Reads `range` as Juju does: `2`, `2-5`, `2-` and `2+`.
fn parse_range(text: &str) -> Result<(u32, Option<u32>), BadRange> {
    let number = |digits: &str| {
        let is_number = !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit());
        if is_number { digits.parse::<u32>().map_err(|_| BadRange::Form) } else { Err(BadRange::Form) }
    };
    if let Some(exact) = scalar::go_int(text) {
        return match u32::try_from(exact) {
            Ok(exact) if exact > 0 => Ok((exact, Some(exact))),
            Ok(_) | Err(_) => Err(BadRange::Nothing),
        };
    }
    if let Some(minimum) = text.strip_suffix(['-', '+']) {
        return Ok((number(minimum)?, None));
    }
    let (minimum, maximum) = text.split_once('-').ok_or(BadRange::Form)?;
    match (number(minimum)?, number(maximum)?) {
        (_, 0) => Err(BadRange::Nothing),
        (minimum, maximum) => Ok((minimum, Some(maximum))),
    }
}

fn counts(reader: &mut Reader<'_>, fields: &Node, of: &str) -> (u32, Option<u32>) {
    let one = (1, Some(1));
    let hint = "Write `range: 3`, `range: 1-3`, `range: 0-` or `range: 1+`.";
    let Some(entry) = fields.entry("multiple") else {
        return one;
    };
    let Some(multiple) = reader.mapping(entry, &format!("`multiple` of {of}")) else {
        return one;
    };
    let Some(range) = multiple.entry("range") else {
        reader.error(entry.place, format!("`multiple` of {of} has no `range`"), hint);
        return one;
    };
    let node = &range.value;
    let Some(text) = node.text().filter(|_| is_range_like(node)) else {
        reader.wrong(range, &format!("`range` of {of}"), "a number or a range");
        return one;
    };
    match parse_range(text) {
        Ok((minimum, Some(maximum))) if minimum > maximum => {
            // Juju reads it, but no number of instances can ever satisfy it.
            let text = format!("`range` of {of} starts at {minimum} and ends before that, at {maximum}");
            reader.remark(node.place, text, format!("Did you mean `{maximum}-{minimum}`?"));
            (minimum, Some(maximum))
        }
        Ok(counts) => counts,
        Err(BadRange::Form) => {
            let text = format!("`range` of {of} is {}, which is no range", quoted(text));
            reader.error(node.place, text, hint);
            one
        }
        Err(BadRange::Nothing) => {
            let text = format!("`range` of {of} is {}, which allows no instance at all", quoted(text));
            reader.error(node.place, text, hint);
            one
        }
    }
}

fn is_range_like(node: &Node) -> bool {
    scalar::as_int(node).is_some() || scalar::as_text(node).is_some()
}

/// Reads `1G`, `1.5GiB`, `512` and `512MB` as mebibytes, rounded up.
fn parse_size(text: &str) -> Option<u64> {
    const SUFFIXES: &str = "MGTPEZY";
    let end = text.find(|character: char| character != '.' && !character.is_ascii_digit());
    let (number, suffix) = text.split_at(end.unwrap_or(text.len()));
    let power = match suffix.strip_suffix("iB").or_else(|| suffix.strip_suffix('B')).unwrap_or(suffix) {
        "" if suffix.is_empty() => 0,
        letter if letter.len() == 1 => SUFFIXES.find(letter)?,
        _ => return None,
    };
    let number: f64 = number.parse().ok()?;
    // Juju counts in floating point as well, and rounds up.
    Some((number * f64::powi(1024.0, i32::try_from(power).ok()?)).ceil() as u64)
}

fn minimum_size(reader: &mut Reader<'_>, fields: &Node, of: &str) -> Option<u64> {
    let node = fields.get("minimum-size")?;
    let hint = "Write a number and a unit of M, G, T, P, E, Z or Y: `1G`.";
    if let Some(number) = scalar::as_number(node)
        && scalar::as_text(node).is_none()
    {
        // Juju wants text here, and refuses what YAML takes for a number.
        let text = format!("`minimum-size` of {of} is a number without a unit, which Juju refuses");
        reader.error(node.place, text, format!("Write `{}M`.", shortened(number)));
        return parse_size(number);
    }
    let text = reader.text(fields, "minimum-size", of)?;
    let size = parse_size(&text);
    if size.is_none() {
        reader.error(
            node.place,
            format!("`minimum-size` of {of} is {}, which is no size", quoted(&text)),
            hint,
        );
    }
    size
}

fn properties(reader: &mut Reader<'_>, fields: &Node, of: &str) -> Vec<String> {
    let mut properties = Vec::new();
    for node in reader.list(fields, "properties", of) {
        match node.text() {
            Some("transient") => properties.push("transient".to_owned()),
            Some(other) => {
                let text = format!("{} is no property of storage", quoted(other));
                reader.error(node.place, text, "`transient` is the only one.");
            }
            None => {
                let text = format!("a property of {of} should be text, not {}", scalar::in_words(node));
                reader.error(node.place, text, "`transient` is the only one.");
            }
        }
    }
    properties
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ranges_are_written_in_four_ways() {
        for (text, expected) in [
            ("1", Ok((1, Some(1)))),
            ("3", Ok((3, Some(3)))),
            ("0-", Ok((0, None))),
            ("1+", Ok((1, None))),
            ("2-5", Ok((2, Some(5)))),
            ("0-1", Ok((0, Some(1)))),
            ("5-2", Ok((5, Some(2)))),
            ("0", Err(BadRange::Nothing)),
            ("-1", Err(BadRange::Nothing)),
            ("0-0", Err(BadRange::Nothing)),
            ("woat", Err(BadRange::Form)),
            ("0-abc", Err(BadRange::Form)),
            ("1 - 3", Err(BadRange::Form)),
            ("-", Err(BadRange::Form)),
            ("1..3", Err(BadRange::Form)),
            ("", Err(BadRange::Form)),
        ] {
            assert_eq!(parse_range(text), expected, "{text}");
        }
    }

    #[test]
    fn sizes_are_mebibytes() {
        for (text, expected) in [
            ("512", Some(512)),
            ("512M", Some(512)),
            ("1G", Some(1024)),
            ("1GiB", Some(1024)),
            ("1.5GB", Some(1536)),
            ("0.1M", Some(1)),
            ("1T", Some(1 << 20)),
            ("1Q", None),
            ("1 G", None),
            ("1B", None),
            ("G", None),
            ("-1G", None),
            ("", None),
        ] {
            assert_eq!(parse_size(text), expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_range_and_any_size_is_read_or_not(text in any::<String>()) {
            let _ = parse_range(&text);
            let _ = parse_size(&text);
        }

        #[test]
        fn ranges_round_trip(minimum in 0u32.., maximum in 1u32..) {
            prop_assert_eq!(parse_range(&format!("{minimum}-{maximum}")), Ok((minimum, Some(maximum))));
            prop_assert_eq!(parse_range(&format!("{minimum}+")), Ok((minimum, None)));
        }
    }
}
