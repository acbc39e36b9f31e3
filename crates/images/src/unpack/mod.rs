//! Unpacks archives of strangers into folders of ours.
//!
//! An archive can name any path, follow any link and claim any size. Three things hold whatever it says:
//! names that are absolute or go up are refused as text ([`path`]); the kernel resolves what is left without
//! following a link and without leaving the folder ([`tree`]); and what is read and written is counted.

mod path;
mod tree;

use std::io::{self, BufRead, BufReader, Read};

use camino::Utf8Path;
use flate2::bufread::MultiGzDecoder;
use tar::{Archive, EntryType, PaxExtensions};

use crate::cache::Rights;
use crate::digest::{Digest, Digesting};

pub(crate) use path::EntryPath;
use tree::{Facts, Tree};

/// The most that a long name or a set of attributes may take.
const EXTENSION_BYTES_MAX: u64 = 1 << 20;

/// How much an archive may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of one layer or archive, when it is not compressed any more.
    pub bytes: u64,
    /// Files, folders and links of one layer or archive.
    pub entries: u64,
    /// Layers of one image.
    pub layers: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { bytes: 32 << 30, entries: 2_000_000, layers: 127 }
    }
}

/// Why an archive was not unpacked.
#[derive(Debug, thiserror::Error)]
pub enum UnpackError {
    /// It cannot be read as what it claims to be.
    #[error("it is damaged, or no archive: {why}")]
    Damaged {
        /// What is wrong.
        why: String,
    },
    /// One of its names is not accepted.
    #[error("its entry `{name}` is refused: {why}")]
    Refused {
        /// The name, made printable.
        name: String,
        /// Why.
        why: String,
    },
    /// It holds more than it may.
    #[error("it holds more than {most} {what}, which is more than any image that is used")]
    TooMuch {
        /// `bytes` or `entries`.
        what: &'static str,
        /// The limit.
        most: u64,
    },
    /// It is not what its digest says.
    #[error("its content has the digest {found}, and should have {expected}")]
    Digest {
        /// The one that it has.
        found: String,
        /// The one that the image names.
        expected: String,
    },
    /// The files could not be written.
    #[error("its files could not be written")]
    Disk(#[from] io::Error),
}

/// What an archive is unpacked as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A layer of an image, whose `.wh.` names hide what lies below.
    Layer,
    /// A whole tree.
    Tree,
    /// A package for a system whose `/bin`, `/lib` and so on are links into `/usr`.
    Package,
}

/// Unpacks an archive, compressed or not, into an empty folder. Returns the digest of the plain archive.
pub(crate) fn unpack(
    source: impl Read,
    folder: &Utf8Path,
    kind: Kind,
    rights: Rights,
    limits: Limits,
) -> Result<Digest, UnpackError> {
    let bounded = Bounded { inner: decode(source)?, left: limits.bytes, is_over: false };
    let mut plain = Digesting::new(bounded);
    let outcome = entries(&mut plain, folder, kind, rights, limits);
    let outcome = outcome.and_then(|()| {
        // What follows the end of the archive belongs to its digest.
        io::copy(&mut plain, &mut io::sink()).map_err(damaged)?;
        Ok(())
    });
    if plain.inner().is_over {
        return Err(UnpackError::TooMuch { what: "bytes", most: limits.bytes });
    }
    outcome?;
    Ok(plain.finish().0)
}

/// Finds out how the archive is compressed.
pub(crate) fn decode<'a>(source: impl Read + 'a) -> Result<Box<dyn Read + 'a>, UnpackError> {
    let mut source = BufReader::with_capacity(1 << 16, source);
    let start = source.fill_buf().map_err(damaged)?;
    Ok(match start {
        [0x1f, 0x8b, ..] => Box::new(MultiGzDecoder::new(source)),
        [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => {
            Box::new(zstd::Decoder::with_buffer(source).map_err(damaged)?)
        }
        [0xfd, b'7', b'z', b'X', b'Z', ..] => {
            return Err(UnpackError::Damaged {
                why: "it is compressed with xz, which is not read; compress it with zstd or gzip".into(),
            });
        }
        _ => Box::new(source),
    })
}

#[expect(clippy::needless_pass_by_value, reason = "as `map_err` hands it on")]
fn damaged(error: io::Error) -> UnpackError {
    UnpackError::Damaged { why: error.to_string() }
}

/// What the entries before one said about it.
#[derive(Default)]
struct Announced {
    name: Option<Vec<u8>>,
    link: Option<Vec<u8>>,
    user: Option<u64>,
    group: Option<u64>,
    time: Option<i64>,
    attributes: Vec<(String, Vec<u8>)>,
}

