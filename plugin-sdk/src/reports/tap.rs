//! The Test Anything Protocol, versions 13 and 14, with the YAML that Node's runner adds. Subtests are indented. A test
//! that has subtests is counted by its subtests.

use super::{case, none_if_zero, note, place, summary};
use crate::Summary;

/// Reads a stream. `None` means that the text is no TAP.
#[must_use]
pub fn tap(text: &str) -> Option<Summary> {
    // The host keeps only the end of a long stream: Node's runner ends with its counts.
    let is_tap =
        text.lines().any(|line| line.starts_with("TAP version") || line.starts_with("# tests "));
    if !is_tap {
        return None;
    }
    let mut all = summary();
    let lines: Vec<&str> = text.lines().collect();
    // Depths of subtests since the last line of a lesser depth. The line of their parent follows the
    // subtests, and is not counted.
    let mut depths: Vec<usize> = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        let depth = line.len() - line.trim_start().len();
        let Some((ok, rest)) = point(line.trim_start()) else { continue };
        let is_parent = depths.iter().any(|below| *below > depth);
        depths.retain(|below| *below <= depth);
        if depths.last() != Some(&depth) {
            depths.push(depth);
        }
        if is_parent {
            continue;
        }
        let (name, directive) = match rest.split_once(" # ") {
            Some((name, directive)) => (name, directive.to_ascii_lowercase()),
            None => (rest, String::new()),
        };
        if directive.starts_with("skip") || directive.starts_with("todo") {
            all.skipped += 1;
        } else if ok {
            all.passed += 1;
        } else {
            all.failed += 1;
            let yaml = yaml(lines.get(index + 1..).unwrap_or_default());
            let mut case = case("", name, &yaml.error);
            if let Some((file, line)) = yaml.location.as_deref().and_then(place) {
                (case.file, case.line) = (Some(file), Some(line));
            }
            note(&mut all, case);
        }
    }
    Some(none_if_zero(all, "the run printed no test point"))
}

/// Reads a test point: `ok 1 - name` or `not ok 1 - name`.
fn point(line: &str) -> Option<(bool, &str)> {
    let (ok, rest) = match line.strip_prefix("not ok") {
        Some(rest) => (false, rest),
        None => (true, line.strip_prefix("ok")?),
    };
    let rest = rest.strip_prefix(' ')?.trim_start_matches(|c: char| c.is_ascii_digit());
    Some((ok, rest.trim_start().trim_start_matches("- ")))
}

#[derive(Default)]
struct Yaml {
    location: Option<String>,
    error: String,
}

/// Reads the block between `---` and `...` that follows a test point, for the two keys that are shown.
fn yaml(lines: &[&str]) -> Yaml {
    let mut found = Yaml::default();
    let mut lines = lines.iter().map(|line| line.trim());
    if lines.next() != Some("---") {
        return found;
    }
    let mut in_error = false;
    for line in lines.take_while(|line| *line != "...") {
        if let Some(location) = line.strip_prefix("location:") {
            found.location = Some(location.trim().trim_matches('\'').to_owned());
        } else if let Some(error) = line.strip_prefix("error:") {
            let error = error.trim();
            in_error = matches!(error, "|-" | "|" | ">-");
            if !in_error {
                found.error = error.trim_matches(['\'', '"']).replace("''", "'");
            }
            continue;
        } else if in_error && !is_key(line) {
            found.error.push_str(line);
            found.error.push('\n');
            continue;
        }
        in_error = false;
    }
    found
}

/// Returns whether a line begins with a key that Node's runner writes after an error.
fn is_key(line: &str) -> bool {
    [
        "code:",
        "name:",
        "expected:",
        "actual:",
        "operator:",
        "stack:",
        "failureType:",
        "duration_ms:",
    ]
    .iter()
    .any(|key| line.starts_with(key))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subtests_count_and_their_parents_do_not() {
        let text = "TAP version 13
# Subtest: sums
    # Subtest: adds
    ok 1 - adds
      ---
      duration_ms: 1
      ...
    # Subtest: subtracts
    not ok 2 - subtracts
      ---
      duration_ms: 1
      type: 'test'
      location: '/app/app.test.js:9:3'
      failureType: 'testCodeFailure'
      error: |-
        Expected values to be strictly equal:

        1 !== 2

      code: 'ERR_ASSERTION'
      ...
    1..2
not ok 1 - sums
  ---
  location: '/app/app.test.js:3:1'
  ...
ok 2 - later # SKIP not yet
ok 3 - fine
1..3
";
        let read = tap(text).unwrap();
        assert_eq!((read.passed, read.failed, read.skipped), (2, 1, 1));
        let case = &read.failures[0];
        assert_eq!(
            (&*case.name, case.file.as_deref(), case.line),
            ("subtracts", Some("app.test.js"), Some(9))
        );
        assert!(case.message.contains("1 !== 2"), "{}", case.message);
        assert!(tap("ok, done\n").is_none());
    }
}
