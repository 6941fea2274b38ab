//! Types that the handlers of the JSON API share.

use crate::{problem::Problem, state::Shared};
use axum::Json;
use serde::Serialize;
use std::sync::Arc;

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
