//! Globs of branches and tags: which names they match, and whether two of them have a name in common.
//!
//! `?` is one byte and `*` any number of them within a part of a name; `**` between slashes is any number of parts. One
//! automaton answers both questions, so that what is refused when a project is applied is what would match at a push.

use crate::revision::is_ref_name;
use std::collections::HashSet;

/// A glob. It has no other special characters: what names of refs may not hold has no use in their globs.
pub(super) struct Glob(Vec<Node>);

/// A set of bytes.
#[derive(Clone, Copy)]
enum Class {
    Byte(u8),
    /// All but the slash.
    Inner,
    All,
}

/// A state. The state behind the last one accepts.
#[derive(Clone, Copy)]
enum Node {
    /// One byte.
    Step(Class),
    /// Any number of bytes.
    Loop(Class),
    /// The next two states, or neither: whole folders.
    Optional,
}

impl Glob {
    /// Reads a glob.
    ///
    /// # Errors
    /// A sentence with the fault and what is expected.
    pub(super) fn parse(text: &str) -> Result<Self, &'static str> {
        if text.is_empty() {
            return Err("is empty: a name or a glob is required, such as `main` or `release/*`");
        }
        if text.starts_with("refs/") {
            return Err(
                "is a full name: give the short one, such as `main` instead of `refs/heads/main`",
            );
        }
        if text.starts_with('!') {
            return Err("leaves names out, which is not possible here: list those that deploy");
        }
        if text.contains(['{', '}', '[', ']']) {
            return Err("may hold only `*`, `**` and `?`: give alternatives as globs of their own");
        }
        if text.split('/').any(|part| part.contains("**") && part != "**") {
            return Err("holds `**` beside other characters: it must stand alone between slashes");
        }
        if !is_ref_name(&text.replace(['*', '?'], "x")) {
            return Err("can match no name that git allows");
        }
        Ok(Self::read(text))
    }

    fn read(text: &str) -> Self {
        let mut nodes = Vec::with_capacity(text.len());
        let mut parts = text.split('/').peekable();
        while let Some(part) = parts.next() {
            let slash = Node::Step(Class::Byte(b'/'));
            let is_last = parts.peek().is_none();
            if part == "**" {
                let any = Node::Loop(Class::All);
                nodes.extend(if is_last { vec![any] } else { vec![Node::Optional, any, slash] });
                continue;
            }
            nodes.extend(part.bytes().map(|byte| match byte {
                b'*' => Node::Loop(Class::Inner),
                b'?' => Node::Step(Class::Inner),
                byte => Node::Step(Class::Byte(byte)),
            }));
            if !is_last {
                nodes.push(slash);
            }
        }
        Self(nodes)
    }

    /// Returns whether the glob matches a name. A poll asks this for each ref and each trigger: it walks along the name
    /// once, with the states that the bytes so far lead to.
    pub(super) fn matches(&self, name: &str) -> bool {
        let mut now = vec![false; self.0.len() + 1];
        let mut next = now.clone();
        self.enter(&mut now, 0);
        for byte in name.bytes().map(Class::Byte) {
            next.fill(false);
            let mut goes_on = false;
            let states = now.iter().enumerate().filter(|(_, is_in)| **is_in);
            for (class, to) in states.filter_map(|(at, _)| self.step(at)) {
                if class.meets(byte) {
                    self.enter(&mut next, to);
                    goes_on = true;
                }
            }
            if !goes_on {
                return false;
            }
            std::mem::swap(&mut now, &mut next);
        }
        now.last() == Some(&true)
    }

    /// Adds a state to those that are reached, and all that follow without a byte.
    fn enter(&self, states: &mut [bool], at: usize) {
        if let Some(is_in) = states.get_mut(at)
            && !*is_in
        {
            *is_in = true;
            for next in self.skips(at).into_iter().flatten() {
                self.enter(states, next);
            }
        }
    }

    /// Returns whether some name is matched by both globs. Each step is taken from `steps`. `None` means that they did
    /// not suffice.
    pub(super) fn meets(&self, other: &Self, steps: &mut u64) -> Option<bool> {
        let mut seen = HashSet::new();
        let mut open = vec![(0, 0)];
        while let Some((one, two)) = open.pop() {
            if !seen.insert((one, two)) {
                continue;
            }
            *steps = steps.checked_sub(1)?;
            if one >= self.0.len() && two >= other.0.len() {
                return Some(true);
            }
            open.extend(self.skips(one).into_iter().flatten().map(|one| (one, two)));
            open.extend(other.skips(two).into_iter().flatten().map(|two| (one, two)));
            if let (Some((own, one)), Some((its, two))) = (self.step(one), other.step(two))
                && own.meets(its)
            {
                open.push((one, two));
            }
        }
        Some(false)
    }

    /// Returns the states that follow without a byte.
    fn skips(&self, at: usize) -> [Option<usize>; 2] {
        match self.0.get(at) {
            Some(Node::Loop(_)) => [Some(at + 1), None],
            Some(Node::Optional) => [Some(at + 1), Some(at + 3)],
            Some(Node::Step(_)) | None => [None, None],
        }
    }

    /// Returns the bytes that lead to another state, and that state.
    fn step(&self, at: usize) -> Option<(Class, usize)> {
        match self.0.get(at)? {
            Node::Step(class) => Some((*class, at + 1)),
            Node::Loop(class) => Some((*class, at)),
            Node::Optional => None,
        }
    }
}

