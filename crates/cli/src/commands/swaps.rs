//! Swaps that a command prepares by itself, without a fleet around it.

use charmproof_fleet::run::subject::tree_reader;
use charmproof_fleet::swap::sources::CorpusSources;
use charmproof_fleet::swap::{PrepareSwapError, PreparedSwap, SwapContext, SwapSpec, prepare};
use charmproof_sandbox::CancelToken;

use crate::error::{Exit, Failure};
use crate::place::Place;

/// Makes the swaps of one side exact.
pub(crate) fn prepared(
    place: &Place,
    texts: &[String],
    cancel: &CancelToken,
) -> Result<Vec<PreparedSwap>, Failure> {
    let specs = texts
        .iter()
        .map(|text| SwapSpec::parse(text).map_err(|error| Failure::usage(error.to_string())))
        .collect::<Result<Vec<_>, _>>()?;
    if specs.is_empty() {
        return Ok(Vec::new());
    }
    let (tools, pythons, mirrors) = (place.tools(), place.pythons(), place.mirrors()?);
    let newest = super::execute::newest(&pythons)?;
    let is_cancelled = || cancel.is_cancelled();
    let sources = CorpusSources {
        mirrors: &mirrors,
        reader: tree_reader(mirrors.git(), &place.cache.root),
        working_directory: place.working_directory.clone(),
        home: place.home.clone(),
        cancel: &is_cancelled,
    };
    let context = SwapContext {
        folder: place.cache.swaps(),
        tools: &tools,
        python: &newest.program,
        sources: &sources,
    };
    prepare(&specs, &context).map_err(|error| {
        let failure = Failure::of("the swap could not be prepared", &error);
        if cancel.is_cancelled() {
            return failure.exit(Exit::Interrupted);
        }
        if matches!(error, PrepareSwapError::Twice { .. }) { failure.exit(Exit::Usage) } else { failure }
    })
}
