//! The page's files, from the program itself.

use axum::{
    extract::Path,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use include_dir::{Dir, include_dir};

/// The bundle: see `web/` for its sources.
static DIST: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/web/dist");

/// `cache-control` of a file whose name holds the hash of its bytes.
const FOREVER: &str = "public, max-age=31536000, immutable";

/// Returns the page, which finds out itself what to show.
pub(crate) async fn page(headers: HeaderMap) -> Response {
    file("index.html", &headers, "no-store")
}

/// Returns a file that the page loads.
pub(crate) async fn asset(Path(name): Path<String>, headers: HeaderMap) -> Response {
    file(&name, &headers, FOREVER)
}

fn file(name: &str, headers: &HeaderMap, keep: &'static str) -> Response {
    let Some(kind) = kind(name) else { return StatusCode::NOT_FOUND.into_response() };
    let packed = format!("{name}.gz");
    let packed = DIST.get_file(&packed).filter(|_| takes_gzip(headers));
    let Some(file) = packed.or_else(|| DIST.get_file(name)) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let mut response = file.contents().into_response();
    for (name, value) in [
        (header::CONTENT_TYPE, kind),
        (header::CACHE_CONTROL, keep),
        (header::VARY, "accept-encoding"),
    ] {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    if packed.is_some() {
        response.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    response
}

/// Returns the type of a file. `None` means that no such file is served.
fn kind(name: &str) -> Option<&'static str> {
    match name.rsplit_once('.')?.1 {
        "html" => Some("text/html; charset=utf-8"),
        "js" => Some("text/javascript; charset=utf-8"),
        "css" => Some("text/css; charset=utf-8"),
        _ => None,
    }
}

fn takes_gzip(headers: &HeaderMap) -> bool {
    let accepted = headers.get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok());
    let mut encodings = accepted.unwrap_or_default().split(',').map(str::trim);
    encodings.any(|encoding| encoding == "gzip" || encoding.starts_with("gzip;q=1"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_file_that_the_page_loads_is_there() {
        let index = DIST.get_file("index.html").unwrap().contents_utf8().unwrap();
        let names: Vec<_> =
            index.split("\"/assets/").skip(1).filter_map(|rest| rest.split('"').next()).collect();
        assert!(names.len() >= 2, "{index}");
        for name in names {
            let response = file(name, &HeaderMap::new(), FOREVER);
            assert_eq!(response.status(), StatusCode::OK, "{name}");
            assert_eq!(response.headers()[header::CACHE_CONTROL], FOREVER);
        }
        // The policy allows neither.
        assert!(!index.contains("<style") && !index.contains("style="), "{index}");
    }

    #[test]
    fn a_browser_that_takes_it_gets_the_compressed_file() {
        let gzip =
            HeaderMap::from_iter([(header::ACCEPT_ENCODING, HeaderValue::from_static("br, gzip"))]);
        let response = file("index.html", &gzip, "no-store");
        assert_eq!(response.headers()[header::CONTENT_ENCODING], "gzip");
        let plain = file("index.html", &HeaderMap::new(), "no-store");
        assert!(plain.headers().get(header::CONTENT_ENCODING).is_none());
        for missing in ["index.html.gz", "none.js", "../Cargo.toml", ""] {
            assert_eq!(file(missing, &gzip, FOREVER).status(), StatusCode::NOT_FOUND, "{missing}");
        }
    }
}
