//! Storage: folders that units have, and that outlive them.
//!
//! What is in a storage that nobody has lies in a folder of the model's own. That of a unit is moved into
//! a folder that its machine or pod sees as a whole, and is mounted from there to where the charm wants
//! it. So nothing of ours follows a path that a unit could have put a link into: names are moved from one
//! folder of ours to another, and all else is done by the first process of the machine.

use camino::{Utf8Path, Utf8PathBuf};
use charmproof_agent::state::application_of;
use charmproof_charm::metadata::{Storage, StorageKind};
use charmproof_lifecycle::model::Target;
use charmproof_lifecycle::stimulus::Stimulus;
use charmproof_lifecycle::vocabulary::{Hook, HookKind, Name, Outcome};
use charmproof_lifecycle::world::World;
use jiff::Timestamp;

use super::data::{ModelData, PoolData, StorageData};
use super::{Controller, provision};
use crate::hosting::{Host, HostingError};
use crate::values::storage::StorageConstraints;

/// Where a machine or the charm's container sees what its units have, all of it.
pub(crate) const SEEN: &str = "/var/lib/juju/.storage";
/// Where the container of a workload does.
pub(crate) const SEEN_IN_CONTAINER: &str = "/charm/.storage";
/// Where Juju mounts what has no place of its own.
const STORAGE_FOLDER: &str = "/var/lib/juju/storage";
/// How many instances of a storage one unit may have here. Charms may allow any number, and each is a folder.
const INSTANCES_MAX: u64 = 1000;
/// How large storage is when nobody says.
const SIZE_MIB: u64 = 1024;

/// Where no storage may lie: what is there is the kernel's, and protects the host.
const OF_THE_KERNEL: [&str; 3] = ["/proc", "/sys", "/dev"];

/// Refuses a storage that would lie where the kernel is told what to do.
pub(crate) fn check_location(charm: &str, declared: &Storage) -> Result<(), String> {
    let place = Utf8Path::new(declared.location.as_deref().unwrap_or(STORAGE_FOLDER));
    if OF_THE_KERNEL.iter().any(|folder| place.starts_with(folder)) {
        return Err(format!(
            "charm \"{charm}\" store \"{}\": this emulator mounts no storage at \"{place}\"",
            declared.name
        ));
    }
    Ok(())
}

/// Returns the name of the folder that an instance is.
fn folder_name(id: &str) -> String {
    id.replace('/', "-")
}

/// Returns where instances are kept that nobody has.
fn kept(controller: &Controller, model: &str) -> Utf8PathBuf {
    controller.folder().model(model).join("storage")
}

/// Where an instance is to be, as its unit sees it.
struct Wanted {
    declared: Storage,
    size_mib: u64,
    location: String,
}

fn wanted(model: &ModelData, unit: &Name, id: &Name) -> Option<Wanted> {
    let metadata = model.applications.get(application_of(unit))?.metadata.clone()?;
    let label = label_of(id);
    let declared = metadata.storages.iter().find(|storage| storage.name == label)?.clone();
    let location = match model.state.units.get(unit).and_then(|unit| unit.storages.get(id)) {
        Some(there) => there.location.clone(),
        None => location(model, unit, id, &declared),
    };
    let size_mib = model.storages.get(id).map_or(SIZE_MIB, |storage| storage.size_mib);
    Some(Wanted { declared, size_mib, location })
}

/// Returns where Juju mounts an instance (state/filesystem.go, `FilesystemMountPoint`). Pods are all made
/// alike, so on Kubernetes those of each unit are counted from zero.
fn location(model: &ModelData, unit: &Name, id: &Name, declared: &Storage) -> String {
    if let (Some(place), Some(1)) = (&declared.location, declared.count_max) {
        return place.clone();
    }
    let id = if model.is_kubernetes() {
        format!("{}/{}", declared.name, number_in_unit(model, unit, id))
    } else {
        id.to_string()
    };
    format!("{}/{id}", declared.location.as_deref().unwrap_or(STORAGE_FOLDER))
}

/// Returns the name of the storage that an instance is of.
pub(crate) fn label_of(id: &str) -> &str {
    id.split('/').next().unwrap_or_default()
}

