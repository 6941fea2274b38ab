//! TRX, the XML of `dotnet test --logger trx`: `UnitTestResult` elements, and `UnitTest` definitions with their
//! classes.

use super::{case, note, place, summary};
use crate::{Summary, TestCase};
use roxmltree::{Document, Node, ParsingOptions};
use std::collections::BTreeMap;

/// Number of XML nodes of the largest report that is read.
const MOST_NODES: u32 = 2_000_000;

/// Reads one document.
///
/// # Errors
/// The text is no XML, has a DTD, or is too large.
pub fn trx(text: &str) -> Result<Summary, String> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let options = ParsingOptions { nodes_limit: MOST_NODES, ..ParsingOptions::default() };
    let document =
        Document::parse_with_options(text, options).map_err(|error| error.to_string())?;
    let nodes = || document.descendants().filter(Node::is_element);
    let classes: BTreeMap<&str, &str> = nodes()
        .filter(|node| is(*node, "UnitTest"))
        .filter_map(|test| {
            let method = test.children().find(|node| is(*node, "TestMethod"))?;
            Some((test.attribute("id")?, method.attribute("className")?))
        })
        .collect();
    let mut all = summary();
    for result in nodes().filter(|node| is(*node, "UnitTestResult")) {
        // Rows of data are within the result of their test.
        if result.descendants().skip(1).any(|node| is(node, "UnitTestResult")) {
            continue;
        }
        match result.attribute("outcome").unwrap_or_default() {
            "Passed" | "PassedButRunAborted" | "Warning" | "Completed" => all.passed += 1,
            "NotExecuted" | "NotRunnable" | "Inconclusive" | "Pending" | "Disconnected" => {
                all.skipped += 1;
            }
            _ => {
                all.failed += 1;
                let id = result.attribute("testId").unwrap_or_default();
                let class = classes.get(id).copied().unwrap_or_default();
                note(&mut all, failed(result, class));
            }
        }
    }
    Ok(all)
}

fn failed(result: Node<'_, '_>, class: &str) -> TestCase {
    let text = |name: &str| {
        let found = result.descendants().find(|node| is(*node, name));
        found.and_then(|node| node.text()).unwrap_or_default()
    };
    // Often the name of the test begins with its class.
    let name = result.attribute("testName").unwrap_or_default();
    let short = name.strip_prefix(class).and_then(|rest| rest.strip_prefix('.')).unwrap_or(name);
    let mut case = case(class, short, text("Message"));
    // `   at Shop.MoneyTests.Rounds() in /app/MoneyTests.cs:line 12`
    let mut places = text("StackTrace").lines().filter_map(|line| {
        let (file, line) = line.rsplit_once(" in ")?.1.rsplit_once(":line ")?;
        place(&format!("{}:{}", file.trim(), line.trim()))
    });
    if let Some((file, line)) = places.next() {
        (case.file, case.line) = (Some(file), Some(line));
    }
    case
}

fn is(node: Node<'_, '_>, name: &str) -> bool {
    node.tag_name().name() == name
}

#[cfg(test)]
mod tests {
    use super::trx;

    #[test]
    fn outcomes_are_counted_and_a_failure_has_class_and_line() {
        let text = r#"<?xml version="1.0" encoding="utf-8"?>
<TestRun id="1" xmlns="http://microsoft.com/schemas/VisualStudio/TeamTest/2010"><Results>
  <UnitTestResult testId="a" testName="Shop.MoneyTests.Adds" outcome="Passed"/>
  <UnitTestResult testId="b" testName="Shop.MoneyTests.Rounds" outcome="Failed"><Output><StdOut>x</StdOut><ErrorInfo>
    <Message>Assert.Equal() Failure
Expected: 1</Message><StackTrace>   at Xunit.Assert.Equal()
   at Shop.MoneyTests.Rounds() in /app/tests/MoneyTests.cs:line 12</StackTrace></ErrorInfo></Output></UnitTestResult>
  <UnitTestResult testId="c" testName="Shop.MoneyTests.Later" outcome="NotExecuted"/>
  <UnitTestResult testId="d" testName="Rows" outcome="Passed" resultType="DataDrivenTest"><InnerResults>
    <UnitTestResult testId="d" testName="Rows (1)" outcome="Passed"/><UnitTestResult testId="d" testName="Rows (2)" outcome="Timeout"/>
  </InnerResults></UnitTestResult></Results>
  <TestDefinitions><UnitTest id="b"><Execution id="e"/><TestMethod className="Shop.MoneyTests" name="Rounds"/></UnitTest></TestDefinitions>
</TestRun>"#;
        let read = trx(&format!("\u{feff}{text}")).unwrap();
        assert_eq!((read.passed, read.failed, read.skipped), (2, 2, 1));
        let case = &read.failures[0];
        assert_eq!((&*case.suite, &*case.name), ("Shop.MoneyTests", "Rounds"));
        assert_eq!((case.file.as_deref(), case.line), (Some("tests/MoneyTests.cs"), Some(12)));
        // Wherever the host cut it.
        for at in (0..text.len()).filter(|at| text.is_char_boundary(*at)) {
            let _ = trx(text.get(..at).unwrap_or_default());
            let _ = trx(text.get(at..).unwrap_or_default());
        }
        assert!(case.message.contains("Expected: 1"), "{}", case.message);
        assert!(trx("<TestRun").is_err());
        assert_eq!(trx("<TestRun/>").unwrap().passed, 0);
    }
}
