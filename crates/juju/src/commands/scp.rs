//! `scp`: files between the person and units or machines.
//!
//! Files go as an archive through `tar` on the other side, as they do with Juju on Kubernetes.

use std::fs::File;
use std::io::{self, Read as _};
use std::os::fd::OwnedFd;
use std::thread;
use std::time::Duration;

use camino::{Utf8Path, Utf8PathBuf};

use super::remote::There;
use super::{Context, failed, remote};
use crate::hosting::Ended;
use crate::session::{CommandError, CommandResult};

/// Options of the program `scp` that are followed by a value.
const WITH_VALUE: [&str; 10] = ["-c", "-D", "-F", "-i", "-J", "-l", "-o", "-P", "-S", "-X"];

/// How long a list of files may be that a pattern stands for.
const LISTING_BYTES_MAX: u64 = 4 << 20;

/// One side of a copy.
enum Side {
    /// Of the person.
    Here(Utf8PathBuf),
    /// Of a unit or a machine: whose, and where.
    There(String, Utf8PathBuf),
}

fn side(context: &Context<'_>, word: &str) -> Side {
    match word.split_once(':') {
        Some((target, path))
            if !target.is_empty() && !target.starts_with('.') && !target.starts_with('/') =>
        {
            Side::There(target.to_owned(), path.into())
        }
        Some(_) | None => Side::Here(context.session.path(word)),
    }
}

/// `scp`
pub(super) fn scp(context: &mut Context<'_>) -> CommandResult {
    let uuid = context.model()?;
    let is_kubernetes = context.look(&uuid, |model| Ok(model.is_kubernetes()))?;
    let mut words: Vec<String> = Vec::new();
    let mut has_options = false;
    let mut given = context.parsed.positionals.iter();
    while let Some(word) = given.next() {
        if word.starts_with('-') && word.len() > 1 {
            has_options |= word != "--";
            if WITH_VALUE.contains(&word.as_str()) {
                given.next();
            }
        } else {
            words.push(word.clone());
        }
    }
    if is_kubernetes && (words.len() != 2 || has_options) {
        return Err(CommandError::failed(
            "only one source and one destination are allowed for a k8s application",
        ));
    }
    let Some((target, sources)) = words.split_last().filter(|(_, sources)| !sources.is_empty()) else {
        return Err(CommandError::Usage("at least two arguments required".to_owned()));
    };
    let container =
        context.parsed.text("container").filter(|container| !container.is_empty()).map(str::to_owned);
    let target = side(context, target);
    for source in sources {
        match (side(context, source), &target) {
            (Side::There(who, path), Side::Here(to)) => {
                fetch(context, &uuid, &who, &path, to, container.as_deref())?;
            }
            (Side::Here(from), Side::There(who, path)) => {
                send(context, &uuid, &from, who, path, container.as_deref())?;
            }
            (Side::There(from_who, from), Side::There(to_who, to)) => {
                let folder = context.controller.folder().path().join("staging");
                fs_err::create_dir_all(&folder).map_err(failed)?;
                let between = folder.join(format!("scp-{}", super::models::uuid()?));
                fs_err::create_dir(&between).map_err(failed)?;
                let copied = fetch(context, &uuid, &from_who, &from, &between, container.as_deref())
                    .and_then(|()| between.read_dir_utf8().map_err(failed))
                    .and_then(|mut entries| {
                        entries.try_for_each(|entry| {
                            let entry = entry.map_err(failed)?;
                            send(context, &uuid, entry.path(), to_who, to, container.as_deref())
                        })
                    });
                let _ = fs_err::remove_dir_all(&between);
                copied?;
            }
            (Side::Here(_), Side::Here(_)) => {
                return Err(CommandError::failed(
                    "neither the source nor the destination is a unit or a machine",
                ));
            }
        }
    }
    Ok(())
}

