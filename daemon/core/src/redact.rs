//! Masks secrets in everything that is said, however the text was cut on its way.
//!
//! A secret is looked for as it is and in the encodings in which tools print it: base64 at each of
//! the three offsets that a prefix can shift it to, percent-encoding, JSON escapes, hex; each
//! longer line of a secret of several lines likewise.

use crate::secret::Secret;
use aho_corasick::{AhoCorasick, MatchKind};
use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};
use std::{collections::BTreeSet, fmt::Write, ops::Bound, sync::Arc};

/// What stands in a secret's place.
const MASK: &str = "***";

/// Shorter values are not masked: they would blank half of every log, and hide nothing.
pub const SHORTEST: usize = 4;

/// Lines of a secret of several lines, and encoded forms, are looked for from this length on.
const SHORTEST_PART: usize = 8;

/// Knows a job's secrets.
#[derive(Clone, Default)]
pub struct Redactor {
    matcher: Option<Arc<AhoCorasick>>,
    patterns: Arc<BTreeSet<Vec<u8>>>,
    longest: usize,
}

impl Redactor {
    /// Looks for these and their encodings.
    #[must_use]
    pub fn new<'a>(secrets: impl IntoIterator<Item = &'a Secret>) -> Self {
        let mut patterns = BTreeSet::new();
        for secret in secrets {
            forms(secret.reveal(), &mut patterns);
        }
        let longest = patterns.iter().map(Vec::len).max().unwrap_or(0);
        let matcher = (!patterns.is_empty())
            .then(|| AhoCorasick::builder().match_kind(MatchKind::LeftmostLongest).build(&patterns))
            // Building fails only past billions of states; the store refuses secrets that large.
            .and_then(Result::ok)
            .map(Arc::new);
        Self { matcher, patterns: Arc::new(patterns), longest }
    }

    /// `text` with each secret as `***`.
    #[must_use]
    pub fn mask(&self, text: &str) -> String {
        match &self.matcher {
            None => text.to_owned(),
            Some(_) => String::from_utf8_lossy(&self.mask_bytes(text.as_bytes())).into_owned(),
        }
    }

    fn mask_bytes(&self, bytes: &[u8]) -> Vec<u8> {
        match &self.matcher {
            None => bytes.to_vec(),
            Some(matcher) => {
                let mut masked = Vec::with_capacity(bytes.len());
                matcher.replace_all_with_bytes(bytes, &mut masked, |_, _, out| {
                    out.extend_from_slice(MASK.as_bytes());
                    true
                });
                masked
            }
        }
    }

    /// Says whether a secret starts with these bytes.
    fn is_start(&self, bytes: &[u8]) -> bool {
        let from: (Bound<&[u8]>, Bound<&[u8]>) = (Bound::Included(bytes), Bound::Unbounded);
        let next = self.patterns.range::<[u8], _>(from).next();
        next.is_some_and(|pattern| pattern.starts_with(bytes))
    }

    /// A masker for one stream that arrives in pieces.
    #[must_use]
    pub fn stream(&self) -> Stream {
        Stream { redactor: self.clone(), held: Vec::new() }
    }
}

/// Masks a stream: keeps back what may be the start of a secret until more has come.
pub struct Stream {
    redactor: Redactor,
    held: Vec<u8>,
}

impl Stream {
    /// Takes a piece, gives what is safe to show.
    #[must_use]
    pub fn push(&mut self, piece: &[u8]) -> Vec<u8> {
        self.held.extend_from_slice(piece);
        let Some(matcher) = &self.redactor.matcher else {
            return std::mem::take(&mut self.held);
        };
        // A match that starts before this point is complete; one that starts after may not be.
        let safe = self.held.len().saturating_sub(self.redactor.longest.saturating_sub(1));
        let cut = matcher
            .find_iter(&self.held)
            .take_while(|found| found.start() < safe)
            .last()
            .map_or(safe, |found| found.end().max(safe));
        let rest = self.held.split_off(cut);
        let shown = self.redactor.mask_bytes(&self.held);
        self.held = rest;
        shown
    }

    /// The stream's end: all that was kept back.
    #[must_use]
    pub fn finish(&mut self) -> Vec<u8> {
        let rest = std::mem::take(&mut self.held);
        self.redactor.mask_bytes(&rest)
    }

    /// Takes what was kept back of a stream that is given up. A secret may be cut in the middle there:
    /// its possible start is masked too.
    #[must_use]
    pub fn cut(&mut self) -> Vec<u8> {
        let mut rest = std::mem::take(&mut self.held);
        let matcher = self.redactor.matcher.as_ref();
        let whole = matcher.and_then(|matcher| matcher.find_iter(&rest).last());
        let from = whole.map_or(0, |found| found.end());
        let mut starts = from..rest.len().saturating_sub(SHORTEST - 1);
        let start =
            starts.find(|at| rest.get(*at..).is_some_and(|end| self.redactor.is_start(end)));
        let Some(start) = start else { return self.redactor.mask_bytes(&rest) };
        rest.truncate(start);
        let mut shown = self.redactor.mask_bytes(&rest);
        shown.extend_from_slice(MASK.as_bytes());
        shown
    }
}

