//! Where a repository is: a URL and a reference, both checked once.
//!
//! Everything that reaches git's command line passes through [`GitUrl`] or
//! [`Reference`], so a list row such as `--upload-pack=...` can never become an
//! option, and no URL can name a transport that runs a command (`ext::`).

use std::fmt;

use camino::Utf8PathBuf;
use sha2::{Digest as _, Sha256};
use thiserror::Error;

/// Why a text is not a URL we hand to git.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum UrlError {
    /// Nothing there.
    #[error("the URL is empty")]
    Empty,
    /// It would be read as an option.
    #[error("a URL or host cannot begin with `-`")]
    Dash,
    /// Line breaks, blanks and control characters.
    #[error("a URL cannot contain blanks or control characters")]
    Character,
    /// `ext::`, `fd::` and friends run commands.
    #[error("git transport helpers (`{0}::`) are not allowed")]
    Helper(String),
    /// A scheme git would not know, or that we do not want.
    #[error("unknown scheme `{0}`; use https, ssh, git, http or file")]
    Scheme(String),
    /// No scheme and no `user@host:path` form.
    #[error("not a URL that git can fetch")]
    NotUrl,
    /// No host or no path.
    #[error("the URL has no {0}")]
    Missing(&'static str),
    /// `.` or `..` in the path.
    #[error("the path of a URL cannot contain `.` or `..`")]
    Dots,
}

/// The URL of a git repository, known to be harmless on a command line.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GitUrl {
    raw: String,
    /// Host (`file` for local ones) and path parts, without `.git`.
    parts: Vec<String>,
    secret: Option<String>,
}

impl GitUrl {
    /// Parses the forms `https://`, `http://`, `ssh://`, `git://`, `file://`
    /// (each with an optional `git+` in front) and `user@host:path`.
    pub fn parse(text: &str) -> Result<Self, UrlError> {
        let text = text.strip_prefix("git+").unwrap_or(text);
        if text.is_empty() {
            return Err(UrlError::Empty);
        }
        if text.starts_with('-') {
            return Err(UrlError::Dash);
        }
        let local = text.starts_with("file://");
        if text.chars().any(|c| c.is_control() || (c.is_whitespace() && !(local && c == ' '))) {
            return Err(UrlError::Character);
        }
        if let Some((helper, _)) = text.split_once("::")
            && !helper.contains(['/', '[', ':', '@'])
        {
            return Err(UrlError::Helper(helper.to_owned()));
        }
        let (host, path, secret) = match text.split_once("://") {
            Some((scheme, rest)) => split_url(scheme, rest)?,
            None => split_scp(text)?,
        };
        let path = path.trim_end_matches('/');
        let path = path.strip_suffix(".git").unwrap_or(path);
        let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
        if parts.is_empty() {
            return Err(UrlError::Missing("path"));
        }
        if parts.iter().any(|part| matches!(*part, "." | "..")) {
            return Err(UrlError::Dots);
        }
        let parts = std::iter::once(host).chain(parts.into_iter().map(str::to_owned)).collect();
        Ok(Self { raw: text.to_owned(), parts, secret })
    }

    /// Returns the URL for git, credentials included. Never print it.
    pub fn as_str(&self) -> &str {
        &self.raw
    }

    /// Returns the host, or `file` for a local repository.
    pub fn host(&self) -> &str {
        &self.parts[0]
    }

    /// Returns `<host>/<owner>/<name>.git`, a relative path for the cache. Two
    /// transports to the same repository share it.
    pub fn key(&self) -> Utf8PathBuf {
        let last = self.parts.len() - 1;
        let mut key = Utf8PathBuf::new();
        for (index, part) in self.parts.iter().enumerate() {
            let mut name = file_name_for(part);
            if index == last {
                name.push_str(".git");
            } else if let Some(stem) = name.strip_suffix(".git") {
                name = format!("{stem}%2Egit");
            }
            key.push(name);
        }
        key
    }

    /// Returns `owner/name`, or `name` alone where there is no owner.
    pub fn label(&self) -> String {
        let from = self.parts.len().saturating_sub(2).max(1);
        self.parts[from..].join("/")
    }

    /// Returns `text` with this URL's password replaced.
    pub fn redact(&self, text: &str) -> String {
        match &self.secret {
            Some(secret) if !secret.is_empty() => text.replace(secret.as_str(), "***"),
            _ => text.to_owned(),
        }
    }
}

impl fmt::Display for GitUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.redact(&self.raw))
    }
}

