//! A connection over which one request follows the other, and the kinds of their failures.

use super::{
    Target,
    report::{Fault, Kind},
};
use std::{
    io::{BufRead, BufReader, ErrorKind, Read, Write},
    net::TcpStream,
    time::Duration,
};

/// Time in which a connection is accepted.
const CONNECT: Duration = Duration::from_secs(5);
/// Time in which an answer begins, and each of its parts comes.
const ANSWER: Duration = Duration::from_secs(15);
/// Bytes of the longest head and of the longest body.
const LARGEST: u64 = 64 << 10;

/// A connection.
pub(super) struct Line {
    reader: BufReader<TcpStream>,
}

/// An answer below 500.
pub(super) struct Answer {
    pub(super) status: u16,
    /// The body without its last newline: a version.
    pub(super) body: String,
}

/// Asks over the connection that is there, or over a new one. The connection stays if `keeps`, and the answer does not
/// end it.
pub(super) fn ask(
    line: &mut Option<Line>,
    target: &Target,
    path: &str,
    keeps: bool,
) -> Result<Answer, Fault> {
    let mut used = match line.take() {
        Some(line) => line,
        None => Line::open(target)?,
    };
    let connection = if keeps { "keep-alive" } else { "close" };
    used.send(&format!(
        "GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: {connection}\r\n\r\n",
        target.host
    ))?;
    let head = used.head()?;
    let body = used.body(&head)?;
    if head.status >= 500 {
        let what = format!("{} {}", head.status, body.trim());
        // An answer, so that the connection is as good as before.
        *line = (keeps && !head.closes).then_some(used);
        return Err(Fault { kind: Kind::Status, what });
    }
    *line = (keeps && !head.closes).then_some(used);
    Ok(Answer { status: head.status, body: body.trim().to_owned() })
}

/// The parts of a head that are read.
pub(super) struct Head {
    pub(super) status: u16,
    length: Option<u64>,
    closes: bool,
}

impl Line {
    pub(super) fn open(target: &Target) -> Result<Self, Fault> {
        let fault = |error: std::io::Error| Fault { kind: Kind::Connect, what: error.to_string() };
        let stream = TcpStream::connect_timeout(&target.address, CONNECT).map_err(fault)?;
        stream.set_nodelay(true).map_err(fault)?;
        stream.set_read_timeout(Some(ANSWER)).map_err(fault)?;
        stream.set_write_timeout(Some(ANSWER)).map_err(fault)?;
        Ok(Self { reader: BufReader::new(stream) })
    }

    pub(super) fn send(&mut self, request: &str) -> Result<(), Fault> {
        let sent = self.reader.get_mut().write_all(request.as_bytes());
        sent.map_err(|error| fault(Kind::Reset, &error))
    }

    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        self.reader.get_mut().write_all(bytes).map_err(|error| fault(Kind::Reset, &error))
    }

    pub(super) fn read(&mut self, size: usize) -> Result<Vec<u8>, Fault> {
        let mut bytes = vec![0; size];
        self.reader.read_exact(&mut bytes).map_err(|error| fault(Kind::Reset, &error))?;
        Ok(bytes)
    }

    pub(super) fn head(&mut self) -> Result<Head, Fault> {
        let mut text = String::new();
        let mut limited = self.reader.by_ref().take(LARGEST);
        while !text.ends_with("\r\n\r\n") {
            let read = limited.read_line(&mut text);
            let read = read.map_err(|error| fault(Kind::Reset, &error))?;
            if read == 0 {
                let what = if text.is_empty() { "no answer" } else { "a part of a head" };
                let what = format!("{what} before the end of the connection");
                return Err(Fault { kind: Kind::Reset, what });
            }
        }
        let status = text.split(' ').nth(1).and_then(|status| status.parse().ok());
        let Some(status) = status else {
            return Err(Fault { kind: Kind::Reset, what: format!("no status: {text}") });
        };
        let header = |name: &str| {
            let mut lines = text.lines().filter_map(|line| line.split_once(':'));
            lines.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
        };
        let closes = header("connection").is_some_and(|one| one.eq_ignore_ascii_case("close"));
        let length = header("content-length").and_then(|length| length.parse().ok());
        Ok(Head { status, length, closes })
    }

    fn body(&mut self, head: &Head) -> Result<String, Fault> {
        let Some(length) = head.length.filter(|length| *length <= LARGEST) else {
            let what = format!("expected a Content-Length of at most {LARGEST}: {:?}", head.length);
            return Err(Fault { kind: Kind::Truncated, what });
        };
        let mut body = Vec::new();
        let read = self.reader.by_ref().take(length).read_to_end(&mut body);
        let read = read.map_err(|error| fault(Kind::Truncated, &error))?;
        if read as u64 != length {
            let what = format!("{read} of {length} bytes");
            return Err(Fault { kind: Kind::Truncated, what });
        }
        Ok(String::from_utf8_lossy(&body).into_owned())
    }
}

/// Returns the fault of a connection. Time that passed is a kind of its own.
fn fault(kind: Kind, error: &std::io::Error) -> Fault {
    let kind = match error.kind() {
        ErrorKind::WouldBlock | ErrorKind::TimedOut => Kind::Late,
        _ => kind,
    };
    Fault { kind, what: error.to_string() }
}
