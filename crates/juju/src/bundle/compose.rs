//! Laying overlays over a bundle.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use camino::{Utf8Path, Utf8PathBuf};
use charmproof_charm::yaml;
use serde_json::Value;

use crate::bundle::BundleFiles;
use crate::bundle::data::{Bundle, BundleApplication, read_document};
use crate::bundle::verify::verify;
use crate::values::go::quote;

/// A file with a bundle or an overlay. Of several documents in it, those behind the first are
/// overlays, too.
#[derive(Debug, Clone)]
pub struct BundleSource {
    /// What the file holds.
    pub text: String,
    /// The directory that its relative paths start from.
    pub directory: Utf8PathBuf,
}

/// A bundle with its overlays.
#[derive(Debug, Clone)]
pub struct Composed {
    /// The bundle, which has been checked. Paths of charms are made whole.
    pub bundle: Bundle,
    /// Fields that Juju passes over, for `--dry-run` to tell of.
    pub ignored_fields: Vec<String>,
}

/// Reads a bundle, lays overlays over it in order, and checks the outcome. The errors fit behind
/// `cannot deploy bundle: `.
pub fn compose(sources: &[BundleSource], files: &dyn BundleFiles) -> Result<Composed, String> {
    let mut ignored_fields = Vec::new();
    let mut parts: Vec<(Bundle, &Utf8Path)> = Vec::new();
    for source in sources {
        for (index, document) in documents(&source.text).into_iter().enumerate() {
            let in_document = |reason: String| format!("unmarshal document {index}: {reason}");
            let (root, _notes) = yaml::parse(Utf8Path::new("bundle"), document).map_err(|broken| {
                in_document(format!("yaml: line {}: {}", broken.place.line, broken.message))
            })?;
            let mut notes = Vec::new();
            let bundle = read_document(&root, &mut notes).map_err(in_document)?;
            if !notes.is_empty() {
                let lines = notes.join("\n  ");
                ignored_fields.push(in_document(format!("yaml: unmarshal errors:\n  {lines}")));
            }
            parts.push((bundle, &source.directory));
        }
    }
    let Some(((mut bundle, directory), overlays)) = parts.split_first().map(|(base, overlays)| {
        let (bundle, directory) = base.clone();
        ((bundle, directory), overlays)
    }) else {
        return Err("malformed bundle: bundle is empty not valid".to_owned());
    };
    // Juju checks the bundle by itself first, so that an overlay mends nothing that is wrong in it.
    verify(&bundle, directory, files, true)?;
    refuse_fields_of_overlays(&bundle)?;
    resolve(&mut bundle, directory, files)?;
    for (overlay, directory) in overlays {
        apply(&mut bundle, overlay);
        resolve(&mut bundle, directory, files)?;
    }
    verify(&bundle, directory, files, false)?;
    Ok(Composed { bundle, ignored_fields })
}

/// The documents of a text, which are kept apart by lines of three hyphens. The line stays with
/// the document behind it, and what comes before keeps its lines, so that lines are counted from
/// the beginning of each document.
fn documents(text: &str) -> Vec<&str> {
    let mut documents = Vec::new();
    let mut start = 0;
    let mut position = 0;
    for line in text.split_inclusive('\n') {
        let is_boundary = line.trim_end() == "---" || line.starts_with("--- ");
        if is_boundary && position > start {
            documents.push(&text[start..position]);
            start = position;
        }
        position += line.len();
    }
    documents.push(&text[start..]);
    let has_content = |document: &&str| {
        document.lines().any(|line| {
            let line = line.trim();
            !line.is_empty() && !line.starts_with('#') && line != "---"
        })
    };
    documents.into_iter().filter(has_content).collect()
}

fn refuse_fields_of_overlays(bundle: &Bundle) -> Result<(), String> {
    let mut errors = Vec::new();
    for (name, application) in &bundle.applications {
        for (field, is_there) in [
            ("exposed-endpoints", !application.exposed_endpoints.is_empty()),
            ("offers", !application.offers.is_empty()),
        ] {
            if is_there {
                errors.push(format!("applications.{name}.{field} can only appear in an overlay section"));
            }
        }
    }
    match errors.as_slice() {
        [] => Ok(()),
        [only] => Err(only.clone()),
        [first, rest @ ..] => Err(format!("{first} (and {} more errors)", rest.len())),
    }
}

/// Makes paths of charms whole, and puts in what options and annotations include from files.
fn resolve(bundle: &mut Bundle, directory: &Utf8Path, files: &dyn BundleFiles) -> Result<(), String> {
    for (name, application) in &mut bundle.applications {
        if application.charm.starts_with('.') {
            application.charm = clean(&directory.join(&application.charm)).into_string();
        }
        for (option, value) in &mut application.options {
            if let Value::String(text) = value {
                let included = include(text, directory, files).map_err(|reason| {
                    format!("processing option {} for application {}: {reason}", quote(option), quote(name))
                })?;
                *text = included;
            }
        }
        include_all(&mut application.annotations, directory, files).map_err(|(annotation, reason)| {
            format!("processing annotation {} for application {}: {reason}", quote(&annotation), quote(name))
        })?;
    }
    for (id, machine) in &mut bundle.machines {
        include_all(&mut machine.annotations, directory, files).map_err(|(annotation, reason)| {
            format!("processing annotation {} for machine {}: {reason}", quote(&annotation), quote(id))
        })?;
    }
    Ok(())
}

