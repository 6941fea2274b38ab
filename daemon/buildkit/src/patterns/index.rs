//! Patterns that match a path, found without trying each one.

use regex::{RegexSet, RegexSetBuilder};
use std::collections::{BTreeSet, HashMap};

/// Most bytes that the compiled expression of one pattern takes: some hundred wildcards. `?{1000}` alone takes
/// half a megabyte, and a list has hundreds of patterns.
const LARGEST: usize = 64 << 10;

/// Most bytes that a set of expressions takes. A set that is larger is split.
const LARGEST_SET: usize = 512 << 10;

/// Most expressions in a set.
const SET: usize = 128;

/// Most sets of a list: 100 MiB.
const MOST_SETS: usize = 200;

/// Kind of a pattern, by which it is looked up.
#[derive(Debug)]
pub(super) enum Shape {
    Exact(String),
    Prefix(String),
    Suffix(String),
    /// Expression for the `regex` crate.
    Regex(String),
}

/// Patterns by their texts, each with its place in the list.
#[derive(Debug, Default)]
pub(super) struct Index {
    exact: HashMap<String, Vec<usize>>,
    prefixes: Ends,
    suffixes: Ends,
    sets: Vec<Set>,
}

/// Texts that a path may begin or end with.
#[derive(Debug, Default)]
struct Ends {
    places: HashMap<String, Vec<usize>>,
    lengths: BTreeSet<usize>,
}

/// Expressions that are tried at once.
#[derive(Debug)]
struct Set {
    regexes: RegexSet,
    /// Place in the list of each expression.
    places: Vec<usize>,
}

impl Index {
    /// Builds the index. The error has the place of a pattern that cannot be compiled, and the reason.
    pub(super) fn new(shapes: Vec<Shape>) -> Result<Self, (usize, String)> {
        let mut index = Self::default();
        let mut regexes = Vec::new();
        for (at, shape) in shapes.into_iter().enumerate() {
            match shape {
                Shape::Exact(text) => index.exact.entry(text).or_default().push(at),
                Shape::Prefix(text) => index.prefixes.insert(text, at),
                Shape::Suffix(text) => index.suffixes.insert(text, at),
                Shape::Regex(regex) => regexes.push((at, regex)),
            }
        }
        for chunk in regexes.chunks(SET) {
            index.compile(chunk)?;
        }
        Ok(index)
    }

    fn compile(&mut self, chunk: &[(usize, String)]) -> Result<(), (usize, String)> {
        let Some((first, _)) = chunk.first() else { return Ok(()) };
        if self.sets.len() == MOST_SETS {
            let problem = format!(
                "all patterns together take more than {} MiB; write fewer wildcards",
                (MOST_SETS * LARGEST_SET) >> 20
            );
            return Err((*first, problem));
        }
        let limit = if chunk.len() == 1 { LARGEST } else { LARGEST_SET };
        let built = RegexSetBuilder::new(chunk.iter().map(|(_, regex)| regex))
            .size_limit(limit)
            .dfa_size_limit(LARGEST_SET)
            .build();
        match built {
            Ok(regexes) => {
                let places = chunk.iter().map(|(at, _)| *at).collect();
                self.sets.push(Set { regexes, places });
                Ok(())
            }
            Err(error) if chunk.len() == 1 => Err((*first, error.to_string())),
            Err(_) => {
                let (one, other) = chunk.split_at(chunk.len() / 2);
                self.compile(one)?;
                self.compile(other)
            }
        }
    }

    /// Finds the places of all patterns that match a path, in no order.
    pub(super) fn find(&self, path: &str) -> Vec<usize> {
        let mut found = Vec::new();
        found.extend(self.exact.get(path).into_iter().flatten());
        let prefix = |length: usize| path.get(..length);
        self.prefixes.find(path.len(), prefix, &mut found);
        let suffix = |length: usize| path.get(path.len().checked_sub(length)?..);
        self.suffixes.find(path.len(), suffix, &mut found);
        // `**/dir` also matches `dir` in the root.
        if !self.suffixes.places.is_empty() {
            found.extend(self.suffixes.places.get(&format!("/{path}")).into_iter().flatten());
        }
        for set in &self.sets {
            let matches = set.regexes.matches(path);
            found.extend(matches.iter().filter_map(|at| set.places.get(at)));
        }
        found
    }
}

impl Ends {
    fn insert(&mut self, text: String, at: usize) {
        self.lengths.insert(text.len());
        self.places.entry(text).or_default().push(at);
    }

    fn find<'a>(
        &self,
        longest: usize,
        end: impl Fn(usize) -> Option<&'a str>,
        found: &mut Vec<usize>,
    ) {
        for length in self.lengths.range(..=longest) {
            let places = end(*length).and_then(|text| self.places.get(text));
            found.extend(places.into_iter().flatten());
        }
    }
}
