//! What `juju storage`, `juju show-storage` and `juju storage-pools` show.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::Value;

use super::colour::Colour;
use super::document::{only_json, only_yaml, unless_empty_in_yaml};
use super::order::name_and_number;
use super::table::Table;

/// All storage of a model.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct StorageListView {
    /// Storage by its id, `data/0`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub storage: BTreeMap<String, StorageView>,
    /// The file systems behind it.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub filesystems: BTreeMap<String, FilesystemView>,
    /// The volumes behind it.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub volumes: BTreeMap<String, VolumeView>,
}

impl StorageListView {
    /// Whether there is no storage.
    pub fn is_empty(&self) -> bool {
        self.storage.is_empty() && self.filesystems.is_empty() && self.volumes.is_empty()
    }
}

/// How storage is, and since when.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct StorageStatusView {
    /// `pending`, `attached` and so on.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub current: String,
    /// What is said about it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub message: String,
    /// Since when, as [`Times::since`](super::time::Times::since) writes it; never in UTC.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub since: String,
}

/// One piece of storage. `juju show-storage` prints a map of these.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct StorageView {
    /// `filesystem` or `block`.
    pub kind: String,
    /// `alive`, `dying` or `dead`; empty where nothing is said.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub life: String,
    /// How it is.
    pub status: StorageStatusView,
    /// Whether it outlives its unit.
    pub persistent: bool,
    /// Who has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attachments: Option<StorageAttachmentsView>,
}

/// Who has a piece of storage.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct StorageAttachmentsView {
    /// Units, by name.
    pub units: BTreeMap<String, UnitAttachmentView>,
}

/// How a unit has a piece of storage.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct UnitAttachmentView {
    /// The unit's machine.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub machine: String,
    /// Where the unit finds it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub location: String,
    /// `alive`, `dying` or `dead`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub life: String,
}

/// A file system.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FilesystemView {
    /// What the cloud calls it.
    pub provider_id: String,
    /// The volume that it is on.
    pub volume: String,
    /// The storage that it is.
    pub storage: String,
    /// Who has it.
    pub attachments: Option<FilesystemAttachmentsView>,
    /// The pool that it comes from.
    pub pool: String,
    /// Its size.
    pub size_mib: u64,
    /// `alive`, `dying` or `dead`.
    pub life: String,
    /// How it is.
    pub status: StorageStatusView,
}

impl Serialize for FilesystemView {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        /// In JSON alone, Juju writes the name of the attachments with a capital.
        #[derive(Serialize)]
        #[serde(rename_all = "kebab-case")]
        struct Printed<'a> {
            #[serde(skip_serializing_if = "str::is_empty")]
            provider_id: &'a str,
            #[serde(skip_serializing_if = "str::is_empty")]
            volume: &'a str,
            #[serde(skip_serializing_if = "str::is_empty")]
            storage: &'a str,
            #[serde(rename = "Attachments", serialize_with = "only_json")]
            attachments_in_json: &'a Option<FilesystemAttachmentsView>,
            #[serde(rename = "attachments", serialize_with = "only_yaml")]
            attachments_in_yaml: &'a Option<FilesystemAttachmentsView>,
            #[serde(skip_serializing_if = "str::is_empty")]
            pool: &'a str,
            size: u64,
            #[serde(skip_serializing_if = "str::is_empty")]
            life: &'a str,
            #[serde(serialize_with = "unless_empty_in_yaml")]
            status: &'a StorageStatusView,
        }
        let printed = Printed {
            provider_id: &self.provider_id,
            volume: &self.volume,
            storage: &self.storage,
            attachments_in_json: &self.attachments,
            attachments_in_yaml: &self.attachments,
            pool: &self.pool,
            size: self.size_mib,
            life: &self.life,
            status: &self.status,
        };
        printed.serialize(serializer)
    }
}

