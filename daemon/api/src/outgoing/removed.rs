//! Message of an object that a removal finds.

use windlass_proto::v1;
use windlass_service::RemovedObject;

/// Returns the message for an object that a removal finds.
pub(crate) fn removed(found: RemovedObject) -> v1::RemovedObject {
    let RemovedObject { cluster, object, stays } = found;
    v1::RemovedObject { object, cluster, stays: stays.unwrap_or_default() }
}
