//! What the first process of a machine does besides executing what it is told: its services.
//!
//! The first process has one thread, waits for everything in one place, and reaps everybody's
//! children. Whoever manages services there implements [`Companion`] and is called from that
//! loop; it must not block.

use std::io::{self, Write};
use std::os::fd::BorrowedFd;
use std::time::{Duration, Instant};

use camino::Utf8Path;
use nix::sys::wait::WaitStatus;

use super::spec::MachineLevel;
use crate::services::{Services, ServicesSettings, install_programs};

/// A manager of services within the first process.
pub(crate) trait Companion {
    /// The root is ready: starts what starts with the machine.
    fn start(&mut self);

    /// What to wait for; each is readable when [`Companion::ready`] should be called.
    fn descriptors(&self) -> Vec<BorrowedFd<'_>>;

    /// One of the descriptors is readable, the one at this place of the last
    /// [`Companion::descriptors`].
    fn ready(&mut self, index: usize);

    /// When [`Companion::tick`] has to be called, if nothing happens before.
    fn deadline(&self) -> Option<Instant>;

    /// A deadline is over.
    fn tick(&mut self, now: Instant);

    /// A process ended that no program of ours is. It may be a service, or an orphan.
    fn child_ended(&mut self, status: WaitStatus);

    /// The machine goes down in order: asks the services to end.
    fn stop(&mut self);

    /// Whether all services have ended since [`Companion::stop`].
    fn is_stopped(&self) -> bool;

    /// Whether somebody inside has asked for a reboot.
    fn reboots(&self) -> bool {
        false
    }

    /// How long an orderly end may take before everything is killed.
    fn patience(&self) -> Duration {
        Duration::from_secs(10)
    }
}

/// A machine without services.
#[derive(Debug)]
pub(crate) struct Alone;

impl Companion for Alone {
    fn start(&mut self) {}

    fn descriptors(&self) -> Vec<BorrowedFd<'_>> {
        Vec::new()
    }

    fn ready(&mut self, _index: usize) {}

    fn deadline(&self) -> Option<Instant> {
        None
    }

    fn tick(&mut self, _now: Instant) {}

    fn child_ended(&mut self, _status: WaitStatus) {}

    fn stop(&mut self) {}

    fn is_stopped(&self) -> bool {
        true
    }
}

/// Returns what serves a machine of this level. Called after its root was made.
pub(crate) fn companion(level: MachineLevel) -> Box<dyn Companion> {
    // Without a root of its own, `systemctl` and the services would be the host's.
    if !level.is_isolated() {
        return Box::new(Alone);
    }
    let mut settings = ServicesSettings::of_machine();
    settings.has_single_user = level == MachineLevel::SingleId;
    match install_programs(Utf8Path::new("/")).and_then(|()| Services::new(settings)) {
        Ok(services) => Box::new(services),
        Err(error) => {
            let _ = writeln!(io::stderr(), "error: there are no services in this machine: {error}");
            Box::new(Alone)
        }
    }
}

impl Companion for Services {
    fn start(&mut self) {
        Services::start(self);
    }

    fn descriptors(&self) -> Vec<BorrowedFd<'_>> {
        Services::descriptors(self)
    }

    fn ready(&mut self, _index: usize) {
        self.turn();
    }

    fn deadline(&self) -> Option<Instant> {
        Services::deadline(self)
    }

    fn tick(&mut self, _now: Instant) {
        self.turn();
    }

    /// Services are children of their keepers, who tell of their ends.
    fn child_ended(&mut self, _status: WaitStatus) {}

    fn stop(&mut self) {
        Services::stop(self);
    }

    fn is_stopped(&self) -> bool {
        Services::is_stopped(self)
    }

    fn reboots(&self) -> bool {
        Services::reboots(self)
    }
}
