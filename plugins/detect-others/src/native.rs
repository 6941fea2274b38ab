//! Program of C or C++, whichever tool builds it.

pub(crate) const LANGUAGE: &str = "cpp";

/// Program that a build makes.
pub(crate) struct Program {
    /// Path below the app's folder, after the build.
    pub(crate) path: String,
    /// File, line and rule.
    pub(crate) source: String,
    /// Debian packages that the build needs.
    pub(crate) build: Vec<&'static str>,
    /// Debian packages that the program needs.
    pub(crate) run: Vec<&'static str>,
    /// Commands, in order.
    pub(crate) commands: Vec<Vec<&'static str>>,
}
