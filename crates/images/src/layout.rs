//! Where the parts of an image are read from: a folder, a file, or what a registry gave.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::FileExt;

use camino::{Utf8Path, Utf8PathBuf};
use serde::Deserialize;
use tar::{Archive, EntryType};

use crate::digest::Digesting;
use crate::error::ImageError;
use crate::manifest::{
    Choice, DOCUMENT_BYTES_MAX, Descriptor, Document, INDEX_DEPTH_MAX, Manifest, architecture, choose,
    read_document,
};

/// How many entries an archive of an image may have: each is a part of it.
const PARTS_MAX: usize = 10_000;

/// A folder or a file with the parts of images.
pub(crate) struct Layout {
    place: Place,
    /// What it is called in errors.
    name: String,
}

enum Place {
    Folder(Utf8PathBuf),
    Archive { file: fs_err::File, parts: BTreeMap<String, Part> },
}

#[derive(Debug, Clone, Copy)]
struct Part {
    offset: u64,
    bytes: u64,
}

/// A `manifest.json` of `docker save`, of one image.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Saved {
    config: String,
    #[serde(default)]
    repo_tags: Option<Vec<String>>,
    layers: Vec<String>,
}

/// An image as `docker save` writes it: no digest vouches for its layers but those of the configuration.
pub(crate) struct SavedImage {
    pub(crate) configuration: Vec<u8>,
    pub(crate) layers: Vec<String>,
}

impl Layout {
    /// Opens a folder with an `index.json`.
    pub(crate) fn folder(folder: &Utf8Path, name: &str) -> Result<Self, ImageError> {
        let there = |source| ImageError::NotThere {
            path: folder.to_owned(),
            wanted_for: format!("`{name}`"),
            source,
        };
        fs_err::symlink_metadata(folder).map_err(there)?;
        Ok(Self { place: Place::Folder(folder.to_owned()), name: name.to_owned() })
    }

    /// Opens a tar file, and finds the parts in it.
    pub(crate) fn archive(path: &Utf8Path, name: &str) -> Result<Self, ImageError> {
        let there =
            |source| ImageError::NotThere { path: path.to_owned(), wanted_for: format!("`{name}`"), source };
        let broken = |why: String| ImageError::Broken { place: name.to_owned(), why };
        let mut file = fs_err::File::open(path).map_err(there)?;
        let mut start = [0; 4];
        let known = file.read(&mut start).map_err(there)?;
        if start[..known].starts_with(&[0x1f, 0x8b]) || start == [0x28, 0xb5, 0x2f, 0xfd] {
            return Err(broken(
                "the archive is compressed as a whole; unpack it with `gunzip` or `unzstd`".into(),
            ));
        }
        file.seek(SeekFrom::Start(0)).map_err(there)?;
        let parts = find_parts(&file).map_err(|error| broken(format!("it is no tar file: {error}")))?;
        Ok(Self { place: Place::Archive { file, parts }, name: name.to_owned() })
    }

    /// Returns whether an archive has a part of that name.
    pub(crate) fn has(&self, name: &str) -> bool {
        match &self.place {
            Place::Folder(folder) => folder.join(name).is_file(),
            Place::Archive { parts, .. } => parts.contains_key(name),
        }
    }

    /// Returns the image with that tag, or the only one.
    pub(crate) fn image(&self, tag: Option<&str>) -> Result<Manifest, ImageError> {
        let mut document = self.document_named("index.json")?;
        let mut tag = tag;
        for _ in 0..=INDEX_DEPTH_MAX {
            match document {
                Document::Manifest(manifest) => return Ok(manifest),
                Document::Index(images) => {
                    let image = self.chosen(&images, tag)?;
                    document = self.read(&self.blob(image)?)?;
                    tag = None;
                }
            }
        }
        Err(self.broken("its indexes name each other"))
    }

