//! Real machines, with the host's own userland as their files.

mod basics;
mod bench;
mod leftovers;
mod levels;
mod networks;
pub(crate) mod support;
mod walls;
