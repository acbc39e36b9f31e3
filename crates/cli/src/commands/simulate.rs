//! `charmproof simulate`: lives of a charm, random or all of them.

pub(crate) mod switches;

use std::io::{BufRead as _, BufReader, Read as _};
use std::time::{SystemTime, UNIX_EPOCH};

use charmproof_lifecycle::exhaustive::{self, Extent};
use charmproof_lifecycle::format;
use charmproof_lifecycle::format::{json, story};
use charmproof_lifecycle::generator::{Plan, generate};
use charmproof_lifecycle::life::{Life, Phase, Stage, Step};
use charmproof_lifecycle::replay::{Afterwards, replay};
use charmproof_lifecycle::vocabulary::{Name, Platform};
use fs_err::File;

use crate::args::{LifeFormat, OfPhase, SimulateArgs};
use crate::commands::stage::{self, AskedStage};
use crate::error::{Exit, Failure};
use crate::output;

/// How large a life that is to be played again may be.
const LIFE_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// How many lives are made where all are asked for.
const LIVES_MAX: u64 = 1_000_000;

pub(crate) fn run(args: &SimulateArgs) -> Result<Exit, Failure> {
    if let Some(file) = &args.replay {
        return replay_lives(args, file);
    }
    let switches = switches::read(&args.only, &args.without)?;
    let (stage, integrations) = stage::read(&asked_stage(args))?;
    if let Some(depth) = args.exhaustive {
        if switches.only.is_empty() && !args.only.is_empty() {
            return Err(Failure::usage(
                "`--exhaustive` lets all hooks succeed, so `--only hook-fails` leaves nothing",
            ));
        }
        let extent = Extent { stage, integrations, depth, kinds: switches.kinds() };
        return all_lives(args, &extent);
    }
    let first = args.seed.unwrap_or_else(new_seed);
    let last = first.checked_add(args.runs.max(1) - 1).ok_or_else(|| {
        Failure::usage("the seeds run over the end of 64-bit numbers").hint("give a smaller --seed")
    })?;
    if args.runs == 0 {
        return Err(Failure::usage("`--runs 0` asks for no life at all"));
    }
    let plan = Plan {
        stage,
        integrations,
        stimuli: args.length,
        with_failures: switches.with_failures,
        only: switches.only,
        without: switches.without,
    };
    for seed in first..=last {
        let steps = generate(&plan, seed);
        let life = Life { stage: plan.stage.clone(), seed: Some(seed), steps };
        if !show(args, life) {
            break;
        }
    }
    Ok(Exit::Fine)
}

fn asked_stage(args: &SimulateArgs) -> AskedStage<'_> {
    AskedStage {
        folder: args.charm.as_deref(),
        file: args.spec.as_deref(),
        described: &args.described,
        juju: &args.juju,
        platform: args.platform,
        units: args.units,
        quirks: args.quirks,
        with: &args.with,
        integrate: &args.integrate,
    }
}

/// Returns a seed that is short enough to be typed. This is the one place where a life
/// begins with something else than its arguments, and it is printed.
pub(crate) fn new_seed() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::from(now.subsec_micros()) ^ (now.as_secs() % 1_000_000)
}

fn all_lives(args: &SimulateArgs, extent: &Extent) -> Result<Exit, Failure> {
    let count = exhaustive::count(extent, LIVES_MAX).ok_or_else(|| {
        Failure::usage(format!("there are more than {LIVES_MAX} lives of that depth, which are too many"))
            .hint("ask for a smaller depth, or for fewer kinds of things that happen with --only")
    })?;
    output::say(&format!("{count} lives"));
    exhaustive::visit(extent, &mut |steps| {
        show(args, Life { stage: extent.stage.clone(), seed: None, steps: steps.to_vec() })
    });
    Ok(Exit::Fine)
}