/// Puts the folder of an instance where its unit's machine or pod sees it.
fn bring(controller: &Controller, model: &str, unit: &Name, id: &Name) -> Result<(), HostingError> {
    let failed = |error: std::io::Error| HostingError(format!("could not attach storage {id}: {error}"));
    let Some(wanted) = controller.look(|held| wanted(held.model(model)?, unit, id)) else { return Ok(()) };
    let folder = provision::place_folder(controller, model, unit).join("storage");
    let there = folder.join(folder_name(id));
    if there.symlink_metadata().is_ok() {
        return Ok(());
    }
    fs_err::create_dir_all(&folder).map_err(failed)?;
    let before = kept(controller, model).join(folder_name(id));
    if before.symlink_metadata().is_ok() {
        return fs_err::rename(before, there).map_err(failed);
    }
    let staging = provision::staging(controller, model)?;
    let made = staging.join("storage");
    match wanted.declared.kind {
        StorageKind::Filesystem => fs_err::create_dir(&made).map_err(failed)?,
        // A device of its own nobody can make here: a file of its size can be formatted as well.
        StorageKind::Block => fs_err::File::create(&made)
            .and_then(|file| file.set_len(wanted.size_mib << 20))
            .map_err(failed)?,
    }
    fs_err::rename(&made, there).map_err(failed)?;
    let _ = fs_err::remove_dir_all(&staging);
    Ok(())
}

/// Shows an instance in the places of its unit, where the charm wants it.
fn mount(controller: &Controller, model: &str, unit: &Name, id: &Name) -> Result<(), HostingError> {
    let Some(wanted) = controller.look(|held| wanted(held.model(model)?, unit, id)) else { return Ok(()) };
    let place = provision::place_of(controller, model, unit)?;
    let source = Utf8Path::new(SEEN).join(folder_name(id));
    place.mount(&source, Utf8Path::new(&wanted.location), wanted.declared.read_only)?;
    for name in provision::container_names(controller, model, unit) {
        if let Some(container) = controller.place(&(model.to_owned(), format!("{unit} {name}"))) {
            mount_in_container(controller, model, unit, &name, container.as_ref(), id)?;
        }
    }
    Ok(())
}

/// Shows an instance in the container of a workload, if the charm says where.
fn mount_in_container(
    controller: &Controller,
    model: &str,
    unit: &Name,
    container: &str,
    place: &dyn Host,
    id: &Name,
) -> Result<(), HostingError> {
    let places = controller.look(|held| Some(places_in(held.model(model)?, unit, container, id)));
    let source = Utf8Path::new(SEEN_IN_CONTAINER).join(folder_name(id));
    for (location, is_read_only) in places.unwrap_or_default() {
        place.mount(&source, Utf8Path::new(&location), is_read_only)?;
    }
    Ok(())
}

/// Returns where a container of a workload sees an instance, and whether it only reads it. Those after the
/// first of a storage have folders below its place.
fn places_in(model: &ModelData, unit: &Name, container: &str, id: &Name) -> Vec<(String, bool)> {
    let label = label_of(id);
    let application = model.applications.get(application_of(unit));
    let Some(metadata) = application.and_then(|application| application.metadata.as_ref()) else {
        return Vec::new();
    };
    let Some(declared) = metadata.storages.iter().find(|storage| storage.name == label) else {
        return Vec::new();
    };
    let number = number_in_unit(model, unit, id);
    let containers = metadata.containers.iter().filter(|known| known.name == container);
    let meant = containers.flat_map(|known| &known.mounts).filter(|mount| mount.storage == label);
    let places = meant.filter_map(|mount| mount.location.as_deref()).map(|place| match number {
        0 => place.to_owned(),
        number => format!("{place}/{label}/{number}"),
    });
    places.map(|place| (place, declared.read_only)).collect()
}

/// Returns how many instances of the same storage a unit has before this one.
fn number_in_unit(model: &ModelData, unit: &Name, id: &Name) -> usize {
    let world = model.lifecycle.units().get(unit);
    let own = world.into_iter().flat_map(World::storages);
    let number = |id: &Name| id.rsplit('/').next().and_then(|number| number.parse::<u32>().ok());
    own.filter(|other| label_of(other) == label_of(id) && number(other) < number(id)).count()
}

/// Returns the instances that a unit has, or is to have.
fn of_unit(controller: &Controller, model: &str, unit: &Name) -> Vec<Name> {
    controller.look(|held| {
        let Some(model) = held.model(model) else { return Vec::new() };
        let own = model.storages.iter().filter(|(_, storage)| storage.owner.as_ref() == Some(unit));
        own.map(|(id, _)| id.clone()).collect()
    })
}

