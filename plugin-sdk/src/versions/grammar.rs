//! Ranges by their grammar.

use super::{Grammar, composer, go, npm, pep440, range::Range, ruby};

/// Length of a text that is read as a range.
const LONGEST: usize = 256;

/// Reads a range. `None` means that the text is none.
pub(super) fn read(text: &str, grammar: Grammar) -> Option<Range> {
    if text.len() > LONGEST {
        return None;
    }
    match grammar {
        Grammar::Npm => npm::range(text),
        Grammar::Pep440 => pep440::range(text),
        Grammar::Ruby => ruby::range(text),
        Grammar::Composer => composer::range(text),
        Grammar::Go | Grammar::Plain => go::range(text),
    }
}
