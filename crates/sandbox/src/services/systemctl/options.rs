//! The options of `systemctl`.

use camino::Utf8PathBuf;

/// What was asked for besides the verb.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Options {
    /// The verb and its arguments.
    pub words: Vec<String>,
    pub is_quiet: bool,
    pub is_now: bool,
    pub is_runtime: bool,
    pub is_forced: bool,
    pub is_user: bool,
    pub is_global: bool,
    pub does_not_wait: bool,
    pub has_no_warnings: bool,
    pub shows_all: bool,
    pub has_no_legend: bool,
    pub is_plain: bool,
    pub is_value: bool,
    pub asks_version: bool,
    pub asks_help: bool,
    pub is_dry_run: bool,
    pub properties: Vec<String>,
    pub types: Vec<String>,
    pub states: Vec<String>,
    pub signal: String,
    pub kill_whom: String,
    pub preset_mode: String,
    pub root: Option<Utf8PathBuf>,
    pub lines: Option<usize>,
    pub output: String,
    pub is_reverse: bool,
}

/// Options with a value, which may follow in the next word.
const WITH_VALUE: [&str; 32] = [
    "-H",
    "--host",
    "-M",
    "--machine",
    "-t",
    "--type",
    "--state",
    "-p",
    "--property",
    "-P",
    "-s",
    "--signal",
    "--kill-who",
    "--kill-whom",
    "--kill-value",
    "--preset-mode",
    "--root",
    "--image",
    "-n",
    "--lines",
    "-o",
    "--output",
    "--job-mode",
    "--what",
    "--boot-loader-menu",
    "--boot-loader-entry",
    "--reboot-argument",
    "--timestamp",
    "--legend",
    "--check-inhibitors",
    "--image-policy",
    "--drop-in",
];

impl Options {
    /// Reads arguments; the error is what systemctl prints.
    pub(super) fn read(arguments: &[String]) -> Result<Self, String> {
        let mut options = Self {
            signal: "SIGTERM".to_owned(),
            kill_whom: "all".to_owned(),
            preset_mode: "full".to_owned(),
            ..Self::default()
        };
        let mut words = arguments.iter();
        let mut is_over = false;
        while let Some(word) = words.next() {
            if is_over || !word.starts_with('-') || word == "-" {
                options.words.push(word.clone());
                continue;
            }
            if word == "--" {
                is_over = true;
                continue;
            }
            if word.starts_with("--") {
                let (name, value) = match word.split_once('=') {
                    Some((name, value)) => (name, Some(value.to_owned())),
                    None => (word.as_str(), None),
                };
                let value = match value {
                    None if WITH_VALUE.contains(&name) => Some(
                        words
                            .next()
                            .cloned()
                            .ok_or(format!("systemctl: option '{name}' requires an argument"))?,
                    ),
                    value => value,
                };
                options.set(name, value.as_deref())?;
                continue;
            }
            // Short ones may stand together, and their value directly behind them.
            let letters: Vec<char> = word.chars().skip(1).collect();
            for (index, letter) in letters.iter().enumerate() {
                let name = format!("-{letter}");
                if WITH_VALUE.contains(&name.as_str()) {
                    let rest: String = letters[index + 1..].iter().collect();
                    let value = match rest.as_str() {
                        "" => words
                            .next()
                            .cloned()
                            .ok_or(format!("systemctl: option requires an argument -- '{letter}'"))?,
                        rest => rest.to_owned(),
                    };
                    options.set(&name, Some(&value))?;
                    break;
                }
                options.set(&name, None)?;
            }
        }
        Ok(options)
    }