/// Who has a file system.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct FilesystemAttachmentsView {
    /// Machines, by number.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub machines: BTreeMap<String, FilesystemAttachmentView>,
    /// Pods, by the name of their unit.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub containers: BTreeMap<String, FilesystemAttachmentView>,
    /// Units, by name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub units: BTreeMap<String, UnitAttachmentView>,
}

/// Where a machine or a pod has a file system.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct FilesystemAttachmentView {
    /// The folder.
    pub mount_point: String,
    /// Whether it is not written to.
    pub read_only: bool,
    /// `alive`, `dying` or `dead`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub life: String,
}

/// A volume.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct VolumeView {
    /// What the cloud calls it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub provider_id: String,
    /// The storage that it is.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub storage: String,
    /// Who has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attachments: Option<VolumeAttachmentsView>,
    /// The pool that it comes from.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub pool: String,
    /// The serial number of the disk.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub hardware_id: String,
    /// The world-wide name of the disk.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub wwn: String,
    /// Its size.
    #[serde(rename = "size")]
    pub size_mib: u64,
    /// Whether it outlives its machine.
    pub persistent: bool,
    /// `alive`, `dying` or `dead`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub life: String,
    /// How it is.
    #[serde(serialize_with = "unless_empty_in_yaml")]
    pub status: StorageStatusView,
}

/// Who has a volume.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct VolumeAttachmentsView {
    /// Machines, by number.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub machines: BTreeMap<String, VolumeAttachmentView>,
    /// Pods, by the name of their unit.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub containers: BTreeMap<String, VolumeAttachmentView>,
    /// Units, by name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub units: BTreeMap<String, UnitAttachmentView>,
}

/// As what a machine or a pod has a volume.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct VolumeAttachmentView {
    /// The device, `loop0`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub device: String,
    /// A link to the device.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub device_link: String,
    /// Whether it is not written to.
    pub read_only: bool,
    /// `alive`, `dying` or `dead`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub life: String,
}

/// A pool that storage comes from. `juju storage-pools` prints a map of these.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct PoolView {
    /// Who provides it.
    pub provider: String,
    /// Its settings.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub attrs: BTreeMap<String, Value>,
}

/// Writes `juju storage`: storage if there is any, or else file systems, or else volumes.
pub fn write_list(list: &StorageListView, is_coloured: bool) -> String {
    let mut table = Table::new(is_coloured);
    if !list.storage.is_empty() {
        write_storage(&mut table, list);
    } else if !list.filesystems.is_empty() {
        write_filesystems(&mut table, list);
    } else if !list.volumes.is_empty() {
        write_volumes(&mut table, list);
    }
    table.finish()
}

/// Writes `juju storage --filesystem`.
pub fn write_filesystem_list(list: &StorageListView) -> String {
    let mut table = Table::new(false);
    write_filesystems(&mut table, list);
    table.finish()
}

/// Writes `juju storage --volume`.
pub fn write_volume_list(list: &StorageListView) -> String {
    let mut table = Table::new(false);
    write_volumes(&mut table, list);
    table.finish()
}

/// Writes `juju storage-pools`.
pub fn write_pools(pools: &BTreeMap<String, PoolView>) -> String {
    let mut table = Table::new(false);
    table.line(&["Name", "Provider", "Attributes"]);
    for (name, pool) in pools {
        let attributes: Vec<String> = pool
            .attrs
            .iter()
            .map(|(key, value)| match value {
                Value::String(text) => format!("{key}={text}"),
                other => format!("{key}={other}"),
            })
            .collect();
        table.line(&[name, &pool.provider, &attributes.join(" ")]);
    }
    table.finish()
}

/// Writes the part of `juju status --storage`.
pub(super) fn write_status_section(table: &mut Table, list: &StorageListView) {
    let pools = pools(list);
    table.text("\n").cell("Storage Unit").cell("Storage ID").cell("Type");
    if !pools.is_empty() {
        table.cell("Pool");
    }
    table.line(&["Mountpoint", "Size", "Status", "Message"]);
    let mut rows = rows(list);
    rows.sort_by(|one, other| one.unit.cmp(other.unit).then_with(|| one.id.cmp(other.id)));
    for row in rows {
        table.cell(row.unit).cell(row.id).cell(&row.storage.kind);
        if !pools.is_empty() {
            table.cell(pools.get(row.id).copied().unwrap_or_default());
        }
        table.cell(mount_point(list, &row)).cell(&human_size(size(list, row.id)));
        table.status(&row.storage.status.current);
        table.text_in(Colour::Gray, &row.storage.status.message).text("\n");
    }
    table.flush();
}

