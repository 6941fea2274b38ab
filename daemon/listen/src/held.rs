//! Body of an answer that holds something until it is sent or dropped, such as the use of its connection.

use axum::{Error, body::Body};
use hyper::body::{Bytes, Frame, SizeHint};
use std::{
    pin::Pin,
    task::{Context, Poll},
};

/// A body as it was, with the length that it had: an answer that hides its length is sent in chunks, and differs from
/// one whose caller is unknown.
pub(crate) struct Held<T> {
    body: Body,
    _holds: T,
}

impl<T> Held<T> {
    pub(crate) fn new(body: Body, holds: T) -> Self {
        Self { body, _holds: holds }
    }
}

impl<T: Unpin> hyper::body::Body for Held<T> {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
