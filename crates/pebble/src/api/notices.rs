//! Notices: listed, waited for, left.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Result, bad_request, json_body, optional_duration};
use crate::connection::Request;
use crate::core::Core;
use crate::http::reply::Reply;
use crate::notices::{NoticeFilter, NoticeKind, Occurrence, is_custom_key};
use crate::plan::quoted;
use crate::shared::Waited;

/// Bytes of a key.
const KEY_BYTES: usize = 256;
/// Bytes of the data of a notice.
const DATA_BYTES: usize = 4 * 1024;

/// Who asks. On paper everybody is root, so that it does not matter who runs a charm.
fn user(request: &mut Request<'_>) -> Option<u32> {
    if request.shared.lock().is_simulated() { Some(0) } else { request.body.stream().peer_user() }
}

pub(super) fn list(request: &mut Request<'_>) -> Result {
    let mut user = user(request);
    let ids = request.head.query_list("user-id");
    let all = request.head.query("users");
    if !request.head.query_all("user-id").is_empty() {
        let refuse = |why: String| bad_request(format!("invalid \"user-id\" filter: {why}"));
        let [id] = &ids[..] else { return Err(refuse("must only include one \"user-id\"".into())) };
        let number: i64 = id
            .parse()
            .map_err(|_| refuse(format!("strconv.ParseInt: parsing {}: invalid syntax", quoted(id))))?;
        let number =
            u32::try_from(number).map_err(|_| refuse(format!("user ID is not a valid uint32: {number}")))?;
        if !all.is_empty() {
            return Err(bad_request("cannot use both \"users\" and \"user-id\" parameters"));
        }
        user = Some(number);
    }
    match all {
        "" => {}
        "all" => user = None,
        _ => return Err(bad_request("invalid \"users\" filter: must be \"all\"")),
    }
    let kinds = request.head.query_list("types");
    // Kinds that a newer client knows are passed over, unless there are no others.
    let known: Vec<NoticeKind> = kinds.iter().filter_map(|kind| kind.parse().ok()).collect();
    if known.is_empty() && !kinds.is_empty() {
        return Ok(Reply::sync(&json!([])));
    }
    let after = request.head.query("after");
    let after: Option<Timestamp> = if after.is_empty() {
        None
    } else {
        let parsed = after.parse();
        Some(parsed.map_err(|error| bad_request(format!("invalid \"after\" timestamp: {error}")))?)
    };
    let filter = NoticeFilter { user, kinds: known, keys: request.head.query_list("keys"), after };
    let found = |core: &Core| -> Vec<Value> {
        core.notices.list(core.now(), &filter).into_iter().map(crate::notices::Notice::to_json).collect()
    };
    if let Some(timeout) = optional_duration(request.head.query("timeout"), "timeout")? {
        match request.shared.wait(Some(timeout), |core| !found(core).is_empty()) {
            Waited::Happened | Waited::TimedOut => {}
            Waited::Closed => return Err(bad_request("request canceled")),
        }
    }
    Ok(Reply::sync(&Value::Array(found(&request.shared.lock()))))
}

pub(super) fn get(request: &Request<'_>, id: &str) -> Result {
    let core = request.shared.lock();
    let notice = core.notices.get(id);
    notice
        .map(|notice| Reply::sync(&notice.to_json()))
        .ok_or_else(|| Reply::error(404, &format!("cannot find notice with ID {}", quoted(id))))
}

pub(super) fn post(request: &mut Request<'_>) -> Result {
    #[derive(Deserialize)]
    #[serde(rename_all = "kebab-case")]
    struct Payload {
        #[serde(default)]
        action: String,
        #[serde(default, rename = "type")]
        kind: String,
        #[serde(default)]
        key: String,
        repeat_after: Option<String>,
        data: Option<Value>,
    }
    let user = user(request);
    let payload: Payload = json_body(request, "request body")?;
    if payload.action != "add" {
        return Err(bad_request(format!("invalid action {}", quoted(&payload.action))));
    }
    if payload.kind != "custom" {
        let kind = quoted(&payload.kind);
        return Err(bad_request(format!("invalid type {kind} (can only add \"custom\" notices)")));
    }
    if !is_custom_key(&payload.key) {
        let key = quoted(&payload.key);
        return Err(bad_request(format!("invalid key {key} (must be in \"example.com/path\" format)")));
    }
    if payload.key.len() > KEY_BYTES {
        return Err(bad_request(format!("key must be {KEY_BYTES} bytes or less")));
    }
    let repeat_after =
        optional_duration(payload.repeat_after.as_deref().unwrap_or_default(), "repeat-after")?;
    let data = payload.data.unwrap_or_default();
    if data.to_string().len() > DATA_BYTES {
        return Err(bad_request(format!("total size of data must be {DATA_BYTES} bytes or less")));
    }
    let data: Option<BTreeMap<String, String>> = serde_json::from_value(data)
        .map_err(|error| bad_request(format!("cannot decode notice data: {error}")))?;
    let id = request.shared.step(|core| {
        let now = core.now();
        let occurrence = Occurrence {
            user,
            kind: NoticeKind::Custom,
            key: payload.key,
            data: data.unwrap_or_default(),
            repeat_after: repeat_after.unwrap_or_default(),
        };
        core.notices.add(now, occurrence)
    });
    Ok(Reply::sync(&json!({"id": id.to_string()})))
}
