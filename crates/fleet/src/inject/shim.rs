//! What stands in for `uv` and `poetry` on the search path of a run.
//!
//! Both can install in the middle of a charm's own commands, where no plugin of tox
//! is asked. The shim lets the real program work and swaps afterwards; `uv run` is
//! taken apart into its sync and its run.

use std::collections::BTreeMap;

use camino::{Utf8Path, Utf8PathBuf};

use super::unit_file::UnitFile;
use crate::process::find_on_path;

/// What the shim is to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Plan {
    /// Become the real program with these arguments.
    Become(Vec<String>),
    /// Run the real program; if it ends well, swap what it may have changed.
    RunThenSwap(Vec<String>),
    /// Run the first words (they sync and then swap), then become the second.
    SyncThenBecome {
        /// `uv run` with the swap in place of the command.
        sync: Vec<String>,
        /// The same without another sync.
        run: Vec<String>,
    },
    /// Become charmproof's own tox, with these arguments.
    BecomeTox(Vec<String>),
}

/// Options of uv that take a value, of all subcommands that matter here.
const UV_VALUES: &[&str] = &[
    "--extra",
    "--no-extra",
    "--group",
    "--no-group",
    "--only-group",
    "--no-editable-package",
    "--env-file",
    "--with",
    "--with-editable",
    "--with-requirements",
    "--package",
    "--python-platform",
    "--index",
    "--default-index",
    "--index-url",
    "--extra-index-url",
    "--find-links",
    "--index-strategy",
    "--keyring-provider",
    "--upgrade-package",
    "--upgrade-group",
    "--resolution",
    "--prerelease",
    "--prerelease-package",
    "--fork-strategy",
    "--exclude-newer",
    "--exclude-newer-package",
    "--no-sources-package",
    "--reinstall-package",
    "--link-mode",
    "--config-setting",
    "--config-settings-package",
    "--no-build-isolation-package",
    "--no-build-package",
    "--no-binary-package",
    "--cache-dir",
    "--refresh-package",
    "--python",
    "--color",
    "--allow-insecure-host",
    "--directory",
    "--project",
    "--config-file",
    "--from",
    "-w",
    "-i",
    "-f",
    "-P",
    "-C",
    "-p",
];

/// Options of `uv run` that add an environment on top; the sync is done without.
const UV_WITH: &[&str] = &["--with", "--with-editable", "--with-requirements", "-w"];

fn takes_value(option: &str) -> bool {
    UV_VALUES.contains(&option)
}

/// Splits words into leading options (with their values) and the rest.
fn split_options(words: &[String]) -> (Vec<Vec<String>>, &[String]) {
    let mut options = Vec::new();
    let mut at = 0;
    while at < words.len() {
        let word = &words[at];
        if word == "--" || !word.starts_with('-') || word == "-" {
            break;
        }
        if takes_value(word) && at + 1 < words.len() {
            options.push(words[at..at + 2].to_vec());
            at += 2;
        } else {
            options.push(vec![word.clone()]);
            at += 1;
        }
    }
    (options, &words[at..])
}

/// Decides what to do with a call of `program` (`uv`, `uvx` or `poetry`).
pub fn plan(program: &str, words: &[String], swap_command: &[String]) -> Plan {
    match program {
        "poetry" => {
            let installs = words.iter().any(|w| matches!(w.as_str(), "install" | "sync" | "add" | "update"));
            if installs { Plan::RunThenSwap(words.to_vec()) } else { Plan::Become(words.to_vec()) }
        }
        "uvx" => tool_run(words).unwrap_or_else(|| Plan::Become(words.to_vec())),
        _ => plan_uv(words, swap_command),
    }
}

fn plan_uv(words: &[String], swap_command: &[String]) -> Plan {
    let (global, rest) = split_options(words);
    let become_it = || Plan::Become(words.to_vec());
    match rest.first().map(String::as_str) {
        Some("sync" | "add") => Plan::RunThenSwap(words.to_vec()),
        Some("pip") if rest.get(1).is_some_and(|w| w == "install" || w == "sync") => {
            Plan::RunThenSwap(words.to_vec())
        }
        Some("tool") if rest.get(1).is_some_and(|w| w == "run") => {
            tool_run(&rest[2..]).unwrap_or_else(become_it)
        }
        Some("run") => {
            let (options, command) = split_options(&rest[1..]);
            let has = |names: &[&str]| {
                options.iter().any(|o| names.iter().any(|n| o[0] == *n || o[0].starts_with(&format!("{n}="))))
            };
            // Nothing to sync: no project, or the caller said not to.
            if command.is_empty() || has(&["--no-project", "--no-sync", "--script", "-s"]) {
                return become_it();
            }
            let flat = |keep: &dyn Fn(&str) -> bool| -> Vec<String> {
                let mut out: Vec<String> = global.iter().flatten().cloned().collect();
                out.push("run".into());
                for option in &options {
                    let name = option[0].split('=').next().unwrap_or("");
                    if keep(name) {
                        out.extend(option.iter().cloned());
                    }
                }
                out
            };
            // An isolated environment is thrown away with its swap, and a type checker in it
            // would see the charm's own packages. The copy's environment serves as well:
            // `--exact` takes out of it what an isolated one would not have.
            let mut sync = flat(&|name| {
                !UV_WITH.contains(&name) && !matches!(name, "-m" | "--module" | "--gui-script" | "--isolated")
            });
            if has(&["--isolated"]) && !has(&["--exact"]) {
                sync.push("--exact".into());
            }
            sync.push("--".into());
            sync.extend(swap_command.iter().cloned());
            // `--no-sync` cannot stand beside the options that say how to sync.
            let mut run = flat(&|name| {
                !matches!(name, "--frozen" | "--locked" | "--exact" | "--inexact" | "--isolated")
            });
            run.insert(global.iter().flatten().count() + 1, "--no-sync".into());
            run.extend(command.iter().cloned());
            Plan::SyncThenBecome { sync, run }
        }
        _ => become_it(),
    }
}

