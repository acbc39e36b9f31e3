//! The arguments of the tools for secrets.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD as STANDARD;
use charmproof_lifecycle::vocabulary::Name;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::call::{Call, OwnerKind, SecretDetails, SecretMode};
use super::failure::{Attempt, Failure, quoted};
use super::flags::Arguments;
use super::view::{View, yaml_settings};
use crate::state::{Rotation, SecretId, application_of, is_application_name, is_unit_name};

/// The most that the values of a secret may hold together.
const CONTENT_BYTES_MAX: usize = 1024 * 1024;

/// Reads the arguments of `secret-add`.
pub(super) fn parse_add(arguments: &Arguments, view: View<'_>) -> Attempt<Call> {
    if arguments.positional.is_empty() && arguments.text("file").is_none() {
        return Err(Failure::usage("missing secret value or filename"));
    }
    let (owner, details) = parse_details(arguments, view)?;
    let content = parse_content(&arguments.positional, arguments, view)?;
    Ok(Call::SecretAdd { owner, content, details })
}

/// Reads the arguments of `secret-set`. Juju takes `--owner` and makes nothing of it.
pub(super) fn parse_set(mut arguments: Arguments, view: View<'_>) -> Attempt<Call> {
    let id = needed_id(&mut arguments)?;
    let (_, details) = parse_details(&arguments, view)?;
    let content = parse_content(&arguments.positional, &arguments, view)?;
    Ok(Call::SecretSet { id, content, details })
}

/// Reads the arguments of `secret-get`.
pub(super) fn parse_get(mut arguments: Arguments) -> Attempt<Call> {
    let (id, label) = (optional_id(&mut arguments)?, arguments.text("label"));
    if id.is_none() && label.is_none() {
        return Err(Failure::usage("require either a secret URI or label"));
    }
    let mode = match (arguments.is_on("peek"), arguments.is_on("refresh")) {
        (true, true) => return Err(Failure::usage("specify one of --peek or --refresh but not both")),
        (true, false) => SecretMode::Peek,
        (false, true) => SecretMode::Refresh,
        (false, false) => SecretMode::Tracked,
    };
    let key = arguments.next().filter(|key| !key.is_empty());
    arguments.end()?;
    Ok(Call::SecretGet { id, label, key, mode })
}

/// Reads the arguments of `secret-info-get`.
pub(super) fn parse_info_get(mut arguments: Arguments) -> Attempt<Call> {
    let (id, label) = (optional_id(&mut arguments)?, arguments.text("label"));
    match (&id, &label) {
        (None, None) => return Err(Failure::usage("require either a secret URI or label")),
        (Some(_), Some(_)) => {
            return Err(Failure::usage("specify either a secret URI or label but not both"));
        }
        (Some(_), None) | (None, Some(_)) => {}
    }
    arguments.end()?;
    Ok(Call::SecretInfoGet { id, label })
}

/// Reads the arguments of `secret-grant`.
pub(super) fn parse_grant(mut arguments: Arguments, view: View<'_>) -> Attempt<Call> {
    let id = needed_id(&mut arguments)?;
    let relation = view.needed_relation(&arguments)?;
    let application = remote_application(view, relation);
    let to = match arguments.text("unit") {
        None => application,
        Some(unit) => {
            check_unit(&unit)?;
            if application_of(&unit) != application {
                return Err(Failure::usage(format!(
                    "cannot specify unit {} in relation to application {}",
                    quoted(&unit),
                    quoted(&application)
                )));
            }
            unit.into()
        }
    };
    arguments.end()?;
    Ok(Call::SecretGrant { id, relation, to })
}

/// Reads the arguments of `secret-revoke`.
pub(super) fn parse_revoke(mut arguments: Arguments, view: View<'_>) -> Attempt<Call> {
    let id = needed_id(&mut arguments)?;
    let (application, unit) = (arguments.text("app"), arguments.text("unit"));
    if let Some(application) = application.as_ref().filter(|name| !is_application_name(name)) {
        return Err(Failure::usage(format!("application {} not valid", quoted(application))));
    }
    if let Some(unit) = &unit {
        check_unit(unit)?;
    }
    if application.is_some() && unit.is_some() {
        return Err(Failure::usage("specify only one of application or unit"));
    }
    let relation = view.relation(&arguments)?;
    if relation.is_some() && application.is_some() {
        return Err(Failure::usage("do not specify both relation and app"));
    }
    let from = unit
        .or(application)
        .map(Name::from)
        .or_else(|| relation.map(|relation| remote_application(view, relation)))
        .ok_or_else(|| Failure::usage("missing relation or application or unit"))?;
    arguments.end()?;
    Ok(Call::SecretRevoke { id, from })
}

