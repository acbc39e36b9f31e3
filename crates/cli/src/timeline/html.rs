//! A time line as a page that needs no other file and asks nobody for anything.

use std::fmt::Write as _;

use charmproof_store::report::count;
use jiff::Timestamp;

use super::{Event, Outcome, Row, Timeline, What, words};

const STYLE: &str = include_str!("page.css");
/// How wide the picture is, and its names, in units of the picture.
const WIDTH: f64 = 1200.0;
/// What is left free at the right, for the last mark of the axis.
const MARGIN: f64 = 16.0;
const LABELS: f64 = 260.0;
const ROW: f64 = 22.0;
const HEAD: f64 = 26.0;
/// The narrowest that something is drawn.
const NARROWEST: f64 = 2.0;
/// The room that a letter needs which is written into what it names.
const LETTER: f64 = 7.5;
/// Between how many marks an axis is divided at most.
const MARKS: f64 = 10.0;

/// Returns the page. `title` says whose suite it was.
pub(crate) fn html(timeline: &Timeline, title: &str) -> String {
    let title = escaped(title);
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<h1>{title}</h1>\n"
    );
    let _ = writeln!(page, "<p>{}</p>", escaped(&summary(timeline)));
    if let Some((first, last)) = timeline.span() {
        page.push_str(
            "<p class=\"legend\"><i class=\"test\"></i>test <i class=\"hook\"></i>hook <i class=\"action\"></i>action \
             <i class=\"exec\"></i>command <i class=\"failed\"></i>failed <i class=\"skipped\"></i>skipped; behind a \
             unit its status: <i class=\"s-active\"></i>active <i class=\"s-maintenance\"></i>maintenance \
             <i class=\"s-waiting\"></i>waiting <i class=\"s-blocked\"></i>blocked <i class=\"s-error\"></i>error</p>\n",
        );
        picture(&mut page, timeline, first, last);
        table(&mut page, timeline, first);
    }
    page.push_str("</body>\n</html>\n");
    page
}

fn summary(timeline: &Timeline) -> String {
    let Some((first, last)) = timeline.span() else { return "Nothing was noted.".to_owned() };
    let tests = |outcome| timeline.tests_that(outcome);
    let took = std::time::Duration::try_from(last.duration_since(first)).unwrap_or_default();
    let mut text = format!(
        "{} passed, {} failed, {} skipped, in {}. {}.",
        tests(Outcome::Ok),
        tests(Outcome::Failed),
        tests(Outcome::Skipped),
        words(took),
        count(timeline.units().len(), "unit"),
    );
    if timeline.unread > 0 {
        let _ = write!(text, " {} could not be read.", count(timeline.unread, "line"));
    }
    text
}

/// From instants to places.
struct Scale {
    first: Timestamp,
    seconds: f64,
}

impl Scale {
    fn seconds_to(&self, at: Timestamp) -> f64 {
        at.duration_since(self.first).as_secs_f64().clamp(0.0, self.seconds)
    }

    fn place(&self, seconds: f64) -> f64 {
        LABELS + seconds / self.seconds * (WIDTH - MARGIN - LABELS)
    }

    /// Where something begins, and how wide it is.
    fn stretch(&self, started: Timestamp, ended: Timestamp) -> (f64, f64) {
        let from = self.place(self.seconds_to(started));
        let wide = (self.place(self.seconds_to(ended)) - from).max(NARROWEST);
        (from.min(WIDTH - MARGIN - wide), wide)
    }
}

fn picture(page: &mut String, timeline: &Timeline, first: Timestamp, last: Timestamp) {
    let scale = Scale { first, seconds: last.duration_since(first).as_secs_f64().max(0.001) };
    let (tests, units) = (timeline.tests(), timeline.units());
    let height = HEAD + ROW * (tests.len() + units.len()) as f64 + ROW / 2.0;
    let _ =
        writeln!(page, "<svg viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-label=\"What ran when\">");
    let step = step(scale.seconds);
    for mark in 0..=((scale.seconds / step) as u32) {
        let at = f64::from(mark) * step;
        let x = scale.place(at);
        let _ = writeln!(
            page,
            "<line class=\"axis\" x1=\"{x:.1}\" y1=\"{HEAD}\" x2=\"{x:.1}\" y2=\"{height}\"/>\
             <text class=\"axis\" x=\"{x:.1}\" y=\"16\">{} s</text>",
            (at * 1000.0).round() / 1000.0
        );
    }
    let mut y = HEAD;
    for row in tests.iter().chain(&units) {
        let shown = row.label.split_once("::").map_or(row.label.as_str(), |(_, name)| name);
        let _ = writeln!(
            page,
            "<g><title>{}</title><text class=\"label\" x=\"{}\" y=\"{}\">{}</text></g>",
            escaped(&row.label),
            LABELS - 8.0,
            y + 15.0,
            escaped(&cut(shown))
        );
        statuses(page, row, &scale, last, y);
        for event in row.events.iter().filter(|event| event.what != What::Status) {
            let (x, wide) = scale.stretch(event.started, event.ended);
            let _ = writeln!(
                page,
                "<rect class=\"{}\" x=\"{x:.1}\" y=\"{}\" width=\"{wide:.1}\" height=\"{}\" rx=\"2\"><title>{}</title></rect>",
                class(event),
                y + 4.0,
                ROW - 8.0,
                escaped(&told(event))
            );
            if wide > event.name.chars().count() as f64 * LETTER && event.what != What::Test {
                let _ = writeln!(
                    page,
                    "<text class=\"within\" x=\"{:.1}\" y=\"{}\">{}</text>",
                    x + 4.0,
                    y + 14.5,
                    escaped(&event.name)
                );
            }
        }
        y += ROW;
    }
    page.push_str("</svg>\n");
}