    fn set(&mut self, name: &str, value: Option<&str>) -> Result<(), String> {
        let value = value.unwrap_or("");
        let list = || value.split(',').filter(|part| !part.is_empty()).map(str::to_owned);
        match name {
            "-q" | "--quiet" => self.is_quiet = true,
            "--now" => self.is_now = true,
            "--runtime" => self.is_runtime = true,
            "-f" | "--force" => self.is_forced = true,
            "--user" => self.is_user = true,
            "--global" => (self.is_user, self.is_global) = (true, true),
            "--no-block" => self.does_not_wait = true,
            "--no-warn" => self.has_no_warnings = true,
            "-a" | "--all" => self.shows_all = true,
            "--no-legend" => self.has_no_legend = true,
            "--legend" => self.has_no_legend = value == "no" || value == "false",
            "--plain" => self.is_plain = true,
            "--value" => self.is_value = true,
            "--version" => self.asks_version = true,
            "-h" | "--help" => self.asks_help = true,
            "--dry-run" => self.is_dry_run = true,
            "-p" | "--property" => self.properties.extend(list()),
            "-P" => {
                self.is_value = true;
                self.properties.extend(list());
            }
            "-t" | "--type" => self.types.extend(list()),
            "--state" => self.states.extend(list()),
            "--failed" => self.states.push("failed".to_owned()),
            "-s" | "--signal" => value.clone_into(&mut self.signal),
            "--kill-who" | "--kill-whom" => value.clone_into(&mut self.kill_whom),
            "--preset-mode" => value.clone_into(&mut self.preset_mode),
            "--root" => self.root = Some(Utf8PathBuf::from(value)),
            "-n" | "--lines" => self.lines = value.parse().ok(),
            "-o" | "--output" => value.clone_into(&mut self.output),
            "--reverse" => self.is_reverse = true,
            // They change nothing here, or nothing that anybody sees.
            "--system"
            | "--no-pager"
            | "-l"
            | "--full"
            | "--no-reload"
            | "--no-wall"
            | "--no-ask-password"
            | "--wait"
            | "--show-types"
            | "-r"
            | "--recursive"
            | "-i"
            | "--ignore-inhibitors"
            | "--job-mode"
            | "-T"
            | "--show-transaction"
            | "--fail"
            | "--what"
            | "--after"
            | "--before"
            | "--with-dependencies"
            | "--mkdir"
            | "--marked"
            | "--read-only"
            | "--timestamp"
            | "--message"
            | "--firmware-setup"
            | "--check-inhibitors"
            | "--kill-value"
            | "--boot-loader-menu"
            | "--boot-loader-entry"
            | "--reboot-argument"
            | "--drop-in"
            | "--image-policy" => {}
            "-H" | "--host" | "-M" | "--machine" | "--image" => {
                return Err(format!("systemctl {name} is not supported in this machine of charmproof."));
            }
            other if other.starts_with("--") => {
                return Err(format!("systemctl: unrecognized option '{other}'"));
            }
            other => return Err(format!("systemctl: invalid option -- '{}'", other.trim_start_matches('-'))),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(line: &str) -> Result<Options, String> {
        Options::read(&line.split_ascii_whitespace().map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn options_may_stand_anywhere() {
        let options = read("--no-pager show redis -p ActiveState,SubState --value -qa").unwrap();
        assert_eq!(options.words, ["show", "redis"]);
        assert_eq!(options.properties, ["ActiveState", "SubState"]);
        assert!(options.is_value && options.is_quiet && options.shows_all);
        assert_eq!(read("is-active -- -odd").unwrap().words, ["is-active", "-odd"]);
        assert_eq!(read("kill -sHUP a").unwrap().signal, "HUP");
        assert_eq!(read("kill --signal=9 a").unwrap().signal, "9");
    }

    #[test]
    fn what_is_not_known_is_told() {
        assert_eq!(read("--foo").unwrap_err(), "systemctl: unrecognized option '--foo'");
        assert_eq!(read("-Z").unwrap_err(), "systemctl: invalid option -- 'Z'");
        assert_eq!(read("show -p").unwrap_err(), "systemctl: option requires an argument -- 'p'");
    }

    proptest! {
        #[test]
        fn any_arguments_are_read_or_refused(arguments in prop::collection::vec("-{0,2}[a-zA-Z=]{0,6}", 0..5)) {
            let _ = Options::read(&arguments);
        }
    }
}
