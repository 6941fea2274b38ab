//! Rewrites a socket's path in `:authority` into one that HTTP/2 allows.
//!
//! Many clients of gRPC send the path of the unix socket as `:authority`: grpcio percent-encoded, grpc-java
//! and grpcurl as it is. By RFC 3986 no host holds `%`, `/` or a blank: `http::uri::Authority` refuses it, and
//! `h2` (`server.rs`, `convert_poll_message`) answers `RST_STREAM PROTOCOL_ERROR` before any service is called.
//! Neither library has an option for it. Over a unix socket nobody reads the authority, since the kernel names the
//! caller. So such characters become `-` on their way in. A `-` takes as many bytes, in Huffman's code as many
//! bits: no frame, no string and no table of HPACK changes its size.

use std::ops::Range;

/// First bytes of each HTTP/2 connection.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// Length, type, flags and stream of a frame.
const FRAME_HEAD: usize = 9;
/// `SETTINGS_MAX_FRAME_SIZE` where a server sets no other, as ours. `h2` refuses what is larger.
const LARGEST_FRAME: usize = 16 << 10;
/// A frame's type, and its flags.
const HEADERS: u8 = 1;
const PADDED: u8 = 0x08;
const PRIORITY: u8 = 0x20;
/// `:authority` in HPACK: its place in the static table, and its name with and without Huffman's code.
const INDEX: usize = 1;
const NAME: &[u8] = b":authority";
const CODED_NAME: &[u8] = &[0xb8, 0x3b, 0x53, 0x39, 0xec, 0x32, 0x7d, 0x7f];

/// Bytes from a client on their way to the HTTP/2 library.
#[derive(Default)]
pub(crate) struct Rewriter {
    state: State,
    /// The beginning of a frame's head or of a HEADERS frame.
    held: Vec<u8>,
}

#[derive(Clone, Copy)]
enum State {
    /// So many bytes of the preface have come.
    Preface(usize),
    /// A frame's head is awaited.
    Head,
    /// A HEADERS frame's payload is awaited.
    Headers { flags: u8, length: usize },
    /// So many bytes of another frame are passed on.
    Frame(usize),
    /// The client does not speak HTTP/2, which the library finds too.
    Foreign,
}

impl Default for State {
    fn default() -> Self {
        Self::Preface(0)
    }
}

impl Rewriter {
    /// Appends to `output` what the library may read after these bytes have come.
    pub(crate) fn push(&mut self, mut input: &[u8], output: &mut Vec<u8>) {
        while !input.is_empty() {
            input = self.step(input, output);
        }
    }

    /// Takes bytes up to the next change of state, and returns the rest.
    fn step<'a>(&mut self, input: &'a [u8], output: &mut Vec<u8>) -> &'a [u8] {
        match self.state {
            State::Preface(seen) => {
                let expected = PREFACE.get(seen..).unwrap_or_default();
                let (now, rest) = first(input, expected.len());
                output.extend_from_slice(now);
                let seen = seen + now.len();
                self.state = if !expected.starts_with(now) {
                    State::Foreign
                } else if seen == PREFACE.len() {
                    State::Head
                } else {
                    State::Preface(seen)
                };
                rest
            }
            State::Head => {
                let (now, rest) = first(input, FRAME_HEAD.saturating_sub(self.held.len()));
                self.held.extend_from_slice(now);
                if let &[a, b, c, kind, flags, _, _, _, _] = self.held.as_slice() {
                    output.append(&mut self.held);
                    let length = (usize::from(a) << 16) | (usize::from(b) << 8) | usize::from(c);
                    self.state = if length == 0 {
                        State::Head
                    } else if kind == HEADERS && length <= LARGEST_FRAME {
                        State::Headers { flags, length }
                    } else {
                        State::Frame(length)
                    };
                }
                rest
            }
            State::Headers { flags, length } => {
                let (now, rest) = first(input, length.saturating_sub(self.held.len()));
                self.held.extend_from_slice(now);
                if self.held.len() == length {
                    let _ = rewrite(&mut self.held, flags);
                    output.append(&mut self.held);
                    self.state = State::Head;
                }
                rest
            }
            State::Frame(left) => {
                let (now, rest) = first(input, left);
                output.extend_from_slice(now);
                let left = left.saturating_sub(now.len());
                self.state = if left == 0 { State::Head } else { State::Frame(left) };
                rest
            }
            State::Foreign => {
                output.extend_from_slice(input);
                &[]
            }
        }
    }
}

/// Splits after `count` bytes, or after all.
fn first(bytes: &[u8], count: usize) -> (&[u8], &[u8]) {
    bytes.split_at(count.min(bytes.len()))
}

