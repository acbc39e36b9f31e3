//! What a search has found, for people: on the terminal, and as files.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io;
use std::sync::{Mutex, PoisonError};

use camino::{Utf8Path, Utf8PathBuf};
use charmproof_charm::metadata::CharmMetadata;
use charmproof_fuzz::coverage::rules_of;
use charmproof_fuzz::export::{Charm, pytest};
use charmproof_fuzz::oracle::Blame;
use charmproof_fuzz::search::duel::{DuelReport, Found};
use charmproof_fuzz::search::{Confirmation, Finding, Progress, Report, Settings, Size};
use charmproof_lifecycle::format::{json, story};
use charmproof_store::report::{Style, Terminal};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::output;

/// How many of the reached lines' files are listed.
const FILES_SHOWN: usize = 8;
/// How many handlers that did not run are named.
const HANDLERS_SHOWN: usize = 8;
/// How many lines of a traceback are shown on the terminal; the file has all.
const DETAIL_LINES_SHOWN: usize = 24;

/// How much of a line is shown on the terminal: a charm may raise megabytes.
const LINE_CHARACTERS_SHOWN: usize = 400;

/// Returns the beginning of a line.
fn beginning(line: &str) -> String {
    match line.char_indices().nth(LINE_CHARACTERS_SHOWN) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line.to_owned(),
    }
}

/// Whether a finding is the charm's fault, so that it counts.
pub(super) fn counts(finding: &Finding) -> bool {
    finding.suspicion.blame == Blame::Charm
}

/// Shows that something goes on.
pub(super) struct Bar {
    bar: ProgressBar,
    found: Mutex<usize>,
}

impl Bar {
    pub(super) fn new(is_quiet: bool) -> Self {
        let bar = ProgressBar::new_spinner();
        bar.set_draw_target(if is_quiet {
            ProgressDrawTarget::hidden()
        } else {
            ProgressDrawTarget::stderr()
        });
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} [{elapsed}]") {
            bar.set_style(style);
        }
        Self { bar, found: Mutex::new(0) }
    }

    pub(super) fn show(&self, progress: &Progress) {
        let mut found = self.found.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        match progress {
            Progress::Lives(played, most) => {
                let of = most.map_or_else(String::new, |most| format!(" of {most}"));
                self.bar.set_message(format!("{played}{of} lives, {} found", *found));
            }
            Progress::Kept(_) => {}
            Progress::Reducing(what) => self.bar.set_message(format!("making small: {what}")),
            Progress::Found(finding) => {
                *found += 1;
                self.bar.set_message(format!("found: {}", finding.suspicion.summary));
            }
        }
        self.bar.tick();
    }

    pub(super) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

/// What was written of the findings.
#[derive(Debug, Default)]
pub(super) struct Written {
    /// Where the files of each finding are, in the order of the findings.
    pub(super) places: Vec<Utf8PathBuf>,
    /// What went wrong first.
    pub(super) error: Option<io::Error>,
}

/// The charm that tests are written for.
pub(super) struct Tested<'a> {
    /// Where the user has it.
    pub(super) folder: &'a Utf8Path,
    /// What it declares.
    pub(super) metadata: &'a CharmMetadata,
    /// Its program, relative to the folder.
    pub(super) program: &'a Utf8Path,
}

/// Writes findings as they come, each into a folder of its own: the life, the story, and a test
/// where `ops.testing` can tell it. A folder is there as a whole or not at all.
pub(super) struct Writer<'a> {
    folder: &'a Utf8Path,
    tested: &'a Tested<'a>,
    source: String,
    written: Mutex<Written>,
}

impl<'a> Writer<'a> {
    pub(super) fn new(folder: &'a Utf8Path, tested: &'a Tested<'a>) -> Self {
        let source = fs_err::read_to_string(tested.folder.join(tested.program)).unwrap_or_default();
        Self { folder, tested, source, written: Mutex::default() }
    }

