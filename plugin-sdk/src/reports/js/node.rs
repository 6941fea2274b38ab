//! Node's own runner, with its reporter `spec`. The reporter `tap` prints TAP.

use crate::{
    Summary,
    reports::{case, none_if_zero, note, place, summary},
};

/// Reads the output of a run. `None` means that the closing lines are missing.
pub(super) fn read(text: &str) -> Option<Summary> {
    let number = |name: &str| {
        let found = text.lines().rev().find_map(|line| {
            line.trim()
                .strip_prefix("ℹ ")?
                .strip_prefix(name)?
                .strip_prefix(' ')?
                .parse::<u32>()
                .ok()
        });
        found.unwrap_or_default()
    };
    let closing = text.lines().rev().find(|line| line.trim().starts_with("ℹ tests "))?;
    let mut all = summary();
    all.passed = number("pass");
    all.failed = number("fail").saturating_add(number("cancelled"));
    all.skipped = number("skipped").saturating_add(number("todo"));
    let Some((_, failing)) = text.split_once("failing tests:") else {
        return Some(none_if_zero(all, closing));
    };
    // `test at app.test.js:9:1`, `✖ name (1.2ms)`, then the error, indented.
    for block in failing.split("\ntest at ").skip(1) {
        let mut lines = block.lines();
        let at = lines.next().and_then(place);
        let name = lines.next().unwrap_or_default().trim().trim_start_matches("✖ ");
        let name = name.rsplit_once(" (").map_or(name, |(name, _)| name);
        let message: Vec<_> = lines
            .map(str::trim)
            .take_while(|line| !line.starts_with("at "))
            .filter(|line| !line.is_empty())
            .take(10)
            .collect();
        let mut case = case("", name, &message.join("\n"));
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
    fn the_closing_lines_and_the_failing_tests() {
        let text = "▶ sums
  ✔ adds (0.5ms)
  ✖ subtracts (1.1ms)
▶ sums (2ms)
ℹ tests 2
ℹ suites 1
ℹ pass 1
ℹ fail 1
ℹ cancelled 0
ℹ skipped 0
ℹ todo 0
ℹ duration_ms 60

✖ failing tests:

test at app.test.js:9:3
✖ subtracts (1.1ms)
  AssertionError [ERR_ASSERTION]: Expected values to be strictly equal:

  1 !== 2

      at TestContext.<anonymous> (file:///app/app.test.js:10:10)
";
        let read = super::read(text).unwrap();
        assert_eq!((read.passed, read.failed, read.skipped), (1, 1, 0));
        let case = &read.failures[0];
        assert_eq!(
            (&*case.name, case.file.as_deref(), case.line),
            ("subtracts", Some("app.test.js"), Some(9))
        );
        assert!(case.message.ends_with("1 !== 2"), "{}", case.message);
        assert!(super::read("eslint: 3 problems").is_none());
    }
}
