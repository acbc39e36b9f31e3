//! `charmproof lifecycle graph`: the machine of a charm, with a sequence drawn on it.

use std::io::{Cursor, Read as _};
use std::sync::Arc;

use charmproof_lifecycle::format::json;
use charmproof_lifecycle::graph::{Graph, Path, html, mermaid, svg};
use charmproof_lifecycle::life::Life;
use charmproof_lifecycle::reading::{About, Receiver};
use charmproof_lifecycle::rules::{Event, Start};
use charmproof_lifecycle::vocabulary::{Hook, JujuVersion, Outcome, Platform};
use charmproof_lifecycle::world::{Charm, Profile};

use super::charm::{self, Given};
use super::validate::input::{self, Input};
use crate::args::{GraphArgs, GraphFormat, OnPlatform};
use crate::error::{Exit, Failure};
use crate::output;

/// How large a sequence may be. A drawing of a longer one shows nothing.
const SEQUENCE_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// How many hooks that leave the graph are told.
const STRAYS_TOLD: usize = 10;

pub(crate) fn run(args: &GraphArgs, is_quiet: bool) -> Result<Exit, Failure> {
    let unit = args.unit.as_deref();
    let sequence = args.path.as_deref().map(|file| Sequence::read(file, unit, is_quiet)).transpose()?;
    let life = sequence.as_ref().and_then(|sequence| sequence.life.as_ref());
    let given =
        Given { folder: args.charm.as_deref(), file: args.spec.as_deref(), described: &args.described };
    let (name, charm, charm_platform) = match (&sequence, life) {
        (Some(sequence), Some(life)) if given.is_nothing() => sequence.charm_of(life)?,
        (Some(_) | None, _) => {
            let (name, charm, platform) = given.read()?;
            (name, Arc::new(charm), platform)
        }
    };
    let version = match &args.juju {
        Some(text) => charm::version(text)?,
        None => sequence.as_ref().and_then(|sequence| sequence.version).unwrap_or(JujuVersion::V3_6),
    };
    let platform = match args.platform {
        Some(OnPlatform::Machine) => Platform::Machine,
        Some(OnPlatform::K8s) => Platform::Kubernetes,
        None => sequence.as_ref().and_then(|sequence| sequence.platform).unwrap_or(charm_platform),
    };
    let has_quirks = args.quirks || life.is_some_and(|life| life.stage.has_quirks);
    let graph = Graph::of(name, &charm, Profile { version, platform }, has_quirks);
    let path = sequence.map(|sequence| Path::find(&graph, &sequence.hooks));
    let text = match args.format {
        GraphFormat::Mermaid => mermaid::write(&graph, path.as_ref(), args.all),
        GraphFormat::Svg => svg::write(&graph, path.as_ref(), args.all),
        GraphFormat::Html => html::write(&graph, path.as_ref(), args.all),
    };
    match &args.output {
        Some(file) => {
            fs_err::write(file, text)
                .map_err(|error| Failure::of("the graph could not be written", &error))?;
            output::say(&format!("wrote {file}"));
        }
        None => output::result(&text),
    }
    let strays = path.map_or(Vec::new(), |path| path.strays);
    for stray in strays.iter().take(STRAYS_TOLD) {
        output::say(&format!("hook {}: {}", stray.number, stray.reason));
    }
    if strays.len() > STRAYS_TOLD {
        output::say(&format!("and {} more", strays.len() - STRAYS_TOLD));
    }
    Ok(if strays.is_empty() { Exit::Fine } else { Exit::Regressed })
}

/// The hooks of a unit, and how each ended.
type Hooks = Vec<(Hook, Outcome)>;

/// The hooks of one unit, and where they come from.
struct Sequence {
    hooks: Hooks,
    version: Option<JujuVersion>,
    platform: Option<Platform>,
    life: Option<Life>,
    unit: Option<String>,
}

