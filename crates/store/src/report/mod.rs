//! Reports: one compared run, shown to people and to machines.
//!
//! Every report is a pure function from a [`Report`] to a `String`. None reads a
//! clock, a file or the environment, and none prints. All of them tell the same
//! story in the same order: the verdict in one sentence, the causes, what
//! changed, what gave no signal and why, and what stayed as it was.
//!
//! Names, messages and logs come from other people's repositories, so every
//! format treats all text as hostile: the terminal shows no control characters,
//! Markdown keeps text inside code, and HTML and XML escape it.

mod facts;
mod html;
mod input;
mod json;
mod junit;
mod logs;
mod markdown;
mod reason;
mod terminal;
mod text;
mod words;

pub use html::{context as html_context, render as html};
pub use input::Report;
pub use json::{JSON_SCHEMA, render as json};
pub use junit::render as junit;
pub use logs::{diff_of_logs, normalise};
pub use markdown::{
    GITHUB_COMMENT_LIMIT, SMALLEST_LIMIT, render as markdown, render_within as markdown_within,
};
pub use terminal::{RunRow, Style, Terminal, runs, show, summary};
pub use words::count;
