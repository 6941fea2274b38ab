//! The way of each request: identified first, bounded in time, and counted on its connection.

use crate::errors;
use axum::{Router, body::Body};
use std::{convert::Infallible, sync::Arc, time::Duration};
use tokio::time::timeout;
use tonic::{
    Status,
    codegen::{
        BoxFuture, Context, Poll, Service,
        http::{Request, Response},
    },
    service::Routes,
};
use windlass_listen::{Callers, Connection, Identity, InUse};

/// Method that a load balancer asks without a login.
const PROBE: &str = "/grpc.health.v1.Health/Check";

/// Methods that check a repository out, take a folder, review a cluster, compile plugins or move many messages.
const LONG: [&str; 7] = [
    "/windlass.v1.Clusters/Put",
    "/windlass.v1.Clusters/Test",
    "/windlass.v1.Jobs/Plan",
    "/windlass.v1.Jobs/PlanFolder",
    "/windlass.v1.Jobs/Submit",
    "/windlass.v1.Plugins/Reload",
    "/windlass.v1.Queue/ReplayDead",
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
    routes: Router,
    callers: Arc<Callers>,
    times: CallTimes,
}

impl Door {
    pub(crate) fn new(routes: Routes, callers: Arc<Callers>, times: CallTimes) -> Self {
        Self { routes: routes.prepare().into_axum_router(), callers, times }
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
            Err(refused) => Err(errors::refused(&refused)),
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
        let is_long = LONG.contains(&request.uri().path());
        let limit = if is_long { self.times.long_call } else { self.times.call };
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
                refused = revoked => return Ok(errors::refused(&refused).into_http()),
            };
            let Ok(answer) = answer else {
                return Ok(errors::late(limit.as_secs()).into_http());
            };
            let answer = answer?;
            Ok(match in_use {
                Some(in_use) => answer.map(|body| in_use.hold(body)),
                None => answer,
            })
        })
    }
}
