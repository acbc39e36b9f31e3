//! Enabling, disabling and masking: links in `/etc/systemd/system`, and nothing else.

use std::collections::{BTreeMap, BTreeSet};

use camino::{Utf8Path, Utf8PathBuf};

use super::call::Said;
use super::condition::matches;
use super::library::{CONFIGURATION, FOLDERS, Found, Library, RUNTIME, is_script_enabled};
use super::name::UnitName;
use super::specifiers::expand;
use super::unit::{LoadState, Unit};

/// Where preset files are.
const PRESETS: [&str; 5] = [
    "/etc/systemd/system-preset",
    "/run/systemd/system-preset",
    "/usr/local/lib/systemd/system-preset",
    "/usr/lib/systemd/system-preset",
    "/lib/systemd/system-preset",
];

/// What `is-enabled` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FileState {
    Enabled,
    EnabledRuntime,
    Alias,
    Static,
    Indirect,
    Disabled,
    Masked,
    MaskedRuntime,
    Generated,
    Linked,
    NotFound,
}

impl FileState {
    /// Its word.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Enabled => "enabled",
            Self::EnabledRuntime => "enabled-runtime",
            Self::Alias => "alias",
            Self::Static => "static",
            Self::Indirect => "indirect",
            Self::Disabled => "disabled",
            Self::Masked => "masked",
            Self::MaskedRuntime => "masked-runtime",
            Self::Generated => "generated",
            Self::Linked => "linked",
            Self::NotFound => "not-found",
        }
    }

    /// Whether `is-enabled` succeeds.
    pub(crate) fn is_enabled(self) -> bool {
        match self {
            Self::Enabled
            | Self::EnabledRuntime
            | Self::Alias
            | Self::Static
            | Self::Indirect
            | Self::Generated => true,
            Self::Disabled | Self::Masked | Self::MaskedRuntime | Self::Linked | Self::NotFound => false,
        }
    }
}

/// How files are to be changed.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct InstallOptions {
    pub is_quiet: bool,
    pub is_runtime: bool,
    pub is_forced: bool,
    pub has_no_warnings: bool,
}

/// Whether a unit is enabled.
pub(crate) fn state(library: &Library, name: &UnitName) -> FileState {
    match library.find(name) {
        Found::Nothing => FileState::NotFound,
        Found::Masked { path } if path.starts_with("/run") => FileState::MaskedRuntime,
        Found::Masked { .. } => FileState::Masked,
        Found::Script { .. } => FileState::Generated,
        Found::File { path, name: real } => {
            if real != *name {
                return FileState::Alias;
            }
            let unit = described(library, name);
            if has_link(library, &unit, CONFIGURATION) {
                return FileState::Enabled;
            }
            if has_link(library, &unit, RUNTIME) {
                return FileState::EnabledRuntime;
            }
            if !FOLDERS.iter().any(|folder| path.starts_with(folder)) {
                return FileState::Linked;
            }
            let install = &unit.install;
            if install.is_empty() {
                FileState::Static
            } else if install.wanted_by.is_empty()
                && install.required_by.is_empty()
                && install.aliases.is_empty()
            {
                FileState::Indirect
            } else {
                FileState::Disabled
            }
        }
    }
}

/// A unit with its `[Install]`, also of a template.
fn described(library: &Library, name: &UnitName) -> Unit {
    if name.is_template() {
        // Read as an instance of no name, for the section alone.
        let mut unit = library.load(&name.with_instance("template"));
        unit.name = name.clone();
        return unit;
    }
    library.load(name)
}

/// Whether any link in a folder enables a unit.
fn has_link(library: &Library, unit: &Unit, folder: &str) -> bool {
    let mut names: BTreeSet<&UnitName> = unit.aliases.iter().collect();
    names.insert(&unit.name);
    let is_own = |file: &str| {
        UnitName::parse(file).is_ok_and(|found| {
            names.contains(&found)
                || (unit.name.is_template() && found.template().as_ref() == Some(&unit.name))
        })
    };
    let entries = fs_err::read_dir(library.path(folder)).into_iter().flatten().flatten();
    entries.into_iter().any(|entry| {
        let file = entry.file_name();
        let Some(file) = file.to_str() else { return false };
        let is_folder_of_links = file.ends_with(".wants") || file.ends_with(".requires");
        if is_folder_of_links {
            let links = fs_err::read_dir(entry.path()).into_iter().flatten().flatten();
            return links.into_iter().any(|link| link.file_name().to_str().is_some_and(is_own));
        }
        // Another name counts as well.
        file != unit.name.as_str()
            && UnitName::parse(file).is_ok_and(|alias| unit.install.aliases.contains(&alias))
            && entry.path().is_symlink()
    })
}

