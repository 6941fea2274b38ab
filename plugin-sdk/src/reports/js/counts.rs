//! Counts in the closing line of a run, as jest and vitest print it.

/// Returns one count, such as `3 passed` of `1 failed | 3 passed` or `1 failed, 3 passed`. 0 means that there is none.
pub(super) fn count(list: &str, name: &str) -> u32 {
    let parts = list.split(['|', ',', '(']);
    let of = |part: &str| {
        let (number, word) = part.trim().split_once(' ')?;
        (word.trim() == name).then(|| number.parse::<u32>().ok()).flatten()
    };
    parts.filter_map(of).next().unwrap_or_default()
}