impl fmt::Debug for GitUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "GitUrl({self})")
    }
}

type Split<'a> = (String, &'a str, Option<String>);

fn split_url<'a>(scheme: &str, rest: &'a str) -> Result<Split<'a>, UrlError> {
    match scheme {
        "file" => {
            return if rest.starts_with('/') {
                Ok(("file".to_owned(), rest, None))
            } else {
                Err(UrlError::Missing("absolute path"))
            };
        }
        "https" | "http" | "ssh" | "git" => {}
        other => return Err(UrlError::Scheme(other.to_owned())),
    }
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    let (user, host) = authority.rsplit_once('@').unwrap_or(("", authority));
    // A token is given as `https://token@host/` too; an ssh user is no secret.
    let secret = match user.split_once(':') {
        Some((_, password)) => Some(password.to_owned()),
        None if scheme != "ssh" && !user.is_empty() => Some(user.to_owned()),
        None => None,
    };
    if host.is_empty() {
        return Err(UrlError::Missing("host"));
    }
    if host.starts_with('-') || user.starts_with('-') {
        return Err(UrlError::Dash);
    }
    Ok((host.to_lowercase().replace(':', "+"), path, secret))
}

fn split_scp(text: &str) -> Result<Split<'_>, UrlError> {
    let Some((authority, path)) = text.split_once(':') else {
        return Err(UrlError::NotUrl);
    };
    if authority.contains('/') || authority.is_empty() {
        return Err(UrlError::NotUrl);
    }
    let (user, host) = authority.rsplit_once('@').unwrap_or(("", authority));
    if host.is_empty() {
        return Err(UrlError::Missing("host"));
    }
    if host.starts_with('-') || user.starts_with('-') || path.starts_with('-') {
        return Err(UrlError::Dash);
    }
    Ok((host.to_lowercase(), path, None))
}

/// Returns `part` as a file name: ordinary characters stay, others become
/// `%XX`, and a name too long for a file system ends in its digest.
fn file_name_for(part: &str) -> String {
    let mut name = String::with_capacity(part.len());
    for (index, byte) in part.bytes().enumerate() {
        match byte {
            b'.' if index == 0 => name.push_str("%2E"),
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'_' | b'-' | b'+' | b'~' => {
                name.push(char::from(byte));
            }
            other => {
                name.push('%');
                name.push_str(&hex(&[other]).to_uppercase());
            }
        }
    }
    if name.len() > 180 {
        let digest = hex(&Sha256::digest(part.as_bytes()));
        name.truncate(140);
        name.push('%');
        name.push_str(&digest[..32]);
    }
    name
}

/// Returns bytes as lower-case hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut out = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        out.push(char::from(DIGITS[usize::from(byte >> 4)]));
        out.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
    out
}

/// Why a text is not a reference.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ReferenceError {
    /// Against the rules of `git check-ref-format`, or option-like.
    #[error("`{0}` cannot be a branch, tag or commit")]
    Invalid(String),
    /// Abbreviated, or not hexadecimal.
    #[error("`{0}` is not a full commit id (40 or 64 hexadecimal digits)")]
    NotCommit(String),
}

/// What to take of a repository: a branch, a tag, a full ref, a commit.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Reference(String);

impl Reference {
    /// Returns the remote's default branch.
    pub fn head() -> Self {
        Self("HEAD".to_owned())
    }

    /// Parses a branch, tag, full ref (`refs/pull/12/head`) or commit id.
    pub fn parse(text: &str) -> Result<Self, ReferenceError> {
        let bad = text.is_empty()
            || text == "@"
            || text.len() > 250
            || text.starts_with(['-', '/', '+'])
            || text.ends_with(['/', '.'])
            || text.contains("..")
            || text.contains("//")
            || text.contains("@{")
            || text
                .chars()
                .any(|c| c.is_control() || c.is_whitespace() || "~^:?*[\\".contains(c) || c == '\u{7f}')
            || text.split('/').any(|part| part.starts_with('.') || part.to_lowercase().ends_with(".lock"));
        if bad { Err(ReferenceError::Invalid(text.to_owned())) } else { Ok(Self(text.to_owned())) }
    }

    /// Parses the name of a branch, which is never mistaken for a tag.
    pub fn branch(text: &str) -> Result<Self, ReferenceError> {
        Self::parse(text)?;
        Self::parse(&format!("refs/heads/{text}"))
    }