/// Makes the links that `[Install]` asks for.
pub(crate) fn enable(library: &Library, names: &[UnitName], options: InstallOptions) -> Said {
    let mut said = Said::default();
    let folder = if options.is_runtime { RUNTIME } else { CONFIGURATION };
    let mut waiting: Vec<UnitName> = names.to_vec();
    let mut seen = BTreeSet::new();
    let mut has_any = false;
    while let Some(name) = waiting.pop() {
        if !seen.insert(name.clone()) {
            continue;
        }
        let path = match library.find(&name) {
            Found::File { path, .. } => path,
            Found::Masked { path } => {
                said.complain(format!("Failed to enable unit: Unit file {path} is masked."));
                said.code = 1;
                continue;
            }
            Found::Script { .. } => {
                has_any = true;
                link_script(library, &name, true);
                continue;
            }
            Found::Nothing => {
                said.complain(format!("Failed to enable unit: Unit file {name} does not exist."));
                said.code = 1;
                continue;
            }
        };
        let unit = described(library, &name);
        if unit.load == LoadState::NotFound {
            continue;
        }
        has_any |= !unit.install.is_empty();
        waiting.extend(unit.install.also.iter().cloned());
        match links(library, &unit, folder) {
            Ok(links) => {
                for link in links {
                    make_link(library, &link, &path, options, &mut said);
                }
            }
            Err(text) => {
                said.complain(format!("Failed to enable unit: {text}"));
                said.code = 1;
            }
        }
    }
    if !has_any && said.code == 0 && !options.is_quiet && !options.has_no_warnings {
        said.stderr += NOTHING_TO_INSTALL;
    }
    said
}

/// What systemctl says when a unit has nothing to enable.
const NOTHING_TO_INSTALL: &str = "\
The unit files have no installation config (WantedBy=, RequiredBy=, Also=,
Alias= settings in the [Install] section, and DefaultInstance= for template
units). This means they are not meant to be enabled using systemctl.
 
Possible reasons for having this kind of units are:
• A unit may be statically enabled by being symlinked from another unit's
  .wants/ or .requires/ directory.
• A unit's purpose may be to act as a helper for some other unit which has
  a requirement dependency on it.
• A unit may be started when needed via activation (socket, path, timer,
  D-Bus, udev, scripted systemctl call, ...).
• In case of template units, the unit is meant to be enabled with some
  instance name specified.
";

/// Where links to a unit belong.
fn links(library: &Library, unit: &Unit, folder: &str) -> Result<Vec<Utf8PathBuf>, String> {
    // Of a template, the instance that it names itself is enabled.
    let name = match (&unit.install.default_instance, unit.name.is_template()) {
        (Some(instance), true) => unit.name.with_instance(instance),
        (Some(_) | None, _) => unit.name.clone(),
    };
    let mut links = Vec::new();
    let expanded = |other: &UnitName| {
        UnitName::parse(&expand(other.as_str(), &name, &library.identity)).unwrap_or_else(|_| other.clone())
    };
    for alias in unit.install.aliases.iter().map(expanded) {
        if alias.suffix() != name.suffix() {
            return Err(format!("Cannot alias {name} as {alias}."));
        }
        links.push(Utf8PathBuf::from(format!("{folder}/{alias}")));
    }
    for (end, targets) in [("wants", &unit.install.wanted_by), ("requires", &unit.install.required_by)] {
        for target in targets.iter().map(expanded) {
            if name.is_template() && !target.is_template() {
                return Err(format!("Destination unit {target} is a non-template unit."));
            }
            links.push(Utf8PathBuf::from(format!("{folder}/{target}.{end}/{name}")));
        }
    }
    Ok(links)
}

fn make_link(
    library: &Library,
    link: &Utf8Path,
    target: &Utf8Path,
    options: InstallOptions,
    said: &mut Said,
) {
    let real = library.path(link.as_str());
    match real.read_link_utf8() {
        // The same file by another path of it.
        Ok(found) if found.file_name() == target.file_name() => return,
        Ok(_) if options.is_forced => drop(fs_err::remove_file(&real)),
        Ok(_) => {
            said.complain(format!(
                "Failed to enable unit: File {link} already exists and is a symlink to another unit."
            ));
            said.code = 1;
            return;
        }
        Err(_) => {}
    }
    let made = real
        .parent()
        .map_or(Ok(()), fs_err::create_dir_all)
        .and_then(|()| fs_err::os::unix::fs::symlink(target, &real));
    match made {
        Ok(()) if options.is_quiet => {}
        Ok(()) => said.complain(format!("Created symlink {link} → {target}.")),
        Err(error) => {
            said.complain(format!("Failed to enable unit: {error}"));
            said.code = 1;
        }
    }
}

