//! Programs with little to say.

use super::Words;
use super::machine::Machine;
use super::rules::Rules;
use super::said::Said;

/// Succeeds without a word, and says that it only did that.
pub(super) fn silent(_machine: &mut Machine, _rules: &Rules, words: &Words<'_>) -> Said {
    let mut said = Said::default();
    said.assumes(format!(
        "`{}` was said to have succeeded in silence; an [[exec]] rule can answer for it",
        words.program
    ));
    said
}

pub(super) fn timedatectl(machine: &mut Machine, _rules: &Rules, words: &Words<'_>) -> Said {
    let plain: Vec<&str> =
        words.arguments.iter().map(String::as_str).filter(|word| !word.starts_with('-')).collect();
    match plain[..] {
        ["set-timezone", zone, ..] => {
            zone.clone_into(&mut machine.timezone);
            Said::default()
        }
        ["show", ..] => Said::printed(format!(
            "Timezone={}\nLocalRTC=no\nCanNTP=yes\nNTP=yes\nNTPSynchronized=yes\n",
            machine.timezone
        )),
        [] | ["status", ..] => Said::printed(format!(
            "                Time zone: {} (UTC, +0000)\nSystem clock synchronized: yes\n              NTP service: active\n",
            machine.timezone
        )),
        [_, ..] => Said::default(),
    }
}

/// Parameters of the kernel. What nobody set is 0: the host's own are none of the charm's business.
pub(super) fn sysctl(machine: &mut Machine, _rules: &Rules, words: &Words<'_>) -> Said {
    let mut said = Said::default();
    let is_bare = words.arguments.iter().any(|word| matches!(word.as_str(), "-n" | "--values"));
    let is_file = words
        .arguments
        .iter()
        .any(|word| word.starts_with("-p") || matches!(word.as_str(), "--load" | "--system"));
    if is_file {
        return said;
    }
    for word in words.arguments.iter().filter(|word| !word.starts_with('-')) {
        if let Some((key, value)) = word.split_once('=') {
            let (key, value) = (key.trim(), value.trim());
            machine.sysctl.insert(key.to_owned(), value.to_owned());
            said.line(format!("{key} = {value}"));
        } else {
            let value = machine.sysctl.get(word).cloned();
            if value.is_none() {
                said.assumes(format!("the parameter {word} of the kernel was taken to be 0"));
            }
            let value = value.unwrap_or_else(|| "0".into());
            said.line(if is_bare { value } else { format!("{word} = {value}") });
        }
    }
    said
}

pub(super) fn update_alternatives(machine: &mut Machine, _rules: &Rules, words: &Words<'_>) -> Said {
    let plain: Vec<&str> = words.arguments.iter().map(String::as_str).collect();
    let mut said = Said::default();
    let at = plain.iter().position(|word| {
        matches!(
            *word,
            "--set"
                | "--install"
                | "--remove"
                | "--query"
                | "--display"
                | "--list"
                | "--auto"
                | "--get-selections"
                | "--remove-all"
        )
    });
    let Some(at) = at else {
        return Said::failed(
            2,
            "update-alternatives: error: need --display, --query, --list, --get-selections, --config, --set, --set-selections, --install, --remove, --all, --remove-all, or --auto\n",
        );
    };
    match (plain[at], &plain[at + 1..]) {
        ("--set", [name, path, ..]) | ("--install", [_, name, path, ..]) => {
            machine.alternatives.insert((*name).to_owned(), (*path).to_owned());
        }
        ("--remove" | "--remove-all", [name, ..]) => {
            machine.alternatives.remove(*name);
        }
        ("--query" | "--display" | "--list", [name, ..]) => match machine.alternatives.get(*name) {
            Some(path) if plain[at] == "--list" => said.line(path),
            Some(path) => said.line(format!("Name: {name}\nStatus: manual\nBest: {path}\nValue: {path}")),
            None => {
                return Said::failed(2, format!("update-alternatives: error: no alternatives for {name}\n"));
            }
        },
        ("--get-selections", _) => {
            for (name, path) in &machine.alternatives {
                said.line(format!("{name} manual {path}"));
            }
        }
        _ => {}
    }
    said
}
