//! Mocha, reporter `spec`: `2 passing (5ms)`, `1 failing`, `1 pending`, then numbered failures.

use crate::{
    Summary,
    reports::{case, none_if_zero, note, place, summary},
};

/// Reads the output of a run. `None` means that the closing line is missing.
pub(super) fn read(text: &str) -> Option<Summary> {
    let number = |word: &str| {
        text.lines().rev().find_map(|line| {
            let (number, rest) = line.trim().split_once(' ')?;
            (rest == word || rest.starts_with(&format!("{word} (")))
                .then(|| number.parse::<u32>().ok())
                .flatten()
        })
    };
    let passed = number("passing")?;
    let mut all = summary();
    (all.passed, all.failed) = (passed, number("failing").unwrap_or_default());
    all.skipped = number("pending").unwrap_or_default();
    let Some((_, failing)) = text.split_once(" failing\n") else {
        return Some(none_if_zero(all, "0 passing"));
    };
    // `  1) sums`, `       subtracts:`, a blank line, the error.
    let mut rest = failing;
    for index in 1..=all.failed.min(100) {
        let Some((_, block)) = rest.split_once(&format!("  {index}) ")) else { break };
        rest = block;
        let end = block.find(&format!("\n  {}) ", index + 1)).unwrap_or(block.len());
        let block = block.get(..end).unwrap_or(block);
        let (title, body) = block.split_once(":\n").unwrap_or((block, ""));
        let title: Vec<_> = title.split_whitespace().collect();
        let mut message = Vec::new();
        let mut at = None;
        for line in body.lines().map(str::trim).filter(|line| !line.is_empty()) {
            if line.starts_with("at ") {
                let inner = line.rsplit_once('(').map_or(line, |(_, inner)| inner);
                at = at.or_else(|| place(inner.trim_start_matches("at ").trim_end_matches(')')));
            } else if message.len() < 10 {
                message.push(line);
            }
        }
        let mut case = case("", &title.join(" "), &message.join("\n"));
        if let Some((file, line)) = at {
            (case.file, case.line) = (Some(file), Some(line));
        }
        note(&mut all, case);
    }
    Some(all)
}

#[cfg(test)]
mod tests {
    #[test]
    fn numbered_failures() {
        let text = "
  sums
    ✔ adds
    1) subtracts

  1 passing (5ms)
  1 failing

  1) sums
       subtracts:

      AssertionError [ERR_ASSERTION]: 1 == 2
      + expected - actual

      at Context.<anonymous> (test/sum.js:7:12)
";
        let read = super::read(text).unwrap();
        assert_eq!((read.passed, read.failed), (1, 1));
        let case = &read.failures[0];
        assert_eq!(
            (&*case.name, case.file.as_deref(), case.line),
            ("sums subtracts", Some("test/sum.js"), Some(7))
        );
        assert!(super::read("3 problems").is_none());
        let none = super::read("\n  0 passing (2ms)\n").unwrap();
        assert_eq!(none.none_yet.as_deref(), Some("0 passing"));
    }
}
