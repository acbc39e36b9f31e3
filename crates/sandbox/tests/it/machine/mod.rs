//! Real machines, with the host's own userland as their files.

mod basics;
mod bench;
mod leftovers;
mod networks;
mod support;
