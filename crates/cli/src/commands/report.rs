//! `charmproof report`.

use charmproof_store::report;
use charmproof_store::store::RunRef;

use crate::args::{Colour, Format, ReportArgs};
use crate::commands::Shown;
use crate::error::{Exit, Failure};
use crate::output::{self, say};
use crate::place::Place;

pub(crate) fn run(place: &Place, args: &ReportArgs, colour: Colour) -> Result<Exit, Failure> {
    let shown = Shown::new(place.store()?.run(&RunRef::parse(&args.run))?);
    let text = shown.with_report(|shown| match args.format {
        Format::Text => report::summary(shown, output::terminal(colour)),
        Format::Markdown => report::markdown(shown),
        Format::Html => report::html(shown),
        Format::Json => report::json(shown),
        Format::Junit => report::junit(shown),
    });
    match &args.output {
        Some(path) => {
            fs_err::write(path, text)
                .map_err(|error| Failure::of("the report could not be written", &error))?;
            say(&format!("wrote {path}"));
        }
        None => output::result(&text),
    }
    Ok(Exit::Fine)
}
