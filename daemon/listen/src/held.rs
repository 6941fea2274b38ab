//! Body of an answer that holds its connection in use.

use crate::connection::InUse;
use axum::{Error, body::Body};
use hyper::body::{Bytes, Frame, SizeHint};
use std::{
    pin::Pin,
    task::{Context, Poll},
};

/// A body as it was, with the length that it had: an answer that hides its length is sent in chunks, and differs from
/// one whose caller is unknown.
pub(crate) struct Held {
    body: Body,
    _in_use: InUse,
}

impl Held {
    pub(crate) fn new(body: Body, in_use: InUse) -> Self {
        Self { body, _in_use: in_use }
    }
}

impl hyper::body::Body for Held {
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
