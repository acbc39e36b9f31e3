//! The charms a run is about: which ones, from where, and their files.
//!
//! Three steps, each usable alone:
//!
//! - [`list`] turns what a user names (a directory, a CSV, a `fleet.toml`, a git
//!   URL) into entries. It yields *repositories*; which charms are in one is the
//!   business of the charm crate.
//! - [`mirror`] keeps bare, shallow copies of remote repositories in the cache.
//! - [`tree`] says which files a repository has at a commit or on disk, with a
//!   digest, and writes them out as a copy that work can happen in.
//!
//! A checkout that a user owns is only ever read. All calls of git go through
//! [`git`]; all names that reach it are checked by [`location`].

#[cfg(test)]
mod fixture;
pub mod git;
pub mod list;
pub mod location;
pub mod mirror;
pub mod problem;
pub mod tree;
