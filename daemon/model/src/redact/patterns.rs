//! The byte sequences that are looked for, by their hashes.
//!
//! A sequence of up to [`WINDOW`] bytes is looked for whole. Of a longer one each piece of [`WINDOW`] bytes
//! is: so time and memory grow with the length of a secret, few bytes of a stream are held back, and a part
//! of the secret is masked too. Only hashes are kept.

use super::filter::{Filter, Hash, mixed};
use std::{collections::BTreeSet, ops::Range};

/// Length of the pieces that a long sequence is looked for by. A line of an encoder holds one: 64 digits of
/// base64 are 48 bytes, 60 of `xxd` are 30.
pub(super) const WINDOW: usize = 24;

/// Number of bytes of a sequence by which it is recognised first.
const GRAM: usize = 8;

/// The same for a sequence that is shorter than that.
const SHORT_GRAM: usize = 4;

/// Largest distance between two pieces, at line breaks.
const GAP: usize = 16;

/// Number of hashes that are kept before they are sorted for the first time.
const UNSORTED: usize = 1 << 16;

/// Sequences that are looked for.
pub(super) struct Patterns {
    /// Hashes of all sequences, sorted.
    hashes: Vec<u64>,
    /// The same hashes, and the first bytes of all sequences.
    filter: Filter,
    /// First bytes, and first two bytes, of all sequences, a bit for each.
    firsts: Vec<u64>,
    pairs: Vec<u64>,
    /// Lengths of the sequences, a bit for each.
    lengths: u32,
    /// Length of the longest sequence.
    longest: usize,
    /// Length of the shortest sequence.
    pub(super) shortest: usize,
    /// A sequence holds a space, which forms send as `+`.
    pub(super) holds_space: bool,
    /// A sequence holds a line break.
    holds_break: bool,
    /// A sequence holds a line break in its first bytes.
    begins_with_break: bool,
}

impl Patterns {
    /// Returns the sequences of these values, without those of `public` ones. `None` means that there are
    /// none.
    pub(super) fn new(values: &BTreeSet<Vec<u8>>, public: &BTreeSet<Vec<u8>>) -> Option<Self> {
        let public = hashes(public);
        let mut hashes = hashes(values);
        hashes.retain(|hash| public.binary_search(hash).is_err());
        if hashes.is_empty() {
            return None;
        }
        hashes.shrink_to_fit();
        let mut filter = Filter::new(hashes.len().saturating_mul(3));
        hashes.iter().for_each(|hash| filter.insert(*hash));
        let mut patterns = Self {
            hashes,
            filter,
            firsts: vec![0; 4],
            pairs: vec![0; 1 << 10],
            lengths: 0,
            longest: 0,
            shortest: WINDOW,
            holds_space: false,
            holds_break: false,
            begins_with_break: false,
        };
        for value in values {
            each_piece(value, |piece| patterns.add(piece));
        }
        Some(patterns)
    }

