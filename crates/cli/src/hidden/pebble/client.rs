//! The program `pebble` in a container: asks the Pebble that runs there.
//!
//! Workloads leave notices with it, and people look at services and checks. Its words and texts are those
//! of Pebble's own program, as far as it goes; what it does not do it names.

mod files;
mod processes;
mod words;

use std::io::Write as _;

use charmproof_pebble::{Client, ClientError};
use jiff::{Timestamp, tz::TimeZone};
use serde_json::{Value, json};

use self::words::{Words, no_command};

/// Where the socket is where nobody says: Pebble's own folder.
const FOLDER: &str = "/var/lib/pebble/default";
const SOCKET: &str = ".pebble.socket";
/// Why it ends with an error.
#[derive(Debug)]
enum Wrong {
    /// Said on standard error.
    Said(String),
    /// Said already.
    Code(i32),
}

impl From<ClientError> for Wrong {
    fn from(error: ClientError) -> Self {
        Self::Said(error.to_string())
    }
}

type Done = Result<(), Wrong>;

/// Does what the words say, and returns the exit code.
pub(super) fn run(words: &[String], variable: impl Fn(&str) -> Option<String>) -> i32 {
    let socket = variable("PEBBLE_SOCKET")
        .unwrap_or_else(|| format!("{}/{SOCKET}", variable("PEBBLE").unwrap_or_else(|| FOLDER.to_owned())));
    match dispatch(&Client::new(socket), words, variable("TERM").as_deref()) {
        Ok(()) => 0,
        Err(Wrong::Code(code)) => code,
        Err(Wrong::Said(why)) => {
            complain(&format!("error: {why}"));
            1
        }
    }
}

/// Does what the words say. `term` is the kind of our own terminal.
fn dispatch(client: &Client, words: &[String], term: Option<&str>) -> Done {
    let Some((command, rest)) = words.split_first() else {
        return Err(Wrong::Said(
            "which command? services, logs, plan, exec, notify, checks, ls, …".to_owned(),
        ));
    };
    let words = Words::read(command, rest)?;
    match command.as_str() {
        "notify" => notify(client, &words),
        "notices" => notices(client, &words),
        "notice" => notice(client, &words),
        "services" => services(client, &words),
        "checks" => checks(client, &words),
        "plan" => {
            say(client.find("/v1/plan", &[("format", "yaml")])?.result.as_str().unwrap_or_default());
            Ok(())
        }
        "version" => {
            version(client, &words);
            Ok(())
        }
        "health" => health(client, &words),
        "start" | "stop" | "restart" | "replan" | "autostart" => act(client, command, &words),
        "signal" => signal(client, &words),
        "add" => add(client, &words),
        "changes" => changes(client, &words),
        "tasks" => processes::tasks(client, &words),
        "exec" => processes::exec(client, &words, term),
        "logs" => processes::logs(client, &words),
        "ls" => files::ls(client, &words),
        "mkdir" => files::mkdir(client, &words),
        "rm" => files::rm(client, &words),
        "push" => files::push(client, &words),
        "pull" => files::pull(client, &words),
        other => Err(no_command(other)),
    }
}

fn notify(client: &Client, words: &Words) -> Done {
    let Some((key, data)) = words.positional.split_first() else {
        return Err(Wrong::Said("the required argument `<key>` was not provided".to_owned()));
    };
    let mut given = serde_json::Map::new();
    for pair in data {
        let Some((name, value)) = pair.split_once('=') else {
            return Err(Wrong::Said(format!("data args must be in \"name=value\" format, not {pair:?}")));
        };
        given.insert(name.to_owned(), value.into());
    }
    let mut body = json!({"action": "add", "type": "custom", "key": key, "data": given});
    if let Some(after) = words.value("repeat-after") {
        body["repeat-after"] = after.into();
    }
    let id = client.post("/v1/notices", &body)?.result;
    say(&format!("Recorded notice {}\n", id["id"].as_str().unwrap_or_default()));
    Ok(())
}

