//! Builders of a test plan.

use crate::bindings::test_runner::exports::windlass::plugin::test_runner::TestPlan;

impl TestPlan {
    /// Makes a plan of a command. Nothing in the tree says that there are tests, until [`TestPlan::tells`] does.
    #[must_use]
    pub fn new<T: AsRef<str>>(argv: &[T]) -> Self {
        Self {
            command: texts(argv),
            env: Vec::new(),
            caches: Vec::new(),
            reports: Vec::new(),
            tells: false,
            evidence: Vec::new(),
            attrs: Vec::new(),
        }
    }

    /// Sets a variable, beside those of the stage.
    #[must_use]
    pub fn env(mut self, name: &str, value: impl Into<String>) -> Self {
        self.env.push((name.to_owned(), value.into()));
        self
    }

    /// Adds globs of files that the command writes, relative to its working directory.
    #[must_use]
    pub fn reports<T: AsRef<str>>(mut self, globs: &[T]) -> Self {
        self.reports.extend(texts(globs));
        self
    }

    /// Adds folders that outlive the run.
    #[must_use]
    pub fn caches<T: AsRef<str>>(mut self, folders: &[T]) -> Self {
        self.caches.extend(texts(folders));
        self
    }

    /// Sets whether something in the tree says that there are tests, so that none run is an error.
    #[must_use]
    pub fn tells(mut self, tells: bool) -> Self {
        self.tells = tells;
        self
    }

    /// Records file and rule.
    #[must_use]
    pub fn because(mut self, evidence: impl Into<String>) -> Self {
        self.evidence.push(evidence.into());
        self
    }
}

fn texts<T: AsRef<str>>(texts: &[T]) -> Vec<String> {
    texts.iter().map(|text| text.as_ref().to_owned()).collect()
}
