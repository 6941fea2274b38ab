//! RSpec: its JSON, and the closing line `3 examples, 1 failure, 1 pending`.

use serde_json::Value;
use windlass_plugin_sdk::{
    Summary,
    reports::{case, none_if_zero, note, place, summary},
};

/// Reads a report. `None` means that it is none of rspec.
pub(crate) fn read(text: &str) -> Option<Summary> {
    let report: Value = serde_json::from_str(text).ok()?;
    let examples = report.get("examples")?.as_array()?;
    let mut all = summary();
    for example in examples {
        let text = |key: &str| example.get(key).and_then(Value::as_str).unwrap_or_default();
        match text("status") {
            "passed" => all.passed += 1,
            "pending" => all.skipped += 1,
            _ => {
                all.failed += 1;
                let exception = example.get("exception");
                let message = exception.and_then(|exception| exception.get("message")?.as_str());
                let file = text("file_path").trim_start_matches("./");
                let mut failed = case(file, text("full_description"), message.unwrap_or_default());
                failed.file = Some(file.to_owned()).filter(|file| !file.is_empty());
                let line = example.get("line_number").and_then(Value::as_u64);
                failed.line = line.and_then(|line| u32::try_from(line).ok());
                note(&mut all, failed);
            }
        }
    }
    let counts = report.get("summary");
    let outside =
        counts.and_then(|counts| counts.get("errors_outside_of_examples_count")?.as_u64());
    let outside = outside.and_then(|count| u32::try_from(count).ok()).unwrap_or_default();
    if outside > 0 {
        all.failed = all.failed.saturating_add(outside);
        let messages = report.get("messages").and_then(Value::as_array);
        let messages = messages.into_iter().flatten().filter_map(Value::as_str);
        let messages: Vec<_> = messages.take(5).map(str::trim).collect();
        note(&mut all, case("", "fails outside its examples", &messages.join("\n")));
    }
    let closing = report.get("summary_line").and_then(Value::as_str).unwrap_or("0 examples");
    Some(none_if_zero(all, closing))
}

/// Reads the output of a run without a report. `None` means that the closing line is missing.
pub(crate) fn printed(text: &str) -> Option<Summary> {
    let closing =
        text.lines().rev().map(str::trim).find(|line| {
            line.contains(" example") && line.starts_with(|c: char| c.is_ascii_digit())
        })?;
    let count = |word: &str| {
        let parts = closing.split(',').filter_map(|part| part.trim().split_once(' '));
        let of = parts.filter(|(_, name)| name.starts_with(word));
        of.filter_map(|(number, _)| number.parse::<u32>().ok()).next().unwrap_or_default()
    };
    let mut all = summary();
    all.failed = count("failure").saturating_add(count("error"));
    all.skipped = count("pending");
    all.passed = count("example").saturating_sub(count("failure")).saturating_sub(all.skipped);
    // `rspec ./spec/money_spec.rb:7 # money rounds`
    for line in text.lines() {
        let Some((at, name)) = line.strip_prefix("rspec ").and_then(|rest| rest.split_once(" # "))
        else {
            continue;
        };
        let mut failed = case("", name, "");
        if let Some((file, line)) = place(at) {
            failed.suite.clone_from(&file);
            (failed.file, failed.line) = (Some(file), Some(line));
        }
        note(&mut all, failed);
    }
    Some(none_if_zero(all, closing))
}

#[cfg(test)]
mod tests {
    #[test]
    fn examples_and_errors_outside_of_them() {
        let text = r#"{"version":"3.13","examples":[
            {"full_description":"money adds","status":"passed","file_path":"./spec/money_spec.rb","line_number":3},
            {"full_description":"money rounds","status":"failed","file_path":"./spec/money_spec.rb","line_number":7,"exception":{"class":"E","message":"expected: 1\n     got: 2"}},
            {"full_description":"money later","status":"pending","file_path":"./spec/money_spec.rb","line_number":9}],
            "messages":["An error occurred while loading ./spec/b_spec.rb."],
            "summary":{"example_count":3,"errors_outside_of_examples_count":1},"summary_line":"3 examples, 1 failure"}"#;
        let read = super::read(text).unwrap();
        assert_eq!((read.passed, read.failed, read.skipped), (1, 2, 1));
        let case = &read.failures[0];
        assert_eq!(
            (&*case.name, case.file.as_deref(), case.line),
            ("money rounds", Some("spec/money_spec.rb"), Some(7))
        );
        assert!(read.failures[1].message.contains("while loading"));
        assert!(super::read("{}").is_none() && super::read("{\"examples\":").is_none());
        // Wherever the host cut it.
        for at in (0..text.len()).filter(|at| text.is_char_boundary(*at)) {
            let _ = super::read(text.get(..at).unwrap_or_default());
            let _ = super::read(text.get(at..).unwrap_or_default());
        }
    }

    #[test]
    fn the_closing_line_and_the_places() {
        let text = "Failures:\n\n  1) money rounds\n\nFinished in 0.01 seconds\n3 examples, 1 failure, 1 pending\n\nFailed examples:\n\nrspec ./spec/money_spec.rb:7 # money rounds\n";
        let read = super::printed(text).unwrap();
        assert_eq!((read.passed, read.failed, read.skipped), (1, 1, 1));
        assert_eq!(read.failures[0].line, Some(7));
    }
}
