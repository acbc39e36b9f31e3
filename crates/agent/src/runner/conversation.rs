//! One connection of a unit's process to a server that the agent plays: a request, and its answer.

use std::fmt;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustls::ServerConnection;
use rustls::server::Acceptor;

use super::authority;
use crate::standins::web::{Door, Scheme, WebReply, WebRequest};

/// The most that a request may hold.
const REQUEST_BYTES_MAX: usize = 16 << 20;
/// How many headers a request may have.
const HEADERS_MAX: usize = 100;
/// How long a client may take to read an answer.
const WRITE_TIMEOUT: Duration = Duration::from_secs(5);
/// The first byte of a connection that is going to speak TLS.
const HANDSHAKE: u8 = 0x16;

/// How far a connection is.
pub(super) enum Progress {
    /// More has to come.
    Waits,
    /// The client is gone, or says what makes no sense.
    Ended,
    /// The request is there.
    Asked(WebRequest),
}

/// A connection.
pub(super) struct Conversation {
    door: Door,
    wire: Wire,
    layer: Layer,
    /// What the client has said, in the clear.
    heard: Vec<u8>,
    has_encouraged: bool,
}

impl fmt::Debug for Conversation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Conversation").field("door", &self.door).finish_non_exhaustive()
    }
}

/// What lies between the wire and the text.
enum Layer {
    /// Nothing was heard yet.
    Unknown,
    /// Nothing.
    Plain,
    /// TLS, of which the client's hello is not all there.
    Beginning(Box<Acceptor>),
    /// TLS.
    Secure(Box<ServerConnection>),
}

impl Conversation {
    pub(super) fn new(door: Door, socket: OwnedFd) -> Self {
        Self { door, wire: Wire(socket), layer: Layer::Unknown, heard: Vec::new(), has_encouraged: false }
    }

