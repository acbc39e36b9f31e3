//! Where the charm of a bundle's application comes from.

use crate::names::is_application;
use crate::values::go::quote;

/// A charm as a bundle names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CharmSource {
    /// A file or a directory.
    Path(String),
    /// On Charmhub.
    Charmhub {
        /// The name.
        name: String,
        /// A revision behind the name, which is an error in a bundle.
        revision: Option<u32>,
    },
    /// One that the model has already.
    Local {
        /// The name.
        name: String,
    },
}

impl CharmSource {
    /// Reads a path, or a name with or without a scheme in front and a revision behind.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.starts_with('.') || text.starts_with('/') {
            return Ok(Self::Path(text.to_owned()));
        }
        let (scheme, path) = match text.split_once(':') {
            Some((scheme, path)) => (scheme, path),
            None => ("ch", text),
        };
        if !matches!(scheme, "ch" | "local") {
            return Err(format!("cannot parse URL {}: schema {} not valid", quote(text), quote(scheme)));
        }
        // An architecture and a series may stand in front of the name.
        let name = path.trim_matches('/').rsplit('/').next().unwrap_or(path);
        let (name, revision) = split_revision(name);
        if !is_application(name) {
            return Err(format!(
                "cannot parse name and/or revision in URL {}: name {} not valid",
                quote(text),
                quote(name)
            ));
        }
        let name = name.to_owned();
        Ok(if scheme == "local" { Self::Local { name } } else { Self::Charmhub { name, revision } })
    }

    /// The charm's name, where the bundle says it.
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::Path(_) => None,
            Self::Charmhub { name, .. } | Self::Local { name } => Some(name),
        }
    }

    /// Where Juju says that the charm is from.
    pub(crate) fn location(&self) -> &'static str {
        match self {
            Self::Path(_) => "",
            Self::Charmhub { .. } => " from charm-hub",
            Self::Local { .. } => " from local",
        }
    }
}

fn split_revision(name: &str) -> (&str, Option<u32>) {
    let split = name.rsplit_once('-').and_then(|(name, number)| Some((name, number.parse().ok()?)));
    match split {
        Some((name, revision)) if !name.is_empty() => (name, Some(revision)),
        Some(_) | None => (name, None),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn charms_of_bundles() {
        let on_charmhub =
            |name: &str, revision| Ok(CharmSource::Charmhub { name: name.to_owned(), revision });
        let check = |text: &str, expected: Result<CharmSource, String>| {
            assert_eq!(CharmSource::parse(text), expected, "{text}");
        };
        check("mysql", on_charmhub("mysql", None));
        check("ch:mysql", on_charmhub("mysql", None));
        check("ch:amd64/focal/my-sql-7", on_charmhub("my-sql", Some(7)));
        check("./x.charm", Ok(CharmSource::Path("./x.charm".to_owned())));
        check("/x", Ok(CharmSource::Path("/x".to_owned())));
        check("local:x-1", Ok(CharmSource::Local { name: "x".to_owned() }));
        check("cs:mysql", Err("cannot parse URL \"cs:mysql\": schema \"cs\" not valid".to_owned()));
        check("My", Err("cannot parse name and/or revision in URL \"My\": name \"My\" not valid".to_owned()));
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "\\PC*") {
            let _ = CharmSource::parse(&text);
        }
    }
}