/// Brings what a unit has to where its pod will see it, before there are containers.
pub(super) fn bring_all(controller: &Controller, model: &str, unit: &Name) -> Result<(), HostingError> {
    of_unit(controller, model, unit).iter().try_for_each(|id| bring(controller, model, unit, id))
}

/// Mounts what a container of a workload is to see, before anything runs there.
pub(crate) fn mount_all_in_container(
    controller: &Controller,
    model: &str,
    unit: &Name,
    container: &str,
    place: &dyn Host,
) -> Result<(), HostingError> {
    let ids = of_unit(controller, model, unit);
    ids.iter().try_for_each(|id| mount_in_container(controller, model, unit, container, place, id))
}

/// Mounts again what a unit has, after its machine or pod was started anew. On Kubernetes that is all that
/// it is ever going to have.
pub(super) fn mount_again(controller: &Controller, model: &str, unit: &Name) -> Result<(), HostingError> {
    let ids = controller.look(|held| {
        let Some(model) = held.model(model) else { return Vec::new() };
        let has = |id: &Name| model.state.units.get(unit).is_some_and(|unit| unit.storages.contains_key(id));
        let own = model.storages.iter().filter(|(_, storage)| storage.owner.as_ref() == Some(unit));
        own.map(|(id, _)| id.clone()).filter(|id| model.is_kubernetes() || has(id)).collect::<Vec<_>>()
    });
    ids.iter().try_for_each(|id| {
        // It was put away, if whoever did so was killed before that was written down.
        bring(controller, model, unit, id)?;
        mount(controller, model, unit, id)
    })
}

/// Gives a unit what a hook is about to tell it of.
pub(super) fn attach(
    controller: &Controller,
    model: &str,
    unit: &Name,
    hook: &Hook,
) -> Result<(), HostingError> {
    let (HookKind::StorageAttached, Some(id)) = (hook.kind, &hook.storage_id) else { return Ok(()) };
    bring(controller, model, unit, id)?;
    mount(controller, model, unit, id)?;
    controller.change(|held| {
        let Some(model) = held.model_mut(model) else { return };
        if let Some(wanted) = wanted(model, unit, id) {
            // A unit that is gone has nothing.
            let _ = model.state.attach_storage(unit, id, Some(&wanted.location));
        }
    });
    Ok(())
}

/// Takes from a unit what a hook has told it of, before that is written down: after a crash it is done again.
pub(super) fn detach(controller: &Controller, model: &str, unit: &Name, id: &Name) {
    let location = controller.look(|held| {
        let storages = &held.model(model)?.state.units.get(unit)?.storages;
        storages.get(id).map(|storage| storage.location.clone())
    });
    if let (Ok(place), Some(location)) = (provision::place_of(controller, model, unit), location)
        && let Err(error) = place.unmount(Utf8Path::new(&location))
    {
        controller.complain(&format!("storage {id} of {unit} stays mounted: {error}"));
    }
    put_away(controller, model, unit, id);
}

/// Moves what is in an instance to where nobody sees it.
fn put_away(controller: &Controller, model: &str, unit: &Name, id: &Name) {
    let there = provision::place_folder(controller, model, unit).join("storage").join(folder_name(id));
    if there.symlink_metadata().is_err() {
        return;
    }
    let folder = kept(controller, model);
    let moved =
        fs_err::create_dir_all(&folder).and_then(|()| fs_err::rename(&there, folder.join(folder_name(id))));
    if let Err(error) = moved {
        controller.complain(&format!("what is in storage {id} could not be kept: {error}"));
    }
}

/// Removes what is in those instances that are no more.
pub(super) fn remove_gone<'a>(controller: &Controller, model: &str, ids: impl IntoIterator<Item = &'a Name>) {
    for id in ids {
        let is_known =
            controller.look(|held| held.model(model).is_some_and(|model| model.storages.contains_key(id)));
        if !is_known {
            remove_content(controller, model, id);
        }
    }
}

/// Removes what is in an instance that nobody has.
pub(crate) fn remove_content(controller: &Controller, model: &str, id: &str) {
    remove(controller, &kept(controller, model).join(folder_name(id)));
}

fn remove(controller: &Controller, path: &Utf8Path) {
    match path.symlink_metadata() {
        Ok(data) if data.is_dir() => controller.hosting().remove_folder(path),
        Ok(_) => drop(fs_err::remove_file(path)),
        Err(_) => {}
    }
}

