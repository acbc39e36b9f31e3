//! Bodies of several parts (`multipart/form-data`), read one after the other without keeping them.

use std::io::{self, Read};

/// Bytes of the headers of a part.
const HEADER_BYTES: usize = 64 << 10;

/// What a part says of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) name: String,
    pub(crate) filename: String,
}

/// A reader of parts.
pub(crate) struct Multipart<R> {
    source: R,
    /// `\r\n--boundary`; the body is read as if it began with a line's end.
    delimiter: Vec<u8>,
    buffer: Vec<u8>,
    start: usize,
    is_at_end: bool,
    /// Whether the reader is inside a part.
    is_inside: bool,
}

impl<R: Read> Multipart<R> {
    pub(crate) fn new(source: R, boundary: &str) -> Self {
        let delimiter = format!("\r\n--{boundary}").into_bytes();
        Self { source, delimiter, buffer: b"\r\n".to_vec(), start: 0, is_at_end: false, is_inside: true }
    }

    fn waiting(&self) -> &[u8] {
        &self.buffer[self.start..]
    }

    fn fill(&mut self) -> io::Result<()> {
        self.buffer.drain(..self.start);
        self.start = 0;
        let length = self.buffer.len();
        self.buffer.resize(length + (32 << 10), 0);
        let count = self.source.read(&mut self.buffer[length..]);
        self.buffer.truncate(length + *count.as_ref().unwrap_or(&0));
        if count? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(())
    }

    /// Waits until so many bytes have arrived.
    fn need(&mut self, count: usize) -> io::Result<()> {
        while self.waiting().len() < count {
            self.fill()?;
        }
        Ok(())
    }

    /// Goes on to the next part, past what is left of this one; nothing at the end.
    pub(crate) fn next_part(&mut self) -> io::Result<Option<Part>> {
        io::copy(self, &mut io::sink())?;
        if self.is_at_end {
            return Ok(None);
        }
        // The delimiter has been read. What follows says whether there is another part.
        self.need(2)?;
        if self.waiting().starts_with(b"--") {
            self.is_at_end = true;
            return Ok(None);
        }
        let mut scanned = 0;
        let end = loop {
            let from = scanned;
            if let Some(at) = find(&self.waiting()[from..], b"\r\n\r\n") {
                break from + at + 4;
            }
            scanned = self.waiting().len().saturating_sub(3);
            if scanned > HEADER_BYTES {
                return Err(malformed("multipart: the header of a part is too long"));
            }
            self.fill()?;
        };
        let headers = String::from_utf8_lossy(&self.waiting()[..end]).into_owned();
        self.start += end;
        self.is_inside = true;
        Ok(Some(part(&headers)))
    }
}

/// Reads the part that is open, up to its end.
impl<R: Read> Read for Multipart<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if !self.is_inside || buffer.is_empty() {
            return Ok(0);
        }
        loop {
            let waiting = self.waiting();
            let sure = match find(waiting, &self.delimiter) {
                Some(0) => {
                    self.start += self.delimiter.len();
                    self.is_inside = false;
                    return Ok(0);
                }
                Some(at) => at,
                // The end of what is here may be the beginning of the delimiter.
                None => waiting.len().saturating_sub(self.delimiter.len() - 1),
            };
            if sure > 0 {
                let count = sure.min(buffer.len());
                buffer[..count].copy_from_slice(&waiting[..count]);
                self.start += count;
                return Ok(count);
            }
            self.fill()?;
        }
    }
}

fn malformed(message: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, message)
}

fn find(text: &[u8], wanted: &[u8]) -> Option<usize> {
    let first = *wanted.first()?;
    let mut from = 0;
    while let Some(at) = text[from..].iter().position(|byte| *byte == first) {
        let at = from + at;
        if text[at..].starts_with(wanted) {
            return Some(at);
        }
        from = at + 1;
    }
    None
}

fn part(headers: &str) -> Part {
    let disposition = headers.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.trim().eq_ignore_ascii_case("content-disposition").then(|| value.trim())
    });
    let parameters = disposition.map(|value| parameters(value).1).unwrap_or_default();
    let value = |key: &str| {
        let found = parameters.iter().find(|(name, _)| name == key);
        found.map(|(_, value)| value.clone()).unwrap_or_default()
    };
    Part { name: value("name"), filename: value("filename") }
}

