//! Files stay small enough to be read at once.

#![allow(clippy::unwrap_used, reason = "tests: what cannot go on should stop")]

use std::fs;
use windlass_house::crates::{sources, workspace};

/// Lines that no file has, and that half of all files stay below.
const LONGEST: usize = 500;
const MEDIAN: usize = 150;

#[test]
fn files_are_short() {
    let files = sources(&workspace()).unwrap();
    assert!(files.len() > 400, "sources are looked for in the wrong place: {files:?}");
    let count = |file| fs::read_to_string(file).unwrap().lines().count();
    let mut lengths: Vec<_> = files.iter().map(|file| (count(file), file)).collect();
    lengths.sort();
    let long: Vec<_> = lengths.iter().filter(|(lines, _)| *lines >= LONGEST).collect();
    assert!(long.is_empty(), "files of {LONGEST} lines and more: {long:?}");
    let median = lengths.get(lengths.len() / 2).map_or(0, |(lines, _)| *lines);
    assert!(median <= MEDIAN, "the median is {median} lines");
}
