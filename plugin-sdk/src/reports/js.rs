//! Output of test tools of JavaScript: node:test, vitest, jest, mocha, bun. A script runs any of them.

use super::tap;
use crate::Summary;

mod bun;
mod counts;
mod jest;
mod mocha;
mod node;
mod none;
mod vitest;

/// Reads the output of a run, without colours. A sentence that there is no test counts last: another part of the same
/// run may have run some. `None` means that no tool is recognised.
#[must_use]
pub fn js(text: &str) -> Option<Summary> {
    let readers = [tap, node::read, vitest::read, jest::read, mocha::read, bun::read];
    readers.iter().find_map(|read| read(text))
}

/// Returns the summary of a run whose tool prints, in a sentence of its own, that there is no test. `None` means that
/// it prints no such sentence.
#[must_use]
pub fn no_js_tests(text: &str) -> Option<Summary> {
    none::read(text)
}
