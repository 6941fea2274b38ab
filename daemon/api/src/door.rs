//! The way of each request: identified first, bounded in time, and counted on its connection.

use crate::{
    auth::{Callers, Identity},
    errors,
    listen::{Connection, InUse},
};
use http_body_util::BodyExt;
use std::{convert::Infallible, sync::Arc, time::Duration};
use tokio::time::timeout;
use tonic::{
    Status,
    body::Body,
    codegen::{
        BoxFuture, Context, Poll, Service,
        http::{Request, Response},
    },
    service::Routes,
};

/// Method that a load balancer asks without a login.
const PROBE: &str = "/grpc.health.v1.Health/Check";

/// Methods that check a repository out, take a folder or compile plugins.
const LONG: [&str; 4] = [
    "/windlass.v1.Jobs/Plan",
    "/windlass.v1.Jobs/PlanFolder",
    "/windlass.v1.Jobs/Submit",
    "/windlass.v1.Plugins/Reload",
];

/// Methods that may wait for minutes before they have an effect: they end when their caller is revoked. A reload does
/// not: it is what revokes, perhaps its own caller.
const REVOCABLE: [&str; 3] =
    ["/windlass.v1.Jobs/Plan", "/windlass.v1.Jobs/PlanFolder", "/windlass.v1.Jobs/Submit"];

/// Times that calls may take until they are answered. The events and lines of a stream come after its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallTimes {
    /// Time of each call.
    pub call: Duration,
    /// Time of a call that checks a repository out or compiles plugins.
    pub long_call: Duration,
}

/// All services, behind identification.
#[derive(Clone)]
pub(crate) struct Door {
    routes: Routes,
    callers: Arc<Callers>,
    times: CallTimes,
}

impl Door {
    pub(crate) fn new(routes: Routes, callers: Arc<Callers>, times: CallTimes) -> Self {
        Self { routes: routes.prepare(), callers, times }
    }

    /// Identifies the caller, and marks the connection as used. `None` means a probe without a login, for which the
    /// connection's deadline stays.
    fn enter(&self, request: &Request<Body>) -> Result<Option<(Identity, Option<InUse>)>, Status> {
        match self.callers.identify(request.extensions(), request.headers()) {
            Ok(identity) => {
                let connection = request.extensions().get::<Connection>();
                Ok(Some((identity, connection.map(Connection::used))))
            }
            Err(_) if request.uri().path() == PROBE => Ok(None),
            Err(status) => Err(status),
        }
    }
}

impl Service<Request<Body>> for Door {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<Response<Body>, Infallible>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Service::<Request<Body>>::poll_ready(&mut self.routes, context)
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        let entered = match self.enter(&request) {
            Ok(entered) => entered,
            Err(status) => return Box::pin(std::future::ready(Ok(status.into_http()))),
        };
        let mut revoked = None;
        let in_use = entered.and_then(|(identity, in_use)| {
            let is_revocable = REVOCABLE.contains(&request.uri().path());
            revoked = is_revocable.then(|| identity.clone().revoked());
            request.extensions_mut().insert(identity);
            in_use
        });
        let limit = match LONG.contains(&request.uri().path()) {
            true => self.times.long_call,
            false => self.times.call,
        };
        let answer = self.routes.call(request);
        let revoked = async move {
            match revoked {
                Some(revoked) => revoked.await,
                None => std::future::pending().await,
            }
        };
        Box::pin(async move {
            let answer = tokio::select! {
                answer = timeout(limit, answer) => answer,
                status = revoked => return Ok(status.into_http()),
            };
            let Ok(answer) = answer else {
                return Ok(errors::late(limit.as_secs()).into_http());
            };
            Ok(answer?.map(|body| held(body, in_use)))
        })
    }
}

/// Returns a body that holds its connection in use until it is sent or dropped.
fn held(body: Body, in_use: Option<InUse>) -> Body {
    Body::new(body.map_frame(move |frame| {
        let _held = &in_use;
        frame
    }))
}
