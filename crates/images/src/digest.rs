//! Digests of what images are made of, and reading that proves them.

use std::fmt::{self, Write as _};
use std::io::{self, Read};
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// How many characters of a digest name a folder in the cache: enough that nobody meets another, and short
/// enough that many layers fit into the options of one mount.
const SHORT_CHARACTERS: usize = 40;

/// The SHA-256 of something, as `sha256:…`. Nothing else is accepted, so a digest is safe in a path.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct Digest {
    hex: String,
}

impl Digest {
    /// Returns the digest of these bytes.
    pub(crate) fn of(bytes: &[u8]) -> Self {
        Self::from_hash(Sha256::new_with_prefix(bytes))
    }

    fn from_hash(hash: Sha256) -> Self {
        let mut hex = String::with_capacity(64);
        for byte in hash.finalize() {
            // Writing to text cannot fail.
            let _ = write!(hex, "{byte:02x}");
        }
        Self { hex }
    }

    /// Returns the 64 digits.
    pub(crate) fn hex(&self) -> &str {
        &self.hex
    }

    /// Returns the name of what is kept in the cache under this digest.
    pub(crate) fn short(&self) -> &str {
        &self.hex[..SHORT_CHARACTERS]
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "sha256:{}", self.hex)
    }
}

impl FromStr for Digest {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let is_hex =
            |hex: &str| hex.len() == 64 && hex.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        match text.split_once(':') {
            Some(("sha256", hex)) if is_hex(hex) => Ok(Self { hex: hex.to_owned() }),
            Some(("sha512", _)) => Err("digests by SHA-512 are not read, only `sha256:…`".into()),
            _ => Err(format!("`{}` is no digest such as `sha256:…`", text.escape_debug())),
        }
    }
}

impl TryFrom<String> for Digest {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Digest> for String {
    fn from(digest: Digest) -> Self {
        digest.to_string()
    }
}

/// Counts and digests what is read through it.
pub(crate) struct Digesting<R> {
    inner: R,
    hash: Sha256,
    bytes: u64,
}

impl<R: Read> Digesting<R> {
    pub(crate) fn new(inner: R) -> Self {
        Self { inner, hash: Sha256::new(), bytes: 0 }
    }

    /// Returns what is read from.
    pub(crate) fn inner(&self) -> &R {
        &self.inner
    }

    /// Returns the digest of all that was read, and how much that was.
    pub(crate) fn finish(self) -> (Digest, u64) {
        (Digest::from_hash(self.hash), self.bytes)
    }
}

impl<R: Read> Read for Digesting<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.hash.update(&buffer[..count]);
        self.bytes += count as u64;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_sha256_digests_are_accepted() {
        let whole = Digest::of(b"");
        assert_eq!(
            whole.to_string(),
            "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        );
        assert_eq!(whole.to_string().parse(), Ok(whole));
        let long = format!("sha256:{}", "../".repeat(22));
        for wrong in ["", "sha256:", "sha256:abc", "md5:d41d8cd98f00b204e9800998ecf8427e", &long[..71]] {
            assert!(wrong.parse::<Digest>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_is_read_is_digested() {
        let mut reader = Digesting::new(&b"hello"[..]);
        io::copy(&mut reader, &mut io::sink()).unwrap();
        assert_eq!(reader.finish(), (Digest::of(b"hello"), 5));
    }
}