fn replay_lives(args: &SimulateArgs, file: &str) -> Result<Exit, Failure> {
    let cannot_read =
        |error: &std::io::Error| Failure::of("the life cannot be read", error).exit(Exit::Usage);
    let reader: Box<dyn std::io::Read> = if file == "-" {
        Box::new(std::io::stdin().lock())
    } else {
        Box::new(File::open(file).map_err(|error| cannot_read(&error))?)
    };
    let mut lines = BufReader::new(reader);
    let mut line = String::new();
    let mut lives = 0;
    for number in 1.. {
        line.clear();
        let count =
            (&mut lines).take(LIFE_BYTES_MAX).read_line(&mut line).map_err(|error| cannot_read(&error))?;
        if count == 0 {
            break;
        }
        if line.trim().is_empty() {
            continue;
        }
        let life = json::read(&line).map_err(|error| {
            Failure::usage(format!("line {number}: {error}"))
                .hint("`charmproof simulate --format json` writes what can be played again")
        })?;
        lives += 1;
        let steps = replay(&life.stage, &life.steps, Afterwards::Settle);
        if steps.is_empty() {
            return Err(Failure::usage(format!("line {number}: the life has no deployment of its charm"))
                .hint("leave the `deploy` step in, whatever else is taken out"));
        }
        // A life of which something was taken out is not the one that the seed stands for.
        let seed = life.seed.filter(|_| steps == life.steps);
        if !show(args, Life { seed, steps, ..life }) {
            break;
        }
    }
    if lives == 0 {
        return Err(Failure::usage(format!("`{file}` has no life"))
            .hint("`charmproof simulate --format json` writes what can be played again"));
    }
    Ok(Exit::Fine)
}

/// Shows a life. Returns whether anybody still listens.
fn show(args: &SimulateArgs, mut life: Life) -> bool {
    if let Some(phase) = args.phase {
        let phase = match phase {
            OfPhase::Setup => Phase::Setup,
            OfPhase::Operation => Phase::Operation,
            OfPhase::Teardown => Phase::Teardown,
        };
        life.steps.retain(|step| step.phase == phase);
    }
    let text = match args.format {
        LifeFormat::Story => format!("{}\n{}", title(&life), story::story(&life)),
        LifeFormat::Json => json::write(&life),
        LifeFormat::Names => names(&life),
        LifeFormat::Env => environment(&life),
    };
    output::result_to_listener(&text)
}

/// Says which life it is, and how to see it again.
fn title(life: &Life) -> String {
    let Stage { profile, deployments, .. } = &life.stage;
    let names: Vec<&str> = deployments.iter().map(|deployment| deployment.application.as_str()).collect();
    let platform = match profile.platform {
        Platform::Machine => "a machine",
        Platform::Kubernetes => "Kubernetes",
    };
    let seed = life.seed.map_or_else(String::new, |seed| format!(", --seed {seed}"));
    format!("{} with Juju {} on {platform}{seed}", names.join(" and "), profile.version)
}

/// Returns the names of the hooks; with many units, each with its unit.
fn names(life: &Life) -> String {
    let has_many = units(&life.steps) > 1;
    let line = |(unit, name): (&Name, String)| if has_many { format!("{unit} {name}") } else { name };
    format::names(&life.steps).map(line).collect::<Vec<_>>().join("\n")
}

fn units(steps: &[Step]) -> usize {
    let units: std::collections::BTreeSet<&str> =
        steps.iter().filter_map(Step::hook).map(|(unit, _, _)| unit.as_str()).collect();
    units.len()
}

/// Returns each hook as a line of a shell: the variables, and then the name.
fn environment(life: &Life) -> String {
    let environments = format::environments(life);
    let mut text = String::new();
    for (hook, variables) in environments {
        text.push_str(&format!("# {hook}\n"));
        for (name, value) in variables {
            // Names and ids have no quote in them; a shell would need more care otherwise.
            text.push_str(&format!("{name}='{}'\n", value.replace('\'', r"'\''")));
        }
        text.push('\n');
    }
    text
}