/// Decides what becomes of the storage of a unit that is no more, before its folders are removed.
pub(super) fn leave(controller: &Controller, model: &str, unit: &Name) {
    let ids = of_unit(controller, model, unit);
    // A unit that was forced to go may leave its machine to others.
    if let Ok(place) = provision::place_of(controller, model, unit) {
        let places = controller.look(|held| {
            let model = held.model(model)?;
            Some(ids.iter().filter_map(|id| Some(wanted(model, unit, id)?.location)).collect::<Vec<_>>())
        });
        for location in places.unwrap_or_default() {
            // With the machine goes all that is mounted there.
            let _ = place.unmount(Utf8Path::new(&location));
        }
    }
    for id in &ids {
        put_away(controller, model, unit, id);
    }
    controller.change(|held| {
        let Some(model) = held.model_mut(model) else { return };
        for id in &ids {
            let stays = model
                .storages
                .get(id)
                .is_some_and(|storage| !storage.is_dying && model.is_detachable(storage));
            if !stays {
                model.storages.remove(id);
            } else if let Some(storage) = model.storages.get_mut(id) {
                release(storage);
            }
        }
    });
    remove_gone(controller, model, &ids);
}

fn release(storage: &mut StorageData) {
    storage.owner = None;
    storage.is_attached = false;
    storage.location.clear();
    storage.since = Timestamp::now();
}

/// Follows what storage hooks tell: an instance is there, or is gone.
pub(super) fn note(model: &mut ModelData, unit: &Name, hook: &Hook, outcome: Outcome) {
    let Some(id) = &hook.storage_id else { return };
    match hook.kind {
        HookKind::StorageDetaching if outcome.is_committed() => {
            // What a unit leaves behind that its machine cannot give away goes with it.
            let goes = model.state.units.get(unit).is_none_or(|unit| unit.is_dying);
            let stays = model
                .storages
                .get(id)
                .is_some_and(|storage| !storage.is_dying && (!goes || model.is_detachable(storage)));
            if !stays {
                model.storages.remove(id);
            } else if let Some(storage) = model.storages.get_mut(id) {
                release(storage);
            }
        }
        HookKind::StorageAttached => {
            let there = model.state.units.get(unit).and_then(|unit| unit.storages.get(id));
            let location = there.map(|there| there.location.clone());
            if let (Some(storage), Some(location)) = (model.storages.get_mut(id), location) {
                storage.is_attached = true;
                storage.location = location;
                storage.since = Timestamp::now();
            }
        }
        _ => {}
    }
}

/// A pool that every model of a kind has.
struct Provider {
    name: &'static str,
    /// Whether what comes from it belongs to a machine.
    is_of_machine: bool,
    /// Whether there are file systems of it.
    has_filesystems: bool,
    /// Whether there are block devices of it.
    has_blocks: bool,
}

const ON_MACHINES: [Provider; 4] = [
    Provider { name: "loop", is_of_machine: true, has_filesystems: false, has_blocks: true },
    Provider { name: "lxd", is_of_machine: false, has_filesystems: true, has_blocks: false },
    Provider { name: "rootfs", is_of_machine: true, has_filesystems: true, has_blocks: false },
    Provider { name: "tmpfs", is_of_machine: true, has_filesystems: true, has_blocks: false },
];
const ON_KUBERNETES: [Provider; 3] = [
    Provider { name: "kubernetes", is_of_machine: false, has_filesystems: false, has_blocks: true },
    Provider { name: "rootfs", is_of_machine: true, has_filesystems: true, has_blocks: false },
    Provider { name: "tmpfs", is_of_machine: true, has_filesystems: true, has_blocks: false },
];

