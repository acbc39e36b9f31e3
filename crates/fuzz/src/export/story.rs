//! What happened, in order, as the documentation of a test.

use charmproof_lifecycle::format::story::{act, event};
use charmproof_lifecycle::life::{Happening, Life};
use charmproof_lifecycle::stimulus::{Actor, Stimulus};
use charmproof_lifecycle::vocabulary::Outcome;

const COLUMNS: usize = 80;

/// Tells a life as a numbered list: what somebody did, and the hooks that Juju ran for it.
pub(super) fn tell(life: &Life) -> String {
    let mut items: Vec<String> = Vec::new();
    let mut hooks: Vec<String> = Vec::new();
    let has_many = life.stage.deployments.len() > 1 || units(life) > 1;
    for step in &life.steps {
        match &step.what {
            // What the charm does is no news; that it makes a secret explains the hooks to come.
            Happening::Stimulus { target, stimulus } if stimulus.kind().by() == Actor::ThisCharm => {
                if let Stimulus::SecretAdded { secret_id, .. } = stimulus {
                    hooks.push(format!("which makes {secret_id} of {}", target.name()));
                }
            }
            Happening::Stimulus { target, stimulus } => {
                finish(&mut items, &mut hooks);
                items.push(act(target, stimulus));
            }
            Happening::Hook { unit, hook, outcome, .. } => {
                let end = match outcome {
                    Outcome::Ok | Outcome::Missing => "",
                    Outcome::Failed => ", which fails",
                    Outcome::Terminated => ", which is cut off",
                };
                let of = if has_many { format!("{unit}: ") } else { String::new() };
                hooks.push(format!("{of}{}{end}", event(hook)));
            }
            Happening::Begin { .. } | Happening::Marker { .. } => {}
        }
    }
    finish(&mut items, &mut hooks);
    let lines = items.iter().enumerate().map(|(number, item)| {
        let lead = format!("{}. ", number + 1);
        wrapped(item, &lead)
    });
    lines.collect::<Vec<String>>().join("\n")
}

fn units(life: &Life) -> u32 {
    life.stage.deployments.iter().map(|deployment| deployment.units).sum()
}

fn finish(items: &mut Vec<String>, hooks: &mut Vec<String>) {
    let hooks = std::mem::take(hooks);
    if hooks.is_empty() {
        return;
    }
    let ran = format!("Juju runs {}", hooks.join(", "));
    match items.last_mut() {
        Some(last) => *last = format!("{last}. {ran}."),
        None => items.push(format!("{ran}.")),
    }
}

/// Breaks a text into lines. `lead` begins the first one, and the others are indented as far.
pub(super) fn wrapped(text: &str, lead: &str) -> String {
    let indent = " ".repeat(lead.chars().count());
    let mut result = lead.to_owned();
    let mut column = indent.len();
    for (number, word) in text.split_whitespace().enumerate() {
        let length = word.chars().count();
        if number > 0 && column + 1 + length > COLUMNS {
            result.push('\n');
            result.push_str(&indent);
            column = indent.len();
        } else if number > 0 {
            result.push(' ');
            column += 1;
        }
        result.push_str(word);
        column += length;
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_are_broken_between_words() {
        let text = wrapped(&"word ".repeat(20), "1. ");
        assert!(text.lines().all(|line| line.len() <= COLUMNS), "{text}");
        assert!(text.lines().skip(1).all(|line| line.starts_with("   word")), "{text}");
        assert_eq!(wrapped("short", ""), "short");
    }
}
