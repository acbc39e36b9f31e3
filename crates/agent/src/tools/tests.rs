//! What each tool answers, and what becomes of it when the hook ends.

mod outputs;
mod refusals;
mod transactions;
mod world;