impl ModelData {
    fn providers(&self) -> &'static [Provider] {
        if self.is_kubernetes() { &ON_KUBERNETES } else { &ON_MACHINES }
    }

    /// Returns the names of those that storage can come from without a pool being made.
    pub(crate) fn storage_providers(&self) -> impl Iterator<Item = &'static str> {
        self.providers().iter().map(|provider| provider.name)
    }

    fn provider(&self, name: &str) -> Option<&'static Provider> {
        self.providers().iter().find(|provider| provider.name == name)
    }

    fn provider_of_pool(&self, pool: &str) -> Option<&'static Provider> {
        let name = self.pools.get(pool).map_or(pool, |pool| pool.provider.as_str());
        self.provider(name)
    }

    /// Whether an instance can be given to another unit: it is not part of its machine.
    pub(crate) fn is_detachable(&self, storage: &StorageData) -> bool {
        self.provider_of_pool(&storage.pool).is_none_or(|provider| !provider.is_of_machine)
    }

    /// Whether the charm of who has an instance only reads it.
    pub(crate) fn is_storage_read_only(&self, id: &str) -> bool {
        let owner = self.storages.get(id).and_then(|storage| storage.owner.as_ref());
        let application = owner.and_then(|unit| self.applications.get(application_of(unit)));
        let declared = application.into_iter().filter_map(|data| data.metadata.as_ref());
        let mut declared = declared.flat_map(|metadata| &metadata.storages);
        declared.any(|storage| storage.name == label_of(id) && storage.read_only)
    }

    /// Returns what storage is made of when nobody says.
    fn default_pool(&self, kind: StorageKind) -> String {
        let key = match kind {
            StorageKind::Filesystem => "storage-default-filesystem-source",
            StorageKind::Block => "storage-default-block-source",
        };
        let usual = match (self.is_kubernetes(), kind) {
            (true, _) => "kubernetes",
            (false, StorageKind::Filesystem) => "rootfs",
            (false, StorageKind::Block) => "loop",
        };
        self.config_text(key).filter(|pool| !pool.is_empty()).unwrap_or_else(|| usual.to_owned())
    }

    /// Refuses what a charm does not allow, in Juju's words (state/storage.go,
    /// `validateStorageConstraintsAgainstCharm`).
    pub(crate) fn check_storage(
        &self,
        charm: &str,
        declared: &Storage,
        asked: &StorageConstraints,
        count: u64,
    ) -> Result<(), String> {
        check_location(charm, declared)?;
        let at = format!("charm \"{charm}\" store \"{}\"", declared.name);
        let (minimum, maximum) = (u64::from(declared.count_min), declared.count_max.map(u64::from));
        if declared.shared {
            return Err(format!("{at}: shared storage support not implemented"));
        }
        if (minimum, maximum) == (1, Some(1)) && count != 1 {
            return Err(format!("{at}: storage is singular, {count} specified"));
        }
        if count < minimum {
            return Err(format!("{at}: {minimum} instances required, {count} specified"));
        }
        if let Some(maximum) = maximum.filter(|maximum| count > *maximum) {
            return Err(format!("{at}: at most {maximum} instances supported, {count} specified"));
        }
        if count > INSTANCES_MAX {
            return Err(format!(
                "{at}: this emulator supports at most {INSTANCES_MAX} instances, {count} specified"
            ));
        }
        let size_mib = asked.size_mib.unwrap_or_else(|| declared.minimum_size_mib.unwrap_or(SIZE_MIB));
        if let Some(least_mib) = declared.minimum_size_mib.filter(|least_mib| size_mib < *least_mib) {
            return Err(format!(
                "{at}: minimum storage size is {}, {} specified",
                human_size(least_mib),
                human_size(size_mib)
            ));
        }
        let Some(pool) = &asked.pool else { return Ok(()) };
        let provider = self.provider_of_pool(pool).ok_or_else(|| format!("pool \"{pool}\" not found"))?;
        // File systems can be made on devices.
        let (is_supported, kind) = match declared.kind {
            StorageKind::Filesystem => (provider.has_filesystems || provider.has_blocks, "filesystem"),
            StorageKind::Block => (provider.has_blocks, "block"),
        };
        if is_supported {
            Ok(())
        } else {
            Err(format!("\"{}\" provider does not support \"{kind}\" storage", provider.name))
        }
    }

    /// Notes instances that units are to have, and that nobody has noted yet: those of a unit that is
    /// deployed, and those that a charm or a person has asked for.
    pub(crate) fn note_new_storage(&mut self, asked: Option<&StorageConstraints>) {
        let mut new: Vec<(Name, Name)> = Vec::new();
        for (unit, world) in self.lifecycle.units() {
            let unknown = world.storages().filter(|id| !self.storages.contains_key(*id));
            new.extend(unknown.map(|id| (unit.clone(), id.clone())));
        }
        for (unit, id) in new {
            let Some(application) = self.applications.get(application_of(&unit)) else { continue };
            let metadata = application.metadata.iter();
            let mut declared = metadata.flat_map(|metadata| metadata.storages.iter());
            let Some(declared) = declared.find(|storage| storage.name == label_of(&id)).cloned() else {
                continue;
            };
            let of_application = application.storage.get(label_of(&id));
            let of_application = of_application.and_then(|text| StorageConstraints::parse(text).ok());
            let said = |constraints: Option<&StorageConstraints>| {
                let pool = constraints.and_then(|asked| asked.pool.clone()).filter(|pool| !pool.is_empty());
                (pool, constraints.and_then(|asked| asked.size_mib).filter(|size| *size > 0))
            };
            let (pool, size_mib) = said(asked);
            let (usual_pool, usual_size_mib) = said(of_application.as_ref());
            let size_mib = size_mib.or(usual_size_mib).or(declared.minimum_size_mib);
            let pool = pool.or(usual_pool);
            let storage = StorageData {
                owner: Some(unit),
                is_attached: false,
                pool: pool.unwrap_or_else(|| self.default_pool(declared.kind)),
                size_mib: size_mib.unwrap_or(SIZE_MIB),
                is_filesystem: declared.kind != StorageKind::Block,
                location: String::new(),
                is_dying: false,
                since: Timestamp::now(),
            };
            self.storages.insert(id, storage);
        }
    }

    /// Adds instances of a storage to a unit. Returns their ids.
    pub(crate) fn add_storage(
        &mut self,
        unit: &Name,
        label: &str,
        asked: &StorageConstraints,
    ) -> Result<Vec<Name>, String> {
        let not_found = || format!("charm storage \"{label}\" not found");
        let application = self.applications.get(application_of(unit)).ok_or_else(not_found)?;
        let (metadata, charm) = (application.metadata.clone(), application.charm.name.clone());
        let declared = metadata.iter().flat_map(|metadata| metadata.storages.iter());
        let declared = declared.into_iter().find(|storage| storage.name == label).ok_or_else(not_found)?;
        let world = self.lifecycle.units().get(unit);
        let has = world.map_or(0, |world| world.storages().filter(|id| label_of(id) == label).count() as u64);
        count_change(declared, has, asked.count)?;
        self.check_storage(&charm, declared, asked, has.saturating_add(asked.count))?;
        let mut ids = Vec::new();
        for _ in 0..asked.count {
            let id = Name::from(label).numbered(self.lifecycle.next_storage());
            let stimulus = Stimulus::StorageAdded { storage_id: id.clone() };
            self.poke(&Target::Unit(unit.clone()), &stimulus).map_err(|error| error.to_string())?;
            ids.push(id);
        }
        self.note_new_storage(Some(asked));
        Ok(ids)
    }

    /// Gives an instance that nobody has to a unit.
    pub(crate) fn attach_storage(&mut self, unit: &Name, id: &str) -> Result<(), String> {
        let Some(storage) = self.storages.get(id) else {
            return Err(format!("storage instance \"{id}\" not found"));
        };
        if storage.is_dying {
            return Err("storage not alive".to_owned());
        }
        match &storage.owner {
            Some(owner) if owner == unit => {
                return Err(format!("storage attachment \"{id}\" on \"{unit}\" already exists"));
            }
            Some(owner) => {
                return Err(format!("cannot attach storage owned by unit {owner} to unit {unit}"));
            }
            None => {}
        }
        let application = self.applications.get(application_of(unit));
        let metadata = application.and_then(|application| application.metadata.clone());
        let declared = metadata.iter().flat_map(|metadata| metadata.storages.iter());
        let Some(declared) = declared.into_iter().find(|storage| storage.name == label_of(id)) else {
            let charm = application.map(|data| data.charm.name.clone()).unwrap_or_default();
            return Err(format!("charm {charm} has no storage called {}", label_of(id)));
        };
        let world = self.lifecycle.units().get(unit);
        let has = world
            .map_or(0, |world| world.storages().filter(|own| label_of(own) == label_of(id)).count() as u64);
        count_change(declared, has, 1)?;
        self.lifecycle.attach_storage(unit, &id.into()).map_err(|error| error.to_string())?;
        if let Some(storage) = self.storages.get_mut(id) {
            storage.owner = Some(unit.clone());
            storage.since = Timestamp::now();
        }
        Ok(())
    }

    /// Makes a pool, or changes the attributes of one.
    pub(crate) fn set_pool(&mut self, name: &str, pool: PoolData) -> Result<(), String> {
        if self.provider(&pool.provider).is_none() {
            return Err(format!("storage provider \"{}\" not found", pool.provider));
        }
        self.pools.insert(name.to_owned(), pool);
        Ok(())
    }
}

