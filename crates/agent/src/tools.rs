//! The hook tools: what a charm runs to ask Juju for something, or to tell it.
//!
//! [`answer`] takes a call as a process made it, arguments and all, and returns what the
//! process is to print and its exit code, the same as Juju's. In between a call has a
//! meaning, [`Call`], which is the same however it was spelt; two versions of ops are
//! compared by it.
//!
//! Nothing here reads a file, an environment or a clock. What a tool would read has been
//! read by the process that asks.

mod call;

use std::collections::BTreeMap;

pub use call::{Call, Tool};

use crate::state::{HookContext, State};

/// A call of a tool, as a process makes it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ToolCall {
    /// The arguments. The first is the name of the tool, with or without its folder.
    pub arguments: Vec<Vec<u8>>,
    /// Standard input, where the call reads it.
    pub stdin: Option<Vec<u8>>,
    /// The content of the files that the arguments name.
    pub attachments: BTreeMap<String, Vec<u8>>,
}

impl ToolCall {
    /// Returns a call that reads nothing.
    pub fn of(arguments: &[&str]) -> Self {
        Self {
            arguments: arguments.iter().map(|argument| argument.as_bytes().to_vec()).collect(),
            ..Self::default()
        }
    }
}

/// What a tool answers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reply {
    /// The exit code.
    pub code: i32,
    /// What it prints.
    pub stdout: Vec<u8>,
    /// What it prints about what went wrong.
    pub stderr: Vec<u8>,
}

/// Runs a tool for a hook.
pub fn answer(state: &mut State, context: &mut HookContext, call: &ToolCall) -> Reply {
    let _ = (state, context, call);
    Reply::default()
}
