//! Bodies of changes: JSON, and nothing else. A form of another site cannot send it.

use crate::problem::Problem;
use axum::{
    Json,
    extract::{FromRequest, Request},
};
use serde::{Deserialize, de::DeserializeOwned};

/// Content of a change that needs no field.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Empty {}

/// A body whose fault is answered as JSON, too.
pub(super) struct Body<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        match Json::<T>::from_request(request, state).await {
            Ok(Json(body)) => Ok(Self(body)),
            Err(error) => Err(Problem::new(error.status(), "body-invalid", error.body_text())
                .with_fix("send JSON, as application/json")),
        }
    }
}
