//! Views of a text: percent-encoding, escapes and entities decoded, and for each byte its place in the
//! text.

use std::{borrow::Cow, ops::Range};

/// One way to write a character as several.
#[derive(Clone, Copy)]
enum Decoder {
    /// `%2F`.
    Percent,
    /// `%2F`, and `+` for a space (`application/x-www-form-urlencoded`).
    Form,
    /// `\n`, `\"`, `\/`, `\u002f`, `\x2f`, `\057`, `\$`: of JSON, JavaScript, C, Python, Go, Rust and
    /// shells.
    Escape,
    /// `&amp;`, `&#47;`, `&#x2F;`.
    Entity,
    /// `ESC [ 31 m`: of colours and cursors, within a text that a terminal shows whole.
    Control,
}

/// Decoders that are applied one after the other: for a URL within a URL, JSON within JSON, and the
/// like.
const CHAINS: [&[Decoder]; 11] = [
    &[Decoder::Percent],
    &[Decoder::Percent, Decoder::Percent],
    &[Decoder::Percent, Decoder::Escape],
    &[Decoder::Form],
    &[Decoder::Form, Decoder::Form],
    &[Decoder::Escape],
    &[Decoder::Escape, Decoder::Escape],
    &[Decoder::Escape, Decoder::Percent],
    &[Decoder::Entity],
    &[Decoder::Entity, Decoder::Escape],
    &[Decoder::Control],
];

/// A text as one chain of decoders reads it.
pub(super) struct View<'a> {
    pub(super) bytes: Cow<'a, [u8]>,
    /// The place of each byte in the text. `None` means that it is the byte's own index.
    places: Option<Vec<Range<usize>>>,
    /// Places of escapes that stand for nothing.
    skipped: Vec<Range<usize>>,
    /// The start of an escape at the text's end that is not whole, or else the text's length.
    pub(super) unread: usize,
    /// Number of decoders that read the text.
    pub(super) depth: usize,
}

/// Returns all views of `text`, which more may follow unless `is_end`. `holds_space` means that a `+` is
/// also read as a space.
pub(super) fn all(text: &[u8], holds_space: bool, is_end: bool) -> Vec<View<'_>> {
    let mut views = vec![View::of(text)];
    let percent = has_escape(text, b'%', u8::is_ascii_hexdigit);
    let form = holds_space && (percent || text.contains(&b'+'));
    let escape = text.contains(&b'\\');
    let entity = has_escape(text, b'&', is_named);
    let control = text.contains(&ESC);
    for chain in CHAINS {
        // A decoder whose first character is not in the text would give the same view again.
        let changes = match chain.first() {
            Some(Decoder::Percent) => percent,
            Some(Decoder::Form) => form,
            Some(Decoder::Escape) => escape,
            Some(Decoder::Entity) => entity,
            Some(Decoder::Control) => control,
            None => false,
        };
        if changes {
            let whole = View::of(text);
            let decoded = chain.iter().fold(whole, |view, decoder| view.decoded(*decoder, is_end));
            views.push(decoded);
        }
    }
    views
}

/// Returns whether an escape may begin with `first`: `100 %` and `a && b` are in many logs, and mean
/// themselves.
fn has_escape(text: &[u8], first: u8, may_follow: fn(&u8) -> bool) -> bool {
    let begins = |two: &[u8]| matches!(two, [one, next] if *one == first && may_follow(next));
    text.last() == Some(&first) || text.windows(2).any(begins)
}

/// Returns whether an entity's name may begin with this byte.
fn is_named(byte: &u8) -> bool {
    byte.is_ascii_alphanumeric() || *byte == b'#'
}

/// Undoes percent-encoding.
pub(super) fn percent_decoded(text: &[u8]) -> Vec<u8> {
    View::of(text).decoded(Decoder::Percent, true).bytes.into_owned()
}

impl<'a> View<'a> {
    /// Returns a text as it is.
    fn of(text: &'a [u8]) -> Self {
        let bytes = Cow::Borrowed(text);
        Self { bytes, places: None, skipped: Vec::new(), unread: text.len(), depth: 0 }
    }

    /// Returns the place in the text that a byte came from.
    pub(super) fn place(&self, index: usize) -> Range<usize> {
        match &self.places {
            None => index..index + 1,
            Some(places) => places.get(index).cloned().unwrap_or(self.unread..self.unread),
        }
    }

    /// Returns the place in the text that some bytes came from.
    pub(super) fn places(&self, bytes: &Range<usize>) -> Range<usize> {
        self.place(bytes.start).start..self.place(bytes.end.saturating_sub(1)).end
    }

    /// Finds the escape that a cut of the text at `at` would go through, and returns its start.
    pub(super) fn start_of_escape_at(&self, at: usize) -> Option<usize> {
        let within = |places: &[Range<usize>]| {
            let after = places.partition_point(|place| place.start < at);
            let before = places.get(after.checked_sub(1)?)?;
            (before.end > at).then_some(before.start)
        };
        within(self.places.as_ref()?).or_else(|| within(&self.skipped))
    }

