//! Masks secrets in everything that is recorded, however the text was cut or escaped before.
//!
//! A text is searched as it is, and as each decoder of `view` reads it. So a secret that some tool
//! percent-encoded or escaped is found, whichever characters that tool leaves alone. Encodings that
//! change every byte (base64, hex) are patterns of their own.

use crate::secret::Secret;
use aho_corasick::{Anchored, MatchKind, automaton::Automaton, nfa::contiguous::NFA};
use std::{collections::BTreeSet, mem, ops::Range, sync::Arc};
use view::View;

mod forms;
mod view;

pub use forms::SHORTEST;

/// The text that stands in a secret's place.
const MASK: &str = "***";

/// The number of bytes that are searched at once. A view keeps the place of each byte, so that all views
/// of a text take two hundred times the memory of the text.
const PIECE: usize = 64 << 10;

/// The masker of a job's secrets.
#[derive(Clone, Default)]
pub struct Redactor {
    /// `None` means that there is no secret.
    patterns: Option<Arc<Patterns>>,
}

impl Redactor {
    /// Makes a redactor of these secrets, their parts, and the encodings of both.
    #[must_use]
    pub fn new<'a>(secrets: impl IntoIterator<Item = &'a Secret>) -> Self {
        Self::except(secrets, std::iter::empty())
    }

    /// Makes a redactor that leaves `public` parts of these secrets as they are, such as a key's id.
    #[must_use]
    pub fn except<'a>(
        secrets: impl IntoIterator<Item = &'a Secret>,
        public: impl IntoIterator<Item = &'a Secret>,
    ) -> Self {
        let mut patterns = BTreeSet::new();
        let mut known = BTreeSet::new();
        for secret in secrets {
            forms::add(secret.reveal(), &mut patterns);
        }
        for part in public {
            forms::add(part.reveal(), &mut known);
        }
        patterns.retain(|pattern| !known.contains(pattern));
        if patterns.is_empty() {
            return Self::default();
        }
        let holds_space = patterns.iter().any(|pattern| pattern.contains(&b' '));
        let automaton = NFA::builder().match_kind(MatchKind::Standard).build(&patterns);
        // Building fails only past billions of states; the store refuses secrets that large.
        let patterns = automaton.ok().map(|automaton| Patterns { automaton, holds_space });
        Self { patterns: patterns.map(Arc::new) }
    }

    /// Returns `text` with each secret as `***`.
    #[must_use]
    pub fn mask(&self, text: &str) -> String {
        if self.patterns.is_none() {
            return text.to_owned();
        }
        let mut whole = self.stream();
        let mut masked = Vec::new();
        if text.len() > PIECE {
            masked = whole.push(text.as_bytes());
        } else {
            whole.held.extend_from_slice(text.as_bytes());
        }
        masked.extend(whole.finish());
        String::from_utf8_lossy(&masked).into_owned()
    }

    /// Makes a masker for one stream that arrives in pieces.
    #[must_use]
    pub fn stream(&self) -> Stream {
        Stream { redactor: self.clone(), held: Vec::new(), covered: 0 }
    }
}

/// The masker of a stream. It holds back the end of the stream while that may be the start of a secret.
#[derive(Clone)]
pub struct Stream {
    redactor: Redactor,
    held: Vec<u8>,
    /// The number of bytes held that belong to a secret whose mask was shown already.
    covered: usize,
}

impl Stream {
    /// Takes a piece and returns all that is safe to show.
    #[must_use]
    pub fn push(&mut self, piece: &[u8]) -> Vec<u8> {
        let mut shown = Vec::new();
        for part in piece.chunks(PIECE) {
            self.held.extend_from_slice(part);
            shown.extend(self.show(false));
        }
        shown
    }

    /// Ends the stream and returns the bytes that were held back.
    #[must_use]
    pub fn finish(&mut self) -> Vec<u8> {
        self.show(true)
    }

    /// Gives the stream up and returns the bytes that were held back. A secret may be cut in the middle
    /// there, so its possible start is masked too.
    #[must_use]
    pub fn cut(&mut self) -> Vec<u8> {
        let patterns = self.redactor.patterns.clone();
        let begun = patterns.and_then(|patterns| patterns.begun(&self.held));
        let Some(begun) = begun else { return self.finish() };
        self.held.truncate(begun);
        let mut shown = self.finish();
        shown.extend_from_slice(MASK.as_bytes());
        shown
    }

