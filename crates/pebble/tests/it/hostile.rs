//! Clients that want no good, or know no better.

use std::io::Write as _;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::client::{Pebble, read};

/// A server whose patience is short.
fn impatient() -> Pebble {
    Pebble::start(|options| {
        options.limits.head_timeout = Duration::from_millis(300);
        options.limits.stall_timeout = Duration::from_millis(300);
        options.limits.json_bytes = 1000;
        options.limits.upload_bytes = 100_000;
        options.limits.connections = 8;
    })
}

#[test]
fn heads_that_are_none_are_refused() {
    let pebble = impatient();
    let check = |bytes: &[u8], expected: &str| {
        assert_eq!(
            pebble.raw(bytes).message(),
            expected,
            "{}",
            String::from_utf8_lossy(&bytes[..bytes.len().min(60)])
        );
    };
    check(b"\x16\x03\x01\x02\x00\x01\x00", "400 malformed HTTP request");
    check(b"GET / HTTP/1.1\r\nA b\r\n\r\n", "400 malformed HTTP request");
    check(
        &[b"GET / HTTP/1.1\r\n".to_vec(), b"A: b\r\n".repeat(200), b"\r\n".to_vec()].concat(),
        "400 too many headers",
    );
    check(
        &[b"GET / HTTP/1.1\r\nA: ".to_vec(), vec![b'a'; 70_000]].concat(),
        "431 request header fields too large",
    );
    check(&[b"GET /".to_vec(), vec![b'a'; 70_000]].concat(), "431 request header fields too large");
    check(
        b"POST /v1/exec HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
        "400 conflicting lengths of the body",
    );
    check(b"DELETE /v1/plan HTTP/1.1\r\nConnection: close\r\n\r\n", "405 method \"DELETE\" not allowed");
    // The server is none the worse for it.
    assert_eq!(pebble.get("/v1/system-info").status, 200);
}

#[test]
fn bodies_are_bounded() {
    let pebble = impatient();
    let big = json!({"action": "add", "label": "x".repeat(2000)});
    assert_eq!(pebble.post("/v1/layers", &big).message(), "413 request body too large");
    let reply =
        pebble.raw(b"POST /v1/layers HTTP/1.1\r\nContent-Length: 99999999999\r\nConnection: close\r\n\r\n{");
    assert_eq!(reply.status, 400, "{}", reply.head);
    assert_eq!(pebble.post("/v1/layers", &json!([])).status, 400);
    let reply = pebble.raw(b"POST /v1/layers HTTP/1.1\r\nConnection: close\r\n\r\n");
    assert_eq!(reply.message(), "400 cannot decode request body: EOF");
    let deep = "[".repeat(900);
    let reply = pebble.raw(
        format!("POST /v1/layers HTTP/1.1\r\nContent-Length: 900\r\nConnection: close\r\n\r\n{deep}")
            .as_bytes(),
    );
    assert_eq!(reply.status, 400);
    // An upload without an end is cut off, and leaves nothing behind.
    let error = Pebble::file_error_or_status(&pebble.push(&json!({"path": "/big"}), &vec![0; 1_000_000]));
    assert!(error.contains("request body too large"), "{error}");
    assert_eq!(fs_err::read_dir(pebble.root()).unwrap().count(), 0);
}

