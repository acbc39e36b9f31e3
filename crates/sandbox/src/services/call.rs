//! The wire between `systemctl` and the manager.
//!
//! The program is tiny and needs nothing of the machine's; so it sends its arguments, prints what
//! comes back and exits as it is told. A request is a list of texts: the name it was called by,
//! its arguments; an answer is a code and two texts. Numbers are of four bytes, the least first.
//! `client/systemctl.rs` has the other end.

/// No honest request is larger.
const BYTES_MAX: usize = 1 << 20;

/// What a program in the machine asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Call {
    /// `systemctl`, `journalctl`, …
    pub program: String,
    pub arguments: Vec<String>,
}

/// What it prints, and the code it exits with.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Said {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Said {
    /// Nothing but a line on standard error, and a code.
    pub(crate) fn failed(code: i32, text: impl Into<String>) -> Self {
        Self { code, stdout: String::new(), stderr: text.into() + "\n" }
    }

    /// A line on standard output.
    pub(crate) fn line(&mut self, text: impl AsRef<str>) {
        self.stdout += text.as_ref();
        self.stdout.push('\n');
    }

    /// A line on standard error.
    pub(crate) fn complain(&mut self, text: impl AsRef<str>) {
        self.stderr += text.as_ref();
        self.stderr.push('\n');
    }
}

/// A request that comes in piece by piece.
#[derive(Debug, Default)]
pub(crate) struct Incoming {
    bytes: Vec<u8>,
}

impl Incoming {
    /// Takes in what came. `Err` is something that is no request.
    pub(crate) fn add(&mut self, bytes: &[u8]) -> Result<Option<Call>, ()> {
        self.bytes.extend_from_slice(bytes);
        if self.bytes.len() > BYTES_MAX {
            return Err(());
        }
        let mut rest = self.bytes.as_slice();
        let Some(count) = number(&mut rest) else { return Ok(None) };
        let mut texts = Vec::new();
        for _ in 0..count {
            let Some(length) = number(&mut rest) else { return Ok(None) };
            let Some((text, behind)) = rest.split_at_checked(length as usize) else { return Ok(None) };
            texts.push(String::from_utf8_lossy(text).into_owned());
            rest = behind;
        }
        let mut texts = texts.into_iter();
        let program = texts.next().ok_or(())?;
        Ok(Some(Call { program, arguments: texts.collect() }))
    }
}

fn number(bytes: &mut &[u8]) -> Option<u32> {
    let (first, rest) = bytes.split_first_chunk::<4>()?;
    *bytes = rest;
    Some(u32::from_le_bytes(*first))
}

/// Writes an answer.
pub(crate) fn answer(said: &Said) -> Vec<u8> {
    let mut bytes = said.code.to_le_bytes().to_vec();
    for text in [&said.stdout, &said.stderr] {
        bytes.extend((text.len() as u32).to_le_bytes());
        bytes.extend(text.as_bytes());
    }
    bytes
}

#[cfg(test)]
mod tests {
    use std::io::{self, Read, Write};
    use std::os::unix::net::UnixStream;

    use proptest::prelude::*;

    use super::*;

    /// Asks a manager, as the program in a machine does.
    fn ask(mut stream: impl Read + Write, call: &Call) -> io::Result<Said> {
        let mut bytes = (1 + call.arguments.len() as u32).to_le_bytes().to_vec();
        for text in std::iter::once(&call.program).chain(&call.arguments) {
            bytes.extend((text.len() as u32).to_le_bytes());
            bytes.extend(text.as_bytes());
        }
        stream.write_all(&bytes)?;
        let mut four = [0; 4];
        stream.read_exact(&mut four)?;
        let code = i32::from_le_bytes(four);
        let mut text = || -> io::Result<String> {
            stream.read_exact(&mut four)?;
            let mut text = vec![0; u32::from_le_bytes(four) as usize];
            stream.read_exact(&mut text)?;
            Ok(String::from_utf8_lossy(&text).into_owned())
        };
        Ok(Said { code, stdout: text()?, stderr: text()? })
    }

    proptest! {
        #[test]
        fn what_is_asked_arrives_and_so_does_the_answer(
            arguments in prop::collection::vec("\\PC{0,10}", 0..4),
            stdout in "\\PC{0,20}",
            code in 0..256,
        ) {
            let (ours, mut theirs) = UnixStream::pair().unwrap();
            let call = Call { program: "systemctl".to_owned(), arguments };
            let said = Said { code, stdout, stderr: "e".to_owned() };
            let sent = answer(&said);
            let expected = call.clone();
            let manager = std::thread::spawn(move || {
                let mut incoming = Incoming::default();
                let mut byte = [0];
                loop {
                    theirs.read_exact(&mut byte).unwrap();
                    if let Some(call) = incoming.add(&byte).unwrap() {
                        theirs.write_all(&sent).unwrap();
                        return call;
                    }
                }
            });
            prop_assert_eq!(ask(ours, &call).unwrap(), said);
            prop_assert_eq!(manager.join().unwrap(), expected);
        }

        #[test]
        fn any_bytes_are_a_request_or_not(bytes in prop::collection::vec(0..4_u8, 0..40)) {
            let _ = Incoming::default().add(&bytes);
        }
    }
}
