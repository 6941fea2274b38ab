//! The one caller of a queue.

use std::sync::Arc;
use windlass_service::Caller;

/// Returns the caller that all messages of the queue are from. `None` means that the operator allows nobody by that name
/// now.
pub type CallerOf = Arc<dyn Fn() -> Option<Caller> + Send + Sync>;
