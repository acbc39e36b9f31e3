//! Feeds any bytes to the readers of sequences, and what they find to the judge: none of
//! them may fail, whatever it is.
//!
//! The first byte says what is known of the sequence; the rest is the text. It is read as
//! what it looks like, and as each of the other forms.

#![no_main]

use charmproof_lifecycle::reading::log::{Follower, LogForm};
use charmproof_lifecycle::reading::{About, Receiver, form, json, names};
use charmproof_lifecycle::rules::{Event, Filter, Judge, Markers, Settings, Start};
use charmproof_lifecycle::vocabulary::{JujuVersion, Platform};
use libfuzzer_sys::fuzz_target;

/// Judges what it hears.
struct Court {
    known: Settings,
    judge: Judge,
    hooks: usize,
}

impl Court {
    fn new(known: Settings) -> Self {
        Self { judge: Judge::new(known.clone()), known, hooks: 0 }
    }
}

impl Receiver for Court {
    fn begins(&mut self, about: &About) {
        self.judge = Judge::new(about.settings(&self.known, None));
        self.hooks = 0;
    }

    fn unit_begins(&mut self, _unit: &str, _start: Start) {}

    fn event(&mut self, _unit: Option<&str>, place: usize, event: &Event) {
        for finding in self.judge.step_at(place, event) {
            assert_eq!(finding.position, self.hooks, "a finding is about the hook that was read");
            assert!(!finding.reason.is_empty());
        }
        self.hooks += usize::from(!matches!(event, Event::Marker(_)));
    }

    fn ends(&mut self) {}
}

/// Returns what one byte says of a sequence.
fn known(byte: u8) -> Settings {
    let bit = |number: u8| byte >> number & 1 == 1;
    Settings {
        version: bit(0).then_some(if bit(1) { JujuVersion::V4_0 } else { JujuVersion::V3_6 }),
        platform: bit(2).then_some(if bit(3) { Platform::Kubernetes } else { Platform::Machine }),
        start: if bit(4) { Start::Deployment } else { Start::Unknown },
        filter: if bit(5) && bit(6) { Filter::OtherEndpoints } else { Filter::Nothing },
        markers: if bit(6) { Markers::All } else { Markers::Some },
        unit: bit(7).then(|| "web/0".to_owned()),
        ..Settings::default()
    }
}

fuzz_target!(|bytes: &[u8]| {
    let Some((first, bytes)) = bytes.split_first() else { return };
    let _ = form::of(bytes);
    let text = String::from_utf8_lossy(bytes);
    let mut court = Court::new(known(*first));
    let _ = json::read(serde_json::de::SliceRead::new(bytes), &mut court, &|| {});
    for form in [LogForm::Agent, LogForm::Status] {
        let mut court = Court::new(known(*first));
        let mut follower = Follower::new(form);
        for (number, line) in (1..).zip(text.lines()) {
            let _ = follower.line(number, line, &mut court);
        }
        follower.end(&mut court);
    }
    let mut court = Court::new(known(*first));
    for (number, line) in (1..).zip(text.lines()) {
        if let Ok(Some(event)) = names::read_line(number, line) {
            court.event(None, number, &event);
        }
    }
});
