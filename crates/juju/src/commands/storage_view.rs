//! What is shown of storage.

use std::collections::BTreeMap;

use crate::controller::data::ModelData;
use crate::view::storage::{
    FilesystemAttachmentView, FilesystemAttachmentsView, FilesystemView, StorageAttachmentsView,
    StorageListView, StorageStatusView, StorageView, UnitAttachmentView,
};
use crate::view::time::Times;

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
            read_only: model.is_storage_read_only(id),
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
        // Only what is part of a machine is counted there.
        let machine = machine.filter(|_| !model.is_detachable(data));
        let key = machine.map_or_else(|| number.to_string(), |machine| format!("{machine}/{number}"));
        view.filesystems.insert(key, filesystem);
    }
    view
}
