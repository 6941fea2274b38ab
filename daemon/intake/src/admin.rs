//! Health and metrics, for a listener that the Internet does not reach.

use crate::{answer::answer, metrics::Metrics};
use axum::{
    Router,
    body::Body,
    extract::State,
    http::{HeaderValue, Response, StatusCode, header},
    routing::get,
};
use serde_json::{Value, json};
use std::{sync::Arc, time::Duration};
use tokio::time::timeout;
use windlass_engine::ports::store::Store;
use windlass_model::cluster::Targets;

/// Time for which the store is waited for.
const PATIENCE: Duration = Duration::from_secs(5);

/// Content type of OpenMetrics.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Parts that are asked about.
#[derive(Clone)]
pub struct Admin {
    pub store: Arc<dyn Store>,
    /// Clusters of the operator.
    pub targets: Arc<Targets>,
    pub metrics: Metrics,
}

/// Returns the router for `/healthz`, `/readyz` and `/metrics`.
pub fn admin_router(admin: Admin) -> Router {
    Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .with_state(admin)
}

/// Answers whether jobs can be accepted. A cluster that is away keeps nobody from the others, and changes no status.
async fn ready(State(admin): State<Admin>) -> Response<Body> {
    let store = match timeout(PATIENCE, admin.store.check()).await {
        Ok(Ok(())) => None,
        Ok(Err(error)) => Some(error.to_string()),
        Err(_) => Some(format!("the store did not answer within {} s", PATIENCE.as_secs())),
    };
    let reached = admin.metrics.reached();
    let cluster = |name: &str| {
        let known = reached.iter().find(|(own, _)| own == name);
        let state = match known {
            None => "unknown",
            Some((_, true)) => "reached",
            Some((_, false)) => "not-reached",
        };
        json!({ "name": name, "last_job": state })
    };
    let clusters: Vec<Value> =
        admin.targets.all.iter().map(|target| cluster(&target.name)).collect();
    let status = if store.is_none() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let store = store.unwrap_or_else(|| "ok".to_owned());
    answer(status, &json!({ "store": store, "clusters": clusters }))
}

async fn metrics(State(admin): State<Admin>) -> Response<Body> {
    let scraped = timeout(PATIENCE, admin.metrics.scrape(&*admin.store)).await;
    let why = match scraped {
        Ok(Ok(text)) => {
            let mut response = Response::new(Body::from(text));
            let kind = HeaderValue::from_static(OPEN_METRICS);
            response.headers_mut().insert(header::CONTENT_TYPE, kind);
            return response;
        }
        Ok(Err(error)) => error.to_string(),
        Err(_) => format!("the store did not answer within {} s", PATIENCE.as_secs()),
    };
    answer(StatusCode::SERVICE_UNAVAILABLE, &json!({ "error": why }))
}

#[cfg(test)]
mod tests;