fn entries(
    source: impl Read,
    folder: &Utf8Path,
    kind: Kind,
    rights: Rights,
    limits: Limits,
) -> Result<(), UnpackError> {
    let mut tree = Tree::open(folder, rights)?;
    let mut archive = Archive::new(source);
    let mut announced = Announced::default();
    let mut count = 0;
    // Raw, for the library reads names of any length into memory.
    for entry in archive.entries().map_err(damaged)?.raw(true) {
        let mut entry = entry.map_err(damaged)?;
        count += 1;
        if count > limits.entries {
            return Err(UnpackError::TooMuch { what: "entries", most: limits.entries });
        }
        let header = entry.header().clone();
        let size = header.entry_size().map_err(damaged)?;
        if size > limits.bytes {
            return Err(UnpackError::TooMuch { what: "bytes", most: limits.bytes });
        }
        match header.entry_type() {
            EntryType::GNULongName => announced.name = Some(long_name(&mut entry, size)?),
            EntryType::GNULongLink => announced.link = Some(long_name(&mut entry, size)?),
            EntryType::XHeader => extensions(&bytes(&mut entry, size)?, size, &mut announced)?,
            EntryType::XGlobalHeader => {}
            other => {
                let said = std::mem::take(&mut announced);
                let name = said.name.unwrap_or_else(|| header.path_bytes().into_owned());
                let refuse = |why: &str| UnpackError::Refused { name: shown(&name), why: why.to_owned() };
                let path = match EntryPath::read(&name) {
                    Ok(path) => path,
                    Err(refusal) => return Err(refuse(refusal.why())),
                };
                let path = if kind == Kind::Package { path.into_usr() } else { path };
                let number = |said: Option<u64>, header: io::Result<u64>| {
                    said.map_or(header, Ok).ok().and_then(|id| u32::try_from(id).ok())
                };
                let facts = Facts {
                    mode: header.mode().map_err(damaged)? & 0o7777,
                    user: number(said.user, header.uid()).ok_or_else(|| refuse("its owner is no number"))?,
                    group: number(said.group, header.gid())
                        .ok_or_else(|| refuse("its group is no number"))?,
                    time: said.time.unwrap_or_else(|| header.mtime().unwrap_or(0).cast_signed()),
                    attributes: said.attributes,
                };
                let link = said.link.or_else(|| header.link_name_bytes().map(std::borrow::Cow::into_owned));
                let mut entry = entry.take(size);
                one(&mut tree, kind, other, &path, link.as_deref(), &facts, &mut entry)
                    .map_err(|problem| problem.of(&name))?;
                if other.is_file() && entry.limit() != 0 {
                    return Err(UnpackError::Damaged { why: "it ends in the middle of a file".into() });
                }
            }
        }
    }
    Ok(tree.finish()?)
}

