//! Pages: tests fail, do not end, or are not run at all.

use super::{Lines, Origin, Page};
use windlass_model::job::Stage;

pub(crate) const TESTS_FAILED: &Page = &Page {
    code: "tests-failed",
    title: "Tests fail",
    stages: &[Stage::Test],
    means: "The image was built, its tests ran in it, and at least one failed. Nothing was pushed or released, and what serves is as it was.",
    noticed: "The command's exit code is not 0, or the report that a test-runner plugin read has a failed test. Each failed test stands below `why`, with file, line and message; the command's last lines stand there where no plugin could read a report.",
    causes: &[
        Origin {
            cause: "Code or test is wrong",
            evidence: "The same test fails on your machine.",
            fix: "Mend it and commit.",
            lines: Lines::Shell(&["npm test"]),
        },
        Origin {
            cause: "The test needs something that the image does not have",
            evidence: "It passes on your machine, and its message names a file, a program or a variable that is missing.",
            fix: "Add it to the stage that tests run in.",
            lines: Lines::Dockerfile(&[
                "FROM build AS test",
                "RUN apt-get update && apt-get install --yes git",
                "CMD [\"npm\", \"test\"]",
            ]),
        },
        Origin {
            cause: "The test needs another service, such as a database",
            evidence: "Its message speaks of a refused connection.",
            fix: "Run such tests elsewhere, and name a command for the others here.",
            lines: Lines::App(&["[test]", "command = [\"npm\", \"run\", \"test:unit\"]"]),
        },
        Origin {
            cause: "All tests pass, and the command fails",
            evidence: "`why` reads `0 failed`. A linter or a coverage limit ends the command.",
            fix: "Mend what the linter names, or name a command that runs tests alone.",
            lines: Lines::App(&["[test]", "command = [\"npm\", \"run\", \"test:unit\"]"]),
        },
        Origin {
            cause: "The test depends on time, order or chance",
            evidence: "The same commit passed before.",
            fix: "Make it independent; submit again for now.",
            lines: Lines::None,
        },
    ],
    related: &["tests-died", "no-tests-ran", "tests-hang"],
};

pub(crate) const TESTS_DIED: &Page = &Page {
    code: "tests-died",
    title: "The test command ended without a result",
    stages: &[Stage::Test],
    means: "The command failed before it reported any test. Nothing was pushed or released, and what serves is as it was.",
    noticed: "The exit code is not 0, and the test-runner plugin that planned the command finds no test in its output and reports.",
    causes: &[
        Origin {
            cause: "A tool or a dependency is missing in the stage",
            evidence: "The last lines read `not found`, `No module named …` or `Cannot find module …`.",
            fix: "Install it where tests run. Dependencies for development are often left out of the deployed stage.",
            lines: Lines::Dockerfile(&["FROM build AS test", "RUN npm ci --include=dev"]),
        },
        Origin {
            cause: "The code does not load",
            evidence: "The last lines have a syntax error, or an error at import.",
            fix: "Mend it and commit.",
            lines: Lines::None,
        },
        Origin {
            cause: "The process was killed for its memory",
            evidence: "`what` names exit code 137.",
            fix: "Run fewer tests at once, or give the builder more memory.",
            lines: Lines::App(&["[test]", "command = [\"npx\", \"jest\", \"--maxWorkers=2\"]"]),
        },
        Origin {
            cause: "Tests run in the wrong stage",
            evidence: "`windlass plan` shows a stage without the tools.",
            fix: "Name the stage.",
            lines: Lines::App(&["[test]", "stage = \"test\""]),
        },
    ],
    related: &["tests-failed", "no-tests-ran", "build-step-failed"],
};

pub(crate) const NO_TESTS_RAN: &Page = &Page {
    code: "no-tests-ran",
    title: "There are tests, and none ran",
    stages: &[Stage::Test],
    means: "The repository has tests, and the command ran none. Windlass takes that for an error, since a release that only seems tested is worse than one without tests. Nothing was pushed or released.",
    noticed: "The report counts 0 tests. The lines below `why` say why there should have been some.",
    causes: &[
        Origin {
            cause: "The tests are not in the image",
            evidence: "`.dockerignore` names them, or the stage copies the sources alone.",
            fix: "Copy them into the stage that tests run in.",
            lines: Lines::Dockerfile(&["FROM build AS test", "COPY test ./test"]),
        },
        Origin {
            cause: "The tool looks in another place or for other names",
            evidence: "The last lines read `no tests found` or `collected 0 items`.",
            fix: "Name a command that finds them.",
            lines: Lines::App(&["[test]", "command = [\"pytest\", \"tests/unit\"]"]),
        },
        Origin {
            cause: "All tests are filtered out",
            evidence: "The command has a filter, or a marker excludes each.",
            fix: "Remove the filter.",
            lines: Lines::None,
        },
        Origin {
            cause: "The app has no tests on purpose",
            evidence: "The evidence names a leftover, such as a script `test` of a template.",
            fix: "Switch tests off, or remove the leftover.",
            lines: Lines::App(&["[test]", "off = true"]),
        },
    ],
    related: &["tests-failed", "tests-died"],
};

pub(crate) const TESTS_HANG: &Page = &Page {
    code: "tests-hang",
    title: "Tests do not end in time",
    stages: &[Stage::Test],
    means: "The command was still running at its limit, and was ended. The limit is `test.timeout-seconds`, 600 without one. Nothing was pushed or released.",
    noticed: "The time since the command began. The lines below `why` are its last, also one that was only begun.",
    causes: &[
        Origin {
            cause: "A test waits for something that never comes",
            evidence: "The last line names a test, and nothing follows for minutes.",
            fix: "Give the test a limit of its own, and mend it.",
            lines: Lines::App(&["[test]", "command = [\"pytest\", \"--timeout\", \"60\"]"]),
        },
        Origin {
            cause: "All tests pass, and the process does not end",
            evidence: "The last lines are the tool's summary. A server, a timer or a connection stays open.",
            fix: "Close it after the tests, or let the tool force the end.",
            lines: Lines::App(&["[test]", "command = [\"npx\", \"jest\", \"--forceExit\"]"]),
        },
        Origin {
            cause: "The command watches files",
            evidence: "The last lines read `Watch mode` or `Waiting for file changes`.",
            fix: "Run it once.",
            lines: Lines::App(&["[test]", "command = [\"npx\", \"vitest\", \"run\"]"]),
        },
        Origin {
            cause: "The tests take longer than the limit",
            evidence: "Lines come until the end.",
            fix: "Raise the limit.",
            lines: Lines::App(&["[test]", "timeout-seconds = 1800"]),
        },
    ],
    related: &["tests-failed", "tests-died"],
};
