//! Real services: in a plain process on a folder of unit files, and in machines.

mod lives;
mod machines;
mod support;
