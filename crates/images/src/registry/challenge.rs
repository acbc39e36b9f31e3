//! What a registry wants to see before it answers. Pure.

/// How to prove who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Challenge {
    /// With a name and a password.
    Basic,
    /// With a token, which is to be had at `realm`.
    Bearer { realm: String, service: Option<String>, scope: Option<String> },
}

impl Challenge {
    /// Reads the value of a `WWW-Authenticate` header; none where it says nothing that is understood.
    pub(super) fn read(text: &str) -> Option<Self> {
        let (scheme, rest) = text.trim().split_once(' ').unwrap_or((text.trim(), ""));
        if scheme.eq_ignore_ascii_case("basic") {
            return Some(Self::Basic);
        }
        if !scheme.eq_ignore_ascii_case("bearer") {
            return None;
        }
        let (mut realm, mut service, mut scope) = (None, None, None);
        let mut rest = rest;
        while let Some((key, after)) = rest.split_once('=') {
            let (value, after) = match after.strip_prefix('"') {
                Some(quoted) => quoted.split_once('"')?,
                None => after.split_once(',').unwrap_or((after, "")),
            };
            let value = value.trim();
            match key.trim_matches([' ', ',']).to_ascii_lowercase().as_str() {
                "realm" => realm = Some(value.to_owned()),
                "service" => service = Some(value.to_owned()),
                "scope" => scope = Some(value.to_owned()),
                _ => {}
            }
            rest = after;
        }
        let is_url = |realm: &String| realm.starts_with("https://") || realm.starts_with("http://");
        Some(Self::Bearer { realm: realm.filter(is_url)?, service, scope })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(text: &str, expected: Option<(&str, Option<&str>, Option<&str>)>) {
        let expected = expected.map(|(realm, service, scope)| Challenge::Bearer {
            realm: realm.to_owned(),
            service: service.map(str::to_owned),
            scope: scope.map(str::to_owned),
        });
        assert_eq!(Challenge::read(text), expected, "{text}");
    }

    #[test]
    fn challenges_are_read() {
        check(
            r#"Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:a/b:pull,push""#,
            Some((
                "https://auth.docker.io/token",
                Some("registry.docker.io"),
                Some("repository:a/b:pull,push"),
            )),
        );
        check("bearer Realm=http://127.0.0.1/t , service=x", Some(("http://127.0.0.1/t", Some("x"), None)));
        check(r#"Bearer realm="file:///etc/passwd""#, None);
        check(r#"Bearer realm="https://x"#, None);
        check("Bearer", None);
        check("Negotiate", None);
        assert_eq!(Challenge::read("Basic realm=\"r\""), Some(Challenge::Basic));
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "(Bearer )?[a-z=\", :/]{0,40}") {
            if let Some(Challenge::Bearer { realm, .. }) = Challenge::read(&text) {
                prop_assert!(realm.starts_with("http"));
            }
        }
    }
}
