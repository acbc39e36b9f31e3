//! The project's own tasks, called as `cargo xtask TASK`.
//!
//! Anything that a change must satisfy and that no compiler checks is a task here. The
//! tasks work on the checkout that they were compiled from.
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "tasks talk to a person or to CI")]

use std::path::Path;
use std::process::ExitCode;

mod bench;
mod tidy;

/// A task, as it is listed and called.
struct Task {
    name: &'static str,
    what: &'static str,
    run: fn(&Path, &[String]) -> anyhow::Result<ExitCode>,
}

/// Every task. A new one gets a file of its own beside `tidy.rs` and a line here.
const TASKS: [Task; 2] = [
    Task {
        name: "bench",
        what: "Time hooks next to ops.testing, and a fleet next to hyrum [runners | fleet] [workers] [--keep]",
        run: bench::run,
    },
    Task { name: "tidy", what: "Check the project's own rules", run: tidy::run },
];

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let Some((name, arguments)) = words.split_first() else {
        print!("{}", list());
        return ExitCode::SUCCESS;
    };
    let Some(task) = TASKS.iter().find(|task| task.name == name) else {
        eprint!("error: there is no task `{name}`\n\n{}", list());
        return ExitCode::from(2);
    };
    match (task.run)(root(), arguments) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(70)
        }
    }
}

fn list() -> String {
    let lines: Vec<String> =
        TASKS.iter().map(|task| format!("  {:<10} {}\n", task.name, task.what)).collect();
    format!("Tasks, called as `cargo xtask TASK`:\n{}", lines.concat())
}

/// Returns the top of the checkout.
fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask lies inside the workspace")
}
