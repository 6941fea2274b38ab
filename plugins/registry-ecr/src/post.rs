//! A request to AWS, as all of them are.

use windlass_plugin_sdk::http::{HeaderValue, Part, Request};

/// Returns a POST.
pub(crate) fn post<'a>(
    url: &str,
    headers: Vec<(String, HeaderValue<'a>)>,
    body: Vec<Part<'a>>,
) -> Request<'a> {
    let method = "POST".to_owned();
    let url = url.to_owned();
    Request { method, url, headers, body, timeout_ms: 15_000, max_response: 256 << 10 }
}
