//! Masks secrets in everything that is recorded, however the text was cut or escaped before.
//!
//! A text is searched as it is, and as each decoder of `view` reads it. So a secret that some tool
//! percent-encoded or escaped is found, whichever characters that tool leaves alone. `radix` reads the
//! encodings that change every byte, base64 and hex, over line breaks. Secrets are looked for by the hashes
//! of their pieces: time and memory grow with their sum.

use crate::{
    secret::Secret,
    text::{colored, is_obeyed, readable},
};
use patterns::Patterns;
use radix::Radix;
use std::{collections::BTreeSet, mem, ops::Range, sync::Arc};
use view::View;

mod filter;
mod forms;
mod patterns;
mod radix;
mod view;

pub use forms::SHORTEST;

/// The number of bytes of all secrets that one redactor should know: those of one job, or of one look at an
/// app. The redactor takes some thirty times the memory while it is made.
pub const LARGEST_SUM: usize = 1 << 20;

/// The text that stands in a secret's place.
const MASK: &str = "***";

/// The number of bytes that are searched at once. A view keeps the place of each byte, so that all views
/// of a text take two hundred times the memory of the text.
const PIECE: usize = 16 << 10;

/// The most bytes that are held back. Escapes that overlap one another, and colours in a row, would hold back
/// all that follows; no usual spelling of a secret's piece is as long.
const MOST_HELD: usize = 4 << 10;

/// The number of decoders after which digits are still looked for.
const DEEPEST: usize = 1;

/// The masker of a job's secrets.
#[derive(Clone, Default)]
pub struct Redactor {
    /// `None` means that there is no secret.
    patterns: Option<Arc<Patterns>>,
}

impl Redactor {
    /// Makes a redactor of these secrets, and their parts, in all encodings.
    ///
    /// This takes a second for some ten million bytes: callers keep to [`LARGEST_SUM`].
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
        let mut room = forms::QUOTED;
        for secret in secrets {
            forms::add(secret.reveal(), &mut patterns, &mut room);
        }
        let mut room = forms::QUOTED;
        for part in public {
            forms::add(part.reveal(), &mut known, &mut room);
        }
        Self { patterns: Patterns::new(&patterns, &known).map(Arc::new) }
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

    /// Returns `text` as the journal keeps it: without secrets, and without what a terminal obeys.
    #[must_use]
    pub fn shown(&self, text: &str) -> String {
        let masked = self.mask(text);
        if !masked.contains(is_obeyed) {
            return masked;
        }
        // Without its colours a secret may be whole again.
        self.mask(&readable(masked))
    }

    /// Returns a printed line in its colours, unless they are within a secret.
    #[must_use]
    pub fn shown_in_color(&self, line: &str) -> String {
        let masked = self.mask(line);
        if !masked.contains(is_obeyed) {
            return masked;
        }
        let plain = readable(masked.clone());
        let shown = self.mask(&plain);
        if shown == plain { colored(masked) } else { shown }
    }

    /// Makes a masker for one stream that arrives in pieces.
    #[must_use]
    pub fn stream(&self) -> Stream {
        Stream { redactor: self.clone(), held: Vec::new(), covered: 0, ahead: Vec::new() }
    }
}

