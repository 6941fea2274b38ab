//! Progress of a command: lines, each with the seconds since the command began.

use std::time::Instant;

/// An output for lines of progress. Copies share the beginning.
#[derive(Clone, Copy)]
pub struct Report {
    began: Option<Instant>,
}

impl Report {
    /// Returns a report on standard output, which begins now.
    #[must_use]
    pub fn printed() -> Self {
        Self { began: Some(Instant::now()) }
    }

    /// Returns a report that prints nothing: for test programs, whose output is the test runner's.
    #[must_use]
    pub const fn silent() -> Self {
        Self { began: None }
    }

    /// Prints one line about a part.
    #[expect(clippy::print_stdout, reason = "its purpose is to print progress")]
    pub fn print(&self, part: &str, text: &str) {
        if let Some(began) = self.began {
            println!("[{:>4} s] {part}: {text}", began.elapsed().as_secs());
        }
    }
}
