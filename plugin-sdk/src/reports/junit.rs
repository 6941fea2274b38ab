//! JUnit's XML, as pytest, jest-junit, gotestsum and many others write it: `testsuite` elements, each `testcase` with
//! an optional `failure`, `error` or `skipped`.

use super::{case, note, place, summary};
use crate::Summary;
use roxmltree::{Document, Node};

/// Reads one document.
///
/// # Errors
/// The text is no XML.
pub fn junit(text: &str) -> Result<Summary, String> {
    let document = Document::parse(text).map_err(|error| error.to_string())?;
    let mut all = summary();
    for test in document.descendants().filter(|node| node.has_tag_name("testcase")) {
        let child = |name: &str| test.children().find(|node| node.has_tag_name(name));
        if let Some(failure) = child("failure").or_else(|| child("error")) {
            all.failed += 1;
            note(&mut all, failed(test, failure));
        } else if child("skipped").is_some() || is_left_out(test) {
            all.skipped += 1;
        } else {
            all.passed += 1;
        }
    }
    Ok(all)
}

/// Returns whether a test was left out: disabled in GoogleTest, or not run by CTest.
fn is_left_out(test: Node<'_, '_>) -> bool {
    matches!(test.attribute("status"), Some("notrun" | "disabled"))
}

fn failed(test: Node<'_, '_>, failure: Node<'_, '_>) -> crate::TestCase {
    let attribute =
        |node: Node<'_, '_>, name: &str| node.attribute(name).unwrap_or_default().to_owned();
    let message = match &*attribute(failure, "message") {
        "" => failure.text().unwrap_or_default().to_owned(),
        message => message.to_owned(),
    };
    let mut case = case(&attribute(test, "classname"), &attribute(test, "name"), &message);
    // `test_app.py:9: AssertionError` at the end of pytest's text. Its attribute `line` counts from 0.
    let heads = failure.text().unwrap_or_default().lines().rev();
    let found = heads.filter_map(|line| line.split_once(": ")).find_map(|(head, _)| place(head));
    match found {
        Some((file, line)) => (case.file, case.line) = (Some(file), Some(line)),
        None => case.file = test.attribute("file").map(str::to_owned),
    }
    case
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_and_failures() {
        let text = r#"<?xml version="1.0"?><testsuites><testsuite name="pytest">
            <testcase classname="test_app" name="test_ok" time="0.1"/>
            <testcase classname="test_app" name="test_no"><failure message="assert 1 == 2">def test_no
>   assert 1 == 2

test_app.py:9: AssertionError</failure></testcase>
            <testcase classname="test_app" name="test_bad"><error message="collection failure"/></testcase>
            <testcase classname="test_app" name="test_later"><skipped/></testcase>
        </testsuite></testsuites>"#;
        let read = junit(text).unwrap();
        assert_eq!((read.passed, read.failed, read.skipped), (1, 2, 1));
        assert_eq!(read.failures[0].message, "assert 1 == 2");
        assert_eq!(
            (read.failures[0].file.as_deref(), read.failures[0].line),
            (Some("test_app.py"), Some(9))
        );
        assert!(junit("<testsuite").is_err());
    }

    /// GoogleTest gives a disabled test no element of its own, only a status.
    #[test]
    fn what_was_not_run_did_not_pass() {
        let text = r#"<testsuites tests="3" failures="0" disabled="1"><testsuite name="Money">
            <testcase name="Adds" status="run" result="completed" classname="Money" />
            <testcase name="DISABLED_Rounds" status="notrun" result="suppressed" classname="Money" />
            <testcase name="Later" status="run" result="skipped"><skipped message="later"/></testcase>
        </testsuite></testsuites>"#;
        let read = junit(text).unwrap();
        assert_eq!((read.passed, read.failed, read.skipped), (1, 0, 2));
    }
}
