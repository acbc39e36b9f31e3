//! Files of the container: `ls`, `mkdir`, `rm`, `push`, `pull`.

use std::os::unix::fs::PermissionsExt as _;

use charmproof_pebble::Client;
use serde_json::{Value, json};

use super::{Done, Words, Wrong, as_asked, layout, list, say, text, time};

/// What marks the last part of a path as a pattern.
const PATTERN: [char; 3] = ['*', '?', '['];

pub(super) fn ls(client: &Client, words: &Words) -> Done {
    let [path] = words.positional.as_slice() else {
        return Err(Wrong::Said("the required argument `<path>` was not provided".to_owned()));
    };
    let (folder, last) = path.trim_end_matches('/').rsplit_once('/').unwrap_or_default();
    if folder.contains(PATTERN) {
        return Err(Wrong::Said("can only use globs on the last path element".to_owned()));
    }
    let folder = format!("{folder}/");
    let (path, pattern) = if last.contains(PATTERN) { (folder.as_str(), last) } else { (path.as_str(), "") };
    let itself = if words.is_set("d") { "true" } else { "false" };
    let pairs = [("action", "list"), ("path", path), ("pattern", pattern), ("itself", itself)];
    let found = client.find("/v1/files", &pairs)?.result;
    let is_absolute = words.is_set("abs-time");
    let rows = list(&found).into_iter().map(|file| {
        if !words.is_set("l") {
            return vec![text(file, "name")];
        }
        let size = file["size"].as_u64().map_or_else(|| "-".to_owned(), |bytes| amount(bytes) + "B");
        vec![
            mode(&text(file, "type"), &text(file, "permissions")),
            text(file, "user"),
            text(file, "group"),
            format!("{size:>6}"),
            time(&text(file, "last-modified"), is_absolute),
            text(file, "name"),
        ]
    });
    say(&layout(&rows.collect::<Vec<_>>()));
    Ok(())
}

/// Writes what a file is and who may do what with it, as Go does: `drwxr-xr-x`.
fn mode(kind: &str, permissions: &str) -> String {
    let first = match kind {
        "directory" => "d",
        "symlink" => "L",
        "socket" => "S",
        "named-pipe" => "p",
        "device" => "D",
        "file" => "-",
        _ => "?",
    };
    let bits = u32::from_str_radix(permissions, 8).unwrap_or_default();
    let letters = "rwxrwxrwx".chars().enumerate();
    let bits = letters.map(|(place, letter)| if bits & (0o400 >> place) == 0 { '-' } else { letter });
    format!("{first}{}", bits.collect::<String>())
}

/// Writes a number of bytes in five characters: `532`, `4096`, `12.3k`, `123k`.
fn amount(bytes: u64) -> String {
    const PLAIN_MAX: u64 = 5000;
    if bytes <= PLAIN_MAX {
        return format!("{bytes:5}");
    }
    let mut size = bytes as f64;
    let mut prefixes = "kMGTPE".chars();
    let mut prefix = ' ';
    while size >= 999.5 || prefix == ' ' {
        let Some(next) = prefixes.next() else { break };
        (size, prefix) = (size / 1000.0, next);
    }
    let decimals = if size < 9.5 { 2 } else { usize::from(size < 99.5) };
    format!("{size:4.decimals$}{prefix}")
}

/// Reads whose something is to be, and who may do what with it.
fn item(words: &Words, path: &str) -> Value {
    let mut item = json!({"path": path, "make-dirs": words.is_set("p"), "make-parents": words.is_set("p")});
    as_asked(words, &mut item);
    if let Some(permissions) = words.value("m") {
        item["permissions"] = permissions.into();
    }
    item
}

pub(super) fn mkdir(client: &Client, words: &Words) -> Done {
    let [path] = words.positional.as_slice() else {
        return Err(Wrong::Said("the required argument `<path>` was not provided".to_owned()));
    };
    let mut dir = item(words, path);
    if let Some(dir) = dir.as_object_mut() {
        dir.remove("make-dirs");
    }
    Ok(client.change_files(&json!({"action": "make-dirs", "dirs": [dir]}))?)
}

pub(super) fn rm(client: &Client, words: &Words) -> Done {
    let [path] = words.positional.as_slice() else {
        return Err(Wrong::Said("the required argument `<path>` was not provided".to_owned()));
    };
    let paths = json!([{"path": path, "recursive": words.is_set("r")}]);
    Ok(client.change_files(&json!({"action": "remove", "paths": paths}))?)
}

pub(super) fn push(client: &Client, words: &Words) -> Done {
    let [local, remote] = words.positional.as_slice() else { return Err(two_paths()) };
    let unreadable = |error: std::io::Error| Wrong::Said(error.to_string());
    let mut file = fs_err::File::open(local).map_err(unreadable)?;
    let metadata = file.metadata().map_err(unreadable)?;
    if !metadata.is_file() {
        return Err(Wrong::Said(format!("{local} is no file")));
    }
    let mut item = item(words, remote);
    if let Some(item) = item.as_object_mut() {
        item.remove("make-parents");
        let own = || format!("{:03o}", metadata.permissions().mode() & 0o777).into();
        item.entry("permissions").or_insert_with(own);
    }
    Ok(client.push(&item, &mut file, metadata.len())?)
}

pub(super) fn pull(client: &Client, words: &Words) -> Done {
    let [remote, local] = words.positional.as_slice() else { return Err(two_paths()) };
    let mut file = fs_err::File::create(local).map_err(|error| Wrong::Said(error.to_string()))?;
    client.pull(remote, &mut file).map_err(|error| {
        // Nobody takes it for what the container has.
        let _ = fs_err::remove_file(local);
        error.into()
    })
}

fn two_paths() -> Wrong {
    Wrong::Said("the required arguments are two paths: where it is, and where it is to be".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_five_characters() {
        let check = |bytes: u64, expected: &str| assert_eq!(amount(bytes), expected);
        check(0, "    0");
        check(5000, " 5000");
        check(5001, "5.00k");
        check(12_345, "12.3k");
        check(123_456, " 123k");
        check(999_999, "1.00M");
        check(3_200_000_000, "3.20G");
        check(u64::MAX, "18.4E");
    }

    #[test]
    fn modes_are_written_as_letters() {
        assert_eq!(mode("directory", "755"), "drwxr-xr-x");
        assert_eq!(mode("file", "640"), "-rw-r-----");
        assert_eq!(mode("symlink", "777"), "Lrwxrwxrwx");
    }
}
