//! One service: what its unit file says, and what becomes of it.

pub(crate) mod config;
pub(crate) mod state;
pub(crate) mod status;
mod vocabulary;
