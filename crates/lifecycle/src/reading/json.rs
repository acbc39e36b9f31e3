//! Lives and recorded traces in JSON: one object after the other, or a list of them.
//!
//! A life can be longer than memory, so its steps are handed on as they are read. What
//! stands before `steps` is known to the judge, what stands behind them is not. A trace
//! tells of one unit in lists beside each other, and is read as a whole.

mod life;
mod trace;

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::de::Read;

use super::{About, Receiver, Unreadable};
use life::Head;
use trace::Trace;

/// The version of the form of lives that can be read.
pub const SCHEMA: u64 = 1;

/// Why a JSON text is no sequence.
#[derive(Debug, thiserror::Error)]
pub enum UnreadableJson {
    /// It is JSON of something else.
    #[error(transparent)]
    Sequence(#[from] Unreadable),
    /// It is no JSON, or a value is of the wrong kind, or it cannot be read on.
    #[error("{place}")]
    Form {
        /// Which life or trace it is.
        place: String,
        /// What is wrong with it.
        source: serde_json::Error,
    },
}

/// Reads all lives and traces of a text, and tells `receiver` of each.
///
/// `passed` is called after each part that was read, so that a reader which bounds the
/// size of a part knows where the next one begins.
pub fn read<'de, R: Read<'de>>(
    reader: R,
    receiver: &mut dyn Receiver,
    passed: &dyn Fn(),
) -> Result<(), UnreadableJson> {
    let mut deserializer = serde_json::Deserializer::new(reader);
    let mut state = State { receiver, passed, number: 0, error: None };
    while deserializer.end().is_err() {
        let result = Document(&mut state).deserialize(&mut deserializer);
        match (state.error.take(), result) {
            (Some(error), _) => return Err(error.into()),
            (None, Err(source)) => {
                return Err(UnreadableJson::Form { place: format!("object {}", state.number), source });
            }
            (None, Ok(())) => {}
        }
    }
    Ok(())
}

/// What is kept while a text is read.
struct State<'receiver> {
    receiver: &'receiver mut dyn Receiver,
    passed: &'receiver dyn Fn(),
    /// The number of the object that is being read, from 1.
    number: usize,
    /// Why reading stopped. serde only carries texts.
    error: Option<Unreadable>,
}

impl State<'_> {
    /// Keeps an error, and returns the one that makes serde stop.
    fn stop<E: serde::de::Error>(&mut self, error: Unreadable) -> E {
        let text = E::custom(&error);
        self.error = Some(error);
        text
    }
}

/// An object, or a list of them.
struct Document<'state, 'receiver>(&'state mut State<'receiver>);

impl<'de> DeserializeSeed<'de> for Document<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Document<'_, '_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a life, a trace, or a list of them")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while list.next_element_seed(Object(&mut *self.0))?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<(), A::Error> {
        Object(self.0).visit_map(map)
    }
}

/// One life or trace.
struct Object<'state, 'receiver>(&'state mut State<'receiver>);

impl<'de> DeserializeSeed<'de> for Object<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Object<'_, '_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a life or a trace")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let state = self.0;
        state.number += 1;
        let place = format!("object {}", state.number);
        let mut head = Head::default();
        let mut trace = Trace::default();
        let mut has_steps = false;
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "steps" => {
                    if let Some(schema) = head.schema.filter(|schema| *schema != SCHEMA) {
                        return Err(state.stop(Unreadable::Schema { place, schema }));
                    }
                    has_steps = true;
                    let about = About { name: None, ..head.about() };
                    map.next_value_seed(life::Steps::new(&mut *state, &place, &about))?;
                }
                // The charm of a trace is a name, that of a life an object.
                "charm" => {
                    let value: serde_json::Value = map.next_value()?;
                    value.as_str().unwrap_or_default().clone_into(&mut trace.charm);
                    head.charm(value).map_err(A::Error::custom)?;
                }
                key if !(head.take(key, &mut map)? || trace.take(key, &mut map)?) => {
                    map.next_value::<IgnoredAny>()?;
                }
                _ => {}
            }
            (state.passed)();
        }
        if let Some(schema) = head.schema.filter(|schema| *schema != SCHEMA) {
            return Err(state.stop(Unreadable::Schema { place, schema }));
        }
        if has_steps {
            return Ok(());
        }
        if trace.is_none() {
            return Err(state.stop(Unreadable::NoSequence { place }));
        }
        let told = trace.tell(&head, &place, state.receiver);
        told.map_err(|error| state.stop(error))
    }
}
