//! Remembers the digests of files that have not changed since.
//!
//! One small file per checkout, keyed by path, size, both times and inode. A
//! file touched in the last seconds before it was read is not remembered: it
//! could change again within the clock's grain.

use std::collections::HashMap;
use std::io::Write as _;
use std::os::unix::fs::MetadataExt as _;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use camino::{Utf8Path, Utf8PathBuf};
use sha2::{Digest as _, Sha256};

use crate::corpus::location::hex;

const HEAD: &str = "charmproof digests 1";

/// What the disk says about a file without reading it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Stamp {
    size: u64,
    mtime_ns: i128,
    ctime_ns: i128,
    inode: u64,
}

impl Stamp {
    pub(super) fn of(meta: &std::fs::Metadata) -> Self {
        let nanoseconds = |s: i64, ns: i64| i128::from(s) * 1_000_000_000 + i128::from(ns);
        Self {
            size: meta.len(),
            mtime_ns: nanoseconds(meta.mtime(), meta.mtime_nsec()),
            ctime_ns: nanoseconds(meta.ctime(), meta.ctime_nsec()),
            inode: meta.ino(),
        }
    }

    fn newest_ns(&self) -> i128 {
        self.mtime_ns.max(self.ctime_ns)
    }
}

/// The remembered digests of one checkout.
#[derive(Debug)]
pub(super) struct DigestCache {
    path: Option<Utf8PathBuf>,
    known: HashMap<String, (Stamp, String)>,
    /// Files changed after this are not remembered.
    settled_before_ns: i128,
}

impl DigestCache {
    /// Opens the cache for the checkout `root`; without a directory, an empty
    /// one that is never written. Files must have been left alone for `settled`.
    pub(super) fn open(cache_dir: Option<&Utf8Path>, root: &Utf8Path, settled: Duration) -> Self {
        let path = cache_dir.map(|dir| {
            let name = hex(&Sha256::digest(root.as_str().as_bytes()));
            dir.join("digests").join(&name[..32])
        });
        let known = path
            .as_ref()
            .and_then(|path| fs_err::read_to_string(path).ok())
            .and_then(|text| parse(&text))
            .unwrap_or_default();
        let before = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().saturating_sub(settled);
        Self { path, known, settled_before_ns: before.as_nanos().cast_signed() }
    }

    pub(super) fn get(&self, path: &Utf8Path, stamp: &Stamp) -> Option<&str> {
        self.known.get(path.as_str()).filter(|(known, _)| known == stamp).map(|(_, digest)| digest.as_str())
    }

    /// Replaces the cache by `files`, if that changes anything. A cache that
    /// cannot be written only costs time.
    pub(super) fn store<'f>(&self, files: impl Iterator<Item = (&'f Utf8Path, &'f Stamp, &'f str)> + Clone) {
        let Some(path) = &self.path else {
            return;
        };
        let settled = files.filter(|(_, stamp, _)| stamp.newest_ns() < self.settled_before_ns);
        let mut count = 0;
        let same = settled.clone().all(|(path, stamp, _)| {
            count += 1;
            self.get(path, stamp).is_some()
        });
        if same && count == self.known.len() {
            return;
        }
        let mut text = format!("{HEAD}\0").into_bytes();
        for (path, stamp, digest) in settled {
            let _ = write!(
                text,
                "{} {} {} {} {digest} {path}\0",
                stamp.size, stamp.mtime_ns, stamp.ctime_ns, stamp.inode
            );
        }
        let _ = write_whole(path, &text);
    }
}

fn write_whole(path: &Utf8Path, text: &[u8]) -> std::io::Result<()> {
    let dir = path.parent().unwrap_or(Utf8Path::new("."));
    fs_err::create_dir_all(dir)?;
    let thread = format!("{:?}", std::thread::current().id());
    let thread: String = thread.chars().filter(char::is_ascii_digit).collect();
    let partial = Utf8PathBuf::from(format!("{path}.{}-{thread}", std::process::id()));
    fs_err::write(&partial, text)?;
    fs_err::rename(&partial, path)
}

fn parse(text: &str) -> Option<HashMap<String, (Stamp, String)>> {
    let mut records = text.split_terminator('\0');
    if records.next() != Some(HEAD) {
        return None;
    }
    records
        .map(|record| {
            let mut words = record.splitn(6, ' ');
            let stamp = Stamp {
                size: words.next()?.parse().ok()?,
                mtime_ns: words.next()?.parse().ok()?,
                ctime_ns: words.next()?.parse().ok()?,
                inode: words.next()?.parse().ok()?,
            };
            let digest = words.next()?.to_owned();
            Some((words.next()?.to_owned(), (stamp, digest)))
        })
        .collect()
}
