//! charmproof's side of the holder.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use camino::Utf8Path;
use nix::unistd::{geteuid, getuid};

use super::netlink::Netlink;
use super::protocol::{Answer, Demand, Hello, IdMap, SocketKind};
use super::router::Router;
use super::spec::MachineLevel;
use super::wire;
use crate::error::SandboxError;

/// How long the holder may take to end.
const PATIENCE: Duration = Duration::from_secs(7);

/// The holder of machines, as long as somebody has this.
#[derive(Debug)]
pub(crate) struct Realm {
    // One demand at a time: answers carry no name.
    socket: Mutex<Option<OwnedFd>>,
    child: Mutex<Child>,
    pub(crate) level: MachineLevel,
    /// Why it is not a stronger level.
    pub(crate) notes: Vec<String>,
    /// There is one as long as there are networks.
    router: Mutex<Weak<Router>>,
}

impl Realm {
    /// Starts the holder at the strongest of these levels that works.
    pub(crate) fn start(
        program: &Utf8Path,
        arguments: &[String],
        levels: &[MachineLevel],
    ) -> Result<Self, SandboxError> {
        let mut notes = Vec::new();
        for &level in levels {
            let failed = |action: &'static str| {
                move |source| SandboxError::Launcher { action, program: program.to_owned(), source }
            };
            let (ours, theirs) = wire::pair().map_err(failed("speak to"))?;
            let mut child = Command::new(program)
                .args(arguments)
                .env_clear()
                .env("PATH", super::PATH)
                .current_dir("/")
                // Out of reach of the terminal's Ctrl-C, which is charmproof's.
                .stdin(Stdio::from(theirs))
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .process_group(0)
                .spawn()
                .map_err(failed("start"))?;
            let subordinate = if level == MachineLevel::SubordinateIds { subordinate_ids() } else { None };
            let heard = wire::send(&ours, &Hello { level, subordinate }, &[])
                .and_then(|()| wire::receive::<Answer>(&ours))
                .map_err(failed("speak to"));
            match heard {
                Ok(Some((Answer::Done, _))) => {
                    return Ok(Self {
                        socket: Mutex::new(Some(ours)),
                        child: Mutex::new(child),
                        level,
                        notes,
                        router: Mutex::default(),
                    });
                }
                Ok(Some((Answer::Refused { why }, _))) => notes.push(format!("{}: {why}", level.name())),
                Ok(_) => notes.push(format!("{}: the holder was lost", level.name())),
                Err(error) => {
                    let _ = child.kill();
                    let _ = child.wait();
                    return Err(error);
                }
            }
            drop(ours);
            let _ = child.kill();
            let _ = child.wait();
        }
        Err(SandboxError::Refused { notes })
    }

    /// Returns the number of the holder.
    pub(crate) fn holder(&self) -> u32 {
        self.child.lock().unwrap_or_else(PoisonError::into_inner).id()
    }

    /// Whether the holder still answers.
    pub(crate) fn is_alive(&self) -> bool {
        let mut child = self.child.lock().unwrap_or_else(PoisonError::into_inner);
        matches!(child.try_wait(), Ok(None))
    }

    /// Asks and waits for the answer.
    pub(crate) fn ask(
        &self,
        demand: &Demand,
        descriptors: &[BorrowedFd<'_>],
    ) -> io::Result<(Answer, Vec<OwnedFd>)> {
        let socket = self.socket.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(socket) = socket.as_ref() else {
            return Err(io::Error::from(io::ErrorKind::BrokenPipe));
        };
        wire::send(socket, demand, descriptors)?;
        match wire::receive::<Answer>(socket)? {
            Some((Answer::Failed(failure), _)) => {
                let source = io::Error::from_raw_os_error(failure.errno);
                Err(io::Error::new(
                    source.kind(),
                    format!("could not {}: {source}", failure.step.trim_end_matches(" for")),
                ))
            }
            Some(answer) => Ok(answer),
            None => Err(io::Error::new(io::ErrorKind::BrokenPipe, "the holder of the machines is gone")),
        }
    }

    /// Makes a network namespace.
    pub(crate) fn network(&self, is_router: bool) -> io::Result<OwnedFd> {
        one(self.ask(&Demand::Network { is_router }, &[])?.1)
    }

    /// Returns what joins the networks, and starts it if there is none.
    pub(crate) fn router(self: &Arc<Self>) -> io::Result<Arc<Router>> {
        let mut router = self.router.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(router) = router.upgrade() {
            return Ok(router);
        }
        let started = Arc::new(Router::start(self)?);
        *router = Arc::downgrade(&started);
        Ok(started)
    }

    /// Makes a socket in a network namespace.
    pub(crate) fn socket(&self, network: impl AsFd, kind: SocketKind) -> io::Result<OwnedFd> {
        one(self.ask(&Demand::Socket(kind), &[network.as_fd()])?.1)
    }

    /// Speaks for a network namespace.
    pub(crate) fn netlink(&self, network: impl AsFd) -> io::Result<Netlink> {
        Ok(Netlink::new(self.socket(network, SocketKind::Netlink)?))
    }
}

