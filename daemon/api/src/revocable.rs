//! Streams that end when the operator revokes their caller.

use crate::errors;
use std::{
    pin::Pin,
    task::{Context, Poll},
};
use tokio_stream::Stream;
use tonic::Status;
use windlass_listen::Identity;

/// A stream whose last item is an error if its caller is revoked.
pub(crate) struct Revocable<S> {
    stream: Pin<Box<S>>,
    /// `None` means that the stream has ended with the error.
    revoked: Option<Pin<Box<dyn Future<Output = Status> + Send>>>,
}

impl<S> Revocable<S> {
    pub(crate) fn new(stream: S, identity: Identity) -> Self {
        let revoked = async move { errors::refused(&identity.revoked().await) };
        Self { stream: Box::pin(stream), revoked: Some(Box::pin(revoked)) }
    }
}

impl<T, S: Stream<Item = Result<T, Status>>> Stream for Revocable<S> {
    type Item = Result<T, Status>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        let Some(revoked) = &mut this.revoked else { return Poll::Ready(None) };
        if let Poll::Ready(status) = revoked.as_mut().poll(context) {
            this.revoked = None;
            return Poll::Ready(Some(Err(status)));
        }
        this.stream.as_mut().poll_next(context)
    }
}