    fn chosen<'a>(&self, images: &'a [Descriptor], tag: Option<&str>) -> Result<&'a Descriptor, ImageError> {
        match choose(images, tag, architecture()) {
            Choice::One(image) => Ok(image),
            Choice::NoTag(tags) => Err(match tag {
                Some(tag) => self.broken(format!("it has no image with the tag `{tag}`, only {tags}")),
                None => self.broken("it has no image"),
            }),
            Choice::NoPlatform(offered) => Err(ImageError::Platform {
                place: self.name.clone(),
                wanted: format!("linux/{}", architecture()),
                offered,
            }),
        }
    }

    /// Returns a small part, whose digest and size are right.
    pub(crate) fn blob(&self, descriptor: &Descriptor) -> Result<Vec<u8>, ImageError> {
        if descriptor.size > DOCUMENT_BYTES_MAX {
            return Err(self.broken(format!("a document in it is to have {} bytes", descriptor.size)));
        }
        let mut reader = Digesting::new(self.open(descriptor)?);
        let mut content = Vec::new();
        reader.read_to_end(&mut content).map_err(|error| self.broken(error.to_string()))?;
        let (digest, bytes) = reader.finish();
        if digest != descriptor.digest || bytes != descriptor.size {
            return Err(self.broken(format!("what should be {} is {digest}", descriptor.digest)));
        }
        Ok(content)
    }

    /// Opens a part of any size, of which no more is read than it should have.
    pub(crate) fn open(&self, descriptor: &Descriptor) -> Result<Box<dyn Read + '_>, ImageError> {
        let path = format!("blobs/sha256/{}", descriptor.digest.hex());
        // One byte more, so that a part that is too long is not taken for whole.
        Ok(Box::new(self.open_named(&path)?.take(descriptor.size.saturating_add(1))))
    }

    /// Returns an image of `docker save`: the one with that name, or the only one.
    pub(crate) fn saved(&self, wanted: Option<&str>) -> Result<SavedImage, ImageError> {
        let text = self.small("manifest.json")?;
        let images: Vec<Saved> = serde_json::from_slice(&text)
            .map_err(|error| self.broken(format!("its manifest.json is wrong: {error}")))?;
        let has_name = |image: &&Saved| {
            wanted.is_none_or(|wanted| {
                image
                    .repo_tags
                    .iter()
                    .flatten()
                    .any(|tag| tag == wanted || tag.strip_suffix(":latest") == Some(wanted))
            })
        };
        let Some(image) = images.iter().find(has_name) else {
            let tags: Vec<&str> =
                images.iter().flat_map(|i| i.repo_tags.iter().flatten()).map(String::as_str).collect();
            return Err(self.broken(format!(
                "it has no image `{}`, only {}",
                wanted.unwrap_or(""),
                tags.join(", ")
            )));
        };
        if wanted.is_none() && images.len() > 1 {
            return Err(self.broken("it has several images; put the name of one after another colon"));
        }
        Ok(SavedImage { configuration: self.small(&image.config)?, layers: image.layers.clone() })
    }

    /// Opens a part by its name.
    pub(crate) fn open_named(&self, path: &str) -> Result<Box<dyn Read + '_>, ImageError> {
        match &self.place {
            Place::Folder(folder) => {
                let file = fs_err::File::open(folder.join(path))
                    .map_err(|error| self.broken(format!("it lacks a part: {error}")))?;
                Ok(Box::new(file))
            }
            Place::Archive { file, parts } => {
                let part = parts.get(path).ok_or_else(|| self.broken(format!("it lacks `{path}`")))?;
                Ok(Box::new(Window { file, offset: part.offset, left: part.bytes }))
            }
        }
    }

    fn document_named(&self, path: &str) -> Result<Document, ImageError> {
        self.read(&self.small(path)?)
    }

    fn small(&self, path: &str) -> Result<Vec<u8>, ImageError> {
        let mut content = Vec::new();
        self.open_named(path)?
            .take(DOCUMENT_BYTES_MAX + 1)
            .read_to_end(&mut content)
            .map_err(|error| self.broken(error.to_string()))?;
        if content.len() as u64 > DOCUMENT_BYTES_MAX {
            return Err(self.broken(format!("its `{path}` has more than {DOCUMENT_BYTES_MAX} bytes")));
        }
        Ok(content)
    }

    fn read(&self, bytes: &[u8]) -> Result<Document, ImageError> {
        read_document(bytes).map_err(|why| self.broken(why))
    }

    fn broken(&self, why: impl Into<String>) -> ImageError {
        ImageError::Broken { place: self.name.clone(), why: why.into() }
    }
}

/// A part of a file, with a position of its own.
struct Window<'a> {
    file: &'a fs_err::File,
    offset: u64,
    left: u64,
}

impl Read for Window<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = buffer.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
        let count = self.file.file().read_at(&mut buffer[..most], self.offset)?;
        self.offset += count as u64;
        self.left -= count as u64;
        Ok(count)
    }
}

/// Finds where each part lies in a tar file. Nothing but the heads is read.
fn find_parts(file: &fs_err::File) -> io::Result<BTreeMap<String, Part>> {
    let mut archive: Archive<File> = Archive::new(file.try_clone()?.into_parts().0);
    let mut parts = BTreeMap::new();
    let mut links: Vec<(String, String)> = Vec::new();
    for entry in archive.entries_with_seek()?.raw(true) {
        let entry = entry?;
        if parts.len() + links.len() >= PARTS_MAX {
            return Err(io::Error::other(format!("it has more than {PARTS_MAX} entries")));
        }
        let clean = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim_start_matches("./").to_owned();
        let name = clean(&entry.path_bytes());
        match entry.header().entry_type() {
            EntryType::Regular | EntryType::Continuous => {
                let part = Part { offset: entry.raw_file_position(), bytes: entry.header().entry_size()? };
                parts.insert(name, part);
            }
            // Older versions of Docker write a layer that two images share once.
            EntryType::Symlink | EntryType::Link => {
                let target = entry.link_name_bytes().map(|target| clean(&target)).unwrap_or_default();
                let folder = name.rsplit_once('/').map_or("", |(folder, _)| folder);
                links.push((
                    name.clone(),
                    target.strip_prefix("../").map_or(format!("{folder}/{target}"), str::to_owned),
                ));
            }
            _ => {}
        }
    }
    for (name, target) in links {
        if let Some(part) = parts.get(&target).copied() {
            parts.insert(name, part);
        }
    }
    Ok(parts)
}
