//! Lists that a child returns, of refs or of changed files: one frame would not hold them.

use crate::{
    link::send,
    protocol::{FetchError, Reply},
};
use std::mem;

/// Bytes of the largest list, with those that it takes to keep each line.
const LARGEST: usize = 16 << 20;

/// Bytes of a part. As JSON they are six times as many at most, which a frame holds.
const PART: usize = 128 << 10;

/// Bytes that a line takes beside its text.
const LINE: usize = 64;

/// Lines, up to a bound.
#[derive(Debug, Default)]
pub(crate) struct List {
    lines: Vec<String>,
    bytes: usize,
}

impl List {
    /// Adds lines.
    pub(crate) fn add(&mut self, lines: Vec<String>) -> Result<(), FetchError> {
        for line in lines {
            self.push(line)?;
        }
        Ok(())
    }

    /// Adds a line.
    pub(crate) fn push(&mut self, line: String) -> Result<(), FetchError> {
        self.bytes = self.bytes.saturating_add(weight(&line));
        if self.bytes > LARGEST {
            let path: String = line.chars().take(200).collect();
            let message =
                format!("makes the list larger than {LARGEST} bytes, the limit of a list");
            return Err(FetchError::Tree { path, message });
        }
        self.lines.push(line);
        Ok(())
    }

    /// Returns the number of lines.
    pub(crate) fn len(&self) -> usize {
        self.lines.len()
    }

    /// Takes all lines out.
    pub(crate) fn take(&mut self) -> Vec<String> {
        self.bytes = 0;
        mem::take(&mut self.lines)
    }

    /// Sends all parts but the last, and returns that one as the last reply.
    pub(crate) fn reply(mut self) -> Reply {
        let mut parts = parts(self.take());
        let last = parts.pop().unwrap_or_default();
        for part in parts {
            send(&Reply::Part(part));
        }
        Reply::Listed(last)
    }
}

/// Cuts a list into parts, in the same order.
fn parts(lines: Vec<String>) -> Vec<Vec<String>> {
    let mut parts = Vec::new();
    let mut part = Vec::new();
    let mut bytes = 0;
    for line in lines {
        let weight = weight(&line);
        if bytes + weight > PART && !part.is_empty() {
            parts.push(mem::take(&mut part));
            bytes = 0;
        }
        bytes += weight;
        part.push(line);
    }
    parts.push(part);
    parts
}

fn weight(line: &str) -> usize {
    line.len().saturating_add(LINE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::{Frame, Kind};

    #[test]
    fn each_part_fits_into_a_frame_and_together_they_are_the_list() {
        let short = vec![String::new(); 10_000];
        let escaped = vec!["\u{1}".repeat(4096); 200];
        for lines in [Vec::new(), short, escaped] {
            let parts = parts(lines.clone());
            for part in &parts {
                let frame = Frame::json(Kind::Reply, 0, &Reply::Part(part.clone()));
                frame.unwrap().bytes().unwrap();
            }
            assert_eq!(parts.concat(), lines);
        }
    }

    #[test]
    fn a_list_has_a_bound_that_its_error_names() {
        let mut list = List::default();
        let line = "x".repeat(1 << 20);
        let error = (0..20).find_map(|_| list.push(line.clone()).err()).unwrap();
        let FetchError::Tree { path, message } = error else { panic!("{error:?}") };
        assert_eq!((list.len(), path.len()), (15, 200));
        assert!(message.contains("16777216 bytes"), "{message}");
        let mut empty = List::default();
        assert!(empty.add(vec![String::new(); 300_000]).is_err(), "lines take room, too");
    }
}
