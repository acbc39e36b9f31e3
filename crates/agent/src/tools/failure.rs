//! How a tool refuses.

use crate::state::StateError;

/// Why a tool refuses, and its exit code. Juju tells what is wrong with the arguments (2)
/// from what went wrong afterwards (1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) code: i32,
    pub(crate) message: String,
}

impl Failure {
    /// The arguments are wrong.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self { code: 2, message: message.into() }
    }

    /// The call cannot be done.
    pub(crate) fn refused(message: impl Into<String>) -> Self {
        Self { code: 1, message: message.into() }
    }

    /// The unit would have to lead its application.
    pub(crate) fn not_leader() -> Self {
        Self::refused("this unit is not the leader")
    }

    /// The hook is one of those that can do little.
    pub(crate) fn restricted() -> Self {
        Self::refused("not implemented for restricted context not implemented")
    }

    /// The hook is no action.
    pub(crate) fn not_running_action() -> Self {
        Self::refused("not running an action")
    }

    /// Says what could not be done because of it.
    pub(crate) fn annotated(self, what: &str) -> Self {
        Self { message: format!("{what}: {}", self.message), ..self }
    }
}

impl From<StateError> for Failure {
    /// The unit of a hook, its application and what the hook is about are there as long as
    /// the hook runs. Should the player have removed one, Juju would say as much.
    fn from(error: StateError) -> Self {
        match error {
            StateError::Unknown { what, name } => {
                Self::refused(format!("{what} {} not found", quoted(&name)))
            }
            StateError::Exists { .. } | StateError::WrongType { .. } => Self::refused(error.to_string()),
        }
    }
}

/// What comes of an attempt.
pub(crate) type Attempt<T> = Result<T, Failure>;

/// Returns a text as Go quotes it.
pub(crate) fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for character in text.chars() {
        match character {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            '\u{7}' => quoted.push_str("\\a"),
            '\u{8}' => quoted.push_str("\\b"),
            '\u{b}' => quoted.push_str("\\v"),
            '\u{c}' => quoted.push_str("\\f"),
            control if (control as u32) < 0x20 || control == '\u{7f}' => {
                quoted.push_str(&format!("\\x{:02x}", control as u32));
            }
            other => quoted.push(other),
        }
    }
    quoted.push('"');
    quoted
}

/// Returns texts as Go prints a list of them in quotes: `["a" "b"]`.
pub(crate) fn quoted_list(texts: &[String]) -> String {
    let texts: Vec<String> = texts.iter().map(|text| quoted(text)).collect();
    format!("[{}]", texts.join(" "))
}
