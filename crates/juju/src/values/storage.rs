//! Storage constraints (`pool,size,count`), sizes, and device constraints.

use std::collections::BTreeMap;
use std::fmt;

use crate::values::go::quote;

/// What storage is asked for, with sizes in MiB.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StorageConstraints {
    /// The pool to take it from, or the model's default one.
    pub pool: Option<String>,
    /// The least size of each instance, or what the charm's metadata says.
    pub size_mib: Option<u64>,
    /// How many instances.
    pub count: u64,
}

/// Multipliers of sizes, each 1024 times the one before; the first stands for MiB.
const SIZE_SUFFIXES: [char; 7] = ['M', 'G', 'T', 'P', 'E', 'Z', 'Y'];

/// A size in MiB: a number with an optional suffix such as `G`, `GB` or `GiB`. Fractions are
/// rounded up, and `M` is meant where there is no suffix.
pub fn parse_size_mib(text: &str) -> Result<u64, String> {
    let number_length =
        text.find(|character: char| !(character.is_ascii_digit() || character == '.')).unwrap_or(text.len());
    // Text that does not begin with a number is refused as a number, not for its suffix.
    let number_length = if number_length == 0 { text.len() } else { number_length };
    let (number, suffix) = text.split_at(number_length);
    let exponent = match suffix {
        "" => 0,
        suffix => {
            let known = SIZE_SUFFIXES.iter().position(|letter| {
                let rest = suffix.strip_prefix(*letter);
                matches!(rest, Some("" | "B" | "iB"))
            });
            known.ok_or_else(|| {
                format!("invalid multiplier suffix {}, expected one of MGTPEZY", quote(suffix))
            })?
        }
    };
    let refused = || format!("expected a non-negative number, got {}", quote(number));
    // Only digits and points, so that `inf` and `1e3` are not numbers here.
    if number.is_empty() || !number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
        return Err(refused());
    }
    let value: f64 = number.parse().map_err(|_| refused())?;
    let multiplier = 1024_f64.powi(i32::try_from(exponent).unwrap_or(0));
    Ok((value * multiplier).ceil() as u64)
}

/// Whether a pool can have the name.
pub fn is_pool(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_alphabetic())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'?'))
}

impl StorageConstraints {
    /// Reads a pool, a size and a count, in any order, each at most once.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut pool: Option<String> = None;
        let mut size_mib: Option<u64> = None;
        let mut count: Option<u64> = None;
        for field in text.split(',').filter(|field| !field.is_empty()) {
            if is_pool(field) {
                if let Some(first) = &pool {
                    return Err(format!(
                        "pool name is already set to {}, new value {} not valid",
                        quote(first),
                        quote(field)
                    ));
                }
                pool = Some(field.to_owned());
            } else if let Some(found) = parse_count(field) {
                let found = found.map_err(|reason| format!("cannot parse count: {reason}"))?;
                if let Some(first) = count {
                    return Err(format!(
                        "storage instance count is already set to {first}, new value {found} not valid"
                    ));
                }
                count = Some(found);
            } else if is_size(field) {
                let found = parse_size_mib(field).map_err(|reason| format!("cannot parse size: {reason}"))?;
                match size_mib {
                    Some(first) if first != 0 => {
                        return Err(format!(
                            "storage size is already set to {first}, new value {found} not valid"
                        ));
                    }
                    Some(_) | None => size_mib = Some(found),
                }
            } else {
                return Err(format!("unrecognized storage constraint {} not valid", quote(field)));
            }
        }
        if pool.is_none() && count.is_none() && size_mib.unwrap_or(0) == 0 {
            return Err("storage constraints require at least one field to be specified".to_owned());
        }
        Ok(Self { pool, size_mib: size_mib.filter(|size| *size > 0), count: count.unwrap_or(1) })
    }
}

impl fmt::Display for StorageConstraints {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pool = self.pool.clone();
        let count = (self.count > 0).then(|| self.count.to_string());
        let size = self.size_mib.map(|size| format!("{size}M"));
        let fields: Vec<String> = [pool, count, size].into_iter().flatten().collect();
        formatter.write_str(&fields.join(","))
    }
}

fn parse_count(text: &str) -> Option<Result<u64, String>> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let refused = || format!("count must be greater than zero, got {}", quote(text));
    if text.starts_with('-') {
        return Some(Err(refused()));
    }
    // A count that is too large for a machine word is not recognised at all.
    let count: u64 = text.parse().ok()?;
    Some(if count > 0 { Ok(count) } else { Err(refused()) })
}

fn is_size(text: &str) -> bool {
    let text = text.strip_prefix('-').unwrap_or(text);
    let Some(letter_at) = text.find(SIZE_SUFFIXES) else { return false };
    let (number, suffix) = text.split_at(letter_at);
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    let are_digits = |digits: &str| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    are_digits(whole) && are_digits(fraction) && matches!(&suffix[1..], "" | "B" | "iB")
}

