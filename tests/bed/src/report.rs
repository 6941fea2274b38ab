//! Lines that say what a command is doing, each with the seconds since it began.

use std::time::Instant;

/// A place for lines of progress. Copies share the beginning.
#[derive(Clone, Copy)]
pub struct Report {
    began: Option<Instant>,
}

impl Report {
    /// Prints to standard output, from now on.
    #[must_use]
    pub fn printed() -> Self {
        Self { began: Some(Instant::now()) }
    }

    /// Prints nothing: for test programs, whose output is the test runner's.
    #[must_use]
    pub const fn silent() -> Self {
        Self { began: None }
    }

    /// Prints one line about a part.
    #[expect(clippy::print_stdout, reason = "progress is what it is for")]
    pub fn say(&self, part: &str, text: &str) {
        if let Some(began) = self.began {
            println!("[{:>4} s] {part}: {text}", began.elapsed().as_secs());
        }
    }
}
