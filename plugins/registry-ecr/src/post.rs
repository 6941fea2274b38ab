//! Requests to AWS, which all have one form.

use windlass_plugin_sdk::http::{HeaderValue, Part, Request};

/// Returns a POST with the limits that are common to all requests.
pub(crate) fn post<'a>(
    url: &str,
    headers: Vec<(String, HeaderValue<'a>)>,
    body: Vec<Part<'a>>,
) -> Request<'a> {
    let method = "POST".to_owned();
    let url = url.to_owned();
    Request { method, url, headers, body, timeout_ms: 15_000, max_response: 256 << 10 }
}
