//! State that all requests share.

use crate::{board::Board, codes::LoginCodes, failures::Failures, sessions::Sessions};
use std::sync::{Arc, Mutex};
use tokio_util::sync::CancellationToken;
use windlass_listen::Callers;
use windlass_service::Services;

/// Everything that a request may need.
pub(crate) struct Shared {
    pub(crate) services: Services,
    pub(crate) callers: Arc<Callers>,
    pub(crate) sessions: Sessions,
    /// Names under which the page is reached.
    pub(crate) hosts: Vec<String>,
    pub(crate) codes: LoginCodes,
    pub(crate) failures: Mutex<Failures>,
    pub(crate) board: Board,
    /// Is cancelled when the daemon ends.
    pub(crate) stop: CancellationToken,
}
