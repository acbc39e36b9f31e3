//! `__integration`: a charm's integration tests, as the suite of a unit of a check.
//!
//! `--unit FILE -- WORDS...`. The charm is packed with what its side puts in, the words are run with a
//! `juju` and a `charmcraft` of ours around them, and all that the local Juju started is ended. It ends
//! with the code of the suite, with 1 if the charm cannot be packed, and with 70 if something of ours went
//! wrong. What is printed is the unit's log.
//!
//! What was packed counts as evidence if a unit ran it: nobody looks into the processes of units, so the
//! proof is that the archive held the swap, and that hooks of a deployed charm ended well.

use std::process::Command;

use camino::{Utf8Path, Utf8PathBuf};
use charmproof_charm::DiskTree;
use charmproof_charm::metadata::CharmMetadata;
use charmproof_fleet::inject::environment::look;
use charmproof_fleet::inject::unit_file::{EXIT_OURS, PackingOrder, UnitFile};
use charmproof_fleet::provision::tools::Tools;
use charmproof_fleet::run::slot::remove_tree;
use charmproof_pack::PackError;
use charmproof_pack::environment::{CharmEnvironment, EnvironmentContext, MakingSettings};
use charmproof_pack::recipe::RecipeError;
use charmproof_sandbox::{CancelToken, Launcher};
use jiff::Timestamp;

use super::charmcraft::{PACKING_VARIABLE, note_packed, packed_environments};
use super::supervisor::{RECIPES_VARIABLE, recipes_of};
use super::{chain, code_of, complain, variables};
use crate::commands::pack::{Packed, Packing, Wanted};
use crate::commands::test::artifacts::{self, ARTIFACTS_VARIABLE};
use crate::commands::test::{CHARM_VARIABLE, takes_a_path};
use crate::local::{LocalJuju, end_processes_of, usual_controller};
use crate::timeline::{Outcome, Timeline, What, text};

/// The charm cannot be packed.
const EXIT_CHARM: i32 = 1;
/// The folder of the local Juju's data in a slot. Short, as paths of sockets are bounded.
const DATA: &str = "j";
/// How wide the time line in the log is.
const WIDTH: usize = 100;

/// Runs the suite.
pub(super) fn serve(words: &[String]) -> i32 {
    let [option, unit, separator, suite @ ..] = words else {
        complain("`__integration` was called without its unit or its suite");
        return EXIT_OURS;
    };
    let unit = UnitFile::read(Utf8Path::new(unit)).ok().filter(|_| option == "--unit" && separator == "--");
    let (Some(unit), [program, arguments @ ..]) = (unit, suite) else {
        complain("`__integration` was called without its unit or its suite");
        return EXIT_OURS;
    };
    let (Some(slot), Some(order)) = (unit.evidence.parent().map(Utf8Path::to_path_buf), &unit.packing) else {
        complain("the unit's description says nothing of packing");
        return EXIT_OURS;
    };
    let data = slot.join(DATA);
    // What a run that was killed has left there.
    let _ = remove_tree(&data);
    let result = run(&unit, order, &slot, &data, program, arguments);
    end_processes_of(&data);
    let _ = remove_tree(&data);
    result.unwrap_or_else(|trouble| {
        complain(&trouble.text);
        trouble.exit
    })
}

/// Why no suite was run.
struct Trouble {
    text: String,
    exit: i32,
}

impl From<std::io::Error> for Trouble {
    fn from(error: std::io::Error) -> Self {
        Self { text: chain(&error), exit: EXIT_OURS }
    }
}

impl From<PackError> for Trouble {
    fn from(error: PackError) -> Self {
        Self { text: format!("the charm cannot be packed: {}", chain(&error)), exit: EXIT_CHARM }
    }
}

