//! The files and users of a recipe: whether they make sense, and putting them into a layer.

use std::io::{self, Read};
use std::os::unix::fs::chown;

use camino::{Utf8Component, Utf8Path};

use super::{FileEntry, FileTable, Recipe, UserEntry};
use crate::cache::Rights;
use crate::error::RecipeError;
use crate::skeleton::{Skeleton, set_mode};
use crate::users::{NewUser, Users};

/// What the tag of the image that is stood in for takes the place of.
const TAG: &str = "@TAG@";
/// Where an image's own layers of Pebble lie, which Juju has copied into each container.
const PEBBLE_LAYERS: &str = "/var/lib/pebble/default/layers";
const SOURCE_BYTES_MAX: u64 = 256 << 20;

/// Returns what is wrong with a recipe, as the key and a fragment.
pub(super) fn check(recipe: &Recipe) -> Result<(), (String, String)> {
    for (path, entry) in &recipe.files {
        let wrong = |why: &str| Err((format!("files.{path}"), why.to_owned()));
        if !path.starts_with('/') || path.contains('\0') {
            return wrong("it has to be an absolute path");
        }
        if Utf8Path::new(path).components().any(|component| component == Utf8Component::ParentDir) {
            return wrong("it has `..` in it");
        }
        if let FileEntry::Table(table) = entry {
            let FileTable { text, source, link, folder, mode, owner: _ } = table;
            let count = [text.is_some(), source.is_some(), link.is_some(), *folder];
            if count.into_iter().filter(|is_given| *is_given).count() != 1 {
                return wrong("it has to have exactly one of `text`, `source`, `link` and `folder`");
            }
            if mode.as_ref().is_some_and(|mode| read_mode(mode).is_none()) {
                return wrong("it has no mode such as `0755`");
            }
        }
    }
    for user in &recipe.users {
        let is_field = |text: &str| !text.contains([':', '\n', '\0']);
        if !is_name(&user.name, "_-.")
            || ![&user.home, &user.shell].into_iter().flatten().all(|f| is_field(f))
        {
            return Err(("users".into(), format!("`{}` is no name of a user", user.name.escape_debug())));
        }
    }
    if let Some(wrong) = recipe.apt.iter().find(|name| !is_name(name, "+-.:=~_")) {
        return Err(("apt".into(), format!("`{}` is no name of a package", wrong.escape_debug())));
    }
    if let Some(wrong) = recipe.python.iter().find(|word| word.starts_with('-') || word.trim().is_empty()) {
        return Err(("python".into(), format!("`{}` is no requirement", wrong.escape_debug())));
    }
    if let Some(wrong) = recipe.python_versions.iter().find(|version| read_version(version).is_none()) {
        return Err((
            "python_versions".into(),
            format!("`{}` is no version such as `3.12`", wrong.escape_debug()),
        ));
    }
    Ok(())
}

fn is_name(name: &str, more: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || more.contains(c))
}

