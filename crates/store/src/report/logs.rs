//! Logs: their ends, and what differs between two of them.
//!
//! Two runs of the same suite never print the same bytes: temporary paths, times
//! and addresses differ. [`normalise`] replaces those, so that a diff shows what
//! the swap changed and nothing else.

use similar::TextDiff;

use crate::event::Failure;
use crate::report::text::clean;
use crate::report::words::count;

/// How many lines of each log are compared at most: its end.
const DIFF_LINES: usize = 1_000;

/// How many characters of one line are compared at most.
const DIFF_LINE_CHARS: usize = 2_000;

/// Returns the end of a log, cleaned: at most `lines` lines and `bytes` bytes,
/// with a first line that says how much was left out. Only what is kept is
/// cleaned, since logs can be long.
pub(crate) fn tail(log: &str, lines: usize, bytes: usize) -> String {
    let log = log.trim_end();
    if log.is_empty() {
        return String::new();
    }
    let mut kept: Vec<String> = Vec::new();
    let mut size = 0;
    for line in log.rsplit('\n').take(lines) {
        let line = line.trim_end_matches('\r');
        let is_cut = line.len() > bytes;
        let line = clean(last_bytes(line, bytes));
        size += line.len() + 1;
        if size > bytes || is_cut {
            // One line alone is larger than all the room: show its end.
            if kept.is_empty() {
                return format!("… {}", last_bytes(&line, bytes));
            }
            break;
        }
        kept.push(line);
    }
    let left_out = log.matches('\n').count() + 1 - kept.len();
    if left_out > 0 {
        kept.push(format!("… {} before this one", count(left_out, "line")));
    }
    kept.reverse();
    kept.join("\n")
}

/// How many lines behind the one that tells the exception are shown.
const LINES_BEHIND: usize = 8;

/// Returns the start of a failure's excerpt, up to a few lines behind the one that
/// tells the exception. One that wraps another goes on with what was raised after
/// it, and what matters is then not at the end. The whole where the end holds it.
pub(crate) fn around_error(failure: &Failure, lines: usize) -> &str {
    let excerpt = failure.excerpt.as_str();
    if failure.exception.is_empty() || excerpt.trim_end().matches('\n').count() < LINES_BEHIND {
        return excerpt;
    }
    let message = failure.message.lines().next().unwrap_or_default().trim_end();
    let (mut begin, mut exact, mut loose) = (0, None, None);
    for (index, line) in excerpt.split_inclusive('\n').enumerate() {
        begin += line.len();
        let told = line.strip_prefix('E').map(str::trim).and_then(|told| {
            // pytest shows the class with its module.
            let (class, said) = told.split_once(':').unwrap_or((told, ""));
            let same = class == failure.exception
                || class.rsplit('.').next() == failure.exception.rsplit('.').next();
            same.then_some(said.trim())
        });
        if let Some(said) = told {
            loose.get_or_insert((index, begin));
            if said == message || (!message.is_empty() && said.starts_with(message)) {
                exact.get_or_insert((index, begin));
            }
        }
    }
    let Some((at, end)) = exact.or(loose) else { return excerpt };
    let all = excerpt.trim_end().matches('\n').count() + 1;
    // The tail would show it anyway.
    if all - at <= lines / 2 {
        return excerpt;
    }
    let behind: usize = excerpt[end..].split_inclusive('\n').take(LINES_BEHIND).map(str::len).sum();
    &excerpt[..end + behind]
}

/// The end of `text`: at most `bytes` bytes of it.
fn last_bytes(text: &str, bytes: usize) -> &str {
    let mut from = text.len().saturating_sub(bytes);
    while !text.is_char_boundary(from) {
        from += 1;
    }
    &text[from..]
}

/// Returns the unified difference of two logs after [`normalise`], at most
/// `lines` lines of it; empty where they then agree.
pub fn diff_of_logs(baseline: &str, candidate: &str, lines: usize) -> String {
    let old = comparable(baseline);
    let new = comparable(candidate);
    let diff = TextDiff::from_lines(old.as_str(), new.as_str());
    let mut unified = diff.unified_diff();
    let text =
        unified.context_radius(3).missing_newline_hint(false).header("baseline", "candidate").to_string();
    let all = text.lines().count();
    if all <= lines {
        return text;
    }
    let mut capped: String = text.lines().take(lines).flat_map(|line| [line, "\n"]).collect();
    capped.push_str("… ");
    capped.push_str(&count(all - lines, "more line"));
    capped.push_str(" of difference\n");
    capped
}

/// The end of a log, in the form in which it is compared.
fn comparable(log: &str) -> String {
    let mut lines: Vec<&str> = log.trim_end().rsplit('\n').take(DIFF_LINES).collect();
    lines.reverse();
    let mut out = String::new();
    for line in lines {
        let short: String = line.trim_end().chars().take(DIFF_LINE_CHARS).collect();
        for line in clean(&short).lines() {
            out.push_str(&normalise(line));
            out.push('\n');
        }
    }
    out
}