    /// Writes the next finding. That it could not be written is told at the end.
    pub(super) fn write(&self, finding: &Finding) {
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        let number = written.places.len() + 1;
        let place = self.folder.join(format!("{number}-{}", finding.suspicion.oracle.name()));
        if let Err(error) = laid(&place, |aside| self.write_into(aside, finding, number)) {
            written.error.get_or_insert(error);
        }
        written.places.push(place);
    }

    pub(super) fn finish(self) -> Written {
        self.written.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    fn write_into(&self, place: &Utf8Path, finding: &Finding, number: usize) -> io::Result<()> {
        let (metadata, program) = (self.tested.metadata, self.tested.program);
        let charm = Charm { metadata, program, source: &self.source };
        fs_err::write(place.join("life.json"), json::write(&finding.life))?;
        let mut text = telling(finding, self.tested.folder);
        match pytest(finding, &charm) {
            Ok(test) => fs_err::write(place.join(format!("test_finding_{number}.py")), test)?,
            Err(reason) => {
                let _ = writeln!(text, "No test of `ops.testing` tells this: {reason}.");
            }
        }
        fs_err::write(place.join("story.txt"), text)
    }
}

/// Makes a folder beside its place, and puts it there when all is in it.
fn laid(place: &Utf8Path, fill: impl FnOnce(&Utf8Path) -> io::Result<()>) -> io::Result<()> {
    let aside = Utf8PathBuf::from(format!("{place}.new"));
    for folder in [&aside, place] {
        if folder.exists() {
            fs_err::remove_dir_all(folder)?;
        }
    }
    fs_err::create_dir_all(&aside)?;
    fill(&aside)?;
    fs_err::rename(&aside, place)
}

/// Tells a finding: what, why it is a fault, what happened, and where.
fn telling(finding: &Finding, charm: &Utf8Path) -> String {
    let suspicion = &finding.suspicion;
    let mut text = String::new();
    let _ = writeln!(text, "{}: {}", suspicion.oracle.name(), suspicion.summary);
    let _ = writeln!(text, "Why it matters: {}.", suspicion.oracle.reason());
    let _ = writeln!(text, "How sure it is: {}.", how_sure(finding));
    let _ = writeln!(text, "\n{}", story::story(&finding.life));
    if !suspicion.details.is_empty() {
        let _ = writeln!(text, "{}", suspicion.details);
    }
    let _ = writeln!(text, "\nAgain: charmproof fuzz {charm} --seed {} --seeds 1", finding.seed);
    text
}

/// Returns how a finding was seen again, and how far its life was made small.
fn how_sure(finding: &Finding) -> String {
    let seen = match finding.confirmation {
        Confirmation::Cold => "seen again as Juju runs a charm",
        Confirmation::Fork => "seen again in a forked interpreter, not in a new one",
        Confirmation::Quick => "seen once, and not again for want of time",
    };
    let small = match finding.size {
        Size::Small | Size::AsFound => "",
        Size::TooManyHooks => "; not made smaller, as its hooks take long",
        Size::Stopped => "; not made small for want of time",
    };
    format!("{seen}{small}")
}

/// Returns what is shown at the end.
pub(super) fn text(
    report: &Report,
    settings: &Settings,
    written: &[Utf8PathBuf],
    is_interrupted: bool,
    terminal: Terminal,
) -> String {
    let bold = |text: &str| match terminal.style {
        Style::Colour => format!("\u{1b}[1m{text}\u{1b}[0m"),
        Style::Plain => text.to_owned(),
    };
    let mut text = String::new();
    for (number, (finding, place)) in report.findings.iter().zip(written).enumerate() {
        let suspicion = &finding.suspicion;
        let whose = match suspicion.blame {
            Blame::Charm => "",
            Blame::Environment => " (refused by these surroundings, not counted)",
        };
        let _ =
            writeln!(text, "{}", bold(&format!("{}. {}{whose}", number + 1, beginning(&suspicion.summary))));
        let _ = writeln!(text, "   {}: {}", suspicion.oracle.name(), suspicion.oracle.reason());
        let _ = writeln!(
            text,
            "   in {} of {} lives, first with seed {}; {}",
            finding.lives,
            report.lives,
            finding.seed,
            how_sure(finding)
        );
        for line in story::story(&finding.life).lines() {
            let _ = writeln!(text, "   {line}");
        }
        let lines: Vec<&str> = suspicion.details.lines().collect();
        for line in &lines[lines.len().saturating_sub(DETAIL_LINES_SHOWN)..] {
            let _ = writeln!(text, "   | {}", beginning(line));
        }
        let _ = writeln!(text, "   files: {place}\n");
    }
    if is_interrupted {
        let _ = writeln!(text, "interrupted; this is what was found until then");
    }
    summary(&mut text, report, settings);
    text
}

fn summary(text: &mut String, report: &Report, settings: &Settings) {
    let counted = report.findings.iter().filter(|finding| counts(finding)).count();
    let refused = report.findings.len() - counted;
    let _ = writeln!(
        text,
        "{counted} found in {} lives with {} hooks in {:.1} s, seeds {} to {}",
        report.lives,
        report.hooks,
        report.took.as_secs_f64(),
        settings.first_seed,
        settings.first_seed + report.lives.saturating_sub(1)
    );
    if refused > 0 {
        let _ = writeln!(
            text,
            "{refused} things were refused by these surroundings; --preload gives the charm stand-ins"
        );
    }
    if report.hooks > 0 && report.hooks_done == 0 && counted == 0 {
        let _ = writeln!(text, "no hook of the charm succeeded, so nothing is known of it");
    }
    if !report.unconfirmed.is_empty() {
        let _ = writeln!(
            text,
            "{} suspicions did not show again and are not told: what the charm's modules remember from hook to hook",
            report.unconfirmed.len()
        );
    }
    for (reason, times) in &report.allowed {
        let _ = writeln!(text, "allowed {times} times: {reason}");
    }
    if report.is_blocked {
        let _ = writeln!(
            text,
            "given up after {} lives: a hook ran out of its time in each, and nothing behind it was seen",
            report.lives
        );
    }
    for trouble in report.troubles.iter().take(3) {
        let _ = writeln!(text, "could not tell: {trouble}");
    }
    if let Some(cold) = &report.welcome.cold {
        let why = cold.trim().lines().last().unwrap_or_default();
        let _ = writeln!(text, "run cold, which is slow, because it cannot be imported once for all: {why}");
    }
    if let Some(bare) = &report.welcome.bare {
        let _ = writeln!(text, "without a root filesystem of its own, so the charm saw this host: {bare}");
    }
    reached(text, report, settings);
    if !report.lines.is_empty() {
        let _ = writeln!(text, "{} of {} lines of src ran", report.lines_reached.len(), report.lines.len());
        let mut files: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
        for place in &report.lines {
            let entry = files.entry(&place.0).or_default();
            entry.1 += 1;
            entry.0 += usize::from(report.lines_reached.contains(place));
        }
        for (file, (reached, all)) in files.into_iter().take(FILES_SHOWN) {
            let _ = writeln!(text, "  {file}: {reached} of {all}");
        }
    }
}

/// Says what was reached of the charm's handlers, and of the rules of the lifecycle.
fn reached(text: &mut String, report: &Report, settings: &Settings) {
    let handlers = report.handlers();
    if !handlers.is_empty() {
        let count = handlers.iter().filter(|(_, ran)| *ran).count();
        let _ = writeln!(text, "{count} of {} handlers ran", handlers.len());
        let idle: Vec<String> = handlers
            .iter()
            .filter(|(_, ran)| !ran)
            .map(|(handler, _)| format!("{} ({})", handler.name, handler.events.join(", ")))
            .collect();
        for handler in idle.iter().take(HANDLERS_SHOWN) {
            let _ = writeln!(text, "  not {handler}");
        }
        if idle.len() > HANDLERS_SHOWN {
            let _ = writeln!(text, "  nor {} more", idle.len() - HANDLERS_SHOWN);
        }
    }
    let _ = writeln!(
        text,
        "{} of {} rules of the lifecycle bore on these lives",
        report.rules_reached.len(),
        rules_of(&settings.plan.stage).len()
    );
}

/// Returns where the files of a difference are.
fn place_of(found: &Found, folder: &Utf8Path) -> Utf8PathBuf {
    folder.join(format!("swap-{}-{}", found.number, found.difference.observable.name()))
}

/// Writes the life that shows a difference.
pub(super) fn write_difference(found: &Found, folder: &Utf8Path) -> io::Result<()> {
    laid(&place_of(found, folder), |aside| {
        fs_err::write(aside.join("life.json"), json::write(&found.life))?;
        let difference = &found.difference;
        let text = format!(
            "{}\n`{}`\nwithout the swap: {}\nwith the swap:    {}\n",
            story::story(&found.life),
            difference.hook,
            difference.baseline,
            difference.candidate
        );
        fs_err::write(aside.join("story.txt"), text)
    })
}

/// Returns what a swap changed, for people.
pub(super) fn differences(
    report: &DuelReport,
    settings: &Settings,
    folder: &Utf8Path,
    is_interrupted: bool,
    terminal: Terminal,
) -> String {
    let mut text = String::new();
    for (number, found) in report.found.iter().enumerate() {
        let difference = &found.difference;
        let title =
            format!("{}. {} of `{}` differs", number + 1, difference.observable.name(), difference.hook);
        let title = match terminal.style {
            Style::Colour => format!("\u{1b}[1m{title}\u{1b}[0m"),
            Style::Plain => title,
        };
        let _ = writeln!(text, "{title}");
        let seen = match found.confirmation {
            Confirmation::Cold => "seen again as Juju runs a charm",
            Confirmation::Fork => "seen again in a forked interpreter",
            Confirmation::Quick => "seen once, and neither again nor made small for want of time",
        };
        let _ = writeln!(
            text,
            "   in {} of {} lives, first with seed {}; {seen}",
            found.lives, report.lives, found.seed
        );
        let _ = writeln!(
            text,
            "   without: {}",
            output::wrapped(&difference.baseline, 12, terminal.width).trim_start()
        );
        let _ = writeln!(
            text,
            "   with:    {}",
            output::wrapped(&difference.candidate, 12, terminal.width).trim_start()
        );
        for line in story::story(&found.life).lines() {
            let _ = writeln!(text, "   {line}");
        }
        let _ = writeln!(text, "   files: {}\n", place_of(found, folder));
    }
    if is_interrupted {
        let _ = writeln!(text, "interrupted; this is what was found until then");
    }
    let behaviour = report.found.iter().filter(|found| found.difference.observable.is_behaviour()).count();
    let _ = writeln!(
        text,
        "{behaviour} changes of what the charm does, {} of how it does it, in {} lives with {} hooks, seeds {} to {}",
        report.found.len() - behaviour,
        report.lives,
        report.hooks,
        settings.first_seed,
        settings.first_seed + report.lives.saturating_sub(1)
    );
    if report.noise > 0 {
        let _ = writeln!(
            text,
            "{} differences were those of the charm from itself, and are not told",
            report.noise
        );
    }
    let (without, with) = report.wall_us;
    if without > 0 {
        let _ = writeln!(text, "hooks took {:.2} times as long with the swap", with as f64 / without as f64);
    }
    for trouble in report.troubles.iter().take(3) {
        let _ = writeln!(text, "could not tell: {trouble}");
    }
    text
}
