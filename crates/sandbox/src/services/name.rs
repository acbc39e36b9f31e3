//! Names of units: `redis-server.service`, `worker@3.service`, `backup.timer`.
//!
//! Nothing here looks at a disk; which units there are is the business of `library`.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The longest name that systemd takes.
const LENGTH_MAX: usize = 255;

/// The kinds of units, by the ends of their names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum UnitKind {
    /// A process that is started and watched.
    Service,
    /// A socket whose traffic starts a service.
    Socket,
    /// A group of units, and a point in the order of a boot.
    Target,
    /// A clock that starts a unit.
    Timer,
    /// Any of the kinds that a machine of ours only knows by name.
    Other,
}

impl UnitKind {
    const SUFFIXES: [(&str, Self); 11] = [
        (".service", Self::Service),
        (".socket", Self::Socket),
        (".target", Self::Target),
        (".timer", Self::Timer),
        (".mount", Self::Other),
        (".automount", Self::Other),
        (".swap", Self::Other),
        (".device", Self::Other),
        (".path", Self::Other),
        (".slice", Self::Other),
        (".scope", Self::Other),
    ];

    fn of(name: &str) -> Option<(&'static str, Self)> {
        Self::SUFFIXES.into_iter().find(|(suffix, _)| name.ends_with(suffix) && name.len() > suffix.len())
    }
}

/// The full name of a unit.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) struct UnitName(String);

/// A text that is no name of a unit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("Invalid unit name \"{text}\"")]
pub(crate) struct NameError {
    text: String,
}

impl UnitName {
    /// Reads a full name.
    pub(crate) fn parse(text: &str) -> Result<Self, NameError> {
        let refused = || NameError { text: text.to_owned() };
        let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b":-_.\\@".contains(&byte);
        if text.len() > LENGTH_MAX || text.starts_with('@') || !text.bytes().all(is_allowed) {
            return Err(refused());
        }
        UnitKind::of(text).map(|_| Self(text.to_owned())).ok_or_else(refused)
    }

    /// Reads what a person types: the end of a service may be left out, and what a name cannot
    /// hold is escaped.
    pub(crate) fn from_word(word: &str) -> Result<Self, NameError> {
        if word.is_empty() {
            return Err(NameError { text: String::new() });
        }
        if let Some(path) = word.strip_prefix('/') {
            // A path is that of a unit file, or that of a mount.
            let last = path.rsplit('/').next().unwrap_or(path);
            return Self::parse(last).or_else(|_| Self::parse(&format!("{}.mount", escape_path(word))));
        }
        let is_allowed = |c: char| c.is_ascii_alphanumeric() || ":-_.\\@".contains(c);
        let escaped: String = word
            .chars()
            .map(|c| match c {
                '/' => "-".to_owned(),
                c if is_allowed(c) => c.to_string(),
                c => {
                    let bytes: Vec<String> =
                        c.to_string().bytes().map(|byte| format!("\\x{byte:02x}")).collect();
                    bytes.concat()
                }
            })
            .collect();
        Self::parse(&escaped).or_else(|_| Self::parse(&format!("{escaped}.service")))
    }

    /// The name as a text.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// What kind of unit it is.
    pub(crate) fn kind(&self) -> UnitKind {
        UnitKind::of(&self.0).map_or(UnitKind::Other, |(_, kind)| kind)
    }

    /// The end, with its dot: `.service`.
    pub(crate) fn suffix(&self) -> &'static str {
        UnitKind::of(&self.0).map_or("", |(suffix, _)| suffix)
    }

    /// The name without its end.
    pub(crate) fn stem(&self) -> &str {
        self.0.strip_suffix(self.suffix()).unwrap_or(&self.0)
    }

    /// The part before `@`, or all but the end.
    pub(crate) fn prefix(&self) -> &str {
        self.stem().split_once('@').map_or(self.stem(), |(prefix, _)| prefix)
    }

    /// The part after `@`, which is empty for a template.
    pub(crate) fn instance(&self) -> Option<&str> {
        self.stem().split_once('@').map(|(_, instance)| instance)
    }

    /// Whether this is a template, of which instances are made.
    pub(crate) fn is_template(&self) -> bool {
        self.instance() == Some("")
    }

    /// The template that an instance is made of.
    pub(crate) fn template(&self) -> Option<Self> {
        self.instance()
            .filter(|instance| !instance.is_empty())
            .map(|_| Self(format!("{}@{}", self.prefix(), self.suffix())))
    }

    /// The instance of a template.
    pub(crate) fn with_instance(&self, instance: &str) -> Self {
        Self(format!("{}@{instance}{}", self.prefix(), self.suffix()))
    }

    /// The unit of another kind with the same name: `backup.service` for `backup.timer`.
    pub(crate) fn with_suffix(&self, suffix: &str) -> Self {
        Self(format!("{}{suffix}", self.stem()))
    }
}

