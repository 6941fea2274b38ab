//! The app that a webhook is about.

use serde::Serialize;

/// App of a webhook.
#[derive(Clone, Debug, Serialize)]
pub struct EventApp {
    pub project: String,
    pub name: String,
    pub environment: String,
}