    fn show(&mut self, is_end: bool) -> Vec<u8> {
        let Some(patterns) = self.redactor.patterns.clone() else {
            return mem::take(&mut self.held);
        };
        let Found { mut secrets, open: cut } = patterns.find(&self.held, is_end);
        if cut == 0 {
            return Vec::new();
        }
        if self.covered > 0 {
            secrets.push(0..self.covered);
        }
        let mut shown = Vec::new();
        let mut at = 0;
        let mut covered = 0;
        for secret in joined(secrets) {
            if secret.start >= cut {
                break;
            }
            shown.extend_from_slice(self.held.get(at..secret.start).unwrap_or_default());
            if secret.start > 0 || self.covered == 0 {
                shown.extend_from_slice(MASK.as_bytes());
            }
            at = secret.end.min(cut);
            covered = secret.end.saturating_sub(cut);
        }
        shown.extend_from_slice(self.held.get(at..cut).unwrap_or_default());
        self.held.drain(..cut);
        self.covered = covered;
        shown
    }
}

/// The byte sequences that are looked for.
struct Patterns {
    automaton: NFA,
    /// A pattern holds a space, which forms send as `+`.
    holds_space: bool,
}

/// The result of one search.
struct Found {
    /// The places of secrets, in no order.
    secrets: Vec<Range<usize>>,
    /// The place from which on a secret may begin that is not whole yet.
    open: usize,
}

impl Patterns {
    /// Searches `text`, which more may follow unless `is_end`.
    fn find(&self, text: &[u8], is_end: bool) -> Found {
        let views = view::all(text, self.holds_space, is_end);
        let mut secrets = Vec::new();
        let mut open = text.len();
        for view in &views {
            self.search(view, &mut secrets);
            if !is_end {
                let begun = self.begun_in(view, 1).unwrap_or(view.unread);
                open = open.min(begun);
            }
        }
        // A cut through an escape would change what its rest means.
        while let Some(earlier) = views.iter().find_map(|view| view.start_of_escape_at(open)) {
            open = earlier;
        }
        Found { secrets, open }
    }

    fn search(&self, view: &View<'_>, secrets: &mut Vec<Range<usize>>) {
        let Ok(mut state) = self.automaton.start_state(Anchored::No) else { return };
        for (at, byte) in view.bytes.iter().enumerate() {
            state = self.automaton.next_state(Anchored::No, state, *byte);
            if !self.automaton.is_match(state) {
                continue;
            }
            // The longest that ends here is the first; the others, of which a secret may have
            // hundreds, are within it.
            let longest = self.automaton.pattern_len(self.automaton.match_pattern(state, 0));
            let first = view.place((at + 1).saturating_sub(longest));
            let last = view.place(at);
            match secrets.last_mut() {
                Some(before) if before.start <= first.start && first.start < before.end => {
                    before.end = before.end.max(last.end);
                }
                _ => secrets.push(first.start..last.end),
            }
        }
    }

    /// Finds the place at which a secret may have begun whose start is long enough to give something
    /// away.
    fn begun(&self, text: &[u8]) -> Option<usize> {
        let views = view::all(text, self.holds_space, false);
        views.iter().filter_map(|view| self.begun_in(view, SHORTEST)).min()
    }

    /// Finds the longest end of a view, of at least `least` bytes, that a pattern begins with, and
    /// returns its place in the text.
    fn begun_in(&self, view: &View<'_>, least: usize) -> Option<usize> {
        let longest = self.automaton.max_pattern_len();
        let from = view.bytes.len().saturating_sub(longest);
        let to = (view.bytes.len() + 1).saturating_sub(least);
        // A secret that repeats itself begins at each of its bytes: after so many comparisons it is
        // taken to have begun, which holds back more and shows nothing.
        let mut left = view.bytes.len().saturating_mul(16).saturating_add(PIECE);
        let begins_pattern = |at: &usize| {
            let Ok(mut state) = self.automaton.start_state(Anchored::Yes) else { return true };
            view.bytes.get(*at..).unwrap_or_default().iter().all(|byte| {
                left = left.saturating_sub(1);
                state = self.automaton.next_state(Anchored::Yes, state, *byte);
                left == 0 || !self.automaton.is_dead(state)
            })
        };
        (from..to).find(begins_pattern).map(|at| view.place(at).start)
    }
}

/// Sorts ranges, and joins those that overlap.
fn joined(mut ranges: Vec<Range<usize>>) -> Vec<Range<usize>> {
    ranges.sort_by_key(|range| range.start);
    let mut joined: Vec<Range<usize>> = Vec::with_capacity(ranges.len());
    for range in ranges {
        match joined.last_mut() {
            Some(before) if range.start < before.end => before.end = before.end.max(range.end),
            _ => joined.push(range),
        }
    }
    joined
}

#[cfg(test)]
mod tests;