impl Class {
    /// Returns whether two sets have a byte in common.
    fn meets(self, other: Self) -> bool {
        match (self, other) {
            (Self::Byte(one), Self::Byte(other)) => one == other,
            (Self::Byte(byte), Self::Inner) | (Self::Inner, Self::Byte(byte)) => byte != b'/',
            _ => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use globset::GlobBuilder;
    use proptest::{prelude::*, test_runner::Config};

    fn meet(one: &str, other: &str) -> bool {
        let (one, other) = (Glob::parse(one).unwrap(), Glob::parse(other).unwrap());
        let both = (one.meets(&other, &mut 100_000), other.meets(&one, &mut 100_000));
        assert_eq!(both.0, both.1);
        both.0.unwrap()
    }

    #[test]
    fn a_star_stays_within_a_part_of_the_name() {
        for (glob, matched, others) in [
            ("main", &["main"][..], &["mai", "main2", "x/main"][..]),
            ("release/*", &["release/1", "release/"], &["release", "release/1/2", "x/release/1"]),
            ("release/**", &["release/1", "release/1/2"], &["release", "releases/1"]),
            ("**/fix", &["fix", "a/fix", "a/b/fix"], &["a-fix", "fix/a"]),
            ("a/**/z", &["a/z", "a/b/z", "a/b/c/z"], &["az", "a/bz", "a/z/b"]),
            ("**", &["main", "a/b"], &[]),
            ("*", &["main"], &["a/b"]),
            ("v?.*", &["v1.2", "v1."], &["v1", "v12.3", "v/.1"]),
        ] {
            let read = Glob::parse(glob).unwrap();
            for name in matched {
                assert!(read.matches(name), "{glob} {name}");
            }
            for name in others {
                assert!(!read.matches(name), "{glob} {name}");
            }
        }
    }

    #[test]
    fn globs_overlap_where_one_name_is_matched_by_both() {
        for (one, other) in [
            ("main", "main"),
            ("main", "ma*"),
            ("a*", "*b"),
            ("release/*", "**/2"),
            ("a/**", "**/z"),
            ("a/**/z", "a/?/*"),
            ("**", "x"),
        ] {
            assert!(meet(one, other), "{one} {other}");
        }
        for (one, other) in [
            ("main", "master"),
            ("a*", "b*"),
            ("*", "release/*"),
            ("release/*", "release/*/hotfix"),
            ("a?", "a"),
            ("a/**", "a"),
            ("*-prod", "*-stage"),
        ] {
            assert!(!meet(one, other), "{one} {other}");
        }
    }

    #[test]
    fn a_comparison_ends_when_its_steps_are_used_up() {
        let one = Glob::parse(&format!("{}b", "*a".repeat(60))).unwrap();
        let other = Glob::parse(&format!("{}c", "*a".repeat(60))).unwrap();
        assert_eq!(one.meets(&other, &mut 1000), None);
        assert_eq!(one.meets(&other, &mut 1_000_000), Some(false));
    }

    /// A poll compares each ref with each trigger.
    #[test]
    fn a_long_name_is_compared_in_a_moment() {
        let glob = Glob::parse(&format!("{}b", "*a".repeat(100))).unwrap();
        let name = "a".repeat(250);
        for _ in 0..1000 {
            assert!(!glob.matches(&name));
        }
        assert!(glob.matches(&format!("{name}b")));
    }

    #[test]
    fn what_can_match_no_name_is_refused() {
        for bad in [
            "",
            "refs/heads/main",
            "!main",
            "{a,b}",
            "[ab]",
            "a**",
            "**b/c",
            "a b",
            "a//b",
            "/a",
            "a/",
            "a~1",
            "a\\b",
            "-a",
            "a..*",
            "*.lock",
            &"a".repeat(256),
        ] {
            assert!(Glob::parse(bad).is_err(), "{bad}");
        }
    }

    fn glob() -> impl Strategy<Value = String> {
        let part = prop::sample::select(vec!["a", "b", "*", "?", "**", "a*", "*b", "a?", "ab"]);
        prop::collection::vec(part, 1..4).prop_map(|parts| parts.join("/"))
    }

    proptest! {
        #![proptest_config(Config { cases: 2000, failure_persistence: None, ..Config::default() })]

        /// Paths are matched by globset, and a `*` means the same in both.
        #[test]
        fn names_are_matched_as_paths_are(glob in glob(), name in "[ab]{1,2}(/[ab]{1,2}){0,3}") {
            let own = Glob::parse(&glob).unwrap().matches(&name);
            let library = GlobBuilder::new(&glob).literal_separator(true).build().unwrap();
            prop_assert_eq!(own, library.compile_matcher().is_match(&name));
        }

        #[test]
        fn globs_without_a_common_name_match_no_name_together(
            one in glob(),
            other in glob(),
            name in "[ab]{1,2}(/[ab]{1,2}){0,3}",
        ) {
            let both = [&one, &other].iter().all(|glob| Glob::parse(glob).unwrap().matches(&name));
            prop_assert!(!both || meet(&one, &other));
        }
    }
}
