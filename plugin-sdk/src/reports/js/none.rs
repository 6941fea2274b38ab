//! Tools that find no test, and print a sentence instead of counts.

use crate::{Summary, reports};

/// Beginnings of such sentences: jest, react-scripts and bun, vitest and mocha, jasmine, bun, ava.
const BEGINNINGS: [&str; 5] = [
    "No tests found",
    "No test files found",
    "No specs found",
    "0 test files matching",
    "Couldn’t find any files to test",
];

/// Returns a summary of zeros where a tool prints that there is no test.
pub(super) fn read(text: &str) -> Option<Summary> {
    let is_sentence = |line: &str| {
        let line = line.trim();
        let line = ["Error: ", "error: ", "✖ "]
            .iter()
            .fold(line, |line, lead| line.strip_prefix(*lead).unwrap_or(line).trim_start());
        // The whole line is compared for node:test, since RubyGems begins a sentence in the same way.
        let no_match =
            line.strip_prefix("Could not find '").and_then(|rest| rest.strip_suffix('\''));
        BEGINNINGS.iter().any(|beginning| line.starts_with(beginning))
            || no_match.is_some_and(|pattern| !pattern.contains('\''))
    };
    text.lines().find(|line| is_sentence(line)).map(reports::none)
}

#[cfg(test)]
mod tests {
    use super::read;

    #[test]
    fn each_tool_in_its_own_words() {
        for text in [
            "> test\n> jest\n\nNo tests found, exiting with code 1\nIn /app\n  2 files checked.\n",
            "No tests found, exiting with code 0\n",
            "\n RUN  v3.2.4 /app\n\nNo test files found, exiting with code 1\n\ninclude: **/*.test.js\n",
            "Error: No test files found: \"test\"\n    at lookupFiles\n",
            "Could not find '/app/test/**/*.test.js'\n",
            "error: 0 test files matching **{.test,.spec}.js in --cwd=\"/app\"\n",
        ] {
            let read = read(text).unwrap();
            assert_eq!((read.passed, read.failed, read.skipped), (0, 0, 0), "{text}");
            assert!(read.none_yet.is_some(), "{text}");
        }
        assert!(read("sh: 1: jest: not found\n").is_none());
        assert!(read("eslint: 3 problems\n").is_none());
        assert!(
            read("Could not find 'bundler' (2.3.5) required by /app/Gemfile.lock.\n").is_none()
        );
    }
}
