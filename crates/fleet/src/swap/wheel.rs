//! A wheel, under a version that carries the digest of its content.
//!
//! Two builds of an edited checkout have the same version, so every installer would
//! keep the older one. A local version (PEP 440: `3.9.0+cp.1a2b3c4d`) tells them
//! apart and still satisfies `ops==3.9.0`.

use std::io::{Read, Write};

use camino::{Utf8Path, Utf8PathBuf};
use sha2::{Digest, Sha256};
use zip::write::SimpleFileOptions;

use super::record::hex;

/// No wheel of a charm's world is near this; an archive that unpacks to more is hostile.
const MAX_UNPACKED_BYTES: u64 = 512 * 1024 * 1024;

/// Why a wheel could not be rewritten.
#[derive(Debug, thiserror::Error)]
pub enum WheelError {
    /// The file could not be read or written.
    #[error("the wheel `{path}` could not be read or written")]
    Io {
        /// The wheel.
        path: Utf8PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// It is no zip archive.
    #[error("`{path}` is not a wheel")]
    Zip {
        /// The file.
        path: Utf8PathBuf,
        /// Why.
        #[source]
        source: zip::result::ZipError,
    },
    /// It is an archive, but not a wheel.
    #[error("`{path}` is not a wheel: {why}")]
    Malformed {
        /// The file.
        path: Utf8PathBuf,
        /// What is missing or wrong.
        why: String,
    },
}

/// A wheel that was read.
struct Content {
    name: String,
    version: String,
    entries: Vec<(String, Option<u32>, Vec<u8>)>,
}

/// Writes a copy of the wheel at `source` into `folder`, under a version that carries
/// the digest of its content, and returns the path.
pub fn with_content_version(source: &Utf8Path, folder: &Utf8Path) -> Result<Utf8PathBuf, WheelError> {
    let content = read(source)?;
    let malformed = |why: &str| WheelError::Malformed { path: source.to_path_buf(), why: why.into() };
    let old_info = format!("{}-{}.dist-info", content.name, content.version);

    let mut digest = Sha256::new();
    for (name, _, bytes) in &content.entries {
        if !name.ends_with(".dist-info/RECORD") {
            digest.update(name.as_bytes());
            digest.update([0]);
            digest.update(Sha256::digest(bytes));
        }
    }
    let label = &hex(&digest.finalize())[..10];
    let version = if content.version.contains('+') {
        format!("{}.cp.{label}", content.version)
    } else {
        format!("{}+cp.{label}", content.version)
    };
    let new_info = format!("{}-{version}.dist-info", content.name);

    let tags = source
        .file_name()
        .and_then(|name| name.strip_suffix(".whl"))
        .and_then(|stem| stem.splitn(3, '-').nth(2))
        .ok_or_else(|| malformed("its name is not 'name-version-tags.whl'"))?;
    let target = folder.join(format!("{}-{version}-{tags}.whl", content.name));

    let io = |error: std::io::Error| WheelError::Io { path: target.clone(), source: error };
    let zip_error = |error: zip::result::ZipError| WheelError::Zip { path: target.clone(), source: error };
    let file = fs_err::File::create(&target).map_err(io)?;
    let mut writer = zip::ZipWriter::new(file);
    let mut record = String::new();
    let mut saw_metadata = false;
    for (name, mode, bytes) in content.entries {
        if name == format!("{old_info}/RECORD") || name.starts_with(&format!("{old_info}/RECORD.")) {
            continue;
        }
        let (name, bytes) = match name.strip_prefix(&format!("{old_info}/")) {
            Some("METADATA") => {
                saw_metadata = true;
                (format!("{new_info}/METADATA"), rewrite_version(&bytes, &version))
            }
            Some(rest) => (format!("{new_info}/{rest}"), bytes),
            None => (
                name.replacen(
                    &format!("{}-{}.data/", content.name, content.version),
                    &format!("{}-{version}.data/", content.name),
                    1,
                ),
                bytes,
            ),
        };
        let options = SimpleFileOptions::default().unix_permissions(mode.unwrap_or(0o644) & 0o777);
        writer.start_file(&name, options).map_err(zip_error)?;
        writer.write_all(&bytes).map_err(io)?;
        record.push_str(&csv_field(&name));
        record.push_str(&format!(",sha256={},{}\n", url_safe_base64(&Sha256::digest(&bytes)), bytes.len()));
    }
    if !saw_metadata {
        return Err(malformed("it has no METADATA"));
    }
    record.push_str(&format!("{},,\n", csv_field(&format!("{new_info}/RECORD"))));
    writer.start_file(format!("{new_info}/RECORD"), SimpleFileOptions::default()).map_err(zip_error)?;
    writer.write_all(record.as_bytes()).map_err(io)?;
    writer.finish().map_err(zip_error)?;
    Ok(target)
}

fn read(path: &Utf8Path) -> Result<Content, WheelError> {
    let zip_error = |source| WheelError::Zip { path: path.to_path_buf(), source };
    let io = |source| WheelError::Io { path: path.to_path_buf(), source };
    let malformed = |why: String| WheelError::Malformed { path: path.to_path_buf(), why };
    let mut archive = zip::ZipArchive::new(fs_err::File::open(path).map_err(io)?).map_err(zip_error)?;
    let mut entries = Vec::new();
    let mut total = 0_u64;
    let mut info: Option<String> = None;
    for index in 0..archive.len() {
        let mut entry = archive.by_index(index).map_err(zip_error)?;
        if entry.is_dir() {
            continue;
        }
        let name = entry.name().map_err(zip_error)?.to_string();
        if name.starts_with('/') || name.split('/').any(|part| part == "..") {
            return Err(malformed(format!("it holds the unsafe path '{name}'")));
        }
        total += entry.size();
        if total > MAX_UNPACKED_BYTES {
            return Err(malformed("it unpacks to more than 512 MiB".into()));
        }
        if let Some((top, "METADATA")) = name.split_once('/')
            && top.ends_with(".dist-info")
        {
            info = Some(top.trim_end_matches(".dist-info").to_string());
        }
        let mode = entry.unix_mode();
        let mut bytes = Vec::new();
        entry.by_ref().take(MAX_UNPACKED_BYTES).read_to_end(&mut bytes).map_err(io)?;
        entries.push((name, mode, bytes));
    }
    entries.sort_by(|a, b| a.0.cmp(&b.0));
    let info = info.ok_or_else(|| malformed("it has no METADATA".into()))?;
    let (name, version) =
        info.split_once('-').ok_or_else(|| malformed(format!("'{info}.dist-info' names no version")))?;
    Ok(Content { name: name.to_string(), version: version.to_string(), entries })
}

fn rewrite_version(metadata: &[u8], version: &str) -> Vec<u8> {
    let text = String::from_utf8_lossy(metadata);
    let mut out = String::with_capacity(text.len() + 20);
    let mut in_head = true;
    for line in text.split_inclusive('\n') {
        if line.trim_end().is_empty() {
            in_head = false;
        }
        if in_head && line.to_ascii_lowercase().starts_with("version:") {
            out.push_str(&format!("Version: {version}\n"));
        } else {
            out.push_str(line);
        }
    }
    out.into_bytes()
}

fn csv_field(text: &str) -> String {
    if text.contains([',', '"']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.to_string() }
}

/// Base64 as RECORD files want it: URL-safe, without padding.
fn url_safe_base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut out = String::new();
    for chunk in bytes.chunks(3) {
        let word =
            chunk.iter().enumerate().fold(0_u32, |word, (i, byte)| word | u32::from(*byte) << (16 - 8 * i));
        for i in 0..=chunk.len() {
            out.push(ALPHABET[(word >> (18 - 6 * i)) as usize & 63] as char);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wheel(folder: &Utf8Path, body: &str) -> Utf8PathBuf {
        let path = folder.join("demo_pkg-1.2-py3-none-any.whl");
        let mut writer = zip::ZipWriter::new(fs_err::File::create(&path).unwrap());
        let entries = [
            ("demo_pkg/__init__.py", body),
            (
                "demo_pkg-1.2.dist-info/METADATA",
                "Metadata-Version: 2.1\nName: demo-pkg\nVersion: 1.2\n\nVersion: not me\n",
            ),
            ("demo_pkg-1.2.dist-info/RECORD", "demo_pkg/__init__.py,,\n"),
        ];
        for (name, text) in entries {
            writer.start_file(name, SimpleFileOptions::default()).unwrap();
            writer.write_all(text.as_bytes()).unwrap();
        }
        writer.finish().unwrap();
        path
    }

    #[test]
    fn an_edit_changes_the_version_and_the_same_content_does_not() {
        let temp = tempfile::tempdir().unwrap();
        let folder = Utf8Path::from_path(temp.path()).unwrap();
        let out = folder.join("out");
        fs_err::create_dir(&out).unwrap();
        let first = with_content_version(&wheel(folder, "x = 1\n"), &out).unwrap();
        let again = with_content_version(&wheel(folder, "x = 1\n"), &out).unwrap();
        let edited = with_content_version(&wheel(folder, "x = 2\n"), &out).unwrap();
        assert_eq!(first, again);
        assert_ne!(first, edited);
        assert!(first.file_name().unwrap().starts_with("demo_pkg-1.2+cp."), "{first}");

        let content = read(&first).unwrap();
        assert!(content.version.starts_with("1.2+cp."));
        let metadata = &content.entries.iter().find(|e| e.0.ends_with("METADATA")).unwrap().2;
        let metadata = String::from_utf8_lossy(metadata);
        assert!(metadata.contains(&format!("\nVersion: {}\n", content.version)));
        assert!(metadata.ends_with("Version: not me\n"));
    }

    #[test]
    fn a_file_that_is_no_wheel_is_named() {
        let temp = tempfile::tempdir().unwrap();
        let folder = Utf8Path::from_path(temp.path()).unwrap();
        let path = folder.join("x-1-py3-none-any.whl");
        fs_err::write(&path, "no zip").unwrap();
        let error = with_content_version(&path, folder).unwrap_err();
        assert!(error.to_string().contains("is not a wheel"), "{error}");
    }

    #[test]
    fn base64_is_as_record_wants_it() {
        assert_eq!(url_safe_base64(b"\xfb\xff\xfe"), "-__-");
        assert_eq!(url_safe_base64(b"a"), "YQ");
        assert_eq!(url_safe_base64(b"ab"), "YWI");
    }
}