/// A path without `.` and `..`, as far as it has names to leave out.
pub(crate) fn clean(path: &Utf8Path) -> Utf8PathBuf {
    let mut cleaned = Utf8PathBuf::new();
    for component in path.components() {
        match component {
            camino::Utf8Component::CurDir => {}
            camino::Utf8Component::ParentDir if cleaned.file_name().is_some() => {
                cleaned.pop();
            }
            other @ (camino::Utf8Component::ParentDir
            | camino::Utf8Component::Prefix(_)
            | camino::Utf8Component::RootDir
            | camino::Utf8Component::Normal(_)) => cleaned.push(other),
        }
    }
    cleaned
}

fn include_all(
    texts: &mut BTreeMap<String, String>,
    directory: &Utf8Path,
    files: &dyn BundleFiles,
) -> Result<(), (String, String)> {
    for (name, text) in texts {
        *text = include(text, directory, files).map_err(|reason| (name.clone(), reason))?;
    }
    Ok(())
}

fn include(text: &str, directory: &Utf8Path, files: &dyn BundleFiles) -> Result<String, String> {
    let (path, is_encoded) = if let Some(path) = text.strip_prefix("include-file://") {
        (path, false)
    } else if let Some(path) = text.strip_prefix("include-base64://") {
        (path, true)
    } else {
        return Ok(text.to_owned());
    };
    let failed = |reason: String| format!("resolving include {}: {reason}", quote(path));
    let bytes = files.read(&clean(&directory.join(path))).map_err(failed)?;
    if is_encoded {
        return Ok(STANDARD.encode(bytes));
    }
    String::from_utf8(bytes).map_err(|_| failed("the file is not UTF-8".to_owned()))
}

fn apply(bundle: &mut Bundle, overlay: &Bundle) {
    for name in &overlay.absent_applications {
        bundle.applications.remove(name);
        remove_relations(bundle, name);
    }
    for (name, application) in &overlay.applications {
        match bundle.applications.get_mut(name) {
            Some(below) => merge(below, application),
            None => {
                bundle.applications.insert(name.clone(), application.clone());
            }
        }
    }
    for name in &overlay.absent_saas {
        bundle.saas.remove(name);
        remove_relations(bundle, name);
    }
    bundle.saas.extend(overlay.saas.clone());
    if !overlay.series.is_empty() {
        bundle.series.clone_from(&overlay.series);
    }
    bundle.relations.extend(overlay.relations.iter().cloned());
    if overlay.has_machines {
        bundle.machines.clone_from(&overlay.machines);
    }
}

fn remove_relations(bundle: &mut Bundle, application: &str) {
    let is_of = |endpoint: &String| {
        endpoint.split_once(':').map_or(endpoint.as_str(), |(name, _)| name) == application
    };
    // One that is no pair stays, so that it is found when the bundle is checked.
    bundle.relations.retain(|relation| relation.len() != 2 || !relation.iter().any(is_of));
}

/// Scalars and lists of an overlay replace what is below, maps are laid over it key by key, and an
/// empty map leaves nothing.
fn merge(below: &mut BundleApplication, above: &BundleApplication) {
    let has = |field: &str| above.fields.iter().any(|other| other == field);
    let absent = |field: &str| -> Vec<String> {
        let of_field = above.absent.iter().filter(|(other, _)| other == field);
        of_field.map(|(_, key)| key.clone()).collect()
    };
    if has("charm") {
        below.charm.clone_from(&above.charm);
    }
    if has("channel") {
        below.channel.clone_from(&above.channel);
    }
    if has("revision") {
        below.revision = above.revision;
    }
    if has("series") {
        below.series.clone_from(&above.series);
    }
    if has("base") {
        below.base.clone_from(&above.base);
    }
    if has("num_units") || has("scale") {
        below.unit_count = above.unit_count;
    }
    if has("to") || has("placement") {
        below.to.clone_from(&above.to);
    }
    if has("expose") {
        below.is_exposed = above.is_exposed;
    }
    if has("constraints") {
        below.constraints.clone_from(&above.constraints);
    }
    if has("trust") {
        below.requires_trust = above.requires_trust;
    }
    if has("resources") {
        merge_map(&mut below.resources, &above.resources, absent("resources"));
    }
    if has("exposed-endpoints") {
        merge_map(&mut below.exposed_endpoints, &above.exposed_endpoints, Vec::new());
    }
    if has("options") {
        merge_map(&mut below.options, &above.options, absent("options"));
    }
    if has("annotations") {
        merge_map(&mut below.annotations, &above.annotations, Vec::new());
    }
    if has("storage") {
        merge_map(&mut below.storage, &above.storage, Vec::new());
    }
    if has("devices") {
        merge_map(&mut below.devices, &above.devices, Vec::new());
    }
    if has("bindings") {
        merge_map(&mut below.bindings, &above.bindings, Vec::new());
    }
    if has("offers") {
        merge_map(&mut below.offers, &above.offers, absent("offers"));
    }
}

fn merge_map<T: Clone>(below: &mut BTreeMap<String, T>, above: &BTreeMap<String, T>, absent: Vec<String>) {
    if above.is_empty() && absent.is_empty() {
        below.clear();
    }
    for key in absent {
        below.remove(&key);
    }
    below.extend(above.clone());
}
