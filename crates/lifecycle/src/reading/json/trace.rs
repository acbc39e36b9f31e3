//! A recorded trace: the hooks of one unit in a list, and lists beside it.

use std::collections::BTreeMap;

use serde::de::MapAccess;

use super::super::{About, Receiver, Unreadable, event, outcome};
use super::life::Head;
use crate::rules::{Event, Filter, Markers, Start};
use crate::vocabulary::Marker;

/// A recorded trace, and what is known about it.
#[derive(Debug, Default)]
pub(super) struct Trace {
    pub(super) charm: String,
    id: String,
    events: Option<Vec<String>>,
    outcomes: Vec<String>,
    /// The place of a hook, and what was logged before it.
    markers: Vec<(usize, String)>,
    rel_ids: Vec<Option<u32>>,
    from_start: bool,
    filtered: Option<String>,
}

impl Trace {
    /// Takes the value of a key, if it is one of a trace.
    pub(super) fn take<'de, A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<bool, A::Error> {
        match key {
            "id" => self.id = map.next_value()?,
            "events" => self.events = Some(map.next_value()?),
            "outcomes" => self.outcomes = map.next_value()?,
            "markers" => self.markers = map.next_value()?,
            "rel_ids" => self.rel_ids = map.next_value()?,
            "from_start" => self.from_start = map.next_value()?,
            "filtered" => self.filtered = map.next_value()?,
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Whether the object has no hooks, so that it is no trace.
    pub(super) fn is_none(&self) -> bool {
        self.events.is_none()
    }

    /// Tells of the trace, whose hooks have the places 1, 2, 3.
    pub(super) fn tell(
        self,
        head: &Head,
        place: &str,
        receiver: &mut dyn Receiver,
    ) -> Result<(), Unreadable> {
        let name = format!("{} {}", self.id, self.charm).trim().to_owned();
        let name = if name.is_empty() { place.to_owned() } else { name };
        let filter = match self.filtered.as_deref() {
            None | Some("") => Filter::Nothing,
            Some(kept) if kept.ends_with("relation only") => Filter::OtherEndpoints,
            Some(_) => Filter::Anything,
        };
        receiver.begins(&About {
            name: Some(name.clone()),
            start: Some(if self.from_start { Start::Deployment } else { Start::Unknown }),
            filter,
            markers: Markers::Some,
            is_recorded: true,
            ..head.about()
        });
        let mut markers: BTreeMap<usize, Vec<Marker>> = BTreeMap::new();
        for (index, text) in &self.markers {
            markers.entry(*index).or_default().extend(Marker::parse(text));
        }
        for (index, hook_name) in self.events.unwrap_or_default().iter().enumerate() {
            let number = index + 1;
            for marker in markers.remove(&index).into_iter().flatten() {
                receiver.event(None, number, &Event::Marker(marker));
            }
            let here = || format!("{name}, event {number}");
            let outcome = outcome(self.outcomes.get(index).map(String::as_str), here)?;
            let mut event = event(hook_name, outcome, here)?;
            if let Event::Hook { hook, .. } = &mut event {
                hook.relation_id = self.rel_ids.get(index).copied().flatten();
            }
            receiver.event(None, number, &event);
        }
        receiver.ends();
        Ok(())
    }
}
