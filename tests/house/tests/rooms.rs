//! Files stay small enough to be read at once.

#![allow(clippy::unwrap_used, reason = "tests: what cannot go on should stop")]

use std::{collections::BTreeSet, fs};
use windlass_house::{
    crates::{roots, workspace},
    module::read,
};

/// Lines that no file has, and that half of all files stay below.
const LONGEST: usize = 500;
const MEDIAN: usize = 150;

#[test]
fn files_are_short() {
    let root = workspace();
    let mut files = BTreeSet::new();
    for file in roots(&root).unwrap() {
        files.extend(read(&file).unwrap().into_values().map(|module| module.file));
    }
    let count = |file| fs::read_to_string(file).unwrap().lines().count();
    let mut lengths: Vec<_> = files.iter().map(|file| (count(file), file)).collect();
    lengths.sort();
    let long: Vec<_> = lengths.iter().filter(|(lines, _)| *lines >= LONGEST).collect();
    assert!(long.is_empty(), "files of {LONGEST} lines and more: {long:?}");
    let median = lengths.get(lengths.len() / 2).map_or(0, |(lines, _)| *lines);
    assert!(median <= MEDIAN, "the median is {median} lines");
}
