//! The child's only way out: frames on its standard input and output.
//!
//! One stream is read at a time. Frames of a stream that was closed may still arrive, and are skipped.

use crate::{
    frame::{Frame, Kind, LONGEST},
    protocol::{Ask, FetchError, Reply, Request, Service},
};
use std::{
    io::{self, BufRead, Read, Write},
    sync::{Mutex, MutexGuard, PoisonError},
};

static STATE: Mutex<State> = Mutex::new(State { streams: 0, failure: None });

struct State {
    /// Number of streams that were opened.
    streams: u32,
    /// The failure of the stream that was opened last. Libraries lose its kind.
    failure: Option<FetchError>,
}

fn state() -> MutexGuard<'static, State> {
    STATE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Reads the task.
pub(crate) fn task() -> io::Result<Request> {
    let frame = Frame::read(&mut io::stdin().lock())?;
    if frame.kind == Kind::Task { frame.parse() } else { Err(unexpected(&frame)) }
}

/// Sends a reply. A daemon that reads no more has killed this child already.
pub(crate) fn send(reply: &Reply) {
    let send = |reply: &Reply| Frame::json(Kind::Reply, 0, reply).and_then(|frame| write(&frame));
    if let Err(error) = send(reply)
        && error.kind() == io::ErrorKind::InvalidData
    {
        // Of a repository with texts without end. Nothing of the frame was written.
        let message = format!("the facts about the commit are too long: {error}");
        let _ = send(&Reply::Failed(FetchError::Other(message)));
    }
}

/// Asks the daemon whether an address may be connected to, and returns the address to use.
pub(crate) fn admit(address: &str) -> Result<String, FetchError> {
    let other = |error: io::Error| FetchError::Other(error.to_string());
    write(&Frame::new(Kind::Check, 0, address)).map_err(other)?;
    loop {
        let frame = Frame::read(&mut io::stdin().lock()).map_err(other)?;
        match frame.kind {
            Kind::Checked => return frame.parse::<Result<String, FetchError>>().map_err(other)?,
            Kind::Data | Kind::End | Kind::Fault => {}
            _ => return Err(other(unexpected(&frame))),
        }
    }
}

/// Opens a stream.
pub(crate) fn open(ask: &Ask) -> io::Result<(Reader, Writer)> {
    let stream = {
        let mut state = state();
        state.streams = state.streams.wrapping_add(1);
        state.failure = None;
        state.streams
    };
    write(&Frame::json(Kind::Open, stream, ask)?)?;
    let is_stateful = ask.url.starts_with("git:");
    let ends = ask.service == Service::Pack && !is_stateful;
    Ok((Reader { stream, buffer: Vec::new(), at: 0, ended: false }, Writer { stream, ends }))
}

/// Takes the failure of the stream that was opened last. `None` means that it did not fail.
pub(crate) fn failure() -> Option<FetchError> {
    state().failure.take()
}

/// Input of a stream. Dropped before its end, it closes the stream.
pub(crate) struct Reader {
    stream: u32,
    buffer: Vec<u8>,
    /// Number of bytes of `buffer` that were read.
    at: usize,
    ended: bool,
}

/// Output of a stream.
pub(crate) struct Writer {
    stream: u32,
    /// The other side answers once this one ends.
    ends: bool,
}

impl Reader {
    /// Waits for bytes, or for the end.
    fn load(&mut self) -> io::Result<()> {
        while !self.ended {
            let frame = Frame::read(&mut io::stdin().lock())?;
            match frame.kind {
                Kind::Data | Kind::End | Kind::Fault if frame.stream != self.stream => {}
                Kind::Data if frame.payload.is_empty() => {}
                Kind::Data => {
                    self.buffer = frame.payload;
                    self.at = 0;
                    return Ok(());
                }
                Kind::End => self.ended = true,
                Kind::Fault => {
                    self.ended = true;
                    let failure: FetchError = frame.parse()?;
                    let message = failure.sentence();
                    state().failure = Some(failure);
                    return Err(io::Error::other(message));
                }
                _ => return Err(unexpected(&frame)),
            }
        }
        Ok(())
    }
}

impl BufRead for Reader {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.at >= self.buffer.len() {
            self.buffer.clear();
            self.at = 0;
            self.load()?;
        }
        Ok(self.buffer.get(self.at..).unwrap_or_default())
    }

    fn consume(&mut self, amount: usize) {
        self.at = self.at.saturating_add(amount);
    }
}

impl Read for Reader {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.fill_buf()?.read(into)?;
        self.consume(read);
        Ok(read)
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        if !self.ended {
            let _ = write(&Frame::new(Kind::Close, self.stream, Vec::new()));
        }
    }
}

impl Write for Writer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let bytes = bytes.get(..LONGEST).unwrap_or(bytes);
        write(&Frame::new(Kind::Data, self.stream, bytes))?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        if self.ends {
            let _ = write(&Frame::new(Kind::End, self.stream, Vec::new()));
        }
    }
}

fn write(frame: &Frame) -> io::Result<()> {
    let bytes = frame.bytes()?;
    let mut out = io::stdout().lock();
    out.write_all(&bytes)?;
    out.flush()
}

fn unexpected(frame: &Frame) -> io::Error {
    let message = format!("an unexpected frame of the daemon: {:?}", frame.kind);
    io::Error::new(io::ErrorKind::InvalidData, message)
}
