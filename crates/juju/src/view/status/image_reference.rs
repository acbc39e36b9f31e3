//! How a workload's version is shown in a model on Kubernetes, where it may be an image.
//!
//! Juju reads every such version as a reference of an image. One without a registry is shown as it
//! is, one with a registry without it, and what is no reference at all is not shown.

use super::ELLIPSIS;

/// Shortens a version that names an image; others stay as they are.
pub(super) fn shown(version: &str) -> String {
    match read(version) {
        Reference::Invalid => ELLIPSIS.to_owned(),
        Reference::Familiar => version.to_owned(),
        Reference::Full { path, tag, digest } => {
            let mut text = path;
            if let Some(tag) = tag {
                text.push(':');
                text.push_str(&tag);
            }
            if let Some(digest) = digest {
                text.push('@');
                text.extend(digest.chars().take(7));
            }
            text
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Reference {
    Invalid,
    /// One that leaves out the registry.
    Familiar,
    Full {
        path: String,
        tag: Option<String>,
        digest: Option<String>,
    },
}

fn read(version: &str) -> Reference {
    if version.len() == 64 && version.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
        return Reference::Invalid;
    }
    let (domain, remainder) = match version.split_once('/') {
        Some((domain, rest)) if domain.contains(['.', ':']) || domain == "localhost" => (Some(domain), rest),
        Some(_) | None => (None, version),
    };
    let (rest, digest) = match remainder.split_once('@') {
        Some((rest, digest)) => (rest, Some(digest)),
        None => (remainder, None),
    };
    let (path, tag) = match rest.split_once(':') {
        Some((path, tag)) => (path, Some(tag)),
        None => (rest, None),
    };
    let is_valid = domain.is_none_or(is_domain)
        && path.split('/').all(is_path_component)
        && tag.is_none_or(is_tag)
        && digest.is_none_or(is_digest);
    if !is_valid {
        return Reference::Invalid;
    }
    // Only what names its registry, and all of its path, is written as its canonical form.
    let is_docker_hub = matches!(domain, Some("docker.io" | "index.docker.io"));
    let is_full =
        domain.is_some() && domain != Some("index.docker.io") && (!is_docker_hub || path.contains('/'));
    if !is_full {
        return Reference::Familiar;
    }
    Reference::Full {
        path: path.to_owned(),
        tag: tag.map(str::to_owned),
        digest: digest.and_then(|digest| digest.split_once(':')).map(|(_, hash)| hash.to_owned()),
    }
}

fn is_domain(domain: &str) -> bool {
    let (host, port) = match domain.split_once(':') {
        Some((host, port)) => (host, Some(port)),
        None => (domain, None),
    };
    let is_label = |label: &str| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    host.split('.').all(is_label)
        && port.is_none_or(|port| !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Lower-case words and numbers, between them `.`, `_`, `__` or any number of `-`.
fn is_path_component(component: &str) -> bool {
    let is_word = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let bytes = component.as_bytes();
    let ends_in_words =
        bytes.first().copied().is_some_and(is_word) && bytes.last().copied().is_some_and(is_word);
    ends_in_words
        && component
            .split(|character: char| character.is_ascii_lowercase() || character.is_ascii_digit())
            .all(|between| {
                matches!(between, "" | "." | "_" | "__") || between.bytes().all(|byte| byte == b'-')
            })
}

fn is_tag(tag: &str) -> bool {
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    (1..=128).contains(&tag.len())
        && tag.bytes().next().is_some_and(is_word)
        && tag.bytes().all(|byte| is_word(byte) || matches!(byte, b'.' | b'-'))
}

fn is_digest(digest: &str) -> bool {
    digest.split_once(':').is_some_and(|(algorithm, hash)| {
        algorithm.bytes().next().is_some_and(|byte| byte.is_ascii_alphabetic())
            && algorithm.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_+.".contains(&byte))
            && hash.len() >= 32
            && hash.bytes().all(|byte| byte.is_ascii_hexdigit())
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn registries_are_left_out_and_odd_versions_are_not_shown() {
        let check = |version: &str, expected: &str| assert_eq!(shown(version), expected, "{version}");
        check("16.4", "16.4");
        check("2.1.0", "2.1.0");
        check("user/image:tag", "user/image:tag");
        check("1:2.3", "1:2.3");
        check("docker.io/user/image:0.6", "user/image:0.6");
        check("docker.io/image", "docker.io/image");
        check(
            "localhost:5000/a/b@sha256:3046a3dc76ee23417f889675bce3a4c08f223b87d1e378eeea3e7490cd27fbc5",
            "a/b@3046a3d",
        );
        check("16.4 (Ubuntu)", "...");
        check("v1-Beta", "...");
        check("a--b__c.d", "a--b__c.d");
        check("a_.b", "...");
    }

    proptest! {
        #[test]
        fn any_version_can_be_shown(version in ".{0,24}") {
            prop_assert!(shown(&version).len() <= version.len().max(ELLIPSIS.len()));
        }
    }
}
