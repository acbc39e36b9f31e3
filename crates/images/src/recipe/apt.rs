//! Packages of the host's distribution, unpacked into a layer.
//!
//! apt decides what is missing on this host and fetches it, with lists and packages in the cache: nothing of
//! the host changes, and no rights are needed. Packages are unpacked and not configured: what their scripts
//! would do, such as adding a user, a recipe says itself.

use camino::{Utf8Path, Utf8PathBuf};

use super::steps::{Step, Steps};
use crate::cache::{Cache, Rights};
use crate::error::RecipeError;
use crate::unpack::{Kind, Limits, unpack};

/// The lists that the host's administrator fetched.
const HOST_LISTS: &str = "/var/lib/apt/lists";

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
        "Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false".to_owned(),
        "Acquire::IndexTargets::deb::DEP-11-icons-small::DefaultEnabled=false".to_owned(),
        "Acquire::IndexTargets::deb::DEP-11-icons::DefaultEnabled=false".to_owned(),
        "Acquire::IndexTargets::deb::DEP-11-icons-hidpi::DefaultEnabled=false".to_owned(),
        "Acquire::IndexTargets::deb::Contents-deb::DefaultEnabled=false".to_owned(),
        "Acquire::GzipIndexes=true".to_owned(),
        "Acquire::Retries=3".to_owned(),
        "Dpkg::Use-Pty=0".to_owned(),
        // Nothing is installed, and the host's locks are root's.
        "Debug::NoLocking=1".to_owned(),
    ]
    .into_iter()
    .flat_map(|option| ["-o".to_owned(), option])
    .collect();
    let own_lists = state.join("lists");
    let run = |what: &'static str, lists: &Utf8Path, words: &[String]| {
        let lists = ["-o".to_owned(), format!("Dir::State::lists={lists}")];
        let arguments: Vec<String> = options.iter().chain(&lists).chain(words).cloned().collect();
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
    // The host's own lists save the time to fetch them. Lists grow old, and name what is not there any more.
    let mut places =
        [own_lists.as_path(), Utf8Path::new(HOST_LISTS)].into_iter().filter(|lists| has_lists(lists));
    let found = places.find(|lists| run("fetching packages", lists, &install).is_ok());
    let lists = if let Some(lists) = found {
        lists
    } else {
        run("fetching the lists of packages", &own_lists, &words(&["update"]))?;
        run("fetching packages", &own_lists, &install)?;
        &own_lists
    };
    // What lies in a folder of this host is not fetched, but used where it lies.
    install.insert(0, "--print-uris".to_owned());
    let listed = run("listing packages", lists, &install)?;
    let mut fetched: Vec<Utf8PathBuf> = listed.lines().filter_map(local_package).collect();
    for entry in archives.read_dir_utf8()? {
        fetched.push(entry?.into_path());
    }
    for package in fetched.iter().filter(|path| path.extension() == Some("deb")) {
        one(&dpkg, package, layer, cache.rights(), steps, limits)?;
    }
    Ok(())
}

/// Reads a line such as `'file:/repository/./a.deb' a.deb 12 SHA256:…`.
fn local_package(line: &str) -> Option<Utf8PathBuf> {
    let (path, _) = line.strip_prefix("'file:")?.split_once('\'')?;
    let path = path.strip_prefix("//").unwrap_or(path);
    path.starts_with('/').then(|| path.into())
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

fn has_lists(folder: &Utf8Path) -> bool {
    let mut entries = fs_err::read_dir(folder).into_iter().flatten().flatten();
    entries.any(|entry| entry.file_name().to_string_lossy().contains("_Packages"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_in_folders_of_this_host_are_listed() {
        let check = |line: &str, expected: Option<&str>| {
            assert_eq!(local_package(line), expected.map(Utf8PathBuf::from), "{line}");
        };
        check("'file:/r/./a.deb' a_1.0_all.deb 640 SHA256:12", Some("/r/./a.deb"));
        check("'file:///r/a.deb' a.deb 640", Some("/r/a.deb"));
        check("'http://archive.example/a.deb' a.deb 640", None);
        check("Reading package lists...", None);
    }
}