/// Returns one line of a log with everything replaced that differs between two
/// runs of the same code: temporary paths, times, addresses, process ids and the
/// rulers that are as long as what they frame.
pub fn normalise(line: &str) -> String {
    let line = shrink_ruler(line);
    let mut out = String::with_capacity(line.len());
    let mut rest = line.as_str();
    let mut previous = ' ';
    while let Some(c) = rest.chars().next() {
        let at_start = !previous.is_alphanumeric() && previous != '_';
        let taken = if c == '/' && !is_path_char(previous) {
            path(rest, &mut out)
        } else if at_start && c.is_ascii_digit() {
            number(rest, previous, &mut out)
        } else if at_start && (rest.starts_with("pid") || rest.starts_with("PID")) {
            process(rest, &mut out)
        } else {
            0
        };
        let taken = if taken == 0 {
            out.push(c);
            c.len_utf8()
        } else {
            taken
        };
        previous = rest[..taken].chars().next_back().unwrap_or(' ');
        rest = &rest[taken..];
    }
    out
}

/// Makes `===== 3 passed =====` independent of the length of its text.
fn shrink_ruler(line: &str) -> String {
    for mark in ['=', '-', '_'] {
        let head = line.len() - line.trim_start_matches(mark).len();
        let tail = line.len() - line.trim_end_matches(mark).len();
        if head >= 4 && tail >= 4 && head < line.len() {
            let ruler = mark.to_string().repeat(4);
            return format!("{ruler}{}{ruler}", line.trim_matches(mark));
        }
    }
    line.to_owned()
}

fn is_path_char(c: char) -> bool {
    c.is_alphanumeric() || "/._-~+@%".contains(c)
}

/// Replaces the parts of an absolute path that no two runs share. Returns how
/// many bytes were taken, 0 for none.
fn path(rest: &str, out: &mut String) -> usize {
    let end = rest.find(|c| !is_path_char(c)).unwrap_or(rest.len());
    let whole = &rest[..end];
    let mut parts: Vec<&str> = whole.split('/').skip(1).collect();
    let temporary = match parts.as_slice() {
        ["tmp", _, ..] => Some(1),
        ["var" | "private", "tmp", _, ..] | ["dev", "shm", _, ..] => Some(2),
        _ => None,
    };
    if let Some(at) = temporary {
        parts[at] = "<tmp>";
    }
    for part in &mut parts {
        if part.starts_with("baseline") || part.starts_with("candidate") {
            *part = "<side>";
        } else if is_counted(part, "pytest-") || is_counted(part, "pytest-of-") {
            *part = "<tmp>";
        }
    }
    for part in parts {
        out.push('/');
        out.push_str(part);
    }
    end
}

/// Whether a part of a path is `prefix` and a number.
fn is_counted(part: &str, prefix: &str) -> bool {
    let number = part.strip_prefix(prefix);
    number.is_some_and(|number| !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()))
}

/// Replaces a number where it is a time, a date, an address or a UUID. Returns
/// how many bytes were taken, 0 for a number that is left alone.
fn number(rest: &str, previous: char, out: &mut String) -> usize {
    let hex = rest.strip_prefix("0x").map_or(0, |hex| run(hex, |b| b.is_ascii_hexdigit()));
    if hex >= 6 {
        out.push_str("0x…");
        return 2 + hex;
    }
    let word = run(rest, |b| b.is_ascii_alphanumeric() || b == b'-');
    if is_uuid(&rest[..word]) {
        out.push_str("<uuid>");
        return word;
    }
    let moment = run(rest, |b| b.is_ascii_digit() || b":-.,TZ+".contains(&b));
    let moment = rest[..moment].trim_end_matches(['.', ',', ':', '-', '+']).len();
    let text = &rest[..moment];
    let is_clock = text.matches(':').count() == 2 || (text.len() > 15 && text.contains('T'));
    let is_date = text.len() == 10 && text.matches('-').count() == 2;
    if previous != '.' && (is_clock || is_date) {
        out.push_str("<time>");
        return moment;
    }
    let digits = run(rest, |b| b.is_ascii_digit() || b == b'.');
    let after = &rest[digits..];
    let spaced = after.strip_prefix(' ').unwrap_or(after);
    let unit = run(spaced, |b| b.is_ascii_alphabetic());
    // tox: `OK (1.65=setup[0.50]+cmd[0.10,1.05] seconds)`.
    let listed = run(rest, |b| b.is_ascii_digit() || b == b'.' || b == b',');
    let is_listed = rest[listed..].starts_with(']') && (out.ends_with("setup[") || out.ends_with("cmd["));
    if is_listed || after.starts_with("=setup[") {
        out.push_str("<time>");
        return if is_listed { listed } else { digits };
    }
    let is_short_unit = after.len() == spaced.len() && ["s", "ms", "us", "ns"].contains(&&spaced[..unit]);
    let is_long_unit = ["second", "seconds", "ms", "sec", "secs"].contains(&&spaced[..unit]);
    if is_short_unit || is_long_unit {
        out.push_str("<time>");
        return digits + (after.len() - spaced.len()) + unit;
    }
    out.push_str(&rest[..digits]);
    digits
}

