//! Runs of digits in a text: base64 and hexadecimal, over line breaks and separators.
//!
//! A run is read from each of its first digits on, since nobody knows where an encoder began. The rule for
//! line breaks looks at a few bytes before the break alone, so that a stream may be cut elsewhere.

use std::ops::Range;

/// Number of bytes of a run on one line, after which a run may go on in the next line. Encoders break lines
/// later, and the words that most lines end with are shorter.
const LINE: usize = 32;

/// Number of blanks before a line that a run goes on in.
const INDENT: usize = 32;

/// An encoding that changes every byte.
#[derive(Clone, Copy, Debug)]
pub(super) enum Radix {
    /// Both alphabets of RFC 4648.
    Base64,
    /// Either case, with or without separators.
    Hex,
}

/// All of them.
pub(super) const ALL: [Radix; 2] = [Radix::Base64, Radix::Hex];

impl Radix {
    fn bits(self) -> usize {
        match self {
            Self::Base64 => 6,
            Self::Hex => 4,
        }
    }

    /// Returns the number of digits after which the boundaries of bytes repeat themselves.
    pub(super) fn phases(self) -> usize {
        match self {
            Self::Base64 => 4,
            Self::Hex => 2,
        }
    }

    /// Returns the length of the shortest sequence that is looked for: eight digits.
    pub(super) fn shortest(self) -> usize {
        self.bits()
    }

    /// Returns the number of digits that hold a sequence of so many bytes.
    pub(super) fn digits(self, bytes: usize) -> usize {
        (bytes.max(self.shortest()) * 8).div_ceil(self.bits())
    }

    fn digit(self, byte: u8) -> Option<u8> {
        match (self, byte) {
            (Self::Base64, b'A'..=b'Z') => Some(byte - b'A'),
            (Self::Base64, b'a'..=b'z') => Some(byte - b'a' + 26),
            (Self::Base64, b'0'..=b'9') => Some(byte - b'0' + 52),
            (Self::Base64, b'+' | b'-') => Some(62),
            (Self::Base64, b'/' | b'_') => Some(63),
            (Self::Hex, b'0'..=b'9') => Some(byte - b'0'),
            (Self::Hex, b'a'..=b'f') => Some(byte - b'a' + 10),
            (Self::Hex, b'A'..=b'F') => Some(byte - b'A' + 10),
            _ => None,
        }
    }

    fn separates(self, byte: u8) -> bool {
        matches!((self, byte), (Self::Hex, b':' | b'-' | b' ' | b','))
    }
}

/// Digits that belong together.
#[derive(Default)]
pub(super) struct Run {
    values: Vec<u8>,
    /// Place of each digit in the text.
    places: Vec<usize>,
    /// The text ends before the run does.
    pub(super) is_open: bool,
}

impl Run {
    /// Reads the bytes that the digits after the first `phase` stand for.
    pub(super) fn decode(&self, radix: Radix, phase: usize, bytes: &mut Vec<u8>) {
        bytes.clear();
        let (mut held, mut bits) = (0_u32, 0);
        for value in self.values.iter().skip(phase) {
            held = (held << radix.bits()) | u32::from(*value);
            bits += radix.bits();
            if bits >= 8 {
                bits -= 8;
                bytes.push(u8::try_from(held >> bits).unwrap_or_default());
                held &= (1 << bits) - 1;
            }
        }
    }

    /// Returns the place of the first digit that holds some of a decoded byte.
    pub(super) fn place(&self, radix: Radix, phase: usize, byte: usize) -> usize {
        let digit = phase + byte * 8 / radix.bits();
        self.places.get(digit).copied().unwrap_or_default()
    }

    /// Returns the place of the last digit up to a decoded byte that begins together with a byte: all bytes
    /// from there on can be read without what is before it. `None` means that the run ends before.
    pub(super) fn aligned(&self, radix: Radix, phase: usize, byte: usize) -> Option<usize> {
        let bytes = radix.phases() * radix.bits() / 8;
        self.places.get(phase + byte / bytes * radix.phases()).copied()
    }

