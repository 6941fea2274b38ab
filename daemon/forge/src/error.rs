//! The reasons why a webhook is refused.

use thiserror::Error;

/// The reason why a request does not prove that the forge sent it. The sentences are for the operator's log: who sent
/// the request learns nothing.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum Unverified {
    /// All secrets are empty. Windlass makes them, so this is no state that a user can reach.
    #[error("the hook has no secret: rotate it, and enter the new one at the forge")]
    NoSecret,
    /// The forge has no secret, or somebody else asks.
    #[error("the header `{header}` is missing: enter the hook's secret at the forge")]
    Unsigned { header: &'static str },
    /// A header cannot be what the forge sends.
    #[error("the header `{header}` {problem}")]
    Malformed {
        header: &'static str,
        /// The fault, and what was expected.
        problem: &'static str,
    },
    /// The bytes, or the secret, are others.
    #[error(
        "the header `{header}` fits none of the hook's secrets: enter the hook's secret at the forge, \
         and let no proxy change the body"
    )]
    Mismatch { header: &'static str },
    /// The signature is right and its time is not: an old request sent again, or a wrong clock.
    #[error(
        "the request was signed {seconds} seconds before or after the time of this machine, and at most \
         {most} are accepted: it was sent again, or a clock is wrong"
    )]
    Stale { seconds: u64, most: u64 },
}

/// The reason why a verified webhook cannot be read.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("`{field}` of the webhook {problem}")]
pub struct Unreadable {
    /// Path of the field within the body, the name of a header, or `body`.
    pub field: String,
    /// The fault, its value, and what was expected.
    pub problem: String,
}

impl Unreadable {
    /// Makes an error of a field and what is wrong with it.
    pub(crate) fn new(field: &str, problem: impl Into<String>) -> Self {
        Self { field: field.to_owned(), problem: problem.into() }
    }
}

/// The reason why a text is no signing key. It never shows the text.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("the signing key {0}, and must be `whsec_` followed by base64 of 24 to 64 bytes")]
pub struct BadKey(pub(crate) &'static str);
