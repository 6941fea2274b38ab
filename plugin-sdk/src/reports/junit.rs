//! JUnit's XML, as pytest, surefire, gradle, phpunit, jest-junit and many others write it: `testsuite` elements, each
//! `testcase` with an optional `failure`, `error` or `skipped`.
//!
//! There is no standard. Tests are counted by their elements: attributes of a suite with counts are often wrong, and
//! often count the suites within it too.

use super::{case, note, place, summary};
use crate::{Summary, TestCase};
use roxmltree::{Document, Node, ParsingOptions};
use std::collections::{BTreeMap, BTreeSet};

/// Number of XML nodes of the largest report that is read.
const MOST_NODES: u32 = 2_000_000;

/// Verdict on one test.
enum Verdict {
    Passed,
    Skipped,
    Failed(Box<TestCase>),
}

/// One element of a test.
struct Listed {
    /// Suite that lists the test.
    suite: Option<u32>,
    verdict: Verdict,
}

/// Reads one document.
///
/// # Errors
/// The text is no XML, has a DTD, or is too large.
pub fn junit(text: &str) -> Result<Summary, String> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let options = ParsingOptions { nodes_limit: MOST_NODES, ..ParsingOptions::default() };
    let document =
        Document::parse_with_options(text, options).map_err(|error| error.to_string())?;
    let mut all = summary();
    for tests in by_identity(&document).into_values() {
        count(&mut all, tests);
    }
    for suite in document.descendants().filter(|node| is(*node, "testsuite")) {
        let mut below = suite.descendants().skip(1);
        if !below.any(|node| is(node, "testcase") || is(node, "testsuite")) {
            count_attributes(&mut all, suite);
        }
    }
    Ok(all)
}

/// Groups tests by their identity: class or file, and name. The order of one test's elements is kept.
fn by_identity(document: &Document<'_>) -> BTreeMap<(String, String), Vec<Listed>> {
    let mut tests: BTreeMap<(String, String), Vec<Listed>> = BTreeMap::new();
    // Suites that enclose the suite of a test, by the test's identity.
    let mut above: BTreeMap<(String, String), BTreeSet<u32>> = BTreeMap::new();
    for test in document.descendants().filter(|node| is(*node, "testcase")) {
        let mut suites = test.ancestors().skip(1).filter(|node| is(*node, "testsuite"));
        let suite = suites.next();
        let group = group(test, suite);
        let identity = (group.clone(), attribute(test, "name").to_owned());
        above.entry(identity.clone()).or_default().extend(suites.map(|suite| suite.id().get()));
        let verdict = verdict(test, &group);
        let listed = Listed { suite: suite.map(|suite| suite.id().get()), verdict };
        tests.entry(identity).or_default().push(listed);
    }
    // Some tools list a test in its suite, and once more in the suite around it.
    for (identity, listed) in &mut tests {
        let above = above.get(identity);
        let repeats = |suite: u32| above.is_some_and(|above| above.contains(&suite));
        listed.retain(|one| !one.suite.is_some_and(repeats));
    }
    tests
}

/// Returns the class of a test, or else its file, or else its suite.
fn group(test: Node<'_, '_>, suite: Option<Node<'_, '_>>) -> String {
    let names = ["classname", "class", "file"].map(|name| attribute(test, name));
    let found = names.into_iter().find(|name| !name.is_empty());
    found.or(suite.map(|suite| attribute(suite, "name"))).unwrap_or_default().to_owned()
}

