//! What arrives on a connection: bytes that wait to be read, and bodies with an end and a limit.

use std::io::{self, Read};
use std::time::{Duration, Instant};

use super::Stream;
use super::head::{self, BadHead, Head, Length};

/// The longest line in front of a chunk, and the most bytes behind the last one.
const CHUNK_LINE_BYTES: usize = 4096;

/// A connection and what has arrived on it.
pub(crate) struct Incoming<R> {
    stream: R,
    buffer: Vec<u8>,
    start: usize,
}

/// Why there is no request.
#[derive(Debug)]
pub(crate) enum NoHead {
    /// The client has gone, or is silent.
    Gone,
    /// The client takes too long.
    TooSlow,
    /// The head is longer than a head may be.
    TooLong,
    /// The head is none.
    Bad(BadHead),
}

impl<R: Read> Incoming<R> {
    pub(crate) fn new(stream: R) -> Self {
        Self { stream, buffer: Vec::new(), start: 0 }
    }

    /// What has arrived and is not read yet.
    fn waiting(&self) -> &[u8] {
        &self.buffer[self.start..]
    }

    /// Waits for more.
    fn fill(&mut self) -> io::Result<usize> {
        if self.start > 0 && self.start == self.buffer.len() {
            self.buffer.clear();
            self.start = 0;
        }
        let length = self.buffer.len();
        self.buffer.resize(length + (16 << 10), 0);
        let count = loop {
            match self.stream.read(&mut self.buffer[length..]) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => break other,
            }
        };
        self.buffer.truncate(length + *count.as_ref().unwrap_or(&0));
        count
    }

    /// Reads the head of a request, all of it in this time.
    pub(crate) fn head(&mut self, most_bytes: usize, timeout: Duration) -> Result<Head, NoHead> {
        let deadline = Instant::now() + timeout;
        loop {
            if !self.waiting().is_empty() {
                match head::parse(self.waiting()) {
                    Ok(Some((head, taken))) => {
                        self.start += taken;
                        return Ok(head);
                    }
                    Ok(None) => {}
                    Err(error) => return Err(NoHead::Bad(error)),
                }
            }
            if self.waiting().len() >= most_bytes {
                return Err(NoHead::TooLong);
            }
            if Instant::now() >= deadline {
                return Err(NoHead::TooSlow);
            }
            match self.fill() {
                Ok(0) => return Err(NoHead::Gone),
                Ok(_) => {}
                Err(_) if self.waiting().is_empty() => return Err(NoHead::Gone),
                Err(_) => return Err(NoHead::TooSlow),
            }
        }
    }

    /// Gives away the connection, with what has arrived.
    pub(crate) fn into_parts(self) -> (R, Vec<u8>) {
        let rest = self.waiting().to_vec();
        (self.stream, rest)
    }
}

impl Body<'_, Stream> {
    /// The connection, to write to it.
    pub(crate) fn stream(&mut self) -> &mut Stream {
        self.incoming.stream()
    }
}

impl Incoming<Stream> {
    /// The connection, to write to it.
    pub(crate) fn stream(&mut self) -> &mut Stream {
        &mut self.stream
    }
}

impl<R: Read> Read for Incoming<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.waiting().is_empty() && self.fill()? == 0 {
            return Ok(0);
        }
        let count = self.waiting().len().min(buffer.len());
        buffer[..count].copy_from_slice(&self.waiting()[..count]);
        self.start += count;
        Ok(count)
    }
}

/// Where in a body the reader is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// So many bytes are left, of the body or of the chunk.
    Left(u64),
    /// The line in front of a chunk comes next.
    ChunkLine,
    /// The body is over.
    End,
}

/// The body of a request.
pub(crate) struct Body<'a, R> {
    incoming: &'a mut Incoming<R>,
    place: Place,
    is_chunked: bool,
    limit: u64,
}

impl<'a, R: Read> Body<'a, R> {
    /// A body of at most so many bytes; whoever reads more gets an error.
    pub(crate) fn new(incoming: &'a mut Incoming<R>, length: Length, limit: u64) -> Self {
        let (place, is_chunked) = match length {
            Length::Bytes(0) => (Place::End, false),
            Length::Bytes(bytes) => (Place::Left(bytes), false),
            Length::Chunked => (Place::ChunkLine, true),
        };
        Self { incoming, place, is_chunked, limit }
    }

    /// Changes how many bytes may still be read.
    pub(crate) fn limit(&mut self, limit: u64) {
        self.limit = limit;
    }

    /// Reads what is left, so that the client gets to read the answer. Says whether the body came to its
    /// end.
    pub(crate) fn drain(&mut self) -> bool {
        io::copy(self, &mut io::sink()).is_ok() && self.place == Place::End
    }

    /// Reads a line of a chunk's frame.
    fn line(&mut self) -> io::Result<String> {
        let mut line = Vec::new();
        let mut byte = [0];
        while !line.ends_with(b"\n") {
            if line.len() >= CHUNK_LINE_BYTES {
                return Err(malformed("a line between chunks is too long"));
            }
            if self.incoming.read(&mut byte)? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            line.push(byte[0]);
        }
        let line = String::from_utf8_lossy(&line);
        Ok(line.trim_end_matches(['\r', '\n']).to_owned())
    }