/// Reads the arguments of `secret-remove`.
pub(super) fn parse_remove(mut arguments: Arguments) -> Attempt<Call> {
    let revision = arguments.read("revision", |text| {
        text.parse::<u32>().map_err(|_| format!("strconv.ParseInt: parsing {}: invalid syntax", quoted(text)))
    })?;
    let id = needed_id(&mut arguments)?;
    arguments.end()?;
    Ok(Call::SecretRemove { id, revision: revision.filter(|revision| *revision > 0) })
}

fn remote_application(view: View<'_>, relation: u32) -> Name {
    view.state
        .relations
        .get(&relation)
        .and_then(|relation| relation.remote_application(&view.context.application))
        .cloned()
        .unwrap_or_default()
}

fn check_unit(unit: &str) -> Attempt<()> {
    if is_unit_name(unit) {
        return Ok(());
    }
    Err(Failure::usage(format!("unit {} not valid", quoted(unit))))
}

fn optional_id(arguments: &mut Arguments) -> Attempt<Option<SecretId>> {
    let Some(text) = arguments.next() else { return Ok(None) };
    let invalid = || Failure::usage(format!("secret URI {} not valid", quoted(&text)));
    SecretId::parse(&text).map(Some).ok_or_else(invalid)
}

fn needed_id(arguments: &mut Arguments) -> Attempt<SecretId> {
    optional_id(arguments)?.ok_or_else(|| Failure::usage("missing secret URI"))
}

fn parse_details(arguments: &Arguments, view: View<'_>) -> Attempt<(OwnerKind, SecretDetails)> {
    let expire = match arguments.text("expire") {
        Some(text) => Some(parse_expire(&text, view.state.now)?),
        None => None,
    };
    let rotation = match arguments.text("rotate") {
        Some(text) => Some(
            text.parse::<Rotation>()
                .map_err(|_| Failure::usage(format!("rotate policy {} not valid", quoted(&text))))?,
        ),
        None => None,
    };
    let owner = match arguments.value("owner").unwrap_or("application") {
        "application" => OwnerKind::Application,
        "unit" => OwnerKind::Unit,
        other => return Err(Failure::usage(format!("secret owner {} not valid", quoted(other)))),
    };
    let (label, description) = (arguments.text("label"), arguments.text("description"));
    Ok((owner, SecretDetails { label, description, expire, rotation }))
}

/// Reads a time, with or without a zone, or a duration from now on.
fn parse_expire(text: &str, now: Timestamp) -> Attempt<Timestamp> {
    if let Ok(time) = text.parse::<Timestamp>() {
        return Ok(time);
    }
    let without_zone = text.parse::<DateTime>().ok().filter(|_| text.contains('T'));
    if let Some(time) = without_zone.and_then(|time| TimeZone::UTC.to_timestamp(time).ok()) {
        return Ok(time);
    }
    let duration = parse_duration(text)
        .ok_or_else(|| Failure::usage(format!("expire time or duration {} not valid", quoted(text))))?;
    let time = now.checked_add(duration).ok().filter(|_| duration.is_positive());
    time.ok_or_else(|| Failure::usage(format!("negative expire duration {} not valid", quoted(text))))
}