/// Counts the elements of one test. Failures before a success in the same suite are of a test that was run again, and
/// several failures are of one test that failed while it ran and while it was torn down. Suites beside each other run a
/// test for several browsers or systems.
fn count(all: &mut Summary, tests: Vec<Listed>) {
    let failures = tests.iter().filter(|one| matches!(one.verdict, Verdict::Failed(_))).count();
    let passes_at_last = tests.last().is_some_and(|one| matches!(one.verdict, Verdict::Passed));
    let first = tests.first().and_then(|one| one.suite);
    let is_one_suite = tests.iter().all(|one| one.suite == first);
    if failures > 0 && is_one_suite && passes_at_last && failures + 1 == tests.len() {
        all.passed += 1;
        return;
    }
    let mut failed = false;
    for one in tests {
        match one.verdict {
            Verdict::Passed => all.passed += 1,
            Verdict::Skipped => all.skipped += 1,
            Verdict::Failed(case) => {
                all.failed += u32::from(!failed);
                failed = true;
                note(all, *case);
            }
        }
    }
}

/// Counts a suite that lists no test by its attributes.
fn count_attributes(all: &mut Summary, suite: Node<'_, '_>) {
    let number = |name: &str| attribute(suite, name).parse::<u32>().unwrap_or_default();
    let failed = number("failures").saturating_add(number("errors"));
    let skipped = number("skipped").saturating_add(number("disabled"));
    let passed = number("tests").saturating_sub(failed).saturating_sub(skipped);
    all.passed = all.passed.saturating_add(passed);
    all.failed = all.failed.saturating_add(failed);
    all.skipped = all.skipped.saturating_add(skipped);
    if failed > 0 {
        let message = format!("{failed} failed, and the report lists no test of this suite");
        note(all, case(attribute(suite, "name"), "", &message));
    }
}

fn verdict(test: Node<'_, '_>, group: &str) -> Verdict {
    let failures: Vec<_> =
        test.children().filter(|node| is(*node, "failure") || is(*node, "error")).collect();
    if !failures.is_empty() || matches!(attribute(test, "status"), "fail" | "failed") {
        return Verdict::Failed(Box::new(failed(test, group, &failures)));
    }
    if test.children().any(|node| is(node, "skipped")) || is_left_out(test) {
        return Verdict::Skipped;
    }
    Verdict::Passed
}

/// Returns whether a test was left out: disabled in GoogleTest, or not run by CTest.
fn is_left_out(test: Node<'_, '_>) -> bool {
    matches!(attribute(test, "status"), "notrun" | "disabled" | "skipped" | "ignored")
        || matches!(attribute(test, "result"), "suppressed" | "skipped")
}

fn failed(test: Node<'_, '_>, group: &str, failures: &[Node<'_, '_>]) -> TestCase {
    let mut messages = failures.iter().map(|failure| match attribute(*failure, "message") {
        "" => failure.text().unwrap_or_default(),
        message => message,
    });
    let message = messages.find(|text| !text.trim().is_empty()).unwrap_or_default();
    let mut case = case(group, attribute(test, "name"), message);
    let texts = || failures.iter().map(|failure| failure.text().unwrap_or_default());
    if let Some((file, line)) = texts().find_map(|text| located(text, attribute(test, "classname")))
    {
        (case.file, case.line) = (Some(file), Some(line));
    } else {
        case.file = Some(attribute(test, "file").to_owned()).filter(|file| !file.is_empty());
        // Without a file it is of no use. pytest counts from 0, and its text has the place.
        case.line = attribute(test, "line").parse().ok().filter(|_| case.file.is_some());
    }
    case
}

/// Finds the place of a failure in its text.
fn located(text: &str, class: &str) -> Option<(String, u32)> {
    // `test_app.py:9: AssertionError` at the end of pytest's text.
    let heads = text.lines().rev().filter_map(|line| line.split_once(": "));
    let head = heads.map(|(head, _)| head).find_map(place);
    // `at com.example.MoneyTest.rounds(MoneyTest.java:12)`: frames of the test tool come before and after.
    let frames = || {
        let frames = text.lines().filter_map(|line| line.trim().strip_prefix("at "));
        frames.map(|frame| {
            let inner = frame.rsplit_once('(').map_or(frame, |(_, inner)| inner);
            (frame, inner.trim_end_matches(')'))
        })
    };
    let of_class = || {
        let own = frames().filter(|(frame, _)| !class.is_empty() && frame.contains(class));
        own.map(|(_, inner)| inner).find_map(place)
    };
    let of_tree = || {
        let inner = frames().map(|(_, inner)| inner);
        inner
            .filter(|inner| inner.contains('/') && !inner.contains("node_modules/"))
            .find_map(place)
    };
    // `/app/tests/MoneyTest.php:12` in a line of its own.
    let bare = || text.lines().find_map(place);
    head.or_else(of_class).or_else(of_tree).or_else(bare)
}

