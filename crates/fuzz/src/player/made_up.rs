//! Values that users give: options, and parameters of actions.
//!
//! A user can set an option to anything of its type, and Juju does not ask the charm. So
//! values are ordinary most of the time, and odd now and then.

use charmproof_agent::standins::{ActionRule, ValuesRule};
use charmproof_agent::state::{ConfigOption, ConfigType};
use charmproof_charm::metadata::{Action, JsonType, Parameter};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use serde_json::{Map, Value};

use charmproof_pack::values::json_of;

/// Random numbers that are the same on every platform.
#[derive(Debug)]
pub(super) struct Chance(ChaCha8Rng);

impl Chance {
    pub(super) fn new(seed: u64) -> Self {
        Self(ChaCha8Rng::seed_from_u64(seed))
    }

    /// Returns a number below `end`, or 0 if `end` is 0.
    fn below(&mut self, end: usize) -> usize {
        let end = u64::try_from(end).unwrap_or(u64::MAX).min(u64::from(u32::MAX));
        usize::try_from((u64::from(self.0.next_u32()) * end) >> 32).unwrap_or(0)
    }

    /// Whether something happens that does in so many of a thousand cases.
    pub(super) fn happens(&mut self, in_thousand: usize) -> bool {
        self.below(1000) < in_thousand
    }

    pub(super) fn one_of<'a, T>(&mut self, options: &'a [T]) -> Option<&'a T> {
        let index = self.below(options.len());
        options.get(index)
    }
}

const TEXTS: [&str; 8] =
    ["a", "example", "two words", "UPPER", "with-dash_1", "10.1.2.3", "ünïcode", "x=y;z"];
const NUMBERS: [i64; 8] = [0, 1, 2, 10, 80, 8080, 65535, -1];

/// Returns one of the values that a rule gives, another than the present one if there is one.
pub(super) fn ruled(rule: &ValuesRule, present: Option<&Value>, chance: &mut Chance) -> Option<Value> {
    let others: Vec<&Value> = rule.values.iter().filter(|value| Some(*value) != present).collect();
    chance.one_of(&others).map(|value| (*value).clone()).or_else(|| present.cloned())
}

/// Returns a value that an option may be set to; `None` if there is nothing to choose from.
pub(super) fn value(option: &ConfigOption, rule: Option<&ValuesRule>, chance: &mut Chance) -> Option<Value> {
    if let Some(rule) = rule {
        return ruled(rule, option.value.as_ref(), chance);
    }
    match option.kind {
        ConfigType::Boolean => {
            let current = option.effective().and_then(Value::as_bool).unwrap_or(false);
            Some(Value::from(!current))
        }
        ConfigType::Int => {
            let near = option.default.as_ref().and_then(Value::as_i64).filter(|_| chance.happens(500));
            let number = near.map_or_else(
                || chance.one_of(&NUMBERS).copied().unwrap_or(0),
                |number| number.saturating_add(1),
            );
            Some(Value::from(number))
        }
        ConfigType::Float => {
            Some(Value::from(chance.one_of(&[0.0, 0.5, 1.0, 100.25]).copied().unwrap_or(0.5)))
        }
        ConfigType::String => {
            let default = option.default.as_ref().and_then(Value::as_str).unwrap_or_default();
            let is_near = !default.is_empty() && chance.happens(300);
            let text = if is_near { format!("{default}2") } else { (*chance.one_of(&TEXTS)?).to_owned() };
            Some(Value::from(text))
        }
        // Only the id of a secret that was granted makes sense, which is a rule's to give.
        ConfigType::Secret => None,
    }
}

/// Returns parameters for an action: those that it demands or a rule names, and now and then others.
pub(super) fn parameters(
    action: &Action,
    rule: Option<&ActionRule>,
    chance: &mut Chance,
) -> Map<String, Value> {
    let mut all = Map::new();
    for parameter in &action.parameters {
        let ruled_value = rule.and_then(|rule| rule.params.get(&parameter.name));
        if let Some(value) = ruled_value.and_then(|rule| ruled(rule, None, chance)) {
            all.insert(parameter.name.clone(), value);
            continue;
        }
        // Juju fills in defaults before the charm sees anything.
        if let Some(default) = &parameter.default {
            all.insert(parameter.name.clone(), json_of(default));
        }
        if parameter.is_required || chance.happens(300) {
            all.insert(parameter.name.clone(), parameter_value(parameter, chance));
        }
    }
    all
}

fn parameter_value(parameter: &Parameter, chance: &mut Chance) -> Value {
    if let Some(allowed) = chance.one_of(&parameter.allowed) {
        return json_of(allowed);
    }
    match chance.one_of(&parameter.types) {
        Some(JsonType::Boolean) => Value::from(chance.happens(500)),
        Some(JsonType::Integer | JsonType::Number) => {
            Value::from(chance.one_of(&NUMBERS).copied().unwrap_or(1))
        }
        Some(JsonType::Array) => Value::Array(Vec::new()),
        Some(JsonType::Object) => Value::Object(Map::new()),
        Some(JsonType::Null) => Value::Null,
        Some(JsonType::String) | None => Value::from(*chance.one_of(&TEXTS).unwrap_or(&"a")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_rule_gives_all_of_its_values_and_no_other() {
        let rule = ValuesRule { values: vec![json!("a"), json!("b")] };
        let option = ConfigOption { kind: ConfigType::String, default: None, value: Some(json!("a")) };
        let mut chance = Chance::new(1);
        for _ in 0..20 {
            assert_eq!(value(&option, Some(&rule), &mut chance), Some(json!("b")));
        }
        let only = ValuesRule { values: vec![json!("a")] };
        assert_eq!(value(&option, Some(&only), &mut chance), Some(json!("a")));
        let unset = ConfigOption { value: None, ..option };
        let picked: Vec<Value> = (0..20).filter_map(|_| value(&unset, Some(&rule), &mut chance)).collect();
        assert!(picked.contains(&json!("a")) && picked.contains(&json!("b")) && picked.len() == 20);
    }
}
