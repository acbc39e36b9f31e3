//! Lists files, and says what one is.

use jiff::Timestamp;
use rustix::fs::{FileType, Stat};
use rustix::io::Errno;
use serde_json::{Value, json};

use super::root::{Root, stat_in};
use super::{FileError, pattern};

/// Lists a folder, or what lies at a path itself.
pub(crate) fn list(root: &Root, path: &str, glob: &str, itself: bool) -> Result<Vec<Value>, FileError> {
    let failed = |error: Errno| FileError::of("stat", path, error);
    let stat = root.stat(path).map_err(failed)?;
    let accounts = root.accounts();
    let matches = |name: &str| -> Result<bool, FileError> {
        if glob.is_empty() {
            return Ok(true);
        }
        pattern::matches(glob, name).map_err(|error| FileError::generic(error.to_string()))
    };
    let mut found = Vec::new();
    if itself || !FileType::from_raw_mode(stat.st_mode).is_dir() {
        let clean = clean(path);
        let name = clean.rsplit('/').next().filter(|name| !name.is_empty()).unwrap_or("/").to_owned();
        if matches(&name)? {
            found.push(describe(root, &accounts, &clean, &name, &stat));
        }
        return Ok(found);
    }
    let (folder, names) = root.names(path).map_err(|error| FileError::of("open", path, error))?;
    let prefix = clean(path);
    for name in names {
        if !matches(&name)? {
            continue;
        }
        // A file that goes away meanwhile is not listed.
        let Ok(stat) = stat_in(&folder, &name) else { continue };
        let full = format!("{}/{name}", prefix.trim_end_matches('/'));
        found.push(describe(root, &accounts, &full, &name, &stat));
    }
    Ok(found)
}

/// A path without `.`, `..` and double slashes, by its text alone.
fn clean(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    format!("/{}", parts.join("/"))
}

fn describe(root: &Root, accounts: &super::accounts::Accounts, path: &str, name: &str, stat: &Stat) -> Value {
    let kind = FileType::from_raw_mode(stat.st_mode);
    let kind_name = match kind {
        FileType::RegularFile => "file",
        FileType::Directory => "directory",
        FileType::Symlink => "symlink",
        FileType::Socket => "socket",
        FileType::Fifo => "named-pipe",
        FileType::CharacterDevice | FileType::BlockDevice => "device",
        FileType::Unknown => "unknown",
    };
    let modified = Timestamp::from_second(stat.st_mtime).unwrap_or_default();
    let mut value = json!({
        "path": path,
        "name": name,
        "type": kind_name,
        "permissions": format!("{:03o}", stat.st_mode & 0o777),
        "last-modified": modified.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
    });
    if kind.is_file() {
        value["size"] = json!(stat.st_size);
    }
    let owner = root.paper_owner(stat).unwrap_or_else(|| super::root::Owner {
        user_id: stat.st_uid,
        user: accounts.user_name(stat.st_uid),
        group_id: stat.st_gid,
        group: accounts.group_name(stat.st_gid),
    });
    value["user-id"] = json!(owner.user_id);
    value["user"] = json!(owner.user);
    value["group-id"] = json!(owner.group_id);
    value["group"] = json!(owner.group);
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_cleaned_by_their_text() {
        let check = |path: &str, expected: &str| assert_eq!(clean(path), expected, "{path}");
        check("/", "/");
        check("/a//b/./c/", "/a/b/c");
        check("/a/../../b", "/b");
    }
}
