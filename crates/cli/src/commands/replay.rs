//! `charmproof replay`: one life with the real code of a charm, hook by hook.

use std::fmt::Write as _;
use std::io::IsTerminal as _;
use std::sync::Arc;

use charmproof_agent::runner::{Exit as HookExit, Mode};
use charmproof_fuzz::oracle::{Oracle, Questions};
use charmproof_fuzz::player::{HookRecord, Shell};
use charmproof_fuzz::search::{Settings, play_once};
use charmproof_lifecycle::format::json;
use charmproof_lifecycle::generator::Plan;
use charmproof_lifecycle::life::{Life, Step};
use charmproof_sandbox::CancelToken;

use crate::args::ReplayArgs;
use crate::commands::work::WorkFolder;
use crate::commands::{fuzz, swaps};
use crate::error::{Exit, Failure};
use crate::output::{self, say};
use crate::place::Place;

/// How large a life may be.
const LIFE_BYTES_MAX: u64 = 64 << 20;
/// How long a hook may take, in seconds.
const HOOK_TIMEOUT_S: f64 = 120.0;

pub(crate) fn run(
    place: &Place,
    args: &ReplayArgs,
    is_quiet: bool,
    cancel: &CancelToken,
) -> Result<Exit, Failure> {
    let life = read(args)?;
    let talk = |text: &str| {
        if !is_quiet {
            say(text);
        }
    };
    if args.with.len() + 1 != life.stage.deployments.len() {
        let names: Vec<&str> =
            life.stage.deployments.iter().map(|deployment| deployment.application.as_str()).collect();
        return Err(Failure::usage(format!("the life is one of {}", names.join(", ")))
            .hint("give the folder of the first with --charm, and of each other with --with"));
    }
    let script = beginning(&life.steps, args.until);
    let hooks = script.iter().filter(|step| step.hook().is_some()).count();
    let shell = args.shell.then(|| shell(hooks)).transpose()?;
    let rules =
        args.rules.as_ref().map(|file| fuzz::read_rules(place, file)).transpose()?.unwrap_or_default();
    let work = WorkFolder::new(&place.cache.work())?;
    let swaps = swaps::prepared(place, &args.swap, cancel)?;
    let wanted = fuzz::Wanted { charm: &args.charm, with: &args.with, preload: args.preload.as_ref() };
    let subjects = fuzz::subjects(place, &wanted, &life.stage, &work.path, &swaps, cancel, &talk)?;
    fuzz::check_rules(&rules, &subjects)?;
    let seed = life.seed.unwrap_or(1);
    let settings = Settings {
        plan: Plan::new(life.stage.clone()),
        first_seed: seed,
        lives: Some(1),
        time: None,
        jobs: 1,
        questions: Questions { oracles: vec![Oracle::DeferredForever], hook_budget_s: HOOK_TIMEOUT_S },
        hook_timeout_s: HOOK_TIMEOUT_S,
        hooks_max: fuzz::HOOKS_MAX,
        findings_max: 0,
        corpus: Vec::new(),
        stand_ins: Some(fuzz::lay_stand_ins(&work.path, &rules)?),
        rules: Arc::new(rules),
        is_trusted: args.trust,
        shell,
        compares: false,
    };
    let played = play_once(&subjects, &settings, &script, seed, Mode::Cold, &|| cancel.is_cancelled())
        .map_err(|error| fuzz::could_not_run(&error))?;
    if let Some(trouble) = &played.trouble {
        return Err(Failure {
            what: "the life could not be played to its end".to_owned(),
            causes: vec![trouble.clone()],
            hint: None,
            exit: Exit::CouldNotRun,
        });
    }
    let mut text = String::new();
    for (number, hook) in played.hooks.iter().enumerate() {
        tell(&mut text, number + 1, hook);
    }
    output::result(&text);
    if cancel.is_cancelled() {
        return Ok(Exit::Interrupted);
    }
    let has_failed = played.hooks.iter().any(|hook| !hook.exit.is_success());
    Ok(if has_failed { Exit::Regressed } else { Exit::Fine })
}

fn read(args: &ReplayArgs) -> Result<Life, Failure> {
    let file = &args.life;
    let cannot =
        |error: &std::io::Error| Failure::of(&format!("`{file}` cannot be read"), error).exit(Exit::Usage);
    let size = fs_err::metadata(file).map_err(|error| cannot(&error))?.len();
    if size > LIFE_BYTES_MAX {
        return Err(Failure::usage(format!("`{file}` is too large to be a life")));
    }
    let text = fs_err::read_to_string(file).map_err(|error| cannot(&error))?;
    let line = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    json::read(line).map_err(|error| {
        Failure::usage(format!("`{file}`: {error}"))
            .hint("`charmproof fuzz` and `charmproof simulate --format json` write lives")
    })
}

/// Returns the steps up to the hook of a number.
fn beginning(steps: &[Step], until: Option<u32>) -> Vec<Step> {
    let Some(until) = until else { return steps.to_vec() };
    let mut hooks = 0;
    let mut kept = Vec::new();
    for step in steps {
        kept.push(step.clone());
        hooks += u32::from(step.hook().is_some());
        if hooks == until {
            break;
        }
    }
    kept
}

/// Returns the shell that the user has, on the terminal that the user is at.
fn shell(at: usize) -> Result<Shell, Failure> {
    let no_terminal = || Failure::usage("`--shell` needs a terminal to be typed at");
    if !std::io::stdin().is_terminal() {
        return Err(no_terminal());
    }
    let terminal =
        fs_err::read_link("/proc/self/fd/0").ok().and_then(|path| path.into_os_string().into_string().ok());
    let words = ["/bin/bash", "--norc", "-i"].map(str::to_owned);
    Ok(Shell { at, program: words.to_vec(), terminal: terminal.ok_or_else(no_terminal)? })
}

/// Tells a hook: how it ended, and what it did that can be seen.
fn tell(text: &mut String, number: usize, hook: &HookRecord) {
    let end = match hook.exit {
        HookExit::Code(0) => String::new(),
        HookExit::Code(code) => format!(" FAILED with exit code {code}"),
        HookExit::Signal(signal) => format!(" FAILED by signal {signal}"),
        HookExit::TimedOut => " FAILED: its time was over".to_owned(),
        HookExit::Lost => " FAILED: its process is gone".to_owned(),
        HookExit::Flooded => " FAILED: it called hook tools with more than 32 MiB in all".to_owned(),
    };
    let _ = writeln!(text, "{number}. {} {}{end}", hook.unit, hook.name);
    for status in &hook.effects.statuses {
        let kind: &str = status.kind.into();
        let _ = writeln!(text, "   status {kind}: {}", status.message);
    }
    for change in &hook.effects.relation_changes {
        let keys: Vec<&str> = change.keys.keys().map(String::as_str).collect();
        let _ = writeln!(text, "   writes to relation {}: {}", change.relation, keys.join(", "));
    }
    for line in
        hook.effects.log.iter().filter(|line| matches!(line.level.as_str(), "WARNING" | "ERROR" | "CRITICAL"))
    {
        for part in line.text.lines() {
            let _ = writeln!(text, "   {} {part}", line.level);
        }
    }
    if !hook.exit.is_success() && !hook.output.is_empty() {
        for line in hook.output.lines() {
            let _ = writeln!(text, "   | {line}");
        }
    }
}
