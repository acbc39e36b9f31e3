//! The lock around the core, and all waiting: for changes, notices, timers.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, AtomicUsize};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;

use crate::clock::after;
use crate::core::Core;
use crate::http::Stream;
use crate::options::Limits;

/// How much virtual time passes at most for a wait without a limit.
const VIRTUAL_PATIENCE: Duration = Duration::from_hours(1);

/// A server's state, shared by its threads.
pub(crate) struct Shared {
    core: Mutex<Core>,
    /// Something has changed.
    changed: Condvar,
    /// The next timer is another one; the thread of the timers listens.
    timers_changed: Condvar,
    /// Whether the thread of the timers runs.
    has_timer_thread: Mutex<bool>,
    pub(crate) limits: Limits,
    /// Open connections, so that they can be closed when the server goes away.
    pub(crate) connections: Mutex<BTreeMap<u64, Stream>>,
    pub(crate) last_connection: AtomicU64,
    /// Threads that wait for or serve one.
    pub(crate) workers: AtomicUsize,
}

/// How a wait ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Waited {
    /// What was waited for is so.
    Happened,
    /// The time is over.
    TimedOut,
    /// The server goes away.
    Closed,
}

impl Shared {
    pub(crate) fn new(core: impl FnOnce(std::sync::Weak<Self>) -> Core, limits: Limits) -> Arc<Self> {
        Arc::new_cyclic(|shared| Self {
            core: Mutex::new(core(shared.clone())),
            changed: Condvar::new(),
            timers_changed: Condvar::new(),
            has_timer_thread: Mutex::new(false),
            limits,
            connections: Mutex::default(),
            last_connection: AtomicU64::new(0),
            workers: AtomicUsize::new(0),
        })
    }

    /// A thread that panicked has left no half-made step behind that would matter more than going on.
    pub(crate) fn lock(&self) -> MutexGuard<'_, Core> {
        self.core.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does one step, and all that follows from it at once.
    pub(crate) fn step<T>(self: &Arc<Self>, step: impl FnOnce(&mut Core) -> T) -> T {
        let mut core = self.lock();
        let next_before = core.time.next_at();
        let result = step(&mut core);
        core.begin_tasks();
        if core.time.is_virtual() {
            core.time.tick();
        } else if core.time.next_at() != next_before {
            self.need_timer_thread();
            self.timers_changed.notify_all();
        }
        drop(core);
        self.changed.notify_all();
        result
    }

    /// Starts the thread of the timers when the first timer is set.
    fn need_timer_thread(self: &Arc<Self>) {
        let mut has_thread = self.has_timer_thread.lock().unwrap_or_else(PoisonError::into_inner);
        if !*has_thread {
            let shared = Arc::downgrade(self);
            let thread = std::thread::Builder::new().name("pebble-timers".into());
            *has_thread = thread.spawn(move || run_timers(&shared)).is_ok();
        }
    }

    /// Waits until something is so. In virtual time, timers fire instead.
    pub(crate) fn wait(&self, timeout: Option<Duration>, is_so: impl Fn(&Core) -> bool) -> Waited {
        let core = self.lock();
        if core.time.is_virtual() {
            self.wait_virtually(core, timeout, is_so)
        } else {
            self.wait_really(core, timeout, is_so)
        }
    }

    fn wait_really(
        &self,
        mut core: MutexGuard<'_, Core>,
        timeout: Option<Duration>,
        is_so: impl Fn(&Core) -> bool,
    ) -> Waited {
        let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        loop {
            if is_so(&core) {
                return Waited::Happened;
            }
            if core.is_closed {
                return Waited::Closed;
            }
            core = match deadline {
                None => self.changed.wait(core).unwrap_or_else(PoisonError::into_inner),
                Some(deadline) => {
                    let left = deadline.saturating_duration_since(Instant::now());
                    if left.is_zero() {
                        return Waited::TimedOut;
                    }
                    self.changed.wait_timeout(core, left).unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
    }

    fn wait_virtually(
        &self,
        mut core: MutexGuard<'_, Core>,
        timeout: Option<Duration>,
        is_so: impl Fn(&Core) -> bool,
    ) -> Waited {
        let until = after(core.now(), timeout.unwrap_or(VIRTUAL_PATIENCE).min(VIRTUAL_PATIENCE));
        loop {
            if is_so(&core) {
                return Waited::Happened;
            }
            if core.is_closed {
                return Waited::Closed;
            }
            if core.busy > 0 {
                // Something really goes on, and will report.
                core = self.changed.wait(core).unwrap_or_else(PoisonError::into_inner);
                continue;
            }
            if let Some(timer) = core.time.take_until(until) {
                core.fire(timer);
                self.changed.notify_all();
            } else {
                core.time.pass_until(until);
                if timeout.is_some() {
                    return Waited::TimedOut;
                }
                core = self.changed.wait(core).unwrap_or_else(PoisonError::into_inner);
            }
        }
    }

    /// Waits in real time for what is really going on, whatever the clock.
    pub(crate) fn settle(&self, patience: Duration, is_so: impl Fn(&Core) -> bool) -> MutexGuard<'_, Core> {
        let deadline = Instant::now() + patience;
        let mut core = self.lock();
        while !is_so(&core) && !core.is_closed {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            core = self.changed.wait_timeout(core, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        core
    }

    /// Lets virtual time pass; in real time, nothing.
    pub(crate) fn advance(&self, duration: Duration) {
        let mut core = self.lock();
        if !core.time.is_virtual() {
            return;
        }
        let until = after(core.now(), duration);
        while let Some(timer) = core.time.take_until(until) {
            core.fire(timer);
        }
        core.time.pass_until(until);
        drop(core);
        self.changed.notify_all();
    }

    /// Ends everything: waiting requests, timers, processes, connections.
    pub(crate) fn close(&self) {
        let mut core = self.lock();
        core.is_closed = true;
        core.kill_processes();
        drop(core);
        self.changed.notify_all();
        self.timers_changed.notify_all();
        let connections = self.connections.lock().unwrap_or_else(PoisonError::into_inner);
        for stream in connections.values() {
            stream.shut_down();
        }
    }
}

/// Fires timers as their time comes, until the server is gone.
fn run_timers(shared: &std::sync::Weak<Shared>) {
    loop {
        let Some(shared) = shared.upgrade() else { return };
        let mut core = shared.lock();
        if core.is_closed {
            return;
        }
        let now = Timestamp::now();
        if let Some(timer) = core.time.take_until(now) {
            core.fire(timer);
            drop(core);
            shared.changed.notify_all();
            continue;
        }
        let wait = core.time.next_at().map_or(Duration::from_hours(1), |next| {
            Duration::try_from(now.duration_until(next)).unwrap_or_default()
        });
        drop(shared.timers_changed.wait_timeout(core, wait));
    }
}
