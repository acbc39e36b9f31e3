//! `charmproof doctor`.

mod left;

use charmproof_fleet::process::find_on_path;
use charmproof_sandbox::Ability;

use self::left::Left;
use crate::args::DoctorArgs;
use crate::error::{Exit, Failure};
use crate::output;
use crate::place::Place;

pub(crate) fn run(place: &Place, args: &DoctorArgs) -> Result<Exit, Failure> {
    if args.clean {
        return clean(place);
    }
    let mut lines = vec![
        format!("charmproof {}", env!("CARGO_PKG_VERSION")),
        format!("cache: {}", place.cache.root),
        String::new(),
        "Interpreters".to_string(),
    ];
    for python in place.pythons() {
        lines.push(format!("  {:8} {}", python.version, python.program));
    }
    lines.push(String::new());
    lines.push("Programs".to_string());
    for (name, why) in [
        ("git", "reads and fetches repositories; charmproof does not work without it"),
        ("make", "runs charms that have a Makefile only"),
        ("cc", "builds Python packages that have no wheel"),
        ("node", "runs pyright where a charm's own does not bring it"),
    ] {
        let found = find_on_path(name, &place.search_path, &[]);
        let state = found.map_or_else(|| format!("missing: {why}"), |path| path.to_string());
        lines.push(format!("  {name:8} {state}"));
    }
    match place.tools().uv() {
        Ok(path) => lines.push(format!("  {:8} {path}", "uv")),
        Err(error) => lines.push(format!("  {:8} {error}", "uv")),
    }
    lines.push(String::new());
    lines.push("Protections".to_string());
    let abilities =
        place.launcher().probe().map_err(|error| Failure::of("the sandbox could not be tried", &error))?;
    let mut ability = |name: &str, ability: &Ability| {
        let state = if ability.works { "yes" } else { "no " };
        lines.push(format!("  {name:22} {state}  {}", ability.why));
    };
    ability("namespaces", &abilities.namespaces);
    ability("user namespaces", &abilities.user_namespaces);
    ability("read-only host", &abilities.read_only_host);
    ability("overlay", &abilities.overlay);
    ability("memory by cgroup", &abilities.memory_control);
    ability("processes by cgroup", &abilities.process_control);
    lines.push(String::new());
    lines.push("Machines of the local Juju".to_string());
    let (level, weaker) = place
        .launcher()
        .machine_level()
        .map_err(|error| Failure::of("machines could not be tried", &error))?;
    lines.push(format!("  {:22} {}", "level", level.name()));
    lines.push(format!("  {:22} {}", "what that gives", level.describe()));
    lines.extend(weaker.iter().map(|note| format!("  {:22} {note}", "refused")));
    lines.extend(level.advice().map(|advice| format!("  {:22} {advice}", "what would give more")));
    lines.push(String::new());
    lines.push("Left by runs that were killed".to_string());
    let left = Left::find(place);
    lines.extend(left.lines().into_iter().map(|line| format!("  {line}")));
    lines.push(if left.is_empty() {
        "  nothing".to_owned()
    } else {
        "  `charmproof doctor --clean` removes it; so does the next run in this cache".to_owned()
    });
    output::result(&lines.join("\n"));
    Ok(Exit::Fine)
}

/// Removes what is left, and says what it was.
fn clean(place: &Place) -> Result<Exit, Failure> {
    let left = Left::find(place);
    Left::remove(place).map_err(|error| Failure::of("what is left could not be removed", &error))?;
    let lines = if left.is_empty() {
        vec!["nothing was left by runs that were killed".to_owned()]
    } else {
        left.lines().into_iter().map(|line| format!("removed {line}")).collect()
    };
    output::result(&lines.join("\n"));
    Ok(Exit::Fine)
}
