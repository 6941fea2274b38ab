//! One address for gRPC and for pages: the content type of a request says which of them it is for.

use crate::door::Door;
use axum::{
    BoxError, Router,
    body::{Body, Bytes, HttpBody},
};
use std::convert::Infallible;
use tonic::codegen::{
    BoxFuture, Context, Poll, Service,
    http::{Request, Response, StatusCode, Version, header::CONTENT_TYPE},
};

/// Beginning of the content type of each request of gRPC.
const GRPC: &[u8] = b"application/grpc";

/// The gRPC services, and the pages beside them.
#[derive(Clone)]
pub(crate) struct Front {
    door: Door,
    /// `None` means that a request of another kind than gRPC is refused.
    pages: Option<Router>,
}

impl Front {
    pub(crate) fn new(door: Door, pages: Option<Router>) -> Self {
        // As tonic prepares its own: once, and not at each request.
        Self { door, pages: pages.map(|pages| pages.with_state(())) }
    }
}

impl<B> Service<Request<B>> for Front
where
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<Response<Body>, Infallible>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let request = request.map(Body::new);
        let kind = request.headers().get(CONTENT_TYPE);
        if !kind.is_some_and(|kind| kind.as_bytes().starts_with(GRPC)) {
            return match &mut self.pages {
                Some(pages) => Box::pin(pages.call(request)),
                None => refused(
                    StatusCode::UNSUPPORTED_MEDIA_TYPE,
                    "this address speaks gRPC: expected the content type application/grpc\n",
                ),
            };
        }
        if request.version() < Version::HTTP_2 {
            // The status of a call is in trailers, which most clients of HTTP/1.1 do not get.
            return refused(
                StatusCode::HTTP_VERSION_NOT_SUPPORTED,
                "gRPC needs HTTP/2: connect without a proxy that speaks HTTP/1.1\n",
            );
        }
        self.door.call(request)
    }
}

fn refused(status: StatusCode, why: &'static str) -> BoxFuture<Response<Body>, Infallible> {
    let mut answer = Response::new(Body::from(why));
    *answer.status_mut() = status;
    Box::pin(std::future::ready(Ok(answer)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::door::CallTimes;
    use std::{sync::Arc, time::Duration};
    use tonic::{Code, Status, service::Routes};
    use windlass_listen::{Access, Callers};

    async fn answer(pages: bool, kind: &str, version: Version) -> Response<Body> {
        let times = CallTimes { call: Duration::from_secs(1), long_call: Duration::from_secs(1) };
        let callers = Arc::new(Callers::new(Access::default()));
        let pages = pages.then(|| Router::new().fallback(|| async { "a page" }));
        let mut front = Front::new(Door::new(Routes::default(), callers, times), pages);
        let request = Request::get("/windlass.v1.Jobs/List")
            .version(version)
            .header(CONTENT_TYPE, kind)
            .body(Body::empty());
        front.call(request.unwrap()).await.unwrap()
    }

    #[tokio::test]
    async fn the_content_type_decides() {
        for kind in ["application/grpc", "application/grpc+proto", "application/grpc;charset=utf-8"]
        {
            let answer = answer(true, kind, Version::HTTP_2).await;
            let status = Status::from_header_map(answer.headers()).map(|status| status.code());
            assert_eq!(status, Some(Code::Unauthenticated), "{kind}");
        }
        for kind in ["text/html", "application/json", ""] {
            for version in [Version::HTTP_11, Version::HTTP_2] {
                let answer = answer(true, kind, version).await;
                let body = axum::body::to_bytes(answer.into_body(), 64).await.unwrap();
                assert_eq!(&body[..], b"a page", "{kind}");
            }
        }
    }

    #[tokio::test]
    async fn what_cannot_be_answered_is_refused_with_the_reason() {
        let status = answer(false, "text/html", Version::HTTP_2).await.status();
        assert_eq!(status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
        let status = answer(true, "application/grpc", Version::HTTP_11).await.status();
        assert_eq!(status, StatusCode::HTTP_VERSION_NOT_SUPPORTED);
    }
}
