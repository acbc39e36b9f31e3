//! What `juju-exec` wants, as the program that a machine has sends it.

use charmproof_lifecycle::vocabulary::Name;

use crate::tool_client::EXEC;
use crate::tools::ToolCall;

/// Commands that are to run in a hook's context.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Commands {
    /// What `bash` is to run.
    pub script: String,
    /// The relation that the context is about: `db:1` or `1`.
    pub relation: Option<String>,
    /// The unit at its other end.
    pub remote_unit: Option<Name>,
    /// The application there, where no unit is named.
    pub remote_application: Option<Name>,
    /// Whether the unit need not be in the relation.
    pub is_remote_unit_forced: bool,
    /// Whether they are to run where the charm does, on Kubernetes.
    pub is_operator: bool,
}

impl Commands {
    /// Reads a call; `None` if it is none of `juju-exec`, or not as that sends it.
    pub fn of(call: &ToolCall) -> Option<Self> {
        let mut words = call.arguments.iter();
        let name = words.next()?;
        if name != EXEC.as_bytes() {
            return None;
        }
        let mut commands = Self::default();
        loop {
            let word = std::str::from_utf8(words.next()?).ok()?;
            match word.split_once('=') {
                _ if word == "--" => break,
                Some(("--relation", relation)) => commands.relation = Some(relation.to_owned()),
                Some(("--remote-unit", unit)) => commands.remote_unit = Some(unit.into()),
                Some(("--remote-app", application)) => commands.remote_application = Some(application.into()),
                None if word == "--force-remote-unit" => commands.is_remote_unit_forced = true,
                None if word == "--operator" => commands.is_operator = true,
                Some(_) | None => return None,
            }
        }
        commands.script = String::from_utf8_lossy(words.next()?).into_owned();
        words.next().is_none().then_some(commands)
    }

    /// Returns the number of the relation; an error in Juju's words if it has none.
    pub fn relation_id(&self) -> Result<Option<u32>, &'static str> {
        let Some(relation) = self.relation.as_deref().filter(|relation| !relation.is_empty()) else {
            return Ok(None);
        };
        let number = relation.rsplit_once(':').map_or(relation, |(_, number)| number);
        number.parse().map(Some).map_err(|_| "invalid relation id")
    }
}
