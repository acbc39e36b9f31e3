//! Answers, and how they are written.

use std::io::{self, Write};

use serde_json::{Value, json};

/// An answer to a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    content_type: &'static str,
    body: Vec<u8>,
}

impl Reply {
    fn json(status: u16, value: &Value) -> Self {
        Self { status, content_type: "application/json", body: value.to_string().into_bytes() }
    }

    /// An answer with a result.
    pub(crate) fn sync(result: &Value) -> Self {
        Self::sync_with(200, result)
    }

    /// An answer with a result and a status of its own.
    pub(crate) fn sync_with(status: u16, result: &Value) -> Self {
        Self::json(
            status,
            &json!({"type": "sync", "status-code": status, "status": reason(status), "result": result}),
        )
    }

    /// An answer that says which change does what was asked for.
    pub(crate) fn async_(change: u64, result: &Value) -> Self {
        Self::json(
            202,
            &json!({
                "type": "async",
                "status-code": 202,
                "status": reason(202),
                "change": change.to_string(),
                "result": result,
            }),
        )
    }

    /// An answer that says what is wrong.
    pub(crate) fn error(status: u16, message: &str) -> Self {
        let mut result = json!({"message": message});
        if status == 401 {
            result["kind"] = json!("login-required");
        }
        Self::error_with(status, &result)
    }

    /// An answer that says what is wrong, with a kind.
    pub(crate) fn error_with(status: u16, result: &Value) -> Self {
        Self::json(
            status,
            &json!({"type": "error", "status-code": status, "status": reason(status), "result": result}),
        )
    }

    /// A plain text.
    pub(crate) fn text(content_type: &'static str, body: String) -> Self {
        Self { status: 200, content_type, body: body.into_bytes() }
    }

    /// Writes the answer, in one piece where the kernel takes it.
    pub(crate) fn write(&self, stream: &mut impl Write, keeps_alive: bool) -> io::Result<()> {
        let connection = if keeps_alive { "keep-alive" } else { "close" };
        let mut bytes = format!(
            "HTTP/1.1 {} {}\r\nContent-Type: {}\r\nContent-Length: {}\r\nConnection: {connection}\r\n\r\n",
            self.status,
            reason(self.status),
            self.content_type,
            self.body.len(),
        )
        .into_bytes();
        bytes.extend_from_slice(&self.body);
        stream.write_all(&bytes)
    }
}

/// The words of a status.
pub(crate) fn reason(status: u16) -> &'static str {
    match status {
        101 => "Switching Protocols",
        200 => "OK",
        202 => "Accepted",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        408 => "Request Timeout",
        413 => "Request Entity Too Large",
        431 => "Request Header Fields Too Large",
        500 => "Internal Server Error",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        _ => "",
    }
}

/// A body whose length is not known before: each write is a chunk.
pub(crate) struct Chunked<'a, W: Write> {
    stream: &'a mut W,
}

impl<'a, W: Write> Chunked<'a, W> {
    /// Writes the head of such an answer.
    pub(crate) fn begin(stream: &'a mut W, content_type: &str, keeps_alive: bool) -> io::Result<Self> {
        let connection = if keeps_alive { "keep-alive" } else { "close" };
        write!(
            stream,
            "HTTP/1.1 200 OK\r\nContent-Type: {content_type}\r\nTransfer-Encoding: chunked\r\nConnection: {connection}\r\n\r\n",
        )?;
        Ok(Self { stream })
    }

    /// Writes the end.
    pub(crate) fn end(self) -> io::Result<()> {
        self.stream.write_all(b"0\r\n\r\n")
    }
}

impl<W: Write> Write for Chunked<'_, W> {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        let mut bytes = format!("{:x}\r\n", buffer.len()).into_bytes();
        bytes.extend_from_slice(buffer);
        bytes.extend_from_slice(b"\r\n");
        self.stream.write_all(&bytes)?;
        Ok(buffer.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}
