//! Minitest and test-unit: `3 runs, 3 assertions, 1 failures, 0 errors, 1 skips`, and a block for each failure.

use windlass_plugin_sdk::{
    Summary,
    reports::{case, none_if_zero, note, place, summary},
};

/// Reads the output of a run: rake may run several suites, each with a closing line. `None` means that there is none.
pub(crate) fn read(text: &str) -> Option<Summary> {
    let mut all = summary();
    let mut closing = None;
    for line in text.lines() {
        let Some(counts) = counts(line.trim()) else { continue };
        closing = Some(line);
        let count = |word: &str| {
            let found = counts.iter().find(|(_, name)| *name == word);
            found.map(|(number, _)| *number).unwrap_or_default()
        };
        let failed = count("failures").saturating_add(count("errors"));
        let skipped =
            count("skips").saturating_add(count("pendings")).saturating_add(count("omissions"));
        let ran = count("runs").saturating_add(count("tests"));
        all.failed = all.failed.saturating_add(failed);
        all.skipped = all.skipped.saturating_add(skipped);
        let passed = ran.saturating_sub(failed).saturating_sub(skipped);
        all.passed = all.passed.saturating_add(passed);
    }
    let closing = closing?;
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
        let has = |names: &[&str]| counts.iter().any(|(_, name)| names.contains(name));
        has(&["runs", "tests"]) && has(&["assertions"])
    })
}

/// Reads the blocks: `  1) Failure:` or `Error:`, `MoneyTest#test_rounds [test/money_test.rb:9]:`, the message, and a
/// blank line.
fn failures(text: &str, all: &mut Summary) {
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let head = line.trim().rsplit(") ").next().unwrap_or_default();
        if !matches!(head, "Failure:" | "Error:") {
            continue;
        }
        let title = lines.next().unwrap_or_default().trim().trim_end_matches(':');
        let (title, at) = title.split_once(" [").unwrap_or((title, ""));
        let (suite, name) = title.split_once('#').unwrap_or(("", title));
        let mut at = place(at.trim_end_matches(']'));
        let mut message = Vec::new();
        for line in lines.by_ref().map(str::trim).take_while(|line| !line.is_empty()).take(40) {
            // `test/money_test.rb:12:in 'MoneyTest#test_rounds'`
            match line.split_once(":in ").and_then(|(head, _)| place(head)) {
                Some(frame) => at = at.or(Some(frame).filter(|(file, _)| !file.starts_with('/'))),
                None if message.len() < 10 => message.push(line),
                None => {}
            }
        }
        let mut failed = case(suite, name, &message.join("\n"));
        if let Some((file, line)) = at {
            (failed.file, failed.line) = (Some(file), Some(line));
        }
        note(all, failed);
    }
}

#[cfg(test)]
mod tests {
    use super::read;

    #[test]
    fn blocks_and_closing_lines_of_several_suites() {
        let text = "Run options: --seed 1

F.S

  1) Failure:
MoneyTest#test_rounds [test/money_test.rb:9]:
Expected: 1
  Actual: 2

  2) Error:
MoneyTest#test_divides:
ZeroDivisionError: divided by 0
    /usr/lib/ruby/x.rb:3:in `divide'
    test/money_test.rb:12:in `test_divides'

4 runs, 3 assertions, 1 failures, 1 errors, 1 skips
1 runs, 1 assertions, 0 failures, 0 errors, 0 skips
";
        let all = read(text).unwrap();
        assert_eq!((all.passed, all.failed, all.skipped), (2, 2, 1));
        let case = &all.failures[0];
        assert_eq!((&*case.suite, &*case.name, case.line), ("MoneyTest", "test_rounds", Some(9)));
        assert_eq!(case.message, "Expected: 1\nActual: 2");
        assert_eq!(all.failures[1].line, Some(12));
        // Wherever the host cut it.
        for at in (0..text.len()).filter(|at| text.is_char_boundary(*at)) {
            let _ = read(text.get(..at).unwrap_or_default());
            let _ = read(text.get(at..).unwrap_or_default());
        }
        let unit = "3 tests, 3 assertions, 0 failures, 0 errors, 1 pendings, 0 omissions, 0 notifications\n";
        assert_eq!(read(unit).unwrap().passed, 2);
        assert!(read("rake aborted!\nDon't know how to build task 'test'\n").is_none());
    }
}
