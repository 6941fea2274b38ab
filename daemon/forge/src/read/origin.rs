//! Repository and sender of an event.

use super::fields::{id, text};
use crate::error::Unreadable;
use windlass_model::delivery::{Change, Report};

/// Repository and sender of an event. The default names neither.
#[derive(Default)]
pub(super) struct Origin {
    repository_id: String,
    repository_name: String,
    sender: String,
}

impl Origin {
    /// Makes an origin of the repository's id at the forge, `field`, and of what people read.
    pub(super) fn new(
        field: &str,
        repository_id: String,
        repository_name: Option<&str>,
        sender: Option<&str>,
    ) -> Result<Self, Unreadable> {
        Ok(Self {
            repository_id: id(field, repository_id)?,
            repository_name: text(repository_name.unwrap_or_default()),
            sender: text(sender.unwrap_or_default()),
        })
    }

    /// Returns the report of a change.
    pub(super) fn report(self, event: String, forge_id: String, change: Change) -> Report {
        let Self { repository_id, repository_name, sender } = self;
        Report { event, forge_id, repository_id, repository_name, sender, change }
    }
}
