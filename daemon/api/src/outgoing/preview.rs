//! Message of a preview environment.

use super::{app, time::timestamp};
use windlass_model::preview::PreviewRecord;
use windlass_proto::v1;

/// Returns the message for a preview.
pub(crate) fn preview(record: PreviewRecord) -> v1::Preview {
    v1::Preview {
        app: Some(app(&record.app)),
        state: record.state.as_str().into(),
        repository: record.repository,
        number: record.number.unwrap_or_default(),
        commit: record.head,
        pushed: Some(timestamp(record.last_push_ms)),
        until: Some(timestamp(record.until_ms)),
        removal: record.removal,
    }
}
