//! Packages of the host's distribution, unpacked into a layer.
//!
//! apt decides what is missing on this host and fetches it, with lists and packages in the cache: nothing of
//! the host changes, and no rights are needed. Packages are unpacked and not configured: what their scripts
//! would do, such as adding a user, a recipe says itself.

use camino::Utf8Path;

use super::steps::{Step, Steps};
use crate::cache::{Cache, Rights};
use crate::error::RecipeError;
use crate::unpack::{Kind, Limits, unpack};

/// Fetches packages with all that they need and the host lacks, and unpacks them into `layer`.
pub(super) fn install(
    packages: &[String],
    layer: &Utf8Path,
    cache: &Cache,
    steps: &Steps<'_>,
    limits: Limits,
) -> Result<(), RecipeError> {
    let missing = |program: &str| RecipeError::NoProgram {
        program: program.to_owned(),
        hint: "recipes with `apt` need a host that is a Debian or an Ubuntu",
    };
    let find = |program: &str| {
        let mut folders = steps.builder.search_path.split(':').map(Utf8Path::new);
        folders.find_map(|folder| Some(folder.join(program)).filter(|path| path.is_file()))
    };
    let apt = find("apt-get").ok_or_else(|| missing("apt-get"))?;
    let dpkg = find("dpkg-deb").ok_or_else(|| missing("dpkg-deb"))?;
    let state = cache.folder().join("apt");
    let archives = steps.folder.join("archives");
    fs_err::create_dir_all(state.join("lists/partial"))?;
    fs_err::create_dir_all(archives.join("partial"))?;
    let _lock = cache.lock("apt")?;
    let options: Vec<String> = [
        format!("Dir::State={state}"),
        "Dir::State::status=/var/lib/dpkg/status".to_owned(),
        format!("Dir::Cache={state}"),
        format!("Dir::Cache::archives={archives}"),
        "APT::Sandbox::User=root".to_owned(),
        "Acquire::Languages=none".to_owned(),
        "Acquire::GzipIndexes=true".to_owned(),
        "Acquire::Retries=3".to_owned(),
        "Dpkg::Use-Pty=0".to_owned(),
    ]
    .into_iter()
    .flat_map(|option| ["-o".to_owned(), option])
    .collect();
    let run = |what: &'static str, words: &[String]| {
        let arguments: Vec<String> = options.iter().chain(words).cloned().collect();
        steps.run(&Step {
            what,
            program: &apt,
            arguments: &arguments,
            variables: &[("DEBIAN_FRONTEND", "noninteractive")],
            visible: &[],
            writable: &[&state],
        })
    };
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    let mut install = words(&["--download-only", "--no-install-recommends", "--yes", "install", "--"]);
    install.extend(packages.iter().cloned());
    let update = || run("fetching the lists of packages", &words(&["update"]));
    let fetch = || run("fetching packages", &install);
    let has_lists = state.join("pkgcache.bin").exists() || has_files(&state.join("lists"));
    if !has_lists {
        update()?;
        fetch()?;
    } else if fetch().is_err() {
        // The lists grow old, and name what is not there any more.
        update()?;
        fetch()?;
    }
    for entry in archives.read_dir_utf8()? {
        let entry = entry?;
        if entry.file_name().ends_with(".deb") {
            one(&dpkg, entry.path(), layer, cache.rights(), steps, limits)?;
        }
    }
    Ok(())
}

fn one(
    dpkg: &Utf8Path,
    package: &Utf8Path,
    layer: &Utf8Path,
    rights: Rights,
    steps: &Steps<'_>,
    limits: Limits,
) -> Result<(), RecipeError> {
    let plain = steps.folder.join("package.tar");
    let script = "exec \"$1\" --fsys-tarfile \"$2\" > \"$3\"".to_owned();
    let arguments =
        ["-c".to_owned(), script, "sh".to_owned(), dpkg.to_string(), package.to_string(), plain.to_string()];
    steps.run(&Step {
        what: "opening a package",
        program: Utf8Path::new("/bin/sh"),
        arguments: &arguments,
        variables: &[],
        visible: &[],
        writable: &[],
    })?;
    let file = fs_err::File::open(&plain)?;
    let name = package.file_name().unwrap_or_default().to_owned();
    unpack(file, layer, Kind::Package, rights, limits)
        .map_err(|source| RecipeError::Package { package: name, source })?;
    Ok(())
}

fn has_files(folder: &Utf8Path) -> bool {
    let mut entries = fs_err::read_dir(folder).into_iter().flatten().flatten();
    entries.any(|entry| entry.file_name().to_string_lossy().ends_with("InRelease"))
}
