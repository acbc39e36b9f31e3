//! What is shown while a check runs, on the standard error.
//!
//! On a terminal: a bar with counts and time left, and what runs now. Elsewhere: a
//! line for each result, so that a CI log tells where it is. It never shows how much
//! of a suite is done, since no suite can be asked that.

use std::io::IsTerminal as _;
use std::time::{Duration, Instant};

use charmproof_fleet::run::schedule::{Progress, Standing};
use charmproof_store::event::{Side, UnitResult};
use charmproof_store::outcome::Outcome;
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::output::say;

/// Shows a run.
pub(crate) struct Display {
    bars: Option<Bars>,
    is_quiet: bool,
    started: Instant,
}

struct Bars {
    all: MultiProgress,
    main: ProgressBar,
    running: Vec<ProgressBar>,
}

impl Display {
    pub(crate) fn new(is_quiet: bool) -> Self {
        let bars = (!is_quiet && std::io::stderr().is_terminal()).then(|| {
            let all = MultiProgress::with_draw_target(ProgressDrawTarget::stderr_with_hz(10));
            let main = all.add(ProgressBar::new(0));
            main.set_style(
                ProgressStyle::with_template("{bar:24} {pos}/{len} {msg}")
                    .unwrap_or_else(|_| ProgressStyle::default_bar()),
            );
            Bars { all, main, running: Vec::new() }
        });
        Self { bars, is_quiet, started: Instant::now() }
    }

    /// Takes in what happened.
    pub(crate) fn observe(&mut self, progress: &Progress<'_>, standing: &Standing) {
        if self.is_quiet {
            return;
        }
        if let Some(bars) = &mut self.bars {
            bars.draw(standing, self.started);
            if let Progress::Finished { result } = progress
                && is_noteworthy(result)
            {
                let _ = bars.all.println(line(result));
            }
        } else if let Progress::Finished { result } = progress
            && (result.reused_from.is_none() || is_noteworthy(result))
        {
            say(&format!("[{:>3}/{}] {}", standing.done, standing.total, line(result)));
        }
    }

    /// Takes everything off the screen.
    pub(crate) fn finish(&mut self) {
        if let Some(bars) = self.bars.take() {
            let _ = bars.all.clear();
        }
    }
}

impl Bars {
    fn draw(&mut self, standing: &Standing, started: Instant) {
        self.main.set_length(standing.total as u64);
        self.main.set_position(standing.done as u64);
        let mut words: Vec<String> =
            standing.outcomes.iter().map(|(outcome, count)| format!("{count} {}", outcome.words())).collect();
        if standing.reused > 0 {
            words.push(format!("{} reused", standing.reused));
        }
        let left = if standing.remaining_ms > 0 {
            format!(", about {} left", people_time(Duration::from_millis(standing.remaining_ms)))
        } else {
            String::new()
        };
        self.main.set_message(format!("{}{left}  {}", people_time(started.elapsed()), words.join(", ")));
        while self.running.len() < standing.running.len() {
            let bar = self.all.add(ProgressBar::new_spinner());
            bar.set_style(
                ProgressStyle::with_template("  {wide_msg}").unwrap_or_else(|_| ProgressStyle::default_bar()),
            );
            self.running.push(bar);
        }
        while self.running.len() > standing.running.len() {
            if let Some(bar) = self.running.pop() {
                bar.finish_and_clear();
                self.all.remove(&bar);
            }
        }
        for (bar, (unit, since, live)) in self.running.iter().zip(&standing.running) {
            let again = if unit.attempt > 0 { " again" } else { "" };
            bar.set_message(format!(
                "{} {} {}{again}  {}  {}",
                unit.subject,
                unit.target,
                unit.side.word(),
                people_time(since.elapsed()),
                printable(&live.get()),
            ));
        }
    }
}

/// What should stay on the screen while a run goes on: a candidate that did not pass.
fn is_noteworthy(result: &UnitResult) -> bool {
    result.unit.side == Side::Candidate
        && result.unit.attempt == 0
        && !matches!(
            result.outcome,
            Outcome::Pass | Outcome::NotUsed | Outcome::Filtered | Outcome::NoSuchTarget
        )
}

fn line(result: &UnitResult) -> String {
    let again = if result.unit.attempt > 0 {
        format!(" (attempt {})", result.unit.attempt + 1)
    } else {
        String::new()
    };
    let why =
        if result.summary.is_empty() { String::new() } else { format!(": {}", printable(&result.summary)) };
    format!(
        "{} {} {}{again}: {}{why} ({})",
        result.unit.subject,
        result.unit.target,
        result.unit.side.word(),
        result.outcome.words(),
        people_time(Duration::from_millis(result.duration_ms)),
    )
}

/// A suite's own text must not steer the terminal.
fn printable(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(160).collect()
}

fn people_time(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0..=9 => format!("{:.1} s", duration.as_secs_f64()),
        10..=119 => format!("{seconds} s"),
        120..=7199 => format!("{} min", seconds / 60),
        _ => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
    }
}
