//! Uploads of contexts: how many there are at once, and the thread in which files are selected.

use crate::{context::Context, diffcopy};
use bollard_buildkit_proto::fsutil::types::Packet;
use std::{sync::Arc, thread};
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Status, Streaming, metadata::MetadataMap};

/// Trees that are sent at once by all builds. Each has five threads and a few open files; others wait.
const AT_ONCE: usize = 8;

/// Packets that wait for BuildKit, each of at most 32 KiB.
const WAITING: usize = 64;

/// Places for the uploads of all builds.
#[derive(Clone)]
pub(crate) struct Uploads(Arc<Semaphore>);

impl Default for Uploads {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(AT_ONCE)))
    }
}

/// Selects the files that BuildKit asks for, and begins to send them.
///
/// # Errors
/// `InvalidArgument` for patterns that cannot be read or take too long.
pub(crate) async fn begin(
    uploads: &Uploads,
    context: Arc<Context>,
    metadata: MetadataMap,
    requests: Streaming<Packet>,
) -> Result<ReceiverStream<Result<Packet, Status>>, Status> {
    // One file in memory has nothing to wait for.
    let place = match &*context {
        Context::Tree { .. } => Some(uploads.0.clone().acquire_owned().await),
        Context::Text { .. } => None,
    };
    let place = place.transpose().map_err(|error| Status::internal(error.to_string()))?;
    let (answer, selected) = oneshot::channel();
    let walked = context.clone();
    let select = move || {
        let _ = answer.send(diffcopy::select(&walked, &metadata));
    };
    let thread = thread::Builder::new().name("context-selection".into()).spawn(select);
    thread.map_err(|error| Status::resource_exhausted(format!("no thread for files: {error}")))?;
    let selected = selected.await.map_err(|error| Status::internal(error.to_string()))?;
    let entries = selected.map_err(|bad| {
        Status::invalid_argument(format!("{bad}; it stands in .dockerignore or after COPY"))
    })?;
    let (out, packets) = mpsc::channel(WAITING);
    tokio::spawn(async move {
        let _place = place;
        diffcopy::send(context, entries, requests, out).await;
    });
    Ok(ReceiverStream::new(packets))
}