/// Rewrites the authority in a HEADERS frame's payload. `None` means that there is no authority to rewrite, or
/// that the payload is malformed, which the library finds too.
fn rewrite(payload: &mut [u8], flags: u8) -> Option<()> {
    let is = |flag: u8| flags & flag != 0;
    let padding = if is(PADDED) { usize::from(*payload.first()?) } else { 0 };
    let begin = usize::from(is(PADDED)) + if is(PRIORITY) { 5 } else { 0 };
    let end = payload.len().checked_sub(padding)?;
    let block = payload.get_mut(begin..end)?;
    let value = Block { bytes: block, at: 0 }.authority()?;
    let text = block.get_mut(value.place)?;
    if value.is_coded {
        rewrite_coded(text);
    } else {
        text.iter_mut().filter(|byte| is_refused(**byte)).for_each(|byte| *byte = b'-');
    }
    Some(())
}

/// Returns true for a byte that no authority may hold.
fn is_refused(byte: u8) -> bool {
    !byte.is_ascii_alphanumeric() && !b"-._~:@[]!$&'()*+,;=".contains(&byte)
}

/// Rewrites a value in Huffman's code. The code is canonical (RFC 7541, appendix B): the first bits of a symbol
/// give its length. Symbols of more than eight bits are in no usual path; what follows one stays as it is.
fn rewrite_coded(text: &mut [u8]) {
    /// The blank, `%`, `/` and `-`.
    const BLANK: u16 = 0b01_0100;
    const PERCENT: u16 = 0b01_0101;
    const SLASH: u16 = 0b01_1000;
    const DASH: u16 = 0b01_0110;
    let mut at = 0;
    loop {
        let byte = at / 8;
        let shift = at % 8;
        let Some(&high) = text.get(byte) else { return };
        let low = text.get(byte + 1).copied().unwrap_or(u8::MAX);
        let bits = u16::from_be_bytes([high, low]) << shift;
        let length = match bits >> 8 {
            0x00..0x50 => 5,
            0x50..0xb8 => 6,
            0xb8..0xf8 => 7,
            0xf8..0xfe => 8,
            // A longer symbol, or the ones that fill the last byte.
            _ => return,
        };
        let symbol = bits >> 10;
        if length == 6 && matches!(symbol, BLANK | PERCENT | SLASH) {
            let [in_high, in_low] = (((symbol ^ DASH) << 10) >> shift).to_be_bytes();
            for (place, change) in [(byte, in_high), (byte + 1, in_low)] {
                if let Some(byte) = text.get_mut(place) {
                    *byte ^= change;
                }
            }
        }
        at += length;
    }
}

/// A header block, read without its tables, since no table is needed to find where fields begin and end.
struct Block<'a> {
    bytes: &'a [u8],
    at: usize,
}

/// A string's place in a block.
struct Text {
    place: Range<usize>,
    is_coded: bool,
}

impl Block<'_> {
    /// Finds the value of `:authority` where it is spelled out (RFC 7541, 6). A field that names an entry of the
    /// table needs no rewriting: the entry was rewritten when it came into the table.
    fn authority(mut self) -> Option<Text> {
        loop {
            let first = self.peek()?;
            if first & 0x80 != 0 {
                // A whole field of a table.
                self.integer(7)?;
                continue;
            }
            if first & 0xe0 == 0x20 {
                // The table's size.
                self.integer(5)?;
                continue;
            }
            let index = self.integer(if first & 0x40 != 0 { 6 } else { 4 })?;
            let is_authority = if index == 0 {
                let name = self.text()?;
                let spelled = if name.is_coded { CODED_NAME } else { NAME };
                self.bytes.get(name.place)? == spelled
            } else {
                index == INDEX
            };
            let value = self.text()?;
            if is_authority {
                return Some(value);
            }
        }
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn next(&mut self) -> Option<usize> {
        let byte = self.peek()?;
        self.at += 1;
        Some(usize::from(byte))
    }

    /// Reads an integer with a prefix of so many bits (RFC 7541, 5.1).
    fn integer(&mut self, bits: u32) -> Option<usize> {
        let most = (1 << bits) - 1;
        let mut value = self.next()? & most;
        if value < most {
            return Some(value);
        }
        // More than a frame can hold takes no fourth byte.
        for shift in [0, 7, 14] {
            let byte = self.next()?;
            value += (byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }

    /// Reads a string (RFC 7541, 5.2).
    fn text(&mut self) -> Option<Text> {
        let is_coded = self.peek()? & 0x80 != 0;
        let length = self.integer(7)?;
        let place = self.at..self.at + length;
        self.bytes.get(place.clone())?;
        self.at = place.end;
        Some(Text { place, is_coded })
    }
}

#[cfg(test)]
mod tests;
