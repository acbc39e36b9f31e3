//! What Juju can do to a unit of a charm, and in which order.
//!
//! [`vocabulary`] has the words: hooks, outcomes, platforms, versions. [`rules`] is the
//! judge: it reads a sequence of hooks and says which rule of Juju the sequence breaks.
//! [`reading`] finds such sequences in what others wrote, and [`juju_log`] in what Juju logs.
//! [`machine`] is the unit: it changes a [`world`] as each [`stimulus`] and each hook asks,
//! and names the next hook. [`model`] has many units, and tells each what the others do.
//! [`generator`] lets chance poke it.
//! Nothing here does IO, reads a clock or an environment, or keeps anything global but the
//! texts of names, which are stored once.

#![forbid(unsafe_code)]

pub mod environment;
pub mod exhaustive;
pub mod format;
pub mod generator;
pub mod graph;
pub mod juju_log;
pub mod life;
pub mod machine;
pub mod model;
pub mod performance;
pub mod reading;
mod recorder;
pub mod reducer;
pub mod replay;
pub mod rules;
pub mod stimulus;
pub mod vocabulary;
pub mod world;
