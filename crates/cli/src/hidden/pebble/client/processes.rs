//! What runs in the container, and what it prints: `exec`, `logs`, `tasks`.

use charmproof_pebble::Client;
use serde_json::json;

use super::{Done, Words, Wrong, as_asked, cells, complain, layout, list, say, text, time};

/// How many lines are shown when nothing is said.
const LINES: &str = "30";

pub(super) fn exec(client: &Client, words: &Words) -> Done {
    if words.positional.is_empty() {
        return Err(Wrong::Said("the required argument `<command>` was not provided".to_owned()));
    }
    let variables = words.values("env").map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    let environment: std::collections::BTreeMap<&str, &str> = variables.collect();
    let mut body = json!({
        "command": words.positional,
        "environment": environment,
        "working-dir": words.value("w").unwrap_or_default(),
        "service-context": words.value("context").unwrap_or_default(),
        "timeout": words.value("timeout").unwrap_or_default(),
        "terminal": words.is_set("t"),
        "split-stderr": true,
    });
    as_asked(words, &mut body);
    let mut stderr = std::io::stderr();
    let code = client.exec(&body, std::io::stdin(), &mut std::io::stdout(), Some(&mut stderr))?;
    if code == 0 { Ok(()) } else { Err(Wrong::Code(code)) }
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
    if words.is_set("f") || words.is_set("follow") {
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
    let mut table = vec![cells(["Status", "Spawn", "Ready", "Summary"])];
    let mut logs = String::new();
    for task in list(&change["tasks"]) {
        let ready = task["ready-time"].as_str().map_or_else(|| "-".to_owned(), |at| time(at, false));
        let spawned = time(&text(task, "spawn-time"), false);
        table.push(vec![text(task, "status"), spawned, ready, text(task, "summary")]);
        let lines = list(&task["log"]);
        if !lines.is_empty() {
            logs += &format!("{}\n{}\n\n", ".".repeat(70), text(task, "summary"));
            logs.extend(lines.iter().filter_map(|line| line.as_str()).map(|line| format!("{line}\n")));
        }
    }
    if table.len() == 1 {
        complain("no tasks found");
        return Ok(());
    }
    say(&(layout(&table) + &logs + "\n"));
    Ok(())
}
