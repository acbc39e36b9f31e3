//! What a charm's suite needs around it: interpreters, tools, charm libraries.

pub mod charmhub;
pub mod libraries;
pub mod lock;
pub mod pythons;
pub mod tools;
