//! Output of a guest while it runs, beside what it returns.

/// Output of a guest while it runs.
pub(crate) enum GuestOutput {
    /// A line of its log.
    Line(String),
    /// An effect outside of its memory.
    Effect(Effect),
}

/// One thing that a guest did outside of its memory, or was refused.
#[derive(Clone, Debug, Default)]
pub(crate) struct Effect {
    pub(crate) capability: &'static str,
    pub(crate) what: String,
    /// Reason of the refusal. `None` means that it was done.
    pub(crate) denied: Option<String>,
    pub(crate) bytes: u64,
    pub(crate) ms: u64,
}

impl Effect {
    pub(crate) fn done(capability: &'static str, what: String) -> Self {
        Self { capability, what, ..Self::default() }
    }

    pub(crate) fn denied(capability: &'static str, what: String, why: String) -> Self {
        Self { capability, what, denied: Some(why), ..Self::default() }
    }
}