/// Reads a duration as Go writes it: `24h`, `1h30m`, `1.5s`.
fn parse_duration(text: &str) -> Option<SignedDuration> {
    let (is_negative, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest == "0" {
        return Some(SignedDuration::ZERO);
    }
    let mut seconds = 0.0;
    while !rest.is_empty() {
        let end = rest.find(|character: char| !character.is_ascii_digit() && character != '.')?;
        let number: f64 = rest[..end].parse().ok()?;
        rest = &rest[end..];
        let units =
            [("ms", 1e-3), ("us", 1e-6), ("µs", 1e-6), ("ns", 1e-9), ("h", 3600.0), ("m", 60.0), ("s", 1.0)];
        let (unit, factor) = units.into_iter().find(|(unit, _)| rest.starts_with(unit))?;
        seconds += number * factor;
        rest = &rest[unit.len()..];
    }
    let is_empty = text.trim_start_matches(['-', '+']).is_empty();
    let signed = if is_negative { -seconds } else { seconds };
    SignedDuration::try_from_secs_f64(signed).ok().filter(|_| !is_empty)
}

/// Reads `KEY=VALUE`, `KEY#base64=VALUE` and `KEY#file=PATH`, over what the file of `--file`
/// holds.
fn parse_content(
    positional: &[String],
    arguments: &Arguments,
    view: View<'_>,
) -> Attempt<BTreeMap<String, String>> {
    let mut content = BTreeMap::new();
    if let Some(path) = arguments.text("file") {
        for (key, value) in yaml_settings(view.file(&path)?)? {
            insert(&mut content, &key, value, view)?;
        }
    }
    for argument in positional {
        let (key, value) = argument
            .split_once('=')
            .ok_or_else(|| Failure::usage(format!("key value {} not valid", quoted(argument))))?;
        insert(&mut content, key, value.to_owned(), view)?;
    }
    let size: usize = content.values().map(String::len).sum();
    if size > CONTENT_BYTES_MAX {
        return Err(Failure::usage(format!("secret content too large: {size} bytes")));
    }
    Ok(content)
}

fn insert(content: &mut BTreeMap<String, String>, key: &str, value: String, view: View<'_>) -> Attempt<()> {
    let (name, value) = if let Some(name) = key.strip_suffix("#file") {
        let file = view.file(&value).map_err(|failure| Failure { code: 2, ..failure })?;
        (name, String::from_utf8_lossy(file).into_owned())
    } else if let Some(name) = key.strip_suffix("#base64") {
        let decoded = STANDARD
            .decode(&value)
            .map_err(|_| Failure::usage(format!("illegal base64 data in the value of {}", quoted(name))))?;
        (name, String::from_utf8_lossy(&decoded).into_owned())
    } else {
        (key, value)
    };
    if !is_key(name) {
        return Err(Failure::usage(format!("key {} not valid", quoted(name))));
    }
    content.insert(name.to_owned(), value);
    Ok(())
}

/// Whether a key of a secret may be so: three letters and digits or more, single dashes in
/// between, the first a letter.
fn is_key(key: &str) -> bool {
    key.starts_with(|character: char| character.is_ascii_lowercase())
        && key.split('-').all(|word| {
            !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
        })
        && key.bytes().filter(|byte| *byte != b'-').count() >= 3
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn expiry_is_a_time_or_a_duration() {
        let now: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        let check = |text: &str, expected: &str| {
            assert_eq!(parse_expire(text, now).unwrap().to_string(), expected, "{text}");
        };
        check("2026-02-03T04:05:06Z", "2026-02-03T04:05:06Z");
        check("2026-02-03T04:05:06+00:00", "2026-02-03T04:05:06Z");
        check("2026-02-03T04:05:06.5+02:00", "2026-02-03T02:05:06.5Z");
        check("2026-02-03T04:05:06", "2026-02-03T04:05:06Z");
        check("24h", "2026-01-02T00:00:00Z");
        check("1h30m", "2026-01-01T01:30:00Z");
        let check_error = |text: &str, expected: &str| {
            assert_eq!(parse_expire(text, now), Err(Failure::usage(expected)), "{text}");
        };
        check_error("soon", "expire time or duration \"soon\" not valid");
        check_error("-1h", "negative expire duration \"-1h\" not valid");
        check_error("2026-02-03", "expire time or duration \"2026-02-03\" not valid");
    }

    #[test]
    fn keys_of_secrets_have_three_characters_or_more() {
        let check = |key: &str, expected: bool| assert_eq!(is_key(key), expected, "{key}");
        check("password", true);
        check("a-b1", true);
        check("key", true);
        check("ab", false);
        check("a--bc", false);
        check("Password", false);
        check("1abc", false);
        check("abc-", false);
    }

    proptest! {
        #[test]
        fn any_text_is_an_expiry_or_is_not(text in ".{0,24}") {
            let _ = parse_expire(&text, Timestamp::UNIX_EPOCH);
        }
    }
}