    /// Returns the memory that the sequences take.
    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        self.hashes.len() * size_of::<u64>() + self.filter.bytes()
    }

    fn add(&mut self, piece: &[u8]) {
        self.lengths |= 1 << piece.len().min(WINDOW);
        self.longest = self.longest.max(piece.len());
        self.shortest = self.shortest.min(piece.len());
        self.holds_space |= piece.contains(&b' ');
        self.holds_break |= piece.contains(&b'\n');
        self.begins_with_break |= piece.iter().take(GRAM).any(|byte| *byte == b'\n');
        if let [first, second, ..] = piece {
            set(&mut self.firsts, usize::from(*first));
            set(&mut self.pairs, pair(*first, *second));
        }
        if let Some(gram) = gram(piece, SHORT_GRAM) {
            self.filter.insert(short_key(gram));
        }
        if let Some(gram) = gram(piece, GRAM) {
            self.filter.insert(mixed(gram));
        }
    }

    /// Hands over the places of all sequences in `text`. They may overlap, and are in no order.
    pub(super) fn search(&self, text: &[u8], mut found: impl FnMut(Range<usize>)) {
        let mut gram = 0_u64;
        let mut look = |at: usize| {
            if let Some(length) = self.longest_at(text.get(at..).unwrap_or_default()) {
                found(at..at + length);
            }
        };
        for (last, byte) in text.iter().enumerate() {
            gram = (gram << 8) | u64::from(*byte);
            if last + 1 >= GRAM && self.filter.has(mixed(gram)) {
                look(last + 1 - GRAM);
            }
            if self.shortest < GRAM
                && last + 1 >= SHORT_GRAM
                && self.filter.has(short_key(gram & 0xffff_ffff))
            {
                look(last + 1 - SHORT_GRAM);
            }
        }
    }

    /// Returns the length of the longest sequence that `text` begins with.
    fn longest_at(&self, text: &[u8]) -> Option<usize> {
        let mut hash = Hash::new();
        let mut longest = None;
        for (index, byte) in text.iter().take(self.longest).enumerate() {
            hash.add(*byte);
            let length = index + 1;
            if self.lengths & (1 << length) != 0 && self.has(hash.key(length)) {
                longest = Some(length);
            }
        }
        longest
    }

    fn has(&self, hash: u64) -> bool {
        self.filter.has(hash) && self.hashes.binary_search(&hash).is_ok()
    }

    /// Finds the longest end of `text`, of at least `least` bytes, with which a sequence may have begun, and
    /// returns its place. A few ends with which none begins are found too.
    pub(super) fn begun_in(&self, text: &[u8], least: usize) -> Option<usize> {
        let from = text.len().saturating_sub(self.longest.saturating_sub(1));
        let to = (text.len() + 1).saturating_sub(least.max(1));
        (from..to).find(|at| self.may_begin(text.get(*at..).unwrap_or_default()))
    }

    fn may_begin(&self, end: &[u8]) -> bool {
        let breaks = |bytes: usize| end.iter().take(bytes).any(|byte| *byte == b'\n');
        if (!self.begins_with_break && breaks(GRAM)) || (!self.holds_break && breaks(WINDOW)) {
            return false;
        }
        match end {
            [] => false,
            [first] => is_set(&self.firsts, usize::from(*first)),
            [first, second] | [first, second, _] => is_set(&self.pairs, pair(*first, *second)),
            _ => match gram(end, GRAM) {
                Some(gram) => self.filter.has(mixed(gram)),
                None => gram(end, SHORT_GRAM).is_some_and(|gram| self.filter.has(short_key(gram))),
            },
        }
    }
}

/// Returns the sorted hashes of all pieces of these values.
fn hashes(values: &BTreeSet<Vec<u8>>) -> Vec<u64> {
    let mut hashes = Vec::new();
    let mut unsorted = UNSORTED;
    for value in values {
        each_piece(value, |piece| hashes.push(Hash::of(piece)));
        // The parts of a value, and its quoted forms, have most pieces in common.
        if hashes.len() > unsorted {
            hashes.sort_unstable();
            hashes.dedup();
            unsorted = hashes.len().saturating_mul(2).max(UNSORTED);
        }
    }
    hashes.sort_unstable();
    hashes.dedup();
    hashes
}

/// Hands over the pieces of a value. Each byte of the value is in one of them.
///
/// A piece that breaks its line in its first bytes is left out where its neighbours suffice: or the end of
/// every printed line would be held back, as the possible beginning of a secret.
fn each_piece(value: &[u8], mut take: impl FnMut(&[u8])) {
    if value.len() <= WINDOW {
        take(value);
        return;
    }
    let last = value.len() - WINDOW;
    let mut before = 0;
    for (at, piece) in value.windows(WINDOW).enumerate() {
        let breaks = piece.iter().take(GRAM).any(|byte| *byte == b'\n');
        if !breaks || at == 0 || at == last || at - before >= GAP {
            take(piece);
            before = at;
        }
    }
}

/// Returns the first bytes as a number.
fn gram(bytes: &[u8], length: usize) -> Option<u64> {
    let first = bytes.get(..length)?;
    Some(first.iter().fold(0, |gram, byte| (gram << 8) | u64::from(*byte)))
}

/// Returns the key of four bytes, which is no other one's.
fn short_key(gram: u64) -> u64 {
    mixed(gram | (1 << 40))
}

fn pair(first: u8, second: u8) -> usize {
    (usize::from(first) << 8) | usize::from(second)
}

fn set(bits: &mut [u64], bit: usize) {
    if let Some(word) = bits.get_mut(bit / 64) {
        *word |= 1 << (bit % 64);
    }
}

fn is_set(bits: &[u64], bit: usize) -> bool {
    bits.get(bit / 64).is_some_and(|word| word & (1 << (bit % 64)) != 0)
}