/// Refuses more instances than a charm wants (state/storage.go, `validateCharmStorageCountChange`).
fn count_change(declared: &Storage, has: u64, more: u64) -> Result<(), String> {
    let total = has.saturating_add(more);
    if (declared.count_min, declared.count_max) == (1, Some(1)) && total != 1 {
        return Err("cannot attach, storage is singular".to_owned());
    }
    let plural = if more == 1 { "" } else { "s" };
    match declared.count_max.map(u64::from) {
        Some(maximum) if total > maximum => Err(format!(
            "attaching {more} storage instance{plural} brings the total to {total}, exceeding the maximum of {maximum}"
        )),
        Some(_) | None => Ok(()),
    }
}

/// Writes a size as Juju does in errors: in thousands.
fn human_size(mib: u64) -> String {
    const UNITS: [&str; 4] = ["MB", "GB", "TB", "PB"];
    let mut size = mib as f64;
    let mut unit = 0;
    while size >= 1000.0 && unit + 1 < UNITS.len() {
        size /= 1000.0;
        unit += 1;
    }
    let decimals = usize::from(size < 10.0);
    format!("{size:.decimals$} {}", UNITS[unit])
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use charmproof_charm::metadata::{CharmMetadata, CharmTexts};
    use proptest::prelude::*;

    use super::*;
    use crate::controller::data::{CharmData, ModelPlatform};

    const METADATA: &str = "name: web\nstorage:\n  data: {type: filesystem, location: /srv/data}\n  logs: {type: \
                            filesystem, multiple: {range: 0-}}\n  page: {type: filesystem, location: /srv/page, \
                            multiple: {range: 0-2}, minimum-size: 2G}\n  disk: {type: block, multiple: {range: \
                            0-1}}\n";

    fn model(platform: ModelPlatform) -> ModelData {
        let metadata = CharmMetadata::parse(CharmTexts { metadata: Some(METADATA), ..CharmTexts::default() });
        let charm = CharmData::example("web");
        let mut model = ModelData::new("5d3ac0fe".to_owned(), "m", "c", "localhost", platform);
        model.add_application(&"web".into(), &Arc::new(metadata), charm).unwrap();
        for _ in 0..2 {
            model.add_unit(&"web".into(), None, None).unwrap();
            model.note_new_storage(None);
        }
        model
    }

    fn asked(text: &str) -> StorageConstraints {
        StorageConstraints::parse(text).unwrap()
    }

    fn declared(model: &ModelData, label: &str) -> Storage {
        let metadata = model.applications["web"].metadata.clone().unwrap();
        metadata.storages.iter().find(|storage| storage.name == label).unwrap().clone()
    }

    #[test]
    fn each_has_its_place() {
        let check = |platform: ModelPlatform, id: &str, expected: &str| {
            let mut model = model(platform);
            let unit = Name::from("web/1");
            for label in ["logs", "logs", "page", "page"] {
                model.add_storage(&unit, label, &asked("1,4G")).unwrap();
            }
            let found = location(&model, &unit, &id.into(), &declared(&model, label_of(id)));
            assert_eq!(found, expected);
        };
        let (machine, kubernetes) = (ModelPlatform::Machine, ModelPlatform::Kubernetes);
        check(machine, "data/1", "/srv/data");
        check(machine, "logs/3", "/var/lib/juju/storage/logs/3");
        check(machine, "page/5", "/srv/page/page/5");
        check(kubernetes, "data/1", "/srv/data");
        check(kubernetes, "logs/2", "/var/lib/juju/storage/logs/0");
        check(kubernetes, "logs/3", "/var/lib/juju/storage/logs/1");
        check(kubernetes, "page/5", "/srv/page/page/1");
    }

    #[test]
    fn nothing_lies_where_the_kernel_is_told_what_to_do() {
        let declared = declared(&model(ModelPlatform::Machine), "data");
        let check = |location: Option<&str>, is_refused: bool| {
            let storage = Storage { location: location.map(str::to_owned), ..declared.clone() };
            assert_eq!(check_location("web", &storage).is_err(), is_refused, "{location:?}");
        };
        for location in [None, Some("/srv/data"), Some("/device"), Some("/var/sys")] {
            check(location, false);
        }
        for location in ["/proc/sys", "/sys", "//dev/shm/", "/proc/../proc"] {
            check(Some(location), true);
        }
    }

    #[test]
    fn what_a_charm_does_not_allow_is_refused() {
        let model = model(ModelPlatform::Machine);
        let check = |label: &str, text: &str, expected: &str| {
            let constraints = asked(text);
            let refused =
                model.check_storage("web", &declared(&model, label), &constraints, constraints.count);
            assert_eq!(refused.err().unwrap_or_default(), expected, "{label}={text}");
        };
        check("data", "lxd,1G", "");
        check("data", "2", "charm \"web\" store \"data\": storage is singular, 2 specified");
        check("page", "3,4G", "charm \"web\" store \"page\": at most 2 instances supported, 3 specified");
        check("page", "1G", "charm \"web\" store \"page\": minimum storage size is 2.0 GB, 1.0 GB specified");
        check(
            "logs",
            "18446744073709551615",
            "charm \"web\" store \"logs\": this emulator supports at most 1000 instances, 18446744073709551615 specified",
        );
        check("data", "ebs", "pool \"ebs\" not found");
        check("data", "loop", "");
        check("disk", "loop", "");
        check("disk", "tmpfs", "\"tmpfs\" provider does not support \"block\" storage");
    }

    /// Something that a person does.
    #[derive(Clone, Debug)]
    enum Step {
        Add(u8, &'static str),
        Detach(u8),
        Attach(u8, u8),
    }

    fn step() -> impl Strategy<Value = Step> {
        let unit = 0_u8..2;
        let label = prop::sample::select(vec!["data", "logs", "page", "disk", "nothing"]);
        prop_oneof![
            (unit.clone(), label).prop_map(|(unit, label)| Step::Add(unit, label)),
            any::<u8>().prop_map(Step::Detach),
            (any::<u8>(), unit).prop_map(|(id, unit)| Step::Attach(id, unit)),
        ]
    }

    proptest! {
        #[test]
        fn an_instance_has_one_unit_at_most(steps in prop::collection::vec(step(), 0..30)) {
            let mut model = model(ModelPlatform::Machine);
            for step in steps {
                let nth = |model: &ModelData, number: u8| {
                    model.storages.keys().nth(usize::from(number) % model.storages.len().max(1)).cloned()
                };
                match step {
                    Step::Add(unit, label) => {
                        // What is refused changes nothing.
                        let _ = model.add_storage(&Name::from("web").numbered(unit.into()), label, &asked("1,4G"));
                    }
                    Step::Detach(number) => {
                        let Some(id) = nth(&model, number) else { continue };
                        let Some(unit) = model.storages[&id].owner.clone() else { continue };
                        let stimulus = Stimulus::StorageDetached { storage_id: id.clone() };
                        // It was never told of it, so that it goes without a hook.
                        model.poke(&Target::Unit(unit), &stimulus).unwrap();
                        release(model.storages.get_mut(&id).unwrap());
                    }
                    Step::Attach(number, unit) => {
                        let Some(id) = nth(&model, number) else { continue };
                        let _ = model.attach_storage(&Name::from("web").numbered(unit.into()), &id);
                    }
                }
                let mut found: BTreeMap<&Name, &Name> = BTreeMap::new();
                for (unit, world) in model.lifecycle.units() {
                    for id in world.storages() {
                        prop_assert_eq!(found.insert(id, unit), None, "{} is at two units", id);
                    }
                }
                for (id, storage) in &model.storages {
                    prop_assert_eq!(found.get(id).copied(), storage.owner.as_ref(), "{}", id);
                }
                let pages = |unit: &str| {
                    let world = model.lifecycle.units().get(&Name::from(unit)).unwrap();
                    world.storages().filter(|id| label_of(id) == "page").count()
                };
                prop_assert!(pages("web/0") <= 2 && pages("web/1") <= 2);
            }
        }

        #[test]
        fn no_two_instances_share_a_folder(
            one in "[a-z]{1,3}(-[a-z0-9]{1,2})?/[0-9]{1,3}",
            other in "[a-z]{1,3}(-[a-z0-9]{1,2})?/[0-9]{1,3}",
        ) {
            prop_assert_eq!(folder_name(&one) == folder_name(&other), one == other);
        }
    }
}
