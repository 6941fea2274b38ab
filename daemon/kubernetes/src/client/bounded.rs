//! Answers of API servers that strangers run: no more of one is read than a release can need.

use futures::future::BoxFuture;
use http::{Request, Response, Uri};
use hyper::body::{Body, Bytes, Frame, Incoming, SizeHint};
use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};
use tower::{BoxError, Service};

/// Bytes of the largest answer that is read at once, such as a list.
const LARGEST: usize = 64 << 20;

/// Bytes of the longest line of an answer that goes on, such as a watch or a log.
const LONGEST_LINE: usize = 16 << 20;

/// Service whose answers are bounded.
#[derive(Clone)]
pub(super) struct Bounding<S>(pub(super) S);

/// Body of an answer, up to its bound.
#[derive(Debug)]
pub(super) struct Bounded<B = Incoming> {
    inner: B,
    /// Bytes that may come: of the whole, or of a line.
    left: usize,
    /// Bytes of the longest line. `None` means that the bound is of the whole.
    line: Option<usize>,
}

impl<B> Bounded<B> {
    fn new(inner: B, goes_on: bool) -> Self {
        if goes_on {
            Self { inner, left: LONGEST_LINE, line: Some(LONGEST_LINE) }
        } else {
            Self { inner, left: LARGEST, line: None }
        }
    }

    /// Counts bytes that came. `false` means that they are too many.
    fn take(&mut self, data: &[u8]) -> bool {
        let mut count = data.len();
        if let Some(line) = self.line
            && let Some(rest) = data.rsplit(|byte| *byte == b'\n').next()
            && rest.len() < count
        {
            (self.left, count) = (line, rest.len());
        }
        match self.left.checked_sub(count) {
            Some(left) => {
                self.left = left;
                true
            }
            None => false,
        }
    }
}

impl<B> Body for Bounded<B>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<BoxError>,
{
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = self.get_mut();
        let frame = match ready!(Pin::new(&mut this.inner).poll_frame(context)) {
            Some(Ok(frame)) => frame,
            Some(Err(error)) => return Poll::Ready(Some(Err(error.into()))),
            None => return Poll::Ready(None),
        };
        if frame.data_ref().is_none_or(|data| this.take(data)) {
            return Poll::Ready(Some(Ok(frame)));
        }
        let what = if this.line.is_some() { "a line of the answer" } else { "the answer" };
        let most = this.line.unwrap_or(LARGEST) >> 20;
        let error = format!("{what} of the API server has more than {most} MiB");
        Poll::Ready(Some(Err(error.into())))
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

impl<S, R> Service<Request<R>> for Bounding<S>
where
    S: Service<Request<R>, Response = Response<Incoming>, Error = BoxError>,
    S::Future: Send + 'static,
{
    type Response = Response<Bounded>;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Self::Response, BoxError>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, request: Request<R>) -> Self::Future {
        let goes_on = goes_on(request.uri());
        let answer = self.0.call(request);
        Box::pin(async move { Ok(answer.await?.map(|body| Bounded::new(body, goes_on))) })
    }
}

/// Returns whether the answer to a request goes on until somebody ends it.
fn goes_on(uri: &Uri) -> bool {
    let query = uri.query().unwrap_or_default();
    query.split('&').any(|part| matches!(part, "watch=true" | "follow=true"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::stream;
    use http_body_util::{BodyExt, StreamBody};
    use std::convert::Infallible;

    /// Reads chunks with a bound of five bytes, and returns whether all were read.
    async fn is_read(chunks: &[&'static str], by_line: bool) -> bool {
        let frames: Vec<Result<_, Infallible>> = chunks
            .iter()
            .map(|chunk| Ok(Frame::data(Bytes::from_static(chunk.as_bytes()))))
            .collect();
        let inner = StreamBody::new(stream::iter(frames));
        let bounded = Bounded { inner, left: 5, line: by_line.then_some(5) };
        match bounded.collect().await {
            Ok(read) => {
                assert_eq!(read.to_bytes(), chunks.concat().as_bytes());
                true
            }
            Err(error) => {
                assert!(error.to_string().contains("has more than"), "{error}");
                false
            }
        }
    }

    #[tokio::test]
    async fn an_answer_is_bounded_as_a_whole_and_one_that_goes_on_by_its_lines() {
        for (chunks, by_line, expected) in [
            (&["abc", "de"][..], false, true),
            (&["abc", "def"], false, false),
            (&["a\nb", "c\nd"], false, false),
            (&["a\nb", "c\nd", "efgh\n", "\n"], true, true),
            (&["abcde", "\n", "abcde\n"], true, true),
            (&["abc", "def"], true, false),
            (&["\nabc", "def"], true, false),
            (&[], true, true),
        ] {
            assert_eq!(is_read(chunks, by_line).await, expected, "{chunks:?} {by_line}");
        }
    }

    #[test]
    fn watches_and_logs_that_are_followed_go_on() {
        for (uri, expected) in [
            ("/api/v1/pods?watch=true&labelSelector=a", true),
            ("/api/v1/namespaces/a/pods/b/log?container=c&follow=true", true),
            ("/api/v1/pods?labelSelector=watch", false),
            ("/api/v1/pods", false),
        ] {
            assert_eq!(goes_on(&uri.parse().unwrap()), expected, "{uri}");
        }
    }
}
