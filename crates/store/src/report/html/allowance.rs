//! How much of other people's text one page holds.

use crate::report::logs::tail;

/// What all excerpts, logs and differences of a page may take together, in bytes
/// of HTML.
const ALL: usize = 4_000_000;

/// The most that one pair takes of that, and the least that it is given.
const MOST: usize = 90_000;
const LEAST: usize = 2_000;

/// The room for text that one page, and each of its pairs, has left.
pub(super) struct Allowance {
    left: usize,
    share: usize,
}

impl Allowance {
    /// The allowance of a page whose text is shared by `pairs` pairs.
    pub(super) fn new(pairs: usize) -> Self {
        Self { left: ALL, share: (ALL / pairs.max(1)).clamp(LEAST, MOST) }
    }

    /// The share of one pair, as long as there is room at all.
    pub(super) fn share(&self) -> usize {
        self.share.min(self.left)
    }

    /// Returns the end of `text`, cut to `lines` lines and to `most` bytes of
    /// HTML, and takes that from the room.
    pub(super) fn end_of(&mut self, text: &str, lines: usize, most: usize) -> String {
        let mut bytes = most.min(self.left);
        // Escaping makes text longer, by how much depends on the text.
        let mut end = tail(text, lines, bytes);
        while cost(&end) > most.max(400) && bytes > 200 {
            bytes = bytes / 3 * 2;
            end = tail(text, lines, bytes);
        }
        self.spend(&end);
        end
    }

    /// Takes what `text` costs from the room.
    pub(super) fn spend(&mut self, text: &str) {
        self.left = self.left.saturating_sub(cost(text));
    }
}

/// How many bytes of HTML `text` becomes.
pub(super) fn cost(text: &str) -> usize {
    let more = |b| match b {
        b'<' | b'>' => 3,
        b'&' => 4,
        b'"' | b'\'' | b'/' => 5,
        _ => 0,
    };
    text.len() + text.bytes().map(more).sum::<usize>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escaped_text_counts_as_what_it_becomes() {
        assert_eq!(cost("a<b/&"), 1 + 4 + 1 + 6 + 5);
    }

    #[test]
    fn text_shrinks_to_its_share() {
        let mut room = Allowance::new(1);
        let hostile = "<<<<<<<<<<\n".repeat(10_000);
        assert!(cost(&room.end_of(&hostile, 9_999, 8_000)) <= 8_000);
        assert!(room.left < ALL);
        let mut crowded = Allowance::new(100_000);
        let before = crowded.share();
        for _ in 0..10_000 {
            crowded.end_of(&hostile, 9_999, before);
        }
        assert!(crowded.end_of(&hostile, 9_999, before).len() <= 400);
    }
}