/// Storage by label, as `add-storage` takes it: `data`, `data=2`, `data=pool,1G`.
pub fn parse_storage_by_label(texts: &[String]) -> Result<BTreeMap<String, StorageConstraints>, String> {
    let mut by_label = BTreeMap::new();
    for text in texts {
        let parts: Vec<&str> = text.split('=').collect();
        let label = parts[0];
        if parts.len() > 2 || label.is_empty() {
            return Err(format!("expected \"name=constraints\" or \"name\", got {}", quote(text)));
        }
        if by_label.contains_key(label) {
            return Err(format!("storage {} specified more than once", quote(label)));
        }
        let constraints = StorageConstraints::parse(parts.get(1).copied().unwrap_or("1"))
            .map_err(|reason| format!("cannot parse constraints for storage {}: {reason}", quote(label)))?;
        by_label.insert(label.to_owned(), constraints);
    }
    Ok(by_label)
}

/// Storage for an application, or for one of a bundle's applications.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StorageArgument {
    /// The bundle's application, where one is named.
    pub application: Option<String>,
    /// The label in the charm's metadata.
    pub label: String,
    /// What is asked for.
    pub constraints: StorageConstraints,
}

impl StorageArgument {
    /// Reads `label=constraints`, or `application:label=constraints` where bundles are meant too.
    pub fn parse(text: &str, is_for_bundles: bool) -> Result<Self, String> {
        let expected = if is_for_bundles {
            "expected [<application>:]<store>=<constraints>"
        } else {
            "expected <store>=<constraints>"
        };
        let (target, constraints) = text.split_once('=').ok_or_else(|| expected.to_owned())?;
        let (application, label) = match target.split_once(':') {
            Some(_) if !is_for_bundles => return Err(expected.to_owned()),
            Some((application, label)) => (Some(application.to_owned()), label),
            None => (None, target),
        };
        let constraints = StorageConstraints::parse(constraints)
            .map_err(|reason| format!("cannot parse disk constraints: {reason}"))?;
        Ok(Self { application, label: label.to_owned(), constraints })
    }
}

/// Devices that a charm asks for, such as graphics processors.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceConstraints {
    /// How many.
    pub count: u64,
    /// The class or the vendor's type.
    pub kind: String,
    /// Further wishes.
    pub attributes: BTreeMap<String, String>,
}