/// Why one entry was not unpacked.
enum Problem {
    Refused(&'static str),
    Disk(io::Error),
    Source(io::Error),
}

impl Problem {
    fn of(self, name: &[u8]) -> UnpackError {
        match self {
            Self::Refused(why) => UnpackError::Refused { name: shown(name), why: why.to_owned() },
            Self::Source(error) => damaged(error),
            Self::Disk(error) => match error.raw_os_error().map(rustix::io::Errno::from_raw_os_error) {
                Some(rustix::io::Errno::LOOP | rustix::io::Errno::NOTDIR) => UnpackError::Refused {
                    name: shown(name),
                    why: "something before it on its path is a link or a file".into(),
                },
                Some(rustix::io::Errno::XDEV) => {
                    UnpackError::Refused { name: shown(name), why: "it leaves the root".into() }
                }
                Some(_) | None => {
                    UnpackError::Disk(io::Error::new(error.kind(), format!("`{}`: {error}", shown(name))))
                }
            },
        }
    }
}

impl From<io::Error> for Problem {
    fn from(error: io::Error) -> Self {
        Self::Disk(error)
    }
}

fn one(
    tree: &mut Tree,
    kind: Kind,
    entry_type: EntryType,
    path: &EntryPath,
    link: Option<&[u8]>,
    facts: &Facts,
    content: &mut impl Read,
) -> Result<(), Problem> {
    if path.is_root() {
        return match entry_type {
            EntryType::Directory => {
                tree.root_facts(facts);
                Ok(())
            }
            _ => Err(Problem::Refused("the root is no folder")),
        };
    }
    if kind == Kind::Layer {
        if path.is_below_whiteout() {
            return Err(Problem::Refused("it lies below a mark that hides something"));
        }
        if let Some(hidden) = path.whiteout() {
            return match hidden {
                path::Hidden::AllOf(folder) => Ok(tree.hide_all(&folder)?),
                path::Hidden::One(path) => Ok(tree.hide(&path)?),
                path::Hidden::Nothing => Ok(()),
            };
        }
    }
    match entry_type {
        EntryType::Directory => Ok(tree.folder(path, facts)?),
        EntryType::Regular | EntryType::Continuous => tree.file(path, facts, content),
        EntryType::Symlink => match link {
            Some(target) if !target.is_empty() && !target.contains(&0) && target.len() < 4096 => {
                Ok(tree.symlink(path, target, facts)?)
            }
            Some(_) | None => Err(Problem::Refused("its link leads nowhere")),
        },
        EntryType::Link => {
            let target = EntryPath::read(link.unwrap_or_default())
                .map_err(|refusal| Problem::Refused(refusal.why_of_link()))?;
            let target = if kind == Kind::Package { target.into_usr() } else { target };
            if target.is_root() {
                return Err(Problem::Refused("it is a link to the root"));
            }
            tree.link(path, &target).map_err(|error| match error.kind() {
                io::ErrorKind::NotFound => {
                    Problem::Refused("what it is a link to is not in the same archive")
                }
                _ => Problem::Disk(error),
            })
        }
        EntryType::Fifo => Ok(tree.fifo(path, facts)?),
        // Whatever runs in the root brings its own devices there.
        EntryType::Char | EntryType::Block if path.is_below_dev() => Ok(()),
        EntryType::Char | EntryType::Block => Err(Problem::Refused("it is a device")),
        EntryType::GNUSparse => Err(Problem::Refused("it is sparse; make the archive without `--sparse`")),
        _ => Err(Problem::Refused("nothing of its kind belongs into a root")),
    }
}

fn bytes(entry: &mut impl Read, size: u64) -> Result<Vec<u8>, UnpackError> {
    if size > EXTENSION_BYTES_MAX {
        return Err(UnpackError::Damaged { why: format!("a name or attribute in it has {size} bytes") });
    }
    let mut content = Vec::new();
    entry.take(size).read_to_end(&mut content).map_err(damaged)?;
    Ok(content)
}

fn long_name(entry: &mut impl Read, size: u64) -> Result<Vec<u8>, UnpackError> {
    let mut name = bytes(entry, size)?;
    while name.last() == Some(&0) {
        name.pop();
    }
    Ok(name)
}

fn extensions(content: &[u8], size: u64, announced: &mut Announced) -> Result<(), UnpackError> {
    for extension in PaxExtensions::new(content) {
        let extension = extension.map_err(damaged)?;
        let value = extension.value_bytes();
        let number = || std::str::from_utf8(value).ok().and_then(|text| text.parse::<u64>().ok());
        match extension.key().unwrap_or_default() {
            "path" => announced.name = Some(value.to_vec()),
            "linkpath" => announced.link = Some(value.to_vec()),
            "uid" => announced.user = number(),
            "gid" => announced.group = number(),
            "mtime" => {
                let text = std::str::from_utf8(value).unwrap_or_default();
                announced.time = text.split('.').next().and_then(|seconds| seconds.parse().ok());
            }
            "size" if number() != Some(size) && number().is_none_or(|size| size >= 1 << 33) => {
                return Err(UnpackError::Damaged { why: "a file in it is larger than 8 GiB".into() });
            }
            key if key.starts_with("GNU.sparse.") => {
                return Err(UnpackError::Damaged {
                    why: "files in it are sparse; make the archive without `--sparse`".into(),
                });
            }
            key => {
                if let Some(name) = key.strip_prefix("SCHILY.xattr.") {
                    announced.attributes.push((name.to_owned(), value.to_vec()));
                }
            }
        }
    }
    Ok(())
}

fn shown(name: &[u8]) -> String {
    let text = String::from_utf8_lossy(name);
    let text: String = text.chars().take(200).collect();
    text.escape_debug().to_string()
}

/// Ends with an error where more is read than may be.
struct Bounded<R> {
    inner: R,
    left: u64,
    is_over: bool,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)? as u64;
        if count > self.left {
            self.is_over = true;
            return Err(io::Error::other("it is too large"));
        }
        self.left -= count;
        Ok(count as usize)
    }
}