/// `uvx tox …` and `uv tool run tox …` are served by charmproof's own tox, since a
/// tox made on the spot may lack tox-uv and would not keep its environment.
fn tool_run(words: &[String]) -> Option<Plan> {
    let (options, rest) = split_options(words);
    let tool = rest.first()?.split(['@', '=', '<', '>', '~']).next()?;
    let is_plain = options.iter().all(|o| UV_WITH.contains(&o[0].as_str()) || o[0].starts_with("--with="));
    (tool == "tox" && is_plain).then(|| Plan::BecomeTox(rest[1..].to_vec()))
}

/// Whether a call runs a tool in an environment of its own, which holds nothing of the
/// charm. A tool that brings packages along (`--with`) may hold the swapped one.
pub fn is_isolated(program: &str, words: &[String]) -> bool {
    let (_, rest) = split_options(words);
    let run = match (program, rest.first().map(String::as_str), rest.get(1).map(String::as_str)) {
        ("uvx", Some(_), _) => words,
        ("uv", Some("tool"), Some("run")) => &rest[2..],
        _ => return false,
    };
    let (options, _) = split_options(run);
    !options.iter().any(|option| UV_WITH.contains(&option[0].as_str()) || option[0].starts_with("--with"))
        && !matches!(plan(program, words, &[]), Plan::BecomeTox(_))
}

/// Returns the real program behind a shim.
pub fn real_program(
    unit: &UnitFile,
    program: &str,
    variables: &BTreeMap<String, String>,
) -> Option<Utf8PathBuf> {
    let search_path = variables.get("PATH").map_or("", String::as_str);
    find_on_path(program, search_path, &[&unit.shims]).or_else(|| {
        let beside = unit.uv.parent().unwrap_or(Utf8Path::new("/")).join(program);
        beside.exists().then_some(beside)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split_whitespace().map(ToString::to_string).collect()
    }

    #[track_caller]
    fn check(call: &str, expected: &str) {
        let all = words(call);
        let shown = match plan(&all[0], &all[1..], &words("SWAP")) {
            Plan::Become(w) => format!("become: {}", w.join(" ")),
            Plan::RunThenSwap(w) => format!("swap after: {}", w.join(" ")),
            Plan::SyncThenBecome { sync, run } => format!("{} ; {}", sync.join(" "), run.join(" ")),
            Plan::BecomeTox(w) => format!("tox {}", w.join(" ")),
        };
        assert_eq!(shown, expected, "{call}");
    }

    #[test]
    fn tools_in_environments_of_their_own() {
        for (call, expected) in [
            ("uvx ruff check", true),
            ("uv tool run --python 3.12 ruff format", true),
            ("uvx --with ops pyright", false),
            ("uvx tox -e unit", false),
            ("uv run ruff", false),
        ] {
            let all = words(call);
            assert_eq!(is_isolated(&all[0], &all[1..]), expected, "{call}");
        }
    }

    #[test]
    fn calls_as_charms_make_them() {
        check("uv run --frozen pytest tests/unit", "run --frozen -- SWAP ; run --no-sync pytest tests/unit");
        check(
            "uv run --isolated --group unit pytest",
            "run --group unit --exact -- SWAP ; run --no-sync --group unit pytest",
        );
        check(
            "uv --directory x run --group unit --with pytest-xdist pytest -n 2",
            "--directory x run --group unit -- SWAP ; --directory x run --no-sync --group unit --with pytest-xdist pytest -n 2",
        );
        check("uv run -m pytest", "run -- SWAP ; run --no-sync -m pytest");
        check("uv sync --locked --group lint", "swap after: sync --locked --group lint");
        check("uv pip install -r requirements.txt", "swap after: pip install -r requirements.txt");
        check("uv pip list", "become: pip list");
        check("uv lock", "become: lock");
        check("uv run", "become: run");
        check("uvx --with tox-uv tox -e unit", "tox -e unit");
        check("uv tool run tox@4 -e lint", "tox -e lint");
        check("uvx ruff check", "become: ruff check");
        check("poetry install --only unit", "swap after: install --only unit");
        check("poetry run pytest", "become: run pytest");
    }
}
