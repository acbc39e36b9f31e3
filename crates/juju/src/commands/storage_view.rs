//! What is shown of storage.

use std::collections::BTreeMap;

use charmproof_charm::metadata::{Storage, StorageKind};
use charmproof_lifecycle::vocabulary::Name;
use jiff::Timestamp;

use crate::controller::data::{ModelData, StorageData};
use crate::values::storage::StorageConstraints;
use crate::view::storage::{
    FilesystemAttachmentView, FilesystemAttachmentsView, FilesystemView, StorageAttachmentsView,
    StorageListView, StorageStatusView, StorageView, UnitAttachmentView,
};
use crate::view::time::Times;

/// How large storage is when nobody says.
const SIZE_MIB: u64 = 1024;

impl StorageData {
    /// Returns the storage that a unit is deployed with.
    pub(crate) fn new(
        unit: &Name,
        declared: &Storage,
        asked: Option<&StorageConstraints>,
        is_kubernetes: bool,
    ) -> Self {
        let pool = asked.and_then(|asked| asked.pool.clone()).filter(|pool| !pool.is_empty());
        let default = if is_kubernetes { "kubernetes" } else { "rootfs" };
        Self {
            owner: Some(unit.clone()),
            is_attached: false,
            pool: pool.unwrap_or_else(|| default.to_owned()),
            size_mib: asked.and_then(|asked| asked.size_mib).filter(|size| *size > 0).unwrap_or(SIZE_MIB),
            is_filesystem: declared.kind != StorageKind::Block,
            location: String::new(),
            is_dying: false,
            since: Timestamp::now(),
        }
    }
}

/// Returns all storage of a model.
pub(crate) fn list(model: &ModelData, times: &Times) -> StorageListView {
    let mut view = StorageListView::default();
    for (number, (id, data)) in model.storages.iter().enumerate() {
        let status = StorageStatusView {
            current: if data.is_attached {
                "attached"
            } else if data.owner.is_some() {
                "pending"
            } else {
                "detached"
            }
            .to_owned(),
            message: String::new(),
            since: times.since(data.since),
        };
        let owner = data.owner.as_ref().filter(|unit| model.units.contains_key(*unit));
        let machine = owner.and_then(|unit| model.units.get(unit)?.machine.clone());
        let attachment = owner.map(|unit| {
            let attachment = UnitAttachmentView {
                machine: machine.clone().unwrap_or_default(),
                location: data.location.clone(),
                life: "alive".to_owned(),
            };
            BTreeMap::from([(unit.to_string(), attachment)])
        });
        let life = if data.is_dying { "dying" } else { "alive" }.to_owned();
        let storage = StorageView {
            kind: if data.is_filesystem { "filesystem" } else { "block" }.to_owned(),
            life: life.clone(),
            status: status.clone(),
            persistent: false,
            attachments: attachment.clone().map(|units| StorageAttachmentsView { units }),
        };
        view.storage.insert(id.to_string(), storage);
        let at = FilesystemAttachmentView {
            mount_point: data.location.clone(),
            read_only: false,
            life: "alive".to_owned(),
        };
        let (machines, containers) = match (&machine, owner) {
            (Some(machine), _) => (BTreeMap::from([(machine.clone(), at)]), BTreeMap::new()),
            (None, Some(unit)) => (BTreeMap::new(), BTreeMap::from([(unit.to_string(), at)])),
            (None, None) => (BTreeMap::new(), BTreeMap::new()),
        };
        let filesystem = FilesystemView {
            provider_id: id.replace('/', "-"),
            volume: String::new(),
            storage: id.to_string(),
            attachments: attachment.map(|units| FilesystemAttachmentsView { machines, containers, units }),
            pool: data.pool.clone(),
            size_mib: data.size_mib,
            life,
            status,
        };
        let key = machine.map_or_else(|| number.to_string(), |machine| format!("{machine}/{number}"));
        view.filesystems.insert(key, filesystem);
    }
    view
}