fn run(
    unit: &UnitFile,
    order: &PackingOrder,
    slot: &Utf8Path,
    data: &Utf8Path,
    program: &str,
    arguments: &[String],
) -> Result<i32, Trouble> {
    let began = Timestamp::now();
    let local = LocalJuju::lay_out(data, &unit.charmproof)?;
    let packing = data.join("packing.json");
    order.write(&packing)?;
    let packed = pack(unit, order, slot, data)?;
    for packed in &packed {
        say(&format!("Packed {}", packed.name()));
    }
    note_packed(&packing, packed.iter().filter_map(|packed| packed.environment.as_ref()))?;

    let search_path = variables().remove("PATH").unwrap_or_default();
    let mut command = Command::new(program);
    command.args(arguments).current_dir(&unit.charm_dir).envs(local.variables(&search_path));
    command.env(PACKING_VARIABLE, &packing).env("CHARMPROOF_CACHE", &order.cache);
    command.env("CHARMPROOF_EVENTS", local.events()).env("CHARMPROOF_CHANGES", local.changes());
    let named = variables().remove(RECIPES_VARIABLE);
    if let Some(recipes) = recipes_of(&unit.charm_dir, named.as_deref()) {
        command.env(RECIPES_VARIABLE, recipes);
    }
    if let Some(first) = packed.first() {
        command.env(CHARM_VARIABLE, &first.path);
    }
    if let Some(artifacts) = artifacts::write(&packed, data)? {
        command.env(ARTIFACTS_VARIABLE, artifacts);
    }
    let controller = usual_controller(has_containers(unit));
    if let Err(said) = local.ask(&["switch", controller], &command) {
        say(&format!("`{controller}` could not be made the current controller: {said}"));
    }
    let code = code_of(command.status()?);

    let noted = fs_err::read(local.events()).unwrap_or_default();
    let timeline = Timeline::read(&String::from_utf8_lossy(&noted), began);
    say(&text(&timeline, WIDTH));
    let has_run =
        timeline.events.iter().any(|event| event.what == What::Hook && event.outcome == Outcome::Ok);
    if has_run {
        for CharmEnvironment { prefix, site_packages, .. } in packed_environments(&packing) {
            look(unit, &prefix, &site_packages)?;
        }
    }
    Ok(code)
}

fn has_containers(unit: &UnitFile) -> bool {
    DiskTree::open(&unit.charm_dir).is_ok_and(|tree| !CharmMetadata::read(&tree).containers.is_empty())
}

/// Packs the charm, if the folder is one of a charm. A repository can have tests of this kind without.
fn pack(
    unit: &UnitFile,
    order: &PackingOrder,
    slot: &Utf8Path,
    data: &Utf8Path,
) -> Result<Vec<Packed>, Trouble> {
    let tree = DiskTree::open(&unit.charm_dir).map_err(PackError::from)?;
    let variables = variables();
    let home = Utf8PathBuf::from(variables.get("HOME").map_or("/nonexistent", String::as_str));
    let (tools, cancel) = (Tools::new(&order.cache, &order.search_path), CancelToken::new()?);
    let launcher = Launcher::new(unit.charmproof.clone(), vec!["__launch".into()]);
    let private = data.join("packed");
    let packing = Packing {
        context: EnvironmentContext {
            cache: &order.cache,
            tools: &tools,
            pythons: &order.pythons,
            launcher: &launcher,
            cancel: &cancel,
            variables: &variables,
            home: &home,
            search_path: &order.search_path,
            settings: MakingSettings { uses_namespaces: order.uses_namespaces, ..MakingSettings::default() },
        },
        folder: &unit.charm_dir,
        wanted: Wanted::BuiltHere,
        swaps: &order.swaps,
        scratch: &slot.join("tmp"),
        target: if takes_a_path(&tree) { &private } else { &unit.charm_dir },
    };
    let mut all = Vec::new();
    match packing.run(|packed| all.push(packed)) {
        Ok(()) | Err(PackError::Recipe(RecipeError::Missing)) => Ok(all),
        Err(error) => Err(error.into()),
    }
}

#[expect(clippy::print_stdout, reason = "it is the log of the unit")]
fn say(text: &str) {
    println!("{text}");
}