    /// Hears what has come.
    pub(super) fn go_on(&mut self) -> Progress {
        let mut bytes = [0; 16 * 1024];
        let at_end = loop {
            match self.wire.read(&mut bytes) {
                Ok(0) => break Progress::Ended,
                Ok(count) => {
                    if self.hear(&bytes[..count]).is_err() || self.heard.len() > REQUEST_BYTES_MAX {
                        return Progress::Ended;
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break Progress::Waits,
                Err(_) => return Progress::Ended,
            }
        };
        // Not after each piece of it, as all that was heard is read again each time.
        match self.request() {
            Ok(Some(request)) => Progress::Asked(request),
            Ok(None) => at_end,
            Err(_) => Progress::Ended,
        }
    }

    fn hear(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        if let Layer::Unknown = self.layer {
            let is_port = matches!(self.door, Door::Port(..));
            self.layer = match bytes.first() {
                Some(&HANDSHAKE) if is_port => Layer::Beginning(Box::default()),
                Some(_) | None => Layer::Plain,
            };
        }
        if let Layer::Beginning(acceptor) = &mut self.layer {
            let mut accepted = None;
            while accepted.is_none() && !bytes.is_empty() {
                acceptor.read_tls(&mut bytes)?;
                accepted = acceptor.accept().map_err(|(error, _)| io::Error::other(error))?;
            }
            let Some(accepted) = accepted else { return Ok(()) };
            let Door::Port(address, _) = self.door else { return Err(io::ErrorKind::InvalidData.into()) };
            let name = accepted.client_hello().server_name().map(str::to_owned);
            let config = authority::server(name.as_deref(), address)
                .ok_or_else(|| io::Error::other("there is no certificate"))?;
            let secure = accepted.into_connection(config).map_err(|(error, _)| io::Error::other(error))?;
            self.layer = Layer::Secure(Box::new(secure));
        }
        match &mut self.layer {
            Layer::Plain => self.heard.extend(bytes),
            Layer::Secure(secure) => loop {
                let state = secure.process_new_packets();
                while secure.wants_write() {
                    secure.write_tls(&mut self.wire)?;
                }
                state.map_err(io::Error::other)?;
                match secure.reader().read_to_end(&mut self.heard) {
                    Err(error) if error.kind() != io::ErrorKind::WouldBlock => return Err(error),
                    Err(_) | Ok(_) => {}
                }
                if bytes.is_empty() {
                    break;
                }
                secure.read_tls(&mut bytes)?;
            },
            Layer::Unknown | Layer::Beginning(_) => {}
        }
        Ok(())
    }

    /// Returns the request, if all of it is there.
    fn request(&mut self) -> io::Result<Option<WebRequest>> {
        let scheme = match &self.layer {
            Layer::Secure(_) => Scheme::Https,
            Layer::Unknown | Layer::Plain | Layer::Beginning(_) => Scheme::Http,
        };
        let Some((head, start)) = head(&self.heard)? else { return Ok(None) };
        let body = match &head.length {
            Length::Bytes(count) => self.heard.get(start..start + count).map(<[u8]>::to_vec),
            Length::Chunks => chunks(&self.heard[start..])?,
        };
        let Some(body) = body else {
            if head.is_waiting && !self.has_encouraged {
                self.has_encouraged = true;
                self.say(b"HTTP/1.1 100 Continue\r\n\r\n")?;
            }
            return Ok(None);
        };
        Ok(Some(WebRequest {
            door: self.door.clone(),
            scheme,
            method: head.method,
            target: head.target,
            host: head.host,
            is_authenticated: head.is_authenticated,
            body,
        }))
    }

    /// Answers the request, after which there is nothing more to be said.
    pub(super) fn answer(&mut self, method: &str, reply: &WebReply) {
        match reply {
            WebReply::BreaksOff => {
                // The client sees a reset, and no orderly end.
                let _ = rustix::net::sockopt::set_socket_linger(&self.wire.0, Some(Duration::ZERO));
            }
            WebReply::Answer { status, headers, body, acts: _ } => {
                let mut bytes = format!("HTTP/1.1 {status} {}\r\n", reason(*status)).into_bytes();
                for (name, value) in headers {
                    bytes.extend(format!("{name}: {value}\r\n").bytes());
                }
                bytes.extend(format!("Content-Length: {}\r\nConnection: close\r\n\r\n", body.len()).bytes());
                if method != "HEAD" {
                    bytes.extend(body);
                }
                // A client that is gone is not told.
                let _ = self.say(&bytes).and_then(|()| self.end());
            }
        }
    }

    fn say(&mut self, bytes: &[u8]) -> io::Result<()> {
        match &mut self.layer {
            Layer::Secure(secure) => {
                let mut rest = bytes;
                while !rest.is_empty() {
                    let count = secure.writer().write(rest)?;
                    rest = &rest[count..];
                    while secure.wants_write() {
                        secure.write_tls(&mut self.wire)?;
                    }
                }
                Ok(())
            }
            Layer::Unknown | Layer::Plain | Layer::Beginning(_) => self.wire.write_all(bytes),
        }
    }

    fn end(&mut self) -> io::Result<()> {
        if let Layer::Secure(secure) = &mut self.layer {
            secure.send_close_notify();
            while secure.wants_write() {
                secure.write_tls(&mut self.wire)?;
            }
        }
        Ok(())
    }
}

/// A socket that is never waited for to be read, and for a while to be written.
struct Wire(OwnedFd);

impl Read for Wire {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        Ok(rustix::io::read(&self.0, bytes)?)
    }
}

impl Write for Wire {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let deadline = Instant::now() + WRITE_TIMEOUT;
        loop {
            let flags = rustix::net::SendFlags::NOSIGNAL;
            match rustix::net::send(&self.0, bytes, flags) {
                Ok(count) => return Ok(count),
                Err(rustix::io::Errno::AGAIN) => {}
                Err(errno) => return Err(errno.into()),
            }
            let left = deadline.saturating_duration_since(Instant::now());
            let timeout = Timespec {
                tv_sec: i64::try_from(left.as_secs()).unwrap_or(0),
                tv_nsec: i64::from(left.subsec_nanos()),
            };
            let mut polled = [PollFd::from_borrowed_fd(self.0.as_fd(), PollFlags::OUT)];
            match poll(&mut polled, Some(&timeout)) {
                Ok(0) => return Err(io::ErrorKind::TimedOut.into()),
                Ok(_) | Err(rustix::io::Errno::INTR) => {}
                Err(errno) => return Err(errno.into()),
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What a request says before its body.
#[derive(Debug, PartialEq, Eq)]
struct Head {
    method: String,
    target: String,
    host: Option<String>,
    is_authenticated: bool,
    /// Whether the client waits for a word before it sends the body.
    is_waiting: bool,
    length: Length,
}

#[derive(Debug, PartialEq, Eq)]
enum Length {
    Bytes(usize),
    Chunks,
}

/// Reads the head of a request, if it is all there, and says where its body begins.
fn head(bytes: &[u8]) -> io::Result<Option<(Head, usize)>> {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
    let mut request = httparse::Request::new(&mut headers);
    let start = match request.parse(bytes).map_err(io::Error::other)? {
        httparse::Status::Complete(start) => start,
        httparse::Status::Partial => return Ok(None),
    };
    let header = |wanted: &str| {
        let found = request.headers.iter().find(|header| header.name.eq_ignore_ascii_case(wanted));
        found.map(|header| String::from_utf8_lossy(header.value).trim().to_owned())
    };
    let is_chunked = header("transfer-encoding").is_some_and(|value| value.eq_ignore_ascii_case("chunked"));
    let length = match header("content-length") {
        _ if is_chunked => Length::Chunks,
        Some(text) => {
            let count = text.parse().ok().filter(|count| *count <= REQUEST_BYTES_MAX);
            Length::Bytes(count.ok_or(io::ErrorKind::InvalidData)?)
        }
        None => Length::Bytes(0),
    };
    let head = Head {
        method: request.method.unwrap_or_default().to_owned(),
        target: request.path.unwrap_or_default().to_owned(),
        host: header("host"),
        is_authenticated: header("authorization").is_some(),
        is_waiting: header("expect").is_some_and(|value| value.eq_ignore_ascii_case("100-continue")),
        length,
    };
    Ok(Some((head, start)))
}

/// Reads a body that comes in chunks, if it is all there. Trailers are not looked at.
fn chunks(bytes: &[u8]) -> io::Result<Option<Vec<u8>>> {
    let mut body = Vec::new();
    let mut rest = bytes;
    loop {
        let (start, size) = match httparse::parse_chunk_size(rest) {
            Ok(httparse::Status::Complete(chunk)) => chunk,
            Ok(httparse::Status::Partial) => return Ok(None),
            Err(_) => return Err(io::ErrorKind::InvalidData.into()),
        };
        if size == 0 {
            return Ok(Some(body));
        }
        let size = usize::try_from(size).ok().filter(|size| *size <= REQUEST_BYTES_MAX);
        let size = size.ok_or(io::ErrorKind::InvalidData)?;
        let Some(chunk) = rest.get(start..start + size) else { return Ok(None) };
        let Some(after) = rest.get(start + size + 2..) else { return Ok(None) };
        body.extend(chunk);
        rest = after;
    }
}

/// Returns what is written beside a status. Nobody reads it but people.
fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        201 => "Created",
        202 => "Accepted",
        204 => "No Content",
        301 => "Moved Permanently",
        302 => "Found",
        304 => "Not Modified",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        409 => "Conflict",
        422 => "Unprocessable Entity",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        _ => "Status",
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_head_says_how_much_follows() {
        let check = |text: &str, expected: Option<(&str, Length)>| {
            let read =
                head(text.as_bytes()).unwrap().map(|(head, start)| (text[start..].to_owned(), head.length));
            assert_eq!(read, expected.map(|(rest, length)| (rest.to_owned(), length)), "{text}");
        };
        check("GET / HTTP/1.1\r\n", None);
        check("GET / HTTP/1.1\r\nHost: a\r\n\r\n", Some(("", Length::Bytes(0))));
        check("POST /a HTTP/1.1\r\ncontent-length: 3\r\n\r\nabc", Some(("abc", Length::Bytes(3))));
        check("POST /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", Some(("", Length::Chunks)));
        assert!(head(b"POST /a HTTP/1.1\r\nContent-Length: many\r\n\r\n").is_err());
        assert!(head(b"\x01\x02\r\n\r\n").is_err());
    }

    #[test]
    fn chunks_are_put_together() {
        let check = |text: &str, expected: Option<&str>| {
            let read = chunks(text.as_bytes()).unwrap();
            assert_eq!(read.as_deref(), expected.map(str::as_bytes), "{text:?}");
        };
        check("", None);
        check("3\r\nab", None);
        check("3\r\nabc\r\n", None);
        check("3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n", Some("abcde"));
        check("0\r\n\r\n", Some(""));
        assert!(chunks(b"nothing\r\n").is_err());
        assert!(chunks(b"fffffffffffffff\r\n").is_err());
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_request_or_are_not(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = head(&bytes);
            let _ = chunks(&bytes);
        }

        #[test]
        fn any_body_comes_through_in_chunks(parts in prop::collection::vec("[a-z]{1,20}", 0..5)) {
            let mut text = String::new();
            for part in &parts {
                let _ = write!(text, "{:x}\r\n{part}\r\n", part.len());
            }
            text += "0\r\n\r\n";
            prop_assert_eq!(chunks(text.as_bytes()).unwrap(), Some(parts.concat().into_bytes()));
        }
    }
}
