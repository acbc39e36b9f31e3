//! Ends runs from another thread.

use std::io::{self, PipeReader, PipeWriter, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Ends every run that was given a clone of it, at once and for good.
#[derive(Debug, Clone)]
pub struct CancelToken {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    cancelled: AtomicBool,
    // Readable from the moment of the cancellation on: nobody ever reads it.
    reader: PipeReader,
    writer: PipeWriter,
}

impl CancelToken {
    /// Returns a token that is not cancelled. Fails if no pipe can be had.
    pub fn new() -> io::Result<Self> {
        let (reader, writer) = io::pipe()?;
        let cancelled = AtomicBool::new(false);
        Ok(Self { shared: Arc::new(Shared { cancelled, reader, writer }) })
    }

    /// Ends the runs. May be called from any thread, any number of times.
    pub fn cancel(&self) {
        if !self.shared.cancelled.swap(true, Ordering::SeqCst) {
            // One byte into an empty pipe whose reader we hold cannot fail.
            let _ = (&self.shared.writer).write_all(b"!");
        }
    }

    /// Returns whether it was cancelled.
    pub fn is_cancelled(&self) -> bool {
        self.shared.cancelled.load(Ordering::SeqCst)
    }

    /// Returns what becomes readable when it is cancelled.
    pub(crate) fn as_fd(&self) -> BorrowedFd<'_> {
        self.shared.reader.as_fd()
    }
}