    /// Returns the places of the digits that hold some of the decoded bytes.
    pub(super) fn places(&self, radix: Radix, phase: usize, bytes: &Range<usize>) -> Range<usize> {
        let place = |bit: usize| self.places.get(phase + bit / radix.bits()).copied();
        let first = place(bytes.start * 8).unwrap_or_default();
        let last = place((bytes.end * 8).saturating_sub(1)).unwrap_or(first);
        first..last + 1
    }

    /// Returns the place of the last digit that is so far before `end` that the rule for line breaks sees
    /// enough of the line, which begins at `line`.
    fn before(&self, end: usize, line: usize) -> usize {
        let enough = end.saturating_sub(LINE);
        let after = self.places.partition_point(|place| *place <= enough);
        let found = after.checked_sub(1).and_then(|index| self.places.get(index));
        found.copied().unwrap_or(line).max(line)
    }

    fn clear(&mut self) {
        self.values.clear();
        self.places.clear();
    }
}

/// Places at which a stream must not be cut.
#[derive(Default)]
pub(super) struct Limits {
    /// Place from which on the text is held back, since its last run may go on. `None` means that it cannot.
    pub(super) held: Option<usize>,
    /// Line breaks within runs, with the part of the line that makes each one.
    pub(super) joints: Vec<Range<usize>>,
}

/// Hands over each run of at least `least` digits, and the open one at the end, however short.
pub(super) fn runs(radix: Radix, text: &[u8], least: usize, mut take: impl FnMut(&Run)) -> Limits {
    let mut limits = Limits::default();
    let mut run = Run::default();
    // Place of the run's first digit in the present line.
    let mut line = 0;
    let mut at = 0;
    while let Some(byte) = text.get(at) {
        if let Some(value) = radix.digit(*byte) {
            if run.values.is_empty() {
                line = at;
            }
            run.values.push(value);
            run.places.push(at);
            at += 1;
            continue;
        }
        let gap = if run.values.is_empty() { Gap::End } else { gap(radix, text, at, line) };
        match gap {
            Gap::End => {
                if run.values.len() >= least {
                    take(&run);
                }
                run.clear();
                at += 1;
            }
            Gap::Until { end, line_break } => {
                if let Some(line_break) = line_break {
                    limits.joints.push(run.before(line_break, line)..end);
                    if end < text.len() {
                        line = end;
                    }
                }
                at = end;
            }
        }
    }
    if !run.values.is_empty() {
        run.is_open = true;
        let joint = limits.joints.last().filter(|joint| joint.end == text.len());
        limits.held = Some(joint.map_or_else(|| run.before(text.len(), line), |joint| joint.start));
        take(&run);
    }
    limits
}

/// Bytes between two digits.
enum Gap {
    /// The run ends here.
    End,
    /// The run goes on at `end`, or the text ends there.
    Until {
        end: usize,
        /// `None` means that no line ends in between.
        line_break: Option<usize>,
    },
}

/// Reads what follows a digit: up to two separators, then a line break with an indent.
fn gap(radix: Radix, text: &[u8], at: usize, line: usize) -> Gap {
    let rest = text.get(at..).unwrap_or_default();
    let separators = rest.iter().take(2).take_while(|byte| radix.separates(**byte)).count();
    let mut end = at + separators;
    let mut line_break = None;
    if end.saturating_sub(line) >= LINE {
        let breaks = match text.get(end..).unwrap_or_default() {
            [b'\r', b'\n', ..] => 2,
            [b'\n', ..] | [b'\r'] => 1,
            _ => 0,
        };
        if breaks > 0 {
            line_break = Some(end);
            let rest = text.get(end + breaks..).unwrap_or_default().iter();
            let is_blank = |byte: &&u8| matches!(byte, b' ' | b'\t');
            end += breaks + rest.take(INDENT).take_while(is_blank).count();
        }
    }
    match text.get(end) {
        Some(next) if end == at || radix.digit(*next).is_none() => Gap::End,
        _ => Gap::Until { end, line_break },
    }
}