/// Takes away all links that enable units.
pub(crate) fn disable(library: &Library, names: &[UnitName], options: InstallOptions) -> Said {
    let mut said = Said::default();
    let folder = if options.is_runtime { RUNTIME } else { CONFIGURATION };
    let mut all: BTreeSet<UnitName> = BTreeSet::new();
    for name in names {
        let found = library.find(name);
        match found {
            Found::Nothing if !has_dangling(library, name, folder) => {
                said.complain(format!("Failed to disable unit: Unit file {name} does not exist."));
                said.code = 1;
                continue;
            }
            Found::Script { .. } => link_script(library, name, false),
            Found::Nothing | Found::Masked { .. } | Found::File { .. } => {}
        }
        all.insert(name.clone());
        let unit = described(library, name);
        all.extend(unit.install.also.iter().cloned());
        all.insert(unit.name);
    }
    if said.code != 0 {
        return said;
    }
    for link in links_to(library, &all, folder) {
        match fs_err::remove_file(library.path(link.as_str())) {
            Ok(()) if options.is_quiet => {}
            Ok(()) => said.complain(format!("Removed \"{link}\".")),
            Err(error) => {
                said.complain(format!("Failed to disable unit: {error}"));
                said.code = 1;
            }
        }
        if let Some(parent) = link.parent().filter(|parent| parent.as_str() != folder) {
            // It goes when it is empty.
            let _ = fs_err::remove_dir(library.path(parent.as_str()));
        }
    }
    said
}

fn has_dangling(library: &Library, name: &UnitName, folder: &str) -> bool {
    !links_to(library, &[name.clone()].into(), folder).is_empty()
}

/// The links in a folder that are named like a unit, or lead to one.
fn links_to(library: &Library, names: &BTreeSet<UnitName>, folder: &str) -> Vec<Utf8PathBuf> {
    let is_meant = |name: &str| {
        UnitName::parse(name).is_ok_and(|found| {
            names.contains(&found) || found.template().is_some_and(|template| names.contains(&template))
        })
    };
    let mut found = Vec::new();
    let entries = fs_err::read_dir(library.path(folder)).into_iter().flatten().flatten();
    let mut files: Vec<String> = entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    // Those in folders come first, as systemd has it.
    files.sort_by_key(|file| (!(file.ends_with(".wants") || file.ends_with(".requires")), file.clone()));
    for file in files {
        let path = Utf8PathBuf::from(format!("{folder}/{file}"));
        if file.ends_with(".wants") || file.ends_with(".requires") {
            let links = fs_err::read_dir(library.path(path.as_str())).into_iter().flatten().flatten();
            let links = links.filter_map(|link| link.file_name().into_string().ok());
            found.extend(links.filter(|link| is_meant(link)).map(|link| path.join(link)));
        } else if let Ok(target) = library.path(path.as_str()).read_link_utf8()
            && target != "/dev/null"
            && target.file_name().is_some_and(&is_meant)
            && target.file_name() != Some(file.as_str())
        {
            found.push(path);
        }
    }
    found
}

/// Makes units impossible to start.
pub(crate) fn mask(library: &Library, names: &[UnitName], options: InstallOptions) -> Said {
    let mut said = Said::default();
    let folder = if options.is_runtime { RUNTIME } else { CONFIGURATION };
    for name in names {
        let link = Utf8PathBuf::from(format!("{folder}/{name}"));
        let real = library.path(link.as_str());
        if library.find(name) == Found::Nothing {
            said.complain(format!("Unit {name} does not exist, proceeding anyway."));
        }
        match real.read_link_utf8() {
            Ok(target) if target == "/dev/null" => continue,
            Ok(_) => drop(fs_err::remove_file(&real)),
            Err(_) if real.exists() => {
                said.complain(format!("Failed to mask unit: File {link} already exists."));
                said.code = 1;
                continue;
            }
            Err(_) => {}
        }
        let made = fs_err::create_dir_all(library.path(folder))
            .and_then(|()| fs_err::os::unix::fs::symlink("/dev/null", &real));
        match made {
            Ok(()) if options.is_quiet => {}
            Ok(()) => said.complain(format!("Created symlink {link} → /dev/null.")),
            Err(error) => {
                said.complain(format!("Failed to mask unit: {error}"));
                said.code = 1;
            }
        }
    }
    said
}

