//! Guards every request: its host, its origin, and the headers of its answer.

use crate::{
    origin::{authority, is_known_host, is_same},
    problem::Problem,
    state::Shared,
};
use axum::{
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use std::sync::Arc;

/// Headers of every answer. No script, style, image or font comes from elsewhere, and no other page may frame this one.
const HEADERS: [(&str, &str); 7] = [
    (
        "content-security-policy",
        "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    ),
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
    ("x-frame-options", "DENY"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("permissions-policy", "camera=(), geolocation=(), microphone=()"),
];

/// Remedy for a name under which the page does not answer.
const FIX_OF_HOST: &str = "open it under the host of `listen.url`, which the operator sets in windlassd.toml; or by an IP address or `localhost`";

/// Refuses requests of other sites, and sets the headers of the answer.
pub(crate) async fn guard(
    State(shared): State<Arc<Shared>>,
    request: Request,
    next: Next,
) -> Response {
    let mut response = match check(&request, &shared.hosts) {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    };
    for (name, value) in HEADERS {
        let name = HeaderName::from_static(name);
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    let keep = response.headers_mut().entry(header::CACHE_CONTROL);
    keep.or_insert(HeaderValue::from_static("no-store"));
    response
}

fn check(request: &Request, hosts: &[String]) -> Result<(), Problem> {
    let authority = authority(request.uri(), request.headers()).unwrap_or_default();
    if !is_known_host(authority, hosts) {
        return Err(Problem::new(
            StatusCode::MISDIRECTED_REQUEST,
            "host-unknown",
            format!("`{authority}` is no name of this page"),
        )
        .with_fix(FIX_OF_HOST));
    }
    if matches!(*request.method(), Method::GET | Method::HEAD) {
        return Ok(());
    }
    let is_ours = match fetch_site(request.headers()) {
        Some(site) => matches!(site, "same-origin" | "none"),
        None => match origin(request.headers()) {
            Some(origin) => is_same(origin, authority),
            // No browser: those that send no `Sec-Fetch-Site` send `Origin` with a POST.
            None => true,
        },
    };
    if is_ours { Ok(()) } else { Err(foreign()) }
}

/// Returns the page that sent a request. `None` means that no browser did, or a GET of the same page.
pub(crate) fn origin(headers: &HeaderMap) -> Option<&str> {
    headers.get(header::ORIGIN).and_then(|origin| origin.to_str().ok())
}

fn fetch_site(headers: &HeaderMap) -> Option<&str> {
    headers.get("sec-fetch-site").and_then(|site| site.to_str().ok())
}

/// Returns the problem of a request that another site's page sent.
pub(crate) fn foreign() -> Problem {
    Problem::new(
        StatusCode::FORBIDDEN,
        "origin-foreign",
        "the request was sent by a page of another site".into(),
    )
    .with_fix("open the page under the address that it is reached by, and do it there")
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Body;

    fn request(method: Method, headers: &[(&str, &str)]) -> Request {
        let mut request = Request::builder().method(method).uri("/api/jobs/1/cancel");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(Body::empty()).unwrap()
    }

    #[test]
    fn a_change_comes_from_the_page_itself() {
        let host = ("host", "127.0.0.1:7070");
        for (headers, expected) in [
            (vec![host], true),
            (vec![host, ("sec-fetch-site", "same-origin")], true),
            (vec![host, ("origin", "http://127.0.0.1:7070")], true),
            (vec![host, ("sec-fetch-site", "cross-site")], false),
            // Another port of this machine.
            (vec![host, ("sec-fetch-site", "same-site")], false),
            (vec![host, ("origin", "http://127.0.0.1:8080")], false),
            (vec![host, ("origin", "null")], false),
        ] {
            let checked = check(&request(Method::POST, &headers), &[]);
            assert_eq!(checked.is_ok(), expected, "{headers:?}");
        }
        let read = request(Method::GET, &[host, ("sec-fetch-site", "cross-site")]);
        assert!(check(&read, &[]).is_ok());
    }

    #[test]
    fn a_name_that_leads_here_by_somebody_elses_dns_is_refused() {
        let hosts = ["deploy.example.com".to_owned()];
        let of = |name| request(Method::GET, &[("host", name)]);
        assert!(check(&of("deploy.example.com"), &hosts).is_ok());
        let problem = check(&of("evil.example"), &hosts).unwrap_err();
        assert_eq!(problem.reason(), "host-unknown");
        assert!(FIX_OF_HOST.contains("`listen.url`"), "the key of the configuration");
        assert!(check(&request(Method::GET, &[]), &hosts).is_err());
    }
}