fn notices(client: &Client, words: &Words) -> Done {
    let mut query = Vec::new();
    for (option, name) in [("users", "users"), ("uid", "user-id"), ("type", "types"), ("key", "keys")] {
        query.extend(words.values(option).map(|value| (name, value)));
    }
    let found = client.find("/v1/notices", &query)?.result;
    let rows = list(&found);
    if rows.is_empty() {
        complain("No matching notices.");
        return Ok(());
    }
    let is_absolute = words.is_set("abs-time");
    let mut table = vec![cells(["ID", "User", "Type", "Key", "First", "Repeated", "Occurrences"])];
    for notice in rows {
        let key = text(notice, "key");
        // By characters; Pebble counts bytes, and its keys have no others.
        let characters: Vec<char> = key.chars().collect();
        let key = match characters.len() {
            ..=32 => key,
            length => characters[..14].iter().chain(&['.'; 3]).chain(&characters[length - 15..]).collect(),
        };
        let user = notice["user-id"].as_u64().map_or_else(|| "public".to_owned(), |user| user.to_string());
        table.push(vec![
            text(notice, "id"),
            user,
            text(notice, "type"),
            key,
            time(&text(notice, "first-occurred"), is_absolute),
            time(&text(notice, "last-repeated"), is_absolute),
            notice["occurrences"].to_string(),
        ]);
    }
    say(&layout(&table));
    Ok(())
}

fn notice(client: &Client, words: &Words) -> Done {
    let found = match words.positional.as_slice() {
        [id] => client.get(&format!("/v1/notices/{id}"))?.result,
        [kind, key] => {
            let found = client.find("/v1/notices", &[("types", kind), ("keys", key)])?.result;
            list(&found)
                .first()
                .map(|notice| (*notice).clone())
                .ok_or_else(|| Wrong::Said(format!("cannot find {kind} notice with key {key:?}")))?
        }
        _ => return Err(Wrong::Said("the required argument `<id-or-type>` was not provided".to_owned())),
    };
    say(&serde_saphyr::to_string(&found).unwrap_or_default());
    Ok(())
}

fn services(client: &Client, words: &Words) -> Done {
    let found = client.find("/v1/services", &[("names", &words.positional.join(","))])?.result;
    let rows = list(&found);
    if rows.is_empty() {
        let all = words.positional.is_empty();
        complain(if all { "Plan has no services." } else { "No matching services." });
        return Ok(());
    }
    let mut table = vec![cells(["Service", "Startup", "Current", "Since"])];
    for service in rows {
        let since = service["current-since"].as_str();
        let since = since.map_or_else(|| "-".to_owned(), |since| time(since, words.is_set("abs-time")));
        table.push(vec![text(service, "name"), text(service, "startup"), text(service, "current"), since]);
    }
    say(&layout(&table));
    Ok(())
}

fn checks(client: &Client, words: &Words) -> Done {
    let level = words.value("level").unwrap_or_default();
    let found = client.find("/v1/checks", &of_level(level, words))?.result;
    let rows = list(&found);
    if rows.is_empty() {
        let all = words.positional.is_empty() && level.is_empty();
        complain(if all { "Plan has no health checks." } else { "No matching health checks." });
        return Ok(());
    }
    let mut table = vec![cells(["Check", "Level", "Startup", "Status", "Successes", "Failures", "Change"])];
    for check in rows {
        let is_active = check["status"] != "inactive";
        let number = |key: &str| check[key].as_u64().unwrap_or_default();
        let or_dash = |text: String| if text.is_empty() { "-".to_owned() } else { text };
        table.push(vec![
            text(check, "name"),
            or_dash(text(check, "level")),
            text(check, "startup"),
            text(check, "status"),
            if is_active { number("successes").to_string() } else { "-".to_owned() },
            if is_active {
                format!("{}/{}", number("failures"), number("threshold"))
            } else {
                "-".to_owned()
            },
            or_dash(text(check, "change-id")),
        ]);
    }
    say(&layout(&table));
    Ok(())
}