/// Undoes [`mask`].
pub(crate) fn unmask(library: &Library, names: &[UnitName], options: InstallOptions) -> Said {
    let mut said = Said::default();
    for name in names {
        for folder in [CONFIGURATION, RUNTIME] {
            let link = Utf8PathBuf::from(format!("{folder}/{name}"));
            let real = library.path(link.as_str());
            if real.read_link_utf8().is_ok_and(|target| target == "/dev/null") {
                match fs_err::remove_file(&real) {
                    Ok(()) if options.is_quiet => {}
                    Ok(()) => said.complain(format!("Removed \"{link}\".")),
                    Err(error) => {
                        said.complain(format!("Failed to unmask unit: {error}"));
                        said.code = 1;
                    }
                }
            }
        }
    }
    said
}

/// Links unit files that lie elsewhere.
pub(crate) fn link(library: &Library, paths: &[&str], options: InstallOptions) -> Said {
    let mut said = Said::default();
    for path in paths.iter().map(|path| Utf8Path::new(*path)) {
        let name = path.file_name().and_then(|name| UnitName::parse(name).ok());
        let Some(name) = name.filter(|_| path.is_absolute() && library.path(path.as_str()).is_file()) else {
            said.complain(format!("Failed to link unit: File {path}: No such file or directory"));
            said.code = 1;
            continue;
        };
        let folder = if options.is_runtime { RUNTIME } else { CONFIGURATION };
        if !FOLDERS.iter().any(|known| path.parent() == Some(Utf8Path::new(known))) {
            make_link(library, &Utf8PathBuf::from(format!("{folder}/{name}")), path, options, &mut said);
        }
    }
    said
}

/// Whether a unit is enabled when its package is installed. Where no file says anything, it is.
pub(crate) fn is_preset(library: &Library, name: &UnitName) -> bool {
    let mut files: BTreeMap<String, Utf8PathBuf> = BTreeMap::new();
    for folder in PRESETS {
        for entry in library.path(folder).read_dir_utf8().into_iter().flatten().flatten() {
            let file = entry.file_name().to_owned();
            if file.ends_with(".preset") {
                files.entry(file).or_insert_with(|| entry.path().to_owned());
            }
        }
    }
    for path in files.values() {
        let text = crate::plain::read_text(path).unwrap_or_default();
        for line in text.lines().map(str::trim).filter(|line| !line.starts_with(['#', ';'])) {
            let mut words = line.split_ascii_whitespace();
            let (Some(verb), Some(pattern)) = (words.next(), words.next()) else { continue };
            if matches(pattern, name.as_str()) {
                return verb == "enable";
            }
        }
    }
    true
}

/// Enables or disables units as the preset files say.
pub(crate) fn preset(library: &Library, names: &[UnitName], mode: &str, options: InstallOptions) -> Said {
    let mut said = Said::default();
    for name in names {
        if library.find(name) == Found::Nothing {
            said.complain(format!("Failed to preset unit: Unit file {name} does not exist."));
            said.code = 1;
            continue;
        }
        // What cannot be enabled, or is masked, is passed over.
        let quiet = InstallOptions { has_no_warnings: true, ..options };
        let state = state(library, name);
        let done = match (is_preset(library, name), mode) {
            _ if matches!(state, FileState::Masked | FileState::MaskedRuntime) => Said::default(),
            (true, "disable-only") | (false, "enable-only") => Said::default(),
            (true, _) => enable(library, std::slice::from_ref(name), quiet),
            (false, _) => disable(library, std::slice::from_ref(name), quiet),
        };
        said.code = said.code.max(done.code);
        said.stderr += &done.stderr;
    }
    said
}

/// Makes or takes away the links of an init script in the usual runlevels.
fn link_script(library: &Library, name: &UnitName, is_enabled: bool) {
    let script = name.stem();
    if is_script_enabled(&library.root, script) == is_enabled {
        return;
    }
    for level in ["2", "3", "4", "5"] {
        let folder = library.path(&format!("/etc/rc{level}.d"));
        let entries = fs_err::read_dir(&folder).into_iter().flatten().flatten();
        for entry in entries {
            if entry.file_name().to_str().is_some_and(|file| file.get(3..) == Some(script)) {
                let _ = fs_err::remove_file(entry.path());
            }
        }
        let begin = if is_enabled { "S" } else { "K" };
        // A machine without these folders has nothing that reads them.
        let _ = fs_err::os::unix::fs::symlink(
            format!("../init.d/{script}"),
            folder.join(format!("{begin}01{script}")),
        );
    }
}