impl fmt::Display for UnitName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Undoes the escaping of names: `-` is a slash, `\x2d` a byte.
pub(crate) fn unescape(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut plain = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let hexadecimal = (byte == b'\\' && bytes.get(at + 1) == Some(&b'x'))
            .then(|| bytes.get(at + 2..at + 4))
            .flatten()
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        if let Some(value) = hexadecimal {
            plain.push(value);
            at += 4;
        } else {
            plain.push(if byte == b'-' { b'/' } else { byte });
            at += 1;
        }
    }
    String::from_utf8_lossy(&plain).into_owned()
}

/// The name that systemd gives to the unit of a path.
pub(crate) fn escape_path(path: &str) -> String {
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    if parts.is_empty() {
        return "-".to_owned();
    }
    let escaped = parts.iter().map(|part| {
        part.bytes()
            .enumerate()
            .map(|(index, byte)| match byte {
                b'.' if index == 0 => "\\x2e".to_owned(),
                byte if byte.is_ascii_alphanumeric() || b":_.".contains(&byte) => {
                    char::from(byte).to_string()
                }
                byte => format!("\\x{byte:02x}"),
            })
            .collect::<String>()
    });
    escaped.collect::<Vec<_>>().join("-")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(word: &str, expected: Result<&str, &str>) {
        let found = UnitName::from_word(word).map(|name| name.0).map_err(|error| error.to_string());
        assert_eq!(found, expected.map(str::to_owned).map_err(str::to_owned));
    }

    #[test]
    fn what_people_type_becomes_a_full_name() {
        check("redis", Ok("redis.service"));
        check("redis.socket", Ok("redis.socket"));
        check("php8.1-fpm", Ok("php8.1-fpm.service"));
        check("worker@3", Ok("worker@3.service"));
        check("/etc/systemd/system/mine.service", Ok("mine.service"));
        check("/srv/data", Ok("srv-data.mount"));
        check("a b", Ok("a\\x20b.service"));
        check("", Err("Invalid unit name \"\""));
        check("@.service", Err("Invalid unit name \"@.service.service\""));
    }

    #[test]
    fn an_instance_knows_its_template() {
        let name = UnitName::parse("worker@var-lib.service").unwrap();
        assert_eq!(
            (name.prefix(), name.instance(), name.stem()),
            ("worker", Some("var-lib"), "worker@var-lib")
        );
        assert_eq!(name.template().unwrap().as_str(), "worker@.service");
        assert!(name.template().unwrap().is_template());
        assert_eq!(name.template().unwrap().with_instance("2").as_str(), "worker@2.service");
        assert_eq!(unescape("var-lib"), "var/lib");
        assert_eq!(unescape("a\\x2db"), "a-b");
        assert_eq!(
            UnitName::parse("backup.timer").unwrap().with_suffix(".service").as_str(),
            "backup.service"
        );
    }

    proptest! {
        #[test]
        fn any_word_is_a_name_or_refused(word in "\\PC{0,40}") {
            if let Ok(name) = UnitName::from_word(&word) {
                prop_assert_eq!(UnitName::parse(name.as_str()), Ok(name.clone()));
                let rebuilt = format!("{}{}", name.stem(), name.suffix());
                prop_assert_eq!(rebuilt, name.as_str());
            }
        }

        #[test]
        fn a_path_survives_its_escaping(path in "(/[a-z .-]{1,8}){1,4}") {
            let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
            prop_assert_eq!(unescape(&escape_path(&path)), parts.join("/"));
        }
    }
}
