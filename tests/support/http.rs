//! A client of plain HTTP that keeps its connection, as forges and browsers do.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    time::Duration,
};
use windlass_bed::Result;

/// Time in which the daemon answers a request, and takes one.
const ANSWER: Duration = Duration::from_secs(60);

/// A connection to a door of a daemon on this machine.
pub struct Connection {
    reader: BufReader<TcpStream>,
    port: u16,
}

/// An answer.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    /// Status line and headers.
    pub head: String,
    pub body: Vec<u8>,
}

impl Reply {
    /// Returns a header. `None` means that the answer has none of this name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(':'));
        lines.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
    }

    /// Returns the body as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

impl Connection {
    /// Connects to a port of this machine.
    ///
    /// # Errors
    /// Nobody listens there.
    pub fn open(port: u16) -> Result<Self> {
        let stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(ANSWER))?;
        stream.set_write_timeout(Some(ANSWER))?;
        Ok(Self { reader: BufReader::new(stream), port })
    }

    /// Sends a request without a body, and waits for its answer. Each line of `headers` ends with CRLF.
    ///
    /// # Errors
    /// The connection ends before the answer does.
    pub fn get(&mut self, path: &str, headers: &str) -> Result<Reply> {
        self.send("GET", path, headers, &[])
    }

    /// Sends a request with a body, and waits for its answer. Each line of `headers` ends with CRLF.
    ///
    /// # Errors
    /// The connection ends before the answer does.
    pub fn post(&mut self, path: &str, headers: &str, body: &[u8]) -> Result<Reply> {
        let headers = format!("{headers}content-length: {}\r\n", body.len());
        self.send("POST", path, &headers, body)
    }

    fn send(&mut self, method: &str, path: &str, headers: &str, body: &[u8]) -> Result<Reply> {
        let port = self.port;
        let head = format!("{method} {path} HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\n{headers}\r\n");
        let mut bytes = head.into_bytes();
        bytes.extend_from_slice(body);
        self.reader.get_mut().write_all(&bytes)?;
        self.reply()
    }

    fn reply(&mut self) -> Result<Reply> {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if self.reader.read_line(&mut head)? == 0 {
                return Err(format!("the connection ended before its answer: {head:?}").into());
            }
        }
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
        let status = status.ok_or_else(|| format!("an answer without a status: {head}"))?;
        let mut reply = Reply { status, head, body: Vec::new() };
        if let Some(length) = reply.header("content-length") {
            reply.body = vec![0; length.parse()?];
            self.reader.read_exact(&mut reply.body)?;
        } else if reply.header("transfer-encoding").is_some() {
            reply.body = self.chunks()?;
        }
        Ok(reply)
    }

    /// Reads a body in chunks, each of which has its length before it.
    fn chunks(&mut self) -> Result<Vec<u8>> {
        let mut body = Vec::new();
        loop {
            let mut line = String::new();
            self.reader.read_line(&mut line)?;
            let length = usize::from_str_radix(line.trim(), 16)?;
            let before = body.len();
            body.resize(before + length, 0);
            self.reader.read_exact(&mut body[before..])?;
            self.reader.read_line(&mut String::new())?;
            if length == 0 {
                return Ok(body);
            }
        }
    }
}