/// Replaces the number in `pid 123`, `pid=123` and `PID: 123`.
fn process(rest: &str, out: &mut String) -> usize {
    let gap = run(&rest[3..], |b| b" =:".contains(&b));
    let digits = run(&rest[3 + gap..], |b| b.is_ascii_digit());
    if gap == 0 || digits == 0 {
        return 0;
    }
    out.push_str(&rest[..3 + gap]);
    out.push_str("<pid>");
    3 + gap + digits
}

fn is_uuid(word: &str) -> bool {
    let lengths: Vec<usize> = word.split('-').map(str::len).collect();
    lengths == [8, 4, 4, 4, 12] && word.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-')
}

/// How many bytes at the start of `text` are all `wanted`.
fn run(text: &str, wanted: impl Fn(u8) -> bool) -> usize {
    text.bytes().take_while(|&b| wanted(b)).count()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn noise_vanishes() {
        for (line, wanted) in [
            ("== 3 passed in 1.23s ==", "== 3 passed in <time> =="),
            ("======== 3 passed in 11.23s =======", "==== 3 passed in <time> ===="),
            (
                "  unit: OK (1.65=setup[0.50]+cmd[0.10,1.05] seconds)",
                "  unit: OK (<time>=setup[<time>]+cmd[<time>] seconds)",
            ),
            ("took 12 seconds", "took <time>"),
            ("/tmp/tmpab12cd/src/charm.py:12: in x", "/tmp/<tmp>/src/charm.py:12: in x"),
            ("/home/u/.cache/cp/baseline-0/src/a.py", "/home/u/.cache/cp/<side>/src/a.py"),
            ("<Charm at 0x7f3a2b1c0d>", "<Charm at 0x…>"),
            ("2026-11-21T13:02:11.123Z start", "<time> start"),
            ("2026-11-21 13:02:11,123 start", "<time> <time> start"),
            ("[pid 4242] exited, pid=17", "[pid <pid>] exited, pid=<pid>"),
            ("id 123e4567-e89b-12d3-a456-426614174000.", "id <uuid>."),
            ("ops==3.7.1 has 14 items", "ops==3.7.1 has 14 items"),
            ("tests/unit/test_3s.py 5 ms", "tests/unit/test_3s.py <time>"),
            ("rapid 12", "rapid 12"),
            ("日本 1.5s 語", "日本 <time> 語"),
        ] {
            assert_eq!(normalise(line), wanted, "{line}");
        }
    }

    #[test]
    fn diff_shows_what_the_swap_changed() {
        let baseline = "collected 3 items in 0.1s\ntest_a PASSED\ntest_b PASSED\n";
        let candidate = "collected 3 items in 0.2s\ntest_a PASSED\ntest_b FAILED\n";
        let diff = diff_of_logs(baseline, candidate, 100);
        assert!(diff.contains("-test_b PASSED\n+test_b FAILED\n"), "{diff}");
        assert!(!diff.contains("-collected"), "{diff}");
        assert_eq!(diff_of_logs(baseline, baseline, 100), "");
        assert!(diff_of_logs(baseline, candidate, 3).ends_with("of difference\n"));
    }

    #[test]
    fn an_excerpt_ends_where_the_exception_is_told() {
        let root = "E   TypeError: no items\n";
        let more = "x\n".repeat(50);
        let excerpt = format!("a\n{root}{more}E   ops.testing.errors.UncaughtCharmError: TypeError\n");
        let mut failure =
            Failure { exception: "TypeError".into(), message: "no items".into(), ..Failure::default() };
        failure.excerpt = excerpt.clone();
        assert_eq!(around_error(&failure, 30), format!("a\n{root}{}", "x\n".repeat(LINES_BEHIND)));
        failure.exception = "UncaughtCharmError".into();
        assert_eq!(around_error(&failure, 30), excerpt);
        failure.exception = "KeyError".into();
        assert_eq!(around_error(&failure, 30), excerpt);
    }

    #[test]
    fn tail_is_capped() {
        assert_eq!(tail("a\nb\nc\n\n", 10, 100), "a\nb\nc");
        assert_eq!(tail("a\nb\nc\n", 2, 100), "… 1 line before this one\nb\nc");
        assert_eq!(tail("a\nbbbb\ncc", 9, 4), "… 2 lines before this one\ncc");
        assert_eq!(tail("xxxxéé", 9, 3), "… é");
        assert_eq!(tail("a\u{1b}[31mb\r\nc", 9, 99), "ab\nc");
        assert_eq!(tail("", 9, 3), "");
    }

    proptest! {
        #[test]
        fn nothing_panics(line in ".{0,80}", other in "(?s).{0,200}") {
            let once = normalise(&line);
            prop_assert_eq!(&normalise(&once), &once);
            diff_of_logs(&other, &line, 5);
            prop_assert!(tail(&other, 3, 20).len() <= 20 + 40);
        }
    }
}
