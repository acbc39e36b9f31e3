//! The words of a service's life: its states, what happens to it, and what it wants done.

use std::time::Duration;

use jiff::Timestamp;
use nix::sys::signal::Signal;

use super::status::ExitStatus;
use crate::services::command::CommandLine;

/// Where a service is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    Dead,
    Condition,
    StartPre,
    Start,
    StartPost,
    Running,
    Exited,
    Reload,
    Stop,
    StopSigterm,
    StopSigkill,
    StopPost,
    FinalSigterm,
    FinalSigkill,
    Failed,
    AutoRestart,
}

impl State {
    /// The word of `SubState=`.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Dead => "dead",
            Self::Condition => "condition",
            Self::StartPre => "start-pre",
            Self::Start => "start",
            Self::StartPost => "start-post",
            Self::Running => "running",
            Self::Exited => "exited",
            Self::Reload => "reload",
            Self::Stop => "stop",
            Self::StopSigterm => "stop-sigterm",
            Self::StopSigkill => "stop-sigkill",
            Self::StopPost => "stop-post",
            Self::FinalSigterm => "final-sigterm",
            Self::FinalSigkill => "final-sigkill",
            Self::Failed => "failed",
            Self::AutoRestart => "auto-restart",
        }
    }

    /// Whether commands are run one after the other in it.
    pub(crate) fn has_commands(self) -> bool {
        match self {
            Self::Condition
            | Self::StartPre
            | Self::Start
            | Self::StartPost
            | Self::Reload
            | Self::Stop
            | Self::StopPost => true,
            Self::Dead
            | Self::Running
            | Self::Exited
            | Self::StopSigterm
            | Self::StopSigkill
            | Self::FinalSigterm
            | Self::FinalSigkill
            | Self::Failed
            | Self::AutoRestart => false,
        }
    }

    /// The word of `ActiveState=`.
    pub(crate) fn active(self) -> &'static str {
        match self {
            Self::Dead => "inactive",
            Self::Condition | Self::StartPre | Self::Start | Self::StartPost | Self::AutoRestart => {
                "activating"
            }
            Self::Running | Self::Exited => "active",
            Self::Reload => "reloading",
            Self::Stop
            | Self::StopSigterm
            | Self::StopSigkill
            | Self::StopPost
            | Self::FinalSigterm
            | Self::FinalSigkill => "deactivating",
            Self::Failed => "failed",
        }
    }
}

/// Why a service is as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    Success,
    Protocol,
    Timeout,
    ExitCode,
    Signal,
    CoreDump,
    Resources,
    StartLimitHit,
    ExecCondition,
}

impl Outcome {
    /// The word of `Result=`.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Protocol => "protocol",
            Self::Timeout => "timeout",
            Self::ExitCode => "exit-code",
            Self::Signal => "signal",
            Self::CoreDump => "core-dump",
            Self::Resources => "resources",
            Self::StartLimitHit => "start-limit-hit",
            Self::ExecCondition => "exec-condition",
        }
    }
}

/// Whether a process is the service itself or helps it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Slot {
    Main,
    Control,
}

/// Something that happened to a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Event {
    Start,
    Stop,
    Reload,
    /// The command of the last [`Effect::Run`] has a process; whether the program took over is
    /// known as well.
    Spawned {
        slot: Slot,
        pid: i32,
        is_executed: bool,
    },
    /// The command of the last [`Effect::Run`] has no process, for the reason given.
    NotSpawned(String),
    /// A process of the service ended.
    Ended {
        pid: i32,
        status: ExitStatus,
    },
    /// No process of the service is left.
    Empty,
    /// What the file of the main process's number says, or who the only process is.
    MainFound(i32),
    /// Lines of the notification protocol.
    Notified(Vec<(String, String)>),
    /// The time of the last [`Effect::Arm`] has passed.
    Elapsed,
}

/// Who a signal is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Target {
    Process(i32),
    All,
}

/// What has to be done for a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Start a process, and say [`Event::Spawned`].
    Run {
        slot: Slot,
        phase: &'static str,
        command: CommandLine,
        environment: Vec<(String, String)>,
    },
    Signal {
        target: Target,
        signal: Signal,
    },
    /// Say [`Event::Elapsed`] after this time, or never.
    Arm(Option<Duration>),
    /// Find the main process, and say [`Event::MainFound`] once it is known.
    FindMain,
    /// A line for the journal.
    Log(String),
    /// The service is over: what was made for its life goes.
    CleanUp,
    /// It is time to start again.
    RestartDue,
}

/// A process that was started for a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Process {
    pub slot: Slot,
    pub phase: &'static str,
    pub command: CommandLine,
    pub pid: i32,
    pub started: Timestamp,
    pub ended: Option<(Timestamp, ExitStatus)>,
}

/// When a service came to where it is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Times {
    pub state_change: Option<Timestamp>,
    pub inactive_exit: Option<Timestamp>,
    pub active_enter: Option<Timestamp>,
    pub active_exit: Option<Timestamp>,
    pub inactive_enter: Option<Timestamp>,
}

impl Times {
    /// Notes a change between two words of `ActiveState=`.
    pub(crate) fn note(&mut self, from: &str, to: &str, now: Timestamp) {
        let is_active = |word: &str| matches!(word, "active" | "reloading");
        let is_inactive = |word: &str| matches!(word, "inactive" | "failed");
        self.state_change = Some(now);
        if is_inactive(from) && !is_inactive(to) {
            self.inactive_exit = Some(now);
        }
        if !is_inactive(from) && is_inactive(to) {
            self.inactive_enter = Some(now);
        }
        if !is_active(from) && is_active(to) {
            self.active_enter = Some(now);
        }
        if is_active(from) && !is_active(to) {
            self.active_exit = Some(now);
        }
    }
}