    fn decoded(&self, decoder: Decoder, is_end: bool) -> View<'a> {
        let mut bytes = Vec::with_capacity(self.bytes.len());
        let mut places = Vec::with_capacity(self.bytes.len());
        let mut skipped = self.skipped.clone();
        let mut at = 0;
        let mut unread = self.unread;
        while let Some(rest @ [first, ..]) = self.bytes.get(at..) {
            let symbol = match decoder.read(rest) {
                Read::Whole(symbol) => symbol,
                Read::Partial if is_end => Symbol::byte(*first, 1),
                Read::Partial => {
                    unread = self.place(at).start;
                    break;
                }
            };
            let end = at + symbol.taken;
            let place = self.place(at).start..self.place(end.saturating_sub(1)).end;
            if symbol.meaning().is_empty() {
                skipped.push(place.clone());
            }
            for byte in symbol.meaning() {
                bytes.push(*byte);
                places.push(place.clone());
            }
            at = end;
        }
        let (bytes, places) = (Cow::Owned(bytes), Some(places));
        View { bytes, places, skipped, unread, depth: self.depth + 1 }
    }
}

/// A character, or a byte, that some bytes stand for.
struct Symbol {
    bytes: [u8; 4],
    length: usize,
    /// The number of bytes that were read, at least one.
    taken: usize,
}

impl Symbol {
    fn byte(byte: u8, taken: usize) -> Self {
        Self { bytes: [byte, 0, 0, 0], length: 1, taken }
    }

    fn character(character: char, taken: usize) -> Self {
        let mut bytes = [0; 4];
        let length = character.encode_utf8(&mut bytes).len();
        Self { bytes, length, taken }
    }

    fn meaning(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }
}

/// The result of reading one symbol.
enum Read {
    Whole(Symbol),
    /// An escape whose end has not come yet.
    Partial,
}

impl Decoder {
    fn read(self, bytes: &[u8]) -> Read {
        match (self, bytes) {
            (Self::Percent | Self::Form, [b'%', rest @ ..]) => percent(rest),
            (Self::Form, [b'+', ..]) => Read::Whole(Symbol::byte(b' ', 1)),
            (Self::Escape, [b'\\', rest @ ..]) => escape(rest),
            (Self::Entity, [b'&', rest @ ..]) => entity(rest),
            (Self::Control, [ESC, rest @ ..]) => control(rest),
            (_, [first, ..]) => Read::Whole(Symbol::byte(*first, 1)),
            (_, []) => Read::Partial,
        }
    }
}

/// Digits at the start of some bytes.
enum Number {
    Whole(u32),
    /// There are too few bytes, and all of them are digits.
    Partial,
    Missing,
}

fn number(bytes: &[u8], digits: usize, radix: u32) -> Number {
    let mut value: u32 = 0;
    for index in 0..digits {
        let Some(byte) = bytes.get(index) else { return Number::Partial };
        let Some(digit) = char::from(*byte).to_digit(radix) else { return Number::Missing };
        value = value.wrapping_mul(radix).wrapping_add(digit);
    }
    Number::Whole(value)
}

fn low_byte(value: u32) -> u8 {
    u8::try_from(value & 0xff).unwrap_or_default()
}

fn percent(rest: &[u8]) -> Read {
    match number(rest, 2, 16) {
        Number::Whole(value) => Read::Whole(Symbol::byte(low_byte(value), 3)),
        Number::Partial => Read::Partial,
        Number::Missing => Read::Whole(Symbol::byte(b'%', 1)),
    }
}

/// Reads an escape. `rest` follows the backslash.
fn escape(rest: &[u8]) -> Read {
    let Some((kind, rest)) = rest.split_first() else { return Read::Partial };
    let itself = Symbol::byte(*kind, 2);
    let control = |byte| Read::Whole(Symbol::byte(byte, 2));
    match kind {
        b'a' => control(0x07),
        b'b' => control(0x08),
        b't' => control(b'\t'),
        b'n' => control(b'\n'),
        b'v' => control(0x0b),
        b'f' => control(0x0c),
        b'r' => control(b'\r'),
        b'e' => control(0x1b),
        b'x' => match number(rest, 2, 16) {
            Number::Whole(value) => Read::Whole(Symbol::byte(low_byte(value), 4)),
            Number::Partial => Read::Partial,
            Number::Missing => Read::Whole(itself),
        },
        b'0'..=b'7' => octal(*kind, rest),
        b'u' if rest.first() == Some(&b'{') => braced(rest),
        b'u' => utf16(rest),
        b'U' => match number(rest, 8, 16) {
            Number::Whole(value) => {
                Read::Whole(char::from_u32(value).map_or(itself, |c| Symbol::character(c, 10)))
            }
            Number::Partial => Read::Partial,
            Number::Missing => Read::Whole(itself),
        },
        _ => Read::Whole(itself),
    }
}