impl Drop for Realm {
    fn drop(&mut self) {
        // Its end is the holder's.
        self.socket.lock().unwrap_or_else(PoisonError::into_inner).take();
        let child = self.child.get_mut().unwrap_or_else(PoisonError::into_inner);
        let deadline = Instant::now() + PATIENCE;
        while matches!(child.try_wait(), Ok(None)) {
            if Instant::now() > deadline {
                let _ = child.kill();
                let _ = child.wait();
                return;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

fn one(descriptors: Vec<OwnedFd>) -> io::Result<OwnedFd> {
    descriptors.into_iter().next().ok_or_else(|| io::Error::from(io::ErrorKind::InvalidData))
}

/// Returns what to try, strongest first.
pub(crate) fn levels() -> Vec<MachineLevel> {
    if geteuid().is_root() {
        return vec![MachineLevel::RootInUserNamespace, MachineLevel::Root, MachineLevel::ProcessOnly];
    }
    let mut levels = vec![MachineLevel::SingleId, MachineLevel::ProcessOnly];
    if subordinate_ids().is_some() {
        levels.insert(0, MachineLevel::SubordinateIds);
    }
    levels
}

/// Returns the maps that this user may have: its own id for root, and its subordinate ids for
/// the rest. `None` if it has none, or nobody is there to write the maps.
fn subordinate_ids() -> Option<(IdMap, IdMap)> {
    let has =
        |program: &str| super::PATH.split(':').any(|folder| Utf8Path::new(folder).join(program).is_file());
    if !(has("newuidmap") && has("newgidmap")) {
        return None;
    }
    let user = getuid();
    let name = nix::unistd::User::from_uid(user).ok().flatten().map(|user| user.name).unwrap_or_default();
    let range = |file: &str| {
        let text = fs_err::read_to_string(file).ok()?;
        parse_subordinate(&text, &name, user.as_raw())
    };
    let (users, groups) = (range("/etc/subuid")?, range("/etc/subgid")?);
    let map = |own: u32, (first, count): (u32, u32)| IdMap(vec![[0, own, 1], [1, first, count]]);
    Some((map(user.as_raw(), users), map(nix::unistd::getgid().as_raw(), groups)))
}

/// Finds the first range of a user that is large enough for a distribution.
fn parse_subordinate(text: &str, name: &str, id: u32) -> Option<(u32, u32)> {
    let id = id.to_string();
    text.lines().find_map(|line| {
        let fields: Vec<&str> = line.trim().split(':').collect();
        let [owner, first, count] = fields.as_slice() else { return None };
        let (first, count): (u32, u32) = (first.parse().ok()?, count.parse().ok()?);
        ((*owner == name || *owner == id) && count >= 65_535).then_some((first, count))
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ranges_are_found_by_name_or_number() {
        let text = "# comment\nroot:100000:65536\nsmall:1:10\n1001:165536:65536\nme:231072:65536\nbad:x:y\n";
        assert_eq!(parse_subordinate(text, "me", 7), Some((231_072, 65_536)));
        assert_eq!(parse_subordinate(text, "somebody", 1001), Some((165_536, 65_536)));
        assert_eq!(parse_subordinate(text, "small", 7), None);
        assert_eq!(parse_subordinate(text, "bad", 7), None);
    }

    proptest! {
        #[test]
        fn any_text_is_read(text in ".*", name in ".*", id in 0_u32..) {
            let _ = parse_subordinate(&text, &name, id);
        }
    }
}
