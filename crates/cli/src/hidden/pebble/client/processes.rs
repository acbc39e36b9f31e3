//! What runs in the container, and what it prints: `exec`, `logs`, `tasks`.

use std::collections::BTreeMap;

use camino::Utf8Path;
use charmproof_pebble::Client;
use serde_json::{Value, json};

use super::{Done, Words, Wrong, as_asked, cells, complain, layout, list, say, text, time};

/// How many lines are shown when nothing is said.
const LINES: &str = "30";

/// The folder in which a process finds what it has open.
const OWN_FILES: &str = "/proc/self/fd";

/// `term` is the kind of our own terminal, which the command is told.
pub(super) fn exec(client: &Client, words: &Words, term: Option<&str>) -> Done {
    let is_split = !is_one_file(Utf8Path::new(OWN_FILES));
    let body = asked(words, term, is_split)?;
    let mut stderr = std::io::stderr();
    let errors = Some(&mut stderr).filter(|_| is_split);
    let code = client.exec(&body, std::io::stdin(), &mut std::io::stdout(), errors)?;
    if code == 0 { Ok(()) } else { Err(Wrong::Code(code)) }
}

/// Returns what Pebble is asked to run. Without `is_split`, it puts what comes on standard error between what
/// comes on standard output.
fn asked(words: &Words, term: Option<&str>, is_split: bool) -> Result<Value, Wrong> {
    if words.positional.is_empty() {
        return Err(Wrong::Said("the required argument `<command>` was not provided".to_owned()));
    }
    for (one, other) in [("t", "T"), ("i", "I")] {
        if words.is_set(one) && words.is_set(other) {
            return Err(Wrong::Said(format!("cannot use -{one} and -{other} at the same time")));
        }
    }
    let variables = words.values("env").map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    let environment: BTreeMap<&str, &str> =
        term.map(|term| ("TERM", term)).into_iter().chain(variables).collect();
    let mut body = json!({
        "command": words.positional,
        "environment": environment,
        "working-dir": words.value("w").unwrap_or_default(),
        "service-context": words.value("context").unwrap_or_default(),
        "timeout": words.value("timeout").unwrap_or_default(),
        "terminal": words.is_set("t"),
        "split-stderr": is_split,
    });
    as_asked(words, &mut body);
    Ok(body)
}

/// Whether standard output and standard error are the same file. Then the order of what comes on both is seen
/// there, and only Pebble knows it.
fn is_one_file(own_files: &Utf8Path) -> bool {
    let place = |number: &str| fs_err::read_link(own_files.join(number)).ok();
    place("1").is_some_and(|stdout| place("2") == Some(stdout))
}

pub(super) fn logs(client: &Client, words: &Words) -> Done {
    let count = match words.value("n") {
        None => LINES,
        Some("all") => "-1",
        Some(count) if count.parse::<u32>().is_ok() => count,
        Some(other) => {
            return Err(Wrong::Said(format!(
                "expected n to be a non-negative integer or \"all\", not {other:?}"
            )));
        }
    };
    let is_json = match words.value("format") {
        None | Some("" | "text") => false,
        Some("json") => true,
        Some(other) => {
            return Err(Wrong::Said(format!(
                "invalid output format (expected \"json\" or \"text\", not {other:?})"
            )));
        }
    };
    let services = words.positional.join(",");
    let mut pairs = vec![("n", count), ("services", services.as_str())];
    if words.is_set("follow") {
        pairs.push(("follow", "true"));
    }
    client.logs(&pairs, |line| {
        let time = line.time.strftime("%Y-%m-%dT%H:%M:%S%.3fZ");
        say(&if is_json {
            format!("{}\n", serde_json::to_string(&line).unwrap_or_default())
        } else {
            format!("{time} [{}] {}\n", line.service, line.message)
        })
    })?;
    Ok(())
}

