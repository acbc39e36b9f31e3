//! A graph as a page: the picture, the sequence beside it, and a way to point at things.
//! The page needs no other file and asks nobody for anything.

use std::fmt::Write as _;

use super::svg::{self, escaped};
use super::{Graph, Path};
use crate::vocabulary::Outcome;

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// Writes the page of a graph, with a path on it if there is one; all of it, or what is
/// usual.
pub fn write(graph: &Graph, path: Option<&Path>, is_all: bool) -> String {
    let title = escaped(&format!("The lifecycle of {}", graph.charm));
    let mut text = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'\">\n\
         <title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n"
    );
    if let Some(path) = path {
        text.push_str("<aside>\n<h2>The sequence</h2>\n<ol>\n");
        for (index, visit) in path.visits.iter().enumerate() {
            let class = match (visit.is_possible, visit.outcome) {
                (false, _) => " class=\"stray\"",
                (true, Outcome::Failed | Outcome::Terminated) => " class=\"failed\"",
                (true, Outcome::Ok | Outcome::Missing) => "",
            };
            let outcome = match visit.outcome {
                Outcome::Ok => String::new(),
                Outcome::Failed | Outcome::Missing | Outcome::Terminated => {
                    format!(" <i>{}</i>", visit.outcome.name())
                }
            };
            let hook = escaped(&visit.hook);
            let _ =
                writeln!(text, "<li tabindex=\"0\" data-hook=\"{}\"{class}>{hook}{outcome}</li>", index + 1);
        }
        text.push_str("</ol>\n</aside>\n");
    }
    text.push_str(
        "<main>\n<p>Point at a hook to see what may come before and after it; click to keep it.</p>\n",
    );
    text.push_str(&svg::write(graph, path, is_all));
    let _ = write!(text, "</main>\n<script>{SCRIPT}</script>\n</body>\n</html>\n");
    text
}
