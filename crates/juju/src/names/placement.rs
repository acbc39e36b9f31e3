//! Where units and machines are placed: `0`, `lxd`, `lxd:3`, `zone=a`.

use std::fmt;

use crate::names::validity::{InvalidName, is_container_type, is_machine};
use crate::values::go::quote;

/// A placement directive with what it is for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Placement {
    /// What kind of place it is.
    pub scope: PlacementScope,
    /// The machine's id, what the cloud makes of it, or nothing.
    pub directive: String,
}

/// What kind of place a unit or machine is placed in.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PlacementScope {
    /// A machine of the model.
    Machine,
    /// A new container, on a machine of the model or on a new one.
    Container(String),
    /// Whatever the cloud makes of it.
    Cloud,
    /// Something else in front of a colon, such as `ssh`.
    Other(String),
}

/// Reads a directive. One without a colon that is neither a machine nor a kind of container is
/// for the cloud.
pub fn parse_placement(text: &str) -> Result<Placement, InvalidName> {
    let Some((scope, directive)) = text.split_once(':') else {
        let (scope, directive) = if is_machine(text) {
            (PlacementScope::Machine, text)
        } else if is_container_type(text) {
            (PlacementScope::Container(text.to_owned()), "")
        } else {
            (PlacementScope::Cloud, text)
        };
        return Ok(Placement { scope, directive: directive.to_owned() });
    };
    let is_place_on_machine = scope == "#" || is_container_type(scope);
    if is_place_on_machine && !is_machine(directive) {
        return Err(InvalidName(format!(
            "invalid value {} for {} scope: expected machine-id",
            quote(directive),
            quote(scope)
        )));
    }
    let (scope, directive) = match scope {
        "" => (PlacementScope::Cloud, text),
        "#" => (PlacementScope::Machine, directive),
        scope if is_container_type(scope) => (PlacementScope::Container(scope.to_owned()), directive),
        scope => (PlacementScope::Other(scope.to_owned()), directive),
    };
    Ok(Placement { scope, directive: directive.to_owned() })
}

impl fmt::Display for Placement {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.scope {
            PlacementScope::Machine | PlacementScope::Cloud => formatter.write_str(&self.directive),
            PlacementScope::Container(kind) if self.directive.is_empty() => formatter.write_str(kind),
            PlacementScope::Container(scope) | PlacementScope::Other(scope) => {
                write!(formatter, "{scope}:{}", self.directive)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn places() {
        let check = |text: &str, scope: PlacementScope, directive: &str| {
            let expected = Placement { scope, directive: directive.to_owned() };
            assert_eq!(parse_placement(text), Ok(expected), "{text}");
        };
        check("0", PlacementScope::Machine, "0");
        check("#:0", PlacementScope::Machine, "0");
        check("1/lxd/0", PlacementScope::Machine, "1/lxd/0");
        check("lxd", PlacementScope::Container("lxd".to_owned()), "");
        check("lxd:3", PlacementScope::Container("lxd".to_owned()), "3");
        check("zone=a", PlacementScope::Cloud, "zone=a");
        check("ssh:joe@host", PlacementScope::Other("ssh".to_owned()), "joe@host");
        let refused = parse_placement("lxd:x").unwrap_err();
        assert_eq!(refused.0, r#"invalid value "x" for "lxd" scope: expected machine-id"#);
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "\\PC*") {
            let _ = parse_placement(&text);
        }

        #[test]
        fn printed_places_are_read_again(text in "(lxd|kvm|ssh|#|zone=a)?:?[0-9a-z/]{0,6}") {
            if let Ok(placement) = parse_placement(&text) {
                prop_assert_eq!(parse_placement(&placement.to_string()), Ok(placement));
            }
        }
    }
}