impl DeviceConstraints {
    /// Reads `[count,]type[,key=value;…]`.
    pub fn parse(text: &str) -> Result<Self, String> {
        let fields: Vec<&str> = text.split(',').collect();
        let (count, kind, attributes) = match fields.as_slice() {
            [kind] => ("1", *kind, None),
            [count, kind] => (*count, *kind, None),
            [count, kind, attributes] => (*count, *kind, Some(*attributes)),
            _too_many => {
                return Err("cannot parse device constraints string, supported format is \
                            [<count>,]<device-class>|<vendor/type>[,<key>=<value>;...]"
                    .to_owned());
            }
        };
        let refused = || format!("count must be greater than zero, got {}", quote(count));
        let count = count.parse::<i64>().ok().and_then(|count| u64::try_from(count).ok());
        let count = count.filter(|count| *count > 0).ok_or_else(refused)?;
        let mut by_name = BTreeMap::new();
        for attribute in attributes.into_iter().flat_map(|attributes| attributes.split(';')) {
            let (name, value) =
                attribute.split_once('=').filter(|(_, value)| !value.contains('=')).ok_or_else(|| {
                    format!("device attribute key/value pair has bad format: {}", quote(attribute))
                })?;
            by_name.insert(name.to_owned(), value.to_owned());
        }
        Ok(Self { count, kind: kind.to_owned(), attributes: by_name })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn sizes_are_in_mebibytes() {
        let check = |text: &str, expected: Result<u64, &str>| {
            assert_eq!(parse_size_mib(text), expected.map_err(str::to_owned), "{text}");
        };
        check("512", Ok(512));
        check("512M", Ok(512));
        check("4G", Ok(4096));
        check("1.5GiB", Ok(1536));
        check("1TB", Ok(1_048_576));
        check("0.5", Ok(1));
        check("1K", Err(r#"invalid multiplier suffix "K", expected one of MGTPEZY"#));
        check("", Err(r#"expected a non-negative number, got """#));
        check("-1G", Err(r#"expected a non-negative number, got "-1G""#));
        check("1.2.3", Err(r#"expected a non-negative number, got "1.2.3""#));
    }

    #[test]
    fn storage_constraints_come_in_any_order() {
        let check = |text: &str, pool: Option<&str>, size_mib: Option<u64>, count: u64| {
            let expected = StorageConstraints { pool: pool.map(str::to_owned), size_mib, count };
            assert_eq!(StorageConstraints::parse(text), Ok(expected), "{text}");
        };
        check("tmpfs", Some("tmpfs"), None, 1);
        check("2", None, None, 2);
        check("1G", None, Some(1024), 1);
        check("ebs,1.5G,3", Some("ebs"), Some(1536), 3);
        check("3,1.5G,ebs", Some("ebs"), Some(1536), 3);
        check(",,5M,", None, Some(5), 1);
        check("M", Some("M"), None, 1);
    }

    #[test]
    fn wrong_storage_constraints() {
        let check = |text: &str, expected: &str| {
            assert_eq!(StorageConstraints::parse(text), Err(expected.to_owned()), "{text}");
        };
        check("", "storage constraints require at least one field to be specified");
        check("0", r#"cannot parse count: count must be greater than zero, got "0""#);
        check("-1", r#"cannot parse count: count must be greater than zero, got "-1""#);
        check("-5G", r#"cannot parse size: expected a non-negative number, got "-5G""#);
        check("a,b", r#"pool name is already set to "a", new value "b" not valid"#);
        check("1,2", "storage instance count is already set to 1, new value 2 not valid");
        check("1M,2M", "storage size is already set to 1, new value 2 not valid");
        check("5K", r#"unrecognized storage constraint "5K" not valid"#);
    }

    #[test]
    fn storage_of_applications_and_bundles() {
        let found = StorageArgument::parse("db:data=ebs,1G", true).unwrap();
        assert_eq!(found.application.as_deref(), Some("db"));
        assert_eq!((found.label.as_str(), found.constraints.to_string().as_str()), ("data", "ebs,1,1024M"));
        let check = |text: &str, is_for_bundles: bool, expected: &str| {
            assert_eq!(StorageArgument::parse(text, is_for_bundles), Err(expected.to_owned()));
        };
        check("data", false, "expected <store>=<constraints>");
        check("db:data=1G", false, "expected <store>=<constraints>");
        check("data", true, "expected [<application>:]<store>=<constraints>");
        check(
            "data=?",
            true,
            r#"cannot parse disk constraints: unrecognized storage constraint "?" not valid"#,
        );
    }

    #[test]
    fn storage_by_label() {
        let check = |texts: &[&str], expected: Result<&str, &str>| {
            let texts: Vec<String> = texts.iter().map(|&text| text.to_owned()).collect();
            let found = parse_storage_by_label(&texts).map(|by_label| {
                let lines: Vec<String> =
                    by_label.iter().map(|(label, constraints)| format!("{label}={constraints}")).collect();
                lines.join(" ")
            });
            assert_eq!(found, expected.map(str::to_owned).map_err(str::to_owned));
        };
        check(&["data", "logs=tmpfs,2"], Ok("data=1 logs=tmpfs,2"));
        check(&["data", "data=2"], Err(r#"storage "data" specified more than once"#));
        check(&["=1"], Err(r#"expected "name=constraints" or "name", got "=1""#));
        check(&["a=b=c"], Err(r#"expected "name=constraints" or "name", got "a=b=c""#));
        check(
            &["a="],
            Err(
                r#"cannot parse constraints for storage "a": storage constraints require at least one field to be specified"#,
            ),
        );
    }

    #[test]
    fn devices() {
        let found = DeviceConstraints::parse("2,nvidia.com/gpu,model=tesla;memory=8").unwrap();
        assert_eq!((found.count, found.kind.as_str(), found.attributes.len()), (2, "nvidia.com/gpu", 2));
        assert_eq!(DeviceConstraints::parse("gpu").unwrap().count, 1);
        assert_eq!(
            DeviceConstraints::parse("0,gpu"),
            Err(r#"count must be greater than zero, got "0""#.to_owned())
        );
        assert_eq!(
            DeviceConstraints::parse("1,gpu,a"),
            Err(r#"device attribute key/value pair has bad format: "a""#.to_owned())
        );
        assert!(DeviceConstraints::parse("1,2,3,4").is_err());
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "\\PC*") {
            let _ = parse_size_mib(&text);
            let _ = StorageConstraints::parse(&text);
            let _ = StorageArgument::parse(&text, true);
            let _ = DeviceConstraints::parse(&text);
            let _ = parse_storage_by_label(&[text]);
        }

        #[test]
        fn constraint_like_text_is_read_or_refused(text in "[-a-z0-9.MGTPEZYBi,=:;?]{0,20}") {
            let _ = parse_size_mib(&text);
            let _ = StorageArgument::parse(&text, false);
            let _ = DeviceConstraints::parse(&text);
        }

        #[test]
        fn printed_constraints_are_read_again(
            pool in proptest::option::of("[a-zA-Z][-a-zA-Z0-9]{0,8}"),
            size_mib in proptest::option::of(1_u64..1_000_000_000),
            count in 1_u64..1000,
        ) {
            let constraints = StorageConstraints { pool, size_mib, count };
            prop_assert_eq!(StorageConstraints::parse(&constraints.to_string()), Ok(constraints));
        }
    }
}