/// The masker of a stream. It holds back the end of the stream while that may be the start of a secret.
#[derive(Clone)]
pub struct Stream {
    redactor: Redactor,
    held: Vec<u8>,
    /// The number of bytes held that belong to a secret whose mask was shown already.
    covered: usize,
    /// Places in the bytes held of secrets that were found already. A later search may not find them: they
    /// may need the digits before them, which were shown since.
    ahead: Vec<Range<usize>>,
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
        let begun = patterns.and_then(|patterns| begun(&patterns, &self.held));
        self.ahead.extend(begun.map(|begun| begun..self.held.len()));
        self.finish()
    }

    fn show(&mut self, is_end: bool) -> Vec<u8> {
        let Some(patterns) = self.redactor.patterns.clone() else {
            return mem::take(&mut self.held);
        };
        let Found { mut secrets, open } = find(&patterns, &self.held, is_end);
        let cut = open.max(self.held.len().saturating_sub(MOST_HELD));
        if cut == 0 {
            return Vec::new();
        }
        if self.covered > 0 {
            secrets.push(0..self.covered);
        }
        secrets.append(&mut self.ahead);
        let mut shown = Vec::new();
        let mut at = 0;
        let mut covered = 0;
        for secret in joined(secrets) {
            if secret.start >= cut {
                self.ahead.push(secret.start - cut..secret.end - cut);
                continue;
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

/// The result of one search.
struct Found {
    /// The places of secrets, in no order.
    secrets: Vec<Range<usize>>,
    /// The place from which on a secret may begin that is not whole yet.
    open: usize,
}

impl Found {
    fn add(&mut self, place: Range<usize>) {
        match self.secrets.last_mut() {
            Some(before) if before.start <= place.start && place.start < before.end => {
                before.end = before.end.max(place.end);
            }
            _ => self.secrets.push(place),
        }
    }
}

/// Searches `text`, which more may follow unless `is_end`.
fn find(patterns: &Patterns, text: &[u8], is_end: bool) -> Found {
    let views = view::all(text, patterns.holds_space, is_end);
    let mut found = Found { secrets: Vec::new(), open: text.len() };
    let mut joints = Vec::new();
    for view in &views {
        patterns.search(&view.bytes, |at| found.add(view.places(&at)));
        if !is_end {
            let begun = patterns.begun_in(&view.bytes, 1).map(|at| view.place(at).start);
            found.open = found.open.min(begun.unwrap_or(view.unread));
        }
        if view.depth <= DEEPEST {
            for radix in radix::ALL {
                joints.extend(find_digits(patterns, view, radix, is_end, &mut found));
            }
        }
    }
    // A cut through an escape, or through a line that a run goes on after, would change what its rest means.
    let earlier = |open: usize| {
        let escape = views.iter().find_map(|view| view.start_of_escape_at(open));
        let within = |joint: &&Range<usize>| joint.start < open && open < joint.end;
        escape.or_else(|| joints.iter().find(within).map(|joint| joint.start))
    };
    while let Some(open) = earlier(found.open) {
        found.open = open;
    }
    found
}

/// Searches the digits of one view. Returns the places within which the text must not be cut.
fn find_digits(
    patterns: &Patterns,
    view: &View<'_>,
    radix: Radix,
    is_end: bool,
    found: &mut Found,
) -> Vec<Range<usize>> {
    let mut bytes = Vec::new();
    let least = radix.digits(patterns.shortest);
    let limits = radix::runs(radix, &view.bytes, least, |run| {
        for phase in 0..radix.phases() {
            run.decode(radix, phase, &mut bytes);
            patterns.search(&bytes, |at| {
                if at.len() >= radix.shortest() {
                    found.add(view.places(&run.places(radix, phase, &at)));
                }
            });
            if run.is_open && !is_end {
                // A secret may begin with the byte of which a part is read.
                let begun = patterns.begun_in(&bytes, 1).unwrap_or(bytes.len());
                let open = run.aligned(radix, phase, begun).map(|at| view.place(at).start);
                found.open = found.open.min(open.unwrap_or(view.unread));
            }
        }
    });
    if let Some(held) = limits.held.filter(|_| !is_end) {
        found.open = found.open.min(view.place(held).start);
    }
    limits.joints.iter().map(|joint| view.places(joint)).collect()
}

/// Finds the place at which a secret may have begun whose start is long enough to give something away.
fn begun(patterns: &Patterns, text: &[u8]) -> Option<usize> {
    let mut first = None;
    let mut add = |place: Option<usize>| first = [first, place].into_iter().flatten().min();
    for view in &view::all(text, patterns.holds_space, false) {
        add(patterns.begun_in(&view.bytes, SHORTEST).map(|at| view.place(at).start));
        for radix in radix::ALL.iter().filter(|_| view.depth <= DEEPEST) {
            let mut bytes = Vec::new();
            radix::runs(*radix, &view.bytes, usize::MAX, |run| {
                for phase in 0..radix.phases() {
                    run.decode(*radix, phase, &mut bytes);
                    let begun = patterns.begun_in(&bytes, radix.shortest());
                    add(begun.map(|at| view.place(run.place(*radix, phase, at)).start));
                }
            });
        }
    }
    first
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
