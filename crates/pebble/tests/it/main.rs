//! A server, and a client that speaks to it as `ops` does.

mod client;
mod exec;
mod files;
mod hostile;
mod process;
mod simulated;
