//! A report as one HTML file.
//!
//! The file stands alone: it asks the network for nothing, works from a disk,
//! and shows every figure and every cause without its script, which only sorts,
//! filters and copies. Its content security policy names the one script and the
//! one style sheet by digest, so that nothing that came in with a log could run
//! even if it were not escaped.
//!
//! The template sees a plain value, [`context()`], that tests compare; the
//! template itself decides nothing.

mod allowance;
mod context;
mod detail;
mod model;
mod policy;

use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{Environment, UndefinedBehavior, Value};

use crate::report::Report;

const PAGE: &str = include_str!("../../../templates/report.html");
const CAUSE: &str = include_str!("../../../templates/cause.html");
const PAIR: &str = include_str!("../../../templates/pair.html");
const STYLE: &str = include_str!("../../../templates/report.css");
const SCRIPT: &str = include_str!("../../../templates/report.js");

/// Returns what the page shows, as JSON.
pub fn context(report: &Report<'_>) -> serde_json::Value {
    serde_json::to_value(context::page(report)).expect("the context has string keys only")
}

/// Returns the report as one self-contained HTML page.
pub fn render(report: &Report<'_>) -> String {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build();
    environment.set_syntax(syntax.expect("the delimiters are the usual ones"));
    for (name, source) in [("report.html", PAGE), ("cause.html", CAUSE), ("pair.html", PAIR)] {
        environment.add_template(name, source).expect("the templates are part of this crate");
    }
    let template = environment.get_template("report.html").expect("it was added above");
    let value = minijinja::context! {
        page => Value::from(Serde(context::page(report))),
        policy => policy::content_security_policy(STYLE, SCRIPT),
        style => Value::from_safe_string(STYLE.to_owned()),
        script => Value::from_safe_string(SCRIPT.to_owned()),
    };
    template.render(value).expect("the context has every name that the templates use")
}