/// Returns the query for checks of a level that have the names that are given.
fn of_level<'a>(level: &'a str, words: &'a Words) -> Vec<(&'static str, &'a str)> {
    let names = words.positional.iter().map(|name| ("names", name.as_str()));
    std::iter::once(("level", level)).chain(names).collect()
}

fn version(client: &Client, words: &Words) {
    let server = client.get("/v1/system-info").map(|answer| text(&answer.result, "version"));
    let server = server.unwrap_or_else(|_| "-".to_owned());
    // Both are one program here.
    if words.is_set("client") {
        say(&format!("{server}\n"));
    } else {
        say(&layout(&[cells(["client", &server]), cells(["server", &server])]));
    }
}

fn health(client: &Client, words: &Words) -> Done {
    let level = words.value("level").unwrap_or_default();
    let is_healthy = match client.find("/v1/health", &of_level(level, words)) {
        Ok(answer) => answer.result["healthy"] == true,
        Err(ClientError::Refused { status: 502, .. }) => false,
        Err(error) => return Err(error.into()),
    };
    say(if is_healthy { "healthy\n" } else { "unhealthy\n" });
    if is_healthy { Ok(()) } else { Err(Wrong::Code(1)) }
}

fn act(client: &Client, action: &str, words: &Words) -> Done {
    let answer = client.post("/v1/services", &json!({"action": action, "services": words.positional}))?;
    let Some(change) = answer.change else { return Ok(()) };
    if words.is_set("no-wait") {
        say(&format!("{change}\n"));
        return Ok(());
    }
    let change = client.wait_for_change(&change)?;
    if change["status"] == "Done" {
        return Ok(());
    }
    let why = change["err"].as_str().map(str::to_owned);
    Err(Wrong::Said(
        why.unwrap_or_else(|| {
            format!("change finished in status {} with no error message", change["status"])
        }),
    ))
}

fn signal(client: &Client, words: &Words) -> Done {
    let Some((signal, services)) = words.positional.split_first() else {
        return Err(Wrong::Said("the required argument `<SIGNAL>` was not provided".to_owned()));
    };
    if signal.to_uppercase() != *signal {
        return Err(Wrong::Said("signal name must be uppercase, for example HUP".to_owned()));
    }
    let signal = if signal.starts_with("SIG") { signal.clone() } else { format!("SIG{signal}") };
    client.post("/v1/signals", &json!({"signal": signal, "services": services}))?;
    Ok(())
}

fn add(client: &Client, words: &Words) -> Done {
    let [label, path] = words.positional.as_slice() else {
        return Err(Wrong::Said(
            "the required arguments `<label>` and `<layer-path>` were not provided".to_owned(),
        ));
    };
    let layer = fs_err::read_to_string(path).map_err(|error| Wrong::Said(error.to_string()))?;
    let body = json!({
        "action": "add", "combine": words.is_set("combine"), "inner": words.is_set("inner"), "label": label,
        "format": "yaml", "layer": layer,
    });
    client.post("/v1/layers", &body)?;
    say(&format!("Layer {label:?} added successfully from {path:?}\n"));
    Ok(())
}

fn changes(client: &Client, words: &Words) -> Done {
    let found = client.find("/v1/changes", &[("select", "all")])?.result;
    let rows = list(&found);
    if rows.is_empty() {
        complain("no changes found");
        return Ok(());
    }
    let is_absolute = words.is_set("abs-time");
    let mut table = vec![cells(["ID", "Status", "Spawn", "Ready", "Summary"])];
    for change in rows {
        let ready = change["ready-time"].as_str().map_or_else(|| "-".to_owned(), |at| time(at, is_absolute));
        table.push(vec![
            text(change, "id"),
            text(change, "status"),
            time(&text(change, "spawn-time"), is_absolute),
            ready,
            text(change, "summary"),
        ]);
    }
    say(&(layout(&table) + "\n"));
    Ok(())
}