fn is(node: Node<'_, '_>, name: &str) -> bool {
    node.is_element() && node.tag_name().name() == name
}

fn attribute<'a>(node: Node<'a, '_>, name: &str) -> &'a str {
    node.attribute(name).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(text: &str) -> (u32, u32, u32) {
        let read = junit(text).unwrap_or_else(|error| panic!("{error}: {text}"));
        (read.passed, read.failed, read.skipped)
    }

    fn place_of(text: &str) -> (Option<String>, Option<u32>) {
        let case = junit(text).unwrap().failures.remove(0);
        (case.file, case.line)
    }

    /// Shapes of ten tools, each with one test that passed, one that failed and one that was left out.
    #[test]
    fn each_tools_shape_is_counted_by_its_cases_and_the_failure_has_its_place() {
        let shapes = [
            (
                "surefire",
                r#"<?xml version="1.0" encoding="UTF-8"?><testsuite name="shop.MoneyTest" tests="3" errors="0" skipped="1" failures="1">
                <properties><property name="java.version" value="17"/></properties>
                <testcase name="adds" classname="shop.MoneyTest" time="0.01"/>
                <testcase name="rounds" classname="shop.MoneyTest"><failure message="expected: &lt;1&gt; but was: &lt;2&gt;" type="E">E: x
	at org.junit.Assert.fail(Assert.java:89)
	at shop.MoneyTest.rounds(MoneyTest.java:12)
</failure><system-out><![CDATA[<testcase name="printed"/>]]></system-out></testcase>
                <testcase name="later" classname="shop.MoneyTest"><skipped/></testcase></testsuite>"#,
                "MoneyTest.java",
                12,
            ),
            (
                "gradle",
                r#"<testsuite name="shop.MoneyTest" tests="99" skipped="0" failures="0"><testcase name="adds()" classname="shop.MoneyTest"/>
                <testcase name="rounds()" classname="shop.MoneyTest"><failure message="no">no
	at app//shop.MoneyTest.rounds(MoneyTest.kt:7)</failure></testcase>
                <testcase name="later()" classname="shop.MoneyTest"><skipped/></testcase><system-out><![CDATA[]]></system-out></testsuite>"#,
                "MoneyTest.kt",
                7,
            ),
            (
                "pytest",
                r#"<testsuites name="pytest tests"><testsuite name="pytest" errors="0" failures="1" skipped="1" tests="3">
                <testcase classname="tests.test_money" name="test_adds"/>
                <testcase classname="tests.test_money" name="test_rounds"><failure message="assert 1 == 2">def test_rounds
&gt;   assert 1 == 2

tests/test_money.py:9: AssertionError</failure></testcase>
                <testcase classname="tests.test_money" name="test_later"><skipped type="pytest.skip" message="x"/></testcase></testsuite></testsuites>"#,
                "tests/test_money.py",
                9,
            ),
            (
                "phpunit, nested",
                r#"<testsuites><testsuite name="/app/phpunit.xml" tests="3" failures="1"><testsuite name="unit" tests="3" failures="1"><testsuite name="MoneyTest" file="/app/tests/MoneyTest.php" tests="3" failures="1">
                <testcase name="testAdds" file="/app/tests/MoneyTest.php" line="5" class="MoneyTest" classname="MoneyTest" assertions="1"/>
                <testcase name="testRounds" file="/app/tests/MoneyTest.php" line="9" class="MoneyTest" classname="MoneyTest"><failure type="E">MoneyTest::testRounds
Failed asserting that 1 matches 2.

/app/tests/MoneyTest.php:11</failure></testcase>
                <testcase name="testLater" class="MoneyTest" classname="MoneyTest"><skipped/></testcase></testsuite></testsuite></testsuite></testsuites>"#,
                "tests/MoneyTest.php",
                11,
            ),
            (
                "jest-junit",
                r#"<testsuites name="jest tests" tests="3" failures="1"><testsuite name="money" errors="0" failures="1" skipped="1" tests="3">
                <testcase classname="money adds" name="money adds"/><testcase classname="money rounds" name="money rounds"><failure>Error: expect(received).toBe(expected)
    at Object.toBe (/app/src/money.test.js:5:13)
    at run (/app/node_modules/jest-circus/build/run.js:3:1)</failure></testcase>
                <testcase classname="money later" name="money later"><skipped/></testcase></testsuite></testsuites>"#,
                "src/money.test.js",
                5,
            ),
            (
                "vitest",
                r#"<testsuites name="vitest tests" tests="3"><testsuite name="src/money.test.ts" tests="3" failures="1" skipped="1">
                <testcase classname="src/money.test.ts" name="adds"/><testcase classname="src/money.test.ts" name="rounds"><failure message="expected 1 to be 2">AssertionError: expected 1 to be 2
src/money.test.ts:5:13</failure></testcase>
                <testcase classname="src/money.test.ts" name="later"><skipped/></testcase></testsuite></testsuites>"#,
                "src/money.test.ts",
                5,
            ),
            (
                "gtest",
                r#"<testsuites tests="3" failures="1" disabled="1"><testsuite name="Money" tests="3" failures="1" disabled="1">
                <testcase name="Adds" status="run" result="completed" classname="Money"/>
                <testcase name="Rounds" file="money_test.cc" line="8" status="run" result="completed" classname="Money"><failure message="Expected equality" type=""/><failure message="second" type=""/></testcase>
                <testcase name="DISABLED_Later" status="notrun" result="suppressed" classname="Money"/></testsuite></testsuites>"#,
                "money_test.cc",
                8,
            ),
            (
                "bun",
                r#"<testsuites name="bun test" tests="3" failures="1"><testsuite name="money.test.ts" file="money.test.ts" tests="3" failures="1"><testsuite name="money" file="money.test.ts" line="3" tests="3">
                <testcase name="adds" classname="money" file="money.test.ts" line="4"/>
                <testcase name="rounds" classname="money" file="money.test.ts" line="7"><failure type="AssertionError"/></testcase>
                <testcase name="later" classname="money" file="money.test.ts" line="9"><skipped/></testcase></testsuite></testsuite></testsuites>"#,
                "money.test.ts",
                7,
            ),
            (
                "deno",
                r#"<testsuites name="deno test" tests="3" failures="1" errors="0"><testsuite name="./money_test.ts" tests="3" disabled="0" errors="0" failures="1">
                <testcase name="adds" classname="./money_test.ts" line="3" col="6"/>
                <testcase name="rounds" classname="./money_test.ts" line="7"><failure message="Uncaught AssertionError">AssertionError: no
    at file:///app/money_test.ts:8:9</failure></testcase>
                <testcase name="later" classname="./money_test.ts"><skipped/></testcase></testsuite></testsuites>"#,
                "money_test.ts",
                8,
            ),
            (
                "go-junit",
                r#"<testsuites tests="3" failures="1"><testsuite name="example.com/shop" tests="3" failures="1" errors="0" skipped="1">
                <testcase name="TestAdds" classname="example.com/shop"/><testcase name="TestRounds" classname="example.com/shop"><failure message="Failed">    money_test.go:12: got 1</failure></testcase>
                <testcase name="TestLater" classname="example.com/shop"><skipped message="later"/></testcase></testsuite></testsuites>"#,
                "money_test.go",
                12,
            ),
        ];
        for (tool, text, file, line) in shapes {
            assert_eq!(counts(text), (1, 1, 1), "{tool}");
            assert_eq!(place_of(text), (Some(file.into()), Some(line)), "{tool}");
            assert_eq!(counts(&format!("\u{feff}{text}")), (1, 1, 1), "{tool}, with a BOM");
            // Wherever the host cut it.
            for at in (0..text.len()).filter(|at| text.is_char_boundary(*at)) {
                let _ = junit(text.get(..at).unwrap_or_default());
                let _ = junit(text.get(at..).unwrap_or_default());
            }
        }
    }

    #[test]
    fn a_test_that_was_run_again_and_passed_has_passed() {
        let flaky = r#"<testsuite><testcase name="a" classname="c"><flakyFailure message="once"/></testcase></testsuite>"#;
        assert_eq!(counts(flaky), (1, 0, 0));
        let again = r#"<testsuite><testcase name="a" classname="c"><failure/></testcase><testcase name="a" classname="c"/></testsuite>"#;
        assert_eq!(counts(again), (1, 0, 0));
        let browsers = r#"<testsuites><testsuite name="chrome"><testcase name="a" classname="c"><failure/></testcase></testsuite>
            <testsuite name="firefox"><testcase name="a" classname="c"/></testsuite></testsuites>"#;
        assert_eq!(counts(browsers), (1, 1, 0), "a success in another suite hides no failure");
        let in_vain = r#"<testsuite><testcase name="a" classname="c"><failure message="x"/><rerunFailure message="y"/></testcase></testsuite>"#;
        assert_eq!(counts(in_vain), (0, 1, 0));
        let torn_down = r#"<testsuite><testcase name="a" classname="c"><failure/></testcase><testcase name="a" classname="c"><error/></testcase></testsuite>"#;
        assert_eq!(counts(torn_down), (0, 1, 0));
        let data = r#"<testsuite><testcase name="a" classname="c"/><testcase name="a" classname="c"/></testsuite>"#;
        assert_eq!(counts(data), (2, 0, 0), "two rows of a data provider");
    }

    #[test]
    fn a_test_that_its_suite_and_the_suite_around_it_list_counts_once() {
        let text = r#"<testsuites><testsuite name="all"><testcase name="a" classname="c"/>
            <testsuite name="c"><testcase name="a" classname="c"/><testcase name="b" classname="c"/></testsuite></testsuite></testsuites>"#;
        assert_eq!(counts(text), (2, 0, 0));
        let two = r#"<testsuites><testsuite name="x"><testcase name="a"/></testsuite><testsuite name="y"><testcase name="a"/></testsuite></testsuites>"#;
        assert_eq!(counts(two), (2, 0, 0), "without a class the suite tells them apart");
    }

    #[test]
    fn attributes_count_only_where_a_suite_lists_no_test() {
        let text = r#"<testsuites tests="70"><testsuite name="a" tests="5" failures="1" errors="1" skipped="1"/>
            <testsuite name="b" tests="40"><testcase name="x"/></testsuite></testsuites>"#;
        assert_eq!(counts(text), (3, 2, 1));
        assert_eq!(counts("<testsuites/>"), (0, 0, 0));
    }

    #[test]
    fn what_cannot_be_read_is_refused_with_words() {
        for text in
            ["<testsuite", "", "no report", "<!DOCTYPE testsuite [<!ENTITY a \"b\">]><testsuite/>"]
        {
            assert!(!junit(text).unwrap_err().is_empty(), "{text}");
        }
        let utf16: String = "<testsuite/>".chars().flat_map(|c| [c, '\0']).collect();
        junit(&utf16).unwrap_err();
    }
}
