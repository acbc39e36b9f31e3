//! `[Timer]`: when a timer starts its unit.

use std::time::Duration;

use jiff::Timestamp;

use super::calendar::Calendar;
use super::name::UnitName;
use super::span::Span;
use super::unit::Reader;

/// A moment from which a timer counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Base {
    /// `OnBootSec=`, and `OnStartupSec=`, which is the same for the manager of a machine.
    Boot,
    /// `OnActiveSec=`: the timer itself was started.
    Activation,
    /// `OnUnitActiveSec=`: the unit was last started.
    UnitActive,
    /// `OnUnitInactiveSec=`: the unit last ended.
    UnitInactive,
}

/// When a timer elapses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TimerConfig {
    pub unit: UnitName,
    pub spans: Vec<(Base, Duration)>,
    pub calendars: Vec<Calendar>,
}

/// What a timer's next moment depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Moments {
    pub boot: Timestamp,
    pub activation: Timestamp,
    pub unit_active: Option<Timestamp>,
    pub unit_inactive: Option<Timestamp>,
    pub last_elapse: Option<Timestamp>,
    pub now: Timestamp,
}

impl TimerConfig {
    pub(crate) fn read(reader: &Reader<'_>) -> Result<Self, String> {
        let unit = match reader.value("Timer", "Unit") {
            Some(text) => UnitName::parse(&text).map_err(|error| error.to_string())?,
            None => reader.name.with_suffix(".service"),
        };
        let mut spans = Vec::new();
        for (key, base) in [
            ("OnBootSec", Base::Boot),
            ("OnStartupSec", Base::Boot),
            ("OnActiveSec", Base::Activation),
            ("OnUnitActiveSec", Base::UnitActive),
            ("OnUnitInactiveSec", Base::UnitInactive),
        ] {
            for text in reader.values("Timer", key) {
                match super::span::parse(&text) {
                    Some(Span::Finite(span)) => spans.push((base, span)),
                    Some(Span::Infinite) => {}
                    None => return Err(format!("Failed to parse timer value {key}={text}")),
                }
            }
        }
        let mut calendars = Vec::new();
        for text in reader.values("Timer", "OnCalendar") {
            let calendar = Calendar::parse(&text)
                .ok_or_else(|| format!("Failed to parse calendar specification {text}"))?;
            calendars.push(calendar);
        }
        if spans.is_empty() && calendars.is_empty() {
            return Err("Timer unit lacks value setting. Refusing.".to_owned());
        }
        Ok(Self { unit, spans, calendars })
    }

    /// When it elapses next. `Persistent=` and delays at random are passed over: a machine of
    /// ours was never switched off, and is alone.
    pub(crate) fn next(&self, moments: &Moments) -> Option<Timestamp> {
        let spans = self.spans.iter().filter_map(|(base, span)| {
            let (from, repeats) = match base {
                Base::Boot => (Some(moments.boot), false),
                Base::Activation => (Some(moments.activation), false),
                Base::UnitActive => (moments.unit_active, true),
                Base::UnitInactive => (moments.unit_inactive, true),
            };
            let moment = from?.checked_add(*span).ok()?;
            // One that counts from a boot or a start is over when it has passed and been seen.
            let is_over = if repeats {
                moments.last_elapse.is_some_and(|last| moment <= last)
            } else {
                moments.last_elapse.is_some_and(|last| last >= moment)
                    || (*base == Base::Boot && moment < moments.activation)
            };
            (!is_over).then_some(moment)
        });
        let from = moments.last_elapse.map_or(moments.activation, |last| last.max(moments.activation));
        let calendars = self.calendars.iter().filter_map(|calendar| calendar.next_after(from));
        spans.chain(calendars).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::services::specifiers::Identity;
    use crate::services::text;

    fn read(section: &str) -> Result<TimerConfig, String> {
        let identity = Identity {
            host_name: String::new(),
            machine_id: String::new(),
            boot_id: String::new(),
            kernel: String::new(),
        };
        let text = text::parse(&format!("[Timer]\n{section}"));
        let name = UnitName::parse("backup.timer").unwrap();
        TimerConfig::read(&Reader { text: &text, name: &name, identity: &identity })
    }

    fn moments(seconds: [Option<i64>; 4]) -> Moments {
        let at = |seconds| Timestamp::from_second(seconds).unwrap();
        let [active, inactive, last, now] = seconds.map(|seconds| seconds.map(at));
        Moments {
            boot: at(0),
            activation: at(5),
            unit_active: active,
            unit_inactive: inactive,
            last_elapse: last,
            now: now.unwrap_or(at(5)),
        }
    }

    #[track_caller]
    fn check(section: &str, moments: &Moments, expected: Option<i64>) {
        assert_eq!(read(section).unwrap().next(moments).map(Timestamp::as_second), expected);
    }

    #[test]
    fn a_timer_knows_its_next_moment() {
        check("OnBootSec=1min", &moments([None; 4]), Some(60));
        check("OnBootSec=1min\nOnUnitActiveSec=10min", &moments([Some(61), None, Some(60), None]), Some(661));
        check("OnActiveSec=1", &moments([None; 4]), Some(6));
        check("OnActiveSec=1", &moments([Some(6), Some(7), Some(6), None]), None);
        check("OnCalendar=*:*:0/20", &moments([None; 4]), Some(20));
        check("OnCalendar=*:*:0/20", &moments([None, None, Some(20), None]), Some(40));
        assert_eq!(read("OnActiveSec=1").unwrap().unit.as_str(), "backup.service");
    }

    #[test]
    fn a_timer_without_a_moment_is_refused() {
        assert_eq!(read("Persistent=yes").unwrap_err(), "Timer unit lacks value setting. Refusing.");
        assert!(read("OnCalendar=whenever").unwrap_err().contains("whenever"));
    }
}
