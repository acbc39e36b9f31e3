//! Places of tests: they are there, and nothing runs in them.

use std::any::Any;
use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;

use camino::Utf8Path;

use super::{Base, Ended, Exec, Host, HostRequest, Hosting, HostingError, Process};

/// Where nothing lives.
pub(crate) struct Nowhere;

impl Hosting for Nowhere {
    fn start(&self, _: &HostRequest) -> Result<Arc<dyn Host>, HostingError> {
        Err(HostingError("there are no places here".to_owned()))
    }

    fn check_base(&self, _: &Base) -> Result<(), HostingError> {
        Ok(())
    }

    fn take_address(&self, _: &str, _: &BTreeSet<Ipv4Addr>) -> Result<Ipv4Addr, HostingError> {
        Err(HostingError("there are no networks here".to_owned()))
    }

    fn release_address(&self, _: &str, _: Ipv4Addr) {}

    fn remove_folder(&self, folder: &Utf8Path) {
        let _ = fs_err::remove_dir_all(folder);
    }

    fn may_have(&self, _: &str, _: Ipv4Addr) -> bool {
        true
    }

    fn remove_network(&self, _: &str) {}

    fn pebble_program(&self) -> Vec<String> {
        Vec::new()
    }
}

impl Host for Nowhere {
    fn exec(&self, _: Exec) -> Result<Box<dyn Process>, HostingError> {
        Err(HostingError("nothing runs here".to_owned()))
    }

    fn open_terminal(&self) -> Result<(OwnedFd, OwnedFd), HostingError> {
        Err(HostingError("there are no terminals here".to_owned()))
    }

    fn exec_in_terminal(&self, _: Exec) -> Result<Box<dyn Process>, HostingError> {
        Err(HostingError("nothing runs here".to_owned()))
    }

    fn login_user(&self) -> Option<String> {
        None
    }

    fn is_running(&self) -> bool {
        true
    }

    fn stop(&self) {}

    fn mount(&self, _: &Utf8Path, _: &Utf8Path, _: bool) -> Result<(), HostingError> {
        Ok(())
    }

    fn unmount(&self, _: &Utf8Path) -> Result<(), HostingError> {
        Ok(())
    }

    fn set_names(&self, _: &[(Ipv4Addr, String)]) {}

    fn warnings(&self) -> Vec<String> {
        Vec::new()
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

impl Process for Nowhere {
    fn wait_for(&self, _: Duration) -> Option<Ended> {
        None
    }

    fn kill(&self) {}
}
