//! The names of signals.

use rustix::process::Signal;

/// Returns the signal of a name such as `SIGHUP`.
pub(crate) fn by_name(name: &str) -> Option<Signal> {
    const NAMES: [(&str, Signal); 33] = [
        ("SIGHUP", Signal::HUP),
        ("SIGINT", Signal::INT),
        ("SIGQUIT", Signal::QUIT),
        ("SIGILL", Signal::ILL),
        ("SIGTRAP", Signal::TRAP),
        ("SIGABRT", Signal::ABORT),
        ("SIGIOT", Signal::ABORT),
        ("SIGBUS", Signal::BUS),
        ("SIGFPE", Signal::FPE),
        ("SIGKILL", Signal::KILL),
        ("SIGUSR1", Signal::USR1),
        ("SIGSEGV", Signal::SEGV),
        ("SIGUSR2", Signal::USR2),
        ("SIGPIPE", Signal::PIPE),
        ("SIGALRM", Signal::ALARM),
        ("SIGTERM", Signal::TERM),
        ("SIGSTKFLT", Signal::STKFLT),
        ("SIGCHLD", Signal::CHILD),
        ("SIGCLD", Signal::CHILD),
        ("SIGCONT", Signal::CONT),
        ("SIGSTOP", Signal::STOP),
        ("SIGTSTP", Signal::TSTP),
        ("SIGTTIN", Signal::TTIN),
        ("SIGTTOU", Signal::TTOU),
        ("SIGURG", Signal::URG),
        ("SIGXCPU", Signal::XCPU),
        ("SIGXFSZ", Signal::XFSZ),
        ("SIGVTALRM", Signal::VTALARM),
        ("SIGPROF", Signal::PROF),
        ("SIGWINCH", Signal::WINCH),
        ("SIGIO", Signal::IO),
        ("SIGPWR", Signal::POWER),
        ("SIGSYS", Signal::SYS),
    ];
    NAMES.into_iter().find(|(other, _)| *other == name).map(|(_, signal)| signal)
}

/// Says whether a program that does nothing about a signal is ended by it, and whether programs use to do
/// nothing about it. Those that tell a server to read its files again are not among them.
pub(crate) fn ends_programs(signal: Signal) -> bool {
    [Signal::INT, Signal::QUIT, Signal::ABORT, Signal::KILL, Signal::TERM, Signal::SEGV].contains(&signal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signals_have_names() {
        assert_eq!(by_name("SIGHUP"), Some(Signal::HUP));
        assert_eq!(by_name("HUP"), None);
        assert!(ends_programs(Signal::TERM) && !ends_programs(Signal::HUP));
    }
}
