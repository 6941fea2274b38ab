//! Requests in the form that GitHub expects, and the meaning of its answers.

use crate::outgoing::{
    call::{Answer, Call, Meaning},
    login::Login,
};
use http::{HeaderName, HeaderValue, Method, header};
use url::Url;

/// Characters of a description.
pub(crate) const DESCRIPTION: usize = 140;

/// Makes a request with a body.
pub(crate) fn json(method: Method, url: Url, login: &Login, body: &serde_json::Value) -> Call {
    as_github(Call::json(method, url, body), login)
}

/// Makes a request without a body.
pub(crate) fn get(url: Url, login: &Login) -> Call {
    as_github(Call::get(url), login)
}

fn as_github(call: Call, login: &Login) -> Call {
    let accept = HeaderValue::from_static("application/vnd.github+json");
    let version = HeaderName::from_static("x-github-api-version");
    call.with((header::ACCEPT, accept))
        .with((version, HeaderValue::from_static("2022-11-28")))
        .with(login.header())
}

/// Returns the meaning of an answer. A limit of rates may come as 403, like a lack of rights.
pub(crate) fn meaning(answer: &Answer, now_ms: u64) -> Meaning {
    let is_limited = answer.status == 403
        && (answer.header("retry-after").is_some()
            || answer.header("x-ratelimit-remaining") == Some("0")
            || answer.excerpt().to_ascii_lowercase().contains("rate limit"));
    if is_limited {
        let until_ms = answer.limited_until(now_ms);
        return Meaning::RateLimited { until_ms, why: answer.excerpt() };
    }
    Meaning::of(answer, now_ms)
}