    fn chunk_line(&mut self) -> io::Result<()> {
        let line = self.line()?;
        let size = line.split(';').next().unwrap_or_default().trim();
        if size.is_empty() || size.len() > 15 || !size.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(malformed("invalid size of a chunk"));
        }
        let size = u64::from_str_radix(size, 16).map_err(|_| malformed("invalid size of a chunk"))?;
        if size > 0 {
            self.place = Place::Left(size);
            return Ok(());
        }
        // Trailers are read and forgotten, and there may not be many.
        let mut left = CHUNK_LINE_BYTES;
        loop {
            let trailer = self.line()?;
            if trailer.is_empty() {
                self.place = Place::End;
                return Ok(());
            }
            left = left.checked_sub(trailer.len()).ok_or_else(|| malformed("too many trailers"))?;
        }
    }
}

fn malformed(message: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, message)
}

impl<R: Read> Read for Body<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        loop {
            match self.place {
                Place::End => return Ok(0),
                Place::ChunkLine => self.chunk_line()?,
                Place::Left(0) => {
                    if !self.line()?.is_empty() {
                        return Err(malformed("a chunk is longer than it says"));
                    }
                    self.place = Place::ChunkLine;
                }
                Place::Left(left) => {
                    if self.limit == 0 {
                        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "request body too large"));
                    }
                    let most = left.min(self.limit).min(buffer.len() as u64) as usize;
                    let count = self.incoming.read(&mut buffer[..most])?;
                    if count == 0 {
                        return Err(io::ErrorKind::UnexpectedEof.into());
                    }
                    self.limit -= count as u64;
                    let left = left - count as u64;
                    self.place = if left == 0 && !self.is_chunked { Place::End } else { Place::Left(left) };
                    return Ok(count);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Gives its bytes in pieces of this length.
    struct Pieces(Vec<u8>, usize);

    impl Read for Pieces {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let count = self.1.min(self.0.len()).min(buffer.len());
            let rest = self.0.split_off(count);
            buffer[..count].copy_from_slice(&self.0);
            self.0 = rest;
            Ok(count)
        }
    }

    fn read(bytes: &[u8], piece: usize, length: Length, limit: u64) -> Result<(Vec<u8>, Vec<u8>), String> {
        let mut incoming = Incoming::new(Pieces(bytes.to_vec(), piece));
        let mut body = Vec::new();
        let read = Body::new(&mut incoming, length, limit).read_to_end(&mut body);
        read.map_err(|error| error.to_string())?;
        let mut rest = Vec::new();
        incoming.read_to_end(&mut rest).unwrap();
        Ok((body, rest))
    }

    #[test]
    fn bodies_end_where_they_say() {
        let check = |text: &str, length: Length, body: &str, rest: &str| {
            for piece in [1, 3, 1000] {
                let expected = Ok((body.as_bytes().to_vec(), rest.as_bytes().to_vec()));
                assert_eq!(read(text.as_bytes(), piece, length, 100), expected);
            }
        };
        check("abcdef", Length::Bytes(4), "abcd", "ef");
        check("abc", Length::Bytes(0), "", "abc");
        check("3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\nrest", Length::Chunked, "abcde", "rest");
        check("1\r\na\r\n0\r\nTrailer: x\r\n\r\n", Length::Chunked, "a", "");
    }

    #[test]
    fn bodies_that_lie_are_refused() {
        let check = |text: &str, length: Length, expected: &str| {
            assert_eq!(read(text.as_bytes(), 7, length, 10).unwrap_err(), expected, "{text}");
        };
        check("abc", Length::Bytes(4), "unexpected end of file");
        check("abcdefghijklmn", Length::Bytes(14), "request body too large");
        check("ffffffffff\r\nabcdefghijklmn", Length::Chunked, "request body too large");
        check("x\r\n", Length::Chunked, "invalid size of a chunk");
        check("fffffffffffffffff\r\n", Length::Chunked, "invalid size of a chunk");
        check("1\r\nab\r\n", Length::Chunked, "a chunk is longer than it says");
        check(&"1".repeat(5000), Length::Chunked, "a line between chunks is too long");
        let trailers = format!("0\r\n{}", "A: b\r\n".repeat(2000));
        check(&trailers, Length::Chunked, "too many trailers");
    }

    #[test]
    fn heads_have_a_limit() {
        let mut incoming = Incoming::new(Pieces(b"GET / HTTP/1.1\r\nA: ".repeat(1000), 500));
        let result = incoming.head(10_000, Duration::from_secs(5));
        assert!(matches!(result, Err(NoHead::TooLong | NoHead::Bad(_))), "{result:?}");
        let mut incoming = Incoming::new(Pieces(b"GET / HTTP/1.1\r\n".to_vec(), 1));
        assert!(matches!(incoming.head(10_000, Duration::ZERO), Err(NoHead::TooSlow)));
    }

    proptest! {
        #[test]
        fn chunks_come_back(chunks in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 1..50), 0..8), piece in 1_usize..60) {
            let mut bytes = Vec::new();
            for chunk in &chunks {
                bytes.extend(format!("{:x}\r\n", chunk.len()).into_bytes());
                bytes.extend(chunk);
                bytes.extend(b"\r\n");
            }
            bytes.extend(b"0\r\n\r\n");
            prop_assert_eq!(read(&bytes, piece, Length::Chunked, 1000), Ok((chunks.concat(), Vec::new())));
        }

        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..100), piece in 1_usize..9) {
            let _ = read(&bytes, piece, Length::Chunked, 50);
        }
    }
}
