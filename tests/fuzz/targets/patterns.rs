//! Patterns of `.dockerignore`, and the expressions that they become. The first line is a path, each other a
//! pattern.

#![no_main]

use libfuzzer_sys::fuzz_target;
use windlass_buildkit::{go_regex::rewrite, patterns::Patterns};

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let (path, patterns) = text.split_once('\n').unwrap_or((text, ""));
    let patterns: Vec<_> = patterns.split('\n').map(str::to_owned).collect();
    for pattern in &patterns {
        let _ = rewrite(pattern);
    }
    let Ok(read) = Patterns::new(&patterns) else { return };
    // As a walk asks: each folder first.
    let mut above = None;
    for (at, _) in path.match_indices('/').chain([(path.len(), "")]) {
        let folder = path.get(..at).unwrap_or_default();
        let (matched, here) = read.matches(folder, above.as_ref());
        assert!(!matched || !read.is_empty(), "no pattern, and {folder} is left out");
        above = Some(here);
    }
});
