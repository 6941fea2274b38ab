//! Answers to forges, as JSON for people who look at a forge's list of deliveries.

use axum::{
    body::Body,
    http::{HeaderValue, Response, StatusCode, header},
};
use serde_json::{Value, json};
use std::time::Duration;
use windlass_model::delivery::{Verdict, VerdictOutcome};
use windlass_service::Arrived;

/// Seconds after which a forge may send again what could not be stored.
const AGAIN: Duration = Duration::from_secs(10);

/// Returns the answer to a delivery that was stored. One that repeats another has that one's verdicts.
pub(crate) fn arrived(arrived: &Arrived) -> Response<Body> {
    let verdicts: Vec<_> = arrived.verdicts.iter().map(verdict).collect();
    let is_changed = arrived.verdicts.iter().any(|verdict| {
        matches!(&verdict.outcome, VerdictOutcome::Failed { code, .. } if code == "repository-changed")
    });
    // A forge shows only what is no success.
    let status = if is_changed {
        StatusCode::CONFLICT
    } else if arrived.is_new && arrived.verdicts.is_empty() {
        StatusCode::ACCEPTED
    } else {
        StatusCode::OK
    };
    let body = json!({ "delivery": arrived.id, "repeat": !arrived.is_new, "verdicts": verdicts });
    answer(status, &body)
}

fn verdict(verdict: &Verdict) -> Value {
    let Verdict { subject, trigger, outcome, sentence } = verdict;
    let mut fields = vec![
        ("subject", &**subject),
        ("trigger", trigger),
        ("outcome", outcome.word()),
        ("sentence", sentence),
    ];
    match outcome {
        VerdictOutcome::Job { id, commit, .. } => {
            fields.extend([("job", &**id), ("commit", commit)])
        }
        VerdictOutcome::Already { job } => fields.push(("job", job)),
        VerdictOutcome::Failed { code, fix } => fields.extend([("code", &**code), ("fix", fix)]),
        VerdictOutcome::Nothing => {}
    }
    fields.into_iter().map(|(key, value)| (key.to_owned(), Value::from(value))).collect()
}

/// Returns the answer to an unknown hook, and to a request that its forge did not sign.
pub(crate) fn unknown() -> Response<Body> {
    refused(StatusCode::NOT_FOUND, "there is no such hook, or its secret is another one")
}

/// Returns the answer to one request too many.
pub(crate) fn too_many(wait: Duration) -> Response<Body> {
    later(StatusCode::TOO_MANY_REQUESTS, wait, "too many requests")
}

/// Returns the answer where nothing can be stored, or where others have all places.
pub(crate) fn unavailable(why: &str) -> Response<Body> {
    later(StatusCode::SERVICE_UNAVAILABLE, AGAIN, why)
}

fn later(status: StatusCode, wait: Duration, why: &str) -> Response<Body> {
    let mut response = refused(status, why);
    let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds.max(1)));
    response
}

/// Returns an answer with an error for people.
pub(crate) fn refused(status: StatusCode, why: &str) -> Response<Body> {
    answer(status, &json!({ "error": why }))
}

/// Returns an answer in JSON.
pub(crate) fn answer(status: StatusCode, body: &Value) -> Response<Body> {
    let mut response = Response::new(Body::from(format!("{body}\n")));
    *response.status_mut() = status;
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    response
}
