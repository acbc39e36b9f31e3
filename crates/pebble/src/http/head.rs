//! The first line and the headers of a request.

/// Headers that a request may have.
const HEADERS: usize = 100;

/// A request up to its body.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) method: String,
    /// The path, decoded.
    pub(crate) path: String,
    query: Vec<(String, String)>,
    headers: Vec<(String, String)>,
    is_http_1_0: bool,
}

/// A request that is none, or none that is served. Each is answered with a status and closes the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BadHead {
    #[error("malformed HTTP request")]
    Malformed,
    #[error("too many headers")]
    TooManyHeaders,
    #[error("conflicting lengths of the body")]
    Length,
    #[error("unsupported transfer encoding")]
    Encoding,
}

/// How long a body is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Length {
    Bytes(u64),
    Chunked,
}

/// Reads a head from the front of what has arrived; nothing if it is not all there yet. Says how many bytes
/// it took.
pub(crate) fn parse(bytes: &[u8]) -> Result<Option<(Head, usize)>, BadHead> {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS];
    let mut request = httparse::Request::new(&mut headers);
    let taken = match request.parse(bytes) {
        Ok(httparse::Status::Complete(taken)) => taken,
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(httparse::Error::TooManyHeaders) => return Err(BadHead::TooManyHeaders),
        Err(_) => return Err(BadHead::Malformed),
    };
    let (Some(method), Some(target)) = (request.method, request.path) else {
        return Err(BadHead::Malformed);
    };
    // A proxy would be asked with the whole address; it is answered alike.
    let target = match target.split_once("://") {
        Some((_, rest)) => rest.find('/').map_or("/", |at| &rest[at..]),
        None => target,
    };
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    if !path.starts_with('/') {
        return Err(BadHead::Malformed);
    }
    let text = |value: &[u8]| String::from_utf8_lossy(value).trim().to_owned();
    let head = Head {
        method: method.to_owned(),
        path: percent_encoding::percent_decode_str(path).decode_utf8_lossy().into_owned(),
        query: form_urlencoded::parse(query.as_bytes()).into_owned().collect(),
        headers: request
            .headers
            .iter()
            .map(|header| (header.name.to_ascii_lowercase(), text(header.value)))
            .collect(),
        is_http_1_0: request.version == Some(0),
    };
    head.length()?;
    Ok(Some((head, taken)))
}

impl Head {
    /// Returns a header by its name in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }

    /// Says whether a header, a list, has a word.
    pub(crate) fn header_has(&self, name: &str, word: &str) -> bool {
        self.headers
            .iter()
            .filter(|(other, _)| other == name)
            .flat_map(|(_, value)| value.split(','))
            .any(|other| other.trim().eq_ignore_ascii_case(word))
    }

    /// Returns the first value of a key of the query; nothing is an empty text, as in Go.
    pub(crate) fn query(&self, key: &str) -> &str {
        self.query.iter().find(|(other, _)| other == key).map_or("", |(_, value)| value)
    }

    /// Returns all values of a key of the query.
    pub(crate) fn query_all(&self, key: &str) -> Vec<&str> {
        self.query.iter().filter(|(other, _)| other == key).map(|(_, value)| value.as_str()).collect()
    }

    /// Returns the values of a key, each a list with commas.
    pub(crate) fn query_list(&self, key: &str) -> Vec<String> {
        self.query_all(key)
            .into_iter()
            .flat_map(|value| value.split(','))
            .map(str::trim)
            .filter(|word| !word.is_empty())
            .map(ToOwned::to_owned)
            .collect()
    }

    /// How long the body is.
    pub(crate) fn length(&self) -> Result<Length, BadHead> {
        let all = |name: &str| -> Vec<&str> {
            self.headers.iter().filter(|(other, _)| other == name).map(|(_, value)| value.as_str()).collect()
        };
        let (lengths, encodings) = (all("content-length"), all("transfer-encoding"));
        match (&lengths[..], &encodings[..]) {
            ([], []) => Ok(Length::Bytes(0)),
            // Two ways to tell the length are how requests are smuggled.
            ([], [encoding]) if encoding.eq_ignore_ascii_case("chunked") => Ok(Length::Chunked),
            ([], _) => Err(BadHead::Encoding),
            ([length], []) if length.bytes().all(|b| b.is_ascii_digit()) => {
                length.parse().map(Length::Bytes).map_err(|_| BadHead::Length)
            }
            (_, _) => Err(BadHead::Length),
        }
    }

    /// Says whether the client wants the connection to stay open.
    pub(crate) fn keeps_alive(&self) -> bool {
        if self.is_http_1_0 {
            self.header_has("connection", "keep-alive")
        } else {
            !self.header_has("connection", "close")
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn head(text: &str) -> Result<Option<(Head, usize)>, BadHead> {
        parse(text.replace('\n', "\r\n").as_bytes())
    }

    #[test]
    fn a_request_is_read() {
        let (head, taken) = head(
            "GET /v1/files%20x+y?action=list&path=/a%2Fb&names=a,b&names=c&pattern=a+b HTTP/1.1\nHost: localhost\nConnection: close\n\n",
        )
        .unwrap()
        .unwrap();
        assert_eq!(taken, 122);
        assert_eq!((head.method.as_str(), head.path.as_str()), ("GET", "/v1/files x+y"));
        assert_eq!(head.query("path"), "/a/b");
        assert_eq!(head.query("pattern"), "a b");
        assert_eq!(head.query("none"), "");
        assert_eq!(head.query_list("names"), ["a", "b", "c"]);
        assert_eq!(head.header("host"), Some("localhost"));
        assert!(!head.keeps_alive());
        assert_eq!(head.length(), Ok(Length::Bytes(0)));
    }

    #[test]
    fn what_is_no_request_is_refused() {
        let check = |text: &str, expected: BadHead| assert_eq!(head(text), Err(expected), "{text}");
        check("\0\n\n", BadHead::Malformed);
        check("GET relative HTTP/1.1\n\n", BadHead::Malformed);
        check("GET / HTTP/9\n\n", BadHead::Malformed);
        check("POST / HTTP/1.1\nContent-Length: 1\nContent-Length: 2\n\n", BadHead::Length);
        check("POST / HTTP/1.1\nContent-Length: -1\n\n", BadHead::Length);
        check("POST / HTTP/1.1\nContent-Length: 1\nTransfer-Encoding: chunked\n\n", BadHead::Length);
        check("POST / HTTP/1.1\nTransfer-Encoding: gzip\n\n", BadHead::Encoding);
        let many = format!("GET / HTTP/1.1\n{}\n", "A: b\n".repeat(HEADERS + 1));
        check(&many, BadHead::TooManyHeaders);
        assert_eq!(head("GET / HTTP/1.1\nHost: x\n"), Ok(None));
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = parse(&bytes);
        }

        #[test]
        fn no_target_panics(target in "[/a-z?&=%+0-9:.\\PC]{0,40}") {
            let _ = parse(format!("GET /{target} HTTP/1.1\r\n\r\n").as_bytes());
        }
    }
}
