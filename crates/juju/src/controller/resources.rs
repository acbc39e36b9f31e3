//! Files of an application that its units ask for with `resource-get`.
//!
//! A unit gets them when it first asks, and again when others were attached: under the name that the
//! charm gives them, where Juju's agent puts them.

use std::collections::BTreeMap;

use camino::{Utf8Path, Utf8PathBuf};
use charmproof_agent::state::application_of;
use charmproof_agent::tools::ToolCall;
use charmproof_lifecycle::vocabulary::Name;

use super::data::ModelData;
use super::{Controller, provision};
use crate::hosting::HostingError;

/// The folder of a unit's agent that they are in.
const FOLDER: &str = "resources";

/// The files that a unit is to have, by resource: the digest, and the name of the file.
type Wanted = BTreeMap<String, (String, String)>;

/// Whether a unit asks for the file of a resource.
pub(super) fn is_asked_for(call: &ToolCall) -> bool {
    call.name() == "resource-get"
}

fn wanted(model: &ModelData, unit: &Name) -> Option<Wanted> {
    let application = model.applications.get(application_of(unit))?;
    let files = application.resources.iter().filter(|(_, resource)| resource.is_file);
    let named = files.filter_map(|(name, resource)| {
        let file = resource.file_name.clone().unwrap_or_else(|| name.clone());
        // A name with a folder in it would be one of the charm's own making.
        let file = Utf8Path::new(&file).file_name()?.to_owned();
        Some((name.clone(), (resource.digest.clone()?, file)))
    });
    Some(named.collect())
}

/// Puts the files of an application where its unit sees them, unless they are there.
pub(super) fn lay_out(controller: &Controller, model: &str, unit: &Name) -> Result<(), HostingError> {
    let known = controller.look(|held| {
        let model = held.model(model)?;
        Some((wanted(model, unit)?, model.units.get(unit)?.resources.clone()))
    });
    let Some((wanted, there)) = known else { return Ok(()) };
    let digests: BTreeMap<String, String> =
        wanted.iter().map(|(name, (digest, _))| (name.clone(), digest.clone())).collect();
    if digests == there {
        return Ok(());
    }
    let failed = |error: std::io::Error| HostingError(format!("could not lay out resources: {error}"));
    let blobs = controller.folder().blobs().join("resources");
    let staging = provision::staging(controller, model)?;
    let made = staging.join(FOLDER);
    fs_err::create_dir_all(&made).map_err(failed)?;
    for (name, (digest, file)) in &wanted {
        fs_err::create_dir_all(made.join(name)).map_err(failed)?;
        // A copy, for the unit may write to it.
        fs_err::copy(blobs.join(digest), made.join(name).join(file)).map_err(failed)?;
    }
    let agent = provision::agent_folder(controller, model, unit)?;
    let folder = agent.path(FOLDER);
    // The unit may have put a link there; that goes, and not what it leads to.
    let _ = fs_err::remove_dir_all(&folder).or_else(|_| fs_err::remove_file(&folder));
    fs_err::rename(&made, &folder).map_err(failed)?;
    let _ = fs_err::remove_dir_all(&staging);
    controller.change(|held| {
        if let Some(data) = held.model_mut(model).and_then(|model| model.units.get_mut(unit)) {
            data.resources = digests;
        }
    });
    Ok(())
}

/// Returns where a unit sees the file that it has asked for.
pub(super) fn seen(model: &ModelData, unit: &Name, call: &ToolCall) -> Option<Utf8PathBuf> {
    let words = call.arguments.iter().skip(1).filter_map(|word| std::str::from_utf8(word).ok());
    let name = words.into_iter().find(|word| !word.starts_with('-'))?;
    let all = wanted(model, unit)?;
    let (_, file) = all.get(name)?;
    let agent = provision::charm_folder(unit).parent()?.to_owned();
    Some(agent.join(FOLDER).join(name).join(file))
}
