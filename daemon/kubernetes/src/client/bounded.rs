//! Answers of API servers that strangers run: no more of one is read than a release can need.

use futures::future::BoxFuture;
use http::{Request, Response, Uri};
use hyper::body::{Body, Bytes, Frame, Incoming, SizeHint};
use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};
use tower::{BoxError, Service};

/// Bounds of an answer that is read at once, such as a list.
const WHOLE: Limit = Limit { bytes: 16 << 20, objects: 250_000 };

/// Bounds of a line of a watch: one object, of which etcd takes 1.5 MiB.
const WATCH_LINE: Limit = Limit { bytes: 4 << 20, objects: 50_000 };

/// Bounds of a line of a log, which is cut as it is read.
const LOG_LINE: Limit = Limit { bytes: 16 << 20, objects: usize::MAX };

/// Bound of what comes, of the whole or of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Limit {
    bytes: usize,
    /// `{` in it: `{}` in a list of pods is three bytes of the answer, and two thousand of ours.
    objects: usize,
}

impl Limit {
    /// Returns what is left after some bytes. `None` means that they are too many.
    fn after(self, data: &[u8]) -> Option<Self> {
        let objects = data.iter().filter(|byte| **byte == b'{').count();
        Some(Self {
            bytes: self.bytes.checked_sub(data.len())?,
            objects: self.objects.checked_sub(objects)?,
        })
    }
}

/// Service whose answers are bounded.
#[derive(Clone)]
pub(super) struct Bounding<S>(pub(super) S);

/// Body of an answer, up to its bound.
#[derive(Debug)]
pub(super) struct Bounded<B = Incoming> {
    inner: B,
    left: Limit,
    limit: Limit,
    /// The bounds are those of a line.
    by_line: bool,
}

impl<B> Bounded<B> {
    fn new(inner: B, limit: Limit) -> Self {
        Self { inner, left: limit, limit, by_line: limit != WHOLE }
    }

    /// Counts bytes that came. `false` means that they are too many.
    fn take(&mut self, mut data: &[u8]) -> bool {
        if self.by_line
            && let Some(rest) = data.rsplit(|byte| *byte == b'\n').next()
            && rest.len() < data.len()
        {
            (self.left, data) = (self.limit, rest);
        }
        match self.left.after(data) {
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
        let what = if this.by_line { "a line of the answer" } else { "the answer" };
        let Limit { bytes, objects } = this.limit;
        let error = format!(
            "{what} of the API server has more than {} MiB, or than {objects} objects in them",
            bytes >> 20
        );
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
        let limit = limit_of(request.uri());
        let answer = self.0.call(request);
        Box::pin(async move { Ok(answer.await?.map(|body| Bounded::new(body, limit))) })
    }
}

/// Returns the bounds of the answer to a request. A watch goes on until somebody ends it. A log is read by its lines,
/// except for one that is asked for with a limit of its own.
fn limit_of(uri: &Uri) -> Limit {
    let has = |start: &str| {
        uri.query().unwrap_or_default().split('&').any(|part| part.starts_with(start))
    };
    if has("watch=true") {
        WATCH_LINE
    } else if uri.path().ends_with("/log") && !has("limitBytes=") {
        LOG_LINE
    } else {
        WHOLE
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::stream;
    use http_body_util::{BodyExt, StreamBody};
    use std::convert::Infallible;

    /// Reads chunks with a bound of five bytes and two objects, and returns whether all were read.
    async fn is_read(chunks: &[&'static str], by_line: bool) -> bool {
        let frames: Vec<Result<_, Infallible>> = chunks
            .iter()
            .map(|chunk| Ok(Frame::data(Bytes::from_static(chunk.as_bytes()))))
            .collect();
        let inner = StreamBody::new(stream::iter(frames));
        let limit = Limit { bytes: 5, objects: 2 };
        let bounded = Bounded { inner, left: limit, limit, by_line };
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
            (&["{}", "{}"], false, true),
            (&["{", "{{"], false, false),
            (&["{{\n{", "{"], true, true),
            (&["{{", "{"], true, false),
        ] {
            assert_eq!(is_read(chunks, by_line).await, expected, "{chunks:?} {by_line}");
        }
    }

    #[test]
    fn watches_and_logs_are_bounded_by_their_lines() {
        for (uri, expected) in [
            ("/api/v1/pods?watch=true&labelSelector=a", WATCH_LINE),
            ("/api/v1/namespaces/a/pods/b/log?container=c&follow=true", LOG_LINE),
            ("/api/v1/namespaces/a/pods/b/log?container=c&tailLines=9", LOG_LINE),
            ("/api/v1/namespaces/a/pods/b/log?limitBytes=9&tailLines=9", WHOLE),
            ("/api/v1/pods?labelSelector=watch", WHOLE),
            ("/api/v1/pods", WHOLE),
        ] {
            assert_eq!(limit_of(&uri.parse().unwrap()), expected, "{uri}");
        }
    }
}