/// Returns the files and folders that a path means there: on a machine, it is relative to the home of whoever
/// is there, and may be a pattern, as it may for `scp`.
fn meant(there: &There, path: &Utf8Path) -> Result<Vec<Utf8PathBuf>, CommandError> {
    if there.is_kubernetes {
        return Ok(vec![there.cwd.join(path)]);
    }
    let script = format!(
        "cd \"$HOME\" 2>/dev/null; for each in {}; do case $each in /*) ;; *) each=$PWD/$each ;; esac; printf '%s\\0' \
         \"$each\"; done",
        pattern(path.as_str())
    );
    let (reader, writer) = io::pipe().map_err(failed)?;
    let listing = thread::spawn(move || {
        let mut text = String::new();
        reader.take(LISTING_BYTES_MAX).read_to_string(&mut text).map(|_| text)
    });
    let argv = ["/bin/sh", "-c", &script].map(str::to_owned).to_vec();
    let (code, said) = run(there, argv, nothing()?, Some(writer.into()))?;
    let text = listing.join().unwrap_or_else(|_| Err(io::Error::other("it could not be read")));
    let text = text.map_err(failed)?;
    if code != 0 {
        return Err(CommandError::failed(format!("{path}: {}", said.trim())));
    }
    Ok(text.split_terminator('\0').map(Utf8PathBuf::from).collect())
}

/// Writes a path for a shell, which is to see its patterns and nothing else that shells know.
fn pattern(path: &str) -> String {
    let mut word = String::new();
    for (at, character) in path.char_indices() {
        match character {
            '\n' => word.push_str("'\n'"),
            '~' if at == 0 => word.push('~'),
            '*' | '?' | '[' | ']' | '!' | '/' | '.' | '-' | '_' => word.push(character),
            _ if character.is_alphanumeric() => word.push(character),
            _ => word.extend(['\\', character]),
        }
    }
    if word.is_empty() { ".".to_owned() } else { word }
}

fn nothing() -> Result<OwnedFd, CommandError> {
    Ok(fs_err::File::open("/dev/null").map_err(failed)?.into_parts().0.into())
}

/// Copies files or folders from a unit.
fn fetch(
    context: &Context<'_>,
    uuid: &str,
    who: &str,
    path: &Utf8Path,
    to: &Utf8Path,
    container: Option<&str>,
) -> CommandResult {
    let there = remote::find(context, uuid, who, container)?;
    let found = meant(&there, path)?;
    if found.len() > 1 && !to.is_dir() {
        return Err(CommandError::failed(format!("{to}: Not a directory")));
    }
    found.iter().try_for_each(|path| fetch_one(&there, path, to))
}

fn fetch_one(there: &There, path: &Utf8Path, to: &Utf8Path) -> CommandResult {
    let (folder, name) = parts(path)?;
    let argv = ["tar", "-C", folder, "-cf", "-", name].map(str::to_owned).to_vec();
    let (reader, writer) = io::pipe().map_err(failed)?;
    let unpacking = {
        let (to, name) = (to.to_owned(), name.to_owned());
        thread::spawn(move || unpack(reader, &to, &name))
    };
    let (code, said) = run(there, argv, nothing()?, Some(writer.into()))?;
    let unpacked = unpacking.join().unwrap_or_else(|_| Err("the archive could not be read".to_owned()));
    if code != 0 {
        return Err(CommandError::failed(format!("{}: {}", path, said.trim())));
    }
    unpacked.map_err(CommandError::failed)
}

fn parts(path: &Utf8Path) -> Result<(&str, &str), CommandError> {
    let name = path.file_name().ok_or_else(|| CommandError::failed(format!("`{path}` is no file")))?;
    let folder = path.parent().map(Utf8Path::as_str).filter(|folder| !folder.is_empty()).unwrap_or("/");
    Ok((folder, name))
}

/// Unpacks what a unit sends, which may be up to no good: names that lead out are refused by the
/// library, and so are links out of the folder.
fn unpack(from: io::PipeReader, to: &Utf8Path, name: &str) -> Result<(), String> {
    let text = |error: io::Error| error.to_string();
    let (folder, renamed) = if to.is_dir() {
        (to.to_owned(), None)
    } else {
        let folder = to.parent().filter(|folder| !folder.as_str().is_empty()).unwrap_or(Utf8Path::new("."));
        (folder.to_owned(), to.file_name().map(str::to_owned))
    };
    let staging = tempfile::Builder::new().prefix(".scp-").tempdir_in(&folder).map_err(text)?;
    let mut archive = tar::Archive::new(from);
    archive.set_preserve_ownerships(false);
    archive.unpack(staging.path()).map_err(text)?;
    let made = staging.path().join(name);
    let target = folder.join(renamed.as_deref().unwrap_or(name));
    if made.is_file() && target.is_file() {
        // What is there keeps its owner and whoever has it open.
        let mut from = File::open(&made).map_err(text)?;
        let mut into = File::create(&target).map_err(text)?;
        return io::copy(&mut from, &mut into).map(drop).map_err(text);
    }
    fs_err::rename(&made, &target).map_err(text)
}

