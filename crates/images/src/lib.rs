//! Root filesystems that units and their workloads begin with.
//!
//! Nothing here starts a unit, and nothing prints.

#![forbid(unsafe_code)]
