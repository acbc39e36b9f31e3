//! The `.charm` file: a zip archive. The same files give the same bytes.

use std::io::{BufWriter, Write as _};

use camino::Utf8Path;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

use crate::error::PackError;
use crate::prime::{Content, Prime};

/// Writes an archive. The file appears when it is whole.
pub fn write(prime: &Prime, path: &Utf8Path) -> Result<(), PackError> {
    let folder = path.parent().unwrap_or(Utf8Path::new("."));
    fs_err::create_dir_all(folder)?;
    let temporary = folder.join(format!(".{}.new", path.file_name().unwrap_or("charm")));
    let written = write_to(prime, &temporary);
    if written.is_err() {
        let _ = fs_err::remove_file(&temporary);
        return written;
    }
    fs_err::rename(&temporary, path)?;
    Ok(())
}

fn write_to(prime: &Prime, path: &Utf8Path) -> Result<(), PackError> {
    let mut archive = ZipWriter::new(BufWriter::new(fs_err::File::create(path)?));
    for (place, content) in &prime.files {
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Deflated)
            // Otherwise no two archives would be alike.
            .last_modified_time(DateTime::default())
            .unix_permissions(if content.is_executable() { 0o755 } else { 0o644 });
        archive.start_file(place.as_str(), options)?;
        match content {
            Content::File { path, .. } => {
                std::io::copy(&mut fs_err::File::open(path)?, &mut archive)?;
            }
            Content::Text { text, .. } => archive.write_all(text.as_bytes())?,
        }
    }
    archive.finish()?.flush()?;
    Ok(())
}