/// A piece of storage with a unit that has it, or without one.
struct Row<'a> {
    unit: &'a str,
    id: &'a str,
    storage: &'a StorageView,
}

fn rows(list: &StorageListView) -> Vec<Row<'_>> {
    let mut rows = Vec::new();
    for (id, storage) in &list.storage {
        match &storage.attachments {
            None => rows.push(Row { unit: "", id, storage }),
            Some(attachments) => {
                rows.extend(attachments.units.keys().map(|unit| Row { unit, id, storage }));
            }
        }
    }
    rows
}

fn write_storage(table: &mut Table, list: &StorageListView) {
    let pools = pools(list);
    table.cell("Unit").cell("Storage ID").cell("Type");
    if !pools.is_empty() {
        table.cell("Pool");
    }
    table.line(&["Size", "Status", "Message"]);
    let mut rows = rows(list);
    rows.sort_by(|one, other| one.unit.cmp(other.unit).then_with(|| name_and_number(one.id, other.id)));
    for row in rows {
        table.cell(row.unit).cell(row.id).cell(&row.storage.kind);
        if !pools.is_empty() {
            table.cell(pools.get(row.id).copied().unwrap_or_default());
        }
        table.cell(&human_size(size(list, row.id))).status(&row.storage.status.current);
        table.line(&[&row.storage.status.message]);
    }
    table.flush();
}

/// The pool of each piece of storage; that of a volume before that of the file system on it.
fn pools(list: &StorageListView) -> BTreeMap<&str, &str> {
    let of_filesystems = list.filesystems.values().map(|one| (one.storage.as_str(), one.pool.as_str()));
    let of_volumes = list.volumes.values().map(|one| (one.storage.as_str(), one.pool.as_str()));
    of_filesystems.chain(of_volumes).filter(|(_, pool)| !pool.is_empty()).collect()
}

fn size(list: &StorageListView, id: &str) -> u64 {
    let of_filesystem = list.filesystems.values().find(|one| one.storage == id).map(|one| one.size_mib);
    let of_volume = || list.volumes.values().find(|one| one.storage == id).map(|one| one.size_mib);
    of_filesystem.or_else(of_volume).unwrap_or_default()
}

fn mount_point<'a>(list: &'a StorageListView, row: &Row<'_>) -> &'a str {
    let attached: Vec<Attached<'a>> =
        list.filesystems.iter().filter(|(_, one)| one.storage == row.id).flat_map(attached).collect();
    attached.iter().find(|one| one.unit == row.unit).map_or("", |one| &one.attachment.mount_point)
}

/// A file system with who has it.
struct Attached<'a> {
    machine: &'a str,
    unit: &'a str,
    id: &'a str,
    filesystem: &'a FilesystemView,
    attachment: &'a FilesystemAttachmentView,
}

fn attached<'a>((id, filesystem): (&'a String, &'a FilesystemView)) -> Vec<Attached<'a>> {
    let Some(attachments) = &filesystem.attachments else { return Vec::new() };
    let on_machines = attachments.machines.iter().map(|(machine, attachment)| {
        let unit = attachments.units.iter().find(|(_, unit)| unit.machine == *machine);
        (machine.as_str(), unit.map_or("", |(name, _)| name.as_str()), attachment)
    });
    let in_pods = attachments.containers.iter().map(|(unit, attachment)| ("", unit.as_str(), attachment));
    on_machines
        .chain(in_pods)
        .map(|(machine, unit, attachment)| Attached { machine, unit, id, filesystem, attachment })
        .collect()
}

