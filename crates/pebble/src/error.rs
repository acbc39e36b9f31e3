//! Why a server does not start.

use std::io;

use camino::Utf8PathBuf;

/// Why a server does not start.
#[derive(Debug, thiserror::Error)]
pub enum PebbleError {
    /// The socket could not be made.
    #[error(
        "the socket {path} cannot be made; its folder has to exist, and the path to be shorter than 108 bytes"
    )]
    Socket {
        /// Where it should be.
        path: Utf8PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The address for HTTP could not be listened on.
    #[error("the address {address} cannot be listened on; choose one that is free, such as 127.0.0.1:0")]
    Http {
        /// Which address.
        address: String,
        /// What the system says.
        source: io::Error,
    },
    /// The root cannot be opened.
    #[error("the root {path} cannot be opened; it has to be a folder")]
    Root {
        /// Which folder.
        path: Utf8PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Real processes do not live in virtual time.
    #[error("processes need the real clock; use `Clock::Real`, or the simulated workload")]
    ProcessInVirtualTime,
    /// A thread could not be started.
    #[error("no thread can be started; the machine is short of memory or processes")]
    Thread(#[source] io::Error),
    /// The layers of the root are not valid.
    #[error("the layers in {path} are not valid: {message}")]
    Layers {
        /// The folder, inside the root.
        path: Utf8PathBuf,
        /// What Pebble says of them.
        message: String,
    },
}