/// A unit's statuses, each as far as the next.
fn statuses(page: &mut String, row: &Row<'_>, scale: &Scale, last: Timestamp, y: f64) {
    let mut statuses = row.events.iter().filter(|event| event.what == What::Status).peekable();
    while let Some(status) = statuses.next() {
        let until = statuses.peek().map_or(last, |next| next.started);
        let (x, wide) = scale.stretch(status.started, until);
        let known = ["active", "maintenance", "waiting", "blocked", "error"];
        let class = known.iter().find(|name| **name == status.name).unwrap_or(&"unknown");
        let _ = writeln!(
            page,
            "<rect class=\"s-{class}\" x=\"{x:.1}\" y=\"{y}\" width=\"{wide:.1}\" height=\"{ROW}\"><title>{}</title></rect>",
            escaped(&told(status))
        );
    }
}

fn table(page: &mut String, timeline: &Timeline, first: Timestamp) {
    page.push_str(
        "<details><summary>Everything, in order</summary>\n<table>\n<thead><tr><th>At</th><th>Took</th><th>Who</th>\
         <th>What</th><th>Name</th><th>Outcome</th><th>Message</th></tr></thead>\n<tbody>\n",
    );
    for event in &timeline.events {
        let at = event.started.duration_since(first).as_secs_f64();
        let who =
            if event.unit.is_empty() { String::new() } else { format!("{} {}", event.model, event.unit) };
        let took = if event.what == What::Status {
            String::new()
        } else {
            format!("{:.3} s", event.took().as_secs_f64())
        };
        let _ = writeln!(
            page,
            "<tr class=\"{}\"><td>{at:.3} s</td><td>{took}</td><td>{}</td><td>{}</td><td><code>{}</code></td><td>{}</td><td>{}</td></tr>",
            if event.outcome == Outcome::Failed { "bad" } else { "" },
            escaped(who.trim()),
            kind(event.what),
            escaped(&event.name),
            outcome(event.outcome),
            escaped(&event.message)
        );
    }
    page.push_str("</tbody>\n</table>\n</details>\n");
}

/// What one is told who points at something.
fn told(event: &Event) -> String {
    let mut text = format!("{} {}", kind(event.what), event.name);
    if event.what != What::Status {
        let _ = write!(text, ", {}, {}", outcome(event.outcome), words(event.took()));
    }
    if !event.message.is_empty() {
        let _ = write!(text, "\n{}", event.message);
    }
    text
}

fn class(event: &Event) -> &'static str {
    match event.outcome {
        Outcome::Failed => "failed",
        Outcome::Skipped => "skipped",
        Outcome::Ok => match event.what {
            What::Hook => "hook",
            What::Action => "action",
            What::Exec => "exec",
            What::Test => "test",
            What::Status => "status",
        },
    }
}

fn kind(what: What) -> &'static str {
    match what {
        What::Hook => "hook",
        What::Action => "action",
        What::Exec => "command",
        What::Status => "status",
        What::Test => "test",
    }
}

fn outcome(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Ok => "ok",
        Outcome::Failed => "failed",
        Outcome::Skipped => "skipped",
    }
}

/// A round number of seconds between two marks.
fn step(seconds: f64) -> f64 {
    let least = seconds / MARKS;
    let ten = 10_f64.powf(least.log10().floor());
    [1.0, 2.0, 5.0, 10.0].map(|times| times * ten).into_iter().find(|step| *step >= least).unwrap_or(least)
}

fn cut(label: &str) -> String {
    let room = 40;
    if label.chars().count() <= room {
        return label.to_owned();
    }
    let kept: String = label.chars().take(room - 1).collect();
    format!("{kept}…")
}

/// Text that means nothing but itself in a page.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::tests::example;
    use super::*;

    #[test]
    fn a_run_as_a_page() {
        let page = html(&example(), "web <suite>");
        insta::assert_snapshot!(page.replace(STYLE, "…"));
    }

    #[test]
    fn the_page_asks_nobody_for_anything() {
        let page = html(&example(), "web");
        for word in ["http://", "https://", "<script", "src=", "@import", "url("] {
            assert!(!page.contains(word), "{word}");
        }
    }

    #[test]
    fn marks_are_round() {
        for (seconds, expected) in [(11.8, 2.0), (277.0, 50.0), (0.4, 0.05), (10.0, 1.0)] {
            assert!((step(seconds) - expected).abs() < 1e-9, "{seconds}: {}", step(seconds));
        }
    }
}
