//! Output of surefire, for runs without a report: `[INFO] Tests run: 3, Failures: 1, Errors: 0, Skipped: 1`.

use windlass_plugin_sdk::{
    Summary,
    reports::{case, note, summary},
};

/// Reads the output of a run: each module has a line of its own after those of its classes. `None` means that there
/// is none.
pub(crate) fn read(text: &str) -> Option<Summary> {
    let mut all = summary();
    let mut found = false;
    for line in text.lines() {
        let Some((_, counts)) = line.split_once("Tests run: ") else { continue };
        // A class: its module has it in its own line.
        if line.contains("Time elapsed") || line.contains(" -- in ") {
            continue;
        }
        let count = |name: &str| {
            let found = counts.split(", ").find_map(|part| part.strip_prefix(name));
            found.and_then(|number| number.trim().parse::<u32>().ok()).unwrap_or_default()
        };
        let ran = counts.split(',').next().and_then(|number| number.trim().parse::<u32>().ok());
        let Some(ran) = ran else { continue };
        found = true;
        let failed = count("Failures:").saturating_add(count("Errors:"));
        let skipped = count("Skipped:");
        all.failed = all.failed.saturating_add(failed);
        all.skipped = all.skipped.saturating_add(skipped);
        all.passed = all.passed.saturating_add(ran.saturating_sub(failed).saturating_sub(skipped));
    }
    // `[ERROR]   MoneyTest.rounds:12 expected: <1> but was: <2>`
    for line in text.lines() {
        let Some(rest) = line.strip_prefix("[ERROR]   ") else { continue };
        let Some((at, message)) = rest.split_once(' ') else { continue };
        let Some((test, line)) = at.rsplit_once(':') else { continue };
        let (Some((class, name)), Ok(line)) = (test.split_once('.'), line.parse::<u32>()) else {
            continue;
        };
        let mut failed = case(class, name, message);
        (failed.file, failed.line) = (Some(format!("{class}.java")), Some(line));
        note(&mut all, failed);
    }
    (found && (all.passed > 0 || all.failed > 0 || all.skipped > 0)).then_some(all)
}

#[cfg(test)]
mod tests {
    #[test]
    fn lines_of_modules_count_and_those_of_classes_do_not() {
        let text = "[ERROR] Tests run: 3, Failures: 1, Errors: 0, Skipped: 1, Time elapsed: 0.1 s <<< FAILURE! -- in shop.MoneyTest
[ERROR]   MoneyTest.rounds:12 expected: <1> but was: <2>
[ERROR] Tests run: 3, Failures: 1, Errors: 0, Skipped: 1
";
        let read = super::read(text).unwrap();
        assert_eq!((read.passed, read.failed, read.skipped), (1, 1, 1));
        assert_eq!((&*read.failures[0].name, read.failures[0].line), ("rounds", Some(12)));
        // Wherever the host cut it.
        for at in (0..text.len()).filter(|at| text.is_char_boundary(*at)) {
            let _ = super::read(text.get(..at).unwrap_or_default());
            let _ = super::read(text.get(at..).unwrap_or_default());
        }
        assert!(super::read("[INFO] BUILD SUCCESS").is_none());
    }
}
