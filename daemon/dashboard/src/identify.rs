//! Identifies the caller of a request: by the cookie of its session, or as every other door does.

use crate::{
    cookie,
    origin::{authority, is_local},
    problem::Problem,
    state::Shared,
};
use axum::{
    extract::{FromRequestParts, Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use http::{Extensions, HeaderMap, StatusCode, Uri, request::Parts};
use std::{sync::Arc, time::Duration};
use tokio::time::timeout;
use windlass_engine::ports::store::SessionRecord;
use windlass_listen::{Connection, Identity};
use windlass_service::{Caller, ServiceError};

/// Time in which a request is answered. The lines of a log come after its answer.
const TIME: Duration = Duration::from_secs(60);

/// A caller who is known.
#[derive(Clone)]
pub(crate) struct Known {
    pub(crate) identity: Identity,
    /// Session of a browser. `None` means a token of the request, a certificate or a user of the unix socket.
    pub(crate) session: Option<SessionRecord>,
}

impl Known {
    pub(crate) fn caller(&self) -> &Caller {
        &self.identity.caller
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Known {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let known = parts.extensions.get::<Self>().cloned();
        known.ok_or_else(|| Problem::unauthenticated("nobody was identified".into()))
    }
}

/// Lets requests of known callers in, in bounded time, and marks their connections as used.
pub(crate) async fn admit(
    State(shared): State<Arc<Shared>>,
    mut request: Request,
    next: Next,
) -> Response {
    let (uri, headers) = (request.uri(), request.headers());
    let known = match identify(&shared, uri, request.extensions(), headers).await {
        Ok(known) => known,
        Err(problem) => return problem.into_response(),
    };
    let in_use = request.extensions().get::<Connection>().map(Connection::used);
    request.extensions_mut().insert(known);
    let Ok(response) = timeout(TIME, next.run(request)).await else {
        let message = format!("the request was not answered within {} s", TIME.as_secs());
        return Problem::new(StatusCode::GATEWAY_TIMEOUT, "call-timed-out", message)
            .with_fix("see the daemon's log")
            .into_response();
    };
    match in_use {
        Some(in_use) => response.map(|body| in_use.hold(body)),
        None => response,
    }
}

/// Returns the caller of a request: of its session, or as every other door knows it.
pub(crate) async fn identify(
    shared: &Shared,
    uri: &Uri,
    extensions: &Extensions,
    headers: &HeaderMap,
) -> Result<Known, Problem> {
    let is_local = authority(uri, headers).is_some_and(is_local);
    let Some(value) = cookie::value(headers, is_local) else {
        let identity = shared.callers.identify(extensions, headers)?;
        return Ok(Known { identity, session: None });
    };
    let session = shared.sessions.used(value).await.map_err(ServiceError::from)?;
    let over = || Problem::unauthenticated("the session is over".into());
    let session = session.ok_or_else(over)?;
    let identity = shared.callers.of_token_hash(&session.token_sha256).ok_or_else(|| {
        Problem::unauthenticated("the operator has revoked the token of this session".into())
    })?;
    Ok(Known { identity, session: Some(session) })
}
