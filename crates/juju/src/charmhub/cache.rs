//! What is kept of Charmhub, for runs without a network.
//!
//! ```text
//! answers/<digest of the question>.json
//! files/<digest>
//! ```

use std::io::{self, Read as _, Write as _};

use camino::{Utf8Path, Utf8PathBuf};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

/// The folder of the cache.
#[derive(Clone, Debug)]
pub(super) struct StoreCache(Utf8PathBuf);

/// A file that is not whole yet. It is gone if it is not kept.
#[derive(Debug)]
pub(super) struct NewFile {
    file: fs_err::File,
    path: Utf8PathBuf,
    folder: Utf8PathBuf,
}

impl StoreCache {
    /// Uses a folder, which is made when something is kept.
    pub(super) fn at(folder: &Utf8Path) -> Self {
        Self(folder.to_owned())
    }

    pub(super) fn folder(&self) -> &Utf8Path {
        &self.0
    }

    /// Returns what was answered to a question. What cannot be read was not answered.
    pub(super) fn answer<T: DeserializeOwned>(&self, question: &Value) -> Option<T> {
        let text = fs_err::read_to_string(self.answer_path(question)).ok()?;
        serde_json::from_str(&text).ok()
    }

    /// Keeps what was answered to a question.
    pub(super) fn keep_answer(&self, question: &Value, answer: &impl Serialize) -> io::Result<()> {
        let path = self.answer_path(question);
        let mut file = self.new_file()?;
        file.write(serde_json::to_string(answer)?.as_bytes())?;
        file.put(&path)
    }

    fn answer_path(&self, question: &Value) -> Utf8PathBuf {
        let digest = hex(&Sha256::digest(question.to_string().as_bytes()));
        self.0.join("answers").join(format!("{digest}.json"))
    }

    /// Returns the file with a digest.
    pub(super) fn file(&self, digest: &str) -> Option<Utf8PathBuf> {
        let path = self.0.join("files").join(digest);
        path.is_file().then_some(path)
    }

    /// Begins a file.
    pub(super) fn new_file(&self) -> io::Result<NewFile> {
        for name in ["answers", "files", "temporary"] {
            fs_err::create_dir_all(self.0.join(name))?;
        }
        let mut bytes = [0_u8; 8];
        fs_err::File::open("/dev/urandom")?.read_exact(&mut bytes)?;
        let path = self.0.join("temporary").join(hex(&bytes));
        let file = fs_err::OpenOptions::new().write(true).create_new(true).open(&path)?;
        Ok(NewFile { file, path, folder: self.0.join("files") })
    }
}

impl NewFile {
    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)
    }

    /// Keeps the file under its digest.
    pub(super) fn keep(self, digest: &str) -> io::Result<Utf8PathBuf> {
        let path = self.folder.join(digest);
        self.put(&path)?;
        Ok(path)
    }

    fn put(self, path: &Utf8Path) -> io::Result<()> {
        fs_err::rename(&self.path, path)
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        // One that was kept is not there any more.
        let _ = fs_err::remove_file(&self.path);
    }
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}
