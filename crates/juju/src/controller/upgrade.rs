//! Another charm for a unit that has one: the files change, and what the charm has written stays.

use camino::{Utf8Path, Utf8PathBuf};
use charmproof_agent::state::application_of;
use charmproof_lifecycle::vocabulary::Name;

use super::provision::{Opened, agent_folder, failed};
use super::{Controller, hook};
use crate::hosting::HostingError;

/// The folders of a charm that comes and of one that goes, while it is replaced. The new one has another
/// name when nothing is left of the old charm but what it has written.
pub(super) const NEW: &str = "new";
const READY: &str = "ready";
pub(super) const OLD: &str = "old";

/// Replaces the charm's files by those of the application's charm, when `upgrade-charm` begins. What
/// the charm has written beside its own files stays, as Juju keeps it.
pub(super) fn replace_charm(controller: &Controller, model: &str, unit: &Name) -> Result<(), HostingError> {
    let digests = controller.look(|held| {
        let model = held.model(model)?;
        let old = model.units.get(unit)?.charm_digest.clone();
        let charm = &model.applications.get(application_of(unit))?.charm;
        Some((old, charm.digest.clone(), charm.revision))
    });
    let Some((old, new, revision)) = digests else { return Ok(()) };
    if old == new {
        return Ok(());
    }
    let agent = agent_folder(controller, model, unit)?;
    let replaced = folder(controller, model, unit);
    // An attempt that went wrong may have left there what the charm has written.
    finish(controller, model, unit, &old)?;
    controller.hosting().remove_folder(&replaced);
    crate::charms::lay_out(controller.folder(), &new, &replaced.join(NEW))
        .map_err(failed("lay out the charm"))?;
    fs_err::rename(agent.path("charm"), replaced.join(OLD)).map_err(failed("replace the charm"))?;
    put_new_charm(controller, &replaced, &agent, &old)?;
    controller.change(|held| {
        let unit = held.model_mut(model).and_then(|model| model.units.get_mut(unit));
        if let Some(unit) = unit {
            (unit.charm_digest, unit.charm_revision) = (new, revision);
        }
    });
    controller.hosting().remove_folder(&replaced);
    Ok(())
}

/// Returns where a unit's charm is while it is replaced.
pub(super) fn folder(controller: &Controller, model: &str, unit: &Name) -> Utf8PathBuf {
    controller.folder().model(model).join("replaced").join(super::uniter::entity(unit))
}

/// Does the rest of what was begun and not done: somebody was killed, or something went wrong.
pub(super) fn finish(
    controller: &Controller,
    model: &str,
    unit: &Name,
    old: &str,
) -> Result<(), HostingError> {
    let replaced = folder(controller, model, unit);
    if !is_there(&replaced.join(OLD)) {
        return Ok(());
    }
    put_new_charm(controller, &replaced, &agent_folder(controller, model, unit)?, old)
}

/// Puts a charm that is laid out into its place. What the one before has written at its top stays where it
/// is: some of it may belong to users of the machine, whose folders we may not move. Whatever goes wrong,
/// this can be done again.
fn put_new_charm(
    controller: &Controller,
    replaced: &Utf8Path,
    agent: &Opened,
    old: &str,
) -> Result<(), HostingError> {
    let trouble = || failed("replace the charm");
    let (new, ready, before) = (replaced.join(NEW), replaced.join(READY), replaced.join(OLD));
    // What a unit has put there instead of a folder is left alone: it may lead anywhere.
    if !before.symlink_metadata().is_ok_and(|metadata| metadata.is_dir()) {
        put_charm(&new, replaced, agent).map_err(trouble())?;
        return remove(controller, &before).map_err(trouble());
    }
    if is_there(&new) {
        for name in crate::charms::names(controller.folder(), old).map_err(trouble())? {
            remove(controller, &before.join(name)).map_err(trouble())?;
        }
        // From here on, what has a name of the old charm's files may be one of the new charm's.
        fs_err::rename(&new, &ready).map_err(trouble())?;
    }
    for entry in ready.read_dir_utf8().into_iter().flatten() {
        let entry = entry.map_err(trouble())?;
        let place = before.join(entry.file_name());
        remove(controller, &place).and_then(|()| fs_err::rename(entry.path(), place)).map_err(trouble())?;
    }
    put_charm(&before, replaced, agent).map_err(trouble())
}

/// Moves a charm to where its unit sees it. What still runs there may have made a folder of that name, with
/// a log in it.
fn put_charm(made: &Utf8Path, replaced: &Utf8Path, agent: &Opened) -> std::io::Result<()> {
    const ATTEMPTS: u32 = 100;
    let place = agent.path("charm");
    let mut attempts = 0..ATTEMPTS;
    loop {
        if is_there(&place) {
            let aside = replaced.join(hook::random(0));
            fs_err::rename(&place, &aside)?;
            for entry in aside.read_dir_utf8().into_iter().flatten().flatten() {
                let kept = made.join(entry.file_name());
                if !is_there(&kept) {
                    // Folders of the machine's users stay behind.
                    let _ = fs_err::rename(entry.path(), kept);
                }
            }
        }
        match fs_err::rename(made, &place) {
            Err(error) if is_there(&place) && attempts.next().is_some() => drop(error),
            done => return done,
        }
    }
}

/// Whether there is something of a name, wherever it leads.
fn is_there(path: &Utf8Path) -> bool {
    path.symlink_metadata().is_ok()
}

/// Removes what has a name, whoever it belongs to.
fn remove(controller: &Controller, path: &Utf8Path) -> std::io::Result<()> {
    match path.symlink_metadata() {
        Err(_) => return Ok(()),
        Ok(metadata) if metadata.is_dir() => controller.hosting().remove_folder(path),
        Ok(_) => fs_err::remove_file(path)?,
    }
    if is_there(path) { Err(std::io::Error::other(format!("{path} cannot be removed"))) } else { Ok(()) }
}
