//! The words that everything about the lifecycle shares.
//!
//! Closed enums, and the parsing of the names that logs use. No rule of order is here:
//! what generates sequences and what judges them share these words and no code, so that
//! each can find the other's mistakes.

mod hook;
mod hook_kind;
mod marker;
mod name;
mod profile;

pub use hook::{Hook, Remote, UnknownHook, is_name};
pub use hook_kind::{HookKind, Scope};
pub use marker::{Marker, Outcome};
pub use name::Name;
pub use profile::{JujuVersion, Platform};
