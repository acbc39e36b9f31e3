//! The colours that Juju marks words with.

/// A colour of text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colour {
    /// What went wrong.
    Red,
    /// What works.
    Green,
    /// What needs an eye on it.
    Yellow,
    /// Ports and numbers.
    Magenta,
    /// Addresses and names of entities.
    Cyan,
    /// Messages.
    Gray,
    /// Texts of several lines.
    DarkGray,
    /// Units in lines.
    BrightGreen,
    /// Ports.
    BrightMagenta,
    /// Headers.
    Bold,
    /// Headers of the summary.
    BoldBrightCyan,
    /// The colons of the summary.
    BoldBrightMagenta,
    /// The text of documents.
    Default,
}

impl Colour {
    /// The sequence that a terminal changes its colour by.
    pub fn sequence(self) -> &'static str {
        match self {
            Self::Red => "\u{1b}[31m",
            Self::Green => "\u{1b}[32m",
            Self::Yellow => "\u{1b}[33m",
            Self::Magenta => "\u{1b}[35m",
            Self::Cyan => "\u{1b}[36m",
            Self::Gray => "\u{1b}[37m",
            Self::DarkGray => "\u{1b}[90m",
            Self::BrightGreen => "\u{1b}[92m",
            Self::BrightMagenta => "\u{1b}[95m",
            Self::Bold => "\u{1b}[1;39m",
            Self::BoldBrightCyan => "\u{1b}[1;96m",
            Self::BoldBrightMagenta => "\u{1b}[1;95m",
            Self::Default => "\u{1b}[39m",
        }
    }

    /// The text in this colour.
    pub fn paint(self, text: &str) -> String {
        format!("{}{text}{RESET}", self.sequence())
    }

    /// The colour of a status, for those that Juju gives one.
    pub fn of_status(status: &str) -> Option<Self> {
        match status {
            "active" | "running" | "idle" | "started" | "executing" | "attaching" | "attached" => {
                Some(Self::Green)
            }
            "allocating" | "lost" | "maintenance" | "pending" | "rebooting" | "stopped" | "unknown"
            | "detaching" | "detached" => Some(Self::Yellow),
            "blocked" | "down" | "error" | "failed" | "terminated" => Some(Self::Red),
            _ => None,
        }
    }
}

/// What ends every colour.
pub const RESET: &str = "\u{1b}[0m";
