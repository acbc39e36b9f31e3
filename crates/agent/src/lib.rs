//! A unit agent that runs real charm code, hook by hook, without Juju.
//!
//! [`state`] is the model that hooks read and write: applications, units, relations,
//! secrets, storage; [`deeds`] says what others notice of a hook. [`tools`] are the hook tools,
//! as pure functions of that state; [`protocol`] is how a process asks for one, [`tool_client`]
//! the program that a charm finds on its `PATH`, and [`server`] a socket for it to ask at.
//! [`runner`] runs the code of a charm, [`surroundings`] is the environment that it runs in, and
//! [`standins`] answer for programs of the machine that cannot run there.

pub mod deeds;
pub mod protocol;
pub mod runner;
pub mod server;
pub mod standins;
pub mod state;
pub mod surroundings;
pub mod tool_client;
pub mod tools;
