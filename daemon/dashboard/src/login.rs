//! Opens and closes sessions.

use crate::{
    cookie,
    guard::origin,
    identify::{Known, identify},
    origin::is_loopback,
    problem::Problem,
    state::Shared,
};
use axum::{
    Json,
    extract::{Extension, State, rejection::JsonRejection},
    response::{IntoResponse, Response},
};
use http::{Extensions, HeaderMap, StatusCode, Uri, header};
use serde::{Deserialize, Serialize};
use std::{
    net::IpAddr,
    sync::{Arc, PoisonError},
    time::Instant,
};
use windlass_listen::{Connection, Identity, token_sha256};
use windlass_service::ServiceError;

/// Proof of a login: a token, or the code of a login link.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub(crate) enum Proof {
    Token(String),
    Code(String),
}

/// Answer to a login.
#[derive(Serialize)]
struct Entered {
    name: String,
}

/// Opens a session, and sets its cookie.
pub(crate) async fn enter(
    State(shared): State<Arc<Shared>>,
    connection: Option<Extension<Connection>>,
    uri: Uri,
    extensions: Extensions,
    headers: HeaderMap,
    proof: Result<Json<Proof>, JsonRejection>,
) -> Result<Response, Problem> {
    let is_secure = is_secure(&headers)?;
    let Json(proof) = proof.map_err(|error| {
        Problem::new(error.status(), "body-invalid", error.body_text())
            .with_fix(r#"send {"token": "…"} as application/json"#)
    })?;
    if let Proof::Code(code) = &proof {
        let here = identify(&shared, &uri, &extensions, &headers).await.ok();
        takes_nobody_over(&shared, here.as_ref(), code)?;
    }
    let address = connection.and_then(|Extension(connection)| connection.address);
    let (token_sha256, identity) = prove(&shared, proof, address)?;
    let name = identity.caller.name.clone();
    let opened = shared.sessions.open(token_sha256, name.clone()).await;
    let value = opened.map_err(ServiceError::from)?;
    tracing::info!(principal = name, "a session of the dashboard was opened");
    let mut response = Json(Entered { name }).into_response();
    if let Some(cookie) = cookie::set(&value, is_secure, shared.sessions.total) {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    Ok(response)
}

/// Refuses the link of one principal where another is logged in: whoever makes a link and has somebody else open it would
/// have that person work in the maker's name. The code stays good. `None` means that nobody is logged in.
fn takes_nobody_over(shared: &Shared, here: Option<&Known>, code: &str) -> Result<(), Problem> {
    let Some(here) = here else { return Ok(()) };
    let linked = shared.codes.token_of(code);
    let linked = linked.and_then(|hash| shared.callers.of_token_hash(&hash));
    // `prove` says what is wrong with a code of nobody.
    let Some(linked) = linked else { return Ok(()) };
    let (here, linked) = (&here.caller().name, &linked.caller.name);
    if here == linked {
        return Ok(());
    }
    let message = format!("the login link is of {linked}, and {here} is logged in here");
    Err(Problem::new(StatusCode::CONFLICT, "logged-in", message)
        .with_fix("log out first if you want this, and open the link again"))
}

/// Returns the token's hash and its principal. A failure is counted for the address.
fn prove(
    shared: &Shared,
    proof: Proof,
    address: Option<IpAddr>,
) -> Result<(String, Identity), Problem> {
    let now = Instant::now();
    let mut failures = shared.failures.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(wait) = failures.wait(address, now) {
        let message = format!("too many logins failed; try again in {} s", wait.as_secs() + 1);
        let status = StatusCode::TOO_MANY_REQUESTS;
        return Err(Problem::new(status, "too-many-failures", message).with_wait(wait));
    }
    let (hash, unknown) = match proof {
        Proof::Token(token) => (Some(token_sha256(&token)), "the token is unknown"),
        Proof::Code(code) => {
            (shared.codes.redeem(&code), "the login link was used, or is older than a minute")
        }
    };
    let found = hash.and_then(|hash| {
        let identity = shared.callers.of_token_hash(&hash)?;
        Some((hash, identity))
    });
    found.ok_or_else(|| {
        failures.add(address, now);
        let address = address.map(tracing::field::display);
        tracing::warn!(address, why = unknown, "a login of the dashboard failed");
        Problem::unauthenticated(unknown.into())
    })
}

/// Returns whether the browser came over TLS, perhaps by a proxy: it says so itself. Over plain HTTP only a page of
/// this machine may log in.
fn is_secure(headers: &HeaderMap) -> Result<bool, Problem> {
    match origin(headers) {
        Some(origin) if origin.starts_with("https://") => Ok(true),
        Some(origin) if is_loopback(origin) => Ok(false),
        // No browser.
        None => Ok(true),
        Some(_) => Err(Problem::new(
            StatusCode::FORBIDDEN,
            "login-in-plain-text",
            "this page came over plain HTTP, so that others could read the token on its way".into(),
        )
        .with_fix("open the page by https, or on the daemon's own machine by http://localhost")),
    }
}

/// Choice of sessions to close.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Leave {
    /// All sessions of the same token.
    #[serde(default)]
    everywhere: bool,
}

/// Closes the caller's session, or all of its token's.
pub(crate) async fn leave(
    State(shared): State<Arc<Shared>>,
    known: Known,
    leave: Result<Json<Leave>, JsonRejection>,
) -> Result<Response, Problem> {
    let Json(leave) =
        leave.map_err(|error| Problem::new(error.status(), "body-invalid", error.body_text()))?;
    if let Some(session) = &known.session {
        let closed = if leave.everywhere {
            shared.sessions.close_all(session).await
        } else {
            shared.sessions.close(session).await
        };
        closed.map_err(ServiceError::from)?;
    }
    let mut response = StatusCode::NO_CONTENT.into_response();
    for cookie in cookie::clear() {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    #[test]
    fn a_token_is_not_taken_over_plain_http_from_elsewhere() {
        let with = |origin: &'static str| {
            HeaderMap::from_iter([(header::ORIGIN, HeaderValue::from_static(origin))])
        };
        assert!(is_secure(&with("https://deploy.example.com")).unwrap());
        assert!(!is_secure(&with("http://127.0.0.1:7070")).unwrap());
        let problem = is_secure(&with("http://deploy.example.com")).unwrap_err();
        assert_eq!(problem.reason(), "login-in-plain-text");
    }

    #[test]
    fn a_proof_is_a_token_or_a_code() {
        let read = |text| serde_json::from_str::<Proof>(text);
        assert!(matches!(read(r#"{"token":"a"}"#), Ok(Proof::Token(_))));
        assert!(matches!(read(r#"{"code":"a"}"#), Ok(Proof::Code(_))));
        assert!(read(r#"{"token":"a","code":"b"}"#).is_err());
    }
}
