//! The live connection of a page: events of jobs and changes of lists, over one WebSocket.

mod message;
mod queue;
mod socket;
mod subscription;

pub use message::reread as reread_message;

use crate::{
    guard::{foreign, origin},
    identify::Known,
    origin::{authority, is_same},
    problem::Problem,
    state::Shared,
};
use axum::{
    extract::{State, ws::WebSocketUpgrade},
    response::Response,
};
use http::{HeaderMap, Uri};
use std::sync::Arc;

/// Subprotocol of the messages.
const PROTOCOL: &str = "windlass.v1";

/// Bytes of the largest message of a page.
const LARGEST: usize = 4 << 10;

/// Upgrades a request of the page itself. Cookies go along with a WebSocket of any site, and no rule of browsers keeps
/// other sites from opening one: only the origin tells them apart.
pub(crate) async fn upgrade(
    State(shared): State<Arc<Shared>>,
    known: Known,
    uri: Uri,
    headers: HeaderMap,
    upgrade: WebSocketUpgrade,
) -> Result<Response, Problem> {
    let authority = authority(&uri, &headers).unwrap_or_default();
    if !origin(&headers).is_some_and(|origin| is_same(origin, authority)) {
        return Err(foreign());
    }
    let upgrade = upgrade
        .protocols([PROTOCOL])
        .max_message_size(LARGEST)
        .max_frame_size(LARGEST)
        // Each message is written as it comes, so that no buffer grows beside the queue.
        .write_buffer_size(0);
    Ok(upgrade.on_upgrade(move |socket| socket::serve(socket, shared, known)))
}
