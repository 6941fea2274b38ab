//! Inputs of jobs, each with the end that follows from it.

use windlass_bed::{Repository, Result};

/// Projects of the apps.
pub(crate) const PROJECTS: [&str; 8] =
    ["soak-a", "soak-b", "soak-c", "soak-d", "soak-e", "soak-f", "soak-g", "soak-h"];

/// Apps of each project.
pub(crate) const APPS: usize = 5;

/// Input of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Input {
    /// A new page.
    Good,
    /// The commit of the app's last job whose input was good.
    Unchanged,
    /// A build step ends with 3.
    BuildFails,
    /// The stage `test` ends with 1.
    TestsFail,
    /// The app ends with 1.
    Crashes,
    /// A new page, and the job is cancelled at once.
    Cancelled,
}

impl Input {
    /// Returns an input by a number below 100.
    pub(crate) fn drawn(number: u32) -> Self {
        match number {
            0..44 => Self::Good,
            44..60 => Self::Unchanged,
            60..72 => Self::BuildFails,
            72..80 => Self::TestsFail,
            80..90 => Self::Crashes,
            _ => Self::Cancelled,
        }
    }

    /// Returns whether the job's commit has a page that is to be served.
    pub(crate) fn is_good(self) -> bool {
        matches!(self, Self::Good | Self::Unchanged | Self::Cancelled)
    }

    /// Returns the outcome, and the code of the diagnosis or an empty text.
    pub(crate) fn expected(self) -> (&'static str, &'static str) {
        match self {
            Self::Good | Self::Unchanged | Self::Cancelled => ("succeeded", ""),
            Self::BuildFails => ("failed", "build-step-failed"),
            Self::TestsFail => ("failed", "tests-failed"),
            Self::Crashes => ("failed", "app-crashes"),
        }
    }

    /// Commits the input, with this page, and returns the commit's id.
    pub(crate) fn commit(self, repository: &Repository, page: &str) -> Result<String> {
        let serve = "[\"python3\", \"-m\", \"http.server\", \"8080\"]";
        let (step, command) = match self {
            Self::BuildFails => ("RUN echo broken && exit 3\n", serve),
            Self::Crashes => ("", "[\"python3\", \"-c\", \"raise SystemExit('no database')\"]"),
            _ => ("", serve),
        };
        let mut dockerfile = format!(
            "FROM python:3.11-slim AS app\nWORKDIR /app\nCOPY index.html ./\n{step}USER 10001\n\
             EXPOSE 8080\nCMD {command}\n"
        );
        if self == Self::TestsFail {
            dockerfile.push_str(
                "FROM app AS test\nCMD [\"sh\", \"-c\", \"echo one of one failed; exit 1\"]\n",
            );
            dockerfile.push_str("FROM app\n");
        }
        repository.write("Dockerfile", &dockerfile)?;
        repository.write("index.html", &format!("{page}\n"))?;
        repository.write("windlass.toml", "[resources]\ncpu = \"10m\"\nmemory = \"32Mi\"\n")?;
        repository.commit(&format!("{self:?} {page}"))
    }
}
