//! Maps every error to what a user sees and to an exit status.

use std::fmt;

/// How the program ends. The numbers are documented in `docs/reference/exit-codes.md`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// No regression.
    Fine = 0,
    /// Regressions were found, or a sequence of hooks that Juju does not run.
    Regressed = 1,
    /// The command line, a spec or a list is wrong.
    Usage = 2,
    /// What was asked for could not be done.
    CouldNotRun = 3,
    /// The user stopped it.
    Interrupted = 130,
}

/// An error on its way to the user.
#[derive(Debug)]
pub(crate) struct Failure {
    /// What failed, a lower-case fragment or several lines.
    pub(crate) what: String,
    /// Why, outermost first.
    pub(crate) causes: Vec<String>,
    /// What to do next.
    pub(crate) hint: Option<String>,
    /// How the program ends.
    pub(crate) exit: Exit,
}

impl Failure {
    /// The user asked for something that makes no sense.
    pub(crate) fn usage(what: impl Into<String>) -> Self {
        Self { what: what.into(), causes: Vec::new(), hint: None, exit: Exit::Usage }
    }

    /// It could not be done.
    pub(crate) fn of(what: &str, error: &(dyn std::error::Error + 'static)) -> Self {
        let mut causes = vec![error.to_string()];
        let mut source = error.source();
        while let Some(cause) = source {
            let text = cause.to_string();
            if causes.last() != Some(&text) {
                causes.push(text);
            }
            source = cause.source();
        }
        Self { what: what.to_string(), causes, hint: None, exit: Exit::CouldNotRun }
    }

    /// Adds what to do next.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Changes how the program ends.
    pub(crate) fn exit(mut self, exit: Exit) -> Self {
        self.exit = exit;
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error: {}", self.what)?;
        for cause in &self.causes {
            write!(f, "\ncaused by: {}", cause.replace('\n', "\n  "))?;
        }
        if let Some(hint) = &self.hint {
            write!(f, "\nhint: {hint}")?;
        }
        Ok(())
    }
}

impl From<charmproof_store::error::Error> for Failure {
    fn from(error: charmproof_store::error::Error) -> Self {
        let hint = error.hint();
        let mut failure = Self::of("the results could not be used", &error);
        failure.hint = hint;
        failure
    }
}
