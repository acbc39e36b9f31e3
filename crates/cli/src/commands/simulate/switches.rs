//! `--only` and `--without`: what may happen.

use charmproof_charm::spelling::nearest;
use charmproof_lifecycle::stimulus::StimulusKind;

use crate::error::Failure;

/// The kind that is no stimulus: a hook ends badly.
const HOOK_FAILS: &str = "hook-fails";

/// What may happen.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Switches {
    pub(crate) only: Vec<StimulusKind>,
    pub(crate) without: Vec<StimulusKind>,
    pub(crate) with_failures: bool,
}

impl Switches {
    /// Returns all kinds that may happen.
    pub(crate) fn kinds(&self) -> Vec<StimulusKind> {
        let is_on = |kind: &StimulusKind| {
            (self.only.is_empty() || self.only.contains(kind)) && !self.without.contains(kind)
        };
        StimulusKind::ALL.iter().copied().filter(is_on).collect()
    }
}

/// Reads what the command line says.
pub(crate) fn read(only: &[String], without: &[String]) -> Result<Switches, Failure> {
    if let Some(both) = only.iter().find(|kind| without.contains(kind)) {
        return Err(Failure::usage(format!("`--only {both}` and `--without {both}` contradict each other")));
    }
    let is_failure = |kind: &&String| kind.as_str() == HOOK_FAILS;
    let with_failures = if only.is_empty() {
        !without.iter().any(|kind| is_failure(&kind))
    } else {
        only.iter().any(|kind| is_failure(&kind))
    };
    let kinds = |names: &[String]| -> Result<Vec<StimulusKind>, Failure> {
        names.iter().filter(|kind| !is_failure(kind)).map(|kind| parse(kind)).collect()
    };
    Ok(Switches { only: kinds(only)?, without: kinds(without)?, with_failures })
}

fn parse(name: &str) -> Result<StimulusKind, Failure> {
    StimulusKind::parse(name).ok_or_else(|| {
        let known = || StimulusKind::ALL.iter().map(|kind| kind.name()).chain([HOOK_FAILS]);
        let what = format!("`{name}` is nothing that can happen");
        let hint = nearest(name, known()).map_or_else(
            || format!("these can: {}", known().collect::<Vec<_>>().join(", ")),
            |meant| format!("`{meant}` is"),
        );
        Failure::usage(what).hint(hint)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_read() {
        let words = |words: &str| words.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        let switches = read(&words("refresh"), &[]).unwrap();
        assert_eq!((switches.kinds(), switches.with_failures), (vec![StimulusKind::Refresh], false));
        let switches = read(&words("refresh hook-fails"), &[]).unwrap();
        assert_eq!((switches.kinds(), switches.with_failures), (vec![StimulusKind::Refresh], true));
        let switches = read(&[], &words("refresh hook-fails")).unwrap();
        assert!(!switches.kinds().contains(&StimulusKind::Refresh) && !switches.with_failures);
        assert_eq!(switches.kinds().len(), StimulusKind::ALL.len() - 1);
        let check = |only: &str, without: &str, expected: &str| {
            let error = read(&words(only), &words(without)).unwrap_err().to_string();
            assert!(error.starts_with(expected), "{error}");
        };
        check("refersh", "", "error: `refersh` is nothing that can happen\nhint: `refresh` is");
        check("rain", "", "error: `rain` is nothing that can happen\nhint: these can: deploy, integrate");
        check("refresh", "refresh", "error: `--only refresh` and `--without refresh` contradict");
    }
}
