//! What should run: layers, how they are combined, and the plan as Pebble prints it.
//!
//! Pure: no clock, no files. The words of errors are Pebble's, for charms see them.

mod decode;
mod layers;
mod merge;
mod node;
mod order;
mod print;
mod validate;
mod words;
mod yaml;

use std::collections::BTreeMap;
use std::time::Duration;

pub(crate) use self::layers::{AddError, Layers, read_layer_name};
pub(crate) use self::order::{Direction, Lanes};
pub(crate) use self::words::{quoted, split};

/// The text says nothing that Pebble understands; the message is Pebble's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct FormatError(pub(crate) String);

/// One layer.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Layer {
    pub(crate) order: u32,
    pub(crate) label: String,
    pub(crate) summary: String,
    pub(crate) description: String,
    pub(crate) services: BTreeMap<String, Service>,
    pub(crate) checks: BTreeMap<String, Check>,
    pub(crate) log_targets: BTreeMap<String, LogTarget>,
}

/// All layers combined.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Plan {
    pub(crate) services: BTreeMap<String, Service>,
    pub(crate) checks: BTreeMap<String, Check>,
    pub(crate) log_targets: BTreeMap<String, LogTarget>,
}

/// A service as a layer has it. Empty texts are what is not set, as in Pebble.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Service {
    pub(crate) summary: String,
    pub(crate) description: String,
    pub(crate) startup: String,
    pub(crate) overrides: String,
    pub(crate) command: String,
    pub(crate) after: Vec<String>,
    pub(crate) before: Vec<String>,
    pub(crate) requires: Vec<String>,
    pub(crate) context: Context,
    pub(crate) on_success: String,
    pub(crate) on_failure: String,
    pub(crate) on_check_failure: BTreeMap<String, String>,
    pub(crate) backoff_delay: Option<Duration>,
    pub(crate) backoff_factor: Option<f64>,
    pub(crate) backoff_limit: Option<Duration>,
    pub(crate) kill_delay: Option<Duration>,
}

/// Where and as whom something runs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Context {
    pub(crate) environment: BTreeMap<String, String>,
    pub(crate) user_id: Option<i64>,
    pub(crate) user: String,
    pub(crate) group_id: Option<i64>,
    pub(crate) group: String,
    pub(crate) working_dir: String,
}

/// A health check as a layer has it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Check {
    pub(crate) overrides: String,
    pub(crate) level: String,
    pub(crate) startup: String,
    pub(crate) period: Option<Duration>,
    pub(crate) timeout: Option<Duration>,
    pub(crate) threshold: i64,
    pub(crate) http: Option<HttpCheck>,
    pub(crate) tcp: Option<TcpCheck>,
    pub(crate) exec: Option<ExecCheck>,
}

/// A check that asks a web server.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct HttpCheck {
    pub(crate) url: String,
    pub(crate) headers: BTreeMap<String, String>,
}

/// A check that opens a port.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct TcpCheck {
    pub(crate) port: i64,
    pub(crate) host: String,
}

/// A check that runs a command.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ExecCheck {
    pub(crate) command: String,
    pub(crate) service_context: String,
    pub(crate) context: Context,
}

/// Where logs should be sent. They are kept in the plan, and not sent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct LogTarget {
    pub(crate) kind: String,
    pub(crate) location: String,
    pub(crate) services: Vec<String>,
    pub(crate) overrides: String,
    pub(crate) labels: BTreeMap<String, String>,
}

/// What happens when a service ends, or a check fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::Display, strum::EnumString)]
#[strum(serialize_all = "kebab-case")]
pub(crate) enum Action {
    Restart,
    Shutdown,
    Ignore,
    FailureShutdown,
    SuccessShutdown,
}

impl Service {
    /// Whether the service starts without being asked for.
    pub(crate) fn is_enabled(&self) -> bool {
        self.startup == "enabled"
    }

    /// How long to wait before the first restart.
    pub(crate) fn backoff_delay(&self) -> Duration {
        self.backoff_delay.unwrap_or(Duration::from_millis(500))
    }

    /// How long to wait before a restart at most.
    pub(crate) fn backoff_limit(&self) -> Duration {
        self.backoff_limit.unwrap_or(Duration::from_secs(30))
    }