/// Reads one to three digits, `first` among them.
fn octal(first: u8, rest: &[u8]) -> Read {
    let is_digit = |byte: &&u8| matches!(byte, b'0'..=b'7');
    let more = rest.iter().take(2).take_while(is_digit).count();
    if more < 2 && more == rest.len() {
        return Read::Partial;
    }
    let digits = std::iter::once(&first).chain(rest.iter().take(more));
    let value = digits.fold(0, |value, digit| value * 8 + u32::from(digit - b'0'));
    Read::Whole(Symbol::byte(low_byte(value), 2 + more))
}

/// Reads `{1f600}`.
fn braced(rest: &[u8]) -> Read {
    let digits = rest.iter().skip(1).take_while(|byte| byte.is_ascii_hexdigit()).count();
    match rest.get(digits + 1) {
        None if digits <= 6 => Read::Partial,
        Some(b'}') if (1..=6).contains(&digits) => {
            let value = match number(rest.get(1..).unwrap_or_default(), digits, 16) {
                Number::Whole(value) => char::from_u32(value),
                Number::Partial | Number::Missing => None,
            };
            let taken = digits + 4;
            Read::Whole(value.map_or(Symbol::byte(b'u', 2), |c| Symbol::character(c, taken)))
        }
        _ => Read::Whole(Symbol::byte(b'u', 2)),
    }
}

/// Reads four digits, or four and four: JSON writes characters past U+FFFF as two halves.
fn utf16(rest: &[u8]) -> Read {
    let itself = Symbol::byte(b'u', 2);
    let first = match number(rest, 4, 16) {
        Number::Whole(value) => value,
        Number::Partial => return Read::Partial,
        Number::Missing => return Read::Whole(itself),
    };
    if let Some(character) = char::from_u32(first) {
        return Read::Whole(Symbol::character(character, 6));
    }
    let second = match rest.get(4..).unwrap_or_default() {
        [] | [b'\\'] => return Read::Partial,
        [b'\\', b'u', digits @ ..] => number(digits, 4, 16),
        _ => return Read::Whole(itself),
    };
    match second {
        Number::Whole(second @ 0xdc00..=0xdfff) if first < 0xdc00 => {
            let value = 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00);
            Read::Whole(char::from_u32(value).map_or(itself, |c| Symbol::character(c, 12)))
        }
        Number::Partial => Read::Partial,
        _ => Read::Whole(itself),
    }
}

/// The byte that an escape of a terminal begins with.
const ESC: u8 = 0x1b;

/// The longest escape of a terminal that is read.
const LONGEST_CONTROL: usize = 64;

/// Reads an escape of a terminal (CSI of ECMA-48). `rest` follows the first byte.
fn control(rest: &[u8]) -> Read {
    let itself = Read::Whole(Symbol::byte(ESC, 1));
    match rest {
        [] => Read::Partial,
        [b'[', rest @ ..] => {
            let is_parameter = |byte: &&u8| matches!(byte, 0x20..=0x3f);
            let length = rest.iter().take(LONGEST_CONTROL).take_while(is_parameter).count();
            match rest.get(length) {
                None => Read::Partial,
                Some(0x40..=0x7e) => {
                    Read::Whole(Symbol { bytes: [0; 4], length: 0, taken: length + 3 })
                }
                Some(_) => itself,
            }
        }
        _ => itself,
    }
}

/// The longest name that is read: `#x10FFFF`.
const LONGEST_ENTITY: usize = 8;

/// Reads an entity. `rest` follows the ampersand.
fn entity(rest: &[u8]) -> Read {
    let is_name = |byte: &&u8| byte.is_ascii_alphanumeric() || **byte == b'#';
    let length = rest.iter().take(LONGEST_ENTITY).take_while(is_name).count();
    let itself = Read::Whole(Symbol::byte(b'&', 1));
    if length == rest.len() && length < LONGEST_ENTITY {
        return Read::Partial;
    }
    if rest.get(length) != Some(&b';') {
        return if length == rest.len() { Read::Partial } else { itself };
    }
    let character = match rest.get(..length).unwrap_or_default() {
        b"amp" => Some('&'),
        b"lt" => Some('<'),
        b"gt" => Some('>'),
        b"quot" => Some('"'),
        b"apos" => Some('\''),
        [b'#', b'x' | b'X', digits @ ..] => code_point(digits, 16),
        [b'#', digits @ ..] => code_point(digits, 10),
        _ => None,
    };
    character.map_or(itself, |c| Read::Whole(Symbol::character(c, length + 2)))
}

fn code_point(digits: &[u8], radix: u32) -> Option<char> {
    match number(digits, digits.len(), radix) {
        Number::Whole(value) if !digits.is_empty() => char::from_u32(value),
        _ => None,
    }
}