pub(super) fn read_version(text: &str) -> Option<(u32, u32)> {
    let (major, minor) = text.split_once('.')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

fn read_mode(text: &str) -> Option<u32> {
    u32::from_str_radix(text, 8).ok().filter(|mode| *mode <= 0o7777)
}

/// Reads the files that a recipe has beside it, so that its text is all of it.
pub(super) fn with_sources(recipe: &mut Recipe, folder: Option<&Utf8Path>) -> Result<(), RecipeError> {
    for (path, entry) in &mut recipe.files {
        if let FileEntry::Table(table) = entry
            && let Some(source) = table.source.take()
        {
            let wrong = |why: String| RecipeError::Value { key: format!("files.{path}.source"), why };
            let folder = folder.ok_or_else(|| wrong("this recipe has no folder".into()))?;
            let place = folder.join(&source).canonicalize_utf8().map_err(|error| wrong(error.to_string()))?;
            let folder = folder.canonicalize_utf8().map_err(|error| wrong(error.to_string()))?;
            if !place.starts_with(&folder) {
                return Err(wrong(format!("`{source}` does not lie beside the recipe")));
            }
            let mut text = String::new();
            fs_err::File::open(&place)?
                .take(SOURCE_BYTES_MAX)
                .read_to_string(&mut text)
                .map_err(|error| wrong(format!("only text can be copied: {error}")))?;
            table.text = Some(text);
        }
    }
    Ok(())
}

/// Puts the tag of the image that is stood in for where a recipe wants it.
pub(super) fn with_tag(recipe: &mut Recipe, tag: &str) {
    for entry in recipe.files.values_mut() {
        match entry {
            FileEntry::Text(text) => *text = text.replace(TAG, tag),
            FileEntry::Table(table) => {
                if let Some(text) = &mut table.text {
                    *text = text.replace(TAG, tag);
                }
            }
        }
    }
    recipe.env.values_mut().for_each(|value| *value = value.replace(TAG, tag));
}

/// Adds the users of a recipe, with their homes.
pub(super) fn write_users(users: &[UserEntry], layer: &Skeleton<'_>) -> io::Result<()> {
    if users.is_empty() {
        return Ok(());
    }
    let mut all = Users::of(layer);
    for user in users {
        let gid = user.gid.unwrap_or(user.uid);
        all.add(&NewUser {
            name: &user.name,
            uid: user.uid,
            gid,
            home: user.home.as_deref().unwrap_or("/nonexistent"),
            shell: user.shell.as_deref().unwrap_or("/usr/sbin/nologin"),
        });
        if let Some(home) = &user.home {
            let home = layer.folder(home)?;
            set_mode(&home, 0o755)?;
            own(layer, &home, user.uid, gid)?;
        }
    }
    all.write(layer)
}

/// Writes the files of a recipe.
pub(super) fn write_files(recipe: &Recipe, layer: &Skeleton<'_>) -> Result<(), RecipeError> {
    let default = FileTable::default();
    for (path, entry) in &recipe.files {
        let (text, table) = match entry {
            FileEntry::Text(text) => (Some(text), &default),
            FileEntry::Table(table) => (table.text.as_ref(), table),
        };
        let mode = table.mode.as_deref().and_then(read_mode);
        let place = if let Some(link) = &table.link {
            layer.link(path, link)?;
            continue;
        } else if table.folder {
            let place = layer.folder(path)?;
            set_mode(&place, mode.unwrap_or(0o755))?;
            place
        } else {
            let text = text.map_or("", String::as_str);
            // A program says so by its first line.
            let usual = if text.starts_with("#!") { 0o755 } else { 0o644 };
            layer.write(path, text.as_bytes(), mode.unwrap_or(usual))?
        };
        if let Some(owner) = &table.owner {
            let user = recipe.users.iter().find(|user| user.name == *owner);
            let number = owner.parse().ok();
            let ids = user.map(|user| (user.uid, user.gid.unwrap_or(user.uid))).or(number.map(|id| (id, id)));
            let (uid, gid) = ids.ok_or_else(|| RecipeError::Value {
                key: format!("files.{path}.owner"),
                why: format!("`{owner}` is neither a number nor one of the recipe's users"),
            })?;
            own(layer, &place, uid, gid)?;
        }
    }
    if let Some(services) = &recipe.pebble_layer {
        let name = services.get("name").and_then(toml::Value::as_str).unwrap_or("image");
        let services: toml::Table =
            services.iter().filter(|(key, _)| *key != "name").map(|(k, v)| (k.clone(), v.clone())).collect();
        // JSON is YAML.
        let text = serde_json::to_string_pretty(&services).map_err(io::Error::from)?;
        layer.write(&format!("{PEBBLE_LAYERS}/001-{name}.yaml"), text.as_bytes(), 0o644)?;
    }
    Ok(())
}

fn own(layer: &Skeleton<'_>, place: &Utf8Path, uid: u32, gid: u32) -> io::Result<()> {
    match layer.rights {
        Rights::Root => chown(place, Some(uid), Some(gid)),
        Rights::User => Ok(()),
    }
}
