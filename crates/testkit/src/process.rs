//! Looking at the processes of the host, to see that none is left behind.

/// A process, as `/proc` shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundProcess {
    /// Its id.
    pub id: u32,
    /// Its words, with spaces in between.
    pub command: String,
}

/// Returns the processes with `text` in their command line, the test itself excepted.
///
/// Give the processes that a test starts a text that no other has: tests run side by
/// side. A zombie has no command line any more and is not found.
pub fn processes_with(text: &str) -> Vec<FoundProcess> {
    let entries = fs_err::read_dir("/proc").expect("a Linux host has /proc");
    let mut found: Vec<FoundProcess> = entries
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter(|id| *id != std::process::id())
        .filter_map(|id| Some(FoundProcess { id, command: command_of(id)? }))
        .filter(|process| process.command.contains(text))
        .collect();
    found.sort_by_key(|process| process.id);
    found
}

/// `None` for a process that has ended meanwhile.
fn command_of(id: u32) -> Option<String> {
    let bytes = fs_err::read(format!("/proc/{id}/cmdline")).ok()?;
    let words = bytes.split(|byte| *byte == 0).filter(|word| !word.is_empty());
    let words: Vec<_> = words.map(String::from_utf8_lossy).collect();
    (!words.is_empty()).then(|| words.join(" "))
}

#[cfg(test)]
mod tests {
    use std::process::Command;
    use std::time::Duration;

    use super::*;
    use crate::wait::wait_for;

    #[test]
    fn finds_a_process_until_it_has_ended() {
        // A number of seconds that no other test sleeps.
        let seconds = format!("4{}", std::process::id());
        let text = format!("sleep {seconds}");
        let mut child = Command::new("sleep").arg(&seconds).spawn().expect("sleep starts");
        wait_for("the process", Duration::from_secs(10), || !processes_with(&text).is_empty());
        let found = processes_with(&text);
        child.kill().expect("it still runs");
        child.wait().expect("it is ours");
        assert_eq!(found, [FoundProcess { id: child.id(), command: text.clone() }]);
        assert_eq!(processes_with(&text), []);
    }
}
