//! The Pebble of a charm's own container, whose one service is the agent of the unit.
//!
//! No process is the agent of a unit here: a thread of the controller is. So the service is one on paper,
//! and whoever stops it has that thread stand still.

use std::fs::File;
use std::os::fd::AsRawFd as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use camino::Utf8Path;
use charmproof_pebble::{Client, Clock, Options, Server};
use serde_json::json;

use crate::hosting::HostingError;

/// Where the container sees the folder: it is Pebble's own, which `pebble` looks into where nobody says
/// another.
pub(crate) const SEEN: &str = "/var/lib/pebble/default";
const SOCKET: &str = ".pebble.socket";
/// The service, as Juju calls it.
const SERVICE: &str = "container-agent";
/// How Juju describes it (cmd/containeragent/initialize, `writeContainerAgentPebbleConfig`), but for the
/// checks, which ask the agent over HTTP.
const LAYER: &str = "summary: Juju container agent service
services:
    container-agent:
        summary: Juju container agent
        startup: enabled
        override: replace
        command: /charm/bin/containeragent unit --data-dir /var/lib/juju --append-env \"PATH=$PATH:/charm/bin\" --show-log
        environment:
            HTTP_PROBE_PORT: \"65301\"
        kill-delay: 30m0s
        on-success: ignore
        on-failure: shutdown
";

/// How long the service may take to begin, and how often it is looked.
const PATIENCE: Duration = Duration::from_secs(5);
const LOOK_AGAIN: Duration = Duration::from_millis(1);

/// The Pebble of one charm's container.
pub(crate) struct AgentPebble {
    server: Server,
    /// Whether the service was active when it was last looked.
    was_active: AtomicBool,
    /// Keeps the short name of the socket's folder alive, for the server removes the socket by it.
    _folder: File,
}

impl AgentPebble {
    /// Serves in a folder, which the container sees and may not change. The agent is active.
    pub(crate) fn start(folder: &Utf8Path) -> Result<Self, HostingError> {
        let failed = |error: &dyn std::fmt::Display| {
            HostingError(format!("could not serve the Pebble of the charm's container: {error}"))
        };
        let (layers, root) = (folder.join("root/layers"), folder.join("root"));
        fs_err::create_dir_all(&layers).map_err(|error| failed(&error))?;
        fs_err::write(layers.join("001-container-agent.yaml"), LAYER).map_err(|error| failed(&error))?;
        // The addresses of sockets are short, and the folder's own path may be long.
        let own = fs_err::File::open(folder).map_err(|error| failed(&error))?.into_parts().0;
        let socket = format!("/proc/self/fd/{}/{SOCKET}", own.as_raw_fd());
        let mut options = Options::new(socket.clone(), root);
        options.clock = Clock::Real;
        options.layers_dir = Some("/layers".into());
        let server = Server::start(options).map_err(|error| failed(&error))?;
        let begins = json!({"action": "autostart"});
        Client::new(socket).post("/v1/services", &begins).map_err(|error| failed(&error))?;
        let pebble = Self { server, was_active: AtomicBool::new(true), _folder: own };
        let began = Instant::now();
        while !pebble.is_active() {
            if began.elapsed() > PATIENCE {
                return Err(failed(&"the service did not start"));
            }
            std::thread::sleep(LOOK_AGAIN);
        }
        Ok(pebble)
    }

    /// Whether the agent may do its work.
    pub(crate) fn is_active(&self) -> bool {
        self.server.handle().is_active(SERVICE)
    }

    /// Whether that has changed since this was asked last.
    pub(crate) fn has_changed(&self) -> bool {
        let is_active = self.is_active();
        self.was_active.swap(is_active, Ordering::Relaxed) != is_active
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_agent_is_stopped_and_started_as_a_service() {
        let folder = tempfile::tempdir().unwrap();
        let folder = Utf8Path::from_path(folder.path()).unwrap().join("d".repeat(120));
        fs_err::create_dir_all(&folder).unwrap();
        let pebble = AgentPebble::start(&folder).unwrap();
        assert!(pebble.is_active() && !pebble.has_changed());
        let client = Client::new(pebble.server.socket().to_owned());
        let act = |action: &str| {
            let body = json!({"action": action, "services": [SERVICE]});
            let change = client.post("/v1/services", &body).unwrap().change.unwrap();
            client.wait_for_change(&change).unwrap();
        };
        act("stop");
        assert!(!pebble.is_active() && pebble.has_changed() && !pebble.has_changed());
        act("restart");
        assert!(pebble.is_active() && pebble.has_changed());
        drop(pebble);
        assert!(AgentPebble::start(&folder).unwrap().is_active());
    }
}