/// Copies a file or folder to a unit.
fn send(
    context: &Context<'_>,
    uuid: &str,
    from: &Utf8Path,
    who: &str,
    path: &Utf8Path,
    container: Option<&str>,
) -> CommandResult {
    if !from.exists() {
        return Err(CommandError::failed(format!("{from}: No such file or directory")));
    }
    let there = remote::find(context, uuid, who, container)?;
    let found = meant(&there, path)?;
    let [target] = found.as_slice() else {
        return Err(CommandError::failed(format!("{path}: ambiguous target")));
    };
    let is_folder = path.as_str().is_empty() || path.as_str().ends_with('/') || {
        let argv = ["test", "-d", target.as_str()].map(str::to_owned).to_vec();
        run(&there, argv, nothing()?, None)?.0 == 0
    };
    let path = target.clone();
    let own = from.file_name().unwrap_or("file").to_owned();
    let (folder, name) = if is_folder {
        (path.as_str().to_owned(), own)
    } else {
        parts(&path).map(|(folder, name)| (folder.to_owned(), name.to_owned()))?
    };
    let (reader, writer) = io::pipe().map_err(failed)?;
    let packing = {
        let from = from.to_owned();
        thread::spawn(move || -> io::Result<()> {
            let mut archive = tar::Builder::new(writer);
            archive.follow_symlinks(false);
            if from.is_dir() {
                archive.append_dir_all(&name, &from)?;
            } else {
                archive.append_path_with_name(&from, &name)?;
            }
            archive.finish()
        })
    };
    let argv = ["tar", "-C", &folder, "--no-same-owner", "-xf", "-"].map(str::to_owned).to_vec();
    let (code, said) = run(&there, argv, reader.into(), None)?;
    let packed = packing.join().unwrap_or_else(|_| Err(io::Error::other("the archive could not be made")));
    if code != 0 {
        return Err(CommandError::failed(format!("{path}: {}", said.trim())));
    }
    packed.map_err(failed)
}

/// Runs a program there. Returns its exit code, and what it complained about.
fn run(
    there: &There,
    argv: Vec<String>,
    stdin: OwnedFd,
    stdout: Option<OwnedFd>,
) -> Result<(i32, String), CommandError> {
    let (reader, writer) = io::pipe().map_err(failed)?;
    let stdout = match stdout {
        Some(stdout) => stdout,
        None => {
            fs_err::OpenOptions::new().write(true).open("/dev/null").map_err(failed)?.into_parts().0.into()
        }
    };
    let mut exec = there.exec(argv, [stdin, stdout, writer.into()]);
    exec.cwd = "/".into();
    if there.is_kubernetes {
        exec.user = None;
    }
    let process = there.place.exec(exec).map_err(failed)?;
    let said = thread::spawn(move || {
        let mut text = String::new();
        let _ = reader.take(64 << 10).read_to_string(&mut text);
        text
    });
    let code = loop {
        if let Some(ended) = process.wait_for(Duration::from_secs(1)) {
            break match ended {
                Ended::Code(code) => code,
                Ended::Signal(_) | Ended::PlaceGone => ended.code(),
            };
        }
    };
    Ok((code, said.join().unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use proptest::prelude::*;

    use super::*;

    fn seen_by_a_shell(path: &str) -> String {
        let script = format!("printf '%s\\0' {}", pattern(path));
        let output = Command::new("/bin/sh")
            .args(["-c", &script])
            .env("HOME", "/home/me")
            .current_dir("/usr")
            .output();
        let text = String::from_utf8(output.unwrap().stdout).unwrap();
        text.trim_end_matches('\0').replace('\0', " ")
    }

    #[test]
    fn patterns_are_expanded_and_nothing_else() {
        let check = |path: &str, expected: &str| assert_eq!(seen_by_a_shell(path), expected, "{path}");
        check("", ".");
        check("~/a~", "/home/me/a~");
        check("/etc/host[n]am?", "/etc/hostname");
        check("lib/x*no such", "lib/x*no such");
        check("$(id) `id` 'a' \"b\" c\\d;&|<>", "$(id) `id` 'a' \"b\" c\\d;&|<>");
        check("a\nb", "a\nb");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn other_paths_are_what_they_are(path in "[a-z $`'\"(){};&|<>#=%^,:@+\\\\\n]{1,20}") {
            prop_assert_eq!(seen_by_a_shell(&path), path);
        }
    }
}
