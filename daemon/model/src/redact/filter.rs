//! Hashes of byte sequences, and a filter that most sequences do not pass.

/// Number of bits that one entry sets.
const PROBES: usize = 5;

/// Number of bits for each entry, at least: of a thousand foreign entries one or two pass.
const BITS: usize = 16;

/// Hash of a sequence that grows by a byte at a time (FNV-1a).
#[derive(Clone, Copy)]
pub(super) struct Hash(u64);

impl Hash {
    pub(super) fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }

    pub(super) fn add(&mut self, byte: u8) {
        self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }

    /// Returns the key of the sequence, which has this length.
    pub(super) fn key(self, length: usize) -> u64 {
        mixed(self.0.wrapping_add((length as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15)))
    }

    /// Returns the key of a whole sequence.
    pub(super) fn of(bytes: &[u8]) -> u64 {
        let mut hash = Self::new();
        bytes.iter().for_each(|byte| hash.add(*byte));
        hash.key(bytes.len())
    }
}

/// Spreads what distinguishes two numbers over all bits.
pub(super) fn mixed(number: u64) -> u64 {
    let number = (number ^ (number >> 32)).wrapping_mul(0xd6e8_feb8_6659_fd93);
    let number = (number ^ (number >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    number ^ (number >> 32)
}

/// A Bloom filter of keys that are spread already.
pub(super) struct Filter {
    words: Vec<u64>,
    /// Bits of a key that do not count.
    shift: u32,
}

impl Filter {
    /// Makes an empty filter for so many entries.
    pub(super) fn new(entries: usize) -> Self {
        let bits = entries.saturating_mul(BITS).max(1024).next_power_of_two();
        Self { words: vec![0; bits / 64], shift: 64 - bits.trailing_zeros() }
    }

    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        self.words.len() * size_of::<u64>()
    }

    pub(super) fn insert(&mut self, key: u64) {
        for (word, bit) in probes(key, self.shift) {
            if let Some(word) = self.words.get_mut(word) {
                *word |= bit;
            }
        }
    }

    /// Returns whether an entry has this key. Few keys of no entry pass too.
    pub(super) fn has(&self, key: u64) -> bool {
        probes(key, self.shift)
            .all(|(word, bit)| self.words.get(word).is_some_and(|word| word & bit != 0))
    }
}

/// Returns the words and their bits that belong to a key.
fn probes(key: u64, shift: u32) -> impl Iterator<Item = (usize, u64)> {
    let step = key.rotate_left(32) | 1;
    let keys = std::iter::successors(Some(key), move |key| Some(key.wrapping_add(step)));
    keys.take(PROBES).map(move |key| {
        let bit = key >> shift;
        (usize::try_from(bit / 64).unwrap_or_default(), 1 << (bit % 64))
    })
}