    /// How long to wait before the restart that follows one after this wait.
    pub(crate) fn next_backoff(&self, current: Duration) -> Duration {
        if current.is_zero() {
            return self.backoff_delay();
        }
        let limit = self.backoff_limit();
        if current >= limit {
            return limit;
        }
        let seconds = current.as_secs_f64() * self.backoff_factor.unwrap_or(2.0);
        Duration::try_from_secs_f64(seconds).map_or(limit, |next| next.min(limit))
    }

    /// How long the service has to end after it was asked to.
    pub(crate) fn kill_delay(&self) -> Duration {
        self.kill_delay.unwrap_or(Duration::from_secs(5))
    }

    /// What happens when the service ends by itself, and the key that says so.
    pub(crate) fn action_after(&self, is_success: bool) -> (Action, &'static str) {
        let (text, key) =
            if is_success { (&self.on_success, "on-success") } else { (&self.on_failure, "on-failure") };
        (text.parse().unwrap_or(Action::Restart), key)
    }

    /// The words of the command, with its default arguments.
    pub(crate) fn words(&self, name: &str) -> Result<Vec<String>, FormatError> {
        let failed = |why: &str| FormatError(format!("cannot parse service {} command: {why}", quoted(name)));
        let mut words = Vec::new();
        let (mut is_inside, mut was_inside) = (false, false);
        for (index, word) in
            split(&self.command).map_err(|error| failed(&error.to_string()))?.into_iter().enumerate()
        {
            match word.as_str() {
                "[" if is_inside => return Err(failed("cannot nest [ ... ] groups")),
                "]" if is_inside => is_inside = false,
                _ if is_inside => words.push(word),
                _ if was_inside => return Err(failed("cannot have any arguments after [ ... ] group")),
                "[" if index == 0 => return Err(failed("cannot start command with [ ... ] group")),
                "[" => (is_inside, was_inside) = (true, true),
                "]" => return Err(failed("cannot have ] outside of [ ... ] group")),
                _ => words.push(word),
            }
        }
        Ok(words)
    }
}

impl Check {
    /// How often the check is made.
    pub(crate) fn period(&self) -> Duration {
        self.period.unwrap_or(Duration::from_secs(10))
    }

    /// How long the check may take.
    pub(crate) fn timeout(&self) -> Duration {
        self.timeout.unwrap_or(Duration::from_secs(3)).min(self.period())
    }

    /// Whether the check is made without being asked for.
    pub(crate) fn is_enabled(&self) -> bool {
        self.startup != "disabled"
    }

    /// The kind, as summaries of changes name it.
    pub(crate) fn kind(&self) -> &'static str {
        if self.http.is_some() {
            "HTTP"
        } else if self.tcp.is_some() {
            "TCP"
        } else {
            "exec"
        }
    }
}

impl Context {
    /// Returns this with what `over` sets.
    pub(crate) fn overridden(&self, over: &Self) -> Self {
        let text = |own: &String, over: &String| if over.is_empty() { own.clone() } else { over.clone() };
        let mut environment = self.environment.clone();
        environment.extend(over.environment.clone());
        Self {
            environment,
            user_id: over.user_id.or(self.user_id),
            user: text(&self.user, &over.user),
            group_id: over.group_id.or(self.group_id),
            group: text(&self.group, &over.group),
            working_dir: text(&self.working_dir, &over.working_dir),
        }
    }
}

impl Plan {
    /// Returns a context inside that of a service, if one is named.
    pub(crate) fn context(&self, service: &str, over: &Context) -> Result<Context, FormatError> {
        if service.is_empty() {
            return Ok(over.clone());
        }
        let service = self
            .services
            .get(service)
            .ok_or_else(|| FormatError(format!("context service {} not found", quoted(service))))?;
        Ok(service.context.overridden(over))
    }

    /// Returns a check with the context of its service filled in.
    pub(crate) fn resolved(&self, check: &Check) -> Check {
        let mut check = check.clone();
        if let Some(exec) = &mut check.exec
            && let Ok(context) = self.context(&exec.service_context, &exec.context)
        {
            exec.context = context;
        }
        check
    }

    /// Returns the named services, with what goes along with them, in order.
    pub(crate) fn lanes(&self, names: &[String], direction: Direction) -> Result<Lanes, FormatError> {
        order::lanes(&self.services, names, direction)
    }
}
