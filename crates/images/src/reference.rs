//! The name of an image in a registry. Pure.

use std::fmt;

use crate::digest::Digest;

/// Where names without a registry are looked for.
const DEFAULT_REGISTRY: &str = "docker.io";
/// What names of one word belong to, in that registry.
const DEFAULT_NAMESPACE: &str = "library/";

/// The name of an image, complete: `redis` is `docker.io/library/redis:latest`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    registry: String,
    repository: String,
    tag: Option<String>,
    digest: Option<Digest>,
    has_registry: bool,
}

impl Reference {
    /// Reads a name. The answer to nonsense is one fragment.
    pub fn read(text: &str) -> Result<Self, String> {
        if text.len() > 512 {
            return Err("it is longer than 512 characters".into());
        }
        let (text, digest) = match text.split_once('@') {
            Some((name, digest)) => (name, Some(digest.parse()?)),
            None => (text, None),
        };
        let (text, tag) = match text.rsplit_once(':') {
            Some((name, tag)) if !tag.contains('/') => (name, Some(tag)),
            Some(_) | None => (text, None),
        };
        if let Some(tag) = tag {
            let is_tag = (1..=128).contains(&tag.len())
                && !tag.starts_with(['.', '-'])
                && tag.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'));
            if !is_tag {
                return Err(format!("`{}` is no tag", tag.escape_debug()));
            }
        }
        let (registry, name, has_registry) = match text.split_once('/') {
            Some((first, rest)) if first.contains(['.', ':']) || first == "localhost" => (first, rest, true),
            Some(_) | None => (DEFAULT_REGISTRY, text, false),
        };
        let is_host = registry.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '[')
            && registry
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b':' | b'[' | b']'));
        if !is_host {
            return Err(format!("`{}` is no registry", registry.escape_debug()));
        }
        if name.bytes().any(|byte| byte.is_ascii_uppercase()) {
            return Err("names of images are written in lower case".into());
        }
        let is_word = |word: &str| {
            word.starts_with(|c: char| c.is_ascii_alphanumeric())
                && word.ends_with(|c: char| c.is_ascii_alphanumeric())
                && word.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
        };
        if !name.split('/').all(is_word) {
            return Err(format!("`{}` is no name of an image", name.escape_debug()));
        }
        let registry = if registry == "index.docker.io" { DEFAULT_REGISTRY } else { registry };
        let repository = if registry == DEFAULT_REGISTRY && !name.contains('/') {
            format!("{DEFAULT_NAMESPACE}{name}")
        } else {
            name.to_owned()
        };
        Ok(Self {
            registry: registry.to_owned(),
            repository,
            tag: tag.map(str::to_owned),
            digest,
            has_registry,
        })
    }

    /// Returns the registry, such as `docker.io`.
    pub fn registry(&self) -> &str {
        &self.registry
    }

    /// Returns the repository, such as `library/redis`.
    pub fn repository(&self) -> &str {
        &self.repository
    }

    /// Returns the tag, which is `latest` where none is written.
    pub fn tag(&self) -> &str {
        self.tag.as_deref().unwrap_or("latest")
    }

    pub(crate) fn digest(&self) -> Option<&Digest> {
        self.digest.as_ref()
    }

    /// Returns how well this, the name of a recipe, fits what was asked for, if it does. What a recipe
    /// leaves out fits everything.
    pub(crate) fn fits(&self, asked: &Self) -> Option<u32> {
        let name = |reference: &Self| {
            reference.repository.strip_prefix(DEFAULT_NAMESPACE).unwrap_or(&reference.repository).to_owned()
        };
        if name(self) != name(asked) || (self.has_registry && self.registry != asked.registry) {
            return None;
        }
        let tag_fits = match &self.tag {
            Some(tag) => (asked.tag() == tag && (asked.tag.is_some() || asked.digest.is_none())).then_some(2),
            None => Some(0),
        };
        let digest_fits = match &self.digest {
            Some(digest) => (asked.digest() == Some(digest)).then_some(4),
            None => Some(0),
        };
        Some(1 + u32::from(self.has_registry) + tag_fits? + digest_fits?)
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.registry, self.repository)?;
        if self.tag.is_some() || self.digest.is_none() {
            write!(formatter, ":{}", self.tag())?;
        }
        match &self.digest {
            Some(digest) => write!(formatter, "@{digest}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(text: &str, expected: Result<&str, &str>) {
        match (Reference::read(text), expected) {
            (Ok(reference), Ok(expected)) => assert_eq!(reference.to_string(), expected),
            (Err(why), Err(part)) => assert!(why.contains(part), "`{text}` gave {why}"),
            (got, expected) => panic!("`{text}` gave {got:?} instead of {expected:?}"),
        }
    }

    #[test]
    fn names_are_completed() {
        let digest = Digest::of(b"");
        check("redis", Ok("docker.io/library/redis:latest"));
        check("redis:7", Ok("docker.io/library/redis:7"));
        check("benhoyt/snappass-test", Ok("docker.io/benhoyt/snappass-test:latest"));
        check("index.docker.io/redis", Ok("docker.io/library/redis:latest"));
        check("localhost/redis", Ok("localhost/redis:latest"));
        check("127.0.0.1:5000/a/b_c:1.0-x", Ok("127.0.0.1:5000/a/b_c:1.0-x"));
        check(&format!("ghcr.io/a/b@{digest}"), Ok(&format!("ghcr.io/a/b@{digest}")));
        check(&format!("ghcr.io/a/b:1@{digest}"), Ok(&format!("ghcr.io/a/b:1@{digest}")));
    }

    #[test]
    fn nonsense_is_refused() {
        check("", Err("no name"));
        check("Redis", Err("lower case"));
        check("a//b", Err("no name"));
        check("../etc", Err("no registry"));
        check("a/../b", Err("no name"));
        check("redis:", Err("no tag"));
        check("redis:-x", Err("no tag"));
        check("redis@sha256:12", Err("no digest"));
        check("re dis", Err("no name"));
        check("a.b?c/d", Err("no registry"));
    }

    fn fits(recipe: &str, asked: &str) -> Option<u32> {
        Reference::read(recipe).unwrap().fits(&Reference::read(asked).unwrap())
    }

    #[test]
    fn a_recipe_fits_what_it_does_not_speak_of() {
        let digest = Digest::of(b"");
        assert!(fits("redis", "redis").is_some());
        assert!(fits("redis", "docker.io/library/redis:7").is_some());
        assert!(fits("redis", "mirror.example/redis:7").is_some());
        assert!(fits("redis", &format!("redis@{digest}")).is_some());
        assert!(fits("redis:latest", "redis").is_some());
        assert!(fits("redis:7", "redis:6").is_none());
        assert!(fits("redis:latest", &format!("redis@{digest}")).is_none());
        assert!(fits("docker.io/redis", "mirror.example/redis").is_none());
        assert!(fits("redis", "bitnami/redis").is_none());
        assert!(fits("redis:7", "redis:7") > fits("redis", "redis:7"));
        assert!(fits("docker.io/redis", "redis:7") > fits("redis", "redis:7"));
    }

    proptest! {
        #[test]
        fn what_is_shown_is_read_again(text in "[a-z0-9.:/@_-]{0,40}") {
            if let Ok(reference) = Reference::read(&text) {
                let again = Reference::read(&reference.to_string()).unwrap();
                prop_assert_eq!(reference.to_string(), again.to_string());
                prop_assert!(!reference.repository().split('/').any(|word| word == ".." || word.is_empty()));
            }
        }
    }
}
