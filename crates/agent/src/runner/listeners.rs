//! What a unit's processes connect to, answered by the agent.
//!
//! The sockets are made by the unit's own process, so that they are part of its network and its
//! files, and handed over; no process of ours runs beside the charm. All of them are behind one
//! descriptor that can be waited for.
//!
//! A connection carries one request. What is no request is dropped, and a client that stops in the
//! middle of one is not waited for.

use std::collections::BTreeMap;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::event::{Timespec, epoll};

use super::Answers;
use super::acts::Root;
use super::conversation::{Conversation, Progress};
use crate::standins::web::{Door, WebReply};

/// How many connections are kept open at once; the oldest goes first.
const CONNECTIONS_MAX: usize = 64;
/// For how many bytes a request counts besides its address and its body: it is kept until the life
/// was judged.
const REQUEST_BYTES: u64 = 256;
/// Numbers from here on are connections; those below are doors.
const FIRST_CONNECTION: u64 = 1 << 32;

/// All that a unit's processes can connect to.
#[derive(Debug)]
pub(super) struct Listeners {
    all: OwnedFd,
    doors: Vec<(Door, OwnedFd)>,
    conversations: BTreeMap<u64, Conversation>,
    next: u64,
    root: Option<Root>,
}

impl Listeners {
    /// Listens at sockets that were handed over. `root` is the unit's, for what snapd does there.
    pub(super) fn new(doors: Vec<(Door, OwnedFd)>, root: Option<Root>) -> io::Result<Self> {
        let all = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        for (number, (_, socket)) in (0_u64..).zip(&doors) {
            rustix::io::ioctl_fionbio(socket, true)?;
            epoll::add(&all, socket, epoll::EventData::new_u64(number), epoll::EventFlags::IN)?;
        }
        Ok(Self { all, doors, conversations: BTreeMap::new(), next: FIRST_CONNECTION, root })
    }

    /// Does what can be done without waiting. Returns how many bytes the requests have that were
    /// answered.
    pub(super) fn serve(&mut self, answers: &mut dyn Answers) -> io::Result<u64> {
        let mut asked_bytes = 0;
        let mut events = Vec::with_capacity(16);
        let at_once = Timespec { tv_sec: 0, tv_nsec: 0 };
        epoll::wait(&self.all, rustix::buffer::spare_capacity(&mut events), Some(&at_once))?;
        for event in events {
            let number = event.data.u64();
            if number < FIRST_CONNECTION {
                self.accept(usize::try_from(number).unwrap_or(usize::MAX))?;
            } else {
                asked_bytes += self.go_on(number, answers);
            }
        }
        Ok(asked_bytes)
    }

    fn accept(&mut self, door: usize) -> io::Result<()> {
        let Some((door, socket)) = self.doors.get(door) else { return Ok(()) };
        let flags = rustix::net::SocketFlags::CLOEXEC | rustix::net::SocketFlags::NONBLOCK;
        // Whoever has gone again meanwhile is not missed.
        let Ok(connection) = rustix::net::accept_with(socket, flags) else { return Ok(()) };
        if self.conversations.len() >= CONNECTIONS_MAX {
            self.conversations.pop_first();
        }
        let data = epoll::EventData::new_u64(self.next);
        epoll::add(&self.all, &connection, data, epoll::EventFlags::IN)?;
        self.conversations.insert(self.next, Conversation::new(door.clone(), connection));
        self.next += 1;
        Ok(())
    }

    fn go_on(&mut self, number: u64, answers: &mut dyn Answers) -> u64 {
        let Some(conversation) = self.conversations.get_mut(&number) else { return 0 };
        let mut asked_bytes = 0;
        match conversation.go_on() {
            Progress::Waits => return 0,
            Progress::Ended => {}
            Progress::Asked(request) => {
                asked_bytes = REQUEST_BYTES + (request.target.len() + request.body.len()) as u64;
                let reply = answers.web(&request);
                if let (WebReply::Answer { acts, .. }, Some(root)) = (&reply, &self.root) {
                    root.perform(acts);
                }
                conversation.answer(&request.method, &reply);
            }
        }
        self.conversations.remove(&number);
        asked_bytes
    }
}

impl AsFd for Listeners {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.all.as_fd()
    }
}
