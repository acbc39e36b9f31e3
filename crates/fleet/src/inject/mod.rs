//! Putting the swap in without editing the charm, and proving that it is there.
//!
//! Three things are laid beside a copy before it runs: a folder of Python files (a
//! tox plugin, a witness, a pytest plugin), a folder of shims for `uv` and `poetry`,
//! and `unit.json`, which tells them all what to do. They call back
//! [`environment::swap_prefix`] whenever something was installed, and append what
//! they see to one file of [`evidence`]. [`proof`] judges it.

pub mod bytecode;
pub mod environment;
pub mod evidence;
pub mod inside;
pub mod proof;
pub mod shim;
pub mod suite;
pub mod unit_file;
