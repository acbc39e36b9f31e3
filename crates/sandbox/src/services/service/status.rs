//! How processes end, in systemd's words.

use serde::{Deserialize, Serialize};

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum ExitStatus {
    /// It left with a code.
    Code(i32),
    /// A signal ended it.
    Signal { number: i32, dumped_core: bool },
}

/// The names of exit codes: those of LSB, of BSD's sysexits, and systemd's own.
const CODES: [(i32, &str); 53] = [
    (0, "SUCCESS"),
    (1, "FAILURE"),
    (2, "INVALIDARGUMENT"),
    (3, "NOTIMPLEMENTED"),
    (4, "NOPERMISSION"),
    (5, "NOTINSTALLED"),
    (6, "NOTCONFIGURED"),
    (7, "NOTRUNNING"),
    (64, "USAGE"),
    (65, "DATAERR"),
    (66, "NOINPUT"),
    (67, "NOUSER"),
    (68, "NOHOST"),
    (69, "UNAVAILABLE"),
    (70, "SOFTWARE"),
    (71, "OSERR"),
    (72, "OSFILE"),
    (73, "CANTCREAT"),
    (74, "IOERR"),
    (75, "TEMPFAIL"),
    (76, "PROTOCOL"),
    (77, "NOPERM"),
    (78, "CONFIG"),
    (200, "CHDIR"),
    (201, "NICE"),
    (202, "FDS"),
    (203, "EXEC"),
    (204, "MEMORY"),
    (205, "LIMITS"),
    (206, "OOM_ADJUST"),
    (207, "SIGNAL_MASK"),
    (208, "STDIN"),
    (209, "STDOUT"),
    (210, "CHROOT"),
    (211, "IOPRIO"),
    (212, "TIMERSLACK"),
    (213, "SECUREBITS"),
    (214, "SETSCHEDULER"),
    (215, "CPUAFFINITY"),
    (216, "GROUP"),
    (217, "USER"),
    (218, "CAPABILITIES"),
    (219, "CGROUP"),
    (220, "SETSID"),
    (221, "CONFIRM"),
    (222, "STDERR"),
    (224, "PAM"),
    (225, "NETWORK"),
    (226, "NAMESPACE"),
    (227, "NO_NEW_PRIVILEGES"),
    (228, "SECCOMP"),
    (233, "RUNTIME_DIRECTORY"),
    (235, "CHOWN"),
];

/// The code that a name stands for.
pub(crate) fn code_of(name: &str) -> Option<i32> {
    CODES.iter().find(|(_, known)| *known == name).map(|(code, _)| *code)
}

impl ExitStatus {
    /// `exited`, `killed` or `dumped`.
    pub(crate) fn how(self) -> &'static str {
        match self {
            Self::Code(_) => "exited",
            Self::Signal { dumped_core: false, .. } => "killed",
            Self::Signal { dumped_core: true, .. } => "dumped",
        }
    }

    /// The number of `ExecMainCode=`.
    pub(crate) fn how_number(self) -> i32 {
        match self {
            Self::Code(_) => 1,
            Self::Signal { dumped_core: false, .. } => 2,
            Self::Signal { dumped_core: true, .. } => 3,
        }
    }

    /// The code or the number of the signal.
    pub(crate) fn number(self) -> i32 {
        match self {
            Self::Code(code) => code,
            Self::Signal { number, .. } => number,
        }
    }

    /// The name of a signal without `SIG`, or of a code: all of them in the journal, and in
    /// `status` those that every program means alike.
    fn name(self, is_for_journal: bool) -> Option<String> {
        match self {
            Self::Code(code) => CODES
                .iter()
                .find(|(known, _)| *known == code && (is_for_journal || !(2..200).contains(&code)))
                .map(|(_, name)| (*name).to_owned()),
            Self::Signal { number, .. } => {
                let signal = nix::sys::signal::Signal::try_from(number).ok();
                Some(signal.map_or(number.to_string(), |signal| signal.as_str()[3..].to_owned()))
            }
        }
    }

    /// The number, with its name if it has one.
    pub(crate) fn named(self) -> String {
        match self.name(false) {
            Some(name) if self.number() != 0 => format!("{}/{name}", self.number()),
            Some(_) | None => self.number().to_string(),
        }
    }

    /// `code=exited, status=203/EXEC`, as `systemctl status` shows it.
    pub(crate) fn shown(self) -> String {
        let name = self.name(false);
        match (self, name) {
            (Self::Code(code), Some(name)) => format!("code=exited, status={code}/{name}"),
            (Self::Code(code), None) => format!("code=exited, status={code}"),
            (Self::Signal { .. }, name) => {
                format!("code={}, signal={}", self.how(), name.unwrap_or_default())
            }
        }
    }

    /// `code=exited, status=3/NOTIMPLEMENTED`, as the journal has it.
    pub(crate) fn logged(self) -> String {
        let name = self.name(true).unwrap_or_else(|| "n/a".to_owned());
        format!("code={}, status={}/{name}", self.how(), self.number())
    }

    /// Without a list of others: code 0, and the signals by which daemons are asked to leave.
    pub(crate) fn is_clean(self, statuses: &super::config::Statuses, is_daemon: bool) -> bool {
        // SIGHUP, SIGINT, SIGTERM and SIGPIPE.
        const LEAVING: [i32; 4] = [1, 2, 15, 13];
        match self {
            Self::Code(code) => code == 0 || statuses.codes.contains(&code),
            Self::Signal { number, dumped_core } => {
                !dumped_core && (is_daemon && LEAVING.contains(&number) || statuses.signals.contains(&number))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::services::service::config::Statuses;

    #[test]
    fn ends_are_told_as_systemd_tells_them() {
        let term = ExitStatus::Signal { number: 15, dumped_core: false };
        assert_eq!(ExitStatus::Code(3).shown(), "code=exited, status=3");
        assert_eq!(ExitStatus::Code(1).shown(), "code=exited, status=1/FAILURE");
        assert_eq!(ExitStatus::Code(203).shown(), "code=exited, status=203/EXEC");
        assert_eq!(term.shown(), "code=killed, signal=TERM");
        assert_eq!(ExitStatus::Code(3).logged(), "code=exited, status=3/NOTIMPLEMENTED");
        assert_eq!(ExitStatus::Code(42).logged(), "code=exited, status=42/n/a");
        assert_eq!(term.logged(), "code=killed, status=15/TERM");
    }

    #[test]
    fn a_daemon_may_leave_by_a_signal_and_a_helper_may_not() {
        let term = ExitStatus::Signal { number: 15, dumped_core: false };
        assert!(term.is_clean(&Statuses::default(), true));
        assert!(!term.is_clean(&Statuses::default(), false));
        let listed = Statuses { codes: [143].into(), ..Statuses::default() };
        assert!(ExitStatus::Code(143).is_clean(&listed, true));
        assert!(!ExitStatus::Code(143).is_clean(&Statuses::default(), true));
    }
}
