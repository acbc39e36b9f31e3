//! `reboot`, `shutdown` and their like: a machine can boot again, and cannot be switched off by itself.

use super::super::call::Said;
use super::Outcome;

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Power {
    Reboot,
    Off,
    /// Something that changes nothing here: a plan that is given up, a line in a log.
    Nothing,
    /// How it is called.
    Help,
    /// It cannot be done, for this reason.
    Refused(String),
}

/// Whether a program of this name is about the power of the machine.
pub(super) fn is_program(name: &str) -> bool {
    matches!(name, "reboot" | "halt" | "poweroff" | "shutdown" | "init" | "telinit")
}

/// Whether a verb of `systemctl` is.
pub(super) fn is_verb(verb: &str) -> bool {
    matches!(verb, "reboot" | "halt" | "poweroff")
}

/// Does what a program or a verb stands for.
pub(super) fn run(name: &str, arguments: &[String], is_root: bool) -> Outcome {
    match read(name, arguments) {
        Power::Nothing => Outcome::Said(Said::default()),
        Power::Help => Outcome::Said(Said { stdout: usage(name), ..Said::default() }),
        Power::Refused(why) => Outcome::Said(Said::failed(1, why)),
        Power::Reboot | Power::Off if !is_root => Outcome::Said(Said::failed(
            1,
            format!("Call to {name} failed: Interactive authentication required."),
        )),
        Power::Reboot => Outcome::Reboot,
        Power::Off => Outcome::Said(Said::failed(
            1,
            format!(
                "{name}: this machine of charmproof cannot be switched off from inside; `reboot` boots it again, and \
                 `juju remove-unit` or `juju remove-machine` ends it."
            ),
        )),
    }
}

fn usage(name: &str) -> String {
    let arguments = match name {
        "shutdown" => "[OPTIONS...] TIME",
        "init" | "telinit" => "[OPTIONS...] COMMAND",
        _ => "[OPTIONS...]",
    };
    format!(
        "{name} {arguments}\n\nBoot this machine of charmproof again, which cannot be switched off from inside.\n"
    )
}

/// Answers what is no use of a program as it is meant: a question for help, and what it does not know. Nobody
/// who is mistaken about an option boots the machine.
fn answer(name: &str, arguments: &[String]) -> Option<Power> {
    let (letters, long): (&str, &[&str]) = match name {
        "shutdown" => {
            ("HPrhkKacfFt", &["halt", "poweroff", "reboot", "kexec-only", "no-wall", "cancel", "show"])
        }
        "init" | "telinit" => ("", &["no-wall"]),
        _ => (
            "pfwdnih",
            &["halt", "poweroff", "reboot", "force", "wtmp-only", "no-wtmp", "no-sync", "no-wall"],
        ),
    };
    let flags = arguments.iter().take_while(|word| *word != "--").filter(|word| word.len() > 1);
    for flag in flags {
        if let Some(option) = flag.strip_prefix("--") {
            match option {
                "help" => return Some(Power::Help),
                _ if long.contains(&option) => {}
                _ => return Some(Power::Refused(format!("{name}: unrecognized option '{flag}'"))),
            }
        } else if let Some(letter) =
            flag.strip_prefix('-').and_then(|own| own.chars().find(|letter| !letters.contains(*letter)))
        {
            return Some(Power::Refused(format!("{name}: invalid option -- '{letter}'")));
        }
    }
    None
}

fn read(name: &str, arguments: &[String]) -> Power {
    if let Some(answer) = answer(name, arguments) {
        return answer;
    }
    let flags = arguments.iter().map(String::as_str).filter(|word| word.starts_with('-'));
    let mut words = arguments.iter().map(String::as_str).filter(|word| !word.starts_with('-'));
    let has = |letter: char, long: &str| {
        let short = |flag: &str| !flag.starts_with("--") && flag.contains(letter);
        flags.clone().any(|flag| flag == long || short(flag))
    };
    match name {
        "shutdown"
            if has('c', "--cancel")
                || has('k', "--kexec-only")
                || flags.clone().any(|flag| flag == "--show") =>
        {
            Power::Nothing
        }
        "shutdown" => match words.next() {
            Some("now" | "+0") if has('r', "--reboot") => Power::Reboot,
            Some("now" | "+0") => Power::Off,
            time => Power::Refused(format!(
                "shutdown: this machine of charmproof does nothing later: say `now` instead of `{}`.",
                time.unwrap_or("+1")
            )),
        },
        "init" | "telinit" => match words.next() {
            Some("6") => Power::Reboot,
            Some("0") => Power::Off,
            Some("q" | "Q" | "u" | "U") => Power::Nothing,
            Some(_) | None => Power::Refused(
                "The first process of this machine is charmproof's, and runs already.".to_owned(),
            ),
        },
        // The same program by three names, each of which can be told to be another.
        _ if has('w', "--wtmp-only") => Power::Nothing,
        _ if flags.clone().any(|flag| flag == "--reboot") => Power::Reboot,
        _ if has('p', "--poweroff") || flags.clone().any(|flag| flag == "--halt") => Power::Off,
        "reboot" => Power::Reboot,
        _ => Power::Off,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_spelling_is_what_it_stands_for() {
        let check = |line: &str, expected: Power| {
            let mut words = line.split(' ').map(str::to_owned);
            let name = words.next().unwrap();
            assert_eq!(read(&name, &words.collect::<Vec<_>>()), expected, "{line}");
        };
        for line in [
            "reboot",
            "reboot -f",
            "reboot --force",
            "shutdown -r now",
            "shutdown --reboot +0",
            "shutdown -fr now bye",
            "init 6",
            "telinit 6",
            "halt --reboot",
        ] {
            check(line, Power::Reboot);
        }
        for line in [
            "poweroff",
            "halt",
            "halt -f",
            "reboot -p",
            "shutdown now",
            "shutdown -h now",
            "shutdown -P now",
            "init 0",
        ] {
            check(line, Power::Off);
        }
        for line in ["reboot --help", "halt -f --help", "shutdown --help", "init --help"] {
            check(line, Power::Help);
        }
        for (line, why) in [
            ("reboot --bogus", "reboot: unrecognized option '--bogus'"),
            ("shutdown --force -r now", "shutdown: unrecognized option '--force'"),
            ("poweroff -fx", "poweroff: invalid option -- 'x'"),
            ("reboot --force=now", "reboot: unrecognized option '--force=now'"),
        ] {
            check(line, Power::Refused(why.to_owned()));
        }
        for line in ["shutdown -c", "reboot -w", "init q"] {
            check(line, Power::Nothing);
        }
        for line in ["shutdown", "shutdown -r", "shutdown -r +5", "shutdown 23:00", "init", "init 3"] {
            assert!(
                matches!(
                    read(
                        line.split(' ').next().unwrap(),
                        &line.split(' ').skip(1).map(str::to_owned).collect::<Vec<_>>()
                    ),
                    Power::Refused(_)
                ),
                "{line}"
            );
        }
    }
}