#[test]
fn multipart_that_is_none_is_refused() {
    let pebble = impatient();
    let check = |kind: &str, body: &str, expected: &str| {
        let length = body.len();
        let request = format!(
            "POST /v1/files HTTP/1.1\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
        );
        assert_eq!(pebble.raw(request.as_bytes()).message(), expected, "{kind}\n{body}");
    };
    let boundary = "b".repeat(32);
    let kind = format!("multipart/form-data; boundary={boundary}");
    let part = |name: &str, content: &str| {
        format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"/x\"\r\n\r\n{content}\r\n"
        )
    };
    let end = format!("--{boundary}--\r\n");
    check("text/plain", "", "400 invalid media type \"text/plain\"");
    check("", "", "400 invalid Content-Type \"\"");
    check("multipart/form-data; boundary=short", "", "400 invalid boundary \"short\"");
    check(&kind, "", "400 cannot read request metadata: unexpected end of file");
    check(&kind, &end, "400 cannot read request metadata: EOF");
    check(&kind, &part("files", "{}"), "400 metadata field name must be \"request\", got \"files\"");
    check(
        &kind,
        &(part("request", r#"{"action":"read"}"#) + &end),
        "400 multipart action must be \"write\", got \"read\"",
    );
    check(&kind, &(part("request", r#"{"action":"write"}"#) + &end), "400 must specify one or more files");
    let write = part("request", r#"{"action":"write","files":[{"path":"/y"}]}"#);
    check(&kind, &(write.clone() + &part("files", "x") + &end), "400 no metadata for path \"/x\"");
    check(
        &kind,
        &(write.clone() + &part("other", "x") + &end),
        "400 field name must be \"files\", got \"other\"",
    );
    let request = write + &end;
    let length = request.len();
    let reply = pebble.raw(format!("POST /v1/files HTTP/1.1\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{request}").as_bytes());
    assert_eq!(Pebble::file_error(&reply), "generic-file-error: no file content for path \"/y\"");
}

#[test]
fn whoever_is_slow_is_not_waited_for() {
    let pebble = impatient();
    let started = Instant::now();
    let mut slow = pebble.connect();
    for _ in 0..20 {
        if slow.write_all(b"G").is_err() {
            break;
        }
        std::thread::park_timeout(Duration::from_millis(50));
    }
    assert!(matches!(read(&mut slow).status, 400 | 408));
    let mut silent = pebble.connect();
    silent.write_all(b"POST /v1/layers HTTP/1.1\r\nContent-Length: 10\r\n\r\n{").unwrap();
    assert_eq!(read(&mut silent).status, 400);
    assert!(started.elapsed() < Duration::from_secs(10));
}

#[test]
fn thousands_of_connections_use_a_few_threads() {
    let pebble = impatient();
    let silent: Vec<_> = (0..100).map(|_| pebble.connect()).collect();
    let threads = || {
        let tasks = fs_err::read_dir("/proc/self/task").unwrap();
        tasks
            .filter(|task| {
                let name = fs_err::read_to_string(task.as_ref().unwrap().path().join("comm"));
                name.is_ok_and(|name| name.trim() == "pebble")
            })
            .count()
    };
    assert_eq!(pebble.get("/v1/system-info").status, 200);
    // Other tests of this process have threads too, if they run beside this one: those of eight servers.
    assert!(threads() <= 8 * 40, "{}", threads());
    drop(silent);
    for _ in 0..2000 {
        drop(pebble.connect());
    }
    assert_eq!(pebble.get("/v1/system-info").status, 200);
}

#[test]
fn requests_follow_each_other_on_a_connection() {
    let pebble = Pebble::simulated();
    let twice = "GET /v1/system-info HTTP/1.1\r\nHost: x\r\n\r\nPOST /v1/services HTTP/1.1\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}";
    let reply = pebble.raw(twice.as_bytes());
    let text = reply.head + &String::from_utf8(reply.body).unwrap();
    assert_eq!(text.matches("HTTP/1.1 ").count(), 2);
    assert!(text.contains("must specify services for  action"), "{text}");
}

#[test]
fn over_tcp_little_is_told() {
    use std::io::Read as _;
    let pebble = Pebble::start(|options| options.http = Some("127.0.0.1:0".into()));
    let ask = |path: &str| {
        let mut stream = std::net::TcpStream::connect(pebble.server.http_address().unwrap()).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nConnection: close\r\n\r\n").unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        text.split(' ').nth(1).unwrap().to_owned()
    };
    assert_eq!(ask("/v1/health"), "200");
    assert_eq!(ask("/v1/system-info"), "200");
    assert_eq!(ask("/v1/plan?format=yaml"), "401");
    assert_eq!(ask("/v1/files?action=list&path=/"), "401");
}
