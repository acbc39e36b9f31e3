//! `juju status --watch`: the same place on the terminal, written again and again.

/// What begins watching: another screen, so that what was there before comes back, without a
/// cursor.
pub const WATCH_BEGIN: &str = "\u{1b}[?1049h\u{1b}[?25l";

/// What ends watching.
pub const WATCH_END: &str = "\u{1b}[?25h\u{1b}[?1049l";

/// Writes a status over the one before, as much of it as the terminal has room for.
pub fn write_frame(status: &str, rows: usize, columns: usize) -> String {
    let mut frame = "\u{1b}[H".to_owned();
    for (index, line) in status.lines().take(rows).enumerate() {
        if index > 0 {
            frame.push_str("\r\n");
        }
        frame.push_str(&clipped(line, columns));
        // What was longer before is erased.
        frame.push_str("\u{1b}[K");
    }
    frame + "\u{1b}[J"
}

/// As much of a line as fits, with all of its colours.
fn clipped(line: &str, columns: usize) -> String {
    let mut text = String::new();
    let mut room = columns;
    let mut is_in_sequence = false;
    for character in line.chars() {
        if character == '\u{1b}' {
            is_in_sequence = true;
        }
        if is_in_sequence || room > 0 {
            text.push(character);
        }
        if is_in_sequence {
            is_in_sequence = character != 'm';
        } else {
            room = room.saturating_sub(1);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_fit_into_the_terminal() {
        let frame = write_frame("Unit  \u{1b}[32mactive\u{1b}[0m\na/0\nb/0\n", 2, 8);
        assert_eq!(frame, "\u{1b}[HUnit  \u{1b}[32mac\u{1b}[0m\u{1b}[K\r\na/0\u{1b}[K\u{1b}[J");
    }
}
