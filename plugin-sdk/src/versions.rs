//! Versions of runtimes: who asks for one, and the release that is taken for it.
//!
//! A range gets the newest maintained release that it allows, by the grammar of its ecosystem. [`releases`] has the
//! table of releases. An operator's `prefer` goes before it where the range allows it: his registry may mirror some
//! bases only.

mod chain;
mod composer;
mod go;
mod grammar;
mod npm;
mod pep440;
mod range;
pub mod releases;
mod resolve;
mod ruby;
mod runtime;

pub use chain::{Chain, at, file, prefer};
pub use resolve::resolve;
pub use runtime::Runtime;

/// Grammar of a range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grammar {
    /// npm's: `>=18 <21`, `18.x || 20.x`, `^22.1`.
    Npm,
    /// Python's specifiers (PEP 440): `>=3.12,<3.13`, `~=3.11`.
    Pep440,
    /// Ruby's and Elixir's: `~> 3.2`, `>= 3.1, < 3.4`.
    Ruby,
    /// Composer's: `^8.2`, `~8.2.0`, `8.1 - 8.3`.
    Composer,
    /// Comparisons with versions: `>=1.24`.
    Go,
    /// A version, or the beginning of one. Ranges are read as [`Grammar::Go`] reads them.
    Plain,
}

/// A version or range that something in the tree asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// As it is written.
    pub text: String,
    /// File, line and rule, such as `package.json:9 engines.node`.
    pub source: String,
    /// Grammar of the text.
    pub grammar: Grammar,
}

/// The version that was taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chosen {
    /// Tag of the image: `22`, `20.17.0`, `3.12`.
    pub version: String,
    /// Who asked, or `default`.
    pub source: String,
    /// Day from which this release has had no fixes. `None` means that it is maintained, or that the table does
    /// not know.
    pub ended: Option<String>,
    /// Nothing in the tree asks for a version.
    pub is_default: bool,
}
