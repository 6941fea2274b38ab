//! Runtimes, and their names in files of several tools.

use super::Grammar;

/// A runtime of the table, or of a tag that floats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Runtime {
    Node,
    Bun,
    Deno,
    Python,
    Go,
    Ruby,
    Java,
    Php,
    Rust,
    Dotnet,
    Elixir,
    Erlang,
}

impl Runtime {
    /// Returns the name in `[build] versions`, in the operator's settings and in decisions.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.tools().first().copied().unwrap_or_default()
    }

    /// Returns the name for messages.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Node => "Node",
            Self::Bun => "Bun",
            Self::Deno => "Deno",
            Self::Python => "Python",
            Self::Go => "Go",
            Self::Ruby => "Ruby",
            Self::Java => "Java",
            Self::Php => "PHP",
            Self::Rust => "Rust",
            Self::Dotnet => ".NET",
            Self::Elixir => "Elixir",
            Self::Erlang => "Erlang",
        }
    }

    /// Returns the names in .tool-versions and mise.toml. The first is our own.
    pub(super) fn tools(self) -> &'static [&'static str] {
        match self {
            Self::Node => &["node", "nodejs"],
            Self::Bun => &["bun"],
            Self::Deno => &["deno"],
            Self::Python => &["python"],
            Self::Go => &["go", "golang"],
            Self::Ruby => &["ruby"],
            Self::Java => &["java"],
            Self::Php => &["php"],
            Self::Rust => &["rust"],
            Self::Dotnet => &["dotnet", "dotnet-core"],
            Self::Elixir => &["elixir"],
            Self::Erlang => &["erlang"],
        }
    }

    /// Returns the number of parts of a release cycle: 22, but 3.12.
    pub(super) fn parts(self) -> usize {
        match self {
            Self::Python | Self::Go | Self::Ruby | Self::Php | Self::Elixir => 2,
            _ => 1,
        }
    }

    /// Returns the grammar of ranges that people write for this runtime.
    #[must_use]
    pub fn grammar(self) -> Grammar {
        match self {
            Self::Node | Self::Bun | Self::Deno => Grammar::Npm,
            Self::Python => Grammar::Pep440,
            Self::Ruby | Self::Elixir | Self::Erlang => Grammar::Ruby,
            Self::Php => Grammar::Composer,
            Self::Go => Grammar::Go,
            Self::Java | Self::Rust | Self::Dotnet => Grammar::Plain,
        }
    }

    /// Returns the version where nothing asks for one. `None` means the newest maintained release.
    pub(super) fn default(self) -> Option<&'static str> {
        match self {
            Self::Java => Some("21"),
            Self::Ruby => Some("3.4"),
            // Pinned packages of the last years have no wheels for the newest release yet.
            Self::Python => Some("3.13"),
            Self::Rust | Self::Bun => Some("1"),
            _ => None,
        }
    }
}