pub(super) fn tasks(client: &Client, words: &Words) -> Done {
    let [id] = words.positional.as_slice() else {
        return Err(Wrong::Said("the required argument `<change-id>` was not provided".to_owned()));
    };
    let change = client.get(&format!("/v1/changes/{id}"))?.result;
    let tasks = list(&change["tasks"]);
    if tasks.is_empty() {
        complain("no tasks found");
        return Ok(());
    }
    say(&shown(&tasks, words.is_set("abs-time")));
    Ok(())
}

/// Returns tasks as people see them: a table, and then the log of each that has one.
fn shown(tasks: &[&Value], is_absolute: bool) -> String {
    let mut table = vec![cells(["Status", "Spawn", "Ready", "Summary"])];
    let mut logs = String::new();
    for task in tasks {
        let ready = task["ready-time"].as_str().map_or_else(|| "-".to_owned(), |at| time(at, is_absolute));
        let spawned = time(&text(task, "spawn-time"), is_absolute);
        table.push(vec![text(task, "status"), spawned, ready, text(task, "summary")]);
        let lines = list(&task["log"]);
        if !lines.is_empty() {
            logs += &format!("\n{}\n{}\n\n", ".".repeat(70), text(task, "summary"));
            logs.extend(lines.iter().filter_map(|line| line.as_str()).map(|line| format!("{line}\n")));
        }
    }
    layout(&table) + &logs + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &[&str]) -> Words {
        let line: Vec<String> = line.iter().map(|word| (*word).to_owned()).collect();
        Words::read("exec", &line).unwrap()
    }

    #[test]
    fn commands_are_run_as_pebble_is_asked() {
        let body = asked(&words(&["--env", "A=1", "--uid", "5", "ls", "-l"]), Some("xterm"), true).unwrap();
        assert_eq!(body["environment"], json!({"A": "1", "TERM": "xterm"}));
        assert_eq!(body["command"], json!(["ls", "-l"]));
        assert_eq!((&body["user-id"], &body["split-stderr"]), (&json!(5), &json!(true)));
        let body = asked(&words(&["--env", "TERM=dumb", "ls"]), Some("xterm"), false).unwrap();
        assert_eq!(body["environment"], json!({"TERM": "dumb"}));
        assert_eq!(body["split-stderr"], json!(false));
        let body = asked(&words(&["ls"]), None, true).unwrap();
        assert_eq!(body["environment"], json!({}));
        assert!(matches!(
            asked(&words(&["-tT", "ls"]), None, true),
            Err(Wrong::Said(why)) if why == "cannot use -t and -T at the same time"
        ));
    }

    #[test]
    fn output_and_errors_may_be_one_file() {
        let folder = tempfile::tempdir().unwrap();
        let root = Utf8Path::from_path(folder.path()).unwrap();
        assert!(!is_one_file(root), "what is not known is not the same");
        fs_err::os::unix::fs::symlink("/dev/pts/1", root.join("1")).unwrap();
        assert!(!is_one_file(root));
        fs_err::os::unix::fs::symlink("/dev/pts/1", root.join("2")).unwrap();
        assert!(is_one_file(root));
        fs_err::remove_file(root.join("2")).unwrap();
        fs_err::os::unix::fs::symlink("pipe:[5]", root.join("2")).unwrap();
        assert!(!is_one_file(root));
    }

    #[test]
    fn logs_follow_the_table_of_tasks() {
        let task = |summary: &str, log: &[&str]| {
            json!({
                "status": "Error", "summary": summary, "spawn-time": "2026-03-10T09:05:06.123Z", "log": log,
            })
        };
        let tasks = [task("Start a", &["one", "two"]), task("Start b", &[]), task("Start c", &["three"])];
        let dots = ".".repeat(70);
        let row = |summary: &str| format!("Error   2026-03-10T09:05:06Z  -      {summary}\n");
        assert_eq!(
            shown(&tasks.iter().collect::<Vec<_>>(), true),
            format!(
                "Status  Spawn                 Ready  Summary\n{}{}{}\n\
                 {dots}\nStart a\n\none\ntwo\n\n\
                 {dots}\nStart c\n\nthree\n\n",
                row("Start a"),
                row("Start b"),
                row("Start c")
            )
        );
    }
}
