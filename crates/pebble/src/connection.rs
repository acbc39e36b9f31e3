//! One connection: request after request, until one of both ends it.

use std::sync::Arc;

use crate::exec::socket::Kind;
use crate::exec::{self, NotConnected};
use crate::http::Stream;
use crate::http::body::{Body, Incoming, NoHead};
use crate::http::head::{Head, Length};
use crate::http::reply::Reply;
use crate::plan::quoted;
use crate::shared::Shared;

/// What answers requests.
pub(crate) type Handler = fn(&mut Request<'_>) -> Answered;

/// A request, with its body still to be read.
pub(crate) struct Request<'a> {
    pub(crate) shared: &'a Arc<Shared>,
    pub(crate) head: &'a Head,
    pub(crate) body: Body<'a, Stream>,
    /// Whether the connection stays open behind the answer.
    pub(crate) keeps_alive: bool,
}

/// How a request was answered.
pub(crate) enum Answered {
    /// With this, once the rest of the body is read.
    Reply(Reply),
    /// By itself; the connection goes on if this is so.
    Written(bool),
}

/// Serves a connection.
pub(crate) fn serve(shared: &Arc<Shared>, stream: Stream, handler: Handler) {
    let mut incoming = Incoming::new(stream);
    loop {
        let limits = shared.limits;
        let head = match incoming.head(limits.head_bytes, limits.head_timeout) {
            Ok(head) => head,
            Err(NoHead::Gone) => return,
            Err(error) => {
                let reply = match error {
                    NoHead::TooLong => Reply::error(431, "request header fields too large"),
                    NoHead::TooSlow | NoHead::Gone => Reply::error(408, "request took too long"),
                    NoHead::Bad(error) => Reply::error(400, &error.to_string()),
                };
                // Whoever sends such things need not hear of it.
                let _ = reply.write(incoming.stream(), false);
                return;
            }
        };
        let keeps_alive = head.keeps_alive();
        let is_unix = matches!(incoming.stream(), Stream::Unix(_));
        if is_unix && let Some((task, kind)) = websocket_path(&head) {
            shared.lock().records.requests += 1;
            upgrade(shared, &head, &task, &kind, incoming);
            return;
        }
        if head.header_has("expect", "100-continue") {
            let _ = std::io::Write::write_all(incoming.stream(), b"HTTP/1.1 100 Continue\r\n\r\n");
        }
        // A head whose body has no length was refused when it was read.
        let length = head.length().unwrap_or(Length::Bytes(0));
        let body = Body::new(&mut incoming, length, limits.json_bytes);
        let mut request = Request { shared, head: &head, body, keeps_alive };
        let goes_on = match handler(&mut request) {
            Answered::Reply(reply) => {
                // What is left is read, so that the client comes to read the answer. What is longer than it
                // may be is cut off with the connection.
                let is_over = request.body.drain();
                reply.write(incoming.stream(), keeps_alive && is_over).is_ok() && keeps_alive && is_over
            }
            Answered::Written(goes_on) => goes_on,
        };
        if !goes_on {
            return;
        }
    }
}

/// Returns task and name of a websocket, if the path is that of one.
fn websocket_path(head: &Head) -> Option<(String, String)> {
    let rest = head.path.strip_prefix("/v1/tasks/")?;
    let (task, kind) = rest.split_once("/websocket/")?;
    (head.method == "GET" && !task.contains('/') && !kind.contains('/'))
        .then(|| (task.to_owned(), kind.to_owned()))
}

/// Makes a websocket of a connection, if there is a command for it.
fn upgrade(shared: &Arc<Shared>, head: &Head, task: &str, kind: &str, mut incoming: Incoming<Stream>) {
    let key = head.header("sec-websocket-key").unwrap_or_default();
    let is_upgrade = head.header_has("upgrade", "websocket") && head.header_has("connection", "upgrade");
    let connected = if !is_upgrade || key.is_empty() || head.header("sec-websocket-version") != Some("13") {
        Err(Reply::error(400, "websocket: the client is not using the websocket protocol"))
    } else {
        connect(shared, task, kind, incoming.stream())
    };
    let (number, kind, has_all) = match connected {
        Ok(connected) => connected,
        Err(reply) => {
            let _ = reply.write(incoming.stream(), false);
            return;
        }
    };
    let accept = tungstenite::handshake::derive_accept_key(key.as_bytes());
    let answer = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n\r\n"
    );
    // A client that has gone is met again when its websocket is read.
    let _ = std::io::Write::write_all(incoming.stream(), answer.as_bytes());
    if has_all {
        exec::run(shared, number);
    }
    let (stream, rest) = incoming.into_parts();
    exec::socket::serve(shared, number, kind, stream, rest);
}

fn connect(
    shared: &Arc<Shared>,
    task: &str,
    kind: &str,
    stream: &Stream,
) -> Result<(u64, Kind, bool), Reply> {
    let no_task = || Reply::error(404, &format!("cannot find task {}", quoted(task)));
    let no_socket = || Reply::error(404, &format!("cannot find {kind} websocket for task {}", quoted(task)));
    let number: u64 = task.parse().map_err(|_| no_task())?;
    let copy = stream.try_clone().map_err(|error| Reply::error(500, &error.to_string()))?;
    // An unknown name is told apart from an unknown task.
    let known = kind.parse::<Kind>();
    let connected = shared.step(|core| match known {
        Ok(kind) => core.connect(number, kind, copy).map(|has_all| (kind, has_all)),
        Err(_) if core.changes.task(number).is_none() => Err(NotConnected::NoTask),
        Err(_) => Err(NotConnected::NoSocket),
    });
    match connected {
        Ok((kind, has_all)) => Ok((number, kind, has_all)),
        Err(NotConnected::NoTask) => Err(no_task()),
        Err(NotConnected::NoSocket) => Err(no_socket()),
        Err(NotConnected::WrongTask(work)) => {
            Err(Reply::error(400, &format!("{} tasks do not have websockets", quoted(work))))
        }
        Err(NotConnected::Already) => Err(Reply::error(500, &format!("{kind} websocket already connected"))),
    }
}