fn list(value: &Value) -> Vec<&Value> {
    value.as_array().map(|list| list.iter().collect()).unwrap_or_default()
}

fn text(value: &Value, key: &str) -> String {
    value[key].as_str().unwrap_or_default().to_owned()
}

fn cells<const N: usize>(words: [&str; N]) -> Vec<String> {
    words.map(str::to_owned).to_vec()
}

/// Writes a time for people, as Pebble does: `today at 15:04 UTC`.
fn time(text: &str, is_absolute: bool) -> String {
    human(text, is_absolute, Timestamp::now())
}

fn human(text: &str, is_absolute: bool, now: Timestamp) -> String {
    const DAYS_MAX: i32 = 60;
    let Ok(time) = text.parse::<Timestamp>() else { return text.to_owned() };
    let (time, now) = (time.to_zoned(TimeZone::UTC), now.to_zoned(TimeZone::UTC));
    if is_absolute {
        return time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    }
    let days = time.date().until(now.date()).map_or(0, |span| span.get_days());
    let clock = time.strftime("%H:%M UTC");
    match days {
        0 => format!("today at {clock}"),
        1 => format!("yesterday at {clock}"),
        2..DAYS_MAX => format!("{days} days ago, at {clock}"),
        _ => time.strftime("%Y-%m-%d").to_string(),
    }
}

/// Aligns the columns of a table as Go's `tabwriter` does.
fn layout(table: &[Vec<String>]) -> String {
    const GAP: usize = 2;
    const WIDTH_MIN: usize = 5;
    let count = table.iter().map(Vec::len).max().unwrap_or_default();
    let width = |column: usize| {
        let lengths = table.iter().filter_map(|row| Some(row.get(column)?.chars().count() + GAP));
        lengths.max().unwrap_or_default().max(WIDTH_MIN)
    };
    let widths: Vec<usize> = (0..count).map(width).collect();
    let line = |row: &Vec<String>| {
        let last = row.len().saturating_sub(1);
        let cells = row.iter().zip(&widths).enumerate().map(|(place, (cell, width))| {
            if place == last { cell.clone() } else { format!("{cell:width$}") }
        });
        cells.collect::<String>() + "\n"
    };
    table.iter().map(line).collect()
}

/// Writes who something is to be of, or who is to run it. That numbers are numbers was seen when the words
/// were read.
fn as_asked(words: &Words, body: &mut Value) {
    for (option, key) in [("uid", "user-id"), ("gid", "group-id")] {
        if let Some(number) = words.value(option).and_then(|text| text.parse::<i64>().ok()) {
            body[key] = number.into();
        }
    }
    for option in ["user", "group"] {
        if let Some(name) = words.value(option) {
            body[option] = name.into();
        }
    }
}

/// Prints something. Whoever stopped listening is told nothing: `false`.
fn say(text: &str) -> bool {
    let mut stdout = std::io::stdout();
    stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()).is_ok()
}

#[expect(clippy::print_stderr, reason = "it is a program of its own in a container")]
fn complain(message: &str) {
    eprintln!("{message}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_for_people() {
        let now: Timestamp = "2026-03-10T12:00:00Z".parse().unwrap();
        let check = |time: &str, expected: &str| assert_eq!(human(time, false, now), expected);
        check("2026-03-10T09:05:06.123Z", "today at 09:05 UTC");
        check("2026-03-09T23:59:00Z", "yesterday at 23:59 UTC");
        check("2026-03-01T00:00:00+02:00", "10 days ago, at 22:00 UTC");
        check("2025-11-01T00:00:00Z", "2025-11-01");
        check("never", "never");
        assert_eq!(human("2026-03-10T09:05:06.123Z", true, now), "2026-03-10T09:05:06Z");
    }

    #[test]
    fn columns_are_aligned() {
        let table = [cells(["ID", "Key"]), cells(["1", "example.com/a"]), cells(["1234567", "b"])];
        assert_eq!(layout(&table), "ID       Key\n1        example.com/a\n1234567  b\n");
    }
}
