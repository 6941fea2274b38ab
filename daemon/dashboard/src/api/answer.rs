//! Types that the handlers of the JSON API share.

use crate::{problem::Problem, state::Shared};
use axum::{Json, extract::Path};
use serde::Serialize;
use std::sync::Arc;
use windlass_model::app::App;
use windlass_service::ServiceError;

/// Answer of a request.
pub(super) type Answer<T> = Result<Json<T>, Problem>;

/// State of all requests.
pub(super) type Door = axum::extract::State<Arc<Shared>>;

/// A page of a list.
#[derive(Serialize)]
pub(super) struct Page<T> {
    pub(super) items: Vec<T>,
    /// `before` of the next page. `None` means that this page is the last.
    pub(super) next: Option<String>,
}

/// Returns `None` for an empty text: an empty field of a form chooses nothing.
pub(super) fn given(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.is_empty())
}

/// Names of an app in an address.
pub(super) type Names = Path<(String, String, String)>;

/// Returns the app that an address names.
pub(super) fn app(Path((project, name, environment)): Names) -> Result<App, Problem> {
    let app = App::new(&project, &name, &environment);
    app.map_err(|error| ServiceError::from(error).into())
}