impl Sequence {
    /// Reads whatever `validate` reads. Of a life, its charm is taken as well.
    fn read(file: &str, unit: Option<&str>, is_quiet: bool) -> Result<Self, Failure> {
        let mut bytes = Vec::new();
        input::open(file)?
            .take(SEQUENCE_BYTES_MAX + 1)
            .read_to_end(&mut bytes)
            .map_err(|error| Failure::of("the sequence cannot be read", &error).exit(Exit::Usage))?;
        if bytes.len() as u64 > SEQUENCE_BYTES_MAX {
            return Err(Failure::usage(format!("`{file}` is too long to be drawn")));
        }
        let life = std::str::from_utf8(&bytes).ok().and_then(|text| json::read(text).ok());
        let mut input = Input::of(file, Box::new(Cursor::new(bytes)))?;
        let mut collector = Collector::default();
        input.read(&mut collector)?;
        if let Some(unknown) = collector.unknown {
            return Err(Failure::usage(unknown));
        }
        if collector.sequences > 1 {
            return Err(Failure::usage(format!("`{file}` has several sequences"))
                .hint("one at a time can be drawn: give a file with one of them"));
        }
        let known: Vec<String> = collector.units.iter().filter_map(|(unit, _)| unit.clone()).collect();
        let found = collector.units.into_iter().find(|(of, _)| unit.is_none() || of.as_deref() == unit);
        let Some((found, hooks)) = found else {
            let failure = unit.filter(|_| !known.is_empty()).map(|unit| {
                Failure::usage(format!("`{file}` has no hook of `{unit}`"))
                    .hint(format!("it has hooks of {}", known.join(", ")))
            });
            return Err(failure.unwrap_or_else(|| input.no_hooks(file)));
        };
        if let Some(drawn) = found.as_deref().filter(|_| unit.is_none() && known.len() > 1 && !is_quiet) {
            output::say(&format!("{drawn} is drawn; there are hooks of {}: see --unit", known.join(", ")));
        }
        let About { version, platform, .. } = collector.about;
        Ok(Self { hooks, version, platform, life, unit: found })
    }

    /// Returns the charm of the unit, as the life has it.
    fn charm_of(&self, life: &Life) -> Result<(String, Arc<Charm>, Platform), Failure> {
        let application = self.unit.as_deref().and_then(|unit| unit.split('/').next()).unwrap_or_default();
        let found = life.stage.deployments.iter().find(|deployment| deployment.application == application);
        let deployment = found.ok_or_else(|| {
            Failure::usage(format!("the life has no charm of `{application}`"))
                .hint("give its folder, as in `charmproof lifecycle graph .`")
        })?;
        let charm = Arc::clone(&deployment.charm);
        Ok((deployment.application.to_string(), charm, life.stage.profile.platform))
    }
}

/// Takes the hooks of a source, unit by unit.
#[derive(Default)]
struct Collector {
    sequences: usize,
    about: About,
    /// In the order of their first hooks.
    units: Vec<(Option<String>, Hooks)>,
    /// What is wrong with a name that is no hook.
    unknown: Option<String>,
}

impl Receiver for Collector {
    fn begins(&mut self, about: &About) {
        self.sequences += 1;
        self.about = about.clone();
    }

    fn unit_begins(&mut self, _: &str, _: Start) {}

    fn event(&mut self, unit: Option<&str>, place: usize, event: &Event) {
        match event {
            Event::Hook { hook, outcome } => {
                let known = self.units.iter().position(|(known, _)| known.as_deref() == unit);
                let index = known.unwrap_or_else(|| {
                    self.units.push((unit.map(str::to_owned), Vec::new()));
                    self.units.len() - 1
                });
                self.units[index].1.push((hook.clone(), *outcome));
            }
            Event::Unknown(unknown) => {
                self.unknown.get_or_insert_with(|| format!("line {place}: {unknown}"));
            }
            Event::Marker(_) => {}
        }
    }

    fn ends(&mut self) {}
}