    /// Parses a full commit id.
    pub fn commit(text: &str) -> Result<Self, ReferenceError> {
        let text = text.to_lowercase();
        if is_commit_id(&text) { Ok(Self(text)) } else { Err(ReferenceError::NotCommit(text)) }
    }

    /// Returns the name for git.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the commit id if it is one.
    pub fn commit_id(&self) -> Option<&str> {
        is_commit_id(&self.0).then_some(self.0.as_str())
    }

    /// Returns whether it is the remote's default branch.
    pub fn is_head(&self) -> bool {
        self.0 == "HEAD"
    }

    /// Returns the ref a mirror keeps it under. Slashes are encoded, so a
    /// branch `a` that becomes `a/b` upstream never collides with itself.
    pub(crate) fn local(&self) -> String {
        let flat = self.0.replace('%', "%25").replace('/', "%2F");
        format!("refs/charmproof/{flat}")
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.strip_prefix("refs/heads/").unwrap_or(&self.0))
    }
}

fn is_commit_id(text: &str) -> bool {
    matches!(text.len(), 40 | 64) && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// A repository and what to take of it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GitRef {
    /// The repository.
    pub url: GitUrl,
    /// The branch, tag or commit.
    pub reference: Reference,
}

impl fmt::Display for GitRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.reference.is_head() {
            write!(f, "{}", self.url)
        } else {
            write!(f, "{}@{}", self.url, self.reference)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(url: &str) -> String {
        GitUrl::parse(url).expect(url).key().into_string()
    }

    #[test]
    fn keys_name_host_owner_and_name() {
        for (url, expected) in [
            ("https://github.com/canonical/kafka-operator", "github.com/canonical/kafka-operator.git"),
            ("https://github.com/benhoyt/test-charms/", "github.com/benhoyt/test-charms.git"),
            ("git@GitHub.com:canonical/a.git", "github.com/canonical/a.git"),
            ("ssh://git@example.org:22/x/y.git", "example.org+22/x/y.git"),
            (
                "https://git.launchpad.net/~me/+git/a b".trim_end_matches(" b"),
                "git.launchpad.net/~me/+git/a.git",
            ),
            ("file:///tmp/a:b/.hidden", "file/tmp/a%3Ab/%2Ehidden.git"),
            ("https://host/a.git/b", "host/a%2Egit/b.git"),
            ("git+https://host/a", "host/a.git"),
        ] {
            assert_eq!(key(url), expected, "{url}");
        }
    }

    #[test]
    fn hostile_urls_are_refused() {
        for url in [
            "",
            "-",
            "--upload-pack=touch /tmp/x",
            "ext::sh -c 'x'",
            "fd::17",
            "https://-oProxyCommand=x/y",
            "ssh://-oProxyCommand=x/y",
            "-x@host:path",
            "git@host:--upload-pack=x",
            "https://host/a/../../b",
            "https://host/a\nb",
            "https://host/",
            "https:///x",
            "kafka-operator",
            "./kafka",
            "ftp://host/x",
            "file://relative",
            "host:..",
            "ext::x@y",
            "javascript://a/b",
        ] {
            assert!(GitUrl::parse(url).is_err(), "{url:?}");
        }
    }

    #[test]
    fn passwords_are_never_shown() {
        let url = GitUrl::parse("https://me:s3cret@host/a/b").expect("valid");
        assert_eq!(url.to_string(), "https://me:***@host/a/b");
        assert!(!format!("{url:?}").contains("s3cret"));
        assert!(!url.key().as_str().contains("s3cret"));
        let token = GitUrl::parse("https://ghp_abc@host/a/b").expect("valid");
        assert!(!token.to_string().contains("ghp_abc"));
    }

    #[test]
    fn hostile_references_are_refused() {
        for name in [
            "",
            "-x",
            "--upload-pack=x",
            "a..b",
            "a b",
            "a\nb",
            "a:b",
            "+a",
            "a^",
            "a~1",
            "a*",
            "a.lock",
            ".a",
            "a/.b",
            "a//b",
            "/a",
            "a/",
            "@",
            "a@{1}",
            "a\\b",
            "[a]",
        ] {
            assert!(Reference::parse(name).is_err(), "{name:?}");
        }
        assert!(Reference::branch("-x").is_err());
        assert!(Reference::commit("abc1234").is_err());
        assert_eq!(Reference::branch("x/y").expect("valid").local(), "refs/charmproof/refs%2Fheads%2Fx%2Fy");
    }
}