/// Reads a header such as `form-data; name="x"`: the word in front, in lower case, and the parameters.
pub(crate) fn parameters(text: &str) -> (String, Vec<(String, String)>) {
    let (word, rest) = text.split_once(';').unwrap_or((text, ""));
    let mut parameters = Vec::new();
    let mut rest = rest.chars().peekable();
    while rest.peek().is_some() {
        let mut name = String::new();
        while let Some(c) = rest.next_if(|c| !matches!(c, '=' | ';')) {
            name.push(c);
        }
        let mut value = String::new();
        if rest.next_if_eq(&'=').is_some() {
            while rest.next_if(|c| c.is_whitespace()).is_some() {}
            if rest.next_if_eq(&'"').is_some() {
                while let Some(c) = rest.next() {
                    match c {
                        '"' => break,
                        // A backslash takes only what would otherwise mean something; paths may hold others.
                        '\\' => value.push(rest.next_if(|c| matches!(c, '"' | '\\')).unwrap_or('\\')),
                        c => value.push(c),
                    }
                }
                while rest.next_if(|c| *c != ';').is_some() {}
            } else {
                while let Some(c) = rest.next_if(|c| *c != ';') {
                    value.push(c);
                }
                value.truncate(value.trim_end().len());
            }
        }
        rest.next_if_eq(&';');
        parameters.push((name.trim().to_ascii_lowercase(), value));
    }
    (word.trim().to_ascii_lowercase(), parameters)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(bytes: &[u8], boundary: &str) -> io::Result<Vec<(Part, Vec<u8>)>> {
        let mut multipart = Multipart::new(bytes, boundary);
        let mut parts = Vec::new();
        while let Some(part) = multipart.next_part()? {
            let mut content = Vec::new();
            multipart.read_to_end(&mut content)?;
            parts.push((part, content));
        }
        Ok(parts)
    }

    #[test]
    fn parts_are_read_one_by_one() {
        let text = "preamble\r\n--X\r\nContent-Type: text/plain\r\ncontent-disposition: form-data; name=\"request\"\r\n\r\n{}\r\n--X\r\nContent-Disposition: form-data; name=files; filename=\"/a \\\"b\\\"; c\"\r\n\r\nline\r\n--Y\r\n\r\n--X--\r\nepilogue";
        let parts = read(text.as_bytes(), "X").unwrap();
        let part = |name: &str, filename: &str, content: &str| {
            (Part { name: name.into(), filename: filename.into() }, content.as_bytes().to_vec())
        };
        assert_eq!(parts, [part("request", "", "{}"), part("files", "/a \"b\"; c", "line\r\n--Y\r\n")]);
    }

    #[test]
    fn what_breaks_off_is_an_error() {
        for text in ["", "--X", "--X\r\nA: b", "--X\r\n\r\nabc", "--X\r\n\r\nabc\r\n--"] {
            assert_eq!(
                read(text.as_bytes(), "X").unwrap_err().kind(),
                io::ErrorKind::UnexpectedEof,
                "{text}"
            );
        }
        let long = format!("--X\r\n{}", "A: b\r\n".repeat(50_000));
        assert_eq!(read(long.as_bytes(), "X").unwrap_err().kind(), io::ErrorKind::InvalidData);
        assert_eq!(read(b"--X--", "X").unwrap(), []);
    }

    #[test]
    fn parameters_of_headers_are_read() {
        let check = |text: &str, word: &str, expected: &[(&str, &str)]| {
            let expected: Vec<(String, String)> =
                expected.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
            assert_eq!(parameters(text), (word.to_owned(), expected), "{text}");
        };
        check(
            "Multipart/Form-Data; boundary=\"a;b\" ; x=y",
            "multipart/form-data",
            &[("boundary", "a;b"), ("x", "y")],
        );
        check("form-data", "form-data", &[]);
        check("a; b; c=", "a", &[("b", ""), ("c", "")]);
        check("a; f=\"C:\\dir\\\\x", "a", &[("f", "C:\\dir\\x")]);
    }

    proptest! {
        #[test]
        fn contents_come_back(contents in proptest::collection::vec("[\r\n\\-Xa]{0,40}", 0..5)) {
            let mut text = String::new();
            for content in &contents {
                text.push_str(&format!("--XYZ\r\nContent-Disposition: form-data; name=a\r\n\r\n{content}\r\n"));
            }
            text.push_str("--XYZ--\r\n");
            let parts = read(text.as_bytes(), "XYZ").unwrap();
            let read: Vec<String> =
                parts.into_iter().map(|(_, content)| String::from_utf8(content).unwrap()).collect();
            prop_assert_eq!(read, contents);
        }

        #[test]
        fn no_bytes_panic(bytes in "[\r\n\\-X:;=\"a\\\\]{0,80}") {
            let _ = read(bytes.as_bytes(), "X");
            let _ = parameters(&bytes);
        }
    }
}