fn forms(value: &[u8], patterns: &mut BTreeSet<Vec<u8>>) {
    let trimmed = value.trim_ascii();
    if trimmed.len() < SHORTEST {
        return;
    }
    patterns.insert(trimmed.to_vec());
    encodings(trimmed, patterns);
    let lines: Vec<_> = trimmed.split(|byte| *byte == b'\n').collect();
    if lines.len() > 1 {
        for line in lines.into_iter().map(<[u8]>::trim_ascii).filter(|l| l.len() >= SHORTEST_PART) {
            patterns.insert(line.to_vec());
            encodings(line, patterns);
        }
    }
}

fn encodings(value: &[u8], patterns: &mut BTreeSet<Vec<u8>>) {
    let mut add = |form: String| {
        if form.len() >= SHORTEST_PART {
            patterns.insert(form.into_bytes());
        }
    };
    for shift in 0..3 {
        let shifted: Vec<u8> = std::iter::repeat_n(0, shift).chain(value.iter().copied()).collect();
        let encoded = STANDARD_NO_PAD.encode(&shifted);
        // The first characters mix in the prefix, the last ones what follows.
        let from = (shift * 8).div_ceil(6);
        let to = shifted.len() * 8 / 6;
        let stable = encoded.get(from..to).unwrap_or_default();
        add(stable.to_owned());
        // base64(1) and PEM break their lines there.
        for width in [64, 76] {
            for line in stable.as_bytes().chunks(width).filter(|_| stable.len() > width) {
                add(String::from_utf8_lossy(line).into_owned());
            }
        }
        add(stable.replace('+', "-").replace('/', "_"));
    }
    let hex = value.iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    });
    add(hex.to_uppercase());
    add(hex);
    for upper in [true, false] {
        let percent = value.iter().fold(String::new(), |mut text, byte| {
            let _ = match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                    write!(text, "{}", char::from(*byte))
                }
                byte if upper => write!(text, "%{byte:02X}"),
                byte => write!(text, "%{byte:02x}"),
            };
            text
        });
        add(percent);
    }
    if let Ok(text) = std::str::from_utf8(value) {
        let json = serde_json::Value::from(text).to_string();
        // Without its quotes, and with those that are its own.
        let json = json.strip_prefix('"').and_then(|json| json.strip_suffix('"'));
        let json = json.unwrap_or_default();
        add(json.to_owned());
        // Go's encoder escapes these too.
        add(json.replace('&', "\\u0026").replace('<', "\\u003c").replace('>', "\\u003e"));
        add(text.replace('\'', "'\\''"));
        add(text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::engine::general_purpose::STANDARD;

    const SECRET: &str = "s3cr3t/+\"pass&word";

    fn redactor() -> Redactor {
        Redactor::new(&[
            Secret::new(SECRET.into()),
            Secret::new(b"BEGIN KEY\nabcdefghijkl\nEND".to_vec()),
        ])
    }

    /// What tools may print of it, with something before that shifts base64.
    fn printed() -> Vec<String> {
        let mut all = vec![
            format!("password={SECRET} end"),
            serde_json::json!({ "password": SECRET }).to_string(),
            "x s3cr3t%2F%2B%22pass%26word y".to_owned(),
            "go: {\"p\":\"s3cr3t/+\\\"pass\\u0026word\"}".to_owned(),
            "second line abcdefghijkl alone".to_owned(),
        ];
        for user in ["", "u", "us", "use"] {
            all.push(format!("Basic {}", STANDARD.encode(format!("{user}:{SECRET}"))));
        }
        all
    }

    fn leaks(shown: &str) -> bool {
        let core = STANDARD.encode(SECRET);
        shown.contains("s3cr3t") || shown.contains("abcdefghijkl") || shown.contains(&core[4..16])
    }

    #[test]
    fn no_encoding_survives_any_split_in_two_or_into_bytes() {
        let redactor = redactor();
        for text in printed() {
            assert!(!leaks(&redactor.mask(&text)), "{text}");
            let whole = redactor.mask(&text);
            for cut in 0..=text.len() {
                let mut stream = redactor.stream();
                let mut shown = stream.push(&text.as_bytes()[..cut]);
                shown.extend(stream.push(&text.as_bytes()[cut..]));
                shown.extend(stream.finish());
                assert_eq!(String::from_utf8_lossy(&shown), whole, "{text} at {cut}");
            }
            let mut stream = redactor.stream();
            let mut shown: Vec<u8> = text.bytes().flat_map(|byte| stream.push(&[byte])).collect();
            shown.extend(stream.finish());
            assert_eq!(String::from_utf8_lossy(&shown), whole, "{text} by bytes");
        }
    }

    /// A process that hangs may have written half of a secret. Fewer than four bytes give nothing away.
    #[test]
    fn what_is_given_up_shows_no_start_of_a_secret() {
        let cut = |text: &str| {
            let mut stream = redactor().stream();
            let mut shown = stream.push(text.as_bytes());
            shown.extend(stream.cut());
            String::from_utf8(shown).unwrap()
        };
        for end in SHORTEST..SECRET.len() {
            assert_eq!(cut(&format!("password={}", &SECRET[..end])), "password=***");
        }
        assert_eq!(cut(&format!("{SECRET} {}", &SECRET[..6])), "*** ***");
        assert_eq!(cut(SECRET), "***");
        assert_eq!(cut("test_waits_for_the_bank ... "), "test_waits_for_the_bank ... ");
        assert_eq!(cut("tests s3c"), "tests s3c");
    }

    #[test]
    fn what_holds_no_secret_is_left_alone() {
        assert_eq!(redactor().mask("nothing to see: ünïcode"), "nothing to see: ünïcode");
        assert_eq!(Redactor::default().mask("s3cr3t"), "s3cr3t");
    }
}
