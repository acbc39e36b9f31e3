//! Time, and what is to happen when: the timers of services, checks and commands.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::options::Clock;

/// What happens when a timer fires. `run` tells timers of an earlier run of the same thing apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Timer {
    /// A service has run long enough to be called started.
    Okay { service: String, run: u64 },
    /// A service is started again.
    Backoff { service: String, run: u64 },
    /// A service has run long enough for its next failure to be its first.
    BackoffReset { service: String, run: u64 },
    /// A service did not end when asked to.
    Kill { service: String, run: u64 },
    /// A service did not even end when killed.
    GiveUp { service: String, run: u64 },
    /// A simulated service ends by itself.
    Exit { service: String, run: u64, code: i32 },
    /// A check is due.
    Check { check: String, run: u64 },
    /// Nobody connected to a command's websockets.
    Connect { task: u64 },
    /// A simulated command ends.
    ExecEnd { task: u64 },
}

/// The clock and the timers.
#[derive(Debug)]
pub(crate) struct Time {
    clock: Clock,
    now: Timestamp,
    timers: BTreeMap<(Timestamp, u64), Timer>,
    next: u64,
}

/// Returns a time after another one; the end of all time at most.
pub(crate) fn after(time: Timestamp, duration: Duration) -> Timestamp {
    SignedDuration::try_from(duration)
        .ok()
        .and_then(|duration| time.checked_add(duration).ok())
        .unwrap_or(Timestamp::MAX)
}

impl Time {
    pub(crate) fn new(clock: Clock) -> Self {
        let now = match clock {
            Clock::Virtual(start) => start,
            Clock::Real => Timestamp::now(),
        };
        Self { clock, now, timers: BTreeMap::new(), next: 0 }
    }

    pub(crate) fn is_virtual(&self) -> bool {
        match self.clock {
            Clock::Virtual(_) => true,
            Clock::Real => false,
        }
    }

    pub(crate) fn now(&self) -> Timestamp {
        match self.clock {
            Clock::Virtual(_) => self.now,
            Clock::Real => Timestamp::now(),
        }
    }

    /// Lets a moment pass in virtual time, so that what happens one after the other has different times.
    pub(crate) fn tick(&mut self) {
        self.now = after(self.now, Duration::from_micros(1));
    }

    pub(crate) fn set(&mut self, delay: Duration, timer: Timer) {
        let at = after(self.now(), delay);
        self.timers.insert((at, self.next), timer);
        self.next += 1;
    }

    /// Drops the timers of which this says so.
    pub(crate) fn cancel(&mut self, is_dropped: impl Fn(&Timer) -> bool) {
        self.timers.retain(|_, timer| !is_dropped(timer));
    }

    /// When the next timer fires.
    pub(crate) fn next_at(&self) -> Option<Timestamp> {
        self.timers.first_key_value().map(|((at, _), _)| *at)
    }

    /// Takes the next timer that fires until then; virtual time passes up to it.
    pub(crate) fn take_until(&mut self, until: Timestamp) -> Option<Timer> {
        let entry = self.timers.first_entry()?;
        let (at, _) = *entry.key();
        if at > until {
            return None;
        }
        self.now = self.now.max(at);
        Some(entry.remove())
    }

    /// Lets a while pass in virtual time.
    pub(crate) fn pass_by(&mut self, duration: Duration) {
        self.now = after(self.now, duration);
    }

    /// Lets virtual time pass; timers until then have to be taken before.
    pub(crate) fn pass_until(&mut self, until: Timestamp) {
        self.now = self.now.max(until);
    }
}
