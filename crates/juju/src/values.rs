//! Values as people write them on Juju's command lines and in its files.
//!
//! Every reader here is pure: text in, a value or Juju's own words of refusal out. What a value
//! does to a model is no concern of this module; what things are called is [`crate::names`].

pub mod channel;
pub mod constraints;
pub mod go;
pub mod options;
pub mod settings;
pub mod storage;
pub mod yaml;
