//! Output of ExUnit: `5 tests, 1 failure, 1 excluded, 1 skipped`, and a block for each failure.

use windlass_plugin_sdk::{
    Summary,
    reports::{case, none, none_if_zero, note, place, summary},
};

/// Reads the output of a run: each app of an umbrella has a closing line. `None` means that there is none.
pub(crate) fn read(text: &str) -> Option<Summary> {
    let mut all = summary();
    let mut closing = None;
    for line in text.lines().map(str::trim) {
        let Some(counts) = counts(line) else { continue };
        closing = Some(line);
        let count = |words: &[&str]| {
            let of = counts.iter().filter(|(_, name)| words.contains(name));
            of.fold(0_u32, |sum, (number, _)| sum.saturating_add(*number))
        };
        let ran = count(&[
            "test",
            "tests",
            "doctest",
            "doctests",
            "property",
            "properties",
            "feature",
            "features",
        ]);
        let failed = count(&["failure", "failures", "invalid"]);
        let skipped = count(&["excluded", "skipped"]);
        all.failed = all.failed.saturating_add(failed);
        all.skipped = all.skipped.saturating_add(skipped);
        all.passed = all.passed.saturating_add(ran.saturating_sub(failed).saturating_sub(skipped));
    }
    let Some(closing) = closing else {
        return text.lines().find(|line| line.contains("There are no tests to run")).map(none);
    };
    failures(text, &mut all);
    Some(none_if_zero(all, closing))
}

/// Reads a closing line.
fn counts(line: &str) -> Option<Vec<(u32, &str)>> {
    let counts: Option<Vec<_>> = line
        .split(", ")
        .map(|part| {
            let (number, name) = part.split_once(' ')?;
            Some((number.parse::<u32>().ok()?, name))
        })
        .collect();
    counts.filter(|counts| {
        let has = |word: &str| counts.iter().any(|(_, name)| name.starts_with(word));
        has("failure") && (has("test") || has("doctest") || has("propert"))
    })
}

/// Reads the blocks: `  1) test rounds (MoneyTest)`, the place, the message, and a stack.
fn failures(text: &str, all: &mut Summary) {
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        let Some((number, title)) = line.trim_start().split_once(") ") else { continue };
        let is_number = !number.is_empty() && number.chars().all(|c| c.is_ascii_digit());
        let Some((name, suite)) = title.rsplit_once(" (").filter(|_| is_number) else { continue };
        let mut failed = case(suite.trim_end_matches(')'), name, "");
        if let Some((file, line)) = lines.next_if(|line| place(line).is_some()).and_then(place) {
            (failed.file, failed.line) = (Some(file), Some(line));
        }
        let mut message = Vec::new();
        while let Some(line) = lines.next_if(|line| !line.trim().is_empty()) {
            let line = line.trim();
            if line.starts_with("stacktrace:") {
                break;
            }
            if message.len() < 10 {
                message.push(line);
            }
        }
        failed.message = message.join("\n");
        note(all, failed);
    }
}

#[cfg(test)]
mod tests {
    use super::read;

    #[test]
    fn blocks_and_closing_lines() {
        let text = "Running ExUnit with seed: 1, max_cases: 4

..

  1) test rounds (MoneyTest)
     test/money_test.exs:9
     Assertion with == failed
     code:  assert 1 == 2
     left:  1
     right: 2
     stacktrace:
       test/money_test.exs:10: (test)

Finished in 0.02 seconds (0.00s async, 0.02s sync)
1 doctest, 4 tests, 1 failure, 1 excluded, 1 skipped
";
        let all = read(text).unwrap();
        assert_eq!((all.passed, all.failed, all.skipped), (2, 1, 2));
        let case = &all.failures[0];
        assert_eq!((&*case.suite, &*case.name), ("MoneyTest", "test rounds"));
        assert_eq!((case.file.as_deref(), case.line), (Some("test/money_test.exs"), Some(9)));
        assert!(case.message.contains("left:  1") && !case.message.contains("stacktrace"));
        // Wherever the host cut it.
        for at in (0..text.len()).filter(|at| text.is_char_boundary(*at)) {
            let _ = read(text.get(..at).unwrap_or_default());
            let _ = read(text.get(at..).unwrap_or_default());
        }
        let none = read("There are no tests to run\n").unwrap();
        assert!(none.none_yet.is_some());
        assert!(read("** (Mix) Could not compile dependency\n").is_none());
    }
}