fn write_filesystems(table: &mut Table, list: &StorageListView) {
    let mut rows: Vec<Attached<'_>> = list.filesystems.iter().flat_map(attached).collect();
    rows.sort_by(|one, other| {
        one.machine
            .cmp(other.machine)
            .then_with(|| name_and_number(one.unit, other.unit))
            .then_with(|| name_and_number(&one.filesystem.storage, &other.filesystem.storage))
            .then_with(|| one.id.cmp(other.id))
    });
    let has_machines = rows.iter().any(|row| !row.machine.is_empty());
    if has_machines {
        table.cell("Machine");
    }
    table.cell("Unit").cell("Storage ID").cell("ID");
    if has_machines {
        table.cell("Volume");
    }
    table.line(&["Provider ID", "Mountpoint", "Size", "State", "Message"]);
    for row in rows {
        let filesystem = row.filesystem;
        if has_machines {
            table.cell(row.machine);
        }
        table.cell(row.unit).cell(&filesystem.storage).cell(row.id);
        if has_machines {
            table.cell(&filesystem.volume);
        }
        table.cell(&filesystem.provider_id).cell(&row.attachment.mount_point);
        table.cell(&human_size(filesystem.size_mib));
        table.line(&[&filesystem.status.current, &filesystem.status.message]);
    }
}

fn write_volumes(table: &mut Table, list: &StorageListView) {
    let mut rows: Vec<(&str, &str, &str, &str, &VolumeView)> = Vec::new();
    for (id, volume) in &list.volumes {
        let Some(attachments) = &volume.attachments else {
            rows.push(("", "", id, "", volume));
            continue;
        };
        for (machine, attachment) in &attachments.machines {
            let unit = attachments.units.iter().find(|(_, unit)| unit.machine == *machine);
            let unit = unit.map_or("", |(name, _)| name.as_str());
            rows.push((machine, unit, id, &attachment.device, volume));
        }
        rows.extend(attachments.containers.keys().map(|unit| ("", unit.as_str(), id.as_str(), "", volume)));
    }
    rows.sort_by(|one, other| {
        one.0
            .cmp(other.0)
            .then_with(|| name_and_number(one.1, other.1))
            .then_with(|| name_and_number(&one.4.storage, &other.4.storage))
            .then_with(|| one.2.cmp(other.2))
    });
    let machines: BTreeSet<&str> = rows.iter().map(|row| row.0).collect();
    let has_machines = machines.iter().any(|machine| !machine.is_empty());
    if has_machines {
        table.cell("Machine");
    }
    table.cell("Unit").cell("Storage ID").cell("Volume ID").cell("Provider ID");
    if has_machines {
        table.cell("Device");
    }
    table.line(&["Size", "State", "Message"]);
    for (machine, unit, id, device, volume) in rows {
        if has_machines {
            table.cell(machine);
        }
        table.cell(unit).cell(&volume.storage).cell(id).cell(&volume.provider_id);
        if has_machines {
            table.cell(device);
        }
        table.line(&[&human_size(volume.size_mib), &volume.status.current, &volume.status.message]);
    }
}

/// A size for people, `1.0 GiB`, and nothing for none.
fn human_size(mib: u64) -> String {
    const UNITS: [&str; 5] = ["MiB", "GiB", "TiB", "PiB", "EiB"];
    if mib == 0 {
        return String::new();
    }
    let mut size = mib as f64;
    let mut unit = 0;
    while size >= 1024.0 && unit + 1 < UNITS.len() {
        size /= 1024.0;
        unit += 1;
    }
    let rounded = (size * 10.0 + 0.5).floor() / 10.0;
    let decimals = usize::from(rounded < 10.0);
    format!("{rounded:.decimals$} {}", UNITS[unit])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_rounded_for_people() {
        let check = |mib: u64, expected: &str| assert_eq!(human_size(mib), expected);
        check(0, "");
        check(3, "3.0 MiB");
        check(42, "42 MiB");
        check(1024, "1.0 GiB");
        check(1536, "1.5 GiB");
        check(10240, "10 GiB");
    }
}
