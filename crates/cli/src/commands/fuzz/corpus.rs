//! Lives that reached something new, kept in a folder from search to search.

use camino::Utf8Path;
use charmproof_fleet::swap::record::hex;
use charmproof_lifecycle::format::json;
use charmproof_lifecycle::life::{Life, Step};
use sha2::{Digest as _, Sha256};

use crate::error::{Exit, Failure};
use crate::output::say;

/// How large a kept life may be.
const LIFE_BYTES_MAX: u64 = 16 << 20;
/// How many lives are begun with.
const LIVES_MAX: usize = 1000;

/// Reads the lives of a folder, in the order of their names. One that cannot be read is told, and
/// left out; a folder that is not there yet is empty.
pub(super) fn read(folder: &Utf8Path) -> Result<Vec<Vec<Step>>, Failure> {
    if !folder.exists() {
        return Ok(Vec::new());
    }
    let cannot =
        |error: &std::io::Error| Failure::of(&format!("`{folder}` cannot be read"), error).exit(Exit::Usage);
    let mut files = Vec::new();
    for entry in folder.read_dir_utf8().map_err(|error| cannot(&error))? {
        let path = entry.map_err(|error| cannot(&error))?.into_path();
        if path.extension() == Some("json") {
            files.push(path);
        }
    }
    files.sort();
    let mut lives = Vec::new();
    for file in files.into_iter().take(LIVES_MAX) {
        match life(&file) {
            Ok(life) => lives.push(life.steps),
            Err(why) => say(&format!("warning: `{file}` is left out: {why}")),
        }
    }
    Ok(lives)
}

fn life(file: &Utf8Path) -> Result<Life, String> {
    let size = fs_err::metadata(file).map_err(|error| error.to_string())?.len();
    if size > LIFE_BYTES_MAX {
        return Err(format!("it has {size} bytes, and no life has more than {LIFE_BYTES_MAX}"));
    }
    let text = fs_err::read_to_string(file).map_err(|error| error.to_string())?;
    json::read(text.trim()).map_err(|error| error.to_string())
}

/// Keeps a life, under a name that is made of what happens in it.
pub(super) fn keep(folder: &Utf8Path, life: &Life) {
    let text = json::write(life);
    let digest = Sha256::digest(text.as_bytes());
    let name = hex(&digest[..8]);
    let written = fs_err::create_dir_all(folder).and_then(|()| {
        // Beside it first: a search that is killed leaves no half of a life.
        let aside = folder.join(format!("{name}.new"));
        fs_err::write(&aside, format!("{text}\n"))?;
        fs_err::rename(aside, folder.join(format!("{name}.json")))
    });
    if let Err(error) = written {
        say(&format!("warning: a life could not be kept: {error}"));
    }
}
