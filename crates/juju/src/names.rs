//! What things in a model are called, and which names Juju accepts.
//!
//! Everything here is pure. Whether a thing with a name exists is for the controller to say; this
//! module says whether it could, and refuses with the words that Juju has for it.

mod model;
mod offer;
mod placement;
mod validity;

pub use model::{ModelName, SwitchTarget};
pub use offer::OfferUrl;
pub use placement::{Placement, PlacementScope, parse_placement};
pub use validity::{
    InvalidName, UnitOrLeader, check_application, is_action, is_application, is_cloud, is_cloud_credential,
    is_container_type, is_key, is_machine, is_model, is_model_uuid, is_operation, is_relation_endpoint,
    is_secret_uri, is_storage, is_storage_label, is_unit, is_user, split_unit,
};
