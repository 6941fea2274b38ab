//! Pages of a new version before it gets requests, read through the API server: its pods need no address outside of the
//! cluster.

use crate::{
    client::{Client, limited},
    render::preview_name,
};
use http::Request;
use hyper::body::Body as _;
use kube::{client::Body, core::Status};
use std::{future::poll_fn, pin::Pin, time::Duration};
use tokio::time::timeout;
use windlass_engine::ports::WebAnswer;
use windlass_model::{error::ClusterError, job::Release};

/// Time in which a page must have answered.
const ANSWER: Duration = Duration::from_secs(10);

/// Bytes of the body that are read.
const SHOWN: usize = 1 << 10;

/// Returns the answer of a release's preview Service to a GET of a path. A redirect is an answer, and so is the 503 of
/// the API server where no pod is ready.
pub(crate) async fn ask(
    client: &Client,
    release: &Release,
    path: &str,
) -> Result<WebAnswer, ClusterError> {
    let what = format!("Service {}", preview_name(release));
    let request = Request::get(address(release, path)).body(Body::empty());
    let request = request.map_err(|error| ClusterError::Rejected {
        object: what.clone(),
        message: format!("its page `{path}` is no path of an URL: {error}"),
    })?;
    let inner = client.inner();
    let answered = timeout(ANSWER, async {
        let answer = limited(inner.send(request), &what).await?;
        let status = answer.status().as_u16();
        let body = beginning(answer.into_body()).await;
        if let Some(refused) = refusal(status, &body) {
            return limited(async { Err(kube::Error::Api(Box::new(refused))) }, &what).await;
        }
        Ok(WebAnswer { status, body: String::from_utf8_lossy(&body).into_owned() })
    });
    match answered.await {
        Ok(answer) => answer,
        Err(_) => {
            // A cluster that is away is no page that hangs.
            client.check().await?;
            let body = format!("no answer within {} s", ANSWER.as_secs());
            Ok(WebAnswer { status: 504, body })
        }
    }
}

/// Returns the path of the API server that leads to a page of the preview Service.
fn address(release: &Release, path: &str) -> String {
    format!(
        "/api/v1/namespaces/{}/services/http:{}:{}/proxy/{}",
        release.app.namespace(),
        preview_name(release),
        release.runtime.expose.port,
        path.trim_start_matches('/')
    )
}

/// Reads the beginning of a body. One that breaks off ends there.
async fn beginning(mut body: Body) -> Vec<u8> {
    let mut read = Vec::new();
    while read.len() < SHOWN {
        let frame = poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await;
        let Some(Ok(frame)) = frame else { break };
        if let Some(data) = frame.data_ref() {
            let rest = SHOWN.saturating_sub(read.len());
            read.extend(data.iter().take(rest));
        }
    }
    read
}

/// Returns the API server's own refusal to ask the page. `None` means that the answer is the page's, or about the
/// Service behind it.
fn refusal(status: u16, body: &[u8]) -> Option<Status> {
    if !matches!(status, 401 | 403) {
        return None;
    }
    let refused: Status = serde_json::from_slice(body).ok()?;
    let is_ours = refused.reason == "Unauthorized" || refused.message.contains("services/proxy");
    (is_ours && refused.code == status).then_some(refused)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use windlass_model::app::App;

    #[test]
    fn a_page_is_asked_through_the_api_server() {
        let app = App::new("shop", "web", "").unwrap();
        let mut release = Release::bare("1", &app, &["default".to_owned()]);
        release.runtime.expose.port = 80;
        let services = "/api/v1/namespaces/shop--production/services";
        for (path, expected) in [
            ("/", "http:web-preview:80/proxy/"),
            ("/healthz?full=1", "http:web-preview:80/proxy/healthz?full=1"),
        ] {
            assert_eq!(address(&release, path), format!("{services}/{expected}"));
        }
    }

    #[tokio::test]
    async fn only_the_beginning_of_a_body_is_read() {
        assert_eq!(beginning(Body::from(b"well".to_vec())).await, b"well");
        assert_eq!(beginning(Body::empty()).await, b"");
        let long = vec![b'x'; SHOWN * 3];
        assert_eq!(beginning(Body::from(long)).await.len(), SHOWN);
    }

    #[test]
    fn a_right_that_is_missing_is_no_answer_of_the_page() {
        let status = |code: u16, reason: &str, message: &str| json!({ "kind": "Status", "code": code, "reason": reason, "message": message });
        let rights = "services \"http:web-preview:80\" is forbidden: User \"w\" cannot get resource \"services/proxy\" in API group \"\" in the namespace \"shop--production\"";
        for (code, body, is_refused) in [
            (403, status(403, "Forbidden", rights).to_string(), true),
            (401, status(401, "Unauthorized", "Unauthorized").to_string(), true),
            (403, status(403, "Forbidden", "members alone").to_string(), false),
            (403, "<h1>members alone</h1>".to_owned(), false),
            (401, String::new(), false),
            (503, status(503, "ServiceUnavailable", "no endpoints").to_string(), false),
            (200, status(200, "", "services/proxy").to_string(), false),
        ] {
            assert_eq!(refusal(code, body.as_bytes()).is_some(), is_refused, "{code} {body}");
        }
    }
}
