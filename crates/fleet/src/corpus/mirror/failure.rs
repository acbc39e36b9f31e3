//! Why a remote could not be read, told from what git says.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::corpus::git::{GitError, summary};
use crate::corpus::location::GitUrl;

/// Whose fault it is and what to do about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FailureKind {
    /// There is no such repository.
    NotFound,
    /// The repository has no such branch, tag or commit.
    NoSuchReference,
    /// It wants a password or key. GitHub also says this of repositories that
    /// do not exist.
    Auth,
    /// No connection, or it broke. Worth another try.
    Network,
    /// It took too long.
    Timeout,
    /// No space, or no permission to write here.
    Disk,
    /// The mirror is damaged. Made anew on the next fetch.
    Corrupt,
    /// Somebody stopped it.
    Cancelled,
    /// git is missing, or said something not known here.
    Other,
}

impl FailureKind {
    /// Returns the name used in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotFound => "not-found",
            Self::NoSuchReference => "no-such-reference",
            Self::Auth => "auth",
            Self::Network => "network",
            Self::Timeout => "timeout",
            Self::Disk => "disk",
            Self::Corrupt => "corrupt",
            Self::Cancelled => "cancelled",
            Self::Other => "other",
        }
    }

    /// Returns whether trying again may help.
    pub fn is_transient(self) -> bool {
        matches!(self, Self::Network | Self::Timeout)
    }
}

/// A failure to read a remote.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// What kind it is.
    pub kind: FailureKind,
    /// One line for people, without credentials.
    pub message: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.message, self.kind.as_str())
    }
}

impl Failure {
    pub(crate) fn new(kind: FailureKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into() }
    }

    pub(crate) fn cancelled() -> Self {
        Self::new(FailureKind::Cancelled, "stopped before it was done")
    }

    /// Returns the failure behind an error of git about `url`.
    pub(crate) fn from_git(error: &GitError, url: &GitUrl) -> Self {
        match error {
            GitError::Failed { stderr, .. } => Self::new(classify(stderr), url.redact(&summary(stderr))),
            GitError::TimedOut { after, .. } => {
                Self::new(FailureKind::Timeout, format!("no result after {} s", after.as_secs()))
            }
            GitError::Cancelled { .. } => Self::cancelled(),
            GitError::Start { source, .. } => {
                Self::new(FailureKind::Other, format!("failed to run git: {source}"))
            }
            GitError::TooMuchOutput { .. } => Self::new(FailureKind::Other, error.to_string()),
        }
    }

    pub(crate) fn from_io(error: &std::io::Error) -> Self {
        Self::new(FailureKind::Disk, error.to_string())
    }
}

/// The first row with a text that occurs in git's messages decides. Texts are
/// those of git 2.30 to 2.50 and of OpenSSH, with `LC_ALL=C`, in lower case.
const SIGNS: &[(FailureKind, &[&str])] = &[
    (FailureKind::Disk, &["no space left on device", "disk quota exceeded", "read-only file system"]),
    (
        FailureKind::NoSuchReference,
        &[
            "couldn't find remote ref",
            "no such remote ref",
            "not our ref",
            "does not allow request for unadvertised object",
        ],
    ),
    (
        FailureKind::Network,
        &["connect tunnel failed", "proxy connect aborted", "received http code 407 from proxy"],
    ),
    (
        FailureKind::Auth,
        &[
            "authentication failed",
            "could not read username",
            "could not read password",
            "terminal prompts disabled",
            "permission denied (",
            "host key verification failed",
            "returned error: 401",
            "returned error: 403",
            "access denied",
            "invalid credentials",
        ],
    ),
    (
        FailureKind::NotFound,
        &[
            "repository not found",
            "does not appear to be a git repository",
            "returned error: 404",
            "returned error: 410",
            "no such file or directory",
            "no such repository",
            "project not found",
        ],
    ),
    (
        FailureKind::Network,
        &[
            "could not resolve",
            "couldn't resolve",
            "name or service not known",
            "temporary failure in name resolution",
            "connection refused",
            "connection timed out",
            "connection reset",
            "connection closed",
            "connection was",
            "failed to connect",
            "couldn't connect",
            "network is unreachable",
            "no route to host",
            "operation timed out",
            "operation too slow",
            "timed out",
            "early eof",
            "rpc failed",
            "remote end hung up",
            "unexpected disconnect",
            "the requested url returned error: 5",
            "the requested url returned error: 429",
            "ssl",
            "gnutls",
            "certificate",
            "curl",
            "error in the http2 framing",
        ],
    ),
    (
        FailureKind::Corrupt,
        &[
            "not a git repository",
            "is corrupt",
            "bad object",
            "object file",
            "unable to read tree",
            "unable to read sha1",
            "unable to find",
            "missing blob",
            "missing tree",
            "did not send all necessary objects",
            "invalid index-pack output",
            "packfile",
            "bad config",
            "broken ref",
            "invalid sha1",
            "mismatched algorithms",
            "unresolved deltas",
            "shallow file has changed",
            "bad shallow line",
        ],
    ),
    (FailureKind::NotFound, &["' not found", "does not exist"]),
    (FailureKind::Network, &["unable to access"]),
    (FailureKind::Disk, &["permission denied", "unable to create", "cannot mkdir"]),
];

fn classify(stderr: &str) -> FailureKind {
    let text = stderr.to_lowercase();
    SIGNS
        .iter()
        .find(|(_, signs)| signs.iter().any(|sign| text.contains(sign)))
        .map_or(FailureKind::Other, |(kind, _)| *kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn git_messages_are_told_apart() {
        for (stderr, expected) in [
            (
                "remote: Repository not found.\nfatal: repository 'https://github.com/a/b/' not found",
                FailureKind::NotFound,
            ),
            (
                "fatal: '/tmp/x' does not appear to be a git repository\nfatal: Could not read from remote repository.",
                FailureKind::NotFound,
            ),
            ("fatal: couldn't find remote ref refs/heads/nope", FailureKind::NoSuchReference),
            ("fatal: remote error: upload-pack: not our ref 1234", FailureKind::NoSuchReference),
            (
                "fatal: could not read Username for 'https://github.com': terminal prompts disabled",
                FailureKind::Auth,
            ),
            (
                "git@github.com: Permission denied (publickey).\nfatal: Could not read from remote repository.",
                FailureKind::Auth,
            ),
            (
                "fatal: unable to access 'https://nowhere.invalid/a/': Could not resolve host: nowhere.invalid",
                FailureKind::Network,
            ),
            (
                "fatal: unable to access 'https://h/a/': CONNECT tunnel failed, response 403",
                FailureKind::Network,
            ),
            ("error: RPC failed; curl 56 GnuTLS recv error\nfatal: early EOF", FailureKind::Network),
            (
                "fatal: unable to access 'https://h/a/': The requested URL returned error: 503",
                FailureKind::Network,
            ),
            ("ssh: connect to host h port 22: Connection refused", FailureKind::Network),
            ("fatal: write error: No space left on device", FailureKind::Disk),
            ("fatal: not a git repository: '.'", FailureKind::Corrupt),
            ("error: object file objects/ab/cd is empty", FailureKind::Corrupt),
            ("fatal: something new", FailureKind::Other),
        ] {
            assert_eq!(classify(stderr), expected, "{stderr}");
        }
    }
}
